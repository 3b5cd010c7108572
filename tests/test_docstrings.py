"""Every example in a docstring runs and prints what it says; every public function has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import hemresearch

# `__main__` would run the command line.
MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(hemresearch.__path__, "hemresearch.")
    if not info.name.endswith("__main__")
)
FAMILIES = [
    "cohort", "competing", "data", "epidemiology", "hematology", "hematology.bleeding",
    "hematology.consultations", "hematology.endpoints", "hematology.response", "hematology.scores",
    "hematology.toxicity", "hematology.units", "multistate", "plots", "prediction", "recurrent",
    "regression", "relative", "report", "survival", "times", "translational",
]  # fmt: skip
SECTIONS = ("Parameters", "Examples")


def public_functions() -> list[str]:
    modules = {family: importlib.import_module(f"hemresearch.{family}") for family in FAMILIES}
    return [
        f"{family}.{name}"
        for family, module in modules.items()
        for name in getattr(module, "__all__", dir(module))
        if not name.startswith("_") and inspect.isfunction(getattr(module, name))
        if getattr(module, name).__module__.startswith(module.__name__) or hasattr(module, "__all__")
    ]


@pytest.mark.parametrize("name", ["hemresearch", *MODULES])
def test_examples_print_what_they_say(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize("name", public_functions())
def test_a_public_function_documents_its_arguments_errors_and_an_example(name):
    family, _, function = name.rpartition(".")
    text = inspect.getdoc(getattr(importlib.import_module(f"hemresearch.{family}"), function))
    signature = inspect.signature(getattr(importlib.import_module(f"hemresearch.{family}"), function))
    wanted = SECTIONS if signature.parameters else SECTIONS[-1:]
    assert [s for s in wanted if f"\n{s}\n{'-' * len(s)}" not in text] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_completion_shows_what_is_public_and_nothing_else(family):
    module = importlib.import_module(f"hemresearch.{family}")
    assert dir(module) == sorted(module.__all__)
