"""Professionals in a record: the grid of who reads what, the life of agreements, codes, emergencies, filing."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from dmp_core.queries import documents, points
from dmp_core.queries import professionals as queries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.professionals import matrix
from dmp_core.rules.professionals.agreements import (
    MOST_FAILURES,
    TRANSITIONS,
    AgreementState,
    AgreementVerb,
    Choices,
    Mode,
    next_agreement_state,
)
from dmp_core.rules.professionals.matrix import Level, check_matrix, may_consult, reach_of
from dmp_core.service.documents import acts
from dmp_core.service.professionals import agreements, openings, records, writing
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from notification_core.models import Message
from platform_core import clock as clocks
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import db, run, transaction
from platform_core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, TooManyRequests
from tests.recalling import recall_people


@pytest.fixture
def people(app: Flask, clock: FrozenClock) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def herself(people: Seeded) -> Actor:
    return Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")


@pytest.fixture
def martin(people: Seeded) -> Actor:
    return Actor(ActorKind.PROFESSIONAL, people.professionals["dr-martin"], "Sophie Martin")


@pytest.fixture
def costa(people: Seeded) -> Actor:
    return Actor(ActorKind.PROFESSIONAL, people.professionals["ide-costa"], "Lucia Costa")


def file(
    patient_id: UUID, by: Actor, *, type_code: str = "11488-4", withheld: bool = False, text: str = "Tension normale."
) -> UUID:
    filed = writing.Filed("Consultation", type_code, date(2026, 11, 20), "SA07", withheld)
    with transaction(patient_id=patient_id):
        return writing.write_into_record(
            patient_id=patient_id,
            stream=io.BytesIO(text.encode()),
            file_name="note.txt",
            filed=filed,
            by=by,
            request_id="test-0001",
        )


def let_in(patient_id: UUID, professional: Actor, mode: Mode, herself: Actor) -> None:
    """An agreement of each mode, through the service that makes it."""
    assert professional.id
    with transaction(patient_id=patient_id):
        if mode is Mode.TREATING_DOCTOR:
            agreements.declare_treating_doctor(patient_id=patient_id, professional_id=professional.id, by=herself)
        elif mode is Mode.CARE_TEAM:
            until = clocks.today() + timedelta(days=30)
            agreements.admit_to_team(patient_id=patient_id, professional_id=professional.id, until=until, by=herself)
        elif mode is Mode.CODE:
            code = openings.issue_code(patient_id=patient_id, by=herself)
            openings.use_code(patient_id=patient_id, code=code, by=professional)
        else:
            openings.break_glass(patient_id=patient_id, motive="Patiente inconsciente", by=professional)


def outcome(read: Callable[[], object]) -> str:
    """`read`, or the code of the refusal."""
    try:
        read()
    except DomainError as error:
        return error.code
    return "read"


def read_document(patient_id: UUID, document_id: UUID, by: Actor) -> str:
    def read() -> None:
        with transaction(patient_id=patient_id):
            records.get_document(records.open_record(patient_id=patient_id, by=by), document_id)

    return outcome(read)


def told(patient_id: UUID, kind: str) -> int:
    with transaction(patient_id=patient_id):
        return db.session.scalar(sa.select(sa.func.count()).where(Message.kind == kind)) or 0


DOCUMENTS = ("plain", "masked", "unannounced", "out of reach", "own and masked")
NO_AGREEMENT = dict.fromkeys(DOCUMENTS, "no-agreement")
SEEN = {
    "plain": "read",
    "masked": "not-found",
    "unannounced": "read",
    "out of reach": "not-found",
    "own and masked": "read",
}
GRID = {
    "nobody agreed": NO_AGREEMENT,
    Mode.TREATING_DOCTOR: SEEN,
    Mode.CARE_TEAM: SEEN,
    Mode.CODE: SEEN,
    Mode.EMERGENCY: SEEN,
}


@pytest.mark.parametrize("blocked", [False, True], ids=["not blocked", "blocked"])
@pytest.mark.parametrize("agreement", list(GRID))
def test_what_a_professional_reads_hangs_on_the_agreement_the_block_the_mask_and_the_matrix(
    people: Seeded, camille: UUID, herself: Actor, martin: Actor, agreement: str, blocked: bool
) -> None:
    benali = Actor(ActorKind.PROFESSIONAL, people.professionals["dr-benali"], "Karim Benali")
    filed = {
        "plain": file(camille, benali),
        "masked": file(camille, benali),
        "unannounced": file(camille, benali, withheld=True),
        "out of reach": file(camille, benali, type_code="ATTEST-DROITS-AM"),
        "own and masked": file(camille, martin),
    }
    with transaction(patient_id=camille):
        for name in ("masked", "own and masked"):
            acts.mask_document(patient_id=camille, document_id=filed[name], by=herself)
        # What doctors reach is nearly everything: this very document becomes one of those that they do not.
        run(
            "UPDATE dmp_document SET type_code = 'ATTEST-RESID' WHERE patient_id = %(p)s AND id = %(id)s",
            {"p": camille, "id": filed["out of reach"]},
        )
    if isinstance(agreement, Mode):
        let_in(camille, martin, agreement, herself)
    if blocked:
        with transaction(patient_id=camille):
            agreements.block_professional(patient_id=camille, professional_id=martin.id, by=herself)
    seen = {name: read_document(camille, id, martin) for name, id in filed.items()}
    assert seen == (NO_AGREEMENT if blocked else GRID[agreement])
    with transaction():
        followed = [one.id for one in queries.list_patients_of(martin.id)]
    assert followed == ([] if blocked or agreement == "nobody agreed" else [camille])


def test_a_blocked_professional_stays_out_in_an_emergency_with_a_code_and_of_the_filing(
    camille: UUID, herself: Actor, martin: Actor
) -> None:
    with transaction(patient_id=camille):
        agreements.block_professional(patient_id=camille, professional_id=martin.id, by=herself)
    for mode in Mode:
        assert outcome(lambda mode=mode: let_in(camille, martin, mode, herself)) == "professional-blocked"
    assert outcome(lambda: file(camille, martin)) == "writing-refused"
    with transaction(patient_id=camille):
        agreements.unblock_professional(patient_id=camille, professional_id=martin.id, by=herself)
    let_in(camille, martin, Mode.CARE_TEAM, herself)
    file(camille, martin)


@pytest.mark.parametrize(
    ("mode", "lasts"),
    [(Mode.CARE_TEAM, {"days": 30, "hours": 14}), (Mode.CODE, {"hours": 4}), (Mode.EMERGENCY, {"hours": 24})],
)
def test_time_alone_closes_the_record(
    clock: FrozenClock, camille: UUID, herself: Actor, martin: Actor, mode: Mode, lasts: dict[str, float]
) -> None:
    """A team is let in to the end of its last day in Paris: ten in the morning and fourteen hours."""
    document = file(camille, martin)
    let_in(camille, martin, mode, herself)
    clock.move(**lasts, seconds=-1)
    assert read_document(camille, document, martin) == "read"
    clock.move(seconds=1)
    assert read_document(camille, document, martin) == "no-agreement"


def test_there_is_one_treating_doctor_whom_the_patient_alone_names_or_accepts(
    people: Seeded, camille: UUID, herself: Actor, martin: Actor, costa: Actor
) -> None:
    benali = Actor(ActorKind.PROFESSIONAL, people.professionals["dr-benali"], "Karim Benali")
    let_in(camille, martin, Mode.TREATING_DOCTOR, herself)
    assert outcome(lambda: let_in(camille, costa, Mode.TREATING_DOCTOR, herself)) == "not-a-doctor"
    assert outcome(lambda: propose(camille, benali)) == "no-agreement"
    let_in(camille, benali, Mode.CARE_TEAM, herself)
    proposed = propose(camille, benali)
    assert outcome(lambda: propose(camille, benali)) == "agreed-already"
    assert told(camille, "dmp.agreement") == 1
    assert modes(camille, martin) == [Mode.TREATING_DOCTOR]
    with pytest.raises(Forbidden), transaction(patient_id=camille):
        agreements.accept_treating_doctor(patient_id=camille, agreement_id=proposed, by=benali)
    with transaction(patient_id=camille):
        agreements.accept_treating_doctor(patient_id=camille, agreement_id=proposed, by=herself)
    assert modes(camille, martin) == []
    assert modes(camille, benali) == [Mode.TREATING_DOCTOR, Mode.CARE_TEAM]
    with pytest.raises(Conflict), transaction(patient_id=camille):
        agreements.refuse_agreement(patient_id=camille, agreement_id=proposed, by=herself)
    with transaction(patient_id=camille):
        agreements.leave_record(patient_id=camille, by=benali)
    assert modes(camille, benali) == []


def propose(patient_id: UUID, by: Actor) -> UUID:
    with transaction(patient_id=patient_id):
        return agreements.propose_treating_doctor(patient_id=patient_id, by=by)


def modes(patient_id: UUID, professional: Actor) -> list[Mode]:
    with transaction(patient_id=patient_id):
        found = queries.list_agreements(patient_id, professional.id)
    return sorted((one.mode for one in found if one.is_live), key=list(Mode).index)


@pytest.mark.parametrize("state", list(AgreementState))
@pytest.mark.parametrize("verb", list(AgreementVerb))
def test_each_verb_applies_to_the_states_of_the_table_alone(state: AgreementState, verb: AgreementVerb) -> None:
    if (state, verb) in TRANSITIONS:
        assert next_agreement_state(state, verb) is TRANSITIONS[state, verb]
    else:
        with pytest.raises(Conflict):
            next_agreement_state(state, verb)


def test_a_code_serves_once_within_fifteen_minutes_with_the_birth_date_and_is_kept_nowhere(
    clock: FrozenClock, camille: UUID, herself: Actor, martin: Actor, costa: Actor
) -> None:
    def issue() -> str:
        with transaction(patient_id=camille):
            return openings.issue_code(patient_id=camille, by=herself)

    def find(code: str, by: Actor, born: date | None = date(1985, 4, 12)) -> UUID | None:
        with transaction():
            return openings.find_patient_of_code(code=code, birth_date=born, by=by)

    def use(code: str, by: Actor) -> str:
        def act() -> None:
            with transaction(patient_id=camille):
                openings.use_code(patient_id=camille, code=code, by=by)

        return outcome(act)

    first, code = issue(), issue()
    assert len(code) == 8
    assert find(first, martin) is None, "a new code makes the one before worthless"
    assert find(code, martin, date(1985, 4, 13)) is None
    assert find(f"{code[:4]} {code[4:]}", martin) == camille
    assert use(code, martin) == "read"
    assert use(code, costa) == "code-unknown"
    assert find(code, costa) is None
    late = issue()
    clock.move(minutes=15)
    assert find(late, costa) is None
    assert use(late, costa) == "code-unknown"
    with transaction(patient_id=camille):
        (kept,) = run("SELECT d::text AS row FROM dmp_access_choice d WHERE patient_id = %(p)s", {"p": camille})
    assert late not in kept.row


def test_who_tries_codes_or_identities_in_vain_waits_an_hour(clock: FrozenClock, martin: Actor, costa: Actor) -> None:
    def guess(by: Actor) -> None:
        with transaction():
            assert openings.find_patient_of_code(code="00000000", birth_date=date(1985, 4, 12), by=by) is None

    def name(by: Actor) -> None:
        with transaction():
            given = {"matricule": "1" * 15, "family_name": "Durand", "birth_date": date(1985, 4, 12)}
            assert openings.identify_patient(**given, by=by) is None

    for number in range(MOST_FAILURES):
        (guess, name)[number % 2](martin)
    for act in (guess, name):
        with pytest.raises(TooManyRequests):
            act(martin)
    guess(costa)
    clock.move(hours=1)
    guess(martin)


def test_a_patient_is_named_by_matricule_birth_name_and_birth_date_together(
    people: Seeded, camille: UUID, martin: Actor, costa: Actor
) -> None:
    with transaction():
        ins = identity.find_ins(camille)
        ruth = identity.find_ins(people.patients["ruth"])
    assert ins and ruth
    right = {"matricule": ins.matricule, "family_name": "DURAND", "birth_date": date(1985, 4, 12)}

    def find(by: Actor, **given: object) -> UUID | None:
        with transaction():
            found = openings.identify_patient(**{**right, **given}, by=by)  # type: ignore[arg-type]
        return found.id if found else None

    assert find(martin) == camille
    assert find(martin, family_name="Martin") is None
    assert find(martin, birth_date=None) is None
    assert find(martin, matricule="n’importe quoi") is None
    opposed = {"matricule": ruth.matricule, "family_name": "Lambert", "birth_date": date(1972, 11, 5)}
    assert find(costa, **opposed) is None, "a space that is not open is as nobody's"


def test_an_emergency_has_a_motive_the_patient_reads_it_at_once_and_may_be_opposed_to_any(
    camille: UUID, herself: Actor, costa: Actor
) -> None:
    def break_glass(motive: str) -> None:
        with transaction(patient_id=camille):
            openings.break_glass(patient_id=camille, motive=motive, by=costa)

    with pytest.raises(Invalid):
        break_glass(" court ")
    break_glass("Patiente inconsciente, accident de la route")
    assert told(camille, "dmp.emergency") == 1
    with transaction(patient_id=camille):
        (found,) = queries.list_agreements(camille)
        (row,) = run("SELECT motive FROM dmp_agreement", {})
        agreements.end_agreement(patient_id=camille, agreement_id=found.id, by=herself)
        agreements.choose_access(patient_id=camille, choices=Choices(emergency=False), by=herself)
    assert found.motive == "Patiente inconsciente, accident de la route"
    assert b"inconsciente" not in bytes(row.motive)
    assert outcome(lambda: break_glass("Patiente inconsciente")) == "emergency-refused"


def test_each_reading_is_a_line_of_the_journal_that_says_in_what_quality_and_the_first_is_told(
    camille: UUID, herself: Actor, costa: Actor
) -> None:
    document = file(camille, costa, type_code="11506-3")
    let_in(camille, costa, Mode.EMERGENCY, herself)
    for _ in range(2):
        with transaction(patient_id=camille):
            opening = records.open_record(patient_id=camille, by=costa)
            row = records.get_document(opening, document)
            counts = {records.category_of(row): 1}
            records.note_reading(opening, counts, resource="DocumentReference", request_id="test-0002", ids=[document])
    with transaction(patient_id=camille):
        records.note_refusal(patient_id=camille, code="no-agreement", by=costa, request_id="test-0003")
    with transaction(patient_id=camille):
        lines = run("SELECT access, outcome, code, count, resources FROM core_journal ORDER BY id", {})
    assert [tuple(line) for line in lines] == [
        ("write", "served", "", 1, [document]),
        ("read", "served", "emergency", 1, [document]),
        ("read", "served", "emergency", 1, [document]),
        ("read", "refused", "no-agreement", 0, None),
    ]
    assert told(camille, "dmp.first-reading") == 1
    stranger = uuid4()
    with transaction(patient_id=stranger):
        records.note_refusal(patient_id=stranger, code="no-agreement", by=costa, request_id="test-0004")
        assert run("SELECT 1 FROM core_journal", {}) == []


def test_filing_needs_no_agreement_but_a_profession_that_writes_it_and_a_patient_who_allows_it(
    people: Seeded, camille: UUID, herself: Actor, costa: Actor, martin: Actor
) -> None:
    document = file(camille, costa, type_code="11506-3")
    assert read_document(camille, document, costa) == "no-agreement"
    with transaction(patient_id=camille):
        row = documents.get_document(patient_id=camille, document_id=document, viewer=Viewer.of(herself))
    assert (row.author_person, row.author_id, row.author_name) == ("Lucia Costa", costa.id, "Lucia Costa")
    assert outcome(lambda: file(camille, costa, type_code="57833-6")) == "invalid-document"
    hidden = file(camille, martin, withheld=True)
    with pytest.raises(NotFound), transaction(patient_id=camille):
        documents.get_document(patient_id=camille, document_id=hidden, viewer=Viewer.of(herself))
    assert outcome(lambda: file(people.patients["ruth"], martin)) in {"identity-not-qualified", "space-not-open"}
    with transaction(patient_id=camille):
        agreements.choose_access(patient_id=camille, choices=Choices(writing=False), by=herself)
    assert outcome(lambda: file(camille, martin)) == "writing-refused"


@pytest.mark.parametrize(
    "act",
    [
        lambda patient, me, by: agreements.declare_treating_doctor(patient_id=patient, professional_id=me, by=by),
        lambda patient, me, by: agreements.admit_to_team(
            patient_id=patient, professional_id=me, until=clocks.today(), by=by
        ),
        lambda patient, me, by: agreements.block_professional(patient_id=patient, professional_id=me, by=by),
        lambda patient, me, by: agreements.unblock_professional(patient_id=patient, professional_id=me, by=by),
        lambda patient, me, by: agreements.choose_access(patient_id=patient, choices=Choices(), by=by),
        lambda patient, me, by: openings.issue_code(patient_id=patient, by=by),
    ],
    ids=["declare", "admit", "block", "unblock", "choose", "issue a code"],
)
def test_only_the_patient_rules_who_reads(camille: UUID, martin: Actor, act: Callable[..., object]) -> None:
    with pytest.raises(Forbidden), transaction(patient_id=camille):
        act(camille, martin.id, martin)


@pytest.mark.parametrize("days", [-1, 367])
def test_a_care_team_is_let_in_for_a_year_at_most(camille: UUID, herself: Actor, martin: Actor, days: int) -> None:
    with pytest.raises(Invalid), transaction(patient_id=camille):
        until = clocks.today() + timedelta(days=days)
        agreements.admit_to_team(patient_id=camille, professional_id=martin.id, until=until, by=herself)


def test_a_professional_reads_no_measure_that_the_patient_hides(camille: UUID) -> None:
    from_now = {"patient_id": camille, "kind": "body-weight", "span": points.ANY_TIME, "limit": 10}
    with transaction(patient_id=camille):
        for value, hidden in ((70, None), (71, clocks.now())):
            run(
                "INSERT INTO dmp_measure (patient_id, id, kind, effective_at, value, status, author_name, source,"
                " version, created_at, updated_at, meta, body, hidden_at) VALUES (%(p)s, %(id)s, 'body-weight',"
                " %(at)s, %(value)s, 'final', 'Camille', 'urn:ens:patient', 1, %(at)s, %(at)s, '{}', '{}', %(hidden)s)",
                {"p": camille, "id": uuid4(), "at": clocks.now(), "value": value, "hidden": hidden},
            )
        assert len(points.list_points(**from_now)) == 2
        (shown,) = points.list_points(**from_now, own=False)
        (latest,) = points.list_latest(patient_id=camille, own=False)
    assert int(shown.values[0]) == int(latest.values[0]) == 70


@pytest.mark.parametrize(
    ("profession", "type_code", "level"),
    [
        ("10", "34112-3", Level.WRITE),
        ("10", "EXPPAT_3", Level.READ),
        ("10", "ATTEST-RESID", Level.NONE),
        ("21", "60593-1", Level.WRITE),
        ("21", "57833-6", Level.READ),
        ("40", "EXPPAT_3", Level.NONE),
        ("60", "57833-6", Level.READ),
        ("60", "11506-3", Level.WRITE),
        ("70", "11502-2", Level.NONE),
        ("80", "15508-5", Level.NONE),
        ("99", "34112-3", Level.NONE),
        ("10", "no such type", Level.NONE),
    ],
)
def test_the_matrix_says_what_each_profession_reaches(profession: str, type_code: str, level: Level) -> None:
    assert reach_of(profession).level(type_code) is level
    assert may_consult(profession, type_code) is (level >= Level.READ)


def test_a_speciality_has_a_row_of_its_own_and_others_that_of_the_profession() -> None:
    assert reach_of("10", "SM03").level("11502-2") is Level.WRITE
    assert reach_of("10", "SM03").level("57833-6") is Level.READ
    assert reach_of("10", "SM04") is reach_of("10")


@pytest.mark.parametrize(
    "change",
    [
        {"kinds": {"nothing": "read"}},
        {"types": {"0-0": "read"}},
        {"documents": "all"},
        {"data": "write"},
        {"profession": "doctor"},
        {"more": 1},
    ],
    ids=["unknown kind", "unknown type", "unknown level", "data are not written", "no code", "unknown member"],
)
def test_a_wrong_matrix_is_refused(change: dict[str, object]) -> None:
    row = {"profession": "10", "label": "Médecin", "documents": "read", "data": "read"}
    good = {"version": "2026-11-22", "source": "Made up for this very test.", "professions": [row]}
    check_matrix(good)
    with pytest.raises(ValueError, match="access matrix"):
        check_matrix({**good, "professions": [{**row, **change}]})


def test_no_one_whom_the_matrix_does_not_know_reads_a_record(
    camille: UUID, herself: Actor, martin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_in(camille, martin, Mode.TREATING_DOCTOR, herself)
    monkeypatch.setattr(matrix, "MATRIX", {})
    assert read_document(camille, uuid4(), martin) == "profession-without-access"
