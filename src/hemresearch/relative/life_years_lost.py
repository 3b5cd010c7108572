"""Years of life lost within a horizon, beside the population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..lifetable import Extrapolate, LifeTable
from ..numerics.expected_time import expected_times
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import restricted_mean, restricted_mean_variance
from ..numerics.risk_sets import risk_sets
from ..options import Missing, TimeUnit, check_conf_level, check_number
from ..results import Estimates
from ..survival.rmst import refuse_beyond_follow_up
from ..times import DAYS_PER_UNIT
from .net_rows import NetRows, group_parts, place_of, read_net_rows

if TYPE_CHECKING:
    from collections.abc import Mapping


def life_years_lost(
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
    tau: float,
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    r"""Mean time of life that patients lose up to `tau`, compared with the population; one row per group.

    The area between two curves on [0, tau], :math:`\int_0^\tau S_P(u) - S(u)\,du`: the mean population
    survival of all patients (Ederer I), integrated exactly, and their observed survival (Kaplan-Meier). It is
    below 0 where patients outlive the population.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`; `event` is death of any cause.
    by, death_only, extrapolate, missing
        As of `net_survival`.
    tau
        The horizon, in the unit of `time`; not after the last follow-up of any group, unless all had died.
    conf_level
        Level of the limits, which are the estimate +- z standard errors.

    Returns
    -------
    Estimates
        In the unit of `time`: `observed`, the time that patients live up to `tau`, `expected`, that of the
        population, and their difference as `estimate`, with Greenwood's standard error of the observed.

    Raises
    ------
    DataError
        For a `tau` after the last follow-up of a group, and as `net_survival`.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    Notes
    -----
    Of the measures of relsurv's `years` this is "yd", and "yl2017" of patients who are all followed from the
    beginning. Its "yl2013", the time lost due to the disease alone where other causes compete, is the area on
    [0, tau] under the first cause of `crude_probability`; it is larger, as it counts deaths of patients whom
    other causes would have taken later.

    References
    ----------
    Manevski D, Ruzic Gorenjec N, Andersen PK, Pohar Perme M. Stat Methods Med Res 2023;32:140-156 (relsurv's
    years, which sums in steps). Andersen PK. Stat Med 2013;32:5278-5285
    (years lost due to causes).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec").with_columns(years=pl.col("time") / 365.25)
    >>> life_years_lost(
    ...     patients, time="years", event="stat", time_unit="years", sex="sex", date="diag", age="age",
    ...     age_unit="days", life_table=hem.data.life_table("slovenia"), by="site", tau=10,
    ... )
    life lost within 10 years (population: Slovenia), n=5,971, events=4,979
      site=colon: 3.746 (3.61 to 3.883), n 3537, observed 4.192, expected 7.938
      site=rectum: 3.839 (3.683 to 3.995), n 2434, observed 4.193, expected 8.032
    95% limits: Kaplan-Meier and Ederer I, Greenwood variance
    """
    check_conf_level(conf_level)
    check_number(tau, argument="tau", above=0, expected="a time above 0, in the unit of time", example=5)
    roles: dict[str, Columns] = {
        "time": time, "event": event, "by": by, "death_only": death_only, "sex": sex, "date": date,
        "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, horizon=float(tau), extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    parts = group_parts(rows, rows.y.group)
    refuse_beyond_follow_up(rows.y, [part.y for part in parts], np.array([float(tau)]), argument="tau")
    frame = pl.DataFrame([_lost(part, float(tau), normal_quantile(conf_level)) for part in parts])
    groups = rows.y.group
    return Estimates(
        frame=pl.concat([groups.levels, frame], how="horizontal") if groups.names else frame,
        name=f"life lost within {tau:g} {rows.unit} (population: {life_table.name})",
        method=f"Kaplan-Meier and Ederer I, Greenwood variance{rows.told}",
        conf_level=conf_level,
        n=len(rows.y),
        n_event=int(rows.y.event.sum()),
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
    )


def _lost(rows: NetRows, tau: float, z: float) -> dict[str, float]:
    """One row of the table."""
    per = DAYS_PER_UNIT[rows.unit]
    r = risk_sets(rows.y.time, rows.y.event)
    observed, area = restricted_mean(r, tau)
    error = float(np.sqrt(restricted_mean_variance(r, area)))
    expected = float(expected_times(rows.life_table.rates, *place_of(rows), tau * per).mean() / per)
    lost = expected - observed
    return {
        "n": len(rows.y), "n_event": int(rows.y.event.sum()), "observed": observed, "expected": expected,
        "estimate": lost, "std_error": error, "conf_low": lost - z * error, "conf_high": lost + z * error,
    }  # fmt: skip
