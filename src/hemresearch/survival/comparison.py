"""What the tests of the log-rank family share: their groups, their weights and what they warn of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DataError, counted, listed, warn
from ..numerics import logrank as kernel
from ..numerics.logrank import EventTable
from ..options import TestWeight, check_choice, check_number
from ..outcomes import Survival

NAMES = {
    "gehan": "Gehan-Breslow test",
    "tarone-ware": "Tarone-Ware test",
    "peto-peto": "Peto-Peto test",
    "modified-peto": "modified Peto-Peto test",
}


@dataclass(frozen=True, slots=True)
class Weighting:
    """The name of a test and its weight at each event time."""

    name: str
    kernel: Callable[[EventTable], np.ndarray]
    remedy: str = "rho=0, gamma=0"
    argument: str = "rho"

    def weights(self, y: Survival, table: EventTable) -> np.ndarray:
        """The weights, refused where they are not finite."""
        weight = self.kernel(table)
        if not np.isfinite(weight).all():
            raise DataError(
                f"gives the {self.name} infinite weights: survival of all groups has fallen to 0 before",
                argument=self.argument,
                expected="a time at which survival is above 0",
                remedy=self.remedy,
            )
        if y.entry is not None:
            _warn_if_emptied(y, table, weight, self.name)
        return weight


def weighting(
    rho: float, gamma: float, test_weight: str | None = None, t_star: float | None = None
) -> Weighting:
    """The weighting that the arguments of a test ask for."""
    for name, value in (("rho", rho), ("gamma", gamma)):
        check_number(value, argument=name, at_least=0, expected="a power of 0 or more", example=1.0)
    if test_weight is None:
        _refuse_t_star(t_star)
        return Weighting(
            _fleming_harrington_name(rho, gamma), lambda t: kernel.fleming_harrington(t, rho, gamma)
        )
    check_choice(test_weight, TestWeight, argument="test_weight")
    if rho or gamma:
        raise DataError(
            f"{test_weight!r} was given together with rho={rho:g}, gamma={gamma:g}",
            argument="test_weight",
            expected="one kind of weight",
            remedy=f"test_weight=None, rho={rho:g}, gamma={gamma:g}",
        )
    if test_weight != "modestly":
        _refuse_t_star(t_star)
        return Weighting(NAMES[test_weight], kernel.WEIGHTS[test_weight])
    at = check_number(
        t_star, argument="t_star", above=0, example=12.0,
        expected="the time up to which the weights of the modestly weighted test rise",
    )  # fmt: skip
    return Weighting(
        f"modestly weighted log-rank test (t*={at:g})", lambda t: kernel.modest(t, at),
        argument="t_star", remedy=f"t_star={at / 2:g}",
    )  # fmt: skip


def compare_groups(y: Survival) -> EventTable:
    """The counts by group at the event times, once it is clear that there is something to compare."""
    refuse_one_group(y)
    if not y.event.any():
        raise DataError(
            "holds no events, so the groups cannot be compared",
            argument="event",
            column=y.names["event"],
            expected="at least one event",
            remedy="event_value=... with the value that means the event, if it is coded otherwise",
        )
    if y.weight is not None:
        _refuse_broken_weights(y)
    return kernel.event_table(
        y.time, y.event, y.group.code, len(y.group), entry=y.entry, weight=y.weight,
        stratum=y.stratum.code if len(y.stratum) > 1 else None,
    )  # fmt: skip


def refuse_one_group(y: Survival, remedy: str = "kaplan_meier(...) for the survival of one group") -> None:
    """A comparison needs two groups."""
    if len(y.group) < 2:
        raise DataError(
            "holds one group only, so there is nothing to compare",
            argument="by",
            column=y.names.get("by"),
            expected="at least two groups",
            remedy=remedy,
        )


def group_sizes(y: Survival, *, whole: bool = False) -> np.ndarray:
    """Patients in each group (distinct ids, else the sum of weights, else rows); or in all, as one number."""
    code, n = (np.zeros_like(y.group.code), 1) if whole else (y.group.code, len(y.group))
    if y.patient is None:
        return np.bincount(code, y.weight, n).astype(int)
    patients = int(y.patient.max()) + 1
    return np.bincount(np.unique(code * patients + y.patient) // patients, minlength=n)


def warn_if_apart(y: Survival, linked: np.ndarray) -> None:
    """Say which groups were never at risk together with the others at an event."""
    sets, size = np.unique(linked, return_counts=True)
    if len(sets) == 1:
        return
    largest = sets[np.argmax(size)]
    apart = linked != largest
    labels = y.group.labels()
    named = listed(repr(labels[g]) for g in np.flatnonzero(apart))
    warn(
        f"has groups ({named}) that were never at risk together with the others when somebody had the event; "
        f"the test has {int(size.sum()) - len(sets)} instead of {len(labels) - 1} degrees of freedom",
        argument="by",
        column=y.names["by"],
        rows=y.positions(apart[y.group.code]),
        expected="groups that are at risk at the same times (and in the same strata)",
        remedy="data.filter(...) without these groups",
    )


def stratified(y: Survival) -> str:
    """What a method says about its strata."""
    return "" if not y.stratum.names else f"; stratified by {', '.join(y.stratum.names)}"


def _warn_if_emptied(y: Survival, table: EventTable, weight: np.ndarray, name: str) -> None:
    """Say so when an early risk set emptied, so that a weight by survival silences what comes later."""
    lost = (kernel.survival_before(table) <= 0) & (weight == 0)
    if not lost.any():
        return
    first = int(np.argmax(lost)) - 1
    t, stratum = table.time[first], table.stratum[first]
    warn(
        f"leaves so few at risk early that at time {t:g} all of them had the event: the weights of the "
        f"{name} are 0 from there on, and {table.n_event[:, lost].sum():g} later event(s) do not count",
        argument="entry",
        column=y.names["entry"],
        rows=y.positions(y.event & (y.time == t) & (y.stratum.code == stratum)),
        expected="risk sets that do not empty before the last entry",
        remedy=f"data.filter(pl.col({y.names['time']!r}) > {t:g}) for the comparison from then on, or rho=0",
    )


def never_together(y: Survival) -> DataError:
    """No two groups can be compared."""
    return DataError(
        "has no two groups at risk together when somebody but not everybody had the event (or only where the "
        "test's weight is 0), so the groups cannot be compared",
        argument="by",
        column=y.names["by"],
        expected="groups that are at risk at the same times (and in the same strata)",
        remedy="strata=None, rho=0, gamma=0, or kaplan_meier(...) to look at the groups",
    )


def _refuse_broken_weights(y: Survival) -> None:
    assert y.weight is not None
    broken = y.weight != np.round(y.weight)
    if broken.any():
        raise DataError(
            f"has {counted(int(broken.sum()), 'value')} that are not whole",
            argument="weights",
            column=y.names["weights"],
            rows=y.positions(broken),
            expected="whole-numbered weights (2 is two patients): the test's variance is that of counts",
            remedy=f"fixed_time_test(..., at=12, weights={y.names['weights']!r}), whose variance is robust",
        )


def _refuse_t_star(t_star: float | None) -> None:
    if t_star is not None:
        raise DataError(
            f"{t_star!r} was given without the test that uses it",
            argument="t_star",
            expected="None, or the modestly weighted test",
            remedy='test_weight="modestly"',
        )


def _fleming_harrington_name(rho: float, gamma: float) -> str:
    return "log-rank test" if rho == gamma == 0 else f"Fleming-Harrington test (rho={rho:g}, gamma={gamma:g})"
