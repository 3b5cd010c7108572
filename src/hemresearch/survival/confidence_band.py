"""Simultaneous confidence bands of a survival curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..curves import FALLING, SHOWN_GROUPS, Curves, curves_frame
from ..errors import DataError
from ..numerics.bands import equal_precision_quantile, hall_wellner_quantile
from ..numerics.intervals import PROBABILITY
from ..options import ConfType, check_choice, check_conf_level, check_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Band = Literal["hall-wellner", "equal-precision"]
NAMES: dict[str, str] = {"hall-wellner": "Hall-Wellner", "equal-precision": "equal-precision"}
# The scale on which each band holds its level in small samples (tests/simulations/confidence_band.py).
SCALES: dict[str, str] = {"hall-wellner": "plain", "equal-precision": "log-log"}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConfidenceBand(Curves):
    """Curves whose limits hold at all times of a stretch together.

    `conf_low` and `conf_high` are null before a group's `start` and after its `stop`, also in `at`;
    `stretches` has one row per group: `start`, `stop`, `a_low`, `a_high`, `critical_value` and
    `low_at_start`, the lower limit there.
    """

    band: str
    stretches: pl.DataFrame = field(repr=False)

    def methods(self) -> str:
        """A sentence for the methods section: estimator, band and its stretch."""
        return (
            f"{self.quantity[:1].upper()}{self.quantity[1:]} ({self.event} by {self.time}) was estimated by "
            f"{self.method}, with a simultaneous {formats.level(self.conf_level)} {NAMES[self.band]} band "
            f"({self.conf_type}, {formats.proper(self.variance)} variance).{self._cut_text(' ')}"
        )

    def __repr__(self) -> str:
        level = formats.level(self.conf_level)
        parts = [
            f"from {formats.significant(row['start'])} to {formats.significant(row['stop'])}, critical value "
            f"{formats.significant(row['critical_value'])}"
            for row in self.stretches.head(SHOWN_GROUPS).iter_rows(named=True)
        ]
        note = f"{level} {NAMES[self.band]} band ({self.conf_type}) {'; '.join(parts)}"
        lines = Curves.__repr__(self).split("\n")
        return "\n".join(note if line.startswith(f"{level} limits:") else line for line in lines)

    def at(self, times: Any, *, extend: bool = False) -> pl.DataFrame:
        """As of any curve, without limits outside the stretch of the band."""
        frame = Curves.at(self, times, extend=extend)
        start, stop = self._repeated(frame, "start"), self._repeated(frame, "stop")
        within = (pl.col("time") >= start) & (pl.col("time") <= stop)
        return frame.with_columns(pl.when(within).then(pl.col(c)).alias(c) for c in ("conf_low", "conf_high"))

    def quantile(self, probability: Any = 0.5) -> pl.DataFrame:
        """As of any curve; without a lower limit where the band is below 1 - p from its very start."""
        frame = Curves.quantile(self, probability)
        first = self._repeated(frame, "low_at_start")
        known = pl.when(1 - pl.col("quantile") < first).then(pl.col("conf_low"))
        return frame.with_columns(known.alias("conf_low"))

    def text(self, at: float | None = None, *, label: str | None = None, unit: str | None = None) -> str:
        """A sentence as of any curve, where the limits are called a band."""
        return Curves.text(self, at, label=label, unit=unit).replace("% CI ", "% band ")

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the curves with their bands, which end at `stop`; see `hem.plots.draw_curves`."""
        from ..plots import draw_curves

        stops = self.stretches["stop"]
        parts = [_with_row_after(part, stop) for part, stop in zip(self._parts(), stops, strict=True)]
        starts = np.cumsum([0, *(part.height for part in parts)])
        return draw_curves(replace(self, frame=pl.concat(parts), starts=starts), ax=ax, **options)

    def _repeated(self, frame: pl.DataFrame, fact: str) -> pl.Series:
        """A fact of each group for every row of a frame that has as many rows for each."""
        values = self.stretches[fact]
        return pl.Series(np.repeat(values.to_numpy(), frame.height // len(values)))


def confidence_band(
    curves: Curves,
    *,
    method: Band = "hall-wellner",
    conf_level: float = 0.95,
    conf_type: ConfType | None = None,
    start: float | None = None,
    stop: float | None = None,
) -> ConfidenceBand:
    """Limits that hold for the whole survival curve between two times, not only at each time alone.

    With probability `conf_level` the true curve lies between the limits at every time from `start` to
    `stop`. Writing s2(t) for Greenwood's sum d/(n(n-d)), S for the estimate and N for the number of
    patients, the half width on the scale of S is

        "hall-wellner"     k (1 + N s2(t)) S(t) / sqrt(N), k the quantile of sup |B(u)|,
        "equal-precision"  c sqrt(s2(t)) S(t), c that of sup |B(u)| / sqrt(u (1 - u)),

    for a Brownian bridge B and u from a_low to a_high, a = N s2/(1 + N s2) at `start` and `stop`. Both
    quantiles are computed, not read from tables: k = 1.3211 for (0.1, 0.6) as Hall and Wellner's table has
    it; c = 2.8873 where the printed 2.8826 (Nair; Klein and Moeschberger, table C.3) is an approximation to
    the tail.

    Parameters
    ----------
    curves
        What `kaplan_meier` or `follow_up` gave, without weights other than whole numbers. Each group gets a
        band of its own.
    method
        The Hall-Wellner band is as wide as Kolmogorov's where nobody is censored; the equal-precision band
        is a constant number of standard errors wide, and holds with delayed entry too.
    conf_level
        Probability that a group's whole curve is within its band.
    conf_type
        Scale on which the band is symmetric, as for `kaplan_meier`; by default "plain" for Hall-Wellner and
        "log-log" for equal precision, whose plain band is too narrow in small samples (it held 87 % instead
        of 95 % of simulated curves with 50 patients). Where S is 1 only "plain" and "log" have limits.
    start, stop
        The stretch that the band is for, in the unit of the times; by default of each group from its first
        event to its last event with others still at risk. A shorter stretch gives a narrower band.

    Returns
    -------
    ConfidenceBand
        The `Curves` with the band as their limits; `.stretches` holds the critical values.

    Raises
    ------
    DataError
        Something that is not an unweighted survival curve with Greenwood's variance, a Hall-Wellner band with
        delayed entry, a group without events, or a stretch where the curve or its variance is not estimated.

    References
    ----------
    Hall WJ, Wellner JA. Biometrika 1980;67:133-143. Nair VN. Technometrics 1984;26:265-275. Borgan Ø,
    Liestøl K. Scand J Stat 1990;17:35-41. Klein JP, Moeschberger ML. Survival Analysis. 2nd ed. Springer
    2003, section 4.4. Delayed entry: Andersen PK, Borgan Ø, Gill RD, Keiding N. Statistical Models Based on
    Counting Processes. Springer 1993, section IV.1.3.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> lymphoblastic = hem.data.load("kmsurv_bmt").filter(group=1)
    >>> survival = hem.survival.kaplan_meier(lymphoblastic, time="t2", event="d3")
    >>> band = hem.survival.confidence_band(survival, start=100, stop=600)
    >>> band
    Kaplan-Meier: survival (d3 by t2), n=38, events=24
      all: n=38, events=24, median 418 (129 to –)
    95% Hall-Wellner band (plain) from 100 to 600, critical value 1.319
    >>> band.at(300).select(pl.col("estimate", "conf_low", "conf_high").round(3)).rows()
    [(0.577, 0.362, 0.791)]
    """
    check_choice(method, Band, argument="method")
    scale = SCALES[method] if conf_type is None else check_choice(conf_type, ConfType, argument="conf_type")
    check_conf_level(conf_level)
    _check_curves(curves, method)
    _check_stretch(start, stop)
    sizes = curves.groups_frame["n"].cast(pl.Float64).to_list()
    made = [
        _one_band(part, n, method, conf_level, scale, start, stop)
        for part, n in zip(curves._parts(), sizes, strict=True)
    ]
    keys = curves.groups_frame.select(curves.by)
    frame, starts = curves_frame(keys, [rows for rows, _ in made])
    stretches = pl.DataFrame([stretch for _, stretch in made])
    same = {f.name: getattr(curves, f.name) for f in fields(Curves)}
    changed = {"frame": frame, "starts": starts, "conf_level": conf_level, "conf_type": scale}
    return ConfidenceBand(
        **{**same, **changed},
        band=method,
        stretches=pl.concat([keys, stretches], how="horizontal") if curves.by else stretches,
    )


def _one_band(
    part: pl.DataFrame,
    n: float,
    method: Band,
    conf_level: float,
    conf_type: str,
    start: float | None,
    stop: float | None,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """One group's rows, with one more at each end of the stretch where nobody was seen, and its facts."""
    begin, end = _stretch(part, start, stop, method)
    rows = _with_rows_at(part, (begin, end))
    survival = rows["estimate"]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (rows["std_error"] / survival) ** 2
    at_ends = n * variance[np.searchsorted(rows["time"], [begin, end])]
    low, high = (at_ends / (1 + at_ends)).tolist()
    critical = QUANTILES[method](conf_level, low, high)
    half = critical * HALF_WIDTHS[method](variance, n) * survival
    within = (rows["time"] >= begin) & (rows["time"] <= end)
    limits = _limits(survival, np.where(within, half, np.nan), conf_type)
    rows["conf_low"], rows["conf_high"] = limits
    facts = {
        "start": float(begin),
        "stop": float(end),
        "a_low": low,
        "a_high": high,
        "critical_value": critical,
        "low_at_start": float(limits[0][within][0]),
    }
    return rows, facts


def _limits(survival: np.ndarray, half: np.ndarray, conf_type: str) -> tuple[np.ndarray, np.ndarray]:
    """A half width on the scale of S, carried to another scale by the derivative there and back."""
    scale = PROBABILITY[conf_type]
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, width = scale.forward(survival), np.abs(scale.derivative(survival)) * half
        one, other = scale.inverse(centre - width), scale.inverse(centre + width)
        defined = np.isfinite(centre) & np.isfinite(width)
    low, high = np.minimum(one, other), np.maximum(one, other)
    return np.where(defined, low, np.nan), np.where(defined, high, np.nan)


def _hall_wellner_width(variance: np.ndarray, n: float) -> np.ndarray:
    return (1 + n * variance) / np.sqrt(n)


def _equal_precision_width(variance: np.ndarray, n: float) -> np.ndarray:
    return np.sqrt(variance)


HALF_WIDTHS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "hall-wellner": _hall_wellner_width,
    "equal-precision": _equal_precision_width,
}
QUANTILES: dict[str, Callable[[float, float, float], float]] = {
    "hall-wellner": hall_wellner_quantile,
    "equal-precision": equal_precision_quantile,
}


def _stretch(part: pl.DataFrame, start: float | None, stop: float | None, method: str) -> tuple[float, float]:
    """The times between which the band is wanted, all of them with an estimate and its variance."""
    events = part.filter((pl.col("n_event") > 0) & (pl.col("estimate") > 0))["time"]
    if events.is_empty():
        raise DataError(
            "a group has no event with others still at risk, and so no variance",
            argument="curves",
            expected="an event in each group while somebody remains at risk",
            remedy="data.filter(...) without that group, in kaplan_meier(...) before",
        )
    first, last, seen = float(events[0]), float(events[-1]), float(part["time"][-1])
    ended = part["estimate"][-1] <= 0
    begin, end = first if start is None else start, last if stop is None else stop
    if (method == "equal-precision" and begin < first) or begin > last:
        raise DataError(
            f"{begin:g} is {'before' if begin < first else 'after'} the events of a group",
            argument="start",
            expected=f"a time from its first event at {first:g} to its last with others at risk at {last:g}",
            remedy=f"start={first:g}",
        )
    if end < begin or end > seen or (ended and end >= seen):
        raise DataError(
            f"{end:g} is not between the start of the band ({begin:g}) and the end of a group's curve",
            argument="stop",
            expected=f"a time before survival is 0 and not after the last follow-up ({seen:g}) of any group",
            remedy=f"stop={last:g}",
        )
    return begin, end


def _with_rows_at(part: pl.DataFrame, times: tuple[float, float]) -> dict[str, np.ndarray]:
    """The columns of one curve, with a row (nothing happens) at those times that have none."""
    names = ("time", "n_risk", "n_event", "n_censor", "estimate", "std_error")
    old = {name: part[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in names}
    new = np.setdiff1d(times, old["time"])
    at = np.searchsorted(old["time"], new)
    filled = {
        "time": new,
        "n_risk": np.append(old["n_risk"], 0.0)[at],
        "n_event": np.zeros(len(new)),
        "n_censor": np.zeros(len(new)),
        "estimate": np.append(1.0, old["estimate"])[at],
        "std_error": np.append(0.0, old["std_error"])[at],
    }
    return {name: np.insert(old[name], at, filled[name]) for name in names}


def _with_row_after(part: pl.DataFrame, stop: float) -> pl.DataFrame:
    """The same rows and one without limits right after `stop`, so that a step ends there."""
    here = part.filter(pl.col("time") == stop).with_columns(
        pl.lit(np.nextafter(stop, np.inf)).alias("time"),
        pl.col("n_risk") - pl.col("n_event") - pl.col("n_censor"),
        pl.lit(0.0).alias("n_event"),
        pl.lit(0.0).alias("n_censor"),
        pl.lit(None, dtype=pl.Float64).alias("conf_low"),
        pl.lit(None, dtype=pl.Float64).alias("conf_high"),
    )
    return pl.concat([part, here.select(part.columns)]).sort("time")


def _check_curves(curves: Any, method: str) -> None:
    remedy = "kaplan_meier(data, time=..., event=...), and its result as the first argument"
    if not isinstance(curves, Curves) or curves.quantity not in FALLING:
        raise DataError(
            f"a {curves.quantity if isinstance(curves, Curves) else type(curves).__name__} was given",
            argument="curves",
            expected="the survival curves of kaplan_meier",
            remedy=remedy,
        )
    if curves.cut_at:
        raise DataError(
            "the curves were cut for disclosure control",
            argument="curves",
            expected="whole curves",
            remedy="confidence_band(...) of the whole curves, and the cut after it",
        )
    n = curves.groups_frame["n"].cast(pl.Float64)
    if curves.variance != "greenwood" or not (n == n.round()).all():
        raise DataError(
            f"the curves have {curves.variance} variance"
            + ("" if (n == n.round()).all() else " and weights that are not whole numbers"),
            argument="curves",
            expected="Greenwood's variance of whole patients: bands are not known for weighted, clustered or "
            "other estimates",
            remedy="kaplan_meier(...) without weights, cluster and estimator",
        )
    late = any(part["n_risk"][0] < size for part, size in zip(curves._parts(), n, strict=True))
    if late and method == "hall-wellner":
        raise DataError(
            "the curves have delayed entry, where no single number of patients gives the band its shape",
            argument="method",
            column=curves.entry,
            expected="right-censored data for the Hall-Wellner band",
            remedy='method="equal-precision"',
        )


def _check_stretch(start: float | None, stop: float | None) -> None:
    for name, value, example in (("start", start, 0.0), ("stop", stop, 60.0)):
        if value is not None:
            check_number(value, argument=name, at_least=0.0, expected="a time of 0 or more", example=example)
