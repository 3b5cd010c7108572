"""Proportions: R's limits, what they must be, and refusals."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.stats import binom

from hemresearch.epidemiology import proportion
from hemresearch.epidemiology.proportion import METHODS

NO_WIDTH = pytest.mark.filterwarnings("ignore:conf_type. has limits of no width")  # of "wald", at 0 and 1

LIMITS = ["conf_low", "conf_high"]
COUNTS = {"events": "x", "n": "n"}
NAMES = {
    "clopper-pearson": "clopper_pearson",
    "wilson": "wilson",
    "wilson-cc": "wilson_cc",
    "agresti-coull": "agresti_coull_addz2",
    "jeffreys": "jeffreys",
    "wald": "wald",
}


def counts(x: int, n: int) -> pl.DataFrame:
    return pl.DataFrame({"x": [x], "n": [n]})


@NO_WIDTH
@pytest.mark.parametrize("case_id", reference_cases("epidemiology", "prop_"))
@pytest.mark.parametrize("conf_type", list(NAMES))
def test_limits_match_r(reference, case_id, conf_type):
    case = reference("epidemiology", case_id)
    frame = proportion(
        counts(case.options["x"], case.options["n"]),
        **COUNTS,
        conf_type=conf_type,
        conf_level=case.options["conf"],
    ).to_frame()
    assert_close(frame["estimate"][0], case.values["p"], rel=1e-12)
    assert_close(frame.select(LIMITS).row(0), case.values[NAMES[conf_type]], rel=1e-10)


@pytest.mark.parametrize("case_id", reference_cases("person_time", "share_"))
def test_midp_limits_match_r(reference, case_id):
    # PropCIs::midPci searches in steps of 1e-4 and prints four digits; these are solved to full precision
    case = reference("person_time", case_id)
    frame = proportion(counts(case.options["x"], case.options["n"]), **COUNTS, conf_type="midp").to_frame()
    assert_close(frame.select(LIMITS).row(0), case.values["midp"], rel=1e-9)


@NO_WIDTH
@given(st.integers(1, 300), st.data(), st.sampled_from([0.8, 0.95]))
def test_limits_lie_around_the_share_and_are_those_of_failures_turned_round(n, data, level):
    x = data.draw(st.integers(0, n))
    for conf_type in METHODS:
        low, high = (
            proportion(counts(x, n), **COUNTS, conf_type=conf_type, conf_level=level)
            .to_frame()
            .select(LIMITS)
            .row(0)
        )
        other = proportion(counts(n - x, n), **COUNTS, conf_type=conf_type, conf_level=level).to_frame()
        assert low <= x / n <= high
        assert_close([1 - high, 1 - low], list(other.select(LIMITS).row(0)), rel=1e-8, at_zero=1e-10)
    exact = proportion(counts(x, n), **COUNTS, conf_type="clopper-pearson", conf_level=level).to_frame()
    assert x == n or binom.cdf(x, n, exact["conf_high"][0]) == pytest.approx((1 - level) / 2, rel=1e-8)


def test_persons_and_counts_give_the_same():
    persons = pl.DataFrame({"response": ["CR", "PR", "SD", "CR", "PD"], "arm": list("AABBB")})
    frame = proportion(persons, event="response", event_value=["CR", "PR"], by="arm").to_frame()
    table = pl.DataFrame({"arm": ["B", "A", "B"], "x": [1, 2, 0], "n": [2, 2, 1]})
    assert_frame_equal(frame, proportion(table, **COUNTS, by="arm").to_frame())
    assert frame.select("arm", "n", "n_event", "estimate").rows() == [("A", 2, 2, 1.0), ("B", 3, 1, 1 / 3)]


def test_what_is_missing_is_counted():
    result = proportion(pl.DataFrame({"dead": [1, 0, None]}), event="dead", missing="drop")
    assert (result.n, result.n_event, result.n_dropped) == (2, 1, 1)
    assert result.text() == "proportion: 0.50 (95% CI 0.09–0.91)"


@pytest.mark.parametrize(
    "roles",
    [{}, {"event": "x", "n": "n"}, {"events": "x"}, {"n": "n"}, {"events": "x", "n": "n", "event_value": 1}],
)
def test_one_form_of_the_data(roles):
    assert_refused(lambda: proportion(counts(1, 2), **roles), argument="event", says=["one form of the data"])


def test_more_events_than_persons_are_refused():
    assert_refused(
        lambda: proportion(counts(3, 2), **COUNTS),
        argument="events",
        column="x",
        rows=[1],
        says=["above 'n'"],
    )


def test_a_share_of_nobody_is_refused():
    assert_refused(
        lambda: proportion(counts(0, 0), **COUNTS), argument="n", column="n", says=["0 throughout"]
    )


@pytest.mark.parametrize(("x", "n", "argument"), [(1.5, 2, "events"), (1, 2.5, "n"), (1, -2, "n")])
def test_counts_that_are_none_are_refused(x, n, argument):
    assert_refused(
        lambda: proportion(counts(x, n), **COUNTS), argument=argument, column=COUNTS[argument], rows=[1]
    )


def test_arguments_that_are_none_are_refused():
    assert_refused(lambda: proportion(counts(1, 2), **COUNTS, conf_type="exact"), argument="conf_type")
    assert_refused(lambda: proportion(counts(1, 2), **COUNTS, conf_level=0), argument="conf_level")


def test_wald_limits_of_no_width_have_a_warning():
    data = pl.concat(
        [counts(x, 3).with_columns(arm=pl.lit(arm)) for x, arm in ((0, "A"), (2, "B"), (3, "C"))]
    )
    assert_warns(
        lambda: proportion(data, **COUNTS, by="arm", conf_type="wald"),
        argument="conf_type",
        says=["no width in 'A', 'C'", "conf_type='wilson'"],
    )
