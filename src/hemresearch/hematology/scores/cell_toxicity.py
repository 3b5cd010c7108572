"""Grades of the toxicity of immune effector cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .definition import Score, bands, highest
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, rising, yes
from .items import flag, levels, steps
from .steps import at_least, at_most

if TYPE_CHECKING:
    import polars as pl

    from ...columns import Column
    from .expression import Gaps, Units


GRADES = bands("grade 0", *(at_least(n, f"grade {n}") for n in (1, 2, 3, 4)))
ASTCT = "Lee DW, et al. Biol Blood Marrow Transplant 2019;25:625-638"
ICAHT = "Rejeski K, et al. Blood 2023;142:865-877"
HYPOTENSION = {"none": 0, "no vasopressor": 2, "one vasopressor": 3, "multiple vasopressors": 4}
HYPOXIA = {"none": 0, "low-flow oxygen": 2, "high-flow oxygen": 3, "positive pressure": 4}
SEIZURE = {"none": 0, "resolves rapidly": 3, "prolonged": 4}
OEDEMA = {"none": 0, "focal": 3, "diffuse": 4}


@documented(
    Score(
        name="crs_astct",
        title="Cytokine release syndrome",
        citation=ASTCT,
        version="ASTCT (2019)",
        population="immune effector cell therapy",
        evidence="V",
        inputs=(
            yes("fever", "at least 38 degrees, without another cause"),
            choice(
                "hypotension", "what hypotension asks for (vasopressin is not counted)", tuple(HYPOTENSION)
            ),
            choice("hypoxia", "what hypoxia asks for (low flow: up to 6 L/min)", tuple(HYPOXIA)),
        ),
        items=(flag("fever"), levels("hypotension", HYPOTENSION), levels("hypoxia", HYPOXIA)),
        total=highest,
        total_is_whole=True,
        groups=GRADES,
        notes=(
            "Fever is asked for at the beginning, not after tocilizumab or steroids: whether a patient "
            "has the syndrome is decided before. Grade 5 is death of it."
        ),
    )
)
def crs_astct(
    fever: Column = "fever",
    hypotension: Column = "hypotension",
    hypoxia: Column = "hypoxia",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Grade of the cytokine release syndrome by the ASTCT consensus: the worst of three.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {"fever": [True], "hypotension": ["one vasopressor"], "hypoxia": ["low-flow oxygen"]}
    ... )
    >>> patient.select(crs_astct()).unnest("crs_astct").select("score", "group").row(0)
    (3, 'grade 3')
    """
    return struct_of(SCORES["crs_astct"], locals())


@documented(
    Score(
        name="icans_astct",
        title="Immune effector cell-associated neurotoxicity syndrome (ICANS), adults",
        citation=ASTCT,
        version="ASTCT (2019)",
        population="immune effector cell therapy of adults",
        evidence="V",
        inputs=(
            falling("ice_score"),
            yes("unarousable", "unarousable, or stupor or coma"),
            choice(
                "seizure",
                "seizure (prolonged: over 5 minutes, or without return to baseline)",
                tuple(SEIZURE),
            ),
            yes("motor_weakness", "deep focal weakness such as hemiparesis"),
            choice("cerebral_oedema", "oedema on imaging (diffuse also by signs)", tuple(OEDEMA)),
        ),
        items=(
            steps("ice_score", at_most(2, 3), at_most(6, 2), at_most(9, 1)),
            flag("unarousable", 4),
            levels("seizure", SEIZURE),
            flag("motor_weakness", 4),
            levels("cerebral_oedema", OEDEMA),
        ),
        total=highest,
        total_is_whole=True,
        groups=GRADES,
        notes=(
            "A patient who is awake with an ICE score of 0 has grade 3. Lesser depression of "
            "consciousness than unarousable is not an input: where it is the worst sign, the grade "
            "here is too low."
        ),
    )
)
def icans_astct(
    ice_score: Column = "ice_score",
    unarousable: Column = "unarousable",
    seizure: Column = "seizure",
    motor_weakness: Column = "motor_weakness",
    cerebral_oedema: Column = "cerebral_oedema",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Grade of the neurotoxicity syndrome of immune effector cells by the ASTCT consensus: the worst of five.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame(
    ...     {
    ...         "ice_score": [3], "unarousable": [False], "seizure": ["resolves rapidly"],
    ...         "motor_weakness": [False], "cerebral_oedema": ["none"],
    ...     }
    ... )
    >>> patient.select(icans_astct()).unnest("icans_astct").select("score", "group").row(0)
    (3, 'grade 3')
    """
    return struct_of(SCORES["icans_astct"], locals())


@documented(
    Score(
        name="icaht_early",
        title="Early immune effector cell-associated haematotoxicity (ICAHT)",
        citation=ICAHT,
        version="EHA/EBMT (2023)",
        population="day 0 to 30 after immune effector cells",
        evidence="V",
        inputs=(
            rising("days_anc_le_0_5"),
            rising("days_anc_le_0_1"),
            yes("never_above_0_5", "neutrophils never above 0.5 until day 30"),
        ),
        items=(
            steps("days_anc_le_0_5", at_least(14, 3), at_least(7, 2), at_least(1, 1)),
            steps("days_anc_le_0_1", at_least(14, 4), at_least(7, 3)),
            flag("never_above_0_5", 4),
        ),
        total=highest,
        total_is_whole=True,
        groups=GRADES,
        notes="The days are those of the longest run; `toxicity` makes them from a series of counts.",
    )
)
def icaht_early(
    days_anc_le_0_5: Column = "days_anc_le_0_5",
    days_anc_le_0_1: Column = "days_anc_le_0_1",
    never_above_0_5: Column = "never_above_0_5",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Grade of early haematotoxicity of immune effector cells, from days of neutropenia.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"low": [6, 10, 31], "very_low": [0, 7, 5], "never": [False, False, True]})
    >>> patients.select(icaht_early("low", "very_low", "never").struct.field("score")).to_series().to_list()
    [1, 3, 4]
    """
    return struct_of(SCORES["icaht_early"], locals())


@documented(
    Score(
        name="icaht_late",
        title="Late immune effector cell-associated haematotoxicity (ICAHT)",
        citation=ICAHT,
        version="EHA/EBMT (2023)",
        population="after day 30 of immune effector cells",
        evidence="1",
        inputs=(falling("lowest_confirmed_anc_1e9_per_l"),),
        items=(
            steps(
                "lowest_confirmed_anc_1e9_per_l",
                at_most(0.1, 4),
                at_most(0.5, 3),
                at_most(1.0, 2),
                at_most(1.5, 1),
            ),
        ),
        groups=GRADES,
    )
)
def icaht_late(
    lowest_confirmed_anc_1e9_per_l: Column = "lowest_confirmed_anc_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Grade of late haematotoxicity of immune effector cells, from the lowest confirmed neutrophil count.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"anc": [1.51, 1.5, 0.5]})
    >>> patients.select(icaht_late("anc").struct.field("group")).to_series().to_list()
    ['grade 0', 'grade 1', 'grade 3']
    """
    return struct_of(SCORES["icaht_late"], locals())
