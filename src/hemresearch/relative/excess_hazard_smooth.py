"""Excess hazard regression with a smooth baseline: its result, and what it needs of the data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import ConvergenceError, DataError, counted, warn
from ..model_design import warn_if_crowded
from ..numerics.cox_rows import centre_and_scale
from ..numerics.excess_smooth import RiskRows, fit_smooth_excess
from ..options import check_times
from ..times import DAYS_PER_UNIT
from .excess_hazard_fit import ExcessHazardFit, followed
from .excess_maximum import inverse_information, no_maximum

if TYPE_CHECKING:
    from ..design import Design
    from ..numerics.excess_hazard import ExcessRows
    from .excess_pieces import Pieces
    from .net_rows import NetRows

SMOOTH = "EM with a smooth baseline"
MULTIPLE = 2.0  # the death before each one is then seen with three quarters of the weight, or more
NEAR = 1e-12  # what turning times into days and back may take from the last
FEWEST = 5  # times of death that have a gap in each quarter


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class SmoothExcessFit(ExcessHazardFit):
    """A fitted model of the excess hazard with a smooth baseline: log excess hazard ratios.

    Attributes
    ----------
    times
        Of death, at which the baseline is known.
    rate, cumulative
        The baseline excess hazard there, smoothed, and accumulated (not smoothed), where all covariates are
        0 or at their reference.
    bandwidth
        The multiple of the longest gap between deaths that the smoothing looks back.
    excess_deaths
        How many deaths were excess ones: the sum of their probabilities.
    iterations
        Of EM.
    """

    times: np.ndarray = field(repr=False)
    rate: np.ndarray = field(repr=False)
    cumulative: np.ndarray = field(repr=False)
    bandwidth: float
    excess_deaths: float
    iterations: int

    def baseline(self, *, conf_level: float | None = None) -> pl.DataFrame:
        """The excess hazard per unit of time where all covariates are 0 (or at their reference).

        `time` of deaths, `estimate` (smoothed) and `cumulative`. The method gives no limits, at no
        `conf_level`.
        """
        self._refuse_limits(conf_level)
        return pl.DataFrame({"time": self.times, "estimate": self.rate, "cumulative": self.cumulative})

    def predict(self, new_data: Any, *, times: Any, conf_level: float | None = None) -> pl.DataFrame:
        """Net survival of new rows: `row` (from 1), `time`, `estimate`.

        exp(-the excess hazard, accumulated up to the last death at or before each time). The method gives
        no limits, at no `conf_level`.

        Raises
        ------
        DataError
            For times outside the follow-up, a slim fit, covariates that do not fit the model, and a level.
        """
        self._refuse_limits(conf_level)
        wanted = check_times(times)
        self._refuse_outside(wanted)
        x = self.require_design("predicted net survival").apply(new_data)
        total = np.append(0.0, self.cumulative)[np.searchsorted(self.times, wanted, side="right")]
        return pl.DataFrame(
            {
                "row": np.repeat(np.arange(len(x)) + 1, len(wanted)),
                "time": np.tile(wanted, len(x)),
                "estimate": np.exp(-np.outer(np.exp(x @ self.coef), total)).ravel(),
            }
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"Excess hazard ratios were estimated by {self.name} ({self.method}), the mortality of "
            f"{self.life_table} being expected and the baseline excess hazard smoothed over "
            f"{self.bandwidth:g} times the longest gap between deaths, with "
            f"{formats.level(self.conf_level)} confidence limits from Louis' information."
        )

    def _refuse_limits(self, conf_level: float | None) -> None:
        if conf_level is not None:
            raise DataError(
                f"{conf_level!r} was given, but the smooth baseline has no limits",
                argument="conf_level",
                expected="none",
                remedy="method='full-likelihood' with bands, which has limits",
            )


def check_width(given: float | None, *, smooth: bool) -> float:
    """The multiple of the longest gap between deaths that the smoothing looks back."""
    if not smooth and given is not None:
        raise DataError(
            f"{given!r} was given, but bands have no bandwidth",
            argument="bandwidth",
            expected="a bandwidth with method='em' alone",
            remedy="method='em'",
        )
    if given is None:
        return MULTIPLE
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if number and 0 < given < np.inf:
        return float(given)
    raise DataError(
        f"{given!r} is no multiple of a gap between deaths",
        argument="bandwidth",
        expected="a number above 0, best above 1",
        remedy=f"bandwidth={MULTIPLE:g}",
    )


def _refuse_few_deaths(times: np.ndarray) -> None:
    """A smooth baseline needs gaps between deaths in each quarter of their times."""
    distinct = len(np.unique(times))
    if distinct < FEWEST:
        raise DataError(
            f"has deaths at {counted(distinct, 'time')} within the follow-up that is looked at",
            argument="event",
            expected=f"{FEWEST} times of death or more, for a smooth baseline",
            remedy="method='full-likelihood' with bands",
        )


def fit_smooth(
    rows: NetRows,
    pieces: Pieces,
    model: ExcessRows,
    design: Design,
    borders: np.ndarray,
    multiple: float,
    conf_level: float,
) -> SmoothExcessFit:
    """The fit of pieces of follow-up, one of each row."""
    per = DAYS_PER_UNIT[rows.unit]
    begin, end = np.maximum(rows.begin[pieces.row], borders[0] * per) / per, pieces.end / per
    event = model.event > 0
    _refuse_few_deaths(end[event])
    warn_if_crowded(len(design.columns), int(event.sum()), "covariates", "fewer terms")
    mean, scale = centre_and_scale(design.matrix)
    x = (model.x - mean) * scale
    found = fit_smooth_excess(RiskRows(begin, end, event, model.background, x), multiple)
    inverse = inverse_information(found.information)
    if inverse is None:
        raise no_maximum(found.information, np.diag(1 / scale), scale, design.columns)
    if not found.converged:
        raise _not_settled(found.iterations)
    excess, expected = float(found.share.sum()), float(pieces.expected.sum())
    _warn_if_lost(excess, int(event.sum()), expected)
    coef = scale * found.coef
    at_zero = float(np.exp(-mean @ coef))  # the baseline is that of covariates of 0
    return SmoothExcessFit(
        name="excess hazard regression",
        method=SMOOTH,
        columns=design.columns,
        terms=design.terms,
        coef=coef,
        cov=inverse * np.outer(scale, scale),
        variance="model-based",
        log_likelihood=np.nan,
        log_likelihood_null=np.nan,
        n=len(np.unique(pieces.row)),
        n_event=int(event.sum()),
        conf_level=conf_level,
        ratio="excess hazard ratio",
        df=float(len(design.columns)),
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
        design=design,
        borders=np.array([borders[0], min(borders[1], end.max() * (1 + NEAR))]),
        expected=expected,
        deviance=np.nan,
        n_rows=len(event),
        life_table=rows.life_table.name,
        counts=followed(pieces, len(rows.y)),
        times=found.time,
        rate=found.rate * at_zero,
        cumulative=np.cumsum(found.jump) * at_zero,
        bandwidth=multiple,
        excess_deaths=excess,
        iterations=found.iterations,
    )


def _warn_if_lost(excess: float, n_event: int, expected: float) -> None:
    """Say where the shares of deaths do not add up to the deaths beyond those expected.

    They do to within a few tenths of the root of the deaths in fits that are right.
    """
    beyond = n_event - expected
    if abs(excess - beyond) <= np.sqrt(n_event):
        return
    warn(
        f"settled where {formats.significant(excess, 3)} deaths are excess ones, but "
        f"{formats.significant(beyond, 3)} are beyond those expected",
        argument="method",
        expected="an excess that the deaths shortly before each one show; where it is low beside the "
        "population's, smoothing may lose it, and all excess that follows",
        remedy="method='full-likelihood' with bands, or another bandwidth",
    )


def _not_settled(iterations: int) -> ConvergenceError:
    return ConvergenceError(
        f"EM had not settled after {counted(iterations, 'iteration')}. Expected more deaths than in the "
        "population in every level, and in every part of follow-up. Try method='full-likelihood' with bands, "
        "or fewer terms."
    )
