"""Patients for a validation with censoring: by the variances that can be written down, and by validations."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused
from scipy.integrate import quad

from hemresearch.prediction import auc, calibration, validation_sample_size_survival
from hemresearch.prediction import validation_sample_size_survival as sized
from hemresearch.prediction.validation_sample_size_survival import _cohort

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(101)
ERROR = np.arcsinh(0.1) / 1.959964


def n_of(**options) -> dict[str, int]:
    return dict(validation_sample_size_survival(**options).select("criterion", "n").rows())


def test_without_censoring_it_is_a_share():
    assert n_of(risk=0.3, linear_predictor_sd=0.8)["observed/expected"] == pytest.approx(
        0.7 / (0.3 * ERROR**2), rel=0.02
    )


def test_with_censoring_it_is_greenwoods_variance():
    """Of log(1 - S): (S / (1 - S))^2 times the integral of the hazard over those at risk; equal patients."""
    found = n_of(risk=0.4, linear_predictor_sd=1e-3, censored=0.3)
    hazard = -np.log(0.6)
    rates = np.linspace(0.1, 3, 100_000)
    lost = rates[np.argmin(abs(rates / (rates + hazard) * -np.expm1(-(rates + hazard)) - 0.3))]
    integral = quad(lambda t: hazard * np.exp((hazard + lost) * t), 0, 1)[0]
    assert found["observed/expected"] == pytest.approx((0.6 / 0.4) ** 2 * integral / ERROR**2, rel=0.03)


@pytest.mark.parametrize("shares", [(0.3, 0.2, 0.25), (0.05, 0.0, 0.6), (0.5, 0.45, 0.0)])
def test_the_cohort_has_the_shares_stated(shares):
    risk, censored, competing = shares
    data, seen = _cohort(
        {"risk": risk, "censored": censored, "competing": competing}, 0.9, np.random.default_rng(2)
    )
    early = pl.col("time") < 1
    assert data["risk"].mean() == pytest.approx(risk, rel=0.02)
    assert data.select((early & (pl.col("cause") == 0)).mean()).item() == pytest.approx(censored, abs=0.006)
    assert seen <= risk + 0.005
    if not censored:
        assert (data["cause"] == 2).mean() == pytest.approx(competing, abs=0.006)
    assert data.filter(~early)["cause"].sum() == 0


@pytest.mark.parametrize("competing", [0.0, 0.2])
def test_validations_of_that_size_have_limits_of_the_widths(competing):
    widths = {"width_observed_expected": 0.3, "width_auc": 0.08, "width_slope": 0.25}
    options = {"risk": 0.35, "linear_predictor_sd": 0.9, "censored": 0.15, "competing": competing}
    found = n_of(**options, **widths)
    shares = {name: options[name] for name in ("risk", "censored", "competing")}
    rng, seen = np.random.default_rng(3), {name: [] for name in ("observed/expected", "AUC", "slope")}
    roles = {"time": "time", "event": "cause", "cause": 1 if competing else None, "times": 1}
    for part in _cohort(shares, 0.9, rng)[0].iter_slices(5_000):
        for name in seen:
            validated = part.head(found[name])
            if name == "AUC":
                frame = auc(validated, scores="risk", **roles).to_frame()
            else:
                frame = calibration(validated, risks="risk", smooth=None, **roles).to_frame()
                frame = frame.filter(pl.col("term") == name)
            seen[name].append((frame["conf_high"] - frame["conf_low"])[0])
    for name, width in zip(seen, widths.values(), strict=True):
        assert np.mean(seen[name]) == pytest.approx(width, rel=0.03)


def test_fewer_who_are_followed_and_narrower_limits_need_more():
    few = n_of(risk=0.3, linear_predictor_sd=0.8)
    more = n_of(risk=0.3, linear_predictor_sd=0.8, censored=0.4)
    assert all(more[name] > few[name] for name in few)
    narrow = n_of(risk=0.3, linear_predictor_sd=0.8, width_auc=0.05)
    assert narrow["AUC"] == pytest.approx(4 * few["AUC"], abs=4)
    frame = validation_sample_size_survival(risk=0.3, linear_predictor_sd=0.8)
    assert frame["assumed"].to_list()[0::2] == [1.0, 1.0]
    assert frame.equals(validation_sample_size_survival(risk=0.3, linear_predictor_sd=0.8))


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"risk": 0.0}, "risk"), ({"risk": 1.0}, "risk"), ({"censored": -0.1}, "censored"),
        ({"competing": 1.0}, "competing"), ({"competing": 0.8}, "risk"),
        ({"linear_predictor_sd": 0}, "linear_predictor_sd"), ({"width_auc": 0}, "width_auc"),
        ({"conf_level": 95}, "conf_level"),
    ],
)  # fmt: skip
def test_refuses(change, argument):
    assert_refused(lambda: sized(**{"risk": 0.3, "linear_predictor_sd": 0.8} | change), argument=argument)
