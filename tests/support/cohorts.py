"""Small random cohorts for property tests."""

from __future__ import annotations

import polars as pl
from hypothesis import strategies as st


@st.composite
def cohorts(
    draw: st.DrawFn, *, smallest: int = 2, largest: int = 25, entry: bool = False, groups: int = 2
) -> pl.DataFrame:
    """Patients with whole follow-up times (so that ties occur), an event, a weight of 1-3 and a group.

    Every group has a patient, and with `entry` each enters before they leave.
    """
    n = draw(st.integers(max(smallest, groups), largest))
    time = draw(st.lists(st.integers(1, 12), min_size=n, max_size=n))
    event = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    weight = draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))
    other = draw(st.lists(st.integers(0, groups - 1), min_size=n - groups, max_size=n - groups))
    columns = {
        "patient": list(range(n)),
        "time": [float(t) for t in time],
        "event": event,
        "weight": weight,
        "group": [f"g{g}" for g in [*range(groups), *other]],
    }
    if entry:
        share = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75]), min_size=n, max_size=n))
        columns["entry"] = [t * s for t, s in zip(time, share, strict=True)]
    return pl.DataFrame(columns)


def replicated(cohort: pl.DataFrame) -> pl.DataFrame:
    """Each patient as often as their weight says."""
    return cohort.select(pl.all().repeat_by("weight")).explode(pl.all())


def split_at(cohort: pl.DataFrame, cut: float) -> pl.DataFrame:
    """Rows (entry, time] with the follow-up of those under observation at `cut` split there."""
    start = cohort if "entry" in cohort.columns else cohort.with_columns(entry=pl.lit(0.0))
    crosses = (pl.col("entry") < cut) & (cut < pl.col("time"))
    early = start.filter(crosses).with_columns(time=pl.lit(cut), event=pl.lit(False))
    late = start.with_columns(entry=pl.when(crosses).then(cut).otherwise(pl.col("entry")))
    return pl.concat([late, early.select(late.columns)])
