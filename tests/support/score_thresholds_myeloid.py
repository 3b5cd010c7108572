"""What scores of myeloid disease, transplantation and cell therapy give around each threshold.

Typed from the published definitions. For an input: the score (of a grading without one: the group) with all
else as good as can be; for `"score"`: the group. A fourth value sets other inputs.
"""

from __future__ import annotations

from typing import Any

Thresholds = dict[tuple[str, str, float], tuple[Any, ...]]

VERY_LOW, LOW, MIDDLE, HIGH, VERY_HIGH = "very low", "low", "intermediate", "high", "very high"
MIDDLE_1, MIDDLE_2 = "intermediate-1", "intermediate-2"
LOW_TO_HIGH = [LOW, MIDDLE, HIGH]
FOUR = [LOW, MIDDLE_1, MIDDLE_2, HIGH]
FIVE = [VERY_LOW, LOW, MIDDLE, HIGH, VERY_HIGH]
GRADES = [f"grade {n}" for n in range(5)]
STAGES = [f"stage {n}" for n in range(5)]


def _groups_from(score: str, labels: list[str], *begin: float) -> Thresholds:
    """Groups that begin at a score, which is in the upper one."""
    return {
        (score, "score", cut): (lower, upper, upper)
        for cut, lower, upper in zip(begin, labels[:-1], labels[1:], strict=True)
    }


def _groups_up_to(score: str, labels: list[str], *end: float) -> Thresholds:
    """Groups that end at a score, which is in the lower one."""
    return {
        (score, "score", cut): (lower, lower, upper)
        for cut, lower, upper in zip(end, labels[:-1], labels[1:], strict=True)
    }


MYELODYSPLASIA: Thresholds = {
    ("ipss", "bone_marrow_blasts_percent", 5): (0, 0.5, 0.5),
    ("ipss", "bone_marrow_blasts_percent", 10): (0.5, 0.5, 1.5),
    ("ipss", "bone_marrow_blasts_percent", 20): (1.5, 1.5, 2),
    ("ipss", "n_cytopenias", 2): (0, 0.5, 0.5),
    **_groups_from("ipss", FOUR, 0.5, 1.5, 2.5),
    ("ipss_r", "bone_marrow_blasts_percent", 2): (0, 0, 1),
    ("ipss_r", "bone_marrow_blasts_percent", 5): (1, 2, 2),
    ("ipss_r", "bone_marrow_blasts_percent", 10): (2, 2, 3),
    ("ipss_r", "hb_g_per_dl", 10): (1, 0, 0),
    ("ipss_r", "hb_g_per_dl", 8): (1.5, 1, 1),
    ("ipss_r", "platelets_1e9_per_l", 100): (0.5, 0, 0),
    ("ipss_r", "platelets_1e9_per_l", 50): (1, 0.5, 0.5),
    ("ipss_r", "neutrophils_1e9_per_l", 0.8): (0.5, 0, 0),
    **_groups_up_to("ipss_r", FIVE, 1.5, 3, 4.5, 6),
    **_groups_up_to("ipss_ra", FIVE, 1.5, 3, 4.5, 6),
    **_groups_up_to(
        "ipss_m", [VERY_LOW, LOW, "moderate low", "moderate high", HIGH, VERY_HIGH], -1.5, -0.5, 0, 0.5, 1.5
    ),
    **_groups_from("wpss", FIVE, 1, 2, 3, 5),
}

