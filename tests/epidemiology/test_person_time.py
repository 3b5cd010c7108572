"""Person-time: the tables of Epi, survival and popEpi, cells by hand, and what the pieces say."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import TimeScale, person_time, rate, split_follow_up
from hemresearch.times import calendar_year

CALENDAR_YEAR = 365.25


def decimal_year(name: str) -> pl.Expr:
    """Epi's cal.yr: every year has 365.25 days."""
    return 1970 + pl.col(name).to_physical() / CALENDAR_YEAR


def diet_in_years(data: pl.DataFrame) -> pl.DataFrame:
    return data.with_columns(decimal_year(name).alias(f"{name}_year") for name in ("doe", "dox", "dob"))


DIET = {"time": "dox_year", "entry": "doe_year", "event": "chd"}
AGE = TimeScale(range(30, 71, 5), since="dob_year")
PERIOD = TimeScale(range(1955, 1991, 5))


def test_bands_of_age_are_those_of_lexis(reference):
    case = reference("epidemiology", "lexis_diet_age5")
    table = person_time(diet_in_years(case.data), **DIET, scales={"age": AGE})
    frame, values = table.to_frame(), case.values
    assert frame["age"].to_list() == values["age_b"]
    assert frame["n"].to_list() == values["n"]
    assert frame["n_event"].to_list() == values[".d"]
    assert_close(frame["person_time"], values["lex.dur"], rel=1e-10)
    assert_close(frame["person_time"].sum(), values["total_py"], rel=1e-10)
    assert frame["n"].sum() == values["nrow"]
    assert table.outside == (0, 0)


def test_bands_of_age_and_period_are_those_of_lexis(reference):
    case = reference("epidemiology", "lexis_diet_age5_per5")
    frame = person_time(diet_in_years(case.data), **DIET, scales={"per": PERIOD, "age": AGE}).to_frame()
    values = pl.DataFrame({name: case.values[name] for name in ("per_b", "age_b", "n", ".d", "lex.dur")})
    values = values.sort("per_b", "age_b")
    assert frame.select("per", "age", "n", "n_event").rows() == values.drop("lex.dur").rows()
    assert_close(frame["person_time"], values["lex.dur"], rel=1e-9)


def test_age_as_the_scale_of_time_and_time_since_exposure(reference):
    case = reference("epidemiology", "lexis_nickel_tfi")
    lung = pl.col("icd").is_in([162, 163]).alias("lung")
    frame = person_time(
        case.data,
        time="ageout",
        entry="agein",
        event=lung,
        scales={
            "tfi": TimeScale([0, 20, 30, 40, 50, 100], since="age1st"),
            "age": TimeScale(range(0, 101, 10)),
        },
    ).to_frame()
    values = pl.DataFrame({name: case.values[name] for name in ("tfi_b", "age_b", "n", ".d", "lex.dur")})
    values = values.sort("tfi_b", "age_b")
    assert frame.select("tfi", "age", "n", "n_event").rows() == values.drop("lex.dur").rows()
    assert_close(frame["person_time"], values["lex.dur"], rel=1e-9)


def test_ages_at_diagnosis_in_days_are_those_of_pyears(reference):
    case = reference("epidemiology", "pyears_colrec_agecat")
    table = person_time(
        case.data,
        time=pl.col("time") / CALENDAR_YEAR,
        event="stat",
        by="sex",
        scales={"age": TimeScale([0, 50, 60, 70, 80, 110], begins_at=pl.col("age") / CALENDAR_YEAR)},
    )
    for name, values in {"person_time": "pyears", "n": "n", "n_event": "event"}.items():
        ours = table.to_frame().pivot("sex", index="age", values=name).select("1", "2").rows()
        assert_close([list(row) for row in ours], case.values[values], rel=1e-10, where=name)


def test_years_of_follow_up_and_causes_are_those_of_lexpand(reference):
    case = reference("epidemiology", "lexpand_sire_aggre")
    # lexpand counts in decimal calendar years, of which those of leap years are longer
    data = case.data.with_columns(
        calendar_year(case.data[name]).alias(name) for name in ("dg_date", "ex_date")
    )
    table = person_time(
        data,
        time="ex_date",
        entry="dg_date",
        event="status",
        causes=True,
        by="sex",
        scales={"fot": TimeScale(range(6), since="dg_date")},
    )
    frame = table.to_frame()
    for cause in (1, 2):
        own = frame.filter(cause=cause)
        assert own["fot"].to_list() == case.values["fot"]
        assert own["n_event"].to_list() == case.values[f"from0to{cause}"]
        assert own["n"].to_list() == case.values["at.risk"]
        assert_close(own["person_time"], case.values["pyrs"], rel=1e-6)
    assert table.outside[0] > 0


