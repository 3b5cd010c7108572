"""A flow in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..formats import count
from .flow_steps import Exclusion, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def flow_sentences(entries: Sequence[Stage | Exclusion], by: str) -> str:
    """Everything that was counted, one sentence per stage."""
    sentences: list[str] = []
    open_: list[Exclusion] = []
    before: Stage | None = None
    for entry in entries:
        if isinstance(entry, Exclusion):
            open_.append(entry)
            continue
        stage = entry
        if before is None:
            if len(entries) == 1:
                return f"{count(sum(stage.n))} were {in_sentence(stage.label)}."
        elif not stage.label:
            sentences.append(f"By {by}: {', '.join(_group_counts(stage))}.")
        elif stage.groups:
            sentences += _by_group(open_, stage)
        else:
            who = f"Of {count(sum(before.n))} {in_sentence(before.label)}" if not sentences else "Of these"
            sentences.append(f"{who}, {_excluded(open_, 0)} {_left(stage, 0)}.")
        before, open_ = stage, []
    return " ".join(sentences)


def reasons(exclusions: Sequence[Exclusion], group: int) -> Iterator[str]:
    """Each reason with its count, then those of whom the condition was not known."""
    for one in exclusions:
        missing = one.n_missing[group]
        known = one.n_excluded[group] - missing
        if known and missing:
            yield f"{one.reason} (n={count(known)}) or not known (n={count(missing)})"
        elif missing:
            yield f"{one.reason}: not known (n={count(missing)})"
        else:
            yield f"{one.reason} (n={count(known)})"


def in_sentence(label: str) -> str:
    """A label within a sentence: `Registered` is `registered`, `AML` stays."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _excluded(exclusions: Sequence[Exclusion], group: int) -> str:
    n = sum(one.n_excluded[group] for one in exclusions)
    if not n:
        return "none was excluded and"
    return f"{count(n)} {'was' if n == 1 else 'were'} excluded: {'; '.join(reasons(exclusions, group))};"


def _left(stage: Stage, group: int) -> str:
    n = stage.n[group]
    return f"{count(n)} {'was' if n == 1 else 'were'} {in_sentence(stage.label)}"


def _by_group(exclusions: Sequence[Exclusion], stage: Stage) -> list[str]:
    return [
        f"In {label}, {_excluded(exclusions, g)} {_left(stage, g)}." for g, label in enumerate(stage.groups)
    ]


def _group_counts(stage: Stage) -> list[str]:
    return [f"{label} {count(n)}" for label, n in zip(stage.groups, stage.n, strict=True)]
