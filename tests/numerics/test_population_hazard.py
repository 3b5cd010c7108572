"""The hazard of a population along follow-up: exact between borders, and the same however it is cut."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.numerics.population_hazard import (
    PopulationRates,
    age_cell,
    cumulative_at,
    cumulative_hazard,
    hazard_sums,
    hazards,
    survival_sums,
    year_cell,
)

YEARS = np.arange(1990, 2001)
STARTS = (YEARS.astype("U4").astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
RNG = np.random.default_rng(1)
RATES = PopulationRates(RNG.uniform(1e-5, 1e-2, (2, 5, len(YEARS))), 40, STARTS, 365.25)


def day(text: str) -> float:
    return float((date.fromisoformat(text) - date(1970, 1, 1)).days)


def one(age: float, start: float, begin: float, end: float, group: int = 0) -> float:
    return cumulative_hazard(
        RATES, np.array([group]), np.array([age]), np.array([start]), np.array([begin]), np.array([end])
    )[0]


def test_two_borders_are_crossed_where_they_stand():
    # aged 41 years and 300 days on 1 December 1995: 1996 begins after 31 days, the birthday is after 65.25
    age, start = 41 * 365.25 + 300, day("1995-12-01")
    h = RATES.hazard[1]
    expected = 31 * h[1, 5] + (65.25 - 31) * h[1, 6] + (100 - 65.25) * h[2, 6]
    assert one(age, start, 0, 100, group=1) == pytest.approx(expected, rel=1e-14)


def test_the_last_age_is_open_and_the_edges_of_the_calendar_are_carried_on():
    h = RATES.hazard[0]
    assert one(60 * 365.25, day("1994-03-01"), 0, 10) == pytest.approx(10 * h[4, 4], rel=1e-14)
    assert one(42 * 365.25, day("2004-03-01"), 0, 10) == pytest.approx(10 * h[2, 10], rel=1e-14)
    assert one(42 * 365.25, day("1989-12-27"), 0, 10) == pytest.approx(10 * h[2, 0], rel=1e-14)
    assert one(30 * 365.25, day("1994-03-01"), 0, 10) == pytest.approx(10 * h[0, 4], rel=1e-14)


def test_no_time_has_no_hazard():
    assert one(42 * 365.25, day("1995-06-01"), 7, 7) == 0.0
    assert one(42 * 365.25, day("1995-06-01"), 0, 0) == 0.0


@given(
    age=st.floats(38 * 365.25, 47 * 365.25),
    start=st.integers(int(STARTS[0]) - 400, int(STARTS[-1]) + 400),
    length=st.integers(1, 900),
)
def test_the_integral_is_the_sum_of_its_days(age: float, start: int, length: int):
    # in quarters of a day, since birthdays of whole days of age fall on quarters of a day
    age = round(age)
    quarters = np.arange(length * 4) / 4
    many = np.ones(len(quarters))
    walked = hazards(RATES, np.zeros(len(quarters), dtype=np.int64), many * age, many * start, quarters)
    assert one(age, float(start), 0, length) == pytest.approx(walked.sum() / 4, rel=1e-10)


@given(cuts=st.lists(st.floats(0, 2000), min_size=1, max_size=6))
def test_the_hazard_adds_up_over_pieces(cuts: list[float]):
    times = np.array(sorted(cuts))
    age, start, out = 41.3 * 365.25, day("1993-05-05"), np.empty(len(times))
    cumulative_at(RATES, 0, age, start, times, len(times), out)
    pieces = [one(age, start, a, b) for a, b in zip([0.0, *times[:-1]], times, strict=True)]
    assert out == pytest.approx(np.cumsum(pieces), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("1989-12-31", -1), ("1990-01-01", 0), ("1996-12-31", 6), ("1997-01-01", 7), ("2000-01-01", 10),
        ("2050-01-01", 10),
    ],
)  # fmt: skip
def test_a_year_begins_on_its_first_of_january(text: str, cell: int):
    assert year_cell(RATES, day(text)) == cell


def test_sums_count_those_still_followed():
    group, age = np.array([0, 1, 1]), np.array([41.0, 42.5, 43.0]) * 365.25
    start = np.full(3, day("1995-01-01"))
    times = np.array([100.0, 200.0, 300.0])
    end = np.array([100.0, 250, 300])
    n_risk, hazard = hazard_sums(RATES, group, age, start, end, times)
    assert n_risk.tolist() == [3, 2, 1]
    n_risk, before, after = survival_sums(RATES, group, age, start, end, times)
    assert n_risk.tolist() == [3, 2, 1]
    alone = np.array([[one(a, start[0], 0, t, g) for t in times] for g, a in zip(group, age, strict=True)])
    assert hazard[0] == pytest.approx(alone[:, 0].sum(), rel=1e-12)
    assert hazard[2] == pytest.approx(alone[2, 2] - alone[2, 1], rel=1e-12)
    assert before == pytest.approx([3, np.exp(-alone[1:, 0]).sum(), np.exp(-alone[2, 1])], rel=1e-12)
    assert after[1] == pytest.approx(np.exp(-alone[1:, 1]).sum(), rel=1e-12)


@pytest.mark.parametrize("length", [365.25, 365.241, 365.242199])
def test_whole_years_are_complete_at_their_end(length: float):
    assert [age_cell(year * length, length) for year in range(131)] == list(range(131))
    assert [age_cell(np.nextafter(year * length, 0), length) for year in range(1, 131)] == list(range(130))


@given(
    ends=st.lists(st.floats(0, 1500), min_size=1, max_size=5),
    cuts=st.lists(st.floats(0, 1500), min_size=1, max_size=6, unique=True),
)
def test_sums_by_cells_are_the_sums_of_each_one(ends: list[float], cuts: list[float]):
    times, end = np.unique(cuts), np.array(ends)
    group, start = np.arange(len(ends)) % 2, np.full(len(ends), day("1993-05-05"))
    age = 365.25 * (39.5 + np.arange(len(ends)))
    n_risk, hazard = hazard_sums(RATES, group, age, start, end, times)
    before = np.concatenate([[0.0], times[:-1]])
    for j, time in enumerate(times):
        there = end >= time
        own = [one(age[i], start[0], before[j], time, group[i]) for i in range(len(ends)) if there[i]]
        assert n_risk[j] == there.sum()
        assert hazard[j] == pytest.approx(sum(own), rel=1e-8, abs=1e-13)


def test_nobody_and_no_time_sum_to_nothing():
    none = np.empty(0)
    n_risk, hazard = hazard_sums(RATES, none.astype(np.int64), none, none, none, np.array([0.0, 5.0]))
    assert n_risk.tolist() == hazard.tolist() == [0, 0]
    at_once = np.array([0.0])
    args = (RATES, np.array([0]), np.array([41 * 365.25]), np.array([day("1993-05-05")]), at_once)
    n_risk, hazard = hazard_sums(*args, np.array([0.0, 5.0]))
    assert (n_risk.tolist(), hazard.tolist()) == ([1, 0], [0, 0])
    n_risk, before, after = survival_sums(*args, np.array([0.0, 5.0]))
    assert (before.tolist(), after.tolist()) == ([1, 0], [1, 0])
