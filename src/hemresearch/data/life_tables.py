"""The population tables that come with the package, as life tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import DataError
from ..lifetable import LifeTable
from ..options import nearest, suggestion
from .sets import load

if TYPE_CHECKING:
    from collections.abc import Mapping

CODED = {"male": 1, "female": 2}
# How each data set is read, with the year and the sex codes of its source. The Finnish source codes men 0 and
# women 1, where others mean men by 1: there only the labels are taken, unless the codes are declared.
COUNTRIES: dict[str, dict[str, Any]] = {
    "sweden": {
        "data": "swe_population_deaths", "deaths": "deaths", "population": "mean_population", "sexes": CODED,
        "name": "Sweden",
    },
    "denmark": {
        "data": "dk_mortality", "deaths": "deaths", "population": "person_years", "sexes": CODED,
        "name": "Denmark",
    },
    "finland": {"data": "popmort_fi", "sexes": {"male": 0, "female": 1}, "name": "Finland"},
    "slovenia": {
        "data": "slopop", "rate": "hazard_day", "per": "day", "days_per_year": 365.241, "bands": ("year",),
        "sexes": CODED, "name": "Slovenia",
    },
    "united states": {
        "data": "survexp_us", "rate": "hazard_day", "per": "day", "sexes": CODED, "year_turns": "birthday",
        "name": "United States",
    },
}  # fmt: skip
WITHOUT_CODES = ("finland",)


def life_table(country: str, *, sexes: Mapping[str, Any] | None = None) -> LifeTable:
    """The death rates of a population by sex, age and calendar year.

    Sweden 1969-2020, Denmark 1974-2012, Finland 1951-2013, Slovenia 1930-2020, United States 1940-2014, from
    the data sets `swe_population_deaths`, `dk_mortality`, `popmort_fi`, `slopop` and `survexp_us`. In a
    column of patients the sexes are "male" and "female", or 1 and 2 (ISO 5218) as in the sources of all
    tables but the Finnish. Life expectancy is as published, but for the Slovene table of relsurv, where it is
    half a year to a year below Eurostat's.

    Parameters
    ----------
    country
        "sweden", "denmark", "finland", "slovenia" or "united states".
    sexes
        The code of each sex in the data of the patients, where it is another: `{"male": "M", "female": "K"}`.

    Returns
    -------
    LifeTable

    Raises
    ------
    DataError
        For another country, and for sexes that are not a code for "male" and one for "female".

    Examples
    --------
    >>> life_table("slovenia")
    Slovenia: death rates by sex, age 0-103 (open) and calendar year 1930-2020
    sexes: male (1), female (2); a year has 365.241 days
    life expectancy 2020: male 77.19, female 82.81
    """
    if country not in COUNTRIES:
        close = nearest(str(country), COUNTRIES, n=1)
        raise DataError(
            f"there is no life table {country!r}",
            argument="country",
            expected=f"one of those that come with the package ({suggestion(str(country), COUNTRIES)})",
            remedy=f"country={close[0]!r}" if close else "hem.relative.LifeTable.from_hmd('Mx_1x1.txt')",
        )
    options = dict(COUNTRIES[country])
    table = LifeTable(load(options.pop("data")), **options)
    if sexes is None:
        return table if country not in WITHOUT_CODES else table.recoded({"male": None, "female": None})
    return table.recoded(sexes)
