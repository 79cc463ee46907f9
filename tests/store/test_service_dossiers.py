"""What a publisher does with a dossier: parts that are open, versions that stay, answers carried to a new grid."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from platform_core.database import db, transaction
from platform_core.errors import Conflict, Invalid, NotFound, VersionMismatch
from store.errors import Incomplete, SectionLocked, TransitionRefused
from store.queries import versions
from store.queries.listings import find_listing
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import grid
from store.rules.dossier import section_version
from store.rules.procedure import PROCEDURE
from store.service import dossiers, questions, rehearsal, reviews
from store.workflow import SubmissionKind, SubmissionState
from tests.store.conftest import ORIENTATION, People, answer_criteria, bring_to, complete_dossier, fill


def present(application_id: UUID, people: People) -> SubmissionView:
    with transaction():
        return get_own_submission(application_id, by=people.alice)


def send_back(submission_id: UUID, people: People, flagged: list[str]) -> None:
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=flagged, by=people.ines)


def save(application_id: UUID, people: People, section: str, values: dict[str, Any], fields: list[str]) -> None:
    content = present(application_id, people).dossier
    with transaction():
        dossiers.save_section(
            application_id=application_id,
            section=section,
            values=values,
            version=section_version(content, section, fields),
            fields=fields,
            by=people.alice,
        )


def test_saving_some_fields_keeps_the_others(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    save(application_id, people, "hosting", {"hoster": "Autre Nuage"}, ["hoster", "country"])
    whole = complete_dossier()["hosting"]
    assert present(application_id, people).dossier["hosting"] == {
        **{name: value for name, value in whole.items() if name != "country"},
        "hoster": "Autre Nuage",
    }


def test_the_version_of_other_fields_does_not_save_these(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    content = present(application_id, people).dossier
    with pytest.raises(VersionMismatch), transaction():
        dossiers.save_section(
            application_id=application_id,
            section="hosting",
            values={"hoster": "Autre Nuage"},
            version=section_version(content, "hosting", ["country"]),
            fields=["hoster"],
            by=people.alice,
        )


@pytest.mark.parametrize(
    ("flagged", "section", "fields", "open_"),
    [
        (["hosting"], "hosting", ["hoster"], True),
        (["hosting"], "privacy", ["risks"], False),
        (["SEC-01"], "criteria", ["SEC-01"], True),
        (["SEC-01"], "criteria", ["SEC-02"], False),
        (["SEC-01"], "criteria", ["SEC-01", "SEC-02"], False),
        (["criteria"], "criteria", ["SEC-02"], True),
        (["SEC-01"], "hosting", ["hoster"], False),
    ],
)
def test_complements_open_only_what_was_sent_back(
    people: People, flagged: list[str], section: str, fields: list[str], open_: bool
) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    send_back(submission_id, people, flagged)
    values = {name: complete_dossier()[section][name] for name in fields}
    if open_:
        save(application_id, people, section, values, fields)
    else:
        with pytest.raises(SectionLocked):
            save(application_id, people, section, values, fields)


def test_a_dossier_written_at_once_obeys_the_same_rules(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    content = {"hosting": complete_dossier()["hosting"], "privacy": complete_dossier()["privacy"]}
    with pytest.raises(TransitionRefused), transaction():
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
    send_back(submission_id, people, ["hosting"])
    with pytest.raises(SectionLocked), transaction():
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
    with pytest.raises(NotFound), transaction():
        dossiers.fill_dossier(application_id=application_id, content={"unknown": {}}, by=people.alice)
    with pytest.raises(NotFound), transaction():
        dossiers.fill_dossier(application_id=application_id, content={}, by=people.bruno)
    with pytest.raises(Invalid), transaction():
        dossiers.fill_dossier(application_id=application_id, content={"hosting": {"hoster": 3}}, by=people.alice)


def test_each_sending_leaves_a_version_that_later_edits_do_not_touch(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    send_back(submission_id, people, ["hosting"])
    save(application_id, people, "hosting", {"hoster": "Autre Nuage"}, ["hoster"])
    with transaction():
        assert dossiers.submit(application_id=application_id, by=people.alice) == 2
    with transaction():
        sent = versions.list_own_versions(application_id, by=people.alice)
        assert versions.list_own_versions(application_id, by=people.bruno) == []
    assert [(one.number, one.dossier["hosting"]["hoster"]) for one in sent] == [(2, "Autre Nuage"), (1, "Nuage Clair")]
    assert {(one.submission_number, one.grid_version, one.submitted_by) for one in sent} == {
        (1, PROCEDURE["grid"], "Alice")
    }


@pytest.mark.parametrize("statement", ["UPDATE store_version SET number = 9", "DELETE FROM store_version"])
def test_the_application_cannot_rewrite_what_was_sent(people: People, statement: str) -> None:
    bring_to("submitted", people)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction():
        db.session.execute(sa.text(statement))


def test_complements_are_not_sent_while_a_question_waits(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        questions.ask(submission_id=submission_id, text="Depuis quelle date ?", criterion="SEC-01", by=people.ines)
    send_back(submission_id, people, ["hosting"])
    with pytest.raises(Conflict) as refused, transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    assert refused.value.code == "questions-open"


def test_what_does_not_concern_the_service_is_not_sent(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    content = {"orientation": {**ORIENTATION, "exchange": False}}
    with transaction():
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
        assert "data" in get_own_submission(application_id, by=people.alice).dossier
        dossiers.submit(application_id=application_id, by=people.alice)
    sent = present(application_id, people).dossier
    assert "data" not in sent and "technical" not in sent and "ECH-01" not in sent["criteria"]


def test_a_service_that_exchanges_nothing_is_listed_with_an_empty_ceiling_and_owes_no_test(people: People) -> None:
    application_id, submission_id = bring_to("draft", people)
    content = {"orientation": {**ORIENTATION, "domain": "wellbeing", "exchange": False}}
    with transaction():
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.LISTED, cast=people.cast)
        listing = find_listing(application_id)
    assert listing is not None and listing.is_live
    assert (listing.ceiling.items, listing.ceiling.purposes) == ((), frozenset())


def test_an_obstacle_of_the_orientation_stops_the_submission(people: People) -> None:
    application_id, _ = bring_to("draft", people)
    content = {"orientation": {**ORIENTATION, "domain": "wellbeing"}}
    with pytest.raises(Incomplete) as refused, transaction():
        dossiers.fill_dossier(application_id=application_id, content=content, by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
    assert [(fault.where, fault.code) for fault in refused.value.faults] == [("orientation.exchange", "not-eligible")]


def test_an_amendment_is_bound_to_the_grid_in_force_and_keeps_the_answers_that_still_hold(people: People) -> None:
    with transaction():
        application_id = dossiers.create_application(name="Balance+", grid_version="2026.1", by=people.alice)
        claims = answer_criteria(grid.load("2026.1"), ORIENTATION)
        fill(application_id, people.alice, complete_dossier(criteria=claims))
        dossiers.submit(application_id=application_id, by=people.alice)
        first = get_own_submission(application_id, by=people.alice)
        rehearsal.advance(submission_id=first.id, to=SubmissionState.LISTED, cast=people.cast)
        dossiers.open_submission(application_id=application_id, by=people.alice)
        draft = get_own_submission(application_id, by=people.alice)
        assert versions.find_answered_grid(application_id, before=draft.number) == "2026.1"
        assert versions.find_answered_grid(application_id, before=first.number) is None
    assert (draft.number, draft.kind, draft.grid_version) == (2, SubmissionKind.AMENDMENT, "2026.2")
    with pytest.raises(Incomplete) as refused, transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    asked = {fault.where.split(".")[1] for fault in refused.value.faults}
    assert asked == {"SEC-03", "SEC-06", "RGP-15"}


@pytest.mark.parametrize("kind", [SubmissionKind.FIRST, SubmissionKind.RENEWAL])
def test_a_new_dossier_is_only_what_the_listing_allows(people: People, kind: SubmissionKind) -> None:
    application_id, _ = bring_to("listed", people)
    with pytest.raises(TransitionRefused), transaction():
        dossiers.open_submission(application_id=application_id, kind=kind, by=people.alice)
