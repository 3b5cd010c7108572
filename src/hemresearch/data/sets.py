"""The data sets that come with the package: listed, read and described."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .dictionary import Description
from .store import Store

if TYPE_CHECKING:
    import polars as pl


def load(name: str) -> pl.DataFrame:
    """One open data set as a polars frame.

    Columns keep the names and codes of the source; a factor is an Enum with the source's order
    of levels, so that its first level is the reference. Missing values are null.

    Parameters
    ----------
    name
        A name from `catalogue`.

    Raises
    ------
    DataError
        No data set has the name, or its file is missing or is not the one that was distributed.

    Examples
    --------
    >>> aml = load("aml")
    >>> aml.row(0, named=True)
    {'time': 9, 'status': 1, 'x': 'Maintained'}
    >>> aml.schema["x"].categories.to_list()
    ['Maintained', 'Nonmaintained']
    """
    return _store().read(name)


def describe(name: str) -> Description:
    """What a data set holds: who was studied, from where, and each column's meaning and unit.

    Parameters
    ----------
    name
        A name from `catalogue`.

    Raises
    ------
    DataError
        No data set has the name.

    Examples
    --------
    >>> describe("aml")
    aml: Maintenance chemotherapy in acute myeloid leukaemia
    23 rows, 3 columns: time (weeks), status, x
    Real data: 23 patients in remission of acute myelogenous leukaemia, randomised to stop or to go on
      with chemotherapy; time zero is the randomisation.
    Study: Embury et al, West J Med 1977;126:267-272; as tabulated by Miller, Survival Analysis, Wiley
      1981
    Distributed with survival 3.5-3 (R), LGPL (>= 2)
    >>> describe("aml").to_frame()["meaning"][0]
    'time to relapse or to the end of observation'
    """
    return _store().describe(name)


def catalogue() -> pl.DataFrame:
    """All data sets that come with the package, one row each, by name.

    Returns
    -------
    pl.DataFrame
        Columns `name, title, rows, columns, simulated, study, package, licence`.

    Examples
    --------
    >>> catalogue().filter(simulated=True)["name"].to_list()
    ['myeloid', 'sire']
    """
    import polars as pl

    store = _store()
    return pl.concat([store.describe(name).summary() for name in store.names])


@cache
def _store() -> Store:
    """The folder of data: inside an installed wheel, or at the root of a clone."""
    here = Path(__file__).resolve()
    installed = here.parent / "_files"
    return Store(installed if installed.is_dir() else here.parents[3] / "data")
