"""Pseudo-values of incidence and time lost: R, leaving one out by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from random_causes import cohorts_with_causes
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.competing import cumulative_incidence, pseudo_values, years_lost

ROLES = {"time": "time", "event": "event", "censored": 0}
CERTAIN = pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
FIVE = pl.DataFrame({"time": [1, 2, 3, 4, 5], "event": [1, 2, 1, 2, 0]})


def assert_same(ours, expected):
    """To 1e-9, or to the rounding of n F - (n - 1) F_-i where that is 0."""
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11)


def values(data, **options):
    return pseudo_values(data, **ROLES, **options)["pseudo_value"].to_numpy()


def test_matches_r(reference):
    case = reference("incidence", "pseudo_bmtcrr")
    options = {"time": "ftime", "event": "Status", "times": case.options["times"]}
    for one in case.values["causes"]:
        # leaving one out by refitting in R, and survival::pseudo
        for method in ("jackknife", "infinitesimal"):
            frame = pseudo_values(case.data, **options, cause=one["cause"], method=method)
            ours = frame["pseudo_value"].to_numpy().reshape(case.data.height, -1)
            assert_same(ours, one[method]["data"])
            lost = pseudo_values(
                case.data,
                time="ftime",
                event="Status",
                cause=one["cause"],
                tau=case.options["tau"],
                method=method,
            )
            assert_same(lost["pseudo_value"], one[f"{method}_lost"])


@settings(max_examples=30)
@given(cohorts_with_causes(largest=15))
def test_leaving_out_by_refitting_gives_the_same(cohort):
    last = float(cohort["time"].max())
    n, times = cohort.height, [last / 3, last / 2, last]
    for cause in (1, 2):
        full = _incidence(cohort, cause, times)
        left = [_incidence(cohort.filter(pl.col("patient") != i), cause, times) for i in range(n)]
        expected = [n * full - (n - 1) * one for one in left]
        assert_same(values(cohort, cause=cause, times=times).reshape(n, -1), expected)


@CERTAIN
@settings(max_examples=20)
@given(cohorts_with_causes(largest=12))
def test_leaving_out_by_refitting_gives_the_same_time_lost(cohort):
    n, tau = cohort.height, float(cohort["time"].max())
    for cause in (1, 2):
        full = _area(cohort, cause, tau)
        left = [_area(cohort.filter(pl.col("patient") != i), cause, tau) for i in range(n)]
        expected = [n * full - (n - 1) * one for one in left]
        assert_same(values(cohort, cause=cause, tau=tau), expected)


@CERTAIN
@settings(max_examples=30)
@given(cohorts_with_causes())
def test_infinitesimal_values_have_the_estimate_as_mean_and_the_robust_variance(cohort):
    times = [1.0, float(cohort["time"].max())]
    n, at = cohort.height, cumulative_incidence(cohort, **ROLES, cause=1, variance="ij").at(times)
    ours = values(cohort, cause=1, times=times, method="infinitesimal").reshape(n, -1)
    assert_close(ours.mean(axis=0), at["estimate"], rel=1e-9, at_zero=1e-9)
    error = np.sqrt(((ours - at["estimate"].to_numpy()) ** 2).sum(axis=0)) / n
    assert_close(error, at["std_error"], rel=1e-7, at_zero=1e-7)
    lost = years_lost(cohort, **ROLES, cause=1, tau=times[1], variance="ij").to_frame()
    ours = values(cohort, cause=1, tau=times[1], method="infinitesimal")
    assert_close(np.sqrt(((ours - ours.mean()) ** 2).sum()) / n, lost["std_error"][0], rel=1e-7, at_zero=1e-7)


def test_without_censoring_they_are_what_happened():
    done = FIVE.with_columns(event=pl.Series([1, 2, 1, 2, 1]))
    assert_close(values(done, cause=1, times=[3]), [1, 0, 1, 0, 0], at_zero=1e-12)
    assert_close(values(done, cause=2, tau=4.5), [0, 2.5, 0, 0.5, 0], at_zero=1e-12)


def test_groups_causes_and_dropped_rows_keep_their_places():
    data = pl.concat([FIVE, FIVE.with_columns(pl.col("time") * 2)]).with_columns(
        arm=pl.Series(list("bbbbbaaaaa")), time=pl.when(pl.int_range(10) == 3).then(None).otherwise("time")
    )
    frame = pseudo_values(data, **ROLES, by="arm", times=[2, 3], missing="drop")
    assert frame.columns == ["row", "cause", "time", "pseudo_value"]
    assert frame["row"].unique().to_list() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert frame.head(4).select("cause", "time").rows() == [(1, 2.0), (1, 3.0), (2, 2.0), (2, 3.0)]
    alone = pseudo_values(FIVE.with_columns(pl.col("time") * 2), **ROLES, times=[2, 3])
    assert_close(frame["pseudo_value"][-20:], alone["pseudo_value"])


def test_what_is_refused():
    assert_refused(lambda: pseudo_values(FIVE, **ROLES), argument="times", says=["neither times nor tau"])
    assert_refused(
        lambda: pseudo_values(FIVE, **ROLES, times=2, tau=2), argument="times", says=["both times and tau"]
    )
    assert_refused(lambda: pseudo_values(FIVE, **ROLES, times=[6]), argument="times", says=["6 lies beyond"])
    assert_refused(lambda: pseudo_values(FIVE, **ROLES, tau=6), argument="tau", says=["6 lies beyond"])
    assert_refused(lambda: pseudo_values(FIVE, **ROLES, tau=-1), argument="tau")
    assert_refused(lambda: pseudo_values(FIVE, **ROLES, times=2, method="exact"), argument="method")
    alone = FIVE.with_columns(arm=pl.Series(list("aaaab")))
    assert_refused(
        lambda: pseudo_values(alone, **ROLES, by="arm", times=2), argument="by", column="arm", rows=[5]
    )


def _incidence(data, cause, times):
    if cause not in data["event"]:
        return np.zeros(len(times))
    at = cumulative_incidence(data, **ROLES, cause=cause).at(times, extend=True)
    return at["estimate"].to_numpy()


def _area(data, cause, tau):
    if cause not in data["event"]:
        return 0.0
    frame = cumulative_incidence(data, **ROLES, cause=cause).to_frame()
    width = np.diff(np.minimum(np.append(frame["time"], np.inf), tau))
    return float(frame["estimate"].to_numpy() @ width)
