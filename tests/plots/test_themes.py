"""Themes are settings: usable, overridable, and gone when the block ends."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots import themes


@pytest.mark.parametrize("name", themes.THEMES)
def test_every_theme_is_valid_readable_and_embeds_its_text(name):
    style = hem.plots.theme(name)
    assert style.width == themes.THEMES[name]["widths"][0]
    sizes = [style[k] for k in style if k.endswith("size") and "figsize" not in k and "major" not in k]
    assert all(6 <= size <= 9 for size in sizes)
    assert style["lines.linewidth"] >= 0.5
    assert style["pdf.fonttype"] == 42
    assert style["svg.hashsalt"]
    with mpl.rc_context(style.rc):
        assert mpl.rcParams["font.family"] == ["DejaVu Sans"]


@pytest.mark.parametrize("name", themes.THEMES)
def test_every_colour_comes_with_a_line_style_of_its_own(name):
    cycle = hem.plots.theme(name)["axes.prop_cycle"].by_key()
    assert len(set(cycle["color"])) == len(cycle["color"]) >= 6
    assert len({str(style) for style in cycle["linestyle"]}) == len(cycle["linestyle"])


def test_the_default_colours_are_those_of_okabe_and_ito():
    assert hem.plots.theme()["axes.prop_cycle"].by_key()["color"][:3] == ["#0072B2", "#D55E00", "#009E73"]


def test_a_theme_ends_with_its_block_also_after_an_error():
    before = dict(mpl.rcParams)
    with hem.plots.theme("blood", width=115):
        assert themes.active().width == 115
        with pytest.raises(RuntimeError), hem.plots.theme("jama"):
            raise RuntimeError(themes.active().name)
        assert themes.active().name == "blood"
    assert dict(mpl.rcParams) == before
    assert themes.active().name == "plain"


def test_a_theme_in_use_stays_until_the_next_one(monkeypatch):
    monkeypatch.setattr(themes, "_default", None)
    with mpl.rc_context():
        hem.plots.theme("lancet").use()
        assert themes.active().name == "lancet"
        assert mpl.rcParams["axes.titlesize"] == 8.5


def test_settings_can_be_overridden():
    style = hem.plots.theme("blood", width=115, aspect=0.5, colors=["black", "grey"], rc={"font.size": 8.5})
    assert style["figure.figsize"] == pytest.approx((115 / 25.4, 57.5 / 25.4))
    assert style["axes.prop_cycle"].by_key()["color"] == ["black", "grey"]
    assert style["font.size"] == 8.5
    assert repr(style) == f"Theme 'blood': 115 mm wide, {len(style)} settings"


def test_a_wide_panel_is_flatter():
    style = hem.plots.theme("blood")
    assert style.height(170) < 170 / 80 * style.height(80)


def test_refused_themes():
    assert_refused(lambda: hem.plots.theme("bloood"), argument="name", says=["'blood'"])
    assert_refused(lambda: hem.plots.theme("blood", width=3.5), argument="width", says=["millimetres"])
    assert_refused(lambda: hem.plots.theme("blood", width="wide"), argument="width")
    assert_refused(lambda: hem.plots.theme("blood", aspect=0), argument="aspect")


def test_importing_plots_changes_no_setting():
    code = (
        "import matplotlib; before = dict(matplotlib.rcParams); import hemresearch.plots; "
        "assert dict(matplotlib.rcParams) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
