"""Results: their frames, their sentences and what they refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.results import Comparisons, Estimates, HypothesisTest
from hemresearch.survival import kaplan_meier, nelson_aalen

# A: at 2 one of 3 dies, at 4 one of 2. B: at 1 one of 2 dies and the other is censored at 5.
TWO_ARMS = pl.DataFrame(
    {
        "months": [2, 4, 6, 1, 5],
        "died": [True, True, False, True, False],
        "arm": ["A", "A", "A", "B", "B"],
    }
)


@pytest.fixture
def curves():
    return kaplan_meier(TWO_ARMS, time="months", event="died", by="arm")


def test_the_tidy_frame_has_the_columns_of_the_vocabulary(curves):
    assert curves.to_frame().columns == [
        "arm", "time", "n_risk", "n_event", "n_censor", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip
    assert curves.to_frame()["arm"].to_list() == ["A", "A", "A", "B", "B"]


def test_at_gives_one_row_per_group_and_time_in_the_order_asked_for(curves):
    at = curves.at([4, 2])
    assert at["time"].to_list() == [4, 2, 4, 2]
    assert_close(at["estimate"], [1 / 3, 2 / 3, 0.5, 0.5])
    assert_close(at["n_risk"], [2, 3, 1, 1])
    assert_close(at["n_event"], [1, 1, 0, 1])  # since the previous smaller requested time


def test_a_curve_is_unknown_after_the_last_observed_time_unless_it_has_ended(curves):
    assert curves.at(5.5)["estimate"].to_list() == [pytest.approx(1 / 3), None]
    assert curves.at(5.5)["conf_low"].to_list()[1] is None
    assert curves.at([5.5], extend=True)["estimate"].to_list()[1] == 0.5
    ended = kaplan_meier(TWO_ARMS.filter(pl.col("died")), time="months", event="died")
    assert ended.at(100)["estimate"].to_list() == [0]


def test_a_curve_is_one_before_the_first_time_and_unknown_before_its_start(curves):
    assert curves.at(0)["estimate"].to_list() == [1, 1]
    assert curves.at(0)["conf_high"].to_list() == [1, 1]
    later = kaplan_meier(TWO_ARMS, time="months", event="died", start_time=2)
    assert later.at([1, 2])["estimate"].to_list() == [None, 0.75]


def test_the_risk_table_adds_up_to_everybody(curves):
    table = curves.risk_table([0, 1, 2, 4.5, 10])
    total = table.with_columns(n=pl.col("n_risk") + pl.col("n_event") + pl.col("n_censor"))
    assert total["n"].to_list() == [3] * 5 + [2] * 5
    assert table.filter(pl.col("arm") == "A")["n_risk"].to_list() == [3, 3, 3, 1, 0]


def test_quantiles_are_null_where_the_curve_does_not_reach(curves):
    quantile = curves.quantile([0.25, 0.5, 0.9])
    assert quantile.columns == ["arm", "quantile", "estimate", "conf_low", "conf_high"]
    assert quantile["estimate"].to_list() == [2, 4, None, 1, 3, None]
    assert quantile.schema["conf_high"] == pl.Float64


def test_summary_is_one_row_with_n_events_exclusions_method_and_level(curves):
    row = curves.summary().row(0, named=True)
    assert curves.summary().height == 1
    assert (row["n"], row["n_event"], row["n_censor"], row["n_dropped"]) == (5, 3, 2, 0)
    assert (row["method"], row["conf_level"], row["conf_type"]) == ("Kaplan-Meier", 0.95, "log-log")


def test_repr_is_short_and_deterministic(curves):
    assert repr(curves).splitlines() == [
        "Kaplan-Meier: survival (died by months), n=5, events=3",
        "  arm=A: n=3, events=2, median 4 (2 to –)",
        "  arm=B: n=2, events=1, median 3 (1 to –)",
        "95% limits: log-log, Greenwood variance",
    ]
    assert curves._repr_html_().startswith("<pre>Kaplan-Meier")


def test_repr_shows_a_few_groups_and_counts_the_rest():
    many = pl.DataFrame({"t": range(1, 21), "e": [1] * 20, "g": range(20)})
    lines = repr(kaplan_meier(many, time="t", event="e", by="g")).splitlines()
    assert len(lines) == 9
    assert lines[7] == "  and 14 more"


def test_a_sentence_with_and_without_a_time(curves):
    one = kaplan_meier(TWO_ARMS, time="months", event="died")
    assert one.text() == "Median survival 4 (95% CI 1 to –)"
    assert one.text(at=3) == "Survival at 3: 60.0% (95% CI 12.6–88.2)"
    assert one.text(at=3, unit="months", label="OS") == "3-month OS 60.0% (95% CI 12.6–88.2)"
    assert curves.text().startswith("Median survival: A 4 (95% CI 2 to –); B 3 (")
    assert curves.text(at=5.5).endswith("B not estimable (after the last follow-up)")
    assert (
        curves.text(at=2, unit="months")
        == "2-month survival: A 66.7% (95% CI 5.4–94.5); B 50.0% (95% CI 0.6–91.0)"
    )
    assert curves.text(at=1.5).startswith("Survival at 1.5: A 100% (no event so far); B 50.0% (")
    nobody = kaplan_meier(TWO_ARMS, time="months", event=pl.lit(False))
    assert nobody.text(unit="months") == "Median survival not reached"
    hazard = nelson_aalen(TWO_ARMS, time="months", event="died")
    assert hazard.text(at=1) == "Cumulative hazard at 1: 0.20 (95% CI 0.03–1.42)"
    assert_refused(
        lambda: curves.text(at=[12, 24]), argument="at", says=["one time; curves.at([12, 24, 60])"]
    )


@pytest.mark.parametrize("times", [[-1], ["a"], [np.nan], [], [[1, 2]]])
def test_times_that_are_no_times_are_refused(curves, times):
    assert_refused(lambda: curves.at(times), argument="times", says=["finite, non-negative", "[12, 24, 60]"])


@pytest.mark.parametrize("probability", [0, 1, -0.5, 50, "a", None])
def test_a_quantile_outside_zero_and_one_is_refused(curves, probability):
    assert_refused(lambda: curves.quantile(probability), argument="probability", says=["0 < p < 1"])


def test_results_are_frozen(curves):
    with pytest.raises(dataclasses.FrozenInstanceError):
        curves.by = ()


def test_estimates_show_their_rows():
    frame = pl.DataFrame(
        {"term": "difference", "estimate": 12.3456, "std_error": 3.0, "p_value": 4e-4, "conf_low": 6.4}
    ).with_columns(conf_high=18.2)
    estimates = Estimates(
        frame=frame, name="RMST difference to 60", method="Greenwood", conf_level=0.9, n=80, n_event=31.5
    )
    assert repr(estimates).splitlines() == [
        "RMST difference to 60, n=80, events=31.5",
        "  difference: 12.35 (6.4 to 18.2), p 0.0004",
        "90% limits: Greenwood",
    ]
    assert estimates.text() == "RMST difference to 60: 12.35 (90% CI 6.40–18.20), p<0.001"
    assert estimates.summary().row(0) == ("RMST difference to 60", 80, 31.5, 0, "Greenwood", 0.9)
    totals = dataclasses.replace(estimates, n=None)  # a table of totals may not know its patients
    assert repr(totals).splitlines()[0] == "RMST difference to 60, events=31.5"
    alone = dataclasses.replace(estimates, frame=frame.drop("term"))
    arms = frame.rename({"term": "arm"}).with_columns(arm=pl.lit("B"))
    assert dataclasses.replace(estimates, frame=arms).text() == (
        "RMST difference to 60: B 12.35 (90% CI 6.40–18.20), p<0.001"
    )
    grades = arms.with_columns(arm=pl.lit("Grade 2"))  # which would run into the estimate
    assert "to 60: arm=Grade 2 12.35" in dataclasses.replace(estimates, frame=grades).text()
    assert alone.text() == "RMST difference to 60: 12.35 (90% CI 6.40–18.20), p<0.001"


def test_a_test_shows_its_statistic_and_its_groups():
    groups = pl.DataFrame({"group": ["A", "B"], "n": [10, 12], "observed": [3, 6], "expected": [4.51, 4.49]})
    test = HypothesisTest(
        name="log-rank test", statistic=1.234567, df=1, p_value=0.26651, method="hypergeometric variance",
        frame=groups, n=22, n_dropped=2,
    )  # fmt: skip
    assert repr(test).splitlines() == [
        "log-rank test: statistic 1.235, df 1, p 0.2665",
        "  A: n 10, observed 3, expected 4.51",
        "  B: n 12, observed 6, expected 4.49",
        "hypergeometric variance; 2 rows with missing values left out",
    ]
    assert test.text() == "log-rank test: chi-squared 1.23 on 1 df, p=0.27"
    assert test.summary().height == 1
    normal = HypothesisTest(name="z test", statistic=-2.5, df=None, p_value=0.0124)
    assert normal.text() == "z test: z -2.50, p=0.012"


def test_a_sum_of_weights_is_not_cut_to_a_whole_number():
    light = kaplan_meier(TWO_ARMS, time="months", event="died", weights=pl.lit(0.25))
    assert repr(light).splitlines()[0].endswith("n=1.25, events=0.75")


def test_a_table_of_more_rows_than_are_shown_says_where_they_are():
    frame = pl.DataFrame({"term": list("abcdefgh"), "estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0})
    made = {"name": "ratios", "method": "exact", "conf_level": 0.95, "n": None, "n_event": 5.0}
    assert repr(Estimates(frame=frame, **made)).split("\n")[7] == "  ... and 2 more rows; to_frame() has all"
    assert "1 more row;" in repr(Comparisons(frame=frame.head(7), **made))
    assert "more row" not in repr(Comparisons(frame=frame.head(6), **made))
