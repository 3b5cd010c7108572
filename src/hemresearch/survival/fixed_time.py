"""Survival of several groups compared at one time chosen in advance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import chdtrc

from .. import formats
from ..errors import DataError, listed
from ..numerics.fixed_time import (
    clustered_covariance,
    equality_statistic,
    is_comparable,
    log_survival_influence,
)
from ..numerics.intervals import PROBABILITY, normal_quantile
from ..numerics.risk_sets import risk_sets
from ..options import ConfType, Missing, check_number
from ..outcomes import Survival, read_survival
from ..results import Curves, HypothesisTest
from .comparison import refuse_one_group
from .curve import estimate_curves, split_groups
from .kaplan_meier import ESTIMATORS
from .rmst import whole_or_float

if TYPE_CHECKING:
    from ..columns import Column, Columns


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FixedTimeTest(HypothesisTest):
    """A comparison of survival at one time, with the differences it is about.

    Attributes
    ----------
    differences
        One row for each group but the first: `term` ("B - A"), `estimate` (difference in survival),
        `std_error`, `conf_low`, `conf_high`, on the scale of the probabilities.
    at
        The time, in the unit of the data.
    conf_type
        The scale of the test and of the groups' own limits.
    """

    differences: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    at: float = 0.0
    conf_level: float = 0.95
    conf_type: str = "log-log"
    time_unit: str | None = None

    def text(self) -> str:
        """A sentence: the survival of each group, the differences and the p-value."""
        groups = [f"{row['group']} {self._in_points(row, '%')}" for row in self.frame.iter_rows(named=True)]
        points = [
            f"difference ({row['term']}) {self._in_points(row, ' percentage points')}"
            for row in self.differences.iter_rows(named=True)
        ]
        unit = f" {self.time_unit}" if self.time_unit else ""
        return (
            f"survival at {self.at:g}{unit}: {'; '.join([*groups, *points])}; {formats.p_value(self.p_value)}"
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        return f"{self.name[:1].upper()}{self.name[1:]} was compared between groups ({self.method})."

    def __repr__(self) -> str:
        lines = [
            f"  {row['term']}: {formats.significant(row['estimate'])} "
            f"({formats.significant(row['conf_low'])} to {formats.significant(row['conf_high'])})"
            for row in self.differences.head(3).iter_rows(named=True)
        ]
        head, *rest = HypothesisTest.__repr__(self).split("\n")
        return "\n".join([head, *rest[:-1], *lines, rest[-1]])

    def _in_points(self, row: dict[str, Any], unit: str) -> str:
        text = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], 1, scale=100)
        first, _, limits = text.partition(" ")
        return f"{first}{unit} {formats.with_level(limits, self.conf_level)}"


def fixed_time_test(
    data: Any,
    *,
    time: Column,
    event: Column,
    by: Columns,
    at: float,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> FixedTimeTest:
    """Test that survival at one time, chosen before the data were seen, is the same in every group of `by`.

    The Kaplan-Meier estimates S_j(at) are compared on a transformed scale g: the differences of g(S_j) from
    the first group's, weighted by their covariance, are chi-squared on the number of groups less one.
    Unlike the log-rank test it does not ask for proportional hazards, and says nothing about other times.

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, weights, missing
        As in `kaplan_meier`; `by` defines two or more groups.
    at
        The time, in the unit of `time`; every group must have been followed until then.
    cluster
        Related rows (pair, centre), also across groups: their joint influence gives the covariance.
    robust
        Variance: None (robust for non-integer weights, with clusters, and with several events of a
        patient), True or False (Greenwood's).
    conf_level
        Level of the limits of the groups' survival and of the differences.
    conf_type
        The scale g of the test and of the groups' limits: "log-log", "log", "logit", "arcsin" or "plain".
        The complementary log-log scale keeps its level best in small groups (Klein and others 2007).

    Returns
    -------
    FixedTimeTest
        `.statistic`, `.df`, `.p_value`; `.to_frame()` has `group`, `n`, `n_risk`, `n_event`, `estimate`,
        `std_error`, `conf_low`, `conf_high`; `.differences` has each group's survival less the first
        group's, with plain limits (estimate -+ z se), which need not agree with the p-value to the last
        digit where g is not "plain".

    Raises
    ------
    DataError
        One group only, `at` after the last follow-up of a group, a group whose survival is still 1 or is
        already 0 (no variance), too few clusters, and as `kaplan_meier`.

    References
    ----------
    Klein JP, Logan B, Harhoff M, Andersen PK. Stat Med 2007;26:4505-4519.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("kmsurv_alloauto")
    >>> hem.survival.fixed_time_test(transplant, time="time", event="delta", by="type", at=24)
    survival at 24: statistic 1.587, df 1, p 0.2077
      1: 0.5321 (0.3772 to 0.6649), n 50
      2: 0.394 (0.2416 to 0.5429), n 51
      2 - 1: -0.1382 (-0.3511 to 0.07476)
    log-log scale, Greenwood variance, 95% limits
    """
    at = check_number(at, argument="at", above=0, expected="one time in the unit of the data", example=24.0)
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y)
    curves = estimate_curves(
        y, ESTIMATORS["kaplan-meier"], robust=robust, start_time=None, conf_level=conf_level,
        conf_type=conf_type,
    )  # fmt: skip
    frame = _groups(y, curves, at)
    survival = frame["estimate"].to_numpy()
    covariance = _covariance(y, frame, at, curves.variance == "robust")
    scale = PROBABILITY[conf_type]
    slope = scale.derivative(survival)
    statistic = equality_statistic(scale.forward(survival), covariance * np.outer(slope, slope))
    return FixedTimeTest(
        name=f"survival at {at:g}",
        statistic=statistic,
        df=float(len(survival) - 1),
        p_value=float(chdtrc(len(survival) - 1, statistic)),
        method=f"{conf_type} scale, {formats.proper(curves.variance)} variance, "
        f"{formats.level(conf_level)} limits",
        frame=frame,
        n=whole_or_float(float(curves.groups()["n"].sum())),
        n_dropped=y.n_dropped,
        differences=_differences(frame["group"].to_list(), survival, covariance, conf_level),
        at=at,
        conf_level=conf_level,
        conf_type=conf_type,
        time_unit=y.time_unit,
    )


def _groups(y: Survival, curves: Curves, at: float) -> pl.DataFrame:
    """One row per group, once every group's survival at that time is known and has a variance."""
    last = np.zeros(len(y.group))
    np.maximum.at(last, y.group.code, y.time)
    labels = np.array(y.group.labels())
    if (last < at).any():
        raise DataError(
            f"{at:g} is after the last follow-up of {listed(labels[last < at])} "
            f"({'the earliest at ' if (last < at).sum() > 1 else ''}{last.min():g})",
            argument="at",
            expected="a time until which every group was followed",
            remedy=_remedy(curves, at),
        )
    frame = curves.at(at).select(pl.exclude(*curves.by, "time", "n_censor"))
    survival = frame["estimate"].to_numpy()
    flat = (survival >= 1) | (survival <= 0)
    if flat.any():
        raise DataError(
            f"survival at {at:g} is 0 or 1 in {listed(labels[flat])}, where it has no variance",
            argument="at",
            expected="a time at which survival is between 0 and 1 in every group",
            remedy=_remedy(curves, at),
        )
    return pl.concat([pl.DataFrame({"group": labels, "n": curves.groups()["n"]}), frame], how="horizontal")


def _remedy(curves: Curves, at: float) -> str:
    """The time nearest to `at` at which survival is known and between 0 and 1 in every group."""
    inside = pl.col("estimate").is_between(0, 1, closed="none")
    times = curves.to_frame().filter(inside)["time"].unique().to_numpy()
    if not len(times):
        return "follow_up(...), to report how long they were followed instead"
    known = curves.at(times).group_by("time").agg(inside.fill_null(False).all().alias("inside"))
    good = known.filter("inside")["time"].to_numpy()
    if not len(good):
        return "logrank(...) to compare the whole curves"
    return f"at={float(good[np.lexsort((good, np.abs(good - at)))[0]])!r}"


def _covariance(y: Survival, frame: pl.DataFrame, at: float, is_robust: bool) -> np.ndarray:
    """Of the groups' survival; groups are independent unless they share clusters or patients."""
    owner = y.patient if y.cluster is None else y.cluster
    if not is_robust or owner is None:
        return np.diag(frame["std_error"].to_numpy() ** 2)
    groups = split_groups(y)
    influences = [_influence(one, at) for one in groups]
    clusters = [owner[y.group.code == g] for g in range(len(groups))]
    survival = frame["estimate"].to_numpy()
    covariance = clustered_covariance(influences, clusters) * np.outer(survival, survival)
    if not is_comparable(covariance):
        raise DataError(
            "leaves too few clusters, or groups too alike, to estimate the variance of their differences",
            argument="cluster" if y.cluster is not None else "id",
            column=y.names["cluster" if y.cluster is not None else "id"],
            expected="more clusters than groups, with different outcomes",
            remedy="robust=False",
        )
    return covariance


def _influence(y: Survival, at: float) -> np.ndarray:
    r = risk_sets(y.time, y.event, y.entry, y.weight)
    influence = log_survival_influence(r, y.time, y.event, y.entry, at)
    return influence if y.weight is None else y.weight * influence


def _differences(
    labels: list[str], survival: np.ndarray, covariance: np.ndarray, conf_level: float
) -> pl.DataFrame:
    """Each group's survival less the first group's, with plain limits."""
    difference = survival[1:] - survival[0]
    variance = covariance.diagonal()
    std_error = np.sqrt(variance[1:] + variance[0] - 2 * covariance[0, 1:])
    half = normal_quantile(conf_level) * std_error
    return pl.DataFrame(
        {
            "term": [f"{label} - {labels[0]}" for label in labels[1:]],
            "estimate": difference,
            "std_error": std_error,
            "conf_low": np.maximum(difference - half, -1.0),
            "conf_high": np.minimum(difference + half, 1.0),
        }
    )
