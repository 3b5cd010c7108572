"""Bleeds and person-time of the same patients before and after a switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from ...columns import Column, as_frame
from ...errors import DataError, counted, warn
from ...formats import interval, p_value, with_level
from ...numerics.intervals import normal_quantile
from ...options import Missing, suggestion
from ...recurrent.rate_rows import Exposure, read_exposure
from ...results import Estimates

RATIO, DIFFERENCE = "ratio", "difference"
SCALES: dict[str, Callable[[float], float]] = {RATIO: np.exp, DIFFERENCE: float}
FEW = 30  # patients, below which limits of 95% hold in some 90% and less
ALIKE = 1e-6  # of a standard error, over the size of what is estimated, that is rounding and no more


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SwitchComparison(Estimates):
    """A ratio or a difference of bleeding rates after and before a switch."""

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: `ratio of bleeding rates, after against before: 0.22 (95% CI ...)`."""
        row = self.frame.row(0, named=True)
        value = interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
        told = "" if row["p_value"] is None else f", {p_value(row['p_value'])}"
        against = f"{row['group']} against {row['reference']}"
        return f"{self.name}, {against}: {with_level(value, self.conf_level)}{told}"


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Counts and person-time of each patient before and after, in two columns."""

    count: np.ndarray
    time: np.ndarray
    labels: tuple[str, str]
    exposure: Exposure

    @property
    def time_unit(self) -> str | None:
        """Of durations; None where the user alone knows."""
        return self.exposure.time_unit

    def refuse_no_events(self) -> None:
        """Refuse a ratio of which one side is 0, or that comes from a single patient."""
        for label, n in zip(self.labels, self.count.sum(axis=0), strict=True):
            if n == 0:
                raise DataError(
                    f"has no events in {label!r}, and a ratio has no limits then",
                    argument="events",
                    column=self.exposure.names["events"],
                    expected="events in both periods",
                    remedy="switch_difference(...)",
                )
        self.check_patients(int((self.count.sum(axis=1) > 0).sum()), "with events", "events")

    def check_patients(self, n: int, which: str, argument: str) -> None:
        """Refuse one patient, between whom nothing varies; warn of few, whose limits are too narrow."""
        column = self.exposure.names[argument]
        if n < 2:
            raise DataError(
                f"leaves {counted(n, 'patient')} {which}, and a robust variance is one between patients",
                argument=argument,
                column=column,
                expected=f"{FEW} patients {which} or more",
                remedy="the numbers of each patient in a table",
            )
        if n < FEW:
            warn(
                f"leaves {counted(n, 'patient')} {which}, and a robust variance of so few is too small: "
                "limits are too narrow and p-values too low",
                argument=argument,
                column=column,
                expected=f"{FEW} patients {which} or more",
                remedy="larger groups, or the numbers of each patient in a table",
            )

    def result(
        self, term: str, estimate: float, error: float, method: str, conf_level: float
    ) -> SwitchComparison:
        """The comparison as a table of one row, from the difference or the logarithm of the ratio."""
        before, after = self.labels
        n, scale = len(self.count), SCALES[term]
        known = self._known(term, error)
        half, z = normal_quantile(conf_level) * known, estimate / known
        low, high = scale(estimate - half), scale(estimate + half)
        frame = pl.DataFrame(
            {
                "term": [term], "group": [after], "reference": [before], "n": [n],
                "estimate": [scale(estimate)], "statistic": [z],
                "p_value": [2 * ndtr(-abs(z))], "conf_low": [low], "conf_high": [high],
            }
        )  # fmt: skip
        per = "" if term == RATIO else " per patient-year"
        return SwitchComparison(
            frame=frame.with_columns(pl.selectors.float().fill_nan(None)),
            name=f"{term} of bleeding rates{per}",
            method=method,
            conf_level=conf_level,
            n=n,
            n_event=float(self.count.sum()),
            n_dropped=self.exposure.n_dropped,
        )

    def _known(self, term: str, error: float) -> float:
        """The standard error, or NaN with a warning where all patients say the same."""
        rates = (self.count.sum(axis=0) / self.time.sum(axis=0)).sum()
        if error > ALIKE * (1.0 if term == RATIO else rates):
            return error
        warn(
            f"has the same {term} of rates in every patient, whose robust variance of 0 gives no limits",
            argument="events",
            column=self.exposure.names["events"],
            expected="patients who differ",
            remedy="the numbers of each patient in a table",
        )
        return np.nan


def read_pairs(
    data: Any, events: Column, person_time: Column, id: Column, by: Column, reference: Any, missing: Missing
) -> Pairs:
    """Read one row or several per patient and period; every patient has both periods."""
    for role, column in (("id", id), ("by", by)):
        if column is None:
            raise DataError(
                "None was given",
                argument=role,
                expected="the column of the patients, and that of the two periods",
                remedy="id='patient', by='period'",
            )
    e = read_exposure(
        as_frame(data), events=events, person_time=person_time, time=None, event=None, event_value=None,
        entry=None, id=id, by=by, missing=missing,
    ).totals()  # fmt: skip
    before = _before(e, reference)
    owners = np.unique(e.patient)
    count, time = np.zeros((len(owners), 2)), np.zeros((len(owners), 2))
    place = np.searchsorted(owners, e.patient), (e.group.code != before).astype(int)
    count[place], time[place] = e.count, e.person_time
    alone = (time == 0).any(axis=1)
    if alone.any():
        raise DataError(
            f"leaves {counted(int(alone.sum()), 'patient')} with one of the two periods only",
            argument="by",
            column=e.names["by"],
            expected="both periods of every patient, as the two are compared",
            remedy=f"data.filter(pl.col({e.names['by']!r}).n_unique().over({e.names['id']!r}) == 2)",
        )
    labels = e.group.labels()
    return Pairs(count, time, (labels[before], labels[1 - before]), e)


def _before(e: Exposure, reference: Any) -> int:
    """The place of the period before the switch."""
    labels = e.group.labels()
    if len(labels) != 2:
        raise DataError(
            f"holds {counted(len(labels), 'period')}",
            argument="by",
            column=e.names.get("by"),
            expected="two periods, before and after the switch",
            remedy=f"data.filter(pl.col({e.names['by']!r}).is_in([...])) with the two",
        )
    if reference is None and isinstance(e.group.levels.to_series().dtype, pl.Enum):
        return 0
    if str(reference) in labels:
        return labels.index(str(reference))
    raise DataError(
        "does not say which period was before the switch: words and numbers have no order in time"
        if reference is None
        else "does not hold the period that was given",
        argument="reference",
        column=e.names["by"],
        expected=f"one of its periods; {suggestion(str(reference), labels)}",
        remedy=f"reference={labels[0]!r}",
    )
