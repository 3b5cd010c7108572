"""The times of the first, the second, ... event side by side: Wei, Lin and Weissfeld's marginal models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..model_design import model_design
from ..options import Missing, check_choice, check_conf_level
from ..regression.cox import fit_cox
from ..regression.cox_fit import CoxFit, Ties
from .event_number import by_number, stratified_by_number, up_to
from .rows import Recurrent, read_recurrent

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates


def wei_lin_weissfeld(
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
    max_events: int | None = None,
    common: bool = True,
    ties: Ties = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CoxFit:
    """Hazard ratios of the times from the start to the first, the second, ... event.

    The time to the k-th event, from time zero, has the hazard h_k(t) exp(x'b), for each k in all patients:
    everybody is at risk of every event from the start until it happens or follow-up ends. As each model is
    marginal, randomised groups stay comparable for later events. The rows, one set of them for each k, and
    the strata are made here; the variance sums over patients, since their events are related.

    Parameters
    ----------
    data, covariates, time, event, event_value, entry, id, weights, offset, ties, conf_level, missing
        As in `andersen_gill`, with the rows as they happened: (entry, time] up to one event after the other.
    strata
        Columns whose combinations have baselines of their own, besides the number of the event.
    cluster, robust
        As in `andersen_gill`.
    max_events
        Look at the first so many events; by default at as many as any patient had. Rows are taken that often.
    common
        Whether a covariate has the same effect on every event; if not, one for each, `rx (event 2)`.

    Returns
    -------
    CoxFit
        As of `cox`, with the strata `event_number`; `n_event` counts events up to `max_events`.

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
        Gaps between the rows of a patient, and as `cox`.

    Notes
    -----
    A patient counts as at risk of a second event before the first has happened. An effect on the first event
    alone shows in the ratios of all later ones, which cannot happen before it.

    References
    ----------
    Wei LJ, Lin DY, Weissfeld L. J Am Stat Assoc 1989;84:1065-1073. Therneau TM, Grambsch PM. Modeling
    Survival Data. Springer 2000, section 8.5.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> fit = hem.recurrent.wei_lin_weissfeld(
    ...     cgd, "treat", time="tstop", event="status", entry="tstart", id="id", max_events=2, common=False
    ... )
    >>> fit.to_frame(exponentiate=True)["estimate"].round(3).to_list()
    [0.335, 0.292]
    """
    check_choice(ties, Ties, argument="ties")
    check_conf_level(conf_level)
    frame = as_frame(data)
    y = read_recurrent(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), weights=weights, cluster=cluster, offset=offset,
        missing=missing,
    )  # fmt: skip
    most, number = up_to(y, max_events)
    y, number = at_risk_of_each(y, number, most)
    y = stratified_by_number(y, number)
    design = model_design(y, covariates)
    design = design if common else by_number(design, number)
    fit = fit_cox(y, design, ties=ties, ridge=None, robust=robust, conf_level=conf_level)
    return replace(fit, name="Wei-Lin-Weissfeld regression")


def at_risk_of_each(y: Recurrent, number: np.ndarray, most: int) -> tuple[Recurrent, np.ndarray]:
    """The rows until event k for every k up to `most`, and that k; only event k itself is an event there."""
    rows = [np.flatnonzero(number <= k) for k in range(1, most + 1)]
    of = np.repeat(np.arange(1, most + 1), [len(r) for r in rows])
    row = np.concatenate(rows)
    taken = y.take(row)
    return replace(taken, event=taken.event & (number[row] == of)), of
