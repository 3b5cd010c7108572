"""What is missing: counts by hand, and patterns that add up."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.cohort import missingness
from hemresearch.personal_numbers import check_digit

DATA = pl.DataFrame(
    {
        "arm": ["A", "A", "B", "B", "B"],
        "age": [50, None, None, 40, 60],
        "wbc": [float("nan"), None, 3.0, 4.0, 5.0],
        "note": ["", "x", "y", None, "z"],
    }
)


def test_counts_by_hand():
    found = missingness(DATA)
    assert found.to_frame().select("column", "n", "n_missing").rows() == [
        ("arm", 5, 0), ("age", 5, 2), ("wbc", 5, 2), ("note", 5, 1)
    ]  # fmt: skip
    assert_close(found.to_frame()["percent"], [0, 40, 40, 20])
    assert (found.n, found.n_complete) == (5, 1)


def test_patterns_by_hand():
    assert missingness(DATA).patterns().rows() == [
        ("age, wbc", 2, 1, 20.0), ("age", 1, 1, 20.0), ("wbc", 1, 1, 20.0), ("note", 1, 1, 20.0),
        ("complete", 0, 1, 20.0),
    ]  # fmt: skip


def test_groups_have_their_own_counts():
    found = missingness(DATA, by="arm")
    assert found.to_frame().filter(pl.col("column") == "age").rows() == [
        ("A", "age", 2, 1, 50.0), ("B", "age", 3, 1, pytest.approx(100 / 3))
    ]  # fmt: skip
    assert found.patterns().select("arm", "missing", "n").rows()[:2] == [
        ("A", "age, wbc", 1),
        ("A", "wbc", 1),
    ]
    assert found.by == ("arm",)


def test_the_texts():
    found = missingness(DATA)
    assert repr(found).splitlines() == [
        "Missing values: 1 of 5 rows complete; 4 columns, 3 with missing values",
        "  age: 2 (40.0%)",
        "  wbc: 2 (40.0%)",
        "  note: 1 (20.0%)",
        "most often together: age, wbc (1 row)",
    ]
    assert found.text() == (
        "1 of 5 rows (20.0%) were complete. Missing: age 2 (40.0%); wbc 2 (40.0%); note 1 (20.0%)."
    )
    assert found.summary().row(0) == (5, 1, 20.0, 4, 3, 0)
    assert missingness(DATA, columns="arm").text() == "5 of 5 rows (100.0%) were complete."
    many = pl.DataFrame({f"x{i}": pl.Series([None, i]) for i in range(9)})
    assert repr(missingness(many)).splitlines()[-2] == "  and 3 more"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from([None, 1.0, float("nan")])] * 3), min_size=1, max_size=25))
def test_patterns_add_up(rows):
    data = pl.DataFrame(rows, schema={"a": pl.Float64, "b": pl.Float64, "c": pl.Float64}, orient="row")
    found = missingness(data)
    patterns = found.patterns()
    assert patterns["n"].sum() == len(rows)
    assert patterns["percent"].sum() == pytest.approx(100)
    assert patterns["n"].is_sorted(descending=True)
    for column, n in found.to_frame().select("column", "n_missing").rows():
        assert patterns.filter(pl.col("missing").str.contains(f"\\b{column}\\b"))["n"].sum() == n
    assert patterns.filter(pl.col("missing") == "complete")["n"].sum() == found.n_complete


@pytest.mark.parametrize("convert", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_any_table_comes_in(convert):
    assert missingness(convert(DATA)).to_frame()["n_missing"].to_list() == [0, 2, 2, 1]


def test_rows_without_a_group_can_be_left_out():
    found = missingness(DATA, by="note", columns=["age", "wbc"], missing="drop")
    assert (found.n, found.n_dropped) == (4, 1)


def test_a_missing_group_is_refused():
    assert_refused(
        lambda: missingness(DATA, by="note"), argument="by", column="note", rows=[4], says=['missing="drop"']
    )


def test_wrong_names_are_refused():
    assert_refused(lambda: missingness(DATA, columns="Age"), argument="columns", column="Age", says=["'age'"])
    assert_refused(
        lambda: missingness(DATA.select("arm"), by="arm"),
        argument="columns",
        says=["no column is left", "columns=['age', 'sex']"],
    )
    assert_refused(
        lambda: missingness(DATA.rename({"arm": "percent"}), by="percent"),
        argument="by",
        column="percent",
        says=["has the name of a column of the result", "alias('percent_group')"],
    )
    assert_refused(lambda: missingness(DATA, missing="keep"), argument="missing", says=["'raise', 'drop'"])
    assert_refused(lambda: missingness(DATA.head(0)), argument="data", says=["no rows"])


def test_personal_numbers_cannot_name_the_groups():
    number = "890101980" + check_digit("890101980")
    data = pl.DataFrame({"unit": [number, "b"], "age": [50, None]})
    says = ["personal numbers", "by=pl.col('unit').rank('dense').alias('unit_code')"]
    refusal = assert_refused(lambda: missingness(data, by="unit"), argument="by", column="unit", says=says)
    assert number not in str(refusal)
