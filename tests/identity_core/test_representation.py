"""Who acts for whom: parents until majority, guardians by an act, helpers by a mandate that either may end."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from identity_core import queries, tasks
from identity_core.cli import representation as commands
from identity_core.errors import MandateNotYours
from identity_core.queries import RepresentationView
from identity_core.rules import Mandate, Power, RepresentationKind, coming_of_age, last_day_of, months_after
from identity_core.service import mandates, people, representations, spaces
from identity_core.service.people import register_citizen
from identity_core.service.seeding import Seeded
from identity_core.workflow import (
    REPRESENTATIONS,
    RepresentationState,
    RepresentationVerb,
    next_representation_state,
    verb_of_time,
)
from platform_core import clock
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from platform_core.ids import uuid7
from tests.signing_in import sign_in_citizen, submit

STATES, VERBS = RepresentationState, RepresentationVerb
EMAILS = {"camille": "camille@exemple.invalid", "dominique": "dominique@exemple.invalid"}
OPERATOR = Actor(ActorKind.OPERATOR, None, "Greffe")


def limits(*powers: Power, months: int = 6, excluded: frozenset[str] = frozenset()) -> Mandate:
    return Mandate(frozenset(powers or {Power.RECORD}), excluded, months_after(clock.today(), months))


def as_self(people: Seeded, name: str) -> Actor:
    return Actor(ActorKind.PATIENT, people.persons[name], name.capitalize(), assurance="eidas2")


def give(people: Seeded, mandate: Mandate | None = None, *, email: str = EMAILS["camille"]) -> UUID:
    """Dominique proposes a mandate, to Camille unless said."""
    dominique = people.patients["dominique"]
    with transaction(patient_id=dominique):
        return mandates.give_mandate(
            patient_id=dominique, email=email, mandate=mandate or limits(), by=as_self(people, "dominique")
        )


def accept(people: Seeded, mandate_id: UUID, name: str = "camille") -> None:
    with transaction(patient_id=people.patients["dominique"]):
        mandates.accept_mandate(representation_id=mandate_id, by=as_self(people, name))


def confirm(people: Seeded, mandate_id: UUID) -> None:
    dominique = people.patients["dominique"]
    with transaction(patient_id=dominique):
        mandates.confirm_mandate(patient_id=dominique, representation_id=mandate_id, by=as_self(people, "dominique"))


def entrust(people: Seeded, mandate: Mandate | None = None) -> UUID:
    mandate_id = give(people, mandate)
    accept(people, mandate_id)
    confirm(people, mandate_id)
    return mandate_id


def acting(people: Seeded, helper: str = "camille", helped: str = "dominique") -> RepresentationView | None:
    with transaction():
        return queries.find_acting(person_id=people.persons[helper], patient_id=people.patients[helped])


def state_of(mandate_id: UUID) -> RepresentationState:
    with transaction():
        found = queries.find_representation(mandate_id)
    assert found
    return found.state


def record(people: Seeded, kind: RepresentationKind, patient: str, person: str = "paul", **dates: object) -> UUID:
    patient_id = people.patients[patient]
    given = {"valid_from": clock.today(), "reference": "TJ Paris, 12 mai 2026, 26/00123", **dates}
    with transaction(patient_id=patient_id):
        return representations.record_representation(
            patient_id=patient_id, person_id=people.persons[person], kind=kind, by=OPERATOR, **given
        )


@pytest.mark.parametrize(("state", "verb"), list(product(STATES, VERBS)), ids=str)
def test_a_representation_moves_only_as_the_table_says(state: RepresentationState, verb: RepresentationVerb) -> None:
    expected = {
        "invited": {"accept": "accepted", "refuse": "refused", "revoke": "revoked", "expire": "expired"},
        "accepted": {"confirm": "active", "revoke": "revoked", "expire": "expired"},
        "active": {"revoke": "revoked", "expire": "expired", "end": "ended"},
    }
    to = expected.get(state, {}).get(verb)
    assert REPRESENTATIONS.get((state, verb)) == to
    if to is None:
        with pytest.raises(Conflict, match="cannot"):
            next_representation_state(state, verb)


@pytest.mark.parametrize(
    ("birth", "majority"),
    [
        ("2018-06-21", "2036-06-21"),
        ("2008-12-31", "2026-12-31"),
        ("2008-02-28", "2026-02-28"),
        ("2008-02-29", "2026-02-28"),
        ("2008-03-01", "2026-03-01"),
    ],
)
def test_one_comes_of_age_at_eighteen_to_the_day(birth: str, majority: str) -> None:
    assert coming_of_age(date.fromisoformat(birth)) == date.fromisoformat(majority)


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "last_day"),
    [
        ("2018-06-21", None, "2036-06-20"),
        ("2018-06-21", "2030-01-01", "2030-01-01"),
        ("2018-06-21", "2040-01-01", "2036-06-20"),
        ("2036-06-20", "2037-06-20", "2036-06-20"),
        ("2036-06-21", None, None),
        ("2036-06-21", "2037-06-20", "2037-06-20"),
    ],
)
def test_what_began_in_childhood_ends_on_the_eve_of_majority(
    people: Seeded, clock: FrozenClock, valid_from: str, valid_until: str | None, last_day: str | None
) -> None:
    """Léa, born on 21 June 2018. The pure rule and the query say the same on every day around each date."""
    first, until = date.fromisoformat(valid_from), valid_until and date.fromisoformat(valid_until)
    ends = last_day_of(valid_from=first, valid_until=until or None, birth_date=date(2018, 6, 21))
    assert (ends and ends.isoformat()) == last_day
    with transaction(patient_id=people.patients["lea"]):
        representations.add_representation(
            patient_id=people.patients["lea"],
            person_id=people.persons["paul"],
            kind=RepresentationKind.GUARDIANSHIP,
            valid_from=first,
            valid_until=until or None,
            by=SYSTEM,
        )
    pivots = {first, until or first, ends or first, date(2036, 6, 21)}
    for day in sorted({pivot + timedelta(days=shift) for pivot in pivots for shift in (-1, 0, 1)}):
        clock.instant = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        held = first <= day and (ends is None or day <= ends)
        assert (acting(people, "paul", "lea") is not None) is held, day


def test_majority_falls_at_midnight_in_paris(people: Seeded, clock: FrozenClock) -> None:
    clock.instant = datetime(2036, 6, 20, 21, 59, tzinfo=UTC)
    assert acting(people, "camille", "lea")
    with transaction():
        assert queries.majority_of(people.patients["lea"]) == date(2036, 6, 21)
    clock.move(minutes=1)
    assert acting(people, "camille", "lea") is None
    with transaction():
        assert queries.majority_of(people.patients["lea"]) is None


def test_both_parents_hold_authority_each_acts_alone_and_both_are_written_to(people: Seeded) -> None:
    record(people, RepresentationKind.PARENTAL_AUTHORITY, "lea", "ruth", reference="")
    assert acting(people, "camille", "lea") and acting(people, "ruth", "lea")
    with transaction():
        found = queries.list_email_addresses(people.patients["lea"])
    assert sorted(found) == ["camille@exemple.invalid", "ruth@exemple.invalid"]


def test_a_helper_is_not_written_to_about_the_patient(people: Seeded) -> None:
    entrust(people)
    with transaction():
        assert queries.list_email_addresses(people.patients["dominique"]) == [EMAILS["dominique"]]


def test_a_guardianship_has_a_start_an_end_and_its_act_which_is_sealed(
    people: Seeded, clock: FrozenClock, owner: sa.Engine
) -> None:
    first, last = date(2026, 12, 1), date(2031, 11, 30)
    record(people, RepresentationKind.GUARDIANSHIP, "dominique", valid_from=first, valid_until=last)
    assert acting(people, "paul") is None or acting(people, "paul").is_mandate
    clock.instant = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert acting(people, "paul").kind is RepresentationKind.GUARDIANSHIP
    clock.instant = datetime(2031, 12, 1, 9, tzinfo=UTC)
    assert acting(people, "paul") is None
    with owner.connect() as connection:
        rows = connection.execute(sa.text("SELECT r::text FROM identity_representation r")).scalars().all()
    assert not any("26/00123" in row for row in rows)


@pytest.mark.parametrize(
    ("kind", "patient", "person", "given", "where"),
    [
        (RepresentationKind.MANDATE, "dominique", "paul", {}, "kind"),
        (RepresentationKind.PARENTAL_AUTHORITY, "dominique", "paul", {}, "kind"),
        (RepresentationKind.GUARDIANSHIP, "dominique", "paul", {"reference": " "}, "reference"),
        (RepresentationKind.GUARDIANSHIP, "dominique", "dominique", {}, "person"),
        (RepresentationKind.GUARDIANSHIP, "dominique", "paul", {"valid_until": date(2020, 1, 1)}, "valid_until"),
    ],
)
def test_what_the_law_does_not_give_is_not_recorded(
    people: Seeded, kind: RepresentationKind, patient: str, person: str, given: dict[str, object], where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        record(people, kind, patient, person, **given)
    assert [fault.where for fault in refused.value.faults] == [where]


def test_a_mandate_is_in_force_once_accepted_by_its_address_and_confirmed_by_the_patient(people: Seeded) -> None:
    mandate_id = give(people, limits(Power.RECORD, Power.APPOINTMENTS), email=" Camille@Exemple.invalid ")
    assert acting(people) is None
    accept(people, mandate_id)
    assert (state_of(mandate_id), acting(people)) == (STATES.ACCEPTED, None)
    confirm(people, mandate_id)
    found = acting(people)
    assert found and found.powers == {Power.RECORD, Power.APPOINTMENTS}
    with transaction():
        mine = {one.id: one for one in queries.list_mandates_of(people.persons["camille"])}
        theirs = {one.id: one for one in queries.list_representations(people.patients["dominique"])}
    assert mine[mandate_id] == theirs[mandate_id]
    assert (mine[mandate_id].patient_name, mine[mandate_id].person_name) == ("Dominique Petit", "Camille Durand")


def test_a_mandate_is_for_the_address_it_names(people: Seeded) -> None:
    mandate_id = give(people)
    with pytest.raises(NotFound):
        accept(people, mandate_id, "ruth")
    with transaction(), pytest.raises(NotFound):
        mandates.refuse_mandate(representation_id=mandate_id, by=as_self(people, "ruth"))
    assert state_of(mandate_id) is STATES.INVITED


def test_a_mandate_that_nobody_took_up_lapses_after_two_weeks_and_is_recorded(
    people: Seeded, clock: FrozenClock, owner: sa.Engine
) -> None:
    mandate_id = give(people)
    clock.move(days=14)
    assert state_of(mandate_id) is STATES.EXPIRED
    with pytest.raises(Conflict):
        accept(people, mandate_id)
    tasks.record_lapses()
    tasks.record_lapses()
    with owner.connect() as connection:
        acts = "SELECT act FROM core_audit WHERE object_id = :id ORDER BY id"
        written = connection.execute(sa.text(acts), {"id": str(mandate_id)}).scalars().all()
    assert written == ["identity:representation:propose", "identity:representation:expire"]


def test_proposing_again_replaces_the_proposal_before(people: Seeded) -> None:
    first, second = give(people), give(people)
    assert (state_of(first), state_of(second)) == (STATES.REVOKED, STATES.INVITED)


def test_a_lapse_that_cannot_be_recorded_holds_up_no_other(
    people: Seeded, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = give(people)
    give(people, email="paul@exemple.invalid")
    clock.move(days=14)
    whole = representations.record_lapse

    def fail_for_the_first(*, representation_id: UUID) -> None:
        if representation_id == first:
            raise RuntimeError("this one cannot be recorded")
        whole(representation_id=representation_id)

    monkeypatch.setattr(representations, "record_lapse", fail_for_the_first)
    with pytest.raises(RuntimeError, match="1 representations"):
        tasks.record_lapses()
    with transaction():
        assert [one.id for one in queries.list_lapsed()] == [first]
    monkeypatch.undo()
    tasks.record_lapses()
    with transaction():
        assert queries.list_lapsed() == []


def test_a_mandate_ends_with_its_last_day_and_is_renewed_by_a_fresh_act_only(
    people: Seeded, clock: FrozenClock
) -> None:
    first = entrust(people, limits(months=1))
    clock.instant = datetime(2026, 12, 21, 12, tzinfo=UTC)
    assert acting(people)
    second = entrust(people, limits(Power.APPOINTMENTS, months=12))
    assert (state_of(first), state_of(second)) == (STATES.ENDED, STATES.ACTIVE)
    assert acting(people).powers == {Power.APPOINTMENTS}
    clock.instant = datetime(2027, 12, 22, 12, tzinfo=UTC)
    assert (acting(people), state_of(second)) == (None, STATES.EXPIRED)


@pytest.mark.parametrize(
    ("mandate", "where"),
    [
        (Mandate(frozenset(), frozenset(), date(2027, 1, 1)), "powers"),
        (Mandate(frozenset({Power.PERMISSIONS}), frozenset(), date(2027, 1, 1)), "powers"),
        (Mandate(frozenset({Power.RECORD}), frozenset({"nothing"}), date(2027, 1, 1)), "excluded"),
        (Mandate(frozenset({Power.RECORD}), frozenset(), date(2027, 11, 22)), "until"),
        (Mandate(frozenset({Power.RECORD}), frozenset(), date(2026, 11, 20)), "until"),
    ],
    ids=["no power", "apps without the record", "unknown family", "over a year", "past"],
)
def test_a_mandate_has_limits_of_its_own(people: Seeded, clock: FrozenClock, mandate: Mandate, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        give(people, mandate)
    assert [fault.where for fault in refused.value.faults] == [where]


@pytest.mark.parametrize("email", ["", "camille", EMAILS["dominique"]])
def test_a_mandate_goes_to_somebody_elses_address(people: Seeded, email: str) -> None:
    with pytest.raises(Invalid):
        give(people, email=email)


def test_an_address_of_the_provider_that_is_none_keeps_nobody_from_giving_a_mandate(people: Seeded) -> None:
    """A provider vouches for a person, not for what it calls their address."""
    with transaction():
        register_citizen(
            patient_id=people.patients["dominique"], issuer="citizen", subject="dominique", email="dominique@localhost"
        )
    assert state_of(give(people)) is STATES.INVITED


@pytest.mark.parametrize("kind", [ActorKind.REPRESENTATIVE, ActorKind.HELPER, ActorKind.AGENT])
def test_only_the_patient_gives_and_confirms_a_mandate(people: Seeded, kind: ActorKind) -> None:
    mandate_id, dominique = give(people), people.patients["dominique"]
    accept(people, mandate_id)
    other = Actor(kind, people.persons["paul"], "Paul", on_behalf_of=dominique)
    stranger = as_self(people, "paul")
    for by in (other, stranger):
        with transaction(patient_id=dominique):
            with pytest.raises(MandateNotYours):
                mandates.give_mandate(patient_id=dominique, email="x@exemple.invalid", mandate=limits(), by=by)
            with pytest.raises(MandateNotYours):
                mandates.confirm_mandate(patient_id=dominique, representation_id=mandate_id, by=by)


def test_a_minor_and_somebody_under_guardianship_give_no_mandate(app: Flask, people: Seeded) -> None:
    record(people, RepresentationKind.GUARDIANSHIP, "dominique")
    with pytest.raises(MandateNotYours):
        give(people)
    lea = people.patients["lea"]
    with transaction(patient_id=lea):
        person = enrol(lea)
        with pytest.raises(MandateNotYours):
            mandates.give_mandate(
                patient_id=lea,
                email="x@exemple.invalid",
                mandate=limits(),
                by=Actor(ActorKind.PATIENT, person, "Léa"),
            )


def enrol(patient_id: UUID, email: str | None = None) -> UUID:
    """Somebody who signs in as this patient."""
    return people.register_citizen(patient_id=patient_id, issuer="essai", subject=str(patient_id), email=email)


def test_a_minor_is_entrusted_with_nothing(app: Flask, people: Seeded) -> None:
    mandate_id = give(people, email="lea@exemple.invalid")
    with transaction(patient_id=people.patients["dominique"]):
        lea = Actor(ActorKind.PATIENT, enrol(people.patients["lea"], "lea@exemple.invalid"), "Léa")
        with pytest.raises(Forbidden, match="minor"):
            mandates.accept_mandate(representation_id=mandate_id, by=lea)


@pytest.mark.parametrize("until", ["invited", "accepted", "active"])
@pytest.mark.parametrize("who", ["patient", "helper"])
def test_either_ends_a_mandate_at_once(client: FlaskClient, people: Seeded, who: str, until: str) -> None:
    """The helper's next page is their own record; one who has not answered yet declines instead."""
    camille, dominique = people.persons["camille"], people.patients["dominique"]
    mandate_id = give(people)
    if until != "invited":
        accept(people, mandate_id)
    if until == "active":
        confirm(people, mandate_id)
        sign_in_citizen(client, person_id=camille, patient_id=people.patients["camille"], acting_for=dominique)
        assert "Espace de Dominique Petit" in client.get("/espace").text
    with transaction(patient_id=dominique):
        if who == "patient":
            mandates.revoke_mandate(patient_id=dominique, representation_id=mandate_id, by=as_self(people, "dominique"))
        elif until == "invited":
            mandates.refuse_mandate(representation_id=mandate_id, by=as_self(people, "camille"))
        else:
            mandates.leave_mandate(representation_id=mandate_id, by=as_self(people, "camille"))
    assert state_of(mandate_id) is (STATES.REFUSED if (who, until) == ("helper", "invited") else STATES.REVOKED)
    if until == "active":
        assert "Espace de Camille Durand" in client.get("/espace").text
    with pytest.raises((Conflict, NotFound)):
        accept(people, mandate_id)


