"""Differences of survival quantiles: numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated, split_at
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns
from scipy.special import ndtr

from hemresearch.survival import kaplan_meier, quantile_difference

ROLES = {"time": "time", "event": "event", "by": "arm"}
Z95 = 1.959963984540054
# Ten deaths in each arm, at 1, 2, ..., 10 and at 4, 7, ..., 31.
TEN = pl.concat(
    [
        pl.DataFrame({"time": [float(factor * t + shift) for t in range(1, 11)], "event": True, "arm": arm})
        for arm, factor, shift in (("a", 1, 0), ("b", 3, 1))
    ]
)


BOUNDLESS = pytest.mark.filterwarnings("ignore:quantile. no limit:hemresearch.errors.DataWarning")


def limits(data: pl.DataFrame, z: float, **options) -> list[tuple[float | None, float | None]]:
    """Each arm's own limits of the median at +-z, as kaplan_meier gives them."""
    curves = kaplan_meier(data, **ROLES, conf_level=float(2 * ndtr(z) - 1), **options)
    return curves.quantile(0.5).select("conf_low", "conf_high").rows()


def test_two_arms_of_ten_by_hand():
    # Plain limits S -+ z sqrt(S (1 - S) / 10) at z = 1.96: those of a reach 0.5 at 3 (0.7 - 0.284) and at 8
    # (0.2 + 0.248), those of b at 10 and 25. Their lengths 5 and 15 give f = sqrt(250) / 20 = 0.79. At
    # 0.79 * 1.96 = 1.55 they are the same: 0.7 - 0.225 and, at 7, still 0.3 + 0.225.
    assert limits(TEN, Z95, conf_type="plain") == [(3.0, 8.0), (10.0, 25.0)]
    row = quantile_difference(TEN, **ROLES, conf_type="plain").to_frame().row(0, named=True)
    assert (row["group"], row["reference"], row["quantile"]) == ("b", "a", 0.5)
    assert (row["estimate"], row["conf_low"], row["conf_high"]) == (17.5 - 5.5, 10.0 - 8.0, 25.0 - 3.0)
    # The arms' own limits touch beyond z = 0.3 / sqrt(0.8 * 0.2 / 10) = 2.37, where a reaches to 9 and b
    # from 7: z = 2.37 / f is 3.
    assert_close(row["p_value"], 2 * ndtr(-3.0))


@pytest.mark.parametrize("conf_type", ["plain", "log", "log-log", "logit", "arcsin"])
def test_limits_are_differences_of_those_of_each_group(dataset, conf_type):
    data = dataset("mgus2").select(time="futime", event="death", arm="sex")
    (low_0, high_0), (low_1, high_1) = limits(data, Z95, conf_type=conf_type)
    lengths = high_0 - low_0, high_1 - low_1
    z = Z95 * np.hypot(*lengths) / sum(lengths)
    (low_0, high_0), (low_1, high_1) = limits(data, z, conf_type=conf_type)
    row = quantile_difference(data, **ROLES, conf_type=conf_type).to_frame().row(0, named=True)
    assert_close([row["conf_low"], row["conf_high"]], [low_1 - high_0, high_1 - low_0])


def test_a_group_known_without_error_leaves_the_limits_of_the_other():
    # everybody of a dies at 10: one step from 1 to 0, without a standard error
    certain = pl.DataFrame({"time": [10.0] * 5, "event": True, "arm": "a"})
    row = quantile_difference(pl.concat([certain, TEN.filter(pl.col("arm") == "b")]), **ROLES).to_frame()
    assert row["estimate"][0] == 17.5 - 10
    assert row["conf_low"][0] is None  # the upper limit of a is not reached, as in kaplan_meier
    assert limits(pl.concat([certain, TEN]), Z95)[0][1] is None


@BOUNDLESS  # two of the medians are not reached
def test_several_quantiles_and_groups_come_group_by_group(dataset):
    transplants = dataset("kmsurv_bmt")
    roles = {"time": "t2", "event": "d3", "by": "group"}
    frame = quantile_difference(transplants, **roles, quantile=[0.25, 0.5]).to_frame()
    assert frame.select("group", "reference", "quantile").rows() == [
        ("2", "1", 0.25), ("2", "1", 0.5), ("3", "1", 0.25), ("3", "1", 0.5),
    ]  # fmt: skip
    times = kaplan_meier(transplants, **roles).quantile([0.25, 0.5])["estimate"].to_list()
    assert frame["estimate"].to_list()[2:] == [times[4] - times[0], times[5] - times[1]]


