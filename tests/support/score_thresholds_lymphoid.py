"""What scores of lymphoma, thrombosis, bleeding and haemostasis give below, at and above each threshold.

Typed from the published definitions. For an input: the score (of a grading without one: the group) with all
else as good as can be; for `"score"`: the group. A fourth value sets other inputs.
"""

from __future__ import annotations

from typing import Any

Thresholds = dict[tuple[str, str, float], tuple[Any, ...]]

LOW, MIDDLE, HIGH = "low", "intermediate", "high"
LOW_MIDDLE, HIGH_MIDDLE = "low-intermediate", "high-intermediate"


def _groups(score: str, labels: list[str], *begin: float) -> Thresholds:
    """Groups that begin at a score, which is in the upper one."""
    return {
        (score, "score", cut): (lower, upper, upper)
        for cut, lower, upper in zip(begin, labels, labels[1:], strict=False)
    }


LYMPHOMA: Thresholds = {
    **{
        (score, *at): expected
        for score in ("ipi", "r_ipi", "cns_ipi")
        for at, expected in {
            ("age_years", 60): (0, 0, 1),
            ("ecog", 2): (0, 1, 1),
            ("ldh_ratio_to_uln", 1): (0, 0, 1),
            ("extranodal_sites", 1): (0, 0, 1),
            ("ann_arbor_stage", 3): (0, 1, 1),
        }.items()
    },
    **_groups("ipi", [LOW, LOW_MIDDLE, HIGH_MIDDLE, HIGH], 2, 3, 4),
    **_groups("r_ipi", ["very good", "good", "poor"], 1, 3),
    **_groups("cns_ipi", [LOW, MIDDLE, HIGH], 2, 4),
    ("aa_ipi", "ecog", 2): (0, 1, 1),
    ("aa_ipi", "ldh_ratio_to_uln", 1): (0, 0, 1),
    ("aa_ipi", "ann_arbor_stage", 3): (0, 1, 1),
    **_groups("aa_ipi", [LOW, LOW_MIDDLE, HIGH_MIDDLE, HIGH], 1, 2, 3),
    ("nccn_ipi", "age_years", 40): (0, 0, 1),
    ("nccn_ipi", "age_years", 60): (1, 1, 2),
    ("nccn_ipi", "age_years", 75): (2, 2, 3),
    ("nccn_ipi", "ecog", 2): (0, 1, 1),
    ("nccn_ipi", "ldh_ratio_to_uln", 1): (0, 0, 1),
    ("nccn_ipi", "ldh_ratio_to_uln", 3): (1, 1, 2),
    ("nccn_ipi", "ann_arbor_stage", 3): (0, 1, 1),
    **_groups("nccn_ipi", [LOW, LOW_MIDDLE, HIGH_MIDDLE, HIGH], 2, 4, 6),
    **{
        (score, "ecog", 2): (2.8179, 3.5157, 3.5157, {"ldh_ratio_to_uln": 1.0, "wbc_1e9_per_l": 1.0})
        for score in ("mipi", "mipi_b")
    },
    **_groups("mipi", [LOW, MIDDLE, HIGH], 5.7, 6.2),
    **_groups("mipi_b", [LOW, MIDDLE, HIGH], 5.7, 6.5),
    ("s_mipi", "age_years", 50): (0, 1, 1),
    ("s_mipi", "age_years", 60): (1, 2, 2),
    ("s_mipi", "age_years", 70): (2, 3, 3),
    ("s_mipi", "ecog", 2): (0, 2, 2),
    ("s_mipi", "ldh_ratio_to_uln", 0.67): (0, 1, 1),
    ("s_mipi", "ldh_ratio_to_uln", 1): (1, 2, 2),
    ("s_mipi", "ldh_ratio_to_uln", 1.5): (2, 3, 3),
    ("s_mipi", "wbc_1e9_per_l", 6.7): (0, 1, 1),
    ("s_mipi", "wbc_1e9_per_l", 10): (1, 2, 2),
    ("s_mipi", "wbc_1e9_per_l", 15): (2, 3, 3),
    ("ips_hodgkin", "age_years", 45): (0, 1, 1),
    ("ips_hodgkin", "ann_arbor_stage", 4): (0, 1, 1),
    ("ips_hodgkin", "albumin_g_per_l", 40): (1, 0, 0),
    ("ips_hodgkin", "hb_g_per_l", 105): (1, 0, 0),
    ("ips_hodgkin", "wbc_1e9_per_l", 15): (0, 1, 1),
    ("ips_hodgkin", "lymphocytes_1e9_per_l", 0.6): (1, 0, 0),
    ("ips_hodgkin", "lymphocytes_percent", 8): (1, 0, 0),
    **_groups("ips_hodgkin", ["0", "1", "2", "3", "4", ">=5"], 1, 2, 3, 4, 5),
    ("pit", "age_years", 60): (0, 0, 1),
    ("pit", "ldh_ratio_to_uln", 1): (0, 0, 1),
    ("pit", "ecog", 2): (0, 1, 1),
    **_groups("pit", ["group 1", "group 2", "group 3", "group 4"], 1, 2, 3),
    ("pink", "age_years", 60): (0, 0, 1),
    ("pink", "ann_arbor_stage", 3): (0, 1, 1),
    **_groups("pink", [LOW, MIDDLE, HIGH], 1, 2),
    ("pink_e", "age_years", 60): (0, 0, 1),
    ("pink_e", "ann_arbor_stage", 3): (0, 1, 1),
    **_groups("pink_e", [LOW, MIDDLE, HIGH], 2, 3),
    ("flipi", "age_years", 60): (0, 0, 1),
    ("flipi", "ann_arbor_stage", 3): (0, 1, 1),
    ("flipi", "hb_g_per_l", 120): (1, 0, 0),
    ("flipi", "ldh_ratio_to_uln", 1): (0, 0, 1),
    ("flipi", "nodal_areas", 4): (0, 0, 1),
    **_groups("flipi", [LOW, MIDDLE, HIGH], 2, 3),
    ("flipi2", "age_years", 60): (0, 0, 1),
    ("flipi2", "b2m_ratio_to_uln", 1): (0, 0, 1),
    ("flipi2", "longest_node_cm", 6): (0, 0, 1),
    ("flipi2", "hb_g_per_l", 120): (1, 0, 0),
    **_groups("flipi2", [LOW, MIDDLE, HIGH], 1, 3),
    ("prima_pi", "b2m_mg_per_l", 3): (LOW, LOW, HIGH),
}

