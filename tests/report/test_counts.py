"""Which frames of counts are refused, and with what."""

from __future__ import annotations

import polars as pl
from refusals import assert_refused

from hemresearch.report import disclosure

LONG = pl.DataFrame({"arm": ["A", "A", "B", "B"], "r": ["y", "n", "y", "n"], "n": [30, 2, 25, 11]})


def test_a_column_that_is_not_there_is_refused_with_the_nearest():
    assert_refused(lambda: disclosure(LONG, counts="N"), argument="counts", says=["'n'"])
    assert_refused(
        lambda: disclosure(LONG, counts="n", rows="Arm", columns="r"),
        argument="rows, columns, by or total",
        says=["'arm'"],
    )


def test_a_frame_without_counts_is_refused():
    assert_refused(lambda: disclosure(LONG.select("arm")), argument="counts", says=["counts='n'"])


def test_counts_that_are_text_are_refused():
    assert_refused(lambda: disclosure(LONG, counts="arm"), argument="counts", column="arm", says=["numbers"])


def test_negative_and_missing_counts_are_refused_with_their_rows():
    bad = LONG.with_columns(n=pl.Series([30, -1, None, 11]))
    assert_refused(
        lambda: disclosure(bad),
        argument="counts",
        column="n",
        rows=[2, 3],
        says=["0 or more", "data.filter(pl.col('n') >= 0)"],
    )


def test_several_columns_of_counts_in_a_long_table_are_refused():
    frame = LONG.with_columns(m=pl.col("n"))
    assert_refused(
        lambda: disclosure(frame, counts=["n", "m"], rows="arm", columns="r"),
        argument="counts",
        says=["counts='n'"],
    )


def test_labelled_totals_with_several_columns_of_counts_are_refused():
    frame = LONG.with_columns(n_event=pl.col("n"))
    assert_refused(lambda: disclosure(frame, margins="All"), argument="margins", says=["margins=True"])


def test_a_cell_with_two_counts_is_refused_with_its_rows():
    frame = pl.concat([LONG, LONG.tail(1)])
    assert_refused(
        lambda: disclosure(frame, counts="n", rows="arm", columns="r"),
        argument="rows",
        column="n",
        rows=[4, 5],
        says=["arm, r", "group_by"],
    )


def test_a_label_of_totals_that_is_not_there_is_refused():
    call = {"counts": "n", "rows": "arm", "columns": "r", "margins": "All"}
    assert_refused(lambda: disclosure(LONG, **call), argument="margins", says=["'All'", "margins=True"])
    assert_refused(lambda: disclosure(LONG, counts="n", margins="All"), argument="margins", says=["'All'"])


def test_totals_that_do_not_add_up_are_refused_with_their_row():
    frame = pl.DataFrame({"arm": ["A", "B", "All"], "n": [30, 2, 31]})
    assert_refused(
        lambda: disclosure(frame, margins="All"), argument="margins", column="n", rows=[3], says=["add up"]
    )
