"""Saved figures: three files that repeat byte for byte and tell nothing about the machine."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys

import matplotlib.pyplot as plt
import polars as pl
import pytest
from PIL import Image
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report.figures import data_hash, save_figure

TRIAL = hem.data.load("myeloid")
SCRIPT = """
import matplotlib; matplotlib.use("agg")
import hemresearch as hem
trial = hem.data.load("myeloid")
ax = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt").plot(width=80, title="Åäö – ≥")
hem.report.save_figure(ax, "os", folder="figures", caption="Överlevnad", data=trial)
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    plt.switch_backend("agg")
    monkeypatch.delenv("HEMRESEARCH_FIGURES", raising=False)
    yield
    plt.close("all")


@pytest.fixture
def drawn():
    curves = hem.survival.kaplan_meier(TRIAL, time="futime", event="death", by="trt")
    return curves.plot(width=80, time_unit="days", title="Överlevnad")


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_three_files_are_written_and_named(tmp_path, drawn, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = save_figure(drawn, "01_os")
    assert repr(saved) == "figures/01_os.pdf\nfigures/01_os.png\nfigures/01_os.json"
    assert saved.files == tuple(f"figures/01_os.{kind}" for kind in ("pdf", "png", "json"))
    assert set(contents(tmp_path / "figures")) == {"01_os.pdf", "01_os.png", "01_os.json"}


def test_saved_twice_is_equal_also_after_drawing(tmp_path, drawn):
    save_figure(drawn, "os", folder=tmp_path / "one", data=TRIAL)
    drawn.figure.canvas.draw()
    hem.plots.layout_problems(drawn.figure)
    save_figure(drawn.figure, "os", folder=tmp_path / "two", data=TRIAL)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_two_processes_write_equal_files(tmp_path):
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path / seed, env=environment, check=True)
    first, second = (contents(tmp_path / seed / "figures") for seed in ("1", "2"))
    assert first == second


def test_the_picture_is_as_wide_as_it_should_be(tmp_path, drawn):
    save_figure(drawn, "os", folder=tmp_path)
    with Image.open(tmp_path / "os.png") as picture:
        assert picture.width == pytest.approx(80 / 25.4 * 300, abs=1)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_text_in_the_pdf_is_truetype(tmp_path, drawn):
    save_figure(drawn, "os", folder=tmp_path)
    pdf = (tmp_path / "os.pdf").read_bytes()
    assert b"DejaVuSans" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf


def test_the_json_says_what_the_figure_shows(tmp_path, drawn):
    save_figure(drawn, "os", folder=tmp_path, caption="Överlevnad per arm.", data=TRIAL)
    facts = json.loads((tmp_path / "os.json").read_text(encoding="utf-8"))
    assert facts["caption"] == "Överlevnad per arm."
    assert (facts["n"], facts["events"]) == (646, 320)
    assert facts["fingerprint"] == repr(drawn.figure).split("\n")
    assert facts["data_sha256"] == data_hash(TRIAL)
    assert set(facts["versions"]) == {"hemresearch", "matplotlib"}


def test_counts_can_be_stated_and_may_be_unknown(tmp_path):
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0, 1])
    save_figure(fig, "plain", folder=tmp_path)
    facts = json.loads((tmp_path / "plain.json").read_text(encoding="utf-8"))
    assert (facts["n"], facts["events"], facts["data_sha256"]) == (None, None, None)
    assert facts["fingerprint"][1] == "  line at mean 0.5, 0.5"
    save_figure(fig, "plain", folder=tmp_path, n=12, events=3)
    facts = json.loads((tmp_path / "plain.json").read_text(encoding="utf-8"))
    assert (facts["n"], facts["events"]) == (12, 3)


def test_weighted_counts_are_stored_as_they_are(tmp_path):
    weighted = TRIAL.with_columns(w=pl.lit(0.75))
    curves = hem.survival.kaplan_meier(weighted, time="futime", event="death", weights="w")
    save_figure(curves.plot(), "os", folder=tmp_path)
    facts = json.loads((tmp_path / "os.json").read_text(encoding="utf-8"))
    assert (facts["n"], facts["events"]) == (484.5, 240)


