"""Agreement between two raters: Cohen's kappa."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from ..columns import Groups, Table, group_rows, read_table
from ..errors import DataError, warn
from ..numerics.agreement import credit, weighted_kappa
from ..numerics.exact_limits import wilson_limits
from ..numerics.intervals import normal_quantile
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .totals import in_groups
from .two_values import read_sizes, terms_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..columns import Column, Columns

Weighting = Literal["none", "linear", "quadratic"]
NAMES = {"none": "kappa", "linear": "linearly weighted kappa", "quadratic": "quadratically weighted kappa"}


def kappa(
    data: Any,
    *,
    raters: Sequence[Column],
    weighting: Weighting = "none",
    by: Columns = None,
    weights: Column | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Agreement of two raters beyond chance (Cohen), one pair of rows per group of `by`.

    (p_o - p_e) / (1 - p_e), with the observed agreement p_o and that expected by chance, p_e, if the raters
    kept their shares of each category and agreed by chance. Weighted, ratings that differ by less get more
    credit. Kappa falls where one category is rare, so that values of populations with other shares are not
    comparable.

    Parameters
    ----------
    data
        Any table: one row per rated subject, or one per cell with the number of subjects as `weights`.
    raters
        The two columns of ratings, in the same categories.
    weighting
        "none"; or "linear" (1 - |i - j| / (k - 1)) or "quadratic" (1 - (i - j)^2 / (k - 1)^2) credit for
        categories i and j of k in their order: that of numbers, of false and true, or of an Enum (whose
        categories count though nobody chose them).
    by
        One or several columns; estimates of their own for each combination that occurs.
    weights
        Number of subjects of a row.
    conf_level
        Level of the limits, which are normal with the large-sample error of Fleiss, Cohen and Everitt.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `term` ("agreement", the share of equal ratings, and the kappa by name), `n`,
        `estimate`, `std_error`, `statistic` (z, of no agreement beyond chance), `p_value`, `conf_low`,
        `conf_high`.

    Raises
    ------
    DataError
        Other than two raters, ratings of different types, or text (without an order) where they are weighted.

    Warns
    -----
    DataWarning
        A group in which both raters used one category only, where kappa does not exist. Raters who have no
        category in common, as where they write it differently.

    References
    ----------
    Cohen J. Educ Psychol Meas 1960;20:37-46. Fleiss JL, Cohen J, Everitt BS. Psychol Bull 1969;72:323-327.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> slides = pl.DataFrame(
    ...     {"first": [1, 1, 0, 0], "second": [1, 0, 1, 0], "slides": [88, 10, 14, 63]}
    ... )
    >>> hem.epidemiology.kappa(slides, raters=["first", "second"], weights="slides")
    agreement of first and second, n=175, events=151
      agreement: 0.8629 (0.804 to 0.9061), n 175
      kappa: 0.7201 (0.6164 to 0.8239), n 175, statistic 9.537, p 1.469e-21
    95% limits: normal; Wilson for agreement
    """
    check_choice(weighting, Weighting, argument="weighting")
    check_conf_level(conf_level)
    _refuse_other_than_two(raters)
    roles: dict[str, Columns] = {"raters": list(raters), "by": by, "weights": weights}
    table = read_table(data, roles, missing=missing)
    first, second, k = _ratings(table, weighting)
    group, size = group_rows(table), read_sizes(table)
    cells = np.bincount((group.code * k + first) * k + second, size, len(group) * k * k).reshape(-1, k, k)
    found = np.array([weighted_kappa(count, credit(k, weighting)) for count in cells])
    _warn_of_one_category(group, np.isnan(found[:, 0]))
    _warn_of_other_words(table, first, second)
    n = cells.sum(axis=(1, 2))
    none = np.full(len(group), np.nan)
    z = found[:, 0] / np.where(found[:, 2] > 0, found[:, 2], np.nan)
    half = normal_quantile(conf_level) * found[:, 1]
    same = (cells * np.eye(k)).sum(axis=(1, 2))
    low, high = wilson_limits(same, n, conf_level)
    agreement = {
        "n": n.astype(int), "estimate": same / n, "std_error": np.sqrt(same * (n - same) / n**3),
        "statistic": none, "p_value": none, "conf_low": low, "conf_high": high,
    }  # fmt: skip
    beyond = {
        "n": n.astype(int), "estimate": found[:, 0], "std_error": found[:, 1], "statistic": z,
        "p_value": 2 * ndtr(-np.abs(z)), "conf_low": found[:, 0] - half, "conf_high": found[:, 0] + half,
    }  # fmt: skip
    return Estimates(
        frame=terms_frame(group, {"agreement": agreement, NAMES[weighting]: beyond}),
        name=f"agreement of {' and '.join(table.names['raters'])}",
        method="normal; Wilson for agreement",
        conf_level=conf_level,
        n=int(n.sum()),
        n_event=float(same.sum()),
        n_dropped=table.n_dropped,
    )


