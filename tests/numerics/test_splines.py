"""Knots and spline bases: equal to R's, equal to hand-worked values, and linear where they must be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.numerics.splines import (
    b_splines,
    harrell_knots,
    natural_spline_basis,
    restricted_cubic_basis,
)

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "splines.json").read_text())
GRID = REFERENCE["grid"]
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def named(case):
    return "-".join(str(value) for value in case.values() if not isinstance(value, list))


@pytest.mark.parametrize("case", REFERENCE["harrell"], ids=named)
def test_knots_lie_where_rms_places_them(case):
    knots = harrell_knots(REFERENCE["samples"][case["sample"]], case["n_knots"])
    np.testing.assert_allclose(knots, case["knots"], **EXACT)


@pytest.mark.parametrize("case", REFERENCE["restricted"], ids=lambda c: f"{len(c['knots'])} knots")
def test_the_restricted_basis_equals_rcspline_eval(case):
    np.testing.assert_allclose(restricted_cubic_basis(GRID, case["knots"]), case["basis"], **EXACT)


@pytest.mark.parametrize("case", REFERENCE["natural"], ids=lambda c: f"{len(c['inner_knots'])} inner knots")
def test_the_natural_basis_equals_ns_inside_and_outside_its_boundary(case):
    basis = natural_spline_basis(GRID, case["inner_knots"], case["boundary"])
    np.testing.assert_allclose(basis, case["basis"], **EXACT)


@pytest.mark.parametrize("case", REFERENCE["natural_from_df"], ids=named)
def test_the_natural_basis_equals_ns_with_degrees_of_freedom(case):
    x = np.array(REFERENCE["samples"][case["sample"]])
    inner = np.quantile(x, np.linspace(0, 1, case["df"] + 1)[1:-1])
    np.testing.assert_allclose(inner, case["inner_knots"], **EXACT)
    basis = natural_spline_basis(x[:8], inner, [x.min(), x.max()])
    np.testing.assert_allclose(basis, case["first_rows"], **EXACT)


@pytest.mark.parametrize(
    ("n_knots", "percent"),
    [
        (3, [10, 50, 90]),
        (4, [5, 35, 65, 95]),
        (5, [5, 27.5, 50, 72.5, 95]),
        (6, [5, 23, 41, 59, 77, 95]),
        (7, [2.5, 18.33, 34.17, 50, 65.83, 81.67, 97.5]),
    ],
)
def test_knots_follow_harrells_table_of_percentiles(n_knots, percent):
    np.testing.assert_allclose(harrell_knots(np.arange(1001) / 10, n_knots), percent, atol=0.01)


def test_below_a_hundred_values_the_outer_knots_are_the_fifth_smallest_and_the_fifth_largest():
    np.testing.assert_array_equal(harrell_knots(np.arange(1.0, 100.0), 3), [5, 50, 95])
    np.testing.assert_allclose(harrell_knots(np.arange(1.0, 101.0), 3), [10.9, 50.5, 90.1])


def test_a_heavy_minimum_moves_the_first_knot_to_the_next_value():
    x = np.concatenate([np.zeros(20), np.arange(1.0, 181.0)])
    np.testing.assert_allclose(harrell_knots(x, 3), [1, np.median(np.arange(2.0, 181.0)), 162.2])


@pytest.mark.parametrize(
    ("x", "n_knots", "found"),
    [
        ([1.0, 2, 3, 4, 5], 3, 0),
        ([7.0] * 50, 3, 0),
        ([0.0] * 50 + [1.0] * 50, 3, 0),
        (np.tile(np.arange(7.0), 12), 6, 5),
        (np.r_[np.zeros(8), np.full(200, 5.0), np.arange(6, 12)], 4, 1),
    ],
)
def test_fewer_knots_come_back_where_the_data_carry_no_more(x, n_knots, found):
    assert len(harrell_knots(x, n_knots)) == found


def test_the_restricted_basis_by_hand():
    # knots 1, 3, 5 at x = 6: (5^3 - 3^3 * 4/2 + 1^3 * 2/2) / 4^2
    np.testing.assert_allclose(restricted_cubic_basis([6.0], [1, 3, 5]), [[6, (125 - 54 + 1) / 16]])


def test_a_natural_spline_without_inner_knots_is_a_straight_line_from_zero():
    basis = natural_spline_basis([2.0, 3.0, 5.0, 9.0], [], [2.0, 6.0])[:, 0]
    np.testing.assert_allclose(basis[0], 0, atol=1e-14)
    np.testing.assert_allclose(basis / basis[1], [0, 1, 3, 7], atol=1e-12)


def test_b_splines_sum_to_one_up_to_and_at_the_right_end():
    knots = np.array([0, 0, 0, 0, 2, 3, 7, 7, 7, 7.0])
    np.testing.assert_allclose(b_splines(np.linspace(0, 7, 15), knots).sum(axis=1), 1)
    np.testing.assert_allclose(b_splines([1, 4], knots, derivative=1).sum(axis=1), 0, atol=1e-14)


BASES = {
    "restricted": lambda x, knots: restricted_cubic_basis(x, knots),
    "natural": lambda x, knots: natural_spline_basis(x, knots[1:-1], knots[[0, -1]]),
}
spaced_knots = st.lists(st.floats(0.05, 20), min_size=3, max_size=6).map(
    lambda gaps: np.cumsum(np.array(gaps)) - 10
)


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
@given(knots=spaced_knots)
def test_a_basis_is_linear_beyond_its_outer_knots(basis, knots):
    for outside in (knots[-1] + np.arange(4.0), knots[0] - np.arange(4.0)):
        values = basis(outside, knots)
        np.testing.assert_allclose(np.diff(values, 2, axis=0) / (1 + np.abs(values).max()), 0, atol=1e-9)


@pytest.mark.parametrize("basis", BASES.values(), ids=BASES)
@given(knots=spaced_knots)
def test_a_basis_is_smooth_at_every_knot(basis, knots):
    step = 1e-5 * np.diff(knots).min()
    for knot in knots:
        left, middle, right = basis(knot + np.array([-step, 0, step]), knots)
        slope = max(np.abs(right - middle).max(), step)
        np.testing.assert_allclose(right - middle, middle - left, atol=1e-3 * slope + 1e-12)


@given(knots=spaced_knots, shift=st.floats(-50, 50), scale=st.floats(0.1, 10))
def test_a_change_of_unit_or_origin_leaves_the_natural_basis_as_it_is(knots, shift, scale):
    x = np.linspace(knots[0] - 3, knots[-1] + 3, 9)
    moved = BASES["natural"](scale * x + shift, scale * knots + shift)
    np.testing.assert_allclose(moved, BASES["natural"](x, knots), rtol=1e-6, atol=1e-6)


@given(knots=spaced_knots, shift=st.floats(-50, 50), scale=st.floats(0.1, 10))
def test_the_restricted_basis_has_the_unit_of_x_and_moves_only_in_its_first_column(knots, shift, scale):
    x = np.linspace(knots[0] - 3, knots[-1] + 3, 9)
    expected = scale * restricted_cubic_basis(x, knots)
    expected[:, 0] += shift
    moved = restricted_cubic_basis(scale * x + shift, scale * knots + shift)
    np.testing.assert_allclose(moved, expected, rtol=1e-6, atol=1e-6)


@given(shift=st.floats(-50, 50), scale=st.floats(0.1, 10), n_knots=st.integers(3, 7))
def test_knots_move_with_the_data(shift, scale, n_knots):
    x = np.array(REFERENCE["samples"]["small"])
    moved = harrell_knots(scale * x + shift, n_knots)
    np.testing.assert_allclose(moved, scale * harrell_knots(x, n_knots) + shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_knots", [3, 5])
def test_both_bases_on_the_same_knots_span_the_same_functions(n_knots):
    x = np.array(REFERENCE["samples"]["large"])
    knots = harrell_knots(x, n_knots)
    one, other = (np.column_stack([np.ones_like(x), basis(x, knots)]) for basis in BASES.values())
    fitted = one @ np.linalg.lstsq(one, other, rcond=None)[0]
    np.testing.assert_allclose(fitted, other, atol=1e-8)
