"""Competing risks: the probability of each cause while the others compete, tests and regression.

- `cumulative_incidence`: the probability of each cause by each time.
- `incidence_difference`: differences and ratios of incidence between groups at chosen times.
- `years_lost`: the time lost to each cause before a horizon; `years_lost_difference`: between groups.
- `naive_incidence`: 1 - Kaplan-Meier with competing events censored, to show what it gets wrong.
- `pseudo_values`: what each patient contributes to an incidence, or to the time lost to a cause.
- `gray_test`: whether groups have the same cumulative incidence of an event; `pairwise_gray`: each pair.
- `fine_gray`: ratios and predictions of the incidence of one event; `subdistribution_ph_test`: whether its
  effects change with time.
- `cause_specific`: hazard ratios of every cause, and the absolute risks of a patient.
- `conditional_probability`: of a cause, among those whom no other has taken.
- `pseudo_regression`: differences and ratios of an incidence, of survival, or of mean times.
"""

from .cause_specific import cause_specific
from .cause_specific_fit import CauseSpecificFit
from .conditional_probability import conditional_probability
from .cumulative_incidence import cumulative_incidence
from .fine_gray import fine_gray
from .fine_gray_fit import FineGrayFit
from .fine_gray_ph_test import SubdistributionPHTest, subdistribution_ph_test
from .gray_test import GrayTest, gray_test
from .incidence_difference import incidence_difference
from .naive_incidence import naive_incidence
from .pairwise_gray import pairwise_gray
from .pseudo_fit import PseudoFit
from .pseudo_regression import pseudo_regression
from .pseudo_values import pseudo_values
from .years_lost import years_lost, years_lost_difference

__all__ = [
    "CauseSpecificFit",
    "FineGrayFit",
    "GrayTest",
    "PseudoFit",
    "SubdistributionPHTest",
    "cause_specific",
    "conditional_probability",
    "cumulative_incidence",
    "fine_gray",
    "gray_test",
    "incidence_difference",
    "naive_incidence",
    "pairwise_gray",
    "pseudo_regression",
    "pseudo_values",
    "subdistribution_ph_test",
    "years_lost",
    "years_lost_difference",
]


def __dir__() -> list[str]:
    return sorted(__all__)
