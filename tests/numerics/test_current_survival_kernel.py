"""A state left and entered again: the share in it and its variance, from influences written out."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.current_survival import Process, in_state, influence

LOST = Process(np.array([1.0, 2, 4, 5, 3]), np.array([1, 1, 0, 1, 2]), -1)
REGAINED = Process(np.array([2.0, 5, 4, 5, 3]), np.array([1, 0, 0, 2, 2]), 1)
GRID = np.arange(6.0)


def test_influences_add_up_to_nothing_and_are_derivatives_of_the_incidence():
    part = influence(LOST, GRID)
    for t, at in enumerate(GRID):
        own = np.where(part.leave <= t, part.constant + part.slope * part.incidence[t], part.common[t])
        assert own.sum() == pytest.approx(0, abs=1e-12)
        for i in range(5):
            assert own[i] == pytest.approx(derivative(LOST, i, at), abs=1e-5)


def derivative(p: Process, i: int, at: float, h: float = 1e-6) -> float:
    """The change of the cumulative incidence with the weight of a patient, by its definition."""

    def weighted(size: float) -> float:
        w = np.ones(5)
        w[i] += size
        free, total = 1.0, 0.0
        for t in np.unique(p.time[p.time <= at]):
            n = w[p.time >= t].sum()
            total += free * w[(p.time == t) & (p.kind == 1)].sum() / n
            free *= 1 - w[(p.time == t) & (p.kind > 0)].sum() / n
        return total

    return (weighted(h) - weighted(-h)) / (2 * h)


def test_the_variance_is_the_sum_of_squared_influences():
    estimate, variance = in_state([LOST, REGAINED], 1.0, GRID)
    parts = influence(LOST, GRID), influence(REGAINED, GRID)
    for t in range(len(GRID)):
        own = [np.where(p.leave <= t, p.constant + p.slope * p.incidence[t], p.common[t]) for p in parts]
        assert variance[t] == pytest.approx(((own[1] - own[0]) ** 2).sum(), abs=1e-12)
        assert estimate[t] == pytest.approx(1 - parts[0].incidence[t] + parts[1].incidence[t])
