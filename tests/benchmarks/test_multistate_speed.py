"""How long state occupation with standard errors takes beside survfit and mstate: `make benchmark`.

100 000 patients in six states, as after transplantation. mstate fits all transitions in one stratified Cox
model without covariates, and its variance propagates matrices of (states squared) squared at every time.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from peers import interleaved, ratios, seconds_in_r

from hemresearch.multistate import Transitions, from_rows, occupation

MODEL = Transitions(
    {
        "transplant": ["recovery", "event", "relapse", "death"],
        "recovery": ["both", "relapse", "death"],
        "event": ["both", "relapse", "death"],
        "both": ["relapse", "death"],
        "relapse": ["death"],
    }
)
MEAN_STAY = {"transplant": 40.0, "recovery": 600.0, "event": 200.0, "both": 900.0, "relapse": 300.0}


def patients(n: int, *, whole_days: bool, seed: int = 30) -> pl.DataFrame:
    """Rows of follow-up that end with the state entered, or with censoring after up to ten years."""
    rng = np.random.default_rng(seed)
    end = rng.uniform(200, 3650, n)
    number, start = np.arange(n), np.zeros(n)
    state = np.zeros(n, dtype=int)
    parts = []
    while len(number):
        scale = np.array([MEAN_STAY.get(s, 1.0) for s in MODEL.states])[state]
        stay = rng.exponential(scale)
        stop = start + (np.maximum(np.ceil(stay), 1.0) if whole_days else stay)
        targets = [[MODEL.states.index(to) for one, to in MODEL.moves if one == s] for s in MODEL.states]
        choice = rng.random(len(number))
        to = np.array([targets[s][int(u * len(targets[s]))] for s, u in zip(state, choice, strict=True)])
        seen = stop < end[number]
        last = np.ceil(end[number]) if whole_days else end[number]
        label = np.where(seen, np.array(MODEL.states)[to], "censored")
        parts.append(
            pl.DataFrame({"id": number, "from": start, "to": np.where(seen, stop, last), "event": label})
        )
        go_on = seen & (to != MODEL.states.index("death"))
        number, start, state = number[go_on], stop[go_on], to[go_on]
    return pl.concat(parts).sort("id", "from")


PLACE = {state: k for k, state in enumerate(MODEL.states, 1)}
NUMBERS = "; ".join(f"m[{PLACE[one]}, {PLACE[to]}] <- {k}" for k, (one, to) in enumerate(MODEL.moves, 1))
MSTATE = (
    f"{{ m <- matrix(NA, {len(MODEL.states)}, {len(MODEL.states)}); {NUMBERS}; "
    "fit <- coxph(Surv(Tstart, Tstop, event) ~ strata(trans), d, method = 'breslow'); "
    "h <- msfit(fit, trans = m, vartype = 'aalen'); "
    "probtrans(h, predt = 0, method = 'aalen', direction = 'forward') }"
)


def for_mstate(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows per patient and move, with the names of mstate."""
    return rows.select("id", "event", trans="transition", Tstart="entry", Tstop="time")


@pytest.mark.parametrize("whole_days", [True, False], ids=["whole-days", "continuous"])
def test_occupation_with_standard_errors_of_six_states(benchmark, whole_days):
    follow_up = patients(100_000, whole_days=whole_days)
    rows = from_rows(follow_up, MODEL, id="id", entry="from", time="to", event="event")

    def ours():
        return occupation(rows, MODEL)

    ours()
    best = interleaved({"hemresearch": ours})
    # survfit follows every patient at every time: at continuous times a hundredth of them is enough
    n = 100_000 if whole_days else 1_000
    for_r = follow_up.filter(pl.col("id") < n).with_columns(reached="event", event=pl.lit(True))
    labels = ", ".join(repr(s) for s in ("censored", *MODEL.states[1:]))
    call = f"survfit(Surv(from, to, factor(reached, c({labels}))) ~ 1, d, id = id)"
    r = seconds_in_r(call, for_r, rounds=1)
    moves = for_mstate(rows.filter(pl.col("id") < n))
    by_mstate = seconds_in_r(MSTATE, moves, "mstate", rounds=1)
    in_r = {f"R survival, {n} patients": r, f"R mstate, {n} patients": by_mstate}
    told = ratios({**best, **{name: seconds for name, seconds in in_r.items() if seconds}})
    benchmark.extra_info.update(told)
    print(" | ".join(f"{name} {value}" for name, value in told.items()))
    benchmark.pedantic(ours, rounds=5)
