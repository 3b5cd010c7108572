"""Legends and notes stand where nothing is drawn, else above the panel."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import hemresearch as hem
from hemresearch.plots.keys import apart
from hemresearch.plots.layout import layout_problems


@pytest.fixture(scope="module")
def crowded() -> pl.DataFrame:
    """Twelve flat curves from the bottom to the top of the panel."""
    counts = {"n_risk": [20, 10], "n_event": [0, 0], "n_censor": [10, 10]}
    rows = [
        pl.DataFrame({"time": [0.0, 100.0], **counts}).with_columns(
            g=pl.lit(f"{i:02d}"), estimate=pl.lit(0.95 - 0.08 * i)
        )
        for i in range(12)
    ]
    return pl.concat(rows)


def key_box(ax):
    ax.figure.draw_without_rendering()
    return ax.get_legend().get_window_extent()


def test_the_legend_is_in_the_free_corner_of_falling_and_of_rising_curves(survival, hazard):
    falling, rising = survival.plot(), hazard.plot()
    assert key_box(falling).x0 > falling.get_window_extent().x0 + 0.5 * falling.get_window_extent().width
    assert key_box(rising).x0 < rising.get_window_extent().x0 + 0.1 * rising.get_window_extent().width


def test_a_crowded_panel_has_its_legend_above(crowded):
    ax = hem.plots.draw_curves(crowded, width=170)
    assert key_box(ax).y0 >= ax.get_window_extent().y1
    assert layout_problems(ax.figure) == []


def test_a_high_legend_is_left_out_where_the_risk_table_names_the_curves(crowded):
    long = {f"{i:02d}": f"Behandlingsgrupp {i} enligt det nordiska protokollet" for i in range(12)}
    assert hem.plots.draw_curves(crowded, width=80, labels=long).get_legend() is None
    for told in ({"legend": "above"}, {"risk_table": False}):
        ax = hem.plots.draw_curves(crowded, width=80, labels=long, **told)
        assert len(ax.get_legend().get_texts()) == 12
        assert layout_problems(ax.figure) == []


def test_the_legend_goes_where_it_is_told(survival):
    ax = survival.plot(legend="lower left", p=0.02)
    assert key_box(ax).x0 < ax.get_window_extent().x0 + 0.1 * ax.get_window_extent().width
    assert layout_problems(ax.figure) == []
    assert survival.plot(legend=False).get_legend() is None
    above = survival.plot(legend="above", title="Overall survival", p=0.3)
    assert key_box(above).y0 >= above.get_window_extent().y1
    assert layout_problems(above.figure) == []


def test_names_beside_the_ends_have_the_colours_of_their_curves(survival):
    ax = survival.plot(legend="direct")
    assert ax.get_legend() is None
    names = {text.get_text(): text for text in ax.texts}
    colours = {line.get_label(): line.get_color() for line in ax.lines}
    assert set(names) == {"A", "B"}
    for name, text in names.items():
        assert text.get_color() == colours[name]
    assert names["A"].get_position()[1] < names["B"].get_position()[1]


def test_names_beside_the_ends_stand_once_when_more_curves_are_added(survival):
    ax = survival.plot(legend="direct", risk_table=False)
    survival.plot(ax=ax, legend="direct", risk_table=False, labels={"A": "A again", "B": "B again"})
    assert sorted(text.get_text() for text in ax.texts) == ["A", "A again", "B", "B again"]
    assert layout_problems(ax.figure) == []


def test_names_too_long_to_stand_beside_become_a_legend(survival):
    long = {"A": "Stamcellstransplantationspatienter utan syskondonator"}
    ax = survival.plot(legend="direct", width=80, labels=long)
    assert ax.get_legend() is not None
    assert layout_problems(ax.figure) == []


def test_too_many_names_to_stand_beside_become_a_legend(made):
    cohort = made(400, [f"group {i:02d}" for i in range(24)])
    curves = hem.survival.kaplan_meier(cohort, time="t", event="e", by="g")
    assert curves.plot(legend="direct", width=80, risk_table=False).get_legend() is not None


def test_a_note_that_finds_no_place_stands_above(crowded):
    said = {"p": 0.02, "effect": "HR 0.71 (95% CI 0.55–0.92)", "title": "Survival"}
    ax = hem.plots.draw_curves(crowded, width=80, **said)
    ax.figure.draw_without_rendering()
    assert ax.texts[-1].get_window_extent().y0 >= ax.get_window_extent().y1
    assert layout_problems(ax.figure) == []


def test_labels_that_are_close_are_moved_apart_by_as_little_as_possible():
    heights = np.array([0.1, 0.1, 0.1])
    assert apart(np.array([0.2, 0.5, 0.8]), heights, 0, 1).tolist() == [0.2, 0.5, 0.8]
    np.testing.assert_allclose(apart(np.array([0.52, 0.5, 0.9]), heights, 0, 1), [0.56, 0.46, 0.9])
    np.testing.assert_allclose(apart(np.array([0.0, 0.0, 0.99]), heights, 0, 1), [0.05, 0.15, 0.95])


@pytest.mark.parametrize("seed", range(20))
def test_labels_never_overlap_nor_leave_the_panel(seed):
    rng = np.random.default_rng(seed)
    at, heights = rng.uniform(0, 1, 8), rng.uniform(0.02, 0.12, 8)
    placed = apart(at, heights, 0, 1)
    order = np.argsort(placed)
    assert (np.diff(placed[order]) >= (heights[order][1:] + heights[order][:-1]) / 2 - 1e-9).all()
    assert (placed - heights / 2 >= -1e-9).all()
    assert (placed + heights / 2 <= 1 + 1e-9).all()
