"""Stages of multiple myeloma."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Rule, Score, bands, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, rising, yes
from .items import Values, choose, criterion, flag, levels, of_words, steps, where_known
from .steps import above, at_least, at_most, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

STAGES = ("I", "II", "III")
B2M_LOW, B2M_HIGH = below(3.5), at_least(5.5)
ALBUMIN_NORMAL = at_least(35)
LDH_HIGH = above(1)
MYELOMA = "multiple myeloma, at diagnosis"


def _iss(x: Values) -> pl.Expr:
    stage = choose(
        (B2M_HIGH.holds(x.b2m_mg_per_l), "III"),
        (B2M_LOW.holds(x.b2m_mg_per_l) & ALBUMIN_NORMAL.holds(x.albumin_g_per_l), "I"),
        otherwise="II",
    )
    return where_known(x, ("b2m_mg_per_l", "albumin_g_per_l"), stage)


ISS_INPUTS = (rising("b2m_mg_per_l"), falling("albumin_g_per_l"))
ISS_STAGE = criterion(
    "iss_stage",
    ("b2m_mg_per_l", "albumin_g_per_l"),
    _iss,
    "III with beta-2 microglobulin from 5.5 mg/L; I with it below 3.5 and albumin from 35 g/L; else II",
    cuts={"b2m_mg_per_l": (B2M_LOW, B2M_HIGH), "albumin_g_per_l": ALBUMIN_NORMAL},
)


@documented(
    Score(
        name="iss",
        title="International Staging System (ISS)",
        citation="Greipp PR, et al. J Clin Oncol 2005;23:3412-3420",
        version="2005",
        population=MYELOMA,
        evidence="V",
        inputs=ISS_INPUTS,
        items=(ISS_STAGE,),
        total=no_score,
        groups=Rule(STAGES, lambda x: x.iss_stage, "the stage."),
        notes="Beta-2 microglobulin is in mg/L; some pages print mg/dL or g/L by mistake.",
    )
)
def iss(
    b2m_mg_per_l: Column = "b2m_mg_per_l",
    albumin_g_per_l: Column = "albumin_g_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """International Staging System of multiple myeloma: I, II or III.

    Examples
    --------
    >>> patients = pl.DataFrame({"b2m": [3.2, 3.4, 5.5], "albumin": [3.6, 3.4, 4.0]})
    >>> stage = iss("b2m", "albumin", unit={"albumin_g_per_l": "g/dL"}).struct.field("group")
    >>> patients.select(stage).to_series().to_list()
    ['I', 'II', 'III']
    """
    return struct_of(SCORES["iss"], locals())


@documented(
    Score(
        name="r_iss",
        title="Revised International Staging System (R-ISS)",
        citation="Palumbo A, et al. J Clin Oncol 2015;33:2863-2869",
        version="2015",
        population=MYELOMA,
        evidence="V",
        inputs=(
            *ISS_INPUTS,
            yes("high_risk_cytogenetics", "deletion of 17p, t(4;14) or t(14;16)"),
            rising("ldh_ratio_to_uln"),
        ),
        items=(
            ISS_STAGE,
            criterion(
                "high_risk",
                ("high_risk_cytogenetics", "ldh_ratio_to_uln"),
                lambda x: x.high_risk_cytogenetics | LDH_HIGH.holds(x.ldh_ratio_to_uln),
                "high-risk cytogenetics, or LDH above its upper limit of normal",
                cuts={"ldh_ratio_to_uln": LDH_HIGH},
            ),
        ),
        total=no_score,
        groups=Rule(
            STAGES,
            lambda x: choose(
                ((x.iss_stage == "I") & ~x.high_risk, "I"),
                ((x.iss_stage == "III") & x.high_risk, "III"),
                otherwise="II",
            ),
            "I with ISS I and no high risk; III with ISS III and high risk; else II.",
        ),
        outcome="5-year overall survival 82, 62 and 40 %",
    )
)
def r_iss(
    b2m_mg_per_l: Column = "b2m_mg_per_l",
    albumin_g_per_l: Column = "albumin_g_per_l",
    high_risk_cytogenetics: Column = "high_risk_cytogenetics",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Revised International Staging System of multiple myeloma: I, II or III.

    Examples
    --------
    >>> patients = pl.DataFrame(
    ...     {"b2m": [3.0, 3.0, 6.0], "alb": [36, 38, 30], "hr": [False, False, True], "ldh": [0.9, 1.3, 1.0]}
    ... )
    >>> patients.select(r_iss("b2m", "alb", "hr", "ldh").struct.field("group")).to_series().to_list()
    ['I', 'II', 'III']
    """
    return struct_of(SCORES["r_iss"], locals())


