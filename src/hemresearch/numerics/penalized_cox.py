"""The elastic net of Cox's model along a path of penalties, as glmnet documents it.

For each lambda the minimum over b of

    -loglik(b) / n + lambda sum v_j (alpha |b_j| + (1 - alpha) / 2 b_j^2)

with Breslow's partial likelihood, covariates of mean 0 (and, unless told otherwise, of population standard
deviation 1), and factors v_j of mean 1. At the minimum, with g_j = score_j / n - lambda (1 - alpha) v_j b_j,
|g_j| <= lambda alpha v_j where b_j is 0 and g_j = lambda alpha v_j sign(b_j) elsewhere (Karush, Kuhn and
Tucker). Each lambda starts from the one before. A few covariates are worked on: those with an effect and
those that violate a condition. Newton steps, each the minimum of a quadratic with the penalty, bring them to
their minimum; then all are looked at, and those that violate are let in.

References: Simon N, Friedman J, Hastie T, Tibshirani R. J Stat Softw 2011;39(5):1-13. Lee JD, Sun Y,
Saunders MA. SIAM J Optim 2014;24:1420-1443 (proximal Newton).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from .compiled import kernel

KKT = 1e-8  # largest violation at the end, on the scale of the gradient of a scaled covariate
NEWTON_STEPS, ROUNDS, SWEEPS, HALVINGS = 200, 200, 2, 40
INEXACT = 0.1  # of the violation before a Newton step: as exact as its quadratic needs to be solved
SMALLEST_ALPHA = 1e-3  # of the largest lambda, which a ridge has none of (as glmnet)
SATURATED, FLAT, FEWEST = 0.999, 1e-5, 5  # where a path ends: glmnet's devmax, fdev and mnlam


@dataclass(frozen=True, slots=True, eq=False)
class RiskRows:
    """Rows in the order of time: covariates x rows, and what Breslow's likelihood needs of the rest.

    `when` are the distinct event times, `begin` the first row at risk at each and `n_event` its events;
    `seen` counts the event times each row lives to see, and `event` is 1 for an event.
    """

    x: np.ndarray
    event: np.ndarray
    when: np.ndarray
    begin: np.ndarray
    n_event: np.ndarray
    seen: np.ndarray

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.x.shape[1]

    def null_value(self) -> float:
        """The log partial likelihood without effects."""
        return -float(self.n_event @ np.log(self.n - self.begin))

    def saturated_value(self) -> float:
        """Its upper limit, when those with the event are of infinite risk in turn."""
        return -float(self.n_event @ np.log(self.n_event))


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Coefficients (one row per lambda), the share of deviance explained, and the largest violation."""

    lambdas: np.ndarray
    coef: np.ndarray
    deviance_ratio: np.ndarray
    violation: np.ndarray


