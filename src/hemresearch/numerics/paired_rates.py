"""Rates of events of the same patients in two periods.

`count` and `time` have a row per patient and two columns: before and after. Variances are sums over patients
of the squares of how much each moves the estimate, so that it does not matter how counts vary, nor how the
two of a patient depend on each other.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from .newton import maximize


def within_ratio(count: np.ndarray, time: np.ndarray) -> tuple[float, float]:
    """Log ratio of rates within patients, and its robust standard error.

    Given a patient's total n = y0 + y1, whatever the patient's own rate, y1 is a part of it with the
    probability p = r t1 / (t0 + r t1); the estimating function of a patient is y1 - n p.
    """
    total, after, offset = count.sum(axis=1), count[:, 1], np.log(time[:, 1] / time[:, 0])

    def likelihood(b: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        eta = b[0] + offset
        p = expit(eta)
        value = float(after @ log_expit(eta) + count[:, 0] @ log_expit(-eta))
        return value, np.array([(after - total * p).sum()]), np.array([[(total * p * (1 - p)).sum()]])

    start = np.log(count[:, 1].sum() / time[:, 1].sum()) - np.log(count[:, 0].sum() / time[:, 0].sum())
    log_ratio = float(maximize(likelihood, np.array([start])).parameters[0])
    p = expit(log_ratio + offset)
    information = (total * p * (1 - p)).sum()
    return log_ratio, float(np.sqrt(((after - total * p) ** 2).sum()) / information)


def population_ratio(count: np.ndarray, time: np.ndarray) -> tuple[float, float]:
    """Log ratio of the rates of all patients together, events over person-time, and its robust error."""
    events, rate = count.sum(axis=0), count.sum(axis=0) / time.sum(axis=0)
    moved = (count - rate * time) / events
    return float(np.log(rate[1] / rate[0])), float(np.sqrt(((moved[:, 1] - moved[:, 0]) ** 2).sum()))


def population_difference(count: np.ndarray, time: np.ndarray) -> tuple[float, float]:
    """Difference of the same rates, after less before, and its robust standard error."""
    person_time = time.sum(axis=0)
    rate = count.sum(axis=0) / person_time
    moved = (count - rate * time) / person_time
    return float(rate[1] - rate[0]), float(np.sqrt(((moved[:, 1] - moved[:, 0]) ** 2).sum()))
