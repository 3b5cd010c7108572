"""How well a model would do in other patients of the same kind, by the bootstrap."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import ConvergenceError, DataError
from ..options import check_number
from ..parallel import each
from .resampling import MEASURES, Study, read_study, settled
from .validation_result import Validation

if TYPE_CHECKING:
    from ..columns import Column
    from .resampling import Fit


def bootstrap_validate(
    data: Any,
    fit: Fit,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    times: Any,
    n_boot: int = 200,
    seed: int,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Validation:
    """AUC, Brier score and IPA of a model corrected for optimism (Harrell).

    Each time the model is fitted anew to as many patients drawn with replacement; how much better it does in
    these than in all is its optimism, and the mean optimism is taken from the apparent performance. The
    estimand is the performance of such a model in new patients of the same population, not in another one.

    Parameters
    ----------
    data
        One row per patient; all that the model needs.
    fit
        A function from a table of patients to a fit of `cox`, `parametric`, `fine_gray` or
        `cause_specific`, or to an estimator such as a pipeline. Every choice belongs inside: selection of
        covariates, cut-points, knots, imputation. What is chosen before it is not corrected for.
    time, event, event_value
        As in `kaplan_meier`.
    cause, censored
        As in `auc`, where events compete.
    times
        The horizons.
    n_boot
        How often; 200 is usual.
    seed
        Of the draws.
    n_jobs
        How many at a time, by joblib: processes, or threads, Dask and others chosen by
        `joblib.parallel_config(backend=...)`. The result does not depend on it.
    progress
        Whether to show a bar; None shows it in a terminal only.

    Returns
    -------
    Validation
        For each measure and horizon: `measure`, `time`, `apparent`, `optimism`, and the corrected `estimate`.
        It has no confidence limits: those of the apparent performance would be too narrow.

    Raises
    ------
    DataError
        For a fit that is no function, fewer than 2 draws, a model that fails in more than a tenth of the
        draws; and as `auc`.

    Warns
    -----
    DataWarning
        If the model could not be fitted in some draws.

    References
    ----------
    Harrell FE, Lee KL, Mark DB. Stat Med 1996;15:361-387, section 4.3.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb").head(300)
    >>> def model(patients):
    ...     return hem.regression.cox(patients, "age + hgb", time="futime", event="death")
    >>> honest = bootstrap_validate(
    ...     mgus, model, time="futime", event="death", times=[60], n_boot=20, seed=1
    ... )
    >>> honest.to_frame()["optimism"].round(2).to_list()
    [0.0, -0.0, 0.01]
    """
    check_number(n_boot, argument="n_boot", at_least=2, expected="a number of draws", example=200)
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
    apparent = _performance(study, study.frame)[0]
    draws = _draws(study, n_boot, seed, n_jobs, progress)
    good = settled(draws, "draw")
    optimism = np.mean(good, axis=0)
    frame = pl.DataFrame(
        {
            "measure": np.repeat(MEASURES, len(study.times)),
            "time": np.tile(study.times, len(MEASURES)),
            "apparent": apparent.ravel(),
            "optimism": optimism.ravel(),
            "estimate": (apparent - optimism).ravel(),
        }
    )
    return Validation(frame, study.frame.height, float(study.happened().sum()), n_boot, n_boot - len(good))


def _draws(
    study: Study, n_boot: int, seed: int, n_jobs: int, progress: bool | None
) -> list[np.ndarray | None]:
    streams = np.random.SeedSequence(seed).spawn(n_boot)
    return each(partial(_optimism, study), streams, n_jobs=n_jobs, name="bootstrap", progress=progress)


def _optimism(study: Study, stream: np.random.SeedSequence) -> np.ndarray | None:
    """How much better the model of a draw does in it than in all; None where it cannot be fitted."""
    drawn = np.random.default_rng(stream).integers(0, study.frame.height, study.frame.height)
    try:
        own, elsewhere = _performance(study, study.frame[np.sort(drawn)], study.frame)
    except (ConvergenceError, DataError):
        return None
    return own - elsewhere


def _performance(study: Study, frame: pl.DataFrame, *others: pl.DataFrame) -> list[np.ndarray]:
    """Of the model of some patients in themselves, then in others."""
    fit = study.fitted(frame)
    return [study.judged(study.risks(fit, f), f) for f in (frame, *others)]
