"""Scores from laboratory values around transplantation and CAR-T cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Score, Ungrouped, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, rising
from .items import Values, criterion, steps
from .steps import above, at_least, at_most, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units


def _over_platelets(x: Values, *factors: str) -> pl.Expr:
    """The product of the factors, divided by the platelets."""
    product = pl.lit(1.0)
    for name in factors:
        product = product * x[name]
    return product / x.platelets_1e9_per_l


@documented(
    Score(
        name="easix",
        title="Endothelial Activation and Stress Index (EASIX)",
        citation="Luft T, et al. Lancet Haematol 2017;4:e414-e423",
        version="2017",
        population="before or after allogeneic transplantation",
        evidence="V",
        inputs=(
            rising("ldh_u_per_l", positive=True),
            rising("creatinine_mg_per_dl", positive=True),
            falling("platelets_1e9_per_l", positive=True),
        ),
        items=(
            criterion(
                "log2_score",
                ("ldh_u_per_l", "creatinine_mg_per_dl", "platelets_1e9_per_l"),
                lambda x: _over_platelets(x, "ldh_u_per_l", "creatinine_mg_per_dl").log(2),
                "its logarithm of base 2, for models",
            ),
        ),
        total=lambda x: _over_platelets(x, "ldh_u_per_l", "creatinine_mg_per_dl"),
        groups=Ungrouped(),
        notes="Creatinine is in mg/dL: in umol/L the index is 88 times too high.",
    )
)
def easix(
    ldh_u_per_l: Column = "ldh_u_per_l",
    creatinine_mg_per_dl: Column = "creatinine_mg_per_dl",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Endothelial Activation and Stress Index: LDH times creatinine over platelets.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"ldh": [250], "crea": [88.42], "plt": [150]})
    >>> score = easix("ldh", "crea", "plt", unit={"creatinine_mg_per_dl": "umol/L"})
    >>> patient.select(score.struct.field("score").round(4)).item()
    1.6667
    """
    return struct_of(SCORES["easix"], locals())


@documented(
    Score(
        name="m_easix",
        title="Modified EASIX",
        citation="Pennisi M, et al. Blood Adv 2021;5:3397-3406",
        version="2021",
        population="CAR-T cell therapy",
        evidence="V",
        inputs=(
            rising("ldh_u_per_l", positive=True),
            rising("crp_mg_per_dl", positive=True),
            falling("platelets_1e9_per_l", positive=True),
        ),
        items=(
            criterion(
                "log2_score",
                ("ldh_u_per_l", "crp_mg_per_dl", "platelets_1e9_per_l"),
                lambda x: _over_platelets(x, "ldh_u_per_l", "crp_mg_per_dl").log(2),
                "its logarithm of base 2, for models",
            ),
        ),
        total=lambda x: _over_platelets(x, "ldh_u_per_l", "crp_mg_per_dl"),
        groups=Ungrouped(),
        notes="C-reactive protein is in mg/dL: in mg/L the index is ten times too high.",
    )
)
def m_easix(
    ldh_u_per_l: Column = "ldh_u_per_l",
    crp_mg_per_dl: Column = "crp_mg_per_dl",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Modified EASIX before CAR-T cells: LDH times C-reactive protein over platelets.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"ldh": [300], "crp": [40], "plt": [60]})
    >>> score = m_easix("ldh", "crp", "plt", unit={"crp_mg_per_dl": "mg/L"})
    >>> patient.select(score.struct.field("score")).item()
    20.0
    """
    return struct_of(SCORES["m_easix"], locals())


@documented(
    Score(
        name="s_easix",
        title="Simplified EASIX",
        citation="Pennisi M, et al. Blood Adv 2021;5:3397-3406",
        version="2021",
        population="CAR-T cell therapy",
        evidence="V",
        inputs=(
            rising("ldh_u_per_l", positive=True),
            falling("platelets_1e9_per_l", positive=True),
        ),
        items=(
            criterion(
                "log2_score",
                ("ldh_u_per_l", "platelets_1e9_per_l"),
                lambda x: _over_platelets(x, "ldh_u_per_l").log(2),
                "its logarithm of base 2, for models",
            ),
        ),
        total=lambda x: _over_platelets(x, "ldh_u_per_l"),
        groups=Ungrouped(),
    )
)
def s_easix(
    ldh_u_per_l: Column = "ldh_u_per_l",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Simplified EASIX before CAR-T cells: LDH over platelets.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"ldh": [300], "plt": [60]})
    >>> patient.select(s_easix("ldh", "plt").struct.field("score")).item()
    5.0
    """
    return struct_of(SCORES["s_easix"], locals())


@documented(
    Score(
        name="car_hematotox",
        title="CAR-HEMATOTOX",
        citation="Rejeski K, et al. Blood 2021;138:2499-2513",
        version="2021",
        population="before lymphodepletion for CAR-T cells",
        evidence="V",
        inputs=(
            falling("neutrophils_1e9_per_l"),
            falling("hb_g_per_dl"),
            falling("platelets_1e9_per_l"),
            rising("crp_mg_per_l"),
            rising("ferritin_ug_per_l"),
        ),
        items=(
            steps("neutrophils_1e9_per_l", below(1.2)),
            steps("hb_g_per_dl", below(9)),
            steps("platelets_1e9_per_l", below(75, 2), at_most(175, 1)),
            steps("crp_mg_per_l", above(30)),
            steps("ferritin_ug_per_l", above(2000, 2), at_least(650, 1)),
        ),
        groups=bands("low", at_least(2, "high")),
        outcome="severe neutropenia of at least 14 days in 5 % (low) and 48 % (high)",
        notes=(
            "Sources differ at exactly 9 g/dL, 30 mg/L, and platelets of 75 and 175. Codes with 0 to 2 "
            "points for each of the five are not this score."
        ),
    )
)
def car_hematotox(
    neutrophils_1e9_per_l: Column = "neutrophils_1e9_per_l",
    hb_g_per_dl: Column = "hb_g_per_dl",
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    crp_mg_per_l: Column = "crp_mg_per_l",
    ferritin_ug_per_l: Column = "ferritin_ug_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Risk of prolonged cytopenia after CAR-T cells, CAR-HEMATOTOX.

    Examples
    --------
    >>> import polars as pl
    >>> patient = pl.DataFrame({"anc": [1.0], "hb": [8.9], "plt": [70], "crp": [31], "ferritin": [2100]})
    >>> patient.select(car_hematotox("anc", "hb", "plt", "crp", "ferritin")).unnest("car_hematotox").select(
    ...     "score", "group"
    ... ).row(0)
    (7, 'high')
    """
    return struct_of(SCORES["car_hematotox"], locals())
