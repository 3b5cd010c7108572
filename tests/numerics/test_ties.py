"""Near-ties of times."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.numerics.ties import as_known, round_ties

TIMES = st.lists(st.floats(1e-3, 1e4), min_size=1, max_size=30).map(np.array)


def test_near_ties_become_the_first_of_their_run_by_hand():
    time, entry = round_ties(
        np.array([0.1 + 0.2, 0.3, 1.1, 1.1 + 1e-12, 4.0]), np.array([0, 0.1, 0.3, 1.1, 1])
    )
    assert time.tolist() == [0.3, 0.3, 1.1, 1.1, 4.0]
    assert entry.tolist() == [0, 0.1, 0.3, 1.1, 1]


def test_whole_numbers_and_distant_times_are_returned_as_they_are():
    for time in (np.array([1.0, 2.0, 2.0]), np.array([0.5, 0.6, 0.5])):
        assert round_ties(time)[0] is time


def test_a_chain_of_near_ties_is_one_time():
    chain = 1.5 + np.arange(5) * 1e-8
    assert np.unique(round_ties(chain)[0]).tolist() == [1.5]


@given(TIMES)
def test_rounding_twice_is_rounding_once(time):
    once = round_ties(time)[0]
    assert np.array_equal(round_ties(once)[0], once)


@given(TIMES, st.integers(-30, 30))
def test_the_unit_does_not_matter(time, power):
    scaled = round_ties(time * 2.0**power)[0]
    if (time != np.floor(time)).any() and (scaled != np.floor(scaled)).any():
        assert np.array_equal(scaled, round_ties(time)[0] * 2.0**power)


@given(TIMES)
def test_no_time_moves_further_than_its_run(time):
    moved = round_ties(time)[0]
    assert (moved <= time).all()
    assert np.allclose(moved, time, rtol=0, atol=1.5e-8 * len(time) * time.max())


def test_many_near_ties_are_rounded_as_few_are():
    exact = np.arange(1.0, 40_001.0) / 8
    near = np.concatenate([exact * (1 + 1e-12), exact])
    shuffled = np.random.default_rng(3).permutation(len(near))
    rounded, entry = round_ties(near[shuffled], near[shuffled] / 2)
    assert (rounded == np.concatenate([exact, exact])[shuffled]).all()
    assert len(np.unique(np.concatenate([rounded, entry]))) < 1.6 * len(exact)


def test_times_asked_for_become_those_known_but_for_rounding():
    known = np.array([0.0, 0.3, 100 / 30.4375, 7.0])
    asked = np.array([0.1 + 0.2, 100 / (365.25 / 12) * (1 + 1e-15), 0.0, 7.1, 1e-9, 5.0, np.inf])
    assert as_known(asked, known).tolist() == [0.3, known[2], 0.0, 7.1, 1e-9, 5.0, np.inf]
    assert float(as_known(np.asarray(7 * (1 - 1e-12)), known)) == 7.0


@given(TIMES, st.floats(-1e-10, 1e-10))
def test_a_known_time_is_found_in_any_last_digit(time, shift):
    known = np.unique(round_ties(time)[0])
    assert (as_known(known * (1 + shift), known) == known).all()
