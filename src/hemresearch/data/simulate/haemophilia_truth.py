"""True bleeding rates of the simulated switch of prophylaxis, by sums of negative binomial probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

from .simulation import DAYS_OF_A_YEAR

SURGERY_DAYS = 14


def selected_counts(p: dict[str, Any], days: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Numbers of bleeds before the switch that lead to it, their probabilities, and the sum of these."""
    shape = 1 / p["frailty_variance"]
    mean = (p["spontaneous_before"] + p["traumatic_before"]) * days / DAYS_OF_A_YEAR
    least = p["bad_year"] or 0
    spread = np.sqrt(mean + p["frailty_variance"] * mean**2)
    number = np.arange(least, least + 50 + int(mean + 60 * spread))
    log_probability = (
        gammaln(number + shape) - gammaln(shape) - gammaln(number + 1)
        + shape * np.log(shape / (shape + mean)) + number * np.log(mean / (shape + mean))
    )  # fmt: skip
    probability = np.exp(log_probability)
    return number, probability, float(probability.sum())


def bleeding_truth(p: dict[str, Any]) -> dict[tuple[str, str], float]:
    """The true values by (quantity, group)."""
    old = {"spontaneous": p["spontaneous_before"], "traumatic": p["traumatic_before"]}
    new = {cause: rate * p[f"{cause}_ratio"] for cause, rate in old.items()}
    seen, frailty, none_after = _among_switched(p, sum(new.values()))
    truth: dict[tuple[str, str], float] = {}
    for kind, before, after in _kinds(p, old, new):
        truth[f"annual {kind}bleeds", "before"] = before * seen
        truth[f"annual {kind}bleeds", "after"] = after * frailty
        truth[f"rate ratio{f' of {kind}bleeds' if kind else ''}", "all"] = (after * frailty) / (before * seen)
    truth["annual bleeds without a switch", "after"] = sum(old.values()) * frailty
    truth["annual bleeds without selection", "before"] = sum(old.values())
    truth["annual bleeds without selection", "after"] = sum(new.values())
    truth["rate ratio of the regimens", "all"] = sum(new.values()) / sum(old.values())
    truth["no bleed in a year", "after"] = none_after
    if not p["bad_year"]:
        shape = 1 / p["frailty_variance"]
        truth["no bleed in a year", "before"] = float((shape / (shape + sum(old.values()))) ** shape)
        truth["dispersion", "all"] = p["frailty_variance"]
    return truth


def _kinds(p: dict[str, Any], old: dict[str, float], new: dict[str, float]) -> list[tuple[str, float, float]]:
    joint = {cause: p[f"{cause}_joint"] for cause in old}
    return [
        ("", sum(old.values()), sum(new.values())),
        ("joint ", *(sum(joint[cause] * rates[cause] for cause in rates) for rates in (old, new))),
        ("spontaneous ", old["spontaneous"], new["spontaneous"]),
    ]


def _among_switched(p: dict[str, Any], new: float) -> tuple[float, float, float]:
    """Of those who switch: bleeds before over those expected, mean frailty, and no bleed in a year after.

    Given m bleeds in `days`, the frailty is gamma with shape 1/v + m and rate 1/v + the expected number.
    """
    shape, rate = 1 / p["frailty_variance"], p["spontaneous_before"] + p["traumatic_before"]
    all_, bleeds, expected, frailty, none = 0.0, 0.0, 0.0, 0.0, 0.0
    for days, share in (
        (p["days_before"], 1 - p["surgery_share"]),
        (p["days_before"] - SURGERY_DAYS, p["surgery_share"]),
    ):
        number, probability, total = selected_counts(p, days)
        mean = rate * days / DAYS_OF_A_YEAR
        all_ += share * total
        bleeds += share * float(probability @ number)
        expected += share * total * mean
        frailty += share * float(probability @ (shape + number)) / (shape + mean)
        none += share * float(probability @ ((shape + mean) / (shape + mean + new)) ** (shape + number))
    return bleeds / expected, frailty / all_, none / all_
