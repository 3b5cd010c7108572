"""Estimates along time: one curve per group, with what a reader asks of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from . import formats
from .errors import DataError, listed
from .numerics.steps import TOLERANCE, first_at_or_below
from .numerics.ties import as_known
from .options import check_number, check_times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

SHOWN_GROUPS = 6
FEW_GROUPS = 16
COUNTS = ("n", "n_event", "n_censor")
# The beginnings of quantities that are no probabilities, and not shown in percent.
NOT_A_SHARE = ("cumulative hazard", "mean number")
# Curves that start at 1 and fall; the others start at 0 and rise.
FALLING = ("survival", "under follow-up", "expected survival", "net survival", "relative survival")
INCIDENCE = "cumulative incidence"


class Result:
    """What every result shares: its text is also its HTML, escaped."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


@dataclass(frozen=True, slots=True, eq=False)
class Curves(Result):
    """Estimates along time, one curve per group.

    Attributes
    ----------
    frame
        Tidy: the `by` columns, [`cause`], `time`, `n_risk`, `n_event`, `n_censor`, `estimate`, `std_error`,
        `conf_low`, `conf_high`; one row per distinct observed time of a group.
    groups_frame
        One row per group: the `by` columns, [`cause`], `n`, `n_event`, `n_censor`.
    starts
        Where each group's rows begin in `frame`, and its height at the end.
    quantity
        What is estimated: "survival", "under follow-up", "cumulative hazard", ...
    patients
        One row: n, n_event and n_censor of all groups together, where groups share patients (predictions from
        the same data, groups that patients move between); None where their sum is right.
    predicted
        Whether a model predicted the curves. Then the counts are those of the data that it was fitted to, the
        same under every curve: they are in the frames, but stand under no figure and in no table.
    cut_at
        After disclosure control: the last time that is shown of each curve, None for one shown to its end.
        Beyond it everything is null, and `groups()` counts events and censored until then. Empty for curves
        that are whole.
    """

    frame: pl.DataFrame = field(repr=False)
    groups_frame: pl.DataFrame = field(repr=False)
    starts: np.ndarray = field(repr=False)
    quantity: str
    by: tuple[str, ...]
    time: str
    event: str
    conf_level: float
    conf_type: str
    variance: str
    method: str
    n_dropped: int = 0
    time_unit: str | None = None
    start_time: float = 0.0
    entry: str | None = None
    cut_at: tuple[float | None, ...] = ()
    patients: pl.DataFrame | None = field(default=None, repr=False)
    predicted: bool = False

    def to_frame(self) -> pl.DataFrame:
        """One row per group and distinct observed time."""
        return self.frame

    def groups(self) -> pl.DataFrame:
        """One row per group: its labels, n, events and censored (of a cut curve, until its cut)."""
        return self.groups_frame

    def summary(self) -> pl.DataFrame:
        """One row: n, events, exclusions, method, variance and confidence level of all groups together."""
        return self.totals().with_columns(
            n_groups=pl.lit(self.groups_frame.height),
            n_dropped=pl.lit(self.n_dropped),
            method=pl.lit(self.method),
            variance=pl.lit(self.variance),
            conf_type=pl.lit(self.conf_type),
            conf_level=pl.lit(self.conf_level),
        )

    def at(self, times: Any, *, extend: bool = False) -> pl.DataFrame:
        """The curve at given times, one row per group and time, in the order asked for.

        `n_risk` is just before the time (under delayed entry, just before the next observed time, as R's
        `summary.survfit` has it); `n_event` and `n_censor` count since the previous (smaller)
        requested time. After a group's last observed time the estimate is null, unless the curve has
        reached its end (survival 0; everybody had one of the causes) or `extend=True` carries it on. Beyond
        a cut all is null.
        """
        wanted = check_times(times)
        tables = enumerate(self._at_one(part, wanted, extend) for part in self._parts())
        return pl.concat([self._labelled(g, self._until_cut(g, table)) for g, table in tables])

    def quantile(self, probability: Any = 0.5) -> pl.DataFrame:
        """Times by which the event has happened with the given probabilities (0.5: the median).

        The first time at which the curve is at or below 1 - p; the middle of the flat stretch if it equals
        1 - p there. Limits invert the pointwise confidence limits (Brookmeyer and Crowley, Biometrics
        1982;38:29-41); null where the curve or its limit does not reach 1 - p.
        """
        self._needs_survival("quantile")
        asked = np.atleast_1d(np.asarray(probability, dtype=object))
        wanted = np.array(
            [
                check_number(p, argument="probability", above=0, below=1, expected="0 < p < 1", example=0.5)
                for p in asked.ravel()
            ]
        )
        return pl.concat(
            [self._labelled(g, self._quantiles(g, part, wanted)) for g, part in enumerate(self._parts())]
        )

    def risk_table(self, times: Any) -> pl.DataFrame:
        """Who is at risk at each time, and the events and censorings before it (cumulative).

        At risk is who is so just before the next observed time, which is just before the time itself unless
        there is delayed entry.

        Without delayed entry the three add up to n in every row; of several causes, once the events of all
        are added. Beyond a cut they are null.
        """
        wanted = check_times(times)
        tables = []
        for g, part in enumerate(self._parts()):
            time, at = part["time"].to_numpy(), {}
            before = np.searchsorted(time, wanted, side="left")
            for name in ("n_event", "n_censor"):
                at[name] = np.concatenate([[0.0], np.cumsum(part[name].to_numpy())])[before]
            frame = pl.DataFrame({"time": wanted, "n_risk": _n_risk(part, before), **at})
            tables.append(self._labelled(g, self._until_cut(g, frame)))
        return pl.concat(tables)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the curves with their risk table; see `hem.plots.draw_curves` for the options."""
        from .plots import draw_curves

        return draw_curves(self, ax=ax, **options)

    def plot_stacked(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw all causes or states above each other; see `hem.plots.draw_stacked` for the options."""
        from .plots import draw_stacked

        return draw_stacked(self, ax=ax, **options)

    def text(self, at: float | None = None, *, label: str | None = None, unit: str | None = None) -> str:
        """A sentence: the estimate at a time; without one the median, or what is known of all groups last."""
        if at is not None:
            what = "one time; curves.at([12, 24, 60]) tells several"
            at = check_number(at, argument="at", at_least=0, expected=what, example=12)
        name = label or self.quantity
        unit = unit or self.time_unit
        if at is None and self.quantity in FALLING:
            return self._median_text(name, unit)
        time = min(float(part["time"][-1]) for part in self._parts()) if at is None else at
        when = f"{time:g}" + (f"-{unit.removesuffix('s')}" if unit else "")
        rows = self.at(time).iter_rows(named=True)
        parts = [self._label(r) + self._value_text(r, g) for g, r in enumerate(rows)]
        if topic := self._topic():
            return self._of_each(topic, label, when, parts, bool(unit))
        sentence = f"{when} {name}" if unit else f"{name[:1].upper()}{name[1:]} at {when}:"
        return self._sentence(sentence, parts)

    def methods(self) -> str:
        """A sentence for the methods section: estimator, delayed entry, limits and variance."""
        name = self.quantity.removeprefix("under ")
        late = f", with delayed entry ({self.entry})" if self.entry else ""
        begin = f", among those still observed at {self.start_time:g}" if self.start_time else ""
        return (
            f"{name[:1].upper()}{name[1:]} ({self.event} by {self.time}) was estimated by "
            f"{self.method}{late}{begin}, with pointwise {formats.level(self.conf_level)} confidence limits "
            f"({self.conf_type}, {formats.proper(self.variance)} variance).{self._cut_text(' ')}"
        )

    def _cut_text(self, before: str = "") -> str:
        """Where the curves were cut, with what that means for their counts."""
        groups = self.groups_frame.select(self.by).rows() if self.by else [()] * len(self.cut_at)
        cuts = dict(zip(groups, self.cut_at, strict=False))  # the causes of a group are cut together
        ends = [f"{cut:g}" for cut in cuts.values() if cut is not None]
        if not ends:
            return ""
        where = listed(ends if len(set(ends)) > 1 else ends[:1], SHOWN_GROUPS)
        return f"{before}Cut at {where}, where too few remained at risk; events are counted until then."

    def __repr__(self) -> str:
        n, events = (formats.count(float(self.totals()[c][0])) for c in ("n", "n_event"))
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = (
            f"{self.method}: {self.quantity} ({self.event} by {self.time}), n={n}, events={events}{dropped}"
        )
        variance = formats.proper(self.variance)
        note = f"{formats.level(self.conf_level)} limits: {self.conf_type}, {variance} variance"
        lines = [self._repr_line(row) for row in self._overview().head(SHOWN_GROUPS).iter_rows(named=True)]
        left = self.groups_frame.height - SHOWN_GROUPS
        more = [f"  and {left} more"] if left > 0 else []
        cut = [self._cut_text()] if self._cut_text() else []
        return "\n".join([head, *lines, *more, note, *cut])

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that tell one curve from another: those of `by`, then a `cause` or `state`."""
        return tuple(c for c in self.groups_frame.columns if c not in COUNTS)

    def totals(self) -> pl.DataFrame:
        """One row: n, events and censored of all groups together."""
        if self.patients is not None:
            return self.patients
        return self.groups_frame.select(pl.col(COUNTS).sum())

    def _overview(self) -> pl.DataFrame:
        if self.quantity in FALLING and self.keys == self.by:
            median = self.quantile(0.5).select("estimate", "conf_low", "conf_high")
            return pl.concat([self.groups_frame, median], how="horizontal")
        last = pl.concat([part.tail(1) for part in self._parts()])
        kept = last.select("time", "estimate", "conf_low", "conf_high")
        return pl.concat([self.groups_frame, kept], how="horizontal")

    def _repr_line(self, row: dict[str, Any]) -> str:
        label = ", ".join(f"{k}={row[k]}" for k in self.keys) or "all"
        values = [formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high")]
        what = f"at {formats.significant(row['time'])}: " if "time" in row else "median "
        counts = f"n={formats.count(row['n'])}, events={formats.count(row['n_event'])}, "
        value = f"{what}{values[0]} ({values[1]} to {values[2]})"
        return f"  {label}: {'' if self.predicted else counts}{value}"

    def _parts(self) -> Iterator[pl.DataFrame]:
        for begin, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield self.frame[int(begin) : int(end)]

    def _labelled(self, group: int, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.keys:
            return frame
        labels = self.groups_frame.select(self.keys)[np.full(frame.height, group)]
        return pl.concat([labels, frame], how="horizontal")

    def _at_one(self, part: pl.DataFrame, wanted: np.ndarray, extend: bool) -> pl.DataFrame:
        time, asked = part["time"].to_numpy(), wanted
        wanted = as_known(asked, time)
        upto = np.searchsorted(time, wanted, side="right")
        begin = 1.0 if self.quantity in FALLING else 0.0
        carried = extend or self._has_ended(part)
        unknown = (wanted < self.start_time) | ((wanted > time[-1]) & (not carried))
        columns: dict[str, np.ndarray] = {"time": asked}
        columns["n_risk"] = _n_risk(part, np.searchsorted(time, wanted, side="left"))
        for name in ("n_event", "n_censor"):
            columns[name] = _since_previous(part[name].to_numpy(), upto, wanted)
        first = {"estimate": begin, "std_error": 0.0, "conf_low": begin, "conf_high": begin}
        for name, value in first.items():
            values = np.concatenate([[value], part[name].to_numpy()])[upto]
            columns[name] = np.where(unknown, np.nan, values)
        return pl.DataFrame(columns).with_columns(pl.col(*first).fill_nan(None))

    def _has_ended(self, part: pl.DataFrame) -> bool:
        """Whether a curve is known after its last time: everybody still there has had an event."""
        if self.quantity in FALLING:
            last = part["estimate"][-1]
            return last is not None and last <= 0
        return self.quantity.endswith(INCIDENCE) and not self.predicted and part["n_censor"][-1] == 0

    def _until_cut(self, group: int, table: pl.DataFrame) -> pl.DataFrame:
        """Null for what a cut curve does not tell: after the cut, and before its start."""
        if not self.cut_at:
            return table
        cut = self.cut_at[group]
        told = pl.col("time").is_between(self.start_time, np.inf if cut is None else cut)
        return table.with_columns(
            pl.when(told).then(pl.col(c)).alias(c) for c in table.columns if c != "time"
        )

    def _quantiles(self, group: int, part: pl.DataFrame, wanted: np.ndarray) -> pl.DataFrame:
        time = part["time"].to_numpy()
        columns: dict[str, Any] = {"quantile": wanted}
        cut = bool(self.cut_at) and self.cut_at[group] is not None
        for name in ("estimate", "conf_low", "conf_high"):
            curve = part[name].to_numpy()
            # The end of a flat stretch that a cut has hidden is not known, nor then its middle.
            last = curve[-1] if cut else np.nan
            columns[name] = [
                None if abs(last - (1 - p)) <= TOLERANCE else first_at_or_below(time, curve, 1 - p)
                for p in wanted
            ]
        schema = dict.fromkeys(columns, pl.Float64)
        return pl.DataFrame(columns, schema=schema)

    def _needs_survival(self, what: str) -> None:
        if self.quantity not in FALLING:
            raise DataError(
                f"{what} was asked of a {self.quantity}",
                argument="curves",
                expected="a survival curve",
                remedy="kaplan_meier(...) with the same arguments",
            )

    def _median_text(self, name: str, unit: str | None) -> str:
        parts = []
        for g, row in enumerate(self.quantile(0.5).iter_rows(named=True)):
            median, low, high = (row[k] for k in ("estimate", "conf_low", "conf_high"))
            text = formats.interval(median, low, high, _decimals([median, low, high]))
            first, _, limits = text.partition(" ")
            cut = self.cut_at[g] if self.cut_at else None
            unknown = "not reached" if cut is None else f"not known by {cut:g}, where the curve was cut"
            value = unknown if median is None else f"{first} {unit}" if unit else first
            parts.append(self._label(row) + formats.with_level(f"{value} {limits}".strip(), self.conf_level))
        what = name.removeprefix("under ")  # the median of being under follow-up is the median follow-up
        return self._sentence(f"Median {what}", parts)

    def _of_each(self, topic: str, label: str | None, when: str, parts: list[str], with_unit: bool) -> str:
        """`24-month cumulative incidence of relapse: A 39%; B 24%; of death: A 37%; B 46%`.

        Of states: `365-day probability of being in remission: A 31%; B 40%`.
        """
        told: dict[Any, list[str]] = {}
        for key, part in zip(self.groups_frame[topic], parts, strict=True):
            told.setdefault(key, []).append(part)
        name, of = (self.quantity, "of") if topic == "cause" else ("probability", "of being in")
        each = [f"{of} {key if isinstance(key, str) else f'{topic} {key}'}" for key in told]
        first = f"{when} {label or name} {each[0]}"
        if not with_unit:
            text = label or name
            first = f"{text[:1].upper()}{text[1:]} {each[0]} at {when}"
        return "; ".join(
            f"{beginning}: {'; '.join(values)}"
            for beginning, values in zip([first, *each[1:]], told.values(), strict=True)
        )

    def _sentence(self, beginning: str, parts: list[str]) -> str:
        if self._ends_in_number():
            return f"{beginning.removesuffix(':')}, {'; '.join(parts)}"
        colon = ":" if self.by and not beginning.endswith(":") else ""
        return f"{beginning}{colon} {'; '.join(parts)}"

    def _value_text(self, row: dict[str, Any], group: int) -> str:
        if row["estimate"] is None:
            cut = bool(self.cut_at) and self.cut_at[group] is not None
            if row["time"] < self.start_time:
                return f"not estimable (before {self.start_time:g}, where the curve begins)"
            return "not shown (the curve was cut)" if cut else "not estimable (after the last follow-up)"
        if row["estimate"] == 1 and row["std_error"] == 0 and self.quantity in FALLING:
            return "100% (no event so far)"
        share = not self.quantity.startswith(NOT_A_SHARE)
        value = formats.interval(
            row["estimate"], row["conf_low"], row["conf_high"], 1 if share else 2, scale=100 if share else 1
        )
        first, _, rest = value.partition(" ")
        return formats.with_level(f"{first}{'%' if share else ''} {rest}", self.conf_level)

    def _label(self, row: dict[str, Any]) -> str:
        keys = self._group_keys()
        label = str(row[keys[0]]) if len(keys) == 1 else ", ".join(f"{k}={row[k]}" for k in keys)
        label = f"from {label}" if keys == ["from_state"] else label
        return f"{label}{':' if self._ends_in_number() else ''} " if keys else ""

    def _ends_in_number(self) -> bool:
        """Whether a label would run into the number after it: "Below 10 35 months"."""
        last = self._group_keys()[-1:]
        return any(str(label)[-1:].isdigit() for key in last for label in self.groups_frame[key])

    def _group_keys(self) -> list[str]:
        """The keys of a curve but its cause or state, which a sentence names first."""
        return telling(self.groups_frame, [key for key in self.keys if key != self._topic()])

    def _topic(self) -> str | None:
        """What a sentence is about, where there are several: causes or states."""
        return next((key for key in ("cause", "state") if key in self.keys), None)


def telling(frame: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """The keys that tell groups of curves apart: not the state from which they all begin, beside others."""
    begin = "from_state"
    same = len(keys) > 1 and begin in keys and frame[begin].n_unique() == 1
    return [key for key in keys if not (same and key == begin)]


def curves_frame(
    levels: pl.DataFrame, parts: Sequence[dict[str, np.ndarray]]
) -> tuple[pl.DataFrame, np.ndarray]:
    """The tidy frame of several groups' columns, with their labels in front; and where each begins."""
    lengths = np.array([len(part["time"]) for part in parts])
    undefined = [name for name in ("estimate", "std_error", "conf_low", "conf_high") if name in parts[0]]
    # few groups are left in their own pieces of memory, which saves copying millions of rows
    many = len(parts) > FEW_GROUPS
    frame = pl.concat([pl.DataFrame(part) for part in parts], rechunk=many)
    frame = frame.with_columns(pl.col(undefined).fill_nan(None))
    if levels.width:
        labels = (
            pl.DataFrame([s.new_from_index(g, int(n)) for s in levels.get_columns()])
            for g, n in enumerate(lengths)
        )
        frame = pl.concat([pl.concat(labels, rechunk=many), frame], how="horizontal")
    return frame, np.concatenate([[0], np.cumsum(lengths)])


def _n_risk(part: pl.DataFrame, index: np.ndarray) -> np.ndarray:
    """At risk at the next observed time, 0 after the last one."""
    return np.append(part["n_risk"].to_numpy(), 0.0)[index]


def _since_previous(counts: np.ndarray, upto: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Counts between each requested time and the previous smaller one."""
    order = np.argsort(wanted, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(counts)])[upto][order]
    result = np.empty(len(wanted))
    result[order] = np.diff(total, prepend=0.0)
    return result


def _decimals(times: list[float | None]) -> int:
    """Decimals for times: none for whole ones, else by their size."""
    known = [t for t in times if t is not None]
    return 0 if all(float(t).is_integer() for t in known) else formats.decimals_for(known[0])
