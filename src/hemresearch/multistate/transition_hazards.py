"""The cumulative hazard of each move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..numerics.intervals import hazard_limits
from ..options import ConfType, Missing, check_choice, check_conf_level
from ..outcomes import require_whole_weights
from ..outcomes_multistate import read_multistate
from ..results import Curves, curves_frame
from .process import (
    NAMES,
    Process,
    all_counts,
    curve_counts,
    key_levels,
    processes,
    warn_if_state_emptied,
    with_facts,
)

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from .transitions import Transitions

HazardVariance = Literal["aalen", "greenwood"]


def transition_hazards(
    rows: Any,
    transitions: Transitions,
    *,
    id: Column = "id",
    from_state: Column = "from_state",
    to_state: Column = "to_state",
    entry: Column = "entry",
    time: Column = "time",
    event: Column = "event",
    by: Columns = None,
    weights: Column | None = None,
    variance: HazardVariance = "aalen",
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Cumulative hazard of each move, one curve per group and move.

    A_hj(t) = sum over times s <= t of d_hj(s) / n_h(s): the moves from h to j over the number in h just
    before s (Nelson-Aalen).

    Parameters
    ----------
    rows
        One row per patient, stay and possible move, as `from_wide` and `from_rows` make them.
    transitions
        The states and moves.
    id, from_state, to_state, entry, time, event
        The columns of `rows`.
    by, missing
        As in `occupation`.
    weights
        Whole-numbered case weights: weight 2 is two patients.
    variance
        "aalen": the sum of d / n^2; "greenwood": of d (n - d) / n^3. Both as `msfit` of R's mstate.
    conf_level
        Level of the pointwise limits.
    conf_type
        "log-log": symmetric for the logarithm of the hazard; "log": for the hazard; as in `nelson_aalen`.

    Returns
    -------
    Curves
        With the columns `from_state` and `to_state`; `n_risk` and `n_censor` count in `from_state`, `n_event`
        the moves.

    Raises
    ------
    DataError
        As `occupation`.

    Warns
    -----
    DataWarning
        As `occupation`, of states that empty before others enter late.

    References
    ----------
    Aalen OO. Ann Stat 1978;6:701-726. Andersen PK, Borgan O, Gill RD, Keiding N. Statistical Models Based on
    Counting Processes. Springer 1993, section IV.1.

    Examples
    --------
    >>> import hemresearch as hem
    >>> model = hem.multistate.Transitions({"MGUS": ["malignancy", "death"], "malignancy": ["death"]})
    >>> rows = hem.multistate.from_wide(
    ...     hem.data.load("mgus2"), model, id="id", same_time=0.5,
    ...     times={"malignancy": "ptime", "death": "futime"},
    ...     events={"malignancy": "pstat", "death": "death"},
    ... )
    >>> hem.multistate.transition_hazards(rows, model).at(120)["estimate"].round(3).to_list()
    [0.1, 0.801, 4.096]
    """
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    check_choice(variance, HazardVariance, argument="variance")
    y = read_multistate(
        rows, transitions, id=id, from_state=from_state, to_state=to_state, entry=entry, time=time,
        event=event, by=by, weights=weights, missing=missing,
    ).stays()  # fmt: skip
    require_whole_weights(y, "the variance of a hazard")
    groups = processes(transitions, y)
    for one in groups:
        warn_if_state_emptied(one)
    parts = [part for one in groups for part in _hazards(one, variance, conf_type, conf_level)]
    levels = key_levels(y, transitions.to_frame().drop("transition"))
    frame, starts = curves_frame(levels, parts)
    return Curves(
        **with_facts(
            y, conf_level=conf_level, conf_type=conf_type, variance=NAMES[variance], method="Nelson-Aalen"
        ),
        frame=frame,
        groups_frame=curve_counts(levels, groups, parts),
        starts=starts,
        quantity="cumulative hazard",
        patients=all_counts(groups, y),
    )


def _hazards(
    process: Process, variance: str, conf_type: str, conf_level: float
) -> list[dict[str, np.ndarray]]:
    counts, parts = process.counts, []
    for k, h in enumerate(counts.source):
        d, n = counts.n_move[:, k], np.maximum(counts.n_risk[:, h], 1.0)
        squared = d / n**2 if variance == "aalen" else d * (n - d) / n**3
        hazard, error = np.cumsum(d / n), np.sqrt(np.cumsum(squared))
        low, high = hazard_limits(hazard, error, conf_type, conf_level)
        parts.append(
            {
                "time": counts.time,
                "n_risk": counts.n_risk[:, h],
                "n_event": d,
                "n_censor": counts.n_censor[:, h],
                "estimate": hazard,
                "std_error": error,
                "conf_low": low,
                "conf_high": high,
            }
        )
    return parts
