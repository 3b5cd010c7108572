"""Standardised mortality ratios: deaths observed over those that the population's rates expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..epidemiology import TimeScale, standardize_indirect
from ..epidemiology.standardize_indirect import IndirectLimits, IndirectTest
from ..errors import DataError, counted, warn
from ..formats import band, significant
from ..lifetable import Extrapolate, LifeTable
from ..options import Missing, TimeUnit
from ..results import Comparisons
from ..times import DAYS_PER_UNIT
from .excess_pieces import check_bands, cut_follow_up
from .net_rows import NetRows, read_net_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 200_000  # rows whose pieces are in memory at a time
COUNTS = ("person_time", "observed", "expected")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MortalityRatios(Comparisons):
    """Standardised mortality ratios in groups and bands.

    Attributes
    ----------
    bands
        The borders of `follow_up` (in `time_unit`) and of `attained_age` (in years), where these were cut.
    """

    bands: Mapping[str, np.ndarray] = field(default_factory=dict)

    def with_bands(self) -> pl.DataFrame:
        """The frame with both borders of each band, in words: `60 to <70`, `≥70`."""
        return self.frame.with_columns(
            pl.col(name).replace_strict(
                list(borders[:-1]), [band(*pair) for pair in pairwise(borders)], return_dtype=pl.String
            )
            for name, borders in self.bands.items()
        )

    def _in_words(self) -> pl.DataFrame:
        """For a forest plot: bands under what they are bands of."""
        units = {"follow_up": f"Follow-up {{}} {self.time_unit}", "attained_age": "Age {} years"}
        return (
            self.with_bands()
            .with_columns(pl.format(units[name], name).alias(name) for name in self.bands)
            .rename({"observed": "n_event"})
        )


def smr(
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
    entry: Column | None = None,
    by: Columns = None,
    death_only: Column | None = None,
    period: Any = None,
    follow_up: Any = None,
    attained_age: Any = None,
    conf_type: IndirectLimits = "exact",
    test: IndirectTest = "exact",
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> MortalityRatios:
    r"""Standardised mortality ratio, by groups and by bands of time since `date` and of attained age.

    In each cell the deaths of any cause, over those expected: the population hazard of each one's sex,
    attained age and calendar year, integrated over the follow-up that lies in the cell,
    :math:`\sum_i d_i / \sum_i \int \lambda_i(t)\,dt`. The population's rates count as known.

    Ratios of cells are adjusted for age, sex and calendar time only as far as the ratio does not depend on
    them; `excess_rate` tells deaths beyond the population's per person-year.

    Parameters
    ----------
    data, time, event, event_value, time_unit, entry, death_only, period, missing
        As of `net_survival`; emigration is a censoring.
    sex, date, life_table, birth, age, age_unit, sexes, extrapolate
        As of `expected_survival`.
    by
        One or several columns; separate cells for each combination that occurs.
    follow_up
        Borders of bands of the time since `date`, in the unit of `time`; `math.inf` opens the last band. A
        band lies from one border on to before the next, and a death at a border belongs to the band that ends
        there.
    attained_age
        Borders of bands of age, in years of the life table.
    conf_type, test, conf_level
        As of `standardize_indirect`.

    Returns
    -------
    MortalityRatios
        The `by` columns, `follow_up` and `attained_age` (where the band begins), `person_time` in years,
        `observed`, `expected`, `estimate`, `excess_rate` ((observed - expected) / person-years), `statistic`
        (null for exact tests), `p_value`, `conf_low`, `conf_high`; one row per cell that somebody was in.
        `.plot()` is a forest plot; `hem.report.table` has both borders of bands, and deaths beyond those
        expected per 1,000 person-years.

    Raises
    ------
    DataError
        As `net_survival`; borders that are none, a `by` column with the name of a band, and nobody within the
        bands.

    Warns
    -----
    DataWarning
        Where follow-up lies outside the bands, or rates were carried on by `extrapolate`; with
        `conf_type="log"`, cells without deaths.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC 1987, chapter 2. Berry G. Biometrics
    1983;39:173-184.

    Examples
    --------
    >>> import math
    >>> import hemresearch as hem
    >>> ratios = smr(
    ...     hem.data.load("colrec"), time="time", event="stat", time_unit="days", sex="sex", date="diag",
    ...     age="age", age_unit="days", life_table=hem.data.life_table("slovenia"),
    ...     follow_up=[0, 365, 1826, math.inf],
    ... )
    >>> ratios
    standardised mortality ratio, n=5,971, events=4,979
      follow_up=0: 11.5 (11.01 to 12.01), observed 2048, expected 178.1, p 0
      follow_up=365: 3.992 (3.808 to 4.184), observed 1755, expected 439.6, p 0
      follow_up=1826: 1.101 (1.039 to 1.166), observed 1176, expected 1068, p 0.001116
    95% limits: exact (Garwood) of a Poisson count; deaths expected by the rates of Slovenia
    """
    borders = {}
    if follow_up is not None:
        borders["follow_up"] = check_bands(follow_up, argument="follow_up", example="[0, 1, 5, math.inf]")
    if attained_age is not None:
        borders["attained_age"] = check_bands(
            attained_age, argument="attained_age", example="[0, 60, 70, 80, math.inf]"
        )
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "death_only": death_only, "sex": sex,
        "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, since_date=False, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    _refuse_names(rows, list(borders))
    cells = _cells(rows, borders)
    keys = [name for name in cells.columns if name not in COUNTS]
    ratios = standardize_indirect(
        cells, events="observed", expected="expected", by=keys or None, conf_type=conf_type, test=test,
        conf_level=conf_level,
    )  # fmt: skip
    return MortalityRatios(
        frame=_with_rates(ratios.to_frame(), cells, keys),
        name="standardised mortality ratio",
        method=f"{ratios.method}; deaths expected by the rates of {life_table.name}{rows.told}",
        conf_level=conf_level,
        n=float(len(rows.y)),
        n_event=ratios.n_event,
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
        measure="standardised mortality ratio",
        bands=borders,
    )


def _cells(rows: NetRows, borders: dict[str, np.ndarray]) -> pl.DataFrame:
    """Person-years, deaths and expected deaths of every group and band that somebody was in."""
    groups = rows.y.group
    size = (len(groups), *(len(b) - 1 for b in borders.values()))
    sums = np.zeros((4, int(np.prod(size)) + 1))
    for part in _batches(rows):
        sums += _sums(part, borders, size)
    used = np.flatnonzero(sums[0, :-1])
    if not len(used):
        raise DataError(
            "has nobody under observation within the bands",
            argument=next(iter(borders)),
            expected="bands that hold some follow-up",
            remedy="0 as the first border and math.inf as the last",
        )
    _tell_of_outside(sums[:, -1], list(borders), rows.unit)
    place, *bands = np.unravel_index(used, size)
    keys = groups.levels[place].get_columns() if groups.names else []
    keys += [
        TimeScale(b).labels.gather(at).alias(name)
        for (name, b), at in zip(borders.items(), bands, strict=True)
    ]
    counts = [pl.Series(name, values) for name, values in zip(COUNTS, sums[1:, used], strict=True)]
    return pl.DataFrame([*keys, *counts])


def _batches(rows: NetRows) -> Iterator[NetRows]:
    for start in range(0, len(rows.y), BATCH):
        yield rows.take(np.arange(start, min(start + BATCH, len(rows.y))))


def _sums(rows: NetRows, borders: dict[str, np.ndarray], size: tuple[int, ...]) -> np.ndarray:
    """Pieces, person-years, deaths and expected deaths in each cell, and behind the last those outside."""
    length, per = rows.life_table.days_per_year, DAYS_PER_UNIT[rows.unit]
    scales = {
        "follow_up": (np.zeros(len(rows.y)), per),
        "attained_age": (-rows.people.age, length),
    }
    used = [(scales[name][0], b * scales[name][1]) for name, b in borders.items()]
    p = cut_follow_up(rows, [origin for origin, _ in used], [cuts for _, cuts in used])
    inside = (p.band >= 0).all(axis=1)
    at = (rows.y.group.code[p.row], *np.maximum(p.band, 0).T)
    cell = np.where(inside, np.ravel_multi_index(at, size), np.prod(size))
    n = int(np.prod(size)) + 1
    values = (np.ones(len(cell)), p.days / length, p.event, p.expected)
    return np.array([np.bincount(cell, v, n) for v in values])


def _with_rates(ratios: pl.DataFrame, cells: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """The ratios with their person-time, and deaths beyond the expected per person-year."""
    time = cells.select(*keys, "person_time")
    joined = (
        ratios.join(time, on=keys, how="left", maintain_order="left") if keys else ratios.hstack(time)
    ).with_columns(excess_rate=(pl.col("observed") - pl.col("expected")) / pl.col("person_time"))
    return joined.select(
        *keys, *COUNTS, "estimate", "excess_rate", "statistic", "p_value", "conf_low", "conf_high"
    )


def _tell_of_outside(outside: np.ndarray, names: list[str], unit: str) -> None:
    _, time, observed, _ = outside
    if time > 0 or observed:
        warn(
            f"{significant(float(time))} person-years and {counted(int(observed), 'death')} lie outside the "
            "bands, and are left out",
            argument=names[0] if len(names) == 1 else "follow_up",
            expected="bands from 0 to math.inf, or fewer on purpose"
            + (f" (those of follow_up are in {unit})" if "follow_up" in names else ""),
            remedy="0 as the first border and math.inf as the last",
        )


def _refuse_names(rows: NetRows, bands: list[str]) -> None:
    for name in rows.y.group.names:
        if name in (*bands, "person_time", "excess_rate"):
            raise DataError(
                f"{name!r} is the name of a column of the result",
                argument="by",
                column=name,
                expected="other names of the groups",
                remedy=f"by=pl.col({name!r}).alias('group')",
            )
