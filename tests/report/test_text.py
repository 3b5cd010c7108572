"""Tables as plain text."""

from __future__ import annotations

from hemresearch.report import Table


def test_columns_are_aligned_between_three_rules():
    table = Table(("Arm", "N"), (("A", "317"), ("B", "9")), align=("left", "right"))
    assert repr(table).splitlines() == [
        "────────",
        "Arm    N",
        "────────",
        "A    317",
        "B      9",
        "────────",
    ]


def test_headings_stand_alone_and_what_follows_is_moved_in():
    table = Table(
        ("", "N"),
        (("Sex, registered", ""), ("male", "3")),
        kinds=("heading", "indented"),
        align=("left", "right"),
    )
    assert repr(table).splitlines()[3:5] == ["Sex, registered", "  male        3"]


def test_spanners_stand_over_their_columns():
    table = Table(
        ("", "HR", "p", "HR", "p"),
        (("Age", "1", "2", "3", "4"),),
        spanners=(("Uni", 1, 2), ("Multivariable", 3, 4)),
    )
    lines = repr(table).splitlines()
    assert lines[1].split() == ["Uni", "Multivariable"]
    assert [len(part) for part in lines[2].split()] == [5, 13]
    assert max(map(len, lines)) == len(lines[0])


def test_title_and_footnotes_are_broken_at_the_width_of_the_table():
    table = Table(("a", "b"), (("x", "1"),), title="word " * 30, footnotes=("note " * 30, "second"))
    lines = repr(table).splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[-1] == "second"


def test_no_line_ends_in_blanks():
    table = Table(("a", "b"), (("x", ""), ("", "1")))
    assert all(line == line.rstrip() for line in repr(table).splitlines())
