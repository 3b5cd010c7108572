"""The exact partial likelihood: every subset written out, derivatives taken numerically, and many ties."""

from __future__ import annotations

from itertools import combinations
from math import comb, log

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close

from hemresearch.numerics.cox_exact import exact_partial_likelihood
from hemresearch.numerics.newton import maximize


def rows(seed, n=14, p=2, entry=True, strata=2, times=4):
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 2 + times, n).astype(float)
    return {
        "x": rng.normal(size=(n, p)),
        "time": time,
        "event": rng.random(n) < 0.6,
        "entry": np.minimum(rng.integers(0, 2 + times, n), time - 1) if entry else None,
        "stratum": rng.integers(0, strata, n) if strata > 1 else None,
        "offset": rng.normal(size=n),
    }


def by_subsets(beta, x, time, event, entry, stratum, offset):
    """Log-likelihood, score and information from the sum over every subset of the risk set."""
    entry = np.zeros(len(time)) if entry is None else entry
    stratum = np.zeros(len(time), dtype=int) if stratum is None else stratum
    linear = x @ beta + offset
    value, score, information = 0.0, np.zeros(x.shape[1]), np.zeros((x.shape[1],) * 2)
    for s, t in sorted({(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}):
        at_risk = np.flatnonzero((stratum == s) & (entry < t) & (time >= t))
        happened = np.flatnonzero((stratum == s) & (time == t) & event)
        subsets = [list(subset) for subset in combinations(at_risk, len(happened))]
        weight = np.exp([linear[subset].sum() for subset in subsets])
        sums = np.array([x[subset].sum(axis=0) for subset in subsets])
        mean = weight @ sums / weight.sum()
        value += linear[happened].sum() - np.log(weight.sum())
        score += x[happened].sum(axis=0) - mean
        information += (sums - mean).T @ ((sums - mean) * (weight / weight.sum())[:, None])
    return value, score, information


@pytest.mark.parametrize("entry", [False, True])
@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("times", [1, 4, 40])
def test_equals_the_sum_over_all_subsets(entry, strata, times):
    for seed in range(4):
        data = rows(seed, entry=entry, strata=strata, times=times)
        beta = np.array([0.7, -1.3])
        found, expected = exact_partial_likelihood(**data)(beta), by_subsets(beta, **data)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("case_id", ["cox_bmt_exact", "cox_heart_startstop_exact"])
def test_the_maximum_is_that_of_coxph(reference, case_id):
    case = reference("cox", case_id)
    data = case.data
    if "group" in data.columns:
        data = data.with_columns(two=pl.col("group") == 2, three=pl.col("group") == 3)
    names = [{"factor(group)2": "two", "factor(group)3": "three", "transplant1": "transplant"}.get(n, n)
             for n in case.values["coef"]]  # fmt: skip
    x = data.select(pl.col(names).cast(pl.String).replace({"true": "1", "false": "0"}).cast(float)).to_numpy()
    time = data[case.options["time"]].cast(float).to_numpy()
    entry = data["start"].cast(float).to_numpy() if "entry" in case.options else None
    event = data.select(case.expr(case.options["event"])).to_series().to_numpy()
    likelihood = exact_partial_likelihood(x, time, event, entry)
    found = maximize(likelihood, np.zeros(len(names)))
    values = case.values
    assert_close(found.parameters, list(values["coef"].values()), rel=1e-7)
    assert_close(np.linalg.inv(found.information), values["var"], rel=1e-6)
    assert_close([likelihood(np.zeros(len(names)))[0], found.value], values["loglik"], rel=1e-10)
    _, score, information = likelihood(np.zeros(len(names)))
    assert_close(score @ np.linalg.solve(information, score), values["score_test"], rel=1e-7)


def test_score_and_information_are_the_derivatives():
    likelihood = exact_partial_likelihood(**rows(7, n=30, p=3, times=5))
    beta, step = np.array([0.2, -0.4, 0.9]), 1e-5
    _, score, information = likelihood(beta)
    shifts = step * np.eye(3)
    numerical = [(likelihood(beta + h)[0] - likelihood(beta - h)[0]) / (2 * step) for h in shifts]
    np.testing.assert_allclose(score, numerical, rtol=1e-7, atol=1e-8)
    slopes = [(likelihood(beta - h)[1] - likelihood(beta + h)[1]) / (2 * step) for h in shifts]
    np.testing.assert_allclose(information, slopes, rtol=1e-7, atol=1e-8)


def test_two_of_four_by_hand():
    # r = 1, 2, 4, 8 in one tied set: the six products are 2, 4, 8, 8, 16, 32
    likelihood = exact_partial_likelihood(
        np.arange(4.0)[:, None], np.ones(4), np.array([True, False, False, True])
    )
    value, score, _ = likelihood(np.array([log(2)]))
    assert value == pytest.approx(log(8 / 70), rel=1e-14)
    mean = (1 * 2 + 2 * 4 + 3 * (8 + 8) + 4 * 16 + 5 * 32) / 70
    assert score == pytest.approx([3 - mean], rel=1e-13)


@pytest.mark.parametrize(("n", "d"), [(120, 60), (600, 3), (300, 298)])
def test_many_ties_with_equal_risks_are_binomial_coefficients(n, d):
    event = np.arange(n) < d
    x = np.where(np.arange(n) % 2 == 0, 1.0, -1.0)[:, None]
    value, _, information = exact_partial_likelihood(x, np.ones(n), event)(np.zeros(1))
    assert value == pytest.approx(-log(comb(n, d)), rel=1e-13)
    assert information == pytest.approx(d * (n - d) / (n - 1), rel=1e-12)  # hypergeometric


def test_events_and_others_exchanged_turn_the_effect():
    data = rows(3, entry=False, strata=1, times=1)
    other = {**data, "event": ~data["event"], "offset": -data["offset"]}
    beta = np.array([0.5, 0.25])
    value, score, information = exact_partial_likelihood(**data)(beta)
    turned = exact_partial_likelihood(**other)(-beta)
    assert turned[0] == pytest.approx(value, rel=1e-12)
    assert turned[1] == pytest.approx(-score, rel=1e-10)
    assert turned[2] == pytest.approx(information, rel=1e-10)


def test_a_shift_within_a_stratum_changes_nothing():
    data = rows(5)
    shift = np.array([1e4, -3e5])[data["stratum"]]
    moved = {**data, "x": data["x"] + shift[:, None], "offset": data["offset"] + shift / 100}
    beta = np.array([0.3, -0.6])
    for ours, shifted in zip(
        exact_partial_likelihood(**data)(beta), exact_partial_likelihood(**moved)(beta), strict=True
    ):
        np.testing.assert_allclose(shifted, ours, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("times", [1, 40])
def test_risks_of_any_size_neither_overflow_nor_vanish(times):
    data = rows(11, entry=False, strata=1, times=times)
    likelihood = exact_partial_likelihood(**data)
    for size in (300.0, 3000.0):
        beta = np.array([size, -size])
        value, score, information = likelihood(beta)
        assert np.isfinite(value)
        assert value < 0
        step = np.array([1e-3, 0.0])
        slope = (likelihood(beta + step)[0] - likelihood(beta - step)[0]) / 2e-3
        assert slope == pytest.approx(score[0], rel=1e-5, abs=1e-5)
        assert (np.linalg.eigvalsh(information) > -1e-9).all()


def test_who_enters_late_with_a_huge_risk_leaves_no_rounding_error_behind():
    # at t=9 and 8 the second row outweighs the others by e^60; at t=4 it is not yet there
    x = np.array([0.0, 60.0, 1.0, 2.0, 0.5])[:, None]
    data = {
        "x": x,
        "time": np.array([9.0, 8.0, 4.0, 5.0, 6.0]),
        "event": np.array([True, True, True, False, False]),
        "entry": np.array([0.0, 7.0, 0.0, 0.0, 0.0]),
        "stratum": None,
        "offset": np.zeros(5),
    }
    found, expected = exact_partial_likelihood(**data)(np.ones(1)), by_subsets(np.ones(1), **data)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_scores_of_strata_add_up_to_the_score():
    data = rows(2, strata=3)
    likelihood, beta = exact_partial_likelihood(**data), np.array([0.1, 0.2])
    scores = likelihood.stratum_scores(beta)
    assert scores.shape == (3, 2)
    np.testing.assert_allclose(scores.sum(axis=0), likelihood(beta)[1], rtol=1e-12)
    for s in range(3):
        own = data["stratum"] == s
        alone = {k: v if v is None else v[own] for k, v in data.items() if k != "stratum"}
        np.testing.assert_allclose(scores[s], exact_partial_likelihood(**alone)(beta)[1], rtol=1e-9)


def test_everybody_at_risk_having_the_event_says_nothing():
    likelihood = exact_partial_likelihood(np.arange(3.0)[:, None], np.ones(3), np.ones(3, dtype=bool))
    assert likelihood(np.array([0.4])) == (0.0, np.zeros(1), np.zeros((1, 1)))


def test_coefficients_that_are_not_finite_have_no_likelihood():
    value, score, information = exact_partial_likelihood(**rows(1))(np.array([np.inf, 0.0]))
    assert np.isnan(value)
    assert np.isnan(score).all()
    assert np.isnan(information).all()


def test_no_covariate_leaves_a_likelihood():
    value, score, information = exact_partial_likelihood(
        np.empty((4, 0)), np.ones(4), np.array([True, True, False, False])
    )(np.empty(0))
    assert value == pytest.approx(-log(6), rel=1e-14)
    assert score.shape == (0,)
    assert information.shape == (0, 0)
