"""The risk of an event by a horizon: 1 - Kaplan-Meier, or Aalen-Johansen where others compete."""

from __future__ import annotations

import numpy as np

from .incidence import event_free_before, events_at, incidence, incidence_variance
from .risk_sets import risk_sets


def risk_by(time: np.ndarray, cause: np.ndarray, t: float) -> tuple[float, float]:
    """The risk of cause 1 by t and its standard error (Greenwood's), with 0 for censored and 2 for competing.

    NaN where nobody is followed that long, unless everybody has had an event.
    """
    r = risk_sets(time, cause > 0)
    last = int(np.searchsorted(r.time, t, side="right")) - 1
    if last < 0:
        return 0.0, 0.0
    if t > r.time[-1] and r.n_censor[-1] > 0:
        return np.nan, np.nan
    n_cause, before = events_at(r, time[cause == 1], None), event_free_before(r)
    variance = incidence_variance(r, n_cause, before)[last]
    return float(incidence(r, n_cause, before)[last]), float(np.sqrt(max(variance, 0.0)))
