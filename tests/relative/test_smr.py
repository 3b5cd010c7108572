"""Standardised mortality ratios: R's values, truths about them, and every refusal and warning."""

from __future__ import annotations

import math
import sys
from datetime import date
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.epidemiology import TimeScale, person_time, standardize_indirect
from hemresearch.lifetable import LifeTable
from hemresearch.relative import population_hazard, smr

SLOVENIA = hem.data.life_table("slovenia")
FINLAND = hem.data.life_table("finland")
# as R's transrate makes a table of these probabilities, a year having 365.241 days
SWEDEN = LifeTable(
    hem.data.life_table("sweden").to_frame(), q="q_year", sexes={"male": 1, "female": 2},
    days_per_year=365.241, name="Sweden",
)  # fmt: skip
COLREC = {
    "time": "time", "event": "stat", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age",
    "age_unit": "days",
}  # fmt: skip
FOLLOW_UP, AGES = [0, 365, 1826, math.inf], [0, 60, 70, 80, math.inf]


def ratios(**options: Any) -> Any:
    return smr(hem.data.load("colrec"), **{**COLREC, "life_table": SLOVENIA, **options})


def colorectal(**options: Any) -> pl.DataFrame:
    return ratios(**options).to_frame()


def test_expected_deaths_are_those_of_survexp():
    values = load_reference("relative_survival", "smr_colrec_swedish_by_site").values
    own = colorectal(life_table=SWEDEN, by="site", test="score")
    assert own["site"].to_list() == values["site"]
    assert own["observed"].to_list() == values["observed"]
    assert_close(own["expected"], values["expected"], rel=1e-10)
    assert_close(own["estimate"], values["smr"], rel=1e-10)
    assert_close(own["statistic"], values["chisq"], rel=1e-9)


def in_years_of_their_own_length(name: str) -> pl.Expr:
    """A date as a number of years, leap years having 366 days."""
    length = 365 + pl.col(name).dt.is_leap_year().cast(pl.Int64)
    return pl.col(name).dt.year() + (pl.col(name).dt.ordinal_day() - 1) / length


def test_finnish_patients_as_popepi_has_them_but_for_the_length_of_years():
    # lexpand measures follow-up and ages in calendar years of their own length (of 365 or 366 days). With
    # such years, a piece of follow-up per year of age and calendar, we have its numbers; with days, nearly.
    case = load_reference("epidemiology", "sir_popepi_sire_mortality")
    values, frac = case.values, in_years_of_their_own_length
    data = case.data.with_columns(
        stop=frac("ex_date"), start=frac("dg_date"), born=frac("bi_date"), dead=pl.col("status") > 0,
        days=pl.col("ex_date") - pl.col("dg_date"),
    )  # fmt: skip
    scales = {"age": TimeScale(range(102), since="born"), "year": TimeScale(range(1993, 2014))}
    cells = person_time(data, time="stop", entry="start", event="dead", scales=scales).to_frame()
    rate = FINLAND.rate(np.minimum(cells["age"], 100), cells["year"], "female")
    cells = cells.with_columns(expected=pl.col("person_time") * pl.Series(rate))
    theirs = standardize_indirect(cells, events="n_event", expected="expected").to_frame()
    printed = {"observed": 0.5, "expected": 5e-5}
    for name, half in printed.items():
        assert theirs[name].item() == pytest.approx(values[name][0], abs=half)
    assert cells["person_time"].sum() == pytest.approx(values["pyrs"][0], abs=5e-5)
    assert theirs["estimate"].item() == pytest.approx(values["sir"][0], abs=5e-5)
    # sir() has limits from the profile likelihood, ours are exact: both have the same likelihood there
    observed = values["observed"][0]
    for name in ("sir.lo", "sir.hi"):
        mean = values["expected"][0] * np.array(values[name][0]) + np.array([-0.1, 0.1])
        drop = 2 * (observed * np.log(observed / mean) - (observed - mean))
        assert drop.min() < 1.959964**2 < drop.max()
    with pytest.warns(hem.errors.DataWarning, match="8 deaths lie outside"):
        own = smr(
            data, time="days", event="dead", date="dg_date", birth="bi_date", sex="sex",
            sexes={0: "male", 1: "female"}, life_table=FINLAND, attained_age=[0, 101],
        ).to_frame()  # fmt: skip
    assert own["observed"].item() == values["observed"][0]
    assert own["expected"].item() == pytest.approx(values["expected"][0], rel=1e-4)


