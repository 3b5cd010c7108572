"""Maximally selected log-rank statistics: the largest over many cuts, and its distribution by chance.

With scores a of n patients in the order of a marker and S the sum of the m lowest, a cut after m gives

    T = (S - m mean(a)) / sqrt(m (n - m) var(a) / n),        var with n - 1,

the mean and variance of S over all orders of the patients. Between cuts after m < k the correlation is
sqrt(m (n - k) / ((n - m) k)), that of a Markov chain, so that the normal probability of all |T| <= b is one
integral after the other.

References: Hothorn T, Lausen B. Comput Stat Data Anal 2003;43:121-137 (scores; bound by permutations). Lausen
B, Schumacher M. Biometrics 1992;48:73-85. Lausen B, Sauerbrei W, Schumacher M. In: Dirschedl P, Ostermann R
(eds). Computational Statistics. Physica 1994:483-496.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from .compiled import kernel

ROUNDING = 1e-10  # statistics within this are equal
FEWEST_NODES, PER_WIDTH = 64, 4.0
REACH = 8.5  # standard deviations of a step beyond which there is nothing
AT_ONCE = 2_000_000  # scores of permutations held together


def logrank_scores(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Event minus the cumulative hazard of all together, as Hothorn and Lausen have it.

    Each event adds 1 / (n - r + 1), r the number of patients with a time up to its own: of patients with one
    time only one counts as at risk (R's maxstat; without ties it is Nelson and Aalen's hazard).
    """
    order = np.argsort(time, kind="stable")
    rank = np.searchsorted(time[order], time, side="right")
    hazard = np.cumsum((event / (len(time) - rank + 1))[order])
    return event - hazard[rank - 1]


def cut_sizes(ordered: np.ndarray, least: float, most: float) -> np.ndarray:
    """How many patients are at or below each cut between different values, within shares of all."""
    n = len(ordered)
    sizes = np.flatnonzero(ordered[1:] > ordered[:-1]) + 1
    return sizes[(sizes >= max(1, np.floor(n * least))) & (sizes <= np.floor(n * most))]


