"""Follow-up cut at the borders of bands, with the deaths that the population expects in each piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..numerics.expected_events import expected_in_pieces
from ..numerics.lexis import split_rows
from .net_rows import NEAR

if TYPE_CHECKING:
    from .net_rows import NetRows


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Pieces of follow-up: their row, band on each scale (-1 outside), days, deaths and expected deaths."""

    row: np.ndarray
    band: np.ndarray
    days: np.ndarray
    event: np.ndarray
    expected: np.ndarray
    end: np.ndarray


def cut_follow_up(rows: NetRows, origins: list[np.ndarray], borders: list[np.ndarray]) -> Pieces:
    """The pieces between the borders of each scale, which has the value t - origin at day t."""
    n = len(rows.y)
    origin = np.column_stack(origins) if origins else np.empty((n, 0))
    cuts = np.concatenate([*borders, np.empty(0)])
    first = np.cumsum([0, *map(len, borders)])
    row, begin, end, last, band = split_rows(rows.begin, rows.until, origin, cuts, first, NEAR)
    people = rows.people
    expected = expected_in_pieces(
        rows.life_table.rates, people.group, people.age, people.day, row, begin, end
    )
    return Pieces(row, band, end - begin, last & rows.y.event[row], expected, end)


def check_bands(given: Any, *, argument: str, example: str) -> np.ndarray:
    """The borders of bands: two or more ascending numbers of 0 or more, of which the last may be infinite."""
    try:
        borders = np.atleast_1d(np.asarray(given, dtype=float))
    except (TypeError, ValueError):
        borders = np.empty(0)
    good = borders.ndim == 1 and len(borders) > 1 and bool(borders[0] >= 0)
    if good and bool((np.diff(borders) > 0).all()) and bool(np.isfinite(borders[:-1]).all()):
        return borders
    raise DataError(
        "are no borders of bands",
        argument=argument,
        expected="two or more numbers of 0 or more, each above the one before; math.inf opens the last band",
        remedy=f"{argument}={example}",
    )
