"""The SDK stands alone: what it imports, what it exports, and the wheel that carries it."""

import ast
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import partner_sdk

ROOT = Path(partner_sdk.__file__).parent
MODULES = sorted(ROOT.glob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_imports_requests_and_joserfc_alone(module: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            imported.add((node.module or "").partition(".")[0])
    assert imported - sys.stdlib_module_names <= {"requests", "joserfc"}


def test_every_exported_name_is_there_once_and_in_order() -> None:
    exported = partner_sdk.__all__
    assert exported == sorted(set(exported))
    public = {name for name in vars(partner_sdk) if not name.startswith("_")}
    assert set(exported) == public


def test_private_modules_are_named_so() -> None:
    assert {path.name for path in MODULES if not path.name.startswith("_")} == {"errors.py", "webhooks.py"}


def test_the_wheel_installs_alone_in_an_empty_environment(tmp_path: Path) -> None:
    wheel_of = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation"]
    copy = tmp_path / "source"
    _copy_tree(ROOT, copy)
    subprocess.run([*wheel_of, "--wheel-dir", str(tmp_path), str(copy)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ens_partner_sdk-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"partner_sdk"}
    assert "partner_sdk/py.typed" in names
    assert not any("examples" in name for name in names)

    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    # The two dependencies are lent by this environment, after the new one's own packages.
    lent = f"import sys; sys.path.append({str(Path(pytest.__file__).parent.parent)!r}); "
    shown = subprocess.run(
        [str(python), "-I", "-c", lent + "import partner_sdk; print(partner_sdk.__file__)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.startswith(str(environment))


def _copy_tree(source: Path, target: Path) -> None:
    """Copy the distribution, so that building leaves nothing in the working tree."""
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "py.typed"):
        (target / name).write_bytes((source / name).read_bytes())
    for module in source.glob("*.py"):
        (target / module.name).write_bytes(module.read_bytes())
