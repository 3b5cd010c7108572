"""Endpoints from dates: by hand, against data sets that hold both, by what must hold, and what is refused."""

from __future__ import annotations

import inspect
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.errors import DataError
from hemresearch.hematology import endpoints
from hemresearch.hematology.endpoints.definitions_transplant import TRANSPLANT
from hemresearch.outcomes_competing import read_competing

DAY = date(2020, 1, 1)
COMPETING = [name for name, e in TRANSPLANT.items() if e.competing]
COMPOSITE = [name for name, e in TRANSPLANT.items() if not e.competing and len(e.events) > 1]


def on(*days: int | None) -> list[date | None]:
    return [None if day is None else DAY + timedelta(days=day) for day in days]


PATIENTS = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e", "f"],
        "start": on(0, 0, 0, 0, 0, 0),
        "agvhd": on(30, None, None, 40, None, None),
        "cgvhd": on(None, 200, None, None, 150, None),
        "relapse": on(None, 100, None, 90, None, None),
        "second": on(None, 120, None, None, None, None),
        "neutrophils": on(18, 20, None, 17, 21, None),
        "death": on(None, 300, 12, None, 400, None),
        "seen": on(500, None, None, 600, None, 700),
        "assessed": on(480, 100, None, 90, 350, 650),
    }
)
ROLES = {
    "start": "start", "transplant": "start", "acute_gvhd": "agvhd", "acute_gvhd_3_4": "agvhd",
    "chronic_gvhd": "cgvhd", "chronic_gvhd_systemic": "cgvhd", "relapse": "relapse", "progression": "relapse",
    "second_transplant": "second", "engraftment": "neutrophils", "death": "death", "last_contact": "seen",
    "last_assessment": "assessed",
}  # fmt: skip


def endpoint(name: str, data=PATIENTS, **options):
    """An endpoint with every date in its usual column."""
    function = getattr(endpoints, name)
    wanted = [role for role in inspect.signature(function).parameters if role in ROLES]
    return function(data, **{"unit": "days", **{role: ROLES[role] for role in wanted}, **options})


def new_columns(name: str, data=PATIENTS, **options) -> pl.DataFrame:
    """The columns that an endpoint adds, under short names."""
    added = endpoint(name, data, prefix="x", **options).select(pl.col("^x_.*$"))
    return added.rename({column: column.removeprefix("x_") for column in added.columns})


def changed(row: int, **days: int | None) -> pl.DataFrame:
    """The patients with other dates in one row."""
    here = pl.int_range(pl.len()) == row
    new = [pl.when(here).then(pl.lit(on(day)[0])).otherwise(pl.col(n)).alias(n) for n, day in days.items()]
    return PATIENTS.with_columns(new)


# --- by hand ---------------------------------------------------------------------------------------------

