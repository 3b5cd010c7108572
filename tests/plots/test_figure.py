"""Figures say in text what they show, and that text changes when a number or a word does."""

from __future__ import annotations

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient
from refusals import assert_refused

import hemresearch as hem

fingerprint = hem.plots.fingerprint


def test_the_fingerprint_of_a_survival_figure(survival):
    test = hem.results.HypothesisTest("log-rank test", 5.2731, 1.0, 0.021656)
    words = {"p": test, "effect": "HR 0.77", "title": "Overall survival"}
    ax = survival.plot(until=1460, time_unit="days", width=80, **words)
    assert repr(ax.figure).split("\n") == [
        "Figure 80 mm wide",
        "survival of 646 patients, 320 events, to 1460 days by 365",
        "  A: n 317, events 171, median 707, mean 0.5803 (0.5263 to 0.6299)",
        "  B: n 329, events 149, median 2283, mean 0.6762 (0.6253 to 0.7212)",
        "  log-rank test: statistic 5.273, p 0.02166",
        "  risk table at 0 365 730 1095 1460: at risk 646 448 337 298 226; "
        "censored 0 33 42 46 106; events 0 165 267 302 314",
        "  text: Overall survival | Time (days) | Survival (%) | A | B | HR 0.77 Log-rank test p=0.022 | "
        "At risk | Censored | Events",
    ]


def test_the_mean_is_the_area_under_the_drawn_line(survival):
    ax = survival.plot(until=1460, risk_table=False)
    rmst = []
    for part in survival.to_frame().partition_by("trt"):
        time = np.concatenate([[0], part["time"].filter(part["time"] < 1460), [1460]])
        height = np.concatenate([[1], part["estimate"]])[: time.size - 1]
        rmst.append(f"mean {(np.diff(time) * height).sum() / 1460:.4g} ")
    first, second = fingerprint(ax).split("\n")[1:3]
    assert rmst[0] in first
    assert rmst[1] in second


