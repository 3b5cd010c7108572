"""Stages and scores of chronic lymphocytic leukaemia."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Rule, Score, bands, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, rising, yes
from .items import Values, choose, criterion, flag, formula, levels, steps, where_known
from .steps import above, at_least, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

EARLY_STAGES = ("Rai 0", "Binet A")
LATER_STAGES = ("Rai I", "Binet B", "Rai II", "Rai III", "Binet C", "Rai IV")
STAGE_POINTS = {**dict.fromkeys(EARLY_STAGES, 0), **dict.fromkeys(LATER_STAGES, 1)}
MANY_AREAS = at_least(3)
RAI_ANAEMIA = below(110)
THROMBOCYTOPENIA = below(100)
BINET_ANAEMIA = below(100)
RAI_INPUTS = ("lymphadenopathy", "hepatomegaly_or_splenomegaly", "hb_g_per_l", "platelets_1e9_per_l")


@documented(
    Score(
        name="cll_ipi",
        title="International Prognostic Index of chronic lymphocytic leukaemia (CLL-IPI)",
        citation="International CLL-IPI working group. Lancet Oncol 2016;17:779-790",
        version="2016",
        population="chronic lymphocytic leukaemia, at diagnosis or first treatment",
        evidence="V",
        inputs=(
            yes("del17p_or_tp53_mutated", "deletion of 17p or mutation of TP53"),
            yes("ighv_unmutated", "unmutated immunoglobulin heavy chain genes"),
            rising("b2m_mg_per_l"),
            choice("clinical_stage", "stage of Rai or of Binet", tuple(STAGE_POINTS)),
            rising("age_years"),
        ),
        items=(
            flag("del17p_or_tp53_mutated", 4),
            flag("ighv_unmutated", 2),
            steps("b2m_mg_per_l", above(3.5, 2)),
            levels("clinical_stage", STAGE_POINTS),
            steps("age_years", above(65)),
        ),
        groups=bands("low", at_least(2, "intermediate"), at_least(4, "high"), at_least(7, "very high")),
        outcome="5-year overall survival 93.2, 79.3, 63.3 and 23.3 %",
        notes="Beta-2 microglobulin is in mg/L; some pages print mg/dL or g/L by mistake.",
    )
)
def cll_ipi(
    del17p_or_tp53_mutated: Column = "del17p_or_tp53_mutated",
    ighv_unmutated: Column = "ighv_unmutated",
    b2m_mg_per_l: Column = "b2m_mg_per_l",
    clinical_stage: Column = "clinical_stage",
    age_years: Column = "age_years",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """CLL-IPI, 0 to 10 points.

    Examples
    --------
    >>> patient = pl.DataFrame(
    ...     {"tp53": [True], "unmutated": [True], "b2m": [3.5], "stage": ["Rai 0"], "age": [65]}
    ... )
    >>> score = cll_ipi("tp53", "unmutated", "b2m", "stage", "age")
    >>> patient.select(score).unnest("cll_ipi").select("score", "group").row(0)
    (6, 'high')
    """
    return struct_of(SCORES["cll_ipi"], locals())


@documented(
    Score(
        name="binet",
        title="Binet stage",
        citation="Binet JL, et al. Cancer 1981;48:198-206",
        version="1981",
        population="chronic lymphocytic leukaemia",
        evidence="V",
        inputs=(
            rising("lymphoid_areas_involved"),
            falling("hb_g_per_l"),
            falling("platelets_1e9_per_l"),
        ),
        items=(
            criterion(
                "cytopenia",
                ("hb_g_per_l", "platelets_1e9_per_l"),
                lambda x: BINET_ANAEMIA.holds(x.hb_g_per_l) | THROMBOCYTOPENIA.holds(x.platelets_1e9_per_l),
                "haemoglobin below 100 g/L or platelets below 100 x 10^9/L",
                cuts={"hb_g_per_l": BINET_ANAEMIA, "platelets_1e9_per_l": THROMBOCYTOPENIA},
            ),
            criterion(
                "many_areas",
                ("lymphoid_areas_involved",),
                lambda x: MANY_AREAS.holds(x.lymphoid_areas_involved),
                "at least 3 of 5 areas involved",
                cuts={"lymphoid_areas_involved": MANY_AREAS},
            ),
        ),
        total=no_score,
        groups=Rule(
            ("A", "B", "C"),
            lambda x: choose((x.cytopenia, "C"), (x.many_areas, "B"), otherwise="A"),
            "C with a cytopenia, whatever the areas; else B with at least 3 areas; else A.",
        ),
        notes="Spleen and liver are two areas; one page counts one. An area on both sides counts once.",
    )
)
def binet(
    lymphoid_areas_involved: Column = "lymphoid_areas_involved",
    hb_g_per_l: Column = "hb_g_per_l",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Binet stage of chronic lymphocytic leukaemia: A, B or C.

    Examples
    --------
    >>> patients = pl.DataFrame({"areas": [2, 3, 2], "hb": [130, 100, 99], "plt": [200, 100, 100]})
    >>> patients.select(binet("areas", "hb", "plt").struct.field("group")).to_series().to_list()
    ['A', 'B', 'C']
    """
    return struct_of(SCORES["binet"], locals())


def _rai(x: Values) -> pl.Expr:
    """The highest criterion that is met."""
    stage = choose(
        (THROMBOCYTOPENIA.holds(x.platelets_1e9_per_l), 4),
        (RAI_ANAEMIA.holds(x.hb_g_per_l), 3),
        (x.hepatomegaly_or_splenomegaly, 2),
        (x.lymphadenopathy, 1),
        otherwise=0,
    )
    return where_known(x, RAI_INPUTS, stage)


@documented(
    Score(
        name="rai",
        title="Rai stage, with the groups of the modified Rai system",
        citation="Rai KR, et al. Blood 1975;46:219-234",
        version="1975",
        population="chronic lymphocytic leukaemia",
        evidence="V",
        inputs=(
            yes("lymphadenopathy", "enlarged lymph nodes"),
            yes("hepatomegaly_or_splenomegaly", "enlarged liver or spleen"),
            falling("hb_g_per_l"),
            falling("platelets_1e9_per_l"),
        ),
        items=(
            formula(
                "stage",
                RAI_INPUTS,
                _rai,
                "4 with platelets below 100 x 10^9/L; else 3 with haemoglobin below 110 g/L; else 2 with "
                "liver or spleen; else 1 with lymph nodes; else 0",
                cuts={"hb_g_per_l": RAI_ANAEMIA, "platelets_1e9_per_l": THROMBOCYTOPENIA},
                whole=True,
            ),
        ),
        groups=bands("low", at_least(1, "intermediate"), at_least(3, "high")),
        notes="The score is the stage, 0 to 4. One page prints at most 110 and at most 100 for the modified "
        "version; here it is below, as in the original.",
    )
)
def rai(
    lymphadenopathy: Column = "lymphadenopathy",
    hepatomegaly_or_splenomegaly: Column = "hepatomegaly_or_splenomegaly",
    hb_g_per_l: Column = "hb_g_per_l",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Rai stage of chronic lymphocytic leukaemia, 0 to 4, and its risk group.

    Examples
    --------
    >>> patients = pl.DataFrame(
    ...     {"nodes": [True, True], "liver": [False, True], "hb": [110, 105], "plt": [100, 90]}
    ... )
    >>> patients.select(rai("nodes", "liver", "hb", "plt")).unnest("rai").select("score", "group").rows()
    [(1, 'intermediate'), (4, 'high')]
    """
    return struct_of(SCORES["rai"], locals())
