"""What a dossier lacks, what its orientation sets aside, where its sections stand, what changed between versions."""

from typing import Any

import pytest

from platform_core.errors import Invalid
from store.rules import answers, changes, dossier, grid, sections
from store.rules.answers import Mark
from store.rules.procedure import PROCEDURE
from store.rules.sections import Review, SectionStatus
from store.workflow import SubmissionState
from tests.store.conftest import answer_criteria, complete_dossier, weight_item

GRID = grid.load(PROCEDURE["grid"])
FIRST, NEXT = grid.load("2026.1"), grid.load("2026.2")


def codes(content: dict[str, Any], used: grid.Grid = GRID) -> list[tuple[str, str]]:
    return [(fault.where, fault.code) for fault in dossier.list_faults(content, used)]


def oriented(**given: Any) -> dict[str, Any]:
    """A complete dossier whose orientation says something else; its other answers stay."""
    content = complete_dossier()
    return {**content, "orientation": {**content["orientation"], **given}}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"medical_device": "class-2a"}, ("service.ce_marking", "required")),
        ({"ai": "assist"}, ("ethics.ai_use", "required")),
        ({"minors": True}, ("ethics.minors_measures", "required")),
        ({"devices": True}, ("criteria.SEC-13.level", "required")),
        ({"payment": True}, ("criteria.SEC-14.answer", "required")),
        ({"domain": "other"}, ("orientation.domain", "not-eligible")),
        ({"domain": "wellbeing"}, ("orientation.exchange", "not-eligible")),
        ({"hosting_country": "outside"}, ("orientation.hosting_country", "not-eligible")),
    ],
)
def test_an_answer_to_the_orientation_asks_for_more(given: dict[str, Any], missing: tuple[str, str]) -> None:
    content = oriented(**given)
    assert missing in codes(content)
    dossier.check_draft(content, GRID)


@pytest.mark.parametrize("section", ["data", "technical"])
def test_a_service_that_exchanges_nothing_owes_no_section_of_the_exchange(section: str) -> None:
    content = {code: values for code, values in oriented(exchange=False).items() if code != section}
    assert codes(content) == []
    assert sections.list_statuses(content, GRID, Review())[section] is SectionStatus.NOT_APPLICABLE


