"""Excess hazard regression: R's values with what is different in relsurv, truths, and every refusal."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.numerics.excess_hazard import ExcessRows, fit_excess, poisson_deviance
from hemresearch.numerics.population_hazard import cumulative_hazard
from hemresearch.relative import excess_hazard, net_survival, smr

MODULE = sys.modules[excess_hazard.__module__]
SLOVENIA = hem.data.life_table("slovenia")
YEAR = 365.241
RDATA = {"time": "time", "event": "cens", "date": "year", "age": "age", "age_unit": "years"}
COLREC = {"time": "time", "event": "stat", "date": "diag", "age": "age", "age_unit": "days"}
OF_RDATA, OF_COLREC = "sex + agegr", "agey + male + rectum + stage"


def with_covariates(data: pl.DataFrame) -> pl.DataFrame:
    """The covariates that the R script made of colrec."""
    return data.with_columns(
        agey=(pl.col("age") / YEAR - 65) / 10, male=pl.col("sex") == 1, rectum=pl.col("site") == "rectum",
        stage=pl.col("stage").cast(pl.String),
    )  # fmt: skip


def of_case(topic: str, case_id: str, bands: Any, method: str) -> tuple[Any, dict[str, Any], np.ndarray]:
    """Our fit, R's values, and our coefficients with the baseline per year."""
    case = load_reference(topic, case_id)
    is_rdata = "rdata" in case_id
    fit = excess_hazard(
        case.data if is_rdata else with_covariates(case.data), OF_RDATA if is_rdata else OF_COLREC,
        **(RDATA if is_rdata else COLREC), time_unit="days", sex="sex", life_table=SLOVENIA,
        bands=np.array(bands) * YEAR, method=method,
    )  # fmt: skip
    coef = fit.coef.copy()
    coef[1 - len(bands) :] += np.log(YEAR)
    return fit, case.values, coef


def over_the_day(rates, group, age, day, time):
    """relsurv's hazard at a death: the mean of the day that begins then, in which a year may turn."""
    return cumulative_hazard(rates, group, age, day, time, time + 1)


def by_whole_bands(rows, origins, borders):
    """relsurv's expected deaths: the days lived times the mean hazard of the whole band.

    From the third band on, rsadd adds the width of a band itself, and not of the one before it, to the age
    and date at which it begins. Bands of one width are right; after [0, 0.5, 1, 2] all are half a year older.
    """
    p = CUT(rows, origins, borders)
    width = np.diff(borders[0])
    begin = np.append(0, np.cumsum(width[1:]))
    inside = p.band[:, 0] >= 0
    band, who = p.band[inside, 0], rows.people.take(p.row[inside])
    whole = cumulative_hazard(
        rows.life_table.rates, who.group, who.age, who.day, begin[band], begin[band] + width[band]
    )
    expected = p.expected.copy()
    expected[inside] = whole / width[band] * p.days[inside]
    return replace(p, expected=expected)


CUT = MODULE.cut_follow_up


def test_full_likelihood_is_that_of_rsadd():
    # ages are whole years, so that no year turns within the day of a death but on 1 January
    fit, values, coef = of_case("relative_survival", "rsadd_rdata_max.lik", range(6), "full-likelihood")
    assert_close(coef, values["coef"], rel=1e-9)
    assert_close(fit.std_error, values["se"], rel=1e-7)
    assert_close(fit.cov.ravel(), np.ravel(values["vcov"]), rel=1e-6)
    # R's is per year
    for own, theirs in zip((fit.log_likelihood_null, fit.log_likelihood), values["loglik"], strict=True):
        assert own + fit.n_event * np.log(YEAR) == pytest.approx(theirs, rel=1e-9)
    assert fit.n == values["n"]


def test_full_likelihood_is_that_of_rsadd_but_for_the_day_of_a_death(monkeypatch):
    own, values, coef = of_case("relative_survival", "rsadd_colrec_maxlik", range(6), "full-likelihood")
    np.testing.assert_allclose(coef, values["coef"], atol=1e-3 * own.std_error.max())
    monkeypatch.setattr(MODULE, "hazards", over_the_day)
    fit, values, coef = of_case("relative_survival", "rsadd_colrec_maxlik", range(6), "full-likelihood")
    assert_close(coef, values["coef"], rel=1e-9)
    assert_close(fit.std_error, values["se"], rel=1e-7)
    assert_close(fit.cov.ravel(), np.ravel(values["vcov"]), rel=1e-6)


