"""Exposures that turn on during follow-up: R's tmerge, the definition of z(t), and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.cohort import add_exposure
from hemresearch.outcomes import read_survival
from hemresearch.regression import cox

SIX = pl.DataFrame(
    {
        "id": ["p1", "p2", "p3", "p4", "p5", "p6"],
        "arm": list("ABABAB"),
        "days": [10, 12, 12, 20, 30, 40],
        "dead": [1, 1, 0, 1, 0, 1],
        "graft": [10, None, 5, 12, None, 39],
        "relapse": [None, 11, 8, 15, 28, None],
    }
)
ROLES = {"id": "id", "time": "days", "event": "dead"}
GRAFT = {"transplant": "graft"}
SEVERAL = pl.DataFrame(
    {
        "id": ["p1", "p1", "p2", "p2"],
        "start": [0, 4, 0, 7],
        "days": [4, 9, 6, 12],
        "dead": [0, 1, 0, 0],
        "graft": [6, 6, None, None],
    }
)


def breslow(rows: pl.DataFrame, covariates: list[str], beta: list[float], entry: str | None) -> float:
    """Breslow's log partial likelihood, as its definition says."""
    x = rows.select(covariates).to_numpy().astype(float) @ np.array(beta)
    time, event = rows["futime"].to_numpy(), rows["death"].cast(pl.Boolean).to_numpy()
    start = np.zeros(len(x)) if entry is None else rows[entry].to_numpy()
    return sum(
        eta - np.log(np.exp(x[(start < t) & (t <= time)]).sum())
        for eta, t in zip(x[event], time[event], strict=True)
    )


