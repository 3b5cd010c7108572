"""Packages that only some outputs need."""

from __future__ import annotations

from importlib.util import find_spec


def is_installed(package: str) -> bool:
    """Whether a package can be imported."""
    return find_spec(package) is not None


def needs(package: str, purpose: str) -> None:
    """Refuse, with the way out, if a package is not there."""
    if not is_installed(package):
        raise ModuleNotFoundError(
            f"{purpose} needs the package {package}, which is not installed. "
            'Try `pip install "hemresearch[tables]"`, or print(table) for plain text.',
            name=package,
        )
