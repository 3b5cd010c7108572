"""The partial likelihood: sums written out for every risk set, and derivatives by differences."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_estimate import (
    cox_estimate,
    expected_events,
    mean_covariates,
    schoenfeld_residuals,
    score_residuals,
    time_information,
    time_score,
)
from hemresearch.numerics.cox_hazard import baseline_hazards, constant_hazards, predicted_hazard
from hemresearch.numerics.cox_maximum import Penalized, maximize_partial
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.cox_rows import centre_and_scale, cox_rows

SEEDS = pytest.mark.parametrize("seed", range(6))
TIES = pytest.mark.parametrize("efron", [True, False])


def study(seed, n=25, p=2):
    """Covariates, times, events, and any of delayed entry, strata, weights and offsets."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, 8, n).astype(float)
    options = {
        "entry": np.floor(time * rng.choice([0, 0.3, 0.7], n)) if seed % 2 else None,
        "stratum": rng.integers(0, 3, n) if seed % 3 else None,
        "weight": rng.uniform(0.5, 3, n) if seed % 4 > 1 else None,
        "offset": rng.normal(size=n) if seed > 2 else None,
    }
    return rng.normal(size=(n, p)) * [1, 3] + [0, 5], time, rng.random(n) < 0.6, options


def written_out(coef, x, time, event, options, efron):
    """The log-likelihood by its definition, a risk set at a time."""
    n = len(time)
    entry = np.full(n, -1.0) if options["entry"] is None else options["entry"]
    stratum = np.zeros(n) if options["stratum"] is None else options["stratum"]
    w = np.ones(n) if options["weight"] is None else options["weight"]
    eta = x @ coef + (0 if options["offset"] is None else options["offset"])
    value = 0.0
    for s in np.unique(stratum):
        for t in np.unique(time[event & (stratum == s)]):
            at_risk = (entry < t) & (time >= t) & (stratum == s)
            dead = event & (time == t) & (stratum == s)
            d, all_risk = dead.sum(), (w * np.exp(eta))[at_risk].sum()
            dead_risk = (w * np.exp(eta))[dead].sum()
            value += (w * eta)[dead].sum()
            for k in range(d):
                part = k / d if efron else 0.0
                value -= w[dead].mean() * np.log(all_risk - part * dead_risk)
    return value


def in_units(rows, coef):
    return coef / rows.scale


@SEEDS
@TIES
def test_the_value_is_that_of_its_definition(seed, efron):
    x, time, event, options = study(seed)
    rows = cox_rows(x, time, event, **options)
    for coef in (np.zeros(2), np.array([0.4, -0.2])):
        value = PartialLikelihood(rows, efron)(in_units(rows, coef))[0]
        # centred covariates and offsets add the same to numerator and denominator
        assert value == pytest.approx(written_out(coef, x, time, event, options, efron), rel=1e-10)


