"""Proportions with limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Groups, Table, group_rows, read_table
from ..errors import DataError, counted, warn
from ..events import read_counts, read_event
from ..numerics.count_limits import BINOMIAL
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .totals import in_groups

if TYPE_CHECKING:
    from ..columns import Column, Columns

ProportionLimits = Literal[
    "wilson", "wilson-cc", "clopper-pearson", "agresti-coull", "jeffreys", "midp", "wald"
]
METHODS: dict[ProportionLimits, str] = {
    "wilson": "Wilson",
    "wilson-cc": "Wilson with continuity correction",
    "clopper-pearson": "exact (Clopper-Pearson)",
    "agresti-coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
    "midp": "mid-p",
    "wald": "normal (Wald)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Those with the event and all, one of each for every group."""

    events: np.ndarray
    n: np.ndarray
    group: Groups
    n_dropped: int


def proportion(
    data: Any,
    *,
    event: Column | None = None,
    event_value: Any = None,
    events: Column | None = None,
    n: Column | None = None,
    by: Columns = None,
    conf_type: ProportionLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Share of those with an event, one row per group of `by`: response rates, deaths by day 100.

    Everybody's outcome must be known: where some were lost before it could be seen, `kaplan_meier` or
    `cumulative_incidence` at one time is the answer.

    Parameters
    ----------
    data
        Any table, in one of two forms: a row for each person, or rows of counts.
    event, event_value
        Of the first form: whether it happened (true/false, 1/0, or the declared value).
    events, n
        Of the second form: how many had it, out of how many.
    by
        One or several columns; a separate proportion for each combination that occurs.
    conf_type
        "wilson" (score), "jeffreys" and "midp" cover about `conf_level`; "clopper-pearson" and "wilson-cc" at
        least that; "agresti-coull" a little more. "wald" covers less unless n is large, may leave [0, 1], and
        has no width at 0 and 1.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `n`, `n_event`, `estimate`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        Neither or both forms of data; counts that are none; more events than persons; groups of nobody.

    Warns
    -----
    DataWarning
        A group in which nobody or everybody had it, where "wald" has limits of no width.

    References
    ----------
    Brown LD, Cai TT, DasGupta A. Stat Sci 2001;16:101-133. Newcombe RG. Stat Med 1998;17:857-872.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> responded = pl.col("crtime").is_not_null()
    >>> hem.epidemiology.proportion(trial, event=responded.alias("complete response"), by="trt")
    proportion, n=646, events=454
      trt=A: 0.6498 (0.5958 to 0.7003), n 317
      trt=B: 0.7538 (0.7045 to 0.7972), n 329
    95% limits: Wilson
    """
    check_choice(conf_type, ProportionLimits, argument="conf_type")
    check_conf_level(conf_level)
    s = _read_shares(data, event, event_value, events, n, by, missing)
    if conf_type == "wald":
        _warn_of_no_width(s)
    low, high = BINOMIAL[conf_type](s.events, s.n, conf_level)
    values = pl.DataFrame(
        {
            "n": pl.Series(s.n).cast(pl.Int64),
            "n_event": pl.Series(s.events).cast(pl.Int64),
            "estimate": s.events / s.n,
            "conf_low": low,
            "conf_high": high,
        }
    )
    levels = s.group.levels
    return Estimates(
        frame=pl.concat([levels, values], how="horizontal") if levels.width else values,
        name="proportion",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=float(s.n.sum()),
        n_event=float(s.events.sum()),
        n_dropped=s.n_dropped,
    )


def _read_shares(
    data: Any,
    event: Column | None,
    event_value: Any,
    events: Column | None,
    n: Column | None,
    by: Columns,
    missing: Missing,
) -> Shares:
    """Read either form of the data; every group holds somebody."""
    by_person = event is not None and events is None and n is None
    by_counts = event is None and event_value is None and events is not None and n is not None
    if not by_person and not by_counts:
        raise DataError(
            "was given together with counts" if event is not None else "the event was not given",
            argument="event",
            expected="one form of the data: event (a row for each person), or events and n (counts)",
            remedy="event='responded', or events='responses', n='patients'",
        )
    if by_person:
        table = read_table(data, {"event": event, "by": by}, missing=missing)
        happened = read_event(table, event_value).astype(float)
        size = np.ones(len(happened))
    else:
        table = read_table(data, {"events": events, "n": n, "by": by}, missing=missing)
        happened, size = read_counts(table), read_counts(table, "n")
        _refuse_more_than_all(table, happened, size)
    group = group_rows(table)
    total = np.bincount(group.code, size, len(group))
    if not total.all():
        raise DataError(
            f"is 0 throughout in {counted(int((total == 0).sum()), 'group')}",
            argument="n",
            column=table.name("n"),
            expected="somebody in every group",
            remedy="data.filter(...) to the groups with somebody in them",
        )
    return Shares(np.bincount(group.code, happened, len(group)), total, group, table.n_dropped)


def _warn_of_no_width(s: Shares) -> None:
    flat = (s.events == 0) | (s.events == s.n)
    if flat.any():
        warn(
            f"has limits of no width{in_groups(s.group, flat)}, where nobody or everybody had the event",
            argument="conf_type",
            expected="persons with and without the event in every group",
            remedy="conf_type='wilson'",
        )


def _refuse_more_than_all(table: Table, events: np.ndarray, n: np.ndarray) -> None:
    more = events > n
    if more.any():
        raise DataError(
            f"has {counted(int(more.sum()), 'value')} above {table.name('n')!r}",
            argument="events",
            column=table.name("events"),
            rows=table.positions(more),
            expected="at most as many events as persons",
            remedy=f"n={table.name('events')!r} and events={table.name('n')!r}, if they were mixed up; for "
            "several events of a person, hem.epidemiology.rate(...)",
        )
