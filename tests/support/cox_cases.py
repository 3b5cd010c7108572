"""A stored Cox model of R as a call of ours, and the names of its coefficients in both."""

from __future__ import annotations

import re
from functools import cache
from keyword import iskeyword
from typing import Any

import numpy as np
import polars as pl
from reference_cases import Reference, load_reference

from hemresearch.regression import cox
from hemresearch.regression.cox_fit import CoxFit

FACTOR = re.compile(r"factor\((\w+)\)")


def formula(case: Reference) -> str:
    """R's terms in our language; names with dots in backticks."""
    return " + ".join(_term(case, text) for text in case.options["terms"])


def _term(case: Reference, text: str) -> str:
    text = re.sub(r"df\s*=\s*", "df=", FACTOR.sub(r"C(\1)", text))
    for name in case.data.columns:
        if "." in name or iskeyword(name):
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", f"`{name}`", text)
    return text


def fitted(case: Reference, **options: Any) -> CoxFit:
    """Our fit of a stored case."""
    o = case.options
    data, given = case.data, dict(options)
    for role in ("entry", "cluster", "weights", "offset"):
        if o.get(role):
            given[role] = case.role(role)
    if o.get("strata"):
        given["strata"] = o["strata"]
    if "robust" in o:
        given["robust"] = o["robust"]
    if "ridge_theta" in o:
        given["ridge"] = float(o["ridge_theta"])
    given.setdefault("ties", o.get("ties", "efron"))
    return cox(data, formula(case), time=case.role("time"), event=case.role("event"), missing="drop", **given)


@cache
def stored(topic: str, case_id: str) -> tuple[Reference, CoxFit]:
    """A stored case and our fit of it, made once."""
    case = load_reference(topic, case_id)
    return case, fitted(case)


def in_stratum(case: Reference, frame: pl.DataFrame, label: str) -> pl.DataFrame:
    """The rows of one of our frames in the stratum that R calls `sex=1`, `a=1, b=x ` or just `1`."""
    names = case.options.get("strata") or []
    if not names or label == "all":
        return frame
    values = (
        dict(part.strip().split("=") for part in label.split(", ")) if "=" in label else {names[0]: label}
    )
    return frame.filter(pl.col(name).cast(pl.String) == value for name, value in values.items())


def new_rows(case: Reference, option: str) -> pl.DataFrame:
    """The rows of an option such as `at`, their columns of the types they have in the data."""
    given = {k: v if isinstance(v, list) else [v] for k, v in case.options[option].items()}
    frame, schema = pl.DataFrame(given, strict=False), case.data.schema
    texts = [name for name in frame.columns if name in schema and not schema[name].is_numeric()]
    return frame.with_columns(pl.col(name).cast(schema[name]) for name in texts)


def our_name(name: str, columns: tuple[str, ...]) -> str:
    """Our name of a coefficient that R calls `sexM`, `factor(group)2`, `Age:DAML`, `ns(age, df = 4)1`."""

    def plain(text: str) -> str:
        text = FACTOR.sub(r"C(\1)", text).replace("`", "")
        return re.sub(r"C\((\w+)\)", r"\1", re.sub(r"[\[\]\s]", "", text))

    found = [column for column in columns if plain(column) == plain(name)]
    assert len(found) == 1, (name, columns)
    return found[0]


def order_of(names: list[str], columns: tuple[str, ...]) -> list[int]:
    """Where R's coefficients stand among ours."""
    return [columns.index(our_name(name, columns)) for name in names]


def by_name(values: dict[str, Any], columns: tuple[str, ...]) -> list[Any]:
    """R's named values in our order."""
    ours = {our_name(name, columns): value for name, value in values.items()}
    return [ours[column] for column in columns]


def matrix(values: dict[str, Any], columns: tuple[str, ...]) -> np.ndarray:
    """R's covariance matrix in our order."""
    at = np.argsort(order_of(values["rows"], columns))
    return np.array(values["data"])[np.ix_(at, at)]


def columns_of(frame: pl.DataFrame, values: dict[str, Any], columns: tuple[str, ...]) -> list[list[float]]:
    """The columns of our frame that R's matrix has, in its order."""
    return frame.select([our_name(name, columns) for name in values["cols"]]).to_numpy().tolist()
