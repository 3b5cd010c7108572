"""A hazard ratio that changes with time, read off at times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError, listed, warn
from ..fits import Fit
from ..formats import rounded_down, significant
from ..options import check_conf_level, check_number, check_times, suggestion
from .contrast import Contrasts
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..design import Design
    from .time_varying import Effect


def effect_over_time(
    fit: Fit, term: str, times: Any, *, per: float = 1.0, conf_level: float | None = None
) -> Contrasts:
    """The effect of a covariate at given times, in a model whose effects change with time.

    With b for the covariate x and c for x g(t), the log hazard ratio of `per` units is per (b + c g(t)), and
    that of the period where the effect changes in steps. The limits are pointwise.

    Parameters
    ----------
    fit
        A fit of `cox(..., time_varying={...})`, not slim.
    term
        One of the terms that change with time, or a coefficient of it by its name without time (`sex[M]`).
    times
        Times above 0, in the unit of the fit. A time at a step belongs to the period that it ends.
    per
        Units of the covariate: 10 for the hazard ratio of ten points.
    conf_level
        Level of the limits; that of the fit unless given.

    Returns
    -------
    Contrasts
        One row per time: `term`, `time`, estimate and limits; `hem.plots.draw_effect` draws them.

    Warns
    -----
    DataWarning
        At times after the last event, where the effect is that of the model's function alone.

    Raises
    ------
    DataError
        A fit without effects that change with time, a term that does not change or has several coefficients,
        times not above 0, or at which the function of time is not finite.

    References
    ----------
    Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 6.5.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> roles = {"time": "time", "event": "status"}
    >>> fit = hem.regression.cox(trial, "C(trt) + karno", time_varying={"karno": "log"}, **roles)
    >>> hem.regression.effect_over_time(fit, "karno", [30, 180], per=10)
    Contrasts: hazard ratio, Cox regression (Efron ties, model-based variance)
      10 more of karno at time 30: 0.683 (0.6137 to 0.7601), p 2.893e-12
      10 more of karno at time 180: 0.8658 (0.7389 to 1.014), p 0.07455
    """
    design = _design(fit)
    level = fit.conf_level if conf_level is None else check_conf_level(conf_level)
    check_number(per, argument="per", expected="a number of units", example=10)
    effect, place, name = _column(design, term)
    at = check_times(times)
    if (at <= 0).any():
        raise DataError(
            "holds a time of 0, where nobody has had the event yet",
            argument="times",
            expected="times above 0",
            remedy=f"times={[t for t in at.tolist() if t > 0] or [12.0]}",
        )
    _warn_beyond(fit, at)
    L = _combinations(fit, effect, place, at) * per
    unit = "" if per == 1 else f"{significant(per)} more of "
    labels = pl.DataFrame(
        {"term": [f"{unit}{name} at time {significant(t, 6)}" for t in at.tolist()], "time": at}
    )
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


def _warn_beyond(fit: Any, at: np.ndarray) -> None:
    """Warn of times at which no event was seen any more."""
    y = fit.observations("effect_over_time")
    last = float(y.time[y.event].max())
    if (at > last).any():
        warn(
            f"holds times after the last event, at {significant(last)}, where nothing was observed",
            argument="times",
            expected="times up to the last event",
            remedy=f"times={[t for t in at.tolist() if t <= last] or [rounded_down(last)]}",
        )


def _design(fit: Any) -> TimeVaryingDesign:
    """The design of a fit with effects that change with time."""
    design: Design | None = fit.require_design("effect_over_time") if isinstance(fit, Fit) else None
    if isinstance(design, TimeVaryingDesign):
        return design
    raise DataError(
        "the effects of the fit do not change with time" if design else f"a {type(fit).__name__} was given",
        argument="fit",
        expected="a fit of cox(..., time_varying={...})",
        remedy="cox(..., time_varying={'age': 'log'})",
    )


def _combinations(fit: Fit, effect: Effect, place: int, at: np.ndarray) -> np.ndarray:
    """The weights of the coefficients in the effect at each time, of one column of the term."""
    first = fit.terms[effect.term]
    width = (first.stop - first.start) // (1 if effect.function else len(effect.cuts) + 1)
    x = np.zeros((len(at), width))
    x[:, place] = 1.0
    changing = effect.block(x, np.nextafter(at, 0), at, np.ones(len(at), dtype=bool))
    L = np.zeros((len(at), len(fit.coef)))
    if effect.function is None:
        L[:, first] = changing
    else:
        L[:, first], L[:, fit.terms[f"{effect.term}:{effect.name}(t)"]] = x, changing
    return L


def _column(design: TimeVaryingDesign, term: str) -> tuple[Effect, int, str]:
    """The effect that changes, and which of the columns of its term is asked for, with its name."""
    base = design.base
    columns = {effect.term: base.columns[base.terms[effect.term]] for effect in design.effects}
    for effect in design.effects:
        names = columns[effect.term]
        if term in names or (term == effect.term and len(names) == 1):
            place = names.index(term) if term in names else 0
            return effect, place, names[place]
    known = [column for names in columns.values() for column in names]
    if term in columns:
        found, expected = (
            f"{term!r} has {len(columns[term])} coefficients",
            f"one of {listed(map(repr, known))}",
        )
    else:
        found = f"the effect of {term!r} does not change with time in this model"
        expected = f"a term whose effect changes; {suggestion(str(term), known)}"
    raise DataError(found, argument="term", expected=expected, remedy=f"term={known[0]!r}")
