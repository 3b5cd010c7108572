"""Estimates of how well models predict at horizons, and their differences between models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..errors import DataError, listed
from ..numerics.intervals import normal_quantile, probability_limits
from ..numerics.inverse_censoring import std_error
from ..options import suggestion
from ..results import Estimates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .predictions import Judged

METHOD = "normal, influence functions, weights from the Kaplan-Meier curve of censoring"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class Performance(Estimates):
    """How well models predict at horizons: `time`, `estimate` and limits of each `model`.

    Attributes
    ----------
    measure
        What an axis is called.
    chance
        The value of a prediction that says nothing, if one value has this meaning.
    """

    measure: str
    chance: float | None = None

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the estimates over the horizons: `hem.plots.draw_performance`."""
        from ..plots import draw_performance

        return draw_performance(
            self.frame, ax=ax, **{"measure": self.measure, "chance": self.chance} | options
        )

    def _label(self, row: dict[str, Any]) -> str:
        """What an estimate is of, in a sentence."""
        return f"{row['model']} at {row['time']:g} "


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Estimates):
    """Differences between models judged in the same patients, each with its test."""

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        return {"estimate": "Difference"}

    def _label(self, row: dict[str, Any]) -> str:
        """What a difference is between, in a sentence."""
        at = f" at {row['time']:g}" if "time" in row else ""
        return f"{row['model']} less {row['reference']}{at} "


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One estimate: its model, the place of its horizon, its value and n times the rows' influences."""

    model: str
    place: int
    value: float
    influence: np.ndarray


Measure = Callable[["Judged", int], Iterable[Scored]]


def estimates_of(j: Judged, measure: Measure, conf_level: float) -> pl.DataFrame:
    """One row per model and horizon, the models in their order."""
    scored = [s for place in range(len(j.times)) for s in measure(j, place)]
    models = list(dict.fromkeys(s.model for s in scored))
    scored.sort(key=lambda s: models.index(s.model))
    value = np.array([s.value for s in scored])
    error = np.array([std_error(s.influence) for s in scored])
    low, high = probability_limits(value, error, "plain", conf_level)
    t = [float(j.times[s.place]) for s in scored]
    return pl.DataFrame(
        {
            "model": [s.model for s in scored],
            "time": [float(j.horizons[s.place]) for s in scored],
            "n_risk": [j.n_risk(at) for at in t],
            "n_event": [j.n_event(at) for at in t],
            "estimate": value, "std_error": error, "conf_low": low, "conf_high": high,
        }
    )  # fmt: skip


def differences_of(j: Judged, measure: Measure, reference: str | None, conf_level: float) -> pl.DataFrame:
    """One row per model and horizon: the model's value less that of the reference, with its test."""
    rows = []
    for place in range(len(j.times)):
        scored = {s.model: s for s in measure(j, place)}
        base = scored[reference_model(reference, list(scored))]
        for s in scored.values():
            if s is not base:
                error = std_error(s.influence - base.influence)
                names = {"model": s.model, "reference": base.model, "time": float(j.horizons[place])}
                rows.append(names | difference_row(s.value - base.value, error, conf_level))
    return pl.DataFrame(rows).sort("model", maintain_order=True)


ROUNDING = 1e-12  # an error below this is that of sums of shares that do not vary


def difference_row(difference: float, error: float, conf_level: float) -> dict[str, float | None]:
    """A difference with its limits and test; without these where it has no error, as with equal models."""
    error = error if error > ROUNDING else 0.0
    half = normal_quantile(conf_level) * error
    z = difference / error if error > 0 else None
    return {
        "estimate": difference,
        "std_error": error,
        "statistic": z,
        "p_value": None if z is None else float(2 * ndtr(-abs(z))),
        "conf_low": difference - half,
        "conf_high": difference + half,
    }


def reference_model(asked: str | None, models: list[str]) -> str:
    """The model that others are compared with."""
    if len(models) < 2:
        raise DataError(
            f"there is one model only, {models[0]!r}",
            argument="risks or scores",
            expected="two or more models to compare",
            remedy='risks={"model": [...], "other model": [...]}',
        )
    if asked is None or asked in models:
        return asked or models[0]
    raise DataError(
        f"{asked!r} is not among the models",
        argument="reference",
        expected=f"one of {listed(map(repr, models))}; {suggestion(asked, models)}",
        remedy=f"reference={models[0]!r}",
    )


def performance(
    j: Judged, frame: pl.DataFrame, name: str, conf_level: float, measure: str, chance: float | None = None
) -> Performance:
    """The result of a table of estimates."""
    return Performance(frame=frame, measure=measure, chance=chance, **facts(j, name, conf_level))


def facts(j: Judged, name: str, conf_level: float) -> dict[str, Any]:
    """What every result says of the data."""
    return {
        "name": name,
        "method": METHOD,
        "conf_level": conf_level,
        "n": len(j),
        "n_event": float((j.cause == 1).sum()),
        "n_dropped": j.y.n_dropped,
        "time_unit": j.y.time_unit,
    }
