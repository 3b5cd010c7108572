"""Mean numbers of events compared: R's scores and variances, truths, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

from hemresearch.recurrent import mean_cumulative, mean_cumulative_difference, mean_cumulative_test
from hemresearch.survival import logrank

GROUPS = ROLES | {"by": "arm"}


def rows(seed=1, n=80, **options):
    return recurrent_rows(np.random.default_rng(seed), n, digits=1, **options)


@pytest.mark.parametrize("case_id", reference_cases("recurrent_more", "mean_test"))
def test_matches_the_influences_of_survfit(reference, case_id):
    case = reference("recurrent_more", case_id)
    o, v = case.options, case.values
    test = mean_cumulative_test(
        case.data, time=o["stop"], event=case.role("event"), entry=o["start"], id=o["id"], by=o["by"]
    )
    assert test.to_frame()["group"].to_list() == v["groups"]
    assert_close(test.to_frame()["score"], v["score"], rel=1e-9)
    assert_close([test.statistic, test.df], [v["statistic"], v["df"]], rel=1e-9)


def test_the_difference_in_independent_groups_has_the_sum_of_their_variances(reference):
    case = reference("recurrent", "mcf_cgd")
    o = case.options
    roles = {
        "time": o["stop"],
        "event": case.role("event"),
        "entry": o["start"],
        "id": o["id"],
        "by": o["by"],
    }
    placebo, active = case.values["strata"]
    for k, at in enumerate(o["times"]):
        frame = mean_cumulative_difference(case.data, **roles, at=at).to_frame()
        low, high = (np.array([g["mcf"][k], g["std_err_robust"][k]]) for g in (placebo, active))
        error, relative = np.hypot(low[1], high[1]), np.hypot(low[1] / low[0], high[1] / high[0])
        assert_close(frame["estimate"], [high[0] - low[0], high[0] / low[0]], rel=1e-9)
        assert_close(frame["std_error"][0], error, rel=1e-9)
        assert_close(frame["statistic"][1], np.log(high[0] / low[0]) / relative, rel=1e-9)
        assert_close(frame["p_value"][0], 2 * ndtr(-abs(high[0] - low[0]) / error), rel=1e-9)
        assert_close(frame["conf_high"][1], high[0] / low[0] * np.exp(1.959963984540054 * relative), rel=1e-9)


def test_scores_are_those_of_the_log_rank_test_where_nobody_dies():
    test = mean_cumulative_test(rows(2), **GROUPS)
    assert_close(test.to_frame()["score"], logrank(rows(2), **GROUPS).score, rel=1e-9)
    assert test.to_frame()["observed"].sum() == rows(2)["event"].sum()
    assert "Lawless-Nadeau, log-rank weights" in test.methods()


def test_without_censoring_the_difference_is_that_of_averages():
    data = rows(3, end=(4.0, 4.0), death=0.3)
    frame = mean_cumulative_difference(data, **GROUPS, terminal="died", at=4.1).to_frame()
    counts = (
        data.group_by("arm", "id").agg(pl.col("event").sum()).sort("arm").group_by("arm", maintain_order=True)
    )
    table = counts.agg(mean=pl.col("event").mean(), var=pl.col("event").var(ddof=0), n=pl.len())
    a, b = table["mean"]
    assert_close(frame["estimate"], [b - a, b / a], rel=1e-9)
    assert_close(frame["std_error"][0], np.sqrt((table["var"] / table["n"]).sum()), rel=1e-9)


def test_death_that_differs_between_groups_changes_the_means_but_not_the_rates():
    data = rows(4, n=600, death=0.2, effect_on_death=2.0, shared=0.3)
    alive = mean_cumulative_test(data, **GROUPS)
    marginal = mean_cumulative_test(data, **GROUPS, terminal="died")
    assert alive.p_value > 0.05
    assert marginal.p_value < 1e-6
    assert marginal.to_frame()["score"][1] < 0
    assert "Ghosh-Lin" in marginal.method


@pytest.mark.parametrize("terminal", [None, "died"])
def test_order_units_and_weights(terminal):
    data = rows(5, death=0.2)
    test, difference = (
        lambda d, **more: mean_cumulative_test(d, **GROUPS, terminal=terminal, **more),
        lambda d, **more: mean_cumulative_difference(d, **GROUPS, terminal=terminal, **more).to_frame(),
    )
    shuffled = data.sample(fraction=1, shuffle=True, seed=2).lazy()
    assert_close(test(shuffled).statistic, test(data).statistic, rel=1e-9)
    days = data.with_columns(pl.col("start", "stop") * 365.25)
    assert_close(test(days).statistic, test(data).statistic, rel=1e-9)
    assert_frame_equal(difference(days, at=730.5), difference(data, at=2), rel_tol=1e-9)
    other = data.with_columns(arm=pl.col("arm").replace({"A": "Z"}))
    assert_close(test(other).statistic, test(data).statistic, rel=1e-9)
    copies = [data.filter(pl.col("id") % 2 >= k).with_columns(pl.col("id") + 1000 * k) for k in range(2)]
    doubled = pl.concat(copies).with_columns(pair=pl.col("id") % 1000)
    weighted = data.with_columns(w=1 + pl.col("id") % 2)
    assert_close(test(weighted, weights="w").statistic, test(doubled, cluster="pair").statistic, rel=1e-9)
    assert_frame_equal(
        difference(weighted, weights="w", at=2), difference(doubled, cluster="pair", at=2), rel_tol=1e-9
    )


def test_patients_in_both_groups_are_compared_with_themselves():
    both = rows(6, n=60).with_columns(pl.col("id") // 2, pair=pl.col("id"))
    own = mean_cumulative_difference(both, **GROUPS | {"id": "pair"}, at=2, cluster="id").to_frame()
    curves = mean_cumulative(both, **GROUPS | {"id": "pair"}).at(2)
    assert_close(own["estimate"][0], curves["estimate"][1] - curves["estimate"][0], rel=1e-12)
    apart = mean_cumulative_difference(both, **GROUPS | {"id": "pair"}, at=2).to_frame()
    assert own["std_error"][0] != pytest.approx(apart["std_error"][0], rel=1e-3)


def test_the_text_names_the_groups():
    told = mean_cumulative_difference(rows(7), **GROUPS, at=2).text()
    assert told.startswith("mean number of events to 2, B against A: difference ")
    assert "; ratio " in told
    tens = rows(7).with_columns(pl.duration(days=10 * pl.col(c)).alias(c) for c in ("start", "stop"))
    assert mean_cumulative_difference(tens, **GROUPS, at=20).name == "mean number of events to 20 days"


def test_refusals():
    data = rows(8)
    for call in (mean_cumulative_test, mean_cumulative_difference):
        at = {"at": 1} if call is mean_cumulative_difference else {}
        assert_refused(
            lambda call=call, at=at: call(data.filter(pl.col("arm") == "A"), **GROUPS, **at),
            argument="by", column="arm", says=["mean_cumulative(...)"],
        )  # fmt: skip
    quiet = data.with_columns(event=pl.lit(False))
    assert_refused(
        lambda: mean_cumulative_test(quiet, **GROUPS),
        argument="by",
        column="arm",
        says=["cannot be compared"],
    )
    last = data.filter(pl.col("arm") == "B")["stop"].max()
    assert_refused(
        lambda: mean_cumulative_difference(data, **GROUPS, at=50),
        argument="at",
        says=["'A', 'B'", "or earlier"],
    )
    cut = data.filter((pl.col("arm") == "A") | (pl.col("stop") < 1))
    assert_refused(lambda: mean_cumulative_difference(cut, **GROUPS, at=2), argument="at", says=["of 'B' at"])
    assert last > 2
    assert_refused(lambda: mean_cumulative_difference(data, **GROUPS, at=-1), argument="at")


def test_a_group_without_events_has_no_ratio():
    data = rows(9).with_columns(event=pl.col("event") & (pl.col("arm") == "A"))
    answer = assert_warns(
        lambda: mean_cumulative_difference(data, **GROUPS, at=2), argument="at", says=["'B'", "no ratio"]
    )
    assert answer.to_frame()["estimate"].is_null().to_list() == [False, True]
    early = mean_cumulative_difference
    assert_warns(lambda: early(data, **GROUPS, at=0.01), argument="at", says=["'A', 'B'"])


def test_all_dead_by_a_time_are_known_later():
    data = rows(10, n=40, death=5.0).filter(pl.col("stop") < 0.8)
    data = data.filter(pl.col("died").any().over("id"))
    frame = mean_cumulative_difference(data, **GROUPS, terminal="died", at=9).to_frame()
    assert frame["estimate"].is_not_null().all()
