"""Survival and epidemiological analysis for haematology.

>>> import hemresearch as hem
>>> trial = hem.data.load("myeloid")
>>> survival = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
>>> survival.quantile(0.5)["estimate"].to_list()
[707.0, 2283.0]

Families, each with help of its own, such as `help(hem.survival)`:

- `survival`, `regression`, `competing`, `multistate`, `recurrent`, `relative`, `epidemiology`
- `prediction`: how well predictions do, of whatever model
- `translational`: thousands of features of each patient
- `hematology`: `scores`, `endpoints` from dates, `response`, `toxicity`, `bleeding`, `consultations`, `units`
- `cohort`, `times`, `data`
- `plots`, `report`

They are loaded when they are first used, so that the import itself costs next to nothing.
"""

from importlib import import_module as _import_module
from typing import Any as _Any

__version__ = "0.1.0"

_FAMILIES = (
    "cohort",
    "competing",
    "data",
    "design",
    "epidemiology",
    "errors",
    "hematology",
    "multistate",
    "plots",
    "prediction",
    "recurrent",
    "regression",
    "relative",
    "report",
    "results",
    "survival",
    "times",
    "translational",
)
__all__ = ["__version__", *_FAMILIES]


def __getattr__(name: str) -> _Any:
    if name in _FAMILIES:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
