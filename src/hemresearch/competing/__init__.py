"""Competing risks: the probability of each cause while the others compete, tests and regression."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
