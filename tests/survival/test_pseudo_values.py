"""Pseudo-values: R's numbers, leave-one-out by brute force, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused

from hemresearch.survival import kaplan_meier, pseudo_values, rmst

ROLES = {"time": "time", "event": "event"}
# Events at 1, 3 and 4, a censoring at 2: survival is 3/4 from 1, 3/8 from 3 and 0 from 4.
FOUR = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 0, 1, 1]})


def matrix(values: pl.DataFrame, n_times: int) -> np.ndarray:
    return values["pseudo_value"].to_numpy().reshape(-1, n_times)


@pytest.mark.parametrize("case_id", reference_cases("rmst_robust", "pseudo_"))
def test_matches_leave_one_out_refits_and_survival_pseudo(reference, case_id):
    case = reference("rmst_robust", case_id)
    roles = {name: case.role(name) for name in ("time", "event")}
    times = case.options["times"]
    for method in ("jackknife", "infinitesimal"):
        ours = matrix(pseudo_values(case.data, **roles, times=times, method=method), len(times))
        np.testing.assert_allclose(ours, case.values[method]["data"], rtol=1e-9, atol=1e-12)
    ours = pseudo_values(case.data, **roles, tau=case.options["tau"], method="infinitesimal")
    assert_close(ours["pseudo_value"], case.values["infinitesimal_rmst"])


def test_regression_of_restricted_mean_pseudo_values_matches_r(reference):
    case = reference("rmst", "rmst_pseudo_bmt")
    roles = {name: case.role(name) for name in ("time", "event")}
    tau, names = case.options["tau"], case.options["covariates"]
    values = pseudo_values(case.data, **roles, tau=tau)["pseudo_value"].to_numpy()
    assert_close(values[:10], case.values["pseudo_jackknife_first"])
    small = pseudo_values(case.data, **roles, tau=tau, method="infinitesimal")["pseudo_value"]
    assert_close(small[:10], case.values["pseudo_ij_first"])
    assert_close(rmst(case.data, **roles, tau=tau).to_frame()["estimate"], [case.values["rmst"]])
    X = np.column_stack([np.ones(len(values)), case.data.select(names).to_numpy()])
    coef = np.linalg.solve(X.T @ X, X.T @ values)
    score, bread = X * (values - X @ coef)[:, None], np.linalg.inv(X.T @ X)
    errors = np.sqrt(np.diag(bread @ score.T @ score @ bread))
    assert_close(dict(zip(["(Intercept)", *names], coef.tolist(), strict=True)), case.values["coef"])
    assert_close(dict(zip(["(Intercept)", *names], errors.tolist(), strict=True)), case.values["se_hc0"])


def test_four_patients_by_hand():
    # S(3) = 3/4 * 1/2 = 3/8. Without patient 1: 1/2; 2: 2/3 * 1/2 = 1/3; 3: 2/3; 4: 2/3 * 0 = 0
    values = pseudo_values(FOUR, **ROLES, times=3)["pseudo_value"]
    assert_close(values, [1.5 - 1.5, 1.5 - 1, 1.5 - 2, 1.5 - 0])
    # to 4 the area is 1 + 3/4 * 2 + 3/8 = 2.875; without patient 1: 3.5; 2: 1 + 4/3 + 1/3 = 8/3;
    # 3: 1 + 2/3 * 3 = 3; 4: 1 + 2/3 * 2 = 7/3
    means = pseudo_values(FOUR, **ROLES, tau=4)["pseudo_value"]
    assert_close(means, [11.5 - 10.5, 11.5 - 8, 11.5 - 9, 11.5 - 7])


def test_infinitesimal_by_hand():
    # dS(3) = -S(3) (dN_i/(n - d) - Y_i d/(n (n - d))) summed over 1 (n = 4) and 3 (n = 2)
    one, two = 1 / 12, 1 / 2
    moved = np.array([one - 1 / 3, one, one + two - 1, one + two])
    values = pseudo_values(FOUR, **ROLES, times=[3], method="infinitesimal")["pseudo_value"]
    assert_close(values, 3 / 8 * (1 + 4 * moved), at_zero=1e-15)


def refitted(cohort: pl.DataFrame, times: list[float]) -> np.ndarray:
    """n S - (n - 1) S_-i by n refits, the curve without i carried on after its end."""
    n, rows = cohort.height, []
    full = kaplan_meier(cohort, **ROLES).at(times, extend=True)["estimate"].to_numpy()
    for i in range(n):
        others = pl.concat([cohort[:i], cohort[i + 1 :]])
        rows.append(kaplan_meier(others, **ROLES).at(times, extend=True)["estimate"].to_numpy())
    return n * full - (n - 1) * np.array(rows)


@settings(max_examples=60, deadline=None)
@given(cohorts(smallest=2, largest=14))
def test_closed_form_equals_leaving_each_patient_out(cohort):
    last = cohort["time"].max()
    times = [0.0, last / 3, last / 2, last]
    ours = matrix(pseudo_values(cohort, **ROLES, times=times), len(times))
    np.testing.assert_allclose(ours, refitted(cohort, times), rtol=1e-9, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(cohorts(smallest=2, largest=14), st.sampled_from([0.4, 0.9, 1.0]))
def test_restricted_mean_is_the_area_under_the_pseudo_values_of_survival(cohort, share):
    tau = cohort["time"].max() * share
    grid = np.unique(np.append(np.minimum(np.append(0.0, cohort["time"]), tau), tau))
    heights = matrix(pseudo_values(cohort, **ROLES, times=grid[:-1]), len(grid) - 1)
    for method in ("jackknife", "infinitesimal"):
        heights = matrix(pseudo_values(cohort, **ROLES, times=grid[:-1], method=method), len(grid) - 1)
        means = pseudo_values(cohort, **ROLES, tau=tau, method=method)["pseudo_value"]
        np.testing.assert_allclose(means, heights @ np.diff(grid), rtol=1e-9, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_without_censoring_they_are_what_each_patient_shows(cohort):
    died = cohort.with_columns(event=pl.lit(True))
    for method in ("jackknife", "infinitesimal"):
        alive = pseudo_values(died, **ROLES, times=5, method=method)["pseudo_value"]
        np.testing.assert_allclose(alive, died["time"] > 5, atol=1e-12)
        lived = pseudo_values(died, **ROLES, tau=5, method=method)["pseudo_value"]
        np.testing.assert_allclose(lived, np.minimum(died["time"], 5), atol=1e-12)


@pytest.mark.filterwarnings("ignore:tau. the standard error is 0:hemresearch.errors.DataWarning")
@settings(max_examples=30, deadline=None)
@given(cohorts(smallest=6))
def test_the_mean_of_infinitesimal_ones_is_the_estimate(cohort):
    tau = cohort["time"].max()
    values = pseudo_values(cohort, **ROLES, tau=tau, method="infinitesimal")["pseudo_value"]
    assert_close(values.mean(), rmst(cohort, **ROLES, tau=tau).to_frame()["estimate"][0])


@settings(max_examples=30, deadline=None)
@given(cohorts(smallest=4), st.randoms(use_true_random=False))
def test_groups_are_computed_apart_and_rows_keep_their_place(cohort, random):
    fixed = pl.DataFrame({"time": [12.0, 11.0] * 2, "event": [False] * 4, "group": ["g0", "g0", "g1", "g1"]})
    cohort = pl.concat([cohort.select("time", "event", "group"), fixed])
    order = list(range(cohort.height))
    random.shuffle(order)
    mixed = cohort[order]
    together = pseudo_values(mixed, **ROLES, by="group", times=[4, 8])
    assert_frame_equal(together.select("row").unique(), mixed.with_row_index("row").select("row"),
                       check_row_order=False)  # fmt: skip
    joined = mixed.with_row_index("row").join(together, on="row", how="left")
    for group in ("g0", "g1"):
        alone = pseudo_values(mixed.filter(pl.col("group") == group), **ROLES, times=[4, 8])
        assert_close(joined.filter(pl.col("group") == group)["pseudo_value"], alone["pseudo_value"])


def test_the_frame_joins_the_data():
    values = pseudo_values(FOUR, **ROLES, times=[1, 3])
    assert values.columns == ["row", "time", "pseudo_value"]
    assert values["row"].to_list() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert values["time"].to_list() == [1.0, 3.0] * 4
    assert FOUR.with_row_index("row").join(values, on="row").height == 8


def test_rows_left_out_for_missing_values_have_none():
    missing = pl.DataFrame({"time": [1, None, 2, 3, 4], "event": [1, 1, 0, 1, 1]})
    values = pseudo_values(missing, **ROLES, times=3, missing="drop")
    assert values["row"].to_list() == [0, 2, 3, 4]
    assert_close(values["pseudo_value"], pseudo_values(FOUR, **ROLES, times=3)["pseudo_value"])
    assert_refused(lambda: pseudo_values(missing, **ROLES, times=3), argument="time", column="time", rows=[2])


def test_a_declared_event_value_counts_as_the_event():
    coded = FOUR.with_columns(pl.col("event").replace({1: 2}))
    assert_frame_equal(
        pseudo_values(coded, **ROLES, event_value=2, times=3), pseudo_values(FOUR, **ROLES, times=3)
    )


@pytest.mark.parametrize("horizons", [{}, {"times": [1], "tau": 3}])
def test_times_or_tau_is_needed_and_not_both(horizons):
    refusal = assert_refused(
        lambda: pseudo_values(FOUR, **ROLES, **horizons), argument="times", says=["times", "tau"]
    )
    assert refusal.expected == "times for survival, or tau for the restricted mean"
    assert refusal.remedy == "times=[12, 24] or tau=24"


@pytest.mark.parametrize("wrong", [{"times": [1], "quantity": "rmst"}, {"tau": 3, "quantity": "survival"}])
def test_a_quantity_that_contradicts_the_horizon_is_refused(wrong):
    refusal = assert_refused(
        lambda: pseudo_values(FOUR, **ROLES, **wrong), argument="quantity", says=[repr(wrong["quantity"])]
    )
    assert refusal.expected == "'survival' with times, or 'rmst' with tau"
    assert refusal.remedy == "quantity=None, which follows from times or tau"


def test_a_quantity_that_agrees_is_taken():
    assert_frame_equal(
        pseudo_values(FOUR, **ROLES, tau=3, quantity="rmst"), pseudo_values(FOUR, **ROLES, tau=3)
    )


@pytest.mark.parametrize(("argument", "value"), [("quantity", "median"), ("method", "jacknife")])
def test_an_unknown_choice_is_refused(argument, value):
    assert_refused(
        lambda: pseudo_values(FOUR, **ROLES, **{"times": 1, argument: value}),
        argument=argument,
        says=[repr(value)],
    )


def test_times_beyond_the_follow_up_are_refused():
    censored = FOUR.with_columns(event=pl.Series([1, 0, 1, 0]))
    refusal = assert_refused(
        lambda: pseudo_values(censored, **ROLES, times=[3, 5]), argument="times", says=["5 lies beyond"]
    )
    assert refusal.remedy == "times=[3.0]"
    refusal = assert_refused(
        lambda: pseudo_values(censored, **ROLES, tau=5), argument="tau", says=["5 lies beyond", "at 4"]
    )
    assert refusal.remedy == "tau=4.0"


def test_a_group_of_one_patient_is_refused():
    data = FOUR.with_columns(arm=pl.Series(list("aaab")))
    refusal = assert_refused(
        lambda: pseudo_values(data, **ROLES, by="arm", times=1),
        argument="by",
        column="arm",
        rows=[4],
        says=["group 'b' with one patient"],
    )
    assert refusal.expected == "at least two patients in every group, of whom one can be left out"
    assert refusal.remedy == "by=None"
    refusal = assert_refused(
        lambda: pseudo_values(FOUR.head(1), **ROLES, times=1), argument="data", rows=[1], says=["one patient"]
    )
    assert refusal.remedy == "data with more patients"


def test_tau_must_be_positive():
    assert_refused(lambda: pseudo_values(FOUR, **ROLES, tau=0), argument="tau", says=["0 was given"])


def test_one_hundred_thousand_patients_need_no_refits():
    rng = np.random.default_rng(7)
    n = 100_000
    data = pl.DataFrame({"time": rng.exponential(10, n), "event": rng.random(n) < 0.7})
    values = pseudo_values(data, **ROLES, times=[5, 10, 20])
    assert values.height == 3 * n
    survival = kaplan_meier(data, **ROLES).at([5, 10, 20])["estimate"]
    means = values.group_by("time", maintain_order=True).agg(pl.col("pseudo_value").mean())["pseudo_value"]
    assert_close(means, survival, rel=1e-6)
