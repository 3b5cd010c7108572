"""From tidy numbers to the cells of a table, against tables worked by hand."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import table

COX = pl.DataFrame(
    {
        "term": ["arm[B]", "age", "wbc"],
        "n_event": [320, 320, 19],
        "estimate": [0.714, 1.031, 1.8],
        "std_error": [0.1, 0.01, 0.3],
        "statistic": [-2.6, 3.1, 2.2],
        "p_value": [0.009, 0.0002, 0.28],
        "conf_low": [0.552, 1.011, None],
        "conf_high": [0.921, 1.05, 3.1],
    }
)
# A: at 2 one of 3 dies, at 4 one of 2. B: at 1 one of 2 dies and the other is censored at 5.
TWO_ARMS = pl.DataFrame(
    {"months": [2, 4, 6, 1, 5], "died": [True, True, False, True, False], "arm": ["A", "A", "A", "B", "B"]}
)


@pytest.fixture
def curves():
    return hem.survival.kaplan_meier(TWO_ARMS, time="months", event="died", by="arm")


def test_person_time_is_written_as_exactly_as_it_is_long():
    for longest, cells in ((111243.0, ["111,243", "8"]), (43.26, ["43.3", "8.0"]), (9.5, ["9.50", "8.00"])):
        made = table(pl.DataFrame({"arm": ["A", "B"], "person_time": [longest, 8.0]}))
        assert made.header == ("arm", "Person-time")
        assert [row[1] for row in made.body] == cells


def test_an_estimate_and_its_limits_are_one_cell_and_the_standard_error_goes():
    made = table(COX, conf_level=0.95)
    assert made.header == ("Term", "Events", "Estimate (95% CI)", "Statistic", "p")
    assert made.body == (
        ("arm[B]", "320", "0.71 (0.55–0.92)", "−2.60", "0.009"),
        ("age", "320", "1.03 (1.01–1.05)", "3.10", "<0.001"),
        ("wbc", "19", "1.80 (– to 3.10)", "2.20", "0.28"),
    )
    assert made.align == ("left", "right", "center", "right", "right")


def test_labels_name_columns_and_values():
    made = table(COX, labels={"estimate": "Hazard ratio", "arm[B]": "Arm B", "term": ""}, conf_level=0.9)
    assert made.header[0] == ""
    assert made.header[2] == "Hazard ratio (90% CI)"
    assert made.body[0][0] == "Arm B"


def test_a_frame_without_a_level_names_none():
    assert table(COX).header[2] == "Estimate (CI)"


def test_decimals_for_all_or_for_single_columns():
    assert table(COX, decimals=1).body[0][2:4] == ("0.7 (0.6–0.9)", "−2.6")
    assert table(COX, decimals={"statistic": 3}).body[0][2:4] == ("0.71 (0.55–0.92)", "−2.600")


def test_a_standard_error_without_limits_stays():
    made = table(COX.select("term", "estimate", "std_error"))
    assert made.header == ("Term", "Estimate", "SE")
    assert made.body[1] == ("age", "1.03", "0.01")


def test_proportions_in_percent():
    frame = pl.DataFrame({"arm": ["A"], "estimate": [0.336], "conf_low": [0.253], "conf_high": [0.421]})
    made = table(frame, percent=True)
    assert made.header == ("arm", "Estimate, % (CI)")
    assert made.body == (("A", "33.6 (25.3–42.1)"),)
    share = table(pl.DataFrame({"arm": ["A"], "share": [0.336]}), percent="share")
    assert share.header == ("arm", "share, %")
    assert share.body == (("A", "33.6"),)


def test_curves_show_their_medians_with_n_and_events(curves):
    made = table(curves)
    assert made.header == ("arm", "N", "Events", "Censored", "Median (95% CI)")
    assert made.body[0] == ("A", "3", "2", "1", "4.00 (2.00 to –)")
    assert made.body[1] == ("B", "2", "1", "1", "3.00 (1.00 to –)")


def test_curves_at_times_stand_under_their_groups_in_percent(curves):
    made = table(curves, times=[2, 4])
    assert made.header == ("Time", "At risk", "Events", "Censored", "Survival, % (95% CI)")
    assert made.kinds == ("heading", "indented", "indented", "heading", "indented", "indented")
    assert made.body[0] == ("A", "", "", "", "")
    assert made.body[1][:4] == ("2", "3", "1", "0")
    assert made.body[1][4].startswith("66.7 (")
    assert made.body[5][4].startswith("50.0 (")
    assert made.footnotes == ("At risk just before each time; events and censored since the time before it.",)


def test_curves_at_one_time_need_no_headings(curves):
    made = table(curves, times=2)
    assert made.header[:2] == ("arm", "Time")
    assert made.kinds == ("plain", "plain")
    assert made.footnotes == ()


def test_the_level_of_a_result_is_in_its_header():
    curves = hem.survival.kaplan_meier(TWO_ARMS, time="months", event="died", conf_level=0.9)
    assert table(curves).header[-1] == "Median (90% CI)"


def test_a_cumulative_hazard_is_not_a_percentage():
    hazard = hem.survival.nelson_aalen(TWO_ARMS, time="months", event="died", by="arm")
    made = table(hazard)
    assert made.header[-1] == "Cumulative hazard (95% CI)"
    assert made.body[0][-1].startswith("0.83 (")


def test_a_quantile_frame_names_the_median_or_the_quantiles(curves):
    assert table(curves.quantile(0.5), conf_level=0.95).header == ("arm", "Median (95% CI)")
    both = table(curves.quantile([0.25, 0.5]))
    assert both.header == ("arm", "Quantile", "Estimate (CI)")
    assert [row[1] for row in both.body] == ["0.25", "0.5", "0.25", "0.5"]


def test_a_test_is_a_line_below_its_groups():
    frame = pl.DataFrame({"group": ["A", "B"], "n": [3, 2], "observed": [2.0, 1.0], "expected": [1.87, 1.13]})
    test = hem.results.HypothesisTest(
        name="log-rank test", statistic=0.03, df=1.0, p_value=0.86, method="log-rank", frame=frame, n=5
    )
    made = table(test)
    assert made.header == ("Group", "N", "Observed", "Expected")
    assert made.body == (("A", "3", "2", "1.87"), ("B", "2", "1", "1.13"))
    assert made.footnotes[-1].startswith("Log-rank test: chi-squared 0.03")
    assert "p=0.86" in made.footnotes[-1]


def test_a_test_without_groups_is_one_row():
    test = hem.results.HypothesisTest(name="trend", statistic=2.5, df=None, p_value=0.0124)
    made = table(test)
    assert made.header == ("Test", "Statistic", "df", "p")
    assert made.body == (("trend", "2.50", "–", "0.012"),)


def test_estimates_know_their_level():
    rates = hem.results.Estimates(COX, name="ratios", method="exact", conf_level=0.99, n=646, n_event=320)
    assert table(rates).header[2] == "Estimate (99% CI)"


def test_groups_become_headings_in_the_order_they_came():
    frame = pl.DataFrame({"risk": ["low", "high", "low"], "term": ["a", "b", "c"], "n": [1, 2, 3]})
    made = table(frame, groups="risk", labels={"low": "Low risk"})
    assert made.body == (("Low risk", ""), ("a", "1"), ("c", "3"), ("high", ""), ("b", "2"))
    assert made.kinds == ("heading", "indented", "indented", "heading", "indented")


def test_values_of_every_type_are_written():
    frame = pl.DataFrame(
        {
            "on": [True, None],
            "year": [2005, None],
            "day": [dt.date(2020, 1, 31), None],
            "count": [1.5, float("nan")],
            "level": pl.Series(["x", None], dtype=pl.Categorical),
        }
    )
    made = table(frame, labels={"yes": "given"})
    assert made.body == (("given", "2005", "2020-01-31", "1.50", "x"), ("–", "–", "–", "–", "–"))
    assert table(frame, missing="n/a").body[1] == ("n/a",) * 5


def test_title_footnotes_and_id_are_kept():
    made = table(COX, title="Table 1", footnote=["One.", "Two."], id="cox")
    assert (made.title, made.footnotes, made.id) == ("Table 1", ("One.", "Two."), "cox")
    assert table(COX, footnote="One.").footnotes == ("One.",)


def test_lazy_and_pandas_frames_give_the_same_table():
    pytest.importorskip("pandas")
    assert table(COX.lazy()) == table(COX)
    assert table(COX.to_pandas()).body == table(COX).body


def test_a_table_shows_the_same_in_every_process_and_thread():
    assert repr(table(COX)) == repr(table(COX.clone()))


@pytest.mark.parametrize(
    ("options", "argument", "nearest"),
    [
        ({"labels": {"estimat": "HR"}}, "labels", "'estimate'"),
        ({"labels": {"arm[b]": "B"}}, "labels", "'arm[B]'"),
        ({"decimals": {"statistics": 1}}, "decimals", "'statistic'"),
        ({"percent": "estimates"}, "percent", "'estimate'"),
        ({"groups": "trm"}, "groups", "'term'"),
    ],
)
def test_names_that_are_not_in_the_table_are_refused_with_the_nearest(options, argument, nearest):
    assert_refused(lambda: table(COX, **options), argument=argument, says=["is not in the table", nearest])


def test_an_empty_or_nested_frame_is_refused():
    assert_refused(lambda: table(COX.head(0)), argument="item", says=["0 rows"])
    nested = pl.DataFrame({"a": [1], "b": [[1, 2]]})
    assert_refused(lambda: table(nested), argument="item", column="b", says=["lists", "explode"])


def test_a_level_outside_0_and_1_is_refused():
    assert_refused(lambda: table(COX, conf_level=95), argument="conf_level", says=["conf_level=0.95"])


def test_what_is_not_a_table_is_refused():
    assert_refused(lambda: table(42), argument="data", says=["not a table"])


DIFFERENCE = pl.DataFrame(
    {
        "term": ["risk difference", "risk ratio"], "estimate": [0.104, 1.16],
        "conf_low": [0.033, 1.05], "conf_high": [0.174, 1.29],
    }
)  # fmt: skip


def test_ratios_are_never_in_percent():
    made = table(DIFFERENCE, percent=True, conf_level=0.95, labels={"risk difference": "Difference"})
    assert made.header == ("Term", "Estimate (95% CI)")
    assert made.body == (("Difference, %", "10.4 (3.3–17.4)"), ("risk ratio", "1.16 (1.05–1.29)"))
    one_decimal = table(DIFFERENCE, percent=True, decimals=0)
    assert [row[1] for row in one_decimal.body] == ["10 (3–17)", "1 (1–1)"]
    difference = table(DIFFERENCE.head(1), percent=True, conf_level=0.95)
    assert difference.header == ("Term", "Estimate, % (95% CI)")


def test_a_share_beside_an_estimate_leaves_the_estimate_as_it_is():
    made = table(DIFFERENCE.with_columns(share=pl.lit(0.5)), percent="share")
    assert made.body[1] == ("risk ratio", "1.16 (1.05–1.29)", "50.0")
    assert made.header[-1] == "share, %"


@pytest.mark.parametrize(
    "ratios",
    [
        DIFFERENCE.tail(1),
        hem.epidemiology.rate_ratio(
            pl.DataFrame({"arm": ["A", "B"], "n": [12, 20], "years": [100.0, 90.0]}),
            events="n", person_time="years", by="arm",
        ),
    ],
)  # fmt: skip
def test_percent_of_nothing_but_ratios_is_refused(ratios):
    assert_refused(lambda: table(ratios, percent=True), argument="percent", says=["asked of ratios"])


def test_dates_are_times_too():
    made = table(pl.DataFrame({"time": [dt.date(2024, 1, 1)], "n_event": [3]}))
    assert made.body == (("2024-01-01", "3"),)
