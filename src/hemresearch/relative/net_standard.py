"""Age standardisation of net survival by a standard population, by strata or by individual weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..errors import DataError, counted, listed
from ..options import check_choice, suggestion
from .net_curve import counts_of, net_curve
from .net_rows import NetRows

Standardize = Literal["strata", "individual"]
# International cancer survival standards of Corazziari and others: the lowest age of each group, in percent.
STANDARDS: dict[str, dict[int, float]] = {
    "icss1": {0: 7, 45: 12, 55: 23, 65: 29, 75: 29},
    "icss2": {0: 28, 45: 17, 55: 21, 65: 20, 75: 14},
    "icss3": {0: 60, 45: 10, 55: 10, 65: 10, 75: 10},
}
NEAR = 1e-9  # years: a completed age is complete though rounded


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """The lowest age of each group, and its share of the standard population."""

    name: str
    lowest: np.ndarray
    share: np.ndarray
    individual: bool

    def groups_of(self, rows: NetRows) -> np.ndarray:
        """The age group of each row; all with a share must have somebody.

        Raises
        ------
        DataError
            For somebody younger than the first group, and for a group without anybody.
        """
        age = rows.age + NEAR
        young = age < self.lowest[0]
        if young.any():
            raise DataError(
                f"begins at {self.lowest[0]:g} years, and {counted(int(young.sum()), 'row')} are younger",
                argument="standard",
                rows=rows.y.positions(young),
                expected="age groups that hold everybody",
                remedy="standard={0: ..., 45: ...}, with the lowest age of each group",
            )
        code = np.searchsorted(self.lowest, age, side="right") - 1
        empty = (np.bincount(code, minlength=len(self.lowest)) == 0) & (self.share > 0)
        if empty.any():
            raise DataError(
                f"has age groups without patients (those from {listed(f'{a:g}' for a in self.lowest[empty])} "
                "years on), whose survival is not known",
                argument="standard",
                expected="patients in every age group, within each group of by",
                remedy="standard={...} with wider age groups, or standardize='individual' within them",
            )
        return code


def read_standard(standard: Any, standardize: Any) -> Standard | None:
    """The standard population that was asked for, if one was.

    Raises
    ------
    DataError
        For an unknown name, for what are no ages with weights, and for individual weights without a standard.
    """
    check_choice(standardize, Standardize, argument="standardize")
    individual = standardize == "individual"
    if standard is None:
        if individual:
            raise DataError(
                "'individual' was given without a standard population",
                argument="standardize",
                expected="a standard, by which the weights are made",
                remedy="standard='icss1'",
            )
        return None
    if isinstance(standard, str):
        if standard not in STANDARDS:
            raise DataError(
                f"{standard!r} is no standard population that is known",
                argument="standard",
                expected=f"the name of a standard ({suggestion(standard, STANDARDS)}) or weights of your own",
                remedy="standard='icss1', or standard={0: 7, 45: 12, 55: 23, 65: 29, 75: 29}",
            )
        return _standard(standard, STANDARDS[standard], individual)
    return _standard("own weights", standard, individual)


def _standard(name: str, weights: Any, individual: bool) -> Standard:
    try:
        pairs = sorted((float(age), float(weight)) for age, weight in weights.items())
        lowest, weight = (np.array(column) for column in zip(*pairs, strict=True))
    except (AttributeError, TypeError, ValueError):
        lowest, weight = np.empty(0), np.array([np.nan])
    good = isinstance(weights, Mapping) and np.isfinite(weight).all() and (weight >= 0).all()
    if not (good and weight.sum() > 0 and np.isfinite(lowest).all() and lowest[0] >= 0):
        raise DataError(
            "is not a dictionary of ages with weights",
            argument="standard",
            expected="the lowest age of each group (years) with its weight of 0 or more",
            remedy="standard={0: 7, 45: 12, 55: 23, 65: 29, 75: 29}",
        )
    return Standard(name, lowest, weight / weight.sum(), individual)


def standardized_curve(
    rows: NetRows, standard: Standard, method: str, estimator: str, wanted: np.ndarray
) -> dict[str, np.ndarray]:
    """The columns of a standardised curve, with the counts of the patients as they are."""
    code, part = standard.groups_of(rows), counts_of(rows, wanted)
    if standard.individual:
        size = np.bincount(code, rows.weight, len(standard.share))
        ratio = standard.share * size.sum() / np.where(size > 0, size, 1.0)
        weighted = replace(rows, multiplier=ratio[code])
        curve = net_curve(weighted.take(weighted.weight > 0), method, estimator, part["time"])
        return part | _padded(curve, len(part["time"]))
    curves = [
        _padded(net_curve(rows.take(code == k), method, estimator, part["time"]), len(part["time"]))
        for k in np.flatnonzero(standard.share)
    ]
    share = standard.share[standard.share > 0]
    return part | combined(share, *(np.array([c[n] for c in curves]) for n in ("estimate", "std_error")))


def combined(share: np.ndarray, estimate: np.ndarray, error: np.ndarray) -> dict[str, np.ndarray]:
    """The weighted mean of independent estimates (one row for each share), and its standard error."""
    return {"estimate": share @ estimate, "std_error": np.sqrt(share**2 @ error**2)}


def _padded(curve: dict[str, np.ndarray], n: int) -> dict[str, np.ndarray]:
    """Estimates at the first of `n` times, unknown at those after the last follow-up."""
    return {
        name: np.concatenate([curve[name], np.full(n - len(curve[name]), np.nan)])
        for name in ("estimate", "std_error")
    }
