"""The actuarial table of relative survival that cancer registries print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import Column, Columns
from ..errors import DataError
from ..lifetable import Extrapolate, LifeTable
from ..numerics.actuarial import actuarial, expected_of_intervals, interval_counts
from ..options import Missing, TimeUnit, check_conf_level, check_times
from ..results import Estimates
from ..times import DAYS_PER_UNIT
from .net_rows import NetRows, group_parts, read_net_rows, whole_days

if TYPE_CHECKING:
    from collections.abc import Mapping


class RelativeSurvivalTable(Estimates):
    """An actuarial table, one row per interval of each group."""

    __slots__ = ()

    def _label(self, row: dict[str, Any]) -> str:
        """The group and the end of the interval: survival is told to there."""
        columns = self.frame.columns
        groups = [f"{name}={row[name]}" for name in columns[: columns.index("start")]]
        return ", ".join([*groups, f"to {formats.significant(row['end'])} "])

    def __repr__(self) -> str:
        lines = []
        for row in self.frame.head(12).iter_rows(named=True):
            value, low, high = (formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high"))
            counts = f"n={row['n_risk']}, deaths={row['n_event']}, withdrawn={row['n_censor']}"
            observed, expected = (formats.significant(row[k]) for k in ("observed", "expected"))
            lines.append(
                f"  {self._label(row).strip()}: {counts}, observed {observed}, expected {expected}, "
                f"relative {value} ({low} to {high})"
            )
        left = self.frame.height - 12
        head = f"{self.name}, n={formats.count(self.n or 0)}, events={formats.count(self.n_event)}"
        foot = f"{formats.level(self.conf_level)} limits: {self.method}"
        return "\n".join([head, *lines, *([f"  and {left} more"] if left > 0 else []), foot])


def relative_survival_table(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    time_unit: TimeUnit | None = None,
    sex: Column,
    date: Column,
    life_table: LifeTable,
    birth: Column | None = None,
    age: Column | None = None,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
    by: Columns = None,
    death_only: Column | None = None,
    intervals: Any,
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> RelativeSurvivalTable:
    """Observed, expected and relative survival by intervals of follow-up: the table of cancer registries.

    In an interval with n alive at its start, d deaths and w withdrawn (whose follow-up ends before the
    interval does), survival is 1 - d / (n - w/2). The expected survival is that of Ederer II, the mean of the
    n over the life table's survival at the age and calendar year that each has reached at the start; both
    are multiplied over intervals, and relative survival is their ratio.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`; `event` is death of any cause.
    by, death_only, extrapolate, missing
        As of `net_survival`.
    intervals
        The bounds of the intervals in the unit of `time`, from 0 on: `[0, 1, 2, 3, 4, 5]`.
    conf_level
        Level of the limits: of the observed survival (Greenwood, log-log), divided by the expected.

    Returns
    -------
    RelativeSurvivalTable
        One row per interval: `start`, `end`, `n_risk`, `n_event`, `n_censor` (withdrawn), `effective`
        (n - w/2), `interval_observed`, `interval_expected`, `interval_relative`, the cumulative `observed`
        and `expected`, and cumulative relative survival as `estimate` with its standard error and limits;
        null where nobody is left.

    Raises
    ------
    DataError
        For intervals that do not rise from 0, and as `net_survival`.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    References
    ----------
    Ederer F, Heise H. Instructions to IBM 650 programmers in processing survival computations, National
    Cancer Institute 1959. Dickman PW, Coviello E. Stata J 2015;15:186-215 (strs).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec").with_columns(years=pl.col("time") / 365.25)
    >>> table = relative_survival_table(
    ...     patients, time="years", event="stat", time_unit="years", sex="sex", date="diag", age="age",
    ...     age_unit="days", life_table=hem.data.life_table("sweden"), intervals=[0, 1, 2, 5],
    ... )
    >>> table.to_frame().select("end", "n_risk", "n_event", "n_censor", pl.col("estimate").round(3)).rows()
    [(1.0, 5971, 2048, 4, 0.677), (2.0, 3919, 774, 1, 0.557), (5.0, 3144, 981, 0, 0.413)]
    """
    check_conf_level(conf_level)
    bounds = _check_intervals(intervals)
    roles: dict[str, Columns] = {
        "time": time, "event": event, "by": by, "death_only": death_only, "sex": sex, "date": date,
        "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    parts = [_table_of(part, bounds, conf_level) for part in group_parts(rows, rows.y.group)]
    groups = rows.y.group
    frame = pl.concat(parts)
    if groups.names:
        levels = groups.levels[np.repeat(np.arange(len(parts)), len(bounds) - 1)]
        frame = pl.concat([levels, frame], how="horizontal")
    return RelativeSurvivalTable(
        frame=frame,
        name=f"relative survival (population: {life_table.name})",
        method=f"actuarial, Ederer II, log-log with Greenwood variance of the observed{rows.told}",
        conf_level=conf_level,
        n=len(rows.y),
        n_event=int(rows.y.event.sum()),
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
    )


def _check_intervals(intervals: Any) -> np.ndarray:
    bounds = check_times(intervals, argument="intervals")
    if len(bounds) < 2 or bounds[0] != 0 or (np.diff(bounds) <= 0).any():
        raise DataError(
            "does not hold bounds that rise from 0",
            argument="intervals",
            expected="the bounds of the intervals, from 0 on",
            remedy="intervals=[0, 1, 2, 3, 4, 5]",
        )
    return bounds


def _table_of(rows: NetRows, bounds: np.ndarray, conf_level: float) -> pl.DataFrame:
    """The intervals of one group."""
    days = whole_days(bounds * DAYS_PER_UNIT[rows.unit])
    counts = interval_counts(rows.until, rows.y.event, days)
    expected = expected_of_intervals(
        rows.life_table.rates, rows.people.group, rows.age, _calendar_years(rows), rows.until, days,
        int(rows.life_table.years[0]),
    )  # fmt: skip
    table = actuarial(*counts, expected, conf_level)
    names = ("n_risk", "n_event", "n_censor")
    whole = {name: values.astype(int) for name, values in zip(names, counts, strict=True)}
    return pl.DataFrame({"start": bounds[:-1], "end": bounds[1:], **whole, **table}).fill_nan(None)


def _calendar_years(rows: NetRows) -> np.ndarray:
    """The date as a calendar year with the share of it that has passed."""
    day = rows.people.day.astype(np.int64).astype("datetime64[D]")
    year = day.astype("datetime64[Y]")
    passed = (day - year.astype("datetime64[D]")).astype(float)
    return year.astype(int) + 1970 + passed / rows.life_table.days_per_year
