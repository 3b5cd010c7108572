"""Dynamic prediction: the probability of a state within a fixed time, from each of several times on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..curves import telling
from ..errors import DataError, counted, listed, warn
from ..numerics.ties import TOLERANCE
from ..options import ConfType, Missing, check_number, check_times
from ..outcomes_multistate import Stays, read_multistate
from ..results import Curves, Estimates
from .transition_probabilities import ProbabilityMethod, probabilities_between

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from ..columns import Column, Columns
    from .process import StateVariance
    from .transition_cox_fit import TransitionCoxFit
    from .transitions import Transitions

POINTS = 41  # of the default grid of times
NOT_A_GROUP = ("time", "horizon", "estimate", "std_error", "conf_low", "conf_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DynamicPrediction(Estimates):
    """Probabilities within a fixed time, along the time from which they are counted.

    Attributes
    ----------
    state
        The state that is predicted.
    """

    state: str = field(default="")

    def text(self, at: float | None = None, *, unit: str | None = None, decimals: int = 1) -> str:
        """A sentence: the probabilities counted from one time, by default the first.

        `ahead.text(at=100, unit="days")`: "Probability of death within 365 days of day 100: ...".
        """
        s = float(self.frame["time"][0]) if at is None else self._known(at)
        rows = self.frame.filter(pl.col("time") == s).iter_rows(named=True)
        unit = unit or self.time_unit
        when = f"{unit.removesuffix('s')} {s:g}" if unit else f"{s:g}"
        name = f"{self.name[:1].upper()}{self.name[1:]}{f' {unit}' if unit else ''} of {when}"
        return f"{name}: {'; '.join(self._told(row, decimals) for row in rows)}"

    def _told(self, row: dict[str, Any], decimals: int) -> str:
        """`A, from recovery 22.8% (95% CI 20.1–25.6)`."""
        keys = telling(self.frame, [key for key in self.frame.columns if key not in NOT_A_GROUP])
        label = ", ".join(f"from {row[k]}" if k == "from_state" else str(row[k]) for k in keys)
        if row["estimate"] is None:
            return f"{label} not known"
        value = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals, scale=100)
        first, _, limits = value.partition(" ")
        return f"{label} {formats.with_level(f'{first}% {limits}', self.conf_level)}"

    def _known(self, at: float) -> float:
        """A time of prediction, refused where none was made."""
        times = self.frame["time"].unique().sort().to_list()
        if at not in times:
            raise DataError(
                f"{at!r} was given, and no prediction was made then",
                argument="at",
                expected=f"one of {listed([f'{t:g}' for t in times], 8)}",
                remedy=f"at={times[0]:g}",
            )
        return float(at)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the probabilities along time; options as those of `hem.plots.draw_dynamic`."""
        from ..plots import draw_dynamic

        return draw_dynamic(self, ax=ax, **{"outcome": self.state} | options)


