"""What a committed notebook must be like, so that comparing it with a new run means something.

Each rule takes a notebook and says what is wrong with it, cell by cell. Some keep a study readable; most
close a gap through which a wrong number could pass the re-run unseen.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat import ValidationError, v4, validate

from hemresearch.personal_numbers import find_personal_numbers
from hemresearch.studies import tidied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[[Any], Iterator[str]]

MOST_LINES = 10
MOST_BYTES = 1_000_000
IGNORED = "nbval-ignore-output"
TAGS = {"parameters", IGNORED, "raises-exception"}
# image/png is never compared, so it needs a text beside it; the others are compared as they are.
KINDS = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/svg+xml"}
NO_FINGERPRINT = re.compile(r"<(?:Figure size|Axes|matplotlib\.|Subplot)")
COMMENT_MARKER = re.compile(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_")
ABSOLUTE = re.compile(
    r"(?<![\w.:/])/(?:home|Users|root|tmp|work|mnt|media|opt|usr|var|srv|etc|private|content|workspace)/\w"
    r"|(?<!\w)[A-Za-z]:\\\\?\w|file://"
)
LOOPS = (ast.For, ast.While, ast.AsyncFor)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
COSMETICS = re.compile(r"set_\w+|tick_params|spines|legend|rcParams|subplots_adjust|tight_layout")
DRAWING = re.compile(r"plot|draw_\w+")


def problems(path: Path) -> list[str]:
    """Everything that is wrong with the notebook in the file."""
    notebook = v4.reads(path.read_text(encoding="utf-8"))  # nbformat.read would mend it first
    size = path.stat().st_size
    heavy = [f"is {size} bytes; at most {MOST_BYTES}"] if size > MOST_BYTES else []
    return heavy + [found for rule in RULES for found in rule(notebook)]


def code_cells(notebook: Any) -> Iterator[tuple[int, Any]]:
    """The cells of code with their numbers, as the brackets beside them count."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    yield from enumerate(cells, start=1)


def tags(cell: Any) -> set[str]:
    """The tags of a cell."""
    return set(cell.metadata.get("tags", []))


def texts(notebook: Any) -> Iterator[tuple[str, str]]:
    """Every text of the notebook and where it stands; pictures are left out."""
    for number, cell in enumerate(notebook.cells, start=1):
        yield f"cell {number}", cell.source
        for output in cell.get("outputs", []):
            yield f"output of cell {number}", output.get("text", "")
            for kind, value in output.get("data", {}).items():
                if not kind.startswith("image/") or kind == "image/svg+xml":
                    yield (
                        f"output of cell {number}",
                        without_pictures(value if isinstance(value, str) else str(value)),
                    )


def without_pictures(text: str) -> str:
    """The text without pictures that are written into it."""
    return re.sub(r"base64,[A-Za-z0-9+/=\s]+", "base64,", text)


def is_valid(notebook: Any) -> Iterator[str]:
    """Format 4.5 or later: every cell has an id of its own."""
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield f"is in format {notebook.nbformat}.{notebook.nbformat_minor}; at least 4.5"
        return
    ids = [cell.get("id") for cell in notebook.cells]
    if len(set(ids)) < len(ids):
        yield "has two cells with the same id"
        return
    try:
        validate(notebook)
    except ValidationError as error:
        yield f"is not valid: {str(error).splitlines()[0]}"


def is_tidy(notebook: Any) -> Iterator[str]:
    """Kernel `python3`, and nothing of when, where and by whom it was run."""
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "is not for the kernel python3"
    if tidied(notebook) != notebook:
        yield "holds metadata of its last run; `make refresh` writes it without"


def starts_with_its_question(notebook: Any) -> Iterator[str]:
    """The first cell is a heading of the first level, and there is no other."""
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "does not start with a heading `# ...`"
    heads = [line for c in notebook.cells if c.cell_type == "markdown" for line in c.source.splitlines()]
    if sum(line.startswith("# ") for line in heads) > 1:
        yield "has more than one heading of the first level"


def has_parameters(notebook: Any) -> Iterator[str]:
    """One cell of parameters, before anything that uses them."""
    marked = [number for number, cell in code_cells(notebook) if "parameters" in tags(cell)]
    if len(marked) != 1:
        yield f"has {len(marked)} cells tagged `parameters`; one"


def ran_top_to_bottom(notebook: Any) -> Iterator[str]:
    """Cells are numbered 1, 2, 3, ... and none is empty."""
    for number, cell in code_cells(notebook):
        if not cell.source.strip():
            yield f"cell [{number}] is empty"
        elif cell.execution_count != number:
            yield f"cell [{number}] was run as [{cell.execution_count}]"


