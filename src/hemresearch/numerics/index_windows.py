"""Which of a patient's events begin a window of their own."""

from __future__ import annotations

import numpy as np

from .compiled import kernel


@kernel
def begins_window(owner: np.ndarray, time: np.ndarray, length: float) -> np.ndarray:
    """Of rows sorted by owner and time: the first of an owner, and the first after each window's end.

    A window lasts `length` from the row that begins it, both ends included.
    """
    begins = np.zeros(len(owner), dtype=np.bool_)
    start = 0.0
    for i in range(len(owner)):
        if i == 0 or owner[i] != owner[i - 1] or time[i] - start > length:
            begins[i] = True
            start = time[i]
    return begins
