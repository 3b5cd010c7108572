"""Net survival: R's values with what is different in relsurv, truths about it, and every refusal."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import Reference, assert_close, load_dataset, load_reference, reference_cases
from refusals import assert_refused, assert_warns
from relsurv_steps import Hazards, expected_by_hakulinen, pohar_perme_by_days

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.relative import (
    crude_probability,
    excess_hazard,
    expected_survival,
    life_years_lost,
    net_survival,
    net_survival_test,
    relative_survival_table,
    smr,
)
from hemresearch.relative.net_curve import with_limits

TOPIC = "relative_survival"
SLOVENIA = hem.data.life_table("slovenia")
# as R's transrate makes a table of these probabilities, a year having 365.241 days
SWEDEN = LifeTable(
    hem.data.life_table("sweden").to_frame(), q="q_year", sexes={"male": 1, "female": 2}, 
    days_per_year=365.241, name="Sweden",
)  # fmt: skip
COLREC = {"time": "time", "event": "stat", "date": "diag", "age": "age", "age_unit": "days"}
RDATA = {"time": "time", "event": "cens", "date": "year", "age": "age", "age_unit": "years"}
GROUPS = {"stage": "stage", "sex": "sex", "agegr": "agegr", "siterectum": "site"}


def of_case(case_id: str, **options: Any) -> tuple[Reference, Any, dict[str, Any]]:
    """A case, our answer to it, and the rows of the data of each of R's groups."""
    case = load_reference(TOPIC, case_id)
    told = case.options
    life_table = SWEDEN if told["life_table"] == "sweden" else SLOVENIA
    columns = RDATA if "rdata" in case_id else COLREC
    first = next(iter(case.values))
    by = None if first in ("all", "time") else GROUPS[first.partition("=")[0].rstrip("0123456789-")]
    chosen = {
        "method": told.get("method", "pohar-perme"),
        "estimator": "breslow" if told.get("type") == "fleming-harrington" else "kaplan-meier",
        "conf_type": told.get("conf_type", "log-log" if "by_site" in case_id else "log"),
        "conf_level": told.get("conf_int", 0.95), "by": by,
    }  # fmt: skip
    found = net_survival(
        case.data, **columns, time_unit="days", sex="sex", life_table=life_table, **chosen, **options
    )
    return case, found, {"columns": columns, "life_table": life_table, "by": by, **chosen}


def group_value(case: Reference, by: str, label: str) -> Any:
    """What our column holds behind R's label: `sex=1`, `siterectum=0`, or one of several indicators."""
    if by == "site":
        return "rectum" if label.endswith("1") else "colon"
    if by == "agegr":
        ones = [part for part in label.split(", ") if part.endswith("=1")]
        levels = case.data["agegr"].unique().sort().to_list()
        named = [level for level in levels if ones and ones[0] == f"agegr{level}=1"]
        return named[0] if named else levels[0]
    return int(label.partition("=")[2])


@cache
def by_days(dataset: str, rows: int, country: str, by: str | None, value: Any) -> Hazards:
    """The steps of a group; several cases share them."""
    data = load_dataset(dataset)[:rows].filter(pl.lit(True) if by is None else pl.col(by) == value)
    columns = RDATA if dataset == "rdata" else COLREC
    return pohar_perme_by_days(data, SWEDEN if country == "sweden" else SLOVENIA, **columns)


PRODUCTS = {"kaplan-meier": lambda h: np.cumprod(1 - h), "breslow": lambda h: np.exp(-np.cumsum(h))}
POHAR_PERME = [
    name for name in reference_cases(TOPIC, "rssurv_")
    if not any(part in name for part in ("ederer", "hakulinen", "_e2_", "prec30", "all_times"))
]  # fmt: skip


