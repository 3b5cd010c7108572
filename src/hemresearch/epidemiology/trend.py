"""How rates change from year to year, in percent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import stdtr, stdtrit

from ..errors import DataError
from ..numerics.joinpoint import fit_segments
from ..options import Missing, check_conf_level
from ..results import Estimates
from .totals import in_groups
from .trend_rows import Trend, read_trend

if TYPE_CHECKING:
    from ..columns import Column, Columns

FEWEST = 3


def annual_percent_change(
    data: Any,
    *,
    year: Column,
    rate: Column | None = None,
    std_error: Column | None = None,
    events: Column | None = None,
    person_time: Column | None = None,
    by: Columns = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """The percentage by which rates change each year, over all years.

    100 (exp(b) - 1), with b the slope of a straight line through the logarithms of the rates, by least
    squares, and limits from a t distribution.

    Parameters
    ----------
    data
        One row for each year (of each group).
    year
        Calendar year.
    rate, std_error
        Rates above 0, such as age-standardised ones, and their standard errors. With these each year counts
        with the weight (rate / std_error)^2, the inverse variance of its logarithm; without, all count alike.
    events, person_time
        In place of rates: counts above 0 and person-time; years count with the weight of their events.
    by
        Separate estimates per group.
    conf_level
        Level of the limits.
    missing
        "raise" names missing values, "drop" leaves their rows out.

    Returns
    -------
    Estimates
        The `by` columns, `estimate` (percent), `statistic` (t of the slope), `df`, `p_value`, `conf_low`,
        `conf_high`.

    Raises
    ------
    DataError
        Neither or both forms of rates; rates or standard errors of 0 or below; a year twice, fewer
        than three years in a group.

    Notes
    -----
    Equal to `lm(log(rate) ~ year)` of R. `poisson(data, "C(age) + year", ...)` adjusts a trend for age
    instead of standardising, and takes years without events; `joinpoint` lets the trend change.

    References
    ----------
    Clegg LX, Hankey BF, Tiwari R, Feuer EJ, Edwards BK. Stat Med 2009;28:3670-3682.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> deaths = hem.data.load("swe_population_deaths").filter(pl.col("age").is_between(60, 64))
    >>> yearly = deaths.group_by("sex", "year").agg(pl.col("deaths", "mean_population").sum())
    >>> hem.epidemiology.annual_percent_change(
    ...     yearly, year="year", events="deaths", person_time="mean_population", by="sex"
    ... )
    annual percent change, events=253,128
      sex=1: -1.967 (-2.078 to -1.855), statistic -35.11, p 6.795e-37
      sex=2: -1.317 (-1.371 to -1.262), statistic -48.25, p 1.322e-43
    95% limits: log-linear, weighted, t distribution
    """
    check_conf_level(conf_level)
    t = read_trend(
        data, year=year, rate=rate, std_error=std_error, events=events, person_time=person_time, by=by,
        missing=missing,
    )  # fmt: skip
    refuse_few_years(t)
    fits = [fit_segments(*t.of_group(g), np.zeros(0, dtype=int)) for g in range(len(t.group))]
    values = pl.DataFrame([percent_change(f.slope[0], f.cov[0, 0], f.df, conf_level) for f in fits])
    levels = t.group.levels
    return Estimates(
        frame=pl.concat([levels, values], how="horizontal") if levels.width else values,
        name="annual percent change",
        method="log-linear, t distribution" if t.weight is None else "log-linear, weighted, t distribution",
        conf_level=conf_level,
        n=None,
        n_event=t.n_event,
        n_dropped=t.n_dropped,
    )


def percent_change(slope: float, variance: float, df: float, conf_level: float) -> dict[str, float]:
    """The change in percent for a slope of log rates; limits of a t distribution, normal at infinite df."""
    error = float(np.sqrt(variance))
    half = float(stdtrit(df, (1 + conf_level) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        t = float(np.float64(slope) / error)
    return {
        "estimate": 100 * float(np.expm1(slope)),
        "statistic": t,
        "df": float(df),
        "p_value": 2 * float(stdtr(df, -abs(t))),
        "conf_low": 100 * float(np.expm1(slope - half)),
        "conf_high": 100 * float(np.expm1(slope + half)),
    }


def refuse_few_years(t: Trend) -> None:
    """Refuse a line through two years, which nothing can deviate from."""
    size = np.bincount(t.group.code, minlength=len(t.group))
    few = size < FEWEST
    if not few.any():
        return
    raise DataError(
        f"has fewer than three years{in_groups(t.group, few)}",
        argument="year",
        column=t.names["year"],
        expected=f"at least {FEWEST} years, from which a line can deviate",
        remedy="hem.epidemiology.rate_ratio(..., by='year') to compare two",
    )
