"""Several models judged in the same patients, in one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from .. import formats
from ..options import Missing
from ..results import Result
from .auc import auc
from .brier import brier_score
from .calibration import calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..columns import Column
    from .calibration_result import Calibration
    from .performance import Performance
    from .predictions import Predictions

CALIBRATION = {"observed/expected": "observed_expected", "slope": "slope", "ICI": "ici"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ModelComparison(Result):
    """Discrimination, accuracy and calibration of several models at horizons.

    Attributes
    ----------
    discrimination, accuracy, calibration
        The results of `auc`, `brier_score` and `calibration`, with all of their limits.
    """

    discrimination: Performance = field(repr=False)
    accuracy: Performance = field(repr=False)
    calibration: Calibration = field(repr=False)

    def to_frame(self) -> pl.DataFrame:
        """One row per model and horizon.

        `model`, `time`, `auc` with `auc_low` and `auc_high`, `brier`, `ipa`, `observed_expected`, `slope`,
        `ici`.
        """
        keys = ["model", "time"]
        order = self.discrimination.frame.select(
            *keys, auc="estimate", auc_low="conf_low", auc_high="conf_high"
        )
        accuracy = self.accuracy.frame.select(*keys, "ipa", brier="estimate")
        terms = self.calibration.frame.filter(pl.col("term").is_in(list(CALIBRATION)))
        agreement = terms.pivot("term", index=keys, values="estimate").rename(CALIBRATION, strict=False)
        joined = order.join(accuracy, on=keys, how="left", maintain_order="left")
        wanted = ["auc", "auc_low", "auc_high", "brier", "ipa", *CALIBRATION.values()]
        return joined.join(agreement, on=keys, how="left", maintain_order="left").select(*keys, *wanted)

    @property
    def conf_level(self) -> float:
        """Of all limits."""
        return self.discrimination.conf_level

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        return {"estimate": "AUC"}

    def tabled(self) -> pl.DataFrame:
        """What a table shows: the AUC with its limits, and the other measures."""
        return self.to_frame().rename({"auc": "estimate", "auc_low": "conf_low", "auc_high": "conf_high"})

    def plot(self, **options: Any) -> list[Axes]:
        """Draw AUC and Brier score over the horizons, calibration at the last: `hem.plots.draw_models`."""
        from ..plots import draw_models

        return draw_models(
            self.discrimination.frame,
            self.accuracy.frame,
            self.calibration.curve,
            groups=self.calibration.groups,
            **options,
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence for each model at each horizon."""
        parts = [
            f"{row['model']} at {row['time']:g}: AUC "
            f"{formats.interval(row['auc'], row['auc_low'], row['auc_high'], decimals)}, IPA "
            f"{formats.number(row['ipa'], decimals)}, observed/expected "
            f"{formats.number(row['observed_expected'], decimals)}, slope "
            f"{formats.number(row['slope'], decimals)}"
            for row in self.to_frame().iter_rows(named=True)
        ]
        return "; ".join(parts)

    def __repr__(self) -> str:
        d = self.discrimination
        lines = [
            f"  {row['model']} at {row['time']:g}: AUC {formats.significant(row['auc'])}, "
            f"Brier {formats.significant(row['brier'])}, IPA {formats.significant(row['ipa'])}, "
            f"observed/expected {formats.significant(row['observed_expected'])}, "
            f"slope {formats.significant(row['slope'])}"
            for row in self.to_frame().iter_rows(named=True)
        ]
        head = f"models compared, n={formats.count(d.n)}, events={formats.count(d.n_event)}"
        return "\n".join([head, *lines])


def compare_models(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any,
    groups: int = 5,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> ModelComparison:
    """Judge several models in the same patients: discrimination, accuracy and calibration at horizons.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `kaplan_meier`.
    cause, censored, risks, times, conf_level
        As in `auc`: for each model one column of risks per horizon.
    groups
        Of the calibration.

    Returns
    -------
    ModelComparison
        `.to_frame()` has one row per model and horizon, `.plot()` draws them side by side; differences with
        tests are in `auc_difference` and `brier_difference`.

    Raises
    ------
    DataError
        As `auc`, `brier_score` and `calibration`.

    References
    ----------
    Steyerberg EW, Vergouwe Y. Eur Heart J 2014;35:1925-1931.

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> others = mgus.tail(600)
    >>> for name in ("age", "age + hgb"):
    ...     fit = hem.regression.cox(mgus.head(700), name, time="futime", event="death")
    ...     others = hem.prediction.predicted_risks(fit, others, times=[60], name=name)
    >>> found = compare_models(
    ...     others, time="futime", event="death", times=[60],
    ...     risks={"Age": ["age_60"], "Age and Hb": ["age + hgb_60"]},
    ... )
    >>> found.to_frame().select("model", pl.col("auc", "slope").round(2)).rows()
    [('Age', 0.66, 0.59), ('Age and Hb', 0.69, 0.69)]
    """
    roles: dict[str, Any] = {
        "time": time, "event": event, "event_value": event_value, "cause": cause, "censored": censored,
        "risks": risks, "times": times, "conf_level": conf_level, "missing": missing,
    }  # fmt: skip
    return ModelComparison(
        auc(data, **roles), brier_score(data, **roles), calibration(data, **roles, groups=groups)
    )
