"""Thousands of measurements of each patient: columns of the data, or a matrix beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..errors import DataError, counted, listed
from ..options import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

NUMERIC = "numbers (or true/false) in every column"


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Names, and the columns they stand for: `frame` of a table, `matrix` (rows x features) of an array."""

    names: tuple[str, ...]
    frame: pl.DataFrame | None
    matrix: np.ndarray | None

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, row: np.ndarray | None) -> Features:
        """The rows at some positions; all for None."""
        if row is None:
            return self
        if self.frame is not None:
            return Features(self.names, self.frame[row], None)
        assert self.matrix is not None
        return Features(self.names, None, self.matrix[row])

    def of(self, names: list[str]) -> Features:
        """Some of the features."""
        if self.frame is not None:
            return Features(tuple(names), self.frame.select(names), None)
        assert self.matrix is not None
        place = {name: j for j, name in enumerate(self.names)}
        absent = [name for name in names if name not in place]
        if absent:
            raise DataError(
                f"{counted(len(absent), 'feature')} of the score not among them: {listed(map(repr, absent))}",
                argument="features",
                expected="the name of every column of matrix, those of the score among them",
                remedy="features=[...], in the order of the columns of matrix",
            )
        return Features(tuple(names), None, self.matrix[:, [place[name] for name in names]])

    def column(self, j: int) -> pl.Series:
        """One feature, missing values as null."""
        if self.frame is not None:
            series = self.frame.to_series(j)
            return series.fill_nan(None) if series.dtype.is_float() else series
        assert self.matrix is not None
        return pl.Series(self.names[j], self.matrix[:, j], nan_to_null=True)

    def numbers(self) -> np.ndarray | None:
        """Numbers, features x rows, missing ones NaN; None if there are columns of another kind."""
        if self.matrix is not None:
            return self.matrix.T
        assert self.frame is not None
        kinds = set(self.frame.dtypes)
        if not all(kind.is_numeric() or kind == pl.Boolean for kind in kinds):
            return None
        frame = self.frame if kinds == {pl.Float64} else self.frame.cast(pl.Float64)
        return np.ascontiguousarray(frame.to_numpy().T)

    def values(self) -> np.ndarray:
        """The numbers; text and infinite values are refused."""
        found = self.numbers()
        if found is None:
            assert self.frame is not None
            bad = [n for n, t in self.frame.schema.items() if not (t.is_numeric() or t == pl.Boolean)]
            raise DataError(
                f"{counted(len(bad), 'feature')} hold {self.frame.schema[bad[0]]}, no numbers: "
                f"{listed(map(repr, bad))}",
                argument="features",
                expected=NUMERIC,
                remedy="method='logrank' for groups, or polars.selectors.numeric()",
            )
        if not _all_finite(found):
            self._refuse(
                np.isinf(found), "infinite values", "data without infinite values, such as log(x + 1)"
            )
        return found

    def check_missing(self, missing: str, values: np.ndarray | None = None) -> None:
        """Refuse missing values (of the numbers, if the features are such) unless they are to be left out."""
        if missing == "raise":
            if values is None:
                absent = np.array([self.column(j).is_null().to_numpy() for j in range(len(self))])
            elif _all_finite(values):
                return
            else:
                absent = np.isnan(values)
            self._refuse(
                absent,
                "missing values (null or NaN)",
                'missing="drop", which leaves them out feature by feature and says in `n` how many remain',
            )

    def _refuse(self, at_fault: np.ndarray, what: str, remedy: str) -> None:
        bad = np.flatnonzero(at_fault.any(axis=1))
        if len(bad):
            raise DataError(
                f"{counted(len(bad), 'feature')} with {what}: {listed(repr(self.names[j]) for j in bad)}",
                argument="features",
                rows=np.flatnonzero(at_fault[bad[0]]),
                expected="a finite value in every row of every feature",
                remedy=remedy,
            )


