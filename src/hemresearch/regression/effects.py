"""The effects of a fitted model as rows to be read: factors with all their levels, the reference too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..coding import Levels, Spline
from ..errors import DataError
from ..fits import Fit, wald_test
from ..options import check_conf_level, suggestion
from ..results import HypothesisTest
from .cox import fit_cox
from .cox_fit import CoxFit

if TYPE_CHECKING:
    from ..coding import Encoder
    from ..design import Design
    from ..outcomes import Survival

SCHEMA: dict[str, Any] = {
    "term": pl.String,
    "variable": pl.String,
    "level": pl.String,
    "column": pl.String,
    "reference": pl.Boolean,
    "n": pl.Float64,
    "n_event": pl.Float64,
    "estimate": pl.Float64,
    "conf_low": pl.Float64,
    "conf_high": pl.Float64,
    "p_value": pl.Float64,
    "p_term": pl.Float64,
}


def effect_table(fit: Fit, *, conf_level: float | None = None) -> pl.DataFrame:
    """The effects of a model in the order of its terms, factors with a row for each level.

    What a table or a forest plot of the model shows: a number has one row, a factor one per level with the
    reference first, an interaction one per coefficient. A spline has a row without an estimate, since no
    single ratio tells its effect.

    Parameters
    ----------
    fit
        Any fitted regression.
    conf_level
        Level of the limits; default that of the fit.

    Returns
    -------
    polars.DataFrame
        `term` (of the formula), `variable`, `level`, `column` (the coefficient; null for the reference),
        `reference`, `n` and `n_event` (rows, or patients where the fit has an `id`, and events; of a level
        only where the fit holds its observations; null for interactions), `estimate`, `conf_low`, `conf_high`
        (ratios, where the model has them), `p_value` (coefficient) and `p_term` (the whole term; Wald).

    Raises
    ------
    DataError
        For something other than a fit, or one without effects.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> fit = hem.regression.cox(mgus, "age + sex", time="futime", event="death")
    >>> hem.regression.effect_table(fit).select("variable", "level", "n", "n_event").rows()
    [('age', None, 1384, 963), ('sex', 'F', 631, 423), ('sex', 'M', 753, 540)]
    """
    if not isinstance(fit, Fit) or not fit.terms:
        raise DataError(
            "the model has no effects" if isinstance(fit, Fit) else f"a {type(fit).__name__} was given",
            argument="fit",
            expected="a fitted regression with covariates",
            remedy="hem.regression.cox(data, 'age + sex', time=..., event=...)",
        )
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    estimates = fit.to_frame(exponentiate=bool(fit.ratio), conf_level=level)
    known = {row["term"]: row for row in estimates.iter_rows(named=True)}
    p_terms = dict(fit.term_tests().select("term", "p_value").iter_rows())
    rows = []
    for term, at in fit.terms.items():
        rows += [row | {"term": term, "p_term": p_terms[term]} for row in _rows(fit, term, at, known)]
    frame = pl.DataFrame(rows, schema=SCHEMA)
    whole = frame.select(((pl.col("n", "n_event") % 1) == 0).fill_null(True).all()).row(0)
    return frame.with_columns(
        pl.col(name).cast(pl.Int64)
        for name, is_whole in zip(("n", "n_event"), whole, strict=True)
        if is_whole
    )


def trend_test(fit: CoxFit, term: str) -> HypothesisTest:
    """Test of a trend over the levels of a factor, in its place in the model.

    The model is fitted again with the levels counted 1, 2, ..., k as one number instead of indicators; the
    Wald test of its coefficient (with the variance of the fit) is the p for trend. The levels stand in the
    order of the fit: that of an Enum, else sorted.

    Parameters
    ----------
    fit
        A Cox fit, not slim.
    term
        A factor of the model.

    Returns
    -------
    HypothesisTest
        `.to_frame()` has the coefficient per level: term, estimate, std_error.

    Raises
    ------
    DataError
        For another kind of fit, a term that is no factor, or one that has interactions.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("kmsurv_bmt")
    >>> fit = hem.regression.cox(trial, "z1 + C(group)", time="t2", event="d3")
    >>> hem.regression.trend_test(fit, "C(group)").text()
    'test for trend over C(group): chi-squared 1.97 on 1 df, p=0.16'
    """
    if type(fit) is not CoxFit:
        raise DataError(
            f"a {type(fit).__name__} was given",
            argument="fit",
            expected="a fit of hem.regression.cox",
            remedy="hem.regression.cox(data, 'stage', time=..., event=...)",
        )
    design, y = fit.require_design("trend_test"), fit.observations("trend_test")
    at = fit.terms[_factor_term(fit, design, term)]
    count = 1 + design.matrix[:, at] @ np.arange(1, at.stop - at.start + 1)
    fitted = fit_cox(
        y,
        _with_number(design, term, at, count),
        ties=fit.ties,
        ridge=fit.ridge,
        robust=fit.variance == "robust",
        conf_level=fit.conf_level,
    )
    one = fitted.terms[term]
    statistic, df, p_value = wald_test(fitted.coef[one], fitted.cov[one, one])
    return HypothesisTest(
        name=f"test for trend over {term}",
        statistic=statistic,
        df=df,
        p_value=p_value,
        method=f"Wald test of the levels as 1 to {at.stop - at.start + 1}, {fit.name} ({fit.method})",
        frame=pl.DataFrame(
            {"term": [term], "estimate": fitted.coef[one], "std_error": fitted.std_error[one]},
        ),
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _rows(fit: Fit, term: str, at: slice, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one term."""
    encoder = _encoder(fit.design, term)
    columns = fit.columns[at]
    if encoder is None:
        alone = len(columns) == 1
        return [
            _row(fit, known, column, variable=term, level=None if alone else column) for column in columns
        ]
    variable = encoder.factor.stem
    y = getattr(fit, "y", None)
    if not isinstance(encoder, Levels):
        total = {"n": fit.n, "n_event": fit.n_event}
        if isinstance(encoder, Spline):
            return [_row(fit, {}, None, variable=term) | total]
        return [_row(fit, known, columns[0], variable=variable) | total]
    indicators = fit.require_design("effect_table").matrix[:, at]
    masks = [~indicators.any(axis=1), *(indicators.T > 0)]
    rows = []
    for label, column, mask in zip(encoder.labels, (None, *columns), masks, strict=True):
        counts = {} if y is None else _counts(y, mask)
        rows.append(_row(fit, known, column, variable=variable, level=label) | counts)
    return rows


