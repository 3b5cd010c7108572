"""Scores of chronic myeloid leukaemia."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, rising
from .items import formula, steps
from .steps import above, at_least

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


@documented(
    Score(
        name="sokal",
        title="Sokal score",
        citation="Sokal JE, et al. Blood 1984;63:789-799",
        version="1984",
        population="chronic phase of chronic myeloid leukaemia, before treatment",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("spleen_cm_below_costal_margin"),
            rising("platelets_1e9_per_l"),
            rising("pb_blasts_percent"),
        ),
        items=(
            formula("age", ("age_years",), lambda x: 0.0116 * (x.age_years - 43.4), "0.0116 (age - 43.4)"),
            formula(
                "spleen",
                ("spleen_cm_below_costal_margin",),
                lambda x: 0.0345 * (x.spleen_cm_below_costal_margin - 7.51),
                "0.0345 (cm - 7.51)",
            ),
            formula(
                "platelets",
                ("platelets_1e9_per_l",),
                lambda x: 0.1880 * ((x.platelets_1e9_per_l / 700) ** 2 - 0.563),
                "0.1880 ((platelets / 700)^2 - 0.563)",
            ),
            formula(
                "blasts",
                ("pb_blasts_percent",),
                lambda x: 0.0887 * (x.pb_blasts_percent - 2.10),
                "0.0887 (% - 2.10)",
            ),
        ),
        total=lambda x: (x.age + x.spleen + x.platelets + x.blasts).exp(),
        groups=bands("low", at_least(0.8, "intermediate"), above(1.2, "high")),
        notes=(
            "The score is the exponential of the sum. It is not rounded before grouping, as some "
            "calculators do."
        ),
    )
)
def sokal(
    age_years: Column = "age_years",
    spleen_cm_below_costal_margin: Column = "spleen_cm_below_costal_margin",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    pb_blasts_percent: Column = "pb_blasts_percent",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Sokal score of chronic myeloid leukaemia, a relative hazard.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [50], "spleen": [0], "plt": [300], "blasts": [0]})
    >>> patient.select(sokal("age", "spleen", "plt", "blasts")).unnest("sokal").select(
    ...     pl.col("score").round(4), "group"
    ... ).row(0)
    (0.644, 'low')
    """
    return struct_of(SCORES["sokal"], locals())


@documented(
    Score(
        name="euro_hasford",
        title="Euro score (Hasford)",
        citation="Hasford J, et al. J Natl Cancer Inst 1998;90:850-858",
        version="1998",
        population="chronic phase of chronic myeloid leukaemia, before treatment",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("spleen_cm_below_costal_margin"),
            rising("pb_blasts_percent"),
            rising("eosinophils_percent"),
            rising("basophils_percent"),
            rising("platelets_1e9_per_l"),
        ),
        items=(
            steps("age_years", at_least(50, 666.6)),
            formula(
                "spleen",
                ("spleen_cm_below_costal_margin",),
                lambda x: 42.0 * x.spleen_cm_below_costal_margin,
                "42.0 per cm",
            ),
            formula("blasts", ("pb_blasts_percent",), lambda x: 58.4 * x.pb_blasts_percent, "58.4 per %"),
            formula(
                "eosinophils", ("eosinophils_percent",), lambda x: 41.3 * x.eosinophils_percent, "41.3 per %"
            ),
            steps("basophils_percent", at_least(3, 203.9)),
            steps("platelets_1e9_per_l", at_least(1500, 1095.6)),
        ),
        groups=bands("low", above(780, "intermediate"), above(1480, "high")),
    )
)
def euro_hasford(
    age_years: Column = "age_years",
    spleen_cm_below_costal_margin: Column = "spleen_cm_below_costal_margin",
    pb_blasts_percent: Column = "pb_blasts_percent",
    eosinophils_percent: Column = "eosinophils_percent",
    basophils_percent: Column = "basophils_percent",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Euro (Hasford) score of chronic myeloid leukaemia.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"age": [60], "spleen": [10], "blasts": [3], "eos": [3], "baso": [4], "plt": [400]}
    ... )
    >>> score = euro_hasford("age", "spleen", "blasts", "eos", "baso", "plt")
    >>> patient.select(score).unnest("euro_hasford").select(pl.col("score").round(1), "group").row(0)
    (1589.6, 'high')
    """
    return struct_of(SCORES["euro_hasford"], locals())


@documented(
    Score(
        name="eutos",
        title="EUTOS score",
        citation="Hasford J, et al. Blood 2011;118:686-692",
        version="2011",
        population="chronic phase of chronic myeloid leukaemia, before imatinib",
        evidence="V",
        inputs=(rising("basophils_percent"), rising("spleen_cm_below_costal_margin")),
        items=(
            formula("basophils", ("basophils_percent",), lambda x: 7.0 * x.basophils_percent, "7 per %"),
            formula(
                "spleen",
                ("spleen_cm_below_costal_margin",),
                lambda x: 4.0 * x.spleen_cm_below_costal_margin,
                "4 per cm",
            ),
        ),
        groups=bands("low", above(87, "high")),
    )
)
def eutos(
    basophils_percent: Column = "basophils_percent",
    spleen_cm_below_costal_margin: Column = "spleen_cm_below_costal_margin",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """EUTOS score of chronic myeloid leukaemia.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"basophils_percent": [8], "spleen_cm_below_costal_margin": [10]})
    >>> patient.select(eutos()).unnest("eutos").select("score", "group").row(0)
    (96.0, 'high')
    """
    return struct_of(SCORES["eutos"], locals())


@documented(
    Score(
        name="elts",
        title="EUTOS long-term survival score (ELTS)",
        citation="Pfirrmann M, et al. Leukemia 2016;30:48-56",
        version="2016",
        population="chronic phase of chronic myeloid leukaemia, before imatinib; death of the disease",
        evidence="V",
        inputs=(
            rising("age_years"),
            rising("spleen_cm_below_costal_margin"),
            rising("pb_blasts_percent"),
            falling("platelets_1e9_per_l", positive=True),
        ),
        items=(
            formula("age", ("age_years",), lambda x: 0.0025 * (x.age_years / 10) ** 3, "0.0025 (age / 10)^3"),
            formula(
                "spleen",
                ("spleen_cm_below_costal_margin",),
                lambda x: 0.0615 * x.spleen_cm_below_costal_margin,
                "0.0615 per cm",
            ),
            formula("blasts", ("pb_blasts_percent",), lambda x: 0.1052 * x.pb_blasts_percent, "0.1052 per %"),
            formula(
                "platelets",
                ("platelets_1e9_per_l",),
                lambda x: 0.4104 * (x.platelets_1e9_per_l / 1000) ** -0.5,
                "0.4104 (platelets / 1000)^-0.5",
            ),
        ),
        groups=bands("low", above(1.5680, "intermediate"), above(2.2185, "high")),
        notes="Web copies print the exponent of the platelets as -05.",
    )
)
def elts(
    age_years: Column = "age_years",
    spleen_cm_below_costal_margin: Column = "spleen_cm_below_costal_margin",
    pb_blasts_percent: Column = "pb_blasts_percent",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """EUTOS long-term survival score of chronic myeloid leukaemia.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"age": [60], "spleen": [10], "blasts": [3], "plt": [400]})
    >>> patient.select(elts("age", "spleen", "blasts", "plt")).unnest("elts").select(
    ...     pl.col("score").round(4), "group"
    ... ).row(0)
    (2.1195, 'intermediate')
    """
    return struct_of(SCORES["elts"], locals())
