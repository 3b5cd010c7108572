"""Categories of response from the measurements that define them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ...columns import as_frame
from ...options import check_choice
from .reading import hand_back, read_flag, read_quantity, read_single
from .scales import NOT_EVALUABLE, SCALES

if TYPE_CHECKING:
    from ...columns import Column

BothLow = Literal["CRi", "MLFS"]
CELLS = "10^9/L"
MOST_CELLS = {"neutrophils": 1_000.0, "platelets": 10_000.0}  # above it they are counted in a microlitre
# The highest BCR::ABL1 of each category, % on the international scale.
MOLECULAR: dict[str, float] = {"MR4.5": 0.0032, "MR4": 0.01, "MMR": 0.1, "<=1%": 1.0, "<=10%": 10.0}


def eln_aml(
    data: Any,
    *,
    blasts: Column,
    neutrophils: Column,
    platelets: Column,
    circulating_blasts: Column,
    extramedullary: Column,
    baseline_blasts: Column | None = None,
    both_low: BothLow,
    name: str = "response",
) -> Any:
    """Response of acute myeloid leukaemia by the criteria of ELN 2022, one assessment per row.

    With fewer than 5 % blasts in the marrow, none in the blood and no extramedullary disease: CR with
    neutrophils of at least 1.0 and platelets of at least 100 x 10^9/L; else CRh with at least 0.5 and 50;
    else CRi with residual neutropenia (below 1.0) or thrombocytopenia (below 100); else MLFS, which asks for
    no recovery. PR has the blood of CR (neutrophils, platelets, no blasts), 5 to 25 % blasts in the marrow
    and at most half of those before treatment. All else is no response (NR). Who lacks a measurement on which
    the category depends is not evaluable (NE).

    Parameters
    ----------
    data
        One row per assessment.
    blasts, baseline_blasts
        In the marrow, %, now and before treatment. Without `baseline_blasts` nobody has a PR.
    neutrophils, platelets
        In 10^9/L.
    circulating_blasts, extramedullary
        Whether there were any, true/false or 1/0; `pl.lit(False)` says that nobody had.
    both_low
        What to call a patient without CRh whose neutrophils are below 1.0 and platelets below 100: "CRi"
        takes the "or" of the criteria as it is written (then nobody has an MLFS by counts), "MLFS" asks for
        the recovery of one of the two. State it in the protocol.
    name
        Of the new column.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (lazy if they were) with the category, of type `scale("eln_aml")`.

    Raises
    ------
    DataError
        For values that no such measurement has (blasts above 100 %, counts in a microlitre), flags that are
        none, an unknown `both_low`, and a name that is taken.

    Notes
    -----
    That the marrow is not merely aplastic (200 cells counted, or a cellularity of 10 %), and measurable
    residual disease, are not looked at.

    References
    ----------
    Döhner H et al. Blood 2022;140:1345-1377, whose definitions are reprinted alike in Table 1 of Blood Adv
    2024;8:1281.

    Examples
    --------
    >>> marrow = pl.DataFrame(
    ...     {"blasts": [2, 3, 1, 12], "anc": [1.0, 0.6, 0.2, 1.4], "plt": [100, 60, 20, 150]}
    ... )
    >>> eln_aml(
    ...     marrow,
    ...     blasts="blasts",
    ...     neutrophils="anc",
    ...     platelets="plt",
    ...     circulating_blasts=pl.lit(False),
    ...     extramedullary=pl.lit(False),
    ...     baseline_blasts=pl.lit(60),
    ...     both_low="MLFS",
    ... )["response"].to_list()
    ['CR', 'CRh', 'MLFS', 'PR']
    """
    check_choice(both_low, BothLow, argument="both_low")
    frame = as_frame(data)
    roles: dict[str, Column | None] = {
        "blasts": blasts, "neutrophils": neutrophils, "platelets": platelets,
        "circulating_blasts": circulating_blasts, "extramedullary": extramedullary,
        "baseline_blasts": baseline_blasts,
    }  # fmt: skip
    table = read_single(frame, roles)
    columns = {}
    for role in ("blasts", "baseline_blasts"):
        if role in table:
            columns[role] = read_quantity(
                table, role, unit="%", most=100.0, example=f"{role}='the percentage of blasts'"
            )
    for role, most in MOST_CELLS.items():
        per_litre = f"{role}=pl.col({table.name(role)!r}) / 1000"
        columns[role] = read_quantity(table, role, unit=CELLS, most=most, example=per_litre)
    for role in ("circulating_blasts", "extramedullary"):
        columns[role] = read_flag(table, role)
    found = pl.DataFrame(columns).select(_aml(both_low, baseline_blasts is not None))
    return hand_back(frame, found.to_series(), name)


def _aml(both_low: BothLow, may_be_partial: bool) -> pl.Expr:
    """The first category whose conditions hold; not evaluable if whether they do is not known."""
    blasts, neutrophils, platelets = (pl.col(c) for c in ("blasts", "neutrophils", "platelets"))
    no_blasts = ~pl.col("circulating_blasts")
    cleared = (blasts < 5) & no_blasts & ~pl.col("extramedullary")
    recovered = (neutrophils >= 1.0) & (platelets >= 100)
    either = (neutrophils >= 1.0) | (platelets >= 100)
    conditions = {
        "CR": cleared & recovered,
        "CRh": cleared & (neutrophils >= 0.5) & (platelets >= 50),
        "CRi": cleared if both_low == "CRi" else cleared & either,
        "MLFS": cleared,
    }
    if may_be_partial:
        halved = blasts <= 0.5 * pl.col("baseline_blasts")
        conditions["PR"] = recovered & no_blasts & blasts.is_between(5, 25) & halved
    return _first(conditions, "NR").cast(SCALES["eln_aml"].enum)


def _first(conditions: dict[str, pl.Expr], otherwise: str) -> pl.Expr:
    """The label of the first condition that holds, if none before it is unknown."""
    answer = pl.lit(otherwise)
    for label, condition in reversed(conditions.items()):
        answer = (
            pl.when(condition.is_null())
            .then(pl.lit(NOT_EVALUABLE))
            .when(condition)
            .then(pl.lit(label))
            .otherwise(answer)
        )
    return answer


def cml_molecular(data: Any, *, bcr_abl: Column, evaluable: Column | None, name: str = "response") -> Any:
    """Molecular response of chronic myeloid leukaemia from BCR::ABL1 on the international scale.

    MR4.5 is at most 0.0032 %, MR4 at most 0.01 %, MMR at most 0.1 %, then at most 1 % and 10 %. Values are
    compared as they are, without rounding: 0.1 is an MMR and 0.104 is none.

    Parameters
    ----------
    data
        One row per sample.
    bcr_abl
        BCR::ABL1 / ABL1 in % on the international scale; 0 where none was detected. Ratios of a laboratory
        without a conversion factor are not on it.
    evaluable
        Whether the sample had enough copies of the control gene to show the response, true/false or 1/0:
        nothing detected in a poor sample is no deep response. None says that every sample had.
    name
        Of the new column.

    Returns
    -------
    polars.DataFrame or polars.LazyFrame
        The data (lazy if they were) with the category, of type `scale("cml_molecular")`; "NE" without a
        value, and where it is not known that the sample was evaluable.

    Raises
    ------
    DataError
        For negative values, text, flags that are none, and a name that is taken.

    References
    ----------
    Cross NCP et al. Leukemia 2015;29:999-1003. Hochhaus A et al. Leukemia 2020;34:966-984.

    Examples
    --------
    >>> samples = pl.DataFrame({"is": [35.0, 10.0, 0.1, 0.104, 0.0032, None]})
    >>> cml_molecular(samples, bcr_abl="is", evaluable=None)["response"].to_list()
    ['>10%', '<=10%', 'MMR', '<=1%', 'MR4.5', 'NE']
    """
    frame = as_frame(data)
    table = read_single(frame, {"bcr_abl": bcr_abl, "evaluable": evaluable})
    per_cent = f"bcr_abl=100 * pl.col({table.name('bcr_abl')!r}) if it holds ratios"
    value = read_quantity(table, "bcr_abl", unit="% on the international scale", most=1e6, example=per_cent)
    known = read_flag(table, "evaluable") if "evaluable" in table else pl.repeat(True, len(value), eager=True)
    # a bound in the type of the values: 0.1 in single precision is above 0.1 in double
    conditions = {
        label: pl.col("value") <= pl.lit(bound, dtype=value.dtype) for label, bound in MOLECULAR.items()
    }
    category = pl.when("known").then(_first(conditions, ">10%")).otherwise(pl.lit(NOT_EVALUABLE))
    found = pl.DataFrame({"value": value, "known": known})
    enum = SCALES["cml_molecular"].enum
    return hand_back(frame, found.select(category.cast(enum)).to_series(), name)
