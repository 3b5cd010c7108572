"""How long regressions take beside their peers: `make benchmark`.

As in `test_survival_speed`: nothing is asserted of time; best of five, interleaved in one run. Peers that are
not installed (R, the Rust package `survival`) are left out.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lifelines import CoxPHFitter
from peers import interleaved, ratios, seconds_in_r

from hemresearch.regression import concordance, cox, ph_test

ROWS = 1_000_000
COVARIATES = [f"x{j}" for j in range(10)]


def regression_data(n: int, *, times: str, seed: int = 20) -> pl.DataFrame:
    """Follow-up with ten covariates, about 45 % events; whole days, continuous, or 5 000 distinct times."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(COVARIATES)))
    death = rng.exponential(1500 * np.exp(-x @ np.linspace(-0.3, 0.3, len(COVARIATES))))
    censoring = rng.uniform(0, 2000, n)
    time = np.minimum(death, censoring)
    if times == "whole days":
        time = np.ceil(time)
    elif times == "5000 times":
        grid = np.sort(rng.uniform(0, 2000, 5000))
        time = grid[np.minimum(np.searchsorted(grid, time), 4999)]
    columns = dict(zip(COVARIATES, x.T, strict=True))
    return pl.DataFrame({**columns, "time": time, "event": death <= censoring})


def record(benchmark, best, ours, r, rounds=5):
    told = ratios({**best, **({"R survival": r} if r else {})})
    benchmark.extra_info.update(told)
    print("\n" + " | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=rounds)


def rust(data: pl.DataFrame):
    """A call of the Rust package on arrays, or nothing."""
    if importlib.util.find_spec("survival") is None:
        return {}
    import survival

    x, time = data.select(COVARIATES).to_numpy(), data["time"].to_numpy()
    event = data["event"].cast(pl.Int32).to_numpy()
    fit = survival._survival.coxph_fit
    return {"Rust survival": lambda: fit(time, event, np.ascontiguousarray(x))}


@pytest.mark.parametrize(
    ("times", "rows"),
    [("whole days", ROWS), ("continuous", ROWS), ("5000 times", 100_000)],
    ids=["whole-days", "continuous", "5000-times"],
)
def test_cox_with_ten_covariates(benchmark, times, rows):
    data = regression_data(rows, times=times)
    pandas = data.to_pandas()
    print(f"\n{times}, {rows} rows, {data['event'].mean():.3f} events", end="")

    def ours():
        return cox(data, COVARIATES, time="time", event="event")

    def theirs():
        CoxPHFitter().fit(pandas, "time", "event")

    calls = {"hemresearch": ours, **rust(data)}
    if times == "continuous":  # lifelines loops over the distinct event times: minutes, so once is enough
        best = interleaved(calls) | interleaved({"lifelines": theirs}, rounds=1)
    else:
        best = interleaved({**calls, "lifelines": theirs})
    r = seconds_in_r("coxph(Surv(time, event) ~ ., d)", data)
    record(benchmark, best, ours, r)


def test_residuals_and_ph_test_beside_the_fit(benchmark):
    data = regression_data(ROWS, times="continuous")

    def fitted():
        return cox(data, COVARIATES, time="time", event="event")

    fit = fitted()
    calls = {kind: lambda kind=kind: fit.residuals(kind) for kind in ("martingale", "dfbeta", "schoenfeld")}
    best = interleaved({"the fit": fitted, "ph_test": lambda: ph_test(fit), **calls})
    told = {name: f"{seconds / best['the fit']:.2f} fits" for name, seconds in best.items()}
    benchmark.extra_info.update(told)
    print("\n", told)
    benchmark.pedantic(lambda: ph_test(fit), rounds=1)


def test_concordance_with_its_standard_error(benchmark):
    data = regression_data(ROWS, times="continuous")

    def ours():
        return concordance(data, time="time", event="event", score="x0")

    best = interleaved({"hemresearch": ours}, rounds=5)
    r = seconds_in_r("concordance(Surv(time, event) ~ x0, d, reverse = TRUE)", data)
    record(benchmark, best, ours, r)


OWN_PROCESS = """
import sys, time
from pathlib import Path


def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(field)).split()[1])


sys.path.insert(0, {folder!r})
from test_regression_speed import COVARIATES, cox, regression_data
cox(regression_data(1000, times="continuous"), COVARIATES, time="time", event="event")
data = regression_data({rows}, times={times!r})
Path("/proc/self/clear_refs").write_text("5")  # the peak of making the data does not count
before = memory("VmRSS")
best = float("inf")
for _ in range({rounds}):
    start = time.perf_counter()
    cox(data, COVARIATES, time="time", event="event")
    best = min(best, time.perf_counter() - start)
print(best, (memory("VmHWM") - before) / ({rows} * len(COVARIATES) * 8))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("rows", [10_000, 100_000, 1_000_000, 10_000_000])
def test_cost_grows_linearly(benchmark, rows):
    """Seconds, and peak memory beyond the data as a multiple of the design matrix, in a fresh process."""
    code = OWN_PROCESS.format(
        folder=str(Path(__file__).parent), rows=rows, times="continuous", rounds=5 if rows < 10_000_000 else 2
    )
    seconds, memory = map(float, subprocess.check_output([sys.executable, "-c", code], text=True).split())
    told = {"seconds": f"{seconds:.3f}", "per million rows": f"{seconds / rows * 1e6:.2f}"}
    told["memory / design"] = f"{memory:.2f}"
    benchmark.extra_info.update(told)
    print(f"\n{rows} rows: {told}")
    benchmark.pedantic(lambda: None, rounds=1)
