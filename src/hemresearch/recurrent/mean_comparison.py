"""Mean numbers of events compared between groups: a test of the whole curves, and contrasts at one time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError, listed, warn
from ..fits import wald_test
from ..formats import rounded_down
from ..numerics.clusters import clustered_products
from ..numerics.mean_cumulative import Mean, mean_scores, weighted_influence
from ..numerics.ties import TOLERANCE
from ..options import Missing, check_conf_level, check_number
from ..results import HypothesisTest
from ..survival.comparison import group_sizes, refuse_one_group
from ..survival.curve import group_size, split_groups
from ..survival.rmst_difference import Contrast, GroupContrasts, contrast_rows
from .mean_cumulative import mean_of, method_of, owners
from .rows import Recurrent, read_recurrent

if TYPE_CHECKING:
    from ..columns import Column, Columns

ALONE = "mean_cumulative(...) for the mean of one group"


def mean_cumulative_test(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column,
    terminal: Column | None = None,
    by: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    missing: Missing = "raise",
) -> HypothesisTest:
    """Test that the mean number of events is the same at all times in every group of `by`.

    The scores U_g sum Y_g(t) (dmu_g(t) - sum over groups h of Y_h dmu_h / Y), Y being those at risk: without
    deaths the observed less the expected events of the log-rank test. U'V^-U is chi-squared on the number of
    groups less one, V summing over patients the products of their influence, whatever the dependence between
    events of a patient. With `terminal` the means are those of Ghosh and Lin, in which death ends the events:
    groups with the same rate of events while alive have different means where mortality differs.

    Parameters
    ----------
    data, time, event, event_value, entry, id, terminal, weights, cluster, missing
        As in `mean_cumulative`.
    by
        One or several columns that define two or more groups.

    Returns
    -------
    HypothesisTest
        `.statistic`, `.df`, `.p_value`; `.to_frame()` has `group`, `n`, `observed` (events) and `score`,
        which is positive where there are more events than with equal means.

    Raises
    ------
    DataError
        One group only; groups that cannot be compared, for want of events, of patients or of a time at which
        they are at risk together; and as `mean_cumulative`.

    Warns
    -----
    DataWarning
        As `mean_cumulative`, of gaps between the rows of a patient.

    Notes
    -----
    V takes each group's own mean, as Lawless and Nadeau and Ghosh and Lin do. The robust score test of
    `andersen_gill` has the same scores without deaths, and takes the mean of all groups together.

    References
    ----------
    Lawless JF, Nadeau C. Technometrics 1995;37:158-168. Cook RJ, Lawless JF, Nadeau C. Biometrics
    1996;52:557-571. Ghosh D, Lin DY. Biometrics 2000;56:554-562.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> hem.recurrent.mean_cumulative_test(
    ...     cgd, time="tstop", event="status", entry="tstart", id="id", by="treat"
    ... )
    test of equal mean numbers of events: statistic 11.42, df 1, p 0.0007253
      placebo: n 65, observed 56
      rIFN-g: n 63, observed 20
    Lawless-Nadeau, log-rank weights, robust variance
    """
    y = read_recurrent(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, terminal=terminal, by=by,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, ALONE)
    groups = split_groups(y)
    means = [mean_of(one) for one in groups]
    score, influences = mean_scores(means)
    covariance = clustered_products(influences, [owners(one) for one in groups])
    statistic, df, p_value = wald_test(score[1:], covariance[1:, 1:])
    if np.isnan(statistic):
        raise _not_comparable(y)
    frame = pl.DataFrame(
        {
            "group": y.group.labels(),
            "n": group_sizes(y),
            "observed": [float(m.events.n_event.sum()) for m in means],
            "score": score,
        }
    )
    return HypothesisTest(
        name="test of equal mean numbers of events",
        statistic=statistic,
        df=df,
        p_value=p_value,
        method=f"{method_of(y)}, log-rank weights, robust variance",
        frame=frame,
        n=group_size(y),
        n_dropped=y.n_dropped,
    )


def mean_cumulative_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column,
    terminal: Column | None = None,
    by: Columns,
    weights: Column | None = None,
    cluster: Column | None = None,
    at: float,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> GroupContrasts:
    """Difference and ratio of the mean numbers of events by one time, between groups.

    Each group is compared with the first one (sorted, or first in the order of an Enum): "difference" is its
    mean less that of the reference, "ratio" the one over the other, with limits and test on the log scale.

    Parameters
    ----------
    data, time, event, event_value, entry, id, terminal, weights, cluster, missing
        As in `mean_cumulative`. Clusters, and patients, may be in several groups.
    by
        One or several columns that define two or more groups.
    at
        The time, chosen before the data were seen and within the follow-up of every group.
    conf_level
        Level of the limits.

    Returns
    -------
    GroupContrasts
        One row per comparison and `term`: `group`, `reference`, `estimate`, `std_error` (of differences),
        `statistic`, `p_value`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        One group only, a time beyond the follow-up of a group, and as `mean_cumulative`.

    Warns
    -----
    DataWarning
        No events by then in a group, so that there is no ratio; and as `mean_cumulative`.

    References
    ----------
    Ghosh D, Lin DY. Biometrics 2000;56:554-562. Lawless JF, Nadeau C. Technometrics 1995;37:158-168.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> infections = hem.recurrent.mean_cumulative_difference(
    ...     cgd, time="tstop", event="status", entry="tstart", id="id", by="treat", at=360
    ... )
    >>> infections.to_frame()["estimate"].round(3).to_list()
    [-0.931, 0.263]
    """
    at = check_number(at, argument="at", above=0, expected="one time in the unit of the data", example=12.0)
    check_conf_level(conf_level)
    y = read_recurrent(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, terminal=terminal, by=by,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, ALONE)
    groups = split_groups(y)
    _refuse_beyond_follow_up(y, groups, at)
    means = [mean_of(one) for one in groups]
    early = [m.events.time <= at * (1 + TOLERANCE) for m in means]
    values = np.array([float(m.mean[e][-1]) if e.any() else 0.0 for m, e in zip(means, early, strict=True)])
    _warn_without_ratio(y, values, at)
    cov = _covariance(means, early, groups)
    contrasts = [_contrasts(values[[0, g]], cov[np.ix_([0, g], [0, g])]) for g in range(1, len(groups))]
    return GroupContrasts(
        frame=contrast_rows(y, contrasts, conf_level),
        name=f"mean number of events to {at:g}{f' {y.time_unit}' if y.time_unit else ''}",
        method=f"normal (ratios on the log scale), {method_of(y)}, robust variance",
        conf_level=conf_level,
        n=group_size(y),
        n_event=float(sum(m.events.n_event[e].sum() for m, e in zip(means, early, strict=True))),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _covariance(means: list[Mean], early: list[np.ndarray], groups: list[Recurrent]) -> np.ndarray:
    """Of the groups' means at the end of their `early` times."""
    influences = []
    for g, (m, e) in enumerate(zip(means, early, strict=True)):
        influence = np.zeros((len(groups[g]), len(groups)))
        influence[:, g] = weighted_influence(m, e.astype(float))
        influences.append(influence)
    return clustered_products(influences, [owners(one) for one in groups])


