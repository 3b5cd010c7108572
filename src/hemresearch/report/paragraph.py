"""Sentences of results put together: the methods section and the key results of a study."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape
from typing import Any

from ..errors import DataError

WIDTH = 96


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences, shown as a wrapped paragraph; `str()` gives the text for a manuscript."""

    sentences: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(self.sentences)

    def __repr__(self) -> str:
        return textwrap.fill(str(self), WIDTH)

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>"


def paragraph(*items: Any) -> Paragraph:
    """The sentences of results (their `.text()`) and of plain texts, in order.

    Parameters
    ----------
    items
        Results, or sentences already written.

    Raises
    ------
    DataError
        For something that has no text.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> overall = hem.survival.kaplan_meier(trial, time="futime", event="death")
    >>> hem.report.paragraph(overall.text(at=365), "Follow-up is complete.")
    Survival at 365: 73.1% (95% CI 69.4–76.4). Follow-up is complete.
    """
    return Paragraph(tuple(sentence(_text(item, "text")) for item in items))


def methods(*results: Any) -> Paragraph:
    """The methods section that the results write themselves, each way of estimating named once.

    Parameters
    ----------
    results
        Results of the study, or sentences to put between theirs.

    Raises
    ------
    DataError
        For something that does not know its method.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> overall = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    >>> print(str(hem.report.methods(overall)).split(",")[0])
    Survival (death by futime) was estimated by Kaplan-Meier
    """
    from .. import __version__

    sentences = [sentence(_text(item, "methods")) for item in results]
    return Paragraph((*dict.fromkeys(sentences), f"Analyses were done with hemresearch {__version__}."))


def _text(item: Any, name: str) -> str:
    if isinstance(item, str):
        return item
    if callable(getattr(item, name, None)):
        return str(getattr(item, name)())
    raise DataError(
        f"a {type(item).__name__} has no {name}",
        argument="results" if name == "methods" else "items",
        expected="results of this package, or sentences",
        remedy=f"str(...) to make a sentence of the {type(item).__name__}",
    )


def sentence(text: str) -> str:
    """Text with a capital in front and a full stop behind, unless it ends in a mark of its own."""
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ":")) else text + "."
