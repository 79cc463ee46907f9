"""Calls for applications: prepared, published, answered, closed, scored by two, chosen by another, concluded."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from identity_core.rules import REGIONS
from notification_core import queries as notices
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock, today
from platform_core.database import db, transaction
from platform_core.errors import Conflict, Invalid, NotFound
from store.errors import CallClosed, FourEyes, MotiveRequired, OwnOrganisation, RoleRequired, TransitionRefused
from store.models.calls import CallEvent
from store.queries import calls as queries
from store.rules import calls as rules
from store.rules import dossier
from store.rules.calls import Criterion, Indicator
from store.service import calls, candidacies
from store.workflow import CallState, CandidacyState
from tests.store import piloting
from tests.store.conftest import People, bring_to
from tests.store.races import one_wins, race


@pytest.fixture
def call_id(people: People) -> UUID:
    return piloting.publish(people.ines, people.omar)


@pytest.fixture
def candidacy_id(call_id: UUID, people: People) -> UUID:
    return piloting.file(call_id, bring_to("draft", people)[0], people.alice)


def _close(call_id: UUID, people: People) -> None:
    with transaction():
        calls.close(call_id=call_id, by=people.omar)


def test_the_regions_of_calls_are_those_of_the_dossiers() -> None:
    assert dossier.SECTIONS["catalogue"]["properties"]["region"]["x-labels"] == REGIONS


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Bof"),
        ("need", "Trop court."),
        ("themes", ()),
        ("categories", ()),
        ("categories", ("storetest.nothing",)),
        ("regions", ()),
        ("regions", ("99",)),
        ("places", 0),
        ("pilot_days", 731),
        ("criteria", ()),
        ("criteria", (Criterion("c1", "Utilité", 0),)),
        ("indicators", (Indicator("i1", "Pesées", ""),)),
        ("documents", (rules.Document("Texte", "http://autorite.exemple.fr/a.pdf"),)),
    ],
)
def test_a_call_that_lacks_something_is_refused_and_says_what(people: People, field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        calls.prepare(terms=piloting.terms(**{field: value}), by=people.ines)
    assert [fault.where for fault in refused.value.faults] == [field]


def test_a_call_whose_last_day_has_passed_is_not_published(people: People, clock: FrozenClock) -> None:
    with transaction():
        call_id = calls.prepare(terms=piloting.terms(closes_on=today()), by=people.ines)
    clock.move(days=1)
    with pytest.raises(Invalid), transaction():
        calls.publish(call_id=call_id, by=people.omar)


def test_only_the_authority_prepares_and_only_a_decider_publishes(people: People) -> None:
    with pytest.raises(RoleRequired), transaction():
        calls.prepare(terms=piloting.terms(), by=people.alice)
    with transaction():
        call_id = calls.prepare(terms=piloting.terms(), by=people.ines)
    with pytest.raises(RoleRequired), transaction():
        calls.publish(call_id=call_id, by=people.ines)


def test_a_call_is_revised_until_it_is_published_and_public_from_then_on(people: People) -> None:
    with transaction():
        call_id = calls.prepare(terms=piloting.terms(), by=people.ines)
        slug = queries.get_call(call_id).slug
        with pytest.raises(NotFound):
            queries.get_public_call(slug)
        calls.revise(call_id=call_id, terms=piloting.terms(places=7), by=people.ines)
        calls.publish(call_id=call_id, by=people.omar)
        assert queries.get_public_call(slug).terms == piloting.terms(places=7)
        with pytest.raises(TransitionRefused):
            calls.revise(call_id=call_id, terms=piloting.terms(), by=people.ines)


def test_two_calls_of_one_title_have_two_addresses(people: People, call_id: UUID) -> None:
    other = piloting.publish(people.ines, people.omar)
    with transaction():
        slugs = [queries.get_call(one).slug for one in (call_id, other)]
    assert slugs == ["suivre-son-poids-a-la-maison", "suivre-son-poids-a-la-maison-2"]


def test_a_candidacy_is_filed_revised_and_withdrawn_until_the_last_day(
    clock: FrozenClock, people: People, call_id: UUID, candidacy_id: UUID
) -> None:
    with transaction():
        (own,) = queries.list_own_candidacies(call_id, by=people.alice)
        assert queries.list_own_candidacies(call_id, by=people.bruno) == []
    assert piloting.file(call_id, own.application_id, people.alice) == candidacy_id
    clock.move(days=30)
    with transaction():
        candidacies.withdraw(candidacy_id=candidacy_id, by=people.alice)
    with transaction():
        assert queries.list_candidacies(call_id) == []
        verbs = [event.verb for event in db.session.query(CallEvent).order_by(CallEvent.position)]
    assert verbs == ["prepare", "publish", "file", "revise", "withdraw"]
    assert piloting.file(call_id, own.application_id, people.alice) == candidacy_id
    clock.move(days=1)
    with pytest.raises(CallClosed):
        piloting.file(call_id, own.application_id, people.alice)


def test_a_candidacy_answers_every_criterion_with_an_application_of_ones_own(people: People, call_id: UUID) -> None:
    application_id, _ = bring_to("draft", people)
    with pytest.raises(NotFound):
        piloting.file(call_id, application_id, people.bruno)
    with pytest.raises(Invalid) as refused, transaction():
        candidacies.file(
            call_id=call_id,
            application_id=application_id,
            answers={"c1": "Oui."},
            team="",
            links=["http://equipe.exemple.fr"],
            by=people.alice,
        )
    assert [fault.where for fault in refused.value.faults] == ["answer-c2", "team", "links"]


def test_candidacies_are_scored_once_the_call_is_closed(people: People, call_id: UUID, candidacy_id: UUID) -> None:
    with pytest.raises(Conflict, match="once the call is closed"):
        piloting.score(candidacy_id, people.ines)
    _close(call_id, people)
    piloting.score(candidacy_id, people.ines, 5, 1)
    piloting.score(candidacy_id, people.ines, 4, 4)
    piloting.score(candidacy_id, people.noe, 2, 0)
    with transaction():
        found = queries.get_candidacy(candidacy_id)
    assert found.total == pytest.approx(100 * (3 * 3 + 1 * 2) / (5 * 4))
    assert [one.scores["c1"] for one in found.scores] == [(4, "Clair."), (2, "Clair.")]


@pytest.mark.parametrize(
    "scores", [{"c1": (4, "Oui.")}, {"c1": (6, "Oui."), "c2": (1, "Non.")}, {"c1": (4, " "), "c2": (1, "Non.")}]
)
def test_scores_cover_every_criterion_stay_in_bounds_and_are_explained(
    people: People, call_id: UUID, candidacy_id: UUID, scores: dict[str, tuple[int, str]]
) -> None:
    _close(call_id, people)
    with pytest.raises(Invalid, match="scores"), transaction():
        candidacies.score(candidacy_id=candidacy_id, scores=scores, by=people.ines)


def test_nobody_scores_or_chooses_for_their_own_organisation(people: People, call_id: UUID, candidacy_id: UUID) -> None:
    _close(call_id, people)
    insider = replace(people.ines, organisation_id=people.alice.organisation_id)
    with pytest.raises(OwnOrganisation):
        piloting.score(candidacy_id, insider)
    judge = replace(people.omar, organisation_id=people.alice.organisation_id)
    with pytest.raises(OwnOrganisation), transaction():
        candidacies.select(candidacy_id=candidacy_id, motive="Oui.", by=judge)


def test_two_score_and_another_chooses(people: People, call_id: UUID, candidacy_id: UUID) -> None:
    _close(call_id, people)
    choice = {"candidacy_id": candidacy_id, "motive": piloting.MOTIVE}
    piloting.score(candidacy_id, people.ines)
    with pytest.raises(Conflict, match="Two reviewers"), transaction():
        candidacies.select(**choice, by=people.omar)
    piloting.score(candidacy_id, people.noe)
    with pytest.raises(FourEyes), transaction():
        candidacies.select(**choice, by=people.noe)
    with pytest.raises(MotiveRequired), transaction():
        candidacies.reject(candidacy_id=candidacy_id, motive=" ", by=people.omar)
    with transaction():
        candidacies.reject(**choice, by=people.omar)
        candidacies.select(**choice, by=people.omar)
        assert queries.get_candidacy(candidacy_id).state is CandidacyState.SELECTED


def test_a_call_is_concluded_when_all_is_chosen_and_each_candidate_is_told(
    people: People, call_id: UUID, candidacy_id: UUID
) -> None:
    second = piloting.file(call_id, bring_to("draft", people, "Pesée+")[0], people.alice)
    _close(call_id, people)
    for one in (candidacy_id, second):
        piloting.score(one, people.ines)
        piloting.score(one, people.noe)
    with transaction():
        candidacies.select(candidacy_id=candidacy_id, motive=piloting.MOTIVE, by=people.omar)
    with pytest.raises(Conflict, match="awaits a choice"), transaction():
        calls.conclude(call_id=call_id, by=people.omar)
    with transaction():
        candidacies.reject(candidacy_id=second, motive="Trop loin du besoin.", by=people.omar)
    with pytest.raises(FourEyes), transaction():
        calls.conclude(call_id=call_id, by=people.noe)
    before = _told(people)
    with transaction():
        calls.conclude(call_id=call_id, by=people.omar)
    assert _told(people) - before == {
        "Balance+ : candidature retenue",
        "Pesée+ : candidature non retenue",
    }
    with transaction():
        calls.archive(call_id=call_id, motive="L’expérimentation est terminée.", by=people.omar)
        assert queries.get_call(call_id).state is CallState.ARCHIVED
        assert queries.list_public_calls() == []


def _told(people: People) -> set[str]:
    assert people.alice.id is not None
    with transaction():
        return {message.title for message in notices.list_agent_messages(agent_id=people.alice.id).items}


def test_a_call_closes_by_itself_after_its_last_day(clock: FrozenClock, people: People, call_id: UUID) -> None:
    with transaction():
        assert calls.close_due(by=SYSTEM) == 0
    clock.move(days=31)
    with transaction():
        assert calls.close_due(by=SYSTEM) == 1
        assert queries.get_call(call_id).state is CallState.CLOSED
        assert calls.close_due(by=SYSTEM) == 0


def test_of_two_who_close_a_call_at_the_same_instant_one_does(app: Flask, people: People, call_id: UUID) -> None:
    raised = race(
        app,
        lambda: calls.close(call_id=call_id, by=people.omar),
        lambda: calls.close(call_id=call_id, by=people.zoe),
    )
    assert one_wins(raised) is TransitionRefused
