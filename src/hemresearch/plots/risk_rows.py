"""What the rows of a risk table count: everybody once, and what each cause or state has of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from .drawn import distinct, rows_of, split_column

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNTED = ("n_risk", "n_censor", "n_event")


@dataclass(frozen=True, slots=True)
class CountedRow:
    """Counts at each time of a table, of one cause or state or (`kind` None) of all together."""

    name: str  # n_risk, n_censor or n_event
    kind: Any
    values: tuple[float | None, ...]


def counted_rows(part: pl.DataFrame) -> list[CountedRow]:
    """The rows of one group: at risk, censored and events, each count once.

    Causes share those at risk and censored, and differ in their events. Patients at risk in different states
    are different patients: then each state has a row of these, and the censored of all states are added up.
    A state that nobody can leave has nobody at risk: it has its events, as a cause.
    """
    split = split_column(part)
    if split is None:
        return [CountedRow(name, None, tuple(part[name].to_list())) for name in COUNTED]
    kinds = distinct(part, (split,))
    parts = [rows_of(part, (split,), kind) for kind in kinds]
    pairs = [(kind, one) for (kind,), one in zip(kinds, parts, strict=True)]
    events = {kind: CountedRow("n_event", kind, tuple(one["n_event"])) for kind, one in pairs}
    if all(one["n_risk"].equals(parts[0]["n_risk"]) for one in parts):
        return [*(CountedRow(name, None, tuple(parts[0][name])) for name in COUNTED[:2]), *events.values()]
    at_risk = [CountedRow("n_risk", kind, tuple(one["n_risk"])) for kind, one in pairs if one["n_risk"].max()]
    censored = added([CountedRow("n_censor", None, tuple(one["n_censor"])) for one in parts])
    left = {row.kind for row in at_risk}
    return [*at_risk, *censored, *(row for kind, row in events.items() if kind not in left)]


def added(rows: Sequence[CountedRow], *, each_kind: bool = True) -> list[CountedRow]:
    """Rows of the same count (and kind) added up, in order; unknown where one of them is, which is not 0."""
    sums: dict[tuple[str, Any], list[tuple[float | None, ...]]] = {}
    for row in rows:
        sums.setdefault((row.name, row.kind if each_kind else None), []).append(row.values)
    return [CountedRow(*key, tuple(map(_sum, zip(*values, strict=True)))) for key, values in sums.items()]


def _sum(values: tuple[float | None, ...]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