def test_the_cells_add_up_to_the_whole():
    cells = colorectal(by="sex", follow_up=FOLLOW_UP, attained_age=AGES)
    whole = colorectal()
    assert cells.columns[:3] == ["sex", "follow_up", "attained_age"]
    assert cells.select("sex", "follow_up", "attained_age").is_duplicated().sum() == 0
    for name in ("observed", "expected", "person_time"):
        assert_close([cells[name].sum()], whole[name], rel=1e-10)
    data = hem.data.load("colrec")
    each = population_hazard(data, **{k: v for k, v in COLREC.items() if k != "event"}, life_table=SLOVENIA)
    assert_close([each["cumulative_hazard"].sum()], whole["expected"], rel=1e-10)
    assert_close(whole["excess_rate"], (whole["observed"] - whole["expected"]) / whole["person_time"])


def test_person_time_and_deaths_are_those_of_person_time():
    own = colorectal(follow_up=FOLLOW_UP, attained_age=AGES)
    length = SLOVENIA.days_per_year
    scales = {
        "follow_up": TimeScale(FOLLOW_UP),
        "attained_age": TimeScale([a * length for a in AGES], begins_at="age"),
    }
    cells = person_time(hem.data.load("colrec"), time="time", event="stat", scales=scales).to_frame()
    assert own["observed"].to_list() == cells["n_event"].to_list()
    assert_close(own["person_time"] * length, cells["person_time"], rel=1e-9)


def test_a_period_is_the_follow_up_within_it():
    first, middle, last = date(1990, 1, 1), date(1997, 6, 1), date(2007, 1, 1)
    parts = [colorectal(period=p) for p in ((first, middle), (middle, last), (first, last))]
    for name in ("observed", "expected", "person_time"):
        assert_close(parts[0][name] + parts[1][name], parts[2][name], rel=1e-9)


def test_batches_make_no_difference(monkeypatch):
    whole = colorectal(by="stage", follow_up=FOLLOW_UP)
    monkeypatch.setattr(sys.modules[smr.__module__], "BATCH", 1000)
    in_parts = colorectal(by="stage", follow_up=FOLLOW_UP)
    assert_close(in_parts["expected"], whole["expected"], rel=1e-10)
    assert in_parts["observed"].equals(whole["observed"])


# ---- by hand, in a country where rates never change


FLAT = LifeTable(
    pl.DataFrame({"year": range(1980, 2031)})
    .join(pl.DataFrame({"sex": ["m", "w"], "hazard_year": [0.02, 0.01]}), how="cross")
    .join(pl.DataFrame({"age": range(101)}), how="cross"),
    name="Flatland",
)
PEOPLE: dict[str, Any] = {
    "time": "years", "event": "dead", "time_unit": "years", "sex": "sex", "date": "diagnosis", "age": "age",
    "age_unit": "years", "life_table": FLAT,
}  # fmt: skip


def patients(**columns: Any) -> pl.DataFrame:
    """Two men and a woman of Flatland."""
    return pl.DataFrame(
        {
            "sex": ["m", "w", "m"],
            "diagnosis": [date(2000, 1, 1)] * 3,
            "age": [60, 61, 62],
            "years": [2.0, 4.0, 6.0],
            "dead": [True, True, False],
            **columns,
        }
    )


def ratio(data: Any = None, **options: Any) -> Any:
    return smr(patients() if data is None else data, **{**PEOPLE, **options})


def test_by_hand():
    whole = ratio().to_frame()
    assert whole.columns == [
        "person_time", "observed", "expected", "estimate", "excess_rate", "statistic", "p_value",
        "conf_low", "conf_high",
    ]  # fmt: skip
    assert whole["person_time"].item() == pytest.approx(12)
    assert whole["expected"].item() == pytest.approx(0.2)
    assert whole["estimate"].item() == pytest.approx(10)
    assert whole["excess_rate"].item() == pytest.approx(1.8 / 12)
    # the death at two years belongs to the band before it
    bands = ratio(follow_up=[0, 2, math.inf]).to_frame()
    assert bands["observed"].to_list() == [1, 1]
    assert bands["expected"].to_list() == pytest.approx([0.1, 0.1])
    ages = ratio(attained_age=[0, 64, math.inf]).to_frame()
    assert ages["person_time"].to_list() == pytest.approx([2 + 3 + 2, 1 + 4])
    assert ages["expected"].to_list() == pytest.approx([0.04 + 0.03 + 0.04, 0.01 + 0.08])


