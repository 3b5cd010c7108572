"""Scores of the risk of bleeding, and of stroke, on or before anticoagulants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Rule, Score, Ungrouped, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import SEX, choice, falling, rising, yes
from .items import Cut, Values, as_given, choose, condition, flag, levels, of_words, steps
from .steps import above, at_least, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

HYPERTENSION = at_least(140)
ANAEMIA_MEN, ANAEMIA_WOMEN = below(130), below(120)


def _man(x: Values) -> pl.Expr:
    return of_words(x.sex, {"female": 0, "male": 1}) == 1


def _anaemia(x: Values) -> pl.Expr:
    in_men, in_women = ANAEMIA_MEN.holds(x.hb_g_per_l), ANAEMIA_WOMEN.holds(x.hb_g_per_l)
    return (_man(x) & in_men) | (~_man(x) & in_women)


@documented(
    Score(
        name="vte_bleed",
        title="VTE-BLEED",
        citation="Klok FA, et al. Eur Respir J 2016;48:1369-1376",
        version="2016",
        population="venous thromboembolism, on anticoagulants",
        evidence="V",
        inputs=(
            yes("active_cancer", "active cancer"),
            SEX,
            rising("systolic_bp_mmhg"),
            falling("hb_g_per_l"),
            yes("history_of_bleeding", "history of bleeding"),
            rising("age_years"),
            falling("creatinine_clearance_ml_per_min"),
        ),
        items=(
            flag("active_cancer", 2),
            condition(
                "hypertension_in_a_man",
                ("sex", "systolic_bp_mmhg"),
                lambda x: _man(x) & HYPERTENSION.holds(x.systolic_bp_mmhg),
                "a man with systolic blood pressure from 140",
                cuts={"systolic_bp_mmhg": HYPERTENSION},
            ),
            condition(
                "anaemia",
                ("sex", "hb_g_per_l"),
                _anaemia,
                "haemoglobin below 130 g/L in a man, below 120 in a woman",
                points=1.5,
                cuts={"hb_g_per_l": (ANAEMIA_MEN, ANAEMIA_WOMEN)},
            ),
            flag("history_of_bleeding", 1.5),
            steps("age_years", at_least(60, 1.5)),
            steps("creatinine_clearance_ml_per_min", below(60, 1.5)),
        ),
        groups=bands("low", at_least(2, "high")),
        notes="One review gives 1 point to every item but cancer; some tools write a clearance of 30 to 60. "
        "Clearance is of Cockcroft and Gault.",
    )
)
def vte_bleed(
    active_cancer: Column = "active_cancer",
    sex: Column = "sex",
    systolic_bp_mmhg: Column = "systolic_bp_mmhg",
    hb_g_per_l: Column = "hb_g_per_l",
    history_of_bleeding: Column = "history_of_bleeding",
    age_years: Column = "age_years",
    creatinine_clearance_ml_per_min: Column = "creatinine_clearance_ml_per_min",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """VTE-BLEED: bleeding on anticoagulants for venous thromboembolism, 0 to 9 points.

    Examples
    --------
    >>> patient = pl.DataFrame({"sex": ["female"], "bp": [170], "hb": [119], "age": [60], "clearance": [80]})
    >>> score = vte_bleed(pl.lit(False), "sex", "bp", "hb", pl.lit(False), "age", "clearance")
    >>> patient.select(score).unnest("vte_bleed").select("score", "group").row(0)
    (3.0, 'high')
    """
    return struct_of(SCORES["vte_bleed"], locals())


CREATININE_HIGH = at_least(200)


@documented(
    Score(
        name="has_bled",
        title="HAS-BLED",
        citation="Pisters R, et al. Chest 2010;138:1093-1100",
        version="2010",
        population="atrial fibrillation, on anticoagulants",
        evidence="V",
        inputs=(
            rising("systolic_bp_mmhg"),
            yes("renal_disease", "dialysis or kidney transplant"),
            rising("creatinine_umol_per_l"),
            yes(
                "liver_disease",
                "cirrhosis, or bilirubin above twice with AST, ALT or ALP above three times its upper limit "
                "of normal",
            ),
            yes("stroke", "previous stroke"),
            yes("bleeding_history", "previous major bleeding or predisposition to bleeding"),
            yes("labile_inr", "less than 60 % of time in the therapeutic range"),
            rising("age_years"),
            yes("antiplatelet_or_nsaid", "antiplatelet drug or non-steroidal anti-inflammatory drug"),
            rising("alcohol_drinks_per_week"),
        ),
        items=(
            steps("systolic_bp_mmhg", above(160)),
            condition(
                "renal",
                ("renal_disease", "creatinine_umol_per_l"),
                lambda x: x.renal_disease | CREATININE_HIGH.holds(x.creatinine_umol_per_l),
                "dialysis, kidney transplant or creatinine from 200 umol/L",
                cuts={"creatinine_umol_per_l": CREATININE_HIGH},
            ),
            flag("liver_disease"),
            flag("stroke"),
            flag("bleeding_history"),
            flag("labile_inr"),
            steps("age_years", above(65)),
            flag("antiplatelet_or_nsaid"),
            steps("alcohol_drinks_per_week", at_least(8)),
        ),
        groups=bands("not high", at_least(3, "high")),
        notes="Age 65 does not count. Drugs and alcohol are one point each, so the maximum is 9.",
    )
)
def has_bled(
    systolic_bp_mmhg: Column = "systolic_bp_mmhg",
    renal_disease: Column = "renal_disease",
    creatinine_umol_per_l: Column = "creatinine_umol_per_l",
    liver_disease: Column = "liver_disease",
    stroke: Column = "stroke",
    bleeding_history: Column = "bleeding_history",
    labile_inr: Column = "labile_inr",
    age_years: Column = "age_years",
    antiplatelet_or_nsaid: Column = "antiplatelet_or_nsaid",
    alcohol_drinks_per_week: Column = "alcohol_drinks_per_week",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """HAS-BLED: major bleeding on anticoagulants for atrial fibrillation, 0 to 9 points.

    Examples
    --------
    >>> no, yes = pl.lit(False), pl.lit(True)
    >>> patients = pl.DataFrame({"bp": [160, 161], "crea": [200, 199], "age": [65, 66], "drinks": [8, 7]})
    >>> score = has_bled("bp", no, "crea", no, no, no, no, "age", yes, "drinks")
    >>> patients.select(score).unnest("has_bled").select("score", "group").rows()
    [(3, 'high'), (3, 'high')]
    """
    return struct_of(SCORES["has_bled"], locals())


ABNORMAL_FROM = {"adult female": 6, "adult male": 4, "child": 3}


def _abnormal(x: Values) -> pl.Expr:
    """From a threshold of the patient's group."""
    return x.score >= of_words(x.patient_group, ABNORMAL_FROM)


