"""Penalised Cox models: glmnet's path and cross-validation, the conditions of the minimum, and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.numerics.penalized_cox import penalized_path, risk_rows
from hemresearch.prediction.estimators import PenalizedCox
from hemresearch.prediction.estimators.outcome import Outcome
from hemresearch.prediction.estimators.penalized_cox import cross_validated

COLUMNS = ["age", "edema", "bili", "chol", "albumin", "copper", "ast", "platelet", "protime"]
# glmnet stops by the change of its objective: at thresh=1e-16 its coefficients are good to about 1e-6
REL, AT_ZERO = 1e-5, 1e-7


@pytest.fixture(scope="module")
def pbc() -> pl.DataFrame:
    data = load_dataset("pbc").drop_nulls(["chol", "platelet", "copper", "ast", "protime"])
    return data.with_columns(year=(pl.col("time") / 365.25).ceil(), died=pl.col("status").cast(pl.Int64) == 2)


@pytest.fixture(scope="module")
def outcome(pbc):
    return hem.prediction.survival_outcome(pbc, time="year", event="died")


def mgus():
    data = hem.data.load("mgus2").drop_nulls()
    y = hem.prediction.survival_outcome(data, time="futime", event="death")
    return data.select("age", "hgb", "creat", "mspike"), y


@pytest.mark.parametrize(
    ("case_id", "options"),
    [
        ("lasso", {}),
        ("elastic_net", {"l1_ratio": 0.5}),
        ("ridge", {"l1_ratio": 0.0}),
        ("raw", {"standardize": False}),
        ("factors", {"l1_ratio": 0.7, "penalty_factor": [0, 2, 1, 1, 1, 1, 1, 1, 1]}),
    ],
)
def test_matches_glmnet(reference, pbc, outcome, case_id, options):
    expected = reference("penalized_cox", case_id).values
    x = pbc.select(COLUMNS)
    own = PenalizedCox(**options, n_lambdas=100, penalty=1e-9).fit(x, outcome)
    assert_close(own.lambdas_[:2].tolist(), expected["first"], rel=1e-6)
    model = PenalizedCox(**options, lambdas=expected["lambda"], folds=3).fit(x, outcome)
    # The first model of glmnet's ridge is of an infinite lambda, whatever it says of it.
    first = 1 if case_id == "ridge" else 0
    assert_close(model.coef_path_.T[first:].tolist(), expected["coef"][first:], rel=REL, at_zero=AT_ZERO)
    ratios = model.deviance_ratio_[first:].tolist()
    assert_close(ratios, expected["deviance_ratio"][first:], rel=1e-7, at_zero=1e-9)


def test_more_covariates_than_rows_match_glmnet(reference):
    expected = reference("penalized_cox", "wide").values
    veteran = hem.data.load("veteran").head(60)
    i, j = np.arange(1, 61)[:, None], np.arange(1, 151)
    x = np.sin(0.37 * i * j + j)
    x[:, 0] += veteran["karno"].to_numpy() / 50
    y = hem.prediction.survival_outcome(veteran, time="time", event="status")
    model = PenalizedCox(l1_ratio=0.8, lambdas=expected["lambda"], folds=3).fit(x, y)
    # glmnet leaves its conditions open by 1e-8 (ours: 1e-9), which such related covariates make 9e-7 of the
    # effect of a standard deviation; its objective is never below ours.
    spread = x.std(axis=0)
    np.testing.assert_allclose(
        model.coef_path_.T * spread, np.array(expected["coef"]) * spread, rtol=0, atol=1e-6
    )


def test_cross_validation_matches_glmnet(reference, pbc, outcome):
    case = reference("penalized_cox", "cross_validation")
    x = pbc.select(COLUMNS).to_numpy().astype(float)
    y = Outcome(outcome["time"], outcome["event"].astype(int))
    rows = risk_rows((x - x.mean(axis=0)) / x.std(axis=0), y.time, y.event > 0)
    lambdas, factor = np.array(case.options["lambda"]), np.ones(len(COLUMNS))
    path = penalized_path(rows, lambdas, 1.0, factor, to_the_end=True)
    deviance, error = cross_validated(x, y, np.arange(len(x)) % 5, path, 1.0, factor, True)
    assert_close(deviance.tolist(), case.values["deviance"], rel=1e-7)
    assert_close(error.tolist(), case.values["std_error"], rel=1e-6)
    least = int(np.argmin(deviance))
    assert lambdas[least] == pytest.approx(case.values["lambda_min"])
    assert lambdas[np.argmax(deviance <= deviance[least] + error[least])] == pytest.approx(
        case.values["lambda_1se"]
    )


def test_a_ridge_is_that_of_cox():
    x, y = mgus()
    scaled = (x.to_numpy() - x.to_numpy().mean(axis=0)) / x.to_numpy().std(axis=0)
    data = pl.DataFrame(scaled, schema=x.columns, orient="row").with_columns(
        time=pl.Series(y["time"]), event=pl.Series(y["event"])
    )
    fit = hem.regression.cox(
        data, x.columns, time="time", event="event", ties="breslow", ridge=0.1 * len(data)
    )
    model = PenalizedCox(l1_ratio=0.0, penalty=0.1).fit(x, y)
    np.testing.assert_allclose(model.coef_ * x.to_numpy().std(axis=0), fit.coef, rtol=1e-6)


def test_a_small_penalty_is_the_cox_model_with_its_risks():
    x, y = mgus()
    data = x.with_columns(time=pl.Series(y["time"]), event=pl.Series(y["event"]))
    fit = hem.regression.cox(data, x.columns, time="time", event="event", ties="breslow")
    model = PenalizedCox(penalty=1e-9).fit(x, y)
    np.testing.assert_allclose(model.coef_, fit.coef, rtol=1e-5)
    survival = fit.predict(x[:3], times=[60, 120, 1e5], kind="survival")["estimate"].to_numpy()
    risk = model.predict_risk(x[:3], [60, 120, 1e5])
    np.testing.assert_allclose(risk, 1 - survival.astype(float).reshape(3, 3), rtol=1e-5)
    assert np.isnan(risk[:, 2]).all()


def test_the_lambda_is_chosen_inside_the_fit():
    x, y = mgus()
    noise = np.random.default_rng(1).normal(size=(len(x), 30))
    wide = np.column_stack([x.to_numpy(), noise])
    least = PenalizedCox(n_lambdas=30).fit(wide, y)
    table = least.cross_validation_
    assert least.penalty_ == table["lambda"][table["deviance"].arg_min()]
    assert table["n_nonzero"].to_list() == (least.coef_path_ != 0).sum(axis=0).tolist()
    sparse = PenalizedCox(n_lambdas=30, rule="1se").fit(wide, y)
    assert sparse.penalty_ > least.penalty_
    assert 0 < np.abs(sparse.coef_).sum() < np.abs(least.coef_).sum()
    again = PenalizedCox(n_lambdas=30, rule="1se").fit(wide, y)
    np.testing.assert_array_equal(again.coef_, sparse.coef_)


def test_columns_without_information_have_no_effect():
    x, y = mgus()
    model = PenalizedCox(penalty=0.01).fit(x.with_columns(constant=pl.lit(7.0)), y)
    assert model.coef_[-1] == 0
    np.testing.assert_allclose(model.coef_[:-1], PenalizedCox(penalty=0.01).fit(x, y).coef_, rtol=1e-6)


def test_the_path_as_a_frame_and_a_figure():
    x, y = mgus()
    model = PenalizedCox(penalty=0.02, n_lambdas=20).fit(x, y)
    frame = model.to_frame()
    assert frame.columns == ["lambda", "term", "estimate", "per_sd"]
    last = frame.filter(pl.col("lambda") == model.penalty_)
    assert last["term"].to_list() == x.columns
    np.testing.assert_array_equal(last["estimate"], model.coef_)
    ax = model.plot(width=80)
    assert hem.plots.layout_problems(ax.figure) == []
    assert [line.get_gid() for line in ax.lines].count("term") == 4


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio: is 1.5"),
        ({"rule": "best"}, "rule"),
        ({"folds": 10_000}, "cannot be dealt into 10000 folds"),
        ({"penalty_factor": [1, 1]}, r"shape \(2,\)"),
        ({"penalty_factor": [1, 1, -1, 1]}, "negative"),
        ({"lambdas": [0.1, -1.0]}, "lambdas: holds penalties"),
        ({"penalty": 0.0}, "penalty: holds penalties"),
    ],
)
def test_refusals(options, found):
    x, y = mgus()
    with pytest.raises(DataError, match=found):
        PenalizedCox(**options).fit(x, y)


def test_without_an_event_nothing_is_fitted():
    x, y = mgus()
    none = y.copy()
    none["event"] = False
    with pytest.raises(DataError, match="no event"):
        PenalizedCox().fit(x, none)


def test_anything_but_a_path_is_not_drawn():
    with pytest.raises(DataError, match="path"):
        hem.plots.draw_penalty_path(pl.DataFrame({"lambda": [1.0]}))
