"""Fitted regressions: coefficients, their covariance, and what every model tells of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl
from scipy.special import gammaincc, ndtr

from . import formats
from .curves import Result
from .errors import DataError
from .numerics.intervals import normal_quantile
from .options import check_conf_level, suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .design import Design

SHOWN_COEFFICIENTS = 8
BEFORE_SLIM = "the fit as it was before .slim()"
SINGULAR = 1e-13  # singular values of a correlation matrix below this part of the largest are zero
SPLINE = re.compile(r"(^|:)(rcs|ns|bs|cr|cc|cs)\(")  # in the name of a term; the last four are formulaic's
CODED = re.compile(r"\w+\((?P<name>`[^`]+`|[^,()]+)[,)].*")  # `rcs(age, df=3)`, `C(stage)`
ZERO_OF = {"log(t)": "time 1", "(t)": "time 0", "sqrt(t)": "time 0", "log1p(t)": "time 0"}
AnyFit = TypeVar("AnyFit", bound="Fit")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Fit(Result):
    """A fitted regression.

    Attributes
    ----------
    name, method
        What was fitted ("Cox regression") and how ("Efron ties").
    columns
        The names of the coefficients: `age`, `sex[M]`, `age:sex[M]`.
    terms
        The coefficients of each term of the formula, as a slice of `columns`. What lies in no term belongs to
        the distribution (an intercept, a scale), and has no ratio.
    coef, cov
        Estimates and their covariance matrix, on the scale of the linear predictor.
    variance
        "model-based" or "robust" (or what else the method has).
    log_likelihood, log_likelihood_null
        At the estimates, and with every effect zero.
    ratio
        What the exponential of a coefficient is ("hazard ratio"); empty where it is nothing.
    df
        Degrees of freedom that the effects took (fractional in penalised models).
    design
        The design matrix and how to make it from other rows; None in a slim fit.
    """

    name: str
    method: str
    columns: tuple[str, ...]
    terms: dict[str, slice] = field(repr=False)
    coef: np.ndarray
    cov: np.ndarray = field(repr=False)
    variance: str
    log_likelihood: float
    log_likelihood_null: float
    n: float
    n_event: float
    conf_level: float = 0.95
    ratio: str = ""
    df: float = 0.0
    n_dropped: int = 0
    time_unit: str | None = None
    design: Design | None = field(default=None, repr=False)

    @property
    def std_error(self) -> np.ndarray:
        """The standard errors of the coefficients."""
        return np.sqrt(np.diag(self.cov))

    @property
    def aic(self) -> float:
        """Akaike's criterion: -2 log L + 2 df."""
        return -2 * self.log_likelihood + 2 * self.df

    @property
    def bic(self) -> float:
        """Schwarz' criterion: -2 log L + df log(events), as R's survival counts it."""
        return -2 * self.log_likelihood + self.df * float(np.log(self.n_event))

    def to_frame(self, *, exponentiate: bool = False, conf_level: float | None = None) -> pl.DataFrame:
        """One row per coefficient: term, estimate, std_error, statistic, p_value, conf_low, conf_high.

        `exponentiate=True` gives ratios and their limits instead, without a standard error, of the effects
        alone.
        """
        level = self.conf_level if conf_level is None else check_conf_level(conf_level)
        low, high = self._limits(level)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = self.coef / self.std_error
        frame = pl.DataFrame(
            {
                "term": list(self.columns),
                "estimate": self.coef,
                "std_error": self.std_error,
                "statistic": statistic,
                "p_value": self._p_values(statistic),
                "conf_low": low,
                "conf_high": high,
            },
            schema_overrides={"term": pl.String},
        ).with_columns(pl.col(pl.Float64).fill_nan(None))
        if not exponentiate:
            return frame
        self._require_ratio()
        natural = frame.filter(pl.Series(self._is_effect())).drop("std_error")
        return natural.with_columns(pl.col("estimate", "conf_low", "conf_high").exp())

    def term_tests(self) -> pl.DataFrame:
        """A Wald test of each term, its levels or spline columns together: term, statistic, df, p_value."""
        rows = [(term, *wald_test(self.coef[at], self.cov[at, at])) for term, at in self.terms.items()]
        return frame_of_tests(rows, "term")

    def nonlinearity(self) -> pl.DataFrame:
        """A Wald test of each spline term against a straight line: term, statistic, df, p_value.

        Raises
        ------
        DataError
            If the model has no spline term, or the fit is slim.
        """
        design = self.require_design("nonlinearity")
        rows = []
        for term, bends in design.bends().items():
            at = self.terms[term]
            rows.append((term, *wald_test(bends @ self.coef[at], bends @ self.cov[at, at] @ bends.T)))
        if not rows:
            raise DataError(
                "the model has no spline term",
                argument="fit",
                expected="a term such as rcs(age, df=3) or ns(age, df=3), and no interaction with it",
                remedy='covariates="rcs(age, df=3)"',
            )
        return frame_of_tests(rows, "term")

    def summary(self) -> pl.DataFrame:
        """One row: n, events, exclusions, method, variance, log-likelihoods, AIC, BIC and level."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "n": [self.n],
                "n_event": [self.n_event],
                "n_dropped": [self.n_dropped],
                "method": [self.method],
                "variance": [self.variance],
                "log_likelihood": [self.log_likelihood],
                "log_likelihood_null": [self.log_likelihood_null],
                "df": [self.df],
                "aic": [self.aic],
                "bic": [self.bic],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, term: str | None = None, *, label: str | None = None, decimals: int = 2) -> str:
        """A sentence on a term, a coefficient or all: `hazard ratio of age 1.71 (95% CI ...), p=0.009`.

        `label` are words for a single coefficient, in place of its name.

        A term may be named by its covariate, `age` for `rcs(age, df=3)`. No single ratio tells the effect of
        a spline: its p-values are told, and `hem.regression.contrast` gives ratios along it.
        """
        asked = None if term is None else self.term_of(term) or term
        if asked in self.splines():
            return f"effect of {asked} along a curve: {self._curve(asked)}"
        frame = self.to_frame(exponentiate=bool(self.ratio))
        rows = {row["term"]: row for row in frame.iter_rows(named=True)}
        curved = {} if asked is not None else self._of_splines()
        names = list(rows) if asked is None else self._columns_of(asked)
        told = [
            f"{self.at_zero(name)}: {self._told(rows[name], decimals)}"
            for name in names
            if name in rows and name not in curved
        ]
        if label is not None:
            return self._labelled(label, [rows[name] for name in names if name in rows], decimals)
        if asked is not None and len(told) == 1:
            plain = told[0].startswith(f"{names[0]}: ")
            return f"{self.ratio or 'coefficient'} of {told[0].replace(': ', ' ', 1) if plain else told[0]}"
        told += [f"{name} along a curve: {self._curve(name)}" for name in dict.fromkeys(curved.values())]
        overall = ""
        if asked in self.terms and len(told) > 1:
            p = self.term_tests().filter(pl.col("term") == asked)["p_value"][0]
            what = "levels" if names[0].endswith("]") and "(" not in names[0] else "of them"
            overall = f" (all {what} together {formats.p_value(p)})" if p is not None else ""
        return f"{self.ratio or 'coefficient'}s: {'; '.join(told)}{overall}"

    def _labelled(self, label: str, rows: list[dict[str, Any]], decimals: int) -> str:
        """A sentence on one coefficient in words of the user's."""
        if len(rows) == 1:
            return f"{self.ratio or 'coefficient'} of {label} {self._told(rows[0], decimals)}"
        raise DataError(
            f"was given for {len(rows)} coefficients",
            argument="label",
            expected="words for one coefficient",
            remedy=f"text({self.columns[0]!r}, label={label!r})" if self.columns else "label=None",
        )

    def term_of(self, name: str) -> str | None:
        """The term of that name, else the only one that codes the covariate: `age` is `rcs(age, df=3)`."""
        if name in self.terms or name in self.columns:
            return name if name in self.terms else None
        coded = {term: CODED.fullmatch(term) for term in self.terms if ":" not in term}
        found = [term for term, match in coded.items() if match and match["name"].strip("`") == name]
        return found[0] if len(found) == 1 else None

    def splines(self) -> list[str]:
        """The terms whose coefficients together draw a curve, and mean nothing alone."""
        return [t for t, at in self.terms.items() if SPLINE.search(t) and at.stop - at.start > 1]

    def at_zero(self, name: str) -> str:
        """A coefficient or term beside its product with a function of time, named by where that is 0.

        `age at time 1` for that beside `age:log(t)`; any other keeps its name.
        """
        known = (*self.columns, *self.terms)
        functions = [
            c.removeprefix(f"{name}:") for c in known if c.startswith(f"{name}:") and c.endswith("(t)")
        ]
        if not functions:
            return name
        return f"{name} at {ZERO_OF.get(functions[0], f'{functions[0]} = 0')}"

    def ratios(self) -> list[str]:
        """The coefficients whose exponential is a ratio of its own: effects, but those of a spline."""
        curved = self._of_splines()
        effects = zip(self.columns, self._is_effect(), strict=True)
        return [column for column, is_effect in effects if is_effect and column not in curved]

    def _of_splines(self) -> dict[str, str]:
        """The coefficients of splines, with their terms."""
        return {column: term for term in self.splines() for column in self.columns[self.terms[term]]}

    def curve_tests(self, term: str) -> tuple[float | None, float | None]:
        """The p of a spline term, and that for non-linearity where it can be tested."""
        p = self.term_tests().filter(pl.col("term") == term)["p_value"][0]
        if self.design is None or term not in self.design.bends():
            return p, None
        return p, self.nonlinearity().filter(pl.col("term") == term)["p_value"][0]

    def _curve(self, term: str) -> str:
        """The p-values of a spline."""
        p, bent = self.curve_tests(term)
        return formats.p_value(p) + ("" if bent is None else f", non-linearity {formats.p_value(bent)}")

    def methods(self) -> str:
        """A sentence for the methods section."""
        kind = f"{self.ratio}s" if self.ratio else "coefficients"
        return (
            f"{kind[:1].upper()}{kind[1:]} were estimated by {self.name} ({self.method}), with "
            f"{formats.level(self.conf_level)} confidence limits from the {self.variance} variance."
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot of the effects; options as those of `hem.plots.draw_forest`."""
        from .plots import draw_forest

        return draw_forest(self, ax=ax, **options)

    def slim(self: AnyFit) -> AnyFit:
        """The same fit without its design and data: small, but without residuals or predictions."""
        return replace(self, design=None)

    def require_design(self, what: str) -> Design:
        """The design; a slim fit, which has none, is refused."""
        if self.design is None:
            raise DataError(
                f"{what} needs the design of the fit, which a slim or converted fit does not hold",
                argument="fit",
                expected="a fit with its design",
                remedy="hem.regression.cox(...) on the data" if self._is_converted() else BEFORE_SLIM,
            )
        return self.design

    def predict(self, *args: Any, **options: Any) -> Any:
        """Predictions, of the models that have them."""
        raise self._without("predictions")

    def curves(self, *args: Any, **options: Any) -> Any:
        """Predicted curves, of the models that have them."""
        raise self._without("predicted curves")

    def adjusted(self, *args: Any, **options: Any) -> Any:
        """Standardised curves, of the models that have them."""
        raise self._without("standardised curves")

    def _without(self, what: str) -> DataError:
        """A refusal of what this model does not have, with what there is instead."""
        instead = "hem.regression.cox(...), which has them"
        if self._is_converted():
            instead = "the fitter itself: fitter.predict_survival_function(rows)"
        elif what == "predicted curves" and type(self).predict is not Fit.predict:
            instead = "fit.predict(new_data, times=[12, 24, 60])"
        return DataError(
            f"there are no {what} of {self.name} ({self.method})",
            argument="fit",
            expected=f"a model that has {what}",
            remedy=instead,
        )

    def _is_converted(self) -> bool:
        """Whether another package fitted it."""
        return self.method.startswith("lifelines")

    def place(self, column: str, *, argument: str = "term") -> int:
        """The position of a coefficient by its name."""
        if column in self.columns:
            return self.columns.index(column)
        known = (*self.columns, *(self.terms if argument == "term" else ()))
        raise DataError(
            f"{column!r} is no coefficient of the model",
            argument=argument,
            expected=f"the name of a coefficient; {suggestion(column, dict.fromkeys(known))}",
            remedy=f"{argument}={self.columns[0]!r}" if self.columns else "a model with covariates",
        )

    def _columns_of(self, term: str) -> list[str]:
        if term in self.terms:
            return list(self.columns[self.terms[term]])
        return [self.columns[self.place(term)]]

    def _limits(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        half = normal_quantile(level) * self.std_error
        return self.coef - half, self.coef + half

    def _p_values(self, statistic: np.ndarray) -> np.ndarray:
        return 2 * ndtr(-np.abs(statistic))

    def _is_effect(self) -> np.ndarray:
        """Which coefficients belong to a term."""
        effect = np.zeros(len(self.columns), dtype=bool)
        for at in self.terms.values():
            effect[at] = True
        return effect

    def _require_ratio(self) -> None:
        if not self.ratio:
            raise DataError(
                f"the exponential of a coefficient has no meaning in {self.name}",
                argument="exponentiate",
                expected="a model of ratios",
                remedy="exponentiate=False",
            )

    def _told(self, row: dict[str, Any], decimals: int) -> str:
        shown = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
        return f"{formats.with_level(shown, self.conf_level)}, {formats.p_value(row['p_value'])}"

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.name}: n={formats.count(self.n)}, events={formats.count(self.n_event)}{dropped}"
        rows = self._lines()
        lines = rows[:SHOWN_COEFFICIENTS]
        left = len(rows) - SHOWN_COEFFICIENTS
        more = [f"  and {left} more"] if left > 0 else []
        fitted, null = (formats.significant(v, 6) for v in (self.log_likelihood, self.log_likelihood_null))
        how = f"{self.method}, {self.variance} variance, {formats.level(self.conf_level)} limits"
        likelihood = "" if np.isnan(self.log_likelihood) else f"log-likelihood {fitted} (null {null}); "
        return "\n".join([head, *lines, *more, likelihood + how])

    def _lines(self) -> list[str]:
        """A line for each coefficient, but one for all of a spline."""
        curved, told = self._of_splines(), set[str]()
        lines = []
        for row in self.to_frame().iter_rows(named=True):
            term = curved.get(row["term"])
            if term is None:
                lines.append(self._line(row))
            elif term not in told:
                told.add(term)
                p, bent = self.curve_tests(term)
                more = "" if bent is None else f", for non-linearity {formats.significant(bent)}"
                lines.append(f"  {term}: p of the curve {formats.significant(p)}{more} (ratios: contrast)")
        return lines

    def _line(self, row: dict[str, Any]) -> str:
        numbers = [row["estimate"], row["conf_low"], row["conf_high"]]
        effect = bool(self.ratio) and bool(self._is_effect()[self.columns.index(row["term"])])
        if effect:
            numbers = [None if v is None else _exp(v) for v in numbers]
        first, low, high = (formats.significant(v) for v in numbers)
        what = f"{self.ratio} " if effect else ""
        name = self.at_zero(row["term"])
        return f"  {name}: {what}{first} ({low} to {high}), p {formats.significant(row['p_value'])}"


def wald_test(estimate: np.ndarray, cov: np.ndarray) -> tuple[float, float, float]:
    """The Wald statistic b' V^-1 b of some coefficients, its degrees of freedom and p-value.

    No number where the covariance is singular, as a robust one of few clusters is.
    """
    scale = np.sqrt(np.diag(cov))
    if not (len(scale) and np.isfinite(scale).all() and (scale > 0).all()):
        return float("nan"), float(len(estimate)), float("nan")
    z = estimate / scale
    solved, _, rank, _ = np.linalg.lstsq(cov / np.outer(scale, scale), z, rcond=SINGULAR)
    statistic = float(z @ solved) if rank == len(z) else float("nan")
    return statistic, float(len(estimate)), chi_squared_tail(statistic, len(estimate))


def chi_squared_tail(statistic: float, df: float) -> float:
    """The probability that a chi-squared variable exceeds the statistic."""
    return float(gammaincc(df / 2, max(statistic, 0.0) / 2)) if df > 0 else float("nan")


def frame_of_tests(rows: list[tuple[str, float, float, float]], label: str = "test") -> pl.DataFrame:
    """Rows of (name, statistic, df, p) as a tidy frame."""
    names = (label, "statistic", "df", "p_value")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Float64) | {label: pl.String}, orient="row")
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def _exp(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(value))
