"""Regression of time-to-event outcomes: models, their checks and what follows from them."""

from .split_episodes import split_episodes

__all__: list[str] = ["split_episodes"]


def __dir__() -> list[str]:
    return sorted(__all__)
