"""Tables made of text: what they accept, and the same cells everywhere."""

from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from refusals import assert_refused

from hemresearch.report import Table

HEADER = ("", "HR (95% CI)", "p")
BODY = (("Arm", "", ""), ("B", "0.71 (0.55–0.92)", "0.009"), ("Age", "1.03 (1.01–1.05)", "<0.001"))


@pytest.fixture
def regression():
    return Table(
        HEADER, BODY, title="Cox model", footnotes=("Efron.",), kinds=("heading", "indented", "plain")
    )


def test_the_body_is_the_same_in_every_form(regression):
    html, latex, text = regression.to_html(), regression.to_latex(), repr(regression)
    for cell in ("0.71 (0.55–0.92)", "0.009", "1.03 (1.01–1.05)"):
        assert cell in html
        assert cell in text
        assert cell.replace("–", "--") in latex
    assert regression.to_frame().rows() == list(BODY)


def test_a_frame_numbers_labels_that_repeat():
    table = Table(("", "p", "p"), (("Age", "0.1", "0.2"),))
    assert table.to_frame().columns == ["", "p", "p 2"]
    assert table.to_frame().schema == dict.fromkeys(["", "p", "p 2"], pl.String)


def test_a_table_without_rows_has_a_frame_without_rows():
    assert Table(("a", "b"), ()).to_frame().shape == (0, 2)


def test_lists_become_tuples_and_defaults_are_filled_in():
    table = Table(["a", "b"], [["x", "1"]])
    assert table.body == (("x", "1"),)
    assert table.kinds == ("plain",)
    assert table.align == ("left", "center")


def test_tables_with_equal_cells_are_equal_and_share_an_id(regression):
    again = Table(HEADER, BODY, title="Cox model", footnotes=("Efron.",), kinds=regression.kinds)
    assert again == regression
    assert again.id == regression.id
    assert Table(HEADER, BODY).id != regression.id
    assert Table(HEADER, BODY, id="cox").id == "cox"


def test_the_id_is_the_same_in_another_process():
    code = "from hemresearch.report import Table; print(Table(('a', 'b'), (('x', '1'),)).id)"
    ids = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert ids == {Table(("a", "b"), (("x", "1"),)).id + "\n"}


def test_rows_of_another_length_are_refused_with_their_numbers():
    assert_refused(
        lambda: Table(("a", "b"), (("x", "1"), ("y",), ("z", "1", "2"))),
        argument="body",
        rows=[2, 3],
        says=["as many cells", "Table("],
    )
    assert_refused(lambda: Table((), ()), argument="body")


@pytest.mark.parametrize(("argument", "value"), [("kinds", ("plain", "plain")), ("align", ("left",))])
def test_entries_that_do_not_fit_are_refused(argument, value):
    assert_refused(
        lambda: Table(("a", "b"), (("x", "1"),), **{argument: value}),
        argument=argument,
        says=[f"leaving {argument} out"],
    )


@pytest.mark.parametrize(
    ("argument", "value", "nearest"),
    [("kinds", ("headings",), "heading"), ("align", ("left", "centre"), "center")],
)
def test_unknown_kinds_and_sides_are_refused_with_the_nearest(argument, value, nearest):
    assert_refused(
        lambda: Table(("a", "b"), (("x", "1"),), **{argument: value}), argument=argument, says=[repr(nearest)]
    )


@pytest.mark.parametrize("spanners", [(("U", 1, 3),), (("U", 2, 1),), (("U", 0, 1), ("M", 1, 2))])
def test_spanners_outside_the_table_or_over_each_other_are_refused(spanners):
    assert_refused(
        lambda: Table(HEADER, BODY, spanners=spanners), argument="spanners", says=["counted from 0"]
    )
