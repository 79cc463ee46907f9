"""The rules of documents, on values alone: who may do what, who sees what, what a DocumentReference must say."""

import os
import xml.etree.ElementTree as ElementTree
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from dmp_core import categories
from dmp_core.categories import CLASSES, DOCUMENT_KINDS, DOCUMENT_TYPES, DOCUMENTS, FACILITIES, SETTINGS
from dmp_core.rules.documents.labels import Labels, read_labels
from dmp_core.rules.documents.metadata import Metadata, read_metadata
from dmp_core.rules.documents.patches import Changeable, acts_between, apply_patch, refusal_of
from dmp_core.rules.documents.visibility import SEEN, Viewer, ViewerKind, is_visible
from dmp_core.workflow import TRANSITIONS, DocumentAct, DocumentRole, DocumentState, apply
from oauth.rules.scopes import parse
from platform_core.database import run, transaction
from platform_core.errors import Conflict, Forbidden
from tests.dmp_core.conftest import App
from tests.dmp_core.filing import ARCHIVED, NOS, comprehensive, concept, document, label, operation, patch

VALUESETS = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent")).parent / "valuesets"
needs_valuesets = pytest.mark.skipif(not VALUESETS.is_dir(), reason="no folder of value sets beside ENS_SAMPLES_DIR")
APP = App(UUID(int=1), id=UUID(int=2))
ME, OTHER = UUID(int=3), UUID(int=4)
ROLES = [frozenset({role}) for role in DocumentRole]
VIEWERS = [
    *(Viewer(kind, ME) for kind in ViewerKind),
    Viewer(ViewerKind.APPLICATION, ME, frozenset({UUID(int=9)})),
]
DOCUMENTS_OF_GRID = [
    SimpleNamespace(
        id=UUID(int=9),
        state=state,
        masked=masked,
        invisible_to_patient=withheld,
        invisible_to_representatives=hidden,
        author_id=author,
    )
    for state, masked, withheld, hidden, author in product(
        DocumentState, (False, True), (False, True), (False, True), (ME, OTHER, None)
    )
]


@pytest.mark.parametrize("roles", ROLES, ids=lambda roles: "".join(roles))
@pytest.mark.parametrize("state", list(DocumentState))
@pytest.mark.parametrize("act", list(TRANSITIONS))
def test_an_act_is_done_as_the_table_says_and_not_otherwise(
    act: DocumentAct, state: DocumentState, roles: frozenset[DocumentRole]
) -> None:
    transition = TRANSITIONS[act]
    if not transition.by & roles:
        with pytest.raises(Forbidden):
            apply(state, act, roles)
    elif state not in transition.frm:
        with pytest.raises(Conflict):
            apply(state, act, roles)
    else:
        assert apply(state, act, roles) == (transition.to or state)


@pytest.mark.parametrize(
    ("act", "allowed"),
    [
        ("replace", "author"),
        ("delete", "author"),
        ("archive", "author patient professional"),
        ("mask", "author patient"),
        ("unmask", "patient"),
        ("withhold", "author professional"),
        ("announce", "author professional"),
        ("hide", "author patient professional"),
        ("withdraw", "patient"),
    ],
)
def test_who_may_do_what(act: str, allowed: str) -> None:
    assert TRANSITIONS[DocumentAct(act)].by == {DocumentRole(role) for role in allowed.split()}


@pytest.mark.parametrize(
    ("labels", "seen_by"),
    [
        ("", "patient representative professional application"),
        ("masked", "patient representative"),
        ("invisible_to_patient", "professional"),
        ("invisible_to_representatives", "patient professional"),
        ("masked invisible_to_patient", ""),
        ("masked invisible_to_representatives", "patient"),
        ("invisible_to_patient invisible_to_representatives", "professional"),
        ("masked invisible_to_patient invisible_to_representatives", ""),
    ],
)
def test_who_sees_what(labels: str, seen_by: str) -> None:
    shown = _shown(DocumentState.CURRENT, labels, author_id=OTHER)
    seeing = {kind for kind in ViewerKind if is_visible(shown, Viewer(kind, ME))}
    assert seeing == {ViewerKind(kind) for kind in seen_by.split()}
    assert not any(is_visible(_shown(DocumentState.DELETED, labels, author_id=ME), Viewer(k, ME)) for k in ViewerKind)
    own = _shown(DocumentState.SUPERSEDED, labels, author_id=ME)
    assert is_visible(own, Viewer(ViewerKind.PROFESSIONAL, ME)) and is_visible(own, Viewer(ViewerKind.AUTHOR, ME))


