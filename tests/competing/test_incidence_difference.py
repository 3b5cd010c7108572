"""Differences and ratios of cumulative incidence: R, by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import replicated
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from random_causes import cohorts_with_causes
from reference_cases import assert_close
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

from hemresearch.competing import cumulative_incidence, incidence_difference

ROLES = {"time": "time", "event": "event"}
CERTAIN = pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
# Of four in each arm, all followed to 9: relapse by 5 in 2 of a and 1 of b.
TWO_ARMS = pl.DataFrame(
    {
        "time": [2, 4, 3, 9, 1, 6, 8, 9],
        "event": ["relapse", "relapse", "death", "censored", "relapse", "death", "relapse", "censored"],
        "arm": list("aaaabbbb"),
    }
)
BY_ARM = {**ROLES, "by": "arm", "cause": "relapse"}


def test_standard_errors_match_the_residuals_of_r(reference):
    for case_id in ("robust_bmtcrr_cluster", "robust_follic_weights", "robust_mgus2_rows"):
        case = reference("incidence", case_id)
        times = case.options["times"]
        roles = {name: case.role(name) for name in ("time", "weights", "cluster")}
        result = incidence_difference(
            case.data,
            **roles,
            event=case.role("status"),
            cause=None,
            by=case.role("by"),
            at=times,
            variance="ij",
        )
        z = result.to_frame().with_columns(log=pl.col("estimate").log())
        for one, (first, second) in zip(
            case.values["differences"],
            zip(*(group["causes"] for group in case.values["groups"]), strict=True),
            strict=True,
        ):
            rows = z.filter(pl.col("cause") == one["cause"])
            difference, ratio = (rows.filter(pl.col("term") == term) for term in ("difference", "ratio"))
            assert_close(difference["estimate"], np.subtract(second["cif"], first["cif"]), rel=1e-9)
            assert_close(difference["std_error"], one["std_err"], rel=1e-9)
            assert_close(ratio["estimate"], np.divide(second["cif"], first["cif"]), rel=1e-9)
            assert_close(ratio["log"] / ratio["statistic"], one["log_ratio_std_err"], rel=1e-9)


def test_by_hand():
    difference, ratio = incidence_difference(TWO_ARMS, **BY_ARM, at=5).to_frame().rows(named=True)
    assert [difference[k] for k in ("group", "reference", "cause", "time")] == ["b", "a", "relapse", 5.0]
    # nobody is censored by 5: binomial variances 1/2 1/2 / 4 and 1/4 3/4 / 4
    error = np.sqrt(1 / 16 + 3 / 64)
    assert_close([difference["estimate"], difference["std_error"]], [-0.25, error])
    assert_close(
        [difference["conf_low"], difference["conf_high"]],
        [-0.25 + s * 1.959963984540054 * error for s in (-1, 1)],
    )
    assert_close(difference["p_value"], 2 * ndtr(-0.25 / error))
    log_error = np.sqrt(1 / 16 / 0.25 + 3 / 64 / (1 / 16))
    assert_close(ratio["estimate"], 0.5)
    assert ratio["std_error"] is None
    assert_close(ratio["statistic"], np.log(0.5) / log_error)
    assert_close(ratio["conf_high"], 0.5 * np.exp(1.959963984540054 * log_error))


@CERTAIN
def test_several_times_causes_and_groups_have_rows_of_their_own():
    three = TWO_ARMS.with_columns(arm=pl.Series(list("aabbccca")))
    result = incidence_difference(three, **{**BY_ARM, "cause": ["death", "relapse"]}, at=[8, 8.5]).to_frame()
    assert result.columns == [
        "term", "group", "reference", "cause", "time", "estimate", "std_error", "statistic", "p_value",
        "conf_low", "conf_high",
    ]  # fmt: skip
    assert result.height == 2 * 2 * 2 * 2
    assert result["time"].to_list() == [8.0] * 8 + [8.5] * 8
    assert result["cause"].to_list() == (["death"] * 4 + ["relapse"] * 4) * 2
    assert result["group"].to_list()[:4] == ["b", "b", "c", "c"]


@CERTAIN
@settings(max_examples=40)
@given(cohorts_with_causes())
def test_the_difference_is_that_of_the_curves(cohort):
    at = float(cohort.group_by("group").agg(pl.col("time").max())["time"].min())
    for variance in ("greenwood", "cuminc", "ij"):
        ends = cumulative_incidence(cohort, **ROLES, by="group", variance=variance).at(at)
        rows = incidence_difference(
            cohort, **ROLES, cause=None, by="group", at=at, variance=variance
        ).to_frame()
        difference = rows.filter(pl.col("term") == "difference")
        first, second = (ends.filter(pl.col("group") == g) for g in ("g0", "g1"))
        assert_close(difference["estimate"], second["estimate"] - first["estimate"], rel=1e-9, at_zero=1e-12)
        error = (first["std_error"] ** 2 + second["std_error"] ** 2).sqrt()
        assert_close(difference["std_error"], error, rel=1e-7, at_zero=1e-7)


@pytest.mark.parametrize("variance", ["greenwood", "ij"])
def test_from_a_later_start_the_difference_is_that_of_curves_from_there(variance):
    begins = {"start_time": 2, "variance": variance}
    curves = cumulative_incidence(TWO_ARMS, **BY_ARM, **begins).at(8)
    result = incidence_difference(TWO_ARMS, **BY_ARM, **begins, at=8)
    difference = result.to_frame().row(0, named=True)
    assert difference["estimate"] == pytest.approx(curves["estimate"][1] - curves["estimate"][0])
    assert difference["std_error"] == pytest.approx(np.hypot(*curves["std_error"]))
    assert result.n == 7  # the relapse at 1 is before the start
    assert result.text().startswith("cumulative incidence from 2 of relapse at 8, b against a: difference ")
    assert result.methods().startswith("The cumulative incidence from 2 was compared")


@CERTAIN
@settings(max_examples=30)
@given(cohorts_with_causes())
def test_weights_are_patients_and_groups_change_sign_with_their_order(cohort):
    at = float(cohort.group_by("group").agg(pl.col("time").max())["time"].min())
    roles = {**ROLES, "cause": 1, "by": "group", "at": at}
    weighted = incidence_difference(cohort, **roles, weights="weight").to_frame()
    assert_frame_equal(weighted, incidence_difference(replicated(cohort), **roles).to_frame(), abs_tol=1e-9)
    other = pl.col("group").replace_strict({"g0": "g1", "g1": "g0"}).alias("group")
    turned = incidence_difference(cohort.with_columns(other), **roles, weights="weight").to_frame()
    assert_close(-turned["estimate"][0], weighted["estimate"][0], rel=1e-9, at_zero=1e-12)
    assert_close(turned["std_error"][0], weighted["std_error"][0], rel=1e-9, at_zero=1e-9)


def test_a_patient_in_both_arms_cancels_out():
    pairs = pl.concat([TWO_ARMS[:4].with_columns(arm=pl.lit(a), pair=pl.Series([1, 2, 3, 4])) for a in "ab"])
    row = incidence_difference(pairs, **BY_ARM, cluster="pair", at=5).to_frame().row(0, named=True)
    assert (row["estimate"], row["std_error"], row["statistic"]) == (0, 0, None)
    assert row["p_value"] is None


def test_texts():
    result = incidence_difference(TWO_ARMS, **BY_ARM, at=5)
    assert result.text() == (
        "cumulative incidence of relapse at 5, b against a: difference -25.0 percentage points "
        "(95% CI -89.8 to 39.8), p=0.45; ratio 0.50 (95% CI 0.07–3.55), p=0.49"
    )
    assert result.methods() == (
        "The cumulative incidence was compared between groups by differences and ratios with 95% confidence "
        "limits (normal (ratios on the log scale), Greenwood variance)."
    )
    assert repr(result).startswith(
        "cumulative incidence, n=8, events=3\n  difference, group=b, reference=a, "
    )
    assert result.summary().row(0, named=True)["n_event"] == 3
    several = incidence_difference(TWO_ARMS, **BY_ARM, at=[5, 2])
    assert several.n_event == 3  # those by the latest time, wherever it stands


def test_limits_of_a_difference_stay_possible():
    few = TWO_ARMS[[0, 1, 2, 6, 7]].with_columns(
        time=pl.Series([2, 4, 9, 9, 8]), arm=pl.Series(list("aaabb"))
    )
    few = few.with_columns(event=pl.Series(["relapse", "relapse", "death", "censored", "relapse"]))
    rows = incidence_difference(few, **BY_ARM, at=8, conf_level=0.99).to_frame()
    # 1/2 - 2/3, with binomial variances 1/4 / 2 and 2/9 / 3
    high = -1 / 6 + 2.5758293035489 * np.sqrt(1 / 8 + 2 / 27)
    assert_close([rows["conf_low"][0], rows["conf_high"][0]], [-1, high])
    assert rows["conf_high"][1] > 1


def test_no_event_in_a_group_is_told():
    none = TWO_ARMS.with_columns(event=pl.col("event").replace({"relapse": "death"}))
    none = pl.concat([TWO_ARMS[:4], none[4:]])
    result = assert_warns(
        lambda: incidence_difference(none, **BY_ARM, at=5),
        argument="at",
        says=["the standard error is 0 of relapse in 'b' (no such event yet)", "gray_test(...)"],
    ).to_frame()
    assert_close(result["estimate"], [-0.5, None])
    assert_close(result["std_error"], [0.25, None])
    assert result["conf_low"].is_null().to_list() == [False, True]


def test_a_single_cluster_and_an_event_of_everybody_are_told():
    centres = TWO_ARMS.with_columns(centre=pl.Series([1, 1, 1, 1, 2, 3, 4, 5]))
    assert_warns(
        lambda: incidence_difference(centres, **BY_ARM, cluster="centre", at=5),
        argument="at",
        says=["of relapse in 'a' (too few clusters)"],
    )
    sudden = TWO_ARMS.with_columns(
        time=pl.when(pl.col("arm") == "a").then(2).otherwise("time"),
        event=pl.when(pl.col("arm") == "a").then(pl.lit("relapse")).otherwise("event"),
    )
    result = assert_warns(
        lambda: incidence_difference(sudden, **BY_ARM, at=5),
        argument="at",
        says=["of relapse in 'a' (everybody had the event at once)"],
    ).to_frame()
    assert_close(result["estimate"], [-0.75, 0.25])


def test_what_is_refused():
    assert_refused(
        lambda: incidence_difference(TWO_ARMS, **BY_ARM, at=10),
        argument="at",
        says=["10 lies beyond", "'a' at 9"],
    )
    assert_refused(lambda: incidence_difference(TWO_ARMS, **BY_ARM, at="5"), argument="at")
    assert_refused(
        lambda: incidence_difference(TWO_ARMS, **{**BY_ARM, "by": pl.lit("x").alias("arm")}, at=5),
        argument="by",
        column="arm",
    )
    assert_refused(
        lambda: incidence_difference(TWO_ARMS, **BY_ARM, at=5, conf_level=1), argument="conf_level"
    )
    assert_refused(lambda: incidence_difference(TWO_ARMS, **BY_ARM, at=5, variance="x"), argument="variance")
    assert_refused(
        lambda: incidence_difference(TWO_ARMS, **BY_ARM, at=5, start_time=10), argument="start_time"
    )