@pytest.mark.parametrize(("case_id", "entry", "exit", "birth"), [
    ("diet_dates", "doe", "dox", "dob"), ("sire_dates", "dg_date", "ex_date", "bi_date"),
])  # fmt: skip
def test_attained_age_and_calendar_time_from_dates_are_those_of_pyears(
    reference, case_id, entry, exit, birth
):
    case = reference("person_time", case_id)
    happened = pl.col("chd") if case_id == "diet_dates" else pl.col("status") > 0
    by = [] if case_id == "diet_dates" else ["late"]
    data = case.data.with_columns(late=(pl.col(entry) >= date(2003, 1, 1)).cast(pl.Int64))
    scales = {
        "age": TimeScale(case.options["ages"], since=birth),
        "year": TimeScale(case.options["years"]),
    }

    def table(rows):
        roles = {"time": exit, "entry": entry, "event": happened.alias("happened")}
        return person_time(rows, **roles, by=by or None, scales=scales)

    keys = [*by, "age", "year"]
    theirs = pl.DataFrame({name: case.values[name] for name in [*keys, "n", "n_event", "person_time"]})
    theirs = theirs.with_columns(pl.all().exclude("person_time").cast(pl.Int64)).sort(keys)
    ours = table(data)
    assert ours.to_frame().select(*keys, "n_event").rows() == theirs.select(*keys, "n_event").rows()
    assert_close(ours.to_frame()["person_time"], theirs["person_time"], rel=1e-9)
    assert_close(ours.outside[0], case.values["outside"], rel=1e-9, at_zero=1e-9)
    # pyears counts the deaths on the day of diagnosis, and not those who died
    longer = table(data.filter(pl.col(exit) > pl.col(entry))).to_frame()
    assert longer.select(*keys, "n").rows() == theirs.select(*keys, "n").rows()


def test_two_patients_by_hand():
    # A: born 1 January 1960, followed from her 40th birthday (of 365.25-day years: 31 December 1999, 24:00)
    born, entry = date(1960, 1, 1), date(2000, 1, 1)
    two = pl.DataFrame(
        {
            "born": [born, born],
            "entry": [entry, date(2000, 7, 1)],
            "exit": [date(2001, 7, 2), date(2000, 12, 31)],
            "dead": [True, False],
        }
    )
    table = person_time(
        two, time="exit", entry="entry", event="dead", scales={"year": TimeScale([2000, 2001, 2002])}
    )
    frame = table.to_frame()
    assert frame.select("year", "n", "n_event").rows() == [(2000, 2, 0), (2001, 1, 1)]
    assert_close(frame["person_time"] * 365.25, [366 + 183, 182], rel=1e-12)
    assert table.time_unit == "years"


def test_an_event_at_a_border_belongs_to_the_band_that_ends_there():
    row = pl.DataFrame({"time": [5.0, 5.0 + 1e-10, 0.3], "dead": [1, 1, 1]})
    frame = person_time(row, time="time", event="dead", scales={"t": TimeScale([0, 5, 10])}).to_frame()
    assert frame.rows() == [(0, 3, 3, pytest.approx(10.3))]


def test_a_follow_up_that_begins_at_a_border_begins_in_the_band_that_begins_there():
    row = pl.DataFrame({"entry": [5.0, 5.0], "time": [7.0, 5.0], "dead": [0, 1]})
    table = person_time(row, time="time", entry="entry", event="dead", scales={"t": TimeScale([0, 5, 10])})
    assert table.to_frame().rows() == [(5, 2, 1, 2.0)]


