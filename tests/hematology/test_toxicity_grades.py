"""CTCAE grades, acute GVHD and tables of toxicity: every cut, by hand, what must hold, what is refused."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused

import hemresearch as hem
from hemresearch.hematology.toxicity import (
    agvhd_grade,
    agvhd_liver_stage,
    agvhd_lower_gi_stage,
    agvhd_skin_stage,
    ctcae_grade,
    ctcae_terms,
    grade_table,
)


def grades(term: str, values: list[float | None], **options: object) -> list[int | None]:
    data = pl.DataFrame({"v": values}, schema={"v": pl.Float64})
    return data.select(ctcae_grade(term, "v", **options)).to_series().to_list()


# --- CTCAE -------------------------------------------------------------------------------------------------

# term, options, and for each cut: just below it, at it, just above it
LOW = [
    ("neutrophil count decreased", 1.8, "10^9/L", [1.8, 1.5, 1.0, 0.5], [1, 2, 3, 4]),
    ("platelet count decreased", 150, "10^9/L", [150, 75, 50, 25], [1, 2, 3, 4]),
    ("white blood cell decreased", 4, "10^9/L", [4, 3, 2, 1], [1, 2, 3, 4]),
    ("lymphocyte count decreased", 1.1, "10^9/L", [1.1, 0.8, 0.5, 0.2], [1, 2, 3, 4]),
    ("cd4 lymphocytes decreased", 0.6, "10^9/L", [0.6, 0.5, 0.2, 0.05], [1, 2, 3, 4]),
    ("anemia", 117, "g/L", [117, 100, 80], [1, 2, 3]),
    ("hypoalbuminemia", 36, "g/L", [36, 30, 20], [1, 2, 3]),
    ("haptoglobin decreased", 0.3, None, [0.3], [1]),
]
HIGH = [
    ("leukocytosis", {"unit": "10^9/L"}, [100], [3]),
    ("lymphocyte count increased", {"unit": "10^9/L"}, [4, 20], [2, 3]),
    ("hemoglobin increased", {"unit": "g/L", "upper_limit": 160}, [160, 180, 200], [1, 2, 3]),
    ("creatinine increased", {"upper_limit": 90}, [90, 135, 270, 540], [1, 2, 3, 4]),
    ("blood bilirubin increased", {"upper_limit": 20}, [20, 30, 60, 200], [1, 2, 3, 4]),
    ("alanine aminotransferase increased", {"upper_limit": 0.7}, [0.7, 2.1, 3.5, 14], [1, 2, 3, 4]),
    ("aspartate aminotransferase increased", {"upper_limit": 40}, [40, 120, 200, 800], [1, 2, 3, 4]),
    ("alkaline phosphatase increased", {"upper_limit": 1.9}, [1.9, 4.75, 9.5, 38], [1, 2, 3, 4]),
    ("ggt increased", {"upper_limit": 60}, [60, 150, 300, 1200], [1, 2, 3, 4]),
    ("cpk increased", {"upper_limit": 200}, [200, 500, 1000, 2000], [1, 2, 3, 4]),
    ("activated partial thromboplastin time prolonged", {"upper_limit": 36}, [36, 54, 90], [1, 2, 3]),
]


@pytest.mark.parametrize(("term", "limit", "unit", "cuts", "found"), LOW)
def test_low_values_below_at_and_above_each_cut(term, limit, unit, cuts, found):
    better = [0, *found[:-1]]
    options = {"lower_limit": limit, "unit": unit}
    assert grades(term, [c - 0.001 for c in cuts], **options) == found
    assert grades(term, cuts, **options) == better
    assert grades(term, [c + 0.001 for c in cuts], **options) == better


@pytest.mark.parametrize(("term", "options", "cuts", "found"), HIGH)
def test_high_values_below_at_and_above_each_cut(term, options, cuts, found):
    better = [0, *found[:-1]]
    assert grades(term, [c - 0.001 for c in cuts], **options) == better
    assert grades(term, cuts, **options) == better
    assert grades(term, [c + 0.001 for c in cuts], **options) == found


def test_every_term_has_its_cuts_tested():
    assert {row[0] for row in LOW} | {row[0] for row in HIGH} == set(ctcae_terms()["term"])


@pytest.mark.parametrize("upper", [0.7, 0.75, 1.15, 35, 59, 1.9])
@pytest.mark.parametrize("times", [3, 5, 20])
def test_a_multiple_of_the_limit_is_not_above_itself(upper, times):
    at = round(upper * times, 10)
    worse = {3: 2, 5: 3, 20: 4}[times]
    term = "alanine aminotransferase increased"
    assert grades(term, [at, at + 0.01], upper_limit=upper) == [worse - 1, worse]


ENZYMES = ("alanine aminotransferase increased", "aspartate aminotransferase increased")
PHOSPHATASE = ("alkaline phosphatase increased", "ggt increased")


@pytest.mark.parametrize("term", ENZYMES + PHOSPHATASE)
def test_an_abnormal_baseline_takes_the_place_of_the_limit(term):
    first, second = (1.5, 3) if term in ENZYMES else (2, 2.5)
    multiples = [first - 0.01, first, second, second + 0.01, 5, 5.01, 20, 20.01]
    values = [100 * m for m in multiples]
    assert grades(term, values, upper_limit=50, baseline=100) == [0, 1, 1, 2, 2, 3, 3, 4]
    assert grades(term, values, upper_limit=50, baseline=50) == grades(term, values, upper_limit=50)


def test_bilirubin_above_an_abnormal_baseline_is_grade_1():
    found = grades("blood bilirubin increased", [40, 40.1, 60, 61, 121, 401], upper_limit=20, baseline=40)
    assert found == [0, 1, 1, 2, 3, 4]


def test_creatinine_counts_from_the_limit_and_from_the_baseline():
    values = [75.0, 76, 91, 151, 300, 541]
    assert grades("creatinine increased", values, upper_limit=90, baseline=50) == [0, 2, 2, 3, 3, 4]
    assert grades("creatinine increased", values, upper_limit=90) == [0, 0, 1, 2, 3, 4]
    unknown = grades("creatinine increased", values, upper_limit=90, baseline=pl.lit(None))
    assert unknown == [None, None, None, None, 3, 4]


def test_what_is_missing_leaves_the_grade_open_only_where_it_matters():
    low = grades("neutrophil count decreased", [None, 0.4, 1.4, 1.6], unit="10^9/L", lower_limit=pl.lit(None))
    assert low == [None, 4, 2, None]
    assert grades("leukocytosis", [None, float("nan"), 101], unit="10^9/L") == [None, None, 3]
    for options in ({"upper_limit": pl.lit(None)}, {"upper_limit": 40, "baseline": pl.lit(None)}):
        assert grades("alanine aminotransferase increased", [500.0], **options) == [None]
    assert grades("hemoglobin increased", [200.0], unit="g/L", upper_limit=pl.lit(None)) == [None]


def test_a_code_for_missing_is_no_grade():
    counts = pl.DataFrame({"plt": [-1.0, -9.0, 0.0, float("nan")]})
    grade = ctcae_grade("platelet count decreased", "plt", unit="10^9/L", lower_limit=150)
    assert counts.select(grade).to_series().to_list() == [None, None, 4, None]


def test_the_limit_may_depend_on_sex_and_the_unit_holds_for_both():
    data = pl.DataFrame({"hb": [11.8, 11.8, 7.9], "sex": ["F", "M", "M"]})
    limit = pl.when(pl.col("sex") == "F").then(11.7).otherwise(13.4)
    found = data.lazy().with_columns(ctcae_grade("anemia", "hb", unit="g/dL", lower_limit=limit))
    assert found.collect()["grade"].to_list() == [0, 1, 3]
    per_ul = grades(
        "platelet count decreased", [149_000, 75_000, 24_999], unit="cells/uL", lower_limit=150_000
    )
    assert per_ul == [1, 1, 4]


def test_a_value_never_improves_by_being_further_from_normal():
    values = [0.05 * i for i in range(60)]
    found = grades("neutrophil count decreased", values, unit="10^9/L", lower_limit=1.8)
    assert found == sorted(found, reverse=True)
    values = [10.0 * i for i in range(150)]
    for baseline in (30, 70):
        found = grades("ggt increased", values, upper_limit=50, baseline=baseline)
        assert found == sorted(found)


def test_the_terms_are_listed_with_their_cuts():
    terms = ctcae_terms()
    row = {name: terms.row(by_predicate=pl.col("term") == name) for name in terms["term"]}
    assert row["ggt increased"][4:6] == (
        "> ULN (>= 2 x abnormal baseline)",
        "> 2.5 x ULN (or abnormal baseline)",
    )
    assert row["blood bilirubin increased"][4] == "> ULN (> 1 x abnormal baseline)"
    assert row["creatinine increased"][4:] == (
        "> ULN", "> 1.5 x ULN or baseline", "> 3 x ULN or baseline", "> 6 x ULN",
    )  # fmt: skip
    assert row["cpk increased"][4:6] == ("> ULN", "> 2.5 x ULN")
    assert row["hemoglobin increased"][4:] == ("> ULN", "> ULN + 20", "> ULN + 40", None)
    assert row["leukocytosis"] == ("leukocytosis", "10^9/L", None, False, None, None, "> 100", None)


@pytest.mark.parametrize(
    ("term", "options", "argument"),
    [
        ("neutropenia", {"unit": "10^9/L", "lower_limit": 1.8}, "term"),
        ("neutrophil count decreased", {"unit": "10^9/L", "lower_limit": 1.8, "version": "6.0"}, "version"),
        ("neutrophil count decreased", {"unit": "10^9/L"}, "lower_limit"),
        ("neutrophil count decreased", {"lower_limit": 1.8}, "unit"),
        ("neutrophil count decreased", {"unit": "g/L", "lower_limit": 1.8}, "unit"),
        ("neutrophil count decreased", {"unit": "1e9", "lower_limit": 1.8}, "unit"),
        ("ggt increased", {"unit": "g/L", "upper_limit": 50}, "unit"),
        ("ggt increased", {}, "upper_limit"),
        ("ggt increased", {"upper_limit": 50, "lower_limit": 5}, "lower_limit"),
        ("cpk increased", {"upper_limit": 50, "baseline": 5}, "baseline"),
        ("ggt increased", {"upper_limit": [50]}, "upper_limit"),
        ("ggt increased", {"upper_limit": 50, "baseline": True}, "baseline"),
    ],
)
def test_a_grade_that_cannot_be_told_is_refused(term, options, argument):
    assert_refused(lambda: ctcae_grade(term, "v", **options), argument=argument)


# --- acute GVHD --------------------------------------------------------------------------------------------


def staged(expression: pl.Expr, **columns: list[object]) -> list[int | None]:
    return pl.DataFrame(columns, strict=False).select(expression).to_series().to_list()


def test_skin_by_its_cuts():
    rash = [0, 0.1, 24.9, 25, 50, 50.1, 100, None, 101, -1]
    assert staged(agvhd_skin_stage("p"), p=rash) == [0, 1, 1, 2, 2, 3, 3, None, None, None]
    bullae = agvhd_skin_stage("p", bullae="b")
    assert staged(bullae, p=[60, 60, 60, 40, 40], b=[True, False, None, True, None]) == [4, 3, None, 2, 2]


def test_liver_by_its_cuts():
    mg = [0.5, 1.99, 2, 3, 3.01, 6, 6.01, 15, 15.01, None, -1]
    assert staged(agvhd_liver_stage("b", unit="mg/dL"), b=mg) == [0, 0, 1, 1, 2, 2, 3, 3, 4, None, None]
    umol = [v if v is None else v * 17.1 for v in mg]
    assert staged(agvhd_liver_stage("b", unit="umol/L"), b=umol) == [0, 0, 1, 1, 2, 2, 3, 3, 4, None, None]
    assert staged(agvhd_liver_stage("b", unit="umol/L"), b=[60]) == [2]


def test_lower_gut_by_its_cuts_in_adults_and_children():
    adult = agvhd_lower_gi_stage("s", unit="mL/day")
    assert staged(adult, s=[499, 500, 999, 1000, 1500, 1501, None, -1]) == [0, 1, 1, 2, 2, 3, None, None]
    child = agvhd_lower_gi_stage("s", unit="mL/kg/day")
    assert staged(child, s=[9.9, 10, 19.9, 20, 30, 30.1]) == [0, 1, 1, 2, 2, 3]
    severe = agvhd_lower_gi_stage("s", unit="mL/day", severe="x")
    assert staged(severe, s=[0, None, 1600, 1600], x=[True, True, None, False]) == [4, 4, None, 3]
    both = agvhd_lower_gi_stage("s", unit="mL/day", weight="kg")
    assert staged(both, s=[450, 450, 450, 450, 450], kg=[50, 50.1, 15, None, 0]) == [0, 0, 2, None, None]


def grade_of(**stages: list[int | None]) -> list[int | None]:
    columns = {organ: [0] for organ in ("skin", "liver", "lower_gi", "upper_gi")} | stages
    return staged(agvhd_grade(**{organ: organ for organ in columns}), **columns)


@pytest.mark.parametrize(
    ("skin", "liver", "lower", "upper", "grade"),
    [
        (0, 0, 0, 0, 0), (1, 0, 0, 0, 1), (2, 0, 0, 0, 1), (3, 0, 0, 0, 2), (0, 1, 0, 0, 2), (0, 0, 1, 0, 2),
        (0, 0, 0, 1, 2), (2, 0, 1, 0, 2), (3, 1, 1, 1, 2), (0, 2, 0, 0, 3), (0, 3, 0, 0, 3), (0, 0, 2, 0, 3),
        (3, 0, 3, 1, 3), (4, 0, 0, 0, 4), (0, 4, 0, 0, 4), (0, 0, 4, 0, 4),
    ],
)  # fmt: skip
def test_the_overall_grade_is_no_maximum(skin, liver, lower, upper, grade):
    assert grade_of(skin=[skin], liver=[liver], lower_gi=[lower], upper_gi=[upper]) == [grade]


def test_a_missing_stage_matters_only_if_it_could_change_the_grade():
    full = list(itertools.product(range(5), range(5), range(5), range(2)))
    skin, liver, lower, upper = (list(column) for column in zip(*full, strict=True))
    grade = dict(zip(full, grade_of(skin=skin, liver=liver, lower_gi=lower, upper_gi=upper), strict=True))
    for missing, worst in enumerate((4, 4, 4, 1)):
        partial = [tuple(None if i == missing else v for i, v in enumerate(row)) for row in full]
        columns = [list(column) for column in zip(*partial, strict=True)]
        found = grade_of(**dict(zip(("skin", "liver", "lower_gi", "upper_gi"), columns, strict=True)))
        for row, given in zip(full, found, strict=True):
            possible = {grade[(*row[:missing], v, *row[missing + 1 :])] for v in range(worst + 1)}
            assert given == (possible.pop() if len(possible) == 1 else None)


def test_stages_that_there_are_not_give_no_grade():
    assert (
        grade_of(skin=[5])
        == grade_of(upper_gi=[2])
        == grade_of(liver=[-1])
        == grade_of(liver=[1.5])
        == [None]
    )


def test_gvhd_expressions_refuse_what_they_cannot_take():
    organs = {"skin": "a", "liver": "b", "lower_gi": "c", "upper_gi": "d"}
    for version in ("glucksberg", "Przepiorka", "ibmtr"):
        said = assert_refused(lambda v=version: agvhd_grade(**organs, version=v), argument="version")
        assert version in str(said)
        assert "stage 4" in str(said)
    assert_refused(lambda: agvhd_grade(**organs, version="magik"), argument="version", says=["'magic'"])
    assert_refused(lambda: agvhd_grade(**organs | {"skin": None}), argument="skin")
    assert_refused(lambda: agvhd_liver_stage("b", unit="mmol/L"), argument="unit")
    assert_refused(lambda: agvhd_lower_gi_stage("s", unit="mL"), argument="unit")
    assert_refused(lambda: agvhd_lower_gi_stage("s", unit="mL/kg/day", weight="kg"), argument="weight")
    assert_refused(lambda: agvhd_skin_stage("p", bullae=True), argument="bullae")


# --- tables ------------------------------------------------------------------------------------------------

WORST = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "arm": ["a", "a", "a", "b", "b", "b"],
        "CRS": [0, 1, 3, 2, 4, 0],
        "ICANS": [0, 0, 3, 0, 1, 0],
    }
)
EVENTS = pl.DataFrame(
    {
        "id": [2, 3, 3, 3, 4, 5, 5, 5],
        "what": ["CRS", "CRS", "CRS", "ICANS", "CRS", "CRS", "ICANS", "ICANS"],
        "grade": [1, 1, 3, 3, 2, 4, 1, 0],
    }
)
LONG = {"id": "id", "toxicity": "what", "grade": "grade", "patients": WORST.select("id", "arm")}


@pytest.mark.parametrize("conf_type", ["wilson", "clopper-pearson"])
def test_a_table_holds_the_proportions_of_epidemiology(conf_type):
    found = grade_table(WORST, grades=["CRS", "ICANS"], by="arm", conf_type=conf_type, conf_level=0.9)
    rows = found.to_frame()
    assert rows.select("term", "at_least", "arm", "n_event").rows() == [
        ("CRS", 1, "a", 2), ("CRS", 1, "b", 2), ("CRS", 3, "a", 1), ("CRS", 3, "b", 1),
        ("ICANS", 1, "a", 1), ("ICANS", 1, "b", 1), ("ICANS", 3, "a", 1), ("ICANS", 3, "b", 0),
    ]  # fmt: skip
    severe = hem.epidemiology.proportion(
        WORST, event=pl.col("CRS") >= 3, by="arm", conf_type=conf_type, conf_level=0.9
    ).to_frame()
    ours = rows.filter(pl.col("term") == "CRS", pl.col("at_least") == 3).drop("term", "at_least")
    assert_frame_equal(ours, severe)
    assert (found.n, found.n_event, found.n_dropped) == (6, 4, 0)


def test_rows_of_events_make_the_same_table():
    wide = grade_table(WORST, grades=["CRS", "ICANS"], by="arm").to_frame()
    assert_frame_equal(grade_table(EVENTS, **LONG, by="arm").to_frame(), wide)
    lazy = grade_table(EVENTS.lazy(), **{**LONG, "patients": LONG["patients"].lazy()}, by="arm")
    assert_frame_equal(lazy.to_frame(), wide)


def test_a_patient_whose_grade_is_unknown_is_left_out_of_that_toxicity_alone():
    data = WORST.with_columns(CRS=pl.Series([None, 1, 3, 2, 4, 0]))
    assert_refused(lambda: grade_table(data, grades=["CRS"]), argument="grades", column="CRS", rows=[1])
    found = grade_table(data, grades=["CRS", "ICANS"], missing="drop", at_least=[2])
    assert found.to_frame()["n"].to_list() == [5, 6]
    assert found.n_dropped == 1
    grouped = data.with_columns(arm=pl.when(pl.col("id") != 6).then("arm"))
    assert grade_table(grouped, grades=["CRS", "ICANS"], by="arm", missing="drop").n_dropped == 2
    events = EVENTS.with_columns(grade=pl.when(pl.col("grade") != 4).then("grade"))
    assert grade_table(events, **LONG, missing="drop").n_dropped == 1


def test_it_is_told_in_grades_and_per_cent():
    found = grade_table(WORST, grades="CRS", at_least=(1, 3, 5), by="arm")
    assert found.text().startswith(
        "worst grade of each toxicity: CRS of any grade, a 66.7% (95% CI 20.8–93.9);"
    )
    assert "; CRS of grade 3 or worse, b 33.3% (95% CI 6.1–79.2); CRS of grade 5, a 0.0% (" in found.text()
    assert "CRS of grade 3 or worse, arm=a: 0.3333 (" in repr(found)
    assert found.methods().startswith("Shares of patients by their worst grade of each toxicity were est")
    table = hem.report.table(found)
    assert table.header == ("Toxicity", "Grade at least", "arm", "N", "Events", "Estimate, % (95% CI)")
    assert table.to_frame().row(0) == ("CRS", "1", "a", "3", "2", "66.7 (20.8–93.9)")


@pytest.mark.parametrize(
    ("data", "options", "argument", "column", "rows"),
    [
        (WORST, {}, "grades", None, ()),
        (EVENTS, {"id": "id", "grade": "grade"}, "grades", None, ()),
        (EVENTS, {**LONG, "grades": "CRS"}, "grades", None, ()),
        (WORST, {"grades": ["CRS"], "at_least": 3}, "at_least", None, ()),
        (WORST, {"grades": ["CRS"], "at_least": (0, 3)}, "at_least", None, ()),
        (WORST, {"grades": ["CRS"], "conf_type": "exact"}, "conf_type", None, ()),
        (WORST, {"grades": ["CRS"], "conf_level": 95}, "conf_level", None, ()),
        (WORST, {"grades": ["CRS"], "by": pl.col("arm").alias("at_least")}, "by", "at_least", ()),
        (WORST, {"grades": ["id"]}, "grades", "id", [6]),
        (WORST, {"grades": ["arm"]}, "grades", "arm", ()),
        (EVENTS, {**LONG, "patients": WORST.head(4)}, "patients", "id", [6, 7, 8]),
        (EVENTS, {**LONG, "patients": WORST[[0, 1, 2, 3, 4, 4]]}, "patients", "id", [5, 6]),
        (EVENTS, {**LONG, "patients": WORST.cast({"id": pl.String})}, "id", "id", ()),
    ],
)
def test_what_is_no_table_of_grades_is_refused(data, options, argument, column, rows):
    assert_refused(lambda: grade_table(data, **options), argument=argument, column=column, rows=rows)
