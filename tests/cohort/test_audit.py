"""What cannot be right in a table: every check by hand, and no value of an identifier."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import assert_refused

import hemresearch as hem
from hemresearch.cohort import audit
from hemresearch.personal_numbers import check_digit


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def problems(data, severity=None, **roles):
    """check and columns of every problem, with its rows."""
    return {
        (p.check, *p.columns): p.rows for p in audit(data, **roles).problems if severity in (None, p.severity)
    }


DATES = pl.DataFrame(
    {
        "birth": [day("1950-01-01"), day("1999-05-05"), day("1890-01-01"), None],
        "diagnosis": [day("2010-01-01"), day("1998-05-05"), day("2011-01-01"), day("2012-01-01")],
        "transplant": [None, day("1999-01-01"), day("2010-06-01"), day("2012-06-01")],
        "seen": [day("2015-01-01"), day("2020-01-01"), day("2030-01-01"), day("2012-03-01")],
        "relapse": [day("2016-01-01"), None, None, None],
    }
)
ORDER = ["birth", "diagnosis", "transplant", "seen"]


def test_dates_out_of_order_name_both_columns():
    assert problems(DATES, "error", dates=ORDER, cutoff="2031-01-01") == {
        ("dates out of order", "birth", "diagnosis"): (2,),
        ("dates out of order", "birth", "transplant"): (2,),
        ("dates out of order", "diagnosis", "transplant"): (3,),
        ("dates out of order", "transplant", "seen"): (4,),
        ("date too early", "birth"): (3,),
    }


def test_no_date_may_be_after_the_last_contact():
    found = problems(DATES, "error", dates=ORDER, last_contact="seen", cutoff="2031-01-01")
    assert found["after the last contact", "transplant", "seen"] == (4,)
    assert found["after the last contact", "relapse", "seen"] == (1,)
    assert ("dates out of order", "transplant", "seen") not in found


def test_dates_after_the_cut_off_and_too_early():
    found = problems(DATES, "error", cutoff=date(2016, 1, 1), earliest="1951-01-01")
    assert found == {
        ("date after the cut-off", "seen"): (2, 3),
        ("date too early", "birth"): (1, 3),
    }
    assert problems(DATES, "error", cutoff=datetime(2030, 1, 1, 12)) == {("date too early", "birth"): (3,)}


def test_without_a_cut_off_the_future_begins_tomorrow():
    data = pl.DataFrame({"seen": [date.today() + timedelta(d) for d in (-1, 0, 2)]})
    assert problems(data) == {("date in the future", "seen"): (3,)}


def test_dates_and_moments_are_compared_by_the_day():
    moments = [datetime(2020, 1, 2, 8), datetime(2020, 1, 1, 23)]
    data = pl.DataFrame({"a": [day("2020-01-02")] * 2, "b": moments})
    assert problems(data, "error", dates=["a", "b"]) == {("dates out of order", "a", "b"): (2,)}
    assert problems(data, "error", dates="a", last_contact="b") == {
        ("after the last contact", "a", "b"): (2,)
    }


def test_ids_are_unique_unless_rows_are_intervals():
    data = pl.DataFrame({"id": ["p", "q", "p", None, None], "x": range(5)})
    assert problems(data, "error", id="id") == {
        ("missing", "id"): (4, 5),
        ("id in several rows", "id"): (1, 3),
    }
    assert problems(data.with_columns(y=pl.col("x") + 1).head(3), "error", id="id", start="x", stop="y") == {}


def test_equal_rows_are_seen():
    data = pl.DataFrame({"a": [1, 2, 1, 1], "b": [None, "x", None, "y"], "c": [[1]] * 4})
    assert problems(data, "warning") == {("same row twice",): (1, 3)}


def test_intervals_of_a_patient_do_not_overlap():
    data = pl.DataFrame(
        {
            "id": [1, 1, 1, 2, 2, 3, 3, 4],
            "start": [0, 10, 4, 0, 5, 7, 2, None],
            "stop": [10, 20, 6, 5, 9, 3, 2, 5],
        }
    )
    assert problems(data, "error", id="id", start="start", stop="stop") == {
        ("ends before it begins", "start", "stop"): (6,),
        ("overlapping intervals", "id", "start", "stop"): (3,),
    }
    assert problems(data, "warning", id="id", start="start", stop="stop") == {
        ("no follow-up", "start", "stop"): (7,),
        ("missing", "start"): (8,),
    }
    without = problems(data, "error", start="start", stop="stop")
    assert without == {("ends before it begins", "start", "stop"): (6,)}


def test_intervals_can_be_dates():
    data = pl.DataFrame(
        {
            "id": [1, 1],
            "start": [day("2020-01-01"), day("2020-02-01")],
            "stop": [day("2020-03-01"), day("2020-04-01")],
        }
    )
    found = problems(data, "error", id="id", start="start", stop="stop")
    assert found == {("overlapping intervals", "id", "start", "stop"): (2,)}


def test_times_below_zero_at_zero_and_after_the_end():
    data = pl.DataFrame({"months": [1.0, 0.0, -2.0, float("nan")], "relapse": [2.0, 0.0, float("nan"), 1.0]})
    assert problems(data, time="months", times="relapse") == {
        ("negative time", "months"): (3,),
        ("after the last contact", "relapse", "months"): (1,),
        ("no follow-up", "months"): (2,),
        ("missing", "months"): (4,),
        ("missing", "relapse"): (3,),
    }
    assert problems(data, "error", times=["months", "relapse"]) == {("negative time", "months"): (3,)}


def test_impossible_values():
    data = pl.DataFrame(
        {"age": [0.0, 120.0, -1.0, 121.0, float("inf"), float("nan")], "wbc": [1, 2, 3, 4, 5, 6]}
    )
    found = problems(data, "error", limits={"age": (0, 120), "wbc": (None, 5)})
    assert found == {
        ("outside the limits", "age"): (3, 4, 5),
        ("outside the limits", "wbc"): (6,),
        ("infinite value", "age"): (5,),
    }
    assert problems(data, "error", limits={"wbc": (2, None)})["outside the limits", "wbc"] == (1,)


@pytest.mark.parametrize(
    ("values", "rows"),
    [([0, 1, 2, None], (3,)), ([True, False, None, True], None), (["0", "1", None, "x"], (1, 2, 4))],
)
def test_an_event_is_0_or_1(values, rows):
    found = problems(pl.DataFrame({"e": values}), event="e")
    assert found.get(("event other than 0 or 1", "e")) == rows
    assert ("missing", "e") in found


@pytest.mark.parametrize("kind", [pl.UInt8, pl.Int16, pl.UInt32, pl.UInt64, pl.Float32])
def test_numbers_of_any_size_are_looked_at(kind):
    data = pl.DataFrame({"row": pl.Series([1, 2, 3], dtype=kind), "value": [0.5, 1.0, 1.5]})
    assert "personal numbers" not in {p.check for p in audit(data).problems}


def test_personal_numbers_are_found_and_not_told():
    number = "890101980" + check_digit("890101980")
    data = pl.DataFrame(
        {
            "note": ["seen", f"pnr {number[:6]}-{number[6:]}", None],
            "kind": pl.Series(["a", number, "a"], dtype=pl.Categorical),
            "whole": [1, int(number), 3],
            "float": [1.5, None, float(number)],
            "date": [20201231, 20201230, 20201229],
        }
    )
    found = audit(data)
    assert {p.columns[0]: (p.rows, p.severity) for p in found.problems if p.check == "personal numbers"} == {
        "note": ((2,), "error"),
        "kind": ((2,), "error"),
        "whole": ((2,), "error"),
        "float": ((3,), "error"),
    }
    for text in (repr(found), found.text(), str(found.to_frame()), found._repr_html_()):
        assert number not in text
        assert number[:6] not in text


def test_a_number_that_looks_like_one_by_chance_is_a_warning():
    number = int("890101980" + check_digit("890101980"))
    data = pl.DataFrame({"sample": [number, *range(5_000_000_000, 5_000_000_099)]})
    assert problems(data, "warning") == {("personal numbers", "sample"): (1,)}


def test_missing_empty_and_constant_columns():
    data = pl.DataFrame(
        {
            "age": [1, None, 3],
            "centre": ["x", "x", None],
            "empty": pl.Series([None, None, None], dtype=pl.Float64),
            "nan": [float("nan")] * 3,
        }
    )
    assert problems(data, "note") == {
        ("missing", "age"): (2,),
        ("missing", "centre"): (3,),
        ("constant column", "centre"): (),
    }
    assert problems(data, "warning") == {("empty column", "empty"): (), ("empty column", "nan"): ()}
    assert problems(data, "warning", time="age")["missing", "age"] == (2,)


def test_good_data_have_no_errors():
    trial = hem.data.load("myeloid")
    found = audit(
        trial, id="id", time="futime", event="death", times=["txtime", "crtime", "rltime"],
        limits={"futime": (0, 5000)},
    )  # fmt: skip
    assert found.ok
    assert [p.severity for p in found.problems] == ["note"] * 3
    found.raise_if_any()
    found.raise_if_any("warning")


def test_the_frame_and_the_texts():
    data = pl.DataFrame({"id": range(12), "age": [-1] * 7 + [5] * 5})
    found = audit(data, id="id", limits={"age": (0, 120)})
    assert found.to_frame().rows() == [("error", "outside the limits", "age", 7, [1, 2, 3, 4, 5])]
    assert repr(found).splitlines() == [
        "Audit of 12 rows, 2 columns: 1 error",
        "  error: outside the limits (age), 7 rows: 1, 2, 3, 4, 5 and 2 more",
    ]
    assert found.text() == "12 rows and 2 columns were checked: outside the limits (age), 7 rows."
    assert found.summary().row(0) == (12, 2, 1, 0, 0)
    clean = audit(data.select("id"), id="id")
    assert repr(clean) == "Audit of 12 rows, 1 column: nothing found"
    assert clean.text() == "12 rows and 1 column were checked: nothing was found."
    many = pl.DataFrame({f"x{i}": [1, 1] for i in range(12)})
    assert repr(audit(many)).splitlines()[-1] == "  and 5 more"
    assert len(repr(audit(many)).splitlines()) == 10


def test_errors_come_first():
    found = audit(DATES, dates=ORDER).to_frame()["severity"].to_list()
    assert found == sorted(found, key=["error", "warning", "note"].index)


@pytest.mark.parametrize("convert", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_any_table_comes_in(convert):
    data = pl.DataFrame({"id": [1, 1], "months": [1.0, -1.0]})
    assert problems(convert(data), id="id", time="months") == problems(data, id="id", time="months")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(1, 5)), min_size=1, max_size=15))
def test_overlaps_are_those_of_every_two_intervals(rows):
    data = pl.DataFrame(
        {"id": [r[0] for r in rows], "start": [r[1] for r in rows], "stop": [r[1] + r[2] for r in rows]}
    )
    found = problems(data, "error", id="id", start="start", stop="stop")
    overlap = any(
        a[0] == b[0] and a[1] < b[1] + b[2] and b[1] < a[1] + a[2]
        for i, a in enumerate(rows)
        for b in rows[i + 1 :]
    )
    assert (("overlapping intervals", "id", "start", "stop") in found) == overlap


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order):
    data = pl.DataFrame(
        {"id": [1, 1, 2, 2, 3, 3], "start": [0, 3, 0, 5, 2, 0], "stop": [4, 6, 5, 5, 1, 9], "x": range(6)}
    )
    roles = {"id": "id", "start": "start", "stop": "stop", "limits": {"x": (1, 4)}}
    first, second = problems(data, **roles), problems(data[list(order)], **roles)
    assert {k: {order[row - 1] + 1 for row in rows} for k, rows in second.items()} == {
        k: set(rows) for k, rows in first.items()
    }


def test_an_audit_can_refuse_the_data():
    data = pl.DataFrame({"id": ["secret", "secret"], "months": [0, -1]})
    found = audit(data, id="id", time="months")
    assert not found.ok
    refusal = assert_refused(
        found.raise_if_any,
        argument="data",
        column="id",
        rows=[1, 2],
        says=["id in several rows (id)", "and 1 other problem", "an audit without errors", "to_frame()"],
    )
    assert "secret" not in str(refusal)
    assert_refused(
        lambda: found.raise_if_any("warning"),
        argument="data",
        column="id",
        rows=[1, 2],
        says=["and 2 other problems", "without warnings or worse"],
    )
    pair = audit(DATES, dates=["diagnosis", "transplant"], earliest="1800-01-01", cutoff="2031-01-01")
    assert_refused(
        pair.raise_if_any, argument="data", rows=[3], says=["dates out of order (diagnosis, transplant)"]
    )
    assert_refused(
        lambda: found.raise_if_any("all"), argument="severity", says=["'error', 'warning', 'note'"]
    )


def test_half_an_interval_is_refused():
    data = pl.DataFrame({"a": [1], "b": [day("2020-01-01")]})
    assert_refused(
        lambda: audit(data, start="a"), argument="start", column="a", says=["without stop", "stop='column'"]
    )
    assert_refused(lambda: audit(data, stop="a"), argument="stop", column="a", says=["both ends"])
    assert_refused(
        lambda: audit(data, start="a", stop="b"),
        argument="stop",
        column="b",
        says=["Int64, as start", "cast"],
    )


def test_columns_of_another_type_are_refused():
    data = pl.DataFrame({"t": ["2020-01-01"], "n": [1], "d": [timedelta(days=1)]})
    assert_refused(
        lambda: audit(data, dates="t"), argument="dates", column="t", says=["String", "str.to_date()"]
    )
    assert_refused(
        lambda: audit(data, last_contact="n"), argument="last_contact", column="n", says=["cast(pl.Date)"]
    )
    assert_refused(lambda: audit(data, time="t"), argument="time", column="t", says=["numbers", "pl.Float64"])
    assert_refused(lambda: audit(data, times="d"), argument="times", column="d", says=["dt.total_days()"])
    assert_refused(lambda: audit(data, limits={"t": (0, 1)}), argument="limits", column="t", says=["numbers"])


@pytest.mark.parametrize("pair", [(5, 1), (1,), "ab", None, (float("nan"), 1), ("0", 1)])
def test_limits_that_are_none_are_refused(pair):
    assert_refused(
        lambda: audit(pl.DataFrame({"age": [1]}), limits={"age": pair}),
        argument="limits",
        column="age",
        says=["was given", "smallest and the largest", "limits={'age': (0, 120)}"],
    )


@pytest.mark.parametrize("argument", ["cutoff", "earliest"])
@pytest.mark.parametrize("value", ["31/12/2024", 2024])
def test_days_that_are_none_are_refused(argument, value):
    assert_refused(
        lambda: audit(DATES, **{argument: value}),
        argument=argument,
        says=[repr(value), "a date", f"{argument}='2024-12-31'"],
    )


def test_unknown_columns_and_no_rows_are_refused():
    assert_refused(lambda: audit(DATES, dates=["brith"]), argument="dates", column="brith", says=["'birth'"])
    assert_refused(
        lambda: audit(DATES, limits={"age": (0, 1)}),
        argument="limits",
        column="age",
        says=["is not in the data"],
    )
    assert_refused(lambda: audit(DATES.head(0)), argument="data", says=["no rows"])


def test_a_declared_event_is_no_other_coding():
    coded = pl.DataFrame({"status": [1, 2, 2, None]})
    assert ("event other than 0 or 1", "status") in problems(coded, event="status")
    assert ("event other than 0 or 1", "status") not in problems(coded, event="status", event_value=2)
    assert_refused(
        lambda: audit(coded, event="status", event_value=3), argument="event_value", column="status"
    )
    assert_refused(lambda: audit(coded, event_value=2), argument="event_value", says=["without event"])
