"""Expected survival of those who come late, and of calendar periods."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from reference_cases import assert_close, load_dataset
from refusals import assert_refused

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.relative import expected_survival, net_survival

COLREC = load_dataset("colrec")
COLUMNS: dict[str, Any] = {
    "time": "time", "time_unit": "days", "sex": "sex", "date": "diag", "age": "age", "age_unit": "days",
    "life_table": hem.data.life_table("slovenia"),
}  # fmt: skip
RATES = pl.DataFrame({"sex": ["m", "w"], "rate": [0.02, 0.01]})
FLAT = LifeTable(
    pl.DataFrame({"year": range(1990, 2031)})
    .join(pl.DataFrame({"age": range(101)}), how="cross")
    .join(RATES, how="cross"),
    rate="rate",
)
# followed from 1 January 2000 on for one, two, three and four years
FOUR = pl.DataFrame(
    {
        "sex": ["m", "w", "m", "w"],
        "diagnosis": [date(2000, 1, 1)] * 4,
        "age": [50] * 4,
        "days": 365.25 * np.arange(1, 5),
        "entry": [0.0, 365.25, 0.0, 365.25],
    }
)


def flat(**options: Any) -> Any:
    chosen = {
        "time": "days", "time_unit": "days", "sex": "sex", "date": "diagnosis", "age": "age",
        "age_unit": "years", "life_table": FLAT, "method": "ederer2",
    }  # fmt: skip
    return expected_survival(FOUR, **{**chosen, **options})


def test_late_entries_and_periods_by_hand():
    # the men are at risk throughout, the women come after a year: 0.02, then the mean of those who are there
    late = flat(entry="entry").to_frame()
    assert late["time"].to_list() == [365.25, 730.5, 1095.75, 1461.0]
    assert late["n_risk"].to_list() == [2, 3, 2, 1]
    rates = [0.02, (0.02 + 2 * 0.01) / 3, (0.02 + 0.01) / 2, 0.01]
    assert_close(late["estimate"], np.exp(-np.cumsum(rates)), rel=1e-12)
    assert_close(flat().to_frame()["n_risk"], [4, 3, 2, 1])
    # only the second and third year of follow-up; nobody counts before, and the curve is flat
    period = (date(2000, 12, 31), date(2002, 12, 31))  # after 365 days until 1095
    within = flat(period=period, times=[100]).to_frame()
    assert within["time"].to_list() == [100, 365.25, 730.5, 1095]
    assert within["n_risk"].to_list() == [0, 4, 3, 2]
    assert within["n_censor"].to_list() == [0, 1, 1, 2]
    rates = [0, 0.25 / 365.25 * 0.015, (0.01 + 0.02 + 0.01) / 3, 364.5 / 365.25 * 0.015]
    assert_close(within["estimate"], np.exp(-np.cumsum(rates)), rel=1e-12)


def test_the_period_and_the_entry_are_those_of_net_survival():
    options = {**COLUMNS, "method": "ederer2", "period": (date(1998, 1, 1), date(2000, 7, 1))}
    data = COLREC.with_columns(entry=pl.Series(np.resize([0, 20, 0, 70], COLREC.height))).filter(
        pl.col("entry") < pl.col("time")
    )
    expected = expected_survival(data, **options, entry="entry", by="sex")
    observed = data.with_columns(none=pl.lit(False))
    # without deaths Ederer II is the expected survival turned over
    net = net_survival(observed, **options, event="none", entry="entry", by="sex", estimator="breslow")
    for day in (365, 1000):  # of whole days, as in relsurv
        assert_close(1 / net.at(day)["estimate"], expected.at(day)["estimate"], rel=2e-4)
    assert "Ederer II; follow-up after 1998-01-01 until 2000-07-01" in expected.methods()
    assert expected.groups_frame["n"].to_list() == net.groups_frame["n"].to_list()


def test_late_entries_and_periods_that_cannot_be():
    period = (date(2001, 1, 1), date(2002, 1, 1))
    for method in ("ederer1", "hakulinen"):
        assert_refused(
            lambda method=method: flat(method=method, period=period), argument="method", says=["ederer2"]
        )
    assert_refused(lambda: flat(time=None, period=period, times=[1]), argument="time", says=["no time"])
    for by, says in ((None, "holds no follow-up."), ("days", "holds no follow-up of '365.25'")):
        late = (date(2001, 6, 1), date(2006, 1, 1)) if by else (date(2010, 1, 1), date(2011, 1, 1))
        assert_refused(
            lambda by=by, late=late: flat(period=late, by=by),
            argument="period",
            says=[says],
        )
