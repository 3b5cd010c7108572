"""Capture and recapture: R's numbers, truths, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import capture_recapture
from hemresearch.numerics.capture import exact_limits

TWO = {"lists": ["a", "b"], "weights": "n"}
HIV = {"lists": ["c1", "c2", "c3", "c4"], "weights": "freq"}
LIMITS = ["conf_low", "conf_high"]


def two_lists(n: int, n_other: int, both: int) -> pl.DataFrame:
    return pl.DataFrame({"a": [1, 1, 0], "b": [1, 0, 1], "n": [both, n - both, n_other - both]})


def three_lists(seed: int = 1, size: int = 600) -> pl.DataFrame:
    """Persons on three lists that are independent, those on none left out."""
    rng = np.random.default_rng(seed)
    on = rng.random((size, 3)) < np.array([0.5, 0.4, 0.6])
    return pl.DataFrame(on[on.any(axis=1)], schema=["x", "y", "z"], orient="row")


def test_two_lists_match_chapman(reference):
    case = reference("epidemiology", "capture_2source_chapman")
    data = two_lists(*(case.options[k] for k in ("n1", "n2", "m")))
    frame = capture_recapture(data, **TWO, conf_type="normal").to_frame()
    assert frame["model"].to_list() == ["Lincoln-Petersen", "Chapman"]
    assert_close(frame["estimate"], [case.values["lincoln_petersen"], case.values["chapman"]], rel=1e-10)
    assert_close(frame["std_error"][1], case.values["se"], rel=1e-10)
    assert_close(frame.select(LIMITS).row(1), case.values["ci_normal"], rel=1e-10)
    assert frame["aic"].null_count() == 2


def test_four_lists_match_glm_and_rcapture(reference):
    case = reference("epidemiology", "capture_hiv_loglinear")
    frame = capture_recapture(case.data, **HIV).to_frame()
    assert frame.height == 64
    assert frame["aic"].is_sorted()
    size = frame["model"].str.count_matches(":")
    for n_pairs, name in ((0, "indep"), (6, "twoway")):
        row = frame.filter(size == n_pairs).row(0, named=True)
        stored = case.values[name]
        found = [row["estimate"], row["statistic"], row["aic"]]
        assert_close(found, [stored["N"], stored["deviance"], stored["aic"]], rel=1e-6)
    table = case.values["closedp"]
    independence = dict(zip(table["cols"], table["data"][table["rows"].index("Mt")], strict=True))
    row = frame.filter(model="independence").row(0, named=True)
    assert_close(row["std_error"], independence["stderr"], rel=1e-5)  # glm stops early
    assert row["df"] == independence["df"]


def test_one_model_may_be_chosen(reference):
    data = reference("epidemiology", "capture_hiv_loglinear").data
    every = capture_recapture(data, **HIV).to_frame()
    one = capture_recapture(data, **HIV, interactions=[("c2", "c1"), ("c3", "c4")]).to_frame()
    assert one["model"].to_list() == ["c1:c2 + c3:c4"]
    assert_frame_equal(one, every.filter(pl.col("model") == one["model"][0]))
    assert capture_recapture(data, **HIV, interactions=[]).to_frame()["model"].to_list() == ["independence"]


def test_persons_groups_and_input():
    persons = three_lists()
    lists = {"lists": ["x", "y", "z"]}
    whole = capture_recapture(persons, **lists).to_frame()
    counts = persons.group_by("x", "y", "z").len("n")
    for other in (counts, counts.lazy(), counts.to_pandas(), counts.with_columns(pl.col("x").cast(pl.Int8))):
        assert_frame_equal(capture_recapture(other, **lists, weights="n").to_frame(), whole)
    two = pl.concat([persons.with_columns(site=pl.lit("A")), three_lists(2).with_columns(site=pl.lit("B"))])
    by_site = capture_recapture(two, **lists, by="site").to_frame()
    assert_frame_equal(by_site.filter(pl.col("site") == "A").drop("site"), whole)
    independence = whole.filter(model="independence").row(0, named=True)
    assert independence["conf_low"] < 600 < independence["conf_high"]
    assert (whole["conf_low"] > persons.height).all()


def test_what_the_result_says():
    result = capture_recapture(two_lists(410, 350, 270), **TWO)
    assert result.n == 490
    assert "Chapman: 531.3 (517.1 to 553)" in repr(result)
    assert "Chapman 531.33" in result.text()


def test_refusals():
    data = two_lists(410, 350, 270)
    for lists in ("a", ["a"]):
        assert_refused(
            lambda lists=lists: capture_recapture(data, lists=lists), argument="lists", says=["fewer"]
        )
    assert_refused(lambda: capture_recapture(data, **TWO, conf_type="wald"), argument="conf_type")
    dates = data.with_columns(b=pl.Series(["2020", "2021", "2020"]))
    assert_refused(
        lambda: capture_recapture(dates, **TWO), argument="lists", column="b", says=["is_not_null"]
    )
    nobody = pl.concat([data, pl.DataFrame({"a": [0], "b": [0], "n": [9]})])
    assert_refused(
        lambda: capture_recapture(nobody, **TWO), argument="lists", rows=[4], says=["none of them"]
    )
    persons = three_lists()
    for wrong in ([("x", "w")], [("x",)], ["x"], "xy", [("x", "x")]):
        assert_refused(
            lambda wrong=wrong: capture_recapture(persons, lists=["x", "y", "z"], interactions=wrong),
            argument="interactions",
        )
    six = pl.DataFrame({name: [1, 1] for name in "abcdef"})
    assert_refused(
        lambda: capture_recapture(six, lists=list("abcdef")), argument="interactions", says=["32768 sets"]
    )
    apart = pl.DataFrame({"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1]})
    assert_refused(
        lambda: capture_recapture(apart, lists=["x", "y", "z"], interactions=[("x", "y")]),
        argument="lists",
        says=["no model"],
    )


def test_warnings():
    apart = two_lists(4, 5, 0)
    frame = assert_warns(
        lambda: capture_recapture(apart, **TWO), argument="lists", says=["infinite"]
    ).to_frame()
    assert frame["estimate"].to_list() == [np.inf, 29]
    assert frame["conf_low"][0] is None
    lone = three_lists().filter(~(pl.col("x") & pl.col("y")))
    frame = assert_warns(
        lambda: capture_recapture(lone, lists=["x", "y", "z"]), argument="lists", says=["5 models"]
    ).to_frame()
    assert frame.height == 3  # also x:z + y:z: without anybody on both, given z, all may be missed
    assert not frame["model"].str.contains("x:y").any()


@pytest.mark.parametrize("conf_type", ["log", "normal"])
def test_complete_lists_miss_nobody(conf_type):
    frame = assert_warns(
        lambda: capture_recapture(two_lists(50, 50, 50), **TWO, conf_type=conf_type),
        argument="lists",
        says=["no width", "conf_type='exact'"],
    ).to_frame()
    assert_close(frame["estimate"], [50, 50])
    assert_close(frame["conf_high"], [50, 50])


@pytest.mark.parametrize(
    ("n", "n_other", "both", "limits"),
    [(50, 3, 3, (50, 168)), (60, 40, 7, (193, 795)), (410, 350, 270, (515, 552))],
)
def test_exact_limits_are_those_of_hypergeometric_tails(n, n_other, both, limits):
    # R: range of N with phyper(m, n1, N - n1, n2) >= 0.025 and 1 - phyper(m - 1, n1, N - n1, n2) >= 0.025
    frame = capture_recapture(two_lists(n, n_other, both), **TWO, conf_type="exact").to_frame()
    assert frame.select(LIMITS).rows() == [limits, limits]


def test_exact_limits_without_anybody_on_both():
    frame = assert_warns(
        lambda: capture_recapture(two_lists(20, 30, 0), **TWO, conf_type="exact"), argument="lists"
    ).to_frame()
    assert frame["conf_low"].to_list() == [188] * 2
    assert frame["conf_high"].to_list() == [np.inf] * 2


def test_exact_limits_cover_the_truth():
    n, n_other, size = 24, 20, 60
    both = np.random.default_rng(1).hypergeometric(n, size - n, n_other, 300)
    found = [exact_limits(n, n_other, float(m), 0.9) for m in both]
    assert np.mean([low <= size <= high for low, high in found]) > 0.9


def test_a_list_with_nobody_on_it():
    empty = pl.DataFrame({"a": [1, 1], "b": [1, 0], "n": [3, 9], "site": ["A", "B"]})
    assert_refused(
        lambda: capture_recapture(empty.filter(site="B"), **TWO), argument="lists", says=["nobody on b"]
    )
    assert_refused(
        lambda: capture_recapture(empty, **TWO, by="site"), argument="lists", says=["in 'B'", "other groups"]
    )
    assert_refused(
        lambda: capture_recapture(three_lists(), lists=["x", "y", "z"], conf_type="exact"),
        argument="conf_type", says=["log-linear"],
    )  # fmt: skip
