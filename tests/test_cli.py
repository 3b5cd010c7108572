"""The command line: studies are run, told about and refreshed; failures are named."""

from __future__ import annotations

import io
import json
import re
import runpy
import sys
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from small_studies import DRAW, FRAME, SAY, write_study

from hemresearch import studies
from hemresearch.cli import main

REMOTE = re.compile(r"url\(\s*['\"]?(?:https?:)?//|@import|import\(|\bfetch\(|XMLHttpRequest", re.IGNORECASE)


class Sources(HTMLParser):
    """What a page would fetch when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        wanted = [given.get("src"), given.get("srcset"), given.get("href") if tag == "link" else None]
        self.fetched += [value for value in wanted if value and not value.startswith("data:")]


def fetched(page: str) -> list[str]:
    parser = Sources()
    parser.feed(page)
    return parser.fetched + REMOTE.findall(page)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two studies, run once: one that works and one whose second cell fails."""
    root = tmp_path_factory.mktemp("clone")
    paths = [
        write_study(root / "notebooks" / "01_small.ipynb", "How long do they live?", SAY, DRAW, FRAME),
        write_study(root / "notebooks" / "02_broken.ipynb", "What goes wrong?", DRAW, "1 / 0", "print(1)"),
    ]
    before = [path.read_bytes() for path in paths]
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(root)
        patch.setenv("MPLBACKEND", "agg")
        status = main(["studies"])
    told = {"out": out.getvalue().splitlines(), "err": err.getvalue().splitlines()}
    return {"root": root, "status": status, "paths": paths, "before": before, **told}


def executed(run: dict[str, Any], name: str) -> Any:
    return nbformat.read(run["root"] / "build" / "studies" / f"{name}.ipynb", as_version=4)


def test_each_study_gets_one_line_with_seconds_patients_and_figures(run: dict[str, Any]) -> None:
    assert re.fullmatch(r"How long do they live\?: \d+\.\d s, n = 646, 1 figure", run["out"][0])
    assert run["out"][1:] == [f"Open {run['root'] / 'build' / 'studies' / 'index.html'}"]


def test_a_failing_cell_is_named_with_its_error_and_the_status_is_one(run: dict[str, Any]) -> None:
    assert run["status"] == 1
    assert run["err"] == ["02_broken: cell [2] failed: ZeroDivisionError: division by zero"]


def test_the_notebooks_are_left_alone(run: dict[str, Any]) -> None:
    assert [path.read_bytes() for path in run["paths"]] == run["before"]
    assert sorted(p.name for p in (run["root"] / "notebooks").iterdir()) == [
        "01_small.ipynb",
        "02_broken.ipynb",
    ]


def test_figures_are_written_by_studies_that_end(run: dict[str, Any]) -> None:
    figures = run["root"] / "figures"
    assert sorted(p.name for p in figures.iterdir()) == ["small.json", "small.pdf", "small.png"]


def test_cells_run_with_one_thread_one_hash_seed_and_inline_figures(run: dict[str, Any]) -> None:
    cells = [cell for cell in executed(run, "01_small").cells if cell.cell_type == "code"]
    assert (
        cells[0].outputs[0].data["text/plain"]
        == "['module://matplotlib_inline.backend_inline', '0', '1', '1']"
    )
    assert any("image/png" in output.get("data", {}) for output in cells[1].outputs)


def test_a_broken_study_keeps_what_it_printed_for_a_look(run: dict[str, Any]) -> None:
    cells = [cell for cell in executed(run, "02_broken").cells if cell.cell_type == "code"]
    assert cells[1].outputs[0].ename == "ZeroDivisionError"
    assert cells[2].execution_count is None
    assert (run["root"] / "build" / "studies" / "02_broken.html").exists()


@pytest.mark.parametrize("name", ["01_small", "02_broken", "index"])
def test_pages_need_nothing_from_elsewhere(run: dict[str, Any], name: str) -> None:
    page = (run["root"] / "build" / "studies" / f"{name}.html").read_text(encoding="utf-8")
    assert fetched(page) == []
    assert "<script" not in page


def test_a_page_shows_the_title_the_picture_and_the_table(run: dict[str, Any]) -> None:
    page = (run["root"] / "build" / "studies" / "01_small.html").read_text(encoding="utf-8")
    assert "<title>How long do they live?</title>" in page
    assert "data:image/png;base64," in page
    assert "0.336" in page


def test_long_lines_of_code_go_on_below(run: dict[str, Any]) -> None:
    page = (run["root"] / "build" / "studies" / "01_small.html").read_text(encoding="utf-8")
    assert ".jp-InputArea .highlight pre { white-space: pre-wrap;" in page
    assert "td.gt_center { white-space: nowrap; }" in page


