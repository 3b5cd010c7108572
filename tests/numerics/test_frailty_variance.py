"""The variance of frailties: marginal likelihoods written out, the defining equations, and R."""

from __future__ import annotations

import numpy as np
import pytest
from reference_cases import assert_close, load_reference
from scipy.special import gammaln

from hemresearch.numerics.cox_maximum import maximize_partial
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.frailty_variance import find_root, fit_frailty, gamma_integrated, gamma_slope


def simulated(seed, q, m, variance, effect=0.7, gaussian=False):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(q), m)
    w = rng.normal(size=q) * variance**0.5 if gaussian else np.log(rng.gamma(1 / variance, variance, q))
    x = rng.normal(size=(q * m, 1))
    time, censored = rng.exponential(1 / np.exp(effect * x[:, 0] + w[group])), rng.exponential(3, q * m)
    rows = cox_rows(x, np.minimum(time, censored), time <= censored)
    return rows, group[rows.order]


def of_data(topic, case_id):
    """The rows and groups of a stored case; the file's own order of groups."""
    case = load_reference(topic, case_id)
    data = case.data
    x = data.select(case.options["terms"]).to_numpy().astype(float)
    time = data[case.options["time"]].to_numpy().astype(float)
    rows = cox_rows(x, time, data["status"].to_numpy() == 1)
    return case, rows, np.unique(data["id"].to_numpy(), return_inverse=True)[1][rows.order]


def marginal(parameters, rows, group):
    """The likelihood of coefficient, log hazards and log variance, the gamma frailties integrated out."""
    beta, log_variance, log_hazard = parameters[0], parameters[-1], parameters[1:-1]
    v, eta = np.exp(-log_variance), rows.x[:, 0] * beta
    cumulative = np.append(0.0, np.cumsum(np.exp(log_hazard)))
    lived = np.bincount(group, np.exp(eta) * cumulative[rows.leave])
    d = np.bincount(group[rows.event], minlength=len(lived))
    own = (eta + np.append(0.0, log_hazard)[rows.leave])[rows.event].sum()
    return own + (gammaln(d + v) - gammaln(v) + v * np.log(v) - (d + v) * np.log(v + lived)).sum()


def test_gamma_maximises_the_marginal_likelihood():
    rows, group = simulated(1, 8, 6, 1.5)
    fit = fit_frailty(rows, group, "gamma", efron=False)
    turns = fit.information.turns
    at = np.concatenate([fit.found.parameters[:1], np.log(turns.hazard[1:]), [np.log(fit.variance)]])
    n_event = rows.event.sum()
    assert_close(fit.integrated, marginal(at, rows, group) + n_event, rel=1e-11)
    shifts = 1e-5 * np.eye(len(at))
    slopes = [(marginal(at + h, rows, group) - marginal(at - h, rows, group)) / 2e-5 for h in shifts]
    np.testing.assert_allclose(slopes, 0, atol=1e-8)


def test_gamma_slope_is_the_derivative():
    rows, group = simulated(2, 6, 5, 0.5)
    events = np.bincount(group[rows.event], minlength=6)

    def integrated(log_variance):
        return fit_frailty(rows, group, "gamma", efron=True, variance=float(np.exp(log_variance))).integrated

    for variance in (0.01, 0.5, 3.0):
        found = fit_frailty(rows, group, "gamma", efron=True, variance=variance).found
        u = np.log(variance)
        numerical = (integrated(u + 1e-4) - integrated(u - 1e-4)) / 2e-4
        assert gamma_slope(found, events, variance) == pytest.approx(numerical, rel=1e-6)
        assert gamma_integrated(found, events, variance) == pytest.approx(
            integrated(u) - found.value, rel=1e-12
        )


def test_gaussian_variance_is_its_effects_squared_and_their_variance():
    rows, group = simulated(3, 12, 4, 0.9, gaussian=True)
    fit = fit_frailty(rows, group, "gaussian", efron=True)
    w = fit.found.parameters[1:]
    assert_close(fit.variance, (w @ w + fit.information.effect_variance.sum()) / 12, rel=1e-9)
    assert_close(w.sum(), 0.0, at_zero=1e-8)
    laplace = fit.found.value - 0.5 * np.linalg.slogdet(fit.variance * fit.information.ww)[1]
    assert_close(fit.integrated, laplace, rel=1e-12)


@pytest.mark.parametrize("distribution", ["gamma", "gaussian"])
def test_a_vanishing_variance_is_the_ordinary_model(distribution):
    rows, group = simulated(4, 6, 5, 0.5)
    fit = fit_frailty(rows, group, distribution, efron=True, variance=1e-9)
    plain = maximize_partial(rows, efron=True)
    assert_close(fit.found.parameters[0], plain.parameters[0], rel=1e-6)
    assert_close(fit.integrated, plain.value, rel=1e-8)
    assert_close(fit.information.schur, plain.information, rel=1e-6)


def test_unrelated_groups_are_r_with_its_default():
    case, rows, group = of_data("frailty", "frailty_gaussian_kidney_sparse")
    fit = fit_frailty(rows, group, "gaussian", efron=True, dense_limit=5)
    v = case.values
    assert_close(fit.variance, v["theta"], rel=1e-6)
    assert_close(fit.found.parameters[:2] * rows.scale, list(v["coef"].values()), rel=1e-5)
    np.testing.assert_allclose(fit.found.parameters[2:], v["effects"], atol=1e-6)
    assert_close(fit.information.effect_variance, v["effect_var"], rel=1e-6)
    assert_close(38 - fit.information.effect_variance.sum() / fit.variance, v["df"][-1], rel=1e-6)


def test_integrated_likelihood_is_that_of_coxme():
    # coxme takes the groups as unrelated, too, and maximises the integrated likelihood itself
    case, rows, group = of_data("cox", "coxme_retinopathy")

    def fitted(variance):
        return fit_frailty(rows, group, "gaussian", efron=True, variance=variance, dense_limit=50)

    fit = fitted(case.values["variance"])
    _, integrated, penalised = case.values["loglik_null_integrated_penalized"]
    assert_close([fit.integrated, fit.found.value], [integrated, penalised], rel=1e-7)
    for factor in (0.97, 1.03):
        assert fitted(case.values["variance"] * factor).integrated < fit.integrated


def test_roots():
    assert find_root(lambda v: 3.0 - v) == pytest.approx(3.0, rel=1e-9)
    assert find_root(lambda v: 0.01 - v) == pytest.approx(0.01, rel=1e-9)
    assert find_root(lambda v: -v) == 0.0
    assert find_root(lambda v: 1.0) == np.inf
