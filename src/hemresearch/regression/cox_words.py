"""What a methods section has to say of a model beside its name: terms, strata, entry, weights, clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import counted, listed
from ..formats import count, significant
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from ..outcomes import Survival
    from ..outcomes_interval import Interval
    from .cox_fit import CoxFit
    from .time_varying import Effect

SHOWN_TERMS = 12


def model_words(fit: CoxFit) -> str:
    """` on age, sex, stratified by centre, with delayed entry (entry)`; the terms alone of a slim fit."""
    design = fit.design
    changing = design.effects if isinstance(design, TimeVaryingDesign) else ()
    terms = design.base.terms if isinstance(design, TimeVaryingDesign) else fit.terms
    parts = [term_words(terms), setting_words(fit.y)]
    parts += [f", the effect of {effect.term} changing with time ({_change(effect)})" for effect in changing]
    return "".join(parts)


def term_words(terms: Iterable[str]) -> str:
    """` on age, sex`, if there are any."""
    names = listed(terms, SHOWN_TERMS)
    return f" on {names}" if names else ""


def setting_words(y: Survival | Interval | None) -> str:
    """`, stratified by centre, with delayed entry (entry), weighted by w`: what is said but of the terms."""
    if y is None:
        return ""
    strata = listed(y.stratum.names, SHOWN_TERMS)
    return (f", stratified by {strata}" if strata else "") + role_words(y)


def role_words(y: Survival | Interval | None) -> str:
    """Censoring in intervals, delayed entry, weights and offset."""
    if y is None:
        return ""
    parts = [
        f", from times in intervals ({y.names['left']} to {y.names['right']})" if "left" in y.names else ""
    ]
    parts += [_entry_words(y)]
    parts += [f", weighted by {y.names['weights']}" if "weights" in y.names else ""]
    parts += [f", with the offset {y.names['offset']}" if "offset" in y.names else ""]
    return "".join(parts)


def dropped_words(n: int) -> str:
    """`; 3 rows with missing values were left out`, if any were."""
    return f"; {counted(n, 'row')} with missing values {'was' if n == 1 else 'were'} left out" if n else ""


def _entry_words(y: Survival | Interval) -> str:
    """Delayed entry, and covariates that change between the rows of a patient."""
    entry = y.names.get("entry")
    if entry is None:
        return ""
    patient, start = getattr(y, "patient", None), getattr(y, "entry", None)
    if patient is not None and start is not None and len(np.unique(patient)) < len(y):
        if _change_between_rows(y.covariates, patient):
            return f", with covariates that change with time ({entry} to {y.names['time']})"
        begin = np.full(int(patient.max()) + 1, np.inf)
        np.minimum.at(begin, patient, start)
        if not (begin[patient] > 0).any():
            return ""
    return f", with delayed entry ({entry})"


def _change_between_rows(covariates: pl.DataFrame, patient: np.ndarray) -> bool:
    """Whether a covariate differs between rows of one patient."""
    _, first, place = np.unique(patient, return_index=True, return_inverse=True)
    return any((column != column.gather(first[place])).any() for column in covariates.get_columns())


def _change(effect: Effect) -> str:
    if effect.function is not None:
        return f"interaction with {effect.name or 'time'}{'(t)' if effect.name else ''}"
    return f"steps at {listed((significant(cut, 6) for cut in effect.cuts.tolist()), SHOWN_TERMS)}"


def variance_words(variance: str, y: Survival | Interval | None) -> str:
    """`the robust variance, clustered by centre (4 clusters)`: what the variance is, and between whom."""
    role = "cluster" if y is not None and y.cluster is not None else "id"
    if y is None or variance != "robust" or role not in y.names:
        return f"the {variance} variance"
    owner = y.cluster if role == "cluster" else getattr(y, "patient", None)
    n_clusters = 0 if owner is None else len(np.unique(owner))
    return f"the robust variance, clustered by {y.names[role]} ({count(n_clusters)} clusters)"
