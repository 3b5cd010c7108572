"""How long scores of predictions take, with standard errors, beside R: `make benchmark`.

Times are not asserted, since machines differ. R's Score is timed on a twentieth of the patients and two
horizons.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from peers import interleaved, ratios, seconds_in_r

from hemresearch.prediction import auc, brier_score, concordance_competing

ROWS, HORIZONS = 100_000, np.linspace(0.3, 6, 20)
RISKS = [f"p{i}" for i in range(len(HORIZONS))]
SCORE = (
    "{library(survival); Score(list(m = as.matrix(d[c('p0', 'p9')])), Hist(time, status) ~ 1, d, "
    "times = c(0.3, 3), cens.model = 'km', null.model = TRUE)}"
)


def cohort() -> pl.DataFrame:
    """Follow-up, a score, and the true risks at every horizon."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=ROWS)
    end, leaves = rng.exponential(5 * np.exp(-x)), rng.exponential(8.0, ROWS)
    data = pl.DataFrame({"time": np.minimum(end, leaves), "event": end <= leaves, "x": x})
    risk = -np.expm1(-np.exp(x)[:, None] * HORIZONS / 5)
    data = data.with_columns(status=pl.col("event").cast(pl.Int64))
    return data.with_columns(pl.Series(name, risk[:, i]) for i, name in enumerate(RISKS))


@pytest.mark.parametrize("what", ["auc", "brier"])
def test_twenty_horizons_with_errors(benchmark, what):
    data = cohort()
    roles = {"time": "time", "event": "event", "risks": {"true": RISKS}, "times": HORIZONS}

    def ours():
        return (auc if what == "auc" else brier_score)(data, **roles)

    best = interleaved({"hemresearch": ours})
    in_r = seconds_in_r(SCORE, data.head(ROWS // 20), "riskRegression", rounds=1)
    told = ratios({**best, **({"Score, n / 20, 2 horizons": in_r} if in_r else {})})
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=5)


def test_concordance_with_competing_events(benchmark):
    data = cohort().with_columns(cause=pl.col("event").cast(pl.Int64) * (1 + (pl.col("x") > 1.5)))
    benchmark.pedantic(
        lambda: concordance_competing(data, time="time", event="cause", cause=1, scores={"x": "x"}), rounds=5
    )
