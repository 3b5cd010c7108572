"""The layout checker finds each kind of trouble, and none in any figure at either width of a journal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest

import hemresearch as hem
from hemresearch.plots.layout import layout_problems

SWEDISH = [
    "Allogen stamcellstransplantation från HLA-identiskt syskon",
    "Allogen transplantation med obesläktad donator och antitymocytglobulin",
    "Autolog stamcellstransplantation efter högdosbehandling",
]
COHORTS = {
    "two groups": {"n": 300, "groups": ["A", "B"]},
    "one group": {"n": 200, "groups": ["A"]},
    "six groups": {"n": 300, "groups": list("ABCDEF")},
    "six long names": {
        "n": 300,
        "groups": [f"Behandlingsgrupp {i} enligt protokoll 2026" for i in range(6)],
    },
    "Swedish names": {"n": 300, "groups": SWEDISH},
    "one long word": {"n": 60, "groups": ["Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen", "B"]},
    "no events": {"n": 60, "groups": ["A", "B"], "events": "none"},
    "only events": {"n": 60, "groups": ["A", "B"], "events": "all"},
    "one patient": {"n": 1, "groups": ["A"], "events": "all"},
    "one censored": {"n": 1, "groups": ["A"], "events": "none"},
    "20 000 days": {"n": 300, "groups": ["A", "B"], "scale": 20_000},
    "tiny times": {"n": 300, "groups": ["A", "B"], "scale": 0.002},
    "many patients": {"n": 100_000, "groups": ["A", "B"], "scale": 700},
    "dollars": {"n": 100, "groups": ["$5 < x$", "a_b^c$"]},
}
KINDS = {
    "full table": {},
    "compact table": {"risk_table": "compact", "p": 0.034},
    "no table": {"risk_table": False, "legend": "above"},
    "direct names": {"legend": "direct", "risk_table": "compact"},
    "all words": {
        "p": 0.0003,
        "effect": "HR 0.71 (95% CI 0.55–0.92), adjusted",
        "title": "Total överlevnad efter stamcellstransplantation, alla patienter i registret",
        "y_label": "Andel patienter som är vid liv utan återfall (%)",
        "x_label": "Tid från stamcellstransplantationen till död eller senaste uppföljning",
    },
}


@pytest.fixture(scope="module")
def curves(made):
    known = {}

    def of(name: str, estimator: str = "kaplan_meier"):
        if (name, estimator) not in known:
            estimate = getattr(hem.survival, estimator)
            known[name, estimator] = estimate(made(**COHORTS[name]), time="t", event="e", by="g")
        return known[name, estimator]

    return of


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_is_readable_at_every_width(curves, name, width):
    other = list(KINDS)[list(COHORTS).index(name) % 4]
    for kind in (other, "all words") if width == 80 else (other,):
        ax = curves(name).plot(width=width, **KINDS[kind])
        assert layout_problems(ax.figure) == [], kind


@pytest.mark.parametrize("width", [80, 170])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_figure_is_readable_at_every_width(curves, kind, width):
    ax = curves("Swedish names").plot(width=width, **KINDS[kind])
    assert layout_problems(ax.figure) == []
    hazard = curves("two groups", "nelson_aalen").plot(width=width, **KINDS[kind])
    assert layout_problems(hazard.figure) == []


@pytest.mark.parametrize("name", hem.plots.THEMES)
def test_every_theme_is_readable(survival, name):
    for width in hem.plots.THEMES[name]["widths"]:
        with hem.plots.theme(name, width=width):
            ax = survival.plot(time_unit="days", shown_in="months", p=0.02, effect="HR 0.77 (0.62–0.96)")
            assert layout_problems(ax.figure) == []
        assert layout_problems(ax.figure) == []  # also after the theme has ended


@pytest.mark.parametrize("width", [80, 170])
def test_incidences_of_causes_are_readable(causes, width):
    for table in (True, "compact"):
        options = {"until": 15, "time_unit": "months", "risk_table": table}
        ax = hem.plots.draw_curves(causes, quantity="cumulative incidence", width=width, **options)
        assert layout_problems(ax.figure) == []


def beside(ax, x, y, text="XXXX"):
    return ax.text(x, y, text, transform=ax.transAxes)


TROUBLES = {
    "text outside the canvas": (lambda ax: ax.figure.text(0.98, 0.5, "far out"), "outside the canvas"),
    "text above the canvas": (lambda ax: ax.figure.text(0.5, 1.01, "up"), "outside the canvas"),
    "a note over the legend": (lambda ax: beside(ax, 0.9, 0.93), "lies over 'A'"),
    "a note over a tick label": (lambda ax: beside(ax, -0.09, 0.5), "lies over"),
    "tick labels over each other": (lambda ax: ax.set_xticks(range(1000, 1400, 20)), "lies over '10"),
    "a note over the risk table": (lambda ax: ax.child_axes[0].text(365, 5, "XXX"), "lies over"),
    "risk table rows over each other": (lambda ax: ax.child_axes[0].set_ylim(60, 0), "lies over"),
    "text over a curve": (lambda ax: ax.text(200, 0.72, "across the curve"), "lies over a curve"),
    "small text": (lambda ax: ax.xaxis.label.set_fontsize(5.5), "is set in 5.5 pt"),
    "small numbers": (lambda ax: ax.child_axes[0].texts[2].set_fontsize(4), "is set in 4 pt"),
    "small ticks": (lambda ax: ax.tick_params(labelsize=5), "is set in 5 pt"),
    "small legend": (lambda ax: ax.get_legend().get_texts()[0].set_fontsize(3), "is set in 3 pt"),
    "thin lines": (lambda ax: ax.lines[0].set_linewidth(0.2), "a line is 0.2 pt wide"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_kind_of_trouble_is_found(survival, trouble):
    ax = survival.plot(width=80)
    assert layout_problems(ax.figure) == []
    change, words = TROUBLES[trouble]
    change(ax)
    problems = layout_problems(ax.figure)
    assert any(words in problem for problem in problems), problems


def test_a_figure_without_room_is_found(survival):
    fig, ax = plt.subplots(figsize=(1.2, 1.2))
    survival.plot(ax)
    assert layout_problems(fig)


def test_hidden_text_is_no_trouble(survival):
    ax = survival.plot(width=80)
    ax.figure.text(5, 5, "far out", visible=False)
    ax.figure.text(5, 5, "  ")
    assert layout_problems(ax.figure) == []
