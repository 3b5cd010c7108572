"""Cox regression of the cause-specific hazards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..errors import DataError, counted
from ..model_design import model_design
from ..options import Missing, check_choice, check_conf_level
from ..outcomes_competing import Competing, read_competing
from ..regression.cox import fit_cox
from ..start_stop import warn_of_forgotten_entry
from .cause_specific_fit import RATIO, CauseSpecificFit

if TYPE_CHECKING:
    import polars as pl

    from ..columns import Column, Columns
    from ..design import Covariates

CauseTies = Literal["efron", "breslow"]


def cause_specific(
    data: Any,
    covariates: Covariates | Mapping[Any, Covariates],
    *,
    time: Column,
    event: Column,
    censored: Any = "default",
    entry: Column | None = None,
    id: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    offset: Column | None = None,
    ties: CauseTies = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CauseSpecificFit:
    """Hazard ratios of every cause, and the absolute risks that the hazards imply together.

    The hazard of cause k is that of having the event k now, among those who had none so far:
    h_k(t) exp(x'b_k), its baseline h_k left free. Each is a Cox model in which the other causes censor, which
    is right for hazards and their ratios; it needs no assumption that the causes are independent. A
    probability is another matter: that of cause k depends on the hazards of all causes, and
    `.predict(new, times=)` and `.curves(new)` put them together.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB. One row per patient, or start-stop rows
        (entry, time] with covariates that hold in between.
    covariates
        A right-hand-side formula or a list of columns for all causes, or one for each of them:
        `{"relapse": "age + stage", "death": "age"}`. `hem.regression.cox` has the language.
    time, event
        Follow-up in any one unit, and the label of what ended it (text, Enum or integers).
    censored
        The label that means censored: by default 0 for integers and "censored" for text; None if nobody was.
    entry
        Delayed entry, or the beginning of a start-stop row.
    id
        Patient, where several rows hold one patient's follow-up.
    strata
        Columns whose combinations have baseline hazards of their own, for every cause.
    weights
        Case weights: weight 2 is two patients.
    cluster
        Groups of related rows: their joint influence gives a robust variance.
    robust
        None (robust for non-integer weights and with clusters), True or False. It holds for the coefficients
        and for the absolute risks, baselines included.
    offset
        A column added to the linear predictor of every cause with the coefficient 1.
    ties
        "efron" or "breslow", for coefficients and baselines.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves out rows with a missing value in a covariate of any
        cause, so that all causes are fitted to the same rows, and counts them.

    Returns
    -------
    CauseSpecificFit
        `.fits[cause]` are `CoxFit`s with all they have (`ph_test(fit.fits[cause])`, `contrast`, residuals).
        `.to_frame(exponentiate=True)`, `.tests()`, `.ph_tests()` and `.text(term, cause=)` are of all causes;
        `.predict(new, times=)`, `.curves(new)` and `.adjusted(by)` are absolute risks.
        `hem.report.table(fit)` puts the causes side by side; `hem.report.regression_table` can put the ratios
        of `fine_gray` beside them.

    Raises
    ------
    DataError
        As `hem.regression.cox`; for an event column that holds no labels, a formula for a cause that does
        not occur or none for one that does, or several events of a patient.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        As `hem.regression.cox`, for each cause.

    References
    ----------
    Prentice RL, Kalbfleisch JD, Peterson AV, et al. Biometrics 1978;34:541-554. Putter H, Fiocco M, Geskus
    RB. Stat Med 2007;26:2389-2430. Cheng SC, Fine JP, Wei LJ. Biometrics 1998;54:219-228 (absolute risks).
    Ozenne B, Sorensen AL, Scheike T, et al. R J 2017;9:440-460 (their robust variance).

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> transplanted = hem.data.load("bmtcrr")
    >>> fit = hem.competing.cause_specific(
    ...     transplanted, "Age + Phase + Source", time="ftime", event="Status"
    ... )
    >>> fit.text("Age", cause=2)
    'cause 2: cause-specific hazard ratio of Age 1.03 (95% CI 1.01–1.05), p=0.002'
    >>> patient = pl.DataFrame({"Age": [40], "Phase": ["CR1"], "Source": ["PB"]})
    >>> risks = fit.predict(patient, times=24)
    >>> risks.select("cause", pl.col("estimate", "std_error").round(3)).rows()
    [(1, 0.169, 0.054), (2, 0.385, 0.074)]
    """
    check_choice(ties, CauseTies, argument="ties")
    check_conf_level(conf_level)
    frame = as_frame(data)
    y = read_competing(
        frame, time=time, event=event, censored=censored, entry=entry, id=id, strata=strata,
        covariates=_columns(covariates, frame), weights=weights, cluster=cluster, offset=offset, join=False,
        missing=missing,
    )  # fmt: skip
    warn_of_forgotten_entry(frame, y)
    _refuse_several_events(y)
    is_robust = bool(y.uses_robust_variance(robust))
    fits = {}
    for number, (cause, request) in enumerate(_by_cause(covariates, y).items(), start=1):
        own = y.of_cause(number)
        fit = fit_cox(
            own, model_design(own, request), ties=ties, ridge=None, robust=is_robust, conf_level=conf_level
        )
        name = f"Cox regression of the cause-specific hazard of {cause}"
        fits[cause] = replace(fit, name=name, ratio=RATIO)
    return CauseSpecificFit(fits=fits, conf_level=conf_level, y=y)


def _columns(covariates: Any, frame: pl.DataFrame | pl.LazyFrame) -> list[Column]:
    """The columns that the covariates of any cause need, each once."""
    if not isinstance(covariates, Mapping):
        return covariate_columns(covariates, frame)
    found: dict[str, Column] = {}
    for request in covariates.values():
        for item in covariate_columns(request, frame):
            found.setdefault(item if isinstance(item, str) else item.meta.output_name(), item)
    return list(found.values())


def _by_cause(covariates: Any, y: Competing) -> dict[Any, Covariates]:
    """The covariates of each cause, in the order of the causes."""
    if not isinstance(covariates, Mapping):
        return dict.fromkeys(y.causes, covariates)
    y.numbers(list(covariates))
    absent = [cause for cause in y.causes if cause not in covariates]
    if absent:
        raise DataError(
            f"say nothing of {absent[0]!r}, and absolute risks need the hazards of all causes",
            argument="covariates",
            expected=f"a formula for each of the {counted(len(y.causes), 'event')}",
            remedy=f"{{..., {absent[0]!r}: []}} for a hazard that is the same for all",
        )
    return {cause: covariates[cause] for cause in y.causes}


def _refuse_several_events(y: Competing) -> None:
    """Refuse patients who go on after an event that ends the follow-up."""
    if y.patient is None:
        return
    last = np.full(y.patient.max() + 1, -np.inf)
    np.maximum.at(last, y.patient, y.time)
    early = y.event & (y.time < last[y.patient])
    if early.any():
        n = len(np.unique(y.patient[early]))
        raise DataError(
            f"happens before the end of the follow-up of {counted(n, 'patient')}",
            argument="event",
            column=y.names["event"],
            rows=y.positions(early),
            expected="at most one event of each patient, in the last row",
            remedy="data.filter(...) to the rows up to the first event",
        )
