"""The formula language: the right-hand side of a model as terms, and nothing that could run code.

formulaic does the algebra of terms (`+`, `:`, `*`, `(a + b)**2`); it is given placeholders only. What
stands in for them, a column or a call of one of the functions in `NUMBERS` and `CODINGS`, is read
here with Python's own parser and never evaluated by it.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .errors import FormulaError
from .options import nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind = Literal["column", "number", "C", "rcs", "ns"]
Term = tuple["Factor", ...]

NUMBERS = ("log", "log2", "log10", "sqrt", "exp", "I")
CODINGS = {"C": ("ref",), "rcs": ("df", "knots"), "ns": ("df", "knots", "boundary")}
FUNCTIONS = (*NUMBERS, *CODINGS)
# What other languages call one of these functions, and what is an argument of its own here.
SYNONYMS = {
    "bs": "ns",
    "cat": "C",
    "categorical": "C",
    "factor": "C",
    "i": "I",
    "ln": "log",
}
ARGUMENTS = ("cluster", "frailty", "offset", "strata", "weights")
OPERATORS = {"+", "*", ":", "**", "^"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)

_PLAIN = re.compile(r"\s*[^\W\d]\w*\s*(\+\s*[^\W\d]\w*\s*)*")
_QUOTED = re.compile(r"`([^`]*)`")
_POWER = re.compile(r"([^\W\d]\w*)\s*(?:\*\*|\^)\s*(\d+)")
INSIDE_I = r"I(\1**\2)"
_MARKED = re.compile("⧛")


@dataclass(frozen=True, slots=True)
class Factor:
    """What a term multiplies: a column, an arithmetic expression, or a coding of one of them.

    `label` names it in terms and `stem` in columns of the design (`C(stage)` and `stage`); `body` is the
    arithmetic, its names those of columns.
    """

    label: str
    stem: str
    kind: Kind
    columns: tuple[str, ...]
    body: ast.expr = field(compare=False)
    options: tuple[tuple[str, Any], ...] = ()

    def option(self, name: str) -> Any:
        """An option of the coding, None where it was not given."""
        return dict(self.options).get(name)


def column_factor(name: str) -> Factor:
    """A column as it is."""
    return Factor(name, name, "column", (name,), ast.Name(name))


def parse_formula(formula: str, known: Sequence[str], *, argument: str) -> tuple[Term, ...]:
    """The terms of a right-hand-side formula, main effects first, each factor of the closed language.

    Raises
    ------
    FormulaError
        For an outcome (`~`), a syntax error (with its position), a column that is not among `known`, a
        function or operator outside the language, and options a coding does not have.
    """
    text = Formula(formula, argument, tuple(known))
    if _PLAIN.fullmatch(formula):  # the commonest formula, `age + sex`, needs no algebra
        found = [(m.group(), m.start()) for m in re.finditer(r"\w+", formula)]
        names = dict.fromkeys(text.column(name, at) for name, at in found)
        return tuple((column_factor(name),) for name in names)
    tokens = _read_tokens(text)
    factors = {i: _read_factor(text, token) for i, token in enumerate(tokens) if token.kind in _FACTORS}
    terms = _multiply_out(text, tokens, factors)
    if not terms and not any(token.text == "1" for token in tokens):
        raise text.refuse("names no term", 0, expected="at least one column, or '1' for none")
    return tuple(sorted(terms, key=len))


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula with what a refusal of it has to say."""

    text: str
    argument: str
    known: tuple[str, ...]

    def refuse(
        self, found: str, at: int, *, expected: str, remedy: str | None = None, column: str | None = None
    ) -> FormulaError:
        """A refusal that says where in the formula the trouble is."""
        if remedy is None and self.text in self.known:
            remedy = f"{self.argument}=[{self.text!r}]"
        elif bare := [k for k in self.known if self._stands_bare(k)]:
            name = max(bare, key=len)
            remedy = f"{self.argument}={self.text.replace(name, f'`{name}`')!r}, the name in backticks"
        where = f"{found} at character {at + 1}"
        return FormulaError(
            f"{where} of {self.text!r}" if column else f"the formula {self.text!r} {where}",
            argument=self.argument,
            expected=expected,
            remedy=remedy or f'{self.argument}="age + C(group) + rcs(wbc, df=3)", or a list of columns',
            column=column,
        )

    def _stands_bare(self, name: str) -> bool:
        """Whether a name that has to stand in backticks is in the formula without them."""
        odd = re.search(r"[^\W\d]", name) is not None and not name.isidentifier()
        return odd and name in self.text and f"`{name}`" not in self.text

    def column(self, name: str, at: int) -> str:
        """The column of this name, however its letters are composed; else refused with near matches."""
        alike = [k for k in self.known if _composed(k) == _composed(name)]
        if name in self.known or len(alike) == 1:
            return name if name in self.known else alike[0]
        near = nearest(name, self.known, 1)
        raise self.refuse(
            "is no column of the data, but named",
            at,
            column=name,
            expected=f"columns of the data; {suggestion(name, self.known)}",
            remedy=f"{self.argument}={self.replaced(name, near[0], at)!r}" if near else None,
        )

    def replaced(self, old: str, new: str, at: int) -> str:
        """The formula with a word (perhaps in backticks) replaced, quoted if it must be."""
        quoted = new if new.isidentifier() else f"`{new}`"
        end = at + len(old) + (2 if self.text[at] == "`" else 0)
        return self.text[:at] + quoted + self.text[end:]