MYELOFIBROSIS: Thresholds = {
    ("dipss", "age_years", 65): (0, 0, 1),
    ("dipss", "wbc_1e9_per_l", 25): (0, 0, 1),
    ("dipss", "hb_g_per_dl", 10): (2, 0, 0),
    ("dipss", "pb_blasts_percent", 1): (0, 1, 1),
    **_groups_from("dipss", FOUR, 1, 3, 5),
    ("dipss_plus", "platelets_1e9_per_l", 100): (1, 0, 0),
    **_groups_from("dipss_plus", FOUR, 1, 2, 4),
    ("mipss70", "hb_g_per_dl", 10): (1, 0, 0),
    ("mipss70", "wbc_1e9_per_l", 25): (0, 0, 2),
    ("mipss70", "platelets_1e9_per_l", 100): (2, 0, 0),
    ("mipss70", "pb_blasts_percent", 2): (0, 1, 1),
    ("mipss70", "bm_fibrosis_grade", 2): (0, 1, 1),
    ("mipss70", "n_hmr_genes", 1): (0, 1, 2),
    ("mipss70", "n_hmr_genes", 2): (1, 2, 2),
    **_groups_from("mipss70", LOW_TO_HIGH, 2, 5),
    ("mipss70_plus_v2", "hb_g_per_dl", 8): (2, 1, 1, {"sex": "female"}),
    ("mipss70_plus_v2", "hb_g_per_dl", 10): (1, 0, 0, {"sex": "female"}),
    ("mipss70_plus_v2", "hb_g_per_dl", 9): (2, 1, 1, {"sex": "male"}),
    ("mipss70_plus_v2", "hb_g_per_dl", 11): (1, 0, 0, {"sex": "male"}),
    ("mipss70_plus_v2", "pb_blasts_percent", 2): (0, 1, 1),
    ("mipss70_plus_v2", "n_hmr_or_u2af1q157", 1): (0, 2, 3),
    ("mipss70_plus_v2", "n_hmr_or_u2af1q157", 2): (2, 3, 3),
    **_groups_from("mipss70_plus_v2", FIVE, 1, 3, 5, 9),
    **_groups_from("gipss", FOUR, 1, 2, 3),
    # 60 years are 9 points
    ("mysec_pm", "hb_g_per_dl", 11): (11, 9, 9, {"age_years": 60}),
    ("mysec_pm", "pb_blasts_percent", 3): (9, 11, 11, {"age_years": 60}),
    ("mysec_pm", "platelets_1e9_per_l", 150): (10, 9, 9, {"age_years": 60}),
    **_groups_from("mysec_pm", FOUR, 11, 14, 16),
}

CHRONIC_MYELOID_AND_THROMBOCYTHAEMIA: Thresholds = {
    ("sokal", "score", 0.8): (LOW, MIDDLE, MIDDLE),
    ("sokal", "score", 1.2): (MIDDLE, MIDDLE, HIGH),
    ("euro_hasford", "age_years", 50): (0, 666.6, 666.6),
    ("euro_hasford", "basophils_percent", 3): (0, 203.9, 203.9),
    ("euro_hasford", "platelets_1e9_per_l", 1500): (0, 1095.6, 1095.6),
    **_groups_up_to("euro_hasford", LOW_TO_HIGH, 780, 1480),
    **_groups_up_to("eutos", [LOW, HIGH], 87),
    **_groups_up_to("elts", LOW_TO_HIGH, 1.568, 2.2185),
    ("ipset_thrombosis", "age_years", 60): (0, 0, 1),
    **_groups_from("ipset_thrombosis", LOW_TO_HIGH, 2, 3),
    ("ipset_thrombosis_revised", "age_years", 60): (VERY_LOW, VERY_LOW, MIDDLE),
}

ACUTE_MYELOID: Thresholds = {
    ("sanz_apl", "wbc_1e9_per_l", 10): (LOW, LOW, HIGH),
    ("sanz_apl", "platelets_1e9_per_l", 40): (MIDDLE, MIDDLE, LOW),
}

TRANSPLANTATION: Thresholds = {
    **_groups_from("hct_ci", LOW_TO_HIGH, 1, 3),
    ("hct_ci_age", "age_years", 40): (0, 1, 1),
    ("ebmt_score", "age_years", 20): (0, 1, 1),
    ("ebmt_score", "age_years", 40): (1, 1, 2),
    ("ebmt_score", "months_diagnosis_to_hct", 12): (0, 0, 1, {"first_complete_remission": False}),
}

GRAFT_VERSUS_HOST: Thresholds = {
    ("agvhd_liver_stage", "bilirubin_mg_per_dl", 2): (0, 1, 1),
    ("agvhd_liver_stage", "bilirubin_mg_per_dl", 3): (1, 1, 2),
    ("agvhd_liver_stage", "bilirubin_mg_per_dl", 6): (2, 2, 3),
    ("agvhd_liver_stage", "bilirubin_mg_per_dl", 15): (3, 3, 4),
    **_groups_from("agvhd_liver_stage", STAGES, 1, 2, 3, 4),
    ("agvhd_lower_gi_stage", "stool_ml_per_day_adult", 500): (0, 1, 1),
    ("agvhd_lower_gi_stage", "stool_ml_per_day_adult", 1000): (1, 2, 2),
    ("agvhd_lower_gi_stage", "stool_ml_per_day_adult", 1500): (2, 2, 3),
    **_groups_from("agvhd_lower_gi_stage", STAGES, 1, 2, 3, 4),
    ("agvhd_grade_magic", "skin_stage", 1): (0, 1, 1),
    ("agvhd_grade_magic", "skin_stage", 3): (1, 2, 4),
    ("agvhd_grade_magic", "skin_stage", 4): (2, 4, 4),
    ("agvhd_grade_magic", "liver_stage", 1): (0, 2, 3),
    ("agvhd_grade_magic", "liver_stage", 2): (2, 3, 3),
    ("agvhd_grade_magic", "liver_stage", 4): (3, 4, 4),
    ("agvhd_grade_magic", "upper_gi_stage", 1): (0, 2, 2),
    ("agvhd_grade_magic", "lower_gi_stage", 1): (0, 2, 3),
    ("agvhd_grade_magic", "lower_gi_stage", 2): (2, 3, 3),
    ("agvhd_grade_magic", "lower_gi_stage", 4): (3, 4, 4),
    **_groups_from("agvhd_grade_magic", ["0", "I", "II", "III", "IV"], 1, 2, 3, 4),
    **{
        ("cgvhd_nih2014", organ, score): expected
        for organ in ("skin", "mouth", "eyes", "gi", "liver", "joints_fascia", "genital")
        for score, expected in {
            1: ("none", "mild", "moderate"),
            2: ("mild", "moderate", "severe"),
            3: ("moderate", "severe", "severe"),
        }.items()
    },
    ("cgvhd_nih2014", "lungs", 1): ("none", "moderate", "severe"),
    ("cgvhd_nih2014", "lungs", 2): ("moderate", "severe", "severe"),
}