def test_what_the_orientation_sets_aside_is_dropped_when_the_dossier_is_sent() -> None:
    content = oriented(exchange=False)
    content["ethics"] = {**content["ethics"], "ai_use": "Un résumé automatique des nuits."}
    kept = dossier.pruned(content, GRID)
    assert "data" not in kept and "technical" not in kept and "ai_use" not in kept["ethics"]
    assert "ECH-01" in content["criteria"] and "ECH-01" not in kept["criteria"]
    assert kept["criteria"]["SEC-01"] == content["criteria"]["SEC-01"]
    assert codes(kept) == []


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        ({}, [("criteria.SEC-01.level", "required"), ("criteria.SEC-01.answer", "required")]),
        ({"level": 1}, [("criteria.SEC-01.answer", "required")]),
        ({"answer": "Certificat joint, périmètre complet."}, [("criteria.SEC-01.level", "required")]),
        (
            {"level": 0, "answer": "Certificat joint, périmètre complet."},
            [("criteria.SEC-01.level", "insufficient")],
        ),
    ],
)
def test_an_obligatory_criterion_needs_a_level_that_is_enough_and_what_shows_it(
    claim: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    content = complete_dossier()
    content["criteria"] = {**content["criteria"], "SEC-01": claim}
    assert codes(content) == found
    dossier.check_draft(content, GRID)


def test_an_optional_criterion_may_be_left_out() -> None:
    content = complete_dossier()
    content["criteria"] = {key: claim for key, claim in content["criteria"].items() if key != "SEC-15"}
    assert codes(content) == []


@pytest.mark.parametrize(
    ("criterion", "claim", "code"),
    [
        ("SEC-01", {"level": 9}, "not-a-choice"),
        ("SEC-01", {"answer": "Oui."}, "too-short"),
        ("ZZZ-01", {"level": 1}, "unknown-criterion"),
        ("INT-09", {"level": 1}, "unknown-criterion"),
        ("sec", {"level": 1}, "format"),
    ],
)
def test_an_answer_to_no_such_criterion_or_level_is_refused_in_a_draft_too(
    criterion: str, claim: dict[str, Any], code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        dossier.check_draft({"criteria": {criterion: claim}}, GRID)
    assert code in [fault.code for fault in refused.value.faults]


def test_a_new_grid_asks_again_only_for_what_changed_or_is_new() -> None:
    claims = answer_criteria(FIRST, complete_dossier()["orientation"])
    carried = answers.carry_over(claims, FIRST, NEXT)
    content = {**complete_dossier(), "criteria": carried}
    asked = {fault.where.split(".")[1] for fault in dossier.list_faults(content, NEXT)}
    assert asked == {"SEC-03", "SEC-06", "RGP-15"}
    assert "INT-09" in claims and "INT-09" not in carried
    assert carried["SEC-06"] == {name: claims["SEC-06"][name] for name in ("answer", "no_evidence")}
    assert carried["SEC-01"] == claims["SEC-01"]


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [("SEC-16", Mark.NEW), ("RGP-15", Mark.NEW), ("SEC-03", Mark.CHANGED), ("ETH-05", Mark.CHANGED), ("SEC-01", None)],
)
def test_a_criterion_is_marked_beside_the_grid_answered_last(criterion: str, expected: Mark | None) -> None:
    assert answers.mark(NEXT.get(criterion), FIRST) is expected
    assert answers.mark(NEXT.get(criterion), NEXT) is None
    assert answers.mark(NEXT.get(criterion), None) is None


@pytest.mark.parametrize(
    ("state", "flagged", "frozen", "content", "expected"),
    [
        ("draft", [], {}, {}, SectionStatus.EMPTY),
        ("draft", [], {}, {"country": "France"}, SectionStatus.STARTED),
        ("draft", [], {}, "complete", SectionStatus.COMPLETE),
        ("submitted", [], "complete", "complete", SectionStatus.COMPLETE),
        ("in_evaluation", [], "complete", "complete", SectionStatus.COMPLETE),
        ("complements_requested", ["hosting"], "complete", "complete", SectionStatus.TO_CORRECT),
        ("complements_requested", ["hosting"], "complete", {"country": "France"}, SectionStatus.TO_CORRECT),
        ("complements_requested", ["hosting"], "complete", "corrected", SectionStatus.COMPLETE),
        ("complements_requested", ["privacy"], "complete", "complete", SectionStatus.VALIDATED),
        ("complements_requested", ["SEC-01"], "complete", "complete", SectionStatus.VALIDATED),
        ("accepted", [], "complete", "complete", SectionStatus.VALIDATED),
        ("listed", [], "complete", "complete", SectionStatus.VALIDATED),
        ("refused", [], "complete", "complete", SectionStatus.COMPLETE),
    ],
)
def test_the_status_of_a_section_follows_its_content_and_the_review(
    state: str, flagged: list[str], frozen: Any, content: Any, expected: SectionStatus
) -> None:
    whole = complete_dossier()["hosting"]
    named = {"complete": whole, "corrected": {**whole, "hoster": "Autre Nuage"}}
    present, read = (named[one] if isinstance(one, str) else one for one in (content, frozen))
    review = Review(SubmissionState(state), flagged, {**complete_dossier(), "hosting": read})
    found = sections.list_statuses({**complete_dossier(), "hosting": present}, GRID, review)
    assert found["hosting"] is expected


@pytest.mark.parametrize(
    ("corrected", "expected"),
    [
        ([], SectionStatus.TO_CORRECT),
        (["SEC-01"], SectionStatus.TO_CORRECT),
        (["SEC-01", "RGP-01"], SectionStatus.COMPLETE),
    ],
)
def test_criteria_sent_back_are_to_correct_until_each_has_changed(
    corrected: list[str], expected: SectionStatus
) -> None:
    before = complete_dossier()
    claims = {key: {**before["criteria"][key], "answer": "Réponse corrigée et précisée."} for key in corrected}
    after = {**before, "criteria": {**before["criteria"], **claims}}
    review = Review(SubmissionState.COMPLEMENTS_REQUESTED, ["SEC-01", "RGP-01"], before)
    assert sections.list_statuses(after, GRID, review)["criteria"] is expected


def test_a_section_is_asked_in_steps_less_what_does_not_concern_the_service() -> None:
    content = complete_dossier()
    steps = sections.list_steps("catalogue", content, GRID)
    assert [step.slug for step in steps] == ["rubrique", "liens"]
    assert "professional_url" not in steps[1].fields
    asked = sections.list_steps("catalogue", oriented(professionals=True), GRID)
    assert "professional_url" in asked[1].fields
    assert [step.slug for step in sections.list_steps("company", content, GRID)] == [""]
    assert "items" not in sections.list_steps("data", content, GRID)[0].fields


def test_criteria_are_asked_family_by_family_and_only_those_that_apply() -> None:
    families = sections.list_steps("criteria", oriented(exchange=False), GRID)
    assert [step.title for step in families] == [
        "Urbanisation",
        "Interopérabilité",
        "Sécurité",
        "Éthique",
        "Protection des données",
    ]
    assert families[1].fields == ("INT-06",)


def test_the_version_of_some_fields_ignores_the_others() -> None:
    before = complete_dossier()
    after = {**before, "hosting": {**before["hosting"], "hoster": "Autre Nuage"}}
    assert dossier.section_version(before, "hosting", ["country"]) == dossier.section_version(
        after, "hosting", ["country"]
    )
    assert dossier.section_version(before, "hosting", ["hoster"]) != dossier.section_version(
        after, "hosting", ["hoster"]
    )


def test_the_version_of_an_item_ignores_its_neighbours() -> None:
    one = complete_dossier(data={"items": [weight_item("read")]})
    two = complete_dossier(data={"items": [weight_item("read"), weight_item("write")]})
    assert dossier.item_version(one, "storetest.weight", "read") == dossier.item_version(
        two, "storetest.weight", "read"
    )
    assert dossier.item_version(one, "storetest.weight", "write") != dossier.item_version(
        two, "storetest.weight", "write"
    )


@pytest.mark.parametrize(
    ("section", "change", "expected"),
    [
        (
            "hosting",
            lambda v: {**v, "hoster": "Autre Nuage"},
            [("hosting", (), "hoster", "Nuage Clair", "Autre Nuage")],
        ),
        (
            "hosting",
            lambda v: {**v, "last_pentest_on": "2026-02-01"},
            [("hosting", (), "last_pentest_on", None, "2026-02-01")],
        ),
        (
            "privacy",
            lambda v: {**v, "recipients": [*v["recipients"], "Courrier Vif, messages, France"]},
            [
                (
                    "privacy",
                    (),
                    "recipients",
                    ["Nuage Clair, hébergeur, France"],
                    ["Nuage Clair, hébergeur, France", "Courrier Vif, messages, France"],
                )
            ],
        ),
        (
            "data",
            lambda v: {**v, "items": [weight_item("read", history_days=30)]},
            [("data", ("storetest.weight", "read"), "history_days", 365, 30)],
        ),
        (
            "criteria",
            lambda v: {**v, "SEC-01": {**v["SEC-01"], "level": 2}},
            [("criteria", ("SEC-01",), "level", 1, 2)],
        ),
        ("company", lambda v: v, []),
    ],
)
def test_changes_are_told_field_by_field(section: str, change: Any, expected: list[tuple[Any, ...]]) -> None:
    before = complete_dossier()
    after = {**before, section: change(before[section])}
    found = changes.list_changes(before, after)
    assert [(c.section, c.parent, c.field, c.before, c.after) for c in found] == expected
    assert all(c.shape["title"] for c in found)


def test_an_item_added_is_told_whole_and_an_item_removed_too() -> None:
    before = complete_dossier()
    after = {**before, "data": {**before["data"], "items": [weight_item("write")]}}
    found = changes.list_changes(before, after)
    assert [(c.parent, c.field, c.before, c.after) for c in found] == [
        (("storetest.weight", "read"), "", weight_item("read"), None),
        (("storetest.weight", "write"), "", None, weight_item("write")),
    ]
