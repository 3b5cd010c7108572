"""Gray's scores on counts that a person can follow."""

from __future__ import annotations

import numpy as np

from hemresearch.numerics.gray import cause_table, gray_scores


def test_counts_are_kept_by_group_and_cause():
    time = np.array([1.0, 1, 2, 3, 3])
    of_cause = np.array([True, False, False, True, False])
    other = np.array([False, True, False, False, False])
    table = cause_table(time, of_cause, other, np.array([0, 1, 0, 0, 1]), 2)
    assert table.time.tolist() == [1, 3]
    assert table.n_event.tolist() == [[0, 0], [1, 1], [1, 0], [0, 0]]
    assert (table.n_risk[0::2] + table.n_risk[1::2]).tolist() == [[3, 1], [2, 1]]


def test_two_strata_are_two_studies():
    rng = np.random.default_rng(1)
    n = 40
    time, cause = np.ceil(rng.exponential(5, n)), rng.integers(0, 3, n)
    group, stratum = rng.integers(0, 2, n), rng.integers(0, 2, n)

    def scores(keep, **options):
        return gray_scores(
            cause_table(time[keep], cause[keep] == 1, cause[keep] == 2, group[keep], 2, **options), 0.5
        )

    whole = scores(slice(None), stratum=stratum)
    parts = [scores(stratum == s) for s in (0, 1)]
    np.testing.assert_allclose(whole.score, sum(p.score for p in parts))
    np.testing.assert_allclose(whole.covariance, sum(p.covariance for p in parts))
    np.testing.assert_allclose(whole.expected.sum(), (cause == 1).sum())
