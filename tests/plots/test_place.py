"""Texts are measured and broken, and boxes find a place that nothing touches."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.transforms import Bbox

import hemresearch as hem
from hemresearch.plots.place import free_place, stepped, text_mm, touches, wrapped

FRAME = Bbox([[0, 0], [100, 100]])
CORNERS = ("upper right", "lower left", "lower right", "upper left")


def test_text_is_as_wide_as_it_is_drawn():
    fig = hem.plots.figure(width=80, height=50)
    text = fig.text(0, 0, "Autolog transplantation", fontsize=7)
    drawn = text.get_window_extent().width / fig.dpi * 25.4
    assert text_mm("Autolog transplantation", 7) == pytest.approx(drawn, rel=0.05)
    assert text_mm("Autolog", 7, strong=True) > text_mm("Autolog", 7)
    assert text_mm("", 7) == 0


def test_long_text_is_broken_between_words():
    lines = wrapped("Allogen transplantation med obesläktad donator", 7, 30)
    assert " ".join(lines) == "Allogen transplantation med obesläktad donator"
    assert len(lines) > 1
    assert all(text_mm(line, 7) <= 30 for line in lines)


def test_a_word_that_is_too_long_is_broken_within():
    lines = wrapped("A stamcellstransplantationsenhet", 7, 15)
    assert "".join(lines) == "Astamcellstransplantationsenhet"
    assert all(text_mm(line, 7) <= 15 for line in lines)


def test_a_text_that_fits_keeps_its_spaces():
    assert wrapped("A  Overall survival", 7, 60) == ["A  Overall survival"]


def test_steps_keep_their_height_until_the_next_time():
    corners = stepped(np.array([0.0, 2.0, 5.0]), np.array([1.0, 0.8, 0.5]))
    assert corners.tolist() == [[0, 1], [2, 1], [2, 0.8], [5, 0.8], [5, 0.5]]


def test_a_curve_touches_the_boxes_it_enters():
    curve = stepped(np.array([0.0, 50.0, 100.0]), np.array([90.0, 40.0, 40.0]))
    assert touches(curve, Bbox([[10, 80], [20, 95]]))
    assert touches(curve, Bbox([[45, 50], [55, 60]]))
    assert not touches(curve, Bbox([[60, 50], [90, 90]]))
    assert not touches(np.full((3, 2), np.nan), Bbox([[0, 0], [100, 100]]))


def test_the_first_free_corner_is_taken():
    falling = stepped(np.linspace(0, 100, 11), np.linspace(100, 30, 11))
    assert free_place(FRAME, (20, 10), [falling], [], CORNERS, 2) == (1, 1)
    flat = stepped(np.array([0.0, 100.0]), np.array([95.0, 95.0]))
    assert free_place(FRAME, (20, 10), [flat], [], CORNERS, 2) == (0, 0)


def test_a_taken_corner_is_left_alone():
    taken = [Bbox([[70, 70], [100, 100]])]
    assert free_place(FRAME, (20, 10), [], taken, CORNERS, 2) == (0, 0)


def test_a_place_inside_is_found_when_no_corner_is_free():
    edges = [np.array([[0.0, y], [100.0, y]]) for y in (6.0, 95.0)]
    spot = free_place(FRAME, (20, 10), edges, [], CORNERS, 2)
    assert spot is not None
    assert 0 < spot[1] < 1


def test_there_may_be_no_place():
    grid = [np.array([[0.0, y], [100.0, y]]) for y in range(0, 100, 5)]
    assert free_place(FRAME, (20, 10), grid, [], CORNERS, 2) is None
    assert free_place(FRAME, (120, 10), [], [], CORNERS, 2) is None
