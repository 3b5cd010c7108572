"""Regression of time-to-event outcomes: models, their checks and what follows from them.

Models, each a function that returns a fit with `.to_frame(exponentiate=True)`, `.text()`, `.plot()`:

- `cox`: hazard ratios; strata, start-stop rows, clusters, frailty, ridge, effects that change with time.
  Its help has the language of formulas, which all models share.
- `firth_cox`: the same where few events, or none in a group, make estimates infinite.
- `parametric`: Weibull, log-normal and other distributions, also of interval-censored times.
- `aalen_additive`: additive effects on the hazard, as curves.
- `case_cohort`, `conditional_logistic`: case-cohort and matched case-control studies.
- `univariable`: each covariate alone; `subgroup_effects`: a treatment in subgroups, with their interaction.
- `from_lifelines`: fits of lifelines.

Checks: `ph_test`, `schoenfeld_smooth`, `martingale_smooth`, `influence`, `fit.residuals(kind)`.

What follows: `effect_table` and `hem.report.regression_table` (tables), `contrast` (any comparison, also
along a spline), `trend_test`, `effect_over_time`, `compare` (nested models), `across_models`, `concordance`,
`fit.predict`, `fit.curves` and `fit.adjusted` (standardised curves).

Data: `split_episodes` cuts follow-up into periods, `hem.cohort.add_exposure` where an exposure begins.

>>> import hemresearch as hem
>>> trial = hem.data.load("veteran")
>>> fit = hem.regression.cox(trial, "trt + rcs(karno, df=3)", time="time", event="status")
>>> hem.regression.contrast(fit, {"karno": 80}, {"karno": 40}).text()
'hazard ratio of karno 80 against 40: 0.31 (95% CI 0.19–0.51), p<0.001'
"""

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