CHANGES = {
    "a title": lambda ax: ax.set_title("Event-free survival"),
    "the x label": lambda ax: ax.set_xlabel("Months"),
    "the y label": lambda ax: ax.set_ylabel("Alive"),
    "a name in the legend": lambda ax: ax.get_legend().get_texts()[0].set_text("C"),
    "a note": lambda ax: ax.texts[0].set_text("p=0.2"),
    "a new note": lambda ax: ax.text(0, 0, "*"),
    "a word of the risk table": lambda ax: ax.child_axes[0].texts[1].set_text("Not at risk"),
    "a line": lambda ax: next(li for li in ax.lines if li.get_label() == "A").set_ydata(
        0.99 * np.asarray(next(li for li in ax.lines if li.get_label() == "A").get_ydata())
    ),
    "another line": lambda ax: ax.axvline(365),
    "points": lambda ax: ax.scatter([1], [0.5]),
    "a patch": lambda ax: ax.axvspan(1, 2),
    "a title of all": lambda ax: ax.figure.suptitle("All"),
    "another panel": lambda ax: ax.figure.add_subplot(3, 3, 9),
    "the end of the axis": lambda ax: ax.set_xlim(0, 1000),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_changes_the_fingerprint(survival, change):
    ax = survival.plot(p=0.02)
    before = repr(ax.figure)
    assert repr(ax.figure) == before
    CHANGES[change](ax)
    assert repr(ax.figure) != before


@pytest.mark.parametrize(
    "mutation",
    [
        pl.col("futime") + pl.when(pl.col("id") == 1).then(300).otherwise(0),
        pl.col("futime") * 1.001,
        (1 - pl.col("death")).alias("death"),
    ],
    ids=["one patient", "all times", "events"],
)
def test_other_data_have_another_fingerprint(trial, survival, mutation):
    other = hem.survival.kaplan_meier(trial.with_columns(mutation), time="futime", event="death", by="trt")
    assert repr(other.plot().figure) != repr(survival.plot().figure)


def test_other_limits_have_another_fingerprint(trial, survival):
    other = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt", conf_level=0.9)
    assert repr(other.plot().figure) != repr(survival.plot().figure)


def test_panels_are_listed_one_after_the_other(survival, hazard):
    fig = hem.plots.figure(width=170, height=80)
    for curves, ax in zip((survival, hazard), fig.subplots(1, 2), strict=True):
        curves.plot(ax)
    lines = repr(fig).split("\n")
    assert lines[0] == "Figure 170 mm wide"
    shown = [line.split(" of ")[0] for line in lines if " patients" in line]
    assert shown == ["survival", "cumulative hazard"]


def test_a_plain_figure_becomes_one_of_ours_when_drawn_into(survival):
    fig, ax = plt.subplots()
    assert type(fig) is Figure
    survival.plot(ax)
    assert isinstance(fig, hem.plots.ResearchFigure)
    assert "survival of 646 patients" in repr(fig)


def test_somebody_elses_figure_class_is_left_alone(survival):
    class Theirs(Figure):
        pass

    fig = plt.figure(FigureClass=Theirs)
    ax = fig.subplots()
    survival.plot(ax)
    assert type(fig) is Theirs
    assert "survival of 646 patients" in fingerprint(fig)


def test_axes_that_nobody_described_show_where_their_artists_are():
    ax = hem.plots.figure(width=80, height=50).subplots()
    ax.plot([0, 2], [1, 3])
    ax.scatter([1, 3], [5, 7])
    ax.bar([1], [4])
    assert fingerprint(ax).split("\n") == ["  line at mean 1, 2", "  points at mean 2, 6", "  patch at 1, 2"]


def test_a_curve_without_limits_or_after_its_end(causes):
    text = fingerprint(hem.plots.draw_curves(causes, quantity="cumulative incidence", until=30))
    assert "  A: relapse: n 10, events 3, at 14: 0.35, mean 0.175\n" in text
    assert "events 0 0 10" not in text


def test_a_figure_has_the_size_it_was_asked_for():
    fig = hem.plots.figure(width=115, height=60)
    assert fig.get_size_inches() == pytest.approx((115 / 25.4, 60 / 25.4))
    assert str(fig) == repr(fig) == "Figure 115 mm wide"
    with hem.plots.theme("jama", width=178):
        assert hem.plots.figure().get_size_inches()[0] == pytest.approx(178 / 25.4)


def test_refused_sizes():
    assert_refused(lambda: hem.plots.figure(width=1), argument="width", says=["millimetres"])
    assert_refused(lambda: hem.plots.figure(width=80, height="high"), argument="height")


def test_saved_files_carry_no_date_and_repeat(tmp_path, survival):
    ax = survival.plot(width=80)
    for kind in ("pdf", "svg", "png"):
        first, second = tmp_path / f"1.{kind}", tmp_path / f"2.{kind}"
        ax.figure.savefig(first)
        ax.figure.canvas.draw()
        ax.figure.savefig(second)
        assert first.read_bytes() == second.read_bytes()
        assert b"CreationDate" not in first.read_bytes()
        assert b"dc:date" not in first.read_bytes()


def run(*cells: str) -> list:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    return notebook.cells


@pytest.fixture(scope="module")
def notebook() -> list:
    start = (
        "import hemresearch as hem\n"
        "trial = hem.data.load('myeloid')\n"
        "os = hem.survival.kaplan_meier(trial, time='futime', event='death', by='trt')"
    )
    return run(
        start,
        "os.plot(time_unit='days')",
        "with hem.plots.theme('blood', width=115):\n    ax = os.plot(title='Overall survival')",
        "os.plot(title='Overal survival', width=115)",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nos.plot(ax);",
    )


def shown(cell) -> list:
    return [out for out in cell.outputs if out.output_type == "display_data"]


def test_a_notebook_shows_every_figure_once_with_its_fingerprint(notebook):
    for cell in notebook[1:]:
        (figure,) = shown(cell)
        assert set(figure.data) == {"image/png", "text/plain"}
        assert "survival of 646 patients, 320 events" in figure.data["text/plain"]


def test_the_axes_at_the_end_of_a_cell_print_no_address_and_no_size(notebook):
    (value,) = [out for out in notebook[1].outputs if out.output_type == "execute_result"]
    assert value.data["text/plain"] == "<Axes: xlabel='Time (days)', ylabel='Survival (%)'>"


def test_one_letter_of_a_title_changes_what_a_notebook_stores(notebook):
    right, wrong = (shown(notebook[i])[0].data["text/plain"].split("\n") for i in (2, 3))
    changed = [pair for pair in zip(right[1:], wrong[1:], strict=True) if pair[0] != pair[1]]
    assert len(changed) == 1
    assert "Overall survival |" in changed[0][0]
    assert "Overal survival |" in changed[0][1]


def test_predicted_curves_are_drawn_from_the_patients_of_their_model():
    """Two standardised curves of one model are not twice its patients."""
    fit = hem.regression.cox(hem.data.load("mgus2"), "age + sex", time="futime", event="death")
    ax = fit.adjusted("sex").plot(risk_table=False)
    assert hem.plots.fingerprint(ax).startswith("survival of 1,384 patients, 963 events")
