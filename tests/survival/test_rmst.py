"""The restricted mean survival time: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from polars.testing import assert_frame_equal
from reference_cases import assert_close, assert_mentions, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.errors import DataError
from hemresearch.survival import kaplan_meier, rmst

# Survival is 0.8 from 1, 0.6 from 2, 0.3 from 4 to the last follow-up at 6. Up to 5 the area is
# 1 + 0.8 + 2 * 0.6 + 0.3 = 3.3; what is left of it after 1, 2 and 4 is 2.3, 1.5 and 0.3.
FIVE = pl.DataFrame({"time": [1, 2, 2, 4, 6], "event": [1, 1, 0, 1, 0]})
BY_HAND = {"time": "time", "event": "event"}


CERTAIN = pytest.mark.filterwarnings("ignore:.*standard error.*0:hemresearch.errors.DataWarning")


def of_case(case, **changed):
    roles = {name: case.role(name) for name in ("entry", "by", "weights", "cluster")}
    return rmst(case.data, time=case.role("time"), event=case.role("event"), **{**roles, **changed})


@pytest.mark.parametrize("case_id", reference_cases("rmst", "rmean_"))
def test_matches_survfit(reference, case_id):
    case = reference("rmst", case_id)
    for values in case.values["by_tau"]:
        estimates = of_case(case, tau=values["tau"]).to_frame()
        for label, mean, error in zip(values["label"], values["rmean"], values["se"], strict=True):
            row = case.in_group(estimates, label)
            assert_close(row["estimate"], [mean])
            assert_close(row["std_error"], [error])


@pytest.mark.parametrize("case_id", [c for c in reference_cases("rmst", "rmst_") if c != "rmst_pseudo_bmt"])
def test_matches_survrm2_and_survfit_in_each_arm(reference, case_id):
    case = reference("rmst", case_id)
    arm = case.role("arm").alias("arm")
    for values in case.values["by_tau"]:
        tau = values["tau"]
        survived = of_case(case, by=arm, tau=tau).to_frame()
        lost = of_case(case, by=arm, tau=tau, quantity="lost").to_frame()
        for k in (0, 1):
            theirs = values[f"arm{k}"]
            for ours, row in ((survived, theirs["rmst"]["data"][0]), (lost, theirs["rmst"]["data"][1])):
                columns = ours.row(k, named=True)
                assert_close([columns[c] for c in ("estimate", "std_error", "conf_low", "conf_high")], row)
            assert_close(survived["std_error"][k] ** 2, theirs["var"])
            assert_close(list(survived.row(k)[3:5]), values["survfit_rmean"][f"arm{k}"])


@pytest.mark.parametrize("case_id", reference_cases("rmst_robust", "robust_"))
def test_matches_the_infinitesimal_jackknife_of_residuals(reference, case_id):
    case = reference("rmst_robust", case_id)
    for robust, name in ((True, "robust_se"), (False, "se")):
        estimates = of_case(case, tau=case.options["tau"], robust=robust).to_frame()
        for label, mean, error in zip(
            case.values["label"], case.values["rmean"], case.values[name], strict=True
        ):
            row = case.in_group(estimates, label)
            assert_close(row["estimate"], [mean])
            assert_close(row["std_error"], [error])


def test_five_patients_by_hand():
    row = rmst(FIVE, **BY_HAND, tau=5).to_frame().row(0, named=True)
    assert_close(row["estimate"], 3.3)
    # area^2 d / (n (n - d)): 5 and 4 at risk at 1 and 2, 2 at risk at 4
    variance = 2.3**2 / (5 * 4) + 1.5**2 / (4 * 3) + 0.3**2 / (2 * 1)
    assert_close(row["std_error"], np.sqrt(variance))
    assert_close(row["conf_high"] - row["conf_low"], 2 * 1.959963984540054 * np.sqrt(variance))
    assert (row["n"], row["n_event"]) == (5, 3)


def test_the_time_lost_is_tau_less_the_mean():
    survived, lost = (rmst(FIVE, **BY_HAND, tau=5, quantity=q).to_frame() for q in ("survived", "lost"))
    assert_close(lost["estimate"], 5 - survived["estimate"])
    assert_close(lost["std_error"], survived["std_error"])


def test_only_events_up_to_tau_count():
    row = rmst(FIVE, **BY_HAND, tau=1.5).to_frame().row(0, named=True)
    assert_close(row["estimate"], 1 + 0.5 * 0.8)
    assert row["n_event"] == 1


def test_before_the_first_event_the_mean_is_tau_and_nothing_is_known_of_its_error():
    result = assert_warns(
        lambda: rmst(FIVE, **BY_HAND, tau=0.5),
        argument="tau",
        says=["the standard error is 0 (no event before 0.5): the limits say nothing", "Try tau=6.0."],
    )
    row = result.to_frame().row(0, named=True)
    assert (row["estimate"], row["std_error"], row["n_event"]) == (0.5, 0.0, 0)
    assert rmst(FIVE, **BY_HAND, tau=6.0).to_frame()["std_error"][0] > 0
    tenths = pl.DataFrame({"time": [0.1, 0.2, 0.3, 0.6, 0.7], "event": 0})
    odd = assert_warns(lambda: rmst(tenths, **BY_HAND, tau=0.7, quantity="lost"), argument="tau")
    assert odd.to_frame().row(0)[2:] == (0.0, 0.0, 0.0, 0.0)  # not the rounding error of a sum of widths


def test_a_standard_error_of_0_is_told_with_its_reason():
    groups = pl.DataFrame({"time": [5, 6, 2, 2, 1, 5], "event": [0, 1, 1, 1, 1, 0], "arm": list("aabbcc")})
    assert_warns(
        lambda: rmst(groups, **BY_HAND, by="arm", tau=5),
        argument="tau",
        says=[
            "0 in 'a' (no event before 5), in 'b' (nobody at risk survives the events): the limits",
            "Expected events before tau that others survive. Try follow_up(...), to report how long",
        ],
    )
    assert_warns(
        lambda: rmst(FIVE.with_columns(centre=1), **BY_HAND, cluster="centre", tau=5),
        argument="cluster",
        column="centre",
        says=["leaves a standard error of 0 (too few clusters)", "several clusters", "Try robust=False"],
    )


def test_an_event_at_tau_counts_and_takes_nothing():
    at_tau = pl.DataFrame({"time": [0.3, 0.1 + 0.2, 1.0], "event": [1, 1, 0]})
    result = assert_warns(lambda: rmst(at_tau, **BY_HAND, tau=0.3), argument="tau", says=["before 0.3"])
    row = result.to_frame().row(0, named=True)
    assert (row["estimate"], row["n_event"]) == (0.3, 2)


def test_weights_that_are_not_whole_are_not_cut():
    weighted = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "w": [0.5, 0.7, 0.8, 0.6]})
    result = rmst(weighted, **BY_HAND, weights="w", tau=3)
    assert_close(result.n, 2.6)
    assert "n=2.6, events=1.2" in repr(result)
    tenths = weighted.with_columns(w=pl.lit(0.1)).sample(10, with_replacement=True, seed=1)
    whole = rmst(tenths, **BY_HAND, weights="w", tau=1.5)
    assert repr(whole.n) == "1"  # ten times 0.1 is 0.9999999999999999


def test_an_event_at_time_zero_takes_its_share_at_once():
    at_once = pl.DataFrame({"time": [0, 2], "event": [True, False]})
    assert_close(rmst(at_once, **BY_HAND, tau=2).to_frame()["estimate"], [1.0])


def test_tau_may_lie_beyond_the_last_event_of_a_group_whose_curve_has_reached_0():
    all_died = pl.DataFrame({"time": [1, 2, 6], "event": [1, 1, 1]})
    assert_close(rmst(all_died, **BY_HAND, tau=100).to_frame()["estimate"], [3.0])


def test_delayed_entry_by_hand():
    # at risk at 2: the second only after 1; at 3 both: S = 1/2 from 2 (n = 2), 1/4 ... until 4
    late = pl.DataFrame({"entry": [0.0, 1.0, 2.5], "time": [2.0, 3.0, 4.0], "event": [1, 1, 0]})
    row = rmst(late, **BY_HAND, entry="entry", tau=4).to_frame().row(0, named=True)
    assert_close(row["estimate"], 2 + 0.5 + 0.25)
    # area after 2: 0.75, one of two dies; after 3: 0.25, one of two dies
    assert_close(row["std_error"], np.sqrt(0.75**2 / 2 + 0.25**2 / 2))


def test_an_emptied_risk_set_is_told():
    late = pl.DataFrame({"entry": [0, 0, 5, 5], "time": [1, 2, 7, 8], "event": [1, 1, 1, 0]})
    answer = assert_warns(
        lambda: rmst(late, **BY_HAND, entry="entry", tau=8),
        argument="entry",
        column="entry",
        rows=[2],
        says=["empty"],
    )
    assert_close(answer.to_frame()["estimate"], [1.5])


def test_durations_are_days_and_the_result_says_so():
    days = FIVE.with_columns(pl.duration(days="time").alias("time"))
    result = rmst(days, **BY_HAND, tau=5)
    assert result.time_unit == "days"
    assert_close(result.to_frame()["estimate"], [3.3])


def test_the_result_tells_what_it_is():
    result = rmst(FIVE.with_columns(arm=pl.Series(list("ababa"))), **BY_HAND, by="arm", tau=4)
    assert repr(result).startswith("restricted mean survival time to 4, n=5, events=3")
    assert "95% limits: normal, Greenwood variance" in repr(result)
    assert result.text().startswith("restricted mean survival time to 4: a ")
    assert result.summary().row(0, named=True)["n_event"] == 3
    assert result.to_frame().columns == [
        "arm", "n", "n_event", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip


def test_lifelines_finds_the_same_mean(dataset):
    trial = dataset("myeloid")
    ours = rmst(trial, time="futime", event="death", tau=1000).to_frame()["estimate"][0]
    fitted = KaplanMeierFitter().fit(trial["futime"].to_numpy(), trial["death"].to_numpy())
    assert_close(ours, restricted_mean_survival_time(fitted, t=1000), rel=1e-8)


def horizon(cohort: pl.DataFrame) -> float:
    """A tau within the follow-up of every group."""
    return float(cohort.group_by("group").agg(pl.col("time").max())["time"].min()) * 0.8


@CERTAIN
@settings(max_examples=50, deadline=None)
@given(cohorts(entry=True))
def test_the_mean_is_the_area_under_the_curve(cohort):
    tau, roles = horizon(cohort), {**BY_HAND, "entry": "entry"}
    cohort = cohort.with_columns(entry=pl.lit(0.0))
    curve = kaplan_meier(cohort, **roles)
    grid = np.unique(np.append(np.minimum(np.append(0.0, cohort["time"]), tau), tau))
    heights = curve.at(grid[:-1])["estimate"].to_numpy()
    assert_close(rmst(cohort, **roles, tau=tau).to_frame()["estimate"], [np.sum(heights * np.diff(grid))])


@CERTAIN
@settings(max_examples=50, deadline=None)
@given(cohorts())
def test_an_integer_weight_is_that_many_patients(cohort):
    tau = horizon(cohort)
    weighted = rmst(cohort, **BY_HAND, by="group", weights="weight", tau=tau)
    repeated = rmst(replicated(cohort), **BY_HAND, by="group", tau=tau)
    assert_frame_equal(weighted.to_frame(), repeated.to_frame())


@CERTAIN
@settings(max_examples=30, deadline=None)
@given(cohorts())
def test_unweighted_robust_and_greenwood_variances_agree(cohort):
    tau = horizon(cohort)
    robust, greenwood = (rmst(cohort, **BY_HAND, by="group", tau=tau, robust=r) for r in (True, False))
    assert_close(robust.to_frame()["std_error"], greenwood.to_frame()["std_error"], rel=1e-8, at_zero=1e-9)


@CERTAIN
@settings(max_examples=30, deadline=None)
@given(cohorts())
def test_a_cluster_of_one_patient_each_changes_nothing_but_weights_twice_does(cohort):
    tau = horizon(cohort)
    single = rmst(cohort, **BY_HAND, cluster="patient", tau=tau).to_frame()
    assert_close(single["std_error"], rmst(cohort, **BY_HAND, tau=tau, robust=True).to_frame()["std_error"])
    # everybody twice, in one cluster: the same information, the same standard error
    twice = pl.concat([cohort, cohort])
    paired = rmst(twice, **BY_HAND, cluster="patient", tau=tau).to_frame()
    assert_close(paired["std_error"], single["std_error"], rel=1e-8, at_zero=1e-9)


@CERTAIN
@settings(max_examples=30, deadline=None)
@given(cohorts(), st.sampled_from([1.0, 3.5, 6.0]))
def test_splitting_the_follow_up_changes_nothing(cohort, cut):
    tau = horizon(cohort)
    whole = rmst(cohort, **BY_HAND, by="group", tau=tau)
    split = rmst(split_at(cohort, cut), **BY_HAND, entry="entry", id="patient", by="group", tau=tau)
    assert_frame_equal(split.to_frame(), whole.to_frame())


@CERTAIN
@settings(max_examples=30, deadline=None)
@given(cohorts(), st.randoms(use_true_random=False))
def test_neither_row_order_nor_entry_at_0_matters_and_the_unit_scales(cohort, random):
    tau = horizon(cohort)
    roles = {**BY_HAND, "by": "group"}
    first = rmst(cohort, **roles, tau=tau).to_frame()
    order = list(range(cohort.height))
    random.shuffle(order)
    assert_frame_equal(rmst(cohort[order], **roles, tau=tau).to_frame(), first)
    from_zero = cohort.with_columns(entry=pl.lit(0.0))
    assert_frame_equal(rmst(from_zero, **roles, entry="entry", tau=tau).to_frame(), first)
    years = rmst(cohort.with_columns(pl.col("time") / 365.25), **roles, tau=tau / 365.25).to_frame()
    assert_close(years["estimate"] * 365.25, first["estimate"])
    assert_close(years["std_error"] * 365.25, first["std_error"])


def test_follow_up_beyond_tau_is_not_estimated(reference):
    case = reference("hard_cases", "sh10")
    refusal = assert_refused(
        lambda: rmst(case.data, **case.options),
        argument="tau",
        says=["10 lies beyond the last follow-up at 6"],
    )
    assert_mentions(str(refusal), case.values)
    assert refusal.remedy == "tau=6.0"
    assert rmst(case.data, **{**case.options, "tau": 6.0}).n == 6


def test_a_tau_that_is_advised_is_short_and_within_follow_up():
    long = FIVE.with_columns(time=pl.col("time") * 97.14989733059548 / 6)
    refusal = assert_refused(lambda: rmst(long, **BY_HAND, tau=120), argument="tau")
    assert refusal.remedy == "tau=97.14"
    assert rmst(long, **BY_HAND, tau=97.14).n == 5


def test_the_group_that_ends_first_is_named():
    arms = pl.DataFrame({"time": [3, 9, 4, 5], "event": [1, 0, 1, 0], "arm": list("aabb")})
    refusal = assert_refused(
        lambda: rmst(arms, **BY_HAND, by="arm", tau=8), argument="tau", says=["group 'b' at 5", "at most 5"]
    )
    assert refusal.remedy == "tau=5.0"


@pytest.mark.parametrize("tau", [0, -1, float("inf"), "year", None])
def test_tau_is_a_time_above_0(tau):
    refusal = assert_refused(lambda: rmst(FIVE, **BY_HAND, tau=tau), argument="tau", says=[repr(tau)])
    assert refusal.expected == "a time above 0 in the unit of the data"
    assert refusal.remedy == "tau=365"


def test_an_unknown_quantity_is_refused_with_the_nearest():
    refusal = assert_refused(
        lambda: rmst(FIVE, **BY_HAND, tau=5, quantity="survive"), argument="quantity", says=["'survive'"]
    )
    assert refusal.remedy == "quantity='survived'"


def test_what_other_functions_refuse_is_refused_here():
    with pytest.raises(DataError, match="event_value=2"):
        rmst(FIVE.with_columns(pl.col("event") + 1), **BY_HAND, tau=5)
    coded = FIVE.with_columns(pl.col("event") + 1)
    assert_close(rmst(coded, **BY_HAND, event_value=2, tau=5).to_frame()["estimate"], [3.3])
    missing = pl.concat([FIVE, pl.DataFrame({"time": [None], "event": [1]}, schema=FIVE.schema)])
    assert_refused(lambda: rmst(missing, **BY_HAND, tau=5), argument="time", column="time", rows=[6])
    assert rmst(missing, **BY_HAND, tau=5, missing="drop").n_dropped == 1
