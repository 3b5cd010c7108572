"""Scores before allogeneic transplantation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, Ungrouped, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, no, rising, several
from .items import Values, formula, has, levels, of_words, steps, sum_of_words
from .steps import above, at_least

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units


ONE = (
    "arrhythmia", "cardiac", "inflammatory_bowel_disease", "diabetes", "cerebrovascular", "psychiatric",
    "hepatic_mild", "obesity", "infection",
)  # fmt: skip
TWO = ("rheumatologic", "peptic_ulcer", "renal", "pulmonary_moderate")
THREE = ("solid_tumour", "heart_valve_disease", "pulmonary_severe", "hepatic_severe")
COMORBIDITIES = dict.fromkeys(ONE, 1.0) | dict.fromkeys(TWO, 2.0) | dict.fromkeys(THREE, 3.0)
COMORBIDITY_LIST = several("comorbidities", "comorbidities as HCT-CI defines them", tuple(COMORBIDITIES))


def _comorbidity_points(x: Values) -> pl.Expr:
    """Of one organ only the severe grade counts, also if both are listed."""
    found = x.comorbidities
    listed = sum_of_words(found, COMORBIDITIES)
    both_hepatic = has(found, "hepatic_mild") & has(found, "hepatic_severe")
    both_pulmonary = has(found, "pulmonary_moderate") & has(found, "pulmonary_severe")
    return listed - both_hepatic.cast(pl.Float64) - 2 * both_pulmonary.cast(pl.Float64)


COMORBIDITY_POINTS = formula(
    "comorbidities",
    ("comorbidities",),
    _comorbidity_points,
    f"1 each: {', '.join(ONE)}; 2: {', '.join(TWO)}; 3: {', '.join(THREE)}",
    whole=True,
)
HCT_CI_NOTES = (
    "Definitions of the paper: cardiac is coronary disease, heart failure, infarction or an ejection "
    "fraction of at most 50 %; obesity a BMI above 35; renal a creatinine above 177 umol/L, dialysis or "
    "a renal transplant; pulmonary moderate a DLCO or FEV1 of 66 to 80 % or dyspnoea on slight activity, "
    "severe at most 65 %, dyspnoea at rest or oxygen; hepatic mild a bilirubin up to 1.5 or "
    "transaminases up to 2.5 times the limit, severe above or cirrhosis. Some calculators score peptic "
    "ulcer with 1."
)


@documented(
    Score(
        name="hct_ci",
        title="Hematopoietic Cell Transplantation-specific Comorbidity Index (HCT-CI)",
        citation="Sorror ML, et al. Blood 2005;106:2912-2919",
        version="2005",
        population="before allogeneic transplantation",
        evidence="V",
        inputs=(COMORBIDITY_LIST,),
        items=(COMORBIDITY_POINTS,),
        groups=bands("low", at_least(1, "intermediate"), at_least(3, "high")),
        notes=HCT_CI_NOTES,
    )
)
def hct_ci(
    comorbidities: Column = "comorbidities",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Comorbidity index before transplantation; `list_of` makes its list from columns of yes and no.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"comorbidities": [[], ["hepatic_severe"], ["renal", "infection"]]})
    >>> patients.select(hct_ci()).unnest("hct_ci").select("score", "group").rows()
    [(0, 'low'), (3, 'high'), (3, 'high')]
    """
    return struct_of(SCORES["hct_ci"], locals())


@documented(
    Score(
        name="hct_ci_age",
        title="HCT-CI/Age",
        citation="Sorror ML, et al. J Clin Oncol 2014;32:3249-3256",
        version="2014",
        population="before allogeneic transplantation",
        evidence="V",
        inputs=(COMORBIDITY_LIST, rising("age_years")),
        items=(COMORBIDITY_POINTS, steps("age_years", at_least(40))),
        groups=Ungrouped(),
        notes=HCT_CI_NOTES,
    )
)
def hct_ci_age(
    comorbidities: Column = "comorbidities",
    age_years: Column = "age_years",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """HCT-CI with a point for an age of at least 40 years.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"comorbidities": [["diabetes"], ["diabetes"]], "age_years": [39, 40]})
    >>> patients.select(hct_ci_age().struct.field("score")).to_series().to_list()
    [1, 2]
    """
    return struct_of(SCORES["hct_ci_age"], locals())


@documented(
    Score(
        name="ebmt_score",
        title="EBMT (Gratwohl) score",
        citation="Gratwohl A. Bone Marrow Transplant 2012;47:749-756",
        version="2012",
        population="allogeneic transplantation",
        evidence="V",
        inputs=(
            rising("age_years"),
            choice("disease_stage", "stage as the paper defines it", ("early", "intermediate", "late")),
            rising("months_diagnosis_to_hct"),
            no("first_complete_remission", "transplanted in first complete remission"),
            choice("donor", "donor", ("HLA-identical sibling", "unrelated")),
            choice("donor_sex", "sex of the donor", ("male", "female")),
            choice("recipient_sex", "sex of the recipient", ("female", "male")),
        ),
        items=(
            steps("age_years", above(40, 2), at_least(20, 1)),
            levels("disease_stage", {"early": 0, "intermediate": 1, "late": 2}),
            formula(
                "months_diagnosis_to_hct",
                ("months_diagnosis_to_hct", "first_complete_remission"),
                lambda x: (above(12).holds(x.months_diagnosis_to_hct) & ~x.first_complete_remission).cast(
                    pl.Int16
                ),
                "above 12, unless in first complete remission: 1",
                cuts={"months_diagnosis_to_hct": above(12)},
                whole=True,
            ),
            levels("donor", {"HLA-identical sibling": 0, "unrelated": 1}),
            formula(
                "sexes",
                ("donor_sex", "recipient_sex"),
                lambda x: (
                    (of_words(x.donor_sex, {"male": 0, "female": 1}))
                    * of_words(x.recipient_sex, {"female": 0, "male": 1})
                ),
                "female donor to male recipient: 1",
                whole=True,
            ),
        ),
        groups=Ungrouped(),
        notes=(
            "Severe aplastic anaemia has no stage: call it early. Exactly 12 months give no point here "
            "(one of three sources gives it). No points were published for haploidentical donors and "
            "cord blood. Papers group 0-2, 3, 4, 5-7, calculators 0-2, 3-4, 5-7: state yours."
        ),
    )
)
def ebmt_score(
    age_years: Column = "age_years",
    disease_stage: Column = "disease_stage",
    months_diagnosis_to_hct: Column = "months_diagnosis_to_hct",
    first_complete_remission: Column = "first_complete_remission",
    donor: Column = "donor",
    donor_sex: Column = "donor_sex",
    recipient_sex: Column = "recipient_sex",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """EBMT score of allogeneic transplantation, 0 to 7.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {
    ...         "age_years": [41], "disease_stage": ["intermediate"], "months_diagnosis_to_hct": [13],
    ...         "first_complete_remission": [False], "donor": ["unrelated"], "donor_sex": ["female"],
    ...         "recipient_sex": ["male"],
    ...     }
    ... )
    >>> patient.select(ebmt_score().struct.field("score")).item()
    6
    """
    return struct_of(SCORES["ebmt_score"], locals())