CELL_THERAPY: Thresholds = {
    ("car_hematotox", "neutrophils_1e9_per_l", 1.2): (1, 0, 0),
    ("car_hematotox", "hb_g_per_dl", 9): (1, 0, 0),
    ("car_hematotox", "platelets_1e9_per_l", 75): (2, 1, 1),
    ("car_hematotox", "platelets_1e9_per_l", 175): (1, 1, 0),
    ("car_hematotox", "crp_mg_per_l", 30): (0, 0, 1),
    ("car_hematotox", "ferritin_ug_per_l", 650): (0, 1, 1),
    ("car_hematotox", "ferritin_ug_per_l", 2000): (1, 1, 2),
    **_groups_from("car_hematotox", [LOW, HIGH], 2),
    **_groups_from("crs_astct", GRADES, 1, 2, 3, 4),
    ("icans_astct", "ice_score", 9): (1, 1, 0),
    ("icans_astct", "ice_score", 6): (2, 2, 1),
    ("icans_astct", "ice_score", 2): (3, 3, 2),
    **_groups_from("icans_astct", GRADES, 1, 2, 3, 4),
    ("icaht_early", "days_anc_le_0_5", 1): (0, 1, 1),
    ("icaht_early", "days_anc_le_0_5", 7): (1, 2, 2),
    ("icaht_early", "days_anc_le_0_5", 14): (2, 3, 3),
    ("icaht_early", "days_anc_le_0_1", 7): (2, 3, 3, {"days_anc_le_0_5": 10}),
    ("icaht_early", "days_anc_le_0_1", 14): (3, 4, 4, {"days_anc_le_0_5": 20}),
    **_groups_from("icaht_early", GRADES, 1, 2, 3, 4),
    ("icaht_late", "lowest_confirmed_anc_1e9_per_l", 1.5): (1, 1, 0),
    ("icaht_late", "lowest_confirmed_anc_1e9_per_l", 1): (2, 2, 1),
    ("icaht_late", "lowest_confirmed_anc_1e9_per_l", 0.5): (3, 3, 2),
    ("icaht_late", "lowest_confirmed_anc_1e9_per_l", 0.1): (4, 4, 3),
    **_groups_from("icaht_late", GRADES, 1, 2, 3, 4),
}

MASTOCYTOSIS: Thresholds = {
    ("ipsm_non_advanced", "age_years", 60): (0, 1, 1),
    ("ipsm_non_advanced", "alp_u_per_l", 100): (0, 1, 1),
    **_groups_from("ipsm_non_advanced", [LOW, MIDDLE_1, MIDDLE_2], 1, 2),
    ("mars_mastocytosis", "age_years", 60): (0, 0, 1),
    ("mars_mastocytosis", "hb_g_per_l", 100): (1, 0, 0),
    ("mars_mastocytosis", "platelets_1e9_per_l", 100): (1, 0, 0),
    ("mars_mastocytosis", "n_mutated_srsf2_asxl1_runx1", 1): (0, 1, 2),
    ("mars_mastocytosis", "n_mutated_srsf2_asxl1_runx1", 2): (1, 2, 2),
    **_groups_from("mars_mastocytosis", LOW_TO_HIGH, 2, 3),
}

MYELOID = {
    **MYELODYSPLASIA,
    **MYELOFIBROSIS,
    **CHRONIC_MYELOID_AND_THROMBOCYTHAEMIA,
    **ACUTE_MYELOID,
    **TRANSPLANTATION,
    **GRAFT_VERSUS_HOST,
    **CELL_THERAPY,
    **MASTOCYTOSIS,
}
"""Every threshold of these scores."""
