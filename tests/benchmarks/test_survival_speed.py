"""How long the survival family takes beside its peers: `make benchmark`.

Times are not asserted, since machines differ; what is recorded (and printed) are best-of-five ratios of
one interleaved run. R is timed when Rscript and its survival package are there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from peers import cohort, interleaved, ratios, seconds_in_r

from hemresearch.survival import kaplan_meier, logrank

ROWS = 1_000_000


def lifelines_curves(data):
    for _, group in data.groupby("group"):
        fitter = KaplanMeierFitter().fit(group["time"], group["event"])
        fitter.confidence_interval_  # noqa: B018 - the limits are computed here


def record(benchmark, best, ours, r):
    told = ratios({**best, **({"R survival": r} if r else {})})
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=5)


@pytest.mark.parametrize("whole_days", [True, False], ids=["whole-days", "continuous"])
def test_kaplan_meier_with_limits_in_three_groups(benchmark, whole_days):
    data = cohort(ROWS, whole_days=whole_days)
    pandas = data.to_pandas()

    def ours():
        return kaplan_meier(data, time="time", event="event", by="group")

    best = interleaved({"hemresearch": ours, "lifelines": lambda: lifelines_curves(pandas)})
    r = seconds_in_r("survfit(Surv(time, event) ~ group, d, conf.type = 'log-log')", data)
    record(benchmark, best, ours, r)


@pytest.mark.parametrize("whole_days", [True, False], ids=["whole-days", "continuous"])
def test_logrank_of_three_groups(benchmark, whole_days):
    data = cohort(ROWS, whole_days=whole_days)
    pandas = data.to_pandas()

    def ours():
        return logrank(data, time="time", event="event", by="group")

    def theirs():
        return multivariate_logrank_test(pandas["time"], pandas["group"], pandas["event"])

    best = interleaved({"hemresearch": ours, "lifelines": theirs})
    record(benchmark, best, ours, seconds_in_r("survdiff(Surv(time, event) ~ group, d)", data))


TEN_MILLION = """
import resource, sys, time
sys.path.insert(0, {folder!r})
from peers import cohort
data = cohort(10_000_000, whole_days=True)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{setup}
best = float("inf")
for _ in range(5):
    start = time.perf_counter()
    {call}
    best = min(best, time.perf_counter() - start)
print(best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""
OURS = (
    "from hemresearch.survival import kaplan_meier",
    "kaplan_meier(data, time='time', event='event', by='group')",
)
THEIRS = (
    "from test_survival_speed import lifelines_curves; data = data.to_pandas()",
    "lifelines_curves(data)",
)


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read from getrusage")
def test_kaplan_meier_of_ten_million_rows_in_its_own_process(benchmark):
    """Seconds and peak memory (GB, with the data and the libraries in it) of each in a fresh process."""
    told = {}
    for name, (setup, call) in {"hemresearch": OURS, "lifelines": THEIRS}.items():
        code = TEN_MILLION.format(folder=str(Path(__file__).parent), setup=setup, call=call)
        seconds, memory = subprocess.check_output([sys.executable, "-c", code], text=True).split()
        told[name] = f"{float(seconds):.2f} s, {float(memory):.2f} GB"
    benchmark.extra_info.update(told)
    print(told)
    data = cohort(100_000, whole_days=True)
    benchmark.pedantic(lambda: kaplan_meier(data, time="time", event="event", by="group"), rounds=1)
