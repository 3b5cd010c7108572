"""Incidences by cause in intervals: by hand, against numerical derivatives, truths, and every refusal."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.competing import cumulative_incidence
from hemresearch.lifetable import LifeTable
from hemresearch.numerics.interval_incidence import interval_incidence
from hemresearch.relative import (
    crude_probability,
    crude_probability_table,
    incidence_table,
    relative_survival_table,
)

TRANSPLANT = hem.data.load("bmtcrr")
SMALL = pl.DataFrame({"years": [0.5, 1.0, 1.5, 2.0, 2.5], "event": ["a", "b", "censored", "a", "a"]})
FLAT = LifeTable(
    pl.DataFrame({"year": range(1990, 2031)})
    .join(pl.DataFrame({"age": range(101)}), how="cross")
    .join(pl.DataFrame({"sex": ["m", "w"], "rate": [0.1, 0.1]}), how="cross"),
    rate="rate",
)
PLACE: dict[str, Any] = {
    "time": "years", "event": "dead", "time_unit": "years", "sex": "sex", "date": "date", "age": "age",
    "age_unit": "years", "life_table": FLAT,
}  # fmt: skip


def people(years: list[float], dead: list[int], **columns: Any) -> pl.DataFrame:
    frame = pl.DataFrame({"years": years, "dead": dead, **columns})
    return frame.with_columns(sex=pl.lit("m"), date=pl.lit(date(2000, 1, 1)), age=pl.lit(50.0))


def incidence(data: pl.DataFrame = SMALL, **options: Any) -> pl.DataFrame:
    chosen = {"time": "years", "event": "event", "intervals": [0, 1, 2, 3]}
    return incidence_table(data, **{**chosen, **options}).to_frame()


def crude(data: pl.DataFrame, **options: Any) -> pl.DataFrame:
    return crude_probability_table(data, **{**PLACE, "intervals": [0, 1, 2, 3], **options}).to_frame()


def test_a_life_table_by_hand():
    frame = incidence(estimator="lifetable")
    assert frame["cause"].to_list() == ["a"] * 3 + ["b"] * 3
    a, b = frame[:3], frame[3:]
    assert a["n_risk"].to_list() == [5, 3, 1]
    assert a["n_event"].to_list() == [2, 1, 1]
    assert (a["n_cause"].to_list(), b["n_cause"].to_list()) == ([1, 1, 1], [1, 0, 0])
    assert a["effective"].to_list() == [5, 2.5, 1]
    assert_close(a["observed"], [0.6, 0.6 * 0.6, 0])
    assert_close(a["estimate"], np.cumsum([0.2, 0.6 * 0.4, 0.36]))
    assert_close(b["estimate"], [0.2] * 3)
    assert_close(b["std_error"], [np.sqrt(0.2 * 0.8 / 5)] * 3)


def test_person_time_by_hand():
    frame = incidence()
    a, b = frame[:3], frame[3:]
    assert_close(a["person_time"], [4.5, 2.5, 0.5])
    survival = np.exp(-np.cumsum([2 / 4.5, 1 / 2.5, 2]))
    before = np.array([1, *survival[:2]])
    assert_close(a["observed"], survival)
    assert_close(a["estimate"], np.cumsum((before - survival) * np.array([0.5, 1, 1])))
    assert_close(b["estimate"], [(1 - survival[0]) / 2] * 3)
    assert_close(a["estimate"] + b["estimate"] + a["observed"], np.ones(3), rel=1e-12)


def test_no_deaths_are_expected_deaths_only():
    frame = crude(people([3.0, 3.0], [0, 0]))
    disease, other = frame[:3], frame[3:]
    assert_close(disease["estimate"], [-0.1, -0.2, -0.3])  # survival stays 1, but 0.1 a year are expected
    assert_close(other["estimate"], [0.1, 0.2, 0.3])
    assert disease["std_error"].to_list() == [0, 0, 0]


def test_excess_deaths_by_hand():
    frame = crude(people([0.5, 1.0, 1.5, 2.5], [1, 1, 0, 1]))
    disease, other = frame[:3], frame[3:]
    assert_close(disease["n_cause"], [1.65, -0.15, 0.95])
    assert_close(other["n_cause"], [0.35, 0.15, 0.05])
    survival = np.exp(-np.cumsum([2 / 3.5, 0, 2]))
    growth = np.array([1 - survival[0], 0, survival[1] - survival[2]])
    assert_close(other["estimate"], np.cumsum([growth[0] * 0.35 / 2, survival[0] * 0.1, growth[2] * 0.05]))
    assert_close(disease["estimate"] + other["estimate"], 1 - survival, rel=1e-12)
    late = crude(people([2.5, 1.5, 3.0], [1, 1, 0], late=[0.0, 0.5, 2.0]), entry="late")
    assert late["n_enter"].to_list() == [1, 0, 0] * 2
    table = crude(people([0.5, 1.0, 1.5, 2.5], [1, 1, 0, 1]), estimator="lifetable")
    assert_close(table["estimate"][:2], np.cumsum([1.65 / 4, 0.5 * -0.15 / 1.5]))


@pytest.mark.parametrize("hazard", [True, False])
def test_variances_are_those_of_numerical_derivatives(hazard):
    rng = np.random.default_rng(3)
    m, width = 5, rng.uniform(0.2, 1, 5)
    events, exposure = rng.integers(1, 6, (2, m)).astype(float), rng.uniform(30, 60, m)
    expected = rng.uniform(0, 2, m)
    both = (np.eye(2), np.zeros((2, m)))
    for share, fixed in (both, (np.array([[1.0, 1.0], [0, 0]]), np.array([-expected, expected]))):

        def found(events: np.ndarray, share: np.ndarray = share, fixed: np.ndarray = fixed) -> Any:
            return interval_incidence(width, exposure, events, share, fixed, hazard=hazard)

        slope, h = np.zeros((2, m, 2, m)), 1e-4
        for k, j in np.ndindex(2, m):
            step = np.zeros((2, m))
            step[k, j] = h
            slope[:, :, k, j] = (found(events + step)[1] - found(events - step)[1]) / (2 * h)
        variance = np.einsum("atkj,kj->at", slope**2, events)
        if not hazard:  # events of an interval exclude each other
            mean = np.einsum("atkj,kj->atj", slope, events)
            variance -= np.einsum("atj,j->at", mean**2, 1 / exposure)
        np.testing.assert_allclose(found(events)[2], variance, rtol=1e-6)


@pytest.mark.parametrize("estimator", ["hazard", "lifetable"])
def test_short_intervals_come_near_the_exact_incidence(estimator):
    months = np.arange(0, 24.01, 0.25)
    exact = cumulative_incidence(TRANSPLANT, time="ftime", event="Status")
    table = incidence_table(TRANSPLANT, time="ftime", event="Status", intervals=months, estimator=estimator)
    for cause in (1, 2):
        last = table.to_frame().filter(cause=cause)[-1]
        at = exact.at(24).filter(cause=cause)
        assert last["estimate"].item() == pytest.approx(at["estimate"].item(), abs=2e-3)
        assert last["std_error"].item() == pytest.approx(at["std_error"].item(), rel=0.02)
        assert last["conf_low"].item() == pytest.approx(at["conf_low"].item(), abs=4e-3)


def test_short_intervals_come_near_the_exact_crude_probability():
    place: dict[str, Any] = {
        "time": "time", "event": "stat", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age",
        "age_unit": "days", "life_table": hem.data.life_table("slovenia"),
    }  # fmt: skip
    colrec = hem.data.load("colrec")
    table = crude_probability_table(colrec, **place, intervals=np.linspace(0, 1826, 84)).to_frame()
    exact = crude_probability(colrec, **place).at(1826)
    last = table.filter(end=1826)
    np.testing.assert_allclose(last["estimate"], exact["estimate"], atol=4e-4)
    np.testing.assert_allclose(last["std_error"], exact["std_error"], rtol=0.01)
    assert_close(last["conf_high"] - last["estimate"], 1.959963984540054 * last["std_error"], rel=1e-9)


@settings(max_examples=20)
@given(st.integers(2, 40), st.integers(0, 10_000))
def test_causes_and_survival_add_up_to_one(n, seed):
    rng = np.random.default_rng(seed)
    years, cause = rng.uniform(0.01, 3, n).round(2), rng.integers(0, 3, n)
    cause[0] = 1
    data = people(years.tolist(), (cause > 0).astype(int).tolist(), cause=cause)
    for estimator in ("hazard", "lifetable"):
        frame = incidence(data, event="cause", censored=0, estimator=estimator)
        total = frame.group_by("end").agg(pl.col("estimate").sum(), pl.col("observed").first())
        sums = (total["estimate"] + total["observed"]).drop_nulls()
        np.testing.assert_allclose(sums, 1, rtol=1e-12)
        both = crude(data, estimator=estimator)
        same = relative_survival_table(data, **PLACE, intervals=[0, 1, 2, 3], estimator=estimator).to_frame()
        np.testing.assert_allclose(both["observed"][:3].cast(float), same["observed"].cast(float), rtol=1e-12)
        np.testing.assert_allclose(
            (both["estimate"][:3] + both["estimate"][3:]).drop_nulls(), (1 - same["observed"]).drop_nulls(),
            rtol=1e-9, atol=1e-12,
        )  # fmt: skip


def test_groups_causes_and_text():
    data = SMALL.with_columns(arm=pl.Series(["x", "x", "y", "y", "y"]))
    late = data.with_columns(late=pl.Series([0.0, 0, 1.2, 1.2, 1.2]))
    with pytest.warns(hem.errors.DataWarning, match="holds nobody's follow-up in y in"):
        incidence(late, entry="late", by="arm", intervals=[0, 0.5, 1, 1.1, 3])
    found = incidence_table(data, time="years", event="event", cause="a", by="arm", intervals=[0, 1, 3])
    frame = found.to_frame()
    assert frame.columns[:4] == ["arm", "cause", "start", "end"]
    assert frame["arm"].to_list() == ["x", "x", "y", "y"]
    assert "arm=x, a, to 1 " in found.text()
    lines = repr(found).splitlines()
    assert lines[1].startswith(
        "  arm=x, a, to 1: n=2, events=2 (1 of this cause), withdrawn=0, event-free 0."
    )
    assert lines[-1] == "95% limits: deaths over person-time, log-log, delta method"
    assert frame["estimate"].is_null().to_list() == [False, True, False, False]
    with_limits = incidence(data, intervals=[0, 3])
    assert (with_limits["conf_low"] < with_limits["estimate"]).all()


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"intervals": None}, "intervals"),
        ({"intervals": [1, 2]}, "intervals"),
        ({"estimator": "ratio"}, "estimator"),
        ({"conf_level": 2}, "conf_level"),
        ({"estimator": "lifetable", "entry": "late"}, "estimator"),
    ],
)
def test_arguments_that_are_none(options, argument):
    data = SMALL.with_columns(late=pl.lit(0.1))
    assert_refused(lambda: incidence(data, **options), argument=argument)
    dead = people([1.0, 2.0], [1, 0], late=[0.1, 0.2])
    assert_refused(lambda: crude(dead, **options), argument=argument)


def test_a_period_needs_person_time():
    period = (date(2000, 6, 1), date(2002, 1, 1))
    data = people([1.0, 2.0, 2.5], [1, 0, 1])
    assert_refused(lambda: crude(data, estimator="lifetable", period=period), argument="estimator")
    assert crude(data, period=period)["n_risk"].to_list() == [0, 2, 1] * 2


def test_a_cause_that_does_not_occur():
    assert_refused(lambda: incidence(cause="c"), argument="cause", column="event")


def test_intervals_in_the_wrong_unit_are_told():
    days = SMALL.with_columns(years=pl.col("years") * 365.25)
    assert_warns(lambda: incidence(days), argument="intervals", says=["of the follow-up, with borders in"])
    told = people([400.0, 800.0], [1, 0])
    assert_warns(lambda: crude(told, time_unit="days"), argument="intervals", says=["borders in days"])
