"""Predictions of Cox fits (against R in test_cox_reference.py): by hand, along paths, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cohorts import EVERYTHING, ROLES, TERMS, cohort
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.errors import FormulaError
from hemresearch.numerics.cox_estimate import cox_estimate
from hemresearch.numerics.cox_hazard import baseline_hazards
from hemresearch.numerics.intervals import normal_quantile
from hemresearch.regression import cox, split_episodes
from hemresearch.regression.cox_solution import rows_of
from hemresearch.survival import nelson_aalen

THREE = pl.DataFrame({"time": [1, 2, 3], "event": [1, 1, 0], "x": [1, 0, 1]})
LONG = pl.DataFrame({"id": [7, 7, 7], "start": [0, 3, 6], "stop": [3, 6, 20]})


def path(**columns):
    """One path of three pieces."""
    return LONG.with_columns(pl.Series(name, values) for name, values in columns.items())


# --- by hand -----------------------------------------------------------------------------------------------


def test_a_baseline_by_hand():
    # exp(b) = sqrt(1/2), as in test_cox.py; at risk 2 u + 1, then 1 + u
    fit, u = cox(THREE, "x", **ROLES), np.sqrt(0.5)
    hazard = [1 / (2 * u + 1), 1 / (2 * u + 1) + 1 / (1 + u)]
    frame = fit.baseline().to_frame()
    assert_close(frame["estimate"], [*hazard, hazard[1]], rel=1e-8)
    assert frame["n_risk"].to_list() == [3, 2, 1]
    # variance: own part 1 / S0^2, and that of b with q = -(sum of the means at risk times the hazard)
    q = -(2 * u / (2 * u + 1) ** 2 + u / (1 + u) ** 2)
    variance = 1 / (2 * u + 1) ** 2 + 1 / (1 + u) ** 2 + q**2 * fit.cov[0, 0]
    assert_close(frame["std_error"][1], np.sqrt(variance), rel=1e-7)
    assert_close(fit.baseline(at=pl.DataFrame({"x": [1]})).to_frame()["estimate"][1], hazard[1] * u, rel=1e-8)
    assert_close(fit.baseline(at="means").to_frame()["estimate"][1], hazard[1] * u ** (2 / 3), rel=1e-8)


def test_without_covariates_the_baseline_is_nelson_aalen():
    data = cohort(1)
    for ties, rule in (("breslow", "nelson-aalen"), ("efron", "fleming-harrington")):
        ours = cox(data, [], **ROLES, entry="entry", strata="group", ties=ties).baseline().to_frame()
        theirs = nelson_aalen(data, **ROLES, entry="entry", by="group", ties=rule).to_frame()
        assert_frame_equal(ours.select("group", "time", "estimate", "std_error"),
                           theirs.select("group", "time", "estimate", "std_error"), rel_tol=1e-9)  # fmt: skip


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_predictions_for_the_rows_of_the_fit_give_their_martingale_residuals(ties):
    data = cohort(2)
    roles = {k: v for k, v in EVERYTHING.items() if k != "offset"}
    fit = cox(data, TERMS, **roles, ties=ties)
    martingale = fit.residuals().sort("row")
    for k in range(0, 80, 7):
        row = data[k]
        hazard = fit.predict(row, times=[row["entry"][0], row["time"][0]], kind="cumulative hazard")[
            "estimate"
        ]
        lived = hazard[1] - hazard[0]
        tied = data.filter(pl.col("event"), time=row["time"][0], stratum=row["stratum"][0]).height > 1
        if ties == "breslow" or not (tied and row["event"][0]):  # Efron's tied events leave in turn
            assert_close(row["event"][0] - lived, martingale["residual"][k], rel=1e-7, at_zero=1e-9)


def test_kinds_of_predictions_follow_from_each_other():
    fit = cox(cohort(3), TERMS, **ROLES)
    new = cohort(4).head(5)
    lp = fit.predict(new, kind="linear predictor")
    assert_close(lp["estimate"], fit.design.apply(new) @ fit.coef)
    x = fit.design.apply(new)
    assert_close(lp["std_error"], np.sqrt(np.diag(x @ fit.cov @ x.T)), rel=1e-9)
    risk = fit.predict(new, kind="risk", conf_level=0.9)
    half = normal_quantile(0.9) * lp["std_error"]
    assert_close(risk["conf_high"], (lp["estimate"] + half).exp(), rel=1e-12)
    hazard = fit.predict(new, times=[4, 2], kind="cumulative hazard")
    survival = fit.predict(new, times=[4, 2])
    assert_close((-hazard["estimate"]).exp(), survival["estimate"])
    assert survival["row"].to_list() == [r for r in range(1, 6) for _ in range(2)]
    assert survival["time"].to_list() == [4.0, 2.0] * 5
    base = fit.baseline().at([4, 2])["estimate"].to_numpy()
    assert_close(hazard["estimate"], np.outer(risk["estimate"], base).ravel(), rel=1e-9)


def test_nothing_is_known_after_the_last_follow_up_of_a_stratum():
    data = cohort(5)
    last = data.group_by("stratum").agg(pl.col("time").max()).sort("stratum")["time"].to_list()
    fit = cox(data, "age", **ROLES, strata="stratum")
    new = pl.DataFrame({"age": [60.0, 60.0], "stratum": ["x", "y"]})
    frame = fit.predict(new, times=[0, *last, 1e3])
    for k in range(2):
        known = frame.filter(row=k + 1)["estimate"].is_not_null().to_list()
        assert known == [True, last[0] <= last[k], last[1] <= last[k], False]
    assert frame["estimate"][0] == 1
    assert fit.predict(new.clear(), times=[1]).is_empty()


def test_strata_are_those_of_the_new_rows_whatever_their_type():
    data = cohort(5).with_columns(code=(pl.col("stratum") == "x").cast(pl.Float64))
    fit = cox(data, "age", **ROLES, strata=["code", "marked"])
    one = fit.predict(pl.DataFrame({"age": [60], "code": [1], "marked": [True]}), times=[5])
    curves = fit.curves(pl.DataFrame({"age": [60]}))
    assert curves.by == ("code", "marked")
    four = curves.at([5]).filter(code=1.0, marked=True)
    assert_close(one["estimate"], four["estimate"], rel=1e-12)


# --- covariate paths ---------------------------------------------------------------------------------------


def test_a_path_that_stays_the_same_is_a_row():
    data = cohort(6)
    fit = cox(data, TERMS, **ROLES)
    one = fit.curves(data.head(1)).to_frame()
    same = pl.concat([data.head(1).select("age", "marked", "group")] * 3)
    still = pl.concat([LONG.with_columns(stop=pl.Series([3, 6, 1000])), same], how="horizontal")
    assert_frame_equal(fit.curves(still, id="id", entry="start", time="stop").to_frame(), one, rel_tol=1e-9)
    mixed = still.sample(fraction=1, shuffle=True, seed=2)
    assert_frame_equal(fit.curves(mixed, id="id", entry="start", time="stop").to_frame(), one, rel_tol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_error_of_a_path_is_that_of_the_delta_method(ties):
    data = cohort(6)
    fit = cox(data, "age + marked", **ROLES, ties=ties)
    rows = path(age=[50.0, 60.0, 75.0], marked=[False, True, False])
    times = [2.0, 5.0, 10.0]
    ours = fit.curves(rows, id="id", entry="start", time="stop").at(times)
    observed = fit.observations("test")

    def hazards(coef):
        e = cox_estimate(rows_of(observed, fit.design.matrix), coef, efron=ties == "efron")
        (base,) = baseline_hazards(e)
        z = (fit.design.apply(rows) - e.rows.mean) * e.rows.scale
        total, own = np.zeros(3), np.zeros(3)
        for j, (start, stop) in enumerate(rows.select("start", "stop").iter_rows()):
            after, before = (base.at(np.minimum(times, t)) for t in (stop, start))
            risk = np.exp(z[j] @ e.coef)
            total += risk * (after[0] - before[0])
            own += risk**2 * (after[1] - before[1])
        return total, own

    total, own = hazards(fit.coef)
    steps = [h * np.eye(2)[j] for j, h in enumerate((1e-6, 1e-5))]
    slope = np.array([(hazards(fit.coef + s)[0] - hazards(fit.coef - s)[0]) / (2 * s.sum()) for s in steps]).T
    variance = own + ((slope @ fit.cov) * slope).sum(axis=1)
    assert_close(-np.log(ours["estimate"]), total, rel=1e-9)
    assert_close(ours["std_error"] / ours["estimate"], np.sqrt(variance), rel=1e-6)


def test_several_paths_are_named_by_their_covariates_or_a_column():
    fit = cox(cohort(6), "age + marked", **ROLES)
    first = path(age=[50.0, 60.0, 75.0], marked=[False, True, False], arm=["A"] * 3)
    second = path(age=[55.0, 60.0, 75.0], marked=[False] * 3, arm=["B"] * 3, id=[8] * 3)
    two = pl.concat([first, second])
    roles = {"id": "id", "entry": "start", "time": "stop"}
    assert fit.curves(two, **roles).by == ("age",)
    assert fit.curves(two, **roles, by="arm").groups_frame["arm"].to_list() == ["A", "B"]
    late = two.filter(pl.col("start") > 0)
    assert fit.curves(late, **roles, by="arm").start_time == 3


def test_episodes_of_a_patient_make_a_path():
    data = cohort(7)
    fit = cox(data, TERMS, **ROLES)
    pieces = split_episodes(data.head(1), **ROLES, entry="entry", cut=[1, 2])
    curve = fit.curves(pieces, id="patient", entry="entry", time="time")
    whole = fit.curves(data.head(1)).to_frame()
    shown = whole.filter(pl.col("time").is_between(data["entry"][0], data["time"][0], closed="right"))
    at = fit.baseline().at([float(data["entry"][0])])["estimate"][0]
    risk = fit.predict(data.head(1), kind="risk")["estimate"][0]
    assert_close(curve.to_frame()["estimate"], shown["estimate"] * np.exp(risk * at), rel=1e-9)


# --- what is refused ---------------------------------------------------------------------------------------


def test_what_cannot_be_predicted_is_refused():
    data = cohort(8)
    fit = cox(data, TERMS, **ROLES)
    stratified = cox(data, "age", **ROLES, strata="stratum")
    assert_refused(lambda: fit.predict(data), argument="times", says=["no times", "fit.curves(new_data)"])
    assert_refused(lambda: fit.predict(data, times=[-1]), argument="times")
    assert_refused(lambda: fit.predict(data, kind="odds"), argument="kind")
    assert_refused(lambda: fit.predict(data, times=[1], conf_type="exp"), argument="conf_type")
    assert_refused(lambda: fit.predict(data, times=[1], conf_level=0), argument="conf_level")
    assert_refused(lambda: fit.predict(data.drop("age"), times=[1]), argument="new_data", column="age",
                   error=FormulaError)  # fmt: skip
    assert_refused(lambda: fit.baseline(at="mean"), argument="at", says=["at='means'"])
    assert_refused(lambda: fit.baseline(at=data), argument="at", says=["has 80 rows", "one row"])
    assert_refused(lambda: fit.curves(data.clear()), argument="new_data", says=["has no rows"])
    assert_refused(
        lambda: stratified.predict(data.drop("stratum"), times=[1]), argument="new_data", column="stratum",
        says=["a baseline hazard for each of its levels"],
    )  # fmt: skip
    unseen = data.head(3).with_columns(stratum=pl.Series(["x", "z", None]))
    assert_refused(
        lambda: stratified.curves(unseen), argument="new_data", column="stratum", rows=[2, 3],
        says=["has not seen", "one of x, y"],
    )  # fmt: skip


def test_curves_that_cannot_be_told_apart_are_refused():
    data = cohort(8)
    fit = cox(data, "age", **ROLES)
    same = pl.DataFrame({"age": [60.0, 60.0], "label": ["a", "b"]})
    assert_refused(
        lambda: fit.curves(same), argument="by", says=["does not tell 2 curves apart", "by='label'"]
    )
    assert fit.curves(same, by="label").by == ("label",)
    for by in ("lable", "time"):
        frame = same.with_columns(time=pl.Series([1, 2]))
        assert_refused(lambda b=by, f=frame: fit.curves(f, by=b), argument="by", column=by)


def test_paths_with_gaps_are_refused():
    data = cohort(8)
    fit, stratified = cox(data, "age", **ROLES), cox(data, "age", **ROLES, strata="stratum")
    rows, roles = path(age=[50.0, 60.0, 75.0]), {"id": "id", "entry": "start", "time": "stop"}
    assert_refused(lambda: fit.curves(rows, id="id"), argument="id", says=["only id of id, entry and time"])
    gap = rows.with_columns(start=pl.Series([0, 4, 6]))
    assert_refused(lambda: fit.curves(gap, **roles), argument="entry", column="start", rows=[2],
                   says=["without gaps or overlaps"])  # fmt: skip
    backwards = rows.with_columns(stop=pl.Series([3, 6, 6]))
    assert_refused(lambda: fit.curves(backwards, **roles), argument="entry", column="start", rows=[3])
    late = rows.with_columns(pl.col("start", "stop") + 1000)
    assert_refused(lambda: fit.curves(late, **roles), argument="new_data", says=["no time at which"])
    missing = rows.with_columns(stop=pl.Series([3, None, 20]))
    assert_refused(lambda: fit.curves(missing, **roles), argument="time", column="stop", rows=[2])
    assert_refused(lambda: fit.curves(rows.drop("id"), **roles), argument="id", column="id")
    moving = rows.with_columns(stratum=pl.Series(["x", "y", "y"]))
    assert_refused(lambda: stratified.curves(moving, **roles), argument="new_data",
                   says=["changes along a covariate path"])  # fmt: skip
