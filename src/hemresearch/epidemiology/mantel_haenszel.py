"""Associations common to strata: Mantel and Haenszel's estimates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, counted, warn
from ..numerics import exact_odds_ratio as exact
from ..numerics import mantel_haenszel as kernel
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .totals import in_groups
from .two_values import RateTables, Tables, read_rate_tables, read_tables

if TYPE_CHECKING:
    from ..columns import Column, Columns

CommonOddsRatio = Literal["mantel-haenszel", "exact", "mid-p"]
CommonDifference = Literal["sato", "greenland-robins"]
Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
RATE_METHODS = "Greenland-Robins"
DIFFERENCES = {"sato": kernel.risk_difference_sato, "greenland-robins": kernel.risk_difference_greenland}
DIFFERENCE_NAMES = {"sato": "Sato", "greenland-robins": "Greenland-Robins"}
ODDS_RATIO_NAMES = {
    "mantel-haenszel": "Robins-Breslow-Greenland", "exact": "exact conditional", "mid-p": "mid-p conditional",
}  # fmt: skip


def mantel_haenszel(
    data: Any,
    *,
    exposure: Column,
    exposed: Any = None,
    event: Column | None = None,
    event_value: Any = None,
    events: Column | None = None,
    person_time: Column | None = None,
    by: Columns = None,
    strata: Columns,
    weights: Column | None = None,
    odds_ratio: CommonOddsRatio = "mantel-haenszel",
    risk_difference: CommonDifference = "sato",
    continuity: bool = False,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Association of an exposure with an event, adjusted for strata: one estimate that all strata share.

    Each estimate is a weighted mean of those of the strata, and has a meaning if these are alike
    (`homogeneity_test`; `two_by_two(..., by=strata)` shows them). The weights make it hold also for many
    small strata, such as matched pairs. Of patients it is the difference of risks, the ratio of risks and
    the odds ratio; of rates their difference and ratio.

    Parameters
    ----------
    data
        Any table, in one of two forms: patients, or cells with the number of patients as `weights`; or events
        and the person-time in which they were seen.
    exposure, exposed
        As in `two_by_two`.
    event, event_value, weights
        Of the first form, as in `two_by_two`.
    events, person_time
        Of the second form, as in `rate`.
    by
        One or several columns; an estimate of its own for each combination that occurs.
    strata
        The confounders: one or several columns, each combination one stratum. Strata with exposed only, or
        with unexposed only, say nothing and are left out.
    odds_ratio
        "mantel-haenszel", with the variance of Robins, Breslow and Greenland. "exact": the conditional
        maximum likelihood estimate, with exact limits and test. "mid-p": the median-unbiased estimate, with
        those that count the observed tables half.
    risk_difference
        Variance: "sato", for large and for many small strata; or "greenland-robins", for large ones.
    continuity
        Whether the test of Cochran, Mantel and Haenszel is corrected by a half.
    conf_level
        Level of the limits; those of ratios are normal on the log scale.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `term` ("risk difference", "risk ratio", "odds ratio"; or "rate difference", "rate
        ratio"), `n` or `person_time`, `n_event`, `estimate`, `statistic` and `p_value` (of no association in
        any stratum, on one degree of freedom; null and exact for an exact odds ratio), `conf_low`,
        `conf_high`.

    Raises
    ------
    DataError
        Neither or both forms of data; `weights` of rates; and as `two_by_two` and `rate`.

    Warns
    -----
    DataWarning
        Strata left out, with what was in them. A group whose ratio is 0, infinite or
        none, as where all events are exposed.

    References
    ----------
    Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719-748. Robins J, Breslow N, Greenland S. Biometrics
    1986;42:311-323. Greenland S, Robins JM. Biometrics 1985;41:55-68. Sato T. Biometrics 1989;45:1323-1324.

    Examples
    --------
    Lung cancer in nickel workers with high and with no exposure, of the same age at the start of follow-up.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> workers = hem.data.load("nickel").with_columns(
    ...     lung=pl.col("icd").is_in([162, 163]),
    ...     years=pl.col("ageout") - pl.col("agein"),
    ...     high=pl.col("exposure") > 0,
    ...     age=pl.sum_horizontal(pl.col("agein") >= age for age in (45, 55)),
    ... )
    >>> hem.epidemiology.mantel_haenszel(
    ...     workers, exposure="high", events="lung", person_time="years", strata="age"
    ... )
    association of high with lung within strata, events=137
      rate difference: 0.006798 (0.003767 to 0.009829), statistic 18.87, p 1.403e-05
      rate ratio: 2.267 (1.551 to 3.314), statistic 18.87, p 1.403e-05
    95% limits: Greenland-Robins
    """
    check_choice(odds_ratio, CommonOddsRatio, argument="odds_ratio")
    check_choice(risk_difference, CommonDifference, argument="risk_difference")
    check_conf_level(conf_level)
    t = read_stratified(
        data, exposure=exposure, exposed=exposed, event=event, event_value=event_value, events=events,
        person_time=person_time, by=by, strata=strata, weights=weights, missing=missing,
    )  # fmt: skip
    warn_of_strata(t)
    of_rates = isinstance(t, RateTables)
    rows = []
    for g in range(len(t.group)):
        part = t.of_group(g)
        found = (
            _of_rates(part, continuity)
            if of_rates
            else _of_counts(part, odds_ratio, risk_difference, continuity, conf_level)
        )
        rows += [{"group": g, **_with_limits(one, conf_level)} for one in found]
    _warn_of_one_side(t, rows, odds_ratio)
    methods = RATE_METHODS if of_rates else _count_methods(odds_ratio, risk_difference)
    outcome = t.names["events" if of_rates else "event"]
    return Estimates(
        frame=_frame(t, rows),
        name=f"association of {t.names['exposure']} with {outcome} within strata",
        method=methods,
        conf_level=conf_level,
        n=None if isinstance(t, RateTables) else int(t.total.sum()),
        n_event=float(t.n_event.sum()),
        n_dropped=t.n_dropped,
    )