@pytest.mark.parametrize("case_id", POHAR_PERME)
def test_pohar_perme_is_that_of_relsurv_but_for_its_running_sums(case_id):
    case, found, told = of_case(case_id)
    for label, values in case.values.items():
        value = group_value(case, told["by"], label) if told["by"] else None
        own, at = found.to_frame(), found.at(values["time"])
        if told["by"]:
            own, at = (frame.filter(pl.col(told["by"]) == value) for frame in (own, at))
        assert_close(at["std_error"] / at["estimate"], values["std_err_log"], rel=1e-10)
        assert_close(at["n_event"].cum_sum(), values["cum_events"])
        assert (own.height, own["time"][-1]) == (values["n_times"], values["last_time"])
        dataset = "rdata" if "rdata" in case_id else "colrec"
        steps = by_days(dataset, 10_000, case.options["life_table"], told["by"], value)
        # R's integral, copied, gives R's numbers; without the running sums it is ours
        curves = [PRODUCTS[told["estimator"]](h) for h in (steps.relsurv, steps.exact)]
        row = np.searchsorted(steps.time, values["time"], side="right")
        assert_close(np.append(1.0, curves[0])[row], values["surv"], rel=1e-10)
        assert_close(own["estimate"], curves[1], rel=1e-10)
        known = {"estimate": np.array(values["surv"])}
        known["std_error"] = known["estimate"] * values["std_err_log"]
        limits = with_limits(known, told["conf_type"], told["conf_level"])
        assert_close(limits["conf_low"], values["lower"], rel=1e-10)
        assert_close(limits["conf_high"], values["upper"], rel=1e-10)


def test_every_row_of_a_curve():
    case, found, _ = of_case("rssurv_colrec200_pp_all_times")
    own, values = found.to_frame(), case.values
    for name in ("time", "n_risk", "n_event", "n_censor"):
        assert own[name].to_list() == values[name]
    assert_close(own["std_error"] / own["estimate"], values["std_err_log"], rel=1e-10)
    steps = by_days("colrec", 200, "slovenia", None, None)
    assert_close(np.cumprod(1 - steps.relsurv), values["surv"], rel=1e-10)
    assert_close(own["estimate"], np.cumprod(1 - steps.exact), rel=1e-10)


@pytest.mark.parametrize("case_id", reference_cases(TOPIC, "rssurv_colrec_ederer2", "rssurv_rdata_e2"))
def test_ederer_2_is_that_of_relsurv(case_id):
    case, found, told = of_case(case_id)
    for label, values in case.values.items():
        at = found.at(values["time"])
        if told["by"]:
            at = at.filter(pl.col(told["by"]) == group_value(case, told["by"], label))
        assert_close(at["estimate"], values["surv"], rel=1e-10)
        assert_close(at["std_error"] / at["estimate"], values["std_err_log"], rel=1e-10)
        assert_close(at["conf_low"], values["lower"], rel=1e-10)
        assert_close(at["conf_high"], values["upper"], rel=1e-10)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_ederer_1_is_that_of_relsurv():
    case, found, _ = of_case("rssurv_colrec_ederer1_ka", extrapolate="nearest")
    values, at = case.values["all"], found.at(case.values["all"]["time"])
    for name, theirs in {"estimate": "surv", "conf_low": "lower", "conf_high": "upper"}.items():
        assert_close(at[name], values[theirs], rel=1e-9)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_hakulinen_in_relsurv_looks_up_the_mortality_of_ten_years_before():
    # rs.surv(method="hakulinen") hands exp.prep the rate table as given, with dates that it has moved to
    # another origin (1960 for 1970), so that expected survival is that of 3653 days earlier. With these dates
    # and its sums of S dH over S, we have its numbers; with the ratio of sums, nearly.
    case, found, _ = of_case("rssurv_colrec_hakulinen_ka", extrapolate="nearest")
    values, at = case.values["all"], found.at(case.values["all"]["time"])
    assert_close(at["std_error"] / at["estimate"], values["std_err_log"], rel=1e-10)
    last = (pl.col("diag") + pl.duration(days="time")).max() - pl.col("diag")
    potential = pl.when(pl.col("stat") == 1).then(last.dt.total_days()).otherwise("time")
    data = case.data.with_columns(potential=potential, earlier=pl.col("diag") - timedelta(days=3653))
    times = np.unique(np.concatenate([data["time"], data["potential"]])).astype(float)
    place = {"age": "age", "age_unit": "days"}
    expected = expected_by_hakulinen(
        data, SLOVENIA, potential="potential", times=times, date="earlier", **place
    )[np.searchsorted(times, values["time"], side="right") - 1]
    observed = hem.survival.kaplan_meier(data, time="time", event="stat").at(values["time"])["estimate"]
    assert_close(observed / expected, values["surv"], rel=1e-8)
    earlier = net_survival(
        data, **{**COLREC, "date": "earlier"}, time_unit="days", sex="sex", life_table=SLOVENIA,
        method="hakulinen", extrapolate="nearest", closing=date(2007, 12, 6),
    )  # fmt: skip
    np.testing.assert_allclose(earlier.at(values["time"])["estimate"], values["surv"], rtol=3e-4)


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_hakulinen_is_the_ratio_to_expected_survival():
    data = load_dataset("colrec")
    _, found, _ = of_case("rssurv_colrec_hakulinen_ka", extrapolate="nearest")
    last = (pl.col("diag") + pl.duration(days="time")).max() - pl.col("diag")
    potential = pl.when(pl.col("stat") == 1).then(last.dt.total_days()).otherwise("time")
    times = found.to_frame()["time"].to_list()
    expected = expected_survival(
        data.with_columns(potential=potential), time="potential", time_unit="days", sex="sex", date="diag",
        age="age", age_unit="days", life_table=SLOVENIA, method="hakulinen", times=times,
        extrapolate="nearest",
    )  # fmt: skip
    observed = hem.survival.kaplan_meier(data, time="time", event="stat").to_frame()["estimate"]
    assert_close(observed / expected.at(times)["estimate"], found.to_frame()["estimate"], rel=1e-9)


