"""Association of an exposure with an event: difference and ratio of risks, odds ratio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from .. import formats
from ..errors import warn
from ..numerics import exact_odds_ratio as exact
from ..numerics import two_by_two as kernel
from ..numerics.exact_limits import wilson_limits
from ..options import Missing, check_choice, check_conf_level
from ..results import Comparisons
from .totals import in_groups
from .two_values import Tables, read_tables, terms_frame

if TYPE_CHECKING:
    from ..columns import Column, Columns

RiskDifference = Literal["miettinen-nurminen", "mee", "newcombe", "wald"]
RiskRatio = Literal["koopman", "miettinen-nurminen", "wald", "small-sample"]
OddsRatio = Literal["score", "miettinen-nurminen", "wald", "mid-p", "fisher", "small-sample"]
Independence = Literal["chi-squared", "yates", "fisher", "mid-p"]
Method = Callable[..., kernel.Three]
WITHOUT_LIMITS = {"risk_ratio": ("wald", "small-sample"), "odds_ratio": ("wald",)}  # where a cell is empty


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Association(Comparisons):
    """Difference and ratios of risks, with the table that they are of.

    Attributes
    ----------
    risks
        The `by` columns, the exposure ("exposed" or "unexposed"), `n`, `n_event`, `n_without` (the four
        cells are the last two), `estimate` (the risk) and Wilson's limits.
    """

    risks: pl.DataFrame = field(default_factory=pl.DataFrame)

    def _in_words(self) -> pl.DataFrame:
        """The ratios, without the total of both groups; a difference has no place on their axis."""
        ratios = self.frame.filter(pl.col("term").str.ends_with("ratio")).drop("n", "n_event")
        return ratios.with_columns(
            pl.col("term").replace({"risk ratio": "Risk ratio", "odds ratio": "Odds ratio"})
        )

    def __repr__(self) -> str:
        head, *lines = Comparisons.__repr__(self).split("\n")
        return "\n".join([head, *self._risk_lines(), *lines])

    def _risk_lines(self) -> list[str]:
        """Both risks, where there is one table; else where they are."""
        if self.risks.height > 2:
            return ["  the risks of each table: .risks"]
        return [
            f"  {row['exposure']}: {formats.count(row['n_event'])} of {formats.count(row['n'])}, risk "
            f"{formats.significant(row['estimate'])} ({formats.significant(row['conf_low'])} to "
            f"{formats.significant(row['conf_high'])})"
            for row in self.risks.iter_rows(named=True)
        ]


def two_by_two(
    data: Any,
    *,
    exposure: Column,
    exposed: Any = None,
    event: Column,
    event_value: Any = None,
    by: Columns = None,
    weights: Column | None = None,
    risk_difference: RiskDifference = "miettinen-nurminen",
    risk_ratio: RiskRatio = "koopman",
    odds_ratio: OddsRatio = "score",
    test: Independence = "chi-squared",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Association:
    """Difference and ratio of risks, and odds ratio, of the exposed against the unexposed.

    With `x` of `n` exposed and `x_0` of `n_0` unexposed who had the event: x/n - x_0/n_0, its ratio, and
    x (n_0 - x_0) / ((n - x) x_0). Risks are proportions of patients who were all followed to the end of the
    time in question; where some were censored, `kaplan_meier` or `cumulative_incidence` give risks, and
    `rate_ratio` compares rates. In a case-control study only the odds ratio has a meaning. Odds ratios are
    further from 1 than ratios of risks, unless the event is rare.

    Parameters
    ----------
    data
        Any table: one row per patient, or one per cell with the number of patients as `weights`.
    exposure, exposed
        Whether the patient was exposed: true/false, 1/0, or two values of which `exposed` names the exposed.
    event, event_value
        Whether the patient had the event: true/false, 1/0, or what `event_value` declares to be it.
    by
        One or several columns; a table of its own for each combination that occurs.
    weights
        Number of patients of a row.
    risk_difference
        Limits. "miettinen-nurminen": those that the score test does not reject, its variance multiplied by
        N / (N - 1); "mee": the same without that factor; "newcombe": from Wilson's limits of either risk;
        "wald": normal, for large samples.
    risk_ratio
        "koopman": by the score test; "miettinen-nurminen": with N / (N - 1); "wald": normal on the log scale;
        "small-sample": Jewell's less biased estimate, with Wald's error.
    odds_ratio
        "score": by the score test; "miettinen-nurminen": with N / (N - 1); "wald": Woolf's, normal on the log
        scale; "fisher": conditional maximum likelihood with exact limits; "mid-p": median-unbiased, with
        limits that count the observed table half; "small-sample": Jewell's estimate.
    test
        Of no association: "chi-squared" (Pearson), "yates" (with continuity correction), "fisher" (exact, all
        tables no more probable), "mid-p" (twice the smaller tail). It is the same in the three rows of a
        table.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Association
        The `by` columns, `term` ("risk difference", "risk ratio", "odds ratio"), `n`, `n_event`, `estimate`,
        `statistic` (null for exact tests), `p_value`, `conf_low`, `conf_high`. `.risks` has the cells and
        both risks; `.plot()` draws the ratios.

    Raises
    ------
    DataError
        An exposure of more than two values, or of two of which none was declared; weights that are not
        whole; a group without exposed or without unexposed; and as `kaplan_meier` for `event`.

    Warns
    -----
    DataWarning
        An empty cell, where "wald" knows no limits of ratios. A group in which nobody, or everybody, had the
        event.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226. Koopman PAR. Biometrics 1984;40:513-517. Mee RW.
    Biometrics 1984;40:1175-1176. Newcombe RG. Stat Med 1998;17:873-890. Jewell NP. Statistics for
    Epidemiology. CRC 2004.

    Examples
    --------
    The field trial of Salk's vaccine in 1954: paralytic poliomyelitis in vaccinated children and in those
    given placebo.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> trial = pl.DataFrame(
    ...     {
    ...         "vaccine": [True, True, False, False],
    ...         "polio": [True, False, True, False],
    ...         "children": [33, 200712, 115, 201114],
    ...     }
    ... )
    >>> result = hem.epidemiology.two_by_two(trial, exposure="vaccine", event="polio", weights="children")
    >>> result
    association of vaccine with polio, n=401,974, events=148
      exposed: 33 of 200,745, risk 0.0001644 (0.0001171 to 0.0002308)
      unexposed: 115 of 201,229, risk 0.0005715 (0.0004762 to 0.0006859)
      risk difference: -0.0004071 (-0.000532 to -0.0002925), n 401974, statistic 45.25, p 1.733e-11
      risk ratio: 0.2876 (0.1958 to 0.4226), n 401974, statistic 45.25, p 1.733e-11
      odds ratio: 0.2875 (0.1957 to 0.4224), n 401974, statistic 45.25, p 1.733e-11
    95% limits: risk difference by Miettinen-Nurminen, risk ratio by Koopman, odds ratio by score
    """
    check_choice(risk_difference, RiskDifference, argument="risk_difference")
    check_choice(risk_ratio, RiskRatio, argument="risk_ratio")
    check_choice(odds_ratio, OddsRatio, argument="odds_ratio")
    check_choice(test, Independence, argument="test")
    check_conf_level(conf_level)
    t = read_tables(
        data, exposure=exposure, exposed=exposed, event=event, event_value=event_value, by=by, strata=None,
        weights=weights, missing=missing,
    )  # fmt: skip
    _warn_of_margins(t)
    _warn_of_empty_cells(t, risk_ratio, odds_ratio)
    margins = tuple(part[:, 0] for part in t.margins)
    chosen = {
        "risk difference": DIFFERENCES[risk_difference], "risk ratio": RISK_RATIOS[risk_ratio],
        "odds ratio": ODDS_RATIOS[odds_ratio],
    }  # fmt: skip
    statistic, p_value = TESTS[test](*margins)
    counts = {"n": t.total[:, 0].astype(int), "n_event": t.n_event[:, 0].astype(int)}
    rows = {}
    for term, (_, method) in chosen.items():
        estimate, low, high = method(*margins, conf_level)
        tested = {"statistic": statistic, "p_value": p_value}
        rows[term] = {**counts, "estimate": estimate, **tested, "conf_low": low, "conf_high": high}
    names = [f"{term} by {name}" for term, (name, _) in chosen.items()]
    return Association(
        frame=terms_frame(t.group, rows),
        name=f"association of {t.names['exposure']} with {t.names['event']}",
        method=", ".join(names),
        conf_level=conf_level,
        n=int(t.total.sum()),
        n_event=float(t.n_event.sum()),
        n_dropped=t.n_dropped,
        risks=_risks(t, conf_level),
    )


def _risks(t: Tables, conf_level: float) -> pl.DataFrame:
    """The cells, and the risk of exposed and unexposed, in each table."""
    x, n, x_0, n_0 = (part[:, 0] for part in t.margins)
    rows = {}
    for term, events, total in (("exposed", x, n), ("unexposed", x_0, n_0)):
        low, high = wilson_limits(events, total, conf_level)
        counts = {"n": total, "n_event": events, "n_without": total - events}
        whole = {name: values.astype(int) for name, values in counts.items()}
        rows[term] = {**whole, "estimate": events / total, "conf_low": low, "conf_high": high}
    return terms_frame(t.group, rows).rename({"term": "exposure"})


def _distributions(
    x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray
) -> Iterator[exact.ExposedEvents]:
    """Of every table by itself."""
    for g in range(len(x)):
        yield exact.exposed_events(x[g : g + 1], n[g : g + 1], x_0[g : g + 1], n_0[g : g + 1])


def _exact(share: float) -> Method:
    """An odds ratio from the distribution of the table given its margins; of the observed one, a share."""

    def estimates(
        x: np.ndarray, n: np.ndarray, x_0: np.ndarray, n_0: np.ndarray, conf_level: float
    ) -> kernel.Three:
        rows = []
        for d in _distributions(x, n, x_0, n_0):
            estimate = exact.maximum_likelihood(d) if share == 1 else exact.median_unbiased(d)
            rows.append((estimate, *exact.odds_ratio_limits(d, conf_level, share)))
        estimate, low, high = np.array(rows).T
        return estimate, low, high

    return estimates


def _chi_squared(continuity: bool) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def tested(*margins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        statistic = kernel.chi_squared(*margins, continuity=continuity)
        return statistic, np.asarray(chdtrc(1, statistic))

    return tested


def _exact_test(test: Callable[[exact.ExposedEvents], float]) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def tested(*margins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = [test(d) for d in _distributions(*margins)]
        return np.full(len(p), np.nan), np.array(p)

    return tested


DIFFERENCES: dict[str, tuple[str, Method]] = {
    "miettinen-nurminen": (
        "Miettinen-Nurminen", partial(kernel.score_difference, corrected=True),
    ),
    "mee": ("Mee", partial(kernel.score_difference, corrected=False)),
    "newcombe": ("Newcombe", kernel.newcombe_difference),
    "wald": ("Wald", kernel.wald_difference),
}  # fmt: skip
RISK_RATIOS: dict[str, tuple[str, Method]] = {
    "koopman": ("Koopman", partial(kernel.score_ratio, kind="risk", corrected=False)),
    "miettinen-nurminen": (
        "Miettinen-Nurminen", partial(kernel.score_ratio, kind="risk", corrected=True),
    ),
    "wald": ("Wald", kernel.wald_risk_ratio),
    "small-sample": ("Jewell", kernel.small_risk_ratio),
}  # fmt: skip
ODDS_RATIOS: dict[str, tuple[str, Method]] = {
    "score": ("score", partial(kernel.score_ratio, kind="odds", corrected=False)),
    "miettinen-nurminen": (
        "Miettinen-Nurminen", partial(kernel.score_ratio, kind="odds", corrected=True),
    ),
    "wald": ("Woolf", kernel.wald_odds_ratio),
    "mid-p": ("mid-p", _exact(0.5)),
    "fisher": ("Fisher", _exact(1.0)),
    "small-sample": ("Jewell", kernel.small_odds_ratio),
}  # fmt: skip
TESTS = {
    "chi-squared": _chi_squared(False),
    "yates": _chi_squared(True),
    "fisher": _exact_test(exact.fisher_test),
    "mid-p": _exact_test(exact.midp_test),
}


def _warn_of_margins(t: Tables) -> None:
    """Say where nothing can be learned of ratios, since nobody (or everybody) had the event."""
    events, total = t.n_event[:, 0], t.total[:, 0]
    flat = (events == 0) | (events == total)
    if flat.any():
        warn(
            f"does not vary{in_groups(t.group, flat)}: nobody had the event, or everybody",
            argument="event",
            column=t.names["event"],
            expected="patients with and without the event in every group",
            remedy="data.filter(...) to the groups with both",
        )


def _warn_of_empty_cells(t: Tables, risk_ratio: str, odds_ratio: str) -> None:
    """Say where Wald's limits of a ratio do not exist; not again where the event does not vary at all."""
    x, n, x_0, n_0 = (part[:, 0] for part in t.margins)
    events = x + x_0
    no_risk, no_cell = (x == 0) | (x_0 == 0), (x == 0) | (x == n) | (x_0 == 0) | (x_0 == n_0)
    varies = (events > 0) & (events < n + n_0)
    for argument, chosen, empty, other in (
        ("risk_ratio", risk_ratio, no_risk & varies, "koopman"),
        ("odds_ratio", odds_ratio, no_cell & varies, "score"),
    ):
        if chosen in WITHOUT_LIMITS[argument] and empty.any():
            warn(
                f"knows no limits of the ratio{in_groups(t.group, empty)}, where a cell is empty",
                argument=argument,
                expected="events in exposed and unexposed, and for odds some without",
                remedy=f"{argument}={other!r}",
            )
            return
