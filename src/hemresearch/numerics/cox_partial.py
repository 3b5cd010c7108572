"""The partial likelihood of Cox's model: value, score and information, for Breslow's and Efron's ties.

With r = weight * exp(x'b), each slot (event time) has over its risk set S0 = sum r, S1 = sum r x, and over
the d events that happen then E0 = sum r, E1 = sum r x. Efron takes tied events in turn, k = 0 ... d - 1, with
S0_k = S0 - f_k E0 and S1_k = S1 - f_k E1, f_k = k / d; Breslow has f_k = 0. Each turn carries the mean weight
of the events, w = (sum of weights) / d. Then

    value = sum over events of weight * x'b - sum over turns of w log S0_k
    score = sum over events of weight * x   - sum over turns of w S1_k / S0_k
    information = sum over turns of w (S2_k / S0_k - S1_k S1_k' / S0_k^2)

The sum of S2_k / S0_k is one weighted cross product over rows: row i counts r_i times the hazard it lived
through. The rest is a cross product over slots. Nothing of size rows x times is ever made.

References: Cox DR. J R Stat Soc B 1972;34:187-220. Efron B. J Am Stat Assoc 1977;72:557-565.
Therneau TM, Grambsch PM. Modeling Survival Data. Springer 2000, section 3.3 (weights: section 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .compiled import inlined, kernel
from .cox_rows import CoxRows

BLOCK = 4096  # rows of a cross product at a time, so that they stay in the processor's cache
LARGEST = 300.0  # linear predictors beyond this are taken as overflow: hazards are squared


@dataclass(frozen=True, slots=True, eq=False)
class RiskSums:
    """Sums over the risk set of every slot, and over the events of the tied slots alone (E0, E1)."""

    risk: np.ndarray
    s0: np.ndarray
    s1: np.ndarray
    event0: np.ndarray
    event1: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Sums over the turns of each slot.

    Of w / S0_k (the hazard), w f_k / S0_k, w / S0_k^2, w f_k / S0_k^2 and w f_k^2 / S0_k^2.
    """

    hazard: np.ndarray
    hazard_f: np.ndarray
    square: np.ndarray
    square_f: np.ndarray
    square_ff: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class PartialLikelihood:
    """The partial likelihood of some rows under a rule for ties; called with coefficients of `rows.x`."""

    rows: CoxRows
    efron: bool
    tied: np.ndarray = field(init=False)
    tied_rows: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Find the slots whose events are taken in turn, and those events."""
        tied = (self.rows.n_event > 1) & self.efron
        there = self.rows.event & tied[self.rows.leave] if tied.any() else np.empty(0, dtype=bool)
        object.__setattr__(self, "tied", np.flatnonzero(tied))
        object.__setattr__(self, "tied_rows", np.flatnonzero(there))

    def __call__(self, coef: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, score and information; an overflow has the value minus infinity."""
        eta = self.linear_predictor(coef)
        if len(eta) and not np.abs(eta).max() < LARGEST:
            p = len(coef)
            return -np.inf, np.full(p, np.nan), np.full((p, p), np.nan)
        log, mean, information = self.over_turns(self.risk(eta))
        return self._event_sum(coef) - log, self.rows.event_total - mean, information

    def value_and_score(self, coef: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and score alone, at a third of the cost: sum over rows of x times what each lived through."""
        eta = self.linear_predictor(coef)
        if not np.abs(eta).max(initial=0.0) < LARGEST:
            return -np.inf, np.full(len(coef), np.nan)
        risk = self.risk(eta)
        log, _, _, hazard, hazard_f = self._without_covariates()._turn_by_turn(risk)
        lived = self._lived(hazard, hazard_f)
        return self._event_sum(coef) - log, self.rows.event_total - weighted_total(self.rows.x, risk * lived)

    def linear_predictor(self, coef: np.ndarray) -> np.ndarray:
        """X'b plus the offset, of the sorted rows."""
        eta = self.rows.x @ coef
        return eta if self.rows.offset is None else eta + self.rows.offset

    def risk(self, eta: np.ndarray) -> np.ndarray:
        """Weight * exp(linear predictor) of the sorted rows."""
        return np.exp(eta) if self.rows.weight is None else self.rows.weight * np.exp(eta)

    def over_turns(
        self, risk: np.ndarray, factor: np.ndarray | None = None
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Sums over turns, each times factor(t): of w log S0_k, of w m_k = w S1_k / S0_k; the information."""
        log, mean, square, hazard, hazard_f = self._turn_by_turn(risk, factor)
        return log, mean, cross_product(self.rows.x, self._lived(hazard, hazard_f) * risk) - square

    def _lived(self, hazard: np.ndarray, hazard_f: np.ndarray) -> np.ndarray:
        """The hazard that each row lived through; tied events leave in turn."""
        rows = self.rows
        lived = rows.over_life(rows.running(hazard))
        lived[self.tied_rows] -= hazard_f[rows.leave[self.tied_rows]]
        return lived

    def _turn_by_turn(
        self, risk: np.ndarray, factor: np.ndarray | None = None
    ) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The sums over turns of the kernel."""
        rows = self.rows
        g = np.ones(len(rows.begins)) if factor is None else factor
        sums: tuple[float, np.ndarray, np.ndarray, np.ndarray, np.ndarray] = turn_by_turn(
            rows.x, risk, rows.event, rows.leave, *self._entries(), rows.begins, rows.n_event,
            rows.event_weight, g, self.efron,
        )  # fmt: skip
        return sums

    def _entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Entry slots and their order, both empty without delayed entry."""
        none = np.empty(0, dtype=np.int64)
        rows = self.rows
        return (none, none) if rows.enter is None or rows.by_enter is None else (rows.enter, rows.by_enter)

    def sums(self, eta: np.ndarray) -> RiskSums:
        """The sums over risk sets at given linear predictors."""
        rows, risk = self.rows, self.risk(eta)
        s0, s1 = risk_sums(rows.x, risk, rows.leave, *self._entries(), rows.begins)
        return RiskSums(risk, s0, s1, *sums_at_events(rows.x, risk, rows.event, rows.leave, self.tied))

    def turns(self, sums: RiskSums) -> Turns:
        """The sums over the turns of each slot."""
        event0 = np.zeros(len(sums.s0))
        event0[self.tied] = sums.event0
        parts = sums_over_turns(sums.s0, event0, self.rows.n_event, self.rows.event_weight, self.efron)
        return Turns(*parts)

    def null_value(self) -> float:
        """The value where all coefficients are zero, which needs no covariates."""
        bare = self._without_covariates()
        log = bare._turn_by_turn(bare.risk(bare.linear_predictor(np.empty(0))))[0]
        return self._event_sum(np.zeros(len(self.rows.event_total))) - log

    def _without_covariates(self) -> PartialLikelihood:
        """The same rows and risk sets, of which only the sums of risks are wanted."""
        return replace(self, rows=replace(self.rows, x=self.rows.x[:, :0]))

    @property
    def has_ties(self) -> bool:
        """Whether some events are taken in turn."""
        return len(self.tied) > 0

    def means(self, sums: RiskSums, turns: Turns) -> np.ndarray:
        """The sum over each slot's turns of w S1_k / S0_k."""
        total = turns.hazard[:, None] * sums.s1
        total[self.tied] -= turns.hazard_f[self.tied, None] * sums.event1
        return total

    def weighted_means(self, sums: RiskSums, turns: Turns) -> np.ndarray:
        """The sum over each slot's turns of w S1_k / S0_k^2."""
        total = turns.square[:, None] * sums.s1
        total[self.tied] -= turns.square_f[self.tied, None] * sums.event1
        return total

    def lived_through(self, sums: RiskSums, turns: Turns) -> tuple[np.ndarray, np.ndarray]:
        """Per row, w / S0_k and w S1_k / S0_k^2 added up over its turns; tied events leave in turn."""
        rows = self.rows
        hazard = rows.over_life(rows.running(turns.hazard))
        mean = rows.over_life(rows.running(self.weighted_means(sums, turns)))
        if self.has_ties:
            own = turns.square_f[:, None] * sums.s1
            own[self.tied] -= turns.square_ff[self.tied, None] * sums.event1
            at = rows.leave[rows.event]
            hazard[rows.event] -= turns.hazard_f[at]
            mean[rows.event] -= own[at]
        return hazard, mean

    def _event_sum(self, coef: np.ndarray) -> float:
        """The weighted sum of the linear predictor over events."""
        rows = self.rows
        own = float(rows.event_total @ coef)
        if rows.offset is None:
            return own
        weight = 1.0 if rows.weight is None else rows.weight[rows.event]
        return own + float((weight * rows.offset[rows.event]).sum())


def cross_product(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum of weight_i x_i x_i', block by block."""
    total = np.zeros((x.shape[1], x.shape[1]))
    for begin in range(0, len(x), BLOCK):
        part = slice(begin, begin + BLOCK)
        total += x[part].T @ (x[part] * weight[part, None])
    return total


def weighted_total(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sum of weight_i x_i, block by block."""
    total = np.zeros(x.shape[1])
    for begin in range(0, len(x), BLOCK):
        part = slice(begin, begin + BLOCK)
        total += weight[part] @ x[part]
    return total


@kernel
def turn_by_turn(x, risk, event, leave, enter, by_enter, begins, n_event, event_weight, factor, efron):  # type: ignore[no-untyped-def]
    """Sums over turns of factor * w times log S0_k, m_k and m_k m_k'; and the hazards of each slot."""
    n_slots, p = len(begins), x.shape[1]
    log, mean_sum, square = 0.0, np.zeros(p), np.zeros((p, p))
    hazard, hazard_f = np.zeros(n_slots), np.zeros(n_slots)
    total, lost = np.zeros(p + 1), np.zeros(p + 1)
    s1, event1 = np.zeros(p), np.zeros(p)
    i, j = len(leave) - 1, len(by_enter) - 1
    for m in range(n_slots - 1, -1, -1):
        last = i
        i, j = step_back(m, i, j, x, risk, leave, enter, by_enter, total, lost)
        if begins[m]:
            total[:] = 0.0
            lost[:] = 0.0
        turns = n_event[m] if efron else min(n_event[m], 1)
        if turns == 0:
            continue
        s0, event0 = total[p] + lost[p], 0.0
        for a in range(p):
            s1[a] = total[a] + lost[a]
        if turns > 1:
            event0 = sum_events(i + 1, last + 1, x, risk, event, event1)
        w = factor[m] * event_weight[m] / turns
        h, h_f, q, q_f, q_ff = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(turns):
            f = k / turns
            left = s0 - f * event0
            own = w / left
            log += w * np.log(left)
            h += own
            h_f += f * own
            own /= left
            q += own
            q_f += f * own
            q_ff += f * f * own
        hazard[m], hazard_f[m] = h, h_f
        for a in range(p):
            mean_sum[a] += h * s1[a]
            for b in range(a + 1):
                square[a, b] += q * s1[a] * s1[b]
        if turns > 1:
            for a in range(p):
                mean_sum[a] -= h_f * event1[a]
                for b in range(a + 1):
                    mixed = s1[a] * event1[b] + event1[a] * s1[b]
                    square[a, b] += q_ff * event1[a] * event1[b] - q_f * mixed
    for a in range(p):
        for b in range(a):
            square[b, a] = square[a, b]
    return log, mean_sum, square, hazard, hazard_f


@kernel
def sum_events(begin, end, x, risk, event, event1):  # type: ignore[no-untyped-def]
    """E0 of the events among some rows; their E1 is written into `event1`."""
    event0 = 0.0
    event1[:] = 0.0
    for row in range(begin, end):
        if event[row]:
            event0 += risk[row]
            for c in range(len(event1)):
                event1[c] += risk[row] * x[row, c]
    return event0


@kernel
def risk_sums(x, risk, leave, enter, by_enter, begins):  # type: ignore[no-untyped-def]
    """S0 and S1 of every slot."""
    n_slots, p = len(begins), x.shape[1]
    s0, s1 = np.zeros(n_slots), np.zeros((n_slots, p))
    total, lost = np.zeros(p + 1), np.zeros(p + 1)
    i, j = len(leave) - 1, len(by_enter) - 1
    for m in range(n_slots - 1, -1, -1):
        i, j = step_back(m, i, j, x, risk, leave, enter, by_enter, total, lost)
        if begins[m]:
            total[:] = 0.0
            lost[:] = 0.0
        else:
            s0[m] = total[p] + lost[p]
            for c in range(p):
                s1[m, c] = total[c] + lost[c]
    return s0, s1


@inlined
def step_back(m, i, j, x, risk, leave, enter, by_enter, total, lost):  # type: ignore[no-untyped-def]
    """Bring the sums of r x (and, last, of r) to the risk set of slot m; the next rows to join and to leave.

    Going back in time each row joins the sums once. Under delayed entry rows also leave them again; what
    rounding lost is carried along, so that the sum of few rows is right after many large ones cancelled.
    """
    p = x.shape[1]
    delayed = len(enter) > 0
    while i >= 0 and leave[i] == m:
        if not delayed:
            total[p] += risk[i]
            for c in range(p):
                total[c] += risk[i] * x[i, c]
        elif enter[i] < m:
            total[p], lost[p] = _add(total[p], lost[p], risk[i])
            for c in range(p):
                total[c], lost[c] = _add(total[c], lost[c], risk[i] * x[i, c])
        i -= 1
    while j >= 0 and enter[by_enter[j]] == m:
        row = by_enter[j]
        if leave[row] > m:
            total[p], lost[p] = _add(total[p], lost[p], -risk[row])
            for c in range(p):
                total[c], lost[c] = _add(total[c], lost[c], -(risk[row] * x[row, c]))
        j -= 1
    return i, j


@kernel
def _add(total, lost, value):  # type: ignore[no-untyped-def]
    """A sum and the part of it that rounding lost (Neumaier's summation)."""
    new = total + value
    if abs(total) >= abs(value):
        return new, lost + ((total - new) + value)
    return new, lost + ((value - new) + total)


@kernel
def sums_at_events(x, risk, event, leave, tied):  # type: ignore[no-untyped-def]
    """E0 and E1 of the tied slots, which are in order."""
    event0, event1 = np.zeros(len(tied)), np.zeros((len(tied), x.shape[1]))
    for k in range(len(tied)):
        begin, end = np.searchsorted(leave, tied[k]), np.searchsorted(leave, tied[k] + 1)
        event0[k] = sum_events(begin, end, x, risk, event, event1[k])
    return event0, event1


@kernel
def sums_over_turns(s0, event0, n_event, event_weight, efron):  # type: ignore[no-untyped-def]
    """The five sums of `Turns`."""
    hazard, hazard_f = np.zeros(len(s0)), np.zeros(len(s0))
    square, square_f, square_ff = np.zeros(len(s0)), np.zeros(len(s0)), np.zeros(len(s0))
    for m in range(len(s0)):
        d = n_event[m]
        if d == 0:
            continue
        turns = d if efron else 1
        weight = event_weight[m] / turns
        for k in range(turns):
            f = k / turns
            left = s0[m] - f * event0[m]
            h = weight / left
            hazard[m] += h
            hazard_f[m] += f * h
            square[m] += h / left
            square_f[m] += f * h / left
            square_ff[m] += f * f * h / left
    return hazard, hazard_f, square, square_f, square_ff
