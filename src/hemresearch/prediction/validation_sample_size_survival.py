"""How many patients a validation of predicted survival, or of a risk among competing ones, needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import brentq, root

from ..errors import DataError
from ..options import check_number
from .auc import auc
from .calibration import calibration
from .validation_sample_size import needed, target_errors

PATIENTS = 100_000  # of whom the standard errors are found
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(201)
SLOWEST, FASTEST = 1e-9, 1e6  # rates between which one is looked for
CERTAIN = 1e-9  # risks are at least as far from 0 and 1, where a complementary log-log ends


def validation_sample_size_survival(
    *,
    risk: float,
    linear_predictor_sd: float,
    censored: float = 0.0,
    competing: float = 0.0,
    width_observed_expected: float = 0.2,
    width_auc: float = 0.1,
    width_slope: float = 0.2,
    conf_level: float = 0.95,
    seed: int = 1,
) -> pl.DataFrame:
    """Patients needed to validate risks by a horizon, with limits of stated widths, where some are censored.

    A cohort of 100 000 patients is simulated in which the predicted risks are true, and judged by `auc` and
    `calibration`: a standard error falls with the root of the number of patients, which gives the number for
    the error that is wanted. So the limits meant are those that these two functions will give: of observed
    over expected (Kaplan-Meier, or Aalen-Johansen), of the time-dependent AUC, and of the calibration slope
    by pseudo-values.

    Parameters
    ----------
    risk
        Anticipated share with the event by the horizon, if all are followed so long.
    linear_predictor_sd
        Anticipated standard deviation of the model's linear predictor (logarithm of the hazard), which is
        taken as normal. What AUC it implies is told.
    censored
        Share whose follow-up ends before the horizon without any event.
    competing
        Share with a competing event by the horizon, if all are followed so long.
    width_observed_expected, width_auc, width_slope
        Widths of the confidence intervals that are wanted.
    conf_level
        Of the intervals.
    seed
        Of the simulation, on which the numbers depend by 1 to 2 %.

    Returns
    -------
    polars.DataFrame
        `criterion` ("observed/expected", "AUC", "slope" and "all", the largest), `assumed` (1, the AUC
        implied, 1), `width`, `std_error` (of the log of observed over expected), `n`, and `n_event`, the
        events expected to be seen by the horizon.

    Raises
    ------
    DataError
        For shares outside 0 to 1, or of events that leave nobody; widths and a standard deviation that are
        not above 0.

    Notes
    -----
    Hazards are constant in time, which the results depend on little: the horizon counts, not the way to it.
    Censoring is at a constant rate; a registry with a common end of follow-up loses fewer early. For a
    binary outcome see `validation_sample_size`.

    References
    ----------
    Riley RD, Collins GS, Ensor J et al. Minimum sample size calculations for external validation of a
    clinical prediction model with a time-to-event outcome. Stat Med 2022;41:1280-1295 (the simulation of a
    large cohort).

    Examples
    --------
    >>> needed = validation_sample_size_survival(risk=0.3, linear_predictor_sd=0.8, censored=0.2)
    >>> needed["criterion"].to_list()
    ['observed/expected', 'AUC', 'slope', 'all']
    """
    shares = {"risk": risk, "censored": censored, "competing": competing}
    _check_shares(shares)
    check_number(
        linear_predictor_sd, argument="linear_predictor_sd", above=0, expected="a number above 0", example=0.8
    )
    widths = {"observed/expected": width_observed_expected, "AUC": width_auc, "slope": width_slope}
    errors = target_errors(widths, ("width_observed_expected", "width_auc", "width_slope"), conf_level)
    data, seen = _cohort(shares, linear_predictor_sd, np.random.default_rng(seed))
    found = _judged(data, cause=1 if competing else None)
    sizes = {name: PATIENTS * (found[name][1] / error) ** 2 for name, error in errors.items()}
    assumed = pl.Series("assumed", [*(found[name][0] for name in sizes), None], dtype=pl.Float64)
    return needed(sizes, widths, errors, seen).insert_column(1, assumed)


def _check_shares(shares: dict[str, float]) -> None:
    for name, share in shares.items():
        lowest = {"above": 0} if name == "risk" else {"at_least": 0}
        check_number(share, argument=name, below=1, expected="a share below 1", example=0.2, **lowest)
    if shares["risk"] + shares["competing"] >= 1:
        raise DataError(
            "leaves nobody without the event together with the competing ones",
            argument="risk",
            expected="shares by the horizon with a sum below 1",
            remedy="risk=0.3, competing=0.2",
        )


def _cohort(shares: dict[str, float], sd: float, rng: np.random.Generator) -> tuple[pl.DataFrame, float]:
    """Patients with time (the horizon is 1), cause and true risk; the share whose event is seen by then."""
    event, other = _rates(shares["risk"], shares["competing"], sd)
    hazard = event * np.exp(sd * rng.normal(size=PATIENTS))
    lost = _lost(shares["censored"], event * np.exp(sd * NODES) + other)
    first, second, third = rng.exponential(size=(3, PATIENTS))
    with np.errstate(divide="ignore"):
        times = np.stack([third / lost, first / hazard, second / other])
    risk = np.clip(_by_horizon(hazard, hazard + other), CERTAIN, 1 - CERTAIN)
    cause, time = times.argmin(axis=0), times.min(axis=0)
    late = time > 1
    data = pl.DataFrame({"time": np.where(late, 2.0, time), "cause": np.where(late, 0, cause), "risk": risk})
    return data, int((data["cause"] == 1).sum()) / PATIENTS


def _by_horizon(rate: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The share with one of several events by the horizon."""
    return np.asarray(rate / total * -np.expm1(-total))