def test_a_helper_rules_no_mandate_and_leaves_only_their_own(people: Seeded) -> None:
    mandate_id, dominique = entrust(people), people.patients["dominique"]
    helper = Actor(ActorKind.HELPER, people.persons["camille"], "Camille", on_behalf_of=dominique)
    with transaction(patient_id=dominique):
        with pytest.raises(MandateNotYours):
            mandates.revoke_mandate(patient_id=dominique, representation_id=mandate_id, by=helper)
        with pytest.raises(NotFound):
            mandates.leave_mandate(representation_id=mandate_id, by=as_self(people, "ruth"))
        with pytest.raises(NotFound):
            mandates.revoke_mandate(
                patient_id=people.patients["camille"], representation_id=mandate_id, by=as_self(people, "camille")
            )


def test_who_represents_by_law_takes_no_mandate(people: Seeded) -> None:
    record(people, RepresentationKind.PARENTAL_AUTHORITY, "lea", "ruth", reference="")
    mandate_id = give(people, email="ruth@exemple.invalid")
    record(people, RepresentationKind.GUARDIANSHIP, "dominique", "ruth")
    with pytest.raises(Conflict, match="already"):
        accept(people, mandate_id, "ruth")


def test_closing_a_space_takes_every_mandate_back(people: Seeded) -> None:
    active, waiting = entrust(people), give(people, email="ruth@exemple.invalid")
    dominique = people.patients["dominique"]
    with transaction(patient_id=dominique):
        spaces.close_space(patient_id=dominique, by=as_self(people, "dominique"))
    assert {state_of(active), state_of(waiting)} == {STATES.REVOKED}
    assert acting(people, "paul") is None


