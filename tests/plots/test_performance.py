"""Performance over time and ROC curves: what is drawn is what was estimated, and nothing overlaps."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

ROLES = {"time": "futime", "event": "death", "times": [24, 60, 120, 240]}


@pytest.fixture(scope="module")
def mgus():
    """Patients with a haemoglobin."""
    return hem.data.load("mgus2").drop_nulls("hgb").with_columns(anaemia=-pl.col("hgb"), risk=pl.lit(0.5))


@pytest.fixture(scope="module")
def area(mgus):
    """The discrimination of two markers."""
    return hem.prediction.auc(mgus, **ROLES, scores={"age": "age", "anaemia": "anaemia"})


@pytest.fixture(scope="module")
def curves(mgus):
    """Their ROC curves."""
    return hem.prediction.roc_curve(
        mgus, **ROLES | {"times": [60, 120]}, scores={"age": "age", "b": "anaemia"}
    )


def test_lines_are_the_estimates(area):
    ax = area.plot(x_label="Months", title="Discrimination")
    for i, model in enumerate(["age", "anaemia"]):
        line = ax.containers[i].lines[0]
        assert line.get_ydata().tolist() == area.to_frame().filter(model=model)["estimate"].to_list()
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("AUC", "Months")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["age", "anaemia"]
    assert "age at 60: 0.678" in hem.plots.fingerprint(ax)


def test_a_single_model_needs_no_key_and_a_score_has_no_line_of_chance(mgus):
    score = hem.prediction.brier_score(mgus, **ROLES, risks={"half": ["risk"] * 4})
    ax = hem.plots.draw_performance(score.to_frame().filter(model="half"), measure="Brier score")
    assert ax.get_legend() is None
    assert len(score.plot().containers) == 2


def test_a_single_horizon_is_the_only_tick(area):
    ax = hem.plots.draw_performance(area.to_frame().filter(time=60))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["60"]
    low, high = ax.get_xlim()
    assert (low + high) / 2 == 60


def test_curves_run_from_corner_to_corner(curves):
    ax = curves.plot(title="By 5 and 10 years")
    lines = {line.get_label(): np.asarray(line.get_xydata()) for line in ax.lines}
    assert set(lines) >= {"age, at 60", "age, at 120", "b, at 60", "b, at 120"}
    for name in ("age, at 60", "b, at 120"):
        np.testing.assert_allclose(lines[name][[0, -1]], [[0, 0], [1, 1]], atol=1e-12)
    box = ax.get_window_extent()
    assert abs(box.width / box.height - 1) < 0.05


def test_names_tell_what_differs(curves):
    frame = curves.to_frame()
    for part, name in ((frame.filter(model="age"), "at 60"), (frame.filter(time=60), "age")):
        labels = [line.get_label() for line in hem.plots.draw_roc(part).lines]
        assert labels[0] == name


@pytest.mark.parametrize("width", [80, 170])
def test_nothing_overlaps(area, curves, width):
    for ax in (area.plot(width=width, title="Discrimination"), curves.plot(width=width, title="By 5 years")):
        assert hem.plots.layout_problems(ax.figure) == []
    left, right = hem.plots.figure(width=170).subplots(1, 2)
    area.plot(ax=left)
    curves.plot(ax=right)
    assert hem.plots.layout_problems(left.figure) == []


def test_refuses_a_table_without_the_columns(area):
    frame = area.to_frame()
    call = {"argument": "frame", "column": "conf_low"}
    assert_refused(lambda: hem.plots.draw_performance(frame.drop("conf_low")), **call)
    assert_refused(lambda: hem.plots.draw_roc(frame), argument="frame", column="sensitivity")
