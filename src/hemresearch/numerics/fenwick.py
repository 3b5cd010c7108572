"""Sums over all lower ranks while weights come and go: Fenwick trees, arrays of one more than the ranks."""

from __future__ import annotations

import numpy as np

from .compiled import kernel


@kernel
def add(tree, rank, size):  # type: ignore[no-untyped-def]
    """Add a weight at a rank of a Fenwick tree."""
    i = rank + 1
    while i < len(tree):
        tree[i] += size
        i += i & -i


@kernel
def below(tree, rank):  # type: ignore[no-untyped-def]
    """The sum of all lower ranks of a Fenwick tree."""
    total = 0.0
    i = rank
    while i > 0:
        total += tree[i]
        i &= i - 1
    return total


@kernel
def outranked_before(group, rank, weight, with_own):  # type: ignore[no-untyped-def]
    """Weight of the rows of earlier groups that each row outranks, ties counting half, and of all of them.

    Rows stand in the order of their groups; those of the row's own group count too if `with_own`.
    """
    n = len(group)
    tree, at = np.zeros(rank.max() + 2), np.zeros(rank.max() + 1)
    lower, total = np.empty(n), np.empty(n)
    seen, begin = 0.0, 0
    while begin < n:
        end = begin
        while end < n and group[end] == group[begin]:
            end += 1
        for turn in range(2):
            if (turn == 0) == with_own:
                for j in range(begin, end):
                    if weight[j] > 0:
                        add(tree, rank[j], weight[j])
                        at[rank[j]] += weight[j]
                        seen += weight[j]
            else:
                for j in range(begin, end):
                    lower[j] = below(tree, rank[j]) + at[rank[j]] / 2
                    total[j] = seen
        begin = end
    return lower, total
