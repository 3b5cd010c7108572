"""Time in the therapeutic range: pieces of lines in R, by hand, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

from hemresearch.hematology.bleeding import pooled_time_in_range, time_in_range

DAY = date(2024, 1, 1)
ROLES = {"id": "id", "date": "date", "inr": "inr"}


def measured(days: list[int], inr: list[float], id: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"id": id, "date": [DAY + timedelta(days=d) for d in days], "inr": inr})


def reference() -> tuple[pl.DataFrame, dict]:
    case = load_reference("bleeding", "inr")
    data = pl.DataFrame(case.options["data"]).with_columns(date=pl.lit(DAY) + pl.duration(days="day"))
    return data, case.values


def test_matches_pieces_of_lines_in_r():
    data, v = reference()
    ours = time_in_range(data.sample(fraction=1, shuffle=True, seed=1), **ROLES).sort("id")
    for part in ("below", "in_range", "above"):
        assert_close(ours[f"share_{part}"] * ours["days"], v["days"][part], rel=1e-9)
    assert_close(ours["days_left_out"], v["days"]["left_out"], rel=1e-12)
    pooled = pooled_time_in_range(data, **ROLES).frame.row(1, named=True)
    assert_close([pooled["estimate"], pooled["std_error"]], [v["share"], v["se"]], rel=1e-9)


def test_by_hand():
    """2 to 4 in 10 days: half in range, half above; then 28 days at 2.5; 57 days are left out."""
    data = measured([0, 10, 38, 95], [2.0, 4.0, 4.0, 2.0])
    assert time_in_range(data, **ROLES).rows() == [(1, 4, 38, 57, 0, 5 / 38, 33 / 38)]
    assert time_in_range(data, **ROLES, max_gap=57)["days"].to_list() == [95]
    wide = time_in_range(data, **ROLES, low=2.5, high=3.5).row(0, named=True)
    assert_close([wide["share_below"], wide["share_in_range"]], [2.5 / 38, 5 / 38], rel=1e-12)


def test_ranges_of_patients_and_lazy_frames():
    data = pl.concat([measured([0, 10], [2.0, 4.0]), measured([0, 10], [2.0, 4.0], 2)])
    valve = data.with_columns(low=pl.Series([2.0, 2.0, 2.5, 2.5]), high=pl.Series([3.0, 3.0, 3.5, 3.5]))
    made = time_in_range(valve.lazy(), **ROLES, low="low", high=pl.col("high"))
    assert isinstance(made, pl.LazyFrame)
    assert made.collect()["share_below"].to_list() == [0, 0.25]


def test_groups_and_limits():
    data, _ = reference()
    by = data.with_columns(clinic=pl.when(pl.col("id") > 12).then(pl.lit("x")).otherwise(pl.lit("y")))
    frame = pooled_time_in_range(by, **ROLES, by="clinic").to_frame()
    assert frame.columns[:2] == ["clinic", "term"]
    for clinic in ("x", "y"):
        own = pooled_time_in_range(by.filter(pl.col("clinic") == clinic), **ROLES).to_frame()
        assert_frame_equal(frame.filter(pl.col("clinic") == clinic).drop("clinic"), own)
        assert_close(own["estimate"].sum(), 1, rel=1e-12)


@pytest.mark.parametrize("patients", [1, 2])
def test_patients_who_do_not_differ_have_no_limits(patients):
    """Limits without a width said that a share was known, where nothing was told of chance."""
    for values, share in (([2.5, 2.6], [0, 1, 0]), ([1.6, 3.4], [4 / 18, 10 / 18, 4 / 18])):
        data = pl.concat([measured([0, 10], values, n) for n in range(patients)])
        alike = assert_warns(
            lambda d=data: pooled_time_in_range(d, **ROLES),
            argument="id",
            column="id",
            says=("do not differ",),
        ).frame
        assert alike["estimate"].to_list() == pytest.approx(share)
        assert alike["std_error"].null_count() == alike["conf_low"].null_count() == 3
        assert alike["conf_high"].null_count() == 3


def test_patients_without_an_interval():
    data = pl.concat(
        [measured([0, 10], [2.0, 4.0]), measured([0], [2.0], 2), measured([0, 90], [2.0, 3.0], 3)]
    )
    where = {"argument": "max_gap", "column": "date", "says": ("2 patients",)}
    alone = assert_warns(lambda: time_in_range(data, **ROLES), **where)
    assert alone["share_in_range"].to_list() == [0.5, None, None]
    assert alone["days_left_out"].to_list() == [0, 0, 90]
    more = pl.concat([data, measured([0, 10], [1.8, 2.4], 4)]).with_columns(arm=pl.col("id") % 4 < 2)
    pooled = assert_warns(lambda: pooled_time_in_range(more, **ROLES, by="arm"), **where)
    assert pooled.frame["arm"].to_list() == [True, True, True]
    assert pooled.n == 2


def test_values_in_another_unit_are_warned_of():
    lost_comma = measured([0, 10, 20], [25.0, 31.0, 2.2])
    told = assert_warns(
        lambda: time_in_range(lost_comma, **ROLES), argument="inr", column="inr", says=["median of 25"]
    )
    assert told["share_above"].to_list() == [pytest.approx(1 - 4 / 288)]


def test_a_row_left_out_lets_the_interval_go_on():
    data = measured([0, 5, 10], [2.0, None, 4.0])
    assert time_in_range(data, **ROLES, missing="drop")["days"].to_list() == [10]
    more = pl.concat([data, measured([0, 10], [1.8, 2.4], 2)])
    assert pooled_time_in_range(more, **ROLES, missing="drop").n_dropped == 1


@pytest.mark.parametrize("zone", [None, "Europe/Stockholm"])
def test_times_of_day_count(zone):
    data = measured([0, 10], [2.0, 4.0]).with_columns(pl.col("date").cast(pl.Datetime))
    later = data.with_columns(
        (pl.col("date") + pl.Series([timedelta(0), timedelta(hours=12)])).dt.replace_time_zone(zone)
    )
    assert_close(time_in_range(later, **ROLES)["days"], [10.5], rel=1e-12)


def test_refusals():
    data = measured([0, 10], [2.0, 4.0])

    def refused(data=data, options=None, function=time_in_range, **parts):
        assert_refused(lambda: function(data, **(ROLES | (options or {}))), **parts)

    refused(data.with_columns(inr=pl.lit(0.0)), argument="inr", column="inr", rows=(1, 2))
    refused(options={"low": 3.0}, argument="low", rows=(1, 2))
    refused(measured([0, 0], [2.0, 4.0]), argument="date", column="date", rows=(1,), says=("1 row",))
    refused(data.with_columns(date=pl.lit("2024")), argument="date", column="date")
    refused(data.rename({"id": "days"}), {"id": "days"}, argument="id", column="days")
    refused(options={"max_gap": 0}, argument="max_gap")
    pooled = {"function": pooled_time_in_range}
    refused(
        data.with_columns(arm=pl.Series([1, 2])),
        {"by": "arm"},
        **pooled,
        argument="by",
        column="arm",
        rows=(1, 2),
    )
    refused(
        measured([0, 90], [2.0, 4.0]).head(2),
        {"max_gap": 100.0, "conf_level": 2},
        **pooled,
        argument="conf_level",
    )


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_no_interval_at_all_is_refused():
    assert_refused(
        lambda: pooled_time_in_range(measured([0, 90], [2.0, 4.0]), **ROLES),
        argument="max_gap",
        column="date",
    )
