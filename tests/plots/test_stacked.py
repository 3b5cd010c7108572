"""Stacked probabilities: every area is as high as its curve, and together they fill the axis."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from many_curves import CAUSES, STATES, incidence_curves, mean_curves, state_curves, transplanted
from matplotlib.collections import PolyCollection
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.layout import layout_problems

draw = hem.plots.draw_stacked


@pytest.fixture(scope="module")
def incidence():
    return incidence_curves(transplanted(), time="months", event="Status")


@pytest.fixture(scope="module")
def by_disease():
    return incidence_curves(transplanted(), time="months", event="Status", by="disease")


def areas(ax) -> list[PolyCollection]:
    return [part for part in ax.collections if isinstance(part, PolyCollection)]


def names(ax) -> list[str]:
    """From the top to the bottom."""
    return [part.get_label() for part in areas(ax)]


def heights(ax, time: float) -> dict[str, float]:
    """Height of each area at a time, read off its outline."""
    found = {}
    for part in areas(ax):
        points = part.get_paths()[0].vertices
        here = points[np.abs(points[:, 0] - time) < 1e-9, 1]
        found[part.get_label()] = here.max() - here.min()
    return found


def panels(ax) -> list:
    return [one for one in ax.figure.axes if one.get_label() != "risk table"]


def test_areas_are_as_high_as_the_curves_and_fill_the_axis(incidence):
    ax = draw(incidence, time_unit="months")
    assert names(ax) == ["Event-free", "death in remission", "relapse"]
    last = float(incidence.to_frame()["time"].max())
    at_end = heights(ax, last)
    for cause in CAUSES:
        assert at_end[cause] == pytest.approx(incidence.at(last).filter(cause=cause)["estimate"][0])
    assert sum(at_end.values()) == pytest.approx(1)
    assert ax.get_ylabel() == "Probability (%)"


def test_the_order_is_from_the_bottom(incidence):
    ax = draw(incidence, order=["death in remission", "relapse"], remainder="Alive in remission")
    assert names(ax) == ["Alive in remission", "relapse", "death in remission"]
    colors = [tuple(part.get_facecolor()[0]) for part in areas(draw(incidence))]
    assert [tuple(part.get_facecolor()[0]) for part in areas(ax)] == [colors[0], colors[2], colors[1]]


def test_states_that_add_up_to_one_leave_nothing():
    curves = state_curves()
    assert names(draw(curves)) == list(STATES)[::-1]
    some = curves.to_frame().filter(pl.col("state") != "transplant")
    assert names(draw(some)) == ["Other states", "relapse or death", "recovery"]


def test_groups_stand_side_by_side_on_the_same_axes(by_disease):
    ax = by_disease.plot_stacked(time_unit="months", width=170)
    left, right = panels(ax)
    assert ax is left
    assert [one.get_title(loc="left") for one in (left, right)] == ["ALL", "AML"]
    assert left.get_xlim() == right.get_xlim()
    assert left.get_ylim() == right.get_ylim()
    assert right.get_ylabel() == ""
    told = hem.plots.fingerprint(ax.figure)
    assert "stacked cumulative incidence of 73 patients, 56 events, to 72 months" in told
    assert "stacked cumulative incidence of 104 patients, 75 events, to 72 months" in told
    assert layout_problems(ax.figure) == []


def test_names_of_groups_fit_beside_those_of_areas(by_disease):
    long = {"ALL": "Acute lymphoblastic leukaemia in remission", "AML": "Acute myeloid leukaemia"}
    causes = {"death in remission": "death without a relapse of leukaemia"}
    ax = draw(by_disease, labels=long | causes, legend="direct", width=148, risk_table=False)
    assert [one.get_title(loc="left").replace("\n", " ") for one in panels(ax)] == list(long.values())
    assert layout_problems(ax.figure) == []


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize(("table", "legend"), [(True, True), ("compact", "above"), (False, False)])
def test_every_kind_is_readable(incidence, width, table, legend):
    for curves in (incidence, state_curves(by="arm")):
        ax = draw(curves, width=width, risk_table=table, legend=legend)
        assert layout_problems(ax.figure) == []


def test_areas_are_named_at_the_right_where_all_are_seen_there(incidence):
    ax = draw(incidence, width=170)
    assert ax.get_legend() is None
    assert {text.get_text() for text in ax.texts} == {"relapse", "death in remission", "Event-free"}
    assert draw(state_curves(), width=170).get_legend() is not None
    assert draw(state_curves(), width=170, legend="direct").get_legend() is None


def test_it_draws_into_given_axes(incidence, by_disease):
    left, right = hem.plots.figure(width=170, height=80).subplots(1, 2)
    assert draw(incidence, ax=left, title="Everybody", legend="above") is left
    only = by_disease.to_frame().filter(disease="ALL")
    draw(only, ax=right, by=[], labels={"relapse": "Relapse"}, title="ALL")
    assert names(right)[-1] == "Relapse"
    assert layout_problems(left.figure) == []
    _, plain = plt.subplots(figsize=(5, 4))
    assert layout_problems(draw(incidence, ax=plain, legend="above").figure) == []


def test_the_fingerprint_tells_every_area(incidence):
    told = hem.plots.fingerprint(draw(incidence, time_unit="months", until=24)).split("\n")
    assert told[0] == "stacked cumulative incidence of 177 patients, 131 events, to 24 months by 6"
    at = {cause: incidence.at(24).filter(cause=cause)["estimate"][0] for cause in CAUSES}
    assert told[1] == f"  Event-free: at 24: {1 - sum(at.values()):.4g}"
    assert told[3] == f"  relapse: events 56, at 24: {at['relapse']:.4g}"
    predicted = draw(replace(incidence, predicted=True))
    assert "events" not in "\n".join(hem.plots.fingerprint(predicted).split("\n")[1:])


def test_predicted_groups_are_the_same_patients(incidence):
    first, second = (incidence.to_frame().with_columns(patient=pl.lit(p)) for p in ("1", "2"))
    groups = incidence.groups()
    both = replace(
        incidence, frame=pl.concat([first, second]).select("patient", pl.exclude("patient")), by=("patient",),
        groups_frame=pl.concat([groups.with_columns(patient=pl.lit(p)) for p in ("1", "2")]).select(
            "patient", pl.exclude("patient")
        ),
        starts=np.append(incidence.starts, incidence.starts[1:] + incidence.starts[-1]), predicted=True,
    )  # fmt: skip
    told = hem.plots.fingerprint(both.plot_stacked().figure)
    assert told.count("stacked cumulative incidence of 177 patients, 131 events") == 2


def test_curves_that_end_are_stacked_until_then(incidence):
    frame = incidence.to_frame()
    late = pl.col("time") > 40
    cut = frame.with_columns(estimate=pl.when(late).then(None).otherwise(pl.col("estimate")))
    last = float(cut.filter(~late)["time"].max())
    assert areas(draw(cut))[0].get_paths()[0].vertices[:, 0].max() == last


def test_refused_stacks(incidence, by_disease, survival):
    assert_refused(lambda: draw(survival), argument="curves", says=["without causes or states"])
    counts = mean_curves().to_frame().with_columns(cause=pl.lit("infection"))
    assert_refused(
        lambda: draw(counts, quantity="mean number of events"), argument="curves", says=["mean number"]
    )
    twice = incidence.to_frame().with_columns(estimate=2 * pl.col("estimate"))
    assert_refused(lambda: draw(twice), argument="curves", says=["add up to 150"])
    some = ["relapse"]
    assert_refused(lambda: draw(incidence, order=some), argument="order", says=["'death in remission'"])
    assert_refused(lambda: draw(incidence, legend="left"), argument="legend")
    assert_refused(lambda: draw(incidence, risk_table="wide"), argument="risk_table")
    ax = hem.plots.figure().subplots()
    assert_refused(lambda: draw(by_disease, ax=ax), argument="ax", says=["2 groups"])
    assert_refused(lambda: draw(by_disease, width=50), argument="width", says=["25 mm each"])
