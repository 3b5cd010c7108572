"""Contrasts: splines of R's rms, dummies by hand, and combinations of any coefficients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused
from scipy.stats import chi2, norm

import hemresearch as hem
from hemresearch.errors import DataError, FormulaError
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.newton import maximize
from hemresearch.regression import aalen_additive, contrast, cox, firth_cox, parametric
from hemresearch.regression.cox_solution import rows_of

ROLES = {"time": "t", "event": "e"}


def cohort(seed=1, n=150):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "t": rng.exponential(10, n),
            "e": rng.random(n) < 0.8,
            "age": rng.normal(60, 10, n),
            "sex": rng.choice(["F", "M"], n),
            "g": rng.choice(list("abc"), n),
            "old": rng.random(n) < 0.5,
            "wbc": rng.lognormal(1, 1, n),
        }
    )


DATA = cohort()


def model(covariates, **options):
    return cox(DATA, covariates, **ROLES, **options)


@pytest.mark.parametrize("case_id", reference_cases("cox", "cox_rcs"))
def test_along_a_spline_matches_rms(reference, case_id):
    """Log hazard ratios against a reference value; rms::cph stops after three of Newton's steps."""
    case = reference("cox", case_id)
    o, v = case.options, case.values
    terms = [f"rcs({o['x']}, df={o['nk'] - 1})", *o.get("others", [])]
    fit = cox(case.data, " + ".join(terms), time=o["time"], event=case.role("event"), missing="drop")
    rows = rows_of(fit.y, fit.design.matrix)
    early = maximize(PartialLikelihood(rows, True), np.zeros(len(fit.coef)), steps=3)
    cov = np.linalg.inv(early.information) * np.outer(rows.scale, rows.scale)
    fit = replace(fit, coef=early.parameters * rows.scale, cov=cov)
    along = contrast(fit, {o["x"]: [float(x) for x in o["at"]]}, {o["x"]: float(o["ref"])}).to_frame()
    # to about the digits that the differences of the spline's columns leave
    assert_close(along["estimate"], v["log_hr"], rel=1e-7)
    assert_close(along["std_error"], v["log_hr_se"], rel=1e-6)
    curve = contrast(fit, {o["x"]: [float(x) for x in o["at"]]}, {o["x"]: float(o["ref"])})
    joint = curve.test()
    chi = dict(zip(v["anova_rows"], v["anova_chisq"], strict=True))[o["x"]]
    assert_close([joint["statistic"], joint["df"]], [chi, o["nk"] - 1], rel=1e-6)  # six values, three columns
    assert_close(joint["p_value"], chi2.sf(chi, o["nk"] - 1), rel=1e-5)


def test_levels_of_a_factor_by_hand():
    fit = model("age + g")
    levels = contrast(fit, {"g": ["b", "c", "c"]}, {"g": ["a", "a", "b"]})
    b, c = fit.coef[1:]
    v = fit.cov[1:, 1:]
    frame = levels.to_frame()
    assert frame.columns[:2] == ["g", "against g"]
    error = np.sqrt([v[0, 0], v[1, 1], v[0, 0] + v[1, 1] - 2 * v[0, 1]])
    assert_close(frame["estimate"], [b, c, c - b], rel=1e-12)
    assert_close(frame["std_error"], error, rel=1e-12)
    assert_close(frame["p_value"], 2 * norm.sf(np.abs([b, c, c - b]) / error), rel=1e-9)
    ratios = levels.to_frame(exponentiate=True)
    assert "std_error" not in ratios.columns
    assert_close(ratios["conf_high"], np.exp([b, c, c - b] + norm.ppf(0.975) * error), rel=1e-9)
    # three comparisons of three groups have two degrees of freedom
    term = fit.term_tests().filter(pl.col("term") == "g")
    assert_close([levels.test()["statistic"], levels.test()["df"]], [term["statistic"][0], 2], rel=1e-9)
    other = model("age + C(g, ref='b')")
    assert_close(contrast(other, {"g": "c"}, {"g": "b"}).estimate, [c - b], rel=1e-7)
    assert_close(contrast(other, {"g": "c"}, {"g": "b"}).cov, [[error[2] ** 2]], rel=1e-7)


