"""Table 1 as a publication table, and what is hidden in it."""

from __future__ import annotations

import polars as pl
import pytest
from refusals import assert_refused

import hemresearch as hem
from hemresearch.report import disclosure, table, to_word


def cohort(**counts: dict[str, int]) -> pl.DataFrame:
    """Patients with a stage, by arm: `cohort(A={"I": 30, "II": 2})`; the stage "" is missing."""
    rows = [
        (arm, stage or None, 60 + k % 7)
        for arm, of_arm in counts.items()
        for stage, n in of_arm.items()
        for k in range(n)
    ]
    return pl.DataFrame(rows, schema=["arm", "stage", "age"], orient="row")


def described(frame: pl.DataFrame, variables: list[str], by: str | None = "arm"):
    return hem.cohort.table_one(frame, variables=variables, by=by)


SMALL = cohort(A={"I": 30, "II": 2, "III": 9}, B={"I": 25, "II": 11, "III": 14})


def test_the_cells_are_those_of_the_table_one():
    one = described(SMALL, ["stage", "age"])
    made = table(one, title="Table 1", footnote="Own note.")
    cells = one.cells()
    assert (made.header, made.body, made.kinds, made.spanners) == (
        cells.header, cells.body, cells.kinds, cells.spanners,
    )  # fmt: skip
    assert made.footnotes == (*cells.footnotes, "Own note.")


def test_it_can_be_written_to_word(tmp_path):
    import docx

    path = to_word(tmp_path / "t.docx", described(SMALL, ["stage"]))
    assert docx.Document(str(path)).tables[0].cell(3, 0).text == "I"


def test_a_small_count_is_hidden_with_its_row_and_its_column():
    masked = disclosure(table(described(SMALL, ["stage"])))
    shown = {row[0]: row[2:4] for row in masked.body}
    assert shown["II"] == ("*", "*")
    assert [shown["I"], shown["III"]].count(("*", "*")) == 1
    assert masked.footnotes[-1].startswith("* Fewer than 5")
    assert {row[0]: row[1] for row in masked.body}["II"] == "13 (14.3)"  # the total may be known


def test_the_difference_of_a_variable_with_hidden_counts_is_hidden():
    masked = disclosure(table(described(SMALL, ["stage", "age"])))
    assert [row[-1] for row in masked.body if row[0].startswith("stage")] == ["*"]
    assert "*" not in next(row for row in masked.body if row[0].startswith("age"))


def test_few_missing_hide_the_percentages_that_would_tell_their_number():
    frame = cohort(A={"I": 30, "II": 12, "": 2}, B={"I": 25, "II": 11, "": 9})
    masked = disclosure(described(frame, ["stage"]))
    of_a = masked.filter(pl.col("group") == "A")
    assert of_a["n_missing"].to_list() == [None, None]
    assert of_a["share"].to_list() == [None, None]
    assert of_a["n"].null_count() >= 1


def test_the_numbers_of_few_patients_are_hidden():
    frame = pl.concat(
        [SMALL, SMALL.head(40).with_columns(arm=pl.lit("C"), age=pl.lit(None, dtype=pl.Int64)),
         SMALL.head(3).with_columns(arm=pl.lit("C"))]
    )  # fmt: skip
    masked = disclosure(described(frame, ["age"]))
    of_c = masked.filter(pl.col("group") == "C").row(0, named=True)
    assert of_c["n"] is None
    assert of_c["median"] is None
    of_a = masked.filter(pl.col("group") == "A").row(0, named=True)
    assert of_a["median"] is not None


FEW = pl.DataFrame(
    {
        "arm": ["A"] * 10 + ["B"] * 20,
        "ldh": [9.0, 8.0, 7.0] + [None] * 7 + [1.0 + k % 3 for k in range(20)],
        "age": [60 + k % 7 for k in range(30)],
    }
)
NUMBERS = ["mean", "sd", "median", "q1", "q3", "min", "max", "smd"]


def test_the_numbers_of_few_patients_cannot_be_worked_out_from_all_and_the_others():
    masked = disclosure(described(FEW, ["ldh", "age"]))
    rows = {(row["variable"], row["group"]): row for row in masked.iter_rows(named=True)}
    for group in ("A", "Overall"):
        assert {rows["ldh", group][name] for name in NUMBERS} == {None}
    assert rows["ldh", "B"]["mean"] is not None
    assert rows["ldh", "B"]["smd"] is None  # made of both means
    assert all(rows["age", g][name] is not None for g in ("A", "B", "Overall") for name in NUMBERS)


def test_the_numbers_of_all_groups_stay_where_no_group_is_small():
    masked = disclosure(described(FEW, ["ldh"]), threshold=3)
    assert masked.select(NUMBERS).null_count().sum_horizontal().item() == 0


def test_the_table_shows_marks_for_the_numbers_of_few_and_of_all():
    made = disclosure(table(described(FEW, ["ldh"])))
    assert [cell == "*" for cell in made.body[0][1:]] == [True, True, False, True]


def test_an_infinite_difference_of_few_patients_is_marked():
    constants = FEW.with_columns(ldh=pl.when(pl.col("ldh") > 5).then(9.0).otherwise(pl.col("ldh") * 0 + 1.5))
    one = described(constants, ["ldh"])
    assert table(one).body[0][-1] == "∞"
    assert disclosure(table(one)).body[0][-1] == "*"


def test_without_groups_the_table_has_one_list_of_counts_for_each_variable():
    masked = disclosure(described(SMALL, ["stage"], by=None), threshold=14)
    assert masked["n"].null_count() == 2


def test_nothing_changes_where_no_count_is_small():
    made = table(described(SMALL, ["stage"]))
    assert disclosure(made, threshold=2).body == made.body


def test_groups_smaller_than_the_threshold_are_refused():
    frame = pl.concat([SMALL, SMALL.head(3).with_columns(arm=pl.lit("C"))])
    one = described(frame, ["stage"])
    assert_refused(lambda: disclosure(one), argument="threshold", says=["1 of the groups", "table_one("])


@pytest.mark.parametrize(
    "option", [{"counts": "n"}, {"margins": False}, {"derived": "share"}, {"rows": "level"}]
)
def test_options_that_a_table_one_decides_itself_are_refused_in_disclosure(option):
    one = described(SMALL, ["stage"])
    assert_refused(
        lambda: disclosure(one, **option),
        argument=next(iter(option)),
        says=["disclosure(table_one, threshold=5)"],
    )


@pytest.mark.parametrize("option", [{"labels": {"stage": "Stage"}}, {"decimals": 1}, {"percent": True}])
def test_options_that_a_table_one_decides_itself_are_refused_in_the_table(option):
    one = described(SMALL, ["stage"])
    assert_refused(lambda: table(one, **option), argument=next(iter(option)), says=["table_one(..., labels="])
