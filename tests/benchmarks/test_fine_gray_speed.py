"""How long Fine-Gray regression takes beside its peers: `make benchmark`.

As in `test_survival_speed`: nothing is asserted of time. R's functions take minutes and run once.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from peers import interleaved, ratios, seconds_in_r

from hemresearch.competing import fine_gray
from hemresearch.regression import cox

COVARIATES = [f"x{j}" for j in range(10)]
PEERS = ("cmprsk", "finegray + coxph")  # told as multiples of our time, which is a small share of theirs
ROLES = {"time": "time", "event": "cause"}
CRR = "crr(d$time, d$cause, as.matrix(d[1:10]))"
FINEGRAY = (
    "{d$c <- factor(d$cause); f <- finegray(Surv(time, c) ~ ., d[c(1:11, 14)]); "
    "coxph(reformulate(names(d)[1:10], quote(Surv(fgstart, fgstop, fgstatus))), f, weights = fgwt)}"
)


def competing_data(n: int, *, whole_days: bool, seed: int = 20) -> pl.DataFrame:
    """Follow-up with ten covariates; about 35 % events, 25 % competing ones."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(COVARIATES)))
    relapse = rng.exponential(1500 * np.exp(-x @ np.linspace(-0.3, 0.3, len(COVARIATES))))
    death, censoring = rng.exponential(2500, n), rng.uniform(0, 3000, n)
    time = np.minimum.reduce([relapse, death, censoring])
    cause = np.where(time == relapse, 1, np.where(time == death, 2, 0))
    columns = dict(zip(COVARIATES, x.T, strict=True))
    return pl.DataFrame(
        {**columns, "time": np.ceil(time) if whole_days else time, "cause": cause, "event": cause == 1}
    )


def told(benchmark, best, ours, rounds=5):
    times = {f"{n} / hemresearch": f"{t / best['hemresearch']:.1f}" for n, t in best.items() if n in PEERS}
    words = ratios({n: t for n, t in best.items() if n not in PEERS}) | times
    benchmark.extra_info.update(words)
    print("\n" + " | ".join(f"{name} {value}" for name, value in words.items()))
    benchmark.pedantic(ours, rounds=rounds)


def test_ten_thousand_patients_beside_r(benchmark):
    data = competing_data(10_000, whole_days=False)

    def ours():
        return fine_gray(data, COVARIATES, **ROLES, cause=1)

    best = interleaved({"hemresearch": ours})
    for name, expression, package in (("cmprsk", CRR, "cmprsk"), ("finegray + coxph", FINEGRAY, "survival")):
        seconds = seconds_in_r(expression, data, package, rounds=1)
        best |= {} if seconds is None else {name: seconds}
    told(benchmark, best, ours)


@pytest.mark.parametrize("whole_days", [True, False], ids=["whole-days", "continuous"])
def test_a_million_patients_beside_a_cox_model(benchmark, whole_days):
    data = competing_data(1_000_000, whole_days=whole_days)

    def ours():
        return fine_gray(data, COVARIATES, **ROLES, cause=1)

    def plain():
        return cox(data, COVARIATES, time="time", event="event")

    told(benchmark, interleaved({"hemresearch": ours, "cox": plain}), ours)
