"""Hospitals compared by control limits around a target: funnel plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtri

from .. import formats
from ..columns import Groups, group_rows, read_number, read_table
from ..errors import DataError, counted, listed
from ..events import read_counts
from ..numerics import funnel as kernel
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import read_duration
from ..results import Result
from .totals import refuse_person_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..columns import Column, Columns, Table

OverDispersion = Literal["none", "multiplicative", "additive"]
FunnelLimits = Literal["interpolated", "exact"]
LIMITS = {"interpolated": kernel.exact_limits, "exact": kernel.strict_limits}
TOLD = {
    "interpolated": "exact control limits, interpolated between counts",
    "exact": "exact control limits, beyond each of which chance leaves no more than its share",
}
SIZES = 200  # points along a limit that is drawn
FEW_UNITS = 5
QUANTITIES = {"n": "proportion", "person_time": "rate", "expected": "observed over expected"}


@dataclass(frozen=True, slots=True, eq=False)
class Funnel(Result):
    """Units with their estimates, and the limits between which chance alone would leave them.

    Attributes
    ----------
    frame
        One row per unit: its name, its size (`n`, `person_time` or `expected`), `n_event`, `estimate`, and
        `outside`: the highest level of the limits that it is outside of, null within all.
    size
        The name of the size.
    target
        What the units are compared with.
    levels
        Levels of the limits.
    dispersion
        Mean squared standardised distance of the units from the target, the ends winsorised, and 1 where
        that is no more: units that differ by chance have 0.7, less than 1 because of the winsorising.
    between
        Variance between units on the scale of the limits (additive over-dispersion), else 0.
    """

    frame: pl.DataFrame = field(repr=False)
    unit: str
    size: str
    target: float
    levels: tuple[float, ...]
    over_dispersion: str
    conf_type: str
    dispersion: float
    between: float
    n_dropped: int

    @property
    def quantity(self) -> str:
        """What is compared: "proportion", "rate" or "observed over expected"."""
        return QUANTITIES[self.size]

    def to_frame(self) -> pl.DataFrame:
        """One row per unit."""
        return self.frame

    def summary(self) -> pl.DataFrame:
        """One row: what was compared, with which target, and how units differ."""
        return pl.DataFrame(
            {
                "name": [self.quantity],
                "n_units": [self.frame.height],
                "n_event": [int(self.frame["n_event"].sum())],
                "target": [self.target],
                "dispersion": [self.dispersion],
                "over_dispersion": [self.over_dispersion],
                "n_dropped": [self.n_dropped],
            }
        )

    def limits(self, sizes: Any = None) -> pl.DataFrame:
        """Limits at sizes of units (default: of the smallest to the largest), one row per level and size.

        Columns `level`, the name of the size, `conf_low` and `conf_high`.
        """
        if sizes is None:
            smallest, largest = float(self.frame[self.size].min()), float(self.frame[self.size].max())  # type: ignore[arg-type]
            sizes = np.linspace(smallest, largest, SIZES)
            sizes = np.unique(np.round(sizes)) if self.size == "n" else sizes
        at = np.atleast_1d(np.asarray(sizes, dtype=float))
        parts = []
        for level in self.levels:
            low, high = self._limits(at, level)
            parts.append(pl.DataFrame({"level": level, self.size: at, "conf_low": low, "conf_high": high}))
        return pl.concat(parts)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the units and their limits; see `hem.plots.draw_funnel`."""
        from ..plots import draw_funnel

        return draw_funnel(self, ax=ax, **options)

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: how many units are outside of each level."""
        outside = self.frame["outside"]
        counts = [
            f"{int((outside >= level).sum())} outside of the {formats.level(level)} limits"
            for level in self.levels
        ]
        head = f"{self.quantity} by {self.unit}, target {formats.number(self.target, decimals)}"
        return f"{head}, {self.frame.height} units: {', '.join(counts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        levels = " and ".join(formats.level(level) for level in self.levels)
        how = {
            "none": TOLD[self.conf_type],
            "multiplicative": "control limits widened for multiplicative over-dispersion",
            "additive": "control limits widened for variance between units",
        }[self.over_dispersion]
        return f"Units were compared with the target in a funnel plot with {how}, at the levels {levels}."

    def _limits(self, size: np.ndarray, level: float) -> kernel.Limits:
        d = kernel.BINOMIAL if self.size == "n" else kernel.POISSON
        low, high = LIMITS[self.conf_type](d, size, self.target, (1 - level) / 2)
        if self.over_dispersion == "none":
            return low, high
        factor = self.dispersion if self.over_dispersion == "multiplicative" else 1.0
        z = float(ndtri(0.5 + level / 2))
        wider = kernel.spread_limits(d, size, self.target, z, factor=factor, between=self.between)
        return np.minimum(low, wider[0]), np.maximum(high, wider[1])

    def __repr__(self) -> str:
        beyond = self.frame.filter(pl.col("outside").is_not_null()).sort("outside", descending=True)
        names = [
            f"  {row[self.unit]}: {formats.significant(row['estimate'])}, outside of "
            f"{formats.level(row['outside'])}"
            for row in beyond.head(6).iter_rows(named=True)
        ]
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        target = formats.significant(self.target)
        head = f"{self.quantity} of {self.frame.height} units, target {target}{dropped}"
        how = "exact limits" if self.over_dispersion == "none" else f"{self.over_dispersion} in the limits"
        spread = f"dispersion {formats.significant(self.dispersion)}, {how}"
        return "\n".join([head, *(names or ["  all within the limits"]), spread])


def funnel(
    data: Any,
    *,
    unit: Column,
    events: Column,
    n: Column | None = None,
    person_time: Column | None = None,
    expected: Column | None = None,
    target: float | None = None,
    levels: Sequence[float] = (0.95, 0.998),
    over_dispersion: OverDispersion = "none",
    conf_type: FunnelLimits = "interpolated",
    missing: Missing = "raise",
) -> Funnel:
    """Units such as hospitals, and the control limits within which chance alone leaves them (funnel plot).

    A unit whose share, rate or ratio is outside of the limits differs from the target by more than chance
    makes likely at its size; it is a question and no answer, and no league table. Where patients differ
    between units, compare observed with `expected` events from a model of the case mix. Of 20 units one is
    outside of the 95 % limits by chance.

    Parameters
    ----------
    data
        Any table; rows are added up within a unit.
    unit
        The column of the units. Their names are shown.
    events
        Number of events of the row, or true/false for one patient.
    n, person_time, expected
        One of them: the number of patients of the row, the time they were seen, or the expected number of
        events. None of them: each row is one patient.
    target
        What is aimed at; default the share or rate of all units together, and 1 for observed over expected.
    levels
        Levels of the limits.
    over_dispersion
        "none": those of chance alone. Where most units differ by more than chance, for reasons that nobody
        measured, these call too many of them outside: "multiplicative" multiplies the variance by the
        dispersion, "additive" adds a variance between units. Both work on a scale of equal variance (arcsine,
        square root), never narrow the limits, and leave them as they are where the winsorised dispersion is
        below 1, that is unless the variance is half as large again as by chance.
    conf_type
        "interpolated": Spiegelhalter's limits, as published. A small unit is above them by chance more often
        than half of 1 - level has it, and below them less often: three times as often where one or two
        events are expected, 1.4 times where 20 are. "exact": one event more at the upper limit, beyond which
        chance then leaves no more than its half.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Funnel
        `.to_frame()`: units with `estimate` and the level they are `outside` of; `.limits()`; `.plot()`.

    Raises
    ------
    DataError
        More than one size, more events than patients, units of no size, a target that is none, fewer than two
        units (five for over-dispersion).

    References
    ----------
    Spiegelhalter DJ. Stat Med 2005;24:1185-1202; Qual Saf Health Care 2005;14:347-351.

    Examples
    --------
    Deaths within 100 days of transplantation in hospitals that differ by chance, but for one.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> hospitals = pl.DataFrame(
    ...     {
    ...         "hospital": ["A", "B", "C", "D", "E", "F"],
    ...         "deaths": [4, 9, 11, 30, 14, 2],
    ...         "transplants": [40, 82, 120, 130, 151, 25],
    ...     }
    ... )
    >>> funnel = hem.epidemiology.funnel(hospitals, unit="hospital", events="deaths", n="transplants")
    >>> funnel
    proportion of 6 units, target 0.1277
      D: 0.2308, outside of 99.8%
    dispersion 1, exact limits
    >>> funnel.limits([100]).select("level", pl.col("conf_low", "conf_high").round(3)).rows()
    [(0.95, 0.061, 0.192), (0.998, 0.031, 0.236)]
    """
    check_choice(over_dispersion, OverDispersion, argument="over_dispersion")
    check_choice(conf_type, FunnelLimits, argument="conf_type")
    checked = _checked_levels(levels)
    given = {"n": n, "person_time": person_time, "expected": expected}
    kind = _kind([name for name, column in given.items() if column is not None])
    roles: dict[str, Columns] = {"unit": unit, "events": events, **given}
    table = read_table(data, roles, missing=missing)
    group, count = group_rows(table, "unit"), read_counts(table)
    size = np.bincount(group.code, _read_size(table, kind, count), len(group))
    observed = np.bincount(group.code, count, len(group))
    _refuse_units(table, kind, group, observed, size, over_dispersion)
    aim = _target(target, kind, observed, size)
    d = kernel.BINOMIAL if kind == "n" else kernel.POISSON
    factor, between = kernel.dispersion(d, observed, size, aim)
    result = Funnel(
        frame=_frame(group, kind, size, observed),
        unit=table.name("unit"),
        size=kind,
        target=aim,
        levels=checked,
        over_dispersion=over_dispersion,
        conf_type=conf_type,
        dispersion=factor,
        between=between if over_dispersion == "additive" else 0.0,
        n_dropped=table.n_dropped,
    )
    return _with_outside(result, size)


def _checked_levels(levels: Any) -> tuple[float, ...]:
    given = levels if isinstance(levels, list | tuple) else [levels]
    return tuple(sorted(check_conf_level(level) for level in given))


def _kind(given: list[str]) -> str:
    if len(given) < 2:
        return given[0] if given else "n"
    raise DataError(
        f"{' and '.join(given)} were given",
        argument=given[1],
        expected="one size of the units: n, person_time or expected",
        remedy=f"{given[1]}=None",
    )


def _read_size(table: Table, kind: str, count: np.ndarray) -> np.ndarray:
    """What the events of every row are compared with."""
    if kind == "person_time":
        time = read_duration(table, "person_time")[0]
        refuse_person_time(table, count, time)
        return time
    if kind == "expected":
        expected = read_number(table, "expected", what="expected numbers of events", example="expected='e'")
        bad = ~(np.isfinite(expected) & (expected >= 0))
        if bad.any():
            raise DataError(
                f"has {counted(int(bad.sum()), 'value')} that are negative or infinite",
                argument="expected",
                column=table.name("expected"),
                rows=table.positions(bad),
                expected="expected numbers of events, of 0 or more",
                remedy="the sum of predicted risks of the patients",
            )
        return expected
    n = read_counts(table, "n") if "n" in table else np.ones(len(count))
    more = count > n
    if more.any():
        raise DataError(
            f"has more events than patients in {counted(int(more.sum()), 'row')}",
            argument="events",
            column=table.name("events"),
            rows=table.positions(more),
            expected="at most one event per patient",
            remedy="person_time=... where a patient may have several",
        )
    return n


def _refuse_units(
    table: Table, kind: str, group: Groups, observed: np.ndarray, size: np.ndarray, over_dispersion: str
) -> None:
    needed = 2 if over_dispersion == "none" else FEW_UNITS
    if len(group) < needed:
        raise DataError(
            f"holds {counted(len(group), 'unit')}",
            argument="unit",
            column=table.name("unit"),
            expected=f"{needed} units or more" + (" to see how they differ" if needed > 2 else ""),
            remedy="over_dispersion='none'"
            if needed > 2
            else "hem.epidemiology.proportion(...) for one unit",
        )
    empty = size <= 0
    if empty.any():
        names = [repr(name) for name, none in zip(group.labels(), empty, strict=True) if none]
        raise DataError(
            f"adds up to 0 in {listed(names)}",
            argument=kind,
            column=table.name(kind) if kind in table else None,
            expected="a size above 0 of every unit",
            remedy="data.filter(...) to the units with patients",
        )


def _target(target: float | None, kind: str, observed: np.ndarray, size: np.ndarray) -> float:
    """The target, within its bounds: above 0, and below 1 for a share."""
    pooled = float(observed.sum() / size.sum())
    aim = (1.0 if kind == "expected" else pooled) if target is None else target
    highest = 1.0 if kind == "n" else np.inf
    if target is None and not 0 < aim < highest:
        raise DataError(
            "nobody had the event" if aim == 0 else "everybody had the event",
            argument="events",
            expected="some events, or a target",
            remedy="target=0.1",
        )
    return check_number(
        aim, argument="target", above=0.0, below=highest, example=0.1,
        expected="a share between 0 and 1" if kind == "n" else "a number above 0",
    )  # fmt: skip


def _frame(group: Groups, kind: str, size: np.ndarray, observed: np.ndarray) -> pl.DataFrame:
    shown = pl.Series(kind, size).cast(pl.Int64) if kind == "n" else pl.Series(kind, size)
    values = [shown, pl.Series("n_event", observed).cast(pl.Int64), pl.Series("estimate", observed / size)]
    return group.levels.with_columns(values)


def _with_outside(f: Funnel, size: np.ndarray) -> Funnel:
    """The same funnel, its units with the highest level they are outside of."""
    estimate, outside = f.frame["estimate"].to_numpy(), np.full(len(size), np.nan)
    for level in f.levels:
        low, high = f._limits(size, level)
        outside = np.where((estimate < low) | (estimate > high), level, outside)
    frame = f.frame.with_columns(outside=pl.Series(outside).fill_nan(None))
    return replace(f, frame=frame)
