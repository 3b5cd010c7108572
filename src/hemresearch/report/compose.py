"""From tidy numbers to a publication table: which columns to show, under which label, as which text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..competing.cause_specific_fit import CauseSpecificFit
from ..errors import DataError
from ..options import check_labels, check_number, nearest, suggestion
from ..regression.subgroup_result import SubgroupEffects
from ..regression.univariable import Univariable
from ..results import Fit
from .headers import HEADERS
from .shares import percent_columns, refuse_percent_of_ratios, without_percent
from .sources import ESTIMATE, Source, read_source, test_notes
from .table_one import HIDDEN, check_no_options, written
from .tables import Align, Kind, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COUNTS = ("n", "n_risk", "n_event", "n_censor", "n_missing", "n_dropped", "n_groups", "observed")


def table(
    item: Any,
    *,
    title: str | None = None,
    footnote: str | Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    decimals: int | Mapping[str, int] | None = None,
    percent: bool | str | Sequence[str] | None = None,
    groups: str | None = None,
    times: Any = None,
    p: Any = None,
    conf_level: float | None = None,
    missing: str = formats.MISSING,
    id: str | None = None,
) -> Table:
    """A publication table of a result or of any tidy frame.

    An estimate and its limits become one cell, "0.71 (0.55–0.92)", under a header that names the confidence
    level; p-values, counts and times are written as journals write them. The standard error is left out
    where there are limits. Notebooks show the table as HTML (with great-tables, else as text); `to_word`,
    `to_excel`, `to_latex` and `to_frame` give the same cells elsewhere.

    Parameters
    ----------
    item
        Curves (their medians; the estimates at `times` if these are given; of causes or states by default the
        estimates at the last time that all curves reach), Estimates, a HypothesisTest, a
        Table 1 of `hem.cohort.table_one`, a fitted regression (`regression_table` has more options, and puts
        several side by side), or a frame such as `curves.quantile(0.5)`.
    title, footnote
        Text above and below; several footnotes as a list.
    labels
        What to call columns (in the header) and values (in the cells): `{"trt": "Arm", "arm[B]": "Arm B"}`.
        Names that the table does not have do not matter.
    decimals
        One number for all estimates and statistics, or one per column. By default 2; 1 for percentages;
        for medians and person-time none from 100 up and one from 10 up.
    percent
        True: the estimate and its limits are proportions, to be shown in percent; or the names of the
        columns that are. Rows whose `term` is a ratio stay as they are. By default survival and cumulative
        incidence at given times are shown so.
    groups
        A column whose values become headings over the rows that share them.
    times
        For curves: the times of the rows.
    p
        A test of the groups to tell below the table: one, a list of them, or one for each cause,
        `{"relapse": gray_test(...)}`.
    conf_level
        The level of the limits in a frame, for the header. Results know theirs.
    missing
        What to show for a number that there is not.
    id
        The HTML id, by default made from the cells.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the frame is empty or nested, `groups`, `decimals` or `percent` names nothing in it, `percent` is
        asked of nothing but ratios, or a label misspells what is there.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    >>> hem.report.table(curves, labels={"trt": "Arm"}, title="Overall survival (days)")
    Overall survival (days)
    ──────────────────────────────────────────────
    Arm    N  Events  Censored   Median (95% CI)
    ──────────────────────────────────────────────
    A    317     171       146   707 (524–1,164)
    B    329     149       180  2,283 (1,020 to –)
    ──────────────────────────────────────────────
    """
    if conf_level is not None:
        check_number(conf_level, argument="conf_level", above=0, below=1, expected="0 to 1", example=0.95)
    if isinstance(item, Fit | Univariable | SubgroupEffects | CauseSpecificFit):
        own = {"percent": percent, "groups": groups, "times": times, "p": p}
        check_no_options(own, "hem.report.regression_table(fit)", "a regression")
        return _of_models(item, title, footnote, labels, decimals, conf_level, missing, id)
    source = read_source(item, times)
    if source.table_one is not None:
        own = {"labels": labels, "decimals": decimals, "percent": percent, "groups": groups}
        check_no_options(own, "table_one(..., labels=..., decimals=...)")
    frame = source.frame
    chosen = percent_columns(frame, source.percent if percent is None else percent)
    refuse_percent_of_ratios(source, chosen)
    notes = (footnote,) if isinstance(footnote, str) else tuple(footnote or ())
    return compose(
        replace(
            source,
            title=source.title if title is None else title,
            footnotes=(*source.footnotes, *test_notes(p, labels or {}), *notes),
            labels=dict(labels or {}),
            decimals=_decimals_of(source, decimals),
            percent=chosen,
            groups=groups or source.groups,
            conf_level=conf_level or source.conf_level,
            missing=missing,
            id=id,
        )
    )


def _decimals_of(source: Source, given: int | Mapping[str, int] | None) -> int | Mapping[str, int] | None:
    """Those asked for, and of other columns those that the result wants."""
    own = source.decimals
    if given is None or not isinstance(own, dict):
        return own if given is None else given
    return given if isinstance(given, int) else {**own, **given}


def _of_models(
    item: Any,
    title: str | None,
    footnote: str | Sequence[str] | None,
    labels: Mapping[str, str] | None,
    decimals: int | Mapping[str, int] | None,
    conf_level: float | None,
    missing: str,
    id: str | None,
) -> Table:
    """The table of a regression, with its levels, patients and events."""
    from .regression_table import regression_table

    return regression_table(
        item, labels=labels, title=title, footnote=footnote, conf_level=conf_level, id=id, missing=missing,
        decimals=_one_number(decimals),
    )  # fmt: skip


def _one_number(decimals: int | Mapping[str, int] | None) -> int:
    """The decimals of ratios, given for all columns or for the estimate."""
    if decimals is None or isinstance(decimals, int):
        return 2 if decimals is None else decimals
    return decimals.get("estimate", 2)


def compose(source: Source) -> Table:
    """Choose the columns, write the cells, and put headings over groups."""
    if source.table_one is not None:
        return written(source.table_one, source)
    if source.models is not None:
        from .regression_cells import written as written_models

        return written_models(source.models, source)
    _check(source)
    columns = _columns(source)
    header = tuple(column.header for column in columns)
    rows = list(zip(*(column.cells for column in columns), strict=True))
    kinds: tuple[Kind, ...] = ()
    if source.groups is not None:
        rows, kinds = _under_headings(source, source.groups, rows)
    return Table(
        header,
        tuple(rows),
        title=source.title,
        footnotes=source.footnotes,
        kinds=kinds,
        align=("left", *(column.align for column in columns[1:])),
        id=source.id or "",
        source=source,
    )


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: list[str]
    align: Align


def _check(source: Source) -> None:
    frame = source.frame
    nested = [c for c, dtype in frame.schema.items() if dtype.is_nested() or dtype == pl.Object]
    if not frame.width or not frame.height or nested:
        raise DataError(
            f"holds lists in {nested[0]!r}"
            if nested
            else f"has {frame.height} rows in {frame.width} columns",
            argument="item",
            column=nested[0] if nested else None,
            expected="at least one row of plain values",
            remedy="data.explode(...)" if nested else "a result such as kaplan_meier(...).quantile(0.5)",
        )
    values = {v for c in frame.columns if _is_label(frame, c) for v in map(_words, frame[c].unique())}
    named = source.decimals if not isinstance(source.decimals, int | None) else ()
    check_labels(source.labels, [*frame.columns, *sorted(values)], place="table")
    asked = {"decimals": named, "percent": source.percent}
    asked["groups"] = (source.groups,) if source.groups is not None else ()
    for argument, names in asked.items():
        for name in names:
            if name not in frame.columns:
                raise DataError(
                    f"{name!r} is not in the table",
                    argument=argument,
                    expected=f"names of columns; {suggestion(str(name), frame.columns)}",
                    remedy=f"{argument}={(nearest(str(name), frame.columns) or frame.columns)[0]!r}"
                    if argument == "groups"
                    else f"frame.columns, for the names that {argument} may have",
                )


def _columns(source: Source) -> list[_Column]:
    """The columns to show, from left to right."""
    names = source.frame.columns
    limits = {"conf_low", "conf_high"} <= set(names) and "estimate" in names
    left_out = {"conf_low", "conf_high", "std_error"} if limits else set()
    left_out |= {source.groups or "", *(("quantile",) if _is_median(source) else ())}
    return [
        _interval_column(source) if limits and name == "estimate" else _plain_column(source, name)
        for name in names
        if name not in left_out
    ]


def _interval_column(source: Source) -> _Column:
    as_it_is, ratio = replace(source, percent=()), without_percent(source)
    told = [as_it_is if own else source for own in ratio]
    bare = source.frame["term"].is_in(source.bare) if source.bare else [False] * len(told)
    cells = [
        formats.minus(
            formats.number(e, _decimals(one, "estimate") + 1)
            if alone
            else formats.interval(e, low, high, _decimals(one, "estimate"), scale=_scale(one))
        )
        for (e, low, high), one, alone in zip(source.frame.select(ESTIMATE).rows(), told, bare, strict=True)
    ]
    ci = f"{formats.level(source.conf_level)} CI" if source.conf_level else "CI"
    hidden = _hidden(source, *ESTIMATE)
    return _Column(f"{_header(source, 'estimate')} ({ci})", _shown(source, cells, hidden), "center")


def _plain_column(source: Source, name: str) -> _Column:
    values = source.frame[name].to_list()
    write = _writer(source, name)
    cells = [formats.MISSING if _is_null(v) else write(v) for v in values]
    label = _is_label(source.frame, name)
    ratio = without_percent(source)
    if name == "term" and ratio.any():
        cells = [cell if own else f"{cell}, %" for cell, own in zip(cells, ratio, strict=True)]
    if source.frame[name].dtype.is_numeric():
        cells = [formats.minus(cell) for cell in cells]
    side: Align = "left" if label else "right"
    return _Column(_header(source, name), _shown(source, cells, _hidden(source, name)), side)


def _writer(source: Source, name: str) -> Callable[[Any], str]:
    """How the values of one column become text."""
    dtype, decimals = source.frame[name].dtype, _decimals(source, name)
    if name in source.percent:
        return lambda v: formats.percent(v, decimals, sign="")
    if _is_label(source.frame, name):
        return lambda v: source.labels.get(_words(v), _words(v))
    if name in ("p_value", "p_adjusted", "p_uncorrected", "q_value"):
        return lambda v: formats.p_value(v, prefix=False)
    if name in COUNTS:
        return formats.count
    if dtype.is_integer() or dtype.is_temporal():
        return str
    if name in ("df", "time", "quantile", "conf_level"):
        return formats.significant
    return lambda v: formats.number(float(v), decimals)


def _decimals(source: Source, name: str) -> int:
    given = source.decimals
    if isinstance(given, int):
        return given
    if given is not None and name in given:
        return given[name]
    if name in source.percent:
        return 1
    if name == "person_time":
        return formats.decimals_for(source.frame[name].max())  # type: ignore[arg-type]
    if name == "estimate" and (
        "quantile" in source.frame.columns or _header(source, name).startswith("Median")
    ):
        return formats.decimals_for(source.frame[name].max())  # type: ignore[arg-type]
    return 2


def _scale(source: Source) -> float:
    return 100.0 if "estimate" in source.percent else 1.0


def _header(source: Source, name: str) -> str:
    if name in source.labels:
        label = source.labels[name]
    elif name in source.headers:
        label = source.headers[name]
    elif name == "estimate" and _is_median(source):
        label = "Median"
    else:
        label = HEADERS.get(name, name)
    mixed = name == "estimate" and without_percent(source).any()
    return f"{label}, %" if name in source.percent and "%" not in label and not mixed else label


def _is_median(source: Source) -> bool:
    """Whether the estimates are quantiles and all of them medians."""
    return "quantile" in source.frame.columns and source.frame["quantile"].unique().to_list() == [0.5]


def _hidden(source: Source, *names: str) -> np.ndarray:
    hidden = np.zeros(source.frame.height, dtype=bool)
    for name in names:
        if name in source.masks:
            hidden |= source.masks[name]
    return hidden


def _shown(source: Source, cells: list[str], hidden: np.ndarray) -> list[str]:
    """Cells with the marks for what was hidden and for what there is not."""
    return [
        HIDDEN if mask else source.missing if cell == formats.MISSING else cell
        for cell, mask in zip(cells, hidden, strict=True)
    ]


def _under_headings(
    source: Source, groups: str, rows: list[tuple[str, ...]]
) -> tuple[list[tuple[str, ...]], tuple[Kind, ...]]:
    """Rows sorted under their group's heading, groups and rows in the order they came."""
    values = source.frame[groups].to_list()
    found: dict[str, list[tuple[str, ...]]] = {}
    write = _writer(source, groups)
    for value, row in zip(values, rows, strict=True):
        found.setdefault(source.missing if _is_null(value) else write(value), []).append(row)
    out: list[tuple[str, ...]] = []
    kinds: list[Kind] = []
    for heading, members in found.items():
        out += [(heading, *("",) * (len(rows[0]) - 1)), *members]
        kinds.append("heading")
        kinds.extend("indented" for _ in members)
    return out, tuple(kinds)


def _is_label(frame: pl.DataFrame, name: str) -> bool:
    dtype = frame[name].dtype
    return not (dtype.is_numeric() or dtype.is_temporal())


def _is_null(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _words(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
