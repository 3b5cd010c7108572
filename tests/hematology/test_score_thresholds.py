"""Each threshold of each score in the catalogue: just below, at, and just above it.

What is expected stands in `score_thresholds.py`, which was typed from the definitions and not from the code:
a threshold of the catalogue that is not there fails, and so does one that is there and not in the catalogue.
"""

from __future__ import annotations

import polars as pl
import pytest
from score_thresholds import THRESHOLDS

from hemresearch.hematology import scores
from hemresearch.hematology.scores.documented import SCORES
from hemresearch.hematology.scores.items import Values

CATALOGUE = scores.thresholds().select("score", "input", "threshold").unique(maintain_order=True).rows()
COUNTED = {"count", "ordinal"}


def test_the_expectations_are_those_of_the_catalogue():
    assert {(s, i, float(c)) for s, i, c in THRESHOLDS} == set(CATALOGUE)


@pytest.mark.parametrize(("name", "of", "cut"), CATALOGUE)
def test_below_at_and_above_a_threshold(name, of, cut):
    expected = THRESHOLDS[name, of, int(cut) if cut.is_integer() else cut]
    found = _groups(name, cut, expected[3:]) if of == "score" else _results(name, of, cut, expected[3:])
    assert found == list(expected[:3])


def _groups(name: str, cut: float, others: tuple) -> list[str]:
    """The group of a score around a threshold; all else is as good as can be."""
    definition = SCORES[name]
    rows = {i.name: [i.best] * 3 for i in definition.inputs} | {"score": _around(cut, 1e-6)}
    rows |= {k: [v] * 3 for k, v in (others[0] if others else {}).items()}
    x = Values({column: pl.col(column) for column in rows})
    x = Values(x | {item.name: item.points(x) for item in definition.items})
    return pl.DataFrame(rows).select(definition.groups.of(x).alias("group"))["group"].to_list()


def _results(name: str, of: str, cut: float, others: tuple) -> list[object]:
    """The score, or of a grading the group, around a threshold of an input; all else as good as can be."""
    definition = SCORES[name]
    quantity = next(i.quantity for i in definition.inputs if i.name == of)
    step = 1 if quantity.unit in COUNTED else 1e-6 * max(1.0, abs(cut))
    rows = {i.name: [i.best] * 3 for i in definition.inputs} | {of: _around(cut, step)}
    rows |= {k: [v] * 3 for k, v in (others[0] if others else {}).items()}
    result = pl.DataFrame(rows).select(getattr(scores, name)().alias("s")).unnest("s")
    chosen = result["score"] if definition.has_score else result["group"]
    return [round(v, 4) if isinstance(v, float) else v for v in chosen.to_list()]


def _around(cut: float, step: float) -> list[float]:
    return [cut - step, cut, cut + step]
