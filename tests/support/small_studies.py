"""Small notebooks for the tests of what runs notebooks."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

DRAW = """\
import json, os, pathlib
import matplotlib.pyplot as plt
folder = pathlib.Path(os.environ["HEMRESEARCH_FIGURES"])
figure, ax = plt.subplots()
ax.plot([0, 1], [1, 0.5])
figure.savefig(folder / "small.png")
figure.savefig(folder / "small.pdf", metadata={"CreationDate": None})
(folder / "small.json").write_text(json.dumps({"n": 646, "n_event": 320}))
figure"""
SAY = """\
import os
names = ("MPLBACKEND", "PYTHONHASHSEED", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
[os.environ[name] for name in names]"""
FRAME = """\
import polars as pl
print("median", 707.0)
pl.DataFrame({"arm": ["A", "B"], "estimate": [0.336, 0.4]})"""


def write_study(path: Path, title: str, *cells: str) -> Path:
    """A notebook with a heading and these cells of code, as somebody would have typed it."""
    heading = new_markdown_cell(f"# {title}\n\nSimulated & small, $S(t)$.")
    notebook = new_notebook(cells=[heading, *map(new_code_cell, cells)])
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell{number}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path
