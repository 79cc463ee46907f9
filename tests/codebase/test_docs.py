"""The documentation leads somewhere and forgets no setting."""

import re
from pathlib import Path

import pytest

from consent import workflow as consents
from consent.rules import reports as accesses
from identity_core import workflow as spaces
from store import workflow as referencing
from store.rules import reports

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "partner_sdk" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SETTING = re.compile(r"ENS_[A-Z_]+[A-Z]")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_relative_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    for link in _LINK.findall(page.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT) and target.exists(), link
        assert not anchor or anchor in anchors(target), link


def settings_read() -> set[str]:
    """The settings that config.py names, those of the identity providers spelt out."""
    named = set(_SETTING.findall((ROOT / "platform_core" / "config.py").read_text("utf-8")))
    providers = {
        f"ENS_{kind}_IDP_{part}"
        for kind in ("CITIZEN", "PRO", "AGENT")
        for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
    }
    return named | providers


def test_every_setting_and_no_other_is_in_the_table_of_operations() -> None:
    table = re.findall(r"^\| (`ENS_[^|]+) \|", (ROOT / "docs" / "operations.md").read_text("utf-8"), re.MULTILINE)
    assert set(_SETTING.findall(" ".join(table))) == settings_read()


REFERENCING = {
    word
    for table in referencing.TABLES.values()
    for verb, line in table.items()
    for word in (verb, line.to, *line.frm)
    if word
}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("consent", {*consents.Status, *consents.RequestStatus, *consents.Verb}),
        ("consent", {*consents.ErasureState, *consents.ErasureVerb}),
        ("referencing", REFERENCING),
        ("contested-access", {*accesses.State, *accesses.Verb}),
        ("report", {*reports.State, *reports.Verb}),
        ("representation", {*spaces.RepresentationState, *spaces.RepresentationVerb}),
        ("space", {*spaces.SpaceState, *spaces.SpaceVerb}),
    ],
)
def test_a_page_of_a_life_names_every_state_and_every_verb(page: str, words: set[str]) -> None:
    text = (ROOT / "docs" / "lifecycles" / f"{page}.md").read_text("utf-8")
    assert {word for word in words if not re.search(rf"\b{word}\b", text)} == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text("utf-8")))
    assert listed == {page.name for page in folder.glob("0*.md")}