# ---- by hand, in a country where rates never change


FLAT = LifeTable(
    pl.DataFrame({"year": range(1980, 2031)})
    .join(pl.DataFrame({"sex": ["m", "w"], "hazard_year": [0.02, 0.01]}), how="cross")
    .join(pl.DataFrame({"age": range(101)}), how="cross"),
    name="Flatland",
)
DAY = 1 / 365.25
PEOPLE: dict[str, Any] = {
    "time": "days", "event": "dead", "time_unit": "days", "sex": "sex", "date": "diagnosis", "age": "age",
    "age_unit": "years", "life_table": FLAT,
}  # fmt: skip


def patients(**columns: Any) -> pl.DataFrame:
    """Two men and two women of Flatland."""
    return pl.DataFrame(
        {
            "sex": ["m", "w", "m", "w"],
            "diagnosis": [date(2000, 1, 1)] * 4,
            "age": [60, 61, 62, 63],
            "days": [100, 200, 300, 400],
            "dead": [True, True, False, True],
            **columns,
        }
    )


def net(data: Any = None, **options: Any) -> Any:
    return net_survival(patients() if data is None else data, **{**PEOPLE, **options})


def inverse(sex: str, day: float) -> float:
    return float(np.exp({"m": 0.02, "w": 0.01}[sex] * day * DAY))


def test_pohar_perme_by_hand():
    m, w = (lambda day: inverse("m", day)), (lambda day: inverse("w", day))
    at_risk = [2 * m(100) + 2 * w(100), m(200) + 2 * w(200), m(300) + w(300), w(400)]
    begin = [4.0, m(100) + 2 * w(100), m(200) + w(200), w(300)]
    deaths = np.array([m(100), w(200), 0, w(400)])
    steps = deaths / at_risk - np.log(np.divide(at_risk, begin))
    variance = np.cumsum((deaths / at_risk) ** 2)
    found = net().to_frame()
    assert_close(found["estimate"], np.cumprod(1 - steps), rel=1e-12)
    assert_close(found["std_error"], np.cumprod(1 - steps) * np.sqrt(variance), rel=1e-12)
    assert_close(net(estimator="breslow").to_frame()["estimate"], np.exp(-np.cumsum(steps)), rel=1e-12)
    assert found["n_risk"].to_list() == [4, 3, 2, 1]
    assert found["n_censor"].to_list() == [0, 0, 1, 0]


def test_ederer_2_by_hand():
    hazard = np.array([0.06, 0.04, 0.03, 0.01]) * DAY * 100 / np.array([4, 3, 2, 1])
    steps = np.array([1 / 4, 1 / 3, 0, 1]) - hazard
    assert_close(net(method="ederer2").to_frame()["estimate"], np.cumprod(1 - steps), rel=1e-12)