def read_stratified(
    data: Any,
    *,
    exposure: Column,
    exposed: Any,
    event: Column | None,
    event_value: Any,
    events: Column | None,
    person_time: Column | None,
    by: Columns,
    strata: Columns,
    weights: Column | None,
    missing: Missing,
) -> Tables | RateTables:
    """Read either form of the data into tables."""
    of_patients = event is not None or event_value is not None or weights is not None
    of_rates = events is not None or person_time is not None
    if of_patients and not of_rates and event is not None:
        return read_tables(
            data, exposure=exposure, exposed=exposed, event=event, event_value=event_value, by=by,
            strata=strata, weights=weights, missing=missing,
        )  # fmt: skip
    if of_rates and not of_patients and events is not None and person_time is not None:
        return read_rate_tables(
            data, exposure=exposure, exposed=exposed, events=events, person_time=person_time, by=by,
            strata=strata, missing=missing,
        )  # fmt: skip
    raise DataError(
        "both forms were mixed" if of_patients and of_rates else "the events were not given",
        argument="event",
        expected="one form of the data: patients (event, and weights if a row is several), or rates (events, "
        "person_time)",
        remedy="event='died', or events='deaths', person_time='years'",
    )


def warn_of_strata(t: Tables | RateTables) -> None:
    """Say what is left out with the strata that have exposed only, or unexposed only."""
    informative = np.array([t.informative(g) for g in range(len(t.group))])
    alone = ~informative & (t.total > 0)
    if not alone.any():
        return
    people = "" if isinstance(t, RateTables) else f"{counted(int(t.total[alone].sum()), 'patient')} and "
    those = "strata have" if alone.sum() > 1 else "stratum has"
    warn(
        f"{int(alone.sum())} {those} exposed only, or unexposed only: {people}"
        f"{counted(int(t.n_event[alone].sum()), 'event')} are left out",
        argument="strata",
        column=t.names["strata"],
        expected="exposed and unexposed in every stratum",
        remedy="wider strata, where many are lost",
    )


def _of_counts(
    part: Part, odds_ratio: str, risk_difference: str, continuity: bool, conf_level: float
) -> list[dict[str, Any]]:
    statistic = kernel.count_test(*part, continuity=continuity)
    tested = {"statistic": statistic, "p_value": float(chdtrc(1, statistic))}
    odds = _ratio("odds ratio", kernel.odds_ratio(*part)) | tested
    return [
        {"term": "risk difference", "pooled": DIFFERENCES[risk_difference](*part), **tested},
        _ratio("risk ratio", kernel.risk_ratio(*part)) | tested,
        odds if odds_ratio == "mantel-haenszel" else _conditional(part, odds_ratio, conf_level),
    ]


