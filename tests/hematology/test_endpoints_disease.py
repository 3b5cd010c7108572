"""Endpoints of leukaemia, lymphoma, thrombosis and treatment from one date of each: by hand, and refusals."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.hematology import endpoints

DAY = date(2020, 1, 1)


def on(*days: int | None) -> pl.Series:
    return pl.Series([None if day is None else DAY + timedelta(days=day) for day in days], dtype=pl.Date)


def table(**days: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame({name: on(*column) for name, column in days.items()})


def new(name: str, data: pl.DataFrame, **options) -> pl.DataFrame:
    """What an endpoint adds, in days unless another unit or none is said."""
    given = {"unit": "days", "prefix": "x", **options}
    found = getattr(endpoints, name)(data, **{k: v for k, v in given.items() if v != "no unit"})
    return (found.collect() if isinstance(found, pl.LazyFrame) else found).select(pl.col("^x_.*$"))


# --- event-free survival ---------------------------------------------------------------------------------

LEUKAEMIA = table(
    start=[0, 0, 0, 0, 0],
    failed=[60, None, None, None, None],
    relapse=[None, 200, None, None, None],
    therapy=[70, None, None, 90, None],
    death=[300, None, 20, None, None],
    seen=[60, 200, None, 400, 500],
)
EFS = {
    "start": "start", "failure": "failed", "relapse": "relapse", "death": "death", "last_assessment": "seen",
}  # fmt: skip


def test_failures_are_events_on_day_one():
    assert new("event_free_survival", LEUKAEMIA, **EFS, failure_on="day 1").rows() == [
        (0, True, "failure"), (200, True, "relapse"), (20, True, "death"), (400, False, "censored"),
        (500, False, "censored"),
    ]  # fmt: skip


def test_failures_on_their_date_leave_the_beginning_of_the_curve_flat():
    late = new("event_free_survival", LEUKAEMIA, **EFS, failure_on="date")
    assert late.row(0) == (60, True, "failure")
    early = new("event_free_survival", LEUKAEMIA, **EFS, failure_on="day 1")
    at_once = [
        hem.survival.kaplan_meier(found, time="x_days", event="x_event").at([0])["estimate"].item()
        for found in (early, late)
    ]
    assert at_once == pytest.approx([0.8, 1.0])


def test_a_new_treatment_is_an_event_if_its_date_is_given():
    given = EFS | {"failure": None}
    lymphoma = new("event_free_survival", LEUKAEMIA, **given, new_treatment="therapy")
    assert lymphoma.rows()[0] == (70, True, "new treatment")
    assert lymphoma.rows()[3] == (90, True, "new treatment")
    assert "failure" not in lymphoma["x_first"].dtype.categories
    assert new("event_free_survival", LEUKAEMIA, **given, failure_on="day 1").row(0) == (300, True, "death")


def test_where_failures_count_is_stated():
    assert_refused(
        lambda: new("event_free_survival", LEUKAEMIA, **EFS), argument="failure_on", says=["'day 1', 'date'"]
    )


@pytest.mark.parametrize("failure_on", ["day 1", "date"])
def test_a_relapse_before_remission_failed_to_come_is_refused(failure_on):
    odd = LEUKAEMIA.with_columns(relapse=on(50, 200, None, None, None))
    assert_refused(
        lambda: new("event_free_survival", odd, **EFS, failure_on=failure_on),
        argument="relapse",
        column="relapse",
        rows=[1],
        says=["is before 'failed' in 1 row", "without a remission"],
    )
    later = LEUKAEMIA.with_columns(relapse=on(80, 200, None, None, None))
    assert new("event_free_survival", later, **EFS, failure_on="day 1").row(0) == (0, True, "failure")


def test_a_failure_before_the_start_or_after_death_is_refused():
    before = LEUKAEMIA.with_columns(failed=on(-1, None, None, None, None))
    assert_refused(
        lambda: new("event_free_survival", before, **EFS, failure_on="day 1"),
        argument="failure", column="failed", rows=[1],
    )  # fmt: skip
    after = LEUKAEMIA.with_columns(failed=on(None, None, 21, None, None))
    assert_refused(
        lambda: new("event_free_survival", after, **EFS, failure_on="day 1"),
        argument="failure", column="failed", rows=[3],
    )  # fmt: skip


# --- from remission and from response --------------------------------------------------------------------

REMISSION = table(
    cr=[0, 0, 0, None],
    relapse=[100, None, None, None],
    death=[150, 120, None, 30],
    seen=[100, 90, 365, 20],
)
CIR = {"remission": "cr", "relapse": "relapse", "death": "death", "last_assessment": "seen"}


def test_relapse_from_remission_by_hand_and_those_without_are_counted():
    found = assert_warns(
        lambda: new("relapse_incidence", REMISSION, **CIR),
        argument="remission",
        column="cr",
        rows=[4],
        says=["has no date in 1 row: no remission", "is_not_null()"],
    )
    assert found.rows() == [(100, "relapse"), (120, "death in remission"), (365, "censored"), (None, None)]
    reached = REMISSION.filter(pl.col("cr").is_not_null())
    assert_frame_equal(new("relapse_incidence", reached, **CIR), found.head(3))


def test_in_remission_it_is_the_pair_after_transplantation():
    reached = REMISSION.head(3)
    pair = new(
        "relapse_and_nrm", reached, transplant="cr", **{k: v for k, v in CIR.items() if k != "remission"}
    )
    cir = new("relapse_incidence", reached, **CIR)
    assert cir["x_days"].equals(pair["x_days"])
    assert cir["x_event"].to_physical().equals(pair["x_event"].to_physical())


DOR = {"response": "cr", "progression": "relapse", "death": "death", "last_assessment": "seen"}


@pytest.mark.filterwarnings("ignore:.*has no date in 1 row")
def test_duration_of_response_with_death_as_an_event_or_competing():
    either = new("duration_of_response", REMISSION, **DOR, death_is="event")
    assert either.rows() == [
        (100, True, "progression"), (120, True, "death"), (365, False, "censored"), (None, None, None),
    ]  # fmt: skip
    apart = new("duration_of_response", REMISSION, **DOR, death_is="competing")
    assert apart.rows() == [(100, "progression"), (120, "death"), (365, "censored"), (None, None)]


def test_a_non_responder_needs_no_assessment_and_a_responder_does():
    nobody = REMISSION.with_columns(death=on(150, 120, None, None), seen=on(100, 90, 365, None))
    with pytest.warns(UserWarning, match="no response"):
        assert new("duration_of_response", nobody, **DOR, death_is="event").row(3) == (None, None, None)
    unseen = nobody.head(3).with_columns(seen=on(100, 90, None))
    assert_refused(
        lambda: new("duration_of_response", unseen, **DOR, death_is="event"),
        argument="last_assessment", column="seen", rows=[3],
    )  # fmt: skip


@pytest.mark.parametrize("name", ["duration_of_response", "time_to_next_treatment"])
def test_what_death_is_must_be_one_of_two(name):
    given = DOR if name == "duration_of_response" else TTNT
    data = REMISSION.head(3) if name == "duration_of_response" else LINES
    assert_refused(lambda: new(name, data, **given, death_is="censored"), argument="death_is")


def test_a_progression_before_the_response_is_refused():
    early = REMISSION.head(3).with_columns(relapse=on(-3, None, None))
    assert_refused(
        lambda: new("duration_of_response", early, **DOR, death_is="event"),
        argument="progression", column="relapse", rows=[1], says=["is before 'cr'"],
    )  # fmt: skip


# --- treatment -------------------------------------------------------------------------------------------

LINES = table(
    start=[0] * 4, line=[80, None, None, 30], death=[200, 90, None, 30], seen=[None, None, 500, None]
)
TTNT = {"start": "start", "next_treatment": "line", "death": "death", "last_contact": "seen"}


@pytest.mark.filterwarnings("ignore:.*is on the day of 'death'")
def test_time_to_next_treatment_by_hand():
    assert new("time_to_next_treatment", LINES, **TTNT, death_is="competing").rows() == [
        (80, "next treatment"), (90, "death"), (500, "censored"), (30, "next treatment"),
    ]  # fmt: skip
    assert new("time_to_next_treatment", LINES, **TTNT, death_is="event").rows() == [
        (80, True, "next treatment"), (90, True, "death"), (500, False, "censored"),
        (30, True, "next treatment"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*is on the day of 'death'")
def test_time_to_first_treatment_by_hand():
    given = {"diagnosis": "start", "treatment": "line", "death": "death", "last_contact": "seen"}
    assert new("time_to_first_treatment", LINES, **given).rows() == [
        (80, "treatment"), (90, "death untreated"), (500, "censored"), (30, "treatment"),
    ]  # fmt: skip


def test_treatment_after_the_last_contact_of_somebody_alive_gives_a_warning():
    late = LINES.head(3).with_columns(line=on(80, None, 501))
    assert_warns(
        lambda: new("time_to_next_treatment", late, **TTNT, death_is="competing"),
        argument="next_treatment",
        column="line",
        rows=[3],
    )


# --- thrombosis and bleeding -----------------------------------------------------------------------------

VTE = table(
    start=[0] * 5,
    again=[50, None, None, None, 70],
    major=[None, 20, None, None, 60],
    minor=[None, 10, 15, None, None],
    death=[None, None, None, 90, 70],
    seen=[400, 400, 400, None, None],
)
SEEN = {"start": "start", "death": "death", "last_contact": "seen"}


@pytest.mark.filterwarnings("ignore:.*is on the day of")
def test_recurrence_with_and_without_bleeding_as_competing_event():
    alone = new("recurrent_vte", VTE, recurrence="again", **SEEN)
    assert alone.rows() == [
        (50, "recurrence"), (400, "censored"), (400, "censored"), (90, "death"), (70, "recurrence"),
    ]  # fmt: skip
    assert alone["x_event"].dtype == pl.Enum(["censored", "recurrence", "death"])
    both = new("recurrent_vte", VTE, recurrence="again", major_bleeding="major", **SEEN)
    assert both.rows() == [
        (50, "recurrence"), (20, "major bleeding"), (400, "censored"), (90, "death"), (60, "major bleeding"),
    ]  # fmt: skip


def test_a_fatal_recurrence_is_a_recurrence_and_said():
    assert_warns(
        lambda: new("recurrent_vte", VTE, recurrence="again", **SEEN),
        argument="recurrence",
        column="again",
        rows=[5],
        says=["is on the day of 'death' in 1 row, which count as 'recurrence'"],
    )


def test_bleeding_by_hand():
    major = new("major_bleeding", VTE, major_bleeding="major", **SEEN)
    assert major.rows() == [
        (400, "censored"), (20, "major bleeding"), (400, "censored"), (90, "death"), (60, "major bleeding"),
    ]  # fmt: skip
    relevant = new(
        "clinically_relevant_bleeding", VTE, major_bleeding="major", non_major_bleeding="minor", **SEEN
    )
    bled = "clinically relevant bleeding"
    assert relevant.rows() == [(400, "censored"), (10, bled), (15, bled), (90, "death"), (60, bled)]
    assert relevant["x_event"].dtype == pl.Enum(["censored", bled, "death"])
    assert (relevant["x_days"] <= major["x_days"]).all()


def test_two_bleedings_on_one_day_are_one_event_and_no_noise(recwarn):
    same = VTE.with_columns(minor=on(None, 20, 15, None, None))
    given = {"major_bleeding": "major", "non_major_bleeding": "minor", **SEEN}
    assert new("clinically_relevant_bleeding", same, **given)["x_days"][1] == 20
    assert not recwarn.list


# --- EFS24 -----------------------------------------------------------------------------------------------

LYMPHOMA = table(
    diagnosis=[0] * 9,
    relapse=[100, None, None, 730, 731, None, None, None, 731],
    therapy=[None, None, 300, None, None, None, None, None, None],
    death=[200, 150, None, None, None, None, None, 800, None],
    seen=[90, 90, 900, 730, 731, 729, 730, None, None],
)
EFS24 = {
    "start": "diagnosis", "progression": "relapse", "new_treatment": "therapy", "death": "death",
    "last_assessment": "seen", "unit": "no unit",
}  # fmt: skip


def test_events_within_24_months_and_those_who_are_not_known():
    found = assert_warns(
        lambda: new("efs24", LYMPHOMA, **EFS24),
        argument="last_assessment",
        column="seen",
        rows=[6],
        says=["is less than 24 months after 'diagnosis' in 1 row without an event", "null and not free"],
    )
    assert found["x_event"].to_list() == [True, True, True, True, False, None, False, False, False]
    assert found["x_from"].to_list() == on(100, None, 300, 730, 730, None, 730, 730, 730).to_list()


@pytest.mark.filterwarnings("ignore:.*less than 24 months")
def test_without_new_treatment_it_is_no_event():
    assert new("efs24", LYMPHOMA, **EFS24 | {"new_treatment": None})["x_event"][2] is False


@pytest.mark.filterwarnings("ignore:.*less than 24 months")
def test_efs24_is_event_free_survival_at_24_months():
    time = new(
        "event_free_survival", LYMPHOMA, start="diagnosis", failure=None, relapse="relapse",
        new_treatment="therapy", death="death", last_assessment="seen", unit="days",
    )  # fmt: skip
    expected = time.select(
        pl.when(pl.col("x_event") & (pl.col("x_days") <= 730))
        .then(True)
        .when(pl.col("x_days") >= 730)
        .then(False)
    ).to_series()
    assert new("efs24", LYMPHOMA, **EFS24)["x_event"].to_list() == expected.to_list()


def test_survival_from_efs24_starts_at_24_months_or_at_the_event():
    data = LYMPHOMA.drop("seen").with_columns(
        seen=on(None, None, 900, 1000, 1100, 730, 1200, None, 1000),
        efs24_from=on(100, None, 300, 730, 730, None, 730, 730, 730),
    )
    found = assert_warns(
        lambda: new("overall_survival_from_efs24", data, death="death", last_contact="seen"),
        argument="efs24_from",
        column="efs24_from",
        rows=[2, 6],
        says=["no known status at 24 months, or a death before it"],
    )
    assert found.rows() == [
        (100, True), (None, None), (600, False), (270, False), (370, False), (None, None), (470, False),
        (70, True), (270, False),
    ]  # fmt: skip


def test_efs24_refuses_what_cannot_be():
    lazy = endpoints.efs24(LYMPHOMA.head(2).lazy(), **{k: v for k, v in EFS24.items() if k != "unit"})
    assert lazy.collect().columns[-2:] == ["efs24_event", "efs24_from"]
    assert_refused(
        lambda: new("efs24", LYMPHOMA.with_columns(x_from=1), **EFS24), argument="prefix", column="x_from"
    )
    assert_refused(lambda: new("efs24", LYMPHOMA, **EFS24 | {"prefix": ""}), argument="prefix")
    assert_refused(
        lambda: new("efs24", LYMPHOMA, **EFS24, as_of=DAY + timedelta(days=850)),
        argument="last_assessment", column="seen", rows=[3],
    )  # fmt: skip
    assert_refused(
        lambda: new("efs24", LYMPHOMA.with_columns(seen=pl.lit(None)), **EFS24),
        argument="last_assessment",
        column="seen",
        rows=[6, 7],
    )
