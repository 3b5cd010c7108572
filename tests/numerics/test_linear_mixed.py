"""Straight lines of many owners: lme4, ordinary least squares where owners do not differ, other units."""

from __future__ import annotations

import numpy as np
import pytest
from reference_cases import assert_close, load_reference

from hemresearch.numerics.linear_mixed import mixed_line

# lme4 and BFGS both end where the criterion is flat: 1e-5 of a variance component, much less of the line.
COMPONENTS = 1e-5


@pytest.mark.parametrize("case_id", ["activity_line", "activity_line_parallel"])
def test_matches_lmer(case_id):
    case = load_reference("bleeding", case_id)
    d, v = case.options["data"], case.values
    line = mixed_line(np.log(d["activity"]), np.array(d["years"]), np.array(d["id"]) - 1)
    assert line.converged
    assert_close(line.coef, v["coef"], rel=1e-6)
    assert_close(np.sqrt(np.diag(line.cov)), v["se"], rel=1e-6)
    assert_close(line.between[[0, 0, 1], [0, 1, 1]], v["between"], rel=COMPONENTS)
    assert_close(line.within, v["within"], rel=COMPONENTS)
    assert_close(line.deviance, v["reml"], rel=1e-8)


def test_owners_who_do_not_differ_are_one_line():
    rng = np.random.default_rng(3)
    t, owner = np.tile([0.0, 1.0, 2.0, 3.0], 10), np.repeat(np.arange(10), 4)
    e = rng.normal(0, 1, (10, 4))
    e -= e.mean(axis=1, keepdims=True)  # no owner is above the others
    line = mixed_line(5 - t + e.ravel(), t, owner)
    x = np.stack([np.ones_like(t), t], axis=1)
    assert_close(line.coef, np.linalg.lstsq(x, 5 - t + e.ravel())[0], rel=1e-8)
    assert line.between[0, 0] < 0.05


def test_units_of_time_and_value_change_nothing_else():
    rng = np.random.default_rng(4)
    owner = np.repeat(np.arange(12), 5)
    t = rng.uniform(0, 4, 60)
    y = 30 + rng.normal(0, 5, 12)[owner] + (-2 + rng.normal(0, 1, 12)[owner]) * t + rng.normal(0, 1, 60)
    line, other = mixed_line(y, t, owner), mixed_line(100 * y, 52 * t, owner)
    assert_close(other.coef, line.coef * [100, 100 / 52], rel=1e-6)
    assert_close(other.cov, line.cov * np.outer([100, 100 / 52], [100, 100 / 52]), rel=1e-4)
    assert_close(other.between, line.between * np.outer([100, 100 / 52], [100, 100 / 52]), rel=1e-3)
    assert_close(other.deviance, line.deviance + 2 * 58 * np.log(100) + 2 * np.log(52), rel=1e-8)
