"""Acute graft-versus-host disease: stages of the organs and the overall grade, as expressions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...errors import DataError
from ...options import check_choice
from .. import scores
from .expressions import above, below, choose, column, number

if TYPE_CHECKING:
    from .expressions import Number

BilirubinUnit = Literal["mg/dL", "umol/L"]
StoolUnit = Literal["mL/day", "mL/kg/day"]
GvhdVersion = Literal["magic"]
SMALL = 50  # kg: up to here stool is counted per kg
LITTLE_RASH, MUCH_RASH = 25, 50  # per cent of the body surface
STOOL: dict[StoolUnit, tuple[float, float, float]] = {"mL/day": (500, 1000, 1500), "mL/kg/day": (10, 20, 30)}
BOUNDS: tuple[Literal["lowest"], Literal["highest"]] = ("lowest", "highest")
WORST_STAGE = {"skin": 4, "liver": 4, "lower_gi": 4, "upper_gi": 1}
# Sources disagree about a gut and a liver of stage 4 (III or IV) and the part of the performance status.
UNVERIFIED = ("glucksberg", "przepiorka", "ibmtr")


def agvhd_skin_stage(body_surface: Number, *, bullae: Any = None) -> pl.Expr:
    """Stage of the skin: 0 none, 1 below 25 %, 2 to 50 %, 3 above 50 % of the body surface, 4 with bullae.

    Parameters
    ----------
    body_surface
        Per cent of the body surface with active erythema (maculopapular rash): a column, an expression.
    bullae
        True with bullous formation and desquamation of more than 5 % of the body surface, which makes a rash
        above 50 % (generalized erythroderma) stage 4. None if there were none in the data.

    Returns
    -------
    polars.Expr
        0 to 4 (Int8); null where an answer that matters is missing, and for impossible per cents.

    Raises
    ------
    DataError
        For anything but columns and expressions.

    References
    ----------
    Harris AC, et al. Biol Blood Marrow Transplant 2016;22:4-10 (MAGIC); the table of the PDQ summary on
    childhood haematopoietic cell transplantation (two sources).

    Examples
    --------
    >>> skin = pl.DataFrame({"rash": [0, 24, 25, 50, 51, 80], "bullae": [False] * 5 + [True]})
    >>> skin.select(agvhd_skin_stage("rash", bullae="bullae")).to_series().to_list()
    [0, 1, 2, 2, 3, 4]
    """
    percent = number(body_surface, argument="body_surface")
    worse = pl.lit(False) if bullae is None else column(bullae, argument="bullae")
    wide = above(percent, MUCH_RASH)
    return choose(
        [
            (percent.is_null() | (percent < 0) | (percent > 100), None),
            (wide & worse.is_null(), None),
            (wide & worse, 4),
            (wide, 3),
            (~below(percent, LITTLE_RASH), 2),
            (percent > 0, 1),
        ],
        otherwise=0,
    ).alias("agvhd_skin_stage")


def agvhd_liver_stage(bilirubin: Number, *, unit: BilirubinUnit) -> pl.Expr:
    """Stage of the liver: 0 below 2 mg/dL of bilirubin, 1 to 3, 2 to 6, 3 to 15, 4 above 15.

    Parameters
    ----------
    bilirubin
        Total bilirubin: a column, an expression.
    unit
        `"mg/dL"` or `"umol/L"` (17.1 in 1 mg/dL, so that the cuts are at 34.2, 51.3, 102.6 and 256.5).

    Returns
    -------
    polars.Expr
        0 to 4 (Int8); null where missing or below 0.

    Raises
    ------
    DataError
        For another unit, and anything but columns and expressions.

    References
    ----------
    As `agvhd_skin_stage`.

    Examples
    --------
    >>> bilirubin = pl.DataFrame({"umol": [20, 60, 150, 300]})
    >>> bilirubin.select(agvhd_liver_stage("umol", unit="umol/L")).to_series().to_list()
    [0, 2, 3, 4]
    """
    check_choice(unit, BilirubinUnit, argument="unit")
    value = number(bilirubin, argument="bilirubin")
    stage = scores.agvhd_liver_stage(value, unit={"bilirubin_mg_per_dl": unit}).struct.field("score")
    return pl.when(value >= 0).then(stage.cast(pl.Int8)).alias("agvhd_liver_stage")


def agvhd_lower_gi_stage(
    stool: Number, *, unit: StoolUnit, severe: Any = None, weight: Number | None = None
) -> pl.Expr:
    """Stage of the lower gut: 1 from 500 mL of stool a day, 2 from 1000, 3 above 1500; 4 by severity.

    In children 10, 20 and 30 mL/kg. Severe abdominal pain with or without ileus, or grossly bloody stool, is
    stage 4 whatever the volume.

    Parameters
    ----------
    stool
        Volume of stool a day (an average of 3 days): a column, an expression.
    unit
        `"mL/day"`, or `"mL/kg/day"` for children.
    severe
        True for what makes stage 4. None if there was none in the data.
    weight
        Body weight in kg, for `"mL/day"` of patients of all ages: those of at most 50 kg are staged by their
        volume per kg.

    Returns
    -------
    polars.Expr
        0 to 4 (Int8); null where an answer that matters is missing, and for volumes below 0.

    Raises
    ------
    DataError
        For another unit, a weight for volumes that are per kg already, and anything but columns and
        expressions.

    References
    ----------
    As `agvhd_skin_stage`; the limit of 50 kg is that of the PDQ table (one source).

    Examples
    --------
    >>> stool = pl.DataFrame({"ml": [400, 500, 1600, 100], "kg": [70, 80, 60, 5], "ileus": [False] * 4})
    >>> stage = agvhd_lower_gi_stage("ml", unit="mL/day", severe="ileus", weight="kg")
    >>> stool.select(stage).to_series().to_list()
    [0, 1, 3, 2]
    """
    check_choice(unit, StoolUnit, argument="unit")
    if weight is not None and unit == "mL/kg/day":
        raise DataError(
            "was given for volumes that are per kg already",
            argument="weight",
            expected="a weight together with volumes per day",
            remedy="weight=None, or unit='mL/day'",
        )
    volume = number(stool, argument="stool")
    worse = pl.lit(False) if severe is None else column(severe, argument="severe")
    stage = _stage_of_stool(volume, unit)
    if weight is not None:
        kg = number(weight, argument="weight")
        per_kg = _stage_of_stool(volume / kg, "mL/kg/day")
        stage = pl.when(kg <= 0).then(None).when(kg > SMALL).then(stage).when(kg <= SMALL).then(per_kg)
    return (
        pl.when(worse).then(pl.lit(4, dtype=pl.Int8)).when(~worse).then(stage).alias("agvhd_lower_gi_stage")
    )


def agvhd_grade(
    *, skin: Number, liver: Number, lower_gi: Number, upper_gi: Number, version: GvhdVersion = "magic"
) -> pl.Expr:
    """Overall grade of acute GVHD from the stages of the organs: 0 to 4 for none and I to IV.

    IV: stage 4 of skin, liver or lower gut. III: liver or lower gut 2-3. II: skin 3, or liver, lower or upper
    gut 1. I: skin 1-2 alone. It is not the highest stage: skin 3 alone is grade II, a lower gut of stage 2
    grade III.

    Parameters
    ----------
    skin, liver, lower_gi
        Stages 0 to 4: columns, expressions.
    upper_gi
        Stage 0 or 1 (persistent nausea, vomiting or anorexia).
    version
        `"magic"` (2016). The gradings of Glucksberg, of Przepiorka 1995 and of the IBMTR are refused: what is
        published about them disagrees on stage 4 of gut and liver.

    Returns
    -------
    polars.Expr
        0 to 4 (Int8). A missing stage gives null unless the grade is the same whatever it was. Null, too, for
        stages that there are not.

    Raises
    ------
    DataError
        For another version, and anything but columns and expressions.

    References
    ----------
    Harris AC, et al. Biol Blood Marrow Transplant 2016;22:4-10 (MAGIC; three agreeing sources).

    Examples
    --------
    >>> organs = pl.DataFrame(
    ...     {"skin": [2, 3, 0, 4], "liver": [0, 0, 0, None], "lower": [0, 0, 2, 0], "upper": [0, 0, 0, 1]}
    ... )
    >>> grade = agvhd_grade(skin="skin", liver="liver", lower_gi="lower", upper_gi="upper")
    >>> organs.select(grade).to_series().to_list()
    [1, 2, 3, 4]
    """
    _check_version(version)
    given = {"skin": skin, "liver": liver, "lower_gi": lower_gi, "upper_gi": upper_gi}
    stages = {organ: number(stage, argument=organ) for organ, stage in given.items()}
    impossible = pl.any_horizontal(
        ~s.is_between(0, WORST_STAGE[organ]) | (s != s.floor()) for organ, s in stages.items()
    ).fill_null(False)
    organs = (stages[organ] for organ in ("skin", "liver", "upper_gi", "lower_gi"))
    rule = partial(scores.agvhd_grade_magic, *organs)
    least, most = (rule(missing=gaps).struct.field("score").cast(pl.Int8) for gaps in BOUNDS)
    return pl.when(~impossible & (least == most)).then(least).alias("agvhd_grade")


def _stage_of_stool(volume: pl.Expr, unit: StoolUnit) -> pl.Expr:
    first, second, third = STOOL[unit]
    return choose(
        [
            (volume.is_null() | (volume < 0), None),
            (above(volume, third), 3),
            (~below(volume, second), 2),
            (~below(volume, first), 1),
        ],
        otherwise=0,
    )


def _check_version(version: Any) -> None:
    if isinstance(version, str) and version.casefold() in UNVERIFIED:
        raise DataError(
            f"{version!r} is published in versions that disagree on stage 4 of gut and liver",
            argument="version",
            expected="'magic', whose sources agree",
            remedy="version='magic'",
        )
    check_choice(version, GvhdVersion, argument="version")
