"""Fitted lifelines models as our curves: every univariate fitter, and what is refused."""

from __future__ import annotations

import inspect
import warnings
from functools import cache

import lifelines
import numpy as np
import polars as pl
import pytest
from lifelines.fitters import ParametricUnivariateFitter, UnivariateFitter
from matplotlib import pyplot as plt
from polars.testing import assert_frame_equal
from reference_cases import assert_close, load_dataset
from refusals import assert_refused

from hemresearch.survival import confidence_band, from_lifelines, kaplan_meier, nelson_aalen

MAKERS = {
    "SplineFitter": lambda cls: cls(np.array([50.0, 300.0, 800.0])),
    "PiecewiseExponentialFitter": lambda cls: cls([200.0, 600.0]),
    "MixtureCureFitter": lambda cls: cls(base_fitter=lifelines.WeibullFitter()),
    "AalenJohansenFitter": lambda cls: cls(seed=1),
}
UNIVARIATE = {
    name: cls
    for name, cls in vars(lifelines).items()
    if inspect.isclass(cls) and issubclass(cls, UnivariateFitter)
}
PARAMETRIC = [name for name, cls in UNIVARIATE.items() if issubclass(cls, ParametricUnivariateFitter)]
LUNG = load_dataset("lung").select("time", "sex", died=pl.col("status") == 2)
TIME, DIED = LUNG["time"].to_numpy().astype(float), LUNG["died"].to_numpy()


@cache
def usual(name: str):
    """A fit without options, made once."""
    return fitted(name)


def fitted(name: str = "KaplanMeierFitter", rows: slice = slice(None), **options):
    fitter = MAKERS.get(name, lambda cls: cls())(UNIVARIATE[name])
    if name == "AalenJohansenFitter":
        options["event_of_interest"] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ties are jittered, and a fit may converge badly
        return fitter.fit(TIME[rows], DIED[rows], **options)


