"""The p-values that a figure is given: whether they are any, and their words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import formats
from ..errors import DataError, listed
from ..options import check_number
from ..results import HypothesisTest

if TYPE_CHECKING:
    from .drawn import Drawing

    Test = HypothesisTest | float
    Tests = Test | Mapping[Any, Test] | None


def check_p(p: Any) -> None:
    """Refuse what is neither a test nor a probability."""
    for one in _each(p):
        if not isinstance(one, HypothesisTest):
            expected = "a p-value or a HypothesisTest"
            check_number(one, argument="p", at_least=0.0, below=1.0 + 1e-12, expected=expected, example=0.03)


def check_causes(p: Any, drawing: Drawing) -> None:
    """A test of a cause that is not drawn is a misprint."""
    causes = drawing.kinds
    strays = [cause for cause in p if cause not in causes] if isinstance(p, Mapping) else []
    if strays:
        raise DataError(
            f"{strays[0]!r} is not drawn",
            argument="p",
            expected=f"tests of {listed(map(repr, causes))}"
            if causes
            else "one test, as there are no causes",
            remedy=f"p={{{causes[0]!r}: test}}" if causes else "p=test",
        )


def p_lines(p: Tests, labels: Mapping[Any, str] | None = None) -> list[str]:
    """The words of each p-value: `Gray's test p=0.03`, `relapse: Gray's test p=0.03`."""
    if isinstance(p, Mapping):
        return [f"{(labels or {}).get(cause, cause)}: {_words(test, False)}" for cause, test in p.items()]
    said = [_words(test) for test in _each(p)]
    return [line[:1].upper() + line[1:] if isinstance(p, HypothesisTest) else line for line in said]


def told_lines(p: Tests) -> list[str]:
    """The p-values in the fingerprint of a figure."""
    if isinstance(p, Mapping):
        return [f"{cause}: {_told(test)}" for cause, test in p.items()]
    return [_told(test) for test in _each(p)]


def _each(p: Any) -> list[Any]:
    return [] if p is None else list(p.values()) if isinstance(p, Mapping) else [p]


def _words(p: Test, of_cause: bool = True) -> str:
    """`Gray's test of relapse p=0.03`, without the cause where that is said already."""
    if not isinstance(p, HypothesisTest):
        return formats.p_value(p)
    name = p.name if of_cause else re.sub(r" of .*?(?= \(|$)", "", p.name)
    return f"{name} {formats.p_value(p.p_value)}"


def _told(p: Test) -> str:
    if not isinstance(p, HypothesisTest):
        return f"p {formats.significant(p)}"
    return f"{p.name}: statistic {formats.significant(p.statistic)}, p {formats.significant(p.p_value)}"
