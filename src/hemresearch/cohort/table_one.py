"""Table 1: who was studied, as numbers first and as a table after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import group_rows
from ..errors import DataError, counted, listed
from ..options import Missing, check_choice, suggestion
from ..results import Result
from .differences import difference_of_means, difference_of_shares
from .table_cells import STATISTICS, Cells, Statistic, cells, html
from .table_read import Variable, has_decimals, read_variables

if TYPE_CHECKING:
    from ..columns import Columns

OVERALL = "Overall"
SHOWN_VARIABLES, SHOWN_LEVELS = 7, 4
NUMBERS = ("mean", "sd", "median", "q1", "q3", "min", "max")
FRAME: dict[str, Any] = {
    "variable": pl.String,
    "level": pl.String,
    "group": pl.String,
    "n": pl.Int64,
    "n_missing": pl.Int64,
    "share": pl.Float64,
    **dict.fromkeys(NUMBERS, pl.Float64),
    "smd": pl.Float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class TableOne(Result):
    """The numbers of a Table 1.

    Attributes
    ----------
    frame
        See `to_frame`.
    groups_frame
        One row per group, `group` and `n`; "Overall" first.
    pairs_frame
        See `differences`.
    by
        The grouping columns.
    kinds
        What each variable is: "number", "yes or no" or "category".
    statistics
        How the table shows each number: "median", "range" or "mean".
    """

    frame: pl.DataFrame = field(repr=False)
    groups_frame: pl.DataFrame = field(repr=False)
    pairs_frame: pl.DataFrame = field(repr=False)
    by: tuple[str, ...]
    kinds: dict[str, str]
    statistics: dict[str, Statistic]
    labels: dict[str, str]
    decimals: dict[str, int]
    n: int
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per variable, level and group, "Overall" first.

        `n` counts the patients of a level (or with a number), `n_missing` those of the group without a value;
        `share` is `n` divided by those with a value; then `mean, sd, median, q1, q3, min, max` of numbers,
        and the variable's `smd` between the groups.
        """
        return self.frame

    def groups(self) -> pl.DataFrame:
        """One row per group: `group` and `n`; "Overall" first."""
        return self.groups_frame

    def differences(self) -> pl.DataFrame:
        """Standardized mean differences of every two groups: `variable, group_1, group_2, smd`."""
        return self.pairs_frame

    def summary(self) -> pl.DataFrame:
        """One row: n, groups, variables, rows left out, and the largest difference."""
        return pl.DataFrame(
            {
                "n": [self.n],
                "n_groups": [self.groups_frame.height - 1],
                "n_variables": [len(self.kinds)],
                "n_dropped": [self.n_dropped],
                "largest_smd": pl.Series([self.frame["smd"].max()], dtype=pl.Float64),
            }
        )

    def cells(self) -> Cells:
        """Header, rows and footnotes of the publication table, all text; `hem.report` writes them."""
        return cells(self)

    def text(self) -> str:
        """Every variable in words, for all groups together."""
        return f"n={formats.count(self.n)}. " + "; ".join(self._line(name, words=True) for name in self.kinds)

    def __repr__(self) -> str:
        groups = [f"{g}: {formats.count(n)}" for g, n in self.groups_frame.iter_rows()][1:]
        by = f" by {', '.join(self.by)} ({listed(groups)})" if self.by else ""
        left_out = f", {counted(self.n_dropped, 'row')} without a group left out" if self.n_dropped else ""
        lines = [f"  {self._line(name)}" for name in list(self.kinds)[:SHOWN_VARIABLES]]
        left = len(self.kinds) - SHOWN_VARIABLES
        more = [f"  and {left} more"] if left > 0 else []
        return "\n".join([f"Table 1: n={formats.count(self.n)}{by}{left_out}", *lines, *more])

    def _repr_html_(self) -> str:
        return html(self.cells())

    def _line(self, name: str, words: bool = False) -> str:
        rows = self.frame.filter(pl.col("variable") == name, pl.col("group") == self.groups_frame["group"][0])
        first = rows.row(0, named=True)
        parts = [self._values(name, rows)]
        if first["n_missing"]:
            parts.append(f"{formats.count(first['n_missing'])} missing")
        if first["smd"] is not None and not words:
            parts.append(f"SMD {formats.significant(first['smd'])}")
        return f"{self.labels.get(name, name)}: {', '.join(p for p in parts if p)}"

    def _values(self, name: str, rows: pl.DataFrame) -> str:
        if self.kinds[name] == "number":
            chosen = STATISTICS[self.statistics[name]]
            values = [formats.significant(v) for v in rows.select(chosen.columns).row(0)]
            return f"{chosen.name} {values[0]} ({chosen.join(values[1:])})"
        known = rows.filter(pl.col("level").is_not_null()).select("level", "n", "share").rows()
        shown = known[1:] if self.kinds[name] == "yes or no" else known
        texts = [
            f"{self.labels.get(level, level)} {formats.count(n)} ({formats.percent(share)})"
            for level, n, share in shown
        ]
        return listed(texts, SHOWN_LEVELS)


