"""Size of a population from overlapping lists, none of which is complete."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
from scipy.special import chdtrc

from ..columns import Groups, Table, group_rows, read_table
from ..errors import DataError, counted, listed, warn
from ..numerics import capture as kernel
from ..options import Missing, check_choice, check_conf_level
from ..results import Estimates
from .totals import in_groups
from .two_values import read_sizes

if TYPE_CHECKING:
    from ..columns import Column, Columns

CaptureLimits = Literal["log", "normal", "exact"]
LIMITS = {"log": kernel.log_limits, "normal": kernel.normal_limits}
METHODS = {"log": "log-normal for those missed", "normal": "normal", "exact": "exact, given both lists"}
MANY_LISTS = 5  # with more the sets of pairs are too many to try all


def capture_recapture(
    data: Any,
    *,
    lists: Sequence[Column],
    by: Columns = None,
    weights: Column | None = None,
    interactions: Sequence[tuple[str, str]] | None = None,
    conf_type: CaptureLimits = "log",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Number of persons in a population, with those on none of several lists: completeness of a register.

    Of two lists with n_1 and n_2 persons, m of them on both: n_1 n_2 / m (Lincoln and Petersen), and
    Chapman's (n_1 + 1)(n_2 + 1) / (m + 1) - 1 with less bias. These hold if the lists are independent, which
    two lists cannot show. Of three lists or more: log-linear models, in which pairs of lists may depend on
    each other (one more parameter for each); what all share, such as patients whom nobody finds, remains
    unseen.

    Persons must be recognised on every list, belong to the population and be in it throughout. Where models
    fit equally well and differ in their answer, the data do not decide.

    Parameters
    ----------
    data
        Any table: one row per person, or one per combination of lists with the number of persons as
        `weights`.
    lists
        Two or more columns, true/false or 1/0: whether the person is on the list.
    by
        One or several columns; populations of their own for each combination that occurs.
    weights
        Number of persons of a row.
    interactions
        Pairs of lists that depend on each other, for one log-linear model; [] is that of independence. None
        tries every set of pairs (up to five lists), sorted by AIC.
    conf_type
        "log": the number missed is log-normal, so that limits are above the number seen; "normal"; or, of two
        lists, "exact": the sizes that the number on both does not reject, given the lists (hypergeometric).
        With few on both, or few on one list alone, the others cover the truth less often than the level says,
        and they have no width where one list holds everybody of the other.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them.

    Returns
    -------
    Estimates
        The `by` columns, `model`, `n` (persons seen), `statistic` (deviance), `df` and `p_value` of the fit,
        `aic`, `estimate` (persons in all), `std_error`, `conf_low`, `conf_high`. Models of two lists have no
        fit.

    Raises
    ------
    DataError
        Fewer than two lists, lists other than true/false or with nobody on them, rows on no list,
        interactions that are no pairs of lists, more than five lists without `interactions`, and exact limits
        of models.

    Warns
    -----
    DataWarning
        Nobody on both of two lists; models without a finite maximum, which are left out; limits without
        width.

    References
    ----------
    Chapman DG. Univ Calif Publ Stat 1951;1:131-160. Fienberg SE. Biometrika 1972;59:591-603. Chao A.
    Biometrics 1987;43:783-791. Hook EB, Regal RR. Epidemiol Rev 1995;17:243-264.

    Examples
    --------
    A register with 410 patients and a clinic with 350, of whom 270 are in both.

    >>> import hemresearch as hem
    >>> import polars as pl
    >>> found = pl.DataFrame(
    ...     {"register": [1, 1, 0], "clinic": [1, 0, 1], "patients": [270, 140, 80]}
    ... )
    >>> hem.epidemiology.capture_recapture(found, lists=["register", "clinic"], weights="patients")
    persons in the population, n=490, events=270
      Lincoln-Petersen: 531.5 (517.2 to 553.3), n 490
      Chapman: 531.3 (517.1 to 553), n 490
    95% limits: log-normal for those missed
    """
    check_choice(conf_type, CaptureLimits, argument="conf_type")
    check_conf_level(conf_level)
    _refuse_one_list(lists)
    roles: dict[str, Columns] = {"lists": list(lists), "by": by, "weights": weights}
    table = read_table(data, roles, missing=missing)
    on_list, size, group = _read_lists(table), read_sizes(table), group_rows(table)
    names = list(table.names["lists"])
    models = _models(names, interactions)
    _refuse_exact(conf_type, models)
    _refuse_empty_lists(on_list, size, group, names)
    rows = []
    for g in range(len(group)):
        on, here = on_list[group.code == g], size[group.code == g]
        found = _populations(on, here, names, models)
        limits = _exact(on, here, conf_level) if conf_type == "exact" else None
        rows += [
            {"group": g, **row}
            for row in _with_limits(found, float(here.sum()), limits, conf_type, conf_level)
        ]
    _warn_of_no_width(rows, conf_type)
    _warn_of_lost(rows, len(models) * len(group) if models else 2 * len(group))
    frame = pl.DataFrame(rows).with_columns(pl.selectors.float().fill_nan(None))
    values = frame.drop("group")
    if group.levels.width:
        values = pl.concat([group.levels[frame["group"].to_numpy()], values], how="horizontal")
    return Estimates(
        frame=values,
        name="persons in the population",
        method=METHODS[conf_type],
        conf_level=conf_level,
        n=int(size.sum()),
        n_event=float(size[on_list.sum(axis=1) > 1].sum()),
        n_dropped=table.n_dropped,
    )