BY_HAND = {
    "overall_survival": [(500, False), (300, True), (12, True), (600, False), (400, True), (700, False)],
    "relapse_and_nrm": [
        (480, "censored"), (100, "relapse"), (12, "death without relapse"), (90, "relapse"),
        (400, "death without relapse"), (650, "censored"),
    ],
    "progression_free_survival": [
        (480, False, "censored"), (100, True, "progression"), (12, True, "death"), (90, True, "progression"),
        (400, True, "death"), (650, False, "censored"),
    ],
    "relapse_free_survival": [
        (480, False, "censored"), (100, True, "relapse"), (12, True, "death"), (90, True, "relapse"),
        (400, True, "death"), (650, False, "censored"),
    ],
    "acute_gvhd": [
        (30, "acute GVHD"), (100, "relapse"), (12, "death"), (40, "acute GVHD"), (400, "death"),
        (700, "censored"),
    ],
    "chronic_gvhd": [
        (500, "censored"), (100, "relapse"), (12, "death"), (90, "relapse"), (150, "chronic GVHD"),
        (700, "censored"),
    ],
    "grfs": [
        (30, True, "acute GVHD"), (100, True, "relapse"), (12, True, "death"), (40, True, "acute GVHD"),
        (150, True, "chronic GVHD"), (650, False, "censored"),
    ],
    "crfs": [
        (480, False, "censored"), (100, True, "relapse"), (12, True, "death"), (90, True, "relapse"),
        (150, True, "chronic GVHD"), (650, False, "censored"),
    ],
    "engraftment": [
        (18, "engraftment"), (20, "engraftment"), (12, "death"), (17, "engraftment"), (21, "engraftment"),
        (700, "censored"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_six_patients_by_hand(name):
    assert new_columns(name).rows() == BY_HAND[name]


def test_every_endpoint_was_worked_by_hand():
    assert set(BY_HAND) == set(TRANSPLANT)


def test_relapse_that_does_not_compete_leaves_the_time_at_risk_for_gvhd():
    found = new_columns("chronic_gvhd", relapse=None, second_transplant=None)
    assert found["days"].to_list() == [500, 200, 12, 600, 150, 700]
    assert found["event"].to_list() == [
        "censored", "chronic GVHD", "death", "censored", "chronic GVHD", "censored",
    ]  # fmt: skip
    assert found.schema["event"] == pl.Enum(["censored", "chronic GVHD", "death"])


def test_a_second_transplant_competes_if_its_date_is_given():
    found = new_columns("chronic_gvhd", relapse=None)
    assert found.row(1) == (120, "second transplant")
    assert found.schema["event"] == pl.Enum(["censored", "chronic GVHD", "second transplant", "death"])


@pytest.mark.parametrize("name", TRANSPLANT)
def test_new_columns_stand_behind_the_data_under_the_prefix_and_unit(name):
    default = inspect.signature(getattr(endpoints, name)).parameters["prefix"].default
    found = endpoint(name, unit="months")
    assert_frame_equal(found.select(PATIENTS.columns), PATIENTS)
    expected = [f"{default}_months", f"{default}_event"] + [f"{default}_first"] * (name in COMPOSITE)
    assert found.columns[PATIENTS.width :] == expected


@pytest.mark.parametrize("name", COMPETING)
def test_competing_events_can_be_read_as_such(name):
    y = read_competing(endpoint(name, prefix="x"), time="x_days", event="x_event")
    # causes keep the order of the definition; those that nobody had are no causes
    assert list(y.causes) == [c for c in TRANSPLANT[name].events.values() if c in y.causes]
    assert y.event.sum() == sum(event != "censored" for _, event in BY_HAND[name])


# --- data sets that hold the endpoint --------------------------------------------------------------------


def from_days(data: pl.DataFrame, columns: dict[str, tuple[str, str | None]], per_unit: float = 1.0):
    """Dates from times since transplantation: each a time, and the indicator that it happened."""
    start = datetime(1985, 1, 1)

    def moment(time: str, happened: str | None) -> pl.Expr:
        day = pl.lit(start) + pl.duration(days=(pl.col(time) * per_unit).round())
        return day if happened is None else pl.when(pl.col(happened) == 1).then(day)

    made = {name: moment(*source).dt.date() for name, source in columns.items()}
    return data.with_columns(start=pl.lit(start.date()), **made)


def marrow_transplants() -> pl.DataFrame:
    """The data set of Klein and Moeschberger as dates."""
    sources = {
        "relapse": ("t2", "d2"), "death": ("t1", "d1"), "agvhd": ("ta", "da"), "cgvhd": ("tc", "dc"),
        "seen": ("t1", "alive"), "assessed": ("t2", "alive"),
    }  # fmt: skip
    return from_days(hem.data.load("kmsurv_bmt").with_columns(alive=1), sources)


def test_survival_of_the_marrow_transplants_of_klein_and_moeschberger():
    bmt = hem.data.load("kmsurv_bmt")
    survival = new_columns("overall_survival", marrow_transplants())
    assert survival["days"].to_list() == bmt["t1"].to_list()
    assert survival["event"].to_list() == (bmt["d1"] == 1).to_list()
    # One patient of the data died on day 350, is disease-free until 332 and has no relapse.
    odd = (bmt["t2"] < bmt["t1"]) & (bmt["d2"] == 0)
    assert odd.arg_true().to_list() == [37]
    free = new_columns("relapse_free_survival", marrow_transplants())
    assert free.row(37) == (350, True, "death")
    assert free.filter(~odd)["days"].to_list() == bmt.filter(~odd)["t2"].to_list()
    assert free["event"].to_list() == (bmt["d3"] == 1).to_list()
    pair = new_columns("relapse_and_nrm", marrow_transplants())
    assert (pair["event"] == "relapse").to_list() == (bmt["d2"] == 1).to_list()
    assert (pair["event"] == "death without relapse").sum() == 83 - 42


def test_acute_gvhd_of_the_marrow_transplants():
    bmt = hem.data.load("kmsurv_bmt")
    gvhd = new_columns("acute_gvhd", marrow_transplants(), relapse=None, second_transplant=None)
    assert (gvhd["event"] == "acute GVHD").to_list() == (bmt["da"] == 1).to_list()
    assert gvhd["days"].to_list() == bmt["ta"].to_list()


def test_a_chronic_gvhd_after_death_in_the_data_is_found():
    assert_refused(
        lambda: new_columns("chronic_gvhd", marrow_transplants(), relapse=None, second_transplant=None),
        argument="chronic_gvhd",
        column="cgvhd",
        rows=[(hem.data.load("kmsurv_bmt")["tc"] > hem.data.load("kmsurv_bmt")["t1"]).arg_true().item() + 1],
        says=["is after 'death' in 1 row"],
    )


def test_the_randomised_transplants_of_the_chronic_gvhd_data():
    transplants = hem.data.load("cgvhd")
    sources = {
        "relapse": ("reltime", "rcens"), "death": ("survtime", "stat"), "agvhd": ("agvhtime", "agvh"),
        "cgvhd": ("cgvhtime", "cgvh"), "seen": ("survtime", "alive"), "assessed": ("survtime", "alive"),
    }  # fmt: skip
    dated = from_days(transplants.with_columns(alive=1), sources, per_unit=365.25)
    survival = new_columns("overall_survival", dated, unit="years")
    assert survival["event"].to_list() == (transplants["stat"] == 1).to_list()
    assert survival["years"].to_list() == pytest.approx(transplants["survtime"].to_list(), abs=0.5 / 365.25)
    pair = new_columns("relapse_and_nrm", dated)["event"]
    assert (pair == "relapse").to_list() == (transplants["rcens"] == 1).to_list()
    assert (pair == "censored").sum() == ((transplants["rcens"] == 0) & (transplants["stat"] == 0)).sum()


# --- what must hold --------------------------------------------------------------------------------------

DAYS = st.one_of(st.none(), st.integers(1, 60))


@st.composite
def cohorts(draw) -> pl.DataFrame:
    """Dates that can be: nothing after death, everybody seen after all that happened to them."""
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        death = draw(DAYS)
        events = [draw(DAYS) for _ in range(5)]
        events = [None if e is None or (death is not None and e > death) else e for e in events]
        last = max(e for e in [*events, death, draw(st.integers(1, 60))] if e is not None)
        rows.append([*events, death, death or last, death or last])
    names = ["agvhd", "cgvhd", "relapse", "second", "neutrophils", "death", "seen", "assessed"]
    columns = {name: on(*(row[i] for row in rows)) for i, name in enumerate(names)}
    return pl.DataFrame(
        {"start": on(*[0] * len(rows)), **columns}, schema=dict.fromkeys(["start", *names], pl.Date)
    )


@given(cohorts(), st.sampled_from(list(TRANSPLANT)))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_the_first_of_the_dates_is_the_time_and_the_event(data, name):
    definition, found = TRANSPLANT[name], new_columns(name, data)
    which = found["first"] if name in COMPOSITE else found["event"]
    for row, days, event in zip(data.iter_rows(named=True), found["days"], which, strict=True):
        dates = {label: row[ROLES[role]] for role, label in definition.events.items()}
        first = min((day for day in dates.values() if day is not None), default=None)
        assert days == ((first or row[ROLES[definition.censoring]]) - DAY).days
        expected = next((label for label, day in dates.items() if day == first), "censored")
        if first is None:
            expected = "censored"
        assert event == (expected if name != "overall_survival" else expected == "death")


@given(cohorts())
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_composites_of_more_events_come_no_later(data):
    times = {name: new_columns(name, data)["days"] for name in ("grfs", "crfs", "relapse_free_survival")}
    assert (times["grfs"] <= times["crfs"]).all()
    assert (times["crfs"] <= times["relapse_free_survival"]).all()
    assert (times["relapse_free_survival"] <= new_columns("overall_survival", data)["days"]).all()
    pair = new_columns("relapse_and_nrm", data)
    assert pair["days"].to_list() == times["relapse_free_survival"].to_list()


@given(cohorts(), st.randoms())
@settings(max_examples=20, deadline=None)
@pytest.mark.filterwarnings("ignore::hemresearch.errors.DataWarning")
def test_the_order_of_rows_does_not_matter(data, random):
    order = list(range(data.height))
    random.shuffle(order)
    assert_frame_equal(endpoint("grfs", data[order]), endpoint("grfs", data)[order])


@pytest.mark.parametrize(("unit", "days"), [("weeks", 7), ("months", 30.4375), ("years", 365.25)])
def test_units_are_those_of_durations(unit, days):
    found = new_columns("overall_survival", unit=unit)[unit] * days
    assert found.to_list() == pytest.approx([500, 300, 12, 600, 400, 700])


# --- tables and dates of other kinds ---------------------------------------------------------------------


def test_a_lazy_table_stays_lazy():
    found = endpoint("grfs", PATIENTS.lazy())
    assert isinstance(found, pl.LazyFrame)
    assert_frame_equal(found.collect(), endpoint("grfs"))


def test_a_pandas_table_becomes_polars():
    found = endpoint("relapse_and_nrm", PATIENTS.to_pandas(), prefix="x")
    assert found.select("x_days", "x_event").rows() == BY_HAND["relapse_and_nrm"]


@pytest.mark.parametrize("zone", [None, "Europe/Stockholm"])
def test_a_moment_counts_as_its_day(zone):
    moments = pl.exclude("id").cast(pl.Datetime("us")).dt.offset_by("23h").dt.replace_time_zone(zone)
    data = PATIENTS.with_columns(moments).with_columns(start=pl.col("start").dt.date())
    assert new_columns("grfs", data).rows() == BY_HAND["grfs"]


def test_an_event_that_nobody_had_may_be_a_column_of_nulls():
    found = new_columns("relapse_and_nrm", PATIENTS.with_columns(relapse=None))
    assert found["event"].to_list() == [
        "censored", *["death without relapse"] * 2, "censored", "death without relapse", "censored",
    ]  # fmt: skip


def test_expressions_are_accepted():
    found = new_columns("overall_survival", last_contact=pl.col("seen").dt.offset_by("-1d"))
    assert found["days"].to_list() == [499, 300, 12, 599, 400, 699]


# --- what is refused -------------------------------------------------------------------------------------


def test_no_date_of_time_zero_is_refused():
    assert_refused(
        lambda: endpoint("grfs", changed(2, start=None)),
        argument="transplant",
        column="start",
        rows=[3],
        says=["has no date in 1 row"],
    )


@pytest.mark.parametrize(
    ("role", "column", "way_out"),
    [
        (
            "relapse",
            "relapse",
            "relapse=pl.when(pl.col('relapse') >= pl.col('start')).then(pl.col('relapse'))",
        ),
        ("death", "death", "data.filter((pl.col('death') >= pl.col('start')).fill_null(True))"),
        (
            "last_assessment",
            "assessed",
            "data.filter((pl.col('assessed') >= pl.col('start')).fill_null(True))",
        ),
    ],
)
def test_a_date_before_time_zero_is_refused(role, column, way_out):
    assert_refused(
        lambda: endpoint("relapse_and_nrm", changed(1, **{column: -5})),
        argument=role,
        column=column,
        rows=[2],
        says=["is before 'start' in 1 row", way_out],
    )


def test_the_remedy_for_a_death_before_time_zero_keeps_the_living():
    data = changed(1, death=-5)
    with pytest.raises(DataError) as caught:
        endpoint("relapse_and_nrm", data)
    way_out = caught.value.remedy.split(", once")[0]
    kept = eval(way_out, {"data": data, "pl": pl})
    assert kept["id"].to_list() == ["a", "c", "d", "e", "f"]
    endpoint("relapse_and_nrm", kept)


def test_gvhd_and_engraftment_are_censored_when_they_were_last_looked_for():
    censoring = dict(endpoints.describe().select("endpoint", "censoring").iter_rows())
    assert censoring["acute_gvhd"] == censoring["chronic_gvhd"] == "last date at which GVHD was looked for"
    assert censoring["engraftment"] == "last date at which blood counts were known"
    assert censoring["overall_survival"] == "last date known alive"


def test_an_earlier_relapse_is_left_out_by_the_remedy():
    earlier = changed(0, relapse=-5)
    later = pl.when(pl.col("relapse") >= pl.col("start")).then(pl.col("relapse"))
    assert new_columns("relapse_and_nrm", earlier, relapse=later).rows() == BY_HAND["relapse_and_nrm"]


def test_an_event_after_death_is_refused():
    assert_refused(
        lambda: endpoint("relapse_and_nrm", changed(2, relapse=13)),
        argument="relapse",
        column="relapse",
        rows=[3],
        says=["is after 'death' in 1 row"],
    )


@pytest.mark.parametrize(
    ("name", "role", "column"),
    [("overall_survival", "last_contact", "seen"), ("grfs", "last_assessment", "assessed")],
)
def test_no_end_of_the_time_without_an_event_is_refused(name, role, column):
    assert_refused(
        lambda: endpoint(name, changed(5, **{column: None})),
        argument=role,
        column=column,
        rows=[6],
        says=["has no date in 1 row without an event", f"{role}=pl.coalesce({column!r}, "],
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("progression_free_survival", "progression"), ("relapse_and_nrm", "relapse"),
        ("grfs", "acute_gvhd_3_4"), ("acute_gvhd", "death"), ("overall_survival", "last_contact"),
    ],
)  # fmt: skip
def test_a_date_that_the_endpoint_needs_cannot_be_left_out(name, role):
    assert_refused(lambda: endpoint(name, **{role: None}), argument=role, says=["0 columns were given"])


@pytest.mark.parametrize("name", ["acute_gvhd", "chronic_gvhd", "engraftment"])
def test_whether_relapse_competes_has_no_default(name):
    assert (
        inspect.signature(getattr(endpoints, name)).parameters["relapse"].default is inspect.Parameter.empty
    )


@pytest.mark.parametrize("name", TRANSPLANT)
def test_the_unit_is_stated_and_known(name):
    assert inspect.signature(getattr(endpoints, name)).parameters["unit"].default is inspect.Parameter.empty
    assert_refused(lambda: endpoint(name, unit="month"), argument="unit", says=["'months'"])


def test_numbers_and_text_are_no_dates():
    numbers = PATIENTS.with_columns(death=pl.lit(100))
    assert_refused(lambda: endpoint("grfs", numbers), argument="death", column="death")
    text = PATIENTS.with_columns(pl.col("death").cast(pl.String))
    assert_refused(
        lambda: endpoint("grfs", text),
        argument="death",
        column="death",
        says=["pl.col('death').str.to_date()"],
    )


def test_a_name_that_is_taken_is_refused():
    once = endpoint("overall_survival")
    assert_refused(
        lambda: endpoint("overall_survival", once),
        argument="prefix",
        column="os_days",
        says=["is in the data already", "prefix='os_2'"],
    )


@pytest.mark.parametrize("prefix", ["", None, 3])
def test_a_prefix_is_text(prefix):
    assert_refused(lambda: endpoint("overall_survival", prefix=prefix), argument="prefix")


# --- what gives a warning --------------------------------------------------------------------------------


def test_a_contact_after_the_death_gives_a_warning_and_the_death_counts():
    late = changed(1, seen=310)
    found = assert_warns(
        lambda: new_columns("overall_survival", late),
        argument="last_contact",
        column="seen",
        rows=[2],
        says=["is after 'death' in 1 row", "last_contact=pl.min_horizontal('seen', 'death')"],
    )
    assert found.rows() == BY_HAND["overall_survival"]
    sooner = pl.min_horizontal("seen", "death")
    assert new_columns("overall_survival", late, last_contact=sooner).rows() == BY_HAND["overall_survival"]


def test_an_event_after_the_last_contact_of_the_living_gives_a_warning():
    late = changed(0, agvhd=510)
    found = assert_warns(
        lambda: new_columns("acute_gvhd", late),
        argument="acute_gvhd",
        column="agvhd",
        rows=[1],
        says=["is after 'seen' in 1 row without a death"],
    )
    assert found.row(0) == (510, "acute GVHD")


@pytest.mark.parametrize(
    ("name", "row", "days", "role", "label"),
    [
        ("relapse_and_nrm", 2, {"relapse": 12}, "relapse", "relapse"),
        ("acute_gvhd", 2, {"agvhd": 12}, "acute_gvhd", "acute GVHD"),
        ("acute_gvhd", 1, {"second": 100}, "relapse", "relapse"),
        ("chronic_gvhd", 3, {"cgvhd": 90}, "chronic_gvhd", "chronic GVHD"),
        ("engraftment", 2, {"second": 12}, "second_transplant", "second transplant"),
    ],
)
def test_competing_events_on_one_day_give_a_warning_that_says_which_counts(name, row, days, role, label):
    found = assert_warns(
        lambda: new_columns(name, changed(row, **days)),
        argument=role,
        column=ROLES[role],
        rows=[row + 1],
        says=["is on the day of ", f"in 1 row, which count as {label!r}"],
    )
    assert found["event"][row] == label


def test_the_remedy_lets_the_other_event_of_the_day_count():
    data = changed(2, relapse=12)
    other = pl.when(pl.col("relapse").ne_missing(pl.col("death"))).then(pl.col("relapse"))
    found = new_columns("relapse_and_nrm", data, relapse=other)
    assert found.row(2) == (12, "death without relapse")
    assert found.row(3) == (90, "relapse")  # of somebody alive


def test_the_same_day_makes_no_difference_to_a_composite_and_no_noise(recwarn):
    found = new_columns("relapse_free_survival", changed(2, relapse=12))
    assert found.row(2) == (12, True, "relapse")
    assert not recwarn.list


def test_a_time_of_zero_gives_a_warning():
    found = assert_warns(
        lambda: new_columns("overall_survival", changed(2, death=0)),
        argument="start",
        column="start",
        rows=[3],
        says=["in 1 row: a time of 0"],
    )
    assert found.row(2) == (0, True)


def test_no_message_shows_an_identifier_or_a_date():
    with pytest.raises(hem.errors.DataError) as refused:
        endpoint("relapse_and_nrm", changed(2, relapse=13).with_columns(id=pl.lit("Greta")))
    assert "Greta" not in str(refused.value)
    assert "2020" not in str(refused.value)


# --- a data cut-off --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BY_HAND)
def test_a_cut_off_after_all_dates_changes_nothing(name):
    assert new_columns(name, as_of=DAY + timedelta(days=700)).rows() == BY_HAND[name]
    assert new_columns(name, as_of=datetime(2021, 12, 1, 12)).rows() == BY_HAND[name]


def test_an_event_after_the_cut_off_is_refused_and_left_out_by_the_remedy():
    cut_off = DAY + timedelta(days=120)
    refused = assert_refused(
        lambda: endpoint("overall_survival", as_of=cut_off),
        argument="death",
        column="death",
        rows=[2, 5],
        says=["is after the data cut-off in 2 rows", "nothing after 2020-04-30"],
    )
    early = pl.when(pl.col("death") <= cut_off).then(pl.col("death"))
    assert repr("death") in refused.remedy
    with pytest.raises(DataError) as late:
        endpoint("overall_survival", death=early, as_of=cut_off)
    assert late.value.argument == "last_contact"
    assert ".clip(upper_bound=cut_off)" in late.value.remedy
    seen = pl.coalesce("seen", "death").clip(upper_bound=cut_off)
    found = new_columns("overall_survival", death=early, last_contact=seen, as_of=cut_off)
    assert found.rows() == [(120, False), (120, False), (12, True), (120, False), (120, False), (120, False)]


def test_without_a_cut_off_nothing_is_after_today():
    tomorrow = date.today() + timedelta(days=1)
    planned = pl.when(pl.col("id") == "a").then(pl.lit(tomorrow)).otherwise("seen").alias("seen")
    assert_refused(
        lambda: endpoint("overall_survival", last_contact=planned), argument="last_contact", column="seen",
        rows=[1], says=["is after today in 1 row"],
    )  # fmt: skip
    endpoint("overall_survival", last_contact=planned, as_of=tomorrow)


@pytest.mark.parametrize("as_of", ["2020-12-31", 2020])
def test_a_cut_off_is_a_date(as_of):
    assert_refused(lambda: endpoint("grfs", as_of=as_of), argument="as_of", says=["datetime.date("])
