"""What somebody decides for a patient goes no further than their right and ends with it; a new adult is asked again."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent import queries
from consent.pages.permissions import detail
from consent.queries import ConsentState
from consent.service import exclusions, granting, lifecycle, requests, withdrawal
from consent.workflow import Answer, Origin, RequestStatus, Status
from identity_core import queries as identity
from identity_core.errors import OutsideMandate
from identity_core.gateway.ins import Traits
from identity_core.rules import IdentityStatus, Mandate, Power, RepresentationKind
from identity_core.service import mandates, representations, spaces
from identity_core.service import people as enrolment
from identity_core.service.seeding import Seeded
from identity_core.tasks import record_lapses
from notification_core import queries as notifications
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.events import ContributionsChoice
from platform_core.ids import uuid7
from tests.consent.builders import PRESSURE, WEIGHT, permission
from tests.consent.test_withdrawal import weigh
from tests.signing_in import sign_in_citizen, submit

Grant = Callable[..., UUID]
Ask = Callable[..., UUID]
SPRING = datetime(2036, 3, 1, 9, tzinfo=UTC)
"""Léa comes of age on 21 June 2036."""


def parent(people: Seeded, name: str = "camille", child: UUID | None = None) -> Actor:
    represented = child or people.patients["lea"]
    return Actor(
        ActorKind.REPRESENTATIVE,
        people.persons[name],
        name.capitalize(),
        on_behalf_of=represented,
        assurance="eidas2",
    )


def teenager(people: Seeded) -> UUID:
    """Tom, born on 15 December 2008, whose two parents are Camille and Ruth."""
    traits = Traits("Durand", "Tom", date(2008, 12, 15), "male", "75056")
    with transaction():
        child = enrolment.enrol_patient(traits=traits, ins=None, status=IdentityStatus.QUAL).id
    with transaction(patient_id=child):
        spaces.open_space(patient_id=child, by=SYSTEM)
        for name in ("camille", "ruth"):
            representations.add_representation(
                patient_id=child,
                person_id=people.persons[name],
                kind=RepresentationKind.PARENTAL_AUTHORITY,
                valid_from=traits.birth_date,
                by=SYSTEM,
            )
    return child


def entrust(people: Seeded, *, until: date, excluded: frozenset[str] = frozenset()) -> tuple[UUID, Actor]:
    """Camille helps Dominique with the apps, until a day."""
    person, helped = people.persons["camille"], people.patients["dominique"]
    powers = frozenset({Power.RECORD, Power.PERMISSIONS})
    with transaction(patient_id=helped):
        mandate_id = representations.add_representation(
            patient_id=helped,
            person_id=person,
            kind=RepresentationKind.MANDATE,
            valid_from=date(2026, 11, 21),
            valid_until=until,
            limits=Mandate(powers, excluded, until),
            by=SYSTEM,
        )
    helper = Actor(
        ActorKind.HELPER,
        person,
        "Camille Durand",
        on_behalf_of=helped,
        roles=frozenset(powers),
        assurance="eidas2",
        excluded=excluded,
    )
    return mandate_id, helper


def states(patient_id: UUID) -> list[ConsentState]:
    with transaction(patient_id=patient_id):
        return list(queries.list_states(patient_id))


def test_what_a_parent_decides_ends_on_the_eve_of_majority_without_anything_running(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    clock.instant, lea = SPRING, people.patients["lea"]
    grant_consent(patient_id=lea, by=parent(people), valid_until=date(2037, 2, 28))
    (state,) = states(lea)
    assert (state.valid_until, state.stored) == (date(2036, 6, 20), Status.ACTIVE)
    clock.instant = datetime(2036, 6, 20, 21, 59, tzinfo=UTC)
    assert states(lea)[0].is_live
    clock.move(minutes=1)
    assert states(lea)[0].stored is Status.EXPIRED


def test_what_a_patient_decides_is_not_shortened(clock: FrozenClock, people: Seeded, grant_consent: Grant) -> None:
    dominique = people.patients["dominique"]
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    grant_consent(patient_id=dominique, by=own, valid_until=date(2027, 11, 1))
    assert states(dominique)[0].valid_until == date(2027, 11, 1)


def test_the_new_adult_finds_each_question_once_nothing_ticked_and_is_told(
    client: FlaskClient, clock: FrozenClock, people: Seeded, grant_consent: Grant, applications: dict[str, UUID]
) -> None:
    """Two parents; one app that runs, one that was revoked, one that had ended: a question stands for the first."""
    child = teenager(people)
    camille, ruth = parent(people, child=child), parent(people, "ruth", child=child)
    long = date(2027, 5, 1)
    app = applications["Balance+"]
    asked = (permission(PRESSURE), permission(WEIGHT))
    runs = grant_consent(
        *asked, patient_id=child, by=camille, valid_until=long, environment="production", app_id=app, client_pk=app
    )
    revoked = grant_consent(patient_id=child, by=ruth, valid_until=long)
    grant_consent(patient_id=child, by=ruth, valid_until=date(2026, 12, 1))
    with transaction(patient_id=child):
        lifecycle.revoke_consent(patient_id=child, grant_id=revoked, by=camille)
    clock.instant = datetime(2026, 12, 15, 6, tzinfo=UTC)
    record_lapses()
    record_lapses()
    with transaction(patient_id=child):
        (standing,) = queries.list_standing(child)
        told = notifications.list_messages(patient_id=child).items
        person = enrolment.register_citizen(patient_id=child, issuer="essai", subject="tom")
        assert identity.list_email_addresses(child) == []
    assert (standing.grant_id, standing.origin, standing.items) == (runs, Origin.DASHBOARD, asked)
    titles = [one.title for one in told]
    assert titles.count("Vous êtes majeur : vous décidez seul") == 1
    assert "Une personne n’agit plus dans cet espace" not in titles
    sign_in_citizen(client, person_id=person, patient_id=child)
    assert f"/consentement/{standing.id}" in client.get("/espace/applications").text
    screen = client.get(f"/consentement/{standing.id}").text
    boxes = [tag for tag in screen.split("<input")[1:] if 'name="items"' in tag.split(">")[0]]
    assert boxes and not any(" checked" in box.split(">")[0] for box in boxes)
    own = Actor(ActorKind.PATIENT, person, "Tom Durand", assurance="eidas2")
    with transaction(patient_id=child):
        requests.decide_request(
            request_id=standing.id,
            patient_id=child,
            decision=Answer.GRANT,
            items=[permission(WEIGHT)],
            valid_until=date(2027, 3, 15),
            by=own,
        )
    live = [(one.permissions, one.valid_until) for one in states(child) if one.is_live]
    assert live == [((permission(WEIGHT),), date(2027, 3, 15))]


def test_a_consent_that_a_helper_decided_ends_with_the_mandate_whoever_ends_it(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique = people.patients["dominique"]
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    mandate_id, helper = entrust(people, until=date(2027, 2, 1))
    by_helper = grant_consent(patient_id=dominique, by=helper)
    by_self = grant_consent(patient_id=dominique, by=own)
    again = grant_consent(permission(WEIGHT), permission(PRESSURE), patient_id=dominique, by=helper)
    with transaction(patient_id=dominique):
        granting.amend_consent(
            patient_id=dominique, grant_id=again, items=[permission(WEIGHT)], valid_until=date(2027, 1, 1), by=own
        )
    assert {state.grant_id: state.valid_until for state in states(dominique)}[by_helper] == date(2027, 2, 1)
    with transaction(patient_id=dominique):
        mandates.leave_mandate(
            representation_id=mandate_id, by=Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
        )
    assert {state.grant_id: state.stored for state in states(dominique)} == {
        by_helper: Status.REVOKED,
        by_self: Status.ACTIVE,
        again: Status.ACTIVE,
    }
    with transaction(patient_id=dominique):
        last = queries.list_events(dominique, by_helper)[-1]
    assert (last.kind, last.actor_name) == ("revoked", "Camille Durand")


def test_a_mandate_that_reached_its_date_has_the_patient_asked_again(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique = people.patients["dominique"]
    _, helper = entrust(people, until=date(2027, 2, 1))
    grant_id = grant_consent(patient_id=dominique, by=helper)
    clock.instant = datetime(2027, 2, 2, 6, tzinfo=UTC)
    record_lapses()
    with transaction(patient_id=dominique):
        (standing,) = queries.list_standing(dominique)
    assert (standing.grant_id, states(dominique)[0].stored) == (grant_id, Status.EXPIRED)


def test_a_helper_decides_on_nothing_that_the_mandate_leaves_out(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    _, helper = entrust(people, until=date(2027, 2, 1), excluded=frozenset({"measures"}))
    with pytest.raises(OutsideMandate):
        grant_consent(permission(WEIGHT), patient_id=people.patients["dominique"], by=helper)


@pytest.mark.parametrize("opens", [lifecycle.resume_consent, lifecycle.request_presence_window])
def test_a_helper_opens_nothing_anew_that_the_mandate_leaves_out(
    clock: FrozenClock, people: Seeded, grant_consent: Grant, opens: Callable[..., None]
) -> None:
    """The patient's own consent: a helper may close it, and opens it again within the mandate only."""
    dominique = people.patients["dominique"]
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    grant_id = grant_consent(patient_id=dominique, by=own)
    _, outside = entrust(people, until=date(2027, 2, 1), excluded=frozenset({"measures"}))
    with transaction(patient_id=dominique):
        if opens is lifecycle.resume_consent:
            lifecycle.pause_consent(patient_id=dominique, grant_id=grant_id, by=outside)
    with pytest.raises(OutsideMandate), transaction(patient_id=dominique):
        opens(patient_id=dominique, grant_id=grant_id, by=outside)
    _, within = entrust(people, until=date(2027, 2, 1), excluded=frozenset({"agenda"}))
    with transaction(patient_id=dominique):
        opens(patient_id=dominique, grant_id=grant_id, by=within)
    assert states(dominique)[0].stored is Status.ACTIVE


