"""The concordance: R's values, pairs counted by hand, and truths about the method."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.numerics.concordance import concordance_counts
from hemresearch.regression import concordance

COUNTS = {"concordant": "concordant", "discordant": "discordant", "tied.x": "tied_x", "tied.y": "tied_y",
          "tied.xy": "tied_xy"}  # fmt: skip
ROLES = {"time": "time", "event": "event", "score": "score"}
# Events at 2 (score 1), 3 (scores 5 and 4) and 6 (score 2); scores 0 and 2 are censored, at 3 and 9.
SIX = pl.DataFrame({"time": [2, 3, 3, 3, 6, 9], "event": [1, 1, 1, 0, 1, 0], "score": [1.0, 5, 4, 0, 2, 2]})


def assert_row(result, values):
    row = result.to_frame().row(0, named=True)
    assert_close([row["estimate"], row["std_error"]], [values["c"], values["se"]])
    if "count" in values:
        assert_close({k: row[ours] for k, ours in COUNTS.items()}, values["count"])


@pytest.mark.parametrize("case_id", reference_cases("concordance"))
def test_matches_r(reference, case_id):
    case = reference("concordance", case_id)
    for time_weight, values in case.values.items():
        roles = {name: case.role(name) for name in ("entry", "strata", "weights", "cluster", "tau")}
        result = concordance(
            case.data, time=case.role("time"), event=case.role("event"), score=case.role("score"),
            time_weight=time_weight, **roles,
        )  # fmt: skip
        if case_id == "concordance_heart_entry_tau":
            # R 3.5-3 counts the tied events of start-stop rows at all times, later versions up to the horizon
            roles["tau"] = None
            everywhere = concordance(case.data, time="stop", event="event", score="age", **roles)
            assert_close(everywhere.to_frame()["tied_y"], [values["count"]["tied.y"]])
            counts = {**values["count"], "tied.y": result.to_frame()["tied_y"][0]}
            values = {**values, "count": counts}
        assert_row(result, values)


@pytest.mark.parametrize("case_id", reference_cases("cox", "cindex_"))
def test_matches_r_for_a_marker(reference, case_id):
    case = reference("cox", case_id)
    for time_weight, values in case.values.items():
        result = concordance(
            case.data, time=case.role("time"), event=case.role("event"), score=case.role("marker"),
            tau=case.role("ymax"), time_weight=time_weight,
        )  # fmt: skip
        assert_row(result, values)


def linear_predictor(case):
    """The sum of coefficients times columns, row by row in one order, so that equal rows stay equal.

    Not for the splines of cox_flchain_ns: there R has 276 ties of the score, where its exact value has 289.
    """

    def column(name):
        factor = re.fullmatch(r"factor\((\w+)\)(.+)", name)
        if factor:
            return (case.data[factor[1]] == int(factor[2])).to_numpy().astype(float)
        if name in case.data.columns:
            return case.data[name].cast(pl.Float64).to_numpy()
        owner = max((c for c in case.data.columns if name.startswith(c)), key=len)
        return (case.data[owner].cast(pl.String) == name.removeprefix(owner)).to_numpy().astype(float)

    def product(name):
        return np.prod([column(part) for part in name.split(":")], axis=0)

    return sum(coef * product(name) for name, coef in case.values["coef"].items())


@pytest.mark.parametrize(
    "case_id",
    ["cox_bmt_efron", "cox_mgus2_efron", "cox_mgus2_breslow", "cox_lung_strata", "cox_retinopathy_cluster",
     "cox_heart_startstop", "cox_bmtcrr_interaction"],
)  # fmt: skip
def test_matches_r_for_the_linear_predictor_of_a_cox_model(reference, case_id):
    case = reference("cox", case_id)
    used = case.data.with_columns(lp=pl.Series(linear_predictor(case)).fill_nan(None))
    expected = case.values["concordance"]
    weighted = {w: expected[f"timewt_{w}"] for w in ("S", "S/G", "n/G2", "I") if f"timewt_{w}" in expected}
    harrell = {"c": expected["harrell"], "se": expected["harrell_se"], "count": expected["counts"]}
    for time_weight, values in {"n": harrell, **weighted}.items():
        result = concordance(
            used, time=case.role("time"), event=case.role("event"), score="lp", entry=case.role("entry"),
            strata=case.role("strata"), cluster=case.role("cluster"), time_weight=time_weight, missing="drop",
        )  # fmt: skip
        assert_row(result, values)


def test_six_patients_by_hand():
    # At 2 score 1 against 5, 4, 0, 2, 2: one concordant, four discordant. At 3 both 5 and 4 against 0, 2, 2:
    # all concordant; and one pair of events at one time. At 6 score 2 against 2.
    row = concordance(SIX, **ROLES).to_frame().row(0, named=True)
    assert [row[c] for c in COUNTS.values()] == [7, 4, 1, 1, 0]
    assert row["estimate"] == 7.5 / 12
    # each patient's concordant less discordant pairs, less 3/12 of all its pairs, over 2 * 12
    parts = np.array([-3 - 5 / 4, 2 - 4 / 4, 2 - 4 / 4, 3 - 3 / 4, 1 - 4 / 4, 1 - 4 / 4]) / 24
    assert_close(row["std_error"], np.sqrt(parts @ parts))
    assert row["conf_high"] == 1.0  # cut
    assert_close(row["conf_low"], row["estimate"] - 1.959963984540054 * row["std_error"])


def test_an_event_at_tau_counts_and_rounding_error_does_not_hide_it():
    assert concordance(SIX, **ROLES, tau=3).to_frame()["concordant"][0] == 7
    assert concordance(SIX, **ROLES, tau=3).to_frame()["tied_x"][0] == 0
    tenths = SIX.with_columns(pl.col("time") * 0.1)
    assert concordance(tenths, **ROLES, tau=0.3).to_frame()["concordant"][0] == 7
    assert concordance(tenths, **ROLES, tau=0.3).n_event == 3


def test_a_stratum_with_one_event_has_the_weight_of_its_definition():
    # R gives such a stratum the weight 1 of "n", not 1/n, S n0/n or 1/G^2: the same without other strata.
    two = pl.concat([SIX.with_columns(s=0), SIX.with_columns(s=1, event=pl.Series([0, 0, 0, 0, 1, 0]))])
    row = concordance(two, **ROLES, strata="s", time_weight="I").to_frame().row(0, named=True)
    assert_close(row["tied_x"], 1 / 2 + 1 / 2)
    assert_close([row["concordant"], row["discordant"]], [1 / 6 + 6 / 5, 4 / 6])


def test_a_reversed_score_is_the_complement():
    one = concordance(SIX, **ROLES).to_frame()
    other = concordance(SIX, time="time", event="event", score=-pl.col("score")).to_frame()
    assert_close(other["estimate"], 1 - one["estimate"])
    assert_close(other["std_error"], one["std_error"])


def test_uno_and_schemper_agree_without_delayed_entry(dataset):
    frames = [
        concordance(dataset("lung"), time="time", event="status", event_value=2, score="age", time_weight=w)
        for w in ("n/G2", "S/G")
    ]
    assert_frame_equal(frames[0].to_frame(), frames[1].to_frame(), rel_tol=1e-12)


CERTAIN = pytest.mark.filterwarnings("ignore:.*standard error of 0:hemresearch.errors.DataWarning")


def scored(cohort, *, strata=False, entry=False):
    """The cohort with a score that has ties, if there is a pair to compare."""
    cohort = cohort.with_columns(score=((pl.col("patient") * 7) % 5).cast(pl.Float64))
    time, event, score, start, group = cohort.select("time", "event", "score", "entry", "group").get_columns()
    counts = concordance_counts(
        time.to_numpy(), event.to_numpy(), score.to_numpy(), entry=start.to_numpy() if entry else None,
        stratum=(group == "g1").to_numpy() if strata else None,
    )  # fmt: skip
    assume(np.isfinite(counts.value))
    return cohort


@CERTAIN
@settings(max_examples=30)
@given(cohorts(entry=True))
def test_weight_two_is_two_patients(cohort):
    # Only the pairs with events at one time differ: a replicated patient makes one alone.
    cohort = scored(cohort, strata=True)
    weighted = concordance(cohort, **ROLES, strata="group", weights="weight").to_frame()
    repeated = concordance(replicated(cohort), **ROLES, strata="group", cluster="patient").to_frame()
    assert_frame_equal(weighted.drop("tied_xy"), repeated.drop("tied_xy"), rel_tol=1e-9)


@CERTAIN
@settings(max_examples=30)
@given(cohorts(entry=True))
def test_splitting_rows_changes_nothing(cohort):
    cohort = scored(cohort, entry=True)
    whole = concordance(cohort, **ROLES, entry="entry", cluster="patient").to_frame()
    split = concordance(split_at(cohort, 3.5), **ROLES, entry="entry", cluster="patient").to_frame()
    assert_frame_equal(split, whole, rel_tol=1e-9)


def test_the_result_says_what_it_is():
    result = concordance(
        SIX.with_columns(k=pl.Series([1, 1, 2, 2, 3, 3])), **ROLES, cluster="k", tau=5, time_weight="n/G2"
    )
    assert result.name == "Uno's concordance up to 5"
    assert result.method == "normal, infinitesimal jackknife variance over clusters"
    assert result.text().startswith("Uno's concordance up to 5: 0.64 (95% CI ")
    assert "concordance: 0.6364 (" in repr(result)
    assert (result.n, result.n_event) == (6, 3)


def test_rows_with_a_missing_score_are_named_or_left_out_and_counted():
    holes = SIX.with_columns(score=pl.Series([None, 5.0, 4, 0, 2, 2]))
    assert_refused(lambda: concordance(holes, **ROLES), argument="score", column="score", rows=[1])
    assert concordance(holes, **ROLES, missing="drop").n_dropped == 1


def test_rows_of_weight_zero_are_nobody():
    weighted = SIX.with_columns(w=pl.Series([0.0, 1, 1, 1, 1, 1]))
    assert_frame_equal(
        concordance(weighted, **ROLES, weights="w").to_frame(), concordance(SIX[1:], **ROLES).to_frame()
    )


def test_a_score_that_is_no_finite_number_is_refused():
    wrong = SIX.with_columns(text=pl.lit("a"), odds=pl.col("score") / (2 - pl.col("score")))
    roles = {"time": "time", "event": "event"}
    refusal = assert_refused(
        lambda: concordance(wrong, **roles, score="odds"), argument="score", column="odds", rows=[5, 6],
        says=["2 values that are infinite"],
    )  # fmt: skip
    assert "higher for a shorter survival" in refusal.expected
    assert_refused(
        lambda: concordance(wrong, **roles, score="text"),
        argument="score",
        column="text",
        says=["holds text"],
    )


def test_two_scores_are_refused():
    assert_refused(
        lambda: concordance(SIX, time="time", event="event", score=["score", "time"]),
        argument="score",
        says=["2 columns were given"],
    )


def test_delayed_entry_is_refused_with_another_time_weight():
    late = SIX.with_columns(start=1)
    assert_refused(
        lambda: concordance(late, **ROLES, entry="start", time_weight="n/G2"),
        argument="entry",
        column="start",
        says=['time_weight="n"'],
    )


def test_an_unknown_time_weight_and_a_tau_of_zero_are_refused():
    assert_refused(lambda: concordance(SIX, **ROLES, time_weight="uno"), argument="time_weight")
    assert_refused(lambda: concordance(SIX, **ROLES, tau=0), argument="tau")


def test_data_without_a_comparable_pair_are_refused():
    quiet = SIX.with_columns(event=0, arm=pl.Series(range(6)))
    assert_refused(lambda: concordance(quiet, **ROLES), argument="event", column="event", says=["nobody has"])
    assert_refused(
        lambda: concordance(SIX, **ROLES, tau=1), argument="event", column="event", says=["up to tau"]
    )
    assert_refused(
        lambda: concordance(SIX.with_columns(arm=pl.Series(range(6))), **ROLES, strata="arm"),
        argument="event",
        column="event",
        says=["nobody within arm"],
    )


def test_a_standard_error_of_zero_is_told():
    perfect = SIX.with_columns(score=pl.col("event") / 2 - pl.col("time"))
    result = assert_warns(
        lambda: concordance(perfect, **ROLES), argument="score", column="score", says=["standard error of 0"]
    )
    assert result.to_frame().row(0)[1:5] == (1.0, 0.0, 1.0, 1.0)
    one_cluster = SIX.with_columns(k=1)
    assert_warns(lambda: concordance(one_cluster, **ROLES, cluster="k"), argument="cluster", column="k")
