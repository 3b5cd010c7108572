"""Numbers inside a sentence, written as the tables write them.

>>> from hemresearch.report import inline
>>> f"The hazard of death was lower with treatment ({inline.hr(0.71, 0.55, 0.92)}, {inline.p(0.009)})."
'The hazard of death was lower with treatment (HR 0.71, 95% CI 0.55–0.92, p=0.009).'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..formats import count, interval, level, number, percent, significant
from ..formats import p_value as p

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

__all__ = ["count", "estimate", "hr", "number", "p", "percent", "share", "significant"]


def estimate(
    value: float | pl.DataFrame | Mapping[str, Any] | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    decimals: int = 2,
    as_percent: bool = False,
    conf_level: float = 0.95,
) -> str:
    """An estimate with its limits: `0.71 (95% CI 0.55–0.92)`.

    Parameters
    ----------
    value
        The estimate; or one row of a tidy frame that holds `estimate`, `conf_low` and `conf_high`.
    conf_low, conf_high
        The limits; None or NaN is shown as a dash.
    decimals
        How many decimals.
    as_percent
        Whether the numbers are proportions to be written in percent.
    conf_level
        The level of the limits.

    Raises
    ------
    DataError
        If a frame of several rows, or one without these columns, is given.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> curve = hem.survival.kaplan_meier(trial, time="futime", event="death")
    >>> hem.report.inline.estimate(curve.at(365), decimals=1, as_percent=True)
    '73.1% (95% CI 69.4–76.4)'
    """
    first, limits = _parts(value, conf_low, conf_high, decimals, as_percent, conf_level)
    return f"{first} ({limits})"


def hr(
    value: float | pl.DataFrame | Mapping[str, Any] | None,
    conf_low: float | None = None,
    conf_high: float | None = None,
    *,
    decimals: int = 2,
    conf_level: float = 0.95,
) -> str:
    """A hazard ratio (already exponentiated) for use inside parentheses: `HR 0.71, 95% CI 0.55–0.92`."""
    first, limits = _parts(value, conf_low, conf_high, decimals, False, conf_level)
    return f"HR {first}, {limits}"


def share(n: float, total: float, decimals: int = 1) -> str:
    """A count and its share: `12/40 (30.0%)`; a dash for the share of nobody."""
    return f"{count(n)}/{count(total)} ({percent(n / total if total else None, decimals)})"


def _parts(
    value: Any, low: float | None, high: float | None, decimals: int, as_percent: bool, conf_level: float
) -> tuple[str, str]:
    if value is not None and not isinstance(value, int | float):
        value, low, high = _row(value)
    text = interval(value, low, high, decimals, scale=100.0 if as_percent else 1.0)
    first, _, limits = text.partition(" ")
    unit = "%" if as_percent and value is not None else ""
    return first + unit, f"{level(conf_level)} CI {limits.strip('()') or first}"


def _row(value: Any) -> tuple[Any, Any, Any]:
    """The three numbers of a one-row frame or of a mapping."""
    rows = value.to_dicts() if hasattr(value, "to_dicts") else [dict(value)] if hasattr(value, "keys") else []
    names = ("estimate", "conf_low", "conf_high")
    if len(rows) != 1 or not set(names) <= set(rows[0]):
        raise DataError(
            f"{len(rows)} rows were given"
            if len(rows) != 1
            else "a row without estimate and limits was given",
            argument="value",
            expected="a number, or one row with estimate, conf_low and conf_high",
            remedy="curves.at(12).filter(pl.col('arm') == 'A')",
        )
    estimate, low, high = (rows[0][name] for name in names)
    return estimate, low, high
