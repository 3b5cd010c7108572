"""The probability of a cause among those whom no other has taken: R, by hand, influence, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused
from relapse_cohorts import ROLES, cohort

from hemresearch.competing import conditional_probability, cumulative_incidence
from hemresearch.survival import kaplan_meier

STEP = 1e-4


def test_matches_r(reference):
    case = reference("competing_risks", "cslr_follic")
    o = case.options
    ours = conditional_probability(
        case.data, time=o["time"], event=o["status"], cause=1, by=o["group"], times=o["times"]
    ).to_frame()
    for theirs in case.values["conditional_probability"]:
        found = case.in_group(ours, theirs["label"])
        assert_close(found["time"], theirs["times"])
        assert_close(found["estimate"], theirs["cp_cause1"], rel=1e-9)


def test_four_patients_by_hand():
    data = pl.DataFrame({"time": [1, 2, 3, 4], "event": ["relapse", "death", "relapse", "censored"]})
    ours = conditional_probability(data, **ROLES, cause="relapse", times=[1, 2, 3]).to_frame()
    assert_close(ours["estimate"], [1 / 4, 1 / 3, 2 / 3])  # of 4, 3 and 3 whom death has not taken
    # as a proportion of the three, all of them observed: p (1 - p) / 3
    assert_close(ours["std_error"], np.sqrt([3 / 64, 2 / 27, 2 / 27]))


def test_errors_are_sums_of_what_each_weight_moves():
    n = 30
    data = cohort(1, n, ties=True).with_columns(w=1.0)
    times = [2.0, 5.0, 8.0]

    def probability(weighted):
        curves = cumulative_incidence(weighted, **ROLES, weights="w", variance="ij").at(times)
        own, other = (curves.filter(cause=c)["estimate"].to_numpy() for c in ("relapse", "death"))
        return own / (1 - other)

    def moved(row):
        both = [data.with_columns(w=1 + step * (pl.col("patient") == row)) for step in (-STEP, STEP)]
        return (probability(both[1]) - probability(both[0])) / (2 * STEP)

    ours = conditional_probability(data, **ROLES, cause="relapse", times=times).to_frame()
    assert_close(ours["estimate"], probability(data), rel=1e-10)
    assert_close(ours["std_error"], np.sqrt(sum(moved(row) ** 2 for row in range(n))), rel=1e-6)


def test_groups_are_each_their_own_and_rows_with_missing_values_left_out():
    data = cohort(2, 90, ties=True)
    ours = conditional_probability(data, **ROLES, cause="death", by="site", times=[3, 6]).to_frame()
    for (site,), group in data.group_by("site"):
        alone = conditional_probability(group, **ROLES, cause="death", times=[3, 6]).to_frame()
        assert_frame_equal(ours.filter(site=site).drop("site"), alone)
    gaps = data.with_columns(site=pl.when(pl.col("site") == "c").then(None).otherwise("site"))
    dropped = conditional_probability(gaps, **ROLES, cause="death", by="site", times=[3, 6], missing="drop")
    assert_frame_equal(dropped.to_frame(), ours.filter(pl.col("site") != "c"))
    assert dropped.n_dropped == (data["site"] == "c").sum()


def test_without_other_causes_it_is_the_incidence():
    data = cohort(3, 60).with_columns(
        event=pl.when(pl.col("event") == "censored").then("event").otherwise(pl.lit("death"))
    )
    ours = conditional_probability(data, **ROLES, cause="death", times=[4], conf_type="plain", conf_level=0.9)
    km = kaplan_meier(data, **ROLES, event_value="death", conf_type="plain", conf_level=0.9).at([4])
    assert_close(ours.to_frame()["estimate"], 1 - km["estimate"])
    assert_close(ours.to_frame()["std_error"], km["std_error"])
    assert_close(ours.to_frame()["conf_low"], 1 - km["conf_high"])


def test_when_other_causes_have_taken_all_there_is_none():
    data = pl.DataFrame({"time": [1, 2], "event": ["death", "death"]})
    both = pl.concat([data, pl.DataFrame({"time": [9], "event": ["relapse"]})])
    ours = conditional_probability(both.with_columns(g=pl.Series(["a", "a", "b"])).vstack(
        pl.DataFrame({"time": [9], "event": ["relapse"], "g": ["b"]})
    ), **ROLES, cause="relapse", censored=None, by="g", times=3).to_frame()  # fmt: skip
    assert ours["estimate"].to_list() == [None, 0.0]


def test_the_result_tells_of_itself():
    ours = conditional_probability(cohort(4), **ROLES, cause="relapse", times=5)
    assert ours.name == "conditional probability of relapse"
    assert ours.text().startswith("conditional probability of relapse: time=5 ")
    assert ours.n_event == (cohort(4)["event"] == "relapse").sum()


def test_refusals():
    data = cohort(5)

    def refused(*says, argument, column=None, **options):
        given = ROLES | {"cause": "relapse", "times": 5} | options
        assert_refused(
            lambda: conditional_probability(data, **given), argument=argument, column=column, says=says
        )

    refused("events were asked for at once", argument="cause", column="event", cause=["relapse", "death"])
    refused("conf_level", argument="conf_level", conf_level=95)
    refused("log-log", argument="conf_type", conf_type="exp")
    refused("non-negative", argument="times", times=-1)
    refused("follow-up", argument="times", times=900)
