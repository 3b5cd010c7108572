"""Response at a fixed time, independence of transfusion, first sustained count: by hand and by loops."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import proportion
from hemresearch.hematology import endpoints
from hemresearch.personal_numbers import check_digit

DAY = date(2020, 1, 1)


def on(*days: int | None) -> pl.Series:
    return pl.Series([None if day is None else DAY + timedelta(days=day) for day in days], dtype=pl.Date)


def added(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    return frame.lazy().collect().select(pl.col("^x_.*$"))


# --- response at a fixed time ----------------------------------------------------------------------------

PATIENTS = pl.DataFrame({"id": ["a", "b", "c", "d", "e"], "start": on(0, 0, 0, 0, 50)})
MARROWS = pl.DataFrame(
    {
        "id": ["a", "a", "b", "b", "c", "e", "z"],
        "day": on(80, 95, 70, 130, 90, 140, 90),
        "response": ["PR", "CR", "CR", "CR", "CRi", "PD", "CR"],
    }
)
AT = {
    "id": "id", "start": "start", "date": "day", "response": "response", "responses": ["CR", "CRi"], "at": 90,
    "window": (15, 20), "unit": "days", "not_evaluable": "non-response", "prefix": "x",
}  # fmt: skip


def response(data=PATIENTS, assessments=MARROWS, **options) -> pl.DataFrame:
    return added(endpoints.response_at_landmark(data, assessments, **AT | options))


def test_the_nearest_assessment_in_the_window_counts():
    assert response().rows() == [
        ("CR", True, True), (None, False, False), ("CRi", True, True), (None, False, False),
        ("PD", True, False),
    ]  # fmt: skip
    assert response(not_evaluable="null")["x_event"].to_list() == [True, None, True, None, False]
    assert response(window=(20, 20))["x_category"][1] == "CR"
    assert response(responses="CR")["x_event"].to_list() == [True, False, False, False, False]


def test_of_two_as_near_the_earlier_counts():
    tie = MARROWS.with_columns(day=on(85, 95, 70, 130, 90, 140, 90))
    assert response(assessments=tie)["x_category"][0] == "PR"


def test_not_evaluable_is_in_the_denominator_by_intention_to_treat():
    itt = proportion(response(), event="x_event").to_frame().row(0, named=True)
    assert (itt["n"], itt["estimate"]) == (5, pytest.approx(2 / 5))
    known = proportion(response(not_evaluable="null"), event="x_event", missing="drop").to_frame()
    assert known["estimate"].item() == pytest.approx(2 / 3)


def test_months_are_30_4375_days():
    month = {"at": 3, "window": (0, 0.1), "unit": "months"}
    exact = MARROWS.with_columns(day=on(91, 92, 70, 130, 94, 141, 90))  # 3 months are 91.3 days, 3.1 are 94.4
    assert response(assessments=exact, **month)["x_category"].to_list() == ["CR", None, "CRi", None, None]


def test_ordered_categories_and_lazy_tables_keep_their_kind():
    scale = pl.Enum(["PD", "PR", "CRi", "CR"])
    ordered = MARROWS.with_columns(pl.col("response").cast(scale))
    assert response(assessments=ordered)["x_category"].dtype == scale
    assert response(assessments=ordered)["x_event"].equals(response()["x_event"])
    lazy = endpoints.response_at_landmark(PATIENTS.lazy(), MARROWS.lazy(), **AT)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(added(lazy), response())
    yes = MARROWS.with_columns(response=pl.col("response").is_in(["CR", "CRi"]))
    assert response(assessments=yes, responses=True)["x_event"].equals(response()["x_event"])


def test_who_is_not_yet_due_is_neither():
    assert response(as_of=DAY + timedelta(days=160)).equals(response())
    late = PATIENTS.with_columns(start=on(0, 0, 0, 50, 50))
    found = assert_warns(
        lambda: response(late, as_of=DAY + timedelta(days=155)),
        argument="start",
        column="start",
        rows=[4],
        says=["is too near the data cut-off in 1 row without an assessment: not yet due"],
    )
    assert found.rows()[3] == (None, False, None)
    assert found.rows()[4] == ("PD", True, False)
    assert_refused(lambda: response(as_of=DAY + timedelta(days=135)), argument="date", column="day", rows=[6])


@pytest.mark.parametrize(
    ("options", "argument", "says"),
    [
        ({"responses": ["CR", "cr"]}, "responses", "never holds 'cr'"),
        ({"responses": []}, "responses", "no category was given"),
        ({"window": 10}, "window", "a int was given"),
        ({"window": (1, -1)}, "window", "-1 was given"),
        ({"at": -1}, "at", "-1 was given"),
        ({"not_evaluable": "exclude"}, "not_evaluable", "'null'"),
        ({"unit": "month"}, "unit", "'months'"),
        ({"prefix": ""}, "prefix", ""),
    ],
)
def test_what_the_response_is_and_when_is_checked(options, argument, says):
    column = "response" if argument == "responses" else None
    assert_refused(lambda: response(**options), argument=argument, column=column, says=[says])


def test_categories_are_shown_and_identifiers_are_not():
    assert_refused(lambda: response(responses="PS"), argument="responses", column="response", says=["'PR'"])
    number = "890101-980" + check_digit("890101" + "980")
    for ids in ([number] * 7, [f"patient {n}" for n in range(7 * 4)]):
        many = pl.concat([MARROWS] * (len(ids) // 7)).with_columns(response=pl.Series(ids))
        refused = assert_refused(
            lambda many=many: response(assessments=many), argument="responses", column="response"
        )
        assert ids[0] not in str(refused)


def test_two_categories_on_one_day_and_no_start_are_refused():
    twice = MARROWS.with_columns(day=on(95, 95, 70, 130, 90, 140, 90))
    assert_refused(
        lambda: response(assessments=twice), argument="response", column="response", rows=[1],
        says=["two categories of 1 patient on one day"],
    )  # fmt: skip
    assert response(assessments=pl.concat([MARROWS, MARROWS])).equals(response())
    assert_refused(
        lambda: response(PATIENTS.with_columns(start=on(0, None, 0, 0, 0))),
        argument="start",
        column="start",
        rows=[2],
    )
    assert_refused(lambda: response(PATIENTS.with_columns(x_event=1)), argument="prefix", column="x_event")


def test_nobody_assessed_is_nobody_evaluable():
    assert response(assessments=MARROWS.clear())["x_event"].to_list() == [False] * 5


# --- independence of transfusion -------------------------------------------------------------------------

OBSERVED = pl.DataFrame({"id": [1, 2, 3, 4, 5], "start": on(0, 0, 0, 0, 0), "end": on(100, 100, 54, 55, 200)})
GIVEN = pl.DataFrame({"id": [1, 1, 2, 5, 5, 5, 9], "day": on(10, 67, 56, 5, 62, 150, 3)})
TI = {
    "id": "id", "start": "start", "last_contact": "end", "date": "day", "weeks": 8, "not_evaluable": "null",
    "prefix": "x",
}  # fmt: skip


def independence(data=OBSERVED, transfusions=GIVEN, **options) -> pl.DataFrame:
    return added(endpoints.transfusion_independence(data, transfusions, **TI | options))


def test_eight_weeks_are_56_days_without_a_transfusion():
    assert independence().rows() == [
        (56, True, DAY + timedelta(days=11)), (56, True, DAY), (55, None, None), (56, True, DAY),
        (87, True, DAY + timedelta(days=6)),
    ]  # fmt: skip
    assert independence(weeks=12)["x_event"].to_list() == [False, False, None, None, True]
    assert independence(weeks=12)["x_from"][4] == DAY + timedelta(days=63)
    itt = independence(not_evaluable="non-response")
    assert itt["x_event"].to_list() == [True, True, False, True, True]
    one_less = GIVEN.with_columns(day=on(10, 66, 55, 5, 61, 150, 3))
    assert independence(transfusions=one_less)["x_event"].to_list() == [False, False, None, True, True]


def test_two_transfusions_on_one_day_and_those_outside_make_no_difference():
    more = pl.concat([GIVEN, GIVEN, pl.DataFrame({"id": [1, 2], "day": on(-20, 300)})])
    assert_frame_equal(independence(transfusions=more), independence())


@pytest.mark.filterwarnings("error")
def test_days_without_transfusion_equal_a_loop_over_days():
    rng = np.random.default_rng(5)
    n = 40
    ends = rng.integers(0, 200, n)
    data = pl.DataFrame({"id": range(n), "start": on(*[0] * n), "end": on(*ends.tolist())})
    given = pl.DataFrame({"id": rng.integers(0, n, 120), "day": on(*rng.integers(0, 200, 120).tolist())})
    found = independence(data, given, not_evaluable="non-response")
    for i, (longest, event, begins) in enumerate(found.rows()):
        days = set(given.filter(id=i)["day"].to_list())
        run, best, first = 0, 0, None
        for k in range(int(ends[i]) + 1):
            run = 0 if DAY + timedelta(days=k) in days else run + 1
            best = max(best, run)
            if run == 56 and first is None:
                first = DAY + timedelta(days=k - 55)
        assert (longest, event, begins) == (best, best >= 56, first)


def test_a_lazy_table_and_no_transfusions_at_all():
    lazy = endpoints.transfusion_independence(OBSERVED.lazy(), GIVEN.lazy(), **TI)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(added(lazy), independence())
    assert independence(transfusions=GIVEN.clear())["x_days"].to_list() == [101, 101, 55, 56, 201]


@pytest.mark.parametrize(
    ("data", "options", "argument", "rows"),
    [
        (OBSERVED.with_columns(start=on(None, 0, 0, 0, 0)), {}, "start", [1]),
        (OBSERVED.with_columns(end=on(100, 100, None, 55, 200)), {}, "last_contact", [3]),
        (OBSERVED.with_columns(end=on(100, 100, 54, -1, 200)), {}, "last_contact", [4]),
        (OBSERVED, {"as_of": DAY + timedelta(days=180)}, "last_contact", [5]),
        (OBSERVED, {"weeks": 0}, "weeks", []),
        (OBSERVED, {"weeks": "8"}, "weeks", []),
        (OBSERVED, {"not_evaluable": "no"}, "not_evaluable", []),
    ],
)
def test_what_observation_is_must_be_known(data, options, argument, rows):
    column = {"start": "start", "last_contact": "end"}.get(argument)
    assert_refused(lambda: independence(data, **options), argument=argument, column=column, rows=rows)


def test_a_transfusion_after_the_cut_off_is_refused():
    late = pl.concat([GIVEN, pl.DataFrame({"id": [1], "day": on(300)})])
    assert_refused(
        lambda: independence(transfusions=late, as_of=DAY + timedelta(days=200)),
        argument="date", column="day", rows=[8], says=["of transfusions"],
    )  # fmt: skip


# --- the first of several counts -------------------------------------------------------------------------

COUNT = {
    "id": "id", "start": "start", "date": "day", "value": "count", "consecutive": "values",
    "after_fall": True, "prefix": "x",
}  # fmt: skip


def counts(*values: float, days: list[int] | None = None, id: str = "a") -> pl.DataFrame:
    days = days or list(range(len(values)))
    return pl.DataFrame({"id": id, "day": on(*days), "count": [float(value) for value in values]})


ONE = PATIENTS.head(1)


def sustained(values: pl.DataFrame, data=ONE, **options) -> list[int | None]:
    found = added(endpoints.first_sustained(data, values, **COUNT | options))["x_date"]
    return [None if day is None else (day - DAY).days for day in found]


# Example 2 of the instructions for reporting platelet recovery: last transfusion on day 0.
PLATELETS = counts(10, 30, 25, 10, 15, 19, 23, 25, 40, 50, 56, 65, 72)
TRANSFUSED = {"transfusions": pl.DataFrame({"id": "a", "given": on(0)}), "transfusion_date": "given"}


def test_the_worked_example_of_the_registry_for_platelets():
    assert sustained(PLATELETS, at_least=20, **TRANSFUSED) == [7]
    assert sustained(PLATELETS, at_least=50, **TRANSFUSED) == [9]
    assert sustained(PLATELETS, at_least=20, **TRANSFUSED, transfusion_free_days=6) == [6]
    assert sustained(PLATELETS, at_least=20) == [6]


def test_the_first_example_of_the_registry():
    example = counts(10, 35, 30, 25, 10, 15, 19, 23, 25, 40, 50)
    assert sustained(example, at_least=20, **TRANSFUSED) == [7]


def test_a_transfusion_ends_a_row():
    again = {"transfusions": pl.DataFrame({"id": "a", "given": on(0, 8)}), "transfusion_date": "given"}
    assert sustained(PLATELETS, at_least=20, **again) == [None]
    assert sustained(PLATELETS, at_least=20, n=1, **again) == [7]


def test_a_day_without_a_count_ends_a_row_of_days_and_not_of_values():
    anc = counts(0.1, 0.5, 0.6, 0.7, 0.8, 0.9, days=[10, 18, 19, 21, 22, 23])
    assert sustained(anc, at_least=0.5) == [18]
    assert sustained(anc, at_least=0.5, consecutive="days") == [21]
    assert sustained(anc, at_least=0.5, consecutive="days", n=4) == [None]
    assert sustained(anc, at_least=0.51) == [19]


def test_counts_before_the_fall_and_before_the_start_are_not_used():
    anc = counts(3, 3, 3, 2, 2, 0.1, 0.6, 0.7, 0.8, days=[-2, -1, 0, 1, 2, 9, 20, 21, 22])
    assert sustained(anc, at_least=0.5) == [20]
    assert sustained(anc, at_least=0.5, after_fall=False) == [0]


def test_of_several_counts_on_one_day_the_lowest_counts():
    anc = counts(0.1, 0.6, 0.4, 0.7, 0.8, 0.9, days=[10, 18, 18, 19, 20, 21])
    assert sustained(anc, at_least=0.5) == [19]


def test_who_never_fell_is_null_and_counted():
    two = pl.DataFrame({"id": ["a", "b", "c"], "start": on(0, 0, 0)})
    values = pl.concat([counts(0.1, 0.6, 0.7, 0.8), counts(1, 1, 1, id="b")])
    found = assert_warns(
        lambda: sustained(values, two, at_least=0.5),
        argument="value",
        rows=[2],
        says=["never fell below 0.5 in 1 patient with counts"],
    )
    assert found == [1, None, None]


def test_equals_a_loop_over_counts():
    rng = np.random.default_rng(3)
    n = 60
    data = pl.DataFrame({"id": range(n), "start": on(*[0] * n)})
    values = pl.DataFrame(
        {
            "id": np.repeat(range(n), 20),
            "day": on(*rng.integers(-3, 30, 20 * n).tolist()),
            "count": rng.exponential(1, 20 * n),
        }
    )
    for consecutive in ("days", "values"):
        options = {"at_least": 0.5, "consecutive": consecutive, "after_fall": True}
        found = sustained(values.sample(fraction=1, shuffle=True, seed=2), data, **options)
        for i, day in enumerate(found):
            own: dict[int, float] = {}
            for _, when, count in values.filter(pl.col("id") == i).rows():
                k = (when - DAY).days
                if k >= 0:
                    own[k] = min(count, own.get(k, np.inf))
            days = sorted(own)
            fall = next((k for k in days if own[k] < 0.5), 99)
            days = [k for k in days if k > fall]
            rows = [days[j : j + 3] for j in range(len(days) - 2)]
            good = [
                r[0] for r in rows
                if all(own[k] >= 0.5 for k in r) and (consecutive == "values" or r[2] - r[0] == 2)
            ]  # fmt: skip
            assert day == (good[0] if good else None)


def test_the_date_is_that_of_engraftment():
    data = PATIENTS.head(1).with_columns(relapse=None, death=None, seen=on(100)).lazy()
    anc = counts(0.1, 0.5, 0.6, 0.7, days=[10, 18, 19, 20])
    dated = endpoints.first_sustained(data, anc, **COUNT | {"prefix": "anc"}, at_least=0.5)
    assert isinstance(dated, pl.LazyFrame)
    found = endpoints.engraftment(
        dated, transplant="start", engraftment="anc_date", relapse=None, death="death", last_contact="seen",
        unit="days", prefix="x",
    )  # fmt: skip
    assert added(found).rows() == [(18, "engraftment")]


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"n": 0}, "n"),
        ({"n": 2.5}, "n"),
        ({"n": True}, "n"),
        ({"at_least": "0.5"}, "at_least"),
        ({"consecutive": "day"}, "consecutive"),
        ({"prefix": None}, "prefix"),
        ({"transfusions": TRANSFUSED["transfusions"]}, "transfusion_date"),
        ({**TRANSFUSED, "transfusion_free_days": -1}, "transfusion_free_days"),
        ({**TRANSFUSED, "transfusion_date": "day"}, "transfusion_date"),
    ],
)
def test_counts_and_their_rules_are_checked(options, argument):
    column = "day" if options.get("transfusion_date") == "day" else None
    assert_refused(
        lambda: sustained(PLATELETS, **{"at_least": 20, **options}), argument=argument, column=column
    )


def test_no_start_and_a_taken_name_are_refused():
    assert_refused(
        lambda: sustained(PLATELETS, ONE.with_columns(start=on(None)), at_least=20),
        argument="start", column="start", rows=[1],
    )  # fmt: skip
    taken = PATIENTS.head(1).with_columns(x_date=1)
    assert_refused(lambda: sustained(PLATELETS, taken, at_least=20), argument="prefix", column="x_date")
