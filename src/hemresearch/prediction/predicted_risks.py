"""Risks that a fit predicts, as columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..competing import CauseSpecificFit, FineGrayFit
from ..errors import DataError, warn
from ..options import check_times
from ..regression.cox_fit import CoxFit
from ..regression.parametric_fit import ParametricFit
from ..regression.time_varying import TimeVaryingDesign

if TYPE_CHECKING:
    from ..fits import Fit


def predicted_risks(
    fit: Fit | CauseSpecificFit, data: Any, *, times: Any, name: str, cause: Any = None
) -> pl.DataFrame | pl.LazyFrame:
    """Add the probabilities of the event by each horizon that a fit predicts: `name_12`, `name_24`, ...

    Of Cox and parametric models 1 - survival, of Fine-Gray models and of cause-specific ones the incidence of
    the cause. As columns they are judged by `auc`, `brier_score` and the others, beside those of any other
    model.

    Parameters
    ----------
    fit
        Of `cox`, `parametric`, `fine_gray` or `cause_specific`; or one of this family's fitted estimators,
        also as the last step of a scikit-learn pipeline or as the best of its search.
    data
        The patients, with the covariates (and strata) of the fit.
    times
        The horizons, in the unit of the fit's times.
    name
        How the columns begin.
    cause
        Of a cause-specific fit: the event.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data with one column more for each horizon; lazy where they were. Null after the last follow-up of
        the fit.

    Raises
    ------
    DataError
        For a fit without risks, a cause that is missing or not needed, columns that are there already; and as
        the fit's `predict`.

    Warns
    -----
    DataWarning
        If the data are those of the fit: performance in them is apparent, better than in other patients.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60, 120], name="cox")
    >>> others.select("cox_60", "cox_120").head(2)
    shape: (2, 2)
    ┌──────────┬──────────┐
    │ cox_60   ┆ cox_120  │
    │ ---      ┆ ---      │
    │ f64      ┆ f64      │
    ╞══════════╪══════════╡
    │ 0.268911 ┆ 0.54033  │
    │ 0.116414 ┆ 0.264441 │
    └──────────┴──────────┘
    """
    horizons = check_times(times)
    given = as_frame(data)
    frame = given.collect() if isinstance(given, pl.LazyFrame) else given
    values = risks_of(fit, frame, horizons, cause)
    columns = [pl.Series(f"{name}_{t:g}", values[:, i]) for i, t in enumerate(horizons)]
    _refuse_taken([c.name for c in columns], frame.columns)
    _warn_if_apparent(fit, frame)
    added = frame.with_columns(c.fill_nan(None) for c in columns)
    return added.lazy() if isinstance(given, pl.LazyFrame) else added


def risks_of(fit: Any, frame: pl.DataFrame, times: np.ndarray, cause: Any) -> np.ndarray:
    """The risks of each row, one column for each horizon."""
    return _risks(fit, frame, times, cause).reshape(frame.height, len(times))


def _risks(fit: Any, frame: pl.DataFrame, times: np.ndarray, cause: Any) -> np.ndarray:
    """Risks, those of one row after those of the other."""
    if isinstance(fit, CauseSpecificFit):
        if cause is None:
            raise DataError(
                f"a fit of {len(fit.causes)} causes was given without the one whose risk is meant",
                argument="cause",
                expected="the label of one event",
                remedy=f"cause={fit.causes[0]!r}",
            )
        return fit.predict(frame, times=times, cause=cause)["estimate"].to_numpy()
    if cause is not None:
        raise DataError(
            f"{cause!r} was given with a fit of one event",
            argument="cause",
            expected="cause only with a fit of cause_specific",
            remedy="cause=None",
        )
    if isinstance(fit, FineGrayFit):
        return fit.predict(frame, times=times)["estimate"].to_numpy()
    if isinstance(fit, CoxFit | ParametricFit):
        return 1 - fit.predict(frame, times=times, kind="survival")["estimate"].to_numpy()
    if _is_estimator(fit):
        last, x = _last_step(fit, frame)
        return np.asarray(last.predict_risk(x, times))
    raise DataError(
        f"a {type(fit).__name__} predicts no risk by a time",
        argument="fit",
        expected="a fit of cox, parametric, fine_gray or cause_specific, or an estimator with predict_risk",
        remedy="a column of predictions of your own in the data",
    )


def _is_estimator(fit: Any) -> bool:
    """Whether a fit is an estimator with `predict_risk`, or ends with one."""
    fit = getattr(fit, "best_estimator_", fit)
    return hasattr(fit[-1] if hasattr(fit, "steps") else fit, "predict_risk")


def _last_step(fit: Any, frame: pl.DataFrame) -> tuple[Any, Any]:
    """The estimator, and what the steps before it make of the columns that were fitted."""
    fit = getattr(fit, "best_estimator_", fit)
    names = getattr(fit, "feature_names_in_", None)
    x = frame if names is None else frame.select(list(names))
    return (fit[-1], fit[:-1].transform(x) if len(fit) > 1 else x) if hasattr(fit, "steps") else (fit, x)


def _warn_if_apparent(fit: Any, frame: pl.DataFrame) -> None:
    """Warn where the covariates of the data are those of the fit, row by row."""
    if _is_estimator(fit):
        last, x = _last_step(fit, frame)
        last.warn_if_apparent(x)
        return
    first = next(iter(fit.fits.values())) if isinstance(fit, CauseSpecificFit) else fit
    design: Any = first.design
    if isinstance(design, TimeVaryingDesign):
        design = design.base
    if len(design.matrix) != frame.height or not np.ptp(design.matrix, axis=0).any():
        return
    if not np.array_equal(design.apply(frame), design.matrix):
        return
    warn(
        "has the patients of the fit, in whom its performance is apparent: better than in others",
        argument="data",
        expected="patients the fit has not seen, or a correction of optimism by resampling",
        remedy="predictions for other patients; with these, say that the performance is apparent",
    )


def _refuse_taken(names: list[str], known: list[str]) -> None:
    taken = [name for name in names if name in known]
    if taken or len(set(names)) < len(names):
        raise DataError(
            "is there already" if taken else "stands for two horizons alike in six digits",
            argument="name" if taken else "times",
            column=(taken or names)[0],
            expected="columns that are new" if taken else "horizons that differ",
            remedy="another name" if taken else "each horizon once",
        )
