"""Text files of the Human Mortality Database: death rates, or the life tables of each sex."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from ..errors import DataError, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

SEX_IN_TITLE = {"males": "male", "females": "female", "male": "male", "female": "female", "total": "both"}
FIRST_YEARS = re.compile(r"(\d+)(?:-(\d+)|\+)?")
MISSING = "."


def read_hmd(paths: Sequence[str | Path]) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The rows of all files, and the arguments of `LifeTable` that follow from them."""
    if not paths:
        raise DataError(
            "no file was named",
            argument="paths",
            expected="a file of death rates, or the life tables of men and of women",
            remedy="LifeTable.from_hmd('Mx_1x1.txt')",
        )
    read = [_one_file(Path(path)) for path in paths]
    frame = pl.concat([rows for rows, _ in read])
    ages, years = (frame[c].str.contains("-").any() for c in ("age", "year"))
    last = max(int(text) for year in frame["year"].unique() for text in re.findall(r"\d+", year))
    first = [pl.col(c).str.extract(r"^(\d+)").cast(pl.Int64) for c in ("age", "year")]
    defaults: dict[str, Any] = {"rate": "rate", "name": read[0][1], "last_year": last}
    sexes = frame["sex"].unique(maintain_order=True)
    defaults["sexes"] = dict.fromkeys(sexes.sort(descending=True).to_list())
    defaults["bands"] = tuple(name for name, banded in (("age", ages), ("year", years)) if banded)
    return frame.with_columns(first), defaults


def _one_file(path: Path) -> tuple[pl.DataFrame, str]:
    """The death rates of one file in rows, and the name of its population."""
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    title = lines[0] if lines else ""
    rows = [line.split() for line in lines[1:]]
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    country = title.partition(",")[0].strip()
    _refuse_other_contents(path, title)
    if head[:2] == ["Year", "Age"] and {"Female", "Male"} <= set(head):
        columns = {"female": head.index("Female"), "male": head.index("Male")}
    elif head[:3] == ["Year", "Age", "mx"] and (sex := _sex_of(title)):
        columns = {sex: 2}
    else:
        raise DataError(
            f"the file {path.name!r} does not begin as one of the Human Mortality Database",
            argument="paths",
            expected="a title, then Year, Age, Female, Male, Total, or Year, Age, mx, qx ... of one sex",
            remedy="the file Mx_1x1.txt, or mltper_1x1.txt and fltper_1x1.txt, as it was downloaded",
        )
    return _rates(path, body, columns), country


def _refuse_other_contents(path: Path, title: str) -> None:
    """Deaths, exposures and rates of cohorts have the layout of death rates: their title tells."""
    known = title.casefold()
    if "cohort" not in known and any(kind in known for kind in ("death rates", "life tables")):
        return
    raise DataError(
        f"the file {path.name!r} is not titled as death rates or life tables of calendar years (period)",
        argument="paths",
        expected="death rates or life tables by period: not deaths, exposures, populations or cohorts",
        remedy="the file Mx_1x1.txt, or mltper_1x1.txt and fltper_1x1.txt, as it was downloaded",
    )


def _sex_of(title: str) -> str | None:
    """The sex that the title of a life table ends in: "Sweden, Life tables (period 1x1), Males"."""
    words = re.split(r"[,\t]", title)
    found = [SEX_IN_TITLE[w.strip().lower()] for w in words if w.strip().lower() in SEX_IN_TITLE]
    return found[0] if found else None


def _rates(path: Path, body: list[list[str]], columns: dict[str, int]) -> pl.DataFrame:
    width = max(columns.values())
    odd = [
        i for i, row in enumerate(body, start=1)
        if len(row) <= width or not all(FIRST_YEARS.fullmatch(text) for text in row[:2])
    ]  # fmt: skip
    if odd or not body:
        raise DataError(
            f"the file {path.name!r} has no rows of rates"
            if not body
            else f"the file {path.name!r} has lines that cannot be read (line {listed(odd)} of its rows)",
            argument="paths",
            expected="lines of a year, an age and rates, a dot where there is none",
            remedy="the file as it was downloaded",
        )
    years, ages = ([row[i] for row in body] for i in (0, 1))
    parts = [
        pl.DataFrame({"year": years, "age": ages, "sex": [sex] * len(body), "rate": [row[i] for row in body]})
        for sex, i in columns.items()
    ]
    text = pl.col("rate").replace({MISSING: None})
    return pl.concat(parts).with_columns(text.cast(pl.Float64))
