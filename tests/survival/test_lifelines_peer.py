"""lifelines as a peer: where its numbers are ours, and where they are not, with the reason."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts
from hypothesis import given, settings
from lifelines import KaplanMeierFitter, NelsonAalenFitter
from lifelines.exceptions import StatError, StatisticalWarning
from lifelines.statistics import logrank_test, multivariate_logrank_test
from lifelines.utils import restricted_mean_survival_time
from reference_cases import assert_close, load_dataset
from refusals import assert_refused, assert_warns

from hemresearch.survival import (
    conditional_survival,
    from_lifelines,
    kaplan_meier,
    logrank,
    nelson_aalen,
    rmst,
    turnbull,
)

BMT = load_dataset("kmsurv_bmt").select("t2", "d3", "group")
TIME, EVENT = BMT["t2"].to_numpy().astype(float), BMT["d3"].to_numpy()
WEIGHTS = {
    "wilcoxon": {"test_weight": "gehan"},
    "tarone-ware": {"test_weight": "tarone-ware"},
    "peto": {"test_weight": "peto-peto"},
}


def km(data, **options):
    return kaplan_meier(data, time="time", event="event", **options)


def fit(data, **options) -> KaplanMeierFitter:
    arrays = {name: data[column].to_numpy() for name, column in options.items()}
    return KaplanMeierFitter().fit(data["time"].to_numpy(), data["event"].to_numpy(), **arrays)


def unless_zero(frame: pl.DataFrame) -> pl.DataFrame:
    """Without the limits at survival 0, on which the two differ."""
    known = pl.when(pl.col("estimate") > 0)
    return frame.with_columns(known.then(pl.col(c)).alias(c) for c in ("conf_low", "conf_high"))


def same_curve(ours: pl.DataFrame, theirs: pl.DataFrame) -> None:
    for name in ("time", "n_risk", "n_event", "n_censor", "estimate", "conf_low", "conf_high"):
        assert_close(unless_zero(theirs)[name], unless_zero(ours)[name], rel=1e-9, at_zero=1e-12, where=name)


@given(cohorts())
@settings(max_examples=30, deadline=None)
def test_kaplan_meier_agrees(cohort):
    same_curve(km(cohort).to_frame(), from_lifelines(fit(cohort)).to_frame())


@given(cohorts())
@settings(max_examples=20, deadline=None)
def test_whole_weights_agree(cohort):
    ours = km(cohort, weights="weight").to_frame()
    same_curve(ours, from_lifelines(fit(cohort, weights="weight")).to_frame())


def test_delayed_entry_agrees():
    entry = np.where(np.arange(len(BMT)) % 2 == 0, np.minimum(40.0, TIME / 2), 0.0)
    data = BMT.rename({"t2": "time", "d3": "event"}).with_columns(entry=pl.Series(entry))
    same_curve(km(data, entry="entry").to_frame(), from_lifelines(fit(data, entry="entry")).to_frame())


def test_someone_who_enters_when_another_dies_is_not_at_risk_for_that_death_in_either():
    data = pl.DataFrame({"time": [2, 2, 5, 6], "event": [1, 0, 1, 1], "entry": [0, 0, 2, 0]})
    same_curve(km(data, entry="entry").to_frame(), from_lifelines(fit(data, entry="entry")).to_frame())


@pytest.mark.parametrize("alpha", [0.1, 0.01])
def test_the_level_of_the_limits_agrees(alpha):
    theirs = KaplanMeierFitter().fit(TIME, EVENT, alpha=alpha)
    ours = kaplan_meier(BMT, time="t2", event="d3", conf_level=1 - alpha)
    same_curve(ours.to_frame(), from_lifelines(theirs).to_frame())


@given(cohorts())
@settings(max_examples=20, deadline=None)
def test_nelson_aalen_agrees_with_ties_taken_in_turn(cohort):
    ours = nelson_aalen(cohort, time="time", event="event", ties="fleming-harrington").to_frame()
    theirs = NelsonAalenFitter().fit(cohort["time"].to_numpy(), cohort["event"].to_numpy())
    same_curve(ours, from_lifelines(theirs).to_frame())


def test_nelson_aalen_with_ties_together_agrees_but_for_the_variance():
    ours = nelson_aalen(BMT, time="t2", event="d3").to_frame()
    fitter = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(TIME, EVENT)
    theirs = from_lifelines(fitter).to_frame()
    assert_close(theirs["estimate"], ours["estimate"])
    # lifelines: sum of (1 - d/n) d/n^2, the binomial variance; ours (and R's): Aalen's sum of d/n^2.
    d, n = ours["n_event"].to_numpy(), ours["n_risk"].to_numpy()
    assert_close(theirs["std_error"], np.sqrt(np.cumsum((1 - d / n) * d / n**2)), rel=1e-9)
    assert_close(ours["std_error"], np.sqrt(np.cumsum(d / n**2)), rel=1e-9)


def test_the_median_agrees_where_the_curve_crosses_one_half():
    assert km(BMT.rename({"t2": "time", "d3": "event"})).quantile(0.5)["estimate"][0] == (
        KaplanMeierFitter().fit(TIME, EVENT).median_survival_time_
    )


def test_a_flat_stretch_at_one_half_has_its_middle_as_median_here_and_its_start_there():
    four = pl.DataFrame({"time": [1, 2, 4, 5], "event": [1, 1, 1, 1]})
    assert fit(four).median_survival_time_ == 2
    assert km(four).quantile(0.5)["estimate"][0] == 3  # R's rule, also that of a sample's median


def test_a_median_that_is_not_reached_is_null_here_and_infinite_there():
    half = pl.DataFrame({"time": [1, 2, 3], "event": [1, 0, 0]})
    assert fit(half).median_survival_time_ == np.inf
    assert km(half).quantile(0.5)["estimate"][0] is None


def test_limits_at_survival_zero_are_undefined_here_and_zero_there():
    data = pl.DataFrame({"time": [1, 2], "event": [1, 1]})
    assert km(data).to_frame()["conf_high"][1] is None  # log(-log 0) has no variance; as R
    assert fit(data).confidence_interval_.iloc[-1].tolist() == [0, 0]


def test_times_that_differ_by_rounding_are_one_time_here_and_two_there():
    data = pl.DataFrame({"time": [0.1 + 0.2, 0.3, 1.0], "event": [1, 1, 1]})
    assert km(data).to_frame().height == 2  # as R's timefix
    assert len(fit(data).event_table.loc[lambda table: table["removed"] > 0]) == 3


def test_fractional_weights_give_one_estimate_and_different_errors():
    data = BMT.rename({"t2": "time", "d3": "event"}).with_columns(
        w=pl.Series(0.5 + (np.arange(len(BMT)) % 4) / 4)
    )
    with pytest.warns(StatisticalWarning, match="not integers"):
        theirs = from_lifelines(fit(data, weights="w"))
    ours = km(data, weights="w")
    assert_close(theirs.to_frame()["estimate"], ours.to_frame()["estimate"], rel=1e-9)
    # lifelines cuts the number at risk to whole numbers in its variance; ours is robust.
    assert ours.variance == "robust"
    assert theirs.to_frame()["std_error"][50] != pytest.approx(ours.to_frame()["std_error"][50], rel=1e-3)
    # its event table also cuts the censored weight, which the conversion takes from what left instead.
    assert theirs.groups()["n_censor"][0] == pytest.approx(data.filter(event=0)["w"].sum())


def test_a_risk_set_that_empties_early_is_told_here_and_refused_there():
    data = pl.DataFrame({"time": [1, 5, 6, 7], "event": [1, 1, 1, 0], "entry": [0, 2, 2, 2]})
    curves = assert_warns(lambda: km(data, entry="entry"), argument="entry", column="entry", rows=(1,))
    assert curves.to_frame()["estimate"].to_list() == [0, 0, 0, 0]
    with pytest.raises(StatError, match="too few early truncation times"):
        fit(data, entry="entry")


def test_an_entry_at_the_exit_is_refused_here_and_counted_there():
    data = pl.DataFrame({"time": [1, 2, 3], "event": [1, 1, 1], "entry": [0, 2, 0]})
    assert_refused(lambda: km(data, entry="entry"), argument="entry", column="entry", rows=(2,))
    assert fit(data, entry="entry").event_table["removed"].sum() == 3


def test_missing_times_are_refused_by_both():
    data = pl.DataFrame({"time": [1.0, None], "event": [1, 1]})
    assert_refused(lambda: km(data), argument="time", column="time", rows=(2,))
    with pytest.raises(TypeError):
        KaplanMeierFitter().fit([1.0, np.nan], [1, 1])


@pytest.mark.parametrize("weightings", [None, *WEIGHTS])
def test_the_log_rank_family_agrees(weightings):
    options = {} if weightings is None else WEIGHTS[weightings]
    ours = logrank(BMT, time="t2", event="d3", by="group", **options)
    theirs = multivariate_logrank_test(TIME, BMT["group"].to_numpy(), EVENT, weightings=weightings)
    assert ours.statistic == pytest.approx(theirs.test_statistic, rel=1e-9)
    assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-9)


@pytest.mark.parametrize(("rho", "gamma"), [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_fleming_harrington_tests_agree(rho, gamma):
    two = BMT.filter(pl.col("group") < 3)
    parts = [two.filter(group=g) for g in (1, 2)]
    theirs = logrank_test(
        *(part["t2"].to_numpy() for part in parts),
        *(part["d3"].to_numpy() for part in parts),
        weightings="fleming-harrington",
        p=rho,
        q=gamma,
    )
    ours = logrank(two, time="t2", event="d3", by="group", rho=rho, gamma=gamma)
    assert ours.statistic == pytest.approx(theirs.test_statistic, rel=1e-9)


def test_the_restricted_mean_agrees_but_its_variance_there_is_that_of_a_patient():
    tau = 700.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean, variance = restricted_mean_survival_time(
            KaplanMeierFitter().fit(TIME, EVENT), t=tau, return_variance=True
        )
    ours = rmst(BMT, time="t2", event="d3", tau=tau).to_frame().row(0, named=True)
    assert ours["estimate"] == pytest.approx(mean, rel=1e-9)
    # lifelines returns the variance of min(T, tau) itself; ours is that of its estimated mean.
    assert ours["std_error"] == pytest.approx(np.sqrt(variance / len(BMT)), rel=0.05)


def test_survival_given_survival_is_a_ratio_of_two_points_in_both():
    fitter = KaplanMeierFitter().fit(TIME, EVENT)
    ours = conditional_survival(BMT, time="t2", event="d3", given=100, times=400).to_frame()
    assert ours["estimate"][0] == pytest.approx(fitter.predict(400) / fitter.predict(100), rel=1e-9)


def test_interval_censored_times_agree_once_intervals_are_open_at_the_left():
    visits = load_dataset("bcdeter_iv").filter(treat=1)
    left = visits["left"].fill_null(0).to_numpy().astype(float)
    right = visits["right"].fill_null(10_000).to_numpy().astype(float)
    times = [5.5, 10.5, 16.5, 20.5, 30.5, 40.5]
    ours = turnbull(visits, left="left", right="right").at(times)["estimate"]

    def theirs(moved: float) -> np.ndarray:
        fitter = KaplanMeierFitter().fit_interval_censoring(left + moved, right, tol=1e-10)
        return fitter.predict(times).to_numpy()[:, 0]

    assert ours.to_numpy() == pytest.approx(theirs(1e-5), abs=1e-5)
    # lifelines takes [left, right] as closed, where (4, 5] and (5, 8] could share the time 5; R does not.
    assert np.abs(ours.to_numpy() - theirs(0.0)).max() > 0.03
