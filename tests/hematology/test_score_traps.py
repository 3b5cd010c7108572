"""What goes wrong with scores of lymphoma, thrombosis, bleeding and haemostasis, each in a small case."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from hemresearch.hematology import scores
from hemresearch.hematology.scores.documented import SCORES


def scored(name: str, inputs: dict[str, object], **options: object) -> dict[str, object]:
    """One patient's score; inputs that are not named are those that score least."""
    definition = SCORES[name]
    data = pl.DataFrame({i.name: [inputs.get(i.name, i.best)] for i in definition.inputs})
    return data.select(getattr(scores, name)(**options).alias("s")).unnest("s").row(0, named=True)


def group(name: str, **inputs: object) -> object:
    return scored(name, inputs)["group"]


def score(name: str, **inputs: object) -> object:
    return scored(name, inputs)["score"]


@pytest.fixture(scope="module")
def lymphomas() -> pl.DataFrame:
    """Patients at random, many of them at a threshold."""
    rng = np.random.default_rng(20)
    n = 300
    return pl.DataFrame(
        {
            "age_years": rng.choice([40, 41, 60, 61, 75, 76], n),
            "ecog": rng.integers(0, 5, n),
            "ldh_ratio_to_uln": rng.choice([0.8, 1.0, 1.01, 3.0, 3.1], n),
            "extranodal_sites": rng.integers(0, 4, n),
            "ann_arbor_stage": rng.integers(1, 5, n),
            "kidney_or_adrenal": rng.random(n) < 0.2,
        }
    )


def test_the_indices_of_lymphoma_nest(lymphomas):
    names = ("ipi", "r_ipi", "cns_ipi", "aa_ipi")
    found = lymphomas.with_columns(
        getattr(scores, name)().struct.field("score").cast(pl.Int64).alias(name) for name in names
    )
    by_hand = sum(
        part.cast(pl.Int64)
        for part in (
            pl.col("age_years") > 60,
            pl.col("ecog") >= 2,
            pl.col("ldh_ratio_to_uln") > 1,
            pl.col("extranodal_sites") > 1,
            pl.col("ann_arbor_stage") >= 3,
        )
    )
    assert found["ipi"].to_list() == lymphomas.select(by_hand).to_series().to_list()
    assert found["r_ipi"].equals(found["ipi"].alias("r_ipi"))
    assert (found["cns_ipi"] - found["ipi"]).to_list() == lymphomas["kidney_or_adrenal"].cast(int).to_list()
    rest = (lymphomas["age_years"] > 60).cast(int) + (lymphomas["extranodal_sites"] > 1).cast(int)
    assert (found["ipi"] - found["aa_ipi"]).to_list() == rest.to_list()


def test_mipi_b_adds_proliferation_to_mipi_and_rises_with_everything():
    patient = {"age_years": 65, "ecog": 0, "ldh_ratio_to_uln": 1.2, "wbc_1e9_per_l": 8.0}
    base = score("mipi", **patient)
    assert score("mipi_b", **patient, ki67_percent=30) == pytest.approx(base + 0.6426)
    assert score("mipi", **(patient | {"ecog": 2})) == pytest.approx(base + 0.6978)
    assert score("mipi", **(patient | {"ldh_ratio_to_uln": 12.0})) == pytest.approx(base + 1.367)
    assert score("mipi", **(patient | {"wbc_1e9_per_l": 80.0})) == pytest.approx(base + 0.9393)


@pytest.mark.parametrize(("count", "percent", "points"), [(0.59, 20, 1), (2.0, 7.9, 1), (0.6, 8, 0)])
def test_lymphopenia_is_by_count_or_by_percent(count, percent, points):
    found = scored("ips_hodgkin", {"lymphocytes_1e9_per_l": count, "lymphocytes_percent": percent})
    assert found["components"]["lymphopenia"] == points


def test_a_component_of_unknown_inputs_is_unknown():
    found = scored("iss", {"b2m_mg_per_l": 3.0, "albumin_g_per_l": None})
    assert (found["group"], found["components"]["iss_stage"]) == (None, None)
    found = scored("rai", {"lymphadenopathy": True, "hb_g_per_l": None})
    assert (found["score"], found["components"]["stage"]) == (None, None)
    found = scored("ips_hodgkin", {"lymphocytes_1e9_per_l": None, "lymphocytes_percent": None})
    assert found["components"]["lymphopenia"] is None
    assert found["n_missing"] == 1


