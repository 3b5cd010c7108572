"""The methods sentence of a Cox model says what the model is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.errors import FormulaError

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
    steady = hem.regression.cox(rows, "trt", entry="entry", **roles)
    assert "on trt, with 95%" in steady.methods()
    later = hem.regression.cox(rows.filter(pl.col("entry") > 0), "trt", entry="entry", **roles)
    assert "on trt, with delayed entry (entry), with" in later.methods()


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


WEIGHTED = LUNG.with_columns(
    w=pl.Series(np.resize([1, 2], 137)), o=pl.lit(0.1) * pl.col("prior"), lt=pl.col("time") / 2,
    gap=pl.when(pl.col("age") < 40).then(None).otherwise("karno"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "w"}, "on karno, weighted by w, with 95%"),
        ({"offset": "o", "entry": "lt"}, "on karno, with delayed entry (lt), with the offset o, with 95%"),
    ],
)
def test_weights_and_offset_are_named(options, words):
    assert words in said("karno", WEIGHTED, **options)
    assert (
        words.removeprefix("on karno")
        in hem.regression.univariable(WEIGHTED, "karno", **ROLES, **options).methods()
    )
    if "entry" in options:
        parametric = hem.regression.parametric(WEIGHTED, "karno", distribution="weibull", **ROLES, **options)
        assert words in parametric.methods()


def test_rows_left_out_are_counted():
    assert said("gap", WEIGHTED, missing="drop").endswith(
        "variance; 11 rows with missing values were left out."
    )
    one = LUNG.with_columns(pl.when(pl.int_range(137) == 3).then(None).otherwise("karno").alias("karno"))
    assert said("karno", one, missing="drop").endswith("variance; 1 row with missing values was left out.")


def test_other_models_tell_their_terms_and_strata_too():
    firth = hem.regression.firth_cox(LUNG, "karno", strata="celltype", **ROLES)
    assert "Firth's penalty) on karno, stratified by celltype, with 95%" in firth.methods()
    shared = hem.regression.cox(LUNG, "karno", frailty="celltype", **ROLES)
    assert "(Efron ties) on karno, with a shared gamma frailty of 4 groups" in shared.methods()
    between = hem.regression.parametric(
        LUNG.with_columns(late=pl.col("time") + 10),
        "karno",
        left="time",
        right="late",
        distribution="weibull",
    )
    assert "on karno, from times in intervals (time to late), with 95%" in between.methods()


def test_criteria_are_those_of_likelihoods_that_can_be_compared():
    firth = hem.regression.firth_cox(LUNG, "karno", **ROLES)
    assert np.isnan([firth.aic, firth.bic]).all()
    assert firth.summary().select("aic", "bic").row(0) == (None, None)
    sample = LUNG.with_columns(drawn=pl.int_range(137) % 2 == 0).filter(
        pl.col("drawn") | (pl.col("status") == 1)
    )
    part = hem.regression.case_cohort(sample, "karno", subcohort="drawn", cohort_size=137, **ROLES)
    assert np.isnan([part.aic, part.bic]).all()
    assert part.summary().select("aic", "bic").row(0) == (None, None)


@pytest.mark.parametrize("name", ["time", "status"])
@pytest.mark.parametrize(
    "model", [hem.regression.cox, hem.regression.firth_cox, hem.regression.aalen_additive]
)
def test_the_outcome_is_no_covariate(model, name):
    role = {"time": "time", "status": "event"}[name]
    assert_refused(
        lambda: model(LUNG, ["karno", name], **ROLES),
        argument="covariates",
        column=name,
        says=[f"is {role}=, the outcome itself"],
        error=FormulaError,
    )
