"""Rates: events per person-time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import warn
from ..numerics.count_limits import POISSON
from ..options import Missing, check_choice, check_conf_level, check_number
from ..results import Estimates
from .totals import Totals, in_groups, read_totals, told_per

if TYPE_CHECKING:
    from ..columns import Column, Columns

RateLimits = Literal["exact", "byar", "log", "normal", "midp"]
METHODS: dict[RateLimits, str] = {
    "exact": "exact (Garwood) of a Poisson count",
    "byar": "Byar's approximation of the exact ones",
    "log": "normal on the log scale",
    "normal": "normal",
    "midp": "mid-p of a Poisson count",
}
OF_ALL = ("log", "normal")  # those that say nothing where nothing happened


def rate(
    data: Any,
    *,
    events: Column,
    person_time: Column,
    by: Columns = None,
    per: float = 1.0,
    conf_type: RateLimits = "exact",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Events per person-time, one row per group of `by`: incidence and mortality rates.

    Rows are added up within a group first, so that the rows may be persons, or cells of a table such as
    `person_time` makes. The limits take the number of events for a Poisson count, as in a population, or for
    events that happen once. Where one patient may have several, rates differ between patients, and
    `hem.recurrent.event_rate` is the answer.

    Parameters
    ----------
    data
        Any table.
    events
        The number of events in the row, or true/false.
    person_time
        The time in which they were seen, in any one unit (durations: days).
    by
        One or several columns; a separate rate for each combination that occurs.
    per
        Person-time that the rate is told for: 1000 for events per 1000 units.
    conf_type
        "exact" (Garwood) covers at least `conf_level`. "byar" approximates it closely; "midp" counts the
        observed number half, is narrower, and covers about `conf_level`. "log" and "normal" are for large
        counts; the lower limit of "normal" may be negative.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `n_event`, `person_time`, `estimate`, `std_error`, `conf_low`, `conf_high`; the
        rates are per `per`.

    Raises
    ------
    DataError
        Counts that are none; negative person-time, events in none, groups without any.

    Warns
    -----
    DataWarning
        A group without events, of which "log" and "normal" say nothing.

    References
    ----------
    Garwood F. Biometrika 1936;28:437-442. Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC
    1987 (Byar's limits, p. 69). Cohen GR, Yang SY. Stat Med 1994;13:2189-2203 (mid-p).

    Examples
    --------
    Coronary heart disease per 1000 person-years, by energy intake.

    >>> import hemresearch as hem
    >>> diet = hem.data.load("diet")
    >>> hem.epidemiology.rate(diet, events="chd", person_time="y", by="energy.grp", per=1000)
    rate per 1000 units of person-time, events=46
      energy.grp=<=2750 KCals: 13.6 (9.034 to 19.65)
      energy.grp=>2750 KCals: 7.075 (4.193 to 11.18)
    95% limits: exact (Garwood) of a Poisson count
    """
    check_choice(conf_type, RateLimits, argument="conf_type")
    check_conf_level(conf_level)
    check_number(per, argument="per", above=0, expected="person-time above 0", example=1000.0)
    t = read_totals(data, events=events, person_time=person_time, by=by, missing=missing)
    if conf_type in OF_ALL:
        _warn_without_events(t, conf_type)
    low, high = POISSON[conf_type](t.events, conf_level)
    scale = per / t.person_time
    return Estimates(
        frame=t.frame(
            estimate=t.events * scale,
            std_error=np.sqrt(t.events) * scale,
            conf_low=low * scale,
            conf_high=high * scale,
        ),
        name=f"rate per {told_per(per, t.time_unit)}",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=None,
        n_event=float(t.events.sum()),
        n_dropped=t.n_dropped,
        time_unit=t.time_unit,
    )


def _warn_without_events(t: Totals, conf_type: str) -> None:
    none = t.events == 0
    if not none.any():
        return
    what = "has no limits" if conf_type == "log" else "has limits of no width"
    warn(
        f"nothing happened{in_groups(t.group, none)}, and a rate of 0 {what}",
        argument="conf_type",
        expected="events in every group",
        remedy="conf_type='exact'",
    )
