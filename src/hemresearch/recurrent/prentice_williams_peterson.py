"""The hazard of the next event, in strata of how many there have been: Prentice, Williams and Peterson."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..model_design import model_design
from ..numerics.ties import round_ties
from ..options import Missing, check_choice, check_conf_level
from ..regression.cox import fit_cox
from ..regression.cox_fit import CoxFit, Ties
from .event_number import by_number, stratified_by_number, up_to
from .rows import Recurrent, read_recurrent

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

TimeScale = Literal["total", "gap"]
SCALES = {"total": "total time", "gap": "time since the last event"}


def prentice_williams_peterson(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool = True,
    offset: Column | None = None,
    time_scale: TimeScale = "total",
    max_events: int | None = None,
    common: bool = True,
    ties: Ties = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CoxFit:
    """Hazard ratios of the next event among those who have had equally many.

    Patients are at risk of their k-th event from the time of event k - 1 on, and compared with others at risk
    of their k-th: h_k(t) exp(x'b), a baseline for each k. Event numbers, strata and gap times are made here.
    The ratios are conditional on the past: a treatment that prevents first events changes who is at risk of
    second ones, so that those of later events are no comparison of randomised groups.

    Parameters
    ----------
    data, covariates, time, event, event_value, entry, id, weights, offset, ties, conf_level, missing
        As in `andersen_gill`.
    strata
        Columns whose combinations have baselines of their own, besides the number of the event.
    cluster, robust
        As in `andersen_gill`.
    time_scale
        "total": time since time zero; "gap": time since the last event, or, before the first one, since the
        patient's first row began.
    max_events
        Leave out what follows this many events, after which few patients are at risk.
    common
        Whether a covariate has the same effect on every event; if not, one for each, `treat[B] (event 2)`.

    Returns
    -------
    CoxFit
        As of `cox`, with the strata `event_number`.

    Raises
    ------
    DataError
        As `cox`; `max_events` that is no whole number of 1 or more.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        Gaps between the rows of a patient, in which events would not have been counted; and as `cox`.

    References
    ----------
    Prentice RL, Williams BJ, Peterson AV. Biometrika 1981;68:373-379. Amorim LDAF, Cai J. Int J Epidemiol
    2015;44:324-333 (which model answers which question).

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> fit = hem.recurrent.prentice_williams_peterson(
    ...     cgd, "treat", time="tstop", event="status", entry="tstart", id="id", time_scale="gap"
    ... )
    >>> fit.text("treat")
    'hazard ratio of treat[rIFN-g] 0.42 (95% CI 0.24–0.72), p=0.002'
    """
    check_choice(ties, Ties, argument="ties")
    check_choice(time_scale, TimeScale, argument="time_scale")
    check_conf_level(conf_level)
    frame = as_frame(data)
    y = read_recurrent(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), weights=weights, cluster=cluster, offset=offset,
        missing=missing,
    )  # fmt: skip
    most, number = up_to(y, max_events)
    if time_scale == "gap":
        y = since_last_event(y)
    kept = number <= most
    y = stratified_by_number(y.take(kept), number[kept])
    design = model_design(y, covariates)
    design = design if common else by_number(design, number[kept])
    fit = fit_cox(y, design, ties=ties, ridge=None, robust=robust, conf_level=conf_level)
    return replace(
        fit,
        name="Prentice-Williams-Peterson regression",
        method=f"{SCALES[time_scale]}, {fit.method}",
    )


def since_last_event(y: Recurrent) -> Recurrent:
    """The rows on a clock that starts again at each event, and first where the patient's first row begins."""
    assert y.patient is not None
    if y.entry is None:
        return y
    order = np.lexsort((y.time, y.patient))
    place = np.arange(len(y))
    opens = np.append(True, np.diff(y.patient[order]) != 0)
    first = np.maximum.accumulate(np.where(opens, place, 0))
    event = np.maximum.accumulate(np.append(-1, np.where(y.event[order], place, -1)[:-1]))
    begin = np.empty(len(y))
    begin[order] = np.where(event >= first, y.time[order][event], y.entry[order][first])
    time, entry = round_ties(y.time - begin, y.entry - begin)
    return replace(y, time=time, entry=entry)
