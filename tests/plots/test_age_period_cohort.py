"""Effects of age, period and cohort: what is drawn is what was estimated."""

from __future__ import annotations

import numpy as np
import pytest
from refusals import assert_refused

import hemresearch as hem


@pytest.fixture(scope="module")
def fit():
    """Lung cancer in Denmark."""
    return hem.epidemiology.age_period_cohort(
        hem.data.load("lungdk"), age="Ax", period="Px", events="D", person_time="Y", per=1e5
    )


def test_lines_are_effects_and_bands_their_limits(fit):
    panels = fit.plot(width=170)
    for ax, name in zip(panels, ("age", "period", "cohort"), strict=True):
        (line,) = [line for line in ax.lines if line.get_gid() == "effect"]
        frame = fit.effect(name)
        np.testing.assert_allclose(line.get_xydata(), frame.select("value", "estimate").to_numpy())
        band = ax.collections[0].get_paths()[0].vertices
        for limit in ("conf_low", "conf_high"):
            assert set(np.round(frame[limit], 9)) <= set(np.round(band[:, 1], 9))
        assert ax.get_yscale() == "log"
    assert panels[1].get_ylim() == panels[2].get_ylim()
    assert panels[0].get_ylabel() == "Rate per 100000"
    assert "rate ratio by cohort, 40 values" in hem.plots.fingerprint(panels[0].figure)


@pytest.mark.parametrize("width", [115, 170])
def test_nothing_overlaps(fit, width):
    panels = hem.plots.draw_age_period_cohort(
        fit, width=width, y_label="Lung cancers per 100 000 person-years"
    )
    assert hem.plots.layout_problems(panels[0].figure) == []


def test_it_draws_into_axes_and_colours_that_are_given(fit):
    axes = hem.plots.figure(width=170).subplots(1, 3)
    panels = hem.plots.draw_age_period_cohort(fit, axes=axes, color="black")
    assert list(panels) == list(axes)
    assert [line.get_color() for line in axes[0].lines] == ["black"]
    assert_refused(
        lambda: hem.plots.draw_age_period_cohort(fit, axes=axes[:2]), argument="axes", says=["2 were given"]
    )
