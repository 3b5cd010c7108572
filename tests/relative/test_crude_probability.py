"""Crude probabilities of death: R's values, truths about them, and refusals."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused

import hemresearch as hem
from hemresearch.relative import crude_probability

SLOVENIA = hem.data.life_table("slovenia")
COLREC: dict[str, Any] = {
    "time": "time", "event": "stat", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age",
    "age_unit": "days", "life_table": SLOVENIA,
}  # fmt: skip
RDATA = {**COLREC, "event": "cens", "date": "year", "age_unit": "years"}
DISEASE, OTHER = "death from the disease", "death from other causes"


@pytest.mark.parametrize("case_id", ["cmprel_colrec_rows1_1500", "cmprel_rdata_by_sex"])
def test_matches_relsurv(case_id):
    case = load_reference("relative_survival", case_id)
    by = "sex" if case_id.endswith("by_sex") else None
    times = next(iter(case.values.values()))["time"]
    # cmp.rel has a row for every day, our curve one for every exit and time that is asked for
    found = crude_probability(case.data, **(RDATA if by else COLREC), by=by, times=times)
    for label, values in case.values.items():
        if label == "tau":
            continue
        cause = DISEASE if label.startswith("causeSpec") else OTHER
        own = found.at(times).filter(pl.col("cause") == cause)
        if by:
            own = own.filter(pl.col("sex") == int(label[-1]))
        assert_close(own["estimate"], values["est"], rel=1e-9)
        assert_close(own["std_error"] ** 2, values["var"], rel=1e-6)
    assert found.keys == (*([by] if by else []), "cause")


def test_the_two_add_up_to_all_deaths():
    data = load_dataset("colrec").head(500)
    frame = crude_probability(data, **COLREC).to_frame()
    both = [frame.filter(pl.col("cause") == cause) for cause in (DISEASE, OTHER)]
    observed = hem.survival.kaplan_meier(data, time="time", event="stat").to_frame()
    assert both[0]["time"].to_list() == observed["time"].to_list()
    for name in ("n_risk", "n_event", "n_censor"):
        assert_close(both[1][name], observed[name])
    np.testing.assert_allclose(
        both[0]["estimate"] + both[1]["estimate"], 1 - observed["estimate"], rtol=1e-10
    )


def test_limits_are_plain():
    frame = crude_probability(load_dataset("colrec").head(300), **COLREC, conf_level=0.9).to_frame()
    row = frame.filter(pl.col("time") > 700).row(0, named=True)
    assert row["conf_high"] - row["estimate"] == pytest.approx(
        1.6448536269514722 * row["std_error"], rel=1e-9
    )


def test_those_not_yet_seen_are_not_at_risk():
    data = load_dataset("colrec").head(300).filter(pl.col("time") > 0).with_columns(late=pl.col("time") // 2)
    found = crude_probability(data, **COLREC, entry="late").to_frame().filter(pl.col("cause") == DISEASE)
    kept = hem.survival.kaplan_meier(data, time="time", event="stat", entry="late").to_frame()
    assert_close(found["n_risk"], kept["n_risk"])
    early = crude_probability(data.with_columns(late=0), **COLREC, entry="late").to_frame()
    assert_close(early["estimate"], crude_probability(data, **COLREC).to_frame()["estimate"], rel=1e-10)


def test_a_period_that_holds_all_follow_up_changes_nothing():
    data = load_dataset("colrec").filter(pl.col("stat") == 1).head(300)
    at_once = data.with_columns(time=pl.when(pl.int_range(pl.len()) < 5).then(0).otherwise("time"))
    window = (date(1900, 1, 1), date(2019, 12, 31))
    found = crude_probability(at_once, **COLREC, period=window).to_frame()
    assert found.equals(crude_probability(at_once, **COLREC).to_frame())
    # with somebody who comes later, those who die at once are still among those at risk
    late = at_once.with_columns(
        diag=pl.when(pl.int_range(pl.len()) == 299).then(date(1993, 12, 1)).otherwise("diag")
    )
    first = (
        crude_probability(late, **COLREC, period=(date(1993, 12, 31), window[1]))
        .to_frame()
        .row(0, named=True)
    )
    assert (first["time"], first["n_risk"]) == (0, (late["diag"] > date(1993, 12, 31)).sum())


def test_a_curve_below_zero_is_seen_and_not_stacked():
    old = load_dataset("colrec").head(300).with_columns(stat=0, age=pl.col("age") + 3000)
    found = crude_probability(old, **COLREC)
    least = found.to_frame()["estimate"].min()
    ax = found.plot(until=3000)
    assert ax.get_ylim()[0] < found.at(3000)["estimate"].min() < -0.05
    assert found.plot(until=3).get_ylim()[0] == 0
    assert_refused(found.plot_stacked, argument="curves", says=[f"as low as {least:.1%}", "draw_curves"])


def test_patients_are_counted_once():
    found = crude_probability(load_dataset("rdata"), **RDATA, by="sex")
    assert found.totals().row(0) == (1040, 547, 493)
    assert found.groups()["n"].to_list() == [751, 751, 289, 289]
    assert repr(found).splitlines()[-1] == "population: Slovenia"
    assert found.methods().endswith("Population mortality was that of Slovenia.")
    assert "crude probability of death from the disease" in found.text(at=1826)


def test_deaths_are_counted_once_below_the_curves():
    data, times = load_dataset("rdata"), [0, 1826, 3652]
    found = crude_probability(data, **RDATA, by="sex")
    observed = hem.survival.kaplan_meier(data, time="time", event="cens", by="sex")
    assert found.risk_table(times).equals(observed.risk_table(times))
    told = hem.plots.fingerprint(crude_probability(data, **RDATA).plot_stacked(until=3652)).splitlines()
    assert "1,040 patients, 547 events" in told[0]
    assert "events" not in told[2]
    assert hem.plots.layout_problems(found.plot(width=120).figure) == []


def test_a_window_without_anybody_is_refused():
    window = (date(2050, 1, 1), date(2051, 1, 1))
    assert_refused(
        lambda: crude_probability(load_dataset("rdata"), **RDATA, period=window),
        argument="time",
        column="time",
    )


def test_a_level_that_is_none_is_refused():
    assert_refused(
        lambda: crude_probability(load_dataset("rdata"), **RDATA, conf_level=95), argument="conf_level"
    )
