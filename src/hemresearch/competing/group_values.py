"""One number of each group (an incidence at a time, or time lost), and the comparison of groups by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import listed, warn
from ..numerics.restricted_mean import clustered_variance
from ..outcomes_competing import Competing
from ..results import Estimates
from ..survival.rmst import NO_ERROR
from ..survival.rmst_difference import Contrast, contrast_rows


@dataclass(frozen=True, slots=True, eq=False)
class GroupValue:
    """An estimate of one group with both its variances.

    `influence` is each row's, times its weight; rows of one `cluster` belong together. `largest` is what the
    value could be at most. `n_event` counts the events of the cause, `n_moving` those that move the value.
    """

    value: float
    closed_form: float
    influence: np.ndarray
    cluster: np.ndarray | None
    largest: float
    n: float
    n_event: float
    n_moving: float

    def std_error(self, robust: bool) -> float:
        """From the closed form of the variance, or the infinitesimal jackknife; rounding error is 0."""
        squared = clustered_variance(self.influence, self.cluster) if robust else self.closed_form
        error = float(np.sqrt(squared))
        return error if error > NO_ERROR * self.largest else 0.0

    def why_certain(self, robust: bool) -> str:
        """Why the standard error is 0, or nothing where it is not."""
        if self.std_error(robust) > 0:
            return ""
        if not self.n_moving:
            return "no such event yet"
        return "too few clusters" if self.closed_form > 0 else "everybody had the event at once"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IncidenceContrasts(Estimates):
    """Differences and ratios between groups.

    `sentence` is what is compared, with `{cause}` and, of a probability, `{time:g}` in their places.
    """

    sentence: str = "{cause}"

    def text(self, *, decimals: int | None = None) -> str:
        """A sentence: `mean time lost to relapse before 24, B against A: difference -2.53 (95% CI ...)`."""
        keys = [c for c in ("cause", "time", "group") if c in self.frame.columns]
        pairs = self.frame.partition_by(keys, maintain_order=True)
        return "; ".join(self._pair(pair, decimals) for pair in pairs)

    def methods(self) -> str:
        """A sentence for the methods section: what was compared, with which limits."""
        return (
            f"The {self.name} was compared between groups by differences and ratios with "
            f"{formats.level(self.conf_level)} confidence limits ({self.method})."
        )

    def _pair(self, pair: pl.DataFrame, decimals: int | None) -> str:
        parts = []
        for row in pair.iter_rows(named=True):
            points = row["term"] == "difference" and "time" in row
            places = (1 if points else 2) if decimals is None else decimals
            limits = row["estimate"], row["conf_low"], row["conf_high"]
            value = formats.interval(*limits, places, scale=100 if points else 1)
            first, _, rest = value.partition(" ")
            told = f"{first}{' percentage points' if points else ''} {rest}".strip()
            p = "" if row["p_value"] is None else f", {formats.p_value(row['p_value'])}"
            parts.append(f"{row['term']} {formats.with_level(told, self.conf_level)}{p}")
        what = self.sentence.format(**row | {"cause": cause_name(row["cause"])})
        return f"{what}, {row['group']} against {row['reference']}: {'; '.join(parts)}"


def cause_name(cause: Any) -> str:
    """A cause in a sentence: its label, or `cause 1`."""
    return cause if isinstance(cause, str) else f"cause {cause}"


def compared(
    y: Competing, values: Sequence[GroupValue], robust: bool, conf_level: float, **labels: Any
) -> pl.DataFrame:
    """Difference and ratio of each group against the first, with `labels` behind the groups'."""
    contrasts = [_terms(value, values[0], robust) for value in values[1:]]
    frame = contrast_rows(y, contrasts, conf_level)
    named = pl.DataFrame({k: [v] * frame.height for k, v in labels.items()})
    return pl.concat([frame[:, :3], named, frame[:, 3:]], how="horizontal")


def _terms(one: GroupValue, reference: GroupValue, robust: bool) -> dict[str, Contrast]:
    undefined = Contrast(np.nan, np.nan)
    return {
        "difference": Contrast(one.value - reference.value, _error(one, reference, (1.0, -1.0), robust)),
        "ratio": undefined
        if one.value <= 0 or reference.value <= 0
        else Contrast(
            float(np.log(one.value / reference.value)),
            _error(one, reference, (1 / one.value, -1 / reference.value), robust),
        ),
    }


def _error(one: GroupValue, reference: GroupValue, slope: tuple[float, float], robust: bool) -> float:
    """Standard error of a linear combination of two groups' values; clusters may have rows in both."""
    if not robust or one.cluster is None or reference.cluster is None:
        errors = one.std_error(robust), reference.std_error(robust)
        return float(np.hypot(slope[0] * errors[0], slope[1] * errors[1]))
    influence = np.concatenate([slope[0] * one.influence, slope[1] * reference.influence])
    cluster = np.concatenate([one.cluster, reference.cluster])
    error = float(np.sqrt(clustered_variance(influence, cluster)))
    largest = max(abs(slope[0]) * one.largest, abs(slope[1]) * reference.largest)
    return error if error > NO_ERROR * largest else 0.0


def warn_if_certain(
    y: Competing, values: Mapping[Any, Sequence[GroupValue]], robust: bool, *, argument: str, remedy: str
) -> None:
    """Say where a standard error is 0, and why; `values` holds those of each cause."""
    labels = y.group.labels() if y.group.names else [""]
    named = [
        f"of {cause_name(cause)}{f' in {label!r}' if label else ''} ({reason})"
        for cause, of_groups in values.items()
        for label, value in zip(labels, of_groups, strict=True)
        if (reason := value.why_certain(robust))
    ]
    if named:
        warn(
            f"the standard error is 0 {listed(named)}: limits leave that uncertainty out, and a ratio to 0 "
            "is undefined",
            argument=argument,
            expected="events of the cause, that others at risk do not have, in every group",
            remedy=remedy,
        )
