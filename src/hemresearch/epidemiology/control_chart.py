"""Counts, shares and rates along time, between control limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import polars as pl
from scipy.special import ndtr

from .. import formats
from ..errors import DataError, counted, warn
from ..numerics import control_chart as kernel
from ..options import Missing, check_choice, check_number
from ..results import Result
from .period_rows import Periods, read_periods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ..columns import Column

ChartKind = Literal["u", "p", "c"]
ChartLimits = Literal["sigma", "exact"]
ChartDispersion = Literal["none", "laney"]
Rule = Literal[
    "beyond limits", "2 of 3", "4 of 5", "8 on one side", "9 on one side", "6 in a trend", "14 alternating",
    "15 near the centre", "8 far from the centre",
]  # fmt: skip
WESTERN_ELECTRIC: tuple[Rule, ...] = ("beyond limits", "2 of 3", "4 of 5", "8 on one side")
SIZES = {"u": "person_time", "p": "n", "c": None}
QUANTITIES = {"u": "rate", "p": "proportion", "c": "number of events"}
SHORT = 10  # periods, of which limits are a guess


@dataclass(frozen=True, slots=True, eq=False)
class ControlChart(Result):
    """Periods between the limits within which chance alone leaves them.

    Attributes
    ----------
    frame
        One row per period: `time`, its size (`n` or `person_time`), `n_event`, `estimate`, `control_low`,
        `control_high`, `z` (distance from the centre in standard errors), `baseline` (whether limits come
        from it), and `signal`: the rules that it breaks, null if none.
    kind
        "u", "p" or "c".
    centre
        The rate, share or number of the baseline, or the target that was given.
    sigma_z
        How much more the baseline varies than by chance (Laney), from moving ranges; 1 without a correction.
    """

    frame: pl.DataFrame = field(repr=False)
    kind: ChartKind
    centre: float
    limits: ChartLimits
    sigma: float
    sigma_z: float
    over_dispersion: ChartDispersion
    rules: tuple[str, ...]
    n_dropped: int

    @property
    def quantity(self) -> str:
        """What is charted: "rate", "proportion" or "number of events"."""
        return QUANTITIES[self.kind]

    @property
    def name(self) -> str:
        """The chart as it is called."""
        return f"{self.kind}{'′' if self.over_dispersion == 'laney' else ''} chart"

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return {"time": "Period", "n": "Number", "estimate": self.quantity.capitalize()}

    def to_frame(self) -> pl.DataFrame:
        """One row per period."""
        return self.frame

    def signals(self) -> pl.DataFrame:
        """The periods that break a rule."""
        return self.frame.filter(pl.col("signal").is_not_null())

    def summary(self) -> pl.DataFrame:
        """One row: the chart, its periods, events, centre, limits and signals."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "n_periods": [self.frame.height],
                "n_event": [int(self.frame["n_event"].sum())],
                "centre": [self.centre],
                "limits": [self.limits],
                "sigma": [self.sigma],
                "sigma_z": [self.sigma_z],
                "n_signals": [self.signals().height],
                "n_dropped": [self.n_dropped],
            }
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the periods between their limits; see `hem.plots.draw_control_chart`."""
        from ..plots import draw_control_chart

        return draw_control_chart(self, ax=ax, **options)

    def text(self, *, decimals: int = 2) -> str:
        """A sentence: the centre, and how many periods break a rule."""
        n = self.signals().height
        told = f"{n} of {self.frame.height} periods with a signal"
        return f"{self.name} of the {self.quantity}, centre {formats.number(self.centre, decimals)}: {told}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        how = {
            "sigma": f"limits of {self.sigma:g} standard errors",
            "exact": f"probability limits of {'binomial' if self.kind == 'p' else 'Poisson'} counts",
        }[self.limits]
        wider = ", widened for over-dispersion by moving ranges (Laney)" * (self.over_dispersion == "laney")
        rules = ", ".join(self.rules)
        return f"Periods were compared in a {self.kind} chart with {how}{wider}; rules for signals: {rules}."

    def __repr__(self) -> str:
        beyond = self.signals()
        lines = [
            f"  {row['time']}: {formats.significant(row['estimate'])}, {row['signal']}"
            for row in beyond.head(6).iter_rows(named=True)
        ]
        lines += [f"  and {beyond.height - 6} more"] if beyond.height > 6 else []
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        head = f"{self.name} of {counted(self.frame.height, 'period')}, centre "
        spread = f", sigma z {formats.significant(self.sigma_z)}" * (self.over_dispersion == "laney")
        limits = "exact limits" if self.limits == "exact" else f"limits of {self.sigma:g} standard errors"
        return "\n".join(
            [head + formats.significant(self.centre) + dropped, *(lines or ["  no signal"]), limits + spread]
        )


def control_chart(
    data: Any,
    *,
    time: Column,
    events: Column,
    kind: ChartKind,
    n: Column | None = None,
    person_time: Column | None = None,
    target: float | None = None,
    baseline: Any = None,
    limits: ChartLimits = "sigma",
    sigma: float = 3.0,
    over_dispersion: ChartDispersion = "none",
    rules: Sequence[Rule] = WESTERN_ELECTRIC,
    missing: Missing = "raise",
) -> ControlChart:
    """Periods (days, weeks, months) between the limits within which chance leaves a steady process.

    A period beyond the limits, or a run that chance makes rarely, is a signal: a reason to look for a cause.
    With the four rules of Western Electric a steady process gives a signal about every 90 periods, with the
    limits alone about every 370. A chart compares periods with a centre; it does not tell the effect of an
    intervention (`interrupted_time_series`), takes periods for independent, and does not know of weekdays or
    seasons: those are signals, too.

    Parameters
    ----------
    data
        Any table; rows of one period are added up.
    time
        Dates or numbers of the periods.
    events
        Number of events of the row, or true/false.
    kind
        "u": events per `person_time` (hours on call, patient-days). "p": a share of `n`. "c": counts of
        periods of one length.
    n, person_time
        The size of the row, as the kind needs it.
    target
        The centre; default the share, rate or mean count of the baseline.
    baseline
        The last period of the baseline, from which centre and dispersion come; default all periods. Limits
        from a baseline that is judged by them hide what they should show.
    limits
        "sigma": `sigma` standard errors from the centre, cut at 0 (and 1). "exact": quantiles of the Poisson
        or binomial count with the tails of so many standard errors of a normal distribution; the ones to use
        where counts are small.
    sigma
        Standard errors from the centre to the limits.
    over_dispersion
        "laney": the standard errors times the standard deviation of the standardised values of the baseline,
        from their moving ranges (u′ and p′ charts): for counts that vary more than chance, as large ones do.
    rules
        What gives a signal: "beyond limits", "2 of 3" beyond two standard errors on one side, "4 of 5" beyond
        one, "8 on one side" (the four of Western Electric), "9 on one side", "6 in a trend", "14
        alternating", "15 near the centre" (within one standard error), "8 far from the centre" (Nelson's).
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    ControlChart
        `.to_frame()`, `.signals()`, `.plot()`, `.text()`.

    Raises
    ------
    DataError
        A kind without its size, or with another; more events than `n`; fewer than two periods; periods of no
        size; a centre of no event (or, of shares, of nothing else); exact limits with over-dispersion.

    Warns
    -----
    DataWarning
        A baseline of fewer than ten periods.

    Notes
    -----
    Limits and centre equal those of R's qcc. Laney's constant is 2 / sqrt(pi) = 1.1284, often rounded to
    1.128.

    References
    ----------
    Montgomery DC. Introduction to Statistical Quality Control, chapter 7. Laney DB. Qual Eng
    2002;14:531-537. Western Electric. Statistical Quality Control Handbook, 1956. Nelson LS. J Qual Technol
    1984;16:237-239. Mohammed MA, Worthington P, Woodall WH. Qual Saf Health Care 2008;17:137-145.

    Examples
    --------
    Consultations per week that could not be answered the same day.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> weeks = pl.DataFrame(
    ...     {
    ...         "week": range(1, 13),
    ...         "late": [4, 6, 3, 5, 4, 7, 5, 4, 6, 5, 16, 4],
    ...         "calls": [80, 91, 78, 85, 80, 90, 84, 79, 92, 85, 88, 81],
    ...     }
    ... )
    >>> hem.epidemiology.control_chart(weeks, time="week", events="late", n="calls", kind="p", baseline=10)
    p chart of 12 periods, centre 0.05806
      11: 0.1818, beyond limits
    limits of 3 standard errors
    """
    _check_choices(kind, limits, over_dispersion)
    checked = _checked_rules(rules)
    check_number(sigma, argument="sigma", above=0, expected="standard errors above 0", example=3.0)
    _refuse_size(kind, {"n": n, "person_time": person_time})
    sizes = {"n": n, "person_time": person_time}
    p = read_periods(data, time=time, events=events, sizes=sizes, baseline=baseline, missing=missing)
    _warn_short(p)
    centre, shares = _centre(p, kind, target), kind == "p"
    estimate, error = p.events / p.size, kernel.standard_errors(centre, p.size, shares=shares)
    spread = 1.0
    if over_dispersion == "laney":
        spread = _laney(p, (estimate - centre) / error)
    low, high = _limits(centre, p.size, error * spread, limits, sigma, shares)
    z = (estimate - centre) / (error * spread)
    frame = p.frame().with_columns(
        pl.Series("estimate", estimate),
        pl.Series("control_low", low),
        pl.Series("control_high", high),
        pl.Series("z", z),
        pl.Series("baseline", p.baseline),
        _signal(checked, z, (estimate < low) | (estimate > high)),
    )
    return ControlChart(
        frame=frame, kind=kind, centre=centre, limits=limits, sigma=float(sigma), sigma_z=spread,
        over_dispersion=over_dispersion, rules=checked, n_dropped=p.n_dropped,
    )  # fmt: skip


def _check_choices(kind: str, limits: str, over_dispersion: str) -> None:
    check_choice(kind, ChartKind, argument="kind")
    check_choice(limits, ChartLimits, argument="limits")
    check_choice(over_dispersion, ChartDispersion, argument="over_dispersion")
    if limits == "exact" and over_dispersion != "none":
        raise DataError(
            "'exact' limits are of chance alone, and over-dispersion is more",
            argument="limits",
            expected="limits='sigma' with over_dispersion='laney'",
            remedy="limits='sigma'",
        )


def _checked_rules(rules: Any) -> tuple[str, ...]:
    given = list(rules) if isinstance(rules, list | tuple) else [rules]
    for rule in given:
        check_choice(rule, Rule, argument="rules")
    return tuple(rule for rule in get_args(Rule) if rule in given)


def _refuse_size(kind: ChartKind, given: dict[str, Column | None]) -> None:
    """Each kind of chart has one size, or none."""
    needed, there = SIZES[kind], [name for name, column in given.items() if column is not None]
    if there == ([needed] if needed else []):
        return
    words = {"u": "person_time and no n", "p": "n and no person_time", "c": "neither n nor person_time"}
    raise DataError(
        f"{' and '.join(there) or 'no size'} was given to a {kind} chart",
        argument="kind",
        expected=words[kind],
        remedy={"n": "kind='p'", "person_time": "kind='u'"}.get(there[0] if there else "", f"{needed}=..."),
    )


def _warn_short(p: Periods) -> None:
    if (n := int(p.baseline.sum())) < SHORT and p.baseline.sum():
        warn(
            f"has {n} periods, from which limits are a guess",
            argument="baseline",
            expected="a baseline of ten periods or more, better twenty",
            remedy="shorter periods, or target=...",
        )


def _centre(p: Periods, kind: str, target: float | None) -> float:
    centre = p.centre if target is None else target
    highest = 1.0 if kind == "p" else np.inf
    if target is None and not 0 < centre < highest:
        raise DataError(
            "has no event in the baseline" if centre == 0 else "has nothing but events in the baseline",
            argument="events",
            column=p.names["events"],
            expected="some events in the baseline, or a target",
            remedy="target=0.1",
        )
    return check_number(
        centre, argument="target", above=0.0, below=highest, example=0.1,
        expected="a share between 0 and 1" if kind == "p" else "a number above 0",
    )  # fmt: skip


def _laney(p: Periods, z: np.ndarray) -> float:
    spread = kernel.moving_range_sigma(z[p.baseline])
    if spread > 0:
        return spread
    raise DataError(
        "is the same in every period of the baseline, which leaves no moving range",
        argument="over_dispersion",
        column=p.names["events"],
        expected="a baseline that varies",
        remedy="over_dispersion='none'",
    )


def _limits(
    centre: float, size: np.ndarray, error: np.ndarray, limits: str, sigma: float, shares: bool
) -> kernel.Limits:
    if limits == "exact":
        return kernel.probability_limits(centre, size, float(ndtr(-sigma)), shares=shares)
    return kernel.sigma_limits(centre, error, sigma, shares=shares)


def _signal(rules: tuple[str, ...], z: np.ndarray, beyond: np.ndarray) -> pl.Series:
    """The rules that each period breaks, in one text; null where none."""
    broken = {rule: beyond if rule == "beyond limits" else kernel.RULES[rule](z) for rule in rules}
    told = [", ".join(rule for rule, at in broken.items() if at[i]) or None for i in range(len(z))]
    return pl.Series("signal", told, dtype=pl.String)
