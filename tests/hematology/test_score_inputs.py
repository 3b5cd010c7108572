"""What every score does with random patients: missing values, other types, other units, unknown words."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from score_patients import patients, with_holes

from hemresearch.hematology import scores
from hemresearch.hematology.scores.definition import Score
from hemresearch.hematology.scores.documented import SCORES
from hemresearch.hematology.units import QUANTITIES, factor

NAMES = sorted(SCORES)
HAVE_WORDS = [n for n in NAMES if any(i.kind in ("category", "list") for i in SCORES[n].inputs)]


def scored(data, name: str, **options: object) -> pl.DataFrame:
    """Score, group, components and n_missing of each patient."""
    return data.lazy().select(getattr(scores, name)(**options).alias("s")).collect().unnest("s")


def random_patients(name: str, n: int = 60) -> pl.DataFrame:
    return patients(SCORES[name], n, np.random.default_rng(20))


def named(definition: Score, kind: str) -> list[str]:
    return [i.name for i in definition.inputs if i.kind == kind]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_not_made_up(name):
    """No score and no group; what is known of the components is that of the complete patient.

    The score of the complete patient lies between the bounds of the same patient with values missing.
    """
    complete = patients(SCORES[name], 200, np.random.default_rng(20))
    holes = with_holes(complete, SCORES[name], np.random.default_rng(21))
    truth, found = scored(complete, name), scored(holes, name)
    known = found["n_missing"] == 0
    assert_frame_equal(found.filter(known), truth.filter(known))
    assert found.filter(~known).select("score", "group").null_count().row(0) == ((~known).sum(),) * 2
    for component in found["components"].struct.fields:
        value = found["components"].struct.field(component)
        there = value.is_not_null()
        assert value.filter(there).equals(truth["components"].struct.field(component).filter(there))
    low, high = (scored(holes, name, missing=end) for end in ("lowest", "highest"))
    for column in ("score", "group"):
        lowest, value, highest = (r[column].to_physical().cast(pl.Float64) for r in (low, truth, high))
        assert (lowest <= value + 1e-9).all()
        assert (value <= highest + 1e-9).all()


@pytest.mark.parametrize("name", NAMES)
def test_types_of_columns_do_not_matter(name):
    definition = SCORES[name]
    numbers, flags = named(definition, "number"), named(definition, "yes or no")
    words, lists = named(definition, "category"), named(definition, "list")
    levels = {i.name: pl.Enum(sorted(i.levels)) for i in definition.inputs}
    complete = random_patients(name).with_columns(pl.col(numbers).round())
    expected = scored(complete, name)
    types = [
        dict.fromkeys(numbers, pl.Int32)
        | dict.fromkeys(flags, pl.Int8)
        | dict.fromkeys(words, pl.Categorical),
        dict.fromkeys(numbers, pl.Float32) | dict.fromkeys(flags, pl.Float64) | {n: levels[n] for n in words},
    ]
    for schema in types:
        other = complete.cast(schema | {n: pl.List(levels[n]) for n in lists})
        assert_frame_equal(scored(other, name), expected)
    assert_frame_equal(scored(other, name, missing="lowest"), expected)


@pytest.mark.parametrize("name", sorted({cut[0] for cut in scores.thresholds().rows() if cut[1] != "score"}))
def test_a_threshold_in_single_precision_is_the_threshold(name):
    """1.2 is 1.2000000477 as a Float32, and is not above 1.2."""
    some = random_patients(name, 3)
    cuts = [c for c in SCORES[name].thresholds if c.input != "score"]
    at = pl.concat([some.with_columns(pl.lit(c.cut, dtype=pl.Float64).alias(c.input)) for c in cuts])
    numbers = named(SCORES[name], "number")
    single = at.cast(dict.fromkeys(numbers, pl.Float32))
    assert_frame_equal(scored(single, name), scored(at, name), rel_tol=1e-4, abs_tol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_that_the_help_names_can_be_chosen(name):
    """The example of a score is of its own inputs; `scored` refuses a unit or an input that is not."""
    help_text = getattr(scores, name).__doc__ or ""
    shown = re.search(r'`unit=\{"(\w+)": "(\S+)"\}`', help_text)
    of_choice = [i for i in SCORES[name].inputs if i.quantity is not None and i.quantity.measured]
    assert (shown is None) == (not of_choice) == ("unit\n    None to choose." in help_text)
    if shown:
        column, unit = shown.groups()
        assert scored(random_patients(name), name, unit={column: unit}).height == 60


@pytest.mark.parametrize("name", NAMES)
def test_units_do_not_matter(name):
    complete = random_patients(name)
    expected = scored(complete, name)
    measured = {i.name: i.quantity for i in SCORES[name].inputs if i.quantity and i.quantity.measured}
    units = {of: list(QUANTITIES[q.measured]) for of, q in measured.items()}
    for n in range(max(map(len, units.values()), default=0)):  # each input in its nth unit, or its last
        unit = {of: known[min(n, len(known) - 1)] for of, known in units.items()}
        converted = complete.with_columns(
            pl.col(of) * factor(q.measured, unit=q.unit, to=unit[of]) for of, q in measured.items()
        )
        assert_frame_equal(scored(converted, name, unit=unit), expected)


@pytest.mark.parametrize("name", NAMES)
def test_columns_of_nothing_are_missing(name):
    definition = SCORES[name]
    nothing = pl.DataFrame({i.name: [None] for i in definition.inputs})
    assert scored(nothing, name)["n_missing"].item() == len(definition.inputs) - len(definition.either)
    assert scored(nothing, name, missing="lowest").height == 1


@pytest.mark.parametrize("name", HAVE_WORDS)
def test_an_unknown_word_stops_the_query(name):
    for i in SCORES[name].inputs:
        if i.kind in ("category", "list"):
            word = ["nonsense"] if i.kind == "list" else "nonsense"
            unknown = random_patients(name, 3).with_columns(pl.lit(word).alias(i.name))
            with pytest.raises(pl.exceptions.PolarsError):
                scored(unknown, name)


def test_a_flag_that_is_not_a_number_is_not_a_yes():
    flags = pl.DataFrame({"b2m_mg_per_l": [2.0] * 3, "bone_marrow_involved": [float("nan"), 1.0, 0.0]})
    assert scored(flags, "prima_pi")["group"].to_list() == [None, "intermediate", "low"]


def test_a_column_that_is_not_a_number_is_not_a_word_of_a_list():
    columns = pl.DataFrame({"dm": [float("nan"), 1.0, 0.0], "valve": [1, 1, 0]})
    words = scores.list_of({"diabetes": "dm", "heart_valve_disease": "valve"})
    assert scored(columns.select(comorbidities=words), "hct_ci")["score"].to_list() == [None, 4, 0]


def test_a_list_that_is_not_whole_is_missing_also_for_the_group():
    lists = [[0] * 11, [0] * 10, [None] * 11]
    legs = pl.DataFrame({"symptom_and_sign_points": lists, "venous_ulcer": [False] * 3})
    assert scored(legs, "villalta")["group"].to_list() == ["none", None, None]
    assert scored(legs, "villalta", missing="highest")["score"].to_list() == [0, 33, 33]
