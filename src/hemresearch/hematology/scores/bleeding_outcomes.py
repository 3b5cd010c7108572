"""Gradings of bleeding, haemophilia and the post-thrombotic syndrome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from .definition import Rule, Score, Ungrouped, no_score
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import falling, points_of, rising, yes
from .items import Cut, Values, choose, criterion, formula
from .steps import at_least, at_most, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units

HB_FALL = at_least(20)
UNITS = at_least(2)


def _major(x: Values) -> pl.Expr:
    severe = x.fatal | x.critical_site | HB_FALL.holds(x.hb_fall_g_per_l) | UNITS.holds(x.red_cell_units)
    return x.overt & severe


def _relevant(x: Values) -> pl.Expr:
    return x.overt & (x.medical_intervention | x.hospitalisation_or_higher_care | x.face_to_face_evaluation)


@documented(
    Score(
        name="isth_bleeding",
        title="ISTH major and clinically relevant non-major bleeding",
        citation="Schulman S, Kearon C. J Thromb Haemost 2005;3:692-694; non-major: Kaatz S, et al. "
        "J Thromb Haemost 2015;13:2119-2126",
        version="2005 and 2015",
        population="bleeding on antithrombotic treatment, not of surgery",
        evidence="1",
        inputs=(
            yes("overt", "the bleeding is overt"),
            yes("fatal", "fatal bleeding"),
            yes(
                "critical_site",
                "intracranial, intraspinal, intraocular, retroperitoneal, intra-articular or pericardial, or "
                "intramuscular with compartment syndrome",
            ),
            rising("hb_fall_g_per_l"),
            rising("red_cell_units"),
            yes("medical_intervention", "intervention by a healthcare professional"),
            yes("hospitalisation_or_higher_care", "hospital stay or higher level of care"),
            yes("face_to_face_evaluation", "face-to-face evaluation"),
        ),
        items=(
            criterion(
                "major",
                ("overt", "fatal", "critical_site", "hb_fall_g_per_l", "red_cell_units"),
                _major,
                "overt, and fatal, in a critical site, with a fall of haemoglobin of at least 20 g/L or at "
                "least 2 units of red cells",
                cuts={"hb_fall_g_per_l": HB_FALL, "red_cell_units": UNITS},
            ),
            criterion(
                "relevant",
                (
                    "overt",
                    "medical_intervention",
                    "hospitalisation_or_higher_care",
                    "face_to_face_evaluation",
                ),
                _relevant,
                "overt, and with intervention, hospital stay or face-to-face evaluation",
            ),
        ),
        total=no_score,
        groups=Rule(
            ("no overt bleeding", "minor", "clinically relevant non-major", "major"),
            lambda x: choose(
                (x.major, "major"),
                (x.relevant, "clinically relevant non-major"),
                (x.overt, "minor"),
                otherwise="no overt bleeding",
            ),
            "major; else clinically relevant non-major; else minor if overt; else no overt bleeding.",
        ),
        notes="The criteria of major bleeding were read in five sources, those of clinically relevant "
        "non-major bleeding in one. Older trials define the latter by a list, such as nosebleeds above "
        "5 minutes.",
    )
)
def isth_bleeding(
    overt: Column = "overt",
    fatal: Column = "fatal",
    critical_site: Column = "critical_site",
    hb_fall_g_per_l: Column = "hb_fall_g_per_l",
    red_cell_units: Column = "red_cell_units",
    medical_intervention: Column = "medical_intervention",
    hospitalisation_or_higher_care: Column = "hospitalisation_or_higher_care",
    face_to_face_evaluation: Column = "face_to_face_evaluation",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Grade of a bleeding by the ISTH: major, clinically relevant non-major, or minor.

    Examples
    --------
    >>> yes, no = pl.lit(True), pl.lit(False)
    >>> bleeds = pl.DataFrame({"fall": [20, 19], "units": [0, 1], "treated": [False, True]})
    >>> grade = isth_bleeding(yes, no, no, "fall", "units", "treated", no, no)
    >>> bleeds.select(grade.struct.field("group")).to_series().to_list()
    ['major', 'clinically relevant non-major']
    """
    return struct_of(SCORES["isth_bleeding"], locals())


SEVERE, MODERATE, MILD = below(1), at_most(5), below(40)


def _level(x: Values) -> pl.Expr:
    level = choose(
        (SEVERE.holds(x.factor_activity_iu_per_dl), "severe"),
        (MODERATE.holds(x.factor_activity_iu_per_dl), "moderate"),
        (MILD.holds(x.factor_activity_iu_per_dl), "mild"),
        otherwise="not haemophilia by level",
    )
    return pl.when(x.factor_activity_iu_per_dl.is_not_null()).then(level)