@pytest.mark.parametrize(
    ("case_id", "of_rsadd"),
    [
        ("poisson_rdata", "rsadd_rdata_glm.poi"),
        ("poisson_colrec", None),
        ("poisson_colrec_int", "rsadd_colrec_glmpoi_custom_int"),
    ],
)
def test_poisson_is_that_of_rsadd_at_its_maximum(monkeypatch, case_id, of_rsadd):
    bands = load_reference("excess_hazard", case_id).options["int"]
    monkeypatch.setattr(MODULE, "cut_follow_up", by_whole_bands)
    fit, values, coef = of_case("excess_hazard", case_id, bands, "poisson")
    assert_close(coef, values["coef"], rel=1e-7)
    assert_close(fit.std_error, values["se"], rel=1e-7)
    assert fit.deviance == pytest.approx(values["deviance"], rel=1e-10)
    assert fit.expected == pytest.approx(values["expected"], rel=1e-10)
    assert fit.log_likelihood == pytest.approx(values["loglik"], rel=1e-10)
    assert (fit.n_event, fit.df_residual) == (values["n_event"], values["df_residual"])
    if of_rsadd is not None:  # which stopped before it, where its deviance had settled to 1e-8
        stopped = load_reference("relative_survival", of_rsadd).values
        assert 0 <= stopped["deviance"] - fit.deviance < 1e-8 * (abs(fit.deviance) + 0.1)


def test_poisson_with_the_expected_deaths_of_the_follow_up_is_near():
    own, values, coef = of_case("excess_hazard", "poisson_rdata", range(6), "poisson")
    np.testing.assert_allclose(coef, values["coef"], atol=0.01 * own.std_error.min())
    assert own.expected == pytest.approx(values["expected"], rel=1e-3)


def in_years_of_their_own_length(name: str) -> pl.Expr:
    """A date as a number of years, leap years having 366 days."""
    length = 365 + pl.col(name).dt.is_leap_year().cast(pl.Int64)
    return pl.col(name).dt.year() + (pl.col(name).dt.ordinal_day() - 1) / length


def test_one_cell_per_piece_is_relpois_of_popepi():
    # lexpand takes the population's hazard in the middle of each piece, and years of their own length; glm
    # stops where its deviance has settled to 1e-8
    case = load_reference("relative_survival", "rpcurve_relpois_sire")
    frac = in_years_of_their_own_length
    data = case.data.select(born=frac("bi_date"), start=frac("dg_date"), stop=frac("ex_date"))
    born, start, stop = data.to_numpy().T
    row, band = np.nonzero((stop - start)[:, None] > np.arange(5))
    time = np.minimum((stop - start)[row], band + 1) - band
    middle = start[row] + band + time / 2
    age = np.minimum(np.floor(middle - born[row]), 100)
    background = hem.data.life_table("finland").rate(age, np.floor(middle), "female")
    event = (case.data["status"].to_numpy()[row] > 0) & ((stop - start)[row] <= band + 1)
    ages = np.digitize(case.data["dg_age"].to_numpy(), [45, 55, 65, 75])[row]
    x = (ages[:, None] == np.arange(1, 5)).astype(float)
    rows = ExcessRows(event.astype(float), time, background, band, x)
    found, values = fit_excess(rows, counts=True), case.values
    order = [4, 5, 6, 7, 8, 0, 1, 2, 3]
    error = np.sqrt(np.diag(np.linalg.inv(found.information)))
    np.testing.assert_allclose(found.parameters[order], values["coef"], rtol=0, atol=1e-6)
    assert_close(error[order], values["se"], rel=1e-5)
    assert poisson_deviance(rows, rows.excess(found.parameters)) == pytest.approx(
        values["deviance"], rel=1e-9
    )


# ---- by hand, in a country where rates never change


