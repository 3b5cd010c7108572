"""Predictions for patients whom the model has not seen, by cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, group_rows, read_table
from ..errors import DataError, counted
from ..options import check_number
from .resampling import Study, dealt, read_study

if TYPE_CHECKING:
    from ..columns import Column
    from .resampling import Fit


def cross_validated_risks(
    data: Any,
    fit: Fit,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    times: Any,
    name: str,
    folds: int = 10,
    by: Column | None = None,
    seed: int | None = None,
) -> pl.DataFrame | pl.LazyFrame:
    """Add risks of a model that was fitted without the patient: `name_12`, `name_24`, ...

    The patients are dealt into folds at random, those with the event and those without alike; or with `by`
    each of its groups, such as a hospital, is a fold (internal-external validation). For each fold the model
    is fitted to the others and predicts for it. As columns the risks are judged by `auc`, `brier_score`,
    `calibration` and the others, also within each group.

    Parameters
    ----------
    data, fit, time, event, event_value, cause, censored, times
        As in `bootstrap_validate`; every choice of the model belongs inside `fit`.
    name
        How the columns begin.
    folds
        How many; without `by`.
    by
        Column of groups, each of which is left out in turn.
    seed
        Of the dealing; needed without `by`.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data with one column more for each horizon; lazy where they were.

    Raises
    ------
    DataError
        For fewer than 2 folds or groups, more folds than patients, no seed, columns that are there already, a
        fit that is no function; and as the fit itself, whose failures are not hidden.

    References
    ----------
    Stone M. J R Stat Soc B 1974;36:111-147. Steyerberg EW, Harrell FE. J Clin Epidemiol 2016;69:245-247
    (internal-external).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb").head(300)
    >>> def model(patients):
    ...     return hem.regression.cox(patients, "age + hgb", time="futime", event="death")
    >>> unseen = cross_validated_risks(
    ...     mgus, model, time="futime", event="death", times=[60], name="cox", folds=5, seed=1
    ... )
    >>> auc = hem.prediction.auc(
    ...     unseen, time="futime", event="death", risks={"Cox": ["cox_60"]}, times=[60]
    ... )
    >>> round(auc.to_frame()["estimate"].item(), 2)
    0.74
    """
    study = read_study(
        data,
        fit,
        time=time,
        event=event,
        event_value=event_value,
        cause=cause,
        censored=censored,
        times=times,
    )
    names = [f"{name}_{t:g}" for t in study.times]
    _refuse_taken(names, study.frame.columns)
    fold = _dealt(study, folds, seed) if by is None else _groups(study, by)
    risks = np.empty((study.frame.height, len(study.times)))
    for k in range(int(fold.max()) + 1):
        left_out = fold == k
        own = study.fitted(study.frame.filter(pl.Series(~left_out)))
        risks[left_out] = study.risks(own, study.frame.filter(pl.Series(left_out)))
    added = study.frame.with_columns(
        pl.Series(column, risks[:, i]).fill_nan(None) for i, column in enumerate(names)
    )
    return added.lazy() if isinstance(as_frame(data), pl.LazyFrame) else added


def _dealt(study: Study, folds: int, seed: int | None) -> np.ndarray:
    """The fold of each patient, dealt at random."""
    n = study.frame.height
    check_number(
        folds, argument="folds", at_least=2, below=n + 1, expected="2 to the number of patients", example=10
    )
    if seed is None:
        raise DataError(
            "folds are dealt at random, and no seed was given",
            argument="seed",
            expected="a number, so that the same folds come again",
            remedy="seed=1",
        )
    return dealt(study.happened(), int(folds), seed)


def _groups(study: Study, by: Column) -> np.ndarray:
    groups = group_rows(read_table(study.frame, {"by": by}, missing="raise"))
    if len(groups) < 2:
        raise DataError(
            f"holds {counted(len(groups), 'group')}",
            argument="by",
            column=groups.names[0],
            expected="at least two groups, each of which is left out in turn",
            remedy="folds=10, seed=1",
        )
    return np.asarray(groups.code)


def _refuse_taken(names: list[str], known: list[str]) -> None:
    for name in names:
        if name in known:
            raise DataError(
                "is in the data already",
                argument="name",
                column=name,
                expected="names that are not taken",
                remedy="name='unseen'",
            )
