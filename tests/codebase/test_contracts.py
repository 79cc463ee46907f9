"""The import contracts cover what exists: a package that gets tables gets its contract."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
PACKAGES = sorted(
    path.parent.name
    for path in ROOT.glob("*/wiring.py")
    if not path.parent.name.startswith("platform_") and list(path.parent.glob("models*"))
)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tables_of_a_package_are_private_to_it(package: str) -> None:
    private = {
        module: contract["allowed_importers"]
        for contract in CONTRACTS
        if contract["type"] == "protected"
        for module in contract["protected_modules"]
    }
    assert private.get(f"{package}.models") == [package]


def test_every_package_stands_in_the_layers() -> None:
    (layers,) = [contract["layers"] for contract in CONTRACTS if contract["name"] == "Packages are layered"]
    named = {name for layer in layers for name in layer.split(" | ")}
    assert named == {path.parent.name for path in ROOT.glob("*/wiring.py")}
