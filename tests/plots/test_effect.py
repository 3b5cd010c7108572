"""Effects along a covariate: what is drawn is what was estimated."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

VALUES = [8, 10, 12, 13, 14, 16, 18]


@pytest.fixture(scope="module")
def along():
    """The hazard ratio along haemoglobin, against 13 g/dL."""
    roles = {"time": "futime", "event": "death", "missing": "drop"}
    fit = hem.regression.cox(hem.data.load("mgus2"), "rcs(hgb, df=3) + sex", **roles)
    return hem.regression.contrast(fit, {"hgb": VALUES}, {"hgb": 13})


def line_of(ax):
    (line,) = [line for line in ax.lines if line.get_gid() == "effect"]
    return np.asarray(line.get_xydata())


def test_the_line_is_the_ratio_and_the_band_its_limits(along):
    ax = hem.plots.draw_effect(along)
    frame = along.to_frame(exponentiate=True)
    np.testing.assert_allclose(line_of(ax), frame.select("hgb", "estimate").to_numpy(), rtol=1e-12)
    band = ax.collections[0].get_paths()[0].vertices
    for name in ("conf_low", "conf_high"):
        assert set(np.round(frame[name], 9)) <= set(np.round(band[:, 1], 9))
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "Hazard ratio against hgb 13"


@pytest.mark.parametrize("width", [80, 115, 170])
@pytest.mark.parametrize("name", ["plain", "blood", "nejm"])
def test_nothing_overlaps(along, width, name):
    with hem.plots.theme(name):
        ax = hem.plots.draw_effect(
            along, width=width, x_label="Haemoglobin at diagnosis, g/dL", title="Death from any cause"
        )
    assert hem.plots.layout_problems(ax.figure) == []


def test_the_order_of_the_rows_does_not_matter(along):
    frame = along.to_frame()
    shuffled = hem.plots.draw_effect(frame.sample(fraction=1, shuffle=True, seed=1), ratio="hazard ratio")
    assert hem.plots.fingerprint(shuffled) == hem.plots.fingerprint(hem.plots.draw_effect(along))


def test_a_frame_is_drawn_on_its_own_scale(along):
    ax = hem.plots.draw_effect(along.to_frame().drop("against hgb"))
    np.testing.assert_allclose(line_of(ax), along.to_frame().select("hgb", "estimate").to_numpy())
    assert (ax.get_yscale(), ax.get_xlabel(), ax.get_ylabel()) == ("linear", "hgb", "Effect")


def test_a_frame_without_limits_is_a_line():
    frame = pl.DataFrame({"age": [50.0, 60.0, 70.0], "estimate": [0.0, 0.01, 0.02]})
    ax = hem.plots.draw_effect(frame, ratio="odds ratio", x_label="Age")
    assert "  at 50: 1 (– to –)" in hem.plots.fingerprint(ax)
    assert sum(0.99 < tick < 1.03 for tick in ax.get_yticks()) >= 3, "a narrow axis has ticks too"


def test_two_effects_share_a_panel(along):
    ax = hem.plots.draw_effect(along)
    assert hem.plots.draw_effect(along.to_frame().drop("against hgb"), ratio="x", ax=ax, color="red") is ax
    low, high = ax.get_ylim()
    assert low < along.to_frame(exponentiate=True)["conf_low"].min() < high, "the axis holds both"
    assert [line.get_color() for line in ax.lines if line.get_gid() == "effect"][1] == "red"


def test_the_picture_tells_its_numbers(along):
    lines = hem.plots.fingerprint(hem.plots.draw_effect(along)).splitlines()
    assert lines[0] == "hazard ratio along hgb, 7 values"
    assert "  at 13: 1 (1 to 1)" in lines


def test_what_is_no_effect_is_refused():
    assert_refused(
        lambda: hem.plots.draw_effect(pl.DataFrame({"age": [50, 60]})),
        argument="effect",
        says=["has no column 'estimate'", "contrasts of a fit", "hem.regression.contrast"],
    )


@pytest.mark.parametrize(
    ("columns", "x", "says"),
    [
        ({"age": [50, 60]}, "agee", "'agee' is no column of numbers"),
        ({"age": [50, 60], "hgb": [9, 10]}, None, "age, hgb all differ between rows"),
        ({"sex": ["F", "M"]}, None, "no column of numbers differs"),
    ],
)
def test_values_that_cannot_be_drawn_along_are_refused(columns, x, says):
    frame = pl.DataFrame(columns | {"estimate": [0.1, 0.2]})
    assert_refused(lambda: hem.plots.draw_effect(frame, x=x), argument="x", says=[says, "x="])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([50.0, 60.0, 60.0], "holds a value twice"),
        ([50.0, 50.0, 50.0], "fewer than two values"),
        ([50.0, 60.0, float("nan")], "missing or not finite"),
        ([50.0, 60.0, None], "missing or not finite"),
    ],
)
def test_values_without_a_line_are_refused(values, says):
    frame = pl.DataFrame({"age": values, "estimate": [0.1, 0.2, 0.3]})
    assert_refused(
        lambda: hem.plots.draw_effect(frame, x="age"),
        argument="x",
        column="age",
        says=[says, "each with one estimate", "one call for each group"],
    )
