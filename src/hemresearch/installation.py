"""The self-test of an installation: versions, numbers, fonts and folders.

The numbers are R's, stored in `check_values.json`: for each public estimator the data set, the arguments and
what R gives, so that a broken build of numpy, polars or numba cannot go unnoticed.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

TOLERANCE = 1e-8
FONT = "DejaVu Sans"
EXTRAS = ("notebook", "tables", "io")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, whether it is as it should be, and what was seen."""

    name: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'FAILED':<8}{self.name:<26}{self.detail}"


def examine() -> Iterator[Finding]:
    """Look at the installation, one finding after the other."""
    yield from check_versions()
    yield from check_numbers(check_values())
    yield check_font(FONT)
    yield from check_folders()


def check_versions() -> Iterator[Finding]:
    """Python and every package this one requires, against the range it requires."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    own = metadata.metadata("hemresearch")
    python = platform.python_version()
    range_ = SpecifierSet(own["Requires-Python"])
    yield Finding("hemresearch", True, f"{metadata.version('hemresearch')} in {os.path.dirname(__file__)}")
    where = f"{sys.platform} {platform.machine()}"
    yield Finding("python", python in range_, f"{python} ({_in_words(range_)}), {where}")
    for requirement in map(Requirement, metadata.requires("hemresearch") or ()):
        extra = next((name for name in EXTRAS if _belongs(requirement, name)), None)
        if extra is not None or _belongs(requirement, ""):
            yield _version(requirement, extra)


def _belongs(requirement: Any, extra: str) -> bool:
    """Whether the requirement holds with this extra; without any, for ''."""
    return (
        requirement.marker is None
        if not extra
        else bool(requirement.marker is not None and requirement.marker.evaluate({"extra": extra}))
    )


def _version(requirement: Any, extra: str | None) -> Finding:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        how = "pip install " + (requirement.name if extra is None else f'"hemresearch[{extra}]"')
        return Finding(requirement.name, extra is not None, f"not installed ({how})")
    range_ = requirement.specifier
    return Finding(requirement.name, version in range_, f"{version} ({_in_words(range_)})")


def _in_words(range_: Any) -> str:
    """`>=1.26,<3`, lower bound first."""
    return ",".join(sorted(map(str, range_), reverse=True))


def check_values() -> list[dict[str, Any]]:
    """The stored values of R: a list of an estimator, its data and arguments, and what is expected."""
    text = resources.files(__package__).joinpath("check_values.json").read_text(encoding="utf-8")
    values: list[dict[str, Any]] = json.loads(text)
    return values


def check_numbers(cases: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Every stored value against what this installation computes, one finding per estimator."""
    for estimator in dict.fromkeys(case["estimator"] for case in cases):
        own = [case for case in cases if case["estimator"] == estimator]
        try:
            differences = [d for case in own for d in differences_from_r(case)]
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            yield Finding(estimator, False, f"{type(error).__name__}: {error}")
            continue
        good = sum(d <= 1 for d in differences)
        yield Finding(estimator, good == len(differences), f"{good} of {len(differences)} values as in R")


def differences_from_r(case: dict[str, Any]) -> list[float]:
    """How far each value of the case is from R's, in units of the tolerance."""
    result = _estimate(case)
    return [_difference(_value(result, wanted), wanted) for wanted in case["values"]]


def _estimate(case: dict[str, Any]) -> Any:
    """The estimate asked for, from a data set or from (an attribute of) what another estimator gave."""
    from . import competing, recurrent, regression, survival

    families = (survival, regression, competing, recurrent)
    home = next(family for family in families if case["estimator"] in family.__all__)
    estimator = getattr(home, case["estimator"])
    if "of" not in case:
        return estimator(_data(case), **case["arguments"])
    given = _estimate(case["of"])
    attribute = case["of"].get("attribute")
    return estimator(given if attribute is None else getattr(given, attribute), **case["arguments"])


def _data(case: dict[str, Any]) -> pl.DataFrame:
    """The data set named, or those of its rows that the case is about."""
    import polars as pl

    from .data import load

    frame = load(case["data"])
    return frame.filter(pl.sql_expr(case["rows"])) if "rows" in case else frame


def _value(result: Any, wanted: dict[str, Any]) -> float:
    """The attribute, or the one cell of a frame, that the stored value is about."""
    if "attribute" in wanted:
        return float(getattr(result, wanted["attribute"]))
    frame = getattr(result, wanted["frame"])(**wanted.get("with", {})) if "frame" in wanted else result
    for column, value in wanted.get("where", {}).items():
        frame = frame.filter(frame[column] == value)
    cell = frame[wanted["column"]].item()
    return math.nan if cell is None else float(cell)


def _difference(value: float, wanted: dict[str, Any]) -> float:
    expected = wanted["equals"]
    if expected is None:
        return 0.0 if math.isnan(value) else math.inf
    if math.isnan(value):
        return math.inf
    allowed = wanted.get("tolerance", TOLERANCE) * abs(expected)
    return abs(value - expected) / max(allowed, sys.float_info.min)


def check_font(name: str) -> Finding:
    """Whether the font that figures are drawn in is found, so that they look the same everywhere."""
    from matplotlib import font_manager

    try:
        path = font_manager.findfont(name, fallback_to_default=False)
    except ValueError:
        return Finding(f"font {name}", False, "not found; figures would be drawn in another font")
    return Finding(f"font {name}", True, os.path.basename(path))


def check_folders() -> Iterator[Finding]:
    """Whether the folders that are written to can be."""
    import matplotlib

    yield _writable("temporary folder", tempfile.gettempdir(), "set TMPDIR to a folder of yours")
    yield _writable("matplotlib's folder", matplotlib.get_cachedir(), "set MPLCONFIGDIR to a folder of yours")
    yield _kernel_folder()
    yield _writable("current folder", os.getcwd(), "change to a folder of yours before saving figures")


def _writable(name: str, folder: str, remedy: str) -> Finding:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return Finding(name, False, f"{folder}: {error.strerror}; {remedy}")
    return Finding(name, True, folder)


def _kernel_folder() -> Finding:
    """Where compiled kernels are kept for the next process."""
    from .numerics.compiled import kernel

    @kernel
    def probe() -> int:
        return 0

    folder = getattr(getattr(probe, "stats", None), "cache_path", None)
    if folder is None:
        return Finding("kernel cache", False, "none; set NUMBA_CACHE_DIR to a folder of yours")
    return Finding("kernel cache", True, folder)
