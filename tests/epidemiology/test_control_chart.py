"""Control charts: qcc's numbers, by hand, run rules, refusals and warnings."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.stats import binom, norm, poisson

from hemresearch.epidemiology import control_chart
from hemresearch.numerics import control_chart as kernel

CHARTS = reference_cases("time_series", "p_", "c_", "u_")
SIZES = {"p": {"n": "size"}, "u": {"person_time": "size"}, "c": {}}
LIMITS = ["control_low", "control_high"]


def periods(events, size=None) -> pl.DataFrame:
    frame = pl.DataFrame({"time": range(1, len(events) + 1), "d": events})
    return frame if size is None else frame.with_columns(pl.Series("size", size))


def of_case(case, **options):
    data = periods(case.options["events"], case.options["size"])
    kind = case.options["kind"]
    return control_chart(data, time="time", events="d", kind=kind, **SIZES[kind], **options)


@pytest.mark.parametrize("case_id", CHARTS)
def test_matches_qcc(reference, case_id):
    case = reference("time_series", case_id)
    chart = of_case(case, rules=["beyond limits"])
    frame = chart.to_frame()
    assert_close(chart.centre, case.values["center"], rel=1e-12)
    assert_close(frame["control_low"].to_list(), case.values["low"], rel=1e-10)
    assert_close(frame["control_high"].to_list(), case.values["high"], rel=1e-10)
    assert chart.signals()["time"].to_list() == sorted(case.values.get("beyond") or [])


@pytest.mark.parametrize("case_id", CHARTS)
def test_exact_limits_are_rs_quantiles(reference, case_id):
    case = reference("time_series", case_id)
    frame = of_case(case, limits="exact").to_frame()
    assert_close(frame["control_low"].to_list(), case.values["exact_low"], rel=1e-10)
    assert_close(frame["control_high"].to_list(), case.values["exact_high"], rel=1e-10)


@pytest.mark.parametrize("case_id", CHARTS)
def test_over_dispersion_is_laneys(reference, case_id):
    case = reference("time_series", case_id)
    chart = of_case(case, over_dispersion="laney")
    assert_close(chart.sigma_z, case.values["sigma_z"], rel=1e-10)
    assert_close(chart.to_frame()["control_low"].to_list(), case.values["laney_low"], rel=1e-10)
    assert_close(chart.to_frame()["control_high"].to_list(), case.values["laney_high"], rel=1e-10)
    assert "′ chart" in chart.text()
    assert "Laney" in chart.methods()


def test_montgomerys_books_limits(reference):
    # Introduction to Statistical Quality Control, circuit boards: centre 19.85, limits 6.48 and 33.21
    first = reference("time_series", "c_circuit").options["events"][:26]
    chart = control_chart(periods(first), time="time", events="d", kind="c", rules=["beyond limits"])
    assert round(chart.centre, 2) == 19.85
    assert [round(v, 2) for v in chart.to_frame().select(LIMITS).row(0)] == [6.48, 33.21]
    assert chart.signals()["time"].to_list() == [6, 20]


@given(st.floats(0.05, 40), st.sampled_from([1.5, 2.0, 3.0]))
def test_a_count_beyond_an_exact_limit_has_at_most_its_tail(mean, sigma):
    tail = norm.sf(sigma)
    low, high = kernel.probability_limits(mean, np.array([1.0]), tail, shares=False)
    assert poisson.cdf(low[0] - 1, mean) <= tail < poisson.cdf(low[0], mean) + 1e-9
    assert poisson.sf(high[0], mean) <= tail * (1 + 1e-9)
    assert poisson.sf(high[0] - 1, mean) > tail * (1 - 1e-9)


@given(st.integers(1, 200), st.floats(0.01, 0.99))
def test_exact_limits_of_shares(n, share):
    low, high = kernel.probability_limits(share, np.array([float(n)]), 0.01, shares=True)
    assert high[0] * n == pytest.approx(binom.ppf(0.99, n, share))
    assert low[0] * n == pytest.approx(binom.ppf(0.01, n, share))


def ends(rule: str, z) -> list[int]:
    return np.flatnonzero(kernel.RULES[rule](np.array(z, dtype=float))).tolist()


def test_rules_by_hand():
    assert ends("2 of 3", [0, 2.1, 0, 2.1, -2.1, 2.1, 0]) == [3, 5]
    assert ends("2 of 3", [2.1, -2.1, 0]) == []
    assert ends("4 of 5", [1.1, 1.1, 0, 1.1, 1.1, 0]) == [4]
    assert ends("4 of 5", [-1.1] * 4 + [1.1, -1.1]) == [5]
    assert ends("8 on one side", [0.1] * 8 + [-0.1] * 7) == [7]
    assert ends("9 on one side", [-0.1] * 10) == [8, 9]
    assert ends("6 in a trend", [5, 0, 1, 2, 3, 4, 5, 5]) == [6]
    assert ends("6 in a trend", [6, 5, 4, 3, 2, 1]) == [5]
    assert ends("14 alternating", [0, 1] * 7) == [13]
    assert ends("14 alternating", [0, 1] * 6 + [0, 0]) == []
    assert ends("15 near the centre", [0.9, -0.9] * 8) == [14, 15]
    assert ends("8 far from the centre", [1.1, -1.1] * 4) == [7]
    assert ends("8 on one side", [1, 2]) == []


def test_what_a_period_breaks_is_told():
    chart = control_chart(
        periods([10] * 10 + [12] * 8 + [30]), time="time", events="d", kind="c", target=10,
    )  # fmt: skip
    signals = dict(chart.signals().select("time", "signal").iter_rows())
    assert signals == {18: "8 on one side", 19: "beyond limits, 8 on one side"}
    assert chart.text() == "c chart of the number of events, centre 10.00: 2 of 19 periods with a signal"
    assert repr(chart).splitlines()[1:3] == [
        "  18: 12, 8 on one side",
        "  19: 30, beyond limits, 8 on one side",
    ]
    assert chart.summary()["n_signals"][0] == 2


def test_a_baseline_sets_the_limits():
    data = periods([5, 6, 4, 5, 6, 4, 5, 6, 4, 5, 20, 21, 19])
    chart = control_chart(data, time="time", events="d", kind="c", baseline=10)
    assert chart.centre == 5
    assert chart.to_frame()["baseline"].sum() == 10
    assert chart.signals()["time"].to_list() == [11, 12, 13]


def test_rows_of_a_period_are_added_up_and_dates_are_put_in_order():
    days = pl.DataFrame(
        {
            "day": [date(2024, 1, d % 12 + 1) for d in range(24, 0, -1)],
            "late": [d % 3 == 0 for d in range(24)],
        }
    ).with_columns(n=1)
    chart = control_chart(days.lazy(), time="day", events="late", n="n", kind="p")
    frame = chart.to_frame()
    assert frame["time"].is_sorted()
    assert frame["n"].to_list() == [2] * 12
    assert frame["n_event"].sum() == 8


def test_refusals():
    data = periods([1, 2, 3, 2, 1, 2, 3, 1, 2, 3], [10] * 10).with_columns(word=pl.lit("a"))
    base = {"time": "time", "events": "d"}

    def chart(**options):
        return lambda: control_chart(data, **(base | options))

    assert_refused(chart(kind="x"), argument="kind")
    assert_refused(chart(kind="u"), argument="kind", says=["no size"])
    assert_refused(chart(kind="c", n="size"), argument="kind", says=["n was given"])
    assert_refused(chart(kind="p", n="size", person_time="size"), argument="kind")
    assert_refused(chart(kind="c", limits="exact", over_dispersion="laney"), argument="limits")
    assert_refused(chart(kind="c", rules=["beyond"]), argument="rules")
    assert_refused(chart(kind="c", sigma=0), argument="sigma")
    assert_refused(chart(kind="c", time="word"), argument="time", column="word")
    assert_refused(chart(kind="p", n="d", events="size"), argument="n", column="d", rows=range(1, 11))
    assert_refused(chart(kind="c", baseline=1), argument="baseline", says=["1 period in"])
    assert_refused(chart(kind="c", baseline=date(2024, 1, 1)), argument="baseline")
    assert_refused(chart(kind="c", baseline=pl.col("time") < 10), argument="baseline")
    dated = pl.date(2024, 1, 1) + pl.duration(days=pl.col("time"))
    assert_refused(chart(kind="c", time=dated, baseline=10), argument="baseline", says=["0 periods in"])
    assert_refused(chart(kind="p", n="size", target=1.0), argument="target")
    assert_refused(
        lambda: control_chart(data[:1], **base, kind="c"), argument="time", column="time", says=["1 period"]
    )
    none = data.with_columns(d=0)
    assert_refused(lambda: control_chart(none, **base, kind="c"), argument="events", column="d")
    assert_refused(
        lambda: control_chart(data.with_columns(d="size"), **base, kind="p", n="size"), argument="events",
        column="d", says=["nothing but events"],
    )  # fmt: skip
    assert_refused(
        lambda: control_chart(none, **base, kind="u", person_time=pl.col("size") * (pl.col("time") > 2)),
        argument="person_time", column="size",
    )  # fmt: skip
    assert_refused(
        lambda: control_chart(data.with_columns(d=4), **base, kind="c", over_dispersion="laney"),
        argument="over_dispersion", column="d",
    )  # fmt: skip


def test_a_short_baseline_is_warned_of():
    data = periods([1, 2, 3, 2])
    assert_warns(
        lambda: control_chart(data, time="time", events="d", kind="c"),
        argument="baseline",
        says=["4 periods"],
    )
