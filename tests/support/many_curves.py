"""Curves of causes, of states and of mean numbers, worked out plainly, for what draws and tabulates them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

import hemresearch as hem
from hemresearch.curves import Curves, curves_frame
from hemresearch.numerics.intervals import hazard_limits, probability_limits

CAUSES = ("relapse", "death in remission")
STATES = ("transplant", "recovery", "relapse or death")


def incidence_curves(
    data: pl.DataFrame, *, time: str, event: str, causes: Sequence[str] = CAUSES, by: str | None = None
) -> Curves:
    """Aalen-Johansen curves of `causes`; `event` holds 0 for censored, 1 for the first of all causes, ..."""
    groups = data.partition_by(by, maintain_order=True) if by else [data]
    groups = sorted(groups, key=lambda g: str(g[by][0])) if by else groups
    parts, labels, counts = [], [], []
    for group in groups:
        for number, cause in enumerate(causes, 1):
            parts.append(_one_incidence(group, time, event, number))
            labels.append(({by: group[by][0]} if by else {}) | {"cause": cause})
            counts.append(
                {
                    "n": group.height,
                    "n_event": int(parts[-1]["n_event"].sum()),
                    "n_censor": int(parts[-1]["n_censor"].sum()),
                }
            )
    all_events = int((data[event] > 0).sum())
    patients = {"n": [data.height], "n_event": [all_events], "n_censor": [data.height - all_events]}
    return _curves(parts, labels, counts, "cumulative incidence", time, event, by, pl.DataFrame(patients))


def _one_incidence(group: pl.DataFrame, time: str, event: str, number: int) -> dict[str, np.ndarray]:
    at = np.unique(group[time].to_numpy())
    times, codes = group[time].to_numpy(), group[event].to_numpy()
    n_risk = np.array([(times >= t).sum() for t in at], dtype=float)
    any_event, of_cause, censored = (
        np.array([((times == t) & which).sum() for t in at], dtype=float)
        for which in (codes > 0, codes == number, codes == 0)
    )
    before = np.append(1.0, np.cumprod(1 - any_event / n_risk)[:-1])
    estimate = np.cumsum(before * of_cause / n_risk)
    std_error = np.sqrt(estimate * (1 - estimate) / group.height)
    low, high = probability_limits(estimate, std_error, "log-log", 0.95)
    return {
        "time": at, "n_risk": n_risk, "n_event": of_cause, "n_censor": censored,
        "estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high,
    }  # fmt: skip


def state_curves(n: int = 400, by: str | None = None, seed: int = 20261126) -> Curves:
    """Illness-death process: who of `n` patients is in each of three states, month by month."""
    rng = np.random.default_rng(seed)
    parts, labels, counts = [], [], []
    for arm, speed in (("A", 1.0), ("B", 0.6)) if by else ((None, 1.0),):
        recovery = rng.exponential(8.0 / speed, n)
        end = rng.exponential(30.0, n)
        follow_up = rng.uniform(20.0, 60.0, n)
        stages = _stages(recovery, end, follow_up)
        for state, part in zip(STATES, stages, strict=True):
            parts.append(part)
            labels.append(({by: arm} if by else {}) | {"state": state})
            counts.append(
                {"n": n, "n_event": int(part["n_event"].sum()), "n_censor": int(part["n_censor"].sum())}
            )
    return _curves(parts, labels, counts, "state occupation", "months", "event", by, None)


def _stages(recovery: np.ndarray, end: np.ndarray, follow_up: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Of each state: how many are in it, enter it and are censored in it each month."""
    at = np.arange(0.0, 61.0)
    entered = np.where(recovery < end, recovery, np.inf)
    seen = [(f >= at) for f in follow_up]
    states = np.array([np.where(end[i] <= at, 2, np.where(entered[i] <= at, 1, 0)) for i in range(len(end))])
    known = np.array(seen)
    parts = []
    for s in range(3):
        share = (states == s).mean(axis=0)
        error = np.sqrt(share * (1 - share) / len(end))
        low, high = probability_limits(share, error, "log-log", 0.95)
        since = [np.full(len(end), np.inf), entered, np.where(end <= follow_up, end, np.inf)][s]
        n_event = np.histogram(since, np.append(-1.0, at) + 1e-9)[0].astype(float)
        last = states[np.arange(len(end)), np.minimum(follow_up.astype(int), 60) - 1] == s
        n_censor = np.histogram(follow_up[last], np.append(-1.0, at) + 1e-9)[0].astype(float)
        n_risk = ((states == s) & known).sum(axis=0).astype(float) * (s < 2)  # nobody leaves the last
        parts.append(
            {
                "time": at, "n_risk": n_risk, "n_event": n_event, "n_censor": n_censor,
                "estimate": share, "std_error": error, "conf_low": low, "conf_high": high,
            }
        )  # fmt: skip
    return parts


def mean_curves(n: int = 120, seed: int = 20261126) -> Curves:
    """Mean number of infections of two arms; patients leave only when they are censored."""
    rng = np.random.default_rng(seed)
    parts, labels, counts = [], [], []
    for arm, rate in (("placebo", 1 / 150), ("interferon", 1 / 400)):
        follow_up = rng.uniform(200.0, 420.0, n)
        events = np.sort(np.concatenate([rng.uniform(0, f, rng.poisson(rate * f)) for f in follow_up]))
        at = np.unique(np.concatenate([events, follow_up]))
        n_risk = np.array([(follow_up >= t).sum() for t in at], dtype=float)
        n_event = np.isin(at, events).astype(float)
        n_censor = np.isin(at, follow_up).astype(float)
        mean = np.cumsum(n_event / n_risk)
        error = np.sqrt(np.cumsum(n_event / n_risk**2))
        low, high = hazard_limits(mean, error, "log", 0.95)
        parts.append(
            {
                "time": at, "n_risk": n_risk, "n_event": n_event, "n_censor": n_censor,
                "estimate": mean, "std_error": error, "conf_low": low, "conf_high": high,
            }
        )  # fmt: skip
        labels.append({"arm": arm})
        counts.append({"n": n, "n_event": int(n_event.sum()), "n_censor": n})
    return _curves(parts, labels, counts, "mean number of events", "days", "infection", "arm", None)


def _curves(
    parts: list[dict[str, np.ndarray]],
    labels: list[dict[str, Any]],
    counts: list[dict[str, int]],
    quantity: str,
    time: str,
    event: str,
    by: str | None,
    patients: pl.DataFrame | None,
) -> Curves:
    levels = pl.DataFrame(labels)
    frame, starts = curves_frame(levels, parts)
    return Curves(
        frame=frame,
        groups_frame=pl.concat([levels, pl.DataFrame(counts)], how="horizontal"),
        starts=starts,
        quantity=quantity,
        by=(by,) if by else (),
        time=time,
        event=event,
        conf_level=0.95,
        conf_type="log-log",
        variance="greenwood",
        method="Aalen-Johansen",
        patients=patients,
    )


def transplanted() -> pl.DataFrame:
    """177 transplanted patients: relapse (1) and death in remission (2), months since transplantation."""
    return hem.data.load("bmtcrr").rename({"ftime": "months", "D": "disease"})
