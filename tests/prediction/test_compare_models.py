"""Several models judged in one call."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl
import pytest

import hemresearch as hem
from hemresearch.plots.layout import layout_problems
from hemresearch.prediction import auc, brier_score, calibration, compare_models

TIMES = [60, 120]
OUTCOME = {"time": "futime", "event": "death", "times": TIMES}
RISKS = {"Age": ["age_60", "age_120"], "Age and haemoglobin": ["both_60", "both_120"]}


@pytest.fixture(scope="module")
def judged() -> pl.DataFrame:
    mgus = hem.data.load("mgus2").drop_nulls("hgb")
    others = mgus.tail(600)
    for name, covariates in (("age", "age"), ("both", "age + hgb")):
        fit = hem.regression.cox(mgus.head(700), covariates, time="futime", event="death")
        others = hem.prediction.predicted_risks(fit, others, times=TIMES, name=name)
    return others


def test_a_comparison_holds_what_the_single_functions_say(judged):
    found = compare_models(judged, risks=RISKS, **OUTCOME)
    frame = found.to_frame()
    assert frame["model"].to_list() == ["Age", "Age", "Age and haemoglobin", "Age and haemoglobin"]
    assert frame["auc"].to_list() == auc(judged, risks=RISKS, **OUTCOME).frame["estimate"].to_list()
    accuracy = brier_score(judged, risks=RISKS, **OUTCOME).frame.filter(pl.col("model") != "null model")
    assert frame["brier"].to_list() == accuracy["estimate"].to_list()
    assert frame["ipa"].to_list() == accuracy["ipa"].to_list()
    slopes = calibration(judged, risks=RISKS, **OUTCOME).frame.filter(term="slope")
    assert frame["slope"].to_list() == slopes["estimate"].to_list()
    assert repr(found).startswith("models compared, n=600, events=392")
    assert found.text().startswith("Age at 60: AUC 0.66 (0.61")


def test_models_of_competing_events_compare():
    transplant = hem.data.load("bmtcrr")
    fit = hem.competing.fine_gray(transplant[:120], "Age", time="ftime", event="Status", cause=1)
    others = hem.prediction.predicted_risks(fit, transplant[120:], times=[12], name="fg")
    roles = {"time": "ftime", "event": "Status", "cause": 1, "times": [12]}
    found = compare_models(others, risks={"Fine-Gray": ["fg_12"]}, groups=3, **roles)
    assert found.to_frame().null_count().sum_horizontal().item() == 0


def test_the_panels_are_drawn_without_trouble(judged):
    panels = compare_models(judged, risks=RISKS, **OUTCOME).plot(x_label="Months")
    assert [p.get_ylabel() for p in panels] == ["AUC", "Brier score", "Observed risk"]
    assert layout_problems(panels[0].figure) == []
    plt.close(panels[0].figure)
