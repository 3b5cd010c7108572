"""Strata that a regression can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError, counted
from ..personal_numbers import check_groups

if TYPE_CHECKING:
    from ..design import Design
    from ..outcomes import Survival


def check_strata(y: Survival, design: Design) -> None:
    """Refuse strata of persons, strata that are covariates too, and such that leave nobody to compare."""
    check_groups(y.stratum.levels, "strata")
    names, code = y.stratum.names, y.stratum.code
    for name in names:
        label = next((term for term in (name, f"C({name})") if term in design.terms), None)
        if label is not None and _is_constant_within(design.matrix[:, design.terms[label]], code):
            raise DataError(
                f"is a stratum and the covariate {label!r} too: within a stratum it is the same for all",
                argument="strata",
                column=name,
                expected="a column in the strata or among the covariates, not in both",
                remedy=f"covariates=... without {label!r}, or strata=... without {name!r}",
            )
    size = np.bincount(code)
    if names and design.columns and y.event.any() and (size[code[y.event]] == 1).all():
        raise DataError(
            f"makes {len(y.stratum)} strata of {counted(len(y), 'row')}, in which everybody with an event is "
            "alone: nobody is at risk together",
            argument="strata",
            column=names[0],
            expected="strata of many patients each",
            remedy=f"strata=None, or cluster={names[0]!r} for rows that belong together",
        )


def _is_constant_within(x: np.ndarray, code: np.ndarray) -> bool:
    """Whether rows with the same code are equal."""
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return bool((x == x[first][place]).all())
