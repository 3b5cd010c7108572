"""Fixtures for every test: values from R, and the open data sets."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import settings
from reference_cases import Reference, load_dataset, load_reference

# The same examples in every run, however busy the machine is.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """A warning about data that a test does not expect fails it; named here, after coverage has begun."""
    config.addinivalue_line("filterwarnings", "error::hemresearch.errors.DataWarning")


@pytest.fixture(scope="session")
def reference() -> Callable[[str, str], Reference]:
    """`reference("kaplan_meier", "km_aml_log")`: a stored case of R with its data, options and values."""
    return load_reference


@pytest.fixture(scope="session")
def dataset() -> Callable[[str], pl.DataFrame]:
    """`dataset("lung")`: an open data set, of the project or of its tests."""
    return load_dataset
