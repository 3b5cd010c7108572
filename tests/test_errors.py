"""Refusals and warnings: every part is there, rows count from one, and a warning points at the caller."""

from __future__ import annotations

import warnings

import pytest

from hemresearch.errors import (
    ConvergenceError,
    ConvergenceWarning,
    DataError,
    DataWarning,
    FormulaError,
    counted,
    listed,
    warn,
)

PARTS = {"argument": "time", "expected": "times from 0", "remedy": "data.filter(pl.col('t') >= 0)"}


def test_a_refusal_reads_as_a_sentence_with_all_its_parts():
    error = DataError("holds 2 negative values", column="t", rows=[0, 4], **PARTS)
    assert str(error) == (
        "time: column 't' holds 2 negative values (rows 1, 5). Expected times from 0. "
        "Try data.filter(pl.col('t') >= 0)."
    )
    assert (error.argument, error.column, error.rows) == ("time", "t", (1, 5))
    assert (error.found, error.expected, error.remedy) == (
        "holds 2 negative values",
        "times from 0",
        "data.filter(pl.col('t') >= 0)",
    )


def test_without_column_or_rows_they_are_not_spoken_of():
    assert str(DataError("nothing was given", **PARTS)).startswith("time: nothing was given. Expected ")


def test_one_row_is_a_row_and_many_are_five_and_a_count():
    assert "(row 3)." in str(DataError("is odd", rows=[2], **PARTS))
    assert "(rows 1, 2, 3, 4, 5 and 7 more)." in str(DataError("is odd", rows=range(12), **PARTS))
    assert DataError("is odd", rows=range(12), **PARTS).rows == tuple(range(1, 13))


def test_a_question_keeps_its_mark_without_a_full_stop_after_it():
    error = DataError(
        "is no column", argument="by", expected="a column; did you mean 'arm'?", remedy="by='arm'"
    )
    assert str(error).endswith("did you mean 'arm'? Try by='arm'.")


def test_data_and_formula_errors_are_value_errors_and_the_warnings_are_users():
    assert issubclass(FormulaError, DataError)
    assert issubclass(DataError, ValueError)
    assert issubclass(ConvergenceError, RuntimeError)
    assert issubclass(DataWarning, UserWarning)
    assert issubclass(ConvergenceWarning, UserWarning)


def test_a_warning_has_the_parts_of_a_refusal_and_points_at_the_caller():
    with pytest.warns(DataWarning) as caught:
        warn("has 1 patient at risk", column="t", rows=[9], **PARTS)
    assert str(caught[0].message) == (
        "time: column 't' has 1 patient at risk (row 10). Expected times from 0. "
        "Try data.filter(pl.col('t') >= 0)."
    )
    assert caught[0].filename == __file__


def test_a_warning_from_deep_inside_the_package_points_outside_it():
    code = compile("def inner():\n    warn('is odd', **PARTS)\ndef outer():\n    inner()", "<inside>", "exec")
    space = {"__name__": "hemresearch.somewhere", "warn": warn, "PARTS": PARTS}
    exec(code, space)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        space["outer"]()
    assert [warning.filename for warning in caught] == [__file__]


def test_lists_and_counts_in_words():
    assert listed([]) == ""
    assert listed("abc") == "a, b, c"
    assert listed(range(9), shown=2) == "0, 1 and 7 more"
    assert (counted(0, "row"), counted(1, "row"), counted(2, "row")) == ("0 rows", "1 row", "2 rows")
