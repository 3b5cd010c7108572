"""Consultations on call: by hand, R's numbers, truths, refusals and warnings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.stats import nbinom, poisson

from hemresearch.hematology.consultations import (
    add_repeats,
    calendar,
    erlang_c,
    period_counts,
    repeat_consultations,
    staffing,
    volume,
    volume_model,
)
from hemresearch.numerics.staffing import count_quantile, erlang_waiting, fewest_staff, in_progress

WEEK = {"first_day": date(2024, 3, 4), "last_day": date(2024, 3, 10)}  # Monday to Sunday
SHIFTS = {"day": (8, 16), "evening": (16, 22), "night": (22, 8)}


@pytest.fixture(scope="module")
def calls() -> pl.DataFrame:
    """Five consultations in a week."""
    at = [(4, 9, 5), (4, 9, 50), (4, 23, 0), (9, 2, 30), (10, 9, 0)]
    return pl.DataFrame(
        {
            "at": [datetime(2024, 3, d, h, m) for d, h, m in at],
            "referrer": ["ward", "emergency", "ward", "ward", "clinic"],
            "patient": ["a", "b", "a", "a", "c"],
        }
    )


def rates(calls, **options) -> pl.DataFrame:
    return volume(calls, time="at", **(WEEK | options)).to_frame()


# ---------------------------------------------------------------- volume


def test_hours_without_a_consultation_count(calls):
    frame = rates(calls, by="hour")
    assert frame.height == 24
    assert frame["person_time"].to_list() == [7.0] * 24
    nine = frame.filter(hour=9).row(0, named=True)
    assert (nine["n_event"], nine["estimate"]) == (3, 3 / 7)
    assert nine["conf_high"] == pytest.approx(poisson_high(3) / 7)
    assert frame["n_event"].sum() == 5
    assert rates(calls)["estimate"].to_list() == [5 / 168]
    assert rates(calls, per="week")["estimate"].to_list() == [5.0]


def poisson_high(d: int) -> float:
    from scipy.stats import chi2

    return chi2.ppf(0.975, 2 * d + 2) / 2


def test_parts_of_the_calendar(calls):
    frame = rates(calls, by=["weekday", "shift"], shifts=SHIFTS, per="day")
    assert frame.height == 21
    monday = frame.filter(weekday="Monday")
    assert dict(zip(monday["shift"].cast(pl.String), monday["n_event"], strict=True)) == {
        "day": 2, "evening": 0, "night": 1,
    }  # fmt: skip
    assert monday["person_time"].to_list() == [8.0, 6.0, 10.0]
    assert frame["weekday"].unique(maintain_order=True).to_list()[:2] == ["Monday", "Tuesday"]
    held = rates(calls, by="holiday", holidays=[date(2024, 3, 4)])
    assert held.select("holiday", "n_event", "person_time").rows() == [(False, 2, 144.0), (True, 3, 24.0)]
    year = rates(calls, by=["year", "month", "season", "date"], first_day=date(2024, 2, 29))
    assert year.height == 11
    assert year.row(0)[:4] == (2024, "February", "winter", date(2024, 2, 29))
    assert year["season"][1] == "spring"


def test_every_value_of_a_column_has_all_the_hours(calls):
    frame = rates(calls, by=["referrer", "weekday"])
    assert frame.height == 21
    assert frame["person_time"].to_list() == [24.0] * 21
    assert frame["n_event"].sum() == 5
    by_expression = rates(calls, by=(pl.col("referrer") == "ward").alias("from_ward"))
    assert by_expression["n_event"].to_list() == [2, 3]


def test_days_on_which_clocks_change_have_23_and_25_hours():
    for day, hours in ((date(2024, 3, 31), 23), (date(2024, 10, 27), 25), (date(2024, 6, 1), 24)):
        stamp = pl.Series("at", [datetime(day.year, day.month, day.day, 12)]).dt.replace_time_zone(
            "Europe/Stockholm"
        )
        frame = volume(stamp.to_frame(), time="at", first_day=day, last_day=day).to_frame()
        assert frame["person_time"][0] == hours
        counts = period_counts(stamp.to_frame(), time="at", first_day=day, last_day=day)
        assert counts["hours"][0] == hours
    twice = volume(
        stamp.to_frame(), time="at", by="hour", first_day=date(2024, 6, 1), last_day=date(2024, 10, 27)
    )
    assert twice.to_frame().filter(hour=2)["person_time"][0] == 150  # of 149 days


def test_a_day_may_begin_at_one_where_clocks_change_at_midnight():
    day = date(2018, 11, 4)
    for zone, first, hours in (("America/Sao_Paulo", 1, 23), ("Asia/Kathmandu", 0, 24)):
        stamp = pl.Series("at", [datetime(2018, 11, 4, 12, 30)]).dt.replace_time_zone(zone).to_frame()
        frame = volume(stamp, time="at", by="hour", first_day=day, last_day=day).to_frame()
        assert frame["hour"].to_list() == list(range(first, 24))
        assert frame["person_time"].sum() == hours
        assert frame.filter(n_event=1)["hour"].to_list() == [12]
        queue = staffing(stamp, time="at", by="hour", first_day=day, last_day=day, minutes_per_consultation=5)
        assert queue.filter(hour=12)["mean"].to_list() == [1.0]


def test_the_calendar_is_that_of_the_zone():
    stamp = pl.Series("at", [datetime(2024, 3, 4, 23, 30)]).dt.replace_time_zone("UTC")
    local = stamp.dt.convert_time_zone("Europe/Stockholm").to_frame()
    frame = rates(local, by=["weekday", "hour"]).filter(n_event=1)
    assert frame.select("weekday", "hour").rows() == [("Tuesday", 0)]


def test_only_hours_on_call_count(calls):
    office = pl.col("hour").is_between(8, 15)
    day = calls.filter(pl.col("at").dt.hour() == 9)
    assert rates(day, on_call=office)["person_time"].to_list() == [56.0]
    assert_refused(
        lambda: rates(calls, on_call=office), argument="time", column="at", rows=[3, 4], says=["on call"]
    )
    assert_refused(lambda: rates(calls, on_call=pl.col("hour") > 23), argument="on_call")


def test_any_table_will_do(calls):
    assert_frame_equal(rates(calls.lazy(), by="weekday"), rates(calls, by="weekday"))
    assert_frame_equal(rates(calls.to_pandas(), by="weekday"), rates(calls, by="weekday"))
    days = calls.with_columns(pl.col("at").dt.date())
    assert_frame_equal(rates(days, by="weekday"), rates(calls, by="weekday"))
    missing = calls.with_columns(pl.when(pl.col("patient") == "c").then(None).otherwise("at").alias("at"))
    assert volume(missing, time="at", missing="drop", **WEEK).n_dropped == 1
    assert_refused(lambda: rates(missing), argument="time", column="at", rows=[5])


def test_columns_that_hold_the_part_of_the_calendar_do_no_harm(calls):
    named = calls.with_columns(hour=pl.col("at").dt.hour(), weekday=pl.col("at").dt.strftime("%A"))
    both = ["weekday", "hour"]
    assert_frame_equal(rates(named, by=both), rates(calls, by=both))


def test_volume_refusals(calls):
    assert_refused(lambda: rates(calls, per="month"), argument="per")
    assert_refused(lambda: rates(calls, first_day=datetime(2024, 3, 4)), argument="first_day")
    assert_refused(lambda: rates(calls, last_day="2024-03-10"), argument="last_day")
    assert_refused(lambda: rates(calls, last_day=date(2024, 3, 1)), argument="last_day")
    assert_refused(
        lambda: rates(calls, last_day=date(2024, 3, 9)), argument="time", column="at", rows=[5],
        says=["1 consultation outside"],
    )  # fmt: skip
    assert_refused(lambda: rates(calls, by="holiday"), argument="holidays")
    assert_refused(lambda: rates(calls, by="shift"), argument="shifts")
    assert_refused(lambda: rates(calls, holidays=["2024-03-04"]), argument="holidays")
    assert_refused(lambda: rates(calls, shifts={"day": (8, 20)}, by="shift"), argument="shifts")
    unknown = lambda: rates(calls, by=["veckodag", "hour"])  # noqa: E731
    assert_refused(unknown, argument="by", says=["one of 'hour', 'shift', 'weekday'", "'referrer'"])
    renamed = calls.rename({"referrer": "month"})
    assert_refused(lambda: rates(renamed, by="month"), argument="by", column="month", rows=range(1, 6))
    assert_refused(lambda: rates(calls, by=pl.col("referrer").alias("hour")), argument="by", column="hour")
    days = calls.with_columns(pl.col("at").dt.date())
    assert_refused(lambda: rates(days, by="hour"), argument="time", column="at", says=["no hour"])
    assert_refused(lambda: volume(calls, time="referrer", **WEEK), argument="time", column="referrer")


# ---------------------------------------------------------------- periods and models


def test_periods_without_a_consultation_are_there(calls):
    days = period_counts(calls, time="at", holidays=[date(2024, 3, 8)], **WEEK)
    assert days["consultations"].to_list() == [3, 0, 0, 0, 0, 1, 1]
    assert days["holiday"].to_list() == [False] * 4 + [True] + [False] * 2
    assert days["weekday"][6] == "Sunday"
    weeks = period_counts(
        calls, time="at", every="week", first_day=date(2024, 2, 28), last_day=date(2024, 3, 17)
    )
    assert weeks["consultations"].to_list() == [0, 5, 0]
    assert weeks["hours"].to_list() == [120.0, 168.0, 168.0]
    assert weeks["date"].to_list() == [date(2024, 2, 26), date(2024, 3, 4), date(2024, 3, 11)]
    months = period_counts(
        calls, time="at", every="month", by="referrer", first_day=date(2024, 2, 1), last_day=date(2024, 3, 31)
    )
    assert months.rows()[4][:3] == ("ward", date(2024, 2, 1), 0)
    assert months["consultations"].sum() == 5
    assert_refused(lambda: period_counts(calls, time="at", by="weekday", **WEEK), argument="by")
    assert_refused(lambda: period_counts(calls, time="at", every="hour", **WEEK), argument="every")


def test_a_calendar_of_days_to_predict():
    days = calendar(
        date(2024, 12, 31), date(2025, 1, 1), holidays=[date(2025, 1, 1)], origin=date(2024, 1, 1)
    )
    assert days.row(1, named=True)["holiday"]
    assert days["trend"].to_list() == [365 / 365.25, 366 / 365.25]
    assert days["sin_1"][1] == pytest.approx(0, abs=1e-9)
    assert days["cos_2"][1] == 1
    assert "hour" not in days.columns
    assert_refused(lambda: calendar(date(2024, 1, 1), date(2024, 1, 2), harmonics=7), argument="harmonics")


def stamps(first: str, counts) -> pl.DataFrame:
    noon = datetime.fromisoformat(first) + timedelta(hours=12)
    return pl.DataFrame(
        {"at": [noon + timedelta(days=i) for i, n in enumerate(counts) for _ in range(int(n))]}
    )


@pytest.fixture(scope="module")
def daily(reference):
    case = reference("time_series", "daily")
    first = date.fromisoformat(case.options["first"])
    period = {"first_day": first, "last_day": first + timedelta(days=len(case.options["y"]) - 1)}
    return case, stamps(case.options["first"], case.options["y"]), period


@pytest.mark.parametrize(
    ("family", "coef", "se"),
    [("negative-binomial", "coef", "newey_west"), ("quasi", "quasi_coef", "quasi_newey_west")],
)
def test_the_model_of_days_matches_r(daily, family, coef, se):
    case, data, period = daily
    fit = volume_model(data, time="at", harmonics=1, family=family, **period)
    assert_close(fit.coef.tolist(), case.values[coef], rel=1e-6)
    assert_close(fit.std_error.tolist(), case.values[se], rel=1e-5)
    plain = assert_warns(
        lambda: volume_model(
            data, time="at", harmonics=1, family=family, variance="model-based", **period
        ),
        argument="variance", says=["-0.15"],
    )  # fmt: skip
    assert_close(plain.std_error.tolist(), case.values["se" if family != "quasi" else "quasi_se"], rel=1e-5)
    assert fit.variance == "Newey-West (7 lags)"


def test_days_to_come_are_predicted(daily):
    case, data, period = daily
    fit = volume_model(data, time="at", harmonics=1, **period)
    assert_close(1 / fit.alpha, case.values["theta"], rel=1e-4)
    days = calendar(period["first_day"], period["first_day"] + timedelta(days=13), harmonics=1)
    mean = fit.predict(days)["estimate"].to_list()
    quantile = [count_quantile(0.95, m, fit.alpha) for m in mean]
    assert quantile == case.values["q95"]
    monthly = volume_model(data, time="at", terms=["month", "holiday"], holidays=[date(2024, 5, 1)], **period)
    assert "holiday[true]" in [c.lower() for c in monthly.columns]


def test_model_refusals_and_warnings(daily):
    _, data, period = daily

    def model(**options):
        return lambda: volume_model(data, time="at", **(period | options))

    assert_refused(model(terms=[]), argument="terms")
    assert_refused(model(terms=["month", "season"]), argument="terms")
    assert_refused(model(terms=["week"]), argument="terms")
    assert_refused(model(terms=["holiday"]), argument="holidays")
    assert_refused(model(family="normal"), argument="family")
    assert_refused(model(lags=-1), argument="lags")
    assert_refused(model(harmonics=0), argument="harmonics")
    busy = stamps("2024-01-01", [6] * 30 + [2] * 30)
    period = {"first_day": date(2024, 1, 1), "last_day": date(2024, 2, 29)}
    assert_warns(
        lambda: volume_model(
            busy, time="at", terms="weekday", family="quasi", variance="model-based", **period
        ),
        argument="variance", says=["too narrow"],
    )  # fmt: skip


# ---------------------------------------------------------------- staffing


@pytest.mark.parametrize("case_id", reference_cases("time_series", "erlang_"))
def test_erlangs_formula(reference, case_id):
    case = reference("time_series", case_id)
    waiting = erlang_waiting(case.options["load"], case.options["servers"])
    assert_close(waiting, case.values["waiting"], rel=1e-10)


def test_queues_by_hand():
    # one server: the probability of waiting is the load, the mean wait load / (rate - arrivals)
    one = erlang_c(per_hour=2, minutes=15, staff=1, longer_than=10).row(0, named=True)
    assert one["waiting"] == one["occupancy"] == 0.5
    assert one["mean_wait"] == pytest.approx(0.5 / (4 - 2) * 60)
    assert one["waiting_longer"] == pytest.approx(0.5 * np.exp(-(4 - 2) / 6))
    # a published example: 48 erlangs and 55 agents, 23.9 %
    assert round(erlang_c(per_hour=720, minutes=4, staff=[55])["waiting"][0], 3) == 0.239
    # Mathematica's: 30 calls an hour of five minutes, 90 % not delayed
    assert fewest_staff(2.5, 0.1) == 6
    never = erlang_c(per_hour=10, minutes=30, staff=range(4, 7))
    assert never["waiting"].to_list()[:2] == [1.0, 1.0]
    assert never["mean_wait"].to_list()[:2] == [None, None]
    assert erlang_c(per_hour=10, minutes=30)["staff"].to_list() == [6, 7, 8, 9, 10, 11]


@given(st.floats(0.01, 60), st.floats(0.0, 2.0), st.sampled_from([0.5, 0.9, 0.99]))
@settings(max_examples=50)
def test_quantiles_of_counts(mean, alpha, share):
    d = poisson(mean) if alpha < 1e-3 else nbinom(1 / alpha, 1 / (1 + alpha * mean))
    k = count_quantile(share, mean, 0.0 if alpha < 1e-3 else alpha)
    assert d.cdf(k) >= share * (1 - 1e-9)
    assert k == 0 or d.cdf(k - 1) < share * (1 + 1e-9)


def test_consultations_in_progress_by_hand():
    assert in_progress(np.array([0.0, 5.0, 20.0]), 10.0, np.array([0, 4.9, 5, 10, 15, 25])).tolist() == [
        1, 1, 2, 1, 0, 1,
    ]  # fmt: skip


def test_staffing_by_hand(calls):
    frame = staffing(calls, time="at", by="hour", minutes_per_consultation=60, quantile=0.9, **WEEK)
    nine = frame.filter(hour=9).row(0, named=True)
    # counts of the hour from nine: 2, 0, 0, 0, 0, 0, 1
    assert (nine["hours"], nine["mean"], nine["quantile_empirical"]) == (7, 3 / 7, 2)
    assert nine["quantile_poisson"] == poisson.ppf(0.9, 3 / 7)
    assert nine["alpha"] > 0
    assert nine["quantile_negative_binomial"] >= nine["quantile_poisson"]
    assert nine["in_progress_max"] == 2
    # minutes in progress within the hour: 55 and 10 on Monday, 60 on Sunday
    assert nine["in_progress_mean"] == pytest.approx((55 + 10 + 60) / 420)
    assert nine["staff_hour"] == nine["quantile_negative_binomial"]
    assert nine["staff_queue"] == fewest_staff(3 / 7, 0.2)
    none = frame.filter(hour=5).row(0, named=True)
    assert (none["quantile_negative_binomial"], none["staff_hour"], none["staff_queue"]) == (0, 0, 0)
    assert staffing(calls, time="at", minutes_per_consultation=20, **WEEK).height == 168


def test_staffing_refusals(calls):
    base = {"time": "at", "minutes_per_consultation": 20, **WEEK}
    assert_refused(
        lambda: staffing(calls, **(base | {"minutes_per_consultation": 0})),
        argument="minutes_per_consultation",
    )
    assert_refused(lambda: staffing(calls, quantile=1, **base), argument="quantile")
    assert_refused(lambda: staffing(calls, waiting=0, **base), argument="waiting")
    assert_refused(lambda: staffing(calls, by="referrer", **base), argument="by")
    assert_refused(lambda: staffing(calls, by=None, **base), argument="by")
    assert_refused(lambda: erlang_c(per_hour=0, minutes=4), argument="per_hour")
    assert_refused(lambda: erlang_c(per_hour=1, minutes=-4), argument="minutes")
    assert_refused(lambda: erlang_c(per_hour=1, minutes=4, longer_than=-1), argument="longer_than")
    for staff in (0, [1.5], [], True):
        assert_refused(lambda staff=staff: erlang_c(per_hour=1, minutes=4, staff=staff), argument="staff")


# ---------------------------------------------------------------- repeats


def visits(*days: tuple[str, int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"patient": [p for p, _ in days], "day": [date(2024, 1, 1) + timedelta(days=d) for _, d in days]}
    )


def test_repeats_by_hand():
    data = visits(("a", 40), ("a", 0), ("b", 3), ("a", 20), ("a", 90), ("b", 33))
    chained = add_repeats(data, time="day", id="patient")
    assert chained["repeat"].to_list() == [True, False, False, True, False, True]
    assert chained["episode"].to_list() == [1, 1, 1, 1, 2, 1]
    assert chained["days_since_previous"].to_list() == [20, None, None, 20, 50, 30]
    fixed = add_repeats(data, time="day", id="patient", since="index")
    assert fixed["repeat"].to_list() == [False, False, False, True, False, True]
    assert fixed["episode"].to_list() == [2, 1, 1, 1, 3, 1]
    assert isinstance(add_repeats(data.lazy(), time="day", id="patient"), pl.LazyFrame)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), min_size=1, max_size=25))
@settings(max_examples=40)
def test_episodes_are_what_a_loop_finds(days):
    found = add_repeats(visits(*days), time="day", id="patient", within_days=7, since="index")
    for patient in set(found["patient"]):
        rows = found.filter(patient=patient).sort("day", maintain_order=True)
        start, number = None, 0
        for row in rows.iter_rows(named=True):
            if start is None or (row["day"] - start).days > 7:
                start, number = row["day"], number + 1
            assert row["episode"] == number


def test_shares_match_r(reference):
    case = reference("time_series", "repeats")
    # each patient's consultations on days that make those of R the repeats
    again, owner = case.options["again"], case.options["id"]
    day, last = [], {}
    for i, patient in enumerate(owner):
        step = 10 if again[i] else 100
        last[patient] = last.get(patient, 0) + step
        day.append((str(patient), last[patient]))
    result = repeat_consultations(visits(*day), time="day", id="patient")
    share = result.to_frame().row(0, named=True)
    assert_close(share["estimate"], case.values["share"], rel=1e-10)
    assert_close([share["conf_low"], share["conf_high"]], case.values["limits"], rel=1e-6)
    assert result.n == 10
    patients = result.to_frame().row(1, named=True)
    assert patients["estimate"] == 3 / 10
    assert result.to_frame()["estimate"][2] == 17 / 10


def test_nobody_comes_back():
    result = repeat_consultations(visits(("a", 1), ("b", 2), ("c", 1)), time="day", id="patient").to_frame()
    assert result["estimate"].to_list() == [0.0, 0.0, 1.0]
    assert result["conf_low"][0] == 0


def test_repeat_refusals_and_warnings(calls):
    base = {"time": "at", "id": "patient"}
    assert_refused(lambda: add_repeats(calls, **base, since="first"), argument="since")
    assert_refused(lambda: add_repeats(calls, **base, within_days=0), argument="within_days")
    assert_refused(
        lambda: add_repeats(calls, time="referrer", id="patient"), argument="time", column="referrer"
    )
    assert_refused(
        lambda: add_repeats(calls.with_columns(repeat=1), **base), argument="data", column="repeat"
    )
    assert_refused(lambda: repeat_consultations(calls.with_columns(patient=1), **base), argument="id")
    double = pl.concat([calls, calls[:1]])
    assert_warns(lambda: add_repeats(double, **base), argument="time", column="at", rows=[6])
