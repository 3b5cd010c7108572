"""Hazards, probabilities of states and times in them for new patients, clock forward."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from illness_death import EFFECTS, ILLNESS_DEATH, PROCESS, RATES, illness_death, platelet_rows
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.multistate import Transitions, transition_cox
from hemresearch.regression import cox

ROWS = illness_death(np.random.default_rng(11), 300).with_columns(z=pl.col("id") % 2)
PATIENTS = pl.DataFrame({"x": [0.5, -1.0], "z": [0, 1]})


def fit(rows=ROWS, covariates="x + z", **options):
    return transition_cox(rows, ILLNESS_DEATH, covariates, **options)


def matrix(curves, t):
    """P at a time, rows from, columns to; of the states that can be left."""
    at = curves.at(t)
    return at["estimate"].to_numpy().reshape(-1, len(ILLNESS_DEATH.states))


@pytest.mark.parametrize("case_id", ["ms_ebmt3_np", "ms_ebmt3_np_lm100"])
def test_without_covariates_it_is_the_estimator_of_aalen_and_johansen(reference, case_id):
    case = reference("multistate", case_id)
    v, o = case.values, case.options
    ours = transition_cox(platelet_rows(case.data), PROCESS)
    curves = ours.predict(start=o["predt"], variance="aalen")
    for part in v["probtrans_aalen"]:
        for state, p, se in zip(PROCESS.states, part["pstate"], part["se"], strict=True):
            found = curves.at(part["times"]).filter(
                pl.col("from_state") == PROCESS.states[part["from"] - 1], pl.col("state") == state
            )
            assert_close(found["estimate"], p, rel=1e-9)
            assert_close(found["std_error"], se, rel=1e-9)
    hazards = ours.hazards()
    for (one, to), part in zip(PROCESS.moves, v["msfit_aalen"], strict=True):
        found = hazards.at(part["times"]).filter(from_state=one, to_state=to)
        assert_close(found["estimate"], part["haz"], rel=1e-9)
        assert_close(found["std_error"] ** 2, part["var"], rel=1e-9)
    if "elos" in v:
        stays = ours.length_of_stay(tau=o["tau"]).to_frame()
        expected = np.array(v["elos"]["data"])[:2].ravel()
        assert_close(stays["estimate"], expected, rel=1e-9)


def test_hazards_of_separate_effects_are_those_of_separate_models():
    hazards = fit().hazards(PATIENTS)
    assert hazards.by == ("x", "z")
    for move in ILLNESS_DEATH.moves:
        rows = ROWS.filter(from_state=move[0], to_state=move[1])
        alone = cox(rows, "x + z", time="time", event="event", entry="entry", ties="breslow")
        expected = alone.predict(PATIENTS, times=[0.5, 1, 2], kind="cumulative hazard")
        found = hazards.at([0.5, 1, 2]).filter(from_state=move[0], to_state=move[1])
        assert_close(found["estimate"], expected["estimate"], rel=1e-8)
        assert_close(found["std_error"], expected["std_error"], rel=1e-8)
        assert_close(found["conf_high"], alone.predict(
            PATIENTS, times=[0.5, 1, 2], kind="cumulative hazard")["conf_high"], rel=1e-8)  # fmt: skip
    last = hazards.groups()
    assert (
        last.filter(from_state="ill")["n_event"].to_list()
        == [ROWS.filter(from_state="ill")["event"].sum()] * 2
    )


@pytest.mark.parametrize("variance", ["delta", "aalen", "greenwood"])
def test_probabilities_add_up_and_compose(variance):
    ours = fit()
    new = PATIENTS[:1]
    whole = ours.predict(new, variance=variance)
    frame = whole.to_frame()
    total = frame.group_by("from_state", "time").agg(pl.col("estimate").sum())["estimate"]
    assert_close(total, np.ones(len(total)), rel=1e-12)
    assert (whole.start_time, whole.keys) == (0, ("from_state", "state"))
    assert_close(matrix(whole, 0).ravel(), [1, 0, 0, 0, 1, 0])
    first, second = matrix(whole, 1.0), matrix(ours.predict(new, start=1.0, variance=variance), 2.0)
    square = np.vstack([second, [0, 0, 1]])
    assert_close((first @ square).ravel(), matrix(whole, 2.0).ravel(), rel=1e-10)
    asked = ours.predict(new, times=[0.5, 2.0], from_state="well", variance=variance)
    assert asked.to_frame()["time"].unique().sort().to_list() == [0, 0.5, 2]
    kept = [
        "state",
        "time",
        "n_risk",
        "n_event",
        "n_censor",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
    ]
    assert (
        asked.at([0.5, 2.0])
        .select(kept)
        .equals(whole.at([0.5, 2.0]).filter(pl.col("from_state") == "well").select(kept))
    )


def test_a_single_move_is_a_survival_curve():
    """Of one move P is the product limit of 1 - dA, and its variance P^2 var(A) nearly."""
    process = Transitions({"well": ["dead"]})
    rows = ROWS.filter(from_state="well", to_state="dead")
    ours = transition_cox(rows, process, "x")
    new = pl.DataFrame({"x": [0.3]})
    found = ours.predict(new).at([1, 2]).filter(pl.col("state") == "well")
    alone = cox(rows, "x", time="time", event="event", ties="breslow").predict(new, times=[1, 2])
    np.testing.assert_allclose(found["estimate"], alone["estimate"], rtol=0.01)
    np.testing.assert_allclose(found["std_error"], alone["std_error"], rtol=0.01)
    stay = ours.length_of_stay(new, tau=2, from_state="well").to_frame()
    p = (
        ours.predict(new, from_state="well")
        .to_frame()
        .filter((pl.col("state") == "well") & (pl.col("time") < 2))
    )
    area = float(p["estimate"].to_numpy() @ np.diff(np.append(p["time"].to_numpy(), 2.0)))
    assert_close(stay["estimate"], [area, 2 - area], rel=1e-10)
    assert_close(stay["std_error"][0], stay["std_error"][1], rel=1e-10)


def test_the_delta_method_is_right_where_mstate_is_too_small():
    """Standard deviations over 2 000 samples of 300 patients like those of `illness_death`, at x = 1.5.

    Of P(well), P(ill), P(dead) at 2 from well: 0.0112, 0.0477, 0.0489; root mean squares of the standard
    errors there: 0.0114, 0.0469, 0.0483 (delta), and 0.0111, 0.0446, 0.0456 (aalen).
    """
    errors = {variance: [] for variance in ("delta", "aalen")}
    for seed in range(40):
        ours = fit(illness_death(np.random.default_rng(seed), 300), "x")
        for variance, found in errors.items():
            at = ours.predict(pl.DataFrame({"x": [1.5]}), times=[2], from_state="well", variance=variance)
            found.append(at.at(2)["std_error"].to_numpy())
    rms = {variance: np.sqrt((np.array(found) ** 2).mean(axis=0)) for variance, found in errors.items()}
    np.testing.assert_allclose(rms["delta"][1:], [0.0477, 0.0489], rtol=0.04)
    assert (rms["aalen"][1:] < 0.96 * rms["delta"][1:]).all()


def test_the_truth_is_found():
    """Constant hazards a, b out of well and c out of ill."""
    ours = fit(illness_death(np.random.default_rng(12), 5000), "x")
    x, t = 0.5, 1.5
    a, b, c = (rate * np.exp(effect * x) for rate, effect in zip(RATES, EFFECTS, strict=True))
    well = np.exp(-(a + b) * t)
    ill = a / (a + b - c) * (np.exp(-c * t) - well)
    at = ours.predict(pl.DataFrame({"x": [x]}), from_state="well", times=[t]).at(t)
    truth = np.array([well, ill, 1 - well - ill])
    assert np.abs((at["estimate"] - truth) / at["std_error"]).max() < 3


def test_shared_baselines_and_strata():
    well_dead, ill_dead = ("well", "dead"), ("ill", "dead")
    shared = fit(covariates="x", shared=["x"], proportional=[well_dead, ill_dead])
    hazards = shared.hazards(pl.DataFrame({"x": [0.2]})).at([1.0, 2.0])
    dead = [hazards.filter(from_state=s, to_state="dead")["estimate"] for s in ("well", "ill")]
    assert_close(dead[1] / dead[0], np.exp(shared.coef[1]) * np.ones(2), rel=1e-10)
    by_z = fit(covariates="x", strata="z")
    curves = by_z.predict(PATIENTS.with_columns(x=pl.lit(0.5)), times=[1], from_state="well")
    assert curves.by == ("z",)
    for z in (0, 1):
        alone = fit(ROWS.filter(pl.col("z") == z), "x")
        assert alone.n + fit(ROWS.filter(pl.col("z") != z), "x").n == by_z.n
    free = fit(covariates=None, strata="z").predict(pl.DataFrame({"z": [1]}), times=[1])
    own = fit(ROWS.filter(pl.col("z") == 1), None).predict(times=[1])
    assert_close(free.at(1)["estimate"], own.at(1)["estimate"], rel=1e-10)
    assert_close(free.at(1)["std_error"], own.at(1)["std_error"], rel=1e-10)


def test_a_path_of_covariates():
    ours = fit(covariates="x")
    same = pl.DataFrame({"path": [1, 1], "start": [0.0, 1.0], "stop": [1.0, 5.0], "x": [0.5, 0.5]})
    roles = {"id": "path", "entry": "start", "time": "stop"}
    one = ours.predict(pl.DataFrame({"x": [0.5]}), times=[0.5, 2]).at([0.5, 2])
    two = ours.predict(same, times=[0.5, 2], **roles).at([0.5, 2])
    assert_close(two["estimate"], one["estimate"], rel=1e-12)
    assert_close(two["std_error"], one["std_error"], rel=1e-10)
    changed = ours.predict(same.with_columns(x=pl.Series([0.5, -2.0])), times=[2], **roles)
    first = matrix(ours.predict(pl.DataFrame({"x": [0.5]})), 1.0)
    second = matrix(ours.predict(pl.DataFrame({"x": [-2.0]}), start=1.0, times=[2.0]), 2.0)
    assert_close(matrix(changed, 2.0).ravel(), (first @ np.vstack([second, [0, 0, 1]])).ravel(), rel=1e-10)
    # a covariate that changed in the data
    cut = pl.concat([
        ROWS.with_columns(time=pl.col("entry") / 2 + pl.col("time") / 2, event=pl.lit(False)),
        ROWS.with_columns(entry=pl.col("entry") / 2 + pl.col("time") / 2, x=pl.col("x") + 0.1),
    ])  # fmt: skip
    changing = fit(cut, "x + z")
    assert_refused(
        lambda: changing.predict(PATIENTS),
        argument="new_data",
        says=["'x' changes along the stays", "path", "fit.predict(new_data, id='path'"],
    )
    assert_refused(lambda: changing.hazards(PATIENTS), argument="new_data", says=["'x' changes"])
    path = same.with_columns(z=pl.lit(0))
    assert changing.predict(path, **roles).at(1)["estimate"].null_count() == 0
    assert_refused(lambda: changing.predict(path, start=6, **roles), argument="start", says=["6 was given"])
    late = path.with_columns(start=pl.Series([0.5, 1.0]))
    assert_refused(
        lambda: changing.predict(late, **roles),
        argument="entry",
        says=["a path from 0.5 to 5, and start=0 is not on it", "start=0.5"],
    )
    only_ill = fit(
        ROWS.with_columns(since=pl.when(pl.col("from_state") == "ill").then("entry").otherwise(0.0)),
        "x + since", only={"since": [("ill", "dead")]},
    )  # fmt: skip
    new = pl.DataFrame({"x": [0.0], "since": [1.0]})
    assert only_ill.predict(new, start=1, from_state="ill", times=[2]).at(2).height == 3


def test_robust_fits_and_counts_of_the_data():
    clustered = fit(ROWS.with_columns(c=pl.col("id") % 30), cluster="c")
    curves = clustered.predict(PATIENTS, times=[1], from_state="well")
    assert curves.variance == "robust"
    assert curves.predicted
    one = fit().predict(PATIENTS[:1], from_state="well")
    stays = ROWS.filter(to_state="dead")
    well = stays.filter(from_state="well")
    at = one.at([1.0])
    assert at.filter(pl.col("state") == "well")["n_risk"].item() == (well["time"] >= 1).sum()
    entered = ROWS.filter(pl.col("to_state") == "ill", pl.col("event"))
    assert at.filter(pl.col("state") == "ill")["n_event"].item() == (entered["time"] <= 1).sum()
    counts = one.groups()
    assert counts["n"].to_list() == [300] * 3
    assert (
        counts.filter(pl.col("state") == "dead")["n_event"].item()
        == ROWS.filter(to_state="dead")["event"].sum()
    )
    assert one.totals()["n_censor"].item() + ROWS.filter(to_state="dead")["event"].sum() == 300
    weighted = fit(ROWS.with_columns(w=pl.lit(2)), weights="w").predict(PATIENTS[:1], from_state="well")
    assert (
        weighted.at(1.0).filter(pl.col("state") == "well")["n_risk"].item() == 2 * (well["time"] >= 1).sum()
    )
    assert "transition probability" in repr(one)
    assert "39.0%" in one.text(1)


def test_jumps_of_more_than_one_let_all_leave():
    ours = fit(covariates="x")
    new = pl.DataFrame({"x": [-2.5]})
    curves = assert_warns(
        lambda: ours.predict(new, from_state="well"),
        argument="new_data",
        says=["jumps by more than 1 at time", "times=[...] (or tau) before"],
    )
    frame = curves.to_frame()
    assert frame["estimate"].is_between(-1e-12, 1 + 1e-12).all()
    total = frame.group_by("time").agg(pl.col("estimate").sum())["estimate"]
    assert_close(total, np.ones(len(total)), rel=1e-12)
    assert ours.predict(new, from_state="well", times=[0.2]).at(0.2)["estimate"].null_count() == 0
    stays = assert_warns(
        lambda: ours.length_of_stay(new, tau=4.8, from_state="well"), argument="new_data", says=["jumps"]
    )
    assert_close(stays.to_frame()["estimate"].sum(), 4.8, rel=1e-12)


def test_refusals():
    ours = fit()

    def refused(*says, argument, new=PATIENTS[:1], call=None, column=None, **options):
        ask = call or ours.predict
        assert_refused(lambda: ask(new, **options), argument=argument, column=column, says=says)

    refused("no patients were given", "with x, z", argument="new_data", new=None)
    refused("has no rows", argument="new_data", new=PATIENTS[:0])
    refused("'dead' is an absorbing state", argument="from_state", from_state="dead")
    refused("'wel' is no state", "did you mean 'well'", argument="from_state", from_state="wel")
    refused("was given", argument="start", start=99)
    refused("was given", argument="stayed", stayed=-1)
    refused("with the clock forward it does not matter", argument="stayed", stayed=1)
    refused("'ij' is not one of the choices", argument="variance", variance="ij")
    refused("are not all between 1 and", argument="times", start=1, times=[0.5])
    refused("are not all between 0 and", argument="times", times=[99])
    refused(
        "does not tell 2 curves apart", argument="by", new=PATIENTS, by="w", column="w"
    ) if False else None
    refused("was given", argument="tau", call=ours.length_of_stay, tau=0)
    refused("is after the last follow-up", argument="tau", call=ours.length_of_stay, tau=99)
    by_z = fit(covariates="x", strata="z")
    refused(
        "baseline hazards for each of its levels", argument="new_data", call=by_z.predict,
        new=PATIENTS.select("x"), column="z",
    )  # fmt: skip
    was_ill = ROWS.filter(from_state="ill")["id"].implode()
    few = fit(ROWS.filter((pl.col("z") == 0) | ~pl.col("id").is_in(was_ill)), "x", strata="z")
    for z in (1, 7):
        assert_refused(
            lambda z=z: few.predict(pl.DataFrame({"x": [0.0, 0.0], "z": [0, z]})),
            argument="new_data",
            column="z",
            rows=[2],
            says=["nobody at risk of some move"],
        )
    refused("needs the design", argument="fit", call=ours.slim().predict)


@pytest.mark.parametrize("shift", [1e-12, -1e-12])
def test_start_and_times_of_the_data_are_those_times_in_any_last_digit(shift):
    known = ROWS["time"].filter(ROWS["event"]).sort()
    start, later = float(known[20]), float(known[60])
    new, one = PATIENTS[:1], fit()
    theirs = one.predict(new, start=start, times=[start, later])
    ours = one.predict(new, start=start * (1 + shift), times=[start * (1 - shift), later * (1 + shift)])
    assert matrix(ours, later).tolist() == matrix(theirs, later).tolist()
