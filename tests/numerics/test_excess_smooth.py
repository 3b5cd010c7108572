"""EM with a smooth baseline: the first turn by hand, a fixed point, and Cox's model without a population."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_estimate import cox_estimate
from hemresearch.numerics.cox_maximum import maximize_partial
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.excess_smooth import RiskRows, fit_smooth_excess, smooth_rate, widths


def test_the_first_turn_by_hand():
    end = np.arange(1.0, 6)
    rows = RiskRows(np.zeros(5), end, np.ones(5, bool), np.full(5, 0.1), np.empty((5, 0)))
    found = fit_smooth_excess(rows, 2.0, steps=1)
    # half of each death over 5, 4, ... at risk; the kernel looks back 2, and 1 from the first
    jump = [0.1, 0.125, 1 / 6, 0.25, 0.5]
    rate = [
        1.5 * 0.1,
        0.75 * (0.125 + 0.75 * 0.1),
        0.75 * (1 / 6 + 0.75 * 0.125),
        0.75 * (0.25 + 0.75 / 6),
        0.75 * (0.5 + 0.75 * 0.25),
    ]
    assert found.jump == pytest.approx(jump)
    assert found.width.tolist() == [1, 2, 2, 2, 2]
    assert found.rate == pytest.approx(rate)
    assert found.share == pytest.approx(np.array(rate) / (0.1 + np.array(rate)))
    assert (found.iterations, found.converged, found.coef.size, found.information.shape) == (
        1, False, 0, (0, 0),
    )  # fmt: skip


def test_effect_and_information_by_hand():
    found = fit_smooth_excess(cohort(np.zeros(6)), 2.0, steps=1)
    x = np.array([0.0, 1, 0, 1, 1, 0])
    r = np.exp(found.coef[0] * x)
    score = complete = missing = 0.0
    for i in range(6):
        mean = (r * x)[i:].sum() / r[i:].sum()
        score += 0.5 * (x[i] - mean)
        complete += found.share[i] * mean * (1 - mean)
        missing += found.share[i] * (1 - found.share[i]) * (x[i] - mean) ** 2
    assert score == pytest.approx(0, abs=1e-9)
    assert found.information.item() == pytest.approx(complete - missing)


def cohort(begin: np.ndarray, background: float = 0.05) -> RiskRows:
    x = np.array([[0.0], [1], [0], [1], [1], [0]])
    return RiskRows(begin, np.arange(1.0, 7), np.ones(6, bool), np.full(6, background), x)


def test_at_the_end_nothing_moves():
    rows = cohort(np.array([0, 0.5, 0, 2.5, 0, 1]))
    found = fit_smooth_excess(rows, 2.0)
    assert found.converged
    r = np.exp(rows.x @ found.coef)
    at_risk = (rows.begin < rows.end[:, None]) & (rows.end >= rows.end[:, None])
    assert found.jump == pytest.approx(found.share / (at_risk @ r))
    assert found.rate == pytest.approx(smooth_rate(found.time, found.jump, found.width))
    excess = r * found.rate
    assert found.share == pytest.approx(excess / (0.05 + excess), rel=1e-6)
    mean = (at_risk @ (r * rows.x[:, 0])) / (at_risk @ r)
    assert found.share @ (rows.x[:, 0] - mean) == pytest.approx(0, abs=1e-7)


def test_without_deaths_in_the_population_it_is_cox_with_breslows_ties():
    rng = np.random.default_rng(3)
    end, event, x = rng.integers(3, 30, 80).astype(float), rng.random(80) < 0.7, rng.normal(size=(80, 2))
    begin = np.where(rng.random(80) < 0.3, 1.0, 0.0)
    found = fit_smooth_excess(RiskRows(begin, end, event, np.zeros(80), x), 2.0)
    rows = cox_rows(x, end, event, entry=begin)
    cox = maximize_partial(rows, efron=False)
    assert found.share.tolist() == [1] * event.sum()
    np.testing.assert_allclose(found.coef, cox.parameters * rows.scale, rtol=1e-7)
    np.testing.assert_allclose(
        found.information, cox.information / np.outer(rows.scale, rows.scale), rtol=1e-6
    )
    hazard = cox_estimate(rows, found.coef, efron=False).turns.hazard[1:]
    np.testing.assert_allclose(found.jump, hazard * np.exp(-rows.mean @ found.coef), rtol=1e-6)


def test_the_kernel_has_integral_one_and_widths_their_quarter():
    time = np.array([5.0, 6, 9, 10, 12, 13, 20, 21])
    assert widths(time, 0.0, 1.0).tolist() == [1, 1, 3, 3, 2, 2, 7, 7]
    assert widths(time, 0.0, 10.0).tolist() == [5, 6, 9, 10, 12, 13, 20, 21]  # as far as there is follow-up
    fine = np.arange(1, 2001) / 1000
    rate = smooth_rate(fine, np.full(2000, 0.001), np.full(2000, 0.5))
    assert rate[600:] == pytest.approx(1, abs=2e-3)
    assert smooth_rate(np.array([1.0, 2]), np.array([1.0, 1]), np.array([1.0, 1])).tolist() == [1.5, 1.5]
