"""Concordance of a score with one of several competing events, weighted for censoring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .fenwick import outranked_before

if TYPE_CHECKING:
    from .inverse_censoring import InverseCensoring

COMPETING = 2


def competing_concordance(
    time: np.ndarray, cause: np.ndarray, rank: np.ndarray, censoring: InverseCensoring, tau: float
) -> tuple[float, np.ndarray]:
    """Weighted share of pairs in which the one with the event outranks the other; influences, times n.

    `cause` is 0 for censored, 1 for the event, 2 for a competing one. Whoever has the event at t <= tau
    (weight 1 / G(t-)) makes a pair with each of those without it at t: followed beyond t (1 / G(t)), or
    with a competing event at T <= t (1 / G(T-)). NaN without such pairs.
    """
    order = np.argsort(time, kind="stable")
    at, before = time[order], 1 / np.maximum(censoring.just_before()[order], np.finfo(float).tiny)
    follows = np.searchsorted(censoring.time, at, side="right")
    after = np.append(1.0, censoring.after)[follows]
    case = np.where((cause[order] == 1) & (at <= tau), before, 0.0)
    both = np.divide(case, after, out=np.zeros(len(at)), where=(case > 0) & (after > 0))
    other = np.where(cause[order] == COMPETING, before, 0.0)
    r = rank[order]
    beyond, n_beyond = _later(at, r, np.ones(len(at)), False)
    had, n_had = outranked_before(at, r, other, True)
    pairs = both @ n_beyond + case @ n_had
    if not pairs > 0:
        return np.nan, np.zeros(len(time))
    value = float((both @ beyond + case @ had) / pairs)
    with_beyond = both * (beyond - value * n_beyond) / pairs
    with_had = case * (had - value * n_had) / pairs
    lower, total = outranked_before(at, r, both, False)
    outlived = ((1 - value) * total - lower) / pairs  # of cases before: those that outrank, half of ties
    lower, total = _later(at, r, case, True)
    met = other * ((1 - value) * total - lower) / pairs
    earlier = censoring.before[order]
    influence = len(time) * (with_beyond + with_had + outlived + met)
    change = _back(influence, order)
    for part, last in ((with_beyond, earlier), (with_had, earlier), (with_beyond, follows), (met, earlier)):
        change += censoring.through_curve(part, last)
    return value, change


def _later(
    group: np.ndarray, rank: np.ndarray, weight: np.ndarray, with_own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """As `outranked_before`, of the rows of later groups."""
    lower, total = outranked_before(group[::-1], rank[::-1], weight[::-1], with_own)
    return lower[::-1], total[::-1]


def _back(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Values of sorted rows in the order of the data."""
    result = np.empty(len(values))
    result[order] = values
    return result
