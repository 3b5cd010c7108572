"""Imports point downward only, and nothing in the package hides an error or trusts a pickle."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "src" / "hemresearch"

# Lowest first: a module imports from lower rows, and from its own where the row is not a list of families.
LAYERS = (
    {"errors"},
    {"options", "formats", "parallel", "personal_numbers"},
    {"numerics"},
    {
        "columns",
        "events",
        "outcomes",
        "outcomes_competing",
        "outcomes_interval",
        "outcomes_multistate",
        "start_stop",
        "coding",
        "formula",
        "design",
        "model_design",
        "text_numbers",
        "times",
    },
    {"curves", "fits", "results", "lifetable"},
    {"data", "survival", "epidemiology", "cohort", "hematology"},
    {"regression"},
    {"competing", "recurrent"},
    {"multistate", "relative"},
    {"causal"},
    {"prediction", "translational", "trials"},
    {"plots"},
    {"report"},
    {"studies", "pages", "installation"},
    {"cli"},
    {"__main__"},
)
# These use what they need from the families above them, which do not use them.
USERS_OF_FAMILIES = {"cohort", "data", "hematology"}
FIRST_FAMILY, FIRST_OUT = 5, 11
SIBLINGS = (
    {"options", "formats", "personal_numbers"},
    {
        "columns",
        "events",
        "outcomes",
        "outcomes_competing",
        "outcomes_interval",
        "outcomes_multistate",
        "start_stop",
        "coding",
        "formula",
        "design",
        "model_design",
        "text_numbers",
        "times",
    },
    {"curves", "fits", "results", "lifetable"},
    {"studies", "pages", "installation"},
)
DRAWING = ("plot", "plot_stacked")  # of results: these may import `plots` inside the method
ARRAYS_ONLY = {"numpy", "scipy", "numba"}
STANDARD = sys.stdlib_module_names - {"os", "io", "pathlib", "json", "csv", "sqlite3", "subprocess"}
BROAD = {"Exception", "BaseException"}
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in modules():
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def rank(name: str) -> int:
    return next(i for i, row in enumerate(LAYERS) if name in row)


def allowed(importer: str, imported: str) -> bool:
    """Whether one part of the package may import another."""
    if importer == imported:
        return True
    if any({importer, imported} <= row for row in SIBLINGS):
        return True
    if (importer, imported) == ("hematology", "cohort"):  # a register's table is a Table 1
        return True
    if importer in USERS_OF_FAMILIES and imported not in USERS_OF_FAMILIES:
        return rank(imported) < FIRST_OUT
    return rank(imported) < rank(importer)


def imports(path: str, tree: ast.Module) -> Iterator[tuple[str, int, str, str]]:
    """Every import that runs: (module, line, enclosing function, what: a dotted name from the root)."""
    here = ["hemresearch", *Path(path).with_suffix("").parts]
    if here[-1] == "__init__":
        here = [*here[:-1], "__init__"]

    def walk(node: ast.AST, function: str) -> Iterator[tuple[str, int, str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
                continue
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield path, child.lineno, function, alias.name
            elif isinstance(child, ast.ImportFrom):
                base = here[: len(here) - child.level] if child.level else []
                root = ".".join([*base, *([child.module] if child.module else [])])
                for alias in child.names:
                    yield path, child.lineno, function, f"{root}.{alias.name}"
            inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from walk(child, inner)

    yield from walk(tree, "")


def part(dotted: str) -> str | None:
    """The part of the package that a dotted name belongs to: `survival` for hemresearch.survival.x."""
    pieces = dotted.split(".")
    return pieces[1] if pieces[0] == "hemresearch" and len(pieces) > 1 else None


def upward(path: str, tree: ast.Module) -> list[str]:
    importer = Path(path).parts[0].removesuffix(".py")
    if importer == "__init__":
        return []
    known = set().union(*LAYERS)
    found = []
    for _, line, function, dotted in imports(path, tree):
        imported = part(dotted)
        if imported not in known:
            continue
        drawn = imported == "plots" and function in DRAWING
        if not drawn and not allowed(importer, imported):
            found.append(f"{path}:{line} imports {imported}")
    return found


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {
        p.name.removesuffix(".py")
        for p in PACKAGE.iterdir()
        if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    assert parts - {"__init__"} <= set().union(*LAYERS)


def test_imports_point_downward_only() -> None:
    assert [line for path, tree in trees() for line in upward(path, tree)] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("columns.py", "from .results import Curves"),
        ("columns.py", "from . import survival"),
        ("numerics/x.py", "from ..columns import as_frame"),
        ("results.py", "import hemresearch.survival"),
        ("results.py", "def quantile(self):\n    from .plots import draw_curves"),
        ("survival/x.py", "from ..plots import draw_curves"),
        ("survival/x.py", "from ..regression.cox import cox"),
        ("survival/x.py", "def f():\n    from ..cohort import Flow"),
        ("plots/x.py", "from ..report import table"),
        ("report/x.py", "from hemresearch.cli import main"),
    ],
)
def test_an_upward_import_is_seen(path: str, source: str) -> None:
    assert len(upward(path, ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("results.py", "def plot(self):\n    from .plots import draw_curves"),
        ("results.py", "if TYPE_CHECKING:\n    from .survival import x"),
        ("outcomes.py", "from .columns import as_frame\nfrom .numerics.ties import round_ties"),
        ("cohort/x.py", "from ..survival import kaplan_meier"),
        ("data/x.py", "from ..lifetable import LifeTable"),
        ("regression/x.py", "from ..survival.kaplan_meier import kaplan_meier"),
    ],
)
def test_a_downward_import_and_a_plot_method_are_allowed(path: str, source: str) -> None:
    assert upward(path, ast.parse(source)) == []


def test_numerics_know_arrays_only() -> None:
    inside = {"errors", "options", "numerics"}
    for path, tree in trees():
        if path.startswith("numerics/"):
            for _, line, _, dotted in imports(path, tree):
                own = part(dotted)
                root = dotted.split(".")[0]
                fine = own in inside if own else root in ARRAYS_ONLY | STANDARD
                assert fine, f"{path}:{line} imports {dotted}"


def test_scipy_stats_is_not_imported_with_a_module() -> None:
    early = [
        f"{path}:{line}"
        for path, tree in trees()
        for _, line, function, dotted in imports(path, tree)
        if not function and dotted.startswith("scipy.stats")
    ]
    assert early == []


def broad_excepts(tree: ast.AST) -> list[int]:
    """Lines that catch whatever comes: a bare except, Exception, or suppress(Exception)."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = (
                [] if node.type is None else [n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)]
            )
            if node.type is None or BROAD & set(caught):
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and "suppress" in ast.dump(node.func):
            suppressed = BROAD & {arg.id for arg in node.args if isinstance(arg, ast.Name)}
            lines.extend([node.lineno] if suppressed else [])
    return lines


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    f()\nexcept:\n    pass",
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (ValueError, BaseException) as e:\n    pass",
        "with contextlib.suppress(Exception):\n    f()",
    ],
)
def test_a_broad_except_is_seen(source: str) -> None:
    assert len(broad_excepts(ast.parse(source))) == 1


