"""Time-dependent AUC: values of timeROC and Score, pairs counted one by one, and truths about it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import area_by_pairs, with_risks
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.prediction import auc, auc_difference, roc_curve

ROLES = {"time": "time", "event": "event"}
# Events at 1 (score 3) and 3 (score 2); censored at 2 (score 9); score 2 and 1 go on beyond 4.
FIVE = pl.DataFrame(
    {
        "time": [1, 2, 3, 5, 6],
        "event": [1, 0, 1, 1, 0],
        "x": [3.0, 9, 2, 2, 1],
        "p": [0.3, 0.9, 0.2, 0.2, 0.1],
    }
)
SCORED = {"scores": {"x": "x"}, "times": 4}
NAMES = {
    "without the event": ("auc_vs_all_not_yet_failed_or_competing", "se_def2"),
    "event-free": ("auc_vs_event_free", "se_def1"),
}


def cohort(rng, n=60, distinct=12, causes=3):
    return pl.DataFrame(
        {
            "time": rng.integers(1, distinct, n),
            "event": rng.integers(0, causes, n),
            "x": rng.integers(0, 8, n) / 4,
        }
    )


def arrays(case):
    frame = case.data.select(
        time=case.role("time"), cause=case.role("event") if "event" in case.options else case.role("status"),
        x=case.role("marker"),
    )  # fmt: skip
    return [frame[name].cast(pl.Float64).to_numpy() for name in frame.columns]


@pytest.mark.parametrize("case_id", reference_cases("prediction", "roc_"))
def test_matches_timeroc(reference, case_id):
    """timeROC leaves out whom the event meets at t itself; elsewhere it is ours.

    Its influence takes rows of one time one after the other, as they stand in the data: where times are tied
    its errors differ in the sixth digit from those of risk sets, which Score has and we equal to rounding.
    """
    case = reference("prediction", case_id)
    time, cause, x = arrays(case)
    competing = "status" in case.options
    roles = {"time": case.role("time"), "event": case.role("status" if competing else "event")}
    for controls, (value, error) in (NAMES if competing else {"event-free": ("auc", "se")}).items():
        options = {"cause": 1} if competing else {}
        found = auc(
            case.data, **roles, scores={"marker": case.role("marker")}, times=case.options["times"],
            controls=controls, **options,
        ).to_frame()  # fmt: skip
        for i, t in enumerate(case.options["times"]):
            met = ((time == t) & (cause > 0)).any()
            ours = found.row(i, named=True)
            both = area_by_pairs(time, cause, x, t, controls=controls)
            assert_close([ours["estimate"], ours["std_error"]], list(both), rel=1e-10)
            r = case.values[value][i], case.values[error][i]
            strict = area_by_pairs(time, cause, x, t, controls=controls, strict=True)
            assert_close(strict[0], r[0], rel=1e-6)
            if not (met and controls == "without the event"):  # whose denominator in timeROC is not strict
                assert_close(strict[1], r[1], rel=1e-5)
            if not met:
                assert_close(ours["estimate"], r[0], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("prediction", "score_"))
def test_matches_score(reference, case_id):
    case = reference("prediction", case_id)
    data, roles = with_risks(case, case.options["times"])
    found = auc(data, **roles).to_frame()
    names = {"AUC": "estimate", "se": "std_error", "lower": "conf_low", "upper": "conf_high"}
    for theirs, ours in names.items():
        assert_close(found[ours], [row[theirs] for row in case.values["auc"]], rel=1e-7)
    assert found["model"].to_list() == [row["model"] for row in case.values["auc"]]
    found = auc_difference(data, **roles).to_frame()
    names = {
        "delta.AUC": "estimate",
        "se": "std_error",
        "lower": "conf_low",
        "upper": "conf_high",
        "p": "p_value",
    }
    for theirs, ours in names.items():
        assert_close(found[ours], [row[theirs] for row in case.values["auc_contrasts"]], rel=1e-6)


def test_by_hand():
    # G falls to 3/4 at 2: the case at 3 and those beyond 4 weigh 4/3. Cases 3 (1), 2 (4/3), controls 2, 1.
    area = (1 * 2 + 4 / 3 * 1.5) / ((1 + 4 / 3) * 2)
    found = auc(FIVE, **ROLES, **SCORED).to_frame().row(0, named=True)
    assert_close(found["estimate"], area)
    assert (found["n_risk"], found["n_event"]) == (2, 2)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["without the event", "event-free"]))
def test_is_the_share_of_pairs(seed, controls):
    data = cohort(np.random.default_rng(seed))
    time, cause, x = (data[name].to_numpy().astype(float) for name in ("time", "event", "x"))
    found = auc(data, **ROLES, cause=1, scores={"x": "x"}, times=[4, 7], controls=controls).to_frame()
    for i, t in enumerate((4, 7)):
        pairs = area_by_pairs(time, cause, x, t, controls=controls)
        assert_close([found["estimate"][i], found["std_error"][i]], list(pairs), rel=1e-9)


def test_only_the_order_of_scores_matters_and_the_reverse_mirrors_it():
    data = cohort(np.random.default_rng(1))
    scores = {"x": "x", "grown": pl.col("x").exp().alias("grown"), "reverse": (-pl.col("x")).alias("reverse")}
    found = auc(data, **ROLES, cause=1, scores=scores, times=6).to_frame()
    value = dict(zip(found["model"], found["estimate"], strict=True))
    assert value["x"] == value["grown"]
    assert_close(value["x"], 1 - value["reverse"])
    assert_close(found["std_error"], [found["std_error"][0]] * 3)


def test_rows_in_any_order_other_units_and_text_labels_change_nothing():
    data = cohort(np.random.default_rng(2))
    plain = auc(data, **ROLES, cause=1, scores={"x": "x"}, times=[3, 6]).to_frame()
    labels = pl.col("event").replace_strict({0: "censored", 1: "relapse", 2: "death"})
    other = (
        data.sample(fraction=1, shuffle=True, seed=3).with_columns(pl.col("time") / 7, event=labels).lazy()
    )
    found = auc(other, **ROLES, cause="relapse", scores={"x": "x"}, times=[3 / 7, 6 / 7]).to_frame()
    for name in ("n_risk", "n_event", "estimate", "std_error"):
        assert_close(found[name], plain[name])


def test_without_censoring_it_is_the_usual_area():
    data = cohort(np.random.default_rng(4)).with_columns(event=pl.lit(1))
    time, x = data["time"].to_numpy(), data["x"].to_numpy()
    case, control = x[time <= 6], x[time > 6]
    usual = ((case[:, None] > control) + 0.5 * (case[:, None] == control)).mean()
    assert_close(auc(data, **ROLES, scores={"x": "x"}, times=6).to_frame()["estimate"], [usual])


def test_censoring_leaves_the_estimate_where_it_is():
    rng = np.random.default_rng(5)
    x = rng.normal(size=20_000)
    end, leaves = rng.exponential(np.exp(-x)), rng.exponential(1.0, x.size)
    full = pl.DataFrame({"time": end, "event": 1, "x": x})
    seen = full.with_columns(time=np.minimum(end, leaves), event=(end <= leaves).astype(int))
    scores = {"x": "x"}
    true = auc(full, **ROLES, scores=scores, times=1.0).to_frame()
    found = auc(seen, **ROLES, scores=scores, times=1.0).to_frame()
    assert abs(found["estimate"][0] - true["estimate"][0]) < 3 * found["std_error"][0]
    assert found["std_error"][0] > true["std_error"][0]


def test_the_standard_error_is_that_of_repeated_samples():
    rng = np.random.default_rng(6)
    found = []
    for _ in range(300):
        x = rng.normal(size=200)
        end, leaves = rng.exponential(np.exp(-x)), rng.exponential(1.5, x.size)
        data = pl.DataFrame({"time": np.minimum(end, leaves), "event": (end <= leaves).astype(int), "x": x})
        found.append(auc(data, **ROLES, scores={"x": "x"}, times=0.8).to_frame().row(0, named=True))
    spread = np.std([f["estimate"] for f in found])
    assert abs(np.mean([f["std_error"] for f in found]) / spread - 1) < 0.1
    truth = np.mean([f["estimate"] for f in found])
    covered = np.mean([f["conf_low"] <= truth <= f["conf_high"] for f in found])
    assert 0.91 < covered < 0.985


def test_equal_models_do_not_differ():
    row = auc_difference(FIVE, **ROLES, scores={"a": "x", "b": "x"}, times=4).to_frame().row(0, named=True)
    assert (row["estimate"], row["std_error"], row["p_value"], row["statistic"]) == (0, 0, None, None)
    assert row["reference"] == "a"


def test_a_difference_is_that_of_the_estimates_and_turns_with_the_reference():
    data = cohort(np.random.default_rng(7)).with_columns(y=pl.col("x").shuffle(seed=1))
    options = {**ROLES, "cause": 1, "scores": {"x": "x", "y": "y"}, "times": [4, 6]}
    value = auc(data, **options).to_frame()["estimate"].to_numpy()
    one = auc_difference(data, **options).to_frame()
    other = auc_difference(data, **options, reference="y").to_frame()
    assert_close(one["estimate"], value[2:] - value[:2])
    assert_close(other["estimate"], -one["estimate"])
    assert_close(other["p_value"], one["p_value"])


def test_the_roc_curve_has_the_area_as_its_integral():
    data = cohort(np.random.default_rng(8))
    options = {**ROLES, "cause": 1, "scores": {"x": "x"}, "times": [4, 7]}
    areas = auc(data, **options).to_frame()["estimate"]
    curves = roc_curve(data, **options)
    for i, t in enumerate((4, 7)):
        curve = curves.to_frame().filter(time=t)
        assert_close(np.trapezoid(curve["sensitivity"], 1 - curve["specificity"]), areas[i])
    assert curve["threshold"].to_list()[:2] == [None, data["x"].max()]
    assert curve.row(-1)[3:] == (1, 0)
    assert curves.summary()["thresholds"].to_list() == [data["x"].n_unique()] * 2
    assert repr(curves).startswith("time-dependent ROC curves, n=60")


def test_missing_values_and_a_horizon_that_is_a_time_but_for_rounding():
    holes = FIVE.with_columns(x=pl.when(pl.col("time") != 6).then("x"))
    assert_refused(lambda: auc(holes, **ROLES, **SCORED), argument="scores", column="x", rows=(5,))
    assert auc(holes, **ROLES, **SCORED, missing="drop").n_dropped == 1
    near = auc(FIVE, **ROLES, scores={"x": "x"}, times=3 * (1 - 1e-12)).to_frame()
    assert near["n_event"][0] == 2


def test_one_case_alone_gives_a_warning():
    assert_warns(
        lambda: auc(FIVE, **ROLES, scores="x", times=2),
        argument="event",
        column="event",
        says=["one patient"],
    )


@pytest.mark.parametrize("scores", ["x", ["x"]])
def test_a_column_alone_is_a_model_of_its_name(scores):
    assert (
        auc(FIVE, **ROLES, scores=scores, times=4).to_frame().equals(auc(FIVE, **ROLES, **SCORED).to_frame())
    )


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({}, "risks", "no predictions"),
        ({"risks": {"p": "p"}, "scores": {"x": "x"}}, "risks", "both"),
        ({"scores": ["x", "x"]}, "scores", "without the name"),
        ({"scores": {}}, "scores", "without the name"),
        ({"risks": {"null model": "p"}}, "risks", "null model"),
        ({"risks": {"p": ["p", "x"]}}, "risks", "2 columns for 1 horizon"),
        ({"risks": {"p": "p"}, "times": [3, 4]}, "risks", "1 column for 2 horizons"),
        ({"scores": {"x": "x"}, "controls": "all"}, "controls", "'all'"),
        ({"scores": {"x": "x"}, "cause": 1, "event_value": 1}, "event_value", "cause="),
    ],
)  # fmt: skip
def test_refuses_what_is_no_prediction(options, argument, says):
    assert_refused(lambda: auc(FIVE, **ROLES, **{"times": 4} | options), argument=argument, says=[says])


def test_refuses_risks_outside_0_to_1():
    percent = FIVE.with_columns(p=pl.col("p") * 100)
    call = {**ROLES, "risks": {"p": "p"}, "times": 4}
    refusal = assert_refused(lambda: auc(percent, **call), argument="risks", column="p", rows=(1, 2, 3, 4, 5))
    assert "/ 100" in refusal.remedy
    below = FIVE.with_columns(p=pl.col("p") - 0.5)
    refusal = assert_refused(lambda: auc(below, **call), argument="risks", column="p", rows=(1, 3, 4, 5))
    assert "scores" in refusal.remedy
    text = FIVE.with_columns(p=pl.col("p").cast(pl.String))
    assert_refused(lambda: auc(text, **call), argument="risks", column="p", says=["String"])
    infinite = FIVE.with_columns(x=pl.lit(float("inf")))
    refusal = assert_refused(
        lambda: auc(infinite, **ROLES, **SCORED), argument="scores", column="x", rows=(1, 2, 3, 4, 5)
    )
    assert "is_finite" in refusal.remedy


@pytest.mark.parametrize(
    ("t", "says"), [(6, "nobody is followed beyond 6"), (0.5, "nobody has the event by 0.5")]
)
def test_refuses_horizons_without_cases_or_controls(t, says):
    scores = {"x": "x"}
    assert_refused(
        lambda: auc(FIVE, **ROLES, scores=scores, times=t), argument="times", column="time", says=[says]
    )


def test_refuses_a_horizon_that_all_had_the_event_by():
    data = FIVE.filter(event=1)
    call = {**ROLES, "scores": {"x": "x"}, "times": 5}
    assert_refused(lambda: auc(data, **call), argument="times", column="time", says=["nobody is a control"])


def test_refuses_a_comparison_of_one_and_an_unknown_reference():
    assert_refused(
        lambda: auc_difference(FIVE, **ROLES, **SCORED), argument="risks or scores", says=["one model"]
    )
    two = {"scores": {"x": "x", "p": "p"}, "times": 4}
    assert_refused(lambda: auc_difference(FIVE, **ROLES, **two, reference="q"), argument="reference")


def test_warns_of_a_label_that_means_censored():
    data = FIVE.with_columns(event=pl.Series(["relapse", "alive", "relapse", "dead", "lost"]))
    call = {**ROLES, **SCORED, "cause": "relapse", "censored": "lost"}
    assert_warns(lambda: auc(data, **call), argument="censored", column="event")


def test_sentences():
    two = {"scores": {"x": "x", "p": "p"}, "times": 4}
    assert auc(FIVE, **ROLES, **two).text().startswith("time-dependent AUC: x at 4 0.86 (95% CI ")
    assert ": p less x at 4 0.00 (" in auc_difference(FIVE, **ROLES, **two).text()
