"""One row per patient into stays and moves: R's msprep, dates, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multistate_cases import wide_case
from polars.testing import assert_frame_equal
from reference_cases import load_dataset
from refusals import assert_refused

from hemresearch.multistate import Transitions, from_wide
from hemresearch.outcomes_multistate import read_multistate

MODEL = Transitions({"tx": ["rec", "dead"], "rec": ["dead"]})
CHAIN = Transitions({"tx": ["rec", "gvhd", "dead"], "rec": ["gvhd", "dead"], "gvhd": ["dead"]})
WIDE = pl.DataFrame(
    {
        "pat": [31, 32, 33, 34],
        "rec_t": [20, 90, 15, 60],
        "rec_s": [1, 0, 1, 0],
        "dead_t": [100, 40, 70, 60],
        "dead_s": [1, 1, 0, 0],
        "age": [50, None, 40, 30],
    }
)
ROLES = {
    "id": "pat",
    "times": {"rec": "rec_t", "dead": "dead_t"},
    "events": {"rec": "rec_s", "dead": "dead_s"},
}
COLUMNS = ["pat", "from_state", "to_state", "entry", "time", "event"]


def wide(data: pl.DataFrame = WIDE, **options: object) -> pl.DataFrame:
    return from_wide(data, MODEL, **ROLES | options)  # type: ignore[arg-type]


def stays(rows: pl.DataFrame) -> list[tuple[object, ...]]:
    """Patient, state, entry, time and the state entered, one tuple per stay."""
    return (
        rows.group_by("pat", "from_state", "entry", "time", maintain_order=True)
        .agg(pl.col("to_state").filter("event").first().cast(pl.String))
        .rows()
    )


@pytest.mark.parametrize("case_id", ["ms_ebmt3_np", "ms_ebmt3_np_lm100", "ms_bmt_platelet_np"])
def test_there_are_as_many_rows_as_msprep_makes(reference, case_id):
    case = reference("multistate", case_id)
    model, rows = wide_case(case)
    assert rows.height == case.values["msprep_rows"]
    read_multistate(rows, model)


def test_the_six_states_of_the_tutorial_have_its_counts():
    # Table of events in the vignette of mstate, for ebmt4: relapse and death end the follow-up there
    states = {"rec": "rec", "ae": "ae", "recae": "recae", "rel": "rel", "dead": "srv"}
    model = Transitions(
        {
            "tx": ["rec", "ae", "rel", "dead"],
            "rec": ["recae", "rel", "dead"],
            "ae": ["recae", "rel", "dead"],
            "recae": ["rel", "dead"],
        }
    )
    data = load_dataset("ebmt4")
    columns = {s: next(c for c in data.columns if c in (f"{c0}.s", f"{c0}_s")) for s, c0 in states.items()}
    rows = from_wide(data, model, id="id", times=states, events=columns, off_path="ignore")
    counts = model.counts(rows).filter(pl.col("from_state") == "tx")
    assert counts["n_event"].to_list() == [785, 907, 95, 160, 332]
    refusal = assert_refused(
        lambda: from_wide(data, model, id="id", times=states, events=columns),
        argument="times",
        column="srv",
        rows=[r + 1 for r in _dead_after_relapse(data)],
        says=["after an absorbing state"],
    )
    assert "off_path='ignore'" in refusal.remedy


def _dead_after_relapse(data: pl.DataFrame) -> list[int]:
    after = (pl.col("rel.s") == 1) & (pl.col("srv.s") == 1) & (pl.col("srv") > pl.col("rel"))
    return data.select(after.arg_true()).to_series().to_list()


def test_four_patients_by_hand():
    rows = wide(keep=["age"])
    assert rows.columns == ["pat", "from_state", "to_state", "transition", "entry", "time", "event", "age"]
    assert stays(rows) == [
        (31, "tx", 0, 20, "rec"),
        (31, "rec", 20, 100, "dead"),
        (32, "tx", 0, 40, "dead"),
        (33, "tx", 0, 15, "rec"),
        (33, "rec", 15, 70, None),
        (34, "tx", 0, 60, None),
    ]
    assert rows["transition"].to_list() == [1, 2, 3, 1, 2, 1, 2, 3, 1, 2]
    assert rows["age"].null_count() == 2
    assert (rows.schema["time"], rows.schema["event"]) == (pl.Int64, pl.Boolean)
    assert rows.schema["to_state"] == pl.Enum(MODEL.states)


def test_dates_and_an_end_give_the_same_rows():
    zero = date(2020, 1, 31)
    day = {n: [zero + timedelta(t) for t in WIDE[n]] for n in ("rec_t", "dead_t")}
    dates = WIDE.with_columns(
        start=pl.lit(zero),
        rec=pl.when(pl.col("rec_s") == 1).then(pl.Series(day["rec_t"])),
        dead=pl.when(pl.col("dead_s") == 1).then(pl.Series(day["dead_t"])),
        last=pl.Series(day["dead_t"]),
    )
    by_date = from_wide(
        dates, MODEL, id="pat", times={"rec": "rec", "dead": "dead"}, end="last", start="start"
    )
    assert_frame_equal(by_date.select(COLUMNS), wide().select(COLUMNS), check_dtypes=False)
    weeks = from_wide(
        dates.lazy(), MODEL, id="pat", times={"rec": "rec", "dead": "dead"}, end="last", start="start",
        unit="weeks",
    )  # fmt: skip
    assert (weeks["time"] * 7).round(9).to_list() == by_date["time"].to_list()


def test_two_states_of_one_column_and_durations():
    data = pl.DataFrame({"pat": [1, 2, 3], "t": [5.5, 2, 9], "what": ["rec", "dead", ""]})
    first = Transitions({"tx": ["rec", "dead"]})
    states = dict.fromkeys(("rec", "dead"), "t")
    events = {state: pl.col("what") == state for state in states}
    rows = from_wide(data, first, id="pat", times=states, events=events)
    assert [s[-1] for s in stays(rows)] == ["rec", "dead", None]
    durations = data.with_columns(pl.duration(days="t"))
    again = from_wide(durations, first, id="pat", times=states, events=events)
    assert again["time"].to_list() == [5.5, 5.5, 2, 2, 9, 9]


def test_delayed_entry_and_states_to_begin_in():
    rows = wide(entry=pl.lit(10).alias("from"), initial="tx")
    assert rows.filter(from_state="tx")["entry"].unique().to_list() == [10]
    begins = WIDE.with_columns(first=pl.Series(["rec", "tx", "rec", "tx"]), rec_s=0, rec_t=None)
    mixed = wide(begins, initial="first", times={"rec": "rec_t", "dead": "dead_t"})
    assert [s[1] for s in stays(mixed)] == ["rec", "tx", "rec", "tx"]


def test_a_final_stay_of_length_0_has_no_row_and_its_move_counts():
    data = pl.DataFrame({"pat": [1], "rec_t": [5], "rec_s": [1], "dead_t": [5], "dead_s": [0]})
    assert stays(wide(data)) == [(1, "tx", 0, 5, "rec")]


def test_rows_with_missing_flags_are_left_out_only_when_asked():
    data = WIDE.with_columns(rec_s=pl.Series([1, None, 1, 0]))
    assert_refused(lambda: wide(data), argument="events", column="rec_s", rows=[2])
    assert wide(data, missing="drop")["pat"].unique().sort().to_list() == [31, 33, 34]


def test_states_reached_together():
    data = WIDE.with_columns(rec_t=pl.Series([100, 90, 15, 60]))
    refusal = assert_refused(lambda: wide(data), argument="same_time", rows=[1], says=["1 patient"])
    assert "same_time=0.5 for half a unit" in refusal.remedy
    dates = data.with_columns(
        start=date(2020, 1, 1), rec_t=date(2020, 3, 1), dead_t=date(2020, 3, 1), rec_s=1, dead_s=1
    )
    refusal = assert_refused(
        lambda: wide(dates, start="start", unit="months"), argument="same_time", rows=[1, 2, 3, 4]
    )
    assert "same_time=0.01643 for half a day" in refusal.remedy
    assert stays(wide(data, same_time="last"))[0] == (31, "tx", 0, 100, "dead")
    half = wide(data, same_time=0.5)
    assert stays(half)[:2] == [(31, "tx", 0, 100, "rec"), (31, "rec", 100, 100.5, "dead")]
    assert wide(data, same_time=1)["time"].dtype == pl.Int64


def test_three_states_at_once_are_a_chain():
    data = pl.DataFrame({"pat": [1], "r": [7], "g": [7], "d": [7], "yes": [1]})
    roles = {
        "id": "pat",
        "times": {"rec": "r", "gvhd": "g", "dead": "d"},
        "events": dict.fromkeys(("rec", "gvhd", "dead"), "yes"),
    }
    assert stays(from_wide(data, CHAIN, **roles, same_time="last")) == [(1, "tx", 0, 7, "dead")]
    assert stays(from_wide(data, CHAIN, **roles, same_time=0.5)) == [
        (1, "tx", 0, 7, "rec"),
        (1, "rec", 7, 7.5, "gvhd"),
        (1, "gvhd", 7.5, 8, "dead"),
    ]
    only_chain = Transitions({"tx": ["rec"], "rec": ["gvhd"], "gvhd": ["dead"]})
    assert_refused(
        lambda: from_wide(data, only_chain, **roles, same_time="last"),
        argument="same_time",
        rows=[1],
        says=["no move leads past the first"],
    )


def test_somebody_who_begins_with_a_move_at_0_begins_in_that_state():
    data = pl.DataFrame({"pat": [1], "rec_t": [0], "rec_s": [1], "dead_t": [9], "dead_s": [1]})
    assert stays(wide(data, same_time="last")) == [(1, "rec", 0, 9, "dead")]
    assert_refused(lambda: wide(data), argument="same_time", rows=[1])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(1, 9), st.booleans()] * 3, st.integers(9, 12)), min_size=1, max_size=12)
)
def test_whatever_is_reached_the_rows_are_ones_that_can_be_read(patients):
    names = ["r", "rs", "g", "gs", "d", "ds", "end"]
    data = pl.DataFrame(patients, schema=names, orient="row").with_row_index("pat")
    rows = from_wide(
        data,
        CHAIN,
        id="pat",
        times={"rec": "r", "gvhd": "g", "dead": "d"},
        events={"rec": "rs", "gvhd": "gs", "dead": "ds"},
        end="end",
        same_time="last",
        off_path="ignore",
    )
    y = read_multistate(rows, CHAIN, id="pat").stays()
    dead = data.filter(pl.col("ds"))
    assert (y.next_state == 3).sum() == dead.height
    total = y.time - (y.entry if y.entry is not None else 0)
    expected = data.select(pl.when("ds").then("d").otherwise("end").sum()).item()
    assert total.sum() == expected


def test_states_and_columns_that_do_not_fit_are_refused():
    assert_refused(
        lambda: wide(times={"Rec": "rec_t", "dead": "dead_t"}), argument="times", says=["'Rec'", "'rec'"]
    )
    assert_refused(lambda: wide(events={"gvhd": "rec_s"}), argument="events", says=["not in times"])
    assert_refused(
        lambda: wide(times={"dead": "dead_t"}, events={"dead": "dead_s"}), argument="times", says=["'rec'"]
    )
    assert_refused(lambda: wide(events={"dead": "dead_s"}), argument="end", says=["'rec'"])
    assert_refused(
        lambda: wide(WIDE.with_columns(pat=pl.lit(31))), argument="id", column="pat", rows=[1, 2, 3, 4]
    )
    assert_refused(lambda: wide(keep=["age", pl.col("age").alias("time")]), argument="keep", column="time")
    assert_refused(lambda: wide(id=pl.col("pat").alias("event")), argument="id", column="event")
    assert_refused(lambda: wide(same_time="first"), argument="same_time")
    assert_refused(lambda: wide(same_time=0), argument="same_time")
    assert_refused(lambda: wide(off_path="drop"), argument="off_path")
    ring = Transitions({"a": ["b"], "b": ["a"]})
    assert_refused(
        lambda: from_wide(WIDE, ring, id="pat", times={"a": "rec_t", "b": "dead_t"}, end="dead_t"),
        argument="initial",
        says=["0 states", "initial='a'"],
    )


def test_times_that_cannot_be_are_refused():
    assert_refused(
        lambda: wide(WIDE.with_columns(rec_t=pl.Series([20, -3, 15, 60]))),
        argument="times",
        column="rec_t",
        rows=[2],
        says=["before time zero"],
    )
    assert_refused(
        lambda: wide(WIDE.with_columns(rec_t=pl.Series([None, 90, 15, 60]))),
        argument="times",
        column="rec_t",
        rows=[1],
        says=["unknown time"],
    )
    assert_refused(
        lambda: wide(end=pl.lit(50).alias("last")), argument="end", column="last", rows=[1],
        says=["'dead'", "after the last follow-up"],
    )  # fmt: skip
    assert_refused(
        lambda: wide(entry=pl.lit(16).alias("seen")), argument="entry", column="seen", rows=[3],
        says=["'rec'", "before the entry"],
    )  # fmt: skip
    assert_refused(
        lambda: wide(WIDE.with_columns(dead_t=pl.Series([100, 40, None, 60]))),
        argument="end",
        rows=[3],
        says=["no last follow-up", "1 patient"],
    )
    assert_refused(
        lambda: wide(WIDE.with_columns(rec_t=pl.Series([20, 30, 15, 60]))),
        argument="times",
        rows=[2],
        says=["known not to have come"],
    )
    nothing = WIDE.with_columns(rec_t=pl.Series([20, 90, 15, 0]), dead_t=pl.Series([100, 40, 70, 0]))
    assert_refused(lambda: wide(nothing), argument="times", rows=[4], says=["follow-up is 0"])


def test_an_order_that_the_transitions_do_not_have_is_refused():
    data = pl.DataFrame({"pat": [1, 2], "r": [9, 3], "g": [5, 8], "d": [20, 20]})
    roles = {"id": "pat", "times": {"rec": "r", "gvhd": "g", "dead": "d"}, "end": "d"}
    assert_refused(
        lambda: from_wide(data, CHAIN, **roles),
        argument="times",
        column="r",
        rows=[1],
        says=["'rec'", "no move led there"],
    )
    assert len(stays(from_wide(data, CHAIN, **roles, off_path="ignore"))) == 5


def test_dates_are_counted_from_a_date():
    dates = WIDE.with_columns(zero=date(2020, 1, 1), rec_d=date(2020, 2, 1), dead_d=date(2021, 1, 1))
    times = {"rec": "rec_d", "dead": "dead_d"}
    assert_refused(lambda: wide(dates, times=times), argument="times", column="rec_d", says=["start="])
    assert_refused(lambda: wide(dates, start="zero"), argument="times", column="rec_t", says=["no dates"])
    refusal = assert_refused(
        lambda: wide(dates.with_columns(rec_d=pl.lit("2020-02-01")), times=times, start="zero"),
        argument="times",
        column="rec_d",
    )
    assert "str.to_date()" in refusal.remedy
    zone = dates.with_columns(pl.col("rec_d").cast(pl.Datetime("us", "Europe/Stockholm")))
    assert_refused(
        lambda: wide(zone, times=times, start="zero"), argument="times", column="rec_d", says=["time zone"]
    )
    assert_refused(lambda: wide(unit="days"), argument="unit", says=["without start="])
    assert_refused(lambda: wide(dates, times=times, start="zero", unit="fortnights"), argument="unit")
    late = dates.with_columns(zero=date(2020, 6, 1))
    assert_refused(
        lambda: wide(late, times=times, start="zero"), argument="times", column="rec_d", rows=[1, 2, 3, 4]
    )


def test_the_way_out_of_another_coding_of_events_works():
    data = pl.DataFrame({"pat": [1, 2], "t": [3, 5], "s": [2, 1]})
    two = Transitions({"tx": ["dead"]})

    def read(event: object) -> pl.DataFrame:
        return from_wide(data, two, id="pat", times={"dead": "t"}, events={"dead": event})

    assert_refused(
        lambda: read("s"), argument="events", column="s", says=["Try pl.col('s') == 2 if 2 is the event"]
    )
    assert read(pl.col("s") == 2)["event"].to_list() == [True, False]
