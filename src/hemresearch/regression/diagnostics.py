"""What the pictures of a Cox model's residuals show, as tidy frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, listed, warn
from ..numerics.intervals import normal_quantile
from ..numerics.smooth import lowess, spline_trend
from ..options import check_choice, check_conf_level, check_number, suggestion
from .cox_fit import CoxFit
from .ph_test import PHTest

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_VALUES = 3  # a number with fewer values is a category
SMOOTH_POINTS = 40
LABELLED = 5
CONTINUOUS = ("column", "number", "rcs", "ns")  # factors of a formula that keep a number a number
Influence = Literal["dfbeta", "dfbetas"]


def martingale_smooth(
    fit: CoxFit, covariates: str | Sequence[str] | None = None, *, span: float = 2 / 3
) -> pl.DataFrame:
    """Martingale residuals against each continuous covariate, with their lowess smooth.

    Where a covariate has its right form in the model the smooth is flat at 0; a bend asks for a spline or a
    transformation. The smooth is R's `lowess(iter=0)`: without the reweighting that is meant for outliers, as
    it would take the large negative residuals of long follow-up for such. Case weights do not enter it.

    Parameters
    ----------
    fit
        A Cox fit with Efron's or Breslow's ties, not slim.
    covariates
        Names of numeric covariates; default all that the model codes as numbers and that have at least three
        values.
    span
        The share of the rows that each smoothed value rests on.

    Returns
    -------
    polars.DataFrame
        `covariate`, `row` (the 1-based position in the data), `value`, `residual`, `smooth`; sorted by value.

    Raises
    ------
    DataError
        For something other than such a fit, a covariate that is not a number of the model, or a model without
        continuous covariates.

    References
    ----------
    Therneau TM, Grambsch PM, Fleming TR. Biometrika 1990;77:147-160. Cleveland WS. J Am Stat Assoc
    1979;74:829-836.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "karno + age", time="time", event="status")
    >>> hem.regression.martingale_smooth(fit, "karno").row(0, named=True)["covariate"]
    'karno'
    """
    _check_fit(fit)
    check_number(span, argument="span", above=0, below=1 + 1e-12, expected="a share of the rows", example=0.5)
    names = _continuous(fit, covariates)
    y = fit.observations("martingale residuals")
    found = fit.residuals("martingale").select("row", "residual")
    residual = found["residual"].to_numpy()
    parts = []
    for name in names:
        value = y.covariates[name].cast(pl.Float64)
        smooth = pl.Series(lowess(value.to_numpy(), residual, span=span, iterations=0))
        part = found.select(pl.lit(name).alias("covariate"), "row", value.alias("value"), "residual")
        parts.append(part.with_columns(smooth=smooth).sort("value", maintain_order=True))
    return pl.concat(parts)


def influence(fit: CoxFit, term: str | None = None, *, kind: Influence = "dfbeta") -> pl.DataFrame:
    """How much each row of the data moves each coefficient, and which five rows move it most.

    The residuals are R's dfbeta: about the coefficient less what it would be without the row, in its units;
    "dfbetas" are in standard errors.

    Parameters
    ----------
    fit
        A Cox fit with Efron's or Breslow's ties, not slim.
    term
        A coefficient, or a term for all of its coefficients; default all.
    kind
        "dfbeta" or "dfbetas".

    Returns
    -------
    polars.DataFrame
        `term` (the coefficient), `row` (the 1-based position in the data), `residual`, and `largest`: whether
        it is among the five of the coefficient that are largest in size.

    Raises
    ------
    DataError
        For something other than such a fit, or an unknown term.

    References
    ----------
    Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 7.1.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "karno + age", time="time", event="status")
    >>> found = hem.regression.influence(fit, "karno")
    >>> found.filter("largest")["row"].to_list()
    [9, 13, 21, 44, 70]
    """
    _check_fit(fit)
    check_choice(kind, Influence, argument="kind")
    columns = _columns_of(fit, term)
    wide = fit.residuals(kind)
    parts = [
        wide.select(
            pl.lit(name).alias("term"),
            "row",
            wide.to_series(fit.place(name) - len(fit.columns)).alias("residual"),
        )
        for name in columns
    ]
    long = pl.concat(parts)
    rank = pl.col("residual").abs().rank("ordinal", descending=True).over("term")
    return long.with_columns(largest=rank <= LABELLED)


def schoenfeld_smooth(
    test: PHTest, term: str | None = None, *, df: int = 4, conf_level: float | None = None
) -> pl.DataFrame:
    """The trend of scaled Schoenfeld residuals over time: a log hazard ratio that may change, with limits.

    A natural cubic spline of the transformed time, fitted to the residuals of each coefficient by least
    squares as `plot.cox.zph` of R's survival does, at 40 points. Its standard error takes the residuals to
    have the variance of the coefficient times the number of events. R draws two standard errors either side.

    Parameters
    ----------
    test
        A result of `ph_test`.
    term
        A coefficient, or a term for all of its coefficients; default all.
    df
        Coefficients of the spline.
    conf_level
        Level of the pointwise limits; default that of the fit.

    Returns
    -------
    polars.DataFrame
        `term` (the coefficient), `x` (transformed time), `time`, `estimate`, `std_error`, `conf_low`,
        `conf_high`. Between event times `time` is interpolated.

    Raises
    ------
    DataError
        For something other than a result of `ph_test`, or an unknown term.

    Warns
    -----
    DataWarning
        If there are too few event times for the spline, which is null then.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526.

    Examples
    --------
    >>> import hemresearch as hem
    >>> fit = hem.regression.cox(hem.data.load("veteran"), "trt + karno", time="time", event="status")
    >>> smooth = hem.regression.schoenfeld_smooth(hem.regression.ph_test(fit), "karno")
    >>> smooth["estimate"].gather([0, 39]).round(3).to_list()
    [-0.049, -0.036]
    """
    if not isinstance(test, PHTest):
        raise DataError(
            f"a {type(test).__name__} was given",
            argument="test",
            expected="a result of hem.regression.ph_test",
            remedy="hem.regression.ph_test(fit)",
        )
    check_number(df, argument="df", at_least=2, expected="at least 2 coefficients", example=4)
    level = test.fit.conf_level if conf_level is None else check_conf_level(conf_level)
    x = test.scaled["g(t)"].to_numpy()
    at = np.linspace(x.min(), x.max(), SMOOTH_POINTS)
    parts = []
    for name in _columns_of(test.fit, term):
        variance = test.fit.cov_model[test.fit.place(name), test.fit.place(name)] * test.n_event
        y = test.residuals_of(name).to_numpy()
        estimate, std_error = spline_trend(x, y, at, df=int(df), variance=float(variance))
        half = normal_quantile(level) * std_error
        columns = {"x": at, "time": _time_at(test, at), "estimate": estimate, "std_error": std_error}
        part = pl.DataFrame(columns | {"conf_low": estimate - half, "conf_high": estimate + half})
        parts.append(part.select(pl.lit(name).alias("term"), pl.all().fill_nan(None)))
    found = pl.concat(parts)
    if found["estimate"].null_count():
        warn(
            f"the events have too few different times for a spline with {int(df)} coefficients",
            argument="df",
            expected="more event times than coefficients",
            remedy="df=2",
        )
    return found


def _time_at(test: PHTest, at: np.ndarray) -> np.ndarray:
    """The times that transform to `at`."""
    if test.transform in ("identity", "log"):
        return at.copy() if test.transform == "identity" else np.exp(at)
    pairs = test.scaled.select("g(t)", "time").unique("g(t)", keep="first").sort("g(t)")
    return np.interp(at, pairs["g(t)"].to_numpy(), pairs["time"].to_numpy())


def _columns_of(fit: CoxFit, term: str | None) -> list[str]:
    if term is None:
        return list(fit.columns)
    own = fit.term_of(term)
    return [fit.columns[fit.place(term)]] if own is None else list(fit.columns[fit.terms[own]])


def _continuous(fit: CoxFit, asked: str | Sequence[str] | None) -> list[str]:
    """The covariates that are coded as numbers, or those of them that were asked for."""
    design, frame = fit.require_design("martingale residuals"), fit.observations("residuals").covariates
    factors = [factor for term in design.request.terms for factor in term if factor.kind in CONTINUOUS]
    numeric = [name for factor in factors for name in factor.columns if frame[name].dtype.is_numeric()]
    known = list(dict.fromkeys(numeric))
    wanted = [asked] if isinstance(asked, str) else asked
    if wanted is None:
        wanted = [name for name in known if frame[name].n_unique() >= FEWEST_VALUES]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise DataError(
            f"{unknown[0]!r} is no number of the model"
            if unknown
            else "the model has no continuous covariate",
            argument="covariates",
            expected=f"numeric covariates; {suggestion(str(unknown[0]), known)}"
            if unknown and known
            else "a model with a number that has at least three values",
            remedy=f"covariates=[{listed(map(repr, known))}]"
            if known
            else "a model with a number, such as age",
        )
    return list(wanted)


def _check_fit(fit: Any) -> None:
    if isinstance(fit, CoxFit) and len(fit.coef):
        return
    raise DataError(
        "the model has no covariates" if isinstance(fit, CoxFit) else f"a {type(fit).__name__} was given",
        argument="fit",
        expected="a Cox fit with covariates",
        remedy="hem.regression.cox(data, 'age + sex', time=..., event=...)",
    )
