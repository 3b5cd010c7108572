"""Relative and net survival of one group, by each of the methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..numerics.intervals import PROBABILITY, Transform, transformed_limits
from ..numerics.pohar_perme import at_risk, excess_hazard, expected_deaths, risk_sums
from ..numerics.population_hazard import survival_sums
from ..numerics.risk_sets import weight_from
from ..times import DAYS_PER_UNIT
from .net_rows import NetRows, place_of, whole_days

# As of a probability, but for survival beside that of the population, which may exceed 1.
LIMITS: dict[str, Transform] = {
    "plain": Transform(lambda s: s, np.ones_like, lambda x: x),
    "log": Transform(np.log, lambda s: 1 / s, np.exp),
    "log-log": PROBABILITY["log-log"],
}


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The times at which something happens to a group: 0, entries, exits, and what was asked for.

    `day` are days and `time` the same in the unit of the data; `place` is where each one leaves. Counts are
    sums of weights, those `at_risk` just before each time.
    """

    time: np.ndarray
    day: np.ndarray
    place: np.ndarray
    shown: np.ndarray
    n_risk: np.ndarray
    n_event: np.ndarray
    n_left: np.ndarray
    square: np.ndarray


def make_grid(rows: NetRows, wanted: np.ndarray) -> Grid:
    """The grid of a group; rows are shown of its exits and of the wanted times up to the last of them."""
    per = DAYS_PER_UNIT[rows.unit]
    wanted = wanted[whole_days(wanted * per) <= rows.until.max()]
    exits = np.where(rows.until < whole_days(rows.y.time * per), rows.until / per, rows.y.time)
    time = np.concatenate([[0.0], exits, rows.begin / per, wanted])
    days = np.concatenate([[0.0], rows.until, rows.begin, whole_days(wanted * per)])
    day, first = np.unique(days, return_index=True)
    place, weight = np.searchsorted(day, rows.until), rows.weight
    n_left = np.bincount(place, weight, len(day))
    late = weight_from(rows.begin, weight, day) if rows.delayed else np.zeros(len(day))
    late[0] = weight[rows.begin > 0].sum()  # at time 0 all are at risk who begin there
    event = rows.y.event
    return Grid(
        time=time[first],
        day=day,
        place=place,
        shown=(n_left > 0) | np.isin(day, days[len(days) - len(wanted) :]),
        n_risk=np.maximum(weight_from(rows.until, weight, day) - late, n_left),
        n_event=np.bincount(place[event], weight[event], len(day)),
        n_left=n_left,
        square=rows.square,
    )


# Each method: steps of a cumulative hazard, of its variance, and the survival it is to be divided by.
Steps = tuple[np.ndarray, np.ndarray, np.ndarray | float]


def pohar_perme(rows: NetRows, grid: Grid) -> Steps:
    """The excess hazard weighted by the reciprocals of population survival."""
    sums = risk_sums(rows.life_table.rates, place_of(rows), rows.begin, rows.until, grid.day, rows.weight)
    return *excess_hazard(sums, grid.place, rows.y.event, rows.weight, grid.square), 1.0


def ederer2(rows: NetRows, grid: Grid) -> Steps:
    """The hazard less the mean population hazard of those at risk."""
    expected = expected_deaths(
        rows.life_table.rates, *place_of(rows), rows.begin, rows.until, grid.day, rows.weight
    )
    hazard, variance = _observed(rows, grid)
    return hazard - at_risk(expected, grid.n_risk), variance, 1.0


def ederer1(rows: NetRows, grid: Grid) -> Steps:
    """Observed survival, to be divided by the mean population survival of all patients."""
    everybody = np.full(len(rows.until), grid.day[-1])
    n, _, after = survival_sums(rows.life_table.rates, *place_of(rows), everybody, grid.day)
    return *_observed(rows, grid), after / n