def test_stages_of_myeloma():
    assert group("iss", b2m_mg_per_l=5.5, albumin_g_per_l=40) == "III"
    assert group("r_iss", b2m_mg_per_l=3.0, albumin_g_per_l=40, high_risk_cytogenetics=True) == "II"
    assert group("r_iss", b2m_mg_per_l=6.0, albumin_g_per_l=30) == "II"
    assert score("r2_iss", iss_stage="III", gain_or_amp_1q=True, t_4_14=True) == 3.0
    middle = {"hb_g_per_dl": 8.5, "calcium_mg_per_dl": 12.0, "lytic_bone_lesions": 2}
    assert group("durie_salmon", **middle) == "IIA"
    assert group("durie_salmon", **middle, creatinine_mg_per_dl=2.0) == "IIB"
    assert group("durie_salmon", m_protein_burden="high") == "IIIA"
    assert group("durie_salmon", m_protein_burden="intermediate") == "IIA"


def test_anaemia_of_khorana_is_also_an_erythropoietin():
    assert score("khorana", esa_use=True, hb_g_per_l=150) == 1
    assert score("khorana", esa_use=True, hb_g_per_l=90) == 1
    assert score("khorana", hb_g_per_l=99) == 1
    assert score("khorana", wbc_1e9_per_l=11.0, platelets_1e9_per_l=349, bmi_kg_per_m2=34.9) == 0


def test_herdoo2_is_of_women():
    everything = {i.name: i.worst for i in SCORES["herdoo2"].inputs}
    assert scored("herdoo2", everything)["score"] == 4
    man = scored("herdoo2", everything | {"sex": "male"})
    assert (man["score"], man["group"], man["n_missing"]) == (None, None, 0)


def test_hormones_count_in_women_and_the_point_of_sex_in_men():
    young = {"d_dimer_abnormal_after_stopping": True, "age_years": 50}
    assert score("dash", **young, sex="female", hormone_use_at_vte=True) == 1
    assert score("dash", **young, sex="female", hormone_use_at_vte=False) == 3
    assert score("dash", **young, sex="male", hormone_use_at_vte=True) == 4
    assert score("dash", **(young | {"age_years": 51}), sex="male", hormone_use_at_vte=False) == 3


def test_padua_counts_each_word_once():
    words = list(SCORES["padua"].inputs[0].levels)
    assert score("padua", risk_factors=words, age_years=70, bmi_kg_per_m2=30) == 20
    assert score("padua", risk_factors=["active_cancer", "active_cancer"], age_years=69) == 3


SIGNS = list(SCORES["wells_dvt"].inputs[0].levels)


@pytest.mark.parametrize(
    ("signs", "alternative", "points", "two", "three"),
    [
        (0, True, -2, "unlikely", "low"),
        (2, True, 0, "unlikely", "low"),
        (1, False, 1, "unlikely", "moderate"),
        (2, False, 2, "likely", "moderate"),
        (3, False, 3, "likely", "high"),
        (8, True, 6, "likely", "high"),
    ],
)
def test_two_and_three_tiers_of_the_leg(signs, alternative, points, two, three):
    patient = {"items_present": SIGNS[:signs], "alternative_diagnosis_as_likely": alternative}
    found = scored("wells_dvt", patient)
    assert (found["score"], found["group"]) == (points, two)
    assert found["components"]["group_three_tier"] == three


@pytest.mark.parametrize(
    ("present", "points", "two", "three"),
    [
        (("previous_dvt_or_pe",), 1.5, "unlikely", "low"),
        (("haemoptysis", "malignancy"), 2.0, "unlikely", "moderate"),
        (("clinical_signs_of_dvt", "haemoptysis"), 4.0, "unlikely", "moderate"),
        (("clinical_signs_of_dvt", "previous_dvt_or_pe"), 4.5, "likely", "moderate"),
        (("clinical_signs_of_dvt", "pe_as_likely_or_more"), 6.0, "likely", "moderate"),
        (("clinical_signs_of_dvt", "pe_as_likely_or_more", "malignancy"), 7.0, "likely", "high"),
    ],
)
def test_two_and_three_tiers_of_the_lung(present, points, two, three):
    found = scored("wells_pe", dict.fromkeys(present, True))
    assert (found["score"], found["group"]) == (points, two)
    assert found["components"]["group_three_tier"] == three


def test_anaemia_and_hypertension_of_vte_bleed_depend_on_sex():
    assert score("vte_bleed", sex="male", hb_g_per_l=129) == 1.5
    assert score("vte_bleed", sex="female", hb_g_per_l=129) == 0
    assert score("vte_bleed", sex="female", hb_g_per_l=119) == 1.5
    assert score("vte_bleed", sex="male", systolic_bp_mmhg=140) == 1
    assert score("vte_bleed", sex="female", systolic_bp_mmhg=200) == 0


