"""The effects of a fitted model as rows to be read: factors with all their levels, the reference too."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..coding import Levels, Spline
from ..errors import DataError
from ..fits import CODED, Fit, wald_test
from ..numerics.parametric import RIGHT
from ..options import check_conf_level, suggestion
from ..results import HypothesisTest
from .cox import fit_cox
from .cox_fit import CoxFit
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..coding import Encoder
    from ..design import Design
    from ..outcomes import Survival
    from .time_varying import Effect

# As variables below end: with the time, or with the moves between states, of an effect.
CHANGING = re.compile(r" at time [^ ]+$| at g\(t\) = 0$|:\w*\(t\)$|: .+$")
UNCOUNTED = {"n": None, "n_event": None}
LEVEL = re.compile(r"(?P<variable>[^\[\]:]+)\[(?P<level>[^\[\]]+)\]")
SCHEMA: dict[str, Any] = {
    "term": pl.String,
    "variable": pl.String,
    "covariate": pl.String,
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
    "p_nonlinear": pl.Float64,
}


def effect_table(fit: Fit, *, conf_level: float | None = None) -> pl.DataFrame:
    """The effects of a model in the order of its terms, factors with a row for each level.

    What a table or a forest plot of the model shows: a number has one row, a factor one per level with the
    reference first, an interaction one per coefficient. A spline has a row without an estimate, since no
    single ratio tells its effect. An effect that changes with time in steps has the rows of each period
    (`age at time (0,12]`); one that changes along a function of time has those where the function is 0
    (`age at time 1` for the logarithm) and those of the change per unit of it (`age:log(t)`).

    Parameters
    ----------
    fit
        Any fitted regression.
    conf_level
        Level of the limits; default that of the fit.

    Returns
    -------
    polars.DataFrame
        `term` (of the formula), `variable`, `covariate` (the column of the data, where there is one),
        `level`, `column` (the coefficient; null for the reference), `reference`, `n` and `n_event` (rows, or
        patients where the fit has an `id`, and events; of a level only where the fit holds its observations;
        null for interactions and for effects in periods), `estimate`, `conf_low`, `conf_high` (ratios, where
        the model has them), `p_value` (coefficient), `p_term` (the whole term, in its period; Wald) and
        `p_nonlinear` (of a spline against a straight line).

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
    for term in fit.terms:
        rows += [{"term": term, "p_term": p_terms[term]} | row for row in _rows(fit, term, known)]
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
    order of an Enum, else sorted, whichever is the reference.

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
    place = _places(_encoder(design, term), y)
    count = 1.0 + place[0] + design.matrix[:, at] @ (place[1:] - place[0])
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
    how = f"{fit.name} ({fit.method}, {fit.variance} variance)"
    return HypothesisTest(
        name=f"test for trend over {term}",
        statistic=statistic,
        df=df,
        p_value=p_value,
        method=f"Wald test of the levels as 1 to {len(place)}, {how}",
        frame=pl.DataFrame(
            {"term": [term], "estimate": fitted.coef[one], "std_error": fitted.std_error[one]},
        ),
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def called(variable: str, covariate: str | None, labels: Mapping[str, str]) -> str:
    """The label of a variable; else that of its covariate, and at which time where the effect changes."""
    if variable in labels or covariate not in labels:
        return labels.get(variable, variable)
    when = CHANGING.search(variable)
    return labels[str(covariate)] + (when[0] if when else "")


def _rows(fit: Fit, term: str, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one term."""
    at, effect = fit.terms[term], _changing(fit, term)
    if effect is None:
        return _rows_of(fit, term, term, at, known)
    if effect.function is not None:
        rows = _rows_of(fit, effect.term, fit.at_zero(term), at, known)
        return rows if term == effect.term else [row | UNCOUNTED for row in rows]
    spans = effect.spans()
    width = (at.stop - at.start) // len(spans)
    rows = []
    for k, span in enumerate(spans):
        part = slice(at.start + k * width, at.start + (k + 1) * width)
        p = wald_test(fit.coef[part], fit.cov[part, part])[2]
        own = UNCOUNTED | {"p_term": None if np.isnan(p) else p}
        rows += [
            row | own for row in _rows_of(fit, effect.term, f"{effect.term} at time {span}", part, known)
        ]
    return rows


def _changing(fit: Fit, term: str) -> Effect | None:
    """How the effect of a term changes with time, if it does."""
    effects = fit.design.effects if isinstance(fit.design, TimeVaryingDesign) else ()
    return next((e for e in effects if term in (e.term, f"{e.term}:{e.name}(t)")), None)


def _rows_of(fit: Fit, term: str, told: str, at: slice, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of some columns that code a term of the formula, told as a variable."""
    base = fit.design.base if isinstance(fit.design, TimeVaryingDesign) else fit.design
    encoder = _encoder(base, term)
    columns = fit.columns[at]
    if term in fit.splines():
        p = fit.curve_tests(term)[1] if told == term else None
        counts = {} if encoder is None else _totals(fit, term)
        covariate = encoder.factor.columns[0] if isinstance(encoder, Spline) else _only_covariate(term)
        return [_row(fit, {}, None, variable=told, covariate=covariate) | counts | {"p_nonlinear": p}]
    if encoder is None:
        return _named(fit, term, told, columns, known)
    variable = told.replace(encoder.factor.label, encoder.factor.stem, 1)
    covariate = encoder.factor.columns[0]
    if not isinstance(encoder, Levels):
        row = _row(fit, known, columns[0], variable=variable, covariate=covariate)
        return [row | _totals(fit, term)]
    levels = _level_counts(fit, term, len(columns))
    return [
        _row(fit, known, column, variable=variable, level=label, covariate=covariate) | count
        for label, column, count in zip(encoder.labels, (None, *columns), levels, strict=True)
    ]


def _named(
    fit: Fit, term: str, told: str, columns: tuple[str, ...], known: dict[str, Any]
) -> list[dict[str, Any]]:
    """Rows of a term that no design describes, and of interactions: levels as their names tell them."""
    levels = [LEVEL.fullmatch(column) for column in columns]
    if fit.design is None and all(levels):
        return [
            _row(fit, known, column, variable=m["variable"], level=m["level"], covariate=m["variable"])
            | ({"p_term": None} if term == column else {})
            for column, m in zip(columns, levels, strict=True)
            if m is not None
        ]
    alone = len(columns) == 1
    return [
        _row(
            fit,
            known,
            column,
            variable=told,
            level=None if alone else column,
            covariate=_only_covariate(term),
        )
        for column in columns
    ]


def _only_covariate(term: str) -> str | None:
    """The covariate that the name of a term tells; none of an interaction."""
    coded = CODED.fullmatch(term)
    return None if ":" in term else coded["name"].strip("`") if coded else term


def _row(
    fit: Fit,
    known: dict[str, Any],
    column: str | None,
    *,
    variable: str,
    covariate: str | None,
    level: str | None = None,
) -> dict[str, Any]:
    """A coefficient with its limits; a reference level stands at no effect."""
    reference = column is None and level is not None
    none = float(bool(fit.ratio)) if reference else None
    values = known.get(column or "", {})
    row = {name: values.get(name) for name in ("conf_low", "conf_high", "p_value")}
    row |= {"variable": variable, "covariate": covariate, "level": level}
    row |= {"column": column, "reference": reference}
    return row | {"estimate": values.get("estimate", none)}


def _level_counts(fit: Fit, term: str, width: int) -> list[dict[str, Any]]:
    """Rows (or patients) and events of each level of a factor, the reference first."""
    design, observed = fit.require_design("effect_table"), _observed(fit)
    indicators = design.matrix[:, design.terms[term]] if term in design.terms else np.empty((0, 0))
    if observed is None or indicators.shape[1] != width:  # in periods: who is in two of them counts once
        return [{}] * (width + 1)
    where = _where(design, term)
    return [_counted(observed, mask & where) for mask in (~indicators.any(axis=1), *(indicators.T > 0))]


def _totals(fit: Fit, term: str) -> dict[str, Any]:
    """Rows (or patients) and events of all in whom a term has an effect."""
    acts = None if fit.design is None else fit.design.acts(term)
    observed = _observed(fit)
    if acts is None or observed is None:
        return {"n": fit.n, "n_event": fit.n_event}
    return _counted(observed, acts)


def _where(design: Design, term: str) -> np.ndarray:
    acts = design.acts(term)
    return np.ones(len(design.matrix), dtype=bool) if acts is None else acts


def _counted(observed: tuple[np.ndarray | None, np.ndarray], mask: np.ndarray) -> dict[str, Any]:
    patient, event = observed
    n = mask.sum() if patient is None else len(np.unique(patient[mask & (patient >= 0)]))
    return {"n": float(n), "n_event": float(event[mask].sum())}


def _observed(fit: Fit) -> tuple[np.ndarray | None, np.ndarray] | None:
    """The patient of each row of the fit, where they are told apart, and its events."""
    for name in ("y", "sampled"):
        y: Survival | None = getattr(fit, name, None)
        if y is not None:
            return y.patient, y.event
    counts = getattr(fit, "counts", None)
    if counts is not None:
        return counts.patient, counts.count
    sample = getattr(fit, "sample", None)
    return None if sample is None else (getattr(sample.y, "patient", None), sample.rows.kind != RIGHT)


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


def _places(encoder: Encoder | None, y: Survival) -> np.ndarray:
    """Where each level stands in the order of an Enum, or sorted; the reference comes first."""
    assert isinstance(encoder, Levels)
    dtype = y.covariates.schema[encoder.column]
    order = dtype.categories.to_list() if isinstance(dtype, pl.Enum) else sorted(encoder.values)
    return np.array([order.index(value) for value in encoder.values])


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
