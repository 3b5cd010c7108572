"""Sums over weighted risk sets, their derivatives, and two ways to the variance of an incidence."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.censoring_weights import censoring
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.fine_gray import Segment, SubdistributionLikelihood, Tails
from hemresearch.numerics.fine_gray_incidence import Influence, baselines
from hemresearch.numerics.fine_gray_influence import CensoredRows, censoring_parts, score_parts
from hemresearch.numerics.fine_gray_varying import varying_hazard

N = 30


def study(seed=1, n_group=2, n_stratum=1):
    """Sorted rows with ties, the likelihood's ingredients, and the plain arrays in the order of the rows."""
    rng = np.random.default_rng(seed)
    x, time = rng.normal(size=(N, 2)), rng.integers(1, 9, N).astype(float)
    cause, weight = rng.integers(0, 3, N), rng.integers(1, 4, N).astype(float)
    group, stratum = np.arange(N) % n_group, np.sort(np.arange(N) % n_stratum)
    rows = cox_rows(x, time, cause == 1, weight=weight, stratum=stratum if n_stratum > 1 else None)
    groups = tuple(
        censoring(time[group == g], (cause > 0)[group == g], weight[group == g], events_first=False)
        for g in range(n_group)
    )
    order = rows.order
    censored = CensoredRows(time[order], (cause == 0)[order], group[order], groups)
    row = np.flatnonzero(cause[order] == 2)
    before = np.array([groups[group[order][i]].before(time[order][i : i + 1])[0] for i in row])
    ends = np.append(np.flatnonzero(rows.begins)[1:], len(rows.begins)) - 1
    tails = Tails(
        row, group[order][row], 1 / before, ends[stratum[order][row]],
        np.array([g.before(rows.slot_time) for g in groups]),
    )  # fmt: skip
    return rows, tails, censored


def likelihood(rows, tails, efron=False, segments=None):
    whole = (Segment(0, len(rows.begins), np.eye(2)),)
    return SubdistributionLikelihood(rows, tails, efron, segments or whole)


def test_censoring_by_hand():
    """At 2 one of 4 is censored, beside an event; at 3 one of 2, and at 4 an event is the last."""
    time, event = np.array([1.0, 2, 2, 3, 4]), np.array([True, False, True, False, True])
    g = censoring(time, event, None, events_first=False)
    np.testing.assert_allclose(g.before(np.array([2, 2.5, 3, 4, 5])), [1, 3 / 4, 3 / 4, 3 / 8, 0])
    first = censoring(time, event, None, events_first=True)
    np.testing.assert_allclose(first.before(np.array([2, 2.5, 4, 5])), [1, 2 / 3, 1 / 3, 0])


@pytest.mark.parametrize("n_stratum", [1, 2])
def test_sums_are_those_of_every_row_at_every_time(n_stratum):
    rows, tails, censored = study(n_stratum=n_stratum)
    (piece,) = likelihood(rows, tails).pieces(np.array([0.3, -0.2]))
    risk = rows.weight * np.exp(piece.eta)
    stratum = rows.slot_stratum[rows.leave]
    for m in np.flatnonzero(~rows.begins):
        share = ((censored.time >= rows.slot_time[m]) & (stratum == rows.slot_stratum[m])).astype(float)
        for j, i in enumerate(tails.row):
            if censored.time[i] < rows.slot_time[m] and stratum[i] == rows.slot_stratum[m]:
                share[i] = tails.left[tails.group[j], m] * tails.inverse[j]
        np.testing.assert_allclose(piece.sums.s0[m], share @ risk)
        np.testing.assert_allclose(piece.sums.s1[m], (share * risk) @ rows.x)


def changing(rows):
    """The first effect is another from slot 4 on."""
    early = Segment(0, 4, np.array([[1.0, 0, 0], [0, 0, 1]]))
    return (early, Segment(4, len(rows.begins), np.array([[0.0, 1, 0], [0, 0, 1]])))


@pytest.mark.parametrize("efron", [False, True])
@pytest.mark.parametrize("steps", [False, True])
def test_score_and_information_are_derivatives(efron, steps):
    rows, tails, _ = study()
    f = likelihood(rows, tails, efron, changing(rows) if steps else None)
    at = np.array([0.4, -0.3, 0.1])[: 3 if steps else 2]
    _, score, information = f(at)
    for k in range(len(at)):
        step = 1e-5 * np.eye(len(at))[k]
        up, down = f(at + step), f(at - step)
        np.testing.assert_allclose(score[k], (up[0] - down[0]) / 2e-5, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(information[k], (down[1] - up[1]) / 2e-5, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("efron", [False, True])
def test_parts_of_the_score_add_up_to_it(efron):
    rows, tails, censored = study()
    at = np.array([0.4, -0.3])
    f = likelihood(rows, tails, efron)
    np.testing.assert_allclose(rows.weight @ score_parts(f, at), f(at)[1], atol=1e-10)
    np.testing.assert_allclose(rows.weight @ censoring_parts(f, at, censored), 0.0, atol=1e-10)


def test_an_overflow_has_no_likelihood():
    rows, tails, _ = study()
    assert likelihood(rows, tails)(np.array([1e3, 0.0]))[0] == -np.inf


@pytest.mark.parametrize("owner", [None, np.arange(N) % 7])
@pytest.mark.parametrize("n_stratum", [1, 2])
@pytest.mark.parametrize("efron", [False, True])
def test_running_sums_give_the_variance_of_row_by_row(owner, n_stratum, efron):
    rows, tails, censored = study(n_stratum=n_stratum)
    at = np.array([0.4, -0.3])
    f = likelihood(rows, tails, efron)
    part = score_parts(f, at) + censoring_parts(f, at, censored)
    moved = Influence(rows.weight[:, None] * part / 20, rows.weight, owner, not efron)
    by_owner = moved.by_owner(moved.coef)
    x, times = np.array([0.5, 1.0]), np.array([0.5, 3, 6, 8.5])
    for code, base in enumerate(baselines(f, at, censored, moved)):
        hazard, error = base.hazards(x[None], np.array([x @ at]), times, by_owner.T @ by_owner)
        other, other_error = varying_hazard(f, at, censored, moved, x, 0.0, code, times)
        np.testing.assert_allclose(hazard[0], other, rtol=1e-12)
        np.testing.assert_allclose(error[0], other_error, rtol=1e-9, atol=1e-12)
