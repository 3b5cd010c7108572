"""Absolute risks of cause-specific Cox models: R, what follows from their definition, curves, refusals."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from cox_cases import new_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from random_causes import cohorts_with_causes
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from relapse_cohorts import ROLES, cohort, fit

from hemresearch.competing import cause_specific, cumulative_incidence
from hemresearch.competing.cause_specific_fit import RiskForm
from hemresearch.errors import DataError, DataWarning
from hemresearch.regression import cox

FORMS = RiskForm.__args__
TIMES = [2.0, 5.0, 9.0]
NEW = pl.DataFrame({"age": [0.0, 1.2, -1.0], "old": [False, True, True]})
STEP = 1e-4


def fitted(case, **options):
    """Our fit of a stored case, its new patients and the times."""
    o = case.options
    ours = cause_specific(
        case.data,
        " + ".join(o["terms"]),
        time=o["time"],
        event=o["status"],
        strata=o.get("strata"),
        **options,
    )
    return ours, new_rows(case, "predict_at"), o["times"]


@pytest.mark.parametrize("case_id", ["csc_bmtcrr", "csc_mgus2"])
@pytest.mark.parametrize("form", ["product-limit", "exponential"])
def test_two_forms_match_risk_regression(reference, case_id, form):
    case = reference("competing_risks", case_id)
    ours, new, times = fitted(case, ties=case.options["ties"])
    for cause, theirs in case.values["riskRegression_predict"].items():
        risks = ours.predict(new, times=times, form=form, cause=int(cause[-1]))
        assert_close(risks["estimate"], np.ravel(theirs[form.replace("-", "_")]), rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("competing_risks", "csc_"))
def test_the_matrix_exponential_matches_survival(reference, case_id):
    """Multi-state coxph takes Breslow's ties whatever it is asked for."""
    case = reference("competing_risks", case_id)
    ours, new, times = fitted(case, ties="breslow")
    theirs = case.values["predicted_cif_coxphms_breslow_expm"]
    risks = ours.predict(new, times=times, form="matrix-exponential")
    for cause in (1, 2):
        expected = [profile[str(cause)] for profile in theirs["profiles"]]
        assert_close(risks.filter(cause=cause)["estimate"], np.ravel(expected), rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("absolute_risk"))
