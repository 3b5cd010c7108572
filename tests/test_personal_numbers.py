"""Personal numbers are recognised in every form. They are put together here: no file holds one."""

from __future__ import annotations

import pytest

from hemresearch.personal_numbers import check_digit, find_personal_numbers, is_personal_number


def number(date: str, serial: str = "982", sign: str = "-", century: str = "") -> str:
    return century + date + sign + serial + check_digit(date + serial)


FORMS = {
    "ten digits and a sign": number("640823"),
    "ten digits": number("640823", sign=""),
    "twelve digits and a sign": number("640823", century="19"),
    "twelve digits": number("640823", century="19", sign=""),
    "a hundred years old": number("210823", sign="+"),
    "coordination number": number("640883"),
    "coordination number, twelve digits": number("640891", century="19", sign=""),
    "leap day": number("000229"),
    "leap day of a century": number("000229", century="20"),
    "en dash": number("640823", sign="\N{EN DASH}"),
    "non-breaking hyphen": number("640823", sign="\N{NON-BREAKING HYPHEN}"),
    "born in the nineteenth century": number("991231", century="18"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_where_it_stands(form: str):
    written = FORMS[form]
    assert find_personal_numbers(written) == [(0, len(written))]
    assert find_personal_numbers(f"id={written}, seen") == [(3, 3 + len(written))]
    assert is_personal_number(f" {written} ")


@pytest.mark.parametrize(
    "around",
    ["({})", "'{}'", "pnr{}", "{}.", "{},1", "1,{}", "<td>{}</td>", "{}.0", "{}.00", "a;{};b", "ID_{}_x"],
)
def test_it_is_found_whatever_stands_around_it(around: str):
    assert len(find_personal_numbers(around.format(FORMS["ten digits"]))) == 1


def test_several_are_found_in_order():
    text = ", ".join(FORMS.values())
    found = find_personal_numbers(text)
    assert len(found) == len(FORMS)
    assert found == sorted(found)


@pytest.mark.parametrize(
    "text",
    [
        number("641323"),
        number("640832"),
        number("640860"),
        number("640892"),
        number("640800"),
        number("640231"),
        number("000229", century="19"),
        number("640823", century="17"),
        number("640823", serial="000"),
        "1" + FORMS["ten digits"],
        FORMS["ten digits"] + "1",
        "0." + FORMS["ten digits"],
        FORMS["ten digits"] + ".25",
        FORMS["ten digits"][:-1],
        "",
        "2020-11-23 and 1204",
        "0123456789abcdef" * 3 + FORMS["ten digits"] + "0123456789abcdef",
    ],
)
def test_what_only_looks_like_one_is_left_alone(text: str):
    assert find_personal_numbers(text) == []


@pytest.mark.parametrize("change", range(1, 10))
def test_a_wrong_check_digit_is_no_personal_number(change: int):
    right = FORMS["ten digits and a sign"]
    wrong = right[:-1] + str((int(right[-1]) + change) % 10)
    assert not is_personal_number(wrong)


@pytest.mark.parametrize(
    ("date", "century"), [("640823", ""), ("640823", "19"), ("050823", ""), ("001023", ""), ("000823", "")]
)
def test_an_integer_or_a_float_may_have_lost_its_zeros(date: str, century: str):
    value = int(number(date, sign="", century=century))
    assert is_personal_number(value)
    assert is_personal_number(float(value))
    assert not is_personal_number(value + 1)


@pytest.mark.parametrize(
    "value", [None, True, 20201123, 1234, 0, -5, 0.5, float("nan"), float("inf"), 10**11, "", b"x"]
)
def test_other_values_are_no_personal_numbers(value: object):
    assert not is_personal_number(value)
