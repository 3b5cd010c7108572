"""Directly standardised rates: what the rate would be in a standard population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..errors import warn
from ..numerics.intervals import normal_quantile
from ..numerics.standardized_rate import LIMITS
from ..options import Missing, check_choice, check_conf_level, check_number
from ..results import Comparisons, Estimates
from .rate_ratio import comparisons
from .standard_strata import StandardizedTotals, read_standardized
from .totals import in_groups, told_per

if TYPE_CHECKING:
    from ..columns import Column, Columns

DirectLimits = Literal["fay-feuer", "tiwari", "dobson", "normal", "log"]
METHODS: dict[DirectLimits, str] = {
    "fay-feuer": "gamma (Fay-Feuer)",
    "tiwari": "modified gamma (Tiwari)",
    "dobson": "Dobson",
    "normal": "normal",
    "log": "normal on the log scale",
}
NEED_EVENTS = ("dobson", "normal", "log")  # those that say nothing where nothing happened


def standardize_direct(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    age: Column | None = None,
    strata: Columns = None,
    standard: Any = "europe 2013",
    ages: tuple[float, float] | None = None,
    by: Columns = None,
    per: float = 1.0,
    conf_type: DirectLimits = "fay-feuer",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Directly standardised rate, one row per group of `by`.

    The rate that a group would have if its ages were those of the standard: sum(w_i d_i / y_i) / sum(w_i),
    with d_i events in the person-time y_i of stratum i. Groups with the same standard can be compared,
    whatever their ages. A few events in strata with little person-time make it uncertain; then
    `standardize_indirect` is steadier.

    Parameters
    ----------
    data, events, person_time, missing
        As in `rate`: one row per person, or cells of a table, such as `person_time` makes. For incidence:
        the cells of the population, with the cases joined to them and 0 where there are none.
    age
        Age in years, or the age at which the row's band begins; rows are put into the bands of the standard.
    strata
        Instead of `age`: one or several columns, with a `standard` of your own.
    standard
        With `age`: "world", "europe 1976", "europe 2013" or "nordic 2000" (see `standard_population`), in
        bands of five years to 85 and above; or {age at which a band begins: weight}, the last band being
        open. With `strata`: a table with the columns of `strata` and `weight`.
    ages
        (from, to) for a rate truncated to a span of ages, such as (15, 75): both are borders of the
        standard, `to` may be infinity. Rows of other ages are left out.
    by
        One or several columns; a separate rate for each combination that occurs.
    per
        Person-time that the rate is told for: 100_000 for events per 100 000 units.
    conf_type
        "fay-feuer" takes the rate for a gamma variable and is conservative; "tiwari" less so. "dobson" moves
        exact limits of the count to the scale of the rate; "normal" and "log" are for many events.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `n_event`, `person_time`, `estimate`, `std_error`, `conf_low`, `conf_high`; rates
        are per `per`.

    Raises
    ------
    DataError
        Neither or both of `age` and `strata`; a standard that does not fit; a stratum of it in which a group
        has no person-time; and as `rate`.

    Warns
    -----
    DataWarning
        A group without events, of which "dobson", "normal" and "log" say nothing.

    References
    ----------
    Fay MP, Feuer EJ. Stat Med 1997;16:791-801. Tiwari RC, Clegg LX, Zou Z. Stat Methods Med Res
    2006;15:547-569. Dobson AJ et al. Stat Med 1991;10:457-462.

    Examples
    --------
    Mortality in Sweden per 100 000 person-years: crude it hardly changed, at the ages of the standard it
    halved.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> deaths = hem.data.load("swe_population_deaths").filter(pl.col("year").is_in([1969, 2020]))
    >>> options = {"events": "deaths", "person_time": "mean_population", "by": "year", "per": 100_000}
    >>> hem.epidemiology.rate(deaths, **options).to_frame()["estimate"].round(1).to_list()
    [1045.9, 947.7]
    >>> hem.epidemiology.standardize_direct(deaths, **options, age="age", standard="europe 2013")
    standardised rate per 100000 units of person-time (europe 2013 standard), events=181,462
      year=1969: 1689 (1677 to 1702)
      year=2020: 925.8 (920 to 931.6)
    95% limits: gamma (Fay-Feuer)
    """
    check_choice(conf_type, DirectLimits, argument="conf_type")
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="person-time above 0", example=100_000.0)
    s = read_standardized(
        data, events=events, person_time=person_time, age=age, strata=strata, standard=standard, ages=ages,
        by=by, missing=missing,
    )  # fmt: skip
    if conf_type in NEED_EVENTS:
        _warn_without_events(s, conf_type)
    low, high = LIMITS[conf_type](s.rate, conf_level)
    t = s.totals
    return Estimates(
        frame=t.frame(
            estimate=s.rate.rate * per,
            std_error=np.sqrt(s.rate.variance) * per,
            conf_low=low * per,
            conf_high=high * per,
        ),
        name=f"standardised rate per {told_per(per, t.time_unit)} ({s.standard})",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=None,
        n_event=float(t.events.sum()),
        n_dropped=t.n_dropped,
        time_unit=t.time_unit,
    )


