"""Event columns: what counts as the event, and which of several causes it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from .columns import Table, group_rows, read_number
from .errors import DataError, counted, listed, warn
from .options import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_LEVELS = 8  # more levels than this look like identifiers and are counted, not shown
DIGITS_OF_AN_IDENTIFIER = 6
# Levels that say by themselves whether the event happened; between any others only the user can tell.
EVENTS = frozenset(
    {"avliden", "dead", "death", "deceased", "died", "död", "event", "ja", "tot", "true", "verstorben", "yes"}
)
UNEVENTFUL = frozenset(
    {"alive", "censored", "censurerad", "false", "lebend", "lebt", "levande", "lever", "nej", "nein", "no",
     "no event", "zensiert"}
)  # fmt: skip
CENSORED = UNEVENTFUL | {"lost"}  # which may also be studied as an event of its own


def read_event(
    table: Table, event_value: Any = None, role: str = "event", *, may_declare: bool = True
) -> np.ndarray:
    """The event column as Booleans: Boolean, 0/1, or what `event_value` declares to be the event.

    Where the user cannot declare a value (`may_declare`), a refusal offers an expression.
    """
    series, name = table.series(role), table.name(role)
    if event_value is not None:
        return _declared_event(series, name, event_value)
    if series.dtype == pl.Boolean:
        return series.to_numpy()
    if series.dtype.is_numeric():
        values = series.cast(pl.Float64).to_numpy()
        event = values == 1
        if (event | (values == 0)).all():
            return event
    if role == "terminal":  # event_value is about the recurrent event
        raise DataError(
            f"holds {_levels(series)}, but death is true/false or 1/0",
            argument=role,
            column=name,
            expected="a Boolean or 0/1 column, or an expression that is true where the patient died",
            remedy=f"{role}=pl.col({name!r}) == 'the value that means death'",
        )
    raise DataError(
        f"holds {_levels(series)}, but an event is true/false or 1/0",
        argument=role,
        column=name,
        expected="a Boolean or 0/1 column, or the declared value that means the event (for competing events, "
        "hem.competing.cumulative_incidence)",
        remedy=_choices(series)
        if may_declare
        else _choices(series).replace("event_value=", f"pl.col({name!r}) == "),
    )


def _declared_event(series: pl.Series, name: str, event_value: Any) -> np.ndarray:
    declared = _as_values(event_value)
    values = series.cast(pl.String) if series.dtype in (pl.Categorical, pl.Enum) else series
    found = values.unique().to_list()
    for value in declared or [event_value]:
        if not any((type(value) is type(f) and value == f) or _same_number(value, f) for f in found):
            near = _shown(nearest(str(value), map(str, found)), values)
            raise DataError(
                f"never holds the declared event {value!r}; it holds {_levels(series)}",
                argument="event_value",
                column=name,
                expected="a value that occurs in the event column"
                + (f" (near: {listed(near)})" if near else ""),
                remedy=next(
                    (f"event_value={f!r}" for f in found if near and str(f) == near[0]), _choices(series)
                ),
            )
    if values.dtype == pl.String:
        return values.is_in(declared).to_numpy()
    return np.isin(values.to_numpy(), np.asarray(declared))


def _as_values(event_value: Any) -> list[Any]:
    if isinstance(event_value, list | tuple | set | frozenset | np.ndarray | pl.Series):
        return [v.item() if isinstance(v, np.generic) else v for v in event_value]
    return [event_value]


def _same_number(a: Any, b: Any) -> bool:
    def number(value: Any) -> bool:
        return hasattr(value, "__float__") and not isinstance(value, str)

    return number(a) and number(b) and float(a) == float(b)


def read_causes(table: Table, censored: Any) -> tuple[tuple[Any, ...], np.ndarray]:
    """The causes in a stable order, and the number of each row's cause (0 for censored)."""
    series, name = table.series("event"), table.name("event")
    if series.dtype.is_float() and (series == series.floor()).all():
        series = series.cast(pl.Int64)
    text = series.dtype in (pl.String, pl.Categorical, pl.Enum)
    if not text and not series.dtype.is_integer():
        raise DataError(
            f"holds {series.dtype}, not labels of several events",
            argument="event",
            column=name,
            expected="text, Enum, Categorical or integer labels, one of which means censored",
            remedy="labels for all events, such as hem.hematology.endpoints.relapse_and_nrm(...) makes from "
            "dates; true/false does not tell a competing event from censoring",
        )
    default = isinstance(censored, str) and censored == "default"
    label = ("censored" if text else 0) if default else censored
    groups = group_rows(table, "event")
    levels = (
        groups.levels.to_series().cast(pl.String).to_list() if text else groups.levels.to_series().to_list()
    )
    # an Enum that declares the label has not been mistyped, though nobody may have been censored
    declared = series.dtype.categories.to_list() if isinstance(series.dtype, pl.Enum) else []
    if not (label is None or _is_level(label, levels) or _is_level(label, declared)):
        if text or not (_same_number(label, 0) and not isinstance(label, bool)):
            raise _no_such_censoring(label, levels, series, name)
        if default:
            _warn_of_nobody_censored(series, name)
    causes = tuple(level for level in levels if label is None or level != label)
    number = np.array([0 if level not in causes else 1 + causes.index(level) for level in levels])
    return causes, number[groups.code]


