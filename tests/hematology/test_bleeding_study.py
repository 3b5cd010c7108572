"""The whole way from a diary to a comparison, in a simulated register whose truth is known."""

from __future__ import annotations

import polars as pl
import pytest
from reference_cases import assert_close

import hemresearch as hem
from hemresearch.hematology import bleeding


@pytest.fixture(scope="module")
def study():
    return hem.data.simulate_haemophilia_switch(2000, rebleed_share=0.1, seed=3)


@pytest.fixture(scope="module")
def bleeds(study) -> pl.DataFrame:
    return bleeding.new_bleeds(
        study.tables["bleeds"],
        id="patient_id",
        site="site",
        bleed="bleed_at",
        last_treatment="last_treated_at",
    )


@pytest.fixture(scope="module")
def windows(study) -> pl.DataFrame:
    return bleeding.exposure_windows(
        study.tables["regimens"], id="patient_id", start="start", stop="stop", by="regimen",
        excluded=study.tables["surgeries"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def counts(bleeds, windows) -> pl.DataFrame:
    counted = bleeds.filter("new_bleed", pl.col("cause") != "surgical")
    return bleeding.bleed_counts(
        counted, windows, id="patient_id", date="bleed_date", by="regimen",
        kinds={"joint": "joint", "spontaneous": pl.col("cause") == "spontaneous"},
    )  # fmt: skip


def truth(study, quantity: str, group: str) -> float:
    return study.truth.filter(quantity=quantity, group=group)["value"].item()


def test_bleeds_that_go_on_are_found(bleeds):
    assert bleeds.filter(pl.col("new_bleed") == pl.col("continues")).height == 0


@pytest.mark.parametrize(
    ("kind", "quantity"), [("bleeds", "annual bleeds"), ("joint", "annual joint bleeds")]
)
def test_rates_are_near_the_truth(study, counts, kind, quantity):
    rates = bleeding.bleeding_rate(
        counts, events={kind: kind}, person_time="days", unit="days", id="patient_id", by="regimen"
    ).to_frame()
    for row in rates.iter_rows(named=True):
        assert abs(row["estimate"] - truth(study, quantity, row["regimen"])) < 3 * row["std_error"]


@pytest.mark.parametrize("model", ["within", "population", "negative-binomial"])
def test_the_ratio_of_a_switch_is_near_the_truth(study, counts, model):
    ratio = bleeding.switch_ratio(
        counts, events="bleeds", person_time="days", id="patient_id", by="regimen", reference="before",
        model=model, conf_level=0.997,
    ).frame.row(0, named=True)  # fmt: skip
    assert ratio["conf_low"] < truth(study, "rate ratio", "all") < ratio["conf_high"]
    assert ratio["conf_high"] / ratio["conf_low"] < 1.4


def test_rows_of_follow_up_tell_of_the_same_bleeds(study, bleeds, windows, counts):
    """Except for bleeds on one day: of them rows know one, counts all."""
    counted = bleeds.filter("new_bleed", pl.col("cause") != "surgical").unique(["patient_id", "bleed_date"])
    rows = hem.recurrent.from_dates(
        counted, windows, id="patient_id", event_date="bleed_date", start="start", end="stop", unit="days"
    )
    by_regimen = rows.group_by("regimen").agg(
        pl.col("event").sum(), days=(pl.col("time") - pl.col("entry")).sum()
    )
    of_counts = counts.group_by("regimen").agg(pl.col("bleeds", "days").sum())
    both = by_regimen.join(of_counts, on="regimen", suffix="_counted")
    assert_close(both["days"], both["days_counted"], rel=1e-12)
    assert (both["event"] <= both["bleeds"]).all()
    assert (both["event"] > 0.97 * both["bleeds"]).all()


def test_joints_of_a_patient_are_target_joints_in_follow_up(study, bleeds):
    counted = bleeds.filter("new_bleed", "joint", pl.col("cause") != "surgical").join(
        study.tables["patients"].select("patient_id", "last_seen"), on="patient_id"
    )
    joints = bleeding.target_joints(
        counted, id="patient_id", joint="site", bleed="bleed_date",
        spontaneous=pl.col("cause") == "spontaneous",
        end=pl.max_horizontal("last_seen", pl.col("bleed_date").max().over("patient_id")),
    )  # fmt: skip
    assert joints.height > 100
    assert (joints["since"] > joints["first_bleed"]).all()
    assert (joints["resolved"].drop_nulls() > joints.drop_nulls("resolved")["since"]).all()
