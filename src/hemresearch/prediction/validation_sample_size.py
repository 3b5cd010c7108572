"""How many patients a validation needs for limits that are narrow enough."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from scipy.special import expit

from ..errors import DataError
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_number

NODES = 201  # of the quadrature over the linear predictor; more change nothing in the tenth digit


def validation_sample_size(
    *,
    prevalence: float,
    c_statistic: float,
    linear_predictor: tuple[float, float] | None = None,
    width_observed_expected: float = 0.2,
    width_c_statistic: float = 0.1,
    width_slope: float = 0.2,
    conf_level: float = 0.95,
) -> pl.DataFrame:
    """Patients needed to validate a model of a binary outcome with limits of stated widths (Riley et al).

    The largest of three: for observed over expected events, (1 - p) / (p SE^2) with limits formed on the
    log scale; for the C statistic, by the variance of Hanley and McNeil in Newcombe's form; and for the
    calibration slope, by the information of a logistic model at an intercept of 0 and a slope of 1, averaged
    over the distribution of the linear predictor. All are for a model that is as good as it is said to be.

    Parameters
    ----------
    prevalence
        Anticipated share with the outcome (of a horizon, if few are censored before it).
    c_statistic
        Anticipated C statistic.
    linear_predictor
        Mean and standard deviation of a normal linear predictor, the logit of the risk; None leaves out the
        slope. They should imply the prevalence and the C statistic stated.
    width_observed_expected, width_c_statistic, width_slope
        Widths of the confidence intervals that are wanted.
    conf_level
        Of the intervals.

    Returns
    -------
    polars.DataFrame
        `criterion`, `width`, `std_error` (of the log of observed over expected), `n` and `n_event`; the last
        row, `"all"`, has the largest.

    Raises
    ------
    DataError
        For shares outside 0 to 1, a C statistic outside 0.5 to 1, widths that are not above 0, and a standard
        deviation that is not above 0.

    Notes
    -----
    The information is integrated. The authors' programs simulate it (4 544 in the example, which varies with
    the draws), and step the standard error by 0.0001 (905).

    References
    ----------
    Riley RD et al. Stat Med 2021;40:4230-4251. Newcombe RG. Stat Med 2006;25:559-573.

    Examples
    --------
    Mechanical heart valve failure, the example of Riley et al:

    >>> needed = validation_sample_size(
    ...     prevalence=0.018, c_statistic=0.8, linear_predictor=(-5, 2.5), width_observed_expected=1
    ... )
    >>> needed.select("criterion", "n").rows()
    [('observed/expected', 906), ('C statistic', 4252), ('slope', 4554), ('all', 4554)]
    """
    shares = {"expected": "a share between 0 and 1", "example": 0.2}
    check_number(prevalence, argument="prevalence", above=0, below=1, **shares)  # type: ignore[arg-type]
    check_number(c_statistic, argument="c_statistic", above=0.5, below=1, expected="0.5 to 1", example=0.8)
    wanted = {
        "observed/expected": width_observed_expected,
        "C statistic": width_c_statistic,
        "slope": width_slope,
    }
    errors = target_errors(
        wanted, ("width_observed_expected", "width_c_statistic", "width_slope"), conf_level
    )
    sizes = {
        "observed/expected": (1 - prevalence) / (prevalence * errors["observed/expected"] ** 2),
        "C statistic": _of_c_statistic(c_statistic, prevalence, errors["C statistic"]),
    }
    if linear_predictor is not None:
        sizes["slope"] = _of_slope(*_normal(linear_predictor)) / errors["slope"] ** 2
    return needed(sizes, wanted, errors, prevalence)


def target_errors(
    widths: dict[str, float], arguments: tuple[str, str, str], conf_level: float
) -> dict[str, float]:
    """Standard errors that give limits of the widths; of the first (on the log scale) that of the log."""
    z = normal_quantile(check_conf_level(conf_level))
    for width, argument in zip(widths.values(), arguments, strict=True):
        check_number(width, argument=argument, above=0, expected="a width above 0", example=0.2)
    first = next(iter(widths))
    return {
        name: (math.asinh(width / 2) if name == first else width / 2) / z for name, width in widths.items()
    }


def needed(
    sizes: dict[str, float], widths: dict[str, float], errors: dict[str, float], events: float
) -> pl.DataFrame:
    """Patients for each criterion and for all, and how many of them have the event."""
    rows = [(name, widths[name], errors[name], math.ceil(n - 1e-9)) for name, n in sizes.items()]
    rows.append(("all", None, None, max(row[3] for row in rows)))  # type: ignore[arg-type]
    frame = pl.DataFrame(rows, schema=["criterion", "width", "std_error", "n"], orient="row")
    return frame.with_columns(n_event=(pl.col("n") * events).ceil().cast(pl.Int64))


def _normal(linear_predictor: tuple[float, float]) -> tuple[float, float]:
    mean, sd = linear_predictor
    if math.isfinite(mean) and math.isfinite(sd) and sd > 0:
        return mean, sd
    raise DataError(
        f"{linear_predictor!r} was given",
        argument="linear_predictor",
        expected="the mean and the standard deviation, above 0, of the logit of the risk",
        remedy="linear_predictor=(-1.75, 1.22)",
    )


def _of_c_statistic(c: float, prevalence: float, std_error: float) -> float:
    """The n at which n p (1 - p) SE^2 is C (1 - C) (1 + (n/2 - 1) ((1 - C) / (2 - C) + C / (1 + C))) / n."""
    spread = (1 - c) / (2 - c) + c / (1 + c)
    # a quadratic in 1/n: var = c (1 - c) (spread / 2 / n + (1 - spread) / n^2) / (p (1 - p))
    linear = c * (1 - c) * spread / 2 / (prevalence * (1 - prevalence))
    square = c * (1 - c) * (1 - spread) / (prevalence * (1 - prevalence))
    target = std_error**2
    return (linear + math.sqrt(linear**2 + 4 * target * square)) / (2 * target)


def _of_slope(mean: float, sd: float) -> float:
    """The variance of the slope times n: from the expected information of intercept and slope."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    eta, weights = mean + sd * nodes, weights / weights.sum()
    spread = weights * expit(eta) * expit(-eta)
    a, ab, b = spread.sum(), (spread * eta).sum(), (spread * eta**2).sum()
    return float(a / (a * b - ab**2))
