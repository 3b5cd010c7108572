"""Time axes have ticks at clinical units and end where few are left."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.plots import ticks


@pytest.mark.parametrize(
    ("span", "unit", "most", "step"),
    [
        (68, "months", 7, 12),
        (68, "months", 3, 24),
        (14, "months", 8, 2),
        (2050, "days", 7, 365),
        (2050, "days", 3, 730),
        (200, "days", 7, 30),
        (5, "years", 6, 1),
        (1.4, "years", 6, 0.25),
        (40, "years", 6, 10),
        (20_000, "days", 6, 3650),
        (30, "weeks", 8, 4),
        (2050, None, 6, 500),
        (0.03, None, 6, 0.005),
        (0.03, "days", 6, 0.005),
        (10_000_000, "days", 4, 2_500_000),
    ],
)
def test_steps_are_those_a_clinician_knows(span, unit, most, step):
    assert ticks.time_step(span, unit, most) == pytest.approx(step)
    assert span / step <= most + 1e-9


def test_ticks_are_multiples_of_the_step_from_the_start():
    assert ticks.tick_times(0, 30, 12).tolist() == [0, 12, 24]
    assert ticks.tick_times(6, 36, 12).tolist() == [12, 24, 36]
    assert ticks.tick_times(0, 0.3, 0.1).tolist() == [0, 0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (18250, "18250"), (0.005, "0.005"), (2.5, "2.5"), (2.5e6, "2500000")]
)
def test_tick_labels_have_no_exponent(value, text):
    assert ticks.tick_label(value) == text


@pytest.mark.parametrize(
    ("unit", "name", "found"),
    [
        ("days", "os_months", "days"),
        (None, "os_months", "months"),
        (None, "Months", "months"),
        (None, "time (years)", "years"),
        (None, "month", "months"),
        (None, "futime", None),
        (None, "birthdays", None),
        (None, None, None),
        ("seconds", None, None),
    ],
)
def test_the_unit_is_stated_or_read_off_the_name(unit, name, found):
    assert ticks.unit_of(unit, name) == found


@pytest.mark.parametrize(
    ("shown", "unit", "factor"),
    [
        ("years", "days", 365.25),
        ("months", "days", 30.4375),
        ("years", "months", 12),
        ("months", "years", 1 / 12),
        ("days", "days", 1),
        ("months", "months", 1),
    ],
)
def test_units_convert_as_calendars_do(shown, unit, factor):
    assert ticks.units_per(shown, unit) == pytest.approx(factor, rel=1e-15)


def falling(n: int) -> tuple[np.ndarray, np.ndarray]:
    """One patient leaves at each of the times 1 to n."""
    return np.arange(1.0, n + 1), np.arange(n, 0.0, -1)


def test_the_axis_ends_where_a_tenth_is_left():
    time, n_risk = falling(1000)
    assert ticks.natural_end([time], [n_risk], 1000) == (901.0, True)


def test_the_axis_ends_where_ten_patients_are_left():
    time, n_risk = falling(50)
    assert ticks.natural_end([time], [n_risk], 50) == (41.0, True)


def test_groups_count_together():
    short, long = falling(100), (np.arange(1.0, 101) * 3, np.arange(100, 0.0, -1))
    end, cut = ticks.natural_end([short[0], long[0]], [short[1], long[1]], 200)
    assert cut
    assert end == 243.0  # 20 of the second group, nobody of the first


def test_few_patients_are_all_shown():
    time, n_risk = falling(39)
    assert ticks.natural_end([time], [n_risk], 39) == (39.0, False)


def test_an_axis_is_never_cut_away_entirely():
    one_time = np.array([5.0])
    assert ticks.natural_end([one_time], [np.array([100.0])], 100) == (5.0, False)
    late_entries = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    assert ticks.natural_end([late_entries[0]], [late_entries[1]], 100) == (2.0, False)


def test_the_end_moves_to_a_tick_that_is_near():
    assert ticks.snapped_end(0, 59, 12, cut=True) == 60
    assert ticks.snapped_end(0, 61, 12, cut=True) == 60
    assert ticks.snapped_end(0, 66, 12, cut=True) == 66
    assert ticks.snapped_end(0, 61, 12, cut=False) == pytest.approx(62.22)  # nothing that was drawn is hidden


def test_round_times_are_spread_over_an_axis_that_is_not_even():
    def log_mm(time):
        return 40 * np.log10(time)

    assert ticks.spread_times(0.9, 999, log_mm, lambda time: 5) == [1, 2, 5, 10, 20, 50, 100, 200, 500]
    assert ticks.spread_times(0.9, 999, log_mm, lambda time: 36) == [1, 10, 100]
    even = ticks.spread_times(3, 97, lambda time: time, lambda time: 5)
    assert even == [10, 20, 30, 40, 50, 75]
    assert ticks.spread_times(0.003, 0.02, lambda t: 5000 * t, lambda t: 36) == [0.01, 0.02]


@pytest.mark.parametrize("first", [0.0, 0.4, 17.0])
def test_labels_of_round_times_never_crowd(first):
    rng = np.random.default_rng(5)
    grid = np.sort(rng.exponential(50, 200)) + first
    shown = ticks.spread_times(
        first, grid[-1], lambda t: float(np.interp(t, grid, range(200))) / 2, lambda t: 9
    )
    places = np.interp(shown, grid, range(200)) / 2
    assert len(shown) >= 3
    assert (np.diff(places) >= 9 - 1e-9).all()
    assert shown[0] >= first
