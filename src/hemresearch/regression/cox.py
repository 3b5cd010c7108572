"""Cox's proportional hazards model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import as_frame
from ..design import Design, covariate_columns
from ..errors import DataError, counted
from ..model_design import model_design, warn_if_crowded
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..start_stop import warn_of_forgotten_entry
from .cox_fit import CoxFit, Ties
from .cox_solution import solve
from .strata import check_strata
from .time_varying import with_time_varying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..columns import Column, Columns
    from ..design import Covariates
    from .frailty import FrailtyDistribution
    from .time_varying import Spec


def cox(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    id: Column | None = None,
    offset: Column | None = None,
    ties: Ties = "efron",
    ridge: float | None = None,
    time_varying: Mapping[str, Spec] | None = None,
    frailty: Column | None = None,
    frailty_distribution: FrailtyDistribution = "gamma",
    frailty_variance: float | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CoxFit:
    """Hazard ratios by maximum partial likelihood.

    The hazard of a row with covariates x in stratum s is h_s(t) exp(x'b), its baseline h_s left free; b are
    log hazard ratios, estimated by comparing those who have the event with those at risk at the same time,
    entry < t <= time. Covariates are centred and scaled inside, so that their units do not matter.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB. One row per patient, or start-stop rows
        (entry, time] with covariates that hold in between.
    covariates
        A right-hand-side formula, `"age + C(group, ref='B') + rcs(wbc, df=3)"`, or a list of columns; see
        the notes.
    time, event
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding.
    entry
        Delayed entry, or the beginning of a start-stop row.
    strata
        Columns whose combinations have baseline hazards of their own.
    weights
        Case weights: weight 2 is two patients. Of tied events Efron's rule takes rows in turn, as in R, not
        patients; with Breslow's ties it is exactly so.
    cluster
        Groups of related rows: their joint influence gives a robust variance.
    robust
        None (robust for non-integer weights, with clusters, and with several events of a patient), True or
        False.
    id
        Patient, where several rows hold one patient's follow-up: they must not overlap, and count as one
        cluster in a robust variance.
    offset
        A column added to the linear predictor with the coefficient 1.
    ties
        "efron", "breslow", or "exact" (the discrete partial likelihood; no weights).
    ridge
        Penalty theta / 2 times the sum of squared coefficients, in the units of the covariates.
    time_varying
        Terms whose effect changes with time: `{"karno": [90, 180]}` gives it an effect of its own in each
        period; `{"karno": "log"}` adds karno * log(t) ("identity", "log", "sqrt", "log1p" or a function of an
        array of times), as R's `tt`. Rows are cut where something changes: for a function, at every event.
    frailty
        Groups whose members share a frailty, a random factor of their hazard; hazard ratios are then those
        between members of one group. Not with weights, cluster, ridge or exact ties.
    frailty_distribution
        "gamma" (mean 1; its variance maximises the marginal likelihood) or "gaussian" (normal with mean 0 on
        the log scale; its variance by restricted maximum likelihood, too small where groups have few events).
        Beyond 1000 groups the Gaussian variance and the frailties' degrees of freedom take the groups as
        unrelated, as R does beyond 5.
    frailty_variance
        The variance, where it is known; it is estimated by default.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    CoxFit
        With `.to_frame(exponentiate=True)`, `.tests()`, `.residuals(kind)`, `.baseline()`, `.predict(new)`,
        `.curves(new)`, `.concordance()` and `.text(term)`. With a frailty it is a `FrailtyFit`, with
        `.frailties()` and their variance, but without predicted survival.

    Raises
    ------
    DataError
        Missing or infinite values, no events, collinear covariates or such without information (named), a
        level without rows, an undeclared event coding, overlapping rows of a patient.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        If the likelihood is monotone, so that a hazard ratio is estimated as zero or infinite (the column,
        level or combination is named); if there are more coefficients than events, or few clusters; and if
        the data have a column `entry`, as `add_exposure` and `split_episodes` write it, that is not used.

    Notes
    -----
    The formulas of all regressions:

    - Columns are joined by `+`; `a:b` is an interaction, `a * b` is `a + b + a:b`.
    - Text, Categorical and Enum columns have a coefficient for each level but the reference: the first in
      the alphabet, of an Enum in its own order; of a Boolean, False. `C(stage, ref="II")` chooses another,
      and makes categories of numbers.
    - `log(x)`, `log2`, `log10`, `sqrt`, `exp`, and arithmetic inside `I()`: `I(age / 10)`, `age + I(age**2)`.
    - `rcs(age, df=3)`: restricted cubic spline with df + 1 knots at Harrell's percentiles, or at
      `knots=[50, 65, 80]`; `ns(age, df=3)`: natural spline with df - 1 inner knots at quantiles, as R's.
    - Names with spaces or signs stand in backticks: "`hb g/L` + age".

    A list of columns is their sum; it takes any names, and polars expressions with `.alias(...)`.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Lin DY, Wei LJ. J Am
    Stat Assoc 1989;84:1074-1078 (robust variance). Cameron AC, Miller DL. J Hum Resour 2015;50:317-372 (few
    clusters, of which it is too small; below 10 there is a warning). Therneau TM, Grambsch PM. Modeling
    Survival Data. Springer 2000. Therneau TM, Grambsch PM, Pankratz VS. J Comput Graph Stat 2003;12:156-175
    (frailty).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> fit = hem.regression.cox(mgus, "age + sex + hgb", time="futime", event="death", missing="drop")
    >>> fit.to_frame(exponentiate=True)["estimate"].round(3).to_list()
    [1.057, 1.637, 0.862]
    >>> fit.text("sex")
    'hazard ratio of sex[M] 1.64 (95% CI 1.43–1.87), p<0.001'
    """
    check_choice(ties, Ties, argument="ties")
    check_conf_level(conf_level)
    if ridge is not None:
        check_number(ridge, argument="ridge", above=0.0, expected="a penalty above 0", example=1.0)
    frame = as_frame(data)
    y = read_survival(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), weights=weights, cluster=cluster, offset=offset,
        frailty=frailty, join=False, missing=missing,
    )  # fmt: skip
    warn_of_forgotten_entry(frame, y)
    design = model_design(y, covariates)
    if time_varying:
        y, design = with_time_varying(y, design, time_varying)
    if frailty is not None or frailty_variance is not None:
        from .frailty import fit_with_frailty

        return fit_with_frailty(
            y, design, distribution=frailty_distribution, variance=frailty_variance, ties=ties, ridge=ridge,
            robust=robust, conf_level=conf_level,
        )  # fmt: skip
    return fit_cox(y, design, ties=ties, ridge=ridge, robust=robust, conf_level=conf_level)


def fit_cox(
    y: Survival,
    design: Design,
    *,
    ties: Ties,
    ridge: float | None,
    robust: bool | None,
    conf_level: float,
) -> CoxFit:
    """The fit of checked observations and their design."""
    refuse_no_events(y)
    _check_exact(y, ties, ridge, robust)
    check_strata(y, design)
    if ridge is None:
        warn_if_crowded(len(design.columns), int(y.event.sum()), "covariates")
    is_robust = y.uses_robust_variance(robust) and ties != "exact"
    solution = solve(y, design, ties=ties, ridge=ridge, robust=is_robust)
    return CoxFit(
        name="Cox regression",
        method=f"{TIES[ties]}{'' if ridge is None else f', ridge penalty {ridge:g}'}",
        columns=design.columns,
        terms=design.terms,
        coef=solution.coef,
        cov=solution.cov,
        cov_model=solution.cov_model,
        variance="robust" if is_robust else "model-based",
        log_likelihood=solution.log_likelihood,
        log_likelihood_null=solution.log_likelihood_null,
        n=len(y) if y.patient is None else len(np.unique(y.patient)),
        n_event=int(y.event.sum()),
        conf_level=conf_level,
        ratio="hazard ratio",
        df=solution.df,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
        ties=ties,
        ridge=ridge,
        y=y,
    )


TIES = {"efron": "Efron ties", "breslow": "Breslow ties", "exact": "exact ties"}


def refuse_no_events(y: Survival, remedy: str = "event_value=... if the event has another value") -> None:
    """Refuse data in which nothing happens."""
    if not y.event.any():
        raise DataError(
            f"is false in all {counted(len(y), 'row')}: there are no events",
            argument="event",
            column=y.names["event"],
            expected="at least one event, and better ten for each coefficient",
            remedy=remedy,
        )


def _check_exact(y: Survival, ties: str, ridge: float | None, robust: bool | None) -> None:
    """What the exact partial likelihood does not have."""
    if ties != "exact":
        return
    given = {"weights": y.weight, "cluster": y.cluster, "ridge": ridge, "robust": robust or None}
    for argument in (name for name, value in given.items() if value is not None):
        raise DataError(
            "was given together with ties='exact', whose likelihood has no such form",
            argument=argument,
            expected=f"no {argument} with exact ties",
            remedy="ties='efron'",
        )
