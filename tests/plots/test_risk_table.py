"""The risk table stands under its curves: each number at its time, each group with its mark."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl
import pytest
from matplotlib.text import Annotation
from refusals import assert_refused

import hemresearch as hem
from hemresearch import formats
from hemresearch.plots import fingerprint
from hemresearch.plots.layout import layout_problems

TIMES = [0.0, 500.0, 1000.0]


def words(table) -> list[str]:
    return [t.get_text() for t in table.texts if not isinstance(t, Annotation)]


def rows(table) -> list[list[str]]:
    """The numbers of each row, from the top."""
    found: dict[float, list[str]] = {}
    for text in table.texts:
        if isinstance(text, Annotation):
            found.setdefault(text.xy[1], []).append(text.get_text())
    return list(found.values())


def panel(width: float = 80):
    ax = hem.plots.figure(width=width, height=80).subplots()
    ax.set_xlim(0, 1200)
    return ax


def test_the_full_form_has_at_risk_censored_and_events_of_each_group(survival):
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel())
    assert words(table) == ["A", "At risk", "Censored", "Events", "B", "At risk", "Censored", "Events"]
    expected = survival.risk_table(TIMES).partition_by("trt")
    drawn = [list(map(int, row)) for row in rows(table)]
    for part, three in zip(expected, (drawn[:3], drawn[3:]), strict=True):
        assert three == [part[c].cast(int).to_list() for c in ("n_risk", "n_censor", "n_event")]


def test_the_three_add_up_to_the_group(survival):
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel())
    numbers = [list(map(int, row)) for row in rows(table)]
    assert {sum(column) for column in zip(*numbers[:3], strict=True)} == {317}
    assert {sum(column) for column in zip(*numbers[3:], strict=True)} == {329}


def test_the_compact_form_has_one_row_per_group(survival):
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel(), compact=True)
    assert words(table) == ["At risk (events)", "A", "B"]
    assert rows(table)[0] == ["317 (0)", "167 (125)", "132 (158)"]


def test_compact_names_that_are_long_stand_above_their_numbers(survival):
    long = {"A": "Standard therapy with daunorubicin and cytarabine"}
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel(), compact=True, labels=long)
    heads = [t for t in table.texts if not isinstance(t, Annotation)]
    numbers = [t for t in table.texts if isinstance(t, Annotation)]
    assert heads[1].get_text().startswith("Standard therapy")
    assert heads[1].get_position()[1] < numbers[0].xy[1]
    assert layout_problems(table.figure) == []


def test_every_number_is_centred_on_its_time(survival):
    ax = panel()
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), ax)
    ax.figure.draw_without_rendering()
    for text in table.texts:
        if isinstance(text, Annotation):
            box, at = text.get_window_extent(), ax.transData.transform((text.xy[0], 0))[0]
            assert (box.x0 + box.x1) / 2 == pytest.approx(at, abs=1)


def test_the_table_follows_a_zoom(survival):
    ax = panel()
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), ax)
    ax.set_xlim(0, 600)
    ax.figure.draw_without_rendering()
    at_1000 = [t for t in table.texts if isinstance(t, Annotation) and t.xy[0] == 1000]
    assert at_1000
    assert not any(t.get_tightbbox().width > 0 for t in at_1000)
    assert layout_problems(ax.figure) == []


def test_it_hangs_below_the_labels_of_the_axis_however_high_they_are(survival):
    ax = panel()
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), ax)
    ax.set_xlabel("Days since\nrandomisation\n(three lines)")
    ax.figure.draw_without_rendering()
    assert table.get_window_extent().y1 < ax.xaxis.label.get_window_extent().y0
    assert layout_problems(ax.figure) == []


def test_groups_are_marked_as_their_curves_are(survival):
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel())
    cycle = hem.plots.theme()["axes.prop_cycle"].by_key()
    assert [line.get_color() for line in table.lines] == cycle["color"][:2]
    assert len({line.get_linestyle() for line in table.lines}) == 2


def test_causes_have_a_row_of_events_each(causes):
    from hemresearch.plots.drawn import read_drawing

    drawing = read_drawing(causes, by=None, quantity="cumulative incidence", labels=None)
    table = hem.plots.draw_risk_table(drawing.risk_table([0, 6, 12]), panel())
    assert words(table)[:5] == ["A", "At risk", "Censored", "relapse", "death in remission"]
    assert rows(table)[:4] == [
        ["10", "7", "4"], ["0", "1", "2"], ["0", "1", "3"], ["0", "1", "1"]
    ]  # fmt: skip
    compact = hem.plots.draw_risk_table(drawing.risk_table([0, 6, 12]), panel(), compact=True)
    assert rows(compact)[0] == ["10 (0)", "7 (2)", "4 (4)"]


def test_long_names_of_causes_are_broken_into_lines(causes):
    long = {"death in remission": "Död utan föregående återfall eller sekundär malignitet"}
    options = {"quantity": "cumulative incidence", "until": 15, "width": 80, "labels": long}
    ax = hem.plots.draw_curves(causes, **options)
    assert " ".join(words(ax.child_axes[0])[4:8]).startswith("Död utan föregående återfall")
    assert layout_problems(ax.figure) == []
    assert ax.get_window_extent().width > 0.5 * ax.figure.bbox.width


def test_everybody_has_no_heading(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death")
    table = hem.plots.draw_risk_table(curves.risk_table(TIMES), panel())
    assert words(table) == ["At risk", "Censored", "Events"]
    compact = hem.plots.draw_risk_table(curves.risk_table(TIMES), panel(), compact=True)
    assert words(compact) == ["At risk (events)"]


def test_weighted_counts_have_one_decimal(trial):
    weighted = trial.with_columns(w=pl.lit(0.7))
    curves = hem.survival.kaplan_meier(weighted, time="futime", event="death", weights="w")
    table = hem.plots.draw_risk_table(curves.risk_table(TIMES), panel())
    assert rows(table)[0][0] == "452.2"


def test_words_and_heading_can_be_in_another_language(survival):
    swedish = {"n_risk": "Under risk", "n_censor": "Censurerade", "n_event": "Händelser"}
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), panel(), words=swedish)
    assert words(table)[1:4] == list(swedish.values())
    compact = hem.plots.draw_risk_table(
        survival.risk_table(TIMES), panel(), compact=True, heading="Under risk (händelser)"
    )
    assert words(compact)[0] == "Under risk (händelser)"


def test_a_group_can_be_named_by_by(survival):
    frame = survival.risk_table(TIMES).with_columns(note=pl.lit("x"))
    table = hem.plots.draw_risk_table(frame, panel(), by="trt")
    assert words(table)[0] == "A"


def test_a_dollar_in_a_name_is_a_dollar(survival):
    table = hem.plots.draw_risk_table(
        survival.risk_table(TIMES), panel(), labels={"A": "$5 < x", "B": "y^2$ > $1"}
    )
    assert words(table)[0] == "$5 < x"
    assert layout_problems(table.figure) == []


def test_it_hangs_below_any_axes(survival):
    fig, ax = plt.subplots()
    ax.plot([0, 1200], [1, 0.4])
    table = hem.plots.draw_risk_table(survival.risk_table(TIMES), ax)
    assert table in ax.child_axes
    assert layout_problems(fig) == []


def test_refused_risk_tables(survival):
    frame = survival.risk_table(TIMES)
    assert_refused(
        lambda: hem.plots.draw_risk_table(frame.drop("n_censor"), panel()),
        argument="risk_table",
        says=["'n_censor'", "curves.risk_table([0, 12, 24])"],
    )
    assert_refused(
        lambda: hem.plots.draw_risk_table(frame, panel(), by="arm"),
        argument="by",
        column="arm",
        says=["'trt'"],
    )
    assert_refused(
        lambda: hem.plots.draw_risk_table(frame.head(0), panel()), argument="risk_table", says=["rows"]
    )


def test_beyond_the_cut_of_a_curve_nothing_is_counted_not_zero():
    time, died = [1] * 4 + [2] * 4 + [3] * 4 + [4], [1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0]
    data = pl.DataFrame({"time": time, "died": died})
    cut = hem.report.disclosure(hem.survival.kaplan_meier(data, time="time", event="died"))
    for form in (True, "compact"):
        ax = cut.plot(risk_table=form, until=4)
        shown = [text.get_text() for child in ax.child_axes for text in child.texts]
        assert not any(text.endswith("(0)") and not text.startswith("13") for text in shown)
        assert formats.MISSING in " ".join(shown)
        assert formats.MISSING in fingerprint(ax)
        plt.close(ax.figure)
