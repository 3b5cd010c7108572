"""Cumulative incidence of several causes from what is counted in intervals, with delta-method variances.

Events of each cause are random; `share` [k, l] says how many of cause l each quantity k counts, and `fixed`
adds numbers that are known (deaths of a population). With h the sum of the hazards of an interval, r_k that
of a quantity, and S the survival before it, the incidence grows by S r_k (1 - exp(-width h)) / h with hazards
per person-time, and by S r_k with probabilities among effective numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class IncidenceSteps(NamedTuple):
    """Of each interval: survival over it; growth per r_k; its derivative by h; the log survival's by -h."""

    factor: np.ndarray
    growth: np.ndarray
    slope: np.ndarray
    loss: np.ndarray


def hazard_steps(width: np.ndarray, total: np.ndarray) -> IncidenceSteps:
    """With hazards per person-time that are constant within an interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(-width * total)
        none = total == 0  # the limits of a hazard that goes to 0
        growth = np.where(none, width, (1 - factor) / total)
        slope = np.where(none, -(width**2) / 2, (width * factor - growth) / total)
    return IncidenceSteps(factor, growth, slope, width)


def lifetable_steps(width: np.ndarray, total: np.ndarray) -> IncidenceSteps:
    """With probabilities among effective numbers; nothing is lost after a survival of 0."""
    factor = 1 - total
    with np.errstate(divide="ignore"):
        loss = np.where(factor > 0, 1 / factor, 0.0)
    return IncidenceSteps(factor, np.ones_like(width), np.zeros_like(width), loss)


def interval_incidence(
    width: np.ndarray,
    exposure: np.ndarray,
    events: np.ndarray,
    share: np.ndarray,
    fixed: np.ndarray,
    *,
    hazard: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Survival at the end of each interval, and [quantity, interval] incidences and variances.

    `exposure` is person-time with hazards (Poisson events), and effective numbers without (multinomial).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rate, r = events / exposure, (share @ events + fixed) / exposure
        steps = (hazard_steps if hazard else lifetable_steps)(width, rate.sum(axis=0))
        survival = np.cumprod(steps.factor)
        before = np.concatenate([[1.0], survival[:-1]])
        incidence = np.cumsum(before * r * steps.growth, axis=1)
        own = share[:, :, None] * steps.growth + (r * steps.slope)[:, None, :]
        variance = [
            _variance(before * own[k], steps.loss, incidence[k], rate, exposure, hazard)
            for k in range(len(share))
        ]
    return survival, incidence, np.array(variance)


def _variance(
    direct: np.ndarray,
    loss: np.ndarray,
    incidence: np.ndarray,
    rate: np.ndarray,
    exposure: np.ndarray,
    hazard: bool,
) -> np.ndarray:
    """The variance at the end of each interval, of the hazards until then.

    More events of an interval add to it, and take away from all later ones.
    """
    m = len(incidence)
    until = np.tri(m, dtype=bool)  # row: the time it is of; column: the interval of the events
    later = loss * (incidence[:, None] - incidence[None, :])
    gradient = np.where(until, direct[:, None, :] - later, 0.0)
    share = np.where(until, (rate / exposure)[:, None, :], 0.0)
    total = (gradient**2 * share).sum(axis=(0, 2))
    if hazard:
        return np.asarray(total)
    mean = (gradient * np.where(until, rate[:, None, :], 0.0)).sum(axis=0)
    return np.asarray(total - (mean**2 / np.where(until, exposure, 1.0)).sum(axis=1))
