"""Age, period and cohort: R's Epi, truths of the identification problem, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import AgePeriodCohort, age_period_cohort, poisson
from hemresearch.errors import ConvergenceError

CELLS = {"age": "Ax", "period": "Px", "events": "D", "person_time": "Y"}
SQUARES = {**CELLS, "age": "A5", "period": "P5"}
EFFECTS = {"age": "age", "period": "per", "cohort": "coh"}
GIVEN = {"reference_period": 1970, "reference_cohort": 1900, "per": 1e5}


def lung() -> pl.DataFrame:
    return load_reference("epidemiology", "apc_lungdk_ACP").data


def assert_effects(fit: AgePeriodCohort, values: dict, *names: str, rel: float = 1e-6) -> None:
    for name in names or EFFECTS:
        np.testing.assert_allclose(fit.effect(name).to_numpy(), values[EFFECTS[name]]["data"], rtol=rel)


def assert_drift(fit: AgePeriodCohort, values: dict) -> None:
    drift = fit.drift().drop("model").to_numpy()
    np.testing.assert_allclose(drift, values["drift"]["data"], rtol=1e-6)


def assert_anova(fit: AgePeriodCohort, values: dict) -> None:
    expected, ours = values["anova"], fit.anova()
    assert ours["model"].to_list() == [name.lower() for name in expected["Model"]]
    for column, name in {
        "df_residual": "Mod. df.", "deviance": "Mod. dev.", "aic": "AIC", "statistic": "Test dev.",
        "df": "Test df.", "p_value": "Pr(>Chi)",
    }.items():  # fmt: skip
        assert_close(ours[column], expected[name], rel=1e-6, at_zero=1e-300)


@pytest.mark.parametrize("case_id", reference_cases("epidemiology", "apc_lungdk_A"))
def test_matches_epi(reference, case_id):
    case = reference("epidemiology", case_id)
    parametrization = case_id.removeprefix("apc_lungdk_")
    fit = age_period_cohort(case.data, **CELLS, **GIVEN, parametrization=parametrization)
    # Epi 2.47 fits the period of Ad-C-P to the model of age and drift (see the next test)
    assert_effects(fit, case.values, *(("age", "cohort") if parametrization == "Ad-C-P" else EFFECTS))
    assert_drift(fit, case.values)
    assert_anova(fit, case.values)
    for scale, name in (("age", "Age"), ("period", "Per"), ("cohort", "Coh")):
        assert_close(fit.knots[scale], case.values["knots"][name], rel=1e-9)
    if case.values["deviance"]:
        assert_close(fit.deviance, case.values["deviance"], rel=1e-8)


def test_a_sequence_is_fitted_in_its_order(reference):
    """Period to what cohort leaves; and Epi's numbers, which are those of what age and drift leave."""
    in_order = reference("rate_models", "apc_Ad-C-P_in_order").values
    fit = age_period_cohort(lung(), **CELLS, **GIVEN, parametrization="Ad-C-P")
    assert_effects(fit, in_order, "period", "cohort")
    epi = reference("epidemiology", "apc_lungdk_Ad-C-P").values
    # what age and a drift leave is the same whether the drift is told as of period or of cohort
    other = age_period_cohort(lung(), **CELLS, **GIVEN, parametrization="Ad-P-C").effect("period").to_numpy()
    theirs = np.array(epi["per"]["data"])
    factor = theirs[:, 1:] / other[:, 1:]
    np.testing.assert_allclose(factor, np.broadcast_to(factor[0, 0], factor.shape), rtol=1e-6)


@pytest.mark.parametrize("parametrization", ["AdCP", "Ad-P-C", "AC-P", "AP-C"])
def test_matches_epi_in_further_parametrizations(reference, parametrization):
    values = reference("rate_models", f"apc_{parametrization}").values
    fit = age_period_cohort(lung(), **CELLS, **GIVEN, parametrization=parametrization)
    assert_effects(fit, values)
    assert_drift(fit, values)


@pytest.mark.parametrize(("case_id", "weight"), [("apc_weights_D", "events"), ("apc_weights_1", "equal")])
def test_matches_epi_with_other_weights_and_no_references(reference, case_id, weight):
    case = reference("rate_models", case_id)
    data = case.data.with_columns(pl.col("A", "P") + 0.5)
    fit = age_period_cohort(
        data, age="A", period="P", events="D", person_time="Y", per=1e5, conf_level=0.9,
        knots={"age": 6, "period": 4, "cohort": 5}, drift_weight=weight,
    )  # fmt: skip
    assert_effects(fit, case.values)
    assert_drift(fit, case.values)
    assert fit.reference == {}


