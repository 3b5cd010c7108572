"""One effect in several models, as a sensitivity analysis shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError, listed
from ..fits import Fit
from ..options import suggestion
from ..results import Estimates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

COLUMNS = ("n", "n_event", "estimate", "conf_low", "conf_high", "p_value")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AcrossModels(Estimates):
    """One effect as several models estimate it; `measure` is what the estimates are."""

    measure: str = "coefficient"

    def forest_frame(self) -> pl.DataFrame:
        """The rows of a forest plot."""
        return self.frame.rename({"model": "label"})

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """A forest plot of the models, as `hem.plots.draw_forest`."""
        from ..plots import draw_forest

        return draw_forest(self, ax=ax, **({"log": self.measure != "coefficient"} | options))


def across_models(fits: Mapping[str, Fit], term: str | Sequence[str]) -> AcrossModels:
    """One effect as several models estimate it, a row per model.

    For sensitivity analyses: other adjustments, other definitions, other patients. Nothing is combined; the
    rows say how far a result depends on what was chosen.

    Parameters
    ----------
    fits
        Fits of one kind of effect and one confidence level, by the name of the analysis.
    term
        A coefficient, or a term with a single one. Several names where it is called differently: of each
        model the first that it has is taken.

    Returns
    -------
    AcrossModels
        Estimates: `model`, `n`, `n_event`, `estimate` and limits (ratios, where the models have them),
        `p_value`. Beside the product with a function of time, a coefficient is the effect where that function
        is 0, and the name says so (`age at time 1`).

    Raises
    ------
    DataError
        No fits, fits of different effects or levels, or a model without the term or with several coefficients
        of it.

    References
    ----------
    Thabane L et al. BMC Med Res Methodol 2013;13:92.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls()
    >>> roles = {"time": "futime", "event": "death"}
    >>> models = {"Sex alone": "sex", "Adjusted for age": "sex + age"}
    >>> fits = {name: hem.regression.cox(mgus, model, **roles) for name, model in models.items()}
    >>> hem.regression.across_models(fits, "sex")
    hazard ratio of sex[M], n=1,338, events=938
      Sex alone: 1.199 (1.054 to 1.365), n 1338, p 0.005828
      Adjusted for age: 1.408 (1.236 to 1.604), n 1338, p 2.758e-07
    95% limits: Cox regression (Efron ties)
    """
    _check(fits)
    names = [term] if isinstance(term, str) else list(term)
    one = next(iter(fits.values()))
    found = {model: _coefficient(fit, names, model) for model, fit in fits.items()}
    frame = pl.DataFrame([_row(fit, found[model]) for model, fit in fits.items()])
    methods = dict.fromkeys(f"{fit.name} ({fit.method})" for fit in fits.values())
    told = {fit.at_zero(found[model]): None for model, fit in fits.items()}
    return AcrossModels(
        frame=frame.select(pl.Series("model", list(fits)), *COLUMNS),
        name=f"{one.ratio or 'coefficient'} of {' or '.join(told)}",
        measure=one.ratio or "coefficient",
        method="; ".join(methods),
        conf_level=one.conf_level,
        n=max(fit.n for fit in fits.values()),
        n_event=max(fit.n_event for fit in fits.values()),
    )


def _check(fits: Any) -> None:
    """Refuse what is no collection of comparable fits."""
    if not isinstance(fits, Mapping) or not fits or not all(isinstance(f, Fit) for f in fits.values()):
        raise DataError(
            "no fits were given" if isinstance(fits, Mapping) and not fits else "something else was given",
            argument="fits",
            expected="fitted regressions by the name of the analysis",
            remedy='fits={"Main analysis": fit, "Adjusted for age": other}',
        )
    for what, values in _of_all(fits):
        if len(values) > 1:
            raise DataError(
                f"the fits have different {what}: {listed(values)}",
                argument="fits",
                expected="estimates of one kind, which can stand in one column",
                remedy="one call for each kind",
            )


def _of_all(fits: Mapping[str, Fit]) -> Iterator[tuple[str, list[str]]]:
    yield "effects", sorted({fit.ratio or "coefficient" for fit in fits.values()})
    yield "confidence levels", sorted({f"{fit.conf_level:g}" for fit in fits.values()})


def _coefficient(fit: Fit, names: list[str], model: str) -> str:
    """The one coefficient that the first known name stands for."""
    known = [fit.term_of(name) or name for name in names if fit.term_of(name) or name in fit.columns]
    if not known:
        raise DataError(
            f"{listed(map(repr, names))} is in no place of the model {model!r}",
            argument="term",
            expected=f"a coefficient of every model; {suggestion(str(names[0]), [*fit.terms, *fit.columns])}",
            remedy=f"term={fit.columns[0]!r}" if fit.columns else "models with covariates",
        )
    columns = fit.columns[fit.terms[known[0]]] if known[0] in fit.terms else (known[0],)
    if len(columns) > 1:
        raise DataError(
            f"{known[0]!r} has {len(columns)} coefficients in the model {model!r}",
            argument="term",
            expected="the name of one coefficient",
            remedy=f"term={columns[0]!r}",
        )
    return columns[0]


def _row(fit: Fit, column: str) -> dict[str, Any]:
    frame = fit.to_frame(exponentiate=bool(fit.ratio))
    row = frame.filter(pl.col("term") == column).row(0, named=True)
    counts = {"n": float(fit.n), "n_event": float(fit.n_event)}
    return counts | {name: row[name] for name in COLUMNS if name in row}
