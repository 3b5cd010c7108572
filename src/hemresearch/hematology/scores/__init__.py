"""Risk scores and gradings of haematology, from columns to a score, a group and the points behind them.

Each function takes the columns of its inputs and gives one polars expression of a struct.
`compute(data, "mipi", ...)` does the same after an audit of units and ranges, and attaches the columns.

- `catalogue`: what there is; `inputs` and `thresholds` of a score
- `compute`: a score for every row, with an audit
- `list_of`: the list of words that some scores take, from columns of yes and no

>>> catalogue().height > 0
True
"""

from .compute import compute
from .follicular import flipi, prima_pi
from .list_of import list_of
from .listing import catalogue, inputs, thresholds

__all__ = ["catalogue", "compute", "flipi", "inputs", "list_of", "prima_pi", "thresholds"]


def __dir__() -> list[str]:
    return sorted(__all__)
