"""Cumulative incidence: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import replicated
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import AalenJohansenFitter
from polars.testing import assert_frame_equal
from random_causes import cohorts_with_causes
from reference_cases import assert_close, inline_table, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.competing import cumulative_incidence
from hemresearch.survival import from_lifelines, kaplan_meier

ROLES = {"time": "time", "event": "event"}
ALL = ROLES | {"censored": 0}  # of cohorts in which perhaps nobody is
SURVFIT = {"estimate": "cif", "std_error": "std_err", "conf_low": "lower", "conf_high": "upper"}
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
# By hand, causes and a censoring tied at 2 (sh19 of the hard cases).
EIGHT = pl.DataFrame({"time": [1, 2, 2, 2, 3, 4, 4, 5], "event": [1, 1, 2, 0, 2, 1, 2, 0]})
NAMED = EIGHT.with_columns(
    event=pl.Series(["relapse", "relapse", "death", "censored", "death", "relapse", "death", "censored"])
)


def fit(case, **changed):
    options = case.options
    event = case.role("status") if "status" in options else case.role("event")
    roles = {name: case.role(name) for name in ("entry", "weights", "cluster")}
    by = case.role("group") or case.role("by")
    level = {k: options[k] for k in ("conf_type", "conf_level", "start_time") if k in options}
    return cumulative_incidence(
        case.data, time=case.role("time"), event=event, by=by, **roles, **level, **changed
    )


def of_cause(case, frame, label, cause):
    return case.in_group(frame, label).filter(pl.col("cause") == cause)


@pytest.mark.parametrize("case_id", reference_cases("competing_risks", "aj_"))
def test_matches_survfit(reference, case_id):
    case = reference("competing_risks", case_id)
    at = fit(case).at(case.options["times"], extend=True)
    for stratum in case.values["strata"]:
        for cause in stratum["causes"]:
            rows = of_cause(case, at, stratum["label"], cause["cause"])
            if case.role("weights") is None:  # R counts rows there, whatever their weights
                assert_close(rows["n_risk"], stratum["n_risk"])
            for ours, theirs in SURVFIT.items():
                assert_close(rows[ours], cause[theirs], rel=1e-9, where=ours)


@pytest.mark.parametrize("case_id", reference_cases("competing_risks", "cuminc_"))
def test_matches_cuminc(reference, case_id):
    case = reference("competing_risks", case_id)
    at = fit(case, variance="cuminc").at(case.options["times"])
    for curve in case.values["curves"]:
        label, _, cause = curve["label"].rpartition(" ")
        rows = of_cause(case, at, "all" if not case.options.get("group") else label, int(cause))
        assert_close(rows["estimate"], curve["est"], rel=1e-9)
        assert_close(rows["std_error"] ** 2, curve["var"], rel=1e-9)


@pytest.mark.parametrize("case_id", reference_cases("incidence", "etm_"))
def test_matches_etm(reference, case_id):
    case = reference("incidence", case_id)
    at = fit(case, variance="greenwood").at(case.options["times"])
    for cause in case.values["causes"]:
        rows = of_cause(case, at, "all", cause["cause"])
        assert_close(rows["estimate"], cause["cif"], rel=1e-9)
        assert_close(rows["std_error"], cause["std_err"], rel=1e-9)


@pytest.mark.parametrize("case_id", reference_cases("incidence", "robust_"))
def test_robust_errors_match_survfit(reference, case_id):
    case = reference("incidence", case_id)
    at = fit(case, variance="ij").at(case.options["times"])
    for group in case.values["groups"]:
        for cause in group["causes"]:
            rows = of_cause(case, at, group["label"], cause["cause"])
            assert_close(rows["estimate"], cause["cif"], rel=1e-9)
            assert_close(rows["std_error"], cause["std_err"], rel=1e-9)


def test_a_later_start_matches_survfit(reference):
    case = reference("incidence", "start_bmtcrr")
    curves = fit(case)
    at = curves.at(case.options["times"])
    for cause in case.values["causes"]:
        rows = of_cause(case, at, "all", cause["cause"])
        assert_close(rows["estimate"], cause["cif"], rel=1e-9)
        assert_close(rows["std_error"], cause["std_err"], rel=1e-9)
    assert curves.at(3)["estimate"].to_list() == [None, None]
    assert "among those still observed at 6" in curves.methods()


def test_causes_and_censorings_at_one_time_by_hand(reference):
    case = reference("hard_cases", "sh19")
    data = inline_table({k: case.data[k].to_list() for k in case.data.columns})
    at = cumulative_incidence(data, **ALL).at(case.values["values"]["at"])
    for cause in (1, 2):
        rows = at.filter(pl.col("cause") == cause)
        assert_close(rows["estimate"], case.values["values"][f"cif{cause}"], rel=1e-12)


def test_by_hand():
    first = cumulative_incidence(EIGHT, **ALL, cause=1, variance="cuminc").to_frame()
    assert first["time"].to_list() == [1, 2, 3, 4, 5]
    assert first["n_risk"].to_list() == [8, 7, 4, 3, 1]
    assert first["n_event"].to_list() == [1, 1, 0, 1, 0]
    assert first["n_censor"].to_list() == [0, 1, 0, 0, 1]
    # S: 7/8, 5/8, 15/32, 5/32
    assert_close(first["estimate"], [1 / 8, 2 / 8, 2 / 8, 2 / 8 + 15 / 32 / 3, 2 / 8 + 15 / 32 / 3])
    # without censoring before 2 Greenwood's is binomial; Aalen's is 1/n^2 at the first event
    greenwood = cumulative_incidence(EIGHT, **ALL, cause=1).to_frame()
    assert_close(greenwood["std_error"][:2], [np.sqrt(p * (1 - p) / 8) for p in (1 / 8, 2 / 8)])
    assert_close(first["std_error"][0], 1 / 8)


def test_a_cause_that_never_occurs_is_refused(reference):
    case = reference("hard_cases", "sh20")
    refusal = assert_refused(
        lambda: cumulative_incidence(case.data, **ROLES, cause=1),
        argument="cause",
        column="event",
        says=["1 is not among the 1 events of the column"],
    )
    assert refusal.remedy == "cause=2"


@settings(max_examples=40)
@given(cohorts_with_causes(entry=True))
def test_causes_and_survival_add_up(cohort):
    roles = {**ALL, "entry": "entry"} if cohort["entry"].max() else ALL
    cohort = cohort.with_columns(entry=pl.lit(0.0))
    curves = cumulative_incidence(cohort, **roles).to_frame()
    single = {k: v for k, v in roles.items() if k != "censored"} | {"event": pl.col("event") > 0}
    free = kaplan_meier(cohort, **single).to_frame()
    total = curves.group_by("time", maintain_order=True).agg(pl.col("estimate").sum()).sort("time")
    assert_close(1 - total["estimate"], free["estimate"], rel=1e-9, at_zero=1e-12)


@settings(max_examples=40)
@given(cohorts_with_causes(entry=True))
def test_one_cause_is_the_complement_of_survival(cohort):
    one = cohort.with_columns(event=(pl.col("event") > 0).cast(pl.Int64), entry=pl.lit(0.0))
    for variance, robust in (("greenwood", False), ("ij", True)):
        incidence = cumulative_incidence(one, **ALL, weights="weight", variance=variance).to_frame()
        survival = kaplan_meier(one, **ROLES, weights="weight", robust=robust).to_frame()
        assert_close(incidence["estimate"], 1 - survival["estimate"], rel=1e-10, at_zero=1e-12)
        known = survival["estimate"].to_numpy() > 1e-9
        error = incidence["std_error"].to_numpy()[known], survival["std_error"].to_numpy()[known]
        assert_close(*error, rel=1e-7, at_zero=1e-7)


@settings(max_examples=40)
@given(cohorts_with_causes())
def test_an_integer_weight_is_that_many_patients(cohort):
    for variance in ("greenwood", "cuminc"):
        weighted = cumulative_incidence(cohort, **ALL, by="group", weights="weight", variance=variance)
        repeated = cumulative_incidence(replicated(cohort), **ALL, by="group", variance=variance)
        assert_frame_equal(weighted.to_frame(), repeated.to_frame(), rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=40)
@given(cohorts_with_causes())
def test_closed_form_and_robust_errors_agree_without_weights(cohort):
    plain, robust = (
        cumulative_incidence(cohort, **ALL, by="group", variance=v).to_frame() for v in ("greenwood", "ij")
    )
    assert_close(robust["std_error"], plain["std_error"], rel=1e-8, at_zero=1e-8)


@settings(max_examples=30)
@given(cohorts_with_causes())
def test_clusters_of_one_change_nothing_and_everybody_twice_in_one_cluster_nothing_either(cohort):
    single = cumulative_incidence(cohort, **ALL, variance="ij").to_frame()
    for data in (cohort, pl.concat([cohort, cohort])):
        clustered = cumulative_incidence(data, **ALL, cluster="patient")
        assert clustered.variance == "robust"
        for column in NUMBERS:
            assert_close(clustered.to_frame()[column], single[column], rel=1e-8, at_zero=1e-9)


@settings(max_examples=30)
@given(cohorts_with_causes(), st.sampled_from([1.0, 3.5, 6.0]))
def test_splitting_the_follow_up_changes_nothing(cohort, cut):
    whole = cumulative_incidence(cohort, **ALL, by="group")
    split = cumulative_incidence(_split(cohort, cut), **ALL, entry="entry", id="patient", by="group")
    assert_close(split.to_frame()["estimate"], whole.to_frame()["estimate"], rel=1e-10)
    assert_close(split.to_frame()["std_error"], whole.to_frame()["std_error"], rel=1e-8, at_zero=1e-8)


@settings(max_examples=30)
@given(cohorts_with_causes(), st.randoms(use_true_random=False))
def test_neither_row_order_nor_unit_nor_names_of_causes_matter(cohort, random):
    first = cumulative_incidence(cohort, **ALL, by="group").to_frame()
    order = list(range(cohort.height))
    random.shuffle(order)
    assert_frame_equal(cumulative_incidence(cohort[order], **ALL, by="group").to_frame(), first)
    words = {0: "alive", 1: "first", 2: "second"}
    renamed = cohort.with_columns(
        pl.col("event").replace_strict(words, return_dtype=pl.String), time=pl.col("time") / 365.25
    )
    censored = "alive" if 0 in cohort["event"] else None
    again = cumulative_incidence(renamed, **ROLES, by="group", censored=censored).to_frame()
    for column in NUMBERS:
        assert_close(again[column], first[column], rel=1e-12)


def _split(cohort, cut):
    """Rows (entry, time] with the follow-up of those still observed at `cut` split there."""
    start = cohort.with_columns(entry=pl.lit(0.0))
    crosses = pl.col("time") > cut
    late = start.with_columns(entry=pl.when(crosses).then(cut).otherwise(0.0))
    early = start.filter(crosses).with_columns(time=pl.lit(cut), event=pl.lit(0, dtype=pl.Int64))
    return pl.concat([late, early.select(late.columns)])


def test_lifelines_finds_the_same_without_ties():
    rng = np.random.default_rng(4)
    data = pl.DataFrame({"time": rng.permutation(60) + 1.0, "event": rng.integers(0, 3, 60)})
    fitter = AalenJohansenFitter().fit(data["time"].to_numpy(), data["event"].to_numpy(), event_of_interest=1)
    theirs = from_lifelines(fitter)
    ours = cumulative_incidence(data, **ALL, cause=1)
    assert theirs.quantity == ours.quantity
    assert theirs.keys == ours.keys == ("cause",)
    times = [5, 20, 45]
    assert_close(ours.at(times)["estimate"], theirs.at(times)["estimate"], rel=1e-9)
    for count in ("n_risk", "n_event", "n_censor"):
        assert_close(ours.at(times)[count], theirs.at(times)[count])
    told = "20-day cumulative incidence of cause 1: "
    assert ours.text(20, unit="days").startswith(told)
    assert theirs.text(20, unit="days").startswith(told)


def test_some_causes_are_those_curves_of_all():
    every = cumulative_incidence(NAMED, **ROLES)
    assert every.groups().rows() == [("death", 8, 3, 2), ("relapse", 8, 3, 2)]
    one = cumulative_incidence(NAMED, **ROLES, cause="relapse")
    both = cumulative_incidence(NAMED, **ROLES, cause=["relapse", "death"])
    assert_frame_equal(one.to_frame(), every.to_frame().filter(pl.col("cause") == "relapse"))
    assert both.groups()["cause"].to_list() == ["relapse", "death"]
    assert every.totals().rows() == both.totals().rows() == [(8, 6, 2)]
    assert one.totals().rows() == [(8, 3, 2)]


def test_the_risk_table_counts_each_cause_and_censorings_alone():
    table = cumulative_incidence(NAMED, **ROLES).risk_table([0, 3, 6])
    assert table["n_risk"].to_list() == [8, 4, 0] * 2
    assert table["n_event"].to_list() == [0, 1, 3, 0, 2, 3]
    assert table["n_censor"].to_list() == [0, 1, 2] * 2
    free = table.filter(pl.col("cause") == "death")
    other = table.filter(pl.col("cause") == "relapse")["n_event"]
    assert (free["n_risk"] + free["n_event"] + free["n_censor"] + other).to_list() == [8, 8, 8]


def test_a_curve_is_carried_on_once_everybody_had_an_event():
    done = EIGHT.filter(pl.col("event") > 0)
    at = cumulative_incidence(done, **ALL).at([4, 100])
    assert_close(at["estimate"], [0.5] * 4)
    assert cumulative_incidence(EIGHT, **ALL).at(100)["estimate"].to_list() == [None, None]
    assert_close(cumulative_incidence(EIGHT, **ALL).at(100, extend=True)["estimate"], [0.40625, 0.4375])


def test_limits_before_the_first_event_of_a_cause():
    at = cumulative_incidence(EIGHT, **ALL, cause=2).at(1).row(0, named=True)
    assert (at["estimate"], at["std_error"], at["conf_low"], at["conf_high"]) == (0, 0, None, None)
    plain = cumulative_incidence(EIGHT, **ALL, cause=2, conf_type="plain").at(1).row(0, named=True)
    assert (plain["conf_low"], plain["conf_high"]) == (0, 0)


def test_texts():
    curves = cumulative_incidence(NAMED.with_columns(arm=pl.Series(list("abababab"))), **ROLES, by="arm")
    sentence = curves.text(3, unit="months")
    assert sentence.startswith("3-month cumulative incidence of death: a ")
    assert "; of relapse: a 25.0% (95% CI 0.9–66.5); b " in sentence
    one = cumulative_incidence(NAMED, **ROLES, cause="relapse")
    assert one.text(3) == "Cumulative incidence of relapse at 3: 25.0% (95% CI 3.7–55.8)"
    assert one.text().startswith("Cumulative incidence of relapse at 5: 40.6%")
    assert one.text(9, label="relapse rate") == (
        "Relapse rate of relapse at 9: not estimable (after the last follow-up)"
    )
    assert repr(one).splitlines() == [
        "Aalen-Johansen: cumulative incidence (event by time), n=8, events=3",
        "  cause=relapse: n=8, events=3, at 5: 0.4062 (0.08965 to 0.7143)",
        "95% limits: log-log, Greenwood variance",
    ]
    assert one.methods() == (
        "Cumulative incidence (event by time) was estimated by Aalen-Johansen, with pointwise 95% confidence "
        "limits (log-log, Greenwood variance)."
    )
    labelled = cumulative_incidence(EIGHT.with_columns(arm=pl.lit("3 or 4")), **ROLES, by="arm", cause=1)
    assert labelled.text(2).startswith("Cumulative incidence of cause 1 at 2: 3 or 4: 25.0%")


def test_the_variance_is_named_and_chosen_by_the_data():
    late = EIGHT.with_columns(entry=pl.Series([0, 0, 1, 0, 0, 2, 0, 0]), w=pl.lit(1.5), k=pl.lit(2))
    assert cumulative_incidence(late, **ROLES).variance == "greenwood"
    assert cumulative_incidence(late, **ROLES, entry="entry").variance == "robust"
    assert cumulative_incidence(late, **ROLES, entry=pl.lit(0.0)).variance == "greenwood"
    assert cumulative_incidence(late, **ROLES, weights="w").variance == "robust"
    assert cumulative_incidence(late, **ROLES, weights="k").variance == "greenwood"
    assert "Aalen (cuminc) variance" in repr(cumulative_incidence(late, **ROLES, variance="cuminc"))


def test_other_tables_and_durations(dataset):
    expected = cumulative_incidence(NAMED, **ROLES).to_frame()
    for table in (NAMED.lazy(), NAMED.to_pandas(), NAMED.with_columns(pl.col("time").cast(pl.Float32))):
        assert_frame_equal(cumulative_incidence(table, **ROLES).to_frame(), expected)
    days = cumulative_incidence(NAMED.with_columns(time=pl.duration(days="time")), **ROLES, cause="relapse")
    assert days.text(3).startswith("3-day cumulative incidence of relapse: 25.0%")


def test_patients_that_change_their_group_are_counted_once():
    rows = pl.DataFrame(
        {
            "id": [1, 1, 2, 3],
            "entry": [0, 2, 0, 0],
            "time": [2, 5, 4, 6],
            "event": [0, 1, 2, 0],
            "exposed": [0, 1, 0, 0],
        }
    )
    curves = cumulative_incidence(rows, **ROLES, entry="entry", id="id", by="exposed", cause=1)
    assert curves.groups().rows() == [(0, 1, 3, 0, 2), (1, 1, 1, 1, 0)]
    assert curves.totals().rows() == [(3, 1, 1)]


def test_missing_values_are_refused_or_dropped_and_counted():
    holes = NAMED.with_columns(event=pl.when(pl.col("time") == 3).then(None).otherwise("event"))
    assert_refused(lambda: cumulative_incidence(holes, **ROLES), argument="event", column="event", rows=[5])
    dropped = cumulative_incidence(holes, **ROLES, missing="drop")
    assert dropped.n_dropped == 1
    assert "1 rows with missing values left out" in repr(dropped)


def test_what_is_asked_must_exist():
    refusal = assert_refused(
        lambda: cumulative_incidence(NAMED, **ROLES, cause="relapsed"), argument="cause", column="event"
    )
    assert refusal.remedy == "cause='relapse'"
    assert_refused(lambda: cumulative_incidence(EIGHT, **ALL, variance="robust"), argument="variance")
    assert_refused(lambda: cumulative_incidence(EIGHT, **ALL, conf_type="cloglog"), argument="conf_type")
    assert_refused(lambda: cumulative_incidence(EIGHT, **ALL, conf_level=95), argument="conf_level")
    assert_refused(lambda: cumulative_incidence(EIGHT, **ALL, start_time=9), argument="start_time")
    with pytest.raises(hem.errors.DataError, match="labels of several events"):
        cumulative_incidence(EIGHT, time="time", event=pl.col("event") > 0)


def test_cuminc_counts_patients_one_by_one():
    weighted = EIGHT.with_columns(w=pl.Series([1.0, 1.5, 1, 1, 1, 1, 1, 1]))
    assert_refused(
        lambda: cumulative_incidence(weighted, **ROLES, weights="w", variance="cuminc"),
        argument="weights",
        column="w",
        rows=[2],
        says=['variance="cuminc" counts patients one by one'],
    )


def test_an_emptied_risk_set_is_told():
    late = pl.DataFrame({"entry": [0, 0, 5, 5], "time": [1, 2, 7, 8], "event": [1, 2, 1, 0]})
    curves = assert_warns(
        lambda: cumulative_incidence(late, **ROLES, entry="entry"),
        argument="entry",
        column="entry",
        rows=[2],
        says=["empty", "Try start_time=7 for the curve"],
    )
    assert_close(curves.at(8)["estimate"], [0.5, 0.5])


def test_a_single_cluster_has_no_variance():
    one = EIGHT.with_columns(centre=pl.lit("x"))
    curves = assert_warns(
        lambda: cumulative_incidence(one, **ALL, cluster="centre", cause=1),
        argument="cluster",
        column="centre",
        rows=list(range(1, 9)),
        says=['Try variance="greenwood"'],
    )
    assert curves.to_frame()["std_error"].to_list() == [0] * 5


def test_a_single_event_points_to_competing_ones():
    with pytest.raises(hem.errors.DataError, match=r"hem\.competing\.cumulative_incidence"):
        kaplan_meier(EIGHT, **ROLES)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_mgus2_at_twenty_years(dataset, sex):
    at = cumulative_incidence(dataset("mgus2_cr"), time="etime", event="event", cause=1, by="sex").at(240)
    assert at.filter(pl.col("sex") == sex)["estimate"].round(3)[0] == {"F": 0.105, "M": 0.096}[sex]
