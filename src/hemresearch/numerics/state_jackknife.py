"""The infinitesimal-jackknife variance of state probabilities: no assumption of the process being Markov."""

from __future__ import annotations

import numpy as np

from .aalen_johansen import MoveTimes, at_first
from .compiled import kernel

LONGEST_BLOCK = 16  # times between two of the stored products, where there are not too many of them
MOST_BLOCKS = 8_192
ROUNDING = 1e-13


def jackknife_variance(
    moves: MoveTimes,
    probability: np.ndarray,
    state: np.ndarray,
    next_state: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    weight: np.ndarray | None,
    owner: np.ndarray,
    *,
    estimated_start: bool,
) -> np.ndarray:
    """The variance of each probability of `state_probabilities`, summed over owners (patients or clusters).

    An owner's influence U on the probabilities p goes on by U (I + dA) + sum over its stays of
    w (p_h / n_h) (e_j - e_h (I + dA)), where its stay is in h and moves to j (or stays, j = h). With
    `estimated_start` the first p is the share of each state among those at risk of the first move, which
    their owners influence, too.

    One pass over the times keeps the sums over all owners of U'U, r'U and r'r, where r is an owner's weight
    at risk in each state; an owner's own U is needed only when one of its stays ends or begins, and is
    brought there by two stored products of (I + dA) over runs of times.
    """
    n, size = len(time), probability.shape[1]
    enter = np.searchsorted(moves.time, entry, side="right")
    leave = np.searchsorted(moves.time, time, side="right")
    covers = enter < leave
    by_enter = np.argsort(enter, kind="stable")
    by_leave = np.argsort(leave, kind="stable")
    share = probability[:-1][np.repeat(np.arange(len(moves)), np.diff(moves.begin)), moves.source]
    reach = share / moves.n_risk
    weights = np.ones(n) if weight is None else weight.astype(float)
    influence = np.zeros((int(owner.max()) + 1, size))
    if estimated_start:
        there = np.flatnonzero(at_first(moves, entry, time))
        _add_start(influence, probability[0], there, state, weights, owner)
    steps = (moves.begin, moves.source, moves.target, moves.jump, reach)
    # a stored product costs as much as size^2 moves one by one
    block = int(np.clip(size**2 * len(moves) // max(len(moves.jump), 1), 1, LONGEST_BLOCK))
    block = max(block, len(moves) // MOST_BLOCKS)
    runs = (block, *_products(size, block, steps))
    return _running_sums(
        steps, runs, influence, by_enter[covers[by_enter]], by_leave[covers[by_leave]], enter, leave, state,
        next_state, weights, owner,
    )  # fmt: skip


def _add_start(
    influence: np.ndarray,
    start: np.ndarray,
    there: np.ndarray,
    state: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
) -> None:
    share = weight[there] / weight[there].sum()
    np.add.at(influence, (owner[there], state[there]), share)
    np.add.at(influence, owner[there], -share[:, None] * start)


@kernel
def _step(u, r, e, steps, moved):  # type: ignore[no-untyped-def]
    """One time: u (I + dA) less what a weight r at risk adds to the hazards' denominators."""
    begin, source, target, jump, reach = steps
    for m in range(begin[e], begin[e + 1]):
        h = source[m]
        moved[m - begin[e]] = (u[h] - r[h] * reach[m]) * jump[m]
    for m in range(begin[e], begin[e + 1]):
        u[target[m]] += moved[m - begin[e]]
        u[source[m]] -= moved[m - begin[e]]


@kernel
def _products(size, block, steps):  # type: ignore[no-untyped-def]
    """The product over each run of blocks from or up to a middle, and what each unit of r adds to u there.

    At level k the blocks stand in pairs of 2^k; for each block there is the product from it to the middle of
    its pair, or from the middle to it, so that any run of blocks is two of them. The last level holds each
    block alone.
    """
    n_blocks = (len(steps[0]) - 1) // block
    n_levels = 0
    while (1 << n_levels) < n_blocks:
        n_levels += 1
    products = np.zeros((n_levels + 1, n_blocks, size, size))
    drifts = np.zeros((n_levels + 1, n_blocks, size, size))
    none, unit, moved = np.zeros(size), np.zeros(size), np.empty(size * size)
    for b in range(n_blocks):
        for h in range(size):
            products[n_levels, b, h, h] = 1.0
            unit[h] = 1.0
            for e in range(b * block, (b + 1) * block):
                _step(products[n_levels, b, h], none, e, steps, moved)
                _step(drifts[n_levels, b, h], unit, e, steps, moved)
            unit[h] = 0.0
    for level in range(n_levels):
        half = 1 << level
        for middle in range(half, n_blocks, 2 * half):
            for b in range(middle - 1, middle - half - 1, -1):
                _combine(products, drifts, n_levels, b, level, b + 1, level, b, b + 1 == middle)
            for b in range(middle, min(middle + half, n_blocks)):
                _combine(products, drifts, level, b - 1, n_levels, b, level, b, b == middle)
    return products, drifts


@kernel
def _combine(products, drifts, i, a, j, b, level, into, alone):  # type: ignore[no-untyped-def]
    """Write the run of (i, a) and then (j, b) at (level, into); `alone`: that of the block `into`."""
    size = products.shape[2]
    for h in range(size):
        for k in range(size):
            if alone:
                products[level, into, h, k] = products[-1, into, h, k]
                drifts[level, into, h, k] = drifts[-1, into, h, k]
                continue
            product, drift = 0.0, drifts[j, b, h, k]
            for m in range(size):
                product += products[i, a, h, m] * products[j, b, m, k]
                drift += drifts[i, a, h, m] * products[j, b, m, k]
            products[level, into, h, k] = product
            drifts[level, into, h, k] = drift


@kernel
def _bring(u, r, e, until, steps, runs, moved):  # type: ignore[no-untyped-def]
    """Bring an owner's u from before time e to before time `until`: by blocks, and one by one beside them."""
    block, products, drifts = runs
    first, last = (e + block - 1) // block, until // block - 1
    if first > last:
        for t in range(e, until):
            _step(u, r, t, steps, moved)
        return
    for t in range(e, first * block):
        _step(u, r, t, steps, moved)
    level = len(products) - 1
    if first < last:
        level, differ = 0, (first ^ last) >> 1
        while differ:
            level += 1
            differ >>= 1
    _run(u, r, products[level, first], drifts[level, first], moved)
    if first < last:
        _run(u, r, products[level, last], drifts[level, last], moved)
    for t in range((last + 1) * block, until):
        _step(u, r, t, steps, moved)


@kernel
def _run(u, r, product, drift, moved):  # type: ignore[no-untyped-def]
    """A run of times at once."""
    size = len(u)
    for h in range(size):
        moved[h] = u[h]
        u[h] = 0.0
    for h in range(size):
        if moved[h] != 0.0:
            for j in range(size):
                u[j] += moved[h] * product[h, j]
        if r[h] != 0.0:
            for j in range(size):
                u[j] += r[h] * drift[h, j]


@kernel
def _change(sums, x, k, amount):  # type: ignore[no-untyped-def]
    """Change entry k of an owner's x = (u, r), and the sums of x'x over owners with it."""
    for j in range(len(x)):
        sums[k, j] += amount * x[j]
        sums[j, k] += amount * x[j]
    sums[k, k] += amount * amount
    x[k] += amount


@kernel
def _step_sums(sums, e, steps, buffer):  # type: ignore[no-untyped-def]
    """One time for the sums of x'x: that of `_step` on their columns, then on their rows."""
    begin, source, target, jump, reach = steps
    first, last = begin[e], begin[e + 1]
    width = len(sums)
    size = width // 2
    for m in range(first, last):
        h = source[m]
        for k in range(width):
            buffer[m - first, k] = (sums[k, h] - reach[m] * sums[k, size + h]) * jump[m]
    for m in range(first, last):
        for k in range(width):
            sums[k, target[m]] += buffer[m - first, k]
            sums[k, source[m]] -= buffer[m - first, k]
    for m in range(first, last):
        h = source[m]
        for k in range(width):
            buffer[m - first, k] = (sums[h, k] - reach[m] * sums[size + h, k]) * jump[m]
    for m in range(first, last):
        for k in range(width):
            sums[target[m], k] += buffer[m - first, k]
            sums[source[m], k] -= buffer[m - first, k]


@kernel
def _running_sums(  # type: ignore[no-untyped-def]
    steps, runs, influence, by_enter, by_leave, enter, leave, state, next_state, weight, owner
):
    """The diagonal of the sum of u'u at the start and after every time."""
    begin, source, target, _, reach = steps
    n_owner, size = influence.shape
    x = np.zeros((n_owner, 2 * size))
    at = np.zeros(n_owner, dtype=np.int64)
    sums = np.zeros((2 * size, 2 * size))
    for c in range(n_owner):
        for k in range(size):
            if influence[c, k] != 0.0:
                _change(sums, x[c], k, influence[c, k])
    moved = np.empty(size * size)
    buffer = np.empty((size * size, 2 * size))
    variance = np.empty((len(begin), size))
    for k in range(size):
        variance[0, k] = sums[k, k]
    largest = np.zeros(size)
    i = j = 0
    for e in range(len(begin)):
        while i < len(by_enter) and enter[by_enter[i]] == e:
            row = by_enter[i]
            c = owner[row]
            _bring(x[c, :size], x[c, size:], at[c], e, steps, runs, moved)
            at[c] = e
            _change(sums, x[c], size + state[row], weight[row])
            i += 1
        if e == len(begin) - 1:
            break
        first, last = begin[e], begin[e + 1]
        _step_sums(sums, e, steps, buffer)
        while j < len(by_leave) and leave[by_leave[j]] == e + 1:
            row = by_leave[j]
            c, h = owner[row], state[row]
            _bring(x[c, :size], x[c, size:], at[c], e + 1, steps, runs, moved)
            at[c] = e + 1
            for m in range(first, last):
                if source[m] == h and target[m] == next_state[row]:
                    _change(sums, x[c], next_state[row], weight[row] * reach[m])
                    _change(sums, x[c], h, -weight[row] * reach[m])
            _change(sums, x[c], size + h, -weight[row])
            j += 1
        for k in range(size):
            largest[k] = max(largest[k], sums[k, k])
            variance[e + 1, k] = sums[k, k] if sums[k, k] > ROUNDING * largest[k] else 0.0
    return variance
