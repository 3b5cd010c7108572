"""Factor activity: R's quantiles, limits and mixed models, by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close, load_reference
from refusals import assert_refused

from hemresearch.errors import ConvergenceError
from hemresearch.hematology.bleeding import (
    factor_activity,
    factor_activity_above,
    factor_activity_slope,
)

ROLES = {"id": "id", "time": "years", "activity": "activity", "assay": None}
VISITS = {"visits": [0.5, 2, 5], "window": 0.5}


def measured(case: str = "activity_line") -> pl.DataFrame:
    return pl.DataFrame(load_reference("bleeding", case).options["data"])


def test_visits_match_r():
    case = load_reference("bleeding", "activity_visits")
    data = pl.DataFrame(case.options["data"])
    ours = factor_activity(data.sample(fraction=1, shuffle=True, seed=1), **ROLES, **VISITS)
    share = factor_activity_above(data, **ROLES, **VISITS, thresholds=[25]).to_frame()
    for i, v in enumerate(case.values):
        row, above = ours.row(i, named=True), share.row(i, named=True)
        assert (row["visit"], row["n"], above["n_event"]) == (v["visit"], v["n"], v["above"])
        assert_close([row["q1"], row["median"], row["q3"]], v["quartiles"], rel=1e-9)
        assert_close([above["conf_low"], above["conf_high"]], v["limits"], rel=1e-9)


def test_assays_are_never_mixed():
    data = pl.DataFrame(
        {
            "id": [1, 1, 2, 2, 3], "years": [1.0] * 5, "activity": [10.0, 6.0, 20.0, 14.0, 5.0],
            "assay": ["one-stage", "chromogenic", "one-stage", "chromogenic", "chromogenic"], "product": "x",
        }
    )  # fmt: skip
    apart = factor_activity(data, **(ROLES | {"assay": "assay"}), visits=[1, 3], window=0.5, by="product")
    assert apart.select("product", "assay", "visit", "n", "median").rows() == [
        ("x", "chromogenic", 1, 3, 6), ("x", "chromogenic", 3, 0, None), ("x", "one-stage", 1, 2, 15),
        ("x", "one-stage", 3, 0, None),
    ]  # fmt: skip
    above = factor_activity_above(
        data.lazy(), **(ROLES | {"assay": "assay"}), visits=[1], window=0, limits="exact"
    )
    assert above.frame.filter(pl.col("threshold") == 5)["n_event"].to_list() == [2, 2]  # 5 is not above 5
    assert above.method == "exact (Clopper-Pearson)"
    assert (above.n, above.n_event) == (3, 5)


def test_the_nearest_measurement_counts_once():
    data = pl.DataFrame({"id": [1, 1, 1, 2], "years": [0.9, 1.1, 1.05, 1.4], "activity": [1.0, 2, 3, 4]})
    assert factor_activity(data, **ROLES, visits=[1], window=0.3)["median"].to_list() == [3]
    even = data.with_columns(years=pl.Series([0.75, 1.25, 5, 9]))
    assert factor_activity(even, **ROLES, visits=[1], window=0.3)["median"].to_list() == [1]


@pytest.mark.parametrize("case_id", ["activity_line", "activity_line_parallel"])
def test_slopes_match_lmer(case_id):
    v = load_reference("bleeding", case_id).values
    level, change = factor_activity_slope(measured(case_id), **ROLES, per=2).to_frame().iter_rows(named=True)
    z = 1.959963984540054
    assert_close(np.log([level["estimate"], change["estimate"]]), np.array(v["coef"]) * [1, 2], rel=1e-6)
    assert_close(
        np.log([level["conf_high"], change["conf_high"]]),
        (np.array(v["coef"]) + z * np.array(v["se"])) * [1, 2],
        rel=1e-6,
    )
    assert_close(change["statistic"], v["coef"][1] / v["se"][1], rel=1e-6)
    assert (level["term"], change["term"], level["p_value"], level["n"]) == ("level at 0", "change", None, 40)


def test_each_assay_and_group_has_its_own_line():
    data = measured()
    both = pl.concat(
        [
            data.with_columns(assay=pl.lit("one-stage"), product=pl.lit("x")),
            data.with_columns(pl.col("activity") * 0.6, assay=pl.lit("chromogenic"), product=pl.lit("x")),
        ]
    )
    rows = factor_activity_slope(both, **(ROLES | {"assay": "assay"}), by="product").to_frame()
    one = factor_activity_slope(data, **ROLES).to_frame()["estimate"]
    assert_close(rows["estimate"], [one[0] * 0.6, one[1], one[0], one[1]], rel=1e-6)
    plain = factor_activity_slope(data, **ROLES, scale="plain")
    assert plain.name == "factor activity and its change per 1"
    assert plain.frame["estimate"][1] < 0


def test_refusals():
    data = measured()

    def refused(function=factor_activity, data=data, options=None, **parts):
        roles = ROLES | ({} if function is factor_activity_slope else VISITS) | (options or {})
        assert_refused(lambda: function(data, **roles), **parts)

    first = pl.int_range(pl.len()) == 0
    negative = data.with_columns(activity=pl.when(first).then(-1).otherwise("activity"))
    refused(data=negative, argument="activity", column="activity", rows=(1,))
    refused(options={"id": None}, argument="id")
    refused(options={"window": 0.8}, argument="window", says=("1.5 apart",))
    refused(options={"visits": "one"}, argument="visits")
    refused(options={"activity": ["activity", "years"]}, argument="activity")
    refused(data=data.with_columns(assay=pl.lit("x")), options={"by": "assay"}, argument="by", column="assay")
    refused(factor_activity_above, options={"visits": [50]}, argument="window", says=("no measurement",))
    refused(factor_activity_above, options={"limits": "normal"}, argument="limits")
    zero = data.with_columns(activity=pl.when(first).then(0.0).otherwise("activity"))
    refused(factor_activity_slope, data=zero, argument="activity", column="activity", rows=(1,))
    refused(factor_activity_slope, data=data.filter(pl.col("id") < 3), argument="data", says=("2 patients",))
    refused(factor_activity_slope, options={"scale": "logit"}, argument="scale")
    refused(factor_activity_slope, options={"per": 0}, argument="per")


def test_a_search_that_ends_nowhere_is_told(monkeypatch):
    from hemresearch.hematology.bleeding import activity_slope
    from hemresearch.numerics.linear_mixed import MixedLine

    nothing = MixedLine(np.zeros(2), np.eye(2), np.eye(2), 1.0, 0.0, converged=False)
    monkeypatch.setattr(activity_slope, "mixed_line", lambda *_: nothing)
    with pytest.raises(ConvergenceError, match="no maximum"):
        factor_activity_slope(measured(), **ROLES)


def test_missing_values_are_named_or_dropped():
    data = measured().with_columns(
        activity=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("activity")
    )
    assert_refused(
        lambda: factor_activity(data, **ROLES, **VISITS), argument="activity", column="activity", rows=(4,)
    )
    assert_frame_equal(
        factor_activity(data, **ROLES, **VISITS, missing="drop"),
        factor_activity(data.drop_nulls(), **ROLES, **VISITS),
    )
