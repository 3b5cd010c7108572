"""Absolute risks of new patients from Cox models of the cause-specific hazards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..errors import counted, warn
from ..numerics.absolute_risk import (
    FORMS,
    Baselines,
    CauseRows,
    absolute_risks,
    merged_baselines,
    robust_variances,
)
from ..numerics.cox_influence import row_influence
from ..numerics.intervals import probability_limits
from ..numerics.risk_sets import RiskSets
from ..options import ConfType, check_choice, check_conf_level, check_times
from ..regression.cox_adjusted import event_grid, owners
from ..regression.cox_predict import (
    Model,
    curve_names,
    model_of,
    new_rows,
    strata_of,
    stratum_risk_sets,
    with_strata,
)
from ..results import Curves, curves_frame
from .cause_specific_fit import RiskForm

if TYPE_CHECKING:
    from ..outcomes_competing import Competing
    from .cause_specific_fit import CauseSpecificFit


@dataclass(frozen=True, eq=False)
class Models:
    """The models of all causes, ready to predict."""

    fit: CauseSpecificFit
    y: Competing
    each: list[Model]

    @cached_property
    def baselines(self) -> list[Baselines]:
        """The baselines of all causes, per stratum."""
        return [
            merged_baselines([m.bases[code] for m in self.each]) for code in range(len(self.each[0].bases))
        ]

    @cached_property
    def cov(self) -> np.ndarray:
        """The covariance of the standardised coefficients of all causes, which are uncorrelated."""
        ends = np.cumsum([0, *(len(m.cov) for m in self.each)])
        cov = np.zeros((ends[-1], ends[-1]))
        for model, a, b in zip(self.each, ends[:-1], ends[1:], strict=True):
            cov[a:b, a:b] = model.cov
        return cov

    @property
    def is_robust(self) -> bool:
        """Whether the variance is that of the influence of the rows."""
        return self.each[0].fit.variance == "robust"

    @cached_property
    def rows(self) -> CauseRows:
        """The rows of the fits, for a robust variance."""
        y, stratum = self.y, self.y.stratum.code
        start, stop = np.zeros(len(y), dtype=np.intp), np.empty(len(y), dtype=np.intp)
        for code, b in enumerate(self.baselines):
            here = stratum == code
            stop[here] = b.places(y.time[here])
            if y.entry is not None:
                start[here] = b.places(y.entry[here])
        influences = [
            row_influence(
                m.fit.estimate("absolute risks"),
                y.time,
                stratum,
                m.fit.cov_model / np.outer(m.scale, m.scale),
            )
            for m in self.each
        ]
        return CauseRows(influences, stratum, start, stop, y.cause, owners(y))

    def covariates(self, frame: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The standardised covariates of all causes beside each other, and exp(x'b) of each cause."""
        parts = [m.standardized(m.base.apply(frame)) for m in self.each]
        return np.hstack([x for x, _ in parts]), np.exp(np.stack([eta for _, eta in parts], axis=1))

    def covariates_at(
        self, values: pl.DataFrame, by: str, value: Any, dtype: pl.DataType
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same of the rows of the fit with one column (if it is a covariate) at one value for all."""
        if by in values.columns:
            values = values.with_columns(pl.lit(value, dtype=dtype).alias(by))
            parts = [m.standardized(m.base.apply_evaluated(values)) for m in self.each]
        else:
            parts = [m.standardized(m.base.matrix) for m in self.each]
        offset = np.zeros(len(self.y)) if self.y.offset is None else self.y.offset
        return np.hstack([x for x, _ in parts]), np.exp(np.stack([eta + offset for _, eta in parts], axis=1))

    def risks(
        self, x: np.ndarray, risk: np.ndarray, stratum: int, times: np.ndarray, form: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Absolute risks of rows of one stratum at increasing times, and their standard errors."""
        b = self.baselines[stratum]
        place, step = b.places(times), FORMS[form]
        value, variance = absolute_risks(b.hazard, b.square, b.mean, b.begin, x, risk, place, self.cov, step)
        if self.is_robust:
            pairs = zip(x, risk, strict=True)
            each = [robust_variances(b, stratum, self.rows, *pair, place, step) for pair in pairs]
            variance = np.array(each).reshape(value.shape)
        return value, np.sqrt(np.where(np.isnan(value), np.nan, variance))


def models_of(fit: CauseSpecificFit) -> Models:
    """The models of a fit with its observations, ready to predict."""
    y = fit.observations("an absolute risk")
    return Models(fit, y, [model_of(one, "an absolute risk") for one in fit.fits.values()])


def predicted_risks(
    fit: CauseSpecificFit, new_data: Any, times: Any, cause: Any, form: RiskForm, conf_level: float | None,
    conf_type: str,
) -> pl.DataFrame:  # fmt: skip
    """A tidy frame of absolute risks."""
    level = check_options(fit, form, conf_level, conf_type)
    wanted = check_times(times)
    models = models_of(fit)
    numbers = models.y.numbers(cause)
    frame = _collected(new_data)
    x, risk = models.covariates(frame)
    stratum = strata_of(models.each[0], frame)
    order = np.argsort(wanted, kind="stable")
    value, error = np.full((2, len(x), len(fit.fits), len(wanted)), np.nan)
    exceeded = np.zeros(len(x), dtype=bool)
    for code in np.unique(stratum):
        rows = np.flatnonzero(stratum == code)
        last = models.y.time[models.y.stratum.code == code].max()
        known = order[wanted[order] <= last]  # later, nothing is known
        at = np.ix_(rows, np.arange(len(fit.fits)), known)
        value[at], error[at] = models.risks(x[rows], risk[rows], int(code), wanted[known], form)
        exceeded[rows] = np.isnan(value[at]).any(axis=(1, 2))
    warn_of_excess(exceeded)
    kept = np.array(numbers) - 1
    value, error = value[:, kept].ravel(), error[:, kept].ravel()
    low, high = probability_limits(value, error, conf_type, level)
    return pl.DataFrame(
        {
            "row": np.repeat(np.arange(len(x)) + 1, len(kept) * len(wanted)),
            "cause": _labels(fit, kept)[np.tile(np.repeat(np.arange(len(kept)), len(wanted)), len(x))],
            "time": np.tile(wanted, len(x) * len(kept)),
            "estimate": value, "std_error": error, "conf_low": low, "conf_high": high,
        }
    ).with_columns(pl.col(pl.Float64).fill_nan(None))  # fmt: skip


def risk_curves(
    fit: CauseSpecificFit, new_data: Any, by: Any, cause: Any, form: RiskForm, conf_level: float | None,
    conf_type: str,
) -> Curves:  # fmt: skip
    """Absolute risks of new rows as curves, those of one row below each other."""
    level = check_options(fit, form, conf_level, conf_type)
    models = models_of(fit)
    kept = np.array(models.y.numbers(cause)) - 1
    frame = with_strata(models.each[0], new_rows(new_data, "patient"))
    used = {name for m in models.each for name in m.base.request.roots} | set(models.y.stratum.names)
    names = curve_names(frame, frame, by, used)
    x, risk = models.covariates(frame)
    stratum = strata_of(models.each[0], frame)
    parts, exceeded = [], np.zeros(len(x), dtype=bool)
    for i, code in enumerate(stratum):
        r = shown_risk_sets(models, int(code))
        value, error = models.risks(x[i : i + 1], risk[i : i + 1], int(code), r.time, form)
        exceeded[i] = np.isnan(value).any()
        for k in kept:
            low, high = probability_limits(value[0, k], error[0, k], conf_type, level)
            parts.append(
                counts_of(models.y, int(k) + 1, r, int(code))
                | {"estimate": value[0, k], "std_error": error[0, k], "conf_low": low, "conf_high": high}
            )
    warn_of_excess(exceeded)
    levels = frame.select(names) if names else pl.DataFrame()
    return curves_of_risks(models, levels, kept, parts, level, conf_type, f"prediction ({form})")


def check_options(fit: CauseSpecificFit, form: str, conf_level: float | None, conf_type: str) -> float:
    """Check the choices that predictions share, and give the level of their limits."""
    check_choice(form, RiskForm, argument="form")
    check_choice(conf_type, ConfType, argument="conf_type")
    return fit.conf_level if conf_level is None else check_conf_level(conf_level)


def warn_of_excess(exceeded: np.ndarray) -> None:
    """Warn of patients whose hazards exceed 1 at some time, where 1 - hazard is no probability."""
    if exceeded.any():
        n = int(exceeded.sum())
        warn(
            f"has hazards above 1 at a time for {counted(n, 'patient')}, whose risks are null from there",
            argument="form",
            expected="patients as there were in the data, or a form that has probabilities for all hazards",
            remedy="form='matrix-exponential'",
            rows=np.flatnonzero(exceeded),
        )


def shown_risk_sets(models: Models, code: int) -> RiskSets:
    """The times of a curve: all at which somebody leaves, but where each takes a pass over the rows."""
    r = stratum_risk_sets(models.y, code)
    return event_grid(r) if models.is_robust else r


def counts_of(y: Competing, number: int, r: RiskSets, code: int | None = None) -> dict[str, np.ndarray]:
    """At risk, events of one cause and censored (in a stratum) until each time, since the one before it."""
    rows = y.cause == number
    if code is not None:
        rows &= y.stratum.code == code
    weight = None if y.weight is None else y.weight[rows]
    n_event = np.bincount(np.searchsorted(r.time, y.time[rows]), weight, len(r.time)).astype(float)
    return {"time": r.time, "n_risk": r.n_risk, "n_event": n_event, "n_censor": r.n_censor}


def curves_of_risks(
    models: Models, levels: pl.DataFrame, kept: np.ndarray, parts: list[dict[str, np.ndarray]], level: float,
    conf_type: str, how: str,
) -> Curves:  # fmt: skip
    """Curves of absolute risks, a cause of each row of `levels` after the other."""
    y, first = models.y, models.each[0].fit
    n_rows = max(levels.height, 1)
    labels = _labels(models.fit, kept)[np.tile(np.arange(len(kept)), n_rows)].to_frame("cause")
    if levels.width:
        labels = pl.concat([levels[np.repeat(np.arange(n_rows), len(kept))], labels], how="horizontal")
    frame, starts = curves_frame(labels, parts)
    n_event = [float(part["n_event"].sum()) for part in parts]
    n_censor = [float(part["n_censor"].sum()) for part in parts]
    counts = pl.DataFrame({"n": [float(first.n)] * len(parts), "n_event": n_event, "n_censor": n_censor})
    events = float(y.event.sum())
    return Curves(
        frame=frame,
        groups_frame=pl.concat([labels, counts], how="horizontal"),
        starts=starts,
        quantity="cumulative incidence",
        by=tuple(levels.columns),
        time=y.names["time"],
        event=y.names["event"],
        conf_level=level,
        conf_type=conf_type,
        variance=first.variance,
        method=f"{how} from cause-specific Cox regression ({first.method})",
        n_dropped=first.n_dropped,
        time_unit=first.time_unit,
        entry=y.names.get("entry"),
        patients=pl.DataFrame({"n": [first.n], "n_event": [events], "n_censor": [first.n - events]}),
        predicted=True,
    )


def _labels(fit: CauseSpecificFit, kept: np.ndarray) -> pl.Series:
    return pl.Series("cause", fit.causes)[kept]


def _collected(new_data: Any) -> pl.DataFrame:
    frame = as_frame(new_data)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame
