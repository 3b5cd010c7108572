"""Risk sets against the definition, counted one patient at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.numerics.product_limit import (
    fleming_harrington_hazard,
    nelson_aalen_hazard,
    product_limit,
)
from hemresearch.numerics.risk_sets import risk_sets


@st.composite
def observations(draw):
    n = draw(st.integers(1, 30))
    scale = draw(st.sampled_from([1.0, 0.25, 1e6, 1e-3]))
    time = scale * np.array(draw(st.lists(st.integers(1, 15), min_size=n, max_size=n)), dtype=float)
    event = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    share = np.array(draw(st.lists(st.sampled_from([0.0, 0.2, 0.5]), min_size=n, max_size=n)))
    weight = np.array(draw(st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=n, max_size=n)))
    return time, event, time * share, weight


@given(observations(), st.booleans(), st.booleans())
def test_counts_equal_the_definition(rows, use_entry, use_weight):
    time, event, entry, weight = rows
    r = risk_sets(time, event, entry if use_entry else None, weight if use_weight else None)
    start = entry if use_entry else np.full(len(time), -1.0)
    size = weight if use_weight else np.ones(len(time))
    assert r.time.tolist() == sorted(set(time))
    for i, t in enumerate(r.time):
        assert r.n_risk[i] == pytest.approx(size[(start < t) & (t <= time)].sum())
        assert r.n_event[i] == pytest.approx(size[(time == t) & event].sum())
        assert r.n_censor[i] == pytest.approx(size[(time == t) & ~event].sum())


@given(observations())
def test_whole_and_continuous_times_are_counted_alike(rows):
    time, event, _, _ = rows
    whole = np.round(time / time.min() * 3)
    by_counting, by_sorting = risk_sets(whole, event), risk_sets(whole + 0.5, event)
    assert np.array_equal(by_counting.n_risk, by_sorting.n_risk)
    assert np.array_equal(by_counting.n_event, by_sorting.n_event)


def test_a_time_of_minus_zero_is_zero():
    assert risk_sets(np.array([-0.0, 0.5]), np.array([True, False])).n_risk.tolist() == [2, 1]


def test_the_estimators_by_hand():
    r = risk_sets(np.array([1.0, 2, 2, 3]), np.array([True, True, True, False]))
    survival, log_variance = product_limit(r)
    assert survival == pytest.approx([3 / 4, 1 / 4, 1 / 4])
    assert log_variance == pytest.approx([1 / 12, 1 / 12 + 2 / 3, 1 / 12 + 2 / 3])
    hazard, variance = nelson_aalen_hazard(r)
    assert hazard == pytest.approx([1 / 4, 1 / 4 + 2 / 3, 1 / 4 + 2 / 3])
    assert variance == pytest.approx([1 / 16, 1 / 16 + 2 / 9, 1 / 16 + 2 / 9])
    in_turn, variance = fleming_harrington_hazard(r)
    assert in_turn == pytest.approx([1 / 4, 1 / 4 + 1 / 3 + 1 / 2, 1 / 4 + 1 / 3 + 1 / 2])
    assert variance == pytest.approx([1 / 16, 1 / 16 + 1 / 9 + 1 / 4, 1 / 16 + 1 / 9 + 1 / 4])


def test_the_variance_is_infinite_once_survival_is_zero():
    survival, log_variance = product_limit(risk_sets(np.array([1.0, 2]), np.array([True, True])))
    assert survival.tolist() == [0.5, 0]
    assert log_variance[1] == np.inf
