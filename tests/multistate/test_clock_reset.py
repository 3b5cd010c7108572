"""Probabilities of states by simulation, with the clock reset at each entry into a state."""

from __future__ import annotations

import numpy as np
import polars as pl
from illness_death import EFFECTS, ILLNESS_DEATH, RATES, illness_death
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.multistate import Transitions, transition_cox

ROWS = illness_death(np.random.default_rng(21), 400)
NEW = pl.DataFrame({"x": [0.5]})


def fit(rows=ROWS, clock="reset", **options):
    return transition_cox(rows, ILLNESS_DEATH, "x", clock=clock, **options)


def test_before_any_reset_it_is_the_product_integral():
    """Out of the first state the two clocks are one, so the chance to be in it is known exactly."""
    times = [0.5, 1, 2]
    forward = fit(clock="forward").predict(NEW, times=times, from_state="well").at(times)
    reset = fit().predict(NEW, times=times, from_state="well", n_simulated=100_000, seed=1).at(times)
    one, other = (frame.filter(pl.col("state") == "well") for frame in (forward, reset))
    assert np.abs((one["estimate"] - other["estimate"]) / other["mc_error"]).max() < 4
    assert_close(other["mc_error"], np.sqrt(other["estimate"] * (1 - other["estimate"]) / 100_000))
    total = reset.group_by("time").agg(pl.col("estimate").sum())["estimate"]
    assert_close(total, np.ones(3))


def test_constant_hazards_are_the_same_by_either_clock():
    rows = illness_death(np.random.default_rng(22), 5000)
    a, b, c = (rate * np.exp(effect * 0.5) for rate, effect in zip(RATES, EFFECTS, strict=True))
    well = np.exp(-(a + b) * 1.5)
    ill = a / (a + b - c) * (np.exp(-c * 1.5) - well)
    at = fit(rows).predict(NEW, times=[1.5], from_state="well", seed=2, n_simulated=50_000).at(1.5)
    error = fit(rows, "forward").predict(NEW, times=[1.5], from_state="well").at(1.5)["std_error"]
    assert np.abs((at["estimate"] - np.array([well, ill, 1 - well - ill])) / error).max() < 3.5


def test_the_seed_repeats_and_patients_share_random_numbers():
    ours = fit()
    one, two, other = (
        ours.predict(NEW, times=[1, 2], seed=seed).to_frame()["estimate"] for seed in (5, 5, 6)
    )
    assert one.equals(two)
    assert not one.equals(other)
    both = ours.predict(pl.DataFrame({"x": [0.5, 0.5], "who": ["a", "b"]}), by="who", times=[1], seed=5)
    frame = both.to_frame()
    assert frame.filter(who="a")["estimate"].equals(frame.filter(who="b")["estimate"])


def test_who_has_stayed_for_some_time():
    ours = fit()
    told = {"from_state": "ill", "start": 1.0, "n_simulated": 100_000, "seed": 3}
    p = ours.predict(NEW, times=[1.8], stayed=0.5, **told).at(1.8).filter(pl.col("state") == "ill")
    hazards = ours.hazards(NEW).to_frame().filter(from_state="ill")
    left = hazards.filter((pl.col("time") > 0.5) & (pl.col("time") <= 1.3))["estimate"]
    before = hazards.filter(pl.col("time") <= 0.5)["estimate"][-1]
    exact = np.prod(1 - np.diff(np.append(before, left)))
    assert abs(p["estimate"].item() - exact) < 4 * p["mc_error"].item()


def test_times_in_states():
    ours = fit()
    stays = ours.length_of_stay(NEW, tau=2, from_state="well", seed=4, n_simulated=50_000)
    frame = stays.to_frame()
    assert frame.columns == ["from_state", "state", "estimate", "mc_error"]
    assert_close(frame["estimate"].sum(), 2.0)
    exact = fit(clock="forward").length_of_stay(NEW, tau=2, from_state="well").to_frame()
    assert abs(frame["estimate"][0] - exact["estimate"][0]) < 4 * frame["mc_error"][0]
    assert "Monte-Carlo standard error" in repr(stays)
    assert stays.methods().startswith(
        "Mean time in state from 0 to 2 was estimated by the mean of 50,000 sim"
    )
    assert "Monte-Carlo standard error up to 0.00" in stays.methods()
    assert stays.methods().endswith(
        "the error of the estimated hazards is not known, and no limits are given."
    )
    assert "% limits" not in repr(stays)
    told = stays.text()
    assert told.startswith("mean time in state from 0 to 2: from_state=well, state=well ")
    assert "CI" not in told


def test_what_the_curves_tell():
    curves = fit().predict(NEW, from_state="well", seed=7)
    frame = curves.to_frame()
    assert frame.columns[-5:] == ["estimate", "std_error", "conf_low", "conf_high", "mc_error"]
    assert frame["std_error"].null_count() == frame.height
    assert frame["time"].n_unique() == 101
    assert "10,000 simulated paths, Monte-Carlo standard error up to 0.005" in curves.methods()
    assert curves.methods().endswith("no limits are given.")
    assert repr(curves).endswith("no limits: the error of the estimated hazards is not known")
    assert "state=ill: at " in repr(curves)
    assert "CI" not in curves.text(1)
    assert curves.text(1).startswith("Probability of being in well at 1: from well ")
    assert "clock reset at each entry into a state" in fit().methods()
    curves.plot()


def test_refusals():
    ours = fit()

    def refused(*says, argument, model=ours, **options):
        assert_refused(lambda: model.predict(NEW, **options), argument=argument, says=says)

    refused("probabilities are simulated", argument="variance", variance="aalen")
    for n in (5, 1e4, True):
        refused(f"{n!r} was given", argument="n_simulated", n_simulated=n)
    path = pl.DataFrame({"x": [0.5], "path": [1], "start": [0.0], "stop": [9.0]})
    assert_refused(
        lambda: ours.predict(path, id="path", entry="start", time="stop"),
        argument="id",
        says=["simulated paths stay as they are", "clock='forward'"],
    )
    ends = ROWS.filter(from_state="well").with_columns(
        event=pl.col("to_state") == "dead", time=1 + pl.col("id") / 1000
    )
    gone = transition_cox(ends, Transitions({"well": ["ill", "dead"]}), clock="reset")
    assert_refused(
        lambda: gone.predict(from_state="well", stayed=1.5),
        argument="stayed",
        says=["nobody stays in 'well' for so long", "stayed=0"],
    )
    cut = pl.concat([
        ROWS.with_columns(time=pl.col("entry") / 2 + pl.col("time") / 2, event=pl.lit(False)),
        ROWS.with_columns(entry=pl.col("entry") / 2 + pl.col("time") / 2, x=pl.col("x") + 0.1),
    ])  # fmt: skip
    refused("'x' changes along the stays", "as it was at the origin", argument="new_data", model=fit(cut))
