"""The one door for data: any table in, the columns of one analysis out.

A table may be a polars DataFrame or LazyFrame, or anything that speaks Arrow (pandas, pyarrow,
DuckDB). Columns are named by role; a column name may be replaced by a polars expression. What is
missing is settled here, once, before any number is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from .errors import DataError, counted, listed
from .options import Missing, check_choice, suggestion
from .personal_numbers import check_groups
from .text_numbers import NUMBER, as_number

if TYPE_CHECKING:
    from collections.abc import Sequence

Column: TypeAlias = "str | pl.Expr"
Columns: TypeAlias = "str | pl.Expr | Sequence[str | pl.Expr] | None"

# Roles whose column names become columns or terms of a result: an expression there needs a name.
NAMED_ROLES = ("by", "strata", "covariates")
SINGLE_ROLES = (
    "time", "event", "case", "entry", "id", "score", "offset", "frailty", "weights", "cluster", "left",
    "right", "from_state", "to_state", "terminal", "person_time", "end", "initial", "sex", "date", "birth",
    "age", "exposure", "expected", "test", "disease", "unit", "size", "death_only", "closing", "period_from",
    "period_to", "activity", "assay", "bleed", "high", "inr", "kinds", "last_treatment", "limit", "low",
    "spontaneous", "value",
)  # fmt: skip
REPEATABLE_ROLES = ("times", "events", "scales", "cut_at")  # one expression for each, perhaps of one column
COUNT = "number of values of "  # a name that no role has
# A tidy frame's own names; a grouping column may not take one of them.
RESERVED = frozenset(
    {
        "term", "time", "given", "cause", "state", "from_state", "to_state", "quantile", "n", "n_risk",
        "n_event", "n_censor", "person_time", "observed", "expected", "estimate", "excess_rate", "std_error",
        "statistic", "df", "p_value", "conf_low", "conf_high",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The columns of one analysis, missing values settled.

    `frame` holds one column per role (`time`, `event`, `by.0`, `by.1`); `names` the user's names;
    `row` the 0-based positions that were kept, None when all were.
    """

    frame: pl.DataFrame
    names: dict[str, tuple[str, ...]]
    row: np.ndarray | None
    n_dropped: int

    def __contains__(self, role: str) -> bool:
        return bool(self.names.get(role))

    def name(self, role: str) -> str:
        """The user's name of the column in a role."""
        return self.names[role][0]

    def series(self, role: str) -> pl.Series:
        """The column of a role that has exactly one."""
        return self.frame[f"{role}.0"]

    def several(self, role: str) -> pl.DataFrame:
        """All columns of a role, under the user's names."""
        return self.frame.select(pl.col(f"{role}.{i}").alias(n) for i, n in enumerate(self.names[role]))

    def positions(self, at_fault: np.ndarray) -> np.ndarray:
        """Where the rows of a mask stand in the user's data."""
        index = np.flatnonzero(at_fault)
        return index if self.row is None else self.row[index]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups in a stable order: their labels (one row each) and the group of every row."""

    levels: pl.DataFrame
    code: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The grouping columns."""
        return tuple(self.levels.columns)

    def __len__(self) -> int:
        return max(self.levels.height, 1) if not self.levels.width else self.levels.height

    def occurring(self) -> Groups:
        """The groups that have a row."""
        size = np.bincount(self.code, minlength=len(self))
        if not self.levels.width or size.all():
            return self
        return Groups(self.levels.filter(pl.Series(size > 0)), (np.cumsum(size > 0) - 1)[self.code])

    def labels(self) -> list[str]:
        """One text per group: the value, or `sex=F, arm=A` where several columns define it."""
        if self.levels.width == 1:
            return [str(value) for value in self.levels.to_series()]
        return [", ".join(f"{k}={v}" for k, v in row.items()) for row in self.levels.iter_rows(named=True)]


