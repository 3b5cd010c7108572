"""How often limits hold the true values that a simulator names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

Check = tuple[str, str, bool]


def holds(row: dict[str, float | None], truth: float) -> bool:
    """Whether the limits in a row of estimates hold the truth."""
    low, high = row["conf_low"], row["conf_high"]
    return low is not None and high is not None and low <= truth <= high


def held_shares(
    checks: Callable[[int], Iterator[Check]], replications: int, seed: int
) -> Iterator[dict[str, object]]:
    """One row for each study and target of `checks(seed)`, over replications with seeds of their own."""
    rng, held = np.random.default_rng(seed), dict[tuple[str, str], int]()
    for own in rng.integers(2**31, size=replications):
        for study, target, is_held in checks(int(own)):
            held[study, target] = held.get((study, target), 0) + is_held
    for (study, target), count in held.items():
        yield {
            "study": study,
            "target": target,
            "coverage": count / replications,
            "replications": replications,
        }