def test_delayed_entry_counts_from_there():
    late = ratio(patients(entry=[1.0, 1.0, 1.0]), entry="entry", follow_up=[0, 2, 9]).to_frame()
    assert late["person_time"].to_list() == pytest.approx([3, 2 + 4])
    assert late["expected"].to_list() == pytest.approx([0.02 + 0.02 + 0.01, 0.02 + 0.08])


def test_text():
    found = ratio(by="sex")
    assert repr(found).splitlines() == [
        "standardised mortality ratio, n=3, events=2",
        "  sex=m: 6.25 (0.1582 to 34.82), observed 1, expected 0.16, p 0.1479",
        "  sex=w: 25 (0.6329 to 139.3), observed 1, expected 0.04, p 0.03921",
        "95% limits: exact (Garwood) of a Poisson count; deaths expected by the rates of Flatland",
    ]
    assert "standardised mortality ratio" in found.text()
    assert ratio(patients(sex=["m", None, "m"]), missing="drop").n_dropped == 1


# ---- refusals and warnings


@pytest.mark.parametrize("given", ["five", [1], [0, 0], [2, 1], [-1, 1], [0, math.nan], [[0, 1], [1, 2]]])
@pytest.mark.parametrize("argument", ["follow_up", "attained_age"])
def test_borders_that_are_none(given, argument):
    assert_refused(
        lambda: ratio(**{argument: given}), argument=argument, says=["are no borders of bands", "math.inf"]
    )


def test_groups_named_like_a_band():
    data = patients().rename({"age": "attained_age"})
    assert_refused(
        lambda: ratio(data, age="attained_age", by="attained_age", attained_age=[0, 99]),
        argument="by", column="attained_age", says=["name of a column of the result"],
    )  # fmt: skip


def test_follow_up_outside_the_bands_is_told():
    found = assert_warns(
        lambda: ratio(follow_up=[0, 3]),
        argument="follow_up",
        says=["4 person-years and 1 death", "follow_up are in years"],
    )
    assert found.to_frame()["observed"].to_list() == [1]
    assert_warns(lambda: ratio(attained_age=[0, 65]), argument="attained_age", says=["left out"])
    assert_warns(
        lambda: ratio(follow_up=[0, 3], attained_age=[0, 65]), argument="follow_up", says=["left out"]
    )


def test_nobody_within_the_bands():
    assert_refused(
        lambda: ratio(follow_up=[10, 20]), argument="follow_up", says=["nobody", "within the bands"]
    )


def in_bands(**options: Any) -> Any:
    return ratios(follow_up=[0, 365, math.inf], **options)


def test_a_table_has_both_borders_and_units():
    table = hem.report.table(in_bands(by="sex"))
    assert table.header == (
        "sex", "Follow-up, days", "Person-years", "Deaths", "Expected deaths", "SMR (95% CI)",
        "Excess per 1,000 person-years", "p",
    )  # fmt: skip
    assert [row[1] for row in table.body] == ["0 to <365", "≥365"] * 2
    row = in_bands(by="sex").to_frame().row(0, named=True)
    assert table.body[0][6] == f"{1000 * row['excess_rate']:.1f}"
    assert "SMR: standardised mortality ratio" in table.footnotes[0]
    ages = ratios(attained_age=[0, 60.5, math.inf], test="continuity")
    shown = hem.report.table(ages, decimals={"estimate": 1}, labels={"attained_age": "Age"})
    assert shown.header[0] == "Age"
    assert "Statistic" in shown.header
    assert [row[0] for row in shown.body] == ["0 to <60.5", "≥60.5"]
    assert len(shown.body[0][3].split(".")[1]) == 1


def test_a_forest_plot_of_cells():
    said = hem.plots.fingerprint(in_bands(by="sex").plot())
    assert "forest of 4 estimates (standardised mortality ratio)" in said
    assert "sex=1, Follow-up ≥365 days: " in said
    assert "All: " in hem.plots.fingerprint(ratios().plot())
    plt.close("all")
