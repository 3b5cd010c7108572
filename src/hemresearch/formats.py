"""Numbers as text, in one place: estimates, intervals, percentages and p-values.

Results use these for their sentences and `report` for its tables, so that one number is
rounded in one way wherever it is read.
"""

from __future__ import annotations

import math

MISSING = "–"  # an en dash, as journals print an estimate that was not reached


def significant(value: float | None, digits: int = 4) -> str:
    """A number with `digits` significant digits, without an exponent where that is short."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.{digits - 1}e}"


def number(value: float | None, decimals: int = 2) -> str:
    """A number with a fixed count of decimals; never `-0.00`."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def percent(value: float | None, decimals: int = 1, sign: str = "%") -> str:
    """A proportion as a percentage: `0.336` is `33.6%`."""
    return MISSING if value is None or math.isnan(value) else number(100 * value, decimals) + sign


def interval(
    estimate: float | None, low: float | None, high: float | None, decimals: int = 2, *, scale: float = 1.0
) -> str:
    """`0.71 (0.55–0.92)`; a limit that was not reached is a dash."""
    first, second, third = (
        number(None if v is None else scale * v, decimals) for v in (estimate, low, high)
    )
    between = " to " if any(v is not None and v < 0 for v in (low, high)) else "–"
    return f"{first} ({second}{between}{third})"


def p_value(p: float | None, prefix: bool = True) -> str:
    """`p=0.012`, `p<0.001`: two decimals from 0.1 up, three below, none smaller than 0.001."""
    if p is None or math.isnan(p):
        return MISSING
    if p < 0.001:
        return "p<0.001" if prefix else "<0.001"
    text = f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
    text = ">0.99" if p > 0.99 else text
    return text if not prefix else ("p" + text if text.startswith(">") else f"p={text}")


def level(conf_level: float) -> str:
    """`95%` or `97.5%`."""
    return f"{100 * conf_level:.6g}%"
