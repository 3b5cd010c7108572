"""Firth's penalised partial likelihood: written out risk set by risk set, and its derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_firth import firth_likelihood
from hemresearch.numerics.cox_rows import cox_rows


def sample(seed, n=14, p=2, times=5, entry=True, weight=False):
    rng = np.random.default_rng(seed)
    time = rng.integers(2, 2 + times, n).astype(float)
    return {
        "covariates": rng.normal(size=(n, p)) * ([1, 20, 0.1][:p]) + 3,
        "time": time,
        "event": rng.random(n) < 0.6,
        "entry": np.minimum(rng.integers(0, 2 + times, n), time - 1).astype(float) if entry else None,
        "stratum": rng.integers(0, 2, n),
        "offset": rng.normal(size=n),
        "weight": rng.integers(1, 4, n).astype(float) if weight else None,
    }


def written_out(beta, efron, *, covariates, time, event, entry, stratum, offset, weight):
    """L(b) + log det I(b) / 2 from every risk set, covariates divided by their standard deviations."""
    w = np.ones(len(time)) if weight is None else weight
    start = np.full(len(time), -1.0) if entry is None else entry
    mean = w @ covariates / w.sum()
    sd = np.sqrt(w @ (covariates - mean) ** 2 / (w.sum() - 1))
    x = (covariates - mean) / sd
    eta = x @ (beta * sd) + offset - offset.mean()
    value, information = 0.0, np.zeros((len(beta),) * 2)
    for s, t in sorted({(s, t) for s, t, e in zip(stratum, time, event, strict=True) if e}):
        at_risk = (stratum == s) & (start < t) & (time >= t)
        happens = (stratum == s) & (time == t) & event
        value += (w * eta)[happens].sum()
        for k in range(happens.sum()):
            share = np.where(happens, 1 - (k / happens.sum() if efron else 0.0), 1.0)
            r = (share * w * np.exp(eta))[at_risk]
            turn = w[happens].sum() / happens.sum()
            middle = r @ x[at_risk] / r.sum()
            about = x[at_risk] - middle
            value -= turn * np.log(r.sum())
            information += turn * (about.T * r) @ about / r.sum()
    return value + 0.5 * np.linalg.slogdet(information)[1]


@pytest.mark.parametrize("efron", [False, True])
@pytest.mark.parametrize("entry", [False, True])
@pytest.mark.parametrize("weight", [False, True])
def test_equals_every_risk_set_written_out(efron, entry, weight):
    for seed in range(3):
        data = sample(seed, entry=entry, weight=weight)
        rows = cox_rows(**data)
        beta = np.array([0.7, -0.04])
        value = firth_likelihood(rows, efron=efron).value_and_score(beta / rows.scale)[0]
        assert value == pytest.approx(written_out(beta, efron, **data), rel=1e-11)


@pytest.mark.parametrize("efron", [False, True])
@pytest.mark.parametrize("seed", [3, 4])
def test_score_and_information_are_the_derivatives(efron, seed):
    likelihood = firth_likelihood(cox_rows(**sample(seed, n=25, p=3, weight=True)), efron=efron)
    at, step = np.array([0.3, -0.5, 0.2]), 1e-5
    _, score, information = likelihood(at)
    shifts = step * np.eye(3)
    value = [
        (likelihood.value_and_score(at + h)[0] - likelihood.value_and_score(at - h)[0]) / (2 * step)
        for h in shifts
    ]
    np.testing.assert_allclose(score, value, rtol=1e-7, atol=1e-7)
    slope = [
        (likelihood.value_and_score(at - h)[1] - likelihood.value_and_score(at + h)[1]) / (2 * step)
        for h in shifts
    ]
    np.testing.assert_allclose(information, slope, rtol=1e-3, atol=1e-3)


def test_two_rows_by_hand():
    # One event among two at risk: l = -log(1 + e^b), I = p (1 - p): l + log(I) / 2 = b / 2 - 2 log(1 + e^b),
    # and the covariate has the standard deviation sqrt(1/2)
    rows = cox_rows(np.array([[0.0], [1.0]]), np.array([1.0, 2.0]), np.array([True, False]))
    likelihood = firth_likelihood(rows, efron=False)
    value, score, _ = likelihood(np.array([np.log(2)]) / rows.scale)
    assert value == pytest.approx(0.5 * np.log(2) - 2 * np.log(3) - np.log(np.sqrt(0.5)), rel=1e-13)
    assert score * rows.scale**-1 == pytest.approx([0.5 - 2 * 2 / 3], rel=1e-12)


def test_no_information_has_no_value():
    rows = cox_rows(np.array([[0.0], [1.0]]), np.array([1.0, 2.0]), np.array([False, True]))
    assert firth_likelihood(rows, efron=True).value_and_score(np.zeros(1))[0] == -np.inf
