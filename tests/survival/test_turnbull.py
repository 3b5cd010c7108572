"""Turnbull's estimator: R's numbers, numbers worked by hand, and truths about the method."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cohorts import cohorts, replicated
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused

import hemresearch.survival as survival_family
from hemresearch.errors import ConvergenceWarning
from hemresearch.survival import kaplan_meier, turnbull

# By hand: places (0, 1], (1, 2], (2, 3]; with masses a, b, c the likelihood is a (a+b) (b+c) c, largest at
# a = c = 1/2, b = 0. Survival is 1/2 from 1 to 2, through an innermost interval without mass.
FOUR = pl.DataFrame({"left": [0.0, 0.0, 1.0, 2.0], "right": [1.0, 2.0, 3.0, 3.0]})


def fit(data, **options):
    return turnbull(data, left="left", right="right", **options)


@st.composite
def seen(draw: st.DrawFn) -> pl.DataFrame:
    """Visits around events, with a weight and a group; ends are missing for some."""
    cohort = draw(cohorts(smallest=3, largest=15))
    lengths = draw(
        st.lists(st.sampled_from([0.0, 1.0, 3.0, None]), min_size=len(cohort), max_size=len(cohort))
    )
    return cohort.select(
        pl.when(pl.col("time") > 2).then(pl.col("time")).alias("left"),
        (pl.col("time") + pl.Series(lengths, dtype=pl.Float64)).alias("right"),
        "weight",
        "group",
    ).filter(pl.col("left").is_not_null() | pl.col("right").is_not_null())


# survfit (R 4.2.2, survival 3.5-3) stops its EM when two steps differ by less than 5e-5, which here is up to
# 3e-4 before the maximum. These are its values for `turnbull_bcdeter` with 1e-13 in place of 5e-5.
CONVERGED = {
    1: [0.953653226007, 0.831622487010, 0.760869565217, 0.760869565217, 0.668223728632, 0.465558136376],
    2: [None, 0.915161196151, None, 0.459974195038, 0.329728302706, 0.107602218384],
}  # 5.5 and 16.5 lie inside intervals with mass, (5, 8] and (16, 17], where survival is not determined


def test_matches_survfit_run_to_convergence(reference):
    case = reference("aft", "turnbull_bcdeter")
    at = fit(case.data, by="treat").at(case.options["times"])
    for treat, expected in CONVERGED.items():
        assert_close(at.filter(treat=treat)["estimate"], expected, rel=1e-9)


def test_survfit_as_it_stops_is_near(reference):
    case = reference("aft", "turnbull_bcdeter")
    curves = fit(case.data, by="treat")
    for stratum in case.values["strata"]:
        at = case.in_group(curves.at(stratum["times"]), stratum["label"])["estimate"].to_list()
        for ours, theirs in zip(at, stratum["at_times"], strict=True):
            assert ours is None or ours == pytest.approx(theirs, abs=5e-4)


def test_has_mass_where_survfit_jumps(reference):
    # survfit lists every innermost interval by its middle, also those without mass.
    case = reference("aft", "turnbull_bcdeter")
    frame = fit(case.data, by=case.options["by"]).to_frame()
    for stratum in case.values["strata"]:
        jump = dict(zip(stratum["time"], -np.diff(stratum["surv"], prepend=1.0), strict=True))
        ours = case.in_group(frame, stratum["label"])
        middles = ((ours["left"] + ours["right"]) / 2).to_list()
        assert set(middles) <= set(jump)
        for middle, mass in zip(middles, ours["mass"], strict=True):
            assert jump[middle] == pytest.approx(mass, abs=2e-3)
        rest = sum(size for middle, size in jump.items() if middle not in middles)
        assert rest == pytest.approx(0, abs=2e-3)


def test_reaches_a_higher_likelihood_than_survfit(reference):
    case = reference("aft", "turnbull_bcdeter")
    groups = fit(case.data, by=case.options["by"]).groups()
    for stratum in case.values["strata"]:
        rows = case.in_group(case.data, stratum["label"])
        time, drop = np.array(stratum["time"]), -np.diff(stratum["surv"], prepend=1.0)
        left = rows["left"].fill_null(-1).to_numpy()[:, None]
        right = rows["right"].fill_null(np.inf).to_numpy()[:, None]
        covered = ((time > left) & (time <= right)) | ((left == right) & (time == left))
        theirs = np.log(covered @ drop).sum()
        ours = case.in_group(groups, stratum["label"])["log_likelihood"][0]
        assert theirs < ours < theirs + 2e-3


def test_four_patients_by_hand():
    curves = fit(FOUR)
    frame = curves.to_frame()
    assert frame.columns == ["left", "right", "mass", "estimate", "std_error", "conf_low", "conf_high"]
    assert_close(frame["left"], [0, 2])
    assert_close(frame["right"], [1, 3])
    assert_close(frame["mass"], [0.5, 0.5], rel=1e-9)
    assert_close(curves.at([0, 0.5, 1, 1.5, 2, 2.5, 3, 9])["estimate"], [1, None, 0.5, 0.5, 0.5, None, 0, 0])
    assert_close(curves.groups()["log_likelihood"], [np.log(1 / 16)], rel=1e-9)
    quantile = curves.quantile([0.25, 0.5, 0.75])
    assert quantile["left"].to_list() == [0, 1, 2]  # survival equals 1/2 from 1 to 2
    assert quantile["right"].to_list() == [1, 2, 3]
    assert quantile["estimate"].to_list() == [0.5, 1.5, 2.5]
    assert curves.gap < 1e-10


def test_a_last_interval_without_an_end_by_hand():
    # Places (2, 3] and (4, inf) with masses a and b. (1, 3] twice covers a, event-free at 2 covers both, and
    # event-free at 4 covers b: a a (a+b) b is largest at a = 2/3.
    curves = fit(pl.DataFrame({"left": [1.0, 1.0, 2.0, 4.0], "right": [3.0, 3.0, None, None]}))
    frame = curves.to_frame()
    assert frame["left"].to_list() == [2, 4]
    assert frame["right"].to_list() == [3, None]
    assert_close(frame["mass"], [2 / 3, 1 / 3], rel=1e-9)
    assert_close(frame["estimate"], [1 / 3, None], rel=1e-9)
    assert_close(curves.at([2, 2.5, 3, 4, 4.1])["estimate"], [1, None, 1 / 3, 1 / 3, None], rel=1e-9)
    assert curves.quantile(0.9).row(0) == (0.9, 4.0, None, None, None, None)


def test_left_censored_patients_count_from_zero():
    # Two had the event by 2, one is event-free at 2: mass 2/3 in (0, 2].
    curves = fit(pl.DataFrame({"left": [None, None, 2.0], "right": [2.0, 2.0, None]}))
    assert_close(curves.at(2)["estimate"], [1 / 3], rel=1e-9)
    counts = curves.groups().select("n", "n_exact", "n_left", "n_interval", "n_right").row(0)
    assert counts == (3, 0, 2, 0, 1)


def test_who_was_free_of_the_event_at_zero_did_not_have_it_there():
    """As R's survfit of type interval2: 0.833 after 0, 0.521 after 3, 0.208 after 6."""
    ends = {"left": [0.0, 6, 0, 3, 0, 0], "right": [0.0, None, 6, 6, None, 3]}
    curves = fit(pl.DataFrame(ends))
    assert_close(curves.at([0, 3, 6])["estimate"], [5 / 6, 25 / 48, 5 / 24], rel=1e-9)
    unknown = fit(pl.DataFrame(ends | {"left": [0.0, 6, 0, 3, 0, None]}))
    assert unknown.at(0)["estimate"].item() < 0.8


