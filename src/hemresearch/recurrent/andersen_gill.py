"""The rate of recurrent events: Andersen and Gill's model with a robust variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..columns import as_frame
from ..design import covariate_columns
from ..model_design import model_design
from ..options import Missing, check_choice, check_conf_level
from ..regression.cox import fit_cox
from ..regression.cox_fit import Ties
from .andersen_gill_fit import AndersenGillFit, with_means
from .rows import read_recurrent

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates


def andersen_gill(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    id: Column,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool = True,
    offset: Column | None = None,
    ties: Ties = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> AndersenGillFit:
    """Rate ratios of an event that may happen again.

    All events are alike: a patient at risk at t, with covariates x, has events at the rate r(t) exp(x'b),
    whatever happened before, r left free. With the robust variance this is the model of Lin, Wei, Yang and
    Ying for the rate and the mean number of events, in which the events of a patient may depend on each other
    in any way. With `robust=False` it is Andersen and Gill's, whose limits hold only where the past says
    nothing about the future beyond the covariates, too narrow where some patients are prone to events.

    Parameters
    ----------
    data
        Any table with one row per interval (entry, time] of a patient, which may end with an event;
        covariates hold in between, and may change from row to row.
    covariates
        A right-hand-side formula, `"age + C(arm, ref='B')"`, or a list of columns, as in `cox`.
    time, event, event_value, entry, id, missing
        As in `mean_cumulative`.
    strata
        Columns whose combinations have baseline rates of their own.
    weights, offset, ties
        As in `cox`.
    cluster
        Groups of related patients, in place of patients, for the robust variance.
    robust
        Whether the variance sums over patients (or clusters) the square of their influence.
    conf_level
        Level of the limits.

    Returns
    -------
    AndersenGillFit
        A `CoxFit` whose ratios are rate ratios; `.predict(new, times=)`, `.curves(new)` and `.baseline()` are
        mean numbers of events.

    Raises
    ------
    DataError
        As `cox`.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        Gaps between the rows of a patient, and as `cox`.

    Notes
    -----
    Death ends the rows of a patient and is a censoring here: rates are those among the living. Where death is
    frequent or differs between groups, `mean_cumulative(terminal=...)` compares what patients experience.

    References
    ----------
    Andersen PK, Gill RD. Ann Stat 1982;10:1100-1120. Lin DY, Wei LJ, Yang I, Ying Z. J R Stat Soc B
    2000;62:711-730.

    Examples
    --------
    >>> import hemresearch as hem
    >>> cgd = hem.data.load("cgd")
    >>> fit = hem.recurrent.andersen_gill(
    ...     cgd, "treat + age", time="tstop", event="status", entry="tstart", id="id"
    ... )
    >>> fit.text("treat")
    'rate ratio of treat[rIFN-g] 0.33 (95% CI 0.18–0.60), p<0.001'
    """
    check_choice(ties, Ties, argument="ties")
    check_conf_level(conf_level)
    frame = as_frame(data)
    y = read_recurrent(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), weights=weights, cluster=cluster, offset=offset,
        missing=missing,
    )  # fmt: skip
    design = model_design(y, covariates)
    fit = fit_cox(y, design, ties=ties, ridge=None, robust=robust, conf_level=conf_level)
    return with_means(fit, name="Andersen-Gill regression", ratio="rate ratio")
