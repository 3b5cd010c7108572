"""Personal numbers in the files of the project: where they stand and how many, never which."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hemresearch.errors import listed
from hemresearch.personal_numbers import find_personal_numbers, is_personal_number

ENCODED = ("image/png", "image/jpeg", "image/gif", "application/pdf")
DRAWN = re.compile(r"""\s(?:d|points|transform|(?:xlink:)?href)=(?:"[^"]*"|'[^']*')""")
STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
CROSS_REFERENCE = re.compile(rb"^\d{10} \d{5} [nf]", re.MULTILINE)
SHOWN = re.compile(r"\[(?P<pieces>.*?)\]\s*TJ|\((?P<whole>(?:\\.|[^\\)])*)\)\s*Tj", re.DOTALL)
PIECE = re.compile(r"\(((?:\\.|[^\\)])*)\)")


@dataclass(frozen=True)
class Finding:
    """Personal numbers in one place of one file."""

    file: str
    place: str
    count: int

    def __str__(self) -> str:
        return f"{self.file}, {self.place}: {self.count}"


def scan(path: Path, name: str) -> list[Finding]:
    """What one file holds; `name` is what the file is called in the findings."""
    places = SCANNERS.get(path.suffix.lower(), _bytes)(path)
    return [Finding(name, place, count) for place, count in places if count]


def _count(text: str) -> int:
    return len(find_personal_numbers(text))


def _bytes(path: Path) -> Iterator[tuple[str, int]]:
    yield "text", _count(path.read_bytes().decode("latin-1"))


def _text(path: Path) -> Iterator[tuple[str, int]]:
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        yield f"line {line}", _count(text)


def _notebook(path: Path) -> Iterator[tuple[str, int]]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for number, cell in enumerate(notebook.pop("cells"), start=1):
        for part, content in cell.items():
            yield f"cell {number}, {part}", sum(_counts(content))
    yield "metadata", sum(_counts(notebook))


def _json(path: Path) -> Iterator[tuple[str, int]]:
    yield "values", sum(_counts(json.loads(path.read_text(encoding="utf-8"))))


def _counts(value: Any) -> Iterator[int]:
    """The counts of every text, key and number inside a JSON value; encoded images are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield _count(key)
            if key == "image/svg+xml":
                yield _count(_written("".join(inner)))
            elif key not in ENCODED:
                yield from _counts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _counts(inner)
    elif isinstance(value, str):
        yield _count(value)
    else:
        yield int(is_personal_number(value))


def _parquet(path: Path) -> Iterator[tuple[str, int]]:
    frame = pl.read_parquet(path)
    yield "names of columns", sum(map(_count, frame.columns))
    for number, column in enumerate(frame.columns, start=1):
        rows = _rows(frame[column])
        yield f"column {number}, rows {listed(rows)}", len(rows)


def _rows(column: pl.Series) -> list[int]:
    """The 1-based rows of a column that hold personal numbers, also as integers and as floats."""
    if column.dtype.is_temporal() or column.dtype == pl.Boolean:
        return []
    if column.dtype.is_numeric():
        return [row for row, value in enumerate(column, start=1) if is_personal_number(value)]
    return [row for row, value in enumerate(column, start=1) if value is not None and _count(str(value))]


def _svg(path: Path) -> Iterator[tuple[str, int]]:
    yield "text", _count(_written(path.read_text(encoding="utf-8")))


def _written(svg: str) -> str:
    """An SVG without the coordinates of its paths and the images inside it."""
    return DRAWN.sub("", svg)


def _pdf(path: Path) -> Iterator[tuple[str, int]]:
    content = path.read_bytes()
    streams = [_inflated(match[1]) for match in STREAM.finditer(content)]
    yield "text", sum(_count(line) for stream in streams for line in _shown(stream))
    outside = CROSS_REFERENCE.sub(b"", STREAM.sub(b"", content))
    yield "information", _count(outside.decode("latin-1"))


def _inflated(stream: bytes) -> str:
    try:
        return zlib.decompress(stream).decode("latin-1")
    except zlib.error:  # not compressed, or not by this method
        return stream.decode("latin-1")


def _shown(stream: str) -> Iterator[str]:
    """The texts a page shows, of one or two bytes a letter; pieces moved for kerning are joined."""
    for match in SHOWN.finditer(stream.replace("\0", "")):
        whole = match["whole"]
        yield whole if whole is not None else "".join(PIECE.findall(match["pieces"]))


SCANNERS: dict[str, Callable[[Path], Iterator[tuple[str, int]]]] = {
    ".ipynb": _notebook,
    ".json": _json,
    ".parquet": _parquet,
    ".svg": _svg,
    ".pdf": _pdf,
    ".md": _text,
    ".csv": _text,
    ".txt": _text,
    ".html": _text,
    ".py": _text,
    ".r": _text,
}
