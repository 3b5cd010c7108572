"""What is to be drawn: curves as plain arrays with a label each, from a result or its tidy frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import RESERVED, as_frame
from ..curves import FALLING, telling
from ..errors import DataError, listed
from ..formats import MISSING
from ..numerics.steps import first_at_or_below
from ..results import Curves
from .ticks import at_risk_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEEDED = ("time", "estimate", "n_risk", "n_event", "n_censor")
SPLITS = ("cause", "state")
COUNTED = ("time", "n_risk", "n_event", "n_censor")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One curve: its labels, and one entry per observed time in every array."""

    label: str
    group: int  # position of its group: one row block of the risk table, one colour
    split: int  # position of its cause or state among all: one line style
    n: float
    median: float | None
    time: np.ndarray
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_censor: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """All curves of one picture and what they have in common."""

    lines: tuple[Line, ...]
    groups: tuple[str, ...]  # labels of the groups, "" for everybody
    at_risk: tuple[tuple[np.ndarray, np.ndarray], ...]  # of each group: times, and how many just before
    split: str | None  # the column of causes or states
    kinds: tuple[Any, ...]  # the causes or states, none where curves have none
    splits: tuple[str, ...]  # their labels, "" where there are none
    quantity: str
    by: tuple[str, ...]
    start_time: float
    time_name: str | None
    time_unit: str | None
    conf_level: float | None
    source: Curves | pl.DataFrame

    @property
    def falling(self) -> bool:
        """Whether the curves start at 1 and fall."""
        return falls(self.quantity)

    @property
    def has_median(self) -> bool:
        """Whether the curves fall for good; one that describes the current state can rise again."""
        return self.falling and not self.quantity.startswith("current")

    @property
    def only_cause(self) -> str:
        """The one cause or state of all curves of several groups, which their labels leave out; else ""."""
        if self.split is None or len(self.kinds) > 1 or self.groups == ("",):
            return ""
        kind, label = self.kinds[0], self.splits[0]
        return label if isinstance(kind, str) or label != str(kind) else f"{self.split} {label}"

    @property
    def predicted(self) -> bool:
        """Whether a model predicted the curves."""
        return isinstance(self.source, Curves) and self.source.predicted

    @property
    def same_events(self) -> bool:
        """Whether the events of all causes are the same ones, since nobody knows the cause of any."""
        return not getattr(self.source, "causes_known", True)

    @property
    def shared(self) -> bool:
        """Whether all groups are the same patients: those predicted for, or those followed from any state."""
        firsts = {line.split: line for line in reversed(self.lines)}
        return (self.predicted or self.by == ("from_state",)) and all(
            np.array_equal(getattr(line, name), getattr(firsts[line.split], name))
            for line in self.lines
            for name in COUNTED
        )

    def risk_table(self, times: Any) -> pl.DataFrame:
        """At risk just before each time, events and censorings before it; once for shared patients."""
        if isinstance(self.source, Curves):
            table = self.source.risk_table(times)
        else:
            keys = [c for c in self.source.columns if c in (*self.by, *SPLITS)]
            table = _risk_table(self.source, keys, times)
        if not self.shared:
            return table
        once = table.drop(self.by)
        return once.unique([c for c in once.columns if c in (*SPLITS, "time")], maintain_order=True)


def falls(quantity: str) -> bool:
    """Whether a quantity starts at 1 and falls: any kind of survival, or being under follow-up."""
    return quantity in FALLING or quantity.endswith("survival")


def read_drawing(
    curves: Any,
    *,
    by: str | Sequence[str] | None,
    quantity: str | None,
    labels: Mapping[Any, str] | None,
    cause: Any = None,
) -> Drawing:
    """Curves or a tidy frame as a `Drawing`; what is not such a table is refused."""
    known = curves if isinstance(curves, Curves) else None
    frame = known.to_frame() if known else as_frame(curves).lazy().collect()
    check_table(frame, NEEDED, "curves", "kaplan_meier(...).plot()")
    own = tuple(c for c in known.keys if c not in SPLITS) if known else ()
    groups_by = own if known and by is None else grouping_columns(frame, by)
    what = quantity or (known.quantity if known else "survival")
    group_keys = distinct(frame, groups_by)
    named = group_names(frame, groups_by, group_keys, labels)
    _check_labels(labels, named, group_keys, frame)
    split = split_column(frame)
    kinds = distinct(_only_cause(frame, cause), (split,)) if split else [()]
    sizes = [_size(rows_of(known.groups() if known else frame, groups_by, key), split) for key in group_keys]
    lines = tuple(_lines(frame, group_keys, named, groups_by, split, kinds, labels, falls(what), sizes))
    return Drawing(
        lines,
        named,
        tuple(_at_risk(rows_of(frame, groups_by, key), split) for key in group_keys),
        split,
        tuple(kind[0] for kind in kinds if kind),
        tuple(split_label(kind, labels) for kind in kinds),
        what,
        groups_by,
        known.start_time if known else 0.0,
        known.time if known else None,
        known.time_unit if known else None,
        known.conf_level if known else None,
        known or frame,
    )


