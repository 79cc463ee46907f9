"""The grids and the orientation as data: their shapes, their revisions, what they ask of whom."""

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from platform_core.errors import Invalid, NotFound
from store.errors import CriteriaNotMet
from store.rules import answers, grid, orientation
from store.rules.evidence import KINDS
from store.rules.grid import Verdict
from store.rules.orientation import Blocked, Reason
from store.rules.procedure import PROCEDURE
from tests.store.conftest import ORIENTATION, answer_criteria

DATA = files("store").joinpath("data")
VERSIONS = ["2026.1", "2026.2"]
FAMILIES = ["urbanisation", "interoperability", "security", "ethics", "rgpd", "exchange", "purposes"]


def read(name: str) -> Any:
    return json.loads(DATA.joinpath(name).read_text())


def raw(version: str) -> dict[str, Any]:
    """The criteria of a grid by id, as the file writes them."""
    return {entry["id"]: entry for entry in read(f"grid-{version}.json")["criteria"]}


def test_every_grid_file_is_tested_here() -> None:
    found = sorted(path.name for path in DATA.iterdir() if path.name.startswith("grid-"))
    assert found == [f"grid-{version}.json" for version in VERSIONS]
    assert PROCEDURE["grid"] in VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_a_grid_follows_its_schema(version: str) -> None:
    schema = read("grid.schema.json")
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(read(f"grid-{version}.json"))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_grid_covers_every_family_with_criteria_named_once(version: str) -> None:
    value, loaded = read(f"grid-{version}.json"), grid.load(version)
    assert len(loaded.criteria) == len(value["criteria"]) >= 65
    assert list(loaded.families) == FAMILIES
    assert {criterion.family for criterion in loaded.criteria.values()} == set(FAMILIES)
    assert len({family.slug for family in loaded.families.values()}) == len(FAMILIES)
    assert sum(criterion.family == "exchange" for criterion in loaded.criteria.values()) == 15


@pytest.mark.parametrize("version", VERSIONS)
def test_every_condition_asks_a_question_with_answers_it_can_have(version: str) -> None:
    for criterion in grid.load(version).criteria.values():
        check_condition(criterion.applies_when)


def check_condition(condition: orientation.Condition) -> None:
    for alternative in condition:
        for question, accepted in alternative.items():
            shape = orientation.QUESTIONS[question]
            possible = [True, False] if shape["type"] == "boolean" else shape["enum"]
            assert [answer for answer in accepted if answer not in possible] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_levels_rise_from_what_is_refused_to_what_is_accepted(version: str) -> None:
    for criterion in grid.load(version).criteria.values():
        assert [one.level for one in criterion.levels] == list(range(len(criterion.levels)))
        accepted = [one.acceptable for one in criterion.levels]
        assert accepted == sorted(accepted) and accepted[-1] and not accepted[0]
        assert criterion.accepts(len(criterion.levels) - 1)
        assert not criterion.accepts(0) and not criterion.accepts(None) and not criterion.accepts(99)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_of_evidence_asked_can_be_filed(version: str) -> None:
    asked = {kind for criterion in grid.load(version).criteria.values() for kind in criterion.evidence}
    assert asked <= set(KINDS)


@pytest.mark.parametrize("name", ["grid-2026.1", "grid-2026.2", "orientation-1", "dossier-1"])
def test_no_text_holds_a_sign_that_a_translation_would_take_for_a_format(name: str) -> None:
    assert "%" not in DATA.joinpath(f"{name}.json").read_text()


def test_a_revision_names_what_it_changed_and_leaves_the_rest_as_it_was_to_the_letter() -> None:
    old, new, revised = raw("2026.1"), raw("2026.2"), grid.load("2026.2")
    changed = {key for key in old.keys() & new.keys() if old[key] != new[key]}
    added = new.keys() - old.keys()
    assert revised.supersedes == "2026.1"
    assert changed == set(revised.changes) and len(changed) == 3
    assert old.keys() - new.keys() == set(revised.retired) and len(revised.retired) == 1
    assert len(added) == 2
    assert {key for key, entry in new.items() if entry["revision"] == "2026.2"} == changed | added
    assert {key for key, entry in new.items() if entry["since"] == "2026.2"} == added


