"""Mean numbers of events that a regression of rates predicts: not survival, and robust throughout."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.recurrent import AndersenGillFit, andersen_gill, mean_cumulative

TIMES = [0.4, 1.0]


def rows(n=30, digits=None):
    data = recurrent_rows(np.random.default_rng(3), n, shared=1.0, rate=1.5, digits=digits)
    w, centre, pair = 0.5 + (pl.col("id") * 7 % 10) / 8, pl.col("id") // 2 % 2, pl.col("id") // 3
    return data.with_columns(w=w, centre=centre, pair=pair)


def test_without_covariates_it_is_the_mean_cumulative_number():
    data = rows()
    ours = andersen_gill(data, [], **ROLES, ties="breslow").baseline().to_frame()
    expected = mean_cumulative(data, **ROLES).to_frame().filter(pl.col("time").is_in(ours["time"].implode()))
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_close(ours[column], expected[column], rel=1e-9, at_zero=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("options", [{}, {"strata": "centre"}, {"cluster": "pair"}])
def test_errors_are_sums_of_what_each_weight_moves(ties, options):
    data, new = rows(digits=1), pl.DataFrame({"arm": ["B"], "centre": 1})

    def predicted(rows):
        fit = andersen_gill(rows, "arm", **ROLES, weights="w", ties=ties, **options)
        return fit.predict(new, times=TIMES)

    owner, step, moved = options.get("cluster", "id"), 1e-5, []
    for one in data[owner].unique():
        up, down = (
            data.with_columns(w=pl.col("w") * pl.when(pl.col(owner) == one).then(1 + h).otherwise(1.0))
            for h in (step, -step)
        )
        moved.append((predicted(up)["estimate"] - predicted(down)["estimate"]).to_numpy() / (2 * step))
    ours = predicted(data)
    assert_close(ours["std_error"], np.sqrt((np.array(moved) ** 2).sum(axis=0)), rel=1e-6)
    curves = andersen_gill(data, "arm", **ROLES, weights="w", ties=ties, **options).curves(new)
    for column in ("estimate", "std_error", "conf_low", "conf_high"):
        assert_close(curves.at(TIMES)[column], ours[column], rel=1e-12)


def test_limits_are_wider_than_where_events_are_taken_as_independent():
    data = rows(n=200)
    robust, naive = (andersen_gill(data, "arm", **ROLES, robust=r).baseline().at(1) for r in (True, False))
    assert_close(robust["estimate"], naive["estimate"])
    assert robust["std_error"][0] > 1.15 * naive["std_error"][0]
    model_based = andersen_gill(data, "arm", **ROLES, robust=False)
    assert model_based.baseline().variance == "model-based"


def test_what_means_say():
    fit = andersen_gill(rows(), "arm", **ROLES)
    assert isinstance(fit, AndersenGillFit)
    curves = fit.curves(pl.DataFrame({"arm": ["A", "B"]}))
    assert curves.quantity == "mean number of events"
    assert repr(curves).startswith("prediction from an Andersen-Gill regression (Efron ties): mean number of")
    assert curves.text(1).startswith("Mean number of events at 1: A ")
    assert curves.variance == "robust"
    late = fit.predict(pl.DataFrame({"arm": ["A"]}), times=[1, 1e6])
    assert late["estimate"].is_null().to_list() == [False, True]
    for kind in ("linear predictor", "risk"):
        assert fit.predict(pl.DataFrame({"arm": ["A"]}), kind=kind).height == 1
    one = fit.baseline(pl.DataFrame({"arm": ["B"]})).at(1)["estimate"]
    assert_close(one, curves.at(1).filter(arm="B")["estimate"])
    by_centre = andersen_gill(rows(), "arm", **ROLES, strata="centre")
    assert by_centre.curves(pl.DataFrame({"arm": ["A"]})).to_frame()["centre"].unique().to_list() == [0, 1]


def test_refusals():
    fit, new = andersen_gill(rows(), "arm", **ROLES), pl.DataFrame({"arm": ["A"]})
    assert_refused(lambda: fit.predict(new, times=1, kind="survival"), argument="kind", says=["mean number"])
    assert_refused(lambda: fit.predict(new), argument="times")
    assert_refused(lambda: fit.predict(new, times=1, conf_type="log-log"), argument="conf_type")
    assert_refused(lambda: fit.curves(new[:0]), argument="new_data", says=["no rows"])
    assert_refused(lambda: fit.curves(new, conf_type="logit"), argument="conf_type")
    assert_refused(lambda: fit.adjusted("arm"), argument="fit", says=["mean_cumulative(..., by='arm')"])
    assert_refused(lambda: fit.slim().predict(new, times=1), argument="fit")
