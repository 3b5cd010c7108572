"""What counts as the event."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.columns import read_table
from hemresearch.events import read_event

TIMES = [1, 2, 3, 4]


def events(values, event_value=None, dtype=None, column="status"):
    frame = pl.DataFrame({column: pl.Series(values, dtype=dtype, strict=False)})
    return read_event(read_table(frame, {"event": column}), event_value).tolist()


@pytest.mark.parametrize(
    ("values", "remedy"),
    [
        ([1, 2, 2, 1], "event_value=2 if 2 is the event, or event_value=1"),
        ([0, 1, 2, 0], "event_value=0 or 1 or 2, whichever is the event"),
        ([0.5, 1, 0, 1], "event_value=0.0 or 0.5 or 1.0, whichever is the event"),
        ([3, 3, 3], "event_value=3, whichever is the event"),
        ([date(2020, 1, 1)], "event_value='the value of the event'"),
        (["case", "control", "case"], "event_value='case' or 'control', whichever is the event"),
        (["dead", "lost", "lost"], "event_value='dead' if 'dead' is the event"),
        (["ja", "nej", "ja", "nej"], "event_value='ja' if 'ja' is the event"),
        (["alive", "relapsed"], "event_value='relapsed' if 'relapsed' is the event"),
        (["Alive", "Dead", "Lost"], "event_value='Dead' if 'Dead' is the event"),
        (["alive", "dead", "relapse"], "event_value='alive' or 'dead' or 'relapse', whichever is the event"),
    ],
)
def test_a_coding_other_than_true_false_or_one_zero_is_refused_with_its_choices(values, remedy):
    refusal = assert_refused(
        lambda: events(values), argument="event", column="status", says=["true/false or 1/0"]
    )
    assert refusal.remedy == remedy


def test_all_events_and_no_events_are_both_fine():
    assert events([1, 1]) == [True, True]
    assert events([0, 0]) == [False, False]


@pytest.mark.parametrize(
    ("values", "declared", "happened"),
    [
        ([1, 2, 2, 1], 2, [False, True, True, False]),
        ([1, 2, 3, 1], [2, 3], [False, True, True, False]),
        ([1.0, 2.0, 2.0, 1.0], 2, [False, True, True, False]),
        (["Död", "Levande", "Död", "Levande"], "Död", [True, False, True, False]),
        (["a", "b", "c", "a"], ("a", "b"), [True, True, False, True]),
        ([True, False, True, False], False, [False, True, False, True]),
    ],
)
def test_a_declared_value_is_the_event(values, declared, happened):
    assert events(values, declared) == happened


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["alive", "dead"])])
def test_a_declared_value_of_a_categorical_or_enum(dtype):
    assert events(["dead", "alive"], "dead", dtype) == [True, False]


def test_a_declared_value_that_never_occurs_is_refused_with_near_matches():
    assert_refused(
        lambda: events(["Död", "Levande"], "död"),
        argument="event_value",
        column="status",
        says=["never holds the declared event 'död'", "near: Död"],
    )
    assert_refused(
        lambda: events([1, 2, 2], [2, 7]),
        argument="event_value",
        column="status",
        says=["7", "the values 1, 2"],
    )


def test_a_number_does_not_match_its_text():
    refusal = assert_refused(
        lambda: events([1, 2], "2"), argument="event_value", column="status", says=["never holds"]
    )
    assert refusal.remedy == "event_value=2"


def test_the_words_of_german_and_swedish_registers_are_known():
    for levels in (["lever", "avliden"], ["lebend", "Verstorben"], ["zensiert", "tot"]):
        refusal = assert_refused(lambda levels=levels: events(levels), argument="event", column="status")
        assert refusal.remedy == f"event_value={levels[1]!r} if {levels[1]!r} is the event"


def test_a_null_stays_missing_when_a_value_is_declared():
    assert_refused(lambda: events([2, None, 1], 2), argument="event", column="status", rows=[2])


def test_a_column_with_many_values_is_counted_and_not_shown():
    numbers = list(range(1000, 1020))
    refusal = assert_refused(
        lambda: events(numbers), argument="event", column="status", says=["20 different"]
    )
    assert "1003" not in str(refusal)


def test_values_that_look_like_identifiers_are_never_shown():
    identifiers = [f"{n}{n}{n}-{n}" for n in (31, 32, 33)]
    for declared in (identifiers[0][:-1], "Død"):
        refusal = assert_refused(
            lambda declared=declared: events(identifiers, declared), argument="event_value", column="status"
        )
        assert "323232" not in str(refusal)
        assert "3 different values" in str(refusal)
    many = [f"patient {chr(97 + n)}" for n in range(12)]
    refusal = assert_refused(lambda: events(many, "patient z"), argument="event_value", column="status")
    assert "patient b" not in str(refusal)
    refusal = assert_refused(lambda: events(identifiers), argument="event", column="status")
    assert "323232" not in str(refusal)


@pytest.mark.parametrize("declared", [[2], (2,), {2}, np.array([2]), pl.Series([2])], ids=type)
def test_several_values_may_come_in_any_container(declared):
    assert events([1, 2, 2], declared) == [False, True, True]


def test_no_value_at_all_is_refused():
    assert_refused(lambda: events([1, 2], []), argument="event_value", column="status", says=["never holds"])
