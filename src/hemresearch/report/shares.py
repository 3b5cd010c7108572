"""Which cells of a table are in per cent: shares and their differences, and never ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ..errors import DataError
from .sources import ESTIMATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .sources import Source

RATIO = r"\bratio\b"


def percent_columns(frame: pl.DataFrame, percent: bool | str | Sequence[str]) -> tuple[str, ...]:
    """The columns in per cent: those that were named, or the estimate and its limits."""
    if isinstance(percent, bool):
        return tuple(c for c in ESTIMATE if c in frame.columns) if percent else ()
    return (percent,) if isinstance(percent, str) else tuple(percent)


def refuse_percent_of_ratios(source: Source, percent: Sequence[str]) -> None:
    """Ratios are told as such: 1.16, never 116 %."""
    asked = "estimate" in percent and source.frame.height > 0
    if asked and (source.of_ratios or _ratios(source.frame).all()):
        raise DataError(
            "was asked of ratios",
            argument="percent",
            expected="shares, or differences of shares, to be told in per cent",
            remedy="leaving percent out",
        )


def without_percent(source: Source) -> np.ndarray:
    """The rows of a table in per cent that are ratios, and are told as they are."""
    if "estimate" in source.percent:
        return _ratios(source.frame)
    return np.zeros(source.frame.height, dtype=bool)


def _ratios(frame: pl.DataFrame) -> np.ndarray:
    """The rows whose term is a ratio."""
    if "term" not in frame.columns:
        return np.zeros(frame.height, dtype=bool)
    return frame["term"].cast(pl.String).str.contains(RATIO).fill_null(value=False).to_numpy()
