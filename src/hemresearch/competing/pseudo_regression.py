"""Regression of pseudo-values: effects on probabilities and means themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import as_frame
from ..design import covariate_columns
from ..errors import ConvergenceError, DataError
from ..formats import significant
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.gee import LINKS, Solution, independence_equations
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import Survival, read_survival
from ..outcomes_competing import read_competing
from ..regression.cox_solution import check_clusters
from ..survival import pseudo_values as survival_pseudo_values
from .cause_specific_fit import called
from .pseudo_fit import PseudoFit, time_columns
from .pseudo_values import PseudoMethod, pseudo_values

if TYPE_CHECKING:
    import polars as pl

    from ..columns import Column, Columns
    from ..design import Covariates, Design

PseudoLink = Literal["identity", "log", "logit", "cloglog"]
# What the exponential of a coefficient is, for each quantity and each link that has a meaning for it.
RATIOS: dict[str, dict[str, str]] = {
    "cumulative incidence": {
        "identity": "", "log": "risk ratio", "logit": "odds ratio", "cloglog": "subdistribution hazard ratio",
    },
    "survival": {
        "identity": "", "log": "survival ratio", "logit": "survival odds ratio", "cloglog": "hazard ratio",
    },
    "time lost": {"identity": "", "log": "time lost ratio"},
    "restricted mean survival": {"identity": "", "log": "restricted mean ratio"},
}  # fmt: skip


def pseudo_regression(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    cluster: Column | None = None,
    censoring_by: Columns = None,
    times: Any = None,
    tau: float | None = None,
    link: PseudoLink = "identity",
    method: PseudoMethod = "jackknife",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> PseudoFit:
    """Effects of covariates on the incidence of a cause or on survival at given times, or on mean times.

    With a `cause` among competing events: its cumulative incidence at `times`, or the time lost to it up to
    `tau`. Without: survival at `times`, or the mean event-free time up to `tau`. Each patient's pseudo-value
    (see `pseudo_values`) stands for what would be known of the patient without censoring, 1 or 0 for having
    had the event by t, so that its mean given the covariates is the quantity itself:

        g(theta(t | x)) = a(t) + x'b,

    solved by generalised estimating equations with independent working covariance; the effects b are common
    to the times. No hazards are modelled, and none need be proportional, but for what the link says of
    several times. Censoring has to be independent of the covariates, or so within groups of `censoring_by`.

    Parameters
    ----------
    data
        Any table with one row per patient; there is no delayed entry.
    covariates
        A right-hand-side formula, `"age + C(group, ref='B')"`, or a list of columns.
    time, event
        Follow-up in any one unit, and what ended it: labels with a `cause`, else Boolean or 0/1.
    event_value
        Without a cause: the value (or values) of `event` that counts as the event.
    cause, censored
        The cause, and the label that means censored, as in `cumulative_incidence`.
    cluster
        Groups of related patients, between whom the variance is.
    censoring_by
        Groups within which the pseudo-values are made, so that censoring may differ between them.
    times
        One time or several, not beyond the last follow-up.
    tau
        Instead, the horizon of a mean time.
    link
        "identity": differences of probabilities or of mean times. "log": their ratios. Of probabilities also
        "logit" (odds ratios) and "cloglog": log(-log(1 - F)), or log(-log S) of survival, whose coefficients
        are log hazard ratios, of the subdistribution where others compete (as in Fine and Gray's model).
    method
        "jackknife" or "infinitesimal" pseudo-values.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out, before pseudo-values are made.

    Returns
    -------
    PseudoFit
        With `.to_frame(exponentiate=True)` where there are ratios, `.tests()`, `.text(term)` and
        `.predict(new)`. The coefficient `intercept` is that at the first time; `time 24` is what the
        intercept at 24 has more.

    Raises
    ------
    DataError
        As `pseudo_values`; for a link that has no meaning for a mean, several causes, collinear covariates,
        and a time that is asked for twice.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If no coefficients solve the equations: with the links but "identity" a group without events has none.

    Warns
    -----
    DataWarning
        If there are more coefficients than events, or few clusters.

    Notes
    -----
    The sandwich variance takes the pseudo-values of patients as independent. It is a little too large
    (Jacobsen and Martinussen 2016), so that limits hold the truth at least as often as they say.

    References
    ----------
    Andersen PK, Klein JP, Rosthoj S. Biometrika 2003;90:15-27. Klein JP, Andersen PK. Biometrics
    2005;61:223-229 (competing risks). Andersen PK, Hansen MG, Klein JP. Lifetime Data Anal 2004;10:335-350
    (means). Jacobsen M, Martinussen T. Scand J Stat 2016;43:845-862.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplanted = hem.data.load("bmtcrr")
    >>> fit = hem.competing.pseudo_regression(
    ...     transplanted, "Age + D", time="ftime", event="Status", cause=1, times=[12, 24], link="cloglog"
    ... )
    >>> fit.text("D")
    'subdistribution hazard ratio of D[AML] 0.70 (95% CI 0.39–1.27), p=0.24'
    """
    check_choice(link, PseudoLink, argument="link")
    check_choice(method, PseudoMethod, argument="method")
    check_conf_level(conf_level)
    quantity = _quantity(cause, tau)
    _refuse_link(link, quantity)
    frame = as_frame(data).lazy().collect()
    roles: dict[str, Any] = {"time": time, "event": event}
    roles |= {"event_value": event_value} if cause is None else {"censored": censored}
    y = _read(frame, covariates, roles, cause, cluster, censoring_by, missing)
    design = model_design(y, covariates, intercept=True)
    refuse_collinear(design.matrix[:, 1:], design.columns[1:])
    roles |= {"by": censoring_by, "times": times, "tau": tau, "method": method}
    if cause is None:
        found = survival_pseudo_values(_rows(frame, y), **roles)
    else:
        found = pseudo_values(_rows(frame, y), **roles, cause=cause)
    scale = "log-log" if quantity == "survival" and link == "cloglog" else link
    wanted = found["time"].head(len(found) // len(y)).to_numpy()
    _refuse_repeated(wanted)
    solution = _solved(y, design, found["pseudo_value"].to_numpy(), wanted, link, scale)
    return PseudoFit(
        name="regression of pseudo-values",
        method=f"{link} link, independent working covariance",
        columns=(*design.columns, *(f"time {significant(t, 6)}" for t in wanted[1:])),
        terms={term: at for term, at in design.terms.items() if at != slice(0, 1)},
        coef=solution.coef,
        cov=solution.cov,
        variance="sandwich",
        log_likelihood=float("nan"),
        log_likelihood_null=float("nan"),
        n=len(y),
        n_event=int(y.event.sum()),
        conf_level=conf_level,
        ratio=RATIOS[quantity][link],
        df=float(len(solution.coef)),
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
        quantity=quantity if cause is None else f"{quantity} {'of' if tau is None else 'to'} {called(cause)}",
        link=link,
        scale=scale,
        times=tuple(wanted.tolist()),
        n_clusters=len(y) if y.cluster is None else int(y.cluster.max()) + 1,
        cluster=y.names.get("cluster"),
        censoring_by=", ".join(y.group.names),
    )


def _read(
    frame: pl.DataFrame, covariates: Covariates, roles: dict[str, Any], cause: Any, cluster: Any,
    censoring_by: Columns, missing: Missing,
) -> Survival:  # fmt: skip
    """The complete rows; of competing events with the one that was asked for as the event."""
    shared = {"covariates": covariate_columns(covariates, frame), "cluster": cluster, "missing": missing}
    if cause is None:
        return read_survival(frame, **roles, by=censoring_by, **shared)
    y = read_competing(frame, **roles, censoring_by=censoring_by, **shared)
    return y.of_cause(y.one_number(cause))


def _rows(frame: pl.DataFrame, y: Survival) -> pl.DataFrame:
    """The rows of the data that were complete."""
    return frame if y.row is None else frame[y.row]


def _solved(
    y: Survival, design: Design, values: np.ndarray, wanted: np.ndarray, link: str, scale: str
) -> Solution:
    """The solution of the estimating equations, values of a patient standing together."""
    n_times = len(wanted)
    x = np.repeat(design.matrix, n_times, axis=0)
    x = np.hstack([x, np.tile(time_columns(n_times), (len(y), 1))])
    warn_if_crowded(design.matrix.shape[1] - 1, int(y.event.sum()), "covariates", "fewer terms")
    owner = np.arange(len(y)) if y.cluster is None else y.cluster
    if y.cluster is not None:
        check_clusters(y, int(owner.max()) + 1, x.shape[1])
    solution = independence_equations(x, values, np.repeat(owner, n_times), LINKS[scale])
    if not solution.solved:
        raise ConvergenceError(
            f"no finite coefficients solve the equations with the {link} link, as where nobody of a group "
            "has the event by some time, or everybody; link='identity' has a solution"
        )
    return solution


def _quantity(cause: Any, tau: Any) -> str:
    """What is modelled, by what was given."""
    if cause is None:
        return "survival" if tau is None else "restricted mean survival"
    return "cumulative incidence" if tau is None else "time lost"


def _refuse_link(link: str, quantity: str) -> None:
    if link not in RATIOS[quantity]:
        raise DataError(
            f"{link!r} was asked of a mean time, and is a scale of probabilities",
            argument="link",
            expected=f"{' or '.join(map(repr, RATIOS[quantity]))} with tau",
            remedy="link='log', or times=... instead of tau",
        )


def _refuse_repeated(wanted: np.ndarray) -> None:
    if len(np.unique(wanted)) < len(wanted):
        raise DataError(
            "holds a time twice",
            argument="times",
            expected="each time once",
            remedy=f"times={np.unique(wanted).tolist()}",
        )
