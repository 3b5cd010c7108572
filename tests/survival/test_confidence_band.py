"""Simultaneous bands: R's and printed values, numbers worked by hand, and truths about the method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import assume, given, settings
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused
from scipy.special import kolmogi

from hemresearch.curves import Curves
from hemresearch.numerics.bands import hall_wellner_quantile
from hemresearch.survival import confidence_band, follow_up, kaplan_meier, nelson_aalen

SCALES = {"hall-wellner": "plain", "loghall": "log-log"}
# By hand. At 1: S 4/5, s2 = 1/(5*4) = 0.05. At 2: S 3/5, s2 = 0.05 + 1/(4*3) = 2/15. One leaves at 3.
# At 4: S 3/10, s2 = 2/15 + 1/(2*1) = 19/30. At 5 the last one dies: S 0, no variance.
FIVE = pl.DataFrame({"time": [1, 2, 3, 4, 5], "event": [1, 1, 0, 1, 1]})


def fit(data, **options) -> Curves:
    return kaplan_meier(data, time="time", event="event", **options)


@pytest.mark.parametrize("case_id", ["band_hw_bmt_g1", "band_loghall_bmt_g2"])
def test_hall_wellner_bands_match_km_ci(reference, case_id):
    # km.ci interpolates in printed tables with four decimals, so its critical value is 0.3 % off at worst.
    # It does not cut the plain band at 1, and begins with the step that covers `tl`.
    case = reference("kaplan_meier", case_id)
    options, values = case.options, case.values
    curves = kaplan_meier(case.data, time=case.role("time"), event=case.role("event"))
    band = confidence_band(
        curves, conf_type=SCALES[options["method"]], start=options["tl"], stop=options["tu"]
    )
    assert_close(band.at(values["times"])["estimate"], values["surv"], rel=1e-9)
    at = band.at([max(t, options["tl"]) for t in values["band_times"]])
    assert_close(at["conf_low"], values["band_lower"], rel=5e-3)
    assert_close(at["conf_high"], [min(v, 1.0) for v in values["band_upper"]], rel=5e-3)


@pytest.mark.parametrize(
    ("scale", "low", "high"),
    [  # km.ci 0.5-6 (method "epband" and "logep", tl=100, tu=600) at 194 and 230, R 4.2.2
        ("plain", [0.40695906, 0.37585355], [0.85619884, 0.83238444]),
        ("log-log", [0.36920784, 0.34416335], [0.80901820, 0.78809931]),
    ],
)
def test_equal_precision_bands_match_km_ci(dataset, scale, low, high):
    # Its tables hold an approximation to the tail of the supremum (see the tests of the critical values).
    curves = kaplan_meier(dataset("kmsurv_bmt").filter(group=1), time="t2", event="d3")
    band = confidence_band(curves, method="equal-precision", conf_type=scale, start=100, stop=600)
    at = band.at([194, 230])
    assert_close(at["conf_low"], low, rel=5e-3)
    assert_close(at["conf_high"], high, rel=5e-3)


def test_the_printed_example_of_klein_and_moeschberger_is_reproduced(dataset):
    # Section 4.4: a_L = 0.1, a_U = 0.6 and k = 1.3211 for these patients from 100 to 600 days.
    curves = kaplan_meier(dataset("kmsurv_bmt").filter(group=1), time="t2", event="d3")
    stretch = confidence_band(curves, start=100, stop=600).stretches.row(0, named=True)
    assert round(stretch["a_low"], 1) == 0.1
    assert round(stretch["a_high"], 1) == 0.6
    assert stretch["critical_value"] == pytest.approx(1.3211, rel=2e-3)


def test_five_patients_by_hand():
    band = confidence_band(fit(FIVE))
    stretch = band.stretches.row(0, named=True)
    assert (stretch["start"], stretch["stop"]) == (1, 4)
    assert_close(stretch["a_low"], 0.2)  # 5 * 0.05 / 1.25
    assert_close(stretch["a_high"], 19 / 25)  # 19/6 / (25/6)
    k = stretch["critical_value"]
    half = [k * 1 / np.sqrt(5), k * 1 / np.sqrt(5), k * 1 / np.sqrt(5), k * 1.25 / np.sqrt(5)]
    frame = band.to_frame()
    assert frame["time"].to_list() == [1, 2, 3, 4, 5]
    assert_close(frame["conf_low"][:4], np.maximum(np.array([0.8, 0.6, 0.6, 0.3]) - half, 0))
    assert_close(frame["conf_high"][:4], np.minimum(np.array([0.8, 0.6, 0.6, 0.3]) + half, 1))
    assert frame["conf_low"][4] is None


def test_five_patients_by_hand_with_equal_precision_on_the_log_log_scale():
    band = confidence_band(fit(FIVE), method="equal-precision", conf_type="log-log", start=2, stop=3)
    c = band.stretches["critical_value"][0]
    assert c == pytest.approx(1.959964, rel=1e-6)  # s2 is the same at 2 and 3, so it is a single time
    factor = np.exp(c * np.sqrt(2 / 15) / -np.log(0.6))
    assert_close(band.at(2)["conf_low"], [0.6**factor])
    assert_close(band.at(2)["conf_high"], [0.6 ** (1 / factor)])


def test_without_censoring_the_plain_band_is_kolmogorovs(dataset):
    time = pl.DataFrame({"time": np.arange(1.0, 201.0), "event": True})
    band = confidence_band(fit(time), start=0, stop=199)
    # S (1 + N s2) = 1 without censoring; from S = 1 to S = 1/200 the bridge is nearly whole.
    half = band.at([50, 100])["conf_high"] - band.at([50, 100])["estimate"]
    assert_close(half, [kolmogi(0.05) / np.sqrt(200)] * 2, rel=1e-6)


@pytest.mark.parametrize("method", ["hall-wellner", "equal-precision"])
@pytest.mark.parametrize("scale", ["plain", "log", "log-log", "logit", "arcsin"])
def test_every_scale_has_the_same_width_to_first_order(method, scale):
    n = 200_000
    time = np.random.default_rng(1).exponential(1, n)
    curves = fit(pl.DataFrame({"time": np.minimum(time, 1.5), "event": time < 1.5}))
    band = confidence_band(curves, method=method, conf_type=scale, start=0.2, stop=1.2).at([0.3, 1.0])
    plain = confidence_band(curves, method=method, conf_type="plain", start=0.2, stop=1.2).at([0.3, 1.0])
    assert_close(band["conf_low"], plain["conf_low"], rel=1e-3)
    assert_close(band["conf_high"], plain["conf_high"], rel=1e-3)


def test_the_band_is_null_outside_its_stretch():
    band = confidence_band(fit(FIVE), start=1.5, stop=2.5)
    assert band.to_frame()["time"].to_list() == [1, 1.5, 2, 2.5, 3, 4, 5]
    at = band.at([0.5, 1.4, 1.5, 2.2, 2.5, 2.6, 4])
    assert at["conf_low"].is_null().to_list() == [True, True, False, False, False, True, True]
    assert_close(at["estimate"], [1, 0.8, 0.8, 0.6, 0.6, 0.6, 0.3])
    assert band.groups().rows() == fit(FIVE).groups().rows()
    assert_frame_equal(band.risk_table([0, 2, 4]), fit(FIVE).risk_table([0, 2, 4]))


def test_a_hall_wellner_band_may_begin_before_the_first_event():
    frame = confidence_band(fit(FIVE), start=0, stop=4).to_frame()
    assert frame.row(0, named=True)["time"] == 0
    assert frame["conf_high"][0] == 1
    k = hall_wellner_quantile(0.95, 0.0, 0.76)
    assert_close(frame["conf_low"][:1], [1 - k / np.sqrt(5)])
    assert confidence_band(fit(FIVE), start=0, stop=4, conf_type="log-log").at(0.5)["conf_low"][0] is None


def test_a_quantile_has_no_lower_limit_where_the_band_begins_below_it():
    n = 100
    band = confidence_band(fit(pl.DataFrame({"time": np.arange(1.0, n + 1), "event": True})), start=20)
    quantiles = band.quantile([0.1, 0.5])
    assert quantiles["conf_low"][0] is None
    assert 20 < quantiles["conf_low"][1] < 50 < quantiles["conf_high"][1]


def test_the_default_scale_is_the_one_that_holds_its_level_in_small_samples():
    assert confidence_band(fit(FIVE)).conf_type == "plain"
    assert confidence_band(fit(FIVE), method="equal-precision").conf_type == "log-log"


def test_each_group_has_its_own_band(dataset):
    data = dataset("kmsurv_bmt")
    together = confidence_band(kaplan_meier(data, time="t2", event="d3", by="group"))
    for group in (1, 2, 3):
        alone = confidence_band(kaplan_meier(data.filter(group=group), time="t2", event="d3"))
        assert_frame_equal(together.to_frame().filter(group=group).drop("group"), alone.to_frame())
        assert_frame_equal(together.stretches.filter(group=group).drop("group"), alone.stretches)


def test_follow_up_has_bands_too():
    band = confidence_band(follow_up(FIVE.vstack(FIVE), time="time", event="event"))
    assert band.quantity == "under follow-up"


@pytest.mark.parametrize("method", ["hall-wellner", "equal-precision"])
@given(cohort=cohorts(smallest=6, groups=1))
@settings(max_examples=25, deadline=None)
def test_weight_two_is_two_patients_and_the_unit_of_time_does_not_matter(method, cohort):
    assume(confidence(cohort) is not None)
    weighted = confidence_band(fit(cohort, weights="weight"), method=method)
    repeated = confidence_band(fit(replicated(cohort)), method=method)
    assert_frame_equal(weighted.to_frame(), repeated.to_frame())
    days = cohort.with_columns(pl.col("time") * 7)
    other = confidence_band(fit(days, weights="weight"), method=method)
    assert_frame_equal(other.to_frame().with_columns(pl.col("time") / 7), weighted.to_frame())
    mixed = confidence_band(
        fit(cohort.sample(fraction=1, shuffle=True, seed=3), weights="weight"), method=method
    )
    assert_frame_equal(mixed.to_frame(), weighted.to_frame())


def confidence(cohort: pl.DataFrame) -> pl.DataFrame | None:
    """The times with an event and others at risk, or None where there is no such time."""
    events = fit(cohort).to_frame().filter((pl.col("n_event") > 0) & (pl.col("estimate") > 0))
    return events if events.height else None


def test_entry_at_zero_is_no_delayed_entry():
    late = FIVE.with_columns(entry=pl.lit(0))
    band = confidence_band(fit(late, entry="entry"))
    assert_frame_equal(band.to_frame(), confidence_band(fit(FIVE)).to_frame())


def test_the_result_says_what_band_it_holds():
    band = confidence_band(fit(FIVE), method="equal-precision", conf_type="log-log", conf_level=0.9)
    assert repr(band).splitlines()[-1].startswith("90% equal-precision band (log-log) from 1 to 4, critical")
    assert "simultaneous 90% equal-precision band (log-log, Greenwood variance)" in band.methods()
    assert "(90% band " in band.text(at=2)
    assert band.summary()["conf_level"][0] == 0.9


def test_a_figure_ends_the_band_where_it_stops():
    from matplotlib import pyplot as plt

    ax = confidence_band(fit(FIVE), start=1, stop=2.5).plot(risk_table=False)
    (area,) = ax.collections
    assert area.get_paths()[0].vertices[:, 0].max() == pytest.approx(2.5)
    plt.close(ax.figure)


def test_refuses_what_is_not_a_survival_curve():
    hazard = nelson_aalen(FIVE, time="time", event="event")
    assert_refused(
        lambda: confidence_band(hazard), argument="curves", says=["cumulative hazard", "kaplan_meier(data"]
    )
    assert_refused(lambda: confidence_band(FIVE), argument="curves", says=["a DataFrame was given"])


def test_refuses_estimates_whose_band_is_not_known():
    weighted = FIVE.with_columns(w=pl.lit(0.5))
    assert_refused(
        lambda: confidence_band(fit(weighted, weights="w")),
        argument="curves",
        says=["robust variance", "whole numbers", "without weights"],
    )
    assert_refused(
        lambda: confidence_band(fit(FIVE, estimator="breslow")), argument="curves", says=["poisson variance"]
    )
    few = weighted.with_columns(w=pl.lit(0.7))
    assert_refused(
        lambda: confidence_band(fit(few, weights="w", robust=False)),
        argument="curves",
        says=["whole numbers"],
    )


def test_refuses_a_hall_wellner_band_with_delayed_entry():
    late = FIVE.with_columns(entered=pl.Series([0, 0, 0, 2, 0]))
    curves = fit(late, entry="entered")
    assert_refused(
        lambda: confidence_band(curves),
        argument="method",
        column="entered",
        says=["delayed entry", 'method="equal-precision"'],
    )
    assert confidence_band(curves, method="equal-precision").stretches["stop"][0] == 4


def test_refuses_curves_that_were_cut():
    cut = replace(fit(FIVE), cut_at=(3.0,))
    assert_refused(
        lambda: confidence_band(cut), argument="curves", says=["cut for disclosure", "of the whole curves"]
    )


def test_refuses_a_group_without_events():
    data = pl.DataFrame({"time": [1, 2, 1, 2], "event": [1, 0, 0, 0], "arm": ["a", "a", "b", "b"]})
    assert_refused(
        lambda: confidence_band(fit(data, by="arm")),
        argument="curves",
        says=["no event with others still at risk", "data.filter"],
    )


@pytest.mark.parametrize(("method", "start"), [("equal-precision", 0.5), ("hall-wellner", 4.5)])
def test_refuses_a_start_without_variance(method, start):
    assert_refused(
        lambda: confidence_band(fit(FIVE), method=method, start=start),
        argument="start",
        says=[f"{start:g} is", "from its first event at 1 to its last with others at risk at 4", "start=1"],
    )


@pytest.mark.parametrize("stop", [0.5, 5, 7])
def test_refuses_a_stop_where_nothing_is_estimated(stop):
    assert_refused(
        lambda: confidence_band(fit(FIVE), stop=stop),
        argument="stop",
        says=[f"{stop:g} is not between", "before survival is 0", "(5)", "stop=4"],
    )


@pytest.mark.parametrize(
    ("argument", "value"),
    [("method", "nair"), ("conf_type", "loglog"), ("conf_level", 95), ("start", -1), ("stop", "end")],
)
def test_refuses_options_that_do_not_exist(argument, value):
    assert_refused(lambda: confidence_band(fit(FIVE), **{argument: value}), argument=argument)