def table_one(
    data: Any,
    *,
    variables: Columns = None,
    by: Columns = None,
    categorical: Sequence[str] = (),
    statistic: Statistic | Mapping[str, Statistic] = "median",
    labels: Mapping[str, str] | None = None,
    decimals: int | Mapping[str, int] | None = None,
    overall: str = OVERALL,
    missing: Missing = "raise",
) -> TableOne:
    """Describe patients, overall and by group: numbers, categories, what is missing, and how groups differ.

    Groups are compared by standardized mean differences, which do not grow with the number of patients:
    |m1 - m2| / sqrt((s1^2 + s2^2) / 2) for numbers (0/1 included), and for categories the Mahalanobis
    distance of the shares. With more than two groups the largest of any two is shown. There are no p-values:
    baseline tests answer no question in a trial (CONSORT) and depend on n elsewhere.

    Parameters
    ----------
    data
        Any table with one row per patient: polars (eager or lazy), pandas, pyarrow, DuckDB.
    variables
        The columns to describe, in the order of the table; all but `by` if not given. Numbers are described
        as numbers, 0/1 (also as 0.0 and 1.0) and Boolean columns as yes or no, text as categories (Enum
        levels in their order, also those that do not occur; others sorted).
    by
        One or several columns; a group for each combination that occurs.
    categorical
        Numeric columns whose values are categories (a stage 1 to 4).
    statistic
        What the table shows of numbers: "median" (first to third quartile), "range" (median, smallest to
        largest) or "mean" (standard deviation); for all, or per column. All are in `to_frame()`.
    labels
        What to call columns, levels and groups in the table: `{"age": "Age, years", "f": "Women"}`.
    decimals
        Of numbers in the table; for all, or per column. By default as many as the values have (one more for
        what lies between two values), but none from 100 up and one from 10 up.
    overall
        What all groups together are called.
    missing
        Rows without a group: "raise" names them, "drop" leaves them out and counts them. Missing values of
        the variables are always described, never dropped.

    Returns
    -------
    TableOne
        `.to_frame()` holds the numbers, `.differences()` the comparison of every two groups.

    Raises
    ------
    DataError
        For a column that names patients (nearly all values distinct, personal numbers), dates, more than 50
        categories, infinite values, a missing group, personal numbers as groups, or a label for nothing in
        the table.

    Notes
    -----
    Percentages, means and quantiles are of those with a value. The standard deviation has n - 1, quartiles
    are linear between order statistics (type 7 of R). A difference is infinite where two groups hold
    different constants, and null where one has no value (or a single number).

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107. Yang D, Dalton JE. SAS Global Forum 2012, paper 335. CONSORT 2010,
    item 15.

    Examples
    --------
    >>> import hemresearch as hem
    >>> one = hem.cohort.table_one(
    ...     hem.data.load("mgus2"), variables=["age", "sex", "hgb"], by="death",
    ...     labels={"age": "Age, years", "hgb": "Haemoglobin, g/dL"},
    ... )
    >>> one
    Table 1: n=1,384 by death (0: 421, 1: 963)
      Age, years: median 72 (63–79), SMD 0.8841
      sex: F 631 (45.6%), M 753 (54.4%), SMD 0.11
      Haemoglobin, g/dL: median 13.5 (12.2–14.7), 13 missing, SMD 0.4209
    >>> one.to_frame().select("variable", "group", "n", "n_missing", "median").rows()[-1]
    ('hgb', '1', 957, 6, 13.3)
    >>> one.cells().body[0]
    ('Age, years, median (Q1–Q3)', '72 (63–79)', '65 (56–72)', '75 (67–81)', '0.88')
    """
    check_choice(missing, Missing, argument="missing")
    table, read = read_variables(data, variables, by, categorical, missing)
    groups = group_rows(table)
    names = groups.labels() if table.names["by"] else []
    _check_overall(overall, names)
    slots = [np.arange(len(groups.code)), *(np.flatnonzero(groups.code == g) for g in range(len(names)))]
    described = [_described(v, slots) for v in read]
    pairs = [_pairs(v, rows, names) for v, rows in zip(read, described, strict=True)]
    kinds = {v.name: v.kind for v in read}
    frame, statistics = _tidy(read, described, [overall, *names], pairs), _per_column(statistic, kinds)
    return TableOne(
        frame=frame,
        groups_frame=pl.DataFrame({"group": [overall, *names], "n": [len(s) for s in slots]}),
        pairs_frame=pl.DataFrame(
            [row for rows in pairs for row in rows],
            schema={"variable": pl.String, "group_1": pl.String, "group_2": pl.String, "smd": pl.Float64},
            orient="row",
        ),
        by=table.names["by"],
        kinds=dict(kinds),
        statistics=statistics,
        labels=_checked_labels(labels, read, [overall, *names, *table.names["by"]]),
        decimals=_decimals(decimals, read, statistics, frame),
        n=len(groups.code),
        n_dropped=table.n_dropped,
    )


