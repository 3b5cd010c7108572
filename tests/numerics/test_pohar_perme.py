"""Sums of reciprocals of population survival: those of a plain loop, however the follow-up is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.numerics.pohar_perme import excess_hazard, expected_deaths, risk_sums
from hemresearch.numerics.population_hazard import PopulationRates, hazards

YEARS = np.arange(1990, 2001)
STARTS = (YEARS.astype("U4").astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
RATES = PopulationRates(np.random.default_rng(1).uniform(1e-5, 1e-2, (2, 5, len(YEARS))), 40, STARTS, 365.241)


def by_days(group: int, age: float, day: float, end: int) -> np.ndarray:
    """The cumulative hazard at the end of each day, 0 first."""
    many = np.ones(end)
    rate = hazards(RATES, (group * many).astype(int), age * many, day * many, np.arange(end, dtype=float))
    return np.concatenate([[0.0], np.cumsum(rate)])


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.integers(14000, 17000), st.integers(7000, 11500), st.integers(0, 300),
                  st.integers(1, 800), st.floats(0.5, 2)), min_size=1, max_size=5,
    )
)  # fmt: skip
def test_sums_are_those_of_a_loop_over_days(rows):
    group, age, day, begin, length, weight = (np.array(column) for column in zip(*rows, strict=True))
    end = begin + length
    times = np.unique(np.concatenate([[0], begin, end, [100, 555]])).astype(float)
    times = times[times <= end.max()]
    people = (group, age.astype(float), day.astype(float))
    where = begin.astype(float), end.astype(float), times, weight
    sums, deaths = risk_sums(RATES, people, *where), expected_deaths(RATES, *people, *where)
    whole = [by_days(*row, e) for *row, e in zip(group, age, day, end, strict=True)]
    assert sums.own == pytest.approx([np.exp(h[-1]) for h in whole], rel=1e-9)
    for k in range(1, len(times)):
        here, before = int(times[k]), int(times[k - 1])
        at_risk = [i for i in range(len(rows)) if begin[i] < here <= end[i]]
        value = {t: sum(weight[i] * np.exp(whole[i][t]) for i in at_risk) for t in (here, before)}
        assert sums.after[k] == pytest.approx(value[here], rel=1e-9, abs=1e-12)
        assert sums.before[k] == pytest.approx(value[before], rel=1e-9, abs=1e-12)
        expected = sum(weight[i] * (whole[i][here] - whole[i][before]) for i in at_risk)
        assert deaths[k] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_those_of_no_time_are_at_risk_at_time_zero():
    people = np.array([0, 1]), np.array([15000.0, 15500]), np.array([8000.0, 8000])
    times, one = np.array([0.0, 5]), np.ones(2)
    where = np.zeros(2), np.array([0.0, 5]), times, one
    sums = risk_sums(RATES, people, *where)
    assert sums.after[0] == sums.before[0] == 2
    assert sums.before[1] == 1
    assert expected_deaths(RATES, *people, *where)[0] == 0
    hazard, variance = excess_hazard(sums, np.array([0, 1]), np.array([True, False]), one, one)
    assert hazard[0] == 0.5
    assert variance.tolist() == [0.25, 0]


def test_a_time_at_which_nobody_is_at_risk_adds_nothing():
    people = np.array([0, 1]), np.array([15000.0, 15500]), np.array([8000.0, 8000])
    times, one = np.array([0.0, 5, 9, 20]), np.ones(2)
    sums = risk_sums(RATES, people, np.array([0.0, 9]), np.array([5.0, 20]), times, one)
    hazard, variance = excess_hazard(sums, np.array([1, 3]), np.array([True, True]), one, one)
    assert hazard[2] == variance[2] == 0
