"""The test of proportional hazards (against R in test_cox_reference.py): what it does and what it refuses."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cohorts import EVERYTHING, ROLES, TERMS, cohort
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.regression import cox, ph_test


def changing(seed, n=400):
    """A mark that doubles the hazard early and halves it late, and an age that does nothing of the kind."""
    rng = np.random.default_rng(seed)
    marked, age = rng.random(n) < 0.5, rng.normal(60, 10, n)
    early = rng.exponential(1 / np.where(marked, 3.0, 1.0))
    late = 0.5 + rng.exponential(1 / np.where(marked, 0.5, 1.5))
    return pl.DataFrame(
        {"time": np.where(early < 0.5, early, late), "event": True, "marked": marked, "age": age}
    )


def test_a_hazard_ratio_that_changes_is_found():
    test = ph_test(cox(changing(1), "marked + age", **ROLES))
    p = dict(zip(test.to_frame()["term"], test.to_frame()["p_value"], strict=True))
    assert p["marked"] < 1e-6
    assert p["age"] > 0.01
    assert p["global"] < 1e-5


def test_its_level_holds_where_hazards_are_proportional():
    p = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=80)
        time = rng.exponential(np.exp(-0.5 * x))
        data = pl.DataFrame({"time": time, "event": time < 3, "x": x})
        p.append(ph_test(cox(data, "x", **ROLES)).to_frame()["p_value"][0])
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09  # Monte-Carlo limits of 5 % in 200
    assert 0.4 < np.mean(p) < 0.6


def test_the_score_test_is_the_derivative_of_a_model_with_the_interaction():
    # x * g(t) added as a covariate of the risk sets, fitted by its score at 0: one event time per row
    data = cohort(2, 40, ties=False)
    fit = cox(data, "age", **ROLES)
    statistic = ph_test(fit, transform="identity").to_frame()["statistic"][0]
    age, time, event = (data[c].to_numpy() for c in ("age", "time", "event"))
    u, info = 0.0, np.zeros((2, 2))
    for t in time[event]:
        at_risk = time >= t
        z = np.column_stack([age, age * t])[at_risk]
        w = np.exp(fit.coef[0] * (age[at_risk] - 60))
        mean = w @ z / w.sum()
        own = np.array([age[time == t][0], age[time == t][0] * t])
        u = u + (own - mean)
        info += (z * w[:, None]).T @ z / w.sum() - np.outer(mean, mean)
    assert_close(u @ np.linalg.solve(info, u), statistic, rel=1e-6)


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
def test_order_and_units_do_not_matter(transform):
    data = cohort(3)
    plain = ph_test(cox(data, TERMS, **EVERYTHING), transform=transform).to_frame()
    moved = data.sample(fraction=1, shuffle=True, seed=1).with_columns(age=pl.col("age") * 1e6 - 1e7)
    again = ph_test(cox(moved, TERMS, **EVERYTHING), transform=transform).to_frame()
    assert_close(plain["statistic"], again["statistic"], rel=1e-7)
    assert plain["term"].to_list() == ["age", "marked", "group", "global"]
    assert plain["df"].to_list() == [1.0, 1.0, 2.0, 4.0]


def test_a_function_of_time_is_a_transform_of_its_own():
    fit = cox(cohort(3), TERMS, **EVERYTHING)
    named, own = ph_test(fit, transform="log"), ph_test(fit, transform=np.log)
    assert_close(named.to_frame()["statistic"], own.to_frame()["statistic"], rel=1e-9)
    assert (named.transform, own.transform) == ("log", "user")
    assert_close(
        ph_test(fit, transform=lambda t: 3 * np.log(t) - 7).to_frame()["statistic"],
        named.to_frame()["statistic"],
        rel=1e-9,
    )  # centre and scale of g(t) cancel


def test_residuals_are_kept_with_the_transformed_time():
    fit = cox(cohort(3), TERMS, **EVERYTHING)
    scaled = ph_test(fit, transform="log").scaled
    assert scaled.columns == ["row", "time", "g(t)", "stratum", *fit.columns]
    assert scaled.height == fit.n_event
    assert_close(scaled["g(t)"], np.log(scaled["time"].to_numpy()), rel=1e-12)


def test_covariates_may_have_the_names_of_columns_of_residuals():
    data = cohort(3).rename({"age": "x", "risk": "row", "time": "years"}).with_columns(time=pl.col("x") * 2)
    roles = {"time": "years", "event": "event"}
    fit, plain = (cox(rows, terms, **roles) for rows, terms in (
        (data, "row + time"), (data.rename({"row": "a", "time": "b"}), "a + b")))  # fmt: skip
    assert fit.residuals("schoenfeld").columns == ["row", "time", "row (covariate)", "time (covariate)"]
    named, other = ph_test(fit), ph_test(plain)
    assert named.residuals_of("time").to_list() == other.residuals_of("b").to_list()
    assert ph_test(cox(data, "x", **roles)).residuals_of("x").len() == fit.n_event


def test_the_result_tells_of_itself():
    test = ph_test(cox(changing(1), "marked + age", **ROLES))
    assert repr(test).startswith(
        "Proportional hazards (score test, km time), events=400\n  marked: chi-squared "
    )
    assert test.summary().columns == ["name", "transform", "n_event", "statistic", "df", "p_value"]
    assert test.summary().row(0)[:3] == ("proportional hazards test", "km", 400)
    assert (
        test.text()
        == "proportional hazards: global p<0.001; against proportional hazards of marked (p<0.001)"
    )
    assert "1 - Kaplan-Meier" in test.methods()
    assert "(rank)" in ph_test(test.fit, transform="rank").methods()
    quiet = ph_test(cox(changing(1), "age", **ROLES)).text()
    assert quiet.startswith("proportional hazards: global p=")
    assert "against" not in quiet
    many = cohort(4, 200)
    for j in range(12):
        many = many.with_columns((pl.col("age") * (j + 1)).sin().alias(f"x{j}"))
    shown = repr(ph_test(cox(many, " + ".join(f"x{j}" for j in range(12)), **ROLES)))
    assert shown.endswith("and 4 more")


def test_what_it_cannot_test_is_refused():
    data = cohort(1)
    fit = cox(data, TERMS, **ROLES)
    assert_refused(lambda: ph_test(data), argument="fit", says=["a DataFrame was given", "a Cox fit"])
    assert_refused(lambda: ph_test(cox(data, [], **ROLES)), argument="fit", says=["no covariates"])
    assert_refused(lambda: ph_test(fit, transform="sqrt"), argument="transform", says=["'km'"])
    zero = cox(data.with_columns(pl.col("time") - pl.col("time").min()), TERMS, **ROLES)
    for transform in ("log", lambda t: t[:3], lambda t: np.full(len(t), np.nan)):
        assert_refused(
            lambda g=transform: ph_test(zero, transform=g),
            argument="transform",
            says=["one finite number for each event time", "transform='km'"],
        )
