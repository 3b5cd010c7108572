"""Kinetics of a marker: lme4, lines by hand, censored values that do not bend the line, and refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.errors import ConvergenceError
from hemresearch.translational import kinetics

ROLES = {"id": "id", "time": "month", "value": "mrd"}


def made(m: int = 30, seed: int = 1, slope: float = -0.2) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    owner, month = np.repeat(np.arange(m), 6), np.tile(np.arange(6) * 3.0, m)
    level, slopes = rng.normal(1, 0.3, m), rng.normal(slope, 0.05, m)
    y = level[owner] + slopes[owner] * month + rng.normal(0, 0.2, 6 * m)
    return pl.DataFrame({"id": owner, "month": month, "mrd": 10**y, "arm": np.where(owner % 2, "B", "A")})


def row(result, term: str) -> dict:
    return result.to_frame().filter(term=term).row(0, named=True)


def test_matches_lmer():
    case = load_reference("kinetics", "line_reml")
    d, v = case.options["data"], case.values
    data = pl.DataFrame({"id": d["id"], "month": d["month"], "mrd": 10 ** np.array(d["y"])})
    fit = kinetics(data, **ROLES)
    assert_close(np.log10(row(fit, "level at 0")["estimate"]), v["coef"][0], rel=1e-6)
    change = row(fit, "log10 change")
    assert_close([change["estimate"], change["std_error"]], [v["coef"][1], v["se"][1]], rel=1e-6)
    assert fit.method == "REML"


@pytest.mark.filterwarnings("ignore:.*normal limits are narrow")
def test_the_line_of_a_patient_and_its_halving_time_by_hand():
    # logarithms 2, 1, 0 and, with a wiggle, 1, 0, 2, 3 after 0, 1, 2 months
    data = pl.DataFrame(
        {
            "id": ["a"] * 3 + ["b"] * 3 + ["c"] * 3 + ["d"],
            "month": [0.0, 1, 2] * 3 + [0.0],
            "mrd": [100.0, 10, 1, 10, 1, 0.1, 10, 100, 2000, 5],
        }
    )
    fit = kinetics(data, **ROLES, per=2).patients()
    assert fit["id"].to_list() == ["a", "b", "c", "d"]
    slope = (np.log10(2000) - 1) / 2
    assert_close(fit["estimate"], [-2, -2, 2 * slope, None])
    assert_close(fit["halving_time"], [np.log10(2), np.log10(2), -np.log10(2) / slope, None])
    assert_close(fit["level"][:2], [100, 10])
    assert fit["n"].to_list() == [3, 3, 3, 1]


def test_halving_and_doubling_time_are_the_slope_in_other_words():
    fall, rise = kinetics(made(), **ROLES), kinetics(made(slope=0.2), **ROLES)
    for fit, term, sign in ((fall, "halving time", -1), (rise, "doubling time", 1)):
        change, time = row(fit, "log10 change"), row(fit, term)
        ends = sorted(np.log10(2) / abs(change[name]) for name in ("conf_low", "conf_high"))
        assert_close([time["conf_low"], time["conf_high"]], ends)
        assert_close(time["estimate"], sign * np.log10(2) / change["estimate"])
    assert fall.text().startswith("mrd: halving time 1.")
    flat = kinetics(made(slope=0.0, seed=3), **ROLES).to_frame().row(2, named=True)
    assert flat["conf_high"] is None
    assert flat["conf_low"] > 0


def test_the_unit_of_the_change():
    one, year = kinetics(made(), **ROLES), kinetics(made(), **ROLES, per=12)
    assert row(year, "log10 change")["estimate"] == pytest.approx(12 * row(one, "log10 change")["estimate"])
    assert row(year, "halving time")["estimate"] == row(one, "halving time")["estimate"]


def test_values_below_the_limit_are_censored_and_not_replaced():
    data = made(60, seed=5)
    truth = row(kinetics(data, **ROLES), "log10 change")["estimate"]
    hidden = data.with_columns(mrd=pl.when(pl.col("mrd") < 0.05).then(0.0).otherwise("mrd"), lod=0.05)
    fit = kinetics(hidden, **ROLES, limit="lod")
    assert fit.n_below > 60
    assert fit.method == "maximum likelihood"
    assert row(fit, "log10 change")["estimate"] == pytest.approx(truth, abs=0.01)
    assert "censored" in fit.methods()
    for below in ("half", "limit"):
        naive = assert_warns(
            lambda way=below: kinetics(hidden, **ROLES, limit=0.05, below=way), argument="below", column="mrd"
        )
        assert row(naive, "log10 change")["estimate"] > truth + 0.02
    few = fit.patients().filter(pl.col("n") - pl.col("n_below") < 2)
    assert few["estimate"].null_count() == few.height
    # whatever stands below the limit, it says the same
    other = kinetics(hidden.with_columns(mrd=pl.max_horizontal("mrd", 0.01)), **ROLES, limit="lod")
    assert other.to_frame().equals(fit.to_frame())


@pytest.mark.filterwarnings("ignore:.*normal limits are narrow")
def test_each_group_has_its_own_line():
    data = made()
    both = kinetics(data.lazy(), **ROLES, by="arm")
    one = kinetics(data.filter(arm="B"), **ROLES)
    assert_close(both.to_frame().filter(arm="B")["estimate"], one.to_frame()["estimate"])
    assert both.patients()["id"].to_list() == list(range(30))
    assert both.patients().columns[:2] == ["id", "arm"]
    assert repr(both).count("arm=A") == 3
    many = kinetics(made(32).with_columns(arm=pl.col("id") // 4), **ROLES, by="arm")
    assert "and 2 more groups" in repr(many)


def test_few_patients_give_a_warning():
    few = made().filter(pl.col("id") < 4)
    assert_warns(lambda: kinetics(few, **ROLES), argument="data", says=["4 patients for one line"])


def test_how_groups_were_fitted_is_told_of_each_kind():
    high = pl.when(pl.col("arm") == "A").then(pl.col("mrd").quantile(0.3)).otherwise(1e-9)
    fit = kinetics(made().with_columns(lod=high), **ROLES, by="arm", limit="lod")
    assert "else REML" in repr(fit)


@pytest.mark.parametrize("name", ["estimate", "n_below", "value", "id"])
def test_columns_of_the_result_are_no_names_of_ids_or_groups(name):
    data = made().rename({"id": "who"}).with_columns(pl.col("arm").alias(name))
    roles = ROLES | {"id": "who"}
    assert_refused(lambda: kinetics(data, **roles, by=name), argument="by", column=name, says=["alias"])
    if name not in ("id", "value"):
        named = data.with_columns(pl.col("who").alias(name))
        assert_refused(lambda: kinetics(named, **roles | {"id": name}), argument="id", column=name)


def test_what_it_says():
    data = made().with_columns(month=pl.duration(days=(30 * pl.col("month")).cast(pl.Int64)))
    fit = kinetics(data, **ROLES)
    assert fit.text().endswith(" days")
    assert fit.summary().row(0, named=True)["n_measurements"] == 180
    assert "REML" in fit.methods()
    gap = made().with_columns(mrd=pl.when(pl.int_range(pl.len()) > 0).then("mrd"))
    assert "1 rows with missing values left out" in repr(kinetics(gap, **ROLES, missing="drop"))


@pytest.mark.parametrize("by", [None, "arm", ["arm", "old"]])
def test_the_picture_has_the_line_of_the_model(by):
    data = made().with_columns(old=pl.col("id") > 14)
    fit = kinetics(data, **ROLES, by=by)
    ax = fit.plot(width=115, y_label="MRD")
    lines = [line for line in ax.lines if line.get_gid() == "line"]
    assert len(lines) == fit.to_frame().height // 3
    level, change = fit.to_frame()["estimate"][:2]
    np.testing.assert_allclose(lines[0].get_ydata(), level * 10 ** (change * np.array([0.0, 15.0])))
    assert hem.plots.layout_problems(ax.figure) == []


def test_refusals():
    data = made()

    def refused(data=data, says=(), rows=(), *, argument, column=None, **options):
        assert_refused(
            lambda: kinetics(data, **ROLES | options), argument=argument, column=column, rows=rows, says=says
        )

    first = pl.int_range(pl.len()) == 0
    refused(argument="below", below="tobit")
    refused(argument="per", per=0)
    refused(argument="id", id=None)
    refused(argument="limit", limit=0)
    refused(argument="limit", limit=["mrd", "month"])
    refused(
        data.with_columns(lod=pl.lit(0.0)), argument="limit", column="lod", limit="lod", rows=range(1, 181)
    )
    zero = data.with_columns(mrd=pl.when(first).then(0.0).otherwise("mrd"))
    refused(zero, argument="limit", column="mrd", rows=[1], says=["without a limit"])
    negative = data.with_columns(mrd=pl.when(first).then(-1.0).otherwise("mrd"))
    refused(negative, argument="value", column="mrd", rows=[1])
    refused(data.with_columns(month=1.0).head(3), argument="time", column="month", rows=[1, 2, 3])
    moved = data.with_columns(arm=pl.when(first).then(pl.lit("C")).otherwise("arm"))
    refused(moved, argument="by", column="arm", by="arm", rows=range(2, 7))
    refused(data.filter(pl.col("id") < 2), argument="data", says=["2 patients"])
    refused(data.filter(pl.col("month") < 6), argument="data")
    refused(data, argument="data", limit=1e9, says=["0 of them"])


def test_a_search_that_ends_nowhere_is_told(monkeypatch):
    from importlib import import_module

    from hemresearch.numerics.linear_mixed import MixedLine

    nothing = MixedLine(np.zeros(2), np.eye(2), np.eye(2), 1.0, 0.0, converged=False)
    module = import_module("hemresearch.translational.kinetics")
    monkeypatch.setattr(module, "mixed_line", lambda *_: nothing)
    with pytest.raises(ConvergenceError, match="no maximum"):
        kinetics(made(), **ROLES)
