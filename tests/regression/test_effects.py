"""The effects of a model row by row, and trends over the levels of a factor."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close
from refusals import assert_refused

import hemresearch as hem
from hemresearch.fits import wald_test
from hemresearch.regression import cox, effect_table, trend_test
from hemresearch.regression.effects import called

VETERAN = hem.data.load("veteran")
ROLES = {"time": "time", "event": "status"}
# Two patients a row: n and events of each level can be counted off.
SMALL = pl.DataFrame(
    {
        "t": [4.0, 3, 7, 2, 9, 5, 8, 6],
        "e": [1, 1, 0, 1, 1, 0, 1, 1],
        "stage": ["I", "I", "I", "II", "II", "III", "III", "III"],
        "age": [3.0, 1, 4, 1, 5, 9, 2, 6],
    }
)


@pytest.fixture(scope="module")
def fit():
    return cox(VETERAN, "C(trt) + celltype + rcs(karno, df=3) + age + trt:age", **ROLES)


def test_rows_and_counts_by_hand():
    rows = effect_table(cox(SMALL, "stage + age", time="t", event="e"))
    assert rows["level"].to_list() == ["I", "II", "III", None]
    assert rows["reference"].to_list() == [True, False, False, False]
    assert rows["n"].to_list() == [3, 2, 3, 8]
    assert rows["n_event"].to_list() == [2, 2, 2, 6]
    assert rows["estimate"][0] == 1.0


def test_the_numbers_are_those_of_the_fit(fit):
    rows = effect_table(fit)
    assert rows["variable"].unique(maintain_order=True).to_list() == [
        "trt", "celltype", "rcs(karno, df=3)", "age", "trt:age",
    ]  # fmt: skip
    ratios = {row["term"]: row for row in fit.to_frame(exponentiate=True).iter_rows(named=True)}
    for row in rows.filter(pl.col("column").is_not_null()).iter_rows(named=True):
        for name in ("estimate", "conf_low", "conf_high", "p_value"):
            assert row[name] == ratios[row["column"]][name]
    tests = dict(fit.term_tests().select("term", "p_value").iter_rows())
    assert all(p == tests[term] for term, p in rows.select("term", "p_term").iter_rows())


def test_levels_add_up_to_everybody(fit):
    sums = (
        effect_table(fit)
        .filter(pl.col("level").is_not_null())
        .group_by("variable")
        .agg(pl.sum("n", "n_event"))
    )
    assert sums.select("n", "n_event").unique().rows() == [(137, 128)]


def test_a_spline_has_no_ratio_and_an_interaction_no_counts(fit):
    rows = effect_table(fit)
    spline = rows.filter(variable="rcs(karno, df=3)").row(0, named=True)
    assert (spline["estimate"], spline["p_value"], spline["n"]) == (None, None, 137)
    assert spline["p_term"] < 0.001
    assert rows.filter(variable="trt:age").select("n", "n_event").row(0) == (None, None)


def test_limits_at_another_level(fit):
    assert_close(
        effect_table(fit, conf_level=0.9)["conf_high"].drop_nulls(),
        fit.to_frame(exponentiate=True, conf_level=0.9)
        .filter(~pl.col("term").str.starts_with("rcs"))["conf_high"],
    )  # fmt: skip


def test_patients_with_several_rows_count_once():
    data = hem.regression.split_episodes(
        VETERAN.with_row_index("patient"), time="time", event="status", id="patient", cut=[50, 100]
    )
    fitted = cox(data, "celltype", time="time", event="status", entry="entry", id="patient")
    whole = effect_table(cox(VETERAN, "celltype", **ROLES))
    assert effect_table(fitted).select("n", "n_event").equals(whole.select("n", "n_event"))


def test_fits_that_hold_less(fit):
    slim = effect_table(fit.slim())
    assert slim["n"].null_count() == slim.height
    assert not slim["reference"].any()
    assert slim.filter(variable="celltype")["level"].to_list() == ["smallcell", "adeno", "large"]
    curve = slim.filter(variable="rcs(karno, df=3)").row(0, named=True)
    assert (curve["estimate"], curve["covariate"], curve["p_nonlinear"]) == (None, "karno", None)
    assert curve["p_term"] < 0.001
    other = effect_table(
        hem.regression.parametric(VETERAN, "celltype + age", distribution="weibull", **ROLES)
    )
    assert other["level"].to_list() == ["squamous", "smallcell", "adeno", "large", None]
    assert other["n"].to_list() == [35, 48, 27, 27, 137]
    assert other["n_event"].to_list() == [31, 45, 26, 26, 128]


def _changing(covariates, **time_varying):
    fitted = cox(VETERAN, covariates, time_varying=time_varying, **ROLES)
    return fitted, effect_table(fitted)


def test_an_effect_in_periods_has_the_rows_of_each():
    fitted, rows = _changing("karno + celltype", karno=[30, 90], celltype=[90])
    spans = ["(0,30]", "(30,90]", "(90,∞)"]
    karno = rows.filter(covariate="karno")
    assert karno["variable"].to_list() == [f"karno at time {span}" for span in spans]
    assert karno["column"].to_list() == [f"karno {span}" for span in spans]
    assert_close(karno["estimate"], np.exp(fitted.coef[:3]))
    assert_close(karno["p_term"], karno["p_value"])
    late = rows.filter(variable="celltype at time (90,∞)")
    assert late["level"].to_list() == ["squamous", "smallcell", "adeno", "large"]
    assert late["reference"].to_list() == [True, False, False, False]
    part = [fitted.place(name) for name in late["column"].drop_nulls()]
    assert_close(late["p_term"][0], wald_test(fitted.coef[part], fitted.cov[np.ix_(part, part)])[2])
    assert rows["n"].null_count() == rows.height  # who is followed through several periods is in each
    assert fitted.columns == tuple(rows["column"].drop_nulls())


def test_an_effect_along_a_function_has_its_start_and_its_change():
    fitted, rows = _changing("karno + celltype", karno="log", celltype="log")
    assert rows["variable"].unique(maintain_order=True).to_list() == [
        "karno at time 1", "karno:log(t)", "celltype at time 1", "celltype:log(t)",
    ]  # fmt: skip
    assert rows.filter(variable="celltype at time 1")["n"].to_list() == [35, 48, 27, 27]
    assert rows.filter(variable="celltype:log(t)")["n"].null_count() == 4
    assert fitted.columns == tuple(rows["column"].drop_nulls())
    assert fitted.text("karno").startswith("hazard ratio of karno at time 1: ")
    assert "karno at time 1: hazard ratio" in repr(fitted)
    for name, said in {"sqrt": "time 0", "identity": "time 0", "log1p": "time 0"}.items():
        assert effect_table(_changing("karno", karno=name)[0])["variable"][0] == f"karno at {said}"
    rows = _changing("karno", karno=lambda t: t / 100)[1]
    assert rows["variable"].to_list() == ["karno at g(t) = 0", "karno:g(t)"]


def test_a_spline_that_changes_has_a_row_for_each_period():
    rows = _changing("rcs(karno, df=3)", **{"rcs(karno, df=3)": [90]})[1]
    assert rows["variable"].to_list() == [f"rcs(karno, df=3) at time {s}" for s in ("(0,90]", "(90,∞)")]
    assert rows["estimate"].null_count() == 2
    assert rows["p_term"].null_count() == 0


def test_labels_of_covariates_name_what_is_made_of_them():
    labels = {"karno": "Karnofsky", "age:log(t)": "change"}
    told = {
        ("rcs(karno, df=3)", "karno"): "Karnofsky",
        ("karno at time (0,30]", "karno"): "Karnofsky at time (0,30]",
        ("karno at g(t) = 0", "karno"): "Karnofsky at g(t) = 0",
        ("karno:log(t)", "karno"): "Karnofsky:log(t)",
        ("age:log(t)", "age"): "change",
        ("karno:age", None): "karno:age",
    }
    for (variable, covariate), label in told.items():
        assert called(variable, covariate, labels) == label


def test_a_spline_has_the_test_of_non_linearity(fit):
    rows = effect_table(fit)
    assert rows["p_nonlinear"].drop_nulls().to_list() == fit.nonlinearity()["p_value"].to_list()


def test_the_trend_is_the_fit_with_numbers_for_levels():
    data = VETERAN.with_columns(count=pl.col("celltype").to_physical().cast(pl.Float64))
    for options in ({}, {"robust": True}, {"ties": "breslow"}, {"strata": "prior"}):
        fitted = cox(data, "age + celltype + karno", **ROLES, **options)
        by_hand = cox(data, "age + count + karno", **ROLES, **options).to_frame().row(1, named=True)
        found = trend_test(fitted, "celltype")
        assert_close(found.p_value, by_hand["p_value"], rel=1e-8)
        assert_close(found.to_frame()["estimate"][0], by_hand["estimate"], rel=1e-8)
        assert_close(found.to_frame()["std_error"][0], by_hand["std_error"], rel=1e-8)
    assert found.df == 1
    assert "1 to 4" in found.method


@pytest.mark.parametrize("levels", [None, ["squamous", "smallcell", "adeno", "large"]])
def test_the_trend_does_not_depend_on_the_reference(levels):
    data = VETERAN.with_columns(pl.col("celltype").cast(pl.Enum(levels) if levels else pl.String))
    plain = trend_test(cox(data, "age + celltype", **ROLES), "celltype").to_frame()
    for level in data["celltype"].unique().cast(pl.String):
        other = cox(data, f"age + C(celltype, ref='{level}')", **ROLES)
        found = trend_test(other, "C(celltype)").to_frame()
        assert_close(found["estimate"], plain["estimate"], rel=1e-8)
    order = levels or sorted(data["celltype"].unique())
    counted = data.with_columns(k=pl.col("celltype").cast(pl.String).replace_strict(order, range(4)))
    assert_close(plain["estimate"][0], cox(counted, "age + k", **ROLES).coef[1], rel=1e-8)


def test_the_trend_says_which_variance_it_has():
    fit = cox(VETERAN, "celltype", **ROLES, robust=True)
    assert "robust variance" in trend_test(fit, "celltype").methods()


def test_the_trend_of_two_levels_is_the_test_of_the_factor():
    fitted = cox(VETERAN, "age + C(trt)", **ROLES)
    assert_close(trend_test(fitted, "C(trt)").p_value, fitted.to_frame()["p_value"][1], rel=1e-8)


def test_refusals(fit):
    assert_refused(lambda: effect_table(VETERAN), argument="fit", says=["a DataFrame"])
    assert_refused(lambda: effect_table(cox(VETERAN, "1", **ROLES)), argument="fit", says=["no effects"])
    assert_refused(lambda: trend_test(VETERAN, "celltype"), argument="fit", says=["a DataFrame"])
    assert_refused(lambda: trend_test(fit, "age"), argument="term", says=["no factor", "celltype"])
    assert_refused(lambda: trend_test(fit, "C(trt)"), argument="term", says=["interaction"])
    numbers = cox(VETERAN, "age", **ROLES)
    assert_refused(lambda: trend_test(numbers, "age"), argument="term", says=["a model with a factor"])
    assert_refused(lambda: trend_test(fit.slim(), "celltype"), argument="fit", says=["slim"])


def test_the_order_of_levels_is_that_of_the_enum():
    rng = np.random.default_rng(3)
    order = ["low", "middle", "high"]
    level = rng.choice(order, 200)
    hazard = np.exp(np.array([order.index(v) for v in level]))
    data = pl.DataFrame(
        {"risk": pl.Series(level, dtype=pl.Enum(order)), "t": rng.exponential(1 / hazard), "e": True}
    )
    trend = trend_test(cox(data, "risk", time="t", event="e"), "risk").to_frame()["estimate"][0]
    assert 0.7 < trend < 1.3
