"""The categories of each set of criteria, best first. A further set is a further entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from ...errors import DataError, counted
from ...options import check_choice, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...columns import Column

NOT_EVALUABLE = "NE"


@dataclass(frozen=True, slots=True)
class Scale:
    """Ordered categories of response.

    Attributes
    ----------
    levels
        The categories from the best to the worst, without "NE".
    stable
        The first that is no response; all before it are responses.
    progression
        The categories that end what counts as the best response.
    name, source
        In words, and where the criteria are published.
    """

    levels: tuple[str, ...]
    stable: str
    progression: tuple[str, ...] = ()
    name: str = "response"
    source: str | None = None

    def __post_init__(self) -> None:
        levels = list(self.levels)
        named = [self.stable, *self.progression]
        if len({*levels, NOT_EVALUABLE}) <= len(levels) or not {*named} <= {*levels}:
            raise DataError(
                "holds a category twice, holds 'NE', or lacks the stable one or progression",
                argument="levels",
                expected="different categories from the best to the worst, stable and progression among them",
                remedy="Scale(('CR', 'PR', 'SD', 'PD'), stable='SD', progression=('PD',))",
            )

    @property
    def enum(self) -> pl.Enum:
        """The type of a column of these categories, not evaluable last."""
        return pl.Enum([*self.levels, NOT_EVALUABLE])

    def place(self, level: str) -> int:
        """How far from the best a category is."""
        return self.levels.index(level)


SCALES: dict[str, Scale] = {
    "lugano": Scale(
        ("CR", "PR", "SD", "PD"),
        stable="SD",
        progression=("PD",),
        name="lymphoma (Lugano)",
        source="Cheson et al, J Clin Oncol 2014;32:3059-3068",
    ),
    "lugano_metabolic": Scale(
        ("CMR", "PMR", "NMR", "PMD"),
        stable="NMR",
        progression=("PMD",),
        name="lymphoma, metabolic (Lugano)",
        source="Cheson et al, J Clin Oncol 2014;32:3059-3068",
    ),
    "imwg": Scale(
        ("sCR", "CR", "VGPR", "PR", "MR", "SD", "PD"),
        stable="SD",
        progression=("PD",),
        name="myeloma (IMWG)",
        source="Kumar et al, Lancet Oncol 2016;17:e328-e346",
    ),
    "eln_aml": Scale(
        ("CR", "CRh", "CRi", "MLFS", "PR", "NR"),
        stable="NR",
        name="acute myeloid leukaemia (ELN 2022)",
        source="Döhner et al, Blood 2022;140:1345-1377",
    ),
    "iwg_mds": Scale(
        ("CR", "CR equivalent", "CRbi", "CRuni", "CRh", "PR", "HI", "NR", "PD"),
        stable="NR",
        progression=("PD",),
        name="higher-risk myelodysplastic syndrome (IWG 2023)",
        source="Zeidan et al, Blood 2023;141:2047",
    ),
    "iwcll": Scale(
        ("CR", "CRi", "PR", "SD", "PD"),
        stable="SD",
        progression=("PD",),
        name="chronic lymphocytic leukaemia (iwCLL 2008)",
        source="Hallek et al, Blood 2008;111:5446-5456",
    ),
    "cml_molecular": Scale(
        ("MR4.5", "MR4", "MMR", "<=1%", "<=10%", ">10%"),
        stable=">10%",
        name="chronic myeloid leukaemia, BCR::ABL1 on the international scale",
        source="Cross et al, Leukemia 2015;29:999-1003",
    ),
}


def scale(name: str) -> pl.Enum:
    """The categories of one set of criteria as a type of column: best first, "NE" (not evaluable) last.

    Parameters
    ----------
    name
        "lugano", "lugano_metabolic", "imwg", "eln_aml", "iwg_mds", "iwcll" or "cml_molecular"; `describe()`
        has their sources.

    Returns
    -------
    polars.Enum
        Sorts from the best to the worst, so that tables and figures do too.

    Raises
    ------
    DataError
        For an unknown name.

    Examples
    --------
    >>> scale("imwg").categories.to_list()
    ['sCR', 'CR', 'VGPR', 'PR', 'MR', 'SD', 'PD', 'NE']
    """
    return read_scale(name).enum


def describe() -> pl.DataFrame:
    """The categories of all scales, one row per category.

    Returns
    -------
    polars.DataFrame
        `scale`, `name`, `category`, `is_response`, `is_progression` and `source`.

    Notes
    -----
    "lugano": CR complete, PR partial response, SD stable, PD progressive disease; "lugano_metabolic": the
    same by PET (CMR, PMR, no metabolic response, PMD). "imwg": sCR stringent CR, VGPR very good partial, MR
    minimal response. "eln_aml": CRh and CRi with partial and with incomplete haematologic recovery, MLFS
    morphologic leukaemia-free state, NR no response; relapse is not among them. "iwg_mds": CRbi and CRuni are
    CR with limited recovery (CRL), in which two or only one of the three lineages reach the limits of CR, HI
    haematologic improvement; NR stands for none of these, since the criteria know no stable disease.
    "cml_molecular": BCR::ABL1 of at most 0.0032, 0.01, 0.1 (major molecular response), 1, and 10 %.

    Examples
    --------
    >>> describe().filter(scale="lugano").select("category", "is_response").rows()
    [('CR', True), ('PR', True), ('SD', False), ('PD', False)]
    """
    return pl.DataFrame(
        [
            {
                "scale": key,
                "name": one.name,
                "category": level,
                "is_response": place < one.place(one.stable),
                "is_progression": level in one.progression,
                "source": one.source,
            }
            for key, one in SCALES.items()
            for place, level in enumerate(one.levels)
        ]
    )


def as_response(column: Column, scale: str | Scale, codes: Mapping[Any, str] | None = None) -> pl.Expr:
    """A column of labels or codes as ordered categories.

    Nothing is guessed: a value that is no category, and that `codes` does not name, is refused. A null stays
    null; `.fill_null("NE")` after it says that who has none was not evaluable.

    Parameters
    ----------
    column
        Text or numbers.
    scale
        A name as in `scale`, or a `Scale` of your own.
    codes
        The category of each other value, such as `{"complete remission": "CR", 1: "CR"}`.

    Returns
    -------
    polars.Expr
        Of type `scale(...)`, under the name of the column.

    Raises
    ------
    DataError
        For an unknown scale, codes that lead to no category, and, when the expression is evaluated, for
        values that are neither.

    Examples
    --------
    >>> visits = pl.DataFrame({"response": ["VGPR", "complete", None]})
    >>> visits.select(as_response("response", "imwg", {"complete": "CR"})).to_series().to_list()
    ['VGPR', 'CR', None]
    """
    one = read_scale(scale)
    given = {str(value): level for value, level in (codes or {}).items()}
    _check_codes(given, one)
    expression = pl.col(column) if isinstance(column, str) else column

    def evaluated(series: pl.Series) -> pl.Series:
        try:
            return coded(series, one, given)
        except DataError as refusal:
            raise _from_its_text(refusal) from None

    return expression.map_batches(evaluated, return_dtype=one.enum)


def read_scale(scale: Any) -> Scale:
    """The scale of a name; a `Scale` is one already."""
    if isinstance(scale, Scale):
        return scale
    return SCALES[check_choice(scale, list(SCALES), argument="scale")]


def coded(series: pl.Series, one: Scale, codes: Mapping[str, str] | None = None) -> pl.Series:
    """A column as categories of a scale; what is neither category nor code is counted and refused."""
    text = series.cast(pl.String)
    named = text.replace(dict(codes)) if codes else text
    strange = (~named.is_in(one.enum.categories.to_list())).fill_null(False)
    if strange.any():
        raise DataError(
            f"has {counted(int(strange.sum()), 'value')} ({text.filter(strange).n_unique()} different) that "
            "are no category of the scale",
            argument="response",
            column=series.name,
            rows=strange.arg_true(),
            expected=f"{', '.join(one.enum.categories)}, or codes for them",
            remedy=f"as_response({series.name!r}, scale, codes={{'other value': {one.levels[0]!r}}})",
        )
    return named.cast(one.enum)


def _from_its_text(refusal: DataError) -> DataError:
    """The same refusal as one that can be made of a text alone, which polars does with what it catches."""

    class RefusedError(DataError):
        def __init__(self, text: str) -> None:
            ValueError.__init__(self, text)
            vars(self).update(vars(refusal))

    RefusedError.__name__ = RefusedError.__qualname__ = "DataError"
    RefusedError.__module__ = DataError.__module__
    return RefusedError(str(refusal))


def check_level(level: Any, one: Scale, *, argument: str) -> str:
    """A category of a scale that is not "NE"."""
    return str(check_choice(level, one.levels, argument=argument))


def _check_codes(codes: Mapping[str, str], one: Scale) -> None:
    known = one.enum.categories.to_list()
    wrong = [level for level in codes.values() if level not in known]
    if wrong:
        raise DataError(
            f"leads to {wrong[0]!r}, which is no category",
            argument="codes",
            expected=f"categories of the scale; {suggestion(str(wrong[0]), known)}",
            remedy=f"codes={{'other value': {known[0]!r}}}",
        )
