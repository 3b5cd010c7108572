"""Expressions of the reference cases, such as `(age > ageentry) & (sex == 'F')`, as polars expressions.

The language is what R and Python read alike: `== != > >= < <= & | + - * /`, `log`, `sqrt`, brackets, numbers,
text and column names. A name with dots is written as R writes it (`ph.ecog`) or in backticks.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection
from typing import Any

import polars as pl

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], pl.Expr]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], pl.Expr]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LOGIC: dict[type[ast.operator], Callable[[Any, Any], pl.Expr]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
FUNCTIONS: dict[str, Callable[[pl.Expr], pl.Expr]] = {"log": pl.Expr.log, "sqrt": pl.Expr.sqrt}
QUOTED = re.compile(r"`([^`]+)`")


def expression(text: str, columns: Collection[str]) -> pl.Expr:
    """The polars expression for `text`, named after it; anything outside the language is a ValueError."""
    quoted: list[str] = []

    def stand_in(match: re.Match[str]) -> str:
        quoted.append(match[1])
        return f"_quoted_{len(quoted) - 1}"

    tree = ast.parse(QUOTED.sub(stand_in, text.strip()), mode="eval")
    names = {f"_quoted_{i}": name for i, name in enumerate(quoted)}
    return _Reader(text, columns, names).read(tree.body).alias(text)


class _Reader:
    def __init__(self, text: str, columns: Collection[str], quoted: dict[str, str]) -> None:
        self.text, self.columns, self.quoted = text, columns, quoted

    def read(self, node: ast.expr) -> pl.Expr:
        match node:
            case ast.Constant(value=int() | float() | str() as value):
                return pl.lit(value)
            case ast.Name() | ast.Attribute():
                return self.column(node)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                return COMPARISONS[type(op)](self.read(left), self.read(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return ARITHMETIC[type(op)](self.number(left), self.number(right))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in LOGIC:
                return LOGIC[type(op)](self.truth(left), self.truth(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](self.number(argument))
        raise ValueError(
            f"{self.text!r}: {ast.unparse(node)!r} cannot be read; put brackets round comparisons"
        )

    def column(self, node: ast.expr) -> pl.Expr:
        name = ast.unparse(node)
        name = self.quoted.get(name, name)
        if name not in self.columns:
            raise ValueError(f"{self.text!r}: there is no column {name!r}")
        return pl.col(name)

    def number(self, node: ast.expr) -> pl.Expr:
        """A truth value counts as 0 or 1, as R has it."""
        return self.read(node).cast(pl.Int64) if _is_truth(node) else self.read(node)

    def truth(self, node: ast.expr) -> pl.Expr:
        if _is_truth(node) or isinstance(node, ast.Name | ast.Attribute):
            return self.read(node)
        raise ValueError(
            f"{self.text!r}: {ast.unparse(node)!r} is no truth value; put brackets round comparisons"
        )


def _is_truth(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) or (isinstance(node, ast.BinOp) and type(node.op) in LOGIC)
