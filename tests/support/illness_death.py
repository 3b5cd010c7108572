"""Illness-death processes as rows of stays and possible moves: a simulated one, and that of `ebmt3`."""

from __future__ import annotations

import numpy as np
import polars as pl

from hemresearch.multistate import Transitions, from_wide

ILLNESS_DEATH = Transitions({"well": ["ill", "dead"], "ill": ["dead"]})
PROCESS = Transitions({"Tx": ["PR", "RelDeath"], "PR": ["RelDeath"]})
RATES = (0.5, 0.25, 0.5)
EFFECTS = (0.5, 0.8, -0.5)


def illness_death(rng: np.random.Generator, n: int, *, ties: bool = False) -> pl.DataFrame:
    """Patients followed for 2 to 5 years, with exponential hazards RATES * exp(EFFECTS * x) of the moves."""
    x = rng.normal(size=n)
    waits = [rng.exponential(1 / (rate * np.exp(b * x))) for rate, b in zip(RATES, EFFECTS, strict=True)]
    if ties:
        waits = [np.ceil(4 * wait) / 4 for wait in waits]
        waits[1] = waits[1] + 0.125  # nobody falls ill and dies at the same time
    end = rng.uniform(2, 5, n)
    first = np.minimum(np.minimum(waits[0], waits[1]), end)
    ill = (waits[0] < waits[1]) & (waits[0] < end)
    died_well = (waits[1] < waits[0]) & (waits[1] < end)
    last = np.minimum(waits[0] + waits[2], end)
    base = pl.DataFrame({"id": np.arange(n), "x": x})
    well = base.with_columns(from_state=pl.lit("well"), entry=0.0, time=pl.Series(first))
    rows = [
        well.with_columns(to_state=pl.lit("ill"), event=pl.Series(ill)),
        well.with_columns(to_state=pl.lit("dead"), event=pl.Series(died_well)),
        base.with_columns(
            from_state=pl.lit("ill"), entry=pl.Series(first), time=pl.Series(last), to_state=pl.lit("dead"),
            event=pl.Series(waits[0] + waits[2] < end),
        ).filter(pl.Series(ill)),
    ]  # fmt: skip
    return pl.concat([part.select(rows[0].columns) for part in rows])


def platelet_rows(ebmt3: pl.DataFrame) -> pl.DataFrame:
    """Platelet recovery, and relapse or death, after transplantation."""
    return from_wide(
        ebmt3, PROCESS, id="id", times={"PR": "prtime", "RelDeath": "rfstime"},
        events={"PR": "prstat", "RelDeath": "rfsstat"}, keep=[c for c in ebmt3.columns if c != "id"],
    )  # fmt: skip