def _row(
    fit: Fit, known: dict[str, Any], column: str | None, *, variable: str, level: str | None = None
) -> dict[str, Any]:
    """A coefficient with its limits; a reference level stands at no effect."""
    reference = column is None and level is not None
    none = float(bool(fit.ratio)) if reference else None
    values = known.get(column or "", {})
    row = {name: values.get(name) for name in ("conf_low", "conf_high", "p_value")}
    row |= {"variable": variable, "level": level, "column": column, "reference": reference}
    return row | {"estimate": values.get("estimate", none)}


def _counts(y: Survival, mask: np.ndarray) -> dict[str, float]:
    """Rows (or patients) and events of a mask."""
    n = mask.sum() if y.patient is None else len(np.unique(y.patient[mask]))
    return {"n": float(n), "n_event": float(y.event[mask].sum())}


def _encoder(design: Design | None, term: str) -> Encoder | None:
    """How a main effect is coded; None for an interaction, or without a design."""
    if design is None:
        return None
    labels = list(design.terms)[int(design.intercept) :]
    products = design.parts[labels.index(term)] if term in labels else ()
    alone = len(products) == 1 and len(products[0]) == 1
    return products[0][0][0] if alone else None


def _factor_term(fit: CoxFit, design: Design, term: str) -> str:
    """The term, if it is a factor that stands alone in the model."""
    factors = [name for name in fit.terms if isinstance(_encoder(design, name), Levels)]
    if term not in factors:
        raise DataError(
            f"{term!r} is no factor of the model",
            argument="term",
            expected=f"a factor; {suggestion(str(term), factors)}" if factors else "a model with a factor",
            remedy=f"term={factors[0]!r}" if factors else "covariates='C(stage)'",
        )
    column = next(f.columns for t in design.request.terms if len(t) == 1 for f in t if f.label == term)
    for other in design.request.terms:
        if len(other) > 1 and any(set(f.columns) & set(column) for f in other):
            raise DataError(
                f"{term!r} has an interaction in the model, so that there is no single trend",
                argument="term",
                expected="a factor without interactions",
                remedy="a model without its interactions",
            )
    return term


def _with_number(design: Design, term: str, at: slice, count: np.ndarray) -> Design:
    """The design with one number in the place of a factor."""
    gone = at.stop - at.start - 1
    terms = {
        name: slice(s.start, s.start + 1)
        if name == term
        else slice(s.start - gone, s.stop - gone)
        if s.start > at.start
        else s
        for name, s in design.terms.items()
    }
    matrix = np.ascontiguousarray(
        np.column_stack([design.matrix[:, : at.start], count, design.matrix[:, at.stop :]])
    )
    columns = (*design.columns[: at.start], term, *design.columns[at.stop :])
    return replace(design, matrix=matrix, columns=columns, terms=terms)