def warn_of_censored_events(causes: Iterable[Any], name: str) -> None:
    """Warn of causes whose label says that nothing happened: another was declared to mean censored."""
    for cause in causes:
        if str(cause).casefold() in UNEVENTFUL:
            warn(
                f"holds {cause!r}, which is not the label for censored and so counts as an event",
                argument="censored",
                column=name,
                expected="the label that means censored",
                remedy=f"censored={cause!r}",
            )


def _is_level(label: Any, levels: list[Any]) -> bool:
    """Whether a label is one of the column; true and false are no numbers here."""
    return np.ndim(label) == 0 and not isinstance(label, bool) and label in levels


def _warn_of_nobody_censored(series: pl.Series, name: str) -> None:
    warn(
        f"never holds 0, so that nobody is taken as censored; it holds {_levels(series)}",
        argument="censored",
        column=name,
        expected="0 for censored, or the label that means it",
        remedy="censored=... with that label, or censored=None to say that nobody was",
    )


def _no_such_censoring(label: Any, levels: list[Any], series: pl.Series, name: str) -> DataError:
    """That the label for censored never occurs; only what may mean it is proposed, and never None alone."""
    texts = [str(level) for level in levels]
    asked = label[0] if isinstance(label, list | tuple) and len(label) == 1 else label
    near = _shown(nearest(str(asked), texts), series.cast(pl.String))
    usual = [t for t in texts if t == "0" or t.casefold() in CENSORED]
    likely = [levels[texts.index(t)] for t in (near or usual)]
    return DataError(
        f"never holds {label!r}, the label for censored; it holds {_levels(series)}",
        argument="censored",
        column=name,
        expected="one label, the one that means censored, or None if nobody was"
        + (f" (near: {listed(near)})" if near else ""),
        remedy=f"censored={likely[0]!r}" if len(likely) == 1 or near else "censored=None only if nobody was",
    )


def read_counts(table: Table, role: str = "events") -> np.ndarray:
    """Whole numbers of 0 or more; true and false are 1 and 0."""
    names = table.names[role]
    if len(names) > 1:
        raise DataError(
            f"{len(names)} columns were given",
            argument=role,
            expected="one column of counts",
            remedy=f"{role}=pl.sum_horizontal({', '.join(map(repr, names))})",
        )
    series, name = table.series(role), table.name(role)
    if series.dtype == pl.Boolean:
        return series.to_numpy().astype(float)
    count = read_number(table, role, what=f"counts of {role}", example=f"{role}='a column of counts'")
    bad = ~((count >= 0) & (count == np.floor(count)) & np.isfinite(count))
    if not bad.any():
        return count
    raise DataError(
        f"has {counted(int(bad.sum()), 'value')} that are no counts",
        argument=role,
        column=name,
        rows=table.positions(bad),
        expected="whole numbers of 0 or more, and not rates: the person-time is told apart",
        remedy=f"(pl.col({name!r}) * pl.col('years')).round() where it holds events per year",
    )


def _levels(series: pl.Series) -> str:
    """What a column holds, in words; many values, or such as identifiers have, are counted, never shown."""
    values = series.unique().sort().to_list()
    if len(values) > SHOWN_LEVELS or len(_shown(map(str, values), series)) < len(values):
        return f"{len(values)} different values of type {series.dtype}"
    return "the values " + ", ".join(repr(v) for v in values)


def _choices(series: pl.Series) -> str:
    """What to declare: the level that says it is the event, else the choices; none is guessed."""
    values = series.drop_nulls().unique().sort().to_list()
    if len(values) > SHOWN_LEVELS or len(_shown(map(str, values), series)) < len(values):
        return "event_value='the value of the event'"
    happened = [v for v in values if str(v).casefold() in EVENTS]
    unsaid = [v for v in values if str(v).casefold() not in CENSORED]
    named = unsaid if len(unsaid) == 1 else happened if len(values) == 2 else []
    if len(named) == 1 < len(values):
        return f"event_value={named[0]!r} if {named[0]!r} is the event"
    if values == [1, 2]:
        return f"event_value={values[1]!r} if {values[1]!r} is the event, or event_value={values[0]!r}"
    return f"event_value={' or '.join(map(repr, values))}, whichever is the event"


def _shown(texts: Iterable[str], series: pl.Series) -> list[str]:
    """The texts that may be printed: none of a column in which most values differ, none with many digits."""
    distinct = series.n_unique()
    if distinct > SHOWN_LEVELS and 2 * distinct > len(series):
        return []
    return printable(texts)


def printable(texts: Iterable[str]) -> list[str]:
    """The texts that have fewer digits than an identifier."""
    return [t for t in texts if sum(c.isdigit() for c in t) < DIGITS_OF_AN_IDENTIFIER]
