"""Regression of the excess hazard: that of patients less that of the population."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import Column, Columns, as_frame
from ..design import Covariates, covariate_columns
from ..epidemiology.little_time import warn_if_little
from ..errors import DataError, counted, listed
from ..lifetable import Extrapolate, LifeTable
from ..model_design import model_design, refuse_collinear, warn_if_crowded
from ..numerics.cox_rows import centre_and_scale
from ..numerics.excess_hazard import ExcessRows, fit_excess, poisson_constant, poisson_deviance
from ..numerics.population_hazard import hazards
from ..options import Missing, TimeUnit, check_choice, check_conf_level
from ..times import DAYS_PER_UNIT
from .excess_hazard_fit import ExcessHazardFit, followed
from .excess_hazard_smooth import SMOOTH, check_width, fit_smooth
from .excess_maximum import inverse_information, no_maximum
from .excess_pieces import Pieces, check_bands, cut_follow_up
from .net_rows import NetRows, read_net_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..design import Design
    from ..numerics.newton import Maximum

Method = Literal["poisson", "full-likelihood", "em"]
METHODS: dict[str, str] = {
    "poisson": "Poisson counts in cells of covariates and follow-up",
    "full-likelihood": "full likelihood",
    "em": SMOOTH,
}


def excess_hazard(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    time_unit: TimeUnit | None = None,
    sex: Column,
    date: Column,
    life_table: LifeTable,
    bands: Any = None,
    birth: Column | None = None,
    age: Column | None = None,
    age_unit: TimeUnit | None = None,
    sexes: Mapping[Any, str] | None = None,
    entry: Column | None = None,
    death_only: Column | None = None,
    period: Any = None,
    method: Method = "full-likelihood",
    bandwidth: float | None = None,
    extrapolate: Extrapolate | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> ExcessHazardFit:
    r"""Excess hazard ratios: how covariates multiply the mortality beyond that of the population.

    Patient i dies of any cause with the hazard
    :math:`\lambda_i(t) + \exp(x_i'\beta + \gamma_k)` in band k of follow-up, where :math:`\lambda_i` is the
    population's of the same sex, age and calendar year, and counts as known. No cause of death is needed.
    By `method="em"` a smooth curve stands for the bands: :math:`\lambda_i(t) + \lambda_0(t) \exp(x_i'\beta)`.

    Parameters
    ----------
    data
        Any table, one row per patient.
    covariates
        A right-hand-side formula, `"age + C(stage)"`, or a list of columns, as in `cox`. The population's
        hazard takes care of what age and sex do to anybody; as covariates they tell what they do to the
        excess.
    time, event, event_value, time_unit, entry, death_only, period, missing
        As of `net_survival`; emigration is a censoring.
    sex, date, life_table, birth, age, age_unit, sexes, extrapolate
        As of `expected_survival`.
    bands
        Borders of the bands of follow-up in which the baseline excess hazard is constant, in the unit of
        `time`: `[0, 1, 2, 3, 4, 5]`. Follow-up beyond the last is censored there; `math.inf` takes all.
        "em" has no bands, and takes all of follow-up; `[0, 5]` are five years of it.
    method
        "full-likelihood": of each patient's own survival and, at a death, hazard. "poisson": of the number
        of deaths in cells of patients with the same covariates, in bands (wider ones cut into years), which
        fits covariates of few values. "em": each death is an excess one with the probability that the model
        gives it, and with these Cox's model is fitted (Breslow's ties), in turns.
    bandwidth
        Of "em", 2 unless given: how far the smoothing of the baseline looks back, as a multiple of the
        longest gap between deaths in each quarter of their times. Below 1 deaths after a gap stand alone; the
        population takes some of them whole, and which these are depends on where EM began.
    conf_level
        Level of the limits.

    Returns
    -------
    ExcessHazardFit
        With `.to_frame(exponentiate=True)`, `.text(term)`, `.term_tests()`, `.baseline()`, and
        `.predict(new, times=...)` for net survival. By "em" the baseline is a curve, estimates of both come
        without limits, and there is no likelihood (smoothing is not of one).

    Raises
    ------
    DataError
        As `net_survival`; borders that are none; a band without deaths, deaths at time 0, and collinear
        covariates; bands that are missing or do not go with "em", a bandwidth that is none or goes with
        bands, and fewer than five times of death for "em".
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If there is no maximum, where patients in a level or a band die no more than the population, or
        where EM does not settle.

    Warns
    -----
    DataWarning
        More coefficients than deaths; bands that hold less than 5% of the follow-up (in the wrong unit,
        perhaps); rates that were carried on by `extrapolate`; by "em", excess deaths that are not about as
        many as the deaths beyond those expected.

    Notes
    -----
    The `max.lik` and `glm.poi` methods of `relsurv::rsadd`, whose baseline is per year. rsadd takes the
    hazard at a death from the day that begins then, and for `glm.poi` the expected deaths of a patient in a
    band from the whole of the band; here they are those of the moment and of the follow-up itself.

    Of its `EM` the kernel and its widths are the same, but rsadd has Efron's ties, chooses the bandwidth so
    that the baseline is like that of Ederer II, and stops long before EM has settled. Its standard errors
    are too small since R's coxph has robust ones for weights that are not whole: rsadd takes them for the
    information of known causes (0.16 where Louis' formula has 0.20).

    Its smoothing sees the excess just before each death. Where that is low beside the population's hazard it
    may die out, and EM then does not settle, or settles where the population takes most deaths that follow:
    in one of twenty simulated studies of 300 patients with an excess that rises from 0. The bands of
    "full-likelihood" have no such end.

    References
    ----------
    Esteve J, Benhamou E, Croasdale M, Raymond L. Stat Med 1990;9:529-538. Dickman PW, Sloggett A, Hills M,
    Hakulinen T. Stat Med 2004;23:51-64. Pohar M, Stare J. Comput Methods Programs Biomed 2006;81:272-278.
    Perme MP, Henderson R, Stare J. Biostatistics 2009;10:136-146.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> patients = hem.data.load("colrec").filter(pl.col("stage") != 99)
    >>> fit = excess_hazard(
    ...     patients, "C(stage) + site", time="time", event="stat", time_unit="days", sex="sex", date="diag",
    ...     age="age", age_unit="days", life_table=hem.data.life_table("slovenia"),
    ...     bands=[0, 365, 730, 1826],
    ... )
    >>> fit.text("site")
    'excess hazard ratio of site[rectum] 1.06 (95% CI 0.97–1.15), p=0.19'
    >>> new = pl.DataFrame({"stage": [1, 3], "site": ["colon", "colon"]})
    >>> fit.predict(new, times=1826)["estimate"].round(3).to_list()
    [0.812, 0.023]
    """
    check_choice(method, Method, argument="method")
    check_conf_level(conf_level)
    multiple = check_width(bandwidth, smooth=method == "em")
    borders = _borders(bands, method)
    frame = as_frame(data)
    roles: dict[str, Columns] = {
        "time": time, "event": event, "entry": entry, "death_only": death_only, "sex": sex, "date": date,
        "birth": birth, "age": age, "covariates": covariate_columns(covariates, frame),
    }  # fmt: skip
    rows = read_net_rows(
        frame, roles, event_value=event_value, time_unit=time_unit, life_table=life_table, age_unit=age_unit,
        sexes=sexes, period=period, since_date=False, extrapolate=extrapolate, missing=missing,
    )  # fmt: skip
    _refuse_deaths_at_zero(rows)
    design = model_design(rows.y, covariates)
    refuse_collinear(design.matrix, design.columns)
    pieces, model = _model_rows(rows, borders, design.matrix, method)
    if method == "em":
        return fit_smooth(rows, pieces, model, design, borders, multiple, conf_level)
    names = _band_names(borders)
    _refuse_empty(model, names, rows.unit)
    columns = (*design.columns, *names)
    warn_if_crowded(len(columns), int(model.event.sum()), "covariates", "fewer terms, or wider bands")
    return _fit(rows, pieces, model, design, columns, borders, method, conf_level)


def _borders(bands: Any, method: str) -> np.ndarray:
    """The borders of the bands, or of the follow-up that is looked at."""
    if method == "em":
        given = check_bands([0, np.inf] if bands is None else bands, argument="bands", example="[0, 5]")
        if len(given) == 2:
            return given
        raise DataError(
            f"has {len(given)} borders, but method='em' has a smooth baseline",
            argument="bands",
            expected="none, or the two borders of the follow-up that is looked at",
            remedy=f"bands=[{given[0]:g}, {given[-1]:g}]",
        )
    if bands is None:
        raise DataError(
            "no borders were given",
            argument="bands",
            expected=f"borders of bands of follow-up, in the unit of the times, with method={method!r}",
            remedy="bands=[0, 1, 2, 3, 4, 5] for times in years, or method='em' for a smooth baseline",
        )
    return check_bands(bands, argument="bands", example="[0, 1, 2, 3, 4, 5] for times in years")


def _model_rows(rows: NetRows, borders: np.ndarray, x: np.ndarray, method: str) -> tuple[Pieces, ExcessRows]:
    """Pieces of follow-up within the bands, and the rows of the likelihood in the unit of time."""
    per, n = DAYS_PER_UNIT[rows.unit], len(rows.y)
    cuts = _with_years(rows, borders * per) if method == "poisson" else borders * per
    p = cut_follow_up(rows, [np.zeros(n)], [cuts])
    used = (p.band[:, 0] >= 0) & (p.days > 0)
    warn_if_little(float(p.days[used].sum()), float(p.days.sum()), argument="bands", unit=rows.unit)
    p = Pieces(p.row[used], p.band[used], p.days[used], p.event[used], p.expected[used], p.end[used])
    band = np.searchsorted(borders * per, cuts[p.band[:, 0]], side="right") - 1
    if method == "poisson":
        return p, _cells(p, x, band, per)
    background, died = np.zeros(len(p.row)), np.flatnonzero(p.event)
    who = rows.people.take(p.row[died])
    background[died] = hazards(rows.life_table.rates, who.group, who.age, who.day, p.end[died]) * per
    return p, ExcessRows(p.event.astype(float), p.days / per, background, band, x[p.row])


def _with_years(rows: NetRows, borders: np.ndarray) -> np.ndarray:
    """The borders in days, and those that cut bands longer than a year into years."""
    year, end = rows.life_table.days_per_year, float(rows.until.max())
    inner = [np.arange(low + year, min(high, end) - 1, year) for low, high in pairwise(borders)]
    return np.unique(np.concatenate([borders, *inner]))


def _cells(p: Pieces, x: np.ndarray, band: np.ndarray, per: float) -> ExcessRows:
    """Deaths and time of patients with the same covariates in the same cut of follow-up."""
    _, first, pattern = np.unique(x, axis=0, return_index=True, return_inverse=True)
    cuts = int(p.band.max()) + 1
    key = pattern.reshape(-1)[p.row] * cuts + p.band[:, 0]
    _, at, cell = np.unique(key, return_index=True, return_inverse=True)
    time, expected = np.bincount(cell, p.days / per), np.bincount(cell, p.expected)
    return ExcessRows(np.bincount(cell, p.event), time, expected / time, band[at], x[first[key[at] // cuts]])


def _band_names(borders: np.ndarray) -> tuple[str, ...]:
    """The name of the baseline of each band."""
    pairs = pairwise(borders)
    return tuple(f"baseline[{low:g}, {high:g})" for low, high in pairs)


def _refuse_deaths_at_zero(rows: NetRows) -> None:
    at_once = rows.y.event & (rows.until == 0)
    if at_once.any():
        raise DataError(
            f"is 0 in {counted(int(at_once.sum()), 'death')}, which belong to no follow-up",
            argument="time",
            column=rows.y.names["time"],
            rows=rows.y.positions(at_once),
            expected="deaths after time 0",
            remedy="death_only=... for those known from their death alone, or half a day of follow-up",
        )


def _refuse_empty(model: ExcessRows, names: tuple[str, ...], unit: str) -> None:
    """Every band must have deaths."""
    deaths = np.bincount(model.band, model.event, len(names))
    if not deaths.all():
        empty = [name.removeprefix("baseline") for name, d in zip(names, deaths, strict=True) if not d]
        raise DataError(
            f"are without deaths in {listed(empty)}",
            argument="bands",
            expected=f"deaths in every band; the borders are in {unit}, as the times",
            remedy="wider bands, the last of which ends with follow-up",
        )


def _solve(
    model: ExcessRows, mean: np.ndarray, scale: np.ndarray, columns: tuple[str, ...], method: str
) -> tuple[Maximum, np.ndarray, np.ndarray]:
    """The maximum of standardised covariates, and coefficients and covariance of those of the data."""
    p = len(mean)
    x = (model.x - mean) * scale
    found = fit_excess(
        ExcessRows(model.event, model.time, model.background, model.band, x), counts=method == "poisson"
    )
    back = np.eye(len(columns))
    back[:p, :p] = np.diag(scale)
    back[p:, :p] = -mean * scale
    inverse = inverse_information(found.information) if found.converged else None
    if inverse is None:
        raise no_maximum(
            found.information, np.linalg.inv(back), np.append(scale, np.ones(len(columns) - p)), columns
        )
    return found, back @ found.parameters, back @ inverse @ back.T


def _fit(
    rows: NetRows,
    pieces: Pieces,
    model: ExcessRows,
    design: Design,
    columns: tuple[str, ...],
    borders: np.ndarray,
    method: str,
    conf_level: float,
) -> ExcessHazardFit:
    mean, scale = centre_and_scale(design.matrix)
    found, coef, cov = _solve(model, mean, scale, columns, method)
    alone = ExcessRows(model.event, model.time, model.background, model.band, model.x[:, :0])
    null = fit_excess(alone, counts=method == "poisson").value
    counts = method == "poisson"
    constant = poisson_constant(model) if counts else -float(pieces.expected.sum())
    return ExcessHazardFit(
        name="excess hazard regression",
        method=METHODS[method] + rows.told,
        columns=columns,
        terms=design.terms,
        coef=coef,
        cov=cov,
        variance="model-based",
        log_likelihood=found.value + constant,
        log_likelihood_null=null + constant,
        n=len(np.unique(pieces.row)),
        n_event=int(model.event.sum()),
        conf_level=conf_level,
        ratio="excess hazard ratio",
        df=float(len(columns)),
        n_dropped=rows.y.n_dropped,
        time_unit=rows.unit,
        design=design,
        borders=borders,
        expected=float(pieces.expected.sum()),
        deviance=poisson_deviance(model, model.excess(coef)) if counts else np.nan,
        n_rows=len(model.event),
        life_table=rows.life_table.name,
        counts=followed(pieces, len(rows.y)),
    )
