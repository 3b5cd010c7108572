"""How long person-time takes beside survival::pyears and popEpi::lexpand: `make benchmark`.

1 000 000 people followed for up to ten years, by one-year bands of age and of calendar time. popEpi makes
the pieces; it is timed on a tenth of the people, and its time for all of them would be ten times that.
"""

from __future__ import annotations

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