FLAT = LifeTable(
    pl.DataFrame({"year": range(1980, 2031)})
    .join(pl.DataFrame({"sex": ["m", "w"], "hazard_year": [0.02, 0.01]}), how="cross")
    .join(pl.DataFrame({"age": range(101)}), how="cross"),
    name="Flatland",
)
PEOPLE: dict[str, Any] = {
    "time": "years", "event": "dead", "time_unit": "years", "sex": "sex", "date": "diagnosis", "age": "age",
    "age_unit": "years", "life_table": FLAT, "bands": [0, math.inf],
}  # fmt: skip


def patients(**columns: Any) -> pl.DataFrame:
    """Four men and four women of Flatland."""
    return pl.DataFrame(
        {
            "sex": ["m", "w"] * 4,
            "diagnosis": [date(2000, 1, 1)] * 8,
            "age": [60] * 8,
            "years": [1.0, 2.0, 3.0, 4.0, 1.5, 2.5, 3.5, 5.0],
            "dead": [True, True, True, False, True, False, False, True],
            **columns,
        }
    )


def excess(data: Any = None, covariates: Any = "sex", **options: Any) -> Any:
    return excess_hazard(patients() if data is None else data, covariates, **{**PEOPLE, **options})


METHODS = ["poisson", "full-likelihood"]


@pytest.mark.parametrize("method", METHODS)
def test_by_hand(method):
    fit = excess(method=method)
    men, women = 3 / 9 - 0.02, 2 / 13.5 - 0.01  # deaths per year beyond those of the population
    assert fit.columns == ("sex[w]", "baseline[0, inf)")
    assert np.exp(fit.coef) == pytest.approx([women / men, men])
    # the variance of the excess is that of the deaths, d / time^2
    variances = np.array([3 / 9**2 / men**2, 2 / 13.5**2 / women**2])
    assert fit.std_error == pytest.approx([np.sqrt(variances.sum()), np.sqrt(variances[0])])
    assert fit.expected == pytest.approx(9 * 0.02 + 13.5 * 0.01)
    assert fit.baseline()["estimate"].item() == pytest.approx(men)
    assert fit.baseline()["until"].to_list() == [None]
    if method == "full-likelihood":
        by_hand = 3 * np.log(3 / 9) + 2 * np.log(2 / 13.5) - 5
        assert fit.log_likelihood == pytest.approx(by_hand)
        assert math.isnan(fit.deviance)
    else:
        assert fit.df_residual == fit.n_rows - 2


def test_bands_are_those_of_smr():
    fit = excess(covariates=[], bands=[0, 2, 4])
    with pytest.warns(hem.errors.DataWarning, match="outside the bands"):
        cells = smr(patients(), **{k: v for k, v in PEOPLE.items() if k != "bands"}, follow_up=[0, 2, 4])
    poisson = excess(covariates="age", data=patients(age=[60, 61] * 4), bands=[0, 2, 4], method="poisson")
    assert poisson.n_event == fit.n_event == cells.to_frame()["observed"].sum() == 4
    assert fit.expected == pytest.approx(cells.to_frame()["expected"].sum())
    assert fit.n == 8
    assert excess(covariates=[], bands=[2.2, math.inf]).n == 5  # the others are followed no longer


@pytest.mark.parametrize("method", METHODS)
def test_the_unit_changes_the_baseline_only(method):
    years = excess(method=method, bands=[0, 2, 5])
    days = excess(
        patients().with_columns(pl.col("years") * 365.25), method=method, time_unit="days",
        bands=np.array([0, 2, 5]) * 365.25,
    )  # fmt: skip
    np.testing.assert_allclose(days.coef, years.coef - [0, np.log(365.25), np.log(365.25)], rtol=1e-8)
    np.testing.assert_allclose(days.cov, years.cov, rtol=1e-7)


def test_episodes_are_the_follow_up_that_they_are_of():
    whole = excess(bands=[0, 2, 5])
    first = patients().with_columns(
        entry=pl.lit(0.0), dead=pl.col("dead") & (pl.col("years") <= 1.2),
        years=pl.min_horizontal("years", pl.lit(1.2)),
    )  # fmt: skip
    second = patients().filter(pl.col("years") > 1.2).with_columns(entry=pl.lit(1.2))
    both = excess(pl.concat([first, second.select(first.columns)]), entry="entry", bands=[0, 2, 5])
    np.testing.assert_allclose(both.coef, whole.coef, rtol=1e-8)
    np.testing.assert_allclose(both.cov, whole.cov, rtol=1e-7)
    assert both.expected == pytest.approx(whole.expected)


