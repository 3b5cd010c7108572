"""Text that means numbers is told from categories, and the way out works."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.cohort import audit, table_one
from hemresearch.design import build_design
from hemresearch.errors import FormulaError
from hemresearch.text_numbers import text_numbers

NUMBERS = [f"{60 + i}.5" for i in range(15)]


def column(values) -> pl.Series:
    return pl.Series("hbt", values)


def refused(values, **parts):
    frame = pl.DataFrame({"hbt": values})
    return assert_refused(
        lambda: build_design(frame, ["hbt"]), argument="covariates", column="hbt", error=FormulaError, **parts
    )


def mended(remedy, values) -> list:
    return eval(remedy, {"pl": pl, "data": pl.DataFrame({"hbt": values})})["hbt"].to_list()


def test_a_word_among_numbers_is_told_and_becomes_null():
    values = [*NUMBERS, "unknown", "n.d.", "unknown"]
    refusal = refused(
        values,
        rows=[16, 17, 18],
        says=["all but 2 levels ('n.d.', 'unknown') of its 17 are numbers: 3 rows without one"],
    )
    assert mended(refusal.remedy, values)[14:] == [74.5, None, None, None]


def test_decimal_commas_are_numbers():
    values = [number.replace(".", ",") for number in NUMBERS]
    refusal = refused(values, says=["each of its 15 levels is a number"])
    assert mended(refusal.remedy, values)[0] == 60.5
    stray = [*values, " 1e3 ", "–"]
    assert mended(refused(stray, rows=[17]).remedy, stray)[14:] == [74.5, 1000.0, None]


@pytest.mark.parametrize("stray", [["P0012"], ["a very long remark on Ann"], ["a", "b", "c", "d"]])
def test_what_may_be_an_identifier_is_counted_and_not_shown(stray):
    refusal = refused([*NUMBERS, *stray], rows=range(16, 16 + len(stray)))
    assert not any(f"'{value}'" in str(refusal) for value in stray)


@pytest.mark.parametrize(
    "values",
    [["1", "2", "3", "unknown"] * 5, ["I", "II", "III"] * 5, [f"code {i}" for i in range(12)], [None, None]],
)
def test_codes_and_words_are_no_numbers(values):
    assert text_numbers(pl.Series("hbt", values, dtype=pl.String)) is None


def test_personal_numbers_and_identifiers_are_not_to_be_made_numbers():
    ids = pl.DataFrame({"pid": [f"P{i:04d}" for i in range(120)]})
    refusal = assert_refused(
        lambda: build_design(ids, ["pid"]), argument="covariates", column="pid", error=FormulaError
    )
    assert refusal.remedy.startswith("covariates=... without 'pid'")


def test_a_table_and_an_audit_tell_them_too():
    values = [*NUMBERS, "unknown", None]
    frame = pl.DataFrame({"hbt": values})
    refusal = assert_refused(lambda: table_one(frame), argument="variables", column="hbt")
    assert "all but 1 level ('unknown') of its 16 are numbers" in str(refusal)
    assert "strict=False" in refusal.remedy
    problems = audit(frame).to_frame().filter(pl.col("severity") == "warning")
    assert problems["check"].to_list() == ["no number among numbers stored as text"]
    assert problems["rows"].to_list() == [[16]]
    whole = audit(pl.DataFrame({"hbt": NUMBERS})).to_frame()
    assert whole["check"].to_list() == ["numbers stored as text"]
    assert audit(pl.DataFrame({"pid": NUMBERS}), id="pid").ok


def test_a_table_without_a_good_column_advises_no_empty_list():
    names = pl.DataFrame({"name": [f"person {chr(97 + i)}" for i in range(12)]})
    refusal = assert_refused(lambda: table_one(names), argument="variables", column="name")
    assert refusal.remedy == "variables=... without it"
