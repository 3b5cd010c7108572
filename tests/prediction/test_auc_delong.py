"""DeLong's variance: values of pROC, and the same by a matrix of pairs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.prediction import auc, auc_delong, auc_delong_difference

CASES = {
    "roc_delong_nhefs": ({"event": "y"}, {"one": "p1", "two": "p2"}),
    "roc_asah_s100b": ({"event": "outcome", "event_value": "Poor"}, {"one": "s100b", "two": "ndka"}),
}


def cohort(seed, n=40):
    rng = np.random.default_rng(seed)
    event = rng.random(n) < 0.4
    event[:4] = [True, True, False, False]
    return pl.DataFrame({"e": event, "a": rng.integers(0, 6, n), "b": rng.normal(size=n)})


@pytest.mark.parametrize("case_id", list(CASES))
def test_matches_proc(reference, case_id):
    case = reference("calibration_decision", case_id)
    roles, scores = CASES[case_id]
    v = case.values
    areas = auc_delong(case.data, **roles, scores=scores).to_frame()
    assert_close(areas["estimate"], [v["auc1"], v["auc2"]])
    found = (
        auc_delong_difference(case.data, **roles, scores=scores, reference="two")
        .to_frame()
        .row(0, named=True)
    )
    assert_close([found["statistic"], found["p_value"]], [v["z"], v["p"]], rel=1e-8)
    assert_close([found["conf_low"], found["conf_high"]], v["ci_diff"], rel=1e-8)
    covariance = (areas["std_error"].pow(2).sum() - found["std_error"] ** 2) / 2
    assert_close(covariance, v["cov"], rel=1e-8)


@pytest.mark.parametrize("column", ["p1", "p2"])
def test_limits_match_proc(reference, column):
    case = reference("calibration_decision", f"calibration_nhefs_{column}")
    found = auc_delong(case.data, event="y", scores={"m": column}).to_frame().row(0, named=True)
    v = case.values
    assert_close([found["estimate"], found["std_error"] ** 2], [v["auc"], v["auc_delong_var"]])
    assert_close([found["conf_low"], found["conf_high"]], v["auc_delong_ci"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_is_the_variance_of_a_matrix_of_pairs(seed):
    data = cohort(seed)
    e = data["e"].to_numpy()
    found = auc_delong(data, event="e", scores={"a": "a", "b": "b"}).to_frame()
    parts = []
    for name, row in zip("ab", found.iter_rows(named=True), strict=True):
        x = data[name].to_numpy().astype(float)
        pairs = (x[e][:, None] > x[~e]) + 0.5 * (x[e][:, None] == x[~e])
        cases, controls = pairs.mean(axis=1), pairs.mean(axis=0)
        parts.append((cases, controls))
        variance = cases.var(ddof=1) / len(cases) + controls.var(ddof=1) / len(controls)
        assert_close([row["estimate"], row["std_error"]], [pairs.mean(), np.sqrt(variance)], at_zero=1e-12)
    difference = auc_delong_difference(data, event="e", scores={"a": "a", "b": "b"}).to_frame()
    apart = [one - other for one, other in zip(parts[1], parts[0], strict=True)]
    variance = sum(values.var(ddof=1) / len(values) for values in apart)
    assert_close([difference["std_error"].item()], [np.sqrt(variance)])


def test_agrees_with_the_area_at_a_horizon_that_all_are_followed_to():
    data = cohort(1).with_columns(t=pl.when("e").then(1.0).otherwise(3.0))
    timed = auc(data, time="t", event="e", scores={"a": "a"}, times=2).to_frame()
    found = auc_delong(data, event="e", scores={"a": "a"}).to_frame()
    assert_close(found["estimate"], timed["estimate"])
    assert_close(found["std_error"], timed["std_error"], rel=0.05)  # n for n - 1


def test_equal_scores_do_not_differ():
    data = cohort(2)
    found = auc_delong_difference(
        data, event="e", scores={"a": "a", "twice": (pl.col("a") * 2).alias("c")}
    ).to_frame()
    row = found.row(0, named=True)
    assert (row["estimate"], row["std_error"], row["p_value"]) == (0, 0, None)


def test_missing_and_lazy():
    data = cohort(3).with_columns(a=pl.when(pl.int_range(40) > 0).then("a"))
    found = auc_delong(data.lazy(), event="e", scores={"a": "a"}, missing="drop")
    assert (found.n, found.n_dropped) == (39, 1)


def test_refuses():
    data = cohort(4)
    scores = {"a": "a"}
    assert_refused(lambda: auc_delong(data, event="e", scores=scores, conf_level=2), argument="conf_level")
    assert_refused(lambda: auc_delong(data, event="e", scores=["a", 1]), argument="scores", says=["name"])
    call = lambda: auc_delong_difference(data, event="e", scores=scores)  # noqa: E731
    assert_refused(call, argument="risks or scores", says=["one model only"])
    for value in (0, 1):
        same = data.with_columns(e=pl.lit(value))
        refused = lambda d=same: auc_delong(d, event="e", scores=scores)  # noqa: E731
        assert_refused(refused, argument="event", column="e", says=["does not vary"])
    one = data.with_columns(e=pl.int_range(40) == 3)
    assert_refused(
        lambda: auc_delong(one, event="e", scores=scores), argument="event", column="e", says=["alone"]
    )
