"""Weights that put those whose status is known at a horizon in the place of those censored before it.

The censoring's Kaplan-Meier curve G is estimated with events before censorings at their time, so that the
weighted share of those with the event is the Aalen-Johansen estimate. Whoever has an event at T <= t counts
1 / G(T-), whoever is followed beyond t counts 1 / G(t), whoever is censored by t counts 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .censoring_weights import censoring


@dataclass(frozen=True, slots=True, eq=False)
class InverseCensoring:
    """G, and what each row contributes to it.

    `time` are the distinct times of censoring and `after` G just after them; `hazard` is n d / Y^2 of the d
    censored there among the Y at risk (those with the event included), `at_risk` is Y / n. `before` is how
    many of these times precede each row's own and `until` how many it has seen with it, `own` the place of a
    censored row's time.
    """

    row_time: np.ndarray
    censored: np.ndarray
    time: np.ndarray
    after: np.ndarray
    hazard: np.ndarray
    at_risk: np.ndarray
    before: np.ndarray
    until: np.ndarray
    own: np.ndarray

    def at(self, t: float) -> float:
        """G(t)."""
        return float(np.append(1.0, self.after)[np.searchsorted(self.time, t, side="right")])

    def just_before(self) -> np.ndarray:
        """G(T-) of each row."""
        return np.append(1.0, self.after)[self.before]

    def weights(self, t: float) -> np.ndarray:
        """The weight of each row at the horizon."""
        beyond = self.row_time > t
        weight = np.where(beyond | self.censored, 0.0, 1.0)
        np.divide(weight, self.just_before(), out=weight, where=weight > 0)
        if beyond.any():
            weight[beyond] = 1 / self.at(t)
        return weight

    def influence(self, part: np.ndarray, t: float) -> np.ndarray:
        """Influence of each row on an estimate, times n.

        `part` is the derivative of the estimate by the logarithm of each row's weight: it counts once for the
        row itself, and once more for all rows through G.
        """
        last = np.where(self.row_time > t, np.searchsorted(self.time, t, side="right"), self.before)
        return len(part) * part - part.sum() + self.through_curve(part, last)

    def through_curve(self, part: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Influence of each row through G, times n, where each row's weight uses the `last` first times."""
        used = np.bincount(last, part, len(self.time) + 1)[::-1].cumsum()[::-1][1:]
        spent = np.append(0.0, np.cumsum(self.hazard * used))
        change = -spent[self.until]
        change[self.censored] += (used / self.at_risk)[self.own]
        return change


def inverse_censoring(time: np.ndarray, censored: np.ndarray) -> InverseCensoring:
    """The curve of censoring of all rows together."""
    n = len(time)
    curve = censoring(time, ~censored, None, events_first=True)
    at_risk = n - np.searchsorted(np.sort(time), curve.time, side="left").astype(float)
    before = np.searchsorted(curve.time, time, side="left")
    return InverseCensoring(
        row_time=time,
        censored=censored,
        time=curve.time,
        after=curve.after,
        hazard=n * curve.size / at_risk**2,
        at_risk=at_risk / n,
        before=before,
        until=np.searchsorted(curve.time, time, side="right"),
        own=before[censored],
    )


def std_error(influence: np.ndarray) -> float:
    """The standard error of an estimate from n times the influence of each row."""
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))
