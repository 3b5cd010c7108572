"""The actuarial table of registries: a reference, a table by hand, and refusals."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.relative import relative_survival_table

SWEDEN = hem.data.life_table("sweden")
COLREC = load_dataset("colrec").with_columns(years=pl.col("time") / 365.25)
COLUMNS: dict[str, Any] = {
    "time": "years", "event": "stat", "time_unit": "years", "sex": "sex", "date": "diag", "age": "age",
    "age_unit": "days", "life_table": SWEDEN, "extrapolate": None,
}  # fmt: skip


def table(data: pl.DataFrame = COLREC, **options: Any) -> Any:
    return relative_survival_table(data, **{**COLUMNS, "intervals": [0, 1, 2, 5], **options})


def test_matches_the_table_of_strs():
    values = load_reference("relative_survival", "actuarial_e2_colrec_swedish").values
    frame = table(intervals=range(11)).to_frame()
    ours = {
        "start": "start", "end": "end", "n": "n_risk", "d": "n_event", "w": "n_censor", "n_eff": "effective",
        "p": "interval_observed", "p_star": "interval_expected", "r": "interval_relative", "cp": "observed",
        "cp_star": "expected", "cr": "estimate", "se_cr": "std_error",
        "lo_cr": "conf_low", "hi_cr": "conf_high",
    }  # fmt: skip
    for theirs, name in ours.items():
        assert_close(frame[name], values[theirs], rel=1e-10)


def small(**columns: Any) -> pl.DataFrame:
    data = {"years": [0.0, 0.5, 0.5, 1.0, 1.0, 3.0], "stat": [1, 1, 0, 0, 1, 0]}
    return (
        COLREC.head(6)
        .select("sex", "age", "diag")
        .with_columns(*(pl.Series(name, values) for name, values in {**data, **columns}.items()))
    )


def test_a_table_by_hand():
    frame = table(small()).to_frame()
    # the one followed for just a year is not withdrawn within it, and not alive in the second
    assert frame["n_risk"].to_list() == [6, 1, 1]
    assert frame["n_event"].to_list() == [3, 0, 0]
    assert frame["n_censor"].to_list() == [1, 0, 1]
    assert frame["effective"].to_list() == [5.5, 1, 0.5]
    assert_close(frame["interval_observed"], [1 - 3 / 5.5, 1, 1])
    assert_close(frame["observed"] / frame["expected"], frame["estimate"])
    first = COLREC.head(6).with_columns(
        year=pl.col("diag").dt.year(), years=(pl.col("age") / 365.25).floor(), code=pl.col("sex")
    )
    rate = [SWEDEN.rate(a, y, s).item() for a, y, s in first.select("years", "year", "code").rows()]
    assert_close(frame["interval_expected"][0], np.exp(-np.array(rate)).mean(), rel=1e-12)


def test_nothing_is_known_where_nobody_is_left():
    frame = table(small(), intervals=[0, 4, 5]).to_frame()
    assert frame["n_risk"].to_list() == [6, 0]
    counts = ("n_enter", "n_event", "n_censor", "effective", "person_time", "n_expected")
    assert frame.select(counts).row(1) == (0,) * 6
    assert frame.drop("start", "end", "n_risk", *counts).row(1) == (None,) * 9


def test_groups_and_units():
    by = table(by="site").to_frame()
    colon = table(COLREC.filter(pl.col("site") == "colon")).to_frame()
    assert_close(by.filter(pl.col("site") == "colon")["estimate"], colon["estimate"])
    days = table(time="time", time_unit="days", intervals=[0, 365.25, 730.5, 1826.25]).to_frame()
    assert_close(days["estimate"], table().to_frame()["estimate"], rel=1e-12)


def test_text_and_repr():
    found = table(by="site")
    lines = repr(found).splitlines()
    assert lines[0] == "relative survival (population: Sweden), n=5,971, events=4,979"
    assert lines[1].startswith("  site=colon, to 1: n=3537, deaths=")
    assert len(repr(table(intervals=range(16))).splitlines()) == 15
    assert "and 3 more" in repr(table(intervals=range(16)))
    assert "to 5 " in found.text()


@pytest.mark.parametrize("intervals", [[0], [1, 2], [0, 2, 1], [0, 1, 1], "years", [-1, 0], None])
def test_intervals_that_do_not_rise_from_zero(intervals):
    assert_refused(lambda: table(intervals=intervals), argument="intervals")


def test_intervals_must_be_given():
    options = {name: value for name, value in COLUMNS.items() if name != "intervals"}
    assert_refused(
        lambda: relative_survival_table(COLREC, **options),
        argument="intervals",
        says=["no intervals were given"],
    )


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"conf_level": 95}, "conf_level", []),
        ({"conf_type": "logit"}, "conf_type", ["log-log"]),
        ({"method": "ederer1"}, "method", ["ederer2"]),
        ({"estimator": "actuarial"}, "estimator", ["ratio"]),
        ({"method": "pohar-perme"}, "estimator", ["'ratio' has no weights", "'hazard'"]),
        ({"period": (date(1998, 1, 1), date(2000, 1, 1))}, "estimator", ["an entry or a period", "'hazard'"]),
        (
            {"entry": "years", "estimator": "lifetable"},
            "estimator",
            ["'lifetable' counts patients from time 0"],
        ),
        ({"standard": "icss9", "estimator": "hazard"}, "standard", ["icss1"]),
    ],
)
def test_arguments_that_do_not_go_together(options, argument, says):
    assert_refused(lambda: table(**options), argument=argument, says=says)


ESTIMATORS = [("ederer2", "ratio"), *product(("ederer2", "pohar-perme"), ("lifetable", "hazard"))]


@pytest.mark.parametrize(("method", "estimator"), ESTIMATORS)
def test_intervals_in_the_wrong_unit_are_told(method, estimator):
    found = assert_warns(
        lambda: table(time="time", time_unit="days", method=method, estimator=estimator),
        argument="intervals",
        says=["0.23% of the follow-up, with borders in days", "intervals=... with borders in days"],
    )
    assert found.to_frame()["end"].to_list() == [1, 2, 5]


def flat_rates() -> LifeTable:
    """One death in ten person-years, of anybody, at all times."""
    cells = pl.DataFrame({"year": range(1990, 2031)}).join(pl.DataFrame({"age": range(101)}), how="cross")
    return LifeTable(
        cells.join(pl.DataFrame({"sex": ["m", "w"], "rate": [0.1, 0.1]}), how="cross"), rate="rate"
    )


FLAT = flat_rates()


def flat(data: pl.DataFrame, **options: Any) -> pl.DataFrame:
    place: dict[str, Any] = {
        "time": "years", "event": "dead", "time_unit": "years", "sex": "sex", "date": "date", "age": "age",
        "age_unit": "years", "life_table": FLAT, "estimator": "hazard", "intervals": [0, 1, 2, 3],
    }  # fmt: skip
    return relative_survival_table(data, **{**place, **options}).to_frame()


def cohort(years: list[float], dead: list[int], **columns: Any) -> pl.DataFrame:
    facts = {"sex": "m", "date": date(2000, 1, 1), "age": 50.0}
    frame = pl.DataFrame({"years": years, "dead": dead, **columns})
    return frame.with_columns(pl.lit(v).alias(k) for k, v in facts.items() if k not in columns)


def test_person_time_by_hand():
    frame = flat(cohort([0.5, 1.0, 1.5, 2.5], [1, 1, 0, 1]))
    assert_close(frame["person_time"], [3.5, 1.5, 0.5])
    assert_close(frame["n_expected"], [0.35, 0.15, 0.05])
    assert frame["n_event"].to_list() == [2, 0, 1]
    assert frame["n_censor"].to_list() == [0, 1, 0]
    assert_close(frame["observed"], np.exp(-np.cumsum([2 / 3.5, 0, 2])))
    assert_close(frame["expected"], np.exp(-0.1 * np.arange(1, 4)))
    assert_close(frame["estimate"], frame["observed"] / frame["expected"])
    assert_close(frame["std_error"], frame["estimate"] * np.sqrt(np.cumsum([2 / 3.5**2, 0, 1 / 0.5**2])))
    assert_close(frame["interval_relative"], np.exp(-np.array([2 / 3.5, 0, 2]) + 0.1))


def test_a_life_table_by_hand():
    frame = flat(cohort([0.5, 1.0, 1.5, 2.5], [1, 1, 0, 1]), estimator="lifetable")
    assert frame["effective"].to_list() == [4, 1.5, 1]
    assert_close(frame["observed"], [0.5, 0.5, 0])
    assert_close(frame["expected"], np.cumprod([1 - 0.35 / 4, 1 - 0.15 / 2, 1 - 0.05]))
    assert_close(frame["estimate"][:2], np.cumprod([1 - 1.65 / 4, 1 + 0.15 / 1.5]))
    assert frame.row(2, named=True)["estimate"] == 0
    assert frame["std_error"].to_list()[2] is None
    error = np.sqrt(2 / (4 * 2)) * frame["observed"][:2] / frame["expected"][:2]
    assert_close(frame["std_error"][:2], error)


@pytest.mark.parametrize("estimator", ["hazard", "lifetable"])
def test_weights_by_hand(estimator):
    # all have the same weight within an interval, so that it leaves no trace but in the error's pieces
    data = cohort([0.5, 1.0, 1.5, 2.6, 2.8], [1, 1, 0, 1, 0])
    one = flat(data, estimator=estimator)
    weighted = flat(data, estimator=estimator, method="pohar-perme")
    assert_close(weighted["estimate"], one["estimate"], rel=1e-12)
    assert weighted["n_risk"].to_list() == one["n_risk"].to_list()
    if estimator == "hazard":
        assert_close(weighted["std_error"], one["std_error"], rel=1e-12)
    # of two hazards the heavier weight counts more: 1/S in the middle of each interval
    rates = pl.DataFrame({"sex": ["m", "w"], "rate": [0.1, 0.4]})
    table_ = LifeTable(
        pl.DataFrame({"year": range(1990, 2031)})
        .join(pl.DataFrame({"age": range(101)}), how="cross")
        .join(rates, how="cross"),
        rate="rate",
    )
    two = cohort([2.0, 2.0, 1.5], [0, 0, 1], sex=["m", "w", "w"])
    found = flat(two, method="pohar-perme", estimator="hazard", life_table=table_, intervals=[0, 1, 2])
    m, w = np.exp(0.1 * np.array([0.5, 1.5])), np.exp(0.4 * np.array([0.5, 1.5]))
    time = np.array([m[0] + 2 * w[0], m[1] + 1.5 * w[1]])
    excess = np.array([0, w[1]]) - np.array([0.1 * m[0] + 0.8 * w[0], 0.1 * m[1] + 0.6 * w[1]])
    assert_close(found["estimate"], np.exp(-np.cumsum(excess / time)), rel=1e-12)
    assert_close(found["std_error"][1], found["estimate"][1] * w[1] / time[1], rel=1e-12)
    assert_close(found["n_expected"], [0.9, 0.7])


def test_late_entries_and_a_period_by_hand():
    data = cohort([2.5, 1.5, 3.0], [1, 1, 0], late=[0.0, 0.5, 2.0])
    frame = flat(data, entry="late")
    assert frame["n_risk"].to_list() == [1, 2, 2]
    assert frame["n_enter"].to_list() == [1, 0, 0]
    assert frame["effective"].to_list() == [1.5, 2, 2]
    assert_close(frame["person_time"], [1.5, 1.5, 1.5])
    assert_close(frame["observed"], np.exp(-np.cumsum([0, 1 / 1.5, 1 / 1.5])))
    within = flat(data, period=(date(2000, 7, 1), date(2002, 1, 1)))
    assert within["n_risk"].to_list()[1:] == [3, 2]
    assert_close(within["person_time"][0], 3 * (365.25 - 182) / 365.25)
    assert within["n_event"].to_list() == [0, 1, 0]


@pytest.mark.parametrize("method", ["ederer2", "pohar-perme"])
def test_a_group_whose_follow_up_is_all_later(method):
    data = cohort([1.5, 2.5, 3.5], [1, 0, 1], late=[0.0, 0.0, 3.2], arm=["a", "a", "b"])
    frame = flat(data, entry="late", by="arm", method=method)
    assert frame["n_risk"].to_list() == [2, 2, 1, 0, 0, 0]
    assert frame["estimate"].is_null().to_list() == [False] * 3 + [True] * 3


def test_a_gap_is_told():
    data = cohort([0.5, 2.5, 2.8], [1, 1, 0], late=[0.0, 1.2, 1.4], arm=["a", "a", "a"])
    found = assert_warns(
        lambda: flat(data, entry="late", intervals=[0, 1, 1.1, 3], by="arm"),
        argument="intervals",
        says=["holds nobody's follow-up in a in (1, 1.1]", "wider intervals"],
    )
    assert found["estimate"].is_null().to_list() == [False, True, True]


def test_the_standard_is_the_weighted_mean_of_age_groups():
    ages = {0: 1, 60: 3}
    groups = [COLREC.filter(pl.col("age") < 60 * 365.25), COLREC.filter(pl.col("age") >= 60 * 365.25)]
    for method, estimator in ESTIMATORS:
        options: dict[str, Any] = {"method": method, "estimator": estimator}
        whole = table(**options, standard=ages).to_frame()
        young, old = (table(part, **options).to_frame() for part in groups)
        for name in ("observed", "expected", "estimate"):
            assert_close(whole[name], 0.25 * young[name] + 0.75 * old[name], rel=1e-12)
        error = np.sqrt((0.25 * young["std_error"]) ** 2 + (0.75 * old["std_error"]) ** 2)
        assert_close(whole["std_error"], error, rel=1e-12)
        assert_close(whole["n_expected"], young["n_expected"] + old["n_expected"], rel=1e-12)
        assert_close(whole["interval_observed"].cum_prod(), whole["observed"], rel=1e-12)
    assert "age-standardised (own weights)" in repr(table(standard=ages))


def random_cohort(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return cohort(
        rng.uniform(0.01, 5, n).round(2).tolist(), rng.integers(0, 2, n).tolist(),
        age=rng.uniform(20, 90, n), sex=rng.choice(["m", "w"], n),
    )  # fmt: skip


SOME = given(st.integers(1, 40), st.integers(0, 10_000))


@settings(max_examples=20)
@SOME
def test_a_life_table_of_ederer_is_the_classical_one(n, seed):
    data = random_cohort(n, seed)
    frame = flat(data, estimator="lifetable", intervals=[0, 0.7, 2, 5])
    time, dead = data["years"].to_numpy(), data["dead"].to_numpy() == 1
    product_ = 1.0
    for row in frame.iter_rows(named=True):
        here = (time > row["start"]) & (time <= row["end"])
        alive, deaths, whole = (time > row["start"]).sum(), (here & dead).sum(), time == row["end"]
        effective = alive - (here & ~dead & ~whole).sum() / 2
        assert (row["n_risk"], row["n_event"], row["effective"]) == (alive, deaths, effective)
        if alive:
            product_ *= 1 - deaths / effective
            assert row["observed"] == pytest.approx(product_, abs=1e-12)
    # the others are followed until a border
    until_a_border = np.isin(time, [0.7, 2, 5]) & ~dead
    assert n == frame["n_event"].sum() + frame["n_censor"].sum() + until_a_border.sum()


@settings(max_examples=20)
@SOME
def test_one_interval_is_one_rate(n, seed):
    data = random_cohort(n, seed)
    row = flat(data, intervals=[0, 5]).row(0, named=True)
    deaths, time = data["dead"].sum(), data["years"].sum()
    assert row["estimate"] == pytest.approx(np.exp(-5 * (deaths / time - 0.1)), rel=1e-9)
    assert row["std_error"] == pytest.approx(row["estimate"] * 5 * np.sqrt(deaths) / time, rel=1e-9)


@settings(max_examples=15)
@SOME
def test_twice_the_patients_are_half_the_variance(n, seed):
    data = random_cohort(n, seed)
    for method, estimator in ESTIMATORS:
        once = flat(data, method=method, estimator=estimator)
        twice = flat(pl.concat([data, data]), method=method, estimator=estimator)
        np.testing.assert_allclose(once["estimate"], twice["estimate"], rtol=1e-9)
        np.testing.assert_allclose(
            once["std_error"].cast(float), np.sqrt(2) * twice["std_error"].cast(float), rtol=1e-9
        )


def test_pieces_in_memory_at_a_time_change_nothing(monkeypatch):
    options: dict[str, Any] = {"method": "pohar-perme", "estimator": "hazard", "by": "site"}
    whole = table(**options).to_frame()
    monkeypatch.setattr("hemresearch.relative.interval_counts.PIECES", 999)
    np.testing.assert_allclose(table(**options).to_frame()["estimate"], whole["estimate"], rtol=1e-12)


def test_limits_of_other_scales():
    for estimator in ("ratio", "lifetable", "hazard"):
        row = table(estimator=estimator, conf_type="plain").to_frame().row(0, named=True)
        assert_close(row["conf_high"] - row["estimate"], 1.959963984540054 * row["std_error"], rel=1e-9)
        log = table(estimator=estimator, conf_type="log").to_frame().row(0, named=True)
        assert_close(log["conf_high"] / log["estimate"], log["estimate"] / log["conf_low"], rel=1e-9)
    assert "log with Poisson variance" in repr(table(estimator="hazard", conf_type="log"))
    net = repr(table(estimator="hazard", method="pohar-perme")).splitlines()
    assert net[0].startswith("net survival (population: Sweden)")
    assert ", net 0." in net[1]
    late = COLREC.with_columns(late=pl.lit(0.5)).filter(pl.col("years") > 0.5)
    assert f"n=0, entered={late.height}, deaths=" in repr(table(late, entry="late", estimator="hazard"))


def test_lazy_tables_and_pandas():
    whole = table().to_frame()
    for other in (COLREC.lazy(), COLREC.to_pandas()):
        assert table(other).to_frame().equals(whole)
