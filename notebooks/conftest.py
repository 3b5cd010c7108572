"""The re-run that compares every notebook with what is committed (`make notebooks`).

nbval runs the cells and compares the texts they print. Two things are added here. Cells run with their
history, as in Jupyter, and in the environment of `hemresearch studies`. And because nbval never compares
pictures, the facts saved beside each figure (what it shows, how many, a checksum of its data) are compared
with those of the committed figure.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbval import kernel
from nbval.kernel import RunningKernel

from hemresearch.studies import fixed_environment

ROOT = Path(__file__).resolve().parents[1]
# A folder of its own for each run, which its workers share: two runs at once do not disturb each other.
RUN = os.environ.setdefault("HEMRESEARCH_RERUN", str(os.getpid()))
AGAIN = ROOT / "build" / "again" / RUN
COMMITTED, FRESH = ROOT / "figures", AGAIN / "figures"
# These may differ between two machines that draw the same figure.
OF_THE_MACHINE = ("versions",)
START = kernel.start_new_kernel


def execute_with_history(self: RunningKernel, cell_input: str, allow_stdin: bool | None = None) -> str:
    """Run a cell as Jupyter does; without history IPython ignores the `;` that hides a value."""
    return str(self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False))


def start_twice(*arguments: Any, **options: Any) -> Any:
    """Start a kernel, and once more if nothing is heard of it.

    Two workers may choose the same free port at one time, and one of the kernels is never heard of.
    """
    try:
        return START(*arguments, **options)
    except RuntimeError:
        return START(*arguments, **options)


def figures_that_differ(fresh: Path, committed: Path) -> list[str]:
    """What is wrong with the facts of each figure that was drawn again."""
    return [
        f"{path.name}: {found}" for path in sorted(fresh.glob("*.json")) for found in _unlike(path, committed)
    ]


def _unlike(path: Path, committed: Path) -> list[str]:
    if not (committed / path.name).exists():
        return ["is not committed; run `make refresh`"]
    now, then = (_facts(folder / path.name) for folder in (path.parent, committed))
    return [
        f"{key} is not what is committed" for key in sorted({*now, *then}) if now.get(key) != then.get(key)
    ]


def _facts(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in facts.items() if key not in OF_THE_MACHINE}


def pytest_configure(config: pytest.Config) -> None:
    """Give the kernels the environment of a study; figures go where nothing is overwritten."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(AGAIN, ignore_errors=True)
    FRESH.mkdir(parents=True, exist_ok=True)
    environment = fixed_environment(FRESH, AGAIN / "ipython")
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
    RunningKernel.execute_cell_input = execute_with_history
    kernel.start_new_kernel = start_twice


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a figure's facts are not those of the committed figure."""
    if not hasattr(session.config, "workerinput") and figures_that_differ(FRESH, COMMITTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the figures whose facts differ."""
    for line in figures_that_differ(FRESH, COMMITTED):
        terminalreporter.write_line(f"FAILED figures/{line}", red=True)
