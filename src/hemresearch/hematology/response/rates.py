"""Shares of responders, and their comparison between two groups."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ...columns import group_rows, read_table
from ...epidemiology.mantel_haenszel import mantel_haenszel
from ...epidemiology.proportion import ProportionLimits, proportion
from ...epidemiology.totals import in_groups
from ...epidemiology.two_by_two import Association, two_by_two
from ...errors import DataError
from ...options import Missing, check_choice
from ..shares import Shares
from .scales import NOT_EVALUABLE, check_level, coded, read_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...columns import Column, Columns, Table
    from ...results import Estimates
    from .scales import Scale

NotEvaluable = Literal["non-response", "exclude"]
DifferenceLimits = Literal["miettinen-nurminen", "newcombe"]
RATIOS: dict[str, Any] = {"risk_ratio": "miettinen-nurminen", "odds_ratio": "miettinen-nurminen"}
METHODS: dict[str, str] = {
    "miettinen-nurminen": "Miettinen-Nurminen",
    "newcombe": "difference by Newcombe, ratios by Miettinen-Nurminen",
}
TERMS = {"risk difference": "difference", "risk ratio": "ratio"}  # what was a risk is a rate of response
RESPONDED = "responded"


@dataclass(frozen=True, slots=True, eq=False)
class Responses:
    """The patients of the denominator: their categories, and the columns of their groups by role."""

    level: pl.Series
    groups: pl.DataFrame
    names: dict[str, list[str]]
    scale: Scale
    n_not_evaluable: int
    excluded: bool
    n_dropped: int

    @property
    def method(self) -> str:
        """How those who were not evaluable were counted."""
        if not self.n_not_evaluable:
            return ""
        return f"{self.n_not_evaluable} not evaluable {'excluded' if self.excluded else 'as non-response'}"

    def responded(self, level: str) -> pl.DataFrame:
        """The groups of each patient, and whether the response was at least of a category."""
        worst = self.scale.place(check_level(level, self.scale, argument="at_least"))
        responded = pl.DataFrame({RESPONDED: self.level.to_physical() <= worst})
        return responded.hstack(self.groups) if self.groups.width else responded


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RateDifference(Association):
    """Difference and ratios of response rates, with the rates of both groups in `risks`."""

    def _in_words(self) -> pl.DataFrame:
        words = Association._in_words(self)
        return words.with_columns(pl.col("term").replace({"ratio": "Ratio of response rates"}))

    def _risk_lines(self) -> list[str]:
        return [line.replace(", risk ", ", rate ") for line in Association._risk_lines(self)]


def response_rate(
    data: Any,
    *,
    response: Column,
    scale: str | Scale,
    at_least: str | Sequence[str],
    by: Columns = None,
    not_evaluable: NotEvaluable = "non-response",
    conf_type: ProportionLimits = "wilson",
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Shares:
    """Share of patients with a response of at least some category, by group.

    The denominator is all patients, as intention to treat asks for: who was not evaluable ("NE") has not
    responded. Everybody must have been followed long enough to respond; where not, the time to response is
    the answer (`cumulative_incidence`, with death and progression competing).

    Parameters
    ----------
    data
        One row per patient, such as `best_response` gives.
    response
        The category of each patient.
    scale
        A name as in `scale`, or a `Scale` of your own.
    at_least
        The worst category that counts, or several: `at_least=["PR", "VGPR", "CR"]` gives a row for each.
    by
        One or several columns; a rate for each combination that occurs.
    not_evaluable
        "non-response", or "exclude" to leave them out of the denominator, which makes rates higher.
    conf_type
        Limits, as in `hem.epidemiology.proportion`: "wilson", "clopper-pearson", ...
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them. A patient without an
        assessment is not missing but "NE": `as_response(...).fill_null("NE")`.

    Returns
    -------
    Shares
        Estimates: the `by` columns, `term` ("PR or better"), `n`, `n_event`, `estimate`, `conf_low`,
        `conf_high`; in per cent in a sentence (`.text()`) and in `hem.report.table`.

    Raises
    ------
    DataError
        For values and thresholds that are no category, and groups in which nobody was evaluable where those
        who were not are excluded.

    Warns
    -----
    DataWarning
        As `proportion`, for "wald" limits without width.

    References
    ----------
    Newcombe RG. Stat Med 1998;17:857-872.

    Examples
    --------
    >>> patients = pl.DataFrame({"best": ["CR"] * 9 + ["PR"] * 6 + ["SD"] * 3 + ["PD"] * 5 + ["NE"] * 2})
    >>> response_rate(patients, response="best", scale="lugano", at_least=["PR", "CR"])
    response rate, n=25, events=15
      PR or better: 0.6 (0.4074 to 0.766), n 25
      CR: 0.36 (0.2025 to 0.5548), n 25
    95% limits: Wilson; 2 not evaluable as non-response
    """
    r = _read(data, {"response": response, "by": by}, scale, not_evaluable, missing)
    levels = [at_least] if isinstance(at_least, str) else list(at_least)
    if not levels:
        raise DataError(
            "no category was given",
            argument="at_least",
            expected="the worst category that counts, or several",
            remedy=f"at_least={r.scale.levels[0]!r}",
        )
    limits: dict[str, Any] = {"conf_type": conf_type, "conf_level": conf_level}
    rates = {
        _at_least(level, r.scale): proportion(
            r.responded(level), event=RESPONDED, by=r.names["by"] or None, **limits
        )
        for level in levels
    }
    first = next(iter(rates.values()))
    return Shares(
        frame=_with_terms(rates, r.names["by"]),
        name="response rate",
        method="; ".join(part for part in (first.method, r.method) if part),
        conf_level=first.conf_level,
        n=first.n,
        n_event=first.n_event,
        n_dropped=r.n_dropped,
        note=f"{r.method}." if r.method else "",
    )


def response_rate_difference(
    data: Any,
    *,
    response: Column,
    scale: str | Scale,
    at_least: str,
    exposure: Column,
    exposed: Any = None,
    by: Columns = None,
    strata: Columns = None,
    not_evaluable: NotEvaluable = "non-response",
    conf_type: DifferenceLimits | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> Estimates:
    """Difference and ratio of response rates of two groups, and their odds ratio, with a test.

    Without strata, by the score test (`hem.epidemiology.two_by_two`). With strata, common to them, by Mantel
    and Haenszel, with the test of Cochran, Mantel and Haenszel (`hem.epidemiology.mantel_haenszel`).

    Parameters
    ----------
    data, response, scale, not_evaluable, missing
        As in `response_rate`.
    at_least
        The worst category that counts.
    exposure, exposed
        The groups: true/false, 1/0, or two values of which `exposed` names the one whose rate stands first.
    by
        One or several columns; a comparison for each combination that occurs.
    strata
        One or several columns by which patients were stratified.
    conf_type
        Limits of the difference without strata: "miettinen-nurminen" (the default) or "newcombe"; those of
        ratios are always Miettinen and Nurminen's. With strata they are Sato's, and those of ratios normal on
        the log scale.
    conf_level
        Level of the limits.

    Returns
    -------
    Estimates
        The `by` columns, `term` ("difference", "ratio", "odds ratio"), `n`, `n_event`, `estimate`,
        `statistic`, `p_value`, `conf_low`, `conf_high`. Without strata the rates of both groups are in
        `.risks`, as `two_by_two` has them.

    Raises
    ------
    DataError
        As `response_rate`, `two_by_two` and `mantel_haenszel`; and for a `conf_type` together with strata.

    Warns
    -----
    DataWarning
        As `two_by_two` and `mantel_haenszel`: where nobody or everybody responded, and for strata that hold
        one group only.

    References
    ----------
    Miettinen O, Nurminen M. Stat Med 1985;4:213-226. Newcombe RG. Stat Med 1998;17:873-890. Sato T.
    Biometrics 1989;45:1323-1324.

    Examples
    --------
    >>> import hemresearch as hem
    >>> trial = hem.data.load("myeloid").with_columns(
    ...     best=pl.when(pl.col("crtime").is_not_null()).then(pl.lit("CR")).otherwise(pl.lit("NR"))
    ... )
    >>> response_rate_difference(
    ...     trial, response="best", scale="eln_aml", at_least="CR", exposure="trt", exposed="B"
    ... )
    CR by trt, n=646, events=454
      B: 248 of 329, rate 0.7538 (0.7045 to 0.7972)
      A: 206 of 317, rate 0.6498 (0.5958 to 0.7003)
      difference: 0.104 (0.03349 to 0.1738), n 646, statistic 8.353, p 0.003851
      ratio: 1.16 (1.049 to 1.287), n 646, statistic 8.353, p 0.003851
      odds ratio: 1.65 (1.174 to 2.319), n 646, statistic 8.353, p 0.003851
    95% limits: Miettinen-Nurminen
    """
    if conf_type is not None:
        check_choice(conf_type, DifferenceLimits, argument="conf_type")
    roles: dict[str, Columns] = {"response": response, "by": by, "strata": strata, "exposure": exposure}
    r = _read(data, roles, scale, not_evaluable, missing)
    arm, layers = r.names["exposure"][0], r.names["strata"]
    compared: dict[str, Any] = {
        "exposure": arm, "exposed": exposed, "event": RESPONDED, "by": r.names["by"] or None,
        "conf_level": conf_level,
    }  # fmt: skip
    result: Estimates
    if layers:
        _refuse_limits_of_strata(conf_type)
        method = "difference by Sato, ratio by Greenland-Robins, odds ratio by Robins-Breslow-Greenland"
        result = mantel_haenszel(r.responded(at_least), strata=layers, **compared)
    else:
        limits = conf_type or "miettinen-nurminen"
        method, compared = METHODS[limits], compared | RATIOS | {"risk_difference": limits}
        table = two_by_two(r.responded(at_least), **compared)
        risks = table.risks.with_columns(pl.col("exposure").replace(_arms(r.groups[arm], exposed)))
        parts = {each.name: getattr(table, each.name) for each in fields(table)}
        result = RateDifference(**parts | {"risks": risks})
    return replace(
        result,
        frame=result.frame.with_columns(pl.col("term").replace(TERMS)),
        name=f"{_at_least(at_least, r.scale)} by {arm}" + (" within strata" if layers else ""),
        method="; ".join(part for part in (method, r.method) if part),
        n_dropped=r.n_dropped,
    )


def _read(
    data: Any, roles: dict[str, Columns], scale: Any, not_evaluable: NotEvaluable, missing: Missing
) -> Responses:
    """Read categories and groups, without those who are not evaluable where they are excluded."""
    one = read_scale(scale)
    check_choice(not_evaluable, NotEvaluable, argument="not_evaluable")
    table = read_table(data, roles, missing=missing)
    level = coded(table.series("response").alias(table.name("response")), one)
    names = {role: list(columns) for role, columns in table.names.items() if role != "response"}
    groups = pl.DataFrame(
        [table.several(role).to_series(i) for role in names for i in range(len(names[role]))]
    )
    unknown = level == NOT_EVALUABLE
    excluded = not_evaluable == "exclude"
    if excluded:
        _refuse_empty_groups(table, unknown)
    kept = ~unknown if excluded else pl.repeat(True, len(level), eager=True)
    return Responses(
        level=level.filter(kept),
        groups=groups.filter(kept) if groups.width else groups,
        names=names,
        scale=one,
        n_not_evaluable=int(unknown.sum()),
        excluded=excluded,
        n_dropped=table.n_dropped,
    )


def _refuse_empty_groups(table: Table, unknown: pl.Series) -> None:
    """A group in which nobody was evaluable would vanish."""
    groups = group_rows(table)
    evaluable = np.bincount(groups.code, ~unknown.to_numpy(), len(groups))
    if not evaluable.all():
        raise DataError(
            f"leaves nobody{in_groups(groups, evaluable == 0)}",
            argument="not_evaluable",
            column=table.name("response"),
            expected="somebody evaluable in every group",
            remedy="not_evaluable='non-response'",
        )


def _refuse_limits_of_strata(conf_type: str | None) -> None:
    if conf_type is not None:
        raise DataError(
            f"{conf_type!r} was given together with strata",
            argument="conf_type",
            expected="no other limits than Sato's of a difference common to strata",
            remedy="conf_type=None, or by=... for limits in each stratum",
        )


def _arms(groups: pl.Series, exposed: Any) -> dict[str, str]:
    """What to call the two groups, where one was named."""
    if exposed is None:
        return {}
    other = groups.filter(groups != exposed)[0]
    return {"exposed": str(exposed), "unexposed": str(other)}


def _at_least(level: str, one: Scale) -> str:
    return level if level == one.levels[0] else f"{level} or better"


def _with_terms(rates: dict[str, Estimates], by: list[str]) -> pl.DataFrame:
    """The rates of all thresholds below each other, within each group."""
    parts = [
        rate.frame.with_columns(term=pl.lit(term), group=pl.int_range(pl.len()), place=pl.lit(i))
        for i, (term, rate) in enumerate(rates.items())
    ]
    table = pl.concat(parts).sort("group", "place")
    return table.select(*by, "term", pl.exclude(*by, "term", "group", "place"))