def test_a_patient_who_confirms_while_the_helper_gives_up_is_left_without_a_helper(app: Flask, people: Seeded) -> None:
    mandate_id, dominique = give(people), people.patients["dominique"]
    accept(people, mandate_id)

    def give_up() -> None:
        with transaction(patient_id=dominique):
            mandates.leave_mandate(representation_id=mandate_id, by=as_self(people, "camille"))

    def run(act: Callable[[], None]) -> bool:
        with app.app_context():
            try:
                act()
            except Conflict:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(run, [lambda: confirm(people, mandate_id), give_up]))
    assert done[1] is True  # Whoever comes first: what is confirmed is laid down, what is laid down is not confirmed.
    assert (state_of(mandate_id), acting(people)) == (STATES.REVOKED, None)


def test_a_patient_gives_ten_mandates_at_most(people: Seeded) -> None:
    for number in range(mandates.MOST_MANDATES - 1):  # Paul has one.
        give(people, email=f"proche{number}@exemple.invalid")
    with pytest.raises(Conflict, match="many"):
        give(people, email="un-de-plus@exemple.invalid")


def test_every_act_names_who_did_it_and_on_whom(people: Seeded, owner: sa.Engine) -> None:
    mandate_id = entrust(people)
    with owner.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT act, actor_id, details->>'patient', details->>'person' FROM core_audit"
                " WHERE object_id = :id ORDER BY id"
            ),
            {"id": str(mandate_id)},
        ).all()
    camille, dominique = people.persons["camille"], people.persons["dominique"]
    helped = str(people.patients["dominique"])
    assert rows == [
        ("identity:representation:propose", dominique, helped, ""),
        ("identity:representation:accept", camille, helped, str(camille)),
        ("identity:representation:confirm", dominique, helped, str(camille)),
    ]