def standardized(ordered_scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The statistic of each cut, positive where those at or below it do worse; rows are permutations."""
    n = ordered_scores.shape[-1]
    mean, variance = ordered_scores.mean(axis=-1), ordered_scores.var(axis=-1, ddof=1)
    lowest = np.cumsum(ordered_scores, axis=-1)[..., sizes - 1]
    expected = np.multiply.outer(mean, sizes)
    return (lowest - expected) / np.sqrt(np.multiply.outer(variance, sizes * (n - sizes) / n))


def normal_p(b: float, n: int, sizes: np.ndarray) -> float:
    """The chance that some |T| is above b, T multivariate normal with its exact correlations."""
    if b <= 0:
        return 1.0
    odds = sizes / (n - sizes)
    step = np.sqrt(odds[:-1] / odds[1:])  # correlation of each cut with the next
    narrowest = np.sqrt(1 - step.max() ** 2) if len(step) else 1.0
    nodes = max(FEWEST_NODES, int(np.ceil(PER_WIDTH * b / narrowest)))
    x, w = np.polynomial.legendre.leggauss(nodes)
    inside = _chain(b * x, b * w, step)
    beyond = 2 * ndtr(-b)
    return float(np.clip(max(1 - inside, beyond), 0.0, 1.0))


@kernel
def _chain(x: np.ndarray, w: np.ndarray, step: np.ndarray) -> float:
    """The probability that a normal Markov chain stays between the ends of the nodes x (weights w)."""
    n = len(x)
    density = np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    for k in range(len(step)):
        width = np.sqrt(1 - step[k] ** 2)
        following = np.zeros(n)
        for i in range(n):
            centre = step[k] * x[i]
            start = np.searchsorted(x, centre - REACH * width)
            end = np.searchsorted(x, centre + REACH * width)
            share = density[i] * w[i] / (width * np.sqrt(2 * np.pi))
            for j in range(start, end):
                following[j] += share * np.exp(-0.5 * ((x[j] - centre) / width) ** 2)
        density = following
    return float((density * w).sum())


def lausen_1992(b: float, least: float, most: float) -> float:
    """The limit for cuts at all shares from `least` to `most`, for large b."""
    if b < 1:
        return 1.0
    density = np.exp(-0.5 * b * b) / np.sqrt(2 * np.pi)
    spread = np.log(most * (1 - least) / ((1 - most) * least))
    return float(np.clip(4 * density / b + density * (b - 1 / b) * spread, 0.0, 1.0))


def lausen_1994(b: float, n: int, sizes: np.ndarray) -> float:
    """An improved Bonferroni bound: of one cut, and of each next one without its neighbour."""
    odds = sizes / (n - sizes)
    t = np.sqrt(1 - odds[:-1] / odds[1:])
    more = np.exp(-0.5 * b * b) / np.pi * (t - (b * b / 4 - 1) * t**3 / 6)
    return float(np.clip(2 * ndtr(-b) + more.sum(), 0.0, 1.0))


def permuted_maxima(
    scores: np.ndarray, sizes: np.ndarray, n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """The largest |T| of each of many random orders of the patients."""
    at_once = max(1, AT_ONCE // len(scores))
    found = []
    for start in range(0, n_permutations, at_once):
        rows = np.tile(scores, (min(at_once, n_permutations - start), 1))
        shuffled = rng.permuted(rows, axis=1)
        found.append(np.abs(standardized(shuffled, sizes)).max(axis=1))
    return np.concatenate(found)


def whole_scores(scores: np.ndarray) -> np.ndarray:
    """Scores from 0 to n, rounded to whole numbers."""
    raised = scores - scores.min()
    return np.round(raised * len(scores) / raised.max()).astype(np.int64)


def hothorn_lausen_p(b: float, scores: np.ndarray, sizes: np.ndarray) -> float:
    """Hothorn and Lausen's bound of the chance of |T| >= b, from the permutations of whole scores.

    The chances of the cuts are added; of each cut those sums are taken off that were beyond b at the cut
    before and stay there whoever comes between them.
    """
    sums, spread = np.arange(int(scores.sum()) + 1), len(scores) * scores.var() * len(scores)
    counts = _subset_counts(scores, int(sizes[-1]), len(sums))
    ranked = np.cumsum(np.sort(scores)), np.cumsum(np.sort(scores)[::-1])
    bound, last = 0.0, None
    for m in sizes:
        middle = m / len(scores) * sums[-1]
        deviation = np.sqrt(m * (len(scores) - m) / (len(scores) ** 2 * (len(scores) - 1)) * spread)
        beyond = np.abs(sums - middle) >= b * deviation - ROUNDING * (1 + middle)
        chance = counts[m] / counts[m].sum()
        bound += chance[beyond].sum()
        if last is not None:
            before, was_beyond, was_chance = last
            least, most = (total[m - before - 1] for total in ranked)
            bound -= was_chance[was_beyond & _stay(sums, middle, beyond, least, most)].sum()
        last = m, beyond, chance
    return float(min(bound, 1.0))


def _stay(sums: np.ndarray, middle: float, beyond: np.ndarray, least: float, most: float) -> np.ndarray:
    """Sums that are beyond the next cut on one side, whether the least or the most is added."""
    low, high = (np.minimum(sums + int(more), len(sums) - 1) for more in (least, most))
    return beyond[low] & beyond[high] & ((low > middle) | (high < middle))


def _subset_counts(scores: np.ndarray, largest: int, n_sum: int) -> np.ndarray:
    """How many sets of up to `largest` patients have each sum of scores."""
    counts = np.zeros((largest + 1, n_sum))
    counts[0, 0] = 1.0
    reached = 0
    for i, score in enumerate(scores):
        for m in range(min(i, largest - 1), -1, -1):
            counts[m + 1, score : reached + score + 1] += counts[m, : reached + 1]
        reached += int(score)
    return counts