LEUKAEMIA_AND_MYELOMA: Thresholds = {
    ("cll_ipi", "b2m_mg_per_l", 3.5): (0, 0, 2),
    ("cll_ipi", "age_years", 65): (0, 0, 1),
    **_groups("cll_ipi", [LOW, MIDDLE, HIGH, "very high"], 2, 4, 7),
    ("binet", "lymphoid_areas_involved", 3): ("A", "B", "B"),
    ("binet", "hb_g_per_l", 100): ("C", "A", "A"),
    ("binet", "platelets_1e9_per_l", 100): ("C", "A", "A"),
    ("rai", "hb_g_per_l", 110): (3, 0, 0),
    ("rai", "platelets_1e9_per_l", 100): (4, 0, 0),
    **_groups("rai", [LOW, MIDDLE, HIGH], 1, 3),
    ("iss", "b2m_mg_per_l", 3.5): ("I", "II", "II"),
    ("iss", "b2m_mg_per_l", 5.5): ("II", "III", "III"),
    ("iss", "albumin_g_per_l", 35): ("II", "I", "I"),
    ("r_iss", "b2m_mg_per_l", 3.5): ("I", "II", "II"),
    ("r_iss", "b2m_mg_per_l", 5.5): ("II", "III", "III", {"high_risk_cytogenetics": True}),
    ("r_iss", "albumin_g_per_l", 35): ("II", "I", "I"),
    ("r_iss", "ldh_ratio_to_uln", 1): ("I", "I", "II"),
    ("r2_iss", "ldh_ratio_to_uln", 1): (0, 0, 1),
    **_groups("r2_iss", ["I", "II", "III", "IV"], 0.5, 1.5, 3),
    ("durie_salmon", "hb_g_per_dl", 10): ("IIA", "IIA", "IA"),
    ("durie_salmon", "hb_g_per_dl", 8.5): ("IIIA", "IIA", "IIA"),
    ("durie_salmon", "calcium_mg_per_dl", 12): ("IA", "IA", "IIIA"),
    ("durie_salmon", "lytic_bone_lesions", 1): ("IA", "IA", "IIA"),
    ("durie_salmon", "lytic_bone_lesions", 3): ("IIA", "IIIA", "IIIA"),
    ("durie_salmon", "creatinine_mg_per_dl", 2): ("IA", "IB", "IB"),
}

