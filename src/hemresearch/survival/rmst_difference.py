"""Differences and ratios of restricted mean survival times between groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtr

from .. import formats
from ..columns import as_frame
from ..design import build_design, covariate_columns
from ..errors import ConvergenceError, DataError, warn
from ..numerics.intervals import normal_quantile
from ..numerics.restricted_mean import clustered_variance
from ..numerics.restricted_mean_regression import (
    censoring_weights,
    dependent_column,
    influence_on_score,
    sandwich,
    weighted_means,
)
from ..numerics.ties import round_ties
from ..options import Missing, check_conf_level
from ..outcomes import Survival, read_survival
from ..results import Estimates
from .rmst import (
    NO_ERROR,
    RestrictedMean,
    restricted_means,
    variance_name,
    warn_of_comparison,
    whole_or_float,
)

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates
    from ..numerics.risk_sets import RiskSets

TERMS = ("difference", "ratio", "time lost ratio")
COEFFICIENTS = {
    "model": pl.String, "term": pl.String, "estimate": pl.Float64, "std_error": pl.Float64,
    "statistic": pl.Float64, "p_value": pl.Float64, "conf_low": pl.Float64, "conf_high": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GroupContrasts(Estimates):
    """Comparisons of groups with a reference, by one or several measures (`term`)."""

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: `restricted mean survival time to 60, B against A: difference 4.20 (95% CI ...)`."""
        pairs = self.frame.partition_by("group", "reference", maintain_order=True)
        return "; ".join(self._pair(pair, decimals) for pair in pairs)

    def _pair(self, pair: pl.DataFrame, decimals: int) -> str:
        """One comparison: its measures, ratios always with two decimals."""
        parts = []
        for row in pair.iter_rows(named=True):
            places = decimals if row["term"] == "difference" else 2
            value = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], places)
            p = formats.p_value(row["p_value"])
            parts.append(f"{row['term']} {formats.with_level(value, self.conf_level)}, {p}")
        return f"{self.name}, {pair['group'][0]} against {pair['reference'][0]}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RestrictedMeanDifference(GroupContrasts):
    """Comparisons of restricted means; `coefficients` holds the adjusted models in full.

    `coefficients` has one row per model ("difference", "ratio", "time lost ratio") and term; the two
    models for ratios are on the log scale. It is empty without covariates.
    """

    coefficients: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COEFFICIENTS), repr=False)


class Contrast(NamedTuple):
    """One comparison on the scale on which it is normal: the log scale for ratios."""

    value: float
    std_error: float


class Censored(NamedTuple):
    """Times cut at the horizon, and how likely they were to be seen.

    `known` where the restricted time was seen; `case` weights; `uncensored` is the inverse probability of
    that (0 where unknown); `groups` holds the rows of each group and the risk sets of its censorings.
    """

    time: np.ndarray
    horizon: float
    known: np.ndarray
    case: np.ndarray
    uncensored: np.ndarray
    groups: list[tuple[np.ndarray, RiskSets]]


