"""Scores of mantle cell lymphoma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, Ungrouped, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import rising
from .items import condition, formula, steps
from .steps import at_least

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

HOSTER = "Hoster E, et al. Blood 2008;111:558-565"
MANTLE_CELL = "advanced mantle cell lymphoma, at diagnosis"
CELLS_PER_UL = 1000
"""The paper takes the logarithm of cells per microlitre; with 10^9/L everybody would be of low risk."""
INPUTS = (
    rising("age_years"),
    rising("ecog"),
    rising("ldh_ratio_to_uln", positive=True),
    rising("wbc_1e9_per_l", positive=True),
)
TERMS = (
    formula("age", ("age_years",), lambda x: 0.03535 * x.age_years, "0.03535 times the years"),
    condition(
        "ecog",
        ("ecog",),
        lambda x: at_least(2).holds(x.ecog),
        "at least 2",
        points=0.6978,
        cuts={"ecog": at_least(2)},
    ),
    formula(
        "ldh",
        ("ldh_ratio_to_uln",),
        lambda x: 1.367 * x.ldh_ratio_to_uln.log10(),
        "1.367 times the common logarithm of the ratio to the upper limit of normal",
    ),
    formula(
        "wbc",
        ("wbc_1e9_per_l",),
        lambda x: 0.9393 * (CELLS_PER_UL * x.wbc_1e9_per_l).log10(),
        "0.9393 times the common logarithm of the leukocytes per microlitre",
    ),
)
UNROUNDED = "Groups are of the score as it is: a calculator that rounds first puts 6.1797 among the high."


@documented(
    Score(
        name="mipi",
        title="Mantle Cell Lymphoma International Prognostic Index (MIPI)",
        citation=HOSTER,
        version="2008",
        population=MANTLE_CELL,
        evidence="V",
        inputs=INPUTS,
        items=TERMS,
        groups=bands("low", at_least(5.7, "intermediate"), at_least(6.2, "high")),
        outcome="median overall survival not reached (60 % alive at 5 years), 51 and 29 months",
        notes=UNROUNDED,
    )
)
def mipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Mantle Cell Lymphoma International Prognostic Index, a continuous score.

    Examples
    --------
    >>> patients = pl.DataFrame({"age": [65, 50], "ps": [0, 0], "ldh": [1.2, 0.8], "wbc": [8.0, 6.0]})
    >>> score = mipi("age", "ps", "ldh", "wbc").struct
    >>> patients.select(score.field("score").round(4), score.field("group")).rows()
    [(6.0722, 'intermediate'), (5.1838, 'low')]
    """
    return struct_of(SCORES["mipi"], locals())


@documented(
    Score(
        name="mipi_b",
        title="MIPI with Ki-67 (MIPI-b)",
        citation=HOSTER,
        version="2008",
        population=MANTLE_CELL,
        evidence="V",
        inputs=(*INPUTS, rising("ki67_percent")),
        items=(
            *TERMS,
            formula("ki67", ("ki67_percent",), lambda x: 0.02142 * x.ki67_percent, "0.02142 x the percent"),
        ),
        groups=bands("low", at_least(5.7, "intermediate"), at_least(6.5, "high")),
        notes="Groups are of the score as it is: a calculator that rounds first puts 5.6869 among the "
        "intermediate. The upper limit is 6.5, not the 6.2 of the MIPI.",
    )
)
def mipi_b(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    ki67_percent: Column = "ki67_percent",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """MIPI-b: the MIPI and the proliferation of the tumour.

    Examples
    --------
    >>> patient = pl.DataFrame({"age": [65], "ps": [0], "ldh": [1.2], "wbc": [8.0], "ki67": [30]})
    >>> score = mipi_b("age", "ps", "ldh", "wbc", "ki67").struct
    >>> patient.select(score.field("score").round(4), score.field("group")).row(0)
    (6.7148, 'high')
    """
    return struct_of(SCORES["mipi_b"], locals())


@documented(
    Score(
        name="s_mipi",
        title="Simplified MIPI (sMIPI)",
        citation=HOSTER,
        version="2008",
        population=MANTLE_CELL,
        evidence="1",
        inputs=(rising("age_years"), rising("ecog"), rising("ldh_ratio_to_uln"), rising("wbc_1e9_per_l")),
        items=(
            steps("age_years", at_least(70, 3), at_least(60, 2), at_least(50, 1)),
            steps("ecog", at_least(2, 2)),
            steps("ldh_ratio_to_uln", at_least(1.5, 3), at_least(1, 2), at_least(0.67, 1)),
            steps("wbc_1e9_per_l", at_least(15, 3), at_least(10, 2), at_least(6.7, 1)),
        ),
        groups=Ungrouped(),
        notes="Points only: the bounds of its groups were not verified.",
    )
)
def s_mipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Simplified MIPI, 0 to 11 points.

    Examples
    --------
    >>> patient = pl.DataFrame({"age": [65], "ps": [0], "ldh": [1.2], "wbc": [8.0]})
    >>> patient.select(s_mipi("age", "ps", "ldh", "wbc").struct.field("score")).item()
    5
    """
    return struct_of(SCORES["s_mipi"], locals())
