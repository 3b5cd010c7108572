"""Adjusted p-values: R's p.adjust, the formulas of qvalue, and what they can and cannot be of."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_cases import assert_close
from refusals import assert_warns

from hemresearch.errors import DataError
from hemresearch.numerics.multiplicity import null_share
from hemresearch.translational import q_values


@pytest.mark.parametrize("adjust", ["bh", "by", "holm", "bonferroni"])
def test_matches_p_adjust(reference, adjust):
    case = reference("screen", "p_adjust")
    found = q_values(case.options["p"], adjust=adjust)
    assert found.name == "q_value"
    for ours, theirs in zip(found, case.values[adjust], strict=True):
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            assert_close(ours, theirs, rel=1e-12)


def test_storey_is_as_in_qvalue(reference):
    case = reference("screen", "storey")
    p = np.array(case.options["p"])
    assert_close(null_share(p), case.values["share"], rel=1e-12)
    np.testing.assert_allclose(q_values(p, adjust="storey"), case.values["q"], rtol=1e-10)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values_keep_the_order_and_are_no_smaller_than_p(p):
    q = {adjust: q_values(p, adjust=adjust).to_numpy() for adjust in ("bh", "by", "bonferroni", "none")}
    order = np.argsort(p)
    assert (np.diff(q["bh"][order]) >= 0).all()
    assert (q["none"] <= q["bh"] + 1e-15).all()
    assert (q["bh"] <= q["by"] * (1 + 1e-12)).all()
    assert (q["by"] <= 1).all()
    assert (q["bh"] <= q["bonferroni"] * (1 + 1e-12)).all()


def test_the_share_of_true_null_hypotheses_is_found():
    rng = np.random.default_rng(3)
    p = np.concatenate([rng.uniform(size=8000), rng.beta(0.1, 10, 2000)])
    assert null_share(p) == pytest.approx(0.8, abs=0.04)


def test_a_series_keeps_its_nulls_and_an_empty_one_is_empty():
    assert q_values(pl.Series([None, 0.5, float("nan")])).to_list() == [None, 0.5, None]
    assert q_values([], adjust="storey").to_list() == []


@pytest.mark.parametrize("p", [[0.5, 1.2], [-0.1], ["a"], 0.3])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(DataError, match="no probability"):
        q_values(p)


def test_storey_of_few_tests_gives_a_warning():
    p = [0.001, 0.01, 0.02, 0.03, 0.04, 0.96]
    assert_warns(lambda: q_values(p, adjust="storey"), argument="adjust", says=["6 p-values: too few"])


def test_storey_needs_large_p_values():
    with pytest.raises(DataError, match="share of true null hypotheses is estimated as 0"):
        q_values(np.full(200, 0.001), adjust="storey")


def test_an_unknown_adjustment_is_refused():
    with pytest.raises(DataError, match="adjust"):
        q_values([0.1], adjust="fdr")
