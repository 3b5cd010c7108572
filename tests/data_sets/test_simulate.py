"""What all simulators share: seeds, documented tables, invented identifiers, and refusals."""

from __future__ import annotations

import inspect
import re
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused

import hemresearch as hem
from hemresearch.data.simulate.calendar import days_of_period, easter_sunday, public_holidays
from hemresearch.errors import DataError
from hemresearch.personal_numbers import find_personal_numbers

SMALL = {
    "haemophilia_switch": {"n": 60, "activity": True, "rebleed_share": 0.1},
    "on_call": {"years": 1, "per_year": 500},
    "cml_response": {"n": 60},
    "cart": {"n": 60},
    "score_panel": {"n": 60},
}
KINDS = tuple(SMALL)


def simulate(kind: str, **options: object) -> hem.data.Simulation:
    return getattr(hem.data, f"simulate_{kind}")(**{**SMALL[kind], **options})


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def test_the_same_seed_gives_the_same_tables_and_another_one_others(kind: str):
    one, again, other = simulate(kind, seed=5), simulate(kind, seed=5), simulate(kind, seed=6)
    for name in one.tables:
        assert_frame_equal(one[name], again[name])
    assert any(not one[name].equals(other[name]) for name in one.tables)
    assert_frame_equal(one.truth, other.truth)


def test_the_notes_describe_every_table_and_column(kind: str):
    text = inspect.getdoc(getattr(hem.data, f"simulate_{kind}"))
    notes = text[text.index("\nNotes\n") :]
    for name, table in simulate(kind).tables.items():
        described = notes[re.search(rf"^`{name}`, ", notes, re.MULTILINE).start() :].split("\n\n")[0]
        assert [column for column in table.columns if f"`{column}`" not in described] == [], name


def test_the_defaults_and_their_sources_are_documented(kind: str):
    function = getattr(hem.data, f"simulate_{kind}")
    text = inspect.getdoc(function)
    assert "chosen" in text
    assert "simulated" in text.lower().splitlines()[0]
    parameters = text[text.index("Parameters\n") : text.index("\nReturns\n")]
    assert [name for name in inspect.signature(function).parameters if name not in parameters] == []


def test_the_true_values_are_documented(kind: str):
    text = " ".join(inspect.getdoc(getattr(hem.data, f"simulate_{kind}")).split())
    quantities = simulate(kind).truth["quantity"].str.replace(r" at (day )?\d+( months)?$", "").unique()
    assert [quantity for quantity in quantities if f'"{quantity}' not in text] == []


def test_tables_are_as_a_register_exports_them(kind: str):
    for name, table in simulate(kind).tables.items():
        assert len(table) > 0, name
        plain = {pl.String, pl.Boolean, pl.Int32, pl.Int64, pl.Float64, pl.Date, pl.Datetime("us")}
        assert set(table.dtypes) <= plain, name
        for column, dtype in table.schema.items():
            assert not (column.endswith("_date") and dtype != pl.Date)
            if dtype == pl.Float64:
                assert not table[column].is_nan().any()


def test_identifiers_are_invented_and_are_no_personal_numbers(kind: str):
    simulation = simulate(kind)
    for table in simulation.tables.values():
        if "patient_id" in table.columns:
            assert table["patient_id"].str.contains(r"^SIM-[A-Z]-\d+$").all()
        assert find_personal_numbers(table.head(200).write_csv()) == []


def test_patients_of_every_table_are_in_the_table_of_patients(kind: str):
    simulation = simulate(kind)
    known = simulation["patients"]["patient_id"]
    assert known.is_unique().all()
    for table in simulation.tables.values():
        if "patient_id" in table.columns:
            assert table["patient_id"].is_in(known.implode()).all()


def test_it_says_that_it_is_simulated_in_few_lines(kind: str):
    shown = repr(simulate(kind, seed=3))
    assert shown.startswith("simulated ")
    assert "seed 3" in shown
    assert len(shown.splitlines()) == 3
    assert simulate(kind, seed=3)._repr_html_().startswith("<p><b>simulated ")


def test_truth_is_tidy(kind: str):
    truth = simulate(kind).truth
    assert truth.columns == ["quantity", "group", "value"]
    assert truth.select("quantity", "group").is_unique().all()
    assert truth["value"].is_finite().all()


