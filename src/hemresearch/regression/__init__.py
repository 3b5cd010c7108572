"""Regression of time-to-event outcomes: models, their checks and what follows from them."""

from .aalen import aalen_additive
from .aalen_fit import AalenFit
from .across import across_models
from .case_cohort import CaseCohortFit, case_cohort
from .compare import compare
from .concordance import concordance
from .conditional_logistic import ConditionalLogisticFit, conditional_logistic
from .contrast import Contrasts, contrast
from .cox import cox
from .cox_fit import CoxFit
from .diagnostics import influence, martingale_smooth, schoenfeld_smooth
from .effects import effect_table, trend_test
from .firth import FirthFit, firth_cox
from .from_lifelines import from_lifelines
from .over_time import effect_over_time
from .parametric import parametric
from .parametric_fit import ParametricFit
from .ph_test import PHTest, ph_test
from .split_episodes import split_episodes
from .subgroup_result import SubgroupEffects
from .subgroups import subgroup_effects
from .univariable import Univariable, univariable

__all__ = [
    "AalenFit",
    "CaseCohortFit",
    "ConditionalLogisticFit",
    "Contrasts",
    "CoxFit",
    "FirthFit",
    "PHTest",
    "ParametricFit",
    "SubgroupEffects",
    "Univariable",
    "aalen_additive",
    "across_models",
    "case_cohort",
    "compare",
    "concordance",
    "conditional_logistic",
    "contrast",
    "cox",
    "effect_over_time",
    "effect_table",
    "firth_cox",
    "from_lifelines",
    "influence",
    "martingale_smooth",
    "parametric",
    "ph_test",
    "schoenfeld_smooth",
    "split_episodes",
    "subgroup_effects",
    "trend_test",
    "univariable",
]


def __dir__() -> list[str]:
    return sorted(__all__)
