"""The kernels of a screen: each piece against numpy, and the whole against the partial likelihood of cox."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics import screening
from hemresearch.numerics.cox_maximum import maximize_partial
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.exponentials import exponentials


def outcome(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times with ties, events and strata."""
    return np.ceil(rng.exponential(8, n)), rng.uniform(size=n) < 0.6, np.sort(rng.integers(0, 3, n))


def test_exponentials_are_exact_to_rounding():
    values = np.linspace(-300, 300, 100_001)
    found = values.copy()
    exponentials(found, np.empty(len(found)))
    np.testing.assert_allclose(found, np.exp(values), rtol=4e-16)


def test_a_small_system_is_solved():
    rng = np.random.default_rng(1)
    for p in (1, 2, 5):
        a = rng.normal(size=(p + 3, p))
        matrix, right = a.T @ a, rng.normal(size=p)
        np.testing.assert_allclose(screening.solved(matrix, right), np.linalg.solve(matrix, right), rtol=1e-9)
        left = 1 / np.linalg.inv(matrix)[0, 0]
        assert screening.conditional_information(matrix) == pytest.approx(left, rel=1e-9)


def test_nothing_is_solved_in_a_direction_without_information():
    assert screening.solved(np.zeros((1, 1)), np.ones(1)) == [0.0]
    np.testing.assert_allclose(screening.solved(np.ones((2, 2)), np.ones(2)), [1.0, 0.0])


@pytest.mark.parametrize("efron", [True, False])
@pytest.mark.parametrize("q", [0, 2])
def test_a_likelihood_is_that_of_cox(efron, q):
    rng = np.random.default_rng(3)
    for n in (10, 60):
        time, event, stratum = outcome(rng, n)
        event[:2] = True
        rows = cox_rows(rng.normal(size=(n, 1 + q)), time, event, stratum=stratum)
        coef = rng.normal(size=1 + q)
        value, score, information = PartialLikelihood(rows, efron)(coef)
        sets = screening.risk_sets(rows.event, rows.leave, rows.slot_stratum, efron)
        x = np.ascontiguousarray(rows.x.T)
        found = screening.partial_likelihood(x, screening.event_total(x, sets[0]), coef, sets)
        assert found[0] == pytest.approx(value, rel=1e-10)
        np.testing.assert_allclose(found[1], score, atol=1e-9)
        np.testing.assert_allclose(found[2], information, rtol=1e-9, atol=1e-9)


def test_an_overflow_is_told():
    x, sets = (
        np.array([[1.0, -1.0]]),
        screening.risk_sets(np.ones(2, bool), np.arange(2), np.zeros(2, int), True),
    )
    assert screening.partial_likelihood(x, np.zeros(1), np.array([500.0]), sets)[0] == -np.inf


def test_skewed_features_reach_the_maximum_of_cox():
    """Steps that overshoot are halved; values in a few patients far from all others do not stop it."""
    rng = np.random.default_rng(4)
    n = 50
    time, event, _ = outcome(rng, n)
    other = rng.normal(size=n)
    features = np.exp(rng.normal(0, 2.5, size=(60, n)))
    for covariates in (np.empty((n, 0)), other[:, None]):
        found = screening.screen_cox(features, cox_rows(covariates, time, event), efron=True)
        for j in np.flatnonzero(found.status == screening.ESTIMATED):
            rows = cox_rows(np.column_stack([features[j], covariates]), time, event)
            best = maximize_partial(rows, efron=True)
            assert found.coef[j] == pytest.approx(best.parameters[0] * rows.scale[0], rel=1e-6)
        assert (found.status == screening.ESTIMATED).sum() > 55


def test_a_missing_value_is_a_row_less():
    rng = np.random.default_rng(5)
    n = 40
    time, event, stratum = outcome(rng, n)
    covariates = rng.normal(size=(n, 1))
    features = rng.normal(size=(3, n))
    features[1, 4:9] = np.nan
    kept = ~np.isnan(features[1])
    whole = screening.screen_cox(features, cox_rows(covariates, time, event, stratum=stratum), efron=True)
    part = screening.screen_cox(
        features[1:2, kept],
        cox_rows(covariates[kept], time[kept], event[kept], stratum=stratum[kept]),
        efron=True,
    )
    for name in ("n", "n_event", "coef", "std_error", "likelihood_ratio", "score"):
        assert getattr(whole, name)[1] == pytest.approx(getattr(part, name)[0], rel=1e-9)
    alone = screening.screen_cox(features[2:], cox_rows(covariates, time, event, stratum=stratum), efron=True)
    assert whole.coef[2] == alone.coef[0]  # the one with missing values before it leaves nothing behind


def test_others_without_a_maximum_stop_a_feature():
    time, event = np.arange(1.0, 9), np.ones(8, bool)
    rows = cox_rows(-(np.arange(8.0)[:, None] ** 3), time, event)
    found = screening.screen_cox(np.random.default_rng(6).normal(size=(2, 8)), rows, efron=True)
    assert set(found.status) == {screening.NOT_CONVERGED}
    assert np.isnan(found.likelihood_ratio).all()


def test_no_features_and_features_without_events():
    rows = cox_rows(np.empty((3, 0)), np.array([1.0, 2.0, 3.0]), np.array([True, False, False]))
    assert len(screening.screen_cox(np.empty((0, 3)), rows, efron=True).coef) == 0
    found = screening.screen_cox(np.array([[np.nan, 1.0, 2.0], [np.nan] * 3]), rows, efron=True)
    assert found.status.tolist() == [screening.NO_EVENTS] * 2
    assert found.n.tolist() == [2.0, 0.0]
