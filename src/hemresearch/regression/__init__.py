"""Regression of time-to-event outcomes: models, their checks and what follows from them."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
