"""Competing events as a survival outcome: what is kept together, and which causes may be asked for."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

from hemresearch.outcomes_competing import Competing, read_competing

ROWS = pl.DataFrame(
    {
        "t": [3.0, 5, 2, 8, 1],
        "e": ["relapse", "death", "censored", "relapse", "death"],
        "w": [1.0, 2, 1, 0, 1],
        "g": ["a", "a", "b", "b", "b"],
    }
)


def read(data: pl.DataFrame = ROWS, **roles: object) -> Competing:
    return read_competing(data, time="t", event="e", **roles)  # type: ignore[arg-type]


def test_taking_rows_keeps_each_with_its_cause():
    y = read(by="g")
    part = y.take(y.cause == 2)
    assert part.time.tolist() == [3, 8]
    assert part.cause.tolist() == [2, 2]
    assert part.event.all()
    assert part.positions(part.event).tolist() == [0, 3]


def test_one_cause_is_an_event_and_the_others_are_censorings():
    y = read()
    assert y.causes == ("death", "relapse")
    assert y.of_cause(1).event.tolist() == [False, True, False, False, True]
    assert not hasattr(y.of_cause(1), "causes")


def test_nobody_has_weight_zero():
    y = read(weights="w", by="g")
    assert y.cause.tolist() == [2, 1, 0, 1]
    assert y.weight is not None
    assert y.weight.tolist() == [1, 2, 1, 1]


def test_rows_that_split_the_follow_up_of_a_patient_are_joined():
    split = pl.DataFrame({"p": [1, 1, 2], "s": [0.0, 3, 0], "t": [3.0, 5, 4], "e": [0, 2, 1]})
    y = read_competing(split, time="t", event="e", entry="s", id="p")
    assert sorted(zip(y.time.tolist(), y.cause.tolist(), strict=True)) == [(4, 1), (5, 2)]


@pytest.mark.parametrize(
    ("asked", "numbers"), [(None, [1, 2]), ("relapse", [2]), (["relapse", "death"], [2, 1])]
)
def test_causes_are_asked_for_by_their_labels(asked, numbers):
    assert read().numbers(asked) == numbers


def test_several_causes_come_in_any_container_and_each_once():
    coded = read(ROWS.with_columns(e=pl.Series([2, 1, 0, 2, 1])))
    for asked in ([2, 1, 2], (2, 1), np.array([2, 1]), pl.Series([2, 1])):
        assert coded.numbers(asked) == [2, 1]
    assert sorted(coded.numbers({1, 2})) == [1, 2]
    assert_refused(lambda: coded.numbers([]), argument="cause", column="e", says=["no cause", "cause=None"])


def test_nobody_with_an_event_is_told_as_such():
    alive = read(ROWS.with_columns(e=pl.lit(0)))
    for asked in (None, 1):
        assert_refused(
            lambda asked=asked: alive.numbers(asked), argument="event", column="e", says=["all are censored"]
        )


@pytest.mark.parametrize("censored", ["0", "censored", 9, True, [0], [0, 2], False])
def test_no_label_of_numbers_means_censored_but_one_that_occurs(censored):
    coded = ROWS.with_columns(e=pl.Series([2, 1, 0, 2, 1]))
    refusal = assert_refused(
        lambda: read(coded, censored=censored), argument="censored", column="e", says=["never holds"]
    )
    assert refusal.remedy == "censored=0"


def test_text_in_which_0_may_mean_censored_is_not_sent_to_nobody_censored():
    coded = ROWS.with_columns(e=pl.Series(list("21021")))
    assert assert_refused(lambda: read(coded), argument="censored", column="e").remedy == "censored='0'"
    alive = ROWS.with_columns(pl.col("e").replace("censored", "Alive"))
    assert assert_refused(lambda: read(alive), argument="censored", column="e").remedy == "censored='Alive'"
    other = ROWS.with_columns(pl.col("e").replace("censored", "z"))
    remedy = assert_refused(lambda: read(other), argument="censored", column="e").remedy
    assert remedy == "censored=None only if nobody was"


def test_numbers_without_0_are_told_that_nobody_is_censored():
    coded = ROWS.with_columns(e=pl.Series([3, 2, 1, 3, 2]))
    y = assert_warns(lambda: read(coded), argument="censored", column="e", says=["never holds 0", "1, 2, 3"])
    assert y.event.all()
    assert read(coded, censored=1).event.sum() == 4
    assert read(coded, censored=None).event.all()
    assert read(coded, censored=0).event.all()


def test_a_cause_that_does_not_occur_is_refused_with_the_nearest():
    assert_refused(
        lambda: read().numbers("Relapse"),
        argument="cause",
        column="e",
        says=["near: 'relapse'", "cause='relapse'"],
    )
    assert_refused(
        lambda: read().numbers("xyz"), argument="cause", column="e", says=["cause='death' or 'relapse'"]
    )


def test_a_cause_that_looks_like_an_identifier_is_not_shown():
    data = ROWS.with_columns(e=pl.Series([1234567, 1234568, 0, 1234567, 1234568]))
    refusal = assert_refused(lambda: read(data).numbers(1234560), argument="cause", column="e", says=[])
    assert "1234568" not in str(refusal)
    assert refusal.remedy == "cause=a label of the column"


@pytest.mark.parametrize("censored", ["death", None])
def test_a_label_that_says_censored_but_counts_as_an_event_gives_a_warning(censored):
    german = ROWS.with_columns(pl.col("e").replace("censored", "Zensiert"))
    y = assert_warns(
        lambda: read(german, censored=censored), argument="censored", column="e", says=["censored='Zensiert'"]
    )
    assert "Zensiert" in y.causes


def test_an_event_that_is_true_or_false_is_sent_to_labels_and_not_to_kaplan_meier():
    relapsed = ROWS.with_columns(pl.col("e") == "relapse")
    refusal = assert_refused(lambda: read(relapsed), argument="event", column="e", says=["relapse_and_nrm"])
    assert "kaplan" not in str(refusal)


def test_one_cause_is_one_that_happened_to_somebody():
    assert read().one_number("relapse") == 2
    assert_refused(
        lambda: read().one_number(None),
        argument="cause",
        column="e",
        says=["2 events were asked for at once"],
    )
    nobody = ROWS.with_columns(w=pl.when(pl.col("e") == "relapse").then(0.0).otherwise(1.0))
    assert_refused(
        lambda: read(nobody, weights="w").one_number("relapse"),
        argument="cause",
        column="e",
        says=["nobody whose weight is above 0"],
    )


def test_groups_of_censoring_are_named_as_such():
    y = read(censoring_by="g")
    assert y.group.names == ("g",)
    assert y.group.code.tolist() == [0, 0, 1, 1, 1]
    missing = ROWS.with_columns(g=pl.Series(["a", None, "b", "b", "b"]))
    assert_refused(
        lambda: read(missing, censoring_by="g"),
        argument="censoring_by",
        column="g",
        rows=[2],
        says=["missing"],
    )


def test_an_enum_that_has_the_label_may_have_nobody_censored():
    kinds = pl.Enum(["censored", "relapse", "nrm"])
    coded = ROWS.with_columns(e=pl.Series(["relapse", "nrm", "relapse", "nrm", "nrm"], dtype=kinds))
    y = read(coded)
    assert y.event.all()
    assert y.causes == ("relapse", "nrm")
    text = coded.with_columns(pl.col("e").cast(pl.String))
    assert_refused(lambda: read(text), argument="censored", column="e", says=["never holds 'censored'"])
