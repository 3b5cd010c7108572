"""Values that R computed, with the data they were computed from, and the comparison with ours.

    @pytest.mark.parametrize("case_id", reference_cases("rmst", "rmean_"))
    def test_matches_r(reference, case_id):
        case = reference("rmst", case_id)
        estimates = rmst(case.data, time=case.role("time"), event=case.role("event"), ...)
        assert_close(ours, case.values["by_tau"][0]["rmean"], rel=1e-9)

`tests/reference/README.md` says what the files hold and how near our numbers must come.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from reference_expressions import expression

from hemresearch.data.store import Store

TESTS = Path(__file__).parents[1]
STORES = (Store(TESTS.parent / "data"), Store(TESTS / "data"))
SPECIAL = {"Inf": math.inf, "-Inf": -math.inf, "NaN": math.nan}


@dataclass(frozen=True, eq=False)
class Reference:
    """One case: its data, already derived, filtered and recoded; its options; the values of R."""

    topic: str
    id: str
    options: dict[str, Any]
    values: dict[str, Any]
    data: pl.DataFrame

    def expr(self, text: str) -> pl.Expr:
        """A piece of R such as `status == 2` or `age / 60`, named after itself."""
        return expression(text, self.data.columns)

    def role(self, option: str) -> Any:
        """An option as an argument of ours: the name of a column, an expression, a list of these or None."""
        given = self.options.get(option)
        if given is None or isinstance(given, int | float):
            return given
        if isinstance(given, list):
            return [self._role(text) for text in given]
        return self._role(given)

    def group(self, label: str) -> dict[str, Any]:
        """What the `by` or `group` columns hold behind R's label `sex=F`, `a=1, b=x`, `CR1` or `all`."""
        names = self._grouping()
        if label == "all" or not names:
            return {}
        pattern = ", ".join(f"{re.escape(name)}=(.*?)" for name in names) + r"\s*"
        found = re.fullmatch(pattern, label)
        texts = found.groups() if found else (label,)
        return {n: self._value(n, text.strip()) for n, text in zip(names, texts, strict=True)}

    def in_group(self, frame: pl.DataFrame, label: str) -> pl.DataFrame:
        """The rows of one of our frames that belong to the group R calls `label`."""
        same = (pl.col(name) == value for name, value in self.group(label).items())
        return frame.filter(pl.lit(True), *same)

    def _role(self, text: str) -> str | pl.Expr:
        return text if text in self.data.columns else self.expr(text)

    def _grouping(self) -> list[str]:
        names = self.options.get("by") or self.options.get("group") or []
        return [names] if isinstance(names, str) else names

    def _value(self, name: str, text: str) -> Any:
        dtype = self.data.schema[name]
        return pl.Series([text]).cast(dtype)[0] if dtype.is_numeric() else text


def reference_cases(topic: str, *beginnings: str) -> list[str]:
    """The ids of a topic's cases, in the order of the file; of those with one of the beginnings, if given."""
    return [name for name in _cases(topic) if name.startswith(beginnings or "")]


@cache
def load_reference(topic: str, case_id: str) -> Reference:
    """One case with its data."""
    case = _cases(topic)[case_id]
    if "expected" in case:  # a hard case brings its table along
        return Reference(topic, case_id, case["args"], case["expected"], inline_table(case["data"]))
    options = case["options"]
    data = load_dataset(case["dataset"]) if case["dataset"] else pl.DataFrame()
    return Reference(topic, case_id, options, case["values"], prepared(data, options))


@cache
def load_dataset(name: str) -> pl.DataFrame:
    """An open data set, of the project or of its tests."""
    for store in STORES:
        if name in store.names:
            return store.read(name)
    raise KeyError(name)


def prepared(data: pl.DataFrame, options: dict[str, Any]) -> pl.DataFrame:
    """`rows`, `derive`, then `subset` (rows where it is missing go too), then `dropna`, then `factors`."""
    if "rows" in options:
        first, last = options["rows"]
        data = data[first - 1 : last]
    for name, text in options.get("derive", {}).items():
        data = data.with_columns(expression(text, data.columns).alias(name))
    if "subset" in options:
        data = data.filter(expression(options["subset"], data.columns))
    if "dropna" in options:
        data = data.drop_nulls(options["dropna"])
    for name, levels in options.get("factors", {}).items():
        order = [str(level) for level in levels]
        text = pl.col(name).cast(pl.String)
        data = data.with_columns(pl.when(text.is_in(order)).then(text).cast(pl.Enum(order)).alias(name))
    return data


