"""Funnel plots: the units, the limits, and words that do not overlap."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import hemresearch as hem


@pytest.fixture(scope="module")
def funnel():
    """Forty hospitals, some further from the others than chance leaves them."""
    rng = np.random.default_rng(1)
    n = rng.integers(20, 600, 40)
    d = rng.binomial(n, np.clip(rng.normal(0.12, 0.03, 40), 0.02, 1))
    units = pl.DataFrame({"hospital": [f"H{i}" for i in range(40)], "d": d, "n": n})
    return hem.epidemiology.funnel(units, unit="hospital", events="d", n="n")


def points(ax) -> np.ndarray:
    return np.vstack([line.get_xydata() for line in ax.lines if line.get_gid() == "units"])


def test_every_unit_is_a_point(funnel):
    ax = funnel.plot()
    frame = funnel.to_frame()
    drawn, stored = points(ax), frame.select("n", "estimate").to_numpy()
    np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], stored[np.lexsort(stored.T)])
    named = {text.get_text() for text in ax.texts}
    assert set(frame.filter(pl.col("outside") == 0.998)["hospital"]) <= named


def test_limits_are_those_of_the_result(funnel):
    ax = hem.plots.draw_funnel(funnel, label=False)
    for level in funnel.levels:
        lines = [line for line in ax.lines if line.get_gid() == f"limit {level:g}"]
        stored = funnel.limits().filter(level=level)
        for line, name in zip(lines, ("conf_low", "conf_high"), strict=True):
            np.testing.assert_allclose(line.get_xydata(), stored.select("n", name).to_numpy())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Patients", "Proportion")
    assert ax.get_ylim()[0] == 0
    (target,) = [line for line in ax.lines if line.get_gid() == "target"]
    assert target.get_ydata()[0] == funnel.target


@pytest.mark.parametrize("width", [80, 115, 170])
@pytest.mark.parametrize("name", ["plain", "blood", "nejm"])
def test_nothing_overlaps(funnel, width, name):
    with hem.plots.theme(name):
        ax = hem.plots.draw_funnel(
            funnel, width=width, title="Death within 100 days", x_label="Transplantations"
        )
    assert hem.plots.layout_problems(ax.figure) == []


def test_into_axes_of_ones_own(funnel):
    panel = hem.plots.figure(width=115).subplots()
    assert hem.plots.draw_funnel(funnel, ax=panel) is panel
    first = hem.plots.fingerprint(panel).splitlines()[0]
    assert first == f"funnel of 40 units around {funnel.target:.4g}, 11 outside"
