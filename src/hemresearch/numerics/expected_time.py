"""The time that somebody of the population lives up to a horizon."""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .population_hazard import PopulationRates, most_pieces, pieces


@kernel
def expected_times(
    rates: PopulationRates, group: np.ndarray, age: np.ndarray, day: np.ndarray, tau: float
) -> np.ndarray:
    """Each one's integral of population survival from 0 to `tau` (days), exact in every cell."""
    result = np.zeros(len(day))
    until, rate = np.empty(most_pieces(rates)), np.empty(most_pieces(rates))
    for i in range(len(day)):
        pieces(rates, group[i], age[i], day[i], tau, until, rate)
        now, survival, k = 0.0, 1.0, 0
        while now < tau:
            border = min(until[k], tau)
            width = border - now
            if rate[k] > 0:
                result[i] -= survival * np.expm1(-rate[k] * width) / rate[k]
                survival *= np.exp(-rate[k] * width)
            else:
                result[i] += survival * width
            now = border
            k += 1
    return result
