"""The mean number of events: R's numbers, patients by hand, and truths about the estimate."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.recurrent import mean_cumulative
from hemresearch.survival import nelson_aalen

# Patient 1 has events at 1 and 3 and is followed to 6; 2 has one at 2, dies at 4; 3 is followed to 5.
THREE = pl.DataFrame(
    {
        "id": [1, 1, 1, 2, 2, 3],
        "start": [0.0, 1, 3, 0, 2, 0],
        "stop": [1.0, 3, 6, 2, 4, 5],
        "event": [1, 1, 0, 1, 0, 0],
        "died": [0, 0, 0, 0, 1, 0],
    }
)


def test_matches_survfit_and_reda(reference):
    case = reference("recurrent", "mcf_cgd")
    o, v = case.options, case.values
    roles = {
        "time": o["stop"],
        "event": case.role("event"),
        "entry": o["start"],
        "id": o["id"],
        "by": o["by"],
    }
    curves = mean_cumulative(case.data, **roles, conf_type="plain")
    for ours, theirs in zip(("estimate", "std_error"), ("mcf", "std_err_robust"), strict=True):
        for stratum in v["strata"]:
            at = case.in_group(curves.at(o["times"]), stratum["label"])
            assert_close(at[ours], stratum[theirs], rel=1e-9)
    for group in v["reda_LawlessNadeau"]:
        at = case.in_group(curves.at(o["times"]), group["label"])
        assert_close(at["std_error"], group["se"], rel=1e-9)
        assert_close(at["conf_low"], np.maximum(group["lower"], 0), rel=1e-9)  # a mean is not negative
        assert_close(at["conf_high"], group["upper"], rel=1e-9)


def test_three_patients_by_hand():
    frame = mean_cumulative(THREE, **ROLES).to_frame()
    assert frame["time"].to_list() == [1, 2, 3, 4, 5, 6]
    assert frame["n_risk"].to_list() == [3, 3, 3, 3, 2, 1]
    assert frame["n_censor"].to_list() == [0, 0, 0, 1, 1, 1]
    assert_close(frame["estimate"], [1 / 3, 2 / 3, 1, 1, 1, 1])
    # at 3 the patients have had 2, 1 and 0 events
    assert_close(frame["std_error"][2], np.sqrt(np.var([2, 1, 0]) / 3))


def test_death_ends_the_events_by_hand():
    late = THREE.with_columns(event=pl.Series([1, 1, 1, 1, 0, 0]))
    curves = mean_cumulative(late, **ROLES, terminal="died")
    # one of three has died when the only one at risk has an event
    assert_close(curves.to_frame()["estimate"], [1 / 3, 2 / 3, 1, 1, 1, 1 + 2 / 3])
    assert curves.to_frame()["n_censor"].to_list() == [0, 0, 0, 0, 1, 0]
    assert "Ghosh-Lin, death (died) ending the events" in repr(curves)


def test_what_curves_tell():
    curves = mean_cumulative(recurrent_rows(np.random.default_rng(1), 60), **ROLES, by="arm")
    frame = curves.to_frame()
    assert frame.columns[:5] == ["arm", "time", "n_risk", "n_event", "n_censor"]
    assert curves.groups()["n"].to_list() == [30, 30]
    assert curves.groups()["n_censor"].sum() == 60
    assert_close(frame["conf_low"] * frame["conf_high"], (frame["estimate"] ** 2).to_list(), rel=1e-9)
    told = curves.at(2)
    assert f"A {told['estimate'][0]:.2f} (95% CI " in curves.text(at=2)
    assert "%" not in curves.text(at=2).replace("95% CI", "")
    assert "delayed entry" not in curves.methods()
    later = recurrent_rows(np.random.default_rng(1), 60).filter(pl.col("start") > 0)
    assert "delayed entry (start)" in mean_cumulative(later, **ROLES).methods()
    assert curves.plot().get_ylabel() == "Mean number of events"


def test_with_one_event_at_most_the_mean_is_the_cumulative_hazard():
    rows = recurrent_rows(np.random.default_rng(2), 80, digits=1)
    first = rows.filter(pl.col("event").cum_sum().over("id") - pl.col("event") == 0)
    roles = {k: v for k, v in ROLES.items() if k != "id"}
    mean = mean_cumulative(first, **ROLES, by="arm").to_frame()
    hazard = nelson_aalen(first, **roles, by="arm", robust=True).to_frame()
    assert_frame_equal(mean.drop("n_censor"), hazard.drop("n_censor"), rel_tol=1e-10)


def test_without_censoring_deaths_leave_the_average():
    rows = recurrent_rows(np.random.default_rng(3), 50, end=(4.0, 4.0), death=0.4, digits=1)
    last = mean_cumulative(rows, **ROLES, terminal="died").to_frame().tail(1)
    counts = rows.group_by("id").agg(pl.col("event").sum())["event"]
    assert_close(last["estimate"][0], counts.mean(), rel=1e-12)
    assert_close(last["std_error"][0], np.sqrt(counts.var(ddof=0) / 50), rel=1e-9)


@pytest.mark.parametrize("terminal", [None, "died"])
def test_order_of_rows_cuts_units_and_forms_of_data_change_nothing(terminal):
    rows = recurrent_rows(np.random.default_rng(4), 40, digits=1)
    options = {"by": "arm", "terminal": terminal}
    plain = mean_cumulative(rows, **ROLES, **options).to_frame()
    shuffled = rows.sample(fraction=1, shuffle=True, seed=1)
    assert_frame_equal(mean_cumulative(shuffled, **ROLES, **options).to_frame(), plain, rel_tol=1e-10)
    assert_frame_equal(mean_cumulative(rows.lazy(), **ROLES, **options).to_frame(), plain, rel_tol=1e-10)
    assert_frame_equal(mean_cumulative(rows.to_pandas(), **ROLES, **options).to_frame(), plain, rel_tol=1e-10)
    days = rows.with_columns(pl.col("start", "stop") * 365.25)
    in_days = mean_cumulative(days, **ROLES, **options).to_frame()
    assert_frame_equal(in_days.drop("time"), plain.drop("time"), rel_tol=1e-9)
    crossing = (pl.col("start") < 1.05) & (pl.col("stop") > 1.05)
    early = rows.filter(crossing).with_columns(stop=1.05, event=pl.lit(False), died=pl.lit(False))
    cut = pl.concat([rows.with_columns(start=pl.when(crossing).then(1.05).otherwise("start")), early])
    pieces = mean_cumulative(cut, **ROLES, **options).to_frame().filter(pl.col("time") != 1.05)
    assert_frame_equal(pieces, plain, rel_tol=1e-9)


@pytest.mark.parametrize("terminal", [None, "died"])
def test_weights_are_patients_and_clusters_of_one_are_patients(terminal):
    rows = recurrent_rows(np.random.default_rng(5), 30, digits=1)
    weighted = rows.with_columns(w=1 + pl.col("id") % 3, centre=pl.col("id"))
    ours = mean_cumulative(weighted, **ROLES, weights="w", terminal=terminal)
    copies = [rows.filter(pl.col("id") % 3 >= k).with_columns(pl.col("id") + 1000 * k) for k in range(3)]
    repeated = mean_cumulative(
        pl.concat(copies).with_columns(pair=pl.col("id") % 1000), **ROLES, terminal=terminal, cluster="pair"
    )
    assert_frame_equal(ours.to_frame(), repeated.to_frame(), rel_tol=1e-9)
    single = mean_cumulative(weighted, **ROLES, terminal=terminal, cluster="centre").to_frame()
    assert_frame_equal(single, mean_cumulative(rows, **ROLES, terminal=terminal).to_frame(), rel_tol=1e-9)


def test_a_patient_who_changes_group_counts_in_both_and_once_in_all():
    moved = THREE.with_columns(arm=pl.Series(["A", "B", "B", "A", "A", "B"]))
    curves = mean_cumulative(moved, **ROLES, by="arm")
    assert curves.groups().rows() == [("A", 2, 2, 1), ("B", 2, 1, 2)]
    assert curves.summary()["n"][0] == 3


def test_nothing_happens_and_single_precision():
    quiet = mean_cumulative(THREE.with_columns(event=pl.lit(False)), **ROLES).to_frame()
    assert quiet.select("estimate", "std_error", "conf_low", "conf_high").to_numpy().sum() == 0
    single = THREE.with_columns(pl.col("start", "stop").cast(pl.Float32))
    assert_close(mean_cumulative(single, **ROLES).to_frame()["estimate"][-1], 1)


def test_event_value_picks_one_type_of_event():
    kinds = THREE.with_columns(event=pl.Series(["joint", "muscle", "none", "joint", "none", "none"]))
    frame = mean_cumulative(kinds, **ROLES, event_value="joint").to_frame()
    assert_close(frame["estimate"][-1], 2 / 3)


def test_what_is_missing_is_dropped_on_request():
    holes = pl.concat(
        [THREE, THREE.head(1).with_columns(id=pl.lit(9, pl.Int64), died=pl.lit(None, pl.Int64))]
    )
    assert_refused(
        lambda: mean_cumulative(holes, **ROLES, terminal="died"), argument="terminal", column="died", rows=[7]
    )
    curves = mean_cumulative(holes, **ROLES, terminal="died", missing="drop")
    assert curves.n_dropped == 1
    assert curves.groups()["n"].to_list() == [3]


def test_refusals():
    roles = ROLES | {"id": None}
    assert_refused(lambda: mean_cumulative(THREE, **roles), argument="id", says=["id='patient'"])
    roles = ROLES | {"entry": None}
    assert_refused(lambda: mean_cumulative(THREE, **roles), argument="id", column="id", rows=[1, 2, 3, 4, 5])
    early = THREE.with_columns(died=pl.Series([0, 1, 0, 1, 1, 0]))
    assert_refused(
        lambda: mean_cumulative(early, **ROLES, terminal="died"),
        argument="terminal",
        column="died",
        rows=[2, 4],
        says=["2 rows"],
    )
    assert_refused(
        lambda: mean_cumulative(THREE, **ROLES, conf_type="log-log"), argument="conf_type", says=["'log'"]
    )
    labelled = THREE.with_columns(
        died=pl.when(pl.col("died").cast(pl.Boolean)).then(pl.lit("dead")).otherwise(pl.lit("alive"))
    )
    refusal = assert_refused(
        lambda: mean_cumulative(labelled, **ROLES, terminal="died"), argument="terminal", column="died"
    )
    assert refusal.remedy == "terminal=pl.col('died') == 'the value that means death'"
    assert_frame_equal(
        mean_cumulative(labelled, **ROLES, terminal=pl.col("died") == "dead").to_frame(),
        mean_cumulative(THREE, **ROLES, terminal="died").to_frame(),
    )
    assert_refused(
        lambda: mean_cumulative(THREE, **ROLES, terminal=["died", "event"]),
        argument="terminal",
        says=["one column"],
    )


def test_warnings():
    gap = THREE.with_columns(start=pl.Series([0.0, 1, 4, 0, 2, 0]))
    curves = assert_warns(
        lambda: mean_cumulative(gap, **ROLES),
        argument="entry",
        column="start",
        rows=[3],
        says=["1 row", "not observed"],
    )
    assert curves.at(4)["n_risk"].to_list() == [2]
    alone = THREE.with_columns(arm=pl.Series(["A", "A", "A", "B", "B", "B"]))
    assert_warns(
        lambda: mean_cumulative(alone, **ROLES, by="arm"), argument="id", column="id", rows=[1, 2, 3],
        says=["single cluster"],
    )  # fmt: skip
