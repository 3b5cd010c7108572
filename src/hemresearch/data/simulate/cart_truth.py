"""True survival, incidences and shares of the simulated CAR T-cell cohort, from its constant hazards."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from ...times import DAYS_PER_MONTH

FIRST_MANUFACTURE = 21
RECOVERY_FIRST = 5
EARLY = 90  # days of the higher hazard of death without progression
# Shares in CR and PR on a day, of durable responders and of the others, without progression by then.
DEEP = {28: ((0.78, 0.38), (0.20, 0.42)), 90: ((0.90, 0.40), (0.08, 0.20))}


def cart_truth(p: dict[str, Any]) -> dict[tuple[str, str], float]:
    """The true values by (quantity, group)."""
    chance = _infused_on(p)
    truth = {("share infused", "all"): float(chance.sum())}
    for months in (6, 12, 24):
        day = int(months * DAYS_PER_MONTH)
        infused = float(sum(c * _alive(p, day - v) for v, c in enumerate(chance) if c > 0))
        text = f"at {months} months"
        truth[f"overall survival from apheresis {text}", "all"] = infused + _alive_not_infused(p, day)
        truth[f"overall survival of the infused, from apheresis {text}", "all"] = infused / chance.sum()
        truth[f"overall survival of the infused, from infusion {text}", "all"] = _alive(p, day)
    for months in (3, 12, 24):
        day = int(months * DAYS_PER_MONTH)
        progression, without = _incidences(p, day)
        truth[f"incidence of progression at {months} months", "all"] = progression
        truth[f"incidence of death without progression at {months} months", "all"] = without
    for day in (28, 60, 90):
        truth[f"incidence of neutrophil recovery at day {day}", "all"] = _recovery(p, day)
    for day, (complete, partial) in DEEP.items():
        at = [share * _event_free(p, day, kind) for kind, share in enumerate(_kinds(p))]
        truth[f"share in CR at day {day}", "all"] = float(np.dot(complete, at))
        truth[f"share in CR or PR at day {day}", "all"] = float(np.dot(np.add(complete, partial), at))
    for name in ("crs", "icans"):
        truth[f"probability of {name.upper()} grade 3 or 4", "all"] = float(sum(p[name][3:]))
    return truth


def _infused_on(p: dict[str, Any]) -> np.ndarray:
    """Probability of an infusion on each day from apheresis."""
    beyond = np.arange(int(p["turnaround"] + 20 * np.sqrt(p["turnaround"]) + 20))
    ready = np.exp(beyond * np.log(p["turnaround"]) - p["turnaround"] - gammaln(beyond + 1))
    on_time = np.exp(-(p["death_before"] + p["progression_before"]) * (FIRST_MANUFACTURE + beyond))
    return np.append(np.zeros(FIRST_MANUFACTURE), ready * on_time * (1 - p["manufacture_failure"]))


def _alive_not_infused(p: dict[str, Any], day: int) -> float:
    """Probability of never being infused and being alive on a day."""
    before, ends, later = p["death_before"], p["progression_before"], p["death_not_infused"]
    total, probability = before + ends, _infused_on(p) / (1 - p["manufacture_failure"])
    alive = 0.0
    for v, held in enumerate(probability):
        if held == 0:
            continue
        ready = held * np.exp(total * v)
        until = min(v, day)
        # The plan ended by progression at s <= until, and then alive until the day.
        progressed = ends * np.exp(-later * day) * _integral(later - total, until)
        failed = p["manufacture_failure"] * np.exp(-total * v - later * max(day - v, 0))
        # Who waits on the day and neither gets the product nor hears that it failed.
        waiting = np.exp(-total * day) - np.exp(-total * v) if day < v else 0.0
        alive += ready * (progressed + failed + waiting)
    return float(alive)


def _integral(rate: float, until: float) -> float:
    """The integral of exp(rate s) over [0, until]."""
    return until if abs(rate) < 1e-12 else float(np.expm1(rate * until) / rate)


def _kinds(p: dict[str, Any]) -> tuple[float, float]:
    return p["durable_share"], 1 - p["durable_share"]


def _pieces(p: dict[str, Any], day: float) -> list[tuple[float, float, float]]:
    """Start, stop and hazard of death without progression of each piece up to a day."""
    pieces = [(0.0, min(day, EARLY), p["nonrelapse_early"])]
    return pieces if day <= EARLY else [*pieces, (EARLY, day, p["nonrelapse_late"])]


def _event_free(p: dict[str, Any], day: float, kind: int) -> float:
    """Alive without progression, of durable responders (0) or of the others (1)."""
    progression = (p["progression_durable"], p["progression_other"])[kind]
    return float(np.exp(-sum((stop - start) * (h + progression) for start, stop, h in _pieces(p, day))))


def _incidences(p: dict[str, Any], day: float) -> tuple[float, float]:
    """Progression, and death without it, by a day from infusion."""
    progressed = died = 0.0
    for kind, share in enumerate(_kinds(p)):
        hazard = (p["progression_durable"], p["progression_other"])[kind]
        for start, stop, h in _pieces(p, day):
            leaving = (
                share * _event_free(p, start, kind) * -np.expm1(-(hazard + h) * (stop - start)) / (hazard + h)
            )
            progressed += hazard * leaving
            died += h * leaving
    return progressed, died


def _alive(p: dict[str, Any], day: float) -> float:
    """Alive on a day from infusion: without progression, or after one at s <= day."""
    if day <= 0:
        return 1.0
    later, alive = p["death_after_progression"], 0.0
    for kind, share in enumerate(_kinds(p)):
        hazard = (p["progression_durable"], p["progression_other"])[kind]
        alive += share * _event_free(p, day, kind)
        for start, stop, h in _pieces(p, day):
            lived = np.exp(-later * (day - start)) * _integral(later - hazard - h, stop - start)
            alive += share * _event_free(p, start, kind) * hazard * lived
    return float(alive)


def recovery_chances(p: dict[str, Any], days: int) -> np.ndarray:
    """Probability that neutrophils recover on each of so many days from `RECOVERY_FIRST` on."""
    shape, beyond = 1 / p["recovery_dispersion"], np.arange(days)
    share = p["recovery_mean"] / (shape + p["recovery_mean"])
    ways = gammaln(beyond + shape) - gammaln(shape) - gammaln(beyond + 1)
    return np.asarray(np.exp(ways + shape * np.log1p(-share) + beyond * np.log(share)))


def _recovery(p: dict[str, Any], day: int) -> float:
    """First of three days with neutrophils of at least 0.5, seen alive on all three, by a day."""
    chances = recovery_chances(p, day - RECOVERY_FIRST + 1).tolist()
    return sum(chance * _alive(p, RECOVERY_FIRST + beyond + 2) for beyond, chance in enumerate(chances))
