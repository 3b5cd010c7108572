"""Cox's model from a case-cohort sample: all cases, and a random subcohort to compare them with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
import polars as pl

from ..columns import as_frame, read_table
from ..design import covariate_columns
from ..errors import DataError, counted, listed
from ..fits import chi_squared_tail, frame_of_tests, wald_test
from ..model_design import model_design, warn_if_crowded
from ..options import Missing, check_choice, check_conf_level
from ..outcomes import read_survival
from .case_cohort_solution import METHODS, Sample
from .cox import refuse_no_events
from .cox_fit import CoxFit

if TYPE_CHECKING:
    from ..columns import Column, Columns
    from ..design import Covariates
    from ..outcomes import Survival

Method = Literal["prentice", "self-prentice", "lin-ying"]
CHANCE = 10.0  # so many cases expected in the subcohort are not all missed by chance (1 in 20 000)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True, repr=False)
class CaseCohortFit(CoxFit):
    """A Cox model of a case-cohort sample: hazard ratios in the cohort, with limits and Wald tests.

    The likelihoods are pseudo-likelihoods, whose differences test nothing. `cov_model` is the variance that
    the whole cohort would have left, to which the sampling adds the rest of `cov`.

    Attributes
    ----------
    n_subcohort, cohort_size
        Patients in the subcohort, and in the cohort that it was drawn from.
    strata
        The columns whose combinations have baseline hazards of their own.
    sampled
        The observations, for counts of levels; None in a slim fit.
    """

    n_subcohort: int
    cohort_size: int
    strata: tuple[str, ...] = ()
    sampled: Survival | None = field(default=None, repr=False)

    def slim(self) -> CaseCohortFit:
        """The same fit without its design and data."""
        return replace(self, design=None, sampled=None)

    def tests(self) -> pl.DataFrame:
        """The Wald test that all effects are zero: test, statistic, df, p_value."""
        statistic, df, _ = wald_test(self.coef, self.cov)
        return frame_of_tests([("Wald", statistic, df, chi_squared_tail(statistic, df))], "test")

    @property
    def aic(self) -> float:
        """Not a number: a pseudo-likelihood has no such criterion."""
        return float("nan")

    @property
    def bic(self) -> float:
        """Not a number: a pseudo-likelihood has no such criterion."""
        return float("nan")

    def summary(self) -> pl.DataFrame:
        """One row, as of every fit, without AIC and BIC."""
        return CoxFit.summary(self).with_columns(pl.col("aic", "bic").fill_nan(None))

    def methods(self) -> str:
        """A sentence for the methods section."""
        return (
            f"{CoxFit.methods(self)} The sample holds all {counted(int(self.n_event), 'case')} and a random "
            f"subcohort of {self.n_subcohort} of the {self.cohort_size} patients of the cohort."
            + (f" Baseline hazards were stratified by {listed(self.strata)}." if self.strata else "")
        )

    def observations(self, what: str) -> NoReturn:
        """Refused: what is not a hazard ratio would need the whole cohort."""
        raise DataError(
            f"there is no form of {what} from a case-cohort sample",
            argument="fit",
            expected="a fit of the whole cohort; a sample tells hazard ratios, their limits and tests",
            remedy="fit.to_frame(exponentiate=True), fit.term_tests() or contrast(fit, ...)",
        )


def case_cohort(
    data: Any,
    covariates: Covariates,
    *,
    time: Column,
    event: Column,
    event_value: Any = None,
    subcohort: Column,
    cohort_size: int,
    method: Method = "prentice",
    entry: Column | None = None,
    strata: Columns = None,
    id: Column | None = None,
    conf_level: float = 0.95,
    missing: Missing = "raise",
) -> CaseCohortFit:
    """Hazard ratios from a case-cohort sample: all cases of a cohort, and a random subcohort of it.

    The model and its log hazard ratios are those of `cox` in the whole cohort, where covariates are known
    only of those who had the event and of a simple random sample drawn at the start, whatever its later
    course. Cases are over-represented, so an ordinary fit would be wrong.

    Parameters
    ----------
    data
        Any table with one row per patient of the sample, or start-stop rows with an `id`: the subcohort, and
        every case outside it.
    covariates
        A right-hand-side formula, `"age + C(group, ref='B')"`, or a list of columns.
    time, event
        Follow-up in any one unit, and whether it ended with the event (Boolean or 0/1).
    event_value
        The value (or values) of `event` that counts as the event, for any other coding.
    subcohort
        Whether a patient is in the subcohort (Boolean or 0/1), cases among them included.
    cohort_size
        Patients in the whole cohort.
    method
        How the risk set at an event is estimated. "prentice": the subcohort at risk, and the case itself.
        "self-prentice": the subcohort at risk alone. "lin-ying": all cases at risk, and the others weighted
        by the inverse of their sampling fraction.
    entry
        Delayed entry, or the beginning of a start-stop row.
    strata
        Columns whose combinations have baseline hazards of their own. (The subcohort is drawn from all.)
    id
        Patient, where several rows hold one patient's follow-up.
    conf_level
        Level of the limits.
    missing
        "raise" names what is missing; "drop" leaves those rows out and counts them. A subcohort of those with
        complete covariates is a smaller one.

    Returns
    -------
    CaseCohortFit
        With `.to_frame(exponentiate=True)`, `.tests()`, `.term_tests()` and `.text(term)`; no residuals and
        no predicted survival.

    Raises
    ------
    DataError
        As `cox`; patients without the event outside the subcohort, a subcohort without such patients or,
        beyond chance, without cases, a patient inside in some rows only or with several events, more patients
        than the cohort has.
    FormulaError
        A formula or a column that gives no design.
    ConvergenceError
        If the iteration ends without a maximum.

    Warns
    -----
    DataWarning
        If the likelihood is monotone, and if there are more coefficients than events.

    Notes
    -----
    As R's `cch`. A case outside the subcohort is at risk only at its own event, for which it enters
    (Prentice), or is in no risk set (Self and Prentice); both have the variance of Self and Prentice at their
    estimate. It is the inverse information, plus what sampling adds: (1 - f) times the sum of squares of the
    influence of the sampled patients, f being the fraction sampled. With Lin and Ying these are the patients
    without the event, and their influence is centred. Tied events as by Efron.

    References
    ----------
    Prentice RL. Biometrika 1986;73:1-11. Self SG, Prentice RL. Ann Stat 1988;16:64-81. Lin DY, Ying Z. J Am
    Stat Assoc 1993;88:1341-1349. Therneau TM, Li H. Lifetime Data Anal 1999;5:99-112 (computation).

    Examples
    --------
    Progression of a gammopathy, as if 300 of 1384 patients had been drawn and measured.

    >>> import numpy as np
    >>> import polars as pl
    >>> import hemresearch as hem
    >>> mgus = hem.data.load("mgus2")
    >>> drawn = np.random.default_rng(1).permutation(mgus.height) < 300
    >>> mgus = mgus.with_columns(drawn=pl.Series(drawn))
    >>> sample = mgus.filter(pl.col("drawn") | (pl.col("pstat") == 1))
    >>> fit = hem.regression.case_cohort(
    ...     sample, "age + sex", time="ptime", event="pstat", subcohort="drawn", cohort_size=mgus.height
    ... )
    >>> fit.text("age")
    'hazard ratio of age 1.02 (95% CI 1.00–1.04), p=0.067'
    """
    check_choice(method, Method, argument="method")
    check_conf_level(conf_level)
    frame = as_frame(data)
    frame = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    y = read_survival(
        frame, time=time, event=event, event_value=event_value, entry=entry, id=id, strata=strata,
        covariates=covariate_columns(covariates, frame), join=False, missing=missing,
    )  # fmt: skip
    refuse_no_events(y)
    sample = _sample(y, _members(frame, subcohort, y), cohort_size, y.names | {"subcohort": _name(subcohort)})
    design = model_design(y, covariates)
    if not design.columns:
        raise DataError(
            "names no covariates",
            argument="covariates",
            expected="at least one covariate",
            remedy='covariates="age + sex"',
        )
    warn_if_crowded(len(design.columns), int(y.event.sum()), "covariates", remedy="fewer terms")
    label, estimate = METHODS[method]
    solution = estimate(y, design, sample)
    return CaseCohortFit(
        name="Cox regression",
        method=f"{label} pseudo-likelihood of a case-cohort sample",
        columns=design.columns,
        terms=design.terms,
        coef=solution.coef,
        cov=solution.cov,
        cov_model=solution.cov_model,
        variance="case-cohort",
        log_likelihood=solution.log_likelihood,
        log_likelihood_null=solution.log_likelihood_null,
        n=sample.count(np.ones(len(y), dtype=bool)),
        n_event=int(y.event.sum()),
        conf_level=conf_level,
        ratio="hazard ratio",
        df=solution.df,
        n_dropped=y.n_dropped,
        time_unit=y.time_unit,
        design=design,
        n_subcohort=sample.count(sample.inside),
        cohort_size=sample.cohort_size,
        strata=tuple(y.stratum.names),
        sampled=y,
    )


def _name(column: Column) -> str:
    return column if isinstance(column, str) else column.meta.output_name()


def _members(frame: pl.DataFrame, subcohort: Column, y: Survival) -> np.ndarray:
    """Which rows belong to the subcohort; nobody's membership may be missing."""
    table = read_table(frame, {"subcohort": subcohort})
    series = table.series("subcohort")
    if series.dtype == pl.Boolean or (
        series.dtype.is_numeric() and series.cast(pl.Float64).is_in([0.0, 1.0]).all()
    ):
        inside = series.cast(pl.Boolean).to_numpy()
        return inside if y.row is None else inside[y.row]
    raise DataError(
        f"holds {series.dtype}, and not only 0 and 1",
        argument="subcohort",
        column=table.name("subcohort"),
        expected="a Boolean or 0/1 column: whether the patient was drawn into the subcohort",
        remedy=f"subcohort=(pl.col({table.name('subcohort')!r}) == ...).alias('subcohort')",
    )


