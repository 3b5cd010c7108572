"""Sensitivity and specificity of every threshold of a prediction at a horizon."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..numerics.prediction_scores import roc_points
from ..options import Missing, check_choice
from ..results import Result
from .auc import Controls, case_and_control
from .predictions import read_predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..columns import Column
    from .predictions import Predictions


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RocCurve(Result):
    """ROC curves of models at horizons: sensitivity and specificity of each threshold."""

    frame: pl.DataFrame = field(repr=False)
    n: float
    n_event: float
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per threshold: model, time, threshold, sensitivity, specificity."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row per curve: model, time, thresholds, and n, n_event, n_dropped of the data."""
        facts = [pl.lit(value).alias(name) for name, value in
                 {"n": self.n, "n_event": self.n_event, "n_dropped": self.n_dropped}.items()]  # fmt: skip
        counts = self.frame.group_by("model", "time", maintain_order=True)
        return counts.agg(thresholds=pl.len() - 1).with_columns(facts)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the curves: `hem.plots.draw_roc`."""
        from ..plots import draw_roc

        return draw_roc(self.frame, ax=ax, **options)

    def __repr__(self) -> str:
        lines = [
            f"  {row['model']}, time={row['time']:g}: {row['thresholds']} thresholds"
            for row in self.summary().iter_rows(named=True)
        ]
        return "\n".join([f"time-dependent ROC curves, n={self.n:,}, events={self.n_event:,}", *lines])


def roc_curve(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions | None = None,
    scores: Predictions | None = None,
    times: Any,
    controls: Controls = "without the event",
    missing: Missing = "raise",
) -> RocCurve:
    """Sensitivity and specificity at a horizon, for every threshold of a prediction.

    Of those with the event by t the share with a prediction at or above the threshold, and of those without
    it the share below, with cases, controls and weights as in `auc`, which is the area under the curve.

    Parameters
    ----------
    data, time, event, event_value, cause, censored, risks, scores, times, controls, missing
        As in `auc`.

    Returns
    -------
    RocCurve
        `model`, `time`, `threshold`, `sensitivity`, `specificity` from the highest threshold down, after a
        row in which nobody is positive (threshold null). `plot()` draws it.

    Raises
    ------
    DataError
        As `auc`.

    References
    ----------
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013;32:5381-5397.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> curve = hem.prediction.roc_curve(
    ...     mgus, time="futime", event="death", scores={"age": "age"}, times=60
    ... )
    >>> curve.to_frame().filter(threshold=75)
    shape: (1, 5)
    ┌───────┬──────┬───────────┬─────────────┬─────────────┐
    │ model ┆ time ┆ threshold ┆ sensitivity ┆ specificity │
    │ ---   ┆ ---  ┆ ---       ┆ ---         ┆ ---         │
    │ str   ┆ f64  ┆ f64       ┆ f64         ┆ f64         │
    ╞═══════╪══════╪═══════════╪═════════════╪═════════════╡
    │ age   ┆ 60.0 ┆ 75.0      ┆ 0.597524    ┆ 0.697858    │
    └───────┴──────┴───────────┴─────────────┴─────────────┘
    """
    check_choice(controls, Controls, argument="controls")
    j = read_predictions(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=scores, times=times, missing=missing,
    )  # fmt: skip
    parts = []
    for model, columns in j.values.items():
        for horizon, t, values in zip(j.horizons, j.times, columns, strict=True):
            sensitivity, false = roc_points(j.rank(values), *case_and_control(j, t, controls))
            falling = np.unique(values)[::-1]
            parts.append(
                pl.DataFrame(
                    {"threshold": [None, *falling.tolist()]}, schema={"threshold": pl.Float64}
                ).select(
                    pl.lit(model).alias("model"),
                    pl.lit(float(horizon)).alias("time"),
                    "threshold",
                    pl.Series("sensitivity", sensitivity),
                    pl.Series("specificity", 1 - false),
                )
            )
    return RocCurve(pl.concat(parts), len(j), int((j.cause == 1).sum()), j.y.n_dropped)
