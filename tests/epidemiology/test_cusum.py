"""Cumulative sums: spc's run lengths, by hand, simulation, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import cusum
from hemresearch.numerics.cusum import Process, cumulative, run_length, threshold_for


def periods(events, **columns) -> pl.DataFrame:
    return pl.DataFrame({"time": range(1, len(events) + 1), "d": events, **columns})


@pytest.mark.parametrize("case_id", reference_cases("time_series", "cusum_"))
def test_run_lengths_match_spc(reference, case_id):
    case = reference("time_series", case_id)
    p = Process(np.array([float(case.options["mean"])]), case.options["ratio"])
    for name, ratio in (("run_length", 1.0), ("changed", case.options["ratio"])):
        assert_close(run_length(p, case.options["threshold"], ratio), case.values[name], rel=2e-5)


def test_by_hand():
    # target 2, ratio 2: x log 2 - 2
    result = cusum(periods([2, 4, 6, 0, 5]), time="time", events="d", target=2, ratio=2, threshold=2.5)
    log2 = np.log(2)
    first = max(0.0, 2 * log2 - 2)
    second = first + 4 * log2 - 2
    third = second + 6 * log2 - 2
    expected = [first, second, third, 0.0, 5 * log2 - 2]
    assert_close(result.to_frame()["statistic"].to_list(), expected, rel=1e-12)
    assert result.signals()["time"].to_list() == [3]
    assert result.to_frame()["expected"].to_list() == [2.0] * 5
    kept = cusum(
        periods([2, 4, 6, 0, 5]), time="time", events="d", target=2, ratio=2, threshold=2.5, restart=False
    ).to_frame()
    assert kept["statistic"][3] == pytest.approx(third - 2)


def test_shares_by_hand():
    # odds ratio 3 at a risk of 0.1: x log 3 - n log(0.9 + 0.3)
    data = periods([1, 4], n=[10, 12])
    result = cusum(data, time="time", events="d", n="n", target=0.1, ratio=3, threshold=5)
    first = max(0.0, np.log(3) - 10 * np.log(1.2))
    assert_close(result.to_frame()["statistic"].to_list(), [first, first + 4 * np.log(3) - 12 * np.log(1.2)])
    assert result.text() == "Bernoulli CUSUM (odds ratio 3): no signal"
    assert result.to_frame()["n"].to_list() == [10, 12]


def test_observed_over_expected_and_rates():
    data = periods([3, 6, 9, 4], e=[3.0, 5.0, 4.0, 4.0])
    by_expected = cusum(data, time="time", events="d", expected="e", threshold=2)
    by_time = cusum(data, time="time", events="d", person_time="e", target=1.0, threshold=2)
    assert_close(by_expected.to_frame()["statistic"].to_list(), by_time.to_frame()["statistic"].to_list())
    assert by_expected.target == 1.0


@pytest.mark.parametrize(
    "process",
    [
        Process(np.array([4.0, 9.0, 2.0]), 0.5),
        Process(np.array([3.0, 6.0]), 1.8),
        Process(np.array([30.0, 50.0, 40.0]), 2.0, 0.05),
    ],
)
@pytest.mark.parametrize("changed", [False, True])
def test_run_length_is_that_of_simulated_series(process, changed):
    rng, n = np.random.default_rng(7), 4000
    true = process.ratio if changed else 1.0
    level, length, runs = np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while runs.any():
        size = rng.choice(process.size, n)
        if process.share is None:
            count = rng.poisson(size * true)
        else:
            odds = true * process.share / (1 - process.share)
            count = rng.binomial(size.astype(int), odds / (1 + odds))
        level = np.maximum(0.0, level + count * np.log(process.ratio) - process.drift(size))
        length += runs
        runs &= level <= 2.0
    error = length.std() / np.sqrt(n)
    assert abs(run_length(process, 2.0, true) - length.mean()) < 4 * error + 0.01 * length.mean()


def test_a_threshold_gives_the_run_length_that_was_asked_for():
    p = Process(np.array([5.0]), 1.5)
    h = threshold_for(p, 200)
    assert run_length(p, h) >= 200 > run_length(p, 0.98 * h)
    result = cusum(periods([5, 4, 6, 5]), time="time", events="d", target=5, ratio=1.5, run_length=200)
    assert result.threshold == h
    assert result.run_length(1.5) < result.run_length() < result.run_length(0.9)
    summary = result.summary()
    assert summary["run_length"][0] == result.run_length()
    assert "threshold" in result.methods()
    assert "no signal" in repr(result)


def test_a_sum_that_does_not_restart_stays_above():
    total, signal = cumulative(np.array([1.0, 1.0, 1.0, -5.0, 0.5]), 1.5, restart=False)
    assert total.tolist() == [1, 2, 3, 0, 0.5]
    assert signal.tolist() == [False, True, True, False, False]


def test_a_baseline_that_varies_too_much_is_warned_of():
    data = periods([5, 20, 4, 22, 3, 18, 6, 21])
    answer = assert_warns(
        lambda: cusum(data, time="time", events="d", threshold=3), argument="events", column="d",
        says=["dispersion 5.886", "sooner"],
    )  # fmt: skip
    assert answer.target == 99 / 8


def test_refusals():
    data = periods([1, 2, 3], n=[5, 5, 5], e=[1.0, -1.0, 2.0])
    base = {"time": "time", "events": "d"}
    assert_refused(lambda: cusum(data, **base, ratio=1), argument="ratio")
    assert_refused(lambda: cusum(data, **base, ratio=0), argument="ratio")
    assert_refused(lambda: cusum(data, **base, threshold=3, run_length=100), argument="run_length")
    assert_refused(lambda: cusum(data, **base, threshold=0), argument="threshold")
    assert_refused(lambda: cusum(data, **base, run_length=1), argument="run_length")
    assert_refused(lambda: cusum(data, **base, n="n", person_time="e"), argument="person_time")
    assert_refused(lambda: cusum(data, **base, expected="e"), argument="expected", column="e", rows=[2])
    assert_refused(lambda: cusum(data, **base, n="n", target=1.0), argument="target")
    assert_refused(lambda: cusum(data.with_columns(d=0), **base), argument="events", column="d")
    assert_refused(
        lambda: cusum(data.with_columns(d="n"), **base, n="n"), argument="events", column="d",
        says=["nothing but events"],
    )  # fmt: skip
    assert_refused(lambda: cusum(data, **base, threshold=3).run_length(0), argument="ratio")
