"""Rates compared, and cumulative risks: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close, load_dataset, reference_cases
from refusals import assert_refused, assert_warns
from scipy.stats import binom, binomtest, poisson

import hemresearch as hem
from hemresearch.epidemiology import cumulative_risk, rate, rate_difference, rate_ratio
from hemresearch.numerics.rate_comparison import binomial_test

LIMITS = ["conf_low", "conf_high"]
TOTALS = {"events": "d", "person_time": "y"}
COMPARED = reference_cases("person_time", "ratio_")


def one(d: float, y: float) -> pl.DataFrame:
    return pl.DataFrame({"d": [d], "y": [y]})


def two(options: dict) -> pl.DataFrame:
    return pl.DataFrame(
        {"d": [options["d0"], options["d1"]], "y": [options["y0"], options["y1"]], "arm": ["no", "yes"]}
    ).cast({"y": pl.Float64})


@pytest.mark.parametrize(
    "case_id", [c for c in reference_cases("epidemiology", "rate_") if "compare" not in c]
)
@pytest.mark.parametrize("conf_type", ["byar", "normal", "log", "midp"])
def test_matches_r(reference, case_id, conf_type):
    case = reference("epidemiology", case_id)
    data = one(case.options["d"], case.options["py"])
    arguments = {**TOTALS, "conf_type": conf_type, "conf_level": case.options["conf"]}
    if case.options["d"] == 0 and conf_type in ("log", "normal"):
        frame = assert_warns(lambda: rate(data, **arguments), argument="conf_type").to_frame()
    else:
        frame = rate(data, **arguments).to_frame()
    assert_close(frame["estimate"][0], case.values["rate"], rel=1e-12)
    assert_close(frame["std_error"][0], case.values["se_rate"], rel=1e-12)
    expected = case.values[conf_type] or [None, None]
    assert_close(frame.select(LIMITS).row(0), expected, rel=1e-10)


def test_groups_match_r(reference):
    case = reference("epidemiology", "rates_diet_by_energy")
    frame = rate(case.data, events="chd", person_time="y", by="energy.grp").to_frame()
    for row in frame.iter_rows(named=True):
        theirs = case.values[row["energy.grp"]]
        assert row["n_event"] == theirs["d"]
        assert_close([row["person_time"], row["estimate"]], [theirs["py"], theirs["rate"]], rel=1e-12)
        exact = np.array(reference("person_time", f"count_{theirs['d']}").values["exact"])
        assert_close([row["conf_low"], row["conf_high"]], exact / theirs["py"], rel=1e-10)


@pytest.mark.parametrize("case_id", reference_cases("person_time", "count_"))
# the exact limits of epidemiology.json are epitools' own, which leaves uniroot its tolerance of 1e-4
@pytest.mark.parametrize("conf_type", ["exact", "midp"])
def test_limits_of_counts_match_r_to_full_precision(reference, case_id, conf_type):
    case = reference("person_time", case_id)
    frame = rate(one(case.options["d"], 1.0), **TOTALS, conf_type=conf_type).to_frame()
    assert_close(frame.select(LIMITS).row(0), case.values[conf_type], rel=1e-10)


@given(st.integers(0, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_exact_limits_are_the_means_that_put_a_tail_beyond_the_count(d, level):
    low, high = rate(one(d, 1.0), **TOTALS, conf_level=level).to_frame().select(LIMITS).row(0)
    assert poisson.cdf(d, high) == pytest.approx((1 - level) / 2, rel=1e-9)
    assert d == 0 or poisson.sf(d - 1, low) == pytest.approx((1 - level) / 2, rel=1e-9)
    inner = rate(one(d, 1.0), **TOTALS, conf_level=level, conf_type="midp").to_frame().select(LIMITS).row(0)
    assert low <= inner[0] <= d <= inner[1] <= high


def test_rows_are_added_up_and_per_scales_everything():
    cells = pl.DataFrame({"d": [2, 3, 0], "y": [10.0, 20.0, 5.0], "sex": ["F", "F", "M"]})
    frame = rate(cells, **TOTALS, by="sex", per=100).to_frame()
    assert frame.drop("conf_low", "conf_high", "std_error").rows() == [
        ("F", 5, 30.0, pytest.approx(100 * 5 / 30)),
        ("M", 0, 5.0, 0.0),
    ]
    per_1 = rate(cells, **TOTALS, by="sex").to_frame().select("estimate", "std_error", *LIMITS)
    assert_frame_equal(frame.select(per_1.columns), per_1 * 100)


def test_a_rate_is_told_for_its_person_time():
    days = one(3, 1.0).with_columns(y=pl.duration(days=7305))
    assert rate(days, **TOTALS, per=36525).name == "rate per 100 person-years"
    assert rate(days, **TOTALS, per=365.25).name == "rate per person-year"
    assert rate(days, **TOTALS).name == "rate per person-day"
    assert rate(days, **TOTALS, per=30).name == "rate per 30 person-days"
    assert rate(one(3, 20.0), **TOTALS).name == "rate per unit of person-time"
    assert rate(days, **TOTALS, per=36525).to_frame()["estimate"][0] == pytest.approx(15)


@pytest.mark.parametrize("case_id", COMPARED)
@pytest.mark.parametrize("conf_type", ["exact", "midp", "score", "log"])
def test_ratios_match_r(reference, case_id, conf_type):
    case = reference("person_time", case_id)
    theirs = case.values.get(conf_type)
    arguments = {**TOTALS, "by": "arm", "conf_type": conf_type, "conf_level": case.options["conf_level"]}
    if theirs is None:
        frame = assert_warns(
            lambda: rate_ratio(two(case.options), **arguments), argument="events", says=["'yes' / 'no'"]
        ).to_frame()
        assert frame.select(LIMITS).row(0) == (None, None)
        return
    frame = rate_ratio(two(case.options), **arguments).to_frame()
    assert_close(frame["estimate"][0], case.values["ratio"], rel=1e-12)
    assert_close(frame.select(LIMITS).row(0), theirs["limits"], rel=1e-9)
    assert_close(frame["p_value"][0], theirs["p"], rel=1e-9)


@pytest.mark.parametrize("case_id", COMPARED)
def test_differences_match_r(reference, case_id):
    case = reference("person_time", case_id)
    theirs = case.values["difference"]
    arguments = {**TOTALS, "by": "arm", "conf_level": case.options["conf_level"]}
    if 0 in (case.options["d0"], case.options["d1"]):
        frame = assert_warns(
            lambda: rate_difference(two(case.options), **arguments),
            argument="events",
            says=["counts as certain"],
        ).to_frame()
    else:
        frame = rate_difference(two(case.options), **arguments).to_frame()
    names = {"estimate": "estimate", "std_error": "std_error", "statistic": "statistic", "p_value": "p"}
    for ours, name in names.items():
        assert_close(frame[ours][0], theirs[name], rel=1e-10, where=ours)
    assert_close(frame.select(LIMITS).row(0), theirs["limits"], rel=1e-10)


@pytest.mark.parametrize("case_id", reference_cases("epidemiology", "rate_compare_"))
def test_comparisons_match_epitools_and_poisson_test(reference, case_id):
    case = reference("epidemiology", case_id)
    if case.options:
        data, reference_group = two(case.options), "no"
    else:
        data = case.data.select(d="chd", y="y", arm=pl.col("energy.grp").cast(pl.String))
        reference_group = ">2750 KCals"
    values = case.values
    exact = rate_ratio(data, **TOTALS, by="arm", reference=reference_group).to_frame()
    assert_close(exact["estimate"][0], values["irr"], rel=1e-10)
    assert_close(exact.select(LIMITS).row(0), values["exact_ci"], rel=1e-10)
    assert_close(exact["p_value"][0], values["exact_p"], rel=1e-10)
    if values["irr"] > 0:  # epitools takes the ratio 0 to have the limits 0 and missing
        log = rate_ratio(data, **TOTALS, by="arm", reference=reference_group, conf_type="log").to_frame()
        assert_close(log.select(LIMITS).row(0), values["wald_est_ci"][1:], rel=1e-10)
        difference = rate_difference(data, **TOTALS, by="arm", reference=reference_group).to_frame()
        assert_close(difference["estimate"][0], values["ird"], rel=1e-10)
        assert_close(difference.select(LIMITS).row(0), values["ird_ci"], rel=1e-10)
    score = rate_ratio(data, **TOTALS, by="arm", reference=reference_group, conf_type="score").to_frame()
    assert_close(score["p_value"][0], math.erfc(abs(values["score_z"]) / math.sqrt(2)), rel=1e-10)
    # epitools leaves uniroot its tolerance of 1e-4; person_time.json has these limits to full precision
    midp = rate_ratio(data, **TOTALS, by="arm", reference=reference_group, conf_type="midp").to_frame()
    assert_close(midp.select(LIMITS).row(0), values["midp_est_ci"][1:], rel=1e-4)


@given(st.integers(1, 60), st.data(), st.floats(0.01, 0.99))
def test_the_exact_test_adds_up_all_counts_no_more_probable(n, data, share):
    count = data.draw(st.integers(0, n))
    probability = binom.pmf(np.arange(n + 1), n, share)
    expected = probability[probability <= probability[count] * (1 + 1e-7)].sum()
    assert binomial_test(count, n, share) == pytest.approx(min(expected, 1.0), rel=1e-8)


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.5, 50), st.floats(0.5, 50))
def test_swapping_the_groups_inverts_the_ratio(d1, d0, y1, y0):
    data = two({"d0": d0, "d1": d1, "y0": y0, "y1": y1})
    for conf_type in ("exact", "midp", "score"):
        there = rate_ratio(data, **TOTALS, by="arm", reference="no", conf_type=conf_type).to_frame()
        back = rate_ratio(data, **TOTALS, by="arm", reference="yes", conf_type=conf_type).to_frame()
        assert_close(there["p_value"], back["p_value"], rel=1e-6)
        low, high = there.select(LIMITS).row(0)
        inverse = tuple(1 / x if x else math.inf for x in (high, low))
        assert_close(back.select(LIMITS).row(0), inverse, rel=1e-8)


@pytest.mark.parametrize("conf_type", ["exact", "midp", "score"])
def test_without_any_events_there_is_no_ratio(conf_type):
    data = two({"d0": 0, "d1": 0, "y0": 5, "y1": 7})
    frame = assert_warns(
        lambda: rate_ratio(data, **TOTALS, by="arm", conf_type=conf_type),
        argument="events",
        column="d",
        says=["both groups"],
    ).to_frame()
    assert frame.select("estimate", "p_value", *LIMITS).row(0) == (None,) * 4


@pytest.mark.parametrize(
    ("count", "n", "share"), [(3, 3, 0.001), (0, 3, 0.999), (0, 1, 0.5), (40, 60, 1e-12)]
)
def test_exact_tests_at_the_ends_are_those_of_scipy(count, n, share):
    assert binomial_test(count, n, share) == pytest.approx(binomtest(count, n, share).pvalue, rel=1e-9)


def test_groups_of_several_columns_and_numbers_can_be_the_reference():
    data = pl.DataFrame(
        {"d": [1, 2, 3, 4], "y": [1.0] * 4, "sex": ["F", "F", "M", "M"], "grade": [1, 2, 1, 2]}
    )
    frame = rate_ratio(data, **TOTALS, by=["sex", "grade"], reference="sex=M, grade=1").to_frame()
    assert frame["reference"].unique().to_list() == ["sex=M, grade=1"]
    assert_close(frame["estimate"], [1 / 3, 2 / 3, 4 / 3])
    assert rate_ratio(data, **TOTALS, by="grade", reference=2).to_frame()["reference"][0] == "2"


@pytest.mark.parametrize("case_id", reference_cases("person_time", "cumulative_"))
def test_cumulative_risk_matches_r(reference, case_id):
    case = reference("person_time", case_id)
    decade = case.data.filter(pl.col("P") // 10 * 10 == case.options["decade"])
    frame = cumulative_risk(decade, events="D", person_time="Y", age="A").to_frame()
    for row, name in zip(frame.iter_rows(named=True), ("rate", "risk"), strict=True):
        assert row["term"] == f"cumulative {name}"
        assert_close([row["estimate"], row["std_error"]], [case.values[name], case.values[f"{name}_se"]])
        assert_close([row["conf_low"], row["conf_high"]], case.values[f"{name}_limits"])


def test_person_time_in_days_beside_ages_in_years_is_refused():
    bands = pl.DataFrame({"a": [0, 40], "d": [1, 2], "y": [1000, 500]})
    roles = {"events": "d", "age": "a"}
    years = cumulative_risk(bands, **roles, person_time="y").to_frame()
    days = bands.with_columns(y=pl.duration(days=pl.col("y") * 365.25))
    refusal = assert_refused(
        lambda: cumulative_risk(days, **roles, person_time="y"), argument="person_time", column="y",
        says=["durations"],
    )  # fmt: skip
    assert refusal.remedy.startswith("person_time=pl.col('y').dt.total_days() / 365.25")
    again = cumulative_risk(days, **roles, person_time=pl.col("y").dt.total_days() / 365.25).to_frame()
    assert_close(again["estimate"], years["estimate"])


def test_cumulative_risk_by_hand():
    bands = pl.DataFrame(
        {
            "age": [0, 50, 60, 0, 50, 60],
            "d": [1, 2, 9, 0, 0, 3],
            "y": [100.0, 50, 9, 10, 10, 9],
            "sex": list("FFFMMM"),
        }
    )
    result = cumulative_risk(bands, **TOTALS, age="age", by="sex", until=60)
    total = 50 * 1 / 100 + 10 * 2 / 50
    frame = result.to_frame()
    assert frame["n_event"].to_list() == [3, 3, 0, 0]  # the band from 60 on is left out
    assert_close(frame["estimate"], [total, 1 - math.exp(-total), 0, 0], at_zero=0)
    assert_close(frame["std_error"][0], math.sqrt((50 / 100) ** 2 + 2 * (10 / 50) ** 2))
    assert frame["conf_low"][2] is None
    alone = cumulative_risk(bands.filter(sex="F"), **TOTALS, age="age", until=60).to_frame()
    assert_frame_equal(alone, frame.filter(sex="F").drop("sex"))


def test_bands_that_do_not_cover_all_ages_are_refused():
    bands = pl.DataFrame({"age": [1, 50], "d": [1, 2], "y": [100.0, 50], "sex": ["F", "M"]})
    assert_refused(
        lambda: cumulative_risk(bands, **TOTALS, age="age"), argument="age", column="age", says=["from 1 on"]
    )
    assert_refused(
        lambda: cumulative_risk(bands.with_columns(age=pl.col("age") - 1), **TOTALS, age="age", by="sex"),
        argument="person_time",
        column="y",
        says=["2 bands (from 0, 49) in 'F', 'M'"],
    )


@pytest.mark.parametrize("until", [0, "75", math.inf])
def test_an_age_is_a_number(until):
    assert_refused(lambda: cumulative_risk(one(1, 1), **TOTALS, age="d", until=until), argument="until")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (one(1.5, 3), {"argument": "events", "column": "d", "rows": [1]}),
        (one(1, -3), {"argument": "person_time", "column": "y", "rows": [1]}),
        (
            one(1, 0),
            {"argument": "person_time", "column": "y", "rows": [1], "says": ["0 in 1 row with events"]},
        ),
        (one(0, 0), {"argument": "person_time", "column": "y", "says": ["0 throughout"]}),
    ],
)
def test_totals_that_are_none_are_refused(data, expected):
    assert_refused(lambda: rate(data, **TOTALS), **expected)
    assert_refused(
        lambda: cumulative_risk(data.with_columns(a=0), **TOTALS, age="a"), **{**expected, "says": []}
    )


def test_a_group_without_person_time_is_named():
    data = pl.DataFrame({"d": [1, 0], "y": [2.0, 0.0], "sex": ["F", "M"]})
    assert_refused(
        lambda: rate(data, **TOTALS, by="sex"), argument="person_time", column="y", says=["in 'M'"]
    )


def test_one_column_of_counts():
    data = pl.DataFrame({"d": [1], "e": [2], "y": [2.0]})
    assert_refused(
        lambda: rate(data, events=["d", "e"], person_time="y"), argument="events", says=["sum_horizontal"]
    )


@pytest.mark.parametrize("conf_type", ["log", "normal"])
def test_a_group_without_events_has_a_warning(conf_type):
    data = pl.DataFrame({"d": [1, 0], "y": [2.0, 3.0], "sex": ["F", "M"]})
    assert_warns(
        lambda: rate(data, **TOTALS, by="sex", conf_type=conf_type),
        argument="conf_type",
        says=["nothing happened in 'M'", "conf_type='exact'"],
    )


@pytest.mark.parametrize("compare", [rate_ratio, rate_difference])
def test_a_comparison_needs_groups(compare):
    data = one(2, 3.0).with_columns(arm=pl.lit("A"))
    assert_refused(
        lambda: compare(data, **TOTALS, by="arm"), argument="by", column="arm", says=["has one group"]
    )
    assert_refused(lambda: compare(data, **TOTALS, by=None), argument="by", says=["no column was given"])


@pytest.mark.parametrize("compare", [rate_ratio, rate_difference])
def test_the_reference_is_a_group(compare):
    data = two({"d0": 2, "d1": 3, "y0": 5, "y1": 7})
    assert_refused(
        lambda: compare(data, **TOTALS, by="arm", reference="yess"),
        argument="reference",
        column="arm",
        says=["did you mean 'yes'?"],
    )


@pytest.mark.parametrize(
    ("function", "changed", "argument"),
    [
        (rate, {"conf_type": "garwood"}, "conf_type"),
        (rate, {"conf_level": 95}, "conf_level"),
        (rate, {"per": 0}, "per"),
        (rate_ratio, {"conf_type": "wald", "by": "arm"}, "conf_type"),
        (rate_difference, {"per": -1, "by": "arm"}, "per"),
    ],
)
def test_arguments_that_are_none_are_refused(function, changed, argument):
    data = two({"d0": 2, "d1": 3, "y0": 5, "y1": 7})
    assert_refused(lambda: function(data, **TOTALS, **changed), argument=argument)


def test_missing_rows_are_counted():
    data = pl.DataFrame({"d": [1, None, 2], "y": [1.0, 2.0, None]})
    result = rate(data, **TOTALS, missing="drop")
    assert (result.n_dropped, result.n_event, result.n) == (2, 1, None)
    assert "2 rows with missing values left out" in repr(result)


def test_person_years_of_the_diet_study_in_a_lazy_frame():
    diet = load_dataset("diet")
    lazy = rate(diet.lazy(), events=pl.col("chd") == 1, person_time="y").to_frame()
    assert_frame_equal(lazy, rate(diet.to_pandas(), events="chd", person_time="y").to_frame())


def test_words_are_not_to_be_made_counts():
    data = pl.DataFrame({"status": ["dead", "alive"], "years": [1.0, 2.0]})
    refusal = assert_refused(
        lambda: rate(data, events="status", person_time="years"), argument="events", column="status"
    )
    assert refusal.remedy == "events=pl.col('status') == ... with the value that means the event"
    assert rate(data, events=pl.col("status") == "dead", person_time="years").n_event == 1


def test_comparisons_are_forest_plots():
    roles = {"events": "d", "person_time": "y", "by": "arm"}
    arms = pl.DataFrame({"arm": ["A", "B", "C"], "d": [12, 30, 0], "y": [100.0, 110.0, 90.0]})
    said = hem.plots.fingerprint(rate_ratio(arms, **roles).plot())
    assert "forest of 2 estimates (rate ratio)" in said
    assert "B vs A: 2.273 (" in said
    assert "C vs A: 0 (0 to " in said
    with pytest.warns(hem.errors.DataWarning):
        apart = rate_difference(arms, **roles, per=10)
    said = hem.plots.fingerprint(apart.plot())
    assert "forest of 2 estimates (rate difference)" in said
    assert "Rate difference per 10 units of person-time" in said
    assert hem.report.table(rate_ratio(arms, **roles)).header == ("Group", "Reference", "RR (95% CI)", "p")
    plt.close("all")
