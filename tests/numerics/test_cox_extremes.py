"""Directions without a maximum: the extremes of every risk set, written out."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_extremes import (
    extremes,
    flat_directions,
    is_monotone,
    monotone_direction,
    without_information,
)
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.cox_rows import cox_rows


def study(seed, n=20):
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 8, n).astype(float)
    entry = np.minimum(rng.integers(0, 4, n), time - 1)
    event = rng.random(n) < 0.6
    return rng.normal(size=(n, 2)), time, event, entry, rng.integers(0, 2, n)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_extremes_are_those_of_each_risk_set(seed, exact):
    x, time, event, entry, stratum = study(seed)
    rows = cox_rows(x, time, event, entry=entry, stratum=stratum)
    direction = np.array([1.0, -0.5])
    z = rows.unsorted(rows.x @ direction)
    found = extremes(rows, direction, exact=exact)
    expected = []
    for s in (0, 1):
        for t in np.unique(time[event & (stratum == s)]):
            dead = event & (time == t) & (stratum == s)
            others = (entry < t) & (time >= t) & (stratum == s)
            others &= ~dead if exact else True
            if others.any():
                expected.append((z[dead].min(), z[dead].max(), z[others].min(), z[others].max()))
    columns = [found.least, found.most, found.low, found.high]
    np.testing.assert_allclose(np.transpose(columns), expected)
    by_row = rows.x @ direction
    np.testing.assert_allclose(by_row[found.event], found.least)
    np.testing.assert_allclose(by_row[found.other], found.high)


def test_a_direction_that_orders_the_events_is_found_among_many():
    rng = np.random.default_rng(1)
    time = np.sort(rng.exponential(size=60))
    x = rng.normal(size=(60, 4))
    x[:, 3] = x[:, 0] - 2 * x[:, 1] - time  # x0 - 2 x1 - x3 = time
    rows = cox_rows(x, time, rng.random(60) < 0.5)
    _, score, information = PartialLikelihood(rows, True)(np.zeros(4))
    found = monotone_direction(rows, score)
    assert found is not None
    assert is_monotone(rows, found)
    assert not is_monotone(rows, -found)
    assert flat_directions(rows, information) == []
    assert without_information(rows, found) is None


def test_ordinary_data_have_no_such_direction():
    for seed in range(6):
        x, time, event, entry, stratum = study(seed, n=60)
        rows = cox_rows(x, time, event, entry=entry, stratum=stratum)
        _, score, _ = PartialLikelihood(rows, True)(np.zeros(2))
        assert monotone_direction(rows, score) is None
        assert monotone_direction(rows, score, exact=True) is None


def test_a_constant_within_strata_has_no_information():
    x, time, event, entry, stratum = study(3)
    x[:, 1] = 3 * x[:, 0] + stratum
    rows = cox_rows(x, time, event, entry=entry, stratum=stratum)
    (flat,) = flat_directions(rows, PartialLikelihood(rows, True)(np.zeros(2))[2])
    found = without_information(rows, flat)
    assert found is not None
    natural = found * rows.scale
    assert natural[0] / natural[1] == pytest.approx(-3)
    assert not is_monotone(rows, found)
    x[:, 1] = stratum
    rows = cox_rows(x, time, event, stratum=stratum)
    (flat,) = flat_directions(rows, PartialLikelihood(rows, True)(np.zeros(2))[2])
    np.testing.assert_array_equal(flat, [0, 1])


def test_tied_events_need_not_agree_when_they_are_not_taken_in_turn():
    # both events have more than the others, but not the same: the likelihoods of Efron and Breslow fall
    x, time = np.array([[3.0], [2.0], [1.0], [0.0]]), np.array([1.0, 1.0, 2.0, 2.0])
    rows = cox_rows(x, time, np.array([True, True, False, False]))
    assert is_monotone(rows, np.ones(1), exact=True)
    assert not is_monotone(rows, np.ones(1))


def test_information_that_is_rounding_error_is_looked_at():
    x, time, event, _, _ = study(1)
    rows = cox_rows(x, time, event, stratum=np.arange(20))  # nobody is at risk with another
    noise = np.diag([1e-16, 3e-17])
    assert len(flat_directions(rows, noise)) == 2
    assert without_information(rows, flat_directions(rows, noise)[0]) is not None
