"""Scores of T-cell and NK/T-cell lymphoma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .follicular import BONE_MARROW
from .inputs import rising, yes
from .items import flag
from .lymphoma import AGE, ECOG, LDH, STAGE
from .steps import at_least

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units

PINK_INPUTS = (
    rising("age_years"),
    rising("ann_arbor_stage"),
    yes("distant_nodes", "distant lymph nodes involved"),
    yes("non_nasal_type", "disease of the non-nasal type"),
)
PINK_ITEMS = (AGE, STAGE, flag("distant_nodes"), flag("non_nasal_type"))
KIM = "Kim SJ, et al. Lancet Oncol 2016;17:389-400"
NK_T = "extranodal NK/T-cell lymphoma treated without anthracyclines, at diagnosis"


@documented(
    Score(
        name="pit",
        title="Prognostic Index for T-cell lymphoma (PIT)",
        citation="Gallamini A, et al. Blood 2004;103:2474-2479",
        version="2004",
        population="peripheral T-cell lymphoma, not otherwise specified, at diagnosis",
        evidence="V",
        inputs=(rising("age_years"), rising("ldh_ratio_to_uln"), rising("ecog"), BONE_MARROW),
        items=(AGE, LDH, ECOG, flag("bone_marrow_involved")),
        groups=bands("group 1", at_least(1, "group 2"), at_least(2, "group 3"), at_least(3, "group 4")),
        outcome="5-year overall survival 62.3 (group 1) and 52.9 % (group 2)",
        notes="The numbers of the groups are one more than the score, and group 4 is 3 and 4 points.",
    )
)
def pit(
    age_years: Column = "age_years",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    ecog: Column = "ecog",
    bone_marrow_involved: Column = "bone_marrow_involved",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Prognostic Index for T-cell lymphoma: the number of four adverse factors.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [60], "ldh": [1.01], "ps": [1], "marrow": [True]})
    >>> patient.select(pit("age", "ldh", "ps", "marrow")).unnest("pit").select("score", "group").row(0)
    (2, 'group 3')
    """
    return struct_of(SCORES["pit"], locals())


@documented(
    Score(
        name="pink",
        title="Prognostic index of natural killer lymphoma (PINK)",
        citation=KIM,
        version="2016",
        population=NK_T,
        evidence="1",
        inputs=PINK_INPUTS,
        items=PINK_ITEMS,
        groups=bands("low", at_least(1, "intermediate"), at_least(2, "high")),
        outcome="3-year overall survival 81, 62 and 25 %",
        notes="The factors were read in two sources, the groups in one.",
    )
)
def pink(
    age_years: Column = "age_years",
    ann_arbor_stage: Column = "ann_arbor_stage",
    distant_nodes: Column = "distant_nodes",
    non_nasal_type: Column = "non_nasal_type",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Prognostic index of natural killer lymphoma: the number of four adverse factors.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [61], "stage": [1], "distant": [False], "other": [False]})
    >>> score = pink("age", "stage", "distant", "other")
    >>> patient.select(score).unnest("pink").select("score", "group").row(0)
    (1, 'intermediate')
    """
    return struct_of(SCORES["pink"], locals())


@documented(
    Score(
        name="pink_e",
        title="PINK with Epstein-Barr virus DNA (PINK-E)",
        citation=KIM,
        version="2016",
        population=NK_T,
        evidence="1",
        inputs=(*PINK_INPUTS, yes("ebv_dna_detectable", "Epstein-Barr virus DNA in the blood")),
        items=(*PINK_ITEMS, flag("ebv_dna_detectable")),
        groups=bands("low", at_least(2, "intermediate"), at_least(3, "high")),
        notes="The factors were read in two sources, the groups in one. The groups begin one point later "
        "than those of PINK.",
    )
)
def pink_e(
    age_years: Column = "age_years",
    ann_arbor_stage: Column = "ann_arbor_stage",
    distant_nodes: Column = "distant_nodes",
    non_nasal_type: Column = "non_nasal_type",
    ebv_dna_detectable: Column = "ebv_dna_detectable",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """PINK-E: PINK and detectable Epstein-Barr virus DNA.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"age": [61], "stage": [1], "distant": [False], "other": [False], "ebv": [True]}
    ... )
    >>> score = pink_e("age", "stage", "distant", "other", "ebv")
    >>> patient.select(score).unnest("pink_e").select("score", "group").row(0)
    (2, 'intermediate')
    """
    return struct_of(SCORES["pink_e"], locals())
