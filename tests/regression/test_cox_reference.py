"""Cox models against R's coxph, survfit, residuals, cox.zph and rms: every stored case."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from cox_cases import by_name, columns_of, in_stratum, matrix, new_rows, our_name, stored
from reference_cases import assert_close, load_reference, reference_cases

from hemresearch.numerics.cox_hazard import baseline_hazards
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.newton import maximize
from hemresearch.regression import cox, ph_test
from hemresearch.regression.cox_solution import rows_of

OTHERS = ("cox_firth", "cox_frailty", "cox_rcs")
CASES = [("cox", name) for name in reference_cases("cox", "cox_") if not name.startswith(OTHERS)]
MORE = [("cox_more", name) for name in reference_cases("cox_more", "more")]
RESIDUALS = {
    "score": "score",
    "dfbeta": "dfbeta",
    "dfbetas": "dfbetas",
    "schoenfeld": "schoenfeld",
    "scaledsch": "scaled schoenfeld",
}


def with_value(name, cases=(*CASES, *MORE)):
    """The cases for which R gave a value."""
    found = [(topic, case_id) for topic, case_id in cases if name in load_reference(topic, case_id).values]
    return pytest.mark.parametrize("key", found, ids=lambda key: key[1])


def largest(values):
    return float(np.abs(np.array(values, dtype=float)).max())


@with_value("coef")
def test_coefficients_variance_and_likelihoods(key):
    case, fit = stored(*key)
    values = case.values
    assert_close(fit.coef, by_name(values["coef"], fit.columns), rel=1e-8)
    # R and we stop where the last step is taken without looking at the information once more
    assert_close(fit.cov, matrix(values["var"], fit.columns), rel=2e-7)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], values["loglik"], rel=1e-11)
    assert fit.n_event == values["nevent"]
    assert len(fit.observations("test")) == values["n"]
    if "naive_se" in values:
        naive = np.sqrt(np.diag(fit.cov_model))
        assert_close(naive, by_name(values["naive_se"], fit.columns), rel=2e-7)
        assert fit.variance == "robust"


@with_value("hr_lower")
def test_limits_p_values_and_criteria(key):
    case, fit = stored(*key)
    values = case.values
    natural = fit.to_frame(exponentiate=True)
    assert_close(natural["conf_low"], by_name(values["hr_lower"], fit.columns), rel=2e-7)
    assert_close(natural["conf_high"], by_name(values["hr_upper"], fit.columns), rel=2e-7)
    assert_close(natural["p_value"], by_name(values["p"], fit.columns), rel=1e-5)  # relative in the far tails
    assert_close(fit.std_error, by_name(values["se"], fit.columns), rel=2e-7)
    assert_close([fit.aic, fit.bic], [values["aic"], values["bic"]], rel=1e-11)


@with_value("wald_test")
def test_tests_that_all_effects_are_zero(key):
    case, fit = stored(*key)
    values = case.values
    frame = fit.tests()
    found = dict(zip(frame["test"], frame["statistic"], strict=True))
    assert_close(found.pop("Wald"), values["wald_test"], rel=2e-7)
    gain = 2 * (values["loglik"][1] - values["loglik"][0])
    assert_close(found.pop("likelihood ratio"), gain, rel=1e-9)
    if "score_test" in values:
        assert_close(found.pop("score"), values["score_test"], rel=1e-9)
    if values.get("robust_score_test") is not None:
        assert_close(found.pop("robust score"), values["robust_score_test"], rel=1e-9)
    assert not found
    assert_close(frame["df"], [values.get("df", len(fit.coef))] * frame.height, rel=1e-7)


@with_value("baseline_cumhaz_at_zero")
def test_baseline_hazards(key):
    case, fit = stored(*key)
    centre = 0.0
    offset = fit.observations("test").offset
    if offset is not None:
        # R's baseline is that of a patient whose offset is the mean of the offsets, ours has offset 0
        centre = offset.mean()
    for at_zero, at_means in zip(
        case.values["baseline_cumhaz_at_zero"], case.values["baseline_cumhaz_at_means"], strict=True
    ):
        ours = in_stratum(case, fit.baseline().at(at_zero["times"], extend=True), at_zero["strata"])
        assert_close(ours["estimate"] * np.exp(centre), at_zero["cumhaz"], rel=1e-8)
        # R's `means` are 0 for columns of 0 and 1, ours the means of all columns
        shift = by_name(case.values["means"], fit.columns) @ fit.coef + centre
        assert_close(ours["estimate"] * np.exp(shift), at_means["cumhaz"], rel=1e-8)


def test_a_baseline_at_the_means_is_r_s_where_no_covariate_is_0_or_1():
    case, fit = stored("cox", "cox_lung_strata")
    for theirs in case.values["baseline_cumhaz_at_means"]:
        ours = in_stratum(case, fit.baseline(at="means").at(theirs["times"]), theirs["strata"])
        assert_close(ours["estimate"], theirs["cumhaz"], rel=1e-8)


@with_value("lp_centered_first")
def test_linear_predictors(key):
    case, fit = stored(*key)
    y, design = fit.observations("test"), fit.design
    lp = design.matrix @ fit.coef - by_name(case.values["means"], fit.columns) @ fit.coef
    if y.offset is not None:
        lp = lp + y.offset - y.offset.mean()
    first = case.values["lp_centered_first"]
    assert_close(lp[: len(first)], first, rel=1e-8, at_zero=1e-9)
    assert_close((lp**2).sum(), case.values["lp_sum_sq"], rel=1e-8)


@with_value("concordance")
def test_concordance(key):
    case, fit = stored(*key)
    theirs = case.values["concordance"]
    ours = fit.concordance().to_frame().row(0, named=True)
    counts = {name.replace("_", "."): ours[name] for name in ("concordant", "discordant", "tied_x")}
    # Patients with the same covariates have the same predictor to us. R finds 276 of these 289 pairs tied,
    # where rounding error happens to be the same.
    rel = 1e-9 if case.id != "cox_flchain_ns" else 1e-6
    assert_close(ours["estimate"], theirs["harrell"], rel=rel)
    if case.id != "cox_flchain_ns":
        assert_close(counts, {name: theirs["counts"][name] for name in counts})
    else:
        assert (counts["tied.x"], theirs["counts"]["tied.x"]) == (289, 276)
    if "cluster" not in case.options:  # R's concordance of a fit takes no notice of its clusters
        assert_close(ours["std_error"], theirs["harrell_se"], rel=rel)
    for weight in ("S", "n/G2", "S/G", "I"):
        if f"timewt_{weight}" in theirs:
            ours = fit.concordance(time_weight=weight).to_frame().row(0, named=True)
            assert_close(ours["estimate"], theirs[f"timewt_{weight}"]["c"], rel=rel)


@with_value("residuals")
def test_residuals(key):
    case, fit = stored(*key)
    theirs = case.values["residuals"]
    for kind in ("martingale", "deviance"):
        ours = fit.residuals(kind)["residual"]
        # martingale residuals near 0 are differences of numbers near 1
        assert np.abs(ours[: len(theirs[kind]["first"])] - np.array(theirs[kind]["first"])).max() < 1e-8
        assert_close((ours**2).sum(), theirs[kind]["sumsq"], rel=1e-8)
    for name, kind in RESIDUALS.items():
        expected = theirs[name]
        ours = fit.residuals(kind)
        size = largest(expected["first"]["data"])
        first = np.array(columns_of(ours, expected["first"], fit.columns))
        n = len(expected["first"]["data"])
        assert np.abs(first[:n] - np.array(expected["first"]["data"])).max() < 1e-8 * size
        assert_close((first**2).sum(axis=0), expected["colsumsq"], rel=2e-7)


@with_value("cox_zph")
def test_proportional_hazards(key):
    case, fit = stored(*key)
    for transform, theirs in case.values["cox_zph"].items():
        table = theirs.get("table", theirs)
        ours = ph_test(fit, transform=transform).to_frame()
        assert_close(ours["statistic"], [row[0] for row in table["data"]], rel=1e-7)
        assert_close(ours["df"], [row[1] for row in table["data"]])
        assert_close(ours["p_value"], [row[2] for row in table["data"]], rel=1e-6)


@with_value("predicted_curves")
def test_predicted_survival(key):
    case, fit = stored(*key)
    new = new_rows(case, "predict_at")
    names = {"estimate": "surv", "std_error": "std_err", "conf_low": "lower", "conf_high": "upper"}
    for theirs in case.values["predicted_curves"]:
        ours = fit.predict(new, times=theirs["times"], conf_type=theirs["conf_type"])
        for column, name in names.items():
            expected = np.ravel(theirs[name])
            assert_close(ours[column], expected, rel=2e-8)


@with_value("curves")
def test_curves_of_new_rows(key):
    case, fit = stored(*key)
    new = new_rows(case, "at")
    named = bool(set(case.options.get("strata", [])) & set(new.columns))
    for theirs in case.values["curves"]:
        # R calls the curve by its row where the new data name the stratum
        row = new[[int(theirs["stratum"] if named else theirs["row"]) - 1]]
        curves = fit.curves(row, conf_type=case.options["conf_type"])
        ours = curves.at(case.options["times"], extend=True)
        ours = in_stratum(case, ours, theirs["stratum"]) if curves.by else ours  # one for each stratum
        assert_close(ours["estimate"], theirs["surv"], rel=1e-8)
        assert_close(ours["std_error"] / ours["estimate"], theirs["std_chaz"], rel=2e-7)
        assert_close(ours["conf_low"], theirs["lower"], rel=2e-7)
        assert_close(ours["conf_high"], theirs["upper"], rel=2e-7)


@with_value("path")
def test_curves_along_covariate_paths(key):
    case, fit = stored(*key)
    path = new_rows(case, "path")
    roles = {"id": "id", "entry": case.options["entry"], "time": case.options["time"]}
    times = np.array(case.options["times"], dtype=float)
    for theirs in case.values["path"]:
        rows = path if theirs["stratum"] == "all" else path.filter(pl.col("id") == float(theirs["stratum"]))
        curves = fit.curves(rows, **roles, conf_type=case.options["conf_type"])
        ours = curves.at(case.options["times"], extend=True)
        assert_close(ours["estimate"], theirs["surv"], rel=1e-8)
        error = (ours["std_error"] / ours["estimate"]).to_numpy()
        # R takes the part of the coefficients as if the covariates of the present row had held from time 0.
        # Ours adds up the pieces, as the derivative of the hazard does (test_cox_predict.py).
        constant = times <= rows[roles["time"]][0]
        assert constant.any()
        assert_close(error[constant], np.array(theirs["std_chaz"])[constant], rel=2e-7)
        assert_close(error_from_the_present(fit, rows, roles, times), theirs["std_chaz"], rel=2e-7)
        assert_close(ours["conf_low"].to_numpy()[constant], np.array(theirs["lower"])[constant], rel=2e-7)


def error_from_the_present(fit, rows, roles, times):
    """R's standard error of the cumulative hazard along a path."""
    e = fit.estimate("test")
    (base,) = baseline_hazards(e)
    x = (fit.design.apply(rows) - e.rows.mean) * e.rows.scale
    risk = np.exp(x @ e.coef)
    cov = fit.cov / np.outer(e.rows.scale, e.rows.scale)
    start, stop = (rows[roles[name]].to_numpy().astype(float) for name in ("entry", "time"))
    errors = []
    for t in times:
        pieces = [base.at(np.minimum(t, ends))[1] for ends in (stop, start)]
        own = (risk**2 * (pieces[0] - pieces[1])).sum()
        now = int(np.searchsorted(stop, t))
        hazard, _, mean = (part[0] for part in base.at(np.array([t])))
        slope = risk[now] * (hazard * x[now] - mean)
        errors.append(np.sqrt(own + slope @ cov @ slope))
    return errors


