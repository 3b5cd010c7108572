"""Risk of thrombosis in essential thrombocythaemia."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Rule, Score, bands, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import rising, yes
from .items import choose, criterion, flag, steps
from .steps import above, at_least

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


THROMBOSIS = yes("prior_thrombosis", "thrombosis before")
JAK2 = yes("jak2_v617f", "JAK2 V617F")


@documented(
    Score(
        name="ipset_thrombosis",
        title="IPSET-thrombosis",
        citation="Barbui T, et al. Blood 2012;120:5128-5133",
        version="2012",
        population="essential thrombocythaemia",
        evidence="V",
        inputs=(rising("age_years"), THROMBOSIS, yes("cv_risk_factor", "cardiovascular risk factor"), JAK2),
        items=(
            steps("age_years", above(60)),
            flag("prior_thrombosis", 2),
            flag("cv_risk_factor"),
            flag("jak2_v617f", 2),
        ),
        groups=bands("low", at_least(2, "intermediate"), at_least(3, "high")),
        outcome="thrombosis 1.03, 2.35 and 3.56 % per year",
        notes="Calculators that give one point to each of the four are wrong.",
    )
)
def ipset_thrombosis(
    age_years: Column = "age_years",
    prior_thrombosis: Column = "prior_thrombosis",
    cv_risk_factor: Column = "cv_risk_factor",
    jak2_v617f: Column = "jak2_v617f",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Risk of thrombosis in essential thrombocythaemia, IPSET.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [61], "before": [False], "cv": [False], "jak2": [True]})
    >>> score = ipset_thrombosis("age", "before", "cv", "jak2")
    >>> patient.select(score).unnest("ipset_thrombosis").select("score", "group").row(0)
    (3, 'high')
    """
    return struct_of(SCORES["ipset_thrombosis"], locals())


@documented(
    Score(
        name="ipset_thrombosis_revised",
        title="Revised IPSET-thrombosis",
        citation="Barbui T, et al. Blood Cancer J 2015;5:e369",
        version="2015",
        population="essential thrombocythaemia",
        evidence="V",
        inputs=(rising("age_years"), THROMBOSIS, JAK2),
        items=(
            criterion(
                "older",
                ("age_years",),
                lambda x: above(60).holds(x.age_years),
                "above 60 years",
                cuts={"age_years": above(60)},
            ),
            criterion("thrombosis", ("prior_thrombosis",), lambda x: x.prior_thrombosis, "before"),
            criterion("jak2", ("jak2_v617f",), lambda x: x.jak2_v617f, "V617F"),
        ),
        total=no_score,
        groups=Rule(
            ("very low", "low", "intermediate", "high"),
            lambda x: choose(
                (x.thrombosis | (x.jak2 & x.older), "high"),
                (x.older, "intermediate"),
                (x.jak2, "low"),
                otherwise="very low",
            ),
            "high with thrombosis, or JAK2 and above 60 years; else intermediate above 60 years; else "
            "low with JAK2; else very low.",
        ),
    )
)
def ipset_thrombosis_revised(
    age_years: Column = "age_years",
    prior_thrombosis: Column = "prior_thrombosis",
    jak2_v617f: Column = "jak2_v617f",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Revised risk of thrombosis in essential thrombocythaemia, a rule of three inputs.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age_years": [60], "prior_thrombosis": [False], "jak2_v617f": [True]})
    >>> patient.select(ipset_thrombosis_revised().struct.field("group")).row(0)
    ('low',)
    """
    return struct_of(SCORES["ipset_thrombosis_revised"], locals())
