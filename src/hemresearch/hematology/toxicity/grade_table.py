"""Tables of toxicity: how many had it at all, and how many a severe one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ... import formats
from ...columns import read_table
from ...epidemiology.proportion import METHODS, ProportionLimits, proportion
from ...errors import DataError, counted
from ...options import check_choice, check_conf_level
from ..shares import Shares
from .rows import WORST, read_grades, read_single, refuse_taken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...columns import Column, Columns, Table
    from ...options import Missing


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class GradeShares(Shares):
    """Shares of patients whose worst grade of a toxicity is at least some grade."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return {"term": "Toxicity", "at_least": "Grade at least"}

    def methods(self) -> str:
        """A sentence for the methods section: what was estimated, with which limits."""
        return (
            f"Shares of patients by their worst grade of each toxicity were estimated with "
            f"{formats.level(self.conf_level)} confidence limits ({self.method})."
        )

    def _words(self) -> pl.DataFrame:
        level = pl.col("at_least")
        grade = (
            pl.when(level == 1)
            .then(pl.lit("any grade"))
            .when(level == WORST)
            .then(pl.format("grade {}", level))
            .otherwise(pl.format("grade {} or worse", level))
        )
        return self.frame.with_columns(term=pl.format("{} of {}", "term", grade)).drop("at_least")


