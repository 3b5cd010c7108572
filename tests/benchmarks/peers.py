"""Timing beside peers: interleaved, best of five, told as ratios."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl


def interleaved(calls: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """The best of `rounds` seconds of each call, taken in turn so that a busy moment hits all of them."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def ratios(best: dict[str, float], ours: str = "hemresearch") -> dict[str, str]:
    """Our time as a share of each peer's."""
    told = {f"{ours} / {name}": f"{best[ours] / t:.2f}" for name, t in best.items() if name != ours}
    return {**{name: f"{t:.3f} s" for name, t in best.items()}, **told}


def cohort(n: int, *, whole_days: bool, seed: int = 20) -> pl.DataFrame:
    """Simulated follow-up of three groups, about 45 % censored."""
    rng = np.random.default_rng(seed)
    death, censoring = rng.exponential(1500, n), rng.uniform(0, 4000, n)
    time = np.minimum(death, censoring)
    return pl.DataFrame(
        {
            "time": np.ceil(time) if whole_days else time,
            "event": death <= censoring,
            "group": np.array(["A", "B", "C"])[rng.integers(0, 3, n)],
        }
    )


def seconds_in_r(
    expression: str, data: pl.DataFrame, package: str = "survival", rounds: int = 5
) -> float | None:
    """The best of `rounds` seconds of an R expression on `d`, or None without R and its package."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "d.csv"
        data.write_csv(table)
        script = (
            f"if (!requireNamespace('{package}', quietly = TRUE)) quit(status = 3); library({package}); "
            f"d <- read.csv('{table.as_posix()}'); d$event <- d$event == 'true'; "
            f"cat(min(sapply(1:{rounds}, function(i) system.time({expression})[['elapsed']])))"
        )
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
    return float(done.stdout) if done.returncode == 0 else None
