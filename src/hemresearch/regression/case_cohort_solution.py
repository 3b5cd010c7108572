"""Estimates and variances of Cox's model from a case-cohort sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from ..numerics.cox_estimate import cox_estimate, score_residuals
from ..numerics.cox_maximum import maximize_partial
from .cox_solution import Solution, rows_of, solve

if TYPE_CHECKING:
    from ..design import Design
    from ..outcomes import Survival

NEGLIGIBLE = -100.0  # an offset that leaves a row without weight in the risk sets: exp(-100) is 4e-44


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Who was sampled how: rows of the subcohort, of patients with the event, and each row's patient."""

    inside: np.ndarray
    case: np.ndarray
    patient: np.ndarray
    cohort_size: int

    def count(self, rows: np.ndarray) -> int:
        """The number of patients in some rows."""
        return len(np.unique(self.patient[rows]))


def _prentice(y: Survival, design: Design, s: Sample) -> Solution:
    """A case outside the subcohort enters just before its event; the variance is Self and Prentice's."""
    begin = np.full(len(y), -np.inf) if y.entry is None else y.entry
    entry = np.where(s.inside, begin, np.nextafter(y.time, -np.inf))
    kept = s.inside | y.event
    point = _solved(replace(y, entry=entry).take(kept), design, design.matrix[kept])
    stacked, matrix, member = _stacked(y, design, s)
    rows = rows_of(stacked, matrix)
    found = maximize_partial(rows, efron=False)
    cov = np.linalg.inv(found.information) * np.outer(rows.scale, rows.scale)
    return _with_sampling(
        point, cov, _influence(stacked, matrix, found.parameters * rows.scale, cov, member), s
    )


def _self_prentice(y: Survival, design: Design, s: Sample) -> Solution:
    """The cases against the subcohort at risk."""
    stacked, matrix, member = _stacked(y, design, s)
    point = _solved(stacked, design, matrix)
    shift = NEGLIGIBLE * stacked.event.sum()  # no part of the pseudo-likelihood
    point = replace(
        point,
        log_likelihood=point.log_likelihood - shift,
        log_likelihood_null=point.log_likelihood_null - shift,
    )
    influence = _influence(stacked, matrix, point.coef, point.cov_model, member)
    return _with_sampling(point, point.cov_model, influence, s)


def _lin_ying(y: Survival, design: Design, s: Sample) -> Solution:
    """Those without the event stand for the others of the cohort without it."""
    n_case, n_others = s.count(s.case), s.count(~s.case)
    weight = (s.cohort_size - n_case) / n_others
    weighted = replace(y, offset=np.where(s.case, 0.0, np.log(weight)))
    point = _solved(weighted, design, design.matrix)
    member = np.where(s.case, -1, s.patient)
    influence = _influence(weighted, design.matrix, point.coef, point.cov_model, member)
    spread = influence - influence.mean(axis=0)
    return replace(point, cov=point.cov_model + (1 - 1 / weight) * spread.T @ spread)


METHODS: dict[str, tuple[str, Callable[[Survival, Design, Sample], Solution]]] = {
    "prentice": ("Prentice's", _prentice),
    "self-prentice": ("Self and Prentice's", _self_prentice),
    "lin-ying": ("Lin and Ying's", _lin_ying),
}


def _solved(y: Survival, design: Design, matrix: np.ndarray) -> Solution:
    model, ratio = replace(design, matrix=matrix), "hazard ratio of the cohort"
    return solve(y, model, ties="efron", ridge=None, robust=False, ratio=ratio)


def _with_sampling(point: Solution, cov: np.ndarray, influence: np.ndarray, s: Sample) -> Solution:
    """The estimate with the variance of the subcohort's sampling added."""
    sampled = (1 - s.count(s.inside) / s.cohort_size) * influence.T @ influence
    return replace(point, cov=cov + sampled, cov_model=cov)


def _stacked(y: Survival, design: Design, s: Sample) -> tuple[Survival, np.ndarray, np.ndarray]:
    """The events, in no risk set, above the subcohort without events; who is who of the subcohort (else -1).

    Rows that happen while nobody of the subcohort is at risk say nothing and are left out.
    """
    happened, members = np.flatnonzero(y.event), np.flatnonzero(s.inside)
    happened = happened[_has_company(y, s.inside, happened)]
    if not len(happened):
        raise DataError(
            "holds nobody who is at risk when an event happens",
            argument="subcohort",
            expected="a random sample of the cohort, followed as long as the cases",
            remedy="data that hold the whole subcohort",
        )
    index = np.concatenate([happened, members])
    event = np.arange(len(index)) < len(happened)
    stacked = replace(y.take(index), event=event, offset=np.where(event, NEGLIGIBLE, 0.0))
    return stacked, design.matrix[index], np.where(event, -1, s.patient[index])


def _has_company(y: Survival, inside: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Whether anybody of the subcohort is at risk in the stratum of each event."""
    begin = np.full(len(y), -np.inf) if y.entry is None else y.entry
    found = np.zeros(len(events), dtype=bool)
    stratum = y.stratum.code
    for code in np.unique(stratum[events]):
        members, here = inside & (stratum == code), stratum[events] == code
        t = y.time[events[here]]
        entered, left = (np.searchsorted(np.sort(v[members]), t, side="left") for v in (begin, y.time))
        found[here] = entered > left
    return found


def _influence(
    y: Survival, matrix: np.ndarray, coef: np.ndarray, cov: np.ndarray, member: np.ndarray
) -> np.ndarray:
    """How much each patient of the rows with `member` >= 0 moves the coefficients, rows added up."""
    e = cox_estimate(rows_of(y, matrix), coef, efron=True)
    part = e.rows.unsorted(score_residuals(e)) / e.rows.scale @ cov
    _, owner = np.unique(member[member >= 0], return_inverse=True)
    return np.stack([np.bincount(owner, column) for column in part[member >= 0].T], axis=1)
