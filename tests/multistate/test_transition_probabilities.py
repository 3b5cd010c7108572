"""Transition probabilities and hazards, lengths of stay: R's mstate and etm, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from multistate_cases import follow_up_case, wide_case
from multistate_samples import WARD, ward_rows
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.multistate import (
    Transitions,
    from_rows,
    length_of_stay,
    occupation,
    transition_hazards,
    transition_probabilities,
)
from hemresearch.numerics.aalen_johansen import MoveTimes, state_probabilities
from hemresearch.survival import nelson_aalen, rmst

NON_PARAMETRIC = ["ms_ebmt3_np", "ms_ebmt3_np_lm100", "ms_bmt_platelet_np"]
TWO = Transitions({"ill": ["well", "dead"], "well": ["dead"]})
ROWS = from_rows(
    pl.DataFrame(
        {
            "id": [1, 1, 2, 3, 4, 4, 5],
            "entry": [0, 2, 0, 0, 0, 4, 0],
            "time": [2, 6, 3, 5, 4, 9, 7],
            "event": ["well", "dead", "dead", "censored", "well", "censored", "censored"],
            "arm": ["A", "A", "B", "A", "B", "B", "A"],
        }
    ),
    TWO,
    id="id",
    entry="entry",
    time="time",
    event="event",
    keep=["arm"],
)


@pytest.mark.parametrize("case_id", NON_PARAMETRIC)
@pytest.mark.parametrize("variance", ["aalen", "greenwood"])
def test_matches_mstate(reference, case_id, variance):
    case = reference("multistate", case_id)
    model, rows = wide_case(case)
    times = case.options["times"]
    hazards = transition_hazards(rows, model, variance=variance).at(times, extend=True)
    for theirs in case.values[f"msfit_{variance}"]:
        one, other = model.moves[theirs["trans"] - 1]
        ours = hazards.filter(from_state=one, to_state=other)
        assert_close(ours["estimate"], theirs["haz"])
        assert_close(ours["std_error"] ** 2, theirs["var"])
    curves = transition_probabilities(rows, model, start_time=case.options["predt"], variance=variance)
    at = curves.at(times, extend=True)
    for theirs in case.values[f"probtrans_{variance}"]:
        for j, state in enumerate(model.states):
            ours = at.filter(from_state=model.states[theirs["from"] - 1], state=state)
            assert_close(ours["estimate"], theirs["pstate"][j])
            assert_close(ours["std_error"], theirs["se"][j])


@pytest.mark.parametrize("case_id", reference_cases("state_occupation", "etm_"))
def test_matches_etm(reference, case_id):
    case = reference("state_occupation", case_id)
    model, rows = follow_up_case(case)
    curves = transition_probabilities(
        rows,
        model,
        initial=case.options.get("in_state"),
        start_time=case.options["start_time"],
        method="landmark" if "in_state" in case.options else "markov",
        variance="greenwood",
    )
    at = curves.at(case.options["times"], extend=True)
    for theirs in case.values["probabilities"]:
        ours = at.filter(from_state=theirs["from"], state=theirs["state"])
        assert_close(ours["estimate"], theirs["p"])
        assert_close(ours["std_error"], theirs["se"])


def test_the_landmark_estimate_matches_survfit_with_its_influence(reference):
    case = reference("state_occupation", "occ_myeloid_landmark")
    model, rows = follow_up_case(case)
    curves = transition_probabilities(
        rows,
        model,
        initial=case.options["in_state"],
        start_time=case.options["start_time"],
        method="landmark",
        variance="ij",
    )
    at = curves.at(case.options["times"])
    for theirs in case.values["occupation"]:
        assert_close(at.filter(state=theirs["state"])["estimate"], theirs["p"])
        assert_close(at.filter(state=theirs["state"])["std_error"], theirs["se"])


def test_the_landmark_estimate_of_mstate_differs_by_its_treatment_of_ties(reference):
    # LMAJ calls coxph without method="breslow", so its hazards are Efron's: d events of n at one time add
    # 1/n + 1/(n - 1) + ... (d terms), and their squares to the variance, instead of d/n and d/n^2. The
    # product integral of those hazards is what mstate has; ours is the Aalen-Johansen estimate.
    case = reference("multistate", "ms_ebmt3_lmaj")
    model, rows = wide_case(case)
    s, state = case.options["s"], model.states[case.options["from"] - 1]
    curves = transition_probabilities(rows, model, initial=state, start_time=s, method="landmark")
    frame = curves.to_frame().filter(state=state, from_state=state)
    moved = curves.to_frame().filter(state="RelDeath", from_state=state)["n_event"].to_numpy()
    n, at = frame["n_risk"].to_numpy(), moved > 0
    efron = [np.sum(1 / (k - np.arange(d))) for k, d in zip(n[at], moved[at], strict=True)]
    squares = [np.sum(1 / (k - np.arange(d)) ** 2) for k, d in zip(n[at], moved[at], strict=True)]
    places = np.arange(at.sum())
    jumps = MoveTimes(
        frame["time"].to_numpy()[at], places, np.arange(at.sum() + 1), np.ones(len(places), int),
        np.full(len(places), 2), np.array(efron), n[at],
    )  # fmt: skip
    alive = state_probabilities(jumps, np.eye(3)[1])[:, 1]
    variance = 0.0
    errors = [0.0]
    for e in range(len(places)):
        variance = variance * (1 - efron[e]) ** 2 + alive[e + 1] ** 2 * squares[e]
        errors.append(np.sqrt(variance))
    then = np.searchsorted(jumps.time, case.values["times"], side="right")
    assert_close(alive[then], case.values["pstate"]["pstate2"], rel=1e-9)
    assert_close(np.array(errors)[then], case.values["se"]["se2"], rel=1e-9)
    ours = curves.at(case.values["times"]).filter(state=state)
    assert_close(ours["estimate"], case.values["pstate"]["pstate2"], rel=5e-4)


@pytest.mark.parametrize("case_id", ["ms_ebmt3_np", "ms_bmt_platelet_np"])
def test_lengths_of_stay_match_elos(reference, case_id):
    case = reference("multistate", case_id)
    model, rows = wide_case(case)
    stays = length_of_stay(rows, model, tau=case.options["tau"], initial=list(model.states[:2]))
    ours = stays.to_frame()["estimate"].to_numpy().reshape(2, 3)
    assert_close(ours, case.values["elos"]["data"][:2])


@pytest.mark.parametrize("case_id", ["ms_mgus2_sf", "ms_myeloid_sf"])
def test_lengths_of_stay_match_survfit(reference, case_id):
    case = reference("multistate", case_id)
    model, rows = follow_up_case(case)
    by = case.options["by"]
    frame = length_of_stay(rows, model, tau=case.options["tau"], by=by).to_frame()
    table = case.values["sojourn"]
    for label, row in zip(table["rows"], table["data"], strict=True):
        group, state = label.split(", ")
        ours = case.in_group(frame, group).filter(state=state)
        assert_close(ours["estimate"], [row[2]])


@pytest.mark.parametrize("case_id", reference_cases("state_occupation", "occ_mgus2", "occ_myeloid_start"))
def test_errors_of_lengths_of_stay_match_the_influence_of_survfit(reference, case_id):
    case = reference("state_occupation", case_id)
    keep = [case.expr(case.options["weights"]).alias("w")] if "weights" in case.options else []
    model, rows = follow_up_case(case, *keep, *([case.role("cluster")] if "cluster" in case.options else []))
    frame = length_of_stay(
        rows,
        model,
        tau=case.options["tau"],
        start_time=case.options.get("start_time", 0.0),
        weights="w" if keep else None,
        cluster=case.role("cluster"),
    ).to_frame()
    for k, theirs in enumerate(case.values["occupation"]):
        ours = frame.filter(state=theirs["state"])
        assert_close(ours["estimate"], [case.values["stays"]["mean"][k]])
        assert_close(ours["std_error"], [case.values["stays"]["se"][k]])


def test_by_hand():
    at = transition_probabilities(ROWS, TWO, start_time=2).at([2, 3, 4, 6])
    ill = at.filter(from_state="ill")
    assert_close(ill.filter(state="ill")["estimate"], [1, 3 / 4, 1 / 2, 1 / 2])
    assert_close(ill.filter(state="well")["estimate"], [0, 0, 1 / 4, 1 / 8])
    assert_close(at.filter(from_state="well", state="dead")["estimate"], [0, 0, 0, 1 / 2])
    assert at.filter(from_state="well", state="well")["n_risk"].to_list() == [1, 1, 1, 2]
    hazards = transition_hazards(ROWS, TWO).at([2, 4, 6])
    assert_close(hazards.filter(to_state="well")["estimate"], [1 / 5, 1 / 5 + 1 / 3, 1 / 5 + 1 / 3])
    assert_close(hazards.filter(from_state="well")["estimate"], [0, 0, 1 / 2])
    stays = length_of_stay(ROWS, TWO, tau=4).to_frame()["estimate"]
    assert_close(stays, [2 + 0.8 + 0.6, 0.4, 0.2])


def test_of_two_states_they_are_nelson_aalen_and_the_restricted_mean():
    model = Transitions({"alive": ["dead"]})
    data = pl.DataFrame({"id": range(6), "time": [2, 3, 3, 5, 8, 9], "event": [1, 1, 0, 1, 0, 1]})
    labels = data.with_columns(pl.col("event").replace_strict({1: "dead", 0: "censored"}))
    rows = from_rows(labels, model, id="id", time="time", event="event")
    ours = transition_hazards(rows, model).to_frame().drop("from_state", "to_state")
    assert_frame_equal(ours, nelson_aalen(data, time="time", event="event").to_frame())
    for kind, robust in (("ij", True), ("greenwood", False)):
        mean = rmst(data, time="time", event="event", tau=7, robust=robust).to_frame()
        stay = length_of_stay(rows, model, tau=7, variance=kind).to_frame().filter(state="alive")
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            assert_close(stay[column], mean[column])


@settings(max_examples=6, deadline=None)
@given(ward_rows())
@pytest.mark.filterwarnings("ignore:initial.*nobody is seen in")
def test_probabilities_of_later_times_compose(rows):
    model_rows = from_rows(rows, WARD, id="id", entry="entry", time="time", event="event", initial="ward")
    last = rows["time"].max()
    if last <= 3:
        return
    states = list(WARD.states)

    def matrix(s: float, t: float) -> np.ndarray:
        at = transition_probabilities(model_rows, WARD, start_time=s).at(t)
        rows_of = [at.filter(from_state=h)["estimate"].to_list() for h in states[:3]]
        return np.array([*rows_of, [0, 0, 0, 1]])

    np.testing.assert_allclose(matrix(0, last), matrix(0, 2) @ matrix(2, last), atol=1e-12)


@settings(max_examples=6, deadline=None)
@given(ward_rows())
def test_what_all_begin_with_is_their_occupation(rows):
    model_rows = from_rows(rows, WARD, id="id", entry="entry", time="time", event="event", initial="ward")
    columns = ["state", "time", "n_risk", "n_event", "estimate", "std_error"]
    for variance in ("ij", "greenwood", "aalen"):
        given_start = transition_probabilities(model_rows, WARD, initial="ward", variance=variance)
        all_states = occupation(model_rows, WARD, variance=variance)
        landmark = transition_probabilities(
            model_rows, WARD, initial="ward", variance=variance, method="landmark"
        )
        for one in (given_start, landmark):
            assert_frame_equal(
                one.to_frame().select(columns), all_states.to_frame().select(columns), abs_tol=1e-12
            )
        tau = float(rows["time"].max()) - 0.5
        stays = length_of_stay(model_rows, WARD, tau=tau, variance=variance).to_frame()
        alike = length_of_stay(model_rows, WARD, tau=tau, initial="ward", variance=variance).to_frame()
        assert_frame_equal(stays, alike.drop("from_state"), abs_tol=1e-9)
        assert_close(stays["estimate"].sum(), tau)


def test_a_state_in_which_nobody_is_seen_later_is_told():
    parts = {"argument": "initial", "says": ["nobody is seen in 'well' after 9.5: nothing is known"]}
    columns = {"id": [1, 1, 2], "entry": [0, 2, 0], "time": [2, 9, 12], "event": ["well", "dead", "censored"]}
    rows = from_rows(pl.DataFrame(columns), TWO, id="id", entry="entry", time="time", event="event")
    curves = assert_warns(lambda: transition_probabilities(rows, TWO, start_time=9.5), **parts)
    assert curves.at(12).filter(from_state="well")["estimate"].to_list() == [0, 1, 0]
    by = [
        lambda d: d.with_columns(arm=pl.lit("A")),
        lambda d: d.with_columns(arm=pl.lit("B"), id=d["id"] + 2),
    ]
    two = pl.concat([one(rows) for one in by]).filter((pl.col("arm") == "A") | (pl.col("id") == 4))
    says = ["nobody of group 'B' is seen in 'well' after 2"]
    assert_warns(
        lambda: transition_probabilities(two, TWO, start_time=2, by="arm"), argument="initial", says=says
    )


def test_groups_and_sentences():
    curves = transition_probabilities(ROWS, TWO, initial="ill", by="arm", start_time=1)
    assert curves.groups().columns[:3] == ["arm", "from_state", "state"]
    assert curves.start_time == 1
    assert curves.at(0.5)["estimate"].null_count() == 6
    assert "of being in ill at 3: A 66.7% (95% CI 13.1–92.2); B 50.0%" in curves.text(3)
    one = transition_probabilities(ROWS, TWO, initial="ill")
    assert one.text(3, unit="months").startswith("3-month probability of being in ill: from ill 60.0%")
    assert "landmark Aalen-Johansen" in repr(
        transition_probabilities(ROWS, TWO, initial="well", start_time=3, method="landmark")
    )
    stays = length_of_stay(ROWS, TWO, tau=5, by="arm", start_time=1)
    assert stays.name == "mean time in each state from 1 to 5"
    assert stays.to_frame().columns[:3] == ["arm", "state", "n"]
    assert stays.to_frame()["n"].to_list() == [3] * 3 + [2] * 3


def test_late_entries_into_an_emptied_state_are_warned_of_by_all():
    late = from_rows(
        pl.DataFrame(
            {"id": [1, 2, 3], "entry": [0, 5, 5], "time": [3, 9, 8], "event": ["dead", "dead", "censored"]}
        ),
        TWO, id="id", entry="entry", time="time", event="event",
    )  # fmt: skip
    parts = {"argument": "entry", "column": "entry", "rows": [1], "says": ["start_time=5"]}
    assert_warns(lambda: transition_hazards(late, TWO), **parts)
    assert_warns(lambda: transition_probabilities(late, TWO, initial="ill"), **parts)
    assert_warns(lambda: length_of_stay(late, TWO, tau=8), **parts)


def test_what_cannot_be_is_refused():
    assert_refused(
        lambda: transition_probabilities(ROWS, TWO, initial="Well"), argument="initial", says=["'well'"]
    )
    assert_refused(
        lambda: transition_probabilities(ROWS, TWO, start_time=9), argument="start_time", says=["at 9"]
    )
    assert_refused(
        lambda: transition_probabilities(ROWS, TWO, start_time=8, by="arm"),
        argument="start_time",
        says=["of group A", "at 7"],
    )
    assert_refused(
        lambda: transition_probabilities(ROWS, TWO, initial="well", start_time=1, method="landmark"),
        argument="start_time",
        says=["nobody is seen in 'well' at 1"],
    )
    assert_refused(
        lambda: transition_probabilities(
            ROWS, TWO, initial="well", start_time=3, method="landmark", by="arm"
        ),
        argument="start_time",
        says=["nobody of group 'B' is seen in 'well' at 3"],
    )
    assert_refused(lambda: transition_probabilities(ROWS, TWO, method="aalen"), argument="method")
    assert_refused(lambda: transition_probabilities(ROWS, TWO, variance="no"), argument="variance")
    assert_refused(lambda: transition_hazards(ROWS, TWO, variance="ij"), argument="variance")
    half = ROWS.with_columns(w=pl.lit(0.5))
    assert_refused(
        lambda: transition_hazards(half, TWO, weights="w"),
        argument="weights",
        column="w",
        rows=[1, 3, 4, 6, 8, 10, 11],
    )
    assert_refused(lambda: length_of_stay(ROWS, TWO, tau=0), argument="tau")
    assert_refused(lambda: length_of_stay(ROWS, TWO, tau=3, start_time=3), argument="tau")
    assert_refused(lambda: length_of_stay(ROWS, TWO, tau=10), argument="tau", says=["at 9", "tau=9.0"])
    assert_refused(
        lambda: length_of_stay(ROWS, TWO, tau=8, by="arm"), argument="tau", says=["of group 'A' at 7"]
    )


@pytest.mark.parametrize("last", ["well", "dead"])
def test_a_horizon_is_refused_while_somebody_can_still_move_though_nobody_is_censored_last(last):
    # the last one moves; whoever is in "well" then, or was last seen there before, is not followed further
    ends = {"id": [1, 1, 2, 3], "entry": [0, 2, 0, 0], "time": [2, 5, 7, 10]}
    data = pl.DataFrame(ends | {"event": ["well", "censored", "dead", last]})
    rows = from_rows(data, TWO, id="id", entry="entry", time="time", event="event")
    assert_refused(lambda: length_of_stay(rows, TWO, tau=20), argument="tau", says=["at 10", "tau=10.0"])
    assert length_of_stay(rows, TWO, tau=10).to_frame()["estimate"].sum() == pytest.approx(10)


def test_no_limit_of_a_mean_time_is_below_0_or_above_the_time_there_is():
    frame = length_of_stay(ROWS, TWO, tau=6, start_time=1).to_frame()
    half = 1.959964 * frame["std_error"]
    assert (frame["estimate"] - half).min() < 0 == frame["conf_low"].min()
    assert length_of_stay(ROWS, TWO, tau=2.5, initial="ill").to_frame()["conf_high"].max() == 2.5


def test_a_horizon_after_all_have_died_is_allowed_from_states_that_they_were_in():
    deaths = pl.DataFrame({"id": [1, 2], "time": [4, 7], "event": ["dead", "dead"]})
    rows = from_rows(deaths, TWO, id="id", time="time", event="event", censored=None)
    assert length_of_stay(rows, TWO, tau=20).to_frame()["estimate"].to_list() == [5.5, 0.0, 14.5]
    assert_refused(lambda: length_of_stay(rows, TWO, tau=20, initial="well"), argument="tau", says=["at 7"])


@pytest.mark.parametrize("method", ["markov", "landmark"])
@pytest.mark.parametrize("shift", [1e-12, -1e-12])
def test_a_start_at_a_time_of_the_data_is_that_time_in_any_last_digit(method, shift):
    options = {"initial": "ill", "method": method, "variance": "ij"}
    ours = transition_probabilities(ROWS, TWO, start_time=2 * (1 + shift), **options)
    theirs = transition_probabilities(ROWS, TWO, start_time=2, **options)
    assert_frame_equal(ours.at([3 * (1 - shift), 5]).drop("time"), theirs.at([3, 5]).drop("time"))
