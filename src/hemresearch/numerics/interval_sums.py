"""What cancer registries count in each interval of follow-up: patients, deaths, person-time, expected deaths.

Follow-up is cut at the borders of the intervals (a, b]; a piece is what one patient has of one interval.
Where a population comes in, times are days. With weights every count is a sum of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .lexis import split_rows
from .population_hazard import PopulationRates, cumulative_hazard

NEAR = 1e-6  # days: a time so near to a border is at it


@dataclass(frozen=True, slots=True, eq=False)
class IntervalPieces:
    """Pieces of follow-up: their row and interval, from when to when, and how each one ends.

    `whole` are those of who was there at the start of the interval, `withdrawn` the last pieces of those
    whose follow-up ends before the interval does.
    """

    row: np.ndarray
    place: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    died: np.ndarray
    whole: np.ndarray
    withdrawn: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class IntervalSums:
    """Of each interval: those at its start, late entries, deaths, withdrawals, person-time, expected deaths.

    `square` sums the squared weights of deaths.
    """

    alive: np.ndarray
    entered: np.ndarray
    deaths: np.ndarray
    withdrawn: np.ndarray
    time: np.ndarray
    expected: np.ndarray
    square: np.ndarray

    @property
    def effective(self) -> np.ndarray:
        """Those at the start, and half of those who come or withdraw in between."""
        return self.alive + self.entered / 2 - self.withdrawn / 2

    def __add__(self, other: IntervalSums) -> IntervalSums:
        return IntervalSums(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))


def cut_at_borders(
    begin: np.ndarray, end: np.ndarray, event: np.ndarray, bounds: np.ndarray, near: float = NEAR
) -> IntervalPieces:
    """The pieces of follow-up from `begin` to `end` that lie within the bounds; times so `near` are one."""
    first = np.array([0, len(bounds)])
    row, start, stop, last, band = split_rows(begin, end, np.zeros((len(end), 1)), bounds, first, near)
    inside = band[:, 0] >= 0
    row, start, stop, last, place = (v[inside] for v in (row, start, stop, last, band[:, 0]))
    died = last & event[row]
    short = stop < bounds[place + 1] - near
    return IntervalPieces(row, place, start, stop, died, start <= bounds[place] + near, last & ~died & short)


def reciprocal_survival(
    p: IntervalPieces,
    rates: PopulationRates,
    who: tuple[np.ndarray, np.ndarray, np.ndarray],
    bounds: np.ndarray,
) -> np.ndarray:
    """Of each piece 1/S in the middle of its interval, S the patient's own population survival since time 0.

    `who` are group, age and day of the patients; all pieces of one interval have the same weight.
    """
    middle = (bounds[:-1] + bounds[1:])[p.place] / 2
    group, age, day = (v[p.row] for v in who)
    return np.asarray(np.exp(cumulative_hazard(rates, group, age, day, np.zeros(len(middle)), middle)))


def add_up(p: IntervalPieces, expected: np.ndarray, n: int, weight: np.ndarray | None = None) -> IntervalSums:
    """The sums over the pieces of each of `n` intervals, of weights where they are given."""
    w = np.ones(len(p.row)) if weight is None else weight
    values = (
        w * p.whole, w * ~p.whole, w * p.died, w * p.withdrawn, w * (p.end - p.begin), w * expected,
        w**2 * p.died,
    )  # fmt: skip
    # of nobody at all bincount would make whole numbers
    return IntervalSums(*(np.bincount(p.place, v, n).astype(float) for v in values))
