"""How long patients were followed: the reverse Kaplan-Meier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..options import ConfType, Missing
from ..outcomes import read_survival
from ..results import Curves
from .curve import CurveEstimator, estimate_curves
from .kaplan_meier import ESTIMATORS

if TYPE_CHECKING:
    from ..columns import Column, Columns


def follow_up(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column | None = None,
    by: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    start_time: float | None = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Potential follow-up: how long patients would have been observed had nobody had the event.

    The Kaplan-Meier estimator with censoring as the event; its median is the median follow-up. Who has
    the event at t is still at risk for a censoring at t, as in R's `survfit(Surv(time, 1 - event))`
    (prodlim's `reverse=TRUE` lets events leave first).

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, weights, cluster, robust, start_time, missing
        As in `kaplan_meier`.
    conf_level, conf_type
        As in `kaplan_meier`; `event` is the event itself, not the censoring.

    Returns
    -------
    Curves
        `estimate` is the probability of being under follow-up beyond each time; `n_event` counts censorings
        and `n_censor` events.

    Raises
    ------
    DataError
        As `kaplan_meier`.

    References
    ----------
    Schemper M, Smith TL. Control Clin Trials 1996;17:343-346.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> hem.survival.follow_up(trial, time="futime", event="death").quantile(0.5)["estimate"][0]
    1745.0
    """
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    return estimate_curves(
        replace(y, event=~y.event), REVERSE, robust=robust, start_time=start_time, conf_level=conf_level,
        conf_type=conf_type,
    )  # fmt: skip


KAPLAN_MEIER = ESTIMATORS["kaplan-meier"]
REVERSE = CurveEstimator(
    "reverse Kaplan-Meier",
    "under follow-up",
    KAPLAN_MEIER.kernel,
    KAPLAN_MEIER.variance,
    KAPLAN_MEIER.influence,
)