def test_a_time_that_is_asked_for_is_a_row_of_its_own():
    found = net(times=[50, 150, 1000]).to_frame()
    assert found["time"].to_list() == [50, 100, 150, 200, 300, 400]
    at_50 = 1 + np.log((2 * inverse("m", 50) + 2 * inverse("w", 50)) / 4)
    assert found["estimate"][0] == pytest.approx(at_50, rel=1e-12)
    assert found["conf_low"][0] == found["conf_high"][0] == found["estimate"][0]
    assert_close(net(times=[50, 150]).at([100, 200])["estimate"], net().at([100, 200])["estimate"])


def test_without_population_mortality_net_survival_is_kaplan_meiers():
    nobody = LifeTable(
        FLAT.to_frame().with_columns(hazard_year=0.0), sexes={"m": None, "w": None}, name="None"
    )
    data = load_dataset("colrec").head(300).with_columns(
        sex=pl.col("sex").replace_strict({1: "m", 2: "w"}), dead=pl.col("stat") == 1, late=pl.col("time") // 3
    ).filter(pl.col("time") > 0)  # fmt: skip
    same = {"time": "time", "event": "dead"}
    chosen = {**PEOPLE, **same, "date": "diag", "age": "age", "age_unit": "days", "life_table": nobody}
    for options in ({}, {"entry": "late"}, {"by": "sex"}):
        for method in ("pohar-perme", "ederer2"):
            found = net_survival(data, **chosen, **options, method=method).to_frame()
            kept = hem.survival.kaplan_meier(data, **same, **options).to_frame()
            for name in ("time", "n_risk", "n_event", "n_censor", "estimate"):
                assert_close(found[name], kept[name], rel=1e-10, at_zero=1e-10)


def test_in_one_stratum_all_methods_agree():
    data = patients(sex=["m"] * 4)
    wanted = net(data).to_frame()["estimate"]
    assert_close(net(data, method="ederer2").to_frame()["estimate"], wanted, rel=1e-10)
    ratio = net(data, method="ederer1").to_frame()["estimate"]
    assert_close(net(data, method="hakulinen", closing=date(2001, 12, 31)).to_frame()["estimate"], ratio)
    np.testing.assert_allclose(ratio[:3], wanted[:3], rtol=0.005)


@settings(max_examples=20, deadline=None)
@given(
    weight=st.lists(st.integers(1, 3), min_size=4, max_size=4),
    entry=st.lists(st.integers(0, 99), min_size=4, max_size=4),
)
def test_an_integer_weight_is_that_many_patients(weight, entry):
    data = patients(weight=weight, late=entry)
    repeated = data.select(pl.exclude("weight").repeat_by("weight").explode())
    for method in ("pohar-perme", "ederer2"):
        one = net(data, weights="weight", entry="late", method=method).to_frame()
        two = net(repeated, entry="late", method=method).to_frame()
        for name in one.columns:
            assert_close(one[name], two[name], rel=1e-10, at_zero=1e-12)


def test_a_weight_that_is_no_number_of_patients_is_squared_in_the_variance():
    half, one = net(patients(w=[0.5] * 4), weights="w").to_frame(), net().to_frame()
    for name in ("estimate", "std_error"):
        assert_close(half[name], one[name], rel=1e-12)
    assert net(patients(w=[1, 1, 0, 1]), weights="w").totals()["n"].item() == 3


def test_times_may_be_in_any_unit():
    data = patients().with_columns(
        years=pl.col("days") / 365.25, span=pl.duration(days="days"), born=pl.date(1940, 1, 1)
    )
    wanted = net().to_frame()
    for options in ({"time": "years", "time_unit": "years"}, {"time": "span", "time_unit": None}):
        assert_close(net(data, **options).to_frame()["estimate"], wanted["estimate"], rel=1e-12)
    assert net(data, time="years", time_unit="years").to_frame()["time"].to_list() == data["years"].to_list()
    born = net(data, age=None, age_unit=None, birth="born")
    assert_close(born.to_frame()["estimate"], wanted["estimate"], rel=1e-12)
    assert_close(net(data.to_pandas()).to_frame()["estimate"], wanted["estimate"], rel=1e-12)
    assert_close(net(data.lazy()).to_frame()["estimate"], wanted["estimate"], rel=1e-12)


