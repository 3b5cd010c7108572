"""Follow-up by the reverse Kaplan-Meier: R's medians, and the rule at ties."""

from __future__ import annotations

import polars as pl
import pytest
from reference_cases import assert_close, reference_cases

from hemresearch.survival import follow_up


@pytest.mark.parametrize("case_id", reference_cases("kaplan_meier", "revkm_"))
def test_matches_survfit_of_the_censorings(reference, case_id):
    case = reference("kaplan_meier", case_id)
    curves = follow_up(
        case.data, time=case.role("time"), event=case.role("event"), by=case.role("by"), conf_type="log"
    )
    quantile = curves.quantile(case.options["quantiles"])
    for stratum in case.values["survfit"]:
        rows = case.in_group(quantile, stratum["label"])
        assert_close(rows["estimate"], stratum["quantiles"])
        assert_close(rows["conf_low"], stratum["lower"])
        assert_close(rows["conf_high"], stratum["upper"])
        assert_close(rows["estimate"][1], stratum["median"])


def test_who_dies_at_a_time_is_still_at_risk_for_a_censoring_then():
    tied = pl.DataFrame({"time": [2, 2, 3], "event": [1, 0, 0]})
    frame = follow_up(tied, time="time", event="event").to_frame()
    assert_close(frame["estimate"], [2 / 3, 0])
    assert_close(frame["n_event"], [1, 1])


def test_it_is_called_follow_up():
    tied = pl.DataFrame({"time": [2, 2, 3], "event": [1, 0, 0]})
    curves = follow_up(tied, time="time", event="event")
    assert curves.quantity == "under follow-up"
    assert curves.text() == "Median follow-up 3 (95% CI 2 to –)"
