"""What acting on a prediction does: net benefit, and shares of weighted patients."""

from __future__ import annotations

import numpy as np


def net_benefit(share: float, risk: float, error: float, odds: float, n: int) -> tuple[float, float]:
    """True positives less false ones times the odds of the threshold, per patient, and its standard error.

    `share` of the n patients are positive, and these have the event with a risk known up to `error`. The net
    benefit is share (risk - (1 - risk) odds). Share and risk vary independently; without censoring the
    variance is that of multinomial counts.
    """
    each = risk - (1 - risk) * odds
    variance = each**2 * share * (1 - share) / n + (share * (1 + odds) * error) ** 2
    return share * each, float(np.sqrt(variance))


def weighted_share(weight: np.ndarray, of: np.ndarray, among: np.ndarray) -> tuple[float, np.ndarray]:
    """The weighted share of some among others, with its derivatives by the logarithms of the rows' weights.

    NaN where there is nobody to be among.
    """
    total = float(weight @ among)
    if total <= 0:
        return np.nan, np.zeros(len(weight))
    share = float(weight @ (of & among)) / total
    return share, weight * among * (of - share) / total
