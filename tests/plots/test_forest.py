"""Forest plots: every number in its row, nothing over anything, at the widths of a journal."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots import draw_forest, fingerprint, layout_problems
from hemresearch.regression import cox

VETERAN = hem.data.load("veteran")
ROLES = {"time": "time", "event": "status"}
SUBGROUPS = pl.DataFrame(
    {
        "subgroup": ["Overall", "Age", "Age", "Sex", "Sex", "Risk", "Risk", "Risk"],
        "level": [None, "< 60 years", "≥ 60 years", "Female", "Male", "Low", "Intermediate", "High"],
        "overall": [True] + [False] * 7,
        "n": [500, 200, 300, 240, 260, 100, 250, 150],
        "n_event": [200, 80, 120, 90, 110, 20, 100, 80],
        "estimate": [0.75, 0.9, 0.6, 0.8, 0.7, 1.0, 0.5, 0.8],
        "conf_low": [0.6, 0.6, 0.45, 0.6, 0.5, 0.02, 0.3, 0.0],
        "conf_high": [0.92, 1.2, 0.8, 1.1, 0.97, 40.0, 0.9, float("inf")],
        "p_interaction": [None, 0.08, 0.08, 0.5, 0.5, 0.01, 0.01, 0.01],
    }
)
ROWS = pl.DataFrame(
    {"term": ["age", "arm B"], "estimate": [1.5, 0.7], "conf_low": [1.2, 0.5], "conf_high": [1.9, 0.9]}
)
WORDS = {
    "karno": "Karnofsky performance status (per point)",
    "trt": "Treatment",
    "1": "Standard",
    "2": "Test",
}


@pytest.fixture(scope="module")
def fit():
    return cox(VETERAN, "C(trt) + celltype + karno", **ROLES)


def _texts(ax):
    return [" ".join(text.get_text().split()) for text in ax.texts]


@pytest.mark.parametrize(
    ("theme", "width"),
    [("plain", 80), ("blood", 115), ("plain", 170), ("lancet", 75), ("nejm", 85), ("jama", 178)],
)
def test_nothing_overlaps(fit, theme, width):
    with hem.plots.theme(theme):
        first = fit.plot(width=width, labels=WORDS, title="Survival of patients with lung cancer")
        second = draw_forest(
            SUBGROUPS, width=width, favours=("Favours new treatment", "Favours old treatment")
        )
    assert layout_problems(first.figure) == []
    assert layout_problems(second.figure) == []
    assert round(25.4 * first.figure.get_size_inches()[0]) == width


def test_an_arrow_stays_with_the_word_beside_it(fit):
    for width in range(80, 120, 4):
        ax = fit.plot(width=width, favours=("Interferon better", "Placebo better"))
        lines = [line for text in ax.texts for line in text.get_text().split("\n")]
        assert not {"→", "←"} & set(lines)
        assert sum(line.endswith(" →") or line.startswith("← ") for line in lines) == 2
        assert layout_problems(ax.figure) == []
        plt.close(ax.figure)


def test_columns_are_aligned_and_rows_level(fit):
    ax = fit.plot(width=170)
    ax.figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
    ratios = [box for text, box in boxes.items() if "(" in text]
    middles = [(box.x0 + box.x1) / 2 for box in ratios]
    assert np.ptp(middles) < 0.1
    assert all(box.x0 > ax.get_window_extent().x1 for box in ratios)
    assert all(boxes[name].x1 < ax.get_window_extent().x0 for name in ("celltype", "64/69", "karno"))
    assert abs(boxes["squamous"].y0 - boxes["31/35"].y0) < 3
    assert boxes["squamous"].x0 > boxes["celltype"].x0


def test_every_row_has_its_numbers(fit):
    texts = _texts(fit.plot(width=170))
    shown = ["squamous", "31/35", "1 (reference)", "smallcell", "45/48", "2.28 (1.35–3.87)", "0.002"]
    at = texts.index("squamous")
    assert texts[at : at + 7] == shown
    assert texts[texts.index("celltype") + 1] == "<0.001"  # the whole factor
    assert texts[texts.index("trt") + 1] == "1"  # that of two levels stands at its coefficient
    assert texts[:3] == ["Events/N", "HR (95% CI)", "p"]


def test_markers_and_lines_are_where_the_numbers_are():
    ax = draw_forest(ROWS, width=115)
    lines = [line.get_xdata().tolist() for line in ax.lines if len(line.get_xdata()) == 2]
    assert lines == [[1.0, 1.0], [1.2, 1.9], [0.5, 0.9]]
    points = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "s"]
    assert points == [1.5, 0.7]


def test_a_limit_off_the_axis_is_an_arrow():
    ax = draw_forest(SUBGROUPS, width=115, limits=(0.25, 4))
    arrows = [
        (line.get_marker(), float(line.get_xdata()[0])) for line in ax.lines if line.get_marker() in "<>"
    ]
    assert arrows == [("<", 0.25), (">", 4.0), ("<", 0.25), (">", 4.0)]
    assert ax.get_xlim() == (0.25, 4.0)
    far = draw_forest(ROWS, width=115, limits=(0.95, 4))
    assert [line.get_marker() for line in far.lines].count("s") == 1  # an estimate off the axis has no marker


def test_wide_limits_do_not_stretch_the_axis():
    low, high = draw_forest(SUBGROUPS, width=115).get_xlim()
    assert low > 0.1
    assert high < 4


def test_the_overall_row_is_a_diamond_from_limit_to_limit():
    ax = draw_forest(SUBGROUPS, width=115)
    corners = ax.patches[0].get_xy()[:, 0]
    assert (corners.min(), corners.max()) == (0.6, 0.92)


def test_markers_by_precision():
    ax = draw_forest(SUBGROUPS, width=115, by_precision=True)
    sizes = [line.get_markersize() for line in ax.lines if line.get_marker() == "s"]
    precision = [
        1 / np.log(high / low) for low, high in SUBGROUPS.select("conf_low", "conf_high").rows()[1:-1]
    ]
    assert sizes[:5] == pytest.approx([max(2.2, 7.5 * p / max(precision)) for p in precision][:5])
    assert sizes[-1] == 2.2


def test_interaction_p_values_stand_at_headings():
    texts = _texts(draw_forest(SUBGROUPS, width=170))
    assert texts[texts.index("Age") + 1] == "0.080"
    assert "p interaction" in texts


def test_narrow_figures_leave_columns_out_and_say_when_that_is_not_enough():
    assert "Events/N" not in _texts(draw_forest(SUBGROUPS, width=80))
    assert "Events/N" in _texts(draw_forest(SUBGROUPS, width=80, counts=True, p_values=False))
    assert "p interaction" not in _texts(draw_forest(SUBGROUPS, width=170, p_values=False))
    assert_refused(
        lambda: draw_forest(SUBGROUPS, width=60, counts=True), argument="width", says=["for the picture"]
    )


def test_differences_on_a_plain_axis():
    frame = pl.DataFrame(
        {
            "label": ["A − B", "C − B"],
            "estimate": [1.2, -3.0],
            "conf_low": [-0.2, -5.0],
            "conf_high": [2.6, -1.0],
        }
    )
    ax = draw_forest(frame, log=False, measure="difference in months", conf_level=0.9, width=80)
    assert layout_problems(ax.figure) == []
    assert ax.get_xscale() == "linear"
    assert "Difference in months (90% CI)" in _texts(ax)
    assert "−3.00 (−5.00 to −1.00)" in _texts(ax)
    one = draw_forest(frame[:1].with_columns(estimate=0.0, conf_low=0.0, conf_high=0.0), log=False, width=80)
    assert layout_problems(one.figure) == []
    wide = draw_forest(frame.with_columns(pl.col(pl.Float64) * 12345678), log=False, width=115)
    assert layout_problems(wide.figure) == []


@pytest.mark.parametrize("span", [1.01, 1.3, 5.0, 1e3, 1e6])
def test_ticks_stand_apart_and_hold_one(span):
    frame = pl.DataFrame(
        {"term": ["a", "b"], "estimate": [span, 1 / span], "conf_low": [span] * 2, "conf_high": [span] * 2}
    )
    ax = draw_forest(frame.with_columns(conf_low="estimate", conf_high="estimate"), width=80)
    assert layout_problems(ax.figure) == []
    assert 1.0 in ax.get_xticks()
    above = draw_forest(frame, width=80, limits=(1.2, 1.21), reference=1.2)
    assert layout_problems(above.figure) == []
    assert len(above.get_xticks()) >= 2


def test_an_infinite_ratio_has_an_arrow_and_no_marker():
    frame = pl.DataFrame(
        {
            "term": ["a", "b"],
            "estimate": [6e15, 1.5],
            "conf_low": [0.0, 1.0],
            "conf_high": [float("inf"), 2.0],
        }
    )
    ax = draw_forest(frame, width=80)
    assert layout_problems(ax.figure) == []
    assert "∞ (0.00–∞)" in _texts(ax)
    assert [line.get_marker() for line in ax.lines].count("s") == 1


def test_a_spline_has_a_row_without_a_marker():
    data = hem.data.load("veteran")
    fitted = hem.regression.cox(data, "rcs(karno, df=3) + age", time="time", event="status")
    texts = _texts(fitted.plot(width=115))
    at = texts.index("rcs(karno, df=3)")
    assert texts[at + 2 : at + 4] == ["–", "<0.001"]


def test_the_figure_prints_every_row(fit):
    lines = fingerprint(fit.plot(width=170, labels=WORDS).figure).splitlines()
    assert lines[1] == "forest of 7 estimates (hazard ratio), axis 0.776 to 6.21"
    assert lines[2:5] == [
        "  Treatment, Standard: 1, n 64/69",
        "  Treatment, Test: 1.299 (0.8763 to 1.926), n 64/68, p 0.19",
        "  celltype, squamous: 1, n 31/35",
    ]


def test_a_slim_fit_and_a_frame_of_ratios_are_drawn_too(fit):
    slim = _texts(fit.slim().plot(width=115))
    assert slim.index("celltype") < slim.index("adeno")
    ratios = fit.to_frame(exponentiate=True)
    ax = draw_forest(ratios, measure="hazard ratio", conf_level=0.95, width=115)
    assert _texts(ax)[:2] == ["HR (95% CI)", "p"]
    assert layout_problems(ax.figure) == []


def test_the_group_that_others_are_compared_with_is_no_reference_level():
    compared = ROWS.with_columns(reference=pl.lit("arm A"))
    assert _texts(draw_forest(compared, width=115)) == _texts(draw_forest(ROWS, width=115))


def test_given_axes_are_used():
    figure = hem.plots.figure(width=170, height=75)
    left, right = figure.subplots(1, 2)
    assert draw_forest(SUBGROUPS, ax=left, title="A") is left
    draw_forest(SUBGROUPS, ax=right, title="B")
    assert layout_problems(figure) == []
    plain, ax = plt.subplots(figsize=(5, 3.2))
    draw_forest(SUBGROUPS, ax=ax)
    assert layout_problems(plain) == []
    plain.tight_layout()
    assert layout_problems(plain) == []
    assert draw_forest(
        SUBGROUPS, ax=plt.figure(figsize=(5, 3.2)).add_axes((0.02, 0.2, 0.96, 0.7))
    ).get_xlabel()
    nested = hem.plots.figure(width=170, height=75)
    inner = nested.add_gridspec(1, 2, width_ratios=[2, 1])[0].subgridspec(1, 1)
    assert layout_problems(draw_forest(SUBGROUPS, ax=nested.add_subplot(inner[0])).figure) == []
    small = hem.plots.figure(width=115, height=30).subplots()
    assert_refused(lambda: draw_forest(SUBGROUPS, ax=small), argument="ax", says=["mm high"])


def test_own_column_names():
    frame = ROWS.rename({"term": "covariate"}).with_columns(block=pl.Series(["Host", "Care"]))
    ax = draw_forest(frame, label="covariate", groups="block", width=80)
    assert [text for text in _texts(ax) if text in ("Host", "Care", "age", "arm B")] == [
        "Host",
        "age",
        "Care",
        "arm B",
    ]


def test_one_dictionary_serves_several_figures():
    """Names of other figures do not matter, and a covariate names its spline."""
    fitted = cox(VETERAN, "rcs(karno, df=3) + trt", **ROLES)
    texts = _texts(fitted.plot(labels=WORDS | {"karno": "Karnofsky", "wbc": "Leukocytes"}, width=115))
    assert "Karnofsky" in texts
    assert not any("rcs" in text for text in texts)
    own = ROWS.rename({"term": "covariate"}).with_columns(block=pl.Series(["Host", "Care"]))
    ax = draw_forest(own, label="covariate", groups="block", labels={"age": "Age"}, width=80)
    assert [text for text in _texts(ax) if text in ("Host", "Age", "Care")] == ["Host", "Age", "Care"]


def test_effects_that_change_with_time_are_drawn():
    periods = cox(VETERAN, "celltype + karno", time_varying={"karno": [90], "celltype": [90]}, **ROLES)
    texts = _texts(periods.plot(labels={"karno": "Karnofsky"}, width=115))
    assert ["Karnofsky at time (0,90]", "Karnofsky at time (90,∞)"] == [t for t in texts if "Karno" in t]
    assert texts.count("1 (reference)") == 2


def test_subgroups_say_what_is_compared():
    effects = hem.regression.subgroup_effects(VETERAN, "trt", subgroups="prior", **ROLES)
    ax = effects.plot(width=115)
    assert ax.get_xlabel() == "Hazard ratio of trt 2 against 1 (log scale)"
    assert layout_problems(ax.figure) == []


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"label": "terms"}, "label", ["'terms' is not in the table"]),
        ({"groups": "blocks"}, "groups", ["'blocks' is not in the table"]),
        ({"labels": {"ages": "Age"}}, "labels", ["did you mean 'age'"]),
        ({"limits": (2, 4)}, "limits", ["around 1"]),
        ({"limits": (-1, 4)}, "limits", ["above 0"]),
        ({"limits": 3, "log": False}, "limits", ["(-1, 1)"]),
        ({"reference": 0}, "reference", ["above 0"]),
        ({"favours": "new"}, "favours", ["two texts"]),
    ],
)
def test_options_that_do_not_fit_are_refused(options, argument, says):
    assert_refused(lambda: draw_forest(ROWS, width=80, **options), argument=argument, says=says)


def test_tables_that_are_none_are_refused(fit):
    assert_refused(lambda: draw_forest(ROWS.drop("conf_low")), argument="item", says=["'conf_low'"])
    assert_refused(lambda: draw_forest(ROWS.drop("term")), argument="label", says=["no column with labels"])
    assert_refused(
        lambda: draw_forest(fit.to_frame()),
        argument="item",
        column="estimate",
        rows=[1, 4, 5],
        says=["below 0"],
    )
    nothing = ROWS.with_columns(
        pl.lit(None, pl.Float64).alias(c) for c in ("estimate", "conf_low", "conf_high")
    )
    assert_refused(lambda: draw_forest(nothing), argument="item", column="estimate", says=["no estimate"])
