"""Absolute risks as functions of hazards: the forms, their derivatives, and the variance summed plainly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hemresearch.numerics.absolute_risk import (
    FORMS,
    absolute_risks,
    merged_baselines,
    risk_course,
    step_share,
)
from hemresearch.numerics.absolute_risk_mean import advance, mean_risk
from hemresearch.numerics.cox_hazard import Hazard

HAZARD = np.array([[0.02, 0.0, 0.3, 0.0, 0.2], [0.0, 0.15, 0.1, 0.4, 0.0]])
RISK = np.array([1.3, 0.7])


def incidence(hazard, form):
    """F of every cause by the formulas, one time after the other."""
    survival, total, found = 1.0, np.zeros(len(hazard)), []
    for h in hazard.T:
        all_causes = h.sum()
        if form == "matrix-exponential" and all_causes:
            total = total + survival * h / all_causes * (1 - np.exp(-all_causes))
        else:
            total = total + survival * h
        survival *= 1 - all_causes if form == "product-limit" else np.exp(-all_causes)
        found.append(total)
    return np.array(found).T, survival


@pytest.mark.parametrize("form", FORMS)
def test_courses_and_their_derivatives(form):
    value, gain, lost = risk_course(HAZARD, RISK, FORMS[form])
    hazard = HAZARD * RISK[:, None]
    np.testing.assert_allclose(value, incidence(hazard, form)[0], rtol=1e-13)
    step = 1e-6
    for j in range(2):
        for u in range(5):
            moved = np.zeros_like(hazard)
            moved[j, u] = step
            slope = (incidence(hazard + moved, form)[0] - incidence(hazard - moved, form)[0]) / (2 * step)
            for k in range(2):
                phi = gain[k, j, u] - lost[u] * (value[k] - value[k, u])
                np.testing.assert_allclose(slope[k, u:], phi[u:], rtol=1e-7, atol=1e-9)


def test_two_forms_add_up_to_one_with_their_survival():
    hazard = HAZARD * RISK[:, None]
    for form in ("product-limit", "matrix-exponential"):
        value, survival = incidence(hazard, form)
        np.testing.assert_allclose(risk_course(HAZARD, RISK, FORMS[form])[0][:, -1], value[:, -1], rtol=1e-13)
        np.testing.assert_allclose(value[:, -1].sum() + survival, 1, rtol=1e-13)


def test_a_hazard_of_one_leaves_nobody_and_beyond_it_nothing_is_known():
    one = np.array([[0.25, 0.5, 0.3], [0.25, 0.5, 0.1]])
    value, _, lost = risk_course(one, np.ones(2), FORMS["product-limit"])
    np.testing.assert_allclose(value, [[0.25, 0.5, 0.5], [0.25, 0.5, 0.5]])
    assert lost[1] == 0
    beyond, _, _ = risk_course(one, np.full(2, 1.5), FORMS["product-limit"])
    assert np.isnan(beyond).tolist() == [[False, True, True]] * 2
    assert np.isfinite(risk_course(one, np.full(2, 9.0), FORMS["matrix-exponential"])[0]).all()


def test_small_hazards_have_the_share_of_their_series():
    for h in (1e-9, 0.9e-4, 1.1e-4, 0.01, 3.0):
        share, bend = step_share(h, FORMS["matrix-exponential"])
        exact = np.longdouble(h)
        series = sum((-exact) ** i / np.prod(np.arange(2, i + 2, dtype=np.longdouble)) for i in range(40))
        slope = sum(
            -i * (-exact) ** (i - 1) / np.prod(np.arange(2, i + 2, dtype=np.longdouble)) for i in range(1, 40)
        )
        np.testing.assert_allclose(share, float(series), rtol=1e-14)
        np.testing.assert_allclose(bend, float(slope), rtol=1e-11)
    assert step_share(0.0, FORMS["matrix-exponential"]) == (1.0, -0.5)


def baselines(seed=1):
    """Two causes with two and one covariates, on times of their own."""
    rng = np.random.default_rng(seed)
    bases = []
    for time, p in (([1.0, 3.0, 5.0], 2), ([2.0, 3.0, 4.0], 1)):
        steps = [rng.uniform(0.05, 0.3, 3), rng.uniform(0.001, 0.01, 3), rng.normal(0, 0.1, (3, p))]
        totals = [np.concatenate([np.zeros((1, *s.shape[1:])), np.cumsum(s, axis=0)]) for s in steps]
        bases.append(Hazard(np.array(time), *totals))
    return bases


@pytest.mark.parametrize("form", FORMS)
def test_the_variance_is_the_sum_of_squares_of_the_derivatives(form):
    bases = baselines()
    b = merged_baselines(bases)
    assert b.time.tolist() == [1, 2, 3, 4, 5]
    assert b.begin.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(b.hazard[1] > 0, [False, True, True, True, False])
    x, risk = np.array([[0.3, -1.0, 0.8], [0.0, 0.0, 0.0]]), np.array([[1.2, 0.6], [1.0, 1.0]])
    cov = np.diag([0.2, 0.1, 0.3])
    cov[0, 1] = cov[1, 0] = 0.05
    place = b.places(np.array([0.5, 3.0, 3.5, 9.0]))
    assert place.tolist() == [0, 3, 3, 5]
    value, variance = absolute_risks(b.hazard, b.square, b.mean, b.begin, x, risk, place, cov, FORMS[form])
    for i in range(2):
        course, gain, lost = risk_course(b.hazard, risk[i], FORMS[form])
        for k in range(2):
            for w, upto in enumerate(place):
                now = course[k, upto - 1] if upto else 0.0
                phi = (gain[k] - lost * (now - course[k])) * (np.arange(5) < upto)
                expected, slope = 0.0, np.zeros(3)
                for j in range(2):
                    at = slice(b.begin[j], b.begin[j + 1])
                    expected += (phi[j] ** 2 * risk[i, j] ** 2) @ b.square[j]
                    slope[at] = (phi[j] * risk[i, j]) @ (b.hazard[j][:, None] * x[i, at] - b.mean[:, at])
                np.testing.assert_allclose(value[i, k, w], now, rtol=1e-13)
                np.testing.assert_allclose(variance[i, k, w], expected + slope @ cov @ slope, rtol=1e-10)


def means_of(b, x, risk, weight):
    """Mean risks from the course of each row."""
    each = [risk_course(b.hazard, r, FORMS["matrix-exponential"])[0] for r in risk]
    return sum(w * f for w, f in zip(weight, each, strict=True))


def test_mean_risks_and_their_derivatives():
    b = merged_baselines(baselines(2))
    rng = np.random.default_rng(3)
    x, weight = rng.normal(0, 0.5, (4, 3)), np.array([0.1, 0.4, 0.3, 0.2])
    coef, step = np.array([0.5, -0.2, 0.3]), 1e-6

    def risk_at(coef):
        return np.exp(np.stack([x[:, :2] @ coef[:2], x[:, 2] * coef[2]], axis=1))

    risk = risk_at(coef)
    part = mean_risk(b, x, risk, weight)
    np.testing.assert_allclose(part.mean, means_of(b, x, risk, weight), rtol=1e-13)
    for j in range(2):
        for u in range(5):
            moved = np.zeros_like(b.hazard)
            moved[j, u] = step
            both = [means_of(replace(b, hazard=b.hazard + m), x, risk, weight) for m in (-moved, moved)]
            slope = (both[1] - both[0]) / (2 * step)
            for k in range(2):
                for upto in range(u + 1, 6):
                    found = part.derivative(k, upto)
                    np.testing.assert_allclose(found[j, u], slope[k, upto - 1], rtol=1e-6, atol=1e-9)
                    np.testing.assert_array_equal(found[:, upto:], 0)
    for p in range(3):
        both, own = [], int(p == 2)
        for sign in (-step, step):
            hazard = b.hazard.copy()
            hazard[own] -= sign * b.mean[:, p]  # the baseline that belongs to the coefficients
            both.append(means_of(replace(b, hazard=hazard), x, risk_at(coef + sign * np.eye(3)[p]), weight))
        np.testing.assert_allclose(
            part.slope[:, :, p], (both[1] - both[0]) / (2 * step), rtol=1e-6, atol=1e-9
        )
    for k in range(2):
        plain = [sum((part.derivative(k, upto) ** 2 * b.square).sum(axis=1)) for upto in range(1, 6)]
        np.testing.assert_allclose(part.own_variance(k), plain, rtol=1e-10)


def test_rows_advance_from_time_to_time_as_their_courses_run():
    b = merged_baselines(baselines(4))
    risk = np.array([[1.2, 0.6], [0.5, 2.0]])
    survival, incidence = np.ones(2), np.zeros((2, 2))
    for begin, end in ((0, 2), (2, 2), (2, 5)):
        advance(b.hazard, risk, begin, end, survival, incidence)
        expected = [risk_course(b.hazard, r, FORMS["matrix-exponential"])[0][:, end - 1] for r in risk]
        np.testing.assert_allclose(incidence, expected, rtol=1e-13)
        np.testing.assert_allclose(survival, 1 - incidence.sum(axis=1), rtol=1e-12)