def test_what_is_outside_the_bands_is_told():
    rows = pl.DataFrame({"time": [4.0, 12.0], "dead": [1, 1]})
    table = person_time(rows, time="time", event="dead", scales={"t": TimeScale([2, 10])})
    assert table.to_frame().rows() == [(2, 2, 1, 10.0)]
    assert table.outside == (6.0, 1)
    assert table.summary().row(0) == (2, 0, 1, 10.0, 1, 6.0)
    assert repr(table).splitlines() == [
        "person-time of 2 rows of follow-up",
        "  1 cell by t",
        "  10 units of person-time, 1 event",
        "  outside the bands: 6 units of person-time, 1 event",
    ]
    open_ended = person_time(
        rows, time="time", event="dead", scales={"t": TimeScale([-math.inf, 10, math.inf])}
    )
    assert open_ended.to_frame()["person_time"].to_list() == [14.0, 2.0]


def test_before_and_after_an_event():
    rows = pl.DataFrame(
        {
            "entry": [date(2020, 1, 1)] * 3,
            "exit": [date(2020, 12, 31)] * 3,
            "relapse": [date(2020, 7, 1), None, date(2020, 12, 31)],
            "dead": [1, 1, 1],
        }
    )
    frame = person_time(
        rows, time="exit", entry="entry", event="dead", scales={}, cut_at={"relapsed": "relapse"}
    ).to_frame()
    assert frame.select("relapsed", "n", "n_event").rows() == [(False, 3, 2), (True, 1, 1)]
    assert_close(frame["person_time"] * 365.25, [182 + 365 + 365, 183], rel=1e-12)


