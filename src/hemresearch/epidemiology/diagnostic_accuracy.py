"""How well a test tells those with a disease from those without."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..columns import Groups, group_rows, read_table
from ..errors import DataError, warn
from ..numerics import two_by_two as kernel
from ..numerics.count_limits import BINOMIAL
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .proportion import METHODS, ProportionLimits
from .totals import in_groups
from .two_values import count_cells, read_sizes, read_yes, terms_frame

if TYPE_CHECKING:
    from ..columns import Column, Columns

RatioLimits = Literal["wald", "score"]


def diagnostic_accuracy(
    data: Any,
    *,
    test: Column,
    test_positive: Any = None,
    disease: Column,
    diseased: Any = None,
    by: Columns = None,
    weights: Column | None = None,
    conf_type: ProportionLimits = "wilson",
    ratio_limits: RatioLimits = "wald",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Sensitivity, specificity, predictive values and likelihood ratios of a test, against the truth.

    Of those with the disease, the share with a positive test (sensitivity); of those without it, the share
    with a negative one (specificity). Predictive values, accuracy and prevalence are those of the patients
    in `data`, and have a meaning elsewhere only where the disease is as common. Everybody's disease must
    have been ascertained whatever the test said; and a threshold that was chosen in the same data makes all
    of this too good.

    Parameters
    ----------
    data
        Any table: one row per patient, or one per cell with the number of patients as `weights`.
    test, test_positive
        The test: true/false, 1/0, or two values of which `test_positive` is the positive one.
    disease, diseased
        The truth: true/false, 1/0, or two values of which `diseased` means the disease.
    by
        One or several columns; estimates of their own for each combination that occurs.
    weights
        Number of patients of a row.
    conf_type
        Limits of shares, as in `proportion`.
    ratio_limits
        Of likelihood ratios and of the odds ratio: "wald", normal on the log scale, or "score", which an
        empty cell leaves alone. Youden's index has Newcombe's limits.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `term`, `n` (those that the share is taken of), `n_event` (those counted),
        `estimate`, `conf_low`, `conf_high`.

    Raises
    ------
    DataError
        A test or a disease of more than two values, or of two of which none was declared; weights that are
        not whole; a group without any, or with nobody free, of the disease.

    Warns
    -----
    DataWarning
        An empty cell, where "wald" knows no limits of ratios.

    References
    ----------
    Simel DL, Samsa GP, Matchar DB. J Clin Epidemiol 1991;44:763-770. Newcombe RG. Stat Med 1998;17:873-890.
    Pepe MS. The Statistical Evaluation of Medical Tests for Classification and Prediction. Oxford 2003.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> cells = pl.DataFrame(
    ...     {"test": [1, 1, 0, 0], "disease": [1, 0, 1, 0], "patients": [82, 18, 9, 291]}
    ... )
    >>> accuracy = hem.epidemiology.diagnostic_accuracy(
    ...     cells, test="test", disease="disease", weights="patients"
    ... )
    >>> accuracy.to_frame().select("term", pl.col("estimate").round(3)).rows()[:3]
    [('sensitivity', 0.901), ('specificity', 0.942), ('positive predictive value', 0.82)]
    """
    check_choice(conf_type, ProportionLimits, argument="conf_type")
    check_choice(ratio_limits, RatioLimits, argument="ratio_limits")
    check_conf_level(conf_level)
    roles: dict[str, Columns] = {"test": test, "disease": disease, "by": by, "weights": weights}
    table = read_table(data, roles, missing=missing)
    has = read_yes(table, "disease", diseased, declare="diseased")
    positive = read_yes(table, "test", test_positive, declare="test_positive")
    group = group_rows(table)
    cells = count_cells(group, group_rows(table, "strata"), has, positive, read_sizes(table))[:, 0, :]
    _refuse_one_kind(cells, group, table.name("disease"))
    if ratio_limits == "wald":
        _warn_of_empty_cells(cells, group)
    tp, fn, fp, tn = cells.T
    rows = _shares(tp, fn, fp, tn, conf_type, conf_level) | _ratios(tp, fn, fp, tn, ratio_limits, conf_level)
    of_ratios = "normal on the log scale" if ratio_limits == "wald" else "score"
    return Estimates(
        frame=terms_frame(group, rows),
        name=f"accuracy of {table.name('test')} for {table.name('disease')}",
        method=f"shares by {METHODS[conf_type]}, ratios {of_ratios}, Youden's index by Newcombe",
        conf_level=conf_level,
        n=int(cells.sum()),
        n_event=float((tp + fn).sum()),
        n_dropped=table.n_dropped,
    )


