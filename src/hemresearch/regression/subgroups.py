"""The effect of a treatment in subgroups, and whether it differs between them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import as_frame, group_rows, read_table
from ..design import Design, build_design, covariate_columns
from ..errors import DataError, DataWarning, counted
from ..fits import chi_squared_tail
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import Survival, read_survival
from ..personal_numbers import check_groups
from .cox import fit_cox
from .cox_fit import CoxFit, Ties
from .subgroup_result import SubgroupEffects

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates

OVERALL = "Overall"
MOST_LEVELS = 8  # a number with more values than this is continuous
TREATMENT, LEVEL, INTERACTION = "treatment", "subgroup", "treatment:subgroup"  # terms of the designs
NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
SCHEMA: dict[str, Any] = {
    "subgroup": pl.String, "level": pl.String, "n": pl.Int64, "n_event": pl.Int64,
    **dict.fromkeys((*NUMBERS, "p_interaction"), pl.Float64),
}  # fmt: skip


def subgroup_effects(
    data: Any,
    treatment: Column,
    *,
    subgroups: Columns,
    covariates: Covariates | None = None,
    time: Column,
    event: Column,
    event_value: Any = None,
    entry: Column | None = None,
    strata: Columns = None,
    weights: Column | None = None,
    cluster: Column | None = None,
    robust: bool | None = None,
    id: Column | None = None,
    ties: Ties = "efron",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> SubgroupEffects:
    """Hazard ratios of a treatment in subgroups, with a test of interaction for each subgroup variable.

    In each level of a subgroup variable a Cox model of its own gives the log hazard ratio of the treatment,
    with its own baseline hazard and its own effects of covariates. Whether the effect differs between levels
    is tested in one model of all patients with treatment, subgroup variable and covariates: a likelihood-
    ratio test of the interaction (df = levels - 1), or a Wald test where the variance is robust. That a
    treatment is "significant" in one level and not in another says nothing of a difference; the interaction
    does.

    Parameters
    ----------
    data
        Any table, as in `cox`.
    treatment
        A column with two values; the first (false, 0, the first of an Enum or in sorted order) is the
        reference.
    subgroups
        Columns with categories, fixed beforehand.
    covariates
        What else is adjusted for, as in `cox`; knots lie where they do for all patients. In the models of its
        own levels a subgroup variable is left out of them, as is what does not vary within a level.
    time, event, event_value, entry, strata, weights, cluster, robust, id, ties, conf_level
        As in `cox`.
    missing
        "raise", or "drop": rows with a missing value in a subgroup variable are left out for that variable
        only, so that its levels may add up to fewer than all.

    Returns
    -------
    SubgroupEffects
        `.to_frame()` has `subgroup` ("Overall" first), `level`, `n`, `n_event`, `estimate` (log hazard
        ratio), `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high` and, the same in all rows of a
        variable, `p_interaction`. A level without events, or with one treatment only, has no estimate and
        does not enter the test. `.plot()` draws the forest.

    Raises
    ------
    DataError
        As `cox`; a treatment without exactly two values, or a continuous subgroup variable.

    Warns
    -----
    DataWarning
        If all events of a level had one treatment, so that its hazard ratio is 0 or infinite.

    References
    ----------
    Wang R et al. N Engl J Med 2007;357:2189-2194. Pocock SJ et al. Stat Med 2002;21:2917-2930.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid")
    >>> effects = hem.regression.subgroup_effects(
    ...     trial, "trt", subgroups=["sex"], time="futime", event="death"
    ... )
    >>> effects.text()
    'hazard ratio of trt B against A 0.71 (95% CI 0.57–0.88); interaction with sex p=0.013'
    """
    check_choice(ties, Ties, argument="ties")
    check_conf_level(conf_level)
    frame = as_frame(data).lazy().collect()
    arms, name, compared = _read_treatment(frame, treatment, missing)
    frame, names = _read_subgroups(frame, subgroups)
    arm = _free(frame, TREATMENT)
    frame = frame.with_columns(arms.alias(arm))
    read: dict[str, Any] = {
        "time": time, "event": event, "event_value": event_value, "entry": entry, "strata": strata,
        "weights": weights, "cluster": cluster, "id": id, "join": False, "missing": missing,
    }  # fmt: skip
    study = _Study(frame, name, arm, covariates, read, ties, robust, conf_level)
    everybody = study.observations(None)
    whole = study.fit(everybody, study.covariate_blocks(everybody), called=name)
    rows = [_row(OVERALL, None, everybody, whole, None)]
    left_out = {}
    for column in names:
        y = study.observations(column)
        rows += _levels(study, y)
        left_out[y.group.names[0]] = y.n_dropped - everybody.n_dropped
    how = f"{whole.method}, {'robust Wald' if study.robust_in(everybody) else 'likelihood-ratio'} tests"
    return SubgroupEffects(
        frame=pl.DataFrame(rows, schema=SCHEMA),
        name=f"hazard ratio of {compared}",
        method=how,
        conf_level=conf_level,
        n=whole.n,
        n_event=whole.n_event,
        n_dropped=whole.n_dropped,
        time_unit=whole.time_unit,
        treatment=compared,
        n_missing={name: n for name, n in left_out.items() if n},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """One term of a design: its columns, and the columns of the data they come from."""

    term: str
    columns: tuple[str, ...]
    matrix: np.ndarray
    sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """The data of all models, and how each is fitted."""

    frame: pl.DataFrame
    name: str  # the treatment, as messages call it
    arm: str  # its column of 0 and 1
    covariates: Covariates | None
    read: dict[str, Any]
    ties: Ties
    robust: bool | None
    conf_level: float

    def observations(self, column: Column | None) -> Survival:
        """Everybody with a value in a subgroup variable, its levels as groups."""
        wanted = [] if self.covariates is None else covariate_columns(self.covariates, self.frame)
        return read_survival(self.frame, by=column, covariates=[self.arm, *wanted], **self.read)

    def robust_in(self, y: Survival) -> bool:
        """Whether the variance is robust."""
        return y.uses_robust_variance(self.robust) and self.ties != "exact"

    def covariate_blocks(self, y: Survival) -> list[_Block]:
        """The design of the covariates of all these rows, term by term."""
        if self.covariates is None:
            return []
        rest = y.covariates.drop(self.arm)
        request = self.covariates if isinstance(self.covariates, str) else rest.columns
        design = build_design(rest, request, rows=y.row, evaluated=True)
        blocks = []
        for (term, at), factors in zip(design.terms.items(), design.request.terms, strict=True):
            sources = frozenset(name for factor in factors for name in factor.columns)
            blocks.append(_Block(term, design.columns[at], design.matrix[:, at], sources))
        return blocks

    def fit(
        self, y: Survival, covariates: list[_Block], *, level: str = "", called: str = TREATMENT
    ) -> CoxFit:
        """The model of treatment and covariates, with the levels and their interaction where asked for.

        `called` is the name of the treatment's coefficient.
        """
        arm = y.covariates.select(pl.col(self.arm).cast(pl.Float64).alias(TREATMENT))
        head = build_design(arm, [TREATMENT], rows=y.row, evaluated=True)
        blocks = [_Block(TREATMENT, (called,), head.matrix), *_level_blocks(y, head.matrix, level)]
        return fit_cox(
            y, _joined(head, [*blocks, *covariates]), ties=self.ties, ridge=None, robust=self.robust,
            conf_level=self.conf_level,
        )  # fmt: skip


def _level_blocks(y: Survival, arm: np.ndarray, level: str) -> list[_Block]:
    """What the subgroup variable adds: nothing, its levels, or these and their interaction."""
    if not level:
        return []
    names = y.group.labels()[1:]
    code = (y.group.code[:, None] == np.arange(1, len(y.group))).astype(float)
    free = [j for j in range(len(names)) if _varies_within(y.stratum.code, code[:, j])]
    main = _Block(LEVEL, tuple(f"{LEVEL}[{names[j]}]" for j in free), code[:, free])
    if level == LEVEL:
        return [main]
    both = tuple(f"{TREATMENT}:{LEVEL}[{name}]" for name in names)
    return [main, _Block(INTERACTION, both, code * arm)]


def _varies_within(stratum: np.ndarray, column: np.ndarray) -> bool:
    """Whether an indicator differs within any stratum; one that does not is in the baseline hazards."""
    share = np.bincount(stratum, column) / np.bincount(stratum)
    return bool(((share > 0) & (share < 1)).any())


def _that_add(blocks: list[_Block], rows: np.ndarray, known: np.ndarray) -> list[_Block]:
    """The covariates of some rows, without columns that follow from others or from `known` ones there."""
    kept: list[np.ndarray] = []
    for column in known.T:
        _adds(kept, column)
    found = []
    for block in blocks:
        part = block.matrix[rows]
        use = [j for j in range(part.shape[1]) if _adds(kept, part[:, j])]
        if use:
            names = tuple(block.columns[j] for j in use)
            found.append(_Block(block.term, names, part[:, use], block.sources))
    return found


def _adds(kept: list[np.ndarray], column: np.ndarray) -> bool:
    """Whether a column does not follow from those kept before; if so it is kept too (orthogonalised)."""
    rest = column - column.mean()
    size = np.linalg.norm(rest)
    for _ in range(2):  # the second time takes off what rounding left
        for other in kept:
            rest = rest - other * (other @ rest)
    if np.linalg.norm(rest) <= 1e-9 * max(size, 1e-300 + np.abs(column).max()):
        return False
    kept.append(rest / np.linalg.norm(rest))
    return True


def _joined(head: Design, blocks: list[_Block]) -> Design:
    """One design of several blocks of columns."""
    terms, start = {}, 0
    for block in blocks:
        terms[block.term] = slice(start, start + len(block.columns))
        start += len(block.columns)
    columns = tuple(name for block in blocks for name in block.columns)
    matrix = np.ascontiguousarray(np.column_stack([block.matrix for block in blocks]))
    return replace(head, matrix=matrix, columns=columns, terms=terms)


def _levels(study: _Study, y: Survival) -> list[dict[str, Any]]:
    """The rows of one subgroup variable."""
    variable, blocks = y.group.names[0], study.covariate_blocks(y)
    rows = [y.group.code == k for k in range(len(y.group))]
    parts = [y.take(mask) for mask in rows]
    usable = np.array([_can_be_fitted(study, part) for part in parts])
    others = [block for block in blocks if variable not in block.sources]
    labels = y.group.labels()
    fits = [
        study.fit(
            part,
            _that_add(others, mask, np.empty((len(part), 0))),
            called=f"{study.name} in {variable} {label}",
        )
        if fine
        else None
        for part, mask, fine, label in zip(parts, rows, usable, labels, strict=True)
    ]
    p = _interaction(study, y, usable[y.group.code], blocks) if usable.sum() > 1 else None
    return [_row(variable, label, part, fit, p) for label, part, fit in zip(labels, parts, fits, strict=True)]


def _can_be_fitted(study: _Study, part: Survival) -> bool:
    """Whether there are events, and both treatments."""
    return bool(part.event.any()) and part.covariates[study.arm].n_unique() == 2


def _interaction(study: _Study, y: Survival, rows: np.ndarray, blocks: list[_Block]) -> float | None:
    """The p-value of treatment by level, among rows of levels that tell something of the treatment."""
    variable, part = y.group.names[0], y.take(rows)
    part = replace(part, group=part.group.occurring())
    levels = (part.group.code[:, None] == np.arange(1, len(part.group))).astype(float)
    others = _that_add([block for block in blocks if block.sources != {variable}], rows, levels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of an infinite effect the model of the level has told
        both = study.fit(part, others, level=INTERACTION)
        if study.robust_in(part):
            tests = both.term_tests().filter(pl.col("term") == INTERACTION)
            return float(tests["p_value"][0])
        main = study.fit(part, others, level=LEVEL)
    return chi_squared_tail(2 * (both.log_likelihood - main.log_likelihood), both.df - main.df)


def _row(
    subgroup: str, level: str | None, y: Survival, fit: CoxFit | None, p: float | None
) -> dict[str, Any]:
    """One level: counts, and the effect of the treatment where there is one."""
    n = len(y) if y.patient is None else len(np.unique(y.patient))
    row = {"subgroup": subgroup, "level": level, "n": n, "n_event": int(y.event.sum()), "p_interaction": p}
    effect = dict.fromkeys(NUMBERS) if fit is None else fit.to_frame().select(NUMBERS).row(0, named=True)
    return row | effect


def _read_treatment(frame: pl.DataFrame, treatment: Column, missing: Missing) -> tuple[pl.Series, str, str]:
    """The treatment as 0 and 1 (null where missing), its name, and what is compared in words."""
    table = read_table(frame, {"treatment": treatment}, missing=missing)
    groups = group_rows(table, "treatment")
    if len(groups) != 2:
        raise DataError(
            f"has {counted(len(groups), 'value')}",
            argument="treatment",
            column=table.name("treatment"),
            expected="two treatments, the first of which (in sorted or Enum order) is the reference",
            remedy="data.filter(pl.col(...).is_in([...])) for two of them",
        )
    check_groups(groups.levels, "treatment")
    code = np.full(frame.height, np.nan)
    code[slice(None) if table.row is None else table.row] = groups.code
    reference, other = groups.labels()
    name = table.name("treatment")
    return pl.Series(code).fill_nan(None), name, f"{name} {other} against {reference}"


def _read_subgroups(frame: pl.DataFrame, subgroups: Columns) -> tuple[pl.DataFrame, list[str]]:
    """The data with the subgroup variables as columns, and their names."""
    if subgroups is None or (isinstance(subgroups, list | tuple) and not subgroups):
        raise DataError(
            "no column was given",
            argument="subgroups",
            expected="columns with categories",
            remedy="subgroups=['sex', 'risk']",
        )
    table = read_table(frame, {"subgroups": subgroups}, nullable=("subgroups",))
    names, columns = list(table.names["subgroups"]), table.several("subgroups")
    for name in names:
        _check_categories(columns[name], name)
        if name in frame.columns and not columns[name].equals(frame[name], null_equal=True):
            raise DataError(
                "is also the name of a column with other values",
                argument="subgroups",
                column=name,
                expected="an expression with a name of its own",
                remedy=f"subgroups=[(...).alias('{name}_group')]",
            )
    return frame.with_columns(columns), names


def _check_categories(values: pl.Series, name: str) -> None:
    """Refuse what is continuous."""
    n = values.drop_nulls().n_unique()
    if values.dtype.is_temporal() or (values.dtype.is_numeric() and n > MOST_LEVELS):
        raise DataError(
            f"holds dates or times ({values.dtype})"
            if values.dtype.is_temporal()
            else f"holds numbers with {n} different values",
            argument="subgroups",
            column=name,
            expected="categories that were fixed beforehand",
            remedy=f"subgroups=[(pl.col({name!r}) >= cut).alias('{name}_group')], for a cut known beforehand",
        )


def _free(frame: pl.DataFrame, name: str) -> str:
    """A name that no column has."""
    while name in frame.columns:
        name += "_"
    return name
