"""Exponentials of many numbers, several at a time."""

from __future__ import annotations

import math

import numpy as np

from .compiled import fused

LARGEST = 300.0  # linear predictors beyond it are taken as overflow
LOG2_E, LOG_2_HIGH, LOG_2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
ROUNDER, ROUNDER_BITS, EXPONENT_BIAS = 1.5 * 2.0**52, 0x4338000000000000, 1023
SERIES = tuple(1 / math.factorial(k) for k in range(13, -1, -1))


@fused
def exponentials(values, whole):  # type: ignore[no-untyped-def]
    """Make each value (within LARGEST) its exponential, several at a time, which calls of exp would not be.

    exp(v) = 2^k exp(r) with k the whole number nearest to v / log 2, so that |r| < 0.35 and 13 terms of the
    series are exact to rounding. Adding 1.5 * 2^52 rounds to whole numbers and leaves k in the last bits
    of `whole`, an array as long.
    """
    bits = whole.view(np.int64)
    for i in range(len(values)):
        whole[i] = values[i] * LOG2_E + ROUNDER
    for i in range(len(values)):
        k = whole[i] - ROUNDER
        r = (values[i] - k * LOG_2_HIGH) - k * LOG_2_LOW
        total = SERIES[0]
        for term in SERIES[1:]:
            total = total * r + term
        values[i] = total
    for i in range(len(values)):
        bits[i] = (bits[i] - ROUNDER_BITS + EXPONENT_BIAS) << 52
    for i in range(len(values)):
        values[i] *= whole[i]