@documented(
    Score(
        name="haemophilia_severity",
        title="Severity of haemophilia A and B",
        citation="White GC, et al. Thromb Haemost 2001;85:560",
        version="2001",
        population="haemophilia A and B, without treatment",
        evidence="V",
        inputs=(falling("factor_activity_iu_per_dl"),),
        items=(
            criterion(
                "level",
                ("factor_activity_iu_per_dl",),
                _level,
                "severe below 1, moderate from 1 to 5, mild above 5 and below 40 IU/dL",
                cuts={"factor_activity_iu_per_dl": (SEVERE, MODERATE, MILD)},
            ),
        ),
        total=no_score,
        groups=Rule(
            ("not haemophilia by level", "mild", "moderate", "severe"), lambda x: x.level, "the level."
        ),
        notes="1 and 5 IU/dL are moderate. The factor level is that without treatment. Mild ends below 40 "
        "IU/dL, as two clinical references print (IHTC, Medscape); some pages end it at 30 or 50.",
    )
)
def haemophilia_severity(
    factor_activity_iu_per_dl: Column = "factor_activity_iu_per_dl",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Severity of haemophilia by the activity of factor VIII or IX.

    Examples
    --------
    >>> patients = pl.DataFrame({"level": [0.005, 0.01, 0.05, 0.06]})
    >>> grade = haemophilia_severity("level", unit={"factor_activity_iu_per_dl": "IU/mL"})
    >>> patients.select(grade.struct.field("group")).to_series().to_list()
    ['severe', 'moderate', 'moderate', 'mild']
    """
    return struct_of(SCORES["haemophilia_severity"], locals())


DAYS_PER_YEAR = 365.25


def _per_year(x: Values) -> pl.Expr:
    return pl.when(x.exposure_days > 0).then(x.bleeds * DAYS_PER_YEAR / x.exposure_days)


@documented(
    Score(
        name="annualised_bleeding_rate",
        title="Annualised bleeding rate (ABR)",
        citation="By definition: bleeds over years of observation",
        version="one year is 365.25 days",
        population="bleeding disorders",
        evidence="V",
        inputs=(rising("bleeds"), falling("exposure_days")),
        items=(formula("bleeds_per_year", ("bleeds", "exposure_days"), _per_year, "bleeds x 365.25 / days"),),
        groups=Ungrouped(),
        notes="For one patient. The mean of such rates over patients is not the rate of a group, which is "
        "all bleeds over all time (`recurrent.event_rate`). Leave out days that the protocol does, such as "
        "those of prophylaxis for surgery or of immune tolerance induction.",
    )
)
def annualised_bleeding_rate(
    bleeds: Column = "bleeds",
    exposure_days: Column = "exposure_days",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Bleeds of a patient per year of observation.

    Examples
    --------
    >>> patients = pl.DataFrame({"bleeds": [3, 0], "months": [6, 12]})
    >>> rate = annualised_bleeding_rate("bleeds", "months", unit={"exposure_days": "months"})
    >>> patients.select(rate.struct.field("score")).to_series().to_list()
    [6.0, 0.0]
    """
    return struct_of(SCORES["annualised_bleeding_rate"], locals())


N_VILLALTA = 11
FROM_MILD, FROM_MODERATE, FROM_SEVERE = at_least(5), at_least(10), at_least(15)


@documented(
    Score(
        name="villalta",
        title="Villalta score",
        citation="Villalta S, et al. Haemostasis 1994;24:158a; Kahn SR, et al. J Thromb Haemost "
        "2009;7:879-883",
        version="2009",
        population="legs after deep vein thrombosis",
        evidence="V",
        inputs=(
            points_of("symptom_and_sign_points", "five symptoms and six signs, 0 to 3 each", N_VILLALTA),
            yes("venous_ulcer", "venous ulcer"),
        ),
        items=(
            formula(
                "symptom_and_sign_points",
                ("symptom_and_sign_points",),
                lambda x: x.symptom_and_sign_points.list.sum(),
                "the sum of eleven numbers",
                whole=True,
            ),
            criterion("ulcer", ("venous_ulcer",), lambda x: x.venous_ulcer, "makes it severe; adds nothing"),
        ),
        groups=Rule(
            ("none", "mild", "moderate", "severe"),
            lambda x: choose(
                (x.ulcer | FROM_SEVERE.holds(x.score), "severe"),
                (FROM_MODERATE.holds(x.score), "moderate"),
                (FROM_MILD.holds(x.score), "mild"),
                otherwise="none",
            ),
            "severe from 15 or with an ulcer, moderate from 10, mild from 5.",
            cuts=tuple(Cut("score", s.cut, s.side) for s in (FROM_MILD, FROM_MODERATE, FROM_SEVERE)),
        ),
        notes="Some papers merge mild and moderate, or ask for two visits.",
    )
)
def villalta(
    symptom_and_sign_points: Column = "symptom_and_sign_points",
    venous_ulcer: Column = "venous_ulcer",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Villalta score of the post-thrombotic syndrome, 0 to 33 points.

    Examples
    --------
    >>> points = [[1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0], [2, 2, 1, 1, 0, 2, 1, 1, 0, 0, 0]]
    >>> legs = pl.DataFrame({"points": points, "ulcer": [True, False]})
    >>> legs.select(villalta("points", "ulcer")).unnest("villalta").select("score", "group").rows()
    [(4, 'severe'), (10, 'moderate')]
    """
    return struct_of(SCORES["villalta"], locals())
