"""The probability of dying from a disease, and from other causes, where causes of death are not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..curves import curves_frame
from ..lifetable import Extrapolate, LifeTable
from ..numerics.crude_probability import crude_probabilities
from ..numerics.intervals import normal_quantile
from ..numerics.population_hazard import hazard_sums
from ..options import Missing, TimeUnit, check_conf_level, check_times
from ..times import DAYS_PER_UNIT
from .net_rows import NetRows, group_parts, place_of, read_net_rows, whole_days
from .population_curves import PopulationCurves, curve_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

CAUSES = ("death from the disease", "death from other causes")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class CrudeProbability(PopulationCurves):
    """Crude probabilities of death along time, two curves per group."""

    causes_known: ClassVar[bool] = False

    def risk_table(self, times: Any) -> pl.DataFrame:
        """As of all curves, but once per group: nobody knows who died from which cause."""
        table = PopulationCurves.risk_table(self, times)
        return table.filter(pl.col("cause") == CAUSES[0]).drop("cause")


def crude_probability(
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
    times: Any = None,
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CrudeProbability:
    r"""Probability of having died from the disease, and from other causes, by each time and for each group.

    What is seen in the real world, where other causes compete: with observed survival S, the mean population
    hazard :math:`\lambda_P` of those at risk and the excess hazard :math:`\lambda_E = \lambda - \lambda_P`,

    .. math:: F_E(t) = \int_0^t S(u-)\,\lambda_E(u)\,du, \qquad F_P(t) = \int_0^t S(u-)\,\lambda_P(u)\,du

    in steps of a day; the two add up to 1 - S(t) (Kaplan-Meier). F_E can fall, and be below 0, where fewer
    die than in the population.

    Parameters
    ----------
    data, time, event, event_value, time_unit, sex, date, life_table, birth, age, age_unit, sexes
        As of `net_survival`; `event` is death of any cause.
    entry, by, death_only, period, extrapolate, missing
        As of `net_survival`.
    times
        Further times at which the curves have a row.
    conf_level
        Level of the pointwise limits, which are the estimate +- z standard errors.

    Returns
    -------
    CrudeProbability
        Curves with the column `cause` behind those of `by`; `n_event` counts deaths of any cause. Standard
        errors take the population's hazards as known, and the ages, sexes and years of the patients as given:
        with other patients the probability of other causes would differ by more than its limits say.

    Raises
    ------
    DataError
        As `net_survival`.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    References
    ----------
    Cronin KA, Feuer EJ. Stat Med 2000;19:1729-1740. Pohar Perme M, Pavlic K. J Stat Softw 2018;87(8)
    (relsurv's cmp.rel).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec")
    >>> crude = crude_probability(
    ...     patients, time="time", event="stat", time_unit="days", sex="sex", date="diag", age="age",
    ...     age_unit="days", life_table=hem.data.life_table("slovenia"),
    ... )
    >>> crude.at(1826).select("cause", pl.col("estimate").round(3)).rows()
    [('death from the disease', 0.534), ('death from other causes', 0.104)]
    """
    check_conf_level(conf_level)
    wanted = np.empty(0) if times is None else check_times(times)
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "death_only": death_only, "sex": sex,
        "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, since_date=False, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    groups = group_parts(rows, rows.y.group)
    parts = [part for group in groups for part in _curves_of(group, wanted, conf_level)]
    y = rows.y
    counts = pl.DataFrame(
        {
            "cause": list(CAUSES) * len(groups),
            "n": np.repeat([len(group.y) for group in groups], 2),
            "n_event": np.repeat([int(group.y.event.sum()) for group in groups], 2),
            "n_censor": np.repeat([int((~group.y.event).sum()) for group in groups], 2),
        }
    )
    levels = y.group.levels[np.repeat(np.arange(len(groups)), 2)] if y.group.names else pl.DataFrame()
    keys = pl.concat([levels, counts], how="horizontal")
    frame, starts = curves_frame(keys.select([*y.group.names, "cause"]), parts)
    return CrudeProbability(
        frame=frame,
        groups_frame=keys,
        starts=starts,
        quantity="crude probability",
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type="plain",
        variance="delta-method",
        method="Cronin-Feuer",
        n_dropped=y.n_dropped,
        time_unit=rows.unit,
        entry=y.names.get("entry"),
        patients=counts.select(pl.col("n", "n_event", "n_censor").sum() // 2),
        **curve_facts(rows),  # type: ignore[arg-type]
    )


def _curves_of(rows: NetRows, wanted: np.ndarray, conf_level: float) -> list[dict[str, np.ndarray]]:
    """The columns of the two curves of a group."""
    per, last = DAYS_PER_UNIT[rows.unit], rows.until.max()
    asked = whole_days(wanted * per)
    days = np.concatenate([rows.until, np.arange(1.0, last + 1), rows.begin[rows.begin > 0], asked])
    day = np.unique(days[days <= last])
    rates, place = rows.life_table.rates, place_of(rows)
    n_risk, expected = hazard_sums(rates, *place, rows.until, day)
    if rows.delayed:
        late = rows.take(rows.begin > 0)
        too_early = hazard_sums(rates, *place_of(late), late.begin, day)
        n_risk, expected = n_risk - too_early[0], expected - too_early[1]
    at = np.searchsorted(day, rows.until)
    n_left = np.bincount(at, minlength=len(day)).astype(float)
    n_event = np.bincount(at[rows.y.event], minlength=len(day)).astype(float)
    shown = (n_left > 0) | np.isin(day, asked)
    z, parts = normal_quantile(conf_level), []
    for estimate, variance in crude_probabilities(n_risk, n_event, expected):
        error = np.sqrt(variance)
        part = {
            "time": day / per, "n_risk": n_risk, "n_event": n_event, "n_censor": n_left - n_event,
            "estimate": estimate, "std_error": error, "conf_low": estimate - z * error,
            "conf_high": estimate + z * error,
        }  # fmt: skip
        parts.append({name: values[shown] for name, values in part.items()})
    return parts
