"""The International Prognostic Score of Hodgkin lymphoma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import SEX, falling, rising
from .items import Values, condition, levels, steps
from .steps import at_least, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

FEW_CELLS = below(0.6)
FEW_PERCENT = below(8)


def _lymphopenia(x: Values) -> pl.Expr:
    """By either measure; one of the two is enough."""
    count, percent = FEW_CELLS.holds(x.lymphocytes_1e9_per_l), FEW_PERCENT.holds(x.lymphocytes_percent)
    return pl.max_horizontal(count, percent).cast(pl.Boolean)


@documented(
    Score(
        name="ips_hodgkin",
        title="International Prognostic Score of advanced Hodgkin lymphoma (IPS)",
        citation="Hasenclever D, Diehl V. N Engl J Med 1998;339:1506-1514",
        version="1998",
        population="advanced Hodgkin lymphoma, at diagnosis",
        evidence="V",
        inputs=(
            rising("age_years"),
            SEX,
            rising("ann_arbor_stage"),
            falling("albumin_g_per_l"),
            falling("hb_g_per_l"),
            rising("wbc_1e9_per_l"),
            falling("lymphocytes_1e9_per_l"),
            falling("lymphocytes_percent"),
        ),
        items=(
            steps("age_years", at_least(45)),
            levels("sex", {"female": 0, "male": 1}),
            steps("ann_arbor_stage", at_least(4)),
            steps("albumin_g_per_l", below(40)),
            steps("hb_g_per_l", below(105)),
            steps("wbc_1e9_per_l", at_least(15)),
            condition(
                "lymphopenia",
                ("lymphocytes_1e9_per_l", "lymphocytes_percent"),
                _lymphopenia,
                "lymphocytes below 0.6 x 10^9/L or below 8 % of leukocytes",
                cuts={"lymphocytes_1e9_per_l": FEW_CELLS, "lymphocytes_percent": FEW_PERCENT},
            ),
        ),
        groups=bands(
            "0", at_least(1, "1"), at_least(2, "2"), at_least(3, "3"), at_least(4, "4"), at_least(5, ">=5")
        ),
        either=(("lymphocytes_1e9_per_l", "lymphocytes_percent"),),
        outcome="5-year freedom from progression 84, 77, 67, 60, 51 and 42 % (0 to 5 and more)",
        notes="One of the two measures of lymphocytes is enough: give None for the other. Where both are "
        "known, either being low counts.",
    )
)
def ips_hodgkin(
    age_years: Column = "age_years",
    sex: Column = "sex",
    ann_arbor_stage: Column = "ann_arbor_stage",
    albumin_g_per_l: Column = "albumin_g_per_l",
    hb_g_per_l: Column = "hb_g_per_l",
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    lymphocytes_1e9_per_l: Column | None = "lymphocytes_1e9_per_l",
    lymphocytes_percent: Column | None = "lymphocytes_percent",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International Prognostic Score: the number of seven adverse factors.

    Examples
    --------
    >>> patient = pl.DataFrame(
    ...     {"age": [45], "sex": ["male"], "stage": [4], "alb": [39], "hb": [105], "wbc": [9], "lymph": [0.5]}
    ... )
    >>> score = ips_hodgkin("age", "sex", "stage", "alb", "hb", "wbc", "lymph", None)
    >>> patient.select(score).unnest("ips_hodgkin").select("score", "group").row(0)
    (5, '>=5')
    """
    return struct_of(SCORES["ips_hodgkin"], locals())
