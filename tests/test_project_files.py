"""The files around the code agree with each other, name no machine, and bind nobody to a copyleft licence."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import hemresearch

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = ("notebook", "tables", "io")
CONDA_NAMES = {"matplotlib": "matplotlib-base"}  # without the windows of a desktop

BUILT = {".git", ".venv", "build", "dist", "__pycache__", ".ipynb_checkpoints"}
BINARY = {".parquet", ".png", ".pdf", ".pyc", ".nbc", ".nbi"}
# Written in pieces, so that this file does not hold what it looks for.
FOLDERS = ("wo" + "rk", "ro" + "ot", "ho" + "me", "Use" + "rs", "far" + "m")
MACHINE_PATH = re.compile(r"(?<![\w.:/*-])/(?:" + "|".join(FOLDERS) + r")/\w")
REGISTRY = re.compile(
    "|".join(
        (
            "pypi" + r"\.org",
            "python" + "hosted",
            "anaconda" + r"\.org",
            "--index" + "-url",
            "--find" + "-links",
        )
    )
)

COPYLEFT = re.compile(r"\b[AL]?GPL|General Public License|Affero", re.IGNORECASE)


def requirements() -> list[Requirement]:
    """What the package needs at run time, with every extra that is not for developers."""
    listed = [
        *PROJECT["dependencies"],
        *(r for extra in EXTRAS for r in PROJECT["optional-dependencies"][extra]),
    ]
    return [Requirement(text) for text in listed]


def files() -> list[Path]:
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [n for n in inner if n not in BUILT and not (n.startswith(".") and n != ".ci")]
        found += [Path(folder, name) for name in names]
    return [p for p in found if p.suffix not in BINARY and not p.name.startswith(".coverage")]


def test_conda_and_pip_install_the_same_ranges() -> None:
    lines = re.findall(
        r"^  - ([a-z0-9-]+)([<>=][^\s]*)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.M
    )
    conda = {name: SpecifierSet(range_) for name, range_ in lines}
    pip = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in requirements()}
    assert conda == pip | {"python": SpecifierSet(PROJECT["requires-python"])}


def test_make_looks_for_the_pythons_that_are_allowed() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    allowed = SpecifierSet(PROJECT["requires-python"])
    named = {
        Version(found)
        for found in re.findall(r"python(3\.\d+)", text.split("for python in")[1].split(";")[0])
    }
    assert named == {Version(f"3.{minor}") for minor in range(30) if f"3.{minor}" in allowed}
    assert f"--python '{PROJECT['requires-python']}'" in text
    low, high = (tuple(map(int, pair)) for pair in re.findall(r"\((\d), (\d+)\)", text))
    assert SpecifierSet(f">={low[0]}.{low[1]},<{high[0]}.{high[1]}") == allowed


def test_one_command_checks_everything_and_can_be_run() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")


def test_the_families_are_known_to_type_checkers() -> None:
    stub = ast.parse((ROOT / "src" / "hemresearch" / "__init__.pyi").read_text(encoding="utf-8"))
    typed = {alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(hemresearch.__all__) - {"__version__"}


def test_every_family_can_be_imported() -> None:
    assert [name for name in dir(hemresearch) if not hasattr(hemresearch, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'surival'"):
        _ = hemresearch.surival


def test_the_version_is_told_once() -> None:
    assert hemresearch.__version__ == PROJECT["version"]


@pytest.mark.parametrize(
    ("kind", "pattern"), [("a path of a machine", MACHINE_PATH), ("a package registry", REGISTRY)]
)
def test_no_file_names_a_machine_or_a_registry(kind: str, pattern: re.Pattern[str]) -> None:
    named = []
    for path in files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        named += [
            f"{path.relative_to(ROOT)} names {kind}: {found.group()}" for found in pattern.finditer(text)
        ]
    assert named == []


def test_the_code_is_under_the_licence_it_names() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "BSD-3-Clause"
    assert "Redistribution and use in source and binary forms" in text
    assert "Neither the name" in text


def canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def installed_closure() -> set[str]:
    """Every distribution that is installed with the package and its extras."""
    reached: set[str] = set()
    waiting = requirements()
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        if name in reached:
            continue
        reached.add(name)
        waiting += [
            inner
            for inner in map(Requirement, metadata.requires(requirement.name) or ())
            if inner.marker is None
            or any(inner.marker.evaluate({"extra": e}) for e in ("", *requirement.extras))
        ]
    return reached


def imported() -> set[str]:
    """The top-level names of every package that the code imports, at whatever place."""
    nodes = [
        node
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    ]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    direct = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in plain | direct} - sys.stdlib_module_names - {"hemresearch"}


def test_every_package_that_is_imported_is_installed_with_this_one() -> None:
    providers = metadata.packages_distributions()
    there = {canonical(name) for name in installed_closure()}
    found = {name: {canonical(d) for d in providers.get(name, ())} for name in imported()}
    assert {name for name, distributions in found.items() if not distributions & there} == set()


def licence(name: str) -> str:
    """What a distribution says of its licence; the first line of a text."""
    facts = metadata.metadata(name)
    classified = [c for c in facts.get_all("Classifier") or () if c.startswith("License")]
    stated = (facts.get("License-Expression") or facts.get("License") or "").strip().splitlines()
    return "; ".join([*stated[:1], *classified])


def test_nothing_that_is_needed_is_under_a_copyleft_licence() -> None:
    licences = {name: licence(name) for name in sorted(installed_closure())}
    assert len(licences) > 30
    assert {name: text for name, text in licences.items() if COPYLEFT.search(text)} == {}


@pytest.mark.parametrize(
    "text", ["GPL-3.0-only", "LGPLv2+", "GNU Affero General Public License v3", "AGPL-3.0"]
)
def test_a_copyleft_licence_is_seen(text: str) -> None:
    assert COPYLEFT.search(text)


@pytest.mark.parametrize("text", ["MPL-2.0", "BSD 3-Clause License", "MIT AND Apache-2.0", "PSF-2.0"])
def test_a_permissive_licence_is_fine(text: str) -> None:
    assert not COPYLEFT.search(text)
