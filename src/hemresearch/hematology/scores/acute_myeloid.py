"""Risk of acute myeloid and promyelocytic leukaemia."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .definition import Rule, Score, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, rising, several
from .items import Values, choose, criterion, has
from .steps import above, at_most

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


CORE_BINDING_FACTOR = ("t(8;21)", "inv(16)", "t(16;16)")
ADVERSE_CYTOGENETICS = (
    "t(6;9)", "t(v;11q23.3)", "t(9;22)", "t(8;16)", "inv(3)", "t(3;3)", "t(3q26.2;v)",
    "-5", "del(5q)", "-7", "-17", "abn(17p)", "complex karyotype", "monosomal karyotype",
)  # fmt: skip
MYELODYSPLASIA_RELATED = (
    "ASXL1", "BCOR", "EZH2", "RUNX1", "SF3B1", "SRSF2", "STAG2", "U2AF1", "ZRSR2"
)  # fmt: skip
ELN_WORDS = (
    *CORE_BINDING_FACTOR, "NPM1", "CEBPA bZIP", "FLT3-ITD", "t(9;11)", "other",
    *MYELODYSPLASIA_RELATED, "TP53", *ADVERSE_CYTOGENETICS,
)  # fmt: skip


def _eln_2022(x: Values) -> pl.Expr:
    """The order of the rules is that of the footnotes of the table."""
    found = x.abnormalities
    npm1_alone = has(found, "NPM1") & ~has(found, "FLT3-ITD")
    return choose(
        (has(found, *CORE_BINDING_FACTOR), "favourable"),
        (has(found, *ADVERSE_CYTOGENETICS), "adverse"),  # also with NPM1 or CEBPA
        (has(found, "t(9;11)"), "intermediate"),  # outranks adverse mutations
        (has(found, "TP53"), "adverse"),
        (npm1_alone | has(found, "CEBPA bZIP"), "favourable"),  # also with myelodysplasia-related genes
        (has(found, *MYELODYSPLASIA_RELATED), "adverse"),
        otherwise="intermediate",
    )


@documented(
    Score(
        name="sanz_apl",
        title="Sanz risk of acute promyelocytic leukaemia",
        citation="Sanz MA, et al. Blood 2000;96:1247-1253",
        version="2000",
        population="acute promyelocytic leukaemia at diagnosis",
        evidence="V",
        inputs=(rising("wbc_1e9_per_l"), falling("platelets_1e9_per_l")),
        items=(
            criterion(
                "wbc_high",
                ("wbc_1e9_per_l",),
                lambda x: above(10).holds(x.wbc_1e9_per_l),
                "leukocytes above 10",
                cuts={"wbc_1e9_per_l": above(10)},
            ),
            criterion(
                "platelets_low",
                ("platelets_1e9_per_l",),
                lambda x: at_most(40).holds(x.platelets_1e9_per_l),
                "platelets of at most 40",
                cuts={"platelets_1e9_per_l": at_most(40)},
            ),
        ),
        total=no_score,
        groups=Rule(
            ("low", "intermediate", "high"),
            lambda x: choose((x.wbc_high, "high"), (x.platelets_low, "intermediate"), otherwise="low"),
            "high with many leukocytes; else intermediate with few platelets; else low.",
        ),
    )
)
def sanz_apl(
    wbc_1e9_per_l: Column = "wbc_1e9_per_l",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Risk of relapse of acute promyelocytic leukaemia by Sanz, from two counts.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"wbc_1e9_per_l": [10], "platelets_1e9_per_l": [40]})
    >>> patient.select(sanz_apl()).unnest("sanz_apl").select("group").row(0)
    ('intermediate',)
    """
    return struct_of(SCORES["sanz_apl"], locals())


@documented(
    Score(
        name="eln2022_aml",
        title="Genetic risk of acute myeloid leukaemia, ELN 2022",
        citation="Döhner H, et al. Blood 2022;140:1345-1377, Table 6",
        version="2022",
        population="acute myeloid leukaemia at diagnosis, treated intensively",
        evidence="V",
        inputs=(
            replace(
                several("abnormalities", 'what was found, "other" for what is named nowhere', ELN_WORDS),
                worst=["TP53"],
                best=["t(8;21)"],
            ),
        ),
        items=(
            criterion(
                "favourable_lesion",
                ("abnormalities",),
                lambda x: has(x.abnormalities, *CORE_BINDING_FACTOR, "NPM1", "CEBPA bZIP"),
                "core-binding factor, NPM1 or bZIP in-frame CEBPA",
            ),
            criterion(
                "adverse_cytogenetics",
                ("abnormalities",),
                lambda x: has(x.abnormalities, *ADVERSE_CYTOGENETICS),
                "an adverse chromosomal abnormality",
            ),
            criterion(
                "adverse_gene",
                ("abnormalities",),
                lambda x: has(x.abnormalities, *MYELODYSPLASIA_RELATED, "TP53"),
                "a myelodysplasia-related gene, or TP53",
            ),
        ),
        total=no_score,
        groups=Rule(
            ("favourable", "intermediate", "adverse"),
            _eln_2022,
            "a core-binding factor is favourable; else adverse cytogenetics; else t(9;11) is "
            "intermediate; else TP53 is adverse; else NPM1 without FLT3-ITD, or CEBPA, is favourable "
            "also with myelodysplasia-related genes; else those genes are adverse; else intermediate.",
        ),
        notes=(
            "t(v;11q23.3) is any KMT2A rearrangement but t(9;11), and no partial tandem duplication. TP53 "
            "counts from 10 % of alleles. An empty list is a patient in whom all was looked for and nothing "
            "found. The allelic ratio of FLT3-ITD belongs to 2017. The footnotes put adverse cytogenetics "
            "before NPM1, t(9;11) before adverse genes, and a favourable lesion before "
            "myelodysplasia-related genes. They do not resolve a core-binding factor with an adverse "
            "lesion (here favourable), CEBPA with adverse cytogenetics, or TP53 with NPM1 or CEBPA (here "
            "adverse)."
        ),
    )
)
def eln2022_aml(
    abnormalities: Column = "abnormalities",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Genetic risk of acute myeloid leukaemia by the European LeukemiaNet, 2022.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"abnormalities": [["NPM1"], ["NPM1", "FLT3-ITD"], ["SRSF2"]]})
    >>> patients.select(eln2022_aml().struct.field("group")).to_series().to_list()
    ['favourable', 'intermediate', 'adverse']
    """
    return struct_of(SCORES["eln2022_aml"], locals())