def test_a_cell_per_patient_is_what_continuous_covariates_have():
    few, many = (
        excess(patients(score=score), "score", method="poisson", bands=[0, 2])
        for score in ([0, 1] * 4, np.linspace(0, 1, 8))
    )
    assert (few.n_rows, many.n_rows) == (4, 15)  # a band of two years is cut into years


@pytest.mark.parametrize("method", METHODS)
def test_net_survival_follows_from_the_baseline(method):
    fit = excess(bands=[0, 2, 5], method=method)
    new = pl.DataFrame({"sex": ["m", "w"]})
    predicted = fit.predict(new, times=[0, 1, 3])
    low, high = fit.baseline()["estimate"]
    men = np.exp(-np.array([0, low, 2 * low + high]))
    assert predicted["row"].to_list() == [1, 1, 1, 2, 2, 2]
    assert predicted["estimate"][:3].to_list() == pytest.approx(men)
    assert predicted["estimate"][3:].to_list() == pytest.approx(men ** np.exp(fit.coef[0]))
    assert (predicted["conf_low"] <= predicted["estimate"]).all()
    # the delta method, by numbers
    step = 1e-6

    def survival(coef: np.ndarray) -> float:
        return float(np.exp(-np.exp(coef[0]) * (2 * np.exp(coef[1]) + np.exp(coef[2]))))

    slope = np.array([(survival(fit.coef + step * e) - survival(fit.coef - step * e)) for e in np.eye(3)])
    error = np.sqrt(slope @ fit.cov @ slope) / (2 * step)
    assert predicted["std_error"][5] == pytest.approx(error, rel=1e-6)


def test_without_covariates_it_is_near_pohar_perme_and_ederer():
    data = hem.data.load("colrec").filter(pl.col("age") < 60 * YEAR)
    told = {**COLREC, "time_unit": "days", "sex": "sex", "life_table": SLOVENIA}
    fit = excess_hazard(data, [], **told, bands=np.arange(11) * YEAR / 2)
    own = fit.predict(pl.DataFrame({"any": [1]}), times=1826)["estimate"].item()
    assert own == pytest.approx(net_survival(data, **told).at(1826)["estimate"].item(), abs=0.01)


def test_tables_and_other_kinds_of_data():
    fit = excess()
    assert "sex" in str(hem.report.regression_table(fit))
    for data in (
        patients().lazy(),
        patients().to_pandas(),
        patients(years=pl.Series([1, 2, 3, 4, 1.5, 2.5, 3.5, 5], dtype=pl.Float32)),
    ):
        np.testing.assert_allclose(excess(data).coef, fit.coef, rtol=1e-9)


def test_text():
    fit = excess()
    assert fit.text("sex").startswith("excess hazard ratio of sex[w] 0.44")
    assert fit.methods() == (
        "Excess hazard ratios were estimated by excess hazard regression (full likelihood), the mortality of "
        "Flatland being expected and the baseline excess hazard constant within 1 band of follow-up, with "
        "95% confidence limits from the model-based variance."
    )
    summary = excess(method="poisson").summary()
    assert summary["expected"].item() == pytest.approx(0.315)
    assert summary["life_table"].item() == "Flatland"
    assert excess().summary()["deviance"].item() is None
    assert fit.to_frame(exponentiate=True)["term"].to_list() == ["sex[w]"]
    dropped = excess(patients(sex=["m", "w"] * 3 + ["m", None]), missing="drop")
    assert dropped.n_dropped == 1
    marked = excess(patients(dco=[True] + [False] * 7), death_only="dco")
    assert "(full likelihood; left out: 1 known from death certificate or autopsy only)" in marked.methods()


# ---- refusals and warnings


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"method": "glm"}, "method", ["'glm'"]),
        ({"conf_level": 95}, "conf_level", ["95"]),
        ({"bands": 5}, "bands", ["are no borders of bands"]),
        ({"bands": None}, "bands", ["no borders were given", "for times in years", "method='em'"]),
        ({"bands": [0, 1, 2, 2.2, 5]}, "bands", ["are without deaths in [2, 2.2)", "are in years"]),
    ],
)
def test_arguments_that_cannot_be_used(options, argument, says):
    assert_refused(lambda: excess(**options), argument=argument, says=says)


