"""What parametric models refuse, and what they warn of."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from reference_cases import load_dataset
from refusals import assert_refused, assert_warns

from hemresearch.errors import ConvergenceError, FormulaError
from hemresearch.personal_numbers import check_digit
from hemresearch.regression import parametric

LUNG = load_dataset("lung").select("time", "age", "sex", died=pl.col("status") == 2)
MODEL = {"time": "time", "event": "died", "distribution": "weibull"}
PARTS = pl.DataFrame({"l": [None, 2.0, 3.0, 4.0], "r": [1.0, 3.0, None, 4.0], "x": [1.0, 2, 1, 2]})
BOUNDS = {"left": "l", "right": "r", "distribution": "weibull"}


def refused(data: pl.DataFrame, covariates=("age",), argument: str = "", error=None, **options):
    given = {key: options.pop(key) for key in ("column", "rows", "says") if key in options}
    extra = {} if error is None else {"error": error}
    return assert_refused(
        lambda: parametric(data, list(covariates), **(MODEL | options)), argument=argument, **given, **extra
    )


def test_refuses_an_unknown_distribution_or_scale():
    refused(LUNG, distribution="gamma", argument="distribution", says=["generalised-gamma"])
    refused(LUNG, scale="odds", argument="scale", says=["'hazard'"])
    for name in ("log-normal", "log-logistic", "generalised-gamma"):
        refused(
            LUNG, distribution=name, scale="hazard", argument="scale",
            says=["no ratios of hazards", "one of exponential, weibull, gompertz", "scale='acceleration'"],
        )  # fmt: skip
    refused(
        LUNG, distribution="gompertz", scale="acceleration", argument="scale", says=["no ratios of times"]
    )
    refused(LUNG, conf_level=0, argument="conf_level")


def test_refuses_times_of_0_on_a_logarithmic_scale():
    data = LUNG.with_columns(time=pl.when(pl.int_range(pl.len()).is_in([2, 5])).then(0).otherwise("time"))
    for name in ("exponential", "weibull", "log-normal", "log-logistic", "generalised-gamma"):
        refused(
            data, distribution=name, argument="time", column="time", rows=[3, 6],
            says=["2 times of 0", "distribution='gompertz'"],
        )  # fmt: skip
    assert parametric(data, ["age"], time="time", event="died", distribution="gompertz").n == 228
    zero = pl.DataFrame({"l": [0.0, 1.0, 0.0], "r": [0.0, 2.0, None]})
    assert_refused(
        lambda: parametric(zero, **BOUNDS), argument="left", column="l", rows=[1, 3], says=["2 times of 0"]
    )


def test_refuses_data_without_events():
    refused(
        LUNG.with_columns(died=pl.lit(False)), argument="event", column="died",
        says=["no event in 228 rows", "event_value="],
    )  # fmt: skip
    assert_refused(
        lambda: parametric(pl.DataFrame({"l": [1.0, 2.0], "r": [None, None]}), **BOUNDS),
        argument="right", column="r", says=["no event in 2 rows"],
    )  # fmt: skip


def test_refuses_a_stratum_without_events():
    data = LUNG.with_columns(died=pl.col("died") & (pl.col("sex") == 1))
    refused(
        data, strata="sex", argument="strata", column="sex",
        rows=[i + 1 for i in np.flatnonzero(LUNG["sex"] == 2)], says=["no event in stratum 2"],
    )  # fmt: skip


def test_refuses_strata_and_offsets_without_a_meaning():
    refused(LUNG, strata="sex", distribution="exponential", argument="strata", says=["no scale to differ"])
    refused(LUNG, strata="sex", scale="hazard", argument="strata", says=["no common hazard ratio"])
    data = LUNG.with_columns(off=0.1)
    refused(data, offset="off", scale="hazard", argument="offset", says=["added to log time"])
    fit = parametric(data, ["age"], time="time", event="died", offset="off", distribution="gompertz")
    assert fit.ratio == "hazard ratio"


def test_refuses_personal_numbers_as_strata():
    number = "18900101-980" + check_digit("900101980")
    data = LUNG.with_columns(who=pl.when(pl.col("sex") == 1).then(pl.lit(number)).otherwise(pl.lit("x")))
    refusal = refused(data, strata="who", argument="strata", column="who", says=["personal numbers"])
    assert number not in str(refusal)


def test_refuses_an_outcome_named_twice_or_not_at_all():
    both = {"left": "time", "right": "time"}
    refused(LUNG, argument="left", says=["together with time"], **both)
    assert_refused(
        lambda: parametric(LUNG, distribution="weibull"),
        argument="time",
        says=["is not given", "left and right"],
    )
    assert_refused(
        lambda: parametric(LUNG, time="time", distribution="weibull"), argument="event", says=["is not given"]
    )
    assert_refused(
        lambda: parametric(PARTS, left="l", distribution="weibull"), argument="right", says=["is not given"]
    )
    for name, value in (("entry", "x"), ("id", "x"), ("event_value", 1)):
        assert_refused(
            lambda name=name, value=value: parametric(PARTS, **BOUNDS, **{name: value}),
            argument=name, says=["together with left and right"],
        )  # fmt: skip


def test_refuses_covariates_without_information():
    data = LUNG.with_columns(twice=pl.col("age") * 2 + 1, same=7, bad=pl.lit(math.inf))
    refused(data, ("age", "twice"), argument="covariates", says=["'twice' is a linear combination of 'age'"])
    refused(data, ("age", "same"), argument="covariates", says=["'same' is the same in every row"])
    refused(data, ("age", "bad"), argument="covariates", column="bad", error=FormulaError,
            rows=range(1, 229), says=["infinite"])  # fmt: skip
    refused(data, ("agee",), argument="covariates", column="agee", error=FormulaError, says=["'age'"])


def test_refuses_missing_values_unless_told_to_drop_them():
    data = LUNG.with_columns(age=pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise("age"))
    refused(data, argument="covariates", column="age", rows=[2], says=['missing="drop"'])
    assert parametric(data, ["age"], missing="drop", **MODEL).n_dropped == 1
    off = LUNG.with_columns(off=pl.when(pl.int_range(pl.len()) == 1).then(math.inf).otherwise(0.0))
    refused(off, offset="off", argument="offset", column="off", rows=[2])
    bounds = PARTS.with_columns(x=pl.when(pl.col("l") == 3).then(None).otherwise("x"))
    assert_refused(lambda: parametric(bounds, ["x"], **BOUNDS), argument="covariates", column="x", rows=[3])


def test_refuses_a_robust_variance_of_one_cluster():
    data = LUNG.with_columns(centre=1)
    refused(data, cluster="centre", argument="cluster", column="centre", says=["one cluster", "robust=False"])
    refused(data.with_columns(entry=0.0).head(1), (), id="centre", entry="entry", robust=True, argument="id",
            column="centre", distribution="exponential", says=["one cluster"])  # fmt: skip
    assert parametric(data, ["age"], cluster="centre", robust=False, **MODEL).variance == "model-based"
    refused(data, robust="yes", argument="robust")


def test_interval_censored_rows_know_clusters_weights_and_strata():
    trial = load_dataset("bcdeter_iv")
    data = trial.with_columns(w=pl.int_range(pl.len()) % 2 + 0.5, g=pl.int_range(pl.len()) // 2)
    options = {"left": "left", "right": "right", "distribution": "weibull"}
    assert parametric(data, ["treat"], **options).variance == "model-based"
    assert parametric(data, ["treat"], weights="w", **options).variance == "robust"
    assert parametric(data, ["treat"], cluster="g", **options).variance == "robust"
    assert parametric(data, ["treat"], robust=True, **options).variance == "robust"
    assert len(parametric(data, ["treat"], strata="treat", **options).columns) == 4


def test_refuses_residuals_that_do_not_exist():
    trial = load_dataset("bcdeter_iv")
    bounds = parametric(trial, left="left", right="right", distribution="weibull")
    for kind in ("martingale", "cox-snell"):
        assert_refused(
            lambda kind=kind: bounds.residuals(kind), argument="kind",
            says=["interval-censored times have no", "kind='deviance'"],
        )  # fmt: skip
    late = parametric(LUNG.with_columns(entry=pl.col("time") / 2), entry="entry", **MODEL)
    for kind in ("deviance", "response"):
        assert_refused(
            lambda kind=kind: late.residuals(kind), argument="kind", says=["delayed entry", "martingale"]
        )
    gompertz = parametric(LUNG, ["age"], time="time", event="died", distribution="gompertz")
    assert_refused(lambda: gompertz.residuals("response"), argument="kind", says=["no scale of time"])
    assert_refused(lambda: gompertz.residuals("schoenfeld"), argument="kind", says=["'dfbeta'"])


def test_a_level_without_events_has_no_maximum():
    data = LUNG.with_columns(died=pl.col("died") & (pl.col("sex") == 1))
    for name in ("exponential", "weibull", "log-normal", "log-logistic", "gompertz"):
        with pytest.raises(ConvergenceError, match="'sex' is not determined"):
            parametric(data, ["age", "sex"], time="time", event="died", distribution=name)


def test_times_that_are_all_alike_have_no_scale():
    data = pl.DataFrame({"t": [5.0] * 20, "e": [1] * 20})
    for name, what in (
        ("weibull", r"log\(scale\)"),
        ("generalised-gamma", r"log\(scale\)"),
        ("gompertz", "shape"),
    ):
        with pytest.raises(ConvergenceError, match=f"'{what}' is not determined"):
            parametric(data, time="t", event="e", distribution=name)
    rate = parametric(data, time="t", event="e", distribution="exponential", scale="hazard")
    assert math.exp(rate.coef[0]) == pytest.approx(0.2, rel=1e-12)


def test_warns_of_more_coefficients_than_events():
    data = LUNG.head(30).with_columns(died=pl.int_range(pl.len()).is_in([3, 20]))
    fit = assert_warns(
        lambda: parametric(data, ["age"], **MODEL), argument="covariates",
        says=["3 coefficients were asked of 2 events", "fewer terms"],
    )  # fmt: skip
    assert len(fit.coef) == 3
