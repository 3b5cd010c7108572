"""Daily signs of CRS and ICANS and daily counts after infusion, simulated."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from .cart_truth import RECOVERY_FIRST, recovery_chances
from .simulation import coded, dates

LAST_TOXIC, LAST_COUNT = 28, 90
SHARED = 0.7  # correlation of the reserve with the normal score of the day of recovery
OXYGEN = ("none", "low-flow", "high-flow", "positive pressure")
CONSCIOUSNESS = ("awake", "voice", "touch", "unarousable")
# ICE score of each ICANS grade: the least and the most.
ICE = np.array([(10, 10), (7, 9), (3, 6), (0, 2), (0, 0)])


def toxicity_table(
    rng: np.random.Generator,
    infused: dict[str, np.ndarray],
    grades: dict[str, np.ndarray],
    first: date,
    ids: pl.Series,
) -> pl.DataFrame:
    """A row for each day with CRS or ICANS while alive and followed."""
    days = np.arange(LAST_TOXIC + 1)
    crs = _courses(rng, grades["crs"], days, onset=(1, 6), length=(3, 8))
    icans = _courses(rng, grades["icans"], days, onset=(4, 9), length=(3, 9))
    last = np.minimum(infused["death"], infused["end"] + 0.5)
    row, day = np.nonzero(((crs > 0) | (icans > 0)) & (days < last[:, None]))
    signs = {**_crs_signs(rng, crs[row, day]), **_icans_signs(rng, icans[row, day])}
    return pl.DataFrame(
        {
            "patient_id": ids.gather(infused["patient"][row]),
            "day": day,
            "date": dates(first, infused["infused_on"][row] + day),
            **signs,
            "crs_grade": crs[row, day],
            "icans_grade": icans[row, day],
        }
    )


def _courses(
    rng: np.random.Generator,
    worst: np.ndarray,
    days: np.ndarray,
    *,
    onset: tuple[int, int],
    length: tuple[int, int],
) -> np.ndarray:
    """The grade of each day: it rises by one a day to the worst, holds and falls again."""
    start = rng.integers(*onset, len(worst), endpoint=True)[:, None]
    held = rng.integers(*length, len(worst), endpoint=True)[:, None]
    top = worst[:, None]
    grade = np.minimum(np.minimum(days - start + 1, top), start + held + top - days)
    return np.maximum(grade, 0) * (top > 0)


def _crs_signs(rng: np.random.Generator, grade: np.ndarray) -> dict[str, Any]:
    """Signs that have the grade: fever, and the worse of hypotension and hypoxia."""
    n = len(grade)
    by_pressure = rng.random(n) < 0.6  # what makes the grade; the other sign is one milder at most
    both = rng.random(n) < 0.3
    pressure = np.where(by_pressure, grade, np.where(both, grade - 1, 1))
    lungs = np.where(by_pressure, np.where(both, grade - 1, 1), grade)
    fever = np.where(grade > 0, rng.uniform(38.0, 40.3, n), rng.uniform(36.3, 37.8, n))
    return {
        "temperature_c": np.ceil(fever * 10) / 10,
        "hypotension": pressure >= 2,
        "vasopressors": np.select([pressure >= 4, pressure == 3], [2, 1], 0),
        "oxygen": coded(OXYGEN, np.clip(lungs - 1, 0, 3)),
    }


def _icans_signs(rng: np.random.Generator, grade: np.ndarray) -> dict[str, Any]:
    low, high = ICE[grade].T
    return {
        "ice_score": rng.integers(low, high, endpoint=True),
        "consciousness": coded(CONSCIOUSNESS, np.clip(grade - 1, 0, 3)),
    }


def counts_table(
    rng: np.random.Generator,
    p: dict[str, Any],
    infused: dict[str, np.ndarray],
    first: date,
    ids: pl.Series,
) -> pl.DataFrame:
    """Neutrophils and platelets of each day to day 90 while alive and followed."""
    days = np.arange(LAST_COUNT + 1)
    recovery = _recovery(rng, p, infused["reserve"])
    last = np.minimum(infused["death"], infused["end"] + 0.5)
    row, day = np.nonzero(days < last[:, None])
    anc = _neutrophils(rng, recovery, _second_dip(rng, p, recovery), days)
    return pl.DataFrame(
        {
            "patient_id": ids.gather(infused["patient"][row]),
            "day": day,
            "date": dates(first, infused["infused_on"][row] + day),
            "anc": np.round(anc[row, day], 2),
            "platelets": np.round(_platelets(rng, recovery, days)[row, day]).astype(int),
        }
    )


def laboratory_before(
    rng: np.random.Generator, reserve: np.ndarray, infused: np.ndarray
) -> dict[str, pl.Series]:
    """Values before lymphodepletion, worse where the reserve of the marrow is small; null if not infused."""
    n = len(reserve)
    values = {
        "anc_before": np.exp(1.0 + 0.35 * reserve + rng.normal(0, 0.5, n)),
        "hb_before": np.clip(104 + 9 * reserve + rng.normal(0, 12, n), 60, 165),
        "platelets_before": np.exp(5.0 + 0.45 * reserve + rng.normal(0, 0.5, n)),
        "crp_before": np.exp(2.5 - 0.6 * reserve + rng.normal(0, 1.0, n)),
        "ferritin_before": np.exp(6.5 - 0.6 * reserve + rng.normal(0, 0.9, n)),
    }
    digits = {"anc_before": 2, "crp_before": 1}
    shown = np.isin(np.arange(n), infused)
    return {
        name: pl.Series(np.where(shown, np.round(value, digits.get(name, 0)), np.nan)).fill_nan(None)
        for name, value in values.items()
    }


def _recovery(rng: np.random.Generator, p: dict[str, Any], reserve: np.ndarray) -> np.ndarray:
    """The day of neutrophil recovery: negative binomial, later where the reserve is small."""
    rank = ndtr(-SHARED * reserve + np.sqrt(1 - SHARED**2) * rng.normal(size=len(reserve)))
    most = int(20 + 50 * p["recovery_mean"] * (1 + p["recovery_dispersion"]))
    return RECOVERY_FIRST + np.searchsorted(np.cumsum(recovery_chances(p, most)), rank)


def _second_dip(
    rng: np.random.Generator, p: dict[str, Any], recovery: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and last day of a second fall below 0.5, not before three days of recovery."""
    start = np.maximum(rng.integers(25, 50, len(recovery)), recovery + 3)
    dips = rng.random(len(recovery)) < p["second_dip_share"]
    return np.where(dips, start, LAST_COUNT + 1), start + rng.integers(2, 11, len(recovery))