def test_deaths_at_zero():
    data = patients(years=[0.0, 2.0, 3.0, 4.0, 1.5, 2.5, 3.5, 5.0])
    assert_refused(lambda: excess(data), argument="time", column="years", rows=(1,), says=["is 0 in 1 death"])
    kept = data.with_columns(dead=pl.col("dead") & (pl.col("years") > 0))
    assert excess(kept).n_event == 4


@pytest.mark.parametrize("method", METHODS)
def test_nobody_dies_beyond_the_population(method):
    many = pl.concat([patients(), patients(years=[40.0] * 8, dead=[True] + [False] * 7, arm=["B"] * 8)
                      .with_columns(age=pl.lit(20, dtype=pl.Int64))], how="diagonal")  # fmt: skip
    data = many.with_columns(pl.col("arm").fill_null("A"), diagnosis=pl.lit(date(1985, 1, 1)))
    with pytest.raises(hem.errors.ConvergenceError, match=r"'arm\[B\]' is not determined"):
        excess(data, "arm", method=method)
    with pytest.raises(hem.errors.ConvergenceError, match="'baseline"):
        excess(data.filter(pl.col("arm") == "B"), [], method=method)


def test_more_coefficients_than_deaths_are_told():
    data = patients(a=[3, 4, 1, 8, 8, 1, 5, 2], b=[4, 5, 1, 8, 1, 9, 5, 4])
    data = data.with_columns(dead=pl.col("years").is_in([1.0, 2.0]))
    assert_warns(lambda: excess(data, "a + b"), argument="covariates", says=["3 coefficients", "2 events"])


@pytest.mark.parametrize("method", METHODS)
def test_bands_in_the_wrong_unit_are_told(method):
    days = patients(sex=["m", "w"] * 4).with_columns(years=pl.col("years") * 365.25 - 365)
    fit = assert_warns(
        lambda: excess(days, [], method=method, time_unit="days", bands=[0, 5]),
        argument="bands",
        says=["of the follow-up, with borders in days"],
    )
    assert fit.n == 8


def test_times_outside_the_bands():
    fit = excess(bands=[0, 2, 5])
    new = pl.DataFrame({"sex": ["m"]})
    assert_refused(lambda: fit.predict(new, times=[1, 6]), argument="times", says=["times from 0 to 5"])
    assert_refused(lambda: fit.slim().predict(new, times=1), argument="fit")
    assert fit.slim().baseline().equals(fit.baseline())
    open_ended = excess(bands=[0.5, 2, math.inf])
    assert open_ended.predict(new, times=[0.5, 9])["estimate"][0] == 1
    assert_refused(lambda: open_ended.predict(new, times=0), argument="times", says=["from 0.5 to inf"])


@pytest.mark.parametrize(
    "options",
    [
        {"bands": [0, 365, 1826]},
        {"method": "poisson", "bands": [0, 365]},
        {"method": "em", "bands": [30, 400]},
    ],
)
def test_a_table_has_patients_and_deaths_of_each_level(options):
    data = hem.data.load("colrec").filter(pl.col("stage") != 99, pl.int_range(pl.len()) % 5 == 0)
    fit = excess_hazard(
        data, "C(stage)", time="time", event="stat", time_unit="days", sex="sex", date="diag", age="age",
        age_unit="days", life_table=hem.data.life_table("slovenia"), **options,
    )  # fmt: skip
    first, last = options["bands"][0], options["bands"][-1]
    within = data.filter(pl.col("time") > first).with_columns(
        died=(pl.col("stat") == 1) & (pl.col("time") <= last)
    )
    hand = within.group_by("stage").agg(pl.len(), pl.col("died").sum()).sort("stage")
    rows = hem.regression.effect_table(fit)
    assert rows.select("n", "n_event").rows() == hand.select("len", "died").rows()
    assert rows["n"].sum() == fit.n
    assert hem.report.table(fit).header[1:3] == ("N", "Events")
    assert fit.slim().counts is None
