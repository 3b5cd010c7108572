"""How long net survival takes beside relsurv, and for a million patients: `make benchmark`.

Times are not asserted, since machines differ; what is recorded (and printed) are best-of-five seconds and
their ratio to relsurv's rs.surv, where R and relsurv are there.
"""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import polars as pl
from peers import ratios, seconds_in_r

import hemresearch as hem

MILLION = 1_000_000
RS_SURV = (
    "rs.surv(Surv(time, stat) ~ 1, rmap = list(age = age, sex = sex, year = as.Date(diag)), data = d, "
    "ratetable = slopop)"
)
COLUMNS: dict[str, Any] = {
    "time": "time", "event": "stat", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age",
    "age_unit": "days",
}  # fmt: skip


def test_pohar_perme_of_six_thousand_patients(benchmark):
    data, slovenia = hem.data.load("colrec"), hem.data.life_table("slovenia")
    benchmark.pedantic(
        lambda: hem.relative.net_survival(data, **COLUMNS, life_table=slovenia), rounds=5, warmup_rounds=1
    )
    best = {"hemresearch": benchmark.stats.stats.min}
    in_r = seconds_in_r(RS_SURV, data.with_columns(event=pl.lit(True)), "relsurv")
    told = ratios(best | ({"R relsurv": in_r} if in_r else {}))
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))


def test_pohar_perme_of_a_million_patients_over_twenty_years(benchmark):
    rng = np.random.default_rng(25)
    death, end = rng.exponential(5000, MILLION), rng.uniform(1, 7305, MILLION)
    data = pl.DataFrame(
        {
            "time": np.ceil(np.minimum(death, end)).astype(int),
            "stat": death <= end,
            "sex": rng.integers(1, 3, MILLION),
            "age": rng.integers(40 * 365, 85 * 365, MILLION),
            "diag": (np.datetime64("2000-01-01") + rng.integers(0, 366, MILLION)),
        }
    )
    sweden = hem.data.life_table("sweden")
    benchmark.pedantic(
        lambda: hem.relative.net_survival(data, **COLUMNS, life_table=sweden, extrapolate="nearest"),
        rounds=1, warmup_rounds=1,
    )  # fmt: skip
    told = {
        "hemresearch": f"{benchmark.stats.stats.min:.2f} s",
        "largest memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB",
    }
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
