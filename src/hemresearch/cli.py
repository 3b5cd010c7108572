"""The command `hemresearch`: run the studies, check an installation."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import __version__
from .errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .studies import Study

NOTEBOOK_PACKAGES = ("ipykernel", "nbclient", "nbconvert", "nbformat", "tqdm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for: 0 when all went well, 1 when something failed, 2 when refused."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except DataError as refusal:
        print(f"hemresearch: {refusal}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hemresearch", description="Survival analysis for haematology.")
    parser.add_argument("--version", action="version", version=f"hemresearch {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    studies = commands.add_parser(
        "studies",
        help="run the notebooks, with a page of each and the figures",
        description="Run a copy of each notebook in the folder `notebooks`; write a page of each, an index "
        "and the figures. The notebooks themselves are left alone.",
    )
    studies.add_argument("names", nargs="*", metavar="NAME", help="a study by name or number; all without")
    where = studies.add_mutually_exclusive_group()
    where.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where copies, pages and figures go (default: build/studies, figures)",
    )
    where.add_argument(
        "--refresh",
        action="store_true",
        help="rewrite the notebooks and figures themselves instead of a copy",
    )
    studies.set_defaults(run=_studies)
    check = commands.add_parser(
        "check",
        help="self-test of the installation",
        description="Compare versions, numbers, fonts and folders with what is expected.",
    )
    check.set_defaults(run=_check)
    return parser


def _studies(chosen: argparse.Namespace) -> int:
    from .studies import find_studies, notebooks_folder, refresh_studies, run_studies

    _require_notebook_packages()
    folder = notebooks_folder()
    notebooks = find_studies(chosen.names, folder)
    if chosen.refresh:
        return _report(refresh_studies(notebooks, folder.parent / "figures"))
    output = chosen.output or folder.parent / "build" / "studies"
    figures = chosen.output / "figures" if chosen.output else folder.parent / "figures"
    status = _report(run_studies(notebooks, output, figures))
    print(f"Open {output / 'index.html'}")
    return status


def _require_notebook_packages() -> None:
    absent = [name for name in NOTEBOOK_PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise DataError(
            f"{', '.join(absent)} cannot be imported",
            argument="studies",
            expected="the packages that run notebooks",
            remedy='`pip install "hemresearch[notebook]"`',
        )


def _report(studies: Iterable[Study]) -> int:
    """Print a line as each study ends; 1 if any of them failed."""
    status = 0
    for study in studies:
        failed = study.problem is not None
        print(study, file=sys.stderr if failed else sys.stdout, flush=True)
        status = max(status, int(failed))
    return status


def _check(_: argparse.Namespace) -> int:
    from .installation import examine

    start, counts = time.perf_counter(), {True: 0, False: 0}
    for finding in examine():
        counts[finding.ok] += 1
        print(finding, flush=True)
    print(f"{counts[True]} ok, {counts[False]} failed, {time.perf_counter() - start:.1f} s")
    return int(counts[False] > 0)
