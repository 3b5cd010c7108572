"""The events that a population's hazards expect in pieces of follow-up."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .population_hazard import PopulationRates, cumulative_at


@kernel
def expected_in_pieces(
    rates: PopulationRates,
    group: np.ndarray,
    age: np.ndarray,
    day: np.ndarray,
    row: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
) -> np.ndarray:
    """Of each piece the hazard of its row, integrated over it.

    Pieces of a row follow each other without a gap, as `lexis.split_rows` makes them; each row is walked
    through the population once.
    """
    n = len(row)
    result, first, before = np.empty(n), np.empty(1), np.empty(1)
    k = 0
    while k < n:
        i, stop = row[k], k + 1
        while stop < n and row[stop] == i:
            stop += 1
        first[0] = begin[k]
        cumulative_at(rates, group[i], age[i], day[i], first, 1, before)
        cumulative_at(rates, group[i], age[i], day[i], end[k:stop], stop - k, result[k:stop])
        for j in range(stop - 1, k, -1):
            result[j] -= result[j - 1]
        result[k] -= before[0]
        k = stop
    return result
