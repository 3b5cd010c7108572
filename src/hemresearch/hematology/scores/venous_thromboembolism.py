"""Scores of a suspected venous thromboembolism, and of the prognosis of pulmonary embolism."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, no, rising, several, yes
from .items import Item, Values, criterion, flag, steps, sum_of
from .steps import Step, above, at_least, below, first_that_holds

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

SIGNS = (
    "active_cancer",
    "paralysis_or_plaster",
    "bedridden_or_surgery",
    "deep_vein_tenderness",
    "entire_leg_swollen",
    "calf_swelling_over_3_cm",
    "pitting_oedema",
    "collateral_veins",
)


def _three_tier(items: tuple[Item, ...], high: Step, moderate: Step, words: str) -> Item:
    """The older grouping of the same sum, shown beside the newer one."""

    def tier(x: Values) -> pl.Expr:
        total = pl.sum_horizontal([item.points(x) for item in items], ignore_nulls=False)
        return first_that_holds(total, (high, moderate), pl.lit("low"))

    of = tuple(name for item in items for name in item.inputs)
    return criterion("group_three_tier", of, tier, words, cuts={"score": (moderate, high)})


DVT_ITEMS = (
    sum_of("items_present", dict.fromkeys(SIGNS, 1)),
    flag("previous_dvt"),
    flag("alternative_diagnosis_as_likely", -2),
)


@documented(
    Score(
        name="wells_dvt",
        title="Wells score of deep vein thrombosis",
        citation="Wells PS, et al. N Engl J Med 2003;349:1227-1235; three tiers: Lancet 1997;350:1795-1798",
        version="2003",
        population="suspected deep vein thrombosis",
        evidence="V",
        inputs=(
            several("items_present", "what the patient has", SIGNS),
            yes("previous_dvt", "previous deep vein thrombosis"),
            no("alternative_diagnosis_as_likely", "another diagnosis at least as likely"),
        ),
        items=(
            *DVT_ITEMS,
            _three_tier(
                DVT_ITEMS,
                at_least(3, "high"),
                at_least(1, "moderate"),
                "low up to 0, moderate with 1 and 2, high from 3 points; adds nothing",
            ),
        ),
        groups=bands("unlikely", at_least(2, "likely")),
        notes="The version of 1997 has three tiers and no item of previous thrombosis: for it give "
        "`pl.lit(False)` there and take the component group_three_tier. The window of surgery was 4 weeks "
        "in 1997 and is 12 weeks in 2003. Bedridden is for more than 3 days.",
    )
)
def wells_dvt(
    items_present: Column = "items_present",
    previous_dvt: Column = "previous_dvt",
    alternative_diagnosis_as_likely: Column = "alternative_diagnosis_as_likely",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Wells score of suspected deep vein thrombosis, -2 to 9 points.

    Examples
    --------
    >>> patient = pl.DataFrame(
    ...     {"items": [["active_cancer", "pitting_oedema"]], "previous": [True], "other": [False]}
    ... )
    >>> score = wells_dvt("items", "previous", "other")
    >>> result = patient.select(score).unnest("wells_dvt")
    >>> result.unnest("components").select("score", "group", "group_three_tier").row(0)
    (3, 'likely', 'high')
    """
    return struct_of(SCORES["wells_dvt"], locals())


PE_ITEMS = (
    flag("clinical_signs_of_dvt", 3),
    flag("pe_as_likely_or_more", 3),
    steps("heart_rate_per_min", above(100, 1.5)),
    flag("immobilisation_or_surgery_4_weeks", 1.5),
    flag("previous_dvt_or_pe", 1.5),
    flag("haemoptysis"),
    flag("malignancy"),
)


