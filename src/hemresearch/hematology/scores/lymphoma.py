"""The International Prognostic Index of aggressive lymphoma, and its successors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import rising, yes
from .items import flag, steps
from .steps import above, at_least

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units

AGE = steps("age_years", above(60))
ECOG = steps("ecog", at_least(2))
LDH = steps("ldh_ratio_to_uln", above(1))
SITES = steps("extranodal_sites", above(1))
STAGE = steps("ann_arbor_stage", at_least(3))
SHIPP = "International Non-Hodgkin's Lymphoma Prognostic Factors Project. N Engl J Med 1993;329:987-994"
IPI_INPUTS = (
    rising("age_years"),
    rising("ecog"),
    rising("ldh_ratio_to_uln"),
    rising("extranodal_sites"),
    rising("ann_arbor_stage"),
)
IPI_ITEMS = (AGE, ECOG, LDH, SITES, STAGE)


@documented(
    Score(
        name="ipi",
        title="International Prognostic Index (IPI)",
        citation=SHIPP,
        version="1993",
        population="aggressive non-Hodgkin lymphoma, at diagnosis",
        evidence="V",
        inputs=IPI_INPUTS,
        items=IPI_ITEMS,
        groups=bands(
            "low", at_least(2, "low-intermediate"), at_least(3, "high-intermediate"), at_least(4, "high")
        ),
        outcome="5-year overall survival 51, 43 and 26 % (low-intermediate to high), before rituximab",
        notes="Survival has risen since: with R-CHOP, 5-year survival in seven trials was 54 to 88 %.",
    )
)
def ipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    extranodal_sites: Column = "extranodal_sites",
    ann_arbor_stage: Column = "ann_arbor_stage",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International Prognostic Index: the number of five adverse factors.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"age": [61, 60], "ps": [1, 1], "ldh": [1.01, 1.01], "sites": [1, 1], "stage": [3, 3]}
    ... )
    >>> patients.select(ipi("age", "ps", "ldh", "sites", "stage")).unnest("ipi").select(
    ...     "score", "group"
    ... ).rows()
    [(3, 'high-intermediate'), (2, 'low-intermediate')]
    """
    return struct_of(SCORES["ipi"], locals())


@documented(
    Score(
        name="aa_ipi",
        title="Age-adjusted International Prognostic Index (aaIPI)",
        citation=SHIPP,
        version="1993",
        population="aggressive non-Hodgkin lymphoma of patients aged 60 or less, at diagnosis",
        evidence="V",
        inputs=(rising("ecog"), rising("ldh_ratio_to_uln"), rising("ann_arbor_stage")),
        items=(ECOG, LDH, STAGE),
        groups=bands(
            "low", at_least(1, "low-intermediate"), at_least(2, "high-intermediate"), at_least(3, "high")
        ),
        notes="Made for patients aged 60 or less: choose them first, the score does not look at age.",
    )
)
def aa_ipi(
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    ann_arbor_stage: Column = "ann_arbor_stage",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International Prognostic Index of patients aged 60 or less, of three factors.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"ecog": [1, 2], "ldh_ratio_to_uln": [1.0, 1.5], "ann_arbor_stage": [2, 4]})
    >>> patients.select(aa_ipi().struct.field("group")).to_series().to_list()
    ['low', 'high']
    """
    return struct_of(SCORES["aa_ipi"], locals())


@documented(
    Score(
        name="r_ipi",
        title="Revised International Prognostic Index (R-IPI)",
        citation="Sehn LH, et al. Blood 2007;109:1857-1861",
        version="2007",
        population="diffuse large B-cell lymphoma treated with R-CHOP, at diagnosis",
        evidence="V",
        inputs=IPI_INPUTS,
        items=IPI_ITEMS,
        groups=bands("very good", at_least(1, "good"), at_least(3, "poor")),
        outcome="4-year overall survival 94, 79 and 55 %",
        notes="The score is that of the IPI; only the groups differ.",
    )
)
def r_ipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    extranodal_sites: Column = "extranodal_sites",
    ann_arbor_stage: Column = "ann_arbor_stage",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Revised International Prognostic Index: three groups of the IPI.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"age": [55, 66], "ps": [0, 2], "ldh": [0.9, 0.9], "sites": [0, 1], "stage": [1, 3]}
    ... )
    >>> score = r_ipi("age", "ps", "ldh", "sites", "stage")
    >>> patients.select(score.struct.field("group")).to_series().to_list()
    ['very good', 'poor']
    """
    return struct_of(SCORES["r_ipi"], locals())


