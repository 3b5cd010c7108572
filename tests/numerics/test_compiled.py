"""Kernels are kept on disk where that is possible, and work where it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hemresearch.numerics import compiled

PROGRAM = """
from hemresearch.numerics.compiled import kernel
@kernel
def twice(x):
    return 2 * x
print(twice(21), twice.stats.cache_path)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program whose folder cannot hold a cache, whoever runs it: its `__pycache__` is a file."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "__pycache__").touch()
    return path


def run(program: Path, **changed: str) -> list[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }
    done = subprocess.run(
        [sys.executable, program], env=own | changed, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def nowhere(program: Path) -> dict[str, str]:
    return dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "IPYTHONDIR"), str(program))


def test_a_kernel_is_kept_in_the_folder_of_the_user(program: Path, tmp_path: Path) -> None:
    answer, folder = run(
        program, XDG_CACHE_HOME=str(tmp_path), HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path)
    )
    assert answer == "42"
    assert any(Path(folder).glob("*.nbi"))


def test_a_kernel_is_kept_where_numba_is_told(program: Path, tmp_path: Path) -> None:
    answer, folder = run(program, NUMBA_CACHE_DIR=str(tmp_path / "kept"), **nowhere(program))
    assert answer == "42"
    assert Path(folder).is_relative_to(tmp_path / "kept")


def test_a_kernel_works_where_nothing_can_be_written(program: Path) -> None:
    assert run(program, **nowhere(program)) == ["42", "None"]


def test_without_a_folder_a_kernel_is_compiled_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def njit(*functions, **options):
        asked.append(options)
        if options:
            raise RuntimeError("cannot cache function: no locator available")
        return functions[0]

    monkeypatch.setattr(compiled.numba, "njit", njit)
    assert compiled.kernel(abs)(-2) == 2
    assert asked == [{"cache": True}, {}]
