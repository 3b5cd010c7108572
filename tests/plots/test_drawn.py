"""What is drawn is read from results and frames alike, and what cannot be drawn is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.plots.drawn import group_label, read_drawing

FREE = {"by": None, "quantity": None, "labels": None}


def read(curves, **options):
    return read_drawing(curves, **(FREE | options))


def test_a_result_and_its_frame_draw_the_same(survival):
    result, frame = read(survival), read(survival.to_frame())
    assert result.groups == frame.groups == ("A", "B")
    for one, two in zip(result.lines, frame.lines, strict=True):
        assert (one.n, one.median, one.label) == (two.n, two.median, two.label)
        np.testing.assert_array_equal(one.estimate, two.estimate)
    times = [0, 100, 365.25, 5000]
    assert result.risk_table(times).equals(frame.risk_table(times))


def test_counts_and_medians_are_those_of_the_result(survival):
    lines = read(survival).lines
    assert [line.n for line in lines] == survival.groups()["n"].to_list()
    assert [line.median for line in lines] == survival.quantile(0.5)["estimate"].to_list()


def test_pandas_and_lazy_frames_are_read(survival):
    frame = survival.to_frame()
    assert [line.n for line in read(frame.lazy()).lines] == [317, 329]
    assert [line.n for line in read(frame.to_pandas()).lines] == [317, 329]


@pytest.mark.parametrize(
    "values",
    [
        pl.Series(["low", "high"], dtype=pl.Enum(["low", "high"])),
        pl.Series(["low", "high"], dtype=pl.Categorical),
        pl.Series([True, False]),
        pl.Series([0, 1], dtype=pl.UInt8),
        pl.Series([0.5, 1.5]),
        pl.Series(["2020-01-01", "2021-01-01"]).str.to_date(),
        pl.Series(["låg", None]),
    ],
    ids=str,
)
def test_groups_of_every_type_are_told_apart(values):
    group = values.rename("g")[[0, 0, 1, 1]]
    columns = {"time": [1.0, 2.0, 1.0, 3.0], "n_risk": [2, 1, 4, 2], "n_event": [1, 1, 2, 2]}
    frame = pl.DataFrame([group]).with_columns(**{k: pl.Series(v) for k, v in columns.items()})
    frame = frame.with_columns(n_censor=pl.lit(0), estimate=pl.Series([0.5, 0.0, 0.5, 0.0]))
    drawing = read(frame)
    assert [line.n for line in drawing.lines] == [2, 4]
    assert drawing.risk_table([0, 2])["n_risk"].to_list() == [2, 1, 4, 2]
    assert drawing.risk_table([0, 2])["g"].to_list() == group.to_list()


def test_without_groups_there_is_one_curve_without_a_name(trial):
    drawing = read(hem.survival.kaplan_meier(trial, time="futime", event="death"))
    assert drawing.groups == ("",)
    assert [line.label for line in drawing.lines] == [""]


@pytest.mark.parametrize(
    ("key", "by", "label"),
    [
        (("A",), ("arm",), "A"),
        (("F", "A"), ("sex", "arm"), "sex=F, arm=A"),
        ((1,), ("flt3",), "flt3=1"),
        ((2.5,), ("dose",), "dose=2.5"),
        ((True,), ("mrd",), "mrd=True"),
        ((None,), ("arm",), "arm=–"),
        ((), (), ""),
    ],
)
def test_group_labels_say_what_is_needed_and_no_more(key, by, label):
    assert group_label(key, by) == label


@pytest.mark.parametrize("given", [{"A": "Control"}, {("A",): "Control"}])
def test_labels_can_be_given_by_value_or_key(survival, given):
    assert [line.label for line in read(survival, labels=given).lines] == ["Control", "B"]


def test_several_columns_can_be_renamed(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by=["trt", "sex"])
    names = [line.label for line in read(curves, labels={("A", "f"): "Women", "trt=B, sex=m": "Men"}).lines]
    assert names == ["Women", "trt=A, sex=m", "trt=B, sex=f", "Men"]


def test_causes_are_lines_of_a_group(causes):
    drawing = read(causes, quantity="cumulative incidence")
    assert [line.label for line in drawing.lines] == [
        "A: relapse", "A: death in remission", "B: relapse", "B: death in remission",
    ]  # fmt: skip
    assert [(line.group, line.split) for line in drawing.lines] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert [line.n for line in drawing.lines] == [10.0] * 4
    assert [line.median for line in drawing.lines] == [None] * 4


def test_one_cause_can_be_chosen_and_is_not_repeated_in_the_name_of_each_group(causes):
    drawing = read(causes, quantity="cumulative incidence", cause="relapse", labels={"relapse": "Relapse"})
    assert [line.label for line in drawing.lines] == ["A", "B"]
    assert drawing.only_cause == "Relapse"
    numbered = causes.with_columns(cause=pl.col("cause").replace_strict({"relapse": 1}, default=2))
    assert read(numbered, cause=1).only_cause == "cause 1"
    assert read(numbered, cause=1, labels={1: "Relapse"}).only_cause == "Relapse"
    assert read(causes).only_cause == ""
    everybody = read(causes.filter(pl.col("arm") == "A").drop("arm"), cause="relapse")
    assert (everybody.only_cause, everybody.lines[0].label) == ("", "relapse")


def test_a_risk_table_of_causes_has_a_row_for_each(causes):
    table = read(causes, quantity="cumulative incidence").risk_table([0, 6])
    first = table.filter(pl.col("arm") == "A", pl.col("time") == 6)
    assert first.select("cause", "n_risk", "n_event", "n_censor").rows() == [
        ("relapse", 7.0, 1.0, 1.0),
        ("death in remission", 7.0, 1.0, 1.0),
    ]


def test_refused_curves(survival, causes):
    frame = survival.to_frame()
    assert_refused(
        lambda: read(frame.drop("estimate")), argument="curves", says=["'estimate'", "kaplan_meier"]
    )
    assert_refused(lambda: read(frame.head(0)), argument="curves", says=["no rows"])
    assert_refused(lambda: read(42), argument="data", says=["int"])
    assert_refused(lambda: read(frame, by="arm"), argument="by", column="arm", says=["'trt'"])
    assert_refused(lambda: read(frame.drop("trt"), by="arm"), argument="by", column="arm")
    assert_refused(lambda: read(survival, labels={"C": "x"}), argument="labels", says=["'C'", "'A', 'B'"])
    assert_refused(
        lambda: read(causes, cause="relaps"), argument="cause", column="cause", says=["'relaps'", "'relapse'"]
    )