def test_the_operator_records_a_guardianship_lists_it_and_ends_it(app: Flask, people: Seeded) -> None:
    dominique, paul = str(people.patients["dominique"]), str(people.persons["paul"])
    given = ["--patient", dominique, "--person", paul, "--kind", "guardianship", "--operator", "Greffe"]
    run = CliRunner().invoke
    made = run(commands, ["record", *given, "--reference", "TJ Paris 26/00123"], catch_exceptions=False)
    guardianship = made.output.strip()
    shown = run(commands, ["list", dominique], catch_exceptions=False).output
    assert f"{guardianship}  guardianship  active  no end" in shown
    assert "  mandate  ended  " in shown
    assert run(commands, ["end", guardianship, "--operator", "Greffe"], catch_exceptions=False).exit_code == 0
    assert acting(people, "paul") is None
    assert isinstance(run(commands, ["end", str(uuid7()), "--operator", "Greffe"]).exception, DomainError)


def test_the_verb_of_time_is_silent_before_its_hour() -> None:
    today = date(2026, 11, 21)
    silent = {"unanswered": False, "last_day": today, "valid_until": today, "today": today}
    assert all(verb_of_time(state, **silent) is None for state in STATES)
    over = {**silent, "last_day": today - timedelta(days=1), "unanswered": True}
    assert [verb_of_time(state, **over) for state in STATES] == [
        VERBS.EXPIRE,
        VERBS.EXPIRE,
        VERBS.END,
        None,
        None,
        None,
        None,
    ]


def test_a_curious_helper_answers_no_mandate_of_others_on_the_pages(client: FlaskClient, people: Seeded) -> None:
    mandate_id = give(people, email="ruth@exemple.invalid")
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    for path in ("acceptation", "refus", "fin"):
        for wanted in (mandate_id, uuid7()):
            answer = submit(client, f"/espace/agir-pour/{wanted}/{path}", page="/espace/agir-pour")
            assert answer.status_code == 404
    for path in ("confirmation", "revocation"):
        answer = submit(client, f"/espace/parametres/aidants/{mandate_id}/{path}", page="/espace/parametres")
        assert answer.status_code == 404
    assert state_of(mandate_id) is STATES.INVITED
