"""The actuarial table of registries: a reference, a table by hand, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused

import hemresearch as hem
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
    assert frame.row(1)[5:] == (0.0, *(None,) * 9)


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


@pytest.mark.parametrize("intervals", [[0], [1, 2], [0, 2, 1], [0, 1, 1], "years", [-1, 0]])
def test_intervals_that_do_not_rise_from_zero(intervals):
    assert_refused(lambda: table(intervals=intervals), argument="intervals")


def test_a_level_that_is_none():
    assert_refused(lambda: table(conf_level=95), argument="conf_level")
