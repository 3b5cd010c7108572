"""The test of equal net survival: R's values, truths about it, and every refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference
from refusals import assert_refused

import hemresearch as hem
from hemresearch.lifetable import LifeTable
from hemresearch.relative import net_survival_test

COLUMNS: dict[str, Any] = {
    "time": "time", "event": "cens", "time_unit": "days", "sex": "sex", "date": "year", "age": "age",
    "age_unit": "years", "life_table": hem.data.life_table("slovenia"),
}  # fmt: skip
RDATA = load_dataset("rdata")


@pytest.mark.parametrize(
    ("case_id", "by", "strata"),
    [
        ("rsdiff_rdata_sex", "sex", None), ("rsdiff_rdata_agegr", "agegr", None),
        ("rsdiff_rdata_sex_strata_agegr", "sex", "agegr"),
    ],
)  # fmt: skip
def test_matches_relsurv(case_id, by, strata):
    values = load_reference("relative_survival", case_id).values
    found = net_survival_test(RDATA, **COLUMNS, by=by, strata=strata)
    assert_close(found.statistic, values["test_stat"], rel=1e-8)
    assert_close(found.p_value, values["p_value"], rel=1e-7)
    assert found.df == values["df"]
    # R has the age groups in the order of its indicators
    order = [0, 3, 2, 1] if by == "agegr" else [0, 1]
    kept = order[:-1]
    assert found.to_frame()["n"].gather(order).to_list() == values["n"]
    assert_close(found.score[kept], values["z"], rel=1e-8)
    assert_close(found.covariance[np.ix_(kept, kept)].tolist(), values["covmat"], rel=1e-8)


def test_without_population_mortality_it_is_a_log_rank_test_with_a_poisson_variance():
    nobody = LifeTable(
        hem.data.life_table("slovenia").to_frame().with_columns(hazard_year=0.0), rate="hazard_year",
        sexes={"male": 1, "female": 2},
    )  # fmt: skip
    found = net_survival_test(RDATA, **{**COLUMNS, "life_table": nobody}, by="agegr")
    plain = hem.survival.logrank(RDATA, time="time", event="cens", by="agegr").to_frame()
    assert_close(found.score, plain["observed"] - plain["expected"], rel=1e-9)


def test_rows_and_covariance_add_up_to_nothing():
    found = net_survival_test(RDATA, **COLUMNS, by="agegr")
    assert found.score.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.covariance.sum(axis=0), 0, atol=1e-9)
    assert "stratified" not in found.method
    assert net_survival_test(RDATA, **COLUMNS, by="sex", strata="agegr").method.endswith("by agegr")


def test_those_not_yet_seen_are_not_at_risk():
    data = RDATA.filter(pl.col("time") > 0).with_columns(late=pl.col("time") // 2)
    late = net_survival_test(data, **COLUMNS, by="sex", entry="late")
    whole = net_survival_test(data, **COLUMNS, by="sex")
    assert late.statistic != whole.statistic
    early = net_survival_test(data.with_columns(late=0), **COLUMNS, by="sex", entry="late")
    assert_close(early.statistic, whole.statistic)


def test_time_in_years_gives_the_same():
    years = RDATA.with_columns(time=pl.col("time") / 365.25)
    found = net_survival_test(years, **{**COLUMNS, "time_unit": "years"}, by="sex")
    assert_close(found.statistic, net_survival_test(RDATA, **COLUMNS, by="sex").statistic, rel=1e-10)


def test_one_group_is_refused():
    data = RDATA.filter(pl.col("sex") == 1)
    assert_refused(lambda: net_survival_test(data, **COLUMNS, by="sex"), argument="by", column="sex")


def test_no_deaths_are_refused():
    data = RDATA.with_columns(cens=0)
    assert_refused(
        lambda: net_survival_test(data, **COLUMNS, by="sex"), argument="event", column="cens",
        says=["no deaths in 1040 rows"],
    )  # fmt: skip


def test_groups_that_never_meet_are_refused():
    data = RDATA.filter(pl.col("time") > 0).with_columns(
        time=pl.when(pl.col("sex") == 1).then(10).otherwise(20),
        late=pl.when(pl.col("sex") == 1).then(0).otherwise(10),
    )
    assert_refused(
        lambda: net_survival_test(data, **COLUMNS, by="sex", entry="late"), argument="by", column="sex"
    )
