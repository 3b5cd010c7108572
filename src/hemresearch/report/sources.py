"""What a result knows about its own table: its numbers, the headers they need, and the confidence level."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..curves import NOT_A_SHARE
from ..errors import DataError
from ..regression.univariable import Univariable
from ..results import Curves, Fit, HypothesisTest, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..cohort import TableOne
    from .regression_cells import Models

ESTIMATE = ("estimate", "conf_low", "conf_high")
COUNTED = ("n", "n_risk", "n_event", "n_censor")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The numbers of a table and how they are to be shown."""

    frame: pl.DataFrame
    title: str | None = None
    footnotes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    decimals: int | Mapping[str, int] | None = None
    percent: tuple[str, ...] = ()
    groups: str | None = None
    conf_level: float | None = None
    missing: str = formats.MISSING
    id: str | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)
    table_one: TableOne | None = None
    models: Models | None = None


def _is_table_one(item: Any) -> bool:
    from ..cohort import TableOne

    return isinstance(item, TableOne)


def tidy_frame(item: Any) -> pl.DataFrame:
    """The tidy frame of a result, or any table as a polars frame."""
    if isinstance(item, Result):
        return item.to_frame()  # type: ignore[attr-defined]
    frame = as_frame(item)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def read_source(item: Any, times: Any) -> Source:
    """What a result knows about its own table."""
    if isinstance(item, Curves):
        return _curves(item, times)
    if times is not None:
        raise DataError(
            f"times were given with a {type(item).__name__}",
            argument="times",
            expected="curves",
            remedy="hem.report.table(curves, times=[12, 24])",
        )
    if isinstance(item, HypothesisTest):
        return _test(item)
    if _is_table_one(item):
        return Source(item.to_frame(), table_one=item)
    if hasattr(item, "to_frame") and hasattr(item, "conf_level"):
        return _estimates(item)
    said = (item.methods(),) if isinstance(item, Result) and hasattr(item, "methods") else ()
    return Source(tidy_frame(item), footnotes=said)


def _estimates(item: Any) -> Source:
    """Estimates with limits, ratios as such under what they are: `HR (95% CI)`."""
    name, measure = getattr(item, "name", ""), getattr(item, "measure", "")
    frame = item.to_frame()
    if getattr(item, "ratio", ""):
        frame = item.to_frame(exponentiate=True).drop("statistic")  # that of the logarithm, as p is
    short = formats.SHORT.get(measure, measure)
    return Source(
        frame,
        title=_capital(name) or None,
        headers={"estimate": _capital(short)} if measure else {},
        footnotes=(f"{short}: {measure}; CI: confidence interval.",) if short != measure else (),
        conf_level=item.conf_level,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def sheet_frame(item: Any) -> pl.DataFrame:
    """The tidy frame of a result for a spreadsheet, where a ratio stands under its name, logarithms apart.

    Of a fitted regression or contrasts: `hazard_ratio` with its limits, p_value, and `coefficient`, the
    logarithm, with its standard error. What is no ratio (a spline's coefficient, an intercept) has none.
    """
    fits = item.fits if isinstance(item, Univariable) else (item,) if isinstance(item, Fit) else ()
    ratio = fits[0].ratio if fits else getattr(item, "ratio", "") or getattr(item, "measure", "")
    frame = tidy_frame(item)
    if not ratio.endswith("ratio"):
        return frame
    name = ratio.replace(" ", "_")
    if "std_error" not in frame.columns:
        return frame.rename({"estimate": name})
    keys = [c for c in frame.columns if c not in (*ESTIMATE, "std_error", "statistic", "p_value")]
    own = pl.col("term").is_in([c for fit in fits for c in fit.ratios()]) if fits else pl.lit(value=True)
    return frame.select(
        *keys,
        *(pl.when(own).then(pl.col(c).exp()).alias(name if c == "estimate" else c) for c in ESTIMATE),
        "p_value",
        pl.col("estimate").alias("coefficient"),
        pl.col("std_error").alias("coefficient_std_error"),
    )


def _curves(curves: Curves, times: Any) -> Source:
    name = curves.quantity[0].upper() + curves.quantity[1:]
    unit = f" ({curves.time_unit})" if curves.time_unit else ""
    cut = (curves._cut_text(),) if curves._cut_text() else ()
    if times is None and not _is_share(curves):
        times = float(curves.frame["time"].max())  # type: ignore[arg-type]
    if times is None and "cause" not in curves.frame.columns:
        median = curves.quantile(0.5).select(ESTIMATE)
        frame = _counted(curves, pl.concat([curves.groups(), median], how="horizontal"))
        headers = {"estimate": f"Median{f', {curves.time_unit}' if unit else ''}"}
        return Source(frame, headers=headers, footnotes=cut, conf_level=curves.conf_level)
    wanted = np.atleast_1d(np.asarray(curves.frame["time"].max() if times is None else times, dtype=float))
    frame = _counted(curves, curves.at(wanted))
    keys = [c for c in (*curves.by, "cause") if c in frame.columns]
    counted = "At risk just before each time; events and censored since the time before it."
    return Source(
        frame,
        headers={"estimate": name, "time": f"Time{unit}"},
        footnotes=(*((counted,) if len(wanted) > 1 and not curves.predicted else ()), *cut),
        percent=ESTIMATE if _is_share(curves) else (),
        groups=keys[0] if keys and len(wanted) > 1 else None,
        conf_level=curves.conf_level,
    )


def _counted(curves: Curves, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table of curves, without counts where these are not of the groups."""
    return frame.drop(COUNTED, strict=False) if curves.predicted else frame


def _is_share(curves: Curves) -> bool:
    return not curves.quantity.startswith(NOT_A_SHARE)


def _test(test: HypothesisTest) -> Source:
    """Its groups with the test below; a test without groups is one row."""
    if test.to_frame().is_empty():
        row = test.summary().select("name", "statistic", "df", "p_value")
        return Source(row, headers={"name": "Test"})
    text, level = test.text(), getattr(test, "conf_level", None)
    frame = test.to_frame().drop("score", strict=False)  # observed less expected says the same
    return Source(frame, footnotes=(text[0].upper() + text[1:] + ".",), conf_level=level)
