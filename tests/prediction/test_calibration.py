"""Calibration: values of R, small data by hand, and truths about risks that are right."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import with_risks
from reference_cases import assert_close, load_dataset, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.competing import cumulative_incidence
from hemresearch.prediction import calibration, predicted_risks
from hemresearch.regression import cox

AGE_HGB = 1 / (1 + (-(0.09 * pl.col("age") - 0.2 * pl.col("hgb") - 4.2)).exp())
RISKS = {
    "survival_mgus2": AGE_HGB,
    "survival_mgus2_knots": AGE_HGB,
    "survival_pbc": 1 - (-(0.8 * pl.col("bili").log() + 0.04 * pl.col("age") - 4.8).exp()).exp(),
    "competing_bmtcrr": 1 - (-((-0.03 * pl.col("Age") - 0.2).exp())).exp(),
    "competing_mgus2": 1 - (-0.06 * (0.5 * (pl.col("mspike") - 1.2)).exp()).exp(),
}
DISTANCES = ("ICI", "E50", "E90", "Emax")
BINARY = {"event": "e", "risks": {"m": "p"}}
TIMED = BINARY | {"time": "t", "times": 5}


def cohort(seed, n=80):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    return pl.DataFrame(
        {"p": p, "e": rng.random(n) < p, "t": rng.integers(1, 12, n), "c": rng.integers(0, 3, n)}
    )


def measures(found):
    return {row["term"]: row for row in found.to_frame().iter_rows(named=True)}


def timed_case(case, **options):
    data = case.data.with_columns(risk=RISKS[case.id])
    roles = {"cause": 1} if case.id.startswith("competing") else {}
    return calibration(
        data, time=case.role("time"), event=case.role("event"), risks={"m": "risk"},
        times=case.options["times"], knots=case.options["knots"], **roles, **options,
    )  # fmt: skip


@pytest.mark.parametrize("case_id", list(RISKS))
def test_matches_r_at_a_horizon(reference, case_id):
    case = reference("calibration", case_id)
    v, judged = case.values, timed_case(case)
    found = measures(judged)
    between = np.interp(
        case.data.select(RISKS[case_id].head(20)).to_series(), *judged.curve.select("predicted", "estimate")
    )
    assert np.abs(between - v["curve"]).max() < 2e-3  # a line between points of the grid
    assert_close(
        {name: found[name]["estimate"] for name in DISTANCES}, {n: v[n] for n in DISTANCES}, rel=1e-6
    )
    for name in ("intercept", "slope"):
        ours = [found[name]["estimate"], found[name]["std_error"]]
        assert_close(ours, [v[name], v[f"{name}_se"]], rel=1e-6)
    ratio = found["observed/expected"]
    expected = [v[name] / v["expected"] for name in ("observed", "observed_se")]
    assert_close([ratio["estimate"], ratio["std_error"]], expected)
    hazards = measures(timed_case(case, slope="hazards", smooth=None))["slope"]
    assert_close([hazards["estimate"], hazards["std_error"]], list(v["hazards"].values()), rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("calibration", "binary_"))
def test_matches_r_for_a_binary_outcome(reference, case_id):
    case = reference("calibration", case_id)
    roles = {"event": "y", "risks": {"m": case.options["risk"]}, "knots": case.options["knots"]}
    found = calibration(case.data, **roles)
    v = case.values
    assert_close([measures(found)[n]["estimate"] for n in DISTANCES], [v[n] for n in DISTANCES], rel=1e-8)
    for name in ("intercept", "slope"):
        ours = [measures(found)[name][column] for column in ("estimate", "std_error")]
        assert_close(ours, [v[name], v[f"{name}_se"]], rel=1e-8)
    risk = case.data[case.options["risk"]].to_numpy()
    for ours, theirs in (("estimate", "curve"), ("conf_low", "low"), ("conf_high", "high")):
        between = np.interp(risk[:20], found.curve["predicted"], found.curve[ours])
        assert np.abs(between - v[theirs]).max() < 2e-3  # a line between points of the grid
    rough = measures(calibration(case.data, **roles, smooth="lowess"))
    assert_close([rough[n]["estimate"] for n in DISTANCES], [v["lowess"][n] for n in DISTANCES], rel=1e-8)


@pytest.mark.parametrize("case_id", reference_cases("calibration_decision", "calibration_"))
def test_matches_val_prob(reference, case_id):
    case = reference("calibration_decision", case_id)
    v = case.values
    found = measures(calibration(case.data, event="y", risks={"m": case.options["column"]}, smooth="lowess"))
    assert_close(
        [found[name]["estimate"] for name in ("slope", "intercept")], [v["slope"], v["citl"]], rel=1e-6
    )
    # glm() takes its standard errors from the iteration before the last: see the tight fits above
    errors = [found[name]["std_error"] for name in ("slope", "intercept")]
    assert_close(errors, [v["slope_se"], v["citl_se"]], rel=1e-4)
    assert_close(found["observed/expected"]["estimate"], v["oe_ratio"])
    theirs = [v["val_prob"][name] for name in ("Eavg", "E90", "Emax")]
    assert_close([found[name]["estimate"] for name in ("ICI", "E90", "Emax")], theirs, rel=1e-8)


@pytest.mark.parametrize("case_id", reference_cases("prediction", "score_"))
def test_groups_match_curves_of_r(reference, case_id):
    case = reference("prediction", case_id)
    theirs = case.values["calibration"]
    data, roles = with_risks(case, [theirs["time"]])
    roles["risks"] = {"model": roles["risks"]["model"]}
    found = calibration(data, **roles, smooth=None).groups
    names = {"n": "n", "mean_predicted": "predicted", "observed": "estimate", "observed_se": "std_error"}
    for one, ours in names.items():
        assert_close(found[ours], [g[one] for g in theirs["group"]], rel=1e-6)


def test_external_validation_matches_r(reference):
    case = reference("prediction", "ext_rotterdam_gbsg")
    developed = load_dataset("rotterdam").with_columns(years=pl.col("rtime") / 365.25)
    log_pgr = (pl.col("pgr") + 1).log().alias("log_pgr")
    fit = cox(developed, ["age", "nodes", log_pgr], time="years", event="recur")
    data = case.data.with_columns(years=pl.col("rfstime") / 365.25)
    times = case.options["times"]
    data = predicted_risks(fit, data, times=times, name="r")
    data = data.with_columns(pl.col("r_3", "r_5").clip(upper_bound=1 - 1e-12))  # 1 for who had 51 nodes
    roles = {"time": "years", "event": "status", "times": times, "smooth": None}
    found = calibration(data, **roles, risks={"m": [f"r_{t}" for t in times]}, slope="hazards").to_frame()
    ratios = found.filter(term="observed/expected")
    assert_close(ratios["estimate"], case.values["oe_ratio"], rel=1e-6)
    slope = found.filter(term="slope", time=1).row(0, named=True)
    expected = [case.values["calibration_slope"], case.values["calibration_slope_se"]]
    assert_close([slope["estimate"], slope["std_error"]], expected, rel=1e-6)


def test_by_hand():
    data = pl.DataFrame({"e": [0, 0, 1, 0, 1, 1, 1, 0], "p": [0.2] * 4 + [0.6] * 4})
    found = calibration(data, **BINARY, groups=2, smooth=None)
    ratio = measures(found)["observed/expected"]
    half = 1.959963984540054 * np.sqrt(0.5 * 0.5 / 8) / 0.5
    assert_close([ratio["estimate"], ratio["conf_low"]], [0.5 / 0.4, 0.5 / 0.4 * np.exp(-half)])
    assert found.groups.select("group", "n", "n_event", "estimate").rows() == [
        (1, 4, 1, 0.25),
        (2, 4, 3, 0.75),
    ]
    # two risks, two shares: the slope is the ratio of log odds ratios
    slope = (np.log(3) - np.log(1 / 3)) / (np.log(1.5) - np.log(0.25))
    assert_close(measures(found)["slope"]["estimate"], slope)
    assert found.histogram.filter(pl.col("n") > 0).select("n").to_series().to_list() == [4, 4]
    assert "time" not in found.to_frame().columns
    assert found.curve.height == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_risks_recalibrated_are_calibrated(seed):
    data = cohort(seed, 150)
    found = measures(calibration(data, **BINARY, smooth=None))
    logit = (pl.col("p") / (1 - pl.col("p"))).log()
    shifted = data.with_columns(p=1 / (1 + (-(logit + found["intercept"]["estimate"])).exp()))
    again = measures(calibration(shifted, **BINARY, smooth=None))
    assert_close([again["observed/expected"]["estimate"]], [1.0], rel=1e-6)
    assert abs(again["intercept"]["estimate"]) < 1e-6
    # a slope does not depend on a shift, and is divided by a stretch
    assert_close(again["slope"]["estimate"], found["slope"]["estimate"], rel=1e-5)
    stretched = data.with_columns(p=1 / (1 + (-2 * logit).exp()))
    other = measures(calibration(stretched, **BINARY, smooth=None))
    assert_close(2 * other["slope"]["estimate"], found["slope"]["estimate"], rel=1e-5)


def test_everybody_followed_is_a_binary_outcome():
    data = cohort(3).with_columns(t=pl.when("e").then(2.0).otherwise(9.0))
    timed = calibration(data, **TIMED, smooth=None)
    known = calibration(data, **BINARY, smooth=None)
    names = ["n", "predicted", "estimate", "std_error"]
    assert_close(timed.groups.select(names).to_numpy(), known.groups.select(names).to_numpy())
    assert_close(
        measures(timed)["observed/expected"]["conf_low"], measures(known)["observed/expected"]["conf_low"]
    )


def test_a_group_that_is_not_followed_to_the_horizon_has_no_observed_risk():
    data = cohort(4).with_columns(e=pl.col("t") % 2 == 0)
    data = data.with_columns(t=pl.when(pl.col("p") > pl.col("p").quantile(0.8)).then(3).otherwise("t"))
    data = data.with_columns(e=pl.when(pl.col("t") == 3).then(False).otherwise("e"))
    found = calibration(data, **TIMED, smooth=None)
    assert found.groups["estimate"].is_null().to_list() == [False] * 4 + [True]
    assert found.plot().get_ylabel() == "Observed risk"


def test_competing_groups_are_aalen_johansen():
    data = cohort(5, 200)
    found = calibration(data, time="t", event="c", cause=1, risks={"m": "p"}, times=5, smooth=None, groups=2)
    half = data.with_columns(g=pl.col("p") > pl.col("p").quantile(0.5, "linear"))
    theirs = cumulative_incidence(half, time="t", event="c", cause=1, by="g").at(5)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_close(found.groups[name], theirs[name])


def test_lazy_missing_and_words():
    data = cohort(6).with_columns(p=pl.when(pl.int_range(80) > 1).then("p"))
    found = calibration(data.lazy(), **TIMED, missing="drop")
    assert found.n_dropped == 2
    assert repr(found).startswith("calibration, n=78, events=")
    assert "2 rows with missing values left out" in repr(found)
    assert "m at 5: observed/expected" in found.text()
    assert "(95% CI" in found.text()
    assert found.summary()["n"].item() == 78


def test_few_values_give_a_line():
    data = cohort(7).with_columns(p=pl.when(pl.col("p") > 0.5).then(0.7).otherwise(0.3))
    found = assert_warns(lambda: calibration(data, **BINARY), argument="risks", says=["2 distinct values"])
    assert_close(found.curve["estimate"][0], found.groups["estimate"][0])  # a line through two points
    assert_close(found.curve["estimate"][-1], found.groups["estimate"][1])


def test_the_same_risk_for_all_has_no_slope():
    data = cohort(8).with_columns(p=pl.lit(0.4))
    call = lambda: calibration(data, **TIMED, smooth=None)  # noqa: E731
    found = measures(assert_warns(call, argument="risks", says=["the same for all"]))
    assert found["slope"]["estimate"] is None
    assert found["intercept"]["estimate"] is not None
    assert_refused(lambda: calibration(data, **TIMED), argument="risks", says=["no curve"])


def test_separated_risks_have_no_slope():
    data = cohort(9).with_columns(e=pl.col("p") > 0.5)
    call = lambda: calibration(data, **BINARY, smooth=None)  # noqa: E731
    found = assert_warns(call, argument="risks", says=["part those with the event"])
    assert measures(found)["slope"]["estimate"] is None


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"groups": 1}, "groups", "whole number"),
        ({"groups": True}, "groups", "whole number"),
        ({"knots": 2}, "knots", "3 or more"),
        ({"smooth": "loess"}, "smooth", "not one of"),
        ({"smooth": "lowess"}, "smooth", "no place for censoring"),
        ({"slope": "logistic"}, "slope", "not one of"),
        ({"conf_level": 95}, "conf_level", "0.95"),
        ({"time": None}, "times", "known for everybody"),
        ({"time": None, "times": None, "cause": 1}, "cause", "known for everybody"),
        ({"times": 0.5}, "times", "nobody has the event by 0.5"),
    ],
)
def test_refuses(options, argument, says):
    data = cohort(10)
    assert_refused(lambda: calibration(data, **(TIMED | options)), argument=argument, says=[says])


def test_refuses_outcomes_without_events_and_certain_risks():
    data = cohort(11)
    for value, says in ((0, "nobody has the event"), (1, "everybody has the event")):
        call = lambda v=value: calibration(data.with_columns(e=pl.lit(v)), **BINARY)  # noqa: E731
        assert_refused(call, argument="event", column="e", says=[says])
    certain = data.with_columns(p=pl.when(pl.int_range(80) == 2).then(1.0).otherwise("p"))
    assert_refused(
        lambda: calibration(certain, **BINARY), argument="risks", rows=[3], says=["exactly 0 or 1"]
    )
