"""Cumulative incidence predicted by Fine and Gray's model, with the variance that estimation gives it.

For a row with standardised covariates x and r = exp(x'b): F(t) = 1 - exp(-r A(t)), A being the cumulative
subdistribution hazard at x = 0. A row that ends at T moves A(t) by

    jump at T <= t, if it has the event  -  its own exp(x'b) times (Q(min(t, T)) + after a competing event
    (R(t) - R(T)) / G(T-))  +  the integral up to t of E(u) (R(t) - R(u-)) dMc(u) / n_risk(u),

with Q the sum of w / S0^2, R that of G(t-) w / S0^2, and E(u) the sum of r / G(T-) over the tails that began
before u. In t this is a sum of few functions common to all rows (1, Q, R, and for those still there the last
integral), times what is fixed once the row has ended. So sums of squares over rows, or clusters, are running
sums of products of a few numbers: linear in rows, at all times at once.

Reference: Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .fine_gray import Piece, SubdistributionLikelihood
from .fine_gray_influence import CensoredRows, of_martingale


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What each sorted row does to the coefficients, times its spread: a weight, or its root for patients.

    `owner` is the cluster of each row, None where rows are clusters of their own; `counts_censoring` is
    whether the estimation of the weights has its part in it.
    """

    coef: np.ndarray
    spread: np.ndarray
    owner: np.ndarray | None
    counts_censoring: bool

    def by_owner(self, values: np.ndarray) -> np.ndarray:
        """Rows of values added up over clusters."""
        if self.owner is None:
            return values
        return np.stack([np.bincount(self.owner, column) for column in values.T], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The baseline of one stratum just after its slots, the first of which is before everything.

    `hazard` is A, `mean` the sum of mean covariates times its jumps, `square` the sum over clusters of
    squared influence on A, and `cross` that of its products with the influence on the coefficients.
    """

    time: np.ndarray
    hazard: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    cross: np.ndarray

    def hazards(
        self, x: np.ndarray, eta: np.ndarray, times: np.ndarray, cov: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """R A(t) and its standard error: rows x times, of standardised covariates x."""
        place = np.searchsorted(self.time, times, side="right") - 1
        found = np.zeros((2, len(x), len(times)))
        for k, m in enumerate(place):
            slope = x * self.hazard[m] - self.mean[m]
            variance = (
                self.square[m] + 2 * slope @ self.cross[m] + np.einsum("ij,jk,ik->i", slope, cov, slope)
            )
            risk = np.exp(eta)
            found[:, :, k] = risk * self.hazard[m], risk * np.sqrt(np.maximum(variance, 0.0))
        return found[0], found[1]


def baselines(
    likelihood: SubdistributionLikelihood, coef: np.ndarray, rows: CensoredRows, influence: Influence
) -> list[Baseline]:
    """The baseline of each stratum, of effects that do not change with time."""
    (piece,) = likelihood.pieces(coef)
    model = likelihood.rows
    hazard = model.running(piece.turns.hazard)
    mean = model.running(piece.partial.weighted_means(piece.sums, piece.turns))
    first = np.flatnonzero(model.begins)
    found = []
    for begin, end in zip(first, np.append(first[1:], len(model.begins)), strict=True):
        square, cross = _moments(piece, rows, influence, slice(begin, end))
        part = slice(begin, end)
        found.append(Baseline(model.slot_time[part], hazard[part], mean[part], square, cross))
    return found


def _moments(
    piece: Piece, rows: CensoredRows, influence: Influence, part: slice
) -> tuple[np.ndarray, np.ndarray]:
    """Sums over clusters of the squared influence on A after each slot, and of products with the others."""
    table = _common(piece, rows, part, influence.counts_censoring)
    fixed = _fixed(piece, rows, part, table, influence.counts_censoring)
    coef = influence.by_owner(influence.coef)
    n_owner, owner = len(coef), influence.owner
    order = np.argsort(fixed.last, kind="stable")

    def summed(
        keep: np.ndarray, groups: slice, group: np.ndarray, of: np.ndarray, by: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        sums: tuple[np.ndarray, np.ndarray] = moments(
            fixed.last[keep], group[keep], of[keep], influence.spread[keep], fixed.risk[keep],
            fixed.alpha[keep], fixed.kappa[keep], by, table.q, table.r[groups], table.alive[groups],
        )  # fmt: skip
        return sums

    if owner is not None:
        return summed(order, slice(None), rows.group, owner, coef)
    square, cross = np.zeros(len(table.q)), np.zeros((len(table.q), coef.shape[1]))
    place, none = np.empty(n_owner, dtype=np.int64), np.zeros(n_owner, dtype=np.int64)
    for g in range(len(rows.groups)):  # rows of different groups have nothing in common
        keep = order[rows.group[order] == g]
        place[keep] = np.arange(len(keep))
        own, with_coef = summed(keep, slice(g, g + 1), none, place, coef[keep])
        square += own
        cross += with_coef
    return square, cross


@dataclass(frozen=True, slots=True, eq=False)
class _Common:
    """Functions of the time at the slots of a stratum: Q; R and the integral of who is still there, by group.

    `early` and `late` are, by group, E(u) and E(u) R(u-) at the times of censoring.
    """

    q: np.ndarray
    r: np.ndarray
    alive: np.ndarray
    early: list[np.ndarray]
    late: list[np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """What is fixed once a row has ended.

    Its last slot, exp(x'b) in its own stratum (0 in others), and the factors of 1 and of R.
    """

    last: np.ndarray
    risk: np.ndarray
    alpha: np.ndarray
    kappa: np.ndarray


def _common(piece: Piece, rows: CensoredRows, part: slice, counts: bool) -> _Common:
    tails, model = piece.tails, piece.partial.rows
    time, square = model.slot_time[part], piece.turns.square[part]
    r = np.cumsum(tails.left[:, part] * square, axis=1)
    alive, early, late = np.zeros_like(r), [], []
    for g, c in enumerate(rows.groups):
        own = (tails.group == g) & (tails.end == part.stop - 1)
        row = tails.row[own]
        total = np.append(0.0, np.cumsum(piece.sums.risk[row] * tails.inverse[own] * counts))
        e = total[np.searchsorted(rows.time[row], c.time, side="left")]
        before = r[g][np.searchsorted(time, c.time, side="left") - 1]
        early.append(e)
        late.append(e * before)
        nobody = np.zeros(len(time), dtype=bool)
        alive[g] = r[g] * of_martingale(c, e, time, nobody) - of_martingale(c, e * before, time, nobody)
    return _Common(np.cumsum(square), r, alive, early, late)


def _fixed(piece: Piece, rows: CensoredRows, part: slice, table: _Common, counts: bool) -> _Fixed:
    model, tails, turns = piece.partial.rows, piece.tails, piece.turns
    inside = (part.start <= model.leave) & (model.leave < part.stop)
    last = np.searchsorted(model.slot_time[part], rows.time, side="right") - 1
    risk = np.where(inside, np.exp(piece.eta), 0.0)
    each = turns.hazard / np.where(model.n_event > 0, model.event_weight, 1.0)
    jump = each[model.leave] + risk * turns.square_f[model.leave]
    alpha = np.where(inside & model.event, jump, 0.0) - risk * table.q[last]
    kappa = np.zeros(len(risk))
    of_tail = tails.end == part.stop - 1
    tail, group = tails.row[of_tail], tails.group[of_tail]
    stays = risk[tail] * tails.inverse[of_tail]
    alpha[tail] += stays * table.r[group, last[tail]]
    kappa[tail] -= stays
    for g, c in enumerate(rows.groups):
        own = rows.group == g
        kappa[own] += of_martingale(c, table.early[g], rows.time[own], rows.censored[own])
        alpha[own] -= of_martingale(c, table.late[g], rows.time[own], rows.censored[own])
    return _Fixed(last, risk, alpha, kappa)


@kernel
def moments(last, group, owner, spread, risk, alpha, kappa, coef, q, r, alive):  # type: ignore[no-untyped-def]
    """Sums over owners of c^2 and of c times their row of `coef`, after each slot; rows in order of `last`.

    c = f'v: f are 1, q and for each group r and alive, v what the owner's rows have of them. As rows end, v
    changes in four places, and with it the sums of v v' and of v times `coef`.
    """
    n_group, n_slot = r.shape
    d, p = 2 + 2 * n_group, coef.shape[1]
    v = np.zeros((len(coef), d))
    for i in range(len(last)):
        v[owner[i], 1] -= spread[i] * risk[i]
        v[owner[i], 3 + 2 * group[i]] += spread[i]
    both, mixed = v.T @ v, v.T @ coef
    square, cross = np.zeros(n_slot), np.zeros((n_slot, p))
    f, place, change = np.ones(d), np.zeros(4, dtype=np.int64), np.zeros(4)
    place[1] = 1
    i = 0
    for m in range(n_slot):
        while i < len(last) and last[i] == m:
            own, s = owner[i], spread[i]
            place[2], place[3] = 2 + 2 * group[i], 3 + 2 * group[i]
            change[0], change[1], change[2], change[3] = s * alpha[i], s * risk[i], s * kappa[i], -s
            for a in range(4):
                at = place[a]
                for b in range(d):
                    both[at, b] += change[a] * v[own, b]
                    both[b, at] += change[a] * v[own, b]
                for b in range(4):
                    both[at, place[b]] += change[a] * change[b]
                for b in range(p):
                    mixed[at, b] += change[a] * coef[own, b]
            for a in range(4):
                v[own, place[a]] += change[a]
            i += 1
        f[1] = q[m]
        for g in range(n_group):
            f[2 + 2 * g], f[3 + 2 * g] = r[g, m], alive[g, m]
        square[m] = f @ (both @ f)
        cross[m] = f @ mixed
    return square, cross
