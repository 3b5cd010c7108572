"""The probability of a cause among those whom no other cause has taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..numerics.intervals import probability_limits
from ..options import ConfType, Missing, check_choice, check_conf_level, check_times
from ..outcomes_competing import read_competing
from ..results import Estimates
from .cause_specific_fit import called
from .pseudo_values import pseudo_values

if TYPE_CHECKING:
    from ..columns import Column, Columns


def conditional_probability(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any,
    censored: Any = "default",
    by: Columns = None,
    times: Any,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Estimates:
    """The probability that the cause has happened by t among those to whom no other event has happened by t.

    F_k(t) / (1 - F_other(t)), with F_k the cumulative incidence of the cause and F_other that of all others
    together. It asks of relapse, say, what it is among those who have not died before it: between the
    cumulative incidence, which counts the dead among those without relapse, and the cause-specific hazard.

    Parameters
    ----------
    data, time, event, cause, censored, by, missing
        As in `cumulative_incidence`; one row per patient, without delayed entry.
    times
        Times, not beyond the last follow-up of a group.
    conf_level, conf_type
        Level of the limits, and their scale.

    Returns
    -------
    Estimates
        One row per group and time: the `by` columns, time, estimate, std_error, conf_low, conf_high.

    Raises
    ------
    DataError
        As `pseudo_values`; for several causes.

    Notes
    -----
    The variance is the sum over patients of their squared influence, (I_k + P I_other) / (1 - F_other), I
    being the influence of a patient on an incidence (the infinitesimal jackknife).

    References
    ----------
    Pepe MS, Mori M. Stat Med 1993;12:737-751.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplanted = hem.data.load("bmtcrr")
    >>> hem.competing.conditional_probability(
    ...     transplanted, time="ftime", event="Status", cause=1, by="D", times=24
    ... )
    conditional probability of cause 1, n=177, events=56
      D=ALL, time=24: 0.615 (0.457 to 0.7395)
      D=AML, time=24: 0.4432 (0.3112 to 0.567)
    95% limits: Aalen-Johansen, infinitesimal jackknife, log-log limits
    """
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    wanted = check_times(times)
    roles: dict[str, Any] = {"time": time, "event": event, "censored": censored, "by": by, "missing": missing}
    frame = as_frame(data).lazy().collect()
    y = read_competing(frame, **roles)
    number = y.one_number(cause)
    values = pseudo_values(frame, **roles, times=wanted, method="infinitesimal")["pseudo_value"].to_numpy()
    values = values.reshape(len(y), len(y.causes), len(wanted))
    own = values[:, number - 1]
    others = values.sum(axis=1) - own
    found = [
        _conditional(own[y.group.code == g], others[y.group.code == g]) for g in range(max(len(y.group), 1))
    ]
    estimate, error = np.concatenate(found, axis=1)
    low, high = probability_limits(estimate, error, conf_type, conf_level)
    levels = (
        y.group.levels[np.repeat(np.arange(len(found)), len(wanted))] if y.group.names else pl.DataFrame()
    )
    columns = {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}
    table = pl.DataFrame({"time": np.tile(wanted, len(found)), **columns})
    table = table.with_columns(pl.col(list(columns)).fill_nan(None))
    return Estimates(
        frame=pl.concat([levels, table], how="horizontal") if levels.width else table,
        name=f"conditional probability of {called(cause)}",
        method=f"Aalen-Johansen, infinitesimal jackknife, {conf_type} limits",
        conf_level=conf_level,
        n=len(y),
        n_event=int((y.cause == number).sum()),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _conditional(own: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Estimate and standard error at each time, from the infinitesimal pseudo-values of a group.

    Their means are the incidences, and what is left of each, divided by n, the influence of the patient.
    """
    n, incidence, other = len(own), own.mean(axis=0), others.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = incidence / (1 - other)
        influence = (own - incidence + estimate * (others - other)) / (n * (1 - other))
        return np.array([estimate, np.sqrt((influence**2).sum(axis=0))])
