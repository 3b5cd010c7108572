"""The self-test knows R's values of every public estimator, and sees what is wrong with an installation."""

from __future__ import annotations

import inspect
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from hemresearch import installation, survival
from hemresearch.cli import main
from hemresearch.installation import Finding, check_font, check_numbers, check_values, differences_from_r
from hemresearch.numerics import compiled

REFERENCE = Path(__file__).parent / "reference"
CASES = check_values()
MOST_TOLERATED = 5e-3  # km.ci reads critical values of bands from printed tables
FROM_ELSEWHERE = {"from_lifelines"}  # what takes in the fit of another package has no value of R
FURTHER = (
    "cox", "ph_test", "concordance", "parametric", "cumulative_incidence", "gray_test", "fine_gray",
    "mean_cumulative", "andersen_gill",
)  # fmt: skip
CASE = CASES[0]


def stored(case: dict[str, Any]) -> Any:
    """The values that R gave for the case that a check is drawn from."""
    topic, name = case["reference"].split("/")
    cases = json.loads((REFERENCE / f"{topic}.json").read_text(encoding="utf-8"))["cases"]
    return next(c["values"] for c in cases if c["id"] == name)


def test_every_public_estimator_has_at_least_three_values_of_r() -> None:
    functions = (name for name in survival.__all__ if inspect.isfunction(getattr(survival, name)))
    counts = dict.fromkeys({*functions, *FURTHER} - FROM_ELSEWHERE, 0)
    for case in CASES:
        counts[case["estimator"]] += len(case["values"])
    assert {name: n for name, n in counts.items() if n < 3} == {}


@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case['estimator']}-{case['reference'].split('/')[1]}"
)
def test_the_values_to_check_are_those_that_r_gave(case: dict[str, Any]) -> None:
    for wanted in case["values"]:
        value = stored(case)
        for step in wanted["path"]:
            value = value[step]
        assert wanted["equals"] == (None if value is None else float(value))
        assert wanted.get("tolerance", 0) <= MOST_TOLERATED


def test_this_installation_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert " 0 failed, " in lines[-1]
    for part in (
        "hemresearch",
        "python",
        "polars",
        "kaplan_meier",
        "font DejaVu Sans",
        "temporary folder",
        "current folder",
    ):
        assert any(line.startswith("ok") and part in line for line in lines), part


def test_a_wrong_number_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = json.loads(json.dumps(CASE))
    wrong["values"][0]["equals"] *= 1 + 1e-6
    monkeypatch.setattr(installation, "check_values", lambda: [wrong])
    assert main(["check"]) == 1
    said = capsys.readouterr().out
    n = len(wrong["values"])
    assert f"FAILED  {wrong['estimator']}" in said
    assert f"{n - 1} of {n} values as in R" in said
    assert " 1 failed" in said


def test_an_estimator_that_refuses_fails_with_its_reason() -> None:
    (finding,) = check_numbers([CASE | {"arguments": CASE["arguments"] | {"time": "futim"}}])
    assert not finding.ok
    assert "futim" in finding.detail


def test_a_missing_value_is_no_number() -> None:
    wanted = {"frame": "at", "with": {"times": [1e6]}, "column": "estimate"}
    case = {"estimator": "kaplan_meier", "data": "myeloid", "arguments": {"time": "futime", "event": "death"}}
    assert differences_from_r(case | {"values": [wanted | {"equals": 0.5}]}) == [float("inf")]
    assert differences_from_r(case | {"values": [wanted | {"equals": None}]}) == [0.0]
    there = wanted | {"with": {"times": [12]}, "equals": None}
    assert differences_from_r(case | {"values": [there]}) == [float("inf")]


def test_a_package_out_of_range_or_absent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = ["numpy<1", "no-such-package>=1", 'no-such-extra>=1; extra == "tables"', 'ruff; extra == "dev"']
    monkeypatch.setattr(metadata, "requires", lambda _: needs)
    found = {finding.name: finding for finding in installation.check_versions()}
    assert not found["numpy"].ok
    assert not found["no-such-package"].ok
    assert "pip install no-such-package" in found["no-such-package"].detail
    assert found["no-such-extra"].ok
    assert 'pip install "hemresearch[tables]"' in found["no-such-extra"].detail
    assert "ruff" not in found


def test_a_font_that_is_not_there_fails() -> None:
    finding = check_font("No Such Font")
    assert not finding.ok
    assert "another font" in finding.detail


def test_a_folder_that_cannot_be_written_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(installation.tempfile, "gettempdir", lambda: str(tmp_path / "file"))
    found = {finding.name: finding for finding in installation.check_folders()}
    assert not found["temporary folder"].ok
    assert "set TMPDIR" in found["temporary folder"].detail
    assert found["current folder"].ok


def test_kernels_that_are_compiled_in_every_process_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "kernel", lambda function: function)
    found = {finding.name: finding for finding in installation.check_folders()}
    assert not found["kernel cache"].ok
    assert "set NUMBA_CACHE_DIR" in found["kernel cache"].detail


def test_a_finding_is_one_line() -> None:
    assert str(Finding("python", True, "3.11")) == "ok      python                    3.11"
    assert str(Finding("python", False, "3.9")).startswith("FAILED  python")
