"""Expected survival: R's values, truths about it, and every refusal."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.relative import expected_survival, population_hazard

COLREC = load_dataset("colrec")
SLOVENIA = hem.data.life_table("slovenia")
COLUMNS: dict[str, Any] = {
    "time_unit": "days", "sex": "sex", "date": "diag", "age": "age", "age_unit": "days",
    "life_table": SLOVENIA,
}  # fmt: skip
FLAT = LifeTable(
    pl.DataFrame({"year": range(1990, 2031)})
    .join(pl.DataFrame({"sex": ["m", "w"], "hazard_year": [0.02, 0.01]}), how="cross")
    .join(pl.DataFrame({"age": range(101)}), how="cross"),
    name="Flatland",
)


def patients(n: int = 4, **columns: Any) -> pl.DataFrame:
    """Patients of Flatland, diagnosed 1 January 2000 at 50, 51 ... years, followed 1, 2 ... years."""
    return pl.DataFrame(
        {
            "sex": ["m", "w"] * (n // 2),
            "diagnosis": [date(2000, 1, 1)] * n,
            "born": [date(1950 - i, 1, 1) for i in range(n)],
            "days": [365.25 * (i + 1) for i in range(n)],
            **columns,
        }
    )


def flat(data: Any = None, **options: Any) -> Any:
    chosen = {
        "time": "days", "time_unit": "days", "sex": "sex", "date": "diagnosis", "birth": "born",
        "life_table": FLAT,
    }  # fmt: skip
    return expected_survival(patients() if data is None else data, **{**chosen, **options})


def own(data: Any = None, **options: Any) -> pl.DataFrame:
    chosen = {
        "time": "days", "time_unit": "days", "sex": "sex", "date": "diagnosis", "birth": "born",
        "life_table": FLAT,
    }  # fmt: skip
    return population_hazard(patients() if data is None else data, **{**chosen, **options})


# --- R


@pytest.mark.parametrize(
    ("case_id", "method", "time"),
    [
        ("survexp_colrec_ederer", "ederer1", None),
        ("survexp_colrec_hakulinen", "hakulinen", "potential"),
        ("survexp_colrec_conditional", "ederer2", "time"),
    ],
)
def test_curves_are_those_of_survexp(case_id, method, time):
    values = load_reference("relative_survival", case_id).values
    closing = (pl.date(2006, 1, 1) - pl.col("diag")).dt.total_days()
    data = COLREC.with_columns(potential=pl.max_horizontal(closing, "time"))
    found = expected_survival(data, time=time, method=method, times=values["time"], **COLUMNS)
    at = found.at(values["time"])
    assert_close(at["estimate"], values["surv"], rel=1e-12)
    assert_close(at["n_risk"], values["n_risk"], rel=1e-12)


def test_each_patients_hazard_is_that_of_survexp():
    values = load_reference("relative_survival", "survexp_colrec_individual").values
    found = population_hazard(COLREC.head(50), time="time", **COLUMNS)
    assert_close(found["cumulative_hazard"], values["cumhaz"], rel=1e-12)
    assert_close(found["expected_survival"], values["surv"], rel=1e-12)


def swedish() -> LifeTable:
    """The Swedish rates with the year of relsurv, which the reference was computed with."""
    frame = hem.data.life_table("sweden").to_frame()
    return LifeTable(frame, sexes={"male": 1, "female": 2}, days_per_year=365.241)


def test_expected_deaths_by_the_swedish_table_are_those_of_survexp():
    columns = {**COLUMNS, "life_table": swedish()}
    values = load_reference("relative_survival", "survexp_colrec_swedish_individual").values
    hazard = population_hazard(COLREC, time="time", **columns)["cumulative_hazard"]
    assert_close(hazard[:50], values["cumhaz"], rel=1e-11)
    assert_close(hazard[:50].sum(), values["sum"], rel=1e-12)
    by_site = COLREC.with_columns(expected=hazard).group_by("site").agg(pl.col("stat", "expected").sum())
    values = load_reference("relative_survival", "smr_colrec_swedish_by_site").values
    site = by_site.sort("site")
    assert site["site"].to_list() == values["site"]
    assert_close(site["stat"], values["observed"])
    assert_close(site["expected"], values["expected"], rel=1e-12)


def test_the_american_table_turns_years_on_birthdays_as_pyears_does():
    values = load_reference("epidemiology", "pyears_colrec_expected_us").values
    columns = {**COLUMNS, "life_table": hem.data.life_table("united states"), "extrapolate": "nearest"}
    hazard = assert_warns(
        lambda: population_hazard(COLREC, time="time", **columns), argument="date", column="diag",
        says=["967 rows after 2014"],
    )["cumulative_hazard"]  # fmt: skip
    expected = COLREC.with_columns(expected=hazard).group_by("sex").agg(pl.col("expected").sum()).sort("sex")
    assert_close(expected["expected"], values["expected"], rel=1e-12)


def test_the_number_alive_after_each_year_is_that_of_nessie():
    values = load_reference("relative_survival", "nessie_colrec_sex").values
    times = [365.241 * year for year in values["times"]]
    found = expected_survival(COLREC, times=times, by="sex", **COLUMNS)
    for n, theirs, code in zip(values["n"], values["mata"]["data"], (1, 2), strict=True):
        alive = n * found.at(times).filter(sex=code)["estimate"]
        # survexp has ours to the last digit (1714.7008473427 women after ten years); relsurv's own summation
        # is 1.5e-10 away from it
        assert_close(alive, theirs[:11], rel=1e-9)


# --- by hand, and what must be


def test_under_flat_rates_everything_is_known():
    one_day = {"m": 0.02 / 365.25, "w": 0.01 / 365.25}
    curve = flat(times=[100.0])
    assert curve.at(100)["estimate"].item() == pytest.approx(
        (2 * np.exp(-100 * one_day["m"]) + 2 * np.exp(-100 * one_day["w"])) / 4, rel=1e-12
    )
    second = flat(method="ederer2").to_frame()
    # a man leaves after one year, a woman after two
    assert second["n_risk"].to_list() == [4, 3, 2, 1]
    hazard = np.cumsum([0.06 / 4, 0.04 / 3, 0.03 / 2, 0.01])
    assert second["estimate"].to_list() == pytest.approx(np.exp(-hazard).tolist(), rel=1e-12)
    third = flat(method="hakulinen").to_frame()["estimate"].to_list()
    m, w = np.exp(-0.02), np.exp(-0.01)
    steps = [(2 * m + 2 * w) / 4, (m**2 + 2 * w**2) / (m + 2 * w), (m**3 + w**3) / (m**2 + w**2), w]
    assert third == pytest.approx(np.cumprod(steps).tolist(), rel=1e-12)


def test_a_single_patient_has_the_same_survival_by_every_method():
    for method in ("ederer1", "ederer2", "hakulinen"):
        found = flat(patients(2), by="sex", method=method)
        last = found.at([100, 365.25], extend=False).filter(sex="w")["estimate"].to_list()
        assert last[1] == pytest.approx(np.exp(-0.01), rel=1e-12)
    alone = own(patients(2))
    assert alone["expected_survival"].to_list() == pytest.approx([np.exp(-0.02), np.exp(-0.02)], rel=1e-12)
    assert alone["hazard"].to_list() == pytest.approx([0.02 / 365.25, 0.01 / 365.25], rel=1e-12)


@given(cut=st.floats(1, 364))
def test_the_hazard_adds_up_over_episodes(cut: float):
    data = COLREC.filter(pl.col("time") > 400).head(40).with_columns(cut=pl.lit(cut))
    whole, until, after = (
        population_hazard(data, **{**COLUMNS, **part})["cumulative_hazard"]
        for part in ({"time": "time"}, {"time": "cut"}, {"time": "time", "entry": "cut"})
    )
    np.testing.assert_allclose((until + after).to_numpy(), whole.to_numpy(), rtol=1e-10)


def test_the_unit_changes_the_numbers_of_time_only():
    for unit, per in (("weeks", 7), ("months", 30.4375), ("years", 365.25)):
        data = COLREC.head(200).with_columns(t=pl.col("time") / per)
        columns = {**COLUMNS, "time": "t", "time_unit": unit}
        one = population_hazard(data, **columns)
        two = population_hazard(data, **{**COLUMNS, "time": "time"})
        np.testing.assert_allclose(one["cumulative_hazard"], two["cumulative_hazard"], rtol=1e-9)
        np.testing.assert_allclose(one["hazard"], two["hazard"] * per, rtol=1e-9)
        curve = expected_survival(data, method="ederer2", **columns)
        assert curve.time_unit == unit
        assert curve.to_frame()["time"].max() == data["t"].max()


def test_age_in_years_and_birth_and_durations_are_read():
    years = COLREC.head(50).with_columns(
        age=pl.col("age") / 365.241,
        born=pl.col("diag") - pl.duration(days=pl.col("age")),
        duration=pl.duration(days=pl.col("time")),
    )
    plain = population_hazard(COLREC.head(50), time="time", **COLUMNS)
    by_years = population_hazard(years, time="time", **{**COLUMNS, "age_unit": "years"})
    by_birth = population_hazard(
        years, time="duration", sex="sex", date="diag", birth="born", life_table=SLOVENIA
    )
    np.testing.assert_allclose(by_years, plain, rtol=1e-9)
    np.testing.assert_allclose(by_birth, plain, rtol=1e-12)


def test_whole_years_of_age_are_whole():
    # 68 * 365.241 / 365.241 may be rounded below 68: the hazard must be that of 68 all the same
    for age in range(104):
        one = pl.DataFrame({"t": [1e-9], "sex": ["male"], "day": [date(2010, 6, 1)], "age": [age]})
        found = population_hazard(
            one, time="t", time_unit="days", sex="sex", date="day", age="age", age_unit="years",
            life_table=SLOVENIA,
        )["hazard"].item()  # fmt: skip
        assert found * 365.241 == pytest.approx(SLOVENIA.rate(age, 2010, "male").item(), rel=1e-12)


def test_the_way_out_of_an_unknown_sex_does_not_say_which_is_which():
    """Values in the order of the data beside labels in the order of the table would swap the sexes."""
    women_first = patients().with_columns(sex=pl.lit("K")).head(1)
    data = pl.concat([women_first, patients().with_columns(sex=pl.lit("M"))])
    refusal = assert_refused(
        lambda: own(data), argument="sex", column="sex", rows=range(1, data.height + 1), says=["'K' (1 row)"]
    )
    assert refusal.remedy == "sexes={'K': ..., 'M': ...} with the label of each value, 'm' or 'w'"


def test_a_declared_map_names_the_sexes():
    swedish_codes = patients().with_columns(kön=pl.col("sex").replace_strict({"m": "M", "w": "K"}))
    mapped = own(swedish_codes, sex="kön", sexes={"M": "m", "K": "w"})
    assert mapped.equals(own())


def test_strata_of_the_life_table_are_columns_of_the_patients():
    frame = FLAT.to_frame()
    both = pl.concat(
        [frame.with_columns(region=pl.lit("a")), frame.with_columns(region=pl.lit("b"))]
    ).with_columns(hazard_year=pl.col("hazard_year") * (1 + (pl.col("region") == "b")))
    table = LifeTable(both, strata="region")
    data = patients().with_columns(region=pl.Series(["a", "b", "b", "a"]))
    ratio = own(data, life_table=table)["cumulative_hazard"] / own(data)["cumulative_hazard"]
    assert ratio.to_list() == pytest.approx([1, 2, 2, 1])
    elsewhere = data.with_columns(region=pl.Series(["a", "c", "b", "c"]))
    assert_refused(
        lambda: own(elsewhere, life_table=table), argument="life_table", rows=[2, 4],
        says=["2 rows are of strata ('region')"],
    )  # fmt: skip


def test_curves_look_and_read_as_others_do():
    curve = flat(method="ederer2", by="sex")
    assert curve.to_frame().columns == [
        "sex", "time", "n_risk", "n_event", "n_censor", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip
    assert curve.to_frame()["std_error"].null_count() == curve.to_frame().height
    assert curve.groups()["n"].to_list() == [2, 2]
    assert repr(curve).splitlines()[0] == "Ederer II: expected survival by the rates of Flatland, n=4"
    assert curve.text(365.25) == "365.25-day expected survival: m 98.0%; w 99.0%"
    assert "the method of Ederer II from the rates of Flatland" in curve.methods()
    assert flat(times=[365.25]).text().startswith("1461-day expected survival 94.")
    assert curve.at(5000)["estimate"].null_count() == 2
    assert "not known" in curve.text(5000)
    assert curve.summary()["method"].item() == "Ederer II"


def test_many_groups_are_counted():
    data = patients(16).with_columns(g=pl.arange(0, 16).cast(pl.Int64) // 2)
    shown = repr(flat(data, by="g", method="ederer2")).splitlines()
    assert shown[-1] == "  and 2 more"
    assert len(shown) == 8


def test_curves_are_drawn_from_1_down():
    ax = flat(method="ederer2").plot()
    assert ax.get_ylim()[1] >= 1


def test_lazy_pandas_and_dropped_rows():
    assert flat(patients().lazy()).to_frame().equals(flat().to_frame())
    holed = patients().with_columns(days=pl.when(pl.int_range(4) != 1).then("days"))
    dropped = flat(holed, missing="drop", method="ederer2")
    assert dropped.n_dropped == 1
    assert "1 rows with missing values left out" in repr(dropped)
    assert_refused(lambda: flat(holed), argument="time", column="days", rows=[2])
    assert_refused(lambda: own(holed), argument="time", column="days", rows=[2])


# --- refusals


@pytest.mark.parametrize("call", [flat, own])
def test_neither_or_both_of_birth_and_age_are_refused(call):
    data = patients(age=[50.0] * 4)
    assert_refused(lambda: call(data, birth=None), argument="birth", says=["neither birth nor age"])
    assert_refused(lambda: call(data, age="age"), argument="birth", says=["both birth and age"])


def test_units_are_never_guessed():
    data = patients(age=[50.0] * 4)
    assert_refused(lambda: flat(time_unit=None), argument="time_unit", says=["no unit was given"])
    assert_refused(lambda: flat(time_unit="fortnights"), argument="time_unit")
    assert_refused(
        lambda: flat(data, birth=None, age="age"), argument="age_unit", column="age",
        says=["without its unit"],
    )  # fmt: skip
    assert_refused(lambda: flat(data, birth=None, age="age", age_unit="decades"), argument="age_unit")
    lasted = patients().with_columns(days=pl.duration(days=pl.col("days").cast(pl.Int64)))
    assert flat(lasted, time_unit=None, method="ederer2").time_unit == "days"
    assert_refused(lambda: flat(lasted, time_unit="years"), argument="time_unit", says=["durations"])


def test_ages_that_nobody_has_are_refused():
    data = patients(age=[50.0 * 365, 51, 52, -1])
    assert_refused(
        lambda: flat(data, birth=None, age="age", age_unit="years"), argument="age", column="age", rows=[4],
        says=["below zero"],
    )  # fmt: skip
    assert_refused(
        lambda: flat(data.head(3), birth=None, age="age", age_unit="years"), argument="age", column="age",
        rows=[1], says=["above 130 years"],
    )  # fmt: skip
    unborn = patients().with_columns(born=pl.lit(date(2001, 1, 1)))
    assert_refused(
        lambda: flat(unborn),
        argument="birth",
        column="born",
        rows=[1, 2, 3, 4],
        says=["is after 'diagnosis'"],
    )


@pytest.mark.parametrize("role", ["date", "birth"])
def test_dates_are_dates(role):
    # a number would be read as days since some epoch: which one is a guess that goes wrong by ten years
    assert_refused(lambda: flat(**{role: "days"}), argument=role, column="days", says=["no dates"])


def test_a_sex_that_the_table_does_not_know_is_refused():
    data = patients().with_columns(sex=pl.Series(["m", "man", "w", "kvinna"]))
    assert_refused(
        lambda: flat(data), argument="sex", column="sex", rows=[2, 4],
        says=["'man' (1 row)", "'kvinna' (1 row)", "'m', 'w'"],
    )  # fmt: skip


def test_follow_up_outside_the_table_is_refused_or_carried_on():
    late = patients().with_columns(diagnosis=pl.lit(date(2028, 1, 1)), born=pl.lit(date(1970, 1, 1)))
    assert_refused(
        lambda: flat(late, method="ederer2"), argument="date", column="diagnosis", rows=[4],
        says=["1 row after 2030", "extrapolate='nearest'"],
    )  # fmt: skip
    carried = assert_warns(
        lambda: flat(late, method="ederer2", extrapolate="nearest"), argument="date", column="diagnosis",
        rows=[4], says=["got the nearest rates"],
    )  # fmt: skip
    np.testing.assert_allclose(
        carried.to_frame()["estimate"].to_numpy(), flat(method="ederer2").to_frame()["estimate"].to_numpy()
    )
    early = patients().with_columns(diagnosis=pl.lit(date(1989, 12, 31)))
    assert_refused(
        lambda: own(early),
        argument="date",
        column="diagnosis",
        rows=[1, 2, 3, 4],
        says=["4 rows before 1990"],
    )
    old = LifeTable(FLAT.to_frame().filter(pl.col("age") >= 52))
    assert_refused(
        lambda: own(life_table=old), argument="date", column="diagnosis", rows=[1, 2],
        says=["2 rows younger than 52"],
    )  # fmt: skip
    assert_refused(lambda: own(extrapolate="linear"), argument="extrapolate")


def test_the_last_day_of_the_table_is_inside():
    end = patients(2).with_columns(diagnosis=pl.lit(date(2030, 12, 31)), days=pl.lit(1.0))
    assert own(end)["cumulative_hazard"].to_list() == pytest.approx([0.02 / 365.25, 0.01 / 365.25])
    assert FLAT.rates.year_start[0] == (date(1990, 1, 1) - date(1970, 1, 1)) / timedelta(days=1)


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"method": "pohar-perme"}, "method"), ({"method": "individual"}, "method"),
        ({"time": None}, "time"), ({"time": None, "times": [1], "method": "ederer2"}, "time"),
        ({"times": [-1]}, "times"), ({"life_table": "sweden"}, "life_table"),
        ({"missing": "skip"}, "missing"),
    ],
)  # fmt: skip
def test_arguments_that_are_none_are_refused(options, argument):
    assert_refused(lambda: flat(**options), argument=argument)


def test_negative_times_and_late_entries_are_refused():
    wrong = patients().with_columns(days=pl.col("days") - 400)
    assert_refused(lambda: flat(wrong), argument="time", column="days", rows=[1], says=["below zero"])
    late = patients(start=[-1.0, 1.0, 1.0, 1.0])
    assert_refused(lambda: own(late, entry="start"), argument="entry", column="start", rows=[1])
    after = patients(start=[400.0, 1.0, 1.0, 1.0])
    assert_refused(lambda: own(after, entry="start"), argument="entry", column="start", rows=[1])
