"""Shares of patients with a response or a toxicity: how they are told and set in a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import formats
from ..results import Estimates

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shares(Estimates):
    """Estimates that are shares of patients, in per cent wherever people read them.

    `note` is what a table says below of its denominators.
    """

    note: str = ""

    @property
    def in_percent(self) -> bool:
        """Whether a table shows the estimates in per cent."""
        return True

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return {"term": "Response"}

    def text(self, *, decimals: int = 1) -> str:
        """A sentence with every share and its limits, in per cent."""
        told = (self._told(row, decimals) for row in self._words().iter_rows(named=True))
        return f"{self.name}: {'; '.join(told)}"

    def __repr__(self) -> str:
        return Estimates.__repr__(replace(self, frame=self._words()))

    def _told(self, row: dict[str, Any], decimals: int) -> str:
        keys = list(row)[: list(row).index("n")]
        labels = (row[key] if isinstance(row[key], str) else f"{key}={row[key]}" for key in keys)
        share = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals, scale=100.0)
        return f"{', '.join(labels)} {formats.with_level(share.replace(' (', '% (', 1), self.conf_level)}"

    def _words(self) -> pl.DataFrame:
        """The frame with what each row is in words."""
        return self.frame


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SharesOfTime(Shares):
    """Shares of the time of all patients of a group."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return {"term": "INR", "estimate": "Time"}
