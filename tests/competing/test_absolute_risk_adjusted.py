"""Standardised absolute risks: means of predictions, their errors, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close
from refusals import assert_refused
from relapse_cohorts import cohort, fit

from hemresearch.regression import cox

TIMES = [2.0, 5.0, 9.0]
STEP = 1e-4


def mean_of_predictions(ours, data, weight, **column):
    """The weighted mean over rows of what `predict` gives when everybody has one value of a column."""
    everybody = data.with_columns(pl.lit(v, dtype=data.schema[c]).alias(c) for c, v in column.items())
    risks = ours.predict(everybody, times=TIMES)["estimate"].to_numpy().reshape(data.height, -1)
    return weight @ risks / weight.sum()


@pytest.mark.parametrize(
    ("covariates", "options", "by"),
    [
        ("age + old", {}, "old"),
        ("age + site", {"weights": "weight", "ties": "breslow"}, "site"),
        ({"death": "old", "relapse": "age + C(site)"}, {"robust": True}, "site"),
        ("age + old", {"strata": "site"}, "old"),
        ("age", {"strata": "site"}, "site"),
        ([], {"strata": "site"}, "site"),
    ],
)
def test_curves_are_means_of_predictions(covariates, options, by):
    data = cohort(1, 90, ties=True)
    ours = fit(data, covariates, **options)
    curves = ours.adjusted(by)
    weight = data["weight"].to_numpy() if "weights" in options else np.ones(90)
    assert (curves.by, curves.keys) == ((by,), (by, "cause"))
    for value in data[by].unique():
        found = curves.at(TIMES).filter(pl.col(by) == value)["estimate"]
        assert_close(found, mean_of_predictions(ours, data, weight, **{by: value}), rel=1e-9)


def test_an_offset_is_that_of_each_row():
    data = cohort(2, 90, ties=True).with_columns(o=0.4 * pl.col("age"))
    ours = fit(data, "old", offset="o")
    grid = data["time"].unique().sort().to_list()
    new = pl.DataFrame({"old": [True]})
    hazards = [
        one.predict(new, times=grid, kind="cumulative hazard")["estimate"].to_numpy()
        for one in ours.fits.values()
    ]
    h = np.diff(np.array(hazards), axis=1, prepend=0)  # of a patient whose offset is 0
    risks = []
    for factor in np.exp(data["o"].to_numpy()):
        total = np.maximum(factor * h.sum(axis=0), 1e-300)
        before = np.exp(-np.concatenate([[0], np.cumsum(total)[:-1]]))
        risks.append(np.cumsum(before * factor * h / total * -np.expm1(-total), axis=1))
    expected = np.mean(risks, axis=0)[:, [grid.index(t) for t in TIMES]]
    assert_close(ours.adjusted("old").at(TIMES).filter("old")["estimate"], expected.ravel(), rel=1e-9)


@pytest.mark.parametrize(
    ("by", "more"),
    [
        ("old", {"ties": "efron"}),
        ("old", {"cluster": "centre", "strata": "site"}),
        ("site", {"strata": "site"}),
    ],
)
def test_robust_errors_are_sums_of_what_each_weight_moves(by, more):
    n = 40
    data = cohort(3, n, ties=True).with_columns(
        site=pl.Series(np.resize(["a", "b"], n)),
        centre=pl.Series(np.arange(n) // 2),
        w=pl.col("weight") * pl.Series(np.linspace(0.4, 1.6, n)),
    )

    def curves(weighted):
        return fit(weighted, {"death": "old", "relapse": "age + old"}, weights="w", **more).adjusted(by)

    def moved(row):
        both = [data.with_columns(w=pl.col("w") * (1 + step * (pl.col("patient") == row)))
                for step in (-STEP, STEP)]  # fmt: skip
        low, high = (curves(weighted).at([1, 3, 5])["estimate"].to_numpy() for weighted in both)
        return (high - low) / (2 * STEP)

    influence = np.array([moved(row) for row in range(n)])
    if "cluster" in more:
        influence = influence[::2] + influence[1::2]
    found = curves(data).at([1, 3, 5])["std_error"]
    assert_close(found, np.sqrt((influence**2).sum(axis=0)), rel=1e-5)


def test_model_based_errors_agree_with_robust_ones_in_a_right_model():
    data = cohort(4, 1500)
    plain, robust = (fit(data, robust=robust).adjusted("old").at(TIMES) for robust in (False, True))
    assert_close(plain["estimate"], robust["estimate"], rel=1e-9)
    assert np.abs(np.log((plain["std_error"] / robust["std_error"]).to_numpy())).max() < 0.06


def test_a_single_cause_is_one_less_standardised_survival():
    data = cohort(5, 120, ties=True).with_columns(
        event=pl.when(pl.col("event") == "censored").then("event").otherwise(pl.lit("death"))
    )
    for robust in (False, True):
        ours = fit(data, robust=robust).adjusted("old").at(TIMES)
        theirs = cox(data, "age + old", time="time", event="event", event_value="death", robust=robust)
        survival = theirs.adjusted("old").at(TIMES)
        assert_close(1 - ours["estimate"], survival["estimate"], rel=1e-9)
        assert_close(ours["std_error"], survival["std_error"], rel=1e-7)


def test_weights_count_patients_and_many_times_are_thinned():
    data = cohort(6, 90, ties=True)
    weighted = fit(data, weights="weight", ties="breslow").adjusted("old").to_frame()
    repeated = data.select(pl.all().repeat_by("weight")).explode(pl.all())
    again = fit(repeated, ties="breslow").adjusted("old").to_frame()
    for name in ("n_event", "n_censor", "estimate", "std_error"):
        assert_close(weighted[name], again[name], rel=1e-7)
    many = cohort(7, 700)
    curves = fit(many, "old").adjusted("old", cause="relapse", conf_level=0.9, conf_type="plain")
    frame = curves.to_frame().filter("old")
    assert frame.height <= 401
    assert frame["n_event"].sum() == (many["event"] == "relapse").sum()
    assert (curves.conf_level, curves.conf_type) == (0.9, "plain")
    assert curves.method == "standardisation from cause-specific Cox regression (Efron ties)"
    assert curves.groups()["cause"].to_list() == ["relapse", "relapse"]


def test_refusals():
    data = cohort(8)
    ours = fit(data)
    assert_refused(lambda: ours.adjusted("age"), argument="by", column="age", says=["different numbers"])
    assert_refused(lambda: ours.adjusted("sex"), argument="by", column="sex", says=["neither a covariate"])
    assert_refused(lambda: ours.adjusted("old", cause="x"), argument="cause", column="event")
    assert_refused(lambda: ours.adjusted("old", conf_type="exp"), argument="conf_type")
    assert_refused(lambda: ours.slim().adjusted("old"), argument="fit", says=["an absolute risk needs"])
    rows = pl.concat([
        data.with_columns(t0=0.0, time=pl.col("time") / 2, event=pl.lit("censored")),
        data.with_columns(t0=pl.col("time") / 2),
    ])  # fmt: skip
    split = fit(rows, entry="t0", id="patient")
    assert_refused(lambda: split.adjusted("old"), argument="fit", says=["several rows of a patient"])
