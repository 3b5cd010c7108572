"""Numbers inside sentences."""

from __future__ import annotations

import math

import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.report import inline

ROW = pl.DataFrame({"arm": ["A"], "estimate": [0.336], "conf_low": [0.253], "conf_high": [0.421]})


def test_an_estimate_in_a_sentence():
    assert inline.estimate(0.71, 0.55, 0.92) == "0.71 (95% CI 0.55–0.92)"
    assert inline.estimate(-0.34, -0.6, -0.08, conf_level=0.9) == "-0.34 (90% CI -0.60 to -0.08)"


def test_a_row_of_a_frame_or_a_mapping_will_do():
    assert inline.estimate(ROW, as_percent=True, decimals=1) == "33.6% (95% CI 25.3–42.1)"
    assert inline.estimate(ROW.row(0, named=True)) == "0.34 (95% CI 0.25–0.42)"


def test_what_was_not_reached_is_a_dash():
    assert inline.estimate(14.2, 9.8, None, decimals=1) == "14.2 (95% CI 9.8 to –)"
    assert inline.estimate(None, None, None) == "– (95% CI –)"
    assert inline.estimate(math.nan, 9.8, None, decimals=1) == "– (95% CI 9.8 to –)"


def test_a_hazard_ratio_for_parentheses():
    assert inline.hr(0.71, 0.55, 0.92) == "HR 0.71, 95% CI 0.55–0.92"


def test_a_count_and_its_share():
    assert inline.share(12, 40) == "12/40 (30.0%)"
    assert inline.share(0, 0) == "0/0 (–)"


def test_p_values_and_percentages_are_those_of_the_tables():
    assert inline.p(0.0123) == "p=0.012"
    assert inline.percent(0.336) == "33.6%"
    assert inline.number(1234.5, 1) == "1,234.5"


@pytest.mark.parametrize("value", [pl.concat([ROW, ROW]), ROW.drop("conf_low"), {"estimate": 1.0}, "0.71"])
def test_anything_but_one_row_is_refused(value):
    assert_refused(lambda: inline.estimate(value), argument="value", says=["one row", "curves.at(12)"])