@pytest.mark.parametrize("case_id", reference_cases("episodes", "expose_"))
def test_matches_tmerge(reference, case_id):
    case = reference("episodes", case_id)
    exposure = case.options["exposure"]
    at_tie = "on" if case_id.endswith("on_the_day") else "after"
    rows = add_exposure(case.data, id="id", time="futime", event="death", exposure=exposure, at_tie=at_tie)
    if at_tie == "after":
        assert (rows.height, rows["death"].sum()) == (case.values["n"], case.values["n_event"])
    for name, expected in case.values["exposed"].items():
        exposed = rows.filter(pl.col(name))
        ours = {
            "n": exposed.height,
            "person_time": (exposed["futime"] - exposed["entry"]).sum(),
            "events": exposed["death"].sum(),
        }
        assert_close({key: ours[key] for key in expected}, expected)
    if "rows" in case.values:
        ours = rows.select(
            "id", pl.col("entry").alias("tstart"), pl.col("futime").alias("tstop"), "death", *exposure
        )
        assert_close(ours.to_dict(as_series=False), case.values["rows"])
    if "cox" in case.values:
        both = rows.with_columns(trt=pl.col("trt") == "B")
        fit = case.values["cox"]["breslow"]
        assert_close(breslow(both, ["trt", *exposure], fit["coef"], "entry"), fit["loglik"][1], rel=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize(
    "case_id", [name for name in reference_cases("episodes", "expose_") if "three" not in name]
)
def test_a_cox_model_on_the_rows_is_that_of_coxph(reference, case_id, ties):
    case = reference("episodes", case_id)
    rows = add_exposure(
        case.data,
        id="id",
        time="futime",
        event="death",
        exposure=case.options["exposure"],
        at_tie="on" if case_id.endswith("on_the_day") else "after",
    )
    covariates = case.options["covariates"]
    fit = cox(rows, covariates, time="futime", event="death", entry="entry", id="id", ties=ties)
    expected = case.values["cox"][ties]
    assert_close(fit.coef, expected["coef"], rel=1e-6)
    assert_close(np.sqrt(np.diag(fit.cov)), expected["se"], rel=1e-6)
    assert_close(fit.log_likelihood, expected["loglik"][1], rel=1e-9)


def test_a_transplant_known_from_time_zero_seems_to_protect_and_one_that_changes_with_time_does_not(
    reference,
):
    known = reference("episodes", "baseline_myeloid_transplant")
    data = known.data.with_columns(trt=pl.col("trt") == "B", transplant=pl.col("txtime").is_not_null())
    fit = known.values["cox"]["breslow"]
    assert_close(breslow(data, ["trt", "transplant"], fit["coef"], None), fit["loglik"][1], rel=1e-9)
    changing = reference("episodes", "expose_myeloid_transplant").values["cox"]["efron"]
    assert np.exp(known.values["cox"]["efron"]["coef"][1]).round(2) == 0.74
    assert np.exp(changing["coef"][1]).round(2) == 1.77


def test_six_patients_by_hand():
    rows = add_exposure(SIX, **ROLES, exposure=GRAFT)
    assert rows.columns == ["id", "arm", "entry", "days", "dead", "graft", "relapse", "transplant"]
    assert rows.select("id", "entry", "days", "dead", "transplant").rows() == [
        ("p1", 0, 10, True, False),
        ("p2", 0, 12, True, False),
        ("p3", 0, 5, False, False),
        ("p3", 5, 12, False, True),
        ("p4", 0, 12, False, False),
        ("p4", 12, 20, True, True),
        ("p5", 0, 30, False, False),
        ("p6", 0, 39, False, False),
        ("p6", 39, 40, True, True),
    ]
    assert rows["days"].dtype == pl.Int64


def test_on_its_day_an_exposure_counts_for_an_event_by_hand():
    rows = add_exposure(SIX, **ROLES, exposure=GRAFT, at_tie="on")
    assert rows.select("id", "entry", "days", "dead", "transplant").rows() == [
        ("p1", 0, 9, False, False),
        ("p1", 9, 10, True, True),
        ("p2", 0, 12, True, False),
        ("p3", 0, 4, False, False),
        ("p3", 4, 12, False, True),
        ("p4", 0, 11, False, False),
        ("p4", 11, 20, True, True),
        ("p5", 0, 30, False, False),
        ("p6", 0, 38, False, False),
        ("p6", 38, 40, True, True),
    ]


def test_times_that_are_not_whole_step_back_a_millionth_but_not_past_another_time():
    data = pl.DataFrame(
        {"id": [1, 2, 3], "t": [100.5, 50.0, 50.00001], "e": [1, 1, 1], "x": [20.25, None, 50.00001]}
    )
    rows = add_exposure(data, id="id", time="t", event="e", exposure={"z": "x"}, at_tie="on")
    assert_close(rows["t"], [20.25 - 1.005e-4, 100.5, 50, 50, 50.00001], rel=1e-12)
    assert rows["z"].to_list() == [False, True, False, False, True]


@st.composite
def exposed(draw: st.DrawFn, unit: float = 1.0) -> pl.DataFrame:
    """Patients with two exposures in the course of their follow-up, and many ties."""
    n = draw(st.integers(2, 12))
    entry = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    length = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    events = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    share = st.one_of(st.none(), st.integers(1, 9))
    wait = [draw(st.lists(share, min_size=n, max_size=n)) for _ in range(2)]
    turned_on = [
        [None if w is None else (e + min(w, k)) * unit for w, e, k in zip(each, entry, length, strict=True)]
        for each in wait
    ]
    stop = [(e + k) * unit for e, k in zip(entry, length, strict=True)]
    start = [e * unit for e in entry]
    columns = {
        "id": range(n),
        "entry": start,
        "time": stop,
        "event": events,
        "a": turned_on[0],
        "b": turned_on[1],
    }
    numbers = dict.fromkeys(("entry", "time", "a", "b"), pl.Float64)
    return pl.DataFrame(columns, schema_overrides=numbers)


COURSE = {"id": "id", "entry": "entry", "time": "time", "event": "event"}


@settings(max_examples=60)
@given(st.sampled_from([1.0, 0.1, 1 / 30.4375]).flatmap(exposed), st.sampled_from(["after", "on"]))
def test_at_every_event_everybody_at_risk_has_the_covariate_of_the_definition(cohort, at_tie):
    rows = add_exposure(cohort, **COURSE, exposure={"z": "a", "w": "b"}, at_tie=at_tie)
    y = read_survival(rows, **COURSE, covariates=["z", "w"], join=False)
    whole = read_survival(cohort, **COURSE)
    who = rows["id"].to_numpy()
    for t in np.unique(whole.time):
        at_risk = (y.entry < t * (1 - 1e-9)) & (t * (1 - 1e-9) <= y.time)
        present = (whole.entry < t * (1 - 1e-9)) & (t * (1 - 1e-9) <= whole.time)
        assert sorted(who[at_risk]) == np.flatnonzero(present).tolist()
        for name, source in (("z", "a"), ("w", "b")):
            when = cohort[source].fill_null(np.inf).to_numpy()[who[at_risk]]
            z = when < t * (1 - 1e-9) if at_tie == "after" else when <= t * (1 + 1e-9)
            assert rows[name].to_numpy()[at_risk].tolist() == z.tolist()
    events = rows.filter("event").group_by("id").agg(pl.col("time").max()).sort("id")
    assert_close(events["time"], cohort.filter("event")["time"])
    assert rows.filter("event").height == cohort["event"].sum()


@settings(max_examples=30)
@given(exposed(), st.sampled_from(["after", "on"]))
def test_two_exposures_at_once_are_one_after_the_other(cohort, at_tie):
    once = add_exposure(cohort, **COURSE, exposure={"z": "a", "w": "b"}, at_tie=at_tie)
    first = add_exposure(cohort, **COURSE, exposure={"z": "a"}, at_tie=at_tie)
    assert_frame_equal(add_exposure(first, **COURSE, exposure={"w": "b"}, at_tie=at_tie), once)


def test_exposures_that_differ_by_rounding_error_from_the_end_are_at_it():
    data = pl.DataFrame({"id": [1, 2], "t": [0.3, 0.7], "e": [1, 1], "x": [0.1 + 0.2, 0.1]})
    roles = {"id": "id", "time": "t", "event": "e", "exposure": {"z": "x"}}
    assert add_exposure(data, **roles)["z"].to_list() == [False, False, True]
    assert add_exposure(data, **roles, at_tie="on")["z"].to_list() == [False, True, False, True]


@pytest.mark.parametrize("at_tie", ["after", "on"])
def test_an_exposure_on_day_zero_needs_to_be_told_what_it_means(at_tie):
    data = SIX.with_columns(graft=pl.Series([0, None, -3, 12, None, 39]))
    refusal = assert_refused(
        lambda: add_exposure(data, **ROLES, exposure=GRAFT, at_tie=at_tie),
        argument="at_zero",
        column="graft",
        rows=[1, 3],
        says=["in 2 patients", 'at_zero="exposed"'],
    )
    assert "p1" not in str(refusal)
    throughout = add_exposure(data, **ROLES, exposure=GRAFT, at_zero="exposed", at_tie=at_tie)
    never = add_exposure(data, **ROLES, exposure=GRAFT, at_zero="unexposed", at_tie=at_tie)
    both = pl.col("id").is_in(["p1", "p3"])
    assert throughout.filter(both)["transplant"].to_list() == [True, True]
    assert never.filter(both)["transplant"].to_list() == [False, False]
    assert_frame_equal(throughout.filter(~both), never.filter(~both))


def test_an_exposure_after_the_end_of_follow_up_never_happens_and_is_told():
    data = SIX.with_columns(graft=pl.Series([11, None, 5, 12, 10**9, 39]))
    rows = assert_warns(
        lambda: add_exposure(data, **ROLES, exposure=GRAFT),
        argument="exposure",
        column="graft",
        rows=[1, 5],
        says=["in 2 patients", "never exposed"],
    )
    assert rows.filter(pl.col("id").is_in(["p1", "p5"]))["transplant"].to_list() == [False, False]
    assert rows.filter(pl.col("id") == "p3")["days"].to_list() == [5, 12]


def test_exposures_of_which_most_come_after_follow_up_are_perhaps_in_another_unit():
    in_days = SIX.with_columns(graft=pl.Series([None, None, 150, 360, None, 1170]))
    assert_warns(
        lambda: add_exposure(in_days, **ROLES, exposure=GRAFT),
        argument="exposure",
        column="graft",
        rows=[3, 4, 6],
        says=["in 3 patients of 3 who have one", "is it in the unit of 'days'?", "unit='the unit of days'"],
    )
    dates = SIX.with_columns(graft=pl.date(2020, 1, 1))
    refusal = assert_refused(
        lambda: add_exposure(dates, **ROLES, exposure=GRAFT), argument="exposure", column="graft"
    )
    assert refusal.remedy.endswith("unit='days'), with the unit of time=")


def test_an_exposure_that_nobody_had_is_off():
    nobody = SIX.with_columns(graft=None)
    rows = add_exposure(nobody, **ROLES, exposure=GRAFT)
    assert rows["transplant"].to_list() == [False] * 6
    assert_frame_equal(rows.select(SIX.columns), nobody.with_columns(pl.col("dead").cast(pl.Boolean)))


def test_durations_and_text_events():
    data = SIX.with_columns(
        pl.duration(days="days").alias("days"),
        pl.duration(days="graft").alias("graft"),
        dead=pl.when(pl.col("dead") == 1).then(pl.lit("died")).otherwise(pl.lit("alive")),
    )
    rows = add_exposure(data, **ROLES, event_value="died", exposure=GRAFT)
    plain = add_exposure(SIX, **ROLES, exposure=GRAFT)
    assert (rows["entry"].dtype, rows["days"].dtype) == (data["days"].dtype, data["days"].dtype)
    assert rows["days"].dt.total_days().to_list() == plain["days"].to_list()
    assert rows["dead"].to_list() == plain["dead"].to_list()
    assert_refused(
        lambda: add_exposure(data, **ROLES, event_value="died", exposure={"transplant": "relapse"}),
        argument="exposure",
        column="relapse",
        says=["not both durations"],
    )


def test_rows_left_out_are_counted_and_positions_are_those_of_the_data():
    data = SIX.with_columns(
        dead=pl.Series([None, 1, 0, 1, 0, 1]), graft=pl.Series([None, None, 0, 12, None, 39])
    )
    arguments = {**ROLES, "exposure": GRAFT, "missing": "drop"}
    rows = assert_warns(
        lambda: add_exposure(data, **arguments, at_zero="exposed"),
        argument="missing",
        says=["left out 1 row"],
    )
    assert "p1" not in rows["id"].to_list()
    with pytest.warns(match="left out 1 row"):
        assert_refused(lambda: add_exposure(data, **arguments), argument="at_zero", column="graft", rows=[3])
    assert_refused(
        lambda: add_exposure(data, **ROLES, exposure=GRAFT), argument="event", column="dead", rows=[1]
    )


def test_several_rows_of_a_patient():
    rows = add_exposure(SEVERAL.filter(pl.col("id") == "p1"), **ROLES, entry="start", exposure=GRAFT)
    assert rows.select("start", "days", "dead", "transplant").rows() == [
        (0, 4, False, False),
        (4, 6, False, False),
        (6, 9, True, True),
    ]


def test_gaps_are_refused_unless_allowed():
    assert_refused(
        lambda: add_exposure(SEVERAL, **ROLES, entry="start", exposure=GRAFT),
        argument="id",
        column="id",
        rows=[3, 4],
        says=["time between them (1 gap)", "allow_gaps=True"],
    )
    in_the_gap = SEVERAL.with_columns(graft=pl.Series([9.0, 9.0, 6.5, 6.5]))
    for at_tie in ("after", "on"):
        rows = add_exposure(
            in_the_gap, **ROLES, entry="start", exposure=GRAFT, allow_gaps=True, at_tie=at_tie
        ).filter(pl.col("id") == "p2")
        assert rows.select("start", "days", "transplant").rows() == [(0, 6, False), (7, 12, True)]


def test_rows_of_a_patient_that_overlap_or_disagree_are_refused():
    overlap = SEVERAL.with_columns(start=pl.Series([0, 4, 0, 5]))
    refusal = assert_refused(
        lambda: add_exposure(overlap, **ROLES, entry="start", exposure=GRAFT),
        argument="id",
        column="id",
        rows=[3, 4],
        says=["overlap"],
    )
    assert "p2" not in str(refusal)
    twice = pl.concat([SIX, SIX[2:3]])
    assert_refused(
        lambda: add_exposure(twice, **ROLES, exposure=GRAFT), argument="id", column="id", rows=[3, 7]
    )
    for graft in ([6, 7, None, None], [None, 6, None, None]):
        assert_refused(
            lambda graft=graft: add_exposure(
                SEVERAL.with_columns(graft=pl.Series(graft)),
                **ROLES,
                entry="start",
                exposure=GRAFT,
                allow_gaps=True,
            ),
            argument="exposure",
            column="graft",
            rows=[1, 2],
            says=["differs between rows of one patient"],
        )


def test_the_order_of_events_is_checked_where_asked():
    both = {"response": "graft", "relapsed": "relapse"}
    assert add_exposure(SIX, **ROLES, exposure=both, order=("response", "relapsed")).height == 13
    assert_refused(
        lambda: add_exposure(SIX, **ROLES, exposure=both, order=("relapsed", "response")),
        argument="order",
        column="graft",
        rows=[3, 4],
        says=["before 'relapse' in 2 rows"],
    )
    same_day = SIX.with_columns(relapse="graft")
    assert add_exposure(same_day, **ROLES, exposure=both, order=["response", "relapsed"]).height == 9


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (("respons", "relapsed"), ["'respons' is not an exposure", "did you mean 'response'"]),
        ("response", ["several names"]),
        ((), ["several names"]),
        (("response", "response"), ["several names"]),
    ],
)
def test_an_order_names_exposures(order, says):
    both = {"response": "graft", "relapsed": "relapse"}
    assert_refused(
        lambda: add_exposure(SIX, **ROLES, exposure=both, order=order), argument="order", says=says
    )