@documented(
    Score(
        name="wells_pe",
        title="Wells score of pulmonary embolism",
        citation="Wells PS, et al. Thromb Haemost 2000;83:416-420",
        version="2000",
        population="suspected pulmonary embolism",
        evidence="V",
        inputs=(
            yes("clinical_signs_of_dvt", "clinical signs of deep vein thrombosis"),
            yes("pe_as_likely_or_more", "pulmonary embolism the most likely diagnosis, or equally likely"),
            rising("heart_rate_per_min"),
            yes(
                "immobilisation_or_surgery_4_weeks",
                "immobilisation of at least 3 days, or surgery in the last 4 weeks",
            ),
            yes("previous_dvt_or_pe", "previous deep vein thrombosis or pulmonary embolism"),
            yes("haemoptysis", "haemoptysis"),
            yes("malignancy", "malignancy"),
        ),
        items=(
            *PE_ITEMS,
            _three_tier(
                PE_ITEMS,
                above(6, "high"),
                at_least(2, "moderate"),
                "low below 2, moderate from 2 to 6, high above 6 points; adds nothing",
            ),
        ),
        groups=bands("unlikely", above(4, "likely")),
        notes="4 points are unlikely. The three tiers are the component group_three_tier.",
    )
)
def wells_pe(
    clinical_signs_of_dvt: Column = "clinical_signs_of_dvt",
    pe_as_likely_or_more: Column = "pe_as_likely_or_more",
    heart_rate_per_min: Column = "heart_rate_per_min",
    immobilisation_or_surgery_4_weeks: Column = "immobilisation_or_surgery_4_weeks",
    previous_dvt_or_pe: Column = "previous_dvt_or_pe",
    haemoptysis: Column = "haemoptysis",
    malignancy: Column = "malignancy",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Wells score of suspected pulmonary embolism, 0 to 12.5 points.

    Examples
    --------
    >>> yes, no = pl.lit(True), pl.lit(False)
    >>> patients = pl.DataFrame({"pulse": [100, 101]})
    >>> score = wells_pe(yes, no, "pulse", no, no, yes, no)
    >>> patients.select(score).unnest("wells_pe").select("score", "group").rows()
    [(4.0, 'unlikely'), (5.5, 'likely')]
    """
    return struct_of(SCORES["wells_pe"], locals())


@documented(
    Score(
        name="spesi",
        title="Simplified Pulmonary Embolism Severity Index (sPESI)",
        citation="Jiménez D, et al. Arch Intern Med 2010;170:1383-1389",
        version="2010",
        population="acute pulmonary embolism",
        evidence="V",
        inputs=(
            rising("age_years"),
            yes("cancer", "cancer"),
            yes("chronic_cardiopulmonary_disease", "chronic heart or lung disease"),
            rising("heart_rate_per_min"),
            falling("systolic_bp_mmhg"),
            falling("oxygen_saturation_percent"),
        ),
        items=(
            steps("age_years", above(80)),
            flag("cancer"),
            flag("chronic_cardiopulmonary_disease"),
            steps("heart_rate_per_min", at_least(110)),
            steps("systolic_bp_mmhg", below(100)),
            steps("oxygen_saturation_percent", below(90)),
        ),
        groups=bands("low", at_least(1, "high")),
    )
)
def spesi(
    age_years: Column = "age_years",
    cancer: Column = "cancer",
    chronic_cardiopulmonary_disease: Column = "chronic_cardiopulmonary_disease",
    heart_rate_per_min: Column = "heart_rate_per_min",
    systolic_bp_mmhg: Column = "systolic_bp_mmhg",
    oxygen_saturation_percent: Column = "oxygen_saturation_percent",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Simplified PESI: the number of six adverse factors in pulmonary embolism.

    Examples
    --------
    >>> patients = pl.DataFrame({"age": [80, 81], "pulse": [109, 110], "bp": [100, 99], "sat": [90, 89]})
    >>> score = spesi("age", pl.lit(False), pl.lit(False), "pulse", "bp", "sat")
    >>> patients.select(score).unnest("spesi").select("score", "group").rows()
    [(0, 'low'), (4, 'high')]
    """
    return struct_of(SCORES["spesi"], locals())
