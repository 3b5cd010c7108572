"""Pseudo-values of the cumulative incidence and of the time lost to a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.incidence_jackknife import (
    incidence_influence_values,
    incidence_pseudo_values,
    time_lost_influence_values,
    time_lost_pseudo_values,
)
from ..numerics.risk_sets import risk_sets
from ..options import Missing, check_choice, check_number, check_times
from ..outcomes_competing import Competing, read_competing
from ..survival.curve import split_groups
from ..survival.pseudo_values import refuse_one_patient
from ..survival.rmst import refuse_beyond_follow_up
from .cumulative_incidence import cause_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..columns import Column, Columns

PseudoMethod = Literal["jackknife", "infinitesimal"]
KERNELS: dict[tuple[str, str], Callable[..., np.ndarray]] = {
    ("times", "jackknife"): incidence_pseudo_values,
    ("times", "infinitesimal"): incidence_influence_values,
    ("tau", "jackknife"): time_lost_pseudo_values,
    ("tau", "infinitesimal"): time_lost_influence_values,
}


def pseudo_values(
    data: Any,
    *,
    time: Column,
    event: Column,
    cause: Any = None,
    censored: Any = "default",
    by: Columns = None,
    times: Any = None,
    tau: float | None = None,
    method: PseudoMethod = "jackknife",
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Each patient's contribution to the cumulative incidence at `times`, or to the time lost up to `tau`.

    With theta the estimate from n patients (the Aalen-Johansen incidence of the cause, or the area under it
    up to tau), patient i's pseudo-value is n theta - (n - 1) theta_-i, theta_-i being the estimate without
    them. Without censoring it is what the patient shows: 1 if the cause has happened by t, else 0; or the
    time from it to tau. So a regression of pseudo-values on covariates (with robust standard errors)
    estimates effects on the incidence itself under censoring that is independent of the covariates; with
    `by`, independent within groups. Nothing is refitted: the leave-one-out estimates follow in closed form,
    at a cost that is linear in n.

    Parameters
    ----------
    data, time, event, cause, censored, missing
        As in `cumulative_incidence`; one row per patient, without delayed entry.
    by
        Groups within which the estimates and pseudo-values are made.
    times
        Times at which the incidence is wanted; not beyond the last follow-up (of a group), unless all had an
        event.
    tau
        Instead, the horizon of the time lost to the cause.
    method
        "jackknife", or "infinitesimal": theta + n times the derivative of theta with respect to the weight
        of the patient, which is R's `survival::pseudo`.

    Returns
    -------
    polars.DataFrame
        `row`, `cause`, `time`, `pseudo_value`, in the order of the data and, for each patient, of the causes
        and `times`. `row` counts from 0 as `data.with_row_index("row")` does, to which it joins.

    Raises
    ------
    DataError
        As `cumulative_incidence`; for both or neither of `times` and `tau`, for times beyond the last
        follow-up, and for a group of one patient.

    References
    ----------
    Klein JP, Andersen PK. Biometrics 2005;61:223-229. Time lost: Andersen PK. Stat Med 2013;32:5278-5285.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("bmtcrr")
    >>> values = hem.competing.pseudo_values(transplant, time="ftime", event="Status", cause=1, tau=24)
    >>> values["pseudo_value"].head(4).round(2).to_list()
    [0.0, 14.5, -0.06, -0.06]
    """
    wanted = _wanted(times, tau)
    check_choice(method, PseudoMethod, argument="method")
    y = read_competing(data, time=time, event=event, censored=censored, by=by, missing=missing)
    causes, groups = y.numbers(cause), split_groups(y)
    refuse_one_patient(y, groups)
    kind = "times" if tau is None else "tau"
    refuse_beyond_follow_up(y, groups, wanted, argument=kind)
    values = np.empty((len(y), len(causes), len(wanted)))
    for g, one in enumerate(groups):
        values[y.group.code == g] = _of_group(one, causes, KERNELS[kind, method], wanted)
    row = np.arange(len(y)) if y.row is None else y.row
    each = len(causes) * len(wanted)
    labels = pl.Series("cause", [y.causes[k - 1] for k in causes])
    return pl.DataFrame(
        {
            "row": pl.Series(np.repeat(row, each)).cast(pl.get_index_type()),
            "cause": labels[np.tile(np.repeat(np.arange(len(causes)), len(wanted)), len(y))],
            "time": np.tile(wanted, len(y) * len(causes)),
            "pseudo_value": values.ravel(),
        }
    )


def _of_group(
    y: Competing, causes: list[int], kernel: Callable[..., np.ndarray], wanted: np.ndarray
) -> np.ndarray:
    """One row per patient, with a column for each cause and, in it, each time."""
    r = risk_sets(y.time, y.event)
    columns = [kernel(r, cause_events(y, r, k), y.time, y.cause == k, y.event, wanted) for k in causes]
    return np.stack(columns, axis=1)


def _wanted(times: Any, tau: Any) -> np.ndarray:
    """The times of the incidence, or the one horizon of the time lost."""
    if (times is None) == (tau is None):
        raise DataError(
            "neither times nor tau was given" if times is None else "both times and tau were given",
            argument="times",
            expected="times for the cumulative incidence, or tau for the time lost",
            remedy="times=[12, 24] or tau=24",
        )
    if tau is None:
        return check_times(times)
    expected = "a time above 0 in the unit of the data"
    return np.array([check_number(tau, argument="tau", above=0, expected=expected, example=24)])