def test_a_figure_of_somebody_elses_class_repeats_too(tmp_path):
    fig, ax = plt.subplots(layout="constrained")
    ax.plot([0, 1], [0, 1])
    ax.set_ylabel("y")
    for folder in ("one", "two"):
        save_figure(fig, "plain", folder=tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_environment_chooses_another_folder_and_the_names_stay(tmp_path, drawn, monkeypatch):
    monkeypatch.setenv("HEMRESEARCH_FIGURES", str(tmp_path / "elsewhere"))
    saved = save_figure(drawn, "os", folder="figures")
    assert repr(saved).split("\n")[0] == "figures/os.pdf"
    assert "os.pdf" in contents(tmp_path / "elsewhere")


def test_no_absolute_path_is_written_or_shown(tmp_path, drawn):
    saved = save_figure(drawn, "os", folder=tmp_path / "figures")
    assert repr(saved).startswith("figures/os.pdf")
    for name, content in contents(tmp_path / "figures").items():
        assert str(tmp_path).encode() not in content, name


def test_the_hash_is_of_names_types_and_values():
    frame = pl.DataFrame({"t": [1, 2, None], "arm": ["a", "b", "b"]})
    same = pl.concat([frame[:1], frame[1:]], rechunk=False)
    assert data_hash(frame) == data_hash(same) == data_hash(frame.lazy())
    others = [
        frame.rename({"t": "time"}),
        frame.with_columns(pl.col("t").cast(pl.Int32)),
        frame.with_columns(pl.col("t").fill_null(0)),
        frame.reverse(),
        frame.select("arm", "t"),
    ]
    assert len({data_hash(other) for other in (frame, *others)}) == 6


def test_the_hash_does_not_see_the_last_digits_of_what_was_computed():
    values = [0.1, -2.5e-9, 0.0, None, float("nan"), float("inf"), 7.123456789e4]
    frame = pl.DataFrame({"x": values})
    nearly = frame.with_columns(pl.col("x") * (1 + 1e-13))
    noise = frame.with_columns(pl.when(pl.col("x") == 0).then(-1e-15).otherwise("x").alias("x"))
    assert data_hash(frame) == data_hash(nearly) == data_hash(noise)
    for other in (frame.with_columns(pl.col("x") * (1 + 1e-4)), frame.with_columns(pl.col("x") + 1)):
        assert data_hash(other) != data_hash(frame)


@pytest.mark.parametrize(
    "values",
    [
        [datetime.date(2020, 1, 1), None],
        [datetime.timedelta(days=1), None],
        [[1, 2], [3]],
        [{"a": 1}, {"a": 2}],
        [b"x", None],
        [float("nan"), 0.1],
        pl.Series(["a", "b"], dtype=pl.Categorical),
    ],
    ids=str,
)
def test_data_of_every_type_have_a_hash(values):
    frame = pl.DataFrame({"x": values})
    assert len(data_hash(frame)) == 64
    assert data_hash(frame) != data_hash(frame.reverse())


def test_refused_figures(tmp_path, drawn):
    assert_refused(
        lambda: save_figure("os.png", "os", folder=tmp_path), argument="drawn", says=["curves.plot()"]
    )
    for name in ("a/b", "../os", "os.pdf", "", ".hidden", "a\\b", "os.", None):
        assert_refused(
            lambda name=name: save_figure(drawn, name, folder=tmp_path),
            argument="name",
            says=["folder='figures'"],
        )
    assert not list(tmp_path.iterdir())


def test_a_refused_path_is_not_repeated(tmp_path, drawn):
    refusal = assert_refused(
        lambda: save_figure(drawn, "/".join(["", "home", "someone", "os"])), argument="name"
    )
    assert "someone" not in str(refusal)
