"""Target joints: joints that bleed again and again, from when until when."""

from __future__ import annotations

from typing import Any

import polars as pl

from ...columns import Column, Columns, Table, as_frame, group_rows, read_table
from ...errors import DataError, counted
from ...events import read_event
from ...numerics.target_joints import NEVER, spells
from ...times import check_dates, whole_days

MADE = ("first_bleed", "since", "resolved")


def target_joints(
    data: Any,
    *,
    id: Column,
    joint: Columns,
    bleed: Column,
    spontaneous: Column,
    end: Column,
    bleeds: int = 3,
    months: int = 6,
    resolved_bleeds: int = 2,
    resolved_months: int = 12,
) -> Any:
    """Joints that became target joints, with the dates from which and until which they were.

    A joint is a target joint from the bleed that is the third spontaneous one within 6 consecutive months. It
    no longer is one once there were no more than 2 bleeds of any cause in it within 12 consecutive months
    after that. Later it can become one again.

    Parameters
    ----------
    data
        One row per new bleed (`new_bleeds`) into a joint; several rows of a joint on one day are several
        bleeds.
    id
        The patient.
    joint
        Which joint: one or several columns (joint and side).
    bleed
        Date of the bleed; a Datetime counts as its day.
    spontaneous
        Whether it was spontaneous (Boolean or 0/1).
    end
        Date until which bleeds of the patient were recorded, as a column or as `pl.lit(date(2024, 12, 31))`:
        without bleeds known, a joint cannot be seen to be clear.
    bleeds, months
        How many spontaneous bleeds within how many calendar months. A bleed on the day six months after
        another one is in the next six months.
    resolved_bleeds, resolved_months
        At most how many bleeds within how many calendar months. The months begin on the day after the joint
        became a target joint, or after a later bleed.

        These numbers are ascribed to the definitions of the ISTH (Blanchette 2014); state what the protocol
        says.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        One row for each time that a joint was a target joint: the patient, the `joint` columns, `first_bleed`
        (of those that made it one), `since`, and `resolved` (null if it had not by `end`). Lazy if the data
        were.

    Raises
    ------
    DataError
        For columns without dates, missing values, bleeds after `end`, numbers that are not whole, and names
        that are taken.

    References
    ----------
    Blanchette VS, Key NS, Ljung LR, et al. J Thromb Haemost 2014;12:1935-1939.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> bleeds = pl.DataFrame(
    ...     {
    ...         "id": 1,
    ...         "joint": "left ankle",
    ...         "bleed": [date(2020, 1, 10), date(2020, 3, 2), date(2020, 5, 20), date(2021, 1, 8)],
    ...         "spontaneous": True,
    ...     }
    ... )
    >>> joints = target_joints(
    ...     bleeds, id="id", joint="joint", bleed="bleed", spontaneous="spontaneous",
    ...     end=pl.lit(date(2022, 12, 31)),
    ... )
    >>> [str(day) for day in joints.row(0)[2:]]
    ['2020-01-10', '2020-05-20', '2021-05-20']
    """
    for value, name, example in (
        (bleeds, "bleeds", 3), (months, "months", 6), (resolved_bleeds, "resolved_bleeds", 2),
        (resolved_months, "resolved_months", 12),
    ):  # fmt: skip
        _check_whole(value, name, example)
    frame = as_frame(data)
    whole = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    table, rows = _read(whole, id, joint, bleed, spontaneous, end)
    rows = rows.sort("joint", "bleed", maintain_order=True)
    rows = _clear(_begins(rows, bleeds, months), resolved_bleeds, resolved_months)
    first, ended = spells(*(rows[name].to_numpy() for name in ("joint", "begins", "day", "clear")))
    found = rows[first].with_columns(resolved=pl.Series(ended)).select(
        "row", "first_bleed", since="bleed",
        resolved=pl.when(pl.col("resolved") < NEVER).then("resolved").cast(pl.Int32).cast(pl.Date),
    )  # fmt: skip
    labels = table.several("id").hstack(table.several("joint").get_columns())[found["row"]]
    result = labels.hstack(found.drop("row").get_columns())
    return result.lazy() if isinstance(data, pl.LazyFrame) else result