class Token(NamedTuple):
    """A piece of a formula, how formulaic classes it, and where it begins."""

    text: str
    kind: str
    at: int


_FACTORS = ("name", "python")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def _read_tokens(text: Formula) -> list[Token]:
    """The pieces of the formula, all of them known to the language."""
    from formulaic.errors import FormulaSyntaxError
    from formulaic.parser.algos.tokenize import tokenize

    try:
        pieces = list(tokenize(text.text))
    except FormulaSyntaxError as trouble:
        at = _marked_position(trouble)
        raise text.refuse("does not close what it opens", at, expected="a formula") from trouble
    tokens = [Token(p.token, p.kind.value, int(p.source_start or 0)) for p in pieces]
    for i, token in enumerate(tokens):
        _check_token(text, token, tokens[max(i - 2, 0) : i])
    return tokens


def _check_token(text: Formula, token: Token, before: list[Token]) -> None:
    """Refuse what is not of the language, with what to write instead."""
    power = bool(before) and before[-1].text in ("**", "^")
    if "~" in token.text and token.kind == "operator":
        bare = text.text[token.at + 1 :].strip()
        raise text.refuse(
            "holds an outcome (`~`)",
            token.at,
            expected="the right-hand side only; the outcome is named by arguments of its own",
            remedy=f"{text.argument}={bare!r}" if bare else None,
        )
    if power and not (token.text.isdigit() and 2 <= int(token.text) <= 9 and before[0].text == ")"):
        raise text.refuse(
            "raises to a power",
            before[-1].at,
            expected="a power of a bracket such as (a + b)**2, or arithmetic inside I()",
            remedy=f"{text.argument}={_POWER.sub(INSIDE_I, text.text)!r}",
        )
    if token.kind == "operator" and token.text not in OPERATORS:
        raise text.refuse(
            f"holds {token.text!r}",
            token.at,
            expected="terms joined by + : * (what is not wanted is left out), arithmetic inside I()",
            remedy=f'{text.argument}="I(age / 10)"' if token.text in "-/" else None,
        )
    if token.kind == "value" and not power and token.text != "1":
        raise text.refuse(
            f"holds the value {token.text}",
            token.at,
            expected="columns and terms; arithmetic goes inside I(), and the model has its own intercept",
            remedy=f'{text.argument}="I(age / 10)"',
        )
    if token.text == "[" or text.text[token.at] == "{":
        raise text.refuse(
            f"holds {text.text[token.at]!r}",
            token.at,
            expected="round brackets, and arithmetic inside I()",
            remedy=f'{text.argument}="I(age / 10)"',
        )


