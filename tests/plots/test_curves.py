"""Curves are drawn as they are known: steps, limits, censorings, medians, words and the end of the axis."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PolyCollection
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.layout import layout_problems

draw_curves = hem.plots.draw_curves


def steps(ax) -> list:
    return [line for line in ax.lines if line.get_drawstyle() == "steps-post"]


def dashed(ax) -> list:
    return [line for line in ax.lines if line.get_linestyle() == "--" and line.get_linewidth() < 1]


def censor_ticks(ax) -> list:
    return [line for line in ax.lines if line.get_marker() == "|"]


def bands(ax) -> list:
    return [part for part in ax.collections if isinstance(part, PolyCollection)]


def test_a_survival_curve_starts_at_one_and_steps_at_its_times(survival):
    ax = draw_curves(survival)
    for line, part in zip(steps(ax), survival.to_frame().partition_by("trt"), strict=True):
        assert (line.get_xdata()[0], line.get_ydata()[0]) == (0, 1)
        np.testing.assert_array_equal(line.get_xdata()[1:], part["time"])
        np.testing.assert_array_equal(line.get_ydata()[1:], part["estimate"])


def test_a_cumulative_hazard_starts_at_zero(hazard):
    ax = draw_curves(hazard)
    assert [line.get_ydata()[0] for line in steps(ax)] == [0, 0]
    assert ax.get_ylabel() == "Cumulative hazard"
    assert ax.get_ylim()[0] == 0
    assert not dashed(ax)


def test_a_curve_from_a_later_start_begins_there(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", start_time=200)
    ax = draw_curves(curves)
    assert steps(ax)[0].get_xdata()[0] == 200
    assert ax.get_xlim()[0] == 200
    assert [text.get_text() for text in ax.get_xticklabels()][:3] == ["200", "500", "1000"]


def test_a_late_start_is_labelled_and_counted(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", start_time=90)
    ax = draw_curves(curves, time_unit="days", shown_in="years")
    assert [text.get_text() for text in ax.get_xticklabels()][:3] == ["0.25", "1", "2"]
    assert ax.get_xticks()[0] == 90
    assert "at risk 582 " in hem.plots.fingerprint(ax)
    ax = draw_curves(curves, time_unit="days", shown_in="years", risk_table="compact", until=1826)
    assert [text.get_text() for text in ax.get_xticklabels()][:3] == ["0.25", "1", "2"]
    assert layout_problems(ax.figure) == []
    later = hem.survival.kaplan_meier(trial, time="futime", event="death", start_time=300)
    ax = draw_curves(later, time_unit="days")
    assert [text.get_text() for text in ax.get_xticklabels()][:2] == ["300", "730"]
    assert layout_problems(ax.figure) == []


def test_incidences_of_several_causes_share_a_colour_and_differ_in_line_style(causes):
    ax = draw_curves(causes, quantity="cumulative incidence", until=12)
    first, second, third, fourth = steps(ax)
    assert first.get_color() == second.get_color() != third.get_color() == fourth.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert ax.get_ylabel() == "Cumulative incidence (%)"
    assert [line.get_ydata()[0] for line in steps(ax)] == [0] * 4


def test_causes_of_one_group_differ_in_colour(causes):
    ax = draw_curves(causes.filter(pl.col("arm") == "A"), quantity="cumulative incidence", by=[])
    assert len({line.get_color() for line in steps(ax)}) == 2


def test_follow_up_falls_from_one(trial):
    ax = draw_curves(hem.survival.follow_up(trial, time="futime", event="death"))
    assert steps(ax)[0].get_ydata()[0] == 1
    assert ax.get_ylabel() == "Under follow-up (%)"


def test_medians_are_dashed_lines_down_to_the_axis(survival):
    ax = draw_curves(survival, until=2400)
    medians = survival.quantile(0.5)["estimate"].to_list()
    across, *down = dashed(ax)
    assert list(across.get_xdata()) == [0, max(medians)]
    assert sorted(line.get_xdata()[0] for line in down) == sorted(medians)
    assert not dashed(draw_curves(survival, show_median=False))


def test_a_median_beyond_the_axis_is_not_drawn(survival):
    assert len(dashed(draw_curves(survival, until=1000))) == 2
    assert not dashed(draw_curves(survival, until=300))


def test_censorings_are_ticks_on_the_curve(survival):
    ax = draw_curves(survival, until=2400)
    part = survival.to_frame().filter(pl.col("trt") == "A", pl.col("n_censor") > 0)
    drawn = censor_ticks(ax)[0]
    assert set(drawn.get_xdata()) <= set(part["time"])
    assert len(drawn.get_xdata()) > 0.5 * part.height  # nearer than a quarter of a millimetre is one tick
    assert not censor_ticks(draw_curves(survival, show_censored=False))


def test_censorings_that_would_hide_the_curve_are_drawn_only_when_asked(made):
    curves = hem.survival.kaplan_meier(made(20_000, ["A"], events="none"), time="t", event="e")
    assert not censor_ticks(draw_curves(curves))
    assert censor_ticks(draw_curves(curves, show_censored=True))


def test_the_band_is_between_the_limits_and_ends_with_them(made):
    curves = hem.survival.kaplan_meier(made(30, ["A"], events="all"), time="t", event="e")
    frame = curves.to_frame()
    points = bands(draw_curves(curves))[0].get_paths()[0].vertices
    assert frame["conf_low"][-1] is None
    assert points[:, 0].max() == frame["time"][-1]
    assert points[:, 1].max() == 1
    assert points[:, 1].min() == pytest.approx(frame["conf_low"].min())


def test_many_curves_have_no_bands_unless_asked(made):
    curves = hem.survival.kaplan_meier(made(100, list("ABCDE")), time="t", event="e", by="g")
    assert not bands(draw_curves(curves))
    assert len(bands(draw_curves(curves, band=True))) == 5
    assert not bands(draw_curves(hem.survival.kaplan_meier(made(9, ["A"]), time="t", event="e"), band=False))


def test_a_curve_of_very_many_points_is_thinned_invisibly():
    n = 50_000
    time = np.arange(1.0, n + 1)
    frame = pl.DataFrame({"time": time, "n_risk": n + 1 - time, "n_event": 1, "n_censor": 0})
    line = steps(draw_curves(frame.with_columns(estimate=1 - pl.col("time") / n)))[0]
    assert 1000 < len(line.get_xdata()) < 10_000
    np.testing.assert_allclose(line.get_ydata(), 1 - line.get_xdata() / n, atol=1e-12)
    assert np.diff(line.get_xdata()).max() <= n / 2000


def test_the_axis_ends_where_few_are_left_unless_told(survival):
    assert draw_curves(survival).get_xlim()[1] < survival.to_frame()["time"].max()
    assert draw_curves(survival, until=730).get_xlim() == (0, 730)


def test_times_can_be_shown_in_another_unit(survival):
    ax = draw_curves(survival, time_unit="days", shown_in="years", until=1826.25)
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2", "3", "4", "5"]
    np.testing.assert_allclose(ax.get_xticks(), np.arange(6) * 365.25)
    assert ax.get_xlabel() == "Time (years)"


def test_a_unit_in_the_name_of_the_column_is_used(trial):
    months = trial.with_columns(os_months=pl.col("futime") / 30.4375)
    ax = draw_curves(hem.survival.kaplan_meier(months, time="os_months", event="death"))
    assert ax.get_xlabel() == "Time (months)"
    assert np.diff(ax.get_xticks())[0] == 12


def test_without_a_unit_the_axis_has_the_name_of_the_column(survival):
    assert draw_curves(survival).get_xlabel() == "futime"


def test_probabilities_are_shown_in_percent(survival):
    ax = draw_curves(survival)
    ax.figure.draw_without_rendering()
    shown = dict(zip(ax.get_yticks(), (label.get_text() for label in ax.get_yticklabels()), strict=True))
    assert [text for at, text in shown.items() if -0.01 < at < 1.01] == ["0", "20", "40", "60", "80", "100"]


def test_the_value_axis_can_be_zoomed(survival):
    ax = draw_curves(survival, y_limits=(0.4, 0.9))
    assert ax.get_ylim() == (0.4, 0.9)
    ax.figure.draw_without_rendering()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["40", "50", "60", "70", "80", "90"]
    narrow = draw_curves(survival, y_limits=(0, 0.125))
    narrow.figure.draw_without_rendering()
    assert [label.get_text() for label in narrow.get_yticklabels()][:3] == ["0.0", "2.5", "5.0"]


def test_p_and_effect_are_shown_as_given(trial, survival):
    test = hem.results.HypothesisTest("log-rank test", 5.27, 1.0, 0.0217)
    effect = "HR 0.77 (95% CI 0.62–0.96)"
    assert [t.get_text() for t in draw_curves(survival, p=test, effect=effect).texts] == [
        f"{effect}\nLog-rank test p=0.022"
    ]
    assert [t.get_text() for t in draw_curves(survival, p=0.0002).texts] == ["p<0.001"]
    assert [t.get_text() for t in draw_curves(survival, effect=effect).texts] == [effect]
    assert not draw_curves(survival).texts


def test_colours_follow_the_groups_into_the_table(survival):
    ax = draw_curves(survival, colors=["black", "red"])
    assert [line.get_color() for line in steps(ax)] == ["black", "red"]
    assert [line.get_color() for line in ax.child_axes[0].lines] == ["black", "red"]


def test_one_name_names_the_only_curve(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death")
    ax = draw_curves(curves, labels="All patients")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["All patients"]


def test_a_second_call_adds_its_curves_and_keeps_the_axis(trial):
    right = hem.survival.kaplan_meier(trial, time="futime", event="death")
    wrong = hem.survival.kaplan_meier(trial.head(300), time="futime", event="death")
    ax = draw_curves(right, labels="Right", until=1500, time_unit="days")
    assert draw_curves(wrong, labels="Wrong", ax=ax, risk_table=False, time_unit="days") is ax
    first, second = steps(ax)
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    assert ax.get_xlim() == (0, 1500)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["Right", "Wrong"]
    assert layout_problems(ax.figure) == []


def test_two_risk_tables_hang_below_one_another(trial):
    ax = draw_curves(hem.survival.kaplan_meier(trial, time="futime", event="death"), labels="All", until=1500)
    draw_curves(
        hem.survival.kaplan_meier(trial.head(300), time="futime", event="death"), labels="Some", ax=ax
    )
    ax.figure.set_size_inches(4, 5)
    assert layout_problems(ax.figure) == []
    upper, lower = (table.get_window_extent() for table in ax.child_axes)
    assert lower.y1 < upper.y0


def test_the_users_axes_keep_their_area(survival):
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 5))
    before = left.get_tightbbox()
    draw_curves(survival, ax=left, until=1500)
    draw_curves(survival, ax=right, until=1500, risk_table="compact")
    assert layout_problems(fig) == []
    after = left.get_tightbbox()
    assert after.y0 == pytest.approx(before.y0, abs=15)  # now with the name of the axis
    assert after.x0 == pytest.approx(before.x0, abs=45)
    assert left.get_position().y0 > right.get_position().y0  # the larger table takes more room


@pytest.mark.parametrize("layout", [None, "constrained", "tight"])
def test_panels_of_every_layout_are_readable(survival, hazard, layout):
    fig, axes = plt.subplots(1, 2, figsize=(8, 5), layout=layout)
    draw_curves(survival, ax=axes[0], title="A  Survival", p=0.01)
    draw_curves(hazard, ax=axes[1], title="B  Hazard", legend="direct")
    assert layout_problems(fig) == []
    assert axes[0].get_title(loc="left") == "A  Survival"


def test_panels_of_one_row_align_in_our_figures(survival, hazard):
    left, right = hem.plots.figure(width=170, height=90).subplots(1, 2)
    draw_curves(survival, ax=left)
    draw_curves(hazard, ax=right, risk_table="compact")
    assert layout_problems(left.figure) == []
    assert left.get_position().y0 == pytest.approx(right.get_position().y0)


def test_subfigures_are_drawn_into(survival):
    fig = hem.plots.figure(width=170, height=90)
    one, two = fig.subfigures(1, 2)
    draw_curves(survival, ax=one.subplots())
    draw_curves(survival, ax=two.subplots(), risk_table="compact")
    assert layout_problems(fig) == []
    assert repr(fig).count("survival of 646 patients") == 2


def test_a_new_figure_has_the_width_of_its_theme(survival):
    with hem.plots.theme("lancet"):
        assert draw_curves(survival).figure.get_size_inches()[0] == pytest.approx(75 / 25.4)
    assert draw_curves(survival, width=90).figure.get_size_inches()[0] == pytest.approx(90 / 25.4)


def test_plot_of_a_result_draws_it(survival):
    ax = plt.figure().subplots()
    assert survival.plot(ax) is ax
    assert len(steps(ax)) == 2


def test_refused_options(survival):
    assert_refused(
        lambda: draw_curves(survival, risk_table="full"), argument="risk_table", says=["'compact'"]
    )
    assert_refused(lambda: draw_curves(survival, legend="top"), argument="legend", says=["'above'"])
    assert_refused(lambda: draw_curves(survival, p=1.2), argument="p", says=["HypothesisTest"])
    assert_refused(lambda: draw_curves(survival, p="0.02"), argument="p")
    assert_refused(lambda: draw_curves(survival, until=0), argument="until", says=["after 0"])
    assert_refused(
        lambda: draw_curves(survival, shown_in="years"), argument="shown_in", says=["time_unit='days'"]
    )
    assert_refused(lambda: draw_curves(survival, time_unit="day"), argument="time_unit", says=["'days'"])
    assert_refused(lambda: draw_curves(survival, time_unit="days", shown_in="decades"), argument="shown_in")
    assert_refused(lambda: draw_curves(survival, y_limits=(1, 0)), argument="y_limits", says=["(0, 0.5)"])
    assert_refused(lambda: draw_curves(survival, width=3), argument="width", says=["millimetres"])


@pytest.fixture(scope="module")
def predicted():
    data = hem.data.load("veteran")
    return hem.regression.cox(data, "karno + celltype", time="time", event="status").adjusted("celltype")


def test_predicted_curves_show_no_patients_of_their_own(predicted):
    ax = draw_curves(predicted)
    assert not ax.child_axes
    assert not censor_ticks(ax)
    told = hem.plots.fingerprint(ax)
    assert "risk table" not in told
    assert "  squamous: median 117, mean 0.4845 (0.3675 to 0.5942)" in told


@pytest.mark.parametrize("form", [True, "compact"])
def test_predicted_curves_count_their_patients_once_on_request(predicted, form):
    ax = draw_curves(predicted, risk_table=form, show_censored=True)
    words = [text.get_text() for text in ax.child_axes[0].texts]
    assert "smallcell" not in words
    assert words.count("137" if form is True else "137 (0)") == 1
    assert len(censor_ticks(ax)) == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()] == predicted.groups()[
        "celltype"
    ].to_list()
    assert layout_problems(ax.figure) == []


def test_predicted_curves_of_strata_keep_the_counts_of_each():
    data = hem.data.load("veteran")
    fit = hem.regression.cox(data, "karno", strata="trt", time="time", event="status")
    ax = draw_curves(fit.baseline(), risk_table=True)
    words = [text.get_text() for text in ax.child_axes[0].texts]
    assert {"69", "68"} <= set(words)
