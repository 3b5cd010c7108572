"""Residuals drawn: each point where the frame has it, rows labelled by position, nothing over anything."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.plots import draw_influence, draw_residuals, draw_schoenfeld, fingerprint, layout_problems
from hemresearch.plots.label_points import label_points
from hemresearch.regression import cox, influence, martingale_smooth, ph_test, schoenfeld_smooth


@pytest.fixture(scope="module")
def fit():
    return cox(hem.data.load("veteran"), "karno + age + celltype", time="time", event="status")


@pytest.fixture(scope="module")
def test_of(fit):
    return ph_test(fit)


@pytest.mark.parametrize("width", [80, 170])
def test_nothing_overlaps(fit, test_of, width):
    for ax in (
        draw_residuals(fit, width=width, title="Functional form of the performance status of the patients"),
        draw_influence(fit, "age", width=width),
        draw_schoenfeld(test_of, term="karno", width=width),
    ):
        assert layout_problems(ax.figure) == []


def test_residuals_are_those_of_the_frame(fit):
    frame = martingale_smooth(fit, "age")
    points, smooth = draw_residuals(frame).lines[1:]
    assert points.get_xdata().tolist() == frame["value"].to_list()
    assert points.get_ydata().tolist() == frame["residual"].to_list()
    assert smooth.get_ydata().tolist() == frame["smooth"].to_list()


def test_a_fit_is_drawn_for_the_covariate_asked_for(fit):
    assert draw_residuals(fit).get_xlabel() == "karno"
    assert draw_residuals(fit, "age", x_label="Age (years)").get_xlabel() == "Age (years)"


def test_the_five_largest_are_labelled_by_their_row(fit):
    frame = influence(fit, "age")
    ax = draw_influence(frame)
    rows = frame.filter("largest").sort(pl.col("residual").abs(), descending=True)["row"].to_list()
    assert [text.get_text() for text in ax.texts if text.get_text()] == [str(row) for row in rows]
    assert [text.xy[0] for text in ax.texts if text.get_text()] == rows
    heights = [segment[1][1] for segment in ax.collections[0].get_segments()]
    assert heights == frame["residual"].to_list()


def test_an_identifier_is_never_shown():
    data = hem.data.load("veteran").with_columns(id=pl.int_range(pl.len()) + 770000)
    fitted = cox(data, "karno", time="time", event="status", id="id")
    assert "7700" not in fingerprint(draw_influence(fitted).figure)


def test_labels_in_a_crowd_keep_apart():
    ax = hem.plots.figure(width=80).subplots()
    ax.plot([0, 1000], [0, 1], "o")
    label_points(ax, [500, 501, 502, 503, 504], [0.5] * 5, ["500", "501", "502", "503", "504"])
    assert layout_problems(ax.figure) == []
    assert sum(not text.get_text() for text in ax.texts) >= 1  # lines that lead to labels
    tiny = hem.plots.figure(width=40, height=22).subplots()
    label_points(tiny, [0.5] * 5, [0.5] * 5, ["a long label of a point"] * 5)
    assert sum(bool(text.get_text()) for text in tiny.texts) == 5


def test_a_covariate_stands_for_its_coefficient():
    data = hem.data.load("veteran")
    test = ph_test(cox(data, "C(trt, ref=2) + rcs(age, df=3)", time="time", event="status"))
    assert "trt[1] over km time" in fingerprint(draw_schoenfeld(test, term="trt", width=80))
    assert schoenfeld_smooth(test, "age")["term"].n_unique() == 3
    assert_refused(
        lambda: test.plot("age"), argument="term", says=["3 coefficients", "term='rcs(age, df=3)[1]'"]
    )


def test_schoenfeld_shows_the_smooth_and_its_limits(test_of):
    ax = test_of.plot("karno")
    smooth = schoenfeld_smooth(test_of, "karno")
    assert ax.lines[-1].get_ydata().tolist() == smooth["estimate"].to_list()
    corners = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert corners.min() == smooth["conf_low"].min()
    assert corners.max() == smooth["conf_high"].max()
    assert ax.lines[2].get_ydata().tolist() == test_of.scaled["karno"].to_list()
    assert ax.lines[1].get_ydata()[0] == test_of.fit.coef[0]


@pytest.mark.parametrize("transform", ["km", "log", "identity", "rank"])
def test_ticks_are_round_times_at_their_place(fit, transform):
    test = ph_test(fit, transform=transform)
    ax = test.plot("age")
    times = [float(text.get_text()) for text in ax.get_xticklabels()]
    assert times == [float(f"{t:.2g}") for t in times]
    smooth = schoenfeld_smooth(test, "age")
    assert np.allclose(ax.get_xticks(), np.interp(times, smooth["time"], smooth["x"]))
    assert len(times) >= 4
    assert layout_problems(ax.figure) == []


def test_points_without_a_smooth_are_drawn():
    few = pl.DataFrame(
        {"t": [1, 1, 2, 2, 3, 3, 4, 4], "e": [1, 1, 1, 1, 1, 0, 0, 0], "dose": [1, 0, 2, 5, 1, 3, 2, 2]}
    )
    test = ph_test(cox(few, "dose", time="t", event="e"), transform="identity")
    ax = assert_warns(test.plot, argument="df", says=["too few"])
    assert len(ax.collections) == 0
    assert len(ax.lines) == 3
    assert layout_problems(ax.figure) == []


def test_the_time_axis_knows_its_unit():
    data = hem.data.load("veteran").rename({"time": "os_days"})
    ax = ph_test(cox(data, "karno", time="os_days", event="status")).plot()
    assert ax.get_xlabel() == "Time (days)"


def test_figures_print_what_they_show(fit, test_of):
    assert fingerprint(draw_residuals(fit, "age")).splitlines()[0] == (
        "martingale residuals of 137 rows against age, -7.309 to 0.993"
    )
    lines = fingerprint(draw_influence(fit, "age")).splitlines()
    assert lines[0] == "influence of 137 rows on age"
    assert lines[1].startswith("  largest: 17 (")
    lines = fingerprint(test_of.plot("karno")).splitlines()
    assert lines[0] == "scaled Schoenfeld residuals of 128 events, karno over km time"
    assert lines[1].startswith("  coefficient -0.03")


def test_given_axes_and_colours_are_used(fit, test_of):
    figure = hem.plots.figure(width=170, height=60)
    axes = figure.subplots(1, 3)
    assert draw_residuals(fit, ax=axes[0], colors=["red", "black"]).lines[1].get_color() == "red"
    assert draw_influence(fit, ax=axes[1], color="green") is axes[1]
    assert test_of.plot("celltype[adeno]", ax=axes[2]) is axes[2]
    assert layout_problems(figure) == []


def test_what_cannot_be_drawn_is_refused(fit, test_of):
    data = hem.data.load("veteran")
    assert_refused(lambda: draw_residuals(data), argument="item", says=["martingale_smooth"])
    assert_refused(lambda: draw_influence(data), argument="item", says=["influence(fit)"])
    assert_refused(lambda: draw_residuals(fit, "ages"), argument="covariate", says=["did you mean 'age'"])
    assert_refused(lambda: draw_influence(fit, "ages"), argument="term", says=["did you mean 'age'"])
    assert_refused(lambda: draw_schoenfeld(fit), argument="test", says=["a CoxFit"])
    assert_refused(lambda: test_of.plot("celltype"), argument="term", says=["3 coefficients"])
    assert_refused(lambda: test_of.plot("ages"), argument="term")
