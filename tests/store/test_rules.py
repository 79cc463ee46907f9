"""The dossier and the grid as data: shapes, completeness, ceiling, words of the catalogue."""

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from platform_core.access import Access
from platform_core.errors import Invalid
from platform_core.permission import ON_DEMAND, Periodicity, Purpose, Unit
from store.rules import dossier, grid, orientation
from store.rules.procedure import PROCEDURE
from tests.store.conftest import complete_dossier, weight_item

GRID = grid.load(PROCEDURE["grid"])
DATA = files("store").joinpath("data")


def read(name: str) -> Any:
    return json.loads(DATA.joinpath(name).read_text())


def test_the_schema_of_the_dossier_is_itself_valid() -> None:
    Draft202012Validator.check_schema(dossier.SCHEMA)


def test_every_field_of_the_dossier_has_a_label_and_every_choice_its_words() -> None:
    for shape in (*dossier.SECTIONS.values(), dossier.ITEM):
        assert set(shape["required"]) <= set(shape["properties"])
        for field in shape["properties"].values():
            choices = field.get("enum") or field.get("items", {}).get("enum") or []
            assert field["title"]
            assert [str(choice) for choice in choices] == list(field.get("x-labels", {}))


def test_every_group_of_the_task_list_names_sections_once() -> None:
    named = [section for group in dossier.SCHEMA["x-groups"] for section in group["sections"]]
    assert sorted(named) == sorted(dossier.SECTIONS)


def test_every_condition_of_the_dossier_asks_a_question_with_answers_it_can_have() -> None:
    for shape in dossier.SECTIONS.values():
        for one in (shape, *shape["properties"].values()):
            for alternative in one.get("x-applies-when", ()):
                for question, accepted in alternative.items():
                    asked = orientation.QUESTIONS[question]
                    assert set(accepted) <= set(asked.get("enum", [True, False]))


def test_every_field_stands_in_one_step() -> None:
    for shape in dossier.SECTIONS.values():
        if "x-steps" in shape:
            assert [name for step in shape["x-steps"] for name in step["fields"]] == list(shape["properties"])


def test_a_complete_dossier_lacks_nothing() -> None:
    assert dossier.list_faults(complete_dossier(), GRID) == []


@pytest.mark.parametrize("section", [section for section in dossier.SECTIONS if section != "criteria"])
def test_a_dossier_without_a_section_lacks_each_of_its_fields(section: str) -> None:
    value = {code: content for code, content in complete_dossier().items() if code != section}
    found = {(fault.where, fault.code) for fault in dossier.list_faults(value, GRID)}
    given = value.get("orientation", {})
    asked = [name for name in dossier.SECTIONS[section]["required"] if dossier.field_applies(given, section, name)]
    assert found == {(f"{section}.{name}", "required") for name in asked}
    dossier.check_draft(value, GRID)


@pytest.mark.parametrize(
    ("section", "field", "value", "code"),
    [
        ("service", "site", "http://exemple.fr", "format"),
        ("service", "site", "javascript:alert(1)", "format"),
        ("service", "tagline", "Court", "too-short"),
        ("service", "audience", ["martians"], "not-a-choice"),
        ("company", "siren", "12345", "format"),
        ("company", "siren", "900000018", "format"),
        ("company", "contact_email", "personne", "format"),
        ("data", "duration_days", 400, "not-a-choice"),
        ("data", "purposes", ["recherche"], "not-a-choice"),
        ("hosting", "hds_valid_until", "2028-02-30", "format"),
        ("contacts", "security_phone", "appelez", "format"),
        ("accessibility", "rate", 101, "out-of-range"),
        ("orientation", "ai", "perhaps", "not-a-choice"),
        ("technical", "profile", "basic", "not-a-choice"),
    ],
)
def test_a_wrong_value_is_refused_in_a_draft_too(section: str, field: str, value: Any, code: str) -> None:
    content = complete_dossier()
    content[section] = {**content[section], field: value}
    with pytest.raises(Invalid) as refused:
        dossier.check_draft(content, GRID)
    assert [(fault.where.split(".")[:2], fault.code) for fault in refused.value.faults] == [([section, field], code)]


def test_each_fault_is_named_once_in_the_order_of_the_sections() -> None:
    found = [fault.where for fault in dossier.list_faults({}, GRID)]
    assert len(found) == len(set(found))
    order = [section for section in dossier.SECTIONS if section not in {"data", "technical"}]
    assert list(dict.fromkeys(where.partition(".")[0] for where in found)) == order


def test_the_version_of_a_section_changes_with_it_alone() -> None:
    before = complete_dossier()
    after = {**before, "technical": {"profile": "smart"}}
    same = [s for s in dossier.SECTIONS if dossier.section_version(before, s) == dossier.section_version(after, s)]
    assert same == [s for s in dossier.SECTIONS if s != "technical"]


def test_an_item_replaces_the_one_of_the_same_category_and_access() -> None:
    data = dossier.with_item({"purposes": ["soins"]}, weight_item("write"))
    data = dossier.with_item(data, weight_item("read"))
    data = dossier.with_item(data, weight_item("read", history_days=None))
    assert data["items"] == [weight_item("read", history_days=None), weight_item("write")]
    assert dossier.without_item(data, "storetest.weight", "read")["items"] == [weight_item("write")]


def test_the_ceiling_says_what_the_dossier_asks() -> None:
    items = [weight_item("read"), weight_item("write", periodicity={"on_demand": True}, required=False)]
    content = complete_dossier(data={"purposes": ["soins", "suivi"], "duration_days": 183, "items": items})
    ceiling = dossier.find_ceiling(content)
    assert ceiling is not None
    assert (ceiling.purposes, ceiling.duration_days) == ({Purpose.CARE, Purpose.FOLLOW_UP}, 183)
    read_item, write_item = (ceiling.find("storetest.weight", access) for access in Access)
    assert read_item is not None and write_item is not None
    assert (read_item.periodicity, read_item.required) == (Periodicity.recurring(1, Unit.DAY), True)
    assert (write_item.periodicity, write_item.required) == (ON_DEMAND, False)


def test_a_dossier_that_asks_nothing_has_no_ceiling() -> None:
    assert dossier.find_ceiling({}) is None
    assert dossier.find_ceiling({"data": {"purposes": ["soins"]}}) is None