def test_death_on_the_first_day_counts_among_all():
    found = net(patients(days=[0, 200, 300, 400])).to_frame()
    assert found["time"][0] == 0
    assert found["estimate"][0] == 0.75
    assert found["n_risk"].to_list() == [4, 3, 2, 1]


def test_those_known_from_death_alone_are_left_out_and_counted():
    found = net(patients(dco=[True, False, False, False]), death_only="dco")
    assert_close(found.to_frame()["estimate"], net(patients()[1:]).to_frame()["estimate"])
    assert found.summary()["n_death_only"].item() == 1
    assert found.summary()["life_table"].item() == "Flatland"
    assert "Left out: 1 known from death certificate or autopsy only." in repr(found)
    assert found.methods().endswith(
        "Population mortality was that of Flatland. Left out: 1 known from death certificate or autopsy only."
    )


def test_every_result_says_what_it_left_out_and_of_which_period():
    data = patients(dco=[True, False, False, False])
    window = {"death_only": "dco", "period": (date(2000, 8, 1), date(2001, 1, 1))}
    said = "follow-up after 2000-08-01 until 2001-01-01"
    out = "1 known from death certificate or autopsy only, 1 without follow-up in the window"
    for curves in (net(data, **window), crude_probability(data, **PEOPLE, **window)):
        assert f"Only {said} counts. Left out: {out}." in curves.methods()
        assert f"population: Flatland; {said}\nLeft out: {out}." in repr(curves)
        told = curves.summary().row(0, named=True)
        assert (told["window"], told["n_death_only"], told["n_outside"]) == (said, 1, 1)
    method = smr(data, **PEOPLE, **window).methods()
    assert method.endswith(f"; {said}; left out: {out}).")
    groups = patients(sex=["m", "w", "w", "w"], dco=[False, False, False, True])
    test = net_survival_test(groups, **PEOPLE, by="sex", death_only="dco")
    alone = "; left out: 1 known from death certificate or autopsy only"
    assert test.method.endswith(f"population: Flatland{alone}")
    table = relative_survival_table(data, **PEOPLE, intervals=[0, 400], death_only="dco")
    lost = life_years_lost(data, **PEOPLE, tau=100, death_only="dco")
    assert table.method.endswith(alone)
    assert lost.method.endswith(alone)
    columns = patients(first=[date(2000, 1, 2)] * 4, last=[date(2001, 1, 1)] * 4)
    assert net(columns, period=("first", "last")).window == "follow-up after 'first' until 'last'"
    assert net().summary()["window"].item() is None


def test_text_without_deaths_and_before_the_start():
    nobody = patients(dead=[False] * 4)
    assert net(nobody).text(400).endswith("101.5% (no event so far)")
    assert (
        net(nobody, start_time=150).text(100).endswith("not estimable (before 150, where the curve begins)")
    )
    crude = crude_probability(nobody, **PEOPLE).text(300)
    assert "(no event so far)" in crude
    assert "CI" not in crude


def test_those_known_from_death_alone_are_marked_by_true_or_1():
    assert_refused(
        lambda: net(patients(dco=[1, 2, 2, 2]), death_only="dco"),
        argument="death_only",
        column="dco",
        says=["pl.col('dco') == 2"],
    )


def test_a_period_is_delayed_entry_and_an_early_end():
    window = (date(2000, 5, 1), date(2000, 11, 30))
    begin, end = ((day - date(2000, 1, 1)).days for day in window)
    found = net(period=window)
    assert found.summary()["n_outside"].item() == 1
    by_hand = patients()[1:].with_columns(
        late=pl.lit(begin), dead=pl.col("dead") & (pl.col("days") <= end), days=pl.col("days").clip(None, end)
    )
    for name in ("time", "n_risk", "n_event", "n_censor", "estimate", "std_error"):
        assert_close(found.to_frame()[name], net(by_hand, entry="late").to_frame()[name], rel=1e-12)
    columns = patients(first=[window[0]] * 4, last=[window[1]] * 4)
    assert_close(net(columns, period=("first", "last")).to_frame()["estimate"], found.to_frame()["estimate"])
    assert "Left out: 1 without follow-up in the window." in repr(found)


