"""Numbers as text: every rule of rounding and every edge."""

from __future__ import annotations

import math

import pytest

from hemresearch import formats

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123456, "0.1235"), (1234.56, "1235"), (0.0, "0"), (12, "12"), (1e-5, "1.000e-05"),
        (2e6, "2.000e+06"),
        (INF, "∞"), (-INF, "-∞"), (NAN, "–"), (None, "–"),
    ],
)  # fmt: skip
def test_significant_digits(value, text):
    assert formats.significant(value) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.714, 2, "0.71"), (-0.001, 2, "0.00"), (-0.4, 1, "-0.4"), (1234.5, 1, "1,234.5"), (7, 0, "7"),
        (INF, 2, "∞"), (-INF, 2, "-∞"), (NAN, 2, "–"), (None, 2, "–"),
    ],
)  # fmt: skip
def test_a_fixed_count_of_decimals(value, decimals, text):
    assert formats.number(value, decimals) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.336, "33.6%"), (1.0, "100.0%"), (0.0, "0.0%"), (NAN, "–"), (None, "–")]
)
def test_a_proportion_in_percent(value, text):
    assert formats.percent(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.71, 0.55, 0.92), "0.71 (0.55–0.92)"),
        ((-0.34, -0.6, -0.08), "-0.34 (-0.60 to -0.08)"),
        ((0.1, -0.1, 0.3), "0.10 (-0.10 to 0.30)"),
        ((14.2, 9.8, None), "14.20 (9.80 to –)"),
        ((14.2, NAN, 20.0), "14.20 (– to 20.00)"),
        ((14.2, None, None), "14.20 (–)"),
        ((0.0, NAN, None), "0.00 (–)"),
        ((None, 9.8, None), "– (9.80 to –)"),
        ((None, None, None), "–"),
        ((0.0, 0.0, INF), "0.00 (0.00–∞)"),
    ],
)
def test_an_estimate_with_its_limits(values, text):
    assert formats.interval(*values) == text


def test_a_ratio_that_ran_off_is_infinite():
    assert formats.ratio(0.714, 0.552, 0.921) == "0.71 (0.55–0.92)"
    assert formats.ratio(6e15, 0.0, INF) == "∞ (0.00–∞)"
    assert formats.ratio(None, None, None) == "–"


def test_an_interval_on_another_scale():
    assert formats.interval(0.336, 0.253, 0.421, 1, scale=100) == "33.6 (25.3–42.1)"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "p<0.001"), (0.00099, "p<0.001"), (0.001, "p=0.001"), (0.0123, "p=0.012"), (0.0994, "p=0.099"),
        (0.0996, "p=0.10"), (0.54, "p=0.54"), (0.994, "p>0.99"), (1.0, "p>0.99"), (NAN, "–"), (None, "–"),
    ],
)  # fmt: skip
def test_p_values_as_journals_print_them(p, text):
    assert formats.p_value(p) == text
    assert formats.p_value(p, prefix=False) == text.removeprefix("p").removeprefix("=")


def test_a_confidence_level():
    assert [formats.level(v) for v in (0.95, 0.9, 0.975, 0.999)] == ["95%", "90%", "97.5%", "99.9%"]


def test_the_level_goes_into_the_parentheses_once():
    assert formats.with_level("33.6 (25.3–42.1)", 0.95) == "33.6 (95% CI 25.3–42.1)"


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12"), (1234.0, "1,234"), (12.5, "12.5"), (0, "0"), (NAN, "–"), (None, "–")]
)
def test_counts_are_whole_unless_weighted(value, text):
    assert formats.count(value) == text


@pytest.mark.parametrize(
    ("largest", "decimals"), [(707.0, 0), (100, 0), (99.9, 1), (10, 1), (9.9, 2), (None, 2), (NAN, 2)]
)
def test_decimals_for_times(largest, decimals):
    assert formats.decimals_for(largest) == decimals


def test_the_minus_of_print_stands_only_before_numbers():
    assert formats.minus("-2.60 (-∞ to -1.00)") == "−2.60 (−∞ to −1.00)"
    assert formats.minus("non-relapse") == "non-relapse"


@pytest.mark.parametrize(
    ("value", "short"),
    [(97.14989733059548, 97.14), (98.1027, 98.1), (0.0123456, 0.01234), (12345.0, 12345.0),
     (98765.4, 98765.0), (6.0, 6.0), (0.3, 0.3), (0.0, 0.0)],
)  # fmt: skip
def test_a_number_that_is_rounded_down_is_short_and_not_above(value, short):
    assert formats.rounded_down(value) == short
    assert formats.rounded_down(value) <= value