def _multiply_out(text: Formula, tokens: list[Token], factors: dict[int, Factor]) -> list[Term]:
    """The terms after formulaic's algebra on placeholders; equal factors are one factor."""
    from formulaic.errors import FormulaicError
    from formulaic.parser import DefaultFormulaParser

    distinct = list(dict.fromkeys(factors.values()))
    pieces = [f"f{distinct.index(factors[i])}" if i in factors else t.text for i, t in enumerate(tokens)]
    starts = [sum(len(piece) + 1 for piece in pieces[:i]) for i in range(len(pieces))]
    parser = DefaultFormulaParser(include_intercept=False, feature_flags=set())
    try:
        terms = list(parser.get_terms(" ".join(pieces)))
    except FormulaicError as trouble:
        masked = _marked_position(trouble)
        token = tokens[max((i for i, start in enumerate(starts) if start <= masked), default=0)]
        raise text.refuse(
            "is not a formula", token.at, expected="terms joined by + : *, brackets in pairs"
        ) from trouble
    found = [tuple(factor.expr for factor in term.factors) for term in terms]
    if any("1" in term and len(term) > 1 for term in found):
        at = next(token.at for token in tokens if token.text == "1")
        raise text.refuse("multiplies a term by 1", at, expected="1 only by itself")
    return [tuple(distinct[int(name[1:])] for name in term) for term in found if term != ("1",)]


def _marked_position(trouble: Exception) -> int:
    """Where formulaic's message marks the formula it could not read (0 where it marks nothing)."""
    shown = str(trouble).rpartition("\n\n")[2]
    mark = _MARKED.search(shown)
    return mark.start() if mark else 0


