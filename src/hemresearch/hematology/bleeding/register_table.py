"""The table of a haemophilia register: who is in it, by period or centre."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from ...cohort import TableOne, table_one
from ...columns import Column, Columns, Table, as_frame, read_number, read_table
from ...errors import DataError, counted
from ...options import check_times
from ..scores import haemophilia_severity

SEVERITY = {
    "severe": "severe (<1)",
    "moderate": "moderate (1–5)",
    "mild": "mild (>5 to <40)",
    "not haemophilia by level": "40 or more",
}
NAMES = {
    "severity": "Severity (factor activity, IU/dL)",
    "diagnosis": "Diagnosis",
    "inhibitor": "Inhibitor",
    "prophylaxis": "Prophylaxis",
    "age": "Age, years",
}


def register_table(
    data: Any,
    *,
    activity: Column,
    diagnosis: Column | None = None,
    inhibitor: Column | None = None,
    prophylaxis: Column | None = None,
    age: Column | None = None,
    by: Columns = None,
    age_bands: Sequence[float] = (18, 40, 65),
) -> TableOne:
    """Numbers of patients by severity, diagnosis, inhibitor, prophylaxis and age, in periods or groups.

    Severity follows from the factor activity without treatment, as in `scores.haemophilia_severity`: below 1
    IU/dL severe, 1 to 5 moderate, above 5 and below 40 mild; a level of 40 or more is no haemophilia by level
    and has a row of its own.

    Parameters
    ----------
    data
        One row per patient, or per patient and period.
    activity
        Lowest factor VIII or IX activity without treatment in IU/dL (per cent of normal); null is shown as
        missing.
    diagnosis
        Such as "A" and "B".
    inhibitor, prophylaxis
        True or false (or 0/1), or labels: "never", "past", "current".
    age
        In years, at the date of the register or in the middle of the period.
    by
        One or several columns, such as the period or the centre.
    age_bands
        Lower borders of the age bands after the first, in years.

    Returns
    -------
    TableOne
        As `cohort.table_one` gives it: `.to_frame()` holds the numbers, and `hem.report` writes it.

    Raises
    ------
    DataError
        For activities or ages that cannot be, bands that do not rise, and as `table_one`.

    References
    ----------
    White GC, Rosendaal F, Aledort LM, et al. Thromb Haemost 2001;85:560.

    Examples
    --------
    >>> import polars as pl
    >>> register = pl.DataFrame(
    ...     {
    ...         "activity": [0.5, 0.9, 1.0, 5.0, 12.0, 30.0],
    ...         "type": ["A", "B", "A", "A", "A", "B"],
    ...         "prophylaxis": [True, True, True, False, False, False],
    ...         "age": [4, 31, 17, 52, 70, 18],
    ...     }
    ... )
    >>> table = register_table(
    ...     register, activity="activity", diagnosis="type", prophylaxis="prophylaxis", age="age"
    ... )
    >>> table.to_frame().filter(pl.col("variable") == "severity").select("level", "n").rows()
    [('severe (<1)', 2), ('moderate (1–5)', 2), ('mild (>5 to <40)', 2), ('40 or more', 0)]
    """
    given = {"diagnosis": diagnosis, "inhibitor": inhibitor, "prophylaxis": prophylaxis, "age": age}
    roles: dict[str, Columns] = {"activity": activity, **given, "by": by}
    settled = tuple(role for role in roles if role != "by")
    table = read_table(as_frame(data), roles, nullable=settled)
    frame = table.several("by") if "by" in table else pl.DataFrame()
    taken = [name for name in frame.columns if name in NAMES]
    if taken:
        raise DataError(
            "is the name of a variable of the table",
            argument="by",
            column=taken[0],
            expected=f"other names than {', '.join(NAMES)}",
            remedy=f"by=pl.col({taken[0]!r}).alias('{taken[0]} group')",
        )
    columns = [_severity(table)]
    columns += [
        table.series(role).alias(role) for role in ("diagnosis", "inhibitor", "prophylaxis") if role in table
    ]
    columns += [_age_band(table, age_bands)] if "age" in table else []
    variables = [column.name for column in columns]
    made = pl.DataFrame([*frame.get_columns(), *columns])
    labels = {name: NAMES[name] for name in variables}
    return table_one(made, variables=variables, by=frame.columns or None, labels=labels)


def _severity(table: Table) -> pl.Series:
    """The severity of each patient, an Enum."""
    level = pl.Series("activity", _known(table, "activity", "factor activity of 0 or more, in IU/dL"))
    grade = haemophilia_severity("activity").struct.field("group")
    shown = grade.replace_strict(SEVERITY, return_dtype=pl.Enum(SEVERITY.values()))
    return level.fill_nan(None).to_frame().select(shown.alias("severity")).to_series()


def _age_band(table: Table, borders: Sequence[float]) -> pl.Series:
    edges = check_times(borders, argument="age_bands")
    if not (np.diff(edges) > 0).all() or edges[0] <= 0:
        raise DataError(
            "does not rise from above 0",
            argument="age_bands",
            expected="lower borders of the bands after the first, in rising order",
            remedy="age_bands=(18, 40, 65)",
        )
    years = _known(table, "age", "ages of 0 or more, in years")
    middle = [f"{low:g} to <{high:g}" for low, high in pairwise(edges)]
    labels = (f"<{edges[0]:g}", *middle, f"{edges[-1]:g} or more")
    return _labelled("age", labels, np.searchsorted(edges, years, side="right"), years)


def _known(table: Table, role: str, expected: str) -> np.ndarray:
    """Numbers of 0 or more, NaN where missing."""
    values = read_number(table, role, what=expected, example=f"{role}='the column of numbers'")
    bad = (values < 0) | np.isinf(values)
    if bad.any():
        raise DataError(
            f"has {counted(int(bad.sum()), 'value')} below 0 or infinite",
            argument=role,
            column=table.name(role),
            rows=np.flatnonzero(bad),
            expected=expected,
            remedy=f"pl.when(pl.col({table.name(role)!r}) >= 0).then({table.name(role)!r}) for missing ones",
        )
    return values


def _labelled(name: str, labels: Sequence[str], code: np.ndarray, values: np.ndarray) -> pl.Series:
    """Labels in their order, null where the value is missing."""
    each = pl.Series(name, list(labels), dtype=pl.Enum(list(labels)))
    known = each[np.where(np.isnan(values), 0, code)]
    return known.to_frame().select(pl.when(pl.Series(~np.isnan(values))).then(name)).to_series()
