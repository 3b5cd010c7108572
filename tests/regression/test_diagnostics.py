"""What the pictures of residuals show, against R and by what it must add up to."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.regression import cox, influence, martingale_smooth, ph_test, schoenfeld_smooth

VETERAN = hem.data.load("veteran")
EVENTS = VETERAN.filter(status=1)["time"]


@pytest.fixture(scope="module")
def fit():
    return cox(VETERAN, "karno + age + celltype", time="time", event="status")


def _fitted(case):
    o = case.options
    terms = [t.replace("strata", "") for t in o["covariates"].split(" + ")]
    names = [f"`{t}`" if "." in t else t for t in terms]
    return cox(
        case.data,
        " + ".join(names),
        time=case.role("time"),
        event=case.role("event"),
        entry=case.role("entry"),
        strata=o.get("strata"),
    )


@pytest.mark.parametrize("case_id", reference_cases("smooth", "cox_"))
def test_martingale_smooth_and_influence_match_r(reference, case_id):
    case = reference("smooth", case_id)
    fitted = _fitted(case)
    found = martingale_smooth(fitted)
    assert found["covariate"].unique(maintain_order=True).to_list() == case.options["x"]
    for j, name in enumerate(case.options["x"]):
        part = found.filter(pl.col("covariate") == name)
        assert_close(part["value"], case.values["sorted"][j])
        assert_close(part["smooth"], case.values["smooth"][j], rel=1e-6)
        assert_close(part.sort("row")["residual"], case.values["residual"], rel=1e-6)
    for j, column in enumerate(fitted.columns):
        for kind in ("dfbeta", "dfbetas"):
            rows = influence(fitted, column, kind=kind)
            assert_close(rows["residual"], case.values[kind][j], rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("zph_smooth"))
def test_schoenfeld_smooth_matches_r(reference, case_id):
    case = reference("zph_smooth", case_id)
    test = ph_test(_fitted(case), transform=case.options["transform"])
    for j, name in enumerate(test.fit.columns):
        r = case.values["drawn"][j]
        ours = schoenfeld_smooth(test, name)
        assert_close(ours["time" if test.transform == "log" else "x"], r["x"], rel=1e-9)
        assert_close(ours["estimate"], r["estimate"], rel=1e-6)
        two_errors = 2 * ours["std_error"]
        assert_close(ours["estimate"] + two_errors, r["high"], rel=1e-6)
        assert_close(ours["estimate"] - two_errors, r["low"], rel=1e-6)


def test_limits_follow_the_level(fit):
    test = ph_test(fit)
    ours = schoenfeld_smooth(test, "age", conf_level=0.9)
    assert_close(ours["conf_high"] - ours["estimate"], 1.6448536269514722 * ours["std_error"], rel=1e-9)
    assert schoenfeld_smooth(test)["term"].n_unique() == len(fit.columns)
    assert schoenfeld_smooth(test, "celltype")["term"].n_unique() == 3


def test_times_go_with_transformed_times(fit):
    for transform in ("km", "rank", "identity", "log"):
        ours = schoenfeld_smooth(ph_test(fit, transform=transform), "age")
        assert ours["time"].is_sorted()
        first, last = EVENTS.min(), EVENTS.max()
        assert_close([ours["time"][0], ours["time"][-1]], [first, last], rel=1e-9)


def test_the_smooth_of_the_true_form_is_flat_and_of_a_wrong_one_is_not():
    rng = np.random.default_rng(7)
    x = rng.uniform(-2, 2, 600)
    data = pl.DataFrame({"x": x, "square": x**2, "t": rng.exponential(np.exp(-(x**2))), "e": True})
    wrong = martingale_smooth(cox(data, "x", time="t", event="e"))["smooth"]
    right = martingale_smooth(cox(data, "x + square", time="t", event="e"), "x")["smooth"]
    assert wrong.max() - wrong.min() > 1
    assert right.abs().max() < 0.2


def test_rows_are_positions_in_the_data_and_five_are_labelled():
    data = VETERAN.with_columns(karno=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("karno"))
    fitted = cox(data, "karno + age", time="time", event="status", missing="drop")
    found = influence(fitted)
    assert found["row"].min() == 4
    assert found.filter("largest")["term"].value_counts(sort=True)["count"].to_list() == [5, 5]
    kept, rest = (found.filter("largest" if flag else ~pl.col("largest")) for flag in (True, False))
    for name in fitted.columns:
        least = kept.filter(term=name)["residual"].abs().min()
        assert least >= rest.filter(term=name)["residual"].abs().max()
    assert martingale_smooth(fitted)["row"].min() == 4


@pytest.mark.parametrize("name", ["row", "time", "x", "residual", "stratum"])
def test_a_covariate_may_have_the_name_of_a_column_of_the_result(name):
    data = VETERAN.rename({"time": "days", "karno": name})
    fitted = cox(data, f"{name} + age", time="days", event="status")
    same = cox(VETERAN, "karno + age", time="time", event="status")
    assert_close(influence(fitted, name)["residual"], influence(same, "karno")["residual"])
    assert_close(martingale_smooth(fitted, name)["smooth"], martingale_smooth(same, "karno")["smooth"])
    smooth = schoenfeld_smooth(ph_test(fitted), name)
    assert_close(smooth["estimate"], schoenfeld_smooth(ph_test(same), "karno")["estimate"])


def test_influence_adds_up_to_nothing(fit):
    sums = (
        influence(fit).group_by("term").agg(pl.col("residual").sum().abs() / pl.col("residual").abs().sum())
    )
    assert sums["residual"].max() < 1e-6


def test_categories_are_no_continuous_covariates():
    fitted = cox(VETERAN, "C(trt) + rcs(age, df=3) + prior + karno", time="time", event="status")
    names = martingale_smooth(fitted)["covariate"].unique(maintain_order=True).to_list()
    assert names == ["age", "karno"]  # prior has two values
    assert martingale_smooth(fitted, ["prior"])["value"].n_unique() == 2


def test_refusals(fit):
    slim = fit.slim()
    assert_refused(lambda: martingale_smooth(slim), argument="fit", says=["slim"])
    assert_refused(lambda: martingale_smooth(VETERAN), argument="fit", says=["a DataFrame"])
    assert_refused(lambda: influence(VETERAN), argument="fit", says=["a DataFrame"])
    empty = cox(VETERAN, "1", time="time", event="status")
    assert_refused(lambda: influence(empty), argument="fit", says=["no covariates"])
    assert_refused(lambda: influence(fit, "ages"), argument="term", says=["did you mean 'age'"])
    assert_refused(lambda: influence(fit, kind="dfbetaz"), argument="kind")
    assert_refused(lambda: martingale_smooth(fit, "celltype"), argument="covariates", says=["no number"])
    only = cox(VETERAN, "celltype", time="time", event="status")
    assert_refused(lambda: martingale_smooth(only), argument="covariates", says=["no continuous covariate"])
    assert_refused(lambda: martingale_smooth(fit, span=0.0), argument="span")
    assert_refused(lambda: schoenfeld_smooth(fit), argument="test", says=["a CoxFit"])
    test = ph_test(fit)
    assert_refused(lambda: schoenfeld_smooth(test, "ages"), argument="term")
    assert_refused(lambda: schoenfeld_smooth(test, df=1), argument="df")


def test_few_event_times_carry_no_spline():
    few = pl.DataFrame(
        {"t": [1, 1, 2, 2, 3, 3, 4, 4], "e": [1, 1, 1, 1, 1, 0, 0, 0], "dose": [1, 0, 2, 5, 1, 3, 2, 2]}
    )
    test = ph_test(cox(few, "dose", time="t", event="e"), transform="identity")
    found = assert_warns(lambda: schoenfeld_smooth(test), argument="df", says=["too few different times"])
    assert found["estimate"].null_count() == 40
    assert schoenfeld_smooth(test, df=2)["estimate"].null_count() == 0