def split_column(frame: pl.DataFrame) -> str | None:
    """The column that tells causes or states apart, if there is one."""
    return next((c for c in SPLITS if c in frame.columns), None)


def split_label(key: tuple[Any, ...], labels: Mapping[Any, str] | None = None) -> str:
    """A cause or state, or what the user calls it; "" where there are none."""
    return str((labels or {}).get(key[0], key[0])) if key else ""


def group_label(key: tuple[Any, ...], by: Sequence[str], labels: Mapping[Any, str] | None = None) -> str:
    """`A`, `flt3=1`, `sex=F, arm=A` or `from remission`, or what the user calls it."""
    texts = [MISSING if v is None else f"{v:g}" if isinstance(v, float) else str(v) for v in key]
    if len(by) == 1 and isinstance(key[0], str):
        label = f"from {texts[0]}" if by[0] == "from_state" else texts[0]
    else:
        label = ", ".join(f"{name}={text}" for name, text in zip(by, texts, strict=True))
    given = labels or {}
    return next((str(given[k]) for k in (key, key[0] if len(key) == 1 else key, label) if k in given), label)


def group_names(
    frame: pl.DataFrame,
    by: tuple[str, ...],
    keys: Sequence[tuple[Any, ...]],
    labels: Mapping[Any, str] | None,
) -> tuple[str, ...]:
    """What the groups are called, by the columns that tell them apart."""
    told = telling(frame, by)
    shown = [tuple(v for name, v in zip(by, key, strict=True) if name in told) for key in keys]
    return tuple(group_label(key, told, labels) for key in shown)


def check_table(frame: pl.DataFrame, needed: Sequence[str], argument: str, remedy: str) -> None:
    """Refuse a table that lacks a column or has no rows."""
    missing = [name for name in needed if name not in frame.columns]
    if missing or not frame.height:
        raise DataError(
            f"the table has no {listed(map(repr, missing)) if missing else 'rows'}",
            argument=argument,
            expected=f"a table with {listed(map(repr, needed), 8)}",
            remedy=remedy,
        )


def grouping_columns(frame: pl.DataFrame, by: str | Sequence[str] | None) -> tuple[str, ...]:
    """The grouping columns asked for, else all columns with a name that no result uses itself."""
    there = [c for c in frame.columns if c not in RESERVED or c == "from_state"]
    if by is None:
        return tuple(there)
    names = (by,) if isinstance(by, str) else tuple(by)
    for name in names:
        if name not in frame.columns:
            raise DataError(
                "no such column is in the table",
                argument="by",
                column=name,
                expected=f"one of {listed(map(repr, there))}" if there else "a table made with groups",
                remedy="by=None for the columns that the result was made by",
            )
    return names


def _only_cause(frame: pl.DataFrame, cause: Any) -> pl.DataFrame:
    split = split_column(frame)
    if cause is None or split is None:
        return frame
    wanted = [cause] if isinstance(cause, str | int) else list(cause)
    there = frame[split].unique(maintain_order=True).to_list()
    unknown = [c for c in wanted if c not in there]
    if unknown:
        raise DataError(
            f"{unknown[0]!r} does not occur",
            argument="cause",
            column=split,
            expected=f"one of {listed(map(repr, there))}",
            remedy=f"cause={there[0]!r}",
        )
    return frame.filter(pl.col(split).is_in(wanted))


def _check_labels(
    labels: Any, named: Sequence[str], keys: Sequence[tuple[Any, ...]], frame: pl.DataFrame
) -> None:
    """A label for a group that is not there is a misprint, and would leave the real one unnamed."""
    known = {*named, *keys, *(key[0] for key in keys if len(key) == 1)}
    known |= {v for c in SPLITS if c in frame.columns for v in frame[c].unique().to_list()}
    known |= {group_label(key, ()) for key in keys if not key}
    strays = [k for k in labels or {} if k not in known and str((labels or {})[k]) not in named]
    if strays:
        raise DataError(
            f"{strays[0]!r} is not a group",
            argument="labels",
            expected=f"names of {listed(map(repr, named))}",
            remedy=f"labels={{{named[0]!r}: 'Name'}}",
        )


