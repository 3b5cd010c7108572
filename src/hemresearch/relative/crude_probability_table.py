"""Tables of the probability of dying from a disease, and from other causes, where causes are not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..lifetable import Extrapolate, LifeTable
from ..numerics.interval_incidence import interval_incidence
from ..numerics.intervals import normal_quantile
from ..options import Missing, TimeUnit, check_choice, check_conf_level
from .crude_probability import CAUSES
from .incidence_table import HOW, IncidenceEstimator, IncidenceTable, incidence_columns
from .interval_counts import (
    check_intervals,
    count_columns,
    count_intervals,
    days_of,
    refuse_late,
    warn_of_gaps,
    warn_of_little,
    with_groups,
)
from .net_rows import NetRows, group_parts, read_net_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


def crude_probability_table(
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
    intervals: Any = None,
    estimator: IncidenceEstimator = "hazard",
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> IncidenceTable:
    r"""Probability of death from the disease, and from other causes, by the end of each interval.

    Where causes of death are not known (popEpi's `cif.rel`): of the survival before an interval the share
    1 - p dies in it, and of these :math:`(d - d^*)/d` from the disease and :math:`d^*/d` as the population
    does, p and the expected deaths d* as of `relative_survival_table`. The two and survival add up to 1. The
    probability of the disease can fall, and be below 0, where fewer die than in the population (popEpi leaves
    it out from there on). `crude_probability` needs no intervals.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`; `event` is death of any cause.
    entry, by, death_only, period, extrapolate, missing
        As of `net_survival`.
    intervals
        The bounds of the intervals in the unit of `time`, from 0 on: `[0, 1, 2, 3, 4, 5]`.
    estimator
        "hazard" (deaths over person-time) or "lifetable" (over effective numbers).
    conf_level
        Level of the limits, which are the estimate +- z standard errors.

    Returns
    -------
    IncidenceTable
        The `by` columns and `cause`; one row per interval: `start`, `end`, `n_risk`, `n_enter`, `n_event`
        (of any cause), `n_censor`, `effective`, `person_time` (years), `n_cause` (excess, and expected,
        deaths), `observed` (alive at the end) and the probability as `estimate` with its delta-method
        standard error, for which the population is known, and limits.

    Raises
    ------
    DataError
        For intervals that do not rise from 0, late entries or a period with "lifetable", and as
        `net_survival`.

    Warns
    -----
    DataWarning
        As `relative_survival_table`.

    References
    ----------
    Cronin KA, Feuer EJ. Stat Med 2000;19:1729-1740.

    Examples
    --------
    >>> import hemresearch as hem
    >>> table = crude_probability_table(
    ...     hem.data.load("colrec"), time="time", event="stat", time_unit="days", sex="sex", date="diag",
    ...     age="age", age_unit="days", life_table=hem.data.life_table("slovenia"),
    ...     intervals=[0, 182, 365, 730, 1095, 1461, 1826],
    ... )
    >>> table.to_frame().filter(end=1826).select("cause", pl.col("estimate").round(3)).rows()
    [('death from the disease', 0.539), ('death from other causes', 0.103)]
    """
    check_conf_level(conf_level)
    check_choice(estimator, IncidenceEstimator, argument="estimator")
    bounds = check_intervals(intervals)
    refuse_late(estimator, entry is not None or period is not None)
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "death_only": death_only, "sex": sex,
        "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, since_date=False, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    warn_of_little(rows.begin, rows.until, days_of(bounds, rows)[-1], rows.unit)
    y = rows.y
    labels = y.group.labels() or [""]
    parts = [
        _of_excess(part, bounds, estimator == "hazard", label)
        for part, label in zip(group_parts(rows, y.group), labels, strict=True)
    ]
    half = normal_quantile(conf_level) * pl.col("std_error")
    frame = pl.concat(parts).with_columns(
        conf_low=pl.col("estimate") - half, conf_high=pl.col("estimate") + half
    )
    return IncidenceTable(
        frame=with_groups(y.group, frame.fill_nan(None)),
        name=f"crude probability (population: {life_table.name})",
        method=f"{HOW[estimator]}, plain, delta method{rows.told}",
        conf_level=conf_level,
        n=len(y),
        n_event=float(y.event.sum()),
        n_dropped=y.n_dropped,
        time_unit=rows.unit,
    )


def _of_excess(rows: NetRows, bounds: np.ndarray, hazard: bool, label: str) -> pl.DataFrame:
    """The disease and the other causes in the intervals of one group."""
    days = days_of(bounds, rows)
    plain = count_intervals(rows, days, weighted=False).plain
    warn_of_gaps(plain.time, bounds, label)
    deaths, fixed = plain.deaths[None, :], np.array([-plain.expected, plain.expected])
    exposure = plain.time if hazard else plain.effective
    share = np.array([[1.0], [0.0]])  # the deaths that are not the population's are of the disease
    found = interval_incidence(np.diff(days), exposure, deaths, share, fixed, hazard=hazard)
    counts = count_columns(plain, bounds, plain.time / rows.life_table.days_per_year)
    table = incidence_columns(counts, share @ deaths + fixed, found)
    return table.select(pl.Series("cause", np.repeat(CAUSES, len(bounds) - 1)), pl.all())
