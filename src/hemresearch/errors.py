"""What the package says when data or arguments cannot be used as they are.

Every refusal and every warning has the same parts, so that a reader knows where to look:
the argument, the column, what was found, the rows (1-based, the first five and a count),
what was expected, and one call that works. A cell's value is never printed from here.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_ROWS = 5


class DataError(ValueError):
    """Data or an argument that cannot be analysed as given.

    Parameters
    ----------
    found
        What was found, in words and without the values of an identifier.
    argument
        The argument the user can change.
    expected
        What would have been accepted.
    remedy
        One call or argument that works.
    column
        The column at fault, if there is one.
    rows
        0-based positions of the rows at fault in the data the user passed.
    """

    def __init__(
        self,
        found: str,
        *,
        argument: str,
        expected: str,
        remedy: str,
        column: str | None = None,
        rows: Iterable[int] = (),
    ) -> None:
        self.found, self.argument, self.expected, self.remedy = found, argument, expected, remedy
        self.column = column
        self.rows = tuple(int(row) + 1 for row in rows)
        super().__init__(_message(found, argument, expected, remedy, column, self.rows))


class FormulaError(DataError):
    """A formula or a list of covariates that does not describe a design matrix."""


class ConvergenceError(RuntimeError):
    """An iteration that ended without a solution."""


class DataWarning(UserWarning):
    """The answer exists but needs care; the text names argument, column and rows."""


class ConvergenceWarning(UserWarning):
    """The solution was reached, but not as cleanly as it should have been."""


def warn(
    found: str,
    *,
    argument: str,
    expected: str,
    remedy: str,
    column: str | None = None,
    rows: Iterable[int] = (),
) -> None:
    """Warn with the parts of a `DataError`, where an answer exists but needs care."""
    shown = tuple(int(row) + 1 for row in rows)
    warnings.warn(
        _message(found, argument, expected, remedy, column, shown), DataWarning, stacklevel=_outside()
    )


def listed(items: Iterable[object], shown: int = SHOWN_ROWS) -> str:
    """`1, 2, 3, 4, 5 and 7 more`: the first few items and how many were left out."""
    texts = [str(item) for item in items]
    left = len(texts) - shown
    return ", ".join(texts[:shown]) + (f" and {left} more" if left > 0 else "")


def counted(n: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{n} {noun}" + ("" if n == 1 else "s")


def _message(
    found: str, argument: str, expected: str, remedy: str, column: str | None, rows: tuple[int, ...]
) -> str:
    where = f"{argument}: " if column is None else f"{argument}: column {column!r} "
    at = f" (row{'s' if len(rows) > 1 else ''} {listed(rows)})" if rows else ""
    stop = "" if expected.endswith("?") else "."
    return f"{where}{found}{at}. Expected {expected}{stop} Try {remedy}."


def _outside() -> int:
    """How many frames up the caller's own code is, so that a warning points at it."""
    import sys

    frame, level = sys._getframe(1), 1
    while frame is not None and frame.f_globals.get("__name__", "").startswith("hemresearch"):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    return level
