"""Packages that only some outputs need: what is said when they are not there."""

from __future__ import annotations

import pytest

import hemresearch.report.extras as extras
from hemresearch.report import Table, to_excel, to_word

TABLE = Table(("a", "b"), (("x", "1"),))


@pytest.mark.parametrize(
    ("package", "call"),
    [
        ("great_tables", lambda folder: TABLE.to_html()),
        ("docx", lambda folder: to_word(folder / "a.docx", TABLE)),
        ("xlsxwriter", lambda folder: to_excel(folder / "a.xlsx", a=TABLE)),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_install_it(package, call, monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        call(tmp_path)
    assert package in str(caught.value)
    assert 'pip install "hemresearch[tables]"' in str(caught.value)
    assert not list(tmp_path.iterdir())
