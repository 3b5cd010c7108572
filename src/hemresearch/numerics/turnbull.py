"""The nonparametric maximum likelihood estimate from interval-censored times.

Mass can only lie in the innermost intervals (Peto 1973; Turnbull 1976), and each observation covers a
contiguous run of them. So a probability is a difference of cumulative masses, a derivative a cumulative
sum, and nothing of the size observations x intervals is ever made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel

BEFORE = -1.0  # all times
TOLERANCE = 1e-10  # of the Kuhn-Tucker conditions, relative to the number of patients
WARM_UP = 10  # steps of the EM algorithm before the first Newton step
MAX_STEPS = 200
MAX_PIVOTS = 60
FORCING = 1e-3  # how much more exact than the masses a linear system is solved
RESIDUAL = 1e-13  # but not more than this, relative
SURE = 0.01  # expected gain, relative to the smallest weight, from which a whole step is taken
SUFFICIENT = 1e-4  # share of the expected gain that a longer step must bring


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Innermost intervals, and the run of them (first to last) that each distinct observation covers.

    `weight` is the number of patients with that run.
    """

    left: np.ndarray
    right: np.ndarray
    first: np.ndarray
    last: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Npmle:
    """Masses of the innermost intervals.

    `gap` is the largest violation of the Kuhn-Tucker conditions, relative to the number of patients.
    """

    mass: np.ndarray
    log_likelihood: float
    gap: float


