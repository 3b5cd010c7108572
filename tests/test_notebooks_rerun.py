"""The strict re-run of notebooks notices a changed number, label or figure, and nothing else."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbval import kernel
from nbval.plugin import get_sanitize_patterns
from small_studies import DRAW, FRAME, SAY, write_study

from hemresearch.studies import refresh_studies

ROOT = Path(__file__).parents[1]
SANITISER = ROOT / "tests" / "nbval_sanitize.cfg"
LABEL = """\
import hemresearch as hem
figure = hem.plots.figure(width=80, height=60)
ax = figure.subplots()
ax.set_title("Overall survival")
figure"""


def rerun(root: Path) -> tuple[int, str]:
    """Run the notebooks below `root` as `make notebooks` does; its status and what it prints."""
    options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={SANITISER}"]
    own = ["-p", "no:cacheprovider", "-c", "pytest.ini", "-q", "--color=no"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "notebooks", *options, *own],
        cwd=root,
        capture_output=True,
        text=True,
    )
    return run.returncode, run.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with refreshed notebooks and their figures."""
    root = tmp_path_factory.mktemp("clone")
    (root / "pytest.ini").write_text("[pytest]\n")
    folder = root / "notebooks"
    write_study(folder / "01_numbers.ipynb", "Numbers", SAY, FRAME, "median = 707.0\nmedian;")
    write_study(folder / "02_figure.ipynb", "Figure", DRAW, LABEL)
    shutil.copy(ROOT / "notebooks" / "conftest.py", folder)
    found = list(refresh_studies(sorted(folder.glob("*.ipynb")), root / "figures"))
    assert [study.problem for study in found] == [None, None]
    return root


def test_what_was_just_refreshed_is_equal_and_nothing_is_overwritten(clone: Path) -> None:
    kept = {path: path.read_bytes() for path in clone.rglob("*") if path.suffix in {".ipynb", ".png", ".pdf"}}
    status, said = rerun(clone)
    assert status == 0, said
    assert "5 passed" in said
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_changed_number_a_changed_label_and_a_changed_figure_fail(clone: Path, tmp_path: Path) -> None:
    shutil.copytree(clone, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build"))
    replace(tmp_path / "notebooks" / "01_numbers.ipynb", "<td>0.336</td>", "<td>0.337</td>")
    replace(tmp_path / "notebooks" / "02_figure.ipynb", "text: Overall survival", "text: Overall survivor")
    replace(tmp_path / "figures" / "small.json", "646", "647")
    status, said = rerun(tmp_path)
    assert status == 1
    assert "2 failed, 3 passed" in said
    for part in (
        "01_numbers.ipynb::Cell 1",
        "02_figure.ipynb::Cell 1",
        "FAILED figures/small.json: n is not",
    ):
        assert part in said


def test_a_figure_is_compared_by_its_facts_but_for_versions(tmp_path: Path) -> None:
    differ = runpy.run_path(str(ROOT / "notebooks" / "conftest.py"))["figures_that_differ"]
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    fresh.mkdir()
    committed.mkdir()
    (fresh / "a.json").write_text('{"n": 646, "versions": {"matplotlib": "3.9"}}')
    assert differ(fresh, committed) == ["a.json: is not committed; run `make refresh`"]
    (committed / "a.json").write_text('{"n": 646, "versions": {"matplotlib": "3.11"}}')
    assert differ(fresh, committed) == []
    (committed / "a.json").write_text('{"n": 646, "events": 320}')
    assert differ(fresh, committed) == ["a.json: events is not what is committed"]


def test_a_kernel_of_which_nothing_is_heard_is_started_once_more(monkeypatch) -> None:
    heard = iter([RuntimeError("Kernel didn't respond in 60 seconds"), "kernel"])

    def start(*_: object) -> object:
        found = next(heard)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(kernel, "start_new_kernel", start)
    start_twice = runpy.run_path(str(ROOT / "notebooks" / "conftest.py"))["start_twice"]
    assert start_twice("python") == "kernel"
    with pytest.raises(StopIteration):
        start_twice("python")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def sanitised(text: str) -> str:
    for pattern, new in get_sanitize_patterns(SANITISER.read_text(encoding="utf-8")):
        text = re.sub(pattern, new, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<function f at 0x7f2a62d65bc0>", "<function f at 0x7f2a61e50820>"),
        ("/tmp/ipykernel_12/345.py:1: Warn", "/var/x/ipykernel_9/7.py:1: Warn"),
        ("ran at 2026-11-23T01:02:03.456789Z", "ran at 2027-01-01 09:08:07.000001"),
        ("100%|##| 3/3 [00:01<00:00,  2.4it/s]", "100%|##| 3/3 [00:02<00:00,  1.9it/s]"),
    ],
)
def test_what_differs_between_two_runs_is_not_compared(one: str, other: str) -> None:
    assert sanitised(one) == sanitised(other)


@pytest.mark.parametrize(
    "text",
    [
        "median 707 (594 to 1020)",
        "HR 0.71 (95% CI 0.55–0.92), p=0.012",
        "diagnosis 2024-05-06",
        "2024-05-06 00:00:00",
        "Figure 80 x 60 mm",
        "n = 0x1f",
        "646 patients [12:30]",
        "1.5e-08",
    ],
)
def test_numbers_dates_and_sizes_are_compared(text: str) -> None:
    assert sanitised(text) == text
