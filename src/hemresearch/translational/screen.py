"""One model or test of the outcome for each of thousands of features."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import erfc

from ..columns import as_frame
from ..design import covariate_columns
from ..errors import DataError, counted, listed, warn
from ..model_design import model_design, refuse_collinear
from ..numerics.intervals import normal_quantile
from ..numerics.screening import (
    CONSTANT,
    ESTIMATED,
    NO_EVENTS,
    NOT_CONVERGED,
    SEPARATED,
    Screened,
    screen_cox,
)
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import Survival, read_survival
from ..regression.cox import refuse_no_events
from ..regression.cox_solution import rows_of
from .features import Features, read_features
from .q_values import Adjust, checked_adjustment
from .screen_result import Screen, Size

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates
    from ..numerics.cox_rows import CoxRows

Method = Literal["cox", "logrank", "fine-gray"]
Test = Literal["likelihood-ratio", "wald", "score"]
Ties = Literal["efron", "breslow"]
PARTS = 16  # that threads take in turn
REMEDIES = {
    "cause": "method='fine-gray'",
    "censored": "event_value='the label of the event'",
    "event_value": "cause='the label of the event'",
}
STATUS = {
    ESTIMATED: "ok",
    CONSTANT: "no information",
    SEPARATED: "infinite",
    NO_EVENTS: "no events",
    NOT_CONVERGED: "no maximum",
}


def screen(
    data: Any,
    features: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    strata: Columns = None,
    covariates: Covariates | None = None,
    matrix: Any = None,
    method: Method = "cox",
    test: Test | None = None,
    ties: Ties | None = None,
    adjust: Adjust = "bh",
    conf_level: float = 0.95,
    missing: Missing = "raise",
    n_jobs: int = 1,
) -> Screen:
    """The association of each of many features with the time to an event, one feature at a time.

    With "cox" the estimate is the log hazard ratio of a unit of the feature by maximum partial likelihood,
    the number that `hem.regression.cox` gives for it, given the covariates if there are any; with "fine-gray"
    the log subdistribution hazard ratio. The log-rank test compares the values of a feature as groups and
    estimates nothing. Rows are sorted once for all features: 20 000 of them in 500 patients take tenths of a
    second in Cox and Fine-Gray models, and a second or two in log-rank tests.

    Parameters
    ----------
    data
        One row per patient.
    features
        Names of columns, a polars selector such as `cs.starts_with("gene_")`, or the names of the columns of
        `matrix`. Numbers, or true and false; of any type with few values for the log-rank test.
    time, event, event_value
        Follow-up, and whether it ended with the event.
    cause, censored
        With "fine-gray", whose `event` holds labels: as in `hem.competing.fine_gray`.
    strata
        Columns whose combinations have baseline hazards of their own.
    covariates
        What every model is adjusted for: a formula or a list of columns.
    matrix
        An array of numbers with a row per row of `data` (in its order) and a column per name in `features`.
    method
        "cox", "logrank" or "fine-gray" (which takes milliseconds for each feature if there are covariates or
        strata, and for each with missing values).
    test
        With "cox": "likelihood-ratio" (the default: it holds where an estimate is infinite and Wald's test
        says nothing), "wald" or "score". With "fine-gray" Wald's, with the log-rank test its own.
    ties
        "efron" (default with "cox") or "breslow" (default with "fine-gray").
    adjust
        How `q_value` is made of the p-values, see `q_values`.
    conf_level
        Level of the limits, which are Wald's.
    missing
        "raise", or "drop": rows without outcome, stratum or covariate are left out, and of each feature those
        in which it is missing; `n` says how many remain.
    n_jobs
        Threads for the Cox models. Nothing in the result depends on it.

    Returns
    -------
    Screen
        `.to_frame()` has a row per feature in the order given: feature, n, n_event, estimate, std_error,
        statistic, df, p_value, conf_low, conf_high, q_value, and `status`: "ok"; "infinite" (the
        feature puts those with the event in order: infinite estimate, without limits); "no information" (the
        same for all at risk, or a combination of the covariates), "no events" and "no maximum", all null.
        `.top(n)`, `.plot()`.

    Raises
    ------
    DataError
        Features that are not there, have no numbers or infinite ones, or are missing in some rows; a matrix
        of another size; arguments of another method; and as `cox`.

    Warns
    -----
    DataWarning
        If there are features without an estimate, or with an infinite one; and with fewer than 50 events of
        the cause of Fine-Gray models, whose robust Wald tests then find too much (with 20 events, 7 % of
        useless markers at 5 %, and 4 of a thousand at 0.1 %).

    Notes
    -----
    A screen looks for candidates. The largest of many estimates is too large (the winner's curse), and a
    score made of them must be judged on other patients: see `signature`.

    References
    ----------
    Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565. Fine JP, Gray RJ. J Am
    Stat Assoc 1999;94:496-509. Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> hem.translational.screen(trial, ["karno", "age", "diagtime"], time="time", event="status")
    Cox models of one feature each: 3 features, n=137, events=128
      karno: log hazard ratio -0.03342, p 8.983e-11, q 2.695e-10
      diagtime: log hazard ratio 0.0091, p 0.3397, q 0.429
      age: log hazard ratio 0.0075, p 0.429, q 0.429
    Efron ties, likelihood-ratio tests, q-values by Benjamini and Hochberg
    """
    _check_arguments(method, test, ties, adjust, cause, censored, event_value, covariates)
    check_conf_level(conf_level)
    frame = as_frame(data).lazy().collect()
    roles: dict[str, Any] = {"time": time, "event": event, "strata": strata, "missing": missing}
    if method == "fine-gray":
        from .screen_fine_gray import screen_fine_gray

        found, size = screen_fine_gray(
            frame, features, matrix, covariates, {**roles, "censored": censored}, cause, ties or "breslow"
        )
    else:
        wanted = None if covariates is None else covariate_columns(covariates, frame)
        y = read_survival(frame, **roles, event_value=event_value, covariates=wanted)
        refuse_no_events(y)
        chosen = read_features(frame, features, matrix, outcome=used_columns(y)).rows(y.row)
        if method == "cox":
            found = _cox(y, chosen, covariates, test or "likelihood-ratio", ties or "efron", missing, n_jobs)
        else:
            from .screen_logrank import screen_logrank

            found = screen_logrank(y, chosen, missing)
        size = Size(len(y), int(y.event.sum()), y.n_dropped)
    return _result(found, size, method, test, ties, covariates, strata, adjust, conf_level)


def used_columns(y: Survival) -> tuple[str, ...]:
    """The columns that cannot be features: those of the outcome, strata and covariates."""
    return (*y.names.values(), *y.stratum.names, *y.covariates.columns)


def _check_arguments(
    method: Any,
    test: Any,
    ties: Any,
    adjust: Any,
    cause: Any,
    censored: Any,
    event_value: Any,
    covariates: Covariates | None,
) -> None:
    check_choice(method, Method, argument="method")
    check_choice(adjust, Adjust, argument="adjust")
    for value, choices, argument in ((test, Test, "test"), (ties, Ties, "ties")):
        if value is not None:
            check_choice(value, choices, argument=argument)
    misplaced = {
        "test": test is not None and method != "cox" and (method, test) != ("fine-gray", "wald"),
        "ties": ties is not None and method == "logrank",
        "covariates": covariates is not None and method == "logrank",
        "cause": (cause is None) == (method == "fine-gray"),
        "censored": censored != "default" and method != "fine-gray",
        "event_value": event_value is not None and method == "fine-gray",
    }
    for argument in (name for name, is_so in misplaced.items() if is_so):
        absent = argument == "cause" and cause is None
        raise DataError(
            f"was {'not ' if absent else ''}given with method={method!r}",
            argument=argument,
            expected="the label of one cause" if absent else f"no {argument} there",
            remedy="cause='relapse'" if absent else REMEDIES.get(argument, "method='cox'"),
        )


def _cox(
    y: Survival,
    features: Features,
    covariates: Covariates | None,
    test: Test,
    ties: Ties,
    missing: Missing,
    n_jobs: int,
) -> pl.DataFrame:
    """Every feature in a Cox model of its own."""
    values = features.values()
    features.check_missing(missing, values)
    design = model_design(y, covariates)
    refuse_collinear(design.matrix, design.columns)
    s = _in_threads(values, rows_of(y, design.matrix), ties == "efron", n_jobs)
    statistic = {"likelihood-ratio": s.likelihood_ratio, "wald": s.wald, "score": s.score}[test]
    return pl.DataFrame(
        {
            "feature": features.names,
            "n": s.n.astype(np.int64),
            "n_event": s.n_event.astype(np.int64),
            "estimate": s.coef,
            "std_error": s.std_error,
            "statistic": statistic,
            "df": np.where(np.isnan(statistic), np.nan, 1.0),
            "p_value": erfc(np.sqrt(statistic / 2)),  # chi-squared with one degree of freedom
            "status": [STATUS[int(code)] for code in s.status],
        }
    )


def _in_threads(values: np.ndarray, rows: CoxRows, efron: bool, n_jobs: int) -> Screened:
    """Parts of the features one after the other, or several at a time."""
    from joblib import Parallel, delayed  # type: ignore[import-untyped]

    parts = np.array_split(values, PARTS) if n_jobs != 1 else [values]
    run = Parallel(n_jobs=n_jobs, require="sharedmem")
    found = run(delayed(screen_cox)(part, rows, efron=efron) for part in parts)
    names = [f.name for f in fields(Screened)]
    return Screened(*(np.concatenate([getattr(part, name) for part in found]) for name in names))


def _result(
    found: pl.DataFrame,
    size: Size,
    method: Method,
    test: Test | None,
    ties: Ties | None,
    covariates: Covariates | None,
    strata: Columns,
    adjust: Adjust,
    conf_level: float,
) -> Screen:
    """Limits and q-values beside the estimates."""
    half = normal_quantile(conf_level) * pl.col("std_error")
    q = pl.Series("q_value", checked_adjustment(found["p_value"].to_numpy(), adjust))
    frame = found.with_columns(
        conf_low=pl.col("estimate") - half, conf_high=pl.col("estimate") + half, q_value=q
    ).with_columns(pl.selectors.float().fill_nan(None))
    order = ["p_value", "conf_low", "conf_high", "q_value", "status"]
    frame = frame.select(pl.exclude(order), *order)
    _warn_of_failures(frame)
    told = {"cox": test or "likelihood-ratio", "fine-gray": "wald", "logrank": "log-rank"}[method]
    default = {"cox": "efron", "fine-gray": "breslow", "logrank": None}[method]
    adjusted_for = "" if covariates is None else ", adjusted for covariates"
    return Screen(
        frame=frame,
        method=method,
        test=told,
        ties=ties or default,
        adjust=adjust,
        conf_level=conf_level,
        size=size,
        setting=adjusted_for + ("" if strata is None else ", stratified"),
    )


def _warn_of_failures(frame: pl.DataFrame) -> None:
    """Warn of features that have no estimate, or an infinite one."""
    counts = frame.filter(pl.col("status") != "ok").group_by("status", maintain_order=True).len()
    if counts.height == 0:
        return
    parts = [f"{n} with {status!r}" for status, n in counts.sort("status").rows()]
    warn(
        f"{counted(int(counts['len'].sum()), 'feature')} of {frame.height} without a finite estimate: "
        f"{listed(parts)}",
        argument="features",
        expected="features that differ between patients at risk, and a maximum of each likelihood",
        remedy="result.to_frame().filter(pl.col('status') != 'ok') to see them",
    )
