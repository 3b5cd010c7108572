"""Curves without small risk sets, and without what would give them away."""

from __future__ import annotations

import dataclasses
import warnings

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from many_curves import incidence_curves, mean_curves, state_curves, transplanted
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.report import disclosure, table


@pytest.fixture
def trial():
    return hem.data.load("myeloid")


def test_curves_end_where_too_few_remain_at_risk(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    cut = disclosure(curves, threshold=50)
    frame = cut.to_frame()
    assert frame["n_risk"].min() >= 50
    assert frame.height < curves.to_frame().height
    last = dict(frame.group_by("trt", maintain_order=True).agg(pl.col("time").max()).iter_rows())
    dropped = curves.to_frame().filter(pl.col("time") > pl.col("trt").replace_strict(last))
    assert dropped["n_risk"].max() <= 51  # one of 50 leaves 49
    assert cut.at(365)["estimate"].to_list() == curves.at(365)["estimate"].to_list()
    assert cut.at(2400)["estimate"].to_list() == [None, None]
    assert list(cut.cut_at) == list(last.values())


SHORT = pl.DataFrame({"t": [1] * 4 + [2] * 4 + [3] * 4 + [4], "d": [1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0]})
LATE = pl.DataFrame({"t": range(2, 12), "e": [0, 0, 2.5] + [4.5] * 7, "d": [0, 1] * 5}, strict=False)


def estimated(data, **options):
    return hem.survival.kaplan_meier(data, time="t", event="d", **options)


def test_a_cut_curve_leaves_nobody_or_enough_at_risk():
    cut = disclosure(estimated(SHORT))
    assert cut.to_frame().select("time", "n_risk", "n_event", "n_censor").rows() == [
        (1, 13, 2, 2),
        (2, 9, 3, 1),
    ]
    assert cut.cut_at == (2.0,)
    n, events, censored = cut.groups().row(0)
    assert (n, events, censored) == (
        13,
        5,
        3,
    )  # what became of the other five is not told
    assert cut.summary().select("n", "n_event").row(0) == (13, 5)


def test_a_cut_curve_tells_no_false_counts_beyond_the_cut():
    cut = disclosure(estimated(SHORT))
    table_ = cut.risk_table([0, 2, 2.5, 3.5])
    assert table_.rows() == [
        (0, 13, 0, 0), (2, 9, 2, 2), (2.5, None, None, None), (3.5, None, None, None)
    ]  # fmt: skip
    for extend in (False, True):
        rows = cut.at([3.5, 2, 9], extend=extend)
        assert rows.row(1)[:5] == pytest.approx((2, 9, 5, 3, 0.5641), abs=1e-4)
        assert rows.drop("time").row(0) == rows.drop("time").row(2) == (None,) * 7


def test_a_cut_curve_says_where_it_ends():
    cut = disclosure(estimated(SHORT))
    told = "Cut at 2, where too few remained at risk; events are counted until then."
    assert repr(cut).endswith(told)
    assert cut.methods().endswith(told)
    assert table(cut).footnotes == (told,)
    assert table(cut, times=[1, 2]).footnotes[-1] == told
    assert cut.text().startswith("Median survival not known by 2, where the curve was cut")
    assert cut.text(3) == "Survival at 3: not shown (the curve was cut)"


def test_a_curve_that_ends_with_enough_at_risk_is_whole():
    curves = estimated(pl.DataFrame({"t": [1] * 5 + [2] * 6, "d": [1, 0] * 5 + [0]}))
    whole = disclosure(curves)
    assert whole.cut_at == ()
    assert whole.to_frame().equals(curves.to_frame())
    assert whole.groups().equals(curves.groups())
    assert "Cut" not in repr(whole)
    assert whole.risk_table([5]).row(0) == (5, 0, 5, 6)


def test_one_curve_is_cut_and_the_other_whole():
    data = pl.concat(
        [SHORT.with_columns(arm=pl.lit("A")), pl.DataFrame({"t": [3] * 6, "d": [1] * 6, "arm": ["B"] * 6})]
    )
    cut = disclosure(estimated(data, by="arm"))
    assert cut.cut_at == (2.0, None)
    assert cut.groups().rows() == [("A", 13, 5, 3), ("B", 6, 6, 0)]
    assert cut.risk_table([4]).rows() == [("A", 4, None, None, None), ("B", 4, 0, 6, 0)]
    hazard = hem.survival.nelson_aalen(data, time="t", event="d", by="arm")
    told = disclosure(hazard).text(4)
    assert "A not shown (the curve was cut)" in told
    assert "B not estimable (after the last follow-up)" in told


def test_the_middle_of_a_flat_stretch_that_a_cut_hides_is_not_told():
    curves = estimated(pl.DataFrame({"t": [1] * 6 + [2, 3, 4, 5, 6, 7], "d": [1] * 12}))
    assert curves.quantile(0.5)["estimate"].item() == 1.5
    cut = disclosure(curves, threshold=6)
    assert cut.cut_at == (1.0,)
    assert cut.quantile(0.5)["estimate"].item() is None


def test_a_plot_of_cut_curves_has_no_numbers_beyond_the_cut():
    import matplotlib.pyplot as plt

    ax = disclosure(estimated(SHORT)).plot(until=4)
    below = next(child for child in ax.child_axes if child.get_label() == "risk table")
    shown = [text.get_text() for text in below.texts]
    plt.close(ax.figure)
    at_risk = shown[shown.index("At risk") + 1 : shown.index("Censored")]
    assert at_risk[0] == "13"
    assert at_risk[-1] == "–"
    assert "0" not in at_risk


def test_curves_that_begin_with_few_at_risk_begin_later():
    curves = estimated(LATE, entry="e")
    assert curves.to_frame()["n_risk"].to_list()[:4] == [2, 2, 1, 7]
    cut = assert_warns(
        lambda: disclosure(curves), argument="threshold", says=["begin at 5", "start_time=5.0 where"]
    )
    assert cut.to_frame().select("time", "n_risk").rows() == [(5, 7), (6, 6)]
    assert (cut.start_time, cut.cut_at) == (5.0, (6.0,))
    assert cut.groups().rows() == [(7, 1, 1)]
    assert cut.risk_table([4, 5]).rows() == [(4, None, None, None), (5, 7, 0, 0)]
    assert "those still observed at 5" in cut.methods()


@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
@pytest.mark.parametrize("conf_type", ["log-log", "log", "plain"])
@pytest.mark.parametrize("estimate", ["kaplan_meier", "nelson_aalen"])
def test_what_begins_later_is_what_the_data_give_from_then_on(estimate, conf_type):
    first = LATE.with_columns(pl.col("t").cast(pl.Float64), arm=pl.lit("A"))
    data = pl.concat([first, first.with_columns(pl.col("t", "e") + 0.25, arm=pl.lit("B"))])
    make = getattr(hem.survival, estimate)
    options = {"time": "t", "event": "d", "entry": "e", "conf_type": conf_type, "by": "arm"}
    cut = disclosure(make(data, **options), threshold=3)
    again = disclosure(make(data, **options, start_time=cut.start_time), threshold=3)
    assert cut.start_time > 0
    assert_frame_equal(cut.to_frame(), again.to_frame(), abs_tol=1e-12)
    assert cut.groups().equals(again.groups())
    assert cut.to_frame()["n_risk"].min() >= 3


def test_robust_curves_that_begin_with_few_at_risk_are_refused():
    curves = estimated(LATE, entry="e", robust=True)
    assert_refused(lambda: disclosure(curves), argument="threshold", says=["start_time=5.0"])
    later = estimated(LATE, entry="e", robust=True, start_time=5.0)
    assert disclosure(later).to_frame()["n_risk"].to_list() == [7, 6]


def test_a_curve_that_had_reached_zero_before_is_refused():
    emptied = pl.DataFrame({"t": [1.0, *range(5, 15)], "e": [0.0] + [2.0] * 10, "d": [1] + [1, 0] * 5})
    with pytest.warns(hem.errors.DataWarning, match="empty risk set"):
        curves = estimated(emptied, entry="e")
    assert_refused(lambda: disclosure(curves), argument="threshold", says=["start_time=5.0"])


def test_groups_that_never_have_enough_at_one_time_are_refused():
    data = pl.DataFrame(
        {"t": [1.0] + [0.5] * 6 + [5.0] * 6, "e": [0.0] + [0.0] * 6 + [3.0] * 6, "d": [1] * 13,
         "arm": ["B"] + ["A"] * 6 + ["B"] * 6}
    )  # fmt: skip
    with pytest.warns(hem.errors.DataWarning, match="empty risk set"):
        curves = estimated(data, entry="e", by="arm")
    assert_refused(
        lambda: disclosure(curves), argument="threshold", says=["in every group at one time", "data.filter"]
    )


def test_a_band_is_cut_where_it_has_ended_before():
    curves = hem.survival.kaplan_meier(hem.data.load("myeloid"), time="futime", event="death", by="trt")
    ends = disclosure(curves, threshold=50).cut_at
    band = hem.survival.confidence_band(curves, stop=min(ends))
    cut = disclosure(band, threshold=50)
    assert cut.cut_at == ends
    assert cut.at(900).equals(band.at(900))
    wide = hem.survival.confidence_band(curves)
    assert_refused(
        lambda: disclosure(wide, threshold=50),
        argument="item",
        says=[f"hem.survival.confidence_band(..., stop={min(ends)!r})"],
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9), st.booleans()), min_size=6, max_size=40),
    st.integers(2, 6),
)
def test_no_small_risk_set_can_be_worked_out_from_a_curve(rows, threshold):
    data = pl.DataFrame(rows, schema=["e", "w", "d"], orient="row").with_columns(t=pl.col("e") + pl.col("w"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cut = disclosure(estimated(data, entry="e"), threshold=threshold)
        except DataError:
            return
    frame, (n, events, censored) = cut.to_frame(), cut.groups().row(0)
    assert frame["n_risk"].min() >= threshold
    remain = (frame["n_risk"] - frame["n_event"] - frame["n_censor"]).to_list()
    for hidden in (*remain, n - events - censored):
        assert hidden == 0 or hidden >= threshold
    assert (frame["n_event"].sum(), frame["n_censor"].sum()) == (events, censored)
    # The first step is the first one there is: nothing before it is left in the estimate.
    first = frame.row(0, named=True)
    assert first["estimate"] == pytest.approx(1 - first["n_event"] / first["n_risk"])


def test_curves_of_groups_smaller_than_the_threshold_are_refused(trial):
    curves = hem.survival.kaplan_meier(trial, time="futime", event="death", by="trt")
    assert_refused(
        lambda: disclosure(curves, threshold=320), argument="threshold", says=["curve 1 of 2", "data.filter"]
    )


def test_groups_that_share_patients_show_no_more_events_than_their_rows():
    fit = hem.regression.cox(hem.data.load("veteran"), "trt", time="time", event="status")
    curves = fit.curves(pl.DataFrame({"trt": [1, 2]}))
    cut = disclosure(curves, threshold=20)
    assert cut.patients.row(0)[0] == 137
    assert cut.patients["n_event"][0] <= 128
    assert "n=137" in repr(cut)


@pytest.fixture(scope="module")
def incidence():
    return incidence_curves(transplanted(), time="months", event="Status", by="disease")


def test_the_causes_of_a_group_are_cut_together(incidence):
    cut = disclosure(incidence, threshold=10)
    last = cut.to_frame().group_by("disease", "cause", maintain_order=True).agg(pl.col("time").max())
    ends = {disease: set(times) for disease, times in last.group_by("disease").agg("time").iter_rows()}
    assert {len(times) for times in ends.values()} == {1}
    assert cut.to_frame()["n_risk"].min() >= 10
    assert cut._cut_text().startswith("Cut at 43.67, 68.83, where")
    shown, whole = (one.risk_table([0, 24, 40])["n_risk"].to_list() for one in (cut, incidence))
    assert shown == whole
    once = cut.groups().filter(cause="relapse")["n_censor"].sum()
    assert cut.totals().row(0) == (177, cut.groups()["n_event"].sum(), once)


def test_one_cause_is_cut_where_all_causes_are(incidence):
    relapse = incidence_curves(
        transplanted(), time="months", event="Status", by="disease", causes=("relapse",)
    )
    both, alone = disclosure(incidence, threshold=10), disclosure(relapse, threshold=10)
    assert alone.cut_at == both.cut_at[::2]
    late = dataclasses.replace(relapse, entry="months_to_transplant")
    assert_refused(lambda: disclosure(late), argument="item", says=["who left by them", "cause=None"])


def test_mean_numbers_are_cut_where_few_are_followed():
    curves = mean_curves()
    cut = disclosure(curves, threshold=20)
    assert cut.to_frame()["n_risk"].min() >= 20
    assert cut.to_frame().height < curves.to_frame().height
    both = zip(curves.to_frame().partition_by("arm"), cut.to_frame().partition_by("arm"), strict=True)
    for whole, part in both:
        assert_frame_equal(part, whole.head(part.height))
        after = whole["n_risk"][part.height]
        assert after >= 20
        assert whole["n_risk"][part.height + 1] < 20


def test_states_are_shown_in_tables_only():
    curves = state_curves()
    assert_refused(lambda: disclosure(curves), argument="item", says=["few are in a state", "curves.at"])
    at_times = disclosure(curves.at([1, 24, 48]).drop("n_event", "n_censor"))
    assert at_times.filter(pl.col("n_risk").is_between(1, 4)).is_empty()
