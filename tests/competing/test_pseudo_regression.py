"""Regression of pseudo-values: geese of R, what it is without censoring, links, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cases import formula
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from relapse_cohorts import cohort
from scipy.special import expit

from hemresearch.competing import PseudoFit, cumulative_incidence, pseudo_regression
from hemresearch.errors import ConvergenceError
from hemresearch.regression import contrast
from hemresearch.report import regression_table
from hemresearch.survival import kaplan_meier, pseudo_values, rmst

ROLES = {"time": "time", "event": "event"}
RELAPSE = ROLES | {"cause": "relapse"}
DEATH = {"time": "time", "event": "event", "event_value": ["relapse", "death"]}


def fit(data, covariates="age + old", **options):
    return pseudo_regression(data, covariates, **(RELAPSE | {"times": 5} | options))


@pytest.mark.parametrize("case_id", reference_cases("pseudo_regression"))
@pytest.mark.filterwarnings("ignore:cluster")
def test_matches_r(reference, case_id):
    case = reference("pseudo_regression", case_id)
    o, v = case.options, case.values
    given = {name: o[name] for name in ("cause", "times", "tau", "link", "cluster") if name in o}
    ours = pseudo_regression(case.data, formula(case), time=o["time"], event=o["event"], **given)
    n_times, p = len(o.get("times", [0])), len(ours.coef)
    n_effects = p - n_times
    order = [0, *range(1, n_effects + 1), *range(n_effects + 1, p)]  # R: intercept, effects, times
    assert_close(ours.coef[order], v["coef"], rel=1e-6)
    assert_close(ours.cov[np.ix_(order, order)], v["var"]["data"], rel=1e-6)
    assert ours.n == v["n"]


def test_six_patients_by_hand():
    """Relapse by 5 of two of three treated and of one of three others, all of them followed."""
    data = pl.DataFrame(
        {
            "time": [1, 2, 3, 4, 6, 7],
            "event": ["relapse", "death", "relapse", "relapse", "death", "relapse"],
            "treated": [1, 1, 1, 0, 0, 0],
        }
    )
    difference = fit(data, "treated", censored=None)
    assert_close(difference.coef, [1 / 3, 1 / 3])
    assert_close(difference.std_error, [np.sqrt(2 / 27), np.sqrt(4 / 27)])  # p (1 - p) / 3, and of both
    assert_close(fit(data, "treated", censored=None, link="log").coef, np.log([1 / 3, 2]), rel=1e-9)
    odds = fit(data, "treated", censored=None, link="logit")
    assert_close(odds.coef, np.log([1 / 2, 4]), rel=1e-9)
    assert_close(odds.std_error, [np.sqrt(1.5), np.sqrt(3)], rel=1e-9)  # 1 / (n p (1 - p))
    lost = fit(data, "treated", censored=None, times=None, tau=5)
    assert_close(lost.coef, [1 / 3, 2 - 1 / 3])  # 4 and 2 of three treated, 1 of three others


def complete(n=80, seed=1):
    """Everybody's first event is known."""
    data = cohort(seed, n)
    rng = np.random.default_rng(seed)
    return data.with_columns(
        event=pl.when(pl.col("event") == "censored")
        .then(pl.Series(rng.choice(["relapse", "death"], n)))
        .otherwise("event")
    )


def test_without_censoring_it_is_a_regression_of_what_was_seen():
    data = complete()
    x = data.select(one=1.0, age="age", old=pl.col("old").cast(float)).to_numpy()
    seen = ((data["event"] == "relapse") & (data["time"] <= 5)).to_numpy().astype(float)
    ours = fit(data, censored=None)
    assert_close(ours.coef, np.linalg.lstsq(x, seen, rcond=None)[0], rel=1e-9)
    mean = fit(data, censored=None, times=None, tau=6, cause="death")
    lost = np.where(data["event"] == "death", np.maximum(6 - data["time"].to_numpy(), 0), 0)
    assert_close(mean.coef, np.linalg.lstsq(x, lost, rcond=None)[0], rel=1e-9)


def test_groups_alone_have_the_estimates_of_the_groups():
    """Pseudo-values made within the groups have the estimates of the groups as their means."""
    data = cohort(2, 120, ties=True)
    options = {"censoring_by": "site", "times": [4, 8]}
    new = pl.DataFrame({"site": ["a", "b", "c"]})
    expected = cumulative_incidence(data, **RELAPSE, by="site").at([4, 8])
    for link in ("identity", "log", "logit", "cloglog"):
        one = [fit(data, "site", link=link, censoring_by="site", times=t).predict(new) for t in (4, 8)]
        for t, found in zip((4, 8), one, strict=True):
            assert_close(found["estimate"], expected.filter(time=float(t))["estimate"], rel=1e-8)
    event_free = kaplan_meier(data, **DEATH, by="site").at([4])["estimate"]
    for link in ("identity", "cloglog"):
        ours = pseudo_regression(data, "site", **DEATH, times=4, link=link, censoring_by="site").predict(new)
        assert_close(ours["estimate"], event_free, rel=1e-8)
        assert (ours["conf_low"] < ours["estimate"]).all()
        assert (ours["estimate"] < ours["conf_high"]).all()
    mean = pseudo_regression(data, "site", **DEATH, tau=8, link="log", censoring_by="site")
    assert_close(
        mean.predict(new)["estimate"], rmst(data, **DEATH, by="site", tau=8).to_frame()["estimate"], rel=1e-8
    )
    assert "made within site" in fit(data, "site", **options).methods()


