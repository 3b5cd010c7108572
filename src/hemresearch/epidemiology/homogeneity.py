"""Whether an association is the same in all strata."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, warn
from ..numerics import mantel_haenszel as kernel
from ..numerics import two_by_two as table
from ..numerics.mantel_haenszel import Spread
from ..options import Missing, check_choice
from ..results import HypothesisTest
from .mantel_haenszel import read_stratified, warn_of_strata
from .two_values import RateTables, Tables

if TYPE_CHECKING:
    from ..columns import Column, Columns

Homogeneity = Literal["tarone", "breslow-day", "score", "inverse-variance"]
Measure = Literal["odds ratio", "risk ratio", "risk difference", "rate ratio", "rate difference"]
Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
OF_RATES = ("rate ratio", "rate difference")
DEFAULTS = {"odds ratio": "tarone", "rate ratio": "score"}  # else "inverse-variance"


def homogeneity_test(
    data: Any,
    *,
    exposure: Column,
    exposed: Any = None,
    event: Column | None = None,
    event_value: Any = None,
    events: Column | None = None,
    person_time: Column | None = None,
    strata: Columns,
    weights: Column | None = None,
    measure: Measure | None = None,
    method: Homogeneity | None = None,
    missing: Missing = "raise",
) -> HypothesisTest:
    """Whether a measure of association differs between strata: effect modification on its scale.

    Where odds ratios are alike risks may differ, and the other way round: the scale is part of the question.
    The tests have little power, and none where strata are many and small.

    Parameters
    ----------
    data, exposure, exposed, event, event_value, events, person_time, strata, weights, missing
        As in `mantel_haenszel`.
    measure
        "odds ratio" (that of patients unless told), "risk ratio", "risk difference"; "rate ratio" (that of
        rates unless told), "rate difference".
    method
        "tarone" and "breslow-day" (without Tarone's correction), of odds ratios: events among the exposed
        against those that the common odds ratio expects. "score", of rate ratios: the same given the events
        of each stratum. "inverse-variance": estimates of the strata, ratios on the log scale, against their
        weighted mean; of odds ratios Woolf's test, with a half in every cell; of rates against Mantel and
        Haenszel's estimate. None is "tarone" of odds ratios, "score" of rate ratios, "inverse-variance" of
        all else.

    Returns
    -------
    HypothesisTest
        Chi-squared on the number of strata used less one. `to_frame()`: the strata with `n` or `person_time`,
        `n_event` and `estimate`.

    Raises
    ------
    DataError
        A method that the measure does not have; fewer than two strata that say anything; and as
        `mantel_haenszel`.

    Warns
    -----
    DataWarning
        Strata left out, since they have exposed only or unexposed only, or a cell is empty: nobody or
        everybody had the event, or (with "inverse-variance") an estimate has no variance.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research I. IARC 1980, p. 142; II. IARC 1987, p. 110.
    Tarone RE. Biometrika 1985;72:91-95. Woolf B. Ann Hum Genet 1955;19:251-253.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> workers = hem.data.load("nickel").with_columns(
    ...     lung=pl.col("icd").is_in([162, 163]),
    ...     years=pl.col("ageout") - pl.col("agein"),
    ...     high=pl.col("exposure") > 0,
    ...     age=pl.sum_horizontal(pl.col("agein") >= age for age in (45, 55)),
    ... )
    >>> test = hem.epidemiology.homogeneity_test(
    ...     workers, exposure="high", events="lung", person_time="years", strata="age"
    ... )
    >>> test.text()
    'score test of equal rate ratios: chi-squared 0.62 on 2 df, p=0.74'
    """
    t = read_stratified(
        data, exposure=exposure, exposed=exposed, event=event, event_value=event_value, events=events,
        person_time=person_time, by=None, strata=strata, weights=weights, missing=missing,
    )  # fmt: skip
    of_rates = isinstance(t, RateTables)
    chosen = measure or ("rate ratio" if of_rates else "odds ratio")
    known = [name for name in MEASURES if (name in OF_RATES) == of_rates]
    check_choice(chosen, known, argument="measure")
    how = method or DEFAULTS.get(chosen, "inverse-variance")
    tests = {name: test for (of, name), test in TESTS.items() if of == chosen}
    check_choice(how, list(tests), argument="method")
    warn_of_strata(t)
    part = t.of_group(0)
    found = tests[how](part)
    _refuse_one_stratum(t, found, chosen)
    _warn_of_silent_strata(t, len(part[0]) - found.df - 1)
    outcome = t.names["events" if of_rates else "event"]
    return HypothesisTest(
        name=f"{NAMES[how]} of equal {chosen}s",
        statistic=found.statistic,
        df=float(found.df),
        p_value=float(chdtrc(found.df, found.statistic)),
        method=f"{outcome} by {t.names['exposure']} in {found.df + 1} strata",
        frame=_strata(t, MEASURES[chosen](part)),
        n=0 if of_rates else int(t.total.sum()),
        n_dropped=t.n_dropped,
    )


def _rates(part: Part) -> tuple[np.ndarray, np.ndarray]:
    d, y, d_0, y_0 = part
    return d / y, d_0 / y_0


def _rate_ratio(part: Part) -> np.ndarray:
    exposed, unexposed = _rates(part)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(exposed / unexposed)


def _rate_difference(part: Part) -> np.ndarray:
    exposed, unexposed = _rates(part)
    return np.asarray(exposed - unexposed)


MEASURES: dict[str, Callable[[Part], np.ndarray]] = {
    "odds ratio": lambda part: table.odds_ratio(*part),
    "risk ratio": lambda part: table.risk_ratio(*part),
    "risk difference": lambda part: table.difference(*part),
    "rate ratio": _rate_ratio,
    "rate difference": _rate_difference,
}
NAMES = {
    "tarone": "Tarone's test",
    "breslow-day": "Breslow-Day test",
    "score": "score test",
    "inverse-variance": "inverse-variance test",
}


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(values))


def _inverse(*values: np.ndarray) -> np.ndarray:
    """The sum of inverse values."""
    with np.errstate(divide="ignore"):
        return np.asarray(sum(1 / value for value in values))


def _woolf(part: Part) -> Spread:
    x, n, x_0, n_0 = part
    half = (x + 0.5, n + 1, x_0 + 0.5, n_0 + 1)
    cells = (half[0], half[1] - half[0], half[2], half[3] - half[2])
    return kernel.inverse_variance(_log(table.odds_ratio(*half)), _inverse(*cells))


def _risk_ratios(part: Part) -> Spread:
    x, n, x_0, n_0 = part
    return kernel.inverse_variance(_log(table.risk_ratio(*part)), _inverse(x, x_0) - _inverse(n, n_0))


def _risk_differences(part: Part) -> Spread:
    x, n, x_0, n_0 = part
    variance = x * (n - x) / n**3 + x_0 * (n_0 - x_0) / n_0**3
    return kernel.inverse_variance(table.difference(*part), variance)


def _rate_ratios(part: Part) -> Spread:
    d, _, d_0, _ = part
    centre = float(_log(np.array(kernel.rate_ratio(*part).estimate)))
    return kernel.inverse_variance(_log(_rate_ratio(part)), _inverse(d, d_0), centre)


def _rate_differences(part: Part) -> Spread:
    d, y, d_0, y_0 = part
    centre = kernel.rate_difference(*part).estimate
    return kernel.inverse_variance(_rate_difference(part), d / y**2 + d_0 / y_0**2, centre)


TESTS: dict[tuple[str, str], Callable[[Part], Spread]] = {
    ("odds ratio", "tarone"): lambda part: kernel.breslow_day(*part, tarone=True),
    ("odds ratio", "breslow-day"): lambda part: kernel.breslow_day(*part, tarone=False),
    ("odds ratio", "inverse-variance"): _woolf,
    ("risk ratio", "inverse-variance"): _risk_ratios,
    ("risk difference", "inverse-variance"): _risk_differences,
    ("rate ratio", "score"): lambda part: kernel.rate_heterogeneity(*part),
    ("rate ratio", "inverse-variance"): _rate_ratios,
    ("rate difference", "inverse-variance"): _rate_differences,
}


def _refuse_one_stratum(t: Tables | RateTables, found: Spread, measure: str) -> None:
    if found.df >= 1 and np.isfinite(found.statistic):
        return
    raise DataError(
        f"has a common {measure} of 0 or infinity, from which no stratum can differ"
        if found.df >= 1
        else f"leaves {max(found.df + 1, 0)} of {len(t.stratum)} strata in which the association can be told",
        argument="strata",
        column=t.names["strata"],
        expected="two or more strata with events and others among exposed and unexposed",
        remedy="wider strata, or another measure",
    )


def _warn_of_silent_strata(t: Tables | RateTables, n: int) -> None:
    """Say how many strata have exposed and unexposed, and are not in the test all the same."""
    if not n:
        return
    warn(
        f"has {n} {'stratum' if n == 1 else 'strata'} that the test leaves out, since a cell is empty",
        argument="strata",
        column=t.names["strata"],
        expected="events and others among exposed and unexposed of every stratum",
        remedy="wider strata",
    )


def _strata(t: Tables | RateTables, estimate: np.ndarray) -> pl.DataFrame:
    """The strata that were used, with their own estimates."""
    used = np.flatnonzero(t.informative(0))
    n = t.total[0, used]
    size = {"person_time": n} if isinstance(t, RateTables) else {"n": n.astype(int)}
    values = pl.DataFrame({**size, "n_event": t.n_event[0, used].astype(int), "estimate": estimate})
    levels = t.stratum.levels[used]
    return pl.concat([levels, values.with_columns(pl.col("estimate").fill_nan(None))], how="horizontal")