def distinct(frame: pl.DataFrame, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The distinct values of some columns in order of appearance; one empty key without columns."""
    return list(frame.select(names).unique(maintain_order=True).iter_rows()) if names else [()]


def _lines(
    frame: pl.DataFrame,
    keys: Sequence[tuple[Any, ...]],
    named: Sequence[str],
    by: Sequence[str],
    split: str | None,
    kinds: Sequence[tuple[Any, ...]],
    labels: Mapping[Any, str] | None,
    falling: bool,
    sizes: Sequence[float],
) -> list[Line]:
    lines = []
    for g, key in enumerate(keys):
        part = rows_of(frame, by, key)
        for s, kind in enumerate(kinds):
            one = rows_of(part, (split,) if split else (), kind)
            told = "" if named[g] and len(kinds) == 1 else split_label(kind, labels)
            words = ": ".join(w for w in (named[g], told) if w)
            if one.height:
                lines.append(_line(one, words, g, s, sizes[g], falling))
    return lines


def rows_of(frame: pl.DataFrame, names: Sequence[str], key: Sequence[Any]) -> pl.DataFrame:
    """The rows of one group."""
    tests = [pl.col(n).eq_missing(pl.lit(v)) for n, v in zip(names, key, strict=True)]
    return frame.filter(*tests) if tests else frame


def _at_risk(part: pl.DataFrame, split: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Who is at risk in a group; in any state, where each state has patients of its own."""
    kinds = [rows_of(part, (split,), kind) for kind in distinct(part, (split,))] if split else [part]
    time, counts = kinds[0]["time"], [one["n_risk"] for one in kinds]
    apart = any(not one.equals(counts[0]) for one in counts) and {len(one) for one in counts} == {len(time)}
    n_risk = pl.Series(np.sum([one.to_numpy() for one in counts], axis=0)) if apart else counts[0]
    return time.cast(pl.Float64).to_numpy(), n_risk.cast(pl.Float64).to_numpy()


def _size(part: pl.DataFrame, split: str | None) -> float:
    """How many patients a group has: as its result says, or as its rows do.

    Everybody ends with an event (of one of the causes) or is censored (counted in each cause's rows). Where
    rows of a cause are left out, those at risk at first are more than these; and those who move between
    states have several events.
    """
    if "n" in part.columns:
        return float(part["n"][0])
    first = part.filter(pl.col(split).eq_missing(part[split].head(1))) if split else part
    ended = float(part["n_event"].sum()) + float(first["n_censor"].sum())
    at_first = float(_at_risk(part, split)[1].max())
    return at_first if split == "state" else max(ended, at_first) if split else ended


def _line(part: pl.DataFrame, label: str, group: int, split: int, n: float, falling: bool) -> Line:
    def array(name: str) -> np.ndarray:
        if name not in part.columns:
            return np.full(part.height, np.nan)
        return part[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    columns = {name: array(name) for name in NEEDED}
    median = first_at_or_below(columns["time"], columns["estimate"], 0.5) if falling else None
    return Line(
        label, group, split, n, median, columns["time"], columns["estimate"], array("conf_low"),
        array("conf_high"), columns["n_risk"], columns["n_event"], columns["n_censor"],
    )  # fmt: skip


def _risk_table(frame: pl.DataFrame, keys: Sequence[str], times: Any) -> pl.DataFrame:
    """The risk table that a tidy frame holds; as `Curves.risk_table` gives it."""
    wanted = np.atleast_1d(np.asarray(times, dtype=float))
    tables = []
    for key in distinct(frame, keys):
        part = rows_of(frame, keys, key)
        time = part["time"].cast(pl.Float64).to_numpy()
        before = np.searchsorted(time, wanted * (1 - 1.5e-8), side="left")
        counts = {
            name: np.concatenate([[0.0], np.cumsum(part[name].to_numpy())])[before]
            for name in ("n_event", "n_censor")
        }
        at_risk = at_risk_at(time, part["n_risk"].cast(pl.Float64).to_numpy(), wanted)
        columns = pl.DataFrame({"time": wanted, "n_risk": at_risk, **counts})
        if keys:
            labels = part.select(keys)[np.zeros(wanted.size, dtype=int)]
            columns = pl.concat([labels, columns], how="horizontal")
        tables.append(columns)
    return pl.concat(tables)
