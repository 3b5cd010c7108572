"""Whether each of many features differs with a response."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from .. import formats
from ..columns import Column, as_frame, read_table
from ..curves import Result
from ..errors import DataError, counted, warn
from ..numerics.association import chi_squared, kruskal_wallis, spearman, superiority
from ..numerics.exact_odds_ratio import exposed_events, fisher_test, maximum_likelihood
from ..options import Missing, check_choice
from .features import Features, group_codes, read_features
from .q_values import Adjust, checked_adjustment
from .screen_result import ADJUSTMENTS, SHOWN

FEWEST_EXPECTED = 5.0
FEWEST_RANKED, FEWEST_PAIRS = 5, 10  # in a group, and of two numbers
MOST_GROUPS = 20
CELLS, RANKS = "fewer than 5 are expected in a cell of the table", "few patients are ranked"
ENOUGH = {
    CELLS: "larger groups, or fewer of them",
    RANKS: f"{FEWEST_RANKED} patients or more in every group, {FEWEST_PAIRS} for a correlation",
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Association(Result):
    """A test of each feature with one response.

    Attributes
    ----------
    frame
        One row per feature, in the order given.
    response, adjust
        The column of the response, and how q-values were made.
    """

    frame: pl.DataFrame = field(repr=False)
    response: str
    adjust: str
    n_dropped: int = 0

    def to_frame(self) -> pl.DataFrame:
        """One row per feature: feature, n, test, measure, estimate, statistic, df, p_value, q_value."""
        return self.frame

    def top(self, n: int = 10) -> pl.DataFrame:
        """The features with the smallest p-values; of equal ones the first."""
        return self.frame.sort("p_value", nulls_last=True, maintain_order=True).head(n)

    def summary(self) -> pl.DataFrame:
        """One row: how many features, tested, with q below 0.05; exclusions and adjustment."""
        return pl.DataFrame(
            {
                "n_features": [self.frame.height],
                "n_tested": [self.frame["p_value"].count()],
                "n_q_below_0.05": [int((self.frame["q_value"] < 0.05).sum())],
                "n_dropped": [self.n_dropped],
                "adjust": [self.adjust],
            }
        )

    def text(self, *, q: float = 0.05) -> str:
        """A sentence: how many of the features have a q-value below a bound."""
        found = int((self.frame["q_value"] < q).sum())
        return f"{found} of {counted(self.frame.height, 'feature')} had a q-value below {q:g}"

    def methods(self) -> str:
        """A sentence for the methods section."""
        tests = self.frame["test"].drop_nulls().unique(maintain_order=True)
        return (
            f"{counted(self.frame.height, 'feature')} were compared with {self.response} "
            f"({', '.join(tests)}; {ADJUSTMENTS[self.adjust]})."
        )

    def __repr__(self) -> str:
        rows = [_line(row) for row in self.top(SHOWN).iter_rows(named=True)]
        left = self.frame.height - SHOWN
        more = [f"  and {left} more"] if left > 0 else []
        head = f"{counted(self.frame.height, 'feature')} with {self.response}"
        return "\n".join([head, *rows, *more, ADJUSTMENTS[self.adjust]])


def _line(row: dict[str, Any]) -> str:
    if row["p_value"] is None:
        return f"  {row['feature']}: nothing to compare"
    measured = f"{row['measure']} {formats.significant(row['estimate'])}, " if row["measure"] else ""
    p = f"p {formats.significant(row['p_value'])}, q {formats.significant(row['q_value'])}"
    return f"  {row['feature']}: {measured}{p} ({row['test']})"


def associate(
    data: Any,
    features: Any,
    *,
    response: Column,
    matrix: Any = None,
    adjust: Adjust = "bh",
    missing: Missing = "raise",
) -> Association:
    """The association of each of many features with a response, by the kinds of both.

    Text, true and false, and numbers with two values are groups; other numbers are ranked.

    - Numbers in two groups: Wilcoxon's rank-sum test; the estimate is the probability that a value of the
      second group is larger than one of the first, ties counted half.
    - Numbers in more groups: Kruskal and Wallis' test.
    - Two numbers: Spearman's rho.
    - Two groups and two groups: Fisher's exact test, with the odds ratio by conditional maximum likelihood
      (of the second value of the feature with the second value of the response).
    - More groups: Pearson's chi-squared.

    Parameters
    ----------
    data
        One row per patient.
    features, matrix
        As in `screen`.
    response
        What the features are compared with, such as remission (yes or no) or a grade.
    adjust
        How `q_value` is made of the p-values, see `q_values`.
    missing
        "raise", or "drop": rows without a response are left out, and of each feature those in which it is
        missing; `n` says how many remain.

    Returns
    -------
    Association
        `.to_frame()` has a row per feature; what cannot be tested (a feature with one value) is null.
        `.top(n)`, `.summary()`, `.text()`.

    Raises
    ------
    DataError
        A response with one value; a response or feature with more than 20 labels; features as in `screen`.

    Warns
    -----
    DataWarning
        If a chi-squared test rests on cells in which fewer than 5 are expected, or a test of ranks on a group
        of fewer than 5 patients, Spearman's on fewer than 10.

    Notes
    -----
    The rank tests are normal (of Spearman's rho, t) approximations without a correction for continuity, as
    R's `kruskal.test` and, with `exact = FALSE, correct = FALSE`, `wilcox.test`: for groups of about ten
    patients and more.

    References
    ----------
    Wilcoxon F. Biometrics Bull 1945;1:80-83. Kruskal WH, Wallis WA. J Am Stat Assoc 1952;47:583-621. Fisher
    RA. J R Stat Soc 1935;98:39-82. Spearman C. Am J Psychol 1904;15:72-101.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> hem.translational.associate(trial, ["karno", "age", "celltype", "prior"], response="trt")
    4 features with trt
      celltype: p 0.07061, q 0.2824 (chi-squared)
      age: probability of superiority 0.5364, p 0.4612, q 0.8513 (Wilcoxon)
      karno: probability of superiority 0.4843, p 0.749, q 0.8513 (Wilcoxon)
      prior: odds ratio 0.8871, p 0.8513, q 0.8513 (Fisher)
    q-values by Benjamini and Hochberg
    """
    check_choice(adjust, Adjust, argument="adjust")
    frame = as_frame(data).lazy().collect()
    table = read_table(frame, {"response": response}, missing=missing)
    chosen = read_features(frame, features, matrix, outcome=(table.name("response"),)).rows(table.row)
    chosen.check_missing(missing)
    wanted = table.series("response")
    _check_response(wanted, table.name("response"))
    found = _each(chosen, wanted)
    q = pl.Series("q_value", checked_adjustment(found["p_value"].to_numpy(), adjust))
    found = found.with_columns(q_value=q).with_columns(pl.selectors.float().fill_nan(None))
    return Association(found, table.name("response"), adjust, table.n_dropped)


def _check_response(response: pl.Series, name: str) -> None:
    n_value = response.n_unique()
    if n_value == 1 or (is_groups(response) and n_value > MOST_GROUPS):
        raise DataError(
            "is the same in every row" if n_value == 1 else f"has {n_value} labels",
            argument="response",
            column=name,
            expected=f"numbers, or groups of which there are 2 to {MOST_GROUPS}",
            remedy="data.filter(...) with both responders and others"
            if n_value == 1
            else "fewer groups, or numbers for what has an order",
        )


def _refuse_labels(series: pl.Series, name: str) -> None:
    """A label for nearly every patient is no group."""
    n_value = series.n_unique()
    if n_value - (series.null_count() > 0) > MOST_GROUPS:
        raise DataError(
            f"has {n_value} labels",
            argument="features",
            column=name,
            expected=f"numbers, or groups of which there are at most {MOST_GROUPS}",
            remedy="fewer groups, or numbers for what has an order",
        )


def is_groups(series: pl.Series) -> bool:
    """Whether values are labels: anything but numbers, and numbers of which there are two."""
    return not series.dtype.is_numeric() or series.drop_nulls().n_unique() <= 2


def _each(features: Features, response: pl.Series) -> pl.DataFrame:
    rows: list[tuple[Any, ...]] = []
    rough: dict[str, list[str]] = {CELLS: [], RANKS: []}
    by_groups = is_groups(response)
    for j, name in enumerate(features.names):
        series = features.column(j)
        if is_groups(series):
            _refuse_labels(series, name)
        x, y = series, response
        if series.null_count():
            known = series.is_not_null()
            x, y = series.filter(known), response.filter(known)
        if len(x) and x.n_unique() > 1 and y.n_unique() > 1:
            test, measure, *numbers, few = _test(x, y, by_groups)
        else:
            test, measure, numbers, few = None, None, [np.nan] * 4, None
        if few:
            rough[few].append(name)
        rows.append((name, len(x), test, measure, *numbers))
    _warn_of_rough(rough)
    schema = {
        "feature": pl.String, "n": pl.Int64, "test": pl.String, "measure": pl.String, "estimate": pl.Float64,
        "statistic": pl.Float64, "df": pl.Float64, "p_value": pl.Float64,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _warn_of_rough(rough: dict[str, list[str]]) -> None:
    """Name the tests whose approximation says little."""
    for what, names in rough.items():
        if names:
            warn(
                f"{what} for {counted(len(names), 'feature')}, where the test is rough",
                argument="features",
                column=names[0],
                expected=ENOUGH[what],
                remedy="pl.col(...).cut([...]) with fewer breaks" if what == CELLS else "more patients",
            )


def _test(x: pl.Series, y: pl.Series, response_is_groups: bool) -> tuple[Any, ...]:
    """Test, measure, estimate, statistic, df, p-value, and what makes it rough."""
    feature_is_groups = is_groups(x)
    if feature_is_groups and response_is_groups:
        return _table(*group_codes(x), *group_codes(y))
    if not feature_is_groups and not response_is_groups:
        rho, *told, p = spearman(_numbers(x), _numbers(y))
        # no fewer orders than two of all have a rho of 1 or -1, where t is infinite
        few = RANKS if len(x) < FEWEST_PAIRS else None
        return ("Spearman", "rho", rho, *told, max(p, 2 / math.factorial(min(len(x), 100))), few)
    labels, values = (y, x) if response_is_groups else (x, y)
    code, n_group = group_codes(labels)
    numbers, few = _numbers(values), RANKS if np.bincount(code).min() < FEWEST_RANKED else None
    if n_group == 2:
        estimate = superiority(numbers, code == 1)
        return ("Wilcoxon", "probability of superiority", estimate, *kruskal_wallis(numbers, code, 2), few)
    return ("Kruskal-Wallis", None, np.nan, *kruskal_wallis(numbers, code, n_group), few)


def _numbers(series: pl.Series) -> np.ndarray:
    return series.cast(pl.Float64).to_numpy()


def _table(x: np.ndarray, n_x: int, y: np.ndarray, n_y: int) -> tuple[Any, ...]:
    """Fisher's test of two by two, Pearson's of more."""
    counts = np.bincount(x * n_y + y, minlength=n_x * n_y).reshape(n_x, n_y).astype(float)
    if counts.shape == (2, 2):
        (c, a), size = counts[:, 1], counts.sum(axis=1)
        d = exposed_events(np.array([a]), size[1:], np.array([c]), size[:1])
        return ("Fisher", "odds ratio", maximum_likelihood(d), np.nan, np.nan, fisher_test(d), None)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    few = CELLS if (expected < FEWEST_EXPECTED).any() else None
    return ("chi-squared", None, np.nan, *chi_squared(counts), few)
