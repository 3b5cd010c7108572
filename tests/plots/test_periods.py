"""Control charts, cumulative sums, interrupted series and calendar heat maps: what is drawn, and its room."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

pytestmark = pytest.mark.filterwarnings("ignore:variance. 'newey-west' was taken")  # few periods


@pytest.fixture(scope="module")
def months() -> pl.DataFrame:
    """Five years of months with a fall in the fourth."""
    rng, n = np.random.default_rng(3), 60
    t = np.arange(n)
    when = pl.date_range(date(2020, 1, 1), date(2025, 1, 1), "1mo", closed="left", eager=True)
    mean = 700 * np.exp(-1 + 0.002 * (t - 36) - 0.3 * (t >= 36) + 0.05 * np.cos(2 * np.pi * t / 12))
    return pl.DataFrame({"month": when, "y": rng.poisson(mean), "hours": 700.0 + t % 4})


@pytest.fixture(scope="module")
def chart(months):
    return hem.epidemiology.control_chart(
        months, time="month", events="y", person_time="hours", kind="u", baseline=date(2022, 12, 1)
    )


@pytest.fixture(scope="module")
def cusum(months):
    return hem.epidemiology.cusum(
        months, time="month", events="y", person_time="hours", ratio=0.8, baseline=date(2022, 12, 1)
    )


@pytest.fixture(scope="module")
def series(months):
    return hem.epidemiology.interrupted_time_series(
        months, time="month", events="y", person_time="hours", intervention=date(2023, 1, 1), harmonics=1
    )


@pytest.fixture(scope="module")
def hours() -> pl.DataFrame:
    days = pl.DataFrame(
        {"weekday": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]}
    )
    grid = days.join(pl.DataFrame({"hour": range(24)}), how="cross")
    return grid.with_columns(estimate=1.0 + pl.col("hour") * 0.4)


def drawn(ax, gid: str) -> list:
    return [line for line in ax.lines if line.get_gid() == gid]


def test_a_control_chart_draws_every_period_and_its_limits(chart):
    ax = chart.plot(per=24)
    (line,) = drawn(ax, "periods")
    np.testing.assert_allclose(line.get_ydata(), chart.frame["estimate"] * 24)
    for name in ("control_low", "control_high"):
        (limit,) = drawn(ax, name)
        np.testing.assert_allclose(limit.get_ydata(), chart.frame[name] * 24)
    (signals,) = drawn(ax, "signals")
    np.testing.assert_allclose(signals.get_ydata(), chart.signals()["estimate"] * 24)
    assert ax.get_ylabel() == "Rate per 24"
    assert [p.get_gid() for p in ax.patches] == ["baseline"]


def test_a_cumulative_sum_draws_its_threshold(cusum):
    ax = cusum.plot()
    (threshold,) = drawn(ax, "threshold")
    assert threshold.get_ydata()[0] == cusum.threshold
    (line,) = drawn(ax, "periods")
    np.testing.assert_allclose(line.get_ydata(), cusum.frame["statistic"])
    first = hem.plots.fingerprint(ax).splitlines()[0]
    assert first == f"Poisson CUSUM of 60 periods, threshold {cusum.threshold:.4g}"


def test_a_series_draws_the_model_and_the_counterfactual(series):
    ax = series.plot(intervention_label="New rota")
    frame = series.fitted()
    after = frame.filter(pl.col("counterfactual").is_not_null())
    (without,) = drawn(ax, "counterfactual")
    np.testing.assert_allclose(without.get_ydata(), after["counterfactual"])
    model = np.concatenate([line.get_ydata() for line in drawn(ax, "model")])
    np.testing.assert_allclose(model, frame["estimate"])
    assert {line.get_linestyle() for line in drawn(ax, "model")} == {"-"}
    assert "New rota" in [text.get_text() for text in ax.texts]
    assert ax.get_ylabel() == "Rate"
    assert len(series.plot(band=False).collections) == 0
    told = hem.plots.fingerprint(ax).splitlines()
    assert told[0] == "interrupted time series of 60 periods, intervention at 2023-01-01"
    assert told[3].startswith(f"  2023-01-01: observed {after['observed'][0]:.4g}, estimate ")


def test_heat_fields_are_the_estimates(hours):
    ax = hem.plots.draw_calendar_heat(hours, width=170)
    (mesh,) = ax.collections
    np.testing.assert_allclose(mesh.get_array(), np.tile(1 + 0.4 * np.arange(24), (7, 1)))
    assert len(ax.texts) == 7 * 24
    first = hem.plots.fingerprint(ax).splitlines()[0]
    assert first == "estimate by hour and weekday: highest 10.2 at 23, Sunday; lowest 1 at 0, Monday"
    assert len(hem.plots.draw_calendar_heat(hours, width=80).texts) == 0
    assert [t.get_text() for t in ax.get_yticklabels()][:2] == ["Monday", "Tuesday"]


def test_a_field_without_an_estimate_is_empty(hours):
    ax = hem.plots.draw_calendar_heat(
        hours.lazy().filter(pl.col("hour") + pl.col("estimate") > 1.2), numbers=True
    )
    assert np.isnan(ax.collections[0].get_array()).sum() == 0
    ax = hem.plots.draw_calendar_heat(hours[1:], numbers=True)
    assert np.ma.getmaskarray(ax.collections[0].get_array())[0, 0] or np.isnan(
        ax.collections[0].get_array()[0, 0]
    )


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("name", ["blood"])
@pytest.mark.parametrize("kind", ["chart", "cusum", "series", "hours"])
def test_nothing_overlaps(request, kind, name, width):
    result = request.getfixturevalue(kind)
    with hem.plots.theme(name):
        if kind == "hours":
            ax = hem.plots.draw_calendar_heat(result, width=width, color_label="Consultations per hour")
        else:
            ax = result.plot(width=width, title="Consultations by month", y_label="Consultations per day")
    assert hem.plots.layout_problems(ax.figure) == []


def test_into_axes_of_ones_own(chart, series, hours):
    for draw in (chart.plot, series.plot, lambda ax: hem.plots.draw_calendar_heat(hours, ax=ax)):
        panel = hem.plots.figure(width=115).subplots()
        assert draw(ax=panel) is panel


def test_numbers_of_periods_have_whole_ticks():
    weeks = pl.DataFrame({"week": range(1, 13), "y": [4, 6, 3, 5, 4, 7, 5, 4, 6, 5, 4, 5]})
    ax = hem.epidemiology.control_chart(weeks, time="week", events="y", kind="c").plot(legend=False)
    assert all(float(tick).is_integer() for tick in ax.get_xticks())
    assert ax.get_legend() is None
    assert not drawn(ax, "signals")


def test_refusals(chart, series, hours):
    assert_refused(lambda: chart.plot(legend="below"), argument="legend")
    assert_refused(lambda: series.plot(legend="below"), argument="legend")
    assert_refused(lambda: hem.plots.draw_calendar_heat(hours, x="day"), argument="volume", says=["day"])
    assert_refused(
        lambda: hem.plots.draw_calendar_heat(pl.concat([hours, hours[:1]])), argument="volume", rows=[1, 169]
    )
