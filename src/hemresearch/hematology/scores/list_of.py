"""A list of words from columns of yes and no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import polars as pl

from ...errors import DataError
from .expression import yes_or_no

if TYPE_CHECKING:
    from ...columns import Column


def list_of(columns: Mapping[str, Column]) -> pl.Expr:
    """The list of what applies to a patient, from one yes/no column each.

    For scores that take a list, such as the comorbidities of HCT-CI.

    Parameters
    ----------
    columns
        From the word of the score to the column (or expression) that says yes or no: true/false or 1/0; of
        text `pl.col("dm") == "Ja"`.

    Returns
    -------
    polars.Expr
        A list of the words whose column is true; null where any column is null.

    Raises
    ------
    DataError
        Without a column.

    Examples
    --------
    >>> patients = pl.DataFrame({"dm": [True, False, None], "valve": [True, False, True]})
    >>> patients.select(l=list_of({"diabetes": "dm", "heart_valve_disease": "valve"})).to_series().to_list()
    [['diabetes', 'heart_valve_disease'], [], None]
    """
    if not columns:
        raise DataError(
            "no column was given",
            argument="columns",
            expected="a dictionary from the words of the score to columns of yes and no",
            remedy="list_of({'diabetes': 'dm'})",
        )
    flags = {w: yes_or_no(pl.col(c) if isinstance(c, str) else c) for w, c in columns.items()}
    words = [pl.when(is_so).then(pl.lit(word)) for word, is_so in flags.items()]
    known = pl.all_horizontal([is_so.is_not_null() for is_so in flags.values()])
    return pl.when(known).then(pl.concat_list(words).list.drop_nulls())