def test_the_index_lists_titles_times_patients_figures_and_failures(run: dict[str, Any]) -> None:
    page = (run["root"] / "build" / "studies" / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_small.html">How long do they live?</a>' in page
    assert re.search(r"\d s, n = 646, 1 figure", page)
    assert '<img alt="small" src="data:image/png;base64,' in page
    assert '<p class="failed">cell [2] failed: ZeroDivisionError: division by zero</p>' in page


def test_a_page_that_fetches_something_is_seen() -> None:
    assert fetched('<script src="https://cdn.example/x.js"></script>')
    assert fetched('<link rel="stylesheet" href="//cdn.example/x.css">')
    assert fetched("<style>a { background: url(https://cdn.example/x.png) }</style>")
    assert not fetched('<a href="https://doi.org/10.1">paper</a><img src="data:image/png;base64,AA">')


def test_refreshing_twice_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_study(tmp_path / "notebooks" / "01_small.ipynb", "How long?", DRAW, FRAME, "print('b')")
    monkeypatch.chdir(tmp_path)
    states = []
    for _ in range(2):
        assert main(["studies", "--refresh"]) == 0
        states.append({p.name: p.read_bytes() for p in [path, *(tmp_path / "figures").iterdir()]})
    assert states[0] == states[1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figures", "notebooks"]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert [cell["id"] for cell in notebook["cells"]] == ["cell0", "cell1", "cell2", "cell3"]
    assert [cell["execution_count"] for cell in notebook["cells"][1:]] == [1, 2, 3]
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
    assert "version" not in notebook["metadata"]["language_info"]


def test_a_study_that_fails_is_not_refreshed_and_named_studies_go_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path / "notebooks" / "02_broken.ipynb", "Why?", "1 / 0")
    write_study(tmp_path / "notebooks" / "01_other.ipynb", "Not asked for", "1 / 0")
    before = path.read_bytes()
    monkeypatch.chdir(tmp_path)
    assert main(["studies", "--refresh", "02"]) == 1
    assert path.read_bytes() == before
    assert main(["studies", "02_broken", "--output", "elsewhere"]) == 1
    assert sorted(p.name for p in (tmp_path / "elsewhere").iterdir()) == [
        "02_broken.html",
        "02_broken.ipynb",
        "index.html",
    ]
    assert "01_other" not in capsys.readouterr().err


def test_a_kernel_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(tmp_path / "notebooks" / "01_gone.ipynb", "Gone", "import os; os._exit(1)")
    monkeypatch.chdir(tmp_path)
    found = list(
        studies.refresh_studies(studies.find_studies([], tmp_path / "notebooks"), tmp_path / "figures")
    )
    assert [study.problem for study in found] == ["cell [1] failed: the kernel died"]


def test_a_cell_that_does_not_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "CELL_SECONDS", 1)
    write_study(tmp_path / "notebooks" / "01_slow.ipynb", "Slow", "import time\ntime.sleep(60)")
    (study,) = studies.refresh_studies([tmp_path / "notebooks" / "01_slow.ipynb"], tmp_path / "figures")
    assert study.problem == "cell [1] failed: it ran for more than 1 seconds"


@pytest.mark.parametrize("name", ["01", "01_small", "01_small.ipynb", "notebooks/01_small.ipynb"])
def test_a_study_is_found_by_number_name_or_file(tmp_path: Path, name: str) -> None:
    path = write_study(tmp_path / "01_small.ipynb", "Small")
    write_study(tmp_path / "02_other.ipynb", "Other")
    assert studies.find_studies([name], tmp_path) == [path]


def test_an_unknown_study_is_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(tmp_path / "notebooks" / "01_small.ipynb", "Small")
    write_study(tmp_path / "notebooks" / "02_other.ipynb", "Other")
    monkeypatch.chdir(tmp_path)
    assert main(["studies", "02_otter"]) == 2
    said = capsys.readouterr().err
    for part in ("NAME", "'02_otter'", "one of 01_small, 02_other", "Try `hemresearch studies 02_other`"):
        assert part in said


def test_without_notebooks_it_is_said_where_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(studies, "__file__", str(tmp_path / "a" / "b" / "studies.py"))
    assert main(["studies"]) == 2
    said = capsys.readouterr().err
    for part in (
        "studies:",
        "no notebooks were found in the current folder",
        "Expected a folder `notebooks`",
        "clone",
    ):
        assert part in said


def test_without_the_notebook_packages_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hemresearch.cli.NOTEBOOK_PACKAGES", ("nbclient", "no_such_package"))
    assert main(["studies"]) == 2
    said = capsys.readouterr().err
    for part in (
        "no_such_package cannot be imported",
        "Expected the packages",
        'pip install "hemresearch[notebook]"',
    ):
        assert part in said


def test_a_line_says_one_figure_or_several_and_no_n_where_there_is_none() -> None:
    study = studies.Study("01_a", "A", 1.26, None, (Path("a.png"), Path("b.png")))
    assert str(study) == "A: 1.3 s, 2 figures"


def test_the_package_runs_as_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hemresearch", "studies", "--help"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("hemresearch", run_name="__main__")
    assert left.value.code == 0
    assert "Run a copy of each notebook" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("hemresearch ")


def test_an_index_keeps_the_pages_of_an_earlier_run(tmp_path):
    from hemresearch.pages import write_index

    write_index([], tmp_path / "index.html", {"01_first.html": "A <first> study"})
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_first.html">A &lt;first&gt; study</a>' in page
    assert "from an earlier run" in page