@documented(
    Score(
        name="r2_iss",
        title="Second revision of the International Staging System (R2-ISS)",
        citation="D'Agostino M, et al. J Clin Oncol 2022;40:3406-3418",
        version="2022",
        population=MYELOMA,
        evidence="V",
        inputs=(
            choice("iss_stage", "stage of the International Staging System", STAGES),
            yes("del17p", "deletion of 17p"),
            rising("ldh_ratio_to_uln"),
            yes("t_4_14", "t(4;14)"),
            yes("gain_or_amp_1q", "at least 3 copies of 1q"),
        ),
        items=(
            levels("iss_stage", {"I": 0, "II": 1, "III": 1.5}),
            flag("del17p"),
            steps("ldh_ratio_to_uln", LDH_HIGH),
            flag("t_4_14"),
            flag("gain_or_amp_1q", 0.5),
        ),
        groups=bands("I", at_least(0.5, "II"), at_least(1.5, "III"), at_least(3, "IV")),
        notes="t(14;16) does not count, unlike in the R-ISS. `iss` gives the stage that goes in.",
    )
)
def r2_iss(
    iss_stage: Column = "iss_stage",
    del17p: Column = "del17p",
    ldh_ratio_to_uln: Column = "ldh_ratio_to_uln",
    t_4_14: Column = "t_4_14",
    gain_or_amp_1q: Column = "gain_or_amp_1q",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """R2-ISS of multiple myeloma, 0 to 5 points, stages I to IV.

    Examples
    --------
    >>> patient = pl.DataFrame(
    ...     {"b2m": [5.5], "alb": [36], "del17p": [False], "ldh": [0.9], "t414": [True], "gain1q": [True]}
    ... )
    >>> score = r2_iss(iss("b2m", "alb").struct.field("group"), "del17p", "ldh", "t414", "gain1q")
    >>> patient.select(score).unnest("r2_iss").select("score", "group").row(0)
    (3.0, 'IV')
    """
    return struct_of(SCORES["r2_iss"], locals())


HB_GOOD, HB_POOR = above(10), below(8.5)
CALCIUM_GOOD, CALCIUM_POOR = at_most(12), above(12)
FEW_LESIONS, MANY_LESIONS = at_most(1), at_least(3)
RENAL_FAILURE = at_least(2)
M_PROTEIN = {"low": 0, "intermediate": 1, "high": 2}


def _low_burden(x: Values) -> pl.Expr:
    return (
        HB_GOOD.holds(x.hb_g_per_dl)
        & CALCIUM_GOOD.holds(x.calcium_mg_per_dl)
        & FEW_LESIONS.holds(x.lytic_bone_lesions)
        & (of_words(x.m_protein_burden, M_PROTEIN) == M_PROTEIN["low"])
    )


def _high_burden(x: Values) -> pl.Expr:
    return (
        HB_POOR.holds(x.hb_g_per_dl)
        | CALCIUM_POOR.holds(x.calcium_mg_per_dl)
        | MANY_LESIONS.holds(x.lytic_bone_lesions)
        | (of_words(x.m_protein_burden, M_PROTEIN) == M_PROTEIN["high"])
    )


BURDEN_INPUTS = ("hb_g_per_dl", "calcium_mg_per_dl", "lytic_bone_lesions", "m_protein_burden")


@documented(
    Score(
        name="durie_salmon",
        title="Durie-Salmon stage",
        citation="Durie BGM, Salmon SE. Cancer 1975;36:842-854",
        version="1975",
        population=MYELOMA,
        evidence="V",
        inputs=(
            falling("hb_g_per_dl"),
            rising("calcium_mg_per_dl"),
            rising("lytic_bone_lesions"),
            choice(
                "m_protein_burden",
                "M-protein, of which low is IgG below 5 g/dL, IgA below 3 g/dL or light chains in urine "
                "below 4 g in 24 hours, high is IgG above 7, IgA above 5 or urine above 12",
                tuple(M_PROTEIN),
            ),
            rising("creatinine_mg_per_dl"),
        ),
        items=(
            criterion(
                "low_burden",
                BURDEN_INPUTS,
                _low_burden,
                "haemoglobin above 10 g/dL, calcium at most 12 mg/dL, at most 1 lesion and low M-protein",
                cuts={
                    "hb_g_per_dl": HB_GOOD,
                    "calcium_mg_per_dl": CALCIUM_GOOD,
                    "lytic_bone_lesions": FEW_LESIONS,
                },
            ),
            criterion(
                "high_burden",
                BURDEN_INPUTS,
                _high_burden,
                "haemoglobin below 8.5 g/dL, calcium above 12 mg/dL, at least 3 lesions or high M-protein",
                cuts={
                    "hb_g_per_dl": HB_POOR,
                    "calcium_mg_per_dl": CALCIUM_POOR,
                    "lytic_bone_lesions": MANY_LESIONS,
                },
            ),
            criterion(
                "renal_failure",
                ("creatinine_mg_per_dl",),
                lambda x: RENAL_FAILURE.holds(x.creatinine_mg_per_dl),
                "creatinine from 2.0 mg/dL",
                cuts={"creatinine_mg_per_dl": RENAL_FAILURE},
            ),
        ),
        total=no_score,
        groups=Rule(
            ("IA", "IB", "IIA", "IIB", "IIIA", "IIIB"),
            lambda x: pl.concat_str(
                choose((x.high_burden, "III"), (x.low_burden, "I"), otherwise="II"),
                choose((x.renal_failure, "B"), otherwise="A"),
            ),
            "III with high burden, I with low burden, else II; B with renal failure, else A.",
        ),
        notes="Tables differ in the calcium of stage I (normal, or at most 12 mg/dL as here) and in the "
        "lesions of stage III (2 or 3, here 3). 12 mg/dL is 3.0 mmol/L; one page prints 2.60.",
    )
)
def durie_salmon(
    hb_g_per_dl: Column = "hb_g_per_dl",
    calcium_mg_per_dl: Column = "calcium_mg_per_dl",
    lytic_bone_lesions: Column = "lytic_bone_lesions",
    m_protein_burden: Column = "m_protein_burden",
    creatinine_mg_per_dl: Column = "creatinine_mg_per_dl",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Durie-Salmon stage of multiple myeloma: IA to IIIB.

    Examples
    --------
    >>> patients = pl.DataFrame(
    ...     {"hb": [101, 84], "ca": [12.0, 10.0], "n": [1, 0], "m": ["low", "low"], "crea": [1.9, 2.0]}
    ... )
    >>> stage = durie_salmon("hb", "ca", "n", "m", "crea", unit={"hb_g_per_dl": "g/L"})
    >>> patients.select(stage.struct.field("group")).to_series().to_list()
    ['IA', 'IIIB']
    """
    return struct_of(SCORES["durie_salmon"], locals())
