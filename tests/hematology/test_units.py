"""Conversions of laboratory values."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemresearch.errors import DataError
from hemresearch.hematology import units
from hemresearch.hematology.units import QUANTITIES

ALL = [(q, a, b) for q, of in QUANTITIES.items() for a in of for b in of]
# Each pair as laboratories print it: CLINICAL facts of the quantity, not of this module.
KNOWN = [
    ("haemoglobin", 10.0, "g/dL", 100.0, "g/L"),
    ("haemoglobin", 6.2, "mmol/L", 9.99, "g/dL"),
    ("albumin", 3.5, "g/dL", 35.0, "g/L"),
    ("creatinine", 2.0, "mg/dL", 176.84, "umol/L"),
    ("bilirubin", 2.0, "mg/dL", 34.2, "umol/L"),
    ("bilirubin", 15.0, "mg/dL", 256.5, "umol/L"),
    ("calcium", 12.0, "mg/dL", 2.99, "mmol/L"),
    ("ldh", 3.5, "ukat/L", 210.0, "U/L"),
    ("alp", 100.0, "U/L", 1.667, "ukat/L"),
    ("leukocytes", 8.0, "10^9/L", 8000.0, "cells/uL"),
    ("crp", 3.0, "mg/dL", 30.0, "mg/L"),
    ("ferritin", 650.0, "ng/mL", 650.0, "ug/L"),
    ("fibrinogen", 100.0, "mg/dL", 1.0, "g/L"),
    ("factor_activity", 0.01, "IU/mL", 1.0, "%"),
    ("factor_activity", 0.01, "kIU/L", 1.0, "IU/dL"),
]


@pytest.mark.parametrize(("quantity", "value", "unit", "expected", "to"), KNOWN)
def test_conversions_are_those_of_the_laboratories(quantity, value, unit, expected, to):
    frame = pl.DataFrame({"x": [value, None]})
    found = frame.select(units.convert("x", quantity, unit=unit, to=to))["x"].to_list()
    assert found == [pytest.approx(expected, rel=2e-3), None]


@given(st.sampled_from(ALL), st.floats(0.01, 1e6))
def test_there_and_back_is_the_same(case, value):
    quantity, a, b = case
    there = units.factor(quantity, unit=a, to=b)
    assert value * there * units.factor(quantity, unit=b, to=a) == pytest.approx(value)


def test_lazy_frames_and_expressions_convert():
    lazy = pl.LazyFrame({"hb": [10]})
    assert (
        lazy.select(units.convert(pl.col("hb") + 2, "haemoglobin", unit="g/dL", to="g/L")).collect().item()
        == 120
    )


@pytest.mark.parametrize(
    ("quantity", "unit", "to", "argument"),
    [("hemoglobin", "g/L", "g/dL", "quantity"), ("crp", "g/L", "mg/L", "unit"), ("crp", "mg/L", "g", "to")],
)
def test_unknown_quantities_and_units_are_refused(quantity, unit, to, argument):
    with pytest.raises(DataError) as caught:
        units.factor(quantity, unit=unit, to=to)
    assert caught.value.argument == argument


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(DataError, match="upper_limit"):
        units.ratio_to_upper_limit("ldh", 0)
    frame = pl.DataFrame({"ldh": [7.0], "limit": [3.5]})
    assert frame.select(units.ratio_to_upper_limit(pl.col("ldh"), pl.col("limit"))).item() == 2.0


def test_the_table_of_quantities_starts_each_with_factor_1():
    first = units.quantities().group_by("quantity", maintain_order=True).first()
    assert set(first["factor"]) == {1.0}
