"""Tables of competing risks regressions: the ratios of each cause, of either kind, called what they are."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.competing import cause_specific, fine_gray
from hemresearch.report import disclosure, regression_table, table, to_csv

CAUSES = pl.Enum(["censored", "relapse", "death"])
FIRST_EVENT = pl.col("Status").replace_strict([0, 1, 2], CAUSES.categories, return_dtype=CAUSES)
PATIENTS = hem.data.load("bmtcrr").with_columns(first=FIRST_EVENT)
ROLES = {"time": "ftime", "event": "first"}
FORMULA = "Age + Phase"
LEVELS = ["Age", "Phase", "CR1", "CR2", "CR3", "Relapse"]


@pytest.fixture(scope="module")
def hazards():
    return cause_specific(PATIENTS, FORMULA, **ROLES)


@pytest.fixture(scope="module")
def side_by_side(hazards):
    models = {
        name: {"Cause-specific": fit, "Fine-Gray": fine_gray(PATIENTS, FORMULA, cause=name, **ROLES)}
        for name, fit in hazards.fits.items()
    }
    return regression_table(models)


def column(made, number):
    return [row[number] for row in made.body]


def test_causes_stand_side_by_side_with_their_own_events(hazards):
    made = regression_table(hazards, labels={"death": "Non-relapse mortality", "Age": "Age, years"})
    assert made.header == ("", "N", *("Events", "CSHR (95% CI)", "p") * 2)
    assert made.spanners == (("relapse", 2, 4), ("Non-relapse mortality", 5, 7))
    assert column(made, 0) == ["Age, years", *LEVELS[1:]]
    of_phase = PATIENTS.group_by("Phase").agg(
        pl.len(), *((pl.col("first") == cause).sum().alias(cause) for cause in ("relapse", "death"))
    ).sort(pl.col("Phase").cast(pl.String))  # fmt: skip
    for number, name in ((1, "len"), (2, "relapse"), (5, "death")):
        assert column(made, number)[2:] == of_phase[name].cast(pl.String).to_list()
    own = hazards.to_frame(exponentiate=True).filter(term="Phase[Relapse]")
    assert (made.body[5][3], made.body[5][6]) == tuple(
        hem.formats.ratio(*row) for row in own.select("estimate", "conf_low", "conf_high").rows()
    )
    assert made.footnotes[0].startswith("CSHR: cause-specific hazard ratio; CI: confidence interval.")
    assert made.footnotes[1:] == ("relapse: n=177, events=56.", "Non-relapse mortality: n=177, events=75.")


def test_a_table_of_it_is_the_same(hazards):
    assert table(hazards, title="Causes", decimals=1).body == regression_table(hazards, decimals=1).body
    assert table(hazards, conf_level=0.9).header[3] == "CSHR (90% CI)"
    assert_refused(lambda: table(hazards, groups="cause"), argument="groups", says=["a regression"])


def test_causes_that_are_numbers_can_be_called_something():
    numbered = cause_specific(PATIENTS, "Age", time="ftime", event="Status")
    assert [name for name, *_ in table(numbered).spanners] == ["cause 1", "cause 2"]
    named = table(numbered, labels={"cause 1": "Relapse"})
    assert [name for name, *_ in named.spanners] == ["Relapse", "cause 2"]


def test_ratios_of_both_kinds_share_the_events_of_their_cause(hazards, side_by_side):
    kinds = ("CSHR (95% CI)", "p", "SHR (95% CI)", "p")
    assert side_by_side.header == ("", "N", *("Events", *kinds) * 2)
    assert side_by_side.spanners == (("relapse", 2, 6), ("death", 7, 11))
    alone = regression_table(hazards)
    assert [column(side_by_side, n) for n in (1, 2, 3, 4)] == [column(alone, n) for n in (1, 2, 3, 4)]
    gray = fine_gray(PATIENTS, FORMULA, cause="death", **ROLES)
    assert [column(side_by_side, n) for n in (10, 11)] == [column(regression_table(gray), n) for n in (3, 4)]
    told = "CSHR: cause-specific hazard ratio; SHR: subdistribution hazard ratio; CI"
    assert side_by_side.footnotes[0].startswith(told)
    assert "death, Fine-Gray: n=177, events=75; robust variance." in side_by_side.footnotes


def test_models_of_one_kind_under_one_name_have_theirs_over_each_column(hazards):
    fits = {"Of age": cause_specific(PATIENTS, "Age", **ROLES), "Of both": hazards}
    made = regression_table(fits, labels={"death": "NRM"})
    assert made.spanners == (("Of age", 2, 7), ("Of both", 8, 13))
    columns = ("Events", "relapse: CSHR (95% CI)", "p", "Events", "NRM: CSHR (95% CI)", "p")
    assert made.header == ("", "N", *columns * 2)
    fewer = PATIENTS.filter(pl.col("Age") > 20)
    roles = {"time": "ftime", "event": pl.col("first") == "relapse"}
    adults = {name: hem.regression.cox(fewer, name, **roles) for name in ("Age", "Sex")}
    several = {"Adults": adults, "All": hem.regression.cox(PATIENTS, "Age", **roles)}
    made = regression_table(several)
    assert made.header[1:] == (
        "N", "Events", "Age: HR (95% CI)", "p", "Sex: HR (95% CI)", "p", "N", "Events", "HR (95% CI)", "p",
    )  # fmt: skip
    assert made.spanners == (("Adults", 1, 6), ("All", 7, 10))


def test_models_under_one_name_with_other_patients_have_their_own_counts():
    fits = {
        kind: hem.regression.cox(part, "Age", time="ftime", event=pl.col("Status") > 0)
        for kind, part in (("All", PATIENTS), ("Adults", PATIENTS.filter(pl.col("Age") > 20)))
    }
    made = regression_table({"Death or relapse": fits, "Again": fits["All"]})
    assert made.header[1:] == (
        "N", "Events", "All: HR (95% CI)", "p", "N", "Events", "Adults: HR (95% CI)", "p",
        "N", "Events", "HR (95% CI)", "p",
    )  # fmt: skip


def test_few_events_of_a_cause_are_hidden_in_all_its_columns(side_by_side):
    masked = disclosure(side_by_side)
    three = masked.body[4]  # 12 patients in third remission, 3 with a relapse, 5 who died
    assert three[:7] == ("CR3", "12", *["*"] * 5)
    assert three[7:] == side_by_side.body[4][7:]
    assert masked.body[5] == side_by_side.body[5]
    assert [row[2] for row in masked.body].count("*") == 2  # else the total gives it away


def test_a_count_that_one_model_hides_is_hidden_where_others_share_it():
    """One model hides the patients on drug a to protect the 3 on drug c, the other those on drug b."""
    drugs = {"a": (4, 5, 2), "b": (1, 6, 4), "c": (3, 0, 0)}
    events = ("relapse", "death", "censored")
    rows = [
        (d, e) for d, counts in drugs.items() for e, n in zip(events, counts, strict=True) for _ in range(n)
    ]
    data = pl.DataFrame(rows, schema=["drug", "e"], orient="row").with_columns(
        t=1.0 + (7 * pl.int_range(pl.len())) % 25
    )
    with pytest.warns(hem.errors.DataWarning, match="without end"):
        fitted = cause_specific(data, "drug", time="t", event="e")
    each = [column(disclosure(regression_table(fit)), 1) for fit in fitted.fits.values()]
    assert each == [["", "11", "*", "*"], ["", "*", "11", "*"]]
    assert column(disclosure(regression_table(fitted)), 1) == ["", "*", "*", "*"]


def test_a_spreadsheet_has_the_ratios_of_all_causes_and_none_of_a_curve(tmp_path):
    curved = cause_specific(PATIENTS, "rcs(Age, df=2) + Sex", **ROLES)
    written = pl.read_csv(to_csv(tmp_path / "causes.csv", curved))
    assert written.columns[:3] == ["cause", "term", "cause_specific_hazard_ratio"]
    assert written["cause_specific_hazard_ratio"].is_null().to_list() == [True, True, False] * 2
    plain = curved.to_frame(exponentiate=True).filter(term="Sex[M]")["estimate"].to_list()
    assert written["cause_specific_hazard_ratio"].drop_nulls().to_list() == pytest.approx(plain)


def test_names_and_models_that_are_none_are_refused(hazards):
    assert_refused(
        lambda: regression_table(hazards, labels={"relaps": "x"}), argument="labels", says=["did you mean"]
    )
    for wrong in ({"A": {}}, {"A": {"B": 1}}, {"A": {"B": {"C": hazards.fits["death"]}}}):
        assert_refused(lambda w=wrong: regression_table(w), argument="models", says=["fitted regression"])
