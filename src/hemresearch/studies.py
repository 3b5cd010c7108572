"""Running the studies: every notebook from top to bottom, each in a kernel of its own.

A study is run on a copy, in a fixed environment (one thread, one hash seed, no settings of
whoever runs it), so that two runs give the same numbers, words and figures.
"""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import DataError, listed
from .options import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELL_SECONDS = 600
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
CELL_FILE = re.compile(r"\S*[/\\]ipykernel_\d+[/\\]\d+\.py(?=:\d+)")  # as a warning names the cell it is from
FIGURE_FILES = (".json", ".pdf", ".png")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "pygments_lexer": "ipython3",
}


@dataclass(frozen=True)
class Study:
    """What came of one notebook: its title, how long it took, its patients, figures and fate."""

    name: str
    title: str
    seconds: float
    n: int | None
    figures: tuple[Path, ...]
    page: Path | None = None
    problem: str | None = None

    def __str__(self) -> str:
        """The line that is printed when the study is done."""
        if self.problem is not None:
            return f"{self.name}: {self.problem}"
        patients = "" if self.n is None else f", n = {self.n}"
        count = len(self.figures)
        return f"{self.title}: {self.seconds:.1f} s{patients}, {count} figure{'' if count == 1 else 's'}"


def notebooks_folder() -> Path:
    """The folder `notebooks` here, or that of the clone which this package runs from."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if any((root / "notebooks").glob("*.ipynb")):
            return root / "notebooks"
    raise DataError(
        "no notebooks were found in the current folder",
        argument="studies",
        expected="a folder `notebooks` with the studies, as a clone of the project has it",
        remedy="changing to the folder of the clone and running `hemresearch studies` there",
    )


def find_studies(names: Sequence[str], folder: Path) -> list[Path]:
    """The notebooks asked for by name, number or file, in their order; all of them without a name."""
    known = sorted(folder.glob("*.ipynb"))
    if not names:
        return known
    chosen = {path for name in names for path in _named(name, known)}
    return [path for path in known if path in chosen]


def _named(name: str, known: Sequence[Path]) -> list[Path]:
    wanted = Path(name).name.removesuffix(".ipynb")
    stems = [path.stem for path in known]
    found = [path for path in known if wanted in (path.stem, path.stem.split("_")[0])]
    if found:
        return found
    raise DataError(
        f"there is no study {wanted!r}",
        argument="NAME",
        expected=f"one of {listed(stems, 10)}",
        remedy=f"`hemresearch studies {(nearest(wanted, stems) or stems)[0]}`",
    )


def run_studies(notebooks: Sequence[Path], output: Path, figures: Path) -> Iterator[Study]:
    """Run a copy of each notebook into `output` with a page and an index; the notebooks stay as they are."""
    from .pages import write_index, write_page

    output.mkdir(parents=True, exist_ok=True)
    done = []
    for path in notebooks:
        copy_path = output / path.name
        for old in (copy_path, copy_path.with_suffix(".html")):
            old.unlink(missing_ok=True)
        notebook, study = _run(path, figures, page=copy_path.with_suffix(".html"))
        _write(notebook, copy_path)
        write_page(notebook, copy_path.with_suffix(".html"), title=study.title)
        done.append(study)
        write_index(done, output / "index.html", _run_earlier(output, done))
        yield study


def _run_earlier(output: Path, done: Sequence[Study]) -> dict[str, str]:
    """Pages that an earlier call left here, and their titles; a page of each stays in the index."""
    import nbformat

    known = {"index", *(study.name for study in done)}
    copies = [p for p in sorted(output.glob("*.ipynb")) if p.stem not in known]
    return {
        f"{copy.stem}.html": _title(nbformat.read(copy, as_version=4), copy)
        for copy in copies
        if copy.with_suffix(".html").exists()
    }


def refresh_studies(notebooks: Sequence[Path], figures: Path) -> Iterator[Study]:
    """Rewrite each notebook with the outputs of a run; one that fails keeps what it had."""
    for path in notebooks:
        notebook, study = _run(path, figures)
        if study.problem is None:
            _write(notebook, path)
        yield study


def tidied(notebook: Any) -> Any:
    """The notebook with nothing in it of when, where and by whom it was run; cell ids stay.

    Warnings stay, too, without the temporary file that stood for their cell.
    """
    from nbformat import NotebookNode

    clean = copy.deepcopy(notebook)
    clean.nbformat, clean.nbformat_minor = 4, 5
    clean.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(LANGUAGE))
    for number, cell in enumerate(clean.cells, start=1):
        cell.id = cell.get("id") or f"cell-{number}"
        cell.metadata = NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                output.text = CELL_FILE.sub("CELL", output.text)
    return clean


def fixed_environment(figures: Path, scratch: Path) -> dict[str, str]:
    """The environment of a study's kernel: this one, without what would make two runs differ."""
    own = {k: v for k, v in os.environ.items() if k != "MPLBACKEND" and not k.startswith("POLARS_FMT_")}
    fixed = dict.fromkeys(THREADS, "1") | {
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "IPYTHONDIR": str(scratch),
        "HEMRESEARCH_FIGURES": str(figures),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return own | fixed


def _run(path: Path, figures: Path, page: Path | None = None) -> tuple[Any, Study]:
    """Run one notebook; its figures reach `figures` only when every cell has run."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as temporary:
        drawn, scratch = Path(temporary, "figures"), Path(temporary, "ipython")
        drawn.mkdir()
        start = time.perf_counter()
        problem = _execute(notebook, path, fixed_environment(drawn, scratch))
        seconds = time.perf_counter() - start
        saved = () if problem else _collect(drawn, figures)
    study = Study(path.stem, _title(notebook, path), seconds, _patients(saved), saved, page, problem)
    return tidied(notebook), study


def _execute(notebook: Any, path: Path, environment: dict[str, str]) -> str | None:
    """Run the cells of the notebook in place; a sentence about the cell that failed, if one did."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    reached = [0]
    # No kernel directories: the kernel is this Python, whatever else is registered under its name.
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    with tqdm(total=len(code), desc=path.stem, unit="cell", leave=False, disable=None) as bar:
        client = NotebookClient(
            notebook,
            km=kernel,
            timeout=CELL_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            extra_arguments=["--IPKernelApp.log_level=40"],
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=lambda cell, cell_index: reached.__setitem__(0, cell_index),
            on_cell_executed=lambda **_: bar.update(),
        )
        try:
            client.execute(env=environment, cleanup_kc=True)
        except CellExecutionError as error:
            what = f"{error.ename}: {error.evalue}"
        except CellTimeoutError:
            what = f"it ran for more than {CELL_SECONDS} seconds"
        except DeadKernelError:
            what = "the kernel died"
        else:
            return None
    return f"cell [{code.index(reached[0]) + 1}] failed: {what}"


def _collect(drawn: Path, figures: Path) -> tuple[Path, ...]:
    """Copy what was drawn into the folder of figures; the pictures, one per figure."""
    files = sorted(path for path in drawn.iterdir() if path.suffix in FIGURE_FILES)
    if files:
        figures.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, figures / path.name)
    return tuple(figures / path.name for path in files if path.suffix == ".png")


def _patients(pictures: Sequence[Path]) -> int | None:
    """The patients of a study: the most that any of its figures is drawn from."""
    facts = [path.with_suffix(".json") for path in pictures]
    counts = [json.loads(path.read_text(encoding="utf-8")).get("n") for path in facts if path.exists()]
    return max((int(n) for n in counts if n is not None), default=None)


def _title(notebook: Any, path: Path) -> str:
    lines = [
        line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()
    ]
    return next((line[2:].strip() for line in lines if line.startswith("# ")), path.stem)


def _write(notebook: Any, path: Path) -> None:
    import nbformat

    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")
