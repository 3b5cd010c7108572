"""Tests of proportional subdistribution hazards: beside crr with tf, by hand, and refusals."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset
from refusals import assert_refused

from hemresearch.competing import cumulative_incidence, fine_gray, subdistribution_ph_test
from hemresearch.regression import cox

ROLES = {"time": "ftime", "event": "Status", "cause": 1}
DATA = load_dataset("bmtcrr")


def changing(n=400, seed=2):
    """The effect of x ends at time 1."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    early = rng.exponential(1.5 * np.exp(-x))
    relapse = np.where(early < 1, early, 1 + rng.exponential(1.5, n))
    death, censoring = rng.exponential(4, n), rng.uniform(0, 6, n)
    time = np.minimum.reduce([relapse, death, censoring])
    event = np.where(time == relapse, 1, np.where(time == death, 2, 0))
    return pl.DataFrame({"ftime": time, "Status": event, "x": x, "z": rng.integers(0, 2, n)})


@pytest.mark.parametrize("function", ["log", "identity"])
@pytest.mark.parametrize(
    "data", [DATA.rename({"Age": "x"}).with_columns(z=1 * (pl.col("D") == "AML")), changing()]
)
def test_agrees_with_the_coefficient_of_the_function_of_time(data, function):
    """Score and Wald test of one hypothesis: alike where it nearly holds, both small where it does not."""
    fit = fine_gray(data, "x + z", **ROLES)
    score = subdistribution_ph_test(fit, transform=function).to_frame().row(0, named=True)
    beside = fine_gray(data, "x + z", **ROLES, time_varying={"x": function})
    name = next(c for c in beside.columns if c.endswith("(t)"))
    at = beside.columns.index(name)
    wald = (beside.coef[at] / beside.std_error[at]) ** 2
    if wald < 4:
        assert_close(score["statistic"], wald, rel=0.25)
    else:
        assert score["p_value"] < 0.001
        assert wald > 9


def test_without_competing_events_it_is_near_the_test_of_cox():
    """The numerator is that of the Cox model; the variance here is robust."""
    from hemresearch.regression import ph_test

    rng = np.random.default_rng(3)
    x, z = rng.normal(size=1000), rng.integers(0, 2, 1000)
    relapse, censoring = rng.exponential(np.exp(-0.5 * x)), rng.uniform(0, 3, 1000)
    columns = {"ftime": np.minimum(relapse, censoring), "Status": 1 * (relapse <= censoring), "x": x, "z": z}
    data = pl.DataFrame(columns)
    ours = subdistribution_ph_test(fine_gray(data, "x + z", **ROLES), transform="rank").to_frame()
    plain = ph_test(
        cox(data, "x + z", time="ftime", event="Status", ties="breslow"), transform="rank"
    ).to_frame()
    assert ours["term"].to_list() == plain["term"].to_list()
    assert ours["df"].to_list() == plain["df"].to_list()
    np.testing.assert_allclose(ours["statistic"], plain["statistic"], rtol=0.35)


def test_the_variance_is_that_of_the_weights_of_rows():
    """U being the sum of g(t) times Schoenfeld residuals, V is how U moves with the weight of each row.

    By difference, so that coefficients and censoring move with it; but for terms of the order of 1 / n.
    """
    data = DATA[:90]
    fit = fine_gray(data, "Age", **ROLES)
    g_mean = np.log(fit.residuals("schoenfeld")["time"].to_numpy()).mean()

    def score(row=0, by=0.0):
        weight = np.ones(len(data))
        weight[row] += by
        residual = fine_gray(data.with_columns(w=weight), "Age", **ROLES, weights="w").residuals("schoenfeld")
        size = weight[residual["row"].to_numpy() - 1]
        return (size * (np.log(residual["time"].to_numpy()) - g_mean) * residual["Age"].to_numpy()).sum()

    moved = [(score(row, 1e-4) - score(row, -1e-4)) / 2e-4 for row in range(len(data))]
    statistic = subdistribution_ph_test(fit, transform="log").to_frame()["statistic"][0]
    assert_close(statistic, score() ** 2 / np.sum(np.square(moved)), rel=0.03)


def test_what_a_test_tells():
    fit = fine_gray(DATA, "Age + Phase", **ROLES)
    test = subdistribution_ph_test(fit)
    assert test.to_frame()["term"].to_list() == ["Age", "Phase", "global"]
    assert test.to_frame()["df"].to_list() == [1.0, 3.0, 4.0]
    assert repr(test).startswith(
        "Proportional subdistribution hazards (score test, incidence time), events=56"
    )
    assert "trend in effect over time (cumulative incidence)" in test.methods()
    assert "(log)" in subdistribution_ph_test(fit, transform="log").methods()
    assert test.text().startswith("proportional subdistribution hazards: global p")
    incidence = cumulative_incidence(DATA, **ROLES).to_frame().filter(pl.col("n_event") > 0)
    g = test.scaled.group_by("time", maintain_order=True).first()["g(t)"]
    assert_close(g, [0.0, *incidence["estimate"][:-1]], rel=1e-9)
    ax = test.plot("Age")
    assert ax.get_ylabel().replace("\n", " ") == "Log subdistribution hazard ratio of Age"
    plt.close(ax.figure)
    user = subdistribution_ph_test(fit, transform=np.log).to_frame()
    assert_close(user["statistic"], subdistribution_ph_test(fit, transform="log").to_frame()["statistic"])
    for options in ({"ties": "efron"}, {"censoring_by": "D"}):
        p = subdistribution_ph_test(fine_gray(DATA, "Age + Phase", **ROLES, **options)).to_frame()["p_value"]
        np.testing.assert_allclose(p, test.to_frame()["p_value"], atol=0.05)
    each = fine_gray(DATA.with_row_index("id"), "Age + Phase", **ROLES, cluster="id")
    assert_close(
        subdistribution_ph_test(each).to_frame()["statistic"], test.to_frame()["statistic"], rel=1e-9
    )


def test_refusals():
    fit = fine_gray(DATA, "Age", **ROLES)
    plain = cox(DATA, "Age", time="ftime", event="Status", event_value=1)
    changing_fit = fine_gray(DATA, "Age", **ROLES, time_varying={"Age": [6]})
    for given, says in (
        (plain, "a CoxFit was given"),
        (fine_gray(DATA, [], **ROLES), "the model has no covariates"),
        (changing_fit, "effects that change with time already"),
        (fit.slim(), "slim"),
    ):
        assert_refused(lambda given=given: subdistribution_ph_test(given), argument="fit", says=[says])
    assert_refused(lambda: subdistribution_ph_test(fit, transform="km"), argument="transform", says=["'km'"])
    assert_refused(
        lambda: subdistribution_ph_test(fit, transform=lambda t: t * np.inf), argument="transform",
        says=["one finite number for each event time"],
    )  # fmt: skip
