"""Rows of follow-up into stays and moves: what the states are, and what is refused."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from multistate_samples import WARD, ward_rows
from polars.testing import assert_frame_equal
from refusals import assert_refused

from hemresearch.multistate import Transitions, from_rows
from hemresearch.outcomes_multistate import read_multistate

MODEL = Transitions({"tx": ["rec", "dead"], "rec": ["dead"]})
ROWS = pl.DataFrame(
    {
        "pat": [5, 5, 6, 7, 7],
        "a": [0, 3, 0, 0, 4],
        "b": [3, 8, 5, 4, 9],
        "what": ["rec", "dead", "dead", "none", "rec"],
        "dose": [1, 2, 3, 4, 5],
    }
)
ROLES = {"id": "pat", "entry": "a", "time": "b", "event": "what", "censored": "none"}


def rows(data: pl.DataFrame = ROWS, **options: object) -> pl.DataFrame:
    return from_rows(data, MODEL, **ROLES | options)  # type: ignore[arg-type]


def test_by_hand():
    long = rows(keep=["dose"])
    assert long.columns == ["pat", "from_state", "to_state", "transition", "entry", "time", "event", "dose"]
    assert long.select("pat", "from_state", "transition", "entry", "event", "dose").rows() == [
        (5, "tx", 1, 0, True, 1),
        (5, "tx", 2, 0, False, 1),
        (5, "rec", 3, 3, True, 2),
        (6, "tx", 1, 0, False, 3),
        (6, "tx", 2, 0, True, 3),
        (7, "tx", 1, 0, False, 4),
        (7, "tx", 2, 0, False, 4),
        (7, "tx", 1, 4, True, 5),
        (7, "tx", 2, 4, False, 5),
    ]


def test_rows_in_any_order_of_any_table():
    assert_frame_equal(rows(ROWS[[3, 1, 4, 0, 2]]), rows())
    assert_frame_equal(rows(ROWS.lazy()), rows())
    assert_frame_equal(rows(ROWS.to_pandas()), rows())


def test_without_entry_a_patient_has_one_row():
    one = from_rows(ROWS[[0, 2]], MODEL, id="pat", time="b", event="what", censored=None)
    assert one["entry"].to_list() == [0, 0, 0, 0]
    assert_refused(
        lambda: from_rows(ROWS, MODEL, id="pat", time="b", event="what", censored="none"),
        argument="id",
        column="pat",
        rows=[2, 5],
        says=["overlap"],
    )


def test_the_first_row_says_where_a_patient_begins():
    data = ROWS.with_columns(first=pl.Series(["tx", "dead", "rec", "tx", "tx"]))
    long = rows(data, initial="first")
    assert long.filter(pat=6)["from_state"].to_list() == ["rec"]
    assert long.filter(pat=5)["from_state"].to_list() == ["tx", "tx", "rec"]
    assert_frame_equal(rows(initial="tx"), rows())


@settings(max_examples=20, deadline=None)
@given(ward_rows(late=True))
def test_the_stays_are_the_rows(follow_up):
    long = from_rows(
        follow_up, WARD, id="id", entry="entry", time="time", event="event", initial="ward", keep=["group"]
    )
    y = read_multistate(long, WARD).stays()
    assert y.time.tolist() == follow_up["time"].to_list()
    reached = ["censored" if s < 0 else WARD.states[s] for s in y.next_state]
    assert reached == follow_up["event"].to_list()
    assert WARD.counts(long)["n_event"].sum() >= len(y)


def test_what_cannot_be_is_refused():
    def changed(**columns: list[object]) -> pl.DataFrame:
        return ROWS.with_columns(pl.Series(name, values) for name, values in columns.items())

    assert_refused(
        lambda: rows(changed(what=["rec", "dead", "lost", "none", "rec"])),
        argument="event",
        column="what",
        rows=[3],
        says=["'lost'"],
    )
    assert_refused(
        lambda: rows(changed(what=["rec", "dead", "dead", "none", "tx"])),
        argument="event",
        column="what",
        rows=[5],
        says=["'tx' → 'tx'"],
    )
    assert_refused(
        lambda: rows(changed(what=["dead", "none", "dead", "none", "rec"])),
        argument="event",
        column="what",
        rows=[2],
        says=["absorbing"],
    )
    assert_refused(
        lambda: rows(changed(a=[0, 2, 0, 0, 4])), argument="id", column="pat", rows=[2], says=["overlap"]
    )
    assert_refused(
        lambda: from_rows(
            ROWS[[0, 2]].with_columns(b=pl.Series([3, 0])), MODEL, id="pat", time="b", event="what",
            censored=None,
        ),
        argument="time",
        column="b",
        rows=[2],
        says=["at its beginning"],
    )  # fmt: skip
    assert_refused(lambda: rows(changed(a=[0, 3, 5, 0, 4])), argument="entry", column="a", rows=[3])
    assert_refused(lambda: rows(initial="first"), argument="initial", column="first")
    assert_refused(
        lambda: rows(ROWS.with_columns(first=pl.lit("Rec")), initial="first"),
        argument="initial",
        column="first",
        rows=[1, 2, 3, 4, 5],
    )
    assert_refused(lambda: rows(keep=[pl.col("dose").alias("pat")]), argument="keep", column="pat")
    ring = Transitions({"rec": ["dead"], "dead": ["rec"]})
    assert_refused(
        lambda: from_rows(ROWS, ring, **ROLES), argument="initial", says=["0 states", "initial='rec'"]
    )
