"""Swedish personal numbers: recognised in text, so that none is shown, stored or shared by mistake.

A personal number is a date of birth, three digits and a check digit: `YYMMDD-NNNC`, `YYMMDD+NNNC` from
the year of the 100th birthday, or `YYYYMMDDNNNC`, with or without the sign. A coordination number adds 60
to the day.
Nothing here returns or prints a number that was found, only where it stands.
"""

from __future__ import annotations

import calendar
import re
from typing import TYPE_CHECKING

from .errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

CENTURIES = ("18", "19", "20")
SIGNS = "-+\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{FIGURE DASH}\N{EN DASH}\N{MINUS SIGN}"
COORDINATION = 60
SHORTEST_INTEGER = 7  # a number of 2000 that lost its three leading zeros

# Not inside a longer number or a decimal fraction, but with the .0 that a column of floats adds.
CANDIDATE = re.compile(
    rf"(?<!\d)(?<!\d\.)(?P<century>\d\d)?(?P<date>\d{{6}})[{SIGNS}]?(?P<rest>\d{{4}})(?!\d)(?!\.\d*[1-9])"
)
DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])")


def find_personal_numbers(text: str) -> list[tuple[int, int]]:
    """Where personal and coordination numbers stand in a text, as (start, end) positions.

    Parameters
    ----------
    text
        Any text. Hexadecimal digests and the decimals of a fraction are no numbers of persons.

    Returns
    -------
    list of (int, int)
        Half-open positions, in order; empty if there is none.

    Notes
    -----
    A candidate counts if its date exists in some century (1800 to 2099), its serial number is
    not 000 and its check digit is right (the Luhn sum of the ten last digits).

    Examples
    --------
    The number of this example is put together here, and belongs to a day, not to a person.

    >>> number = "18900101" + "-" + "980" + check_digit("900101980")
    >>> find_personal_numbers(f"born {number}, seen twice")
    [(5, 18)]
    >>> find_personal_numbers("born 1890-01-01, 9801 days ago")
    []
    """
    digests = [match.span() for match in DIGEST.finditer(text)]
    found = [match for match in CANDIDATE.finditer(text) if _is_number_of_a_person(match)]
    return [m.span() for m in found if not any(a <= m.start() < b for a, b in digests)]


def is_personal_number(value: object) -> bool:
    """Whether one value is a personal or coordination number: a text, or a number that lost its zeros.

    Parameters
    ----------
    value
        A text (spaces around it do not matter), an integer, or a float without decimals; an integer
        of 7 to 9 digits is read with the zeros that a year 2000 to 2009 begins with.

    Examples
    --------
    >>> is_personal_number("890101-980" + check_digit("890101980"))
    True
    >>> is_personal_number(20201231)
    False
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        digits = str(value)
        value = digits.zfill(10) if len(digits) >= SHORTEST_INTEGER else ""
    if not isinstance(value, str) or CANDIDATE.fullmatch(value.strip()) is None:
        return False
    return bool(find_personal_numbers(value))


def check_digit(nine: str) -> str:
    """The check digit after nine digits `YYMMDDNNN`: it makes their Luhn sum a multiple of ten.

    Examples
    --------
    >>> check_digit("811218987")
    '6'
    """
    doubled = (int(digit) * (2 if position % 2 == 0 else 1) for position, digit in enumerate(nine))
    return str(-sum(d // 10 + d % 10 for d in doubled) % 10)


def check_groups(columns: pl.DataFrame, argument: str = "by") -> None:
    """Refuse personal numbers as names of groups, which every result shows."""
    for series in columns.iter_columns():
        if series.dtype.is_nested():
            continue
        if holds_personal_numbers(series.drop_nulls().unique()):
            raise DataError(
                "holds personal numbers, and the names of groups are shown",
                argument=argument,
                column=series.name,
                expected="groups of patients",
                remedy=f"{argument}=pl.col({series.name!r}).rank('dense').alias('{series.name}_code')",
            )


def holds_personal_numbers(values: Iterable[object]) -> bool:
    """Whether any of the values is a personal number, or a text that holds one."""
    return any(
        is_personal_number(v) or (isinstance(v, str) and bool(find_personal_numbers(v))) for v in values
    )


def _is_number_of_a_person(match: re.Match[str]) -> bool:
    century, date, rest = match["century"], match["date"], match["rest"]
    if rest[:3] == "000" or check_digit(date + rest[:3]) != rest[3]:
        return False
    centuries = CENTURIES if century is None else (century,)
    return any(
        c in CENTURIES and _is_date(int(c + date[:2]), int(date[2:4]), int(date[4:])) for c in centuries
    )


def _is_date(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12:
        return False
    day = day - COORDINATION if day > COORDINATION else day
    return 1 <= day <= calendar.monthrange(year, month)[1]