def _sample(y: Survival, inside: np.ndarray, cohort_size: Any, names: dict[str, str]) -> Sample:
    """The sample by patients, checked to be one of a case-cohort study."""
    patient = np.arange(len(y)) if y.patient is None else y.patient
    n_event, n_inside = np.bincount(patient, y.event), np.bincount(patient, inside)
    case = n_event[patient] > 0
    several = n_event[patient] > 1
    if several.any():
        raise DataError(
            "happens several times to a patient",
            argument="event",
            column=names["event"],
            rows=y.positions(several & y.event),
            expected="at most one event of each patient",
            remedy="data.filter(...) to the rows up to the first event",
        )
    mixed = (n_inside[patient] > 0) & ~inside
    if mixed.any():
        raise DataError(
            "is true in some rows of a patient only",
            argument="subcohort",
            column=names["subcohort"],
            rows=y.positions(mixed),
            expected="the same in all rows of a patient: whether the patient was drawn",
            remedy=f"pl.col({names['subcohort']!r}).max().over({names['id']!r})",
        )
    sample = Sample(inside, case, patient, _checked_size(cohort_size, len(n_event)))
    _refuse_unlike_a_sample(y, sample, names["subcohort"], names["event"])
    return sample


def _checked_size(cohort_size: Any, n: int) -> int:
    """A whole number of patients, at least those in the data."""
    whole = isinstance(cohort_size, int | np.integer) and not isinstance(cohort_size, bool)
    if whole and cohort_size >= n:
        return int(cohort_size)
    raise DataError(
        f"{cohort_size!r} was given, and the data hold {counted(n, 'patient')}",
        argument="cohort_size",
        expected="the number of patients in the whole cohort that the subcohort was drawn from",
        remedy=f"cohort_size={n} if the data are the whole cohort",
    )


