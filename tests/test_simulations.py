"""The recorded simulations: intervals hold the truth as often as they say."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

FOLDER = Path(__file__).parent / "simulations"
RECORDED = pl.read_csv(FOLDER / "coverage.csv")
REJECTED = pl.read_csv(FOLDER / "rejections.csv")


@pytest.mark.parametrize(
    "row", list(RECORDED.iter_rows(named=True)), ids=lambda row: f"{row['study']} {row['target']}"
)
def test_recorded_coverage_is_within_94_and_96_percent(row):
    assert row["replications"] >= 2000
    assert 0.94 <= row["coverage"] <= 0.96


@pytest.mark.parametrize(
    "row", list(REJECTED.iter_rows(named=True)), ids=lambda row: f"{row['study']} {row['target']}"
)
def test_recorded_sizes_are_near_5_percent_and_powers_above_80(row):
    assert row["replications"] >= 2000
    if row["target"].startswith("size"):
        assert 0.035 <= row["rejected"] <= 0.065
    else:
        assert row["rejected"] > 0.8


def test_the_simulation_still_gives_what_it_recorded_on_a_few_replications():
    sys.path.insert(0, str(FOLDER))
    try:
        from run import MODULES
        from survival_curves import coverage
    finally:
        sys.path.remove(str(FOLDER))
    assert set(MODULES) >= {"survival_curves"}
    rows = list(coverage(20, seed=1))
    recorded = RECORDED.filter(pl.col("study").is_in([row["study"] for row in rows]))
    assert [(r["study"], r["target"]) for r in rows] == recorded.select("study", "target").rows()
    assert all(row["coverage"] >= 0.7 for row in rows)
