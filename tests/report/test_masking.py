"""Disclosure control of frames, tables and curves."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import Table, disclosure, table

HARD_CASES = Path(__file__).parents[1] / "reference" / "hard_cases.json"

ARMS = pl.DataFrame(
    {
        "arm": ["A", "A", "B", "B"],
        "r": ["y", "n", "y", "n"],
        "n": [30, 2, 25, 11],
        "percent": [93.8, 6.2, 69.4, 30.6],
    }
)
TIMES = pl.DataFrame(
    {
        "arm": ["A", "A", "B", "B"],
        "time": [0.0, 12.0, 0.0, 12.0],
        "n_risk": [40.0, 30.0, 42.0, 33.0],
        "n_event": [0.0, 2.0, 0.0, 6.0],
        "n_censor": [0.0, 8.0, 0.0, 3.0],
    }
)


@pytest.fixture
def trial():
    return hem.data.load("myeloid")


def test_the_hard_case_of_a_small_cell_with_margins():
    case = next(c for c in json.loads(HARD_CASES.read_text())["cases"] if c["id"] == "sh27")
    args, expected = case["args"], case["expected"]["values"]
    masked = disclosure(
        pl.DataFrame(case["data"]),
        counts=args["count"],
        rows=args["rows"],
        columns=args["columns"],
        threshold=args["threshold"],
        margins=args["margins"],
    )
    assert masked["n"].null_count() >= expected["hidden_min"]
    assert masked["n"].to_list() == [None, None, None, None]


def test_without_margins_only_the_small_count_is_hidden():
    masked = disclosure(ARMS, counts="n", rows="arm", columns="r", margins=False)
    assert masked["n"].to_list() == [30, None, 25, 11]


def test_what_a_count_can_be_read_from_is_hidden_with_it():
    masked = disclosure(ARMS, counts="n", rows="arm", columns="r", margins=False)
    assert masked["percent"].to_list() == [93.8, None, 69.4, 30.6]
    kept = disclosure(ARMS, counts="n", rows="arm", columns="r", margins=False, derived=[])
    assert kept["percent"].null_count() == 0


def test_the_types_of_columns_stay():
    assert disclosure(ARMS, counts="n").schema == ARMS.schema


def test_zeros_are_shown_unless_they_are_to_be_masked():
    frame = pl.DataFrame({"arm": list("ABCD"), "n": [0, 3, 9, 20]})
    assert disclosure(frame)["n"].to_list() == [0, None, None, 20]
    assert disclosure(frame, mask_zeros=True)["n"].to_list() == [None, None, None, 20]


def test_nothing_changes_where_no_count_is_small():
    frame = ARMS.with_columns(n=pl.Series([30, 12, 25, 11]))
    assert disclosure(frame, counts="n", rows="arm", columns="r").equals(frame)


def test_the_threshold_itself_may_be_shown():
    frame = pl.DataFrame({"arm": list("ABC"), "n": [5, 9, 20]})
    assert disclosure(frame)["n"].null_count() == 0
    assert disclosure(frame, threshold=6)["n"].to_list() == [None, None, 20]


def test_totals_in_the_frame_may_be_hidden_too():
    frame = pl.DataFrame(
        {
            "arm": ["A", "A", "A", "B", "B", "B", "All", "All", "All"],
            "r": ["y", "n", "All"] * 3,
            "n": [30, 2, 32, 25, 0, 25, 55, 2, 57],
        }
    )
    masked = disclosure(frame, counts="n", rows="arm", columns="r", margins="All")["n"].to_list()
    assert masked[1] is None
    assert masked[7] is None  # the total of the column, which is the same 2
    assert masked[4] == 0
    assert None in (masked[0], masked[2])  # else 32 - 30 gives it away
    assert None in (masked[6], masked[8])


def test_a_list_with_its_total_in_the_frame():
    frame = pl.DataFrame({"group": ["A", "B", "C", "All"], "n": [30, 2, 9, 41]})
    assert disclosure(frame, margins="All")["n"].to_list() == [30, None, None, 41]


def test_a_true_label_is_not_a_total():
    frame = ARMS.with_columns(r=pl.col("r") == "y")
    assert disclosure(frame, counts="n", rows="arm", columns="r")["n"].null_count() == 4


def test_by_makes_tables_with_totals_of_their_own():
    frame = pl.DataFrame({"variable": ["sex", "sex", "risk", "risk", "risk"], "n": [30, 32, 3, 20, 39]})
    assert disclosure(frame)["n"].to_list() == [30, 32, None, None, 39]


def test_events_and_censored_of_a_group_are_hidden_together_where_their_sum_is_shown(trial):
    groups = pl.DataFrame(
        {"arm": ["A", "B", "C"], "n": [40, 60, 50], "n_event": [3, 30, 20], "n_censor": [37, 30, 30]}
    )
    masked = disclosure(groups)
    assert masked["n"].to_list() == [40, 60, 50]
    assert masked["n_event"].to_list() == [None, 30, None]
    assert masked["n_censor"].to_list() == [None, 30, None]


def test_a_row_total_in_the_frame_is_known_even_without_margins():
    groups = pl.DataFrame({"n": [40, 60], "n_event": [3, 30], "n_censor": [37, 30]})
    masked = disclosure(groups, margins=False)
    assert masked["n_censor"].to_list() == [None, 30]


def test_a_total_column_can_be_named():
    groups = pl.DataFrame({"all": [40, 60], "yes": [3, 30], "no": [37, 30]})
    masked = disclosure(groups, counts=["all", "yes", "no"], total="all", margins=False)
    assert masked.rows() == [(40, None, None), (60, 30, 30)]


def test_a_group_alone_has_no_total_besides_itself():
    groups = pl.DataFrame({"n": [40], "n_event": [3], "n_censor": [37]})
    assert disclosure(groups).rows() == [(40, None, None)]


def test_a_risk_table_hides_enough_in_a_row_and_among_groups():
    masked = disclosure(TIMES)
    at_12 = masked.filter(pl.col("time") == 12)
    assert at_12["n_event"].to_list() == [None, None]
    for row in at_12.select("n_risk", "n_event", "n_censor").rows():
        assert sum(v is None for v in row) >= 2
    assert masked["time"].null_count() == 0


def test_those_at_risk_at_the_next_time_give_nothing_away():
    # At risk 100, then 60: the 40 between are events or censored, so one of them cannot be hidden alone.
    frame = pl.DataFrame(
        {"time": [12.0, 24.0], "n_risk": [100.0, 60.0], "n_event": [20.0, 3.0], "n_censor": [20.0, 30.0]}
    )
    masked = disclosure(frame)
    assert masked["n_risk"].to_list() == [100.0, 60.0]
    assert masked["n_event"].to_list() == [20.0, None]
    assert masked["n_censor"].to_list() == [20.0, None]


def test_a_result_gives_a_masked_frame(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    test = disclosure(curves.groups(), threshold=160)
    assert test["n_event"].null_count() == 2
    estimates = hem.results.Estimates(
        pl.DataFrame({"term": ["a", "b"], "n": [3, 50], "estimate": [1.0, 2.0]}),
        name="rate",
        method="exact",
        conf_level=0.95,
        n=53,
        n_event=0,
    )
    masked = disclosure(estimates, margins=False)
    assert masked["n"].to_list() == [None, 50]
    assert masked["estimate"].to_list() == [None, 2.0]


def test_a_table_shows_a_mark_and_says_why():
    shown = table(ARMS, groups="arm", percent=None, footnote="Of those treated.", id="remission")
    masked = disclosure(shown, counts="n", rows="arm", columns="r")
    assert isinstance(masked, Table)
    assert masked.id == "remission"
    assert [row[1] for row in masked.body] == ["", "*", "*", "", "*", "*"]
    assert [row[2] for row in masked.body] == ["", "*", "*", "", "*", "*"]
    assert masked.footnotes == (
        "Of those treated.",
        "* Fewer than 5, or withheld so that such a count cannot be derived.",
    )
    assert "30" not in repr(masked)
    assert "30" not in masked.to_html()[masked.to_html().index("<tbody") :]


def test_a_table_without_small_counts_says_nothing():
    shown = table(ARMS.filter(pl.col("n") > 5))
    assert disclosure(shown).footnotes == ()
    assert disclosure(shown).body == shown.body


def test_an_interval_whose_count_is_hidden_is_hidden_too():
    frame = pl.DataFrame(
        {
            "term": ["a", "b"],
            "n_event": [2, 50],
            "estimate": [1.0, 2.0],
            "conf_low": [0.5, 1.0],
            "conf_high": [3.0, 4.0],
        }
    )
    masked = disclosure(table(frame), margins=False)
    assert masked.body == (("a", "*", "*"), ("b", "50", "2.00 (1.00–4.00)"))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=4, max_size=8), st.integers(2, 8))
def test_no_small_count_is_ever_shown(counts, threshold):
    frame = pl.DataFrame({"arm": [str(i) for i in range(len(counts))], "n": counts})
    masked = disclosure(frame, threshold=threshold, margins=False)["n"].drop_nulls()
    assert not masked.is_between(1, threshold - 1).any()


def test_a_lazy_frame_is_taken_as_well():
    assert disclosure(ARMS.lazy(), counts="n", margins=False)["n"].to_list() == [30, None, 25, 11]


def test_known_totals_that_give_a_count_away_are_refused():
    frame = pl.DataFrame({"arm": list("AABB"), "r": list("ynyn"), "n": [3, 0, 20, 25]})
    assert_refused(
        lambda: disclosure(frame, counts="n", rows="arm", columns="r"),
        argument="margins",
        column="n",
        rows=[1],
        says=["margins=False", "mask_zeros=True"],
    )
    assert disclosure(frame, counts="n", rows="arm", columns="r", mask_zeros=True)["n"].null_count() >= 4


@pytest.mark.parametrize("threshold", [1, 0, -3, "five", None])
def test_a_threshold_is_a_number_above_one(threshold):
    assert_refused(lambda: disclosure(ARMS, threshold=threshold), argument="threshold", says=["threshold=5"])


def test_a_table_made_of_text_is_refused():
    by_hand = Table(("", "n"), (("A", "2"),))
    assert_refused(lambda: disclosure(by_hand), argument="item", says=["hem.report.disclosure(frame)"])
