"""Cuts of a marker: R's maxstat, chance kept at its level, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.translational import cutpoint

NAMES = {"Lau92": "lausen-1992", "Lau94": "lausen-1994", "exactGauss": "normal"}
ROLES = {"time": "t", "event": "e", "score": "x"}


def made(n: int, seed: int, effect: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    t = rng.exponential(np.exp(-effect * (x > 0.3)))
    return pl.DataFrame({"t": t, "e": rng.uniform(size=n) < 0.7, "x": x})


@pytest.mark.parametrize("case_id", reference_cases("cutpoint"))
def test_matches_maxstat(case_id):
    case = load_reference("cutpoint", case_id)
    o, v = case.options, case.values
    roles = {"time": o["time"], "event": case.role("event"), "score": o["x"], "missing": "drop"}
    shares = {"least": o["minprop"], "most": o["maxprop"]}
    found = {ours: cutpoint(case.data, **roles, **shares, correction=ours) for ours in NAMES.values()}
    one = found["normal"]
    assert_close(one.frame["cut"], v["candidate_cuts"])
    assert_close(one.frame["statistic"].abs(), v["standardized_stats"])
    assert_close([one.cut, one.statistic, one.n], [v["cutpoint"], v["statistic"], v["n"]])
    assert one.frame.filter(cut=one.cut)["n_low"].item() == v["n_low"]
    if "hr_high_vs_low" in v:
        assert_close(one.hazard_ratio, v["hr_high_vs_low"], rel=1e-6)
    for theirs, ours in NAMES.items():
        # R's exactGauss is drawn at random, to 0.001
        near = {"abs": 1e-3} if theirs == "exactGauss" else {"rel": 1e-9}
        assert found[ours].p_value == pytest.approx(v["p"][theirs], **near)
        assert found[ours].critical > 2
    assert one.p_uncorrected < one.p_value


def test_a_permutation_p_value_is_near_the_vignettes():
    # maxstat prints 0.0102 of 9999 permutations, where those equal to the observed one do not count
    data = load_reference("cutpoint", "cut_dlbcl_mge").data
    roles = {"time": "time", "event": "cens", "score": "MGE", "missing": "drop", "correction": "permutation"}
    one = cutpoint(data, **roles, seed=1)
    assert one.p_value == pytest.approx(0.0122, abs=0.004)
    assert one.p_value == cutpoint(data, **roles, seed=1).p_value
    assert one.n_dropped == 2
    assert (one.hazard_ratio, one.conf_low) == (0.0, None)
    assert "too small by the search" in repr(one)
    bound = cutpoint(data, **roles | {"correction": "hothorn-lausen"})
    assert bound.p_value > one.p_value
    assert bound.critical is None


def test_chance_is_kept_at_its_level():
    found = [cutpoint(made(60, seed), **ROLES) for seed in range(60)]
    small = np.mean([one.p_value < 0.05 for one in found])
    assert small < 0.1
    assert np.mean([one.p_uncorrected < 0.05 for one in found]) > 0.2
    assert all((one.p_value < 0.05) == (one.statistic > one.critical) for one in found)


def test_a_true_cut_is_found_and_the_sign_is_that_of_the_hazard():
    one = cutpoint(made(300, 4, effect=1.5), **ROLES)
    assert one.cut == pytest.approx(0.3, abs=0.15)
    assert one.p_value < 1e-4
    assert one.hazard_ratio > 2
    best = one.frame.filter(cut=one.cut)["statistic"].item()
    assert best == one.statistic
    turned = cutpoint(made(300, 4, effect=1.5).with_columns(-pl.col("x")), **ROLES, least=0.1, most=0.9)
    assert turned.frame["statistic"].min() < -4


def test_the_marker_counts_by_its_order_only():
    data = made(80, 7, effect=0.5)
    one = cutpoint(data, **ROLES)
    other = cutpoint(
        data.with_columns(pl.col("x").exp()).sample(fraction=1, shuffle=True, seed=1).lazy(), **ROLES
    )
    assert other.cut == pytest.approx(np.exp(one.cut))
    assert other.p_value == pytest.approx(one.p_value)
    np.testing.assert_allclose(other.frame["statistic"], one.frame["statistic"])


def test_the_uncorrected_ratio_is_that_of_cox():
    data = made(90, 9, effect=0.8)
    one = cutpoint(data, **ROLES)
    fit = hem.regression.cox(data.with_columns(high=pl.col("x") > one.cut), ["high"], time="t", event="e")
    row = fit.to_frame(exponentiate=True).row(0, named=True)
    assert_close([one.hazard_ratio, one.conf_low, one.conf_high],
                 [row["estimate"], row["conf_low"], row["conf_high"]], rel=1e-6)  # fmt: skip


def test_what_it_says():
    one = cutpoint(made(90, 9, effect=0.8), **ROLES)
    assert "corrected for the search" in one.text()
    assert "too far from 1" in one.text()
    assert "multivariate normal" in one.methods()
    row = one.summary().row(0, named=True)
    assert (row["n"], row["n_cuts"], row["optimistic"]) == (90, one.frame.height, True)
    assert one.to_frame() is one.frame
    assert repr(one).count("\n") == 3


def test_events_that_nobody_outlives_are_refused():
    alike = pl.DataFrame({"t": [5.0] * 20, "e": [True] * 20, "x": range(20)})
    call = lambda: cutpoint(alike, time="t", event="e", score="x")  # noqa: E731
    assert_refused(call, argument="event", column="e", says=["tells nobody from another"])


def test_tiny_p_values_are_those_of_the_bound_and_fall():
    n = 200
    perfect = pl.DataFrame({"t": np.arange(n, 0.0, -1), "e": [True] * n, "x": np.arange(float(n))})
    noisy = perfect.with_columns(x=pl.col("x") + pl.Series(np.random.default_rng(1).normal(0, 40, n)))
    roles = {"time": "t", "event": "e", "score": "x"}
    best, worse = cutpoint(perfect, **roles), cutpoint(noisy, **roles)
    assert best.p_uncorrected < best.p_value < worse.p_value < 1e-10
    assert best.p_value == cutpoint(perfect, **roles, correction="lausen-1994").p_value


def test_refusals():
    data = made(40, 1)

    def refused(data=data, says=(), *, argument, column=None, **options):
        assert_refused(lambda: cutpoint(data, **ROLES | options), argument=argument, column=column, says=says)

    refused(argument="correction", correction="exact")
    refused(argument="least", least=0)
    refused(argument="most", least=0.6, most=0.5, says=["least=0.6"])
    refused(argument="n_permutations", n_permutations=99)
    refused(argument="n_permutations", n_permutations=1000.5)
    refused(data.with_columns(x=1), argument="score", column="x", says=["same in every row"])
    few = data.with_columns(x=pl.int_range(pl.len()) < 5)
    few = few.with_columns(pl.col("x").cast(pl.Int64))
    refused(few, argument="score", column="x", least=0.3, most=0.7, says=["no cut"])
    refused(data.with_columns(e=False), argument="event", column="e")
    refused(made(5001, 1), argument="correction", says=["5001 patients"])
    refused(made(201, 1), argument="correction", correction="hothorn-lausen", says=["at most 200"])


def test_two_values_leave_nothing_to_choose():
    data = made(40, 1).with_columns(x=(pl.col("x") > 0).cast(pl.Int64))
    one = assert_warns(lambda: cutpoint(data, **ROLES), argument="score", column="x", says=["two values"])
    assert one.p_value == pytest.approx(one.p_uncorrected)
