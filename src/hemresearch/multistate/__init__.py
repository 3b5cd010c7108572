"""Multi-state processes: states, transitions between them, probabilities and regression.

- `Transitions`: the states and the moves between them.
- `from_wide`, `from_rows`: data as rows of stays and possible moves, which all functions here take.
- `occupation`: the probability of being in each state; `length_of_stay`: the mean time there.
- `transition_probabilities`: the same for those in a state at a time, Markov or landmark.
- `transition_hazards`: the cumulative hazard of each move.
- `transition_cox`: hazard ratios for every move; hazards, probabilities and times in states of patients.
- `dynamic_prediction`: the probability of a state within a fixed time, along the time of prediction.
- `current_survival`, `current_incidence`: being in a state now that is lost and regained.
- `markov_test`: whether the past beyond the present state matters.
"""

from .current_survival import current_incidence, current_survival
from .dynamic_prediction import DynamicPrediction, dynamic_prediction
from .from_rows import from_rows
from .from_wide import from_wide
from .length_of_stay import length_of_stay
from .markov_test import MarkovTest, markov_test
from .occupation import occupation
from .transition_cox import transition_cox
from .transition_cox_fit import TransitionCoxFit
from .transition_hazards import transition_hazards
from .transition_probabilities import transition_probabilities
from .transitions import Transitions

__all__ = [
    "DynamicPrediction",
    "MarkovTest",
    "TransitionCoxFit",
    "Transitions",
    "current_incidence",
    "current_survival",
    "dynamic_prediction",
    "from_rows",
    "from_wide",
    "length_of_stay",
    "markov_test",
    "occupation",
    "transition_cox",
    "transition_hazards",
    "transition_probabilities",
]


def __dir__() -> list[str]:
    return sorted(__all__)
