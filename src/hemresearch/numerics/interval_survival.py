"""Survival from what is counted in intervals: observed, expected, and relative or net.

Each estimator takes the widths of the intervals, the sums of the patients as they are, and those that the
excess is of: the same for Ederer II, weighted by 1/S for Pohar Perme. Where nobody is left nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .interval_sums import IntervalSums


@dataclass(frozen=True, slots=True, eq=False)
class IntervalSurvival:
    """At the end of each interval."""

    observed: np.ndarray
    expected: np.ndarray
    estimate: np.ndarray
    std_error: np.ndarray


def hazard_survival(width: np.ndarray, plain: IntervalSums, excess: IntervalSums) -> IntervalSurvival:
    """Survival with hazards of deaths per person-time that are constant within an interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.exp(-np.cumsum(width * (excess.deaths - excess.expected) / excess.time))
        return IntervalSurvival(
            observed=np.exp(-np.cumsum(width * plain.deaths / plain.time)),
            expected=np.exp(-np.cumsum(width * plain.expected / plain.time)),
            estimate=estimate,
            std_error=estimate * np.sqrt(np.cumsum(width**2 * excess.square / excess.time**2)),
        )


def lifetable_survival(width: np.ndarray, plain: IntervalSums, excess: IntervalSums) -> IntervalSurvival:
    """The actuarial product, less the excess deaths among the effective numbers.

    Relative survival is 0 from where the observed is. The error is Greenwood's, with the squares of the
    weights if there are any; without them it is that of the observed survival over the expected.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = np.cumprod(1 - plain.deaths / plain.effective)
        expected = np.cumprod(1 - plain.expected / plain.alive)
        estimate = np.cumprod(1 - (excess.deaths - excess.expected) / excess.effective)
        estimate = np.where(observed == 0, 0.0, estimate)
        left = excess.effective * (excess.effective - excess.deaths)
        root = np.sqrt(np.cumsum(excess.square / left))
        error = root * (observed / expected if excess is plain else estimate)
    return IntervalSurvival(observed, expected, estimate, np.where(observed == 0, np.nan, error))
