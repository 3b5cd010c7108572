"""Excel workbooks and CSV files, read back."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import Table, to_csv, to_excel, to_word
from hemresearch.report.excel import defused

DANGEROUS = ["=1+1", "+46701234567", "-2+3", "@SUM(A1)", "\tx", "http://x.org", "12"]
TABLE = Table(
    ("", "HR (95% CI)", "p", "HR (95% CI)", "p"),
    (("=Arm", "", "", "", ""), ("B", "0.71 (0.55–0.92)", "0.009", "0.73", "0.018")),
    title="=Table 1",
    footnotes=("@note",),
    kinds=("heading", "indented"),
    spanners=(("Univariable", 1, 2), ("Other", 3, 4)),
)


def parts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def cells(path: Path, sheet: int = 1) -> dict[str, str | float]:
    """Values by cell; text as text, numbers as numbers."""
    content = parts(path)
    shared = re.findall(r"<si><t[^>]*>([^<]*)</t></si>", content.get("xl/sharedStrings.xml", ""))
    found: dict[str, str | float] = {}
    pattern = r'<c r="([A-Z]+\d+)"([^>]*)><v>([^<]*)</v></c>'
    for name, kind, value in re.findall(pattern, content[f"xl/worksheets/sheet{sheet}.xml"]):
        found[name] = shared[int(value)] if 't="s"' in kind else float(value)
    return found


def test_numbers_of_frames_stay_numbers_with_all_their_digits(tmp_path):
    frame = pl.DataFrame({"arm": ["A", "B"], "n": [1, 2], "estimate": [0.123456789012, None]})
    found = cells(to_excel(tmp_path / "a.xlsx", frame=frame))
    assert found == {
        "A1": "arm",
        "B1": "n",
        "C1": "estimate",
        "A2": "A",
        "B2": 1.0,
        "C2": 0.123456789012,
        "A3": "B",
        "B3": 2.0,
    }


def test_text_is_never_a_formula_a_number_or_a_link(tmp_path):
    frame = pl.DataFrame({"=cmd": DANGEROUS})
    path = to_excel(tmp_path / "a.xlsx", frame=frame, table=TABLE)
    content = parts(path)
    assert not any("<f>" in text or "<hyperlink" in text for name, text in content.items() if "sheet" in name)
    assert all(isinstance(value, str) for value in cells(path).values())
    assert list(cells(path).values())[1:5] == DANGEROUS[:4]


def test_a_table_is_written_as_it_is_shown(tmp_path):
    found = cells(to_excel(tmp_path / "a.xlsx", **{"Table 1": TABLE}))
    assert found["A1"] == "=Table 1"
    assert found["B2"] == "Univariable"
    assert [found.get(f"{c}3") for c in "BCDE"] == ["HR (95% CI)", "p", "HR (95% CI)", "p"]
    assert found["A4"] == "=Arm"
    assert found["B5"] == "0.71 (0.55–0.92)"
    assert found["A6"] == "@note"


def test_results_and_several_sheets(tmp_path):
    curves = hem.survival.kaplan_meier(pl.DataFrame({"t": [1, 2], "e": [1, 0]}), time="t", event="e")
    path = to_excel(tmp_path / "a.xlsx", curves=curves, TABLE=TABLE)
    assert re.findall(r'<sheet name="([^"]+)"', parts(path)["xl/workbook.xml"]) == ["curves", "TABLE"]
    assert cells(path)["A1"] == "time"
    assert cells(TABLE.to_excel(tmp_path / "b.xlsx"))["A1"] == "=Table 1"


def test_infinite_and_missing_numbers_can_be_written(tmp_path):
    frame = pl.DataFrame({"x": [1.0, float("inf"), float("nan"), None]})
    assert cells(to_excel(tmp_path / "a.xlsx", frame=frame))["A2"] == 1.0


def test_the_same_content_gives_the_same_bytes(tmp_path):
    frame = pl.DataFrame({"arm": ["A"], "n": [1]})
    first = to_excel(tmp_path / "a.xlsx", frame=frame, table=TABLE).read_bytes()
    assert to_excel(tmp_path / "b.xlsx", frame=frame, table=TABLE).read_bytes() == first
    assert "2000-01-01T00:00:00Z" in parts(tmp_path / "a.xlsx")["docProps/core.xml"]


@pytest.mark.parametrize("name", ["a/b", "x" * 32, "", "[1]", "a:b", "'a"])
def test_names_that_excel_does_not_take_are_refused(tmp_path, name):
    assert_refused(
        lambda: to_excel(tmp_path / "a.xlsx", **{name: TABLE}), argument="sheets", says=["1 to 31 characters"]
    )


def test_no_sheet_or_names_that_differ_in_case_only_are_refused(tmp_path):
    assert_refused(lambda: to_excel(tmp_path / "a.xlsx"), argument="sheets", says=["medians=table"])
    assert_refused(lambda: to_excel(tmp_path / "a.xlsx", a=TABLE, A=TABLE), argument="sheets")


@pytest.mark.parametrize(("write", "suffix"), [(to_csv, ".csv"), (None, ".xlsx")])
def test_another_ending_is_refused(tmp_path, write, suffix):
    path = tmp_path / "a.txt"
    call = (lambda: write(path, TABLE)) if write else (lambda: to_excel(path, a=TABLE))
    assert_refused(call, argument="path", says=[f"a{suffix}"])


def test_csv_text_that_looks_like_a_formula_gets_an_apostrophe(tmp_path):
    frame = pl.DataFrame({"=code": DANGEROUS, "n": [-1.5, None, 3, 4, 5, 6, 7]})
    path = to_csv(tmp_path / "new" / "a.csv", frame)
    read = pl.read_csv(path, infer_schema=False)
    assert read.columns == ["'=code", "n"]
    assert read["'=code"].to_list() == [*("'" + text for text in DANGEROUS[:5]), *DANGEROUS[5:]]
    assert read["n"].to_list()[:2] == ["-1.5", None]


def test_csv_keeps_categories_missing_text_and_swedish_letters(tmp_path):
    frame = pl.DataFrame(
        {
            "a": pl.Series(["å", None], dtype=pl.Categorical),
            "b": pl.Series(["-x", "y"], dtype=pl.Enum(["-x", "y"])),
        }
    )
    path = to_csv(tmp_path / "a.csv", frame)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert path.read_text(encoding="utf-8-sig") == "a,b\nå,'-x\n,y\n"


def test_csv_of_a_table_is_what_it_shows(tmp_path):
    text = to_csv(tmp_path / "a.csv", TABLE).read_text(encoding="utf-8-sig")
    assert "'=Arm" in text
    assert "0.71 (0.55–0.92)" in text


def test_csv_of_a_result_holds_its_tidy_frame(tmp_path):
    curves = hem.survival.kaplan_meier(pl.DataFrame({"t": [1, 2], "e": [1, 0]}), time="t", event="e")
    assert to_csv(tmp_path / "a.csv", curves).read_text(encoding="utf-8-sig").startswith("time,n_risk")


def _sheet(tmp_path, item):
    return pl.read_csv(to_csv(tmp_path / "a.csv", item))


def test_a_spreadsheet_has_ratios_under_their_name(tmp_path):
    """No logarithm stands where a ratio is looked for; what has no ratio has an empty cell."""
    trial = hem.data.load("veteran")
    roles = {"time": "time", "event": "status"}
    fit = hem.regression.cox(trial, "trt + rcs(karno, df=3)", **roles)
    sheet = _sheet(tmp_path, fit)
    assert sheet.columns == [
        "term", "hazard_ratio", "conf_low", "conf_high", "p_value", "coefficient", "coefficient_std_error",
    ]  # fmt: skip
    np.testing.assert_allclose(sheet["coefficient"], fit.coef)
    np.testing.assert_allclose(sheet["hazard_ratio"][0], np.exp(fit.coef[0]))
    assert sheet["hazard_ratio"].null_count() == 3
    alone = _sheet(tmp_path, hem.regression.univariable(trial, "trt + karno", **roles))
    assert alone.columns[:5] == ["term", "n", "n_event", "n_dropped", "hazard_ratio"]
    found = hem.regression.contrast(fit, {"karno": [40, 80]}, {"karno": 60})
    np.testing.assert_allclose(_sheet(tmp_path, found)["hazard_ratio"], np.exp(found.estimate))
    models = _sheet(tmp_path, hem.regression.across_models({"One": fit}, "trt"))
    np.testing.assert_allclose(models["hazard_ratio"], np.exp(fit.coef[:1]))
    weibull = hem.regression.parametric(trial, "karno", distribution="weibull", **roles)
    assert _sheet(tmp_path, weibull)["time_ratio"].null_count() == 2
    levels = hem.regression.subgroup_effects(trial, "trt", subgroups="prior", **roles)
    sheet = _sheet(tmp_path, levels)
    np.testing.assert_allclose(sheet["hazard_ratio"], np.exp(sheet["coefficient"]))


@pytest.mark.parametrize("text", ["x", "1-2", "a=b", ""])
def test_harmless_text_is_left_alone(text):
    assert defused(text) == text


@pytest.mark.parametrize("write", [to_csv, lambda path, item: to_excel(path, a=item), to_word])
def test_a_result_in_the_place_of_the_path_is_refused(write):
    refusal = assert_refused(
        lambda: write(pl.DataFrame({"x": [1]}), "t"), argument="path", says=["DataFrame"]
    )
    assert refusal.remedy.startswith("path='results.")