def innermost_runs(left: np.ndarray, right: np.ndarray, weight: np.ndarray | None = None) -> Runs:
    """Innermost intervals of (left, right], which is [right, right] where both are equal.

    A left end of BEFORE is that of [0, right]: nothing is known of time 0.
    They are where a left end is followed by a right end, in the order of time; at one time a closed left
    end comes first, then right ends, then open left ends.
    """
    closed = (left == right) | (left == BEFORE)
    times, rank = np.unique(np.concatenate([left, right]), return_inverse=True)
    begin = 3 * rank[: len(left)] + np.where(closed, 0, 2)
    end = 3 * rank[len(left) :] + 1
    begins, ends = np.unique(begin), np.unique(end)
    ordered = np.concatenate([begins, ends])
    order = np.argsort(ordered, kind="stable")
    ordered, is_end = ordered[order], order >= len(begins)
    here = np.flatnonzero(~is_end[:-1] & is_end[1:])
    inner_begin, inner_end = ordered[here], ordered[here + 1]
    first = np.searchsorted(inner_begin, begin, side="left")
    last = np.searchsorted(inner_end, end, side="right") - 1
    run, row = np.unique(first * len(here) + last, return_inverse=True)
    return Runs(
        left=np.maximum(times[inner_begin // 3], 0.0),
        right=times[inner_end // 3],
        first=run // len(here),
        last=run % len(here),
        weight=np.bincount(row, weight).astype(float),
    )


def npmle(runs: Runs) -> Npmle:
    """Masses p >= 0 that maximise sum w log(sum of p over first..last).

    Few masses are positive, so each step keeps those, adds between them the place where the derivative is
    largest, maximises the quadratic approximation over p >= 0 and searches the line to its maximum: the
    constrained Newton method (Wang, Comput Stat Data Anal 2008;52:2388-2402). It ends when the Kuhn-Tucker
    conditions (Gentleman and Geyer, Biometrika 1994;81:618-623) hold: the derivative with respect to a mass
    is the number of patients where it is positive, and nowhere larger.

    The masses are unique. The fitted probabilities of the runs are, as the logarithm is strictly concave; and
    each innermost interval is the last of some run, which fixes the cumulative mass after it from an earlier
    one.
    """
    mass, total = starting_masses(runs), runs.weight.sum()
    slope, gap = _conditions(runs, mass)
    for step in range(WARM_UP + MAX_STEPS):
        if gap <= TOLERANCE:
            break
        if step < WARM_UP:
            mass = mass * slope / total
        else:
            mass = _line_search(runs, mass, _newton_target(runs, mass, slope, gap), slope)
        slope, gap = _conditions(runs, mass)
    return Npmle(mass, _log_likelihood(runs, mass), gap)


def starting_masses(runs: Runs) -> np.ndarray:
    """The product-limit estimate if each run had its event at one of the fewest places that meet all runs.

    Runs that reach the last place are censored before their first. With exact and right-censored times
    only, that is the answer.
    """
    size = len(runs.left)
    place = meeting_places(runs.first, runs.last, size)
    censored = (runs.last == size - 1) & (runs.first < size - 1)
    met = place[np.searchsorted(place, runs.last[~censored], side="right") - 1]
    n_event = np.bincount(met, runs.weight[~censored], size)
    n_left = n_event + np.bincount(runs.first[censored], runs.weight[censored], size)
    n_risk = np.cumsum(n_left[::-1])[::-1] - (n_left - n_event)
    survival = np.cumprod(1 - n_event / np.where(n_event > 0, n_risk, 1.0))
    mass = np.concatenate([[1.0], survival[:-1]]) - survival
    mass[-1] += survival[-1]
    return np.maximum(mass, 0.0)


@kernel
def meeting_places(first: np.ndarray, last: np.ndarray, size: int) -> np.ndarray:
    """The fewest places such that every run covers one of them."""
    earliest = np.full(size + 1, size)
    for i in range(len(first)):
        earliest[first[i]] = min(earliest[first[i]], last[i])
    for j in range(size - 1, -1, -1):
        earliest[j] = min(earliest[j], earliest[j + 1])
    chosen = np.zeros(size, dtype=np.bool_)
    j = earliest[0]
    while j < size:
        chosen[j] = True
        j = earliest[j + 1]
    return np.flatnonzero(chosen)


@kernel
def precise_sums(v: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sum of v over each run, to the precision of the sum itself however small it is.

    A difference of cumulative sums, with what each addition rounds off summed beside it.
    """
    size = len(v)
    high, low = np.zeros(size + 1), np.zeros(size + 1)
    for j in range(size):
        high[j + 1] = high[j] + v[j]
        added = high[j + 1] - high[j]
        low[j + 1] = low[j] + ((high[j] - (high[j + 1] - added)) + (v[j] - added))
    sums = np.empty(len(first))
    for i in range(len(first)):
        a, b = first[i], last[i] + 1
        sums[i] = (high[b] - high[a]) + (low[b] - low[a])
    return sums


@kernel
def covering_sums(values: np.ndarray, first: np.ndarray, last: np.ndarray, size: int) -> np.ndarray:
    """For each place, the sum of the values of the runs that cover it."""
    change = np.zeros(size + 1)
    for i in range(len(first)):
        change[first[i]] += values[i]
        change[last[i] + 1] -= values[i]
    return np.cumsum(change[:size])


@kernel
def conjugate_gradients(
    first: np.ndarray,
    last: np.ndarray,
    curvature: np.ndarray,
    linear: np.ndarray,
    free: np.ndarray,
    x: np.ndarray,
    precision: float,
) -> np.ndarray:
    """Hx = linear among the free places, H the sum of curvature x x' over the runs.

    Conjugate gradients, scaled by the diagonal of H.
    """
    size = len(x)
    scale = np.where(free, 1 / covering_sums(curvature, first, last, size), 0.0)
    image = covering_sums(curvature * precise_sums(x, first, last), first, last, size)
    residual = np.where(free, linear - image, 0.0)
    enough = precision * np.abs(linear).max()
    direction = scale * residual
    old = np.sum(residual * direction)
    for _ in range(10 * size + 100):
        if np.abs(residual).max() <= enough:
            break
        image = covering_sums(curvature * precise_sums(direction, first, last), first, last, size)
        step = old / np.sum(direction * image)
        x = x + step * direction
        residual = np.where(free, residual - step * image, 0.0)
        new = np.sum(residual * residual * scale)
        direction = scale * residual + new / old * direction
        old = new
    return x


def _conditions(runs: Runs, mass: np.ndarray) -> tuple[np.ndarray, float]:
    """The derivative of the log-likelihood with respect to each mass, and the largest violation."""
    chance = precise_sums(mass, runs.first, runs.last)
    slope = covering_sums(runs.weight / chance, runs.first, runs.last, len(mass))
    excess = slope / runs.weight.sum() - 1
    return slope, float(max(excess.max(), np.abs(excess[mass > 0]).max()))


def _log_likelihood(runs: Runs, mass: np.ndarray) -> float:
    chance = precise_sums(mass, runs.first, runs.last)
    return float(runs.weight @ np.log(chance)) if (chance > 0).all() else -np.inf


def _newton_target(runs: Runs, mass: np.ndarray, slope: np.ndarray, gap: float) -> np.ndarray:
    """Masses >= 0 where the quadratic approximation at `mass` is largest, among the candidate places.

    With H = sum w/P^2 x x' the approximation of sum w log P - W sum p is 2 slope'q - W 1'q - q'Hq/2, as
    H mass = slope.
    """
    total = runs.weight.sum()
    place = _candidates(mass, slope, total)
    first = np.searchsorted(place, runs.first, side="left")
    last = np.searchsorted(place, runs.last, side="right") - 1
    chance = precise_sums(mass, runs.first, runs.last)
    pair, row = np.unique(first * len(place) + last, return_inverse=True)
    h = Quadratic(
        first=pair // len(place),
        last=pair % len(place),
        curvature=np.bincount(row, runs.weight / chance**2),
        linear=2 * slope[place] - total,
    )
    wanted = np.zeros_like(mass)
    wanted[place] = h.maximum(mass[place], precision=max(RESIDUAL, FORCING * min(1.0, gap)))
    return wanted


def _candidates(mass: np.ndarray, slope: np.ndarray, total: float) -> np.ndarray:
    """Places with mass, and between two of them the one with the largest derivative above the bound."""
    support = np.flatnonzero(mass)
    outside = np.where(mass > 0, -np.inf, slope)
    starts = np.union1d([0], support)
    largest = np.repeat(np.maximum.reduceat(outside, starts), np.diff(np.append(starts, len(mass))))
    better = np.flatnonzero((outside == largest) & (outside > total * (1 + TOLERANCE / 2)))
    _, one = np.unique(np.searchsorted(starts, better, side="right"), return_index=True)
    return np.union1d(support, better[one])


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """The function linear'q - q'Hq/2, where H is the sum of curvature x x' over the runs."""

    first: np.ndarray
    last: np.ndarray
    curvature: np.ndarray
    linear: np.ndarray

    def maximum(self, start: np.ndarray, precision: float) -> np.ndarray:
        """The q >= 0 where it is largest, by moving whole blocks in and out of the active set."""
        free, q = np.ones(len(start), dtype=bool), start
        for pivot in range(MAX_PIVOTS):
            inside = np.where(free, q, 0.0)
            q = conjugate_gradients(
                self.first, self.last, self.curvature, self.linear, free, inside, precision
            )
            negative = free & (q < 0)
            if negative.any():
                free = free & ~negative
                continue
            pull = self.curvature * precise_sums(q, self.first, self.last)
            slope = self.linear - covering_sums(pull, self.first, self.last, len(q))
            wanting = ~free & (slope > 1e-9 * np.abs(self.linear).max())
            if not wanting.any() or pivot > MAX_PIVOTS // 2:
                return q
            free = free | wanting
        return np.maximum(q, 0.0)


def _line_search(runs: Runs, mass: np.ndarray, wanted: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The masses on the way to `wanted` that raise the likelihood enough, else one step of EM.

    A sum of -w log P is self-concordant: where the expected gain is small beside the smallest w, the whole
    step is right, also when the gain is lost in rounding.
    """
    total, value = runs.weight.sum(), _log_likelihood(runs, mass)
    gain = float((slope - total) @ (wanted - mass))
    whole = wanted / wanted.sum()
    if abs(gain) <= SURE * runs.weight.min() and np.isfinite(_log_likelihood(runs, whole)):
        return whole
    fraction = 1.0
    while gain > 0 and fraction > 1e-10:
        there = mass + fraction * (wanted - mass)
        there = there / there.sum()
        if _log_likelihood(runs, there) >= value + SUFFICIENT * fraction * gain:
            return there
        fraction /= 2
    return mass * slope / total


@dataclass(frozen=True, slots=True, eq=False)
class MassFunction:
    """Positive masses, each somewhere in (left, right]; or at right, where both are equal."""

    left: np.ndarray
    right: np.ndarray
    mass: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, weight: np.ndarray | None) -> tuple[MassFunction, Npmle]:
        """The maximum likelihood estimate from observed intervals, and its facts."""
        runs = innermost_runs(left, right, weight)
        fitted = npmle(runs)
        there = fitted.mass > 0
        return cls(runs.left[there], runs.right[there], fitted.mass[there]), fitted

    def after(self) -> np.ndarray:
        """Survival after each interval; exactly 0 after the last."""
        rest = np.cumsum(self.mass[::-1])[::-1]
        return np.append(rest[1:], 0.0)

    def survival_bounds(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest survival at each time, equal where the estimate is defined."""
        levels = np.append(1.0, self.after())
        most = np.searchsorted(self.right, times, side="right")
        least = np.maximum(np.searchsorted(self.left, times, side="left"), most)
        return levels[least], levels[most]

    def quantile_bounds(self, levels: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
        """The interval within which survival reaches each level; the flat stretch where it equals the level.

        Infinite ends where it is not known to reach it.
        """
        after = self.after()
        place = np.searchsorted(-after, -(levels + tolerance), side="left")
        flat = (after[place] >= levels - tolerance) & (place + 1 < len(after))
        following = np.minimum(place + 1, len(after) - 1)
        low = np.where(flat, self.right[place], self.left[place])
        high = np.where(flat, self.left[following], self.right[place])
        return low, high
