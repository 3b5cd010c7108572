"""Hidden counts cannot be worked out: an attacker with integer programs tries, knowing every total."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from hemresearch.report.suppression import KNOWN_TO_NOBODY, Cell, Network, hidden_cells

THRESHOLD = 5.0


def two_way(counts: np.ndarray, *, totals_hideable: bool = False) -> Network:
    """A two-way table with known totals; with `totals_hideable` they are cells that may be hidden too."""
    n_rows, n_columns = counts.shape
    cells = [
        Cell(1 + i, 1 + n_rows + j, float(counts[i, j])) for i in range(n_rows) for j in range(n_columns)
    ]
    if totals_hideable:
        row_line, column_line = 1 + n_rows + n_columns, 2 + n_rows + n_columns
        cells += [Cell(column_line, 1 + i, float(counts[i].sum()), True) for i in range(n_rows)]
        cells += [Cell(1 + n_rows + j, row_line, float(counts[:, j].sum()), True) for j in range(n_columns)]
        cells += [Cell(row_line, column_line, float(counts.sum()), True)]
    return network(cells)


def network(cells: list[Cell]) -> Network:
    small = frozenset(i for i, c in enumerate(cells) if 0 < c.value < THRESHOLD)
    free = frozenset(i for i, c in enumerate(cells) if c.value >= THRESHOLD)
    return Network(tuple(cells), small, free, 1.0, THRESHOLD)


def equations(n: Network) -> np.ndarray:
    """One row per line that has a total: cells into it minus cells out of it do not change."""
    lines = sorted({end for c in n.cells for end in (c.tail, c.head)} - {KNOWN_TO_NOBODY})
    return np.array([[(c.head == line) - float(c.tail == line) for c in n.cells] for line in lines])


def attacked(n: Network, hidden: set[int]) -> dict[int, tuple[float, float]]:
    """The smallest and the largest value each hidden cell can have, by integer programming."""
    value = np.array([c.value for c in n.cells])
    low, high = value.copy(), value.copy()
    low[list(hidden)], high[list(hidden)] = n.lowest, np.inf
    matrix = equations(n)
    known = LinearConstraint(matrix, matrix @ value, matrix @ value)
    found = {}
    for cell in hidden:
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(value))
            goal[cell] = sign
            solved = milp(goal, constraints=known, bounds=Bounds(low, high), integrality=np.ones(len(value)))
            ends.append(sign * solved.fun if solved.status == 0 else sign * -np.inf)
        found[cell] = (ends[0], ends[1])
    return found


def enumerated(n: Network, hidden: set[int], largest: int) -> dict[int, set[int]]:
    """Every value each hidden cell can have, by trying all of them."""
    order, value, matrix = sorted(hidden), np.array([c.value for c in n.cells]), equations(n)
    known = matrix @ value
    possible: dict[int, set[int]] = {cell: set() for cell in order}
    for guess in itertools.product(range(1, largest + 1), repeat=len(order)):
        tried = value.copy()
        tried[order] = guess
        if np.array_equal(matrix @ tried, known):
            for cell, v in zip(order, guess, strict=True):
                possible[cell].add(v)
    return possible


def tables(largest: int = 30) -> st.SearchStrategy[np.ndarray]:
    shape = st.tuples(st.integers(2, 4), st.integers(2, 4))
    count = st.one_of(st.integers(0, 6), st.integers(0, largest))
    return shape.flatmap(
        lambda s: st.lists(count, min_size=s[0] * s[1], max_size=s[0] * s[1]).map(
            lambda v: np.array(v).reshape(s)
        )
    )


@settings(max_examples=60, deadline=None)
@given(tables(), st.booleans())
def test_no_hidden_count_can_be_worked_out_from_the_totals(counts, totals_hideable):
    n = two_way(counts, totals_hideable=totals_hideable)
    hidden, given_away = hidden_cells(n)
    most = attacked(n, set(n.small | n.free))
    for cell, (low, high) in attacked(n, hidden).items():
        if cell in n.small:
            reached = (max(1.0, most[cell][0]), min(THRESHOLD - 1, most[cell][1]))
            assert low <= reached[0]
            assert high >= reached[1]
        assert (low < high) != (cell in given_away)


@settings(max_examples=25, deadline=None)
@given(tables(), st.booleans())
def test_only_what_the_totals_alone_fix_is_given_away(counts, totals_hideable):
    n = two_way(counts, totals_hideable=totals_hideable)
    given_away = hidden_cells(n)[1]
    most = attacked(n, set(n.small | n.free))
    assert given_away == sorted(cell for cell in n.small if most[cell][0] == most[cell][1])


@settings(max_examples=20, deadline=None)
@given(tables())
def test_nothing_is_hidden_that_is_not_needed(counts):
    n = two_way(counts)
    hidden = hidden_cells(n)[0]
    wide = attacked(n, hidden)
    for extra in hidden - n.small:
        narrower = attacked(n, hidden - {extra})
        assert any(
            max(1.0, wide[c][0]) < max(1.0, narrower[c][0])
            or min(THRESHOLD - 1, wide[c][1]) > min(THRESHOLD - 1, narrower[c][1])
            or narrower[c][0] == narrower[c][1]
            for c in n.small
        )


def test_an_attacker_who_tries_every_table_finds_two_answers_at_least():
    n = two_way(np.array([[6, 2, 9], [5, 7, 8]]))
    hidden = hidden_cells(n)[0]
    possible = enumerated(n, hidden, 13)
    assert len(hidden) == 4
    assert all(len(values) >= 4 for values in possible.values())
    assert possible[1] >= {1, 2, 3, 4}


def test_in_a_table_of_two_by_two_with_totals_all_four_counts_are_hidden():
    assert hidden_cells(two_way(np.array([[30, 2], [25, 11]]))) == ({0, 1, 2, 3}, [])


def test_one_small_count_in_a_list_hides_the_next_smallest_with_it():
    cells = [Cell(1, KNOWN_TO_NOBODY, v) for v in (40.0, 3.0, 12.0, 25.0)]
    assert hidden_cells(network(cells))[0] == {1, 2}


def test_two_ones_in_a_list_do_not_hide_each_other():
    cells = [Cell(1, KNOWN_TO_NOBODY, v) for v in (40.0, 1.0, 1.0, 25.0)]
    assert hidden_cells(network(cells))[0] == {1, 2, 3}


def test_totals_that_nobody_knows_need_no_further_hiding():
    cells = [Cell(KNOWN_TO_NOBODY, KNOWN_TO_NOBODY, v) for v in (40.0, 1.0, 25.0)]
    assert hidden_cells(network(cells)) == ({1}, [])


def test_a_total_is_hidden_only_where_counts_do_not_suffice():
    # One count and a zero: only the totals of its row and column can hide the 3.
    n = two_way(np.array([[3, 0], [0, 20]]), totals_hideable=True)
    hidden = hidden_cells(n)[0]
    assert sorted(n.cells[c].value for c in hidden) == [3.0, 3.0, 3.0, 23.0]
    assert not hidden_cells(n)[1]


def test_a_count_alone_in_its_row_is_given_away_by_a_known_total():
    assert hidden_cells(two_way(np.array([[3, 0], [4, 20]])))[1] == [0, 2]


@pytest.mark.parametrize("shape", [(20, 20), (150, 3)])
def test_large_tables_take_seconds(shape):
    counts = np.random.default_rng(7).poisson(20, shape)
    counts[np.random.default_rng(8).random(shape) < 0.1] = 2
    began = time.perf_counter()
    hidden, given_away = hidden_cells(two_way(counts))
    assert time.perf_counter() - began < 20
    assert not given_away
    assert len(hidden) < counts.size