def test_no_except_is_broad() -> None:
    assert [f"{path}:{line}" for path, tree in trees() for line in broad_excepts(tree)] == []


def test_no_pickle_is_ever_read() -> None:
    for path, tree in trees():
        for _, line, _, dotted in imports(path, tree):
            assert dotted.split(".")[0] not in PICKLES, f"{path}:{line} imports {dotted}"
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                # of a list column it takes an expression, not text
                of_lists = ast.unparse(node.func).endswith(".list.eval")
                assert of_lists or called not in {"read_pickle", "eval", "exec"}, (
                    f"{path}:{node.lineno} calls {called}"
                )
                allowing = [k for k in node.keywords if k.arg == "allow_pickle"]
                assert not allowing, f"{path}:{node.lineno} allows pickles"


def test_only_the_command_line_prints() -> None:
    for path, tree in trees():
        if path != "cli.py":
            calls = [
                n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "print"
            ]
            assert not calls, f"{path}:{calls[0].lineno} prints"


def test_kernels_are_compiled_in_one_place() -> None:
    for path, tree in trees():
        if path != "numerics/compiled.py":
            for _, line, _, dotted in imports(path, tree):
                assert dotted.split(".")[0] != "numba", (
                    f"{path}:{line} imports numba; use numerics.compiled.kernel"
                )


def test_no_function_is_long() -> None:
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert lines <= 60, f"{path}:{node.lineno} {node.name} has {lines} lines"
