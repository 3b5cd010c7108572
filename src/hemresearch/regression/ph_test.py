"""Tests of proportional hazards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from .. import formats
from ..curves import Result
from ..errors import DataError
from ..fits import chi_squared_tail, frame_of_tests
from ..numerics.cox_estimate import CoxEstimate, time_information, time_score
from ..numerics.product_limit import product_limit
from ..numerics.risk_sets import risk_sets
from ..options import check_choice
from .cox_fit import CoxFit
from .cox_residuals import residuals

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..outcomes import Survival

Transform = Literal["km", "rank", "identity", "log"]


@dataclass(frozen=True, slots=True, eq=False)
class PHTest(Result):
    """Score tests of proportional hazards, per term and for all together.

    `scaled` holds the scaled Schoenfeld residuals of the fit with `g(t)`, the transformed time of each.
    """

    frame: pl.DataFrame = field(repr=False)
    scaled: pl.DataFrame = field(repr=False)
    transform: str
    n_event: float
    fit: CoxFit = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row per term, and the last row "global": term, statistic, df, p_value."""
        return self.frame

    def residuals_of(self, column: str) -> pl.Series:
        """The scaled residuals of a coefficient, the last columns of `scaled`."""
        place = self.fit.place(column) - len(self.fit.columns)
        return self.scaled.to_series(place)

    def summary(self) -> pl.DataFrame:
        """One row: the transform, the number of events and the global test."""
        return self.frame.filter(pl.col("term") == "global").select(
            pl.lit("proportional hazards test").alias("name"),
            pl.lit(self.transform).alias("transform"),
            pl.lit(self.n_event).alias("n_event"),
            "statistic", "df", "p_value",
        )  # fmt: skip

    def text(self) -> str:
        """A sentence: the global test, and the terms with p < 0.05."""
        rows = {row["term"]: row["p_value"] for row in self.frame.iter_rows(named=True)}
        overall = rows.pop("global")
        doubtful = [f"{t} ({formats.p_value(p)})" for t, p in rows.items() if p is not None and p < 0.05]
        against = f"; against proportional hazards of {', '.join(doubtful)}" if doubtful else ""
        return f"proportional hazards: global {formats.p_value(overall)}{against}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        scale = {"km": "1 - Kaplan-Meier", "identity": "untransformed time"}.get(
            self.transform, self.transform
        )
        return f"Proportional hazards were examined by score tests of a trend in effect over time ({scale})."

    def plot(self, term: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        """Scaled Schoenfeld residuals of one coefficient over time, of the first unless a term is given.

        See `hem.plots.draw_schoenfeld`.
        """
        from ..plots import draw_schoenfeld

        return draw_schoenfeld(self, term=term, ax=ax, **options)

    def __repr__(self) -> str:
        lines = [
            f"  {r['term']}: chi-squared {formats.significant(r['statistic'])}, df {r['df']:g}, "
            f"p {formats.significant(r['p_value'])}"
            for r in self.frame.head(9).iter_rows(named=True)
        ]
        left = self.frame.height - 9
        more = [f"  and {left} more"] if left > 0 else []
        return "\n".join(
            [
                f"Proportional hazards (score test, {self.transform} time), events={self.n_event:g}",
                *lines,
                *more,
            ]
        )


def ph_test(fit: CoxFit, *, transform: Transform | Callable[[np.ndarray], np.ndarray] = "km") -> PHTest:
    """Whether log hazard ratios change with time: the score test that a term has no x * g(t) beside it.

    The test of R's survival from version 3 on, not the older correlation test: all levels or spline columns
    of a term are tested together, adjusted for the other effects of the model.

    Parameters
    ----------
    fit
        A Cox fit with Efron's or Breslow's ties.
    transform
        g(t): "km" (1 - the left-continuous Kaplan-Meier curve), "rank", "identity", "log", or a function of
        the times.

    Returns
    -------
    PHTest
        With `.to_frame()` (term, statistic, df, p_value; the last row is "global"), `.plot()`, `.text()`.

    Raises
    ------
    DataError
        For a fit without its design, with exact ties or without covariates, or a transform that is not
        finite.

    Notes
    -----
    The variance is model-based, also for a robust fit, as in R.

    References
    ----------
    Grambsch PM, Therneau TM. Biometrika 1994;81:515-526. Therneau TM, Grambsch PM. Modeling Survival Data.
    Springer 2000, chapter 6.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> fit = hem.regression.cox(trial, "trt + karno", time="time", event="status")
    >>> hem.regression.ph_test(fit).to_frame()["p_value"].round(4).to_list()
    [0.5794, 0.0005, 0.0011]
    """
    if not isinstance(fit, CoxFit):
        raise DataError(
            f"a {type(fit).__name__} was given",
            argument="fit",
            expected="a Cox fit",
            remedy="fit=hem.regression.cox(...)",
        )
    if not len(fit.coef):
        raise DataError(
            "the model has no covariates", argument="fit", expected="a model with effects", remedy="cox(...)"
        )
    e = fit.estimate("the test of proportional hazards")
    y = fit.observations("ph_test")
    g = _time_scale(y, transform)
    name = transform if isinstance(transform, str) else "user"
    scaled = residuals(fit, "scaled schoenfeld")
    at = e.rows.order[e.rows.event]
    return PHTest(
        frame=_tests(fit, e, _on_slots(e, y, g)),
        scaled=scaled.insert_column(2, pl.Series("g(t)", g[at])),
        transform=name,
        n_event=fit.n_event,
        fit=fit,
    )


def _time_scale(y: Survival, transform: Transform | Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """g(time) of every row."""
    if callable(transform):
        g = np.asarray(transform(y.time), dtype=float)
    else:
        g = TRANSFORMS[check_choice(transform, Transform, argument="transform")](y)
    if g.shape != y.time.shape or not np.isfinite(g[y.event]).all():
        raise DataError(
            "does not give one finite number for each event time",
            argument="transform",
            expected="a function of time that is finite at every event (the log is not, at time 0)",
            remedy="transform='km'",
        )
    return g


def _km_time(y: Survival) -> np.ndarray:
    """1 - the left limit of the Kaplan-Meier curve of all rows together, unweighted as R has it."""
    r = risk_sets(y.time, y.event, y.entry)
    survival, _ = product_limit(r)
    return 1 - np.append(1.0, survival)[np.searchsorted(r.time, y.time)]


def _rank(y: Survival) -> np.ndarray:
    """Ranks of the times, ties at their mean."""
    ordered = np.sort(y.time)
    low = np.searchsorted(ordered, y.time, side="left")
    return (low + np.searchsorted(ordered, y.time, side="right") + 1) / 2


def _log(y: Survival) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(y.time)


TRANSFORMS: dict[str, Callable[[Survival], np.ndarray]] = {
    "km": _km_time, "rank": _rank, "identity": lambda y: y.time, "log": _log,
}  # fmt: skip


def _on_slots(e: CoxEstimate, y: Survival, g: np.ndarray) -> np.ndarray:
    """G at each event time, centred at its mean over events (which changes nothing but rounding)."""
    at = e.rows.order[e.rows.event]
    factor = np.zeros(len(e.rows.slot_time))
    factor[e.rows.leave[e.rows.event]] = g[at] - g[at].mean()
    return factor


def _tests(fit: CoxFit, e: CoxEstimate, factor: np.ndarray) -> pl.DataFrame:
    """Score statistics U' (I_gg - I_gb I_bb^-1 I_bg)^-1 U of each term's x * g(t), and of all."""
    score = time_score(e, factor)
    bb, gb, gg = (time_information(e, g) for g in (np.ones_like(factor), factor, factor**2))
    if fit.ridge is not None:  # as R adds it
        penalty = np.diag(fit.ridge * e.rows.scale**2)
        bb, gg = bb + penalty, gg + penalty
    p = len(score)
    rows = []
    for name, at in (*fit.terms.items(), ("global", slice(0, p))):
        u = score[at]
        rest = gg[at, at] - gb[at] @ np.linalg.solve(bb, gb[at].T)
        scale = np.sqrt(np.diag(rest))
        with np.errstate(divide="ignore", invalid="ignore"):
            z, corr = u / scale, rest / np.outer(scale, scale)
        statistic = float(z @ np.linalg.lstsq(corr, z, rcond=None)[0]) if np.isfinite(z).all() else np.nan
        rows.append((name, statistic, float(len(u)), chi_squared_tail(statistic, len(u))))
    return frame_of_tests(rows, "term")
