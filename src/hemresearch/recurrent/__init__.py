"""Recurrent events: how many have happened by a time, models of their rate, rates per person-time."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
