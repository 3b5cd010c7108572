"""Effects that change with time: R's tt() and survSplit, episodes cut by hand, and properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.regression import compare, contrast, cox, ph_test, split_episodes
from hemresearch.regression.time_varying import TimeVaryingDesign

ROLES = {"time": "t", "event": "e"}
FUNCTIONS = {"log(t + 20)": lambda t: np.log(t + 20)}


def cohort(seed=1, n=60):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "t": rng.integers(2, 20, n).astype(float),
            "e": rng.random(n) < 0.7,
            "t0": rng.integers(0, 2, n).astype(float),
            "x": rng.normal(size=n),
            "z": rng.integers(0, 2, n),
            "g": rng.choice(list("abc"), n),
            "centre": rng.integers(0, 2, n),
            "w": rng.integers(1, 4, n),
        }
    )


def stored(case, **options):
    """Our fit of a stored case; `time_varying=None` gives the model with constant effects."""
    o = case.options
    terms = {t: f"`{t}`" if "." in t else t for t in o["terms"]}
    varying = {t: FUNCTIONS.get(v, v) if isinstance(v, str) else v for t, v in o["varying"].items()}
    given = {"time_varying": varying, "ties": o["ties"]} | options
    for role in ("entry", "weights", "cluster"):
        if role in o:
            given[role] = case.role(role)
    return cox(
        case.data, " + ".join(terms.values()), time=case.role("time"), event=case.role("event"),
        strata=o.get("strata"), missing="drop", **given,
    )  # fmt: skip


@pytest.mark.parametrize("case_id", reference_cases("time_varying"))
def test_matches_r(reference, case_id):
    case = reference("time_varying", case_id)
    v, fit = case.values, stored(case)
    assert_close(fit.coef, v["coef"], rel=1e-7)
    np.testing.assert_allclose(fit.cov, v["var"]["data"], rtol=1e-7, atol=1e-13)  # steps alone: zeros between
    assert_close([fit.log_likelihood_null, fit.log_likelihood], v["loglik"], rel=1e-10)
    assert_close(fit.tests().filter(pl.col("test") == "Wald")["statistic"][0], v["wald_test"], rel=1e-7)
    plain = stored(case, time_varying=None)
    assert_close(plain.log_likelihood, v["constant_loglik"], rel=1e-10)
    if "anova" in v:
        test = compare(plain, fit)
        assert_close([test.statistic, test.df], [v["anova"]["chisq"], v["anova"]["df"]], rel=1e-6)
    assert [fit.n, fit.n_event] == [plain.n, plain.n_event]


@pytest.mark.parametrize("case_id", reference_cases("time_varying", "tv_veteran", "tv_mgus2", "tv_lung"))
def test_predictions_along_time_match_r(reference, case_id):
    case = reference("time_varying", case_id)
    fit, times = stored(case), case.options["times"]
    new = pl.DataFrame(case.options["new"])
    survival = fit.predict(new, times=times)
    curves = fit.curves(new.with_columns(label=pl.Series(["a", "b"])), by="label").at(times)
    for i, expected in enumerate(case.values["survival"]):
        assert_close(survival.filter(pl.col("row") == i + 1)["estimate"], expected, rel=1e-7)
        assert_close(curves.filter(pl.col("label") == "ab"[i])["estimate"], expected, rel=1e-7)
        assert_close(
            curves.filter(pl.col("label") == "ab"[i]).select("std_error", "conf_low").to_numpy(),
            survival.filter(pl.col("row") == i + 1).select("std_error", "conf_low").to_numpy(),
        )


@pytest.mark.parametrize("varying", [{"x": [6, 11]}, {"x": "log", "z": [8]}])
def test_standard_errors_along_time_are_those_of_the_delta_method(varying):
    """The hazard is differentiated by moving the coefficients; R's error along a path is another."""
    fit = cox(cohort(12), "x + z", **ROLES, time_varying=varying)
    new, times = pl.DataFrame({"x": [1.0], "z": [1]}), [4, 9, 15]

    def hazard(fit, column="estimate"):
        return fit.predict(new, times=times, kind="cumulative hazard")[column].to_numpy()

    steps = 1e-5 * np.eye(len(fit.coef))
    slopes = np.array(
        [
            (hazard(replace(fit, coef=fit.coef + h)) - hazard(replace(fit, coef=fit.coef - h))) / 2e-5
            for h in steps
        ]
    )
    baseline_alone = hazard(replace(fit, cov=0 * fit.cov), "std_error")
    expected = np.sqrt(baseline_alone**2 + np.einsum("it,ij,jt->t", slopes, fit.cov, slopes))
    assert_close(hazard(fit, "std_error"), expected, rel=1e-6)


