"""A log-rank test of each feature, its values taken as groups."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, counted
from ..numerics.logrank import event_table, linked_sets, quadratic_form, scores
from ..options import Missing
from ..outcomes import Survival
from .features import Features, group_codes

MOST_GROUPS = 20


def screen_logrank(y: Survival, features: Features, missing: Missing) -> pl.DataFrame:
    """One row per feature, with the statistic of the (stratified) log-rank test."""
    features.check_missing(missing)
    rows = [_one(y, features.column(j)) for j in range(len(features))]
    names = ("n", "n_event", "statistic", "df", "status")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    nothing = np.full(len(rows), np.nan)
    statistic, df = (np.array(columns[name], dtype=float) for name in ("statistic", "df"))
    return pl.DataFrame(
        {
            "feature": features.names,
            "n": columns["n"],
            "n_event": columns["n_event"],
            "estimate": nothing,
            "std_error": nothing,
            "statistic": statistic,
            "df": df,
            "p_value": chdtrc(df, statistic),
            "status": columns["status"],
        }
    )


def _one(y: Survival, series: pl.Series) -> tuple[int, int, float, float, str]:
    present = series.is_not_null().to_numpy()
    group, n_group = group_codes(series)
    if n_group > MOST_GROUPS:
        raise DataError(
            f"has {counted(n_group, 'value')}, and each would be a group",
            argument="features",
            column=series.name,
            expected=f"features of at most {MOST_GROUPS} values for a log-rank test",
            remedy="method='cox' for numbers, or pl.col(...).cut([...])",
        )
    event = y.event[present]
    n, n_event = len(event), int(event.sum())
    if n_event == 0 or n_group < 2:
        return n, n_event, np.nan, np.nan, "no events" if n_event == 0 else "no information"
    stratum = y.stratum.code[present] if len(y.stratum) > 1 else None
    table = event_table(y.time[present], event, group, n_group, stratum=stratum)
    score, covariance = scores(table, np.ones(len(table.time)))
    linked = linked_sets(covariance)
    df = int((linked != np.arange(n_group)).sum())
    if df == 0:
        return n, n_event, np.nan, np.nan, "no information"
    return n, n_event, quadratic_form(score, covariance, linked), float(df), "ok"
