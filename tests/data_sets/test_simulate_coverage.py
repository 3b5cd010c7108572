"""The recorded coverage of the simulated registers is of what their simulations still check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from held_truths import Check, held_shares, holds

FOLDER = Path(__file__).parents[1] / "simulations"
RECORDED = pl.read_csv(FOLDER / "coverage.csv")


def checks(seed: int) -> Iterator[Check]:
    """All that the four modules check of one simulation each."""
    sys.path.insert(0, str(FOLDER))
    try:
        import cart
        import cml
        import haemophilia
        import on_call
    finally:
        sys.path.remove(str(FOLDER))
    for study in (
        haemophilia.rates, haemophilia.after_a_bad_year, on_call.consultations, on_call.uneven_days,
        cml.responses, cart.outcomes,
    ):  # fmt: skip
        yield from study(seed)


@pytest.fixture(scope="module")
def shares() -> pl.DataFrame:
    return pl.DataFrame(list(held_shares(checks, 4, seed=1)))


def test_every_check_is_recorded_and_every_record_is_checked(shares: pl.DataFrame):
    recorded = RECORDED.filter(pl.col("study").str.starts_with("Simulated "))
    assert set(recorded.select("study", "target").rows()) == set(shares.select("study", "target").rows())
    assert recorded["replications"].min() >= 4000


def test_limits_hold_the_truth_of_few_simulations_mostly(shares: pl.DataFrame):
    assert shares["coverage"].mean() > 0.85


@pytest.mark.parametrize(
    ("low", "high", "held"), [(0.1, 0.3, True), (0.3, 0.4, False), (None, 0.3, False), (0.1, None, False)]
)
def test_missing_limits_hold_nothing(low: float | None, high: float | None, held: bool):
    assert holds({"conf_low": low, "conf_high": high}, 0.2) is held


def test_shares_are_counted_over_replications():
    def study(first: bool) -> Callable[[int], Iterator[Check]]:
        return lambda seed: iter([("study", "target", first or seed % 2 == 0)])

    (row,) = held_shares(study(True), 7, seed=1)
    assert row == {"study": "study", "target": "target", "coverage": 1.0, "replications": 7}
    (row,) = held_shares(study(False), 200, seed=1)
    assert row["coverage"] == pytest.approx(0.5, abs=0.12)
