"""Cumulative incidence predicted by Fine and Gray's model where effects change with time.

A row with covariates x has the cumulative subdistribution hazard sum of f(t) h(t) over event times, h being
the baseline's jump and f = exp(x'b(t)). Its influence is that of `fine_gray_incidence` with all jumps times
f, which differ from row to row: this takes rows x times for each prediction.
"""

from __future__ import annotations

import numpy as np

from .fine_gray import Piece, SubdistributionLikelihood
from .fine_gray_incidence import Influence
from .fine_gray_influence import CensoredRows, of_martingale


def varying_hazard(
    likelihood: SubdistributionLikelihood,
    coef: np.ndarray,
    rows: CensoredRows,
    influence: Influence,
    x: np.ndarray,
    offset: float,
    stratum: int,
    times: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative hazard at the times, and its standard error, of standardised covariates x."""
    model = likelihood.rows
    seen = (model.slot_stratum == stratum)[:, None] & (model.slot_time[:, None] <= times)
    hazard, slope = np.zeros(len(times)), np.zeros((len(times), len(coef)))
    moved = np.zeros((len(model), len(times)))
    by_weights = [np.zeros((len(c.time), len(times))) for c in rows.groups]
    for piece in likelihood.pieces(coef):
        factor = float(np.exp(x @ (piece.loads @ coef) - offset)) * seen
        grown = piece.turns.hazard @ factor
        mean = factor.T @ piece.partial.weighted_means(piece.sums, piece.turns)
        hazard += grown
        slope += (np.outer(grown, x) - mean) @ piece.loads
        moved += _own_part(piece, factor)
        for g, of_group in enumerate(rows.groups):
            by_weights[g] += _tail_part(piece, rows, g, of_group.time, factor)
    if influence.counts_censoring:
        for g, of_group in enumerate(rows.groups):
            own = rows.group == g
            moved[own] += of_martingale(of_group, by_weights[g], rows.time[own], rows.censored[own])
    total = (
        influence.by_owner(influence.spread[:, None] * moved) + influence.by_owner(influence.coef) @ slope.T
    )
    return hazard, np.sqrt((total**2).sum(axis=0))


def _own_part(piece: Piece, factor: np.ndarray) -> np.ndarray:
    """What rows add to the hazard by their events less by having been at risk for others."""
    rows, turns, tails = piece.partial.rows, piece.turns, piece.tails
    square = turns.square[:, None] * factor
    lived = rows.over_life(rows.running(square))
    lived[tails.row] += tails.life(rows, square)
    risk = np.exp(piece.eta)
    part = -risk[:, None] * lived
    at = rows.leave[piece.events]
    jump = turns.hazard[at] / rows.event_weight[at] + risk[piece.events] * turns.square_f[at]
    part[piece.events] += jump[:, None] * factor[at]
    return part


def _tail_part(
    piece: Piece, rows: CensoredRows, group: int, times: np.ndarray, factor: np.ndarray
) -> np.ndarray:
    """E(u) times what R grows by from u on, at times u of censoring, of the tails of all strata."""
    tails, model = piece.tails, piece.partial.rows
    grown = (tails.left[group] * piece.turns.square)[:, None] * factor
    found = np.zeros((len(times), factor.shape[1]))
    first = np.flatnonzero(model.begins)
    for begin, end in zip(first, np.append(first[1:], len(model.begins)), strict=True):
        own = (tails.group == group) & (tails.end == end - 1)
        row = tails.row[own]
        early = np.append(0.0, np.cumsum(piece.sums.risk[row] * tails.inverse[own]))
        total = np.concatenate([np.zeros((1, factor.shape[1])), np.cumsum(grown[begin:end], axis=0)])
        late = np.searchsorted(model.slot_time[begin:end], times, side="left")
        e = early[np.searchsorted(rows.time[row], times, side="left")]
        found += e[:, None] * (total[-1] - total[late])
    return found
