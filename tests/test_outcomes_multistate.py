"""Rows of stays and possible moves: what is read, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.multistate import Transitions
from hemresearch.outcomes_multistate import MultiState, read_multistate

MODEL = Transitions({"tx": ["rec", "dead"], "rec": ["dead"]})
ROWS = pl.DataFrame(
    {
        "id": [7, 7, 7, 8, 8, 9, 9, 9],
        "from_state": ["tx", "tx", "rec", "tx", "tx", "tx", "tx", "rec"],
        "to_state": ["rec", "dead", "dead", "rec", "dead", "rec", "dead", "dead"],
        "entry": [0, 0, 3, 0, 0, 0, 0, 4],
        "time": [3, 3, 8, 5, 5, 4, 4, 9],
        "event": [1, 0, 1, 0, 1, 1, 0, 0],
        "w": [2.0, 2, 2, 1, 1, 0, 0, 0],
        "g": ["a", "a", "a", "b", "b", "b", "b", "b"],
    }
)


def read(rows: pl.DataFrame = ROWS, **roles: object) -> MultiState:
    return read_multistate(rows, MODEL, **roles)  # type: ignore[arg-type]


def changed(row: int, **values: object) -> pl.DataFrame:
    """The rows with other values in one of them (counted from 1)."""
    here = pl.int_range(pl.len()) == row - 1
    return ROWS.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def test_rows_and_stays_by_hand():
    y = read()
    assert y.transition.tolist() == [1, 2, 3, 1, 2, 1, 2, 3]
    assert y.stay.tolist() == [0, 0, 1, 2, 2, 3, 3, 4]
    stays = y.stays()
    assert stays.state.tolist() == [0, 1, 0, 0, 1]
    assert stays.next_state.tolist() == [1, 2, 2, 1, -1]
    assert stays.event.tolist() == [True, True, True, True, False]
    assert stays.entry.tolist() == [0, 3, 0, 0, 4]


def test_the_order_of_the_rows_does_not_matter():
    y = read(ROWS[[4, 0, 7, 2, 6, 1, 5, 3]])
    stays = y.stays()
    assert stays.state.tolist() == [0, 1, 0, 0, 1]
    assert stays.next_state.tolist() == [1, 2, 2, 1, -1]
    assert y.transition.tolist() == [2, 1, 3, 3, 2, 2, 1, 1]


def test_taking_rows_keeps_stays_numbered_and_nobody_has_weight_0():
    y = read(weights="w", by="g")
    assert len(y) == 5
    part = y.take(y.time > 3)
    assert part.stay.tolist() == [0, 1, 1]
    assert part.stays().next_state.tolist() == [2, 2]
    assert part.positions(part.event).tolist() == [2, 4]


def test_rows_that_only_split_a_stay_are_one_stay():
    split = pl.concat([changed(4, entry=2), changed(5, entry=2), changed(4, time=2), changed(5, time=2)])
    rows = pl.concat([ROWS.filter(pl.col("id") != 8), split.filter(id=8).filter(pl.col("entry") < 5)])
    rows = rows.filter((pl.col("id") != 8) | (pl.col("entry") == 2) | (pl.col("time") == 2))
    rows = rows.with_columns(event=pl.when(pl.col("time") == 2).then(0).otherwise("event"))
    y = read(rows.unique(maintain_order=True))
    assert y.stays().time.tolist() == [3, 8, 5, 4, 9]
    assert len(y.stay) == 10


def test_names_of_columns_are_the_users():
    rows = ROWS.rename({"from_state": "von", "to_state": "nach", "entry": "ab", "time": "bis"})
    y = read(rows, from_state="von", to_state="nach", entry="ab", time="bis")
    assert y.time.tolist() == ROWS["time"].to_list()


def test_unknown_states_are_refused_with_what_is_near():
    refusal = assert_refused(
        lambda: read(changed(3, from_state="Rec")),
        argument="from_state",
        column="from_state",
        rows=[3],
        says=["'Rec'", "'tx', 'rec', 'dead'"],
    )
    assert "replace('Rec', 'rec')" in refusal.remedy
    secret = assert_refused(
        lambda: read(changed(2, to_state="987654321")),
        argument="to_state",
        column="to_state",
        rows=[2],
    )
    assert "9876" not in str(secret)


def test_moves_that_the_model_does_not_have_are_refused():
    assert_refused(
        lambda: read(changed(3, from_state="dead", to_state="rec")),
        argument="to_state",
        column="to_state",
        rows=[3],
        says=["'rec' from 'dead'", "absorbing", "1 such row"],
    )
    assert_refused(
        lambda: read(changed(3, to_state="tx")),
        argument="to_state",
        column="to_state",
        rows=[3],
        says=["'tx' from 'rec'", "no move"],
    )


def test_a_stay_has_each_possible_move_once_and_one_event():
    parts = {"argument": "to_state", "column": "to_state", "says": ["from_wide(...)"]}
    assert_refused(lambda: read(changed(2, to_state="rec")), rows=[2], **parts)
    assert_refused(lambda: read(ROWS[[0, 2, 3, 4]]), rows=[1], **parts)
    assert_refused(
        lambda: read(changed(2, event=1)), argument="event", column="event", rows=[1, 2], says=["several"]
    )


@pytest.mark.parametrize(
    ("role", "column", "value"), [("by", "g", "b"), ("weights", "w", 1.0), ("cluster", "g", "b")]
)
def test_the_rows_of_a_stay_are_alike(role, column, value):
    assert_refused(
        lambda: read(changed(2, **{column: value}), **{role: column}),
        argument=role,
        column=column,
        rows=[2],
        says=["of one stay"],
    )


def test_stays_follow_each_other():
    refusal = assert_refused(
        lambda: read(changed(3, entry=2)), argument="id", column="id", rows=[1, 3], says=["overlap"]
    )
    assert "7" not in str(refusal).replace("7 more", "")
    assert_refused(
        lambda: read(changed(1, event=0)),
        argument="from_state",
        column="from_state",
        rows=[3],
        says=["stay before led to"],
    )


def test_a_gap_in_which_nothing_happened_is_no_move():
    y = read(changed(3, entry=5))
    assert y.stays().entry.tolist() == [0, 5, 0, 0, 4]


def test_the_way_out_of_another_coding_of_the_event_works():
    coded = ROWS.with_columns(pl.col("event") + 1)
    way_out = "Try pl.col('event') == 2 if 2 is the event"
    assert_refused(lambda: read(coded), argument="event", column="event", says=[way_out])
    assert read(coded, event=pl.col("event") == 2).event.tolist() == read().event.tolist()