def _read_factor(text: Formula, token: Token) -> Factor:
    if token.kind == "name":
        return column_factor(text.column(token.text, token.at))
    quoted = list(_QUOTED.finditer(token.text))
    names = {f"_quoted_{i}_": match.group(1) for i, match in enumerate(quoted)}
    code = token.text
    for name, match in reversed(list(zip(names, quoted, strict=True))):
        code = code[: match.start()] + name + code[match.end() :]
    try:
        call = ast.parse(code, mode="eval").body
    except SyntaxError as trouble:
        raise text.refuse(
            f"holds {token.text!r}, which cannot be read,",
            token.at,
            expected="a call such as log(age) or rcs(age, df=3); names with spaces in backticks",
        ) from trouble
    return _Reader(text, token, names).factor(call)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one function call of a formula."""

    text: Formula
    token: Token
    names: dict[str, str]

    def factor(self, call: ast.expr) -> Factor:
        """The factor of a call: arithmetic, or a coding with its options."""
        name = self.function(call)
        assert isinstance(call, ast.Call)
        if name in NUMBERS:
            columns: dict[str, None] = {}
            body = self.number(call, columns)
            return self.made(ast.unparse(body), "number", columns, body)
        if not call.args:
            raise self.refuse(f"gives {name}() no column", f"a column first: {name}(age, ...)")
        columns = {}
        body = self.number(call.args[0], columns)
        options = self.read_options(name, call)
        if name == "C":
            if not isinstance(body, ast.Name):
                raise self.refuse("gives C() an expression", "a column inside C()")
            return self.made(f"C({body.id})", "C", columns, body, options, stem=body.id)
        if len({"df", "knots"}.intersection(key for key, _ in options)) != 1:
            raise self.refuse(f"gives {name}() other than one of df and knots", f"{name}(age, df=3)")
        shown = ", ".join(f"{key}={_shown(value)}" for key, value in options)
        return self.made(f"{name}({ast.unparse(body)}, {shown})", name, columns, body, options)

    def made(
        self,
        label: str,
        kind: Any,
        columns: dict[str, None],
        body: ast.expr,
        options: tuple[tuple[str, Any], ...] = (),
        stem: str | None = None,
    ) -> Factor:
        """A factor, if it holds a column at all."""
        if not columns:
            raise self.refuse("holds a call without a column", "at least one column in each call")
        return Factor(label, stem or label, kind, tuple(columns), body, options)

    def number(self, node: ast.expr, columns: dict[str, None]) -> ast.expr:
        """The node with the names of columns in it, if it is arithmetic of columns and numbers."""
        if isinstance(node, ast.Name):
            name = self.names.get(node.id, node.id)
            found = self.text.column(name, self.position(name))
            columns[found] = None
            return ast.Name(found)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            return node
        if isinstance(node, ast.BinOp) and isinstance(node.op, ARITHMETIC):
            return ast.BinOp(self.number(node.left, columns), node.op, self.number(node.right, columns))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ARITHMETIC):
            return ast.UnaryOp(node.op, self.number(node.operand, columns))
        if isinstance(node, ast.Call) and self.function(node) in NUMBERS:
            if len(node.args) != 1 or node.keywords:
                raise self.refuse(
                    f"gives {ast.unparse(node.func)}() other than one argument", "one argument: log(age)"
                )
            return ast.Call(node.func, [self.number(node.args[0], columns)], [])
        raise self.refuse(
            f"holds {self.shown(node)!r}", "columns, numbers, + - * / ** and " + ", ".join(NUMBERS)
        )

    def function(self, node: ast.expr) -> str:
        """The name of the function that is called, if it is one of the language."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            return node.func.id
        called = self.shown(node.func if isinstance(node, ast.Call) else node)
        raise self.refuse(
            f"calls {called!r}, which formulas do not have,",
            f"one of {', '.join(FUNCTIONS)}",
            remedy=self.instead(called, node),
        )

    def instead(self, called: str, node: ast.expr) -> str:
        """What to write for a function that formulas do not have."""
        bare, given = called.rpartition(".")[2], self.text.argument
        if bare in ARGUMENTS:
            inside = self.shown(node.args[0]) if isinstance(node, ast.Call) and node.args else "column"
            rest = self.text.text.replace(self.token.text, "")
            rest = re.sub(r"\+\s*\+", "+", rest).strip("+ ")
            return f"{bare}={inside.strip('`')!r} and {given}={re.sub(r' +', ' ', rest) or '1'!r}"
        near = [bare] if bare in FUNCTIONS else [SYNONYMS.get(bare.casefold(), "")]
        near = near if near[0] else nearest(bare, FUNCTIONS, 1)
        if near:
            return f"{given}={self.text.text.replace(f'{called}(', f'{near[0]}(')!r}"
        return f"a list with an expression: {given}=['sex', pl.col('age').clip(18, 80).alias('age_cut')]"

    def read_options(self, name: str, call: ast.Call) -> tuple[tuple[str, Any], ...]:
        """The options of a coding by name; the second argument may stand without one."""
        allowed = CODINGS[name]
        given = [(allowed[0], node) for node in call.args[1:]]
        given += [(keyword.arg or "**", keyword.value) for keyword in call.keywords]
        wrong = [key for key, _ in given if key not in allowed]
        if wrong or len({key for key, _ in given}) < len(given):
            raise self.refuse(
                f"gives {name}() " + (f"the option {wrong[0]!r}" if wrong else f"{allowed[0]!r} twice"),
                f"{name}(column, {', '.join(f'{key}=...' for key in allowed)})",
            )
        return tuple((key, self.literal(name, key, node)) for key, node in given)

    def literal(self, name: str, key: str, node: ast.expr) -> Any:
        """The value of an option, of the type it must have."""
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            value = None
        if key == "ref" and type(value) in (str, int, float, bool):
            return value
        if key == "df" and type(value) is int:
            return value
        several = key in ("knots", "boundary") and isinstance(value, list | tuple)
        if several and value and all(type(v) in (int, float) for v in value):
            return tuple(float(v) for v in value)
        expected = {"ref": "a level: ref='B'", "df": "a whole number: df=3"}
        raise self.refuse(
            f"gives {name}() {key}={self.shown(node)}", expected.get(key, f"numbers: {key}=[1, 5, 20]")
        )

    def shown(self, node: ast.AST) -> str:
        """The code of a node with the user's names."""
        text = ast.unparse(node)
        for placeholder, name in self.names.items():
            text = text.replace(placeholder, f"`{name}`")
        return text

    def position(self, name: str) -> int:
        """Where a name stands in the formula: at its backtick if it has one."""
        match = re.search(rf"`{re.escape(name)}`|(?<!\w){re.escape(name)}(?!\w)", self.token.text)
        return self.token.at + (match.start() if match else 0)

    def refuse(self, found: str, expected: str, *, remedy: str | None = None) -> FormulaError:
        """A refusal at the beginning of the call."""
        return self.text.refuse(found, self.token.at, expected=expected, remedy=remedy)


def _shown(value: Any) -> str:
    return f"[{', '.join(f'{v:g}' for v in value)}]" if isinstance(value, tuple) else repr(value)


def evaluate(node: ast.expr, value: Callable[[str], Any], apply: dict[type | str, Callable[..., Any]]) -> Any:
    """The value of arithmetic that `parse_formula` has read, given the values of its columns."""
    if isinstance(node, ast.Name):
        return value(node.id)
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp):
        return apply[type(node.op)](evaluate(node.left, value, apply), evaluate(node.right, value, apply))
    if isinstance(node, ast.UnaryOp):
        return apply[type(node.op)](evaluate(node.operand, value, apply))
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Name)
    return apply[node.func.id](evaluate(node.args[0], value, apply))
