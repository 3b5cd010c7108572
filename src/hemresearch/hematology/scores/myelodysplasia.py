"""Scores of myelodysplastic syndromes; IPSS-M has a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, rising, yes
from .items import flag, formula, levels, steps
from .steps import above, at_least, below

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


KARYOTYPE = choice("karyotype_risk", "karyotype by IPSS", ("good", "intermediate", "poor"))


REVISED_GROUPS = bands(
    "very low",
    above(1.5, "low"),
    above(3, "intermediate"),
    above(4.5, "high"),
    above(6, "very high"),
)
WHO_2001 = {"RA": 0, "RARS": 0, "5q-": 0, "RCMD": 1, "RCMD-RS": 1, "RAEB-1": 2, "RAEB-2": 3}


@documented(
    Score(
        name="ipss",
        title="International Prognostic Scoring System (IPSS)",
        citation="Greenberg P, et al. Blood 1997;89:2079-2088",
        version="1997",
        population="myelodysplastic syndrome at diagnosis, up to 30 % blasts",
        evidence="V",
        inputs=(rising("bone_marrow_blasts_percent"), KARYOTYPE, rising("n_cytopenias")),
        items=(
            steps("bone_marrow_blasts_percent", above(20, 2), above(10, 1.5), at_least(5, 0.5)),
            levels("karyotype_risk", {"good": 0, "intermediate": 0.5, "poor": 1}),
            steps("n_cytopenias", at_least(2, 0.5)),
        ),
        groups=bands(
            "low", at_least(0.5, "intermediate-1"), at_least(1.5, "intermediate-2"), at_least(2.5, "high")
        ),
        outcome="median survival 5.7, 3.5, 1.2 and 0.4 years",
        notes=(
            "The paper leaves a gap from 10 to 11 % blasts: above 10 counts as 11 to 20. Cytopenias "
            "are haemoglobin below 10 g/dL and platelets below 100; for neutrophils sources print "
            "below 1.8 and below 1.5."
        ),
    )
)
def ipss(
    bone_marrow_blasts_percent: Column = "bone_marrow_blasts_percent",
    karyotype_risk: Column = "karyotype_risk",
    n_cytopenias: Column = "n_cytopenias",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International Prognostic Scoring System of myelodysplastic syndromes, 1997.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"bone_marrow_blasts_percent": [5], "karyotype_risk": ["intermediate"], "n_cytopenias": [2]}
    ... )
    >>> patient.select(ipss()).unnest("ipss").select("score", "group").row(0)
    (1.5, 'intermediate-2')
    """
    return struct_of(SCORES["ipss"], locals())


