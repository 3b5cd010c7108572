"""Net benefit: values of dcurves, counts by hand, and what treating all and nobody must give."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import with_risks
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.competing import cumulative_incidence
from hemresearch.prediction import decision_curve

BINARY = {"event": "e", "risks": {"m": "p"}}
TIMED = BINARY | {"time": "t", "times": 5}


def cohort(seed, n=80):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.95, n)
    return pl.DataFrame(
        {"p": p, "e": rng.random(n) < p, "t": rng.integers(1, 12, n), "c": rng.integers(0, 3, n)}
    )


def test_matches_dcurves_for_a_binary_outcome(reference):
    case = reference("calibration_decision", "dca_nhefs")
    thresholds = case.values["all"]["threshold"]
    found = decision_curve(case.data, event="y", risks={"p1": "p1", "p2": "p2"}, thresholds=thresholds)
    for ours, theirs in (("treat all", "all"), ("treat none", "none"), ("p1", "p1"), ("p2", "p2")):
        rows, v = found.to_frame().filter(model=ours), case.values[theirs]
        assert_close(rows["estimate"], v["net_benefit"], at_zero=1e-12)
        assert_close(rows["true_positive"], v["tp_rate"])
        assert_close(rows["false_positive"], v["fp_rate"])


def test_matches_dcurves_at_a_horizon(reference):
    case = reference("calibration_decision", "dca_surv_gbsg")
    data = case.data.with_columns(years=pl.col("rfstime") / 365.25, ln=pl.col("nodes").log())
    fit = hem.regression.cox(
        data, ["age", "ln", "grade", "pgr"], time="years", event="status", ties="breslow"
    )
    risk = 1 - fit.predict(data, times=[3])["estimate"]
    data = data.with_columns(risk=risk)
    thresholds = case.values["all"]["threshold"]
    found = decision_curve(
        data, time="years", event="status", risks={"m": "risk"}, times=3, thresholds=thresholds
    ).to_frame()
    for ours, theirs in (("treat all", "all"), ("m", "risk3")):
        rows, v = found.filter(model=ours), case.values[theirs]
        assert_close(rows["estimate"][:-1], v["net_benefit"][:-1], rel=1e-7)
        assert_close(rows["true_positive"][:-1], v["tp_rate"][:-1], rel=1e-7)
    # the seven treated from 0.8 on all have the event before three years, which R leaves unknown
    last = found.row(-1, named=True)
    assert (last["n"], last["true_positive"], last["false_positive"]) == (7, 7 / 686, 0.0)


@pytest.mark.parametrize("case_id", reference_cases("prediction", "score_"))
def test_matches_kaplan_meier_and_aalen_johansen_of_r(reference, case_id):
    case = reference("prediction", case_id)
    theirs = case.values["net_benefit"]
    data, roles = with_risks(case, [theirs["time"]])
    roles["risks"] = {"model": roles["risks"]["model"]}
    found = decision_curve(data, **roles, thresholds=theirs["thresholds"]).to_frame().filter(model="model")
    assert_close(found["estimate"], theirs["model"], rel=1e-6)


def test_by_hand():
    data = pl.DataFrame({"e": [1, 1, 0, 1, 0, 0, 0, 0, 0, 0], "p": [0.9, 0.8, 0.7, 0.2] + [0.1] * 6})
    found = decision_curve(data, **BINARY, thresholds=[0.2, 0.5]).to_frame()
    model = found.filter(model="m", threshold=0.5).row(0, named=True)
    assert_close(model["estimate"], (2 - 1 * 1) / 10)
    a, b = 0.2, 0.1  # shares of true and false positives
    assert_close(model["std_error"], np.sqrt((a + b - (a - b) ** 2) / 10))
    assert_close(model["standardized"], 0.1 / 0.3)
    assert_close(model["avoided"], 0.1 - (0.3 - 0.7))
    # whose risk is the threshold is treated
    assert found.filter(model="m", threshold=0.2)["n"].item() == 4
    assert_close(found.filter(model="treat all", threshold=0.2)["estimate"], [0.3 - 0.7 * 0.25])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_strategies_and_models_that_are_them(seed):
    data = cohort(seed).with_columns(most=pl.lit(0.99), least=pl.lit(0.001))
    found = decision_curve(
        data, time="t", event="c", cause=1, risks={"most": "most", "least": "least", "m": "p"}, times=5,
        thresholds=[0.1, 0.3, 0.6],
    ).to_frame()  # fmt: skip
    for model, strategy in (("most", "treat all"), ("least", "treat none")):
        one, other = (found.filter(model=name)["estimate"] for name in (model, strategy))
        assert_close(one, other)
    treated = data.filter(pl.col("p") >= 0.3)
    risk = cumulative_incidence(treated, time="t", event="c", cause=1).at(5)["estimate"][0]
    value = len(treated) / len(data) * (risk - (1 - risk) * 0.3 / 0.7)
    assert_close(found.filter(model="m", threshold=0.3)["estimate"][0], value)


def test_standard_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(400):
        p = rng.uniform(0, 1, 150)
        t, c = rng.exponential(5 / (0.3 + p)), rng.exponential(12, 150)
        data = pl.DataFrame({"p": p, "t": np.minimum(t, c), "e": t <= c})
        row = decision_curve(data, **TIMED, thresholds=0.5).to_frame().row(-1, named=True)
        values.append(row["estimate"])
        errors.append(row["std_error"])
    assert abs(np.mean(errors) / np.std(values) - 1) < 0.12


def test_words_and_missing():
    data = cohort(2).with_columns(p=pl.when(pl.int_range(80) > 1).then("p"))
    found = decision_curve(data.lazy(), **TIMED, thresholds=[0.4, 0.2], missing="drop")
    assert (found.n, found.n_dropped) == (78, 2)
    assert found.to_frame()["threshold"].to_list() == [0.2, 0.4] * 3
    assert "2 rows with missing values left out" in repr(found)
    assert "m at 5: at" in repr(found)
    assert found.text().startswith("net benefit above that of treat all and treat none: m at 5")
    nobody = decision_curve(data.drop_nulls(), event="e", risks={"m": pl.lit(0.1).alias("q")}, thresholds=0.5)
    assert "m: at 0 of 1 threshold" in repr(nobody)
    assert nobody.useful()["low"].to_list() == [None]


def test_warns_where_the_treated_are_not_followed():
    data = cohort(3).with_columns(t=pl.when(pl.col("p") > 0.6).then(2).otherwise("t"))
    data = data.with_columns(e=pl.when(pl.col("t") == 2).then(False).otherwise("e"))
    call = lambda: decision_curve(data, **TIMED, thresholds=[0.2, 0.7])  # noqa: E731
    found = assert_warns(call, argument="thresholds", says=["'m'", "thresholds below 0.7"])
    assert found.to_frame().row(-1, named=True)["estimate"] is None


@pytest.mark.parametrize("thresholds", [0, 1, [0.1, 1.2], [], "0.1x", None])
def test_refuses_thresholds(thresholds):
    call = lambda: decision_curve(cohort(4), **BINARY, thresholds=thresholds)  # noqa: E731
    assert_refused(call, argument="thresholds", says=["between 0 and 1"])


def test_refuses_a_model_called_as_a_strategy():
    call = lambda: decision_curve(cohort(5), event="e", risks={"treat all": "p"}, thresholds=0.1)  # noqa: E731
    assert_refused(call, argument="risks", says=["strategies"])
