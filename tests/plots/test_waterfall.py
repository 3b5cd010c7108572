"""Waterfall plots: every bar is as high as the change of its patient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_waterfall
SCALE = hem.hematology.response.scale("lugano")


def patients(n: int, seed: int = 2) -> pl.DataFrame:
    change = np.clip(np.random.default_rng(seed).normal(-45, 60, n), -100, 180)
    levels = ["CR" if c <= -95 else "PR" if c <= -50 else "PD" if c > 30 else "SD" for c in change]
    return pl.DataFrame({"id": [f"S{i}" for i in range(n)], "best": change, "found": levels}).with_columns(
        pl.col("found").cast(SCALE)
    )


SOME = patients(24)


def heights(ax) -> list[float]:
    """From the left to the right."""
    bars = sorted(ax.patches, key=lambda bar: bar.get_x())
    return [bar.get_y() + bar.get_height() if bar.get_y() == 0 else 0.0 for bar in bars]


@pytest.mark.parametrize("response", [None, "found"])
def test_bars_fall_from_the_largest_increase_to_the_largest_fall(response):
    ax = draw(SOME, change="best", response=response)
    np.testing.assert_allclose(heights(ax), SOME["best"].sort(descending=True), atol=1.5)
    if response:
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["CR", "PR", "SD", "PD"]
        assert len({bar.get_hatch() for bar in ax.patches}) == 4
    else:
        assert ax.get_legend() is None


def test_a_bar_without_a_change_is_seen():
    ax = draw(pl.DataFrame({"best": [0.0, -60.0, 0]}), change="best")
    flat = [bar for bar in ax.patches if bar.get_y() < 0 < bar.get_y() + bar.get_height()]
    assert len(flat) == 2


def test_thresholds_are_lines_and_counted():
    ax = draw(SOME, change="best", thresholds=[-50, 25])
    assert [line.get_ydata()[0] for line in ax.lines if line.get_gid() == "threshold"] == [-50, 25]
    told = hem.plots.fingerprint(ax)
    assert f"at most -50: {SOME.filter(pl.col('best') <= -50).height}" in told


def test_bars_above_the_most_are_cut_and_carry_their_number():
    ax = draw(SOME, change="best", most=20)
    high = SOME.filter(pl.col("best") > 20)["best"].sort(descending=True)
    assert max(heights(ax)) == 20
    assert [t.get_text() for t in ax.texts] == [f"{value:.0f}" for value in high]
    upright = draw(SOME.with_columns(pl.col("best") + 200), change="best", most=20, width=115)
    assert {t.get_rotation() for t in upright.texts} == {90}
    narrow = draw(patients(60), change="best", most=20, width=80)
    marks = [c for c in narrow.collections if c.get_gid() == "cut"]
    assert (len(narrow.texts), len(marks)) == (0, 1)
    assert len(marks[0].get_offsets()) == patients(60).filter(pl.col("best") > 20).height
    assert len(draw(SOME, change="best", most=500).texts) == 0
    assert hem.plots.layout_problems(ax.figure) == []


def test_who_has_no_change_is_counted_and_not_drawn():
    some = SOME.with_columns(best=pl.when(pl.int_range(24) > 2).then("best").otherwise(float("nan")))
    ax = draw(some, change="best", response="found")
    assert len(ax.patches) == 21
    assert ax.get_xlabel() == "Patients (n=21; 3 without a measurement)"
    assert "21 patients, 3 without" in hem.plots.fingerprint(ax)


def test_names_are_written_only_if_asked_for():
    ax = draw(SOME, change="best", id="id", name_patients=True, width=115)
    expected = SOME.sort("best", descending=True)["id"].to_list()
    assert [t.get_text() for t in ax.get_xticklabels()] == expected
    assert "S1" not in hem.plots.fingerprint(draw(SOME, change="best", id="id"))


@pytest.mark.parametrize(("n", "width"), [(3, 80), (60, 80), (24, 115), (60, 170)])
def test_nothing_overlaps(n, width):
    long = {level: f"{level}, a rather long name of a response" for level in patients(n)["found"].unique()}
    ax = draw(
        patients(n).to_pandas() if n == 24 else patients(n), change="best", response="found", labels=long,
        thresholds=[-50], most=60, width=width, title="Best change in the sum of the products of diameters",
    )  # fmt: skip
    assert hem.plots.layout_problems(ax.figure) == []


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=80).subplots(1, 2)
    assert draw(SOME, change="best", response="found", ax=left, title="All") is left
    draw(SOME, change="best", response="found", ax=right, legend=False, most=20)
    assert hem.plots.layout_problems(left.figure) == []
    _, plain = plt.subplots(figsize=(5, 4))
    assert hem.plots.layout_problems(draw(SOME, change="best", ax=plain).figure) == []


def test_what_cannot_be_drawn_is_refused():
    def refused(data=SOME, says=(), rows=(), *, argument, column=None, **options):
        call = {"change": "best"} | options
        assert_refused(lambda: draw(data, **call), argument=argument, column=column, rows=rows, says=says)

    refused(argument="change", column="worst", change="worst")
    refused(SOME.with_columns(best=None), argument="change", column="best", says=["no number"])
    refused(SOME.with_columns(best=pl.lit("high")), argument="change", column="best", says=["String"])
    refused(SOME.with_columns(pl.col("best") - 50), argument="change", column="best", says=["below -100"],
            rows=(SOME["best"] < -50).arg_true() + 1)  # fmt: skip
    refused(pl.concat([SOME, SOME.head(1)]), argument="id", column="id", id="id", rows=[1, 25])
    refused(argument="name_patients", name_patients=True)
    refused(patients(60), argument="name_patients", name_patients=True, id="id", width=80, says=["60 names"])
    refused(argument="labels", labels={"XX": "x"}, response="found")
    refused(argument="thresholds", thresholds=[-120])
    refused(argument="most", most=0)
