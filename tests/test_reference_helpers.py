"""The helpers that bring the values of R into the tests."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from reference_cases import (
    Reference,
    assert_close,
    assert_mentions,
    inline_table,
    load_dataset,
    prepared,
    reference_cases,
)
from reference_expressions import expression

TOPICS = ["kaplan_meier", "logrank", "rmst", "aft", "cox", "hard_cases"]
FRAME = pl.DataFrame(
    {"x": [1, 2, None, 4], "y": [4.0, 1.0, 9.0, 16.0], "ph.ecog": [0, 1, 2, 1], "sex": ["F", "M", "F", None]}
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x == 2", [False, True, None, False]),
        ("x != 2", [True, False, None, True]),
        ("x >= 2", [False, True, None, True]),
        ("y < x", [False, True, None, False]),
        ("(x > 1) & (y > 2)", [False, False, None, True]),
        ("(x > 1) | (y > 2)", [True, True, True, True]),
        ("(sex == 'F') * 1", [1, 0, 1, None]),
        ("x / 2 + 1", [1.5, 2.0, None, 3.0]),
        ("x - y * 2", [-7.0, 0.0, None, -28.0]),
        ("(x - y) * 2", [-6.0, 2.0, None, -24.0]),
        ("-x", [-1, -2, None, -4]),
        ("sqrt(y)", [2.0, 1.0, 3.0, 4.0]),
        ("log(sqrt(y))", [math.log(2), 0.0, math.log(3), math.log(4)]),
        ("ph.ecog == 1", [False, True, False, True]),
        ("`ph.ecog` * 2", [0, 2, 4, 2]),
    ],
)
def test_an_expression_means_what_it_means_in_r(text: str, values: list[object]):
    found = FRAME.select(expression(text, FRAME.columns))
    assert found.columns == [text]
    assert_close(found[text], values, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    [
        "x > 1 & y > 2",
        "1 < x < 3",
        "__import__('os')",
        "x.real",
        "z + 1",
        "x ** 2",
        "exp(x)",
        "log(x, 2)",
        "(x + 1) & (y > 2)",
        "[x]",
        "x if y else x",
    ],
)
def test_anything_outside_the_language_is_refused(text: str):
    with pytest.raises(ValueError, match=r"cannot be read|no column|no truth value"):
        expression(text, FRAME.columns)


def test_options_are_applied_in_their_order():
    options = {
        "derive": {"double": "x * 2", "late": "double > 3"},
        "subset": "y < 16",
        "dropna": ["x"],
        "factors": {"x": [2, 1]},
    }
    found = prepared(FRAME, options)
    assert found["late"].to_list() == [False, True]
    assert found["x"].to_list() == ["1", "2"]
    assert found.schema["x"] == pl.Enum(["2", "1"])


def test_a_subset_drops_rows_where_it_is_missing():
    assert prepared(FRAME, {"subset": "x > 0"}).height == 3


def test_rows_are_counted_from_one():
    assert prepared(FRAME, {"rows": [2, 3]})["y"].to_list() == [1.0, 9.0]


def test_a_case_whose_numbers_stand_in_its_options_has_no_rows(reference: Callable[[str, str], Reference]):
    assert reference("epidemiology", "prop_3_40").data.is_empty()
    assert reference("relative_survival", "years_colrec_yd").data.height == 300


def test_values_outside_the_levels_of_a_factor_become_missing():
    assert prepared(FRAME, {"factors": {"ph.ecog": [0, 1]}})["ph.ecog"].to_list() == ["0", "1", None, "1"]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_case_has_data_and_every_named_column_is_there(
    topic: str, reference: Callable[[str, str], Reference]
):
    for case_id in reference_cases(topic):
        case = reference(topic, case_id)
        assert case.data.height > 0, case_id
        if topic == "hard_cases":
            continue
        for option in (
            "time",
            "event",
            "entry",
            "by",
            "group",
            "strata",
            "weights",
            "cluster",
            "arm",
            "lower",
        ):
            for role in np.atleast_1d(np.array(case.role(option), dtype=object)):
                assert role is None or case.data.select(role).height == case.data.height, (case_id, option)


def test_cases_can_be_chosen_by_the_beginning_of_their_ids():
    assert reference_cases("kaplan_meier", "revkm_") == ["revkm_bmtcrr", "revkm_mgus2"]
    assert len(reference_cases("kaplan_meier", "band_", "fixedtime_")) == 3
    assert len(reference_cases("rmst")) == 7


def test_a_role_is_a_column_an_expression_or_nothing(reference: Callable[[str, str], Reference]):
    case = reference("kaplan_meier", "km_lung_weighted")
    assert case.role("time") == "time"
    assert case.role("by") == ["sex"]
    assert case.role("entry") is None
    assert case.role("conf_level") == 0.95
    found = case.data.select(case.role("event"), case.role("weights"))
    assert found.columns == ["status == 2", "age / 60"]
    assert found["status == 2"].sum() == 165


def test_a_label_of_r_finds_the_rows_of_its_group(reference: Callable[[str, str], Reference]):
    numbers = reference("kaplan_meier", "km_pbc_logit")
    assert numbers.group("trt=2") == {"trt": 2}
    assert numbers.in_group(numbers.data, "trt=1").height == 158
    levels = reference("kaplan_meier", "km_aml_log")
    assert levels.group("x=Maintained  ") == {"x": "Maintained"}
    assert levels.in_group(levels.data, "x=Maintained").height == 11
    bare = reference("logrank", "lr_bmtcrr_phase")
    assert bare.group("CR2") == {"Phase": "CR2"}
    whole = reference("kaplan_meier", "km_aml_plain90")
    assert whole.in_group(whole.data, "all").height == 23


def test_a_label_may_join_several_columns():
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y, z"]})
    case = Reference("t", "c", {"by": ["a", "b"]}, {}, frame)
    assert case.group("a=2, b=y, z") == {"a": 2, "b": "y, z"}
    assert case.in_group(frame, "a=2, b=y, z").height == 1


def test_group_sizes_are_those_of_r(reference: Callable[[str, str], Reference]):
    for case_id in reference_cases("kaplan_meier", "km_"):
        case = reference("kaplan_meier", case_id)
        if "start_time" in case.options:  # R counts those still under observation then
            continue
        for stratum in case.values["strata"]:
            assert case.in_group(case.data, stratum["label"]).height == stratum["n"], case_id


def test_a_hard_case_brings_its_table(reference: Callable[[str, str], Reference]):
    case = reference("hard_cases", "sh04")
    assert case.data["time"].null_count() == 1
    assert case.options == {"time": "time", "event": "event"}
    assert case.values["kind"] == "clear_error"


def test_special_numbers_are_read_among_numbers_only():
    table = inline_table(
        {"a": [1, "NaN", "Inf", None], "b": ["1", "NaN", "x", None], "c": ["-Inf", 2.5, 1, 0]}
    )
    assert table.schema["a"] == pl.Float64
    assert_close(table["a"], [1, None, math.inf, None])
    assert table["b"].to_list() == ["1", "NaN", "x", None]
    assert table["c"][0] == -math.inf


def test_a_dataset_is_found_in_either_folder(dataset: Callable[[str], pl.DataFrame]):
    assert dataset("myeloid").height == 646
    assert dataset("lung").height == 228
    with pytest.raises(KeyError):
        load_dataset("no such data")


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (pl.Series([1.0, None]), [1, None]),
        (np.array([[1.0, np.nan], [np.inf, 0.0]]), {"rows": ["a", "b"], "data": [[1, None], ["Inf", 1e-13]]}),
        (float("nan"), None),
        (-math.inf, "-Inf"),
        (1 + 5e-10, 1),
        (5e-13, 0),
        ({"a": [1, 2]}, {"a": [1, 2.0]}),
        (["x"], ["x"]),
        (True, 1),
    ],
)
def test_what_is_close_passes(actual: object, expected: object):
    rel = 1e-9 if not isinstance(actual, np.ndarray) else 1.0
    assert_close(actual, expected, rel=rel)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1 + 2e-9, 1),
        (2e-12, 0),
        (0.0, None),
        (None, 0.5),
        (math.inf, "-Inf"),
        (math.inf, 1e300),
        ([1], [1, 2]),
        ([[1]], [1]),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}),
        ("x", "y"),
    ],
)
def test_what_is_not_close_fails_and_says_where(actual: object, expected: object):
    with pytest.raises(AssertionError, match="instead of"):
        assert_close(actual, expected)


def test_a_message_must_hold_every_part_of_a_hard_case(reference: Callable[[str, str], Reference]):
    expected = reference("hard_cases", "sh03").values
    assert_mentions(
        "time: column 'time' holds negative values (row 1). Expected non-negative times.", expected
    )
    for message in ["time: column 'time' is odd (row 1)", "time: column 'time' holds negative values"]:
        with pytest.raises(AssertionError):
            assert_mentions(message, expected)
    with pytest.raises(AssertionError, match="forbidden text number 1"):
        assert_mentions("secret", {"must_not": ["secret"]})
