"""Repeat every recorded simulation and write its tables: `make simulate`, or `run.py NAME` for some.

2 000 replications each; the Monte-Carlo standard error of a coverage of 95 %, or of a size of 5 %, is then
0.49 %, so a right one lies within 1 % of it nineteen times in twenty. The seed is fixed, so the tables
repeat.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import polars as pl

FOLDER = Path(__file__).parent
MODULES = (
    "survival_curves",
    "confidence_band",
    "quantile_difference",
    "turnbull",
    "case_cohort",
    "cox_models",
    "cause_specific",
    "fine_gray",
    "markov_test",
    "recurrent_events",
    "transition_cox",
    "haemophilia",
    "on_call",
    "cml",
    "cart",
    "prediction",
    "translational",
)
# What a module may offer, where it is written and what is nominal.
TABLES = {"coverage": ("coverage.csv", 0.95), "rejections": ("rejections.csv", 0.05)}
REPLICATIONS, SEED = 2000, 20


def main(asked: list[str]) -> None:
    """Run the modules in turn and write one row per study and target; of some, over their rows of before."""
    sys.path.insert(0, str(FOLDER))
    found: dict[str, list[dict[str, object]]] = {kind: [] for kind in TABLES}
    for name in asked or MODULES:
        module = importlib.import_module(name)
        for kind, (_, nominal) in TABLES.items():
            for row in getattr(module, kind, lambda *_: [])(REPLICATIONS, SEED):
                found[kind].append(
                    {**row, "replications": row.get("replications", REPLICATIONS), "nominal": nominal}
                )
                print(*row.values(), sep="  ", flush=True)
    for kind, rows in found.items():
        if rows:
            write(FOLDER / TABLES[kind][0], pl.DataFrame(rows), keep=bool(asked))


def write(path: Path, new: pl.DataFrame, *, keep: bool) -> None:
    """Write the table; where `keep`, with the rows of other studies as they stand."""
    if keep and path.exists():
        old = pl.read_csv(path)
        new = pl.concat([old.join(new, on=["study", "target"], how="anti"), new])
    new.write_csv(path)


if __name__ == "__main__":
    main(sys.argv[1:])
