"""Tables of regressions: every number in its cell, counted by hand where that can be done."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.regression import cox, parametric, subgroup_effects, univariable
from hemresearch.report import disclosure, inline, methods, paragraph, regression_table, table

VETERAN = hem.data.load("veteran")
MGUS = hem.data.load("mgus2")
ROLES = {"time": "time", "event": "status"}
DROP = {"time": "futime", "event": "death", "missing": "drop"}
FORMULA = "C(trt) + celltype + karno"
WORDS = {"trt": "Treatment", "1": "Standard", "trt[2]": "Test", "karno": "Karnofsky", "celltype": "Cell type"}


@pytest.fixture(scope="module")
def alone():
    return univariable(VETERAN, FORMULA, **ROLES)


@pytest.fixture(scope="module")
def fit():
    return cox(VETERAN, FORMULA, **ROLES)


@pytest.fixture(scope="module")
def both(alone, fit):
    return regression_table({"Univariable": alone, "Multivariable": fit}, labels=WORDS, trend="celltype")


def test_levels_counts_ratios_and_p(both):
    assert both.header == ("", "N", "Events", "HR (95% CI)", "p", "HR (95% CI)", "p")
    assert both.spanners == (("Univariable", 3, 4), ("Multivariable", 5, 6))
    assert both.body == (
        ("Treatment", "", "", "", "", "", ""),
        ("Standard", "69", "64", "1 (reference)", "", "1 (reference)", ""),
        ("Test", "68", "64", "1.02 (0.71–1.45)", "0.92", "1.30 (0.88–1.93)", "0.19"),
        ("Cell type", "", "", "", "<0.001", "", "<0.001"),
        ("squamous", "35", "31", "1 (reference)", "", "1 (reference)", ""),
        ("smallcell", "48", "45", "2.72 (1.66–4.47)", "<0.001", "2.28 (1.35–3.87)", "0.002"),
        ("adeno", "27", "26", "3.15 (1.77–5.59)", "<0.001", "3.17 (1.78–5.65)", "<0.001"),
        ("large", "27", "26", "1.26 (0.73–2.17)", "0.41", "1.48 (0.85–2.58)", "0.16"),
        ("p for trend", "", "", "", "0.46", "", "0.094"),
        ("Karnofsky", "137", "128", "0.97 (0.96–0.98)", "<0.001", "0.97 (0.96–0.98)", "<0.001"),
    )
    assert both.kinds == (
        "heading", "indented", "indented", "heading", *["indented"] * 5, "plain",
    )  # fmt: skip
    assert both.footnotes == (
        "HR: hazard ratio; CI: confidence interval. "
        "The p at the heading of a factor is that of all its levels together.",
        "Univariable: n=137, events=128.",
        "Multivariable: n=137, events=128.",
    )


def test_models_of_other_rows_have_their_own_counts():
    models = {
        "Univariable": univariable(MGUS, "sex + hgb", **DROP),
        "Multivariable": cox(MGUS, "sex + hgb", **DROP),
    }
    made = regression_table(models)
    assert made.header == ("", *("N", "Events", "HR (95% CI)", "p") * 2)
    assert made.spanners == (("Univariable", 1, 4), ("Multivariable", 5, 8))
    assert [row[1] for row in made.body] == ["", "631", "753", "1,371"]
    assert [row[5] for row in made.body] == ["", "624", "747", "1,371"]
    assert "rows left out for missing values: 0 to 13" in made.footnotes[1]
    assert "n=1,371 to 1,384" in made.footnotes[1]


def test_one_model_is_what_table_makes_of_it(fit):
    made = table(fit, title="Survival", labels=WORDS, decimals=3, footnote="Of all.", conf_level=0.9)
    assert made.header == ("", "N", "Events", "HR (90% CI)", "p")
    assert made.spanners == ()
    assert made.body[-1] == ("Karnofsky", "137", "128", "0.969 (0.961–0.977)", "<0.001")
    assert made.footnotes[1:] == ("Model: n=137, events=128.", "Of all.")
    assert table(fit, decimals={"estimate": 1}).body[-1][3] == "1.0 (1.0–1.0)"


def test_terms_that_a_model_does_not_have_are_left_open(fit):
    smaller = cox(VETERAN, "karno + age", **ROLES)
    made = regression_table({"A": smaller, "B": fit}, missing="–")
    assert [row[0] for row in made.body][:3] == ["karno", "age", "trt"]
    assert made.body[1][1:3] == ("137", "128")
    assert made.body[1][5:] == ("–", "")
    assert made.body[3][3] == "–"


def test_splines_interactions_and_other_kinds_of_fit():
    rows = {row[0]: row[1:] for row in table(cox(VETERAN, "rcs(karno, df=3) + age*trt", **ROLES)).body}
    assert rows["rcs(karno, df=3)"][:3] == ("137", "128", "–")
    assert rows["rcs(karno, df=3)"][3] == "<0.001"
    assert rows["age:trt"][:2] == ("", "")
    weibull = table(parametric(VETERAN, "celltype + age", distribution="weibull", **ROLES))
    assert weibull.header[3] == "TR (95% CI)"
    assert weibull.body[1][:4] == ("squamous", "35", "31", "1 (reference)")
    slim = table(cox(VETERAN, "celltype", **ROLES).slim())
    assert slim.header == ("", "HR (95% CI)", "p")
    assert slim.body[1][0] == "smallcell"
    robust = table(cox(VETERAN, "celltype", cluster="age", **ROLES))
    assert robust.footnotes[-1].endswith("robust variance.")


def test_models_of_other_patients_have_their_own_counts_whatever_their_terms():
    """No row is in both models, but the ratios of one must not stand beside the counts of the other."""
    models = {
        "Curve": cox(VETERAN.filter(pl.col("age") > 50), "rcs(karno, df=3)", **ROLES),
        "Weibull": parametric(VETERAN, "celltype + karno", distribution="weibull", **ROLES),
    }
    made = regression_table(models)
    assert made.header == ("", "N", "Events", "HR (95% CI)", "p", "N", "Events", "TR (95% CI)", "p")
    assert [row[1] for row in made.body] == ["103", *[""] * 6]
    assert [row[5] for row in made.body] == ["", "", "35", "48", "27", "27", "137"]


def test_a_covariate_names_its_spline_and_the_note_its_test():
    fitted = cox(VETERAN, "rcs(karno, df=3) + trt", **ROLES)
    made = regression_table(fitted, labels=WORDS | {"karno": "Karnofsky", "wbc": "of another table"})
    assert made.body[0][0] == "Karnofsky"
    p = hem.formats.p_value(fitted.nonlinearity()["p_value"][0])
    assert f"Its p is that of the whole curve. Non-linearity: Karnofsky {p}." in made.footnotes[1].replace(
        "its p is", "Its p is"
    )
    several = regression_table({"A": fitted, "B": fitted})
    assert "rcs(karno, df=3) (A) p" in several.footnotes[1]


def test_effects_that_change_with_time_have_rows_of_their_own():
    fitted = cox(VETERAN, "karno + age", time_varying={"karno": [90], "age": "log"}, **ROLES)
    made = regression_table(fitted, labels={"karno": "Karnofsky", "age": "Age"})
    assert [row[0] for row in made.body] == [
        "Karnofsky at time (0,90]", "Karnofsky at time (90,∞)", "Age at time 1", "Age:log(t)",
    ]  # fmt: skip


def test_an_infinite_ratio_is_written_as_such():
    data = pl.DataFrame(
        {
            "t": [1.0, 2, 3, 4, 5, 6],
            "e": [True, True, True, False, False, True],
            "g": ["b", "b", "b", "a", "a", "b"],
        }
    )
    with pytest.warns(hem.errors.DataWarning, match="grows without end"):
        fitted = cox(data, "g", time="t", event="e")
    assert table(fitted).body[2][3] == "∞ (0.00–∞)"


def test_a_list_of_fits_shares_a_column(alone):
    assert regression_table({"Alone": list(alone.fits)}).body == regression_table({"Alone": alone}).body


def test_subgroups_have_the_test_of_their_interaction():
    effects = subgroup_effects(VETERAN, "trt", subgroups=["prior", "celltype"], **ROLES)
    made = table(effects, labels={"celltype": "Cell type"})
    assert made.header == ("", "N", "Events", "HR (95% CI)", "p (interaction)")
    assert made.body[0] == ("Overall", "137", "128", "1.02 (0.71–1.45)", "")
    assert made.body[4] == ("Cell type", "", "", "", "0.042")
    assert "trt 2 against 1" in made.footnotes[1]
    gaps = VETERAN.with_columns(prior=pl.when(pl.int_range(pl.len()) > 3).then("prior"))
    lost = subgroup_effects(gaps, "trt", subgroups="prior", missing="drop", **ROLES)
    assert table(lost).footnotes[1].endswith("Left out there: 4 rows without prior.")


def test_all_formats_have_the_same_cells(both, tmp_path):
    assert "1.30 (0.88–1.93)" in both.to_html()
    assert r"\textbf{Cell type}" in both.to_latex()
    assert both.to_frame().height == len(both.body)
    assert both.to_word(tmp_path / "t.docx").stat().st_size > 0
    assert both.to_excel(tmp_path / "t.xlsx").stat().st_size > 0
    assert "p for trend" in repr(both)


def test_small_counts_are_hidden_with_what_gives_them_away():
    site = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("C")).when(pl.col("age") > 60).then(pl.lit("A"))
    data = VETERAN.with_columns(site=site.otherwise(pl.lit("B")))
    fitted = cox(data, "site + karno", **ROLES)
    plain, hidden = table(fitted), disclosure(table(fitted), threshold=4)
    rows = {row[0]: row[1:] for row in hidden.body}
    shown = {row[0]: row[1:] for row in plain.body}
    assert shown["C"][:2] == ("3", "3")
    assert rows["C"] == ("*", "*", "*", "*")
    assert "*" in (rows["A"][0], rows["B"][0])  # else the total gives it away
    assert rows["karno"] == shown["karno"]
    assert hidden.footnotes[-1].startswith("* Fewer than 4")
    ratios = disclosure(table(fitted), threshold=4, derived=[])
    assert {row[0]: row for row in ratios.body}["C"][3] == shown["C"][2]
    two = regression_table({"A": fitted, "B": cox(data, "site", **ROLES)})
    masked = disclosure(two, threshold=4)
    assert {row[0]: row for row in masked.body}["C"] == ("C", *["*"] * 6)


def test_few_without_the_event_are_hidden_too():
    event = [i % 20 not in (3, 11) if i < 20 else i % 2 == 0 for i in range(40)]
    time = [float((7 * i) % 41) for i in range(1, 41)]
    data = pl.DataFrame({"t": time, "e": event, "g": ["a"] * 20 + ["b"] * 20})
    rows = {row[0]: row[1:] for row in disclosure(table(cox(data, "g", time="t", event="e"))).body}
    assert "*" in rows["a"][:2]  # 20 less 18 are 2
    assert rows["b"][0:2] != ("20", "10")


def test_nothing_is_hidden_where_no_count_is_small():
    fitted = cox(MGUS, "sex + age", **DROP)
    assert disclosure(table(fitted)).body == table(fitted).body
    slim = table(fitted.slim())
    assert disclosure(slim).body == slim.body


def test_words_of_regressions(alone, fit):
    assert str(methods(alone, fit)).startswith(
        "Each covariate was examined in a Cox model of its own (Efron ties)"
    )
    assert "Hazard ratios were estimated by Cox regression" in str(methods(fit))
    assert str(paragraph(fit.text("karno"), fit)).startswith(
        "Hazard ratio of karno 0.97 (95% CI 0.96–0.98), p<0.001."
    )
    row = fit.to_frame(exponentiate=True).filter(term="karno")
    assert inline.hr(row) == "HR 0.97, 95% CI 0.96–0.98"


def test_a_table_says_which_ratio_its_letters_mean():
    cgd = hem.data.load("cgd")
    rows = {"time": "tstop", "event": "status", "entry": "tstart", "id": "id"}
    rates = hem.recurrent.rate_regression(cgd, "treat", **rows)
    assert "RR: rate ratio; CI: confidence interval." in str(table(rates))
    own = hem.recurrent.wei_lin_weissfeld(cgd, "treat", **rows, max_events=2, common=False)
    both = str(regression_table({"Rates": rates, "Times": own}))
    assert "RR: rate ratio; HR: hazard ratio; CI" in " ".join(both.split())
    assert "treat (event 2)" in both


def test_what_is_no_regression_is_refused(fit, alone):
    for wrong in (VETERAN, {}, [], {"A": [fit, 1]}):
        assert_refused(lambda w=wrong: regression_table(w), argument="models", says=["fitted regression"])
    assert_refused(lambda: regression_table({"A": [fit, fit]}), argument="models", says=["'trt' is in two"])
    other = parametric(VETERAN, "age", distribution="weibull", **ROLES)
    assert_refused(lambda: regression_table({"A": [fit, other]}), argument="models", says=["differ"])
    assert_refused(
        lambda: regression_table(fit, labels={"karnof": "x"}), argument="labels", says=["did you mean"]
    )
    assert_refused(lambda: regression_table(fit, trend="karno"), argument="trend", says=["no factor"])
    assert_refused(
        lambda: regression_table(other, trend="age"), argument="trend", says=["a model with a factor"]
    )
    assert_refused(lambda: table(fit, percent=True), argument="percent", says=["a regression"])
    assert_refused(lambda: table(fit, times=[1]), argument="times", says=["a regression"])
    assert_refused(lambda: disclosure(table(fit), by="x"), argument="by", says=["a regression"])
