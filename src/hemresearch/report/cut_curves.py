"""Curves without the stretches in which too few are at risk, and without what would tell how few."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ..curves import FALLING
from ..errors import DataError, warn
from ..numerics.intervals import hazard_limits, probability_limits
from ..results import Curves
from .counts import ROUNDING

# Variances that add up along time, so that a part of them can be taken away.
ADDITIVE = ("greenwood", "poisson")
COUNTED = ("n_event", "n_censor")
RECURRENT = "mean number of events"  # which do not end the time at risk


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The risk sets of one group (all its causes together), and which of its times may be shown."""

    time: np.ndarray
    left: np.ndarray  # how many have left at each time, with or without an event
    shown: np.ndarray

    def stop(self, first: int) -> int:
        """The row after the last one of an unbroken stretch that may be shown."""
        hidden = np.flatnonzero(~self.shown[first:])
        return first + int(hidden[0]) if len(hidden) else len(self.time)


def cut_curves(curves: Curves, threshold: float) -> Curves:
    """The stretch of each curve in which at least `threshold` (or nobody) are at risk before and after.

    Causes of one group are cut together. Curves of states are refused: they show how few are in a state.

    It begins where the curves do. Where fewer are at risk there, which delayed entry can bring about, all
    curves begin at the first later time that has enough in every group, and describe those still observed
    then, as `start_time` does.
    """
    _check_no_states(curves)
    groups = _groups(curves, threshold)
    start = _start(curves, groups, threshold)
    if start is not None:
        curves = _from(curves, groups, start)
        groups = _groups(curves, threshold)
    kept, ends = [], []
    for group, part in zip(groups, curves._parts(), strict=True):
        stop = group.stop(0)
        end = float(group.time[stop - 1])
        kept.append(part.filter(pl.col("time") <= end))
        ends.append(end if stop < len(group.time) else None)
    _check_band(curves, ends)
    cut = _with_parts(curves, kept)
    return replace(cut, cut_at=tuple(ends) if any(e is not None for e in ends) or start is not None else ())


def _check_no_states(curves: Curves) -> None:
    if "state" in curves.keys:
        raise DataError(
            "curves of states show how few are in a state, also where many are followed",
            argument="item",
            expected="curves of survival, of causes or of mean numbers",
            remedy="hem.report.disclosure(curves.at([12, 24]).drop('n_event', 'n_censor'))",
        )


def _groups(curves: Curves, threshold: float) -> list[_Group]:
    """One per curve; the causes of one group share their risk sets."""
    parts = list(curves._parts())
    keys = curves.groups_frame.select(curves.by).rows() if curves.by else [()] * len(parts)
    found = {}
    for key, n in zip(keys, curves.groups_frame["n"], strict=True):
        if key not in found:
            mine = [part for part, other in zip(parts, keys, strict=True) if other == key]
            found[key] = _group(_all_leaving(curves, mine, float(n)), threshold)
    return [found[key] for key in keys]


def _all_leaving(curves: Curves, parts: list[pl.DataFrame], n: float) -> list[pl.DataFrame]:
    """The rows of a group with all who leave in their counts: by causes left out too, not by an event alone.

    Without delayed entry whoever is no longer at risk has left.
    """
    recurrent = curves.quantity == RECURRENT
    left = sum(float(p["n_event"].sum()) for p in parts) + float(parts[0]["n_censor"].sum())
    if not recurrent and ("cause" not in curves.keys or left >= n - ROUNDING):
        return parts
    n_risk = parts[0]["n_risk"].to_numpy()
    gone = -np.diff(n_risk, append=0.0)
    if not recurrent and curves.entry is not None:
        raise DataError(
            "some causes are not among the curves, and under delayed entry it is not known who left by them",
            argument="item",
            expected="the curves of all causes",
            remedy="cause=None where the curves are estimated, and one cause of what is cut drawn",
        )
    nobody = np.zeros_like(gone)
    return [parts[0].with_columns(n_event=pl.Series(gone), n_censor=pl.Series(nobody))]


def _group(parts: list[pl.DataFrame], threshold: float) -> _Group:
    together = (
        pl.concat([p.select("time", "n_risk", *COUNTED) for p in parts])
        .group_by("time", maintain_order=True)
        .agg(pl.col("n_risk", "n_censor").first(), pl.col("n_event").sum())
        .sort("time")
    )
    n_risk = together["n_risk"].to_numpy()
    left = (together["n_event"] + together["n_censor"]).to_numpy()
    remain, later = n_risk - left, left.sum() - np.cumsum(left)

    def nobody_or_enough(n: np.ndarray) -> np.ndarray:
        return (n < ROUNDING) | (n >= threshold - ROUNDING)

    shown = (n_risk >= threshold - ROUNDING) & nobody_or_enough(remain) & nobody_or_enough(later)
    return _Group(together["time"].to_numpy(), left, shown)


def _start(curves: Curves, groups: list[_Group], threshold: float) -> float | None:
    """Where the curves have to begin so that every group may be shown; None where they begin already."""
    if all(g.shown[0] for g in groups):
        return None
    times = np.unique(np.concatenate([g.time[g.shown] for g in groups]))
    possible = np.ones(len(times), dtype=bool)
    for group in groups:
        first = np.searchsorted(group.time, times)
        possible &= np.append(group.shown, False)[first]
    if possible.any():
        return float(times[np.argmax(possible)])
    never = next((i for i, g in enumerate(groups, 1) if not g.shown.any()), None)
    raise DataError(
        f"curve {never} of {len(groups)} never has {threshold:g} at risk before and after a time"
        if never
        else f"the curves never have {threshold:g} at risk in every group at one time",
        argument="threshold",
        expected="at least as many patients as the threshold in every group",
        remedy="larger groups, or leave this group out with data.filter(...)",
    )


