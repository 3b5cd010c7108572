"""Blood counts and grades along time: against R, by hand, by what must hold, and what is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused

import hemresearch as hem
from hemresearch.hematology.toxicity import (
    cytopenia_duration,
    cytopenia_recovery,
    icaht_inputs,
    nadir,
    worst_grade,
)

ROLES = {"id": "id", "value": "value", "day": "day"}
COUNT = {**ROLES, "unit": "10^9/L"}
INFUSION = date(2024, 3, 1)


def counts(*values: tuple[int, float], **columns: object) -> pl.DataFrame:
    """One patient with (day, value)."""
    frame = pl.DataFrame(values, schema={"day": pl.Int64, "value": pl.Float64}, orient="row")
    return frame.with_columns(id=pl.lit("A"), **{k: pl.lit(v) for k, v in columns.items()})


def duration(data: pl.DataFrame, **options: object) -> dict[str, object]:
    return cytopenia_duration(data, **{**COUNT, "threshold": 0.5, **options}).row(0, named=True)


def many(n: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, n, 20 * n)
    return pl.DataFrame(
        {"id": rows, "day": rng.integers(-3, 110, len(rows)), "value": rng.lognormal(-0.5, 1, len(rows))}
    )


# --- cytopenia ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case_id", reference_cases("cytopenia", "low_"))
def test_durations_match_zoo_and_rle(reference, case_id):
    case = reference("cytopenia", case_id)
    columns = {name: case.options[name] for name in ("id", "day", "value", "until")}
    found = cytopenia_duration(
        pl.DataFrame(columns), **COUNT, until="until", threshold=case.options["threshold"],
        joined_gap=case.options["joined_gap"], longest_gap=case.options["longest_gap"],
    )  # fmt: skip
    assert found["id"].to_list() == case.values["id"]
    for name in ("days_longest", "days_total", "days_known", "never_above"):
        assert found[name].cast(pl.Int64).to_list() == [int(v) for v in case.values[name]], name


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # two days of recovery are joined, three are not
        ([(0, 2), (1, 0.5), (2, 0.6), (3, 0.6), (4, 0.5), (5, 2), (8, 2)], (4, 2, 1, 5, True, False)),
        ([(0, 2), (1, 0.5), (2, 0.6), (3, 0.6), (4, 0.6), (5, 0.4), (6, 2)], (1, 2, 1, 2, True, False)),
        # never above from day 3 on; from day 4 on it is another matter
        ([(0, 2), (2, 2), (3, 0.1), (30, 0.1)], (1, 2, 3, None, False, False)),
        ([(0, 2), (2, 2), (3, 0.1), (9, 0.1)], (14, 14, 3, None, False, True)),
        ([(0, 2), (3, 2), (4, 0.1), (9, 0.1)], (6, 6, 4, None, False, False)),
        # never low
        ([(0, 2), (8, 0.51)], (0, 0, None, None, None, False)),
    ],
)
def test_durations_by_hand(values, expected):
    until = {"until": 16} if values[-1] == (9, 0.1) and values[1] == (2, 2) else {}
    found = duration(counts(*values, until=until.get("until", 30)), until="until")
    assert tuple(found.values())[1:7] == expected


def test_days_without_a_value_are_filled_up_to_the_longest_gap():
    values = counts((0, 0.2), (8, 0.2))
    assert duration(values, window=(0, 8))["days_longest"] == 9
    assert duration(values, window=(0, 8), longest_gap=6)["days_total"] == 2
    assert duration(values, window=(0, 8), longest_gap=6)["days_known"] == 2
    sloping = counts((0, 0.2), (4, 1.0))  # 0.4 on day 1, 0.6 on day 2
    assert duration(sloping, window=(0, 4))["days_longest"] == 2


def test_a_patient_without_a_value_in_the_window_is_unknown_and_not_free_of_it():
    found = duration(counts((40, 0.1)))
    assert found == dict.fromkeys(found) | {"id": "A", "days_measured": 0, "days_known": 0}


def test_values_after_the_end_and_other_values_of_a_day_do_not_count_but_the_lowest():
    data = counts((0, 2.0), (1, 3.0), (1, 0.4), (2, 2.0), (6, 0.1), until=5)
    assert duration(data, until="until", window=(0, 9))["days_total"] == 1
    assert duration(data, window=(0, 9))["days_total"] > 1
    assert duration(data.with_columns(until=pl.lit(-1)), until="until")["days_known"] == 0


def test_the_unit_is_that_of_the_values_and_not_of_the_threshold():
    data = counts((0, 2.0), (1, 0.5), (2, 0.51), (5, 0.1))
    one = cytopenia_duration(data, **COUNT, threshold=0.5)
    per_ul = data.with_columns(pl.col("value") * 1000)
    assert_frame_equal(cytopenia_duration(per_ul, **ROLES, unit="cells/uL", threshold=0.5), one)
    grams = pl.DataFrame({"id": [1, 1], "day": [0, 1], "value": [8.0, 8.1]})
    assert cytopenia_duration(grams, **ROLES, unit="g/dL", threshold=80, window=(0, 1))["days_total"][0] == 1


def test_single_precision_does_not_move_a_value_off_the_threshold():
    data = counts((0, 2.0), (1, 0.1), (2, 2.0)).with_columns(pl.col("value").cast(pl.Float32))
    assert duration(data, threshold=0.1)["days_total"] == 1


def test_dates_and_days_are_two_forms_of_one_thing():
    data = many()
    dated = data.select(
        "id", "value", sampled=pl.lit(INFUSION) + pl.duration(days="day"), infusion=pl.lit(INFUSION),
        seen=pl.lit(datetime(2024, 3, 20, 13)), until=pl.lit(19),
    )  # fmt: skip
    options = {"unit": "10^9/L", "threshold": 0.5}
    by_day = cytopenia_duration(data.with_columns(until=pl.lit(19)), **ROLES, until="until", **options)
    by_date = cytopenia_duration(
        dated, id="id", value="value", date="sampled", start="infusion", until="seen", **options
    )
    assert_frame_equal(by_day, by_date)


@pytest.mark.parametrize("function", [cytopenia_duration, nadir, icaht_inputs, cytopenia_recovery])
def test_lazy_in_lazy_out_and_the_order_of_rows_does_not_matter(function):
    options = {} if function in (nadir, icaht_inputs) else {"threshold": 0.5}
    found = function(many(), **COUNT, **options)
    lazy = function(many().sample(fraction=1, shuffle=True, seed=1).lazy(), **COUNT, **options)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), found)


def test_a_lower_threshold_never_lengthens_a_duration():
    low, high = (cytopenia_duration(many(), **COUNT, threshold=t) for t in (0.3, 0.9))
    for name in ("days_longest", "days_total"):
        assert (low[name] <= high[name]).all()
    assert (high["days_total"] <= high["days_known"]).all()


# --- nadir and ICAHT ---------------------------------------------------------------------------------------


def test_the_two_lowest_values_match_r(reference):
    case = reference("cytopenia", "nadir")
    data = pl.DataFrame({name: case.options[name] for name in ("id", "day", "value", "until")})
    found = nadir(data.filter(pl.col("id").is_in(case.values["id"])), **COUNT, until="until")
    # R sorts measurements; no day has two here
    assert_close(found["nadir"], case.values["nadir"])
    assert_close(found["second_lowest"], case.values["second_lowest"])


@pytest.mark.parametrize(
    ("values", "confirmed"),
    [
        ([(31, 0.5), (40, 1.5), (50, 3.0)], 0.5),
        ([(31, 0.5), (40, 1.51), (50, 3.0)], 1.51),
        ([(31, 0.5), (31, 0.4)], 0.4),
        ([(30, 0.5), (101, 0.5)], None),
    ],
)
def test_a_nadir_needs_a_second_low_value_unless_there_is_none(values, confirmed):
    assert nadir(counts(*values), **COUNT)["confirmed_nadir"].to_list() == [confirmed]


def test_a_nadir_can_be_confirmed_at_another_level():
    data = counts((31, 12.0), (40, 45.0), (50, 90.0))
    assert nadir(data, **COUNT, confirm_at=50)["confirmed_nadir"].to_list() == [12.0]
    assert nadir(data, **COUNT)["confirmed_nadir"].to_list() == [45.0]


def test_what_icaht_is_graded_from():
    data = pl.concat([many(), many().with_columns(pl.col("day") - 20)]).with_columns(
        until=pl.lit(80), next=pl.lit(60)
    )
    found = icaht_inputs(data, **COUNT, until="until", late_until="next")
    severe, profound = (cytopenia_duration(data, **COUNT, threshold=t, until="until") for t in (0.5, 0.1))
    assert found["days_anc_le_0_5"].to_list() == severe["days_longest"].to_list()
    assert found["days_anc_le_0_1"].to_list() == profound["days_longest"].to_list()
    assert found["never_above_0_5"].to_list() == severe["never_above"].to_list()
    late = nadir(data, **COUNT, until="next")
    assert found["lowest_confirmed_anc_1e9_per_l"].to_list() == late["confirmed_nadir"].to_list()
    assert icaht_inputs(counts((200, 1.0)), **COUNT).row(0) == ("A", None, None, None, None, 0)


def test_icaht_is_graded_from_them():
    series = [
        counts((0, 0.3), (15, 0.2), (16, 2.0)),
        counts((0, 2.0), (5, 0.05), (12, 0.05), (13, 2), (40, 0.5)),
    ]
    data = pl.concat([one.with_columns(id=pl.lit(name)) for one, name in zip(series, "AB", strict=True)])
    found = icaht_inputs(data.with_columns(pl.col("value")), **COUNT).select(
        early=hem.hematology.scores.icaht_early().struct.field("score"),
        late=hem.hematology.scores.icaht_late().struct.field("score"),
    )
    assert found.rows() == [(1, None), (3, 3)]


# --- recovery ----------------------------------------------------------------------------------------------


def recovery(data: pl.DataFrame, **options: object) -> list[tuple[object, ...]]:
    return cytopenia_recovery(data, **{**COUNT, "threshold": 0.5, **options}).drop("id").rows()


def test_recovery_lasts_three_days_and_begins_on_the_first():
    data = counts((0, 2.0), (1, 0.2), (2, 0.9), (3, 0.9), (4, 0.2), (5, 0.9), (6, 0.9), (7, 0.9))
    assert recovery(data) == [(1, 4, "recovery")]
    assert recovery(data, joined_gap=1) == [(1, 1, "recovery")]
    assert recovery(data, window=(0, 6)) == [(1, 5, "censored")]


def test_death_competes_while_the_count_is_known_and_is_censored_after_it():
    data = counts((0, 2.0), (1, 0.2), (10, 0.2), died=14, progressed=14)
    assert recovery(data, death="died") == [(1, 13, "death")]
    assert recovery(data, death="died", progression="progressed") == [(1, 13, "progression")]
    late = data.with_columns(died=pl.lit(60))
    assert recovery(late, death="died", longest_gap=8) == [(1, 9, "censored")]
    nobody = data.with_columns(died=pl.lit(None))
    assert recovery(nobody, death="died", longest_gap=8) == [(1, 9, "censored")]


def test_who_never_was_low_has_no_time_to_recovery():
    assert recovery(counts((0, 2.0), (30, 1.0))) == []


def test_recovery_goes_into_cumulative_incidence():
    data = many().with_columns(death=pl.when(pl.col("id") % 4 == 0).then(50))
    found = cytopenia_recovery(data, **COUNT, threshold=0.5, death="death")
    assert found["recovery_event"].dtype == pl.Enum(["censored", "recovery", "death"])
    curves = hem.competing.cumulative_incidence(
        found, time="recovery_days", event="recovery_event", cause="recovery"
    )
    assert 0 < curves.at([20])["estimate"][0] < 1


# --- worst grade -------------------------------------------------------------------------------------------


def test_worst_grades_by_hand():
    data = pl.DataFrame(
        {
            "id": [1, 1, 1, 1, 1, 2, 2, 3, 4],
            "day": [2, 3, 3, 5, 7, 1, 4, 120, 2],
            "grade": [1, 2, 3, 3, 0, 2, 4, 4, 0],
        }
    )
    found = worst_grade(data, id="id", grade="grade", day="day")
    assert found.rows() == [
        (1, 3, 3, 2, 5, 4, True), (2, 4, 4, 1, 4, 4, False), (3, None, None, None, None, None, None),
        (4, 0, 2, None, None, None, None),
    ]  # fmt: skip
    severe = worst_grade(data, id="id", grade="grade", day="day", at_least=3, window=(0, 4))
    assert severe["onset"].to_list() == [3, 4, None, None]
    until = worst_grade(data.with_columns(last=pl.lit(2)), id="id", grade="grade", day="day", until="last")
    assert until["worst"].to_list() == [1, 2, None, 0]
    dated = data.lazy().with_columns(
        on=pl.lit(INFUSION) + pl.duration(days="day"),
        start=pl.lit(INFUSION),
        last=pl.lit(None, dtype=pl.Date),
    )
    lazy = worst_grade(dated, id="id", grade="grade", date="on", start="start", until="last")
    assert_frame_equal(lazy.collect(), found)


def test_rows_without_a_grade_are_left_out_if_asked():
    data = pl.DataFrame({"id": [1, 1], "day": [1, 2], "grade": [2, None]})
    assert_refused(
        lambda: worst_grade(data, id="id", grade="grade", day="day"),
        argument="grade",
        column="grade",
        rows=[2],
    )
    assert worst_grade(data, id="id", grade="grade", day="day", missing="drop")["worst"].to_list() == [2]


def test_a_patient_whose_rows_are_all_left_out_is_unknown_and_not_gone():
    data = pl.DataFrame(
        {"id": ["B", "C", "A", None, "A"], "day": [1, None, 0, 2, 3], "grade": [None, 2, 1, 3, 2]}
    )
    found = worst_grade(data, id="id", grade="grade", day="day", missing="drop")
    assert found.select("id", "worst").rows() == [("A", 2), ("B", None), ("C", None)]
    lowest = nadir(
        data.lazy(), id="id", value="grade", day="day", unit="10^9/L", window=(0, 9), missing="drop"
    )
    assert lowest.collect().select("id", "nadir", "days_measured").rows() == [
        ("A", 1, 2), ("B", None, 0), ("C", None, 0),
    ]  # fmt: skip


def test_the_day_is_that_of_the_time_zone():
    taken = pl.Series([datetime(2024, 3, 1, 0, 30), datetime(2024, 3, 4, 23, 30)])
    data = pl.DataFrame({"id": 1, "grade": [1, 2], "on": taken.dt.replace_time_zone("Europe/Stockholm")})
    data = data.with_columns(start=pl.lit(INFUSION))
    found = worst_grade(data, id="id", grade="grade", date="on", start="start")
    assert found.select("onset", "worst_day").row(0) == (0, 3)


# --- refusals ----------------------------------------------------------------------------------------------

DATED = counts((0, 1.0), (3, 0.4)).with_columns(
    sampled=pl.Series([INFUSION, INFUSION + timedelta(3)]), start=pl.Series([INFUSION, INFUSION]),
    other=pl.Series([INFUSION, INFUSION + timedelta(1)]), until=pl.Series([5, 6]), half=pl.Series([0.0, 0.5]),
    text=pl.Series(["a", "b"]), negative=pl.Series([1.0, -0.1]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("options", "argument", "column", "rows"),
    [
        ({"day": None}, "day", None, ()),
        ({"date": "sampled"}, "day", None, ()),
        ({"start": "start"}, "day", None, ()),
        ({"day": None, "date": "sampled"}, "day", None, ()),
        ({"day": None, "date": "sampled", "start": "other"}, "start", "other", [1]),
        ({"day": None, "date": "text", "start": "start"}, "date", "text", ()),
        ({"day": "half"}, "day", "half", [2]),
        ({"day": "text"}, "day", "text", ()),
        ({"until": "until"}, "until", "until", [1]),
        ({"value": "negative"}, "value", "negative", [2]),
        ({"value": "text"}, "value", "text", ()),
        ({"value": ["value", "half"]}, "value", None, ()),
        ({"value": None}, "value", None, ()),
        ({"id": pl.col("id").alias("onset")}, "id", "onset", ()),
        ({"unit": "1e9/L"}, "unit", None, ()),
        ({"threshold": -1}, "threshold", None, ()),
        ({"threshold": "low"}, "threshold", None, ()),
        ({"window": (5, 2)}, "window", None, ()),
        ({"window": 30}, "window", None, ()),
        ({"joined_gap": 0}, "joined_gap", None, ()),
        ({"longest_gap": 1.5}, "longest_gap", None, ()),
    ],
)
def test_what_cannot_be_a_series_is_refused(options, argument, column, rows):
    given = {**COUNT, "threshold": 0.5, **options}
    assert_refused(lambda: cytopenia_duration(DATED, **given), argument=argument, column=column, rows=rows)


def test_a_nadir_is_confirmed_at_a_number():
    assert_refused(lambda: nadir(DATED, **COUNT, confirm_at="low"), argument="confirm_at")


@pytest.mark.parametrize("wrong", [[1, 6], [1, 1.5], [-1, 1]])
def test_grades_are_whole_numbers_to_five(wrong):
    data = pl.DataFrame({"id": [1, 1], "day": [1, 2], "grade": wrong}, strict=False)
    row = [2] if wrong[0] == 1 else [1]
    assert_refused(
        lambda: worst_grade(data, id="id", grade="grade", day="day"),
        argument="grade",
        column="grade",
        rows=row,
    )


def test_roman_grades_are_translated_first_and_onset_is_of_a_grade():
    data = pl.DataFrame({"id": [1], "day": [1], "grade": ["III"]})
    refusal = assert_refused(
        lambda: worst_grade(data, id="id", grade="grade", day="day"), argument="grade", column="grade"
    )
    fixed = eval(refusal.remedy.split(" for ")[0], {"pl": pl})
    assert worst_grade(data, id="id", grade=fixed, day="day")["worst"].to_list() == [3]
    assert_refused(
        lambda: worst_grade(data, id="id", grade="grade", day="day", at_least=0), argument="at_least"
    )