def _described(variable: Variable, slots: Sequence[np.ndarray]) -> list[dict[str, Any]]:
    """The facts of a variable in each group: counts per level, or the numbers."""
    return [_facts(variable, variable.values[slot], variable.missing[slot]) for slot in slots]


def _facts(variable: Variable, values: np.ndarray, missing: np.ndarray) -> dict[str, Any]:
    known = values[~missing]
    if variable.kind != "number":
        counts = np.bincount(known.astype(np.int64), minlength=len(variable.levels))
        return {"counts": counts, "n_missing": int(missing.sum())}
    facts: dict[str, Any] = {"n": len(known), "n_missing": int(missing.sum())}
    facts |= dict.fromkeys(NUMBERS, np.nan)
    if len(known):
        q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75])
        low, high = known.min(), known.max()
        mean = low if low == high else known.mean()  # a constant is its own mean, to the last digit
        facts |= {"mean": mean, "median": median, "q1": q1, "q3": q3, "min": low, "max": high}
    if len(known) > 1:
        facts["sd"] = 0.0 if low == high else known.std(ddof=1)
    return facts


def _pairs(
    variable: Variable, facts: list[dict[str, Any]], names: list[str]
) -> list[tuple[str, str, str, float | None]]:
    """The difference of every two groups; null where it is not defined."""
    rows = []
    for (i, first), (j, second) in combinations(enumerate(names, 1), 2):
        a, b = facts[i], facts[j]
        if variable.kind == "number":
            smd = difference_of_means(np.array([a["mean"], b["mean"]]), np.array([a["sd"], b["sd"]]))
        else:
            smd = difference_of_shares(a["counts"], b["counts"])
        rows.append((variable.name, first, second, None if np.isnan(smd) else smd))
    return rows