THROMBOSIS: Thresholds = {
    ("khorana", "platelets_1e9_per_l", 350): (0, 1, 1),
    ("khorana", "hb_g_per_l", 100): (1, 0, 0),
    ("khorana", "wbc_1e9_per_l", 11): (0, 0, 1),
    ("khorana", "bmi_kg_per_m2", 35): (0, 1, 1),
    **_groups("khorana", [LOW, MIDDLE, HIGH], 1, 3),
    ("herdoo2", "d_dimer_ug_per_l_vidas_on_anticoagulant", 250): (0, 1, 1),
    ("herdoo2", "bmi_kg_per_m2", 30): (0, 1, 1),
    ("herdoo2", "age_years", 65): (0, 1, 1),
    **_groups("herdoo2", [LOW, HIGH], 2),
    ("dash", "age_years", 50): (-1, -1, -2),
    **_groups("dash", ["<=1", "2", ">=3"], 2, 3),
    ("padua", "age_years", 70): (0, 1, 1),
    ("padua", "bmi_kg_per_m2", 30): (0, 1, 1),
    **_groups("padua", [LOW, HIGH], 4),
    # the first and the last are of the three tiers, which are a component and not the group
    ("wells_dvt", "score", 1): ("unlikely", "unlikely", "unlikely"),
    ("wells_dvt", "score", 2): ("unlikely", "likely", "likely"),
    ("wells_dvt", "score", 3): ("likely", "likely", "likely"),
    ("wells_pe", "heart_rate_per_min", 100): (0, 0, 1.5),
    ("wells_pe", "score", 2): ("unlikely", "unlikely", "unlikely"),
    ("wells_pe", "score", 4): ("unlikely", "unlikely", "likely"),
    ("wells_pe", "score", 6): ("likely", "likely", "likely"),
    ("spesi", "age_years", 80): (0, 0, 1),
    ("spesi", "heart_rate_per_min", 110): (0, 1, 1),
    ("spesi", "systolic_bp_mmhg", 100): (1, 0, 0),
    ("spesi", "oxygen_saturation_percent", 90): (1, 0, 0),
    **_groups("spesi", [LOW, HIGH], 1),
}

BLEEDING: Thresholds = {
    ("vte_bleed", "systolic_bp_mmhg", 140): (0, 1, 1, {"sex": "male"}),
    ("vte_bleed", "hb_g_per_l", 130): (1.5, 0, 0, {"sex": "male"}),
    ("vte_bleed", "hb_g_per_l", 120): (1.5, 0, 0),
    ("vte_bleed", "age_years", 60): (0, 1.5, 1.5),
    ("vte_bleed", "creatinine_clearance_ml_per_min", 60): (1.5, 0, 0),
    **_groups("vte_bleed", [LOW, HIGH], 2),
    ("has_bled", "systolic_bp_mmhg", 160): (0, 0, 1),
    ("has_bled", "creatinine_umol_per_l", 200): (0, 1, 1),
    ("has_bled", "age_years", 65): (0, 0, 1),
    ("has_bled", "alcohol_drinks_per_week", 8): (0, 1, 1),
    **_groups("has_bled", ["not high", HIGH], 3),
    ("isth_bat", "score", 4): ("normal", "abnormal", "abnormal", {"patient_group": "adult male"}),
    ("isth_bat", "score", 6): ("normal", "abnormal", "abnormal", {"patient_group": "adult female"}),
    ("isth_bat", "score", 3): ("normal", "abnormal", "abnormal", {"patient_group": "child"}),
    ("cha2ds2_vasc", "age_years", 65): (0, 1, 1),
    ("cha2ds2_vasc", "age_years", 75): (1, 2, 2),
    ("isth_bleeding", "hb_fall_g_per_l", 20): ("minor", "major", "major", {"overt": True}),
    ("isth_bleeding", "red_cell_units", 2): ("minor", "major", "major", {"overt": True}),
    ("haemophilia_severity", "factor_activity_iu_per_dl", 1): ("severe", "moderate", "moderate"),
    ("haemophilia_severity", "factor_activity_iu_per_dl", 5): ("moderate", "moderate", "mild"),
    ("haemophilia_severity", "factor_activity_iu_per_dl", 40): (
        "mild",
        "not haemophilia by level",
        "not haemophilia by level",
    ),
    **_groups("villalta", ["none", "mild", "moderate", "severe"], 5, 10, 15),
}

