"""The laboratory terms of CTCAE v5.0 that numbers alone can grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from .blood_units import COUNT, MASS

# low, high: cuts in a unit; steps: cuts above the upper limit; times: multiples of the upper limit, of the
# baseline where that was above it; creatinine: multiples of both.
Rule = Literal["low", "high", "steps", "times", "creatinine"]


@dataclass(frozen=True, slots=True)
class Term:
    """How a term is graded.

    `cuts` holds, for each grade from 1 on that has one, where it begins; None for a grade that begins at the
    limit of normal. `abnormal` is the multiple of an abnormal baseline at which grade 1 begins.
    """

    rule: Rule
    cuts: dict[int, float | None]
    unit: str | None = None
    abnormal: float | None = None

    @property
    def limit(self) -> str | None:
        """The limit of normal that it needs."""
        if None not in self.cuts.values():
            return None
        return "lower_limit" if self.rule == "low" else "upper_limit"

    @property
    def takes_baseline(self) -> bool:
        """Whether the baseline counts."""
        return self.abnormal is not None or self.rule == "creatinine"


TERMS: dict[str, Term] = {
    "anemia": Term("low", {1: None, 2: 100, 3: 80}, MASS),
    "hemoglobin increased": Term("steps", {1: None, 2: 20, 3: 40}, MASS),
    "white blood cell decreased": Term("low", {1: None, 2: 3, 3: 2, 4: 1}, COUNT),
    "leukocytosis": Term("high", {3: 100}, COUNT),
    "neutrophil count decreased": Term("low", {1: None, 2: 1.5, 3: 1, 4: 0.5}, COUNT),
    "platelet count decreased": Term("low", {1: None, 2: 75, 3: 50, 4: 25}, COUNT),
    "lymphocyte count decreased": Term("low", {1: None, 2: 0.8, 3: 0.5, 4: 0.2}, COUNT),
    "lymphocyte count increased": Term("high", {2: 4, 3: 20}, COUNT),
    "cd4 lymphocytes decreased": Term("low", {1: None, 2: 0.5, 3: 0.2, 4: 0.05}, COUNT),
    "creatinine increased": Term("creatinine", {1: None, 2: 1.5, 3: 3, 4: 6}),
    "blood bilirubin increased": Term("times", {1: None, 2: 1.5, 3: 3, 4: 10}, abnormal=1.0),
    "alanine aminotransferase increased": Term("times", {1: None, 2: 3, 3: 5, 4: 20}, abnormal=1.5),
    "aspartate aminotransferase increased": Term("times", {1: None, 2: 3, 3: 5, 4: 20}, abnormal=1.5),
    "alkaline phosphatase increased": Term("times", {1: None, 2: 2.5, 3: 5, 4: 20}, abnormal=2.0),
    "ggt increased": Term("times", {1: None, 2: 2.5, 3: 5, 4: 20}, abnormal=2.0),
    "cpk increased": Term("times", {1: None, 2: 2.5, 3: 5, 4: 10}),
    "activated partial thromboplastin time prolonged": Term("times", {1: None, 2: 1.5, 3: 2.5}),
    "haptoglobin decreased": Term("low", {1: None}),
    "hypoalbuminemia": Term("low", {1: None, 2: 30, 3: 20}, MASS),
}


def ctcae_terms() -> pl.DataFrame:
    """The terms that `ctcae_grade` knows, with what each needs and where its grades begin.

    Returns
    -------
    polars.DataFrame
        `term`; `unit` of the cuts (null where only multiples of a limit count); `limit` of normal and
        `baseline` (whether it counts); `grade_1` to `grade_4`, the cuts beyond which a grade begins, null for
        one that the term does not have.

    Examples
    --------
    >>> ctcae_terms().filter(term="platelet count decreased").drop("baseline").row(0)
    ('platelet count decreased', '10^9/L', 'lower_limit', '< LLN', '< 75', '< 50', '< 25')
    """
    rows = [
        {
            "term": name, "unit": term.unit, "limit": term.limit, "baseline": term.takes_baseline,
            **{f"grade_{grade}": _cut(term, grade) for grade in range(1, 5)},
        }
        for name, term in TERMS.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"unit": pl.String, "limit": pl.String})


def _cut(term: Term, grade: int) -> str | None:
    if grade not in term.cuts:
        return None
    cut = term.cuts[grade]
    if term.rule in ("low", "high"):
        sign, limit = ("<", "LLN") if term.rule == "low" else (">", "ULN")
        return f"{sign} {limit}" if cut is None else f"{sign} {cut:g}"
    if term.rule == "steps":
        return "> ULN" if cut is None else f"> ULN + {cut:g}"
    if term.rule == "creatinine":
        both = {2: " or baseline", 3: " or baseline"}.get(grade, "")
        return "> ULN" if cut is None else f"> {cut:g} x ULN{both}"
    if cut is not None:
        return f"> {cut:g} x ULN" + (" (or abnormal baseline)" if term.takes_baseline else "")
    if term.abnormal is None:
        return "> ULN"
    sign = ">" if term.abnormal == 1 else ">="
    return f"> ULN ({sign} {term.abnormal:g} x abnormal baseline)"
