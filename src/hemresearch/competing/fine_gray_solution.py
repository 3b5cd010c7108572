"""Coefficients, covariance and likelihoods of Fine and Gray's model, on the scale of its covariates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..model_design import refuse_dependent
from ..numerics.censoring_weights import censoring
from ..numerics.cox_extremes import flat_directions
from ..numerics.fine_gray import Segment, SubdistributionLikelihood, Tails
from ..numerics.fine_gray_incidence import Influence
from ..numerics.fine_gray_influence import CensoredRows, censoring_parts, score_parts
from ..numerics.newton import Maximum, maximize
from ..regression.cox_solution import check_clusters, rows_of
from ..regression.degenerate import examine, variance_without_end
from ..regression.time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..columns import Groups
    from ..design import Design
    from ..numerics.cox_rows import CoxRows
    from ..outcomes import Survival

RATIO = "subdistribution hazard ratio"


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """The observations of a model: `y` with the cause as its event, and who had another event instead.

    `groups` have distributions of censoring of their own.
    """

    y: Survival
    competing: np.ndarray
    groups: Groups


@dataclass(frozen=True, slots=True, eq=False)
class Subdistribution:
    """The likelihood of standardised covariates, its censoring, and what a coefficient's unit is of it."""

    likelihood: SubdistributionLikelihood
    censored: CensoredRows
    scale: np.ndarray

    @property
    def rows(self) -> CoxRows:
        """The sorted rows."""
        return self.likelihood.rows


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What the maximisation gave; `cov_model` is the inverse information."""

    coef: np.ndarray
    cov: np.ndarray
    cov_model: np.ndarray
    log_likelihood: float
    log_likelihood_null: float


def subdistribution(risk: Risk, design: Design, ties: str) -> Subdistribution:
    """The model of checked observations."""
    y, base = risk.y, design.base if isinstance(design, TimeVaryingDesign) else design
    rows = rows_of(y, base.matrix)
    time, group = y.time[rows.order], risk.groups.code[rows.order]
    other = risk.competing[rows.order]
    groups = []
    for code in range(len(risk.groups)):
        own = risk.groups.code == code
        weight = None if y.weight is None else y.weight[own]
        groups.append(
            censoring(y.time[own], (y.event | risk.competing)[own], weight, events_first=ties == "efron")
        )
    censored = ~(rows.event | other)
    share = _own_events(rows, group, len(groups)) if len(groups) > 1 else None
    model = CensoredRows(time, censored, group, tuple(groups), share)
    segments, scale = _segments(rows, design)
    tails = _tails(rows, np.flatnonzero(other), model)
    return Subdistribution(SubdistributionLikelihood(rows, tails, ties == "efron", segments), model, scale)


def _tails(rows: CoxRows, row: np.ndarray, model: CensoredRows) -> Tails:
    first = np.flatnonzero(rows.begins)
    ends = np.append(first[1:], len(rows.begins)) - 1
    group = model.group[row]
    before = np.ones(len(row))
    for code, of_group in enumerate(model.groups):
        before[group == code] = of_group.before(model.time[row[group == code]])
    end = ends[np.searchsorted(first, rows.leave[row], side="right") - 1]
    left = np.array([of_group.before(rows.slot_time) for of_group in model.groups])
    return Tails(row, group, 1 / before, end, left)


def _own_events(rows: CoxRows, group: np.ndarray, n_group: int) -> np.ndarray:
    """The share of each slot's events that happened in each group."""
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight
    happened = rows.event[:, None] & (group[:, None] == np.arange(n_group))
    total = np.array([np.bincount(rows.leave, weight * own, len(rows.begins)) for own in happened.T])
    return total / np.where(rows.event_weight > 0, rows.event_weight, 1.0)