@documented(
    Score(
        name="ipss_r",
        title="Revised International Prognostic Scoring System (IPSS-R)",
        citation="Greenberg PL, et al. Blood 2012;120:2454-2465",
        version="2012",
        population="myelodysplastic syndrome at diagnosis",
        evidence="V",
        inputs=(
            choice(
                "cytogenetic_risk",
                "cytogenetic risk by IPSS-R",
                ("very good", "good", "intermediate", "poor", "very poor"),
            ),
            rising("bone_marrow_blasts_percent"),
            falling("hb_g_per_dl"),
            falling("platelets_1e9_per_l"),
            falling("neutrophils_1e9_per_l"),
        ),
        items=(
            levels(
                "cytogenetic_risk", {"very good": 0, "good": 1, "intermediate": 2, "poor": 3, "very poor": 4}
            ),
            steps("bone_marrow_blasts_percent", above(10, 3), at_least(5, 2), above(2, 1)),
            steps("hb_g_per_dl", below(8, 1.5), below(10, 1)),
            steps("platelets_1e9_per_l", below(50, 1), below(100, 0.5)),
            steps("neutrophils_1e9_per_l", below(0.8, 0.5)),
        ),
        groups=REVISED_GROUPS,
        outcome="median survival 8.8, 5.3, 3.0, 1.6 and 0.8 years",
        notes=(
            "Some ports close the classes on the other side and score a haemoglobin of 8.0 with 1.5: "
            "not the paper."
        ),
    )
)
def ipss_r(
    cytogenetic_risk: Column = "cytogenetic_risk",
    bone_marrow_blasts_percent: Column = "bone_marrow_blasts_percent",
    hb_g_per_dl: Column = "hb_g_per_dl",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    neutrophils_1e9_per_l: Column = "neutrophils_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Revised International Prognostic Scoring System of myelodysplastic syndromes.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"cytogenetic_risk": ["intermediate"], "bone_marrow_blasts_percent": [4.5], "hb_g_per_dl": [9.0],
    ...      "platelets_1e9_per_l": [75], "neutrophils_1e9_per_l": [0.7]}
    ... )
    >>> patient.select(ipss_r()).unnest("ipss_r").select("score", "group").row(0)
    (5.0, 'high')
    """
    return struct_of(SCORES["ipss_r"], locals())


@documented(
    Score(
        name="ipss_ra",
        title="IPSS-R adjusted for age (IPSS-RA)",
        citation="Greenberg PL, et al. Blood 2012;120:2454-2465",
        version="2012",
        population="myelodysplastic syndrome at diagnosis; for survival only, not for leukaemia",
        evidence="V",
        inputs=(rising("ipss_r_score"), rising("age_years")),
        items=(
            formula(
                "ipss_ra",
                ("ipss_r_score", "age_years"),
                lambda x: x.ipss_r_score + (x.age_years - 70) * (0.05 - 0.005 * x.ipss_r_score),
                "IPSS-R + (age - 70) (0.05 - 0.005 IPSS-R)",
            ),
        ),
        groups=REVISED_GROUPS,
    )
)
def ipss_ra(
    ipss_r_score: Column = "ipss_r_score",
    age_years: Column = "age_years",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """IPSS-R adjusted for age, from the IPSS-R score.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"ipss_r_score": [3.5], "age_years": [50]})
    >>> patient.select(ipss_ra()).unnest("ipss_ra").select("score", "group").row(0)
    (2.85, 'low')
    """
    return struct_of(SCORES["ipss_ra"], locals())


@documented(
    Score(
        name="wpss",
        title="WHO classification-based Prognostic Scoring System (WPSS)",
        citation="Malcovati L, et al. J Clin Oncol 2007;25:3503-3510",
        version="2007",
        population="myelodysplastic syndrome, at any time",
        evidence="V",
        inputs=(
            choice("who_category", "category of WHO 2001", tuple(WHO_2001)),
            KARYOTYPE,
            yes(
                "regular_rbc_transfusion", "at least one transfusion of red cells every 8 weeks over 4 months"
            ),
        ),
        items=(
            levels("who_category", WHO_2001),
            levels("karyotype_risk", {"good": 0, "intermediate": 1, "poor": 2}),
            flag("regular_rbc_transfusion"),
        ),
        groups=bands(
            "very low",
            at_least(1, "low"),
            at_least(2, "intermediate"),
            at_least(3, "high"),
            at_least(5, "very high"),
        ),
        notes="The version of 2011 counts severe anaemia in place of transfusion; it is another score.",
    )
)
def wpss(
    who_category: Column = "who_category",
    karyotype_risk: Column = "karyotype_risk",
    regular_rbc_transfusion: Column = "regular_rbc_transfusion",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """WHO classification-based Prognostic Scoring System of myelodysplastic syndromes, 2007.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {
    ...         "who_category": ["RAEB-1"], "karyotype_risk": ["intermediate"],
    ...         "regular_rbc_transfusion": [True],
    ...     }
    ... )
    >>> patient.select(wpss()).unnest("wpss").select("score", "group").row(0)
    (4, 'high')
    """
    return struct_of(SCORES["wpss"], locals())
