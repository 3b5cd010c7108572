"""The estimators do as scikit-learn expects, and give the numbers of the functions behind them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import hemresearch as hem
from hemresearch.errors import DataError, DataWarning
from hemresearch.prediction import (
    CensoringWeightedClassification,
    CoxRegression,
    FineGrayRegression,
    PenalizedCox,
    PseudoValueRegression,
    survival_outcome,
)

MGUS = hem.data.load("mgus2").drop_nulls("hgb").with_columns(male=(pl.col("sex") == "M").cast(pl.Float64))
X = MGUS.select("age", "hgb", "male")
Y = survival_outcome(MGUS, time="futime", event="death")
TRANSPLANT = hem.data.load("bmtcrr")
COMPETING = survival_outcome(TRANSPLANT, time="ftime", event="Status", cause=1)

EVERY = (
    CoxRegression(),
    CoxRegression(ridge=1.0),
    PenalizedCox(n_lambdas=20),
    FineGrayRegression(),
    PseudoValueRegression(LinearRegression()),
    CensoringWeightedClassification(LogisticRegression()),
)
# Checks of scikit-learn that fail, with the reason: none does.
FAILING: dict[str, str] = {}
NOT_FOR_US = {"check_array_api_input"}  # skipped by scikit-learn where no array API is dispatched


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: type(e).__name__)
def test_the_checks_of_scikit_learn(estimator):
    results = check_estimator(estimator, on_fail=None)
    assert {r["check_name"] for r in results if r["status"] == "failed"} == set(FAILING)
    assert {r["check_name"] for r in results if r["status"] not in ("passed", "failed")} <= NOT_FOR_US
    assert len(results) > 40


def test_cox_is_the_cox_model():
    fit = hem.regression.cox(MGUS, ["age", "hgb", "male"], time="futime", event="death")
    model = CoxRegression().fit(X, Y)
    np.testing.assert_allclose(model.coef_, fit.coef, rtol=1e-12)
    survival = fit.predict(X[:5], times=[60, 120], kind="survival")["estimate"].to_numpy().reshape(5, 2)
    np.testing.assert_allclose(model.predict_risk(X[:5], [60, 120]), 1 - survival, rtol=1e-12)
    np.testing.assert_allclose(model.predict_survival_function(X[:5], [60, 120]), survival, rtol=1e-12)
    np.testing.assert_allclose(model.predict(X), X.to_numpy() @ fit.coef, rtol=1e-12)
    assert model.fit_.to_frame()["term"].to_list() == ["age", "hgb", "male"]
    with pytest.warns(DataWarning, match="apparent"):
        assert model.score(X, Y) == pytest.approx(fit.concordance().frame["estimate"].item(), abs=1e-12)


def test_as_many_rows_as_columns_are_not_turned_round():
    model = CoxRegression().fit(X, Y)
    np.testing.assert_array_equal(model.predict_risk(X[:3], 60), model.predict_risk(X[:4], 60)[:3])


def test_risks_after_the_last_follow_up_are_unknown():
    assert np.isnan(CoxRegression().fit(X, Y).predict_risk(X[:2], [1e4])).all()


def test_fine_gray_is_the_fine_gray_model():
    fit = hem.competing.fine_gray(TRANSPLANT, ["Age"], time="ftime", event="Status", cause=1)
    age = TRANSPLANT.select("Age")
    model = FineGrayRegression().fit(age, COMPETING)
    np.testing.assert_allclose(model.coef_, fit.coef, rtol=1e-12)
    expected = fit.predict(age[:3], times=[12])["estimate"].to_numpy()
    np.testing.assert_allclose(model.predict_risk(age[:3], 12)[:, 0], expected, rtol=1e-12)
    judged = TRANSPLANT.with_columns(score=pl.Series(model.predict(age)))
    concordance = hem.prediction.concordance_competing(
        judged, time="ftime", event="Status", cause=1, scores={"m": "score"}
    )
    with pytest.warns(DataWarning, match="apparent"):
        assert model.score(age, COMPETING) == concordance.frame["estimate"].item()


def test_every_form_of_y_says_the_same():
    expected = CoxRegression().fit(X, Y).coef_
    frame = pl.DataFrame({"time": Y["time"], "event": Y["event"]})
    signed = np.where(Y["event"], Y["time"], -Y["time"])
    own_names = np.array(list(zip(Y["event"], Y["time"], strict=True)), dtype=[("died", "?"), ("t", "f8")])
    for y in (frame, frame.select("event", "time"), frame.to_pandas(), frame.lazy(), signed, own_names):
        np.testing.assert_array_equal(CoxRegression().fit(X, y).coef_, expected)


def test_arrays_and_pandas_give_what_polars_gives():
    expected = CoxRegression().fit(X, Y).predict(X)
    for x in (X.to_numpy(), X.to_pandas()):
        np.testing.assert_array_equal(CoxRegression().fit(x, Y).predict(x), expected)


def test_covariates_may_be_called_time_and_event():
    named = X.rename({"age": "time", "hgb": "event"})
    np.testing.assert_array_equal(CoxRegression().fit(named, Y).coef_, CoxRegression().fit(X, Y).coef_)


def test_times_alone_are_all_events_and_say_so():
    with pytest.warns(DataWarning, match="every row is taken to end with the event"):
        model = CoxRegression().fit(X, Y["time"])
    assert model.fit_.n_event == len(X)


def test_a_pipeline_of_polars_is_searched():
    scaler = ColumnTransformer([("scaled", StandardScaler(), ["age", "hgb"])], remainder="passthrough")
    pipeline = make_pipeline(scaler.set_output(transform="polars"), CoxRegression(ridge=1.0))
    search = GridSearchCV(clone(pipeline), {"coxregression__ridge": [1.0, 1e5]}, cv=3).fit(X[:900], Y[:900])
    assert search.best_params_ == {"coxregression__ridge": 1.0}
    assert search.score(X[900:], Y[900:]) > 0.6
    risks = hem.prediction.predicted_risks(search, MGUS[900:], times=[60, 120], name="cox")
    best = search.best_estimator_
    np.testing.assert_array_equal(
        risks.select("cox_60", "cox_120").to_numpy(),
        best[-1].predict_risk(best[:-1].transform(X[900:]), [60, 120]),
    )
    assert cross_val_score(pipeline, X, Y, cv=3).min() > 0.6


def test_predicted_risks_of_an_estimator_warn_of_its_own_rows():
    model = CoxRegression().fit(X, Y)
    with pytest.warns(DataWarning, match="apparent"):
        hem.prediction.predicted_risks(model, MGUS, times=60, name="cox")
    one_step = make_pipeline(CoxRegression()).fit(X, Y)
    with pytest.warns(DataWarning, match="apparent"):
        hem.prediction.predicted_risks(one_step, MGUS, times=60, name="cox")


def test_a_pipeline_is_validated_with_all_its_steps():
    def model(patients):
        y = survival_outcome(patients, time="futime", event="death")
        return make_pipeline(StandardScaler(), CoxRegression()).fit(patients.select("age", "hgb"), y)

    def same(patients):
        return hem.regression.cox(patients, ["age", "hgb"], time="futime", event="death")

    options = {"time": "futime", "event": "death", "times": [60], "name": "m", "folds": 3, "seed": 1}
    ours = hem.prediction.cross_validated_risks(MGUS, model, **options)
    theirs = hem.prediction.cross_validated_risks(MGUS, same, **options)
    np.testing.assert_allclose(ours["m_60"], theirs["m_60"], rtol=1e-6)


def test_pseudo_values_without_censoring_are_the_status():
    everyone = pl.DataFrame({"time": np.arange(1.0, 41.0), "event": True})
    x = np.linspace(0, 1, 40).reshape(-1, 1)
    model = PseudoValueRegression(LinearRegression(), times=20).fit(x, everyone)
    expected = LinearRegression().fit(x, everyone["time"].to_numpy() <= 20).predict(x)
    np.testing.assert_allclose(model.predict(x), np.clip(expected, 0, 1), atol=1e-12)


def test_a_constant_regressor_of_pseudo_values_predicts_kaplan_meier():
    constant = PseudoValueRegression(LinearRegression(), times=[60, 120]).fit(np.zeros((len(X), 1)), Y)
    curve = hem.survival.kaplan_meier(MGUS, time="futime", event="death").at([60, 120])["estimate"].to_numpy()
    np.testing.assert_allclose(constant.predict_risk(np.zeros((1, 1)), [60, 120])[0], 1 - curve, atol=1e-10)


def test_a_constant_classifier_with_weights_predicts_kaplan_meier():
    zeros = np.zeros((len(X), 1))
    model = CensoringWeightedClassification(LogisticRegression(C=1e12, tol=1e-12), times=[60, 120])
    curve = hem.survival.kaplan_meier(MGUS, time="futime", event="death").at([60, 120])["estimate"].to_numpy()
    found = model.fit(zeros, Y).predict_risk(zeros[:1], [60, 120])[0]
    np.testing.assert_allclose(found, 1 - curve, atol=1e-6)


def test_forests_under_competing_events_find_the_risk():
    rng = np.random.default_rng(5)
    x = rng.uniform(size=(4000, 2))
    time = rng.exponential(1 / (0.5 + x[:, 0]))
    cause = np.where(rng.uniform(size=4000) < 0.5, 1, 2)
    end = rng.uniform(0.5, 3, 4000)
    y = pl.DataFrame({"time": np.minimum(time, end), "event": np.where(time < end, cause, 0)})
    new = np.array([[0.1, 0.5], [0.9, 0.5]])
    truth = 0.5 * (1 - np.exp(-(0.5 + new[:, 0]) * 0.4))
    forest = {"n_estimators": 60, "min_samples_leaf": 200, "random_state": 1}
    for model in (
        PseudoValueRegression(RandomForestRegressor(**forest), times=0.4),
        CensoringWeightedClassification(RandomForestClassifier(**forest), times=0.4),
    ):
        np.testing.assert_allclose(model.fit(x, y).predict(new), truth, atol=0.05)


def test_risks_rise_with_the_horizon():
    forest = RandomForestRegressor(n_estimators=5, random_state=1)
    model = PseudoValueRegression(forest, times=[120, 60, 90]).fit(X, Y)
    risks = model.predict_risk(X, [60, 90, 120])
    assert (np.diff(risks, axis=1) >= 0).all()
    assert 0 <= risks.min() <= risks.max() <= 1
    np.testing.assert_array_equal(model.predict(X), risks[:, 2])


def outcome_of(y):
    return lambda: CoxRegression().fit(X, y)


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (outcome_of(np.zeros(len(X), dtype=[("a", "f8"), ("b", "f8")])), "the first is of float64"),
        (outcome_of(np.zeros(len(X), dtype=[("a", "?")])), "array of 1 fields"),
        (outcome_of(pl.DataFrame({"time": Y["time"], "death": Y["event"]})), "table of 2 columns"),
        (outcome_of(pl.DataFrame({"time": Y["time"], "event": Y["time"]})), "neither true or false"),
        (outcome_of(np.column_stack([Y["time"], Y["event"]])), "two columns without names"),
        (outcome_of(Y[:5]), "has 5 rows"),
        (outcome_of(np.array([(True, -1.0)] * len(X), dtype=Y.dtype)), "infinite or negative"),
        (lambda: FineGrayRegression(cause=3).fit(X, Y), "cause"),
        (lambda: survival_outcome(MGUS, time="futime", event="death", event_value=1, cause=1), "both"),
        (lambda: PseudoValueRegression(LinearRegression(), cause=3).fit(X, Y), "no row with event 3"),
        (
            lambda: PseudoValueRegression(LinearRegression(), times=60).fit(X, Y).predict_risk(X, 90),
            "asks for the risk at 90",
        ),
        (lambda: CensoringWeightedClassification(KNeighborsClassifier()).fit(X, Y), "takes no weights"),
        (lambda: CensoringWeightedClassification(LogisticRegression(), times=0.5).fit(X, Y), "none of those"),
    ],
)
def test_refusals(call, found):
    with pytest.raises(DataError, match=found):
        call()


def test_a_score_that_orders_nobody_is_one_half_without_a_word_of_limits(recwarn):
    model = PenalizedCox(penalty=10.0).fit(X[:700], Y[:700])
    assert (model.coef_ == 0).all()
    assert model.score(X[700:], Y[700:]) == 0.5
    assert not recwarn.list


def test_a_fold_without_a_pair_has_no_score():
    model = CoxRegression().fit(X[:700], Y[:700])
    alone = Y[-5:].copy()
    alone["event"] = False
    assert_refused(lambda: model.score(X[-5:], alone), argument="y", says=["no comparable pair"])
