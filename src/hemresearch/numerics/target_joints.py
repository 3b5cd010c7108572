"""Spells in which a joint bleeds often: from the bleed that begins one to the time that ends it."""

from __future__ import annotations

import numpy as np

from .compiled import kernel

NEVER = np.iinfo(np.int64).max


@kernel
def spells(
    joint: np.ndarray, begins: np.ndarray, day: np.ndarray, clear: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The bleed that begins each spell, and the day on which it ended (`NEVER` if it did not).

    Bleeds are in the order of joint and day. `begins` is whether a bleed completes the number that makes a
    spell, `clear` the day on which a joint is clear counting from that bleed, `NEVER` if it did not become
    so. A spell that ended can begin again with a later bleed.
    """
    first = np.empty(len(joint), dtype=np.int64)
    ended = np.empty(len(joint), dtype=np.int64)
    n, current, inside, until = 0, -1, False, NEVER
    for k in range(len(joint)):
        if joint[k] != current:
            current, inside, until = joint[k], False, NEVER
        if inside and until < day[k]:
            inside = False
        if not inside and begins[k]:
            first[n], ended[n], until, inside = k, NEVER, NEVER, True
            n += 1
        if inside:
            until = min(until, clear[k])
            ended[n - 1] = until
    return first[:n], ended[:n]
