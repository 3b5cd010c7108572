"""What every refusal and every warning must say."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from hemresearch.errors import SHOWN_ROWS, DataError, DataWarning


def assert_refused(
    call: Callable[[], Any],
    *,
    argument: str,
    column: str | None = None,
    rows: Iterable[int] = (),
    says: Iterable[str] = (),
    error: type[DataError] = DataError,
) -> DataError:
    """The call is refused, and the message names the argument, the column, 1-based rows and a way out."""
    with pytest.raises(error) as caught:
        call()
    refusal = caught.value
    assert refusal.argument == argument
    assert refusal.column == column
    assert refusal.rows == tuple(rows)
    _assert_parts(str(refusal), argument, column, tuple(rows), says)
    assert f"Expected {refusal.expected}" in str(refusal)
    assert f"Try {refusal.remedy}" in str(refusal)
    return refusal


def assert_warns(
    call: Callable[[], Any],
    *,
    argument: str,
    column: str | None = None,
    rows: Iterable[int] = (),
    says: Iterable[str] = (),
) -> Any:
    """The call gives an answer and a warning that names the same parts; returns the answer."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = call()
    messages = [str(w.message) for w in caught if issubclass(w.category, DataWarning)]
    assert len(messages) == 1, messages
    _assert_parts(messages[0], argument, column, tuple(rows), says)
    assert "Expected " in messages[0]
    assert "Try " in messages[0]
    return answer


def _assert_parts(
    message: str, argument: str, column: str | None, rows: tuple[int, ...], says: Iterable[str]
) -> None:
    assert message.startswith(f"{argument}:")
    if column is not None:
        assert repr(column) in message
    if rows:
        shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
        assert re.search(rf"rows? {re.escape(shown)}", message), message
        if len(rows) > SHOWN_ROWS:
            assert f"and {len(rows) - SHOWN_ROWS} more" in message
    for text in says:
        assert text in message, f"{text!r} is not in {message!r}"
