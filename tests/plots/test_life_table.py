"""Death rates by age: the numbers drawn are those of the table."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.plots.layout import layout_problems

SWEDEN = hem.data.life_table("sweden")


def test_each_sex_and_year_has_a_line_of_deaths_per_1000():
    ax = SWEDEN.plot(years=[1969, 2020])
    assert [line.get_label() for line in ax.lines] == ["male 1969", "male 2020", "female 1969", "female 2020"]
    for line, (sex, year) in zip(
        ax.lines, [(s, y) for s in ("male", "female") for y in (1969, 2020)], strict=True
    ):
        np.testing.assert_allclose(line.get_ydata()[30:], 1000 * SWEDEN.rate(SWEDEN.ages, year, sex)[30:])
    assert ax.get_yscale() == "log"
    assert ax.get_xlabel() == "Age (years)"
    colors = [line.get_color() for line in ax.lines]
    assert colors[0] == colors[1] != colors[2]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle() == "-"
    assert not layout_problems(ax.figure)


def test_the_first_and_the_last_year_are_drawn_unless_others_are_asked_for():
    assert len(SWEDEN.plot().lines) == 4
    assert [line.get_label() for line in SWEDEN.plot(years=2000, colors=["k", "r"]).lines] == [
        "male 2000", "female 2000",
    ]  # fmt: skip


def test_an_age_without_deaths_is_a_gap():
    table = LifeTable(
        pl.DataFrame({"sex": "all", "age": [0, 1, 2], "year": 2000, "hazard_year": [0.1, 0.0, 0.2]})
    )
    assert np.isnan(table.plot().lines[0].get_ydata()[1])


def test_the_fingerprint_tells_rates():
    told = hem.plots.fingerprint(SWEDEN.plot(years=2020))
    assert "male 2020: 2.645 at 0, 0.6991 at 30, 6.193 at 60, 213.5 at 90" in told
    assert told.startswith("deaths per 1000 person-years by age, Sweden")


@pytest.mark.parametrize("years", [1900, [2000, 2050]])
def test_a_year_outside_the_table_is_refused(years):
    assert_refused(lambda: SWEDEN.plot(years=years), argument="years")
