"""Every covariate in a Cox model of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..columns import as_frame
from ..curves import Result
from ..design import read_request
from ..errors import DataError, counted
from ..options import Missing
from .cox import cox
from .cox_fit import CoxFit, Ties

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates
    from ..formula import Factor

SHOWN = 7


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Univariable(Result):
    """Cox models with one term each.

    Attributes
    ----------
    fits
        One `CoxFit` per term, in the order of the covariates.
    conf_level
        The level of the limits.
    """

    fits: tuple[CoxFit, ...] = field(repr=False)
    conf_level: float = 0.95

    def to_frame(self, *, exponentiate: bool = False) -> pl.DataFrame:
        """One row per coefficient, with the `n`, `n_event` and `n_dropped` of its model."""
        parts = [
            fit.to_frame(exponentiate=exponentiate).with_columns(
                n=pl.lit(fit.n, pl.Int64),
                n_event=pl.lit(fit.n_event, pl.Int64),
                n_dropped=pl.lit(fit.n_dropped, pl.Int64),
            )
            for fit in self.fits
        ]
        return pl.concat(parts)

    def term_tests(self) -> pl.DataFrame:
        """The Wald test of each term in its model: term, statistic, df, p_value."""
        return pl.concat([fit.term_tests() for fit in self.fits])

    def summary(self) -> pl.DataFrame:
        """One row per model: its term, n, events, exclusions and log-likelihoods."""
        terms = pl.DataFrame({"term": [next(iter(fit.terms)) for fit in self.fits]})
        return pl.concat([terms, pl.concat([fit.summary() for fit in self.fits])], how="horizontal")

    def text(self, *, decimals: int = 2) -> str:
        """A sentence with every hazard ratio."""
        told = [fit.text(decimals=decimals).partition(": ")[2] for fit in self.fits]
        return f"hazard ratios, each covariate alone: {'; '.join(told)}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        from .cox_words import setting_words, variance_words

        first = self.fits[0]
        low, high = (f(fit.n for fit in self.fits) for f in (min, max))
        rows = "" if low == high else f"; between {formats.count(low)} and {formats.count(high)} had a value"
        return (
            f"Each covariate was examined in a Cox model of its own ({first.method}){setting_words(first.y)}"
            f", with {formats.level(self.conf_level)} confidence limits from "
            f"{variance_words(first.variance, first.y)}{rows}."
        )

    def __repr__(self) -> str:
        low, high = (f(fit.n for fit in self.fits) for f in (min, max))
        n = formats.count(low) if low == high else f"{formats.count(low)} to {formats.count(high)}"
        rows = [line for fit in self.fits for line in repr(fit).splitlines()[1:-1]]
        left = len(rows) - SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        head = f"Cox models of {counted(len(self.fits), 'covariate')}, each alone: n={n}"
        first = self.fits[0]
        foot = f"{first.method}, {first.variance} variance, {formats.level(self.conf_level)} limits"
        return "\n".join([head, *rows[:SHOWN], *more, foot])


def univariable(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    id: Column | None = None,
    offset: Column | None = None,
    ties: Ties = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Univariable:
    """A Cox model of each covariate alone.

    What stands beside the multivariable model in most tables. It describes; covariates should not be selected
    by these p-values.

    Parameters
    ----------
    data, time, event, event_value, entry, strata, weights, cluster, robust, id, offset, ties, conf_level
        As in `cox`, the same in every model.
    covariates
        A formula of single terms, or a list of columns.
    missing
        "raise", or "drop": each model leaves out the rows in which its own covariate is missing, so that n
        differs between them; `.summary()` and `hem.report.regression_table` say how many each has. For the
        rows of the multivariable model drop those that are missing in any covariate first.

    Returns
    -------
    Univariable
        `.fits` are the models; `.to_frame()`, `.term_tests()`, `.text()`.

    Raises
    ------
    DataError
        As `cox`; for no covariates, or an interaction.

    References
    ----------
    Sun GW, Shook TL, Kay GL. J Clin Epidemiol 1996;49:907-916. Heinze G, Dunkler D. Transpl Int 2017;30:6-10.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> alone = hem.regression.univariable(
    ...     mgus, "age + sex + hgb", time="futime", event="death", missing="drop"
    ... )
    >>> alone.summary().select("term", "n", "n_dropped").rows()
    [('age', 1384, 0), ('sex', 1384, 0), ('hgb', 1371, 13)]
    """
    frame = as_frame(data).lazy().collect()
    roles: dict[str, Any] = {
        "time": time, "event": event, "event_value": event_value, "entry": entry, "strata": strata,
        "weights": weights, "cluster": cluster, "robust": robust, "id": id, "offset": offset, "ties": ties,
        "conf_level": conf_level, "missing": missing,
    }  # fmt: skip
    return Univariable(tuple(cox(frame, one, **roles) for one in _each(frame, covariates)), conf_level)


def _each(frame: pl.DataFrame, covariates: Covariates) -> list[Covariates]:
    """The covariates one by one, as `cox` takes them."""
    request = read_request(covariates, frame.columns, "covariates")
    joint = [":".join(factor.label for factor in term) for term in request.terms if len(term) > 1]
    if joint or not request.terms:
        raise DataError(
            f"holds the interaction {joint[0]!r}" if joint else "holds no covariate",
            argument="covariates",
            expected="single terms: an interaction means nothing without its main effects",
            remedy='covariates="age + sex"',
        )
    items = dict(zip(request.names, request.items, strict=True))
    return [
        [items[factor.label]] if factor.kind == "column" else _formula(factor) for (factor,) in request.terms
    ]


def _formula(factor: Factor) -> str:
    """A factor as it is written in a formula: names with spaces in backticks, a chosen reference with it."""
    text = factor.label
    for name in sorted(factor.columns, key=len, reverse=True):
        if not name.isidentifier():
            text = text.replace(name, f"`{name}`")
    ref = factor.option("ref")
    return text if ref is None else f"{text[:-1]}, ref={ref!r})"