def _check_band(curves: Curves, ends: list[float | None]) -> None:
    """A band is as wide as the last time of its stretch makes it, which must not be hidden then."""
    from ..survival.confidence_band import ConfidenceBand

    if not isinstance(curves, ConfidenceBand):
        return
    stops = curves.stretches["stop"].to_list()
    if any(end is not None and stop > end for stop, end in zip(stops, ends, strict=True)):
        end = min(end for end in ends if end is not None)
        raise DataError(
            "the width of the band comes from a time with too few at risk",
            argument="item",
            expected="a band that ends where enough remain at risk",
            remedy=f"hem.survival.confidence_band(..., stop={end!r})",
        )


def _from(curves: Curves, groups: list[_Group], start: float) -> Curves:
    """The curves from `start` on, given that one is still observed then."""
    gone = np.array([g.left[g.time < start].sum() for g in groups])
    before = [part.filter(pl.col("time") < start) for part in curves._parts()]
    _check_can_begin(curves, groups, before, start)
    warn(
        f"is not reached early in some curve, whose first steps would tell how few were at risk: all curves "
        f"now begin at {start:g}, for those still observed then",
        argument="threshold",
        expected="as many at risk from the first time on",
        remedy=f"start_time={start!r} where the curves are estimated",
    )
    parts = [
        _conditional(part.filter(pl.col("time") >= start), early, curves)
        for part, early in zip(curves._parts(), before, strict=True)
    ]
    n = curves.groups_frame["n"]
    rest = pl.Series("n", n.to_numpy() - gone).cast(n.dtype)
    groups_frame = curves.groups_frame.with_columns(rest)
    return _with_parts(replace(curves, groups_frame=groups_frame, start_time=start), parts)


def _check_can_begin(curves: Curves, groups: list[_Group], before: list[pl.DataFrame], start: float) -> None:
    """Only what adds up along time can be begun later without the data."""
    everybody = np.array([g.left.sum() for g in groups])
    plain = type(curves) is Curves and curves.variance in ADDITIVE and curves.keys == curves.by
    plain &= bool(np.allclose(everybody, curves.groups_frame["n"].to_numpy()))
    ended = any(p.height and (p["estimate"].tail(1).fill_null(0.0) <= 0).item() for p in before)
    if plain and not (curves.quantity in FALLING and ended):
        return
    raise DataError(
        "is not reached early in some curve, and its later estimates would tell how few were at risk",
        argument="threshold",
        expected="as many at risk from the first time on",
        remedy=f"start_time={start!r} where the curves are estimated",
    )


def _conditional(part: pl.DataFrame, before: pl.DataFrame, curves: Curves) -> pl.DataFrame:
    """S(t) / S(s), or H(t) - H(s), and the variance that has come up since s."""
    if not before.height:
        return part
    estimate, error = (
        part[c].cast(pl.Float64).fill_null(np.nan).to_numpy() for c in ("estimate", "std_error")
    )
    first, first_error = (
        float(before[c].tail(1).fill_null(np.nan).item()) for c in ("estimate", "std_error")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        if curves.quantity in FALLING:
            variance = (error / estimate) ** 2 - (first_error / first) ** 2
            estimate = estimate / first
            error = estimate * np.sqrt(np.maximum(variance, 0.0))
        else:
            estimate, error = estimate - first, np.sqrt(np.maximum(error**2 - first_error**2, 0.0))
    limits = probability_limits if curves.quantity in FALLING else hazard_limits
    low, high = limits(estimate, error, curves.conf_type, curves.conf_level)
    columns = {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}
    return part.with_columns(pl.Series(c, v, dtype=pl.Float64).fill_nan(None) for c, v in columns.items())


def _with_parts(curves: Curves, parts: list[pl.DataFrame]) -> Curves:
    """The curves with other rows, and the events and censored of these rows."""
    counts = [
        pl.Series(c, [float(p[c].sum()) for p in parts]).cast(curves.groups_frame[c].dtype) for c in COUNTED
    ]
    return replace(
        curves,
        frame=pl.concat(parts),
        starts=np.concatenate([[0], np.cumsum([p.height for p in parts])]),
        groups_frame=curves.groups_frame.with_columns(counts),
        patients=None if curves.patients is None else _shown_patients(curves, counts),
    )


def _shown_patients(curves: Curves, counts: list[pl.Series]) -> pl.DataFrame:
    """The patients of all groups, with no more events and censored than the groups show, each once."""
    patients = curves.patients
    assert patients is not None
    shown = curves.groups_frame.select(curves.keys).with_columns(counts)
    each = shown.unique(curves.by, maintain_order=True) if curves.by else shown.head(1)
    once = shown if curves.keys == curves.by else each  # all causes of a group have the same censored
    sums = {"n_event": shown["n_event"].sum(), "n_censor": once["n_censor"].sum()}
    most = [pl.min_horizontal(c, pl.lit(total)).alias(c) for c, total in sums.items()]
    return patients.with_columns(c.cast(patients.schema[c.meta.output_name()]) for c in most)
