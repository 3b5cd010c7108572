"""Prevalence on a date: the reference count, patients by hand, populations and refusals."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.epidemiology import TimeScale, prevalence, proportion

ROLES = {"time": "exit", "entry": "entry", "event": "dead"}
END = date(2020, 12, 31)
# Alive at the end of 2020: A, C and E. B died that day, D emigrated before, F was diagnosed later.
SIX = pl.DataFrame(
    [
        (date(1950, 1, 1), date(2010, 1, 1), date(2021, 6, 1), 1, "F"),
        (date(1950, 1, 1), date(2019, 1, 1), END, 1, "F"),
        (date(1980, 1, 1), END, date(2022, 1, 1), 0, "F"),
        (date(1980, 1, 1), date(2015, 1, 1), date(2020, 1, 1), 0, "M"),
        (date(1990, 1, 1), date(2016, 1, 1), END, 0, "M"),
        (date(1950, 1, 1), date(2021, 1, 1), date(2022, 1, 1), 0, "M"),
    ],
    schema=["born", "entry", "exit", "dead", "sex"],
    orient="row",
)


def test_counts_those_the_reference_counts(reference):
    case = reference("epidemiology", "point_prevalence_sire")
    result = prevalence(
        case.data,
        time="ex_date",
        entry="dg_date",
        event=pl.col("status") > 0,
        at=date.fromisoformat(case.options["index_date"]),
        within=[5, 10, None],
    )
    assert result.to_frame()["n"].to_list() == [case.values[name] for name in ("d5", "d10", "complete")]


def test_six_patients_by_hand():
    frame = prevalence(SIX, **ROLES, by="sex", at=[END, date(2010, 1, 1)], within=[5, None]).to_frame()
    assert frame.rows() == [
        ("F", END, 5.0, 1),
        ("F", END, None, 2),
        ("F", date(2010, 1, 1), 5.0, 1),
        ("F", date(2010, 1, 1), None, 1),
        ("M", END, 5.0, 1),
        ("M", END, None, 1),
        ("M", date(2010, 1, 1), 5.0, 0),
        ("M", date(2010, 1, 1), None, 0),
    ]


def test_bands_are_those_on_the_date():
    ages = {"age": TimeScale([0, 40, 70, math.inf], since="born")}
    result = prevalence(SIX, **ROLES, at=END, scales=ages)
    # A is 70 and a day less than a year, C 40, E 30
    assert result.to_frame().rows() == [(0.0, END, None, 1), (40.0, END, None, 1), (70.0, END, None, 1)]
    older = prevalence(SIX, **ROLES, at=END, scales={"age": TimeScale([40, 70], since="born")})
    assert older.to_frame()["n"].to_list() == [1]


def test_times_in_numbers():
    years = pl.DataFrame({"entry": [2000.0, 2004.5], "exit": [2010.0, 2008.0], "dead": [0, 1]})
    frame = prevalence(years, **ROLES, at=[2007, 2008.0, 2010.0, 2010.1], within=None).to_frame()
    assert frame["n"].to_list() == [2, 1, 1, 0]


def test_a_share_of_a_population_has_wilsons_limits():
    result = prevalence(SIX, **ROLES, at=END, population=1000, per=100_000)
    expected = proportion(pl.DataFrame({"x": [3], "n": [1000]}), events="x", n="n").to_frame()
    row = result.to_frame().row(0, named=True)
    assert (row["n"], row["population"]) == (3, 1000)
    for name in ("estimate", "conf_low", "conf_high"):
        assert_close(row[name], expected[name][0] * 100_000, rel=1e-12)
    assert repr(result).splitlines()[0] == "prevalence per 1e+05, n=6, events=2" or "per 100000" in repr(
        result
    )


def test_populations_by_group_and_date():
    sizes = pl.DataFrame(
        {
            "sex": ["F", "M"] * 2,
            "date": [END, END, date(2015, 6, 1), date(2015, 6, 1)],
            "population": [100, 200, 90, 180],
        }
    )
    result = prevalence(
        SIX, **ROLES, by="sex", at=[END, date(2015, 6, 1)], within=[5, None], population=sizes
    )
    assert result.to_frame()["population"].to_list() == [100, 100, 90, 90, 200, 200, 180, 180]
    by_sex = sizes.filter(date=END).drop("date")
    other = prevalence(SIX, **ROLES, by="sex", at=END, population=by_sex.to_pandas()).to_frame()
    assert_frame_equal(
        other, result.to_frame().filter(pl.col("within").is_null(), date=END), check_dtypes=False
    )


@pytest.mark.parametrize(
    ("population", "says"),
    [
        (pl.DataFrame({"sex": ["F"], "population": [100]}), "lacks a group of 'sex'"),
        (pl.DataFrame({"sex": ["F", "M", "M"], "population": [100, 20, 30]}), "has a group twice"),
        (pl.DataFrame({"sex": ["F", "M"], "size": [100, 20]}), "has the columns 'sex', 'size'"),
        (pl.DataFrame({"population": [100]}), "has the columns 'population'"),
        (pl.DataFrame({"sex": ["F", "M"], "population": ["100", "20"]}), "has the columns"),
        (
            pl.DataFrame({"sex": ["F", "M"], "population": [1, 20]}),
            "smaller than the number of persons in 1 group",
        ),
        (1, "smaller than the number of persons"),
        (0, "was given"),
    ],
)
def test_populations_that_are_none_are_refused(population, says):
    assert_refused(
        lambda: prevalence(SIX, **ROLES, by="sex", at=END, population=population),
        argument="population",
        says=[says],
    )


@pytest.mark.parametrize("at", [2020, "2020-12-31", [], [END, 3]])
def test_dates_that_are_none_are_refused(at):
    assert_refused(lambda: prevalence(SIX, **ROLES, at=at), argument="at", says=["a date or several"])


def test_moments_that_are_none_are_refused():
    years = pl.DataFrame({"entry": [2000.0], "exit": [2010.0], "dead": [0]})
    assert_refused(lambda: prevalence(years, **ROLES, at=END), argument="at", says=["a number or several"])


@pytest.mark.parametrize(
    ("changed", "argument"),
    [({"within": 0}, "within"), ({"per": -1}, "per"), ({"conf_level": 2}, "conf_level")],
)
def test_arguments_that_are_none_are_refused(changed, argument):
    assert_refused(lambda: prevalence(SIX, **ROLES, at=END, **changed), argument=argument)


def test_missing_rows_are_counted():
    data = SIX.with_columns(exit=pl.when(pl.col("sex") == "M").then(None).otherwise("exit"))
    result = prevalence(data, **ROLES, at=END, missing="drop")
    assert (result.n_dropped, result.to_frame()["n"].to_list()) == (3, [2])


def test_numbers_of_persons_have_no_limits_to_tell_of():
    found = prevalence(SIX, **ROLES, by="sex", at=END)
    n = dict(found.to_frame().select("sex", "n").iter_rows())
    assert found.text().startswith("prevalence: ")
    assert all(f"{k}, date=2020-12-31, within=None {v}" in found.text() for k, v in n.items())
    assert "limits" not in repr(found) + found.methods() + found.text()
    shares = prevalence(SIX, **ROLES, by="sex", at=END, population=100)
    assert "95% limits: Wilson" in repr(shares)
    assert "95% CI" in shares.text()


def test_a_population_may_be_a_number_of_numpy_and_hold_further_groups():
    data = SIX.with_columns(pl.col("sex").cast(pl.Enum(["M", "F"])))
    people = pl.DataFrame({"sex": ["F", "M", "X"], "population": [100, 100, 100]})
    table = prevalence(data, **ROLES, by="sex", at=END, population=people)
    number = prevalence(data, **ROLES, by="sex", at=END, population=np.int64(100))
    assert_frame_equal(table.to_frame(), number.to_frame(), check_dtypes=False)
    other = people.with_columns(sex=pl.col("sex").str.to_lowercase())
    assert_refused(
        lambda: prevalence(data, **ROLES, by="sex", at=END, population=other),
        argument="population",
        says=["lacks a group"],
    )


def test_names_of_the_result_are_not_those_of_groups():
    data = SIX.rename({"sex": "date"})
    assert_refused(lambda: prevalence(data, **ROLES, by="date", at=END), argument="by", column="date")
