"""The choices an argument can take, and the checks of scalar arguments."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Any, Literal, get_args

from .errors import DataError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

ConfType = Literal["plain", "log", "log-log", "logit", "arcsin"]
Missing = Literal["raise", "drop"]
TimeUnit = Literal["days", "weeks", "months", "years"]
TestWeight = Literal["gehan", "tarone-ware", "peto-peto", "modified-peto", "modestly"]


def check_choice(value: Any, choices: Any, *, argument: str) -> Any:
    """`value` if it is one of the choices (a Literal alias or a sequence); else refused with the nearest."""
    allowed = get_args(choices) or tuple(choices)
    if any(isinstance(value, type(choice)) and value == choice for choice in allowed):
        return value
    best = [c for near in nearest(str(value), map(str, allowed), 1) for c in allowed if str(c) == near]
    first = f"one of them, such as {argument}={allowed[0]!r}"  # where nothing is near, none is meant
    raise DataError(
        f"{value!r} is not one of the choices",
        argument=argument,
        expected=f"one of {listed(map(repr, allowed), 30)}",
        remedy=f"{argument}={best[0]!r}" if best else first,
    )


def check_conf_level(conf_level: Any) -> float:
    """A confidence level strictly between 0 and 1."""
    return check_number(
        conf_level, argument="conf_level", above=0.0, below=1.0, expected="a level such as 0.95", example=0.95
    )


def check_number(
    value: Any,
    *,
    argument: str,
    expected: str,
    example: float,
    above: float = -math.inf,
    below: float = math.inf,
    at_least: float = -math.inf,
) -> float:
    """A finite number within its bounds (`above` and `below` exclusive, `at_least` inclusive)."""
    given = _as_float(value)
    if math.isfinite(given) and above < given < below and given >= at_least:
        return given
    raise DataError(
        f"{value!r} was given", argument=argument, expected=expected, remedy=f"{argument}={example!r}"
    )


def check_times(times: Any, *, argument: str = "times") -> np.ndarray:
    """Finite, non-negative times as a one-dimensional array, in the order they were asked for."""
    import numpy as np

    try:
        numbers = np.asarray(times).dtype.kind in "iufO"  # text and true/false would turn into numbers
        array = np.atleast_1d(np.asarray(times, dtype=float)) if numbers else np.array([np.nan])
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if array.ndim == 1 and array.size and np.isfinite(array).all() and (array >= 0).all():
        return array
    raise DataError(
        "something other than finite, non-negative numbers was given",
        argument=argument,
        expected="one time or a list of times in the unit of the data",
        remedy=f"{argument}=[12, 24, 60]",
    )


def _as_float(value: Any) -> float:
    """The number that one value is; NaN for text, true/false, and anything that is not one number."""
    if isinstance(value, str) or type(value).__name__ in ("bool", "bool_") or not hasattr(value, "__float__"):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def check_labels(labels: Iterable[str], known: Iterable[str], *, place: str) -> None:
    """Refuse the slip of a name that is there and has no label; names of elsewhere may stand.

    So that one dictionary serves all tables and figures of a study.
    """
    there = list(dict.fromkeys(known))
    given = [str(name) for name in labels]
    for name in (name for name in given if name not in there):
        meant = next((k for k in there if k not in given and is_slip(name, k)), None)
        if meant is not None:
            raise DataError(
                f"{name!r} is not in the {place}, and {meant!r} is without a label",
                argument="labels",
                expected=f"names as they are in the {place}, or of something else; did you mean {meant!r}?",
                remedy=f"labels={{{meant!r}: ...}}",
            )


def is_slip(name: str, meant: str) -> bool:
    """Whether a name is nearly another one: of another case, or a letter off, but not of another number."""
    one, other = name.casefold(), meant.casefold()
    if one == other:
        return True
    letters = [[c for c in text if not c.isdigit()] for text in (one, other)]
    near = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() > 0.8
    return near and letters[0] != letters[1] and min(len(one), len(other)) > 2


def nearest(name: str, known: Iterable[str], n: int = 3) -> list[str]:
    """The known names most like `name`, also when only the case differs."""
    names = list(known)
    folded = {k.casefold(): k for k in reversed(names)}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=n, cutoff=0.5)
    close = [k for k in near if 2 * len(k) > len(name)]  # `id` is no slip of the pen for `died`
    return [folded[c] for c in close]


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'a' or 'b'` where something is near, else the first few names there are."""
    names = list(known)
    close = nearest(name, names)
    if close:
        return "did you mean " + " or ".join(map(repr, close)) + "?"
    return "there are " + listed(map(repr, names), 8)
