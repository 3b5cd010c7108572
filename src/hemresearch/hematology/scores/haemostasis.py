"""Scores of thrombocytopenia and coagulopathy: heparin-induced, thrombotic and intravascular."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ..units import UMOL_PER_MG_CREATININE
from .definition import Rule, Score, bands
from .documented import SCORES, documented
from .expression import struct_of
from .inputs import choice, falling, no, rising, yes
from .items import Cut, absent, as_given, choose, flag, levels, steps
from .steps import above, at_least, at_most, below

if TYPE_CHECKING:
    from ...columns import Column
    from .expression import Gaps, Units


@documented(
    Score(
        name="four_ts",
        title="4Ts score",
        citation="Lo GK, et al. J Thromb Haemost 2006;4:759-765",
        version="2006",
        population="suspected heparin-induced thrombocytopenia",
        evidence="V",
        inputs=(
            rising("thrombocytopenia_points"),
            rising("timing_points"),
            rising("thrombosis_points"),
            rising("other_cause_points"),
        ),
        items=(
            as_given(
                "thrombocytopenia_points",
                "2 for a fall above 50 % and a nadir from 20 x 10^9/L; 1 for a fall of 30 to 50 % or a nadir "
                "of 10 to 19; else 0",
            ),
            as_given(
                "timing_points",
                "2 for a fall on days 5 to 10, or within 1 day of heparin after heparin in the last 30 days; "
                "1 after day 10, if unclear, or within 1 day after heparin 30 to 100 days ago; else 0",
            ),
            as_given(
                "thrombosis_points",
                "2 for new thrombosis or skin necrosis; 1 for progressive or recurrent thrombosis; else 0",
            ),
            as_given("other_cause_points", "2 for no other cause; 1 for a possible one; else 0"),
        ),
        groups=bands("low", at_least(4, "intermediate"), at_least(6, "high")),
        notes="No other cause is the most points. Variants of the items exist.",
    )
)
def four_ts(
    thrombocytopenia_points: Column = "thrombocytopenia_points",
    timing_points: Column = "timing_points",
    thrombosis_points: Column = "thrombosis_points",
    other_cause_points: Column = "other_cause_points",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """4Ts score of heparin-induced thrombocytopenia, the sum of four items of 0 to 2 points.

    Examples
    --------
    >>> patient = pl.DataFrame({"fall": [2], "day": [2], "dvt": [2], "other": [1]})
    >>> score = four_ts("fall", "day", "dvt", "other")
    >>> patient.select(score).unnest("four_ts").select("score", "group").row(0)
    (7, 'high')
    """
    return struct_of(SCORES["four_ts"], locals())


@documented(
    Score(
        name="plasmic",
        title="PLASMIC score",
        citation="Bendapudi PK, et al. Lancet Haematol 2017;4:e157-e164",
        version="2017",
        population="suspected thrombotic thrombocytopenic purpura",
        evidence="V",
        inputs=(
            falling("platelets_1e9_per_l"),
            yes(
                "haemolysis",
                "reticulocytes above 2.5 %, undetectable haptoglobin, or indirect bilirubin above 2 mg/dL "
                "(34 umol/L)",
            ),
            no("active_cancer", "active cancer"),
            no("solid_organ_or_stem_cell_transplant", "solid organ or stem cell transplant"),
            falling("mcv_fl"),
            falling("inr"),
            falling("creatinine_umol_per_l"),
        ),
        items=(
            steps("platelets_1e9_per_l", below(30)),
            flag("haemolysis"),
            absent("active_cancer"),
            absent("solid_organ_or_stem_cell_transplant"),
            steps("mcv_fl", below(90)),
            steps("inr", below(1.5)),
            steps("creatinine_umol_per_l", below(2 * UMOL_PER_MG_CREATININE)),
        ),
        groups=bands("low", at_least(5, "intermediate"), at_least(6, "high")),
        outcome="ADAMTS13 activity of at most 10 % in 0 of 84, 2 of 44 and 58 of 72",
        notes="The absence of cancer and of a transplant counts; one page counts their presence. Creatinine "
        "is below 2.0 mg/dL in the paper.",
    )
)
def plasmic(
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    haemolysis: Column = "haemolysis",
    active_cancer: Column = "active_cancer",
    solid_organ_or_stem_cell_transplant: Column = "solid_organ_or_stem_cell_transplant",
    mcv_fl: Column = "mcv_fl",
    inr: Column = "inr",
    creatinine_umol_per_l: Column = "creatinine_umol_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """PLASMIC score: severe deficiency of ADAMTS13 in thrombotic microangiopathy, 0 to 7 points.

    Examples
    --------
    >>> no, yes = pl.lit(False), pl.lit(True)
    >>> patients = pl.DataFrame({"plt": [29, 29], "mcv": [89, 89], "inr": [1.4, 1.4], "crea": [1.9, 2.0]})
    >>> score = plasmic("plt", yes, no, no, "mcv", "inr", "crea", unit={"creatinine_umol_per_l": "mg/dL"})
    >>> patients.select(score).unnest("plasmic").select("score", "group").rows()
    [(7, 'high'), (6, 'high')]
    """
    return struct_of(SCORES["plasmic"], locals())


@documented(
    Score(
        name="isth_dic",
        title="ISTH score of overt disseminated intravascular coagulation",
        citation="Taylor FB Jr, et al. Thromb Haemost 2001;86:1327-1330",
        version="2001",
        population="a disorder known to go with disseminated intravascular coagulation",
        evidence="V",
        inputs=(
            falling("platelets_1e9_per_l"),
            choice(
                "fibrin_marker",
                "increase of D-dimer or another fibrin marker",
                ("none", "moderate", "strong"),
            ),
            rising("pt_prolongation_s"),
            falling("fibrinogen_g_per_l"),
        ),
        items=(
            steps("platelets_1e9_per_l", below(50, 2), at_most(100, 1)),
            levels("fibrin_marker", {"none": 0, "moderate": 2, "strong": 3}),
            steps("pt_prolongation_s", above(6, 2), at_least(3, 1)),
            steps("fibrinogen_g_per_l", at_most(1)),
        ),
        groups=bands("not overt DIC", at_least(5, "overt DIC")),
        notes="Sources disagree at the values themselves: platelets of 50 and 100, 3 and 6 seconds, "
        "fibrinogen of 1.0. Here 50 and 100 give one point, as do 3 and 6 seconds, and 1.0 g/L gives one. "
        "The fibrin marker gives 2 or 3 points; one table prints 1 or 2. An INR is not seconds "
        "and cannot be converted.",
    )
)
def isth_dic(
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    fibrin_marker: Column = "fibrin_marker",
    pt_prolongation_s: Column = "pt_prolongation_s",
    fibrinogen_g_per_l: Column = "fibrinogen_g_per_l",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """ISTH score of overt disseminated intravascular coagulation, 0 to 8 points.

    Examples
    --------
    >>> patient = pl.DataFrame({"plt": [45], "fibrin": ["strong"], "pt": [4], "fbg": [0.9]})
    >>> score = isth_dic("plt", "fibrin", "pt", "fbg")
    >>> patient.select(score).unnest("isth_dic").select("score", "group").row(0)
    (7, 'overt DIC')
    """
    return struct_of(SCORES["isth_dic"], locals())


SIC_FROM = at_least(4)
SUBSCORE = above(2)


@documented(
    Score(
        name="sic",
        title="Sepsis-induced coagulopathy (SIC)",
        citation="Iba T, et al. BMJ Open 2017;7:e017046",
        version="2017",
        population="sepsis",
        evidence="V",
        inputs=(
            falling("platelets_1e9_per_l"),
            rising("inr"),
            rising("sofa_four_organ_sum"),
        ),
        items=(
            steps("platelets_1e9_per_l", below(100, 2), below(150, 1)),
            steps("inr", above(1.4, 2), above(1.2, 1)),
            steps("sofa_four_organ_sum", at_least(2, 2), at_least(1, 1)),
        ),
        groups=Rule(
            ("not SIC", "SIC"),
            lambda x: choose(
                (SIC_FROM.holds(x.score) & SUBSCORE.holds(x.platelets_1e9_per_l + x.inr), "SIC"),
                otherwise="not SIC",
            ),
            "SIC from 4 points, of which more than 2 of platelets and INR together.",
            cuts=(Cut("score", SIC_FROM.cut, SIC_FROM.side),),
        ),
        notes="4 points are not enough if only 2 are of platelets and INR; several programs leave this rule "
        "out. The SOFA sum is of respiration, circulation, liver and kidney, not of all six organs.",
    )
)
def sic(
    platelets_1e9_per_l: Column = "platelets_1e9_per_l",
    inr: Column = "inr",
    sofa_four_organ_sum: Column = "sofa_four_organ_sum",
    *,
    unit: Units = None,
    missing: Gaps = "null",
) -> pl.Expr:
    """Sepsis-induced coagulopathy, 0 to 6 points.

    Examples
    --------
    >>> patients = pl.DataFrame({"plt": [90, 120], "inr": [1.5, 1.3], "sofa": [0, 2]})
    >>> patients.select(sic("plt", "inr", "sofa")).unnest("sic").select("score", "group").rows()
    [(4, 'SIC'), (4, 'not SIC')]
    """
    return struct_of(SCORES["sic"], locals())
