"""Small random cohorts with competing events, for property tests."""

from __future__ import annotations

import polars as pl
from cohorts import cohorts
from hypothesis import strategies as st


@st.composite
def cohorts_with_causes(
    draw: st.DrawFn, *, smallest: int = 2, largest: int = 25, entry: bool = False, groups: int = 2
) -> pl.DataFrame:
    """As `cohorts`, with an event of 0 (censored), 1 or 2; both causes occur in the cohort."""
    frame = draw(cohorts(smallest=max(smallest, 2), largest=largest, entry=entry, groups=groups))
    event = draw(st.lists(st.integers(0, 2), min_size=frame.height - 2, max_size=frame.height - 2))
    return frame.with_columns(event=pl.Series([1, 2, *event], dtype=pl.Int64))
