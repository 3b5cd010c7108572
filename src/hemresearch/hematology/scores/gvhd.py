"""Stages and grades of graft-versus-host disease."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Rule, Score, bands, highest, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import rising, yes
from .items import Values, choose, criterion, flag, steps, where_known
from .steps import above, at_least

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units


STAGES = bands("stage 0", *(at_least(n, f"stage {n}") for n in (1, 2, 3, 4)))
MAGIC = "Harris AC, et al. Biol Blood Marrow Transplant 2016;22:4-10"
SITES = ("skin", "mouth", "eyes", "gi", "liver", "joints_fascia", "genital")
ORGANS = (*SITES, "lungs")


def _organs(x: Values) -> pl.Expr:
    return pl.sum_horizontal([(x[organ] >= 1).cast(pl.Int16) for organ in ORGANS], ignore_nulls=False)


def _worst_of_others(x: Values) -> pl.Expr:
    return where_known(x, SITES, pl.max_horizontal([x[site] for site in SITES]).cast(pl.Int16))


@documented(
    Score(
        name="agvhd_liver_stage",
        title="Stage of the liver in acute GVHD",
        citation=MAGIC,
        version="MAGIC (2016)",
        population="acute graft-versus-host disease",
        evidence="V",
        inputs=(rising("bilirubin_mg_per_dl"),),
        items=(steps("bilirubin_mg_per_dl", above(15, 4), above(6, 3), above(3, 2), at_least(2, 1)),),
        groups=STAGES,
    )
)
def agvhd_liver_stage(
    bilirubin_mg_per_dl: Column = "bilirubin_mg_per_dl",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Stage of the liver in acute graft-versus-host disease, from bilirubin.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"bilirubin": [20, 60, 300]})
    >>> stage = agvhd_liver_stage("bilirubin", unit={"bilirubin_mg_per_dl": "umol/L"})
    >>> patients.select(stage.struct.field("group")).to_series().to_list()
    ['stage 0', 'stage 2', 'stage 4']
    """
    return struct_of(SCORES["agvhd_liver_stage"], locals())


@documented(
    Score(
        name="agvhd_lower_gi_stage",
        title="Stage of the lower gut in acute GVHD, adults",
        citation=MAGIC,
        version="MAGIC (2016)",
        population="acute graft-versus-host disease of adults",
        evidence="V",
        inputs=(
            rising("stool_ml_per_day_adult"),
            yes("severe_pain_ileus_or_blood", "severe pain with or without ileus, or grossly bloody stool"),
        ),
        items=(
            steps("stool_ml_per_day_adult", above(1500, 3), at_least(1000, 2), at_least(500, 1)),
            flag("severe_pain_ileus_or_blood", 4),
        ),
        total=highest,
        total_is_whole=True,
        groups=STAGES,
    )
)
def agvhd_lower_gi_stage(
    stool_ml_per_day_adult: Column = "stool_ml_per_day_adult",
    severe_pain_ileus_or_blood: Column = "severe_pain_ileus_or_blood",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Stage of the lower gut in acute graft-versus-host disease of adults: the worse of volume and signs.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"stool": [499, 1000, 800], "severe": [False, False, True]})
    >>> patients.select(agvhd_lower_gi_stage("stool", "severe").struct.field("score")).to_series().to_list()
    [0, 2, 4]
    """
    return struct_of(SCORES["agvhd_lower_gi_stage"], locals())


@documented(
    Score(
        name="agvhd_grade_magic",
        title="Overall grade of acute GVHD",
        citation=MAGIC,
        version="MAGIC (2016)",
        population="acute graft-versus-host disease",
        evidence="V",
        inputs=(
            rising("skin_stage"),
            rising("liver_stage"),
            rising("upper_gi_stage"),
            rising("lower_gi_stage"),
        ),
        items=(
            steps("skin_stage", at_least(4, 4), at_least(3, 2), at_least(1, 1)),
            steps("liver_stage", at_least(4, 4), at_least(2, 3), at_least(1, 2)),
            steps("upper_gi_stage", at_least(1, 2)),
            steps("lower_gi_stage", at_least(4, 4), at_least(2, 3), at_least(1, 2)),
        ),
        total=highest,
        total_is_whole=True,
        groups=bands("0", at_least(1, "I"), at_least(2, "II"), at_least(3, "III"), at_least(4, "IV")),
        notes="The worst organ stage is not the grade: skin 3 is grade II and lower gut 2 is grade III.",
    )
)
def agvhd_grade_magic(
    skin_stage: Column = "skin_stage",
    liver_stage: Column = "liver_stage",
    upper_gi_stage: Column = "upper_gi_stage",
    lower_gi_stage: Column = "lower_gi_stage",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Overall grade of acute graft-versus-host disease by MAGIC: the highest that an organ stage implies.

    Examples
    --------
    >>> import polars as pl
    >>> patients = pl.DataFrame({"skin": [3, 2], "liver": [0, 0], "upper": [0, 0], "lower": [0, 2]})
    >>> grade = agvhd_grade_magic("skin", "liver", "upper", "lower")
    >>> patients.select(grade.struct.field("group")).to_series().to_list()
    ['II', 'III']
    """
    return struct_of(SCORES["agvhd_grade_magic"], locals())


