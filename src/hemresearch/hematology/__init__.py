"""What is particular to haematology: endpoints from dates."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
