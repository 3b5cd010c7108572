"""Fine-Gray models side by side against the model of one feature."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.censoring_weights import censoring
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.fine_gray import Segment, SubdistributionLikelihood, Tails
from hemresearch.numerics.fine_gray_influence import CensoredRows, censoring_parts, score_parts
from hemresearch.numerics.newton import maximize
from hemresearch.numerics.screening_fine_gray import screen_fine_gray


def model(x, time, cause, efron):
    """The likelihood of covariates x, and its censoring."""
    rows = cox_rows(x, time, cause == 1)
    group = censoring(time, cause > 0, None, events_first=efron)
    order = rows.order
    row = np.flatnonzero(cause[order] == 2)
    none = np.zeros(len(row), dtype=np.intp)
    end = np.full(len(row), len(rows.begins) - 1)
    tails = Tails(row, none, 1 / group.before(time[order][row]), end, group.before(rows.slot_time)[None, :])
    whole = (Segment(0, len(rows.begins), np.eye(x.shape[1])),)
    facts = CensoredRows(time[order], (cause == 0)[order], np.zeros(len(time), dtype=np.intp), (group,))
    return SubdistributionLikelihood(rows, tails, efron, whole), facts


def one_by_one(values, time, cause, efron):
    """Coefficient and robust standard error of one feature, with the information at the maximum itself."""
    likelihood, facts = model(values[:, None], time, cause, efron)
    at = maximize(likelihood, np.zeros(1)).parameters
    part = score_parts(likelihood, at)
    if not efron:
        part += censoring_parts(likelihood, at, facts)
    scale = likelihood.rows.scale[0]
    return at[0] * scale, np.sqrt((part**2).sum()) / likelihood(at)[2][0, 0] * scale


@pytest.mark.parametrize("whole_days", [True, False])
@pytest.mark.parametrize("efron", [True, False])
def test_is_the_model_of_each_feature(efron, whole_days):
    """Normal, skewed and binary features; with ties of events, competing events and censorings."""
    rng = np.random.default_rng(21)
    for n in (25, 150):
        time, cause = rng.exponential(8, n), rng.integers(0, 3, n)
        time = np.ceil(time) if whole_days else time
        features = rng.normal(size=(40, n))
        features[:8] = features[:8] > 0.3
        features[8:14] = np.exp(features[8:14])
        coef, error = screen_fine_gray(features, *model(np.empty((n, 0)), time, cause, efron))
        for j in np.flatnonzero(~np.isnan(coef)):
            expected = one_by_one(features[j], time, cause, efron)
            assert [coef[j], error[j]] == pytest.approx(expected, rel=1e-8, abs=1e-10)
        assert np.isnan(coef).sum() <= 2


def test_without_competing_events_or_censorings():
    rng = np.random.default_rng(22)
    time = rng.exponential(8, 40)
    for cause in (np.ones(40, dtype=int), np.arange(40) % 2, 1 + np.arange(40) % 2):
        values = rng.normal(size=40)
        coef, error = screen_fine_gray(values[None, :], *model(np.empty((40, 0)), time, cause, False))
        expected = one_by_one(values, time, cause, False)
        assert [coef[0], error[0]] == pytest.approx(expected, rel=1e-8)


def test_what_takes_more_care_is_left():
    rng = np.random.default_rng(23)
    time, cause = np.arange(1.0, 31), rng.integers(0, 3, 30)
    features = rng.normal(size=(5, 30))
    features[1, 4], features[2] = np.nan, 3.0
    features[3] = cause == 1  # all events are among those who have it
    coef, error = screen_fine_gray(features, *model(np.empty((30, 0)), time, cause, False))
    assert np.isnan(coef).tolist() == np.isnan(error).tolist() == [False, True, True, True, False]


def test_a_feature_is_the_same_alone_and_in_a_block():
    rng = np.random.default_rng(24)
    time, cause = np.ceil(rng.exponential(8, 80)), rng.integers(0, 3, 80)
    features = rng.normal(size=(40, 80))
    facts = model(np.empty((80, 0)), time, cause, False)
    coef, error = screen_fine_gray(features, *facts)
    for j in (0, 17, 39):
        alone = screen_fine_gray(features[j : j + 1], *facts)
        assert [coef[j], error[j]] == [alone[0][0], alone[1][0]]
