"""The molecular score of myelodysplastic syndromes, IPSS-M."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, rising, several
from .items import Values, formula, of_words, sum_of_words
from .steps import above

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units


RESIDUAL = (
    "BCOR", "BCORL1", "CEBPA", "ETNK1", "GATA2", "GNB1", "IDH1", "NF1", "PHF6", "PPM1D", "PRPF8", "PTPN11",
    "SETBP1", "STAG2", "WT1",
)  # fmt: skip
WEIGHTS = {
    "TP53multi": (1.18, 0.071), "FLT3": (0.798, 0.0108), "MLL-PTD": (0.798, 0.0247),
    "SF3B1_5q": (0.504, 0.0166), "NPM1": (0.43, 0.0112), "RUNX1": (0.423, 0.126), "NRAS": (0.417, 0.0362),
    "ETV6": (0.391, 0.0216), "IDH2": (0.379, 0.0429), "CBL": (0.295, 0.0473), "EZH2": (0.27, 0.0588),
    "U2AF1": (0.247, 0.0866), "SRSF2": (0.239, 0.158), "DNMT3A": (0.221, 0.161), "ASXL1": (0.213, 0.252),
    "KRAS": (0.202, 0.0271), "SF3B1_alpha": (-0.0794, 0.186),
}  # fmt: skip
"""The coefficient of each gene (a log hazard ratio), and its mean in the patients of the paper."""
CYTOGENETICS = {"very good": 0, "good": 1, "intermediate": 2, "poor": 3, "very poor": 4}


def _term(value: pl.Expr, coefficient: float, mean: float) -> pl.Expr:
    """A contribution on the scale of the score: doublings of the hazard of an average patient."""
    return coefficient * (value - mean) / math.log(2)


def _genes(x: Values) -> pl.Expr:
    weight = {gene: beta for gene, (beta, _) in WEIGHTS.items()}
    average = sum(beta * mean for beta, mean in WEIGHTS.values())
    return _term(sum_of_words(x.mutated_genes, weight), 1.0, average)


def _residual(x: Values) -> pl.Expr:
    """Genes of little weight of their own: their number counts, up to two."""
    number = sum_of_words(x.mutated_genes, dict.fromkeys(RESIDUAL, 1.0))
    return _term(number.clip(upper_bound=2), 0.231, 0.388)


@documented(
    Score(
        name="ipss_m",
        title="Molecular International Prognostic Scoring System (IPSS-M)",
        citation="Bernard E, et al. NEJM Evid 2022;1(7):EVIDoa2200008",
        version="2022",
        population="myelodysplastic syndrome at diagnosis, all genes sequenced",
        evidence="V",
        inputs=(
            falling("hb_g_per_dl"),
            falling("platelets_1e9_per_l"),
            rising("bone_marrow_blasts_percent"),
            choice("cytogenetic_risk", "cytogenetic risk by IPSS-R", tuple(CYTOGENETICS)),
            replace(
                several("mutated_genes", "mutated genes and features", (*WEIGHTS, *RESIDUAL)),
                best=["SF3B1_alpha"],
                worst=[gene for gene in (*WEIGHTS, *RESIDUAL) if gene != "SF3B1_alpha"],
            ),
        ),
        items=(
            formula(
                "hb",
                ("hb_g_per_dl",),
                lambda x: _term(x.hb_g_per_dl.clip(4, 20), -0.171, 9.87),
                "-0.171 (g/dL, within 4 to 20, - 9.87) / ln 2",
            ),
            formula(
                "platelets",
                ("platelets_1e9_per_l",),
                lambda x: _term(x.platelets_1e9_per_l.clip(upper_bound=250) / 100, -0.222, 1.41),
                "-0.222 (count / 100, at most 2.5, - 1.41) / ln 2",
            ),
            formula(
                "blasts",
                ("bone_marrow_blasts_percent",),
                lambda x: _term(x.bone_marrow_blasts_percent.clip(upper_bound=20) / 5, 0.352, 0.922),
                "0.352 (% / 5, at most 4, - 0.922) / ln 2",
            ),
            formula(
                "cytogenetics",
                ("cytogenetic_risk",),
                lambda x: _term(of_words(x.cytogenetic_risk, CYTOGENETICS), 0.287, 1.39),
                "0.287 (0 to 4, - 1.39) / ln 2",
            ),
            formula("genes", ("mutated_genes",), _genes, "the sum of the weights of 17 genes and features"),
            formula(
                "residual_genes",
                ("mutated_genes",),
                _residual,
                "0.231 (number of 15, at most 2, - 0.388) / ln 2",
            ),
        ),
        groups=bands(
            "very low",
            above(-1.5, "low"),
            above(-0.5, "moderate low"),
            above(0, "moderate high"),
            above(0.5, "high"),
            above(1.5, "very high"),
        ),
        notes=(
            "TP53multi is two mutations, or one with loss of the other allele (17p deletion, or above "
            "55 % of alleles). SF3B1_5q is SF3B1 with del(5q) alone; SF3B1_alpha is SF3B1 without it "
            "and without BCOR, BCORL1, RUNX1, NRAS, STAG2 and SRSF2; other SF3B1, and TP53 on one "
            "allele, are not listed. The authors' program rounds to two decimals before it groups; "
            "this does not. With no list at all, the lowest and highest are bounds over all genes."
        ),
    )
)
def ipss_m(
    hb_g_per_dl: Column = "hb_g_per_dl",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    bone_marrow_blasts_percent: Column = "bone_marrow_blasts_percent",
    cytogenetic_risk: Column = "cytogenetic_risk",
    mutated_genes: Column = "mutated_genes",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Molecular International Prognostic Scoring System: doublings of the hazard of an average patient.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"hb": [10], "plt": [150], "blasts": [2], "cyto": ["poor"], "genes": [["ASXL1"]]}
    ... )
    >>> patient.select(ipss_m("hb", "plt", "blasts", "cyto", "genes")).unnest("ipss_m").select(
    ...     pl.col("score").round(4), "group"
    ... ).row(0)
    (-0.0402, 'moderate low')
    """
    return struct_of(SCORES["ipss_m"], locals())