def as_frame(data: Any) -> pl.DataFrame | pl.LazyFrame:
    """Any table as a polars frame; a LazyFrame stays lazy until its columns are chosen."""
    if isinstance(data, pl.DataFrame | pl.LazyFrame):
        return data
    try:
        if type(data).__module__.startswith("pandas"):
            return _with_ordered_levels(pl.from_pandas(data), data)
        if hasattr(data, "__arrow_c_stream__"):
            return pl.DataFrame(data)
        if hasattr(data, "to_arrow_table"):  # a DuckDB relation before it spoke the Arrow interface
            return pl.DataFrame(data.to_arrow_table())
    except DataError:  # a result that says why it is no table
        raise
    except (TypeError, ValueError, ImportError, pl.exceptions.PolarsError) as trouble:
        raise DataError(
            f"the {type(data).__name__} could not be read as a table ({type(trouble).__name__})",
            argument="data",
            expected="a polars DataFrame or LazyFrame, or a pandas, pyarrow or DuckDB table",
            remedy="polars.DataFrame(data), with its columns converted one by one",
        ) from trouble
    if isinstance(data, str):
        raise DataError(
            "the name of a file or table was given",
            argument="data",
            expected="the table itself",
            remedy='polars.read_csv("cohort.csv")',
        )
    if isinstance(data, Mapping):
        raise DataError(
            "a dictionary was given",
            argument="data",
            expected="a table: polars, pandas, pyarrow or DuckDB",
            remedy=f"polars.DataFrame({{{', '.join(f'{k!r}: [...]' for k in list(data)[:5]) or '...'}}})",
        )
    raise DataError(
        f"a {type(data).__name__} is not a table",
        argument="data",
        expected="a polars DataFrame or LazyFrame, or a pandas, pyarrow or DuckDB table",
        remedy='polars.DataFrame({"time": [...], "event": [...]})',
    )


def _with_ordered_levels(frame: pl.DataFrame, data: Any) -> pl.DataFrame:
    """The order of pandas' ordered categories, kept as an Enum."""
    ordered = {
        name: pl.Enum([str(level) for level in dtype.categories])
        for name, dtype in data.dtypes.items()
        if getattr(dtype, "ordered", False) and name in frame.columns
    }
    return frame.with_columns(pl.col(name).cast(pl.String).cast(enum) for name, enum in ordered.items())


def read_table(
    data: Any,
    roles: dict[str, Columns],
    *,
    missing: Missing = "raise",
    nullable: tuple[str, ...] = (),
    may_be_empty: bool = False,
) -> Table:
    """Choose the columns of each role and settle what is missing in any of them.

    In a `nullable` role a missing value has a meaning of its own and is left for the reader. A part of a
    larger table `may_be_empty`: it may have no complete row.

    Raises
    ------
    DataError
        For an unknown column, an unnamed expression in a grouping role, no rows, or missing values
        when `missing="raise"`.
    """
    check_choice(missing, Missing, argument="missing")
    frame = as_frame(data)
    known = frame.collect_schema().names()
    chosen: list[pl.Expr] = []
    names: dict[str, tuple[str, ...]] = {}
    for role, columns in roles.items():
        found = [_resolve(column, role, known) for column in as_list(columns)]
        _check_single(role, [name for name, _ in found])
        names[role] = tuple(name for name, _ in found)
        chosen += [expression.alias(f"{role}.{i}") for i, (_, expression) in enumerate(found)]
        _check_names(role, names[role])
    _refuse_identifiers(names)
    return _settle_missing(_select(frame, chosen, names), names, missing, nullable, may_be_empty)


def group_rows(table: Table, role: str = "by") -> Groups:
    """The groups of `by` (or strata, cluster, id): sorted, Enum levels in their declared order."""
    if role not in table:
        return Groups(pl.DataFrame(), np.zeros(table.frame.height, dtype=np.intp))
    columns = table.several(role)
    if columns.width == 1:
        levels, code = _codes(columns.to_series())
        groups = Groups(levels.to_frame(), code)
    else:
        groups = _combinations(columns)
    if role == "by":
        check_groups(groups.levels)
    return groups


def _combinations(columns: pl.DataFrame) -> Groups:
    """Each combination of several columns' values that occurs."""
    parts = [_codes(series) for series in columns.get_columns()]
    code = np.zeros(columns.height, dtype=np.int64)
    for levels, part in parts:
        code = code * len(levels) + part
    _, first, code = np.unique(code, return_index=True, return_inverse=True)
    return Groups(columns[first], code.astype(np.intp))


def read_number(table: Table, role: str, *, what: str, example: str) -> np.ndarray:
    """A numeric column as float64; text, dates and Booleans are refused."""
    series = table.series(role)
    if series.dtype.is_numeric():
        return series.cast(pl.Float64).to_numpy()
    is_text = series.dtype in (pl.String, pl.Categorical, pl.Enum)
    raise DataError(
        f"holds {'text' if is_text else series.dtype}, not a numeric type",
        argument=role,
        column=table.name(role),
        expected=what,
        remedy=_from_text(series, table.name(role), role) if is_text else example,
    )


