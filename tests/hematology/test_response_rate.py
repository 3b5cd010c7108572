"""Response rates: denominators, limits, and the comparison of two groups."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.hematology import response


def patients(**counts: int) -> pl.DataFrame:
    return pl.DataFrame({"best": [level for level, n in counts.items() for _ in range(n)]})


def rate(data, at_least="PR", scale="lugano", **options):
    return response.response_rate(data, response="best", scale=scale, at_least=at_least, **options)


def difference(data, **options):
    settings = {"at_least": "CR", "exposure": "arm", "exposed": "new"} | options
    return response.response_rate_difference(data, response="best", scale="lugano", **settings)


TRIAL = pl.concat(
    [
        patients(CR=40, PR=16, SD=10, NE=4).with_columns(arm=pl.lit("new"), site=pl.int_range(70) % 3),
        patients(CR=30, PR=18, SD=20, PD=6, NE=6).with_columns(arm=pl.lit("old"), site=pl.int_range(80) % 3),
    ]
)


def test_not_evaluable_is_no_response_and_stays_in_the_denominator():
    data = patients(CR=9, PR=6, SD=3, PD=5, NE=2)
    row = rate(data).to_frame().row(0, named=True)
    assert (row["term"], row["n"], row["n_event"], row["estimate"]) == ("PR or better", 25, 15, 0.6)
    without = rate(data, not_evaluable="exclude")
    assert without.to_frame()["n"].item() == 23
    assert without.method == "Wilson; 2 not evaluable excluded"
    assert rate(data.filter(pl.col("best") != "NE")).method == "Wilson"


def test_it_is_told_in_per_cent():
    found = rate(patients(CR=9, PR=6, SD=8, NE=2).with_columns(old=pl.lit(1)), ["PR", "CR"], by="old")
    assert found.text(decimals=0) == (
        "response rate: old=1, PR or better 60% (95% CI 41–77); old=1, CR 36% (95% CI 20–55)"
    )
    table = hem.report.table(found)
    assert table.footnotes == ("2 not evaluable as non-response.",)
    assert hem.report.table(rate(patients(CR=9, PR=6))).footnotes == ()
    assert table.header == ("old", "Response", "N", "Events", "Estimate, % (95% CI)")
    assert table.to_frame().row(0) == ("1", "PR or better", "25", "15", "60.0 (40.7–76.6)")


def test_limits_of_the_published_example():
    """81 of 263, Newcombe 1998 (Stat Med 17:857-872), Table I."""
    data = patients(CR=81, PD=182)
    expected = {
        "wilson": (0.2553, 0.3662), "wilson-cc": (0.2535, 0.3682), "clopper-pearson": (0.2527, 0.3676),
        "wald": (0.2522, 0.3638),
    }  # fmt: skip
    for conf_type, limits in expected.items():
        row = rate(data, "CR", conf_type=conf_type).to_frame()
        assert row.select(pl.col("conf_low", "conf_high").round(4)).row(0) == limits


def test_several_thresholds_and_groups_are_rows():
    found = rate(TRIAL, ["CR", "PR"], by=["arm", "site"])
    frame = found.to_frame()
    assert frame.columns[:3] == ["arm", "site", "term"]
    assert frame["term"].to_list() == ["CR", "PR or better"] * 6
    for level in ("CR", "PR"):
        alone = rate(TRIAL, level, by=["arm", "site"]).to_frame()
        assert_frame_equal(frame.filter(term=alone["term"][0]), alone)
    assert rate(TRIAL, "CR").n == 150


def test_missing_is_not_the_same_as_not_evaluable():
    data = patients(CR=5, SD=4).with_columns(best=pl.when(pl.int_range(9) > 0).then("best"))
    assert_refused(lambda: rate(data), argument="response", column="best", rows=[1])
    found = rate(data, missing="drop")
    assert (found.n, found.n_dropped) == (8, 1)
    made = rate(data.with_columns(response.as_response("best", "lugano").fill_null("NE")))
    assert (made.n, made.n_event, made.n_dropped) == (9, 4, 0)


def test_what_is_no_rate_is_refused():
    data = patients(CR=2, NE=3).with_columns(arm=pl.Series(["A", "A", "A", "B", "B"]))
    assert_refused(lambda: rate(data, "VGPR"), argument="at_least", says=["'PR'"])
    assert_refused(lambda: rate(data, "NE"), argument="at_least")
    assert_refused(lambda: rate(data, []), argument="at_least", says=["no category"])
    assert_refused(lambda: rate(data, scale="imwgg"), argument="scale")
    assert_refused(lambda: rate(data, not_evaluable="drop"), argument="not_evaluable")
    assert_refused(lambda: rate(patients(CR=1, xx=2)), argument="response", column="best", rows=[2, 3])
    assert_refused(
        lambda: rate(data, by="arm", not_evaluable="exclude"),
        argument="not_evaluable", column="best", says=["leaves nobody in 'B'"],
    )  # fmt: skip
    assert_refused(
        lambda: rate(patients(NE=2), not_evaluable="exclude"), argument="not_evaluable", column="best"
    )


def test_a_wald_interval_without_width_gives_a_warning():
    assert_warns(lambda: rate(patients(CR=4), conf_type="wald"), argument="conf_type")


@pytest.mark.parametrize(
    ("conf_type", "low", "high"),
    [("newcombe", 0.0524, 0.3339), ("miettinen-nurminen", 0.0528, 0.3382)],
)
def test_difference_of_the_published_example(conf_type, low, high):
    """56/70 and 48/80, Newcombe 1998 (Stat Med 17:873-890), Table II, example (a)."""
    row = difference(TRIAL, at_least="PR", conf_type=conf_type).to_frame().row(0, named=True)
    assert (row["term"], row["n"], row["n_event"]) == ("difference", 150, 104)
    assert row["estimate"] == pytest.approx(0.2)
    assert (round(row["conf_low"], 4), round(row["conf_high"], 4)) == (low, high)


def test_it_is_the_two_by_two_table_of_responders():
    made = difference(TRIAL, conf_type="newcombe").to_frame()
    plain = hem.epidemiology.two_by_two(
        TRIAL, exposure="arm", exposed="new", event=(pl.col("best") == "CR").alias("CR"),
        risk_difference="newcombe", risk_ratio="miettinen-nurminen", odds_ratio="miettinen-nurminen",
    ).to_frame()  # fmt: skip
    assert made["term"].to_list() == ["difference", "ratio", "odds ratio"]
    assert_frame_equal(made.drop("term"), plain.drop("term"))


def test_both_rates_are_told_under_the_names_of_the_groups():
    found = difference(TRIAL)
    assert "new: 40 of 70, rate 0.5714" in repr(found)
    assert "old: 30 of 80, rate 0.375" in repr(found)
    flagged = difference(TRIAL.with_columns(arm=pl.col("arm") == "new"), exposed=None)
    assert flagged.risks["exposure"].to_list() == ["exposed", "unexposed"]
    assert found.forest_frame()["label"].to_list() == ["Ratio of response rates", "Odds ratio"]


def test_strata_are_pooled_as_mantel_and_haenszel_do():
    found = difference(TRIAL, strata="site")
    plain = hem.epidemiology.mantel_haenszel(
        TRIAL, exposure="arm", exposed="new", event=(pl.col("best") == "CR").alias("CR"), strata="site"
    ).to_frame()
    assert_frame_equal(found.to_frame().drop("term"), plain.drop("term"))
    assert found.name == "CR by arm within strata"
    assert found.method.endswith("; 10 not evaluable as non-response")
    assert_refused(
        lambda: difference(TRIAL, strata="site", conf_type="newcombe"), argument="conf_type", says=["strata"]
    )
    assert_refused(lambda: difference(TRIAL, conf_type="wald"), argument="conf_type")


def test_groups_and_excluded_patients():
    found = difference(TRIAL, by="site", not_evaluable="exclude")
    assert found.n == 140
    assert found.to_frame().columns[:2] == ["site", "term"]
    assert found.to_frame().height == 9


def test_warnings_of_the_tables_come_through():
    none = TRIAL.with_columns(best=pl.lit("SD"))
    assert_warns(lambda: difference(none), argument="event", column="responded")
    alone = TRIAL.with_columns(site=pl.when(pl.col("arm") == "new").then("site").otherwise(0))
    assert_warns(lambda: difference(alone, strata="site"), argument="strata", column="site")
