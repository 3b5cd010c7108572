"""Aalen's additive hazards model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..errors import DataError, counted, warn
from ..model_design import model_design
from ..numerics.additive_hazards import Increments, increments, standardised
from ..numerics.additive_robust import robust_covariance, robust_influence
from ..numerics.restricted_mean_regression import dependent_column
from ..options import Missing, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from .aalen_fit import AalenFit, AdditiveEffects, Coordinates

if TYPE_CHECKING:
    from ..columns import Column
    from ..design import Covariates, Design

PER_COVARIATE = 3  # R's aareg: at least three at risk for each covariate
# A standard error this small beside the terms of its sum is the root of rounding error, and is 0.
NEGLIGIBLE = 1e-7


class Rows(NamedTuple):
    """What the robust variance needs of the rows; `owner` says who belongs together."""

    z: np.ndarray
    event: np.ndarray
    weight: np.ndarray
    owner: np.ndarray


def aalen_additive(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    min_at_risk: float | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> AalenFit:
    """Additive effects on the hazard that may change with time, cumulated.

    The hazard of somebody with covariates x is beta_0(t) + x'beta(t): a covariate adds events per unit of
    time, where Cox's model multiplies the hazard. Estimated is B(t), the integral of beta, whose slope is the
    effect at that time. With X the design (1, x) of those at risk, W their weights and dN the events at t,

        dB(t) = (X'WX)^-1 X'W dN(t).

    B ends before the first event at which those at risk are fewer than `min_at_risk` or their design is
    singular (1 - R squared of a covariate on the others below 1e-10); `n_unused` counts the events from then
    on. Events tied at one time share the design of all who are at risk then; the rows may be in any order.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    covariates
        A formula (`"age + sex"`) or a list of columns. Covariates that change with time have start-stop rows.
    time, event, event_value
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1, or `event_value`).
    entry
        Delayed entry: rows are (entry, time].
    id
        Patient, when several rows hold one patient's follow-up.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related rows, whose joint influence gives the robust variance.
    robust
        None (robust for non-integer weights, with clusters, and with several events of a patient), True or
        False. The model-based variance is Aalen's, the sum over events of w dB dB' of that event alone; the
        robust one sums the squared influences of rows (or of clusters, or of patients with `id`).
    min_at_risk
        How many (by weight) must be at risk at an event: by default, as R's `aareg` has it, three times the
        number of covariate columns; 1 lets only a singular design end the estimates.
    conf_level
        Level of the pointwise limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    AalenFit
        With `.to_frame()`, `.at(times)`, `.test()`, `.predict(new_data, times=...)` and `.text(term)`.

    Raises
    ------
    DataError
        As `kaplan_meier`; no covariates or no events, covariates that are constant or linear combinations of
        others, too few at risk at every event, or, under delayed entry, at an event that others follow which
        could be used.

    Warns
    -----
    DataWarning
        If all rows of a robust analysis are one cluster.

    References
    ----------
    Aalen OO. Stat Med 1989;8:907-925 (the estimator and its variance), and 1993;12:1569-1588 (tests and
    residuals). Robust variance and the tests' weights: Therneau's `aareg` in R's survival.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> fit = hem.regression.aalen_additive(trial, "karno + age", time="time", event="status")
    >>> fit
    Aalen's additive hazards (status by time): n=137, events=128
    cumulative coefficients at 411
      intercept: 3.403 (-3.073 to 9.879), z 4.198, p 2.692e-05
      karno: -0.06083 (-0.114 to -0.00768), z -5.341, p 9.246e-08
      age: 0.06312 (-0.05184 to 0.1781), z -0.3139, p 0.7536
    no effect of any: chi-squared 28.8, df 2, p 5.563e-07
    5 events from 467 on unused: too few at risk
    95% limits: plain, martingale variance
    >>> fit.at([30, 90]).filter(term="karno")["estimate"].round(4).to_list()
    [-0.0212, -0.0414]
    >>> fit.predict(trial.head(1), times=[30, 90])["estimate"].round(3).to_list()
    [0.732, 0.386]
    """
    check_conf_level(conf_level)
    given = covariate_columns(covariates, as_frame(data))
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, covariates=given,
        weights=weights, cluster=cluster, missing=missing,
    )  # fmt: skip
    design = _read_design(y, covariates)
    least = _least_at_risk(min_at_risk, len(design.columns) - 1)
    weight = np.ones(len(y)) if y.weight is None else y.weight
    z, centre, scale = standardised(design.matrix[:, 1:], weight)
    r = increments(z, y.time, y.event, y.entry, weight)
    used = _n_used(y, r, z, design, least)
    own = Coordinates(centre, scale)
    is_robust = y.uses_robust_variance(robust)
    rows = Rows(z, y.event, weight, _owners(y)) if is_robust else None
    return AalenFit(
        columns=design.columns,
        time=r.time[:used],
        n_risk=r.n_risk[:used],
        coef=np.cumsum(r.step[:used], axis=0),
        cov=np.cumsum(r.spread[:used], axis=0) if rows is None else robust_covariance(r, used, *rows),
        coordinates=own,
        effects={kind: _effects(kind, r, used, own, rows) for kind in ("aalen", "nrisk")},
        variance="robust" if is_robust else "martingale",
        n=float(weight.sum()),
        n_event=float(weight[y.event].sum()),
        n_unused=float(r.n_event[used:].sum()),
        stopped_at=float(r.time[used]) if used < len(r.time) else None,
        last_time=float(y.time.max()),
        names=y.names,
        conf_level=conf_level,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
    )


def _read_design(y: Survival, covariates: Covariates) -> Design:
    """The design with its intercept, once there is something to estimate."""
    if not y.covariates.width:
        raise DataError(
            "no covariate was given",
            argument="covariates",
            expected="a formula or a list of columns",
            remedy="hem.survival.nelson_aalen(...) for the cumulative hazard of all",
        )
    if not y.event.any():
        raise DataError(
            "holds no events, so nothing can be estimated",
            argument="event",
            column=y.names["event"],
            expected="at least one event",
            remedy="event_value=... with the value that means the event, if it is coded otherwise",
        )
    return model_design(y, covariates, intercept=True)


def _least_at_risk(min_at_risk: float | None, n_columns: int) -> float:
    if min_at_risk is None:
        return float(PER_COVARIATE * n_columns)
    return check_number(
        min_at_risk, argument="min_at_risk", above=0, expected="a number of patients", example=10
    )


def _n_used(y: Survival, r: Increments, z: np.ndarray, design: Design, least: float) -> int:
    """How many event times come before the first that cannot be used."""
    enough = r.n_risk >= least * (1 - 1e-12)  # sums of fractional weights are exact to rounding only
    usable = enough & r.full_rank
    used = len(usable) if usable.all() else int(np.argmin(usable))
    if y.entry is not None and usable[used:].any():
        _refuse_gap(y, r, usable, least)
    if used:
        return used
    dependent = dependent_column(np.column_stack([np.ones(len(z)), z]))
    if dependent is not None and len(z) >= len(design.columns):
        raise DataError(
            f"{design.columns[dependent]!r} is constant or follows from the terms before it",
            argument="covariates",
            expected="covariates that vary and are not linear combinations of each other",
            remedy="covariates=... without that term",
        )
    few = not enough[0]
    raise DataError(
        f"at the first event, at {r.time[0]:g}, "
        + (
            f"{r.n_risk[0]:g} are at risk"
            if few
            else "the covariates of those at risk are linearly dependent"
        ),
        argument="min_at_risk" if few else "covariates",
        expected=f"{least:g} or more at risk" if few else "covariates that vary among those at risk",
        remedy="fewer covariates, or min_at_risk=1" if few else "covariates=... with fewer terms",
    )


def _refuse_gap(y: Survival, r: Increments, usable: np.ndarray, least: float) -> None:
    """Refuse delayed entry that leaves too few at risk before events that could be used."""
    last_used = int(np.flatnonzero(usable)[-1])
    gap = np.flatnonzero(~usable[:last_used])
    until = r.time[gap[-1]]
    raise DataError(
        f"leaves fewer than {least:g} at risk, or a singular design, at {counted(len(gap), 'event time')} "
        f"(the last at {until:g}) before others that can be used",
        argument="entry",
        column=y.names["entry"],
        rows=y.positions(y.event & np.isin(y.time, r.time[gap])),
        expected="enough at risk at every event until the estimates end",
        remedy=f"data.filter(pl.col({y.names['time']!r}) > {until:g}) for the effects after that time, or a "
        "smaller min_at_risk",
    )


def _owners(y: Survival) -> np.ndarray:
    """To whom each row's influence is counted: its cluster, its patient, or itself."""
    cluster = y.patient if y.cluster is None else y.cluster
    if cluster is None:
        return np.arange(len(y))
    if (cluster == cluster[0]).all():
        role = "id" if y.cluster is None else "cluster"
        warn(
            "holds a single cluster, whose variance cannot be estimated and is given as 0",
            argument=role,
            column=y.names[role],
            expected="several clusters",
            remedy="robust=False",
        )
    return cluster


