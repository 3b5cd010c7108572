"""No notebook, data set, figure or reference value of the project holds a personal number."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest
from personal_number_scan import SCANNERS, scan

from hemresearch.personal_numbers import check_digit

ROOT = Path(__file__).parents[1]
FOLDERS = ("data", "figures", "notebooks", "tests/data", "tests/reference")
NUMBER = "640823" + "-" + "982" + check_digit("640823982")
DIGITS = NUMBER.replace("-", "")


def files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file())


def test_the_files_of_the_project_hold_no_personal_number():
    findings = [found for path in files() for found in scan(path, str(path.relative_to(ROOT)))]
    assert not findings, "personal numbers (file, place, count): " + "; ".join(map(str, findings))


def test_every_data_set_is_scanned():
    scanned = {path.name for path in files()}
    assert {"myeloid.parquet", "lung.parquet", "catalogue.json", "hard_cases.json", "README.md"} <= scanned


def notebook(path: Path, *, source: str = "", outputs: tuple[dict, ...] = ()) -> Path:
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A question\n"]},
        {"cell_type": "code", "id": "b", "metadata": {}, "source": [source], "outputs": list(outputs)},
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def shown(kind: str, content: object) -> dict:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: content}}


NOTEBOOKS = {
    "source": {"source": f"patient == '{NUMBER}'"},
    "printed": {"outputs": ({"output_type": "stream", "name": "stdout", "text": ["x\n", f"{DIGITS}.0\n"]},)},
    "table": {"outputs": (shown("text/html", [f"<td>{DIGITS}</td>"]),)},
    "number": {"outputs": (shown("application/json", {"id": int(DIGITS)}),)},
    "key": {"outputs": (shown("application/json", {NUMBER: 1}),)},
    "picture": {"outputs": (shown("image/svg+xml", [f"<text>{NUMBER}</text>"]),)},
    "error": {"outputs": ({"output_type": "error", "ename": "E", "evalue": NUMBER, "traceback": []},)},
}


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_a_number_in_a_notebook_is_found_with_its_cell(tmp_path: Path, kind: str):
    (found,) = scan(notebook(tmp_path / "01.ipynb", **NOTEBOOKS[kind]), "01.ipynb")
    assert found.place == ("cell 2, source" if kind == "source" else "cell 2, outputs")
    assert found.count == 1


def test_the_bytes_of_a_picture_in_a_notebook_are_no_text(tmp_path: Path):
    path = notebook(tmp_path / "01.ipynb", outputs=(shown("image/png", DIGITS),))
    assert scan(path, "01.ipynb") == []


COLUMNS = {
    "text": pl.Series(["x", f"son of {NUMBER}", None]),
    "twelve digits": pl.Series(["x", "19" + DIGITS, None]),
    "category": pl.Series(["x", NUMBER, None], dtype=pl.Categorical),
    "integer": pl.Series([1, int(DIGITS), None]),
    "twelve-digit integer": pl.Series([1, int("19" + DIGITS), None]),
    "float": pl.Series([0.5, float(DIGITS), None]),
    "list": pl.Series([["x"], ["y", NUMBER], None]),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_number_in_a_data_set_is_found_with_its_row(tmp_path: Path, kind: str):
    path = tmp_path / "cohort.parquet"
    pl.DataFrame({"id": [1, 2, 3], "value": COLUMNS[kind]}).write_parquet(path)
    (found,) = scan(path, "cohort.parquet")
    assert str(found) == "cohort.parquet, column 2, rows 2: 1"


def test_a_number_as_the_name_of_a_column_is_found(tmp_path: Path):
    path = tmp_path / "wide.parquet"
    pl.DataFrame({NUMBER: [1]}).write_parquet(path)
    (found,) = scan(path, "wide.parquet")
    assert found.place == "names of columns"


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
@pytest.mark.parametrize("fonttype", [3, 42])
def test_a_number_written_in_a_figure_is_found(tmp_path: Path, suffix: str, fonttype: int):
    path = tmp_path / f"figure.{suffix}"
    with plt.rc_context({"pdf.fonttype": fonttype, "svg.fonttype": "none" if fonttype == 42 else "path"}):
        figure, ax = plt.subplots(figsize=(2, 2))
        ax.text(0.1, 0.5, f"AV To {NUMBER}, ja")
        figure.savefig(path)
        plt.close(figure)
    assert [found.count for found in scan(path, path.name)] == [1]


@pytest.mark.parametrize(
    ("suffix", "key"), [("pdf", "Subject"), ("svg", "Description"), ("png", "Description")]
)
def test_a_number_in_the_information_of_a_figure_is_found(tmp_path: Path, suffix: str, key: str):
    figure = plt.figure(figsize=(1, 1))
    path = tmp_path / f"figure.{suffix}"
    figure.savefig(path, metadata={key: NUMBER})
    plt.close(figure)
    assert [found.count for found in scan(path, path.name)] == [1]


@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_a_clean_figure_is_clean(tmp_path: Path, suffix: str):
    figure, ax = plt.subplots(figsize=(4, 3))
    ax.step(range(400), [0.999**i for i in range(400)])
    path = tmp_path / f"figure.{suffix}"
    figure.savefig(path)
    plt.close(figure)
    assert scan(path, path.name) == []


@pytest.mark.parametrize("suffix", ["json", "csv", "md", "html", "txt", "log"])
def test_a_number_in_any_other_file_is_found(tmp_path: Path, suffix: str):
    path = tmp_path / f"file.{suffix}"
    path.write_text(json.dumps({"caption": NUMBER}))
    assert [found.count for found in scan(path, path.name)] == [1]


def test_a_finding_never_shows_the_number(tmp_path: Path):
    path = notebook(tmp_path / "01.ipynb", **NOTEBOOKS["source"])
    message = "; ".join(map(str, scan(path, "01.ipynb")))
    assert message == "01.ipynb, cell 2, source: 1"


def test_no_committed_text_holds_a_personal_number():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / name for name in listing.stdout.split("\0") if Path(name).suffix.lower() in SCANNERS]
    findings = [f for path in paths if path.is_file() for f in scan(path, str(path.relative_to(ROOT)))]
    assert not findings, "personal numbers (file, place, count): " + "; ".join(map(str, findings))
