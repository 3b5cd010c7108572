"""Tests of proportional subdistribution hazards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import polars as pl

from ..errors import DataError
from ..fits import frame_of_tests, wald_test
from ..numerics.fine_gray_influence import censoring_parts, score_parts, trend
from ..numerics.incidence import event_free_before, incidence
from ..numerics.risk_sets import risk_sets
from ..options import check_choice
from ..regression.ph_test import TRANSFORMS, PHTest
from ..regression.time_varying import TimeVaryingDesign
from .fine_gray_fit import FineGrayFit
from .fine_gray_solution import Risk, influence

if TYPE_CHECKING:
    from .fine_gray_solution import Subdistribution

SubdistributionTransform = Literal["incidence", "rank", "identity", "log"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SubdistributionPHTest(PHTest):
    """Score tests of proportional subdistribution hazards, per term and for all together."""

    def text(self) -> str:
        """A sentence: the global test, and the terms with p < 0.05."""
        return PHTest.text(self).replace("proportional hazards", "proportional subdistribution hazards")

    def methods(self) -> str:
        """A sentence for the methods section."""
        scale = {"incidence": "cumulative incidence", "identity": "untransformed time"}.get(
            self.transform, self.transform
        )
        return (
            "Proportional subdistribution hazards were examined by robust score tests of a trend in effect "
            f"over time ({scale})."
        )

    def __repr__(self) -> str:
        return PHTest.__repr__(self).replace(
            "Proportional hazards", "Proportional subdistribution hazards", 1
        )


def subdistribution_ph_test(
    fit: FineGrayFit,
    *,
    transform: SubdistributionTransform | Callable[[np.ndarray], np.ndarray] = "incidence",
) -> SubdistributionPHTest:
    """Whether log subdistribution hazard ratios change with time.

    The score test that a term has no x * g(t) beside it, the question that `time_varying` answers with a
    second coefficient: U'V^-1 U, U being the sum of g(t) times the Schoenfeld residuals, and V the sum over
    rows (clusters) of squares of their influence on U, with what the estimation of the other coefficients and
    of censoring adds. All levels or spline columns of a term are tested together.

    Parameters
    ----------
    fit
        A Fine-Gray fit, all of whose effects are the same at all times.
    transform
        g(t): "incidence" (the cumulative incidence just before t), "rank", "identity", "log", or a function
        of the times.

    Returns
    -------
    SubdistributionPHTest
        With `.to_frame()` (term, statistic, df, p_value; the last row is "global"), `.plot()`, `.text()`.

    Raises
    ------
    DataError
        For a fit without its design, without covariates or with effects that change already, or a transform
        that is not finite.

    References
    ----------
    Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. Zhou B, Fine J, Laird G. Stat Med 2013;32:3804-3811.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> roles = {"time": "ftime", "event": "Status", "cause": 1}
    >>> fit = hem.competing.fine_gray(transplant, "Age + Phase", **roles)
    >>> hem.competing.subdistribution_ph_test(fit).to_frame()["p_value"].round(3).to_list()
    [0.683, 0.221, 0.351]
    """
    if not isinstance(fit, FineGrayFit):
        raise DataError(
            f"a {type(fit).__name__} was given",
            argument="fit",
            expected="a fit of hem.competing.fine_gray",
            remedy="hem.regression.ph_test(fit) for a Cox fit",
        )
    if not len(fit.coef) or isinstance(fit.design, TimeVaryingDesign):
        raise DataError(
            "has effects that change with time already" if len(fit.coef) else "the model has no covariates",
            argument="fit",
            expected="a model of effects that are taken to be the same at all times",
            remedy="fit.to_frame(), which tests them" if len(fit.coef) else "fine_gray(data, 'age', ...)",
        )
    risk, model = fit.at_risk("the test"), fit.model("the test of proportional subdistribution hazards")
    g = _time_scale(risk, transform)
    rows = model.rows
    at = rows.order[rows.event]
    factor = np.zeros(len(rows.slot_time))
    factor[rows.leave[rows.event]] = g[at] - g[at].mean()
    scaled = fit.residuals("scaled schoenfeld")
    return SubdistributionPHTest(
        frame=_tests(fit, risk, model, factor),
        scaled=scaled.insert_column(2, pl.Series("g(t)", g[at])),
        transform=transform if isinstance(transform, str) else "user",
        n_event=fit.n_event,
        fit=cast("Any", fit),
    )


def _time_scale(risk: Risk, transform: Any) -> np.ndarray:
    """g(time) of every row."""
    y = risk.y
    if callable(transform):
        g = np.asarray(transform(y.time), dtype=float)
    else:
        check_choice(transform, SubdistributionTransform, argument="transform")
        g = _incidence_before(risk) if transform == "incidence" else TRANSFORMS[transform](y)
    if g.shape != y.time.shape or not np.isfinite(g[y.event]).all():
        raise DataError(
            "does not give one finite number for each event time",
            argument="transform",
            expected="a function of time that is finite at every event (the log is not, at time 0)",
            remedy="transform='incidence'",
        )
    return g


def _incidence_before(risk: Risk) -> np.ndarray:
    """The cumulative incidence just before the time of each row."""
    y = risk.y
    r = risk_sets(y.time, y.event | risk.competing, None, y.weight)
    n_event = risk_sets(y.time, y.event, None, y.weight).n_event
    found = incidence(r, n_event, event_free_before(r))
    return np.append(0.0, found)[np.searchsorted(r.time, y.time)]


def _tests(fit: FineGrayFit, risk: Risk, model: Subdistribution, factor: np.ndarray) -> pl.DataFrame:
    """U'V^-1 U of each term's x * g(t), and of all; standardised covariates."""
    coef = fit.coef / model.scale
    score, mixed = trend(model.likelihood, coef, factor)
    own = influence(risk, model, coef, fit.cov_model / np.outer(model.scale, model.scale), fit.ties)
    part = score_parts(model.likelihood, coef, factor)
    if own.counts_censoring:
        part += censoring_parts(model.likelihood, coef, model.censored, factor)
    moved = own.by_owner(own.spread[:, None] * part - own.coef @ mixed)
    variance = moved.T @ moved
    names = (*fit.terms.items(), ("global", slice(0, len(score))))
    return frame_of_tests([(name, *wald_test(score[at], variance[at, at])) for name, at in names], "term")
