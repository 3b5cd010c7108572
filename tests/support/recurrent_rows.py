"""Simulated patients whose event may happen again, as rows (start, stop], for tests and simulations."""

from __future__ import annotations

import numpy as np
import polars as pl

ROLES = {"time": "stop", "event": "event", "entry": "start", "id": "id"}


def recurrent_rows(
    rng: np.random.Generator,
    n: int,
    *,
    rate: float = 0.8,
    effect: float = 0.0,
    shared: float = 1.0,
    death: float = 0.1,
    effect_on_death: float = 0.0,
    end: tuple[float, float] = (2.0, 5.0),
    digits: int | None = None,
) -> pl.DataFrame:
    """Poisson events at rate * frailty * exp(effect * arm), until death or the end of follow-up.

    The frailty has mean 1 and variance `shared`, and acts on the events alone; `arm` is 0 or 1, half each.
    With `digits` times are rounded, so that there are ties.
    """
    arm = np.arange(n) % 2
    frailty = rng.gamma(1 / shared, shared, n) if shared else np.ones(n)
    died = rng.exponential(1, n) / (death * np.exp(effect_on_death * arm)) if death else np.full(n, np.inf)
    followed = rng.uniform(*end, n)
    last = np.minimum(died, followed)
    count = rng.poisson(rate * frailty * np.exp(effect * arm) * last)
    owner = np.repeat(np.arange(n), count)
    frame = pl.DataFrame({"id": owner, "stop": rng.uniform(0, 1, len(owner)) * last[owner], "event": True})
    ends = pl.DataFrame({"id": np.arange(n), "stop": last, "event": False})
    rows = pl.concat([frame, ends.cast({"id": frame.schema["id"]})])
    if digits is not None:
        rows = rows.with_columns(pl.col("stop").round(digits) + 10.0**-digits)
        rows = rows.group_by("id", "stop").agg(pl.col("event").any())
    rows = rows.sort("id", "stop").with_columns(start=pl.col("stop").shift(1, fill_value=0.0).over("id"))
    people = pl.DataFrame({"id": np.arange(n), "arm": arm, "dies": died <= followed}).cast(
        {"id": rows.schema["id"]}
    )
    rows = rows.join(people, on="id", maintain_order="left")
    return rows.with_columns(
        died=pl.col("dies") & (pl.col("stop") == pl.col("stop").max().over("id")),
        arm=pl.when(pl.col("arm") == 1).then(pl.lit("B")).otherwise(pl.lit("A")),
    ).select("id", "arm", "start", "stop", "event", "died")