@with_value("average")
def test_standardised_curves_are_r_s_curves_averaged(key):
    case, fit = stored(*key)
    by = case.options["average"]
    ours = fit.adjusted(by).at(case.options["times"])
    for level, survival in case.values["average"].items():
        assert_close(ours.filter(pl.col(by).cast(pl.String) == level)["estimate"], survival, rel=1e-8)


@pytest.mark.parametrize("case_id", reference_cases("cox_more", "rcs"))
def test_restricted_cubic_splines(reference, case_id):
    case = reference("cox_more", case_id)
    values = case.values
    fit = spline_fit(case)
    assert_close(next(iter(fit.design.knots.values())), values["knots"])
    assert_close(fit.coef, values["b"], rel=1e-8)
    # R and we take the last step without looking at the information again; bilirubin has a long tail
    assert_close(fit.std_error, values["se"], rel=5e-7)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], values["loglik"], rel=1e-11)
    assert_close(fit.term_tests()["statistic"][0], values["spline_test"], rel=1e-6)
    assert_close(fit.nonlinearity()["statistic"], [values["nonlinear_test"]], rel=1e-6)
    assert_close(fit.nonlinearity()["df"], [case.options["nk"] - 2])


@pytest.mark.parametrize(("case_id", "steps"), [("cox_rcs_mgus2_hgb", 3), ("cox_rcs_bmt_z1", 3)])
def test_splines_of_rms_after_as_many_steps(reference, case_id, steps):
    # rms::cph stops when the log-likelihood changes by less than 1e-4: after so many of Newton's steps
    case = reference("cox", case_id)
    values, fit = case.values, spline_fit(case)
    rows = rows_of(fit.observations("test"), fit.design.matrix)
    early = maximize(PartialLikelihood(rows, True), np.zeros(len(fit.coef)), steps=steps)
    assert_close(early.parameters * rows.scale, values["coef"], rel=1e-8)
    assert_close([fit.log_likelihood_null, early.value], values["loglik"], rel=1e-11)
    cov = np.linalg.inv(early.information) * np.outer(rows.scale, rows.scale)
    assert_close(np.sqrt(np.diag(cov)), values["se"], rel=1e-6)
    chi = dict(zip(values["anova_rows"], values["anova_chisq"], strict=True))
    halted = replace(fit, coef=early.parameters * rows.scale, cov=cov)
    names = [case.options["x"], *case.options.get("others", [])]
    assert_close(halted.term_tests()["statistic"], [chi[name] for name in names], rel=1e-6)
    assert_close(halted.nonlinearity()["statistic"], [chi[" Nonlinear"]], rel=1e-6)


def spline_fit(case):
    terms = [f"rcs({case.options['x']}, df={case.options['nk'] - 1})", *case.options.get("others", [])]
    return cox(case.data, " + ".join(terms), time=case.role("time"), event=case.role("event"), missing="drop")


def test_names_of_coefficients_are_found_in_both():
    _, fit = stored("cox", "cox_bmtcrr_interaction")
    assert our_name("Age:DAML", fit.columns) == "Age:D[AML]"
