"""Trends: what is drawn is what was estimated."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import hemresearch as hem


@pytest.fixture(scope="module")
def fit():
    """The mortality of Swedish men of 60 years."""
    yearly = hem.data.load("swe_population_deaths").filter(pl.col("age") == 60, pl.col("sex") == 1)
    roles = {"year": "year", "events": "deaths", "person_time": "mean_population"}
    return hem.epidemiology.joinpoint(yearly, **roles, n_joinpoints=1)


def test_points_are_rates_and_the_line_is_the_trend(fit):
    ax = fit.plot(per=1000, color="black")
    lines = {line.get_gid(): np.asarray(line.get_xydata()) for line in ax.lines}
    for gid, column in (("observed", "observed"), ("trend", "estimate")):
        expected = fit.fitted().select("year", pl.col(column) * 1000).to_numpy()
        np.testing.assert_allclose(lines[gid], expected)
    assert ax.get_ylabel() == "Rate per 1000"
    assert ax.get_ylim()[0] == 0
    assert f"{fit.to_frame()['estimate'][0]:.4g}% a year" in hem.plots.fingerprint(ax)


@pytest.mark.parametrize("width", [80, 170])
def test_nothing_overlaps(fit, width):
    ax = hem.plots.draw_trend(fit, width=width, title="Mortality at 60", y_label="Deaths per person-year")
    assert hem.plots.layout_problems(ax.figure) == []
    again = hem.plots.draw_trend(fit, ax=hem.plots.figure(width=width).subplots())
    assert again.get_ylabel() == "Rate"
