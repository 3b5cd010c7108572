"""The life table: hazards of a population by sex, age and calendar year."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from ..curves import Result
from ..errors import DataError, counted, listed
from ..numerics.life_expectancy import life_expectancy
from ..numerics.population_hazard import PopulationRates
from ..options import check_choice, check_number
from .cells import MissingRates, read_cells, refuse_shared_codes, sex_codes, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

YearTurns = Literal["1 January", "birthday"]
Per = Literal["year", "day"]
Bands = Literal["age", "year"]
SHOWN_YEARS = 5


@dataclass(frozen=True, init=False, eq=False, repr=False)
class LifeTable(Result):
    """Death rates of a population by sex, completed age and calendar year.

    A rate holds from birthday to birthday and from 1 January to 31 December; the oldest age is open. A year
    of age has `days_per_year` days, which also turn a yearly rate into a daily one; it belongs to a table,
    since different sources count differently.

    Parameters
    ----------
    frame
        A table with one row for each sex, age and calendar year (of each stratum), in any order.
    age, year, sex
        Its columns: completed years of age, calendar years, and sex.
    rate
        The column of death rates per person-year (`per="day"`: per person-day). Where neither it, nor `q`,
        nor `deaths` is given, `hazard_year`.
    q
        Instead: the probability of dying within a year, turned into the rate -log(1 - q). Beside `rate` it is
        compared with it.
    deaths, population
        Instead: numbers of deaths, and mean populations or person-years.
    sexes
        The code of each sex in the table, `{"male": 1, "female": 2}`. Its labels and its codes are what a
        column of patients may hold. Without it the table must hold text, which are the labels.
    days_per_year
        365.25, or what the source uses (365.241 in relsurv).
    strata
        Further columns of the table, such as a region: tables of their own.
    bands
        `("age",)`, `("year",)` or both where a row stands for several ages or years, until the next in the
        table; otherwise a gap is refused.
    last_year
        The last calendar year of the last band, where it holds several.
    missing_rates
        `"previous age"` gives a cell without a rate that of the age below (a table that ends in q = 1 has
        none in its oldest age).
    year_turns
        `"birthday"`: the calendar year of a rate begins at each one's birthday, as R's survexp has it for the
        United States.
    name
        What the population is called.

    Attributes
    ----------
    table
        Hazards per day [stratum, sex, age, year], for every single age and year.
    ages, years
        The ages and calendar years of `table`.
    sexes
        The labels of the sexes, each with its code.
    strata
        One row for each stratum; no columns where there are none.

    Raises
    ------
    DataError
        For doubled rows, gaps, missing, negative or infinite rates, probabilities above 1, sexes that are not
        declared, and rates that disagree with the probabilities beside them.

    Examples
    --------
    >>> import hemresearch as hem
    >>> counts = hem.data.load("swe_population_deaths")
    >>> people = {"deaths": "deaths", "population": "mean_population"}
    >>> LifeTable(counts, **people, sexes={"male": 1, "female": 2}, name="Sweden")
    Sweden: death rates by sex, age 0-100 (open) and calendar year 1969-2020
    sexes: male (1), female (2); a year has 365.25 days
    life expectancy 2020: male 80.59, female 84.29
    """

    name: str
    table: np.ndarray = field(repr=False)
    ages: np.ndarray = field(repr=False)
    years: np.ndarray = field(repr=False)
    sexes: Mapping[str, Any]
    strata: pl.DataFrame
    days_per_year: float
    year_turns: YearTurns

    def __init__(
        self,
        frame: Any,
        *,
        age: str = "age",
        year: str = "year",
        sex: str = "sex",
        rate: str | None = None,
        q: str | None = None,
        deaths: str | None = None,
        population: str | None = None,
        per: Per = "year",
        sexes: Mapping[str, Any] | None = None,
        days_per_year: float = 365.25,
        strata: str | Sequence[str] | None = None,
        bands: Sequence[Bands] = (),
        last_year: int | None = None,
        missing_rates: MissingRates = "raise",
        year_turns: YearTurns = "1 January",
        name: str = "life table",
    ) -> None:
        check_choice(year_turns, YearTurns, argument="year_turns")
        check_choice(per, Per, argument="per")
        for band in bands:
            check_choice(band, Bands, argument="bands")
        length = check_number(
            days_per_year, argument="days_per_year", above=365, below=366.001, example=365.25,
            expected="the days of a year, between 365 and 366",
        )  # fmt: skip
        source = _source(rate, q, deaths, population)
        columns = {"age": age, "year": year, "sex": sex, "strata": strata, **source}
        table = table_of(frame, columns)
        declared = _declared(table.series("sex"), table.name("sex"), sexes)
        if per == "day" and "rate" in table:
            scaled = table.frame.with_columns(pl.col("rate.0") * length)
            table = replace(table, frame=scaled)
        cells = read_cells(table, declared, bands, last_year, missing_rates)
        self._set(
            name=name, table=cells.hazard / length, ages=cells.ages, years=cells.years, sexes=declared,
            strata=cells.strata, days_per_year=length, year_turns=year_turns,
        )  # fmt: skip

    def _set(self, **facts: Any) -> None:
        for key, value in facts.items():
            object.__setattr__(self, key, value)

    @classmethod
    def from_hmd(cls, *paths: str | Path, **options: Any) -> LifeTable:
        """Read text files of the Human Mortality Database (mortality.org).

        One file of death rates (`Mx_1x1.txt`, also 1x5, 5x1 ...), which holds both sexes, or life tables
        (`mltper_1x1.txt` and `fltper_1x1.txt`), from which the death rates `mx` are taken. The sexes are
        "male" and "female"; `bltper` alone gives one sex, "both".

        Parameters
        ----------
        paths
            One file of death rates, or the life tables of both sexes.
        options
            As of `LifeTable`: `sexes` to declare codes, `missing_rates`, `days_per_year`, `name`.

        Raises
        ------
        DataError
            For a file of another kind, sexes that are doubled, and what `LifeTable` refuses.
        """
        from .hmd import read_hmd

        frame, defaults = read_hmd(paths)
        return cls(frame, **{**defaults, **options})

    @classmethod
    def from_scb(cls, path: str | Path, *, measure: str | None = None, **options: Any) -> LifeTable:
        """Read a download of Statistics Sweden (statistikdatabasen.scb.se): CSV or JSON-stat.

        Meant for the yearly life table (`LivslangdEttariga`, "Ettårig livslängdstabell"), in Swedish or
        English. The sexes become "male" and "female".

        Parameters
        ----------
        path
            The file: `.csv` in either layout, or `.json` (JSON-stat, version 1 or 2).
        measure
            Which of its contents to read, where it holds several: "Dödsrisker (promille)" (the default, by
            its Swedish or English name) is a probability per mille.
        options
            As of `LifeTable`: `sexes` to declare codes, `missing_rates`, `name`.

        Raises
        ------
        DataError
            For a file that cannot be read as such a table, and what `LifeTable` refuses.
        """
        from .scb import read_scb

        frame, defaults = read_scb(path, measure)
        return cls(frame, **{**defaults, **options})

    @property
    def rates(self) -> PopulationRates:
        """What the kernels read: groups are strata times sexes."""
        shape = (-1, len(self.ages), len(self.years))
        starts = np.array([f"{year:04d}" for year in self.years], dtype="datetime64[Y]")
        days = starts.astype("datetime64[D]").astype(np.int64)
        return PopulationRates(self.table.reshape(shape), int(self.ages[0]), days, float(self.days_per_year))

    def codes(self, values: pl.Series, sexes: Mapping[Any, str] | None = None) -> np.ndarray:
        """The position of each value's sex in the table, -1 where it has none.

        A value is known by the label or the code that the table declares, or by `sexes`, which names the
        table's label of each value: `{1: "male", 2: "female"}`. Nothing else is taken for a sex.
        """
        if sexes is None:
            return sex_codes(values, self.sexes)
        for label in sexes.values():
            if label not in tuple(self.sexes):
                raise DataError(
                    f"{label!r} is not one of the sexes of the life table",
                    argument="sexes",
                    expected=f"values of the patients, each with its label: {listed(map(repr, self.sexes))}",
                    remedy=f"sexes={{{', '.join(f'...: {known!r}' for known in self.sexes)}}}",
                )
        place = {label: i for i, label in enumerate(self.sexes)}
        code = np.full(len(values), -1)
        for value, label in sexes.items():
            code[sex_codes(values, {label: value}) == 0] = place[label]
        return code

    def recoded(self, sexes: Mapping[str, Any]) -> LifeTable:
        """The same table with other codes of its sexes, as the patients' data have them.

        Raises
        ------
        DataError
            Unless there is a code of its own for each label of the table (None: by the label only).
        """
        if not isinstance(sexes, Mapping) or set(sexes) != set(self.sexes):
            raise DataError(
                f"{sexes!r} was given",
                argument="sexes",
                expected=f"one code for each of {listed(map(repr, self.sexes))}",
                remedy=f"sexes={{{', '.join(f'{name!r}: ...' for name in self.sexes)}}} with each code",
            )
        refuse_shared_codes(sexes)
        other = copy(self)
        other._set(sexes={label: sexes[label] for label in self.sexes})
        return other

    def rate(self, age: Any, year: Any, sex: Any, *, stratum: int = 0) -> np.ndarray:
        """Death rates per person-year at ages (years), calendar years and sexes, of one length or single.

        Raises
        ------
        DataError
            For an age or a calendar year outside the table, and an unknown sex or stratum.
        """
        check_choice(stratum, tuple(range(len(self.table))), argument="stratum")
        a, y, s = np.broadcast_arrays(np.asarray(age, float), np.asarray(year, float), np.asarray(sex))
        code = self.codes(pl.Series("sex", s.ravel().tolist())).reshape(s.shape)
        inside = (a >= self.ages[0]) & (a < np.inf) & (y >= self.years[0]) & (y < self.years[-1] + 1)
        absent = ~inside | (code < 0)
        if absent.any():
            raise DataError(
                f"{counted(int(absent.sum()), 'cell')} were asked for that are not in it",
                argument="age, year, sex",
                expected=f"age {self.ages[0]} or more, {self._span()}, sex {listed(map(repr, self.sexes))}",
                remedy=f"rate({self.ages[0]}, {self.years[-1]}, {next(iter(self.sexes))!r})",
            )
        at_age = np.minimum(np.floor(a).astype(int) - self.ages[0], len(self.ages) - 1)
        at_year = np.floor(y).astype(int) - self.years[0]
        return self.table[stratum, code, at_age, at_year] * self.days_per_year

    def life_expectancy(
        self, year: int | Iterable[int] | None = None, sex: str | None = None, *, age: int = 0
    ) -> pl.DataFrame:
        """Mean remaining years of life at an age, if the rates of a calendar year held for ever.

        Returns
        -------
        polars.DataFrame
            The strata, `sex`, `year`, `age` and `estimate`, for all years and sexes unless some are named.

        Raises
        ------
        DataError
            For a year, sex or age that is not in the table.
        """
        years = self.years if year is None else np.atleast_1d(np.asarray(year))
        for one in years.tolist():
            check_choice(one, self.years.tolist(), argument="year")
        names = list(self.sexes) if sex is None else [check_choice(sex, tuple(self.sexes), argument="sex")]
        check_choice(age, self.ages.tolist(), argument="age")
        remaining = life_expectancy(np.moveaxis(self.table, 2, 3) * self.days_per_year)
        rows = [
            {**label, "sex": name, "year": one, "age": age, "estimate": float(estimate)}
            for s, label in enumerate(self.strata.to_dicts() or [{}])
            for name in names
            for one in years.tolist()
            for estimate in [
                remaining[s, list(self.sexes).index(name), one - self.years[0], age - self.ages[0]]
            ]
        ]
        return pl.DataFrame(rows)

    def to_frame(self) -> pl.DataFrame:
        """One row per stratum, sex, age and year: `hazard_year` (per person-year) and `q_year`."""
        s, x, a, y = (index.ravel() for index in np.indices(self.table.shape))
        hazard = self.table.ravel() * self.days_per_year
        frame = pl.DataFrame(
            {
                "sex": pl.Series(list(self.sexes))[x],
                "age": self.ages[a],
                "year": self.years[y],
                "hazard_year": hazard,
                "q_year": -np.expm1(-hazard),
            }
        )
        return pl.concat([self.strata[s], frame], how="horizontal") if self.strata.width else frame

    def summary(self) -> pl.DataFrame:
        """One row: the name, ages, years, numbers of sexes and strata, and the days of a year."""
        return pl.DataFrame(
            {
                "name": [self.name],
                "first_age": [int(self.ages[0])],
                "last_age": [int(self.ages[-1])],
                "first_year": [int(self.years[0])],
                "last_year": [int(self.years[-1])],
                "n_sexes": [len(self.sexes)],
                "n_strata": [len(self.table)],
                "days_per_year": [self.days_per_year],
            }
        )

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the death rates by age; see `hem.plots.draw_life_table` for the options."""
        from ..plots import draw_life_table

        return draw_life_table(self, ax=ax, **options)

    def _span(self) -> str:
        return f"calendar year {self.years[0]}-{self.years[-1]}"

    def __repr__(self) -> str:
        coded = [label if c is None else f"{label} ({c!r})" for label, c in self.sexes.items()]
        turns = "" if self.year_turns == "1 January" else "; calendar years turn on birthdays"
        lines = [
            f"{self.name}: death rates by sex, age {self.ages[0]}-{self.ages[-1]} (open) and {self._span()}",
            f"sexes: {', '.join(coded)}; a year has {self.days_per_year:g} days{turns}",
        ]
        if self.strata.width:
            return "\n".join([*lines, f"{len(self.table)} strata by {', '.join(self.strata.columns)}"])
        first = int(self.ages[0])
        expected = self.life_expectancy(int(self.years[-1]), age=first)
        values = ", ".join(f"{row['sex']} {row['estimate']:.2f}" for row in expected.iter_rows(named=True))
        at = f" at age {first}" if first else ""
        return "\n".join([*lines, f"life expectancy{at} {self.years[-1]}: {values}"])