def test_cloglog_of_survival_estimates_the_hazard_ratio_and_of_incidence_that_of_fine_and_gray():
    rng = np.random.default_rng(3)
    n = 4000
    treated = rng.random(n) < 0.5
    death, end = rng.exponential(10 * np.exp(0.7 * treated)), rng.uniform(5, 15, n)
    data = pl.DataFrame({"time": np.minimum(death, end), "event": death <= end, "treated": treated})
    ours = pseudo_regression(data, "treated", **ROLES, times=[2, 5, 8], link="cloglog")
    assert ours.ratio == "hazard ratio"
    assert abs(ours.coef[1] + 0.7) < 3 * ours.std_error[1]
    assert ours.std_error[1] < 0.08


def test_several_times_and_predictions():
    data = cohort(4, 120)
    ours = fit(data, times=[8, 3], link="logit")
    assert ours.columns[0] == "intercept"
    assert ours.columns[1] == "age"
    assert ours.columns[3] == "time 3"
    new = pl.DataFrame({"age": [0.5, -1.0], "old": [True, False]})
    risks = ours.predict(new, conf_level=0.9)
    assert risks["time"].to_list() == [8, 3, 8, 3]
    assert risks["row"].to_list() == [1, 1, 2, 2]
    eta = ours.coef[0] + 0.5 * ours.coef[1] + ours.coef[2]
    x = np.array([1, 0.5, 1, 0])
    error = np.sqrt(x @ ours.cov @ x)
    assert_close(risks["estimate"][0], expit(eta))
    assert_close(risks["std_error"][0], expit(eta) * expit(-eta) * error)
    assert_close(risks["conf_high"][0], expit(eta + 1.6448536269514722 * error))
    assert_close(risks["estimate"][1], expit(eta + ours.coef[3]))
    only = ours.predict(new, times=3, conf_level=0.9)
    assert only.equals(risks.filter(time=3.0))
    assert_close(ours.predict(new, times=[3, 8])["estimate"], risks["estimate"].gather([1, 0, 3, 2]))


def test_units_order_of_rows_and_of_times_change_nothing():
    data = cohort(5, 100)
    ours = fit(data, times=[3, 8], link="cloglog")
    turned = data.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("age") * 1e6 + 1e3)
    again = fit(turned, times=[3, 8], link="cloglog")
    assert_close(again.coef[1:] * [1e6, 1, 1], ours.coef[1:], rel=1e-7)
    assert_close(again.std_error[1:] * [1e6, 1, 1], ours.std_error[1:], rel=1e-7)
    days = data.with_columns(pl.col("time") * 30.4)
    mean, in_days = (fit(d, times=None, tau=tau, link="log") for d, tau in ((data, 8), (days, 8 * 30.4)))
    assert_close(in_days.coef[1:], mean.coef[1:], rel=1e-7)
    plain, plain_days = (fit(d, times=None, tau=tau) for d, tau in ((data, 8), (days, 8 * 30.4)))
    assert_close(plain_days.coef, 30.4 * plain.coef, rel=1e-8)
    assert_close(plain_days.std_error, 30.4 * plain.std_error, rel=1e-8)


def test_clusters_of_one_are_patients_and_copies_share_a_cluster():
    data = cohort(6, 100)
    alone = fit(data)
    assert_close(fit(data, cluster="patient").cov, alone.cov, rel=1e-10)
    twice = fit(pl.concat([data, data]), cluster="patient", method="infinitesimal")
    assert_close(twice.coef, fit(data, method="infinitesimal").coef, rel=1e-9)
    assert_close(twice.cov, fit(data, method="infinitesimal").cov, rel=1e-9)
    assert "clustered by patient (100 clusters)" in twice.methods()


def test_missing_rows_are_left_out_before_pseudo_values_are_made():
    data = cohort(7, 100).with_columns(age=pl.when(pl.col("age") > 1).then(None).otherwise("age"))
    left = data.drop_nulls("age")
    ours, known = fit(data, missing="drop"), fit(left)
    assert_close(ours.coef, known.coef)
    assert_close(ours.cov, known.cov)
    assert (ours.n, ours.n_dropped) == (left.height, 100 - left.height)
    assert "left out" in ours.methods()
    survival = pseudo_regression(data.lazy(), "age", **DEATH, tau=5, missing="drop")
    values = pseudo_values(left, **DEATH, tau=5)["pseudo_value"].to_numpy()
    x = np.column_stack([np.ones(left.height), left["age"]])
    assert_close(survival.coef, np.linalg.lstsq(x, values, rcond=None)[0], rel=1e-9)


