"""Time that a measurement spends below, within and above a range, taken as linear between two measurements.

Reference: Rosendaal FR, Cannegieter SC, van der Meer FJ, Briet E. Thromb Haemost 1993;69:236-239.
"""

from __future__ import annotations

import numpy as np


def shares_in_range(
    first: np.ndarray, last: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of straight lines from `first` to `last` below `low`, from low to `high`, and above.

    A line that does not rise or fall is where it is; the bounds belong to the range.
    """
    length = last - first
    flat = length == 0
    divisor = np.where(flat, 1.0, length)
    below = (np.minimum(last, low) - np.minimum(first, low)) / divisor
    above = (np.maximum(last, high) - np.maximum(first, high)) / divisor
    below = np.where(flat, first < low, below)
    above = np.where(flat, first > high, above)
    return below, np.clip(1 - below - above, 0.0, 1.0), above


def ratio_of_sums(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Sum of parts over sum of wholes, and its standard error from the differences between owners."""
    share = float(part.sum() / whole.sum())
    return share, float(np.sqrt(((part - share * whole) ** 2).sum()) / whole.sum())
