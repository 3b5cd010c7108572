"""Turnbull's estimator of survival from interval-censored times."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import ConvergenceWarning, DataError
from ..numerics.turnbull import BEFORE, TOLERANCE, MassFunction, Npmle
from ..options import Missing, check_conf_level, check_number
from ..outcomes_interval import Interval, read_interval
from ..parallel import each
from .turnbull_curves import Sample, TurnbullCurves

if TYPE_CHECKING:
    from ..columns import Column, Columns

ENOUGH = 100 * TOLERANCE  # a gap above this is told


def turnbull(
    data: Any,
    *,
    left: Column,
    right: Column,
    by: Columns = None,
    weights: Column | None = None,
    bootstrap: int = 0,
    conf_level: float = 0.95,
    missing: Missing = "raise",
    seed: int | None = None,
    n_jobs: int = 1,
) -> TurnbullCurves:
    """Probability of being event-free beyond each time when events are only found between two visits.

    The nonparametric maximum likelihood estimate: masses p that maximise the product over patients of the
    probability of (left, right]. Mass lies in the innermost intervals only, where a left end is followed by
    a right end, and where in them is not determined. The maximum is found by a constrained Newton method and
    proved by the Kuhn-Tucker conditions, to 1e-10 of the number of patients; the masses are unique.

    Parameters
    ----------
    data
        As in `kaplan_meier`.
    left
        The last time known to be event-free. Missing: the event is known only to have happened by `right`
        (left-censored), and may have been at 0, of which 0 says that it was later.
    right
        The first time the event was known to have happened. Missing: not by `left` (right-censored). Equal to
        `left`: the event was at that time.
    by
        One or several columns; a separate curve for each combination that occurs.
    weights
        Case weights: weight 2 is two patients.
    bootstrap
        Samples drawn for standard errors and limits; 0 for none. The estimate has no usual standard error:
        with visits at few scheduled times it is nearly normal, and percentile limits hold their level (95.3
        and 95.4 % of 2 000 simulated trials with 100 patients; those of quantiles are wider than needed);
        with visits at any time it converges as slowly as n^(1/3), and no theory promises the level.
    conf_level
        Level of the bootstrap limits. Where a sample leaves survival undetermined, its lowest and its highest
        value are taken.
    missing
        "raise" names what is missing (both ends of a row, a group, a weight); "drop" leaves those rows out.
    seed
        Of the bootstrap; the result does not depend on `n_jobs`.
    n_jobs
        How many samples at a time, by joblib: processes, or the backend of `joblib.parallel_config`.

    Returns
    -------
    TurnbullCurves
        With `.to_frame()` (`left, right, mass, estimate`), `.at(times)` (null inside an interval with mass),
        `.quantile(0.5)`, `.plot()` and `.text()`.

    Raises
    ------
    DataError
        A right end before the left, both ends missing, negative times, dates, weights that are not whole
        numbers with `bootstrap`.

    Warns
    -----
    ConvergenceWarning
        If the Kuhn-Tucker conditions hold less exactly than to 1e-8; `.gap` tells how exactly.

    Notes
    -----
    R's `survfit` uses the same intervals (left, right], draws the fall in their middle and stops its EM
    algorithm early, at about four digits.

    References
    ----------
    Peto R. Appl Stat 1973;22:86-91. Turnbull BW. J R Stat Soc B 1976;38:290-295. Gentleman R, Geyer CJ.
    Biometrika 1994;81:618-623. Wang Y. Comput Stat Data Anal 2008;52:2388-2402. Groeneboom P, Wellner JA.
    Information Bounds and Nonparametric Maximum Likelihood Estimation. Birkhäuser 1992.

    Examples
    --------
    >>> import hemresearch as hem
    >>> visits = hem.data.load("bcdeter_iv")
    >>> cosmetic = hem.survival.turnbull(visits, left="left", right="right", by="treat")
    >>> cosmetic
    Turnbull: survival (left to right), n=95
      treat=1: n=46 (0 exact, 3 left-, 18 interval-, 25 right-censored), median 38 to 40
      treat=2: n=49 (2 exact, 2 left-, 33 interval-, 12 right-censored), median 19 to 20
    no limits (bootstrap=1000 for percentile limits)
    >>> cosmetic.at([12, 16.5])["estimate"].round(3).to_list()
    [0.761, 0.761, 0.848, None]
    """
    check_conf_level(conf_level)
    samples_wanted = _check_count(bootstrap, "bootstrap", 0, 1000)
    _check_count(n_jobs, "n_jobs", None, 2)
    y = read_interval(data, left=left, right=right, by=by, weights=weights, missing=missing)
    if samples_wanted:
        _check_whole_weights(y)
    streams = np.random.SeedSequence(seed).spawn(len(y.group))
    made = [
        _one_sample(y, y.group.code == g, samples_wanted, streams[g], n_jobs) for g in range(len(y.group))
    ]
    facts = pl.DataFrame([_facts(sample, fitted) for sample, fitted in made])
    gap = max(fitted.gap for _, fitted in made)
    _warn_if_inexact(gap)
    frames = [_frame(sample, conf_level) for sample, _ in made]
    levels = y.group.levels
    repeated = np.repeat(np.arange(len(frames)), [frame.height for frame in frames])
    frame = pl.concat(frames)
    return TurnbullCurves(
        frame=pl.concat([levels[repeated], frame], how="horizontal") if levels.width else frame,
        groups_frame=pl.concat([levels, facts], how="horizontal") if levels.width else facts,
        samples=tuple(sample for sample, _ in made),
        by=y.group.names,
        left=y.names["left"],
        right=y.names["right"],
        conf_level=conf_level,
        bootstrap=samples_wanted,
        gap=gap,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _one_sample(
    y: Interval, rows: np.ndarray, bootstrap: int, stream: np.random.SeedSequence, n_jobs: int
) -> tuple[Sample, Npmle]:
    """Estimate one group, from its distinct intervals and how many patients have each."""
    ends = np.empty(int(rows.sum()), dtype=complex)  # complex numbers sort as pairs
    ends.real, ends.imag = np.where(y.open, BEFORE, y.left)[rows], y.right[rows]
    distinct, which = np.unique(ends, return_inverse=True)
    count = np.bincount(which, None if y.weight is None else y.weight[rows]).astype(float)
    left, right = distinct.real.copy(), distinct.imag.copy()
    estimate, fitted = MassFunction.of(left, right, count)
    replicates = _replicates(left, right, count, bootstrap, stream, n_jobs) if bootstrap else ()
    return Sample(estimate, replicates, np.maximum(left, 0.0), right, count), fitted


def _replicates(
    left: np.ndarray,
    right: np.ndarray,
    count: np.ndarray,
    bootstrap: int,
    stream: np.random.SeedSequence,
    n_jobs: int,
) -> tuple[MassFunction, ...]:
    """Estimates from patients drawn with replacement, each with a random stream of its own."""
    task = partial(_replicate, left, right, count)
    return tuple(each(task, stream.spawn(bootstrap), n_jobs=n_jobs, name="bootstrap"))


def _replicate(
    left: np.ndarray, right: np.ndarray, count: np.ndarray, stream: np.random.SeedSequence
) -> MassFunction:
    drawn = np.random.default_rng(stream).multinomial(int(count.sum()), count / count.sum()).astype(float)
    there = drawn > 0
    return MassFunction.of(left[there], right[there], drawn[there])[0]


def _frame(sample: Sample, conf_level: float) -> pl.DataFrame:
    """The intervals with mass, and survival just after each."""
    one = sample.estimate
    known = np.where(np.isfinite(one.right), one.right, 0.0)
    limits = sample.at(known, conf_level)
    columns = {"left": one.left, "right": one.right, "mass": one.mass, "estimate": one.after()}
    columns |= {name: limits[name] for name in ("std_error", "conf_low", "conf_high")}
    unknown = pl.col("right").is_infinite()
    after = pl.col("right", "estimate", "std_error", "conf_low", "conf_high")
    return pl.DataFrame(columns).with_columns(
        pl.when(~unknown).then(after.fill_nan(None)).otherwise(None).name.keep()
    )


def _facts(sample: Sample, fitted: Npmle) -> dict[str, float]:
    """How many patients had each kind of observation, and the log-likelihood."""
    left, right, n = sample.left, sample.right, sample.weight
    kinds = {
        "n": np.ones(len(left), dtype=bool),
        "n_exact": left == right,
        "n_left": (left == 0) & (right > 0) & np.isfinite(right),
        "n_interval": (left > 0) & (right > left) & np.isfinite(right),
        "n_right": np.isinf(right),
    }
    whole = bool((n == n.round()).all())
    counts = {name: float(n[mask].sum()) for name, mask in kinds.items()}
    return {name: int(value) if whole else value for name, value in counts.items()} | {
        "log_likelihood": fitted.log_likelihood
    }


def _warn_if_inexact(gap: float) -> None:
    if gap > ENOUGH:
        warnings.warn(
            f"turnbull: the Kuhn-Tucker conditions of the maximum hold only to {gap:.1e} of the number of "
            "patients. Expected 1e-10. Try weights of a similar size.",
            ConvergenceWarning,
            stacklevel=3,
        )


def _check_count(value: Any, argument: str, at_least: int | None, example: int) -> int:
    """A whole number of samples or processes."""
    what = "a whole number" + ("" if at_least is None else f", {at_least} or more")
    number = check_number(
        value,
        argument=argument,
        expected=what,
        example=example,
        at_least=-np.inf if at_least is None else at_least,
    )
    if number != int(number) or (at_least is None and number == 0):
        raise DataError(
            f"{value!r} was given", argument=argument, expected=what, remedy=f"{argument}={example}"
        )
    return int(number)


def _check_whole_weights(y: Interval) -> None:
    if y.weight is None or (y.weight == y.weight.round()).all():
        return
    fractions = np.flatnonzero(y.weight != y.weight.round())
    raise DataError(
        "has weights that are not whole numbers, and the bootstrap draws patients",
        argument="weights",
        column=y.names["weights"],
        rows=fractions if y.row is None else y.row[fractions],
        expected="whole case weights (2 is two patients)",
        remedy="bootstrap=0 for the estimate alone",
    )
