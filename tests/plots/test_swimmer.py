"""Swimmer plots: bars are the segments of the data, marks are its events."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem

draw = hem.plots.draw_swimmer
PHASES = pl.Enum(["Induction", "Transplantation", "Maintenance"])


def courses(n: int = 4, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Segments and events of some patients."""
    rng = np.random.default_rng(seed)
    rows, seen = [], []
    for i in range(n):
        ends = np.cumsum(rng.exponential(7, rng.integers(1, 4)) + 1)
        for start, stop, phase in zip([0.0, *ends[:-1]], ends, PHASES.categories, strict=False):
            rows.append((f"S{i}", start, stop, phase, i % 3 == 0, "AB"[i % 2]))
        seen += [(f"S{i}", ends[-1] / 2, "CR")] + ([] if i % 3 == 0 else [(f"S{i}", ends[-1], "Death")])
    names = ["id", "from", "months", "phase", "on", "arm"]
    bars = pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col("phase").cast(PHASES))
    return bars, pl.DataFrame(seen, schema=["id", "time", "event"], orient="row")


BARS, EVENTS = courses()
ROLES = {"id": "id", "start": "from", "stop": "months"}


def bar_ends(ax) -> list[tuple[float, float, float]]:
    """Row, start and stop of every bar."""
    return sorted(
        (round(bar.get_y() + bar.get_height() / 2, 9), bar.get_x(), bar.get_x() + bar.get_width())
        for bar in ax.patches
    )


