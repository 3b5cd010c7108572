"""What every fitted regression tells of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cox_cohorts import ROLES, TERMS, cohort
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.fits import Fit, chi_squared_tail, frame_of_tests, wald_test
from hemresearch.formats import p_value, significant
from hemresearch.regression import cox

FIT = Fit(
    name="some regression",
    method="by hand",
    columns=("age", "sex[M]", "scale"),
    terms={"age": slice(0, 1), "sex": slice(1, 2)},
    coef=np.array([0.5, -1.0, 2.0]),
    cov=np.diag([0.04, 0.25, 0.01]),
    variance="model-based",
    log_likelihood=-100.0,
    log_likelihood_null=-110.0,
    n=200,
    n_event=50,
    ratio="hazard ratio",
    df=3.0,
)


def test_a_table_by_hand():
    frame = FIT.to_frame()
    assert frame.columns == ["term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"]
    assert frame["term"].to_list() == ["age", "sex[M]", "scale"]
    assert_close(frame["std_error"], [0.2, 0.5, 0.1])
    assert_close(frame["statistic"], [2.5, -2.0, 20.0])
    assert_close(frame["p_value"][:2], [0.012419330651552265, 0.04550026389635842], rel=1e-9)
    assert_close(frame["conf_low"][0], 0.5 - 1.959963984540054 * 0.2, rel=1e-9)
    assert_close(FIT.to_frame(conf_level=0.5)["conf_high"][0], 0.5 + 0.6744897501960817 * 0.2, rel=1e-9)


def test_ratios_are_of_effects_alone():
    natural = FIT.to_frame(exponentiate=True)
    assert natural.columns == ["term", "estimate", "statistic", "p_value", "conf_low", "conf_high"]
    assert natural["term"].to_list() == ["age", "sex[M]"]
    assert_close(natural["estimate"], np.exp([0.5, -1.0]))
    assert_close(natural["conf_low"], FIT.to_frame()["conf_low"][:2].exp(), rel=1e-12)
    assert_refused(
        lambda: replace(FIT, ratio="").to_frame(exponentiate=True),
        argument="exponentiate",
        says=["has no meaning in some regression", "exponentiate=False"],
    )
    assert_refused(lambda: FIT.to_frame(conf_level=1), argument="conf_level")


def test_criteria_count_degrees_of_freedom_and_events():
    assert_close([FIT.aic, FIT.bic], [206.0, 200 + 3 * np.log(50)])


def test_summary_is_one_row():
    summary = FIT.summary()
    assert summary.height == 1
    told = summary.row(0, named=True)
    assert (told["name"], told["n"], told["n_event"], told["n_dropped"]) == ("some regression", 200, 50, 0)
    assert (told["method"], told["variance"], told["conf_level"]) == ("by hand", "model-based", 0.95)


def test_text_names_a_term_a_coefficient_or_all():
    assert FIT.text("age") == "hazard ratio of age 1.65 (95% CI 1.11–2.44), p=0.012"
    assert FIT.text("sex") == FIT.text("sex[M]")
    assert FIT.text("age", label="ten years") == "hazard ratio of ten years 1.65 (95% CI 1.11–2.44), p=0.012"
    assert_refused(lambda: FIT.text(label="ten years"), argument="label", says=["coefficients", "text('age'"])
    assert FIT.text("sex", decimals=1).startswith("hazard ratio of sex[M] 0.4 (95% CI 0.1–1.0)")
    assert FIT.text().startswith("hazard ratios: age: 1.65 (95% CI 1.11–2.44), p=0.012; sex[M]: 0.37")
    assert "scale" not in FIT.text()
    plain = replace(FIT, ratio="")
    assert plain.text("scale").startswith("coefficient of scale 2.00 (95% CI")
    assert plain.text().startswith("coefficients: age: 0.50")
    groups = cox(cohort(1), TERMS, **ROLES).text("group")
    assert groups.startswith("hazard ratios: group[b]: ")
    assert "(all levels together p" in groups
    assert_refused(
        lambda: FIT.text("agee"), argument="term", says=["'agee' is no coefficient", "did you mean 'age'"]
    )


def test_a_spline_is_told_by_its_tests_and_found_by_its_covariate():
    fit = cox(cohort(1).drop("entry"), "rcs(age, df=3) + C(group)", **ROLES)
    p, bent = (table["p_value"][0] for table in (fit.term_tests(), fit.nonlinearity()))
    assert fit.curve_tests("rcs(age, df=3)") == (p, bent)
    said = f"{p_value(p)}, non-linearity {p_value(bent)}"
    assert fit.text("age") == f"effect of rcs(age, df=3) along a curve: {said}"
    assert fit.text().endswith(f"rcs(age, df=3) along a curve: {said}")
    assert fit.text("group") == fit.text("C(group)")
    assert "rcs(age, df=3)[1]" not in repr(fit) + fit.text()
    assert f"  rcs(age, df=3): p of the curve {significant(p)}, for non-linearity" in repr(fit)
    slim = fit.slim()
    assert slim.text("age") == f"effect of rcs(age, df=3) along a curve: {p_value(p)}"
    assert fit.to_frame()["term"][0] == "rcs(age, df=3)[1]"
    assert fit.term_of("rcs(age, df=3)[1]") is None
    error = assert_refused(lambda: fit.text("C(grop)"), argument="term")
    assert "C(group)" in error.expected


def test_methods_say_what_was_done():
    assert FIT.methods() == (
        "Hazard ratios were estimated by some regression (by hand), with 95% confidence limits from the "
        "model-based variance."
    )
    assert replace(FIT, ratio="").methods().startswith("Coefficients were")


def test_repr_is_short_and_steady():
    assert repr(FIT).splitlines() == [
        "some regression: n=200, events=50",
        "  age: hazard ratio 1.649 (1.114 to 2.44), p 0.01242",
        "  sex[M]: hazard ratio 0.3679 (0.1381 to 0.9802), p 0.0455",
        "  scale: 2 (1.804 to 2.196), p 5.507e-89",
        "log-likelihood -100 (null -110); by hand, model-based variance, 95% limits",
    ]
    names = tuple(f"x{j}" for j in range(10))
    many = replace(FIT, columns=names, coef=np.zeros(10), cov=np.eye(10), terms={}, n_dropped=3)
    assert "  and 2 more" in repr(many)
    assert "events=50, 3 rows with missing values left out" in repr(many)
    huge = replace(FIT, coef=np.array([800.0, -800.0, 0.0]))
    assert "hazard ratio ∞" in repr(huge)


def test_a_coefficient_without_variance_has_no_test():
    still = replace(FIT, cov=np.diag([0.0, 0.25, 0.01]), coef=np.array([0.0, -1.0, 2.0]))
    row = still.to_frame().row(0, named=True)
    assert row["statistic"] is row["p_value"] is None
    assert still.term_tests()["p_value"][0] is None


def test_coefficients_are_found_by_name():
    assert FIT.place("scale") == 2
    error = assert_refused(lambda: FIT.place("sex"), argument="term", says=["is no coefficient of the model"])
    assert error.remedy == "term='age'"
    none = replace(FIT, columns=(), coef=np.empty(0), cov=np.empty((0, 0)), terms={})
    assert_refused(lambda: none.place("age"), argument="term", says=["a model with covariates"])
    assert none.to_frame().is_empty()


def test_wald_tests_of_terms_and_their_formula():
    cov = np.array([[0.04, 0.01], [0.01, 0.09]])
    b = np.array([0.3, -0.5])
    statistic, df, p = wald_test(b, cov)
    assert_close(statistic, b @ np.linalg.solve(cov, b), rel=1e-12)
    assert df == 2
    assert_close(p, np.exp(-statistic / 2), rel=1e-12)  # two degrees of freedom
    units = np.array([1e8, 1e-8])
    assert_close(wald_test(b * units, cov * np.outer(units, units))[0], statistic, rel=1e-10)
    assert_close(FIT.term_tests()["statistic"], [6.25, 4.0])
    for singular in (np.ones((2, 2)), np.zeros((2, 2)), np.full((2, 2), np.inf)):
        assert np.isnan(wald_test(b, singular)[0])
    assert np.isnan(wald_test(np.empty(0), np.empty((0, 0)))[2])


def test_tails_of_chi_squared():
    assert_close(chi_squared_tail(3.841458820694124, 1), 0.05, rel=1e-9)
    assert chi_squared_tail(-1e-12, 2) == 1  # a likelihood ratio that rounding made negative
    assert 0 < chi_squared_tail(1400.0, 3) < 1e-300
    assert np.isnan(chi_squared_tail(1.0, 0))
    assert frame_of_tests([("score", 1.0, 1.0, float("nan"))])["p_value"][0] is None


def test_nonlinearity_wants_a_spline():
    data = cohort(2)
    assert_refused(
        cox(data, TERMS, **ROLES).nonlinearity, argument="fit", says=["no spline term", "rcs(age, df=3)"]
    )
    # a straight line has no bends: a Wald test of them in a spline of whatever basis
    fit = cox(data, "ns(age, df=3) + marked", **ROLES)
    test = fit.nonlinearity()
    assert test["df"].to_list() == [2.0]
    assert fit.term_tests()["df"].to_list() == [3.0, 1.0]
    line = cox(data, "age + marked", **ROLES)
    gain = 2 * (fit.log_likelihood - line.log_likelihood)
    assert test["statistic"][0] == pytest.approx(gain, rel=0.3, abs=0.3)  # likelihood ratio and Wald are near


def test_a_slim_fit_has_no_design():
    assert_frame_equal(FIT.slim().to_frame(), FIT.to_frame())
    assert_refused(
        lambda: FIT.require_design("a forecast"), argument="fit", says=["a forecast needs the design"]
    )
