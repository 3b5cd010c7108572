"""Saving figures: a PDF for the journal, a PNG for the page, and a JSON that says what they show.

The same figure saved twice gives the same bytes: no dates, no paths, no host names.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ..columns import as_frame
from ..errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER_VARIABLE = "HEMRESEARCH_FIGURES"
DPI = 300
DIGITS, NOISE = 6, 1e-12  # of a float in a checksum; and what is nothing beside the largest of its column


@dataclass(frozen=True, slots=True)
class SavedFigure:
    """The files of one figure, named relative to where they were asked for."""

    name: str
    folder: str

    @property
    def files(self) -> tuple[str, ...]:
        """PDF, PNG and JSON."""
        return tuple(f"{self.folder}/{self.name}.{kind}" for kind in ("pdf", "png", "json"))

    def __repr__(self) -> str:
        return "\n".join(self.files)


def save_figure(
    drawn: Figure | Axes,
    name: str,
    *,
    folder: str | os.PathLike[str] = "figures",
    caption: str | None = None,
    n: int | None = None,
    events: int | None = None,
    data: Any = None,
) -> SavedFigure:
    """Write `<folder>/<name>.pdf`, `.png` (300 dpi) and `.json`, and say which files these are.

    The picture is exactly as wide as the figure in mm; text in the PDF stays text (TrueType). The JSON holds
    the caption, the fingerprint (what the figure shows, in numbers and words), n, events, a hash of the data,
    and the versions of hemresearch and matplotlib. Saved again, each file is equal byte for byte.

    Parameters
    ----------
    drawn
        A figure, or any of its axes.
    name
        File name without folder and ending, such as `"01_overall_survival"`.
    folder
        Folder to write into; it is made if needed. The environment variable HEMRESEARCH_FIGURES, where it is
        set, takes its place (the files are still named after `folder`).
    caption
        Caption for the manuscript.
    n, events
        Patients and events; default what the draw functions counted.
    data
        The table that the figure was made from; its SHA-256 is stored, nothing else of it.

    Raises
    ------
    DataError
        A name with a folder or an ending in it, or something that is not a figure.

    Examples
    --------
    >>> import tempfile
    >>> import hemresearch as hem
    >>> fig = hem.plots.figure(width=80, height=50)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = hem.report.save_figure(fig, "empty", folder=f"{folder}/figures", caption="Nothing yet.")
    >>> saved
    figures/empty.pdf
    figures/empty.png
    figures/empty.json
    >>> import matplotlib.pyplot as plt
    >>> plt.close(fig)
    """
    figure = _figure(drawn)
    _check_name(name)
    into = Path(os.environ.get(FOLDER_VARIABLE) or folder)
    into.mkdir(parents=True, exist_ok=True)
    facts = _facts(figure, name, caption, n, events, data)
    _save(figure, into / f"{name}.pdf", metadata={"CreationDate": None, "Title": caption or name})
    _save(figure, into / f"{name}.png", metadata={"Title": name})
    text = json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    (into / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
    return SavedFigure(name, _shown_folder(folder))


def data_hash(data: Any) -> str:
    """SHA-256 of a table: names, types and values of its columns, in the order of its rows.

    Numbers with a fraction count with six significant digits, and as 0 below 1e-12 of the largest of their
    column: what was computed differs beyond that between two processors.

    Examples
    --------
    >>> import polars as pl
    >>> data_hash(pl.DataFrame({"time": [1, 2]})) == data_hash(pl.DataFrame({"time": [1, 3]}))
    False
    """
    frame = as_frame(data).lazy().collect()
    digest = hashlib.sha256()
    for column in frame:
        digest.update(f"{column.name}\x1f{column.dtype}\x1f".encode())
        values = repr(column.to_list()) if column.dtype.is_nested() else _as_csv(column)
        digest.update(values.encode() + b"\x1e")
    return digest.hexdigest()


def _as_csv(column: pl.Series) -> str:
    if column.dtype == pl.Binary:
        return repr(column.to_list())
    plain = column.to_physical() if column.dtype.is_temporal() else column
    if column.dtype.is_float():
        plain = _rounded(plain)
    return plain.to_frame().write_csv(null_value="\x00")


def _rounded(column: pl.Series) -> pl.Series:
    """Without the digits that depend on the processor."""
    value = pl.col(column.name)
    noise = value.abs() < NOISE * value.filter(value.is_finite()).abs().max()
    digits = pl.when(value.is_finite()).then(value.round_sig_figs(DIGITS)).otherwise(value)
    return column.to_frame().select(pl.when(noise).then(0.0).otherwise(digits).alias(column.name)).to_series()


def _figure(drawn: Any) -> Figure:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..plots.figure import root_figure

    if isinstance(drawn, Figure):
        return drawn
    if isinstance(drawn, Axes):
        return root_figure(drawn)
    raise DataError(
        f"a {type(drawn).__name__} was given",
        argument="drawn",
        expected="a matplotlib figure or axes",
        remedy="save_figure(curves.plot(), 'overall_survival')",
    )


def _check_name(name: Any) -> None:
    if isinstance(name, str) and re.fullmatch(r"[\w][\w .-]*", name) and not _ends_like_a_file(name):
        return
    raise DataError(
        f"{name!r} is not a plain file name" if not _is_path(name) else "a path was given",
        argument="name",
        expected="letters, digits, '_' and '-', without folder and ending",
        remedy="name='01_overall_survival', folder='figures'",
    )


def _is_path(name: Any) -> bool:
    return isinstance(name, str) and ("/" in name or "\\" in name)


def _ends_like_a_file(name: str) -> bool:
    return name.lower().endswith((".pdf", ".png", ".json", ".svg", ".", " "))


def _save(figure: Figure, path: Path, metadata: dict[str, Any]) -> None:
    from matplotlib import rc_context

    from ..plots.figure import settle

    fixed: Any = {"pdf.fonttype": 42, "savefig.bbox": "standard", "savefig.facecolor": "white"}
    settle(figure)
    with rc_context(fixed):
        figure.savefig(path, dpi=DPI, metadata=metadata)


def _facts(
    figure: Figure, name: str, caption: str | None, n: int | None, events: int | None, data: Any
) -> dict[str, Any]:
    import matplotlib

    from .. import __version__
    from ..plots.figure import fingerprint
    from ..plots.picture import totals

    counted_n, counted_events = totals(figure)
    return {
        "name": name,
        "caption": caption,
        "n": counted_n if n is None else n,
        "events": counted_events if events is None else events,
        "fingerprint": fingerprint(figure).split("\n"),
        "data_sha256": None if data is None else data_hash(data),
        "versions": {"hemresearch": __version__, "matplotlib": matplotlib.__version__},
    }


def _shown_folder(folder: str | os.PathLike[str]) -> str:
    """The folder as it was asked for; of an absolute one its last part only."""
    path = Path(folder)
    return path.name if path.is_absolute() else path.as_posix()