@pytest.mark.parametrize("end", [1 - 1e-15, 1 + 1e-15])
def test_a_time_that_only_rounding_tells_from_an_end_is_that_end(end):
    curves = fit(FOUR, bootstrap=20, seed=1)
    at_end, exactly = curves.at(end).row(0, named=True), curves.at(1).row(0, named=True)
    assert at_end["estimate"] == 0.5
    assert at_end | {"time": 1.0} == exactly


@given(cohorts(smallest=3))
@settings(max_examples=40, deadline=None)
def test_exact_and_right_censored_times_give_kaplan_meier(cohort):
    ends = cohort.with_columns(left=pl.col("time"), right=pl.when(pl.col("event")).then(pl.col("time")))
    ours = fit(ends, by="group", weights="weight")
    km = kaplan_meier(cohort, time="time", event="event", by="group", weights="weight")
    for row in km.to_frame().iter_rows(named=True):
        estimate = ours.at(row["time"]).filter(group=row["group"])["estimate"][0]
        assert estimate == pytest.approx(row["estimate"], abs=1e-9)
    theirs = km.quantile([0.25, 0.5])
    assert_close(ours.quantile([0.25, 0.5])["estimate"], theirs["estimate"], rel=1e-9)


@given(seen())
@settings(max_examples=40, deadline=None)
def test_weight_two_is_two_patients(data):
    assert_frame_equal(
        fit(data, weights="weight").to_frame(), fit(replicated(data)).to_frame(), rel_tol=1e-7, abs_tol=1e-7
    )


