"""The search for a cut: the line is the statistic of every cut."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem


@pytest.fixture(scope="module")
def found():
    transplant = hem.data.load("kmsurv_bmt")
    return hem.translational.cutpoint(transplant, time="t2", event="d3", score="z1")


def of(ax, gid: str):
    return [line for line in ax.lines if line.get_gid() == gid]


def test_it_draws_what_was_found(found):
    ax = found.plot(title="Age of the patient", width=80)
    (line,) = of(ax, "statistic")
    np.testing.assert_allclose(line.get_xydata(), found.frame.select("cut", pl.col("statistic").abs()))
    assert of(ax, "cut")[0].get_xydata().tolist() == [[found.cut, found.statistic]]
    assert of(ax, "critical")[0].get_ydata()[0] == found.critical
    assert ax.get_ylim()[1] > found.critical
    assert hem.plots.layout_problems(ax.figure) == []


def test_without_a_critical_value_there_is_no_line():
    transplant = hem.data.load("kmsurv_bmt")
    found = hem.translational.cutpoint(
        transplant, time="t2", event="d3", score="z1", correction="hothorn-lausen"
    )
    left, _ = hem.plots.figure(width=170, height=70).subplots(1, 2)
    assert found.plot(ax=left, color="black") is left
    assert of(left, "critical") == []
    assert "by chance" not in hem.plots.fingerprint(left)


def test_anything_else_is_refused():
    assert_refused(lambda: hem.plots.draw_cutpoint(pl.DataFrame()), argument="found", says=["DataFrame"])
