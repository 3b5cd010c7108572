"""Tables of intervals beside popEpi's: Ederer II, causes of death, Pohar Perme with its weights and ours."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference

import hemresearch as hem
from hemresearch.numerics.actuarial import hazard_of_cell
from hemresearch.numerics.interval_sums import IntervalPieces, add_up
from hemresearch.numerics.interval_survival import hazard_survival, lifetable_survival
from hemresearch.numerics.lexis import split_rows
from hemresearch.relative import (
    crude_probability_table,
    incidence_table,
    net_survival,
    relative_survival_table,
)

POPEPI_YEAR = 365.242199
FINLAND = hem.data.life_table("finland")


def decimal(name: str) -> pl.Expr:
    """A date as popEpi's get.yrs has it."""
    return pl.col(name).dt.year() + (pl.col(name).dt.ordinal_day() - 1) / POPEPI_YEAR


SIRE = (
    load_dataset("sire")
    .filter(pl.col("dg_date") < pl.col("ex_date"))
    .with_row_index("row")
    .with_columns(
        calendar=decimal("dg_date"),
        decimals=decimal("ex_date") - decimal("dg_date"),
        days=(pl.col("ex_date") - pl.col("dg_date")).dt.total_days(),
        age=(pl.col("dg_date") - pl.col("bi_date")).dt.total_days() / 365.25,
        dead=pl.col("status") > 0,
        group=pl.when(pl.col("dg_date") >= date(2003, 1, 1)).then(pl.lit("late")).otherwise(pl.lit("early")),
    )
    .with_columns(years=pl.col("days") / 365.25)
)
# all are women; sex is 1 in the data
PLACE: dict[str, Any] = {
    "event": "dead", "time_unit": "years", "sex": "sex", "date": "dg_date", "age_unit": "years",
    "life_table": FINLAND, "sexes": {1: "female"},
}  # fmt: skip
OF_DATES: dict[str, Any] = {**PLACE, "time": "years", "age": "age"}
OF_POPEPI: dict[str, Any] = {**PLACE, "time": "decimals", "age": "dg_age"}
MONTHS = np.arange(61) / 12
ICSS1 = {0: 7, 45: 12, 55: 23, 65: 29, 75: 29}
PRINTED = [*range(12), 23, 35, 47, 59]  # the months that are stored
OURS = {
    "Tstart": "start", "Tstop": "end", "d": "n_event", "pyrs": "person_time", "d.exp": "n_expected",
    "n": "n_risk", "surv.obs": "observed", "surv.obs.as": "observed",
    "r.e2": "estimate", "r.e2.as": "estimate",
    "SE.r.e2": "std_error", "SE.r.e2.as": "std_error", "r.e2.lo": "conf_low", "r.e2.hi": "conf_high",
    "r.e2.as.lo": "conf_low", "r.e2.as.hi": "conf_high",
}  # fmt: skip


def assert_table(frame: pl.DataFrame, values: dict[str, Any], rel: float) -> None:
    """Every column that both have."""
    for theirs, name in OURS.items():
        if theirs in values:
            found = np.array(values[theirs], dtype=float)
            np.testing.assert_allclose(frame[name].cast(float), found, rtol=rel, atol=1e-12, err_msg=theirs)


def test_stored_tables_of_ederer():
    values = load_reference("relative_survival", "survtab_sire_e2_hazard").values
    frame = relative_survival_table(SIRE, **OF_POPEPI, intervals=MONTHS, estimator="hazard").to_frame()
    assert_table(frame[PRINTED], values, 1e-10)


# One woman left after just four years. She has not withdrawn within them, but popEpi takes half of her off,
# which changes survival by up to 3e-6. A moment earlier she has in both.
EARLIER = SIRE.with_columns(
    pl.col(c) - 1e-7 * (~pl.col("dead") & ((pl.col(c) - 4).abs() < 1e-9)).cast(pl.Float64)
    for c in ("decimals", "years")
)


@pytest.mark.parametrize(
    ("case_id", "intervals", "rows"),
    [
        ("survtab_sire_e2_lifetable", MONTHS, PRINTED),
        ("survtab_sire_obs_lifetable", np.arange(21) / 4, list(range(20))),
    ],
)
def test_stored_life_tables(case_id, intervals, rows):
    values = load_reference("relative_survival", case_id).values

    def table(data: pl.DataFrame) -> pl.DataFrame:
        found = relative_survival_table(data, **OF_POPEPI, intervals=intervals, estimator="lifetable")
        return found.to_frame()[rows]

    assert_table(table(EARLIER), values, 1e-9)
    assert table(EARLIER)["n_censor"].to_list() == values["n.cens"]
    assert sum(values["n.cens"]) - table(SIRE)["n_censor"].sum() == 1
    assert_table(table(SIRE), values, 4e-6)