def _from_text(series: pl.Series, name: str, role: str) -> str:
    """How text becomes a number: dates by their distance, all else by its characters."""
    text = series.cast(pl.String)
    if text.str.contains(r"^\s*\d{4}-\d\d-\d\d").any():
        return f'hem.times.durations(..., stop=pl.col({name!r}).str.to_date(), unit="days")'
    if role == "events" and not text.str.contains(NUMBER).any():
        return f"events=pl.col({name!r}) == ... with the value that means the event"
    return f"{role}={as_number(series, name)}"


def as_list(columns: Columns) -> list[Column]:
    """The columns of a role, none or several."""
    if columns is None:
        return []
    several = isinstance(columns, list | tuple)
    return list(columns) if several else [columns]  # type: ignore[arg-type,list-item]


def _resolve(column: Any, role: str, known: list[str]) -> tuple[str, pl.Expr]:
    """The name and the expression of what the user gave for a role."""
    if isinstance(column, str):
        _check_known(column, role, known)
        return column, pl.col(column)
    if not isinstance(column, pl.Expr):
        raise DataError(
            f"a {type(column).__name__} was given",
            argument=role,
            expected="the name of a column or a polars expression",
            remedy=f"{role}={known[0]!r}" if known else f"{role}='column'",
        )
    for root in column.meta.root_names():
        _check_known(root, role, known)
    unnamed = column.meta.undo_aliases().meta.eq(column) and not column.meta.is_column()
    if column.meta.has_multiple_outputs() or (unnamed and role in NAMED_ROLES):
        raise DataError(
            "an expression without a name of its own was given",
            argument=role,
            expected="an expression for one column that carries its name",
            remedy=f"{role}=(...).alias('name')",
        )
    return column.meta.output_name(), column


def _check_known(name: str, role: str, known: list[str]) -> None:
    if name not in known:
        near = suggestion(name, known)
        raise DataError(
            "is not in the data",
            argument=role,
            column=name,
            expected=f"one of its {counted(len(known), 'column')}; {near}",
            remedy="data.columns to see the names",
        )


def _check_names(role: str, names: tuple[str, ...]) -> None:
    twice = sorted({n for n in names if names.count(n) > 1 and role not in REPEATABLE_ROLES})
    taken = sorted(RESERVED.intersection(names)) if role == "by" else []
    for name in twice or taken:
        raise DataError(
            "is given twice" if twice else "has the name of a column of the result",
            argument=role,
            column=name,
            expected="each grouping column once" if twice else "another name for a grouping column",
            remedy=f"{role}={list(dict.fromkeys(names))!r}"
            if twice
            else f"{role}=pl.col({name!r}).alias('{name}_group')",
        )


def _refuse_identifiers(names: dict[str, tuple[str, ...]]) -> None:
    """The names of groups are shown, those of patients never."""
    for name in set(names.get("by", ())) & set(names.get("id", ())):
        raise DataError(
            "identifies the patients, and the names of groups are shown",
            argument="by",
            column=name,
            expected="groups of patients",
            remedy="by='the column of the groups'",
        )


def _check_single(role: str, names: list[str]) -> None:
    if len(names) > 1 and role in SINGLE_ROLES:
        raise DataError(
            f"{len(names)} columns were given",
            argument=role,
            expected="one column",
            remedy=f"{role}={names[0]!r}",
        )


def _select(
    frame: pl.DataFrame | pl.LazyFrame, chosen: list[pl.Expr], names: dict[str, tuple[str, ...]]
) -> pl.DataFrame:
    """Evaluate the expressions; a LazyFrame is collected here, once.

    How many values each computed expression gives is counted along, since polars repeats a single value
    and takes equally shortened columns for a table.
    """
    keys = [e.meta.output_name() for e in chosen]
    computed = {
        f"{COUNT}{key}": e.len().alias(f"{COUNT}{key}")
        for key, e in zip(keys, chosen, strict=True)
        if e.meta.root_names() and not e.meta.undo_aliases().meta.is_column()
    }
    counted_too = [*chosen, *computed.values(), *([pl.len().alias(COUNT)] if computed else [])]
    selected = _evaluated(frame, counted_too)
    for name, key in zip(computed, [name.removeprefix(COUNT) for name in computed], strict=True):
        if selected.height and selected[name][0] != selected[COUNT][0]:
            role, place = key.rpartition(".")[0], int(key.rpartition(".")[2])
            raise DataError(
                f"is an expression that gives {counted(selected[name][0], 'value')} for "
                f"{counted(selected[COUNT][0], 'row')}",
                argument=role,
                column=names[role][place],
                expected="one value per row: filters and summaries come before the analysis",
                remedy="data.filter(...) first, and the column after it",
            )
    return selected.select(keys)