def _all_finite(values: np.ndarray) -> bool:
    """Whether no value is infinite or NaN, as their sum tells in less time; False if in doubt."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum()))


def read_features(frame: pl.DataFrame, features: Any, matrix: Any, *, outcome: tuple[str, ...]) -> Features:
    """The features asked for; `outcome` are columns that cannot be one."""
    names = _names(frame, features, matrix)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if not names or twice:
        raise DataError(
            f"{listed(map(repr, twice))} is given twice" if twice else "no feature was chosen",
            argument="features",
            expected="the names of the features, each once",
            remedy="features=polars.selectors.starts_with('gene_')",
        )
    if matrix is not None:
        return Features(tuple(names), None, _checked_matrix(matrix, frame.height, names))
    for check in (_unknown, _outcome):
        check(names, frame, outcome)
    return Features(tuple(names), frame[names], None)


def _names(frame: pl.DataFrame, features: Any, matrix: Any) -> list[str]:
    if isinstance(features, pl.Expr) and matrix is None:
        return frame.lazy().select(features).collect_schema().names()
    several = [features] if isinstance(features, str) else features
    try:
        names = list(several)
    except TypeError:
        names = [several]
    if all(isinstance(name, str) for name in names):
        return names
    raise DataError(
        "something other than names was given",
        argument="features",
        expected="a list of names, or (without matrix=) a polars selector",
        remedy="features=['FLT3', 'NPM1']",
    )


def _unknown(names: list[str], frame: pl.DataFrame, outcome: tuple[str, ...]) -> None:
    known = set(frame.columns)
    strange = [name for name in names if name not in known]
    if strange:
        raise DataError(
            f"{counted(len(strange), 'name')} not in the data: {listed(map(repr, strange))}",
            argument="features",
            expected=f"columns of the data; {suggestion(strange[0], frame.columns)}",
            remedy="matrix=... if the features stand in an array of their own",
        )


def _outcome(names: list[str], frame: pl.DataFrame, outcome: tuple[str, ...]) -> None:
    for name in (name for name in outcome if name in names):
        raise DataError(
            "has another role in this analysis",
            argument="features",
            column=name,
            expected="features beside the outcome and the covariates",
            remedy=f"polars.selectors.exclude({name!r})",
        )


def _checked_matrix(matrix: Any, n: int, names: list[str]) -> np.ndarray:
    m, plain = len(names), _by_name(matrix, names)
    to_numpy: Callable[[], Any] | None = getattr(plain, "to_numpy", None)
    try:
        values = plain if to_numpy is None else to_numpy()
        if np.iscomplexobj(values):
            raise TypeError
        masked = isinstance(values, np.ma.MaskedArray)
        values = values.astype(float).filled(np.nan) if masked else np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape == (n, m):
        return values
    shape = " x ".join(map(str, values.shape)) if values.ndim == 2 else "no rectangle of numbers"
    turned = values.shape == (m, n)
    raise DataError(
        f"is {shape}, for {counted(n, 'row')} of data and {counted(m, 'name')}",
        argument="matrix",
        expected="one row per row of the data and one column per name in features",
        remedy="matrix=matrix.T" if turned else "matrix=frame.select(features).to_numpy()",
    )


def _by_name(matrix: Any, names: list[str]) -> Any:
    """The columns of a table in the order of the names; anything whose columns nobody named as it is."""
    labels = list(getattr(matrix, "columns", ()))
    by_number = labels == [f"column_{j}" for j in range(len(labels))]  # as polars names those of an array
    if by_number or not all(isinstance(label, str) for label in labels):
        return matrix
    strange = [name for name in names if name not in labels]
    if not strange:
        return matrix[names] if labels != names else matrix
    raise DataError(
        f"has no column for {counted(len(strange), 'name')}: {listed(map(repr, strange))}",
        argument="matrix",
        expected="a table with the features as names of its columns, or an array in their order",
        remedy="features=matrix.columns, or matrix.to_numpy()",
    )


def group_codes(series: pl.Series) -> tuple[np.ndarray, int]:
    """The values that are there, numbered in their order (of an Enum its own), and how many differ."""
    values = series.drop_nulls()
    if isinstance(values.dtype, pl.Enum):
        values = values.to_physical()
    elif values.dtype == pl.Categorical:
        values = values.cast(pl.String)
    code = values.rank("dense").to_numpy().astype(np.intp) - 1
    return code, int(code.max(initial=-1)) + 1
