"""Scores of follicular lymphoma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Rule, Score, bands, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, rising, yes
from .items import choose, criterion, flag, steps
from .steps import above, at_least, below

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units

BONE_MARROW = yes("bone_marrow_involved", "lymphoma in the bone marrow")


@documented(
    Score(
        name="flipi",
        title="Follicular Lymphoma International Prognostic Index (FLIPI)",
        citation="Solal-Céligny P, et al. Blood 2004;104:1258-1265",
        version="2004",
        population="follicular lymphoma at diagnosis",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("ann_arbor_stage"),
            falling("hb_g_per_l"),
            rising("ldh_ratio_to_uln"),
            rising("nodal_areas"),
        ),
        items=(
            steps("age_years", above(60)),
            steps("ann_arbor_stage", at_least(3)),
            steps("hb_g_per_l", below(120)),
            steps("ldh_ratio_to_uln", above(1)),
            steps("nodal_areas", above(4)),
        ),
        groups=bands("low", at_least(2, "intermediate"), at_least(3, "high")),
        outcome="10-year overall survival 71, 51 and 36 %",
        notes="Some calculators count an age of 60; the paper does not.",
    )
)
def flipi(
    age_years: Column = "age_years",
    ann_arbor_stage: Column = "ann_arbor_stage",
    hb_g_per_l: Column = "hb_g_per_l",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    nodal_areas: Column = "nodal_areas",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Follicular Lymphoma International Prognostic Index: the number of five adverse factors.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"age": [61], "stage": [3], "hb": [11.9], "ldh": [1.0], "areas": [4]}
    ... )
    >>> score = flipi("age", "stage", "hb", "ldh", "areas", unit={"hb_g_per_l": "g/dL"})
    >>> patient.select(score).unnest("flipi").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["flipi"], locals())


@documented(
    Score(
        name="prima_pi",
        title="PRIMA prognostic index",
        citation="Bachy E, et al. Blood 2018;132:49-58",
        version="2018",
        population="follicular lymphoma treated with immunochemotherapy",
        evidence="V",
        inputs=(rising("b2m_mg_per_l"), BONE_MARROW),
        items=(
            criterion(
                "b2m_high",
                ("b2m_mg_per_l",),
                lambda x: above(3).holds(x.b2m_mg_per_l),
                "beta-2 microglobulin above 3 mg/L",
                cuts={"b2m_mg_per_l": above(3)},
            ),
            criterion("bone_marrow", ("bone_marrow_involved",), lambda x: x.bone_marrow_involved, "involved"),
        ),
        total=no_score,
        groups=Rule(
            ("low", "intermediate", "high"),
            lambda x: choose((x.b2m_high, "high"), (x.bone_marrow, "intermediate"), otherwise="low"),
            "high with beta-2 microglobulin above 3 mg/L; else intermediate with marrow involved; else low.",
        ),
        outcome="5-year progression-free survival 69, 55 and 37 % (low to high)",
    )
)
def prima_pi(
    b2m_mg_per_l: Column = "b2m_mg_per_l",
    bone_marrow_involved: Column = "bone_marrow_involved",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """PRIMA prognostic index of follicular lymphoma, a rule of two inputs.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"b2m_mg_per_l": [3.1, 3.0], "bone_marrow_involved": [False, True]})
    >>> patients.select(prima_pi().struct.field("group")).to_series().to_list()
    ['high', 'intermediate']
    """
    return struct_of(SCORES["prima_pi"], locals())


@documented(
    Score(
        name="flipi2",
        title="Follicular Lymphoma International Prognostic Index 2 (FLIPI2)",
        citation="Federico M, et al. J Clin Oncol 2009;27:4555-4562",
        version="2009",
        population="follicular lymphoma at the start of treatment",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("b2m_ratio_to_uln"),
            rising("longest_node_cm"),
            BONE_MARROW,
            falling("hb_g_per_l"),
        ),
        items=(
            steps("age_years", above(60)),
            steps("b2m_ratio_to_uln", above(1)),
            steps("longest_node_cm", above(6)),
            flag("bone_marrow_involved"),
            steps("hb_g_per_l", below(120)),
        ),
        groups=bands("low", at_least(1, "intermediate"), at_least(3, "high")),
        notes="Its factors and the bounds of its groups are not those of FLIPI.",
    )
)
def flipi2(
    age_years: Column = "age_years",
    b2m_ratio_to_uln: Column = "b2m_ratio_to_uln",
    longest_node_cm: Column = "longest_node_cm",
    bone_marrow_involved: Column = "bone_marrow_involved",
    hb_g_per_l: Column = "hb_g_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Follicular Lymphoma International Prognostic Index 2: the number of five adverse factors.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [61], "b2m": [1.0], "node": [6.0], "marrow": [True], "hb": [119]})
    >>> score = flipi2("age", "b2m", "node", "marrow", "hb")
    >>> patient.select(score).unnest("flipi2").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["flipi2"], locals())