def _read(
    whole: pl.DataFrame, id: Column, joint: Columns, bleed: Column, spontaneous: Column, end: Column
) -> tuple[Table, pl.DataFrame]:
    """The number of the joint of each row, the day of the bleed, its cause, and the end of observation."""
    roles: dict[str, Columns] = {
        "id": id, "joint": joint, "bleed": bleed, "spontaneous": spontaneous, "end": end,
    }  # fmt: skip
    table = read_table(whole, roles)
    _check_names(table)
    for role in ("bleed", "end"):
        name = table.name(role)
        check_dates(table.series(role), role, name, f"{role}=pl.col({name!r}).str.to_date()")
    joints = group_rows(table, "joint")
    rows = pl.DataFrame(
        {
            "joint": group_rows(table, "id").code * len(joints) + joints.code,
            "bleed": whole_days(table.series("bleed")),
            "end": whole_days(table.series("end")),
            "spontaneous": read_event(table, role="spontaneous", may_declare=False),
        }
    ).with_row_index("row")
    late = rows["bleed"] > rows["end"]
    if late.any():
        raise DataError(
            f"is before the bleed in {counted(int(late.sum()), 'row')}",
            argument="end",
            column=table.name("end"),
            rows=late.arg_true(),
            expected="the date until which bleeds were recorded, on or after the last one",
            remedy="end=pl.lit(date(2024, 12, 31)), the end of the study",
        )
    return table, rows


def _check_names(table: Table) -> None:
    if "joint" not in table:
        raise DataError(
            "None was given",
            argument="joint",
            expected="the column that tells which joint it was",
            remedy="joint='joint'",
        )
    for name in (table.name("id"), *table.names["joint"]):
        if name in MADE:
            raise DataError(
                "is the name of a column that is made here",
                argument="joint",
                column=name,
                expected=f"other names than {', '.join(MADE)}",
                remedy=f"pl.col({name!r}).alias('joint')",
            )


def _check_whole(value: Any, argument: str, example: int) -> None:
    least = 0 if argument == "resolved_bleeds" else 1
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return
    raise DataError(
        f"{value!r} was given",
        argument=argument,
        expected=f"a whole number of {least} or more",
        remedy=f"{argument}={example}",
    )


def _begins(rows: pl.DataFrame, bleeds: int, months: int) -> pl.DataFrame:
    """Whether a bleed is the last of enough spontaneous ones within the months, and the first of them."""
    first = rows.filter("spontaneous").select("row", first_bleed=_of_joint("bleed", bleeds - 1))
    return rows.join(first, on="row", how="left", maintain_order="left").with_columns(
        begins=(pl.col("bleed") < pl.col("first_bleed").dt.offset_by(f"{months}mo")).fill_null(False)
    )


def _clear(rows: pl.DataFrame, most: int, months: int) -> pl.DataFrame:
    """The day on which the joint is clear, counting from each bleed; `NEVER` if it does not become so."""
    over, after = _of_joint("bleed", -(most + 1)), pl.col("bleed").dt.offset_by(f"{months}mo")
    is_clear = (after <= pl.col("end")) & (over > after).fill_null(True)
    day = pl.col("bleed").cast(pl.Int32).cast(pl.Int64)
    return rows.with_columns(
        day=day,
        clear=pl.when(is_clear).then(after.cast(pl.Int32).cast(pl.Int64)).otherwise(pl.lit(NEVER)),
    )


def _of_joint(name: str, n: int) -> pl.Expr:
    """The value `n` rows before in rows that are in the order of joints; null if that is another joint."""
    return pl.when(pl.col("joint").shift(n) == pl.col("joint")).then(pl.col(name).shift(n))