def test_robust_errors_match_risk_regression(reference, case_id):
    """Where it takes the derivative that it says: Breslow, the exponential form, and no ties of a cause.

    Its errors for the product limit are those of the exponential form, and with ties they are not the
    derivative by the weights of the rows, as ours are (below).
    """
    case = reference("absolute_risk", case_id)
    ours, new, times = fitted(case, ties="breslow", robust=True)
    risks = ours.predict(new, times=times, form="exponential")
    for cause in (1, 2):
        theirs, one = case.values[f"cause{cause}"], risks.filter(cause=cause)
        assert_close(one["estimate"], np.ravel(theirs["risk"]), rel=1e-6)
        assert_close(one["std_error"], np.ravel(theirs["se"]), rel=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("ties", "more"),
    [
        ("efron", {}),
        ("breslow", {"cluster": "centre"}),
        ("efron", {"strata": "site", "entry": "t0", "cluster": "centre"}),
        ("efron", {"offset": "shift"}),
    ],
)
def test_robust_errors_are_sums_of_what_each_weight_moves(form, ties, more):
    n = 40
    data = cohort(1, n, ties=True).with_columns(
        t0=pl.col("time") * pl.Series(np.resize([0.0, 0.3, 0.1], n)),
        site=pl.Series(np.resize(["a", "b"], n)),
        centre=pl.Series(np.arange(n) // 2),
        shift=0.3 * pl.col("age").abs(),
        w=pl.col("weight") * pl.Series(np.linspace(0.4, 1.6, n)),
    )
    new = pl.DataFrame({"age": [0.0, -0.7], "old": [False, True]}).with_columns(site=pl.Series(["a", "b"]))

    def risks(weighted):
        ours = fit(weighted, {"death": "old", "relapse": "age + old"}, weights="w", ties=ties, **more)
        return ours.predict(new, times=[1, 3, 4], form=form)

    def moved(row):
        both = [data.with_columns(w=pl.col("w") * (1 + step * (pl.col("patient") == row)))
                for step in (-STEP, STEP)]  # fmt: skip
        low, high = (risks(weighted)["estimate"].to_numpy() for weighted in both)
        return (high - low) / (2 * STEP)

    influence = np.array([moved(row) for row in range(n)])
    if "cluster" in more:
        influence = influence[::2] + influence[1::2]
    found = risks(data)
    assert found["estimate"].null_count() == 0
    assert_close(found["std_error"], np.sqrt((influence**2).sum(axis=0)), rel=1e-5)


def test_three_patients_by_hand():
    """Two of three patients have an event, of cause 1 at 1 and of cause 2 at 2; nobody differs."""
    data = pl.DataFrame({"time": [1.0, 2.0, 3.0], "event": [1, 2, 0]})
    ours = fit(data, [])
    new = pl.DataFrame({"age": [50]})
    # h_1 = 1/3 with variance 1/9; h_2 = 1/2 with variance 1/4
    product = ours.predict(new, times=[1, 2, 3], form="product-limit")
    assert product["cause"].to_list() == [1, 1, 1, 2, 2, 2]
    assert_close(product["estimate"], [1 / 3, 1 / 3, 1 / 3, 0, 1 / 3, 1 / 3])
    one = np.sqrt(1 / 9)
    both = np.sqrt((2 / 3) ** 2 / 4 + (1 / 2) ** 2 / 9)  # F_2 = (1 - h_1) h_2
    assert_close(product["std_error"], [one, one, one, 0, both, both])
    exponential = ours.predict(new, times=2, form="exponential")
    s = np.exp(-1 / 3)
    assert_close(exponential["estimate"], [1 / 3, s / 2])
    assert_close(exponential["std_error"], [one, np.sqrt(s**2 / 4 + (s / 2) ** 2 / 9)])
    matrix = ours.predict(new, times=2, form="matrix-exponential")
    assert_close(matrix["estimate"], [1 - s, s * (1 - np.exp(-1 / 2))])


def test_without_covariates_the_product_limit_is_the_aalen_johansen_estimator(reference):
    case = reference("competing_risks", "aj_mgus2")
    o = case.options
    for theirs in case.values["strata"]:
        group = case.in_group(case.data, theirs["label"])
        ours = cause_specific(group, [], time=o["time"], event=o["status"], ties="breslow", robust=True)
        known = [t for t in o["times"] if 0 < t <= group[o["time"]].max()]
        at = [o["times"].index(t) for t in known]
        for cause in theirs["causes"]:
            risks = ours.predict(
                pl.DataFrame({"any": [1]}), times=known, cause=cause["cause"], form="product-limit"
            )
            assert_close(risks["estimate"], [cause["cif"][i] for i in at], rel=1e-9)
            assert_close(risks["std_error"], [cause["std_err"][i] for i in at], rel=1e-9)


@given(cohorts_with_causes(smallest=6))
@settings(max_examples=40)
def test_the_product_limit_is_that_estimator_in_any_cohort(data):
    ours = fit(data, [], robust=True, ties="breslow").curves(pl.DataFrame({"any": [1]}), form="product-limit")
    theirs = cumulative_incidence(data, **ROLES).to_frame()
    found = ours.to_frame().join(theirs, on=["cause", "time"], how="inner", suffix=" of theirs")
    assert found.height > 0
    assert_close(found["estimate"], found["estimate of theirs"], rel=1e-9)
    known = found.filter(pl.col("estimate").sum().over("time") < 1 - 1e-9)
    assert_close(known["std_error"], known["std_error of theirs"], rel=1e-7, at_zero=1e-9)


@given(cohorts_with_causes(smallest=10, entry=True), st.sampled_from(["matrix-exponential", "exponential"]))
@settings(max_examples=40)
def test_risks_grow_and_those_of_the_matrix_exponential_stay_probabilities(data, form):
    patients = pl.DataFrame({"weight": [1, 2, 3]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # of infinite hazard ratios, as small cohorts have
        try:
            ours = fit(data, "weight", entry="entry")
        except DataError:  # nobody to compare
            return
    frame = ours.curves(patients, form=form).to_frame()
    steps = frame.select(pl.col("estimate").diff().over("weight", "cause")).to_series().drop_nulls()
    assert (steps >= -1e-12).all()
    if form == "matrix-exponential":
        totals = frame.group_by("weight", "time").agg(pl.col("estimate").sum())["estimate"]
        assert (totals <= 1 + 1e-9).all()


@pytest.mark.parametrize("robust", [False, True])
def test_a_single_cause_is_one_less_survival(robust):
    data = cohort(3, ties=True).with_columns(
        event=pl.when(pl.col("event") == "censored").then("event").otherwise(pl.lit("death"))
    )
    ours = fit(data, robust=robust).predict(NEW, times=TIMES, form="matrix-exponential")
    one = cox(data, "age + old", time="time", event="event", event_value="death", robust=robust)
    theirs = one.predict(NEW, times=TIMES)
    assert_close(1 - ours["estimate"], theirs["estimate"], rel=1e-10)
    if not robust:  # there its errors hold the robust variance of the coefficients only
        assert_close(ours["std_error"], theirs["std_error"], rel=1e-8)


@pytest.mark.parametrize("form", ["product-limit", "matrix-exponential"])
def test_causes_and_event_free_survival_add_up_to_one(form):
    data = cohort(4, ties=True)
    ours = fit(data)
    total = ours.predict(NEW, times=TIMES, form=form).group_by("row", "time", maintain_order=True)
    risk = total.agg(pl.col("estimate").sum())["estimate"]
    hazards = [f.predict(NEW, times=TIMES, kind="cumulative hazard")["estimate"] for f in ours.fits.values()]
    if form == "matrix-exponential":
        assert_close(1 - risk, np.exp(-(hazards[0] + hazards[1])), rel=1e-10)
    grid = data["time"].unique().sort().to_list()
    steps = [
        f.predict(NEW[:1], times=grid, kind="cumulative hazard")["estimate"].diff()
        for f in ours.fits.values()
    ]
    h = (steps[0] + steps[1]).fill_null(hazards[0][0] * 0)
    if form == "product-limit":
        first = [
            f.predict(NEW[:1], times=grid[:1], kind="cumulative hazard")["estimate"][0]
            for f in ours.fits.values()
        ]
        product = (1 - sum(first)) * np.cumprod(1 - h.to_numpy())
        assert_close(1 - risk[:3], [product[grid.index(t)] for t in TIMES], rel=1e-10)


def test_order_of_times_units_and_weights_that_count_patients():
    data = cohort(5, ties=True)
    ours = fit(data).predict(NEW, times=TIMES)
    turned = fit(data).predict(NEW, times=[9, 2, 5, 2])
    for k, t in enumerate([9.0, 2.0, 5.0, 2.0]):
        assert turned["estimate"][k] == ours.filter(time=t, row=1, cause="death")["estimate"][0]
    units = fit(data.with_columns(pl.col("time") * 30.4, pl.col("age") * 1e5 + 40))
    again = units.predict(NEW.with_columns(pl.col("age") * 1e5 + 40), times=np.array(TIMES) * 30.4)
    assert_close(again["estimate"], ours["estimate"], rel=1e-7)
    assert_close(again["std_error"], ours["std_error"], rel=1e-6)
    repeated = data.select(pl.all().repeat_by("weight")).explode(pl.all())
    weighted = fit(data, weights="weight", ties="breslow").predict(NEW, times=TIMES)
    each = fit(repeated, ties="breslow").predict(NEW, times=TIMES)
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_close(weighted[name], each[name], rel=1e-7)


def test_limits_causes_and_times_without_knowledge():
    ours = fit(cohort(6))
    both = ours.predict(NEW.lazy(), times=[5, 500], conf_level=0.9, conf_type="plain")
    assert both.columns == ["row", "cause", "time", "estimate", "std_error", "conf_low", "conf_high"]
    assert both["estimate"].is_null().to_list() == [False, True] * 6
    one = ours.predict(NEW, times=5, cause="relapse", conf_level=0.9, conf_type="plain")
    assert one.equals(both.filter(cause="relapse", time=5.0))
    width = (one["conf_high"] - one["estimate"]) / one["std_error"]
    assert_close(width, [1.6448536269514722] * 3, rel=1e-9)
    at_start = ours.predict(NEW[:1], times=0)
    assert at_start["estimate"].to_list() == [0, 0]
    assert at_start["conf_low"].to_list() == [None, None]


def test_curves_are_the_predictions_along_time():
    data = cohort(7, ties=True)
    ours = fit(data)
    curves = ours.curves(NEW.with_columns(who=pl.Series(["x", "y", "z"])), by="who")
    assert (curves.by, curves.keys) == (("who",), ("who", "cause"))
    assert curves.quantity == "cumulative incidence"
    assert curves.predicted
    found = curves.at(TIMES).select("estimate", "std_error", "conf_low", "conf_high")
    assert found.equals(ours.predict(NEW, times=TIMES).select(found.columns))
    frame = curves.to_frame().filter(who="x", cause="relapse")
    assert frame["time"].to_list() == data["time"].unique().sort().to_list()
    assert frame["n_event"].sum() == (data["event"] == "relapse").sum()
    assert frame["n_censor"].sum() == (data["event"] == "censored").sum()
    assert frame["n_risk"][0] == 150
    assert curves.totals().row(0) == (
        150,
        (data["event"] != "censored").sum(),
        (data["event"] == "censored").sum(),
    )
    one = ours.curves(NEW[:1], cause="death", form="exponential", conf_level=0.9)
    assert one.method == "prediction (exponential) from cause-specific Cox regression (Efron ties)"
    assert one.groups()["cause"].to_list() == ["death"]
    assert (one.by, one.conf_level) == ((), 0.9)
    assert one.text(5).startswith("Cumulative incidence of death at 5: ")
    named = ours.curves(NEW)
    assert named.by == ("age", "old")


def test_strata_have_curves_of_their_own_and_weights_are_counted():
    data = cohort(8, ties=True)
    ours = fit(data, "age + old", strata="site", weights="weight")
    curves = ours.curves(NEW[:1])
    assert curves.by == ("site",)
    sites = {site: group for (site,), group in data.group_by("site")}
    for site, group in sites.items():
        frame = curves.to_frame().filter(site=site, cause="death")
        assert frame["n_risk"][0] == group["weight"].sum()
        assert frame["n_event"].sum() == group.filter(event="death")["weight"].sum()
        risks = ours.predict(NEW[:1].with_columns(site=pl.lit(site)), times=5, cause="death")
        assert_close(curves.at(5).filter(site=site, cause="death")["estimate"], risks["estimate"])


@pytest.mark.parametrize("robust", [False, True])
def test_a_stratum_without_events_has_no_risk(robust):
    data = cohort(11, ties=True).with_columns(
        event=pl.when(pl.col("site") == "c").then(pl.lit("censored")).otherwise("event")
    )
    ours = fit(data, "age", strata="site", robust=robust)
    risks = ours.predict(NEW.with_columns(site=pl.Series(["a", "b", "c"])), times=3)
    empty = risks.filter(row=3)
    assert empty["estimate"].to_list() == [0, 0]
    assert empty["std_error"].to_list() == [0, 0]
    assert (risks.filter(pl.col("row") < 3)["estimate"] > 0).all()
    curves = ours.adjusted("site").at(3)
    assert curves.filter(site="c")["estimate"].to_list() == [0, 0]


def test_many_event_times_of_a_robust_fit_are_thinned_and_counts_kept():
    data = cohort(9, 600)
    curves = fit(data, "old", robust=True).curves(NEW[:1])
    frame = curves.to_frame().filter(cause="death")
    assert frame.height <= 401
    assert frame["n_event"].sum() == (data["event"] == "death").sum()
    assert curves.variance == "robust"
    shown = frame["time"].to_list()[::100]
    expected = fit(data, "old", robust=True).predict(NEW[:1], times=shown, cause="death")
    assert_close(frame["std_error"].gather_every(100), expected["std_error"])


def test_refusals_and_the_warning_of_hazards_above_one():
    data = cohort(10, 60)
    ours = fit(data)
    assert_refused(lambda: ours.predict(NEW, times=[-1]), argument="times")
    assert_refused(
        lambda: ours.predict(NEW, times=5, form="product"), argument="form", says=["'product-limit'"]
    )
    assert_refused(lambda: ours.predict(NEW, times=5, conf_type="exp"), argument="conf_type")
    assert_refused(lambda: ours.predict(NEW, times=5, conf_level=95), argument="conf_level")
    assert_refused(
        lambda: ours.predict(NEW, times=5, cause="relaps"),
        argument="cause",
        column="event",
        says=["'relapse'"],
    )
    assert_refused(lambda: ours.curves(NEW[:0]), argument="new_data", says=["has no rows"])
    assert_refused(lambda: ours.curves(pl.concat([NEW, NEW])), argument="by", column="age",
                   says=["does not tell 6 curves apart"])  # fmt: skip
    extreme = NEW.with_columns(age=pl.Series([0.0, 6.0, 0.0]))
    says = ["hazards above 1 at a time for 1 patient", "form='matrix-exponential'"]
    risks = assert_warns(
        lambda: ours.predict(extreme, times=[0.1, 6], form="product-limit"),
        argument="form",
        rows=[2],
        says=says,
    )
    assert risks.filter(row=2, time=6.0)["estimate"].null_count() == 2
    assert risks.filter(pl.col("row") != 2)["estimate"].null_count() == 0
    curves = assert_warns(
        lambda: ours.curves(extreme[1:2], form="product-limit"), argument="form", rows=[1], says=says
    )
    assert curves.to_frame()["std_error"].null_count() == curves.to_frame()["estimate"].null_count() > 0
    whole = ours.predict(extreme, times=[0.1, 6], form="matrix-exponential")
    assert whole["estimate"].null_count() == 0
