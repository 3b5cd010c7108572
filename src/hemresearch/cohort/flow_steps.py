"""The steps of a flow, as counted, and the rows that are left after them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class Stage:
    """A named box: how many are there, in each group once the flow is split."""

    label: str
    groups: tuple[str, ...]
    n: tuple[int, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One reason: how many were there before, how many went, and of how many it was not known."""

    reason: str
    groups: tuple[str, ...]
    n_before: tuple[int, ...]
    n_excluded: tuple[int, ...]
    n_missing: tuple[int, ...]
    rows_before: tuple[int, ...]
    rows_excluded: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows that are left: where they stood at first, whose they are, and their group."""

    data: pl.DataFrame
    position: np.ndarray
    patient: np.ndarray | None
    group: np.ndarray
    groups: tuple[str, ...] = ()

    def counts(self, mask: np.ndarray) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Patients (else rows) and rows of a mask, in each group."""
        size = max(len(self.groups), 1)
        rows = tuple(np.bincount(self.group[mask], minlength=size).tolist())
        if self.patient is None:
            return rows, rows
        _, first = np.unique(self.patient[mask], return_index=True)
        return tuple(np.bincount(self.group[mask][first], minlength=size).tolist()), rows

    def all_counts(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Patients (else rows) and rows, in each group."""
        return self.counts(np.ones(len(self.position), dtype=bool))

    def where(self, mask: np.ndarray) -> Rows:
        """Only the rows of a mask."""
        patient = None if self.patient is None else self.patient[mask]
        return replace(
            self,
            data=self.data.filter(pl.Series(mask, dtype=pl.Boolean)),
            position=self.position[mask],
            patient=patient,
            group=self.group[mask],
        )

    def lost_unknown(self, missing: np.ndarray, kept: np.ndarray) -> np.ndarray:
        """Rows of `missing` whose patient has none in `kept`: had they been known, the patient might stay."""
        if self.patient is None:
            return missing
        return missing & ~np.isin(self.patient, self.patient[kept])
