"""Years of life lost: relsurv's value with its steps, truths, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused
from relsurv_steps import expected_by_hakulinen

import hemresearch as hem
from hemresearch.relative import expected_survival, life_years_lost

SLOVENIA = hem.data.life_table("slovenia")
COLREC = load_dataset("colrec")
PLACE: dict[str, Any] = {
    "time_unit": "days", "sex": "sex", "date": "diag", "age": "age", "age_unit": "days",
    "life_table": SLOVENIA, "extrapolate": "nearest",
}  # fmt: skip


def lost(data: pl.DataFrame = COLREC, **options: Any) -> Any:
    return life_years_lost(data, **{"time": "time", "event": "stat", **PLACE, "tau": 3652, **options})


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_the_difference_to_relsurv_is_that_of_its_steps():
    # years() takes the population's survival as exp of minus sums of S dH over S at the ends of steps of 30
    # days and of exits, and its area by the value at the beginning of each; the observed area is exact
    case = load_reference("relative_survival", "years_colrec_yd")
    values, last = case.values, case.values["tau"]
    time = case.data["time"].to_numpy()
    grid = np.unique(np.concatenate([time, np.arange(0, last + 1, 30)])).astype(float)
    survival = expected_by_hakulinen(
        case.data.with_columns(all=last), SLOVENIA, potential="all", times=grid, date="diag", age="age",
        age_unit="days",
    )  # fmt: skip
    area = np.cumsum(np.diff(grid, prepend=0.0) * np.append(1.0, survival[:-1]))
    for wanted, theirs in zip([*values["time"], last], [*values["est"], values["tau_est"]], strict=True):
        k = np.searchsorted(grid, wanted, side="right") - 1  # its last row until then
        row = lost(case.data, tau=grid[k]).to_frame().row(0, named=True)
        assert_close((area[k] - row["observed"]) / 365.241, theirs, rel=1e-7)
        assert row["expected"] == pytest.approx(area[k], rel=3e-3)


def test_it_is_the_area_between_the_curves():
    row = lost().to_frame().row(0, named=True)
    observed = hem.survival.rmst(COLREC, time="time", event="stat", tau=3652).to_frame().row(0, named=True)
    assert_close(row["observed"], observed["estimate"])
    assert_close(row["std_error"], observed["std_error"])
    days = np.arange(1, 3653)
    curve = expected_survival(COLREC, **PLACE, times=days).to_frame()["estimate"].to_numpy()
    trapezoid = 0.5 + curve[:-1].sum() + curve[-1] / 2
    assert row["expected"] == pytest.approx(trapezoid, rel=1e-8)
    assert_close(row["estimate"], row["expected"] - row["observed"])
    assert_close(row["conf_high"] - row["estimate"], 1.959963984540054 * row["std_error"])


def test_groups_and_units():
    by = lost(by="site").to_frame()
    colon = lost(COLREC.filter(pl.col("site") == "colon")).to_frame()
    assert_close(by.filter(pl.col("site") == "colon")["estimate"], colon["estimate"])
    years = COLREC.with_columns(time=pl.col("time") / 365.25)
    assert_close(
        lost(years, time_unit="years", tau=3652 / 365.25).to_frame()["estimate"] * 365.25,
        lost().to_frame()["estimate"], rel=1e-9,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_a_horizon_after_the_last_follow_up_is_refused():
    assert_refused(
        lambda: lost(tau=9000), argument="tau", says=["9000 lies beyond the last follow-up at 8148"]
    )
    assert_refused(lambda: lost(tau=8139.5, by="sex"), argument="tau", says=["follow-up of group '1'"])


def test_where_all_have_died_survival_is_known_for_ever():
    dead = COLREC.filter(pl.col("stat") == 1, pl.col("time") < 2000).head(50)
    last = float(dead["time"].max())
    early, late = (lost(dead, tau=tau).to_frame() for tau in (last, last + 500))
    assert_close(late["observed"], early["observed"], rel=1e-12)
    assert_close(late["std_error"], early["std_error"], rel=1e-12)
    assert late["expected"].item() > early["expected"].item() + 100


@pytest.mark.parametrize("options", [{"tau": 0}, {"tau": "5"}, {"conf_level": 95}])
def test_arguments_that_cannot_be_used(options):
    assert_refused(lambda: lost(**options), argument=next(iter(options)))


def test_other_measures_of_relsurv():
    # years(Surv(time, cens) ~ 1, rdata, measure, slopop, rmap = list(age = age * 365.241), precision = 7,
    # add.times = 1826), which sums the population's area in steps of a week
    theirs = {"yd": 0.4791386, "yl2017": 0.4814389, "yl2013": 0.5223675}
    data, days = load_reference("excess_hazard", "em_rdata_2").data, np.arange(1827)
    roles = {**PLACE, "time": "time", "event": "cens", "date": "year", "age_unit": "years"}
    ours = life_years_lost(data, **roles, tau=1826).to_frame()["estimate"][0] / 365.241
    assert_close([ours, ours], [theirs["yd"], theirs["yl2017"]], rel=0.01)
    causes = hem.relative.crude_probability(data, **roles, times=days).at(days)
    disease = causes.filter(pl.col("cause") == "death from the disease")["estimate"].fill_null(0)
    assert_close(np.trapezoid(disease) / 365.241, theirs["yl2013"], rel=1e-3)
