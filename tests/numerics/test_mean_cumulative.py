"""The mean number of events against its definition: by patient, by derivatives and without censoring."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.mean_cumulative import (
    RecurrentRows,
    mean_cumulative,
    mean_scores,
    mean_variance,
    weighted_influence,
)


def patients(rng, n=14, *, deaths=True, censoring=True, late=False):
    """Rows (entry, time] of patients with events at whole times, so that there are ties."""
    start, stop, event, death, owner = [], [], [], [], []
    for i in range(n):
        begin = float(rng.integers(0, 4)) if late else 0.0
        end = begin + float(rng.integers(3, 12) if censoring else 12)
        dies = deaths and (rng.random() < 0.5)
        if dies and not censoring:
            end = float(rng.integers(2, 12))
        times = np.unique(rng.integers(int(begin) + 1, int(end) + 1, rng.integers(0, 4))).astype(float)
        cuts = np.unique(np.append(times, end))
        for a, b in zip(np.append(begin, cuts[:-1]), cuts, strict=True):
            start.append(a), stop.append(b), owner.append(i)
            event.append(b in times), death.append(dies and b == end)
    arrays = [np.array(v) for v in (start, stop, event, death, owner)]
    return dict(zip(("entry", "time", "event", "death", "owner"), arrays, strict=True))


def mean_of(p, weight=None):
    return mean_cumulative(RecurrentRows(p["time"], p["event"], p["death"], p["entry"], weight))


@pytest.mark.parametrize("late", [False, True])
def test_the_mean_is_the_sum_of_survival_times_events_over_those_at_risk(late):
    p = patients(np.random.default_rng(1), late=late)
    m, survival, mean = mean_of(p), 1.0, 0.0
    for t, estimated in zip(m.events.time, m.mean, strict=True):
        at_risk = ((p["entry"] < t) & (p["time"] >= t)).sum()
        mean += survival * (p["event"] & (p["time"] == t)).sum() / at_risk
        survival *= 1 - (p["death"] & (p["time"] == t)).sum() / at_risk
        assert estimated == pytest.approx(mean, rel=1e-12)


def test_without_censoring_it_is_the_average_number_of_events_with_its_variance():
    p = patients(np.random.default_rng(2), n=20, censoring=False)
    m = mean_of(p)
    n = p["owner"].max() + 1
    for k in range(len(m.events.time)):
        happened = p["event"] & (p["time"] <= m.events.time[k])
        count = np.bincount(p["owner"][happened], minlength=n)
        assert m.mean[k] == pytest.approx(count.mean(), rel=1e-12)
        assert mean_variance(m, p["owner"])[k] == pytest.approx(count.var() / n, rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("deaths", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_the_variance_is_the_sum_of_squared_numerical_derivatives(deaths, late):
    rng = np.random.default_rng(3)
    for _ in range(4):
        p = patients(rng, deaths=deaths, late=late)
        p = {
            k: np.append(v, last)
            for (k, v), last in zip(p.items(), (0.0, 20.0, False, False, 14), strict=True)
        }
        weight, step = rng.uniform(0.5, 2, len(p["time"])), 1e-5
        moved = []
        for k in range(15):
            up, down = (weight * (1 + sign * step * (p["owner"] == k)) for sign in (1, -1))
            moved.append((mean_of(p, up).mean - mean_of(p, down).mean) / (2 * step))
        m = mean_of(p, weight)
        variance = mean_variance(m, p["owner"])
        assert variance == pytest.approx(np.square(moved).sum(axis=0), rel=1e-6, abs=1e-10)
        for at in (3, len(variance) - 1):
            row = weighted_influence(m, (np.arange(len(variance)) <= at).astype(float))
            assert np.bincount(p["owner"], row) == pytest.approx(np.array(moved)[:, at], rel=1e-5, abs=1e-8)
            assert (np.bincount(p["owner"], row) ** 2).sum() == pytest.approx(variance[at], rel=1e-9)


def test_deaths_of_everybody_leave_a_mean_that_stands_still():
    rows = RecurrentRows(
        np.array([1.0, 2, 2, 3]), np.array([True, False, True, True]), np.array([False, True, True, False]),
        np.array([0.0, 0, 1, 2]), None,
    )  # fmt: skip
    m = mean_cumulative(rows)
    assert m.mean.tolist() == [1 / 2, 1.0, 1.0]
    assert np.isfinite(mean_variance(m, np.array([0, 1, 0, 2]))).all()


@pytest.mark.parametrize("late", [True, False])
def test_scores_compare_steps_of_the_means_weighted_by_those_at_risk(late):
    rng = np.random.default_rng(4)
    groups = [patients(rng, n=9, late=late) for _ in range(3)]
    means = [mean_of(p) for p in groups]
    score, influences = mean_scores(means)
    assert score.sum() == pytest.approx(0, abs=1e-12)
    by_hand = np.zeros(3)
    for t in np.unique(np.concatenate([p["time"] for p in groups])):
        y = np.array([((p["entry"] < t) & (p["time"] >= t)).sum() for p in groups])
        step = [np.diff(m.mean, prepend=0)[m.events.time == t].sum() for m in means]
        by_hand += y * (step - (y * step).sum() / y.sum())
    assert score == pytest.approx(by_hand, abs=1e-12)
    for p, influence in zip(groups, influences, strict=True):
        assert influence.shape == (len(p["time"]), 3)
        assert influence.sum(axis=1) == pytest.approx(0, abs=1e-12)
        assert influence.sum(axis=0) == pytest.approx(0, abs=1e-12)
