"""Predictions as columns of a table, beside the outcome they are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Table, read_table
from ..errors import DataError, counted, listed
from ..events import read_causes, read_event, warn_of_censored_events
from ..numerics.inverse_censoring import InverseCensoring, inverse_censoring
from ..numerics.ties import as_known
from ..options import Missing, check_times
from ..outcomes import Survival, observations
from ..outcomes_competing import Competing

if TYPE_CHECKING:
    from ..columns import Column

ByModel = Mapping[str, "Column | list[Column]"]
Predictions = ByModel | str | list[str]  # columns alone are models of the same names
NULL_MODEL = "null model"  # who predicts the same for all
OTHER = 2  # the number of every competing event


@dataclass(frozen=True, eq=False)
class Judged:
    """Outcomes with what was predicted for them.

    `cause` is 0 for censored, 1 for the event that was predicted, 2 for a competing one. `values` has for
    each model one column per horizon (the same one where a score serves all of them). `horizons` are as
    asked for, `times` the same but for rounding error that tells them from times of the data.
    """

    y: Survival
    cause: np.ndarray
    horizons: np.ndarray
    times: np.ndarray
    values: dict[str, list[np.ndarray]]
    _ranks: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.cause)

    @cached_property
    def censoring(self) -> InverseCensoring:
        """The weights of those whose status is known."""
        return inverse_censoring(self.y.time, self.cause == 0)

    def rank(self, values: np.ndarray) -> np.ndarray:
        """The place of each prediction among the distinct ones; sorted once for a column of all horizons."""
        if id(values) not in self._ranks:
            self._ranks[id(values)] = np.unique(values, return_inverse=True)[1]
        return self._ranks[id(values)]

    def is_case(self, t: float) -> np.ndarray:
        """Who has had the event by the horizon."""
        return (self.cause == 1) & (self.y.time <= t)

    def n_event(self, t: float) -> int:
        """How many are known to have had the event by the horizon."""
        return int(self.is_case(t).sum())

    def n_risk(self, t: float) -> int:
        """How many are followed beyond the horizon."""
        return int((self.y.time > t).sum())


def read_predictions(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any,
    cause: Any,
    censored: Any,
    risks: Predictions | None,
    scores: Predictions | None,
    times: Any,
    missing: Missing,
) -> Judged:
    """Read outcomes, and risks or scores of named models at horizons that somebody outlives."""
    horizons = check_times(times)
    argument, given = one_of(risks, scores)
    models = columns_of(given, argument, len(horizons))
    roles: dict[str, Any] = {"time": time, "event": event, argument: distinct_columns(models)}
    table = read_table(data, roles, missing=missing)
    y, causes = _outcome(table, event_value, cause, censored)
    _refuse_late_horizons(y, causes, horizons)
    return Judged(
        y=y,
        cause=causes,
        horizons=horizons,
        times=as_known(horizons, np.unique(y.time)),
        values=checked_values(table, models, argument, len(horizons)),
    )


def one_of(risks: Predictions | None, scores: Predictions | None) -> tuple[str, ByModel]:
    """Which of the two was given, by the name of each model; a column alone is its own name."""
    if (risks is None) == (scores is None):
        raise DataError(
            "both risks and scores were given" if risks is not None else "no predictions were given",
            argument="risks",
            expected="risks (probabilities) or scores (of which only the order matters)",
            remedy='risks={"model": ["risk_1y", "risk_3y"]} or scores={"marker": "column"}',
        )
    argument, given = ("risks", risks) if risks is not None else ("scores", scores)
    given = _named(given)
    if isinstance(given, Mapping) and given and all(isinstance(name, str) and name for name in given):
        return argument, given
    raise DataError(
        "predictions without the name of their model were given",
        argument=argument,
        expected="a dictionary from the name of each model to its columns, or names of columns",
        remedy=f'{argument}={{"model": ["column"]}}',
    )


def _named(given: Any) -> Any:
    """Names of columns are those of their models, too; all else as it is."""
    names = [given] if isinstance(given, str) else given
    if isinstance(names, list | tuple) and all(isinstance(name, str) for name in names):
        return {name: name for name in names} if len(set(names)) == len(names) else None
    return given


def columns_of(given: ByModel, argument: str, n_times: int) -> dict[str, list[Column]]:
    """The columns of each model, one for each horizon, or one of a score for all."""
    models = {name: list(c) if isinstance(c, list | tuple) else [c] for name, c in given.items()}
    for name, columns in models.items():
        if name == NULL_MODEL:
            raise DataError(
                f"a model is called {NULL_MODEL!r}, as is the prediction of the same risk for all",
                argument=argument,
                expected="another name",
                remedy=f'{argument}={{"model": ...}}',
            )
        if len(columns) == n_times or (len(columns) == 1 and argument == "scores"):
            continue
        raise DataError(
            f"{name!r} has {counted(len(columns), 'column')} for {counted(n_times, 'horizon')}",
            argument=argument,
            expected="one column for each of `times`, in their order",
            remedy=f"{argument}={{{name!r}: [{', '.join(f'column_{i + 1}' for i in range(n_times))}]}}",
        )
    return models


def distinct_columns(models: dict[str, list[Column]]) -> list[Column]:
    """Each column once; models may share one."""
    found: list[Column] = []
    for column in (c for columns in models.values() for c in columns):
        if not any(_same(column, other) for other in found):
            found.append(column)
    return found


def _same(one: Column, other: Column) -> bool:
    if isinstance(one, pl.Expr) and isinstance(other, pl.Expr):
        return one.meta.eq(other)
    return isinstance(one, str) and isinstance(other, str) and one == other


def _name(column: Column) -> str:
    return column if isinstance(column, str) else column.meta.output_name()


def _outcome(table: Table, event_value: Any, cause: Any, censored: Any) -> tuple[Survival, np.ndarray]:
    """Times, and 0, 1 or 2 for censored, the event and a competing one."""
    if cause is None:
        happened = read_event(table, event_value)
        return observations(table, happened), happened.astype(np.intp)
    if event_value is not None:
        raise DataError(
            "was given together with cause=, which says what the event is",
            argument="event_value",
            expected="event_value for one event, or cause among competing ones",
            remedy="event_value=None",
        )
    causes, code = read_causes(table, censored)
    warn_of_censored_events(causes, table.name("event"))
    rows = observations(table, code > 0)
    shared = {f.name: getattr(rows, f.name) for f in fields(Survival)}
    y = Competing(**shared, cause=code, causes=causes)
    return y, np.where(code == 0, 0, np.where(code == y.one_number(cause), 1, OTHER))


def checked_values(
    table: Table, models: dict[str, list[Column]], argument: str, n_times: int
) -> dict[str, list[np.ndarray]]:
    """Checked predictions of each model."""
    frame = table.several(argument)
    checked = {name: _checked(table, frame[name], argument) for name in frame.columns}
    return {
        name: [checked[_name(c)] for c in (columns if len(columns) == n_times else columns * n_times)]
        for name, columns in models.items()
    }


def _checked(table: Table, series: pl.Series, argument: str) -> np.ndarray:
    """Numbers, which risks between 0 and 1 and finite scores are."""
    kind = "probabilities of the event by the horizon" if argument == "risks" else "finite numbers"
    if not series.dtype.is_numeric():
        raise DataError(
            f"holds {series.dtype}, not a numeric type",
            argument=argument,
            column=series.name,
            expected=kind,
            remedy=f"pl.col({series.name!r}).cast(pl.Float64)",
        )
    values = series.cast(pl.Float64).to_numpy()
    wrong = (values < 0) | (values > 1) if argument == "risks" else ~np.isfinite(values)
    if not wrong.any():
        return values
    percent = argument == "risks" and values.min() >= 0 and values.max() <= 100
    raise DataError(
        f"has {counted(int(wrong.sum()), 'value')} "
        + ("outside 0 to 1" if argument == "risks" else "that are infinite"),
        argument=argument,
        column=series.name,
        rows=table.positions(wrong),
        expected=kind,
        remedy=f"pl.col({series.name!r}) / 100"
        if percent
        else "scores={...}, of which only the order matters"
        if argument == "risks"
        else f"data.filter(pl.col({series.name!r}).is_finite())",
    )


def _refuse_late_horizons(y: Survival, cause: np.ndarray, horizons: np.ndarray) -> None:
    """Refuse horizons at which it is not known what became of those still there."""
    last = y.time.max()
    if not (cause[y.time == last] == 0).any() or (horizons < last).all():
        return
    early = [float(t) for t in horizons[horizons < last]]
    raise DataError(
        f"nobody is followed beyond {listed(f'{t:g}' for t in horizons[horizons >= last])}",
        argument="times",
        column=y.names["time"],
        expected=f"horizons before the last follow-up, {last:g}",
        remedy=f"times={early}" if early else "earlier times",
    )