def labels(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def rows(ax) -> list[str]:
    return [text.get_text() for text in ax.get_yticklabels()]


def test_bars_are_the_segments_and_the_longest_is_first():
    ax = draw(BARS, **ROLES, state="phase")
    last = BARS.group_by("id").agg(pl.col("months").max()).sort("months", descending=True)
    place = {patient: i for i, patient in enumerate(last["id"])}
    expected = sorted((place[i], a, b) for i, a, b in BARS.select("id", "from", "months").rows())
    np.testing.assert_allclose(bar_ends(ax), expected)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    given = draw(BARS, **ROLES, order="given")
    assert [row for row, *_ in bar_ends(given)] == (BARS["id"].rank("dense") - 1).to_list()


def test_segments_without_a_start_follow_each_other():
    with_start = draw(BARS, **ROLES, state="phase")
    without = draw(BARS, id="id", stop="months", state="phase")
    np.testing.assert_allclose(bar_ends(without), bar_ends(with_start))
    for kind in (BARS.lazy(), BARS.to_pandas()):
        assert len(bar_ends(draw(kind, **ROLES))) == BARS.height


def test_marks_are_the_events_and_arrows_those_who_go_on():
    ax = draw(BARS, **ROLES, state="phase", ongoing="on", events=EVENTS)
    assert labels(ax) == [*PHASES.categories, "CR", "Death", "Ongoing"]
    drawn = {c.get_label(): c.get_offsets()[:, 0].tolist() for c in ax.collections}
    for event in ("CR", "Death"):
        assert sorted(drawn[event]) == pytest.approx(EVENTS.filter(event=event)["time"].sort().to_list())
    arrows = [note.xy[0] for note in ax.texts if note.arrow_patch is not None]
    ends = BARS.filter("on").group_by("id").agg(pl.col("months").max())["months"]
    assert sorted(arrows) == pytest.approx(ends.sort().to_list())


def test_rows_are_numbered_unless_names_are_asked_for():
    assert rows(draw(BARS, **ROLES)) == ["1", "2", "3", "4"]
    named = draw(BARS, **ROLES, name_patients=True, order="given")
    assert rows(named) == ["S0", "S1", "S2", "S3"]
    told = hem.plots.fingerprint(draw(BARS, **ROLES, state="phase", events=EVENTS))
    assert "S0" not in told
    many, _ = courses(120)
    assert rows(draw(many, **ROLES))[:3] == ["1", "5", "10"]


def test_groups_stand_below_each_other_under_their_names():
    ax = draw(BARS, **ROLES, by="arm", labels={"A": "Intensive", "B": "Less intensive"})
    assert [t.get_text() for t in ax.texts if t.get_weight() == "bold"] == ["Intensive", "Less intensive"]
    assert sorted({row for row, *_ in bar_ends(ax)}) == [1, 2, 4, 5]


def test_a_state_keeps_its_colour_whichever_occur():
    whole = draw(BARS, **ROLES, state="phase")
    part = draw(BARS.filter(pl.col("phase") != "Transplantation"), **ROLES, state="phase")
    one, other = (
        {bar.get_label(): (bar.get_facecolor(), bar.get_hatch()) for bar in ax.patches}
        for ax in (whole, part)
    )
    assert one["Maintenance"] == other["Maintenance"]
    assert len({one[phase][1] for phase in PHASES.categories}) == 3


def test_the_fingerprint_tells_states_and_events():
    told = hem.plots.fingerprint(draw(BARS, **ROLES, state="phase", ongoing="on", events=EVENTS)).splitlines()
    first = BARS.filter(phase="Induction").select(pl.col("months") - pl.col("from")).to_series().sum()
    assert told[0] == f"courses of 4 patients, the longest {BARS['months'].max():.4g}, 2 ongoing"
    assert told[1] == f"  Induction: 4 patients, {first:.4g} in all"
    assert told[-3] == f"  CR: 4, mean time {EVENTS.filter(event='CR')['time'].mean():.4g}"


def test_an_unknown_state_is_named_and_pale():
    some = BARS.with_columns(phase=pl.when(pl.col("from") > 0).then("phase"))
    assert labels(draw(some, **ROLES, state="phase"))[-1] == "Not known"
    ax = draw(some, **ROLES, state="phase", labels={None: "No treatment"})
    assert labels(ax)[-1] == "No treatment"


def test_times_can_be_before_zero_and_in_another_unit():
    earlier = BARS.with_columns(pl.col("from") - 3, pl.col("months") - 3)
    ax = draw(earlier, **ROLES, shown_in="years")
    assert ax.get_xlim()[0] == -3
    assert ax.get_xlabel() == "Time (years)"
    assert draw(BARS.rename({"months": "t"}), id="id", stop="t").get_xlabel() == "t"


@pytest.mark.parametrize(("n", "width"), [(3, 80), (24, 115), (60, 170)])
def test_nothing_overlaps(n, width):
    bars, events = courses(n)
    long = {
        "Induction": "Induction chemotherapy with daunorubicin and cytarabine",
        "CR": "Complete remission",
    }
    ax = draw(
        bars, **ROLES, state="phase", ongoing="on", events=events, by="arm", labels=long, width=width,
        title="The course of every patient from the first treatment on", name_patients=n == 24,
    )  # fmt: skip
    assert hem.plots.layout_problems(ax.figure) == []


def test_it_draws_into_given_axes():
    left, right = hem.plots.figure(width=170, height=90).subplots(1, 2)
    assert draw(BARS, **ROLES, state="phase", ax=left, title="All") is left
    draw(BARS, **ROLES, ax=right, legend=False)
    assert right.get_legend() is None
    assert hem.plots.layout_problems(left.figure) == []
    _, plain = plt.subplots(figsize=(5, 4))
    assert hem.plots.layout_problems(draw(BARS, **ROLES, state="phase", ax=plain).figure) == []


def test_what_cannot_be_drawn_is_refused():
    def refused(bars=BARS, says=(), rows=(), *, argument, column=None, **options):
        assert_refused(
            lambda: draw(bars, **ROLES | options), argument=argument, column=column, rows=rows, says=says
        )

    refused(argument="order", order="shortest")
    refused(argument="stop", column="weeks", stop="weeks", says=["'months'"])
    refused(BARS.clear(), argument="data", says=["no rows"])
    refused(BARS.with_columns(id=None), argument="id", column="id", rows=range(1, BARS.height + 1))
    refused(
        BARS.with_columns(months=float("nan")),
        argument="stop",
        column="months",
        rows=range(1, BARS.height + 1),
    )
    refused(
        BARS.with_columns(pl.col("months").cast(pl.String)), argument="stop", column="months", says=["String"]
    )
    refused(BARS.with_columns(months=float("inf")), argument="stop", column="months", says=["not finite"])
    dates = BARS.with_columns(months=pl.date(2024, 1, 1))
    refused(dates, argument="stop", column="months", says=["hem.times.durations"])
    refused(BARS.with_columns(months=-1.0), argument="stop", column="months", rows=range(1, BARS.height + 1))
    overlapping = pl.DataFrame({"id": ["a", "a"], "from": [0.0, 2.0], "months": [3.0, 4.0]})
    refused(overlapping, argument="stop", column="months", rows=[2], says=["next segment"])
    moved = overlapping.with_columns(pl.Series("from", [0.0, 3.0]), arm=pl.Series(["A", "B"]))
    refused(moved, argument="by", column="arm", by="arm")
    refused(argument="labels", labels={"Inducton": "x"}, state="phase", says=["'Induction'"])
    stranger = EVENTS.with_columns(id=pl.lit("Greta"))
    refused(argument="events", column="id", events=stranger, rows=range(1, EVENTS.height + 1))
    refused(argument="event_time", column="when", events=EVENTS, event_time="when")
    refused(argument="shown_in", stop="from", start=None, shown_in="years", says=["not known"])
    people = BARS.with_columns(id=pl.lit("19" + "121212") + pl.lit("-1212"), months=pl.lit(1.0)).head(1)
    with pytest.raises(hem.errors.DataError, match="personal"):
        draw(people, **ROLES, name_patients=True)
