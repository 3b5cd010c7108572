"""The cut of a marker that separates survival most, with a p-value that knows that it was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.optimize import brentq
from scipy.special import ndtr

from ..errors import DataError, counted, warn
from ..numerics.intervals import normal_quantile
from ..numerics.maximal_selection import (
    ROUNDING,
    cut_sizes,
    hothorn_lausen_p,
    lausen_1992,
    lausen_1994,
    logrank_scores,
    normal_p,
    permuted_maxima,
    standardized,
    whole_scores,
)
from ..numerics.screening import ESTIMATED, screen_cox
from ..options import Missing, check_choice, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..regression.cox import refuse_no_events
from ..regression.cox_solution import rows_of
from .cutpoint_result import Cutpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..columns import Column

Correction = Literal["normal", "permutation", "hothorn-lausen", "lausen-1994", "lausen-1992"]
MOST_NORMAL, MOST_WHOLE = 5_000, 200  # patients
HIGHEST = 8.0
INTEGRATED = 1e-10  # below it the integral is its own error, and the bound is as good as exact


def cutpoint(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    score: Column,
    least: float = 0.1,
    most: float = 0.9,
    correction: Correction = "normal",
    n_permutations: int = 10_000,
    conf_level: float = 0.95,
    missing: Missing = "raise",
    seed: int | None = None,
) -> Cutpoint:
    """The cut of a marker with the largest log-rank statistic, and a p-value corrected for the search.

    The estimand is the cut; the null hypothesis is that the marker has nothing to do with survival. Every cut
    between two values is tried that leaves at least the share `least`, and at most `most`, at or below it.
    The p-value of the usual log-rank test at the chosen cut is far too small (of useless markers it calls a
    third or more significant), so that it is shown only beside the corrected one. The hazard ratio at the
    cut and its limits ignore the search as well and are too far from 1: they describe these patients, and
    must be estimated in others.

    Parameters
    ----------
    data, time, event, event_value, missing
        As in `hem.survival.kaplan_meier`; one row per patient.
    score
        Column of the marker.
    least, most
        Shares of the patients at or below the lowest and the highest cut.
    correction
        How chance is reckoned with:

        - "normal": the statistics are multivariate normal with their exact correlations (up to 5 000
          patients).
        - "permutation": markers are dealt out anew; for few patients or events. Needs `seed` to be repeated.
        - "hothorn-lausen": an upper bound from all permutations, of scores rounded to whole numbers (up to
          200 patients).
        - "lausen-1994", "lausen-1992": an improved Bonferroni bound, which is far too large with hundreds of
          cuts, and the limit for many patients, which is right for thousands.
    n_permutations
        How many, with "permutation".
    conf_level
        Level of the limits of the hazard ratio; `critical` is exceeded by chance with 1 - conf_level.
    seed
        Of the permutations.

    Returns
    -------
    Cutpoint
        `.cut`, `.statistic`, `.p_value`, `.hazard_ratio`; `.to_frame()` has a row per cut tried;
        `.summary()`, `.text()`, `.plot()`.

    Raises
    ------
    DataError
        As `kaplan_meier`; shares that are not in order, or between which there is no cut; no events; more
        patients than the correction can take.

    Warns
    -----
    DataWarning
        With a marker of two values, which leaves nothing to choose.

    Notes
    -----
    As R's `maxstat.test(smethod = "LogRank")`, whose scores count only one of several patients with one time
    as at risk. Its "HL" differs: it counts sums equal to the observed one only where rounding lets it,
    drops a sum of 0, and with ties of the marker takes off too much, so that it is no bound then; its
    "condMC" does not count a permutation equal to what was observed. A continuous marker in a model, such as
    `rcs(score, df=3)`, loses less than any cut.

    References
    ----------
    Lausen B, Schumacher M. Biometrics 1992;48:73-85. Hothorn T, Lausen B. Comput Stat Data Anal
    2003;43:121-137. Altman DG, Lausen B, Sauerbrei W, Schumacher M. J Natl Cancer Inst 1994;86:829-835.

    Examples
    --------
    >>> import hemresearch as hem
    >>> transplant = hem.data.load("kmsurv_bmt")
    >>> hem.translational.cutpoint(transplant, time="t2", event="d3", score="z1")
    Cut of z1 by the largest log-rank statistic: above 35, n=137, events=83
      24 cuts between 17 and 41: |z| 1.874, p 0.3676 (uncorrected 0.06095)
      108 at or below, 29 above: hazard ratio 1.667 (1.015 to 2.739), too large by the search
    p: multivariate normal; 95% limits: Wald, uncorrected
    """
    check_choice(correction, Correction, argument="correction")
    check_conf_level(conf_level)
    _check_shares(least, most)
    n_drawn = _count(n_permutations)
    y = read_survival(data, time=time, event=event, event_value=event_value, score=score, missing=missing)
    refuse_no_events(y)
    assert y.score is not None
    _check_size(y, correction)
    order = np.argsort(y.score, kind="stable")
    ordered = y.score[order]
    sizes = cut_sizes(ordered, least, most)
    _check_cuts(y, ordered, sizes)
    scores = logrank_scores(y.time, y.event)[order]
    _check_scores(y, scores)
    statistic = -standardized(scores, sizes)
    best = int(np.flatnonzero(np.abs(statistic) >= np.abs(statistic).max() - ROUNDING)[0])
    largest = float(abs(statistic[best]))
    p_of, quantile_of = _chance(correction, scores, sizes, (least, most), n_drawn, seed)
    cut = float(ordered[sizes[best] - 1])
    return Cutpoint(
        frame=pl.DataFrame(
            {
                "cut": ordered[sizes - 1],
                "n_low": sizes.astype(np.int64),
                "n_high": (len(y) - sizes).astype(np.int64),
                "statistic": statistic,
            }
        ),
        score=y.names["score"],
        cut=cut,
        statistic=largest,
        p_value=p_of(largest),
        p_uncorrected=float(2 * ndtr(-largest)),
        critical=quantile_of(1 - conf_level),
        correction=correction,
        **_hazard_ratio(y, y.score > cut, conf_level),
        conf_level=conf_level,
        n=len(y),
        n_event=int(y.event.sum()),
        n_dropped=y.n_dropped,
    )


def _check_shares(least: Any, most: Any) -> None:
    bounds = {"above": 0.0, "below": 1.0, "expected": "a share between 0 and 1"}
    low = check_number(least, argument="least", example=0.1, **bounds)  # type: ignore[arg-type]
    high = check_number(most, argument="most", example=0.9, **bounds)  # type: ignore[arg-type]
    if low >= high:
        raise DataError(
            f"is {high:g} with least={low:g}",
            argument="most",
            expected="a larger share than least",
            remedy="least=0.1, most=0.9",
        )


def _count(n: Any) -> int:
    what = "a whole number, 100 or more"
    given = check_number(n, argument="n_permutations", expected=what, example=10_000, at_least=100)
    if given != int(given):
        raise DataError(
            f"{n!r} was given", argument="n_permutations", expected=what, remedy="n_permutations=10_000"
        )
    return int(given)


def _check_size(y: Survival, correction: Correction) -> None:
    limit = {"normal": MOST_NORMAL, "hothorn-lausen": MOST_WHOLE}.get(correction)
    if limit is not None and len(y) > limit:
        raise DataError(
            f"{correction!r} was given for {counted(len(y), 'patient')}",
            argument="correction",
            expected=f"at most {limit} patients with it",
            remedy="correction='lausen-1992'" if correction == "normal" else "correction='normal'",
        )


def _check_cuts(y: Survival, ordered: np.ndarray, sizes: np.ndarray) -> None:
    """There must be something to choose from."""
    n_value = len(np.unique(ordered))
    if len(sizes) == 0:
        raise DataError(
            "is the same in every row" if n_value == 1 else "has no cut between least and most",
            argument="score",
            column=y.names["score"],
            expected="values that differ, and a cut with enough patients on both sides",
            remedy="another column" if n_value == 1 else "least=0.05, most=0.95",
        )
    if n_value == 2:
        warn(
            "has two values: nothing is chosen, and nothing has to be corrected",
            argument="score",
            column=y.names["score"],
            expected="a marker with several possible cuts",
            remedy="hem.survival.logrank(..., by=...)",
        )


def _check_scores(y: Survival, scores: np.ndarray) -> None:
    """Somebody must have had the event while another went on."""
    if np.ptp(scores) <= ROUNDING:
        raise DataError(
            "tells nobody from another: all who were at risk at an event had it",
            argument="event",
            column=y.names["event"],
            expected="an event that somebody outlives",
            remedy="hem.survival.kaplan_meier(...).to_frame() to see who is at risk at the events",
        )


def _chance(
    correction: Correction,
    scores: np.ndarray,
    sizes: np.ndarray,
    shares: tuple[float, float],
    n_permutations: int,
    seed: int | None,
) -> tuple[Callable[[float], float], Callable[[float], float | None]]:
    """The chance of a statistic as large, and what is exceeded with a given chance."""
    n = len(scores)
    if correction == "permutation":
        maxima = permuted_maxima(scores, sizes, n_permutations, np.random.default_rng(seed))
        return (
            # the observed order is one of those that could have come
            lambda b: float((1 + (maxima >= b - ROUNDING).sum()) / (1 + len(maxima))),
            lambda p: float(np.quantile(maxima, 1 - p, method="higher")),
        )
    if correction == "hothorn-lausen":
        whole = whole_scores(scores)
        observed = float(np.abs(standardized(whole.astype(float), sizes)).max())
        return lambda _: hothorn_lausen_p(observed, whole, sizes), lambda _: None

    def p_of(b: float) -> float:
        if correction == "lausen-1992":
            return lausen_1992(b, *shares)
        if correction == "lausen-1994":
            return lausen_1994(b, n, sizes)
        exact = normal_p(b, n, sizes)
        return exact if exact > INTEGRATED else min(lausen_1994(b, n, sizes), INTEGRATED)

    return p_of, lambda p: float(brentq(lambda b: p_of(b) - p, 0.0, HIGHEST, xtol=1e-6))


def _hazard_ratio(y: Survival, above: np.ndarray, conf_level: float) -> dict[str, float | None]:
    """Cox's estimate above the cut as if it had been fixed beforehand; infinite ones without limits."""
    found = screen_cox(above[None].astype(float), rows_of(y, np.empty((len(y), 0))), efron=True)
    estimate = float(np.exp(found.coef[0]))
    if int(found.status[0]) != ESTIMATED:
        return {"hazard_ratio": estimate, "conf_low": None, "conf_high": None}
    half = normal_quantile(conf_level) * found.std_error[0]
    low, high = np.exp(found.coef[0] + np.array([-half, half]))
    return {"hazard_ratio": estimate, "conf_low": float(low), "conf_high": float(high)}
