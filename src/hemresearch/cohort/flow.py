"""Eligibility: who was registered, who was excluded and why, and who is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, group_rows, read_table
from ..errors import DataError, counted, listed, warn
from ..formats import count
from ..options import Missing, check_choice
from ..results import SHOWN_GROUPS, Result
from .flow_steps import Exclusion, Rows, Stage
from .flow_text import flow_sentences, in_sentence
from .flow_truth import read_truth, unknown_condition
from .missingness import absent_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from ..columns import Column, Columns

HEADERS = {
    "step": "Step",
    "reason": "Reason",
    "n_before": "Before",
    "n_excluded": "Excluded",
    "n_missing": "Of these not known",
    "n_after": "Left",
    "rows_before": "Rows before",
    "rows_excluded": "Rows excluded",
    "rows_after": "Rows left",
}
INCLUDED = "Included"  # what is left, where the last exclusions have no stage of their own
FRAME = {
    "step": pl.Int64,
    "group": pl.String,
    "reason": pl.String,
    "n_before": pl.Int64,
    "n_excluded": pl.Int64,
    "n_missing": pl.Int64,
    "n_after": pl.Int64,
    "rows_before": pl.Int64,
    "rows_excluded": pl.Int64,
    "rows_after": pl.Int64,
}


@dataclass(frozen=True, slots=True, init=False, eq=False, repr=False)
class Flow(Result):
    """Eligibility as a chain of steps, each with its counts and its reason.

    Every step gives a new Flow and leaves the old one as it is; `.data` is what is left. Consecutive
    exclusions share a box of the diagram until `stage` names who is left.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB.
    label
        What those in `data` are: "Registered", "Assessed for eligibility".
    id
        The column that names the patient, where a patient has several rows. Patients are counted then; a
        patient is excluded when no row is left.

    Attributes
    ----------
    data
        The polars frame that is left.
    label, id, by
        As given; `by` is empty before the split.
    entries
        `Stage` and `Exclusion` in their order, as counted.

    Raises
    ------
    DataError
        No table, no rows, a missing id, an empty label.

    Notes
    -----
    Everybody at the split by assigned arm is the population of an analysis by intention to treat: name it
    (`.stage("Randomised")`), and take its `.data` for the analysis. Exclusions after the split, such as of
    those never treated, leave those treated, or treated per protocol: another population under its own name.

    References
    ----------
    Schulz KF et al. CONSORT 2010 statement. BMJ 2010;340:c332, item 13. von Elm E et al. STROBE statement.
    Lancet 2007;370:1453-7, item 13.

    Examples
    --------
    >>> import hemresearch as hem
    >>> import polars as pl
    >>> flow = (
    ...     hem.cohort.Flow(hem.data.load("mgus2"), "Registered with MGUS")
    ...     .keep(pl.col("age") >= 40, reason="Younger than 40")
    ...     .exclude(pl.col("creat") > 2, reason="Creatinine above 2 mg/dL", missing="drop")
    ...     .stage("Eligible")
    ...     .split("sex")
    ... )
    >>> flow
    Flow: 1,384 registered with MGUS, 127 excluded, 1,257 eligible
      Younger than 40: 24 excluded, 1,360 left
      Creatinine above 2 mg/dL: 103 excluded (28 of them not known), 1,257 left
      by sex: F 580, M 677
    >>> flow.text().split("; ")[-1]
    '1,257 were eligible. By sex: F 580, M 677.'
    >>> flow.data.height
    1257

    By intention to treat, and those who were treated.

    >>> trial = pl.DataFrame({"arm": ["A", "A", "A", "B", "B"], "treated": [1, 1, 0, 1, 1]})
    >>> randomised = hem.cohort.Flow(trial, "Randomised (intention to treat)").split("arm")
    >>> treated = randomised.keep(pl.col("treated") == 1, reason="Never treated").stage("Treated")
    >>> randomised.data.height, treated.data.height
    (5, 4)
    >>> treated.text().split(". ", 1)[1]
    'In A, 1 was excluded: Never treated (n=1); 2 were treated. In B, none was excluded and 2 were treated.'
    """

    label: str
    id: str | None
    by: str
    entries: tuple[Stage | Exclusion, ...]
    left: Rows

    def __init__(self, data: Any, label: str = "Registered", id: str | None = None) -> None:
        frame = as_frame(data)
        left = _first_rows(frame.collect() if isinstance(frame, pl.LazyFrame) else frame, id)
        n, n_rows = left.all_counts()
        first = Stage(_words(label, "label"), (), n, n_rows)
        self._set(label=first.label, id=id, by="", entries=(first,), left=left)

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _next(self, left: Rows, *entries: Stage | Exclusion, by: str | None = None) -> Flow:
        flow = object.__new__(Flow)
        by = self.by if by is None else by
        flow._set(label=self.label, id=self.id, by=by, entries=(*self.entries, *entries), left=left)
        return flow

    @property
    def data(self) -> pl.DataFrame:
        """The rows that are left, with the columns they came with."""
        return self.left.data

    def keep(self, condition: Column, *, reason: str, missing: Missing = "raise") -> Flow:
        """Keep the rows of which the condition is true; the others are excluded for the reason.

        Parameters
        ----------
        condition
            A Boolean expression or column. NaN in a column counts as missing in it.
        reason
            Why those of which it is not true are excluded, as the diagram shall say it.
        missing
            What to do where it is not known whether the condition is true: "raise" names the rows; "drop"
            excludes them and counts them apart.

        Raises
        ------
        DataError
            A condition that is not Boolean, or not known in some rows.

        Warns
        -----
        DataWarning
            If nobody is left.
        """
        return self._exclude(condition, reason, missing, kept_if=True)

    def exclude(self, condition: Column, *, reason: str, missing: Missing = "raise") -> Flow:
        """Exclude the rows of which the condition is true, for the reason; arguments as in `keep`."""
        return self._exclude(condition, reason, missing, kept_if=False)

    def stage(self, label: str) -> Flow:
        """Name those who are left: "Eligible", "Randomised", "Analysed". A box of the diagram."""
        return self._next(self.left, self._here(_words(label, "label")))

    def split(self, by: Columns) -> Flow:
        """Divide those who are left by one or several columns; later steps count in each group.

        Raises
        ------
        DataError
            An unknown column, a missing value or personal numbers in it, a patient in two groups, or a second
            split.
        """
        if self.by:
            raise DataError(
                f"the flow was already split by {self.by}",
                argument="by",
                expected="one split, by one or several columns",
                remedy="split([...]) with all the columns, once",
            )
        table = read_table(self.data, {"by": by}, nullable=("by",))
        _check_known_groups(table.several("by"), self.left)
        found = group_rows(table)
        rows = replace(self.left, group=found.code, groups=tuple(found.labels()))
        _check_one_group(rows, listed(found.names))
        closing = () if isinstance(self.entries[-1], Stage) else (self._here(INCLUDED),)
        n, n_rows = rows.all_counts()
        return self._next(rows, *closing, Stage("", rows.groups, n, n_rows), by=", ".join(found.names))

    def to_frame(self) -> pl.DataFrame:
        """One row per exclusion, and per group after the split.

        `step, group, reason, n_before, n_excluded, n_missing, n_after` in patients (rows without `id`), then
        `rows_before, rows_excluded, rows_after`. `n_missing` are those of `n_excluded` of whom the
        condition was not known; with `id`, in at least one of their rows, so that they might have stayed.
        """
        exclusions = [e for e in self.entries if isinstance(e, Exclusion)]
        rows = []
        for step, e in enumerate(exclusions, 1):
            for g, group in enumerate(e.groups or (None,)):
                before, out = e.n_before[g], e.n_excluded[g]
                rows_before, rows_out = e.rows_before[g], e.rows_excluded[g]
                counts = (before, out, e.n_missing[g], before - out)
                rows.append((step, group, e.reason, *counts, rows_before, rows_out, rows_before - rows_out))
        return pl.DataFrame(rows, schema=FRAME, orient="row")

    @property
    def headers(self) -> Mapping[str, str]:
        """What a table calls the columns."""
        return HEADERS

    def groups(self) -> pl.DataFrame:
        """Who is left, one row per group of the split: `group, n, rows`; one row without a group before."""
        n, rows = self.left.all_counts()
        schema = {"group": pl.String, "n": pl.Int64, "rows": pl.Int64}
        return pl.DataFrame({"group": self.left.groups or (None,), "n": n, "rows": rows}, schema=schema)

    def summary(self) -> pl.DataFrame:
        """One row: label, n at the start, excluded and left, and the rows of these."""
        first, (n, rows) = self.entries[0], self.left.all_counts()
        assert isinstance(first, Stage)
        return pl.DataFrame(
            {
                "label": [first.label],
                "n": [sum(first.n)],
                "n_excluded": [sum(first.n) - sum(n)],
                "n_left": [sum(n)],
                "rows": [sum(first.rows)],
                "rows_left": [sum(rows)],
            }
        )

    def closed(self) -> Flow:
        """The flow with a last box: as it is, or with those who are left called "Included"."""
        return self if isinstance(self.entries[-1], Stage) else self.stage(INCLUDED)

    def text(self) -> str:
        """Sentences for the results section: how many, excluded for what, and who was left."""
        return flow_sentences(self.closed().entries, self.by)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the flow diagram; see `hem.plots.draw_flow` for the options."""
        from ..plots import draw_flow

        return draw_flow(self, ax=ax, **options)

    def __repr__(self) -> str:
        one = self.summary().row(0, named=True)
        what = " patients" if self.id else ""
        last = [e.label for e in self.closed().entries if isinstance(e, Stage) and e.label][-1]
        head = f"Flow: {count(one['n'])} {in_sentence(self.label)}{what}"
        if len(self.entries) > 1:
            head += f", {count(one['n_excluded'])} excluded, {count(one['n_left'])} {in_sentence(last)}"
        steps = self.to_frame().rows(named=True)
        lines = [_step_line(row) for row in steps[:SHOWN_GROUPS]]
        left = len(steps) - SHOWN_GROUPS
        more = [f"  and {counted(left, 'more exclusion')}"] if left > 0 else []
        ends = self.groups().iter_rows()
        by = [f"  by {self.by}: {listed((f'{g} {count(n)}' for g, n, _ in ends), SHOWN_GROUPS)}"]
        return "\n".join([head, *lines, *more, *(by if self.by else [])])

    def _here(self, label: str) -> Stage:
        n, rows = self.left.all_counts()
        return Stage(label, self.left.groups, n, rows)

    def _exclude(self, condition: Column, reason: str, missing: Missing, *, kept_if: bool) -> Flow:
        check_choice(missing, Missing, argument="missing")
        reason, rows = _words(reason, "reason"), self.left
        truth = read_truth(rows.data, condition)
        unknown = truth.is_null().to_numpy()
        if unknown.any() and missing == "raise":
            raise unknown_condition(rows.data, condition, unknown, rows.position)
        kept = (truth == kept_if).fill_null(False).to_numpy()
        left = rows.where(kept)
        (before, rows_before), (after, rows_after) = rows.all_counts(), left.all_counts()
        apart, _ = rows.counts(rows.lost_unknown(unknown, kept))
        if not kept.any():
            _warn_empty(reason)
        entry = Exclusion(
            reason, rows.groups, before, _minus(before, after), apart, rows_before,
            _minus(rows_before, rows_after),
        )  # fmt: skip
        return self._next(left, entry)


