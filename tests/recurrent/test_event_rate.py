"""Event rates and shares without events: R's numbers, by hand, truths, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from recurrent_rows import ROLES, recurrent_rows
from reference_cases import assert_close, load_reference
from refusals import assert_refused, assert_warns

from hemresearch.recurrent import event_free_share, event_rate

TOTALS = {"events": "bleeds", "person_time": "years"}
ARMS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6],
        "bleeds": [3, 0, 5, 1, 0, 2],
        "years": [1.0, 2.0, 1.5, 1.0, 0.5, 2.0],
        "arm": list("AAABBB"),
    }
)
YEARS = (pl.col("tstop") - pl.col("tstart")) / 365.25
LIMITS = ["estimate", "conf_low", "conf_high"]


def test_matches_r_in_each_group():
    case = load_reference("recurrent_more", "rate_cgd_groups")
    models = {"nb": "negative-binomial", "robust": "robust", "exact": "poisson"}
    rows = {"time": "tstop", "event": "status", "entry": "tstart", "id": "id", "by": "treat"}
    counts = {"events": "status", "person_time": YEARS, "id": "id", "by": "treat"}
    for name, model in models.items():
        for frame in (
            event_rate(case.data, **rows, model=model, per=365.25).to_frame(),
            event_rate(case.data, **counts, model=model).to_frame(),
        ):
            for theirs, ours in zip(case.values["groups"], frame.iter_rows(named=True), strict=True):
                assert (ours["treat"], ours["n"], ours["n_event"]) == (
                    theirs["group"],
                    theirs["n"],
                    theirs["n_event"],
                )
                assert_close([ours[c] for c in LIMITS], theirs[name], rel=1e-6 if name == "nb" else 1e-9)
                if name == "nb":
                    assert_close(ours["dispersion"], theirs["alpha"], rel=1e-4)
    for name in ("wilson", "exact"):
        with pytest.warns(match="followed from"):
            frame = event_free_share(case.data, **rows, limits=name).to_frame()
        for theirs, ours in zip(case.values["groups"], frame.iter_rows(named=True), strict=True):
            assert_close([ours[c] for c in LIMITS], theirs[f"zero_{name}"], rel=1e-9)


def test_the_crude_rate_of_everybody(reference):
    case = reference("recurrent", "nb_cgd")
    frame = event_rate(case.data, events="status", person_time=YEARS, id="id", model="poisson").to_frame()
    assert_close(frame["estimate"][0], case.values["crude_rate"], rel=1e-12)
    assert_close(frame.select("conf_low", "conf_high").row(0), case.values["crude_rate_exact_ci"], rel=1e-9)
    assert_close(frame["person_time"][0], case.values["total_exposure"], rel=1e-12)


def test_rates_by_hand():
    frame = event_rate(ARMS, **TOTALS, by="arm", model="robust", per=10).to_frame()
    assert_close(frame["estimate"], [10 * 8 / 4.5, 10 * 3 / 3.5])
    off = np.array([3, 0, 5]) - 8 / 4.5 * np.array([1, 2, 1.5])
    assert_close(frame["std_error"][0], 10 * 8 / 4.5 * np.sqrt((off**2).sum()) / 8)
    assert frame.columns == [
        "arm", "n", "n_event", "person_time", "dispersion", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip
    assert frame["dispersion"].null_count() == 2
    assert frame["person_time"].to_list() == [4.5, 3.5]


@pytest.mark.parametrize("model", ["robust", "negative-binomial"])
def test_limits_by_t_have_a_degree_of_freedom_less_than_patients(model):
    """Of 3 patients in each arm: t with 2 degrees of freedom is 4.302653, where the normal has 1.959964."""
    normal, by_t = (
        event_rate(ARMS, **TOTALS, by="arm", model=model, limits=limits) for limits in ("normal", "t")
    )
    assert by_t.to_frame()["estimate"].equals(normal.to_frame()["estimate"])
    half = [np.log(r.to_frame()["conf_high"] / r.to_frame()["estimate"]) for r in (normal, by_t)]
    assert_close(half[1] / half[0], [4.302653 / 1.959964] * 2, rel=1e-6)
    assert "t (n - 1 degrees of freedom) on the log scale" in by_t.method


def test_three_bleeds_in_ten_days_do_not_make_a_rate_of_110():
    short = pl.DataFrame({"bleeds": [3, 1, 0, 2], "years": [10 / 365.25, 1, 1, 1]})
    individual = (short["bleeds"] / short["years"]).mean()
    pooled = event_rate(short, **TOTALS, model="robust").to_frame()["estimate"][0]
    assert individual > 28
    assert_close(pooled, 6 / (3 + 10 / 365.25))


def test_equal_exposure_gives_the_mean_under_every_model():
    same = ARMS.with_columns(years=2.0)
    for model in ("negative-binomial", "robust", "poisson"):
        assert_close(event_rate(same, **TOTALS, model=model).to_frame()["estimate"][0], 11 / 12, rel=1e-9)


def test_counts_that_vary_little_have_no_dispersion():
    even = pl.DataFrame({"bleeds": [2, 2, 1, 2, 3, 2], "years": 1.0})
    frame = event_rate(even, **TOTALS).to_frame()
    assert frame["dispersion"][0] == 0
    assert_close(frame["std_error"][0], np.sqrt(12) / 6, rel=1e-9)


def test_rows_of_a_patient_are_added_up_and_order_and_units_do_not_matter():
    data = recurrent_rows(np.random.default_rng(1), 80)
    whole = data.group_by("id", "arm").agg(pl.col("event").sum(), pl.col("stop").max())
    for model in ("negative-binomial", "robust", "poisson"):
        options = {"by": "arm", "model": model}
        ours = event_rate(data, **ROLES, **options).to_frame()
        shuffled = data.sample(fraction=1, shuffle=True, seed=2)
        totals = event_rate(whole, events="event", person_time="stop", **options).to_frame()
        days = data.with_columns(pl.col("start", "stop") * 365.25)
        for other in (
            event_rate(shuffled.lazy(), **ROLES, **options).to_frame(),
            event_rate(data.to_pandas(), **ROLES, **options).to_frame(),
            totals,
        ):
            assert_frame_equal(other, ours, rel_tol=1e-8)
        in_days = event_rate(days, **ROLES, **options, per=365.25).to_frame()
        assert_frame_equal(in_days.drop("person_time"), ours.drop("person_time"), rel_tol=1e-8)


def test_durations_are_days_and_say_so():
    dated = ARMS.with_columns(years=pl.duration(days=pl.col("years") * 360))
    rate = event_rate(dated, **TOTALS, model="poisson", per=100)
    assert rate.name == "event rate per 100 days"
    assert_close(rate.to_frame()["estimate"][0], 100 * 11 / (8 * 360))
    of = {per: event_rate(dated, **TOTALS, model="poisson", per=per).name for per in (365.25, 730.5, 3.6525)}
    assert list(of.values()) == [
        "event rate per patient-year", "event rate per 2 patient-years", "event rate per 3.6525 days",
    ]  # fmt: skip
    assert event_rate(ARMS, **TOTALS, per=10).name == "event rate per 10 units of person-time"
    assert event_rate(ARMS, **TOTALS).name == "event rate per unit of person-time"


def test_what_results_say():
    rate = event_rate(ARMS, **TOTALS, by="arm", model="poisson")
    assert "arm=A: 1.778 (0.7675 to 3.503), n 3" in repr(rate)
    assert rate.text().startswith("event rate per unit of person-time: A 1.78 (95% CI 0.77–3.50); B ")
    assert rate.summary()["n_event"][0] == 11
    share = event_free_share(ARMS.with_columns(years=1.0), **TOTALS, by="arm")
    assert share.to_frame().select("n", "n_event").rows() == [(3, 2), (3, 2)]
    assert "Wilson" in share.methods()


def test_missing_values():
    holes = ARMS.with_columns(years=pl.when(pl.col("id") == 3).then(None).otherwise("years"))
    assert_refused(lambda: event_rate(holes, **TOTALS), argument="person_time", column="years", rows=[3])
    dropped = event_rate(holes, **TOTALS, model="poisson", missing="drop")
    assert (dropped.n_dropped, dropped.n, dropped.n_event) == (1, 5, 6)


def test_patients_whom_a_list_of_events_does_not_have_are_not_to_be_dropped():
    joined = ARMS.with_columns(pl.col("bleeds").replace(0, None))
    refusal = assert_refused(
        lambda: event_rate(joined, **TOTALS), argument="events", column="bleeds", rows=[2, 5]
    )
    assert refusal.remedy.startswith("pl.col('bleeds').fill_null(0) if null means that there was none")
    filled = TOTALS | {"events": pl.col("bleeds").fill_null(0)}
    assert_frame_equal(event_rate(joined, **filled).to_frame(), event_rate(ARMS, **TOTALS).to_frame())
    seen = joined.with_columns(pl.col("bleeds") > 0)
    assert (
        "fill_null(False)"
        in assert_refused(
            lambda: event_rate(seen, **TOTALS), argument="events", column="bleeds", rows=[2, 5]
        ).remedy
    )


def test_refusals_of_the_data():
    for given in (
        {},
        {"events": "bleeds"},
        {"person_time": "years"},
        {"time": "years"},
        {"entry": "years"},
        TOTALS | {"time": "years", "event": "bleeds"},
    ):
        for call in (event_rate, event_free_share):
            assert_refused(
                lambda given=given, call=call: call(ARMS, **given),
                argument="events",
                says=["person_time='years'"],
            )
    for wrong in (-1, 1.5, np.inf):
        bad = ARMS.with_columns(bleeds=pl.when(pl.col("id") == 2).then(wrong).otherwise("bleeds"))
        assert_refused(
            lambda bad=bad: event_rate(bad, **TOTALS), argument="events", column="bleeds", rows=[2],
            says=["whole numbers"],
        )  # fmt: skip
    assert_refused(
        lambda: event_rate(ARMS.with_columns(bleeds=pl.lit("1")), **TOTALS),
        argument="events",
        column="bleeds",
    )
    assert_refused(
        lambda: event_rate(ARMS, events=["bleeds", "id"], person_time="years"),
        argument="events",
        says=["one column"],
    )
    none = ARMS.with_columns(years=pl.when(pl.col("id") == 4).then(0.0).otherwise("years"))
    assert_refused(
        lambda: event_rate(none, **TOTALS), argument="person_time", column="years", rows=[4], says=["1 row"]
    )
    negative = none.with_columns(pl.col("years") - 0.1)
    assert_refused(lambda: event_rate(negative, **TOTALS), argument="person_time", column="years", rows=[4])
    rows = pl.DataFrame({"t": [1.0, 0.0], "e": [1, 0]})
    assert_refused(lambda: event_rate(rows, time="t", event="e"), argument="time", column="t", rows=[2])


def test_refusals_of_arguments():
    assert_refused(lambda: event_rate(ARMS, **TOTALS, model="normal"), argument="model")
    assert_refused(lambda: event_rate(ARMS, **TOTALS, per=0), argument="per")
    assert_refused(lambda: event_rate(ARMS, **TOTALS, limits="z"), argument="limits")
    exact = {"model": "poisson", "limits": "t"}
    assert_refused(lambda: event_rate(ARMS, **TOTALS, **exact), argument="limits", says=["are exact"])
    assert_refused(lambda: event_free_share(ARMS, **TOTALS, limits="wald"), argument="limits")


def test_rates_of_single_patients_are_refused_where_they_would_pretend_to_a_variance():
    alone = ARMS.with_columns(arm=pl.Series(list("AAAABC")))
    for model in ("negative-binomial", "robust"):
        assert_refused(
            lambda model=model: event_rate(alone, **TOTALS, by="arm", model=model),
            argument="by", column="arm", says=["2 groups", "no basis for a mean"],
        )  # fmt: skip
    assert event_rate(alone, **TOTALS, by="arm", model="poisson").to_frame().height == 3
    refusal = assert_refused(lambda: event_rate(ARMS[:1], **TOTALS), argument="data", says=["single patient"])
    assert "by=None" not in refusal.remedy


def test_warnings():
    quiet = ARMS.with_columns(bleeds=pl.when(pl.col("arm") == "B").then(0).otherwise("bleeds"))
    for model in ("negative-binomial", "robust"):
        answer = assert_warns(
            lambda model=model: event_rate(quiet, **TOTALS, by="arm", model=model), argument="model",
            says=["in 'B'", "model='poisson'"],
        )  # fmt: skip
        assert answer.to_frame().select(LIMITS).row(1) == (0.0, None, None)
    exact = event_rate(quiet, **TOTALS, by="arm", model="poisson").to_frame()
    assert_close(exact.select(LIMITS).row(1), [0, 0, -np.log(0.025) / 3.5])
    nothing = ARMS.with_columns(bleeds=0)
    assert_warns(lambda: event_rate(nothing, **TOTALS), argument="model", says=["nothing happened:"])
    assert_warns(
        lambda: event_rate(ARMS, **TOTALS, per=40, by="arm", model="poisson"), argument="per",
        says=["3.5 of person-time in 'B'", "more than 10 times"],
    )  # fmt: skip
    assert_warns(
        lambda: event_free_share(ARMS, **TOTALS), argument="person_time", column="years",
        says=["from 0.5 to 2", "kaplan_meier"],
    )  # fmt: skip