def _contrasts(mean: np.ndarray, cov: np.ndarray) -> dict[str, Contrast]:
    """The second mean against the first."""
    apart = np.array([-1.0, 1.0])
    contrasts = {"difference": Contrast(float(apart @ mean), float(np.sqrt(apart @ cov @ apart)))}
    contrasts["ratio"] = Contrast(np.nan, np.nan)
    if (mean > 0).all():
        slope = apart / mean
        contrasts["ratio"] = Contrast(float(apart @ np.log(mean)), float(np.sqrt(slope @ cov @ slope)))
    return contrasts


def _refuse_beyond_follow_up(y: Recurrent, groups: list[Recurrent], at: float) -> None:
    """Refuse a time after a group's last follow-up, unless all who were left had died."""
    last = np.array([one.time.max() for one in groups])
    known = np.array([one.terminal[one.time == end].all() for one, end in zip(groups, last, strict=True)])
    short = (last * (1 + TOLERANCE) < at) & ~known
    if not short.any():
        return
    end = float(last[short].min())
    labels = [repr(label) for label, cut in zip(y.group.labels(), short, strict=True) if cut]
    raise DataError(
        f"{at:g} lies beyond the last follow-up of {listed(labels)} at {end:g}",
        argument="at",
        expected="a time until which some patients of every group were followed",
        remedy=f"at={rounded_down(end)!r} or earlier",
    )


def _warn_without_ratio(y: Recurrent, mean: np.ndarray, at: float) -> None:
    if (mean > 0).all():
        return
    labels = [repr(label) for label, value in zip(y.group.labels(), mean, strict=True) if value == 0]
    warn(
        f"no event by {at:g} in {listed(labels)}: there is no ratio, and limits of the difference "
        "take that mean as known",
        argument="at",
        expected="events in every group by then",
        remedy="event_rate(..., model='poisson'), whose exact limits hold without events",
    )


def _not_comparable(y: Recurrent) -> DataError:
    return DataError(
        "has groups that cannot be compared: they have too few events or patients, or were never at risk "
        "together",
        argument="by",
        column=y.names["by"],
        expected="several patients with events in every group, at risk at the same times",
        remedy=ALONE,
    )