@pytest.mark.parametrize("method", ["pohar-perme", "ederer2"])
def test_a_period_that_holds_all_follow_up_changes_nothing(method):
    data = patients(days=[0, 0, 300, 400])  # among them deaths on the day of diagnosis
    found = net(data, method=method, period=(date(1999, 12, 31), date(2001, 12, 31)))
    assert found.to_frame().equals(net(data, method=method).to_frame())
    assert found.summary()["n_outside"].item() == 0
    seen = patients(diagnosis=[date(2000, 1, 1)] * 3 + [date(1999, 12, 1)], days=[0, 50, 300, 400])
    late = net(seen, method=method, period=(date(1999, 12, 31), date(2001, 12, 31))).to_frame()
    assert late["n_risk"].to_list() == [3, 3, 2, 1]  # who came before is not yet at risk on the first day
    assert net(data, period=(date(2000, 1, 1), date(2001, 1, 1))).summary()["n_outside"].item() == 2


def test_those_outside_the_period_need_no_life_table():
    data = patients(diagnosis=[date(1800, 1, 1)] + [date(2000, 1, 1)] * 3)
    window = (date(2000, 1, 15), date(2001, 1, 1))
    assert_close(
        net(data, period=window).to_frame()["estimate"], net(data[1:], period=window).to_frame()["estimate"]
    )


def test_a_time_of_day_of_the_period_is_left_out():
    window = (date(2000, 5, 1), date(2000, 11, 30))
    noon = tuple(datetime(*day.timetuple()[:3], 12) for day in window)
    assert net(period=noon).to_frame().equals(net(period=window).to_frame())
    assert net(period=noon).window == "follow-up after 2000-05-01 until 2000-11-30"


def test_the_life_table_must_hold_while_somebody_is_observed():
    early = date(FLAT.years[0] - 1, 1, 1)
    data = patients(diagnosis=[early] * 4, days=[500, 600, 700, 800], late=[370, 380, 390, 400])
    for answer in (
        partial(net_survival, method="ederer2"), smr, crude_probability,
        partial(excess_hazard, covariates="age", bands=[0, math.inf]),
    ):  # fmt: skip
        found = answer(data, **PEOPLE, entry="late").to_frame()
        carried = answer(data, **PEOPLE, entry="late", extrapolate="nearest").to_frame()
        assert found.equals(carried)
    # the weights of Pohar Perme are those of all time since the date
    assert_refused(
        lambda: net(data, entry="late"), argument="date", column="diagnosis", rows=[1, 2, 3, 4],
        says=["4 rows before"],
    )  # fmt: skip


def test_a_hybrid_has_a_window_of_its_own_for_each_year():
    data = patients(diagnosis=[date(1999, 1, 1)] * 2 + [date(2000, 1, 1)] * 2, days=[200, 500, 300, 400])
    early = (
        pl.when(pl.col("diagnosis").dt.year() == 1999)
        .then(pl.date(2000, 1, 1))
        .otherwise(pl.date(1999, 1, 1))
    )
    found = net(data.with_columns(early=early), period=("early", date(2003, 1, 1)))
    by_hand = data[1:].with_columns(late=pl.Series([365, 0, 0]))
    assert_close(found.to_frame()["estimate"], net(by_hand, entry="late").to_frame()["estimate"], rel=1e-12)


def test_from_a_start_time_on_it_is_a_ratio():
    whole, rest = net(times=[150], estimator="breslow"), net(start_time=150, estimator="breslow")
    at = whole.at([200, 300, 400])["estimate"] / whole.at(150)["estimate"].item()
    assert_close(rest.at([200, 300, 400])["estimate"], at, rel=1e-12)
    assert rest.at([100])["estimate"].item() is None
    assert rest.summary()["n_outside"].item() == 1


