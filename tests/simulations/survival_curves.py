"""Coverage of the pointwise limits of curves, quantiles and restricted means, on simulated patients.

The truth is known: exponential survival (rate 1), uniform censoring, delayed entry or weights where named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from hemresearch.survival import kaplan_meier, nelson_aalen, rmst, rmst_difference

N = 200
TIMES = {0.25: np.exp(-0.25), 0.7: np.exp(-0.7)}
TAU = 1.0


def patients(rng: np.random.Generator, n: int = N, rate: float = 1.0) -> pl.DataFrame:
    """Exponential survival, censored uniformly on (0, 3): about 32 % censored."""
    death, censoring = rng.exponential(1 / rate, n), rng.uniform(0, 3, n)
    return pl.DataFrame({"time": np.minimum(death, censoring), "event": death <= censoring})


def late_entrants(rng: np.random.Generator) -> pl.DataFrame:
    """Patients seen only if alive at an entry time, uniform on (0, 0.5) for half of them."""
    everyone = patients(rng, 2 * N).with_columns(
        entry=pl.Series(np.where(rng.random(2 * N) < 0.5, 0.0, rng.uniform(0, 0.5, 2 * N)))
    )
    return everyone.filter(pl.col("entry") < pl.col("time")).head(N)


def pairs(rng: np.random.Generator) -> pl.DataFrame:
    """Pairs that share half of their hazard's frailty: clustered survival with an exponential margin.

    A Marshall-Olkin pair: each member dies at the smaller of an own and a shared exponential time.
    """
    shared = np.repeat(rng.exponential(2.0, N), 2)
    death, censoring = np.minimum(rng.exponential(2.0, 2 * N), shared), rng.uniform(0, 3, 2 * N)
    return pl.DataFrame(
        {
            "time": np.minimum(death, censoring),
            "event": death <= censoring,
            "pair": np.repeat(np.arange(N), 2),
        }
    )


def two_arms(rng: np.random.Generator) -> pl.DataFrame:
    """Arm A with rate 1 and arm B with rate 0.6."""
    arms = [patients(rng, rate=rate).with_columns(arm=pl.lit(arm)) for arm, rate in (("A", 1.0), ("B", 0.6))]
    return pl.concat(arms)


def restricted_mean(rate: float) -> float:
    """The mean of min(T, TAU) for an exponential T."""
    return (1 - np.exp(-rate * TAU)) / rate


@dataclass(frozen=True)
class Study:
    """Data, an analysis that gives (low, high) for each target, and the true value of each."""

    name: str
    sample: Callable[[np.random.Generator], pl.DataFrame]
    limits: Callable[[pl.DataFrame], list[tuple[float | None, float | None]]]
    truth: dict[str, float]


def at_times(function: Callable, **options) -> Callable:
    def limits(data: pl.DataFrame) -> list[tuple[float | None, float | None]]:
        at = function(data, time="time", event="event", **options).at(list(TIMES))
        return at.select("conf_low", "conf_high").rows()

    return limits


def median(data: pl.DataFrame) -> list[tuple[float | None, float | None]]:
    quantile = kaplan_meier(data, time="time", event="event").quantile(0.5)
    return [
        (low, np.inf if high is None else high)
        for low, high in quantile.select("conf_low", "conf_high").rows()
    ]


def restricted(data: pl.DataFrame) -> list[tuple[float | None, float | None]]:
    frame = rmst(data, time="time", event="event", tau=TAU).to_frame()
    return frame.select("conf_low", "conf_high").rows()


def restricted_difference(data: pl.DataFrame) -> list[tuple[float | None, float | None]]:
    frame = rmst_difference(data, time="time", event="event", by="arm", tau=TAU).to_frame()
    return frame.select("conf_low", "conf_high").rows()


SURVIVAL = {f"S({t})": float(s) for t, s in TIMES.items()}
HAZARD = {f"H({t})": t for t in TIMES}
A, B = restricted_mean(1.0), restricted_mean(0.6)
STUDIES = [
    *(
        Study(f"Kaplan-Meier, {scale}", patients, at_times(kaplan_meier, conf_type=scale), SURVIVAL)
        for scale in ("plain", "log", "log-log", "logit", "arcsin")
    ),
    Study(
        "Kaplan-Meier, delayed entry, log-log", late_entrants, at_times(kaplan_meier, entry="entry"), SURVIVAL
    ),
    Study("Kaplan-Meier, pairs, robust, log-log", pairs, at_times(kaplan_meier, cluster="pair"), SURVIVAL),
    Study("Nelson-Aalen, log-log", patients, at_times(nelson_aalen), HAZARD),
    Study("Median, Brookmeyer-Crowley, log-log", patients, median, {"median": float(np.log(2))}),
    Study("RMST", patients, restricted, {f"RMST({TAU:g})": A}),
    Study(
        "RMST, two arms",
        two_arms,
        restricted_difference,
        {"difference": B - A, "ratio": B / A, "time lost ratio": (TAU - B) / (TAU - A)},
    ),
]


def coverage(replications: int, seed: int) -> Iterator[dict[str, object]]:
    """One row per study and target: how often the interval holds the truth."""
    for study in STUDIES:
        rng = np.random.default_rng(seed)
        held = np.zeros(len(study.truth))
        for _ in range(replications):
            intervals = study.limits(study.sample(rng))
            held += [
                low is not None and high is not None and low <= value <= high
                for (low, high), value in zip(intervals, study.truth.values(), strict=True)
            ]
        for target, count in zip(study.truth, held, strict=True):
            yield {"study": study.name, "target": target, "coverage": count / replications}
