"""Random patients for any score: each input within what is possible, often at or beside a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hemresearch.hematology.scores.definition import Score
from hemresearch.hematology.scores.inputs import Input

DTYPES: dict[str, Any] = {
    "number": pl.Float64,
    "yes or no": pl.Boolean,
    "category": pl.String,
    "list": pl.List(pl.String),
    "numbers": pl.List(pl.Int64),
}


def patients(definition: Score, n: int, rng: np.random.Generator) -> pl.DataFrame:
    """Complete inputs of a score, one column each."""
    columns = {i.name: [_value(i, definition, rng) for _ in range(n)] for i in definition.inputs}
    return pl.DataFrame(columns, schema={i.name: DTYPES[i.kind] for i in definition.inputs})


def with_holes(complete: pl.DataFrame, definition: Score, rng: np.random.Generator) -> pl.DataFrame:
    """The same patients with a third of the values missing; of two that can stand for each other, both."""
    together = {name: pair[0] for pair in definition.either for name in pair}
    keys = {together.get(name, name) for name in complete.columns}
    missing = {key: pl.Series(rng.random(complete.height) < 1 / 3) for key in sorted(keys)}
    return complete.with_columns(
        pl.when(~missing[together.get(name, name)]).then(pl.col(name)).alias(name)
        for name in complete.columns
    )


def _value(of: Input, definition: Score, rng: np.random.Generator) -> Any:
    if of.kind == "yes or no":
        return bool(rng.random() < 0.5)
    if of.kind == "category":
        return str(rng.choice(of.levels))
    if of.kind == "list":
        return list(rng.choice(of.levels, int(rng.integers(0, 4)), replace=False))
    if of.kind == "numbers":
        return rng.integers(0, 4, len(of.best)).tolist()
    return _number(of, definition, rng)


def _number(of: Input, definition: Score, rng: np.random.Generator) -> float:
    quantity = of.quantity
    assert quantity is not None
    cuts = [cut.cut for cut in definition.thresholds if cut.input == of.name]
    if quantity.whole:
        return float(rng.integers(quantity.possible[0], min(quantity.possible[1], 12) + 1))
    if cuts and rng.random() < 0.5:
        return float(rng.choice(cuts) * (1 + rng.choice([-0.01, 0, 0.01])))
    value = rng.choice(quantity.possible) if rng.random() < 0.05 else rng.uniform(*quantity.usual)
    return max(float(value), 0.001) if of.positive else float(value)