def standardized_rate_ratio(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    age: Column | None = None,
    strata: Columns = None,
    standard: Any = "europe 2013",
    ages: tuple[float, float] | None = None,
    by: Columns,
    reference: Any = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Comparisons:
    """Ratio of the directly standardised rates of groups, each against the reference group.

    Limits are normal on the log scale, with the variance v / r^2 + v_0 / r_0^2 of rates r with variances v.

    Parameters
    ----------
    data, events, person_time, age, strata, standard, ages, missing
        As in `standardize_direct`.
    by, reference
        Two or more groups, and which of them the others are compared with, as in `rate_ratio`.
    conf_level
        Level of the limits.

    Returns
    -------
    Comparisons
        `group`, `reference`, `estimate`, `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        One group, a reference that is none of the groups, and as `standardize_direct`.

    Warns
    -----
    DataWarning
        A group without events, whose ratio has no limits.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC 1987, pp. 64-65.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> deaths = hem.data.load("swe_population_deaths").filter(pl.col("year").is_in([1969, 2020]))
    >>> ratio = hem.epidemiology.standardized_rate_ratio(
    ...     deaths, events="deaths", person_time="mean_population", age="age", by="year"
    ... )
    >>> ratio.to_frame().select("group", pl.col("estimate", "conf_low", "conf_high").round(3)).row(0)
    ('2020', 0.548, 0.543, 0.553)
    """
    check_conf_level(conf_level)
    s = read_standardized(
        data, events=events, person_time=person_time, age=age, strata=strata, standard=standard, ages=ages,
        by=by, missing=missing,
    )  # fmt: skip
    first, others = comparisons(s.totals, reference)
    _warn_without_events(s, "log")
    rate, variance = s.rate.rate, s.rate.variance
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = rate[others] / rate[first]
        error = np.sqrt(variance[others] / rate[others] ** 2 + variance[first] / rate[first] ** 2)
        factor = np.exp(normal_quantile(conf_level) * error)
        p = 2 * ndtr(-np.abs(np.log(ratio)) / error)
        limits = {"p_value": p, "conf_low": ratio / factor, "conf_high": ratio * factor}
    labels, t = s.totals.group.labels(), s.totals
    known = np.isfinite(error)
    return Comparisons(
        frame=pl.DataFrame(
            {
                "group": [labels[g] for g in others],
                "reference": [labels[first]] * len(others),
                "estimate": ratio,
                **{name: np.where(known, values, np.nan) for name, values in limits.items()},
            }
        ).with_columns(pl.selectors.float().fill_nan(None)),
        name=f"ratio of standardised rates ({s.standard})",
        method="normal on the log scale",
        conf_level=conf_level,
        n=None,
        n_event=float(t.events.sum()),
        n_dropped=t.n_dropped,
        time_unit=t.time_unit,
        measure="standardised rate ratio",
    )


def _warn_without_events(s: StandardizedTotals, conf_type: str) -> None:
    none = s.totals.events == 0
    if not none.any():
        return
    what = "limits of no width" if conf_type == "normal" else "no limits"
    warn(
        f"nothing happened{in_groups(s.totals.group, none)}, and a rate of 0 has {what}",
        argument="conf_type",
        expected="events in every group",
        remedy="conf_type='fay-feuer' of standardize_direct(...)",
    )
