"""Where code stands and how it is imported."""

import ast
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.codebase.sources import PACKAGES, ROOMS, ROOT, modules, tree

FILE_NAMES = {
    "__init__",
    "wiring",
    "api",
    "pages",
    "tasks",
    "cli",
    "subscribers",
    "schemas",
    "server",
    "service",
    "queries",
    "gateway",
    "rules",
    "workflow",
    "fhir",
    "ical",
    "cda",
    "models",
    "events",
    "categories",
    "errors",
    "sessions",
}
DATA_FOLDERS = {"templates", "static", "data"}
VAGUE = {"utils", "helpers", "common", "managers", "misc", "dao"}
LONGEST_LINES = 420


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("room", ROOMS)
def test_the_files_of_a_room_say_their_role(room: str) -> None:
    found = {
        path.stem
        for path in (ROOT / room).iterdir()
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert found - FILE_NAMES - DATA_FOLDERS == set()


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=relative)
def test_a_module_has_a_purpose_and_a_readable_length(path: Path) -> None:
    assert not VAGUE & set(path.with_suffix("").relative_to(ROOT).parts)
    assert len(path.read_text().splitlines()) <= LONGEST_LINES
    if path.name != "__init__.py" or path.read_text():
        assert ast.get_docstring(tree(path)), "a module begins with a docstring"


@pytest.mark.parametrize("path", [p for p in modules(*PACKAGES[:-1]) if p.name == "__init__.py"], ids=relative)
def test_a_package_begins_with_a_docstring_and_at_most_gathers_names(path: Path) -> None:
    """A module grown into a package goes on offering its names; a top-level package offers none."""
    others = {type(node) for node in tree(path).body[1:]}
    assert others <= (set() if path.parent.parent == ROOT else {ast.ImportFrom, ast.Assign})


@pytest.mark.parametrize("path", modules(*PACKAGES), ids=relative)
def test_no_function_imports_our_packages_to_escape_a_cycle(path: Path) -> None:
    hidden = [
        f"line {node.lineno}"
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and _ours(node)
    ]
    assert hidden == []


def _ours(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or "."]
    return any(name.partition(".")[0] in (*PACKAGES, "") for name in names)


def test_the_models_of_a_room_are_private_by_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    protected = {name for contract in settings for name in contract.get("protected_modules", [])}
    assert protected == {f"{room}.models" for room in ROOMS if list((ROOT / room).glob("models*"))}


@pytest.mark.parametrize("name", PACKAGES)
def test_one_distribution_owns_each_top_level_name(name: str) -> None:
    owner = "ens-partner-sdk" if name == "partner_sdk" else "ens-platform"
    assert packages_distributions().get(name) == [owner]
