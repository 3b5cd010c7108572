"""Scores for a table: the audit of units and ranges, what is refused and what is warned about."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from hemresearch.errors import DataError, DataWarning
from hemresearch.hematology import scores
from hemresearch.hematology.scores.documented import SCORES

LYMPHOMA = pl.DataFrame(
    {
        "age_years": [61, 60, 75],
        "ann_arbor_stage": [3, 2, 4],
        "hb_g_per_l": [119.0, 120.0, 100.0],
        "ldh_ratio_to_uln": [1.0, 1.0, 2.0],
        "nodal_areas": [4, 4, 5],
    }
)
MANTLE = pl.DataFrame(
    {"age_years": [65, 50], "ecog": [0, 0], "ldh_ratio_to_uln": [1.2, 0.8], "wbc_1e9_per_l": [8.0, 6.0]}
)


def refusal(data, score, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        scores.compute(data, score, **options)
    return caught.value


def test_a_slip_of_the_unit_of_white_cells_makes_everybody_low_and_is_warned_about():
    """White cells in 10^9/L taken as cells per microlitre: 0.9393 x 3 lower, -2.82."""
    right = scores.compute(MANTLE, "mipi")
    with pytest.warns(DataWarning, match="wbc_1e9_per_l.*median of 7.*10\\^9/L"):
        wrong = scores.compute(MANTLE, "mipi", unit={"wbc_1e9_per_l": "cells/uL"})
    assert (wrong["mipi_score"] - right["mipi_score"]).to_list() == pytest.approx([-2.8179] * 2)
    assert wrong["mipi_group"].to_list() == ["low", "low"]
    assert right["mipi_group"].to_list() == ["intermediate", "low"]


def test_a_warning_without_another_unit_says_to_look():
    with pytest.warns(DataWarning, match="look at the unit of the column"):
        scores.compute(MANTLE.with_columns(ldh_ratio_to_uln=pl.lit(150.0)), "mipi")


def test_values_that_no_patient_has_are_refused_with_their_rows():
    error = refusal(LYMPHOMA.with_columns(hb_g_per_l=pl.Series([119.0, 12.0, 1.0])), "flipi")
    assert (error.argument, error.column, error.rows) == ("hb_g_per_l", "hb_g_per_l", (3,))
    assert "1 value outside 10 to 260 g/L" in str(error)


def test_a_column_in_another_unit_is_refused_with_the_unit_it_seems_to_be_in():
    error = refusal(LYMPHOMA, "flipi", unit={"hb_g_per_l": "g/dL"})
    assert "unit={'hb_g_per_l': 'g/L'} if that is the unit" in error.remedy
    nonsense = refusal(LYMPHOMA.with_columns(nodal_areas=pl.lit(99)), "flipi")
    assert nonsense.remedy == "correct the values, or make them null"


def test_half_a_count_or_grade_is_refused():
    error = refusal(LYMPHOMA.with_columns(ann_arbor_stage=pl.Series([3.0, 2.5, None])), "flipi")
    assert (error.argument, error.rows) == ("ann_arbor_stage", (2,))
    assert "1 value between whole numbers" in str(error)
    questions = [i.name for i in SCORES["isth_bleeding"].inputs if i.kind == "yes or no"]
    # half a unit of red cells is given to children
    child = pl.DataFrame({"hb_fall_g_per_l": [5], "red_cell_units": [1.5], **{q: [False] for q in questions}})
    assert scores.compute(child, "isth_bleeding")["isth_bleeding_n_missing"].item() == 0


def test_zero_is_refused_where_a_logarithm_is_taken():
    error = refusal(MANTLE.with_columns(wbc_1e9_per_l=pl.Series([0.0, 6.0])), "mipi")
    assert "1 value outside 0.0001 to 2000 10^9/L" in str(error)
    micromoles = {"creatinine_mg_per_dl": [70.0], "ldh_u_per_l": [200.0], "platelets_1e9_per_l": [90]}
    assert "1 value outside 0.05 to 40 mg/dL" in str(refusal(pl.DataFrame(micromoles), "easix"))
    assert error.rows == (1,)


def test_a_missing_value_is_missing_and_nan_too():
    frame = LYMPHOMA.with_columns(hb_g_per_l=pl.Series([None, float("nan"), 100.0]))
    scored = scores.compute(frame, "flipi", bounds=True)
    assert scored["flipi_score"].to_list() == [None, None, 5]
    assert scored["flipi_n_missing"].to_list() == [1, 1, 0]
    assert scored["flipi_lowest"].to_list() == [2, 0, 5]
    assert scored["flipi_highest"].to_list() == [3, 1, 5]
    assert scored["flipi_group_highest"].to_list() == ["high", "low", "high"]
    worst = scores.compute(frame, "flipi", missing="highest")
    assert worst["flipi_score"].to_list() == [3, 1, 5]


def test_columns_of_other_names_expressions_and_other_tables():
    renamed = LYMPHOMA.rename({"age_years": "age"}).lazy()
    result = scores.compute(
        renamed, scores.flipi, age_years=pl.col("age") + 0, hb_g_per_l="hb_g_per_l", prefix="index"
    )
    assert isinstance(result, pl.LazyFrame)
    assert result.collect()["index_score"].to_list() == [3, 0, 5]
    assert scores.compute(LYMPHOMA.to_pandas(), "flipi")["flipi_score"].to_list() == [3, 0, 5]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"hb_g_per_l": pl.lit("high")}, "holds String"),
        ({"ann_arbor_stage": pl.lit("III")}, "replace_strict({'I': 1, 'II': 2})"),
        ({"age_years": pl.lit(True)}, "holds Boolean"),
    ],
)
def test_numbers_that_are_none_are_refused(change, says):
    assert says in str(refusal(LYMPHOMA.with_columns(**change), "flipi"))


def test_yes_and_no_are_true_and_false_or_1_and_0():
    frame = pl.DataFrame({"b2m_mg_per_l": [2.0, 3.5], "bone_marrow_involved": [1, 0]})
    assert scores.compute(frame, "prima_pi")["prima_pi_group"].to_list() == ["intermediate", "high"]
    for flags in ([1, 2], [1.0, 0.5], ["Ja", "Nej"]):
        wrong = refusal(frame.with_columns(bone_marrow_involved=pl.Series(flags)), "prima_pi")
        assert "true and false, or 1 and 0" in wrong.expected
    assert "pl.col('bone_marrow_involved').replace_strict({'yes': True, 'no': False})" in wrong.remedy
    pandas = pd.DataFrame({"b2m_mg_per_l": [2.0, 3.0], "bone_marrow_involved": [1, None]})
    assert scores.compute(pandas, "prima_pi")["prima_pi_group"].to_list() == ["intermediate", None]


def test_words_that_are_not_the_scores_are_refused_and_not_shown():
    frame = pl.DataFrame({"bone_marrow_blasts_percent": [4.0] * 3, "n_cytopenias": [1] * 3})
    words = pl.Series("karyotype_risk", ["good", "favourable", None])
    error = refusal(frame.with_columns(words), "ipss")
    assert error.rows == (2,)
    assert "favourable" not in str(error)
    assert "'good', 'intermediate', 'poor'" in error.expected
    assert "holds Int" in str(refusal(frame.with_columns(karyotype_risk=pl.lit(1)), "ipss"))
    enum = frame.with_columns(words.replace("favourable", "poor").cast(pl.Enum(["good", "poor"])))
    assert scores.compute(enum, "ipss")["ipss_group"].to_list() == ["low", "intermediate-1", None]


def test_lists_are_checked_word_by_word():
    frame = pl.DataFrame({"comorbidities": [["diabetes"], [], None, ["renal", "gout"]]})
    error = refusal(frame, "hct_ci")
    assert error.rows == (4,)
    assert "gout" not in str(error)
    assert "list.eval(pl.element().replace(" in error.remedy
    assert "scores.list_of" in str(refusal(pl.DataFrame({"comorbidities": ["diabetes"]}), "hct_ci"))
    within = refusal(pl.DataFrame({"comorbidities": [["diabetes", None]]}), "hct_ci")
    assert within.rows == (1,)
    scored = scores.compute(frame.head(3), "hct_ci")
    assert scored["hct_ci_score"].to_list() == [1, 0, None]


def test_a_word_that_an_expression_does_not_know_stops_the_query():
    frame = pl.DataFrame({"comorbidities": [["gout"]]})
    with pytest.raises(pl.exceptions.PolarsError):
        frame.select(scores.hct_ci())


def test_lists_of_points_are_checked():
    lists = [[1.0] * 11, [4.0] + [0.0] * 10, [1.0] * 10, [None] + [0.0] * 10, None, [1.5] + [0.0] * 10]
    points = pl.DataFrame({"symptom_and_sign_points": lists, "venous_ulcer": [False] * 6})
    error = refusal(points, "villalta")
    assert error.rows == (2, 3, 4, 6)
    assert "4 lists not of 11 whole numbers from 0 to 3" in str(error)
    assert scores.compute(points[[0, 4]], "villalta")["villalta_score"].to_list() == [11, None]
    text = points.with_columns(symptom_and_sign_points=pl.lit("1, 2"))
    assert "lists of numbers" in refusal(text, "villalta").expected


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"score": "mipy"}, "score"),
        ({"missing": "ignore"}, "missing"),
        ({"age": "age_years"}, "age"),
        ({"age_years": "age"}, "age_years"),
        ({"unit": {"hb_g_per_l": "g/mL"}}, "unit['hb_g_per_l']"),
        ({"unit": {"haemoglobin": "g/dL"}}, "unit"),
        ({"unit": {"nodal_areas": "dozen"}}, "unit"),
        ({"age_years": None}, "age_years"),
        ({"prefix": "taken"}, "prefix"),
    ],
)
def test_arguments_that_cannot_be_are_refused(options, argument):
    frame = LYMPHOMA.with_columns(taken_score=pl.lit(1))
    assert refusal(frame, **{"score": "flipi", **options}).argument == argument


def test_a_score_without_units_says_so():
    points = pl.DataFrame({"thrombocytopenia_points": [2], "timing_points": [2]})
    points = points.with_columns(thrombosis_points=2, other_cause_points=1)
    assert "leave unit= out" in refusal(points, "four_ts", unit={"timing_points": "days"}).remedy


def test_an_input_nobody_named_is_asked_for():
    error = refusal(LYMPHOMA.drop("age_years", "nodal_areas"), "flipi")
    assert "age_years, nodal_areas" in str(error)


def test_one_of_two_inputs_is_enough_where_the_paper_says_or():
    patient = pl.DataFrame(
        {
            "age_years": [45, 45, 45], "sex": ["male"] * 3, "ann_arbor_stage": [4] * 3,
            "albumin_g_per_l": [39] * 3, "hb_g_per_l": [104] * 3,
            "wbc_1e9_per_l": [15] * 3, "lymphocytes_1e9_per_l": [0.5, None, None],
            "lymphocytes_percent": [None, 7.0, None],
        }
    )  # fmt: skip
    both = scores.compute(patient, "ips_hodgkin", bounds=True)
    assert both["ips_hodgkin_score"].to_list() == [7, 7, None]
    assert both["ips_hodgkin_n_missing"].to_list() == [0, 0, 1]
    assert both["ips_hodgkin_lowest"].to_list() == [7, 7, 6]
    alone = scores.compute(patient, "ips_hodgkin", lymphocytes_percent=None)
    assert alone["ips_hodgkin_score"].to_list() == [7, None, None]
    neither = refusal(patient, "ips_hodgkin", lymphocytes_percent=None, lymphocytes_1e9_per_l=None)
    assert "None was given" in str(neither)


def test_the_catalogue_says_what_there_is():
    table = scores.catalogue()
    assert table.height == 81
    assert set(table["evidence"]) == {"V", "1"}
    assert table.null_count().select(pl.exclude("outcome")).sum_horizontal().item() == 0
    assert scores.inputs("mipi")["unit"].to_list() == ["years", "ordinal", "ratio", "10^9/L"]
    for refused in (scores.inputs, scores.thresholds):
        with pytest.raises(DataError, match="mipi"):
            refused("mipy")


def test_a_list_needs_columns():
    with pytest.raises(DataError, match="no column"):
        scores.list_of({})


def test_a_million_patients_score_in_one_query():
    n = 1_000_000
    frame = MANTLE.select(pl.all().repeat_by(n // 2).explode())
    assert scores.compute(frame, "mipi")["mipi_group"].value_counts()["count"].to_list() == [n // 2] * 2
