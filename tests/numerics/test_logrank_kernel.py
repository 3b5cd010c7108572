"""The kernel of the log-rank family against a plain count, and its weights by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.logrank import (
    EventTable,
    contrast,
    count_up_to,
    distinct,
    event_table,
    expected_events,
    fleming_harrington,
    gehan,
    linked_sets,
    modest,
    modified_peto,
    peto_peto,
    quadratic_form,
    scores,
    several_scores,
    survival_before,
    tarone_ware,
)


@st.composite
def rows(draw):
    n = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    whole = draw(st.booleans())
    time = rng.integers(1, 8, n).astype(float) if whole else rng.choice(rng.exponential(3, 8) + 0.1, n)
    event = rng.random(n) < 0.6
    event[0] = True
    return {
        "time": time,
        "event": event,
        "group": rng.integers(0, 3, n),
        "stratum": rng.integers(0, 3, n),
        "entry": time * rng.choice([0, 0.3, 0.9], n),
        "weight": rng.integers(1, 4, n).astype(float),
    }


def counted(time, event, group, stratum, entry, weight):
    """The table by looking at every row at every event time."""
    table = []
    for s in np.unique(stratum):
        for t in np.unique(time[event & (stratum == s)]):
            at_risk = (stratum == s) & (entry < t) & (t <= time)
            happens = at_risk & event & (time == t)
            n_risk = [weight[at_risk & (group == g)].sum() for g in range(3)]
            table.append((s, t, n_risk, [weight[happens & (group == g)].sum() for g in range(3)]))
    return table


@settings(max_examples=150, deadline=None)
@given(rows())
def test_the_table_is_that_of_a_plain_count(r):
    table = event_table(n_group=3, **r)
    expected = counted(**r)
    assert table.stratum.tolist() == [row[0] for row in expected]
    assert table.time.tolist() == [row[1] for row in expected]
    np.testing.assert_array_equal(table.n_risk.T, [row[2] for row in expected])
    np.testing.assert_array_equal(table.n_event.T, [row[3] for row in expected])


@settings(max_examples=100, deadline=None)
@given(rows())
def test_scores_are_the_sums_of_the_textbook(r):
    table = event_table(n_group=3, **r)
    weight = np.linspace(1, 2, len(table.time))
    score, covariance = np.zeros(3), np.zeros((3, 3))
    for i, w in enumerate(weight):
        share, d = table.n_risk[:, i] / table.n_risk[:, i].sum(), table.n_event[:, i].sum()
        n = table.n_risk[:, i].sum()
        score += w * (table.n_event[:, i] - d * share)
        if n > 1:
            spread = np.diag(share) - np.outer(share, share)
            covariance += w**2 * d * (n - d) / (n - 1) * spread
    ours = scores(table, weight)
    np.testing.assert_allclose(ours[0], score, atol=1e-12)
    np.testing.assert_allclose(ours[1], covariance, atol=1e-12)
    assert expected_events(table).sum() == pytest.approx(table.n_event.sum())
    assert np.abs(ours[1].sum(axis=1)).max() < 1e-12


@settings(max_examples=50, deadline=None)
@given(rows())
def test_survival_starts_again_in_every_stratum(r):
    table = event_table(n_group=3, **r)
    before = survival_before(table)
    for s in np.unique(table.stratum):
        rows = table.stratum == s
        factor = 1 - table.n_event[:, rows].sum(axis=0) / table.n_risk[:, rows].sum(axis=0)
        np.testing.assert_allclose(before[rows], np.append(1, np.cumprod(factor)[:-1]))


# n 4, 3, 2 and then n 3 in a second stratum, one event each: S(t-) is 1, 3/4, 1/2 and 1 again
TABLE = EventTable(
    stratum=np.array([0, 0, 0, 1]),
    time=np.array([1.0, 2.0, 3.0, 2.0]),
    n_risk=np.array([[2.0, 1, 1, 1], [2.0, 2, 1, 2]]),
    n_event=np.array([[1.0, 0, 0, 1], [0.0, 1, 1, 0]]),
)


def test_weights_by_hand():
    before = [1, 3 / 4, 1 / 2, 1]
    peto = [4 / 5, 4 / 5 * 3 / 4, 4 / 5 * 3 / 4 * 2 / 3, 3 / 4]
    np.testing.assert_allclose(survival_before(TABLE), before)
    np.testing.assert_allclose(fleming_harrington(TABLE, 0, 0), np.ones(4))
    np.testing.assert_allclose(fleming_harrington(TABLE, 2, 1), [0, 9 / 64, 1 / 8, 0])
    np.testing.assert_allclose(gehan(TABLE), [4, 3, 2, 3])
    np.testing.assert_allclose(tarone_ware(TABLE), np.sqrt([4, 3, 2, 3]))
    np.testing.assert_allclose(peto_peto(TABLE), peto)
    np.testing.assert_allclose(modified_peto(TABLE), np.multiply(peto, [4 / 5, 3 / 4, 2 / 3, 3 / 4]))


def test_modest_weights_stay_from_t_star_on():
    np.testing.assert_allclose(modest(TABLE, 9.0), [1, 4 / 3, 2, 1])
    np.testing.assert_allclose(modest(TABLE, 2.0), [1, 4 / 3, 4 / 3, 1])
    np.testing.assert_allclose(modest(TABLE, 2.5), [1, 4 / 3, 2, 1])
    np.testing.assert_allclose(modest(TABLE, 0.5), [1, 1, 1, 1])


def test_several_scores_are_those_of_each_weight():
    weights = np.array([gehan(TABLE), peto_peto(TABLE)])
    score, covariance = several_scores(TABLE, weights)
    for i, weight in enumerate(weights):
        one, variance = scores(TABLE, weight)
        assert score[i] == pytest.approx(one[1])
        assert covariance[i, i] == pytest.approx(variance[1, 1])
    sums, both = scores(TABLE, weights.sum(axis=0))
    assert covariance.sum() == pytest.approx(both[1, 1])
    assert score.sum() == pytest.approx(sums[1])


def test_leaving_groups_out_is_as_if_they_were_not_there():
    r = {"time": np.array([1.0, 2, 3, 4, 5]), "event": np.array([1, 1, 1, 0, 1], dtype=bool)}
    group = np.array([0, 1, 2, 0, 2])
    part, kept = event_table(**r, group=group, n_group=3).of_groups([0, 2]), group != 1
    alone = event_table(r["time"][kept], r["event"][kept], group[kept] // 2, 2)
    np.testing.assert_array_equal(part.n_risk, alone.n_risk)
    np.testing.assert_array_equal(part.n_event, alone.n_event)
    np.testing.assert_array_equal(part.time, alone.time)


def test_linked_groups_form_sets():
    # 0 with 2, 2 with 4 (so 0, 2, 4 are one set), 1 with 3, 5 with nobody
    covariance = np.zeros((6, 6))
    for i, j in ((0, 2), (2, 4), (1, 3)):
        covariance[i, j] = covariance[j, i] = -1.0
    np.fill_diagonal(covariance, -covariance.sum(axis=1))
    linked = linked_sets(covariance)
    assert linked.tolist() == [0, 1, 0, 1, 0, 5]
    score = np.array([1.0, 2, -3, -2, 2, 0])
    generalised = score @ np.linalg.pinv(covariance) @ score
    assert quadratic_form(score, covariance, linked) == pytest.approx(generalised)


def test_a_contrast_keeps_its_digits_when_the_scores_are_far_from_zero():
    covariance = np.array([[2.0, -1.5, -0.5], [-1.5, 2.5, -1.0], [-0.5, -1.0, 1.5]])
    c, score = np.array([1.0, 2.0, 4.0]), np.array([0.5, -1.0, 0.5])
    near, far = contrast(score, covariance, c), contrast(score, covariance, c + 1e9)
    assert near[1] == pytest.approx(c @ covariance @ c)
    assert far[1] == pytest.approx(near[1], rel=1e-12)


def test_counting_and_sorting_agree():
    rng = np.random.default_rng(3)
    whole = rng.integers(0, 50, 400).astype(float)
    far = whole * 1e6  # too long a range to count
    for values in (whole, far, whole + 0.5):
        times = distinct(values[:200])
        assert times.tolist() == np.unique(values[:200]).tolist()
        assert count_up_to(times, values).tolist() == [int((times <= v).sum()) for v in values]


@pytest.mark.parametrize("scale", [1.0, 1.37])
def test_a_table_costs_about_ten_times_as_much_for_ten_times_the_rows(scale):
    from time import perf_counter

    rng = np.random.default_rng(5)

    def seconds(n):
        time = np.ceil(rng.exponential(1000, n)) * scale
        event, group, best = rng.random(n) < 0.6, rng.integers(0, 3, n), np.inf
        for _ in range(3):
            begin = perf_counter()
            event_table(time, event, group, 3)
            best = min(best, perf_counter() - begin)
        return best

    assert seconds(200_000) < 60 * seconds(20_000) + 0.1
