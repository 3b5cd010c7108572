"""What validation by resampling shares: a model that is fitted anew, and how well it does elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame
from ..competing import CauseSpecificFit
from ..errors import DataError, counted, warn
from ..options import check_times
from ..outcomes import read_survival
from ..outcomes_competing import read_competing
from .auc import auc
from .brier import brier_score
from .predicted_risks import risks_of

if TYPE_CHECKING:
    from ..columns import Column

MODEL = "model"
MEASURES = ("AUC", "Brier score", "IPA")
FEWEST = 0.9  # of the fits that must succeed

Fit = Callable[[pl.DataFrame], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Patients, their outcome, the horizons, and how a model is fitted to some of them."""

    frame: pl.DataFrame
    fit: Fit
    outcome: dict[str, Any]
    times: np.ndarray

    def happened(self) -> np.ndarray:
        """Who has the event."""
        roles = {name: self.outcome[name] for name in ("time", "event")}
        if self.outcome["cause"] is None:
            return read_survival(self.frame, **roles, event_value=self.outcome["event_value"]).event
        y = read_competing(self.frame, **roles, censored=self.outcome["censored"])
        return np.asarray(y.cause == y.one_number(self.outcome["cause"]))

    def fitted(self, frame: pl.DataFrame) -> Any:
        """The model of some patients, all of its choices made again in them."""
        return self.fit(frame)

    def risks(self, fit: Any, frame: pl.DataFrame) -> np.ndarray:
        """What a fit predicts for patients, one column for each horizon."""
        cause = self.outcome["cause"] if isinstance(fit, CauseSpecificFit) else None
        return risks_of(fit, frame, self.times, cause)

    def judged(self, risks: np.ndarray, frame: pl.DataFrame) -> np.ndarray:
        """AUC, Brier score and IPA of predictions, one row each, one column for each horizon."""
        names = [f"__risk_{i}" for i in range(len(self.times))]
        named = frame.with_columns(pl.Series(n, risks[:, i]) for i, n in enumerate(names))
        options = {**self.outcome, "risks": {MODEL: names}, "times": self.times}
        accuracy = brier_score(named, **options).frame.filter(model=MODEL)
        return np.array([auc(named, **options).frame["estimate"], accuracy["estimate"], accuracy["ipa"]])


def read_study(
    data: Any,
    fit: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any,
    cause: Any,
    censored: Any,
    times: Any,
) -> Study:
    """The patients as a frame, and a model that can be fitted to any of them."""
    if not callable(fit):
        raise DataError(
            f"a {type(fit).__name__} was given, which cannot be fitted anew",
            argument="fit",
            expected="a function from patients to a fit, in which every choice of the model is made again",
            remedy="fit=lambda d: hem.regression.cox(d, 'age', time=..., event=...)",
        )
    given = as_frame(data)
    frame = given.collect() if isinstance(given, pl.LazyFrame) else given
    outcome = {"time": time, "event": event, "event_value": event_value, "cause": cause, "censored": censored}
    return Study(frame, fit, outcome, check_times(times))


def dealt(happened: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row; those with the event are dealt first, so that each fold has its share."""
    n = len(happened)
    order = np.random.default_rng(seed).permutation(n)
    order = order[np.argsort(~happened[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % folds
    return fold


def settled(results: list[Any], what: str) -> list[Any]:
    """The results of the fits that succeeded; few failures are counted in a warning, many are refused."""
    good = [r for r in results if r is not None]
    failed = len(results) - len(good)
    if len(good) < FEWEST * len(results):
        raise DataError(
            f"the model could not be fitted in {failed} of {counted(len(results), what)}",
            argument="fit",
            expected="a model that can be fitted to such patients",
            remedy="a simpler model, rarer levels joined, or a penalty",
        )
    if failed:
        warn(
            f"could not be fitted, or judged, in {failed} of {counted(len(results), what)}: left out",
            argument="fit",
            expected="a model that can be fitted to such patients",
            remedy="a simpler model, rarer levels joined, or a penalty",
        )
    return good
