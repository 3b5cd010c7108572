"""Reading interval-censored outcomes: what a missing end means, and what is refused."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.outcomes_interval import read_interval

VISITS = pl.DataFrame(
    {
        "last_clear": [2.0, None, 5.0, 7.0],
        "first_seen": [4.0, 3.0, None, 7.0],
        "arm": ["b", "a", "b", "a"],
        "n": [1, 2, 1, 3],
    }
)


def read(data, **options):
    return read_interval(data, left="last_clear", right="first_seen", **options)


def test_a_missing_end_is_a_censored_one():
    y = read(VISITS)
    assert y.left.tolist() == [2, 0, 5, 7]
    assert y.right.tolist() == [4, 3, np.inf, 7]
    assert y.n_dropped == 0
    assert y.row is None
    assert y.names == {"left": "last_clear", "right": "first_seen"}


def test_groups_and_weights_come_along():
    y = read(VISITS, by="arm", weights="n")
    assert y.group.levels["arm"].to_list() == ["a", "b"]
    assert y.group.code.tolist() == [1, 0, 1, 0]
    assert y.weight.tolist() == [1, 2, 1, 3]


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int16, pl.UInt8, pl.Decimal(10, 2)])
def test_any_numeric_type_is_read(dtype):
    y = read(VISITS.with_columns(pl.col("last_clear", "first_seen").cast(dtype)))
    assert y.left.tolist() == [2, 0, 5, 7]
    assert y.right.tolist() == [4, 3, np.inf, 7]


def test_an_infinite_end_is_a_missing_one():
    infinite = VISITS.with_columns(
        pl.col("last_clear").fill_null(float("-inf")), pl.col("first_seen").fill_null(float("inf"))
    )
    y = read(infinite)
    assert y.left.tolist() == [2, 0, 5, 7]
    assert y.right.tolist() == [4, 3, np.inf, 7]


def test_nan_is_missing_too():
    y = read(VISITS.with_columns(pl.col("first_seen").fill_null(float("nan"))))
    assert y.right.tolist() == [4, 3, np.inf, 7]


def test_an_end_may_be_missing_throughout():
    y = read(pl.DataFrame({"last_clear": [None, None], "first_seen": [3.0, 4.0]}))
    assert y.left.tolist() == [0, 0]
    y = read(pl.DataFrame({"last_clear": [3, 4], "first_seen": [None, None]}))
    assert np.isinf(y.right).all()


def test_durations_become_days():
    days = VISITS.with_columns(
        pl.duration(days=pl.col(name)).alias(name) for name in ("last_clear", "first_seen")
    )
    y = read(days)
    assert y.right.tolist() == [4, 3, np.inf, 7]
    assert y.time_unit == "days"


def test_near_ties_become_one_time():
    y = read(pl.DataFrame({"last_clear": [0.1, 0.3], "first_seen": [0.1 + 0.2, 0.5]}))
    assert y.right[0] == y.left[1]


def test_rows_without_either_end_are_dropped_and_counted():
    gaps = pl.concat([VISITS, VISITS.clear(2)]).with_columns(arm=pl.Series(["b", "a", "b", None, "a", "c"]))
    y = read(gaps, by="arm", missing="drop")
    assert y.left.tolist() == [2, 0, 5]
    assert y.n_dropped == 3
    assert y.row.tolist() == [0, 1, 2]
    assert y.group.levels["arm"].to_list() == ["a", "b"]


def test_a_weight_of_zero_is_nobody():
    y = read(VISITS.with_columns(n=pl.Series([1, 0, 2, 3])), by="arm", weights="n")
    assert y.left.tolist() == [2, 5, 7]
    assert y.weight.tolist() == [1, 2, 3]
    assert y.row.tolist() == [0, 2, 3]
    assert y.n_dropped == 0


def test_refuses_rows_without_either_end():
    gaps = pl.concat([VISITS, VISITS.clear(2)])
    assert_refused(
        lambda: read(gaps),
        argument="left",
        column="last_clear",
        rows=(5, 6),
        says=["and right='first_seen' are both missing in 2 rows", "at least one end", 'missing="drop"'],
    )
    assert_refused(
        lambda: read(VISITS.clear(2), missing="drop"),
        argument="left",
        column="last_clear",
        rows=(1, 2),
        says=["missingness"],
    )


def test_refuses_a_right_end_before_the_left_end():
    crossed = VISITS.with_columns(first_seen=pl.Series([1.0, 3.0, None, 6.0]))
    assert_refused(
        lambda: read(crossed),
        argument="right",
        column="first_seen",
        rows=(1, 4),
        says=["2 values before the left end 'last_clear'", "left <= right"],
    )


def test_refuses_negative_times():
    assert_refused(
        lambda: read(VISITS.with_columns(last_clear=pl.Series([-2.0, None, 5.0, 7.0]))),
        argument="left",
        column="last_clear",
        rows=(1,),
        says=["1 value below zero", "non-negative"],
    )


def test_refuses_an_end_on_the_wrong_side_of_time():
    assert_refused(
        lambda: read(VISITS.with_columns(last_clear=pl.Series([2.0, None, float("inf"), 7.0]))),
        argument="left",
        column="last_clear",
        rows=(3,),
        says=["1 value that are infinite"],
    )


def test_refuses_durations_beside_numbers():
    mixed = VISITS.with_columns(pl.duration(days=pl.col("first_seen")).alias("first_seen"))
    assert_refused(
        lambda: read(mixed),
        argument="right",
        column="first_seen",
        says=["left='last_clear' are not both durations", "pl.duration(days=1)"],
    )


def test_refuses_calendar_dates():
    dates = VISITS.with_columns(first_seen=pl.lit(dt.date(2020, 1, 1)))
    assert_refused(lambda: read(dates), argument="right", column="first_seen", says=["calendar dates"])


def test_refuses_a_missing_group():
    assert_refused(
        lambda: read(VISITS.with_columns(arm=pl.Series(["b", None, "b", "a"])), by="arm"),
        argument="by",
        column="arm",
        rows=(2,),
        says=["1 missing value", 'missing="drop"'],
    )
