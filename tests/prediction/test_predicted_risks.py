"""Risks of fits as columns: what `predict` gives for each kind of fit, and what is told of apparent ones."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import load_dataset
from refusals import assert_refused, assert_warns

from hemresearch.competing import cause_specific, fine_gray
from hemresearch.data import load
from hemresearch.prediction import predicted_risks
from hemresearch.regression import conditional_logistic, cox, parametric

MGUS = load("mgus2").drop_nulls(["hgb"]).with_columns(
    first=pl.when(pl.col("pstat") == 1).then(1).when(pl.col("death") == 1).then(2).otherwise(0),
    days=pl.col("futime") + 0.5,
)  # fmt: skip
OLD, NEW = MGUS.head(700), MGUS.tail(50)
TIMES = [60, 120]
ONE = {"time": "days", "event": "death"}
SEVERAL = {"time": "days", "event": "first"}


def weibull(*args, **roles):
    return parametric(*args, **roles, distribution="weibull")


def columns(frame):
    return frame.select("m_60", "m_120").to_numpy()


@pytest.mark.parametrize("fitter", [cox, weibull])
def test_one_minus_survival(fitter):
    fit = fitter(OLD, "age + hgb", **ONE)
    found = predicted_risks(fit, NEW, times=TIMES, name="m")
    survival = fit.predict(NEW, times=TIMES, kind="survival")["estimate"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(columns(found), 1 - survival)
    assert_frame_equal(found.drop("m_60", "m_120"), NEW)


def test_the_incidence_of_a_cause():
    fit = fine_gray(OLD, "age + hgb", **SEVERAL, cause=1)
    expected = fit.predict(NEW, times=TIMES)["estimate"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(columns(predicted_risks(fit, NEW, times=TIMES, name="m")), expected)
    fit = cause_specific(OLD, "age + hgb", **SEVERAL)
    expected = fit.predict(NEW, times=TIMES, cause=2)["estimate"].to_numpy().reshape(-1, 2)
    found = predicted_risks(fit, NEW, times=TIMES, name="m", cause=2)
    np.testing.assert_allclose(columns(found), expected)


def test_lazy_in_lazy_out_and_null_after_the_last_follow_up():
    fit = cox(OLD, "age", **ONE)
    found = predicted_risks(fit, NEW.lazy(), times=[60, 10_000], name="m")
    assert isinstance(found, pl.LazyFrame)
    assert found.collect()["m_10000"].null_count() == NEW.height


@pytest.mark.parametrize("fitter", [cox, weibull])
def test_warns_of_the_patients_of_the_fit(fitter):
    fit = fitter(OLD, "age + hgb", **ONE)
    found = assert_warns(
        lambda: predicted_risks(fit, OLD, times=60, name="m"), argument="data", says=["apparent"]
    )
    assert found.height == OLD.height
    predicted_risks(fit, MGUS.tail(700), times=60, name="m")  # as many, but others: no warning


def test_warns_of_the_patients_of_several_causes():
    fit = cause_specific(OLD, "age", **SEVERAL)
    assert_warns(lambda: predicted_risks(fit, OLD, times=60, name="m", cause=1), argument="data")


def test_refuses_causes_where_there_are_none_and_the_other_way_round():
    one, several = cox(OLD, "age", **ONE), cause_specific(OLD, "age", **SEVERAL)
    assert_refused(lambda: predicted_risks(one, NEW, times=60, name="m", cause=1), argument="cause")
    refusal = assert_refused(lambda: predicted_risks(several, NEW, times=60, name="m"), argument="cause")
    assert refusal.remedy == "cause=1"


def test_refuses_names_that_are_taken_and_one_horizon_twice():
    fit = cox(OLD, "age", **ONE)
    taken = NEW.with_columns(m_60=0.5)
    assert_refused(lambda: predicted_risks(fit, taken, times=60, name="m"), argument="name", column="m_60")
    assert_refused(
        lambda: predicted_risks(fit, NEW, times=[60, 60], name="m"), argument="times", column="m_60"
    )


def test_refuses_a_fit_without_risks():
    infert = load_dataset("infert")
    fit = conditional_logistic(infert, "spontaneous", case="case", strata="stratum")
    assert_refused(lambda: predicted_risks(fit, infert, times=60, name="m"), argument="fit")


def test_knows_the_patients_of_an_effect_that_changes_and_no_model_of_nothing():
    fit = fine_gray(OLD, "age", **SEVERAL, cause=1, time_varying={"age": "log"})
    assert_warns(lambda: predicted_risks(fit, OLD, times=60, name="m"), argument="data")
    same_for_all = parametric(OLD, **ONE, distribution="weibull")
    predicted_risks(same_for_all, MGUS.tail(700), times=60, name="m")
