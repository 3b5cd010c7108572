"""A result with one row per interval of follow-up."""

from __future__ import annotations

from typing import Any

from .. import formats
from ..results import Estimates

SHOWN = 12  # rows of a printed table


class IntervalTable(Estimates):
    """A table of estimates at the ends of intervals, for each group and cause."""

    __slots__ = ()

    def _label(self, row: dict[str, Any]) -> str:
        """The group, the cause and the end of the interval: an estimate is told to there."""
        before = self.frame.columns[: self.frame.columns.index("start")]
        groups = [str(row[name]) if name == "cause" else f"{name}={row[name]}" for name in before]
        return ", ".join([*groups, f"to {formats.significant(row['end'])} "])

    def _told(self, row: dict[str, Any]) -> str:
        """What is known of a row beside its counts and its estimate."""
        return f"event-free {formats.significant(row['observed'])}, incidence "

    def __repr__(self) -> str:
        lines = []
        for row in self.frame.head(SHOWN).iter_rows(named=True):
            value, low, high = (formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high"))
            entered = f", entered={row['n_enter']}" if row["n_enter"] else ""
            counts = f"n={row['n_risk']}{entered}, {self._deaths(row)}, withdrawn={row['n_censor']}"
            lines.append(
                f"  {self._label(row).strip()}: {counts}, {self._told(row)}{value} ({low} to {high})"
            )
        left = self.frame.height - SHOWN
        head = f"{self.name}, n={formats.count(self.n or 0)}, events={formats.count(self.n_event)}"
        foot = f"{formats.level(self.conf_level)} limits: {self.method}"
        return "\n".join([head, *lines, *([f"  and {left} more"] if left > 0 else []), foot])

    def _deaths(self, row: dict[str, Any]) -> str:
        """The events of an interval, those of the cause among them."""
        return f"events={row['n_event']} ({formats.significant(row['n_cause'])} of this cause)"
