"""Calibration: whether of those with a predicted risk of 20 %, 20 % have the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_choice, check_conf_level
from ..outcomes_competing import Competing
from .calibration_curve import Predicted, Smooth, grouped, histogram, refuse_certain, smoothed
from .calibration_result import Calibration
from .judged import horizon_of, is_binary, read_judged, refuse_one_kind
from .recalibrated import intercept_and_slope

if TYPE_CHECKING:
    from ..columns import Column
    from .predictions import Judged, Predictions

Smoother = Literal["spline", "lowess"]
SlopeBy = Literal["pseudo-values", "hazards"]
FEWEST_KNOTS = 3
METHODS = {
    "binary": "Wilson limits in groups, logistic recalibration",
    "survival": "Kaplan-Meier observed, recalibration by {}",
    "competing": "Aalen-Johansen observed, recalibration by {}",
}


def calibration(
    data: Any,
    *,
    time: Column | None = None,
    event: Column,
    event_value: Any = None,
    cause: Any = None,
    censored: Any = "default",
    risks: Predictions,
    times: Any = None,
    groups: int = 5,
    smooth: Smoother | None = "spline",
    knots: int = 3,
    slope: SlopeBy = "pseudo-values",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Calibration:
    """How well predicted risks agree with how many have the event by a horizon.

    From the coarse to the fine: observed over expected events; the intercept and the slope of a
    recalibration; a smooth curve of the observed risk by the predicted one, and the distances between the
    two: ICI (mean), E50 (median), E90 (90th percentile) and Emax (largest). 1, 0, 1 and 0 are perfect. A
    slope below 1 means that predictions are too extreme, as an overfitted model's are in other patients.

    Parameters
    ----------
    data, event, event_value, missing
        As in `kaplan_meier`.
    time
        Follow-up; left out where the outcome is known for everybody (a binary outcome, without `times`).
    cause, censored, risks, times, conf_level
        As in `auc`.
    groups
        How many groups of equal size by predicted risk; fewer where risks are tied, and where there are fewer
        values than groups each value is one.
    smooth
        "spline": a restricted cubic spline of the risk, on the scale log(-log(1 - risk)) as covariate of a
        Cox model, or of Fine and Gray's with competing events; of its logit in a logistic model of a binary
        outcome. "lowess": Cleveland's, without limits, of a binary outcome. None: no curve and no distances.
    knots
        Of the spline, placed as `rcs` does.
    slope
        With times: "pseudo-values" at the horizon, complementary log-log link; or "hazards", the coefficient
        of a Cox (Fine-Gray) model over all of the follow-up. The intercept is always of the former kind. A
        binary outcome has both from logistic models.

    Returns
    -------
    Calibration
        For each model and horizon: `model`, `time` (if there are times), `term`, `estimate`, `std_error`,
        `conf_low`, `conf_high`; of the distances only the estimate. The limits of observed/expected are
        formed on the log scale, take the predictions as given and all patients as alike, which makes them
        somewhat wide (with true risks of AUC 0.8 in 300 patients they held 1 in 97 % of 4 000 simulations).
        With `.curve`, `.groups`, `.histogram` and `.plot()`.

    Raises
    ------
    DataError
        For predictions that have no name, risks outside 0 to 1 or exactly 0 or 1, the same risk for all with
        a curve, a horizon that nobody is followed beyond or by which nobody or everybody has the event,
        horizons or causes of a binary outcome, "lowess" of times; and as `kaplan_meier`.

    Warns
    -----
    DataWarning
        If risks have too few values for the knots, or no finite slope.

    Notes
    -----
    In the patients a model was fitted to it is calibrated by construction: only other patients, or
    resampling, say something about it. Groups depend on how many there are; a curve does not.

    References
    ----------
    Van Calster B et al. BMC Med 2019;17:230. Austin PC, Harrell FE, van Klaveren D. Stat Med
    2020;39:2714-2742 (curve, ICI). Austin PC et al. Diagn Progn Res 2022;6:2 (competing events). van Geloven
    N et al. BMJ 2022;377:e069249 (observed/expected, intercept and slope by pseudo-values). Austin PC,
    Steyerberg EW. Stat Med 2019;38:4051-4065 (ICI).

    Examples
    --------
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2").drop_nulls("hgb")
    >>> fit = hem.regression.cox(mgus.head(700), "age + hgb", time="futime", event="death")
    >>> others = hem.prediction.predicted_risks(fit, mgus.tail(600), times=[60], name="cox")
    >>> found = hem.prediction.calibration(
    ...     others, time="futime", event="death", risks={"Cox": "cox_60"}, times=60
    ... )
    >>> found
    calibration, n=600, events=392
      Cox at 60: observed/expected 1.355 (1.218 to 1.507)
        intercept 0.3534 (0.2064 to 0.5005), slope 0.6927 (0.4974 to 0.8881)
        ICI 0.08861, E50 0.09871, E90 0.1149, Emax 0.1154
    95% limits: Kaplan-Meier observed, recalibration by pseudo-values, curve by spline
    """
    if smooth is not None:
        check_choice(smooth, Smoother, argument="smooth")
    check_choice(slope, SlopeBy, argument="slope")
    check_conf_level(conf_level)
    _check_count(groups, "groups", 2, 5)
    _check_count(knots, "knots", FEWEST_KNOTS, FEWEST_KNOTS)
    j = read_judged(
        data, time=time, event=event, event_value=event_value, cause=cause, censored=censored, risks=risks,
        scores=None, times=times, missing=missing,
    )  # fmt: skip
    if smooth == "lowess" and not is_binary(j):
        _refuse_lowess()
    refuse_one_kind(j)
    parts = [
        _judged(j, model, place, groups, smooth, knots, slope, conf_level)
        for model in j.values
        for place in range(len(j.times))
    ]
    frame, curve, in_groups, counts = (pl.concat(tables) for tables in zip(*parts, strict=True))
    return Calibration(
        frame=frame,
        curve=curve,
        groups=in_groups,
        histogram=counts,
        name="calibration",
        method=_method(j, slope, smooth),
        conf_level=conf_level,
        n=len(j),
        n_event=float((j.cause == 1).sum()),
        n_dropped=j.y.n_dropped,
        time_unit=j.y.time_unit,
    )


def kind_of(j: Judged) -> str:
    """What sort of outcome it is."""
    return "binary" if is_binary(j) else "competing" if isinstance(j.y, Competing) else "survival"


def _judged(
    j: Judged, model: str, place: int, groups: int, smooth: str | None, knots: int, slope: str,
    conf_level: float,
) -> tuple[pl.DataFrame, ...]:  # fmt: skip
    """The tables of one model at one horizon: measures, curve, groups and histogram."""
    p = Predicted(model, j.values[model][place], j.y.time, j.cause, float(j.times[place]), kind_of(j))
    refuse_certain(p, j.y.positions)
    if smooth is not None:
        _refuse_one_risk(p)
    measures: dict[str, tuple[float, ...]] = {"observed/expected": _ratio(p, conf_level)}
    z = normal_quantile(conf_level)
    for term, (value, error) in intercept_and_slope(p, slope).items():
        measures[term] = (value, error, value - z * error, value + z * error)
    curve = None
    if smooth is not None:
        curve = smoothed(p, smooth, knots, conf_level)
        measures |= {term: (value, *UNKNOWN) for term, value in _distances(p.risk, curve.at_rows).items()}
    named = {"model": model} | horizon_of(j, place)
    tables = (_measures(measures), _curve(curve), grouped(p, groups, conf_level), histogram(p))
    return tuple(_labelled(table, named) for table in tables)


UNKNOWN = (float("nan"),) * 3


def _ratio(p: Predicted, conf_level: float) -> tuple[float, float, float, float]:
    """Observed over expected with its standard error, and limits formed on the log scale."""
    observed, error = p.observed(np.ones(len(p.risk), dtype=bool))
    if not 0 < observed < 1:
        raise DataError(
            f"{'nobody has' if observed <= 0 else 'everybody has'} the event by {p.t:g}",
            argument="times",
            expected="horizons by which some have the event, and some have not",
            remedy="a later horizon" if observed <= 0 else "an earlier horizon",
        )
    expected = p.risk.mean()
    width = np.exp(normal_quantile(conf_level) * error / observed)
    ratio = observed / expected
    return float(ratio), float(error / expected), float(ratio / width), float(ratio * width)


def _distances(risk: np.ndarray, observed: np.ndarray) -> dict[str, float]:
    """Summaries of the distances between predicted and observed risks of the patients."""
    apart = np.abs(risk - observed)
    return {
        "ICI": float(apart.mean()),
        "E50": float(np.median(apart)),
        "E90": float(np.quantile(apart, 0.9)),
        "Emax": float(apart.max()),
    }


def _measures(measures: dict[str, tuple[float, ...]]) -> pl.DataFrame:
    names = ("estimate", "std_error", "conf_low", "conf_high")
    columns = {name: [row[i] for row in measures.values()] for i, name in enumerate(names)}
    return pl.DataFrame({"term": list(measures)} | columns).with_columns(pl.col(names).fill_nan(None))


def _curve(curve: Smooth | None) -> pl.DataFrame:
    names = ("estimate", "std_error", "conf_low", "conf_high")
    values = [np.empty(0)] * 5 if curve is None else [curve.grid, *curve.along]
    frame = pl.DataFrame(dict(zip(("predicted", *names), values, strict=True)))
    return frame.with_columns(pl.col(names).fill_nan(None))


def _labelled(table: pl.DataFrame, named: dict[str, Any]) -> pl.DataFrame:
    """The table with the model and its horizon as first columns."""
    return table.select(*(pl.lit(value).alias(name) for name, value in named.items()), pl.all())


def _method(j: Judged, slope: str, smooth: str | None) -> str:
    way = METHODS[kind_of(j)].format(slope)
    return way if smooth is None else f"{way}, curve by {smooth}"


def _refuse_one_risk(p: Predicted) -> None:
    if np.ptp(p.risk) == 0:
        raise DataError(
            f"of {p.model!r} are the same for all, who then have no curve",
            argument="risks",
            expected="risks that differ between patients",
            remedy="smooth=None",
        )


def _refuse_lowess() -> None:
    raise DataError(
        "'lowess' was asked for of times of follow-up, and has no place for censoring",
        argument="smooth",
        expected="'spline', or an outcome that is known for everybody",
        remedy="smooth='spline'",
    )


def _check_count(value: Any, argument: str, least: int, example: int) -> None:
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least:
        return
    raise DataError(
        f"{value!r} was given",
        argument=argument,
        expected=f"a whole number of {least} or more",
        remedy=f"{argument}={example}",
    )