@documented(
    Score(
        name="nccn_ipi",
        title="NCCN International Prognostic Index (NCCN-IPI)",
        citation="Zhou Z, et al. Blood 2014;123:837-842",
        version="2014",
        population="diffuse large B-cell lymphoma in the rituximab era, at diagnosis",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("ecog"),
            rising("ldh_ratio_to_uln"),
            rising("ann_arbor_stage"),
            yes(
                "extranodal_bm_cns_liver_gi_lung",
                "lymphoma in the bone marrow, central nervous system, liver, gut or lung",
            ),
        ),
        items=(
            steps("age_years", above(75, 3), above(60, 2), above(40, 1)),
            ECOG,
            steps("ldh_ratio_to_uln", above(3, 2), above(1, 1)),
            STAGE,
            flag("extranodal_bm_cns_liver_gi_lung"),
        ),
        groups=bands(
            "low", at_least(2, "low-intermediate"), at_least(4, "high-intermediate"), at_least(6, "high")
        ),
        outcome="5-year overall survival 96 (low) and 33 % (high)",
        notes="Which extranodal sites are involved counts here, where the IPI counts how many.",
    )
)
def nccn_ipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    ann_arbor_stage: Column = "ann_arbor_stage",
    extranodal_bm_cns_liver_gi_lung: Column = "extranodal_bm_cns_liver_gi_lung",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """NCCN-IPI: the IPI with finer steps of age and LDH, 0 to 8 points.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame(
    ...     {"age": [76, 60], "ps": [2, 0], "ldh": [3.1, 1.0], "stage": [3, 2], "organ": [True, False]}
    ... )
    >>> patients.select(nccn_ipi("age", "ps", "ldh", "stage", "organ")).unnest("nccn_ipi").select(
    ...     "score", "group"
    ... ).rows()
    [(8, 'high'), (1, 'low')]
    """
    return struct_of(SCORES["nccn_ipi"], locals())


@documented(
    Score(
        name="cns_ipi",
        title="CNS International Prognostic Index (CNS-IPI)",
        citation="Schmitz N, et al. J Clin Oncol 2016;34:3150-3156",
        version="2016",
        population="aggressive B-cell lymphoma treated with rituximab and CHOP, at diagnosis",
        evidence="V",
        inputs=(*IPI_INPUTS, yes("kidney_or_adrenal", "lymphoma in a kidney or an adrenal gland")),
        items=(*IPI_ITEMS, flag("kidney_or_adrenal")),
        groups=bands("low", at_least(2, "intermediate"), at_least(4, "high")),
        outcome="2-year risk of disease in the central nervous system 0.6, 3.4 and 10.2 %",
    )
)
def cns_ipi(
    age_years: Column = "age_years",
    ecog: Column = "ecog",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    extranodal_sites: Column = "extranodal_sites",
    ann_arbor_stage: Column = "ann_arbor_stage",
    kidney_or_adrenal: Column = "kidney_or_adrenal",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """CNS-IPI: the risk of lymphoma in the central nervous system, from the IPI and two organs.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"age": [61], "ps": [2], "ldh": [1.2], "sites": [0], "stage": [2], "adrenal": [True]}
    ... )
    >>> score = cns_ipi("age", "ps", "ldh", "sites", "stage", "adrenal")
    >>> patient.select(score).unnest("cns_ipi").select("score", "group").row(0)
    (4, 'high')
    """
    return struct_of(SCORES["cns_ipi"], locals())