LIFE_TABLES = ("e2_by_lifetable", "e2_icss1_lifetable", "few_lifetable")


def of_case(case_id: str) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The table of a case of survtab.json, and what popEpi had."""
    case = load_reference("survtab", case_id)
    o, data = case.options, SIRE
    if "rows_used" in o:
        data = data[o["rows_used"]]
    options: dict[str, Any] = {name: o[name] for name in ("intervals", "conf_level", "conf_type")}
    if "late" in o:
        late = np.resize(o["late"], data.height)
        data = data.with_columns(late=late / 365.25).filter(pl.lit(late) < pl.col("days"))
        options["entry"] = "late"
    if "period" in o:
        options["period"] = tuple(date.fromisoformat(text) for text in o["period"])
    if "weights" in o:
        options["standard"] = ICSS1
    if "group" in case.values:
        options["by"] = "group"
    how = "lifetable" if "lifetable" in case_id else "hazard"
    return relative_survival_table(data, **OF_DATES, **options, estimator=how).to_frame(), case.values


@pytest.mark.parametrize(
    "case_id",
    ["e2_period", "e2_delayed", "e2_delayed_period", "e2_icss1", "e2_icss1_group_period", *LIFE_TABLES[:2]],
)  # fmt: skip
def test_tables_of_ederer(case_id):
    frame, values = of_case(case_id)
    assert_table(frame, values, 1e-9)


@pytest.mark.parametrize("case_id", ["few_lifetable", "few_hazard"])
def test_a_handful_until_the_last_death(case_id):
    frame, values = of_case(case_id)
    assert frame.height == len(values["d"]) + 1  # popEpi prints no interval after the last
    assert frame[-1].select("observed", "estimate").row(0) in [(None, None), (0.0, 0.0)]
    if case_id == "few_hazard":
        assert_table(frame[:-1], values, 1e-9)
        return
    # survival of 0 has no error and no limits here, where popEpi prints 0
    assert_table(frame[:3], {k: v[:3] for k, v in values.items()}, 1e-9)
    assert frame[3].select("observed", "estimate", "std_error", "conf_low").row(0) == (0.0, 0.0, None, None)


def test_an_interval_without_anybody():
    with pytest.warns(hem.errors.DataWarning, match=r"holds nobody's follow-up in \(0\.1, 0\.15\]"):
        frame, values = of_case("few_gap")
    assert_table(frame[:1], {k: v[:1] for k, v in values.items()}, 1e-9)
    assert frame["n_event"].to_list() == values["d"]
    assert frame["estimate"].is_null().to_list() == [v is None for v in values["r.e2"]]


def pieces_of_popepi(
    time: np.ndarray,
    died: np.ndarray,
    bounds: np.ndarray,
    per: np.ndarray | None,
    window: tuple[float, float],
) -> tuple[IntervalPieces, IntervalPieces]:
    """All of follow-up cut at the bounds and at the window; the pieces within it, whose row is the piece."""
    origin = np.column_stack([np.zeros(len(time)), np.zeros(len(time)) if per is None else -per])
    cuts, first = np.concatenate([bounds, np.array(window)]), np.array([0, len(bounds), len(bounds) + 2])
    row, begin, end, last, band = split_rows(np.zeros(len(time)), time, origin, cuts, first, 1e-8)
    kept = band[:, 0] >= 0
    row, begin, end, last, (place, inside) = row[kept], begin[kept], end[kept], last[kept], band[kept].T
    ends = last & died[row]
    whole = np.abs(begin - bounds[place]) < 1e-8
    out = last & ~ends & (end < bounds[place + 1] - 1e-8)
    numbers = np.flatnonzero(inside == 0)
    parts = (place, begin, end, ends, whole, out)
    return IntervalPieces(row, *parts), IntervalPieces(numbers, *(v[numbers] for v in parts))


def weights_of_popepi(p: IntervalPieces, hazard: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """1/S, of one piece in the interval with S exp(+h d/2), of several with S exp(-sum h dist).

    The first is S half an interval before, and `dist` of the second is not the middle either.
    """
    length = p.end - p.begin
    total = np.cumsum(hazard * length)
    new_row = np.r_[True, np.diff(p.row) != 0]
    before = total - hazard * length
    before = before - before[new_row][np.cumsum(new_row) - 1]  # since the row began
    new = new_row | np.r_[True, np.diff(p.place) != 0]
    number = np.cumsum(new) - 1
    rest = (bounds[p.place + 1] - 2.0**-26 - p.begin) / 2  # its bounds are moved by that
    dist = np.where(np.r_[new[1:], True], rest, np.minimum(length, np.diff(bounds)[p.place] / 2))
    several = np.bincount(number, hazard * dist)[number]
    single = (np.bincount(number) == 1)[number]
    return np.exp(before[new][number] + np.where(single, -hazard * rest, several))


def popepi(
    data: pl.DataFrame,
    names: tuple[str, str],
    bounds: np.ndarray,
    *,
    per: np.ndarray | None = None,
    window: tuple[float, float] = (-1.0, 1e4),
    how: str = "hazard",
) -> dict[str, np.ndarray]:
    """Our kernels on popEpi's weights."""
    time, age = (data[name].to_numpy() for name in names)
    p, inside = pieces_of_popepi(time, data["dead"].to_numpy(), bounds, per, window)
    middle = (p.begin + p.end) / 2
    sex = np.full(len(p.row), list(FINLAND.sexes).index("female"))
    year = data["calendar"].to_numpy()[p.row] + middle
    hazard = 365.25 * hazard_of_cell(FINLAND.rates, sex, age[p.row] + middle, year, int(FINLAND.years[0]))
    weight = weights_of_popepi(p, hazard, bounds)[inside.row]
    expected, n = hazard[inside.row] * (inside.end - inside.begin), len(bounds) - 1
    plain, sums = add_up(inside, expected, n), add_up(inside, expected, n, weight)
    survival = (hazard_survival if how == "hazard" else lifetable_survival)(np.diff(bounds), plain, sums)
    error = survival.std_error
    if how == "lifetable":  # popEpi's is Poisson's, over the effective numbers without weights
        error = survival.estimate * np.sqrt(np.cumsum(sums.square / plain.effective**2))
    return {
        "pyrs": plain.time, "d": plain.deaths, "d.pp": sums.deaths, "d.exp.pp": sums.expected,
        "d.pp.2": sums.square, "pyrs.pp": sums.time, "n.pp": sums.alive, "n.cens.pp": sums.withdrawn,
        "surv.obs": survival.observed, "r.pp": survival.estimate, "SE.r.pp": error,
    }  # fmt: skip


