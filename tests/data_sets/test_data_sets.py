"""The open data sets: complete, unchanged, described, and the same in every place that speaks of them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

import hemresearch as hem
from hemresearch.data.dictionary import readme
from hemresearch.data.store import Store
from hemresearch.errors import DataError

ROOT = Path(__file__).parents[2]
FOLDERS = {
    "data": (
        "Open data sets",
        "What the studies and the examples read with `hem.data.load`, described as by `hem.data.describe`.",
    ),
    "tests/data": ("Data sets of the tests", "Open data that only the tests read, beside those in `data/`."),
}
ALL = [(folder, name) for folder in FOLDERS for name in Store(ROOT / folder).names]


@pytest.fixture(params=ALL, ids=[name for _, name in ALL])
def kept(request: pytest.FixtureRequest) -> tuple[Store, str]:
    folder, name = request.param
    return Store(ROOT / folder), name


def test_a_data_set_is_what_its_catalogue_says(kept: tuple[Store, str]):
    store, name = kept
    entry, frame = store.entries[name], store.read(name)
    assert frame.height == entry["rows"]
    assert frame.columns == list(entry["columns"])
    for column, facts in entry["columns"].items():
        assert facts["meaning"], column
        levels = facts.get("levels")
        assert (frame.schema[column] == pl.Enum(levels)) if levels else frame.schema[column] != pl.Categorical
        present = {str(value).removesuffix(".0") for value in frame[column].drop_nulls().unique()}
        assert present <= set(facts.get("codes") or levels or present), column


def test_a_file_has_the_checksum_of_the_catalogue(kept: tuple[Store, str]):
    store, name = kept
    content = (store.folder / f"{name}.parquet").read_bytes()
    assert hashlib.sha256(content).hexdigest() == store.entries[name]["sha256"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_in_the_catalogue_and_no_other(folder: str):
    store = Store(ROOT / folder)
    assert sorted(path.stem for path in store.folder.glob("*.parquet")) == store.names


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_readme_says_what_the_catalogue_says(folder: str):
    title, introduction = FOLDERS[folder]
    written = readme(Store(ROOT / folder), title=title, introduction=introduction)
    assert (ROOT / folder / "README.md").read_text(encoding="utf-8") == written


def test_no_name_stands_in_both_folders():
    first, second = (set(Store(ROOT / folder).names) for folder in FOLDERS)
    assert not first & second


def test_the_catalogue_lists_every_data_set_in_one_row():
    listed = hem.data.catalogue()
    assert listed.columns == ["name", "title", "rows", "columns", "simulated", "study", "package", "licence"]
    assert listed["name"].to_list() == Store(ROOT / "data").names
    assert listed.filter(pl.col("simulated"))["name"].to_list() == ["myeloid", "sire"]
    for row in listed.iter_rows(named=True):
        assert hem.data.load(row["name"]).shape == (row["rows"], row["columns"])


def test_known_counts_of_patients_and_events():
    myeloid = hem.data.load("myeloid")
    assert (myeloid.height, myeloid["death"].sum(), myeloid["txtime"].null_count()) == (646, 320, 282)
    transplants = hem.data.load("kmsurv_alloauto")
    assert transplants.group_by("type").agg(pl.len(), pl.col("delta").sum()).sort("type").rows() == [
        (1, 50, 22),
        (2, 51, 28),
    ]
    assert hem.data.load("veteran").select(pl.len(), pl.col("status").sum()).row(0) == (137, 128)
    assert hem.data.load("mgus2").select("pstat", "death").sum().row(0) == (115, 963)


def test_the_first_level_of_a_factor_is_its_reference():
    assert hem.data.load("bmtcrr")["Phase"].dtype == pl.Enum(["CR1", "CR2", "CR3", "Relapse"])


def test_a_description_shows_columns_units_and_codes():
    described = hem.data.describe("kmsurv_bmt")
    frame = described.to_frame()
    assert frame.columns == ["column", "meaning", "unit", "values"]
    assert frame.height == 22
    assert frame.row(by_predicate=pl.col("column") == "t2", named=True)["unit"] == "days"
    assert frame.row(by_predicate=pl.col("column") == "z3", named=True)["values"] == "0 = female, 1 = male"
    assert frame.row(by_predicate=pl.col("column") == "t2", named=True)["values"] is None


@pytest.mark.parametrize("name", Store(ROOT / "data").names)
def test_a_description_is_three_to_ten_lines_and_tells_real_from_simulated(name: str):
    described = hem.data.describe(name)
    lines = repr(described).splitlines()
    assert 3 <= len(lines) <= 10
    assert all(len(line) <= 100 for line in lines)
    kind = "Simulated data" if described.simulated else "Real data"
    assert kind in repr(described)
    assert described.text().startswith(kind)


def test_a_description_in_a_notebook_is_a_table_with_safe_text():
    shown = hem.data.describe("myeloma")._repr_html_()
    assert shown.count("<tr>") == 6
    assert "LGPL (&gt;= 2)" in shown


@pytest.mark.parametrize("call", ["load", "describe"])
def test_an_unknown_name_is_refused_with_the_nearest_names(call: str):
    with pytest.raises(DataError) as refused:
        getattr(hem.data, call)("Myelod")
    assert refused.value.argument == "name"
    assert "there is no data set 'Myelod'" in str(refused.value)
    assert "a name in hem.data.catalogue() (did you mean 'myeloid' or 'myeloma'?)" in str(refused.value)
    assert "Try name='myeloid'." in str(refused.value)


@pytest.mark.parametrize("name", ["", "/etc/passwd", None, 3])
def test_a_name_like_no_other_is_refused_with_the_catalogue(name: object):
    with pytest.raises(DataError, match=r"Try hem\.data\.catalogue\(\)\."):
        hem.data.load(name)  # type: ignore[arg-type]


@pytest.fixture
def copied(tmp_path: Path) -> Store:
    for file in ("catalogue.json", "aml.parquet"):
        shutil.copy(ROOT / "data" / file, tmp_path / file)
    return Store(tmp_path)


def test_a_changed_file_is_refused_and_the_remedy_restores_it(copied: Store):
    assert copied.read("aml").equals(hem.data.load("aml"))
    path = copied.folder / "aml.parquet"
    pl.read_parquet(path).with_columns(time=pl.col("time") + 1).write_parquet(path)
    with pytest.raises(DataError) as refused:
        copied.read("aml")
    message = str(refused.value)
    assert message.startswith("name: the file of the data set 'aml' is not the one that was distributed.")
    assert "Expected aml.parquet with the checksum in catalogue.json." in message
    assert "git checkout -- " in message
    assert "pip install --force-reinstall hemresearch" in message


def test_a_missing_file_is_refused_by_name(copied: Store):
    (copied.folder / "aml.parquet").unlink()
    with pytest.raises(DataError, match="the file of the data set 'aml' is missing"):
        copied.read("aml")


def test_a_missing_catalogue_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"the list of data sets, catalogue\.json, is missing"):
        Store(tmp_path).read("aml")


def test_levels_are_restored_where_a_file_has_lost_them(copied: Store):
    path, catalogue = copied.folder / "aml.parquet", copied.folder / "catalogue.json"
    pl.read_parquet(path).with_columns(pl.col("x").cast(pl.String)).write_parquet(path)
    entries = json.loads(catalogue.read_text(encoding="utf-8"))
    entries["aml"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    catalogue.write_text(json.dumps(entries), encoding="utf-8")
    assert Store(copied.folder).read("aml").schema["x"] == pl.Enum(["Maintained", "Nonmaintained"])
