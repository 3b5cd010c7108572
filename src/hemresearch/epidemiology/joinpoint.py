"""Trends of rates in segments, each with its own annual percent change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import fdtri

from ..errors import DataError
from ..numerics.joinpoint import Lines, best_lines, fit_segments, permutation_p_value
from ..options import Missing, check_choice, check_conf_level, check_number
from .joinpoint_fit import JoinpointTrend
from .trend import percent_change, refuse_few_years
from .trend_rows import read_trend

if TYPE_CHECKING:
    from ..columns import Column

Selection = Literal["bic", "permutation"]
YEARS_FOR = (7, 12, 17, 22, 27)  # years from which one, two, ... joinpoints are looked for


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series of log rates, and how far its joinpoints stay from the ends and from each other."""

    year: np.ndarray
    log_rate: np.ndarray
    weight: np.ndarray
    ends: int
    between: int

    def lines(self, k: int) -> Lines:
        """The best k joinpoints."""
        return best_lines(self.year, self.log_rate[:, None], self.weight, k, self.ends, self.between)

    def room(self) -> int:
        """The most joinpoints that have a place, and leave a degree of freedom."""
        inside = len(self.year) - 2 * self.ends
        placed = 0 if inside < 1 else 1 + (inside - 1) // (self.between + 1)
        return min(placed, (len(self.year) - 3) // 2)


def joinpoint(
    data: Any,
    *,
    year: Column,
    rate: Column | None = None,
    std_error: Column | None = None,
    events: Column | None = None,
    person_time: Column | None = None,
    n_joinpoints: int | None = None,
    max_joinpoints: int | None = None,
    selection: Selection = "bic",
    ends: int = 2,
    between: int = 2,
    alpha: float = 0.05,
    n_permutations: int = 4499,
    conf_level: float = 0.95,
    missing: Missing = "raise",
    seed: int = 0,
) -> JoinpointTrend:
    """Years in which the trend of a rate changed, and the annual percent change before and after.

    The log rate is a line whose slope changes at k joinpoints, the years among those observed that leave
    the least (weighted) sum of squares. k is chosen by BIC or by permutation tests.

    Parameters
    ----------
    data, year, rate, std_error, events, person_time, missing
        As in `annual_percent_change`; one series, with one row for each year.
    n_joinpoints
        Their number, if it is not to be chosen.
    max_joinpoints
        The most that are looked for; default 0 below 7 years, 1 below 12, 2 below 17, 3 below 22, 4 below 27,
        else 5, and no more than have room.
    selection
        "bic": the k with the least log(SSE / n) + 2 (k + 1) log(n) / n; of straight trends over 30 years it
        finds a bend in one of ten. "permutation": tests of fewer against more, from 0 against the
        most; each takes the fewer up by one if it rejects, else the more down by one, until they meet; it
        finds a bend too many with the probability `alpha`, and takes longer.
    ends, between
        Years that at least lie before the first and after the last joinpoint, and between two.
    alpha
        Of "permutation", the probability to find a joinpoint too many: fewer joinpoints k are tested at
        alpha / (most - k).
    n_permutations
        Shuffles of the residuals for each test.
    conf_level
        Level of the limits.
    seed
        Of the shuffles.

    Returns
    -------
    JoinpointTrend
        With `.to_frame()` (segments), `.joinpoints()`, `.average(start, end)` (AAPC), `.selection()`,
        `.fitted()`, `.plot()`.

    Raises
    ------
    DataError
        As `annual_percent_change`; too few years for so many joinpoints, too few shuffles for so small an
        `alpha`.

    Notes
    -----
    The grid search, the permutation test and the defaults are those of the Joinpoint program of the
    National Cancer Institute. Limits of changes take the joinpoints as found, and count a degree of freedom
    for each; those of joinpoints are the years that an F test does not reject (Lerman). Where weights are
    given, residuals are shuffled after they were multiplied by the roots of their weights. Rates of
    successive years are taken as independent.

    References
    ----------
    Kim HJ, Fay MP, Feuer EJ, Midthune DN. Stat Med 2000;19:335-351. Lerman PM. Appl Stat 1980;29:77-84.
    Clegg LX et al. Stat Med 2009;28:3670-3682. Kim J, Kim HJ. Stat Sin 2016;26:783-802.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> deaths = hem.data.load("swe_population_deaths").filter(pl.col("age").is_between(60, 64), sex=1)
    >>> yearly = deaths.group_by("year").agg(pl.col("deaths", "mean_population").sum())
    >>> trend = hem.epidemiology.joinpoint(
    ...     yearly, year="year", events="deaths", person_time="mean_population", max_joinpoints=3
    ... )
    >>> trend
    trend over 52 years, 3 joinpoints chosen by BIC
      1969 to 1980: -0.1686% a year (-0.3958 to 0.05907), p 0.1426
      1980 to 1992: -1.914% a year (-2.102 to -1.725), p 6.474e-24
      1992 to 2003: -3.002% a year (-3.212 to -2.792), p 6.578e-30
      2003 to 2020: -1.8% a year (-1.968 to -1.631), p 8.386e-25
    joinpoints: 1980 (1979 to 1981), 1992 (1990 to 1997), 2003 (2000 to 2005)
    95% limits
    >>> trend.average(2000, 2020).text()
    'average annual percent change: start=2000, end=2020 -1.98 (95% CI -2.10 to -1.86), p<0.001'
    """
    _check(selection, conf_level, alpha, n_permutations, ends, between)
    t = read_trend(
        data, year=year, rate=rate, std_error=std_error, events=events, person_time=person_time, by=None,
        missing=missing,
    )  # fmt: skip
    refuse_few_years(t)
    s = Series(*t.of_group(0), int(ends), int(between))
    most = _most(s, n_joinpoints, max_joinpoints)
    candidates = [s.lines(k) for k in range(most + 1)]
    table = _bic(s, candidates)
    if selection == "permutation" and n_joinpoints is None:
        _refuse_few_shuffles(n_permutations, alpha, most)
        k, table = _by_permutation(s, most, alpha, int(n_permutations), seed)
    else:
        k = int(table["bic"].arg_min()) if n_joinpoints is None else most  # type: ignore[arg-type]
    at = candidates[k].at[0]
    fit = fit_segments(s.year, s.log_rate, s.weight, at)
    ends_of = s.year[np.concatenate([[0], at, [len(s.year) - 1]])]
    changes = [
        percent_change(b, v, fit.df, conf_level) for b, v in zip(fit.slope, np.diag(fit.cov), strict=True)
    ]
    return JoinpointTrend(
        frame=pl.DataFrame({"start": ends_of[:-1], "end": ends_of[1:]}).hstack(pl.DataFrame(changes)),
        joinpoint_frame=_near(s, candidates[k], at, conf_level),
        selection_frame=table,
        fitted_frame=pl.DataFrame(
            {"year": s.year, "observed": np.exp(s.log_rate), "estimate": np.exp(fit.fitted)}
        ),
        slope=fit.slope,
        cov=fit.cov,
        df=fit.df,
        method="given number" if n_joinpoints is not None else selection,
        is_weighted=t.weight is not None,
        n_event=t.n_event,
        conf_level=conf_level,
        n_dropped=t.n_dropped,
    )


def _check(
    selection: str, conf_level: float, alpha: float, n_permutations: int, ends: int, between: int
) -> None:
    check_choice(selection, Selection, argument="selection")
    check_conf_level(conf_level)
    check_number(alpha, argument="alpha", above=0, below=1, expected="a level such as 0.05", example=0.05)
    for name, value, least in (
        ("n_permutations", n_permutations, 1),
        ("ends", ends, 1),
        ("between", between, 0),
    ):
        _whole(value, name, least)


def _whole(value: Any, argument: str, least: int) -> int:
    expected = f"a whole number of {least} or more"
    given = check_number(value, argument=argument, at_least=least, expected=expected, example=2)
    if given == int(given):
        return int(given)
    raise DataError(f"{value!r} was given", argument=argument, expected=expected, remedy=f"{argument}=2")


def _most(s: Series, n_joinpoints: int | None, max_joinpoints: int | None) -> int:
    """The largest number that is fitted."""
    room = s.room()
    argument = "max_joinpoints" if n_joinpoints is None else "n_joinpoints"
    asked = max_joinpoints if n_joinpoints is None else n_joinpoints
    if asked is None:
        return min(sum(len(s.year) >= years for years in YEARS_FOR), room)
    most = _whole(asked, argument, 0)
    if most <= room:
        return most
    raise DataError(
        f"{most} joinpoints were asked of {len(s.year)} years",
        argument=argument,
        expected=f"no more than {room}, with years before, after and between as ends= and between= have it",
        remedy=f"{argument}={room}",
    )


def _refuse_few_shuffles(n_permutations: int, alpha: float, most: int) -> None:
    """The data are one of the series that are counted, so that p is no smaller than one of them all."""
    needed = int(np.ceil(most / alpha * (1 - 1e-12))) - 1
    if n_permutations < needed:
        raise DataError(
            f"{n_permutations} shuffles give no p-value below {1 / (n_permutations + 1):.2g}, and the first "
            f"test is at the level {alpha / most:.2g}",
            argument="n_permutations",
            expected=f"{needed} or more for up to {most} joinpoints",
            remedy="n_permutations=4499, the default",
        )


def _bic(s: Series, candidates: list[Lines]) -> pl.DataFrame:
    """The sum of squares and the criterion of each number of joinpoints."""
    n, squares = len(s.year), np.array([lines.squares[0] for lines in candidates])
    k = np.arange(len(candidates))
    with np.errstate(divide="ignore"):
        bic = np.log(squares / n) + 2 * (k + 1) * np.log(n) / n
    return pl.DataFrame({"n_joinpoints": k, "squares": squares, "bic": bic})


def _by_permutation(
    s: Series, most: int, alpha: float, n_permutations: int, seed: int
) -> tuple[int, pl.DataFrame]:
    """The number that a sequence of tests ends at, and the tests."""
    rng, few, many, rows = np.random.default_rng(seed), 0, most, []
    while few < many:
        shuffles = rng.permuted(np.tile(np.arange(len(s.year)), (n_permutations, 1)), axis=1)
        p = permutation_p_value(s.year, s.log_rate, s.weight, (few, many), (s.ends, s.between), shuffles)
        level = alpha / (most - few)
        rows.append({"fewer": few, "more": many, "p_value": p, "level": level})
        few, many = (few + 1, many) if p <= level else (few, many - 1)
    schema = {"fewer": pl.Int64, "more": pl.Int64, "p_value": pl.Float64, "level": pl.Float64}
    return few, pl.DataFrame(rows, schema=schema)


def _near(s: Series, lines: Lines, at: np.ndarray, conf_level: float) -> pl.DataFrame:
    """Each joinpoint, and the first and last year at which the fit would be no worse than chance has it."""
    df = len(s.year) - 2 * (len(at) + 1)
    bound = lines.squares[0] * (1 + fdtri(1, df, conf_level) / df) if len(at) else 0.0
    inside = [s.year[near <= bound * (1 + 1e-12)] for near in lines.near]
    return pl.DataFrame(
        {
            "estimate": s.year[at],
            "conf_low": [float(years[0]) for years in inside],
            "conf_high": [float(years[-1]) for years in inside],
        },
        schema=dict.fromkeys(("estimate", "conf_low", "conf_high"), pl.Float64),
    )
