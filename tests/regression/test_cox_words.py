"""The methods sentence of a Cox model says what the model is."""

from __future__ import annotations

import polars as pl
import pytest

import hemresearch as hem

LUNG = hem.data.load("veteran")
ROLES = {"time": "time", "event": "status"}
TRIAL = hem.data.load("myeloid")


def said(covariates, data=LUNG, **options):
    return hem.regression.cox(data, covariates, **(ROLES | options)).methods()


def test_terms_and_limits():
    assert said("karno + C(trt)") == (
        "Hazard ratios were estimated by Cox regression (Efron ties) on karno, C(trt), with 95% confidence "
        "limits from the model-based variance."
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strata": "celltype"}, "on karno, stratified by celltype, with 95%"),
        ({"strata": ["celltype", "prior"]}, "on karno, stratified by celltype, prior, with"),
        ({"time_varying": {"karno": [90, 180]}}, "effect of karno changing with time (steps at 90, 180)"),
        ({"time_varying": {"karno": "log"}}, "changing with time (interaction with log(t))"),
        ({"time_varying": {"karno": "identity"}}, "changing with time (interaction with time)"),
        ({"ties": "breslow", "conf_level": 0.9}, "(Breslow ties) on karno, with 90% confidence"),
        ({"strata": "celltype", "time_varying": {"karno": [90]}}, "by celltype, the effect of karno"),
    ],
)  # fmt: skip
def test_what_the_model_is(options, words):
    assert words in said("karno", **options)


def test_delayed_entry_and_covariates_that_change_are_told_apart():
    late = hem.data.load("myeloma")
    one = hem.regression.cox(late, "year", time="futime", event="death", entry="entry")
    assert "on year, with delayed entry (entry), with 95%" in one.methods()
    roles = {"time": "futime", "event": "death", "id": "id"}
    rows = hem.cohort.add_exposure(TRIAL, exposure={"transplant": "txtime"}, **roles)
    changing = hem.regression.cox(rows, "transplant", entry="entry", **roles)
    assert (
        "on transplant, with covariates that change with time (entry to futime), with" in changing.methods()
    )


def test_without_covariates_or_data_there_is_less_to_say():
    assert "Cox regression (Efron ties), with 95%" in said("1")
    fit = hem.regression.cox(LUNG, "karno", strata="celltype", **ROLES).slim()
    assert "(Efron ties) on karno, with 95%" in fit.methods()


def test_the_clusters_of_a_robust_variance_are_named_and_counted():
    clustered = said("karno", LUNG.with_row_index("pid").with_columns(pl.col("pid") // 2), cluster="pid")
    assert "limits from the robust variance, clustered by pid (69 clusters)." in clustered
    patients = said("karno", LUNG.with_row_index("pid"), id="pid", robust=True)
    assert "from the robust variance, clustered by pid (137 clusters)." in patients
    assert said("karno", robust=True).endswith("limits from the robust variance.")
    slim = hem.regression.cox(LUNG, "karno", robust=True, **ROLES).slim()
    assert slim.methods().endswith("limits from the robust variance.")
