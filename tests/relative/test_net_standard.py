"""Age-standardised net survival: popEpi's combination of age groups, truths, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused

import hemresearch as hem
from hemresearch.relative import net_survival
from hemresearch.relative.net_curve import with_limits
from hemresearch.relative.net_standard import STANDARDS, combined

COLREC = load_dataset("colrec").filter(pl.col("time") > 0)
COLUMNS: dict[str, Any] = {
    "time": "time", "event": "stat", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age",
    "age_unit": "days", "life_table": hem.data.life_table("slovenia"),
}  # fmt: skip
YEARS = pl.col("age") / 365.241
LOWEST = [0, 45, 55, 65, 75]


def net(data: pl.DataFrame = COLREC, **options: Any) -> Any:
    return net_survival(data, **{**COLUMNS, **options})


def age_group() -> np.ndarray:
    years = COLREC.select(YEARS).to_series().to_numpy()
    return np.searchsorted(LOWEST, years, side="right") - 1


def test_age_groups_are_combined_as_in_popepi():
    case = load_reference("relative_survival", "survtab_sire_pp_icss1")
    ages, wanted = (case.values[name] for name in ("by_age", "adjusted"))
    share = np.array(list(STANDARDS["icss1"].values())) / 100
    assert share.tolist() == case.options["weights"]
    found = combined(share, *(np.reshape(ages[name], (5, 5)) for name in ("r.pp", "SE.r.pp")))
    assert_close(found["estimate"], wanted["r.pp.as"], rel=1e-10)
    assert_close(found["std_error"], wanted["SE.r.pp.as"], rel=1e-10)
    limits = with_limits(found, "log-log", 0.95)
    assert_close(limits["conf_low"], wanted["r.pp.as.lo"], rel=1e-10)
    assert_close(limits["conf_high"], wanted["r.pp.as.hi"], rel=1e-10)


@pytest.mark.parametrize("name", ["icss1", "icss2", "icss3"])
def test_a_standard_is_the_mean_of_the_age_groups(name):
    share = np.array(list(STANDARDS[name].values())) / 100
    assert share.sum() == pytest.approx(1)
    times = [365, 1826, 3652]
    code = age_group()
    at = [net(COLREC.filter(code == k), times=times).at(times) for k in range(5)]
    found = net(standard=name, times=times).at(times)
    assert_close(found["estimate"], share @ [part["estimate"].to_numpy() for part in at], rel=1e-10)
    error = np.sqrt(share**2 @ [part["std_error"].to_numpy() ** 2 for part in at])
    assert_close(found["std_error"], error, rel=1e-10)


def test_counts_are_those_of_the_patients():
    plain, standard = net().to_frame(), net(standard="icss1").to_frame()
    individual = net(standard="icss1", standardize="individual").to_frame()
    for name in ("time", "n_risk", "n_event", "n_censor"):
        assert_close(standard[name], plain[name])
        assert_close(individual[name], plain[name])


def test_the_curve_ends_where_the_first_age_group_ends():
    frame = net(standard="icss1").to_frame()
    last = min(COLREC["time"].to_numpy()[age_group() == k].max() for k in range(5))
    assert frame.filter(pl.col("time") <= last)["estimate"].null_count() == 0
    assert frame.filter(pl.col("time") > last)["estimate"].is_null().all()
    assert net(standard="icss1", standardize="individual").to_frame()["estimate"].null_count() == 0


def test_individual_weights_are_weights_of_patients():
    share = np.array(list(STANDARDS["icss1"].values())) / 100
    code = age_group()
    weight = (share / (np.bincount(code) / len(code)))[code]
    own = net(COLREC.with_columns(w=weight), weights="w").to_frame()
    found = net(standard="icss1", standardize="individual").to_frame()
    for name in ("estimate", "std_error", "conf_low"):
        assert_close(found[name], own[name], rel=1e-9)


def test_the_patients_own_ages_as_standard_change_nothing():
    code = age_group()
    own = dict(zip(LOWEST, np.bincount(code).tolist(), strict=True))
    found = net(standard=own, standardize="individual").to_frame()
    for name in ("estimate", "std_error"):
        assert_close(found[name], net().to_frame()[name], rel=1e-9)


def test_an_age_group_of_weight_zero_is_left_out():
    some = net(standard={0: 0, 65: 1, 75: 0}).at(1826)
    only = net(COLREC.filter((YEARS >= 65) & (YEARS < 75)), times=[1826]).at(1826)
    exact = net(standard={0: 0, 65: 1, 75: 0}, times=[1826]).at(1826)
    assert_close(exact["estimate"], only["estimate"], rel=1e-10)
    assert some["n_risk"].item() > only["n_risk"].item()
    weighted = net(standard={0: 0, 65: 1, 75: 0}, standardize="individual", times=[1826]).at(1826)
    assert_close(weighted["estimate"], only["estimate"], rel=1e-10)


def test_each_group_is_standardised():
    found = net(standard="icss1", by="site").at(1826)
    one = net(COLREC.filter(pl.col("site") == "rectum"), standard="icss1").at(1826)
    assert_close(found.filter(pl.col("site") == "rectum")["estimate"], one["estimate"], rel=1e-10)
    assert net(standard="icss1").method == "Pohar Perme, age-standardised (icss1, by strata)"


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"standard": "icss9"}, "standard"), ({"standard": [1, 2]}, "standard"),
        ({"standard": {}}, "standard"), ({"standard": {"young": 1}}, "standard"),
        ({"standard": {0: -1, 50: 2}}, "standard"), ({"standard": {0: 0}}, "standard"),
        ({"standard": "icss1", "standardize": "age"}, "standardize"),
        ({"standardize": "individual"}, "standardize"),
        ({"standard": "icss1", "standardize": "individual", "method": "ederer1"}, "method"),
    ],
)  # fmt: skip
def test_standards_that_cannot_be_used(options, argument):
    assert_refused(lambda: net(**options), argument=argument)


def test_age_groups_without_patients_are_refused():
    data = COLREC.filter(YEARS >= 45).head(200)
    assert_refused(lambda: net(data, standard="icss1"), argument="standard", says=["those from 0 years on"])


def test_somebody_younger_than_the_first_age_group_is_refused():
    data = COLREC.head(3).with_columns(age=pl.Series([30, 60, 70]) * 366)
    assert_refused(
        lambda: net(data, standard={50: 1, 70: 1}),
        argument="standard",
        rows=(1,),
        says=["begins at 50 years"],
    )
