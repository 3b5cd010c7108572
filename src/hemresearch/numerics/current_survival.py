"""The probability of being in a state that is left and entered again: a sum of cumulative incidences.

Each patient's times of entering and leaving the state in turn are a process of their own, observed until the
end of follow-up, in which an event of the first kind counts and one of the second competes. With F_k its
cumulative incidence and sign_k +1 for entries and -1 for exits, the probability is

    P(t) = begin + sum over k of sign_k F_k(t).

The variance is the infinitesimal jackknife's: the sum over patients of (sum over k of sign_k U_ik(t))^2.
While patient i is followed in process k, U_ik is C_k(t), the same for all; later it is a_ik + l_ik F_k(t).
So every patient is a vector of coefficients on (C_k, 1, F_k), that changes once for each process, and the sum
of the vectors' outer products, kept up to date, gives the variance at every time.

References: Klein JP, Szydlo RM, Craddock C, Goldman JM. Stat Med 2000;19:3005-3016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .compiled import kernel
from .incidence import event_free_before, incidence
from .risk_sets import place, risk_sets


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """Times of one event of all patients; `kind`: 0 for censored, 1 for the event, 2 for a competing one."""

    time: np.ndarray
    kind: np.ndarray
    sign: int


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """A cumulative incidence on a grid, and how much each patient moves it before and after the own end."""

    incidence: np.ndarray
    common: np.ndarray
    leave: np.ndarray
    constant: np.ndarray
    slope: np.ndarray


def in_state(processes: list[Process], begin: float, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P(t) and its variance at each time of the grid, which holds every time of every process."""
    parts = [influence(p, grid) for p in processes]
    sign = np.array([float(p.sign) for p in processes])
    F, C = (np.array([getattr(one, name) for one in parts]) for name in ("incidence", "common"))
    leave, constant, slope = (
        np.array([getattr(one, name) for one in parts]) for name in ("leave", "constant", "slope")
    )
    order = np.argsort(leave, axis=None, kind="stable")
    variance = sum_of_squares(order, leave, sign[:, None] * constant, sign[:, None] * slope, C, F, sign)
    return begin + sign @ F, variance


def influence(p: Process, grid: np.ndarray) -> Influence:
    """The cumulative incidence of the events of a process, and its infinitesimal jackknife.

    With S event-free survival, h and h_1 the hazards of any and of the first kind and n at risk, everybody at
    risk moves F by -S(s-) h_1 / n and log S by h / (n - d) at each time s; the events themselves by S(s-) / n
    and -1 / (n - d). What moved log S at s moves F(t) by F(t) - F(s).
    """
    r = risk_sets(p.time, p.kind > 0)
    n_first = risk_sets(p.time, p.kind == 1).n_event
    before = event_free_before(r)
    F = incidence(r, n_first, before)
    left = r.n_risk - r.n_event
    reach = np.where(left > 0, 1 / np.where(left > 0, left, 1.0), 0.0)
    lost = np.cumsum(reach * r.n_event / r.n_risk)
    moved = np.cumsum(-before * n_first / r.n_risk**2 + np.diff(F, prepend=0.0) * np.append(0.0, lost[:-1]))
    at = place(p.time, r.time)
    slope = lost[at] - np.where(p.kind > 0, reach[at], 0.0)
    own = np.where(p.kind == 1, before[at] / r.n_risk[at], 0.0)
    held = np.searchsorted(r.time, grid, side="right")
    return Influence(
        incidence=np.append(0.0, F)[held],
        common=np.append(0.0, moved)[held],
        leave=place(p.time, grid),
        constant=moved[at] + own - slope * F[at],
        slope=slope,
    )


@kernel
def sum_of_squares(order, leave, constant, slope, common, incidence, sign):  # type: ignore[no-untyped-def]
    """The variance at each time; `order` are the flat positions of (process, patient) by time of leaving."""
    n_processes, n = leave.shape
    size = 3 * n_processes
    vector = np.zeros((n, size))
    for k in range(n_processes):
        vector[:, 3 * k] = sign[k]
    total = n * np.outer(vector[0], vector[0])
    phi, variance = np.empty(size), np.empty(common.shape[1])
    j = 0
    for t in range(common.shape[1]):
        while j < len(order) and leave[order[j] // n, order[j] % n] == t:
            k, i = order[j] // n, order[j] % n
            v = vector[i]
            for a in range(size):
                for b in range(size):
                    total[a, b] -= v[a] * v[b]
            v[3 * k], v[3 * k + 1], v[3 * k + 2] = 0.0, constant[k, i], slope[k, i]
            for a in range(size):
                for b in range(size):
                    total[a, b] += v[a] * v[b]
            j += 1
        for k in range(n_processes):
            phi[3 * k], phi[3 * k + 1], phi[3 * k + 2] = common[k, t], 1.0, incidence[k, t]
        variance[t] = max(phi @ total @ phi, 0.0)
    return variance
