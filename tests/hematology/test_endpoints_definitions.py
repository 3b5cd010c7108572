"""The definitions of the endpoints: complete, sourced, and in the words of the functions."""

from __future__ import annotations

import inspect

import polars as pl
import pytest

from hemresearch.hematology import endpoints
from hemresearch.hematology.endpoints.definitions import ENDPOINTS, STATUS


def test_every_definition_has_its_function_and_is_described():
    table = endpoints.describe()
    assert table["endpoint"].to_list() == [*ENDPOINTS, *STATUS]
    assert {*ENDPOINTS, *STATUS, "composite", "describe"} == set(endpoints.__all__) == set(dir(endpoints))
    assert table.columns == [
        "endpoint", "name", "time_zero", "event", "competing", "censoring", "on_one_day", "source",
        "evidence",
    ]  # fmt: skip
    assert table.drop("competing", "on_one_day", "source").null_count().sum_horizontal().item() == 0
    competing = table.filter(pl.col("competing").is_not_null())["endpoint"].to_list()
    assert competing == [name for name, e in ENDPOINTS.items() if e.competing]
    assert table.filter(pl.col("source").is_null())["endpoint"].to_list() == ["crfs", "response_at_landmark"]
    assert (
        table.filter(endpoint="acute_gvhd")["on_one_day"].item()
        == "acute GVHD before relapse before second transplant before death"
    )


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_definition_speaks_of_the_arguments_of_its_function(name):
    definition, parameters = ENDPOINTS[name], inspect.signature(getattr(endpoints, name)).parameters
    roles = {definition.time_zero, definition.censoring, *definition.events}
    more = {"failure_on", "death_is", "values", "id", "level", "evaluable"}
    assert roles <= set(parameters)
    assert set(parameters) - roles - more == {"data", "unit", "as_of", "prefix"}
    may_be_none = {role for role, p in parameters.items() if "None" in p.annotation} - more - {"as_of"}
    assert may_be_none == set(definition.optional)
    text = " ".join(inspect.getdoc(getattr(endpoints, name)).split())
    assert "Time zero is" in text
    assert "censored at" in text or "censored on" in text


def test_a_status_is_described_beside_the_endpoints():
    for name, status in STATUS.items():
        row = endpoints.describe().filter(endpoint=name).row(0, named=True)
        assert (row["name"], row["source"]) == (status.name, status.source)
        assert row["competing"] is None


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_unit_has_no_default_and_the_cut_off_is_none(name):
    parameters = inspect.signature(getattr(endpoints, name)).parameters
    assert parameters["unit"].default is inspect.Parameter.empty
    assert parameters["as_of"].default is None


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("event_free_survival", ["failure"]),
        ("duration_of_response", ["death_is"]),
        ("time_to_next_treatment", ["death_is"]),
        ("molecular_response", ["level", "evaluable", "progression", "switch"]),
        ("treatment_free_remission", ["evaluable"]),
        ("efs24", ["new_treatment"]),
        ("response_at_landmark", ["window", "not_evaluable"]),
        ("transfusion_independence", ["weeks", "not_evaluable"]),
        ("first_sustained", ["consecutive", "after_fall"]),
        ("composite", ["competing"]),
    ],
)
def test_what_a_study_must_say_has_no_default(name, choices):
    parameters = inspect.signature(getattr(endpoints, name)).parameters
    assert [c for c in choices if parameters[c].default is not inspect.Parameter.empty] == []