@given(seen(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_rows_and_the_unit_of_time_do_not_matter(data, random):
    order = list(range(len(data)))
    random.shuffle(order)
    frame = fit(data).to_frame()
    assert_frame_equal(fit(data[order]).to_frame(), frame)
    weeks = fit(data.with_columns(pl.col("left", "right") * 7)).to_frame()
    assert_frame_equal(weeks.with_columns(pl.col("left", "right") / 7), frame)


@given(seen())
@settings(max_examples=40, deadline=None)
def test_a_missing_end_is_zero_or_infinity(data):
    filled = data.with_columns(pl.col("left").fill_null(0), pl.col("right").fill_null(float("inf")))
    assert_frame_equal(fit(filled).to_frame(), fit(data).to_frame())


@given(seen())
@settings(max_examples=20, deadline=None)
def test_groups_are_estimated_on_their_own(data):
    together = fit(data, by="group")
    for group in data["group"].unique():
        alone = fit(data.filter(group=group))
        assert_frame_equal(together.to_frame().filter(group=group).drop("group"), alone.to_frame())
        at, own = together.at([1, 4]).filter(group=group), alone.at([1, 4])
        assert_frame_equal(at.drop("group"), own)


def test_the_bootstrap_repeats_with_its_seed_on_any_number_of_processes():
    data = pl.concat([FOUR] * 5)
    once = fit(data, bootstrap=20, seed=3).to_frame()
    assert_frame_equal(fit(data, bootstrap=20, seed=3).to_frame(), once)
    assert_frame_equal(fit(data, bootstrap=20, seed=3, n_jobs=2).to_frame(), once)
    assert not fit(data, bootstrap=20, seed=4).to_frame().equals(once)


def test_the_bootstrap_of_exact_times_has_the_binomial_error():
    n = 150
    exact = pl.DataFrame({"left": np.arange(1.0, n + 1), "right": np.arange(1.0, n + 1)})
    at = fit(exact, bootstrap=400, seed=1).at([30, 75]).to_dicts()
    for row, s in zip(at, [0.8, 0.5], strict=True):
        assert row["std_error"] == pytest.approx(np.sqrt(s * (1 - s) / n), rel=0.15)
        assert row["conf_low"] == pytest.approx(s - 1.96 * np.sqrt(s * (1 - s) / n), abs=0.025)
        assert row["conf_high"] == pytest.approx(s + 1.96 * np.sqrt(s * (1 - s) / n), abs=0.025)


def test_limits_surround_the_estimate_and_are_missing_where_survival_is_zero():
    curves = fit(pl.concat([FOUR] * 8), bootstrap=60, seed=1, conf_level=0.9)
    frame = curves.to_frame()
    assert frame["conf_low"][0] < frame["estimate"][0] < frame["conf_high"][0]
    assert frame["conf_low"][1] is None
    inside = curves.at(0.5).row(0, named=True)
    assert inside["estimate"] is None
    assert inside["conf_low"] < 0.5
    assert inside["conf_high"] == 1
    wider = fit(pl.concat([FOUR] * 8), bootstrap=60, seed=1, conf_level=0.99).to_frame()
    assert wider["conf_low"][0] <= frame["conf_low"][0]


def test_weights_are_drawn_as_patients():
    data = FOUR.with_columns(weight=pl.lit(8))
    weighted = fit(data, weights="weight", bootstrap=100, seed=1).at(1)
    repeated = fit(pl.concat([FOUR] * 8), bootstrap=100, seed=1).at(1)
    assert_frame_equal(weighted, repeated)


def test_the_result_tells_its_facts(reference):
    curves = fit(reference("aft", "turnbull_bcdeter").data, by="treat")
    summary = curves.summary().row(0, named=True)
    assert (summary["n"], summary["n_exact"], summary["n_groups"], summary["bootstrap"]) == (95, 2, 2, 0)
    assert curves.text() == "Median survival treat=1 38 to 40; treat=2 19 to 20"
    assert curves.text(at=12, unit="months") == "Survival at 12 months: treat=1 76.1%; treat=2 84.8%"
    assert "treat=2 not determined (between two visits)" in curves.text(at=16.5)
    assert curves.methods().endswith("by nonparametric maximum likelihood (Turnbull).")
    assert "no limits" in repr(curves)
    assert curves._repr_html_().startswith("<pre>Turnbull: survival (left to right), n=95")


def test_the_result_tells_its_limits(reference):
    curves = fit(reference("aft", "turnbull_bcdeter").data, by="treat", bootstrap=40, seed=2)
    assert "95% limits: percentiles of 40 bootstrap samples" in repr(curves)
    assert "95% percentile limits from 40 bootstrap samples" in curves.methods()
    assert "(95% CI " in curves.text()
    assert "76.1% (95% CI " in curves.text(at=12)
    assert "between two visits; 95% CI" in curves.text(at=16.5)


def test_dropped_rows_are_counted():
    curves = fit(pl.concat([FOUR, FOUR.clear(2)]), missing="drop")
    assert "2 rows with missing values left out" in repr(curves)
    assert curves.summary()["n_dropped"][0] == 2


def test_many_groups_are_cut_in_the_text():
    many = pl.concat([FOUR.with_columns(arm=pl.lit(i)) for i in range(8)])
    assert "  and 2 more" in repr(fit(many, by="arm"))


def test_a_figure_covers_the_intervals_and_counts_those_under_observation(reference):
    from matplotlib import pyplot as plt

    curves = fit(reference("aft", "turnbull_bcdeter").data, by="treat", bootstrap=20, seed=1)
    ax = curves.plot(time_unit="months")
    widths = [path.vertices[:, 0] for area in ax.collections for path in area.get_paths()]
    assert any(x.min() == 38 and x.max() == 40 for x in widths)
    first = next(line for line in ax.lines if line.get_drawstyle() == "steps-post")
    assert 39 in first.get_xdata()
    plt.close(ax.figure)
    ax = fit(FOUR).plot(risk_table=False)
    assert ax.get_xlabel() == "Time"
    plt.close(ax.figure)


def test_warns_when_the_maximum_was_not_reached(monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["hemresearch.survival.turnbull"], "ENOUGH", -1.0)
    with pytest.warns(ConvergenceWarning, match=r"Kuhn-Tucker .* Expected 1e-10\. Try weights"):
        survival_family.turnbull(FOUR, left="left", right="right")


def test_refuses_a_bootstrap_of_weights_that_are_not_patients():
    weighted = FOUR.with_columns(w=pl.Series([1.0, 0.5, 2.0, 1.5]))
    assert_refused(
        lambda: fit(weighted, weights="w", bootstrap=10),
        argument="weights",
        column="w",
        rows=(2, 4),
        says=["draws patients", "2 is two patients", "bootstrap=0"],
    )
    assert fit(weighted, weights="w").groups()["n"][0] == 5


def test_refuses_rows_without_an_end_and_ends_that_cross():
    assert_refused(
        lambda: fit(pl.concat([FOUR, FOUR.clear(1)])),
        argument="left",
        column="left",
        rows=(5,),
        says=["drop"],
    )
    assert_refused(
        lambda: turnbull(FOUR, left="right", right="left"),
        argument="right",
        column="left",
        rows=(1, 2, 3, 4),
        says=["before the left end 'right'"],
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [("bootstrap", -1), ("bootstrap", 2.5), ("bootstrap", "many"), ("n_jobs", 0), ("n_jobs", 1.5)],
)
def test_refuses_what_is_not_a_number_of_samples_or_processes(option, value):
    assert_refused(
        lambda: fit(FOUR, **{option: value}), argument=option, says=["a whole number", f"{option}="]
    )


def test_refuses_levels_and_probabilities_outside_their_range():
    assert_refused(lambda: fit(FOUR, conf_level=95), argument="conf_level", says=["conf_level=0.95"])
    assert_refused(lambda: fit(FOUR).quantile(1.5), argument="probability", says=["0 < p < 1"])
