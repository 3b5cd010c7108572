"""Features side by side: the sums against those of one model, and every result against the careful way."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics import screening
from hemresearch.numerics.cox_rows import CoxRows, cox_rows
from hemresearch.numerics.screening_lanes import (
    LOGARITHMS,
    MEANS,
    NOBODY,
    SCALE,
    SQUARES,
    blocks_of,
    newton_lanes,
    sums_of_lanes,
)

RESULTS = ("n", "n_event", "coef", "std_error", "wald", "likelihood_ratio", "score", "status")


def outcome(rng: np.random.Generator, n: int) -> CoxRows:
    """Rows without covariates: times with ties, events and strata."""
    event = rng.uniform(size=n) < 0.6
    event[:2] = True
    return cox_rows(
        np.empty((n, 0)), np.ceil(rng.exponential(8, n)), event, stratum=np.sort(rng.integers(0, 3, n))
    )


def careful(features: np.ndarray, rows: CoxRows, efron: bool) -> screening.Screened:
    """The results of the way that every model can take."""
    others = np.empty((0, features.shape[1]))
    sorted_features = np.ascontiguousarray(features[:, rows.order])
    return screening.Screened(
        *screening.each_feature(sorted_features, others, rows.event, rows.leave, rows.slot_stratum, efron).T
    )


def error_at(coef: float, values: np.ndarray, rows: CoxRows, efron: bool) -> float:
    """The inverse root of the information of one feature at a coefficient."""
    values = values[rows.order]
    there = ~np.isnan(values)
    sets = screening.risk_sets(rows.event[there], rows.leave[there], rows.slot_stratum, efron)
    x = values[None, there] - np.nanmean(values)
    information = screening.partial_likelihood(x, screening.event_total(x, sets[0]), np.array([coef]), sets)[
        2
    ]
    return float(information[0, 0] ** -0.5)


@pytest.mark.parametrize("efron", [True, False])
def test_sums_are_those_of_one_model(efron):
    rng = np.random.default_rng(2)
    for n in (5, 40, 200):
        rows = outcome(rng, n)
        sets = screening.risk_sets(rows.event, rows.leave, rows.slot_stratum, efron)
        (block,) = blocks_of(rng.normal(size=(3, n)), rows.order)
        risk = np.exp(rng.normal(size=(n, 3)))
        block.work[0][:] = risk
        sums_of_lanes(block.x, block.known, sets, NOBODY, block.work, block.work[4])
        for lane in range(3):
            score, information = np.zeros(1), np.zeros((1, 1))
            x, own = np.ascontiguousarray(block.x[:, lane]), np.ascontiguousarray(risk[:, lane])
            log = screening.sums_of_several(x[None, :], own, sets, score, information)
            turns = block.work[3][:, lane]
            assert turns[LOGARITHMS] == pytest.approx(log, rel=1e-10, abs=1e-9)
            assert turns[MEANS] == pytest.approx(-score[0], rel=1e-9, abs=1e-9)
            assert turns[SQUARES] == pytest.approx(information[0, 0], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("efron", [True, False])
def test_results_are_those_of_the_careful_way(efron):
    """With ties, strata, censored rows between, few or many events, skewed, binary and missing features.

    The careful way takes the information before its last step, of up to 1e-7 standard errors, which with
    three events shows in the error: here it is that at the maximum itself.
    """
    rng = np.random.default_rng(11)
    for n in (6, 30, 150):
        rows = outcome(rng, n)
        features = np.round(rng.normal(size=(40, n)), 1)
        features[:10] = np.exp(2 * features[:10])
        features[10:14] = features[10:14] > 0.5
        features[25:] = np.where(rng.uniform(size=(15, n)) < 0.2, np.nan, features[25:])
        found = screening.screen_cox(features, rows, efron=efron)
        expected = careful(features, rows, efron)
        for name in ("n", "n_event", "coef", "likelihood_ratio", "score", "status"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(expected, name), rtol=1e-8, atol=1e-10, err_msg=name
            )
        for j in np.flatnonzero(found.status == screening.ESTIMATED):
            exact = error_at(found.coef[j], features[j], rows, efron)
            assert found.std_error[j] == pytest.approx(exact, rel=5e-8)
            assert found.wald[j] == pytest.approx((found.coef[j] / exact) ** 2, rel=1e-7)


def test_a_feature_is_the_same_alone_in_a_block_and_in_any_layout():
    rng = np.random.default_rng(12)
    rows = outcome(rng, 120)
    features = rng.normal(size=(70, 120))
    features[5, 3], features[6], features[40] = np.nan, 1.0, np.arange(120.0)
    together = screening.screen_cox(features, rows, efron=True)
    columns = screening.screen_cox(np.asfortranarray(features), rows, efron=True)
    backwards = screening.screen_cox(features[::-1], rows, efron=True)
    for name in RESULTS:
        values = getattr(together, name)
        assert np.array_equal(values, getattr(columns, name), equal_nan=True)
        assert np.array_equal(values, getattr(backwards, name)[::-1], equal_nan=True)
        for j in (0, 5, 6, 33, 40, 69):
            alone = getattr(screening.screen_cox(features[j : j + 1], rows, efron=True), name)[0]
            assert np.array_equal(values[j], alone, equal_nan=True)
    assert together.status[6] == screening.CONSTANT
    assert together.n[5] == 119


def test_columns_without_information_have_no_factor():
    rng = np.random.default_rng(13)
    features = np.vstack([np.full(20, 7.3), rng.normal(size=20), np.append(np.nan, rng.normal(size=19))])
    order = rng.permutation(20)
    (block,) = blocks_of(features, order)
    assert (block.fit[SCALE] > 0).tolist() == [False, True, False]
    np.testing.assert_allclose(block.x.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose((block.x**2).mean(axis=0), [0, 1, 0], atol=1e-14)
    (block,) = blocks_of(features, order, gaps=True)
    np.testing.assert_array_equal(block.known, ~np.isnan(features.T[order]))
    np.testing.assert_allclose(block.x.sum(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((block.x**2).sum(axis=0), [0, 20, 19], atol=1e-13)
    assert (block.x[block.known == 0] == 0).all()


def test_large_linear_predictors_do_not_overflow():
    """One value far from all others: products of sums that reach exp(300) are taken apart in time."""
    time = np.arange(1.0, 41)
    rows = cox_rows(np.empty((40, 0)), time, np.ones(40, bool))
    outlier = np.zeros(40)
    outlier[0] = 1.0
    outlier[1:] = np.random.default_rng(3).normal(size=39) * 1e-3
    found = screening.screen_cox(np.array([outlier, -outlier]), rows, efron=True)
    expected = careful(np.array([outlier, -outlier]), rows, True)
    np.testing.assert_allclose(found.likelihood_ratio, expected.likelihood_ratio, rtol=1e-7)
    np.testing.assert_allclose(found.coef[0], -found.coef[1])


def test_a_feature_that_orders_the_events_is_left_to_the_careful_way():
    rows = cox_rows(np.empty((30, 0)), np.arange(1.0, 31), np.ones(30, bool))
    sets = screening.risk_sets(rows.event, rows.leave, rows.slot_stratum, True)
    (block,) = blocks_of(np.array([np.arange(30.0), np.arange(30.0) % 7]), rows.order)
    good = newton_lanes(block.x, block.known, sets, NOBODY, block.work, block.fit)
    assert good.tolist() == [False, True]
