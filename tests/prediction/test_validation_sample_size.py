"""Sizes of validations: the published examples, and what the sizes promise."""

from __future__ import annotations

import numpy as np
import pytest

from hemresearch.errors import DataError
from hemresearch.prediction import validation_sample_size

EXAMPLE = {"prevalence": 0.018, "c_statistic": 0.8, "linear_predictor": (-5, 2.5)}


def sizes(**options: object) -> dict[str, int]:
    return dict(validation_sample_size(**options).select("criterion", "n").rows())


def test_heart_valves_as_published():
    """Riley et al 2021 as in the tests of pmvalsampsize: 905, 4 544 (a million draws) and 4 252.

    The program steps standard errors by 0.0001, and draws the linear predictor: we solve and integrate.
    """
    found = sizes(**EXAMPLE, width_observed_expected=1)
    assert abs(found["observed/expected"] - 905) <= 1
    assert found["C statistic"] == 4252
    assert found["slope"] == pytest.approx(4544, rel=3e-3)
    assert found["all"] == found["slope"]


def test_a_common_outcome_as_published():
    """Of the documentation of a package of medical writing: 1 538, 511 and 2 958 by pmvalsampsize 0.1.0."""
    found = sizes(prevalence=0.2, c_statistic=0.78, linear_predictor=(-1.75, 1.22))
    assert found["observed/expected"] == pytest.approx(1538, rel=3e-3)
    assert found["C statistic"] == 511
    assert found["slope"] == pytest.approx(2958, rel=1e-3)


def test_the_slope_has_the_width_that_was_asked_for():
    """Simulated: the spread of slopes of a logistic model in 2 957 patients."""
    rng = np.random.default_rng(1)
    slopes = []
    for _ in range(200):
        eta = rng.normal(-1.75, 1.22, 2957)
        y = rng.random(2957) < 1 / (1 + np.exp(-eta))
        x, b = np.column_stack([np.ones(2957), eta]), np.array([0.0, 1.0])
        for _ in range(5):
            p = 1 / (1 + np.exp(-x @ b))
            b = b + np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (y - p))
        slopes.append(b[1])
    assert 2 * 1.96 * np.std(slopes) == pytest.approx(0.2, rel=0.15)


def test_without_a_distribution_there_is_no_slope():
    found = validation_sample_size(prevalence=0.1, c_statistic=0.7)
    assert found["criterion"].to_list() == ["observed/expected", "C statistic", "all"]
    assert found["n_event"].to_list() == [int(np.ceil(n * 0.1)) for n in found["n"]]


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"prevalence": 0}, "prevalence"),
        ({"c_statistic": 0.5}, "c_statistic"),
        ({"linear_predictor": (0, 0)}, "linear_predictor"),
        ({"width_slope": 0}, "width_slope"),
        ({"conf_level": 1}, "conf_level"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change, argument):
    with pytest.raises(DataError) as caught:
        validation_sample_size(**EXAMPLE | change)
    assert caught.value.argument == argument
