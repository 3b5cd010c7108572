"""False discovery rates: p-values of many tests, adjusted for their number."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from ..errors import DataError, counted, warn
from ..numerics.multiplicity import adjusted, null_share
from ..options import check_choice

FEW = 100  # tests, of which a share is uncertain
Adjust = Literal["bh", "by", "storey", "holm", "bonferroni", "none"]


def q_values(p: Any, *, adjust: Adjust = "bh") -> pl.Series:
    """The smallest false discovery rate at which each test would be called significant.

    The false discovery rate is the expected share of true null hypotheses among those rejected.

    Parameters
    ----------
    p
        p-values: a column of a frame, a list or an array. Missing ones stay missing and do not count.
    adjust
        - "bh": Benjamini and Hochberg; for tests that are independent or positively dependent.
        - "by": Benjamini and Yekutieli; under any dependence, and much stricter.
        - "storey": "bh" times the estimated share of true null hypotheses (Storey, Taylor and Siegmund, with
          lambda chosen as R's qvalue does by `pi0.method = "bootstrap"`); for hundreds of tests and more.
        - "holm", "bonferroni": not false discovery rates but the chance of any false rejection.
        - "none": the p-values.

    Returns
    -------
    polars.Series
        Named `q_value`, in the order of `p`.

    Raises
    ------
    DataError
        Anything but numbers from 0 to 1; no p-value above 0.95 or so for "storey", which then takes all null
        hypotheses to be false.

    Warns
    -----
    DataWarning
        With fewer than 100 tests and "storey".

    References
    ----------
    Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300. Benjamini Y, Yekutieli D. Ann Stat
    2001;29:1165-1188. Storey JD, Taylor JE, Siegmund D. J R Stat Soc B 2004;66:187-205.

    Examples
    --------
    >>> import hemresearch as hem
    >>> hem.translational.q_values([0.001, 0.02, 0.03, 0.9]).round(3).to_list()
    [0.004, 0.04, 0.04, 0.9]
    """
    check_choice(adjust, Adjust, argument="adjust")
    values = _probabilities(p)
    return pl.Series("q_value", checked_adjustment(values, adjust), nan_to_null=True)


def checked_adjustment(values: np.ndarray, adjust: str) -> np.ndarray:
    """Adjusted p-values; Storey's are refused where the share of true null hypotheses comes out as none."""
    known = values[~np.isnan(values)]
    if adjust == "storey" and len(known) and null_share(known) <= 0:
        raise DataError(
            f"of {counted(len(known), 'p-value')} none is large, so that the share of true null hypotheses "
            "is estimated as 0",
            argument="adjust",
            expected="p-values that reach up to 1, as those of true null hypotheses do",
            remedy="adjust='bh'",
        )
    if adjust == "storey" and 0 < len(known) < FEW:
        warn(
            f"{counted(len(known), 'p-value')}: too few to tell how many null hypotheses are true, and "
            "q-values may be smaller than p-values",
            argument="adjust",
            expected=f"{FEW} tests or more for Storey's",
            remedy="adjust='bh'",
        )
    return adjusted(values, adjust)


def _probabilities(p: Any) -> np.ndarray:
    try:
        values = pl.Series(p).cast(pl.Float64).to_numpy()
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        values = np.array([np.inf])
    bad = ~(np.isnan(values) | ((values >= 0) & (values <= 1)))
    if bad.any():
        raise DataError(
            f"holds {counted(int(bad.sum()), 'value')} that are no probability",
            argument="p",
            rows=np.flatnonzero(bad),
            expected="p-values from 0 to 1",
            remedy="p=result.to_frame()['p_value']",
        )
    return values
