"""Rates along a scale: what is drawn is what was estimated."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_rates
CELLS = {"events": "D", "person_time": "Y", "per": 1e5}


@pytest.fixture(scope="module")
def lung():
    """Lung cancer in Denmark by period, in two groups of age."""
    data = hem.data.load("lungdk").with_columns(
        ages=pl.when(pl.col("A5") < 65).then(pl.lit("40-64")).otherwise(pl.lit("65-89"))
    )
    return hem.epidemiology.rate(data, by=["P5", "ages"], **CELLS)


def lines(ax):
    return [line for line in ax.lines if line.get_gid() == "rates"]


def limits(ax, i: int):
    return np.array([segment[:, 1] for segment in ax.collections[i].get_segments()])


@pytest.mark.parametrize("log", [False, True])
def test_points_are_rates_and_bars_their_limits(lung, log):
    ax = draw(lung, x="P5", log=log)
    for i, part in enumerate(lung.to_frame().partition_by("ages", maintain_order=True)):
        np.testing.assert_array_equal(lines(ax)[i].get_xydata(), part.select("P5", "estimate").to_numpy())
        np.testing.assert_array_equal(limits(ax, i), part.select("conf_low", "conf_high").to_numpy())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["40-64", "65-89"]
    assert ax.get_yscale() == ("log" if log else "linear")
    assert log or ax.get_ylim()[0] == 0
    assert ax.get_xlabel() == "P5"
    assert ax.get_ylabel().split()[0] == "Rate"


def test_groups_stand_apart_about_their_value(lung):
    ax = draw(lung, x="P5", apart=1.0)
    first, second = (line.get_xdata() for line in lines(ax))
    np.testing.assert_allclose(second - first, 1.0)
    np.testing.assert_allclose((first + second) / 2, lung.to_frame()["P5"].unique().sort())
    np.testing.assert_allclose([bar[0, 0] for bar in ax.collections[0].get_segments()], first)
    assert hem.plots.fingerprint(ax) == hem.plots.fingerprint(draw(lung, x="P5"))
    assert_refused(lambda: draw(lung, x="P5", apart=-1), argument="apart", says=["-1"])


def test_the_order_of_rows_does_not_matter(lung):
    frame = lung.to_frame()
    shuffled = frame.sort("P5", descending=True).sort("ages", maintain_order=True)
    told = hem.plots.fingerprint(draw(frame.sort("ages", maintain_order=True), x="P5"))
    assert hem.plots.fingerprint(draw(shuffled, x="P5")) == told
    assert "estimate along P5" in told


def test_a_frame_without_limits_or_groups_is_a_line():
    frame = pl.DataFrame({"year": [1990, 2000, 2010], "estimate": [2.0, 3.0, 2.5]})
    ax = draw(frame, x="year", x_label="Year", y_label="Per 100 000")
    assert ax.get_legend() is None
    assert hem.plots.fingerprint(ax).splitlines()[1] == "  all: 2 at 1990, 3 at 2000, 2.5 at 2010"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Year", "Per 100 000")


def test_excess_rates_of_a_ratio_are_no_groups():
    frame = pl.DataFrame(
        {"age": [60, 70], "observed": [9, 4], "expected": [4.0, 3.0], "estimate": [2.2, 1.3]}
    )
    ax = draw(frame.with_columns(excess_rate=pl.Series([0.02, 0.01])), x="age", log=True)
    assert [line.get_xdata().tolist() for line in lines(ax)] == [[60, 70]]


def test_two_calls_share_a_panel_that_holds_both(lung):
    high = lung.to_frame().filter(pl.col("ages") == "65-89").drop("ages")
    low = lung.to_frame().filter(pl.col("ages") == "40-64").drop("ages")
    ax = draw(high, x="P5")
    top = ax.get_ylim()[1]
    assert draw(low, x="P5", ax=ax, colors=["red"]) is ax
    assert ax.get_ylim()[1] == top
    assert lines(ax)[1].get_color() == "red"


@pytest.mark.parametrize("width", [80, 115, 170])
@pytest.mark.parametrize("log", [False, True])
def test_nothing_overlaps(lung, width, log):
    words = {"title": "Lung cancer in Danish men", "y_label": "Lung cancers per 100 000 person-years"}
    ax = draw(lung, x="P5", log=log, width=width, labels={"40-64": "Aged 40 to 64"}, **words)
    assert hem.plots.layout_problems(ax.figure) == []


def test_what_cannot_be_drawn_is_refused(lung):
    frame = lung.to_frame()
    assert_refused(lambda: draw(frame, x="year"), argument="rates", says=["'year'"])
    text = frame.with_columns(pl.col("P5").cast(pl.String))
    assert_refused(lambda: draw(text, x="P5"), argument="x", column="P5", says=["String"])
    lacking = frame.with_columns(P5=pl.when(pl.col("P5") > 1943).then("P5"))
    assert_refused(lambda: draw(lacking, x="P5"), argument="x", column="P5", says=["no finite numbers"])
    assert_refused(lambda: draw(frame, x="P5", by=[]), argument="x", column="P5", says=["twice"])
    assert_refused(
        lambda: draw(frame, x="P5", by="sex"), argument="by", column="sex", says=["no such column"]
    )
    none = frame.with_columns(conf_low=pl.lit(0.0))
    assert_refused(lambda: draw(none, x="P5", log=True), argument="log", says=["22 of 22"])
    assert draw(none, x="P5").get_ylim()[0] == 0
