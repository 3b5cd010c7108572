"""Current survival: being in a state now that can be lost and regained, alive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Table, read_table
from ..errors import DataError, counted
from ..events import read_event
from ..numerics.current_survival import Process, in_state
from ..numerics.intervals import probability_limits
from ..numerics.risk_sets import place
from ..options import ConfType, Missing, check_choice, check_conf_level
from ..outcomes import Survival, observations, read_duration
from ..results import Curves, curves_frame
from ..survival.curve import counts_frame, split_groups
from .wide import rounded_together, single_column

if TYPE_CHECKING:
    from ..columns import Column, Columns

IN, OUT = 1, -1  # entering and leaving the state
Events = list[tuple[str, np.ndarray, int]]


def current_survival(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    lost: Columns,
    regained: Columns = None,
    by: Columns = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability of being alive and in the state that all were in at time zero, whatever happened between.

    P(t) = S_lost1(t) + (S_lost2(t) - S_regained1(t)) + ..., S_x being the Kaplan-Meier estimate of not yet
    having had x nor died: those in the state after its k-th loss are those who have regained it k times and
    not lost it again. Unlike leukaemia-free survival it rises when remissions are regained. From the first
    remission, with relapses as `lost`, it is current leukaemia-free survival; from a transplantation, with
    relapse and GVHD as `lost` and the end of GVHD as `regained`, current GVHD-free, relapse-free survival.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB; one row per patient.
    time, event
        Follow-up from time zero in any one unit, and whether it ended with death (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as death, for any other coding.
    lost, regained
        Columns of the times of the first, second, ... loss and regaining, in the unit of `time`; null where
        it did not happen. There are as many of `regained` as of `lost`, or one less.
    by
        One or several columns; a separate curve for each combination that occurs.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits are symmetric.
    missing
        "raise" names what is missing in `time`, `event` and `by`; "drop" leaves those rows out.

    Returns
    -------
    Curves
        From time 0; `n_risk` are under observation, `n_event` leave the state, by loss or death.

    Raises
    ------
    DataError
        Missing values, times out of order, before 0 or after the follow-up, a later time where an earlier one
        is missing, numbers of columns that do not alternate.

    Notes
    -----
    Standard errors are those of the infinitesimal jackknife over patients. The state needs no Markov
    property; censoring has to be independent of it. An estimate may lie a little below 0 or above 1 where few
    are followed, as a sum of curves that are each estimated from all; it is then set to 0 or 1.

    References
    ----------
    Klein JP, Szydlo RM, Craddock C, Goldman JM. Stat Med 2000;19:3005-3016. Pavlik T, Janousova E,
    Pospisil Z, et al. BMC Med Res Methodol 2011;11:140. Solomon SR, Sizemore C, Zhang X, et al. Biol Blood
    Marrow Transplant 2017;23:1208-1214 (current GVHD-free, relapse-free survival).

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> patients = pl.DataFrame(
    ...     {
    ...         "years": [8.0, 7.0, 6.0, 5.0, 3.0],
    ...         "died": [False, False, False, True, True],
    ...         "relapse": [None, 2.0, 1.5, None, 1.0],
    ...         "second_remission": [None, 2.5, None, None, 1.5],
    ...     }
    ... )
    >>> current = hem.multistate.current_survival(
    ...     patients, time="years", event="died", lost="relapse", regained="second_remission"
    ... )
    >>> current.at([1, 2, 4])["estimate"].round(3).to_list()
    [0.8, 0.6, 0.6]
    """
    roles = {"time": time, "event": event, "lost": lost, "regained": regained, "by": by}
    y, spells = _read(data, roles, event_value, missing, first=OUT)
    return _curves(y, spells, "current survival", "a sum of Kaplan-Meier curves", conf_level, conf_type)


