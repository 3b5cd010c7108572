"""Pseudo-values of survival and of the restricted mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.jackknife import (
    restricted_mean_influence_values,
    restricted_mean_pseudo_values,
    survival_influence_values,
    survival_pseudo_values,
)
from ..numerics.risk_sets import risk_sets
from ..options import Missing, check_choice, check_number, check_times
from ..outcomes import Survival, read_survival
from .curve import split_groups
from .rmst import refuse_beyond_follow_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..columns import Column, Columns

PseudoQuantity = Literal["survival", "rmst"]
PseudoMethod = Literal["jackknife", "infinitesimal"]

KERNELS: dict[tuple[str, str], Callable[..., np.ndarray]] = {
    ("survival", "jackknife"): survival_pseudo_values,
    ("survival", "infinitesimal"): survival_influence_values,
    ("rmst", "jackknife"): restricted_mean_pseudo_values,
    ("rmst", "infinitesimal"): restricted_mean_influence_values,
}


def pseudo_values(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    by: Columns = None,
    times: Any = None,
    tau: float | None = None,
    quantity: PseudoQuantity | None = None,
    method: PseudoMethod = "jackknife",
    missing: Missing = "raise",
) -> pl.DataFrame:
    """Each patient's contribution to survival at `times`, or to the mean event-free time up to `tau`.

    With theta the Kaplan-Meier estimate from n patients, patient i's pseudo-value is
    n theta - (n - 1) theta_-i, theta_-i being the estimate without them. Without censoring it is what the
    patient shows: 1 or 0 for being event-free at t, min(T, tau) for the mean. So a regression of
    pseudo-values on covariates (with robust standard errors) estimates effects on survival or mean time
    under censoring that is independent of the covariates; with `by`, independent within groups. The
    leave-one-out curves are not refitted but follow in closed form, at a cost that is linear in n.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`; one row per patient. There is no delayed entry: leave-one-out estimates from
        small early risk sets are unstable, and their mean is not the survival of the patients.
    by
        Groups within which the estimates and pseudo-values are made.
    times
        Times at which survival is wanted; not beyond the last follow-up (of a group), unless all had the
        event.
    tau
        Instead, the horizon of the restricted mean.
    quantity
        "survival" (with `times`) or "rmst" (with `tau`); follows from which of them is given.
    method
        "jackknife", or "infinitesimal": theta + n times the derivative of theta with respect to the weight
        of the patient, which is R's `survival::pseudo`.

    Returns
    -------
    polars.DataFrame
        `row`, `time`, `pseudo_value`, in the order of the data and, for each patient, of `times`. `row`
        counts from 0 as `data.with_row_index("row")` does, to which it joins. (A frame and not a result
        object: these are new columns of the data.)

    Raises
    ------
    DataError
        As `kaplan_meier`; for both or neither of `times` and `tau`, for times beyond the last follow-up, and
        for a group of one patient.

    References
    ----------
    Andersen PK, Klein JP, Rosthoj S. Biometrika 2003;90:15-27. Andersen PK, Hansen MG, Klein JP. Lifetime
    Data Anal 2004;10:335-350 (restricted mean). Infinitesimal: Parner ET et al. Scand J Stat 2023;50:1-29.

    Examples
    --------
    >>> import hemresearch as hem
    >>> relapse = hem.data.load("aml")
    >>> values = hem.survival.pseudo_values(relapse, time="time", event="status", tau=24)
    >>> values["pseudo_value"].head(3).round(2).to_list()
    [9.0, 13.0, 23.43]
    """
    quantity, wanted = _wanted(times, tau, quantity)
    check_choice(method, PseudoMethod, argument="method")
    y = read_survival(data, time=time, event=event, event_value=event_value, by=by, missing=missing)
    groups = split_groups(y)
    refuse_one_patient(y, groups)
    argument = "times" if quantity == "survival" else "tau"
    refuse_beyond_follow_up(y, groups, wanted, argument=argument)
    values = np.empty((len(y), len(wanted)))
    for g, one in enumerate(groups):
        r = risk_sets(one.time, one.event)
        horizon = wanted if quantity == "survival" else wanted[0]
        result = KERNELS[quantity, method](r, one.time, one.event, horizon)
        values[y.group.code == g] = result.reshape(len(one), -1)
    row = np.arange(len(y)) if y.row is None else y.row
    return pl.DataFrame(
        {
            "row": pl.Series(np.repeat(row, len(wanted))).cast(pl.get_index_type()),
            "time": np.tile(wanted, len(y)),
            "pseudo_value": values.ravel(),
        }
    )


def _wanted(times: Any, tau: Any, quantity: PseudoQuantity | None) -> tuple[PseudoQuantity, np.ndarray]:
    """What is estimated, and the times that go with it."""
    if quantity is not None:
        check_choice(quantity, PseudoQuantity, argument="quantity")
    if (times is None) == (tau is None):
        raise DataError(
            "neither times nor tau was given" if times is None else "both times and tau were given",
            argument="times",
            expected="times for survival, or tau for the restricted mean",
            remedy="times=[12, 24] or tau=24",
        )
    if tau is not None and quantity != "survival":
        expected = "a time above 0 in the unit of the data"
        return "rmst", np.array([check_number(tau, argument="tau", above=0, expected=expected, example=24)])
    if times is not None and quantity != "rmst":
        return "survival", check_times(times)
    raise DataError(
        f"{quantity!r} was asked for together with {'tau' if times is None else 'times'}",
        argument="quantity",
        expected="'survival' with times, or 'rmst' with tau",
        remedy="quantity=None, which follows from times or tau",
    )


def refuse_one_patient(y: Survival, groups: Sequence[Survival]) -> None:
    """Refuse groups of which nobody can be left out."""
    alone = [g for g, one in enumerate(groups) if len(one) < 2]
    if alone:
        where = f"group {y.group.labels()[alone[0]]!r}" if y.group.names else "the data"
        raise DataError(
            f"leaves {where} with one patient",
            argument="by" if y.group.names else "data",
            column=y.names.get("by"),
            rows=y.positions(np.isin(y.group.code, alone)),
            expected="at least two patients in every group, of whom one can be left out",
            remedy="by=None" if y.group.names else "data with more patients",
        )
