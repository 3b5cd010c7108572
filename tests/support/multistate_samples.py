"""Small random multi-state data for property tests, and their influence computed the long way."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from hypothesis import strategies as st

from hemresearch.multistate import Transitions

WARD = Transitions({"ward": ["unit", "home", "dead"], "unit": ["ward", "dead"], "home": ["dead"]})


@st.composite
def ward_rows(draw: st.DrawFn, *, largest: int = 14, late: bool = False) -> pl.DataFrame:
    """Follow-up of a reversible process in whole times, and so with ties; weights 1-3 and groups."""
    rows: list[tuple[Any, ...]] = [(0, 0.0, float(draw(st.integers(1, 6))), "censored", 1, "a")]
    for patient in range(1, draw(st.integers(3, largest))):
        state, start = "ward", float(draw(st.integers(0, 3))) if late else 0.0
        weight, group = draw(st.integers(1, 3)), draw(st.sampled_from(["a", "b"]))
        for _ in range(draw(st.integers(1, 4))):
            stop = start + draw(st.integers(1, 6))
            to = [move for one, move in WARD.moves if one == state]
            reached = draw(st.sampled_from([*to, "censored"]))
            rows.append((patient, start, stop, reached, weight, group))
            if reached in ("censored", "dead"):
                break
            state, start = reached, stop
    schema = ["id", "entry", "time", "event", "weight", "group"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        pl.col("time", "entry").cast(pl.Float64)
    )


def influence_by_hand(
    state: np.ndarray,
    next_state: np.ndarray,
    entry: np.ndarray,
    time: np.ndarray,
    weight: np.ndarray,
    owner: np.ndarray,
    n_states: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times with moves, probabilities and each owner's influence at the start and after each of them."""
    times = np.unique(time[next_state >= 0])
    there = (entry < times[0]) & (time >= times[0])
    p = np.bincount(state[there], weight[there], n_states) / weight[there].sum()
    u = np.zeros((owner.max() + 1, n_states))
    for i in np.flatnonzero(there):
        u[owner[i]] += weight[i] * (np.eye(n_states)[state[i]] - p) / weight[there].sum()
    all_p, all_u = [p], [u]
    for t in times:
        risk = np.flatnonzero((entry < t) & (time >= t))
        n = np.bincount(state[risk], weight[risk], n_states)
        step, goes_to = np.eye(n_states), state.copy()
        for i in risk[(time[risk] == t) & (next_state[risk] >= 0)]:
            step[state[i], next_state[i]] += weight[i] / n[state[i]]
            step[state[i], state[i]] -= weight[i] / n[state[i]]
            goes_to[i] = next_state[i]
        u = u @ step
        for i in risk:
            moved = np.eye(n_states)[goes_to[i]] - step[state[i]]
            u[owner[i]] += weight[i] * p[state[i]] / n[state[i]] * moved
        p = p @ step
        all_p.append(p)
        all_u.append(u)
    return times, np.array(all_p), np.array(all_u)
