"""Competing risks: the probability of each cause while the others compete, tests and regression.

- `gray_test`: whether groups have the same cumulative incidence of an event; `pairwise_gray`: each pair.
"""

from .gray_test import GrayTest, gray_test
from .pairwise_gray import pairwise_gray

__all__ = [
    "GrayTest",
    "gray_test",
    "pairwise_gray",
]


def __dir__() -> list[str]:
    return sorted(__all__)
