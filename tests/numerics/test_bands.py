"""Critical values of simultaneous bands: printed tables, known limits, and the heat equation solved anew."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import kolmogorov, ndtri

from hemresearch.numerics.bands import (
    equal_precision_probability,
    equal_precision_quantile,
    hall_wellner_probability,
    hall_wellner_quantile,
)

# Klein and Moeschberger, Survival Analysis, 2nd ed., table C.4 (from Hall and Wellner 1980), 95 %.
PRINTED = {
    (0.0, 0.1): 0.6825,
    (0.0, 0.3): 1.0868,
    (0.1, 0.3): 1.0865,
    (0.2, 0.3): 1.0706,
    (0.1, 0.6): 1.3211,
    (0.2, 0.6): 1.3191,
    (0.4, 0.6): 1.2699,
    (0.0, 1.0): 1.3581,
    (0.4, 1.0): 1.3211,
}


@pytest.mark.parametrize(("stretch", "printed"), PRINTED.items())
def test_the_printed_table_of_hall_and_wellner_is_reproduced(stretch, printed):
    assert hall_wellner_quantile(0.95, *stretch) == pytest.approx(printed, abs=5.01e-5)


@pytest.mark.parametrize("k", [0.4, 0.8, 1.3581, 2.5])
def test_a_whole_bridge_has_kolmogorovs_distribution(k):
    assert hall_wellner_probability(k, 0.0, 1.0) == pytest.approx(1 - kolmogorov(k), abs=1e-14)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.3), (0.1, 0.6), (0.25, 0.9)])
def test_a_bridge_read_backwards_is_a_bridge(low, high):
    assert hall_wellner_probability(1.2, low, high) == pytest.approx(
        hall_wellner_probability(1.2, 1 - high, 1 - low), rel=1e-13
    )


@pytest.mark.parametrize("at", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_a_single_time_needs_the_normal_quantile_only(at, level):
    z = ndtri(0.5 + level / 2)
    assert equal_precision_quantile(level, at, at) == pytest.approx(z, rel=1e-12)
    assert hall_wellner_quantile(level, at, at) == pytest.approx(z * np.sqrt(at * (1 - at)), rel=1e-12)


@pytest.mark.parametrize("quantile", [hall_wellner_quantile, equal_precision_quantile])
def test_a_longer_stretch_and_a_higher_level_need_wider_bands(quantile):
    stretches = [(0.4, 0.5), (0.3, 0.5), (0.3, 0.7), (0.1, 0.9), (0.01, 0.99)]
    values = [quantile(0.95, *stretch) for stretch in stretches]
    assert values == sorted(values)
    levels = [quantile(level, 0.1, 0.9) for level in (0.5, 0.8, 0.9, 0.95, 0.99, 0.9999)]
    assert levels == sorted(levels)


@pytest.mark.parametrize("level", [0.01, 0.5, 0.95, 0.999999])
def test_a_quantile_has_its_probability(level):
    k = hall_wellner_quantile(level, 0.05, 0.7)
    assert hall_wellner_probability(k, 0.05, 0.7) == pytest.approx(level, abs=1e-10)
    c = equal_precision_quantile(level, 0.05, 0.7)
    duration = 0.5 * np.log(0.7 * 0.95 / (0.05 * 0.3))
    assert equal_precision_probability(c, duration) == pytest.approx(level, abs=1e-10)


@pytest.mark.parametrize(("k", "low", "high"), [(1.3211, 0.1, 0.6), (0.9, 0.2, 0.8), (1.2, 0.5, 0.95)])
def test_the_bridge_agrees_with_the_heat_equation_on_a_grid(k, low, high):
    # The density of a Brownian motion at `low`, killed at -k and k until `high`, then back to 0 at 1.
    x, step = np.linspace(-k, k, 252, retstep=True)
    x = x[1:-1]
    heat = (np.eye(250, k=1) + np.eye(250, k=-1) - 2 * np.eye(250)) / (2 * step**2)

    def density(variance):
        return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    there = density(low) @ expm(heat * (high - low)) @ density(1 - high) * step
    assert hall_wellner_probability(k, low, high) == pytest.approx(np.sqrt(2 * np.pi) * there, abs=1e-4)


@pytest.mark.parametrize(("c", "duration"), [(2.8873, 1.3), (2.0, 0.05), (3.2, 4.6)])
def test_the_standardised_bridge_agrees_with_its_generator_on_a_grid(c, duration):
    # f'' - x f' of the Ornstein-Uhlenbeck process, zero at -c and c.
    x, step = np.linspace(-c, c, 252, retstep=True)
    x = x[1:-1]
    up, down = 1 / step**2 - x / (2 * step), 1 / step**2 + x / (2 * step)
    generator = np.diag(up[:-1], 1) + np.diag(down[1:], -1) - 2 / step**2 * np.eye(250)
    start = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) * step
    stays = (start @ expm(generator * duration)).sum()
    assert equal_precision_probability(c, duration) == pytest.approx(stays, abs=2e-4)


@pytest.mark.parametrize(("level", "printed"), [(0.90, 2.5965), (0.95, 2.8826), (0.99, 3.4418)])
def test_the_printed_equal_precision_values_are_an_approximation_to_the_tail(level, printed):
    # Nair's table, as Klein and Moeschberger print it (C.3; 2.8826 for 0.1 to 0.6), solves Miller and
    # Siegmund's P(sup > c) = 4 f(c)/c + f(c) (c - 1/c) log(b(1-a)/(a(1-b))), f the normal density.
    density = np.exp(-(printed**2) / 2) / np.sqrt(2 * np.pi)
    tail = density * (4 / printed + (printed - 1 / printed) * np.log(0.6 * 0.9 / (0.1 * 0.4)))
    assert tail == pytest.approx(1 - level, abs=2e-5)
    exact = equal_precision_quantile(level, 0.1, 0.6)
    assert printed < exact < 1.005 * printed