def test_a_median_that_is_not_reached_leaves_one_limit():
    half = TEN.filter(pl.col("arm") == "b").with_columns(event=pl.col("time") < 14)
    row = quantile_difference(
        pl.concat([TEN.filter(pl.col("arm") == "a"), half]), **ROLES, conf_type="plain"
    ).to_frame().row(0, named=True)  # fmt: skip
    assert row["estimate"] is None
    assert row["conf_high"] is None
    assert row["conf_low"] is not None
    assert 0 < row["p_value"] < 1


def test_a_group_without_events_has_nothing_to_compare():
    none = TEN.with_columns(event=pl.col("arm") == "a")
    row = assert_warns(
        lambda: quantile_difference(none, **ROLES),
        argument="quantile",
        says=["no limit of 'b' - 'a' at 0.5", "Expected a group with events", "(..., tau=10.0)"],
    ).to_frame().row(0, named=True)  # fmt: skip
    assert [row[c] for c in ("estimate", "p_value", "conf_low", "conf_high")] == [None] * 4


def test_without_a_limit_there_is_no_p_value():
    few = pl.DataFrame({"time": [1, 2, 3, 4], "event": [1, 1, 0, 1], "arm": list("aabb")})
    result = assert_warns(
        lambda: quantile_difference(few, **ROLES, quantile=[0.5, 0.75]),
        argument="quantile",
        says=[
            "'b' - 'a' at 0.5, 'b' - 'a' at 0.75 can be given",
            "there is no p-value",
            "rmst_difference(..., tau=2.0), which",
        ],
    )
    frame = result.to_frame()
    assert frame.select("p_value", "conf_low", "conf_high").null_count().row(0) == (2, 2, 2)
    assert ", p" not in repr(result)


def test_weights_that_are_not_whole_are_not_cut():
    result = quantile_difference(TEN.with_columns(w=pl.lit(0.65)), **ROLES, weights="w")
    assert result.n == 13
    assert isinstance(result.n, int)
    tenths = quantile_difference(TEN.with_columns(w=pl.lit(0.63)), **ROLES, weights="w")
    assert_close(tenths.n, 12.6)
    assert "n=12.6" in repr(tenths)


def test_an_enum_chooses_the_reference_and_the_difference_turns():
    turned = TEN.with_columns(pl.col("arm").cast(pl.Enum(["b", "a"])))
    first, other = (quantile_difference(d, **ROLES).to_frame().row(0, named=True) for d in (TEN, turned))
    assert (other["estimate"], other["conf_low"], other["conf_high"]) == (
        -first["estimate"], -first["conf_high"], -first["conf_low"],
    )  # fmt: skip
    assert other["p_value"] == first["p_value"]


def test_the_result_tells_what_it_is():
    result = quantile_difference(TEN, **ROLES, conf_type="plain")
    assert repr(result).splitlines() == [
        "difference of survival quantiles (event by time), n=20, events=20",
        "  group=b, reference=a, quantile=0.5: 12 (2 to 22), p 0.0027",
        "95% limits: from those of each group, plain, Greenwood variance",
    ]
    assert result.text() == (
        "difference of survival quantiles (event by time): group=b, reference=a, quantile=0.5 12.00 "
        "(95% CI 2.00–22.00), p=0.003"
    )


def in_arms(cohort: pl.DataFrame) -> pl.DataFrame:
    return cohort.with_columns(arm="group")


@BOUNDLESS
@settings(max_examples=60, deadline=None)
@given(cohorts(smallest=8), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]), st.sampled_from([0.25, 0.5]))
def test_p_is_below_the_level_exactly_when_0_is_outside_the_limits(cohort, conf_level, quantile):
    roles = {**ROLES, "conf_level": conf_level, "quantile": quantile}
    row = quantile_difference(in_arms(cohort), **roles).to_frame().row(0, named=True)
    if row["p_value"] is not None and abs(row["p_value"] - (1 - conf_level)) > 1e-9:
        low = -np.inf if row["conf_low"] is None else row["conf_low"]
        high = np.inf if row["conf_high"] is None else row["conf_high"]
        assert (row["p_value"] < 1 - conf_level) == (not low <= 0 <= high)


@BOUNDLESS
@settings(max_examples=40, deadline=None)
@given(cohorts(smallest=8))
def test_the_estimate_is_within_limits_that_widen_with_the_level(cohort):
    rows = [
        quantile_difference(in_arms(cohort), **ROLES, conf_level=level).to_frame().row(0, named=True)
        for level in (0.8, 0.95)
    ]
    for row in rows:
        if row["estimate"] is not None:
            assert row["conf_low"] is None or row["conf_low"] <= row["estimate"]
            assert row["conf_high"] is None or row["conf_high"] >= row["estimate"]
    for name, sign in (("conf_low", 1), ("conf_high", -1)):
        narrow, wide = (row[name] for row in rows)
        assert wide is None or (narrow is not None and sign * wide <= sign * narrow)


