"""Grades of laboratory values by the Common Terminology Criteria for Adverse Events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import polars as pl

from ...errors import DataError
from ...options import check_choice
from .blood_units import FACTORS, BloodUnit, in_base
from .ctcae_terms import TERMS, Term
from .expressions import above, below, choose, number

if TYPE_CHECKING:
    from .expressions import Number

CtcaeVersion = Literal["5.0"]
Cases = list[tuple[pl.Expr, int | None]]


def ctcae_grade(
    term: str,
    value: Number,
    *,
    unit: BloodUnit | None = None,
    lower_limit: Number | None = None,
    upper_limit: Number | None = None,
    baseline: Number | None = None,
    version: CtcaeVersion = "5.0",
) -> pl.Expr:
    """Grade of a laboratory value, as far as the number alone decides it: 0 to 4.

    Where a grade of CTCAE is also, or only, given by what was done or felt (grade 4 anaemia, transfusion),
    the number cannot tell, and the grade is the one of the number. A value at a cut has the lower grade, as
    printed: platelets of 75 are grade 1, below it grade 2. Cuts in units hold whatever the limit of normal.

    Parameters
    ----------
    term
        Of CTCAE, in lower case, such as `"neutrophil count decreased"`; `ctcae_terms()` lists them.
    value
        A column, an expression.
    unit
        Of the value and the limits, where the cuts are in one: `"10^9/L"`, `"cells/uL"`, `"10^3/uL"` or
        `"10^6/L"` for counts, `"g/L"` or `"g/dL"` for haemoglobin and albumin. None for terms that count in
        multiples of a limit; value, limit and baseline are then in one unit, whichever it is.
    lower_limit, upper_limit
        The limit of normal that the term needs: a number, a column or an expression, such as
        `pl.when(pl.col("sex") == "F").then(117).otherwise(134)` with the limits of your laboratory.
    baseline
        The value before treatment. For enzymes and bilirubin one above the upper limit is abnormal, and
        grades are then multiples of it; creatinine counts from both. None: as with a normal baseline, for
        creatinine by the limit alone.
    version
        `"5.0"`. Others have other cuts and are refused.

    Returns
    -------
    polars.Expr
        0 to 4 (Int8), named `grade`. Null for a missing value and one below 0, and where a missing limit or
        baseline could change the grade.

    Raises
    ------
    DataError
        For an unknown term, unit or version; a limit that is needed and not given, or given and of no use;
        and anything but numbers, columns and expressions.

    References
    ----------
    National Cancer Institute. Common Terminology Criteria for Adverse Events (CTCAE) version 5.0.
    November 27, 2017. Its text as reproduced term by term in pharmaverse/admiral (ncictcaev5.json); cuts
    compared with PharmaForest/ctcae5_grader. Where a program differs from the text, the text counts.

    Examples
    --------
    >>> tests = pl.DataFrame({"platelets": [180, 100, 75, 74, 30, 10]})
    >>> grade = ctcae_grade("platelet count decreased", "platelets", unit="10^9/L", lower_limit=150)
    >>> tests.select(grade).to_series().to_list()
    [0, 1, 1, 2, 3, 4]
    >>> liver = pl.DataFrame({"alt": [140, 140, 140], "uln": [45, 45, 45], "before": [30, 60, 100]})
    >>> name = "alanine aminotransferase increased"
    >>> liver.select(ctcae_grade(name, "alt", upper_limit="uln", baseline="before")).to_series().to_list()
    [2, 1, 0]
    """
    check_choice(version, CtcaeVersion, argument="version")
    rule = TERMS[check_choice(term, tuple(TERMS), argument="term")]
    to_cuts = _factor(rule, term, unit)
    _check_needed(rule, term, {"lower_limit": lower_limit, "upper_limit": upper_limit}, baseline)
    limits = {"lower_limit": lower_limit, "upper_limit": upper_limit}
    limit = pl.lit(0.0) if rule.limit is None else number(limits[rule.limit], argument=rule.limit)
    before = None if baseline is None else number(baseline, argument="baseline")  # in no unit of its own
    v, normal = (in_base(x, to_cuts) for x in (number(value, argument="value"), limit))
    v = pl.when(v >= 0).then(v)  # a code for missing, such as -1, is no grade 4
    return RULES[rule.rule](rule, v, normal, before).alias("grade")


def _low(term: Term, v: pl.Expr, normal: pl.Expr, before: pl.Expr | None) -> pl.Expr:
    cuts: Cases = [(below(v, cut), grade) for grade, cut in _from_worst(term)]
    return choose([(v.is_null(), None), *cuts, (normal.is_null(), None), (below(v, normal), 1)], otherwise=0)


def _high(term: Term, v: pl.Expr, normal: pl.Expr, before: pl.Expr | None) -> pl.Expr:
    cuts: Cases = [(above(v, cut), grade) for grade, cut in _from_worst(term)]
    return choose([(v.is_null(), None), *cuts], otherwise=0)


def _steps(term: Term, v: pl.Expr, normal: pl.Expr, before: pl.Expr | None) -> pl.Expr:
    cuts: Cases = [(above(v, normal + cut), grade) for grade, cut in _from_worst(term)]
    unknown = v.is_null() | normal.is_null()
    return choose([(unknown, None), *cuts, (above(v, normal), 1)], otherwise=0)


def _times(term: Term, v: pl.Expr, normal: pl.Expr, before: pl.Expr | None) -> pl.Expr:
    """Multiples of the upper limit, or of the baseline where that was above it."""
    if before is None:
        before = normal
    abnormal = above(before, normal)
    reference = pl.when(abnormal).then(before).otherwise(normal)
    first = above(v, normal)
    if term.abnormal is not None:  # printed as "> 1.0" for bilirubin, as "1.5 -" and "2.0 -" for enzymes
        begin = above(v, before) if term.abnormal == 1 else ~below(v, term.abnormal * before)
        first = pl.when(abnormal).then(begin).otherwise(first)
    cuts: Cases = [(above(v, cut * reference), grade) for grade, cut in _from_worst(term)]
    unknown = v.is_null() | normal.is_null() | before.is_null()
    return choose([(unknown, None), *cuts, (first, 1)], otherwise=0)


def _creatinine(term: Term, v: pl.Expr, normal: pl.Expr, before: pl.Expr | None) -> pl.Expr:
    """The worse of the multiples of the limit and, up to grade 3, of the baseline."""
    base = normal if before is None else before
    cuts: Cases = [(above(v, cut * normal), grade) for grade, cut in _from_worst(term)]
    by_limit = choose([*cuts, (above(v, normal), 1)], otherwise=0)
    by_baseline = choose([(above(v, c * base), g) for g, c in _from_worst(term) if g < 4], otherwise=0)
    unknown = v.is_null() | normal.is_null() | (base.is_null() & (by_limit < 3))
    return pl.when(~unknown).then(pl.max_horizontal(by_limit, by_baseline))


RULES = {"low": _low, "high": _high, "steps": _steps, "times": _times, "creatinine": _creatinine}


def _from_worst(term: Term) -> list[tuple[int, float]]:
    """The cuts that are numbers, the worst grade first."""
    return [(grade, cut) for grade, cut in sorted(term.cuts.items(), reverse=True) if cut is not None]


def _factor(rule: Term, term: str, unit: BloodUnit | None) -> float:
    """What a value is multiplied by to be in the unit of the cuts."""
    if unit is not None:
        check_choice(unit, BloodUnit, argument="unit")
    if rule.unit is None and unit is None:
        return 1.0
    factors = FACTORS[rule.unit] if rule.unit is not None else {}
    if unit is None or unit not in factors:
        raise DataError(
            "no unit was given" if unit is None else f"{unit!r} is no unit of {term!r}",
            argument="unit",
            expected=f"one of {', '.join(map(repr, factors))}"
            if factors
            else "None: the term counts in multiples of a limit",
            remedy=f"unit={next(iter(factors))!r}" if factors else "unit=None",
        )
    return factors[unit]


def _check_needed(rule: Term, term: str, limits: dict[str, Number | None], baseline: Number | None) -> None:
    given = {**limits, "baseline": baseline}
    for argument, column in given.items():
        needed = argument == rule.limit
        if needed and column is None:
            raise DataError(
                f"was not given, and grade 1 of {term!r} begins there",
                argument=argument,
                expected="the limit of normal: a number, a column or an expression",
                remedy=f"{argument}='the column of the limit'",
            )
        taken = needed or (argument == "baseline" and rule.takes_baseline)
        if column is not None and not taken:
            raise DataError(
                f"was given, and {term!r} does not depend on it",
                argument=argument,
                expected="what the term needs; ctcae_terms() tells",
                remedy=f"{argument}=None",
            )
