"""Net survival at exact times beside popEpi's tables of intervals, from which it differs for a reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import load_dataset, load_reference

import hemresearch as hem
from hemresearch.relative import net_survival, population_hazard

YEAR = 365.242199  # popEpi's
# all are women; sex is 1 in the data
COLUMNS: dict[str, Any] = {
    "time": "days", "event": "dead", "time_unit": "days", "sex": "sex", "date": "dg_date", "birth": "bi_date",
    "life_table": hem.data.life_table("finland"), "sexes": {1: "female"},
}  # fmt: skip
SIRE = (
    load_dataset("sire")
    .filter(pl.col("dg_date") < pl.col("ex_date"))
    .with_columns(days=(pl.col("ex_date") - pl.col("dg_date")).dt.total_days(), dead=pl.col("status") > 0)
)
WINDOW = (date(2008, 1, 1), date(2013, 1, 1))


# popEpi's hazards are constant within an interval, and the weights of its Pohar Perme estimator those of an
# interval before: deaths of the first one weigh less than 1. So the difference grows with the length of the
# intervals, which is a month in all but the last case (a quarter). Tables of the same intervals whose weights
# are those of the middle are within 3e-4 there (test_relative_survival_table_popepi).
@pytest.mark.parametrize(
    ("case_id", "part", "name", "options", "near"),
    [
        ("survtab_sire_pp_hazard", None, "r.pp", {}, 7e-4),
        ("survtab_sire_e2_hazard", None, "r.e2", {"method": "ederer2"}, 5e-4),
        ("survtab_sire_e2_lifetable", None, "r.e2", {"method": "ederer2"}, 5e-4),
        ("survtab_sire_pp_icss1", "adjusted", "r.pp.as", {"standard": "icss1"}, 2e-4),
        ("period_survtab_sire_2008_2012", None, "r.pp", {"period": WINDOW}, 2.2e-3),
    ],
)  # fmt: skip
def test_tables_of_popepi_are_near(case_id, part, name, options, near):
    values = load_reference("relative_survival", case_id).values
    values = values[part] if part else values
    times = np.array(values["Tstop"]) * YEAR
    found = net_survival(SIRE, **COLUMNS, **options, times=times).at(times)
    np.testing.assert_allclose(found["estimate"], values[name], rtol=0, atol=near)
    np.testing.assert_allclose(found["std_error"], values[f"SE.{name}"], rtol=10 * near)


def test_popepis_weights_lag_behind_by_an_interval():
    values = load_reference("relative_survival", "survtab_sire_pp_hazard").values
    first = SIRE.filter(pl.col("dead") & (pl.col("days") < YEAR / 12))
    place = {name: COLUMNS[name] for name in ("sex", "date", "birth", "life_table", "sexes", "time_unit")}
    survival = population_hazard(first, time="days", **place)["expected_survival"]
    # 1/S is above 1, as it must be; popEpi has a sum of weights near that of S, half a month before for after
    assert first.height == values["d"][0]
    assert (1 / survival).sum() > first.height > values["d.pp"][0]
    middle = population_hazard(first.with_columns(days=YEAR / 24), time="days", **place)["expected_survival"]
    assert values["d.pp"][0] == pytest.approx(middle.sum(), rel=5e-4)
