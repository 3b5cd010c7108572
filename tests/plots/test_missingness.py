"""Bars of what is missing, at the widths of a journal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from refusals import assert_refused

import hemresearch as hem

TRIAL = hem.data.load("myeloid")
NAMES = {"txtime": "Time from randomisation to transplant, days", "A": "Standard", "B": "Intensified"}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("by", [None, "trt", "sex"])
@pytest.mark.parametrize("complete", [False, True])
def test_nothing_overlaps_and_every_count_is_inside(width, by, complete):
    ax = hem.cohort.missingness(TRIAL, by=by).plot(width=width, complete=complete)
    assert hem.plots.layout_problems(ax.figure) == []
    inside = ax.get_window_extent()
    assert all(text.get_window_extent().x1 <= inside.x1 + 0.5 for text in ax.texts)


@pytest.mark.parametrize("width", [80, 170])
def test_long_names_are_broken(width):
    ax = hem.cohort.missingness(TRIAL, by="trt").plot(width=width, labels=NAMES)
    assert hem.plots.layout_problems(ax.figure) == []
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Standard", "Intensified"]


def test_the_bars_are_the_percentages():
    found = hem.cohort.missingness(TRIAL, by="trt")
    ax = found.plot(complete=True)
    assert [bar.get_width() for bar in ax.patches] == found.to_frame()["percent"].to_list()
    shown = found.plot()
    assert [bar.get_width() for bar in shown.patches] == found.to_frame()["percent"].to_list()[-6:]


def test_nothing_missing_is_drawn_too():
    ax = hem.cohort.missingness(TRIAL, columns=["id", "sex"]).plot(width=80)
    assert hem.plots.layout_problems(ax.figure) == []
    assert [text.get_text() for text in ax.texts] == ["0 (0.0%)", "0 (0.0%)"]


def test_the_figure_prints_every_bar():
    lines = hem.plots.fingerprint(hem.cohort.missingness(TRIAL, by="trt").plot().figure).splitlines()
    assert lines[1:4] == [
        "missing values in 646 rows",
        "  txtime, A: 142 (44.8%)",
        "  txtime, B: 140 (42.6%)",
    ]


def test_a_given_panel_is_used():
    figure = hem.plots.figure(width=170, height=60)
    left, right = figure.subplots(1, 2)
    assert hem.cohort.missingness(TRIAL).plot(ax=left) is left
    right.set_axis_off()
    assert hem.plots.layout_problems(figure) == []


def test_something_else_is_refused():
    assert_refused(
        lambda: hem.plots.draw_missingness(TRIAL),
        argument="missing",
        says=["a DataFrame", "a result of hem.cohort.missingness", "hem.cohort.missingness(data).plot()"],
    )


def test_a_label_for_nothing_is_refused():
    assert_refused(
        lambda: hem.cohort.missingness(TRIAL).plot(labels={"txtimes": "Transplant"}),
        argument="labels",
        says=["'txtimes' is not in the figure", "did you mean 'txtime'", "labels="],
    )
