"""Sums over clusters of rows that belong together."""

from __future__ import annotations

import numpy as np


def clustered_products(influences: list[np.ndarray], owners: list[np.ndarray]) -> np.ndarray:
    """The sum over clusters of the products of their influences; a cluster may have rows in several parts."""
    influence, owner = np.concatenate(influences), np.concatenate(owners)
    total = np.stack([np.bincount(owner, column) for column in influence.T], axis=1)
    return total.T @ total
