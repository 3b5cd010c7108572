"""What goes into a score: its unit, what is possible, what is usual, and which way is worse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["number", "yes or no", "category", "list", "numbers"]


LEAST_POSITIVE = 1e-4


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured number as scores take it.

    Attributes
    ----------
    unit
        The unit the score's paper states.
    possible
        Values outside are refused: they are not of a patient.
    usual
        A cohort whose median is outside is warned about: the unit is likely another.
    measured
        Its name in `units.QUANTITIES`, where other units of it can be declared; None where there is one unit.
    meaning
        What it is, for the documentation.
    """

    unit: str
    possible: tuple[float, float]
    usual: tuple[float, float]
    measured: str | None
    meaning: str

    @property
    def whole(self) -> bool:
        """Whether it is a whole number: a count, a grade, a stage."""
        return self.unit in ("count", "ordinal")


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a score.

    Attributes
    ----------
    best, worst
        The values that score least and most, taken for a missing value when bounds are asked for.
    levels
        The words of a category or of a list, least risk first.
    """

    name: str
    kind: Kind
    meaning: str
    best: Any
    worst: Any
    quantity: Quantity | None = None
    levels: tuple[str, ...] = field(default=())
    positive: bool = False


def rising(name: str, *, positive: bool = False) -> Input:
    """A number of which more is worse. `positive` where 0 is refused, because a logarithm is taken."""
    q = NUMBERS[name]
    low, high = _ends(q, positive)
    return Input(name, "number", q.meaning, low, high, q, positive=positive)


def falling(name: str, *, positive: bool = False) -> Input:
    """A number of which less is worse."""
    q = NUMBERS[name]
    low, high = _ends(q, positive)
    return Input(name, "number", q.meaning, high, low, q, positive=positive)


def _ends(q: Quantity, positive: bool) -> tuple[float, float]:
    """Of what is possible; for a logarithm from a little above 0, so that bounds are finite."""
    low, high = q.possible
    return (LEAST_POSITIVE if positive and low == 0 else float(low)), float(high)


def yes(name: str, meaning: str) -> Input:
    """Yes or no, of which yes is worse."""
    return Input(name, "yes or no", meaning, False, True)


def no(name: str, meaning: str) -> Input:
    """Yes or no, of which no is worse."""
    return Input(name, "yes or no", meaning, True, False)


def choice(name: str, meaning: str, levels: Sequence[str]) -> Input:
    """One of several words, least risk first."""
    return Input(name, "category", meaning, levels[0], levels[-1], levels=tuple(levels))


def several(name: str, meaning: str, levels: Sequence[str]) -> Input:
    """A list with those words that apply to the patient; an empty list when none does."""
    return Input(name, "list", meaning, [], list(levels), levels=tuple(levels))


def points_of(name: str, meaning: str, n: int) -> Input:
    """A list of so many numbers from 0 to 3, one for each of the things that are graded."""
    return Input(name, "numbers", meaning, [0] * n, [3] * n)


def _cells(what: str, possible: float, usual: tuple[float, float], measured: str) -> Quantity:
    return Quantity("10^9/L", (0, possible), usual, measured, f"{what} of the blood")


def _percent(what: str) -> Quantity:
    return Quantity("%", (0, 100), (0, 100), "percentage", what)


def _count(what: str, most: float) -> Quantity:
    return Quantity("count", (0, most), (0, most), None, what)


def _grade(what: str, most: float) -> Quantity:
    return Quantity("ordinal", (0, most), (0, most), None, what)


SEX = choice("sex", "sex", ("female", "male"))
"""Of scores in which being a man adds."""

NUMBERS: dict[str, Quantity] = {
    "age_years": Quantity("years", (0, 120), (0.5, 100), "age", "age"),
    # blood counts
    "hb_g_per_l": Quantity("g/L", (10, 260), (50, 180), "haemoglobin", "haemoglobin"),
    "hb_g_per_dl": Quantity("g/dL", (1, 26), (5, 18), "haemoglobin", "haemoglobin"),
    "hb_fall_g_per_l": Quantity("g/L", (-100, 200), (-20, 100), "haemoglobin", "fall in haemoglobin"),
    "wbc_1e9_per_l": _cells("leukocytes", 2000, (0.5, 300), "leukocytes"),
    "neutrophils_1e9_per_l": _cells("neutrophils", 500, (0.01, 50), "neutrophils"),
    "lymphocytes_1e9_per_l": _cells("lymphocytes", 2000, (0.05, 300), "lymphocytes"),
    "monocytes_1e9_per_l": _cells("monocytes", 500, (0.01, 50), "monocytes"),
    "platelets_1e9_per_l": _cells("platelets", 10_000, (3, 2000), "platelets"),
    "lowest_confirmed_anc_1e9_per_l": Quantity(
        "10^9/L", (0, 500), (0, 50), "neutrophils", "lowest neutrophil count that a second one confirms"
    ),
    "mcv_fl": Quantity("fL", (40, 160), (65, 125), None, "mean corpuscular volume"),
    "lymphocytes_percent": _percent("lymphocytes among leukocytes"),
    "pb_blasts_percent": _percent("blasts in the blood"),
    "bone_marrow_blasts_percent": _percent("blasts in the bone marrow"),
    "eosinophils_percent": _percent("eosinophils in the blood"),
    "basophils_percent": _percent("basophils in the blood"),
    "ki67_percent": _percent("Ki-67 positive tumour cells"),
    # chemistry
    "albumin_g_per_l": Quantity("g/L", (3, 80), (15, 60), "albumin", "serum albumin"),
    "creatinine_mg_per_dl": Quantity("mg/dL", (0.05, 40), (0.3, 12), "creatinine", "creatinine"),
    "creatinine_umol_per_l": Quantity("umol/L", (5, 4000), (25, 1100), "creatinine", "creatinine"),
    "creatinine_clearance_ml_per_min": Quantity(
        "mL/min", (0, 400), (10, 200), None, "creatinine clearance (Cockcroft-Gault)"
    ),
    "bilirubin_mg_per_dl": Quantity("mg/dL", (0, 80), (0.1, 30), "bilirubin", "total bilirubin"),
    "calcium_mg_per_dl": Quantity("mg/dL", (2, 30), (6, 18), "calcium", "total calcium"),
    "ldh_ratio_to_uln": Quantity(
        "ratio", (0, 200), (0.4, 3), None, "lactate dehydrogenase over its upper limit of normal"
    ),
    "ldh_u_per_l": Quantity("U/L", (10, 100_000), (80, 5000), "ldh", "lactate dehydrogenase"),
    "alp_u_per_l": Quantity("U/L", (1, 20_000), (15, 2000), "alp", "alkaline phosphatase"),
    "ast_u_per_l": Quantity("U/L", (1, 50_000), (8, 5000), "ast", "aspartate aminotransferase"),
    "b2m_mg_per_l": Quantity("mg/L", (0.1, 200), (0.8, 40), "beta2_microglobulin", "beta-2 microglobulin"),
    "b2m_ratio_to_uln": Quantity(
        "ratio", (0, 100), (0.4, 3), None, "beta-2 microglobulin over its upper limit of normal"
    ),
    "crp_mg_per_l": Quantity("mg/L", (0, 1000), (0.2, 500), "crp", "C-reactive protein"),
    "crp_mg_per_dl": Quantity("mg/dL", (0, 100), (0.02, 50), "crp", "C-reactive protein"),
    "ferritin_ug_per_l": Quantity("ug/L", (0, 1e6), (5, 1e5), "ferritin", "ferritin"),
    "triglycerides_mmol_per_l": Quantity("mmol/L", (0.05, 150), (0.4, 20), None, "triglycerides"),
    "scd25_u_per_ml": Quantity("U/mL", (0, 1e6), (50, 1e5), None, "soluble CD25 (interleukin-2 receptor)"),
    # haemostasis
    "inr": Quantity("ratio", (0.5, 30), (0.7, 8), None, "prothrombin time as INR"),
    "pt_prolongation_s": Quantity(
        "s", (-10, 300), (-5, 60), None, "prothrombin time beyond the upper limit of normal"
    ),
    "fibrinogen_g_per_l": Quantity("g/L", (0, 20), (0.3, 12), "fibrinogen", "fibrinogen"),
    "d_dimer_ug_per_l_vidas_on_anticoagulant": Quantity(
        "ug/L", (0, 1e6), (20, 1e5), "d_dimer", "D-dimer by VIDAS, during anticoagulation"
    ),
    "factor_activity_iu_per_dl": Quantity(
        "IU/dL", (0, 1000), (0, 300), "factor_activity", "factor VIII or IX activity"
    ),
    # at the bedside
    "bmi_kg_per_m2": Quantity("kg/m2", (8, 100), (14, 55), None, "body mass index"),
    "heart_rate_per_min": Quantity("per min", (0, 350), (40, 200), None, "heart rate"),
    "systolic_bp_mmhg": Quantity("mmHg", (20, 350), (70, 220), None, "systolic blood pressure"),
    "oxygen_saturation_percent": Quantity(
        "%", (20, 100), (70, 100), "percentage", "arterial oxygen saturation"
    ),
    "temperature_c": Quantity("degC", (25, 45), (34, 42), None, "highest body temperature"),
    "spleen_cm_below_costal_margin": Quantity(
        "cm", (0, 50), (0, 30), None, "spleen below the costal margin by palpation"
    ),
    "longest_node_cm": Quantity("cm", (0, 60), (0.3, 30), None, "longest diameter of the largest node"),
    "stool_ml_per_day_adult": Quantity("mL/day", (0, 30_000), (0, 10_000), None, "diarrhoea of an adult"),
    "alcohol_drinks_per_week": Quantity("per week", (0, 300), (0, 100), None, "alcoholic drinks"),
    # counts, times and grades
    "extranodal_sites": _count("extranodal sites", 30),
    "nodal_areas": _count("nodal areas", 30),
    "lymphoid_areas_involved": _count(
        "of cervical, axillary, inguinal (each counted once, also if bilateral), spleen and liver", 5
    ),
    "lytic_bone_lesions": _count("lytic bone lesions", 500),
    "n_cytopenias": _count("cytopenias", 3),
    "n_hmr_genes": _count("mutated genes among ASXL1, EZH2, SRSF2, IDH1 and IDH2", 5),
    "n_hmr_or_u2af1q157": _count("mutated genes among ASXL1, EZH2, SRSF2, IDH1, IDH2 and U2AF1 Q157", 6),
    "n_mutated_srsf2_asxl1_runx1": _count("mutated genes among SRSF2, ASXL1 and RUNX1", 3),
    "cytopenic_lineages": _count("cytopenic lineages", 3),
    "red_cell_units": Quantity("units", (0, 200), (0, 200), None, "red cells transfused"),
    "sofa_four_organ_sum": _count("sum of the SOFA scores of respiration, circulation, liver and kidney", 16),
    "total_score": _count("total of the 14 domains", 56),
    "bleeds": _count("bleeds", 10_000),
    "exposure_days": Quantity("days", (1, 50_000), (1, 20_000), "time", "days of exposure"),
    "days_anc_le_0_5": _count("days with neutrophils of at most 0.5", 1000),
    "days_anc_le_0_1": _count("days with neutrophils of at most 0.1", 1000),
    "months_diagnosis_to_hct": Quantity("months", (0, 1000), (0, 240), None, "diagnosis to transplant"),
    "ipss_r_score": Quantity("points", (0, 10), (0, 10), None, "IPSS-R score"),
    "thrombocytopenia_points": _grade("points for thrombocytopenia", 2),
    "timing_points": _grade("points for timing", 2),
    "thrombosis_points": _grade("points for thrombosis", 2),
    "other_cause_points": _grade("points for other causes", 2),
    "ecog": _grade("ECOG performance status", 4),
    "ann_arbor_stage": Quantity("ordinal", (1, 4), (1, 4), None, "Ann Arbor stage, 1 to 4"),
    "bm_fibrosis_grade": _grade("fibrosis of the bone marrow", 3),
    "mucositis_grade": _grade("mucositis", 5),
    "ice_score": _grade("immune effector cell encephalopathy score, 10 is normal", 10),
    "skin_stage": _grade("stage of the skin", 4),
    "liver_stage": _grade("stage of the liver", 4),
    "upper_gi_stage": _grade("stage of the upper gut", 1),
    "lower_gi_stage": _grade("stage of the lower gut", 4),
    "skin": _grade("score of the skin", 3),
    "mouth": _grade("score of the mouth", 3),
    "eyes": _grade("score of the eyes", 3),
    "gi": _grade("score of the gut", 3),
    "liver": _grade("score of the liver", 3),
    "lungs": _grade("score of the lungs", 3),
    "joints_fascia": _grade("score of joints and fascia", 3),
    "genital": _grade("score of the genital tract", 3),
}
"""Every number a score takes, by its name; scores of one paper's unit share it."""
