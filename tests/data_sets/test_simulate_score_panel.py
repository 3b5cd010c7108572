"""The simulated panel for risk scores: true values of a large sample, gaps, and scores made of it."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hemresearch.data import Simulation, simulate_score_panel
from hemresearch.hematology import scores
from hemresearch.hematology.units import ratio_to_upper_limit

WIDE = {"blood_blasts", "spleen_cm", "marrow_blasts"}  # whole numbers near their rounding


@pytest.fixture(scope="module")
def panel() -> Simulation:
    return simulate_score_panel(20_000, missing=0.1, seed=3)


def test_medians_are_the_true_ones(panel: Simulation):
    for _, group, truth in panel.truth.filter(quantity="median").rows():
        name, disease = group.split(", ")
        found = panel["complete"].filter(disease=disease)[name].median()
        assert found == pytest.approx(truth, abs=0.5 if name in WIDE else 0.07 * truth), (name, disease)


def test_values_are_missing_where_they_were_there(panel: Simulation):
    patients, complete = panel["patients"], panel["complete"]
    asked = complete.select(pl.exclude("patient_id", "disease", "age", "ldh_upper_limit", "ann_arbor_stage"))
    gaps = {name: patients[name].is_null() & asked[name].is_not_null() for name in asked.columns}
    for name, gap in gaps.items():
        share = gap.sum() / asked[name].count()
        assert share == pytest.approx(panel.true("share missing"), abs=0.02), name
        assert_frame_equal(patients.filter(~gap).select(name), complete.filter(~gap).select(name))
    assert_frame_equal(simulate_score_panel(50, missing=0)["patients"], simulate_score_panel(50)["complete"])


def test_an_extranodal_organ_is_an_extranodal_site(panel: Simulation):
    large = panel["complete"].filter(disease="large B-cell lymphoma")
    assert not large.filter(extranodal_sites=0)["extranodal_organ"].any()
    assert large["extranodal_organ"].null_count() == 0
    assert panel["complete"].filter(disease="chronic myeloid leukaemia")["extranodal_organ"].is_null().all()


def test_scores_are_made_of_it_without_a_warning(panel: Simulation):
    ratio = ratio_to_upper_limit("ldh", pl.col("ldh_upper_limit"))
    of = {name: rows for (name,), rows in panel["complete"].group_by("disease")}
    mantle = {"age_years": "age", "ldh_ratio_to_uln": ratio, "wbc_1e9_per_l": "leukocytes"}
    found = scores.compute(of["mantle cell lymphoma"], "mipi", **mantle)
    assert set(found["mipi_group"]) == {"low", "intermediate", "high"}
    found = scores.compute(
        of["myelodysplastic syndrome"],
        "ipss_r",
        cytogenetic_risk="cytogenetics",
        bone_marrow_blasts_percent="marrow_blasts",
        hb_g_per_dl="haemoglobin",
        platelets_1e9_per_l="platelets",
        neutrophils_1e9_per_l="neutrophils",
        unit={"hb_g_per_dl": "g/L"},
    )
    assert found["ipss_r_n_missing"].sum() == 0
    assert found["ipss_r_group"].n_unique() == 5
