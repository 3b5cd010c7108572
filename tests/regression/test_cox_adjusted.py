"""Standardised survival of Cox fits (against R in test_cox_reference.py): means, errors, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cohorts import EVERYTHING, ROLES, TERMS, cohort
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.regression import cox

STEPS = (-1e-4, 1e-4)


def predicted_mean(fit, data, times, **column):
    """The mean over rows of what `predict` gives when everybody has one value of a column."""
    everybody = data.with_columns(pl.lit(v, dtype=data.schema[c]).alias(c) for c, v in column.items())
    predicted = fit.predict(everybody, times=times)
    return predicted.group_by("time").agg(pl.col("estimate").mean()).sort("time")["estimate"]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("by", ["group", "marked"])
def test_curves_are_means_of_predicted_curves(ties, by):
    data, times = cohort(1), [2.0, 5.0, 9.0]
    roles = {k: v for k, v in EVERYTHING.items() if k != "offset"}
    fit = cox(data, TERMS, **roles, ties=ties)
    ours = fit.adjusted(by).at(times)
    for value in data[by].unique():
        expected = predicted_mean(fit, data, times, **{by: value})
        assert_close(ours.filter(pl.col(by) == value)["estimate"], expected, rel=1e-10)


def test_a_stratum_is_a_level_to_set_everybody_to():
    data, times = cohort(1), [2.0, 5.0]
    fit = cox(data, "age + marked", **ROLES, strata="stratum")
    ours = fit.adjusted("stratum").at(times)
    for value in ("x", "y"):
        expected = predicted_mean(fit, data, times, stratum=value)
        assert_close(ours.filter(pl.col("stratum") == value)["estimate"], expected, rel=1e-10)


def test_an_offset_is_that_of_each_row():
    data = cohort(2)
    as_offset = cox(data.with_columns(o=0.03 * pl.col("age")), "marked", **ROLES, offset="o")
    held = as_offset.adjusted("marked").at([5.0])["estimate"]
    h = as_offset.predict(pl.DataFrame({"marked": [False, True]}), times=[5.0], kind="cumulative hazard")
    risk = np.exp(0.03 * data["age"].to_numpy())
    assert_close(held, [np.exp(-risk * x).mean() for x in h["estimate"]], rel=1e-8)


def test_weights_count_patients():
    data = cohort(3)
    weighted = cox(data, TERMS, **ROLES, weights="weight", ties="breslow").adjusted("group").to_frame()
    repeated = data.select(pl.all().repeat_by("weight")).explode(pl.all())
    again = cox(repeated, TERMS, **ROLES, ties="breslow").adjusted("group").to_frame()
    assert_frame_equal(weighted, again, rel_tol=1e-6)


def test_standard_errors_are_those_of_a_bootstrap():
    data, times = cohort(4, 150, ties=False), [2.0, 6.0]
    curves = cox(data, "age + marked", **ROLES).adjusted("marked").at(times)
    rng, found = np.random.default_rng(1), []
    for _ in range(300):
        again = data[rng.integers(0, 150, 150)]
        found.append(
            cox(again, "age + marked", **ROLES, ties="breslow").adjusted("marked").at(times)["estimate"]
        )
    spread = np.std(np.array([list(f) for f in found]), axis=0, ddof=1)
    # the standard error of a bootstrap's standard error is 1 / sqrt(2 * 300) = 4 %; n = 150 adds its own
    assert np.abs(np.log(curves["std_error"].to_numpy() / spread)).max() < 0.17


@pytest.mark.parametrize(
    ("ties", "by", "more"),
    [
        ("efron", "marked", {}),
        ("breslow", "marked", {}),
        ("efron", "marked", {"cluster": "centre"}),
        ("efron", "stratum", {"cluster": "centre"}),
    ],
)
def test_robust_errors_are_sums_of_what_each_weight_moves(ties, by, more):
    data = cohort(6, 45).with_columns(
        centre=pl.col("patient") % 15, w=pl.col("weight") * pl.Series(np.linspace(0.2, 1.7, 45))
    )
    times, terms = [2.0, 5.0, 9.0], "age + marked"

    def curves(weighted):
        return cox(weighted, terms, **EVERYTHING, ties=ties, weights="w", robust=True, **more).adjusted(by)

    def moved(row):
        both = [data.with_columns(w=pl.col("w") * (1 + step * (pl.col("patient") == row))) for step in STEPS]
        low, high = (curves(weighted).at(times)["estimate"].to_numpy() for weighted in both)
        return (high - low) / (STEPS[1] - STEPS[0])

    influence = np.array([moved(row) for row in range(45)])
    if more:
        influence = np.array([influence[k::15].sum(axis=0) for k in range(15)])
    found = curves(data).at(times)["std_error"]
    assert_close(found, np.sqrt((influence**2).sum(axis=0)), rel=1e-6)
    ten = curves(data.with_columns(w=10 * pl.col("w"))).at(times)["std_error"]
    assert_close(ten, found, rel=1e-6)


def test_many_event_times_are_thinned_and_counts_kept():
    data = cohort(5, 900, ties=False)
    fit = cox(data, "age + marked", **ROLES)
    frame = fit.adjusted("marked").to_frame()
    one = frame.filter("marked")
    assert one.height <= 401
    assert one["n_event"].sum() == fit.n_event
    assert one["n_event"].sum() + one["n_censor"].sum() == 900
    assert one["time"].max() == data["time"].max()


def test_the_result_tells_of_itself():
    curves = cox(cohort(1), TERMS, **ROLES).adjusted("group", conf_level=0.9, conf_type="plain")
    assert curves.by == ("group",)
    assert (curves.conf_level, curves.conf_type) == (0.9, "plain")
    assert curves.method == "standardisation with a Cox regression (Efron ties)"
    assert curves.groups_frame["group"].to_list() == ["a", "b", "c"]


def test_what_has_no_levels_is_refused():
    data = cohort(1)
    fit = cox(data, TERMS, **ROLES, strata="stratum")
    assert_refused(
        lambda: fit.adjusted("sex"),
        argument="by",
        column="sex",
        says=["neither a covariate nor", "age, marked"],
    )
    assert_refused(
        lambda: fit.adjusted("age"), argument="by", column="age", says=["80 different numbers", "C(age)"]
    )
    assert_refused(lambda: fit.adjusted("group", conf_type="exp"), argument="conf_type")
    assert_refused(lambda: fit.adjusted("group", conf_level=2), argument="conf_level")
    patients = pl.concat([data.with_columns(pl.col("time") / 2, event=False, entry=0.0),
                          data.with_columns(entry=pl.col("time") / 2)])  # fmt: skip
    rows = cox(patients, TERMS, **ROLES, entry="entry", id="patient")
    assert_refused(lambda: rows.adjusted("group"), argument="fit", says=["several rows of a patient"])
