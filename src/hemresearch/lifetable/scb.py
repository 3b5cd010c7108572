"""Downloads of Statistics Sweden: a life table as CSV, in rows or with years side by side, or JSON-stat."""

from __future__ import annotations

import csv
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import DataError, listed
from ..options import suggestion

# What the columns and dimensions are called, in Swedish, in English and in codes.
AGE, SEX, YEAR = {"ålder", "alder", "age"}, {"kön", "kon", "sex"}, {"år", "tid", "year"}
CONTENTS = {"tabellinnehåll", "contentscode", "observations", "table contents"}
SEXES = {"män": "male", "men": "male", "kvinnor": "female", "women": "female"}
BOTH = {"totalt", "total", "båda könen", "both sexes", "män och kvinnor", "men and women"}
PER_MILLE = ("dödsrisker (promille)", "probability of dying (per mille)", "death risk (per mille)")
AGES = re.compile(r"(\d+)\s*\+?\s*(?:år|years?|year old)?")
NOTHING = {"", ".", "..", "-"}
NAME = "Sweden"

Row = dict[str, str]  # age, sex, year, measure, value


def read_scb(path: str | Path, measure: str | None) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The probabilities of dying in a file, and the arguments of `LifeTable` that follow from it."""
    path = Path(path)
    text = _text(path)
    rows = _from_json(path, text) if path.suffix.lower() == ".json" else _from_csv(path, text)
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    chosen = _measure(measures, measure)
    kept = [r for r in rows if r["measure"] == chosen and r["sex"].casefold() not in BOTH]
    sexes = {"male": None, "female": None}
    return _frame(path, kept), {"q": "q", "name": NAME, "sexes": sexes}


def _measure(measures: list[str], asked: str | None) -> str:
    """The content to read: the one that was named, or the probability of dying per mille."""
    if asked is not None and asked in measures:
        return asked
    known = [m for m in measures if m.casefold() in PER_MILLE] if asked is None else []
    if len(known) == 1:
        return known[0]
    found = "no probability of dying is in the file" if asked is None else f"{asked!r} is not in the file"
    raise DataError(
        found,
        argument="measure",
        expected="a probability of dying within a year, per mille; "
        + suggestion(asked or PER_MILLE[0], measures),
        remedy="measure='Dödsrisker (promille)', chosen in the download under tabellinnehåll",
    )


def _frame(path: Path, rows: list[Row]) -> pl.DataFrame:
    ages = [AGES.fullmatch(row["age"].casefold()) for row in rows]
    sexes = [SEXES.get(row["sex"].casefold()) for row in rows]
    years = [re.fullmatch(r"\d{4}", row["year"]) for row in rows]
    for name, found in (("age", ages), ("sex", sexes), ("year", years)):
        unread = dict.fromkeys(row[name] for row, value in zip(rows, found, strict=True) if value is None)
        if unread:
            raise _unreadable(path, f"holds {listed(map(repr, unread))} where it has the {name}")
    values = [_number(path, row["value"]) for row in rows]
    return pl.DataFrame(
        {
            "age": [int(age[1]) for age in ages if age],
            "sex": [str(sex) for sex in sexes],
            "year": [int(row["year"]) for row in rows],
            "q": [None if v is None else v / 1000 for v in values],
        },
        schema={"age": pl.Int64, "sex": pl.String, "year": pl.Int64, "q": pl.Float64},
    )


def _number(path: Path, text: str) -> float | None:
    if text.strip() in NOTHING:
        return None
    try:
        return float(text.replace("\xa0", "").replace(" ", "").replace(",", "."))
    except ValueError as trouble:
        raise _unreadable(path, "holds a value that is no number") from trouble


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # the other encoding of the downloads
        return content.decode("cp1252", errors="replace")


def _from_csv(path: Path, text: str) -> list[Row]:
    """The rows of a CSV; the heading is the line that names an age and a sex, a title may stand above it."""
    for delimiter in (",", ";", "\t"):
        lines = list(csv.reader(text.splitlines(), delimiter=delimiter))
        for i, line in enumerate(lines):
            names = [cell.strip().casefold() for cell in line]
            if set(names) & AGE and set(names) & SEX:
                body = [row for row in lines[i + 1 :] if len(row) == len(line)]
                return _long(path, [cell.strip() for cell in line], names, body)
    raise _unreadable(path, "has no heading with a column for the age (ålder) and one for the sex (kön)")


def _long(path: Path, head: list[str], names: list[str], body: list[list[str]]) -> list[Row]:
    at = {
        role: next((i for i, name in enumerate(names) if name in known), None)
        for role, known in (("age", AGE), ("sex", SEX), ("year", YEAR))
    }
    others = [i for i in range(len(head)) if i not in at.values()]
    sideways = {i: found for i in others if (found := re.fullmatch(r"(.*?)\s*(\d{4})", head[i]))}
    age, sex, year = (at[role] for role in ("age", "sex", "year"))
    assert age is not None
    assert sex is not None
    if year is None and not sideways:
        raise _unreadable(path, "has no column for the year (år), nor columns that end in a year")
    cells = [(i, head[i], None) for i in others] if year is not None else [
        (i, found[1], found[2]) for i, found in sideways.items()
    ]  # fmt: skip
    return [
        {
            "age": row[age].strip(),
            "sex": row[sex].strip(),
            "year": which or row[year if year is not None else 0].strip(),
            "measure": measure,
            "value": row[i],
        }
        for row in body
        for i, measure, which in cells
    ]


def _from_json(path: Path, text: str) -> list[Row]:
    """The cells of a JSON-stat dataset, version 1 (inside `dataset`) or 2."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as trouble:
        raise _unreadable(path, "is not JSON") from trouble
    data = content.get("dataset", content) if isinstance(content, dict) else {}
    dimension = data.get("dimension", {})
    ids, values = data.get("id") or dimension.get("id"), data.get("value")
    if not ids or values is None:
        raise _unreadable(path, "is not a JSON-stat dataset")
    labels = {_role(key, dimension[key]): _labels(dimension[key]["category"]) for key in ids}
    if not {"age", "sex", "year"} <= set(labels) or math.prod(map(len, labels.values())) < 1:
        raise _unreadable(path, "lacks the dimension of age (Alder), sex (Kon) or year (Tid)")
    further = [role for role in labels if role not in ("age", "sex", "year", "measure")]
    if any(len(labels[role]) > 1 for role in further):
        raise _unreadable(path, f"is divided by {listed(map(repr, further))} as well")
    cells = enumerate(itertools.product(*labels.values()))
    known = values if isinstance(values, dict) else {str(i): v for i, v in enumerate(values)}
    return [
        {
            "measure": PER_MILLE[0], **dict(zip(labels, cell, strict=True)),
            "value": "" if known.get(str(i)) is None else str(known[str(i)]),
        }
        for i, cell in cells
    ]  # fmt: skip


def _role(key: str, dimension: dict[str, Any]) -> str:
    names = {key.casefold(), str(dimension.get("label", "")).casefold()}
    roles = {"age": AGE, "sex": SEX, "year": YEAR, "measure": CONTENTS}
    return next((role for role, known in roles.items() if names & known), key)


def _labels(category: dict[str, Any]) -> list[str]:
    """The labels of a dimension's categories, in the order of their index."""
    named: dict[str, str] = category.get("label", {})
    index = category.get("index", list(named))
    order = sorted(index, key=index.__getitem__) if isinstance(index, dict) else list(index)
    return [str(named.get(code, code)) for code in order]


def _unreadable(path: Path, found: str) -> DataError:
    return DataError(
        f"the file {path.name!r} {found}",
        argument="path",
        expected="a life table of Statistics Sweden by age, sex and year, as CSV or JSON-stat",
        remedy="the table LivslangdEttariga, all ages, both sexes, downloaded as CSV",
    )
