"""True incidences of molecular response and of treatment-free remission, by integration over the falls."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtr

from ...times import DAYS_PER_MONTH

GROUPS = ("low", "intermediate", "high")
START = 1.7  # log10 of 50 %
QUICK, LONG = 3.0, 30.0  # time constants, months
VISIT_DAYS = 91
# Days of visits after a stop: monthly, from a year on every second month, from two years on every third.
RELAPSE_VISITS = np.cumsum(np.repeat([30.0, 61.0, 91.0], [12, 6, 40]))
# Values are recorded with 3 digits, so that those up to 0.1005 % are 0.1 %.
LEVELS = {"MMR": float(np.log10(0.1005)), "MR4": float(np.log10(0.01005))}
NODES, REACH = 201, 7.0
VISITS = 20  # to five years


def response_truth(p: dict[str, Any]) -> dict[tuple[str, str], float]:
    """The true values by (quantity, group)."""
    shares = (p["low_share"], 1 - p["low_share"] - p["high_share"], p["high_share"])
    truth: dict[tuple[str, str], float] = {}
    for name, level in LEVELS.items():
        response, other = zip(*(_incidences(p, level, group) for group in range(3)), strict=True)
        for months in (12, 24, 60):
            visit = int(months * DAYS_PER_MONTH // VISIT_DAYS)
            for quantity, values in (
                (f"incidence of {name} at {months} months", [r[visit] for r in response]),
                (
                    f"incidence of switch, progression or death before {name} at {months} months",
                    [o(months) for o in other],
                ),
            ):
                truth |= {(quantity, group): value for group, value in zip(GROUPS, values, strict=True)}
                truth[quantity, "all"] = float(np.dot(shares, values))
    for months in (6, 12, 24):
        truth[f"treatment-free remission at {months} months", "all"] = _remission(p, months)
    return truth


def _incidences(p: dict[str, Any], level: float, group: int) -> tuple[np.ndarray, Any]:
    """Response by each visit, and a function of months for the competing events before it.

    Given the falls u of a patient, the value of visit k is at or below the level with probability q_k(u), so
    the response is first seen at visit k with probability q_k prod_(j<k) (1 - q_j), if no competing event
    came before; these have a constant hazard. Both are averaged over the normal distribution of u.
    """
    hazard = p["risk_ratio"] ** group * (p["switch"] + p["progression"]) + p["death"]
    months = VISIT_DAYS * np.arange(VISITS + 1) / DAYS_PER_MONTH
    less = p["group_step"] * group
    falls = p["quick_fall"] - less, p["slow_fall"] - less, p["quick_spread"], p["slow_spread"]
    without = np.append(1.0, _without_response(level, *falls, p["measurement_error"], p["not_evaluable"]))
    free = np.exp(-hazard * months)
    response = np.append(0.0, np.cumsum(free[1:] * -np.diff(without)))

    def competing(at: float) -> float:
        edges = np.append(months[months < at], at)
        return float(without[: len(edges) - 1] @ -np.diff(np.exp(-hazard * edges)))

    return response, competing


@lru_cache(maxsize=64)
def _without_response(
    level: float,
    quick_fall: float,
    slow_fall: float,
    quick_spread: float,
    slow_spread: float,
    error: float,
    not_evaluable: float,
) -> tuple[float, ...]:
    """Probability of no value at or below the level on visits up to each, without competing events."""
    z = np.linspace(-REACH, REACH, NODES)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    quick, slow = (quick_fall + quick_spread * z)[:, None], (slow_fall + slow_spread * z)[None, :]
    none = np.ones((NODES, NODES))
    found = []
    for month in VISIT_DAYS * np.arange(1, VISITS + 1) / DAYS_PER_MONTH:
        mean = START + quick * np.expm1(-month / QUICK) + slow * np.expm1(-month / LONG)
        none *= 1 - (1 - not_evaluable) * ndtr((level - mean) / error)
        found.append(float(weight @ none @ weight))
    return tuple(found)


def _remission(p: dict[str, Any], months: int) -> float:
    """Alive and without a relapse found at a visit, so many months after the stop."""
    days = np.floor(months * DAYS_PER_MONTH)
    last = RELAPSE_VISITS[RELAPSE_VISITS <= days].max() / DAYS_PER_MONTH
    relapsed = p["relapse_share"] * -np.expm1(-p["relapse_rate"] * last)
    return float((1 - relapsed) * np.exp(-p["death"] * days / DAYS_PER_MONTH))