def test_the_kidneys_of_has_bled_are_one_point_by_either_way():
    assert score("has_bled", renal_disease=True, creatinine_umol_per_l=60) == 1
    assert score("has_bled", renal_disease=False, creatinine_umol_per_l=200) == 1
    assert score("has_bled", renal_disease=True, creatinine_umol_per_l=500) == 1
    assert scored("has_bled", {i.name: i.worst for i in SCORES["has_bled"].inputs})["score"] == 9


@pytest.mark.parametrize(("who", "cut"), [("adult male", 4), ("adult female", 6), ("child", 3)])
def test_an_abnormal_bleeding_score_is_of_whom(who, cut):
    found = [group("isth_bat", total_score=s, patient_group=who) for s in (cut - 1, cut)]
    assert found == ["normal", "abnormal"]


def test_bleeding_is_graded_only_if_overt():
    severe = {"critical_site": True, "hb_fall_g_per_l": 40, "red_cell_units": 4}
    assert group("isth_bleeding", **severe) == "no overt bleeding"
    assert group("isth_bleeding", overt=True, **severe) == "major"
    assert group("isth_bleeding", overt=True, red_cell_units=1) == "minor"
    assert group("isth_bleeding", overt=True, fatal=True) == "major"
    assert group("isth_bleeding", overt=True, face_to_face_evaluation=True) == "clinically relevant non-major"


def test_a_rate_of_no_time_is_no_rate():
    assert score("annualised_bleeding_rate", bleeds=0, exposure_days=0) is None
    assert score("annualised_bleeding_rate", bleeds=1, exposure_days=1) == 365.25


def test_a_list_that_is_not_whole_has_no_villalta_score():
    assert score("villalta", symptom_and_sign_points=[1] * 10) is None
    assert score("villalta", symptom_and_sign_points=[None] + [1] * 10) is None
    assert group("villalta", symptom_and_sign_points=[2] * 7 + [0] * 4) == "moderate"
    assert group("villalta", symptom_and_sign_points=[2] * 7 + [1] + [0] * 3) == "severe"


def test_creatinine_of_plasmic_is_below_2_mg_per_dl():
    unit = {"creatinine_umol_per_l": "mg/dL"}
    found = [scored("plasmic", {"creatinine_umol_per_l": c}, unit=unit)["score"] for c in (1.99, 2.0)]
    assert found == [1, 0]


@pytest.mark.parametrize(
    ("platelets", "inr", "sofa", "points", "answer"),
    [
        (99, 1.3, 1, 4, "SIC"),
        (149, 1.41, 1, 4, "SIC"),
        (149, 1.3, 2, 4, "not SIC"),
        (99, 1.2, 2, 4, "not SIC"),
        (99, 1.41, 0, 4, "SIC"),
        (99, 1.3, 0, 3, "not SIC"),
    ],
)
def test_sic_asks_for_more_than_its_sum(platelets, inr, sofa, points, answer):
    found = scored("sic", {"platelets_1e9_per_l": platelets, "inr": inr, "sofa_four_organ_sum": sofa})
    assert (found["score"], found["group"]) == (points, answer)


def test_triglycerides_and_fibrinogen_are_one_criterion_and_two_lineages_another():
    assert score("hlh_2004", triglycerides_mmol_per_l=3.0, fibrinogen_g_per_l=1.5) == 1
    assert score("hlh_2004", hb_g_per_l=89) == 0
    assert score("hlh_2004", hb_g_per_l=89, neutrophils_1e9_per_l=0.9) == 1
    assert score("hlh_2004", hb_g_per_l=89, neutrophils_1e9_per_l=0.9, platelets_1e9_per_l=99) == 1
    assert group("hlh_2004", molecular_diagnosis=True) == "met"
    assert scored("hlh_2004", {i.name: i.worst for i in SCORES["hlh_2004"].inputs})["score"] == 8


def test_a_high_mascc_score_is_low_risk_and_its_bounds_are_of_the_score():
    assert group("mascc") == "high"
    patient = {i.name: i.worst for i in SCORES["mascc"].inputs}
    assert (scored("mascc", patient)["score"], scored("mascc", patient)["group"]) == (26, "low")
    patient["age_years"] = None
    bounds = [scored("mascc", patient, missing=m)["score"] for m in ("lowest", "highest")]
    assert bounds == [24, 26]


def test_hscore_has_the_maximum_of_its_paper():
    assert scored("hscore", {i.name: i.worst for i in SCORES["hscore"].inputs})["score"] == 337
    for temperature, points in ((38.3, 0), (38.4, 33), (39.4, 33), (39.5, 49)):
        assert score("hscore", temperature_c=temperature) == points
