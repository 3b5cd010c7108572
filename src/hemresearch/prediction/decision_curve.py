"""Net benefit: whether acting on a prediction does more good than harm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted, warn
from ..numerics.decisions import net_benefit
from ..numerics.horizon_risk import risk_by
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_conf_level
from ..results import Estimates
from .judged import horizon_of, is_binary, read_judged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..columns import Column
    from .predictions import Judged, Predictions

ALL, NONE = "treat all", "treat none"
DIGITS = 12  # thresholds of a grid carry rounding error, and a risk at one of them is positive


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class DecisionCurve(Estimates):
    """Net benefit of each model, of treating all and of treating nobody, at each threshold."""

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        return {"estimate": "Net benefit"}

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the net benefit over the thresholds: `hem.plots.draw_decision_curve`."""
        from ..plots import draw_decision_curve

        return draw_decision_curve(self.frame, ax=ax, **options)

    def useful(self) -> pl.DataFrame:
        """At which thresholds each model has a higher net benefit than treating all and than treating nobody.

        One row for each model (and horizon): `n_thresholds`, `n_useful` of them, and the first and last that
        is, `low` and `high`, null without any. Differences within sampling error count too.
        """
        over = [name for name in ("model", "time") if name in self.frame.columns]
        at = [name for name in ("time", "threshold") if name in self.frame.columns]
        everybody = self.frame.filter(model=ALL).select(*at, best=pl.max_horizontal("estimate", 0.0))
        models = self.frame.filter(~pl.col("model").is_in([ALL, NONE]))
        better = pl.col("threshold").filter(pl.col("estimate") > pl.col("best"))
        return (
            models.join(everybody, on=at, how="left", maintain_order="left")
            .group_by(over, maintain_order=True)
            .agg(n_thresholds=pl.len(), n_useful=better.len(), low=better.min(), high=better.max())
        )

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: where each model is of more use than treating all and than treating nobody."""
        return f"net benefit above that of {ALL} and {NONE}: " + "; ".join(self._said(decimals))

    def __repr__(self) -> str:
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.name}, n={formats.count(self.n)}, events={formats.count(self.n_event)}{dropped}"
        lines = [f"  {said}" for said in self._said(None)]
        above = f"above {ALL} and {NONE}:"
        return "\n".join([head, above, *lines, f"{formats.level(self.conf_level)} limits: {self.method}"])

    def _said(self, decimals: int | None) -> list[str]:
        def number(value: float) -> str:
            return formats.significant(value) if decimals is None else formats.number(value, decimals)

        parts = []
        for row in self.useful().iter_rows(named=True):
            label = row["model"] + (f" at {row['time']:g}" if "time" in row else "")
            span = f" ({number(row['low'])} to {number(row['high'])})" if row["n_useful"] else ""
            parts.append(
                f"{label}: at {row['n_useful']} of {counted(row['n_thresholds'], 'threshold')}{span}"
            )
        return parts


def decision_curve(
    data: Any,
    *,
    time: Column | None = None,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any = None,
    thresholds: Any,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> DecisionCurve:
    """Net benefit of treating those whose predicted risk is at or above a threshold.

    Whoever treats from a risk p on holds one missed event to be as bad as (1 - p) / p treatments without
    need.
    Per patient the net benefit is

        P(treated) {P(event by t | treated) - (1 - P(event by t | treated)) p / (1 - p)},

    the true positives less what the false ones cost, in units of true positives. A model is of use at p if it
    has more of it than treating all and than treating nobody (0). The risk of the treated is 1 - Kaplan-Meier
    among them, or Aalen-Johansen's with competing events.

    Parameters
    ----------
    data, event, event_value, missing
        As in `kaplan_meier`.
    time
        Follow-up; left out where the outcome is known for everybody (a binary outcome, without `times`).
    cause, censored, risks, times, conf_level
        As in `auc`.
    thresholds
        The risks from which one might treat: those that clinicians and patients would choose.

    Returns
    -------
    DecisionCurve
        For treat all, treat none and each model: `model`, `time` (if there are times), `threshold`, `n` (the
        treated), `true_positive` and `false_positive` (shares of all patients), `estimate` (net benefit),
        `std_error`, `conf_low`, `conf_high`, `standardized` (of the largest possible, the risk of all), and
        `avoided`: by how many treatments per patient the model spares more than treating all does, for the
        same true positives. Null where none of the treated is followed to the horizon.

    Raises
    ------
    DataError
        For thresholds that are not between 0 and 1, a model of the name of one of the two others, and as
        `calibration`.

    Warns
    -----
    DataWarning
        If the treated are not followed to the horizon at some thresholds.

    Notes
    -----
    Which model to use is a matter of the larger net benefit; the limits say how well it is known and not
    whether a model may be used (Vickers et al 2023). A model judged in its own patients looks too useful.

    References
    ----------
    Vickers AJ, Elkin EB. Med Decis Making 2006;26:565-574. Vickers AJ et al. BMC Med Inform Decis Mak
    2008;8:53 (censoring, competing events). Kerr KF et al. J Clin Oncol 2016;34:2534-2540 (standardised).
    Vickers AJ, Van Calster B, Wynants L, Steyerberg EW. Diagn Progn Res 2023;7:11 (limits).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60], name="cox")
    >>> hem.prediction.decision_curve(
    ...     others, time="futime", event="death", risks={"Cox": "cox_60"}, times=60,
    ...     thresholds=[0.1, 0.2, 0.3, 0.4, 0.5],
    ... )
    net benefit, n=600, events=392
    above treat all and treat none:
      Cox at 60: at 3 of 5 thresholds (0.3 to 0.5)
    95% limits: normal, risks of the treated by Kaplan-Meier or Aalen-Johansen
    """
    check_conf_level(conf_level)
    levels = check_thresholds(thresholds, of_risks=True)
    j = read_judged(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    _refuse_taken(j)
    rows = [row for place in range(len(j.times)) for row in _rows(j, place, levels)]
    _warn_of_unknown(rows)
    half = normal_quantile(conf_level) * pl.col("std_error")
    frame = pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))
    frame = frame.with_columns(conf_low=pl.col("estimate") - half, conf_high=pl.col("estimate") + half)
    order = pl.col("model").replace_strict({m: i for i, m in enumerate([ALL, NONE, *j.values])})
    last = ["standardized", "avoided"]
    return DecisionCurve(
        frame=frame.sort(order, maintain_order=True).select(pl.exclude(last), *last),
        name="net benefit",
        method="normal" if is_binary(j) else "normal, risks of the treated by Kaplan-Meier or Aalen-Johansen",
        conf_level=conf_level,
        n=len(j),
        n_event=float((j.cause == 1).sum()),
        n_dropped=j.y.n_dropped,
        time_unit=j.y.time_unit,
    )


def _rows(j: Judged, place: int, thresholds: np.ndarray) -> list[dict[str, Any]]:
    """Each strategy at each threshold for one horizon."""
    everybody = np.ones(len(j))
    risk = risk_by(j.y.time, j.cause, j.times[place])[0]
    strategies = {ALL: everybody, NONE: -everybody} | {m: columns[place] for m, columns in j.values.items()}
    found = []
    for model, values in strategies.items():
        for p in thresholds:
            treated = values >= p
            row = _benefit(j, treated, float(j.times[place]), p / (1 - p))
            of_all = risk - (1 - risk) * p / (1 - p)
            more = {
                "standardized": row["estimate"] / risk if risk > 0 else np.nan,
                "avoided": (row["estimate"] - of_all) * (1 - p) / p,
            }
            named = {"model": model} | horizon_of(j, place) | {"threshold": float(p)}
            found.append(named | {"n": int(treated.sum())} | row | more)
    return found


def _benefit(j: Judged, treated: np.ndarray, t: float, odds: float) -> dict[str, float]:
    """True and false positives, net benefit and its standard error."""
    share = float(treated.mean())
    risk, error = risk_by(j.y.time[treated], j.cause[treated], t) if share > 0 else (0.0, 0.0)
    value, std_error = net_benefit(share, risk, error, odds, len(j))
    return {
        "true_positive": share * risk,
        "false_positive": share * (1 - risk),
        "estimate": value,
        "std_error": std_error,
    }


def check_thresholds(thresholds: Any, *, of_risks: bool) -> np.ndarray:
    """Increasing thresholds of risks (between 0 and 1) or of scores (finite)."""
    try:
        levels = np.unique(np.round(np.asarray(thresholds, dtype=float).reshape(-1), DIGITS))
    except (TypeError, ValueError):
        levels = np.empty(0)
    bounded = ((levels > 0) & (levels < 1)).all() if of_risks else np.isfinite(levels).all()
    if len(levels) and bounded:
        return levels
    raise DataError(
        "something other than " + ("risks between 0 and 1" if of_risks else "finite numbers") + " was given",
        argument="thresholds",
        expected="one or several thresholds" + (" between 0 and 1" if of_risks else ""),
        remedy="thresholds=[0.05, 0.1, 0.2]",
    )


def _refuse_taken(j: Judged) -> None:
    for name in (ALL, NONE):
        if name in j.values:
            raise DataError(
                f"a model is called {name!r}, as is one of the strategies that it is compared with",
                argument="risks",
                expected="another name",
                remedy='risks={"model": ...}',
            )


def _warn_of_unknown(rows: list[dict[str, Any]]) -> None:
    unknown = [row for row in rows if np.isnan(row["estimate"])]
    if unknown:
        first = min(row["threshold"] for row in unknown)
        warn(
            f"leave no treated who is followed to the horizon ({counted(len(unknown), 'row')}, first of "
            f"{unknown[0]['model']!r} at {first:g}): the net benefit is unknown",
            argument="thresholds",
            expected="thresholds that many patients reach",
            remedy=f"thresholds below {first:g}",
        )
