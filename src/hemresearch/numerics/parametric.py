"""Likelihoods of parametric survival models, for observations that are exact or censored in any way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, pairwise

import numpy as np

from .distributions import Distribution, Terms
from .newton import Likelihood, Maximum, maximize

RIGHT, EXACT, LEFT, INTERVAL = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """What is known of each row's time T.

    `kind`: T > low (right-censored), T = low (exact), T <= high (left-censored) or low < T <= high. Given
    T > `entry`, where that is not 0. `low` is 1 where it means nothing, and so is `high`.
    """

    low: np.ndarray
    high: np.ndarray
    kind: np.ndarray
    entry: np.ndarray | None
    weight: np.ndarray

    @property
    def n_event(self) -> float:
        """The weight of the rows whose time has an upper bound."""
        return float(self.weight[self.kind != RIGHT].sum())

    def scaled(self, unit: float) -> Observations:
        """The same in another unit of time."""
        entry = None if self.entry is None else self.entry / unit
        return replace(self, low=self.low / unit, high=self.high / unit, entry=entry)


def contributions(d: Distribution, rows: Observations, local: np.ndarray) -> Terms:
    """Each row's log-likelihood (unweighted), its gradient and Hessian in the row's local parameters."""
    k, n = local.shape
    out = np.zeros(n), np.zeros((k, n)), np.zeros((k, k, n))
    exact, right, left, between = (
        np.flatnonzero(rows.kind == kind) for kind in (EXACT, RIGHT, LEFT, INTERVAL)
    )
    _put(out, exact, d.log_density(rows.low[exact], local[:, exact]))
    _put(out, right, d.log_survival(rows.low[right], local[:, right]))
    if len(left):
        upper = d.log_survival(rows.high[left], local[:, left])
        _put(out, left, _difference((0 * upper[0], 0 * upper[1], 0 * upper[2]), upper))
    if len(between):
        lower, upper = (d.log_survival(end[between], local[:, between]) for end in (rows.low, rows.high))
        _put(out, between, _difference(lower, upper))
    if rows.entry is not None:
        late = np.flatnonzero(rows.entry > 0)
        for total, part in zip(out, d.log_survival(rows.entry[late], local[:, late]), strict=True):
            total[..., late] -= part
    return out


def likelihood(
    d: Distribution, rows: Observations, designs: tuple[np.ndarray, ...], offset: np.ndarray
) -> Likelihood:
    """Log-likelihood, score and observed information of all coefficients.

    `designs` has one matrix for each local parameter: the parameter is the matrix times its coefficients, and
    `offset` is added to the first.
    """
    ends = np.cumsum([0, *(z.shape[1] for z in designs)])
    places = [slice(a, b) for a, b in pairwise(ends)]

    def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, hessian = contributions(d, rows, local_parameters(theta, designs, offset))
        w = rows.weight
        score = np.concatenate([z.T @ (w * g) for z, g in zip(designs, gradient, strict=True)])
        information = np.zeros((len(theta), len(theta)))
        for i, j in combinations_with_replacement(range(len(designs)), 2):
            block = -(designs[i].T @ ((w * hessian[i, j])[:, None] * designs[j]))
            information[places[i], places[j]] = block
            information[places[j], places[i]] = block.T
        defined = bool(np.isfinite(information).all() and np.isfinite(score).all())
        return float(w @ value) if defined else -np.inf, score, information

    return evaluate


def row_scores(
    d: Distribution,
    rows: Observations,
    designs: tuple[np.ndarray, ...],
    offset: np.ndarray,
    theta: np.ndarray,
) -> np.ndarray:
    """The gradient of each row's (unweighted) log-likelihood in all coefficients."""
    gradient = contributions(d, rows, local_parameters(theta, designs, offset))[1]
    return np.concatenate([z * g[:, None] for z, g in zip(designs, gradient, strict=True)], axis=1)


def local_parameters(theta: np.ndarray, designs: tuple[np.ndarray, ...], offset: np.ndarray) -> np.ndarray:
    """The local parameters of each row: one row of the result per parameter."""
    ends = np.cumsum([z.shape[1] for z in designs])
    local = np.stack([z @ part for z, part in zip(designs, np.split(theta, ends[:-1]), strict=True)])
    local[0] += offset
    return local


