"""What a notebook says about the session it ran in."""

from __future__ import annotations

import getpass
import platform
import socket
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from hemresearch.report import session, session_info


def test_it_names_python_the_system_and_the_versions_of_the_packages():
    info = session_info()
    assert info.python == platform.python_version()
    assert list(info.packages) == [
        "hemresearch", "numpy", "scipy", "polars", "matplotlib", "formulaic", "numba", "lifelines",
    ]  # fmt: skip
    assert info.packages["polars"] == version("polars")
    assert repr(info).splitlines()[0] == f"Python {info.python} on {info.system}"
    assert f"polars       {version('polars')}" in repr(info)


def test_it_tells_nothing_about_whose_machine_it_was(monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "ward-7-pc")
    shown = repr(session_info()) + session_info()._repr_html_()
    for private in (socket.gethostname(), "ward-7-pc", str(Path.home()), str(Path.cwd()), sys.prefix):
        assert private not in shown
    assert f"/{getpass.getuser()}" not in shown


def test_the_html_holds_the_same_versions():
    info = session_info()
    for name, number in info.packages.items():
        assert f"<td>{name}</td><td>{number}</td>" in info._repr_html_()


def test_a_package_that_is_not_there_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(session, "PACKAGES", ("hemresearch", "no-such-package-here"))
    assert session_info().packages["no-such-package-here"] == "not installed"


def test_it_loads_none_of_the_packages():
    code = (
        "import sys; from hemresearch.report.session import session_info; "
        "session_info(); print('lifelines' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
