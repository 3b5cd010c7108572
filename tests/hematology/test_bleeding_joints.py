"""New bleeds and target joints: by hand, at the borders of their times, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused

from hemresearch.hematology.bleeding import new_bleeds, target_joints

NEW = {"id": "id", "site": "site", "bleed": "bleed", "last_treatment": "treated"}


def at(*hours: float | None) -> list[datetime | None]:
    return [None if h is None else datetime(2024, 1, 1) + timedelta(hours=h) for h in hours]


def diary(bleed: list, treated: list, site="knee") -> pl.DataFrame:
    times = {"bleed": pl.Datetime, "treated": pl.Datetime}
    return pl.DataFrame({"bleed": bleed, "treated": treated}, schema=times).with_columns(
        id=pl.lit(1), site=pl.lit(site)
    )


def told(data: pl.DataFrame, **options) -> list[bool]:
    return new_bleeds(data, **(NEW | options))["new_bleed"].to_list()


def test_a_bleed_goes_on_until_72_hours_after_treatment():
    assert told(diary(at(0, 74, 74.1), at(2, None, None))) == [True, False, True]
    assert told(diary(at(0, 74, 74.1), at(2, 80, None))) == [
        True,
        False,
        False,
    ]  # the second was treated, too
    assert told(diary(at(0, 26), at(2, None)), hours=23.9) == [True, True]
    # treatment of an earlier bleed that went on longer than that of a later one
    assert told(diary(at(0, 30, 110), at(40, 31, None))) == [True, False, False]


def test_bleeds_without_treatment():
    untreated = diary(at(0, 10, 20), at(None, None, None))
    assert told(untreated) == [True, True, True]
    assert told(untreated, untreated="onset") == [True, False, False]
    nothing = untreated.with_columns(treated=None)
    assert told(nothing) == [True, True, True]


def test_sites_patients_and_order():
    data = pl.concat([diary(at(20, 0), at(None, 5)), diary(at(10), at(None), "ankle")])
    assert told(data) == [False, True, True]
    two = data.with_columns(id=pl.Series([1, 2, 1]))
    assert told(two) == [True, True, True]
    sides = data.with_columns(side=pl.Series(["left", "right", "left"]))
    assert told(sides, site=["site", "side"]) == [True, True, True]


def test_dates_count_days():
    days = pl.DataFrame(
        {"bleed": [date(2024, 1, d) for d in (1, 4, 8)], "treated": [date(2024, 1, 1), None, None]}
    )
    data = days.with_columns(id=pl.lit(1), site=pl.lit("knee"))
    assert told(data) == [True, False, True]
    mixed = data.with_columns(pl.col("bleed").cast(pl.Datetime) + timedelta(hours=20))
    assert told(mixed) == [True, False, True]
    zoned = mixed.with_columns(
        pl.col("bleed").dt.offset_by("-1190m").dt.replace_time_zone("Europe/Stockholm")
    )
    assert told(zoned) == [True, False, True]
    lazy = new_bleeds(data.lazy(), **NEW, name="is_new")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["is_new"].to_list() == [True, False, True]


def test_hours_pass_through_the_change_of_clocks():
    """73 hours by the clock are 72 in the night in which summer time begins."""
    local = pl.DataFrame(
        {
            "bleed": [datetime(2024, 3, 30, 0), datetime(2024, 4, 2, 2)],
            "treated": [datetime(2024, 3, 30, 1), None],
        }
    )
    data = local.with_columns(id=pl.lit(1), site=pl.lit("knee"))
    assert told(data) == [True, True]
    zoned = data.with_columns(pl.col("bleed", "treated").dt.replace_time_zone("Europe/Stockholm"))
    assert told(zoned) == [True, False]
    assert datetime(2024, 3, 30, tzinfo=UTC).utcoffset() == timedelta(0)
    one = data.with_columns(pl.col("bleed").dt.replace_time_zone("UTC"))
    assert_refused(lambda: new_bleeds(one, **NEW), argument="last_treatment", column="treated")


def test_new_bleeds_refusals():
    data = diary(at(0, 50), at(2, None))

    def refused(data=data, options=None, **parts):
        assert_refused(lambda: new_bleeds(data, **(NEW | (options or {}))), **parts)

    refused(options={"site": None}, argument="site")
    refused(options={"hours": -1}, argument="hours")
    refused(options={"untreated": "old"}, argument="untreated")
    refused(options={"name": "site"}, argument="name", column="site")
    refused(diary(at(0, 50), at(2, 49)), argument="last_treatment", column="treated", rows=(2,))
    refused(data.with_columns(bleed=pl.lit("2024")), argument="bleed", column="bleed")
    refused(data.with_columns(treated=pl.lit(3)), argument="last_treatment", column="treated")
    refused(data.with_columns(site=pl.lit(None)), argument="site", column="site", rows=(1, 2))


END = date(2023, 12, 31)
JOINT = {"id": "id", "joint": "joint", "bleed": "bleed", "spontaneous": "spontaneous", "end": pl.lit(END)}


def bleeds(*dates: str, spontaneous=True, joint="left ankle") -> pl.DataFrame:
    return pl.DataFrame(
        {"id": 1, "joint": joint, "bleed": [date.fromisoformat(d) for d in dates], "spontaneous": spontaneous}
    )


def found(*dates: str, **options) -> list[tuple]:
    cause = options.pop("spontaneous", True)
    rows = target_joints(bleeds(*dates, spontaneous=cause), **(JOINT | options)).rows()
    return [tuple(None if day is None else str(day) for day in row[2:]) for row in rows]


def test_three_bleeds_within_six_months():
    assert found("2020-01-10", "2020-03-02", "2020-07-09") == [("2020-01-10", "2020-07-09", "2021-07-09")]
    assert found("2020-01-10", "2020-03-02", "2020-07-10") == []
    assert found("2020-01-10", "2020-03-02", "2020-07-10", months=7, bleeds=2) == [
        ("2020-01-10", "2020-03-02", "2021-03-02")
    ]
    causes = [True, False, True, True]
    assert found("2020-01-10", "2020-02-01", "2020-03-02", "2020-04-01", spontaneous=causes) == [
        ("2020-01-10", "2020-04-01", "2021-04-01")
    ]


def test_resolved_after_a_year_with_two_bleeds_at_most():
    three = ("2020-01-01", "2020-02-01", "2020-03-01")
    assert found(*three, "2020-06-01", "2020-09-01") == [("2020-01-01", "2020-03-01", "2021-03-01")]
    # a third bleed, of any cause, on the last day of the year: counted from the first of them on
    causes = [True] * 3 + [False] * 3
    more = (*three, "2020-06-01", "2020-09-01", "2021-03-01")
    assert found(*more, spontaneous=causes) == [("2020-01-01", "2020-03-01", "2021-06-01")]
    assert found(*more[:-1], "2021-03-02", spontaneous=causes) == [("2020-01-01", "2020-03-01", "2021-03-01")]
    assert found(*three, end=pl.lit(date(2021, 2, 28))) == [("2020-01-01", "2020-03-01", None)]
    assert found(*three, resolved_months=6, resolved_bleeds=0) == [("2020-01-01", "2020-03-01", "2020-09-01")]


def test_a_joint_can_become_one_again():
    again = ("2022-01-05", "2022-02-05", "2022-03-05")
    assert found("2020-01-01", "2020-02-01", "2020-03-01", *again) == [
        ("2020-01-01", "2020-03-01", "2021-03-01"), ("2022-01-05", "2022-03-05", "2023-03-05")
    ]  # fmt: skip


def test_joints_patients_lazy_and_order():
    one, other = bleeds("2020-01-01", "2020-02-01", "2020-03-01"), bleeds("2020-01-15", joint="left knee")
    data = pl.concat([one, other, one.with_columns(id=pl.lit(2)), other.with_columns(id=pl.lit(2))])
    joints = target_joints(data, **JOINT)
    assert joints["id"].to_list() == [1, 2]
    mixed = target_joints(data.sample(fraction=1, shuffle=True, seed=2).lazy(), **JOINT)
    assert isinstance(mixed, pl.LazyFrame)
    assert_frame_equal(mixed.collect(), joints)
    sides = data.with_columns(side=pl.lit("left"), end=pl.lit(END))
    named = target_joints(sides, **(JOINT | {"joint": ["joint", "side"], "end": "end"}))
    assert named.columns == ["id", "joint", "side", "first_bleed", "since", "resolved"]


def test_target_joint_refusals():
    data = bleeds("2020-01-01", "2020-02-01")

    def refused(data=data, options=None, **parts):
        assert_refused(lambda: target_joints(data, **(JOINT | (options or {}))), **parts)

    refused(options={"joint": None}, argument="joint")
    refused(options={"bleeds": 0}, argument="bleeds")
    refused(options={"months": 6.0}, argument="months")
    refused(options={"resolved_bleeds": -1}, argument="resolved_bleeds")
    refused(options={"resolved_months": True}, argument="resolved_months")
    refused(
        data.with_columns(end=pl.lit(date(2020, 1, 15))),
        {"end": "end"},
        argument="end",
        column="end",
        rows=(2,),
    )
    refused(data.with_columns(bleed=pl.lit("2020")), argument="bleed", column="bleed")
    refused(data.with_columns(spontaneous=pl.lit("yes")), argument="spontaneous", column="spontaneous")
    refused(data.rename({"joint": "since"}), {"joint": "since"}, argument="joint", column="since")


@pytest.mark.parametrize("seed", range(2))
def test_bleeds_that_are_moved_together_move_the_dates(seed):
    rng = np.random.default_rng(seed)
    days = np.sort(rng.integers(0, 900, 40))
    joint = pl.Series(rng.integers(0, 3, 40)).cast(pl.String)
    data = pl.DataFrame({"id": 1, "joint": joint, "spontaneous": rng.random(40) < 0.7})
    dated = [
        data.with_columns(bleed=pl.lit(date(2000 + y, 1, 1)) + pl.duration(days=pl.Series(days)))
        for y in (1, 5)
    ]
    first, later = (target_joints(d, **JOINT) for d in dated)
    assert first.height == later.height > 0
    assert (later["since"] - first["since"]).dt.total_days().unique().to_list() == [1461]