def _refuse_one_list(lists: Any) -> None:
    if isinstance(lists, list | tuple) and len(lists) > 1:
        return
    raise DataError(
        "fewer than two lists were given",
        argument="lists",
        expected="two or more columns that tell who is on each list",
        remedy="lists=['register', 'hospital']",
    )


def _read_lists(table: Table) -> np.ndarray:
    """Which lists every row is on; each is on one at least."""
    columns = table.several("lists")
    for series in columns.get_columns():
        levels = series.unique().to_list()
        if not (series.dtype == pl.Boolean or (series.dtype.is_numeric() and {*levels} <= {0, 1})):
            raise DataError(
                f"holds {series.dtype} of {counted(len(levels), 'value')}, not true/false or 1/0",
                argument="lists",
                column=series.name,
                expected="whether the person is on the list",
                remedy=f"pl.col({series.name!r}).is_not_null() where it holds a date or a number of the list",
            )
    on_list = columns.select(pl.all().cast(pl.Float64)).to_numpy()
    nowhere = on_list.sum(axis=1) == 0
    if nowhere.any():
        raise DataError(
            f"leave {counted(int(nowhere.sum()), 'row')} on none of them, who cannot have been seen",
            argument="lists",
            rows=table.positions(nowhere),
            expected="persons on one list or more",
            remedy=f"data.filter(pl.any_horizontal({', '.join(map(repr, columns.columns))}))",
        )
    return on_list


def _models(names: list[str], interactions: Any) -> list[tuple[kernel.Pair, ...]]:
    """The sets of interactions of the log-linear models; none for two lists that are taken as independent."""
    if interactions is None:
        if len(names) > MANY_LISTS:
            n_pairs = len(names) * (len(names) - 1) // 2
            raise DataError(
                f"not given, and {len(names)} lists have {2**n_pairs} sets of pairs",
                argument="interactions",
                expected="the pairs of lists that depend on each other",
                remedy=f"interactions=[({names[0]!r}, {names[1]!r})], or [] for independence",
            )
        return kernel.interaction_sets(len(names)) if len(names) > 2 else []
    known = {frozenset(pair): place for pair, place in zip(
        combinations(names, 2), combinations(range(len(names)), 2), strict=True
    )}  # fmt: skip
    given = [frozenset(pair) if isinstance(pair, list | tuple) else frozenset() for pair in interactions]
    if isinstance(interactions, str) or any(pair not in known for pair in given):
        raise DataError(
            "something other than pairs of the lists was given",
            argument="interactions",
            expected=f"pairs of {listed(map(repr, names))}",
            remedy=f"interactions=[({names[0]!r}, {names[1]!r})]",
        )
    return [tuple(sorted(known[pair] for pair in set(given)))]