HAEMOSTASIS: Thresholds = {
    **_groups("four_ts", [LOW, MIDDLE, HIGH], 4, 6),
    ("plasmic", "platelets_1e9_per_l", 30): (1, 0, 0),
    ("plasmic", "mcv_fl", 90): (1, 0, 0),
    ("plasmic", "inr", 1.5): (1, 0, 0),
    ("plasmic", "creatinine_umol_per_l", 176.84): (1, 0, 0),
    **_groups("plasmic", [LOW, MIDDLE, HIGH], 5, 6),
    ("isth_dic", "platelets_1e9_per_l", 50): (2, 1, 1),
    ("isth_dic", "platelets_1e9_per_l", 100): (1, 1, 0),
    ("isth_dic", "pt_prolongation_s", 3): (0, 1, 1),
    ("isth_dic", "pt_prolongation_s", 6): (1, 1, 2),
    ("isth_dic", "fibrinogen_g_per_l", 1): (1, 1, 0),
    **_groups("isth_dic", ["not overt DIC", "overt DIC"], 5),
    ("sic", "platelets_1e9_per_l", 100): (2, 1, 1),
    ("sic", "platelets_1e9_per_l", 150): (1, 0, 0),
    ("sic", "inr", 1.2): (0, 0, 1),
    ("sic", "inr", 1.4): (1, 1, 2),
    ("sic", "sofa_four_organ_sum", 1): (0, 1, 2),
    ("sic", "sofa_four_organ_sum", 2): (1, 2, 2),
    ("sic", "score", 4): ("not SIC", "SIC", "SIC", {"platelets_1e9_per_l": 90, "inr": 1.5}),
    ("hscore", "temperature_c", 38.4): (0, 33, 33),
    ("hscore", "temperature_c", 39.4): (33, 33, 49),
    ("hscore", "cytopenic_lineages", 2): (0, 24, 34),
    ("hscore", "cytopenic_lineages", 3): (24, 34, 34),
    ("hscore", "ferritin_ug_per_l", 2000): (0, 35, 35),
    ("hscore", "ferritin_ug_per_l", 6000): (35, 35, 50),
    ("hscore", "triglycerides_mmol_per_l", 1.5): (0, 44, 44),
    ("hscore", "triglycerides_mmol_per_l", 4): (44, 44, 64),
    ("hscore", "fibrinogen_g_per_l", 2.5): (30, 30, 0),
    ("hscore", "ast_u_per_l", 30): (0, 19, 19),
    **_groups("hscore", ["<169", ">=169"], 169),
    ("hlh_2004", "hb_g_per_l", 90): (1, 0, 0, {"platelets_1e9_per_l": 50}),
    ("hlh_2004", "platelets_1e9_per_l", 100): (1, 0, 0, {"hb_g_per_l": 50}),
    ("hlh_2004", "neutrophils_1e9_per_l", 1): (1, 0, 0, {"hb_g_per_l": 50}),
    ("hlh_2004", "triglycerides_mmol_per_l", 3): (0, 1, 1),
    ("hlh_2004", "fibrinogen_g_per_l", 1.5): (1, 1, 0),
    ("hlh_2004", "ferritin_ug_per_l", 500): (0, 1, 1),
    ("hlh_2004", "scd25_u_per_ml", 2400): (0, 1, 1),
    **_groups("hlh_2004", ["not met", "met"], 5),
    ("mascc", "age_years", 60): (2, 0, 0),
    **_groups("mascc", [HIGH, LOW], 21),
    ("cisne", "ecog", 2): (0, 2, 2),
    ("cisne", "mucositis_grade", 2): (0, 1, 1),
    ("cisne", "monocytes_1e9_per_l", 0.2): (1, 0, 0),
    **_groups("cisne", [LOW, MIDDLE, HIGH], 1, 3),
}

LYMPHOID = {**LYMPHOMA, **LEUKAEMIA_AND_MYELOMA, **THROMBOSIS, **BLEEDING, **HAEMOSTASIS}
"""Every threshold of these scores."""