def shows_what_it_computes(notebook: Any) -> Iterator[str]:
    """A cell that ends in an expression has an output, one that draws has a picture, none hides with `;`."""
    for number, cell in code_cells(notebook):
        body = _parsed(cell).body
        if cell.source.rstrip().endswith(";"):
            yield f"cell [{number}] hides its value with `;`"
        elif body and isinstance(body[-1], ast.Expr) and not cell.outputs:
            yield f"cell [{number}] ends in an expression but has no output"
        if any(DRAWING.fullmatch(name) for name in _called(_parsed(cell))) and not _pictures(cell):
            yield f"cell [{number}] draws but has no picture"


def pictures_have_fingerprints(notebook: Any) -> Iterator[str]:
    """Every output is of a kind that is compared; a picture has a text that changes with its data."""
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            kinds = set(output.get("data", {}))
            if kinds - KINDS:
                yield f"cell [{number}] has an output of the kind {min(kinds - KINDS)}, which is not compared"
            text = output.get("data", {}).get("text/plain", "")
            if "image/png" in kinds and (not text.strip() or NO_FINGERPRINT.match(text)):
                yield f"cell [{number}] has a picture without a fingerprint"


def ignores_only_session_info(notebook: Any) -> Iterator[str]:
    """Only the last cell, session_info(), may differ; no comment switches the comparison off."""
    cells = list(code_cells(notebook))
    for number, cell in cells:
        if IGNORED in tags(cell) and "session_info()" not in cell.source:
            yield f"cell [{number}] is tagged {IGNORED} but is not session_info()"
        if COMMENT_MARKER.search(cell.source):
            yield f"cell [{number}] switches its comparison in a comment"
        if tags(cell) - TAGS:
            yield f"cell [{number}] has the tag {min(tags(cell) - TAGS)}"
    if not cells or "session_info()" not in cells[-1][1].source or IGNORED not in tags(cells[-1][1]):
        yield f"does not end with session_info() tagged {IGNORED}"


def has_no_error(notebook: Any) -> Iterator[str]:
    """No cell ended in an error, but one that is tagged to show it."""
    for number, cell in code_cells(notebook):
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags(cell):
            yield f"cell [{number}] ended in an error"


def asks_and_does_not_program(notebook: Any) -> Iterator[str]:
    """No definitions, loops or settings of axes, and no cell of more than ten lines."""
    for number, cell in code_cells(notebook):
        tree = _parsed(cell)
        lines = [
            line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")
        ]
        if len(lines) > MOST_LINES:
            yield f"cell [{number}] has {len(lines)} lines; at most {MOST_LINES}"
        if any(isinstance(node, DEFINITIONS) for node in ast.walk(tree)):
            yield f"cell [{number}] defines a function or a class"
        if any(isinstance(node, LOOPS) for node in ast.walk(tree)):
            yield f"cell [{number}] loops"
        if any(COSMETICS.fullmatch(n.attr) for n in ast.walk(tree) if isinstance(n, ast.Attribute)):
            yield f"cell [{number}] sets the looks of axes"


def is_of_no_machine(notebook: Any) -> Iterator[str]:
    """No absolute path, in source or output."""
    for where, text in texts(notebook):
        if ABSOLUTE.search(text):
            yield f"{where} holds an absolute path"


def names_nobody(notebook: Any) -> Iterator[str]:
    """Nothing that could be a Swedish personal number, in source or output."""
    for where, text in texts(notebook):
        if find_personal_numbers(text):
            yield f"{where} holds what could be a personal number"


def runs_offline(notebook: Any) -> Iterator[str]:
    """No cell reaches for the network or the shell."""
    for number, cell in code_cells(notebook):
        if re.search(r"https?://|^\s*[!%]|requests|urllib", cell.source, flags=re.MULTILINE):
            yield f"cell [{number}] uses the network, the shell or a magic"


RULES: tuple[Rule, ...] = (
    is_valid,
    is_tidy,
    starts_with_its_question,
    has_parameters,
    ran_top_to_bottom,
    shows_what_it_computes,
    pictures_have_fingerprints,
    ignores_only_session_info,
    has_no_error,
    asks_and_does_not_program,
    is_of_no_machine,
    names_nobody,
    runs_offline,
)


def _parsed(cell: Any) -> ast.Module:
    source = "\n".join(line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!")))
    return ast.parse(source)


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _pictures(cell: Any) -> list[Any]:
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]
