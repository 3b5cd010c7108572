"""Spider plots: every line is the course of one patient."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_spider
SCALE = hem.hematology.response.scale("lugano")
ROLES = {"id": "id", "time": "months", "change": "change"}


def courses(n: int, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        change = np.clip(np.cumsum(rng.normal(-15, 25, rng.integers(1, 8))), -100, None)
        best = "CR" if change.min() <= -95 else "PR" if change.min() <= -50 else "SD"
        rows += [(f"S{i}", 2.0 * (j + 1), c, best, i % 2 == 0) for j, c in enumerate(change)]
    names = ["id", "months", "change", "best", "on"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("best").cast(SCALE))


SOME = courses(12)


def of(ax, gid: str) -> list:
    return [line for line in ax.lines if line.get_gid() == gid]


@pytest.mark.parametrize("from_zero", [True, False])
def test_lines_are_the_courses_of_the_patients(from_zero):
    ax = draw(SOME.sample(fraction=1, shuffle=True, seed=4), **ROLES, from_zero=from_zero)
    drawn = sorted(line.get_xydata()[int(from_zero) :].tolist() for line in of(ax, "patient"))
    parts = SOME.partition_by("id")
    assert drawn == sorted(part.select("months", "change").to_numpy().tolist() for part in parts)
    starts = {tuple(line.get_xydata()[0]) for line in of(ax, "patient")}
    assert not from_zero or starts == {(0.0, 0.0)}
    with_baseline = pl.concat([SOME, SOME.unique("id").with_columns(months=0.0, change=0.0)])
    assert all(line.get_xdata()[1] > 0 for line in of(draw(with_baseline, **ROLES), "patient"))


def test_categories_have_colours_dashes_and_shapes():
    ax = draw(SOME, **ROLES, color_by="best", ongoing="on")
    key = of(ax, "key")
    assert [line.get_label() for line in key] == [c for c in SCALE.categories if c in set(SOME["best"])]
    for look in ("get_color", "get_marker"):
        assert len({getattr(line, look)() for line in key}) == len(key)
    at = {True: [], False: []}
    for line in of(ax, "end"):
        at[line.get_markerfacecolor() == "white"].append(tuple(line.get_xydata()[0]))
    for ongoing, ends in at.items():
        last = SOME.filter(pl.col("on") == ongoing).group_by("id").agg(pl.col("months", "change").last())
        assert sorted(ends) == sorted(last.select("months", "change").rows())


def test_lines_are_cut_and_told():
    ax = draw(SOME, **ROLES, most=10, thresholds=[-50])
    beyond = SOME.filter(pl.col("change") > 10)["id"].n_unique()
    assert hem.plots.fingerprint(ax).splitlines()[0].endswith(f", {beyond} beyond 10")
    assert ax.get_ylim()[1] < 20
    assert [line.get_ydata()[0] for line in of(ax, "threshold")] == [-50]
    assert "beyond" not in hem.plots.fingerprint(draw(SOME, **ROLES, most=1e4))


def test_the_fingerprint_tells_each_category_and_no_patient():
    told = hem.plots.fingerprint(draw(SOME.lazy(), **ROLES, color_by="best")).splitlines()
    assert told[0] == f"change of 12 patients, {SOME.height} measurements to {SOME['months'].max():.4g}"
    stable = SOME.filter(best="SD")
    mean, last = stable["change"].mean(), stable.group_by("id").agg(pl.col("change").last())["change"].mean()
    n = stable["id"].n_unique()
    assert f"  SD: {n} patients, mean {mean:.4g}, last {last:.4g}" in told
    assert "S1" not in "\n".join(told)


def test_measurements_without_a_change_are_left_out():
    gaps = SOME.with_columns(change=pl.when(pl.col("months") != 4).then("change").otherwise(float("nan")))
    ax = draw(gaps, **ROLES)
    assert f"{SOME.filter(pl.col('months') != 4).height} measurements" in hem.plots.fingerprint(ax)
    whole = SOME.with_columns(pl.col("change").round().cast(pl.Int64))
    assert len(of(draw(whole, **ROLES), "patient")) == 12


@pytest.mark.parametrize(("n", "width"), [(3, 80), (24, 115), (60, 170)])
def test_nothing_overlaps(n, width):
    data = courses(n)
    long = {level: f"{level}, a rather long name of a response" for level in data["best"].unique()}
    ax = draw(
        data, **ROLES, color_by="best", labels=long, width=width, title="Change of all patients with lymphoma"
    )
    assert hem.plots.layout_problems(ax.figure) == []


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=80).subplots(1, 2)
    assert draw(SOME, **ROLES, color_by="best", ax=left, shown_in="years") is left
    assert left.get_xlabel() == "Time (years)"
    draw(SOME, **ROLES, color_by="best", ax=right, legend=False)
    assert hem.plots.layout_problems(left.figure) == []
    _, plain = plt.subplots(figsize=(5, 4))
    assert hem.plots.layout_problems(draw(SOME, **ROLES, color_by="best", ax=plain).figure) == []


def test_what_cannot_be_drawn_is_refused():
    def refused(data=SOME, says=(), rows=(), *, argument, column=None, **options):
        assert_refused(
            lambda: draw(data, **ROLES | options), argument=argument, column=column, rows=rows, says=says
        )

    refused(argument="time", column="weeks", time="weeks")
    refused(SOME.with_columns(change=None), argument="change", column="change", says=["no number"])
    refused(SOME.with_columns(months=pl.lit("2")), argument="time", column="months")
    refused(pl.concat([SOME.head(1), SOME.head(1)]), argument="time", column="months", rows=[1, 2])
    two = SOME.head(1).vstack(SOME.head(1).with_columns(months=99.0, best=pl.lit("PD").cast(SCALE)))
    refused(two, argument="color_by", column="best", color_by="best", rows=[1, 2])
    refused(argument="labels", labels={"XX": "x"}, color_by="best")
    refused(argument="thresholds", thresholds=["half"])
    refused(argument="most", most=-5)
