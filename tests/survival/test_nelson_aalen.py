"""The Nelson-Aalen estimator: R's cumulative hazards, numbers by hand, and its ties."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused

from hemresearch.survival import nelson_aalen

FIVE = pl.DataFrame({"time": [1, 2, 2, 4, 6], "event": [1, 1, 1, 1, 0]})


@pytest.mark.parametrize("case_id", reference_cases("kaplan_meier", "km_"))
def test_matches_survfit(reference, case_id):
    case = reference("kaplan_meier", case_id)
    hazard = nelson_aalen(
        case.data,
        time=case.role("time"),
        event=case.role("event"),
        entry=case.role("entry"),
        by=case.role("by"),
        weights=case.role("weights"),
        cluster=case.role("cluster"),
        robust=case.options.get("robust"),
        start_time=case.options.get("start_time"),
        ties="fleming-harrington" if case.options["ctype"] == 2 else "nelson-aalen",
    ).at(case.options["times"], extend=True)
    for stratum in case.values["strata"]:
        rows = case.in_group(hazard, stratum["label"])
        assert_close(rows["estimate"], stratum["cumhaz"], rel=1e-9)
        assert_close(rows["std_error"], stratum["std_chaz"], rel=1e-9)


def test_five_patients_by_hand():
    frame = nelson_aalen(FIVE, time="time", event="event").to_frame()
    assert_close(frame["estimate"], [1 / 5, 1 / 5 + 2 / 4, 1 / 5 + 2 / 4 + 1 / 2, 1.2])
    assert_close(frame["std_error"][1], np.sqrt(1 / 25 + 2 / 16))


def test_tied_deaths_taken_in_turn_by_hand():
    frame = nelson_aalen(FIVE, time="time", event="event", ties="fleming-harrington").to_frame()
    assert_close(frame["estimate"][1], 1 / 5 + 1 / 4 + 1 / 3)
    assert_close(frame["std_error"][1], np.sqrt(1 / 25 + 1 / 16 + 1 / 9))


def test_log_log_limits_are_symmetric_for_the_logarithm_of_the_hazard():
    frame = nelson_aalen(FIVE, time="time", event="event").to_frame()
    assert_close(frame["conf_low"] * frame["conf_high"], (frame["estimate"] ** 2).to_list())


@settings(max_examples=40, deadline=None)
@given(cohorts())
@pytest.mark.parametrize("ties", ["nelson-aalen", "fleming-harrington"])
def test_weight_two_is_two_patients(ties, cohort):
    arguments = {"time": "time", "event": "event", "by": "group", "ties": ties}
    weighted = nelson_aalen(cohort, **arguments, weights="weight").to_frame()
    repeated = nelson_aalen(replicated(cohort), **arguments).to_frame()
    assert_frame_equal(weighted, repeated, rel_tol=1e-12)


def test_a_group_without_events_has_a_hazard_of_zero():
    quiet = FIVE.with_columns(arm=pl.Series(list("AABBA")), event=pl.Series([1, 1, 0, 0, 1]))
    for ties in ("nelson-aalen", "fleming-harrington"):
        frame = nelson_aalen(quiet, time="time", event="event", by="arm", ties=ties).to_frame()
        assert frame.filter(pl.col("arm") == "B")["estimate"].to_list() == [0.0, 0.0]


def test_a_quantile_of_a_hazard_is_refused():
    assert_refused(
        lambda: nelson_aalen(FIVE, time="time", event="event").quantile(0.5),
        argument="curves",
        says=["kaplan_meier(...)"],
    )


def test_fleming_harrington_refuses_weights_that_are_not_whole():
    weighted = FIVE.with_columns(w=pl.Series([1.0, 1.0, 2.5, 1.0, 1.0]))
    assert_refused(
        lambda: nelson_aalen(weighted, time="time", event="event", weights="w", ties="fleming-harrington"),
        argument="weights",
        column="w",
        rows=[3],
        says=["whole"],
    )