def test_matches_epi_with_factors(reference):
    values = reference("rate_models", "apc_squares").values
    squares = lung().group_by("A5", "P5").agg(pl.col("D", "Y").sum())
    roles = {"model": "factor", "per": 1e5, "parametrization": "APC"}
    fit = age_period_cohort(squares, **SQUARES, **roles, reference_period=1968, reference_cohort=1903)
    assert_effects(fit, values)
    assert_drift(fit, values)
    nearest = age_period_cohort(squares, **SQUARES, **roles, reference_period=1969, reference_cohort=1904)
    assert nearest.frame.equals(fit.frame)
    assert nearest.reference == {"period": 1968.0, "cohort": 1903.0}


def test_factors_of_triangles_have_deviances_and_no_effects(reference):
    case = reference("epidemiology", "apc_lungdk_factor_anova")
    fit = assert_warns(
        lambda: age_period_cohort(case.data, **CELLS, model="factor"), argument="model",
        says=["tied by more than their sum"],
    )  # fmt: skip
    assert_anova(fit, case.values)
    assert_close(fit.deviance, case.values["deviance"], rel=1e-8)
    assert fit.frame["estimate"].null_count() == fit.frame.height
    assert fit.drift()["estimate"].null_count() == 1
    assert_refused(lambda: fit.plot(), argument="result", says=["not determined"])


@pytest.mark.parametrize("parametrization", ["ACP", "APC", "AdCP", "AdPC"])
def test_every_parametrization_has_the_same_rates(parametrization):
    """The product of the effects (and the drift, where it stands alone) is the rate that was fitted."""
    data = lung().with_columns(cohort=(pl.col("Px") - pl.col("Ax")).round(7))
    fit = age_period_cohort(data, **CELLS, **GIVEN, parametrization=parametrization)
    rate = np.ones(data.height)
    for name, column in (("age", "Ax"), ("period", "Px"), ("cohort", "cohort")):
        effect = fit.effect(name)
        values, place = np.unique(data[column].to_numpy(), return_inverse=True)
        assert_close(effect["value"], values)
        rate *= effect["estimate"].to_numpy()[place]
    drift = fit.drift()["estimate"][0]
    if parametrization.startswith("Ad"):
        along = data["Px"] - 1970 if parametrization == "AdPC" else data["cohort"] - 1900
        rate *= drift ** along.to_numpy()
    mean = rate / 1e5 * data["Y"].to_numpy()
    assert mean.sum() == pytest.approx(data["D"].sum(), rel=1e-8)
    expected = mean - data["D"].to_numpy() * np.log(mean)
    gain = 2 * (expected + data["D"].to_numpy() * np.log(data["D"].to_numpy()) - data["D"].to_numpy())
    assert gain.sum() == pytest.approx(fit.deviance, rel=1e-8)


def test_a_trend_goes_to_the_drift_alone():
    """Rates that rise by 3% a year change the drift by that, and no curvature."""
    rng = np.random.default_rng(1)
    cells = pl.DataFrame({"a": np.repeat(np.arange(40.0, 80), 30), "p": np.tile(np.arange(1970.0, 2000), 40)})
    mean = 2000 * np.exp(-6 + 0.05 * (cells["a"] - 60) + 0.0002 * (cells["p"] - 1985) ** 2).to_numpy()
    roles = {"age": "a", "period": "p", "events": "d", "person_time": "y", "parametrization": "AdPC"}
    count = rng.poisson(mean)
    plain = age_period_cohort(cells.with_columns(d=count, y=2000.0), **roles)
    steeper = age_period_cohort(
        cells.with_columns(d=count, y=2000 * 1.03 ** (1985 - pl.col("p"))), **roles, drift_weight="equal"
    )
    flat = age_period_cohort(cells.with_columns(d=count, y=2000.0), **roles, drift_weight="equal")
    assert_close(plain.frame["estimate"], flat.frame["estimate"], rel=1e-8)  # equal person-time
    assert steeper.drift()["estimate"][0] == pytest.approx(1.03 * flat.drift()["estimate"][0], rel=1e-8)
    for name in ("period", "cohort"):
        assert_close(steeper.effect(name)["estimate"], flat.effect(name)["estimate"], rel=1e-6)


def test_the_model_of_age_and_drift_is_a_poisson_regression():
    fit = age_period_cohort(lung().with_columns(A=pl.col("A5"), P=pl.col("P5")), **SQUARES, model="factor")
    same = poisson(lung(), "C(A5) + P5", events="D", person_time="Y")
    row = fit.drift().row(1, named=True)
    told = same.to_frame(exponentiate=True).row(-1, named=True)
    for name in ("estimate", "conf_low", "conf_high"):
        assert row[name] == pytest.approx(told[name], rel=1e-8)
    assert fit.anova()["deviance"][1] == pytest.approx(same.deviance, rel=1e-9)


