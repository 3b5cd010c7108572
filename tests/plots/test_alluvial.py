"""Alluvial diagrams: boxes and bands are as high as the numbers they stand for."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from matplotlib.patches import PathPatch, Rectangle
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_alluvial
SCALE = hem.hematology.response.scale("imwg")


def responses(n: int, times: int = 3, seed: int = 5) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    place = rng.integers(2, 7, n)
    columns = {}
    for t in range(times):
        known = rng.random(n) > 0.07
        levels = [SCALE.categories[int(p)] if k else None for p, k in zip(place, known, strict=True)]
        columns[f"{3 * (t + 1)} months"] = pl.Series(levels, dtype=SCALE)
        place = np.clip(place - rng.integers(-1, 3, n), 0, 6)
    return pl.DataFrame(columns)


SOME = responses(60)
COLUMNS = SOME.columns


def boxes(ax) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def bands(ax) -> list[PathPatch]:
    return [patch for patch in ax.patches if isinstance(patch, PathPatch)]


def test_boxes_are_as_high_as_the_categories_are_frequent():
    ax = draw(SOME, columns=COLUMNS)
    by_left: dict[float, list] = {}
    for box in boxes(ax):
        by_left.setdefault(round(box.get_x(), 6), []).append(box)
    unit = None
    for column, (_, found) in zip(COLUMNS, sorted(by_left.items()), strict=True):
        counts = SOME[column].value_counts().sort(column, nulls_last=True)["count"].to_numpy()
        heights = np.array([box.get_height() for box in sorted(found, key=lambda b: b.get_y())])
        unit = unit or heights[0] / counts[0]
        np.testing.assert_allclose(heights, unit * counts)
        assert min(box.get_y() for box in found) >= 0
        assert max(box.get_y() + box.get_height() for box in found) <= 1 + 1e-9


def test_bands_are_the_moves_and_fill_the_boxes():
    ax = draw(SOME, columns=COLUMNS)
    moves = [SOME.group_by(pair).len() for pair in pairwise(COLUMNS)]
    assert len(bands(ax)) == sum(table.height for table in moves)
    thick = [abs(b.get_path().vertices[7, 1] - b.get_path().vertices[0, 1]) for b in bands(ax)]
    per = (
        boxes(ax)[0].get_height()
        / SOME[COLUMNS[0]].value_counts().sort(COLUMNS[0], nulls_last=True)["count"][0]
    )
    assert sum(thick) / per == pytest.approx(2 * 60)
    fingerprint = hem.plots.fingerprint(ax)
    stayed = SOME.filter(pl.col("3 months") == "PR", pl.col("6 months") == "VGPR").height
    line = next(row for row in fingerprint.splitlines() if row.startswith("  3 months PR →"))
    assert f"VGPR {stayed}" in line


def test_numbers_of_patients_are_weights():
    counts = SOME.group_by(COLUMNS).len("n").sort(COLUMNS)
    assert hem.plots.fingerprint(draw(counts, columns=COLUMNS, weights="n")) == hem.plots.fingerprint(
        draw(SOME.lazy(), columns=COLUMNS)
    )


def test_columns_of_other_scales_and_types():
    two = pl.DataFrame(
        {
            "old": pl.Series(["low", "high", "low"]).cast(pl.Enum(["low", "high"])),
            "new": pl.Series(["very low", "high", "high"]).cast(pl.Enum(["very low", "low", "high"])),
            "flag": [True, False, None],
            "grade": [2, 10, 2],
        }
    )
    told = hem.plots.fingerprint(
        draw(two, columns=["old", "new"], labels={"old": "Old score", "high": "High"})
    )
    assert "  Old score: low 2, High 1" in told
    assert "  new: very low 1, High 2" in told
    assert "  flag: false 1, true 1, Not known 1" in hem.plots.fingerprint(draw(two, columns=["flag", "old"]))
    assert "  grade: 2 2, 10 1" in hem.plots.fingerprint(draw(two, columns=["grade", "grade"]))


def test_a_category_has_one_colour_in_all_columns():
    for data in (SOME, SOME.with_columns(pl.all().cast(pl.String))):
        ax = draw(data, columns=COLUMNS, colors=None)
        levels = data.unpivot()["value"].n_unique()
        assert len({box.get_facecolor() for box in boxes(ax)}) <= levels


def test_names_are_in_the_boxes_between_where_there_is_room():
    wide, narrow = draw(SOME, columns=COLUMNS, width=170), draw(SOME, columns=COLUMNS, width=100)
    inside = [{t.get_text() for t in ax.texts if t.get_ha() == "center"} for ax in (wide, narrow)]
    n = SOME.filter(pl.col("6 months") == "PR").height
    assert f"PR {n}" in inside[0]
    assert str(n) in inside[1]
    assert not any(t.get_text().endswith("%)") for t in draw(SOME, columns=COLUMNS, shares=False).texts)


@pytest.mark.parametrize(("n", "times", "width"), [(3, 2, 80), (60, 2, 80), (60, 3, 115), (60, 4, 170)])
def test_nothing_overlaps(n, times, width):
    data = responses(n, times)
    for labels in ({}, {"VGPR": "Very good partial response"} if width > 80 else {}):
        ax = draw(
            data, columns=data.columns, labels=labels, width=width, title="Depth of response along time"
        )
        assert hem.plots.layout_problems(ax.figure) == []


def test_a_figure_is_as_high_as_its_names_need():
    data = pl.DataFrame({"a": [f"{i:02d} a name of several words" for i in range(12)]}).with_columns(b="a")
    ax = draw(data, columns=["a", "b"], width=80)
    assert hem.plots.layout_problems(ax.figure) == []
    assert ax.figure.get_size_inches()[1] > draw(SOME, columns=COLUMNS, width=120).figure.get_size_inches()[1]
    low = hem.plots.figure(width=80, height=30).subplots()
    assert_refused(lambda: draw(data, columns=["a", "b"], ax=low), argument="ax", says=["mm high"])


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=80).subplots(1, 2)
    assert draw(SOME, columns=COLUMNS[:2], ax=left, title="Left") is left
    draw(SOME, columns=COLUMNS[:2], ax=right)
    assert hem.plots.layout_problems(left.figure) == []
    _, plain = plt.subplots(figsize=(6, 5))
    assert hem.plots.layout_problems(draw(SOME, columns=COLUMNS[:2], ax=plain).figure) == []
    high = draw(SOME, columns=COLUMNS, width=120, height=100)
    assert high.figure.get_size_inches()[1] == pytest.approx(100 / 25.4)


def test_what_cannot_be_drawn_is_refused():
    def refused(data=SOME, says=(), rows=(), *, argument, column=None, **options):
        call = {"columns": COLUMNS} | options
        assert_refused(lambda: draw(data, **call), argument=argument, column=column, rows=rows, says=says)

    refused(argument="columns", columns=["3 months"], says=["1 column"])
    refused(argument="columns", columns=[], says=["no column"])
    refused(argument="columns", column="4 months", columns=["3 months", "4 months"])
    many = pl.DataFrame({"a": range(13), "b": range(13)})
    refused(many, argument="columns", column="a", columns=["a", "b"], says=["13 different"])
    weighted = SOME.with_columns(n=pl.lit(-1), none=pl.lit(0), text=pl.lit("x"))
    refused(weighted, argument="weights", column="n", weights="n", rows=range(1, 61))
    refused(weighted, argument="weights", column="none", weights="none", says=["0 throughout"])
    refused(weighted, argument="weights", column="text", weights="text")
    refused(argument="labels", labels={"4 months": "x"})
    refused(argument="width", width=50, says=["between the columns"])