def test_one_step_by_hand():
    data = pl.DataFrame({"t": [1, 2, 3, 4, 5, 5, 6], "e": [1, 1, 1, 1, 0, 0, 0], "x": [1, 0, 1, 0, 1, 0, 0]})

    def value(early, late):  # at risk: 3 and 4 with x = 1 and 0, then 2 and 4, 2 and 3, 1 and 3
        r, s = np.exp(early), np.exp(late)
        return early - np.log((3 * r + 4) * (2 * r + 4)) + late - np.log((2 * s + 3) * (s + 3))

    fit = cox(data, "x", **ROLES, time_varying={"x": [2]})
    assert fit.columns == ("x (0,2]", "x (2,∞)")
    assert_close(fit.log_likelihood_null, value(0, 0), rel=1e-12)
    assert_close(fit.log_likelihood, value(*fit.coef), rel=1e-12)
    # the scores 3r / (3r + 4) + 2r / (2r + 4) = 1 and 2s / (2s + 3) + s / (s + 3) = 1: 6r^2 = 16, 2s^2 = 9
    assert_close(fit.coef, np.log([np.sqrt(16 / 6), np.sqrt(9 / 2)]), rel=1e-9)


def test_a_step_equals_episodes_and_columns_made_by_hand():
    data = cohort()
    fit = cox(data, "x + g", **ROLES, entry="t0", strata="centre", weights="w", time_varying={"x": [6, 11]})
    pieces = split_episodes(data, time="t", event="e", entry="t0", cut=[6, 11]).with_columns(
        **{f"x{k}": pl.col("x") * (pl.col("episode") == k) for k in (1, 2, 3)}
    )
    by_hand = cox(pieces, "x1 + x2 + x3 + g", **ROLES, entry="t0", strata="centre", weights="w")
    assert_close(fit.coef, by_hand.coef, rel=1e-9)
    assert_close(fit.cov, by_hand.cov, rel=1e-9)
    assert_close(fit.log_likelihood, by_hand.log_likelihood, rel=1e-12)
    assert fit.columns == ("x (0,6]", "x (6,11]", "x (11,∞)", "g[b]", "g[c]")
    assert fit.terms == {"x": slice(0, 3), "g": slice(3, 5)}
    assert [fit.n, by_hand.n] == [60, len(pieces)]  # patients, and rows without an id


def test_a_function_equals_a_column_of_every_event_time():
    data = cohort(2)
    fit = cox(data, "x * z", **ROLES, time_varying={"x:z": "sqrt", "z": lambda t: t > 9})
    events = data.filter("e")["t"].unique().to_list()
    pieces = split_episodes(data, time="t", event="e", cut=events).with_columns(
        xz=pl.col("x") * pl.col("z"),
        late=pl.col("z") * (pl.col("t") > 9),
        xzt=pl.col("x") * pl.col("z") * pl.col("t").sqrt(),
    )
    by_hand = cox(pieces, "x + z + late + xz + xzt", **ROLES, entry="entry")
    assert_close(fit.coef, by_hand.coef, rel=1e-8)
    assert_close(fit.cov, by_hand.cov, rel=1e-8)
    assert fit.columns == ("x", "z", "z:g(t)", "x:z", "x:z:sqrt(t)")


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_every_rule_for_ties(ties):
    data = cohort(3)
    pieces = split_episodes(data, time="t", event="e", cut=8).with_columns(
        early=pl.col("x") * (pl.col("episode") == 1), late=pl.col("x") * (pl.col("episode") == 2)
    )
    fit = cox(data, "x + z", **ROLES, ties=ties, time_varying={"x": 8})
    by_hand = cox(pieces, "early + late + z", **ROLES, entry="entry", ties=ties)
    assert_close(fit.coef, by_hand.coef, rel=1e-9)
    assert_close(fit.log_likelihood, by_hand.log_likelihood, rel=1e-12)
    plain = cox(data, "x + z", **ROLES, ties=ties)
    assert_close(fit.log_likelihood_null, plain.log_likelihood_null, rel=1e-12)
    assert fit.log_likelihood > plain.log_likelihood


def test_rows_may_come_in_any_order_and_weights_are_patients():
    data = cohort(4)
    options = {"time_varying": {"x": "log", "z": [8]}}
    fit = cox(data, "x + z", **ROLES, weights="w", **options)
    shuffled = cox(data.sample(fraction=1, shuffle=True, seed=1), "x + z", **ROLES, weights="w", **options)
    repeated = cox(
        data.select(pl.all().repeat_by("w")).explode(pl.all()), "x + z", **ROLES, **options, ties="breslow"
    )
    weighted = cox(data, "x + z", **ROLES, weights="w", **options, ties="breslow")
    assert_close(shuffled.coef, fit.coef, rel=1e-9)
    assert_close(shuffled.cov, fit.cov, rel=1e-9)
    assert_close(repeated.coef, weighted.coef, rel=1e-9)
    assert_close(repeated.cov, weighted.cov, rel=1e-9)
    assert repeated.n == data["w"].sum()


