"""Probabilities of states: R's survfit, what does not change them, and what is refused."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from multistate_cases import follow_up_case
from multistate_samples import WARD, ward_rows
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.competing import cumulative_incidence
from hemresearch.multistate import Transitions, from_rows, occupation
from hemresearch.survival import kaplan_meier

FOLLOW_UP = {"id": "id", "entry": "entry", "time": "time", "event": "event", "initial": "ward"}
TWO = Transitions({"ill": ["well", "dead"], "well": ["dead"]})
FIVE = pl.DataFrame(
    {
        "id": [1, 1, 2, 3, 4, 4, 5],
        "entry": [0, 2, 0, 0, 0, 4, 0],
        "time": [2, 6, 3, 5, 4, 9, 7],
        "event": ["well", "dead", "dead", "censored", "well", "censored", "censored"],
    }
)


def long(rows: pl.DataFrame, *keep: str) -> pl.DataFrame:
    return from_rows(rows, WARD, **FOLLOW_UP, keep=keep)


def five(**columns: object) -> pl.DataFrame:
    rows = FIVE.with_columns(**columns)  # type: ignore[arg-type]
    kept = list(columns)
    return from_rows(rows, TWO, id="id", entry="entry", time="time", event="event", keep=kept)


@pytest.mark.parametrize("case_id", ["ms_mgus2_sf", "ms_myeloid_sf"])
def test_matches_survfit(reference, case_id):
    case = reference("multistate", case_id)
    model, rows = follow_up_case(case)
    curves = occupation(rows, model, by=case.role("by"), conf_type=case.options["conf_type"])
    for stratum in case.values["strata"]:
        ours = case.in_group(curves.at(stratum["times"], extend=True), stratum["label"])
        for state, theirs in stratum["pstate"].items():
            one = ours.filter(state=state)
            assert_close(one["estimate"], theirs["p"], where=state)
            assert_close(one["std_error"], theirs["std_err"], where=state)
            assert_close(one["conf_low"], theirs["lower"], where=state)
            assert_close(one["conf_high"], theirs["upper"], where=state)
            assert_close(one["n_risk"], theirs["n_risk"], where=state)


@pytest.mark.parametrize("case_id", reference_cases("state_occupation", "occ_mgus2", "occ_myeloid_start"))
def test_matches_the_influence_of_survfit(reference, case_id):
    case = reference("state_occupation", case_id)
    keep = [case.expr(case.options["weights"]).alias("w")] if "weights" in case.options else []
    model, rows = follow_up_case(case, *keep, *([case.role("cluster")] if "cluster" in case.options else []))
    curves = occupation(
        rows,
        model,
        weights="w" if keep else None,
        cluster=case.role("cluster"),
        start_time=case.options.get("start_time"),
    )
    at = curves.at(case.options["times"], extend=True)
    for theirs in case.values["occupation"]:
        ours = at.filter(state=theirs["state"])
        assert_close(ours["estimate"], theirs["p"], where=theirs["state"])
        assert_close(ours["std_error"], theirs["se"], where=theirs["state"])


def test_start_time_of_survfit_forgets_the_state_that_earlier_rows_led_to(reference):
    # With start.time and no istate, survfit 3.5-3 drops the rows that end before it and then takes everybody
    # to begin in the initial state, also the patients who had malignancy by then; so does this test, by
    # giving only the later rows. What occupation does with all rows is compared in the test above.
    case = reference("multistate", "ms_mgus2_sf_lm")
    start = case.options["start_time"]
    later = case.data.filter(pl.col("tstop") >= start)
    first = later.filter(pl.col("tstart") == pl.col("tstart").min().over("id"))
    ill = case.data.filter(pl.col("state") == "pcm", pl.col("tstop") < start)["id"]
    assert first.filter(pl.col("id").is_in(ill.implode())).height > 0
    model, rows = follow_up_case(case)
    rows = from_rows(
        later, model, id="id", entry="tstart", time="tstop", event="state", censored="censor", initial="(s0)"
    )
    at = occupation(rows, model, start_time=start, conf_type="log").at(case.options["times"])
    for state, theirs in case.values["strata"][0]["pstate"].items():
        ours = at.filter(state=state)
        assert_close(ours["estimate"], theirs["p"])
        assert_close(ours["std_error"], theirs["std_err"])


def test_five_patients_by_hand():
    at = occupation(five(), TWO).at([0, 2, 3, 4, 6])
    assert_close(at.filter(state="ill")["estimate"], [1, 0.8, 0.6, 0.4, 0.4])
    assert_close(at.filter(state="well")["estimate"], [0, 0.2, 0.2, 0.4, 0.2])
    assert_close(at.filter(state="dead")["estimate"], [0, 0, 0.2, 0.2, 0.4])
    assert at.filter(state="well")["n_risk"].to_list() == [0, 0, 1, 1, 2]
    assert at.filter(state="well")["n_event"].to_list() == [0, 1, 0, 1, 0]


def test_of_two_states_the_first_is_kaplan_meier():
    model = Transitions({"alive": ["dead"]})
    rows = FIVE.group_by("id", maintain_order=True).agg(
        pl.col("time").last(), event=pl.col("event").last() == "dead"
    )
    labelled = rows.with_columns(pl.col("event").replace_strict({True: "dead", False: "censored"}))
    for kind, robust in (("ij", True), ("greenwood", False)):
        ours = occupation(
            from_rows(labelled, model, id="id", time="time", event="event"), model, variance=kind
        )
        theirs = kaplan_meier(rows, time="time", event="event", robust=robust)
        columns = ["estimate", "std_error", "conf_low", "conf_high"]
        times = [3, 5, 6, 7]
        assert_frame_equal(
            ours.at(times).filter(state="alive").select(columns), theirs.at(times).select(columns)
        )


def test_of_competing_events_the_states_are_cumulative_incidences():
    model = Transitions({"well": ["relapse", "death"]})
    rows = FIVE.filter(pl.col("entry") == 0).with_columns(
        event=pl.col("event").replace({"well": "relapse", "dead": "death"})
    )
    curves = occupation(from_rows(rows, model, id="id", time="time", event="event"), model)
    incidence = cumulative_incidence(rows, time="time", event="event", variance="ij")
    for cause in ("relapse", "death"):
        ours = curves.at([2, 3, 4, 6]).filter(state=cause)
        theirs = incidence.at([2, 3, 4, 6]).filter(cause=cause)
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            assert_close(ours[column], theirs[column])


@settings(max_examples=12, deadline=None)
@given(ward_rows())
def test_an_integer_weight_is_that_many_patients(rows):
    weighted = occupation(long(rows, "weight"), WARD, weights="weight", variance="greenwood")
    copies = rows.with_columns(copy=pl.int_ranges(pl.col("weight"))).explode("copy")
    copies = copies.with_columns(id=pl.struct("id", "copy").rank("dense"))
    for variance in ("greenwood", "aalen", "ij"):
        each = occupation(long(copies), WARD, variance=variance)
        ours = weighted if variance == "greenwood" else occupation(
            long(rows, "weight"), WARD, weights="weight", variance=variance
        )  # fmt: skip
        columns = ["time", "n_risk", "n_event", "n_censor", "estimate"]
        columns += ["std_error"] if variance != "ij" else []
        assert_frame_equal(ours.to_frame().select(columns), each.to_frame().select(columns), abs_tol=1e-9)


@settings(max_examples=12, deadline=None)
@given(ward_rows())
def test_probabilities_add_up_to_one_and_a_split_stay_changes_nothing(rows):
    curves = occupation(long(rows), WARD)
    sums = curves.to_frame().group_by("time").agg(pl.col("estimate").sum())["estimate"]
    assert_close(sums, [1.0] * len(sums))
    crosses = (pl.col("entry") < 2) & (pl.col("time") > 2)
    early = rows.filter(crosses).with_columns(time=pl.lit(2.0), event=pl.lit("censored"))
    late = rows.with_columns(entry=pl.when(crosses).then(2.0).otherwise("entry"))
    split = occupation(long(pl.concat([late, early])), WARD)
    assert_frame_equal(split.to_frame(), curves.to_frame(), abs_tol=1e-12)


@settings(max_examples=8, deadline=None)
@given(ward_rows(), ward_rows())
def test_a_group_is_what_it_would_be_alone(rows, others):
    both = pl.concat(
        [rows.with_columns(group=pl.lit("a")), others.with_columns(pl.col("id") + 100, group=pl.lit("b"))]
    )
    together = occupation(long(both, "group"), WARD, by="group")
    alone = occupation(long(rows), WARD)
    assert_frame_equal(together.to_frame().filter(group="a").drop("group"), alone.to_frame())
    assert together.groups()["group"].to_list() == ["a"] * 4 + ["b"] * 4
    assert together.summary()["n"][0] == rows["id"].n_unique() + others["id"].n_unique()


def test_whatever_table_and_precision_it_is_the_same():
    curves = occupation(five(), TWO).to_frame()
    assert_frame_equal(occupation(five().lazy(), TWO).to_frame(), curves)
    assert_frame_equal(occupation(five().to_pandas(), TWO).to_frame(), curves)
    single = five().with_columns(pl.col("entry", "time").cast(pl.Float32) / 10)
    tenths = occupation(single, TWO).to_frame().with_columns(pl.col("time") * 10)
    assert_frame_equal(tenths, curves, rel_tol=1e-6)


def test_it_says_what_it_is():
    curves = occupation(five(), TWO)
    assert curves.text(4, unit="months").startswith("4-month probability of being in ill: 40.0% (95% CI ")
    assert "; of being in dead: 20.0%" in curves.text(4)
    assert repr(curves).startswith("Aalen-Johansen: state occupation (event by time), n=5, events=4")
    assert "robust variance" in curves.methods()
    assert curves.groups()["n_event"].to_list() == [0, 2, 2]
    assert curves.groups()["n_censor"].to_list() == [2, 1, 0]
    assert curves.keys == ("state",)


def test_nobody_moves():
    rows = from_rows(
        pl.DataFrame({"id": [1, 2], "t": [3, 4], "e": ["censored"] * 2, "s": ["ill", "well"]}), TWO, id="id",
        time="t", event="e", initial="s",
    )  # fmt: skip
    frame = occupation(rows, TWO).to_frame()
    assert_close(frame.filter(state="ill")["estimate"], [0.5] * 3)
    assert_close(frame.filter(state="ill")["std_error"], [0.125**0.5] * 3)
    markov = occupation(rows, TWO, variance="greenwood").to_frame()
    assert_close(markov.filter(state="ill")["std_error"], [0.125**0.5] * 3)


def test_a_state_that_empties_before_others_enter_late_is_named():
    rows = pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "entry": [0, 0, 5, 6],
            "time": [3, 2, 9, 8],
            "event": ["dead", "well", "dead", "censored"],
        }
    )
    model = from_rows(rows, TWO, id="id", entry="entry", time="time", event="event")
    curves = assert_warns(
        lambda: occupation(model, TWO),
        argument="entry",
        column="entry",
        rows=[1],
        says=["'ill'", "at 3", "start_time=5"],
    )
    assert_close(curves.at(9).filter(state="ill")["estimate"], [0])


def test_a_single_cluster_is_warned_of():
    assert_warns(
        lambda: occupation(five(centre=pl.lit("A")), TWO, cluster="centre"),
        argument="cluster",
        column="centre",
        rows=[1, 3, 4, 6, 8, 10, 11],
        says=["single cluster", 'variance="greenwood"'],
    )


def test_what_cannot_be_is_refused():
    rows = five(w=pl.lit(0.5))
    assert_refused(
        lambda: occupation(rows, TWO, weights="w", variance="greenwood"),
        argument="weights",
        column="w",
        rows=[1, 3, 4, 6, 8, 10, 11],
        says=['Try variance="ij"'],
    )
    assert_refused(lambda: occupation(rows, TWO, start_time=10), argument="start_time", says=["at 9"])
    assert_refused(lambda: occupation(rows, TWO, variance="robust"), argument="variance", says=["'ij'"])
    assert_refused(lambda: occupation(rows, TWO, conf_type="loglog"), argument="conf_type")
    assert_refused(lambda: occupation(rows, TWO, conf_level=95), argument="conf_level")
    assert_refused(
        lambda: occupation(rows.with_columns(event=pl.lit(None)), TWO), argument="event", column="event",
        rows=range(1, rows.height + 1),
    )  # fmt: skip
