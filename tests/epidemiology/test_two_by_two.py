"""Two-by-two tables: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns
from table_cases import ROLES, case_table, counted_table, random_patients

import hemresearch as hem
from hemresearch.epidemiology import proportion, two_by_two

LIMITS = ["conf_low", "conf_high"]
TERMS = {"risk_difference": 0, "risk_ratio": 1, "odds_ratio": 2}


def row(table: pl.DataFrame, measure: str, method: str, **options) -> dict:
    frame = two_by_two(table, **ROLES, **{measure: method}, **options).to_frame()
    return frame.row(TERMS[measure], named=True)


def limits(found: dict) -> list[float]:
    return [found[name] for name in LIMITS]


@pytest.mark.parametrize("case_id", reference_cases("epidemiology", "twobytwo_"))
def test_matches_epitools_and_propcis(reference, case_id):
    case = reference("epidemiology", case_id)
    table, values = case_table(case), case.values
    for measure, method, name in (
        ("odds_ratio", "wald", "or_wald"),
        ("odds_ratio", "small-sample", "or_small"),
        ("risk_ratio", "wald", "rr_wald"),
        ("risk_ratio", "small-sample", "rr_small"),
    ):
        found = row(table, measure, method)
        assert_close([found["estimate"], *limits(found)], values[name], rel=1e-10)
    assert_close(limits(row(table, "risk_ratio", "koopman")), values["rr_score"], rel=1e-9)
    for method, name in (("wald", "rd_wald"), ("newcombe", "rd_newcombe")):
        found = row(table, "risk_difference", method)
        assert_close(found["estimate"], values["rd"], rel=1e-10)
        assert_close(limits(found), values[name], rel=1e-10)
    # PropCIs' search for the limits of the difference stops at 1e-7; `tables` has them in full
    score = limits(row(table, "risk_difference", "miettinen-nurminen"))
    np.testing.assert_allclose(score, values["rd_score_miettinen_nurminen_or_mee"], atol=1e-7)
    for test, name in (("chi-squared", "chisq"), ("yates", "chisq_yates")):
        assert_close(row(table, "risk_ratio", "wald", test=test)["statistic"], values[name], rel=1e-10)
    assert_close(row(table, "risk_ratio", "wald", test="fisher")["p_value"], values["fisher_p"], rel=1e-9)
    stored = values["epi2by2"]["chi2.strata.uncor"]["p.value.2s"][0]
    assert_close(row(table, "risk_ratio", "wald")["p_value"], stored, rel=1e-9)


@pytest.mark.parametrize("case_id", reference_cases("tables", "table_"))
def test_matches_roots_found_in_r(reference, case_id):
    """To full precision, where epitools, PropCIs and fisher.test stop at three to seven digits."""
    case = reference("tables", case_id)
    table, level = case_table(case), {"conf_level": case.options["conf"]}
    difference, ratio, odds = (case.values[n] for n in ("difference", "risk_ratio", "odds_ratio"))
    for measure, method, expected in (
        ("risk_difference", "mee", difference["mee"]),
        ("risk_difference", "miettinen-nurminen", difference["mn"]),
        ("risk_ratio", "koopman", ratio["koopman"]),
        ("risk_ratio", "miettinen-nurminen", ratio["mn"]),
        ("odds_ratio", "score", odds["score"]),
        ("odds_ratio", "miettinen-nurminen", odds["mn"]),
    ):
        assert_close(limits(row(table, measure, method, **level)), expected, rel=1e-9)
    for method, test, name in (("fisher", "fisher", "fisher"), ("mid-p", "mid-p", "midp")):
        found, expected = row(table, "odds_ratio", method, test=test, **level), case.values[name]
        assert_close([found["estimate"], found["p_value"]], [expected["estimate"], expected["p"]], rel=1e-9)
        assert_close(limits(found), expected["limits"], rel=1e-9)
        assert found["statistic"] is None


def test_the_table_by_hand():
    frame = two_by_two(counted_table(12, 88, 5, 95), **ROLES, risk_ratio="wald", odds_ratio="wald").to_frame()
    assert frame["term"].to_list() == ["risk difference", "risk ratio", "odds ratio"]
    assert_close(frame["estimate"], [0.07, 2.4, 12 * 95 / (88 * 5)])
    error = np.sqrt(1 / 12 - 1 / 100 + 1 / 5 - 1 / 100)
    assert_close(frame.row(1)[-2:], 2.4 * np.exp(np.array([-1, 1]) * 1.959963984540054 * error))
    assert frame.columns == ["term", "n", "n_event", "estimate", "statistic", "p_value", *LIMITS]
    assert frame.select("n", "n_event").row(0) == (200, 17)


def test_rows_of_patients_make_the_same_table():
    patients = random_patients(1)
    whole = two_by_two(patients, exposure="exposed", event="event", by="age")
    counts = patients.group_by("exposed", "event", "age").len("n")
    for data in (
        counts,
        counts.lazy(),
        counts.to_pandas(),
        counts.with_columns(pl.col("n").cast(pl.Float32)),
    ):
        assert_frame_equal(two_by_two(data, **ROLES, by="age").to_frame(), whole.to_frame())
    one = two_by_two(patients.filter(pl.col("age") == 1), exposure="exposed", event="event").to_frame()
    assert_frame_equal(whole.to_frame().filter(pl.col("age") == 1).drop("age"), one)
    assert whole.to_frame().height == 9
    assert whole.n == 400


def test_words_and_declared_values():
    patients = random_patients(2).with_columns(
        arm=pl.when("exposed").then(pl.lit("new")).otherwise(pl.lit("old")), code=pl.col("exposed") + 1
    )
    expected = two_by_two(patients, exposure="exposed", event="event").to_frame()
    for options in ({"exposure": "arm", "exposed": "new"}, {"exposure": "code", "exposed": 2}):
        assert_frame_equal(two_by_two(patients, event="event", **options).to_frame(), expected)
    zero_one = patients.with_columns(pl.col("exposed").cast(pl.Int8))
    assert_frame_equal(two_by_two(zero_one, exposure="exposed", event="event").to_frame(), expected)
    result = two_by_two(patients, exposure="arm", exposed="new", event="event")
    assert result.name == "association of arm with event"
    assert result.text().startswith("association of arm with event: risk difference ")
    assert "risk ratio by Koopman" in result.methods()


def test_a_rare_event_makes_the_odds_ratio_the_ratio_of_risks():
    frame = two_by_two(counted_table(30, 299_970, 10, 299_990), **ROLES).to_frame()
    assert_close(frame["estimate"][1], frame["estimate"][2], rel=1e-3)
    assert_close(frame["conf_high"][1], frame["conf_high"][2], rel=1e-3)


def test_missing_values():
    holes = random_patients(3).with_columns(event=pl.when(pl.col("age") > 0).then("event"))
    n = int((holes["event"].is_null()).sum())
    rows = (holes["event"].is_null().arg_true() + 1).to_list()
    assert_refused(
        lambda: two_by_two(holes, exposure="exposed", event="event"),
        argument="event",
        column="event",
        rows=rows,
    )
    dropped = two_by_two(holes, exposure="exposed", event="event", missing="drop")
    assert (dropped.n_dropped, dropped.n) == (n, 400 - n)


def test_refusals():
    table = counted_table(12, 88, 5, 95)
    arms = table.with_columns(arm=pl.Series(["A", "B", "C", "A"]), two=pl.Series(["A", "A", "B", "B"]))
    of_arms = {"event": "event", "weights": "n"}
    assert_refused(
        lambda: two_by_two(arms, exposure="arm", **of_arms), argument="exposure", column="arm",
        says=["'A', 'B', 'C', not two values"],
    )  # fmt: skip
    assert_refused(
        lambda: two_by_two(arms, exposure="two", **of_arms), argument="exposure", column="two",
        says=["which means yes was not told", "exposed='B'"],
    )  # fmt: skip
    assert_refused(
        lambda: two_by_two(arms, exposure="two", exposed="b", **of_arms), argument="exposed", column="two",
        says=["never holds the declared value 'b'", "did you mean 'B'?"],
    )  # fmt: skip
    secret = pl.DataFrame({"x": [f"19500101{i:04d}" for i in range(4)], "event": [0, 1, 0, 1]})
    refusal = assert_refused(
        lambda: two_by_two(secret, exposure="x", event="event"), argument="exposure", column="x",
        says=["4 values"],
    )  # fmt: skip
    assert "1950" not in str(refusal)
    half = table.with_columns(n=pl.col("n") + 0.5)
    assert_refused(
        lambda: two_by_two(half, **ROLES), argument="weights", column="n", rows=[1, 2, 3, 4], says=["whole"]
    )
    alone = pl.concat([table.with_columns(sex=pl.lit("F")), table.head(2).with_columns(sex=pl.lit("M"))])
    assert_refused(
        lambda: two_by_two(alone, **ROLES, by="sex"), argument="exposure", column="exposed", says=["in 'M'"]
    )
    assert_refused(lambda: two_by_two(table, **ROLES, conf_level=95), argument="conf_level")
    for argument in ("risk_difference", "risk_ratio", "odds_ratio", "test"):
        assert_refused(lambda a=argument: two_by_two(table, **ROLES, **{a: "x"}), argument=argument)


def test_warnings_of_empty_cells():
    empty = counted_table(0, 20, 4, 16)
    for argument, method, place in (
        ("risk_ratio", "wald", 1),
        ("odds_ratio", "wald", 2),
        ("risk_ratio", "small-sample", 1),
    ):
        found = assert_warns(
            lambda a=argument, m=method: two_by_two(empty, **ROLES, **{a: m}), argument=argument,
            says=["knows no limits"],
        )  # fmt: skip
        assert limits(found.to_frame().row(place, named=True)) == [None, None]
    found = two_by_two(empty, **ROLES).to_frame()
    assert found["estimate"].to_list() == [-0.2, 0, 0]
    assert found["conf_high"].is_finite().all()
    flat = pl.concat(
        [
            counted_table(0, 20, 0, 16).with_columns(sex=pl.lit("F")),
            counted_table(2, 3, 4, 5).with_columns(sex=pl.lit("M")),
        ]
    )
    found = assert_warns(
        lambda: two_by_two(flat, **ROLES, by="sex", odds_ratio="wald"), argument="event", column="event",
        says=["does not vary in 'F'"],
    ).to_frame()  # fmt: skip
    assert found["estimate"].to_list()[:3] == [0, None, None]
    assert found["p_value"][0] is None


def test_the_cells_and_both_risks():
    trial = pl.DataFrame(
        {
            "drug": [1, 1, 0, 0] * 2,
            "ill": [1, 0] * 4,
            "n": [3, 17, 9, 11, 0, 8, 4, 6],
            "site": ["A"] * 4 + ["B"] * 4,
        }
    )
    roles = {"exposure": "drug", "event": "ill", "weights": "n"}
    one = two_by_two(trial.filter(site="A"), **roles)
    assert one.risks.select("exposure", "n", "n_event", "n_without", "estimate").rows() == [
        ("exposed", 20, 3, 17, 0.15), ("unexposed", 20, 9, 11, 0.45),
    ]  # fmt: skip
    wilson = proportion(
        trial.filter(site="A", drug=1), events=pl.col("ill") * pl.col("n"), n="n", conf_type="wilson"
    )
    limits = ["conf_low", "conf_high"]
    assert one.risks.select(limits).row(0) == pytest.approx(wilson.to_frame().select(limits).row(0))
    assert "  exposed: 3 of 20, risk 0.15 (0.05237 to 0.3604)" in repr(one)
    several = two_by_two(trial, **roles, by="site")
    assert several.risks["site"].to_list() == ["A", "A", "B", "B"]
    assert "the risks of each table: .risks" in repr(several)
    assert "Statistic" not in hem.report.table(two_by_two(trial, **roles, test="fisher")).header
    said = hem.plots.fingerprint(several.plot())
    assert "forest of 4 estimates (ratio)" in said
    assert "A, Risk ratio: 0.3333 (" in said
    assert "difference" not in said
    plt.close("all")