def _shown(state: DocumentState, labels: str, author_id: UUID | None) -> SimpleNamespace:
    flags = ("masked", "invisible_to_patient", "invisible_to_representatives")
    given = {name: name in labels.split() for name in flags}
    return SimpleNamespace(id=UUID(int=9), state=state, author_id=author_id, **given)


def test_what_a_patient_keeps_from_an_app_is_hidden_from_that_app_alone() -> None:
    shown = _shown(DocumentState.CURRENT, "", author_id=OTHER)
    assert not is_visible(shown, Viewer(ViewerKind.APPLICATION, ME, frozenset({shown.id})))
    assert is_visible(shown, Viewer(ViewerKind.APPLICATION, ME, frozenset({uuid4()})))


def test_the_statement_says_of_every_case_what_the_rule_says(app) -> None:
    columns = "id, state, masked, invisible_to_patient, invisible_to_representatives, author_id"
    rows = ", ".join(
        f"('{d.id}'::uuid, '{d.state}', {d.masked}, {d.invisible_to_patient}, {d.invisible_to_representatives},"
        f" nullif('{d.author_id or ''}', '')::uuid, {number})"
        for number, d in enumerate(DOCUMENTS_OF_GRID)
    )
    for viewer in VIEWERS:
        statement = f"SELECT n FROM (VALUES {rows}) AS d({columns}, n) WHERE {SEEN[viewer.kind]}"
        with transaction():
            seen = {row.n for row in run(statement, viewer.parameters)}
        expected = {number for number, d in enumerate(DOCUMENTS_OF_GRID) if is_visible(d, viewer)}
        assert seen == expected, viewer


def test_every_type_has_one_kind_and_every_class_is_known() -> None:
    assert len(DOCUMENT_TYPES) == 112
    of_kinds = [found.code.code for kind in DOCUMENT_KINDS.values() for found in kind.types]
    assert sorted(of_kinds) == sorted(DOCUMENT_TYPES)
    assert all(found.class_code in {"", *CLASSES} for found in DOCUMENT_TYPES.values())
    assert [found.code for found in DOCUMENTS] == [
        f"documents.{name}"
        for name in (
            "hospital-reports",
            "biology",
            "imaging",
            "prescriptions",
            "dispensations",
            "synthesis",
            "certificates",
            "vaccination",
            "reimbursements",
            "patient-documents",
            "administrative",
        )
    ]


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        ("patient/DocumentReference.rs", "all"),
        ("patient/DocumentReference.rs?type=http://loinc.org|11502-2", "biology"),
        ("patient/DocumentReference.rs?type=51969-4", "biology"),
        ("patient/DocumentReference.c?type=DOCPAT05", "patient-documents"),
        ("patient/DocumentReference.rs?category=31", "imaging patient-documents"),
        (f"patient/DocumentReference.rs?category={NOS}/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument|42",
         "prescriptions patient-documents"),
        ("patient/DocumentReference.rs?type=nothing", ""),
    ],
)  # fmt: skip
def test_a_scope_on_a_type_names_its_kind_and_one_on_a_class_several(scope: str, kinds: str) -> None:
    read = parse(scope)
    assert read
    covered = {found.code.partition(".")[2] for found in DOCUMENTS if read.covers(found)}
    assert covered == (set(DOCUMENT_KINDS) if kinds == "all" else set(kinds.split()))


def _concepts(name: str) -> list[dict[str, str]]:
    return [dict(found.attrib) for found in ElementTree.parse(VALUESETS / name).iter("{urn:ihe:iti:svs:2008}Concept")]