def _evaluated(frame: pl.DataFrame | pl.LazyFrame, chosen: list[pl.Expr]) -> pl.DataFrame:
    try:
        selected = frame.select(chosen)
        return selected.collect() if isinstance(selected, pl.LazyFrame) else selected
    except pl.exceptions.PolarsError as trouble:
        raise DataError(
            f"an expression could not be evaluated ({type(trouble).__name__})",
            argument="data",
            expected="expressions that give one value per row",
            remedy="data.select(...) with the expressions, to see which one fails",
        ) from trouble


def _settle_missing(
    frame: pl.DataFrame,
    names: dict[str, tuple[str, ...]],
    missing: Missing,
    nullable: tuple[str, ...],
    may_be_empty: bool,
) -> Table:
    if frame.height == 0 and not may_be_empty:
        raise DataError(
            "there are no rows",
            argument="data",
            expected="at least one row",
            remedy="data.height, and the filters before it",
        )
    used = [key for key in frame.columns if key.rpartition(".")[0] not in nullable]
    absent = {key: mask for key in used if (mask := _is_missing(frame[key])) is not None}
    if not absent:
        return Table(frame, names, None, 0)
    if missing == "raise":
        raise _missing_values(absent, names, frame)
    lost = np.logical_or.reduce(list(absent.values()))
    kept = frame.filter(pl.Series(~lost))
    if kept.height == 0 and not may_be_empty:
        raise DataError(
            "every row has a missing value in a used column",
            argument="data",
            expected="at least one complete row",
            remedy="hem.cohort.missingness(data) to see where they are",
        )
    return Table(kept, names, np.flatnonzero(~lost), int(lost.sum()))


def _is_missing(series: pl.Series) -> np.ndarray | None:
    """Which values are null or NaN, or None where there is no such value."""
    floats = series.dtype.is_float()
    if series.null_count() == 0 and not (floats and series.is_nan().any()):
        return None
    mask = series.is_null() | (series.is_nan().fill_null(True) if floats else False)
    return mask.to_numpy()


def _missing_values(
    absent: dict[str, np.ndarray], names: dict[str, tuple[str, ...]], frame: pl.DataFrame
) -> DataError:
    user = {key: names[key.rpartition(".")[0]][int(key.rpartition(".")[2])] for key in absent}
    first = next(iter(absent))
    others = [f"{user[key]!r} {int(mask.sum())}" for key, mask in absent.items() if key != first]
    also = f"; missing also in {listed(others)}" if others else ""
    remedy = 'missing="drop" to leave those rows out and have them counted'
    if first.startswith("events."):  # as after a left join: who had no event must not be left out
        none = False if frame[first].dtype == pl.Boolean else 0
        remedy = f"pl.col({user[first]!r}).fill_null({none}) if null means that there was none, else {remedy}"
    return DataError(
        f"has {counted(int(absent[first].sum()), 'missing value')} (null or NaN){also}",
        argument=first.rpartition(".")[0],
        column=user[first],
        rows=np.flatnonzero(np.logical_or.reduce(list(absent.values()))),
        expected="a value in every row of the columns used",
        remedy=remedy,
    )


def _codes(series: pl.Series) -> tuple[pl.Series, np.ndarray]:
    """Sorted levels that occur, and the position of each row's level among them."""
    if isinstance(series.dtype, pl.Enum):
        physical = series.to_physical().to_numpy()
    elif series.dtype in (pl.String, pl.Categorical):
        text = series.cast(pl.String)
        order = text.unique().sort()
        physical = text.cast(pl.Enum(order)).to_physical().to_numpy()
    elif series.dtype.is_integer() or series.dtype == pl.Boolean:
        physical = series.cast(pl.Int64 if series.dtype != pl.UInt64 else pl.UInt64).to_numpy()
    else:
        physical = series.rank("dense").to_numpy()
    first, code = _unique(physical)
    return series.gather(first), code


def _unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First positions of the sorted values and each row's rank; by counting where the range is short."""
    low, high = int(values.min()), int(values.max())
    if high - low > 1_000:
        _, first, code = np.unique(values, return_index=True, return_inverse=True)
        return first, code
    shifted = (values - values.dtype.type(low)).astype(np.intp)
    size = np.bincount(shifted, minlength=high - low + 1)
    present = np.flatnonzero(size)
    rank = np.cumsum(size > 0) - 1
    code = rank[shifted]
    first = np.array([int(np.argmax(shifted == p)) for p in present], dtype=np.intp)
    return first, code