@pytest.mark.parametrize("name", UNIVARIATE)
def test_every_univariate_fitter_converts(name):
    fitter = usual(name)
    curves = from_lifelines(fitter, time_unit="days")
    frame = curves.to_frame()
    assert [c for c in frame.columns if c != "cause"] == [
        "time", "n_risk", "n_event", "n_censor", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip
    assert frame["time"].is_sorted()
    assert frame["n_event"].sum() == DIED.sum()
    assert frame["n_censor"].sum() == (~DIED).sum()
    assert (frame["conf_low"] <= frame["estimate"] + 1e-12).all()
    assert (frame["estimate"] <= frame["conf_high"] + 1e-12).all()
    assert curves.groups().select("n", "n_event", "n_censor").row(0) == (228, 165, 63)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_close(curves.at([90, 365])["estimate"], fitter.predict([90.0, 365.0]).to_numpy(), rel=1e-9)
    assert f"lifelines {name}" in repr(curves)
    assert curves.risk_table([0, 365])["n_risk"].to_list() == [228, 65]
    plt.close(curves.plot().figure)


def test_a_converted_kaplan_meier_is_ours():
    ours = kaplan_meier(LUNG, time="time", event="died").to_frame()
    theirs = from_lifelines(fitted()).to_frame()
    assert_frame_equal(theirs, ours, check_dtypes=True, rel_tol=1e-10)


def test_a_converted_nelson_aalen_is_ours():
    ours = nelson_aalen(LUNG, time="time", event="died", ties="fleming-harrington")
    theirs = from_lifelines(fitted("NelsonAalenFitter"))
    assert theirs.quantity == "cumulative hazard"
    assert_frame_equal(theirs.to_frame(), ours.to_frame(), rel_tol=1e-9)


def test_a_converted_breslow_estimate_is_ours():
    ours = kaplan_meier(LUNG, time="time", event="died", estimator="fleming-harrington").to_frame()
    theirs = from_lifelines(fitted("BreslowFlemingHarringtonFitter")).to_frame()
    assert_frame_equal(theirs, ours, rel_tol=1e-9)


def test_delayed_entry_and_weights_come_along():
    entry = np.where(np.arange(len(TIME)) % 3 == 0, np.minimum(30.0, TIME - 1), 0.0)
    weight = np.arange(len(TIME)) % 3 + 1
    data = LUNG.with_columns(entry=pl.Series(entry), weight=pl.Series(weight))
    ours = kaplan_meier(data, time="time", event="died", entry="entry", weights="weight", robust=False)
    curves = from_lifelines(fitted(entry=entry, weights=weight))
    assert curves.entry == "entry"
    assert_frame_equal(curves.to_frame(), ours.to_frame(), rel_tol=1e-9)
    assert curves.groups()["n"][0] == weight.sum()


def test_several_fitters_are_groups():
    men, women = (LUNG["sex"] == sex for sex in (1, 2))
    by_label = {
        "men": fitted(rows=men.to_numpy()),
        "women": fitted(rows=women.to_numpy()),
    }
    ours = kaplan_meier(LUNG, time="time", event="died", by="sex")
    theirs = from_lifelines(by_label, by="sex")
    assert theirs.by == ("sex",)
    assert theirs.groups()["sex"].to_list() == ["men", "women"]
    assert_frame_equal(theirs.to_frame().drop("sex"), ours.to_frame().drop("sex"), rel_tol=1e-9)
    assert_frame_equal(theirs.quantile(0.5).drop("sex"), ours.quantile(0.5).drop("sex"))
    labelled = [fitted(rows=men.to_numpy(), label="men"), fitted(rows=women.to_numpy(), label="women")]
    assert_frame_equal(from_lifelines(labelled, by="sex").to_frame(), theirs.to_frame())


def test_a_step_and_a_smooth_curve_share_a_figure():
    curves = from_lifelines({"Kaplan-Meier": fitted(), "Weibull": fitted("WeibullFitter")})
    assert curves.method == "lifelines KaplanMeierFitter, WeibullFitter"
    assert curves.variance == "greenwood, delta method"
    at = curves.at(365)
    assert_close(at["estimate"][:1], kaplan_meier(LUNG, time="time", event="died").at(365)["estimate"])
    assert at["estimate"][1] == pytest.approx(float(fitted("WeibullFitter").predict(365.0)), rel=1e-12)
    ax = curves.plot()
    assert len([line for line in ax.lines if line.get_drawstyle() == "steps-post"]) == 2
    plt.close(ax.figure)


@pytest.mark.parametrize("name", PARAMETRIC)
def test_a_smooth_curve_is_evaluated_not_read_off_its_steps(name):
    fitter = usual(name)
    line = fitter.timeline.copy()
    curves = from_lifelines(fitter)
    times = np.array([11.7, 123.4, 555.5])
    at = curves.at([0, *times, 5000])
    assert_close(at["estimate"][1:4], fitter.survival_function_at_times(times).to_numpy(), rel=1e-12)
    assert (at["estimate"][0], at["conf_low"][0], at["conf_high"][0]) == (1, 1, 1)
    assert at["estimate"][4] is None
    beyond = curves.at(1500, extend=True)["estimate"][0]
    assert beyond == pytest.approx(float(fitter.survival_function_at_times(1500.0).iloc[0]), rel=1e-12)
    quantile = curves.quantile([0.25, 0.5]).to_dicts()
    for row in quantile:
        back = fitter.survival_function_at_times(row["estimate"]).iloc[0]
        assert back == pytest.approx(1 - row["quantile"], rel=1e-9)
        assert row["conf_low"] < row["estimate"] < row["conf_high"]
        assert curves.at(row["conf_low"])["conf_low"][0] == pytest.approx(1 - row["quantile"], rel=1e-7)
    assert (fitter.timeline == line).all()


def test_a_quantile_that_is_not_reached_is_null():
    assert from_lifelines(fitted("WeibullFitter")).quantile(0.9999)["estimate"][0] is None


def test_limits_of_a_smooth_curve_are_lifelines_own_within_0_and_1():
    fitter = fitted("WeibullFitter", alpha=0.2)
    curves = from_lifelines(fitter)
    assert curves.conf_level == pytest.approx(0.8)
    own = fitter.confidence_interval_survival_function_
    at = curves.at(own.index.to_numpy())
    assert_close(at["conf_low"], own.iloc[:, 0].to_numpy(), rel=1e-9)
    assert_close(at["conf_high"], np.minimum(own.iloc[:, 1].to_numpy(), 1), rel=1e-9)


@pytest.mark.parametrize("name", ["KaplanMeierFitter", "NelsonAalenFitter", "BreslowFlemingHarringtonFitter"])
def test_the_level_of_a_single_fit_is_known(name):
    curves = from_lifelines(fitted(name, alpha=0.1))
    assert curves.conf_level == 0.9
    renamed = from_lifelines(fitted(name, ci_labels=["lower", "upper"]))
    assert renamed.conf_level == 0.95
    assert_close(renamed.to_frame()["std_error"], curves.to_frame()["std_error"], rel=1e-9)


def test_a_time_line_of_the_users_own_is_kept_with_the_counts():
    curves = from_lifelines(fitted(timeline=[0.0, 200.0, 400.0]))
    whole = kaplan_meier(LUNG, time="time", event="died")
    assert_close(curves.at([200, 400])["estimate"], whole.at([200, 400])["estimate"])
    assert_frame_equal(curves.risk_table([100, 300, 700]), whole.risk_table([100, 300, 700]))
    assert curves.at(300)["estimate"][0] == curves.at(200)["estimate"][0]  # as lifelines draws it
    assert curves.at(450)["estimate"][0] is None


def test_incidence_of_a_cause_keeps_the_cause():
    first = lifelines.AalenJohansenFitter().fit([1.0, 2, 3, 4, 5], [1, 2, 0, 2, 1], event_of_interest=2)
    curves = from_lifelines(first)
    assert curves.quantity == "cumulative incidence"
    assert curves.groups().row(0, named=True) == {"cause": 2, "n": 5, "n_event": 2, "n_censor": 1}
    assert_close(curves.at([2, 4])["estimate"], [0.2, 0.5])  # 4/5 * 1/4; then 3/5 * 1/2 more
    assert curves.to_frame()["n_event"].to_list() == [0, 1, 0, 1, 0]
    assert curves.to_frame()["n_censor"].to_list() == [0, 0, 1, 0, 0]
    plain = lifelines.AalenJohansenFitter(calculate_variance=False)
    without = from_lifelines(plain.fit([1.0, 2, 3], [1, 2, 0], event_of_interest=1)).to_frame()
    assert without["conf_low"].is_null().all()
    assert without["std_error"].is_null().all()


def test_a_model_of_the_users_own_converts_too():
    class Gompertz(ParametricUnivariateFitter):
        _fitted_parameter_names = ("nu_", "b_")

        def _cumulative_hazard(self, params, times):
            from autograd import numpy as anp

            nu, b = params
            return nu / b * (anp.exp(b * times / 1000) - 1)

    curves = from_lifelines(Gompertz().fit(TIME, DIED))
    assert curves.method == "lifelines Gompertz"
    assert 0.3 < curves.at(365)["estimate"][0] < 0.5


def test_bands_work_on_a_converted_curve():
    ours = confidence_band(kaplan_meier(LUNG, time="time", event="died"), start=30, stop=700)
    theirs = confidence_band(from_lifelines(fitted()), start=30, stop=700)
    assert_close(theirs.stretches.row(0), ours.stretches.row(0), rel=1e-9)
    assert_close(theirs.at(365)["conf_low"], ours.at(365)["conf_low"], rel=1e-9)


def test_refuses_what_is_not_a_fitter():
    assert_refused(
        lambda: from_lifelines(LUNG),
        argument="fitter",
        says=["a DataFrame was given", "univariate fitter of lifelines", "fitter.fit("],
    )
    assert_refused(
        lambda: from_lifelines(lifelines.KaplanMeierFitter),
        argument="fitter",
        says=["a KaplanMeierFitter (a class, not fitted)"],
    )
    assert_refused(lambda: from_lifelines({}), argument="fitter", says=["no fitter", "fitter_a"])


@pytest.mark.parametrize("cls", [lifelines.KaplanMeierFitter, lifelines.WeibullFitter])
def test_refuses_a_fitter_before_its_fit(cls):
    assert_refused(
        lambda: from_lifelines(cls()), argument="fitter", says=["has not been fitted", "fitter.fit("]
    )


def test_refuses_a_regression():
    regression = lifelines.CoxPHFitter().fit(LUNG.to_pandas().astype(float), "time", "died")
    assert_refused(
        lambda: from_lifelines(regression),
        argument="fitter",
        says=["a CoxPHFitter was given", "a curve for each patient", "hem.regression.from_lifelines(fitter)"],
    )


def test_refuses_left_and_interval_censored_fits():
    for censoring, fitter in {
        "interval": lifelines.KaplanMeierFitter().fit_interval_censoring([1.0, 2, 4], [3.0, 3, 5]),
        "left": lifelines.KaplanMeierFitter().fit_left_censoring([1.0, 2, 4], [1, 0, 1]),
    }.items():
        assert_refused(
            lambda fitter=fitter: from_lifelines(fitter),
            argument="fitter",
            says=[f"{censoring}-censored data", "hem.survival.turnbull(data, left="],
        )


def test_refuses_groups_that_cannot_stand_together():
    assert_refused(
        lambda: from_lifelines([fitted(), fitted()]),
        argument="fitter",
        says=["2 fitters have only 1 different labels", '{"A": fitter_a'],
    )
    assert_refused(
        lambda: from_lifelines({"a": fitted(), "b": fitted("NelsonAalenFitter")}),
        argument="fitter",
        says=["survival, cumulative hazard", "one call for each kind"],
    )
    assert_refused(
        lambda: from_lifelines({"a": fitted(), "b": fitted(alpha=0.1)}),
        argument="fitter",
        says=["0.9, 0.95", "alpha=0.05"],
    )
    assert_refused(
        lambda: from_lifelines({"a": fitted()}, by="estimate"),
        argument="by",
        column="estimate",
        says=["a column of the result", 'by="group"'],
    )
