"""A wheel, installed in an empty environment and used from another folder, does all that is public."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCTESTS = """
import doctest, importlib, pkgutil, sys
import hemresearch
modules = [m.name for m in pkgutil.walk_packages(hemresearch.__path__, "hemresearch.")]
failed = tried = 0
for name in modules:
    if not name.endswith("__main__"):
        result = doctest.testmod(importlib.import_module(name))
        failed, tried = failed + result.failed, tried + result.attempted
assert tried > 50, tried
sys.exit(failed)
"""
CLUSTERED = """
import hemresearch as hem
trial = hem.data.load("myeloid")
curve = hem.survival.kaplan_meier(trial, time="futime", event="death", cluster="id")
print(curve.at([365])["std_error"][0] > 0, hem.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the clone makes."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """An environment with the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    if uv := shutil.which("uv"):
        run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
        run([uv, "pip", "install", "--quiet", "--python", str(python(folder)), str(wheel)], folder.parent)
    else:
        run([sys.executable, "-m", "venv", str(folder)], folder.parent)
        run([str(python(folder)), "-m", "pip", "install", "--quiet", str(wheel)], folder.parent)
    return folder


def python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(command: list[str], folder: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with nothing in its environment that points at this one."""
    own = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "NUMBA_", "COV_"))
    }
    done = subprocess.run(command, cwd=folder, env=own | changed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_wheel_carries_the_data_and_the_values_to_check(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    data = {path.name for path in (ROOT / "data").iterdir() if path.suffix in {".parquet", ".json"}}
    assert {f"hemresearch/data/_files/{name}" for name in data} <= names
    assert {"hemresearch/check_values.json", "hemresearch/py.typed", "hemresearch/__init__.pyi"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_carries_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    kinds = {".py", ".pyi", ".typed", ".json", ".parquet", ".md", ""}
    inside = [name for name in names if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in inside} == {"hemresearch"}
    assert {Path(name).suffix for name in inside} <= kinds
    assert wheel.stat().st_size < 3_500_000  # code and data were 2.5 MB when this was written


def test_the_self_test_passes_in_an_empty_environment(empty: Path, tmp_path: Path) -> None:
    command = python(empty).parent / ("hemresearch.exe" if os.name == "nt" else "hemresearch")
    said = run([str(command), "check"], tmp_path).stdout
    assert " 0 failed" in said.splitlines()[-1]
    assert "kaplan_meier" in said
    assert str(ROOT) not in said


def test_every_family_can_be_imported_without_the_extras(empty: Path, tmp_path: Path) -> None:
    program = "import hemresearch as hem; print([getattr(hem, name) for name in dir(hem)])"
    said = run([str(python(empty)), "-c", program], tmp_path).stdout
    assert "hemresearch.survival" in said
    assert str(ROOT) not in said


def test_the_studies_say_what_they_need(empty: Path, tmp_path: Path) -> None:
    command = [str(python(empty)), "-m", "hemresearch", "studies"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'pip install "hemresearch[notebook]"' in done.stderr


def test_a_read_only_installation_of_a_user_without_a_home_works(empty: Path, tmp_path: Path) -> None:
    """Whoever may write everywhere, as root may, cannot write into a folder that is a file."""
    (package,) = empty.rglob("site-packages/hemresearch")
    copied = tmp_path / "hemresearch"
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [copied, *(path for path in copied.rglob("*") if path.is_dir())]:
        (folder / "__pycache__").touch()
    (tmp_path / "file").touch()
    nowhere = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "IPYTHONDIR"), str(tmp_path / "file"))
    said = run([str(python(empty)), "-c", CLUSTERED], tmp_path, **nowhere).stdout
    assert said.split() == ["True", str(copied / "__init__.py")]


def test_every_example_runs_in_an_empty_environment(empty: Path, wheel: Path, tmp_path: Path) -> None:
    extras = f"{wheel}[tables,io]"
    if uv := shutil.which("uv"):
        run([uv, "pip", "install", "--quiet", "--python", str(python(empty)), extras], tmp_path)
    else:
        run([str(python(empty)), "-m", "pip", "install", "--quiet", extras], tmp_path)
    run([str(python(empty)), "-c", DOCTESTS], tmp_path, MPLBACKEND="agg")
