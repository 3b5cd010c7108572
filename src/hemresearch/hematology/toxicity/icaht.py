"""What the gradings of hematotoxicity after immune effector cells are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cytopenia import durations_of, never_above
from .nadir import CONFIRMED_AT, lowest_two
from .rows import given_back, nulled
from .series import daily, read_series

if TYPE_CHECKING:
    from ...columns import Column
    from ...options import Missing
    from .blood_units import BloodUnit

EARLY, LATE = (0, 30), (31, 100)
SEVERE, PROFOUND = 0.5, 0.1  # 10^9/L
JOINED, LONGEST = 3, 7  # days of a recovery, and of a gap that is filled


def icaht_inputs(
    data: Any,
    *,
    id: Column,
    value: Column,
    day: Column | None = None,
    date: Column | None = None,
    start: Column | None = None,
    until: Column | None = None,
    late_until: Column | None = None,
    unit: BloodUnit,
    missing: Missing = "raise",
) -> Any:
    """Durations and nadir of neutrophils for the gradings of early and late ICAHT, one row per patient.

    Immune effector cell-associated hematotoxicity is graded early by the longest time with neutrophils at or
    below 0.5 and 0.1 x 10^9/L on days 0 to 30, late by their nadir that is not transient after day 30 (here
    to day 100). The rules are the defaults of `cytopenia_duration` and `nadir`.

    Parameters
    ----------
    id, day, date, start, unit, missing
        As in `cytopenia_duration`; time zero is the infusion of the cells.
    value
        Neutrophils.
    until
        The last day (or date) of follow-up; null for none within 100 days.
    late_until
        The day (or date) of progression or of the next therapy, whichever is first, after which late toxicity
        is not looked for; null for neither.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The id and, as `scores.icaht_early` and `scores.icaht_late` take them, `days_anc_le_0_5`,
        `days_anc_le_0_1`, `never_above_0_5` and `lowest_confirmed_anc_1e9_per_l`; and `days_known`
        (of days 0 to 30, measured or filled): with many unknown the durations are least ones. Null
        where nothing is known, which is not grade 0.

    Raises
    ------
    DataError
        As `cytopenia_duration`.

    References
    ----------
    Rejeski K, et al. Blood 2023;142:865-877. Liang EC. Automated approach to grade early and late ICAHT by
    EHA/EBMT criteria (github.com/emilyliangmd/automatedicahtgrading).

    Examples
    --------
    >>> import polars as pl
    >>> counts = pl.DataFrame(
    ...     {
    ...         "patient": ["A"] * 5,
    ...         "day": [0, 5, 12, 19, 40],
    ...         "neutrophils": [3000, 50, 450, 2000, 1200],
    ...     }
    ... )
    >>> inputs = icaht_inputs(counts, id="patient", value="neutrophils", day="day", unit="cells/uL")
    >>> inputs.rows()
    [('A', 8, 1, False, 1.2, 20)]
    >>> import hemresearch as hem
    >>> scores = hem.hematology.scores
    >>> inputs.select(scores.icaht_early().struct.field("group")).to_series().to_list()
    ['grade 2']
    """
    series = read_series(
        data, id=id, value=value, day=day, date=date, start=start, unit=unit, missing=missing,
        limits={"until": until, "late_until": late_until},
    )  # fmt: skip
    last = series.ends(EARLY, "until")
    values = series.lowest(EARLY, last)
    severe, profound = (
        daily(values, last, level, joined_gap=JOINED, longest_gap=LONGEST) for level in (SEVERE, PROFOUND)
    )
    late = lowest_two(series, LATE, CONFIRMED_AT, "until", "late_until")
    unknown = severe.last_known < 0
    result = series.rows.one_each(
        days_anc_le_0_5=durations_of(severe)["days_longest"],
        days_anc_le_0_1=durations_of(profound)["days_longest"],
        never_above_0_5=nulled(never_above(severe, EARLY[0]), unknown),
        lowest_confirmed_anc_1e9_per_l=late["confirmed_nadir"],
        days_known=severe.known.sum(axis=1),
    )
    return given_back(result, data)
