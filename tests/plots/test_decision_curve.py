"""Decision curves: what is drawn is what was estimated."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

ROLES = {"time": "futime", "event": "death", "thresholds": [0.1, 0.2, 0.3, 0.4]}


@pytest.fixture(scope="module")
def mgus():
    """Patients with two risks."""
    risk = (pl.col("age") / 120) ** 2
    return hem.data.load("mgus2").with_columns(risk=risk, half=risk / 2)


def test_lines_are_the_estimates(mgus):
    found = hem.prediction.decision_curve(mgus, **ROLES, risks={"a": "risk", "b": "half"}, times=60)
    ax = found.plot(limits=True, title="Acting on age")
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines) == ["treat all", "treat none", "a", "b"]
    for name, line in lines.items():
        assert line.get_ydata().tolist() == found.to_frame().filter(model=name)["estimate"].to_list()
    assert len(ax.collections) == 2  # bands of the models
    assert ax.get_ylim()[0] > -0.1
    assert not hem.plots.layout_problems(ax.figure)
    assert "a at 0.2: " in hem.plots.fingerprint(ax)


def test_horizons_are_told_apart(mgus):
    found = hem.prediction.decision_curve(mgus, **ROLES, risks={"a": ["half", "risk"]}, times=[60, 120])
    ax = hem.plots.draw_decision_curve(found.to_frame(), ax=hem.plots.figure(width=120).subplots())
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(names) == ["a, at 120", "a, at 60", "treat all, at 120", "treat all, at 60", "treat none"]
    assert len({line.get_linestyle() for line in ax.lines if "all" in line.get_label()}) == 2


def test_refuses_another_table(mgus):
    call = lambda: hem.plots.draw_decision_curve(mgus)  # noqa: E731
    assert_refused(call, argument="frame", column="model")
