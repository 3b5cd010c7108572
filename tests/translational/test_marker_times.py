"""How far a marker fell, when, and what was known of it at a landmark: by hand, and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.translational import log_reduction, marker_at_landmark, response_times

ROLES = {"id": "id", "time": "month", "value": "mrd"}


def course(*values: float, months: list[float] | None = None, id: object = 1) -> pl.DataFrame:
    months = months or [3.0 * i for i in range(len(values))]
    return pl.DataFrame(
        {"id": [id] * len(values), "month": months, "mrd": list(values)}, strict=False
    ).with_columns(pl.col("month").cast(pl.Float64))


def one(*values: float, **options) -> tuple:
    months = options.pop("months", None)
    return response_times(course(*values, months=months), **ROLES, at_most=0.1, **options).row(0)[1:]


def test_log_reduction_by_hand():
    data = pl.concat([course(0.5, 0.2, 0.02, 0.2, months=[-2, -1, 3, 6]), course(1.0, 0.0, id=2)])
    fall = log_reduction(data, **ROLES, limit=0.001)
    assert fall["log_reduction"].round(9).to_list() == [None, 0.0, 1.0, 0.0, 0.0, 3.0]
    assert fall["at_least"].to_list() == [False] * 5 + [True]
    lazy = log_reduction(data.lazy(), **ROLES, limit=0.001)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(fall)
    # the order of rows is kept
    turned = log_reduction(data.reverse(), **ROLES, limit=0.001)
    assert turned.reverse().equals(fall)


def test_log_reduction_without_a_baseline():
    data = pl.concat([course(0.5, 0.05), course(0.5, months=[2.0], id=2), course(0.0, 0.5, id=3)])
    fall = assert_warns(
        lambda: log_reduction(data, **ROLES, limit=0.01), argument="time", says=["2 patients"]
    )
    assert fall["log_reduction"].null_count() == 3
    assert_refused(lambda: log_reduction(fall, **ROLES, limit=0.01), argument="data", says=["at_least"])
    assert_refused(
        lambda: log_reduction(course(0.5, None), **ROLES), argument="value", column="mrd", rows=[2]
    )


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ((9, 1, 0.1, 0.05), {}, (4, 3, 6, True, 3, None)),
        ((9, 1, 0.1, 0.2, 0.05), {}, (5, 3, 6, True, 0, 3)),
        ((9, 1, 0.2), {}, (3, 6, None, False, None, None)),
        ((0.05, 0.05), {}, (2, 0, 0, True, 3, None)),
        ((0.05, 0.05), {"months": [2.0, 5.0]}, (2, None, 2, True, 3, None)),
        ((9, 0.05), {"months": [-1.0, 5.0]}, (1, None, 5, True, 0, None)),
        ((9, 0.05, 1, 0.05, 0.05), {"confirm": 2}, (5, 6, 9, True, 3, None)),
        ((9, 1, 0.05), {"confirm": 2}, (3, 3, None, False, None, None)),
        ((0.05,), {"confirm": 2}, (1, 0, None, False, None, None)),
        ((9, 0.05, 0.05, 0.2), {"confirm": 2}, (4, 0, 3, True, 3, None)),
        ((9, 0.05, 0.05, 0.2, 0.3), {"confirm": 2}, (5, 0, 3, True, 3, 6)),
        ((9, 0.05, 0.2, 1.5), {"loss_above": 1}, (4, 0, 3, True, 3, 6)),
        ((9, 0.0, 0.0), {"limit": 0.01}, (3, 0, 3, True, 3, None)),
    ],
)
def test_response_and_loss_by_hand(values, options, expected):
    assert one(*values, **options) == expected


def test_a_sample_that_cannot_show_the_response_is_left_out():
    data = course(9.0, 0.0, 0.0).with_columns(lod=pl.Series([None, 0.5, 0.01]))
    assert response_times(data, **ROLES, limit="lod", at_most=0.1).row(0)[1:] == (2, 0, 6, True, 0, None)


def test_turnbull_takes_the_times():
    rng = np.random.default_rng(3)
    rows = []
    for i in range(60):
        response = rng.exponential(8)
        months = np.arange(0, 37, 3) + rng.uniform(0, 1, 13)
        rows += [(i, m, 0.01 if m > response else 5.0) for m in months]
    values = pl.DataFrame(rows, schema=["id", "month", "mrd"], orient="row")
    times = response_times(values.sample(fraction=1, shuffle=True, seed=1), **ROLES, at_most=0.1)
    assert times["id"].to_list() == list(range(60))
    estimate = hem.survival.turnbull(times, left="response_left", right="response_right").at([12.0])
    at_visit = hem.survival.kaplan_meier(
        times.with_columns(t=pl.coalesce("response_right", "response_left")), time="t", event="responded"
    ).at([12.0])
    assert at_visit["estimate"].item() > np.exp(-12 / 8)
    assert estimate["estimate"].fill_null(0.2).item() < at_visit["estimate"].item() + 0.02


def test_response_times_refuse_and_warn():
    data = course(9.0, 0.05)

    def refused(data=data, column=None, *, argument, **options):
        call = {**ROLES, "at_most": 0.1, **options}
        assert_refused(lambda: response_times(data, **call), argument=argument, column=column)

    refused(argument="at_most", at_most=0)
    refused(argument="loss_above", loss_above=0.05)
    refused(argument="confirm", confirm=0)
    refused(argument="confirm", confirm=1.5)
    refused(course(9.0, months=[-1.0]), argument="time", column="month")
    both = pl.concat([data, course(9.0, months=[-1.0], id=2)])
    times = assert_warns(
        lambda: response_times(both, **ROLES, at_most=0.1),
        argument="time",
        column="month",
        says=["1 patient"],
    )
    assert times.height == 1


PATIENTS = pl.DataFrame({"id": [1, 2, 3, 4], "t": [30.0, 18.0, 4.0, 40.0], "e": [1, 1, 1, 0]})
VALUES = pl.concat([course(1.0, 0.01, 5.0), course(1.0, months=[5.0], id=2), course(2.0, 4.0, 8.0, id=4)])
LANDMARK = {"id": "id", "time": "t", "event": "e", "at": 4, "measured": "month", "value": "mrd"}


def test_what_is_known_at_a_landmark_by_hand():
    at_4 = assert_warns(
        lambda: marker_at_landmark(PATIENTS, VALUES, **LANDMARK), argument="values", says=["1 of 3"]
    )
    known = at_4.data.select("id", "t", "last_value", "last_age", "log10_slope", "n_values").rows()
    assert known == [
        (1, 26.0, 0.01, 1.0, pytest.approx(-2 / 3), 2),
        (2, 14.0, None, None, None, 0),
        (4, 36.0, 4.0, 1.0, pytest.approx(np.log10(2) / 3), 2),
    ]
    assert (at_4.n_risk, at_4.n_event) == (3, 1)
    # what comes later changes nothing
    later = VALUES.with_columns(mrd=pl.when(pl.col("month") > 4).then(99.0).otherwise("mrd"))
    with pytest.warns(hem.errors.DataWarning):
        again = marker_at_landmark(PATIENTS, later.lazy(), **LANDMARK)
    assert again.data.equals(at_4.data)


def test_the_model_after_the_landmark_finds_the_marker():
    rng = np.random.default_rng(6)
    n = 300
    level = rng.normal(0, 1, n)
    data = pl.DataFrame({"id": range(n), "t": 3 + rng.exponential(10 * np.exp(-0.7 * level)), "e": 1})
    values = pl.DataFrame(
        {"id": np.repeat(range(n), 2), "month": np.tile([0.0, 2.0], n), "mrd": 10 ** np.repeat(level, 2)}
    )
    at_3 = marker_at_landmark(data, values, **LANDMARK | {"at": 3})
    fit = hem.regression.cox(at_3.data, ["last_log10"], time="t", event="e")
    assert fit.coef[0] == pytest.approx(0.7, abs=0.2)


def test_landmarks_refuse():
    def refused(data=PATIENTS, values=VALUES, says=(), rows=(), column=None, *, argument, **options):
        assert_refused(
            lambda: marker_at_landmark(data, values, **LANDMARK | options),
            argument=argument, column=column, rows=rows, says=says,
        )  # fmt: skip

    refused(argument="at", at=-1)
    refused(pl.concat([PATIENTS, PATIENTS[:1]]), argument="id", column="id", rows=[1, 5])
    refused(argument="id", column="who", id=pl.col("id").alias("who"), says=["computed"])
    refused(PATIENTS.with_columns(last_age=1), argument="data", says=["last_age"])
    text = VALUES.with_columns(pl.col("id").cast(pl.String))
    refused(values=text, argument="id", column="id", says=["String in values"])


def test_an_id_has_no_name_of_the_result():
    data = course(50.0, 0.05).rename({"id": "responded"})
    call = lambda: response_times(data, **ROLES | {"id": "responded"}, at_most=0.1)  # noqa: E731
    assert_refused(call, argument="id", column="responded", says=["alias"])
