"""Log-rank tests of many features: codes by sorting, scores by those of one test."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.numerics.logrank import event_table, linked_sets, quadratic_form, scores
from hemresearch.numerics.screening_logrank import MISSING, codes_of, screen_logrank


def test_codes_are_ranks_of_distinct_values():
    rng = np.random.default_rng(1)
    values = rng.integers(-2, 3, size=(6, 40)).astype(float)
    values[1, 5:9], values[2], values[3] = np.nan, 4.5, np.nan
    codes, n_group = codes_of(values, 5)
    for j in range(6):
        known = ~np.isnan(values[j])
        assert (codes[j, ~known] == MISSING).all()
        np.testing.assert_array_equal(codes[j, known], np.unique(values[j, known], return_inverse=True)[1])
        assert n_group[j] == len(np.unique(values[j, known]))
    assert codes_of(values, 3)[1].tolist() == [4, 4, 1, 0, 4, 4]


@pytest.mark.parametrize("n_stratum", [1, 3])
def test_is_the_test_of_each_feature(n_stratum):
    rng = np.random.default_rng(2)
    for n in (12, 90):
        time, event = np.ceil(rng.exponential(8, n)), rng.uniform(size=n) < 0.6
        stratum = rng.integers(0, n_stratum, n)
        stratum[:n_stratum] = np.arange(n_stratum)
        codes = rng.integers(-1, 4, size=(30, n)).astype(np.int16)
        codes[:10] = np.minimum(codes[:10], 1)
        codes[10:13] = np.minimum(codes[10:13], 0)
        n_group = codes.max(axis=1).astype(np.int64) + 1
        rows = cox_rows(np.empty((n, 0)), time, event, stratum=stratum if n_stratum > 1 else None)
        found = zip(*screen_logrank(codes, n_group, rows), strict=True)
        for own, k, (n_used, n_event, statistic, df) in zip(codes, n_group, found, strict=True):
            there = own != MISSING
            table = event_table(time[there], event[there], own[there], k, stratum=stratum[there])
            score, covariance = scores(table, np.ones(len(table.time)))
            linked = linked_sets(covariance)
            assert (n_used, n_event) == (there.sum(), event[there].sum())
            assert df == (linked != np.arange(k)).sum()
            if df > 0:
                assert statistic == pytest.approx(quadratic_form(score, covariance, linked), rel=1e-10)
            else:
                assert np.isnan(statistic)


def test_no_features():
    rows = cox_rows(np.empty((3, 0)), np.arange(1.0, 4), np.ones(3, bool))
    assert len(screen_logrank(np.empty((0, 3), np.int16), np.empty(0, np.int64), rows)[0]) == 0
