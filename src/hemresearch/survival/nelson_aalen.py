"""The Nelson-Aalen estimator of the cumulative hazard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..numerics.product_limit import (
    fleming_harrington_hazard,
    fleming_harrington_influence,
    nelson_aalen_hazard,
    nelson_aalen_influence,
)
from ..numerics.risk_sets import RiskSets
from ..options import ConfType, Missing, check_choice
from ..outcomes import read_survival, require_whole_weights
from ..results import Curves
from .curve import CurveEstimator, estimate_curves

if TYPE_CHECKING:
    from ..columns import Column, Columns

HazardTies = Literal["nelson-aalen", "fleming-harrington"]


def nelson_aalen(
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
    ties: HazardTies = "nelson-aalen",
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Cumulative hazard of the event by each time, one curve per group of `by`.

    H(t) = sum over event times s <= t of d(s)/n(s), with variance sum d(s)/n(s)^2 (Aalen), or the
    infinitesimal jackknife's when `robust`. The arguments are those of `kaplan_meier`.

    Parameters
    ----------
    data, time, event, event_value, entry, id, by, weights, cluster, robust, start_time, missing
        As in `kaplan_meier`.
    ties
        "nelson-aalen" takes tied events together; "fleming-harrington" one after the other.
    conf_level
        Level of the pointwise limits.
    conf_type
        The limits are those of exp(-H) under this scale: "log-log" is the log scale of H, "log" its plain
        scale cut at 0.

    Returns
    -------
    Curves
        `estimate` is the cumulative hazard.

    Raises
    ------
    DataError
        As `kaplan_meier`.

    References
    ----------
    Aalen O. Ann Stat 1978;6:701-726. Fleming TR, Harrington DP. Commun Stat 1984;13:2469-2486.

    Examples
    --------
    >>> import hemresearch as hem
    >>> relapse = hem.data.load("aml")
    >>> hazard = hem.survival.nelson_aalen(relapse, time="time", event="status", by="x")
    >>> hazard.at([13, 23])["estimate"].round(4).to_list()
    [0.1909, 0.4588, 0.4917, 0.6583]
    """
    check_choice(ties, HazardTies, argument="ties")
    y = read_survival(
        data, time=time, event=event, event_value=event_value, entry=entry, id=id, by=by, weights=weights,
        cluster=cluster, missing=missing,
    )  # fmt: skip
    if ties == "fleming-harrington":
        require_whole_weights(y, "the Fleming-Harrington estimator")
    return estimate_curves(
        y, ESTIMATORS[ties], robust=robust, start_time=start_time, conf_level=conf_level, conf_type=conf_type
    )


def _nelson_aalen(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    hazard, variance = nelson_aalen_hazard(r)
    return hazard, np.sqrt(variance)


def _fleming_harrington(r: RiskSets) -> tuple[np.ndarray, np.ndarray]:
    hazard, variance = fleming_harrington_hazard(r)
    return hazard, np.sqrt(variance)


ESTIMATORS: dict[str, CurveEstimator] = {
    "nelson-aalen": CurveEstimator(
        "Nelson-Aalen", "cumulative hazard", _nelson_aalen, "poisson", nelson_aalen_influence
    ),
    "fleming-harrington": CurveEstimator(
        "Fleming-Harrington",
        "cumulative hazard",
        _fleming_harrington,
        "poisson",
        fleming_harrington_influence,
    ),
}