def risk_rows(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> RiskRows:
    """Rows x covariates put in order."""
    order = np.argsort(time, kind="stable")
    sorted_time, happened = time[order], event[order].astype(float)
    when, n_event = np.unique(sorted_time[happened > 0], return_counts=True)
    return RiskRows(
        x=np.ascontiguousarray(x[order].T),
        event=happened,
        when=when,
        begin=np.searchsorted(sorted_time, when, side="left"),
        n_event=n_event.astype(float),
        seen=np.searchsorted(when, sorted_time, side="right"),
    )


def value_and_residuals(rows: RiskRows, linear: np.ndarray) -> tuple[float, np.ndarray]:
    """The log partial likelihood, and residuals whose products with the covariates are its score."""
    value, hazard, _ = _sums(rows, linear)
    return value, rows.event - hazard


def baseline_hazard(rows: RiskRows, linear: np.ndarray) -> np.ndarray:
    """Breslow's cumulative hazard of a linear predictor of 0, at each distinct event time."""
    _, _, at_risk = _sums(rows, linear)
    return np.cumsum(rows.n_event / at_risk) * float(np.exp(-linear.max()))


def _sums(rows: RiskRows, linear: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The value, exp(linear) times the cumulative hazard of each row, and the sums over those at risk."""
    shift = linear.max()
    risk = np.exp(linear - shift)
    at_risk = risk[::-1].cumsum()[::-1][rows.begin]
    with np.errstate(divide="ignore", invalid="ignore"):  # an effect too large is not accepted
        value = float(rows.event @ (linear - shift) - rows.n_event @ np.log(at_risk))
        cumulative = np.append(0.0, np.cumsum(rows.n_event / at_risk))
    return value, risk * cumulative[rows.seen], at_risk


def information(rows: RiskRows, x: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Minus the second derivative for some covariates x rows.

    sum of r A x x' over rows, A being the hazard up to their time, minus sum of d S1 S1' / S0^2 over event
    times.
    """
    _, hazard, at_risk = _sums(rows, linear)
    risk = np.exp(linear - linear.max())
    first = (x * risk)[:, ::-1].cumsum(axis=1)[:, ::-1][:, rows.begin]
    mean = first * (np.sqrt(rows.n_event) / at_risk)
    return np.asarray((x * hazard) @ x.T - mean @ mean.T)


def largest_lambda(rows: RiskRows, alpha: float, factor: np.ndarray) -> float:
    """The smallest lambda at which every penalised coefficient is 0."""
    free = factor == 0
    linear = np.zeros(rows.n)
    if free.any():
        coef, _ = _minimum(rows, np.zeros(len(factor)), 0.0, alpha, factor, np.flatnonzero(free))
        linear = coef[free] @ rows.x[free]
    score = np.abs(rows.x[~free] @ value_and_residuals(rows, linear)[1])
    return float((score / factor[~free]).max(initial=0.0) / rows.n / max(alpha, SMALLEST_ALPHA))


def lambda_path(largest: float, ratio: float, n_lambdas: int) -> np.ndarray:
    """From the largest down to `ratio` of it, in equal steps of the logarithm."""
    return np.asarray(largest * ratio ** np.linspace(0, 1, n_lambdas))


def penalized_path(
    rows: RiskRows, lambdas: np.ndarray, alpha: float, factor: np.ndarray, *, to_the_end: bool
) -> Path:
    """The minimum at each lambda, which fall; unless `to_the_end` only while more is explained by each."""
    if alpha == 0 and len(rows.x) > rows.n and np.ptp(factor) == 0:
        return _rotated_ridge(rows, lambdas, to_the_end)
    at = np.zeros(len(rows.x))
    null, saturated = rows.null_value(), rows.saturated_value()
    found: list[tuple[np.ndarray, float, float]] = []
    for penalty in lambdas:
        at, violation = _minimum(rows, at, penalty, alpha, factor, np.flatnonzero((at != 0) | (factor == 0)))
        used = np.flatnonzero(at)
        value = value_and_residuals(rows, at[used] @ rows.x[used])[0]
        explained = (value - null) / (saturated - null) if saturated > null else 0.0
        found.append((at, explained, violation))
        if not to_the_end and _ended([one[1] for one in found]):
            break
    coef, ratio, violation_ = (np.array(column) for column in zip(*found, strict=True))
    return Path(lambdas[: len(found)], coef, ratio, violation_)


def _ended(explained: list[float]) -> bool:
    if len(explained) < FEWEST:
        return False
    return explained[-1] > SATURATED or explained[-1] - explained[-2] < FLAT * explained[-1]


def _minimum(
    rows: RiskRows, start: np.ndarray, penalty: float, alpha: float, factor: np.ndarray, inside: np.ndarray
) -> tuple[np.ndarray, float]:
    """Coefficients at the minimum, and the largest violation; only `inside` may differ from 0 at the start.

    With a penalty of 0 nothing but `inside` is looked at.
    """
    coef = start.copy()
    while True:
        coef[inside] = _inside(rows, rows.x[inside], coef[inside], penalty * factor[inside], alpha)
        if penalty == 0:
            return coef, 0.0
        residuals = value_and_residuals(rows, coef[inside] @ rows.x[inside])[1]
        violation = kkt_violation(rows.x @ residuals / rows.n, coef, penalty * factor, alpha)
        outside = violation > KKT
        outside[inside] = False
        if not outside.any():
            return coef, float(violation.max(initial=0.0))
        inside = np.union1d(inside[coef[inside] != 0], np.flatnonzero(outside | (factor == 0)))


def kkt_violation(score: np.ndarray, coef: np.ndarray, penalty: np.ndarray, alpha: float) -> np.ndarray:
    """How far each coefficient is from the conditions of the minimum, `score` being divided by n."""
    g = score - penalty * (1 - alpha) * coef
    size = penalty * alpha
    return np.where(coef == 0, np.maximum(np.abs(g) - size, 0.0), np.abs(g - size * np.sign(coef)))


def _inside(
    rows: RiskRows, x: np.ndarray, start: np.ndarray, penalty: np.ndarray, alpha: float
) -> np.ndarray:
    """Newton steps on the covariates x rows worked on."""
    coef, n = start.copy(), rows.n

    def loss(b: np.ndarray, value: float) -> float:
        return -value / n + float(penalty @ (alpha * np.abs(b) + (1 - alpha) / 2 * b**2))

    value, residuals = value_and_residuals(rows, coef @ x)
    for _ in range(NEWTON_STEPS):
        score = x @ residuals / n
        violation = kkt_violation(score, coef, penalty, alpha).max(initial=0.0)
        if violation <= KKT:
            break
        second = information(rows, x, coef @ x) / n
        enough = max(min(INEXACT, violation) * violation, KKT / 10)
        best = quadratic_minimum(second, score, coef, penalty * alpha, penalty * (1 - alpha), enough)
        now = loss(coef, value)
        for halving in range(HALVINGS):
            new = coef + (best - coef) * 0.5**halving
            value, residuals = value_and_residuals(rows, new @ x)
            if loss(new, value) <= now + 1e-14 * abs(now):
                break
        coef = new
    return coef


def quadratic_minimum(
    h: np.ndarray, g: np.ndarray, start: np.ndarray, l1: np.ndarray, l2: np.ndarray, enough: float
) -> np.ndarray:
    """The minimum over b of -g'(b - start) + (b - start)' h (b - start) / 2 + l1 |b| + l2 b'b / 2.

    Coordinate descent finds which coefficients differ from 0, a linear system what they are; by descent alone
    many related covariates would take thousands of rounds.
    """
    b, left = start.copy(), g.copy()  # left = g - h (b - start), kept up to date
    for _ in range(ROUNDS):
        if coordinate_descent(h, left, b, l1, l2, SWEEPS) <= enough:
            break
        for _ in range(len(b)):
            moved, whole = _towards_solution(h, left, b, l1, l2)
            left -= h @ moved
            b += moved
            b[np.abs(b) <= 1e-15 * np.abs(moved)] = 0.0
            if whole:
                break
    return b


def _towards_solution(
    h: np.ndarray, left: np.ndarray, b: np.ndarray, l1: np.ndarray, l2: np.ndarray
) -> tuple[np.ndarray, bool]:
    """A move to the minimum of those that are not 0, as far as signs stay, and whether it is all of it."""
    used = np.flatnonzero(b)
    system = h[np.ix_(used, used)] + np.diag(l2[used])
    right = left[used] - l2[used] * b[used] - l1[used] * np.sign(b[used])
    try:
        step = cho_solve(cho_factor(system), right)
    except np.linalg.LinAlgError:
        return np.zeros(len(b)), True
    with np.errstate(divide="ignore", invalid="ignore"):
        until_zero = np.where(b[used] * (b[used] + step) < 0, -b[used] / step, np.inf)
    share = min(float(until_zero.min(initial=np.inf)), 1.0)
    moved = np.zeros(len(b))
    moved[used] = share * step
    if share < 1.0:
        first = used[np.argmin(until_zero)]
        moved[first] = -b[first]
    return moved, share == 1.0


@kernel
def coordinate_descent(h, left, b, l1, l2, sweeps):  # type: ignore[no-untyped-def]
    """Minimise over one coordinate after the other, in place; the largest change of the last round."""
    for _ in range(sweeps):
        largest = 0.0
        for j in range(len(b)):
            curvature = h[j, j] + l2[j]
            if curvature <= 0.0:
                continue
            towards = left[j] + h[j, j] * b[j]
            size = abs(towards) - l1[j]
            new = np.sign(towards) * size / curvature if size > 0.0 else 0.0
            moved = new - b[j]
            if moved != 0.0:
                largest = max(largest, abs(moved) * curvature)
                b[j] = new
                for k in range(len(b)):
                    left[k] -= h[j, k] * moved
    return largest


def _rotated_ridge(rows: RiskRows, lambdas: np.ndarray, to_the_end: bool) -> Path:
    """A ridge of more covariates than rows, which is one in the coordinates of the rows' space."""
    size, directions = np.linalg.eigh(rows.x.T @ rows.x)
    kept = size > 1e-12 * size[-1]
    length = np.sqrt(size[kept])
    rotated = np.ascontiguousarray((directions[:, kept] * length).T)
    path = penalized_path(
        replace(rows, x=rotated), lambdas, 0.0, np.ones(len(rotated)), to_the_end=to_the_end
    )
    return replace(path, coef=path.coef @ (rows.x @ (directions[:, kept] / length)).T)
