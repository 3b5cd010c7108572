"""The influence of rows on the coefficients of Fine and Gray's model.

A row moves the score by its own part, the integral of w(t) (x - mean(t)) dM(t), M being its martingale and w
its weight, and by what it says of censoring. The weights G(t-) / G(T-) of all tails change with each
censoring time u in [T, t); with dMc / n_risk the row's change of the hazard of censoring, this part is the
integral of

    q(u) dMc(u) / n_risk(u),  q(u) = sum over competing T < u of the integral from u of (x - mean(t)) w(t)
    dH(t),

where H is the row's own cumulative hazard. Both factors of q are running sums.

References: Fine JP, Gray RJ. J Am Stat Assoc 1999;94:496-509, section 4. Zhou B, Fine J, Latouche A, Labopin
M. Biostatistics 2012;13:371-383 (clusters).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .censoring_weights import Censoring
from .cox_partial import Turns
from .fine_gray import Piece, SubdistributionLikelihood


@dataclass(frozen=True, slots=True, eq=False)
class CensoredRows:
    """When the sorted rows end, which of them censored, their groups of censoring, and these groups' G.

    `share` is the part of each slot's events that happened in each group, where q of a group is to count
    those alone, as cmprsk's crr does; None to count all.
    """

    time: np.ndarray
    censored: np.ndarray
    group: np.ndarray
    groups: tuple[Censoring, ...]
    share: np.ndarray | None = None


def score_parts(
    likelihood: SubdistributionLikelihood, coef: np.ndarray, factor: np.ndarray | None = None
) -> np.ndarray:
    """Each sorted row's own part of the score (unweighted), of score times `factor` of its slot if given."""
    total = np.zeros((len(likelihood.rows), len(coef)))
    for piece in likelihood.pieces(coef):
        total += _own_part(piece, factor) @ piece.loads
    return total


def censoring_parts(
    likelihood: SubdistributionLikelihood,
    coef: np.ndarray,
    rows: CensoredRows,
    factor: np.ndarray | None = None,
) -> np.ndarray:
    """Each sorted row's part of the score by way of the weights."""
    moved = [np.zeros((len(c.time), len(coef))) for c in rows.groups]
    for piece in likelihood.pieces(coef):
        scaled = _scaled(piece, factor)
        for g, of_group in enumerate(rows.groups):
            moved[g] += tail_scores(scaled, rows, g, of_group.time) @ piece.loads
    total = np.zeros((len(likelihood.rows), len(coef)))
    for g, of_group in enumerate(rows.groups):
        own = rows.group == g
        total[own] = of_martingale(of_group, moved[g], rows.time[own], rows.censored[own])
    return total


def trend(
    likelihood: SubdistributionLikelihood, coef: np.ndarray, factor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The sums over events of factor(t) times the score, and times the information, they give."""
    p, weight = len(coef), likelihood.rows.weight
    score, information = np.zeros(p), np.zeros((p, p))
    for piece in likelihood.pieces(coef):
        size = factor[likelihood.rows.leave[piece.events]]
        size = size if weight is None else size * weight[piece.events]
        score += size @ schoenfeld(piece) @ piece.loads
        information += piece.loads.T @ _scaled(piece, factor).information() @ piece.loads
    return score, information


def of_martingale(c: Censoring, q: np.ndarray, time: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """The integral of q(u) dMc(u) / n_risk(u) of rows of one group of censoring."""
    jump = (q.T / c.n_risk).T
    drift = np.cumsum((jump.T * c.size / c.n_risk).T, axis=0)
    none = np.zeros((1, *q.shape[1:]))
    found: np.ndarray = -np.concatenate([none, drift])[np.searchsorted(c.time, time, side="right")]
    found[censored] += jump[np.searchsorted(c.time, time[censored])]
    return found


def tail_scores(piece: Piece, rows: CensoredRows, group: int, times: np.ndarray) -> np.ndarray:
    """Q at some times, of the tails of one group of censoring, added up over strata."""
    tails, model = piece.tails, piece.partial.rows
    left = tails.left[group] if rows.share is None else tails.left[group] * rows.share[group]
    hazard = left * piece.turns.hazard
    mean = left[:, None] * piece.partial.weighted_means(piece.sums, piece.turns)
    q = np.zeros((len(times), model.x.shape[1]))
    first = np.flatnonzero(model.begins)
    for begin, end in zip(first, np.append(first[1:], len(model.begins)), strict=True):
        own = (tails.group == group) & (tails.end == end - 1)
        row = tails.row[own]
        size = piece.sums.risk[row] * tails.inverse[own]
        early = np.searchsorted(rows.time[row], times, side="left")
        late = np.searchsorted(model.slot_time[begin:end], times, side="left")
        n_before, x_before = _up_to(size, early), _up_to(size[:, None] * model.x[row], early)
        h_after, m_after = _from(hazard[begin:end], late), _from(mean[begin:end], late)
        q += x_before * h_after[:, None] - n_before[:, None] * m_after
    return q


def _own_part(piece: Piece, factor: np.ndarray | None) -> np.ndarray:
    rows, scaled = piece.partial.rows, _scaled(piece, factor)
    hazard, mean = piece.partial.lived_through(scaled.sums, scaled.turns)
    weighted = piece.partial.weighted_means(scaled.sums, scaled.turns)
    hazard[piece.tails.row] += piece.tails.life(rows, scaled.turns.hazard)
    mean[piece.tails.row] += piece.tails.life(rows, weighted)
    part = hazard[:, None] * rows.x - mean
    part *= -np.exp(piece.eta)[:, None]
    residual = schoenfeld(piece)
    if factor is not None:
        residual *= factor[rows.leave[piece.events], None]
    part[piece.events] += residual
    return part


def _scaled(piece: Piece, factor: np.ndarray | None) -> Piece:
    """The piece with all that happens in a slot times a factor."""
    if factor is None:
        return piece
    t = piece.turns
    parts = (t.hazard, t.hazard_f, t.square, t.square_f, t.square_ff)
    return replace(piece, turns=Turns(*(part * factor for part in parts)))


def schoenfeld(piece: Piece) -> np.ndarray:
    """X - mean over the risk set, one row per event in the sorted order."""
    rows = piece.partial.rows
    at = rows.leave[piece.events]
    total = piece.partial.means(piece.sums, piece.turns)
    return rows.x[piece.events] - total[at] / rows.event_weight[at, None]


def _up_to(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The sum of the values before each place."""
    none = np.zeros((1, *values.shape[1:]))
    total: np.ndarray = np.concatenate([none, np.cumsum(values, axis=0)])[place]
    return total


def _from(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The sum of the values from each place on."""
    return _up_to(values[::-1], len(values) - place)
