"""Time and memory of person-time, beside survival::pyears and popEpi::lexpand: `make benchmark`.

1 000 000 people followed for up to ten years, by one-year bands of age and of calendar time. popEpi makes the
pieces; it is timed on a tenth of the people, and its time for all of them would be ten times that. A folder
of 4 GB is tabulated by a process that may have 2 GB of data.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from peers import interleaved, ratios, seconds_in_r

from hemresearch.epidemiology import TimeScale, person_time

N = 1_000_000
PYEARS = (
    "pyears(Surv(as.numeric(exit - entry), event) ~ tcut(as.numeric(entry - born), 0:111 * 365.25)"
    " + tcut(entry, as.Date(paste0(2000:2021, '-01-01'))), d, scale = 365.25, data.frame = TRUE)"
)
LEXPAND = (
    "lexpand(d, birth = born, entry = entry, exit = exit, status = event,"
    " breaks = list(age = 0:111, per = 2000:2021), aggre = list(age, per))"
)
AS_DATES = "{ for (n in c('born', 'entry', 'exit')) d[[n]] <- structure(d[[n]], class = 'Date'); "


def people(n: int, seed: int = 40) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    entry = np.datetime64("2000-01-01") + rng.integers(0, 3_652, n)
    return pl.DataFrame(
        {
            "born": entry - rng.integers(0, 33_000, n),
            "entry": entry,
            "exit": np.minimum(entry + rng.integers(1, 7_300, n), entry + 3_652),
            "event": rng.random(n) < 0.1,
        }
    )


def test_person_time_of_a_million_people_by_year_of_age_and_calendar(benchmark):
    data = people(N)
    scales = {"age": TimeScale(range(112), since="born"), "year": TimeScale(range(2000, 2022))}

    def ours():
        return person_time(data, time="exit", entry="entry", event="event", scales=scales)

    ours()
    best = interleaved({"hemresearch": ours})
    days = data.with_columns(pl.col("born", "entry", "exit").to_physical())  # so that R need not read dates
    pyears = seconds_in_r(f"{AS_DATES}{PYEARS} }}", days, rounds=3)
    lexpand = seconds_in_r(f"{AS_DATES}{LEXPAND} }}", days.head(N // 10), package="popEpi", rounds=1)
    peers = {"survival::pyears": pyears, "popEpi::lexpand (10 x a tenth)": lexpand and 10 * lexpand}
    told = ratios({**best, **{name: t for name, t in peers.items() if t}})
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=5)


FILES, ROWS, GIGABYTE = 48, 1_300_000, 1024**3
UNDER_A_LIMIT = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_DATA, (2 * 1024**3, 2 * 1024**3))
import polars as pl
from hemresearch.epidemiology import TimeScale, person_time
start = time.perf_counter()
table = person_time(
    pl.scan_parquet(sys.argv[1] + "/*.parquet"), time="exit", entry="entry", event="event", by="sex",
    scales={"age": TimeScale(range(112), since="born"), "year": TimeScale(range(2000, 2022))},
)
seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(table.n, table.n_event + table.outside[1], round(seconds, 1), peak // 1024)
"""


def write_folder(folder: Path) -> int:
    """Write more than 4 GB, and count the events."""
    rng = np.random.default_rng(41)
    events = 0
    for k in range(FILES):
        part = people(ROWS, seed=k).with_columns(
            pl.Series("sex", np.array(["female", "male"])[rng.integers(0, 2, ROWS)]),
            *(pl.Series(f"measurement_{j}", rng.random(ROWS)) for j in range(8)),
        )
        part.write_parquet(folder / f"{k:03}.parquet", compression="uncompressed")
        events += part["event"].sum()
    assert sum(f.stat().st_size for f in folder.iterdir()) > 4 * GIGABYTE
    return events


def test_a_folder_of_4_gb_is_tabulated_in_2_gb_of_memory(benchmark):
    with tempfile.TemporaryDirectory() as folder:
        events = write_folder(Path(folder))
        call = [sys.executable, "-c", UNDER_A_LIMIT, folder]
        done = benchmark.pedantic(
            subprocess.run,
            args=[call],
            kwargs={"capture_output": True, "text": True, "check": True},
            rounds=1,
        )
    n, found, seconds, peak = done.stdout.split()
    print(f"{n} rows in {seconds} s, {peak} MB at most")
    assert (int(n), int(found)) == (FILES * ROWS, events)
    assert int(peak) < 2 * 1024