def _refuse_other_than_two(raters: Any) -> None:
    if isinstance(raters, list | tuple) and len(raters) == 2:
        return
    raise DataError(
        f"{len(raters)} were given"
        if isinstance(raters, list | tuple)
        else f"a {type(raters).__name__} was given",
        argument="raters",
        expected="a list of the two columns of ratings",
        remedy="raters=['first', 'second']",
    )


def _ratings(table: Table, weighting: str) -> tuple[np.ndarray, np.ndarray, int]:
    """The categories of both raters as numbers in one order, and how many categories there are."""
    one, other = table.frame["raters.0"], table.frame["raters.1"]
    alike = one.dtype == other.dtype or (one.dtype.is_numeric() and other.dtype.is_numeric())
    if not alike:
        raise DataError(
            f"holds {other.dtype}, and {table.names['raters'][0]!r} holds {one.dtype}",
            argument="raters",
            column=table.names["raters"][1],
            expected="both ratings in the same categories (an Enum with the same levels)",
            remedy="data.with_columns(pl.col(...).cast(pl.Enum([...])))",
        )
    if isinstance(one.dtype, pl.Enum):
        return one.to_physical().to_numpy(), other.to_physical().to_numpy(), len(one.dtype.categories)
    if weighting != "none" and not one.dtype.is_numeric() and one.dtype != pl.Boolean:
        raise DataError(
            "is text, whose order only you know",
            argument="raters",
            column=table.names["raters"][0],
            expected="numbers, or an Enum whose levels are in order, where ratings are weighted",
            remedy="data.with_columns(pl.col(...).cast(pl.Enum(['none', 'mild', 'severe'])))",
        )
    text = one.dtype in (pl.String, pl.Categorical)
    both = pl.concat([part.cast(pl.String if text else pl.Float64) for part in (one, other)])
    code = both.rank("dense").to_numpy().astype(int) - 1
    return code[: len(one)], code[len(one) :], int(code.max()) + 1


def _warn_of_other_words(table: Table, first: np.ndarray, second: np.ndarray) -> None:
    """Say where no rating of the one is a category of the other."""
    if np.isin(first, second).any():
        return
    warn(
        f"has no category in common with {table.names['raters'][0]!r}, and they never agree",
        argument="raters",
        column=table.names["raters"][1],
        expected="both ratings in the same categories, written alike",
        remedy=f"data.with_columns(pl.col({table.names['raters'][1]!r}).replace({{...: ...}}))",
    )


def _warn_of_one_category(group: Groups, undefined: np.ndarray) -> None:
    if undefined.any():
        warn(
            f"used one category only{in_groups(group, undefined)}, where chance agrees and kappa is none",
            argument="raters",
            expected="two or more categories in use in every group",
            remedy="the row 'agreement', or data.filter(...) to the other groups",
        )
