"""Files of the Human Mortality Database and of Statistics Sweden, written here from open rates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable

SWEDEN = hem.data.life_table("sweden")
AGES, YEARS = list(range(101)), [2018, 2019, 2020]


def rates(sex: str, year: int) -> np.ndarray:
    return SWEDEN.rate(AGES, year, sex)


def old(age: int) -> str:
    return f"{age}+" if age == AGES[-1] else str(age)


@pytest.fixture
def deaths_file(tmp_path: Path) -> Path:
    """Death rates of both sexes, as `Mx_1x1.txt` has them."""
    lines = [
        "Sweden, Death rates (period 1x1), \tLast modified: 01 Jan 2022;  Methods Protocol: v6 (2017)",
        "",
    ]
    lines.append("  Year          Age             Female            Male           Total")
    for year in YEARS:
        women, men = (rates(sex, year) for sex in ("female", "male"))
        for age in AGES:
            values = f"{women[age]:16.6f}{men[age]:16.6f}{(women[age] + men[age]) / 2:16.6f}"
            lines.append(f"  {year}{old(age):>11}{values}")
    return written(tmp_path / "Mx_1x1.txt", lines)


def life_table_file(folder: Path, sex: str, word: str, name: str) -> Path:
    """The life table of one sex, as `mltper_1x1.txt` has it."""
    lines = [
        f"Sweden, Life tables (period 1x1), {word}\tLast modified: 01 Jan 2022; Methods Protocol: v6 (2017)"
    ]
    lines += ["", "  Year          Age         mx       qx    ax      lx      dx      Lx       Tx     ex"]
    for year in YEARS:
        for age, mx in zip(AGES, rates(sex, year), strict=True):
            qx = 1.0 if age == AGES[-1] else mx / (1 + mx / 2)
            lines.append(
                f"  {year}{old(age):>11}{mx:11.5f}{qx:9.5f}  0.50  100000  100  99950  8000000  80.00"
            )
    return written(folder / name, lines)


def written(path: Path, lines: list[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def assert_swedish(table: LifeTable, near: float) -> None:
    part = SWEDEN.table[:, :, :, -len(YEARS) :]
    assert list(table.sexes) == ["male", "female"]
    np.testing.assert_allclose(table.table, part, atol=near / 365.25)
    assert table.years.tolist() == YEARS
    assert table.name == "Sweden"


# --- Human Mortality Database


def test_death_rates_are_read(deaths_file: Path):
    table = LifeTable.from_hmd(deaths_file)
    assert_swedish(table, 1e-6)
    assert table.codes(pl.Series(["male", "female", "1"])).tolist() == [0, 1, -1]
    coded = LifeTable.from_hmd(str(deaths_file), sexes={"male": "M", "female": "K"}, name="Riket")
    assert coded.codes(pl.Series(["K", "M"])).tolist() == [1, 0]
    assert coded.name == "Riket"


def test_life_tables_of_both_sexes_are_read_together(tmp_path: Path):
    men = life_table_file(tmp_path, "male", "Males", "mltper_1x1.txt")
    women = life_table_file(tmp_path, "female", "Females", "fltper_1x1.txt")
    assert_swedish(LifeTable.from_hmd(men, women), 1e-5)
    both = life_table_file(tmp_path, "male", "Total", "bltper_1x1.txt")
    assert list(LifeTable.from_hmd(both).sexes) == ["both"]


def test_a_dot_is_a_missing_rate(deaths_file: Path):
    text = deaths_file.read_text()
    last = [line for line in text.splitlines() if "100+" in line]
    holed = text.replace(last[0], f"  {YEARS[0]}       100+               .               .               .")
    deaths_file.write_text(holed)
    assert_refused(lambda: LifeTable.from_hmd(deaths_file), argument="frame", says=["2 cells without a rate"])
    table = assert_warns(
        lambda: LifeTable.from_hmd(deaths_file, missing_rates="previous age"), argument="frame"
    )
    assert table.rate(100, YEARS[0], "male") == table.rate(99, YEARS[0], "male")


def test_groups_of_ages_and_years_are_bands(tmp_path: Path):
    lines = ["Sweden, Death rates (period 5x5), \tLast modified: 01 Jan 2022", ""]
    lines.append("  Year          Age             Female            Male           Total")
    for period in ("2010-2014", "2015-2019"):
        for i, age in enumerate(("0", "1-4", "5-9", "10+")):
            lines.append(f"{period} {age} 0.0{i + 1} 0.1{i + 1} 0.05")
    table = LifeTable.from_hmd(written(tmp_path / "Mx_5x5.txt", lines))
    assert table.ages.tolist() == list(range(11))
    assert table.years.tolist() == list(range(2010, 2020))
    assert table.rate([3, 7, 40], 2018, "male") == pytest.approx([0.12, 0.13, 0.14])


def test_files_of_another_kind_are_refused(tmp_path: Path, deaths_file: Path):
    assert_refused(LifeTable.from_hmd, argument="paths", says=["no file was named"])
    for lines in (
        ["Year Age Female Male"],
        [],
        ["Sweden, Births", "", "Year Female Male Total", "2000 1 2 3"],
    ):
        path = written(tmp_path / "other.txt", lines)
        assert_refused(lambda path=path: LifeTable.from_hmd(path), argument="paths", says=["'other.txt'"])
    titled = written(
        tmp_path / "head.txt", ["Sweden, Death rates (period 1x1)", "Year Age Total", "2000 0 0.1"]
    )
    assert_refused(
        lambda: LifeTable.from_hmd(titled), argument="paths", says=["does not begin as one of the Human"]
    )
    nameless = life_table_file(tmp_path, "male", "Cohort", "x.txt")
    assert_refused(lambda: LifeTable.from_hmd(nameless), argument="paths")
    head = deaths_file.read_text().splitlines()[:3]
    empty = written(tmp_path / "empty.txt", head)
    assert_refused(lambda: LifeTable.from_hmd(empty), argument="paths", says=["has no rows of rates"])
    broken = written(tmp_path / "broken.txt", [*head, "2000 0 0.1 0.1 0.1", "2000 one 0.1 0.1 0.1", "2000 2"])
    assert_refused(lambda: LifeTable.from_hmd(broken), argument="paths", says=["line 2, 3 of its rows"])
    assert_refused(
        lambda: LifeTable.from_hmd(deaths_file, deaths_file), argument="frame", rows=range(607, 1213),
        says=["were there before"],
    )  # fmt: skip


# --- Statistics Sweden

SV = {"male": "män", "female": "kvinnor"}
RISK = "Dödsrisker (promille)"


@pytest.mark.parametrize(
    "title", ["Deaths (period 1x1)", "Exposure to risk (period 1x1)", "Death rates (cohort 1x1)", ""]
)
def test_contents_in_the_layout_of_death_rates_are_refused(tmp_path: Path, deaths_file: Path, title: str):
    """Numbers of deaths as rates would be hazards of thousands a year, those of cohorts in the wrong year."""
    lines = deaths_file.read_text(encoding="utf-8").splitlines()
    other = written(tmp_path / "other.txt", [f"Sweden, {title}, \tLast modified: 01 Jan 2022", *lines[1:]])
    assert_refused(
        lambda: LifeTable.from_hmd(other), argument="paths", says=["not titled as death rates", "'other.txt'"]
    )


def per_mille(sex: str, year: int, age: int) -> str:
    return f"{1000 * -np.expm1(-rates(sex, year)[age]):.4f}"


def age_text(age: int) -> str:
    return f"{old(age)} år"


def side_by_side(delimiter: str = ",") -> list[str]:
    head = delimiter.join(['"kön"', '"ålder"', *[f'"{RISK} {year}"' for year in YEARS]])
    rows = [
        delimiter.join([f'"{SV[sex]}"', f'"{age_text(age)}"', *[per_mille(sex, y, age) for y in YEARS]])
        for sex in SV
        for age in AGES
    ]
    return [head, *rows]


def in_rows(further: str = "") -> list[str]:
    head = f'"kön","ålder","år","Risktid","{RISK}"'
    rows = [
        f'"{SV[sex]}","{age_text(age)}","{year}",1000,{per_mille(sex, year, age)}'
        for sex in SV
        for age in AGES
        for year in YEARS
    ]
    return [head, *rows, *([further] if further else [])]


def test_years_side_by_side_under_a_title(tmp_path: Path):
    lines = ['"Ettårig livslängdstabell för hela riket efter kön och ålder"', "", *side_by_side()]
    assert_swedish(LifeTable.from_scb(written(tmp_path / "t.csv", lines)), 1e-6)


def test_semicolons_and_the_older_encoding(tmp_path: Path):
    lines = [line.replace(".", ",") for line in side_by_side(";")]
    lines[0] = lines[0].replace(",", ".")
    assert_swedish(LifeTable.from_scb(written(tmp_path / "t.csv", lines, "latin-1")), 1e-6)


def test_years_in_rows_with_totals_left_out(tmp_path: Path):
    path = written(tmp_path / "t.csv", in_rows('"totalt","0 år","2018",1,1'))
    table = LifeTable.from_scb(path, sexes={"male": 1, "female": 2})
    assert_swedish(table, 1e-6)
    assert table.codes(pl.Series([2, 1])).tolist() == [1, 0]
    same = LifeTable.from_scb(path, measure=RISK)
    np.testing.assert_array_equal(np.sort(same.table, axis=1), np.sort(table.table, axis=1))


def json_stat(version: int, **further: object) -> dict:
    dimension = {
        "Kon": {
            "label": "kön", "category": {"index": {"1": 0, "2": 1}, "label": {"1": "män", "2": "kvinnor"}}
        },
        "Alder": {"label": "ålder", "category": {"index": [old(a) for a in AGES], "label": {}}},
        "ContentsCode": {
            "label": "tabellinnehåll", "category": {"index": {"BE0101AX": 0}, "label": {"BE0101AX": RISK}}
        },
        "Tid": {"label": "år", "category": {"index": {str(y): i for i, y in enumerate(YEARS)}}},
        **further,
    }  # fmt: skip
    values = [float(per_mille(sex, year, age)) for sex in SV for age in AGES for year in YEARS]
    ids = list(dimension)
    if version == 1:
        return {"dataset": {"dimension": {**dimension, "id": ids}, "value": values}}
    return {"version": "2.0", "class": "dataset", "id": ids, "dimension": dimension, "value": values}


@pytest.mark.parametrize("version", [1, 2])
def test_json_stat_is_read(tmp_path: Path, version: int):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(json_stat(version)), encoding="utf-8")
    assert_swedish(LifeTable.from_scb(path), 1e-6)


def test_json_stat_may_tell_only_some_values(tmp_path: Path):
    content = json_stat(2)
    content["value"] = {str(i): v for i, v in enumerate(content["value"]) if i != 7}
    path = tmp_path / "t.json"
    path.write_text(json.dumps(content))
    assert_refused(lambda: LifeTable.from_scb(path), argument="frame", says=["1 cell without a rate"])


def test_a_dot_in_the_oldest_age_is_missing(tmp_path: Path):
    lines = [line.rsplit(",", 1)[0] + ",.." if "100+" in line else line for line in in_rows()]
    path = written(tmp_path / "t.csv", lines)
    assert_refused(lambda: LifeTable.from_scb(path), argument="frame", says=["6 cells without a rate"])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["a,b", "1,2"], "has no heading"),
        (['"kön","ålder","x"', "män,0 år,1"], "has no column for the year"),
        (['"kön","ålder","år","' + RISK + '"', "pojkar,0 år,2000,1"], "'pojkar' where it has the sex"),
        (['"kön","ålder","år","' + RISK + '"', "män,noll,2000,1"], "'noll' where it has the age"),
        (['"kön","ålder","år","' + RISK + '"', "män,0 år,i fjol,1"], "'i fjol' where it has the year"),
        (['"kön","ålder","år","' + RISK + '"', "män,0 år,2000,ett"], "a value that is no number"),
    ],
)
def test_csv_that_is_no_life_table_is_refused(tmp_path: Path, lines: list[str], says: str):
    path = written(tmp_path / "t.csv", lines)
    assert_refused(lambda: LifeTable.from_scb(path), argument="path", says=["'t.csv'", says])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"), ("[]", "is not a JSON-stat dataset"), ('{"id": []}', "is not a JSON-stat"),
        (json.dumps({**json_stat(2), "id": ["Kon", "Alder"]}), "lacks the dimension"),
        (
            json.dumps(json_stat(2, Region={"label": "region", "category": {"index": ["01", "03"]}})),
            "is divided by 'Region'",
        ),
    ],
)  # fmt: skip
def test_json_that_is_no_life_table_is_refused(tmp_path: Path, text: str, says: str):
    path = tmp_path / "t.json"
    path.write_text(text)
    assert_refused(lambda: LifeTable.from_scb(path), argument="path", says=[says])


def test_a_measure_that_is_not_there_is_refused(tmp_path: Path):
    other = written(tmp_path / "t.csv", [line.replace(RISK, "Antal döda") for line in in_rows()])
    assert_refused(lambda: LifeTable.from_scb(other), argument="measure", says=["no probability of dying"])
    named = written(tmp_path / "u.csv", in_rows())
    assert_refused(
        lambda: LifeTable.from_scb(named, measure="dödsrisk (promille)"), argument="measure", says=[RISK]
    )