def _source(
    rate: str | None, q: str | None, deaths: str | None, population: str | None
) -> dict[str, str | None]:
    """The columns of mortality, as they may be given together."""
    if (deaths is None) != (population is None) or (deaths is not None and (rate or q)):
        raise DataError(
            "deaths and population were given without each other, or beside rate or q",
            argument="deaths",
            expected="rate, or q, or deaths with population",
            remedy='deaths="deaths", population="person_years"',
        )
    if deaths is not None:
        return {"deaths": deaths, "population": population}
    return {"rate": rate, "q": q} if rate or q else {"rate": "hazard_year"}


def _declared(values: pl.Series, column: str, sexes: Mapping[str, Any] | None) -> dict[str, Any]:
    """The sexes of a table: as declared, or the texts that it holds."""
    if sexes is not None:
        if len(sexes) and all(isinstance(label, str) for label in sexes):
            refuse_shared_codes(sexes)
            return dict(sexes)
    elif values.dtype in (pl.String, pl.Categorical, pl.Enum):
        return dict.fromkeys(values.cast(pl.String).unique().sort().to_list())
    raise DataError(
        "its codes say nothing of the sexes" if sexes is None else f"{sexes!r} was given",
        argument="sexes",
        column=column,
        expected="the code of each sex in the table, by its label",
        remedy='sexes={"male": 1, "female": 2}',
    )
