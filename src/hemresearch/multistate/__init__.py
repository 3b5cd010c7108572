"""Multi-state processes: states, transitions between them, probabilities and regression."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
