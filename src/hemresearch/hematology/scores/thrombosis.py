"""Scores of the risk of venous thrombosis, first and recurrent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import SEX, Input, choice, falling, no, rising, several, yes
from .items import Values, condition, flag, levels, of_words, steps, sum_of
from .steps import above, at_least, at_most, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

SITES = {
    "other": 0,
    "lung": 1,
    "lymphoma": 1,
    "gynaecological": 1,
    "bladder": 1,
    "testicular": 1,
    "stomach": 2,
    "pancreas": 2,
}
ANAEMIA = below(100)


@documented(
    Score(
        name="khorana",
        title="Khorana score",
        citation="Khorana AA, et al. Blood 2008;111:4902-4907",
        version="2008",
        population="cancer outpatients, before chemotherapy",
        evidence="V",
        inputs=(
            choice("cancer_site", "site of the cancer", tuple(SITES)),
            rising("platelets_1e9_per_l"),
            falling("hb_g_per_l"),
            yes("esa_use", "use of an erythropoiesis-stimulating agent"),
            rising("wbc_1e9_per_l"),
            rising("bmi_kg_per_m2"),
        ),
        items=(
            levels("cancer_site", SITES),
            steps("platelets_1e9_per_l", at_least(350)),
            condition(
                "anaemia",
                ("hb_g_per_l", "esa_use"),
                lambda x: ANAEMIA.holds(x.hb_g_per_l) | x.esa_use,
                "haemoglobin below 100 g/L or an erythropoiesis-stimulating agent",
                cuts={"hb_g_per_l": ANAEMIA},
            ),
            steps("wbc_1e9_per_l", above(11)),
            steps("bmi_kg_per_m2", at_least(35)),
        ),
        groups=bands("low", at_least(1, "intermediate"), at_least(3, "high")),
        outcome="6-month venous thromboembolism 5.0, 6.6 and 11.0 % in a meta-analysis (Mulder 2019)",
        notes="Platelets count from 350, leukocytes only above 11.",
    )
)
def khorana(
    cancer_site: Column = "cancer_site",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    hb_g_per_l: Column = "hb_g_per_l",
    esa_use: Column = "esa_use",
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    bmi_kg_per_m2: Column = "bmi_kg_per_m2",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Khorana score: venous thromboembolism in cancer outpatients, 0 to 6 points.

    Examples
    --------
    >>> patient = pl.DataFrame(
    ...     {
    ...         "site": ["pancreas"],
    ...         "plt": [350],
    ...         "hb": [120],
    ...         "esa": [False],
    ...         "wbc": [11.0],
    ...         "bmi": [34.9],
    ...     }
    ... )
    >>> score = khorana("site", "plt", "hb", "esa", "wbc", "bmi")
    >>> patient.select(score).unnest("khorana").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["khorana"], locals())


def _women_only(x: Values) -> pl.Expr:
    """Zero for women, null for men: null points are no score."""
    return pl.when(of_words(x.sex, {"female": 1, "male": 0}) == 1).then(pl.lit(value=False))


@documented(
    Score(
        name="herdoo2",
        title="HERDOO2",
        citation="Rodger MA, et al. CMAJ 2008;179:417-426; validated in BMJ 2017;356:j1065",
        version="2008",
        population="women after a first unprovoked venous thromboembolism, on anticoagulants",
        evidence="V",
        inputs=(
            Input("sex", "category", "sex", "female", "female", levels=("female", "male")),
            yes("hyperpigmentation_oedema_or_redness", "hyperpigmentation, oedema or redness of either leg"),
            rising("d_dimer_ug_per_l_vidas_on_anticoagulant"),
            rising("bmi_kg_per_m2"),
            rising("age_years"),
        ),
        items=(
            condition("women_only", ("sex",), _women_only, "no score for men, women", points=0),
            flag("hyperpigmentation_oedema_or_redness"),
            steps("d_dimer_ug_per_l_vidas_on_anticoagulant", at_least(250)),
            steps("bmi_kg_per_m2", at_least(30)),
            steps("age_years", at_least(65)),
        ),
        groups=bands("low", at_least(2, "high")),
        outcome="recurrences per 100 years off treatment 3.0 (low, 17 in 564) and 8.1 (high, 25 in 309)",
        notes="The rule is of women only; men have no score. The threshold of D-dimer is of the VIDAS assay, "
        "during anticoagulation: it does not carry over to another assay.",
    )
)
def herdoo2(
    sex: Column = "sex",
    hyperpigmentation_oedema_or_redness: Column = "hyperpigmentation_oedema_or_redness",
    d_dimer_ug_per_l_vidas_on_anticoagulant: Column = "d_dimer_ug_per_l_vidas_on_anticoagulant",
    bmi_kg_per_m2: Column = "bmi_kg_per_m2",
    age_years: Column = "age_years",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """HERDOO2: which women may stop anticoagulants after a first unprovoked event, 0 to 4 points.

    Examples
    --------
    >>> patients = pl.DataFrame(
    ...     {
    ...         "sex": ["female", "female", "male"],
    ...         "leg": [False, True, True],
    ...         "dd": [250, 250, 250],
    ...         "bmi": [29.9, 29.9, 29.9],
    ...         "age": [64, 64, 64],
    ...     }
    ... )
    >>> score = herdoo2("sex", "leg", "dd", "bmi", "age")
    >>> patients.select(score).unnest("herdoo2").select("score", "group").rows()
    [(1, 'low'), (2, 'high'), (None, None)]
    """
    return struct_of(SCORES["herdoo2"], locals())


def _hormones(x: Values) -> pl.Expr:
    return (x.sex.cast(pl.String) == "female") & x.hormone_use_at_vte


@documented(
    Score(
        name="dash",
        title="DASH prediction score",
        citation="Tosetto A, et al. J Thromb Haemost 2012;10:1019-1025",
        version="2012",
        population="a first unprovoked venous thromboembolism, after anticoagulants were stopped",
        evidence="V",
        inputs=(
            yes("d_dimer_abnormal_after_stopping", "abnormal D-dimer after anticoagulants were stopped"),
            falling("age_years"),
            SEX,
            no("hormone_use_at_vte", "hormones used at the time of the event"),
        ),
        items=(
            flag("d_dimer_abnormal_after_stopping", 2),
            steps("age_years", at_most(50)),
            levels("sex", {"female": 0, "male": 1}),
            condition("hormones", ("sex", "hormone_use_at_vte"), _hormones, "in a woman", points=-2),
        ),
        groups=bands("<=1", at_least(2, "2"), at_least(3, ">=3")),
        outcome="recurrence 3.1, 6.4 and 12.3 % per year",
        notes="Age 50 counts, as in the tables of the score; the abstract of the paper says below 50. One "
        "page gives the point of sex to women: it is of men.",
    )
)
def dash(
    d_dimer_abnormal_after_stopping: Column = "d_dimer_abnormal_after_stopping",
    age_years: Column = "age_years",
    sex: Column = "sex",
    hormone_use_at_vte: Column = "hormone_use_at_vte",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """DASH: recurrence after a first unprovoked venous thromboembolism, -2 to 4 points.

    Examples
    --------
    >>> patient = pl.DataFrame({"dd": [True], "age": [20], "sex": ["female"], "pill": [True]})
    >>> score = dash("dd", "age", "sex", "pill")
    >>> patient.select(score).unnest("dash").select("score", "group").row(0)
    (1, '<=1')
    """
    return struct_of(SCORES["dash"], locals())


RISK_FACTORS = {
    "active_cancer": 3,
    "previous_vte": 3,
    "reduced_mobility": 3,
    "thrombophilia": 3,
    "trauma_or_surgery_within_1_month": 2,
    "heart_or_respiratory_failure": 1,
    "myocardial_infarction_or_stroke": 1,
    "infection_or_rheumatic_disease": 1,
    "hormone_treatment": 1,
}


@documented(
    Score(
        name="padua",
        title="Padua prediction score",
        citation="Barbar S, et al. J Thromb Haemost 2010;8:2450-2457",
        version="2010",
        population="medical inpatients",
        evidence="V",
        inputs=(
            several("risk_factors", "risk factors of the patient", tuple(RISK_FACTORS)),
            rising("age_years"),
            rising("bmi_kg_per_m2"),
        ),
        items=(
            sum_of("risk_factors", RISK_FACTORS),
            steps("age_years", at_least(70)),
            steps("bmi_kg_per_m2", at_least(30)),
        ),
        groups=bands("low", at_least(4, "high")),
        outcome="venous thromboembolism 0.3 % (low), and 11.0 % (high) without and 2.2 % with prophylaxis",
        notes="Age 70 counts; one source prints above 70. Age and body mass index are not among the words.",
    )
)
def padua(
    risk_factors: Column = "risk_factors",
    age_years: Column = "age_years",
    bmi_kg_per_m2: Column = "bmi_kg_per_m2",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Padua score: venous thromboembolism in medical inpatients, 0 to 20 points.

    Examples
    --------
    >>> from hemresearch.hematology.scores import list_of
    >>> patients = pl.DataFrame({"cancer": [True, True], "age": [70, 69], "bmi": [25, 25]})
    >>> score = padua(list_of({"active_cancer": "cancer"}), "age", "bmi")
    >>> patients.select(score).unnest("padua").select("score", "group").rows()
    [(4, 'high'), (3, 'low')]
    """
    return struct_of(SCORES["padua"], locals())