@pytest.mark.parametrize(
    ("answers", "concerned", "spared"),
    [
        ({}, ["SEC-01", "RGP-01"], ["ECH-01", "URB-03", "ETH-17"]),
        ({"exchange": True}, ["ECH-01", "FIN-01", "URB-01", "INT-01"], ["URB-03"]),
        ({"exchange": False}, ["SEC-01"], ["ECH-01", "FIN-01", "INT-01"]),
        ({"domain": "soins"}, ["ETH-17"], []),
        ({"domain": "wellbeing"}, [], ["ETH-17"]),
        ({"medical_device": "none"}, [], ["ETH-10", "ETH-11"]),
        ({"medical_device": "class-1"}, ["ETH-10"], ["ETH-11"]),
        ({"medical_device": "class-3"}, ["ETH-10", "ETH-11"], []),
        ({"minors": True}, ["ETH-08", "RGP-12"], []),
        ({"minors": False}, [], ["ETH-08", "RGP-12"]),
        ({"ai": "assist"}, ["ETH-05"], ["ETH-06", "ETH-07"]),
        ({"ai": "decision"}, ["ETH-05", "ETH-06", "ETH-07"], []),
        ({"teleconsultation": True}, ["ETH-14"], []),
        ({"content": True}, ["ETH-02"], []),
        ({"mobile_app": True}, ["SEC-12"], ["SEC-13"]),
        ({"devices": True}, ["SEC-13", "INT-08"], ["SEC-12"]),
        ({"payment": True}, ["SEC-14", "ETH-15"], []),
        ({"professionals": True}, ["URB-03", "URB-05", "URB-07", "URB-08"], []),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_orientation_decides_which_criteria_concern_a_service(
    version: str, answers: dict[str, Any], concerned: list[str], spared: list[str]
) -> None:
    found = [criterion.id for criterion in grid.load(version).applicable(answers)]
    assert [one for one in concerned if one not in found] == []
    assert [one for one in spared if one in found] == []


def test_a_criterion_that_applies_says_by_which_answers() -> None:
    criterion = grid.load("2026.1").get("ETH-06")
    assert orientation.list_reasons({"ai": "decision"}, criterion.applies_when) == [Reason("ai", "decision")]
    assert orientation.list_reasons({"ai": "none"}, criterion.applies_when) == []
    assert orientation.list_reasons({"ai": "decision"}, grid.load("2026.1").get("SEC-01").applies_when) == []


@pytest.mark.parametrize(
    ("answers", "blocked"),
    [
        ({}, []),
        ({"domain": "soins", "exchange": True, "hosting_country": "france"}, []),
        ({"domain": "wellbeing", "exchange": False, "hosting_country": "eea"}, []),
        ({"domain": "wellbeing", "exchange": True}, [("wellbeing-exchange", Blocked.EXCHANGE)]),
        ({"domain": "other"}, [("not-health", Blocked.REFERENCING)]),
        ({"hosting_country": "outside", "domain": "suivi"}, [("hosting-outside", Blocked.REFERENCING)]),
        (
            {"hosting_country": "outside", "domain": "wellbeing", "exchange": True},
            [("wellbeing-exchange", Blocked.EXCHANGE), ("hosting-outside", Blocked.REFERENCING)],
        ),
    ],
)
def test_an_obstacle_says_what_it_forbids(answers: dict[str, Any], blocked: list[tuple[str, Blocked]]) -> None:
    assert [(one.code, one.blocks) for one in orientation.list_obstacles(answers)] == blocked


def test_every_question_of_the_orientation_stands_in_one_step_and_every_obstacle_asks_one() -> None:
    asked = [question for step in orientation.SCHEMA["x-steps"] for question in step["fields"]]
    assert asked == list(orientation.QUESTIONS) == orientation.SCHEMA["required"]
    assert set(orientation.ELIGIBILITY) <= set(asked)
    for obstacle in orientation.SCHEMA["x-obstacles"]:
        check_condition(obstacle["when"])


@pytest.mark.parametrize(
    ("criterion", "verdict", "comment", "code"),
    [
        ("SEC-01", Verdict.NOT_CONFORMING, " ", "comment-required"),
        ("SEC-01", Verdict.TO_CLARIFY, "", "comment-required"),
        ("SEC-01", Verdict.NOT_APPLICABLE, "Sans hébergement.", "always-applies"),
        ("SEC-12", Verdict.NOT_APPLICABLE, "", "comment-required"),
    ],
)
def test_a_verdict_that_cannot_be_given_is_refused(criterion: str, verdict: Verdict, comment: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        grid.check_verdict(grid.load("2026.1").get(criterion), verdict, comment)
    assert refused.value.code == code


def test_only_the_criteria_that_concern_the_service_can_be_unmet() -> None:
    loaded = grid.load("2026.1")
    concerned = [one for one in loaded.applicable({"exchange": False}) if one.obligatory]
    assert grid.list_unmet(loaded, {}, {"exchange": False}) == concerned
    verdicts = {one.id: Verdict.CONFORMING for one in concerned}
    grid.check_met(loaded, verdicts, {"exchange": False})
    with pytest.raises(CriteriaNotMet, match="ECH-01"):
        grid.check_met(loaded, verdicts, {"exchange": True})


def test_a_criterion_that_the_grid_does_not_hold_is_not_found() -> None:
    with pytest.raises(NotFound):
        grid.load("2026.2").get("INT-09")


def test_an_answer_is_shown_by_a_file_or_says_why_not_as_its_criterion_asks() -> None:
    """A CE mark is shown or the dossier does not go; elsewhere a reason does; an optional criterion owes nothing."""
    medical = {**ORIENTATION, "medical_device": "class-2a"}
    used = grid.load("2026.2")
    claims = answer_criteria(used, medical)
    without = {key: {k: v for k, v in claim.items() if k != "no_evidence"} for key, claim in claims.items()}

    def missing(given: dict[str, Any], backed: set[str]) -> dict[str, str]:
        return {fault.where.split(".")[1]: fault.code for fault in answers.list_faults(used, given, medical, backed)}

    assert missing(claims, set()) == {"ETH-10": "evidence-required", "ETH-11": "evidence-required"}
    assert missing(claims, {"ETH-10", "ETH-11"}) == {}
    owed = {one.id for one in used.applicable(medical) if one.obligatory}
    assert missing(without, {"ETH-10", "ETH-11"}).keys() == owed - {"ETH-10", "ETH-11"}
    assert missing(without, owed) == {}
