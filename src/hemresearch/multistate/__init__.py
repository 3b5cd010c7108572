"""Multi-state processes: states, transitions between them, probabilities and regression.

- `Transitions`: the states and the moves between them.
- `from_wide`, `from_rows`: data as rows of stays and possible moves, which all functions here take.
- `transition_cox`: hazard ratios for every move; hazards, probabilities and times in states of patients.
- `current_survival`, `current_incidence`: being in a state now that is lost and regained.
"""

from .current_survival import current_incidence, current_survival
from .from_rows import from_rows
from .from_wide import from_wide
from .transition_cox import transition_cox
from .transition_cox_fit import TransitionCoxFit
from .transitions import Transitions

__all__ = [
    "TransitionCoxFit",
    "Transitions",
    "current_incidence",
    "current_survival",
    "from_rows",
    "from_wide",
    "transition_cox",
]


def __dir__() -> list[str]:
    return sorted(__all__)
