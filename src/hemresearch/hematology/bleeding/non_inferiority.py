"""Whether bleeding after a switch is not worse than before by a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from scipy.special import ndtr

from ...errors import DataError
from ...formats import significant
from ...numerics.intervals import normal_quantile
from ...options import check_number
from ...results import Estimates, HypothesisTest
from .pairs import DIFFERENCE, RATIO

if TYPE_CHECKING:
    from collections.abc import Callable


def non_inferiority(comparison: Estimates, *, margin: float) -> HypothesisTest:
    """Test that bleeding after a switch is not worse than before by a margin.

    The null hypothesis is a ratio (or a difference) of `margin` or more. It is rejected at the one-sided
    level (1 - conf_level) / 2 exactly where the upper limit of `comparison` is below the margin.

    Parameters
    ----------
    comparison
        What `switch_ratio` or `switch_difference` gave.
    margin
        The ratio (above 0) or the difference in bleeds per patient-year that would be unacceptable, stated
        before the data were seen. Below 1 (or below 0) the test is one of superiority by that much.

    Returns
    -------
    HypothesisTest
        `statistic` (z) and the one-sided `p_value`; the frame holds `term`, `margin`, the estimate and its
        limits.

    Raises
    ------
    DataError
        Something else than such a comparison, one without limits, or a margin that is none.

    Examples
    --------
    >>> import polars as pl
    >>> from hemresearch.hematology.bleeding import switch_ratio
    >>> study = pl.DataFrame(
    ...     {
    ...         "id": [n for n in range(36) for _ in range(2)],
    ...         "period": ["before", "after"] * 36,
    ...         "bleeds": [2, 2, 1, 0, 3, 3, 0, 0, 2, 3, 1, 1, 2, 2, 0, 0, 4, 4, 1, 0, 2, 1, 3, 2] * 3,
    ...         "years": 1.0,
    ...     }
    ... )
    >>> ratio = switch_ratio(
    ...     study, events="bleeds", person_time="years", id="id", by="period", reference="before"
    ... )
    >>> non_inferiority(ratio, margin=1.5)
    non-inferiority of the bleeding rate: statistic -8.088, p 3.027e-16
      ratio, margin=1.5: 0.8571 (0.7484 to 0.9816)
    one-sided, against a ratio of 1.5 or more
    """
    term = _term(comparison)
    least = 0.0 if term == RATIO else -np.inf
    check_number(
        margin, argument="margin", above=least, example=1.5 if term == RATIO else 1.0,
        expected="a ratio above 0" if term == RATIO else "bleeds per patient-year",
    )  # fmt: skip
    row = comparison.frame.row(0, named=True)
    _refuse_no_limits(row, term)
    scale: Callable[[float], float] = np.log if term == RATIO else float
    low, high = scale(row["conf_low"]), scale(row["conf_high"])
    error = (high - low) / (2 * normal_quantile(comparison.conf_level))
    z = (scale(row["estimate"]) - scale(margin)) / error
    shown = ("estimate", "conf_low", "conf_high")
    return HypothesisTest(
        name="non-inferiority of the bleeding rate",
        statistic=float(z),
        df=None,
        p_value=float(ndtr(z)),
        method=f"one-sided, against a {term} of {significant(float(margin))} or more",
        frame=pl.DataFrame({"term": [term], "margin": [float(margin)], **{k: [row[k]] for k in shown}}),
        n=comparison.n or 0,
        n_dropped=comparison.n_dropped,
    )


def _refuse_no_limits(row: dict[str, Any], term: str) -> None:
    """A comparison of patients who are all alike tells nothing of chance."""
    if row["conf_high"] is None:
        raise DataError(
            f"has a {term} without limits",
            argument="comparison",
            expected="patients who differ, from whom limits come",
            remedy="the numbers of each patient in a table",
        )


def _term(comparison: Any) -> str:
    """Whether it is a ratio or a difference."""
    frame = comparison.frame if isinstance(comparison, Estimates) else pl.DataFrame()
    columns = {"term", "estimate", "conf_low", "conf_high"}
    if columns <= set(frame.columns) and frame.height == 1 and frame["term"][0] in (RATIO, DIFFERENCE):
        return str(frame["term"][0])
    raise DataError(
        f"a {type(comparison).__name__} was given that is not one ratio or difference",
        argument="comparison",
        expected="what switch_ratio or switch_difference gave",
        remedy="non_inferiority(switch_ratio(...), margin=1.5)",
    )
