"""Curves of lifelines, where a smooth one is asked itself rather than its steps."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ..curves import Curves
from ..numerics.intervals import normal_quantile

LIMITS = ("estimate", "std_error", "conf_low", "conf_high")

Evaluate = Callable[[np.ndarray], dict[str, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class LifelinesCurves(Curves):
    """Curves of lifelines; `at` and `quantile` ask a smooth (parametric) curve itself, not its steps.

    `models` holds for each group the function from times to estimate and limits, or None for a step function.
    """

    models: tuple[Evaluate | None, ...] = field(repr=False)

    def at(self, times: Any, *, extend: bool = False) -> pl.DataFrame:
        """As of any curve; a smooth one is evaluated, with `extend=True` also after the last time."""
        steps = Curves.at(self, times, extend=extend)
        tables = []
        for frame, model in zip(self._split(steps), self.models, strict=True):
            if model is None:
                tables.append(frame)
                continue
            exact = pl.DataFrame(model(frame["time"].to_numpy())).fill_nan(None)
            known = frame["estimate"].is_not_null()
            tables.append(frame.with_columns(pl.when(known).then(exact[name]).alias(name) for name in LIMITS))
        return pl.concat(tables)

    def quantile(self, probability: Any = 0.5) -> pl.DataFrame:
        """As of any curve; where a smooth one crosses 1 - p, to rounding."""
        steps = Curves.quantile(self, probability)
        tables = [
            frame if model is None else _refined(frame, part["time"].to_numpy(), model)
            for frame, part, model in zip(self._split(steps), self._parts(), self.models, strict=True)
        ]
        return pl.concat(tables)

    def _split(self, frame: pl.DataFrame) -> list[pl.DataFrame]:
        """The rows of each group in a frame that has as many for each."""
        n = frame.height // len(self.models)
        return [frame[i : i + n] for i in range(0, frame.height, n)]


def parametric_curve(one: Any) -> Evaluate:
    """The survival function of a parametric fitter, with its delta-method limits, at any times."""
    z = normal_quantile(1 - float(one.alpha))

    def evaluate(times: np.ndarray) -> dict[str, np.ndarray]:
        there = copy.copy(one)  # limits are made along the fitter's time line, which stays as it is
        there.timeline = np.where(times > 0, times, np.finfo(float).tiny)
        with np.errstate(all="ignore"):
            survival = there.survival_function_at_times(there.timeline).to_numpy(dtype=float)
            both = there.confidence_interval_survival_function_.to_numpy(dtype=float)
        start = times <= 0
        low, high = both.min(axis=1), both.max(axis=1)
        return {
            "estimate": np.where(start, 1.0, survival),
            "std_error": np.where(start, 0.0, (high - low) / (2 * z)),
            "conf_low": np.where(start, 1.0, np.clip(low, 0.0, 1.0)),
            "conf_high": np.where(start, 1.0, np.clip(high, 0.0, 1.0)),
        }

    return evaluate


def _refined(frame: pl.DataFrame, time: np.ndarray, model: Evaluate) -> pl.DataFrame:
    """Quantiles of a smooth curve: each found among its steps, then between the two that enclose it."""
    from scipy.optimize import brentq

    def crossing(name: str, level: float, upper: float | None) -> float | None:
        if upper is None:
            return None
        before = time[np.searchsorted(time, upper) - 1] if upper > time[0] else 0.0

        def above(t: float) -> float:
            return float(model(np.array([t]))[name][0]) - level

        if not above(before) > 0 > above(upper):
            return upper
        return float(brentq(above, before, upper, xtol=1e-12 * upper, rtol=1e-12))

    wanted = 1 - frame["quantile"].to_numpy()
    columns = [
        pl.Series(
            name, [crossing(name, q, t) for q, t in zip(wanted, frame[name], strict=True)], dtype=pl.Float64
        )
        for name in ("estimate", "conf_low", "conf_high")
    ]
    return frame.with_columns(columns)
