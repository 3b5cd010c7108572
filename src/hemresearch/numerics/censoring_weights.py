"""The distribution of censoring in groups, as weights after a competing event need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .risk_sets import risk_sets


@dataclass(frozen=True, slots=True, eq=False)
class Censoring:
    """The Kaplan-Meier estimate of censoring in one group, at the times at which somebody is censored.

    `size` is the number censored and `n_risk` that at risk for it, `after` the estimate just after each time;
    beyond `last`, when nobody of the group is observed any more, it is 0, as in R.
    """

    time: np.ndarray
    size: np.ndarray
    n_risk: np.ndarray
    after: np.ndarray
    last: float

    def before(self, t: np.ndarray) -> np.ndarray:
        """G(t-)."""
        found = np.append(1.0, self.after)[np.searchsorted(self.time, t, side="left")]
        return np.where(t > self.last, 0.0, found)


def censoring(
    time: np.ndarray, event: np.ndarray, weight: np.ndarray | None, *, events_first: bool
) -> Censoring:
    """The estimate from one group of observations, `event` being whether any event ended them.

    Those with an event at t are at risk for a censoring at t, as in cmprsk, unless `events_first`, as in
    survival's finegray.
    """
    r = risk_sets(time, event, None, weight)
    at = np.searchsorted(r.time, np.unique(time[~event]))  # sums of fractions leave remainders elsewhere
    n_risk = r.n_risk[at] - (r.n_event[at] if events_first else 0.0)
    after = np.cumprod(1 - r.n_censor[at] / n_risk)
    return Censoring(r.time[at], r.n_censor[at], n_risk, after, float(r.time[-1]))