def _first_rows(frame: pl.DataFrame, id: str | None) -> Rows:
    position = np.arange(frame.height)
    if not frame.height or id is not None:
        table = read_table(frame, {"id": id}, nullable=("id",))
        if id is not None:
            _check_known_ids(table.series("id"), table.name("id"))
        patient = group_rows(table, "id").code
    else:
        patient = None
    return Rows(frame, position, patient, np.zeros(frame.height, dtype=np.intp))


def _check_known_ids(ids: pl.Series, name: str) -> None:
    unknown = absent_in(ids)
    if unknown.any():
        known = "is_not_nan" if ids.dtype.is_float() else "is_not_null"
        raise DataError(
            f"has {counted(int(unknown.sum()), 'missing value')}",
            argument="id",
            column=name,
            rows=np.flatnonzero(unknown),
            expected="the patient of every row",
            remedy=f"data.filter(pl.col({name!r}).{known}())",
        )


def _check_known_groups(columns: pl.DataFrame, rows: Rows) -> None:
    for series in columns.iter_columns():
        unknown = absent_in(series)
        if unknown.any():
            name = series.name
            raise DataError(
                f"has {counted(int(unknown.sum()), 'missing value')}",
                argument="by",
                column=name,
                rows=rows.position[unknown],
                expected="a group for everybody who is left",
                remedy=f".exclude(pl.col({name!r}).is_null(), reason='{name} not known') before the split",
            )


