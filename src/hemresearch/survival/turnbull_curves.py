"""Survival curves that are known only between the times at which somebody was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..curves import SHOWN_GROUPS, Curves, Result, curves_frame
from ..numerics.steps import TOLERANCE
from ..numerics.ties import as_known
from ..options import check_number, check_times

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..numerics.turnbull import MassFunction

COUNTS = ("n", "n_exact", "n_left", "n_interval", "n_right")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One group: its estimate, those of its bootstrap samples, and what was observed (with weights)."""

    estimate: MassFunction
    replicates: tuple[MassFunction, ...]
    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray

    def at(self, times: np.ndarray, conf_level: float) -> dict[str, np.ndarray]:
        """Survival with its bootstrap error and limits; the estimate is NaN where it is not defined.

        Where survival is 0 there is no error to speak of: no sample can have more than the last interval.
        """
        visits = np.unique(np.append(self.left, self.right))
        asked = as_known(times, visits[np.isfinite(visits)])
        low, high = self.estimate.survival_bounds(asked)
        columns = {"time": times, "estimate": np.where(low == high, high, np.nan)}
        if not self.replicates:
            return columns | dict.fromkeys(
                ("std_error", "conf_low", "conf_high"), np.full(len(times), np.nan)
            )
        bounds = np.array([one.survival_bounds(asked) for one in self.replicates])
        error = bounds.mean(axis=1).std(axis=0, ddof=1)
        ends = _percentiles(bounds[:, 0], bounds[:, 1], conf_level)
        limits = {"std_error": error, "conf_low": ends[0], "conf_high": ends[1]}
        return columns | {name: np.where(high > 0, values, np.nan) for name, values in limits.items()}

    def quantile(self, probabilities: np.ndarray, conf_level: float) -> dict[str, np.ndarray]:
        """Where survival reaches 1 - p, and the bootstrap limits of that time."""
        levels = 1 - probabilities
        left, right = self.estimate.quantile_bounds(levels, TOLERANCE)
        columns = {"quantile": probabilities, "left": left, "right": right, "estimate": (left + right) / 2}
        if not self.replicates:
            return columns | dict.fromkeys(("conf_low", "conf_high"), np.full(len(levels), np.nan))
        bounds = np.array([one.quantile_bounds(levels, TOLERANCE) for one in self.replicates])
        ends = _percentiles(bounds[:, 0], bounds[:, 1], conf_level)
        return columns | {"conf_low": ends[0], "conf_high": ends[1]}

    def rectangles(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, bottoms and tops of the areas where survival is not determined, with gaps between them."""
        one, after = self.estimate, self.estimate.after()
        wide = np.isfinite(one.right) & (one.right > one.left)
        gap = np.full(int(wide.sum()), np.nan)
        bottom, top = after[wide], np.append(1.0, after[:-1])[wide]
        x = np.column_stack([one.left[wide], one.right[wide], one.right[wide]])
        low, high = np.column_stack([bottom, bottom, gap]), np.column_stack([top, top, gap])
        return x.ravel(), low.ravel(), high.ravel()

    def steps(self, conf_level: float) -> dict[str, np.ndarray]:
        """A step function for figures, falling in the middle of each interval, with those under observation.

        Somebody is under observation until the event is seen (at `right`) or the last visit without it.
        """
        seen = np.isfinite(self.right)
        end = np.where(seen, self.right, self.left)
        closed = np.isfinite(self.estimate.right)
        middle = (self.estimate.left[closed] + self.estimate.right[closed]) / 2
        time = np.unique(np.concatenate([end, middle]))
        at = np.searchsorted(time, end)
        n_event = np.bincount(at, self.weight * seen, len(time))
        n_left = np.bincount(at, self.weight, len(time))
        levels = np.append(1.0, self.estimate.after()[closed])
        columns = self.at(time, conf_level)
        return columns | {
            "n_risk": np.cumsum(n_left[::-1])[::-1],
            "n_event": n_event,
            "n_censor": n_left - n_event,
            "estimate": levels[np.searchsorted(middle, time, side="right")],
        }


@dataclass(frozen=True, slots=True, eq=False)
class TurnbullCurves(Result):
    """Survival estimated from interval-censored times, one curve per group.

    The estimate falls by `mass` somewhere in (left, right] (at `right` where both are equal) and is constant
    between these intervals; where in an interval it falls the data cannot say. `gap` is the largest violation
    of the Kuhn-Tucker conditions of the maximum, relative to the number of patients.
    """

    frame: pl.DataFrame = field(repr=False)
    groups_frame: pl.DataFrame = field(repr=False)
    samples: tuple[Sample, ...] = field(repr=False)
    by: tuple[str, ...]
    left: str
    right: str
    conf_level: float
    bootstrap: int
    gap: float
    n_dropped: int = 0
    time_unit: str | None = None
    method: str = "Turnbull"
    quantity: str = "survival"

    def to_frame(self) -> pl.DataFrame:
        """One row per interval with mass: the `by` columns, `left`, `right`, `mass`, and survival after it.

        `right` is null in a last interval without an end; so is what follows it.
        """
        return self.frame

    def groups(self) -> pl.DataFrame:
        """One row per group: counts of each kind of observation, and the log-likelihood."""
        return self.groups_frame

    def summary(self) -> pl.DataFrame:
        """One row: counts, exclusions, method, samples of the bootstrap and level of all groups together."""
        return self.groups_frame.select(pl.col(*COUNTS, "log_likelihood").sum()).with_columns(
            n_groups=pl.lit(self.groups_frame.height),
            n_dropped=pl.lit(self.n_dropped),
            method=pl.lit(self.method),
            bootstrap=pl.lit(self.bootstrap),
            conf_level=pl.lit(self.conf_level),
        )

    def at(self, times: Any) -> pl.DataFrame:
        """Survival at given times, one row per group and time.

        The estimate is null inside an interval with mass; limits, if any, are those of all it can be there.
        """
        wanted = check_times(times)
        return pl.concat(
            [
                self._labelled(g, _nulls(sample.at(wanted, self.conf_level)))
                for g, sample in enumerate(self.samples)
            ]
        )

    def quantile(self, probability: Any = 0.5) -> pl.DataFrame:
        """Times by which the event has happened with the given probabilities (0.5: the median).

        The time lies in (left, right]; `estimate` is the middle, by convention. Null where survival is not
        known to fall to 1 - p.
        """
        wanted = np.atleast_1d(np.asarray(probability, dtype=float))
        for p in wanted:
            check_number(
                float(p), argument="probability", above=0, below=1, expected="0 < p < 1", example=0.5
            )
        return pl.concat(
            [
                self._labelled(g, _nulls(sample.quantile(wanted, self.conf_level)))
                for g, sample in enumerate(self.samples)
            ]
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the curves; each falls in the middle of an interval, which a rectangle covers.

        At risk are those whose event has not been seen and who are still visited. Options are those of
        `hem.plots.draw_curves`.
        """
        from ..plots import draw_curves
        from ..plots.ticks import unit_of

        unit = options.get("time_unit") or unit_of(self.time_unit, self.right)
        defaults = {"show_censored": False, "x_label": None if unit else "Time"}
        panel = draw_curves(self._steps(), ax=ax, **(defaults | options))
        lines = [line for line in panel.lines if line.get_drawstyle() == "steps-post"]
        for sample, line in zip(self.samples, lines[-len(self.samples) :], strict=True):
            x, low, high = sample.rectangles()
            panel.fill_between(x, low, high, color=line.get_color(), alpha=0.3, linewidth=0)
        return panel

    def text(self, at: float | None = None, *, label: str | None = None, unit: str | None = None) -> str:
        """A sentence: survival at a time, or the interval of the median without one."""
        name, unit = label or self.quantity, unit or self.time_unit
        if at is None:
            parts = [
                self._label(row) + self._median_text(row) for row in self.quantile(0.5).iter_rows(named=True)
            ]
            return f"Median {name}{f' in {unit}' if unit else ''} {'; '.join(parts)}"
        parts = [self._label(row) + self._value_text(row) for row in self.at(at).iter_rows(named=True)]
        return f"{name[:1].upper()}{name[1:]} at {at:g}{f' {unit}' if unit else ''}: {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section: estimator and limits."""
        level = formats.level(self.conf_level)
        limits = f", with {level} percentile limits from {self.bootstrap} bootstrap samples"
        return (
            f"Survival was estimated from interval-censored times ({self.left} to {self.right}) by "
            f"nonparametric maximum likelihood (Turnbull){limits if self.bootstrap else ''}."
        )

    def __repr__(self) -> str:
        n = formats.count(float(self.groups_frame["n"].sum()))
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.method}: survival ({self.left} to {self.right}), n={n}{dropped}"
        rows = pl.concat([self.groups_frame, self.quantile(0.5).select("left", "right")], how="horizontal")
        lines = [self._repr_line(row) for row in rows.head(SHOWN_GROUPS).iter_rows(named=True)]
        left = self.groups_frame.height - SHOWN_GROUPS
        more = [f"  and {left} more"] if left > 0 else []
        note = (
            f"{formats.level(self.conf_level)} limits: percentiles of {self.bootstrap} bootstrap samples"
            if self.bootstrap
            else "no limits (bootstrap=1000 for percentile limits)"
        )
        return "\n".join([head, *lines, *more, note])

    def _repr_line(self, row: dict[str, Any]) -> str:
        label = ", ".join(f"{k}={row[k]}" for k in self.by) or "all"
        kinds = {
            "exact": "n_exact",
            "left-": "n_left",
            "interval-": "n_interval",
            "right-censored": "n_right",
        }
        counts = ", ".join(f"{formats.count(row[k])} {kind}" for kind, k in kinds.items())
        between = f"{formats.significant(row['left'])} to {formats.significant(row['right'])}"
        return f"  {label}: n={formats.count(row['n'])} ({counts}), median {between}"

    def _median_text(self, row: dict[str, Any]) -> str:
        ends = [row[k] for k in ("left", "right")]
        known = [t for t in ends if t is not None]
        decimals = 0 if all(t.is_integer() for t in known) else formats.decimals_for(known[0])
        first, second = (formats.number(t, decimals) for t in ends)
        between = first if ends[0] == ends[1] else f"{first} to {second}"
        if not self.bootstrap:
            return between
        limits = [formats.number(row[k], decimals) for k in ("conf_low", "conf_high")]
        return f"{between} ({formats.level(self.conf_level)} CI {limits[0]} to {limits[1]})"

    def _value_text(self, row: dict[str, Any]) -> str:
        if row["estimate"] is None:
            ends = [None if row[k] is None else 100 * row[k] for k in ("conf_low", "conf_high")]
            limits = f"; {formats.level(self.conf_level)} CI {'–'.join(formats.number(e, 1) for e in ends)}"
            return f"not determined (between two visits{limits if self.bootstrap else ''})"
        if row["conf_low"] is None:
            return formats.percent(row["estimate"])
        value = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], 1, scale=100)
        first, _, rest = value.partition(" ")
        return formats.with_level(f"{first}% {rest}", self.conf_level)

    def _label(self, row: dict[str, Any]) -> str:
        parts = [
            row[k] if isinstance(row[k], str) and len(self.by) == 1 else f"{k}={row[k]}" for k in self.by
        ]
        return f"{', '.join(parts)} " if parts else ""

    def _labelled(self, group: int, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.by:
            return frame
        labels = self.groups_frame.select(self.by)[np.full(frame.height, group)]
        return pl.concat([labels, frame], how="horizontal")

    def _steps(self) -> Curves:
        """The curves as step functions for a figure."""
        parts = [sample.steps(self.conf_level) for sample in self.samples]
        frame, starts = curves_frame(self.groups_frame.select(self.by), parts)
        counts = pl.DataFrame(
            {
                "n": self.groups_frame["n"],
                "n_event": [float(part["n_event"].sum()) for part in parts],
                "n_censor": [float(part["n_censor"].sum()) for part in parts],
            }
        )
        return Curves(
            frame=frame,
            groups_frame=pl.concat([self.groups_frame.select(self.by), counts], how="horizontal"),
            starts=starts,
            quantity=self.quantity,
            by=self.by,
            time=self.right,
            event=self.right,
            conf_level=self.conf_level,
            conf_type="percentile",
            variance="bootstrap",
            method=self.method,
            time_unit=self.time_unit,
        )


def _percentiles(low: np.ndarray, high: np.ndarray, conf_level: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits from the lowest and the highest value of each sample; between two of them the outer one."""
    tail = (1 - conf_level) / 2
    return np.quantile(low, tail, axis=0, method="lower"), np.quantile(
        high, 1 - tail, axis=0, method="higher"
    )


def _nulls(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    """A frame with null for what is not known or without end."""
    finite = {name: np.where(np.isfinite(values), values, np.nan) for name, values in columns.items()}
    return pl.DataFrame(finite).with_columns(pl.all().fill_nan(None))
