"""Life tables: what they hold, how a sex is known, and every refusal."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable

SEXES = {"male": 1, "female": 2}
COUNTRIES = ["sweden", "denmark", "finland", "slovenia", "united states"]


def small(ages=range(60, 64), years=range(2000, 2003), **columns) -> pl.DataFrame:
    """A table of two sexes whose rate tells the cell: sex / 100 + age / 10 000 + year / 1 000 000."""
    rows = [(s, a, y) for s in (1, 2) for a in ages for y in years]
    frame = pl.DataFrame(rows, schema=["sex", "age", "year"], orient="row")
    rate = pl.col("sex") / 100 + pl.col("age") / 1e4 + (pl.col("year") - 2000) / 1e6
    return frame.with_columns(hazard_year=rate, **columns)


def made(frame: pl.DataFrame | None = None, **options) -> LifeTable:
    return LifeTable(small() if frame is None else frame, **{"sexes": SEXES, **options})


@pytest.mark.parametrize(
    ("country", "ages", "years", "days"),
    [
        ("sweden", (0, 100), (1969, 2020), 365.25), ("denmark", (0, 99), (1974, 2012), 365.25),
        ("finland", (0, 100), (1951, 2013), 365.25), ("slovenia", (0, 103), (1930, 2020), 365.241),
        ("united states", (0, 109), (1940, 2014), 365.25),
    ],
)  # fmt: skip
def test_the_tables_that_come_along(country, ages, years, days):
    table = hem.data.life_table(country)
    assert (table.ages[0], table.ages[-1]) == ages
    assert (table.years[0], table.years[-1]) == years
    assert table.days_per_year == days
    assert list(table.sexes) == ["male", "female"]
    assert table.table.shape == (1, 2, len(table.ages), len(table.years))
    assert table.table.flags.c_contiguous
    assert np.isfinite(table.table).all()


def test_swedish_life_expectancy_is_that_of_the_closed_form():
    table = hem.data.life_table("sweden")
    for key, values in load_reference("epidemiology", "lifetable_e0_sweden").values.items():
        code, year = key.removeprefix("sex").split("_")
        sex = "male" if code == "1" else "female"
        for age in (0, 65):
            found = table.life_expectancy(int(year), sex, age=age)["estimate"].item()
            assert_close(found, values[f"e{age}"], rel=1e-10)
        survival = np.exp(-table.rate(np.arange(65), int(year), sex).sum())
        assert_close(survival, values["l65"], rel=1e-10)


# Statistics Sweden (as in the provenance of the data), Statistics Finland (Causes of death 2013, appendix
# table 3), Statistics Denmark (2011/2012, from two years together) and the National Center for Health
# Statistics (National Vital Statistics Reports 65(8) and 66(3)).
@pytest.mark.parametrize(
    ("country", "years", "men", "women", "near"),
    [
        ("sweden", [1969], 71.70, 76.63, 0.1), ("sweden", [2000], 77.38, 82.02, 0.1),
        ("sweden", [2019], 81.34, 84.72, 0.1), ("sweden", [2020], 80.59, 84.29, 0.1),
        ("finland", [1990], 70.93, 78.87, 0.02), ("finland", [2000], 74.14, 81.01, 0.02),
        ("finland", [2013], 77.84, 83.81, 0.02), ("denmark", [2011, 2012], 77.9, 81.9, 0.06),
        ("united states", [2012], 76.4, 81.2, 0.06), ("united states", [2013], 76.4, 81.2, 0.06),
    ],
)  # fmt: skip
def test_life_expectancy_is_that_which_was_published(country, years, men, women, near):
    found = hem.data.life_table(country).life_expectancy(years).group_by("sex").agg(pl.col("estimate").mean())
    assert dict(found.rows()) == pytest.approx({"male": men, "female": women}, abs=near)


@pytest.mark.parametrize(
    ("year", "men", "women"), [(2001, 72.3, 80.4), (2010, 76.4, 83.1), (2018, 78.5, 84.4)]
)
def test_the_slovene_table_of_relsurv_lies_half_a_year_to_a_year_below_eurostat(year, men, women):
    # the rates are those of the source to the last digit: the difference is its own, and is documented
    found = hem.data.life_table("slovenia").life_expectancy(year)["estimate"].to_list()
    assert all(0.5 < published - own < 1.0 for own, published in zip(found, (men, women), strict=True))


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_frame_of_a_table_makes_the_same_table(country):
    table = hem.data.life_table(country)
    again = LifeTable(
        table.to_frame(), rate="hazard_year", q="q_year", sexes={"male": None, "female": None},
        days_per_year=table.days_per_year,
    )  # fmt: skip
    np.testing.assert_allclose(again.table, table.table, rtol=1e-14)
    by_q = LifeTable(table.to_frame(), q="q_year", sexes={"male": None, "female": None}, days_per_year=365.25)
    np.testing.assert_allclose(by_q.table * 365.25, table.table * table.days_per_year, rtol=1e-9, atol=1e-15)


def test_the_rows_may_come_in_any_order():
    np.testing.assert_array_equal(made(small().sample(fraction=1, shuffle=True, seed=3)).table, made().table)


def test_a_rate_stands_in_its_cell_and_the_oldest_age_is_open():
    table = made()
    assert table.rate(61.9, 2001, "female") == pytest.approx(0.02 + 61e-4 + 1e-6, rel=1e-12)
    assert table.rate([60, 95], [2000, 2002], [1, 2]) == pytest.approx([0.016, 0.0263 + 2e-6], rel=1e-12)
    assert table.table[0, 1, 3, 2] == pytest.approx((0.0263 + 2e-6) / 365.25, rel=1e-12)


def test_counts_are_rates():
    frame = small().with_columns(deaths=pl.col("hazard_year") * 1000, people=pl.lit(1000.0))
    np.testing.assert_allclose(made(frame, deaths="deaths", population="people").table, made().table)


def test_a_rate_per_day_and_the_length_of_a_year():
    frame = small().with_columns(hazard_day=pl.col("hazard_year") / 365.241)
    per_day = made(frame, rate="hazard_day", per="day", days_per_year=365.241)
    np.testing.assert_allclose(
        per_day.table, frame["hazard_day"][0] * per_day.table / per_day.table[0, 0, 0, 0]
    )
    assert per_day.rate(60, 2000, 1) == pytest.approx(0.016, rel=1e-12)


def test_bands_hold_until_the_next():
    frame = small(ages=[0, 1, 5], years=[1990, 1995])
    table = made(frame, bands=("age", "year"), last_year=1999)
    assert table.ages.tolist() == [0, 1, 2, 3, 4, 5]
    assert table.years.tolist() == list(range(1990, 2000))
    assert table.rate([4, 1], 1994, 1) == pytest.approx([0.01 + 1e-4 - 1e-5] * 2, rel=1e-12)
    assert table.rate(7, 1999, 2) == pytest.approx(0.02 + 5e-4 - 5e-6, rel=1e-12)


def test_strata_are_tables_of_their_own():
    frame = pl.concat(
        [small().with_columns(region=pl.lit("north")), small().with_columns(region=pl.lit("south"))]
    ).with_columns(hazard_year=pl.col("hazard_year") * (1 + (pl.col("region") == "south")))
    table = made(frame, strata="region")
    assert table.strata["region"].to_list() == ["north", "south"]
    np.testing.assert_allclose(table.table[1], 2 * table.table[0])
    assert table.to_frame().columns == ["region", "sex", "age", "year", "hazard_year", "q_year"]
    assert table.life_expectancy(2000, "male", age=60)["region"].to_list() == ["north", "south"]
    assert "2 strata by region" in repr(table)


@pytest.mark.parametrize("values", [["male", "female"], [1, 2], [1.0, 2.0]])
def test_a_sex_is_known_by_its_label_or_its_code(values):
    assert made().codes(pl.Series(values)).tolist() == [0, 1]
    assert made().codes(pl.Series(values).cast(pl.String).cast(pl.Categorical)).tolist() in ([0, 1], [-1, -1])


@pytest.mark.parametrize(
    "values",
    [["M", "F"], ["man", "kvinna"], ["Male", "Female"], ["1", "2"], [0, 3], [True, False], ["m", "f"]],
)
def test_a_sex_is_never_guessed(values):
    assert (made().codes(pl.Series(values)) == -1).all()


def test_a_declared_map_names_the_label_of_each_value():
    assert made().codes(pl.Series(["K", "M", "?"]), {"M": "male", "K": "female"}).tolist() == [1, 0, -1]
    # the map stands for itself: the codes of the table are not used beside it
    assert made().codes(pl.Series([0, 1, 2]), {0: "male", 1: "female"}).tolist() == [0, 1, -1]
    assert_refused(
        lambda: made().codes(pl.Series([0]), {0: "men"}), argument="sexes", says=["'men' is not one of"]
    )


def test_finnish_codes_are_taken_only_when_declared():
    assert (hem.data.life_table("finland").codes(pl.Series([0, 1])) == -1).all()
    declared = hem.data.life_table("finland", sexes={"male": 0, "female": 1})
    assert declared.codes(pl.Series([0, 1])).tolist() == [0, 1]
    assert declared.rate(70, 2000, 0) > declared.rate(70, 2000, 1)


def test_recoded_keeps_the_rates_and_the_old_table():
    table = made()
    other = table.recoded({"female": "K", "male": "M"})
    assert other.codes(pl.Series(["M", "K"])).tolist() == [0, 1]
    assert table.codes(pl.Series([1, 2])).tolist() == [0, 1]
    assert other.table is table.table
    assert_refused(lambda: table.recoded({"men": 1, "women": 2}), argument="sexes")


@given(rate=st.floats(1e-6, 2.0), age=st.integers(0, 99))
def test_under_one_rate_the_expected_life_is_its_inverse(rate: float, age: int):
    rows = pl.DataFrame({"sex": "all", "age": range(100), "year": 2000, "hazard_year": rate})
    found = LifeTable(rows).life_expectancy(age=age)["estimate"].item()
    assert found == pytest.approx(1 / rate, rel=1e-9)


def test_ages_at_which_nobody_dies_are_lived():
    rows = pl.DataFrame({"sex": "all", "age": [0, 1], "year": 2000, "hazard_year": [0.0, 0.5]})
    assert LifeTable(rows).life_expectancy()["estimate"].item() == pytest.approx(3.0)


def test_a_table_is_frozen_and_tells_what_it_is():
    table = made(name="Small")
    with pytest.raises(AttributeError):
        table.name = "other"  # type: ignore[misc]
    assert repr(table).splitlines()[0] == (
        "Small: death rates by sex, age 60-63 (open) and calendar year 2000-2002"
    )
    assert "life expectancy at age 60 2002" in repr(table)
    assert table.summary().row(0) == ("Small", 60, 63, 2000, 2002, 2, 1, 365.25)
    assert "&lt;" not in table._repr_html_()
    assert "turn on birthdays" in repr(made(year_turns="birthday"))


def test_pandas_and_lazy_frames_are_read():
    np.testing.assert_array_equal(made(small().lazy()).table, made().table)
    np.testing.assert_array_equal(made(small().to_pandas()).table, made().table)


# --- refusals


def test_rows_that_are_doubled_are_refused():
    doubled = pl.concat([small(), small().head(2)])
    assert_refused(
        lambda: made(doubled), argument="frame", rows=[25, 26], says=["2 rows whose sex, age and year"]
    )


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        (pl.col("age") != 62, "holds no age 62 between 60 and 63"),
        (pl.col("year") != 2001, "holds no year 2001 between 2000 and 2002"),
        (~((pl.col("age") == 62) & (pl.col("sex") == 2)), "no row for 3 cells"),
    ],
)
def test_gaps_are_refused(keep, says):
    assert_refused(lambda: made(small().filter(keep)), argument="frame", says=[says])


def test_missing_rates_are_refused_or_carried_from_the_age_below():
    old = pl.when(pl.col("age") < 62).then(pl.col("hazard_year")).alias("hazard_year")
    frame = small().with_columns(old)
    assert_refused(lambda: made(frame), argument="frame", says=["12 cells without a rate"])
    table = assert_warns(
        lambda: made(frame, missing_rates="previous age"), argument="frame", says=["12 cells"]
    )
    np.testing.assert_array_equal(table.table[:, :, 3], table.table[:, :, 1])
    young = small().with_columns(pl.when(pl.col("age") > 60).then("hazard_year").alias("hazard_year"))
    assert_refused(
        lambda: made(young, missing_rates="previous age"), argument="frame", says=["some of the lowest age"]
    )


def test_a_table_that_ends_in_certain_death_needs_a_rate_for_it():
    q = pl.when(pl.col("age") == 63).then(1.0).otherwise(0.1).alias("q")
    assert_refused(lambda: made(small().with_columns(q), q="q"), argument="frame", says=["q is 1"])
    table = assert_warns(
        lambda: made(small().with_columns(q), q="q", missing_rates="previous age"), argument="frame"
    )
    assert table.rate(63, 2000, 1) == pytest.approx(-np.log(0.9))


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("rate", -0.1, "1 value below zero"), ("rate", float("inf"), "1 value that are infinite"),
        ("q", -0.1, "1 value below zero"), ("q", 1.5, "1 value above 1"),
    ],
)  # fmt: skip
def test_impossible_rates_are_refused(column, value, says):
    changed = small().with_columns(
        pl.when(pl.int_range(pl.len()) == 4).then(value).otherwise("hazard_year").alias("h")
    )
    assert_refused(lambda: made(changed, **{column: "h"}), argument=column, column="h", rows=[5], says=[says])


@pytest.mark.parametrize(
    ("deaths", "people", "argument"),
    [(-1.0, 10.0, "deaths"), (1.0, -1.0, "population"), (1.0, 0.0, "deaths")],
)
def test_impossible_counts_are_refused(deaths, people, argument):
    frame = small().with_columns(d=pl.lit(deaths), n=pl.lit(people))
    assert_refused(
        lambda: made(frame, deaths="d", population="n"), argument=argument,
        column="d" if argument == "deaths" else "n", rows=range(1, 25),
    )  # fmt: skip


def test_rates_that_disagree_with_the_probabilities_are_refused():
    frame = small().with_columns(q=(1 - (-pl.col("hazard_year")).exp()) * 1.5)
    assert_refused(
        lambda: made(frame, rate="hazard_year", q="q"), argument="rate", column="hazard_year",
        rows=range(1, 25), says=["disagree in 24 rows by more than 20%"],
    )  # fmt: skip
    made(frame, q="q")


@pytest.mark.parametrize(
    "columns",
    [{"deaths": "hazard_year"}, {"population": "age"}, {"deaths": "age", "population": "age", "q": "age"}],
)
def test_counts_come_together_and_alone(columns):
    assert_refused(lambda: made(**columns), argument="deaths")


@pytest.mark.parametrize("sexes", [None, {}, {1: "male", 2: "female"}])
def test_codes_without_their_meaning_are_refused(sexes):
    assert_refused(lambda: LifeTable(small(), sexes=sexes), argument="sexes", column="sex")


def test_a_sex_that_was_not_declared_is_refused_with_its_number_of_rows():
    refusal = assert_refused(
        lambda: made(sexes={"male": 1}), argument="sex", column="sex", rows=range(13, 25),
        says=["2 (12 rows)", "'male' or 1"],
    )  # fmt: skip
    assert refusal.remedy.startswith("sexes=")


@pytest.mark.parametrize(
    "sexes", [{"male": 1, "female": 1}, {"male": "female", "female": "male"}, {"male": 1, "female": 1.0}]
)
def test_a_value_that_means_two_sexes_is_refused(sexes):
    for call in (lambda: made().recoded(sexes), lambda: hem.data.life_table("sweden", sexes=sexes)):
        assert_refused(call, argument="sexes", says=["would mean two sexes"])
    assert_refused(lambda: made(sexes=sexes), argument="sexes", says=["would mean two sexes"])
    assert list(made().recoded({"male": "male", "female": "woman"}).sexes) == ["male", "female"]


def test_true_and_false_are_sexes_if_they_are_declared():
    values = pl.Series([True, False])
    assert made().codes(values).tolist() == [-1, -1]
    assert made().codes(values, {True: "female", False: "male"}).tolist() == [1, 0]
    assert made().recoded({"male": False, "female": True}).codes(values).tolist() == [1, 0]


def test_values_that_look_like_identifiers_are_counted_not_shown():
    for person in (pl.Series(["SE-9876543"] * 24), pl.Series(range(24))):
        refusal = assert_refused(
            lambda person=person: made(small().with_columns(sex=person)), argument="sex", column="sex",
            rows=[row + 1 for row, value in enumerate(person) if value not in (1, 2)], says=["value"],
        )  # fmt: skip
        assert "9876543" not in str(refusal)
        assert "17 (1 row)" not in str(refusal)


def test_ages_are_whole():
    wrong = small().with_columns(pl.col("age") + 0.5)
    assert_refused(lambda: made(wrong), argument="age", column="age", rows=range(1, 25))


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"days_per_year": 360}, "days_per_year"), ({"bands": ("month",)}, "bands"), ({"per": "week"}, "per"),
        ({"missing_rates": "zero"}, "missing_rates"), ({"year_turns": "Easter"}, "year_turns"),
        ({"last_year": 1990}, "last_year"),
    ],
)  # fmt: skip
def test_options_that_are_none_are_refused(options, argument):
    assert_refused(lambda: made(**options), argument=argument)


@pytest.mark.parametrize(
    "cell",
    [
        (59, 2000, "male"),
        (60, 1999, "male"),
        (60, 2003, 1),
        (60, 2000, "m"),
        (60, 2000, 3),
        (np.nan, 2000, 1),
        (np.inf, 2000, 1),
        (60, np.nan, 1),
    ],
)
def test_a_rate_outside_the_table_is_refused(cell):
    assert_refused(lambda: made().rate(*cell), argument="age, year, sex", says=["1 cell"])
    for stratum in (1, -1):
        assert_refused(lambda s=stratum: made().rate(60, 2000, 1, stratum=s), argument="stratum")


@pytest.mark.parametrize(
    ("asked", "argument"),
    [({"year": 1990}, "year"), ({"sex": "m"}, "sex"), ({"age": 10}, "age")],
)
def test_life_expectancy_of_nothing_known_is_refused(asked, argument):
    assert_refused(lambda: made().life_expectancy(**{"age": 60, **asked}), argument=argument)


def test_a_country_without_a_table_is_refused_with_the_nearest():
    refusal = assert_refused(lambda: hem.data.life_table("Sweeden"), argument="country")
    assert refusal.remedy == "country='sweden'"
    assert_refused(lambda: hem.data.life_table("Utopia"), argument="country", says=["from_hmd"])
    assert_refused(lambda: hem.data.life_table("sweden", sexes={"man": 1}), argument="sexes")


def test_labels_of_patients_that_the_table_does_not_have():
    refusal = assert_refused(
        lambda: made().codes(pl.Series(["K"]), {"female": "K"}), argument="sexes", says=["'K' is not one of"]
    )
    assert refusal.remedy == "sexes={...: 'male', ...: 'female'}"
