"""Cumulative sums that signal a change of a rate or risk, as early as chance allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..errors import DataError, counted, warn
from ..fits import chi_squared_tail
from ..numerics import cusum as kernel
from ..options import Missing, check_number
from ..results import Result
from .period_rows import Periods, read_periods

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ..columns import Column

RUN_LENGTH = 370.0  # of a chart with limits of three standard errors
BY_CHANCE = 1e-3  # the probability of a dispersion, below which it is told


@dataclass(frozen=True, slots=True, eq=False)
class Cusum(Result):
    """A cumulative sum along time, and the threshold at which it signals a change.

    Attributes
    ----------
    frame
        One row per period: `time`, its size, `n_event`, `expected` (by the target), `statistic` (the sum),
        and `signal` (whether it is above the threshold).
    target
        The rate or risk of a process without a change.
    ratio
        The rate ratio (of shares: odds ratio) that the sum is made for.
    threshold
        The sum signals above it.
    """

    frame: pl.DataFrame = field(repr=False)
    target: float
    ratio: float
    threshold: float
    process: kernel.Process = field(repr=False)
    n_dropped: int

    @property
    def name(self) -> str:
        """What the sum is of."""
        return "Bernoulli CUSUM" if self.process.share is not None else "Poisson CUSUM"

    @property
    def ratio_name(self) -> str:
        """What the ratio is of."""
        return "odds ratio" if self.process.share is not None else "rate ratio"

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return {"time": "Period", "n": "Number", "statistic": "Cumulative sum"}

    def to_frame(self) -> pl.DataFrame:
        """One row per period."""
        return self.frame

    def signals(self) -> pl.DataFrame:
        """The periods with a signal."""
        return self.frame.filter("signal")

    def run_length(self, ratio: float = 1.0) -> float:
        """The mean number of periods from a sum of 0 to a signal, where this is the true ratio to the target.

        Periods are taken to have the sizes that were observed, in random order.
        """
        check_number(ratio, argument="ratio", above=0, expected="a ratio above 0", example=1.0)
        return kernel.run_length(self.process, self.threshold, float(ratio))

    def summary(self) -> pl.DataFrame:
        """One row: the sum, what it is for, its threshold; mean run lengths without and with a change."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "n_periods": [self.frame.height],
                "n_event": [int(self.frame["n_event"].sum())],
                "target": [self.target],
                "ratio": [self.ratio],
                "threshold": [self.threshold],
                "run_length": [self.run_length()],
                "run_length_changed": [self.run_length(self.ratio)],
                "n_signals": [self.signals().height],
                "n_dropped": [self.n_dropped],
            }
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the sum and its threshold; see `hem.plots.draw_control_chart`."""
        from ..plots import draw_control_chart

        return draw_control_chart(self, ax=ax, **options)

    def text(self) -> str:
        """A sentence: what the sum is for, and its first signal."""
        beyond = self.signals()
        first = f"first signal at {beyond['time'][0]}" if beyond.height else "no signal"
        return f"{self.name} ({self.ratio_name} {self.ratio:g}): {first}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"Periods were monitored by a {self.name} ({self.ratio_name} {self.ratio:g}) with the threshold "
            f"{formats.significant(self.threshold)}; a process without a change gives a signal every "
            f"{formats.significant(self.run_length(), 3)} periods on average."
        )

    def __repr__(self) -> str:
        beyond = self.signals()
        lines = [
            f"  {row['time']}: {formats.significant(row['statistic'])}"
            for row in beyond.head(6).iter_rows(named=True)
        ]
        lines += [f"  and {beyond.height - 6} more"] if beyond.height > 6 else []
        dropped = f", {self.n_dropped} rows with missing values left out" if self.n_dropped else ""
        lengths = [formats.significant(self.run_length(r), 3) for r in (1.0, self.ratio)]
        return "\n".join(
            [
                f"{self.name} of {counted(self.frame.height, 'period')}, {self.ratio_name} {self.ratio:g}, "
                f"threshold {formats.significant(self.threshold)}{dropped}",
                *(lines or ["  no signal"]),
                f"mean run length {lengths[0]} periods without a change, {lengths[1]} with it",
            ]
        )


def cusum(
    data: Any,
    *,
    time: Column,
    events: Column,
    n: Column | None = None,
    person_time: Column | None = None,
    expected: Column | None = None,
    target: float | None = None,
    baseline: Any = None,
    ratio: float = 2.0,
    threshold: float | None = None,
    run_length: float | None = None,
    restart: bool = True,
    missing: Missing = "raise",
) -> Cusum:
    """A sum of log-likelihood ratios along time (CUSUM) that signals a lasting change of a rate or risk.

    Each period adds the logarithm of how much likelier its count is after the change than without one, and
    the sum never falls below 0. It finds a small lasting change sooner than a control chart, which looks at
    periods one by one; it does not tell when the change began, nor how large it is.

    Parameters
    ----------
    data
        Any table; rows of one period are added up.
    time
        Dates or numbers of the periods.
    events
        Number of events of the row, or true/false.
    n, person_time, expected
        One of them at most: trials of which events are some (Bernoulli, binomial), time on call (Poisson), or
        expected events, such as of a calendar model (Poisson). None: counts of periods of one length.
    target
        The rate or share without a change; default that of the baseline, and 1 for observed over expected.
    baseline
        The last period of the baseline; default all periods.
    ratio
        The rate ratio (with `n` the odds ratio) to detect; below 1 for a decrease.
    threshold
        The sum signals above it; default the one of `run_length`.
    run_length
        Mean number of periods to a signal without a change, from which the threshold is made; default 370.
    restart
        Whether the sum starts again from 0 after a signal.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Cusum
        `.to_frame()`, `.signals()`, `.run_length(ratio)`, `.plot()`, `.text()`.

    Raises
    ------
    DataError
        Two sizes, more events than `n`, fewer than two periods, periods of no size, a baseline without events
        or of nothing else, a ratio of 1, and both `threshold` and `run_length`.

    Warns
    -----
    DataWarning
        A baseline whose counts vary more than Poisson (or binomial) counts.

    Notes
    -----
    Run lengths are those of a Markov chain (Brook and Evans) on 201 points, between which means are
    interpolated; counts being whole, they are right to about a hundredth. Where a target is estimated, they
    are too long: its error counts as no error.

    References
    ----------
    Page ES. Biometrika 1954;41:100-115. Lucas JM. Technometrics 1985;27:129-144. Steiner SH, Cook RJ,
    Farewell VT, Treasure T. Biostatistics 2000;1:441-452. Brook D, Evans DA. Biometrika 1972;59:539-549.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> weeks = pl.DataFrame(
    ...     {"week": range(1, 17), "bleeds": [4, 6, 3, 5, 4, 7, 5, 4, 5, 8, 9, 7, 10, 8, 9, 11]}
    ... )
    >>> hem.epidemiology.cusum(weeks, time="week", events="bleeds", baseline=8, ratio=1.5)
    Poisson CUSUM of 16 periods, rate ratio 1.5, threshold 3.993
      13: 4.286
      16: 4.228
    mean run length 370 periods without a change, 8.29 with it
    """
    _check_ratio(ratio)
    _refuse_both(threshold, run_length)
    sizes = {"n": n, "person_time": person_time, "expected": expected}
    p = read_periods(data, time=time, events=events, sizes=sizes, baseline=baseline, missing=missing)
    aim = _target(p, target)
    process = kernel.Process(
        size=p.size if p.kind == "n" else p.size * aim,
        ratio=float(ratio),
        share=aim if p.kind == "n" else None,
    )
    _warn_of_dispersion(p, aim)
    limit = _threshold(process, threshold, run_length)
    total, signal = kernel.cumulative(process.weights(p.events), limit, restart=bool(restart))
    return Cusum(
        frame=p.frame().with_columns(
            pl.Series("expected", p.size * aim), pl.Series("statistic", total), pl.Series("signal", signal)
        ),
        target=aim, ratio=float(ratio), threshold=limit, process=process, n_dropped=p.n_dropped,
    )  # fmt: skip


def _check_ratio(ratio: Any) -> None:
    check_number(ratio, argument="ratio", above=0, expected="a ratio above 0, and not 1", example=2.0)
    if ratio == 1:
        raise DataError(
            "1 was given, which is no change",
            argument="ratio",
            expected="a ratio above 1 for an increase, or below 1 for a decrease",
            remedy="ratio=2.0",
        )


def _refuse_both(threshold: Any, run_length: Any) -> None:
    if threshold is not None and run_length is not None:
        raise DataError(
            "was given beside a threshold, which has a run length of its own",
            argument="run_length",
            expected="one of both",
            remedy="threshold=None",
        )


def _threshold(process: kernel.Process, threshold: Any, run_length: Any) -> float:
    if threshold is not None:
        return check_number(
            threshold, argument="threshold", above=0, expected="a number above 0", example=3.0
        )
    wanted = RUN_LENGTH if run_length is None else run_length
    check_number(
        wanted, argument="run_length", at_least=2, below=1e7, expected="2 periods or more", example=RUN_LENGTH
    )
    return kernel.threshold_for(process, float(wanted))


def _warn_of_dispersion(p: Periods, aim: float) -> None:
    """Warn of a baseline that varies more than the counts that the run length is of."""
    mean, n = p.size[p.baseline] * aim, int(p.baseline.sum())
    spread = mean * (1 - aim) if p.kind == "n" else mean
    squares = float(((p.events[p.baseline] - mean) ** 2 / spread).sum())
    if chi_squared_tail(squares, n - 1) < BY_CHANCE:
        warn(
            "varies more in the baseline than by chance (dispersion "
            f"{formats.significant(squares / (n - 1))}), or its rate changes: signals without a change come "
            "sooner than the run length says",
            argument="events",
            column=p.names["events"],
            expected="a steady baseline, or expected numbers that allow for weekdays and season",
            remedy="expected=..., longer periods, a higher threshold, or "
            "control_chart(..., over_dispersion='laney')",
        )


def _target(p: Periods, target: float | None) -> float:
    """The rate or share without a change, within its bounds."""
    highest = 1.0 if p.kind == "n" else np.inf
    aim = (1.0 if p.kind == "expected" else p.centre) if target is None else target
    if target is None and not 0 < aim < highest:
        raise DataError(
            "has no event in the baseline" if aim == 0 else "has nothing but events in the baseline",
            argument="events",
            column=p.names["events"],
            expected="some events in the baseline, or a target",
            remedy="target=0.1",
        )
    return check_number(
        aim, argument="target", above=0.0, below=highest, example=0.1,
        expected="a share between 0 and 1" if p.kind == "n" else "a number above 0",
    )  # fmt: skip