def rmst_difference(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns,
    covariates: Covariates | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    tau: float,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> RestrictedMeanDifference:
    """Difference and ratios of mean event-free time up to `tau` between groups.

    Three rows per comparison: "difference", the mean of `group` minus that of `reference`; "ratio", the one
    over the other; and "time lost ratio", (tau - mean) over (tau - mean). The reference is the first group
    (sorted, or first in the order of an Enum); each other group is compared with it. Ratios are natural,
    with limits and tests on the log scale.

    With `covariates` the groups are compared at equal values of them: the restricted time min(T, tau) is
    regressed on groups and covariates, linearly for the difference and on the log scale for the
    ratios, with rows weighted by the inverse probability of being uncensored, estimated in each group
    (Tian, Zhao and Wei 2014). That probability is the censoring's Kaplan-Meier curve just after the time, at
    which those with the event are still at risk for a censoring. Standard errors include its estimation.

    Parameters
    ----------
    data, time, event, event_value, entry, id, weights, cluster, robust, missing
        As in `kaplan_meier`. Clusters may span the groups. Delayed entry is not possible with covariates.
    by
        One or several columns that define two or more groups.
    covariates
        A formula (`"age + sex"`) or a list of columns.
    tau
        The horizon, in the unit of `time`; not beyond the last follow-up of a group (see `rmst`).
    conf_level
        Level of the limits.

    Returns
    -------
    RestrictedMeanDifference
        `term`, `group`, `reference`, `estimate`, `std_error` (null for ratios), `statistic` (z), `p_value`,
        `conf_low`, `conf_high`; and the adjusted models in `.coefficients`.

    Raises
    ------
    DataError
        As `rmst`; for fewer than two groups, delayed entry together with covariates, or covariates that are
        linearly dependent.

    Warns
    -----
    DataWarning
        If a group loses no time before tau, or the covariates predict that perfectly: a ratio is then
        undefined, and its row null. Where a standard error is 0, as of a group without events before tau:
        limits leave that uncertainty out, and there is no test where no other is left.

    References
    ----------
    Uno H et al. J Clin Oncol 2014;32:2380-2385. Tian L, Zhao L, Wei LJ. Biostatistics 2014;15:222-233.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> arms = hem.survival.rmst_difference(trial, time="futime", event="death", by="trt", tau=1800)
    >>> arms
    restricted mean survival time to 1800, n=646, events=317
      difference, group=B, reference=A: 178 (63.66 to 292.3), statistic 3.051, p 0.002278
      ratio, group=B, reference=A: 1.18 (1.059 to 1.314), statistic 3.01, p 0.002609
      time lost ratio, group=B, reference=A: 0.7802 (0.6642 to 0.9164), statistic -3.023, p 0.002503
    95% limits: normal (ratios on the log scale), Greenwood variance
    >>> adjusted = hem.survival.rmst_difference(
    ...     trial, time="futime", event="death", by="trt", tau=1800, covariates="sex"
    ... )
    >>> adjusted.to_frame()["estimate"].round(4).to_list()
    [180.669, 1.1826, 0.7773]
    """
    check_conf_level(conf_level)
    given = () if covariates is None else covariate_columns(covariates, as_frame(data))
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, covariates=given, missing=missing,
    )  # fmt: skip
    refuse_one_group(y, "rmst(...) for the mean of one group")
    is_robust = y.uses_robust_variance(robust)
    means = restricted_means(y, tau)
    defined = _defined(means, float(tau))
    if covariates is None or not given:
        contrasts = _unadjusted(means, float(tau), is_robust, defined)
        coefficients = pl.DataFrame(schema=COEFFICIENTS)
        how = f"{variance_name(is_robust)} variance"
    else:
        contrasts, coefficients = _adjusted(y, covariates, float(tau), is_robust, defined, conf_level)
        how = "weighted by the inverse probability of censoring, sandwich variance"
    exact = any(terms["difference"].std_error == 0 for terms in contrasts)
    warn_of_comparison(y, means, float(tau), is_robust, adjusted=bool(given), exact=exact)
    adjusted = f", adjusted for {', '.join(y.covariates.columns)}" if given else ""
    return RestrictedMeanDifference(
        frame=contrast_rows(y, contrasts, conf_level),
        name=f"restricted mean survival time to {tau:g}{adjusted}",
        method=f"normal (ratios on the log scale), {how}",
        conf_level=conf_level,
        n=whole_or_float(sum(mean.n for mean in means)),
        n_event=float(sum(mean.n_event for mean in means)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        coefficients=coefficients,
    )


def contrast_rows(y: Survival, contrasts: list[dict[str, Contrast]], conf_level: float) -> pl.DataFrame:
    """The tidy frame: one row per comparison and term."""
    labels, z = y.group.labels(), normal_quantile(conf_level)
    rows = []
    for label, terms in zip(labels[1:], contrasts, strict=True):
        for term, (value, error) in terms.items():
            natural = np.exp if term != "difference" else float
            statistic = value / error if error else np.nan
            rows.append(
                {
                    "term": term,
                    "group": label,
                    "reference": labels[0],
                    "estimate": natural(value),
                    "std_error": error if term == "difference" else np.nan,
                    "statistic": statistic,
                    "p_value": 2 * ndtr(-abs(statistic)),
                    "conf_low": natural(value - z * error),
                    "conf_high": natural(value + z * error),
                }
            )
    text = {"term": pl.String, "group": pl.String, "reference": pl.String}
    frame = pl.DataFrame(rows, schema_overrides={**text, **dict.fromkeys(list(rows[0])[3:], pl.Float64)})
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _unadjusted(
    means: list[RestrictedMean], tau: float, robust: bool, defined: list[dict[str, bool]]
) -> list[dict[str, Contrast]]:
    reference, *others = means
    contrasts = []
    for mean, is_defined in zip(others, defined, strict=True):
        values = {"difference": mean.value - reference.value}
        slopes = {"difference": (1.0, -1.0)}
        if is_defined["ratio"]:
            values["ratio"] = np.log(mean.value / reference.value)
            slopes["ratio"] = (1 / mean.value, -1 / reference.value)
        if is_defined["time lost ratio"]:
            lost = tau - mean.value, tau - reference.value
            values["time lost ratio"] = np.log(lost[0] / lost[1])
            slopes["time lost ratio"] = (-1 / lost[0], 1 / lost[1])
        terms = dict.fromkeys(TERMS, Contrast(np.nan, np.nan))
        for term, slope in slopes.items():
            error = _contrast_error(mean, reference, slope, robust)
            terms[term] = Contrast(values[term], float(_or_zero(error, tau if term == TERMS[0] else 1.0)))
        contrasts.append(terms)
    return contrasts


def _or_zero(error: Any, scale: Any) -> np.ndarray:
    """Standard errors, with 0 for what is rounding error against the scale of the values."""
    return np.where(error <= NO_ERROR * scale, 0.0, error)


def _contrast_error(
    mean: RestrictedMean, reference: RestrictedMean, slope: tuple[float, float], robust: bool
) -> float:
    """Standard error of a linear combination of two means; clusters may have rows in both."""
    if not robust:
        return float(np.sqrt(slope[0] ** 2 * mean.greenwood + slope[1] ** 2 * reference.greenwood))
    influence = np.concatenate([slope[0] * mean.influence, slope[1] * reference.influence])
    both = mean.cluster is not None and reference.cluster is not None
    cluster = np.concatenate([mean.cluster, reference.cluster]) if both else None
    return float(np.sqrt(clustered_variance(influence, cluster)))


def _adjusted(
    y: Survival,
    covariates: Covariates,
    tau: float,
    robust: bool,
    defined: list[dict[str, bool]],
    conf_level: float,
) -> tuple[list[dict[str, Contrast]], pl.DataFrame]:
    """The comparisons of the three models, and their coefficients."""
    _refuse_entry(y)
    X, names = _group_design(y, covariates)
    censored = _weight(y, tau)
    undefined = np.full(len(names), np.nan), np.full(len(names), np.nan)
    fits = {}
    for term in TERMS:
        possible = all(group[term] for group in defined)
        fit = _fit(X, censored, term, y.cluster, robust) if possible else None
        fits[term] = undefined if fit is None else fit
    contrasts = [
        {term: Contrast(float(coef[g]), float(error[g])) for term, (coef, error) in fits.items()}
        for g in range(1, len(y.group))
    ]
    z = normal_quantile(conf_level)
    tables = [
        pl.DataFrame({"model": term, "term": names, "estimate": coef, "std_error": error}).with_columns(
            statistic=coef / np.where(error > 0, error, np.nan),
            p_value=2 * ndtr(-np.abs(coef / np.where(error > 0, error, np.nan))),
            conf_low=coef - z * error,
            conf_high=coef + z * error,
        )
        for term, (coef, error) in fits.items()
    ]
    return contrasts, pl.concat(tables).with_columns(pl.col(pl.Float64).fill_nan(None)).select(*COEFFICIENTS)


def _group_design(y: Survival, covariates: Covariates) -> tuple[np.ndarray, list[str]]:
    """Intercept, one column per group but the first, and the covariates."""
    read = covariates if isinstance(covariates, str) else y.covariates.columns
    design = build_design(y.covariates, read, rows=y.row, evaluated=True)
    groups = np.eye(len(y.group))[y.group.code][:, 1:]
    X = np.concatenate([np.ones((len(y), 1)), groups, design.matrix], axis=1)
    by = y.group.names[0] if len(y.group.names) == 1 else "group"
    names = ["intercept", *(f"{by}[{label}]" for label in y.group.labels()[1:]), *design.columns]
    dependent = dependent_column(X)
    if dependent is not None:
        raise DataError(
            f"{names[dependent]!r} follows from the other terms (intercept, groups and covariates)",
            argument="covariates",
            expected="covariates that are not linear combinations of each other or of the groups",
            remedy="covariates=... without that term",
        )
    return X, names


def _weight(y: Survival, tau: float) -> Censored:
    """Times cut at tau, and the probabilities of being uncensored in each group."""
    rounded, _ = round_ties(np.append(y.time, tau))
    horizon = rounded[-1]
    time = np.minimum(rounded[:-1], horizon)
    known = y.event | (time == horizon)
    case = np.ones(len(y)) if y.weight is None else y.weight
    uncensored, groups = np.zeros(len(y)), []
    for g in range(len(y.group)):
        rows = np.flatnonzero(y.group.code == g)
        uncensored[rows], r = censoring_weights(time[rows], known[rows], case[rows])
        groups.append((rows, r))
    return Censored(time, float(horizon), known, case, uncensored, groups)


def _fit(
    X: np.ndarray, c: Censored, term: str, cluster: np.ndarray | None, robust: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients and standard errors of one model; None, and a warning, where a ratio has no finite one."""
    outcome = c.horizon - c.time if term == "time lost ratio" else c.time
    try:
        coef, mu = weighted_means(X, outcome, c.uncensored * c.case, log_link=term != "difference")
    except ConvergenceError as trouble:
        warn(
            f"the model for the {term} is left out: {trouble}",
            argument="covariates",
            expected="covariates at whose values every group both keeps and loses time before tau",
            remedy="covariates=... with fewer terms, or a later tau",
        )
        return None
    score = X * (c.uncensored * (outcome - mu))[:, None]
    kappa = np.zeros_like(score)
    for rows, r in c.groups:
        kappa[rows] = influence_on_score(score[rows], r, c.time[rows], c.known[rows], c.case[rows])
    slope = np.ones(len(X)) if term == "difference" else mu
    cov = sandwich(X, slope, kappa, c.case, cluster, robust=robust)
    scale = (c.horizon if term == "difference" else 1.0) / np.abs(X).max(axis=0)
    return coef, _or_zero(np.sqrt(np.diag(cov)), scale)


def _defined(means: list[RestrictedMean], tau: float) -> list[dict[str, bool]]:
    """Which terms exist for each comparison: a ratio needs what it compares in both groups."""
    first, *others = [(mean.value > 0, mean.n_before > 0) for mean in means]
    return [
        {"difference": True, "ratio": first[0] and other[0], "time lost ratio": first[1] and other[1]}
        for other in others
    ]


def refuse_one_group(y: Survival, remedy: str) -> None:
    """Refuse a comparison of groups where there are none."""
    if len(y.group) < 2:
        raise DataError(
            "has one group" if y.group.names else "no column was given",
            argument="by",
            column=y.names.get("by"),
            expected="a column that defines two or more groups",
            remedy=remedy,
        )


def _refuse_entry(y: Survival) -> None:
    if y.entry is not None:
        raise DataError(
            "was given together with covariates, but censoring weights are not defined under delayed entry",
            argument="entry",
            column=y.names["entry"],
            expected="no delayed entry in the adjusted comparison",
            remedy="covariates=None for the unadjusted one, which allows it",
        )
