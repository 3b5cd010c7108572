"""A score made of a few of many features, judged on patients it was not made from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ..columns import Groups, as_frame
from ..errors import DataError, counted
from ..numerics.cox_partial import PartialLikelihood
from ..numerics.screening import ESTIMATED, SEPARATED, screen_cox
from ..options import Missing, check_conf_level, check_number
from ..outcomes import Survival, read_survival
from ..regression.concordance import concordance_of_score
from ..regression.cox import refuse_no_events
from ..regression.cox_solution import rows_of
from ..results import Estimates
from .features import read_features
from .screen import used_columns
from .signature_result import Rule, Signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..columns import Column

INNER_FOLDS = 5


def signature(
    data: Any,
    features: Any,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    matrix: Any = None,
    n_features: int | Sequence[int] = 10,
    folds: int = 10,
    repeats: int = 1,
    conf_level: float = 0.95,
    missing: Missing = "raise",
    seed: int = 1,
) -> Signature:
    """A compound covariate score, with its concordance in patients it was not made from.

    The score is the sum of standardised features times their log hazard ratios in Cox models of one feature
    each, over the features with the largest likelihood ratios. (Where a ratio is infinite, as of a mutation
    that all who had the event carry, the first step of Newton's method stands in its place.) Everything, the
    screen, the number of features, means and weights, is done anew in each training part, and scores the part
    left out; patients of one part are compared with each other. The estimand is the concordance of scores
    made in this way from so many patients, in others like them. The concordance in the patients themselves is
    not given: of thousands of features, some order any outcome.

    Parameters
    ----------
    data, features, time, event, event_value, matrix
        As in `screen`; features are numbers without missing values.
    n_features
        How many features the score has; of several numbers the best in an inner cross-validation.
    folds, repeats
        Parts of each cross-validation (balanced by events), and how often it is repeated with other parts.
    conf_level
        Level of the limits of the concordance. They treat the scores as given, and of repeats take the mean
        standard error; limits of cross-validated measures are rough.
    missing
        "raise", or "drop" for rows without outcome.
    seed
        Of the division into parts.

    Returns
    -------
    Signature
        `.to_frame()` the features and weights, `.validated` the concordance, `.out_of_fold` scores for curves
        and calibration, `.predict(new_data)`.

    Raises
    ------
    DataError
        As `screen`; missing features, fewer events than parts, more features than there are with an estimate.

    References
    ----------
    Tukey JW. Control Clin Trials 1993;14:266-285. Radmacher MD, McShane LM, Simon R. J Comput Biol
    2002;9:505-511. Simon RM, Subramanian J, Li MC, Menezes S. Brief Bioinform 2011;12:203-214. Ambroise C,
    McLachlan GJ. Proc Natl Acad Sci USA 2002;99:6562-6566 (selection inside the loop).

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("veteran")
    >>> names = ["karno", "age", "diagtime", "prior"]
    >>> hem.translational.signature(trial, names, time="time", event="status", n_features=2)
    score of 2 of 4 features: n=137, events=128
      karno: weight -0.6698, chosen in 100% of the training parts
      diagtime: weight 0.09657, chosen in 70% of the training parts
    cross-validated concordance 0.7159 (0.6528 to 0.7789)
    """
    check_conf_level(conf_level)
    sizes = _check_sizes(n_features)
    for name, value, least in (("folds", folds, 2), ("repeats", repeats, 1)):
        _check_count(value, name, least)
    frame = as_frame(data).lazy().collect()
    y = read_survival(frame, time=time, event=event, event_value=event_value, missing=missing)
    refuse_no_events(y)
    chosen = read_features(frame, features, matrix, outcome=used_columns(y)).rows(y.row)
    values = chosen.values()
    chosen.check_missing("raise", values)
    _check_enough(y, len(chosen), sizes, folds)
    rng = np.random.default_rng(seed)
    size = _best_size(values, y, sizes, rng)
    rule = _built(values, y, size)
    found, picked, out_of_fold = [], [], None
    for _ in range(repeats):
        fold = _parts(y, folds, rng)
        score, rules = _cross_validated(values, y, fold, sizes, rng)
        found.append(_concordance(y, score, fold, conf_level))
        picked += rules
        out_of_fold = _scored(y, fold, score) if out_of_fold is None else out_of_fold
    assert out_of_fold is not None
    share = np.bincount(np.concatenate([r.chosen for r in picked]), minlength=len(chosen)) / len(picked)
    return Signature(
        frame=_features_frame(rule, chosen.names, share),
        validated=_mean_of(found),
        out_of_fold=out_of_fold,
        sizes=tuple(len(r.chosen) for r in picked),
        sizes_offered=sizes,
        n_candidates=len(chosen),
        n=len(y),
        n_event=int(y.event.sum()),
        folds=folds,
        repeats=repeats,
        seed=seed,
        own_scores=rule.scores(values[rule.chosen]),
    )


def _check_sizes(n_features: Any) -> tuple[int, ...]:
    sizes = tuple(n_features) if isinstance(n_features, list | tuple | range) else (n_features,)
    for size in sizes or (None,):
        _check_count(size, "n_features", 1)
    return tuple(int(size) for size in sizes)


def _check_count(value: Any, name: str, least: int) -> None:
    whole = check_number(
        value, argument=name, at_least=least, expected=f"a whole number of {least} or more", example=10
    )
    if whole != int(whole):
        raise DataError(
            f"{value!r} was given",
            argument=name,
            expected=f"a whole number of {least} or more",
            remedy=f"{name}={int(whole)}",
        )


def _check_enough(y: Survival, n_candidates: int, sizes: tuple[int, ...], folds: int) -> None:
    if y.event.sum() < 2 * folds:
        raise DataError(
            f"happened {counted(int(y.event.sum()), 'time')}, for {folds} parts with two events or more each",
            argument="event",
            column=y.names["event"],
            expected="at least twice as many events as parts, and better ten times",
            remedy=f"folds={max(2, int(y.event.sum()) // 10)}",
        )
    if max(sizes) > n_candidates:
        raise DataError(
            f"{max(sizes)} of {counted(n_candidates, 'feature')} were asked for",
            argument="n_features",
            expected="no more than there are",
            remedy=f"n_features={n_candidates}",
        )


def _parts(y: Survival, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The part of each row, events and others spread evenly over the parts."""
    part = np.empty(len(y), dtype=np.intp)
    order = np.concatenate([rng.permutation(np.flatnonzero(own)) for own in (y.event, ~y.event)])
    part[order] = np.arange(len(y)) % folds
    return part


def _built(values: np.ndarray, y: Survival, size: int) -> Rule:
    """The rule of the features with the largest likelihood ratios; of equal ones the first."""
    found = screen_cox(values, rows_of(y, np.zeros((len(y), 0))), efron=True)
    usable = np.flatnonzero(np.isin(found.status, (ESTIMATED, SEPARATED)))
    order = usable[np.argsort(-found.likelihood_ratio[usable], kind="stable")][:size]
    if len(order) < size:
        raise DataError(
            f"{size} were asked for, and {len(order)} of {len(values)} have an estimate in some part",
            argument="n_features",
            expected="features that differ between the patients of every part",
            remedy=f"n_features={max(len(order), 1)}, or fewer folds",
        )
    chosen = values[order]
    sd, coef = chosen.std(axis=1, ddof=1), found.coef[order]
    for j in np.flatnonzero(np.isinf(coef)):
        coef[j] = _first_step(chosen[j], y)
    return Rule(order, chosen.mean(axis=1), sd, coef * sd)


def _first_step(values: np.ndarray, y: Survival) -> float:
    """Where Newton's method for the log hazard ratio of one feature goes first, which is finite for all."""
    rows = rows_of(y, values[:, None])
    _, score, information = PartialLikelihood(rows, efron=True)(np.zeros(1))
    return float(score[0] / information[0, 0] * rows.scale[0])


def _held_out(
    values: np.ndarray, y: Survival, fold: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, Survival]]:
    """Per part: its rows, and the values and observations of all others."""
    for part in range(int(fold.max()) + 1):
        train = np.flatnonzero(fold != part)
        yield np.flatnonzero(fold == part), values[:, train], y.take(train)