def _segments(rows: CoxRows, design: Design) -> tuple[tuple[Segment, ...], np.ndarray]:
    """Slots of the same effects, and the units of the coefficients."""
    n_slots, q = len(rows.begins), rows.x.shape[1]
    if not isinstance(design, TimeVaryingDesign):
        return (Segment(0, n_slots, np.eye(q)),), rows.scale
    at = np.flatnonzero(rows.n_event > 0)
    smooth = any(effect.function is not None for effect in design.effects)
    period = np.arange(len(at)) if smooth else np.searchsorted(design.cuts, rows.slot_time[at])
    period += (len(design.cuts) + 1) * rows.slot_stratum[at]  # those of another stratum are other slots
    begin = np.flatnonzero(np.append(True, period[1:] != period[:-1]))
    first = at[begin]
    stop = np.append(first[1:], n_slots)
    time = rows.slot_time[first]
    loads = design.episodes(
        np.tile(np.eye(q), (len(first), 1)), np.repeat(np.nextafter(time, -np.inf), q), np.repeat(time, q)
    ).reshape(len(first), q, -1)
    n_event = np.add.reduceat(rows.n_event[at], begin)
    size = np.sqrt(np.einsum("sqp,s->p", loads**2, n_event) / n_event.sum())
    covariate = np.abs(loads).sum(axis=0).argmax(axis=0)
    scaled = loads / size
    segments = tuple(Segment(int(a), int(b), load) for a, b, load in zip(first, stop, scaled, strict=True))
    return segments, rows.scale[covariate] / size


def solve(risk: Risk, design: Design, ties: str) -> Solution:
    """Maximise, look for directions without a maximum, and form the variance."""
    model = subdistribution(risk, design, ties)
    rows, likelihood = model.rows, model.likelihood
    names = design.base.columns if isinstance(design, TimeVaryingDesign) else design.columns
    refuse_dependent(rows.x, names)
    none = np.zeros(len(design.columns))
    null = likelihood(none)[0]
    if not len(none):
        return Solution(none, np.zeros((0, 0)), np.zeros((0, 0)), null, null)
    found = maximize(likelihood, none)
    information = _examined(model, found, design)
    cov_model = np.linalg.inv(information)
    moved = influence(risk, model, found.parameters, cov_model, ties)
    by_owner = moved.by_owner(moved.coef)
    if moved.owner is not None:
        check_clusters(risk.y, len(by_owner), len(none), without="cluster=None")
    to_units = np.outer(model.scale, model.scale)
    return Solution(
        found.parameters * model.scale,
        (by_owner.T @ by_owner + variance_without_end(found.information, information)) * to_units,
        cov_model * to_units,
        found.value,
        null,
    )


def influence(
    risk: Risk, model: Subdistribution, coef: np.ndarray, cov_model: np.ndarray, ties: str
) -> Influence:
    """The influence of the sorted rows on the coefficients; `cov_model` inverts the information.

    Whole weights without clusters are numbers of patients, whose squares add up one by one.
    """
    part = score_parts(model.likelihood, coef)
    counts = ties != "efron"
    if counts:
        part += censoring_parts(model.likelihood, coef, model.censored)
    spread = spread_of(risk.y, model.rows)
    owner = None if risk.y.cluster is None else np.unique(risk.y.cluster, return_inverse=True)[1]
    return Influence(
        spread[:, None] * (part @ cov_model),
        spread,
        None if owner is None else owner[model.rows.order],
        counts,
    )


def spread_of(y: Survival, rows: CoxRows) -> np.ndarray:
    """What the influence of each sorted row counts in a sum of squares."""
    if rows.weight is None:
        return np.ones(len(rows))
    return rows.weight if y.uses_robust_variance(None) else np.sqrt(rows.weight)


def _examined(model: Subdistribution, found: Maximum, design: Design) -> np.ndarray:
    """The information, once it is clear that the likelihood has a maximum."""
    rows, tails = model.rows, model.likelihood.tails
    leave = rows.leave.copy()
    leave[tails.row] = tails.end  # at risk for ever after a competing event
    for_ever = replace(rows, leave=leave)
    if not isinstance(design, TimeVaryingDesign):
        return examine(for_ever, model.likelihood, found, design.columns, RATIO)
    flat = flat_directions(for_ever, found.information)
    if found.converged and not flat:
        return found.information
    direction = flat[0] if flat else found.parameters  # one that runs off
    raise DataError(
        f"leaves hardly any information on {design.columns[int(np.abs(direction).argmax())]!r}",
        argument="time_varying",
        expected="events on both sides of every contrast, in every period",
        remedy="time_varying=None, or fewer steps",
    )
