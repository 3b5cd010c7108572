"""Volcano and Manhattan plots: every feature is a point, and words do not overlap."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.plots import draw_manhattan, draw_volcano
from hemresearch.plots.label_points import label_points


@pytest.fixture(scope="module")
def many():
    """300 features, of which 30 matter, one is the same for all, and one has an infinite estimate."""
    rng = np.random.default_rng(4)
    n, m = 200, 300
    x, effect = rng.normal(size=(n, m)), np.append(rng.normal(0, 0.4, 30), np.zeros(m - 30))
    death, end = rng.exponential(np.exp(-x @ effect)), rng.exponential(2, n)
    event = death < end
    x[:, 40], x[:, 41] = 1.0, np.arange(n) == np.argmin(event)
    data = pl.DataFrame({"t": np.minimum(death, end), "e": event})
    with pytest.warns(hem.errors.DataWarning, match="2 features of 300"):
        return hem.translational.screen(data, [f"G{j}" for j in range(m)], matrix=x, time="t", event="e")


def points(ax) -> np.ndarray:
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_gid() == "features"])


def strong(screen, q=0.05) -> set[str]:
    return set(screen.to_frame().filter(pl.col("q_value") < q)["feature"])


def test_every_feature_with_an_estimate_is_a_point(many):
    ax = many.plot()
    frame = many.to_frame().filter(pl.col("status") == "ok")
    drawn = points(ax)
    assert len(drawn) == 299
    stored = np.column_stack([frame["estimate"], -frame["p_value"].log10()])
    found = drawn[np.isin(drawn[:, 0], stored[:, 0])]
    np.testing.assert_allclose(found[np.lexsort(found.T)], stored[np.lexsort(stored.T)])
    triangle = [line for line in ax.lines if line.get_marker() == "^"]
    assert len(triangle) == 1
    assert triangle[0].get_xdata()[0] < frame["estimate"].min()
    assert strong(many) == {text.get_text() for text in ax.texts} - {""}


def test_the_line_parts_the_strong_from_the_others(many):
    for ax in (draw_volcano(many), draw_manhattan(many)):
        (line,) = [line for line in ax.lines if line.get_gid() == "bound"]
        height = line.get_ydata()[0]
        named = -many.to_frame().filter(pl.col("q_value") < 0.05)["p_value"].log10()
        others = -many.to_frame().filter(pl.col("q_value") >= 0.05)["p_value"].log10()
        assert others.max() < height < named.min()


def test_colours_are_told(many):
    ax = draw_volcano(many, label=2)
    frame = many.to_frame().filter(pl.col("q_value") < 0.05)
    below = int((frame["estimate"] < 0).sum())
    told = hem.plots.fingerprint(ax).splitlines()
    head = f"volcano of 299 features: {below} with q < 0.05 below zero, {frame.height - below} above"
    assert told[0] == f"{head}; 1 without an estimate"
    assert len([line for line in told if line.startswith("  G")]) == 2
    assert ax.get_xlabel() == "Log hazard ratio"


def test_without_strong_features_there_is_no_line(many):
    ax = draw_volcano(many, q=1e-30)
    assert [line for line in ax.lines if line.get_gid() == "bound"] == []
    assert [text for text in ax.texts if text.get_text()] == []


def test_only_strong_features_and_p_values_of_zero():
    veteran = hem.data.load("veteran")
    screen = hem.translational.screen(veteran, ["karno"], time="time", event="status")
    frame = screen.to_frame().with_columns(p_value=0.0, q_value=0.0)
    ax = draw_manhattan(dataclasses.replace(screen, frame=frame))
    assert points(ax)[0, 1] == pytest.approx(300)


def test_groups_stand_side_by_side(many):
    groups = {f"G{j}": ("a", "b", "c")[j % 3] for j in range(300)}
    ax = draw_manhattan(many, groups=groups)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "c"]
    drawn = points(ax)
    assert len(np.unique(drawn[:, 0])) == len(drawn) == 299
    first = np.sort(drawn[:, 0])
    assert (np.diff(first) > 1.5).sum() == 2
    assert hem.plots.fingerprint(ax).splitlines()[0].startswith("299 features in 3 groups, ")


def test_associations_are_drawn_too():
    veteran = hem.data.load("veteran")
    found = hem.translational.associate(veteran, ["karno", "age", "prior"], response="trt")
    ax = draw_manhattan(found)
    assert (ax.get_xlabel(), len(points(ax))) == ("Features", 3)


@pytest.mark.parametrize(("width", "name"), [(80, "blood"), (115, "nejm"), (170, "plain")])
def test_nothing_overlaps(many, width, name):
    groups = {f"G{j}": f"chr{1 + j // 14}" for j in range(300)}
    with hem.plots.theme(name):
        axes = [
            draw_volcano(many, width=width, title="Expression and survival", label=5),
            draw_manhattan(many, width=width, label=3),
            draw_manhattan(many, groups=groups if width > 80 else None, width=width, label=3),
        ]
    for ax in axes:
        assert hem.plots.layout_problems(ax.figure) == []


def test_into_axes_of_ones_own(many):
    left, right = hem.plots.figure(width=170).subplots(1, 2)
    assert draw_volcano(many, ax=left, label=0) is left
    assert draw_manhattan(many, ax=right, label=0) is right


def test_what_cannot_be_drawn_is_refused(many):
    veteran = hem.data.load("veteran")
    groups = hem.translational.screen(veteran, ["trt"], time="time", event="status", method="logrank")
    with pytest.raises(DataError, match="log-rank tests, which estimate nothing"):
        draw_volcano(groups)
    with pytest.raises(DataError, match="says nothing of 299 features"):
        draw_manhattan(many, groups={})
    nothing = dataclasses.replace(many, frame=many.to_frame().filter(pl.col("p_value").is_null()))
    with pytest.raises(DataError, match="no feature with a p-value"):
        draw_volcano(nothing)
    for wrong in ({"q": 1.5}, {"label": -1}):
        with pytest.raises(DataError, match=next(iter(wrong))):
            draw_volcano(many, **wrong)


def test_lines_to_labels_end_at_their_edge_and_cross_no_other_label():
    fig = hem.plots.figure(width=80, height=50)
    ax = fig.subplots()
    ax.set(xlim=(0, 10), ylim=(0, 10))
    x, y = [8.0, 8.2, 8.1, 8.3, 8.15], [5.0, 5.1, 4.9, 5.05, 5.2]
    label_points(ax, x, y, [f"A_RATHER_LONG_NAME_{j}" for j in range(5)])
    fig.draw_without_rendering()
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text()]
    lines = [t for t in ax.texts if not t.get_text()]
    assert lines
    for line in lines:
        start, there = ax.transData.transform(line.xy), np.array(line.xyann) * fig.dpi / 72
        through = [start + s * there for s in np.linspace(0.1, 0.9, 30)]
        assert sum(any(box.contains(*at) for at in through) for box in boxes) == 0
    plt.close(fig)
