"""Scalar arguments: what is accepted as it is, and what is refused with a value that works."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.errors import DataError
from hemresearch.options import (
    ConfType,
    check_choice,
    check_conf_level,
    check_labels,
    check_number,
    check_times,
    is_slip,
    nearest,
    suggestion,
)


def refusal(call, *parts, argument):
    with pytest.raises(DataError) as caught:
        call()
    assert caught.value.argument == argument
    for part in [f"{argument}: ", "Expected ", "Try ", *parts]:
        assert part in str(caught.value)


def test_a_choice_comes_back_as_it_is():
    assert check_choice("log-log", ConfType, argument="conf_type") == "log-log"
    assert check_choice(np.str_("log"), ConfType, argument="conf_type") == "log"
    assert check_choice(2, (1, 2), argument="k") == 2


@pytest.mark.parametrize(
    ("value", "nearest_choice"),
    [("loglog", "log-log"), ("LOG", "log"), ("normal", "plain"), (None, "plain"), (1, "plain")],
)
def test_another_choice_is_refused_with_all_and_the_nearest(value, nearest_choice):
    refusal(
        lambda: check_choice(value, ConfType, argument="conf_type"),
        repr(value),
        "one of 'plain', 'log', 'log-log', 'logit', 'arcsin'",
        f"conf_type={nearest_choice!r}",
        argument="conf_type",
    )


def test_nothing_is_meant_by_a_word_that_is_near_to_none():
    for value, choices, says in (
        ("normal", ConfType, "one of them, such as k='plain'"),
        (99, range(80), "29 and 50"),
    ):
        refusal(lambda v=value, c=choices: check_choice(v, c, argument="k"), says, argument="k")


@pytest.mark.parametrize("value", [pl.col("x"), np.array(["log", "plain"]), ["log"]])
def test_something_that_is_no_single_choice_is_refused_and_not_compared(value):
    refusal(lambda: check_choice(value, ConfType, argument="conf_type"), "choices", argument="conf_type")


@pytest.mark.parametrize("level", [0.95, 0.5, np.float32(0.9), np.array(0.95), Decimal("0.99")])
def test_a_confidence_level_is_a_number_between_0_and_1(level):
    assert check_conf_level(level) == float(level)
    assert type(check_conf_level(level)) is float


@pytest.mark.parametrize(
    "level",
    [0, 1, 95, -0.1, "0.95", None, True, np.True_, float("nan"), [0.95], np.array([0.9, 0.95]), 1j, 10**400],
)
def test_anything_else_is_no_confidence_level(level):
    refusal(lambda: check_conf_level(level), "a level such as 0.95", "conf_level=0.95", argument="conf_level")


def test_a_number_respects_its_bounds():
    options = {"argument": "tau", "expected": "a time after 0", "example": 60}
    assert check_number(5, above=0, **options) == 5.0
    assert check_number(0, at_least=0, **options) == 0.0
    for value, bound in [(0, {"above": 0}), (-1, {"at_least": 0}), (9, {"below": 9}), (float("inf"), {})]:
        refusal(
            lambda value=value, bound=bound: check_number(value, **bound, **options),
            f"{value!r} was given",
            "a time after 0",
            "tau=60",
            argument="tau",
        )


@pytest.mark.parametrize(
    ("times", "array"),
    [
        (12, [12]),
        ([24, 12, 12], [24, 12, 12]),
        (range(3), [0, 1, 2]),
        (np.array([0.5]), [0.5]),
        (pl.Series([1, 2]), [1, 2]),
        ([Decimal("1.5")], [1.5]),
    ],
)
def test_times_come_back_as_an_array_in_the_order_they_were_asked_for(times, array):
    checked = check_times(times)
    assert checked.dtype == float
    np.testing.assert_array_equal(checked, array)


@pytest.mark.parametrize(
    "times",
    [
        [],
        [-1],
        [1, None],
        [1, float("nan")],
        [float("inf")],
        "12",
        ["12"],
        [True],
        [[1, 2]],
        [1, [2]],
        {"a": 1},
        None,
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
)
def test_anything_else_is_no_time(times):
    refusal(
        lambda: check_times(times, argument="tau"),
        "finite, non-negative numbers",
        "in the unit of the data",
        "tau=[12, 24, 60]",
        argument="tau",
    )


def test_the_nearest_names_also_differ_by_case_alone():
    assert nearest("AGE", ["sex", "age", "stage"])[0] == "age"
    assert nearest("kön", ["KÖN", "age"]) == ["KÖN"]
    assert nearest("zzz", ["age"]) == []


def test_a_suggestion_is_a_question_or_a_list_of_what_there_is():
    assert suggestion("agee", ["age", "sex"]) == "did you mean 'age'?"
    assert suggestion("zzz", ["age", "sex"]) == "there are 'age', 'sex'"
    assert suggestion("zzz", [f"x{i}" for i in range(20)]).endswith("'x7' and 12 more")


@pytest.mark.parametrize(
    ("name", "meant", "slip"),
    [
        ("ages", "age", True),
        ("Age", "age", True),
        ("arm[b]", "arm[B]", True),
        ("karnof", "karno", True),
        ("age", "stage", False),
        ("stage 1", "stage 2", False),
        ("M", "F", False),
        ("sex", "set", False),
    ],
)
def test_a_slip_is_a_letter_or_a_case_off(name, meant, slip):
    assert is_slip(name, meant) == slip


def test_labels_may_name_what_is_elsewhere_but_not_misspell_what_is_here():
    check_labels({"age": "Age", "sex": "Sex"}, ["stage", "karno"], place="table")
    check_labels({"stages": "x", "stage": "Stage"}, ["stage"], place="table")
    assert_refused(
        lambda: check_labels({"stages": "Stage"}, ["age", "stage"], place="table"),
        argument="labels",
        says=["'stages' is not in the table, and 'stage' is without a label", "labels={'stage': ...}"],
    )
