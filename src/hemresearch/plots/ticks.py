"""Time axes at clinical units, and where such an axis should end."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from .. import formats

if TYPE_CHECKING:
    from collections.abc import Callable

# Distances between ticks that a clinician reads at a glance.
STEPS: dict[str, tuple[float, ...]] = {
    "days": (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1095, 1825, 3650, 7300),
    "weeks": (1, 2, 4, 8, 13, 26, 52, 104, 156, 260, 520, 1040),
    "months": (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 360),
    "years": (0.25, 0.5, 1, 2, 5, 10, 20, 50),
}
YEAR: dict[str, float] = {"days": 365.0, "weeks": 52.0, "months": 12.0, "years": 1.0}
FEW_YEARS, MOST_DECIMAL = 3, 6
DAYS: dict[str, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
ROUNDEST = (1, 5, 2, 2.5, 3, 1.5, 7.5, 4)  # digits of round times, the best first
LEAST_APART_MM = 8.0  # between ticks at round times
CUT_SHARE, CUT_PATIENTS, SMALL = 0.10, 10, 40


def unit_of(time_unit: str | None, time_name: str | None) -> str | None:
    """The stated unit, or the one that the name of the time column ends with (`os_months`)."""
    if time_unit is not None:
        return time_unit if time_unit in STEPS else None
    found = re.search(r"(?:^|[_ (.])(day|week|month|year)s?\)?$", time_name or "", re.IGNORECASE)
    return f"{found.group(1).lower()}s" if found else None


def units_per(shown_in: str, unit: str) -> float:
    """How many of `unit` one of `shown_in` is (`years`, `days`: 365.25)."""
    if {shown_in, unit} <= {"months", "years"}:
        return {("years", "months"): 12.0, ("months", "years"): 1 / 12}.get((shown_in, unit), 1.0)
    return DAYS[shown_in] / DAYS[unit]


def time_step(span: float, unit: str | None, most: float) -> float:
    """The distance between ticks: a year if `span` holds a few, else the smallest clinical one.

    At most `most` of them fit into `span`.
    """
    steps = STEPS.get(unit or "", (np.inf,))
    fitting = [s for s in steps if 2 <= span / s <= most + 1e-9]
    year = YEAR.get(unit or "", np.inf)
    if year in fitting and span / year >= FEW_YEARS:
        return year
    if not fitting and span / steps[0] >= 2:  # little room: one clinical step rather than two odd ones
        fitting = [s for s in steps if 1 <= span / s < 2]
    return fitting[0] if fitting else _decimal_step(span, min(most, MOST_DECIMAL))


def _decimal_step(span: float, most: float) -> float:
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10, 20) if m * power >= rough * (1 - 1e-9))


def tick_times(start: float, end: float, step: float) -> np.ndarray:
    """Multiples of `step` in [start, end]."""
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    return np.round(np.arange(first, last + 1) * step, 12)


def spread_times(
    first: float, last: float, place_mm: Callable[[float], float], needs_mm: Callable[[float], float]
) -> list[float]:
    """Round times within [first, last] (1, 5, 10, 25, 50, ...) on an axis that is not even in time.

    The roundest come first; another one is taken where it stands apart from all that are. `place_mm` is where
    a time stands on the axis, `needs_mm` how wide its label is with the white around it.
    """
    low = math.floor(math.log10(max(first, last * 1e-4)))
    tens = [10.0**power for power in range(low, math.floor(math.log10(last)) + 1)]
    ladder = [float(f"{digit * ten:.6g}") for digit in ROUNDEST for ten in reversed(tens)]
    kept: list[float] = []
    for time in ladder:
        apart = (
            abs(place_mm(time) - place_mm(k)) >= max(LEAST_APART_MM, (needs_mm(time) + needs_mm(k)) / 2)
            for k in kept
        )
        if first <= time <= last and all(apart):
            kept.append(time)
    return sorted(kept)


def tick_label(value: float) -> str:
    """A time as text, without an exponent and without a separator of thousands."""
    if abs(value) >= 1e6:
        return formats.number(value, 0).replace(",", "")
    return formats.significant(value, 6)


def natural_end(times: list[np.ndarray], n_risk: list[np.ndarray], n: float) -> tuple[float, bool]:
    """Where a time axis should end, and whether that cuts the curves.

    The last time at which 10 % of all patients, and at least 10 of them, are still at risk in all groups
    together. With fewer than 40 patients nothing is cut.
    """
    last = max(float(t[-1]) for t in times)
    if n < SMALL:
        return last, False
    grid = np.unique(np.concatenate(times))
    total = sum((at_risk_at(t, r, grid) for t, r in zip(times, n_risk, strict=True)), np.zeros(grid.size))
    enough = grid[total >= max(CUT_SHARE * n, CUT_PATIENTS)]
    end = float(enough[-1]) if enough.size and enough[-1] > 0 else last
    return end, end < last


def at_risk_at(times: np.ndarray, n_risk: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The number at risk just before each of `at`: that of the next observed time, 0 after the last."""
    return np.append(n_risk, 0.0)[np.searchsorted(times, at * (1 - 1.5e-8), side="left")]


def snapped_end(start: float, end: float, step: float, cut: bool) -> float:
    """The end of the axis moved to a tick where one is near; never over a curve that is not cut."""
    above = math.ceil(end / step - 1e-9) * step
    below = math.floor(end / step + 1e-9) * step
    span = end - start
    if above - end <= 0.06 * span:
        return above
    if cut and end - below <= 0.08 * span and below > start:
        return below
    return end if cut else end + 0.02 * span