def assert_columns(found: dict[str, np.ndarray], values: dict[str, Any], rows: Any = slice(None)) -> None:
    for name in found.keys() & values.keys():
        np.testing.assert_allclose(found[name][rows], values[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_stored_pohar_perme_with_popepis_weights():
    values = load_reference("relative_survival", "survtab_sire_pp_hazard").values
    found = popepi(SIRE, ("decimals", "dg_age"), MONTHS)
    assert_columns(found, values, PRINTED)


def test_stored_period_with_popepis_weights():
    values = load_reference("relative_survival", "period_survtab_sire_2008_2012").values
    per = SIRE["calendar"].to_numpy()
    found = popepi(SIRE, ("decimals", "dg_age"), np.arange(21) / 4, per=per, window=(2008.0, 2013.0))
    assert_columns(found, values)


def test_stored_standard_with_popepis_weights():
    case = load_reference("relative_survival", "survtab_sire_pp_icss1")
    ages, age = [*ICSS1, 200], pl.col("dg_age")
    found = [
        popepi(SIRE.filter(age.is_between(a, b, closed="left")), ("decimals", "dg_age"), MONTHS)
        for a, b in pairwise(ages)
    ]
    rows, share = [11, 23, 35, 47, 59], np.array(list(ICSS1.values())) / 100
    by_age, names = case.values["by_age"], ("d", "d.pp", "d.exp.pp", "surv.obs", "r.pp", "SE.r.pp")
    for name in names:
        assert_close(np.concatenate([part[name][rows] for part in found]), by_age[name], rel=1e-9)
    adjusted = case.values["adjusted"]
    assert_close(share @ np.array([part["r.pp"][rows] for part in found]), adjusted["r.pp.as"], rel=1e-9)
    errors = np.array([part["SE.r.pp"][rows] for part in found])
    assert_close(np.sqrt(share**2 @ errors**2), adjusted["SE.r.pp.as"], rel=1e-9)


@pytest.mark.parametrize(
    ("case_id", "how"), [("pp_period", "hazard"), ("pp_hazard", "hazard"), ("pp_lifetable", "lifetable")]
)
def test_pohar_perme_with_popepis_weights(case_id, how):
    case = load_reference("survtab", case_id)
    year = pl.col("dg_date").dt.year() + (pl.col("dg_date").dt.ordinal_day() - 1) / 365.25
    data, window = EARLIER.with_columns(calendar=year), case.options.get("period")
    days = data["dg_date"].cast(pl.Int32).to_numpy() / 365.25
    dates = [date.fromisoformat(text) for text in window or ("1960-01-01", "2100-01-01")]
    begins, ends = ((day - date(1970, 1, 1)).days / 365.25 for day in dates)
    at = np.array(case.options["intervals"])
    found = popepi(data, ("years", "age"), at, per=days, window=(begins, ends), how=how)
    assert_columns(found, case.values)


WINDOW = (date(2008, 1, 1), date(2013, 1, 1))


@pytest.mark.parametrize(
    ("options", "months", "quarters", "years"),
    [
        ({"method": "ederer2"}, 6e-5, 5e-4, 5e-3),
        ({"method": "pohar-perme"}, 1e-4, 7e-4, 7e-3),
        ({"method": "pohar-perme", "period": WINDOW}, 1e-4, 3e-4, 5e-3),
        ({"method": "pohar-perme", "standard": "icss1"}, 1e-4, 6e-4, 6e-3),
    ],
)
def test_short_intervals_come_near_the_exact_curves(options, months, quarters, years):
    for intervals, near in ((MONTHS, months), (np.arange(21) / 4, quarters), (np.arange(6), years)):
        table = relative_survival_table(
            SIRE, **OF_DATES, **options, intervals=intervals, estimator="hazard"
        ).to_frame()
        times = table["end"].to_list()
        exact = net_survival(SIRE, **OF_DATES, **options, times=times).at(times)
        np.testing.assert_allclose(table["estimate"], exact["estimate"], rtol=0, atol=near)
        np.testing.assert_allclose(table["std_error"], exact["std_error"], rtol=4 * near + 2e-3)


def test_the_error_of_a_weighted_life_table_is_near_that_of_the_exact_curve():
    options = {**OF_DATES, "method": "pohar-perme"}
    table = relative_survival_table(SIRE, **options, intervals=range(6), estimator="lifetable").to_frame()
    exact = net_survival(SIRE, **options, times=range(1, 6)).at(range(1, 6))
    np.testing.assert_allclose(table["std_error"], exact["std_error"], rtol=0.01)


def causes_of(case_id: str) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """By the names of popEpi: the rows of each cause, and what it had."""
    case = load_reference("survtab", case_id)
    data, options = SIRE, {"intervals": case.options["intervals"]}
    if "late" in case.options:
        late = np.resize(case.options["late"], data.height)
        data = data.with_columns(late=late / 365.25).filter(pl.lit(late) < pl.col("days"))
        options["entry"] = "late"
    if "group" in case.values:
        options["by"] = "group"
    options["estimator"] = "lifetable" if "lifetable" in case_id else "hazard"
    if "obs" in case_id:
        frame = incidence_table(data, time="years", event="status", **options).to_frame()
        return {name: frame.filter(cause=k) for k, name in ((1, "canD"), (2, "othD"))}, case.values
    if "period" in case.options:
        options["period"] = tuple(date.fromisoformat(text) for text in case.options["period"])
    frame = crude_probability_table(data, **OF_DATES, **options).to_frame()
    causes = ("death from the disease", "death from other causes")
    return {
        name: frame.filter(cause=cause) for name, cause in zip(("rel", "pop"), causes, strict=True)
    }, case.values


@pytest.mark.parametrize("case_id", ["cif_obs_delayed", "cif_obs_lifetable"])
def test_incidence_of_known_causes(case_id):
    found, values = causes_of(case_id)
    for name, frame in found.items():
        assert_table(frame, {k: v for k, v in values.items() if k != "surv.int"}, 1e-9)
        assert frame["n_cause"].to_list() == values[f"d.{name}"]
        assert_close(frame["estimate"], values[f"CIF_{name}"], rel=1e-9)


@pytest.mark.parametrize("case_id", ["cif_rel_period", "cif_rel_lifetable"])
def test_incidence_of_excess_deaths(case_id):
    found, values = causes_of(case_id)
    assert_table(
        found["rel"].rename({"n_cause": "excess"}), {k: v for k, v in values.items() if k != "d.exp"}, 1e-9
    )
    assert_close(found["pop"]["n_cause"], values["d.exp"], rel=1e-9)
    assert_close(found["rel"]["estimate"], values["CIF.rel"], rel=1e-9)
    both = found["rel"]["estimate"] + found["pop"]["estimate"]
    assert_close(both + found["rel"]["observed"], np.ones(len(both)), rel=1e-12)


def test_stored_incidences():
    rows = [11, 23, 35, 47, 59]
    values = load_reference("relative_survival", "survtab_sire_cif_obs").values
    frame = incidence_table(SIRE, time="decimals", event="status", intervals=MONTHS).to_frame()
    for k, name in ((1, "canD"), (2, "othD")):
        part = frame.filter(cause=k)[rows]
        assert_table(part, values, 1e-9)
        assert_close(part["estimate"], values[f"CIF_{name}"], rel=1e-9)
    values = load_reference("relative_survival", "survtab_sire_cif_rel").values
    crude = crude_probability_table(SIRE, **OF_POPEPI, intervals=MONTHS).to_frame()
    excess, expected = crude[:60][rows], crude[60:][rows]
    assert_close(excess["estimate"], values["CIF.rel"], rel=1e-9)
    assert_close(expected["n_cause"], values["d.exp"], rel=1e-9)
