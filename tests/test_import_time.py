"""What is loaded when: the import costs next to nothing, and an estimate loads only what it computes with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "polars",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "matplotlib",
    "numba",
    "formulaic",
    "lifelines",
    "great_tables",
    "docx",
}
ESTIMATE = """
import hemresearch as hem
trial = hem.data.load("myeloid")
hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
"""


def loaded(program: str) -> set[str]:
    """The modules that are loaded in a fresh process after the program."""
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program + report], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_the_import_loads_no_other_package() -> None:
    assert loaded("import hemresearch") & HEAVY == set()


def test_the_families_are_listed_before_they_are_loaded() -> None:
    names = loaded("import hemresearch\nassert 'survival' in dir(hemresearch)")
    assert "hemresearch.survival" not in names


@pytest.mark.parametrize(
    "program",
    ["import hemresearch.errors, hemresearch.options, hemresearch.formats", "import hemresearch.cli"],
)
def test_what_checks_and_formats_loads_no_other_package(program: str) -> None:
    assert loaded(program) & HEAVY == set()


def test_an_estimate_loads_only_what_it_computes_with() -> None:
    names = loaded(ESTIMATE)
    unneeded = {
        "pandas",
        "matplotlib",
        "formulaic",
        "lifelines",
        "great_tables",
        "docx",
        "scipy.stats",
        "hemresearch.plots",
    }
    assert names & unneeded == set()
