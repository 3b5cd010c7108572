"""The exact partial likelihood of tied events: that of the discrete logistic model, set by set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel

# A running sum that removals have left this small beside its largest value is taken anew.
SHRUNK = 1e-2
STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class ExactPartialLikelihood:
    """The likelihood of Gail, Lubin and Rubinstein, prepared to be evaluated at any coefficients.

    Rows stand stratum by stratum and latest time first; `start` holds where each stratum begins, and the
    end. `by_entry` lists the rows of each stratum by entry, latest first (empty without delayed entry).
    """

    x: np.ndarray
    offset: np.ndarray
    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    by_entry: np.ndarray
    start: np.ndarray

    def __call__(self, beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood, score and information."""
        value, scores, information = self._evaluate(beta)
        return value, scores.sum(axis=0), information

    def stratum_scores(self, beta: np.ndarray) -> np.ndarray:
        """What each stratum, in the order of its number, adds to the score."""
        return self._evaluate(beta)[1]

    def _evaluate(self, beta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        linear = self.x @ np.asarray(beta, dtype=float) + self.offset
        n_strata, p = len(self.start) - 1, self.x.shape[1]
        if not np.isfinite(linear).all():
            return np.nan, np.full((n_strata, p), np.nan), np.full((p, p), np.nan)
        value, scores, upper = _evaluate(
            self.x, linear, self.time, self.event, self.entry, self.by_entry, self.start
        )
        return value, scores, upper + np.triu(upper, 1).T


def exact_partial_likelihood(
    x: np.ndarray,
    time: np.ndarray,
    event: np.ndarray,
    entry: np.ndarray | None = None,
    stratum: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> ExactPartialLikelihood:
    """The exact partial likelihood of rows (entry, time], as a function of beta on the scale of `x`.

    With d events among the n at risk at a time, the probability that it was those d is
    exp(sum of their x'b) over B(d, n), the sum of the same over all subsets of size d. B follows from
    B(d, n) = B(d, n-1) + r_n B(d-1, n-1), r = exp(x'b). The recursion runs on probabilities, so that nothing
    overflows whatever d: with p_i = expit(u + x_i'b), for any u, the conditional probability is the logistic
    likelihood of the n rows over P(K = d), K being the number of events among them, and u is chosen so that K
    is near d on average. The moments of the sum of x over the events, given K = d, come along and give score
    and information.

    An untied event is the ordinary partial likelihood and uses running sums. All of those together cost
    O(n p^2); a tied time costs O(d (n - d) p^2) and holds O(d p^2) numbers.

    `stratum` numbers the strata from 0. A constant added to `x` or `offset` in a stratum changes nothing.

    References
    ----------
    Gail MH, Lubin JH, Rubinstein LV. Biometrika 1981;68:703-707 (the recursion). Cox DR. J R Stat Soc B
    1972;34:187-220, section 6 (the likelihood).
    """
    code = np.zeros(len(time), dtype=np.intp) if stratum is None else stratum
    order = np.lexsort((-time, code))
    start = np.searchsorted(code[order], np.arange(int(code.max()) + 2))
    by_entry = np.empty(0, dtype=np.intp) if entry is None else np.lexsort((-entry[order], code[order]))
    return ExactPartialLikelihood(
        x=np.ascontiguousarray(_centred(np.asarray(x, dtype=float), code)[order]),
        offset=np.zeros(len(time)) if offset is None else _centred(offset[:, None], code)[order, 0],
        time=time[order],
        event=event[order],
        entry=np.empty(0) if entry is None else entry[order],
        by_entry=by_entry,
        start=start,
    )


def _centred(x: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Differences from the mean of the stratum, on which alone the likelihood depends."""
    size = np.maximum(np.bincount(stratum), 1)
    means = np.stack([np.bincount(stratum, column) / size for column in x.T], axis=1) if x.shape[1] else x[:0]
    return x - means[stratum] if x.shape[1] else x


@kernel
def _evaluate(x, linear, time, event, entry, by_entry, start):  # type: ignore[no-untyped-def]
    """Log-likelihood, the score of each stratum, and the upper triangle of the information.

    In each stratum time runs backwards: those whose row begins at or after t leave the risk set, those whose
    row ends at t join it, and then the events at t are accounted for. `sums` holds the sum over those at risk
    of exp(linear - top) z z' with z = (1, x), upper triangle.
    """
    p = x.shape[1]
    value = 0.0
    scores = np.zeros((len(start) - 1, p))
    information = np.zeros((p, p))
    sums = np.zeros((p + 1, p + 1))
    at_risk = np.empty(len(time), dtype=np.int64)
    place = np.empty(len(time), dtype=np.int64)
    for s in range(len(start) - 1):
        n_risk = 0
        top, largest = -np.inf, 0.0
        sums[:] = 0.0
        i = j = start[s]
        while i < start[s + 1]:
            now = time[i]
            leaving = j
            while len(by_entry) and entry[by_entry[j]] >= now:  # the row at i enters before: j stays within
                _add(sums, x, by_entry[j], -np.exp(linear[by_entry[j]] - top))
                n_risk -= 1
                at_risk[place[by_entry[j]]] = at_risk[n_risk]
                place[at_risk[n_risk]] = place[by_entry[j]]
                j += 1
            if j > leaving and not sums[0, 0] > SHRUNK * largest:
                top = _sum_anew(sums, x, linear, at_risk[:n_risk])
                largest = sums[0, 0]
            n_event = last = 0
            while i < start[s + 1] and time[i] == now:
                if linear[i] > top:
                    sums *= np.exp(top - linear[i])
                    largest *= np.exp(top - linear[i])
                    top = linear[i]
                _add(sums, x, i, np.exp(linear[i] - top))
                at_risk[n_risk] = i
                place[i] = n_risk
                n_risk += 1
                if event[i]:
                    n_event, last = n_event + 1, i
                i += 1
            largest = max(largest, sums[0, 0])
            if n_event == 1:
                value += linear[last] - top - np.log(sums[0, 0])
                _untied(sums, x[last], scores[s], information)
            elif 1 < n_event < n_risk:
                chosen = event[at_risk[:n_risk]] & (time[at_risk[:n_risk]] == now)
                value += _tied(x, linear, at_risk[:n_risk], chosen, n_event, scores[s], information)
    return value, scores, information


@kernel
def _add(sums, x, row, weight):  # type: ignore[no-untyped-def]
    """Add weight z z' of a row, z = (1, x)."""
    p = x.shape[1]
    sums[0, 0] += weight
    for a in range(p):
        sums[0, a + 1] += weight * x[row, a]
        for b in range(a, p):
            sums[a + 1, b + 1] += weight * x[row, a] * x[row, b]


@kernel
def _sum_anew(sums, x, linear, rows):  # type: ignore[no-untyped-def]
    """Take the sums over the rows afresh; the largest linear predictor, against which they are scaled."""
    top = -np.inf
    for row in rows:
        top = max(top, linear[row])
    sums[:] = 0.0
    for row in rows:
        _add(sums, x, row, np.exp(linear[row] - top))
    return top


@kernel
def _untied(sums, x, score, information):  # type: ignore[no-untyped-def]
    """Score and information of a single event: x less its mean over the risk set, and its variance there."""
    for a in range(len(x)):
        mean = sums[0, a + 1] / sums[0, 0]
        score[a] += x[a] - mean
        for b in range(a, len(x)):
            information[a, b] += (sums[a + 1, b + 1] - mean * sums[0, b + 1]) / sums[0, 0]


@kernel
def _tied(x, linear, rows, chosen, d, score, information):  # type: ignore[no-untyped-def]
    """Log-likelihood of d events among the rows, given that there are d; adds to score and information.

    `chance[k]`, `first[k]` and `second[k]` are P(K = k) and the moments of S 1(K = k), S being the sum of the
    centred x over the events among the rows so far. Those k are kept from which the rows left can make d.
    """
    n, p = len(rows), x.shape[1]
    shift = _shift(linear[rows], d)
    centre = np.zeros(p)
    for row in rows:
        centre += x[row] * (0.5 + 0.5 * np.tanh(0.5 * (linear[row] + shift))) / d
    chance, first, second = np.zeros(d + 1), np.zeros((d + 1, p)), np.zeros((d + 1, p, p))
    chance[0] = 1.0
    value = 0.0
    for m in range(n):
        z = x[rows[m]] - centre
        u = linear[rows[m]] + shift
        small = np.exp(-abs(u))
        yes, no = (1.0, small) if u > 0 else (small, 1.0)
        yes, no = yes / (1 + small), no / (1 + small)
        value += min(u if chosen[m] else -u, 0.0) - np.log1p(small)
        if chosen[m]:
            score += z
        fewest = max(d - (n - m - 1), 0)
        for k in range(min(m + 1, d), max(fewest, 1) - 1, -1):
            for a in range(p):
                for b in range(a, p):
                    cross = z[a] * first[k - 1, b] + z[b] * first[k - 1, a] + z[a] * z[b] * chance[k - 1]
                    second[k, a, b] = no * second[k, a, b] + yes * (second[k - 1, a, b] + cross)
            for a in range(p):
                first[k, a] = no * first[k, a] + yes * (first[k - 1, a] + z[a] * chance[k - 1])
            chance[k] = no * chance[k] + yes * chance[k - 1]
        if fewest == 0:
            chance[0] *= no
    for a in range(p):
        score[a] -= first[d, a] / chance[d]
        for b in range(a, p):
            information[a, b] += second[d, a, b] / chance[d] - first[d, a] * first[d, b] / chance[d] ** 2
    return value - np.log(chance[d])


@kernel
def _shift(linear, d):  # type: ignore[no-untyped-def]
    """An intercept with which the expected number of events is within a half of d."""
    odds = np.log(d / (len(linear) - d))
    low, high = odds - linear.max(), odds - linear.min()
    shift = odds - linear.mean()
    for _ in range(STEPS):
        expected = variance = 0.0
        for value in linear:
            chance = 0.5 + 0.5 * np.tanh(0.5 * (value + shift))
            expected += chance
            variance += chance * (1 - chance)
        if abs(expected - d) < 0.5:
            break
        if expected > d:
            high = shift
        else:
            low = shift
        newton = shift - (expected - d) / variance if variance > 0 else low
        shift = newton if low < newton < high else (low + high) / 2
    return shift
