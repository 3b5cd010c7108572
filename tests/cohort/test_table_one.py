"""Table 1: numbers by hand and by R, and nothing that names a patient."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close
from refusals import assert_refused

import hemresearch as hem
from hemresearch.cohort import table_one

STAGE = pl.Enum(["I", "II", "III", "IV"])
PATIENTS = pl.DataFrame(
    {
        "age": [40, 50, 60, 70, None, 45],
        "wbc": [1.5, 2.5, float("nan"), 4.0, 10.5, 6.0],
        "sex": ["w", "m", "w", None, "w", "m"],
        "stage": pl.Series(["II", "I", "II", "IV", "I", "II"], dtype=STAGE),
        "dead": [0, 1, 1, 0, 0, 1],
        "relapse": [True, None, False, True, False, False],
        "arm": ["A", "A", "A", "B", "B", "B"],
    }
)
MGUS = hem.data.load("mgus2").with_columns(
    age_group=pl.when(pl.col("age") < 60)
    .then(pl.lit("young"))
    .when(pl.col("age") < 75)
    .then(pl.lit("middle"))
    .otherwise(pl.lit("old"))
)


def rows(one, variable, *columns, group="Overall"):
    frame = one.to_frame().filter(pl.col("variable") == variable, pl.col("group") == group)
    return frame.select(columns).rows()


def test_numbers_by_hand():
    one = table_one(PATIENTS, by="arm")
    assert_close(
        rows(one, "age", "n", "n_missing", "mean", "sd", "median", "q1", "q3", "min", "max")[0],
        [5, 1, 53, math.sqrt(145), 50, 45, 60, 40, 70],
    )
    assert_close(rows(one, "wbc", "n", "n_missing", "mean", "median", group="A")[0], [2, 1, 2, 2])
    assert one.groups().rows() == [("Overall", 6), ("A", 3), ("B", 3)]


def test_shares_are_of_those_with_a_value():
    one = table_one(PATIENTS, by="arm")
    assert rows(one, "sex", "level", "n", "n_missing", "share") == [("m", 2, 1, 0.4), ("w", 3, 1, 0.6)]
    assert rows(one, "relapse", "level", "n", "share", group="A") == [("no", 1, 0.5), ("yes", 1, 0.5)]
    assert rows(one, "dead", "level", "n", "n_missing", "share")[1] == ("yes", 3, 0, 0.5)


def test_the_levels_of_an_enum_keep_their_order_and_their_zeros():
    one = table_one(PATIENTS, variables="stage")
    assert rows(one, "stage", "level", "n") == [("I", 2), ("II", 3), ("III", 0), ("IV", 1)]
    text = PATIENTS.with_columns(pl.col("stage").cast(pl.String).cast(pl.Categorical))
    assert rows(table_one(text, variables="stage"), "stage", "level", "n") == [("I", 2), ("II", 3), ("IV", 1)]


def test_numbers_can_be_categories():
    one = table_one(PATIENTS, variables=["age", "wbc", "dead"], categorical=["age", "wbc", "dead"])
    assert rows(one, "age", "level", "n")[:2] == [("40", 1), ("45", 1)]
    assert rows(one, "wbc", "level", "n", "n_missing")[-1] == ("10.5", 1, 1)
    assert rows(one, "dead", "level", "n") == [("0", 3), ("1", 3)]
    assert one.kinds == {"age": "category", "wbc": "category", "dead": "category"}


def test_differences_by_r():
    one = table_one(MGUS, variables=["age", "hgb", "sex", "age_group"], by="death")
    # sqrt(t(d) %*% solve(S) %*% d) in R, with S the mean of the two covariances
    expected = [0.884082385698682, 0.420907280964407, 0.110029528544585, 0.802520944377934]
    assert_close(one.differences()["smd"], expected)
    found = rows(one, "hgb", "mean", "sd", "q1", "median", "q3", group="1")[0]
    assert_close(found, [13.06185997910136, 2.10910505947944, 11.7, 13.3, 14.6])


def test_a_difference_of_three_levels_by_hand():
    # d = (0, -1/4); S = [[3/16, -3/32], [-3/32, 7/32]]; d' S^-1 d = 4/11
    data = pl.DataFrame({"x": list("aabc") + list("abcc"), "g": [1] * 4 + [2] * 4})
    assert_close(table_one(data, by="g").differences()["smd"], [math.sqrt(4 / 11)])


def test_a_difference_is_infinite_between_different_constants():
    data = pl.DataFrame(
        {"x": [1.5, 1.5, 2, 2], "s": ["a", "a", "b", "c"], "y": [0, 0, 1, 1], "g": [1, 1, 2, 2]}
    )
    one = table_one(data, by="g")
    assert one.differences()["smd"].to_list() == [math.inf] * 3
    assert one.cells().body[0][-1] == "∞"


def test_a_difference_is_null_where_a_group_has_no_value():
    data = pl.DataFrame({"x": [1.0, 2, None, None], "s": ["a", "b", None, None], "g": [1, 1, 2, 2]})
    one = table_one(data, by="g")
    assert one.differences()["smd"].to_list() == [None, None]
    assert rows(one, "s", "n", "share", group="2")[0] == (0, None)
    assert one.cells().body[0][-2:] == ("–", "–")


def test_with_three_groups_the_largest_difference_is_shown():
    one = table_one(PATIENTS, variables=["age", "wbc"], by="stage")
    pairs = one.differences().filter(pl.col("variable") == "age")
    assert pairs.select("group_1", "group_2").rows() == [("I", "II"), ("I", "IV"), ("II", "IV")]
    assert one.to_frame().filter(pl.col("variable") == "age")["smd"].unique().to_list() == [
        pairs["smd"].max()
    ]
    assert one.cells().footnotes == ("SMD: standardized mean difference, the largest of any two groups.",)


numbers = st.lists(st.integers(-50, 50), min_size=2, max_size=20)


@settings(max_examples=40, deadline=None)
@given(numbers, st.floats(0.1, 10), st.floats(-5, 5))
def test_a_difference_does_not_depend_on_the_unit(values, scale, shift):
    half = len(values) // 2
    data = pl.DataFrame({"x": [float(v) for v in values], "g": [0] * half + [1] * (len(values) - half)})
    other = data.with_columns(pl.col("x") * scale + shift)
    first, second = (table_one(d, by="g").differences()["smd"][0] for d in (data, other))
    if first is not None and math.isfinite(first):
        assert second == pytest.approx(first, rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), min_size=2, max_size=20))
def test_equal_groups_do_not_differ(pairs):
    x, s = zip(*pairs, strict=True)
    one = pl.DataFrame({"x": [v / 10 for v in x], "s": s})
    both = pl.concat([one.with_columns(g=pl.lit(g)) for g in ("A", "B", "C")])
    assert table_one(both, by="g").differences()["smd"].to_list() == [0.0] * 6


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=20), st.permutations("abc"))
def test_a_difference_does_not_depend_on_the_order_of_the_levels(levels, order):
    data = pl.DataFrame({"s": levels, "g": ["A", *["B"] * (len(levels) - 1)]})
    other = data.with_columns(pl.col("s").cast(pl.Enum(order)))
    first, second = (table_one(d, by="g").differences()["smd"][0] for d in (data, other))
    assert first == pytest.approx(second, rel=1e-9, abs=1e-9)


def test_everybody_twice_has_twice_the_counts_and_the_same_shares():
    one = table_one(PATIENTS, by="arm").to_frame()
    two = table_one(pl.concat([PATIENTS] * 2), by="arm").to_frame()
    assert (2 * one["n"]).equals(two["n"])
    assert (2 * one["n_missing"]).equals(two["n_missing"])
    for column in ("share", "mean", "min", "max"):
        assert_close(two[column], one[column])


def test_the_counts_of_a_variable_add_up():
    one = table_one(PATIENTS, by=["arm", "dead"])
    levels = one.to_frame().filter(pl.col("level").is_not_null())
    totals = levels.group_by("variable", "group", maintain_order=True).agg(
        pl.col("n").sum() + pl.col("n_missing").first()
    )
    checked = totals.join(one.groups(), on="group", how="left")
    assert checked["n"].equals(checked["n_right"].alias("n"))
    assert one.groups()["group"].to_list()[1:] == [
        "arm=A, dead=0",
        "arm=A, dead=1",
        "arm=B, dead=0",
        "arm=B, dead=1",
    ]


@pytest.mark.parametrize("convert", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_any_table_comes_in(convert):
    data = PATIENTS.drop("relapse", "stage").drop_nulls("age")
    expected = table_one(data, by="arm").to_frame()
    assert table_one(convert(data), by="arm").to_frame().equals(expected)


def test_expressions_are_variables_too():
    decade = (pl.col("age") // 10 * 10).alias("decade")
    one = table_one(PATIENTS, variables=[decade, "sex"], by=pl.col("dead").cast(pl.Boolean).alias("died"))
    assert list(one.kinds) == ["decade", "sex"]
    assert one.by == ("died",)


def test_rows_without_a_group_can_be_left_out_and_are_counted():
    data = PATIENTS.with_columns(arm=pl.when(pl.col("age") < 45).then(None).otherwise("arm"))
    one = table_one(data, by="arm", missing="drop")
    assert (one.n, one.n_dropped) == (5, 1)
    assert "1 row without a group left out" in repr(one)
    assert one.cells().footnotes[-1] == "1 without arm left out."


def test_the_cells_of_a_journal():
    one = table_one(
        PATIENTS,
        by="arm",
        statistic={"age": "range", "wbc": "mean"},
        labels={"age": "Age, years", "arm": "Treatment", "A": "Standard", "w": "Women", "Overall": "All"},
    )
    table = one.cells()
    assert table.header == ("", "All (n=6)", "Standard (n=3)", "B (n=3)", "SMD")
    assert table.spanners == (("Treatment", 2, 3),)
    assert table.body[:7] == (
        ("Age, years, median (range)", "50.0 (40.0–70.0)", "50.0 (40.0–60.0)", "57.5 (45.0–70.0)", "0.52"),
        ("Missing", "1", "0", "1", ""),
        ("wbc, mean (SD)", "4.90 (3.56)", "2.00 (0.71)", "6.83 (3.33)", "2.01"),
        ("Missing", "1", "1", "0", ""),
        ("sex, n (%)", "", "", "", "0.34"),
        ("m", "2 (40.0)", "1 (33.3)", "1 (50.0)", ""),
        ("Women", "3 (60.0)", "2 (66.7)", "1 (50.0)", ""),
    )
    assert table.kinds[:6] == ("plain", "indented", "plain", "indented", "heading", "indented")
    assert table.footnotes == (
        "Percentages are of those with a known value.",
        "SMD: standardized mean difference.",
    )


def test_the_decimals_are_those_of_the_values_or_as_asked():
    def shown(**options):
        return table_one(PATIENTS, variables=["age", "wbc"], **options).cells().body[::2]

    assert [row[1] for row in shown()] == ["50 (45–60)", "4.0 (2.5–6.0)"]
    assert [row[1] for row in shown(decimals=2)] == ["50.00 (45.00–60.00)", "4.00 (2.50–6.00)"]
    assert [row[1] for row in shown(decimals={"wbc": 0})] == ["50 (45–60)", "4 (2–6)"]


def test_numbers_below_zero_have_a_minus_sign():
    data = pl.DataFrame({"x": [-1.5, -2.5, 0.5]})
    assert table_one(data).cells().body[0][1] == "−1.5 (−2.0 to −0.5)"
    assert table_one(data, statistic="mean").cells().body[0][1] == "−1.17 (1.53)"


def test_without_groups_there_is_no_comparison():
    one = table_one(PATIENTS, variables=["age", "sex"])
    assert one.differences().height == 0
    assert one.to_frame()["smd"].null_count() == 3
    assert one.cells().header == ("", "Overall (n=6)")
    assert one.cells().spanners == ()


def test_the_texts():
    one = table_one(PATIENTS, variables=["age", "sex", "dead"], by="arm")
    assert repr(one).splitlines() == [
        "Table 1: n=6 by arm (A: 3, B: 3)",
        "  age: median 50 (45–60), 1 missing, SMD 0.5222",
        "  sex: m 2 (40.0%), w 3 (60.0%), 1 missing, SMD 0.343",
        "  dead: yes 3 (50.0%), SMD 0.7071",
    ]
    assert one.text() == (
        "n=6. age: median 50 (45–60), 1 missing; sex: m 2 (40.0%), w 3 (60.0%), 1 missing; "
        "dead: yes 3 (50.0%)"
    )
    assert one.summary().row(0)[:4] == (6, 2, 3, 0)
    many = pl.DataFrame({f"x{i}": [1.5, 2.5] for i in range(12)})
    assert repr(table_one(many)).splitlines()[-1] == "  and 5 more"


def test_the_html_is_a_table_of_the_same_cells():
    one = table_one(PATIENTS, by="arm", labels={"sex": "Sex <b>"})
    page = one._repr_html_()
    assert "Sex &lt;b&gt;, n (%)" in page
    assert page.count("<tr>") == len(one.cells().body) + 2
    assert one._repr_html_() == page
    assert "colspan" not in table_one(PATIENTS, variables="age")._repr_html_()


def test_an_empty_column_has_only_missing_values():
    data = pl.DataFrame({"x": pl.Series([None, None]), "y": pl.Series([None, None], dtype=pl.Float64)})
    one = table_one(data)
    assert rows(one, "x", "level", "n", "n_missing") == [(None, 0, 2)]
    assert one.cells().body == (
        ("x, n (%)", ""),
        ("Missing", "2"),
        ("y, median (Q1–Q3)", "–"),
        ("Missing", "2"),
    )


def test_columns_that_name_patients_are_refused_without_a_value():
    data = pl.DataFrame({"name": [f"person{i}" for i in range(20)], "id": range(1, 21), "age": [50.5] * 20})
    refusal = assert_refused(
        lambda: table_one(data),
        argument="variables",
        column="name",
        says=["looks like an identifier: 20 distinct values in 20 rows", "variables=['age']", "categories"],
    )
    assert "person" not in str(refusal)
    assert_refused(
        lambda: table_one(data, variables="id"),
        argument="variables",
        column="id",
        says=["the numbers 1 to 20, each once"],
    )


def test_personal_numbers_are_refused_without_a_value():
    from hemresearch.personal_numbers import check_digit

    numbers = [f"8901{day:02d}980" for day in range(1, 13)]
    texts = [n + check_digit(n) for n in numbers]
    few = pl.DataFrame({"note": [f"see {texts[0]}", "nothing", "nothing"]})
    refusal = assert_refused(
        lambda: table_one(few), argument="variables", column="note", says=["holds personal numbers"]
    )
    assert texts[0] not in str(refusal)
    whole = pl.DataFrame({"pnr": [int(t) for t in texts]})
    assert_refused(
        lambda: table_one(whole), argument="variables", column="pnr", says=["holds personal numbers"]
    )


def test_personal_numbers_cannot_name_the_groups():
    from hemresearch.personal_numbers import check_digit

    number = "890101980" + check_digit("890101980")
    for values in ([number, "unit 2"], [f"see {number}", None], [int(number), 2], [float(number), None]):
        data = pl.DataFrame({"unit": values * 2, "age": [50, 60, 70, 80]})
        refusal = assert_refused(
            lambda data=data: table_one(data, by="unit", missing="drop"),
            argument="by",
            column="unit",
            says=["personal numbers", "by=pl.col('unit').rank('dense').alias('unit_code')"],
        )
        assert number not in str(refusal)
        coded = table_one(
            data, variables="age", by=pl.col("unit").rank("dense").alias("unit_code"), missing="drop"
        )
        assert number not in repr(coded)


def test_an_empty_text_is_a_level_like_others():
    one = table_one(pl.DataFrame({"x": ["", "x"] * 5}))
    assert one.to_frame().select("level", "n", "share").rows() == [("", 5, 0.5), ("x", 5, 0.5)]
    assert one.text().count("5 (50.0%)") == 2


def test_zeros_and_ones_are_yes_or_no_also_where_a_missing_value_made_them_floats():
    data = pl.DataFrame({"relapse": [0, 1, None, 1], "dose": [0, 0.5, 1, None]}, strict=False).to_pandas()
    assert data["relapse"].dtype == "float64"
    one = table_one(data)
    assert one.kinds == {"relapse": "yes or no", "dose": "number"}
    rows = one.to_frame().filter(variable="relapse").select("level", "n", "n_missing", "share").rows()
    assert rows == [("no", 1, 1, 1 / 3), ("yes", 2, 1, 2 / 3)]
    plain = pl.DataFrame({"x": [0.0, 1.0, float("nan")]})
    assert table_one(plain).kinds == {"x": "yes or no"}
    assert table_one(plain, categorical=["x"]).kinds == {"x": "category"}


def test_too_many_categories_are_refused():
    data = pl.DataFrame({"icd": [f"C{i % 60}" for i in range(300)], "age": [1.5] * 300})
    assert_refused(
        lambda: table_one(data), argument="variables", column="icd", says=["has 60 levels", "['age']"]
    )


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pl.Series([None, 1], dtype=pl.Date), ["holds Date", "pl.col('x').dt.year().alias('x')"]),
        (pl.Series([None, 1], dtype=pl.Duration), ["dt.total_days()"]),
        (pl.Series([[1], [2]]), ["holds List(Int64)", "variables without it"]),
    ],
)
def test_dates_and_lists_are_refused(values, says):
    assert_refused(lambda: table_one(pl.DataFrame({"x": values})),
                   argument="variables", column="x", says=says)  # fmt: skip


def test_infinite_values_are_refused_with_their_rows():
    data = PATIENTS.with_columns(wbc=pl.Series([1.0, math.inf, 2, 3, -math.inf, 1]))
    assert_refused(
        lambda: table_one(data, variables="wbc"),
        argument="variables",
        column="wbc",
        rows=[2, 5],
        says=["2 infinite values", "finite numbers", "with_columns"],
    )


def test_a_missing_group_is_refused_with_its_rows():
    data = PATIENTS.with_columns(arm=pl.when(pl.col("age") < 45).then(None).otherwise("arm"))
    assert_refused(
        lambda: table_one(data, by="arm"), argument="by", column="arm", rows=[1], says=['missing="drop"']
    )


def test_wrong_names_are_refused():
    def one(**options):
        return lambda: table_one(PATIENTS, variables=["age", "sex"], **options)

    assert_refused(
        one(labels={"agee": "Age"}), argument="labels", says=["'agee' is not in the table", "'age'"]
    )
    assert_refused(one(statistic={"sex": "mean"}), argument="statistic", says=["'sex' is not", "numeric"])
    assert_refused(one(statistic="average"), argument="statistic", says=["'median', 'range', 'mean'"])
    assert_refused(one(decimals={"sex": 1}), argument="decimals", says=["'sex' is not in the table"])
    assert_refused(one(decimals=-1), argument="decimals", says=["-1 was given", "whole number", "decimals=1"])
    assert_refused(one(categorical=["dead"]), argument="categorical", column="dead", says=["some of the 2"])
    assert_refused(one(overall=""), argument="overall", says=["'' was given", "overall='All patients'"])
    assert_refused(one(by="arm", overall="A"), argument="overall", says=["'A' is the name of a group"])
    assert_refused(one(missing="keep"), argument="missing", says=["'raise', 'drop'"])
    assert_refused(
        lambda: table_one(PATIENTS.select("arm"), by="arm"),
        argument="variables",
        says=["no column is left", "variables=['age', 'sex']"],
    )


def test_years_of_the_calendar_have_no_separator():
    columns = {"dxyr": [1975, 1984, 1991], "days_of_a_year": [1975, 2984, 1991], "ldh": [1900, 1950, 2000]}
    data = pl.DataFrame(columns)
    cells = [row[1] for row in table_one(data, variables=list(columns)).cells().body]
    assert cells == ["1984 (1980–1988)", "1,991 (1,983–2,488)", "1,950 (1,925–1,975)"]
    called = table_one(data, variables=["ldh"], labels={"ldh": "Year of birth"}, statistic="range")
    assert called.cells().body[0][1] == "1950 (1900–2000)"
    spread = table_one(data, variables=["dxyr"], statistic="mean")
    assert spread.cells().body[0][1] == "1983 (8)"
