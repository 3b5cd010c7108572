"""Distributions of survival times: derivatives, limits, tails, and scipy's own densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import gammainc, gammaincc

from hemresearch.numerics import generalised_gamma
from hemresearch.numerics.distributions import DISTRIBUTIONS
from hemresearch.numerics.parametric import (
    EXACT,
    INTERVAL,
    LEFT,
    RIGHT,
    Observations,
    contributions,
    likelihood,
    local_parameters,
    row_scores,
    saturated,
)

SHAPES = (-2.0, -0.6, -0.05, -1e-3, 0.0, 1e-9, 0.0499, 0.25, 1.0, 2.0)
CASES = [
    *((name, 0.3) for name in DISTRIBUTIONS if name != "generalised-gamma"),
    *(("generalised-gamma", shape) for shape in SHAPES),
    ("gompertz", -0.2),
    ("gompertz", 0.0),
]
TIME = np.array([0.05, 0.4, 1.0, 2.5, 4.0, 7.0])


def local_of(name: str, shape: float, n: int = len(TIME)) -> np.ndarray:
    """Local parameters of some rows: a predictor, then log(scale) and a shape, or Gompertz' shape alone."""
    rows = [0.3, shape] if name == "gompertz" else [0.3, -0.2, shape]
    return np.repeat(np.array(rows[: 1 + len(DISTRIBUTIONS[name].ancillary)])[:, None], n, axis=1)


def slope(function, at: np.ndarray, row: int, step: float = 1e-4) -> np.ndarray:
    """The derivative of a function of local parameters by one of them, by differences of fourth order."""

    def moved(steps: int) -> np.ndarray:
        other = at.copy()
        other[row] += steps * step
        return function(other)

    return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * step)