def test_episodes_of_a_patient_give_the_same_model_and_count_patients():
    data = cohort(5).with_row_index("id")
    split = split_episodes(data, time="t", event="e", entry="t0", id="id", cut=[4, 9, 13])
    for varying in ({"x": "log1p"}, {"x": [5, 9]}):
        whole = cox(data, "x + z", **ROLES, entry="t0", time_varying=varying, robust=True)
        pieces = cox(split, "x + z", **ROLES, entry="t0", id="id", time_varying=varying, robust=True)
        assert_close(pieces.coef, whole.coef, rel=1e-9)
        assert_close(pieces.cov, whole.cov, rel=1e-9)  # one patient is one cluster
        assert whole.n == pieces.n == 60
        new = data[:2]
        assert_close(
            whole.predict(new, times=[3.0, 12.0])["estimate"],
            pieces.predict(new, times=[3.0, 12.0])["estimate"],
            rel=1e-9,
        )


def test_units_of_time_and_covariate_do_not_matter():
    data = cohort(6)
    months = cox(data, "x + z", **ROLES, time_varying={"x": "log"})
    days = cox(
        data.with_columns(pl.col("t") * 30, pl.col("x") * 1e6), "x + z", **ROLES, time_varying={"x": "log"}
    )
    # x log(30 t) = x log(30) + x log(t)
    assert_close(days.coef[1] * 1e6, months.coef[1], rel=1e-7)
    assert_close(days.coef[0] * 1e6 + np.log(30) * days.coef[1] * 1e6, months.coef[0], rel=1e-7)
    assert_close(days.log_likelihood, months.log_likelihood, rel=1e-11)


def test_events_at_time_zero_count():
    data = cohort(7).with_columns(t=pl.when(pl.col("t") < 4).then(0.0).otherwise("t"))
    shifted = data.with_columns(pl.col("t") + 1, start=0.0)
    for now, after in (([8], [9]), ("sqrt", lambda t: np.sqrt(t - 1))):
        fit = cox(data, "x + z", **ROLES, time_varying={"x": now})
        later = cox(shifted, "x + z", **ROLES, entry="start", time_varying={"x": after})
        assert_close(fit.coef, later.coef, rel=1e-9)
        ours = fit.predict(data[:1], times=[0, 5, 12])["estimate"]
        assert_close(ours, later.predict(data[:1], times=[1, 6, 13])["estimate"], rel=1e-9)
        assert ours[0] < 1
    # a censoring at 0 is at risk of nothing, whatever the function says of it
    censored = data.filter(pl.col("e") | (pl.col("t") > 0))
    zero = pl.DataFrame({**dict.fromkeys(data.columns, 0), "g": "a", "e": False}).cast(dict(data.schema))
    positive = censored.filter(pl.col("t") > 0)
    with_zero = cox(pl.concat([positive, zero]), "x + z", **ROLES, time_varying={"x": "log"})
    assert_close(with_zero.coef, cox(positive, "x + z", **ROLES, time_varying={"x": "log"}).coef, rel=1e-9)
    assert_refused(
        lambda: cox(data, "x + z", **ROLES, time_varying={"x": "log"}),
        argument="time_varying",
        says=["one finite number for each event time", "log1p"],
    )


def test_a_step_that_differs_from_an_event_time_by_rounding_is_that_time():
    data = cohort(8).with_columns(pl.col("t") * 0.1)
    assert 0.9 != 9 * 0.1 or 0.3 != 3 * 0.1  # some of these are off by rounding
    whole = cox(cohort(8), "x", **ROLES, time_varying={"x": [3, 7, 9]})
    tenths = cox(data, "x", **ROLES, time_varying={"x": [0.3, 0.7, 0.9]})
    assert_close(tenths.coef, whole.coef, rel=1e-9)
    assert tenths.columns[0] == "x (0,0.3]"


def test_tests_of_proportional_hazards_and_linearity_still_work():
    data = cohort(9, n=150)
    fit = cox(data, "rcs(x, df=2) + z", **ROLES, time_varying={"z": [8]})
    assert fit.nonlinearity()["term"].to_list() == ["rcs(x, df=2)"]
    plain = cox(data, "rcs(x, df=2)", **ROLES)
    assert list(cox(data, "rcs(x, df=2) + z", **ROLES, time_varying={"rcs(x, df=2)": [8]}).terms) == [
        "rcs(x, df=2)", "z",
    ]  # fmt: skip
    assert plain.nonlinearity().height == 1
    assert ph_test(fit).to_frame().height >= 2
    assert fit.term_tests()["df"].to_list() == [2.0, 2.0]
    assert isinstance(fit.design, TimeVaryingDesign)


