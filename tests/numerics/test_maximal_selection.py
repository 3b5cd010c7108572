"""Maximally selected statistics: by hand, every permutation, mvtnorm, and R's maxstat step by step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from maxstat_steps import maxstat_hl
from reference_cases import load_reference, reference_cases

from hemresearch.numerics.maximal_selection import (
    cut_sizes,
    hothorn_lausen_p,
    lausen_1992,
    lausen_1994,
    logrank_scores,
    normal_p,
    permuted_maxima,
    standardized,
    whole_scores,
)


def test_scores_by_hand():
    # Events at 1, 2, 2 (of three with this time one is censored) and 5; R: only one of those at 2 is at risk.
    time, event = np.array([2.0, 1, 5, 2, 2]), np.array([1.0, 1, 1, 0, 1])
    at_2 = 1 / 5 + 2 / 2
    np.testing.assert_allclose(
        logrank_scores(time, event), [1 - at_2, 1 - 1 / 5, 1 - at_2 - 1, -at_2, 1 - at_2]
    )


def test_statistic_by_hand():
    # Scores 3, 0, 0, 1: mean 1, variance 2. After 1: (3 - 1) / sqrt(1 * 3 / 4 * 2); after 3: (3 - 3) = 0.
    found = standardized(np.array([3.0, 0, 0, 1]), np.array([1, 3]))
    np.testing.assert_allclose(found, [2 / np.sqrt(1.5), 0], atol=1e-15)


def test_cuts_keep_equal_values_together_and_shares():
    x = np.array([1.0, 1, 2, 3, 3, 3, 4, 5, 6, 7])
    assert cut_sizes(x, 0.1, 0.9).tolist() == [2, 3, 6, 7, 8, 9]
    assert cut_sizes(x, 0.3, 0.7).tolist() == [3, 6, 7]
    assert cut_sizes(np.ones(4), 0.1, 0.9).tolist() == []


@pytest.mark.parametrize("case_id", reference_cases("cutpoint_normal"))
def test_the_normal_probability_is_that_of_mvtnorm(case_id):
    case = load_reference("cutpoint_normal", case_id)
    p = normal_p(case.options["b"], case.options["n"], np.array(case.options["sizes"]))
    assert p == pytest.approx(case.values["p"], abs=max(2 * (case.values["error"] or 0), 1e-8))


def test_the_normal_probability_at_its_ends():
    sizes = np.arange(10, 90)
    assert normal_p(0.0, 100, sizes) == 1
    assert normal_p(2.0, 100, np.array([50])) == pytest.approx(0.04550026389635842)
    alone, many = normal_p(7.0, 100, np.array([50])), normal_p(7.0, 100, sizes)
    assert alone <= many <= len(sizes) * alone * (1 + 1e-6)
    fine = [normal_p(b, 3000, np.arange(300, 2701)) for b in (2.0, 3.0)]
    # the limit of many patients is close, and the bound is above
    assert fine[1] == pytest.approx(lausen_1992(3.0, 0.1, 0.9), rel=0.08)
    assert all(p <= lausen_1994(b, 3000, np.arange(300, 2701)) for p, b in zip(fine, (2.0, 3.0), strict=True))


def test_the_limit_is_1_below_1():
    assert lausen_1992(0.99, 0.1, 0.9) == 1


@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 5, 6], [2, 4, 5], [3]])
def test_the_bound_covers_all_permutations(sizes):
    rng = np.random.default_rng(5)
    cuts = np.array(sizes)
    for _ in range(3):
        scores = logrank_scores(rng.integers(1, 9, 7).astype(float), (rng.uniform(size=7) < 0.7) * 1.0)
        if np.ptp(scores) == 0:
            continue
        whole = whole_scores(scores)
        orders = np.array(list(itertools.permutations(whole.astype(float))))
        maxima = np.abs(standardized(orders, cuts)).max(axis=1)
        for b in np.unique(maxima.round(9))[-4:]:
            exact = (maxima >= b - 1e-8).mean()
            bound = hothorn_lausen_p(float(b) - 1e-9, whole, cuts)
            assert exact <= bound + 1e-12
            if len(cuts) == 1:
                assert bound == pytest.approx(exact)


def test_permutations_are_near_all_of_them():
    scores = np.array([0.9, -0.4, 0.1, -1.1, 0.6, -0.1])
    cuts = np.array([2, 3, 4])
    orders = np.array(list(itertools.permutations(scores)))
    b = float(np.abs(standardized(scores, cuts)).max())
    exact = (np.abs(standardized(orders, cuts)).max(axis=1) >= b - 1e-9).mean()
    drawn = permuted_maxima(scores, cuts, 20_000, np.random.default_rng(2))
    assert len(drawn) == 20_000
    assert (drawn >= b - 1e-9).mean() == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


# "cut_dlbcl_ipi": R counts sums equal to the observed one where its rounding lets it
@pytest.mark.parametrize(
    ("case_id", "rel"), [("cut_dlbcl_mge", 1e-9), ("cut_bmt_age", 1e-9), ("cut_dlbcl_ipi", 0.03)]
)
def test_the_steps_of_maxstat(case_id, rel):
    case = load_reference("cutpoint", case_id)
    o = case.options
    data = case.data.drop_nulls([o["time"], o["x"]]).sort(o["x"])
    event = data.select(case.expr(o["event"])).to_series().to_numpy().astype(float)
    scores = whole_scores(logrank_scores(data[o["time"]].to_numpy().astype(float), event))
    cuts = cut_sizes(data[o["x"]].to_numpy().astype(float), o["minprop"], o["maxprop"])
    b = float(np.abs(standardized(scores.astype(float), cuts)).max())
    theirs = maxstat_hl(b, scores, cuts)
    assert theirs == pytest.approx(case.values["p"]["HL"], rel=rel)
    ours = hothorn_lausen_p(b, scores, cuts)
    assert ours >= theirs
    if case_id == "cut_dlbcl_mge":  # no ties of the marker: only equal sums are counted besides
        assert ours == pytest.approx(0.0225, abs=1e-4)