def maximum_likelihood(
    d: Distribution,
    rows: Observations,
    designs: tuple[np.ndarray, ...],
    offset: np.ndarray,
    relatives: tuple[Distribution, ...] = (),
) -> tuple[Maximum, Maximum]:
    """The model, and the one with an intercept alone (the first column of the first design).

    The second begins at the exponential distribution and the first at the second. A distribution with a
    shape that has `relatives` at shapes 0, 1, ... begins at the best of them.
    """
    if relatives:
        fits = [maximum_likelihood(r, rows, designs[:2], offset) for r in relatives]
        starts = [max(range(len(fits)), key=lambda shape, m=m: fits[shape][m].value) for m in range(2)]  # type: ignore[misc]
        begin = [np.append(fits[shape][m].parameters, float(shape)) for m, shape in enumerate(starts)]
    single = (designs[0][:, :1], *designs[1:])
    first = begin[1] if relatives else _exponential(d, rows, single, offset)
    null = _maximum(likelihood(d, rows, single, offset), first)
    if designs[0].shape[1] == 1:
        return null, null
    flat = np.insert(null.parameters, 1, np.zeros(designs[0].shape[1] - 1))
    return _maximum(likelihood(d, rows, designs, offset), begin[0] if relatives else flat), null


def _maximum(evaluate: Likelihood, start: np.ndarray) -> Maximum:
    """The maximum, with score and information of where it ended rather than of the last step but one."""
    found = maximize(evaluate, start)
    value, score, information = evaluate(found.parameters)
    return replace(found, value=value, score=score, information=information)


def saturated(d: Distribution, rows: Observations, local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row the linear predictor that suits it best, and its log-likelihood there.

    Without a limit for one-sided censoring: there the log-likelihood is 0 and the predictor that of an event
    at the bound.
    """
    bound = np.where(rows.kind == LEFT, rows.high, rows.low)
    middle = np.where(rows.kind == INTERVAL, np.sqrt(rows.low * rows.high), bound)
    at = local.copy()
    at[0] = _mode(d, middle, local)
    own = rows.kind == INTERVAL
    for _ in range(50 if own.any() else 0):
        _, gradient, hessian = contributions(d, rows, at)
        step = np.where(own, gradient[0] / np.maximum(-hessian[0, 0], 1e-300), 0.0)
        at[0] += np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-12:
            break
    best = contributions(d, rows, at)[0]
    return at[0], np.where((rows.kind == RIGHT) | (rows.kind == LEFT), 0.0, best)


def _mode(d: Distribution, time: np.ndarray, local: np.ndarray) -> np.ndarray:
    """The linear predictor at which the density of an event at `time` is largest: w = 0, or H = 1."""
    if d.in_log_time:
        return np.log(time)
    unit = local.copy()
    unit[0] = 0.0
    return -np.log(-d.log_survival(time, unit)[0])


def _exponential(
    d: Distribution, rows: Observations, designs: tuple[np.ndarray, ...], offset: np.ndarray
) -> np.ndarray:
    """Start values: the exponential rate (events over time observed), scale 1 and shape 0."""
    time = np.where(rows.kind == LEFT, rows.high / 2, rows.low)
    time = np.where(rows.kind == INTERVAL, (rows.low + rows.high) / 2, time)
    if rows.entry is not None:
        time = time - rows.entry
    sign = 1.0 if d.in_log_time else -1.0
    start = np.zeros(sum(z.shape[1] for z in designs))
    centred = time * np.exp(-sign * (offset - offset.mean()))
    start[0] = sign * np.log(rows.weight @ centred / rows.n_event) - offset.mean()
    return start


def _difference(low: Terms, high: Terms) -> Terms:
    """log(S(low) - S(high)) from the two log survivals, whose difference may be small."""
    fall = -np.expm1(high[0] - low[0])  # 1 - S(high)/S(low)
    a, b = 1 / fall, 1 / fall - 1
    gradient = a * low[1] - b * high[1]
    outer = gradient[:, None] * gradient[None, :]
    hessian = (
        a * (low[2] + low[1][:, None] * low[1][None, :])
        - b * (high[2] + high[1][:, None] * high[1][None, :])
        - outer
    )
    return low[0] + np.log(fall), gradient, hessian


def _put(out: Terms, rows: np.ndarray, terms: Terms) -> None:
    """Write terms of some rows among those of all."""
    for total, part in zip(out, terms, strict=True):
        total[..., rows] = part
