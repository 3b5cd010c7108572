"""A log-rank test of each feature, its values taken as groups."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..errors import DataError, counted
from ..numerics import screening_logrank as numerics
from ..options import Missing
from ..outcomes import Survival
from ..regression.cox_solution import rows_of
from .features import Features, group_codes

MOST_GROUPS = 20


def screen_logrank(y: Survival, features: Features, missing: Missing) -> pl.DataFrame:
    """One row per feature, with the statistic of the (stratified) log-rank test."""
    codes, n_group = _codes(features, missing)
    _refuse_many_groups(features, n_group)
    rows = rows_of(y, np.empty((len(y), 0)))
    n, n_event, statistic, df = numerics.screen_logrank(codes, n_group, rows)
    status = np.where(df > 0, "ok", np.where(n_event > 0, "no information", "no events"))
    nothing = np.full(len(n), np.nan)
    return pl.DataFrame(
        {
            "feature": features.names,
            "n": n,
            "n_event": n_event,
            "estimate": nothing,
            "std_error": nothing,
            "statistic": statistic,
            "df": np.where(df > 0, df, np.nan),
            "p_value": chdtrc(df, statistic),
            "status": status.tolist(),
        }
    )


def _codes(features: Features, missing: Missing) -> tuple[np.ndarray, np.ndarray]:
    """Features x rows of numbered groups, and how many there are of each feature."""
    values = features.numbers()
    features.check_missing(missing, values)
    if values is not None:
        return numerics.codes_of(values, MOST_GROUPS)
    columns = [features.column(j) for j in range(len(features))]
    codes = np.full((len(columns), len(columns[0])), numerics.MISSING, dtype=np.int16)
    n_group = np.zeros(len(columns), dtype=np.int64)
    for j, series in enumerate(columns):
        code, n_group[j] = group_codes(series)
        codes[j, series.is_not_null().to_numpy()] = code
    return codes, n_group


def _refuse_many_groups(features: Features, n_group: np.ndarray) -> None:
    for j in np.flatnonzero(n_group > MOST_GROUPS)[:1]:
        raise DataError(
            f"has {counted(group_codes(features.column(int(j)))[1], 'value')}, and each would be a group",
            argument="features",
            column=features.names[j],
            expected=f"features of at most {MOST_GROUPS} values for a log-rank test",
            remedy="method='cox' for numbers, or pl.col(...).cut([...])",
        )
