"""Brier scores: values of Score, small data by hand, and truths about squared distances."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import error_of, inverse_weights, with_risks
from reference_cases import assert_close, load_dataset, reference_cases
from refusals import assert_refused

from hemresearch.competing import cumulative_incidence
from hemresearch.prediction import auc, brier_difference, brier_score, integrated_brier
from hemresearch.regression import cox
from hemresearch.survival import kaplan_meier

ROLES = {"time": "time", "event": "event"}
# Events at 1 and 3; censored at 2; two go on beyond 4.
FIVE = pl.DataFrame(
    {"time": [1, 2, 3, 5, 6], "event": [1, 0, 1, 1, 0], "p": [0.9, 0.5, 0.4, 0.2, 0.1], "q": 0.5}
)
CONTRAST = {
    "delta.Brier": "estimate", "se": "std_error", "lower": "conf_low", "upper": "conf_high", "p": "p_value",
}  # fmt: skip


def cohort(seed, n=60):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "time": rng.integers(1, 12, n),
            "event": rng.integers(0, 3, n),
            "p": rng.random(n),
            "q": rng.random(n),
        }
    )


def null_name(name):
    return name.replace("Null", "null")


@pytest.mark.parametrize("case_id", reference_cases("prediction", "score_"))
def test_matches_score(reference, case_id):
    case = reference("prediction", case_id)
    data, roles = with_risks(case, case.options["times"])
    found = brier_score(data, **roles).to_frame()
    names = {"Brier": "estimate", "se": "std_error", "lower": "conf_low", "upper": "conf_high", "IPA": "ipa"}
    for theirs, ours in names.items():
        assert_close(found[ours], [row[theirs] for row in case.values["brier"]], rel=1e-7)
    assert found["model"].to_list() == [null_name(row["model"]) for row in case.values["brier"]]
    for row in case.values["brier_contrasts"]:
        ours = brier_difference(data, **roles, reference=null_name(row["reference"])).to_frame()
        ours = ours.filter(model=row["model"], time=row["times"]).row(0, named=True)
        assert_close([ours[n] for n in CONTRAST.values()], [row[n] for n in CONTRAST], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("prediction", "score_"))
def test_the_integral_matches_score_at_all_observed_times(reference, case_id):
    case = reference("prediction", case_id)
    observed = case.data.select(t=case.role("time"))["t"].cast(pl.Float64).unique().sort()
    times = observed.filter(observed <= max(case.options["times"])).to_list()
    assert times[-1] == case.values["ibs_last_time"]
    data, roles = with_risks(case, times)
    found = integrated_brier(data, **roles, rule="step").to_frame()
    expected = {null_name(name): value for name, value in case.values["ibs"].items()}
    assert_close(dict(zip(found["model"], found["estimate"], strict=True)), expected, rel=1e-7)


def test_external_validation_matches_score(reference):
    case = reference("prediction", "ext_rotterdam_gbsg")
    developed = load_dataset("rotterdam").with_columns(years=pl.col("rtime") / 365.25)
    log_pgr = (pl.col("pgr") + 1).log().alias("log_pgr")
    fit = cox(developed, ["age", "nodes", log_pgr], time="years", event="recur")
    assert_close(fit.coef, list(case.values["coef"].values()), rel=1e-6)
    times = case.options["times"]
    data = case.data.with_columns(years=pl.col("rfstime") / 365.25)
    risk = 1 - fit.predict(data, times=times)["estimate"].to_numpy().reshape(data.height, -1)
    data = data.with_columns(pl.Series(f"p{i}", risk[:, i]) for i in range(len(times)))
    roles = {"time": "years", "event": "status", "risks": {"model": ["p0", "p1", "p2"]}, "times": times}
    scores = brier_score(data, **roles).to_frame()["estimate"].to_list()
    assert_close(scores, [*case.values["brier_null"], *case.values["brier_model"]], rel=1e-6)
    assert_close(auc(data, **roles).to_frame()["estimate"], case.values["auc"], rel=1e-6)
    assert_close(risk.mean(axis=0), case.values["mean_predicted"], rel=1e-6)


def test_by_hand():
    found = brier_score(FIVE, **ROLES, risks={"p": "p"}, times=4).to_frame()
    # G falls to 3/4 at 2, so that 3, 5 and 6 weigh 4/3
    score = (0.1**2 + 4 / 3 * (0.6**2 + 0.2**2 + 0.1**2)) / 5
    incidence = (1 + 4 / 3) / 5
    null = incidence * (1 - incidence)
    assert_close(found["estimate"], [null, score])
    assert_close(found["ipa"], [0, 1 - score / null])


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_is_the_weighted_sum_of_squares(seed):
    data = cohort(seed)
    time, cause, p = (data[name].to_numpy().astype(float) for name in ("time", "event", "p"))
    part = inverse_weights(time, cause, 6.0) * (((cause == 1) & (time <= 6)) - p) ** 2 / len(p)
    found = brier_score(data, **ROLES, cause=1, risks={"p": "p"}, times=6).to_frame().row(1, named=True)
    assert_close([found["estimate"], found["std_error"]], [part.sum(), error_of(part, time, cause, 6.0)])


def test_the_null_model_predicts_kaplan_meier_and_aalen_johansen():
    data = cohort(3)
    event = (pl.col("event") > 0).alias("any")
    survival = kaplan_meier(data, time="time", event=event).at(6)["estimate"][0]
    found = brier_score(data, time="time", event=event, risks={"p": "p"}, times=6).to_frame()
    assert_close(found["estimate"][0], survival * (1 - survival))
    risk = cumulative_incidence(data, **ROLES, cause=1).at(6)["estimate"][0]
    found = brier_score(data, **ROLES, cause=1, risks={"p": "p"}, times=6).to_frame()
    assert_close(found["estimate"][0], risk * (1 - risk))


def test_a_perfect_prediction_has_index_1_and_the_truth_wins():
    data = cohort(4).with_columns(event=1).with_columns(sure=(pl.col("time") <= 6).cast(pl.Float64))
    found = brier_score(data, **ROLES, risks={"sure": "sure", "p": "p"}, times=6).to_frame()
    assert_close(found.filter(model="sure").row(0)[4:], [0, 0, 0, 0, 1], at_zero=0)
    assert found.filter(model="p")["ipa"][0] < 0


def test_no_index_before_anything_happens():
    late = FIVE.with_columns(pl.col("time") + 10)
    found = brier_score(late, **ROLES, risks={"p": "p"}, times=4).to_frame()
    assert found["ipa"].to_list() == [None, None]
    assert_close(found["estimate"], [0, (FIVE["p"] ** 2).mean()])


def test_all_rows_of_an_event_at_the_last_horizon():
    data = FIVE.filter(event=1)
    found = brier_score(data, **ROLES, risks={"p": "p"}, times=5).to_frame()
    assert_close(found["estimate"], [0, ((1 - data["p"]) ** 2).mean()])


def test_integrals_by_hand():
    risks, times = {"p": ["p", "q", "p"]}, [1, 3, 4]
    each = brier_score(FIVE, **ROLES, risks=risks, times=times).to_frame().filter(model="p")["estimate"]
    step = integrated_brier(FIVE, **ROLES, risks=risks, times=times, rule="step").to_frame()
    assert_close(step["estimate"][1], (each[0] * 2 + each[1] * 1) / 4)
    trapezoid = integrated_brier(FIVE, **ROLES, risks=risks, times=times).to_frame()
    by_hand = (each[0] / 2 + (each[0] + each[1]) + (each[1] + each[2]) / 2) / 4
    assert_close(trapezoid["estimate"][1], by_hand)
    assert_close(trapezoid["ipa"][1], 1 - by_hand / trapezoid["estimate"][0])


def test_the_error_of_an_integral_is_that_of_repeated_samples():
    rng = np.random.default_rng(8)
    found = []
    for _ in range(200):
        p = rng.random(150)
        end, leaves = rng.exponential(1 / (0.2 + p)), rng.exponential(2, p.size)
        data = pl.DataFrame({"time": np.minimum(end, leaves), "event": (end <= leaves).astype(int), "p": p})
        options = {"risks": {"p": ["p", "p", "p"]}, "times": [0.3, 0.6, 0.9]}
        found.append(integrated_brier(data, **ROLES, **options).to_frame().row(1, named=True))
    spread = np.std([f["estimate"] for f in found])
    assert abs(np.mean([f["std_error"] for f in found]) / spread - 1) < 0.15


def test_differences_are_of_the_estimates():
    data = cohort(5)
    options = {**ROLES, "cause": 1, "risks": {"p": "p", "q": "q"}, "times": 6}
    null, p, q = brier_score(data, **options).to_frame()["estimate"]
    assert_close(brier_difference(data, **options).to_frame()["estimate"], [p - null, q - null])
    assert_close(brier_difference(data, **options, reference="p").to_frame()["estimate"], [null - p, q - p])


@pytest.mark.parametrize(
    ("times", "risks", "says"), [(4, ["p"], "single"), ([3, 2], ["p", "q"], "do not increase")]
)
def test_refuses_horizons_without_an_integral(times, risks, says):
    call = {**ROLES, "risks": {"p": risks}, "times": times}
    assert_refused(lambda: integrated_brier(FIVE, **call), argument="times", says=[says])


def test_refuses_an_unknown_rule():
    call = {**ROLES, "risks": {"p": ["p", "q"]}, "times": [1, 3]}
    assert_refused(lambda: integrated_brier(FIVE, **call, rule="simpson"), argument="rule")
