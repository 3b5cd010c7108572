"""Curves of causes, states and mean numbers: what tells them apart, and what is counted once."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from many_curves import incidence_curves, mean_curves, state_curves, transplanted
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.drawn import read_drawing
from hemresearch.plots.layout import layout_problems
from hemresearch.plots.p_values import p_lines
from hemresearch.plots.risk_rows import CountedRow, added, counted_rows
from hemresearch.results import HypothesisTest

WIDTHS = [80, 170]


@pytest.fixture(scope="module")
def incidence():
    return incidence_curves(transplanted(), time="months", event="Status", by="disease")


def steps(ax) -> list:
    return [line for line in ax.lines if line.get_drawstyle() == "steps-post"]


def legend(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def table_words(ax) -> list[str]:
    texts = ax.child_axes[0].texts
    return [t.get_text() for t in texts if t.__class__.__name__ == "Text"]


def test_colours_are_groups_and_line_styles_are_causes(incidence):
    ax = incidence.plot(time_unit="months")
    assert legend(ax) == ["ALL", "AML", "relapse", "death in remission"]
    handles = ax.get_legend().legend_handles
    assert [h.get_color() for h in handles[:2]] == [steps(ax)[0].get_color(), steps(ax)[2].get_color()]
    assert {h.get_color() for h in handles[2:]} == {"black"}
    assert handles[2].get_linestyle() != handles[3].get_linestyle()
    assert not ax.collections  # four bands over each other show nothing
    assert ax.get_ylim()[1] > 1


def test_names_beside_the_curves_are_of_group_and_cause(incidence):
    ax = incidence.plot(time_unit="months", legend="direct", width=170)
    assert "ALL: relapse" in [text.get_text() for text in ax.texts]
    assert ax.get_legend() is None


def test_one_cause_of_groups_is_drawn_with_bands_and_all_who_leave_are_counted(incidence):
    ax = incidence.plot(time_unit="months", cause="relapse")
    assert legend(ax) == ["ALL", "AML"]
    assert ax.get_ylabel() == "Cumulative incidence of relapse (%)"
    one_state = state_curves(by="arm").plot(cause="recovery", width=170)
    assert one_state.get_ylabel() == "Probability of recovery (%)"
    assert ax.get_ylabel() == "Cumulative incidence of relapse (%)"
    assert len(ax.collections) == 2
    assert table_words(ax)[1:5] == ["At risk", "Censored", "relapse", "death in remission"]


def test_the_fingerprint_tells_events_of_each_cause_and_the_height_at_the_end(incidence):
    told = hem.plots.fingerprint(incidence.plot(time_unit="months", until=24))
    assert told.startswith("cumulative incidence of 177 patients, 131 events, to 24 months by 3")
    at = incidence.at(24).filter(disease="ALL", cause="relapse")
    estimate, low, high = (f"{at[c][0]:.4g}" for c in ("estimate", "conf_low", "conf_high"))
    assert f"ALL: relapse: n 73, events 28, at 24: {estimate} ({low} to {high}), mean " in told
    table = (
        incidence.risk_table(range(0, 25, 3))
        .group_by("cause", "time", maintain_order=True)
        .agg(pl.col("n_event").sum())
    )
    for cause in ("relapse", "death in remission"):
        counts = " ".join(f"{n:g}" for n in table.filter(cause=cause)["n_event"])
        assert f"events of {cause} {counts}" in told


def test_patients_are_those_of_the_result_also_where_only_one_cause_is_in_it(incidence):
    relapse = incidence_curves(
        transplanted(), time="months", event="Status", by="disease", causes=("relapse",)
    )
    assert [line.n for line in read_drawing(relapse, by=None, quantity=None, labels=None).lines] == [73, 104]
    frame = read_drawing(relapse.to_frame(), by=None, quantity=None, labels=None)
    assert [line.n for line in frame.lines] == [73, 104]


def test_a_cause_that_a_group_does_not_have_leaves_the_line_style_to_the_others(causes):
    some = causes.filter(~((pl.col("arm") == "A") & (pl.col("cause") == "relapse")))
    drawing = read_drawing(some, by=None, quantity="cumulative incidence", labels=None)
    assert [(line.label, line.split) for line in drawing.lines] == [
        ("A: death in remission", 0), ("B: death in remission", 0), ("B: relapse", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("table", [True, "compact", False])
def test_every_kind_is_readable(incidence, width, table):
    options = {"width": width, "risk_table": table}
    kinds = [incidence, state_curves(), state_curves(by="arm"), mean_curves()]
    for curves in kinds:
        ax = curves.plot(**options)
        assert layout_problems(ax.figure) == []


def test_tests_of_each_cause_are_written_on_lines_of_their_own(incidence):
    gray = {"relapse": 0.03, "death in remission": 0.2}
    ax = incidence.plot(time_unit="months", p=gray, labels={"relapse": "Relapse"})
    assert [text.get_text() for text in ax.texts] == ["Relapse: p=0.030\ndeath in remission: p=0.20"]
    assert "  relapse: p 0.03\n  death in remission: p 0.2\n" in hem.plots.fingerprint(ax)
    assert layout_problems(ax.figure) == []


def test_the_name_of_a_test_does_not_repeat_its_cause(incidence):
    test = HypothesisTest(name="Gray's test of relapse (rho=1)", statistic=4.7, df=1, p_value=0.03)
    assert p_lines({"relapse": test}) == ["relapse: Gray's test (rho=1) p=0.030"]
    assert p_lines(test) == ["Gray's test of relapse (rho=1) p=0.030"]
    assert p_lines({"relapse": replace(test, name="Gray's test of relapse")}) == [
        "relapse: Gray's test p=0.030"
    ]


def test_tests_of_other_causes_are_refused(incidence, survival):
    assert_refused(
        lambda: incidence.plot(p={"relaps": 0.03}), argument="p", says=["'relaps'", "'death in remission'"]
    )
    assert_refused(lambda: incidence.plot(cause="relapse", p={"death in remission": 0.03}), argument="p")
    assert_refused(lambda: survival.plot(p={"relapse": 0.03}), argument="p", says=["one test"])
    assert_refused(lambda: incidence.plot(p={"relapse": 3}), argument="p")


def test_mean_numbers_rise_on_their_own_axis():
    ax = mean_curves().plot()
    assert ax.get_ylabel() == "Mean number of events"
    assert ax.get_ylim()[1] == pytest.approx(1.06 * 2.966, rel=1e-3)
    told = hem.plots.fingerprint(ax)
    assert "placebo: n 120, events 246, at 417.9: 2.595 (2.223 to 2.966), mean " in told


def test_states_have_their_own_patients_at_risk():
    ax = state_curves().plot()
    assert table_words(ax) == ["At risk in", "transplant", "recovery", "Censored", "relapse or death"]
    told = hem.plots.fingerprint(ax)
    assert told.startswith("state occupation of 400 patients")
    assert "at risk in transplant 400 53 6 1; at risk in recovery 0 220 172 85; censored 0" in told
    assert "; events of relapse or death 0 " in told
    compact = state_curves().plot(risk_table="compact")
    assert [t.get_text() for t in compact.child_axes[0].texts][:2] == ["At risk (events)", "400 (0)"]


def test_a_curve_that_tells_its_start_begins_there():
    at_start = {"time": [0.0, 5.0], "n_risk": [9, 6], "n_event": [0, 0], "n_censor": [0, 0]}
    frame = pl.DataFrame(at_start | {"state": ["remission"] * 2, "estimate": [0.9, 0.6]})
    ax = hem.plots.draw_curves(frame, quantity="state occupation")
    assert steps(ax)[0].get_xydata().tolist() == [[0.0, 0.9], [5.0, 0.6]]


def test_transitions_from_a_state_are_groups():
    curves = state_curves().to_frame()
    both = pl.concat([curves.with_columns(from_state=pl.lit(s)) for s in ("transplant", "recovery")])
    drawing = read_drawing(both, by=None, quantity="transition probability", labels=None)
    assert drawing.shared
    assert drawing.risk_table([0, 12]).columns == ["state", "time", "n_risk", "n_event", "n_censor"]
    assert drawing.risk_table([0, 12]).height == 6
    ax = hem.plots.draw_curves(both, quantity="transition probability", width=170)
    assert table_words(ax)[0] == "At risk in"
    assert "transition probability of 400 patients, 603 events" in hem.plots.fingerprint(ax)
    assert layout_problems(ax.figure) == []
    assert drawing.groups == ("from transplant", "from recovery")
    assert drawing.splits == ("transplant", "recovery", "relapse or death")


def test_the_one_state_from_which_all_begin_is_not_named():
    arms = state_curves(by="arm").to_frame().with_columns(from_state=pl.lit("transplant"))
    both = pl.concat([arms, arms.with_columns(from_state=pl.lit("recovery"))])
    named = [read_drawing(f, by=None, quantity="transition probability", labels=None) for f in (arms, both)]
    assert named[0].groups == ("A", "B")
    assert named[1].groups[:2] == ("arm=A, from_state=transplant", "arm=B, from_state=transplant")


def test_counts_that_are_not_known_are_not_added_up():
    rows = [CountedRow("n_event", "relapse", (1.0, None)), CountedRow("n_event", "death", (2.0, 3.0))]
    assert added(rows, each_kind=False) == [CountedRow("n_event", None, (3.0, None))]


def test_those_at_risk_and_censored_are_counted_once(causes):
    drawing = read_drawing(causes, by=None, quantity="cumulative incidence", labels=None)
    table = drawing.risk_table([0, 6]).filter(arm="A")
    assert [(row.name, row.kind) for row in counted_rows(table)] == [
        ("n_risk", None), ("n_censor", None), ("n_event", "relapse"), ("n_event", "death in remission"),
    ]  # fmt: skip


def test_a_curve_that_rises_again_has_no_median():
    columns = {"time": [1.0, 2.0, 3.0], "n_risk": [5, 4, 4], "n_event": [1, 0, 0], "n_censor": [0, 0, 4]}
    frame = pl.DataFrame(columns | {"estimate": [0.4, 0.8, 0.8]})
    ax = hem.plots.draw_curves(frame, quantity="current survival")
    assert steps(ax)[0].get_ydata()[0] == 1
    assert len(ax.lines) == 2  # the curve and its censor ticks
    assert "all: n 5, events 1, at 3: 0.8, mean " in hem.plots.fingerprint(ax)