def _populations(
    on_list: np.ndarray, size: np.ndarray, names: list[str], models: list[tuple[kernel.Pair, ...]]
) -> list[tuple[str, kernel.Population]]:
    """Each model with its answer, log-linear ones by their AIC."""
    if not models:
        n, n_other = size @ on_list
        both = float(size @ on_list.prod(axis=1))
        answers = kernel.lincoln_petersen(n, n_other, both), kernel.chapman(n, n_other, both)
        return list(zip(("Lincoln-Petersen", "Chapman"), answers, strict=True))
    cells = kernel.histories(len(names))
    powers = 2.0 ** np.arange(len(names))
    place = {key: i for i, key in enumerate(cells @ powers)}
    count = np.bincount([place[key] for key in on_list @ powers], size, len(cells))
    fitted = [(_model_name(names, pairs), kernel.log_linear(count, cells, pairs)) for pairs in models]
    found = [(name, answer) for name, answer in fitted if answer is not None]
    return sorted(found, key=lambda one: one[1].aic)


def _model_name(names: list[str], pairs: tuple[kernel.Pair, ...]) -> str:
    return " + ".join(f"{names[i]}:{names[j]}" for i, j in pairs) or "independence"


def _exact(on_list: np.ndarray, size: np.ndarray, conf_level: float) -> tuple[float, float]:
    n, n_other = size @ on_list
    return kernel.exact_limits(n, n_other, float(size @ on_list.prod(axis=1)), conf_level)


def _with_limits(
    found: list[tuple[str, kernel.Population]],
    seen: float,
    limits: tuple[float, float] | None,
    conf_type: str,
    conf_level: float,
) -> list[dict[str, Any]]:
    rows = []
    for name, p in found:
        low, high = limits or LIMITS[conf_type](p, seen, conf_level)
        fit = {
            "statistic": p.deviance,
            "df": p.df,
            "p_value": float(chdtrc(p.df, p.deviance)) if p.df > 0 else np.nan,
        }
        size = {"estimate": p.size, "std_error": p.std_error, "conf_low": low, "conf_high": high}
        rows.append({"model": name, "n": int(seen), **fit, "aic": p.aic, **size})
    return rows


def _refuse_exact(conf_type: str, models: list[tuple[kernel.Pair, ...]]) -> None:
    if conf_type == "exact" and models:
        raise DataError(
            "'exact' was given with log-linear models",
            argument="conf_type",
            expected="exact limits of two lists alone",
            remedy="conf_type='log'",
        )


def _refuse_empty_lists(on_list: np.ndarray, size: np.ndarray, group: Groups, names: list[str]) -> None:
    """A list with nobody on it tells nothing of who is missed."""
    people = np.array([size[group.code == g] @ on_list[group.code == g] for g in range(len(group))])
    empty = people == 0
    if empty.any():
        where = in_groups(group, empty.any(axis=1))
        raise DataError(
            f"leave nobody on {listed([n for n, none in zip(names, empty.any(axis=0), strict=True) if none])}"
            f"{where}",
            argument="lists",
            expected="lists with somebody on each" + (" in every group" if where else ""),
            remedy="the other lists" + (", or data.filter(...) to the other groups" if where else ""),
        )


def _warn_of_no_width(rows: list[dict[str, Any]], conf_type: str) -> None:
    if conf_type != "exact" and any(row["conf_low"] == row["conf_high"] for row in rows):
        warn(
            "hold everybody of one list on another: nobody seems to be missed, and limits have no width",
            argument="lists",
            expected="persons on each list alone",
            remedy="conf_type='exact' of two lists",
        )


def _warn_of_lost(rows: list[dict[str, Any]], n_models: int) -> None:
    """Say which answers are missing."""
    lost, endless = n_models - len(rows), any(np.isinf(row["estimate"]) for row in rows)
    if not rows:
        raise DataError(
            "leave no model with a finite maximum",
            argument="lists",
            expected="persons on both of each pair of lists",
            remedy="interactions=[], or lists that overlap",
        )
    if lost or endless:
        warn(
            f"leave {counted(lost, 'model')} without a finite maximum, where nobody is on both of two lists"
            if lost
            else "have nobody in common, so that Lincoln and Petersen's number is infinite",
            argument="lists",
            expected="persons on both of each pair of lists",
            remedy="the other models, which are in the answer",
        )
