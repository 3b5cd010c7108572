"""Net survival: that of the disease alone, by comparison with the mortality of the population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..columns import Column, Columns
from ..curves import curves_frame
from ..errors import DataError
from ..lifetable import Extrapolate, LifeTable
from ..options import Missing, TimeUnit, check_choice, check_conf_level, check_number, check_times
from .net_curve import METHODS, net_curve, with_limits
from .net_rows import NetRows, group_parts, read_net_rows
from .net_standard import Standardize, read_standard, standardized_curve
from .population_curves import PopulationCurves, curve_facts

if TYPE_CHECKING:
    from collections.abc import Mapping

Method = Literal["pohar-perme", "ederer2", "ederer1", "hakulinen"]
Estimator = Literal["kaplan-meier", "breslow"]
NetConfType = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class NetSurvival(PopulationCurves):
    """Net or relative survival along time, one curve per group."""


def net_survival(
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
    weights: Column | None = None,
    standard: Any = None,
    standardize: Standardize = "strata",
    death_only: Column | None = None,
    period: Any = None,
    start_time: float | None = None,
    times: Any = None,
    method: Method = "pohar-perme",
    estimator: Estimator = "kaplan-meier",
    closing: Any = None,
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    conf_type: NetConfType = "log",
    missing: Missing = "raise",
) -> NetSurvival:
    r"""Survival if the disease were the only cause of death, one curve per group of `by`.

    Deaths of any cause are set against the hazards :math:`\lambda_i` of the population of each one's age, sex
    and calendar time, :math:`S_i` being the survival by them since `date`. With :math:`Y_i` saying who is at
    risk (entry < t <= time),

    - Pohar Perme: net survival, from the excess hazard
      :math:`\frac{\sum dN_i/S_i}{\sum Y_i/S_i} - \frac{\sum Y_i\lambda_i/S_i}{\sum Y_i/S_i}dt`. The estimate
      of choice: the weights 1/S_i make up for those whom other causes have taken, and its integral is exact.
    - Ederer II: :math:`\sum dN_i/\sum Y_i - \sum Y_i\lambda_i/\sum Y_i\,dt`; near net survival within age
      groups.
    - Ederer I and Hakulinen: observed survival over that expected by `expected_survival`, of all and of those
      whose follow-up could last so long.

    Emigration is a censoring like the end of the study. Survival can rise, and exceed 1, where fewer die
    than in the population.

    Parameters
    ----------
    data
        Any table, one row per patient.
    time, event, event_value
        Follow-up from `date` on, and whether it ended with death of any cause, as of `kaplan_meier`. With
        dates `pl.col("exit") - pl.col("diagnosis")` is a time, in days; `hem.times.durations` gives years.
    time_unit
        The unit of `time`, `entry` and `times`; not needed where they are durations (days).
    sex, date, life_table, birth, age, age_unit, sexes, extrapolate
        As of `expected_survival`. The hazard is that of each whole day, as in relsurv: a birthday counts from
        the day of follow-up that begins at or after it.
    entry
        Delayed entry: the time from which a patient is observed.
    by
        One or several columns; a separate curve for each combination that occurs.
    weights
        Case weights: weight 2 is two patients. The variance takes whole ones as numbers of patients, others
        as they enter the estimate (squared).
    standard
        Standardise each group of `by` by age at `date`: "icss1" (most cancers), "icss2" (those that depend
        less on age) or "icss3" (of young adults), or a dictionary of the lowest age of each age group with
        its weight.
    standardize
        "strata": the weighted mean of the curves of the age groups, known until one of them ends;
        "individual": one curve, each patient weighted by the standard's share of the age group over that of
        the patients (Brenner), which no small age group ends.
    death_only
        True (or 1) for those known from a death certificate or an autopsy only: left out and counted.
    period
        Two dates, or columns of dates: only follow-up after the first until the second (included) counts, for
        the period approach; columns that differ between years of diagnosis make a hybrid of it.
    start_time
        Survival of those alive at this time: the curve begins there, with the weights of all time since
        `date`, so that it goes on as net survival does after `start_time`.
    times
        Further times at which the curve has a row. It is exact at its rows, one per time at which somebody
        leaves, and taken as constant between them.
    method
        "pohar-perme", "ederer2", "ederer1" or "hakulinen".
    estimator
        "kaplan-meier": the product of 1 less the steps of the hazard; "breslow": exp(-their sum), which
        relsurv calls Fleming-Harrington.
    closing
        Of Hakulinen's method: the date (or column of dates) until which the dead could have been followed; by
        default the last date of follow-up in the data.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which they are symmetric; "log-log" has none above 1.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    NetSurvival
        Curves; standard errors are those of the estimate, sqrt(sum dN/S_i^2 / (sum Y_i/S_i)^2) times it (with
        S_i = 1 for the other methods, as in relsurv).

    Raises
    ------
    DataError
        As `kaplan_meier` and `expected_survival`; a period that is not two dates or holds no follow-up of a
        group; a closing date before a death or without Hakulinen's method; delayed entry, weights, a period
        or a start time with Ederer I or Hakulinen; a standard that is none or has age groups without
        patients.

    Warns
    -----
    DataWarning
        Where rates were carried on by `extrapolate`.

    References
    ----------
    Pohar Perme M, Stare J, Esteve J. Biometrics 2012;68:113-120. Ederer F, Axtell LM, Cutler SJ. Natl Cancer
    Inst Monogr 1961;6:101-121. Hakulinen T. Biometrics 1982;38:933-942. Brenner H, Gefeller O. Cancer
    1996;78:2004-2010 (period). Corazziari I, Quinn M, Capocaccia R. Eur J Cancer 2004;40:2307-2316 (ICSS).
    Brenner H, Arndt V, Gefeller O, Hakulinen T. Eur J Cancer 2004;40:2317-2322 (individual weights).
    Pohar Perme M, Pavlic K. J Stat Softw 2018;87(8) (relsurv).

    Examples
    --------
    >>> import hemresearch as hem
    >>> patients = hem.data.load("colrec")
    >>> net = net_survival(
    ...     patients, time="time", event="stat", time_unit="days", sex="sex", date="diag", age="age",
    ...     age_unit="days", life_table=hem.data.life_table("slovenia"), by="sex",
    ... )
    >>> net.at([365, 1826])["estimate"].round(3).to_list()
    [0.682, 0.434, 0.682, 0.45]
    """
    check_choice(method, Method, argument="method")
    check_choice(estimator, Estimator, argument="estimator")
    check_choice(conf_type, NetConfType, argument="conf_type")
    check_conf_level(conf_level)
    start = _check_start(start_time)
    wanted = np.empty(0) if times is None else check_times(times)
    chosen = METHODS[method]
    if closing is not None and method != "hakulinen":
        raise DataError(
            f"a closing date was given, which {chosen.name} does not use",
            argument="closing",
            expected="None, but for Hakulinen's method",
            remedy="closing=None, or method='hakulinen'",
        )
    population = read_standard(standard, standardize)
    weighted = weights is not None or (population is not None and population.individual)
    if chosen.whole and (weighted or any(v is not None for v in (entry, period, start_time))):
        raise DataError(
            f"{chosen.name} needs everybody's follow-up from the date on, without entry, weights, period or "
            "start_time",
            argument="method",
            expected="'pohar-perme' or 'ederer2'",
            remedy="method='pohar-perme'",
        )
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "by": by, "weights": weights, "death_only": death_only,
        "sex": sex, "date": date, "birth": birth, "age": age,
    }  # fmt: skip
    rows = read_net_rows(
        data, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, start_time=start, closing=closing, method=method,
        since_date=method != "ederer2",
        extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    curves = [
        net_curve(part, method, estimator, wanted[wanted > start])
        if population is None
        else standardized_curve(part, population, method, estimator, wanted[wanted > start])
        for part in group_parts(rows, rows.y.group)
    ]
    parts = [with_limits(curve, conf_type, conf_level) for curve in curves]
    name = chosen.name if estimator == "kaplan-meier" else f"{chosen.name} (exp of minus the hazard)"
    if population is not None:
        how = "individual weights" if population.individual else "by strata"
        name = f"{name}, age-standardised ({population.name}, {how})"
    return _result(rows, parts, name, chosen.quantity, start, conf_type, conf_level)


def _check_start(start_time: Any) -> float:
    if start_time is None:
        return 0.0
    return check_number(
        start_time, argument="start_time", at_least=0, expected="a time of 0 or more", example=365
    )


def _result(
    rows: NetRows,
    parts: list[dict[str, np.ndarray]],
    name: str,
    quantity: str,
    start: float,
    conf_type: str,
    conf_level: float,
) -> NetSurvival:
    y = rows.y
    frame, starts = curves_frame(y.group.levels, parts)
    counts = pl.DataFrame(
        {
            "n": [float(part.weight.sum()) for part in group_parts(rows, y.group)],
            "n_event": [float(part["n_event"].sum()) for part in parts],
            "n_censor": [float(part["n_censor"].sum()) for part in parts],
        }
    )
    whole = [c for c in counts.columns if (counts[c] == counts[c].round()).all()]
    counts = counts.with_columns(pl.col(whole).cast(pl.Int64))
    return NetSurvival(
        frame=frame,
        groups_frame=pl.concat([y.group.levels, counts], how="horizontal") if y.group.names else counts,
        starts=starts,
        quantity=quantity,
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance="Poisson",
        method=name,
        n_dropped=y.n_dropped,
        time_unit=rows.unit,
        start_time=start,
        entry=y.names.get("entry"),
        **curve_facts(rows),  # type: ignore[arg-type]
    )
