"""Every refusal and warning in the package is reached by a test: run after the tests, on their coverage.

Usage: python tests/support/refusals_reached.py [.coverage]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from coverage import CoverageData

PACKAGE = Path(__file__).parents[2] / "src" / "hemresearch"
REFUSALS = {"DataError", "FormulaError"}


def refusals(source: str) -> Iterator[int]:
    """The lines that make a refusal, or that warn."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {*REFUSALS, "warn"}
        ):
            yield node.lineno


def main(data_file: str) -> int:
    """Print the refusals that no test reached; 0 when there are none."""
    data = CoverageData(data_file)
    data.read()
    missed = []
    for path in sorted(PACKAGE.rglob("*.py")):
        reached = set(data.lines(str(path)) or []) | {
            line for arc in data.arcs(str(path)) or [] for line in arc
        }
        lines = refusals(path.read_text(encoding="utf-8"))
        missed += [f"{path.relative_to(PACKAGE)}:{line}" for line in lines if line not in reached]
    print("\n".join(["refusals that no test reaches:", *missed] if missed else ["every refusal is tested"]))
    return len(missed)


if __name__ == "__main__":
    sys.exit(min(main(*(sys.argv[1:] or [".coverage"])), 1))