def _best_size(values: np.ndarray, y: Survival, sizes: tuple[int, ...], rng: np.random.Generator) -> int:
    """Of several sizes, the one with the largest concordance in an inner cross-validation."""
    if len(sizes) == 1:
        return sizes[0]
    fold = _parts(y, INNER_FOLDS, rng)
    scores = np.empty((len(sizes), len(y)))
    for rows, train, y_train in _held_out(values, y, fold):
        rule = _built(train, y_train, max(sizes))
        for i, size in enumerate(sizes):
            one = rule.first(size)
            scores[i, rows] = one.scores(values[np.ix_(one.chosen, rows)])
    reached = [_concordance(y, score, fold, 0.95).to_frame()["estimate"][0] for score in scores]
    return sizes[int(np.argmax(reached))]


def _cross_validated(
    values: np.ndarray, y: Survival, fold: np.ndarray, sizes: tuple[int, ...], rng: np.random.Generator
) -> tuple[np.ndarray, list[Rule]]:
    """Each row's score by the rule of the other parts, and these rules."""
    score, rules = np.empty(len(y)), []
    for rows, train, y_train in _held_out(values, y, fold):
        rule = _built(train, y_train, _best_size(train, y_train, sizes, rng))
        score[rows] = rule.scores(values[np.ix_(rule.chosen, rows)])
        rules.append(rule)
    return score, rules


def _concordance(y: Survival, score: np.ndarray, fold: np.ndarray, conf_level: float) -> Estimates:
    """Harrell's concordance among the patients of each part."""
    parts = Groups(pl.DataFrame({"fold": np.arange(int(fold.max()) + 1)}), fold)
    return concordance_of_score(replace(y, stratum=parts), score, "n", None, conf_level)


def _mean_of(found: list[Estimates]) -> Estimates:
    """The mean of repeats with the mean standard error: the patients are the same in all of them."""
    columns = ("estimate", "std_error", "conf_low", "conf_high")
    mean = pl.concat([one.to_frame().select(columns) for one in found]).mean()
    frame = found[0].to_frame().select("term").with_columns(**{name: mean[name] for name in columns})
    return replace(found[0], frame=frame, name="cross-validated concordance")


def _scored(y: Survival, fold: np.ndarray, score: np.ndarray) -> pl.DataFrame:
    row = np.arange(len(y)) if y.row is None else y.row
    return pl.DataFrame({"row": row, "fold": fold + 1, "score": score})


def _features_frame(rule: Rule, names: tuple[str, ...], share: np.ndarray) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "feature": [names[j] for j in rule.chosen],
            "weight": rule.weight,
            "mean": rule.mean,
            "sd": rule.sd,
            "selected": share[rule.chosen],
        }
    )
