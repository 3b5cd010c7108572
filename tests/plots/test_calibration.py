"""Calibration plots: what is drawn is what was estimated."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

ROLES = {"time": "futime", "event": "death"}


@pytest.fixture(scope="module")
def mgus():
    """Patients with two risks."""
    risk = (pl.col("age") / 120) ** 2
    return hem.data.load("mgus2").with_columns(risk=risk, half=risk / 2)


@pytest.fixture(scope="module")
def two(mgus):
    """Both risks at one horizon."""
    return hem.prediction.calibration(mgus, **ROLES, risks={"a": "risk", "b": "half"}, times=60)


def test_curves_and_groups_are_the_estimates(two):
    ax = two.plot(title="At five years")
    lines = {line.get_gid(): line for line in ax.lines}
    for i, model in enumerate(["a", "b"]):
        curve = two.curve.filter(model=model)
        assert lines[f"curve {i}"].get_ydata().tolist() == curve["estimate"].to_list()
        groups = two.groups.filter(model=model)
        assert ax.containers[2 * i + 1].lines[0].get_ydata().tolist() == groups["estimate"].to_list()
        assert sum(bar.get_height() > 0 for bar in ax.containers[2 * i]) > 5
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_xlim() == ax.get_ylim()
    np.testing.assert_array_equal(ax.get_xticks(), ax.get_yticks())
    assert not hem.plots.layout_problems(ax.figure)
    assert "a: predicted" in hem.plots.fingerprint(ax)


def test_horizons_and_models_are_told_apart(mgus):
    found = hem.prediction.calibration(mgus, **ROLES, risks={"a": ["risk", "risk"]}, times=[60, 120])
    assert [t.get_text() for t in found.plot().get_legend().get_texts()] == ["at 60", "at 120"]
    both = {"a": ["risk", "risk"], "b": ["half", "half"]}
    found = hem.prediction.calibration(mgus, **ROLES, risks=both, times=[60, 120], smooth=None)
    names = [t.get_text() for t in found.plot().get_legend().get_texts()]
    assert names == ["a, at 60", "a, at 120", "b, at 60", "b, at 120"]


def test_parts_can_be_left_out_and_axes_given(two):
    ax = hem.plots.figure(width=90).subplots()
    drawn = hem.plots.draw_calibration(two.curve.filter(model="a"), ax=ax, until=0.5)
    assert drawn is ax
    assert ax.get_xlim() == (0, 0.5)
    assert not ax.containers
    assert ax.get_legend() is None


def test_a_binary_outcome_has_no_horizon(mgus):
    found = hem.prediction.calibration(mgus, event="death", risks={"a": "risk"}, smooth="lowess")
    assert found.plot().get_legend() is None


def test_refuses_other_tables_and_nothing(two):
    bad = two.curve.drop("predicted")
    assert_refused(lambda: hem.plots.draw_calibration(bad), argument="curve", column="predicted")
    assert_refused(lambda: hem.plots.draw_calibration(two.curve.clear()), argument="curve", says=["no rows"])
