"""Designs: the columns R would make, the same from a list as from a formula, and again for new data."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemresearch.columns import read_table
from hemresearch.design import Design, build_design, covariate_columns, read_design
from hemresearch.errors import FormulaError
from hemresearch.numerics.splines import harrell_knots

REFERENCE = json.loads((Path(__file__).parent / "reference" / "design.json").read_text())
COHORT = pl.DataFrame(REFERENCE["data"], strict=False)
NEW = pl.DataFrame(REFERENCE["new"], strict=False)


def refusal(call, *parts, argument="covariates", column=None, rows=()):
    """The message of a refusal that has all its parts."""
    with pytest.raises(FormulaError) as caught:
        call()
    error, message = caught.value, str(caught.value)
    assert (error.argument, error.column, error.rows) == (argument, column, tuple(rows))
    for part in [f"{argument}: ", "Expected ", "Try ", *([repr(column)] if column else []), *parts]:
        assert part in message
    return message


# --- equal to R ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["formula"])
def test_the_columns_are_those_of_model_matrix_also_for_new_data(case):
    design = build_design(COHORT, case["formula"])
    np.testing.assert_allclose(design.matrix, np.transpose(case["columns"]), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(design.apply(NEW), np.transpose(case["new"]), rtol=1e-10, atol=1e-10)


def test_knots_are_those_of_rms_and_are_kept_and_printed():
    design = build_design(COHORT, "rcs(wbc, df=3)")
    np.testing.assert_allclose(design.knots["rcs(wbc, df=3)"], REFERENCE["knots"])
    assert repr(design) == (
        "Design: 120 rows, 3 columns, 1 term\n  rcs(wbc, df=3): 3 columns, knots 1.589 5.563 10.83 38.64"
    )


def test_the_knots_of_ns_are_its_inner_and_boundary_knots():
    age = COHORT["age"]
    low, *inner, high = build_design(COHORT, "ns(age, df=3)").knots["ns(age, df=3)"]
    assert (low, high) == (age.min(), age.max())
    np.testing.assert_allclose(inner, np.quantile(age, [1 / 3, 2 / 3]))


def test_rcs_of_df_has_one_knot_more_and_starts_with_the_column_itself():
    design = build_design(COHORT, "rcs(age, df=4)")
    assert design.knots["rcs(age, df=4)"] == tuple(harrell_knots(COHORT["age"], 5))
    np.testing.assert_array_equal(design.matrix[:, 0], COHORT["age"])


# --- names -----------------------------------------------------------------------------------------------


def test_terms_and_columns_carry_the_agreed_names():
    design = build_design(COHORT, "age * sex + C(group) + rcs(wbc, df=3) + flag + log(wbc):sex")
    assert design.columns == (
        "age",
        "sex[M]",
        "group[B]",
        "group[C]",
        "rcs(wbc, df=3)[1]",
        "rcs(wbc, df=3)[2]",
        "rcs(wbc, df=3)[3]",
        "flag[True]",
        "age:sex[M]",
        "log(wbc):sex[F]",
        "log(wbc):sex[M]",
    )
    assert design.terms == {
        "age": slice(0, 1),
        "sex": slice(1, 2),
        "C(group)": slice(2, 4),
        "rcs(wbc, df=3)": slice(4, 7),
        "flag": slice(7, 8),
        "age:sex": slice(8, 9),
        "log(wbc):sex": slice(9, 11),
    }
    assert design.reference == {"sex": "F", "group": "A", "flag": "False"}


def test_swedish_letters_and_spaces_work_in_formulas_and_lists():
    frame = pl.DataFrame({"Ålder vid diagnos": [61.0, 74, 58], "kön": ["M", "K", "M"]})
    formula = build_design(frame, "`Ålder vid diagnos` * kön")
    assert formula.columns == ("Ålder vid diagnos", "kön[M]", "Ålder vid diagnos:kön[M]")
    listed = build_design(frame, ["Ålder vid diagnos", "kön"])
    assert listed.columns == ("Ålder vid diagnos", "kön[M]")
    np.testing.assert_array_equal(listed.matrix, [[61, 1], [74, 0], [58, 1]])


# --- levels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_text_and_categorical_levels_are_sorted_and_the_first_is_the_reference(dtype):
    frame = pl.DataFrame({"arm": pl.Series(["C", "A", "B", "A"], dtype=dtype)})
    design = build_design(frame, "arm")
    assert design.columns == ("arm[B]", "arm[C]")
    assert design.reference == {"arm": "A"}
    np.testing.assert_array_equal(design.matrix, [[0, 1], [0, 0], [1, 0], [0, 0]])


def test_an_enum_keeps_its_order_and_lists_levels_without_rows():
    risk = pl.Enum(["low", "intermediate", "high", "unknown"])
    frame = pl.DataFrame({"risk": pl.Series(["high", "low", "intermediate", "low"], dtype=risk)})
    design = build_design(frame, ["risk"])
    assert design.columns == ("risk[intermediate]", "risk[high]")
    assert design.unused_levels == {"risk": ("unknown",)}


def test_a_boolean_is_true_against_false():
    design = build_design(pl.DataFrame({"relapsed": [True, False, True]}), "relapsed")
    assert design.columns == ("relapsed[True]",)
    np.testing.assert_array_equal(design.matrix[:, 0], [1, 0, 1])


def test_numbers_as_categories_are_sorted_as_numbers():
    design = build_design(pl.DataFrame({"stage": [10, 2, 1, 2]}), "C(stage)")
    assert design.columns == ("stage[2]", "stage[10]")
    assert design.reference == {"stage": "1"}
    np.testing.assert_array_equal(design.apply(pl.DataFrame({"stage": [10.0, 1.0]})), [[0, 1], [0, 0]])


def test_half_numbers_are_named_as_they_are():
    assert build_design(pl.DataFrame({"dose": [0.5, 1, 2.5]}), "C(dose)").columns == ("dose[1]", "dose[2.5]")


@pytest.mark.parametrize(
    ("formula", "columns", "reference"),
    [
        ('C(group, ref="B")', ("group[A]", "group[C]"), {"group": "B"}),
        ("C(stage, ref=10)", ("stage[1]", "stage[2]"), {"stage": "10"}),
        ("C(stage, ref=2.0)", ("stage[1]", "stage[10]"), {"stage": "2"}),
        ("C(stage, ref='2')", ("stage[1]", "stage[10]"), {"stage": "2"}),
        ("C(flag, ref=True)", ("flag[False]",), {"flag": "True"}),
    ],
)
def test_ref_chooses_the_reference_level(formula, columns, reference):
    design = build_design(COHORT, formula)
    assert (design.columns, design.reference) == (columns, reference)


def test_a_term_with_all_levels_has_no_reference():
    assert build_design(COHORT, "age:sex").reference == {}


# --- lists -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns", [["age", "wbc"], ["sex", "age", "flag"], ["group"], ["wbc", "group", "age"]]
)
def test_a_list_of_columns_equals_the_formula_that_adds_them_up(columns):
    listed, formula = build_design(COHORT, columns), build_design(COHORT, " + ".join(columns))
    bracketed = build_design(COHORT, "(" + " + ".join(columns) + ")")
    for other in (formula, bracketed):
        np.testing.assert_array_equal(listed.matrix, other.matrix)
        assert (listed.columns, listed.terms, listed.reference) == (
            other.columns,
            other.terms,
            other.reference,
        )


def test_a_list_may_hold_named_expressions_and_is_evaluated_again_on_new_data():
    design = build_design(COHORT, ["sex", (pl.col("age") / 10).alias("decades"), pl.col("wbc")])
    assert design.columns == ("sex[M]", "decades", "wbc")
    np.testing.assert_allclose(design.matrix[:, 1], COHORT["age"] / 10)
    np.testing.assert_allclose(design.apply(NEW)[:, 1], NEW["age"] / 10)
    one = build_design(COHORT, (pl.col("age") > 60).alias("old"))
    assert one.columns == ("old[True]",)


def test_an_expression_may_take_the_name_of_its_column():
    design = build_design(COHORT, [pl.col("wbc").log().alias("wbc")])
    np.testing.assert_allclose(design.matrix[:, 0], np.log(COHORT["wbc"]))


def test_an_expression_decides_what_is_missing():
    frame = pl.DataFrame({"ldh": [1.0, None, 3.0]})
    design = build_design(frame, [pl.col("ldh").is_null().alias("ldh_missing")])
    np.testing.assert_array_equal(design.matrix[:, 0], [0, 1, 0])


@pytest.mark.parametrize("covariates", [[], (), "1"])
def test_no_covariates_make_a_design_without_columns(covariates):
    design = build_design(COHORT, covariates)
    assert design.matrix.shape == (120, 0)
    assert design.apply(NEW).shape == (3, 0)
    assert build_design(COHORT, covariates, intercept=True).columns == ("intercept",)


# --- full rank -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "formula",
    ["sex:group", "group:sex + age", "sex + group:flag", "sex:group:flag", "age:sex:group", "age*sex:group"],
)
@pytest.mark.parametrize("intercept", [True, False])
def test_no_column_follows_from_the_others_even_in_odd_models(formula, intercept):
    design = build_design(COHORT, formula, intercept=intercept)
    with_ones = design.matrix if intercept else np.column_stack([np.ones(120), design.matrix])
    assert np.linalg.matrix_rank(with_ones) == with_ones.shape[1]


@pytest.mark.parametrize("formula", ["sex:group", "sex*group", "sex + sex:group"])
def test_every_coding_of_an_interaction_has_a_mean_per_cell(formula):
    design = build_design(COHORT, formula, intercept=True).matrix
    cells = build_design(COHORT.with_columns(cell=pl.col("sex") + pl.col("group")), ["cell"], intercept=True)
    assert design.shape == cells.matrix.shape
    np.testing.assert_allclose(
        design @ np.linalg.lstsq(design, cells.matrix, rcond=None)[0], cells.matrix, atol=1e-10
    )


def test_an_intercept_comes_first_and_changes_nothing_else():
    with_one, without = (build_design(COHORT, "age*sex", intercept=i) for i in (True, False))
    assert with_one.columns == ("intercept", *without.columns)
    assert with_one.terms["intercept"] == slice(0, 1)
    np.testing.assert_array_equal(with_one.matrix[:, 1:], without.matrix)
    np.testing.assert_array_equal(with_one.matrix[:, 0], 1)
    np.testing.assert_array_equal(with_one.apply(NEW)[:, 0], 1)


# --- again for other rows --------------------------------------------------------------------------------

FORMULA = "rcs(age, df=3) * sex + C(group, ref='C') + ns(wbc, df=2) + flag:C(stage)"


@settings(max_examples=25)
@given(rows=st.lists(st.integers(0, 119), min_size=1, max_size=10))
def test_a_row_has_the_same_columns_whatever_rows_stand_beside_it(rows):
    design = build_design(COHORT, FORMULA)
    # a product with one row may be summed in another order than one with many, as the processor likes it
    np.testing.assert_allclose(design.apply(COHORT[rows]), design.matrix[rows], rtol=1e-13, atol=1e-15)


def test_new_data_may_be_lazy_pandas_or_in_another_column_order():
    design = build_design(COHORT, FORMULA)
    expected = design.apply(NEW)
    for other in (NEW.lazy(), NEW.to_pandas(), NEW.select(reversed(NEW.columns)), NEW.to_arrow()):
        np.testing.assert_array_equal(design.apply(other), expected)


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int16, pl.UInt8, pl.Decimal(10, 2), pl.Int64])
def test_numeric_types_are_numbers(dtype):
    frame = pl.DataFrame({"x": pl.Series([3, 1, 2]).cast(dtype)})
    np.testing.assert_array_equal(build_design(frame, "x + I(x * 2)").matrix, [[3, 6], [1, 2], [2, 4]])


def test_a_boolean_counts_as_zero_and_one_in_arithmetic():
    design = build_design(COHORT, "I(flag * age)")
    np.testing.assert_array_equal(design.matrix[:, 0], COHORT["age"] * COHORT["flag"])


def test_signs_and_precedence_of_arithmetic_are_those_of_algebra():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [5.0, 7.0, 9.0]})
    design = build_design(frame, "I(-x**2 + +y / (x - 4) * 2)")
    np.testing.assert_allclose(design.matrix[:, 0], [-1 - 10 / 3, -4 - 7, -9 - 18])


def test_the_matrix_is_rows_in_c_order_and_doubles():
    matrix = build_design(COHORT, FORMULA).matrix
    assert matrix.dtype == np.float64
    assert matrix.flags.c_contiguous


def test_a_design_survives_pickling():
    design = pickle.loads(pickle.dumps(build_design(COHORT, FORMULA)))
    np.testing.assert_array_equal(design.apply(COHORT), design.matrix)


def test_a_long_design_is_shown_in_ten_lines():
    frame = pl.DataFrame({f"x{i}": [1.0, 2.0] for i in range(30)})
    lines = repr(build_design(frame, frame.columns)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "  and 22 more terms"


def test_what_is_shown_tells_knots_and_references_once():
    assert repr(build_design(COHORT, "C(group, ref='B') * sex + rcs(wbc, knots=[1, 5, 20]):sex")) == (
        "Design: 120 rows, 9 columns, 4 terms\n"
        "  C(group): 2 columns, reference B\n"
        "  sex: 1 column, reference F\n"
        "  C(group):sex: 2 columns\n"
        "  rcs(wbc, knots=[1, 5, 20]):sex: 4 columns, rcs(wbc, knots=[1, 5, 20]) knots 1 5 20"
    )


# --- with the reader of tables ---------------------------------------------------------------------------


def test_a_design_is_read_from_the_complete_rows_of_a_table():
    data = COHORT.with_row_index().with_columns(age=pl.when(pl.col("index") != 2).then("age"))
    covariates = "rcs(age, df=3) + sex"
    roles = {"covariates": covariate_columns(covariates, data)}
    design = read_design(read_table(data, roles, missing="drop"), covariates)
    complete = build_design(data.drop_nulls("age"), covariates)
    np.testing.assert_array_equal(design.matrix, complete.matrix)
    assert design.knots == complete.knots


def test_expressions_are_evaluated_once_by_the_reader_of_tables():
    covariates = [pl.col("wbc").log().alias("wbc"), "sex"]
    for data in (COHORT, COHORT.lazy(), COHORT.to_pandas()):
        frame = data if not isinstance(data, pd.DataFrame) else pl.from_pandas(data)
        table = read_table(data, {"covariates": covariate_columns(covariates, frame)})
        np.testing.assert_allclose(read_design(table, covariates).matrix[:, 0], np.log(COHORT["wbc"]))


def test_a_table_without_covariates_has_a_design_without_columns():
    assert read_design(read_table(COHORT, {"by": "sex"}), []).matrix.shape == (120, 0)


def test_refusals_name_rows_of_the_users_data():
    data = pl.DataFrame({"x": [None, 1.0, 0.0, 4.0]})
    table = read_table(data, {"covariates": "x"}, missing="drop")
    refusal(lambda: read_design(table, "log(x)"), "(row 3)", column="x", rows=[3])


def test_the_columns_of_a_formula_are_named_in_the_order_of_its_terms():
    assert covariate_columns("sex:age + rcs(wbc, df=3) + I(age * stage)", COHORT.lazy()) == [
        "wbc",
        "age",
        "stage",
        "sex",
    ]


# --- refusals --------------------------------------------------------------------------------------------


def build(covariates, frame=COHORT, **options):
    return lambda: build_design(frame, covariates, **options)


@pytest.mark.parametrize("covariates", [None, 3, {"age": 1}, b"age"])
def test_something_other_than_a_formula_or_list_is_refused(covariates):
    refusal(build(covariates), f"a {type(covariates).__name__} was given", 'covariates="age + sex"')


def test_a_list_is_refused_with_the_item_at_fault():
    refusal(build(["age", "sexx"]), "did you mean 'sex'", "covariates=['age', 'sex']", column="sexx")
    mixed = ["sexx", pl.col("age").log().alias("log_age")]
    refusal(build(mixed), "did you mean 'sex'", "Try 'sex' in the list.", column="sexx")
    refusal(build(["C(group)"]), "terms such as a:b go into a formula", column="C(group)")
    refusal(build(["age", 3]), "holds a int", "names of columns, or expressions", 'covariates=["age", "sex"]')
    refusal(build(["age", "sex", "age"]), "given twice", "covariates=['age', 'sex']", column="age")
    refusal(build([pl.col("age") * 2]), "without a name", "(...).alias('name')")
    refusal(build([pl.col("age", "wbc")]), "for several columns", "covariates=[data.columns]")
    refusal(build([pl.col("agee").log().alias("x")]), "did you mean 'age'", column="agee")
    refusal(build([pl.col("sex").dt.year().alias("x")]), "could not be evaluated", "data.select(...)")
    refusal(build(["agee"], argument="adjust"), argument="adjust", column="agee")


@pytest.mark.parametrize(
    "expression",
    [
        pl.col("age") - pl.col("age").mean(),
        pl.col("age").rank(),
        pl.col("age").cum_sum(),
        pl.col("age").shift(1).fill_null(0),
        pl.col("age").max().over("sex"),
    ],
)
def test_an_expression_that_looks_at_other_rows_is_refused(expression):
    parts = ["depends on other rows", "the same in new data", "data.with_columns((...).alias('x'))"]
    refusal(build([expression.alias("x")]), *parts, column="x")
    refusal(lambda: covariate_columns([expression.alias("x")], COHORT), *parts, column="x")


def test_no_rows_are_refused():
    refusal(build("age", COHORT.head(0)), "there are no rows", "at least one row", argument="data")


@pytest.mark.parametrize("value", [None, float("nan")])
@pytest.mark.parametrize("covariates", ["x", ["x"], "log(x)", "rcs(x, df=3)", "C(x)"])
def test_missing_values_are_refused_before_anything_is_computed(value, covariates):
    frame = pl.DataFrame({"x": [1.0, 2.0, value, 4.0, value]})
    refusal(
        build(covariates, frame),
        "2 missing values (null or NaN)",
        "(rows 3, 5)",
        'missing="drop"',
        column="x",
        rows=[3, 5],
    )


@pytest.mark.parametrize("series", [pl.Series([True, None, False]), pl.Series(["a", None, "b"])])
def test_missing_categories_are_refused(series):
    refusal(build("x", pl.DataFrame({"x": series})), "1 missing value (null", column="x", rows=[2])
    refusal(build("x", pl.DataFrame({"x": [None, None]})), "2 missing values", column="x", rows=[1, 2])


def test_infinite_values_are_refused_with_their_rows():
    frame = pl.DataFrame({"x": [1.0, float("inf"), -float("inf"), 4.0]})
    parts = ["2 infinite values", "finite numbers", "data.filter(pl.col('x').is_finite())"]
    refusal(build("x", frame), *parts, column="x", rows=[2, 3])


def test_an_undefined_result_is_refused_with_its_rows():
    frame = pl.DataFrame({"x": [1.0, 0.0, 4.0, -1.0], "y": [1.0, 2, 3, 4]})
    refusal(
        build("log(x) + y", frame),
        "no finite number in log(x)",
        "above 0",
        "log(x + 1)",
        column="x",
        rows=[2, 4],
    )
    parts = ["no finite number in I(y / x)", "data[[1]] to look at those rows"]
    refusal(build("I(y / x)", frame), *parts, column="y", rows=[2])
    refusal(build("sqrt(x)", frame), column="x", rows=[4])


@pytest.mark.parametrize(
    ("series", "remedy"),
    [
        (pl.Series([1, 2]).cast(pl.Date), "pl.col('x').dt.year()"),
        (pl.Series([1, 2]).cast(pl.Datetime("us")), "hem.times.age("),
        (pl.Series([1, 2]).cast(pl.Duration("us")), "pl.col('x').dt.total_days()"),
        (pl.Series([[1], [2]]), ".cast(pl.Float64)"),
    ],
)
def test_dates_and_nested_types_are_refused_with_a_way_out(series, remedy):
    expected = "numbers, true/false or categories"
    refusal(build(["x"], pl.DataFrame({"x": series})), "holds ", expected, remedy, column="x")


@pytest.mark.parametrize("covariates", ["log(x)", "rcs(x, df=3)", "I(x * 2)"])
def test_text_is_refused_where_a_number_is_needed(covariates):
    frame = pl.DataFrame({"x": ["1", "2", "3"]})
    refusal(build(covariates, frame), "holds text", "pl.col('x').cast(pl.Float64)", column="x")


def test_a_column_with_one_level_is_refused():
    for series in (pl.Series(["A", "A"]), pl.Series([True, True])):
        refusal(build("x", pl.DataFrame({"x": series})), "one level", "data['x'].value_counts()", column="x")


def test_an_unknown_reference_is_refused_with_near_matches():
    refusal(
        build("C(group, ref='b')"), "no level 'b'", "did you mean 'B'", 'C(group, ref="A")', column="group"
    )
    refusal(build("C(stage, ref=3)"), "no level '3'", "its levels 1, 2, 10", column="stage")


def test_an_identifier_is_refused_without_printing_it():
    frame = pl.DataFrame({"id": [f"19640823-{i:04d}" for i in range(120)]})
    for covariates in (["id"], "C(id)"):
        message = refusal(build(covariates, frame), "120 levels in 120 rows", column="id")
        assert "19640823" not in message


def test_numbers_stored_as_text_are_refused_unless_declared_categories():
    frame = pl.DataFrame({"age": [str(30 + i % 20) for i in range(200)]})
    refusal(build("age", frame), "is text", "each of its 20 levels is a number", "C()", column="age")
    assert len(build_design(frame, "C(age)").columns) == 19


@pytest.mark.parametrize(
    ("formula", "parts"),
    [
        ("rcs(age, df=1)", ["df=1", "df=2 or more", "rcs(age, df=3)"]),
        ("rcs(age, df=0)", ["df=0"]),
        ("ns(age, df=0)", ["df=0", "straight line", "ns(age, df=3)"]),
        ("rcs(age, df=200)", ["do not carry the 201 knots", "increase strictly", "rcs(age, df=6)"]),
        ("ns(age, knots=[500])", ["3 knots of ns(age, knots=[500])", "age without a spline, or other knots"]),
        ("ns(age, df=3, boundary=[500, 600])", ["do not carry the 4 knots"]),
        ("rcs(age, knots=[50, 60])", ["2 knots"]),
        ("rcs(age, knots=[50, 60, 60])", ["3 knots"]),
    ],
)
def test_df_out_of_range_and_knots_that_coincide_are_refused(formula, parts):
    refusal(build(formula), *parts, column="age")


@pytest.mark.parametrize("formula", ["rcs(x, df=3)", "ns(x, df=3)", "ns(x, df=1)"])
def test_a_constant_column_has_no_spline(formula):
    refusal(build(formula, pl.DataFrame({"x": [5.0] * 60})), "1 distinct value,", column="x")


@pytest.mark.parametrize("formula", ["rcs(x, df=9)", "ns(x, df=12)"])
@pytest.mark.parametrize("x", [[50, 60, 70, 80, 55, 65, 75], [0, 1, 2, 3, 4, 5] * 10, [0] * 57 + [1, 2, 3]])
def test_the_spline_that_a_refusal_proposes_works(formula, x):
    frame = pl.DataFrame({"x": x})
    message = refusal(build(formula, frame), column="x")
    proposed = (
        message.rpartition("Try ")[2].removesuffix(".").removesuffix(" without a spline, or other knots")
    )
    assert build_design(frame, proposed).matrix.shape[1] >= 1


def test_the_same_column_twice_is_refused():
    refusal(build("group + C(group)"), "'group[B]' twice", "each term once")
    refusal(build("C(sex, ref='F') + C(sex, ref='M')"), "'C(sex)' twice")
    frame = pl.DataFrame({"intercept": [1.0, 2.0]})
    refusal(build(["intercept"], frame, intercept=True), "'intercept' twice", "data.rename({'intercept'")


# --- refusals of new data --------------------------------------------------------------------------------


@pytest.fixture
def fitted() -> Design:
    return build_design(COHORT, "age + group + flag + C(stage)")


def test_new_data_without_a_column_are_refused(fitted):
    refusal(
        lambda: fitted.apply(NEW.rename({"age": "Age"})),
        "the columns of the fit: age, group, flag, stage",
        "did you mean 'Age'",
        "new_data.rename({'Age': 'age'})",
        argument="new_data",
        column="age",
    )


@pytest.mark.parametrize(
    ("change", "column", "row", "part"),
    [
        (pl.Series("group", ["A", "D", "B"]), "group", 2, "(D)"),
        (pl.Series("stage", [1, 2, 3]), "stage", 3, "(3)"),
        (pl.Series("group", ["A", "B", "E"], dtype=pl.Enum(["A", "B", "E"])), "group", 3, "(E)"),
    ],
)
def test_a_level_that_the_fit_has_not_seen_is_refused(fitted, change, column, row, part):
    refusal(
        lambda: fitted.apply(NEW.with_columns(change)),
        f"levels that the fit has not seen {part}",
        "its levels ",
        f"new_data.filter(pl.col({column!r}).is_in(",
        argument="new_data",
        column=column,
        rows=[row],
    )


def test_an_enum_level_without_rows_in_the_fit_is_not_seen():
    risk = pl.Enum(["low", "high", "unknown"])
    design = build_design(pl.DataFrame({"risk": pl.Series(["low", "high"], dtype=risk)}), ["risk"])
    new = pl.DataFrame({"risk": pl.Series(["unknown"], dtype=risk)})
    refusal(lambda: design.apply(new), "(unknown)", argument="new_data", column="risk", rows=[1])


@pytest.mark.parametrize(
    ("change", "column", "parts"),
    [
        (pl.Series("group", [1, 2, 3]), "group", ["holds Int64, and text", "cast(pl.String)"]),
        (pl.Series("flag", [1, 0, 1]), "flag", ["holds Int64, and boolean", "cast(pl.Boolean)"]),
        (pl.Series("stage", ["1", "2", "1"]), "stage", ["holds String, and number", "cast(pl.Float64)"]),
        (pl.Series("age", ["1", "2", "1"]), "age", ["holds text", "as in the data of the fit"]),
        (pl.Series("age", [True, True, False]), "age", ["holds true/false", "cast(pl.Float64)"]),
    ],
)
def test_a_column_of_another_kind_than_in_the_fit_is_refused(fitted, change, column, parts):
    refusal(lambda: fitted.apply(NEW.with_columns(change)), *parts, argument="new_data", column=column)


def test_missing_and_infinite_values_in_new_data_are_refused(fitted):
    for value, part in [(None, "new_data.drop_nulls('age')"), (float("inf"), "is_finite()")]:
        new = NEW.with_columns(age=pl.Series([50.0, value, 60.0]))
        refusal(lambda new=new: fitted.apply(new), part, argument="new_data", column="age", rows=[2])