def dynamic_prediction(
    rows: Any,
    transitions: Transitions,
    *,
    state: str,
    horizon: float,
    times: Any = None,
    initial: str | Sequence[str] | None = None,
    by: Columns = None,
    method: ProbabilityMethod = "markov",
    variance: StateVariance = "aalen",
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    weights: Column | None = None,
    cluster: Column | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> DynamicPrediction:
    """Probability of being in `state` a fixed time later, for those in a given state at each of some times.

    P_hj(s, s + horizon) of `transition_probabilities` along s: the risk of relapse or death within the next
    five years, say, for those who have come so far, in or out of remission.

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    state
        The state whose probability is wanted, usually an absorbing one.
    horizon
        How far ahead, in the unit of the times.
    times
        The times s; by default 41 from 0 to the horizon before the last follow-up.
    initial
        The state at s, or several; None for every state that can be left.
    by
        One or several columns; separate predictions for each combination that occurs.
    method, variance, weights, cluster
        As in `transition_probabilities`.
    id, from_state, to_state, entry, time, event
        The columns of `rows`.
    conf_level, conf_type, missing
        As in `occupation`.

    Returns
    -------
    DynamicPrediction
        One row per group, state at s and s (column `time`), with `horizon`; `.plot()` draws them. Null where
        the last of those in the state at s is seen in it before the horizon, and somebody could still be
        there: nothing is known of them.

    Raises
    ------
    DataError
        As `transition_probabilities`; for a horizon that is not within the follow-up, and times from which it
        reaches beyond it.

    Warns
    -----
    DataWarning
        As `occupation`, and for probabilities that are null at times that were asked for.

    References
    ----------
    van Houwelingen HC, Putter H. Dynamic Prediction in Clinical Survival Analysis. CRC Press 2012.

    Examples
    --------
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions(
    ...     {"transplant": ["recovery", "relapse or death"], "recovery": ["relapse or death"]}
    ... )
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("ebmt3"), model, id="id",
    ...     times={"recovery": "prtime", "relapse or death": "rfstime"},
    ...     events={"recovery": "prstat", "relapse or death": "rfsstat"},
    ... )
    >>> ahead = hem.multistate.dynamic_prediction(
    ...     rows, model, state="relapse or death", horizon=365, times=[0, 100, 365]
    ... )
    >>> frame = ahead.to_frame()
    >>> frame.filter(from_state="transplant")["estimate"].round(3).to_list()
    [0.283, 0.242, 0.087]
    >>> frame.filter(from_state="recovery")["estimate"].round(3).to_list()
    [0.228, 0.22, 0.084]
    """
    columns: dict[str, Any] = {
        "id": id, "from_state": from_state, "to_state": to_state, "entry": entry, "time": time,
        "event": event, "by": by, "weights": weights, "cluster": cluster,
    }  # fmt: skip
    stays = read_multistate(rows, transitions, **columns, missing=missing).stays()
    last = min(float(stays.time[stays.group.code == g].max()) for g in range(len(stays.group)))
    place = transitions.place(state, argument="state")

    def at(s: float) -> Curves:
        return probabilities_between(
            stays, transitions, initial=initial, start_time=s, method=method, variance=variance,
            conf_level=conf_level, conf_type=conf_type,
        )  # fmt: skip

    seen = _last_seen(stays, transitions)
    ahead = predict_ahead(at, transitions.states[place], horizon, times, last, seen)
    if times is not None:
        _warn_if_unknown(ahead)
    return ahead


def _last_seen(stays: Stays, transitions: Transitions) -> pl.DataFrame:
    """For each group and state when somebody is last seen in it (`last seen`)."""
    places = pl.DataFrame({"group": stays.group.code, "from_state": stays.state, "last seen": stays.time})
    last = places.group_by("group", "from_state").agg(pl.col("last seen").max())
    states = pl.Series("from_state", transitions.states, dtype=transitions.state_type)
    named = last.select(states[last["from_state"].to_numpy()], "last seen")
    if not stays.group.names:
        return named
    return pl.concat([stays.group.levels[last["group"].to_numpy()], named], how="horizontal")


def _warn_if_unknown(ahead: DynamicPrediction) -> None:
    unknown = ahead.frame.filter(pl.col("estimate").is_null())
    if unknown.height:
        states = unknown["from_state"].unique(maintain_order=True).to_list()
        warn(
            f"{counted(unknown.height, 'prediction')} from {listed(map(repr, states))} cannot be made: "
            "nobody is seen in the state for so long, and somebody could still be there",
            argument="horizon",
            expected="a horizon within the follow-up of those in the state",
            remedy="times=[...] that are earlier, a shorter horizon, or initial=... without the state",
        )


def predicted_ahead(
    fit: TransitionCoxFit, new_data: Any, state: str, horizon: float, times: Any, **options: Any
) -> DynamicPrediction:
    """The same of new patients by a model of the moves whose clock goes forward."""
    if fit.clock != "forward":
        raise DataError(
            "is reset at every move, and the prediction would depend on the time since the last one",
            argument="clock",
            expected='a model with clock="forward"',
            remedy="fit.predict(new_data, start=..., stayed=...) at each time",
        )
    if fit.rows is None:
        fit.require_design("a dynamic prediction")
    assert fit.rows is not None
    last = float(fit.rows.time.max())

    def at(s: float) -> Curves:
        return fit.predict(new_data, times=[s, s + horizon], start=s, **options)

    return predict_ahead(at, state, horizon, times, last)


def predict_ahead(
    at: Callable[[float], Curves],
    state: str,
    horizon: float,
    times: Any,
    last: float,
    seen: pl.DataFrame | None = None,
) -> DynamicPrediction:
    """The probabilities of a state at s + horizon, of curves from each s; null where they are not `seen`."""
    grid = _grid(horizon, times, last)
    curves = [at(float(s)) for s in grid]
    parts = [
        _known_until(curve.at(s + horizon), seen)
        .filter(pl.col("state") == state)
        .with_columns(time=pl.lit(float(s)), horizon=pl.lit(float(horizon)))
        for s, curve in zip(grid, curves, strict=True)
    ]
    first = curves[0]
    keys = [key for key in first.keys if key != "state"]
    frame = pl.concat(parts).select(
        *keys, "time", "horizon", "estimate", "std_error", "conf_low", "conf_high"
    )
    totals = first.totals()
    return DynamicPrediction(
        frame=frame.sort([*keys, "time"], maintain_order=True) if keys else frame,
        name=f"probability of {state} within {horizon:g}",
        method=f"{first.conf_type}, {first.variance} variance, {first.method}",
        conf_level=first.conf_level,
        n=float(totals["n"][0]),
        n_event=float(totals["n_event"][0]),
        n_dropped=first.n_dropped,
        time_unit=first.time_unit,
        state=state,
    )


def _known_until(ahead: pl.DataFrame, seen: pl.DataFrame | None) -> pl.DataFrame:
    """Null in all states where those at first in one may still be in it, and are not seen for so long."""
    if seen is None:
        return ahead
    groups = [key for key in seen.columns if key != "last seen"]
    same = pl.col("state").cast(pl.String) == pl.col("from_state").cast(pl.String)
    stays = (pl.col("estimate").filter(same) > 0).first().over(groups)
    lost = stays & (pl.col("last seen").fill_null(-np.inf) * (1 + TOLERANCE) < pl.col("time"))
    told = ahead.join(seen, on=groups, how="left", maintain_order="left")
    return told.with_columns(
        pl.when(~lost).then(pl.col(name)) for name in ("estimate", "std_error", "conf_low", "conf_high")
    )


def _grid(horizon: float, times: Any, last: float) -> np.ndarray:
    """The times from which to predict, all of them the horizon before the last follow-up."""
    check_number(horizon, argument="horizon", above=0, expected="a time above 0", example=365)
    if horizon > last:
        raise DataError(
            f"{horizon:g} is more than the follow-up, which ends at {last:g}",
            argument="horizon",
            expected="a time within the follow-up of every group",
            remedy=f"horizon={last / 2:g}",
        )
    grid = np.unique(np.linspace(0, last - horizon, POINTS) if times is None else check_times(times))
    if (late := grid > last - horizon).any():
        raise DataError(
            f"{grid[late][0]:g} and {horizon:g} ahead is after the last follow-up, at {last:g}",
            argument="times",
            expected=f"times up to {last - horizon:g}",
            remedy="times=None for a grid that ends there",
        )
    return grid