def hakulinen(rows: NetRows, grid: Grid) -> Steps:
    """Observed survival, to be divided by that of the population followed as long as it could have been."""
    until = np.minimum(rows.potential, grid.day[-1])
    day = np.union1d(grid.day, until)
    _, before, after = survival_sums(rows.life_table.rates, *place_of(rows), until, day)
    return *_observed(rows, grid), np.cumprod(after / before)[np.searchsorted(day, grid.day)]


@dataclass(frozen=True, slots=True)
class NetMethod:
    """A method: its steps, what it is called and what it estimates.

    `whole` says that it needs everybody's follow-up from the date on, and no weights.
    """

    name: str
    quantity: str
    steps: Callable[[NetRows, Grid], Steps]
    whole: bool


METHODS: dict[str, NetMethod] = {
    "pohar-perme": NetMethod("Pohar Perme", "net survival", pohar_perme, False),
    "ederer2": NetMethod("Ederer II", "relative survival", ederer2, False),
    "ederer1": NetMethod("Ederer I", "relative survival", ederer1, True),
    "hakulinen": NetMethod("Hakulinen", "relative survival", hakulinen, True),
}


def product(hazard: np.ndarray, exits: np.ndarray) -> np.ndarray:
    """The product over exits of 1 less the hazard since the one before; in between, of what has come so far.

    So the times that are asked for, and entries, change nothing at the exits.
    """
    total = np.cumsum(hazard)
    at = np.flatnonzero(exits)
    reached = np.concatenate([[0.0], total[at]])
    survival = np.concatenate([[1.0], np.cumprod(1 - np.diff(reached))])
    before = np.searchsorted(at, np.arange(len(hazard)))
    return survival[before] * (1 - (total - reached[before]))


def exponential(hazard: np.ndarray, exits: np.ndarray) -> np.ndarray:
    """Exp of minus the cumulative hazard."""
    return np.exp(-np.cumsum(hazard))


PRODUCTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "kaplan-meier": product, "breslow": exponential,
}  # fmt: skip


def net_curve(rows: NetRows, method: str, estimator: str, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of a curve without its limits."""
    grid = make_grid(rows, wanted)
    hazard, variance, expected = METHODS[method].steps(rows, grid)
    estimate = PRODUCTS[estimator](hazard, grid.n_left > 0) / expected
    error = estimate * np.sqrt(np.cumsum(variance))
    return _counts(grid) | {"estimate": estimate[grid.shown], "std_error": error[grid.shown]}


def counts_of(rows: NetRows, wanted: np.ndarray) -> dict[str, np.ndarray]:
    """The times of a curve and its counts."""
    return _counts(make_grid(rows, wanted))


def _counts(grid: Grid) -> dict[str, np.ndarray]:
    left = grid.n_left - grid.n_event
    part = {
        "time": grid.time,
        "n_risk": grid.n_risk,
        "n_event": grid.n_event,
        "n_censor": np.where(grid.n_left > grid.n_event, left, 0.0),
    }
    return {name: values[grid.shown] for name, values in part.items()}


def with_limits(part: dict[str, np.ndarray], conf_type: str, conf_level: float) -> dict[str, np.ndarray]:
    """The columns with limits; both are 1 where nothing has happened, none where survival is 0."""
    estimate, error = part["estimate"], part["std_error"]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = transformed_limits(estimate, error, LIMITS[conf_type], conf_level)
    certain = (error == 0) & (estimate > 0)
    return part | {
        "conf_low": np.where(certain, estimate, low),
        "conf_high": np.where(certain, estimate, high),
    }


def _observed(rows: NetRows, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Steps d/n of the observed hazard and d/n^2 of its variance, as relsurv has it (not Greenwood's)."""
    event = rows.y.event
    squares = np.bincount(grid.place[event], grid.square[event], len(grid.day))
    return at_risk(grid.n_event, grid.n_risk), at_risk(squares, grid.n_risk**2)