@pytest.mark.parametrize(("name", "shape"), CASES)
@pytest.mark.parametrize("part", ["log_density", "log_survival"])
def test_derivatives_are_those_of_the_function(name, shape, part):
    function, local = getattr(DISTRIBUTIONS[name], part), local_of(name, shape)
    _, gradient, hessian = function(TIME, local)
    for row in range(len(local)):
        by_row = slope(lambda x: function(TIME, x)[0], local, row)
        np.testing.assert_allclose(gradient[row], by_row, rtol=1e-8, atol=1e-9)
        bent = slope(lambda x: function(TIME, x)[1], local, row)
        np.testing.assert_allclose(hessian[row], bent, rtol=1e-7, atol=1e-7)
    np.testing.assert_array_equal(hessian, hessian.swapaxes(0, 1))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_density_is_the_slope_of_the_distribution_function(name, shape):
    d, local = DISTRIBUTIONS[name], local_of(name, shape)
    step = 1e-4 * TIME
    survival = [np.exp(d.log_survival(TIME + k * step, local)[0]) for k in (-2, -1, 1, 2)]
    density = (8 * (survival[1] - survival[2]) - (survival[0] - survival[3])) / (12 * step)
    np.testing.assert_allclose(np.exp(d.log_density(TIME, local)[0]), density, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_a_quantile_is_where_the_distribution_function_has_its_value(name, shape):
    d, p = DISTRIBUTIONS[name], np.array([1e-6, 0.01, 0.3, 0.5, 0.9, 0.999])
    local = local_of(name, shape)
    time = d.quantile(p, local)
    known = np.isfinite(time)
    found = -np.expm1(d.log_survival(time[known], local[:, known])[0])
    np.testing.assert_allclose(found, p[known], rtol=1e-12)
    assert known.all() or (name == "gompertz" and shape < 0)


@pytest.mark.parametrize("q", [-2.0, -0.5, 0.5, 1.0, 3.0])
def test_the_generalised_gamma_is_scipys(q):
    w = np.linspace(-6, 4, 11)
    k = q**-2
    own = generalised_gamma.log_survival_value(w, np.full(11, q))
    x = k * np.exp(q * w)
    theirs = stats.gamma.logsf(x, k) if q > 0 else stats.gamma.logcdf(x, k)
    np.testing.assert_allclose(own, theirs, rtol=1e-10)
    density = stats.gamma.logpdf(x, k) + np.log(abs(q) * x)
    np.testing.assert_allclose(generalised_gamma.log_density(w, np.full(11, q))[0], density, atol=1e-11)


def test_shape_0_is_normal_and_shape_1_of_extreme_values():
    w = np.linspace(-30, 5, 36)
    normal = generalised_gamma.log_survival_value(w, np.zeros(36))
    np.testing.assert_allclose(normal, stats.norm.logsf(w), rtol=1e-13)
    np.testing.assert_allclose(
        generalised_gamma.log_density(w, np.zeros(36))[0], stats.norm.logpdf(w), rtol=1e-14
    )
    extreme = generalised_gamma.log_survival_value(w, np.ones(36))
    np.testing.assert_allclose(extreme, -np.exp(w), rtol=1e-13)


def test_a_reflected_shape_is_a_reflected_distribution():
    w, q = np.linspace(-4, 2, 9), np.full(9, 0.7)
    below = np.log1p(-np.exp(generalised_gamma.log_survival_value(-w, -q)))
    np.testing.assert_allclose(below, generalised_gamma.log_survival_value(w, q), rtol=1e-12)


@pytest.mark.parametrize("q", [-0.06, -0.04, 0.04, 0.06, 0.1])
def test_both_ways_to_the_incomplete_gamma_function_agree(q):
    w = np.linspace(-5, 5, 21)
    rows = np.full(21, q)
    near, far = generalised_gamma._near_normal(w, rows), generalised_gamma._incomplete_gamma(w, rows)
    np.testing.assert_allclose(near, far, rtol=1e-12)


def test_temmes_coefficients_are_the_published_ones():
    # Temme NM. Math Comp 1979;33:1109-1114; DiDonato & Morris, ACM Trans Math Softw 1986;12:377-393
    published = [
        [-1 / 3, 1 / 12, -2 / 135, 1 / 864, 1 / 2835, -139 / 777600],
        [-1 / 540, -1 / 288, 1 / 378, -77 / 77760],
        [25 / 6048, -139 / 51840],
    ]
    for k, expected in enumerate(published):
        np.testing.assert_allclose(generalised_gamma.TEMME[k][: len(expected)], expected, rtol=1e-12)


def test_the_normalising_constant_is_smooth_where_its_two_forms_meet():
    q = np.array([0.2499999999, 0.2500000001])
    for form in generalised_gamma._stirling(q):
        assert form[0] == pytest.approx(form[1], rel=1e-8)
    first = generalised_gamma._stirling(np.array([0.1]))[0][0]
    assert first == pytest.approx(0.1**2 / 12 - 0.1**6 / 360, rel=1e-8)


@pytest.mark.parametrize("shape", [-0.3, 0.4])
def test_gompertz_is_scipys(shape):
    local = local_of("gompertz", shape)
    hazard = np.exp(0.3 + shape * TIME)
    cumulative = np.exp(0.3) * np.expm1(shape * TIME) / shape
    d = DISTRIBUTIONS["gompertz"]
    np.testing.assert_allclose(d.log_survival(TIME, local)[0], -cumulative, rtol=1e-13)
    np.testing.assert_allclose(d.log_density(TIME, local)[0], np.log(hazard) - cumulative, rtol=1e-13)
    if shape > 0:  # scipy has no falling hazard
        theirs = stats.gompertz.logpdf(TIME, np.exp(0.3) / shape, scale=1 / shape)
        np.testing.assert_allclose(d.log_density(TIME, local)[0], theirs, rtol=1e-12)


def test_a_falling_gompertz_hazard_leaves_some_without_the_event_for_ever():
    local = local_of("gompertz", -0.5, 2)
    never = np.exp(-np.exp(0.3) / 0.5)
    time = DISTRIBUTIONS["gompertz"].quantile(np.array([1 - 1.01 * never, 1 - 0.99 * never]), local)
    assert np.isfinite(time[0])
    assert np.isinf(time[1])


def sample_of(n: int, seed: int) -> Observations:
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    low = np.where(kind == LEFT, 1.0, rng.uniform(0.2, 3, n))
    high = np.where((kind == LEFT) | (kind == INTERVAL), low + rng.uniform(0.1, 2, n), 1.0)
    entry = np.where(rng.random(n) < 0.5, 0.1, 0.0)
    return Observations(low, high, kind, entry, rng.uniform(0.5, 2, n))


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_score_and_information_are_derivatives_of_the_likelihood(name, shape):
    d, rows = DISTRIBUTIONS[name], sample_of(12, 1)
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(12), rng.normal(size=12)])
    halves = np.eye(2)[np.arange(12) % 2]
    designs = (x, halves, np.ones((12, 1)))[: 1 + len(d.ancillary)]
    offset = rng.normal(size=12) * 0.1
    theta = np.array([0.3, 0.2, -0.2, -0.1, shape][: sum(z.shape[1] for z in designs)])
    if name == "gompertz":
        theta[2:] = shape, shape + 0.1
    evaluate = likelihood(d, rows, designs, offset)
    _, score, information = evaluate(theta)
    for j in range(len(theta)):
        np.testing.assert_allclose(
            score[j], slope(lambda t: np.array([evaluate(t)[0]]), theta, j), rtol=1e-7, atol=1e-8
        )
        np.testing.assert_allclose(
            -information[j], slope(lambda t: evaluate(t)[1], theta, j), rtol=1e-6, atol=1e-6
        )
    rowwise = row_scores(d, rows, designs, offset, theta)
    np.testing.assert_allclose(rows.weight @ rowwise, score, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_ways_to_be_censored_share_out_the_probability(name, shape):
    d, local = DISTRIBUTIONS[name], local_of(name, shape, 3)
    rows = Observations(
        low=np.array([1.0, 0.8, 2.0]),
        high=np.array([0.8, 2.0, 1.0]),
        kind=np.array([LEFT, INTERVAL, RIGHT]),
        entry=None,
        weight=np.ones(3),
    )
    assert np.exp(contributions(d, rows, local)[0]).sum() == pytest.approx(1, rel=1e-13)


def test_a_narrow_interval_is_the_density_times_its_width():
    d, width = DISTRIBUTIONS["log-normal"], 1e-6
    local = local_of("log-normal", 0.0)
    rows = Observations(TIME, TIME + width, np.full(6, INTERVAL), None, np.ones(6))
    middle = d.log_density(TIME + width / 2, local)[0] + np.log(width)
    np.testing.assert_allclose(contributions(d, rows, local)[0], middle, atol=1e-9)


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_no_other_predictor_suits_a_row_better_than_its_own(name, shape):
    d, rows = DISTRIBUTIONS[name], sample_of(12, 3)
    rows = Observations(rows.low, rows.high, rows.kind, None, rows.weight)
    local = local_of(name, shape, 12)
    best, value = saturated(d, rows, local)
    bounded = (rows.kind == EXACT) | (rows.kind == INTERVAL)
    for move in (-1e-3, 1e-3, 0.5, -0.5):
        at = local.copy()
        at[0] = best + move
        there = contributions(d, rows, at)[0]
        assert (there < value + 1e-12)[bounded].all()
    assert (value[~bounded] == 0).all()


def test_an_offset_is_part_of_the_predictor():
    x = np.ones((3, 1))
    local = local_parameters(np.array([0.5, 0.1]), (x, x), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(local, [[0.5, 1.5, 2.5], [0.1, 0.1, 0.1]])


def test_far_tails_keep_their_relative_accuracy():
    w = np.array([-10.0, 10.0])
    survival = generalised_gamma.log_survival_value(w, np.full(2, 0.01))
    x = 1e4 * np.exp(0.01 * w)
    assert survival[0] == pytest.approx(-gammainc(1e4, x[0]), rel=1e-9)
    assert survival[1] == pytest.approx(np.log(gammaincc(1e4, x[1])), rel=1e-10)