@needs_valuesets
def test_the_codes_are_those_of_the_published_value_sets() -> None:
    published = {one["code"]: one["codeSystem"] for one in _concepts("JDV_J07_XdsTypeCode_CISIS.xml")}
    assert set(published) - set(DOCUMENT_TYPES) == {"E1762", "FEUILLE-DE-STYLE"}
    assert {code: found.code.oid for code, found in DOCUMENT_TYPES.items()}.items() <= published.items()
    sets = [
        ("JDV_J02_XdsHealthcareFacilityTypeCode_CISIS.xml", FACILITIES),
        ("JDV_J04_XdsPracticeSettingCode_CISIS.xml", SETTINGS),
        ("JDV_J08_XdsConfidentialityCode_CISIS.xml", categories.CONFIDENTIALITIES),
    ]
    for name, kept in sets:
        assert {code: one.oid for code, one in kept.items()} == {
            one["code"]: one["codeSystem"] for one in _concepts(name)
        }
    mapped = ElementTree.parse(VALUESETS / "ASS_X04-CorrespondanceType-Classe-CISIS.xml")
    pairs = [[c.get("code") for c in one] for one in mapped.iter("{urn:ihe:iti:svs:2008}MappedConcept")]
    assert {code: found.class_code for code, found in DOCUMENT_TYPES.items() if found.class_code} == {
        code: class_code for code, class_code in pairs if code in DOCUMENT_TYPES
    }


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), Labels()),
        (("R",), Labels("R")),
        (("N", "MASQUE_PS"), Labels(masked=True)),
        (("INVISIBLE_PATIENT",), Labels(invisible_to_patient=True)),
        (("V", "MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"), Labels("V", True, True, True)),
        (("N", "R"), None),
        (("N", "N"), None),
        (("X",), None),
    ],
)
def test_labels_are_one_level_and_whom_it_is_hidden_from(codes: tuple[str, ...], expected: Labels | None) -> None:
    found = read_labels([label(code) for code in codes], "p")
    assert found == expected if expected else isinstance(found, list) and found
    if expected:
        assert read_labels([label(code) for code in expected.codes], "p") == expected


def _faults(resource: object, *, of_submission: bool = False) -> set[str]:
    found = read_metadata(resource, comprehensive=of_submission)
    return {fault.where.removeprefix("DocumentReference.") for fault in found} if isinstance(found, list) else set()


AT = "content[0].attachment"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({}, ""),
        ({"status": "superseded"}, "status"),
        ({"type": None}, "type"),
        ({"code": "00000-0"}, "type"),
        ({"system": "http://example.fr"}, "type"),
        ({"subject": None}, "subject"),
        ({"date": None}, "date"),
        ({"date": "2026-02-30"}, "date"),
        ({"author": None}, "author"),
        ({"content_type": None}, f"{AT}.contentType"),
        ({"attachment": {"title": None}}, f"{AT}.title"),
        ({"attachment": {"contentType": "application/zip"}}, f"{AT}.contentType"),
        ({"attachment": {"hash": "AAAA"}}, f"{AT}.hash"),
        ({"creation": "2026-13-01"}, f"{AT}.creation"),
        ({"category": [concept("x", "10")]}, "category"),
        ({"labels": ("X",)}, "securityLabel[0]"),
        ({"context": {"period": {"start": "2026-06-12", "end": "2026-06-01"}}}, "context.period"),
        ({"context": {"facilityType": concept("urn:oid:1.2.250.1.71.4.2.4", "SA99")}},
         "context.facilityType context.practiceSetting"),
        ({"context": {"facilityType": concept("urn:oid:1.2.250.1.71.4.2.4", "SA01")}}, "context.practiceSetting"),
        ({"relatesTo": [{"code": "replaces", "target": {"reference": f"DocumentReference/{n}"}} for n in "ab"]},
         "relatesTo"),
        ({"title": "x" * 1001}, "masterIdentifier"),
    ],
)  # fmt: skip
def test_what_a_document_reference_must_say(changes: dict[str, object], where: str) -> None:
    assert _faults(document(APP, **changes)) == set(where.split())


def test_one_document_each() -> None:
    resource = document(APP)
    resource["content"] *= 2
    assert _faults(resource) == {"content"}


@pytest.mark.parametrize(
    "element",
    ["contained", "masterIdentifier", "category", "securityLabel", f"{AT}.size", f"{AT}.hash", f"{AT}.creation"],
)
def test_a_submission_asks_for_the_comprehensive_metadata(element: str) -> None:
    assert _faults(comprehensive(APP, "urn:uuid:b"), of_submission=True) == set()
    *path, last = element.split(".")
    changes = {"attachment": {last: None}} if path else {element: None}
    if element == "securityLabel":
        changes = {"labels": ()}
    assert _faults(comprehensive(APP, "urn:uuid:b", **changes), of_submission=True) == {element}


def test_a_document_of_an_app_without_more_is_of_a_referenced_service_and_of_the_class_of_its_type() -> None:
    read = read_metadata(document(APP, code="11502-2", custodian=None), comprehensive=False)
    assert isinstance(read, Metadata)
    assert read.facility.endswith("|SNR") and read.setting.endswith("|SNR")
    assert (read.type.kind, read.class_code) == ("biology", "10")
    assert read.format == f"{NOS}/TRE_A11-IheFormatCode/FHIR/TRE-A11-IheFormatCode|urn:ihe:lab:xd-lab:2008"
    assert (read.author.person, read.effective_at.isoformat()) == ("Dr Sophie Martin", "2026-06-12T08:00:00+00:00")
    assert [warning.where for warning in read.warnings] == ["DocumentReference.custodian"]


