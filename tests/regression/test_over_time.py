"""A hazard ratio that changes with time is read off as its coefficients say."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem

TRIAL = hem.data.load("veteran")
ROLES = {"time": "time", "event": "status"}


def fitted(time_varying, covariates="celltype + karno"):
    return hem.regression.cox(TRIAL, covariates, time_varying=time_varying, **ROLES)


@pytest.fixture(scope="module")
def by_log():
    return fitted({"karno": "log"})


@pytest.fixture(scope="module")
def by_steps():
    return fitted({"karno": [90, 180], "celltype": [90]})


def test_along_a_function_it_is_a_line_in_that_function(by_log):
    times = np.array([5.0, 30.0, 180.0])
    found = hem.regression.effect_over_time(by_log, "karno", times, per=10)
    b, c = (by_log.place(name) for name in ("karno", "karno:log(t)"))
    np.testing.assert_allclose(found.estimate, 10 * (by_log.coef[b] + np.log(times) * by_log.coef[c]))
    for t, estimate, variance in zip(times, found.estimate, np.diag(found.cov), strict=True):
        one = hem.regression.contrast(by_log, weights={"karno": 10, "karno:log(t)": 10 * np.log(t)})
        np.testing.assert_allclose((estimate, variance), (one.estimate[0], one.cov[0, 0]), rtol=1e-12)


def test_in_steps_it_is_the_coefficient_of_the_period(by_steps):
    """A time at a step belongs to the period that ends there."""
    found = hem.regression.effect_over_time(by_steps, "karno", [0.5, 90, 91, 180, 181, 999])
    rows = by_steps.to_frame().filter(by_steps.to_frame()["term"].str.starts_with("karno"))
    np.testing.assert_allclose(found.estimate, rows["estimate"].gather([0, 0, 1, 1, 2, 2]))
    np.testing.assert_allclose(found.to_frame()["std_error"], rows["std_error"].gather([0, 0, 1, 1, 2, 2]))
    assert found.to_frame()["time"].to_list() == [0.5, 90, 91, 180, 181, 999]


def test_a_level_is_named_as_without_time(by_steps):
    found = hem.regression.effect_over_time(by_steps, "celltype[adeno]", [30, 200])
    names = ["celltype[adeno] (0,90]", "celltype[adeno] (90,∞)"]
    np.testing.assert_allclose(found.estimate, [by_steps.coef[by_steps.place(name)] for name in names])
    assert found.to_frame()["term"].to_list() == ["celltype[adeno] at time 30", "celltype[adeno] at time 200"]


def test_it_is_drawn_along_time(by_log):
    found = hem.regression.effect_over_time(by_log, "karno", [10, 20, 40, 80], per=10, conf_level=0.9)
    lines = hem.plots.fingerprint(hem.plots.draw_effect(found)).splitlines()
    assert lines[0] == "hazard ratio along time, 4 values"
    assert found.conf_level == 0.9


def test_its_table_shows_ratios(by_log):
    found = hem.regression.effect_over_time(by_log, "karno", [30, 180], per=10)
    made = hem.report.table(found)
    ratios = np.exp(found.to_frame().select("estimate", "conf_low", "conf_high").row(0))
    assert made.header == ("Term", "Time", "HR (95% CI)", "p")
    assert made.body[0] == ("10 more of karno at time 30", "30", hem.formats.interval(*ratios), "<0.001")


def test_times_after_the_last_event_are_warned_of(by_log):
    """Nothing was observed there: the line of the model alone says what the effect is."""
    last = TRIAL.filter(status=1)["time"].max()
    found = assert_warns(
        lambda: hem.regression.effect_over_time(by_log, "karno", [30, last + 500]),
        argument="times",
        says=["after the last event, at 999", "times=[30.0]"],
    )
    assert found.to_frame().height == 2


def test_effects_that_stay_the_same_are_refused():
    fit = hem.regression.cox(TRIAL, "karno", **ROLES)
    for given, says in ((fit, "do not change with time"), (3, "a int was given")):
        assert_refused(
            lambda given=given: hem.regression.effect_over_time(given, "karno", [30]),
            argument="fit",
            says=[says, "time_varying"],
        )


def test_a_term_that_does_not_change_is_refused(by_log):
    assert_refused(
        lambda: hem.regression.effect_over_time(by_log, "celltype", [30]),
        argument="term",
        says=["the effect of 'celltype' does not change", "term='karno'"],
    )


def test_a_term_of_several_coefficients_is_refused(by_steps):
    assert_refused(
        lambda: hem.regression.effect_over_time(by_steps, "celltype", [30]),
        argument="term",
        says=["'celltype' has 3 coefficients", "celltype[adeno]"],
    )


def test_a_time_of_zero_is_refused(by_log):
    assert_refused(
        lambda: hem.regression.effect_over_time(by_log, "karno", [0, 30]),
        argument="times",
        says=["a time of 0", "times above 0", "times=[30.0]"],
    )
