"""What is missing: in which columns, and together with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, group_rows, read_table
from ..errors import DataError, counted
from ..formats import count, percent
from ..options import Missing, check_choice
from ..results import SHOWN_GROUPS, Result
from .table_read import names_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..columns import Columns

COMPLETE = "complete"
COLUMN_FRAME: dict[str, Any] = {
    "column": pl.String, "n": pl.Int64, "n_missing": pl.Int64, "percent": pl.Float64
}  # fmt: skip
PATTERN_FRAME: dict[str, Any] = {
    "missing": pl.String, "n_columns": pl.Int64, "n": pl.Int64, "percent": pl.Float64
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Missingness(Result):
    """Missing values per column, and the columns that are missing together.

    Attributes
    ----------
    frame, patterns_frame
        See `to_frame` and `patterns`.
    columns
        The columns looked at.
    by
        The grouping columns.
    n, n_complete
        Rows, and those of them without a missing value.
    """

    frame: pl.DataFrame = field(repr=False)
    patterns_frame: pl.DataFrame = field(repr=False)
    columns: tuple[str, ...]
    by: tuple[str, ...]
    n: int
    n_complete: int
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per column (and group): the `by` columns, `column, n, n_missing, percent`."""
        return self.frame

    def patterns(self) -> pl.DataFrame:
        """Which columns are missing together, the commonest first.

        The `by` columns, `missing` (the columns, in the order of the data; "complete" for none), `n_columns`,
        `n` and `percent` of the group's rows.
        """
        return self.patterns_frame

    def summary(self) -> pl.DataFrame:
        """One row: rows, complete rows and their percentage, columns, and those with a missing value."""
        incomplete = self.frame.filter(pl.col("n_missing") > 0)["column"].n_unique()
        return pl.DataFrame(
            {
                "n": [self.n],
                "n_complete": [self.n_complete],
                "percent_complete": [100 * self.n_complete / self.n],
                "n_columns": [len(self.columns)],
                "n_columns_missing": [incomplete],
                "n_dropped": [self.n_dropped],
            }
        )

    def text(self) -> str:
        """A sentence: how many rows are complete, and what is missing in the others."""
        totals = self._totals()
        parts = [f"{name} {count(n)} ({percent(n / self.n)})" for name, n in totals if n]
        rest = f" Missing: {'; '.join(parts)}." if parts else ""
        share = percent(self.n_complete / self.n)
        return f"{count(self.n_complete)} of {count(self.n)} rows ({share}) were complete.{rest}"

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the percentage missing in each column; see `hem.plots.draw_missingness` for the options."""
        from ..plots import draw_missingness

        return draw_missingness(self, ax=ax, **options)

    def __repr__(self) -> str:
        totals = sorted((pair for pair in self._totals() if pair[1]), key=lambda pair: -pair[1])
        names = f"{counted(len(self.columns), 'column')}, {len(totals)} with missing values"
        head = f"Missing values: {count(self.n_complete)} of {counted_rows(self.n)} complete; {names}"
        lines = [f"  {name}: {count(n)} ({percent(n / self.n)})" for name, n in totals[:SHOWN_GROUPS]]
        left = len(totals) - SHOWN_GROUPS
        more = [f"  and {left} more"] if left > 0 else []
        return "\n".join([head, *lines, *more, *self._together()])

    def _together(self) -> list[str]:
        """The commonest set of several columns, in all groups together."""
        several = self.patterns_frame.filter(pl.col("n_columns") > 1)
        sets = several.group_by("missing", maintain_order=True).agg(pl.col("n").sum()).rows()
        if not sets:
            return []
        names, n = max(sets, key=lambda pair: pair[1])
        return [f"most often together: {names} ({counted_rows(n)})"]

    def _totals(self) -> list[tuple[str, int]]:
        """Missing values per column in all groups together, in the order of the data."""
        return self.frame.group_by("column", maintain_order=True).agg(pl.col("n_missing").sum()).rows()


def missingness(
    data: Any, *, columns: Columns = None, by: Columns = None, missing: Missing = "raise"
) -> Missingness:
    """Count missing values per column, and which columns are missing together.

    Null and NaN are missing; empty text is not.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    columns
        The columns to look at; all but `by` if not given.
    by
        One or several columns; counts for each combination that occurs.
    missing
        Rows without a group: "raise" names them, "drop" leaves them out and counts them.

    Returns
    -------
    Missingness
        `.to_frame()` per column, `.patterns()` of columns, `.plot()`.

    Raises
    ------
    DataError
        No rows, an unknown column, or a missing group.

    Examples
    --------
    >>> import hemresearch as hem
    >>> found = hem.cohort.missingness(hem.data.load("mgus2"))
    >>> found
    Missing values: 1,338 of 1,384 rows complete; 11 columns, 3 with missing values
      creat: 30 (2.2%)
      hgb: 13 (0.9%)
      mspike: 11 (0.8%)
    most often together: hgb, creat (8 rows)
    >>> found.patterns().select("missing", "n").rows()[:3]
    [('complete', 1338), ('creat', 22), ('mspike', 11)]
    """
    check_choice(missing, Missing, argument="missing")
    frame = as_frame(data)
    if columns is None:
        grouping = names_of(by)
        columns = [name for name in frame.collect_schema().names() if name not in grouping]
    table = read_table(frame, {"columns": columns, "by": by}, missing=missing, nullable=("columns",))
    _check_names(table.names["columns"], table.names["by"])
    looked_at = table.several("columns")
    groups = group_rows(table)
    absent = np.column_stack([absent_in(series) for series in looked_at.iter_columns()])
    size = np.bincount(groups.code, minlength=len(groups))
    per_column = [
        np.bincount(groups.code, weights=absent[:, j], minlength=len(groups)) for j in range(absent.shape[1])
    ]
    return Missingness(
        frame=_column_frame(looked_at.columns, np.array(per_column, dtype=np.int64), size, groups.levels),
        patterns_frame=_pattern_frame(looked_at.columns, absent, groups.code, size, groups.levels),
        columns=tuple(looked_at.columns),
        by=table.names["by"],
        n=looked_at.height,
        n_complete=int((~absent.any(axis=1)).sum()),
        n_dropped=table.n_dropped,
    )


def _check_names(columns: tuple[str, ...], by: tuple[str, ...]) -> None:
    if not columns:
        raise DataError(
            "no column is left to look at",
            argument="columns",
            expected="at least one column besides those of by",
            remedy="columns=['age', 'sex']",
        )
    for name in by:
        if name in (*COLUMN_FRAME, *PATTERN_FRAME):
            raise DataError(
                "has the name of a column of the result",
                argument="by",
                column=name,
                expected="a grouping column under a name of its own",
                remedy=f"by=pl.col({name!r}).alias('{name}_group')",
            )


def absent_in(series: pl.Series) -> np.ndarray:
    """Which values of a column are null or NaN."""
    absent = series.is_null()
    if series.dtype.is_float():
        absent = absent | series.is_nan().fill_null(True)
    return absent.to_numpy()


def counted_rows(n: int) -> str:
    """`1 row`, `1,384 rows`."""
    return f"{count(n)} row" + ("" if n == 1 else "s")


def _column_frame(
    names: list[str], n_missing: np.ndarray, size: np.ndarray, levels: pl.DataFrame
) -> pl.DataFrame:
    """One row per column and group, the groups of a column together."""
    g = len(size)
    frame = pl.DataFrame(
        {
            "column": np.repeat(names, g).tolist(),
            "n": np.tile(size, len(names)),
            "n_missing": n_missing.ravel(),
            "percent": (100 * n_missing / size).ravel(),
        },
        schema=COLUMN_FRAME,
    )
    return _labelled(frame, levels, np.tile(np.arange(g), len(names)))


def _pattern_frame(
    names: list[str], absent: np.ndarray, code: np.ndarray, size: np.ndarray, levels: pl.DataFrame
) -> pl.DataFrame:
    """One row per set of columns and group: the commonest first, ties in the order of the data."""
    patterns, inverse = np.unique(absent, axis=0, return_inverse=True)
    pairs, n = np.unique(np.column_stack([code, inverse.ravel()]), axis=0, return_counts=True)
    order = np.lexsort((-pairs[:, 1], -n, pairs[:, 0]))
    pairs, n = pairs[order], n[order]
    texts = [", ".join(np.array(names)[p].tolist()) or COMPLETE for p in patterns]
    frame = pl.DataFrame(
        {
            "missing": [texts[i] for i in pairs[:, 1]],
            "n_columns": patterns.sum(axis=1)[pairs[:, 1]],
            "n": n,
            "percent": 100 * n / size[pairs[:, 0]],
        },
        schema=PATTERN_FRAME,
    )
    return _labelled(frame, levels, pairs[:, 0])


def _labelled(frame: pl.DataFrame, levels: pl.DataFrame, group: np.ndarray) -> pl.DataFrame:
    """The labels of the groups in front."""
    return pl.concat([levels[group], frame], how="horizontal") if levels.width else frame
