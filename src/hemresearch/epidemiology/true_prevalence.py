"""Prevalence of a disease from an imperfect test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..columns import Groups, group_rows, read_table
from ..errors import DataError, warn
from ..numerics.count_limits import BINOMIAL
from ..options import Missing, check_choice, check_conf_level, check_number
from ..results import Estimates
from .proportion import METHODS, ProportionLimits
from .totals import in_groups
from .two_values import read_sizes, read_yes, terms_frame

if TYPE_CHECKING:
    from ..columns import Column, Columns


def true_prevalence(
    data: Any,
    *,
    test: Column,
    test_positive: Any = None,
    sensitivity: float,
    specificity: float,
    by: Columns = None,
    weights: Column | None = None,
    conf_type: ProportionLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Prevalence of a disease, from the share of positive tests and the accuracy of the test (Rogan-Gladen).

    (p + specificity - 1) / (sensitivity + specificity - 1) for a share p of positive tests, cut at 0 and 1;
    its limits are those of p, moved in the same way. Sensitivity and specificity count as known: what is
    uncertain of them is not in the limits.

    Parameters
    ----------
    data, by, weights, missing
        As in `diagnostic_accuracy`.
    test, test_positive
        The test: true/false, 1/0, or two values of which `test_positive` is the positive one.
    sensitivity, specificity
        Of the test, in patients such as these; together above 1.
    conf_type
        Limits of the share of positive tests, as in `proportion`.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `term` ("apparent prevalence", "true prevalence"), `n`, `n_event` (positive tests),
        `estimate`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        Sensitivity and specificity that are no shares, or add up to 1 or less; and as `diagnostic_accuracy`.

    Warns
    -----
    DataWarning
        Fewer positive tests than false positives alone would give, or more than a disease of all would: the
        sensitivity and specificity do not fit the data.

    References
    ----------
    Rogan WJ, Gladen B. Am J Epidemiol 1978;107:71-76. Reiczigel J, Foldi J, Ozsvari L. Epidemiol Infect
    2010;138:1674-1678.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> survey = pl.DataFrame({"positive": [True, False], "persons": [57, 755]})
    >>> hem.epidemiology.true_prevalence(
    ...     survey, test="positive", weights="persons", sensitivity=0.92, specificity=0.97
    ... )
    prevalence, n=812, events=57
      apparent prevalence: 0.0702 (0.05457 to 0.08987), n 812
      true prevalence: 0.04517 (0.02761 to 0.06727), n 812
    95% limits: Wilson; sensitivity 0.92 and specificity 0.97 as known
    """
    check_choice(conf_type, ProportionLimits, argument="conf_type")
    check_conf_level(conf_level)
    _check_test(sensitivity, specificity)
    table = read_table(data, {"test": test, "by": by, "weights": weights}, missing=missing)
    positive = read_yes(table, "test", test_positive, declare="test_positive")
    group, size = group_rows(table), read_sizes(table)
    n = np.bincount(group.code, size, len(group))
    x = np.bincount(group.code, size * positive, len(group))
    _refuse_nobody(group, n)
    shares = (x / n, *BINOMIAL[conf_type](x, n, conf_level))
    moved = [(share + specificity - 1) / (sensitivity + specificity - 1) for share in shares]
    _warn_of_misfit(group, moved[0])
    counts = {"n": n.astype(int), "n_event": x.astype(int)}
    rows = {
        term: {**counts, **dict(zip(("estimate", "conf_low", "conf_high"), three, strict=True))}
        for term, three in (
            ("apparent prevalence", shares),
            ("true prevalence", [np.clip(part, 0.0, 1.0) for part in moved]),
        )
    }
    return Estimates(
        frame=terms_frame(group, rows),
        name="prevalence",
        method=f"{METHODS[conf_type]}; sensitivity {sensitivity:g} and specificity {specificity:g} as known",
        conf_level=conf_level,
        n=int(n.sum()),
        n_event=float(x.sum()),
        n_dropped=table.n_dropped,
    )


def _check_test(sensitivity: float, specificity: float) -> None:
    for name, value in (("sensitivity", sensitivity), ("specificity", specificity)):
        check_number(
            value, argument=name, at_least=0.0, below=1.0 + 1e-12, expected="a share from 0 to 1", example=0.9
        )
    if sensitivity + specificity <= 1:
        raise DataError(
            f"{sensitivity:g}, with a specificity of {specificity:g}, is that of a test that tells nothing",
            argument="sensitivity",
            expected="a sensitivity and a specificity that add up to more than 1",
            remedy="sensitivity=0.9, specificity=0.95",
        )


def _refuse_nobody(group: Groups, n: np.ndarray) -> None:
    if (n == 0).any():
        raise DataError(
            f"add up to 0{in_groups(group, n == 0)}",
            argument="weights",
            expected="somebody who was tested in every group",
            remedy="data.filter(...) to the groups with tests",
        )


def _warn_of_misfit(group: Groups, estimate: np.ndarray) -> None:
    outside = (estimate < 0) | (estimate > 1)
    if outside.any():
        warn(
            f"does not fit the data{in_groups(group, outside)}: the share of positive tests is below that of "
            "false positives, or above the sensitivity, and the prevalence is cut at 0 or 1",
            argument="sensitivity",
            expected="the sensitivity and specificity of this test in these patients",
            remedy="specificity=... of a larger validation study",
        )