def _effects(kind: str, r: Increments, used: int, own: Coordinates, rows: Rows | None) -> AdditiveEffects:
    """The weighted sums of increments that test the effects, and their covariance.

    The weight of a column's increment is the inverse of its diagonal element of (X'WX)^-1 ("aalen"), or
    those at risk ("nrisk").
    """
    to_own = own.matrix
    inverse = r.inverse[:used]
    if kind == "aalen":
        u = 1 / np.einsum("ja,kab,jb->kj", to_own, inverse, to_own, optimize=True)
    else:
        u = np.repeat(r.n_risk[:used, None], len(to_own), axis=1)
    weighted = u[:, :, None] * to_own
    total = np.einsum("kja,ka->j", weighted, r.step[:used])
    if rows is None:
        cov = np.einsum("kja,kab,klb->jl", weighted, r.spread[:used], weighted, optimize=True)
    else:
        influence = robust_influence(weighted @ inverse, r, used, *rows)
        cov = influence.T @ influence
    size = np.einsum("kja,ka->j", np.abs(weighted), np.abs(r.step[:used]))
    known = np.sqrt(np.maximum(np.diag(cov), 0.0)) > NEGLIGIBLE * size
    return AdditiveEffects(total, np.where(np.outer(known, known), cov, 0.0))
