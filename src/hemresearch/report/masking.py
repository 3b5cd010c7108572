"""Disclosure control: small counts are hidden before a table or a curve leaves the research environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..cohort import TableOne
from ..errors import DataError
from ..options import check_number
from ..results import Curves
from .counts import Layout, layout
from .cut_curves import cut_curves
from .regression_cells import model_masks
from .sources import tidy_frame
from .suppression import hidden_cells
from .table_one import check_no_options, table_one_masks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .regression_cells import Models
    from .tables import Table

COUNTS = ("n", "n_risk", "n_event", "n_censor", "n_missing", "observed")
# Columns that place a row; what else is a decimal number in a row could give its count away.
PLACES = ("time", "quantile", "tau", "age", "conf_level", "person_time")


def disclosure(
    item: Any,
    *,
    counts: str | Sequence[str] | None = None,
    rows: str | None = None,
    columns: str | None = None,
    by: str | Sequence[str] | None = None,
    total: str | None = None,
    threshold: float = 5,
    margins: bool | str = True,
    mask_zeros: bool = False,
    derived: str | Sequence[str] | None = None,
) -> Any:
    """Hide small counts, and as many others as it takes that nobody can work them out.

    Counts from 1 to `threshold - 1` are hidden. If totals are known, further counts are hidden until a reader
    who subtracts what is shown from the totals learns no more about a hidden small count than that it is
    small: it can still be any number from 1 to `threshold - 1`, or as many of these as the totals allow, and
    no hidden count can be worked out exactly. The fewest counts are sought, the smallest first, totals last;
    the search is a good heuristic, not an optimum. Hidden small counts and those hidden with them look alike.

    Relations that are not in the table are not known here: a count that also stands in another table, a
    difference between two times of one curve, a percentage typed into a text.

    Parameters
    ----------
    item
        A frame, a result, a `Table` made by `hem.report.table`, or `Curves`. A table of regressions knows
        that the levels of a factor add up to all patients and events. A Table 1 knows its own counts, totals
        and percentages; where the numbers of few patients are hidden (mean, median, ...), so are those
        of all groups together and the difference.

        Each curve is cut after the last time at which at least `threshold` are at risk before it and remain
        after it (or nobody does, where the curve is complete): beyond `.cut_at` it is null, and its events
        and censored are counted until then. Where fewer are at risk at first, because of delayed entry, all
        curves begin where enough are, for those still observed then (a new `start_time`, with a warning).
        Only risk sets are protected: a single event at a time, which every step shows, is not.
    counts
        The columns of counts; by default those of `n`, `n_risk`, `n_event`, `n_censor`, `n_missing` and
        `observed` that are there. Several columns that add up to another of them, or to one constant in
        every row of a group (a risk table), are treated as cells with a row total.
    rows, columns
        For one column of counts in long form: the two columns that make it a two-way table. With neither,
        the rows of the frame are one list of counts with one total.
    by
        Columns that separate tables with totals of their own (by default `time`, `variable`, `cause`, `state`
        and `from_state`, where they are there).
    total
        The column of counts that is the sum of the others; found if it is there.
    threshold
        The smallest count that may be shown.
    margins
        True: readers know the totals of rows and columns, though they are not in the frame. A label (such as
        "Overall"): the totals are the rows of the frame with this label, and may be hidden too. False: nobody
        knows any total, and only the small counts are hidden.
    mask_zeros
        Also hide zeros.
    derived
        Columns to hide along with a count of their row; by default every decimal column that is not a place
        (`time`, `quantile`, ...), because 2 of 40 can be read from 5.0 %. `[]` keeps them all.

    Returns
    -------
    polars.DataFrame, Table or Curves
        A frame has null where a count was hidden; a table has `*` there and a footnote that says so.

    Raises
    ------
    DataError
        If there are no counts, a count is negative or missing, totals do not add up, or known totals give a
        small count away whatever is hidden. If a group of curves never has enough at risk, curves with
        robust variance, several causes or several rows per patient have too few at risk at first, or a
        confidence band would have to be cut. For curves of states, which show how few are in one, and of some
        causes only under delayed entry.

    Warns
    -----
    DataWarning
        If the curves begin later than before.

    References
    ----------
    Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4. Gusfield D, SIAM J Comput
    1988;17:552-571, for tables as networks.

    Examples
    --------
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> remission = pl.DataFrame(
    ...     {"arm": list("AABBCC"), "remission": ["yes", "no"] * 3, "n": [30, 2, 25, 11, 40, 9]}
    ... )
    >>> hem.report.disclosure(remission, counts="n", rows="arm", columns="remission")["n"].to_list()
    [None, None, None, None, 40, 9]
    """
    check_number(threshold, argument="threshold", above=1, expected="a number above 1", example=5)
    if isinstance(item, Curves):
        return cut_curves(item, threshold)
    options = _Options(
        _names(counts),
        rows,
        columns,
        _names(by),
        total,
        float(threshold),
        margins,
        mask_zeros,
        _names(derived),
    )
    from .tables import Table

    if isinstance(item, Table):
        return _masked_table(item, options)
    if isinstance(item, TableOne):
        return _with_nulls(item.to_frame(), _table_one_masks(item, options))
    frame = tidy_frame(item)
    return _with_nulls(frame, _masks(frame, options))


@dataclass(frozen=True, slots=True)
class _Options:
    counts: tuple[str, ...] | None
    rows: str | None
    columns: str | None
    by: tuple[str, ...] | None
    total: str | None
    threshold: float
    margins: bool | str
    mask_zeros: bool
    derived: tuple[str, ...] | None


def _names(value: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return None if value is None else (value,) if isinstance(value, str) else tuple(value)


def _masks(frame: pl.DataFrame, o: _Options) -> dict[str, np.ndarray]:
    """Which rows are hidden in each column that hides something."""
    counts = o.counts or tuple(c for c in COUNTS if c in frame.columns)
    tables = layout(frame, counts, rows=o.rows, columns=o.columns, by=o.by, total=o.total, margins=o.margins)
    masks = {name: np.zeros(frame.height, dtype=bool) for name in counts}
    for one in tables:
        for row, name in _hidden(one, o):
            masks[name][row] = True
    any_count = np.any(list(masks.values()), axis=0)
    return {**masks, **{name: any_count.copy() for name in _derived(frame, counts, o)}}


def _hidden(one: Layout, o: _Options) -> list[tuple[int, str]]:
    hidden, given_away = hidden_cells(one.network(o.threshold, o.mask_zeros))
    if given_away:
        raise DataError(
            "holds small counts that the known totals give away whatever else is hidden",
            argument="margins",
            column=one.places[given_away[0]][1],
            rows=sorted(one.places[c][0] for c in given_away),
            expected="totals that leave more than one possibility",
            remedy="margins=False if nobody knows the totals, mask_zeros=True, or combine categories first",
        )
    return [one.places[c] for c in sorted(hidden)]


def _table_one_masks(one: TableOne, o: _Options) -> dict[str, np.ndarray]:
    names = ("counts", "rows", "columns", "by", "total", "derived")
    own = {name: getattr(o, name) for name in names}
    own["margins"] = None if o.margins is True else o.margins
    check_no_options(own, "hem.report.disclosure(table_one, threshold=5)")
    return table_one_masks(one, lambda layout: _hidden(layout, o), o.threshold)


def _model_masks(models: Models, o: _Options) -> dict[str, np.ndarray]:
    names = ("counts", "rows", "columns", "by", "total")
    check_no_options(
        {name: getattr(o, name) for name in names},
        "hem.report.disclosure(table, threshold=5)",
        "a regression",
    )
    return model_masks(
        models, lambda frame, counts: _masks(frame, replace(o, counts=counts, by=("variable",)))
    )


def _derived(frame: pl.DataFrame, counts: tuple[str, ...], o: _Options) -> tuple[str, ...]:
    if o.derived is not None:
        return o.derived
    kept = {*counts, *(o.by or ()), o.rows, o.columns, *PLACES}
    return tuple(c for c, dtype in frame.schema.items() if dtype.is_float() and c not in kept)


def _with_nulls(frame: pl.DataFrame, masks: dict[str, np.ndarray]) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.Series(mask)).then(None).otherwise(pl.col(name)).alias(name)
        for name, mask in masks.items()
    )


def _masked_table(item: Table, o: _Options) -> Table:
    from .compose import compose

    if item.source is None:
        raise DataError(
            "a table that was put together from text was given",
            argument="item",
            expected="a frame, a result, or a table made by hem.report.table",
            remedy="hem.report.disclosure(frame) before the numbers become text",
        )
    one, models = item.source.table_one, item.source.models
    if models is not None:
        masks = _model_masks(models, o)
    else:
        masks = _masks(item.source.frame, o) if one is None else _table_one_masks(one, o)
    note = (
        f"* Fewer than {o.threshold:g}, or withheld so that such a count cannot be derived."
        if any(mask.any() for mask in masks.values())
        else None
    )
    shown = compose(replace(item.source, masks=masks))
    return replace(shown, id=item.id, footnotes=(*item.footnotes, *((note,) if note else ())))
