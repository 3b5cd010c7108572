"""Dynamic predictions: points of their own along the time at which they are made."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.collections import PolyCollection
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.layout import layout_problems

draw = hem.plots.draw_dynamic


def ahead(horizons=(60.0,), arms=("A", "B"), step: float = 3.0) -> pl.DataFrame:
    """Probabilities within 60 months that fall and rise again, from 0 to 36 months."""
    time = np.arange(0.0, 36.1, step)
    parts = []
    for h, horizon in enumerate(horizons):
        for a, arm in enumerate(arms):
            estimate = (0.5 - 0.1 * a) * np.exp(-time / 20) + 0.004 * time + 0.05 * h
            limits = {"conf_low": estimate - 0.05, "conf_high": estimate + 0.05}
            part = pl.DataFrame({"time": time, "estimate": estimate} | limits)
            parts.append(part.with_columns(arm=pl.lit(arm), horizon=pl.lit(horizon)))
    return pl.concat(parts)


def lines(ax) -> list:
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def test_a_curve_joins_the_predictions_with_their_limits():
    frame = ahead()
    ax = draw(frame, time_unit="months", outcome="relapse")
    for line, part in zip(lines(ax), frame.partition_by("arm"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), part["time"])
        np.testing.assert_array_equal(line.get_ydata(), part["estimate"])
        assert line.get_drawstyle() == "default"
    assert sum(isinstance(part, PolyCollection) for part in ax.collections) == 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B"]
    assert ax.get_ylabel().split() == ["Probability", "of", "relapse", "within", "60", "months", "(%)"]
    assert ax.get_xlabel() == "Time of prediction (months)"
    assert ax.get_xlim() == (0, 36)


def test_times_and_horizon_are_shown_in_another_unit():
    ax = draw(ahead(arms=("A",)), time_unit="months", shown_in="years")
    assert ax.get_ylabel() == "Probability within 5 years (%)"
    assert ax.get_xlabel() == "Time of prediction (years)"
    assert "probability within 5 years from 0 to 3 years" in hem.plots.fingerprint(ax)
    one = draw(ahead(horizons=(12.0,)), time_unit="months", shown_in="years")
    assert one.get_ylabel() == "Probability within 1 year (%)"


def test_the_one_state_from_which_all_begin_is_not_named():
    ax = draw(ahead().with_columns(from_state=pl.lit("recovery")), time_unit="months")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B"]
    alone = draw(ahead(arms=("A",)).drop("arm").with_columns(from_state=pl.lit("recovery")))
    assert "from recovery: " in hem.plots.fingerprint(alone)


def test_horizons_and_causes_are_curves_of_their_own():
    ax = draw(ahead(horizons=(12.0, 60.0), arms=("A",)), by=[], time_unit="months")
    assert [line.get_label() for line in lines(ax)] == ["within 12 months", "within 60 months"]
    assert ax.get_ylabel() == "Probability (%)"
    causes = ahead().rename({"arm": "cause"})
    labels = {"A": "Relapse", "B": "Death"}
    assert [line.get_label() for line in lines(draw(causes, labels=labels))] == ["Relapse", "Death"]


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("legend", [True, "above", False])
def test_it_is_readable(width, legend):
    for frame in (ahead(), ahead(horizons=(12.0, 36.0, 60.0)).drop("conf_low", "conf_high")):
        ax = draw(frame, width=width, legend=legend, title="Predicted relapse", time_unit="months")
        assert layout_problems(ax.figure) == []


def test_many_curves_have_no_bands_unless_asked():
    many = ahead(arms=tuple("ABCDE"))
    assert not draw(many).collections
    assert len(draw(many, band=True).collections) == 5


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=70).subplots(1, 2)
    assert draw(ahead(), ax=left, legend="above", y_limits=(0, 0.6)) is left
    draw(ahead(arms=("A",)), ax=right)
    assert left.get_ylim()[1] == pytest.approx(0.609)
    assert layout_problems(left.figure) == []


def test_the_fingerprint_tells_each_curve_at_a_few_times():
    told = hem.plots.fingerprint(draw(ahead(arms=("A",)), time_unit="months")).split("\n")
    assert told[0] == "probability within 60 months from 0 to 36 months"
    assert told[1] == "  A: 0.5 at 0, 0.3224 at 12, 0.2466 at 24, 0.2266 at 36"


def test_refused_predictions():
    frame = ahead()
    assert_refused(lambda: draw(frame.drop("horizon")), argument="predictions", says=["'horizon'"])
    once = frame.filter(pl.col("time") == 0)
    assert_refused(lambda: draw(once), argument="predictions", column="time", says=["one time only"])
    assert_refused(lambda: draw(frame, by=[]), argument="predictions", column="time", says=["twice"])
    assert_refused(lambda: draw(frame, shown_in="years"), argument="shown_in", says=["not known"])
    assert_refused(lambda: draw(frame, legend="left"), argument="legend")
    assert_refused(lambda: draw(frame, time_unit="decades"), argument="time_unit")