def _mean(values: np.ndarray) -> float:
    """The mean over the linear predictor."""
    return float(WEIGHTS @ values / WEIGHTS.sum())


def _rates(risk: float, competing: float, sd: float) -> tuple[float, float]:
    """Rates of the event, at a linear predictor of 0, and of what competes, that give the shares stated."""
    ratio, wanted = np.exp(sd * NODES), np.array([risk, competing])[: 1 + (competing > 0)]

    def excess(logarithms: np.ndarray) -> np.ndarray:
        event, other = np.exp(logarithms)[0], np.exp(logarithms)[1:].sum()
        total = event * ratio + other
        shares = [_mean(_by_horizon(event * ratio, total)), _mean(_by_horizon(total - event * ratio, total))]
        return np.log(shares[: len(wanted)]) - np.log(wanted)

    alike = -np.log1p(-wanted.sum()) * wanted / wanted.sum()  # the rates, were the patients alike
    found = np.exp(root(excess, np.log(alike), tol=1e-12).x)
    return float(found[0]), float(found[1:].sum())


def _lost(censored: float, total: np.ndarray) -> float:
    """The rate of censoring that gives the share stated."""

    def excess(rate: float) -> float:
        return _mean(_by_horizon(np.full_like(total, rate), total + rate)) - censored

    return float(brentq(excess, SLOWEST, FASTEST, xtol=1e-14)) if censored else 0.0


def _judged(data: pl.DataFrame, cause: int | None) -> dict[str, tuple[float, float]]:
    """Estimate and standard error of each criterion; observed over expected has that of its logarithm."""
    roles: dict[str, Any] = {"time": "time", "event": "cause", "cause": cause, "times": 1}
    ranked = auc(data, scores="risk", **roles).to_frame().row(0, named=True)
    measured = calibration(data, risks="risk", smooth=None, **roles).to_frame()
    terms = {row["term"]: (row["estimate"], row["std_error"]) for row in measured.iter_rows(named=True)}
    ratio, error = terms["observed/expected"]
    return {
        "observed/expected": (1.0, error / ratio),
        "AUC": (ranked["estimate"], ranked["std_error"]),
        "slope": (1.0, terms["slope"][1]),
    }