def current_incidence(
    data: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    gained: Columns,
    lost: Columns = None,
    by: Columns = None,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    missing: Missing = "raise",
) -> Curves:
    """Probability of being alive and in a state now that nobody was in at time zero.

    P(t) = sum over k of (F_gained_k(t) - F_left_k(t)), F being cumulative incidences: of gaining the state
    for the k-th time, with death before that competing; and of leaving it again by loss or death, with death
    before that gain competing. From the start of treatment, with remissions as `gained`, it is the current
    cumulative incidence of remission: how many are in remission now, not how many have ever been.

    Parameters
    ----------
    data
        Any table: polars (eager or lazy), pandas, pyarrow, DuckDB; one row per patient.
    time, event
        Follow-up from time zero in any one unit, and whether it ended with death (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as death, for any other coding.
    gained, lost
        Columns of the times of the first, second, ... gain and loss, in the unit of `time`; null where it did
        not happen. There are as many of `lost` as of `gained`, or one less.
    by
        One or several columns; a separate curve for each combination that occurs.
    conf_level
        Level of the pointwise limits.
    conf_type
        Scale on which the limits are symmetric.
    missing
        "raise" names what is missing in `time`, `event` and `by`; "drop" leaves those rows out.

    Returns
    -------
    Curves
        From time 0; `n_risk` are under observation, `n_event` enter the state.

    Raises
    ------
    DataError
        As `current_survival`.

    References
    ----------
    Pavlik T, Janousova E, Pospisil Z, et al. BMC Med Res Methodol 2011;11:140.

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> patients = pl.DataFrame(
    ...     {
    ...         "years": [8.0, 7.0, 6.0, 5.0],
    ...         "died": [False, False, False, True],
    ...         "remission": [0.5, 0.5, None, 1.0],
    ...         "relapse": [None, 2.0, None, None],
    ...     }
    ... )
    >>> current = hem.multistate.current_incidence(
    ...     patients, time="years", event="died", gained="remission", lost="relapse"
    ... )
    >>> current.at([1, 3, 5])["estimate"].round(3).to_list()
    [0.75, 0.5, 0.25]
    """
    roles = {"time": time, "event": event, "gained": gained, "lost": lost, "by": by}
    y, spells = _read(data, roles, event_value, missing, first=IN)
    return _curves(y, spells, "current incidence", "a sum of cumulative incidences", conf_level, conf_type)


def _read(
    data: Any, roles: dict[str, Any], event_value: Any, missing: Missing, *, first: int
) -> tuple[Survival, Events]:
    """Follow-up, and the times of entering and leaving the state in turn (infinite: it did not happen)."""
    changes: list[str] = [role for role in ("gained", "lost", "regained") if role in roles]
    table = read_table(data, roles, missing=missing, nullable=tuple(changes))
    y = observations(table, read_event(table, event_value))
    leads, follows = (
        [(name, _times(table, role, i, y.time_unit)) for i, name in enumerate(table.names[role])]
        for role in changes
    )
    if not leads or len(leads) - len(follows) not in (0, 1):
        raise DataError(
            f"has {counted(len(leads), 'column')} beside {len(follows)} of {changes[1]}=",
            argument=changes[0],
            expected=f"{changes[0]} and {changes[1]} in turn: as many of each, or one more of the first",
            remedy=f"{changes[0]}=['first', 'second'], {changes[1]}=['first']",
        )
    spells: Events = []
    for k, lead in enumerate(leads):
        spells.append((*lead, first))
        spells += [(*one, -first) for one in follows[k : k + 1]]
    y, spells = _one_tie(y, spells)
    _check_order(y, spells, changes)
    return y, spells


def _times(table: Table, role: str, place: int, unit: str | None) -> np.ndarray:
    """Times of one column, infinite where it did not happen."""
    name = table.names[role][place]
    series = table.frame[f"{role}.{place}"]
    if series.dtype == pl.Null:
        return np.full(len(series), np.inf)
    one = single_column(table, role, place)
    values, own_unit = read_duration(one, role)
    if own_unit != unit:
        raise DataError(
            f"and time={table.name('time')!r} are not both durations",
            argument=role,
            column=name,
            expected="times of one kind and unit",
            remedy="pl.col(...) / pl.duration(days=1) for the one of them that is a duration",
        )
    return np.where(np.isnan(values), np.inf, values)


def _one_tie(y: Survival, spells: Events) -> tuple[Survival, Events]:
    """The same, with times that differ by rounding error made one."""
    time, *others = rounded_together(y.time, *(values for _, values, _ in spells))
    return replace(y, time=time), [
        (name, values, way) for (name, _, way), values in zip(spells, others, strict=True)
    ]


