"""What a methods section has to say of a Cox model beside its name: its terms, strata, entry and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import listed
from ..formats import count, significant
from .time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..outcomes import Survival
    from .cox_fit import CoxFit
    from .time_varying import Effect

SHOWN_TERMS = 12


def model_words(fit: CoxFit) -> str:
    """` on age, sex, stratified by centre, with delayed entry (entry)`; the terms alone of a slim fit."""
    design = fit.design
    changing = design.effects if isinstance(design, TimeVaryingDesign) else ()
    terms = design.base.terms if isinstance(design, TimeVaryingDesign) else fit.terms
    parts = [f" on {listed(terms, SHOWN_TERMS)}" if terms else ""]
    if fit.y is not None:
        strata = [name for name in fit.y.stratum.names if name]
        parts += [f", stratified by {listed(strata, SHOWN_TERMS)}" if strata else "", _entry_words(fit.y)]
    parts += [f", the effect of {effect.term} changing with time ({_change(effect)})" for effect in changing]
    return "".join(parts)


def _entry_words(y: Survival) -> str:
    """Delayed entry; several rows of a patient are covariates that change with time."""
    entry = y.names.get("entry")
    if entry is None:
        return ""
    several = "id" in y.names and y.patient is not None and len(np.unique(y.patient)) < len(y)
    return f", with covariates that change with time ({entry} to {y.names['time']})" if several else (
        f", with delayed entry ({entry})"
    )  # fmt: skip


def _change(effect: Effect) -> str:
    if effect.function is not None:
        return f"interaction with {effect.name or 'time'}{'(t)' if effect.name else ''}"
    return f"steps at {listed((significant(cut, 6) for cut in effect.cuts.tolist()), SHOWN_TERMS)}"


def variance_words(fit: CoxFit) -> str:
    """`the robust variance, clustered by centre (4 clusters)`: what the variance is, and between whom."""
    role = "cluster" if fit.y is not None and fit.y.cluster is not None else "id"
    if fit.y is None or fit.variance != "robust" or role not in fit.y.names:
        return f"the {fit.variance} variance"
    cluster = fit.y.cluster if role == "cluster" else fit.y.patient
    return (
        f"the robust variance, clustered by {fit.y.names[role]} ({count(len(np.unique(cluster)))} clusters)"
    )
