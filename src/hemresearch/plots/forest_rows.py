"""The rows of a forest plot: what stands in each, from a fit, subgroup effects or a tidy frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..columns import as_frame
from ..errors import DataError
from ..options import check_labels, nearest, suggestion
from ..regression.effects import called, effect_table
from ..results import Fit
from .drawn import check_table

if TYPE_CHECKING:
    from collections.abc import Mapping

ESTIMATE = ("estimate", "conf_low", "conf_high")
LABELS = ("label", "level", "term", "group")
HEADINGS = ("variable", "subgroup")
REFERENCE = " (reference)"
COVARIATE = "_covariate"  # of the rows of a fit; a user's table may have a column of the plain name


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its label, its numbers (None where there is nothing to draw), and the texts beside it."""

    label: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    counts: str = ""
    ratio: str = ""
    p: str = ""
    heading: bool = False
    indented: bool = False
    reference: bool = False
    overall: bool = False


@dataclass(frozen=True, slots=True)
class Forest:
    """All rows, and the headers of the columns of text beside the picture ("" where there is no column).

    `measure` is what the estimates are, and `compared` of what, where that is the same in all rows.
    """

    rows: tuple[Row, ...]
    measure: str
    compared: str
    counts: str
    ratio: str
    p: str


def read_forest(
    item: Any,
    *,
    label: str | None,
    groups: str | None,
    labels: Mapping[str, str] | None,
    measure: str | None,
    decimals: int,
    conf_level: float | None,
) -> Forest:
    """A fit, a result or a tidy frame as rows; what is no such table is refused."""
    frame, known_measure, known_level = _tidy(item)
    check_table(frame, ESTIMATE, "item", "fit.to_frame(exponentiate=True)")
    label, groups = _columns(frame, label, groups)
    words = dict(labels or {})
    names = [label, *([groups] if groups else []), *([COVARIATE] if COVARIATE in frame.columns else [])]
    there = [str(v) for c in names for v in frame[c].unique(maintain_order=True).drop_nulls()]
    check_labels(words, there, place="figure")
    what = measure or known_measure or "ratio"
    level = conf_level or known_level
    interval = f"{formats.level(level)} CI" if level else "CI"
    rows = tuple(_rows(frame, label, groups, words, decimals))
    return Forest(
        rows,
        what,
        compared=getattr(item, "treatment", ""),
        counts=_counts_header(frame),
        ratio=f"{formats.SHORT.get(what.lower(), what[:1].upper() + what[1:])} ({interval})",
        p=_p_header(frame, rows),
    )


def _tidy(item: Any) -> tuple[pl.DataFrame, str | None, float | None]:
    """The frame of an item, what its estimates are, and their level."""
    if isinstance(item, Fit):
        return (
            effect_table(item).rename({"covariate": COVARIATE}),
            item.ratio or "coefficient",
            item.conf_level,
        )
    if hasattr(item, "forest_frame"):
        return item.forest_frame(), item.measure, item.conf_level
    return as_frame(item).lazy().collect(), None, None


def _columns(frame: pl.DataFrame, label: str | None, groups: str | None) -> tuple[str, str | None]:
    """The column of the rows' labels and that of the headings over them."""
    for argument, name in (("label", label), ("groups", groups)):
        if name is not None and name not in frame.columns:
            raise DataError(
                f"{name!r} is not in the table",
                argument=argument,
                expected=f"a column of the table; {suggestion(name, frame.columns)}",
                remedy=f"{argument}={(nearest(name, frame.columns) or frame.columns)[0]!r}",
            )
    found = label or next((c for c in LABELS if c in frame.columns), None)
    if found is None:
        raise DataError(
            "the table has no column with labels",
            argument="label",
            expected=f"a column {', '.join(map(repr, LABELS))}, or the name of another one",
            remedy=f"label={frame.columns[0]!r}",
        )
    return found, groups or next((c for c in HEADINGS if c in frame.columns and c != found), None)


def _rows(
    frame: pl.DataFrame, label: str, groups: str | None, labels: dict[str, str], decimals: int
) -> list[Row]:
    """Rows in the order of the frame; those that share a heading follow it."""
    rows: list[Row] = []
    runs = frame.select(pl.col(groups).rle_id())[groups].to_list() if groups else range(frame.height)
    previous = None
    for run, row in zip(runs, frame.iter_rows(named=True), strict=True):
        name = None if row[label] is None else str(row[label])
        heading = str(row[groups]) if groups and row[groups] is not None else ""
        under = bool(heading) and name is not None
        if under and run != previous:
            several = list(runs).count(run) > 2
            p = row.get("p_interaction", row.get("p_term") if several else None)
            rows.append(Row(called(heading, row.get(COVARIATE), labels), p=_p(p), heading=True))
        previous = run
        shown = called(heading, row.get(COVARIATE), labels) if name is None else labels.get(name, name)
        rows.append(_row(row, shown, under, decimals))
    return rows


def _row(row: dict[str, Any], label: str, indented: bool, decimals: int) -> Row:
    reference = row.get("reference") is True  # comparisons of groups have names in a column called so
    estimate, low, high = (row[name] for name in ESTIMATE)
    text = f"{estimate:g}{REFERENCE}" if reference else formats.ratio(estimate, low, high, decimals)
    alone = row.get("p_value") if row.get("p_value") is not None or reference else row.get("p_term")
    return Row(
        label,
        estimate,
        low,
        high,
        counts=_counts(row),
        ratio=formats.minus(text),
        p="" if "p_interaction" in row or reference else _p(alone),
        indented=indented,
        reference=reference,
        overall=bool(row.get("overall")),
    )


def _counts(row: dict[str, Any]) -> str:
    given = [row[name] for name in ("n_event", "n") if row.get(name) is not None]
    return "/".join(formats.count(value) for value in given)


def _counts_header(frame: pl.DataFrame) -> str:
    there = [
        word
        for name, word in (("n_event", "Events"), ("n", "N"))
        if name in frame.columns and frame[name].null_count() < frame.height
    ]
    return "/".join(there)


def _p_header(frame: pl.DataFrame, rows: tuple[Row, ...]) -> str:
    if not any(row.p for row in rows):
        return ""
    return "p interaction" if "p_interaction" in frame.columns else "p"


def _p(value: float | None) -> str:
    return "" if value is None else formats.p_value(value, prefix=False)