def _check_one_group(rows: Rows, names: str) -> None:
    if rows.patient is None:
        return
    pairs = np.unique(np.column_stack([rows.patient, rows.group]), axis=0)
    patient, times = np.unique(pairs[:, 0], return_counts=True)
    several = np.isin(rows.patient, patient[times > 1])
    if several.any():
        raise DataError(
            f"{counted(int((times > 1).sum()), 'patient')} in more than one group of {names}",
            argument="by",
            rows=rows.position[several],
            expected="all rows of a patient in one group",
            remedy="split(pl.col(...).first().over(id).alias('group'))",
        )


def _warn_empty(reason: str) -> None:
    warn(
        f"nobody is left after {reason!r}",
        argument="condition",
        expected="somebody to analyse",
        remedy="exclude(...) instead of keep(...) if the condition says who goes",
    )


def _minus(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(first, second, strict=True))


def _words(text: Any, argument: str) -> str:
    if isinstance(text, str) and text.strip():
        return text.strip()
    example = "Younger than 18" if argument == "reason" else "Eligible"
    raise DataError(
        f"{text!r} was given" if isinstance(text, str) else f"a {type(text).__name__} was given",
        argument=argument,
        expected="words for the diagram",
        remedy=f"{argument}={example!r}",
    )


def _step_line(row: dict[str, Any]) -> str:
    where = f" in {row['group']}" if row["group"] is not None else ""
    unknown = f" ({count(row['n_missing'])} of them not known)" if row["n_missing"] else ""
    excluded = f"{count(row['n_excluded'])} excluded{unknown}"
    return f"  {row['reason']}{where}: {excluded}, {count(row['n_after'])} left"
