"""Diagrams of states and moves: every number stands where it belongs, and nothing lies over anything."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from matplotlib.path import Path
from matplotlib.transforms import Bbox
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.flow import Box, Line
from hemresearch.plots.layout import layout_problems
from hemresearch.plots.transition_layout import arrange, depths

draw = hem.plots.draw_transitions

EBMT4 = {
    ("Tx", "Rec"): 785, ("Tx", "AE"): 907, ("Tx", "Rel"): 95, ("Tx", "Death"): 160, ("Rec", "Rec+AE"): 227,
    ("Rec", "Rel"): 112, ("Rec", "Death"): 39, ("AE", "Rec+AE"): 433, ("AE", "Rel"): 56,
    ("AE", "Death"): 197, ("Rec+AE", "Rel"): 107, ("Rec+AE", "Death"): 137, ("Rel", "Death"): 226,
}  # fmt: skip
REVERSIBLE = {
    ("remission", "relapse"): 120, ("relapse", "remission"): 45, ("remission", "death"): 30,
    ("relapse", "death"): 70,
}  # fmt: skip
COMPETING = {("event-free", "relapse"): 120, ("event-free", "death in remission"): 45}
PROCESSES = {"six states": EBMT4, "reversible": REVERSIBLE, "competing": COMPETING}


def moves_frame(moves: dict, sizes: dict | None = None) -> pl.DataFrame:
    sizes = sizes or {}
    rows = [(one, to, sizes.get(one), made) for (one, to), made in moves.items()]
    rows += [(state, None, n, None) for state, n in sizes.items()]
    columns = {"from_state": pl.String, "to_state": pl.String, "n": pl.Int64, "n_event": pl.Int64}
    return pl.DataFrame(rows, schema=columns, orient="row")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def crosses(points, box: Box) -> bool:
    inner = Bbox([[box.left + 0.01, box.y + 0.01], [box.right - 0.01, box.bottom - 0.01]])
    return bool(Path(points).intersects_bbox(inner, filled=False))


def sized(n: int, width: float = 12.0) -> list[Box]:
    return [Box([Line(f"state {i}")], width) for i in range(n)]


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_is_readable(name):
    moves = PROCESSES[name]
    ax = draw(moves_frame(moves, {one: 1000 for one, _ in moves}))
    assert layout_problems(ax.figure) == []
    assert not ax.axison
    for (one, to), made in moves.items():
        assert f"  {one} → {to}: {made} ({made / 10:.1f}%)" in hem.plots.fingerprint(ax)
        assert f"{made} ({made / 10:.1f}%)" in texts(ax)


@pytest.mark.parametrize("theme", hem.plots.THEMES)
def test_a_figure_is_as_wide_as_its_theme_or_as_it_has_to_be(theme):
    with hem.plots.theme(theme) as chosen:
        small = draw(moves_frame(COMPETING)).figure
        assert small.get_size_inches()[0] * 25.4 == pytest.approx(chosen.width)
        large = draw(moves_frame(EBMT4, {one: 1000 for one, _ in EBMT4})).figure
        assert large.get_size_inches()[0] * 25.4 > chosen.width
        assert layout_problems(small) == layout_problems(large) == []


def test_without_numbers_there_are_states_and_arrows():
    ax = draw(moves_frame(COMPETING).select("from_state", "to_state"))
    assert hem.plots.fingerprint(ax).split("\n")[:6] == [
        "3 states, 2 moves", "  event-free", "  relapse", "  death in remission", "  event-free → relapse",
        "  event-free → death in remission",
    ]  # fmt: skip


def test_the_numbers_in_the_boxes_are_those_of_the_states():
    states = pl.DataFrame({"state": ["event-free", "relapse"], "n": [1200, 120]})
    ax = draw(moves_frame(COMPETING), states=states)
    assert [text for text in texts(ax) if text.startswith("n=")] == ["n=1,200", "n=120"]
    assert "120 (10.0%)" in texts(ax)
    alone = draw(moves_frame(COMPETING), states=states, shares=False)
    assert "120" in texts(alone)


def test_the_counts_of_transitions_are_drawn(trial):
    model = hem.multistate.Transitions({"transplant": ["recovery", "death"], "recovery": ["death"]})
    ax = model.plot()
    assert "  recovery → death" in hem.plots.fingerprint(ax)
    counts = model.to_frame().with_columns(n=pl.lit(100), n_event=pl.lit(25), proportion=pl.lit(0.25))
    assert "  recovery → death: 25 (25.0%)" in hem.plots.fingerprint(model.plot(counts))


def test_states_have_the_order_of_their_type():
    order = pl.Enum(["death", "relapse", "remission"])
    frame = moves_frame(REVERSIBLE).with_columns(pl.col("from_state", "to_state").cast(order))
    told = hem.plots.fingerprint(draw(frame)).split("\n")
    assert told[1:4] == ["  death", "  relapse", "  remission"]


def test_states_can_have_other_names():
    told = hem.plots.fingerprint(draw(moves_frame(COMPETING), labels={"relapse": "Återfall"}))
    assert "  event-free → Återfall: 120" in told


def test_states_that_nobody_leaves_are_shaded():
    ax = draw(moves_frame(COMPETING))
    fills = [patch.get_facecolor()[0] for patch in ax.patches if hasattr(patch, "get_xy")]
    assert [fill < 1 for fill in fills] == [False, True, True]


def test_it_draws_into_given_axes_of_a_sufficient_size():
    left, right = hem.plots.figure(width=170, height=40).subplots(1, 2)
    assert draw(moves_frame(COMPETING), ax=left) is left
    assert layout_problems(left.figure) == []
    assert_refused(lambda: draw(moves_frame(EBMT4), ax=right), argument="width", says=["states side by side"])
    low = hem.plots.figure(width=120, height=20).subplots()
    many = {("event-free", f"cause {k}"): 10 for k in range(6)}
    assert_refused(lambda: draw(moves_frame(many), ax=low), argument="ax", says=["mm high"])


def test_long_names_are_broken_between_words_only():
    moves = {("transplantation", "recovery of neutrophils and platelets"): 10}
    ax = draw(moves_frame(moves), width=80)
    assert layout_problems(ax.figure) == []
    shown = " ".join(texts(ax))
    assert all(word in shown.split() for word in ["recovery", "of", "neutrophils", "and", "platelets"])


def test_refused_diagrams():
    frame = moves_frame(COMPETING)
    assert_refused(lambda: draw(frame.drop("to_state")), argument="transitions", says=["'to_state'"])
    assert_refused(lambda: draw(frame.head(0)), argument="transitions", says=["no rows"])
    assert_refused(lambda: draw(pl.concat([frame, frame])), argument="transitions", says=["twice"])
    same = frame.with_columns(to_state="from_state").head(1)
    assert_refused(lambda: draw(same), argument="transitions", says=["into the state that it leaves"])
    nowhere = frame.with_columns(to_state=pl.lit(None, dtype=pl.String))
    assert_refused(lambda: draw(nowhere), argument="transitions", says=["no move"])
    lost = frame.with_columns(from_state=pl.lit(None, dtype=pl.String))
    assert_refused(lambda: draw(lost), argument="transitions", says=["without the state"])
    assert_refused(lambda: draw(frame, labels={"relaps": "x"}), argument="labels", says=["'relaps'"])
    assert_refused(lambda: draw(frame, states=frame), argument="states", says=["'state'"])
    assert_refused(lambda: draw(moves_frame(EBMT4), width=80), argument="width", says=["mm are needed"])


def test_states_stand_as_deep_as_the_longest_way_to_them():
    assert depths(4, [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]) == ([0, 1, 2, 3], set())
    assert depths(3, [(0, 1), (1, 0), (0, 2), (1, 2)]) == ([0, 1, 2], {(1, 0)})
    assert depths(2, [(1, 0)]) == ([1, 0], set())
    assert depths(3, [(0, 1), (1, 2), (2, 0)]) == ([0, 1, 2], {(2, 0)})


@pytest.mark.parametrize("seed", range(25))
def test_no_arrow_crosses_a_box_and_no_label_covers_another(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 7))
    moves = [(i, j) for i in range(n) for j in range(n) if i != j and rng.random() < 0.4] or [(0, 1)]
    boxes = sized(n)
    diagram, labels = arrange(boxes, moves, [f"{100 + k} (12.3%)" for k in range(len(moves))], 170.0)
    for points in diagram.arrows:
        assert not any(crosses(points, box) for box in boxes)
        assert all(-1e-9 <= x <= diagram.width and -1e-9 <= y <= diagram.height + 1e-9 for x, y in points)
    for (one, to), points in zip(moves, diagram.arrows, strict=True):
        for box, (x, y) in ((boxes[one], points[0]), (boxes[to], points[-1])):
            assert min(abs(x - box.left), abs(x - box.right)) < 1e-9
            assert box.y <= y <= box.bottom
    assert sorted(label.text for label in labels) == [f"{100 + k} (12.3%)" for k in range(len(moves))]
    pairs = [(a, b) for i, a in enumerate(labels) for b in labels[:i]]
    assert not any(a.box.overlaps(b.box) for a, b in pairs)
    assert not any(
        label.box.overlaps(Bbox([[b.left, b.y], [b.right, b.bottom]])) for label in labels for b in boxes
    )
