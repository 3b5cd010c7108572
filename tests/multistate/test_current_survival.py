"""Current survival: R's currentSurvival, proportions without censoring, and the jackknife by leaving out."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.multistate import current_incidence, current_survival
from hemresearch.survival import kaplan_meier

REMISSIONS, LOSSES = ["CCgR01", "CCgR02", "CCgR03"], ["loss_CCgR01", "loss_CCgR02"]
ROLES = {"time": "end", "event": "died"}
CHAIN = {"lost": ["loss1", "loss2"], "regained": ["gain1", "gain2"]}


def cohort(n=60, seed=1, censored=True):
    """A state that is lost and regained twice at most, until death or the end of follow-up."""
    rng = np.random.default_rng(seed)
    changes = np.cumsum(rng.exponential(2.0, (n, 4)), axis=1)
    death = rng.exponential(6.0, n)
    follow_up = rng.uniform(1, 9, n) if censored else np.full(n, np.inf)
    end = np.minimum(death, follow_up)
    seen = pl.DataFrame(
        np.where(changes <= end[:, None], changes, np.nan), schema=["loss1", "gain1", "loss2", "gain2"]
    )
    return seen.fill_nan(None).with_columns(end=end, died=death <= follow_up)


def inside(data, t):
    """Who is alive and in the state at t, all being in it at time zero."""
    lost = sum((data[name] <= t).fill_null(False).cast(int) for name in CHAIN["lost"])
    regained = sum((data[name] <= t).fill_null(False).cast(int) for name in CHAIN["regained"])
    return (lost == regained) & (data["end"] > t)


@pytest.mark.parametrize("months", range(12, 61, 12))
def test_current_leukaemia_free_survival_matches_r(reference, months):
    case = reference("multistate", "ms_clfs_all")
    # currentSurvival rounds to three decimals, and takes the day floor(months 365 / 12)
    day = months * 365 // 12
    data = case.data.filter(pl.col("CCgR01").is_not_null())
    data = data.with_columns(pl.col("follow.up", *REMISSIONS[1:], *LOSSES) - pl.col("CCgR01"))
    ours = current_survival(data, time="follow.up", event="death", lost=LOSSES, regained=REMISSIONS[1:]).at(
        day
    )
    theirs = next(row for row in case.values["clfs"]["pest"]["data"] if row[0] == months)
    at_risk = next(row for row in case.values["clfs"]["no.risk"]["data"] if row[0] == months)
    assert ours["estimate"][0] == pytest.approx(theirs[1], abs=6e-4)
    assert ours["n_risk"][0] == at_risk[1]


def test_current_incidence_of_remission_matches_r(reference):
    case = reference("multistate", "ms_clfs_all")
    rows = np.array(case.values["cci"]["pest.day_first400_every30"]["data"])
    ours = current_incidence(case.data, time="follow.up", event="death", gained=REMISSIONS, lost=LOSSES)
    estimate = ours.at(rows[:, 0], extend=True)["estimate"].to_numpy()
    np.testing.assert_allclose(estimate, rows[:, 1], atol=6e-4)


def test_without_censoring_it_is_the_share_that_is_in_the_state():
    data = cohort(censored=False)
    curve = current_survival(data, **ROLES, **CHAIN).at([0, 1, 2.5, 6, 11])
    shares = [inside(data, t).mean() for t in (0, 1, 2.5, 6, 11)]
    np.testing.assert_allclose(curve["estimate"], shares, atol=1e-12)
    errors = np.sqrt(np.array(shares) * (1 - np.array(shares)) / len(data))
    np.testing.assert_allclose(curve["std_error"], errors, atol=1e-9)
    begun = current_incidence(data, **ROLES, gained=["loss1", "loss2"], lost=["gain1", "gain2"]).at(
        [0, 1, 2.5, 6]
    )
    outside = [((data["end"] > t) & ~inside(data, t)).mean() for t in (0, 1, 2.5, 6)]
    np.testing.assert_allclose(begun["estimate"], outside, atol=1e-12)


def test_the_methods_say_what_is_summed():
    sentence = current_survival(cohort(), **ROLES, **CHAIN).methods()
    assert sentence.startswith(
        "Current survival (died by end) was estimated by a sum of Kaplan-Meier curves,"
    )
    gained = current_incidence(cohort(), **ROLES, gained="loss1", lost="gain1").methods()
    assert "estimated by a sum of cumulative incidences," in gained


def test_what_is_never_regained_is_kaplan_meier():
    data = cohort()
    ours = current_survival(data, **ROLES, lost="loss1").at([1, 2, 3])
    first = data.with_columns(
        t=pl.min_horizontal("loss1", "end"), e=pl.col("loss1").is_not_null() | pl.col("died")
    )
    theirs = kaplan_meier(first, time="t", event="e", robust=True).at([1, 2, 3])
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-9)


@pytest.mark.parametrize("estimate", [
    lambda d: current_survival(d, **ROLES, **CHAIN),
    lambda d: current_incidence(d, **ROLES, gained=["loss1", "loss2"], lost=["gain1", "gain2"]),
])  # fmt: skip
def test_the_variance_is_near_that_of_leaving_each_patient_out(estimate):
    data, times = cohort(120, seed=3), [1, 2, 4]
    n = len(data)
    out = np.array(
        [estimate(data.with_row_index().filter(pl.col("index") != i)).at(times)["estimate"] for i in range(n)]
    )
    jackknife = np.sqrt((n - 1) / n * ((out - out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(estimate(data).at(times)["std_error"], jackknife, rtol=0.03)


def test_each_group_has_its_own_curve():
    data = cohort().with_columns(arm=pl.Series(["a", "b"] * 30))
    both = current_survival(data, **ROLES, **CHAIN, by="arm")
    alone = current_survival(data.filter(pl.col("arm") == "b"), **ROLES, **CHAIN)
    np.testing.assert_allclose(both.at(3)["estimate"][1], alone.at(3)["estimate"][0])
    assert both.groups()["n"].to_list() == [30, 30]
    left = alone.groups()["n_event"][0]
    part = data.filter(pl.col("arm") == "b")
    died_inside = sum(inside(part, t)[i] for i, t in enumerate(part["end"] - 1e-9) if part["died"][i])
    assert left == part["loss1"].count() + part["loss2"].count() + died_inside


def test_shuffled_rows_and_another_unit_change_nothing():
    data = cohort()
    days = data.with_columns(pl.col(pl.Float64) * 365.25).sample(fraction=1, shuffle=True, seed=1)
    ours, theirs = (current_survival(d, **ROLES, **CHAIN) for d in (data, days))
    np.testing.assert_allclose(ours.frame["estimate"], theirs.frame["estimate"], rtol=1e-9)
    np.testing.assert_allclose(ours.frame["std_error"], theirs.frame["std_error"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("changed", "argument", "column", "says"),
    [
        ({"gain1": [1.0] * 60}, "regained", "gain1", "'loss1' did not"),
        ({"loss1": [-1.0] * 60}, "lost", "loss1", "lies before time zero"),
        ({"loss1": [50.0] * 60}, "lost", "loss1", "after the end of follow-up"),
    ],
)
def test_times_out_of_order_are_refused(changed, argument, column, says):
    data = cohort().with_columns(loss1=None, gain1=None, loss2=None, gain2=None).cast(
        dict.fromkeys(["loss1", "gain1", "loss2", "gain2"], pl.Float64)
    )  # fmt: skip
    data = data.with_columns(pl.Series(name, values) for name, values in changed.items())
    assert_refused(
        lambda: current_survival(data, **ROLES, **CHAIN), argument=argument, column=column, says=[says],
        rows=range(1, 61),
    )  # fmt: skip


def test_columns_that_do_not_alternate_are_refused():
    assert_refused(
        lambda: current_survival(cohort(), **ROLES, lost="loss1", regained=["gain1", "gain2"]),
        argument="lost", says=["1 column beside 2 of regained="],
    )  # fmt: skip


def test_durations_and_numbers_are_not_mixed():
    data = cohort().with_columns(end=pl.Series([timedelta(days=400)] * 60))
    assert_refused(
        lambda: current_survival(data, **ROLES, **CHAIN), argument="lost", column="loss1", says=["durations"]
    )


def test_a_column_without_any_time_is_one_that_never_happened():
    data = cohort().with_columns(gain2=pl.lit(None), loss2=pl.lit(None))
    ours = current_survival(data, **ROLES, **CHAIN).at(4)["estimate"][0]
    fewer = current_survival(data, **ROLES, lost="loss1", regained="gain1").at(4)["estimate"][0]
    assert ours == pytest.approx(fewer, rel=1e-12)