def test_interactions_and_transformations():
    fit = model("age * sex + log(wbc) + old")
    names = dict(zip(fit.columns, fit.coef, strict=True))
    at = contrast(fit, {"age": [50, 70], "sex": "M"}, {"age": [50, 70], "sex": "F"})
    expected = [names["sex[M]"] + a * names["age:sex[M]"] for a in (50, 70)]
    assert_close(at.estimate, expected, rel=1e-10)
    by_weights = contrast(fit, weights={"sex[M]": 1, "age:sex[M]": 70})
    assert_close(by_weights.estimate, expected[1:], rel=1e-10)
    assert_close(by_weights.cov, at.cov[1:, 1:], rel=1e-9)
    assert_close(contrast(fit, {"wbc": 8}, {"wbc": 2}).estimate, [names["log(wbc)"] * np.log(4)], rel=1e-10)
    assert_close(contrast(fit, {"old": True}, {"old": False}).estimate, [names["old[True]"]], rel=1e-12)


def test_refitting_with_the_reference_moved_gives_the_same():
    centred = cox(DATA.with_columns(pl.col("age") - 70), "age * sex", **ROLES)
    here = contrast(model("age * sex"), {"age": 70, "sex": "M"}, {"age": 70, "sex": "F"}).to_frame()
    row = centred.to_frame().filter(pl.col("term") == "sex[M]")
    assert_close(here["estimate"], row["estimate"], rel=1e-7)
    assert_close(here["std_error"], row["std_error"], rel=1e-7)


def test_values_may_come_in_any_shape():
    fit = model("age + sex + g")
    expected = contrast(fit, {"age": [60, 80]}, {"age": [70, 70]})
    for values in (
        {"age": np.array([60, 80])},
        {"age": (60, 80)},
        {"age": pl.Series([60, 80])},
        pl.DataFrame({"age": [60, 80]}),
        pl.LazyFrame({"age": [60, 80]}),
        pl.DataFrame({"age": [60, 80]}).to_pandas(),
    ):
        assert_close(contrast(fit, values, {"age": 70}).cov, expected.cov, rel=1e-12)
    both = contrast(fit, {"age": [60, 80], "g": "b"}, {"age": 70, "g": "c"})
    assert both.labels["g"].to_list() == ["b", "b"]


def test_expressions_as_covariates():
    items = [pl.col("age").log().alias("logage"), (pl.col("wbc") > 3).alias("high"), "sex"]
    fit = model(items)
    names = dict(zip(fit.columns, fit.coef, strict=True))
    assert_close(
        contrast(fit, {"age": 80}, {"age": 60}).estimate, [names["logage"] * np.log(80 / 60)], rel=1e-10
    )
    assert_close(contrast(fit, {"sex": "M"}, {"sex": "F"}).estimate, [names["sex[M]"]], rel=1e-12)
    assert_close(contrast(fit, {"wbc": 9.0}, {"wbc": 1.0}).estimate, [fit.coef[1]], rel=1e-12)
    both = cox(DATA, [(pl.col("age") * pl.col("wbc")).alias("product"), "sex"], **ROLES)
    assert_refused(
        lambda: contrast(both, {"age": 1}, {"age": 2}),
        argument="at",
        column="wbc",
        says=["interacts with age"],
    )


