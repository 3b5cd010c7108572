"""Fine-Gray regression against R: cmprsk's crr, and survival's finegray with coxph."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from reference_cases import Reference, assert_close, load_reference, reference_cases

from hemresearch.competing import fine_gray

CRR = reference_cases("competing_risks", "fg_")
LABELS = list("abcdef")


def prepared(topic: str, case_id: str) -> tuple[Reference, pl.DataFrame, list[str]]:
    """The case, its data with the covariates as plain columns, and their names."""
    case = load_reference(topic, case_id)
    names = [f"x{label}" for label in LABELS[: len(case.options["covariates"])]]
    columns = [
        case.expr(text).cast(pl.Float64).alias(name)
        for text, name in zip(case.options["covariates"], names, strict=True)
    ]
    roles = {
        "t": "time", "e": "status", "g": "censoring_group", "w": "whole_weights",
        "c": "cluster", "s": "strata",
    }  # fmt: skip
    given = [
        case.expr(case.options[option]).alias(name)
        for name, option in roles.items()
        if option in case.options
    ]
    return case, case.data.select(*given, *columns).drop_nulls(), names


@cache
def fitted(topic: str, case_id: str, **options):
    case, data, names = prepared(topic, case_id)
    roles = {"time": "t", "event": "e", "cause": case.options["cause"]}
    if "censoring_group" in case.options:
        roles["censoring_by"] = "g"
    return case, fine_gray(data, names, **roles, **options)


def new_rows(at: dict, names: list[str]) -> pl.DataFrame:
    values = [value if isinstance(value, list) else [value] for value in at.values()]
    return pl.DataFrame({name: [float(v) for v in value] for name, value in zip(names, values, strict=True)})


@pytest.mark.parametrize("case_id", CRR)
def test_matches_crr(case_id):
    """Coefficients, variance, likelihoods, baseline, residuals and predictions."""
    case, fit = fitted("competing_risks", case_id)
    v = case.values
    assert fit.n == v["n"]
    assert_close(fit.coef, list(v["coef"].values()), rel=1e-6)
    assert_close(fit.std_error, list(v["se"].values()), rel=1e-6)
    assert_close(fit.cov, v["var"], rel=1e-6)
    assert_close(fit.cov_model, v["inv_info"], rel=1e-6)
    assert_close([fit.log_likelihood, fit.log_likelihood_null], [v["loglik"], v["loglik_null"]], rel=1e-9)
    base = fit.baseline().to_frame().filter(pl.col("n_event") > 0)
    assert_close(base["time"][:5], v["uftime_first"])
    assert_close(base["estimate"].diff().fill_null(base["estimate"][0])[:5], v["bfitj_first"], rel=1e-6)
    by_time = fit.residuals("schoenfeld").group_by("time").sum().select(fit.columns)
    assert_close((by_time.to_numpy() ** 2).sum(axis=0), v["res_colsumsq"], rel=1e-6)
    _, _, names = prepared("competing_risks", case_id)
    times = v["predicted_cif"]["times"]
    predicted = fit.predict(new_rows(case.options["predict_at"], names), times=times)
    for k, expected in enumerate(v["predicted_cif"]["profiles"]):
        ours = predicted.filter(row=k + 1)
        followed = ours["estimate"].is_not_null()
        assert followed.sum() >= 2  # crr's predictions go on after the last follow-up
        assert_close(ours["estimate"].filter(followed), np.array(expected)[followed], rel=1e-6)


@pytest.mark.parametrize("case_id", [c for c in CRR if c != "fg_mgus2_cengroup"])
def test_efron_matches_finegray_with_coxph(case_id):
    case, fit = fitted("competing_risks", case_id, ties="efron")
    v = case.values["finegray_coxph"]
    assert_close(fit.coef, v["efron_coef"], rel=1e-6)
    assert_close(fit.std_error, v["efron_robust_se"], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("fine_gray", "fg_groups_"))
def test_groups_of_censoring(case_id):
    """In crr, what the estimation of a group's censoring adds to the variance counts its own events alone."""
    case, fit = fitted("fine_gray", case_id)
    v = case.values
    assert_close(fit.coef, v["coef"], rel=1e-6)
    assert_close(fit.cov, v["var"], rel=1e-6)
    assert_close(fit.log_likelihood, v["loglik"], rel=1e-9)
    _, efron = fitted("fine_gray", case_id, ties="efron", strata="g")
    assert_close(efron.coef, v["efron_strata_coef"], rel=1e-6)
    assert_close(efron.cov, v["efron_strata_var"], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("fine_gray", "fg_tv_"))
def test_effects_that_change_match_crr_with_tf(case_id):
    case, data, names = prepared("fine_gray", case_id)
    o, v = case.options, case.values
    changing = names[o["covariates"].index(o["time_varying"])]
    spec = o["steps"] if "steps" in o else o["fun"]
    fit = fine_gray(data, names, time="t", event="e", cause=o["cause"], time_varying={changing: spec})
    # crr has the columns that do not change first
    steps = [c for c in fit.columns if c.startswith(f"{changing} (") or ":" in c]
    order = [fit.columns.index(c) for c in (*(c for c in fit.columns if c not in steps), *steps)]
    assert_close(fit.coef[order], v["coef"], rel=1e-6)
    assert_close(fit.cov[np.ix_(order, order)], v["var"], rel=1e-6)
    assert_close([fit.log_likelihood, fit.log_likelihood_null], [v["loglik"], v["loglik_null"]], rel=1e-9)
    predicted = fit.predict(new_rows(o["at"], names), times=o["times"])
    assert_close(predicted["estimate"], v["predicted"], rel=1e-6)


def test_whole_weights_are_rows_repeated():
    case, data, names = prepared("fine_gray", "fg_weights_follic")
    roles = {"time": "t", "event": "e", "cause": 1}
    fit = fine_gray(data, names, **roles, weights="w")
    assert_close(fit.coef, case.values["coef"], rel=1e-6)
    assert_close(fit.cov, case.values["var"], rel=1e-6)
    assert_close(fit.log_likelihood, case.values["loglik"], rel=1e-9)


def test_clusters_match_finegray_with_coxph():
    case, data, names = prepared("fine_gray", "fg_weights_follic")
    roles = {"time": "t", "event": "e", "cause": 1, "ties": "efron"}
    clustered = fine_gray(data, names, **roles, cluster="c")
    assert_close(clustered.coef, case.values["clustered_efron_coef"], rel=1e-6)
    assert_close(clustered.cov, case.values["clustered_efron_var"], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("fine_gray", "fg_strata_"))
def test_strata_add_up_the_scores_of_crr(case_id):
    case, data, names = prepared("fine_gray", case_id)
    fit = fine_gray(data, names, time="t", event="e", cause=1, strata="s", censoring_by="s")
    assert_close(fit.coef, case.values["coef"], rel=1e-6)
    assert_close(fit.cov, case.values["var"], rel=1e-6)
    assert_close(fit.log_likelihood, case.values["loglik"], rel=1e-9)