def _refuse_unlike_a_sample(y: Survival, s: Sample, subcohort: str, event: str) -> None:
    """Refuse patients that were not sampled, and a subcohort that is no random sample."""
    stray = ~s.inside & ~s.case
    if stray.any():
        raise DataError(
            f"is false for {counted(s.count(stray), 'patient')} without the event, who do not belong to the "
            "sample",
            argument="subcohort",
            column=subcohort,
            rows=y.positions(stray),
            expected="the subcohort, and cases outside it",
            remedy=f"data.filter(pl.col({subcohort!r}) | pl.col({event!r}))",
        )
    n_inside, n_case = s.count(s.inside), s.count(s.case)
    if not (s.inside & ~s.case).any():
        raise DataError(
            "is true for nobody without the event, so there is nobody to compare the cases with",
            argument="subcohort",
            column=subcohort,
            expected="a random sample of the cohort",
            remedy="data that hold the whole subcohort",
        )
    expected = n_case * n_inside / s.cohort_size
    if expected > CHANCE and not (s.inside & s.case).any():
        raise DataError(
            f"is false for all {counted(n_case, 'case')}, of whom a random sample of {n_inside} of "
            f"{s.cohort_size} patients would hold about {expected:.0f}",
            argument="subcohort",
            column=subcohort,
            expected="a sample drawn whatever happens later, so that some of its patients are cases",
            remedy="true also for the cases that were drawn; conditional_logistic(...) for matched controls",
        )