def test_order_and_form_of_the_data_change_nothing():
    data = lung()
    fit = age_period_cohort(data, **CELLS, **GIVEN)
    for form in (data.sample(fraction=1, shuffle=True, seed=1), data.lazy(), data.to_pandas()):
        again = age_period_cohort(form, **CELLS, **GIVEN)
        np.testing.assert_allclose(
            again.frame.drop("effect").to_numpy(), fit.frame.drop("effect").to_numpy(), rtol=1e-8
        )
    spoilt = data.with_columns(D=pl.when(pl.col("A5") == 40).then(None).otherwise("D"))
    kept = age_period_cohort(spoilt, **CELLS, missing="drop")
    assert kept.n_dropped == 22
    assert "22 rows with missing values left out" in repr(kept)
    placed = {scale: list(at) for scale, at in fit.knots.items()}
    same = age_period_cohort(data, **CELLS, **GIVEN, knots=placed)
    np.testing.assert_allclose(
        same.frame.drop("effect").to_numpy(), fit.frame.drop("effect").to_numpy(), rtol=1e-7
    )


def test_what_a_result_says():
    fit = age_period_cohort(lung(), **CELLS, **GIVEN)
    assert fit.text().startswith("percent change of rates per unit of time 2.35 (95% CI 2.30–2.40); cohort")
    assert "reference period 1970 and cohort 1900" in fit.methods()
    assert "natural splines" in fit.methods()
    factor = age_period_cohort(lung(), **SQUARES, model="factor")
    assert "a factor each (Poisson regression; parametrization ACP), with" in factor.methods()
    summary = fit.summary().row(0, named=True)
    assert (summary["n_rows"], summary["n_event"], summary["df_residual"]) == (220, lung()["D"].sum(), 208)
    assert summary["dispersion"] == pytest.approx(2.6, abs=0.1)
    assert fit.to_frame().columns == ["effect", "value", "estimate", "conf_low", "conf_high"]
    assert fit.effect("period").height == 22


def test_refusals():
    data = lung()
    for option in ("parametrization", "model", "drift_weight"):
        assert_refused(lambda o=option: age_period_cohort(data, **CELLS, **{o: "best"}), argument=option)
    assert_refused(lambda: age_period_cohort(data, **CELLS, per=0), argument="per")
    assert_refused(
        lambda: age_period_cohort(data, **CELLS, reference_period="1970"), argument="reference_period"
    )
    assert_refused(
        lambda: age_period_cohort(data.with_columns(D=0), **CELLS), argument="events", column="D",
        says=["no events in 220 rows"],
    )  # fmt: skip
    empty = data.with_columns(Y=pl.when(pl.int_range(pl.len()) == 3).then(0).otherwise("Y"), D=0)
    assert_refused(lambda: age_period_cohort(empty, **CELLS), argument="person_time", column="Y", rows=(4,))
    for name, role in (("Ax", "age"), ("Px", "period")):
        few = data.filter(pl.col(name).rank("dense") <= 2)
        assert_refused(
            lambda d=few: age_period_cohort(d, **CELLS), argument=role, column=name,
            says=[f"2 different values of {role}"],
        )  # fmt: skip
    one = data.with_columns(Px=pl.col("Ax") + 1900)
    assert_refused(
        lambda: age_period_cohort(one, **CELLS), argument="period", column="Px", says=["values of cohort"]
    )
    for wrong in (2, 1.5, {"age": 5}, {"age": 5, "period": True, "cohort": 5}, "five"):
        assert_refused(lambda k=wrong: age_period_cohort(data, **CELLS, knots=k), argument="knots")
    for wrong in ([1960, 1950, 1970], [1960, 1970], [1960, np.nan, 1970], "1950"):
        knots = {"age": 5, "period": wrong, "cohort": 5}
        assert_refused(lambda k=knots: age_period_cohort(data, **CELLS, knots=k), argument="knots")
    assert_refused(
        lambda: age_period_cohort(data, **SQUARES, knots=40), argument="knots",
        says=["40 knots of age, and the events have 10 values"],
    )  # fmt: skip


def test_a_value_without_events_has_no_maximum():
    data = lung().with_columns(D=pl.when(pl.col("A5") == 40).then(0).otherwise("D"))
    with pytest.raises(ConvergenceError, match=r"is not determined.*model='spline'"):
        age_period_cohort(data, **SQUARES, model="factor")
