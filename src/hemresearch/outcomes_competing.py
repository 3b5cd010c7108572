"""Outcomes of several competing events: labelled causes beside the times of a survival outcome."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Column, Columns, group_rows, read_table
from .errors import DataError, counted, listed
from .events import SHOWN_LEVELS, printable, read_causes, warn_of_censored_events
from .options import Missing, nearest
from .outcomes import Rows, Survival, observations, one_patient_at_a_time

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Competing(Survival):
    """Observations of several competing events.

    `cause` is 0 for censored, else 1 + its place in `causes`; `event` is whether any of them happened.
    """

    cause: np.ndarray
    causes: tuple[Any, ...]

    def take(self: Rows, keep: np.ndarray) -> Rows:
        """The observations of a mask or an index."""
        assert isinstance(self, Competing)
        return replace(Survival.take(self, keep), cause=self.cause[keep])

    def of_cause(self, number: int) -> Survival:
        """The same rows with one cause (1, 2, ...) as the event, and the others as censorings."""
        shared = {f.name: getattr(self, f.name) for f in fields(Survival)}
        return Survival(**shared | {"event": self.cause == number})

    def numbers(self, cause: Any) -> list[int]:
        """The numbers of the causes asked for: one label, several (each once), or all (None)."""
        if not self.causes:
            raise DataError(
                f"tells of no event in {counted(len(self), 'row')}: all are censored",
                argument="event",
                column=self.names["event"],
                expected="at least one event",
                remedy="data.filter(...) to groups with events, or hem.survival.follow_up(...)",
            )
        if cause is None:
            return list(range(1, len(self.causes) + 1))
        several = isinstance(cause, list | tuple | set | frozenset) or np.ndim(cause) > 0
        asked = list(cause) if several else [cause]
        if not asked:
            raise DataError(
                "no cause was asked for",
                argument="cause",
                column=self.names["event"],
                expected="one label, several, or None for all",
                remedy="cause=None",
            )
        return list(dict.fromkeys(self._number(label) for label in asked))

    def one_number(self, cause: Any) -> int:
        """The number of the one cause asked for, which must have happened to somebody."""
        numbers = self.numbers(cause)
        if len(numbers) == 1 and (self.cause == numbers[0]).any():
            return numbers[0]
        found = f"{counted(len(numbers), 'event')} were asked for at once"
        raise DataError(
            found if len(numbers) != 1 else "happened to nobody whose weight is above 0",
            argument="cause",
            column=self.names["event"],
            expected="the label of one event that happened; all others compete with it",
            remedy="cause=... with one of the labels of the column",
        )

    def _number(self, label: Any) -> int:
        label = label.item() if isinstance(label, np.generic) else label
        if label in self.causes and not isinstance(label, bool):
            return 1 + self.causes.index(label)
        by_text = {str(known): known for known in self.causes}
        near = [repr(by_text[text]) for text in printable(nearest(str(label), list(by_text)))]
        few = len(by_text) <= SHOWN_LEVELS and len(printable(by_text)) == len(by_text)
        known = " or ".join(map(repr, self.causes)) if few else "a label of the column"
        raise DataError(
            f"{label!r} is not among the {len(self.causes)} events of the column",
            argument="cause",
            column=self.names["event"],
            expected="the label of an event that occurs" + (f" (near: {listed(near)})" if near else ""),
            remedy=f"cause={near[0] if near else known}",
        )


def read_competing(
    data: Any,
    *,
    time: Column,
    event: Column,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    censoring_by: Columns = None,
    strata: Columns = None,
    covariates: Sequence[Column] | None = None,
    offset: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    join: bool = True,
    missing: Missing = "raise",
) -> Competing:
    """Read labelled events of several types, one per row or in counting-process rows of a patient with `id`.

    `censoring_by` are groups with a distribution of censoring of their own, in the place of `by`.
    `censored` is the label that means censored: by default 0 for integers and "censored" for text;
    None says that nobody was censored. Rows of a patient that only split the follow-up are joined, unless
    `join` is False.
    """
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "id": id, "by": by, "strata": strata,
        "covariates": covariates, "offset": offset, "weights": weights, "cluster": cluster,
        "censoring_by": censoring_by,
    }  # fmt: skip
    table = read_table(data, roles, missing=missing)
    causes, code = read_causes(table, censored)
    warn_of_censored_events(causes, table.name("event"))
    rows = observations(table, code > 0)
    if censoring_by is not None:
        rows = replace(rows, group=group_rows(table, "censoring_by"))
    shared = {f.name: getattr(rows, f.name) for f in fields(Survival)}
    y = Competing(**shared, cause=code, causes=causes).weighted()
    return y if y.patient is None else one_patient_at_a_time(y, join)