def _of_rates(part: Part, continuity: bool) -> list[dict[str, Any]]:
    statistic = kernel.rate_test(*part, continuity=continuity)
    tested = {"statistic": statistic, "p_value": float(chdtrc(1, statistic))}
    return [
        {"term": "rate difference", "pooled": kernel.rate_difference(*part), **tested},
        _ratio("rate ratio", kernel.rate_ratio(*part)) | tested,
    ]


def _ratio(term: str, pooled: kernel.Pooled) -> dict[str, Any]:
    return {"term": term, "pooled": pooled, "on_log_scale": True}


def _conditional(part: Part, method: str, conf_level: float) -> dict[str, Any]:
    """The odds ratio given the margins of all strata; the distribution is precise where it is used."""
    x, n, x_0, n_0 = part
    r, s = (x * (n_0 - x_0) / (n + n_0)).sum(), ((n - x) * x_0 / (n + n_0)).sum()
    near, null = (
        exact.exposed_events(*part, near=math.log((r + 0.5) / (s + 0.5))),
        exact.exposed_events(*part),
    )
    is_exact = method == "exact"
    low, high = exact.odds_ratio_limits(near, conf_level, 1.0 if is_exact else 0.5)
    return {
        "term": "odds ratio",
        "estimate": exact.maximum_likelihood(near) if is_exact else exact.median_unbiased(near),
        "statistic": math.nan,
        "p_value": exact.fisher_test(null) if is_exact else exact.midp_test(null),
        "conf_low": low,
        "conf_high": high,
    }


def _with_limits(row: dict[str, Any], conf_level: float) -> dict[str, Any]:
    """The row with normal limits, on the log scale of ratios, unless it has limits already."""
    if "pooled" not in row:
        return row
    (estimate, variance), row = row["pooled"], {**row}
    del row["pooled"]
    half = normal_quantile(conf_level) * math.sqrt(variance) if math.isfinite(variance) else math.nan
    if row.pop("on_log_scale", False):
        known = math.isfinite(half) and 0 < estimate < math.inf
        low, high = (estimate * math.exp(-half), estimate * math.exp(half)) if known else (math.nan,) * 2
    else:
        low, high = estimate - half, estimate + half
    tested = {name: row[name] for name in ("statistic", "p_value")}
    return {"term": row["term"], "estimate": estimate, **tested, "conf_low": low, "conf_high": high}


def _frame(t: Tables | RateTables, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows with the labels and totals of their groups."""
    found = pl.DataFrame(rows).with_columns(pl.selectors.float().fill_nan(None))
    group = found["group"].to_numpy()
    n = t.total.sum(axis=1)[group]
    size = {"person_time": n} if isinstance(t, RateTables) else {"n": n.astype(int)}
    counts = pl.DataFrame({**size, "n_event": t.n_event.sum(axis=1)[group].astype(int)})
    parts = [found.select("term"), counts, found.drop("group", "term")]
    return pl.concat([t.group.levels[group], *parts] if t.group.levels.width else parts, how="horizontal")


def _warn_of_one_side(t: Tables | RateTables, rows: list[dict[str, Any]], odds_ratio: str) -> None:
    """Say where ratios are 0, infinite or none, and have no limits."""
    without = [row for row in rows if row["term"].endswith("ratio") and math.isnan(row["conf_low"])]
    if not without:
        return
    at_fault = np.isin(np.arange(len(t.group)), [row["group"] for row in without])
    terms = " and ".join(dict.fromkeys(row["term"] for row in without))
    of_rates, of_odds = isinstance(t, RateTables), odds_ratio == "mantel-haenszel"
    why = (
        "all events are exposed, or none is"
        if of_rates
        else "in every stratum all or none of the exposed, or of the unexposed, had the event"
    )
    warn(
        f"knows no limits of the {terms}{in_groups(t.group, at_fault)}, where {why}",
        argument="exposure",
        column=t.names["exposure"],
        expected="events in exposed and unexposed" + ("" if of_rates else ", and others in both"),
        remedy="odds_ratio='exact', or wider groups" if of_odds and not of_rates else "wider groups",
    )


def _count_methods(odds_ratio: str, risk_difference: str) -> str:
    return (
        f"risk difference by {DIFFERENCE_NAMES[risk_difference]}, risk ratio by Greenland-Robins, "
        f"odds ratio by {ODDS_RATIO_NAMES[odds_ratio]}"
    )