@documented(
    Score(
        name="cgvhd_nih2014",
        title="Global severity of chronic GVHD",
        citation="Jagasia MH, et al. Biol Blood Marrow Transplant 2015;21:389-401",
        version="NIH 2014",
        population="chronic graft-versus-host disease",
        evidence="V",
        inputs=(
            rising("skin"),
            rising("mouth"),
            rising("eyes"),
            rising("gi"),
            rising("liver"),
            rising("lungs"),
            rising("joints_fascia"),
            rising("genital"),
        ),
        items=(
            criterion(
                "organs",
                ORGANS,
                _organs,
                "number of organs with a score of at least 1",
                cuts=dict.fromkeys(ORGANS, at_least(1)),
            ),
            criterion(
                "worst_of_others",
                SITES,
                _worst_of_others,
                "highest score outside the lungs",
                cuts=dict.fromkeys(SITES, (at_least(2), at_least(3))),
            ),
            criterion(
                "lung_score",
                ("lungs",),
                lambda x: x.lungs.cast(pl.Int16),
                "score of the lungs",
                cuts={"lungs": at_least(2)},
            ),
        ),
        total=no_score,
        groups=Rule(
            ("none", "mild", "moderate", "severe"),
            lambda x: choose(
                ((x.worst_of_others >= 3) | (x.lung_score >= 2), "severe"),
                ((x.worst_of_others >= 2) | (x.lung_score >= 1) | (x.organs >= 3), "moderate"),
                (x.organs >= 1, "mild"),
                otherwise="none",
            ),
            "severe with any 3 or lungs from 2; else moderate with any 2, lungs 1, or three organs; else "
            "mild.",
        ),
        notes=(
            "The lung score follows FEV1: 60 to 79 %: 1, 40 to 59 %: 2, below 40 %: 3. Performance "
            "status does not count. An organ fully explained by another cause has the score 0."
        ),
    )
)
def cgvhd_nih2014(
    skin: Column = "skin",
    mouth: Column = "mouth",
    eyes: Column = "eyes",
    gi: Column = "gi",
    liver: Column = "liver",
    lungs: Column = "lungs",
    joints_fascia: Column = "joints_fascia",
    genital: Column = "genital",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Global severity of chronic graft-versus-host disease by the NIH consensus of 2014.

    Examples
    --------
    >>> import polars as pl
    >>> sites = ["skin", "mouth", "eyes", "gi", "liver", "lungs", "joints_fascia", "genital"]
    >>> patients = pl.DataFrame({site: [0, 1 if site == "lungs" else 0] for site in sites})
    >>> patients.select(cgvhd_nih2014().struct.field("group")).to_series().to_list()
    ['none', 'moderate']
    """
    return struct_of(SCORES["cgvhd_nih2014"], locals())