def test_the_joint_test_does_not_depend_on_units():
    fit = model("age + wbc")
    tiny = cox(DATA.with_columns(pl.col("age") * 1e9), "age + wbc", **ROLES)
    at, against = {"age": [61.0, 60.0], "wbc": [1.0, 2.0]}, {"age": 60.0, "wbc": 1.0}
    scaled = {"age": [61e9, 60e9], "wbc": [1.0, 2.0]}, {"age": 60e9, "wbc": 1.0}
    expected = fit.coef @ np.linalg.solve(fit.cov, fit.coef)
    for test in (contrast(fit, at, against).test(), contrast(tiny, *scaled).test()):
        assert_close([test["statistic"], test["df"]], [expected, 2], rel=1e-6)
    uneven = contrast(fit, {"age": [60 + 1e-7, 60.0], "wbc": [1.0, 1e3]}, against).test()
    assert_close([uneven["statistic"], uneven["df"]], [expected, 2], rel=1e-5)
    # what is the same on both sides tests nothing
    same = contrast(fit, {"age": [60, 61]}, {"age": 60})
    assert same.test()["df"] == 1
    assert same.to_frame()["p_value"][0] is None
    nothing = contrast(fit, {"age": 60}, {"age": 60}).test()
    assert nothing["df"] == 0
    assert np.isnan(nothing["statistic"])


def test_what_it_says():
    fit = model("age + sex")
    two = contrast(fit, {"age": [50, 80], "sex": "M"}, {"age": 70, "sex": "M"}, conf_level=0.9)
    assert two.text().startswith("hazard ratio of age 50 against 70, sex M: ")
    assert "90% CI" in two.text()
    assert "; age 80 against 70, sex M: " in two.text()
    assert (
        repr(two)
        .splitlines()[0]
        .startswith("Contrasts: hazard ratio, Cox regression (Efron ties, model-based")
    )
    assert "90%" in two.methods()
    assert two.summary()["df"][0] == 1
    same = contrast(fit, {"age": 70}, {"age": 70})
    assert same.text() == "hazard ratio of age 70: 1.00 (95% CI 1.00–1.00)"
    many = contrast(fit, {"age": list(range(40, 90))}, {"age": 65})
    assert "more" in repr(many).splitlines()[-1]
    one = contrast(fit, weights={"age": 10, "sex[M]": -1})
    assert one.text().startswith("hazard ratio of 10 age + -1 sex[M]: ")
    assert one.to_frame().columns[0] == "term"


def test_its_table_shows_ratios_under_their_name():
    fit = cox(cohort(), "rcs(age, df=3) + sex", **ROLES)
    found = contrast(fit, {"age": [50, 70]}, {"age": 60})
    ratios = found.to_frame(exponentiate=True)
    made = hem.report.table(found, labels={"age": "Age", "against age": "Against"})
    assert made.header == ("Age", "Against", "HR (95% CI)", "p")
    assert [row[2] for row in made.body] == [
        hem.formats.interval(*row) for row in ratios.select("estimate", "conf_low", "conf_high").iter_rows()
    ]
    assert made.footnotes == ("HR: hazard ratio; CI: confidence interval.",)
    plain = hem.report.table(replace(found, ratio=""))
    assert plain.header[2:] == ("Difference (95% CI)", "Statistic", "p")


def test_it_is_drawn():
    fit = cox(cohort(), "rcs(age, df=3) + sex", **ROLES)
    found = contrast(fit, {"age": [50, 70]}, {"age": 60})
    row = found.to_frame(exponentiate=True).row(0, named=True)
    lines = hem.plots.fingerprint(found.plot(width=115)).splitlines()
    assert lines[0].startswith("forest of 2 estimates (hazard ratio)")
    assert lines[1].startswith(f"  age 50 against 60: {row['estimate']:.4g} (")
    assert lines == hem.plots.fingerprint(hem.plots.draw_forest(found, width=115)).splitlines()
    plain = hem.plots.fingerprint(replace(found, ratio="").plot(width=115))
    assert plain.startswith("forest of 2 estimates (difference)")


