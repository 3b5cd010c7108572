"""Tables of regressions: univariable and multivariable side by side, with reference levels, n and events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from .. import formats
from ..competing.cause_specific_fit import CauseSpecificFit
from ..competing.cause_specific_fit import called as called_cause
from ..errors import DataError, counted
from ..options import check_conf_level, check_labels, suggestion
from ..regression.cox_fit import CoxFit
from ..regression.effects import called, effect_table, trend_test
from ..regression.subgroup_result import SubgroupEffects
from ..regression.univariable import Univariable
from ..results import Fit
from .regression_cells import Block, Models, written
from .sources import Source
from .tables import Table

NAMES = ("variable", "covariate", "level", "column")


def regression_table(
    models: Any,
    *,
    labels: Mapping[str, str] | None = None,
    trend: str | Sequence[str] = (),
    title: str | None = None,
    footnote: str | Sequence[str] | None = None,
    decimals: int = 2,
    conf_level: float | None = None,
    missing: str = "",
    id: str | None = None,
) -> Table:
    """A publication table of one or several regressions: levels, n, events, ratios with limits, and p.

    A number has one row, a factor a heading with a row for each level, the reference as "1 (reference)". The
    p beside the heading of a factor with more than two levels is that of all its levels together (Wald).
    Patients and events stand once at the left where all models have the same, else with each model, or once
    for the models under one name that share them.

    Parameters
    ----------
    models
        A fitted regression; or several by the name they get in the header, `{"Univariable": alone,
        "Multivariable": fit}`, where each is a fit, a list of fits, or a result of
        `hem.regression.univariable`; or a result of `hem.regression.subgroup_effects`. Several that share a
        name in the header are named under it, `{"Relapse": {"Cause-specific": one, "Fine-Gray": other}}`. A
        result of `hem.competing.cause_specific` is the models of its causes.
    labels
        What to call variables and levels: `{"trt": "Treatment", "hgb": "Haemoglobin, g/dL", "M": "Men"}`. A
        covariate names its spline, too, and names that the table does not have do not matter. Causes of a
        `cause_specific` fit can be called something else, too (a number 1 is "cause 1").
    trend
        Factors (names of variables) that get a row "p for trend", their levels taken as 1, 2, ..., k in the
        order of the fit.
    title, footnote
        Text above and below; several footnotes as a list.
    decimals
        Decimals of the ratios.
    conf_level
        Level of the limits; default that of each fit.
    missing
        What to show for a term that a model does not have.
    id
        The HTML id, by default made from the cells.

    Returns
    -------
    Table
        For Word, Excel, HTML and LaTeX. `hem.report.disclosure` hides small counts in it.

    Raises
    ------
    DataError
        For something other than fits, a label that misspells what is in the table, a trend for nothing in it,
        or a variable that is in two of the fits of one column.

    Examples
    --------
    >>> import hemresearch as hem
    >>> data = hem.data.load("veteran")
    >>> roles = {"time": "time", "event": "status"}
    >>> models = {
    ...     "Univariable": hem.regression.univariable(data, "karno + prior", **roles),
    ...     "Multivariable": hem.regression.cox(data, "karno + prior", **roles),
    ... }
    >>> hem.report.regression_table(models, labels={"karno": "Karnofsky", "prior": "Prior therapy"})
    ──────────────────────────────────────────────────────────────────────────────
                                      Univariable              Multivariable
                                ────────────────────────  ────────────────────────
                     N  Events    HR (95% CI)          p    HR (95% CI)          p
    ──────────────────────────────────────────────────────────────────────────────
    Karnofsky      137     128  0.97 (0.96–0.98)  <0.001  0.97 (0.96–0.98)  <0.001
    Prior therapy  137     128  0.99 (0.95–1.03)    0.48  1.00 (0.96–1.04)    0.83
    ──────────────────────────────────────────────────────────────────────────────
    HR: hazard ratio; CI: confidence interval.
    Univariable: n=137, events=128.
    Multivariable: n=137, events=128.
    """
    words = dict(labels or {})
    trends = (trend,) if isinstance(trend, str) else tuple(trend)
    level = None if conf_level is None else check_conf_level(conf_level)
    blocks = [
        block for name, model in _named(models, words) for block in _blocks(name, model, words, trends, level)
    ]
    every = Models(tuple(blocks), labels=words, decimals=decimals)
    _check_names(every, trends, _causes(models))
    notes = (footnote,) if isinstance(footnote, str) else tuple(footnote or ())
    source = Source(
        every.frame(), title=title, footnotes=(*_notes(every), *notes), missing=missing, id=id, models=every
    )
    return written(every, source)


def _named(models: Any, labels: Mapping[str, str]) -> list[tuple[str, Any]]:
    """Models by their names: those given so, or the causes of one fit; anything else has no name."""
    if isinstance(models, CauseSpecificFit):
        causes = [called_cause(cause) for cause in models.causes]
        return [
            (labels.get(cause, cause), fit) for cause, fit in zip(causes, models.fits.values(), strict=True)
        ]
    if not isinstance(models, Mapping):
        return [("", models)]
    if not models:
        raise _no_models(models)
    return [(str(name), model) for name, model in models.items()]


def _causes(models: Any) -> list[str]:
    """What the causes are called in all cause-specific fits among the models."""
    if isinstance(models, CauseSpecificFit):
        return [called_cause(cause) for cause in models.causes]
    return [c for m in models.values() for c in _causes(m)] if isinstance(models, Mapping) else []


def _blocks(
    name: str, model: Any, labels: Mapping[str, str], trends: tuple[str, ...], level: float | None
) -> list[Block]:
    """The models that stand under one name; each is named in its columns where their headers are alike."""
    if not isinstance(model, Mapping | CauseSpecificFit):
        return [replace(_block(name, model, trends, level), group=name)]
    own = _named(model, labels)
    blocks = [_block(f"{name}, {inner}", one, trends, level) for inner, one in own]
    alike = len({block.header for block in blocks}) < len(blocks)
    return [
        replace(block, group=name, header=f"{inner}: {block.header}" if alike else block.header)
        for block, (inner, _) in zip(blocks, own, strict=True)
    ]


def _block(name: str, model: Any, trends: tuple[str, ...], level: float | None) -> Block:
    """One model, or several that share a column, as rows."""
    if isinstance(model, SubgroupEffects):
        return _subgroups(name, model)
    fits = list(model.fits) if isinstance(model, Univariable) else model
    fits = [fits] if isinstance(fits, Fit) else fits
    if not isinstance(fits, list | tuple) or not fits or not all(isinstance(fit, Fit) for fit in fits):
        raise _no_models(fits)
    frames = [_rows_of(fit, trends, level) for fit in fits]
    frame = pl.concat([f.with_columns(pl.col("n", "n_event").cast(pl.Float64)) for f in frames])
    again = frame.filter(frame.select("variable", "name").is_duplicated())
    if again.height:
        raise DataError(
            f"{again['variable'][0]!r} is in two of the fits of {name!r}",
            argument="models",
            expected="each variable once in a column of the table",
            remedy="{'Model 1': first, 'Model 2': second}",
        )
    first = fits[0]
    kinds = {fit.ratio for fit in fits}, {fit.conf_level for fit in fits}
    if any(len(kind) > 1 for kind in kinds):
        raise DataError(
            f"the fits of {name!r} differ in what they estimate, or in the level of their limits",
            argument="models",
            expected="fits of one kind in a column",
            remedy="conf_level=0.95, or a name of its own for each kind",
        )
    what = formats.SHORT.get(first.ratio, first.ratio or "coefficient")
    header = f"{what[:1].upper()}{what[1:]} ({formats.level(level or first.conf_level)} CI)"
    return Block(
        name,
        frame,
        header,
        "p",
        _counts_note(name, fits, frame),
        reference=1.0 if first.ratio else 0.0,
        totals=frozenset((float(fit.n), float(fit.n_event)) for fit in fits),
        ratio=first.ratio,
    )


def _rows_of(fit: Fit, trends: tuple[str, ...], level: float | None) -> pl.DataFrame:
    """The effects of a fit with the p for trend of the factors asked for."""
    frame = effect_table(fit, conf_level=level)
    asked = frame.filter(pl.col("variable").is_in(list(trends)) & pl.col("reference"))
    tests = {
        row["variable"]: trend_test(fit, row["term"]).p_value
        for row in asked.iter_rows(named=True)
        if isinstance(fit, CoxFit)
    }
    return frame.with_columns(
        name=pl.col("level").fill_null(""),
        p_trend=pl.col("variable").replace_strict(tests, default=None, return_dtype=pl.Float64),
    ).drop("term")


def _subgroups(name: str, effects: SubgroupEffects) -> Block:
    """The levels of subgroup variables, the test of interaction at their heading."""
    frame = effects.to_frame(exponentiate=True).select(
        pl.col("subgroup").alias("variable"),
        pl.col("subgroup").alias("covariate"),
        "level",
        pl.lit(None, pl.String).alias("column"),
        pl.lit(False).alias("reference"),
        pl.col("n", "n_event").cast(pl.Float64),
        "estimate", "conf_low", "conf_high",
        pl.lit(None, pl.Float64).alias("p_value"),
        pl.col("p_interaction").alias("p_term"),
        pl.lit(None, pl.Float64).alias("p_nonlinear"),
        pl.col("level").fill_null("").alias("name"),
        pl.lit(None, pl.Float64).alias("p_trend"),
    )  # fmt: skip
    note = f"Hazard ratio of {effects.treatment} in each level; p of the interaction with treatment."
    left = [f"{counted(n, 'row')} without {what}" for what, n in effects.n_missing.items()]
    note += f" Left out there: {', '.join(left)}." if left else ""
    return Block(
        name,
        frame,
        f"HR ({formats.level(effects.conf_level)} CI)",
        "p (interaction)",
        note,
        reference=1.0,
        interaction=True,
        ratio=effects.measure,
    )


def _counts_note(name: str, fits: Sequence[Fit], frame: pl.DataFrame) -> str:
    """How many patients, events and exclusions a model has; a slim or converted fit has no references."""
    without_reference = any(f.design is None for f in fits) and frame["level"].drop_nulls().len() > 0
    n, events, dropped = (
        _span([getattr(fit, what) for fit in fits]) for what in ("n", "n_event", "n_dropped")
    )
    said = f"{name or 'Model'}: n={n}, events={events}"
    left_out = f"; rows left out for missing values: {dropped}" if any(f.n_dropped for f in fits) else ""
    robust = "; robust variance" if any(fit.variance == "robust" for fit in fits) else ""
    unknown = "; levels against a reference that it does not hold" if without_reference else ""
    return f"{said}{left_out}{robust}{unknown}."


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return formats.count(low) if low == high else f"{formats.count(low)} to {formats.count(high)}"


def _notes(models: Models) -> tuple[str, ...]:
    """What abbreviations mean, which effects are curves, and who is in each model."""
    blocks = models.blocks
    ratios = dict.fromkeys(block.ratio for block in blocks if block.ratio in formats.SHORT)
    meaning = "; ".join([*(f"{formats.SHORT[name]}: {name}" for name in ratios), "CI: confidence interval"])
    wald = any(block.tests_factors() for block in blocks)
    tests = " The p at the heading of a factor is that of all its levels together." if wald else ""
    return (f"{meaning}.{tests}", *_curves_note(models), *(block.note for block in blocks))


def _curves_note(models: Models) -> list[str]:
    """Which rows are splines, whose effect no single ratio tells, and their tests of non-linearity."""
    told = []
    for block in models.blocks:
        for row in block.frame.filter(pl.col("p_nonlinear").is_not_null()).iter_rows(named=True):
            name = called(row["variable"], row["covariate"], models.labels)
            beside = f" ({block.name})" if block.name and len(models.blocks) > 1 else ""
            told.append(f"{name}{beside} {formats.p_value(row['p_nonlinear'])}")
    if not told:
        return []
    return [
        f"A curve has no single ratio; its p is that of the whole curve. Non-linearity: {'; '.join(told)}."
    ]


def _check_names(models: Models, trends: tuple[str, ...], causes: list[str]) -> None:
    frame = models.frame()
    known = [*(v for c in NAMES for v in frame[c].unique(maintain_order=True).drop_nulls()), *causes]
    check_labels(models.labels, known, place="table")
    tested = frame.filter(pl.col("p_trend").is_not_null())["variable"].to_list()
    factors = frame.filter("reference")["variable"].unique(maintain_order=True).to_list()
    for name in (name for name in trends if name not in tested):
        raise DataError(
            f"{name!r} is no factor of a Cox model in the table",
            argument="trend",
            expected=f"factors of Cox models; {suggestion(str(name), factors)}"
            if factors
            else "factors of Cox models",
            remedy=f"trend={factors[0]!r}" if factors else "a model with a factor",
        )


def _no_models(given: Any) -> DataError:
    return DataError(
        f"a {type(given).__name__} was given",
        argument="models",
        expected="a fitted regression, a list of them, or several by name",
        remedy="{'Univariable': hem.regression.univariable(...), 'Multivariable': hem.regression.cox(...)}",
    )