def test_a_later_closing_date_keeps_the_dead_among_the_expected():
    dates = [date(2000, 1, 1)] * 2 + [date(1999, 1, 1)] * 2
    data = patients(sex=["m", "m", "w", "w"], diagnosis=dates, days=[100, 200, 700, 400])
    early = net(data, method="hakulinen", closing=date(2000, 12, 31)).at(700)["estimate"].item()
    late = net(data, method="hakulinen", closing=date(2005, 1, 1)).at(700)["estimate"].item()
    assert early != late
    column = data.with_columns(closed=date(2005, 1, 1))
    assert net(column, method="hakulinen", closing="closed").at(700)["estimate"].item() == late


def test_text_says_what_is_known():
    text = repr(net())
    assert text.splitlines()[0] == "Pohar Perme: net survival (dead by days), n=4, events=3"
    assert text.splitlines()[-1] == "population: Flatland"
    assert "1 - " not in text
    assert net(method="ederer2").quantity == "relative survival"
    assert net(estimator="breslow").method == "Pohar Perme (exp of minus the hazard)"


# ---- refusals


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"method": "pohar"}, "method", ["'pohar'"]),
        ({"estimator": "km"}, "estimator", ["'km'"]),
        ({"conf_type": "logit"}, "conf_type", ["'logit'"]),
        ({"conf_level": 95}, "conf_level", ["95"]),
        ({"times": [-1]}, "times", []),
        ({"start_time": -1}, "start_time", ["-1"]),
        ({"closing": date(2005, 1, 1)}, "closing", ["which Pohar Perme does not use"]),
        ({"method": "ederer1", "entry": "age"}, "method", ["Ederer I needs everybody's follow-up"]),
        ({"method": "hakulinen", "start_time": 5}, "method", ["Hakulinen needs everybody's follow-up"]),
        ({"method": "hakulinen", "weights": "age"}, "method", ["Hakulinen needs everybody's follow-up"]),
        ({"period": date(2000, 1, 1)}, "period", ["a date was given"]),
        ({"period": ("2000-01-01", "2001-01-01")}, "period", ["a date was given as text"]),
        ({"period": (2000, 2001)}, "period", ["a number was given"]),
        ({"period": (date(2000, 1, 1),)}, "period", ["1 value instead of two"]),
        ({"period": (date(2001, 1, 1), date(2000, 1, 1))}, "period", ["ends before it begins"]),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(options, argument, says):
    assert_refused(lambda: net(**options), argument=argument, says=says)


def test_a_window_without_anybody_is_refused():
    window = (date(2010, 1, 1), date(2011, 1, 1))
    assert_refused(lambda: net(period=window), argument="time", column="days", says=["has nobody under"])
    window = (date(2000, 8, 1), date(2011, 1, 1))
    data = patients(arm=["A", "A", "B", "B"])
    assert_refused(
        lambda: net(data, by="arm", period=window), argument="time", column="days", says=["nobody of 'A'"]
    )


def test_a_closing_date_before_a_death_is_refused():
    assert_refused(
        lambda: net(method="hakulinen", closing=date(2000, 7, 1)), argument="closing", rows=(2, 4),
        says=["is before 2 deaths"],
    )  # fmt: skip


def test_a_table_of_those_known_from_death_alone_is_refused():
    data = patients(dco=[True] * 4)
    assert_refused(
        lambda: net(data, death_only="dco"),
        argument="death_only",
        column="dco",
        says=["leaves out all 4 rows"],
    )


def test_follow_up_beyond_the_life_table():
    data = patients(diagnosis=[date(2030, 6, 1)] * 4)
    assert_refused(
        lambda: net(data), argument="date", column="diagnosis", rows=(3, 4), says=["2 rows after 2030"]
    )
    assert_warns(lambda: net(data, extrapolate="nearest"), argument="date", column="diagnosis", rows=(3, 4))
    # what is outside of the period is not looked at
    assert net(data, period=(date(2030, 6, 1), date(2030, 12, 31))).totals()["n"].item() == 4


def test_a_missing_date_of_the_period_is_named():
    data = patients(first=[date(2000, 1, 1), None, None, None])
    call = {"period": ("first", date(2001, 1, 1))}
    with pytest.raises(hem.errors.DataError, match="first"):
        net(data, **call)
    assert net(data, **call, missing="drop").n_dropped == 3
