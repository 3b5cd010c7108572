"""Linear combinations of coefficients: one kind of patient against another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from .. import formats
from ..columns import Column, as_frame
from ..curves import SHOWN_GROUPS, Result
from ..design import Design
from ..errors import DataError, counted, listed
from ..fits import Fit, wald_test
from ..numerics.intervals import normal_quantile
from ..options import check_conf_level, check_number, nearest
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEPENDENT = 1e-10
SEVERAL = (list, tuple, np.ndarray, pl.Series)


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts(Result):
    """Linear combinations of a fit's coefficients, with limits and tests.

    `labels` has one row per combination: what is compared.
    """

    labels: pl.DataFrame = field(repr=False)
    estimate: np.ndarray
    cov: np.ndarray = field(repr=False)
    conf_level: float
    ratio: str
    method: str
    n: float
    n_event: float

    def to_frame(self, *, exponentiate: bool = False) -> pl.DataFrame:
        """One row per combination: its labels, estimate, std_error, statistic, p_value, limits."""
        error = np.sqrt(np.maximum(np.diag(self.cov), 0.0))
        half = normal_quantile(self.conf_level) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, self.estimate / error, np.nan)
        frame = self.labels.with_columns(
            estimate=self.estimate,
            std_error=error,
            statistic=z,
            p_value=2 * ndtr(-np.abs(z)),
            conf_low=self.estimate - half,
            conf_high=self.estimate + half,
        ).with_columns(pl.col(pl.Float64).fill_nan(None))
        if not exponentiate:
            return frame
        if not self.ratio:
            raise DataError(
                f"the exponential of a contrast has no meaning in {self.method}",
                argument="exponentiate",
                expected="a model of ratios",
                remedy="exponentiate=False",
            )
        return frame.drop("std_error").with_columns(pl.col("estimate", "conf_low", "conf_high").exp())

    def test(self) -> dict[str, float]:
        """The joint Wald test that all combinations are zero: statistic, df, p_value."""
        scale = np.sqrt(np.maximum(np.diag(self.cov), 0.0))
        varies = scale > 0
        z = self.estimate[varies] / scale[varies]
        correlation = self.cov[np.ix_(varies, varies)] / np.outer(scale[varies], scale[varies])
        size, turn = np.linalg.eigh(correlation)
        keep = size > DEPENDENT * size.max(initial=0.0)  # combinations that follow from others count once
        statistic, df, p = wald_test(turn[:, keep].T @ z, np.diag(size[keep]))
        return {"statistic": statistic, "df": df, "p_value": p}

    def summary(self) -> pl.DataFrame:
        """One row: how many combinations, of which model, n, events and the joint test."""
        return pl.DataFrame(
            {"name": ["contrast"], "method": [self.method], "n": [self.n], "n_event": [self.n_event]}
            | {name: [value] for name, value in self.test().items()}
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: `hazard ratio of age 70 against 50: 2.13 (95% CI ...), p<0.001`."""
        parts = []
        for label, row in zip(self._labels(), self._rows(), strict=True):
            shown = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
            said = f"{label}: {formats.with_level(shown, self.conf_level)}"
            parts.append(said + ("" if row["p_value"] is None else f", {formats.p_value(row['p_value'])}"))
        return f"{self.ratio or 'difference'} of {'; '.join(parts)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"Contrasts are Wald estimates from {self.method} with {formats.level(self.conf_level)} limits."
        )

    @property
    def measure(self) -> str:
        """What is estimated: `hazard ratio`, or `difference`."""
        return self.ratio or "difference"

    def forest_frame(self) -> pl.DataFrame:
        """The rows of a forest plot: label, estimate and limits (ratios of a model of ratios), p_value."""
        frame = self.to_frame(exponentiate=bool(self.ratio))
        return frame.select(
            pl.Series("label", self._labels()), "estimate", "conf_low", "conf_high", "p_value"
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot, as `hem.plots.draw_forest`; for a line see `hem.plots.draw_effect`."""
        from ..plots import draw_forest

        return draw_forest(self, ax=ax, **({"log": bool(self.ratio)} | options))

    def _rows(self) -> list[dict[str, Any]]:
        return self.to_frame(exponentiate=bool(self.ratio)).to_dicts()

    def _labels(self) -> list[str]:
        return [_label(row) for row in self.labels.iter_rows(named=True)]

    def __repr__(self) -> str:
        lines = []
        for label, row in list(zip(self._labels(), self._rows(), strict=True))[:SHOWN_GROUPS]:
            first, low, high = (formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high"))
            lines.append(f"  {label}: {first} ({low} to {high}), p {formats.significant(row['p_value'])}")
        left = self.labels.height - SHOWN_GROUPS
        more = [f"  and {left} more"] if left > 0 else []
        return "\n".join([f"Contrasts: {self.ratio or 'differences'}, {self.method}", *lines, *more])


def contrast(
    fit: Fit,
    at: Any = None,
    against: Any = None,
    *,
    weights: Mapping[str, float] | None = None,
    conf_level: float | None = None,
) -> Contrasts:
    """Any linear combination of coefficients, such as the hazard ratio at 70 against 50 years along a spline.

    Estimates L'b with variance L'VL, L being the difference between two rows of the design, or `weights`.

    Parameters
    ----------
    fit
        A fitted regression with its design.
    at, against
        Values of covariates, `{"age": 70}`; several as lists, `{"age": [60, 70, 80]}`, or as a table.
        Covariates that are not named are the same on both sides; what interacts with a named one has to be
        named.
    weights
        Instead: the weight of each coefficient, `{"sex[M]": 1, "age:sex[M]": 70}`.
    conf_level
        Level of the limits; that of the fit unless given.

    Returns
    -------
    Contrasts
        With `.to_frame(exponentiate=True)`, `.test()` of all together and `.text()`.

    Raises
    ------
    DataError
        A column that is no covariate, an interacting one that is not named, tables of different lengths, a
        fit without its design, effects that change with time (name their coefficients by `weights`).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> fit = hem.regression.cox(mgus, "rcs(age, df=3) + sex", time="futime", event="death")
    >>> hem.regression.contrast(fit, {"age": [60, 80]}, {"age": 70}).to_frame(exponentiate=True)[
    ...     "estimate"
    ... ].round(2).to_list()
    [0.53, 2.05]
    """
    if not isinstance(fit, Fit):
        raise DataError(
            f"a {type(fit).__name__} was given",
            argument="fit",
            expected="a fitted regression with one coefficient for each column of its design",
            remedy="hem.regression.cox(data, 'age + sex', time=..., event=...)",
        )
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    if weights is not None:
        if at is not None or against is not None:
            raise DataError(
                "was given together with values of covariates",
                argument="weights",
                expected="either weights, or `at` and `against`",
                remedy="weights=None",
            )
        L = _weighted(fit, weights)
        labels = pl.DataFrame({"term": [" + ".join(f"{_shown(v)} {k}" for k, v in weights.items())]})
    else:
        L, labels = _differences(fit, at, against)
    return Contrasts(
        labels=labels,
        estimate=L @ fit.coef,
        cov=L @ fit.cov @ L.T,
        conf_level=level,
        ratio=fit.ratio,
        method=f"{fit.name} ({fit.method}, {fit.variance} variance)",
        n=fit.n,
        n_event=fit.n_event,
    )


def _weighted(fit: Fit, weights: Mapping[str, float]) -> np.ndarray:
    """One row of weights of the coefficients."""
    what = "finite weights of coefficients by their names"
    if not isinstance(weights, Mapping) or not weights:
        raise DataError(
            "no weights were given",
            argument="weights",
            expected=what,
            remedy=f"weights={{{next(iter(fit.columns), 'age')!r}: 1}}",
        )
    L = np.zeros((1, len(fit.coef)))
    for name, value in weights.items():
        number = check_number(value, argument="weights", expected=what, example=1)
        L[0, fit.place(name, argument="weights")] = number
    return L


def _differences(fit: Fit, at: Any, against: Any) -> tuple[np.ndarray, pl.DataFrame]:
    """Rows of the design at some values less those at others, and what to call them."""
    design = fit.require_design("a contrast")
    one, other = _values(at, "at"), _values(against, "against")
    _check_columns(design, one, other)
    if other.height not in (1, one.height):
        raise DataError(
            f"has {counted(other.height, 'row')}, and at= has {one.height}",
            argument="against",
            expected="one row, or as many as at= has",
            remedy="against={...} with single values",
        )
    other = other[[0] * one.height] if other.height == 1 else other
    X = _rows(design, one, "at") - _rows(design, other, "against")
    L = np.zeros((one.height, len(fit.coef)))
    for term, columns in design.terms.items():
        if term in fit.terms:
            L[:, fit.terms[term]] = X[:, columns]
    labels = one.with_columns(other[name].alias(f"against {name}") for name in one.columns)
    return L, labels


def _values(given: Any, argument: str) -> pl.DataFrame:
    """Values of covariates as a table."""
    if isinstance(given, Mapping) and given:
        columns = {k: list(v) if isinstance(v, SEVERAL) else [v] for k, v in given.items()}
        lengths = {len(v) for v in columns.values()} - {1}
        if len(lengths) > 1 or 0 in lengths:
            raise DataError(
                f"lists of {listed(sorted(len(v) for v in columns.values()))} values were given",
                argument=argument,
                expected="single values, and lists that are as long as each other",
                remedy=f"{argument}={{'age': [60, 70], 'sex': 'M'}}",
            )
        longest = max(lengths, default=1)
        return pl.DataFrame({k: v * (longest if len(v) == 1 else 1) for k, v in columns.items()})
    if given is None or isinstance(given, Mapping):
        raise DataError(
            "no values were given",
            argument=argument,
            expected="values of covariates",
            remedy="at={'age': 70}, against={'age': 50}",
        )
    frame = as_frame(given)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _check_columns(design: Design, one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Both sides name the same covariates, and all that interacts with them."""
    known = design.request.roots
    for argument, side in (("at", one), ("against", other)):
        for name in (name for name in side.columns if name not in known):
            meant = [*nearest(name, known, 1), *known, "age"][0]
            raise DataError(
                "is no covariate of the model",
                argument=argument,
                column=name,
                expected=f"one of {listed(known)}",
                remedy=f"{argument}={{{meant!r}: ...}}",
            )
    if set(one.columns) != set(other.columns):
        odd = sorted(set(one.columns) ^ set(other.columns))
        raise DataError(
            f"names other covariates than at= ({listed(odd)} on one side only)",
            argument="against",
            expected="the same covariates on both sides",
            remedy=f"against={{{', '.join(f'{c!r}: ...' for c in one.columns)}}}",
        )
    roots = {
        name: _roots(item) for name, item in zip(design.request.names, design.request.items, strict=True)
    }
    for term in design.request.terms:
        columns = {root for factor in term for c in factor.columns for root in roots[c]}
        absent = sorted(columns - set(one.columns))
        if columns & set(one.columns) and absent:
            raise DataError(
                f"interacts with {listed(sorted(columns & set(one.columns)))} and has no value",
                argument="at",
                column=absent[0],
                expected="a value for every covariate that interacts with those compared",
                remedy=f"at={{..., {absent[0]!r}: ...}}, and the same in against=",
            )


def _rows(design: Design, values: pl.DataFrame, argument: str) -> np.ndarray:
    """Rows of the design, with any value for the covariates that cancel."""
    if isinstance(design, TimeVaryingDesign):
        return design.apply(values, argument=argument)  # refused
    filler, items = design.filler(), zip(design.request.names, design.request.items, strict=True)
    columns = [
        (pl.col(item) if isinstance(item, str) else item)
        if set(_roots(item)) <= set(values.columns)
        else pl.lit(filler[name]).alias(name)
        for name, item in items
    ]
    evaluated = values.with_columns(columns).select(design.request.names)
    return design.apply_evaluated(evaluated, argument=argument)


def _roots(item: Column) -> list[str]:
    """The columns of the data that a covariate is made from."""
    return [item] if isinstance(item, str) else item.meta.root_names()


def _shown(value: Any) -> str:
    return (
        formats.significant(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else str(value)
    )


def _label(row: dict[str, Any]) -> str:
    """`age 80 against 70, sex M`: what is compared, and what is the same on both sides."""
    if "term" in row:
        return str(row["term"])
    names = [name for name in row if f"against {name}" in row]
    pairs = {name: (_shown(row[name]), _shown(row[f"against {name}"])) for name in names}
    told = [f"{name} {a} against {b}" for name, (a, b) in pairs.items() if a != b]
    return ", ".join(told + [f"{name} {a}" for name, (a, b) in pairs.items() if a == b])
