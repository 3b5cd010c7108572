"""The risk of an event before an age, from rates by age."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, Table, group_rows, read_number, read_table
from ..errors import DataError, counted, listed
from ..events import read_counts
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_conf_level, check_number
from ..outcomes import read_duration
from ..results import Estimates
from .totals import in_groups, refuse_person_time

if TYPE_CHECKING:
    from ..columns import Column, Columns


def cumulative_risk(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    age: Column,
    by: Columns = None,
    until: float = 75.0,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Cumulative rate and cumulative risk before an age (0-74), one row of each per group of `by`.

    The cumulative rate is the sum over age bands of rate times width; the cumulative risk 1 - exp(-cumulative
    rate) is the probability of the event before `until`, if nothing else ended life before, at the rates of
    the period. Limits are normal on the log scale of the cumulative rate.

    Parameters
    ----------
    data, events, missing
        As in `rate`.
    person_time
        As in `rate`, in the unit of `age` (person-years for ages in years).
    age
        The age at which the row's band begins, as `person_time` gives it. A band reaches to the next one, the
        last one to `until`; bands that begin at `until` or later are left out.
    by
        One or several columns; separate estimates for each combination that occurs.
    until
        The age up to which the risk runs: 75 for 0-74.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `term` ("cumulative rate", "cumulative risk"), `n_event`, `person_time`, `estimate`,
        `std_error`, `conf_low`, `conf_high`. Without any event the estimate is 0 and has no limits.

    Raises
    ------
    DataError
        Durations as person-time; bands that do not begin at 0, that a group lacks, or in which it has no
        person-time; and as `rate`.

    References
    ----------
    Day NE. Cumulative rate and cumulative risk. In: Cancer Incidence in Five Continents VI. IARC 1992,
    862-864.

    Examples
    --------
    Testicular cancer in Denmark.

    >>> import hemresearch as hem
    >>> testis = hem.data.load("testisdk").with_columns(decade=pl.col("P") // 10 * 10)
    >>> risk = hem.epidemiology.cumulative_risk(
    ...     testis.filter(pl.col("decade").is_in([1950, 1980])),
    ...     events="D", person_time="Y", age="A", by="decade",
    ... )  # fmt: skip
    >>> risk.to_frame().filter(term="cumulative risk").select("decade", pl.col("estimate").round(5)).rows()
    [(1950, 0.00313), (1980, 0.00657)]
    """
    check_conf_level(conf_level)
    check_number(until, argument="until", above=0, expected="an age above 0", example=75.0)
    roles: dict[str, Columns] = {"events": events, "person_time": person_time, "age": age, "by": by}
    table = read_table(data, roles, missing=missing)
    group = group_rows(table)
    count, time, start = _read_bands(table, group, until)
    width = np.diff(np.append(start, until))
    rates = np.divide(count, time) * width
    error = np.sqrt((count * (width / time) ** 2).sum(axis=1))
    return Estimates(
        frame=_frame(group, count.sum(axis=1), time.sum(axis=1), rates.sum(axis=1), error, conf_level),
        name=f"cumulative rate and risk before {until:g}",
        method="normal on the log scale of the cumulative rate",
        conf_level=conf_level,
        n=None,
        n_event=float(count.sum()),
        n_dropped=table.n_dropped,
    )


def _read_bands(table: Table, group: Groups, until: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Events and person-time of each group in each band, and where the bands begin."""
    count, (time, unit) = read_counts(table), read_duration(table, "person_time")
    _refuse_durations(table, unit)
    refuse_person_time(table, count, time)
    age = read_number(
        table, "age", what="the age at which each band begins, as a number", example="age='age'"
    )
    start, band = np.unique(age, return_inverse=True)
    if start[0] != 0:
        raise DataError(
            f"has its first band from {start[0]:g} on",
            argument="age",
            column=table.name("age"),
            expected="bands from 0 on: the age at which each band begins",
            remedy=f"pl.col({table.name('age')!r}) - 1 where it numbers bands from 1, times their width",
        )
    cells = len(group), len(start)
    place = group.code * len(start) + band
    counts, times = (np.bincount(place, v, cells[0] * cells[1]).reshape(cells) for v in (count, time))
    before = start < until
    _refuse_gaps(table, group, start[before], times[:, before])
    return counts[:, before], times[:, before], start[before]


def _refuse_durations(table: Table, unit: str | None) -> None:
    """Refuse person-time in days beside ages, which are in years."""
    if unit is None:
        return
    name = table.name("person_time")
    raise DataError(
        "holds durations, which are in days, and ages are not",
        argument="person_time",
        column=name,
        expected="numbers in the unit of age: person-years for ages in years",
        remedy=f"person_time=pl.col({name!r}).dt.total_days() / 365.25",
    )


def _refuse_gaps(table: Table, group: Groups, start: np.ndarray, time: np.ndarray) -> None:
    empty = time == 0
    if not empty.any():
        return
    lacking = listed(f"{age:g}" for age in start[empty.any(axis=0)])
    raise DataError(
        f"has no person-time in {counted(int(empty.sum()), 'band')} (from {lacking})"
        f"{in_groups(group, empty.any(axis=1))}",
        argument="person_time",
        column=table.name("person_time"),
        expected="person-time in every band of every group",
        remedy="wider bands, or until=... below the first empty one",
    )


def _frame(
    group: Groups,
    count: np.ndarray,
    time: np.ndarray,
    total: np.ndarray,
    error: np.ndarray,
    conf_level: float,
) -> pl.DataFrame:
    """A row with the rate and one with the risk for every group."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(normal_quantile(conf_level) * error / total)
        low, high = total / factor, total * factor
    terms = {
        "cumulative rate": (total, error, low, high),
        "cumulative risk": (-np.expm1(-total), np.exp(-total) * error, -np.expm1(-low), -np.expm1(-high)),
    }
    values = pl.concat(
        pl.DataFrame(
            {
                "place": np.arange(len(count)),
                "term": [term] * len(count),
                "n_event": pl.Series(count).cast(pl.Int64),
                "person_time": time,
                **dict(zip(("estimate", "std_error", "conf_low", "conf_high"), four, strict=True)),
            }
        )
        for term, four in terms.items()
    ).with_columns(pl.selectors.float().fill_nan(None))
    levels = group.levels.with_row_index("place").cast({"place": pl.Int64}) if group.levels.width else None
    if levels is None:
        return values.drop("place")
    return levels.join(values, on="place", maintain_order="left_right").drop("place")