@SEEDS
@TIES
def test_score_and_information_are_derivatives(seed, efron):
    x, time, event, options = study(seed)
    likelihood = PartialLikelihood(cox_rows(x, time, event, **options), efron)
    at, h = np.array([0.3, -0.5]), 1e-5
    _, score, information = likelihood(at)
    for j in range(2):
        up, down = at + h * np.eye(2)[j], at - h * np.eye(2)[j]
        slope = (likelihood(up)[0] - likelihood(down)[0]) / (2 * h)
        bend = (likelihood(up)[1] - likelihood(down)[1]) / (2 * h)
        assert score[j] == pytest.approx(slope, rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(information[j], -bend, rtol=1e-5, atol=1e-6)


@SEEDS
@TIES
def test_value_and_score_come_without_the_information(seed, efron):
    x, time, event, options = study(seed)
    likelihood = PartialLikelihood(cox_rows(x, time, event, **options), efron)
    at = np.array([0.3, -0.5])
    (value, score), whole = likelihood.value_and_score(at), likelihood(at)
    assert value == pytest.approx(whole[0], rel=1e-12)
    np.testing.assert_allclose(score, whole[1], rtol=1e-9, atol=1e-9)


@SEEDS
@TIES
def test_score_residuals_add_up_to_the_score_and_schoenfeld_residuals_too(seed, efron):
    x, time, event, options = study(seed)
    rows = cox_rows(x, time, event, **options)
    coef = np.array([0.2, -0.1])
    e = cox_estimate(rows, coef, efron=efron)
    score = PartialLikelihood(rows, efron)(in_units(rows, coef))[1]
    w = np.ones(len(rows)) if rows.weight is None else rows.weight
    np.testing.assert_allclose(w @ score_residuals(e), score, rtol=1e-8, atol=1e-9)
    own = w[rows.event] @ schoenfeld_residuals(e)
    if not efron or rows.weight is None:  # Efron's turns carry the mean weight, residuals their own
        np.testing.assert_allclose(own, score, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose((w * expected_events(e)).sum(), (w * rows.event).sum(), rtol=1e-9)
    assert (mean_covariates(e)[rows.n_event == 0] == 0).all()


@SEEDS
@TIES
def test_effects_that_change_with_time_have_these_derivatives(seed, efron):
    x, time, event, options = study(seed)
    rows = cox_rows(x, time, event, **options)
    e = cox_estimate(rows, np.array([0.2, -0.1]), efron=efron)
    one = np.ones(len(rows.slot_time))
    _, score, information = PartialLikelihood(rows, efron)(e.coef)
    np.testing.assert_allclose(time_score(e, one), score, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(time_information(e, one), information, rtol=1e-9)
    # a factor that is 1 at one event time and 0 at the others leaves that time's part of the likelihood
    slots = np.flatnonzero(rows.n_event)
    parts = [time_information(e, np.eye(len(one))[m]) for m in slots]
    np.testing.assert_allclose(sum(parts), information, rtol=1e-8, atol=1e-10)
    for part in parts:
        assert np.linalg.eigvalsh(part).min() > -1e-10


@SEEDS
@TIES
def test_the_variance_of_a_hazard_is_that_of_the_delta_method(seed, efron):
    x, time, event, options = study(seed, n=40)
    options["stratum"] = None
    rows = cox_rows(x, time, event, **options)
    coef, h = np.array([0.2, -0.1]), 1e-5
    new, times, cov = np.array([[0.5, 4.0]]), np.array([2.0, 5.0]), np.array([[0.04, 0.01], [0.01, 0.02]])

    def hazard(at, covariance):
        e = cox_estimate(rows, at, efron=efron)
        z = (new - rows.mean) * rows.scale
        to_units = np.outer(rows.scale, rows.scale)
        ends = np.array([-np.inf]), np.array([np.inf])
        (base,) = baseline_hazards(e)
        return predicted_hazard(base, z, z @ e.coef, *ends, times, covariance / to_units)

    value, error = hazard(coef, cov)
    slopes = [(hazard(coef + h * u, cov)[0] - hazard(coef - h * u, cov)[0]) / (2 * h) for u in np.eye(2)]
    own = hazard(coef, np.zeros((2, 2)))[1] ** 2
    slope = np.array(slopes).T
    np.testing.assert_allclose(error**2, own + ((slope @ cov) * slope).sum(axis=1), rtol=1e-6)
    assert (value > 0).all()


@TIES
def test_rows_that_stay_the_same_are_paths_of_one_piece(efron):
    x, time, event, _ = study(3, n=40)
    rows = cox_rows(x, time, event)
    e = cox_estimate(rows, np.array([0.2, -0.1]), efron=efron)
    (base,) = baseline_hazards(e)
    new, times, cov = rows.x[:5], np.array([0.0, 2.0, 5.0, 9.0]), np.array([[0.04, 0.01], [0.01, 0.02]])
    ends = np.array([-np.inf]), np.array([np.inf])
    hazard, error = constant_hazards(base, new, new @ e.coef, times, cov)
    for k in range(5):
        row = new[k : k + 1]
        one = predicted_hazard(base, row, row @ e.coef, *ends, times, cov)
        np.testing.assert_allclose([hazard[k], error[k]], one, rtol=1e-10)
    assert constant_hazards(base, new[:0], np.empty(0), times, cov)[0].shape == (0, 4)


@TIES
def test_the_maximum_from_some_of_the_rows_is_the_maximum(efron, monkeypatch):
    from hemresearch.numerics import cox_maximum

    x, time, event, options = study(5, n=200)
    rows = cox_rows(x, time, event, **options)
    plain = maximize_partial(rows, efron=efron)
    monkeypatch.setattr(cox_maximum, "MANY_ROWS", 100)
    monkeypatch.setattr(cox_maximum, "SAMPLED", 3)
    again = maximize_partial(rows, efron=efron)
    np.testing.assert_allclose(again.parameters, plain.parameters, rtol=1e-9)
    monkeypatch.setattr(cox_maximum, "SAMPLED", 199)  # too few rows to start from
    np.testing.assert_allclose(maximize_partial(rows, efron=efron).parameters, plain.parameters, rtol=1e-9)


def test_a_penalty_is_subtracted():
    x, time, event, options = study(4)
    likelihood = PartialLikelihood(cox_rows(x, time, event, **options), True)
    at, penalty = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    plain, penalized = likelihood(at), Penalized(likelihood, penalty)(at)
    assert penalized[0] == pytest.approx(plain[0] - 0.5 * (2 * 0.25 + 3))
    np.testing.assert_allclose(penalized[1], plain[1] - penalty * at)
    np.testing.assert_allclose(penalized[2], plain[2] + np.diag(penalty))


FAR = np.array([1e4, 0.0])


def test_an_overflow_is_no_likelihood():
    x, time, event, options = study(0)
    likelihood = PartialLikelihood(cox_rows(x, time, event, **options), True)
    for value, score, *_ in (likelihood(FAR), likelihood.value_and_score(FAR)):
        assert value == -np.inf
        assert np.isnan(score).all()


def test_no_start_is_taken_where_the_likelihood_overflows(monkeypatch):
    from hemresearch.numerics import cox_maximum

    x, time, event, options = study(5, n=200)
    rows = cox_rows(x, time, event, **options)
    plain = maximize_partial(rows, efron=True)
    monkeypatch.setattr(cox_maximum, "MANY_ROWS", 100)
    monkeypatch.setattr(cox_maximum, "SAMPLED", 3)
    monkeypatch.setattr(PartialLikelihood, "value_and_score", lambda self, coef: (-np.inf, np.nan * coef))
    np.testing.assert_allclose(maximize_partial(rows, efron=True).parameters, plain.parameters, rtol=1e-9)


def test_a_small_risk_set_after_a_large_one_has_left_keeps_its_digits():
    # a row with a risk of exp(30) enters and leaves before the last events
    time = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    entry = np.array([0.0, 1.0, 2.0, 2.0, 2.0])
    x = np.array([[0.0], [60.0], [1.0], [0.5], [0.0]])
    event = np.array([True, True, True, True, False])
    options = {"entry": entry, "stratum": None, "weight": None, "offset": None}
    rows = cox_rows(x, time, event, entry=entry)
    value = PartialLikelihood(rows, True)(in_units(rows, np.array([0.5])))[0]
    assert value == pytest.approx(written_out(np.array([0.5]), x, time, event, options, True), rel=1e-12)


def test_rows_are_sorted_and_standardised():
    x, time, event, options = study(5)
    rows = cox_rows(x, time, event, **options)
    np.testing.assert_allclose(rows.x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose((rows.x**2).mean(axis=0), 1)
    np.testing.assert_allclose(rows.unsorted(rows.x) / rows.scale + rows.mean, x)
    np.testing.assert_array_equal(rows.unsorted(rows.event), event)
    assert centre_and_scale(np.full((4, 1), 1e6))[1] == 1
