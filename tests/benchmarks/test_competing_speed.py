"""How long cumulative incidence takes beside R: `make benchmark`.

Times are not asserted, since machines differ; what is recorded (and printed) are best-of-five ratios. R is
timed when Rscript and its packages are there, its multi-state survfit once, for it takes minutes.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from peers import cohort, interleaved, ratios, seconds_in_r

from hemresearch.competing import cumulative_incidence

ROWS = 1_000_000
CUMINC = "cuminc(d$time, d$cause, d$group)"
SURVFIT = "survfit(Surv(time, factor(cause)) ~ group, d)"


def competing_cohort(whole_days: bool) -> pl.DataFrame:
    """Three groups, about 45 % censored, of the others 60 % with the first cause."""
    data = cohort(ROWS, whole_days=whole_days)
    first = np.random.default_rng(21).random(ROWS) < 0.6
    return data.with_columns(cause=pl.col("event") * (2 - pl.Series(first).cast(pl.Int64)))


@pytest.mark.parametrize("whole_days", [True, False], ids=["whole-days", "continuous"])
def test_cumulative_incidence_with_errors_in_three_groups(benchmark, whole_days):
    data = competing_cohort(whole_days)

    def ours():
        return cumulative_incidence(data, time="time", event="cause", by="group")

    def as_cuminc():
        return cumulative_incidence(data, time="time", event="cause", by="group", variance="cuminc")

    best = interleaved({"hemresearch": ours, "hemresearch, variance of cuminc": as_cuminc})
    in_r = {
        "R cmprsk": seconds_in_r(CUMINC, data, "cmprsk"),
        "R survival, multi-state": seconds_in_r(SURVFIT, data, rounds=1) if whole_days else None,
    }
    told = ratios({**best, **{name: t for name, t in in_r.items() if t}})
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=5)