def test_other_models():
    data = DATA
    weibull = parametric(data, "age + g", **ROLES, distribution="weibull")
    frame = weibull.to_frame()
    c = frame.filter(pl.col("term") == "g[c]")
    ours = contrast(weibull, {"g": "c"}, {"g": "a"}).to_frame()
    assert_close(
        ours.select("estimate", "std_error").row(0), c.select("estimate", "std_error").row(0), rel=1e-9
    )
    firth = firth_cox(data, "age + sex", **ROLES)
    assert_close(contrast(firth, {"sex": "M"}, {"sex": "F"}).estimate, firth.coef[1:])
    robust = model("age + sex", robust=True)
    assert "robust variance" in contrast(robust, {"age": 1}, {"age": 0}).method
    aalen = aalen_additive(data, "age + sex", **ROLES)
    assert_refused(lambda: contrast(aalen, weights={"age": 1}), argument="fit", says=["a AalenFit was given"])
    differences = contrast(replace(firth, ratio=""), weights={"age": 2})
    assert differences.text().startswith("difference of ")
    assert_refused(
        lambda: differences.to_frame(exponentiate=True), argument="exponentiate", says=["has no meaning in"]
    )


def test_refusals():
    fit = model("age * sex + g")

    def refused(*says, argument="at", column=None, rows=(), error=DataError, **given):
        assert_refused(
            lambda: contrast(fit, **given),
            argument=argument,
            column=column,
            rows=rows,
            says=says,
            error=error,
        )

    refused("no values were given")
    refused("no values were given", at={}, against={"g": "a"})
    refused("no values were given", argument="against", at={"g": "b"})
    refused("names other covariates", "age", argument="against", at={"g": "b"}, against={"g": "a", "age": 1})
    refused("is no covariate", "one of age, sex, g", column="wbc", at={"wbc": 1}, against={"wbc": 2})
    both = {"sex": "F", "age": 1}
    refused("Try at={'age': ...}.", column="agee", at={"agee": 70, "sex": "F"}, against=both)
    refused("Try against={'age'", argument="against", column="agee", at=both, against={"agee": 7, "sex": "F"})
    refused(
        "(C)", "Try at={'g': 'c'}.", column="g", rows=[1], at={"g": "C"}, against={"g": "a"},
        error=FormulaError,
    )  # fmt: skip
    flagged = model("old + age")
    assert_refused(
        lambda: contrast(flagged, {"old": 1}, {"old": False}), argument="at", column="old", error=FormulaError
    )
    refused("interacts with age and has no value", column="sex", at={"age": 1}, against={"age": 2})
    refused("has 2 rows, and at= has 3", argument="against", at={"g": list("abc")}, against={"g": ["a", "b"]})
    refused("lists of 1, 2, 3 values", at={"age": [1, 2, 3], "sex": ["F", "M"], "g": "a"}, against={"g": "a"})
    refused("lists of 0 values", at={"g": []}, against={"g": "a"})
    refused("given together with values", argument="weights", at={"g": "a"}, weights={"age": 1})
    refused("no weights were given", argument="weights", weights={})
    refused("no weights were given", "{'age': 1}", argument="weights", weights=["age"])
    refused("'x' was given", argument="weights", weights={"age": "x"})
    refused("'agee' is no coefficient", "'age'", argument="weights", weights={"agee": 1})
    refused("not seen (d)", column="g", rows=[1], at={"g": "d"}, against={"g": "a"}, error=FormulaError)
    refused("was given", argument="conf_level", weights={"age": 1}, conf_level=95)
    assert_refused(lambda: contrast(fit.slim(), {"g": "b"}, {"g": "a"}), argument="fit", says=["slim"])
    assert_close(contrast(fit.slim(), weights={"g[b]": 1}).estimate, [fit.coef[fit.columns.index("g[b]")]])
    empty = model([])
    assert_refused(
        lambda: contrast(empty, {"g": "b"}, {"g": "a"}), argument="at", column="g", says=["no covariate"]
    )