def inline_table(columns: dict[str, list[Any]]) -> pl.DataFrame:
    """A table written as columns, where the texts NaN, Inf and -Inf among numbers are those numbers."""
    return pl.DataFrame({name: _numbers(values) for name, values in columns.items()}, strict=False)


def assert_close(
    actual: Any, expected: Any, rel: float = 1e-9, at_zero: float = 1e-12, where: str = ""
) -> None:
    """Every number within `rel` of R's (within `at_zero` where R has 0); null, None and NaN are one thing.

    Series, arrays, lists and dictionaries are compared inside; a matrix of R may face nested lists.
    """
    wrong = _differences(_plain(actual), _plain(expected), rel, at_zero, where)
    assert not wrong, f"{len(wrong)} differ: " + "; ".join(wrong[:5])


def assert_mentions(message: str, expected: dict[str, Any]) -> None:
    """The text of a refusal or warning says what a hard case asks for, and nothing that it forbids."""
    text = message.casefold()
    for words in expected.get("mention_all", []):
        assert any(word.casefold() in text for word in words), f"none of {words} in {message!r}"
    for column in expected.get("columns", [])[:1]:
        assert column in message, f"column {column!r} is not in {message!r}"
    for row in expected.get("rows", []):
        assert re.search(rf"\brows?\b[^.]*\b{row}\b", message), f"row {row} is not in {message!r}"
    for position, secret in enumerate(expected.get("must_not", [])):
        assert secret not in message, f"the message holds forbidden text number {position + 1}"


@cache
def _cases(topic: str) -> dict[str, dict[str, Any]]:
    content = json.loads((TESTS / "reference" / f"{topic}.json").read_text(encoding="utf-8"))
    return {case["id"]: case for case in content["cases"]}


def _numbers(values: list[Any]) -> list[Any]:
    others = [v for v in values if v is not None and not (isinstance(v, str) and v in SPECIAL)]
    if any(isinstance(v, str) for v in others):
        return values
    return [SPECIAL[v] if isinstance(v, str) else v for v in values]


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and {"rows", "cols", "data"} >= set(value) and "data" in value:
        return value["data"]
    for name in ("to_list", "tolist"):
        if hasattr(value, name):
            return getattr(value, name)()
    return value


def _differences(actual: Any, expected: Any, rel: float, at_zero: float, where: str) -> list[str]:
    actual, expected = _plain(actual), _plain(expected)
    if isinstance(expected, dict) and isinstance(actual, dict):
        pairs = [(f"{where}.{key}", actual.get(key), expected.get(key)) for key in {**expected, **actual}]
    elif isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        if len(actual) != len(expected):
            return [f"{where}: {len(actual)} values instead of {len(expected)}"]
        pairs = [(f"{where}[{i}]", a, e) for i, (a, e) in enumerate(zip(actual, expected, strict=True))]
    else:
        return (
            [] if _same(actual, expected, rel, at_zero) else [f"{where}: {actual!r} instead of {expected!r}"]
        )
    return [text for at, a, e in pairs for text in _differences(a, e, rel, at_zero, at)]


def _same(actual: Any, expected: Any, rel: float, at_zero: float) -> bool:
    actual, expected = (SPECIAL.get(v, v) if isinstance(v, str) else v for v in (actual, expected))
    if isinstance(actual, str) or isinstance(expected, str):
        return bool(actual == expected)
    if isinstance(actual, dict | list | tuple) or isinstance(expected, dict | list | tuple):
        return False
    a, e = (math.nan if v is None else float(v) for v in (actual, expected))
    if math.isnan(a) or math.isnan(e) or math.isinf(a) or math.isinf(e):
        return a == e or (math.isnan(a) and math.isnan(e))
    return abs(a - e) <= (at_zero if e == 0 else rel * abs(e))