def test_an_author_is_followed_through_what_is_contained() -> None:
    contained = [
        {
            "resourceType": "PractitionerRole",
            "id": "r",
            "practitioner": {"reference": "#p"},
            "organization": {"reference": "#o"},
            "specialty": [{"text": "Cardiologie"}],
            "code": [{"coding": [{"display": "Praticien"}]}],
        },
        {
            "resourceType": "Practitioner",
            "id": "p",
            "identifier": [{"system": "urn:oid:1.2.250.1.71.4.2.1", "value": "810101201234"}],
            "name": [{"family": "Lefèvre", "given": ["Anne"], "prefix": ["Dr"]}],
        },
        {"resourceType": "Organization", "id": "o", "name": "CHU de Valmont"},
    ]
    read = read_metadata(document(APP, contained=contained, author=[{"reference": "#r"}]), comprehensive=False)
    assert isinstance(read, Metadata)
    author = read.author
    assert (author.person, author.institution) == ("Dr Anne Lefèvre", "CHU de Valmont")
    assert (author.specialty, author.role) == ("Cardiologie", "Praticien")
    assert author.keys == ("urn:oid:1.2.250.1.71.4.2.1|810101201234", "family:lefevre", "given:anne")


PATHS = {"status": "DocumentReference.status", "labels": "DocumentReference.securityLabel"}
MASKED, WITHHELD = ({"valueCodeableConcept": label(code)} for code in ("MASQUE_PS", "INVISIBLE_PATIENT"))
TRUE, FALSE = {"valueBoolean": True}, {"valueBoolean": False}


@pytest.mark.parametrize(
    ("operations", "acts"),
    [
        ([operation("replace", PATHS["status"], value={"valueCode": "entered-in-error"})], "delete"),
        ([operation("replace", f"DocumentReference.extension.where(url='{ARCHIVED}').value", value=TRUE)], "archive"),
        ([operation("add", "DocumentReference", "extension",
                    {"part": [{"name": "url", "valueUri": ARCHIVED}, {"name": "value", **TRUE}]})], "archive"),
        ([operation("add", "DocumentReference", "extension",
                    {"part": [{"name": "url", "valueUri": ARCHIVED}, {"name": "valueBoolean", **TRUE}]})], "archive"),
        ([operation("add", "DocumentReference", "securityLabel", MASKED)], "mask"),
        ([operation("insert", PATHS["labels"], value=WITHHELD)], "withhold"),
        ([operation("delete", f"{PATHS['labels']}.where(coding.code='INVISIBLE_REPRESENTANTS_LEGAUX')")], "unhide"),
        ([operation("delete", f"{PATHS['labels']}[1]")], "unhide"),
        ([operation("replace", f"{PATHS['labels']}[1]", value=MASKED)],
         "mask unhide"),
        ([operation("replace", f"{PATHS['labels']}[7]", value=MASKED)], "?"),
        ([operation("replace", f"{PATHS['labels']}[0]", value={"valueCodeableConcept": label("N")})], "?"),
        ([operation("replace", PATHS["status"], value={"valueCode": "superseded"})], "?"),
        ([operation("replace", PATHS["status"], value={"valueCode": "current"})], ""),
        ([operation("delete", PATHS["status"])], "?"),
        ([operation("replace", PATHS["status"])], "?"),
        ([operation("replace", "DocumentReference.content", value={"valueString": "x"})], "?"),
        ([operation("add", "DocumentReference", "text", {"valueString": "x"})], "?"),
        ([operation("move", PATHS["status"])], "?"),
        ([operation("add", "DocumentReference", "securityLabel", {"valueString": "x"})], "?"),
        ([], "?"),
    ],
)  # fmt: skip
def test_a_patch_comes_down_to_acts_or_is_refused(operations: list[dict[str, object]], acts: str) -> None:
    before = Changeable("current", Labels("R", invisible_to_representatives=True), archived=False)
    after = apply_patch(patch(*operations), before)
    refused = isinstance(after, list) or refusal_of(before, after) is not None
    assert refused == (acts == "?")
    if not refused:
        assert list(acts_between(before, after)) == acts.split()