@pytest.mark.parametrize("exposure", ["graft", ["graft"], {}, None])
def test_exposures_are_named(exposure):
    assert_refused(lambda: add_exposure(SIX, **ROLES, exposure=exposure), argument="exposure")


@pytest.mark.parametrize("name", ["graft", "entry", "days"])
def test_an_exposure_does_not_overwrite_a_column(name):
    assert_refused(
        lambda: add_exposure(SIX, **ROLES, exposure={name: "graft"}), argument="exposure", column=name
    )


@pytest.mark.parametrize(
    ("argument", "value"), [("at_tie", "before"), ("at_zero", "ignore"), ("allow_gaps", "yes")]
)
def test_choices_are_checked(argument, value):
    assert_refused(lambda: add_exposure(SIX, **ROLES, exposure=GRAFT, **{argument: value}), argument=argument)


def test_follow_up_of_zero_and_text_are_refused():
    assert_refused(
        lambda: add_exposure(SIX.with_columns(days=pl.lit(0)), **ROLES, exposure=GRAFT),
        argument="time",
        column="days",
        rows=[1, 2, 3, 4, 5, 6],
    )
    assert_refused(
        lambda: add_exposure(SIX, **ROLES, exposure={"z": "arm"}),
        argument="exposure",
        column="arm",
        says=["holds text"],
    )
