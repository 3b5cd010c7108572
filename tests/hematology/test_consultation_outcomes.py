"""Outcomes after consultations as competing events: by hand, a truth, refusals and warnings."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.hematology.consultations import outcomes_after

START = date(2024, 1, 1)
OUTCOMES = ["VTE", "major bleeding", "death"]
ROLES = {
    "time": "at", "id": "patient", "event_time": "day", "event": "what", "outcomes": OUTCOMES,
    "last_day": date(2024, 12, 31),
}  # fmt: skip


def calls(*rows: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "patient": [p for p, _ in rows],
            "at": [datetime(2024, 1, 1, 15) + timedelta(days=d) for _, d in rows],
        }
    )


def events(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "patient": [p for p, _, _ in rows],
            "day": [START + timedelta(days=d) for _, d, _ in rows],
            "what": [w for _, _, w in rows],
        }
    )


ALL = (("z", 300, "VTE"), ("z", 300, "major bleeding"), ("z", 301, "death"))
NOBODY = ("z", 0)


def found(data, happened, **options) -> list:
    result = outcomes_after(data, happened, **(ROLES | options))
    return result.select("patient", "outcome_days", "outcome_event").rows()


def test_the_first_event_in_the_window_counts():
    data = calls(("a", 0), ("b", 0), ("c", 0), ("d", 0), ("e", 0), ("f", 0), NOBODY)
    happened = events(
        ("a", 5, "VTE"), ("a", 7, "death"), ("b", 30, "death"), ("c", 31, "VTE"), ("d", 3, "stroke"),
        ("d", -4, "VTE"), ("e", 9, "death"), ("e", 9, "major bleeding"), ("f", 0, "death"), *ALL,
    )  # fmt: skip
    assert found(data, happened) == [
        ("a", 5.0, "VTE"), ("b", 30.0, "death"), ("c", 30.0, "censored"), ("d", 30.0, "censored"),
        ("e", 9.0, "major bleeding"), ("f", 0.5, "death"), ("z", 30.0, "censored"),
    ]  # fmt: skip


def test_known_days_end_the_window():
    data = calls(("a", 0), ("b", 0), NOBODY).with_columns(
        seen=pl.Series([START + timedelta(days=d) for d in (10, 60, 400)])
    )
    happened = events(("a", 12, "VTE"), *ALL)
    assert found(data, happened, last_day="seen") == [
        ("a", 10.0, "censored"), ("b", 30.0, "censored"), ("z", 30.0, "censored"),
    ]  # fmt: skip
    same = found(data, happened, last_day=datetime(2024, 1, 11, 12))
    assert same[0] == ("a", 10.0, "censored")


def test_consultations_within_a_window_belong_to_it():
    data = calls(("a", 40), ("a", 0), ("a", 20), NOBODY)
    happened = events(("a", 35, "VTE"), ("a", 45, "major bleeding"), *ALL)
    result = assert_warns(
        lambda: outcomes_after(data, happened, **ROLES), argument="id", column="patient",
        says=["1 consultation within 30 days", "1 of 2 patients have several windows"],
    )  # fmt: skip
    rows = result.select("patient", "at", "outcome_days", "outcome_event").rows()
    assert rows == [
        ("a", datetime(2024, 1, 1, 15), 30.0, "censored"),
        ("a", datetime(2024, 2, 10, 15), 5.0, "major bleeding"),
        ("z", datetime(2024, 1, 1, 15), 30.0, "censored"),
    ]


def test_an_event_on_the_day_of_the_consultation_was_its_reason():
    data = calls(("a", 0), NOBODY)
    happened = events(("a", 0, "VTE"), ("a", 8, "major bleeding"), *ALL)
    result = assert_warns(lambda: outcomes_after(data, happened, **ROLES), argument="events", rows=[1])
    assert result["outcome_event"].to_list()[0] == "major bleeding"


def test_the_columns_go_into_cumulative_incidence():
    rng, n = np.random.default_rng(5), 400
    data = calls(*((str(i), int(d)) for i, d in enumerate(rng.integers(0, 200, n))), *(("0", 250),))
    at = dict(zip(data["patient"], data["at"], strict=True))
    rows = [
        (str(i), int((at[str(i)].date() - START).days + 1 + rng.integers(0, 60)), str(what))
        for i, what in enumerate(rng.choice(["VTE", "major bleeding", "death", "none"], n))
        if i and what != "none"
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cohort = outcomes_after(data.lazy(), events(*rows), **ROLES)
    assert isinstance(cohort, pl.LazyFrame)
    cohort = cohort.collect()
    result = hem.competing.cumulative_incidence(
        cohort, time="outcome_days", event="outcome_event", cluster="patient"
    )
    at_end = result.at([30])
    shares = {c: (cohort["outcome_event"] == c).mean() for c in OUTCOMES}  # nobody is censored before
    for row in at_end.iter_rows(named=True):
        assert row["estimate"] == pytest.approx(shares[str(row["cause"])], abs=1e-9)


def test_refusals():
    data, happened = calls(("a", 0), ("b", 5), NOBODY), events(("a", 5, "VTE"), *ALL)

    def after(data=data, happened=happened, **options):
        return lambda: outcomes_after(data, happened, **(ROLES | options))

    assert_refused(after(outcomes=["VTE"]), argument="outcomes", says=["without 'death'"])
    assert_refused(after(outcomes=[]), argument="outcomes")
    assert_refused(after(outcomes=["death", "death"]), argument="outcomes")
    assert_refused(after(outcomes=["death", "censored"]), argument="outcomes")
    assert_refused(after(outcomes=["VTE", "MI", "death"]), argument="outcomes", column="what", says=["'MI'"])
    assert_refused(after(days=0), argument="days")
    assert_refused(after(prefix=""), argument="prefix")
    assert_refused(after(data.with_columns(outcome_days=1)), argument="prefix", column="outcome_days")
    assert_refused(after(last_day=date(2024, 1, 3)), argument="last_day", rows=[2])
    seen = data.with_columns(seen=pl.lit(date(2024, 1, 3)))
    assert_refused(after(seen, last_day="seen"), argument="last_day", column="seen", rows=[2])
    assert_refused(after(seen, last_day="patient"), argument="last_day", column="patient")
    assert_refused(after(data, time="patient"), argument="time", column="patient")
    assert_refused(after(happened=happened.with_columns(day=1)), argument="event_time", column="day")
    others = happened.with_columns(patient=pl.lit("q"))
    assert_refused(after(happened=others), argument="id", column="patient", says=["nobody"])
    dead = pl.concat([happened, events(("b", 2, "death"))])
    assert_refused(after(happened=dead), argument="time", column="at", rows=[2])
    twice = pl.concat([happened, events(("a", 6, "death"), ("a", 9, "VTE"))])
    assert_refused(after(happened=twice), argument="events", says=["1 outcome after"])
