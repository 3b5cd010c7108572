"""What a result knows about its own table: its numbers, the headers they need, and the confidence level."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..competing.cause_specific_fit import CauseSpecificFit
from ..curves import FALLING, NOT_A_SHARE
from ..errors import DataError
from ..regression.univariable import Univariable
from ..results import Curves, Fit, HypothesisTest, Result

if TYPE_CHECKING:
    from ..cohort import TableOne
    from .regression_cells import Models

ESTIMATE = ("estimate", "conf_low", "conf_high")
KNOWN = ("headers", "percent", "decimals")  # of what a result may say for its table
EXCESS_PER = 1000  # person-years
PERSON_TIME = {"days": "Person-days", "years": "Person-years", "hours": "Hours"}
PER = ("rate", "consultations", "prevalence")  # what is told per something, and nothing else is in the name
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
    of_ratios: bool = False
    bare: tuple[str, ...] = ()  # terms that have no limits, told to one more decimal
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
    if isinstance(item, Result):
        said = (item.methods(),) if hasattr(item, "methods") else ()
        known = {name: getattr(item, name) for name in KNOWN if hasattr(item, name)}
        return Source(tidy_frame(item), footnotes=said, **known)
    return _of_frame(tidy_frame(item))


def _of_frame(frame: pl.DataFrame) -> Source:
    """A frame as it is, but of the dozen columns of `consultations.staffing` those to plan by."""
    if "staff_queue" not in frame.columns:
        return Source(frame)
    from ..hematology.consultations.staffing import DETAILS, HEADERS, NOTE

    if not {*HEADERS, *DETAILS} <= set(frame.columns):
        return Source(frame, headers=HEADERS)
    return Source(frame.drop(DETAILS), headers=HEADERS, footnotes=(NOTE,))


def _estimates(item: Any) -> Source:
    """Estimates with limits, ratios as such under what they are: `HR (95% CI)`."""
    name, measure = getattr(item, "name", ""), getattr(item, "measure", "")
    frame = item.tabled() if hasattr(item, "tabled") else item.to_frame()
    if getattr(item, "ratio", ""):
        frame = item.to_frame(exponentiate=True).drop("statistic")  # that of the logarithm, as p is
    if "statistic" in frame.columns and not frame["statistic"].count():  # of exact tests
        frame = frame.drop("statistic")
    if hasattr(item, "with_bands"):
        return _mortality(item, frame)
    short = formats.SHORT.get(measure, measure)
    own = {"estimate": _capital(short)} if measure else getattr(item, "headers", {})
    return Source(
        frame,
        title=_capital(name) or None,
        headers={**_units(name, getattr(item, "time_unit", None)), **own},
        percent=ESTIMATE if getattr(item, "in_percent", False) else (),
        of_ratios=(measure or getattr(item, "ratio", "")).endswith("ratio"),
        bare=getattr(item, "bare", ()),
        footnotes=(f"{short}: {measure}; CI: confidence interval.",) if short != measure else _note(item),
        conf_level=item.conf_level,
    )


def _units(name: str, time_unit: str | None) -> dict[str, str]:
    """Headers with units: of person-time where it is known, and of what is told per person-time."""
    headers = {"person_time": PERSON_TIME[time_unit]} if time_unit in PERSON_TIME else {}
    told, _, unit = name.partition(" per ")
    return headers | ({"estimate": f"Per {unit.partition(' (')[0]}"} if unit and told.endswith(PER) else {})


def _note(item: Any) -> tuple[str, ...]:
    """What a result says below its table."""
    note = getattr(item, "note", "")
    return (note,) if note else ()


def _mortality(item: Any, frame: pl.DataFrame) -> Source:
    """Standardised mortality ratios: both borders of bands, and excess deaths per 1,000 person-years."""
    words = [item.with_bands()[name] for name in item.bands]
    return Source(
        frame.with_columns(*words, pl.col("excess_rate") * EXCESS_PER),
        title=_capital(item.name),
        headers={
            "follow_up": f"Follow-up, {item.time_unit}",
            "attained_age": "Attained age, years",
            "person_time": "Person-years",
            "observed": "Deaths",
            "expected": "Expected deaths",
            "estimate": "SMR",
            "excess_rate": f"Excess per {EXCESS_PER:,} person-years",
        },
        footnotes=(f"SMR: {item.measure}; CI: confidence interval. {_capital(item.method)}.",),
        decimals={"expected": 1, "excess_rate": 1},
        conf_level=item.conf_level,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def sheet_frame(item: Any) -> pl.DataFrame:
    """The tidy frame of a result for a spreadsheet, where a ratio stands under its name, logarithms apart.

    Of a fitted regression or contrasts: `hazard_ratio` with its limits, p_value, and `coefficient`, the
    logarithm, with its standard error. What is no ratio (a spline's coefficient, an intercept) has none.
    """
    fits = _fits(item)
    ratio = fits[0].ratio if fits else getattr(item, "ratio", "") or getattr(item, "measure", "")
    frame = tidy_frame(item)
    if not ratio.endswith("ratio"):
        return frame
    name = ratio.replace(" ", "_").replace("-", "_")
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


def _fits(item: Any) -> tuple[Fit, ...]:
    """The fits that make up a result."""
    if isinstance(item, CauseSpecificFit):
        return tuple(item.fits.values())
    return item.fits if isinstance(item, Univariable) else (item,) if isinstance(item, Fit) else ()


def _curves(curves: Curves, times: Any) -> Source:
    cut = (curves._cut_text(),) if curves._cut_text() else ()
    split = [c for c in curves.keys if c not in curves.by]
    if times is None and curves.quantity in FALLING and not split:
        median = curves.quantile(0.5).select(ESTIMATE)
        frame = _counted(curves, pl.concat([curves.groups(), median], how="horizontal"))
        headers = {"estimate": f"Median{f', {curves.time_unit}' if curves.time_unit else ''}"}
        return Source(frame, headers=headers, footnotes=cut, conf_level=curves.conf_level)
    last = _last_of_all(curves) if split else float(curves.frame["time"].max())  # type: ignore[arg-type]
    wanted = np.atleast_1d(np.asarray(last if times is None else times, dtype=float))
    if split and len(wanted) == 1:
        return _at_one_time(curves, float(wanted[0]), cut)
    frame = _with_words(_counted(curves, curves.at(wanted)), split)
    counted = "At risk just before each time; events and censored since the time before it."
    heading = next((c for c in split if frame[c].n_unique() > 1), next(iter(curves.keys), None))
    unit = f" ({curves.time_unit})" if curves.time_unit else ""
    return Source(
        frame,
        headers={"estimate": _capital(curves.quantity), "time": f"Time{unit}"},
        footnotes=(*((counted,) if len(wanted) > 1 and not curves.predicted else ()), *cut),
        percent=ESTIMATE if _is_share(curves) else (),
        groups=heading if len(wanted) > 1 else None,
        conf_level=curves.conf_level,
    )


def _at_one_time(curves: Curves, time: float, cut: tuple[str, ...]) -> Source:
    """Causes or states at one time: patients and events until then, and the estimate."""
    at = curves.at(time).select("n_event", *ESTIMATE)
    frame = pl.concat([curves.groups().select(*curves.keys, "n"), at], how="horizontal")
    unit = f" {curves.time_unit}" if curves.time_unit else ""
    return Source(
        _with_words(_counted(curves, frame), [c for c in curves.keys if c not in curves.by]),
        headers={"estimate": f"{_capital(curves.quantity)} at {formats.significant(time)}{unit}"},
        footnotes=cut,
        percent=ESTIMATE if _is_share(curves) else (),
        conf_level=curves.conf_level,
    )


def _last_of_all(curves: Curves) -> float:
    """The last time at which every curve is known."""
    return min(float(part["time"][-1]) for part in curves._parts())


def _with_words(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Causes that are numbers as labels, which can be called something else."""
    return frame.with_columns(pl.col(c).cast(pl.String) for c in names if frame[c].dtype.is_integer())


def test_notes(p: Any, labels: Mapping[str, str]) -> tuple[str, ...]:
    """A line below the table for each test: one, several in a list, or one for each cause."""
    if p is None:
        return ()
    if isinstance(p, Mapping):
        causes = {c: str(labels.get(str(c), c)) for c in p}
        return tuple(f"{causes[c]}: {_test_text(test, named=True)}." for c, test in p.items())
    tests = list(p) if isinstance(p, list | tuple) else [p]
    return tuple(f"{_capital(_test_text(test, named=False))}." for test in tests)


def _test_text(test: Any, *, named: bool) -> str:
    """What a test says; without its cause where that is named before it."""
    if not isinstance(test, HypothesisTest):
        raise DataError(
            f"a {type(test).__name__} was given",
            argument="p",
            expected="a test, a list of tests, or one for each cause",
            remedy="p={'relapse': hem.competing.gray_test(...)}",
        )
    return re.sub(r" of [^:]*?(?= \(|:)", "", test.text(), count=1) if named else test.text()


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
