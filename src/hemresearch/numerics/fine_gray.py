"""The likelihood of Fine and Gray's model of the subdistribution hazard of one cause.

Who had a competing event at T stays in the risk set of every later time t, with the weight G(t-) / G(T-), the
chance not to have been censored in between. With r = weight * exp(x'b) the sums over the risk set are

    S(t) = sum over T >= t of r x  +  G(t-) * sum over competing T < t of r x / G(T-),

two running sums, one going back in time and one going forward, so that a step of Newton's method costs as
much as one of Cox's model. What follows the sums (turns of tied events, score, information) is `cox_partial`.

Effects that change with time: a slot m has the coefficients A(m) b of the covariates, and its score and
information come as A'(score) and A'(information) A. Slots of one A are a segment.

References: Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509. Kawaguchi ES, Shen JI, Suchard MA, Li G. J
Comput Graph Stat 2021;30:1-12 (the scan). Geskus RB. Biometrics 2011;67:39-49 (the weights).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .compiled import kernel
from .cox_partial import LARGEST, PartialLikelihood, RiskSums, Turns, cross_product
from .cox_rows import CoxRows


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """Those who stay in the risk set after a competing event, in the order of the sorted rows.

    `row` are their positions there, `group` their groups of censoring, `inverse` 1 / G(T-), `end` the last
    slot of their stratum; `left` is G(t-) of each group at each slot.
    """

    row: np.ndarray
    group: np.ndarray
    inverse: np.ndarray
    end: np.ndarray
    left: np.ndarray

    def life(self, rows: CoxRows, values: np.ndarray) -> np.ndarray:
        """What slot values, times the weight, add up to over each tail."""
        found = np.zeros((len(self.row), *values.shape[1:]))
        for g, left in enumerate(self.left):
            own = self.group == g
            total = rows.running((values.T * left).T)
            grown = total[self.end[own]] - total[rows.leave[self.row[own]]]
            found[own] = (grown.T * self.inverse[own]).T
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Slots with the same effects: from `first` to before `stop`, with coefficients `loads` @ b."""

    first: int
    stop: int
    loads: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The model at given coefficients over the slots of one segment; the other slots have no events."""

    partial: PartialLikelihood
    tails: Tails
    loads: np.ndarray
    events: np.ndarray
    eta: np.ndarray
    sums: RiskSums
    turns: Turns

    def log_terms(self) -> float:
        """The sum over turns of w log S0_k."""
        event0 = np.zeros(len(self.sums.s0))
        event0[self.partial.tied] = self.sums.event0
        rows = self.partial.rows
        total: float = log_over_turns(
            self.sums.s0, event0, rows.n_event, rows.event_weight, self.partial.efron
        )
        return total

    def hazard_lived(self) -> np.ndarray:
        """The hazard that each sorted row lived through, weighted after a competing event."""
        rows, turns = self.partial.rows, self.turns
        lived = rows.over_life(rows.running(turns.hazard))
        lived[self.partial.tied_rows] -= turns.hazard_f[rows.leave[self.partial.tied_rows]]
        lived[self.tails.row] += self.tails.life(rows, turns.hazard)
        return lived

    def information(self) -> np.ndarray:
        """The information on the coefficients of the covariates."""
        s, t, tied = self.sums, self.turns, self.partial.tied
        at = np.flatnonzero(self.partial.rows.n_event > 0)
        square = cross_product(s.s1[at], t.square[at])
        mixed = (s.s1[tied] * t.square_f[tied, None]).T @ s.event1
        square += cross_product(s.event1, t.square_ff[tied]) - mixed - mixed.T
        return cross_product(self.partial.rows.x, self.hazard_lived() * s.risk) - square

    def score(self) -> np.ndarray:
        """The score of the coefficients of the covariates."""
        rows = self.partial.rows
        x = rows.x[self.events]
        own = x.sum(axis=0) if rows.weight is None else rows.weight[self.events] @ x
        t, tied = self.turns, self.partial.tied
        total: np.ndarray = own - (t.hazard @ self.sums.s1 - t.hazard_f[tied] @ self.sums.event1)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class SubdistributionLikelihood:
    """The likelihood of sorted rows, some of which have tails; called with coefficients of `rows.x`."""

    rows: CoxRows
    tails: Tails
    efron: bool
    segments: tuple[Segment, ...]

    def __call__(self, coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, score and information; an overflow has the value minus infinity."""
        p = len(coef)
        value, score, information = 0.0, np.zeros(p), np.zeros((p, p))
        for piece in self.pieces(coef):
            if len(piece.eta) and not np.abs(piece.eta).max() < LARGEST:
                return -np.inf, np.full(p, np.nan), np.full((p, p), np.nan)
            value += self._event_sum(piece) - piece.log_terms()
            score += piece.loads.T @ piece.score()
            information += piece.loads.T @ piece.information() @ piece.loads
        return value, score, information

    def pieces(self, coef: np.ndarray) -> Iterator[Piece]:
        """The model at some coefficients, segment by segment."""
        for segment in self.segments:
            yield self._piece(segment, coef)

    def _piece(self, segment: Segment, coef: np.ndarray) -> Piece:
        rows = self.rows
        if len(self.segments) > 1:
            slot = np.arange(len(rows.n_event))
            inside = (segment.first <= slot) & (slot < segment.stop)
            rows = replace(rows, n_event=rows.n_event * inside, event_weight=rows.event_weight * inside)
        partial = PartialLikelihood(rows, self.efron)
        eta = partial.linear_predictor(segment.loads @ coef)
        with np.errstate(over="ignore"):
            sums = partial.sums(eta)
            t = self.tails
            add_tails(
                rows.x,
                sums.risk,
                t.row,
                t.group,
                t.inverse,
                rows.leave,
                rows.begins,
                t.left,
                sums.s0,
                sums.s1,
            )
            turns = partial.turns(sums)
        events = np.flatnonzero(rows.event & (rows.n_event[rows.leave] > 0))
        return Piece(partial, self.tails, segment.loads, events, eta, sums, turns)

    def _event_sum(self, piece: Piece) -> float:
        own, weight = piece.eta[piece.events], self.rows.weight
        return float(own.sum() if weight is None else weight[piece.events] @ own)


@kernel
def add_tails(x, risk, row, group, inverse, leave, begins, left, s0, s1):  # type: ignore[no-untyped-def]
    """Add to the sums of every slot those who had a competing event before it, in place."""
    p = x.shape[1]
    total = np.zeros((left.shape[0], p + 1))
    j = 0
    for m in range(len(begins)):
        while j < len(row) and leave[row[j]] < m:
            share = risk[row[j]] * inverse[j]
            own = total[group[j]]
            own[p] += share
            for c in range(p):
                own[c] += share * x[row[j], c]
            j += 1
        if begins[m]:
            total[:] = 0.0
            continue
        for g in range(left.shape[0]):
            s0[m] += left[g, m] * total[g, p]
            for c in range(p):
                s1[m, c] += left[g, m] * total[g, c]


@kernel
def log_over_turns(s0, event0, n_event, event_weight, efron):  # type: ignore[no-untyped-def]
    """The sum over the turns of all slots of w log(S0 - k E0 / d)."""
    total = 0.0
    for m in range(len(s0)):
        turns = n_event[m] if efron else min(n_event[m], 1)
        for k in range(turns):
            total += event_weight[m] / turns * np.log(s0[m] - k / turns * event0[m])
    return total
