"""Log-rank tests of the Markov property: whether the state at s matters for a move after s.

Of those at risk for a move at t > s, compare who was in state j at s with the others. With d_i = 1 for those
who were, E_j(t) their share of the risk set and t_e the times of the moves after s,

    U_j(s) = sum over moves e of d_e - E_j(t_e),   V_jk(s) = sum of E_j(t_e) (1{j=k} - E_k(t_e)).

Under the Markov property U_j is a martingale at t_e given the past, so multiplying each move's term by an
independent variable of mean 0 and variance 1 repeats its distribution, over all s together (wild bootstrap).

References: Titman AC, Putter H. Biostatistics 2022;23:380-396.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SINGULAR = 1e-9
BATCH = 20_000_000  # multipliers at a time


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """For each time s and state j: the terms of each move (s x j x moves), and V(s) (s x j x j)."""

    terms: np.ndarray
    cov: np.ndarray

    @property
    def z(self) -> np.ndarray:
        """U_j(s) over its standard error; NaN where there is nothing to compare."""
        return self._scaled(self.terms.sum(axis=2))

    def _scaled(self, u: np.ndarray) -> np.ndarray:
        variance = np.einsum("sjj->sj", self.cov)
        return u / np.sqrt(np.where(variance > SINGULAR, variance, np.nan))

    def statistics(self, u: np.ndarray, inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """|Z_j(s)|, and U(s)' V(s)^- U(s) of all states together; for leading dimensions of `u`."""
        return np.abs(self._scaled(u)), np.einsum("...sj,sjk,...sk->...s", u, inverse, u)


def comparisons(
    at: np.ndarray,
    patient: np.ndarray,
    state: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    moved: np.ndarray,
    start: int,
    n_states: int,
) -> Comparisons:
    """Compare the moves from state `start` after each time of `at` by where the patients were.

    The stays (entry, time] of patients are given by their arrays; `moved` is whether a stay in `start` ended
    with the move.
    """
    here = state == start
    moves = np.flatnonzero(here & moved)
    terms = np.zeros((len(at), n_states, len(moves)))
    cov = np.zeros((len(at), n_states, n_states))
    for g, s in enumerate(at):
        was = np.full(patient.max() + 1, -1)
        present = (entry <= s) & (s < time)
        was[patient[present]] = state[present]
        at_risk = here & (time > s) & (was[patient] >= 0)
        later = (time[moves] > s) & (was[patient[moves]] >= 0)
        own, when = was[patient[moves[later]]], time[moves[later]]
        begins = np.maximum(entry[at_risk], s)
        share = np.array([
            _at_risk(begins[of], time[at_risk][of], when)
            for of in (was[patient[at_risk]] == j for j in range(n_states))
        ])  # fmt: skip
        share /= share.sum(axis=0)
        terms[g][:, later] = (own == np.arange(n_states)[:, None]) - share
        cov[g] = np.diag(share.sum(axis=1)) - share @ share.T
    return Comparisons(terms, cov)


def _at_risk(begins: np.ndarray, ends: np.ndarray, when: np.ndarray) -> np.ndarray:
    """How many of the stays (begin, end] are at risk at each time."""
    return (
        np.searchsorted(np.sort(begins), when) - np.searchsorted(np.sort(ends), when)
    ).astype(float)  # fmt: skip


def wild_bootstrap(
    c: Comparisons, *, largest: bool, n_bootstrap: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Statistic and p-value of each state, and last of all together: means, or the largest, over s."""
    inverse = np.array([np.linalg.pinv(v, rcond=SINGULAR, hermitian=True) for v in c.cov])
    observed = _over_times(c, c.terms.sum(axis=2), inverse, largest)
    n_moves = c.terms.shape[2]
    flat = c.terms.reshape(-1, n_moves)
    reached = np.zeros(len(observed))
    left = n_bootstrap
    while left > 0:
        size = min(left, max(1, BATCH // max(n_moves, flat.shape[0], 1)))
        multiplier = rng.poisson(1.0, (size, n_moves)) - 1.0
        u = (multiplier @ flat.T).reshape(size, *c.terms.shape[:2])
        reached += (_over_times(c, u, inverse, largest) >= observed * (1 - 1e-12)).sum(axis=0)
        left -= size
    p = (1 + reached) / (1 + n_bootstrap)
    return observed, np.where(np.isfinite(observed), p, np.nan)


def _over_times(c: Comparisons, u: np.ndarray, inverse: np.ndarray, largest: bool) -> np.ndarray:
    """One number for each state and for all together, from those at every s."""
    single, joint = c.statistics(u, inverse)
    some = np.isfinite(single)
    if largest:
        per_state, total = np.where(some, single, -np.inf).max(axis=-2), joint.max(axis=-1)
    else:
        count = some.sum(axis=-2)
        per_state = np.where(some, single, 0.0).sum(axis=-2) / np.maximum(count, 1)
        compared = (np.einsum("sjj->s", c.cov) > SINGULAR).sum()
        total = joint.sum(axis=-1) / max(compared, 1)
    per_state = np.where(some.any(axis=-2), per_state, np.nan)
    return np.concatenate([per_state, total[..., None]], axis=-1)