def _shares(
    tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray, conf_type: str, conf_level: float
) -> dict[str, dict[str, np.ndarray]]:
    total = tp + fn + fp + tn
    counts = {
        "sensitivity": (tp, tp + fn),
        "specificity": (tn, tn + fp),
        "positive predictive value": (tp, tp + fp),
        "negative predictive value": (tn, tn + fn),
        "accuracy": (tp + tn, total),
        "prevalence": (tp + fn, total),
    }
    rows = {}
    for term, (x, n) in counts.items():
        some = np.where(n > 0, n, np.nan)  # without a positive test there is no predictive value of one
        low, high = BINOMIAL[conf_type](x, np.maximum(n, 1), conf_level)
        limits = {"conf_low": np.where(n > 0, low, np.nan), "conf_high": np.where(n > 0, high, np.nan)}
        rows[term] = {"n": n.astype(int), "n_event": x.astype(int), "estimate": x / some, **limits}
    return rows


def _ratios(
    tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray, ratio_limits: str, conf_level: float
) -> dict[str, dict[str, np.ndarray]]:
    """Likelihood ratios are ratios of the risk of a test result, Youden's index is the difference."""
    positive, negative = (tp, tp + fn, fp, fp + tn), (fn, tp + fn, tn, fp + tn)
    risk, odds = METHODS_OF_RATIOS[ratio_limits]
    found = {
        "positive likelihood ratio": risk(*positive, conf_level),
        "negative likelihood ratio": risk(*negative, conf_level),
        "diagnostic odds ratio": odds(*positive, conf_level),
        "Youden's index": kernel.newcombe_difference(*positive, conf_level),
    }
    counts = {"n": (tp + fn + fp + tn).astype(int), "n_event": (tp + fn).astype(int)}
    return {
        term: {**counts, "estimate": estimate, "conf_low": low, "conf_high": high}
        for term, (estimate, low, high) in found.items()
    }


METHODS_OF_RATIOS: dict[str, tuple[Callable[..., kernel.Three], Callable[..., kernel.Three]]] = {
    "wald": (kernel.wald_risk_ratio, kernel.wald_odds_ratio),
    "score": (
        partial(kernel.score_ratio, kind="risk", corrected=False),
        partial(kernel.score_ratio, kind="odds", corrected=False),
    ),
}


def _refuse_one_kind(cells: np.ndarray, group: Groups, column: str) -> None:
    n, n_0 = cells[:, :2].sum(axis=1), cells[:, 2:].sum(axis=1)
    alone = (n == 0) | (n_0 == 0)
    if alone.any():
        raise DataError(
            f"does not vary{in_groups(group, alone)}: all have the disease, or none has",
            argument="disease",
            column=column,
            expected="patients with and without the disease in every group",
            remedy="hem.epidemiology.proportion(...) for the share of positive tests among one kind",
        )


def _warn_of_empty_cells(cells: np.ndarray, group: Groups) -> None:
    empty = (cells == 0).any(axis=1)
    if empty.any():
        warn(
            f"knows no limits of ratios{in_groups(group, empty)}, where a cell of the table is empty",
            argument="ratio_limits",
            expected="positive and negative tests, with and without the disease",
            remedy="ratio_limits='score'",
        )
