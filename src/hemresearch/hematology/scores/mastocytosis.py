"""Scores of systemic mastocytosis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, rising
from .items import steps
from .steps import above, at_least, below

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


@documented(
    Score(
        name="mars_mastocytosis",
        title="Mutation-adjusted risk score of advanced systemic mastocytosis (MARS)",
        citation="Jawhar M, et al. J Clin Oncol 2019;37:2846-2856",
        version="2019",
        population="advanced systemic mastocytosis",
        evidence="V",
        inputs=(
            rising("age_years"),
            falling("hb_g_per_l"),
            falling("platelets_1e9_per_l"),
            rising("n_mutated_srsf2_asxl1_runx1"),
        ),
        items=(
            steps("age_years", above(60)),
            steps("hb_g_per_l", below(100)),
            steps("platelets_1e9_per_l", below(100)),
            steps("n_mutated_srsf2_asxl1_runx1", at_least(2, 2), at_least(1, 1)),
        ),
        groups=bands("low", at_least(2, "intermediate"), at_least(3, "high")),
        outcome="median survival not reached, 3.9 and 1.9 years",
    )
)
def mars_mastocytosis(
    age_years: Column = "age_years",
    hb_g_per_l: Column = "hb_g_per_l",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    n_mutated_srsf2_asxl1_runx1: Column = "n_mutated_srsf2_asxl1_runx1",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Mutation-adjusted risk score of advanced systemic mastocytosis.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [61], "hb": [99], "plt": [100], "genes": [1]})
    >>> score = mars_mastocytosis("age", "hb", "plt", "genes")
    >>> patient.select(score).unnest("mars_mastocytosis").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["mars_mastocytosis"], locals())


@documented(
    Score(
        name="ipsm_non_advanced",
        title="International prognostic scoring system of mastocytosis (IPSM), non-advanced",
        citation="Sperr WR, et al. Lancet Haematol 2019;6:e638-e649",
        version="2019",
        population="non-advanced systemic mastocytosis",
        evidence="1",
        inputs=(rising("age_years"), rising("alp_u_per_l")),
        items=(steps("age_years", at_least(60)), steps("alp_u_per_l", at_least(100))),
        groups=bands("low", at_least(1, "intermediate-1"), at_least(2, "intermediate-2")),
        notes="The model for advanced disease is not here: its weights could not be verified.",
    )
)
def ipsm_non_advanced(
    age_years: Column = "age_years",
    alp_u_per_l: Column = "alp_u_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International prognostic scoring system of non-advanced systemic mastocytosis.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [60], "alp": [1.7]})
    >>> score = ipsm_non_advanced("age", "alp", unit={"alp_u_per_l": "ukat/L"})
    >>> patient.select(score).unnest("ipsm_non_advanced").select("score", "group").row(0)
    (2, 'intermediate-2')
    """
    return struct_of(SCORES["ipsm_non_advanced"], locals())
