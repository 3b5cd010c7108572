"""The versions a result was made with; nothing that tells whose machine it was."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("hemresearch", "numpy", "scipy", "polars", "matplotlib", "formulaic", "numba", "lifelines")


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Python, the kind of system, and the version of each package."""

    python: str
    system: str
    packages: dict[str, str]

    def __repr__(self) -> str:
        width = max(map(len, self.packages))
        lines = [f"{name.ljust(width)}  {number}" for name, number in self.packages.items()]
        return "\n".join([f"Python {self.python} on {self.system}", *lines])

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(number)}</td></tr>"
            for name, number in self.packages.items()
        )
        caption = escape(f"Python {self.python} on {self.system}")
        return f"<table><caption>{caption}</caption><tbody>{rows}</tbody></table>"


def session_info() -> SessionInfo:
    """Versions of Python and of the packages that numbers depend on.

    Holds no path, no user name and no host name, so that a notebook which ends with it can be shared.

    Examples
    --------
    >>> import hemresearch as hem
    >>> "polars" in hem.report.session_info().packages
    True
    """
    packages = {name: _version(name) for name in PACKAGES}
    return SessionInfo(platform.python_version(), f"{platform.system()} {platform.machine()}", packages)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