def test_martingale_residuals_of_the_pieces_add_up_to_the_prediction():
    data = cohort(10)
    fit = cox(data, "x + z", **ROLES, ties="breslow", time_varying={"x": "sqrt", "z": [9]})
    frame = fit.residuals("martingale").group_by("row").agg(pl.col("expected").sum()).sort("row")
    for i in (0, 7, 20):
        hazard = fit.predict(data[i], times=[data["t"][i]], kind="cumulative hazard")["estimate"][0]
        assert_close(frame["expected"][i], hazard, rel=1e-9)


def test_estimates_the_truth_of_a_simulation():
    rng = np.random.default_rng(11)
    n, early, late = 6000, 1.0, -0.5
    x = rng.integers(0, 2, n)
    u = rng.exponential(size=n)
    t = np.where(u < np.exp(early * x), u / np.exp(early * x), 1 + (u - np.exp(early * x)) / np.exp(late * x))
    end = rng.uniform(0.5, 3, n)
    data = pl.DataFrame({"t": np.minimum(t, end), "e": t <= end, "x": x})
    fit = cox(data, "x", **ROLES, time_varying={"x": [1]})
    assert np.abs((fit.coef - [early, late]) / fit.std_error).max() < 2.5


def test_crossing_no_step_warns_of_what_is_not_estimable():
    data = pl.DataFrame({"t": [1, 2, 3, 4, 5, 6], "e": [1, 1, 1, 1, 1, 0], "x": [0, 1, 1, 0, 0, 0]})
    assert_warns(
        lambda: cox(data, "x", **ROLES, time_varying={"x": lambda t: t}),
        argument="covariates",
        says=["grows without end"],
    )


def test_refusals():
    data = cohort()

    def fit(varying, **options):
        return cox(data, "x + g", **ROLES, time_varying=varying, **options)

    def refused(varying, *says, **options):
        assert_refused(lambda: fit(varying, **options), argument="time_varying", says=says)

    refused(["x"], "a list was given", "a dictionary")
    refused({"y": "log"}, "'y' is no term of the model", "there are 'x', 'g'")
    refused({"x": "logarithm"}, "'logarithm' is not a known function", "'log1p'")
    refused({"x": ["a"]}, "finite, non-negative numbers")
    refused({"x": [0]}, "the first step is at time 0")
    refused({"x": [0, 5]}, "the first step is at time 0", "[5.0]")
    refused({"x": [1, 5]}, "no event happens in (0,1]", "effect of x there is unknown", "[5.0]")
    refused({"x": [5, 100]}, "no event happens in (100,∞)", "[5.0]")
    refused({"x": 100}, "no event happens in (100,∞)", "time_varying=None")
    refused({"x": lambda t: 1.0}, "g(t) does not give one finite number")
    refused({"x": lambda t: t + np.nan}, "g(t) does not give one finite number")
    assert_refused(lambda: fit({"x": lambda t: t * 0 + 1}), argument="covariates", says=["'x:g(t)'", "'x'"])
    assert_refused(
        lambda: cox(data.with_columns(e=False), "x", **ROLES, time_varying={"x": "log"}),
        argument="event", column="e", says=["no events"],
    )  # fmt: skip
    changing = fit({"x": "log"})
    says = ["the effect of x changes with time", "contrast(fit, weights={...})"]
    assert_refused(lambda: changing.predict(data, kind="risk"), argument="new_data", says=says)
    assert_refused(lambda: contrast(changing, {"x": 1}, {"x": 0}), argument="at", says=says)
    late = contrast(changing, weights={"x": 1, "x:log(t)": np.log(10)})
    assert_close(late.estimate, [changing.coef[0] + np.log(10) * changing.coef[1]])
    assert_refused(lambda: changing.adjusted("g"), argument="fit", says=["several rows of a patient"])
    assert_refused(lambda: changing.slim().predict(data, times=[1]), argument="fit", says=["slim"])


def test_too_many_episodes_are_refused(monkeypatch):
    monkeypatch.setattr("hemresearch.regression.time_varying.MOST_EPISODES", 100)
    data = cohort()
    assert_refused(
        lambda: cox(data, "x", **ROLES, time_varying={"x": "log"}),
        argument="time_varying",
        says=["would cut 60 rows into", "[12, 24, 60]"],
    )
    entering = cox(data.filter(pl.col("t") <= 6), "x", **ROLES, entry="t0", time_varying={"x": [4]})
    assert entering.design.matrix.shape[0] <= 100
