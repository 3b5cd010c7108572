"""Bleeding before and after a switch of treatment, in the same patients."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from ...columns import Column
from ...numerics.intervals import normal_quantile
from ...numerics.paired_rates import population_difference, population_ratio, within_ratio
from ...options import Missing, TimeUnit, check_choice, check_conf_level
from ...recurrent.rate_regression import rate_regression
from ...results import Estimates
from ...times import DAYS_PER_UNIT, DAYS_PER_YEAR
from .pairs import DIFFERENCE, RATIO, Pairs, read_pairs

SwitchModel = Literal["within", "population", "negative-binomial"]
METHODS = {
    "within": "conditional Poisson within patients; robust variance between patients",
    "population": "Poisson estimating equations; robust variance between patients",
    "negative-binomial": "negative binomial regression; robust variance between patients",
}


def switch_ratio(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    id: Column,
    by: Column,
    reference: Any = None,
    model: SwitchModel = "within",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Ratio of bleeding rates after and before a switch of treatment, in the same patients.

    The limits know that the two periods of a patient belong together, and ask for no distribution of the
    counts. Other causes of change are not told apart from the switch: patients who switched because they bled
    much will bleed less anyway (regression to the mean), and time that is left out after the switch (for
    instance until steady state) has to be the protocol's.

    Parameters
    ----------
    data
        One row per patient and period (several are added up), such as `bleed_counts` gives. Every patient has
        both periods.
    events, person_time
        The number of bleeds in the row, and the time in which they were seen, in any one unit.
    id
        The patient.
    by
        The period or regimen: two values.
    reference
        The period before the switch; without it the first of an Enum, and nothing else is taken for it.
    model
        What is estimated. "within": the ratio that is common to all patients, each compared with their own
        other period (Poisson counts conditional on the patient's total); patients who did not bleed in either
        period tell nothing of it. "population": the ratio of bleeds over person-time of all together.
        "negative-binomial": the same by a model in which patients who bleed much weigh less, as it is usual
        in trials. With equal times before and after, the first two estimates are the same.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        One row: `term` ("ratio"), `group`, `reference`, `n`, `estimate`, `statistic` (z), `p_value`,
        `conf_low`, `conf_high`, normal on the log scale.

    Raises
    ------
    DataError
        As `event_rate`; other than two periods; patients with one period; a period without bleeds.

    Warns
    -----
    DataWarning
        Fewer than ten patients, for whom a robust variance is too small; and as `rate_regression`.

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22. Wooldridge JM. J Econom 1999;90:77-97 (conditional Poisson
    with a robust variance).

    Examples
    --------
    >>> import polars as pl
    >>> study = pl.DataFrame(
    ...     {
    ...         "id": [n for n in range(12) for _ in range(2)],
    ...         "period": ["before", "after"] * 12,
    ...         "bleeds": [6, 2, 3, 0, 8, 3, 0, 0, 12, 5, 4, 1, 2, 2, 5, 0, 9, 4, 1, 0, 7, 1, 3, 2],
    ...         "years": [1.0, 1.5] * 12,
    ...     }
    ... )
    >>> ratio = switch_ratio(
    ...     study, events="bleeds", person_time="years", id="id", by="period", reference="before"
    ... )
    >>> ratio
    ratio of bleeding rates, n=12, events=80
      ratio, group=after, reference=before: 0.2222 (0.1614 to 0.306), n 12, statistic -9.211, p 3.244e-20
    95% limits: conditional Poisson within patients; robust variance between patients
    """
    check_choice(model, SwitchModel, argument="model")
    check_conf_level(conf_level)
    pairs = read_pairs(data, events, person_time, id, by, reference, missing)
    pairs.refuse_no_events()
    log_ratio, error = MODELS[model](pairs)
    half = normal_quantile(conf_level) * error
    return pairs.result(
        RATIO, np.exp(log_ratio), log_ratio / error if error > 0 else np.nan,
        np.exp(log_ratio - half), np.exp(log_ratio + half), METHODS[model], conf_level,
    )  # fmt: skip


def switch_difference(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    unit: TimeUnit,
    id: Column,
    by: Column,
    reference: Any = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Difference of annualised bleeding rates, after less before a switch, in the same patients.

    Bleeds over patient-years of all patients together, the rate after less the rate before, with a variance
    from the differences between patients.

    Parameters
    ----------
    data, events, person_time, id, by, reference, missing
        As in `switch_ratio`; a period may be without bleeds.
    unit
        Of the person-time: `"days"`, `"weeks"`, `"months"` (30.4375 days) or `"years"` (365.25 days).
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        As `switch_ratio`, with `term` "difference", in bleeds per patient-year.

    Raises
    ------
    DataError
        As `switch_ratio`.

    Warns
    -----
    DataWarning
        Fewer than ten patients.

    References
    ----------
    Liang KY, Zeger SL. Biometrika 1986;73:13-22.

    Examples
    --------
    >>> import polars as pl
    >>> study = pl.DataFrame(
    ...     {
    ...         "id": [n for n in range(12) for _ in range(2)],
    ...         "period": ["before", "after"] * 12,
    ...         "bleeds": [6, 2, 3, 0, 8, 3, 0, 0, 12, 5, 4, 1, 2, 2, 5, 0, 9, 4, 1, 0, 7, 1, 3, 2],
    ...         "years": [1.0, 1.5] * 12,
    ...     }
    ... )
    >>> change = switch_difference(
    ...     study, events="bleeds", person_time="years", unit="years", id="id", by="period",
    ...     reference="before",
    ... )
    >>> change.to_frame().select(pl.col("estimate", "conf_low", "conf_high").round(3)).rows()
    [(-3.889, -5.359, -2.419)]
    """
    check_choice(unit, TimeUnit, argument="unit")
    check_conf_level(conf_level)
    pairs = read_pairs(data, events, person_time, id, by, reference, missing)
    per_year = DAYS_PER_YEAR / (1.0 if pairs.time_unit else DAYS_PER_UNIT[unit])  # durations come as days
    difference, error = (value * per_year for value in population_difference(pairs.count, pairs.time))
    half = normal_quantile(conf_level) * error
    return pairs.result(
        DIFFERENCE, difference, difference / error if error > 0 else np.nan, difference - half,
        difference + half, "normal, robust variance between patients", conf_level,
    )  # fmt: skip


def _negative_binomial(pairs: Pairs) -> tuple[float, float]:
    n = len(pairs.count)
    rows = pl.DataFrame(
        {
            "id": np.repeat(np.arange(n), 2),
            "after": np.tile([0.0, 1.0], n),
            "bleeds": pairs.count.ravel(),
            "time": pairs.time.ravel(),
        }
    )
    fit = rate_regression(rows, ["after"], events="bleeds", person_time="time", id="id", robust=True)
    return float(fit.coef[1]), float(fit.std_error[1])


MODELS = {
    "within": lambda pairs: within_ratio(pairs.count, pairs.time),
    "population": lambda pairs: population_ratio(pairs.count, pairs.time),
    "negative-binomial": _negative_binomial,
}
