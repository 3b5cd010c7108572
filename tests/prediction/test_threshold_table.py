"""Accuracy at thresholds: counts, ROC coordinates of R, and weighted shares with their errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import error_of, inverse_weights
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.epidemiology import diagnostic_accuracy
from hemresearch.prediction import roc_curve, threshold_table

TERMS = ["sensitivity", "specificity", "positive predictive value", "negative predictive value"]


def cohort(seed, n=60):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {"t": rng.integers(1, 12, n), "c": rng.integers(0, 3, n), "p": rng.random(n).round(1)}
    )


def test_matches_counts_of_a_binary_outcome(reference):
    case = reference("calibration_decision", "thresholds_nhefs")
    thresholds = [0.1, 0.2, 0.3, 0.5]
    found = threshold_table(case.data, event="y", risks={"p2": "p2"}, thresholds=thresholds).to_frame()
    for t in thresholds:
        v = case.values[f"t{t}"]
        ours = found.filter(threshold=t)
        assert_close(ours["estimate"], [v["sens"], v["spec"], v["ppv"], v["npv"]])
        assert ours["n"].to_list() == [v["tp"] + v["fp"]] * 4


def test_limits_are_those_of_diagnostic_accuracy(reference):
    data = reference("calibration_decision", "thresholds_nhefs").data
    ours = threshold_table(data, event="y", risks={"p2": "p2"}, thresholds=0.3).to_frame()
    theirs = diagnostic_accuracy(data.with_columns(test=pl.col("p2") >= 0.3), test="test", disease="y")
    names = ["estimate", "conf_low", "conf_high"]
    assert_close(ours.select(names).to_numpy(), theirs.to_frame().head(4).select(names).to_numpy())


def test_matches_coordinates_of_proc(reference):
    case = reference("calibration_decision", "roc_curve_asah_wfns")
    v, at = case.values, case.values["thresholds"][1:-1]
    found = threshold_table(
        case.data, event="outcome", event_value="Poor", scores={"wfns": "wfns"}, thresholds=at
    ).to_frame()
    assert_close(found.filter(term="sensitivity")["estimate"], v["sens"][1:-1])
    assert_close(found.filter(term="specificity")["estimate"], v["spec"][1:-1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_are_weighted_shares_with_the_error_of_their_influences(seed):
    data = cohort(seed)
    time, cause, p = (data[name].to_numpy().astype(float) for name in ("t", "c", "p"))
    weight = inverse_weights(time, cause, 6.0)
    has, positive = (cause == 1) & (time <= 6), p >= 0.4
    pairs = [(positive, has), (~positive, ~has), (has, positive), (~has, ~positive)]
    found = threshold_table(
        data, time="t", event="c", cause=1, risks={"m": "p"}, times=6, thresholds=0.4
    ).to_frame()
    assert found["term"].to_list() == TERMS
    for row, (of, among) in zip(found.iter_rows(named=True), pairs, strict=True):
        total = weight @ among
        share = weight @ (of & among) / total
        part = weight * among * (of - share) / total
        assert_close(
            [row["estimate"], row["std_error"]], [share, error_of(part, time, cause, 6.0)], at_zero=1e-9
        )


@pytest.mark.parametrize("controls", ["without the event", "event-free"])
def test_agrees_with_the_roc_curve(controls):
    data = cohort(3)
    roles = {
        "time": "t",
        "event": "c",
        "cause": 1,
        "scores": {"m": "p"},
        "times": [4, 8],
        "controls": controls,
    }
    curve = roc_curve(data, **roles).to_frame()
    found = threshold_table(data, **roles, thresholds=[0.3, 0.6]).to_frame()
    for row in found.filter(pl.col("term").is_in(TERMS[:2])).iter_rows(named=True):
        other = curve.filter(time=row["time"]).filter((pl.col("threshold") - row["threshold"]).abs() < 1e-9)
        assert_close(row["estimate"], other[row["term"]].item())


def test_nobody_positive_has_no_predictive_value():
    data = cohort(4).with_columns(e=pl.col("c") == 1, p=pl.col("p") / 2)
    for roles in ({}, {"time": "t", "times": 6}):
        found = threshold_table(data, event="e", risks={"m": "p"}, thresholds=0.6, **roles).to_frame()
        row = found.filter(term=TERMS[2]).row(0, named=True)
        assert [row[name] for name in ("n", "estimate", "std_error", "conf_low")] == [0, None, None, None]
        assert found.filter(term="specificity")["estimate"].item() == 1


def test_refuses():
    data = cohort(5).with_columns(e=pl.col("c") == 1)
    roles = {"event": "e", "risks": {"m": "p"}, "thresholds": 0.5}
    assert_refused(lambda: threshold_table(data, **roles | {"thresholds": 2}), argument="thresholds")
    bad = {"event": "e", "scores": {"m": "p"}, "thresholds": np.inf}
    assert_refused(lambda: threshold_table(data, **bad), argument="thresholds", says=["finite numbers"])
    assert_refused(lambda: threshold_table(data, **roles, controls="all"), argument="controls")
    assert_refused(lambda: threshold_table(data, **roles, conf_level=1), argument="conf_level")
    for value in (False, True):
        same = data.with_columns(e=pl.lit(value))
        assert_refused(
            lambda d=same: threshold_table(d, **roles), argument="event", column="e", says=["vary"]
        )