@documented(
    Score(
        name="isth_bat",
        title="ISTH bleeding assessment tool (ISTH-BAT)",
        citation="Rodeghiero F, et al. J Thromb Haemost 2010;8:2063-2065; thresholds: Elbatarny M, et al. "
        "Haemophilia 2014;20:831-835",
        version="2014",
        population="suspected inherited bleeding disorder",
        evidence="V",
        inputs=(
            rising("total_score"),
            choice("patient_group", "whose threshold applies", tuple(ABNORMAL_FROM)),
        ),
        items=(as_given("total_score", "the sum of 14 domains, 0 to 4 each"),),
        groups=Rule(
            ("normal", "abnormal"),
            lambda x: choose((_abnormal(x), "abnormal"), otherwise="normal"),
            "abnormal from 4 in men, 6 in women and 3 in children.",
            cuts=tuple(Cut("score", cut, ">=") for cut in ABNORMAL_FROM.values()),
        ),
    )
)
def isth_bat(
    total_score: Column = "total_score",
    patient_group: Column = "patient_group",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """ISTH-BAT: whether the bleeding score is abnormal for a man, a woman or a child.

    Examples
    --------
    >>> patients = pl.DataFrame({"bat": [5, 5, 2], "who": ["adult male", "adult female", "child"]})
    >>> patients.select(isth_bat("bat", "who").struct.field("group")).to_series().to_list()
    ['abnormal', 'normal', 'normal']
    """
    return struct_of(SCORES["isth_bat"], locals())


@documented(
    Score(
        name="cha2ds2_vasc",
        title="CHA2DS2-VASc",
        citation="Lip GYH, et al. Chest 2010;137:263-272",
        version="2010",
        population="atrial fibrillation",
        evidence="V",
        inputs=(
            yes("heart_failure", "congestive heart failure"),
            yes("hypertension", "hypertension"),
            rising("age_years"),
            yes("diabetes", "diabetes"),
            yes("stroke_tia_embolism", "previous stroke, transient ischaemic attack or thromboembolism"),
            yes("vascular_disease", "vascular disease"),
            choice("sex", "sex", ("male", "female")),
        ),
        items=(
            flag("heart_failure"),
            flag("hypertension"),
            steps("age_years", at_least(75, 2), at_least(65, 1)),
            flag("diabetes"),
            flag("stroke_tia_embolism", 2),
            flag("vascular_disease"),
            levels("sex", {"male": 0, "female": 1}),
        ),
        groups=Ungrouped(),
        notes="CHA2DS2-VA, of 2024, leaves sex out: it is the score less the component sex.",
    )
)
def cha2ds2_vasc(
    heart_failure: Column = "heart_failure",
    hypertension: Column = "hypertension",
    age_years: Column = "age_years",
    diabetes: Column = "diabetes",
    stroke_tia_embolism: Column = "stroke_tia_embolism",
    vascular_disease: Column = "vascular_disease",
    sex: Column = "sex",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """CHA2DS2-VASc: stroke in atrial fibrillation, 0 to 9 points.

    Examples
    --------
    >>> no, yes = pl.lit(False), pl.lit(True)
    >>> patients = pl.DataFrame({"age": [76, 65], "sex": ["female", "male"], "stroke": [True, False]})
    >>> score = cha2ds2_vasc(no, yes, "age", no, "stroke", no, "sex")
    >>> patients.select(score.struct.field("score")).to_series().to_list()
    [6, 2]
    """
    return struct_of(SCORES["cha2ds2_vasc"], locals())