def test_a_simulation_is_frozen(kind: str):
    with pytest.raises(AttributeError):
        simulate(kind).seed = 2


def test_an_unknown_table_is_refused():
    simulation = simulate("cart")
    assert_refused(lambda: simulation["patient"], argument="table", says=["'patients'"])


def test_an_unknown_true_value_is_refused():
    simulation = simulate("on_call")
    assert simulation.true("rate ratio", "weekend") == 0.6
    assert_refused(
        lambda: simulation.true("rate ratios", "weekend"), argument="quantity", says=["'rate ratio'"]
    )
    assert_refused(lambda: simulation.true("rate ratio", "week-end"), argument="group", says=["'weekend'"])


@pytest.mark.parametrize(
    ("kind", "argument", "value"),
    [
        ("haemophilia_switch", "n", 0),
        ("haemophilia_switch", "n", 2.5),
        ("haemophilia_switch", "days_after", 30),
        ("haemophilia_switch", "spontaneous_ratio", -1),
        ("haemophilia_switch", "surgery_bleeds", -0.5),
        ("haemophilia_switch", "rebleed_share", 1.2),
        ("haemophilia_switch", "frailty_variance", 0),
        ("haemophilia_switch", "bad_year", 500),
        ("on_call", "years", 0),
        ("on_call", "per_year", 0),
        ("on_call", "repeat_share", -0.1),
        ("on_call", "intervention", date(2030, 1, 1)),
        ("cml_response", "n", "many"),
        ("cml_response", "measurement_error", 0),
        ("cml_response", "low_share", 0.95),
        ("cml_response", "stop_share", 2),
        ("cart", "turnaround", 0),
        ("score_panel", "n", 0),
        ("score_panel", "missing", 1.5),
        ("score_panel", "seed", -1),
        ("cart", "crs", (0.5, 0.5)),
        ("cart", "icans", (0.5, 0.1, 0.1, 0.1, 0.1)),
        ("cart", "crs", (1.2, -0.2, 0.0, 0.0, 0.0)),
        ("cart", "follow_up", (400, 100)),
        ("cart", "seed", -1),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(kind: str, argument: str, value: object):
    assert_refused(lambda: simulate(kind, **{argument: value}), argument=argument)


def test_a_product_that_always_fails_is_refused():
    with pytest.raises(DataError, match="Expected a probability below 1"):
        simulate("cart", manufacture_failure=1)


def test_few_patients_or_calls_are_enough(kind: str):
    few = {"on_call": {"per_year": 3.0}}.get(kind, {"n": 1})
    for seed in range(12):
        assert set(simulate(kind, **few, seed=seed).tables) == set(simulate(kind).tables)


def test_certain_things_can_be_simulated():
    everybody = simulate("cml_response", n=100, stop_share=1, not_evaluable=0)
    assert everybody["measurements"]["is_percent"].null_count() == 0
    all_joints = simulate(
        "haemophilia_switch", spontaneous_joint=1, traumatic_joint=1, surgery_share=0, surgery_bleeds=0
    )
    assert all_joints["bleeds"]["joint"].all()
    assert len(all_joints["surgeries"]) == 0


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (2019, date(2019, 4, 21)),
        (2022, date(2022, 4, 17)),
        (2024, date(2024, 3, 31)),
        (2038, date(2038, 4, 25)),
    ],
)
def test_easter(year: int, day: date):
    assert easter_sunday(year) == day


def test_public_holidays_of_2024():
    """As printed in a Swedish calendar."""
    red = {
        date(2024, 1, 1), date(2024, 1, 6), date(2024, 3, 29), date(2024, 3, 31), date(2024, 4, 1),
        date(2024, 5, 1), date(2024, 5, 9), date(2024, 5, 19), date(2024, 6, 6), date(2024, 6, 22),
        date(2024, 11, 2), date(2024, 12, 25), date(2024, 12, 26),
    }  # fmt: skip
    eves = {date(2024, 6, 21), date(2024, 12, 24), date(2024, 12, 31)}
    assert set(public_holidays(2024)) == red | eves


def test_days_of_a_period():
    days = days_of_period(date(2023, 12, 30), date(2024, 1, 3))
    assert days["weekday"].to_list() == ["Saturday", "Sunday", "Monday", "Tuesday"]
    assert days["holiday"].to_list() == [False, True, True, False]
