"""Dynamic prediction: transition probabilities a fixed time ahead, and what reaches beyond the follow-up."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.multistate import (
    Transitions,
    dynamic_prediction,
    from_rows,
    from_wide,
    transition_cox,
    transition_probabilities,
)

MODEL = Transitions({"transplant": ["recovery", "relapse or death"], "recovery": ["relapse or death"]})
END = "relapse or death"


@pytest.fixture(scope="module")
def rows():
    return from_wide(
        hem.data.load("ebmt3"), MODEL, id="id", times={"recovery": "prtime", END: "rfstime"},
        events={"recovery": "prstat", END: "rfsstat"}, keep=["age", "drmatch"],
    )  # fmt: skip


def ahead(rows, **options):
    return dynamic_prediction(
        rows, MODEL, **({"state": END, "horizon": 365.0, "times": [0, 100, 400]} | options)
    )


@pytest.mark.parametrize("method", ["markov", "landmark"])
def test_each_prediction_is_a_transition_probability(rows, method):
    ours = ahead(rows, method=method, initial="transplant", by="drmatch")
    for s in (0, 100, 400):
        curves = transition_probabilities(
            rows, MODEL, start_time=s, initial="transplant", method=method, by="drmatch"
        )
        theirs = curves.at(s + 365).filter(pl.col("state") == END)
        part = ours.to_frame().filter(pl.col("time") == s)
        for column in ("drmatch", "estimate", "std_error", "conf_low", "conf_high"):
            assert part[column].to_list() == theirs[column].to_list()
    assert ours.to_frame()["horizon"].unique().to_list() == [365.0]
    assert (ours.n, ours.n_event) == (2204, 2010)


def test_it_tells_the_predictions_of_one_time(rows):
    ours = ahead(rows)
    assert ours.text(100, unit="days") == (
        "Probability of relapse or death within 365 days of day 100: from transplant 24.2% (95% CI "
        "21.5–27.0); from recovery 22.0% (95% CI 19.5–24.5)"
    )
    assert ours.text() == ours.text(0)
    by_match = ahead(rows, initial="recovery", by="drmatch").text(400)
    assert by_match.startswith("Probability of relapse or death within 365 of 400: No gender mismatch ")
    assert_refused(lambda: ours.text(50), argument="at", says=["50 was given", "one of 0, 100, 400"])


def test_it_says_how_limits_were_made(rows):
    assert ahead(rows).methods() == (
        "Probability of relapse or death within 365 was estimated with 95% confidence limits "
        "(log-log, Aalen variance, Aalen-Johansen)."
    )


def test_a_horizon_of_the_whole_follow_up_leaves_one_time_of_prediction(rows):
    last = float(rows["time"].max())
    frame = ahead(rows, horizon=last, times=None, initial="transplant").to_frame()
    assert frame["time"].to_list() == [0.0]


@pytest.mark.parametrize("method", ["markov", "landmark"])
@pytest.mark.parametrize("by", [None, "arm"])
def test_nothing_is_predicted_for_those_who_are_not_followed_for_so_long(method, by):
    # the only one in recovery is censored at 5: what happens to those in it until 9 is not known, and not 0
    columns = {"id": [1, 1, 2, 3, 4], "entry": [0, 2, 0, 0, 0], "time": [2, 5, 7, 10, 12]}
    events = {"event": ["recovery", "censored", END, END, "censored"], "arm": ["A"] * 5}
    stays = from_rows(
        pl.DataFrame(columns | events),
        MODEL,
        id="id",
        entry="entry",
        time="time",
        event="event",
        keep=["arm"],
    )
    options = {"method": method, "by": by, "horizon": 6.0}
    ours = assert_warns(
        lambda: ahead(stays, times=[3], **options), argument="horizon",
        says=["1 prediction from 'recovery' cannot be made"],
    )  # fmt: skip
    known = ours.to_frame().select("estimate", "std_error", "conf_low", "conf_high").rows()
    assert known[0][0] == pytest.approx(1 / 3)
    assert known[1] == (None, None, None, None)
    assert ours.text().endswith("from recovery not known")
    soon = ahead(stays, times=[3], **options | {"horizon": 2.0}).to_frame()
    assert soon["estimate"].to_list() == [0, 0]
    if method == "markov":  # the default grid has them as gaps
        frame = ahead(stays, times=None, **options).to_frame()
        assert frame.filter(from_state="recovery")["estimate"].null_count() == 41


def test_without_censoring_it_is_the_share_of_those_who_are_there():
    rng = np.random.default_rng(1)
    n = 80
    recovery, end = rng.exponential(2, n), rng.exponential(5, n)
    data = pl.DataFrame({"id": range(n), "r": np.where(recovery < end, recovery, np.nan), "d": end}).fill_nan(
        None
    )
    stays = from_wide(data, MODEL, id="id", times={"recovery": "r", END: "d"}, end="d")
    ours = ahead(stays, horizon=2.0, times=[1.0], method="landmark").to_frame()
    there = {"transplant": (np.minimum(recovery, end) > 1), "recovery": (recovery <= 1) & (end > 1)}
    for row in ours.iter_rows(named=True):
        assert row["estimate"] == pytest.approx((end[there[row["from_state"]]] <= 3).mean())


def test_the_grid_ends_the_horizon_before_the_last_follow_up(rows):
    frame = ahead(rows, times=None, initial="recovery").to_frame()
    assert frame.height == 41
    assert frame["time"][0] == 0
    assert frame["time"][-1] == pytest.approx(rows["time"].max() - 365)


def test_a_model_predicts_ahead_as_it_predicts(rows):
    fit = transition_cox(rows, MODEL, "age")
    patients = pl.DataFrame({"age": ["<=20", ">40"]})
    ours = fit.dynamic_prediction(patients, state=END, horizon=365, times=[0, 200], from_state="transplant")
    theirs = fit.predict(patients, times=[565], start=200, from_state="transplant").at(565)
    part = ours.to_frame().filter(pl.col("time") == 200)
    expected = theirs.filter(pl.col("state") == END)
    np.testing.assert_allclose(part["estimate"], expected["estimate"])
    np.testing.assert_allclose(part["std_error"], expected["std_error"])
    assert ahead(rows).state == ours.state == END


def test_it_is_drawn_along_the_time_of_prediction(rows):
    ax = ahead(rows).plot(time_unit="days", shown_in="years")
    assert "relapse or death" in ax.get_ylabel()


def test_a_horizon_or_time_beyond_the_follow_up_is_refused(rows):
    assert_refused(lambda: ahead(rows, horizon=9000), argument="horizon", says=["follow-up"])
    assert_refused(lambda: ahead(rows, times=[0, 6000]), argument="times", says=["6000 and 365 ahead"])
    assert_refused(lambda: ahead(rows, state="relapse"), argument="state", says=["not a state"])


def test_a_clock_that_is_reset_and_a_slim_fit_are_refused(rows):
    reset = transition_cox(rows, MODEL, "age", clock="reset")
    patient = pl.DataFrame({"age": ["<=20"]})
    assert_refused(
        lambda: reset.dynamic_prediction(patient, state=END, horizon=365), argument="clock", says=["stayed="]
    )
    slim = transition_cox(rows, MODEL, "age").slim()
    with pytest.raises(DataError, match="slim"):
        slim.dynamic_prediction(patient, state=END, horizon=365)


@pytest.mark.parametrize("method", ["markov", "landmark"])
@pytest.mark.parametrize("shift", [1e-12, -1e-12])
def test_times_of_the_data_are_those_times_in_any_last_digit(rows, method, shift):
    at = float(rows["time"].filter(rows["event"]).sort()[500])
    ours, theirs = (
        ahead(rows, times=[s], horizon=365.0, method=method).to_frame()["estimate"].to_list()
        for s in (at * (1 + shift), at)
    )
    assert ours == theirs
