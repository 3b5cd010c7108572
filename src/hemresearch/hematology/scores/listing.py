"""The catalogue of scores: what there is, for whom, from which paper, with which thresholds."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

import polars as pl

from ...options import check_choice
from .documented import SCORES


def catalogue() -> pl.DataFrame:
    """Every score there is, one row each.

    Returns
    -------
    polars.DataFrame
        `score` (the function), `title`, `population`, `version`, `evidence` (`"V"`: two agreeing sources were
        read, `"1"`: one), `citation`, `inputs` and `groups` (lists), `outcome` (published, where verified).

    Examples
    --------
    >>> catalogue().filter(score="flipi").select("title", "groups").row(0)[1]
    ['low', 'intermediate', 'high']
    """
    return pl.DataFrame(
        [
            {
                "score": s.name,
                "title": s.title,
                "population": s.population,
                "version": s.version,
                "evidence": s.evidence,
                "citation": s.citation,
                "inputs": [i.name for i in s.inputs],
                "groups": list(s.groups.labels),
                "outcome": s.outcome,
            }
            for _, s in sorted(SCORES.items())
        ],
        schema_overrides={"groups": pl.List(pl.String), "outcome": pl.String},
    )


def thresholds(score: str | None = None) -> pl.DataFrame:
    """The thresholds of a score, or of all: what is tested at, just below and just above.

    Parameters
    ----------
    score
        Name of a score; None for all.

    Returns
    -------
    polars.DataFrame
        `score`, `input` (`"score"` where groups begin), `side` (which side of it is meant) and `threshold`.

    Raises
    ------
    DataError
        For an unknown score.

    Examples
    --------
    >>> thresholds("prima_pi").rows()
    [('prima_pi', 'b2m_mg_per_l', '>', 3.0)]
    """
    if score is not None:
        check_choice(score, tuple(SCORES), argument="score")
    chosen = [SCORES[score]] if score is not None else [s for _, s in sorted(SCORES.items())]
    rows = [(s.name, c.input, c.side, float(c.cut)) for s in chosen for c in s.thresholds]
    return pl.DataFrame(rows, schema=["score", "input", "side", "threshold"], orient="row")


def inputs(score: str) -> pl.DataFrame:
    """What a score needs, one row per input.

    Parameters
    ----------
    score
        Name of a score.

    Returns
    -------
    polars.DataFrame
        `input` (the argument), `kind`, `unit`, `meaning`, `words` (of a category or a list).

    Raises
    ------
    DataError
        For an unknown score.

    Examples
    --------
    >>> inputs("prima_pi").select("input", "kind", "unit").rows()
    [('b2m_mg_per_l', 'number', 'mg/L'), ('bone_marrow_involved', 'yes or no', None)]
    """
    check_choice(score, tuple(SCORES), argument="score")
    rows = [
        (i.name, i.kind, i.quantity.unit if i.quantity else None, i.meaning, list(i.levels))
        for i in SCORES[score].inputs
    ]
    schema = {"input": pl.String, "kind": pl.String, "unit": pl.String, "meaning": pl.String}
    return pl.DataFrame(rows, schema={**schema, "words": pl.List(pl.String)}, orient="row")


def function_of(name: str) -> Callable[..., pl.Expr]:
    """The function of a score."""
    family = importlib.import_module(__package__ or "")
    return cast("Callable[..., pl.Expr]", getattr(family, name))
