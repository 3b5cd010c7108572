"""Flow diagrams: every text in its box, at the widths of a journal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl
import pytest
from matplotlib.patches import Rectangle
from refusals import assert_refused

import hemresearch as hem
from hemresearch.cohort import Flow
from hemresearch.plots.flow import arrange

MGUS = hem.data.load("mgus2")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def eligible() -> Flow:
    return (
        Flow(MGUS, "Registered with monoclonal gammopathy in the county")
        .keep(pl.col("age") >= 40, reason="Younger than 40")
        .exclude(pl.col("creat") > 2, reason="Creatinine above 2 mg/dL at the first visit", missing="drop")
        .stage("Eligible")
    )


def randomised() -> Flow:
    return (
        eligible()
        .split("sex")
        .exclude(pl.col("mspike") > 2.5, reason="M-spike not measured again", missing="drop")
        .stage("Analysed")
    )


def flows() -> dict[str, Flow]:
    return {
        "without exclusions": Flow(MGUS).stage("Eligible"),
        "one box": Flow(MGUS),
        "one exclusion": Flow(MGUS).keep(pl.col("age") >= 40, reason="Younger than 40"),
        "two stages": eligible().exclude(pl.col("death") == 1, reason="Dead").stage("Alive"),
        "two groups": randomised(),
        "four groups": Flow(MGUS).split((pl.col("age") // 25 * 25).alias("age group")),
    }


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("name", flows())
def test_all_text_is_inside_its_box_and_nothing_overlaps(name, width):
    ax = flows()[name].plot(width=width)
    figure = ax.figure
    assert hem.plots.layout_problems(figure) == []
    boxes = [p.get_window_extent() for p in ax.patches if isinstance(p, Rectangle)]
    assert boxes
    for text in ax.texts:
        extent = text.get_window_extent()
        if text.get_text():
            inside = [
                b for b in boxes
                if b.x0 <= extent.x0 and extent.x1 <= b.x1 and b.y0 <= extent.y0 and extent.y1 <= b.y1
            ]  # fmt: skip
            assert len(inside) == 1, text
    for box in boxes:
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0
        assert box.y1 <= figure.bbox.y1
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_the_figure_prints_every_box():
    lines = hem.plots.fingerprint(randomised().plot(width=170).figure).splitlines()
    assert lines[1:8] == [
        "Registered with monoclonal gammopathy in the county (n=1,384)",
        "Excluded (n=127); Younger than 40 (n=24); Creatinine above 2 mg/dL at the first visit (n=75) or not "
        "known (n=28)",
        "Eligible (n=1,257)",
        "F (n=580)",
        "M (n=677)",
        "Excluded (n=12); M-spike not measured again (n=9) or not known (n=3)",
        "Excluded (n=16); M-spike not measured again (n=9) or not known (n=7)",
    ]


def test_a_given_panel_is_used():
    figure = hem.plots.figure(width=170, height=60)
    left, right = figure.subplots(1, 2)
    flow = Flow(MGUS).keep(pl.col("age") >= 40, reason="Younger than 40")
    assert flow.plot(ax=right) is right
    right.set_axis_off()
    left.set_axis_off()
    assert hem.plots.layout_problems(figure) == []


def test_a_panel_without_room_is_refused():
    ax = hem.plots.figure(width=80, height=30).subplots()
    assert_refused(
        lambda: eligible().plot(ax=ax),
        argument="ax",
        says=["mm high", "axes that hold the diagram", "hem.plots.figure(height="],
    )


def test_more_groups_than_fit_are_refused():
    flow = Flow(MGUS).split("dxyr")
    assert_refused(
        lambda: flow.plot(width=80), argument="width", says=["groups have no room", "at least", "width="]
    )


def test_something_else_is_refused():
    assert_refused(
        lambda: hem.plots.draw_flow(MGUS), argument="flow", says=["a DataFrame", "hem.cohort.Flow"]
    )


@pytest.mark.parametrize("width", [80, 115, 170])
def test_the_stages_stand_in_the_middle_above_the_groups(width):
    diagram = arrange(randomised(), width)
    first, excluded, second, *groups = diagram.boxes
    assert first.x == second.x == width / 2
    assert sum(box.x for box in groups[:2]) / 2 == pytest.approx(width / 2)
    assert excluded.left > width / 2
    assert first.bottom < excluded.y
    assert excluded.bottom < second.y
    fork = next(arrow for arrow in diagram.arrows if len(arrow) > 2)
    assert fork[0][0] == width / 2


def test_without_a_split_the_stages_leave_room_at_the_right():
    diagram = arrange(eligible(), 115)
    assert diagram.boxes[0].x < 115 / 2