def follow_up(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    born = np.datetime64("1930-01-01") + rng.integers(0, 20_000, n)
    entry = np.datetime64("1995-01-01") + rng.integers(0, 4_000, n)
    cause = np.array(["alive", "relapse", "death"])[rng.integers(0, 3, n)]
    cause[0] = "death"
    return pl.DataFrame(
        {
            "born": born,
            "entry": entry,
            "exit": entry + rng.integers(0, 5_000, n),
            "cause": cause,
            "sex": pl.Series(rng.integers(0, 2, n)).replace_strict({0: "F", 1: "M"}),
            "transplant": pl.Series(entry + rng.integers(0, 9_000, n)).set(
                pl.Series(rng.random(n) < 0.5), None
            ),
        }
    )


ROLES = {
    "time": "exit",
    "entry": "entry",
    "scales": {
        "age": TimeScale(range(30, 91, 7), since="born"),
        "year": TimeScale(range(1996, 2008)),
        "since": TimeScale([0, 0.5, 1, 5, math.inf], since="entry"),
    },
    "cut_at": {"transplanted": "transplant"},
}
KEYS = ["age", "year", "since", "transplanted"]


@pytest.mark.filterwarnings("ignore:scales. holds")  # of few rows the bands may hold little
@given(st.integers(1, 60), st.integers(0, 10_000))
@settings(max_examples=25)
def test_the_table_is_that_of_the_pieces(n, seed):
    data = follow_up(n, seed)
    table = person_time(data, event="cause", event_value="death", by="sex", **ROLES)
    pieces = split_follow_up(data, event="cause", event_value="death", **ROLES)
    assert_close(pieces["person_time"].sum() * 365.25, (data["exit"] - data["entry"]).dt.total_days().sum())
    assert pieces["cause"].sum() == (data["cause"] == "death").sum()
    inside = pieces.drop_nulls(KEYS)
    expected = inside.group_by("sex", *KEYS).agg(
        n=pl.len().cast(pl.Int64),
        n_event=pl.col("cause").sum().cast(pl.Int64),
        person_time=pl.col("person_time").sum(),
    )
    assert_frame_equal(table.to_frame(), expected.sort("sex", *KEYS), rel_tol=1e-9, abs_tol=1e-9)
    outside = pieces.filter(pl.any_horizontal(pl.col(KEYS).is_null()))
    assert_close(
        table.outside, (outside["person_time"].sum(), outside["cause"].sum()), rel=1e-9, at_zero=1e-9
    )


def test_causes_share_their_cells():
    data = follow_up(200, 3)
    table = person_time(data, event="cause", causes=True, censored="alive", by="sex", **ROLES)
    for cause in ("death", "relapse"):
        alone = person_time(data, event="cause", event_value=cause, by="sex", **ROLES)
        own = table.to_frame().filter(cause=cause).drop("cause")
        assert_frame_equal(own, alone.to_frame())
    assert table.n_event == table.to_frame()["n_event"].sum()
    assert table.summary()["person_time"][0] == pytest.approx(alone.to_frame()["person_time"].sum())


def test_person_time_is_not_added_up_over_causes():
    data = follow_up(200, 3)
    table = person_time(data, event="cause", causes=True, censored="alive", by="sex", **ROLES)
    counts = {"events": "n_event", "person_time": "person_time", "by": "sex"}
    refusal = assert_refused(lambda: rate(table, **counts), argument="data", says=["for every cause"])
    assert refusal.remedy == "table.to_frame().filter(pl.col('cause') == 'death')"
    died = rate(table.to_frame().filter(pl.col("cause") == "death"), **counts)
    alone = person_time(data, event="cause", event_value="death", by="sex", **ROLES)
    assert_frame_equal(died.to_frame(), rate(alone, **counts).to_frame())


def test_a_lazy_folder_in_batches_is_the_table_in_memory(tmp_path):
    data = follow_up(500, 4)
    for k, part in enumerate(data.iter_slices(90)):
        part.write_parquet(tmp_path / f"{k}.parquet")
    whole = person_time(data, event="cause", causes=True, censored="alive", by="sex", **ROLES)
    lazy = person_time(
        pl.scan_parquet(tmp_path / "*.parquet"),
        event="cause",
        causes=True,
        censored="alive",
        by=pl.col("sex").str.to_lowercase().alias("sex"),
        batch=70,
        **ROLES,
    )
    ours = lazy.to_frame().with_columns(pl.col("sex").str.to_uppercase())
    assert_frame_equal(ours, whole.to_frame(), rel_tol=1e-12)
    assert lazy.n == 500
    assert_close(lazy.outside, whole.outside, rel=1e-12)


def test_a_batch_may_have_no_complete_row_but_not_all():
    data = pl.DataFrame({"time": [None, None, 2.0, 3.0], "dead": [1, 0, 1, 1]})
    arguments = {"time": "time", "event": "dead", "scales": {"t": TimeScale([0, 10])}, "missing": "drop"}
    table = person_time(data.lazy(), batch=2, **arguments)
    assert (table.n, table.n_dropped) == (2, 2)
    assert table.to_frame().rows() == [(0, 2, 2, 5.0)]
    nothing = data.with_columns(time=pl.lit(None, dtype=pl.Float64))
    assert_refused(
        lambda: person_time(nothing.lazy(), batch=2, **arguments),
        argument="data",
        says=["every row has a missing value"],
    )


def test_a_refusal_of_a_batch_counts_rows_from_the_beginning():
    data = pl.DataFrame({"time": [1.0, 2.0, 3.0, -1.0], "dead": [1, 0, 1, 1]})
    assert_refused(
        lambda: person_time(
            data.lazy(), time="time", event="dead", scales={"t": TimeScale([0, 10])}, batch=2
        ),
        argument="time",
        column="time",
        rows=[4],
        says=["negative follow-up"],
    )


def test_a_table_feeds_other_functions():
    table = person_time(follow_up(300, 5), event="cause", event_value="death", by="sex", **ROLES)
    rates = rate(table, events="n_event", person_time="person_time", by="sex").to_frame()
    assert rates["n_event"].sum() == table.n_event


@pytest.mark.parametrize("kind", ["datetime", "duration", "float32", "pandas", "enum", "float event"])
def test_other_types_give_the_same_table(kind):
    data = follow_up(80, 6).with_columns(dead=(pl.col("cause") == "death"))
    days = data.with_columns(
        start=(pl.col("entry") - date(1990, 1, 1)).dt.total_days() / 365.25,
        stop=(pl.col("exit") - date(1990, 1, 1)).dt.total_days() / 365.25,
    )
    scale = {"t": TimeScale(range(0, 40, 3))}
    plain = person_time(days, time="stop", entry="start", event="dead", scales=scale).to_frame()
    if kind == "datetime":
        moments = data.with_columns(pl.col("entry", "exit").cast(pl.Datetime("ms")))
        scale = {
            "t": TimeScale(
                range(0, 40, 3), since=pl.lit(date(1990, 1, 1)) + 0 * (pl.col("exit") - pl.col("exit"))
            )
        }
        other = person_time(moments, time="exit", entry="entry", event="dead", scales=scale)
    elif kind == "duration":
        spans = days.with_columns(pl.col("entry", "exit") - date(1990, 1, 1))
        scale = {"t": TimeScale([k * 365.25 for k in range(0, 40, 3)])}
        other = person_time(spans, time="exit", entry="entry", event="dead", scales=scale)
        assert other.time_unit == "days"
        other = other.to_frame().with_columns(pl.col("t") / 365.25, pl.col("person_time") / 365.25)
    elif kind == "float32":
        single = days.with_columns(pl.col("start", "stop").cast(pl.Float32))
        other = person_time(single, time="stop", entry="start", event="dead", scales=scale)
    elif kind == "pandas":
        other = person_time(days.to_pandas(), time="stop", entry="start", event="dead", scales=scale)
    elif kind == "enum":
        labels = days.with_columns(pl.col("cause").cast(pl.Enum(["alive", "relapse", "death"])))
        other = person_time(
            labels, time="stop", entry="start", event="cause", event_value="death", scales=scale
        )
    else:
        numbers = days.with_columns(pl.col("dead").cast(pl.Float64))
        other = person_time(numbers, time="stop", entry="start", event="dead", scales=scale)
    other = other if isinstance(other, pl.DataFrame) else other.to_frame()
    assert_frame_equal(other, plain, check_dtypes=False, rel_tol=1e-6)


def test_missing_rows_are_refused_or_counted():
    data = follow_up(20, 7).with_columns(
        born=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("born")
    )
    arguments = {
        "time": "exit",
        "entry": "entry",
        "event": "cause",
        "event_value": "death",
        "scales": ROLES["scales"],
    }
    assert_refused(
        lambda: person_time(data, **arguments), argument="scales", column="born", rows=[4], says=["missing"]
    )
    table = person_time(data, **arguments, missing="drop")
    assert (table.n, table.n_dropped) == (19, 1)
    assert "1 rows with missing values left out" in repr(table)


def test_too_many_cells_are_refused():
    data = follow_up(10_000, 8).with_row_index("number")
    scales = {"a": TimeScale(range(1, 9_001)), "b": TimeScale(range(0, 10_000), since="born")}
    for by, argument, says in (
        (None, "scales", "89,981,001 cells"),
        ("number", "by", "899,810,010,000 cells"),
    ):
        assert_refused(
            lambda by=by: person_time(
                data, time="exit", entry="entry", event="cause", event_value="death", by=by, scales=scales
            ),
            argument=argument,
            says=[says],
        )


def test_dates_need_a_beginning():
    assert_refused(
        lambda: person_time(
            follow_up(3, 9), time="exit", event="cause", event_value="death", scales=ROLES["scales"]
        ),
        argument="entry",
        says=["follow-up to a date has to begin somewhere"],
    )


@pytest.mark.parametrize("wrong", ["numbers", "text", "entry after exit", "unknown event", "infinite"])
def test_follow_up_that_makes_no_sense_is_refused(wrong):
    data = follow_up(4, 10).with_columns(entry=date(2000, 1, 1), exit=date(2001, 1, 1))
    scales = {"year": TimeScale(range(1990, 2010))}
    arguments = {"time": "exit", "entry": "entry", "event": "cause", "event_value": "death", "scales": scales}
    if wrong == "numbers":
        data = data.with_columns(entry=pl.lit(3))
        expected = {"argument": "entry", "column": "entry", "says": ["holds Int32, and 'exit' dates"]}
    elif wrong == "text":
        data = data.with_columns(entry=pl.lit("2000-01-01"))
        expected = {"argument": "entry", "column": "entry", "says": ["str.to_date()"]}
    elif wrong == "entry after exit":
        data = data.with_columns(
            entry=pl.when(pl.int_range(pl.len()) == 1).then(date(2002, 1, 1)).otherwise("entry")
        )
        expected = {"argument": "time", "column": "exit", "rows": [2], "says": ["is before 'entry' in 1 row"]}
    elif wrong == "unknown event":
        arguments |= {"event": "status"}
        expected = {"argument": "event", "column": "status", "says": ["is not in the data"]}
    else:
        data = pl.DataFrame({"exit": [1.0, math.inf], "entry": [0.0, 0.0], "cause": ["death", "alive"]})
        expected = {"argument": "time", "column": "exit", "rows": [2], "says": ["infinite"]}
    assert_refused(lambda: person_time(data, **arguments), **expected)


@pytest.mark.parametrize(
    ("scales", "says"),
    [
        ({}, "no time scales were given"),
        ([TimeScale([0, 1])], "something other than named time scales"),
        ({"age": [0, 1]}, "something other than named time scales"),
        ({"n_event": TimeScale([0, 1])}, "'n_event' is the name of a column of the result"),
        ({"age": TimeScale([date(2000, 1, 1), date(2001, 1, 1)], since="born")}, "it is no calendar time"),
        ({"year": TimeScale(range(0, 100, 10))}, "outside the years 1 to 9999"),
        ({"age": TimeScale([40, 50], begins_at="born")}, "gives 'age' a beginning and no date"),
    ],
)
def test_time_scales_that_are_none_are_refused(scales, says):
    assert_refused(
        lambda: person_time(
            follow_up(4, 11), time="exit", entry="entry", event="cause", event_value="death", scales=scales
        ),
        argument="scales",
        says=[says],
    )


@pytest.mark.parametrize(
    "cuts", [[3], "years", 5, [1, math.nan], [0, "a"], [date(2000, 1, 1), 3], [True, False]]
)
def test_borders_that_are_none_are_refused(cuts):
    with pytest.raises(ValueError, match="Expected the borders of bands"):
        TimeScale(cuts)


def test_borders_may_be_dates_and_arrays():
    data = follow_up(50, 12)
    roles = {"time": "exit", "entry": "entry", "event": "cause", "event_value": "death"}
    dates = person_time(
        data, **roles, scales={"year": TimeScale([date(1990, 1, 1), date(2003, 1, 1)])}
    ).to_frame()
    years = person_time(data, **roles, scales={"year": TimeScale(np.array([1990, 2003]))}).to_frame()
    halves = person_time(
        data, **roles, scales={"year": TimeScale(pl.Series([1990.5, 2003, math.inf]))}
    ).to_frame()
    assert dates["year"].to_list() == [date(1990, 1, 1)]
    assert_frame_equal(dates.drop("year"), years.drop("year"))
    assert halves["year"].to_list() == [1990.5, 2003.0]


def test_days_per_year_is_a_number_of_days():
    assert_refused(
        lambda: person_time(
            follow_up(4, 1),
            time="exit",
            entry="entry",
            event="cause",
            scales=ROLES["scales"],
            days_per_year=0,
        ),
        argument="days_per_year",
    )


def test_a_group_and_a_time_scale_have_different_names():
    data = follow_up(4, 1).rename({"sex": "age"})
    assert_refused(
        lambda: person_time(data, event="cause", event_value="death", by="age", **ROLES),
        argument="by",
        column="age",
    )


@pytest.mark.parametrize("lazy", [True, False])
def test_an_event_that_is_no_column_is_refused(lazy):
    data = follow_up(4, 1)
    for event in ("status", pl.col("status") == 1):
        assert_refused(
            lambda event=event: person_time(data.lazy() if lazy else data, event=event, **ROLES),
            argument="event",
            column="status",
        )


def test_categories_and_enums_keep_their_order_in_batches():
    data = follow_up(300, 2).with_columns(
        pl.col("sex").cast(pl.Enum(["M", "F"])), site=pl.Series(["b", "a", "c"] * 100, dtype=pl.Categorical)
    )
    roles = {"event": "cause", "event_value": "death", "by": ["sex", "site"], **ROLES}
    whole = person_time(data, **roles).to_frame()
    assert whole["sex"].unique(maintain_order=True).to_list() == ["M", "F"]
    assert whole.filter(sex="M")["site"].unique(maintain_order=True).to_list() == ["a", "b", "c"]
    assert_frame_equal(person_time(data.lazy(), batch=70, **roles).to_frame(), whole, rel_tol=1e-12)


def test_bands_that_hold_little_are_told():
    data = pl.DataFrame({"days": [900.0, 1100.0], "event": [1, 0]})
    table = assert_warns(
        lambda: person_time(data, time="days", event="event", scales={"since": TimeScale([0, 1, 5])}),
        argument="scales",
        says=["0.5% of the follow-up, with borders in the unit of the times"],
    )
    assert table.to_frame()["person_time"].to_list() == [2, 8]
    person_time(data, time="days", event="event", scales={"since": TimeScale([0, 50])})
