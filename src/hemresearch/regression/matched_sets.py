"""Matched sets of cases and controls: reading them, and what differs within them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, as_frame, group_rows, read_table
from ..design import Design, covariate_columns
from ..errors import DataError, counted
from ..events import read_event
from ..model_design import refuse_collinear
from ..options import Missing
from ..outcomes import Survival, read_offset, read_weights

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

ROUNDING = 1e-12  # a difference from the mean of the set this small beside the column is rounding error


def read_sets(
    data: Any,
    covariates: Covariates,
    case: Column,
    event_value: Any,
    strata: Columns,
    weights: Column | None,
    cluster: Column | None,
    offset: Column | None,
    missing: Missing,
) -> Survival:
    """The members of the sets as observations that all end at one time, the cases with the event."""
    frame = as_frame(data)
    roles: dict[str, Columns] = {
        "case": case, "strata": strata, "covariates": covariate_columns(covariates, frame),
        "weights": weights, "cluster": cluster, "offset": offset,
    }  # fmt: skip
    _refuse_nothing(roles)
    table = read_table(frame, roles, missing=missing)
    n = table.frame.height
    y = Survival(
        time=np.ones(n),
        event=read_event(table, event_value, role="case"),
        entry=None,
        weight=read_weights(table),
        cluster=group_rows(table, "cluster").code if "cluster" in table else None,
        patient=None,
        group=Groups(pl.DataFrame(), np.zeros(n, dtype=np.intp)),
        stratum=group_rows(table, "strata"),
        covariates=table.several("covariates"),
        row=table.row,
        n_dropped=table.n_dropped,
        names={role: names[0] for role, names in table.names.items() if names},
        time_unit=None,
        offset=read_offset(table),
    )
    if y.weight is None or y.weight.all():
        return y
    y = y.take(y.weight > 0)
    return replace(y, stratum=y.stratum.occurring())


def _refuse_nothing(roles: dict[str, Columns]) -> None:
    """Refuse a model without covariates, and rows without sets."""
    remedies = {"covariates": 'covariates="age + smoking"', "strata": 'strata="the column of the sets"'}
    for role, remedy in remedies.items():
        if roles[role] is None or (isinstance(roles[role], list | tuple) and not roles[role]):
            raise DataError(
                "no column was given",
                argument=role,
                expected="covariates, and the matched set of every row",
                remedy=remedy,
            )


def refuse_weights(y: Survival, method: str) -> None:
    """Refuse weights with the exact likelihood."""
    if method == "exact" and y.weight is not None:
        raise DataError(
            "was given together with method='exact', whose likelihood has no weights",
            argument="weights",
            column=y.names["weights"],
            expected="no weights with the exact likelihood",
            remedy="method='efron'",
        )


def refuse_divided_sets(y: Survival, method: str) -> None:
    """Refuse clusters that cut through sets with the exact likelihood of several cases."""
    if method != "exact" or y.cluster is None or one_case_each(y):
        return
    first = y.cluster[np.unique(y.stratum.code, return_index=True)[1]]
    elsewhere = y.cluster != first[y.stratum.code]
    if elsewhere.any():
        raise DataError(
            "has sets whose members are in different clusters",
            argument="cluster",
            column=y.names["cluster"],
            rows=y.positions(elsewhere),
            expected="each set within one cluster: with several cases the exact likelihood is one of sets",
            remedy="method='efron'",
        )


def informative_sets(y: Survival) -> np.ndarray:
    """Which sets have both a case and a control."""
    n_case = np.bincount(y.stratum.code, y.event, len(y.stratum))
    informative: np.ndarray = (n_case > 0) & (n_case < np.bincount(y.stratum.code))
    if informative.any():
        return informative
    raise DataError(
        f"has both a case and a control in none of the {counted(len(y.stratum), 'set')}",
        argument="case",
        column=y.names["case"],
        expected="sets (strata) with at least one case and one control",
        remedy="strata='the column of the sets', or event_value=... if a case has another value",
    )


def within_sets(y: Survival, design: Design, kept: np.ndarray) -> tuple[Design, np.ndarray]:
    """The design of the kept rows, and its columns as differences from the means of their sets.

    A matching variable whose interaction is in the model has no effect of its own within sets, and no column;
    anything else that does not differ within them is refused.
    """
    design = replace(design, matrix=design.matrix[kept])
    inside = _differences(design.matrix, y.stratum.code)
    columns = _columns_within(design, inside)
    design, inside = _with_columns(design, columns), np.ascontiguousarray(inside[:, columns])
    for name, column in zip(design.columns, inside.T, strict=True):
        if not column.any():
            raise DataError(
                f"{name!r} is the same for all members of every set, so the data say nothing about it",
                argument="covariates",
                expected="covariates that differ within sets, or interactions with such",
                remedy=f"covariates=... without {name!r}",
            )
    refuse_collinear(inside, design.columns)
    return design, inside


def _differences(x: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Differences from the means of the sets, exactly zero where they are rounding error."""
    means = np.stack([np.bincount(code, column) for column in x.T], axis=1) / np.bincount(code)[:, None]
    inside = x - means[code]
    inside[np.abs(inside) <= ROUNDING * np.abs(x).max(axis=0)] = 0.0
    return inside


def _columns_within(design: Design, inside: np.ndarray) -> list[int]:
    """The columns without those of terms that are zero within sets and part of an interaction."""
    factors = dict(zip(design.terms, map(set, design.request.terms), strict=True))
    kept: list[int] = []
    for label, at in design.terms.items():
        marginal = any(factors[label] < others for others in factors.values())
        if inside[:, at].any() or not marginal:
            kept += range(at.start, at.stop)
    return kept


def _with_columns(design: Design, columns: list[int]) -> Design:
    """The design of some of its terms, given all their columns."""
    terms: dict[str, slice] = {}
    places = []
    for place, (label, at) in enumerate(design.terms.items()):
        if at.start in columns:
            start = columns.index(at.start)
            terms[label] = slice(start, start + at.stop - at.start)
            places.append(place)
    return replace(
        design,
        matrix=np.ascontiguousarray(design.matrix[:, columns]),
        columns=tuple(design.columns[c] for c in columns),
        terms=terms,
        request=replace(design.request, terms=tuple(design.request.terms[p] for p in places)),
        parts=tuple(design.parts[p] for p in places),
    )


def one_case_each(y: Survival) -> bool:
    """Whether no set has several cases, so that all methods are the same."""
    return bool((np.bincount(y.stratum.code, y.event) <= 1).all())
