"""Aalen's additive hazards: R's aareg, lifelines, numbers by hand, and what must not change anything."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import replicated, split_at
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.errors import FormulaError
from hemresearch.regression import aalen_additive
from hemresearch.survival import nelson_aalen

FIVE = pl.DataFrame({"time": [1, 2, 3, 4, 5], "event": [1, 1, 0, 1, 1], "x": [1, 0, 1, 0, 1]})
Y = {"time": "time", "event": "event"}


def study(n: int = 120, seed: int = 5) -> pl.DataFrame:
    """Patients with delayed entry, ties, weights and clusters."""
    rng = np.random.default_rng(seed)
    time = np.ceil(rng.exponential(30, n))
    return pl.DataFrame(
        {
            "time": time,
            "event": rng.random(n) < 0.7,
            "entry": np.floor(time * rng.random(n) * (rng.random(n) < 0.3)),
            "age": rng.normal(60, 10, n),
            "arm": rng.choice(["A", "B", "C"], n),
            "weight": rng.integers(1, 4, n),
            "centre": rng.integers(0, 15, n),
        }
    )


STUDY = study()


@pytest.mark.parametrize("case_id", reference_cases("aalen"))
def test_matches_aareg(reference, case_id):
    case = reference("aalen", case_id)
    fit = aalen_additive(
        case.data,
        case.options["covariates"],
        time=case.role("time"),
        event=case.role("event"),
        entry=case.role("entry"),
        weights=case.role("weights"),
        cluster=case.role("cluster"),
        robust=case.options["robust"],
        min_at_risk=case.options.get("min_at_risk"),
    )
    values = case.values
    assert len(fit.time) == values["n_time_used"]
    assert fit.time[-1] == values["last_time"]
    assert (fit.stopped_at is None) == (values["n_time_used"] == values["n_time"])
    at = fit.at(case.options["times"])
    for column, name in enumerate(fit.columns):
        rows = at.filter(pl.col("term") == name)
        for ours in ("estimate", "std_error"):
            assert_close(rows[ours], [row[column] for row in values[ours]["data"]], rel=1e-8)
    for test_weight, expected in values["tests"].items():
        test = fit.test(test_weight)
        assert_close(test.statistic, expected["chisq"], rel=1e-8)
        assert_close(test.to_frame()["statistic"], expected["z"], rel=1e-8)
        assert_close(test.to_frame()["p_value"], expected["p"], rel=1e-8)


def test_matches_lifelines(dataset):
    lifelines = pytest.importorskip("lifelines")
    veteran = dataset("veteran").select("time", "status", "karno", "age")
    untied = veteran.with_columns(time=pl.col("time") + pl.int_range(pl.len()) / 1000)
    # lifelines 0.30 keeps those censored between two events at risk for good, so here they are censored at
    # one. Its variances are not compared: it divides by a covariate's deviation once where it is squared.
    deaths = np.sort(untied.filter(status=1)["time"].to_numpy())
    before = deaths[np.maximum(np.searchsorted(deaths, untied["time"].to_numpy(), side="right") - 1, 0)]
    moved = untied.with_columns(time=pl.Series(before))
    theirs = lifelines.AalenAdditiveFitter(coef_penalizer=0).fit(moved.to_pandas(), "time", "status")
    ours = aalen_additive(moved, "karno + age", time="time", event="status")
    for name, their_name in (("intercept", "Intercept"), ("karno", "karno"), ("age", "age")):
        rows = ours.to_frame().filter(pl.col("term") == name)
        assert_close(rows["estimate"], theirs.cumulative_hazards_[their_name].loc[ours.time], rel=1e-8)


def test_one_binary_covariate_by_hand():
    # With one 0/1 covariate the intercept is the Nelson-Aalen hazard of the 0s, and the coefficient that of
    # the 1s minus it: at 1 one of three 1s dies, at 2 one of two 0s; at 4 one of one 0; at 5 no 0 is left.
    fit = aalen_additive(FIVE, "x", **Y, min_at_risk=1)
    frame = fit.to_frame()
    assert frame["term"].to_list() == ["intercept"] * 3 + ["x"] * 3
    assert frame["time"].to_list() == [1, 2, 4] * 2
    assert frame["n_risk"].to_list() == [5, 4, 2] * 2
    assert_close(frame["estimate"], [0, 1 / 2, 3 / 2, 1 / 3, 1 / 3 - 1 / 2, 1 / 3 - 3 / 2])
    v = [1 / 9, 1 / 9 + 1 / 4, 1 / 9 + 1 / 4 + 1]
    assert_close(frame["std_error"], np.sqrt([0, 1 / 4, 5 / 4, *v]))
    assert (fit.n_unused, fit.stopped_at) == (1, 5)


def test_tests_by_hand():
    # 1 / diag of (X'X)^-1 is n_0 for the intercept and n_0 n_1 / (n_0 + n_1) for x.
    test = aalen_additive(FIVE, "x", **Y, min_at_risk=1).test()
    weights = np.array([6 / 5, 1.0, 1 / 2])
    steps = weights * [1 / 3, -1 / 2, -1]
    z = steps.sum() / np.sqrt((steps**2).sum())
    assert_close(test.to_frame()["statistic"][1], z)
    assert_close(test.statistic, z**2)
    by_risk = np.array([5, 4, 2]) * [1 / 3, -1 / 2, -1]
    other = aalen_additive(FIVE, "x", **Y, min_at_risk=1).test("nrisk").to_frame()
    assert_close(other["statistic"][1], by_risk.sum() / np.sqrt((by_risk**2).sum()))


def test_a_factor_alone_gives_the_nelson_aalen_hazards_of_its_levels():
    fit = aalen_additive(STUDY, "arm", **Y, entry="entry", min_at_risk=1)
    hazards = nelson_aalen(STUDY, **Y, entry="entry", by="arm")
    times = fit.time[:-5]
    ours = fit.at(times).partition_by("term", maintain_order=True)
    theirs = hazards.at(times, extend=True).partition_by("arm", maintain_order=True)
    assert_close(ours[0]["estimate"], theirs[0]["estimate"], rel=1e-10)
    for level in (1, 2):
        sums = ours[0]["estimate"] + ours[level]["estimate"]
        assert_close(sums, theirs[level]["estimate"], rel=1e-9, at_zero=1e-12)


def test_predicted_survival_of_a_level_is_the_exponential_of_its_hazard():
    fit = aalen_additive(STUDY, "arm", **Y, min_at_risk=1)
    times = [10, 20, 40]
    predicted = fit.predict(pl.DataFrame({"arm": ["B"]}), times=times)
    hazard = nelson_aalen(STUDY.filter(arm="B"), **Y).at(times)
    survival = (-hazard["estimate"]).exp()
    assert_close(predicted["estimate"], survival, rel=1e-10)
    assert_close(predicted["std_error"], survival * hazard["std_error"], rel=1e-10)
    z = 1.959963984540054
    half = z * hazard["std_error"]
    assert_close(predicted["conf_low"], (-hazard["estimate"] - half).exp(), rel=1e-10)
    assert_close(predicted["conf_high"], (-hazard["estimate"] + half).exp(), rel=1e-10)
    assert predicted["row"].to_list() == [1, 1, 1]


@pytest.mark.parametrize("robust", [False, True])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_units_and_offsets_change_nothing(scale, offset, robust):
    ages = STUDY.with_columns(pl.col("age").round(3))  # so that the offset loses no digits of it
    plain = aalen_additive(ages, "age + arm", **Y, robust=robust)
    moved = aalen_additive(
        ages.with_columns(age=(pl.col("age") + offset) * scale), "age + arm", **Y, robust=robust
    )
    terms = ["arm[B]", "arm[C]", "age"]
    for name in terms:
        one, other = (fit.to_frame().filter(pl.col("term") == name) for fit in (plain, moved))
        unit = scale if name == "age" else 1.0
        for column in ("estimate", "std_error"):
            assert_close(other[column] * unit, one[column], rel=1e-7 if offset else 1e-9)
    assert_close(moved.test().statistic, plain.test().statistic, rel=1e-7)
    new = ages.head(3).with_columns(age=(pl.col("age") + offset) * scale)
    predicted = [plain.predict(ages.head(3), times=[5, 20]), moved.predict(new, times=[5, 20])]
    assert_frame_equal(*predicted, rel_tol=1e-8)


@pytest.mark.parametrize("entry", [None, "entry"])
def test_weight_two_is_two_patients(entry):
    options = {**Y, "entry": entry, "min_at_risk": 1}
    cohort = STUDY.filter(pl.col("time") > 3)
    weighted = aalen_additive(cohort, "age + arm", **options, weights="weight")
    repeated = aalen_additive(replicated(cohort), "age + arm", **options)
    assert_frame_equal(weighted.to_frame(), repeated.to_frame(), rel_tol=1e-9)
    for kind in ("aalen", "nrisk"):
        one, other = weighted.test(kind), repeated.test(kind)
        assert_frame_equal(one.to_frame(), other.to_frame(), rel_tol=1e-9)
    assert (weighted.n, weighted.n_event, weighted.n_unused) == (
        repeated.n,
        repeated.n_event,
        repeated.n_unused,
    )


def test_the_order_of_rows_changes_nothing():
    mixed = STUDY.sample(fraction=1, shuffle=True, seed=3)
    for robust in (False, True):
        one, other = (
            aalen_additive(
                data, "age + arm", **Y, entry="entry", min_at_risk=1, cluster="centre", robust=robust
            )
            for data in (STUDY.filter(pl.col("time") > 3), mixed.filter(pl.col("time") > 3))
        )
        assert_frame_equal(one.to_frame(), other.to_frame(), rel_tol=1e-9)


def test_the_robust_variance_is_that_of_the_jackknife_in_a_large_sample():
    data = study(60, seed=9)
    fit = aalen_additive(data, "age", **Y, robust=True, min_at_risk=1)
    at = float(np.median(data["time"]))
    left_out = [
        aalen_additive(data.filter(pl.int_range(pl.len()) != i), "age", **Y, min_at_risk=1).at(at)["estimate"]
        for i in range(len(data))
    ]
    spread = np.stack([part.to_numpy() for part in left_out])
    jackknife = np.sqrt((len(data) - 1) * spread.var(axis=0))
    np.testing.assert_allclose(fit.at(at)["std_error"].to_numpy(), jackknife, rtol=0.1)


def test_split_follow_up_is_the_same_follow_up():
    rows = STUDY.drop("entry").with_row_index("patient")
    split = split_at(rows, 10.0)
    whole = aalen_additive(rows, "age", **Y, robust=True, min_at_risk=1)
    pieces = aalen_additive(split, "age", **Y, entry="entry", cluster="patient", min_at_risk=1)
    joined = aalen_additive(split, "age", **Y, entry="entry", id="patient", robust=True, min_at_risk=1)
    assert_frame_equal(whole.to_frame(), pieces.to_frame(), rel_tol=1e-8)
    assert_frame_equal(whole.to_frame(), joined.to_frame(), rel_tol=1e-8)
    assert joined.n == whole.n


def test_the_variance_is_robust_where_weights_are_not_whole_or_rows_are_related():
    fractional = STUDY.with_columns(weight=pl.col("weight") / 3)
    assert aalen_additive(fractional, "age", **Y, weights="weight").variance == "robust"
    assert aalen_additive(STUDY, "age", **Y, weights="weight").variance == "martingale"
    assert aalen_additive(STUDY, "age", **Y, cluster="centre").variance == "robust"


def test_estimates_are_null_once_they_have_ended():
    fit = aalen_additive(FIVE, "x", **Y, min_at_risk=1)
    at = fit.at([0, 4.9, 5, 9]).filter(term="x")
    assert at["estimate"].is_null().to_list() == [False, False, True, True]
    assert at["estimate"][0] == 0
    assert fit.predict(FIVE.head(1), times=[5])["conf_low"].to_list() == [None]
    assert fit.text("x", at=6) == "cumulative coefficient at 6: x not estimable"
    whole = aalen_additive(STUDY.with_columns(event=pl.col("event") & (pl.col("time") < 30)), "age", **Y)
    last = float(STUDY["time"].max())
    assert whole.stopped_at is None
    assert whole.n_unused == 0
    assert whole.at([last, last + 1]).filter(term="age")["estimate"].is_null().to_list() == [False, True]


def test_min_at_risk_ends_the_estimates():
    by_default = aalen_additive(STUDY, "age + arm", **Y)
    assert by_default.n_risk[-1] >= 9
    more = aalen_additive(STUDY, "age + arm", **Y, min_at_risk=40)
    assert more.n_risk.min() >= 40
    assert more.n_unused > by_default.n_unused
    assert more.n_unused == STUDY.filter(pl.col("time") >= more.stopped_at)["event"].sum()


def test_what_it_says():
    trial = STUDY.with_columns(age=pl.when(pl.int_range(pl.len()) > 1).then("age"))
    fit = aalen_additive(trial, "age + arm", **Y, missing="drop", entry=None)
    text = repr(fit)
    assert text.startswith("Aalen's additive hazards (event by time): n=118, events=")
    assert "2 rows with missing values left out" in text
    assert "unused: too few at risk" in text
    assert text.endswith("95% limits: plain, martingale variance")
    assert fit._repr_html_().startswith("<pre>Aalen")
    assert "estimated by Aalen's least-squares method, before" in fit.methods()
    assert "age, arm[B], arm[C]" in fit.methods()
    assert fit.text().count("; ") == 2
    assert fit.text("age", at=10).startswith("cumulative coefficient at 10: age ")
    test = fit.test()
    assert repr(test).startswith("test of no additive effect: statistic")
    assert test.df == 3
    assert test.methods().startswith("Effects were tested by the test of no additive effect (increments")
    row = fit.summary()
    assert row["n_dropped"][0] == 2
    assert row["n_unused"][0] == fit.n_unused
    assert row["stopped_at"][0] == fit.stopped_at
    many = STUDY.with_columns(pl.col("age").pow(k).alias(f"x{k}") for k in (1, 2)).with_columns(
        pl.Series(f"z{k}", np.random.default_rng(k).normal(size=len(STUDY))) for k in range(8)
    )
    assert "and 3 more" in repr(aalen_additive(many, [f"z{k}" for k in range(8)] + ["x1", "x2"], **Y))
    late = aalen_additive(STUDY.filter(pl.col("time") > 3), "age", **Y, entry="entry")
    assert "with delayed entry (entry)" in late.methods()


def test_terms_are_tested_with_all_their_levels():
    fit = aalen_additive(STUDY, "age + arm", **Y)
    tests = fit.term_tests()
    assert tests["term"].to_list() == ["age", "arm"]
    assert tests["df"].to_list() == [1, 2]
    assert_close(tests["statistic"][0], fit.test().to_frame()["statistic"][1] ** 2)
    alone = aalen_additive(STUDY, "arm", **Y)
    assert_close(alone.term_tests()["statistic"][0], alone.test().statistic)


def test_a_column_list_is_the_formula_that_adds_it_up():
    frames = [aalen_additive(STUDY, c, **Y).to_frame() for c in ("age + arm", ["age", "arm"])]
    assert_frame_equal(*frames)
    lazy = aalen_additive(STUDY.lazy(), "age + arm", **Y).to_frame()
    assert_frame_equal(lazy, frames[0])


@pytest.mark.parametrize("robust", [False, True])
def test_a_group_without_events_has_no_variance_and_no_test(robust):
    quiet = STUDY.with_columns(event=pl.col("event") & (pl.col("arm") != "A"))
    fit = aalen_additive(quiet, "arm", **Y, robust=robust, min_at_risk=1)
    baseline = fit.to_frame().filter(term="intercept")
    assert baseline["std_error"].to_list() == [0.0] * len(fit.time)
    np.testing.assert_allclose(baseline["estimate"].to_numpy(), 0, atol=1e-12)
    for kind in ("aalen", "nrisk"):
        assert fit.test(kind).to_frame()["statistic"].is_null().to_list() == [True, False, False]
    predicted = fit.predict(pl.DataFrame({"arm": ["A"]}), times=[10])
    assert predicted["std_error"].to_list() == [0.0]


def test_a_single_cluster_has_no_variance():
    one = STUDY.with_columns(site=pl.lit(1))
    fit = assert_warns(
        lambda: aalen_additive(one, "age", **Y, cluster="site"),
        argument="cluster",
        column="site",
        says=["single cluster"],
    )
    assert fit.to_frame()["std_error"].to_list() == [0.0] * (2 * len(fit.time))
    assert fit.test().to_frame()["p_value"].null_count() == 2
    assert np.isnan(fit.test().statistic)


def test_survival_above_one_is_told():
    fit = aalen_additive(FIVE, "x", **Y, min_at_risk=1)
    far = pl.DataFrame({"x": [0.0, 9.0]})
    predicted = assert_warns(
        lambda: fit.predict(far, times=[2, 4]), argument="new_data", rows=[2], says=["1 patient"]
    )
    assert predicted["estimate"][3] > 1


@pytest.mark.parametrize(
    ("covariates", "column", "said"),
    [("age + twice", "twice", "follows"), ("age + same", "same", "is constant")],
)
def test_dependent_covariates_are_refused(covariates, column, said):
    data = STUDY.with_columns(twice=2 * pl.col("age") + 1e3, same=pl.lit(0.1))
    assert_refused(
        lambda: aalen_additive(data, covariates, **Y), argument="covariates", says=[repr(column), said]
    )


def test_too_few_at_risk_are_refused():
    assert_refused(
        lambda: aalen_additive(FIVE, "x", **Y, min_at_risk=6), argument="min_at_risk", says=["5 are at risk"]
    )
    assert_refused(
        lambda: aalen_additive(FIVE.with_columns(x=pl.col("time")).head(2), "x", **Y),
        argument="min_at_risk",
        says=["2 are at risk", "3 or more"],
    )


def test_covariates_without_variation_among_those_at_risk_are_refused():
    gone = pl.DataFrame({"time": [1, *range(2, 12)], "event": [0] + [1] * 10, "x": [1] + [0] * 10})
    assert_refused(
        lambda: aalen_additive(gone, "x", **Y), argument="covariates", says=["at the first event, at 2"]
    )


def test_few_at_risk_early_under_delayed_entry_are_refused():
    late = pl.DataFrame(
        {
            "entry": [0, 0] + [5] * 20,
            "time": [1.0, 9.0, *np.arange(6.0, 26.0)],
            "event": [1] * 22,
            "x": np.arange(22) % 5,
        }
    )
    refusal = assert_refused(
        lambda: aalen_additive(late, "x", **Y, entry="entry"),
        argument="entry",
        column="entry",
        rows=[1],
        says=["1 event time (the last at 1)"],
    )
    assert "pl.col('time') > 1" in refusal.remedy
    assert aalen_additive(late.filter(pl.col("time") > 1), "x", **Y, entry="entry").time[0] == 6


def test_no_covariates_no_events_and_wrong_arguments_are_refused():
    assert_refused(lambda: aalen_additive(STUDY, [], **Y), argument="covariates", says=["nelson_aalen"])
    assert_refused(
        lambda: aalen_additive(STUDY.with_columns(event=pl.lit(False)), "age", **Y),
        argument="event",
        column="event",
        says=["no events"],
    )
    assert_refused(lambda: aalen_additive(STUDY, "age", **Y, min_at_risk=0), argument="min_at_risk")
    assert_refused(lambda: aalen_additive(STUDY, "age", **Y, conf_level=95), argument="conf_level")
    assert_refused(
        lambda: aalen_additive(STUDY, "agee", **Y), argument="covariates", column="agee", error=FormulaError
    )
    fit = aalen_additive(STUDY, "age", **Y)
    assert_refused(lambda: fit.test("n"), argument="test_weight")
    assert_refused(lambda: fit.text("agee"), argument="term", says=["'age'"])
    assert_refused(lambda: fit.at(-1), argument="times")


def test_a_slim_fit_keeps_its_numbers_and_makes_no_predictions():
    fit = aalen_additive(STUDY, "age", **Y)
    slim = fit.slim()
    assert_frame_equal(slim.to_frame(), fit.to_frame())
    assert_refused(lambda: slim.predict(STUDY, times=[5]), argument="fit", says=["predict"])
    assert_refused(slim.term_tests, argument="fit")


def test_a_level_that_the_fit_has_not_seen_is_refused():
    fit = aalen_additive(STUDY, "arm", **Y)
    assert_refused(
        lambda: fit.predict(pl.DataFrame({"arm": ["D"]}), times=[5]),
        argument="new_data",
        column="arm",
        rows=[1],
        error=FormulaError,
    )