def _neutrophils(
    rng: np.random.Generator, recovery: np.ndarray, dip: tuple[np.ndarray, np.ndarray], days: np.ndarray
) -> np.ndarray:
    """Below 0.5 from one of the days 0 to 2 until recovery, and then at 0.5 or more but for a second fall."""
    n = len(recovery)
    since = days - recovery[:, None]
    noise = rng.normal(0, 0.25, (n, len(days)))
    normal = 0.5 + np.exp(rng.normal(0.6, 0.5, (n, 1)) + noise) * -np.expm1(-(np.maximum(since, 0) + 0.3) / 4)
    depth = np.exp(rng.normal(-1.9, 0.9, (n, 1)) + noise)
    low = np.minimum(depth, 0.49)
    falls = rng.integers(0, 3, (n, 1))
    before = 0.5 + 1.2 * (falls - days) * np.exp(noise)
    anc = np.where(days < falls, before, np.where(since < 0, low, normal))
    second = (days >= dip[0][:, None]) & (days <= dip[1][:, None])
    return np.where(second, low, anc)


def _platelets(rng: np.random.Generator, recovery: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Lowest about the time of neutrophil recovery, and slow to rise."""
    n = len(recovery)
    lowest, usual = np.exp(rng.normal(3.4, 0.6, (n, 1))), np.exp(rng.normal(5.1, 0.35, (n, 1)))
    since = days - recovery[:, None]
    share = np.where(since < 0, np.exp(-days / 4.0), -np.expm1(-np.maximum(since, 0) / 20))
    return (lowest + np.maximum(usual - lowest, 0) * share) * np.exp(rng.normal(0, 0.1, (n, len(days))))
