"""Committed notebooks are in order, and every rule about them bites."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import notebook_rules as rules
import pytest
from nbformat import v4
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hemresearch.studies import tidied

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURES = ROOT / "figures"
PERSON, COORDINATION = "-".join(["19" + "121212", "1212"]), "-".join(["70" + "1063", "2391"])
OF_A_MACHINE = "/".join(["", "home", "somebody", "data.csv"])
PICTURE = {"image/png": "AAAA", "text/plain": "Figure 80 x 60 mm\n  survival, n=646"}


def code(source: str, number: int, *, tags: tuple[str, ...] = (), data: dict[str, str] | None = None) -> Any:
    outputs = [new_output("execute_result", data, execution_count=number)] if data else []
    return new_code_cell(source, execution_count=number, metadata={"tags": list(tags)}, outputs=outputs)


def good_notebook() -> Any:
    return tidied(
        new_notebook(
            cells=[
                new_markdown_cell("# Do they live longer?\n\nSimulated patients."),
                code("import hemresearch as hem", 1),
                code("horizon = 24", 2, tags=("parameters",)),
                code("curves = hem.survival.kaplan_meier(cohort)\ncurves.plot()", 3, data=PICTURE),
                code("curves.at(horizon)", 4, data={"text/plain": "0.336"}),
                code(
                    "hem.report.session_info()",
                    5,
                    tags=("nbval-ignore-output",),
                    data={"text/plain": "Python"},
                ),
            ]
        )
    )


def problems(notebook: Any, tmp_path: Path) -> list[str]:
    path = tmp_path / "study.ipynb"
    path.write_text(v4.writes(notebook), encoding="utf-8")  # nbformat.writes would mend it
    return rules.problems(path)


def test_every_committed_notebook_is_in_order() -> None:
    found = {path.name: rules.problems(path) for path in NOTEBOOKS}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_notebooks_are_numbered_by_their_question() -> None:
    names = [path.stem for path in NOTEBOOKS]
    assert all(re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", name) for name in names)
    assert len({name[:2] for name in names}) == len(names)


def test_figures_are_those_that_the_notebooks_save() -> None:
    saved = {name for path in NOTEBOOKS for name in saved_figures(nbformat.read(path, as_version=4))}
    committed = {path.stem for path in FIGURES.glob("*.*") if path.suffix in {".pdf", ".png", ".json"}}
    assert committed == saved
    for name in sorted(saved):
        assert all((FIGURES / f"{name}{suffix}").exists() for suffix in (".pdf", ".png", ".json")), name


def saved_figures(notebook: Any) -> list[str]:
    """The names given to save_figure, which are written as text so that a reader finds them."""
    calls = [
        node
        for _, cell in rules.code_cells(notebook)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "save_figure"
    ]
    texts = [
        [
            arg.value
            for arg in (*call.args, *(k.value for k in call.keywords if k.arg == "name"))
            if isinstance(arg, ast.Constant)
        ]
        for call in calls
    ]
    assert all(texts), "a figure is saved under a name that is not written out"
    return [str(found[0]) for found in texts]


def test_a_warning_is_kept_without_the_temporary_file_of_its_cell(tmp_path: Path) -> None:
    notebook = good_notebook()
    file = "/".join(["", "tmp", "ipykernel_271", "3141592653.py"])
    warning = new_output("stream", name="stderr", text=f"{file}:2: DataWarning: time: unequal\n  share(x)\n")
    notebook.cells[4].outputs.insert(0, warning)
    assert any("metadata of its last run" in line for line in problems(notebook, tmp_path))
    clean = tidied(notebook)
    assert clean.cells[4].outputs[0].text == "CELL:2: DataWarning: time: unequal\n  share(x)\n"
    assert problems(clean, tmp_path) == []


def test_a_good_notebook_has_no_problem(tmp_path: Path) -> None:
    assert problems(good_notebook(), tmp_path) == []


def _format(nb: Any) -> None:
    nb.nbformat_minor = 4


def _same_ids(nb: Any) -> None:
    nb.cells[1].id = nb.cells[2].id


def _kernel(nb: Any) -> None:
    nb.metadata.kernelspec.name = "my-env"


def _version(nb: Any) -> None:
    nb.metadata.language_info.version = "3.11.7"


def _timestamps(nb: Any) -> None:
    nb.cells[2].metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00.000Z"}


def _no_heading(nb: Any) -> None:
    nb.cells[0].source = "Do they live longer?"


def _two_headings(nb: Any) -> None:
    nb.cells[0].source += "\n# And then?"


def _no_parameters(nb: Any) -> None:
    nb.cells[2].metadata = {}


def _out_of_order(nb: Any) -> None:
    nb.cells[3].execution_count = 7


def _never_run(nb: Any) -> None:
    nb.cells[4].execution_count, nb.cells[4].outputs = None, []


def _no_output(nb: Any) -> None:
    nb.cells[4].outputs = []


def _hidden(nb: Any) -> None:
    nb.cells[4].source += ";"


def _no_picture(nb: Any) -> None:
    del nb.cells[3].outputs[0].data["image/png"]


def _plain_figure(nb: Any) -> None:
    nb.cells[3].outputs[0].data["text/plain"] = "<Figure size 640x480 with 1 Axes>"


def _no_text(nb: Any) -> None:
    del nb.cells[3].outputs[0].data["text/plain"]


def _widget(nb: Any) -> None:
    nb.cells[4].outputs[0].data["application/vnd.jupyter.widget-view+json"] = {"model_id": "x"}


def _ignored(nb: Any) -> None:
    nb.cells[4].metadata["tags"] = ["nbval-ignore-output"]


def _skipped(nb: Any) -> None:
    nb.cells[4].metadata["tags"] = ["nbval-skip"]


def _ignored_in_a_comment(nb: Any) -> None:
    nb.cells[4].source = "# NBVAL_IGNORE_OUTPUT\n" + nb.cells[4].source


def _no_session(nb: Any) -> None:
    del nb.cells[5]


def _error(nb: Any) -> None:
    nb.cells[4].outputs = [new_output("error", ename="ValueError", evalue="x", traceback=[])]


def _definition(nb: Any) -> None:
    nb.cells[1].source += "\ndef helper(x):\n    return x"


def _lambda(nb: Any) -> None:
    nb.cells[1].source += "\nhelper = lambda x: x"


def _loop(nb: Any) -> None:
    nb.cells[1].source += "\nfor arm in 'AB':\n    fit(arm)"


def _cosmetics(nb: Any) -> None:
    nb.cells[1].source += "\nax.set_xlim(0, 24)"


def _long(nb: Any) -> None:
    nb.cells[1].source += "\nx = 1" * 10


def _path_in_source(nb: Any) -> None:
    nb.cells[1].source += f"\nfile = {OF_A_MACHINE!r}"


def _path_in_output(nb: Any) -> None:
    nb.cells[4].outputs[0].data["text/plain"] = r"C:\Users\somebody"


def _person_in_output(nb: Any) -> None:
    nb.cells[4].outputs[0].data["text/html"] = f"<td>{PERSON}</td>"


def _coordination_number(nb: Any) -> None:
    nb.cells[0].source += f" {COORDINATION}"


def _network(nb: Any) -> None:
    nb.cells[1].source += "\ndata = read('https://example.org/x.csv')"


def _shell(nb: Any) -> None:
    nb.cells[1].source += "\n!pip install x"


def _large(nb: Any) -> None:
    nb.cells[3].outputs[0].data["image/png"] = "A" * 1_000_001


WRONG = {
    _format: "format 4.4",
    _same_ids: "same id",
    _kernel: "kernel python3",
    _version: "metadata of its last run",
    _timestamps: "metadata of its last run",
    _no_heading: "does not start with a heading",
    _two_headings: "more than one heading",
    _no_parameters: "0 cells tagged `parameters`",
    _out_of_order: "cell [3] was run as [7]",
    _never_run: "cell [4] was run as [None]",
    _no_output: "cell [4] ends in an expression but has no output",
    _hidden: "cell [4] hides its value",
    _no_picture: "cell [3] draws but has no picture",
    _plain_figure: "cell [3] has a picture without a fingerprint",
    _no_text: "cell [3] has a picture without a fingerprint",
    _widget: "cell [4] has an output of the kind application/vnd.jupyter.widget-view+json",
    _ignored: "cell [4] is tagged nbval-ignore-output",
    _skipped: "cell [4] has the tag nbval-skip",
    _ignored_in_a_comment: "cell [4] switches its comparison",
    _no_session: "does not end with session_info()",
    _error: "cell [4] ended in an error",
    _definition: "cell [1] defines",
    _lambda: "cell [1] defines",
    _loop: "cell [1] loops",
    _cosmetics: "cell [1] sets the looks",
    _long: "cell [1] has 11 lines",
    _path_in_source: "cell 2 holds an absolute path",
    _path_in_output: "output of cell 5 holds an absolute path",
    _person_in_output: "output of cell 5 holds what could be a personal number",
    _coordination_number: "cell 1 holds what could be a personal number",
    _network: "cell [1] uses the network",
    _shell: "cell [1] uses the network",
    _large: "at most 1000000",
}


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__.strip("_"))
def test_a_spoilt_notebook_is_seen(spoil: Any, tmp_path: Path) -> None:
    notebook = good_notebook()
    spoil(notebook)
    found = problems(notebook, tmp_path)
    assert any(WRONG[spoil] in line for line in found), found


@pytest.mark.parametrize(
    "text",
    [
        "median 707 (594 to 1020)",
        "0.7012011234",
        "https://doi.org/10.1136/bmjopen-2019-030215",
        "12/24 months",
        "n=1234567890123",
    ],
)
def test_numbers_and_links_are_no_persons_or_paths(text: str, tmp_path: Path) -> None:
    notebook = good_notebook()
    notebook.cells[0].source += f"\n{text}"
    assert problems(notebook, tmp_path) == []
