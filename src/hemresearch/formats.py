"""Numbers as text, in one place: estimates, intervals, percentages and p-values.

Results use these for their sentences and `report` for its tables, so that one number is
rounded in one way wherever it is read.
"""

from __future__ import annotations

import math
import re

# What ratios are called in the headers of columns.
SHORT = {
    "hazard ratio": "HR", "odds ratio": "OR", "time ratio": "TR", "rate ratio": "RR", "risk ratio": "RR",
    "cause-specific hazard ratio": "CSHR", "subdistribution hazard ratio": "SHR",
    "standardised mortality ratio": "SMR",
}  # fmt: skip
MISSING = "–"  # an en dash, as journals print an estimate that was not reached


def is_missing(value: float | None) -> bool:
    """Whether there is no number: null or NaN."""
    return value is None or math.isnan(value)


def significant(value: float | None, digits: int = 4) -> str:
    """A number with `digits` significant digits, without an exponent where that is short."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if 10**digits <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if 1e-4 <= abs(value) < 1e6 or value == 0 else f"{value:.{digits - 1}e}"


def rounded_down(value: float, digits: int = 4) -> float:
    """A positive number that is not above `value`, short enough to be typed: 97.1498… becomes 97.14.

    Whole numbers stay what they are.
    """
    if not value > 0:
        return value
    scale = 10.0 ** max(digits - 1 - math.floor(math.log10(value)), 0)
    return value if float(value).is_integer() else min(math.floor(value * scale) / scale, value)


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
    """`0.71 (0.55–0.92)`; a limit that was not reached is a dash: `14.2 (9.8 to –)`, both are one."""
    if all(is_missing(v) for v in (estimate, low, high)):
        return MISSING
    first, second, third = (number(None if v is None else scale * v, decimals) for v in (estimate, low, high))
    if is_missing(low) and is_missing(high):
        return f"{first} ({MISSING})"
    between = " to " if any(is_missing(v) or v < 0 for v in (low, high)) else "–"  # type: ignore[operator]
    return f"{first} ({second}{between}{third})"


def ratio(estimate: float | None, low: float | None, high: float | None, decimals: int = 2) -> str:
    """A ratio with its limits as `interval` has them; beyond a million they are as good as infinite."""
    first, second, third = (math.inf if v is not None and v > 1e6 else v for v in (estimate, low, high))
    return interval(first, second, third, decimals)


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


def with_level(text: str, conf_level: float) -> str:
    """`33.6 (25.3–42.1)` becomes `33.6 (95% CI 25.3–42.1)`."""
    return text.replace("(", f"({level(conf_level)} CI ", 1)


def band(low: float, high: float) -> str:
    """From one border on to before the next: `60 to <70`, `≥70` where there is no next."""
    return f"≥{low:g}" if math.isinf(high) else f"{low:g} to <{high:g}"


def proper(name: str) -> str:
    """A method's name as it is printed: those named after a person with a capital."""
    return {"greenwood": "Greenwood", "poisson": "Poisson"}.get(name, name)


def count(value: float | None) -> str:
    """A count: whole where it is, else with the digits that weights gave it."""
    if value is None or math.isnan(value):
        return MISSING
    return f"{value:,.0f}" if float(value).is_integer() else significant(value)


def decimals_for(largest: float | None) -> int:
    """Decimals for times up to `largest`: none from 100 up, one from 10, else two."""
    if largest is None or math.isnan(largest) or abs(largest) < 10:
        return 2
    return 1 if abs(largest) < 100 else 0


def minus(text: str) -> str:
    """A number with the minus sign of print: `-2.60` becomes `−2.60`."""
    return re.sub(r"-(?=[\d∞])", "−", text)
