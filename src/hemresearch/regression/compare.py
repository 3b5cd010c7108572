"""Likelihood-ratio tests of nested models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..errors import DataError
from ..fits import Fit, chi_squared_tail
from ..results import HypothesisTest
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..design import Design

SAME = 1e-6  # relative distance from the column space of the larger design that is rounding error


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelTest(HypothesisTest):
    """A test of one model within another."""

    def methods(self) -> str:
        """A sentence for the methods section: the test and the kind of model."""
        return f"Nested models were compared by the {self.name} ({self.method})."


def compare(a: Fit, b: Fit) -> HypothesisTest:
    """Likelihood-ratio test of a model within a larger one, fitted to the same rows.

    Twice the difference of the log-likelihoods, against a chi-squared distribution on the difference of the
    degrees of freedom, under the smaller model.

    Parameters
    ----------
    a, b
        Two fits of one kind (ties, strata and distribution included), in either order.

    Returns
    -------
    HypothesisTest
        With one row per model in `.to_frame()`: model, log_likelihood, df, aic.

    Raises
    ------
    DataError
        Fits of different kinds, rows or strata, models that are not nested, penalised or robust fits, whose
        likelihoods have no such test.

    References
    ----------
    Cox DR, Hinkley DV. Theoretical Statistics. Chapman & Hall 1974, section 9.3.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> roles = {"time": "futime", "event": "death", "missing": "drop"}
    >>> line = hem.regression.cox(mgus, "sex + hgb", **roles)
    >>> curve = hem.regression.cox(mgus, "sex + rcs(hgb, df=3)", **roles)
    >>> hem.regression.compare(line, curve)
    likelihood-ratio test: statistic 9.722, df 2, p 0.007743
      smaller: log-likelihood -6145
      larger: log-likelihood -6140
    chi-squared, Cox regression (Efron ties); 13 rows with missing values left out
    """
    for fit in (a, b):
        _refuse_without_likelihood(fit)
    small, large = (a, b) if a.df <= b.df else (b, a)
    _refuse_unlike(small, large)
    _refuse_not_nested(small, large)
    statistic = max(2 * (large.log_likelihood - small.log_likelihood), 0.0)
    df = large.df - small.df
    return ModelTest(
        name="likelihood-ratio test",
        statistic=statistic,
        df=df,
        p_value=chi_squared_tail(statistic, df),
        method=f"chi-squared, {large.name} ({large.method})",
        frame=pl.DataFrame(
            {
                "model": ["smaller", "larger"],
                "log_likelihood": [small.log_likelihood, large.log_likelihood],
                "df": [small.df, large.df],
                "aic": [small.aic, large.aic],
            }
        ),
        n=large.n,
        n_dropped=large.n_dropped,
    )


def _refuse_without_likelihood(fit: Fit) -> None:
    if not isinstance(fit, Fit):
        raise DataError(
            f"a {type(fit).__name__} was given",
            argument="fit",
            expected="two fitted regressions",
            remedy="compare(smaller_fit, larger_fit)",
        )
    penalised = "penal" in f"{fit.method} {fit.variance}" or fit.df != round(fit.df)
    if penalised or fit.variance != "model-based" or not np.isfinite(fit.log_likelihood):
        kind = "is penalised" if penalised else f"has a {fit.variance} variance"
        raise DataError(
            f"{kind}, and differences of its likelihood are not chi-squared",
            argument="fit",
            expected="fits by maximum likelihood with a model-based variance",
            remedy="fit.term_tests() for Wald tests of the terms",
        )


def _refuse_unlike(small: Fit, large: Fit) -> None:
    """Refuse likelihoods that are not of the same thing."""
    strata = [getattr(getattr(f, "y", None), "stratum", None) for f in (small, large)]
    kinds = [f"{fit.name} ({fit.method})" for fit in (small, large)]
    if kinds[0] != kinds[1]:
        raise DataError(
            f"the two fits are of different kinds: {kinds[0]} and {kinds[1]}",
            argument="b",
            expected="two fits of one kind to the same rows",
            remedy="fit.aic of both, if their likelihoods are of the same times; across_models(...) for "
            "their estimates",
        )
    pairs = {
        "numbers of patients": (small.n, large.n),
        "numbers of events": (small.n_event, large.n_event),
        "rows left out": (small.n_dropped, large.n_dropped),
        "strata": tuple(None if s is None else (s.names, len(s)) for s in strata),
    }
    for what, (one, other) in pairs.items():
        if one != other:
            told = f" ({one:g} and {other:g})" if isinstance(one, int | float) else ""
            raise DataError(
                f"the two fits have different {what}{told}",
                argument="b",
                expected="two fits of one kind to the same rows",
                remedy="data.drop_nulls([...]) over the covariates of both, before either fit",
            )
    null, other = small.log_likelihood_null, large.log_likelihood_null
    if np.isfinite([null, other]).all() and abs(null - other) > SAME * max(abs(null), 1.0):
        raise DataError(
            f"the two fits have different log-likelihoods without covariates ({null:.2f} and {other:.2f})",
            argument="b",
            expected="the same rows, outcomes, strata, weights and offsets in both",
            remedy="one table for both fits, and no argument changed but covariates=...",
        )


def _refuse_not_nested(small: Fit, large: Fit) -> None:
    """Refuse models of which the one is not within the other."""
    nested = set(small.columns) <= set(large.columns)
    if small.design is not None and large.design is not None:
        x, y = (getattr(d, "base", d).matrix for d in (small.design, large.design))
        nested = len(x) == len(y) and _spanned(x, y) and _varies_within(small.design, large.design)
    if large.df > small.df and nested:
        return
    raise DataError(
        "neither model is the other with fewer terms" if large.df > small.df else "both models are as large",
        argument="b",
        expected="a model that holds all that the other does, and more",
        remedy="fit.aic to compare models that are not nested",
    )


def _varies_within(small: Design, large: Design) -> bool:
    """Whether effects that change with time do so in the larger model, too."""
    return (
        large.holds(small)
        if isinstance(large, TimeVaryingDesign)
        else not isinstance(small, TimeVaryingDesign)
    )


def _spanned(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether every column of x is a linear combination of those of y and a constant."""
    basis, _ = np.linalg.qr(np.column_stack([np.ones(len(y)), y - y.mean(axis=0)]))
    centred = x - x.mean(axis=0)
    left = centred - basis @ (basis.T @ centred)
    return bool((np.linalg.norm(left, axis=0) <= SAME * np.linalg.norm(centred, axis=0)).all())
