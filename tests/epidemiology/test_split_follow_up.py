"""Follow-up in pieces: R's Lexis rows, pieces by hand, events and labels, refusals and warnings."""

from __future__ import annotations

import math
from datetime import date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import TimeScale, split_follow_up

AGE = TimeScale([0, 40, 41, math.inf], since="born")
ROLES = {"time": "exit", "entry": "entry", "event": "dead"}


@pytest.fixture
def one() -> pl.DataFrame:
    """Born so that the 40th birthday, 14 610 days later, is 1 January 2000."""
    return pl.DataFrame(
        {
            "born": [date(1960, 1, 1)],
            "entry": [date(1999, 12, 1)],
            "exit": [date(2001, 1, 31)],
            "dead": [1],
            "relapse": [date(2000, 6, 1)],
        }
    )


def test_rows_are_those_of_lexis(reference):
    case = reference("epidemiology", "lexis_diet_rows_first5")
    dates = [(1970 + pl.col(n).to_physical() / 365.25).alias(f"{n}_year") for n in ("doe", "dox", "dob")]
    data = case.data.select("chd", pl.int_range(1, pl.len() + 1).alias("lex.id"), *dates)
    pieces = split_follow_up(
        data,
        time="dox_year",
        entry="doe_year",
        event="chd",
        scales={
            "age": TimeScale(range(30, 71, 5), since="dob_year"),
            "per": TimeScale([0, 3000]),
            "tfe": TimeScale([0, 100], since="doe_year"),
        },
    )
    ours = {
        "lex.id": "lex.id",
        "per": "per_entry",
        "age": "age_entry",
        "tfe": "tfe_entry",
        "lex.dur": "person_time",
        "lex.Xst": "chd",
    }
    for theirs, name in ours.items():
        assert_close(pieces[name].cast(pl.Float64), case.values[theirs], rel=1e-9, at_zero=1e-9, where=theirs)


def test_pieces_by_hand(one):
    pieces = split_follow_up(
        one, **ROLES, scales={"age": AGE, "year": TimeScale([2000, 2001])}, cut_at={"relapsed": "relapse"}
    )
    assert pieces.select("entry", "exit", "dead", "age", "year", "relapsed").rows() == [
        (datetime(1999, 12, 1), datetime(2000, 1, 1), False, 0.0, None, False),
        (datetime(2000, 1, 1), datetime(2000, 6, 1), False, 40.0, 2000, False),
        (datetime(2000, 6, 1), datetime(2000, 12, 31, 6), False, 40.0, 2000, True),
        (datetime(2000, 12, 31, 6), datetime(2001, 1, 1), False, 41.0, 2000, True),
        (datetime(2001, 1, 1), datetime(2001, 1, 31), True, 41.0, None, True),
    ]
    assert_close(pieces["person_time"] * 365.25, [31, 152, 213.25, 0.75, 30], rel=1e-9)
    assert_close(pieces["age_entry"][1:4], [40, 40 + 152 / 365.25, 41], rel=1e-12)
    assert_close(
        pieces["year_exit"], [2000, 2000 + 152 / 366, 2000 + 365.25 / 366, 2001, 2001 + 30 / 365], rel=1e-12
    )
    assert pieces["relapse"].unique().to_list() == [date(2000, 6, 1)]
    assert pieces.columns == [
        *one.columns, "age", "age_entry", "age_exit", "year", "year_entry", "year_exit", "relapsed",
        "person_time",
    ]  # fmt: skip


def test_numbers_begin_at_zero_without_an_entry():
    data = pl.DataFrame({"id": [1, 2], "time": [3, 1], "dead": [True, False], "age": [39.0, 60.0]})
    pieces = split_follow_up(
        data, time="time", event="dead", scales={"attained": TimeScale([30, 40, 50], begins_at="age")}
    )
    assert pieces.select("id", "entry", "time", "dead", "attained", "attained_entry").rows() == [
        (1, 0.0, 1.0, False, 30, 39.0),
        (1, 1.0, 3.0, True, 40, 40.0),
        (2, 0.0, 1.0, False, None, 60.0),
    ]


