"""Validation by resampling, predictions without the patient, and published models in new patients."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.prediction import (
    PublishedModel,
    auc,
    bootstrap_validate,
    brier_score,
    cross_validated_risks,
    predicted_risks,
    update_model,
)

MGUS = hem.data.load("mgus2").drop_nulls(["hgb", "creat"]).head(400)
OUTCOME = {"time": "futime", "event": "death", "times": [60]}


def age_alone(patients):
    return hem.regression.cox(patients, "age", time="futime", event="death")


def best_of_noise(patients):
    """Takes whichever of eight columns of noise does best: what optimism is about."""
    names = [f"noise_{k}" for k in range(8)]
    fits = [hem.regression.cox(patients, [name], time="futime", event="death") for name in names]
    return max(fits, key=lambda fit: fit.log_likelihood)


def with_noise(n: int = 150) -> pl.DataFrame:
    noise = np.random.default_rng(3).normal(size=(n, 8))
    return MGUS.head(n).with_columns(pl.Series(f"noise_{k}", noise[:, k]) for k in range(8))


def test_optimism_is_the_mean_loss_over_draws_by_hand():
    """Three draws, each repeated here with the same random streams."""
    honest = bootstrap_validate(MGUS, age_alone, **OUTCOME, n_boot=3, seed=5)
    lost = []
    for stream in np.random.SeedSequence(5).spawn(3):
        rows = np.sort(np.random.default_rng(stream).integers(0, 400, 400))
        fit = age_alone(MGUS[rows])
        values = []
        for patients in (MGUS[rows], MGUS):
            risk = 1 - fit.predict(patients, times=[60], kind="survival")["estimate"]
            named = patients.with_columns(risk.alias("r"))
            values.append(auc(named, risks={"m": ["r"]}, **OUTCOME).frame["estimate"].item())
        lost.append(values[0] - values[1])
    row = honest.to_frame().row(0, named=True)
    assert row["measure"] == "AUC"
    assert row["optimism"] == pytest.approx(np.mean(lost))
    assert row["estimate"] == pytest.approx(row["apparent"] - np.mean(lost))


def test_optimism_of_a_selection_within_the_fit_is_found():
    honest = bootstrap_validate(with_noise(), best_of_noise, **OUTCOME, n_boot=40, seed=1).to_frame()
    found = honest.filter(measure="AUC").row(0, named=True)
    assert found["optimism"] > 0.03
    assert abs(found["estimate"] - 0.5) < abs(found["apparent"] - 0.5)


def test_the_number_of_processes_changes_nothing():
    one, two = (
        bootstrap_validate(MGUS, age_alone, **OUTCOME, n_boot=4, seed=2, n_jobs=jobs).to_frame()
        for jobs in (1, 2)
    )
    assert one.equals(two)


def test_a_validation_tells_itself():
    honest = bootstrap_validate(MGUS, age_alone, **OUTCOME, n_boot=2, seed=2)
    assert repr(honest).startswith("performance corrected for optimism, n=400, events=")
    assert honest.text().startswith("corrected for optimism: AUC at 60 0.")
    assert "2 bootstrap draws" in honest.methods()
    assert honest.summary().row(0, named=True)["n_failed"] == 0


def test_models_of_competing_events_are_validated():
    transplant = hem.data.load("bmtcrr")
    roles = {"time": "ftime", "event": "Status", "cause": 1, "times": [12]}

    def model(patients):
        return hem.competing.fine_gray(patients, "Age", time="ftime", event="Status", cause=1)

    def both(patients):
        return hem.competing.cause_specific(patients, "Age", time="ftime", event="Status")

    for fit in (model, both):
        assert bootstrap_validate(transplant, fit, **roles, n_boot=3, seed=1).n_event == 56
    unseen = cross_validated_risks(transplant, model, **roles, name="fg", folds=4, seed=1)
    assert unseen["fg_12"].is_between(0, 1).all()


def test_draws_that_fail_are_counted_and_many_are_refused():
    def fails(share):
        def fit(patients):
            odd = int(patients["id"].sum()) % 100
            if odd < share and patients.height == MGUS.height and not patients.equals(MGUS):
                raise DataError("no fit", argument="fit", expected="a fit", remedy="another")
            return age_alone(patients)

        return fit

    with pytest.warns(hem.errors.DataWarning, match="left out"):
        honest = bootstrap_validate(MGUS, fails(5), **OUTCOME, n_boot=40, seed=1)
    assert honest.n_failed > 0
    assert_refused(
        lambda: bootstrap_validate(MGUS, fails(90), **OUTCOME, n_boot=10, seed=1),
        argument="fit",
        says=["could not be fitted in"],
    )


def test_each_patient_is_predicted_by_a_model_of_the_others():
    unseen = cross_validated_risks(MGUS, age_alone, **OUTCOME, name="cox", by="sex")
    for sex in ("F", "M"):
        others = age_alone(MGUS.filter(pl.col("sex") != sex))
        expected = predicted_risks(others, MGUS.filter(sex=sex), times=[60], name="cox")
        assert unseen.filter(sex=sex)["cox_60"].equals(expected["cox_60"])


def test_folds_are_alike_in_events_and_come_again():
    lazy = cross_validated_risks(MGUS.lazy(), age_alone, **OUTCOME, name="cox", folds=7, seed=3)
    assert isinstance(lazy, pl.LazyFrame)
    again = cross_validated_risks(MGUS, age_alone, **OUTCOME, name="cox", folds=7, seed=3)
    assert lazy.collect().equals(again)
    # of a model of age alone, patients of one age differ between folds and not within
    distinct = again.filter(age=70)["cox_60"].n_unique()
    assert 1 < distinct <= 7


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"folds": 1, "seed": 1}, "folds"),
        ({"folds": 401, "seed": 1}, "folds"),
        ({"folds": 5}, "seed"),
        ({"by": pl.lit("one").alias("all")}, "by"),
        ({"name": "taken", "seed": 1}, "name"),
    ],
)
def test_foldings_that_cannot_be_are_refused(options, argument):
    data = MGUS.with_columns(taken_60=0.5)
    with pytest.raises(DataError) as caught:
        cross_validated_risks(data, age_alone, **OUTCOME, **{"name": "cox", **options})
    assert caught.value.argument == argument


def test_a_fit_that_cannot_be_made_anew_is_refused():
    fit = age_alone(MGUS)
    assert_refused(
        lambda: bootstrap_validate(MGUS, fit, **OUTCOME, seed=1), argument="fit", says=["a CoxFit was given"]
    )
    with pytest.raises(DataError, match="n_boot"):
        bootstrap_validate(MGUS, age_alone, **OUTCOME, n_boot=1, seed=1)


PAPER = PublishedModel({"age": 0.05, "hgb": -0.1}, {60: 0.8, 120: 0.5}, centre=2.2, name="paper")


def test_a_published_model_predicts_by_its_formula():
    found = PAPER.risks(pl.LazyFrame({"age": [70.0, 80.0, None], "hgb": [13.0, 12.0, 12.0]})).collect()
    lp = [70 * 0.05 - 1.3, 80 * 0.05 - 1.2]
    expected = [1 - 0.8 ** np.exp(value - 2.2) for value in lp]
    assert found["paper_60"].to_list() == pytest.approx([*expected, None])
    assert "paper: proportional hazards" in repr(PAPER)


def test_a_model_updated_in_its_own_patients_is_itself():
    fit = hem.regression.cox(MGUS, ["age", "hgb"], time="futime", event="death", ties="breslow")
    survival = np.exp(-fit.baseline(at="zero").at([60])["estimate"].item())
    own = PublishedModel(dict(zip(["age", "hgb"], fit.coef, strict=True)), {60: survival})
    for method in ("baseline", "slope", "refit"):
        updated = update_model(own, MGUS, time="futime", event="death", method=method)
        assert updated.slope == pytest.approx(1)
        old, new = (m.risks(MGUS, name="r")["r_60"] for m in (own, updated.model))
        assert new.to_list() == pytest.approx(old.to_list())
    tested = update_model(own, MGUS, time="futime", event="death")
    assert tested.method == "baseline"
    assert tested.to_frame()["statistic"].to_list() == pytest.approx([0, 0], abs=1e-8)


def test_the_slope_and_the_tests_are_those_of_cox():
    named = MGUS.with_columns(lp=pl.col("age") * 0.05 - pl.col("hgb") * 0.1)
    slope = hem.regression.cox(named, ["lp"], time="futime", event="death", ties="breslow")
    refit = hem.regression.cox(named, ["age", "hgb"], time="futime", event="death", ties="breslow")
    updated = update_model(PAPER, MGUS, time="futime", event="death", method="slope")
    assert updated.slope == pytest.approx(slope.coef[0])
    assert updated.model.coefficients["age"] == pytest.approx(0.05 * slope.coef[0])
    against = updated.to_frame().filter(against="slope").row(0, named=True)
    assert against["df"] == 1
    assert against["statistic"] == pytest.approx(2 * (refit.log_likelihood - slope.log_likelihood))
    risks = updated.model.risks(MGUS, name="r")["r_60"]
    expected = 1 - slope.predict(named, times=[60], kind="survival")["estimate"]
    assert risks.to_list() == pytest.approx(expected.to_list())
    assert "calibration slope" in repr(updated)


TRANSPLANT = hem.data.load("bmtcrr").with_columns(male=pl.col("Sex") == "M")
RELAPSE = {"time": "ftime", "event": "Status", "cause": 1}


def test_a_model_of_a_cause_updated_in_its_own_patients_is_itself():
    fit = hem.competing.fine_gray(TRANSPLANT, ["Age", "male"], **RELAPSE)
    survival = np.exp(-fit.baseline(at="zero").at([12, 24])["estimate"].to_numpy())
    coefficients = dict(zip(["Age", "male"], fit.coef, strict=True))
    own = PublishedModel(coefficients, dict(zip([12, 24], survival, strict=True)))
    predicted = fit.predict(TRANSPLANT, times=[24])["estimate"].to_list()
    for method in ("baseline", "slope", "refit"):
        updated = update_model(own, TRANSPLANT, **RELAPSE, method=method)
        assert updated.slope == pytest.approx(1)
        assert updated.model.risks(TRANSPLANT, name="r")["r_24"].to_list() == pytest.approx(predicted)
    tested = update_model(own, TRANSPLANT, **RELAPSE)
    assert tested.method == "baseline"
    assert tested.to_frame()["statistic"].to_list() == pytest.approx([0, 0], abs=1e-8)


def test_the_tests_of_a_cause_are_wald_tests_with_the_robust_variance():
    """Of one coefficient the first is the squared z of its distance, the second the slope, 0."""
    paper = PublishedModel({"Age": 0.05}, {12: 0.9}, name="paper")
    fit = hem.competing.fine_gray(TRANSPLANT, ["Age"], **RELAPSE)
    updated = update_model(paper, TRANSPLANT, **RELAPSE, method="slope")
    first, second = updated.to_frame().rows()
    z = (fit.coef[0] - 0.05) / fit.std_error[0]
    assert first == ("baseline", pytest.approx(z**2), 1, pytest.approx(2 * ndtr(-abs(z))))
    assert second == ("slope", pytest.approx(0, abs=1e-20), 0, 1.0)
    assert updated.slope == pytest.approx(fit.coef[0] / 0.05)
    two = PublishedModel({"Age": 0.05, "male": 0.3}, {12: 0.9})
    both = hem.competing.fine_gray(TRANSPLANT, ["Age", "male"], **RELAPSE)
    inverse, old = np.linalg.inv(both.cov), np.array([0.05, 0.3])
    least = min((both.coef - s * old) @ inverse @ (both.coef - s * old) for s in np.linspace(-3, 3, 60_001))
    against = update_model(two, TRANSPLANT, **RELAPSE).to_frame().row(1)
    assert against[:3] == ("slope", pytest.approx(least, rel=1e-6), 1)


def test_a_cause_and_another_event_value_contradict():
    paper = PublishedModel({"Age": 0.05}, {12: 0.9})
    assert_refused(lambda: update_model(paper, TRANSPLANT, **RELAPSE, event_value=1), argument="event_value")


def test_a_model_that_is_far_off_is_refitted_and_predicts_better():
    wrong = PublishedModel({"age": -0.05, "hgb": 0.3}, {60: 0.5}, centre=0.6)
    updated = update_model(wrong, MGUS, time="futime", event="death")
    assert updated.method == "refit"
    both = updated.model.risks(wrong.risks(MGUS, name="old"), name="new")
    scores = brier_score(both, risks={"old": ["old_60"], "new": ["new_60"]}, **OUTCOME).frame
    assert scores.filter(model="new")["estimate"].item() < scores.filter(model="old")["estimate"].item()


def test_one_covariate_has_one_test():
    updated = update_model(
        PublishedModel({"age": 0.05}, {60: 0.8}), MGUS, time="futime", event="death", missing="drop"
    )
    assert updated.to_frame()["df"].to_list() == [1, 0]
    assert updated.n_event == MGUS["death"].sum()


def test_models_that_no_paper_can_mean_are_refused():
    for coefficients, baseline, argument in (
        ({}, {60: 0.8}, "coefficients"),
        ({"age": float("nan")}, {60: 0.8}, "coefficients"),
        ({"age": 0.1}, {}, "baseline"),
        ({"age": 0.1}, {60: 1.2}, "baseline"),
    ):
        assert_refused(lambda c=coefficients, b=baseline: PublishedModel(c, b), argument=argument)
    assert_refused(lambda: PAPER.risks(MGUS.rename({"age": "Age"})), argument="data", column="age")
    late = PublishedModel({"age": 0.05}, {9999: 0.1})
    assert_refused(
        lambda: update_model(late, MGUS, time="futime", event="death"),
        argument="model",
        says=["last follow-up"],
    )


def test_predictions_for_the_patients_of_the_fit_are_warned_about():
    assert_warns(
        lambda: predicted_risks(age_alone(MGUS), MGUS, times=[60], name="cox"),
        argument="data",
        says=["apparent"],
    )
