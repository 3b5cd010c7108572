"""The one door for data: tables of any kind, names and expressions, missing values, groups."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused

from hemresearch.columns import group_rows, read_table
from hemresearch.personal_numbers import check_digit
from hemresearch.survival import kaplan_meier

COHORT = pl.DataFrame(
    {
        "överlevnad (mån)": [5.0, 3.0, 8.0, 1.0, 4.0, 2.0],
        "död": [1, 0, 1, 1, 0, 1],
        "kön": ["man", "kvinna", "man", "kvinna", "man", "kvinna"],
    }
)
ROLES = {"time": "överlevnad (mån)", "event": "död", "by": "kön"}


def curve(data, **changed):
    return kaplan_meier(data, **{**ROLES, **changed}).to_frame()


@pytest.mark.parametrize(
    "convert",
    [
        pl.DataFrame.lazy,
        lambda frame: frame.to_pandas(),
        lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
        pl.DataFrame.to_arrow,
        lambda frame: duckdb.from_arrow(frame.to_arrow()),
    ],
    ids=["lazy", "pandas", "pandas-arrow", "pyarrow", "duckdb"],
)
def test_any_table_gives_the_same_curve(convert):
    assert_frame_equal(curve(convert(COHORT)), curve(COHORT))


@pytest.mark.parametrize(
    "dtype", [pl.UInt8, pl.UInt64, pl.Int16, pl.Float32, pl.Float64, pl.Decimal(10, 2), pl.Duration("us")]
)
def test_any_numeric_type_of_time_gives_the_same_curve(dtype):
    time = pl.col("överlevnad (mån)")
    cast = (time * 86_400e6).cast(pl.Int64).cast(dtype) if dtype == pl.Duration("us") else time.cast(dtype)
    assert_frame_equal(curve(COHORT.with_columns(cast)), curve(COHORT))


def test_durations_become_days_and_the_result_says_so():
    days = COHORT.with_columns(pl.duration(days=pl.col("överlevnad (mån)").cast(pl.Int64)).alias("t"))
    curves = kaplan_meier(days, time="t", event="död")
    assert curves.time_unit == "days"
    assert curves.text().startswith("Median survival 5 days (95% CI")
    assert kaplan_meier(COHORT, time="överlevnad (mån)", event="död").time_unit is None


@pytest.mark.parametrize(
    "dtype", [pl.Boolean, pl.UInt8, pl.Int64, pl.Float32, pl.Float64, pl.Decimal(3, 0)], ids=str
)
def test_an_event_may_be_boolean_or_zero_and_one_of_any_type(dtype):
    assert_frame_equal(curve(COHORT.with_columns(pl.col("död").cast(dtype))), curve(COHORT))


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["kvinna", "man"])], ids=["Categorical", "Enum"])
def test_groups_may_be_text_categorical_or_enum(dtype):
    cast = curve(COHORT.with_columns(pl.col("kön").cast(dtype)))
    assert_frame_equal(cast.with_columns(pl.col("kön").cast(pl.String)), curve(COHORT))


def test_text_groups_are_sorted_and_enum_groups_keep_their_order():
    assert curve(COHORT)["kön"].unique(maintain_order=True).to_list() == ["kvinna", "man"]
    enum = COHORT.with_columns(pl.col("kön").cast(pl.Enum(["man", "kvinna", "okänt"])))
    assert curve(enum)["kön"].unique(maintain_order=True).to_list() == ["man", "kvinna"]


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ([10, 9, 9, 10, 2, 2], [2, 9, 10]),
        ([True, False, True, False, True, False], [False, True]),
        ([0.5, -1.5, 0.5, 3.0, 3.0, 0.5], [-1.5, 0.5, 3.0]),
        ([10**12, 5, 5, 5, 10**12, 5], [5, 10**12]),
        ([dt.date(2020, 1, 2), dt.date(2019, 1, 1)] * 3, [dt.date(2019, 1, 1), dt.date(2020, 1, 2)]),
        ([Decimal("1.5"), Decimal("1.25")] * 3, [Decimal("1.25"), Decimal("1.5")]),
    ],
)
def test_groups_are_sorted_by_value_whatever_their_type(values, order):
    table = read_table(COHORT.with_columns(g=pl.Series(values)), {"by": "g"})
    groups = group_rows(table)
    assert groups.levels["g"].to_list() == order
    assert groups.levels[groups.code]["g"].to_list() == table.several("by")["g"].to_list()


def test_a_lazy_frame_is_collected_once():
    collected = []

    def seen(frame: pl.DataFrame) -> pl.DataFrame:
        collected.append(frame.height)
        return frame

    curve(COHORT.lazy().map_batches(seen))
    assert collected == [6]


def test_an_expression_may_stand_for_a_column():
    assert_frame_equal(curve(COHORT, event=pl.col("död") == 1), curve(COHORT))
    months = curve(COHORT, time=pl.col("överlevnad (mån)") * 2)
    assert months["time"].to_list() == (curve(COHORT)["time"] * 2).to_list()
    old = curve(COHORT, by=(pl.col("kön") == "man").alias("är man"))
    assert old.columns[0] == "är man"


@pytest.mark.parametrize("role", ["by", "strata", "covariates"])
def test_an_unnamed_expression_for_groups_is_refused(role):
    assert_refused(
        lambda: read_table(COHORT, {role: pl.col("kön") == "man"}),
        argument=role,
        says=["without a name", ".alias('name')"],
    )
    assert read_table(COHORT, {role: pl.col("kön")}).names[role] == ("kön",)


def test_an_expression_for_several_columns_is_refused():
    assert_refused(
        lambda: curve(COHORT, time=pl.col("^.*$")), argument="time", says=["an expression for one column"]
    )


def test_something_that_is_no_column_is_refused():
    assert_refused(
        lambda: curve(COHORT, time=3), argument="time", says=["a int was given", "name of a column"]
    )


def test_an_unknown_column_is_refused_with_the_nearest_names():
    assert_refused(
        lambda: curve(COHORT, event="dod"),
        argument="event",
        column="dod",
        says=["is not in the data", "did you mean 'död'?", "data.columns"],
    )
    assert_refused(
        lambda: curve(COHORT, event=pl.col("DÖD") == 1), argument="event", column="DÖD", says=["'död'"]
    )
    assert_refused(
        lambda: curve(COHORT, event="zzzzzz"), argument="event", column="zzzzzz", says=["there are 'överl"]
    )


def test_an_expression_that_fails_is_refused_without_its_values():
    refusal = assert_refused(
        lambda: curve(COHORT, time=pl.col("kön").cast(pl.Int64)), argument="data", says=["InvalidOperation"]
    )
    assert "kvinna" not in str(refusal)


@pytest.mark.parametrize("missing", [None, float("nan")])
@pytest.mark.parametrize("role", ["time", "entry", "weights", "by", "strata", "cluster", "id", "covariates"])
def test_null_and_nan_are_missing_in_every_role(role, missing):
    data = COHORT.with_columns(x=pl.Series([0.5, missing, 0.25, missing, 0.5, 1.0], strict=False))
    refusal = assert_refused(
        lambda: read_table(data, {"event": "död", role: "x"}),
        argument=role,
        column="x",
        rows=[2, 4],
        says=["2 missing values", 'missing="drop"'],
    )
    assert "0.25" not in str(refusal)
    table = read_table(data, {"event": "död", role: "x"}, missing="drop")
    assert table.n_dropped == 2
    assert table.row.tolist() == [0, 2, 4, 5]


def test_a_missing_group_is_no_group_of_its_own():
    data = COHORT.with_columns(kön=pl.Series(["man", None, "man", "kvinna", "man", "kvinna"]))
    assert_refused(lambda: curve(data), argument="by", column="kön", rows=[2], says=["1 missing value"])
    curves = kaplan_meier(data, **ROLES, missing="drop")
    assert curves.groups()["kön"].to_list() == ["kvinna", "man"]
    assert curves.n_dropped == 1
    assert "1 rows with missing values left out" in repr(curves)


def test_all_columns_with_missing_values_are_named_with_their_counts():
    data = COHORT.with_columns(
        pl.Series("död", [1, None, None, 1, 0, 1]), pl.Series("kön", [None, "man"] + ["kvinna"] * 4)
    )
    assert_refused(
        lambda: curve(data), argument="event", column="död", rows=[1, 2, 3], says=["missing also in 'kön' 1"]
    )


def test_only_the_first_five_rows_are_shown():
    data = pl.DataFrame({"time": [None] * 8 + [1.0], "event": [1] * 9})
    assert_refused(
        lambda: kaplan_meier(data, time="time", event="event"),
        argument="time",
        column="time",
        rows=range(1, 9),
        says=["1, 2, 3, 4, 5 and 3 more"],
    )


def test_nothing_left_is_refused():
    assert_refused(lambda: curve(COHORT.head(0)), argument="data", says=["no rows"])
    empty = COHORT.with_columns(död=pl.lit(None, dtype=pl.Int64))
    assert_refused(lambda: curve(empty, missing="drop"), argument="data", says=["every row"])


def test_what_is_no_table_is_refused():
    assert_refused(lambda: curve([1, 2, 3]), argument="data", says=["a list is not a table"])
    broken = pa.table({"x": pa.array([{"a": 1}])}).to_pandas()
    broken["x"] = [object()]
    assert_refused(lambda: curve(broken), argument="data", says=["could not be read"])


def test_groups_named_like_a_column_of_the_result_are_refused():
    assert_refused(
        lambda: curve(COHORT.with_columns(estimate=1), by="estimate"),
        argument="by",
        column="estimate",
        says=[".alias('estimate_group')"],
    )
    assert_refused(lambda: curve(COHORT, by=["kön", "kön"]), argument="by", column="kön", says=["twice"])


def test_an_unknown_way_with_missing_values_is_refused():
    assert_refused(lambda: curve(COHORT, missing="ignore"), argument="missing", says=["'raise', 'drop'"])


def test_labels_name_their_columns_where_there_are_several():
    table = read_table(COHORT, {"by": ["kön", "död"]})
    assert group_rows(table).labels() == [
        "kön=kvinna, död=0",
        "kön=kvinna, död=1",
        "kön=man, död=0",
        "kön=man, död=1",
    ]


def test_an_expression_that_drops_rows_is_refused():
    died = pl.col("död") == 1
    assert_refused(
        lambda: curve(COHORT, time=pl.col("överlevnad (mån)").filter(died), event=died.filter(died), by=None),
        argument="time",
        column="överlevnad (mån)",
        says=["4 values for 6 rows", "one value per row"],
    )


def test_an_expression_that_sums_rows_up_is_refused_also_in_a_lazy_frame():
    for data in (COHORT, COHORT.lazy()):
        assert_refused(
            lambda data=data: curve(data, time=pl.col("överlevnad (mån)").max()),
            argument="time",
            column="överlevnad (mån)",
            says=["1 value for 6 rows"],
        )
    assert curve(COHORT, weights=pl.lit(2))["n_risk"].to_list()[0] == 6  # a constant is one for every row


def test_two_columns_where_one_belongs_are_refused():
    assert_refused(
        lambda: curve(COHORT, time=["överlevnad (mån)", "död"]),
        argument="time",
        says=["2 columns were given", "time='överlevnad (mån)'"],
    )


def test_ordered_categories_of_pandas_keep_their_order():
    frame = COHORT.to_pandas()
    frame["arm"] = pd.Categorical(["std", "new"] * 3, categories=["std", "new"], ordered=True)
    assert curve(frame, by="arm")["arm"].unique(maintain_order=True).to_list() == ["std", "new"]
    frame["arm"] = pd.Categorical(["std", "new"] * 3, categories=["std", "new"])
    assert curve(frame, by="arm")["arm"].unique(maintain_order=True).to_list() == ["new", "std"]


def test_groups_that_are_the_declared_patients_are_refused():
    data = COHORT.with_columns(nr=pl.int_range(6))
    assert_refused(
        lambda: curve(data, by="nr", id="nr"), argument="by", column="nr", says=["identifies the patients"]
    )


def test_personal_numbers_as_groups_are_refused_in_every_analysis():
    numbers = [n + check_digit(n) for n in (f"5001010{k:02}" for k in range(1, 7))]
    refusal = assert_refused(
        lambda: curve(COHORT.with_columns(pnr=pl.Series(numbers)), by="pnr"),
        argument="by",
        column="pnr",
        says=["personal numbers"],
    )
    assert not any(number in str(refusal) for number in numbers)


def test_text_that_holds_numbers_is_refused_with_a_cast_that_works():
    data = COHORT.with_columns(text=pl.Series(["5,5", "3", "8", "1", "4", "2"]))
    refusal = assert_refused(
        lambda: curve(data, time="text"), argument="time", column="text", says=["str.replace(',', '.')"]
    )
    cast = eval(refusal.remedy.removeprefix("time="), {"pl": pl})
    assert curve(data, time=cast)["time"].max() == 8
    dates = COHORT.with_columns(text=pl.lit("2020-01-31"))
    assert_refused(
        lambda: curve(dates, time="text"), argument="time", column="text", says=["str.to_date()", "durations"]
    )


def test_the_name_of_a_file_is_no_table():
    assert_refused(lambda: curve("cohort.csv"), argument="data", says=["read_csv"])


def test_a_dictionary_is_refused_with_the_table_to_make_of_it():
    refusal = assert_refused(lambda: curve({"t": [1], "e": [1]}), argument="data", says=["a dictionary"])
    assert refusal.remedy == "polars.DataFrame({'t': [...], 'e': [...]})"