def _check_order(y: Survival, spells: Events, changes: list[str]) -> None:
    """Refuse times that are not a sequence within the follow-up."""
    previous, label = np.zeros(len(y)), "time zero"
    for k, (name, values, _) in enumerate(spells):
        finite = np.isfinite(values)
        for at_fault, found in (
            (finite & ~np.isfinite(previous), f"happened in {{}} where {label} did not"),
            (finite & (values < previous), f"lies before {label} in {{}}"),
            (finite & (values > y.time), "lies after the end of follow-up in {}"),
        ):
            if at_fault.any():
                raise DataError(
                    found.format(counted(int(at_fault.sum()), "row")),
                    argument=changes[k % 2],
                    column=name,
                    rows=y.positions(at_fault),
                    expected="times in order, from time zero to the end of follow-up",
                    remedy="data.filter(...) once the rows have been looked at",
                )
        previous, label = values, repr(name)


def _curves(
    y: Survival, spells: Events, quantity: str, method: str, conf_level: float, conf_type: ConfType
) -> Curves:
    check_conf_level(conf_level)
    check_choice(conf_type, ConfType, argument="conf_type")
    everyone = np.arange(len(y))
    parts = [
        _one_curve(
            y.time[rows], y.event[rows], [(n, v[rows], way) for n, v, way in spells], conf_type, conf_level
        )
        for rows in (everyone[y.group.code == g] for g in range(len(y.group)))
    ]
    groups = split_groups(y)
    frame, starts = curves_frame(y.group.levels, parts)
    return Curves(
        frame=frame,
        groups_frame=counts_frame(
            y.group.levels,
            n=[float(len(one)) for one in groups],
            n_event=[part["n_event"].sum() for part in parts],
            n_censor=[part["n_censor"].sum() for part in parts],
        ),
        starts=starts,
        quantity=quantity,
        by=y.group.names,
        time=y.names["time"],
        event=y.names["event"],
        conf_level=conf_level,
        conf_type=conf_type,
        variance="robust",
        method=method,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
    )


def _one_curve(
    time: np.ndarray, died: np.ndarray, spells: Events, conf_type: str, conf_level: float
) -> dict[str, np.ndarray]:
    processes = [_process(time, died, spells, k) for k in range(len(spells))]
    if spells[-1][2] == IN:  # the last stay ends with death alone
        never = ("", np.full(len(time), np.inf), OUT)
        processes.append(_process(time, died, [*spells, never], len(spells)))
    inside = spells[0][2] == OUT
    grid = np.unique(np.concatenate([[0.0], *(p.time for p in processes), time]))
    estimate, variance = in_state(processes, float(inside), grid)
    estimate, std_error = np.clip(estimate, 0.0, 1.0), np.sqrt(variance)
    low, high = probability_limits(estimate, std_error, conf_type, conf_level)
    at = _exits(time, died, spells) if inside else _when(spells, IN)
    return {
        "time": grid,
        "n_risk": len(time) - np.searchsorted(np.sort(time), grid).astype(float),
        "n_event": np.bincount(place(at, grid), minlength=len(grid)).astype(float),
        "n_censor": np.bincount(place(time[~died], grid), minlength=len(grid)).astype(float),
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": low,
        "conf_high": high,
    }


def _when(spells: Events, wanted: int) -> np.ndarray:
    """The times at which somebody entered, or lost, the state."""
    return np.concatenate([values[np.isfinite(values)] for _, values, way in spells if way == wanted])


def _exits(time: np.ndarray, died: np.ndarray, spells: Events) -> np.ndarray:
    """The times at which somebody left the state, by a loss or by death in it."""
    changes = sum(np.isfinite(values).astype(int) for _, values, _ in spells)
    return np.concatenate([_when(spells, OUT), time[died & (changes % 2 == 0)]])


def _process(time: np.ndarray, died: np.ndarray, spells: Events, k: int) -> Process:
    """The k-th change: until it happens, death or the end of follow-up.

    Where all begin in the state, death is counted with each change (the estimate is a sum of Kaplan-Meier
    curves); otherwise only with the exits of those who are in the state, elsewhere it competes.
    """
    _, values, way = spells[k]
    happened = np.isfinite(values)
    counts = np.full(len(time), spells[0][2] == OUT)
    if spells[0][2] == IN and way == OUT:
        counts = np.isfinite(spells[k - 1][1])
    by_death = np.where(counts, 1, 2)
    return Process(np.minimum(values, time), np.where(happened, 1, np.where(died, by_death, 0)), way)
