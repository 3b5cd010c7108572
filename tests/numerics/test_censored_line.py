"""Lines with values below a limit: lme4 and survreg, an integral by brute force, and a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from reference_cases import assert_close, load_reference
from scipy.stats import norm

from hemresearch.numerics.censored_line import censored_line, each_line, inverse_mills, log_likelihood
from hemresearch.numerics.linear_mixed import mixed_line


def test_without_a_limit_it_is_lmer_by_maximum_likelihood():
    case = load_reference("kinetics", "line_ml")
    d, v = case.options["data"], case.values
    y, owner = np.array(d["y"]), np.array(d["id"]) - 1
    line = censored_line(y, np.zeros(len(y), dtype=bool), np.array(d["month"]), owner)
    assert line.converged
    assert_close(line.coef, v["coef"], rel=1e-6)
    # both searches end where the criterion is flat
    assert_close(line.between[[0, 0, 1], [0, 1, 1]], v["between"], rel=1e-4)
    assert_close(line.within, v["within"], rel=1e-5)
    assert_close(line.deviance, v["deviance"], rel=1e-8)


def test_a_line_of_one_is_that_of_survreg():
    case = load_reference("kinetics", "tobit")
    d = {name: np.array(values) for name, values in case.options["data"].items()}
    lines, covariance = each_line(d["seen"], d["below"], d["month"], d["id"] - 1, 0.3)
    fitted = {line["id"] - 1: line for line in case.values["lines"]}
    assert set(np.flatnonzero(~np.isnan(lines[:, 0]))) == set(fitted)
    assert len(fitted) < len(lines)
    for i, line in fitted.items():
        assert_close(lines[i], line["coef"], rel=1e-6)
        # survreg takes its variance one step before the end, which shows in one patient
        assert_close(np.sqrt(np.diag(covariance[i])), line["se"], rel=2e-5)


@pytest.mark.parametrize("n_below", [0, 2, 4])
def test_the_likelihood_is_the_integral(n_below):
    rng = np.random.default_rng(n_below)
    t = np.arange(4.0)
    y = 1 - 0.8 * t + rng.normal(0, 0.4, 4)
    below = np.arange(4) >= 4 - n_below
    theta = np.array([1.1, -0.7, 0.6, -0.1, 0.2, np.log(0.4)])
    root = np.array([[0.6, 0], [-0.1, 0.2]])

    node, weight = np.polynomial.legendre.leggauss(300)
    v = np.stack(np.meshgrid(8 * node, 8 * node, indexing="ij"))
    u = np.einsum("ij,jab->iab", root, v)
    z = (y[:, None, None] - 1.1 + 0.7 * t[:, None, None] - u[0] - u[1] * t[:, None, None]) / 0.4
    each = np.where(below[:, None, None], norm.cdf(z), norm.pdf(z) / 0.4).prod(axis=0)
    whole = 64 * weight @ (each * norm.pdf(v).prod(axis=0)) @ weight
    ours = log_likelihood(theta, y, below, t, np.zeros(4, dtype=int))
    assert ours == pytest.approx(np.log(whole), abs=1e-6 if n_below == 0 else 2e-3)


def test_values_below_the_limit_do_not_turn_the_line():
    rng = np.random.default_rng(8)
    m, k = 80, 6
    owner, t = np.repeat(np.arange(m), k), np.tile(np.arange(k) * 3.0, m)
    u = rng.multivariate_normal([1.0, -0.25], [[0.3, -0.01], [-0.01, 0.005]], m)
    y = u[owner, 0] + u[owner, 1] * t + rng.normal(0, 0.3, m * k)
    below = y < -1.5
    assert below.mean() > 0.25
    seen = np.where(below, -1.5, y)
    whole = mixed_line(y, t, owner)
    line = censored_line(seen, below, t, owner)
    naive = mixed_line(seen, t, owner)
    assert line.converged
    assert abs(line.coef[1] - whole.coef[1]) < 0.012
    assert abs(naive.coef[1] - whole.coef[1]) > 0.05
    error, least = np.sqrt(line.cov[1, 1]), np.sqrt(whole.cov[1, 1])
    assert least < error < 1.6 * least


def test_units_change_nothing_else():
    rng = np.random.default_rng(4)
    owner, t = np.repeat(np.arange(15), 4), np.tile(np.arange(4.0), 15)
    y = (rng.normal(3, 1, 15))[owner] - rng.normal(1, 0.3, 15)[owner] * t + rng.normal(0, 0.3, 60)
    below = y < 0.5
    seen = np.where(below, 0.5, y)
    line, other = censored_line(seen, below, t, owner), censored_line(10 * seen, below, 7 * t, owner)
    assert_close(other.coef, line.coef * [10, 10 / 7], rel=1e-4)
    assert_close(other.deviance, line.deviance + 2 * (~below).sum() * np.log(10), rel=1e-6)


def test_the_hazard_of_the_normal_far_out():
    hazard, bend = inverse_mills(np.array([-40.0, 0.0, 40.0]))
    np.testing.assert_allclose(hazard, [40.02496, 0.7978846, 0], atol=1e-5)
    assert ((bend >= 0) & (bend <= 1)).all()


def test_a_long_step_is_shortened():
    # the first line, through two values, is far from a limit that holds for a third
    y, below = np.array([0.0, 3.0, -60.0, 1.0]), np.array([False, False, True, False])
    lines, _ = each_line(y, below, np.array([0.0, 1.0, 2.0, 0.0]), np.array([0, 0, 0, 1]), 0.1)
    assert np.isfinite(lines[0]).all()
    assert lines[0, 1] < 3
    assert np.isnan(lines[1]).all()
    none, _ = each_line(y[3:], below[3:], np.zeros(1), np.zeros(1, dtype=int), 0.1)
    assert np.isnan(none).all()
