"""The Cox model by hand, its invariances, other packages, and what is refused."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pytest
from cox_cohorts import EVERYTHING, ROLES, TERMS, assert_same_fit, cohort
from lifelines import CoxPHFitter, CoxTimeVaryingFitter
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.errors import ConvergenceError, FormulaError
from hemresearch.numerics.intervals import normal_quantile
from hemresearch.regression import cox, firth_cox, parametric, ph_test, split_episodes
from hemresearch.regression.cox_solution import check_clusters

# --- by hand -----------------------------------------------------------------------------------------------


def test_three_patients_by_hand():
    # L(b) = u / (2u + 1) * 1 / (1 + u) with u = exp(b); its derivative is zero where 2 u^2 = 1
    three = pl.DataFrame({"time": [1, 2, 3], "event": [1, 1, 0], "x": [1, 0, 1]})
    fit = cox(three, "x", **ROLES)
    u = np.sqrt(0.5)
    p, q = 2 * u / (2 * u + 1), u / (1 + u)
    assert_close(fit.to_frame(exponentiate=True)["estimate"], [u], rel=1e-9)
    assert_close(fit.log_likelihood, np.log(u / (2 * u + 1) / (1 + u)), rel=1e-12)
    assert_close(fit.log_likelihood_null, np.log(1 / 3 / 2), rel=1e-12)
    assert_close(fit.cov[0, 0], 1 / (p * (1 - p) + q * (1 - q)), rel=1e-7)
    score, information = 1 - 2 / 3 - 1 / 2, 2 / 9 + 1 / 4
    assert_close(fit.tests()["statistic"][2], score**2 / information, rel=1e-10)


def test_tied_events_by_hand():
    # events at the same time with x = 1 and 0; three of the five at risk have x = 1
    five = pl.DataFrame({"time": [1, 1, 2, 2, 2], "event": [1, 1, 0, 0, 0], "x": [1, 0, 1, 1, 0]})

    def ratio(ties):
        return cox(five, "x", **ROLES, ties=ties).to_frame(exponentiate=True)["estimate"]

    # u / (3u + 2)^2
    assert_close(ratio("breslow"), [2 / 3], rel=1e-8)
    # u / ((3u + 2) (3u + 2 - (u + 1) / 2)): the derivative is zero where 7.5 u^2 = 3
    assert_close(ratio("efron"), [np.sqrt(3 / 7.5)], rel=1e-8)
    # u over the sum of all pairs, 3 u^2 + 6 u + 1
    assert_close(ratio("exact"), [np.sqrt(1 / 3)], rel=1e-8)


def test_delayed_entry_by_hand():
    # at time 1 only the first two are at risk, at 3 the second and the third
    late = pl.DataFrame({"time": [1, 3, 4], "event": [1, 1, 0], "x": [1, 0, 1], "entry": [0, 0, 1]})
    fit = cox(late, "x", **ROLES, entry="entry")
    # u / (1 + u) * 1 / (1 + u): largest at u = 1
    assert_close(fit.coef, [0.0], at_zero=1e-9)
    assert_close(fit.log_likelihood, 2 * np.log(0.5), rel=1e-12)


def test_a_model_without_covariates_has_the_likelihood_of_chance():
    three = pl.DataFrame({"time": [1, 2, 3], "event": [1, 1, 0]})
    for none in ("1", []):
        fit = cox(three, none, **ROLES)
        assert_close([fit.log_likelihood, fit.log_likelihood_null], [np.log(1 / 6)] * 2)
        assert_close(fit.baseline().to_frame()["estimate"], [1 / 3, 1 / 3 + 1 / 2, 1 / 3 + 1 / 2])
        assert fit.to_frame().height == 0
        assert fit.df == 0
        assert fit.tests()["p_value"].null_count() == fit.tests().height
        assert "n=3, events=2" in repr(fit)


# --- other packages ----------------------------------------------------------------------------------------


def test_lifelines_agrees(dataset):
    lung = dataset("lung").select("time", "status", "age", "sex", "ph.ecog").drop_nulls()
    ours = cox(lung, ["age", "sex", "ph.ecog"], time="time", event=pl.col("status") == 2)
    peer = CoxPHFitter().fit(
        lung.with_columns(status=pl.col("status") == 2).to_pandas(), "time", "status",
        fit_options={"precision": 1e-12},
    )  # fmt: skip
    assert_close(ours.coef, peer.params_.to_numpy(), rel=1e-7)
    assert_close(ours.std_error, peer.standard_errors_.to_numpy(), rel=1e-6)
    assert_close(ours.log_likelihood, peer.log_likelihood_, rel=1e-10)


def test_lifelines_agrees_on_start_stop_rows(dataset):
    heart = dataset("heart").select("id", "start", "stop", "event", "age", "surgery").to_pandas()
    ours = cox(heart, ["age", "surgery"], time="stop", event="event", entry="start")
    columns = {"event_col": "event", "start_col": "start", "stop_col": "stop", "id_col": "id"}
    peer = CoxTimeVaryingFitter().fit(heart, **columns, fit_options={"precision": 1e-12})
    assert_close(ours.coef, peer.params_.to_numpy(), rel=1e-6)
    assert_close(ours.log_likelihood, peer.log_likelihood_, rel=1e-8)


# --- data in other forms -----------------------------------------------------------------------------------


def test_lazy_frames_and_pandas_tables_give_the_same_fit():
    data = cohort(9)
    plain = cox(data, TERMS, **EVERYTHING)
    for table in (data.lazy(), data.to_pandas(), data.to_arrow()):
        assert_same_fit(plain, cox(table, TERMS, **EVERYTHING))


def test_expressions_stand_for_columns_also_in_new_data():
    data = cohort(9).with_columns(log_age=pl.col("age").log(), years=pl.col("time") / 12)
    plain = cox(data, ["log_age", "marked"], time="years", event="event")
    computed = cox(
        data,
        [pl.col("age").log().alias("log_age"), "marked"],
        time=pl.col("time") / 12,
        event=pl.col("event") & pl.lit(True),
    )
    assert_same_fit(plain, computed)
    old = plain.predict(data.head(3), times=[0.2])
    assert_frame_equal(computed.predict(data.head(3).drop("log_age"), times=[0.2]), old)
    assert_frame_equal(computed.curves(data.head(1)).to_frame(), plain.curves(data.head(1)).to_frame())
    assert_frame_equal(computed.adjusted("marked").to_frame(), plain.adjusted("marked").to_frame())
    single = cox(data, pl.col("age").log().alias("log_age"), **ROLES)
    assert single.columns == ("log_age",)


def test_rows_with_missing_values_are_dropped_and_counted():
    data = cohort(9).with_columns(
        age=pl.when(pl.col("patient") < 3).then(None).otherwise("age"),
        stratum=pl.when(pl.col("patient") == 5).then(None).otherwise("stratum"),
    )
    assert_refused(
        lambda: cox(data, TERMS, **EVERYTHING),
        argument="strata",
        column="stratum",
        rows=[1, 2, 3, 6],
        says=['missing="drop"'],
    )
    fit = cox(data, TERMS, **EVERYTHING, missing="drop")
    rest = cohort(9).filter(~pl.col("patient").is_in([0, 1, 2, 5]))
    assert_same_fit(fit, cox(rest, TERMS, **EVERYTHING))
    assert (fit.n_dropped, fit.n) == (4, 76)
    assert "4 rows with missing values left out" in repr(fit)
    assert fit.residuals()["row"].to_list() == [4, 5, *range(7, 81)]


def test_an_event_of_another_coding_is_declared():
    data = cohort(9).with_columns(status=pl.when("event").then(2).otherwise(1))
    fit = cox(data, TERMS, time="time", event="status", event_value=2)
    assert_same_fit(fit, cox(data, TERMS, **ROLES))


# --- profile likelihood ------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_profile_limits_lie_where_the_likelihood_has_fallen(ties):
    data = cohort(10, 60)
    fit = cox(data, "age + marked", **EVERYTHING, ties=ties)
    frame = fit.profile_limits("age", conf_level=0.9)
    drop = 0.5 * normal_quantile(0.9) ** 2
    for limit in frame.select("conf_low", "conf_high").row(0):
        fixed = data.with_columns(risk=pl.col("risk") + limit * pl.col("age"))
        held = cox(fixed, "marked", **EVERYTHING, ties=ties)
        assert_close(held.log_likelihood, fit.log_likelihood - drop, rel=1e-9)
    assert frame["conf_low"][0] < fit.coef[0] < frame["conf_high"][0]


def test_profile_limits_of_terms_and_of_all():
    fit = cox(cohort(10), TERMS, **ROLES)
    assert fit.profile_limits()["term"].to_list() == list(fit.columns)
    assert fit.profile_limits(["group"])["term"].to_list() == ["group[b]", "group[c]"]
    assert_refused(lambda: fit.profile_limits("grup"), argument="columns", says=["no coefficient"])
    robust, ridge = (cox(cohort(10), TERMS, **ROLES, **o) for o in ({"robust": True}, {"ridge": 1.0}))
    assert_refused(robust.profile_limits, argument="fit", says=["has a robust variance"])
    assert_refused(ridge.profile_limits, argument="fit", says=["is penalised"])


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"ties": "efrom"}, "ties", ["ties='efron'"]),
        ({"conf_level": 95}, "conf_level", ["0.95"]),
        ({"ridge": 0}, "ridge", ["a penalty above 0"]),
        ({"robust": "yes"}, "robust", ["True"]),
        ({"ties": "exact", "weights": "weight"}, "weights", ["with ties='exact'", "no weights with exact"]),
        ({"ties": "exact", "cluster": "patient"}, "cluster", ["ties='efron'"]),
        ({"ties": "exact", "ridge": 1.0}, "ridge", ["has no such form"]),
        ({"ties": "exact", "robust": True}, "robust", ["has no such form"]),
    ],
)
def test_options_that_are_refused(options, argument, says):
    assert_refused(lambda: cox(cohort(), TERMS, **ROLES, **options), argument=argument, says=says)


def test_data_without_events_are_refused():
    quiet = cohort(n=4).with_columns(event=pl.lit(0))
    assert_refused(
        lambda: cox(quiet, "age", **ROLES),
        argument="event",
        column="event",
        says=["false in all 4 rows", "no events", "event_value=..."],
    )


def test_a_robust_variance_wants_clusters():
    data = cohort().with_columns(one=pl.lit(1), two=pl.col("patient") % 2, all=pl.col("patient") % 40)
    assert_refused(
        lambda: cox(data, TERMS, **ROLES, cluster="one"),
        argument="cluster",
        column="one",
        says=["between clusters", "robust=False"],
    )
    fit = assert_warns(
        lambda: cox(data, TERMS, **ROLES, cluster="two"),
        argument="cluster",
        column="two",
        says=["2 clusters for 4 coefficients", "singular"],
    )
    tests = {row[0]: row[1] for row in fit.tests().iter_rows()}
    assert tests["Wald"] is tests["robust score"] is None
    assert tests["score"] > 0
    assert cox(data, TERMS, **ROLES, cluster="all").tests()["statistic"].null_count() == 0
    patients = cohort(n=4).with_columns(id=pl.lit(1), time=pl.col("patient") + 1.0, entry=pl.col("patient"))
    y = cox(patients.with_columns(event=pl.lit(1)), [], **ROLES, entry="entry", id="id", robust=False).y
    assert_refused(lambda: check_clusters(y, 1, 1), argument="id", column="id")


def test_the_exact_likelihood_has_no_residuals_or_curves():
    fit = cox(cohort(), TERMS, **ROLES, ties="exact")
    for call in (fit.residuals, fit.baseline, lambda: ph_test(fit), lambda: fit.adjusted("group")):
        assert_refused(call, argument="ties", says=["with exact ties", "ties='efron'"])
    assert fit.concordance().to_frame()["estimate"][0] > 0.5


def test_a_slim_fit_tells_what_it_can():
    fit = cox(cohort(), TERMS, **ROLES)
    slim = fit.slim()
    assert slim.design is None
    assert slim.y is None
    assert_frame_equal(slim.to_frame(), fit.to_frame())
    assert slim.tests()["test"].to_list() == ["likelihood ratio", "Wald"]
    for call in (
        slim.residuals, slim.baseline, slim.concordance, slim.profile_limits, slim.nonlinearity,
        lambda: slim.predict(cohort(), times=[1]), lambda: slim.curves(cohort()), lambda: ph_test(slim),
    ):  # fmt: skip
        assert_refused(call, argument="fit", says=["a slim or converted fit", "before .slim()"])


def test_unknown_kinds_of_residuals_and_covariates_are_refused():
    fit = cox(cohort(), TERMS, **ROLES)
    assert_refused(lambda: fit.residuals("deviant"), argument="kind", says=["kind='deviance'"])
    assert_refused(lambda: cox(cohort(), "agee", **ROLES), argument="covariates", column="agee",
                   error=FormulaError, says=["did you mean 'age'"])  # fmt: skip
    infinite = cohort(n=4).with_columns(age=pl.Series([1.0, np.inf, 2.0, 3.0]))
    assert_refused(lambda: cox(infinite, "age", **ROLES), argument="covariates", column="age", rows=[2],
                   error=FormulaError, says=["1 infinite value"])  # fmt: skip
    for role in ("offset", "weights"):
        broken = cohort(n=4).with_columns(bad=pl.Series([1.0, np.inf, 2.0, 3.0]))
        assert_refused(lambda r=role, b=broken: cox(b, "age", **ROLES, **{r: "bad"}), argument=role,
                       column="bad", rows=[2])  # fmt: skip


def test_a_penalised_likelihood_that_does_not_settle_is_an_error(monkeypatch):
    from hemresearch.regression import cox_solution

    found = cox_solution.maximize_partial

    def unsettled(*given, **options):
        from dataclasses import replace

        return replace(found(*given, **options), converged=False)

    monkeypatch.setattr(cox_solution, "maximize_partial", unsettled)
    with pytest.raises(ConvergenceError, match="no maximum after"):
        cox(cohort(), TERMS, **ROLES, ridge=1.0)


# --- strata and starts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit", [cox, firth_cox])
@pytest.mark.parametrize("terms", ["age + stratum", "age + C(stratum)"])
def test_a_stratum_among_the_covariates_is_named_before_the_fit(fit, terms):
    label = terms.removeprefix("age + ")
    refusal = assert_refused(
        lambda: fit(cohort(9), terms, **ROLES, strata="stratum"),
        argument="strata",
        column="stratum",
        says=[f"is a stratum and the covariate {label!r} too"],
    )
    assert refusal.remedy == f"covariates=... without {label!r}, or strata=... without 'stratum'"


def test_strata_may_be_cut_from_a_covariate_of_the_same_name_and_may_interact():
    data = cohort(9)
    strata = (pl.col("age") > data["age"].median()).alias("age")
    assert cox(data, "age + marked", **ROLES, strata=strata).columns == ("age", "marked[True]")
    assert "age:stratum[y]" in cox(data, "age + age:stratum", **ROLES, strata="stratum").columns


def test_strata_of_one_patient_each_are_refused_for_what_they_are():
    refusal = assert_refused(
        lambda: cox(cohort(9), "age", **ROLES, strata="patient"),
        argument="strata",
        column="patient",
        says=["80 strata of 80 rows", "nobody is at risk together"],
    )
    assert refusal.remedy == "strata=None, or cluster='patient' for rows that belong together"


@pytest.mark.parametrize("fit", [cox, firth_cox, partial(parametric, distribution="exponential")])
def test_starts_that_were_written_and_not_given_are_told(fit):
    data = cohort(9)
    rows = split_episodes(data.drop("entry"), time="time", event="event", cut=[3.0])
    later = rows.filter(pl.col("entry") > 0).height
    says = [f"was not given, though {later} rows begin there where the row before ends", "Try entry='entry'"]
    assert_warns(lambda: fit(rows, "age", **ROLES), argument="entry", column="entry", says=says)
    fit(rows, "age", **ROLES, entry="entry")
    fit(rows.drop("entry"), "age", **ROLES)
    fit(rows.with_columns(entry=pl.lit(2004)), "age", **ROLES)  # a year, beyond all follow-up
    fit(rows.with_columns(entry=pl.lit("ward")), "age", **ROLES)
    fit(rows.with_columns(entry=pl.lit(0.0)), "age", **ROLES)
    fit(data, "age", **ROLES)  # who comes late does not go on from another row
