"""A score of a few features, as it is handed back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import as_frame
from ..curves import Result
from ..errors import counted, warn
from ..results import Estimates
from .features import read_features

SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """The chosen features (positions), with their means, standard deviations and weights."""

    chosen: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    weight: np.ndarray

    def scores(self, values: np.ndarray) -> np.ndarray:
        """The score of each row of features x rows: to the last digit the same where the values are.

        A product of matrices rounds by where a row stands, and would break ties of the concordance.
        """
        scaled = (values - self.mean[:, None]) / self.sd[:, None]
        return np.asarray((self.weight[:, None] * scaled).sum(axis=0))

    def first(self, size: int) -> Rule:
        """The rule of the first features alone."""
        return Rule(*(part[:size] for part in (self.chosen, self.mean, self.sd, self.weight)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Signature(Result):
    """A score of a few features.

    Attributes
    ----------
    frame
        One row per feature of the score: feature, weight (log hazard ratio of a standard deviation), mean,
        sd, and `selected`, the share of training parts in which it was chosen too.
    validated
        The concordance of scores that were made without the patient they belong to.
    out_of_fold
        One row per patient: `row` (0-based), `fold` and `score` of the first repeat, made without the fold.
    sizes, sizes_offered
        How many features the score of each training part had, and the numbers it was chosen from.
    n_candidates, n, n_event, folds, repeats, seed
        What it was made from.
    """

    frame: pl.DataFrame = field(repr=False)
    validated: Estimates
    out_of_fold: pl.DataFrame = field(repr=False)
    sizes: tuple[int, ...]
    sizes_offered: tuple[int, ...]
    n_candidates: int
    n: int
    n_event: int
    folds: int
    repeats: int
    seed: int
    own_scores: np.ndarray = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a table calls the columns."""
        return {"mean": "Mean", "sd": "SD"}

    @property
    def percent(self) -> tuple[str, ...]:
        """The columns that a table tells in per cent."""
        return ("selected",)

    def to_frame(self) -> pl.DataFrame:
        """One row per feature of the score, the strongest first."""
        return self.frame

    def predict(self, new_data: Any, *, matrix: Any = None, features: Any = None) -> pl.Series:
        """The score of other patients: higher for an earlier event.

        Parameters
        ----------
        new_data
            A table with the features of the score as columns (or their `matrix`, with `features` its names).

        Raises
        ------
        DataError
            Features that are not there, missing or infinite.

        Warns
        -----
        DataWarning
            If the rows are the patients the score was made from: whatever is computed of such scores is
            apparent performance, and too good. `out_of_fold` has scores to judge it by.
        """
        names = self.frame["feature"].to_list()
        frame = as_frame(new_data).lazy().collect()
        chosen = read_features(frame, names if features is None else features, matrix, outcome=()).of(names)
        values = chosen.values()
        chosen.check_missing("raise", values)
        mean, sd, weight = (self.frame[name].to_numpy() for name in ("mean", "sd", "weight"))
        score = Rule(np.arange(len(names)), mean, sd, weight).scores(values)
        if len(score) == self.n and np.allclose(np.sort(score), np.sort(self.own_scores), rtol=1e-9):
            warn(
                f"the {counted(len(score), 'row')} are the patients that the score was made from: what is "
                "computed of their scores is apparent performance, and too good",
                argument="new_data",
                expected="other patients",
                remedy="signature.out_of_fold, whose scores were made without the patient they belong to",
            )
        return pl.Series("score", score)

    def summary(self) -> pl.DataFrame:
        """One row: candidates, features, patients, events, the cross-validated concordance and how."""
        row = self.validated.to_frame().row(0, named=True)
        return pl.DataFrame(
            {
                "n_candidates": [self.n_candidates], "n_features": [self.frame.height], "n": [self.n],
                "n_event": [self.n_event], "concordance": [row["estimate"]], "conf_low": [row["conf_low"]],
                "conf_high": [row["conf_high"]], "folds": [self.folds], "repeats": [self.repeats],
                "seed": [self.seed],
            }
        )  # fmt: skip

    def text(self) -> str:
        """A sentence with the concordance."""
        row = self.validated.to_frame().row(0, named=True)
        shown = formats.interval(row["estimate"], row["conf_low"], row["conf_high"], 2)
        return (
            f"a score of {self.frame.height} of {counted(self.n_candidates, 'feature')} had a "
            f"cross-validated concordance of {formats.with_level(shown, self.validated.conf_level)}"
        )

    def methods(self) -> str:
        """A sentence for the methods section."""
        size = "their number chosen in an inner cross-validation, " if len(self.sizes_offered) > 1 else ""
        return (
            "A compound covariate score was made of the features with the largest likelihood ratios in Cox "
            f"models of one feature each, {size}weighted by their log hazard ratios. It was validated by "
            f"{self.repeats} x {self.folds}-fold cross-validation, with all of the selection inside."
        )

    def __repr__(self) -> str:
        rows = [
            f"  {row['feature']}: weight {formats.significant(row['weight'])}, "
            f"chosen in {formats.percent(row['selected'], 0)} of the training parts"
            for row in self.frame.head(SHOWN).iter_rows(named=True)
        ]
        left = self.frame.height - SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        head = (
            f"score of {self.frame.height} of {self.n_candidates} features: n={self.n}, events={self.n_event}"
        )
        row = self.validated.to_frame().row(0, named=True)
        limits = " to ".join(formats.significant(row[k]) for k in ("conf_low", "conf_high"))
        last = f"cross-validated concordance {formats.significant(row['estimate'])} ({limits})"
        return "\n".join([head, *rows, *more, last])
