"""Numbers that came as text, with a decimal comma or a word among them: how to tell them, and the way out."""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from .errors import counted, listed

NUMBER = r"^\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*$"
WORD = re.compile(r"[^\d]{1,12}")  # what stands for a missing value, and identifies nobody
SHOWN_WORDS = 3
MANY_NUMBERS = 10  # more different numbers than this are a measurement; as many may be a code


class TextNumbers(NamedTuple):
    """What is wrong with a column of text that means numbers, and the rows of those that are none."""

    found: str
    remedy: str
    stray: pl.Series


def text_numbers(series: pl.Series) -> TextNumbers | None:
    """What to say of text that is numbers for the most part; None of words, and of a code of few numbers."""
    levels = series.drop_nulls().unique().sort()
    words = levels.filter(~levels.str.contains(NUMBER))
    n_numbers = len(levels) - len(words)
    if n_numbers <= max(MANY_NUMBERS, len(words)):
        return None
    stray = series.is_in(words.to_list()).fill_null(False)
    if not len(words):
        found = f"is text, and each of its {len(levels)} levels is a number"
    else:
        shown = f" ({listed(map(repr, words))})" if _may_be_shown(words) else ""
        found = (
            f"is text, and all but {counted(len(words), 'level')}{shown} of its {len(levels)} are numbers: "
            f"{counted(int(stray.sum()), 'row')} without one"
        )
    return TextNumbers(found, f"data.with_columns({as_number(series, series.name)})", stray)


def as_number(series: pl.Series, name: str) -> str:
    """The expression that makes numbers of text: a decimal comma becomes a point, a word becomes null."""
    text = series.cast(pl.String).drop_nulls()
    comma = ".str.replace(',', '.')" if text.str.contains(r"^\s*[+-]?\d*,\d+\s*$").any() else ""
    space = ".str.strip_chars()" if text.str.contains(r"^\s|\s$").any() else ""
    stray = "" if text.str.contains(NUMBER).all() else ", strict=False"
    return f"pl.col({name!r}){space}{comma}.cast(pl.Float64{stray})"


def _may_be_shown(words: pl.Series) -> bool:
    return len(words) <= SHOWN_WORDS and all(WORD.fullmatch(word) for word in words)
