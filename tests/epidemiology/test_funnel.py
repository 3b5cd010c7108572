"""Funnels: R's limits, sizes and targets, refusals; and the plot."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

from hemresearch.epidemiology import funnel

ROLES = {"unit": "unit", "events": "d", "n": "n"}
UNITS = pl.DataFrame(
    {"unit": list("ABCDEFGH"), "d": [4, 9, 11, 30, 14, 2, 40, 6], "n": [40, 82, 120, 130, 151, 25, 210, 90]}
)


def case_units(case) -> pl.DataFrame:
    size = case.options["size"]
    return pl.DataFrame({"unit": range(len(size)), "d": case.options["events"], "size": size})


@pytest.mark.parametrize(("case_id", "kind"), [("funnel_binomial", "n"), ("funnel_poisson", "expected")])
def test_matches_r(reference, case_id, kind):
    case = reference("tables", case_id)
    units = case_units(case)
    found = funnel(units, unit="unit", events="d", **{kind: "size"})
    assert_close(found.target, case.options["target"])
    for stored in case.values["limits"]:
        limits = found.limits(case.options["size"]).filter(level=stored["level"])
        assert_close(limits["conf_low"], stored["low"], rel=1e-9, at_zero=1e-9)
        assert_close(limits["conf_high"], stored["high"], rel=1e-9)
        estimate = units["d"] / units["size"]
        high, low = (pl.Series(stored[name], dtype=pl.Float64) for name in ("high", "low"))
        beyond = (estimate > high) | (estimate < low)
        outside = (found.to_frame()["outside"] >= stored["level"]).fill_null(False)
        assert outside.to_list() == beyond.to_list()
    assert_close(found.dispersion, case.values["dispersion"], rel=1e-10)
    additive = funnel(units, unit="unit", events="d", **{kind: "size"}, over_dispersion="additive")
    assert_close(additive.between, case.values["between"], rel=1e-9)
    assert found.between == 0


def test_over_dispersion_widens_the_limits():
    exact = funnel(UNITS, **ROLES).limits()
    for how in ("multiplicative", "additive"):
        wider = funnel(UNITS, **ROLES, over_dispersion=how)
        assert (wider.limits()["conf_low"] <= exact["conf_low"]).all()
        assert (wider.limits()["conf_high"] >= exact["conf_high"]).all()
        assert "widened" in wider.methods()
        assert how in repr(wider)


def test_exact_limits_have_one_event_more_above():
    published, exact = funnel(UNITS, **ROLES), funnel(UNITS, **ROLES, conf_type="exact")
    size = UNITS["n"].sort().to_list()
    first, second = (f.limits(size).sort("level", "n") for f in (published, exact))
    assert_close(second["conf_high"] - 1 / second["n"], first["conf_high"])
    assert_close(second["conf_low"], first["conf_low"], at_zero=1e-12)
    assert "no more than its share" in exact.methods()
    assert exact.to_frame()["outside"].count() <= published.to_frame()["outside"].count()


def test_units_that_are_all_equal_or_without_events():
    equal = pl.DataFrame({"unit": list("ABCDEF"), "d": [10] * 6, "n": [100] * 6})
    for how in ("none", "multiplicative", "additive"):
        found = funnel(equal, **ROLES, over_dispersion=how)
        assert (found.dispersion, found.between, found.to_frame()["outside"].count()) == (1, 0, 0)
    few = pl.DataFrame({"unit": list("AB"), "d": [0, 1], "n": [5, 400]})
    frame = funnel(few, **ROLES).to_frame()
    assert frame["estimate"].to_list() == [0, 0.0025]
    assert frame["outside"].null_count() == 2


def test_patients_counts_and_input_are_one():
    whole = funnel(UNITS, **ROLES)
    patients = pl.concat(
        pl.DataFrame({"unit": [u] * n, "d": [True] * d + [False] * (n - d)}) for u, d, n in UNITS.iter_rows()
    )
    for data, roles in (
        (patients, {"unit": "unit", "events": "d"}),
        (UNITS.lazy(), ROLES),
        (UNITS.to_pandas(), ROLES),
        (
            pl.concat(
                [UNITS.with_columns(n=pl.col("n") - 1), UNITS.with_columns(d=pl.lit(0), n=pl.lit(1))],
                how="vertical_relaxed",
            ),
            ROLES,
        ),
    ):
        assert_frame_equal(funnel(data, **roles).to_frame(), whole.to_frame())


def test_rates_do_not_depend_on_the_unit_of_time():
    years, months = (
        funnel(UNITS.with_columns(y=pl.col("n") * 0.5 * f), unit="unit", events="d", person_time="y")
        for f in (1, 12)
    )
    assert_close(years.target, months.target * 12)
    assert_close(years.limits([50.0])["conf_high"], months.limits([600.0])["conf_high"] * 12)
    assert years.to_frame()["outside"].to_list() == months.to_frame()["outside"].to_list()
    assert years.quantity == "rate"


def test_a_target_moves_the_funnel():
    found = funnel(UNITS, **ROLES, target=0.3, levels=0.9)
    assert (found.target, found.levels) == (0.3, (0.9,))
    limits = found.limits([100])
    assert limits["conf_low"][0] < 0.3 < limits["conf_high"][0]
    assert (found.limits()["n"] == found.limits()["n"].round()).all()


def test_what_a_funnel_says():
    found = funnel(UNITS, **ROLES)
    assert "D: 0.2308, outside of 95%" in repr(found)
    assert found.text().startswith("proportion by unit, target 0.14, 8 units: ")
    assert "2 outside of the 95% limits, 0 outside of the 99.8% limits" in found.text()
    assert "exact control limits" in found.methods()
    assert found.summary().row(0, named=True)["n_units"] == 8
    alike = UNITS.with_columns(d=pl.lit(10), n=pl.lit(100))
    assert "all within the limits" in repr(funnel(alike, **ROLES))
    holes = pl.concat([UNITS, pl.DataFrame({"unit": ["A"], "d": [None], "n": [3]}, schema=UNITS.schema)])
    assert "1 rows with missing values" in repr(funnel(holes, **ROLES, missing="drop"))


def test_refusals():
    units = UNITS.with_columns(e=pl.col("n") * 0.1, y=pl.col("n") * 0.5)

    def call(data=units, **options):
        return lambda: funnel(data, **{"unit": "unit", "events": "d"} | options)

    assert_refused(call(n="n", expected="e"), argument="expected", says=["n and expected were given"])
    assert_refused(call(n="n", over_dispersion="x"), argument="over_dispersion")
    assert_refused(call(n="n", conf_type="wilson"), argument="conf_type")
    assert_refused(call(n="n", levels=(0.95, 99.8)), argument="conf_level")
    assert_refused(
        call(n="d", events="n"), argument="events", column="n", rows=range(1, 9), says=["more events"]
    )
    assert_refused(call(units.head(1), n="n"), argument="unit", column="unit", says=["1 unit"])
    assert_refused(
        call(units.head(4), n="n", over_dispersion="additive"),
        argument="unit",
        column="unit",
        says=["4 units"],
    )
    is_c = pl.col("unit") == "C"
    none = units.with_columns(
        pl.when(is_c).then(0).otherwise(pl.col(name)).alias(name) for name in ("d", "n")
    )
    assert_refused(call(none, n="n"), argument="n", column="n", says=["in 'C'"])
    assert_refused(
        call(units.with_columns(e=-pl.col("e")), expected="e"),
        argument="expected",
        column="e",
        rows=range(1, 9),
    )
    assert_refused(
        call(units.with_columns(y=-pl.col("y")), person_time="y"),
        argument="person_time",
        column="y",
        rows=range(1, 9),
    )
    nobody = units.with_columns(d=pl.lit(0))
    assert_refused(call(nobody, n="n"), argument="events", says=["nobody had the event"])
    assert_refused(call(units.with_columns(d=pl.col("n")), n="n"), argument="events", says=["everybody"])
    for target in (0, 1, "0.1"):
        assert_refused(call(n="n", target=target), argument="target")
    assert funnel(nobody, **ROLES, target=0.1).limits()["conf_high"].is_finite().all()