def test_a_helper_neither_sees_nor_shows_again_a_resource_that_the_mandate_leaves_out(
    client: FlaskClient, clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique = people.patients["dominique"]
    kept = weigh(dominique)
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    grant_id = grant_consent(patient_id=dominique, by=own)
    named = {"patient_id": dominique, "grant_id": grant_id, "resource_id": kept}
    with transaction(patient_id=dominique):
        exclusions.exclude_resource(**named, category=WEIGHT, by=own)
    _, helper = entrust(people, until=date(2027, 2, 1), excluded=frozenset({"measures"}))
    for act in (
        lambda: exclusions.include_resource(**named, by=helper),
        lambda: exclusions.exclude_resource(**named, category=WEIGHT, by=helper),
    ):
        with pytest.raises(OutsideMandate), transaction(patient_id=dominique):
            act()
    page = f"/espace/applications/{grant_id}"
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=dominique)
    assert str(kept) in client.get(page).text
    me = people.persons["camille"]
    sign_in_citizen(client, person_id=me, patient_id=people.patients["camille"], acting_for=dominique)
    assert str(kept) not in client.get(page).text


def test_a_helper_shows_again_nothing_that_the_mandate_leaves_out(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique = people.patients["dominique"]
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    grant_id = grant_consent(patient_id=dominique, by=own)
    mask = ContributionsChoice.MASK
    with transaction(patient_id=dominique):
        withdrawal.withdraw_consent(patient_id=dominique, grant_id=grant_id, contributions=mask, by=own)
    _, helper = entrust(people, until=date(2027, 2, 1), excluded=frozenset({"measures"}))
    with pytest.raises(OutsideMandate), transaction(patient_id=dominique):
        withdrawal.decide_contributions(
            patient_id=dominique, grant_id=grant_id, choice=ContributionsChoice.KEEP, by=helper
        )


def test_the_page_of_a_resource_names_apps_to_those_who_rule_them(
    app: Flask, clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique, kept = people.patients["dominique"], uuid7()
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    grant_consent(patient_id=dominique, by=own)
    _, helper = entrust(people, until=date(2027, 2, 1))
    reader = replace(helper, roles=frozenset({Power.RECORD}))
    shown = {"patient_id": dominique, "category": WEIGHT, "resource_id": kept}
    with app.test_request_context("/"), transaction(patient_id=dominique):
        loaded = [detail.load_resource_panel(by=by, **shown) is not None for by in (own, helper, reader)]
    assert loaded == [True, True, False]


def test_the_inbox_never_says_you_of_what_somebody_else_decided(
    clock: FrozenClock, people: Seeded, grant_consent: Grant
) -> None:
    dominique = people.patients["dominique"]
    own = Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")
    _, helper = entrust(people, until=date(2027, 2, 1))
    for by, decider in ((own, "Vous avez"), (helper, "Camille Durand"), (SYSTEM, "Espace numérique de santé")):
        grant_id = grant_consent(patient_id=dominique, by=by)
        with transaction(patient_id=dominique):
            granting.amend_consent(
                patient_id=dominique, grant_id=grant_id, items=[permission()], valid_until=date(2027, 1, 1), by=by
            )
            withdrawal.withdraw_consent(patient_id=dominique, grant_id=grant_id, erase=True, by=by)
            found = notifications.list_messages(patient_id=dominique).items[:4]
        assert [one.kind.removeprefix("consent.") for one in found] == [
            "erasure_asked",
            "revoked",
            "amended",
            "granted",
        ]
        said = [f"{one.title} {one.body}" for one in found]
        assert all(decider in text and (by is own or "Vous avez" not in text) for text in said), said


def test_the_screen_offers_no_end_past_the_right_of_who_decides_and_nothing_left_out(
    client: FlaskClient, clock: FrozenClock, people: Seeded, ask: Ask
) -> None:
    camille, dominique = people.persons["camille"], people.patients["dominique"]
    entrust(people, until=date(2027, 1, 5))
    sign_in_citizen(client, person_id=camille, patient_id=people.patients["camille"], acting_for=dominique)
    with client.session_transaction() as session:
        session["browser_key"] = "browser"
    request_id = ask()
    screen = client.get(f"/consentement/{request_id}").text
    assert 'value="2027-01-05"' in screen and 'value="2027-05-21"' not in screen
    assert "Dominique Petit" in screen and "votre nom sera inscrit" in screen
    entrust(people, until=date(2027, 1, 5), excluded=frozenset({"measures"}))
    refused = client.get(f"/consentement/{request_id}")
    assert (refused.status_code, "Votre mandat ne va pas jusque-là" in refused.text) == (403, True)
    for decision in (Answer.REFUSE, Answer.POSTPONE):
        page, form = f"/consentement/{request_id}", {"decision": decision}
        assert submit(client, page, form, page="/espace/applications").status_code == 403
    with transaction():
        assert requests.get_request(request_id=request_id, browser_key="browser").status is RequestStatus.REQUESTED


@pytest.mark.parametrize("choice", [ContributionsChoice.DELETE, ContributionsChoice.MASK])
def test_a_helper_deletes_nothing_from_the_record(
    clock: FrozenClock, people: Seeded, grant_consent: Grant, choice: ContributionsChoice
) -> None:
    dominique = people.patients["dominique"]
    _, helper = entrust(people, until=date(2027, 2, 1))
    grant_id = grant_consent(patient_id=dominique, by=helper)
    deletes = choice is ContributionsChoice.DELETE
    with pytest.raises(OutsideMandate) if deletes else nullcontext(), transaction(patient_id=dominique):
        withdrawal.withdraw_consent(patient_id=dominique, grant_id=grant_id, contributions=choice, by=helper)
    assert states(dominique)[0].is_live is deletes
