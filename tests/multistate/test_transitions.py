"""The states and moves of a process: their order, their numbers and their counts."""

from __future__ import annotations

import polars as pl
import pytest
from multistate_cases import follow_up_case, wide_case
from polars.testing import assert_frame_equal
from refusals import assert_refused

from hemresearch.multistate import Transitions, from_rows

MODEL = Transitions({"tx": ["dead", "rec"], "rec": ["dead"]})


def test_states_come_in_the_order_of_keys_and_moves_row_by_row():
    assert MODEL.states == ("tx", "rec", "dead")
    assert MODEL.moves == (("tx", "rec"), ("tx", "dead"), ("rec", "dead"))
    assert MODEL.initial == ("tx",)
    assert MODEL.absorbing == ("dead",)
    assert MODEL.number("rec", "dead") == 3
    assert MODEL == Transitions({"tx": ["rec", "dead"], "rec": ["dead"], "dead": []})
    assert hash(MODEL) == hash(Transitions({"tx": ["rec", "dead"], "rec": ["dead"]}))


def test_states_may_be_left_and_entered_again():
    ward = Transitions({"home": ["ward"], "ward": ["home", "dead"]})
    assert ward.initial == ()
    assert ward.states == ("home", "ward", "dead")


def test_frames():
    assert MODEL.to_frame().rows() == [(1, "tx", "rec"), (2, "tx", "dead"), (3, "rec", "dead")]
    assert MODEL.matrix().rows() == [("tx", None, 1, 2), ("rec", None, None, 3), ("dead", None, None, None)]
    assert MODEL.adjacency().tolist() == [[False, True, True], [False, False, True], [False] * 3]
    assert MODEL.to_frame()["to_state"].dtype == pl.Enum(["tx", "rec", "dead"])


@pytest.mark.parametrize("case_id", ["ms_ebmt3_np", "ms_bmt_platelet_np"])
def test_counts_are_those_of_events(reference, case_id):
    case = reference("multistate", case_id)
    model, rows = wide_case(case)
    counts = model.counts(rows)
    for i, state in enumerate(model.states):
        theirs = case.values["event_counts"]["data"][i]
        ours = counts.filter(from_state=state)
        for j, to in enumerate(model.states):
            made = ours.filter(to_state=to)["n_event"].to_list()
            assert made == ([theirs[j]] if (state, to) in model.moves else [])
        assert ours.filter(pl.col("to_state").is_null())["n_event"].to_list() == [theirs[-2]]
        assert set(ours["n"]) == {theirs[-1]}


def test_counts_are_those_of_survcheck_and_a_move_on_the_last_day_counts(reference):
    case = reference("multistate", "ms_myeloid_sf")
    model, rows = follow_up_case(case)
    counts = model.counts(rows)
    table = case.values["transitions"]
    for state, row in zip(table["rows"], table["data"], strict=True):
        for to, n in zip(table["cols"][:-1], row[:-1], strict=True):
            if n:
                assert counts.filter(from_state=state, to_state=to)["n_event"].to_list() == [n]
    # 364 came to transplantation and 205 moved on; one came on the last day, and R counts 158 censored rows
    assert counts.filter(pl.col("to_state").is_null(), from_state="SCT")["n_event"].to_list() == [159]


def test_counts_by_hand():
    rows = from_rows(
        pl.DataFrame({"id": [1, 1, 2], "a": [0, 2, 0], "t": [2, 5, 4], "e": ["rec", "dead", "rec"]}),
        MODEL, id="id", entry="a", time="t", event="e", censored=None,
    )  # fmt: skip
    assert MODEL.counts(rows).rows() == [
        ("tx", "rec", 2, 2, 1.0),
        ("tx", "dead", 2, 0, 0.0),
        ("tx", None, 2, 0, 0.0),
        ("rec", "dead", 2, 1, 0.5),
        ("rec", None, 2, 1, 0.5),
        ("dead", None, 1, 1, 1.0),
    ]
    none = MODEL.counts(rows.filter(pl.col("id") == 2))
    assert none.filter(from_state="dead")["proportion"].to_list() == [None]
    assert_frame_equal(MODEL.counts(rows.to_pandas()), MODEL.counts(rows))


def test_drawn_from_the_model_from_rows_and_from_counts():
    import matplotlib.pyplot as plt

    rows = from_rows(
        pl.DataFrame({"id": [1, 2], "t": [2, 4], "e": ["rec", "censored"]}),
        MODEL,
        id="id",
        time="t",
        event="e",
    )
    for given in (None, rows, MODEL.counts(rows)):
        ax = MODEL.plot(given)
        assert {"tx", "rec", "dead"} <= {word for t in ax.texts for word in t.get_text().split()}
        plt.close("all")
    renamed = MODEL.plot(rows.rename({"id": "patient"}), id="patient")
    assert {"tx", "rec", "dead"} <= {word for t in renamed.texts for word in t.get_text().split()}
    plt.close("all")


@pytest.mark.parametrize(
    ("moves", "found"),
    [
        (["tx", "rec"], "a list was given"),
        ({"tx": ["rec", "tx"]}, "'tx' leads to itself"),
        ({"tx": ["rec", "rec"]}, "named twice"),
        ({"tx": [], "rec": []}, "no state leads to another"),
        ({}, "no state leads to another"),
        ({1: [2]}, "not text"),
        ({"tx": 5}, "not text"),
    ],
)
def test_models_that_cannot_be_are_refused(moves, found):
    assert_refused(lambda: Transitions(moves), argument="moves", says=[found, "Transitions({"])


def test_a_single_state_may_stand_without_a_list():
    assert Transitions({"alive": "dead"}).moves == (("alive", "dead"),)


def test_unknown_moves_and_states_are_refused():
    assert_refused(lambda: MODEL.number("dead", "tx"), argument="to_state", says=["'dead' → 'tx'"])
    assert_refused(lambda: MODEL.place("Rec", argument="initial"), argument="initial", says=["'rec'"])
