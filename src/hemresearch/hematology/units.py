"""Conversion of laboratory values between stated units. Nothing is guessed: both units are always named.

- `convert`: a column from one unit of a quantity to another, as an expression
- `factor`: the number that converts
- `ratio_to_upper_limit`: a value as a multiple of the upper limit of its reference interval
- `quantities`: which quantities there are, and their units
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ..errors import DataError
from ..options import check_choice

if TYPE_CHECKING:
    from ..columns import Column

__all__ = ["convert", "factor", "quantities", "ratio_to_upper_limit"]

UMOL_PER_MG_CREATININE = 88.42
"""umol/L of creatinine in 1 mg/dL: 1e4 / 113.12 g/mol, the rounding most calculators use."""
UMOL_PER_MG_BILIRUBIN = 17.1
"""umol/L of bilirubin in 1 mg/dL: 1e4 / 584.7 g/mol."""
G_PER_MMOL_HAEMOGLOBIN = 16.114
"""g/L of haemoglobin in 1 mmol/L of its monomer (Dutch and Danish laboratories)."""
MG_PER_MMOL_CALCIUM = 4.0078
"""mg/dL of calcium in 1 mmol/L: its atomic mass over ten."""
UNITS_PER_UKAT = 60.0
"""U/L in 1 ukat/L: a unit is a micromole per minute, a microkatal one per second."""

CELLS = {"10^9/L": 1.0, "10^3/uL": 1.0, "cells/uL": 1e-3, "10^6/L": 1e-3}
ENZYME = {"U/L": 1.0, "ukat/L": UNITS_PER_UKAT}
MICROGRAMS = {"ug/L": 1.0, "ng/mL": 1.0, "mg/L": 1e3}

QUANTITIES: dict[str, dict[str, float]] = {
    "haemoglobin": {"g/L": 1.0, "g/dL": 10.0, "mmol/L": G_PER_MMOL_HAEMOGLOBIN},
    "albumin": {"g/L": 1.0, "g/dL": 10.0},
    "creatinine": {"umol/L": 1.0, "mg/dL": UMOL_PER_MG_CREATININE},
    "bilirubin": {"umol/L": 1.0, "mg/dL": UMOL_PER_MG_BILIRUBIN},
    "calcium": {"mmol/L": 1.0, "mg/dL": 1 / MG_PER_MMOL_CALCIUM},
    "ldh": ENZYME,
    "alp": ENZYME,
    "ast": ENZYME,
    "alt": ENZYME,
    "beta2_microglobulin": {"mg/L": 1.0, "ug/mL": 1.0},
    "leukocytes": CELLS,
    "neutrophils": CELLS,
    "lymphocytes": CELLS,
    "monocytes": CELLS,
    "platelets": CELLS,
    "crp": {"mg/L": 1.0, "mg/dL": 10.0},
    "ferritin": MICROGRAMS,
    "tryptase": MICROGRAMS,
    "d_dimer": MICROGRAMS,
    "fibrinogen": {"g/L": 1.0, "mg/dL": 0.01},
    "factor_activity": {"IU/dL": 1.0, "%": 1.0, "IU/mL": 100.0, "kIU/L": 100.0, "fraction": 100.0},
    "age": {"years": 1.0, "months": 1 / 12, "days": 1 / 365.25},
    "time": {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25},
    "percentage": {"%": 1.0, "fraction": 100.0},
}
"""The factor from each unit of a quantity to the first one."""


def convert(value: Column, quantity: str, *, unit: str, to: str) -> pl.Expr:
    """A column of laboratory values in another unit.

    Parameters
    ----------
    value
        Column or expression of numbers.
    quantity
        What is measured, such as `"haemoglobin"`; `quantities()` lists them.
    unit
        The unit the column is in.
    to
        The unit wanted.

    Returns
    -------
    polars.Expr
        The values in the unit wanted, Float64, under the column's name. A mass of D-dimer is converted, but
        not fibrinogen equivalents to D-dimer units: that depends on the assay.

    Raises
    ------
    DataError
        For a quantity or a unit that is not known.

    Examples
    --------
    >>> import polars as pl
    >>> labs = pl.DataFrame({"creatinine": [88.42, 176.84], "ldh": [4.0, 7.5]})
    >>> labs.select(
    ...     convert("creatinine", "creatinine", unit="umol/L", to="mg/dL"),
    ...     convert("ldh", "ldh", unit="ukat/L", to="U/L"),
    ... ).rows()
    [(1.0, 240.0), (2.0, 450.0)]
    """
    expression = pl.col(value) if isinstance(value, str) else value
    return expression.cast(pl.Float64) * factor(quantity, unit=unit, to=to)


def factor(quantity: str, *, unit: str, to: str) -> float:
    """What a value in one unit is multiplied by to be in another.

    Parameters
    ----------
    quantity
        What is measured; `quantities()` lists them.
    unit, to
        The unit there is, and the one wanted.

    Returns
    -------
    float
        The factor.

    Raises
    ------
    DataError
        For a quantity or a unit that is not known.

    Examples
    --------
    >>> factor("haemoglobin", unit="g/dL", to="g/L")
    10.0
    >>> factor("factor_activity", unit="IU/mL", to="IU/dL")
    100.0
    """
    check_choice(quantity, tuple(QUANTITIES), argument="quantity")
    units = QUANTITIES[quantity]
    for given, argument in ((unit, "unit"), (to, "to")):
        check_choice(given, tuple(units), argument=argument)
    return units[unit] / units[to]


def ratio_to_upper_limit(value: Column, upper_limit: Column | float) -> pl.Expr:
    """A value as a multiple of the upper limit of its reference interval.

    Parameters
    ----------
    value
        Column or expression of the values.
    upper_limit
        The upper limit in the same unit: a number, or a column where it differs by laboratory, sex or age.

    Returns
    -------
    polars.Expr
        The ratio, under the column's name.

    Raises
    ------
    DataError
        For a limit that is a number and not above 0.

    Examples
    --------
    >>> import polars as pl
    >>> labs = pl.DataFrame({"ldh": [3.5, 7.0], "limit": [3.5, 4.0]})
    >>> labs.select(
    ...     fixed=ratio_to_upper_limit("ldh", 3.5), own=ratio_to_upper_limit("ldh", "limit")
    ... ).rows()
    [(1.0, 1.0), (2.0, 1.75)]
    """
    if isinstance(upper_limit, int | float) and not upper_limit > 0:
        raise DataError(
            f"{upper_limit!r} was given",
            argument="upper_limit",
            expected="a number above 0, in the unit of the values, or a column",
            remedy="upper_limit=3.5",
        )
    expression = pl.col(value) if isinstance(value, str) else value
    limit = pl.col(upper_limit) if isinstance(upper_limit, str) else upper_limit
    return expression.cast(pl.Float64) / limit


def quantities() -> pl.DataFrame:
    """The quantities that can be converted and their units.

    Returns
    -------
    polars.DataFrame
        `quantity`, `unit`, and `factor`: how many of the quantity's first unit one of this unit is.

    Examples
    --------
    >>> quantities().filter(quantity="crp").rows()
    [('crp', 'mg/L', 1.0), ('crp', 'mg/dL', 10.0)]
    """
    return pl.DataFrame(
        [(q, unit, f) for q, units in QUANTITIES.items() for unit, f in units.items()],
        schema=["quantity", "unit", "factor"],
        orient="row",
    )


def __dir__() -> list[str]:
    return sorted(__all__)