@pytest.mark.parametrize(
    ("labels", "censored", "none"),
    [
        (["death", "censored"], "default", "censored"),
        (["death", "alive"], "alive", "alive"),
        ([2, 0], "default", 0),
        (pl.Series(["death", "alive"], dtype=pl.Enum(["alive", "death"])), "alive", "alive"),
        (pl.Series(["death", "relapse"], dtype=pl.Enum(["relapse", "death"])), None, None),
    ],
)
def test_the_last_piece_keeps_the_label_of_the_event(labels, censored, none):
    data = pl.DataFrame({"time": [3.0, 1.0], "event": labels})
    pieces = split_follow_up(
        data, time="time", event="event", causes=True, censored=censored, scales={"t": TimeScale([0, 2, 4])}
    )
    assert pieces["event"].to_list() == [none, data["event"][0], data["event"][1]]
    assert pieces["event"].dtype == data["event"].dtype


def test_follow_up_of_one_moment_is_kept(one):
    same_day = one.with_columns(exit="entry")
    pieces = split_follow_up(same_day, **ROLES, scales={"age": AGE})
    assert pieces.select("dead", "person_time").rows() == [(True, 0.0)]


def test_a_split_of_a_split_is_the_split_on_both_scales(one):
    both = split_follow_up(one, **ROLES, scales={"age": AGE, "year": TimeScale([2000, 2001])})
    first = split_follow_up(one, **ROLES, scales={"age": AGE}).drop("person_time")
    second = split_follow_up(
        first.drop("age_entry", "age_exit"), **ROLES, scales={"year": TimeScale([2000, 2001])}
    )
    assert_frame_equal(second.drop("age"), both.select(second.drop("age").columns))


def test_rows_with_missing_values_are_refused_or_left_out_with_a_warning(one):
    two = pl.concat([one.with_columns(born=pl.lit(None, pl.Date)), one])
    assert_refused(
        lambda: split_follow_up(two, **ROLES, scales={"age": AGE}), argument="scales", column="born", rows=[1]
    )
    pieces = assert_warns(
        lambda: split_follow_up(two.lazy(), **ROLES, scales={"age": AGE}, missing="drop"),
        argument="missing",
        says=["left out 1 row"],
    )
    assert_frame_equal(pieces, split_follow_up(one, **ROLES, scales={"age": AGE}))


@pytest.mark.parametrize("taken", ["age", "age_entry", "person_time", "relapsed"])
def test_names_that_are_taken_are_refused(one, taken):
    assert_refused(
        lambda: split_follow_up(
            one.with_columns(pl.lit(1).alias(taken)),
            **ROLES,
            scales={"age": AGE},
            cut_at={"relapsed": "relapse"},
        ),
        argument="data",
        column=taken,
        says=["is the name of a column that is made"],
    )


def test_an_entry_that_was_not_declared_is_not_overwritten():
    data = pl.DataFrame({"entry": [1.0], "time": [3.0], "dead": [1]})
    assert_refused(
        lambda: split_follow_up(data, time="time", event="dead", scales={"t": TimeScale([0, 2])}),
        argument="data",
        column="entry",
    )


def test_computed_times_need_a_name_of_their_own():
    data = pl.DataFrame({"time": [3.0], "dead": [1]})
    assert_refused(
        lambda: split_follow_up(
            data, time=pl.col("time") / 12, event="dead", scales={"t": TimeScale([0, 2])}
        ),
        argument="time",
        column="time",
        says=["would be overwritten"],
    )


def test_one_name_for_a_scale_and_an_event_is_refused(one):
    assert_refused(
        lambda: split_follow_up(one, **ROLES, scales={"age": AGE}, cut_at={"age": "relapse"}),
        argument="scales",
        says=["'age' is the name of a column of the result, or was given twice"],
    )


def test_dates_as_a_beginning_are_refused(one):
    scales = {"age": TimeScale([0, 40], since="born", begins_at="relapse")}
    assert_refused(lambda: split_follow_up(one, **ROLES, scales=scales), argument="scales", column="relapse")


def test_an_infinite_age_is_refused(one):
    scales = {"age": TimeScale([0, 40], since="born", begins_at="years")}
    assert_refused(
        lambda: split_follow_up(one.with_columns(years=math.inf), **ROLES, scales=scales),
        argument="scales",
        column="years",
        rows=[1],
        says=["infinite"],
    )


def test_relapses_that_never_happened_may_be_a_column_of_nulls(one):
    never = one.with_columns(relapse=None)
    pieces = split_follow_up(never, **ROLES, scales={"age": AGE}, cut_at={"relapsed": "relapse"})
    assert pieces["relapsed"].to_list() == [False] * 3
