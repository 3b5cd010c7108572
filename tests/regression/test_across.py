"""One effect in several models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from refusals import assert_refused

import hemresearch as hem

MGUS = hem.data.load("mgus2").drop_nulls()
ROLES = {"time": "futime", "event": "death"}


@pytest.fixture(scope="module")
def fits():
    models = {
        "Sex alone": (MGUS, "sex"),
        "Adjusted": (MGUS, "sex + age"),
        "At 80": (MGUS.filter(age=80), "sex"),
    }
    return {name: hem.regression.cox(data, model, **ROLES) for name, (data, model) in models.items()}


def test_each_row_is_what_its_model_says(fits):
    found = hem.regression.across_models(fits, "sex").to_frame()
    assert found["model"].to_list() == ["Sex alone", "Adjusted", "At 80"]
    for row, fit in zip(found.iter_rows(named=True), fits.values(), strict=True):
        own = fit.to_frame(exponentiate=True).row(0, named=True)
        assert own["term"] == "sex[M]"
        assert {k: row[k] for k in ("estimate", "conf_low", "conf_high", "p_value")} == {
            k: own[k] for k in ("estimate", "conf_low", "conf_high", "p_value")
        }
        assert (row["n"], row["n_event"]) == (fit.n, fit.n_event)


def test_a_coefficient_may_be_named_and_be_called_differently(fits):
    other = hem.regression.cox(MGUS.rename({"sex": "gender"}), "gender", **ROLES)
    found = hem.regression.across_models({**fits, "Renamed": other}, ["sex[M]", "gender"])
    assert found.name == "hazard ratio of sex[M] or gender[M]"
    np.testing.assert_allclose(found.to_frame()["estimate"][3], found.to_frame()["estimate"][0], rtol=1e-12)


def test_it_is_a_sentence_and_a_table(fits):
    found = hem.regression.across_models(fits, "sex")
    assert found.text().startswith("hazard ratio of sex[M]: Sex alone 1.20 (95% CI 1.05–1.36), p=0.006; Adj")
    assert hem.report.table(found).to_frame().height == 3
    assert found.n == MGUS.height


def test_it_is_a_table_of_ratios_and_a_figure(fits):
    found = hem.regression.across_models(fits, "sex")
    made = hem.report.table(found)
    assert made.header == ("Model", "N", "Events", "HR (95% CI)", "p")
    assert made.footnotes == ("HR: hazard ratio; CI: confidence interval.",)
    lines = hem.plots.fingerprint(found.plot(width=115)).splitlines()
    assert lines[0].startswith("forest of 3 estimates (hazard ratio)")
    assert lines[1].startswith("  Sex alone: 1.199 (1.054 to 1.365)")


def test_an_effect_that_changes_says_when_it_is_read_off():
    """Beside `sex:log(t)` the coefficient of sex is its effect at time 1, no hazard ratio of all times."""
    fitted = hem.regression.cox(MGUS, "sex + age", time_varying={"sex": "log"}, **ROLES)
    assert hem.regression.across_models({"One": fitted}, "sex[M]").name == "hazard ratio of sex[M] at time 1"


def test_a_covariate_may_stand_for_its_term():
    fit = hem.regression.cox(MGUS, "C(sex, ref='M') + age", **ROLES)
    assert hem.regression.across_models({"One": fit}, "sex").name == "hazard ratio of sex[F]"


def test_models_without_a_ratio_keep_their_coefficients(fits):
    plain = {name: replace(fit, ratio="") for name, fit in fits.items()}
    found = hem.regression.across_models(plain, "sex")
    np.testing.assert_allclose(found.to_frame()["estimate"], [fit.coef[0] for fit in fits.values()])
    assert found.name == "coefficient of sex[M]"
    assert hem.report.table(found).header[3] == "Coefficient (95% CI)"
    assert "forest of 3 estimates (coefficient)" in hem.plots.fingerprint(found.plot(width=115))


@pytest.mark.parametrize("given", [{}, [1], {"a": 1}])
def test_what_are_no_fits_is_refused(given):
    assert_refused(
        lambda: hem.regression.across_models(given, "sex"),
        argument="fits",
        says=["fitted regressions by the name of the analysis", "Main analysis"],
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"ratio": "odds ratio"}, "different effects"), ({"conf_level": 0.9}, "different confidence levels")],
)
def test_fits_that_cannot_stand_in_one_column_are_refused(fits, changes, says):
    mixed = {**fits, "Other": replace(fits["Adjusted"], **changes)}
    assert_refused(
        lambda: hem.regression.across_models(mixed, "sex"), argument="fits", says=[says, "one call for each"]
    )


def test_a_term_that_a_model_lacks_is_refused(fits):
    assert_refused(
        lambda: hem.regression.across_models(fits, "age"),
        argument="term",
        says=["'age' is in no place of the model 'Sex alone'", "term='sex[M]'"],
    )


def test_a_term_of_several_coefficients_is_refused():
    fit = hem.regression.cox(hem.data.load("veteran"), "celltype", time="time", event="status")
    assert_refused(
        lambda: hem.regression.across_models({"One": fit}, "celltype"),
        argument="term",
        says=["'celltype' has 3 coefficients in the model 'One'", "term='celltype[smallcell]'"],
    )
