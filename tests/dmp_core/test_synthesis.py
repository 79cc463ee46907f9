"""The medical summary of a treating doctor: put together from the record, kept, signed, read back; who may not."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.cda.document import ClinicalDocument
from dmp_core.cda.reading import read
from dmp_core.cda.statements import Allergy, FamilyHistory, Medication, Problem, Procedure, Result, Vaccination
from dmp_core.fhir.summary import Person
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents as queries
from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.professionals.agreements import Choices
from dmp_core.rules.profile.steps import STEPS
from dmp_core.rules.profile.told import Told
from dmp_core.rules.synthesis.drafts import Added, Draft, Line, News
from dmp_core.rules.synthesis.sections import SECTIONS
from dmp_core.service.documents import acts
from dmp_core.service.professionals import records
from dmp_core.service.professionals.agreements import choose_access
from dmp_core.service.professionals.records import Opening
from dmp_core.service.profile.demonstration import tell_profile_for_demo
from dmp_core.service.profile.summing import write_patient_summary
from dmp_core.service.profile.telling import tell
from dmp_core.service.synthesis import drafting, signing
from dmp_core.service.synthesis.drafting import Summary
from identity_core.models import RepresentationKind
from identity_core.rules import Mandate, Power
from identity_core.service import representations
from identity_core.service.seeding import Seeded
from platform_core import crypto
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.blobs import service as blobs
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, run, transaction
from platform_core.errors import Conflict, Forbidden, Invalid
from tests.dmp_core.summing import BORN, fill_a_record_to_sum_up, herself
from tests.recalling import recalled
from tests.signing_in import read_csrf_token, sign_in_citizen, sign_in_professional

Said = Mapping[str, str]


@pytest.fixture
def people(app: Flask, clock: FrozenClock) -> Seeded:
    return recalled("a record to sum up", fill_a_record_to_sum_up)


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@contextmanager
def opened(people: Seeded, doctor: str = "dr-martin", name: str = "Sophie Martin") -> Iterator[Opening]:
    camille = people.patients["camille"]
    by = Actor(ActorKind.PROFESSIONAL, people.professionals[doctor], name)
    with transaction(patient_id=camille):
        yield records.open_record(patient_id=camille, by=by)


def summed(people: Seeded) -> Summary:
    with opened(people) as opening:
        return drafting.open_summary(opening)


def line(summary: Summary, words: str) -> Line:
    """The line of a fact that begins with these words."""
    return next(one for one in summary.lines if one.text.startswith(words))


def texts(summary: Summary, section: str) -> list[str]:
    return [one.text for one in summary.lines if one.section == section]


def reworded(summary: Summary, changes: Said, *, without: tuple[str, ...] = (), **more: object) -> Draft:
    """The draft of a summary whose lines that hold some words are put otherwise, or left out."""
    lines = [
        replace(
            one,
            text=next((new for old, new in changes.items() if old in one.text), one.text),
            kept=one.kept and not any(words in one.text for words in without),
        )
        for one in summary.lines
    ]
    return replace(replace(summary, lines=lines).draft, **more)  # type: ignore[arg-type]


def sign(people: Seeded, place: str = "SA07") -> UUID:
    with opened(people) as opening:
        summary = drafting.open_summary(opening)
        read_so = summary.digest
        return signing.sign_summary(opening, expected=read_so, place=place, request_id="req")


def filed(camille: UUID, id: UUID) -> tuple[DocumentRow, ClinicalDocument]:
    with transaction(patient_id=camille):
        row = queries.get_document(patient_id=camille, document_id=id, viewer=Viewer(ViewerKind.PATIENT))
        content = b"".join(blobs.read(row.blob, key=crypto.patient_key(camille)))
    return row, read(content)


def mask_summary_of_demo(people: Seeded) -> None:
    """Hide the summary that the record already held, within a transaction of its patient."""
    (row,) = run("SELECT id FROM dmp_document WHERE type_code = 'SYNTH'", {})
    acts.mask_document(patient_id=people.patients["camille"], document_id=row.id, by=herself(people))


def test_each_section_has_lines_with_their_sources_and_nothing_that_is_masked(people: Seeded, camille: UUID) -> None:
    summary = summed(people)
    assert {one.section for one in summary.lines} == set(SECTIONS)
    assert all(one.proposal and one.proposal.sources for one in summary.lines)
    penicillin = line(summary, "Pénicilline")
    assert penicillin.proposal and penicillin.remark == "Risque grave"
    assert [one.label for one in penicillin.proposal.sources] == ["Dit par le patient", "Synthèse médicale"]
    ended, unsaid = line(summary, "Desloratadine"), line(summary, "Salbutamol")
    assert (ended.remark, ended.kept, unsaid.remark, unsaid.kept) == ("Arrêté", False, "", True)
    taken = [one for one in summary.lines if one.section == "traitements" and one.text.startswith("Ramipril")]
    assert {
        one.text[:14].strip(): [source.label for source in one.proposal.sources] for one in taken if one.proposal
    } == {
        "Ramipril 10 mg": ["Ordonnance de cardiologie"],
        "Ramipril 5 mg,": ["Ordonnance : traitement habituel", "Synthèse médicale"],
    }, "two strengths are two lines"
    assert not [one for one in texts(summary, "traitements") if "Amoxicilline" in one], "six days are not for long"
    (question,) = (one for one in texts(summary, "vigilance") if "même substance" in one)
    assert "Ramipril 10 mg" in question and "Ramipril 5 mg" in question
    assert (line(summary, "Lombalgie").section, line(summary, "Lombalgie").remark) == ("antecedents", "Résolu")
    assert texts(summary, "famille") == ["Père : Infarctus du myocarde avant 55 ans"]
    assert texts(summary, "contexte") == ["Vit avec sa fille, aide sa mère au quotidien"]
    assert [one for one in texts(summary, "resultats") if "mUI/L (habituel : 0,27 à 4,20)" in one]
    weight = line(summary, "Poids").proposal
    assert weight and weight.sources[0].measure == "body-weight"

    with transaction(patient_id=camille):
        mask_summary_of_demo(people)
        run("UPDATE dmp_measure SET hidden_at = now()", {})
        run("UPDATE dmp_document SET invisible_to_patient = true WHERE title = 'Ordonnance de cardiologie'", {})
        run("UPDATE dmp_entry SET hidden_at = now() WHERE category = 'profile.family-history'", {})
    masked = summed(people)
    assert not [one for one in masked.lines if "Asthme" in one.text or "Poids" in one.text or "Infarctus" in one.text]
    alone = line(masked, "Pénicilline").proposal
    assert alone and [one.label for one in alone.sources] == ["Dit par le patient"]
    assert not texts(masked, "actes")
    assert not [one for one in masked.lines if "Ramipril 10 mg" in one.text], "what is not announced stays untold"


def test_the_demonstration_tells_its_profile_once(people: Seeded, camille: UUID) -> None:
    def told() -> int:
        return len(run("SELECT 1 FROM dmp_entry WHERE source = 'urn:ens:patient'", {}))

    with transaction(patient_id=camille):
        before = told()
        tell_profile_for_demo(patient_id=camille, born=BORN, by=herself(people))
        assert (before, told()) == (7, 7)


def test_a_draft_is_kept_sealed_offers_what_is_new_and_lapses(
    people: Seeded, camille: UUID, clock: FrozenClock
) -> None:
    with opened(people) as opening:
        summary = drafting.open_summary(opening)
        own = [Added("contexte", "Refuse la télésurveillance")]
        comments = {"allergies": "Revoir l’allergologue"}
        draft = reworded(summary, {"Asthme": "Asthme équilibré"}, without=("Lombalgie",), added=own, comments=comments)
        drafting.keep_draft(opening, draft, over=None)
        (row,) = run("SELECT content FROM dmp_synthesis_draft", {})
        assert b"Asthme" not in bytes(row.content)
    with transaction(patient_id=people.patients["dominique"]):
        assert run("SELECT 1 FROM dmp_synthesis_draft", {}) == []
    clock.move(days=1)
    with transaction(patient_id=camille):
        told = Told("Migraine", "active", "", "2020")
        tell(patient_id=camille, born=BORN, step=STEPS["maladies"], told=told, by=herself(people))
    found = summed(people)
    assert [(one.text, one.news, one.kept) for one in found.news] == [("Migraine, depuis 2020", News.NEW, False)]
    asthma = line(found, "Asthme équilibré")
    assert (asthma.kept, asthma.record_says, line(found, "Lombalgie").kept) == (True, "Asthme, depuis 1997", False)
    assert "Refuse la télésurveillance" in texts(found, "contexte") and found.comments == comments

    with transaction(patient_id=camille):
        mask_summary_of_demo(people)
    hidden = summed(people)
    assert hidden.gone > 0 and not [one for one in hidden.lines if "Asthme" in one.text]

    clock.move(days=30)
    assert summed(people).changed_at is None, "thirty days after it was kept, a draft is no more"
    with transaction(role=DatabaseRole.BATCH):
        assert (drafting.drop_lapsed(), drafting.drop_lapsed()) == (1, 0)


def test_a_signed_summary_is_read_back_as_it_was_written(people: Seeded, camille: UUID) -> None:
    def held() -> Counter[str]:
        with transaction(patient_id=camille):
            categories = ["profile.conditions", "profile.allergies", "profile.treatments", "vaccinations"]
            viewer = Viewer(ViewerKind.PATIENT)
            return Counter(
                row.category for row in list_entries(patient_id=camille, viewer=viewer, categories=categories)
            )

    before = held()
    with opened(people) as opening:
        summary = drafting.open_summary(opening)
        own = [Added("pathologies", "Lombalgie chronique"), Added("allergies", "Pas d’autre allergie")]
        comments = {"vigilance": "Surveiller le souffle."}
        drafting.keep_draft(
            opening, reworded(summary, {"Asthme": "Asthme équilibré"}, added=own, comments=comments), over=None
        )
    row, document = filed(camille, sign(people))
    header = document.header
    assert (row.type_code, row.class_code, row.state) == ("SYNTH", "11", "current")
    assert "urn:asip:ci-sis:vsm:2012" in row.body and '"authenticator"' in row.body
    assert "1.2.250.1.213.1.1.1.13" in header.templates
    assert [one.rpps for one in header.authors] == [header.legal_authenticator and header.legal_authenticator.rpps]
    assert header.authors[0].name == "Sophie Martin" and row.author_id == people.professionals["dr-martin"]
    assert not document.unread
    stated = Counter(type(one) for one in document.statements)
    assert stated == {Problem: 5, Procedure: 1, Allergy: 1, FamilyHistory: 1, Medication: 5, Result: 3, Vaccination: 4}
    problems = {one.code.words: one for one in document.statements if isinstance(one, Problem)}
    assert problems["Hypertension artérielle essentielle"].code.code == "I10"
    assert problems["Asthme équilibré"].code.code == "", "other words are no code"
    assert (problems["Appendicite aiguë"].active, problems["Lombalgie chronique"].active) == (False, True)
    for words in ("Surveiller le souffle.", "Pas d’autre allergie", "Poids", "Dit par le patient", "Le médecin"):
        assert words in document.text
    assert held() - before == Counter({"profile.conditions": 1}), "only what the doctor added is a new fact"
    with transaction(patient_id=camille):
        (notice,) = run("SELECT link FROM notification_message WHERE kind = 'dmp.synthesis-signed'", {})
        doctor = {"doctor": people.professionals["dr-martin"]}
        created = "SELECT categories, outcome FROM core_journal WHERE interaction = 'create' AND actor_id = %(doctor)s"
        lines = run(created, doctor)
    assert notice.link == f"/espace/dossier/documents/{row.id}"
    assert [(list(one.categories), one.outcome) for one in lines] == [(["documents.synthesis"], "served")]


def test_the_next_summary_begins_from_the_one_signed_and_takes_its_place(
    people: Seeded, camille: UUID, clock: FrozenClock
) -> None:
    with opened(people) as opening:
        summary = drafting.open_summary(opening)
        own = [Added(name, f"Ajout du médecin, {name}") for name in SECTIONS]
        drafting.keep_draft(
            opening,
            reworded(summary, {"Asthme": "Asthme équilibré"}, without=("Salbutamol",), added=own),
            over=None,
        )
    first = sign(people)
    clock.move(days=1)
    with transaction(patient_id=camille):
        told = Told("Migraine", "active", "", "2020")
        tell(patient_id=camille, born=BORN, step=STEPS["maladies"], told=told, by=herself(people))
    again = summed(people)
    assert (again.changed_at, again.signed_id) == (None, first)
    assert [(one.text, one.kept) for one in again.news] == [("Migraine, depuis 2020", True)]
    assert line(again, "Asthme équilibré").kept and not line(again, "Salbutamol").kept
    added = [one for one in again.lines if one.text.startswith("Ajout du médecin")]
    assert [(one.section, one.text, one.kept) for one in added] == [(one.section, one.text, True) for one in own]
    found = [one.proposal.sources[0].document_id for one in added if one.proposal]
    assert found == [first] * 8, "what a program can read of it is a fact of the record since"
    second = sign(people)
    row, document = filed(camille, second)
    old, _ = filed(camille, first)
    assert (old.state, row.replaces) == ("superseded", first)
    (related,) = document.header.related
    assert (related.relation, f"urn:oid:{related.unique_id}", document.header.version) == ("RPLC", old.unique_id, 2)
    problems = [one.code.words for one in document.statements if isinstance(one, Problem)]
    assert problems.count(own[0].text) == 1 and "Migraine" in problems
    with transaction(patient_id=camille):
        viewer = Viewer(ViewerKind.PATIENT)
        conditions = list_entries(patient_id=camille, viewer=viewer, categories=["profile.conditions"])
    held = [one.document_id for one in conditions if one.label == own[0].text]
    assert held == [second], "what the document before told is told by the one that took its place"


def test_a_masked_summary_tells_nothing_to_the_next_which_is_masked_too(people: Seeded, camille: UUID) -> None:
    with opened(people) as opening:
        own = [Added("pathologies", "Anxiété"), Added("vigilance", "Secret")]
        drafting.keep_draft(
            opening,
            reworded(drafting.open_summary(opening), {}, added=own, comments={"contexte": "Tu"}),
            over=None,
        )
    first = sign(people)
    with transaction(patient_id=camille):
        acts.mask_document(patient_id=camille, document_id=first, by=herself(people))
    again = summed(people)
    assert not [one for one in again.lines if one.text in ("Anxiété", "Secret")] and not again.comments
    row, _ = filed(camille, sign(people))
    assert (row.masked, row.replaces) == (True, first)


def test_what_cannot_be_signed_changes_nothing(people: Seeded, camille: UUID) -> None:
    with opened(people) as opening:
        summary = drafting.open_summary(opening)
        right = summary.digest
        for expected, place, error, code in (
            ("0" * 64, "SA07", Conflict, "summary-changed"),
            (right, "", Invalid, "invalid-document"),
        ):
            with pytest.raises(error) as refused:
                signing.sign_summary(opening, expected=expected, place=place, request_id="")
            assert refused.value.code == code
        with pytest.raises(Invalid, match="kept so") as refused:
            drafting.keep_draft(opening, Draft(added=[Added("contexte", "x" * 501)]), over=None)
        assert refused.value.code == "invalid-summary"
        drafting.keep_draft(opening, reworded(summary, {}, without=("",)), over=None)
        with pytest.raises(Invalid) as refused:
            signing.sign_summary(opening, expected="", place="SA07", request_id="")
        assert refused.value.code == "summary-empty"
    with transaction(patient_id=camille):
        choose_access(patient_id=camille, choices=Choices(True, False), by=herself(people))
    with pytest.raises(Forbidden) as opposed:
        sign(people)
    assert opposed.value.code == "writing-refused"
    with transaction(patient_id=camille):
        assert [one.state for one in run("SELECT state FROM dmp_document WHERE type_code = 'SYNTH'", {})] == ["current"]


def post(client: FlaskClient, path: str, **form: str) -> tuple[int, str]:
    over = re.search(r'name="over" value="([^"]*)"', client.get(path).text)
    said = {"over": over[1], **form} if over else form
    answer = client.post(path, data={**said, "csrf_token": read_csrf_token(client, path)})
    return answer.status_code, answer.headers.get("Location", "") or answer.text


def test_another_quality_is_told_why_not_and_the_refusal_is_journaled(
    app: Flask, people: Seeded, camille: UUID
) -> None:
    office = app.test_client()
    sign_in_professional(office, professional_id=people.professionals["dr-benali"])
    page = f"/pro/patients/{camille}/synthese"
    for path in (page, f"{page}/relecture"):
        answer = office.get(path)
        assert answer.status_code == 403 and "médecin traitant" in answer.text and "Équipe de soins" in answer.text
    assert page not in office.get(f"/pro/patients/{camille}").text
    with transaction(patient_id=camille):
        lines = run("SELECT code FROM core_journal WHERE outcome = 'refused'", {})
    assert [one.code for one in lines] == ["not-treating-doctor"] * 2


def test_the_page_keeps_what_was_typed_and_the_patient_sees_what_was_signed(
    app: Flask, people: Seeded, camille: UUID
) -> None:
    office, space = app.test_client(), app.test_client()
    sign_in_professional(office, professional_id=people.professionals["dr-martin"])
    page = f"/pro/patients/{camille}/synthese"
    typed = "Très " * 130
    status, shown = post(office, page, **{"act": "enregistrer", "add-contexte": typed, "comment-vigilance": "À suivre"})
    assert status == 422 and typed.strip() in shown and "À suivre" in shown
    names = {"names-0": "pathologies:asthme", "proposed-0": "Asthme, depuis 1997", "text-0": "Asthme ancien"}
    kept = {"act": "contexte", **names, "kept-0": "oui", "add-contexte": "Vit seule"}
    assert post(office, page, **kept) == (303, f"{page}#contexte")
    draft = office.get(page).text
    assert "Asthme ancien" in draft and "Le dossier dit" in draft and "Garder tout ce qui est nouveau" in draft
    assert post(office, page, act="nouveautes", **names, **{"kept-0": "oui"})[0] == 303
    assert post(office, page, act="relire", **names, **{"kept-0": "oui"}) == (303, f"{page}/relecture")
    preview = office.get(f"{page}/relecture").text
    read_so = preview.partition('name="read" value="')[2][:64]
    assert "Asthme ancien" in preview
    assert post(office, f"{page}/relecture", read="0" * 64, place="SA07")[0] == 409
    status, target = post(office, f"{page}/relecture", read=read_so, place="SA07")
    assert status == 303 and "Asthme ancien" in office.get(target).text
    sign_in_citizen(space, person_id=people.persons["camille"], patient_id=camille)
    assert target.replace(f"/pro/patients/{camille}", "/espace/dossier") in space.get("/espace/dossier").text


def test_two_tabs_lose_nothing_unseen_and_sign_once(app: Flask, people: Seeded, camille: UUID) -> None:
    office = app.test_client()
    sign_in_professional(office, professional_id=people.professionals["dr-martin"])
    page = f"/pro/patients/{camille}/synthese"
    assert post(office, page, act="enregistrer", **{"add-contexte": "Du premier onglet"})[0] == 303
    status, shown = post(office, page, act="enregistrer", over="", **{"add-contexte": "Du second onglet"})
    assert status == 409 and "Ce brouillon a changé ailleurs" in shown and "Du second onglet" in shown
    assert "Du premier onglet" in office.get(page).text
    assert f'name="over" value="{summed(people).changed_at:%Y-%m-%d}' in shown, "saved again, it takes its place"

    read_so = summed(people).digest
    assert post(office, f"{page}/relecture", read=read_so, place="SA07")[0] == 303
    assert post(office, f"{page}/relecture", read=read_so, place="SA07")[0] == 409
    with transaction(patient_id=camille):
        mine = {"doctor": people.professionals["dr-martin"]}
        assert len(run("SELECT 1 FROM dmp_document WHERE type_code = 'SYNTH' AND author_id = %(doctor)s", mine)) == 1


@pytest.mark.parametrize(("left_out", "shown"), [("vaccinations", True), ("documents", False)])
def test_a_helper_whose_mandate_leaves_documents_out_sees_no_summary(
    client: FlaskClient, people: Seeded, camille: UUID, left_out: str, shown: bool
) -> None:
    until = date(2027, 11, 21)
    with transaction(patient_id=camille):
        representations.add_representation(
            patient_id=camille,
            person_id=people.persons["paul"],
            kind=RepresentationKind.MANDATE,
            valid_from=date(2026, 1, 1),
            valid_until=until,
            limits=Mandate(frozenset({Power.RECORD}), frozenset({left_out}), until),
            by=SYSTEM,
        )
    helper = {"person_id": people.persons["paul"], "patient_id": people.patients["paul"]}
    sign_in_citizen(client, **helper, acting_for=camille)
    page = client.get("/espace/dossier")
    assert page.status_code == 200 and ("Synthèse médicale" in page.text) is shown


def test_the_international_summary_has_the_results_and_the_acts(people: Seeded, camille: UUID) -> None:
    """What the IPS requires of a bundle, of a result of laboratory and of a procedure, and a test can tell."""
    person = Person(camille, "Durand", "Camille", BORN, "female")
    with transaction(patient_id=camille):
        bundle = write_patient_summary(person=person, by=herself(people))
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    assert len(by_url) == len(bundle["entry"])
    sections = {
        section["code"]["coding"][0]["code"]: [by_url[one["reference"]] for one in section["entry"]]
        for section in bundle["entry"][0]["resource"]["section"]
    }
    assert {"10160-0", "48765-2", "11450-4", "30954-2", "47519-4"} <= set(sections)
    results, acts_done = sections["30954-2"], sections["47519-4"]
    assert len(results) == 6, "the latest of each examination"
    for one in results:
        assert one["category"][0]["coding"][0]["code"] == "laboratory" and one["status"] == "final"
        assert one["performer"] and one["effectiveDateTime"] and one["valueQuantity"]["code"]
    (act,) = acts_done
    assert (act["resourceType"], act["code"]["coding"][0]["code"]) == ("Procedure", "HHFA016")
    assert act["performedPeriod"]["start"] == "2000-05-11"
    assert {one["subject"]["reference"] for one in (*results, *acts_done)} == {f"urn:uuid:{camille}"}
