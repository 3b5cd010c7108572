"""How long a screen of thousands of features takes beside a loop in R: `make benchmark`.

Nothing is asserted of time. R runs a tenth of the features (`coxph`: a hundredth), and its time is scaled up:
the loop takes as long for each feature.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from peers import interleaved, seconds_in_r

from hemresearch.translational import screen

PATIENTS, FEATURES = 500, 20_000
FIT = """{
  s <- Surv(d$time, d$event); control <- coxph.control(); x <- as.matrix(d[-(1:2)])
  for (j in seq_len(ncol(x)))
    coxph.fit(x[, j, drop = FALSE], s, NULL, NULL, NULL, control, NULL, "efron", as.character(seq_along(s)))
}"""
COXPH = "{ s <- Surv(d$time, d$event); for (j in 3:ncol(d)) coxph(s ~ d[[j]]) }"


def expression_data(n: int, m: int, seed: int = 20) -> tuple[pl.DataFrame, np.ndarray]:
    """Follow-up with about 60 % events, and as many features of which the first 100 matter."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, m))
    death = rng.exponential(np.exp(-x[:, :100] @ rng.normal(0, 0.05, 100)))
    end = rng.exponential(1.5, n)
    return pl.DataFrame({"time": np.minimum(death, end), "event": death < end}), x


def test_screen_of_20000_features(benchmark):
    data, x = expression_data(PATIENTS, FEATURES)
    names = [f"g{j}" for j in range(FEATURES)]

    def ours(threads):
        return screen(data, names, matrix=x, time="time", event="event", n_jobs=threads)

    groups, roles = (x > 0).astype(float), {"time": "time", "event": "event"}
    causes = data.with_columns(event=pl.col("event") * (1 + pl.int_range(pl.len()) % 2))
    best = interleaved(
        {
            "one thread": lambda: ours(1),
            "two threads": lambda: ours(2),
            "log-rank": lambda: screen(data, names, matrix=groups, method="logrank", **roles),
            "Fine-Gray": lambda: screen(causes, names, matrix=x, method="fine-gray", cause=1, **roles),
        }
    )
    for name, expression, share in (("coxph.fit", FIT, 10), ("coxph", COXPH, 100)):
        some = pl.DataFrame(x[:, : FEATURES // share], schema=names[: FEATURES // share])
        seconds = seconds_in_r(expression, pl.concat([data, some], how="horizontal"), rounds=3)
        if seconds is not None:
            best[f"loop of {name} (x {share})"] = share * seconds
    told = {name: f"{seconds:.3f} s" for name, seconds in best.items()}
    told |= {
        f"{ours} / {name}": f"1/{best[name] / best[ours]:.0f}"
        for name in best
        if name.startswith("loop")
        for ours in ("one thread", "two threads")
    }
    benchmark.extra_info.update(told)
    print("\n" + " | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(lambda: ours(1), rounds=1)