def _tidy(
    read: list[Variable],
    described: list[list[dict[str, Any]]],
    groups: list[str],
    pairs: list[list[tuple[str, str, str, float | None]]],
) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for variable, facts, compared in zip(read, described, pairs, strict=True):
        smd = max((d for *_, d in compared if d is not None), default=None)
        nothing = (None,) * len(NUMBERS)
        for i, level in enumerate(variable.levels or (None,)):
            for group, one in zip(groups, facts, strict=True):
                where = (variable.name, level, group)
                if variable.kind == "number":
                    values = tuple(None if np.isnan(one[k]) else float(one[k]) for k in NUMBERS)
                    rows.append((*where, one["n"], one["n_missing"], None, *values, smd))
                    continue
                n, total = (int(one["counts"][i]) if level is not None else 0), int(one["counts"].sum())
                rows.append((*where, n, one["n_missing"], n / total if total else None, *nothing, smd))
    return pl.DataFrame(rows, schema=FRAME, orient="row")


def _check_overall(overall: Any, names: list[str]) -> None:
    if isinstance(overall, str) and overall and overall not in names:
        return
    raise DataError(
        f"{overall!r} is the name of a group" if overall in names else f"{overall!r} was given",
        argument="overall",
        expected="a name for all groups together that no group has",
        remedy="overall='All patients'",
    )


def _per_column(statistic: Any, kinds: Mapping[str, str]) -> dict[str, Statistic]:
    """The statistic of every numeric column."""
    given = statistic if isinstance(statistic, Mapping) else {}
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    _check_keys(given, numbers, "statistic", "names of numeric variables")
    chosen = {n: given.get(n, "median") if isinstance(statistic, Mapping) else statistic for n in numbers}
    for value in (*chosen.values(), *([] if isinstance(statistic, Mapping) else [statistic])):
        check_choice(value, Statistic, argument="statistic")
    return chosen


def _checked_labels(labels: Any, read: list[Variable], others: list[str]) -> dict[str, str]:
    known = [v.name for v in read] + [level for v in read for level in v.levels] + others
    _check_keys(labels or {}, known, "labels", "names of columns, levels or groups")
    return dict(labels or {})


def _decimals(
    given: Any, read: list[Variable], statistics: Mapping[str, Statistic], frame: pl.DataFrame
) -> dict[str, int]:
    """The decimals of every numeric column: as asked for, else as its values have them."""
    each = given if isinstance(given, Mapping) else {}
    _check_keys(each, list(statistics), "decimals", "names of numeric variables")
    for value in (*each.values(), *([] if given is None or isinstance(given, Mapping) else [given])):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise DataError(
                f"{value!r} was given",
                argument="decimals",
                expected="a whole number from 0 up",
                remedy="decimals=1",
            )
    if isinstance(given, int):
        return dict.fromkeys(statistics, given)
    found = {}
    for variable in (v for v in read if v.name in statistics):
        rows = frame.filter(pl.col("variable") == variable.name)
        shown = rows.select(STATISTICS[statistics[variable.name]].columns)
        found[variable.name] = each.get(variable.name, _natural(variable.decimals, shown.to_numpy()))
    return found


def _natural(measured: int, shown: np.ndarray) -> int:
    """As many decimals as were measured (one more for what lies between), fewer for large numbers."""
    known = shown[np.isfinite(shown)]
    exact = has_decimals(known, measured)
    largest = float(np.abs(known).max()) if known.size else None
    return min(formats.decimals_for(largest), measured if exact else measured + 1)


def _check_keys(given: Mapping[str, Any], known: list[str], argument: str, expected: str) -> None:
    for name in given:
        if name not in known:
            raise DataError(
                f"{name!r} is not in the table",
                argument=argument,
                expected=f"{expected}; {suggestion(str(name), known)}",
                remedy=f"{argument}={{{known[0]!r}: ...}}" if known else f"leaving {argument} out",
            )