def test_what_a_fit_tells():
    data = cohort(8)
    ours = fit(data, "age + site", times=[3, 8], link="cloglog")
    assert isinstance(ours, PseudoFit)
    assert ours.ratio == "subdistribution hazard ratio"
    assert ours.text("age").startswith("subdistribution hazard ratio of age ")
    assert ours.to_frame(exponentiate=True)["term"].to_list() == ["age", "site[b]", "site[c]"]
    assert ours.to_frame()["term"].to_list()[-1] == "time 8"
    effects = [1, 2, 3]
    wald = ours.coef[effects] @ np.linalg.solve(ours.cov[np.ix_(effects, effects)], ours.coef[effects])
    assert_close(ours.tests().row(0), ["Wald", wald, 3.0, ours.tests()["p_value"][0]], rel=1e-9)
    assert ours.term_tests()["df"].to_list() == [1.0, 2.0]
    assert ours.summary().select("log_likelihood", "aic", "bic").row(0) == (None, None, None)
    assert ours.methods() == (
        "The cumulative incidence of relapse at 3, 8 was analysed by regression of pseudo-values on age, "
        "site (cloglog link, independent working covariance), with 95% confidence limits from the sandwich "
        "variance."
    )
    lines = repr(ours).splitlines()
    assert lines[0] == f"regression of pseudo-values: n=150, events={(data['event'] == 'relapse').sum()}"
    assert lines[-1] == (
        "cumulative incidence of relapse at 3, 8; cloglog link, independent working covariance, "
        "sandwich variance, 95% limits"
    )
    other = contrast(ours, {"site": "c"}, {"site": "b"})
    assert_close(other.estimate, [ours.coef[3] - ours.coef[2]])
    assert "age" in str(regression_table(ours))
    assert ours.slim().to_frame().equals(ours.to_frame())
    number = data.with_columns(event=(pl.col("event") == "relapse").cast(int))
    assert fit(number, cause=1).quantity == "cumulative incidence of cause 1"
    assert fit(data, times=None, tau=5).quantity == "time lost to relapse"
    plain = fit(data)
    assert plain.text("age").startswith("coefficient of age ")
    assert_refused(lambda: plain.to_frame(exponentiate=True), argument="exponentiate")
    empty = fit(data, [])
    assert empty.columns == ("intercept",)
    assert_close(empty.coef, [cumulative_incidence(data, **RELAPSE).at(5)["estimate"][0]])


def test_refusals():
    data = cohort(9, 60)

    def refused(*says, argument, column=None, **options):
        assert_refused(lambda: fit(data, **options), argument=argument, column=column, says=says)

    refused("'probit' is not one of the choices", argument="link", link="probit")
    refused("one of the choices", argument="method", method="leave")
    refused("2 was given", argument="conf_level", conf_level=2)
    refused("a scale of probabilities", argument="link", link="cloglog", times=None, tau=5)
    refused("neither times nor tau", argument="times", times=None)
    refused("both times and tau", argument="times", tau=5)
    refused("holds a time twice", "times=[3.0, 5.0]", argument="times", times=[5, 3, 5])
    refused("2 events were asked for at once", argument="cause", column="event", cause=["relapse", "death"])
    assert_refused(
        lambda: fit(data.with_columns(a2=2 * pl.col("age")), "age + a2"), argument="covariates", says=["'a2'"]
    )
    ours = fit(data, times=[3, 5])
    new = pl.DataFrame({"age": [0.0], "old": [True]})
    assert_refused(lambda: ours.predict(new, times=4), argument="times", says=["some of 3, 5"])
    assert_refused(lambda: ours.predict(new, conf_level=95), argument="conf_level")
    assert_refused(lambda: ours.slim().predict(new), argument="fit", says=["a prediction needs"])
    for call in (ours.curves, ours.adjusted):
        assert_refused(lambda c=call: c(new), argument="fit", says=["regression of pseudo-values"])
    one = data.with_columns(g=pl.lit(1))
    assert_refused(
        lambda: fit(one, cluster="g"), argument="cluster", column="g", says=["the same in every row"]
    )
    assert_refused(
        lambda: pseudo_regression(data, "age", **ROLES, times=5), argument="event", column="event",
        says=["competing events"],
    )  # fmt: skip


def test_warnings():
    data = cohort(10, 60).with_columns(g=pl.int_range(pl.len()) % 5)
    assert_warns(lambda: fit(data, cluster="g"), argument="cluster", column="g", says=["has 5 clusters"])
    rng = np.random.default_rng(1)
    few = data.with_columns(
        event=pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("relapse")).otherwise(pl.lit("censored")),
        b=pl.Series(rng.normal(size=60)), c=pl.Series(rng.normal(size=60)),
    )  # fmt: skip
    assert_warns(
        lambda: fit(few, "age + b + c", times=2), argument="covariates", says=["3 coefficients", "2 events"]
    )


@pytest.mark.parametrize("link", ["log", "logit", "cloglog"])
def test_a_group_without_the_event_has_no_finite_coefficient(link):
    data = complete().with_columns(none=pl.col("event") == "death")
    with pytest.raises(ConvergenceError, match=f"{link} link, as where nobody of a group"):
        fit(data, "none", link=link, censored=None)
    assert fit(data, "none", censored=None).n == 80
