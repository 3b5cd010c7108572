"""Profile-likelihood limits of a Cox model's coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.intervals import normal_quantile
from ..numerics.newton import Maximum
from ..numerics.profile import profile_limit
from ..options import check_conf_level
from .cox_solution import rows_of, unpenalized

if TYPE_CHECKING:
    from .cox_fit import CoxFit


def profile_limits(fit: CoxFit, columns: Any, conf_level: float | None) -> pl.DataFrame:
    """Limits at which twice the profile log-likelihood has fallen by the chi-squared quantile.

    `columns` names coefficients or terms (all by default). An infinite limit is null. Reference: Venzon DJ,
    Moolgavkar SH. Appl Stat 1988;37:87-94.
    """
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    if fit.ridge is not None or fit.variance == "robust":
        raise DataError(
            "is penalised" if fit.ridge is not None else "has a robust variance",
            argument="fit",
            expected="a likelihood whose differences are chi-squared",
            remedy="cox(...) with robust=False and without ridge=",
        )
    y, design = fit.observations("profile limits"), fit.require_design("profile limits")
    rows = rows_of(y, design.matrix)
    likelihood = unpenalized(rows, y, fit.ties)
    at = fit.coef / rows.scale
    top = Maximum(at, *likelihood(at), 0, 0.0, True)
    drop = 0.5 * normal_quantile(level) ** 2
    chosen = chosen_columns(fit, columns)
    limits = [
        [profile_limit(likelihood, top, j, drop, upper=upper) * rows.scale[j] for upper in (False, True)]
        for j in chosen
    ]
    low, high = np.array(limits).reshape(-1, 2).T
    return pl.DataFrame(
        {
            "term": [fit.columns[j] for j in chosen],
            "estimate": fit.coef[chosen],
            "conf_low": np.where(np.isfinite(low), low, np.nan),
            "conf_high": np.where(np.isfinite(high), high, np.nan),
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def chosen_columns(fit: CoxFit, columns: Any) -> list[int]:
    """Positions of the coefficients that a list of coefficients and terms names (all for None)."""
    if columns is None:
        return list(range(len(fit.columns)))
    names = [columns] if isinstance(columns, str) else list(columns)
    found: list[int] = []
    for name in names:
        at = fit.terms.get(name)
        found += list(range(at.start, at.stop)) if at is not None else [fit.place(name, argument="columns")]
    return found
