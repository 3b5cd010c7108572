"""What a fitted additive hazards model tells: cumulative coefficients, tests and predictions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import polars as pl
from scipy.special import ndtr

from .. import formats
from ..errors import DataError, counted, warn
from ..fits import frame_of_tests, wald_test
from ..numerics.intervals import normal_quantile
from ..options import check_choice, check_times, suggestion
from ..results import HypothesisTest, Result

if TYPE_CHECKING:
    from ..design import Design

TestWeight = Literal["aalen", "nrisk"]
WEIGHTS: dict[str, str] = {
    "aalen": "increments weighted by the inverse of their variance factor",
    "nrisk": "increments weighted by those at risk",
}
SHOWN = 8
# A variance this small beside the terms that cancel in it is rounding error, and is 0.
ROUNDING = 1e-13


class AdditiveEffects(NamedTuple):
    """Weighted sums of the increments over the event times, and their covariance."""

    total: np.ndarray
    cov: np.ndarray


class Coordinates(NamedTuple):
    """The centre and scale of the covariates: z = (x - centre) / scale."""

    centre: np.ndarray
    scale: np.ndarray

    @property
    def matrix(self) -> np.ndarray:
        """From the coefficients of (1, z) to those of (1, x)."""
        to_own = np.diag(np.append(1.0, 1 / self.scale))
        to_own[0, 1:] = -self.centre / self.scale
        return to_own


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AdditiveTest(HypothesisTest):
    """The test that no covariate has an effect; its frame has a z test of each column of the design."""

    def methods(self) -> str:
        """A sentence for the methods section: the test and how it was computed."""
        return f"Effects were tested by the {self.name} ({self.method})."


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class AalenFit(Result):
    """A fitted additive hazards model.

    Attributes
    ----------
    columns
        "intercept" (the cumulative hazard where all covariates are 0) and the columns of the covariates.
    time, n_risk
        The distinct event times that were used, and who was at risk at each.
    coef, cov
        Cumulative coefficients after each, and their covariances, for covariates in `coordinates`: centred
        and scaled, so that no digits are lost. `to_frame` gives them in the units of the data.
    variance
        "martingale" (Aalen's optional variation) or "robust".
    n_unused
        Events (by weight) from `stopped_at` on, where those at risk were too few or their design singular.
    stopped_at
        The first event time that was not used; None where all were.
    """

    columns: tuple[str, ...]
    time: np.ndarray = field(repr=False)
    n_risk: np.ndarray = field(repr=False)
    coef: np.ndarray = field(repr=False)
    cov: np.ndarray = field(repr=False)
    coordinates: Coordinates = field(repr=False)
    effects: dict[str, AdditiveEffects] = field(repr=False)
    variance: str
    n: float
    n_event: float
    n_unused: float
    stopped_at: float | None
    last_time: float
    names: dict[str, str]
    conf_level: float = 0.95
    n_dropped: int = 0
    time_unit: str | None = None
    design: Design | None = field(default=None, repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row per term and event time: term, time, n_risk, estimate, std_error, conf_low, conf_high."""
        frame = self._cumulative(np.arange(1, len(self.time) + 1), self.time)
        n_risk = pl.Series("n_risk", np.tile(self.n_risk, len(self.columns)))
        return frame.insert_column(2, n_risk)

    def at(self, times: Any) -> pl.DataFrame:
        """The cumulative coefficients at given times, one row per term and time, in the order asked for.

        Null from `stopped_at` on, or after the last follow-up where every event was used.
        """
        wanted = check_times(times)
        unknown = np.tile(self._unknown(wanted), len(self.columns))
        frame = self._cumulative(np.searchsorted(self.time, wanted, side="right"), wanted)
        return _null_where(frame, unknown, "estimate", "std_error", "conf_low", "conf_high")

    def test(self, test_weight: TestWeight = "aalen") -> AdditiveTest:
        """Whether the covariates have an effect until the estimates end, together and each column alone.

        The statistic is chi-squared for all covariates; the frame has `term`, `statistic` (z) and `p_value`
        of each column and of the intercept. "aalen" weights an increment by the inverse of its diagonal
        element of (X'WX)^-1, as R's `aareg` does; "nrisk" by the number at risk, which is less efficient but
        the same for all columns.
        """
        check_choice(test_weight, TestWeight, argument="test_weight")
        total, cov = self.effects[test_weight]
        variance = np.diag(cov)
        z = total / np.sqrt(np.where(variance > 0, variance, np.nan))
        statistic, df, p = wald_test(total[1:], cov[1:, 1:])
        frame = pl.DataFrame({"term": list(self.columns), "statistic": z, "p_value": 2 * ndtr(-np.abs(z))})
        return AdditiveTest(
            name="test of no additive effect",
            statistic=statistic,
            df=df,
            p_value=p,
            method=f"{WEIGHTS[test_weight]}, {self.variance} variance",
            frame=frame.with_columns(pl.col(pl.Float64).fill_nan(None)),
            n=self.n,
            n_dropped=self.n_dropped,
        )

    def term_tests(self, test_weight: TestWeight = "aalen") -> pl.DataFrame:
        """A test of each term, its levels or spline columns together: term, statistic, df, p_value."""
        check_choice(test_weight, TestWeight, argument="test_weight")
        total, cov = self.effects[test_weight]
        terms = self._require_design("term_tests").terms
        return frame_of_tests(
            [(term, *wald_test(total[at], cov[at, at])) for term, at in list(terms.items())[1:]], "term"
        )

    def predict(self, new_data: Any, *, times: Any) -> pl.DataFrame:
        """Survival exp(-B_0(t) - x'B(t)) of new patients, one row per patient and time.

        `row` counts the patients from 1; the standard error is that of survival (delta method), the limits
        are symmetric for the cumulative hazard. Null where the coefficients are (see `at`). An additive
        hazard can be negative, so that survival may rise, and it or its upper limit exceed 1.

        Raises
        ------
        DataError
            If the fit is slim, or the new data lack a column or hold a level that the fit has not seen.

        Warns
        -----
        DataWarning
            Where survival is predicted above 1.
        """
        wanted = check_times(times)
        X = self._require_design("predict").apply(new_data)
        z = np.column_stack([X[:, :1], (X[:, 1:] - self.coordinates.centre) / self.coordinates.scale])
        coef, cov = self._held(np.searchsorted(self.time, wanted, side="right"))
        hazard = z @ coef.T
        error = np.sqrt(_without_rounding(z, cov)).T
        unknown = np.tile(self._unknown(wanted), len(z))
        half = normal_quantile(self.conf_level) * error
        frame = pl.DataFrame(
            {
                "row": np.repeat(np.arange(1, len(z) + 1), len(wanted)),
                "time": np.tile(wanted, len(z)),
                "estimate": np.exp(-hazard).ravel(),
                "std_error": (np.exp(-hazard) * error).ravel(),
                "conf_low": np.exp(-hazard - half).ravel(),
                "conf_high": np.exp(-hazard + half).ravel(),
            }
        )
        predicted = _null_where(frame, unknown, "estimate", "std_error", "conf_low", "conf_high")
        _warn_above_one(predicted)
        return predicted

    def summary(self) -> pl.DataFrame:
        """One row: n, events, events unused and from when, exclusions, method, variance and level."""
        return pl.DataFrame(
            {
                "name": [self._name],
                "n": [self.n],
                "n_event": [self.n_event],
                "n_unused": [self.n_unused],
                "stopped_at": pl.Series([self.stopped_at], dtype=pl.Float64),
                "n_dropped": [self.n_dropped],
                "method": ["least squares"],
                "variance": [self.variance],
                "conf_level": [self.conf_level],
            }
        )

    def text(self, term: str | None = None, *, at: float | None = None, decimals: int = 2) -> str:
        """A sentence on a column, or on all covariates: the cumulative coefficient at a time, and its test.

        Without a time, that of the last event that was used.
        """
        when = float(self.time[-1]) if at is None else at
        frame = self.at(when).with_columns(self.test().frame["p_value"])
        rows = {row["term"]: row for row in frame.iter_rows(named=True)}
        names = self.columns[1:] if term is None else (self._column(term),)
        told = "; ".join(f"{name} {self._told(rows[name], decimals)}" for name in names)
        return f"cumulative coefficient at {when:g}: {told}"

    def methods(self) -> str:
        """A sentence for the methods section: model, delayed entry, where it ends, limits and variance."""
        entry = f", with delayed entry ({self.names['entry']})" if "entry" in self.names else ""
        end = (
            f", before {self.stopped_at:g}, from when on too few were at risk"
            if self.stopped_at is not None
            else ""
        )
        return (
            f"Additive effects of {', '.join(self.columns[1:])} on the hazard ({self._outcome}) were "
            f"estimated by Aalen's least-squares method{entry}{end}, as cumulative coefficients with "
            f"pointwise {formats.level(self.conf_level)} confidence limits (plain, {self.variance} variance)."
        )

    def slim(self) -> AalenFit:
        """The same fit without its design: small, but without predictions and tests of terms."""
        return replace(self, design=None)

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        counts = f"n={formats.count(self.n)}, events={formats.count(self.n_event)}"
        tests = self.test()
        frame = self.at(float(self.time[-1])).with_columns(tests.frame["statistic", "p_value"])
        lines = [self._line(row) for row in frame.head(SHOWN).iter_rows(named=True)]
        left = len(self.columns) - SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        unused = (
            f"{formats.count(self.n_unused)} events from {formats.significant(self.stopped_at)} on unused: "
            "too few at risk"
        )
        overall = (
            f"no effect of any: chi-squared {formats.significant(tests.statistic)}, df {tests.df:g}, "
            f"p {formats.significant(tests.p_value)}"
        )
        return "\n".join(
            [
                f"{self._name} ({self._outcome}): {counts}{dropped}",
                f"cumulative coefficients at {formats.significant(self.time[-1])}",
                *lines,
                *more,
                overall,
                *([] if self.stopped_at is None else [unused]),
                f"{formats.level(self.conf_level)} limits: plain, {self.variance} variance",
            ]
        )

    @property
    def _name(self) -> str:
        return "Aalen's additive hazards"

    @property
    def _outcome(self) -> str:
        return f"{self.names['event']} by {self.names['time']}"

    def _line(self, row: dict[str, Any]) -> str:
        first, low, high = (formats.significant(row[k]) for k in ("estimate", "conf_low", "conf_high"))
        z, p = formats.significant(row["statistic"]), formats.significant(row["p_value"])
        return f"  {row['term']}: {first} ({low} to {high}), z {z}, p {p}"

    def _told(self, row: dict[str, Any], decimals: int) -> str:
        if row["estimate"] is None:
            return "not estimable"
        shown = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], decimals)
        return f"{formats.with_level(shown, self.conf_level)}, {formats.p_value(row['p_value'])}"

    def _column(self, term: str) -> str:
        if term in self.columns:
            return term
        raise DataError(
            f"{term!r} is no column of the model",
            argument="term",
            expected=f"the name of a column; {suggestion(term, self.columns)}",
            remedy=f"term={self.columns[1]!r}",
        )

    def _require_design(self, what: str) -> Design:
        if self.design is None:
            raise DataError(
                f"{what} needs the design of the fit, which a slim fit does not hold",
                argument="fit",
                expected="a fit with its design",
                remedy="the fit as it was before .slim()",
            )
        return self.design

    def _unknown(self, times: np.ndarray) -> np.ndarray:
        """Times at which the coefficients are no longer estimated."""
        return times > self.last_time if self.stopped_at is None else times >= self.stopped_at

    def _held(self, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and covariances after so many event times."""
        zero = after == 0
        coef, cov = self.coef[after - 1].copy(), self.cov[after - 1].copy()
        coef[zero], cov[zero] = 0.0, 0.0
        return coef, cov

    def _cumulative(self, after: np.ndarray, times: np.ndarray) -> pl.DataFrame:
        """The tidy table after so many event times, in the units of the data."""
        coef, cov = self._held(after)
        to_own = self.coordinates.matrix
        estimate = (coef @ to_own.T).T.ravel()
        error = np.sqrt(_without_rounding(to_own, cov)).T.ravel()
        half = normal_quantile(self.conf_level) * error
        return pl.DataFrame(
            {
                "term": np.repeat(self.columns, len(times)),
                "time": np.tile(times, len(self.columns)),
                "estimate": estimate,
                "std_error": error,
                "conf_low": estimate - half,
                "conf_high": estimate + half,
            }
        )


def _without_rounding(to_own: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """The variances of to_own @ coefficients at each time; 0 where they are what rounding left of terms."""
    variance = np.einsum("ja,kab,jb->kj", to_own, cov, to_own, optimize=True)
    size = np.einsum("ja,kab,jb->kj", np.abs(to_own), np.abs(cov), np.abs(to_own), optimize=True)
    return np.where(variance > ROUNDING * size, variance, 0.0)


def _null_where(frame: pl.DataFrame, unknown: np.ndarray, *columns: str) -> pl.DataFrame:
    mask = pl.Series(unknown)
    return frame.with_columns(pl.when(mask).then(None).otherwise(pl.col(c)).alias(c) for c in columns)


def _warn_above_one(predicted: pl.DataFrame) -> None:
    above = predicted.filter(pl.col("estimate") > 1 + 1e-12)["row"].unique(maintain_order=True)
    if len(above):
        warn(
            f"survival is predicted above 1 for {counted(len(above), 'patient')}, whose additive hazard is "
            "negative",
            argument="new_data",
            rows=above - 1,
            expected="covariates like those of the fit",
            remedy="cox(...) or another model in which hazards are positive",
        )
