"""Scores of the risk of complications of febrile neutropenia."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, no, rising, yes
from .items import absent, flag, levels, steps
from .steps import at_least, below

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units

BURDEN = {"severe": 0, "moderate": 3, "none or mild": 5}


@documented(
    Score(
        name="mascc",
        title="MASCC risk index",
        citation="Klastersky J, et al. J Clin Oncol 2000;18:3038-3051",
        version="2000",
        population="febrile neutropenia",
        evidence="V",
        inputs=(
            choice("burden_of_illness", "burden of illness, by its symptoms", tuple(BURDEN)),
            no("hypotension", "hypotension"),
            no("copd", "chronic obstructive pulmonary disease"),
            yes(
                "solid_tumour_or_no_previous_fungal_infection",
                "solid tumour, or no previous fungal infection",
            ),
            no("dehydration", "dehydration that requires fluids"),
            yes("outpatient_at_onset", "outpatient at onset of the fever"),
            falling("age_years"),
        ),
        items=(
            levels("burden_of_illness", BURDEN),
            absent("hypotension", 5),
            absent("copd", 4),
            flag("solid_tumour_or_no_previous_fungal_infection", 4),
            absent("dehydration", 3),
            flag("outpatient_at_onset", 3),
            steps("age_years", below(60, 2)),
        ),
        groups=bands("high", at_least(21, "low")),
        notes='More points are less risk: the groups begin with the high risk, and `missing="lowest"` is the '
        "lowest score. 21 points are low risk; one source prints above 21.",
    )
)
def mascc(
    burden_of_illness: Column = "burden_of_illness",
    hypotension: Column = "hypotension",
    copd: Column = "copd",
    solid_tumour_or_no_previous_fungal_infection: Column = "solid_tumour_or_no_previous_fungal_infection",
    dehydration: Column = "dehydration",
    outpatient_at_onset: Column = "outpatient_at_onset",
    age_years: Column = "age_years",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """MASCC risk index of febrile neutropenia, 0 to 26 points; more points are less risk.

    Examples
    --------
    >>> import polars as pl
    >>> no, yes = pl.lit(False), pl.lit(True)
    >>> patients = pl.DataFrame({"burden": ["moderate", "severe"], "home": [True, False], "age": [59, 60]})
    >>> score = mascc("burden", no, no, yes, no, "home", "age")
    >>> patients.select(score).unnest("mascc").select("score", "group").rows()
    [(24, 'low'), (16, 'high')]
    """
    return struct_of(SCORES["mascc"], locals())


@documented(
    Score(
        name="cisne",
        title="Clinical Index of Stable Febrile Neutropenia (CISNE)",
        citation="Carmona-Bayonas A, et al. J Clin Oncol 2015;33:465-471",
        version="2015",
        population="solid tumours, febrile neutropenia that seems stable",
        evidence="V",
        inputs=(
            rising("ecog"),
            yes("stress_hyperglycaemia", "stress-induced hyperglycaemia"),
            yes("copd", "chronic obstructive pulmonary disease"),
            yes("cardiovascular_disease", "chronic cardiovascular disease"),
            rising("mucositis_grade"),
            falling("monocytes_1e9_per_l"),
        ),
        items=(
            steps("ecog", at_least(2, 2)),
            flag("stress_hyperglycaemia", 2),
            flag("copd"),
            flag("cardiovascular_disease"),
            steps("mucositis_grade", at_least(2)),
            steps("monocytes_1e9_per_l", below(0.2)),
        ),
        groups=bands("low", at_least(1, "intermediate"), at_least(3, "high")),
        outcome="serious complications in 1.1, 6.2 and 36 %",
        notes="Made in solid tumours: not for leukaemia. Stress hyperglycaemia is glucose from 121 mg/dL; "
        "the limit for patients with diabetes or on steroids was not verified.",
    )
)
def cisne(
    ecog: Column = "ecog",
    stress_hyperglycaemia: Column = "stress_hyperglycaemia",
    copd: Column = "copd",
    cardiovascular_disease: Column = "cardiovascular_disease",
    mucositis_grade: Column = "mucositis_grade",
    monocytes_1e9_per_l: Column = "monocytes_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """CISNE: complications of febrile neutropenia that seems stable, 0 to 8 points.

    Examples
    --------
    >>> import polars as pl
    >>> no, yes = pl.lit(False), pl.lit(True)
    >>> patient = pl.DataFrame({"ps": [2], "mucositis": [1], "monocytes": [0.2]})
    >>> score = cisne("ps", no, yes, no, "mucositis", "monocytes")
    >>> patient.select(score).unnest("cisne").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["cisne"], locals())