@BOUNDLESS
@settings(max_examples=40, deadline=None)
@given(cohorts())
def test_an_integer_weight_is_that_many_patients(cohort):
    weighted = quantile_difference(in_arms(cohort), **ROLES, weights="weight")
    repeated = quantile_difference(replicated(in_arms(cohort)), **ROLES)
    assert_frame_equal(weighted.to_frame(), repeated.to_frame())


@BOUNDLESS
@settings(max_examples=40, deadline=None)
@given(cohorts(), st.sampled_from([1.0, 3.5, 6.0]))
def test_splitting_the_follow_up_and_entry_at_0_change_nothing(cohort, cut):
    whole = quantile_difference(in_arms(cohort), **ROLES).to_frame()
    split = quantile_difference(in_arms(split_at(cohort, cut)), **ROLES, entry="entry", id="patient")
    assert_frame_equal(split.to_frame(), whole)
    from_zero = in_arms(cohort).with_columns(entry=pl.lit(0.0))
    assert_frame_equal(quantile_difference(from_zero, **ROLES, entry="entry").to_frame(), whole)


@BOUNDLESS
@settings(max_examples=30, deadline=None)
@given(cohorts())
def test_row_order_does_not_matter_and_the_unit_scales(cohort):
    first = quantile_difference(in_arms(cohort), **ROLES).to_frame()
    other = in_arms(cohort).reverse().with_columns(pl.col("time") / 12)
    again = quantile_difference(other, **ROLES).to_frame()
    for name in ("estimate", "conf_low", "conf_high"):
        assert_close(again[name] * 12, first[name], at_zero=1e-9)
    assert_close(again["p_value"], first["p_value"])


@BOUNDLESS
@settings(max_examples=20, deadline=None)
@given(cohorts())
def test_a_shift_of_one_group_shifts_the_difference(cohort):
    first = quantile_difference(in_arms(cohort), **ROLES).to_frame()
    later = in_arms(cohort).with_columns(time=pl.col("time") + 5 * (pl.col("arm") == "g1"))
    again = quantile_difference(later, **ROLES).to_frame()
    for name in ("estimate", "conf_low", "conf_high"):
        assert_close(again[name], first[name] + 5, at_zero=1e-9)


def test_clusters_within_groups_widen_the_limits():
    pairs = pl.concat([TEN, TEN]).with_columns(pair=pl.col("time") + 100 * (pl.col("arm") == "b"))
    clustered, ignored = (quantile_difference(pairs, **ROLES, cluster=c) for c in ("pair", None))
    assert "robust variance" in repr(clustered)
    width = [f["conf_high"][0] - f["conf_low"][0] for f in (clustered.to_frame(), ignored.to_frame())]
    assert width[0] > width[1]


def test_clusters_that_span_the_groups_are_refused():
    centres = TEN.with_columns(centre=pl.Series([1, 1, 2, 2, 3, 3, 4, 4, 5, 5] + [5, 6, 7, 8, 9] * 2))
    refusal = assert_refused(
        lambda: quantile_difference(centres, **ROLES, cluster="centre"),
        argument="cluster",
        column="centre",
        rows=[9, 10, 11, 16],
        says=["more than one group"],
    )
    assert refusal.expected == "clusters that lie within one group each"
    assert refusal.remedy == "rmst_difference(..., cluster=...), which allows for them"


def test_one_group_is_refused():
    refusal = assert_refused(
        lambda: quantile_difference(TEN.head(10), **ROLES), argument="by", column="arm", says=["one group"]
    )
    assert refusal.remedy == "kaplan_meier(...).quantile(0.5) for one group"


@pytest.mark.parametrize("quantile", [0, 1, 1.5, "median", None, [], [0.5, 2]])
def test_a_quantile_lies_between_0_and_1(quantile):
    refusal = assert_refused(
        lambda: quantile_difference(TEN, **ROLES, quantile=quantile), argument="quantile", says=["was given"]
    )
    assert refusal.expected == "0 < quantile < 1"
    assert refusal.remedy == "quantile=0.5"


@pytest.mark.parametrize(("argument", "value"), [("conf_type", "loglog"), ("conf_level", 1)])
def test_unknown_limits_are_refused(argument, value):
    assert_refused(
        lambda: quantile_difference(TEN, **ROLES, **{argument: value}), argument=argument, says=[repr(value)]
    )
