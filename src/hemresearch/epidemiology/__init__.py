"""Population-based studies: follow-up on several time scales, person-time, rates and proportions.

- `TimeScale`: age, calendar time, time since diagnosis, and the borders of their bands.
- `split_follow_up`: follow-up in pieces, each in one band of every time scale (Lexis).
- `person_time`: person-time and events by band, without the pieces; also of more data than fit into memory.
- `rate`: events per person-time, with exact and approximate limits.
- `rate_ratio`, `rate_difference`: groups compared with a reference.
- `cumulative_risk`: the risk before an age (0-74), from rates by age.
- `prevalence`: persons alive with a disease on a date, and their share of the population.
- `proportion`: shares of persons, with seven kinds of limits.
- `two_by_two`: difference and ratio of risks, and odds ratio, of exposed against unexposed.
- `mantel_haenszel`: the same within strata, as one estimate; `homogeneity_test`: whether strata differ.
- `annual_percent_change`, `joinpoint`: trends of rates from year to year, and where they change.
- `age_period_cohort`: rates by age, ratios by calendar period and birth cohort.
- `poisson`: ratios of rates, risks and counts, adjusted for covariates.
- `standardize_direct`: rates in a standard population (`standard_population`); `standardized_rate_ratio`.
- `standardize_indirect`: observed over expected events (SIR, SMR); `standardized_ratio_test`: trend,
  heterogeneity.
- `diagnostic_accuracy`: sensitivity, specificity, predictive values; `true_prevalence`: from an imperfect
  test.
- `kappa`: agreement of two raters beyond chance.
- `capture_recapture`: how many are on none of several lists.
- `funnel`: hospitals between control limits around a target.
- `control_chart`, `cusum`: periods between control limits, and sums that signal a change of a rate or risk.
- `interrupted_time_series`: level and slope of a rate before and after an intervention.
"""

from .age_period_cohort import age_period_cohort
from .age_period_cohort_fit import AgePeriodCohort
from .capture_recapture import capture_recapture
from .control_chart import ControlChart, control_chart
from .cumulative_risk import cumulative_risk
from .cusum import Cusum, cusum
from .diagnostic_accuracy import diagnostic_accuracy
from .funnel import Funnel, funnel
from .homogeneity import homogeneity_test
from .interrupted_time_series import InterruptedTimeSeries, interrupted_time_series
from .joinpoint import joinpoint
from .joinpoint_fit import JoinpointTrend
from .kappa import kappa
from .mantel_haenszel import mantel_haenszel
from .person_time import PersonTime, person_time
from .poisson import poisson
from .prevalence import prevalence
from .proportion import proportion
from .rate import rate
from .rate_ratio import rate_difference, rate_ratio
from .split_follow_up import split_follow_up
from .standard_populations import standard_population
from .standardize_direct import standardize_direct, standardized_rate_ratio
from .standardize_indirect import standardize_indirect, standardized_ratio_test
from .time_scale import TimeScale
from .trend import annual_percent_change
from .true_prevalence import true_prevalence
from .two_by_two import two_by_two

__all__ = [
    "AgePeriodCohort",
    "ControlChart",
    "Cusum",
    "Funnel",
    "InterruptedTimeSeries",
    "JoinpointTrend",
    "PersonTime",
    "TimeScale",
    "age_period_cohort",
    "annual_percent_change",
    "capture_recapture",
    "control_chart",
    "cumulative_risk",
    "cusum",
    "diagnostic_accuracy",
    "funnel",
    "homogeneity_test",
    "interrupted_time_series",
    "joinpoint",
    "kappa",
    "mantel_haenszel",
    "person_time",
    "poisson",
    "prevalence",
    "proportion",
    "rate",
    "rate_difference",
    "rate_ratio",
    "split_follow_up",
    "standard_population",
    "standardize_direct",
    "standardize_indirect",
    "standardized_rate_ratio",
    "standardized_ratio_test",
    "true_prevalence",
    "two_by_two",
]


def __dir__() -> list[str]:
    return sorted(__all__)
