"""Eligibility: every count adds up, and nobody leaves without a reason."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from cohorts import cohorts
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import assert_refused, assert_warns

from hemresearch.cohort import Flow
from hemresearch.cohort.flow_steps import Exclusion, Stage
from hemresearch.personal_numbers import check_digit

PEOPLE = pl.DataFrame(
    {
        "person": ["a", "a", "b", "c", "c", "d", "e"],
        "age": [40, 40, 17, 50, 50, None, 70],
        "wbc": [3.0, 12.0, 4.0, float("nan"), 5.0, 6.0, 7.0],
        "arm": ["X", "X", "Y", "Y", "Y", "X", "X"],
        "consent": [True, True, True, True, True, True, False],
    }
)
ADULT = pl.col("age") >= 18


def test_counts_by_hand():
    flow = (
        Flow(PEOPLE, "Seen")
        .keep("consent", reason="No consent")
        .keep(ADULT, reason="Younger than 18", missing="drop")
    )
    assert flow.to_frame().drop("group", "rows_before", "rows_excluded", "rows_after").rows() == [
        (1, "No consent", 7, 1, 0, 6),
        (2, "Younger than 18", 6, 2, 1, 4),
    ]
    assert flow.data["age"].to_list() == [40, 40, 50, 50]
    assert flow.text() == (
        "Of 7 seen, 3 were excluded: No consent (n=1); Younger than 18 (n=1) or not known (n=1); "
        "4 were included."
    )


def test_patients_are_counted_where_a_patient_has_several_rows():
    flow = Flow(PEOPLE, id="person").exclude(pl.col("wbc") > 10, reason="High count", missing="drop")
    assert flow.to_frame().rows() == [(1, None, "High count", 5, 0, 0, 5, 7, 2, 5)]
    gone = flow.keep(ADULT, reason="Child", missing="drop")
    assert gone.to_frame().rows()[1] == (2, None, "Child", 5, 2, 1, 3, 5, 2, 3)
    assert gone.summary().row(0) == ("Registered", 5, 2, 3, 7, 3)
    assert repr(gone).startswith("Flow: 5 registered patients, 2 excluded, 3 included")


@pytest.mark.parametrize("step", ["keep", "exclude"])
def test_a_patient_is_not_known_if_an_unknown_row_might_have_kept_them(step):
    rows = pl.DataFrame({"id": [1, 1, 2, 3, 4, 4, 5], "v": [None, 1, None, 5, None, 5, 0]})
    condition = pl.col("v") > 1 if step == "keep" else pl.col("v") <= 1
    flow = getattr(Flow(rows, id="id"), step)(condition, reason="Low", missing="drop")
    row = flow.to_frame().row(0, named=True)
    assert flow.data["id"].to_list() == [3, 4]
    assert (row["n_excluded"], row["n_missing"]) == (3, 2)  # 1 and 2 might have stayed, 5 not


@pytest.mark.parametrize(
    ("ids", "known"),
    [
        (["a", None, "b"], "is_not_null"),
        ([1, None, 2], "is_not_null"),
        ([1.0, float("nan"), 2.0], "is_not_nan"),
    ],
)
def test_rows_without_a_patient_are_refused_with_a_filter_that_helps(ids, known):
    rows = pl.DataFrame({"id": ids}, strict=False)
    says = [f"data.filter(pl.col('id').{known}())"]
    refusal = assert_refused(lambda: Flow(rows, id="id"), argument="id", column="id", rows=[2], says=says)
    assert "missing=" not in str(refusal)
    assert Flow(rows.filter(getattr(pl.col("id"), known)()), id="id").summary()["n"].item() == 2


def test_personal_numbers_cannot_name_the_groups():
    number = "890101980" + check_digit("890101980")
    for value in (number, f"unit {number}", int(number)):
        data = pl.DataFrame({"unit": [value, value], "age": [50, 60]})
        refusal = assert_refused(
            lambda data=data: Flow(data).split("unit"),
            argument="by",
            column="unit",
            says=["personal numbers", "pl.col('unit').rank('dense').alias('unit_code')"],
        )
        assert number not in str(refusal)
        coded = Flow(data).split(pl.col("unit").rank("dense").alias("unit_code"))
        assert coded.groups()["group"].to_list() == ["1"]


def test_excluding_is_keeping_the_opposite():
    kept = Flow(PEOPLE).keep(ADULT, reason="Child", missing="drop")
    excluded = Flow(PEOPLE).exclude(~ADULT, reason="Child", missing="drop")
    assert kept.to_frame().equals(excluded.to_frame())
    assert kept.data.equals(excluded.data)


def test_every_step_leaves_the_flow_before_it_as_it_was():
    flow = Flow(PEOPLE)
    flow.keep("consent", reason="No consent")
    assert len(flow.entries) == 1
    assert flow.data.equals(PEOPLE)
    with pytest.raises(AttributeError):
        flow.label = "Other"


def test_the_groups_of_a_split_are_counted_from_there_on():
    flow = (
        Flow(PEOPLE)
        .keep("consent", reason="No consent")
        .stage("Randomised")
        .split("arm")
        .exclude(pl.col("wbc") > 10, reason="High count", missing="drop")
        .stage("Analysed")
    )
    assert flow.groups().rows() == [("X", 2, 2), ("Y", 2, 2)]
    assert flow.to_frame().select("step", "group", "n_before", "n_excluded", "n_missing").rows() == [
        (1, None, 7, 1, 0),
        (2, "X", 3, 1, 0),
        (2, "Y", 3, 1, 1),
    ]
    assert flow.text().endswith(
        "6 were randomised. By arm: X 3, Y 3. In X, 1 was excluded: High count (n=1); 2 were analysed. "
        "In Y, 1 was excluded: High count: not known (n=1); 2 were analysed."
    )
    assert repr(flow).splitlines()[-1] == "  by arm: X 2, Y 2"


def test_a_split_closes_the_exclusions_before_it():
    flow = Flow(PEOPLE).keep("consent", reason="No consent").split(["arm", "consent"])
    assert [e.label for e in flow.entries if isinstance(e, Stage)] == ["Registered", "Included", ""]
    assert flow.groups()["group"].to_list() == ["arm=X, consent=True", "arm=Y, consent=True"]


def test_nan_is_not_known_rather_than_large():
    flow = Flow(PEOPLE).keep(pl.col("wbc") >= 0, reason="Negative", missing="drop")
    assert flow.to_frame()["n_missing"].to_list() == [1]
    assert flow.data["wbc"].is_nan().sum() == 0


def test_missing_can_itself_be_the_reason():
    flow = Flow(PEOPLE).exclude(pl.col("wbc").is_null(), reason="Not measured")
    assert flow.to_frame()["n_excluded"].to_list() == [1]


@pytest.mark.parametrize("convert", [pl.DataFrame.lazy, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_any_table_comes_in(convert):
    flow = Flow(convert(PEOPLE)).keep("consent", reason="No consent")
    assert flow.to_frame()["n_after"].to_list() == [6]


def test_a_flow_without_steps_says_so():
    flow = Flow(PEOPLE, "AML patients")
    assert flow.text() == "7 were AML patients."
    assert repr(flow) == "Flow: 7 AML patients"
    assert flow.to_frame().height == 0
    assert flow.stage("Eligible").text() == "Of 7 AML patients, none was excluded and 7 were eligible."


def test_a_long_flow_shows_its_first_steps():
    flow = Flow(PEOPLE)
    for i in range(9):
        flow = flow.keep("consent", reason=f"Reason {i}")
    assert repr(flow).splitlines()[-1] == "  and 3 more exclusions"
    assert len(repr(flow).splitlines()) <= 10


@settings(max_examples=40, deadline=None)
@given(cohorts(largest=30), st.lists(st.integers(0, 12), min_size=1, max_size=4), st.booleans())
def test_counts_add_up(cohort, limits, by_patient):
    data = cohort.with_columns(patient=pl.col("patient") // 2)
    data = data.with_columns(group=pl.col("group").first().over("patient"))
    flow = Flow(data, id="patient" if by_patient else None).split("group")
    for limit in limits:
        left = flow.data.filter(pl.col("time") > limit)
        if left.is_empty():
            break
        flow = flow.keep(pl.col("time") > limit, reason=f"Before {limit}")
    frame = flow.to_frame()
    assert (frame["n_before"] - frame["n_excluded"] == frame["n_after"]).all()
    assert (frame["rows_before"] - frame["rows_excluded"] == frame["rows_after"]).all()
    assert (frame["n_missing"] <= frame["n_excluded"]).all()
    start = data["patient"].n_unique() if by_patient else data.height
    assert start - frame["n_excluded"].sum() == flow.groups()["n"].sum()
    assert flow.groups()["rows"].sum() == flow.data.height
    exclusions = [e for e in flow.entries if isinstance(e, Exclusion)]
    for before, after in pairwise(exclusions):
        assert tuple(a - b for a, b in zip(before.n_before, before.n_excluded, strict=True)) == after.n_before


def test_an_unknown_condition_is_refused_with_the_rows_of_the_users_table():
    flow = Flow(PEOPLE).exclude(pl.col("age") == 17, reason="Seventeen", missing="drop")
    assert_refused(
        lambda: flow.keep(pl.col("wbc") > 1, reason="Low"),
        argument="condition",
        column="wbc",
        rows=[4],
        says=["unknown for 1 row", "true or false in every row", 'missing="drop"'],
    )
    assert_refused(
        lambda: Flow(PEOPLE).keep(ADULT & (pl.col("wbc") > 1), reason="Low"),
        argument="condition",
        column="age",
        rows=[4, 6],
        says=["'wbc' too"],
    )


def test_a_condition_without_a_column_to_blame_is_refused_too():
    assert_refused(
        lambda: Flow(PEOPLE).keep(pl.col("person").replace_strict({"a": True}, default=None), reason="No"),
        argument="condition",
        rows=[3, 4, 5, 6, 7],
        says=["the condition is unknown for 5 rows"],
    )


def test_a_condition_that_is_not_boolean_is_refused():
    assert_refused(
        lambda: Flow(PEOPLE).keep("age", reason="Age"),
        argument="condition",
        column="age",
        says=["gives Int64", "pl.col('age') == 1"],
    )
    assert_refused(
        lambda: Flow(PEOPLE).keep(pl.col("age") + 1, reason="Age"),
        argument="condition",
        says=["gives Int64", 'pl.col("age") >= 18'],
    )
    assert_refused(
        lambda: Flow(PEOPLE).keep(pl.col("age").max() > 3, reason="Age"),
        argument="condition",
        column="age",
        says=["1 value for 7 rows"],
    )
    assert_refused(
        lambda: Flow(PEOPLE).keep(pl.lit(True), reason="All"),
        argument="condition",
        says=["1 value for 7 rows", 'over("id")'],
    )
    assert_refused(
        lambda: Flow(PEOPLE).keep([ADULT], reason="Age"), argument="condition", says=["a list", "joined by &"]
    )


def test_an_unknown_column_is_refused_with_the_nearest():
    assert_refused(
        lambda: Flow(PEOPLE).keep("consents", reason="No consent"),
        argument="condition",
        column="consents",
        says=["did you mean 'consent'?"],
    )


def test_words_are_wanted():
    assert_refused(lambda: Flow(PEOPLE, ""), argument="label", says=["''", "label='Eligible'"])
    assert_refused(
        lambda: Flow(PEOPLE).keep("consent", reason=None),
        argument="reason",
        says=["a NoneType", "words for the diagram", "reason='Younger than 18'"],
    )
    assert_refused(lambda: Flow(PEOPLE).stage(" "), argument="label", says=["words for the diagram"])


def test_no_rows_and_no_table_are_refused():
    assert_refused(lambda: Flow(PEOPLE.head(0)), argument="data", says=["no rows"])
    assert_refused(lambda: Flow([1, 2]), argument="data", says=["a list is not a table"])


def test_a_missing_id_is_refused():
    rows = pl.DataFrame({"id": [1, None], "x": [True, True]})
    assert_refused(lambda: Flow(rows, id="id"), argument="id", column="id", rows=[2])


def test_a_split_of_what_is_not_known_is_refused():
    rows = PEOPLE.with_columns(arm=pl.when(pl.col("age") > 60).then(None).otherwise("arm"))
    flow = Flow(rows).exclude(pl.col("age") == 17, reason="Seventeen", missing="drop")
    assert_refused(
        lambda: flow.split("arm"),
        argument="by",
        column="arm",
        rows=[7],
        says=["1 missing value", "a group for everybody", ".exclude(pl.col('arm').is_null()"],
    )
    assert_refused(lambda: Flow(PEOPLE).split("wbc"), argument="by", column="wbc", rows=[4])


def test_a_second_split_is_refused():
    assert_refused(
        lambda: Flow(PEOPLE).split("arm").split("consent"),
        argument="by",
        says=["already split by arm", "one split", "split([...])"],
    )


def test_a_patient_in_two_groups_is_refused_without_their_name():
    rows = pl.DataFrame({"id": ["secret", "secret", "other"], "arm": ["X", "Y", "X"]})
    refusal = assert_refused(
        lambda: Flow(rows, id="id").split("arm"),
        argument="by",
        rows=[1, 2],
        says=["1 patient in more than one group of arm", "all rows of a patient in one group"],
    )
    assert "secret" not in str(refusal)


def test_an_unknown_choice_is_refused():
    assert_refused(
        lambda: Flow(PEOPLE).keep("consent", reason="No", missing="ignore"),
        argument="missing",
        says=["'raise', 'drop'"],
    )


def test_an_empty_flow_warns():
    flow = assert_warns(
        lambda: Flow(PEOPLE).keep(pl.col("consent") & False, reason="Nobody"),
        argument="condition",
        says=["nobody is left after 'Nobody'", "somebody to analyse", "exclude(...)"],
    )
    assert flow.data.height == 0
    assert_refused(lambda: flow.keep("consent", reason="No"), argument="data", says=["no rows"])
