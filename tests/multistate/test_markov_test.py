"""The test of the Markov property: its log-rank statistics, its bootstrap, and what it refuses."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.multistate import Transitions, from_wide, markov_test
from hemresearch.survival import logrank

MODEL = Transitions({"healthy": ["ill", "dead"], "ill": ["dead"]})
MOVE = ("ill", "dead")


def patients(n=150, seed=1, shape=1.0):
    """Illness and death, whose hazard after illness is constant (shape 1) or falls."""
    rng = np.random.default_rng(seed)
    ill, dead, end = rng.exponential(3, n), rng.exponential(9, n), rng.uniform(3, 15, n)
    dead = np.where(ill < dead, ill + 3 * rng.weibull(shape, n) + 1e-3, dead)
    seen = np.minimum(dead, end)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "ill_at": np.minimum(ill, seen),
            "ill": ill < seen,
            "dead_at": seen,
            "dead": dead < end,
        }
    )


def rows_of(data):
    return from_wide(
        data,
        MODEL,
        id="id",
        times={"ill": "ill_at", "dead": "dead_at"},
        events={"ill": "ill", "dead": "dead"},
    )


def test_each_comparison_is_a_log_rank_test_of_those_observed_at_that_time():
    data, s = patients(), 2.0
    test = markov_test(rows_of(data), MODEL, move=MOVE, times=[s], n_bootstrap=99)
    ill = data.filter(pl.col("ill"), pl.col("dead_at") > s).with_columns(
        was_ill=pl.col("ill_at") <= s, since=pl.max_horizontal("ill_at", pl.lit(s))
    )
    theirs = logrank(ill, time="dead_at", event="dead", entry="since", by="was_ill")
    z = dict(test.trace.select("state", "statistic").rows())
    assert z["ill"] ** 2 == pytest.approx(theirs.statistic, rel=1e-9)
    assert z["healthy"] == pytest.approx(-z["ill"])
    assert test.statistic == pytest.approx(theirs.statistic, rel=1e-6)
    more = theirs.to_frame().filter(pl.col("group") == "True")
    assert (z["ill"] > 0) == (more["observed"][0] > more["expected"][0])


def test_it_says_what_was_tested_and_how():
    test = markov_test(rows_of(patients()), MODEL, move=MOVE, times=[2.0], n_bootstrap=99)
    assert test.text() == f"Markov test of ill → dead: statistic {test.statistic:.2f}, p={test.p_value:.2f}"
    assert test.methods() == (
        "The Markov property was tested move by move, by comparing those at risk by the state that they were "
        "in before (log-rank at 1 time, mean over times, wild bootstrap (99 repetitions, seed 0))."
    )


def test_the_bootstrap_of_one_time_has_the_p_value_of_the_log_rank_test():
    test = markov_test(rows_of(patients(300)), MODEL, move=MOVE, times=[2.0], n_bootstrap=4000)
    from scipy.special import ndtr

    z = test.trace["statistic"][0]
    assert test.p_value == pytest.approx(2 * ndtr(-abs(z)), abs=0.03)


@pytest.mark.parametrize("statistic", ["mean", "max"])
def test_a_hazard_that_falls_after_illness_is_found(statistic):
    rows = rows_of(patients(400, seed=2, shape=0.4))
    test = markov_test(rows, MODEL, move=MOVE, statistic=statistic, n_bootstrap=199)
    assert test.p_value == pytest.approx(1 / 200)
    assert test.to_frame()["state"].to_list() == ["healthy", "ill", "any"]


def test_statistics_over_times_are_means_or_the_largest():
    rows = rows_of(patients())
    frames = {k: markov_test(rows, MODEL, move=MOVE, statistic=k, n_bootstrap=99) for k in ("mean", "max")}
    z = frames["mean"].trace.filter(pl.col("state") == "ill")["statistic"].to_numpy()
    value = {k: dict(t.to_frame().select("state", "statistic").rows()) for k, t in frames.items()}
    assert value["mean"]["ill"] == pytest.approx(np.abs(z).mean())
    assert value["max"]["ill"] == pytest.approx(np.abs(z).max())
    assert value["mean"]["any"] == pytest.approx((z**2).mean(), rel=1e-6)
    assert value["max"]["any"] == pytest.approx((z**2).max(), rel=1e-6)


def test_the_same_seed_gives_the_same_p_value_whatever_the_order_of_rows():
    rows = rows_of(patients())
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)
    first, again, other = (
        markov_test(r, MODEL, move=MOVE, n_bootstrap=199, seed=s).p_value
        for r, s in ((rows, 4), (rows, 4), (shuffled, 4))
    )
    assert first == again
    assert other == pytest.approx(first, abs=0.1)


def test_three_states_before_are_compared_together():
    model = Transitions({"a": ["b", "c", "d"], "b": ["c", "d"], "c": ["d"]})
    rng = np.random.default_rng(5)
    n = 300
    a, b = rng.exponential(2, n), rng.exponential(2, n)
    by_b = rng.random(n) < 0.5
    c = np.where(by_b, a + b, a)
    d = c + rng.exponential(3, n)
    data = pl.DataFrame(
        {"id": np.arange(n), "b": np.where(by_b, a, np.nan), "c": c, "d": d, "end": d}
    ).fill_nan(None)
    rows = from_wide(data, model, id="id", times={"b": "b", "c": "c", "d": "d"}, end="end")
    test = markov_test(rows, model, move=("c", "d"), n_bootstrap=499)
    assert test.to_frame()["state"].to_list() == ["a", "b", "c", "any"]
    assert test.p_value > 0.05


def test_a_move_that_is_not_there_or_not_made_is_refused():
    rows = rows_of(patients())
    assert_refused(
        lambda: markov_test(rows, MODEL, move=("dead", "ill")),
        argument="move",
        says=["not a move", "ill → dead"],
    )
    nobody = rows_of(patients().with_columns(dead=pl.lit(False)))
    assert_refused(lambda: markov_test(nobody, MODEL, move=MOVE), argument="move", says=["made by nobody"])


def test_times_at_which_all_were_in_one_state_are_refused():
    rows = rows_of(patients())
    assert_refused(
        lambda: markov_test(rows, MODEL, move=("healthy", "ill")),
        argument="times",
        says=["nobody to compare"],
    )


def test_few_repetitions_are_refused():
    rows = rows_of(patients())
    assert_refused(
        lambda: markov_test(rows, MODEL, move=MOVE, n_bootstrap=10), argument="n_bootstrap", says=["99"]
    )


def test_what_is_no_number_of_repetitions_and_no_move_is_refused():
    rows = rows_of(patients())
    assert_refused(
        lambda: markov_test(rows, MODEL, move=MOVE, n_bootstrap=199.5), argument="n_bootstrap",
        says=["199.5 was given", "a whole number"],
    )  # fmt: skip
    assert markov_test(rows, MODEL, move=MOVE, n_bootstrap=199.0).method.count("(199 repetitions")
    assert_refused(lambda: markov_test(rows, MODEL, move=None), argument="move", says=["None is not a move"])