def grade_table(
    data: Any,
    *,
    grades: Columns = None,
    id: Column | None = None,
    toxicity: Column | None = None,
    grade: Column | None = None,
    patients: Any = None,
    by: Columns = None,
    at_least: Sequence[int] = (1, 3),
    conf_type: ProportionLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Shares:
    """Shares of patients whose worst grade of each toxicity is at least 1 (any) and at least 3 (severe).

    Parameters
    ----------
    data
        In one of two forms: a row for each patient with their worst grades; or a row for each toxicity that
        a patient had, as adverse events are recorded.
    grades
        Of the first form: the columns of worst grades, 0 for none.
    id, toxicity, grade
        Of the second form: patient, name of the toxicity, and its grade.
    patients
        Of the second form: a table with a row for each patient, also of those without any toxicity, which is
        the denominator; with the `id` and the columns of `by`.
    by
        One or several columns; separate shares for each combination that occurs.
    at_least
        The grades from which a toxicity counts.
    conf_type
        As in `epidemiology.proportion`: `"wilson"`, `"clopper-pearson"` and others.
    conf_level
        Level of the limits.
    missing
        `"raise"` names what is missing; `"drop"` leaves patients out of the rows of a toxicity whose grade
        they lack (first form), or rows without a grade (second form, where these are then no toxicity).

    Returns
    -------
    Shares
        Estimates: `term` (the toxicity), `at_least`, the `by` columns, `n`, `n_event`, `estimate`,
        `conf_low`, `conf_high`; in per cent in a sentence (`.text()`) and in `hem.report.table`. Toxicities
        stand in the order of `grades`, of the second form in alphabetical order.

    Raises
    ------
    DataError
        Neither or both forms of data; grades that are none; patients that are in several rows of `patients`
        or in none; and as `epidemiology.proportion`.

    Notes
    -----
    Whom `data` or `patients` holds is the denominator. Toxicity is told of those who were treated; response
    of all who were to be (by intention to treat), as `response_rate` has it. The tables of the two differ in
    n where somebody was never treated: give each its own rows, and say which.

    The shares are of patients who could be seen with the toxicity all the time. Where follow-up differs,
    the cumulative incidence with death competing is the answer.

    References
    ----------
    As `epidemiology.proportion`.

    Examples
    --------
    >>> import polars as pl
    >>> worst = pl.DataFrame({"CRS": [0, 1, 2, 3, 1], "ICANS": [0, 0, 0, 3, 1]})
    >>> grade_table(worst, grades=["CRS", "ICANS"])
    worst grade of each toxicity, n=5, events=4
      CRS of any grade: 0.8 (0.3755 to 0.9638), n 5
      CRS of grade 3 or worse: 0.2 (0.03622 to 0.6245), n 5
      ICANS of any grade: 0.4 (0.1176 to 0.7693), n 5
      ICANS of grade 3 or worse: 0.2 (0.03622 to 0.6245), n 5
    95% limits: Wilson
    >>> grade_table(worst, grades="CRS", at_least=[3]).text()
    'worst grade of each toxicity: CRS of grade 3 or worse 20.0% (95% CI 3.6–62.4)'
    """
    check_choice(conf_type, ProportionLimits, argument="conf_type")
    check_conf_level(conf_level)
    levels = _check_levels(at_least)
    groups, terms, n_dropped = (
        _patients(data, grades, by, missing)
        if _is_wide(grades, {"id": id, "toxicity": toxicity, "grade": grade, "patients": patients})
        else _events(data, patients, {"id": id, "toxicity": toxicity, "grade": grade}, by, missing)
    )
    for name in groups.columns:
        refuse_taken({"by": name}, ["at_least"])
    shares = [
        _share(groups, terms[term], level, conf_type, conf_level)
        for term in terms.columns
        for level in levels
    ]
    return GradeShares(
        frame=pl.concat(shares),
        name="worst grade of each toxicity",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=float(terms.height),
        n_event=float(terms.select(pl.any_horizontal(pl.all() >= min(levels))).to_series().sum()),
        n_dropped=n_dropped,
    )


def _share(
    groups: pl.DataFrame, grade: pl.Series, level: int, conf_type: ProportionLimits, conf_level: float
) -> pl.DataFrame:
    """The share of those whose grade is known, one row per group."""
    event = (grade >= level).alias(f"{grade.name} of at least {level}")
    known = pl.concat([groups, event.to_frame()], how="horizontal").filter(event.is_not_null())
    share = proportion(
        known, event=event.name, by=groups.columns or None, conf_type=conf_type, conf_level=conf_level
    ).to_frame()
    return share.select(
        pl.lit(grade.name).alias("term"), pl.lit(level, dtype=pl.Int64).alias("at_least"), pl.all()
    )


def _patients(
    data: Any, grades: Columns, by: Columns, missing: Missing
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Groups and worst grades from a row for each patient, and how many lack something."""
    nullable = ("grades",) if missing == "drop" else ()
    table = read_table(data, {"grades": grades, "by": by}, missing=missing, nullable=nullable)
    found = [
        read_grades(series, argument="grades", name=series.name)
        for series in table.several("grades").iter_columns()
    ]
    terms = pl.DataFrame(found)
    lacking = terms.select(pl.any_horizontal(pl.all().is_null())).to_series().sum()
    return table.several("by"), terms, table.n_dropped + int(lacking)


def _events(
    data: Any, patients: Any, roles: dict[str, Column | None], by: Columns, missing: Missing
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """As `_patients`, from a row for each toxicity; a patient without a row of one has grade 0."""
    events = read_single(data, roles, missing)
    everybody = read_table(patients, {"id": roles["id"], "by": by}, missing=missing)
    _refuse_other_patients(events, everybody)
    grade = read_grades(events.series("grade"), argument="grade", name=events.name("grade"))
    seen = pl.DataFrame(
        {"id": events.series("id"), "toxicity": events.series("toxicity").cast(pl.String), "grade": grade}
    )
    names = seen["toxicity"].unique().sort().to_list()
    worst = [
        everybody.frame.select(id="id.0")
        .join(
            seen.filter(toxicity=name).group_by("id").agg(pl.col("grade").max().alias(name)),
            on="id", how="left", maintain_order="left",
        )
        .select(pl.col(name).fill_null(0))
        for name in names
    ]  # fmt: skip
    dropped = events.n_dropped + everybody.n_dropped
    return everybody.several("by"), pl.concat(worst, how="horizontal"), dropped


def _refuse_other_patients(events: Table, everybody: Table) -> None:
    ids, name = everybody.series("id"), everybody.name("id")
    if ids.dtype != events.series("id").dtype:
        raise DataError(
            f"is {events.series('id').dtype} in data and {ids.dtype} in patients",
            argument="id",
            column=name,
            expected="one type of identifier in both tables",
            remedy=f"patients.with_columns(pl.col({name!r}).cast(data[{name!r}].dtype))",
        )
    twice = ids.is_duplicated()
    if twice.any():
        raise DataError(
            f"has {counted(int(twice.sum()), 'row')} of patients that are in several",
            argument="patients",
            column=name,
            rows=everybody.positions(twice.to_numpy()),
            expected="one row for each patient",
            remedy=f"patients.unique({name!r})",
        )
    unknown = ~events.series("id").is_in(ids.implode())
    if unknown.any():
        raise DataError(
            f"lacks the patients of {counted(int(unknown.sum()), 'row')} of data",
            argument="patients",
            column=name,
            rows=events.positions(unknown.to_numpy()),
            expected="all patients, with a toxicity and without",
            remedy=f"data.join(patients, on={name!r}, how='semi') for the toxicities of these patients",
        )


def _is_wide(grades: Columns, long: dict[str, Any]) -> bool:
    """Which of the two forms was given."""
    given = [role for role, column in long.items() if column is not None]
    if (grades is None) == (not given) or (given and len(given) < len(long)):
        raise DataError(
            "no one form of the data was given",
            argument="grades",
            expected="grades (columns of worst grades), or id, toxicity, grade and patients (rows)",
            remedy="grades=['crs', 'icans']",
        )
    return grades is not None


def _check_levels(at_least: Any) -> list[int]:
    levels = list(at_least) if isinstance(at_least, list | tuple) else []
    if not levels or any(type(g) is not int or not 1 <= g <= WORST for g in levels):
        raise DataError(
            f"{at_least!r} was given",
            argument="at_least",
            expected=f"one or several grades from 1 to {WORST}",
            remedy="at_least=(1, 3)",
        )
    return levels
