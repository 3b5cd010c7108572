"""Concordance with competing events and differences of it: values of R, pairs one by one, truths about it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prediction_cases import inverse_weights
from reference_cases import assert_close, reference_cases
from refusals import assert_refused

from hemresearch.prediction import concordance_competing, concordance_difference
from hemresearch.regression import concordance

ROLES = {"time": "time", "event": "event"}
SCORES = {"scores": {"x": "x"}}
# The event at 2 (score 3) and 4 (score 1); a competing one at 1 (score 2); censored at 3; score 2 goes on.
FIVE = pl.DataFrame({"time": [1, 2, 3, 4, 5], "event": [2, 1, 0, 1, 0], "x": [2, 3, 9, 1, 2]})


def cohort(seed, n=50, causes=3):
    rng = np.random.default_rng(seed)
    columns = {"time": rng.integers(1, 15, n), "event": rng.integers(0, causes, n)}
    return pl.DataFrame(columns | {"x": rng.integers(0, 8, n), "z": rng.integers(0, 8, n)})


def by_pairs(time, cause, x, tau=np.inf):
    """Everybody with the event against all without it at its time, with the weights of that time."""
    total = won = 0.0
    for i in np.flatnonzero((cause == 1) & (time <= tau)):
        weight = inverse_weights(time, cause, time[i])
        without = (time > time[i]) | ((cause == 2) & (time <= time[i]))
        pair = weight[i] * weight * without
        total += pair.sum()
        won += pair @ ((x[i] > x) + 0.5 * (x[i] == x))
    return won / total


def estimate(result):
    return result.to_frame()["estimate"].to_list()


@pytest.mark.parametrize("case_id", reference_cases("concordance_models", "models_"))
def test_differences_match_r(reference, case_id):
    case = reference("concordance_models", case_id)
    one, other = case.role("scores")
    for time_weight, values in case.values.items():
        row = concordance_difference(
            case.data, time=case.role("time"), event=case.role("event"), tau=case.role("tau"),
            scores={"one": one, "other": other}, time_weight=time_weight,
        ).to_frame().row(0, named=True)  # fmt: skip
        assert_close([row["estimate"], row["std_error"]], [values["difference"], values["se"]])


def test_competing_events_match_pec(reference):
    """To rounding where no times are tied.

    At tied times pec counts other pairs; ours there are those of the docstring, checked pair by pair below.
    """
    case = reference("concordance_models", "competing_bmtcrr_untied")
    data = case.data.with_columns(pl.col("ftime") + 1e-6 * pl.int_range(1, pl.len() + 1))
    for tau, c in zip(case.options["tau"], case.values["c"], strict=True):
        found = concordance_competing(
            data, time="ftime", event="Status", cause=1, scores={"a": "Age"}, tau=tau
        )
        assert_close(estimate(found), [c], rel=1e-6)


def test_by_hand():
    # at 2, 3 beats 1, 2 and the competing 2, but not 9; from 3 on G is 2/3, and at 4, 1 beats nobody
    pairs = 4 + 1.5 * (1.5 + 1)
    assert_close(estimate(concordance_competing(FIVE, **ROLES, cause=1, **SCORES)), [3 / pairs])
    assert_close(estimate(concordance_competing(FIVE, **ROLES, cause=1, **SCORES, tau=3)), [3 / 4])


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_is_the_share_of_pairs(seed):
    data = cohort(seed)
    time, cause, x = (data[name].to_numpy().astype(float) for name in ("time", "event", "x"))
    found = concordance_competing(data, **ROLES, cause=1, **SCORES, tau=10)
    assert_close(estimate(found), [by_pairs(time, cause, x, tau=10)])


def test_without_competing_events_and_censoring_it_is_harrells():
    data = cohort(1).with_columns(event=pl.lit(1))
    harrell = estimate(concordance(data, **ROLES, score="x"))
    found = concordance_competing(data, **ROLES, cause=1, censored=None, **SCORES)
    assert_close(estimate(found), harrell)


def test_the_order_of_rows_and_units_change_nothing_and_the_reverse_mirrors_it():
    data = cohort(2)
    plain = concordance_competing(data, **ROLES, cause=1, **SCORES).to_frame()
    other = data.sample(fraction=1, shuffle=True, seed=1).with_columns(pl.col("time") / 7, x=pl.col("x") ** 3)
    assert_close(
        concordance_competing(other, **ROLES, cause=1, **SCORES).to_frame().row(0)[1:], plain.row(0)[1:]
    )
    mirrored = concordance_competing(data, **ROLES, cause=1, scores={"x": -pl.col("x")}).to_frame()
    assert_close(mirrored["estimate"][0], 1 - plain["estimate"][0])
    assert_close(mirrored["std_error"], plain["std_error"])


def test_the_standard_error_is_that_of_repeated_samples():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(200):
        x = rng.normal(size=200)
        first, second = rng.exponential(np.exp(-x)), rng.exponential(2.0, x.size)
        leaves = rng.uniform(0, 3, x.size)
        time = np.minimum(np.minimum(first, second), leaves)
        event = np.where(leaves <= time, 0, np.where(first <= time, 1, 2))
        data = pl.DataFrame({"time": time, "event": event, "x": x, "z": x + rng.normal(size=x.size)})
        one = concordance_competing(data, **ROLES, cause=1, **SCORES, tau=1.5).to_frame().row(0, named=True)
        pair = concordance_difference(
            data, **ROLES, cause=1, scores={"x": "x", "z": "z"}, tau=1.5
        ).to_frame().row(0, named=True)  # fmt: skip
        found.append([one["estimate"], one["std_error"], pair["estimate"], pair["std_error"]])
    value, error, difference, its_error = np.array(found).T
    assert abs(error.mean() / value.std() - 1) < 0.12
    assert abs(its_error.mean() / difference.std() - 1) < 0.12


@pytest.mark.parametrize("options", [{}, {"cause": 1}, {"tau": 8}])
def test_a_difference_is_that_of_the_estimates(options):
    data = cohort(4) if "cause" in options else cohort(4, causes=2)
    found = concordance_difference(data, **ROLES, scores={"x": "x", "z": "z"}, **options)
    if "cause" in options:
        each = [estimate(concordance_competing(data, **ROLES, scores={n: n}, **options))[0] for n in "xz"]
    else:
        each = [estimate(concordance(data, **ROLES, score=n, **options))[0] for n in "xz"]
    assert_close(estimate(found), [each[1] - each[0]])
    turned = concordance_difference(data, **ROLES, scores={"x": "x", "z": "z"}, reference="z", **options)
    assert_close(estimate(turned), [each[0] - each[1]])


def test_equal_scores_do_not_differ():
    row = (
        concordance_difference(FIVE, **ROLES, cause=1, scores={"a": "x", "b": "x"})
        .to_frame()
        .row(0, named=True)
    )
    assert (row["estimate"], row["std_error"], row["p_value"]) == (0, 0, None)


def test_refuses_data_without_a_pair():
    nobody = FIVE.filter(pl.col("event") != 1).vstack(
        FIVE.filter(time=4).with_columns(time=pl.lit(9, pl.Int64))
    )
    alone = nobody.filter(pl.col("event") != 2)
    call = {**ROLES, "cause": 1, **SCORES}
    assert_refused(lambda: concordance_competing(alone, **call), argument="event", says=["goes on"])
    refusal = assert_refused(lambda: concordance_competing(FIVE, **call, tau=0.5), argument="event")
    assert "later tau" in refusal.remedy
    two = {"scores": {"x": "x", "z": "time"}}
    assert_refused(lambda: concordance_difference(alone, **ROLES, **two), argument="event")


def test_refuses_weights_of_time_with_causes_one_score_and_bad_horizons():
    two = {**ROLES, "scores": {"x": "x", "z": "time"}}
    assert_refused(
        lambda: concordance_difference(FIVE, **two, cause=1, time_weight="n/G2"), argument="time_weight"
    )
    assert_refused(lambda: concordance_difference(FIVE, **two, time_weight="m"), argument="time_weight")
    assert_refused(lambda: concordance_difference(FIVE, **two, cause=1, tau=0), argument="tau")
    one = {**ROLES, **SCORES, "cause": 1}
    assert_refused(
        lambda: concordance_difference(FIVE, **one), argument="risks or scores", says=["one model"]
    )
