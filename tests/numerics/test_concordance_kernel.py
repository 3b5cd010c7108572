"""The kernel of the concordance against a look at every pair, and its influences against derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.concordance import TIME_WEIGHTS, concordance_counts

NAMES = ("concordant", "discordant", "tied_x", "tied_y", "tied_xy")


@st.composite
def rows(draw, *, entry=False, largest=24):
    n = draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = draw(st.booleans())
    time = rng.integers(1, 8, n).astype(float) if whole else rng.exponential(3, n) + 0.1
    return {
        "time": time,
        "event": rng.random(n) < 0.6,
        "score": rng.integers(-2, 3, n).astype(float) if draw(st.booleans()) else rng.normal(size=n),
        "entry": time * rng.choice([0, 0.3, 0.9], n) if entry else None,
        "stratum": rng.integers(0, 3, n) if draw(st.booleans()) else None,
        "weight": rng.choice([0.1, 0.7, 1, 2, 3], n) if draw(st.booleans()) else None,
    }


def events_value(time, event, weight, time_weight):
    """The value of an event at each time of one stratum, by the definitions of R: S n0/n, 1/G^2 and so on."""
    value = np.ones(len(time))
    for i, t in enumerate(time):
        survival = uncensored = 1.0
        for s in np.unique(time[time < t]):
            at_risk, d = weight[time >= s].sum(), weight[(time == s) & event].sum()
            survival *= 1 - d / at_risk
            uncensored *= 1 - weight[(time == s) & ~event].sum() / (at_risk - d) if at_risk > d else 1.0
        n0, n = weight.sum(), weight[time >= t].sum()
        value[i] = {
            "n": 1.0,
            "S": n0 * survival / n,
            "S/G": n0 * survival / (uncensored * n),
            "n/G2": uncensored**-2,
            "I": 1 / n,
        }[time_weight]
    return value


def looked_at(time, event, score, *, entry, stratum, weight, time_weight="n", tau=np.inf, fixed=None):
    """The five counts from every pair; `fixed` are time weights that do not follow the case weights."""
    n = len(time)
    entry = np.zeros(n) if entry is None else entry
    stratum = np.zeros(n, int) if stratum is None else stratum
    weight = np.ones(n) if weight is None else weight
    value = np.ones(n)
    for s in np.unique(stratum):
        of = stratum == s
        value[of] = events_value(time[of], event[of], weight[of], time_weight)
    value = value if fixed is None else fixed
    counts = np.zeros(5)
    for i in range(n):
        for j in range(n):
            if not event[i] or time[i] > tau or stratum[i] != stratum[j] or i == j:
                continue
            size = weight[i] * weight[j] * value[i]
            if event[j] and time[i] == time[j]:
                counts[4 if score[i] == score[j] else 3] += size / 2  # seen from both sides
            elif entry[j] < time[i] <= time[j]:
                counts[2 if score[i] == score[j] else 0 if score[i] > score[j] else 1] += size
    return counts, value


@settings(max_examples=60)
@given(st.booleans().flatmap(lambda entry: rows(entry=entry)), st.sampled_from([np.inf, 4.0]))
def test_the_counts_are_those_of_every_pair(r, tau):
    result = concordance_counts(**r, tau=tau)
    expected, _ = looked_at(**r, tau=tau)
    np.testing.assert_allclose([getattr(result, name) for name in NAMES], expected, rtol=1e-12, atol=1e-12)
    if expected[:3].sum():
        value = (expected[0] + expected[2] / 2) / expected[:3].sum()
        np.testing.assert_allclose(result.value, value, rtol=1e-12)
    else:
        assert np.isnan(result.value)
        assert not result.influence.any()


@settings(max_examples=60)
@given(rows(largest=16), st.sampled_from(sorted(TIME_WEIGHTS)))
def test_time_weights_are_those_of_their_definitions(r, time_weight):
    result = concordance_counts(**r, time_weight=time_weight)
    expected, _ = looked_at(**r, time_weight=time_weight)
    np.testing.assert_allclose([getattr(result, name) for name in NAMES], expected, rtol=1e-11, atol=1e-12)


@settings(max_examples=25)
@given(
    st.booleans().flatmap(lambda entry: rows(entry=entry, largest=9)),
    st.sampled_from(sorted(TIME_WEIGHTS)),
)
def test_an_influence_is_the_derivative_by_the_weight(r, time_weight):
    time_weight = "n" if r["entry"] is not None else time_weight
    result = concordance_counts(**r, time_weight=time_weight)
    weight = np.ones(len(r["time"])) if r["weight"] is None else r["weight"]
    counts, value = looked_at(**r, time_weight=time_weight)
    if counts[:3].sum() == 0:
        return

    def moved(i, step):
        changed = weight.copy()
        changed[i] += step
        c, _ = looked_at(**{**r, "weight": changed}, fixed=value)
        return (c[0] + c[2] / 2) / c[:3].sum()

    step = 1e-5
    slopes = [(moved(i, step) - moved(i, -step)) / (2 * step) for i in range(len(weight))]
    np.testing.assert_allclose(result.influence, weight * slopes, rtol=1e-6, atol=1e-8)


@settings(max_examples=30)
@given(st.booleans().flatmap(lambda entry: rows(entry=entry)))
def test_influences_sum_to_zero_and_a_shift_of_the_score_changes_nothing(r):
    result = concordance_counts(**r)
    assert abs(result.influence.sum()) < 1e-12
    doubled = concordance_counts(**{**r, "score": r["score"] * 2})
    np.testing.assert_array_equal(doubled.influence, result.influence)


@pytest.mark.parametrize("time_weight", sorted(TIME_WEIGHTS))
def test_four_patients_by_hand(time_weight):
    # Events at 1 (score 3; 2, 3 and 1 go on: all concordant, one tied) and at 3 (score 1; 2 goes on).
    time, event = np.array([1.0, 2, 3, 4]), np.array([True, False, True, False])
    score = np.array([3.0, 3, 1, 2])
    late = {"n": 1, "S": 1 / (2 / 3), "S/G": 1 / (2 / 3) ** 2, "n/G2": 1 / (2 / 3) ** 2, "I": 1 / 2}[
        time_weight
    ]
    early = 1 / 4 if time_weight == "I" else 1
    result = concordance_counts(time, event, score, time_weight=time_weight)
    assert (result.tied_y, result.tied_xy) == (0, 0)
    np.testing.assert_allclose(
        [result.concordant, result.discordant, result.tied_x], [2 * early, late, early], rtol=1e-14
    )
    np.testing.assert_allclose(result.value, 2.5 * early / (3 * early + late), rtol=1e-14)


def test_weights_that_left_leave_no_pair_behind():
    # 0.1 + 0.2 - 0.2 - 0.1 is not 0: after both left, nobody is at risk beside the early event.
    result = concordance_counts(
        np.array([1.0, 3, 4]),
        np.array([True, False, False]),
        np.array([1.0, 0, 2]),
        entry=np.array([0.0, 1, 2]),
        weight=np.array([1.0, 0.1, 0.2]),
    )
    assert np.isnan(result.value)
    assert result.concordant == result.discordant == 0
