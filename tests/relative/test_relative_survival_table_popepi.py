"""Tables of intervals beside popEpi's: every one of Ederer II, and Pohar Perme with its weights and with ours."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, load_dataset, load_reference

import hemresearch as hem
from hemresearch.numerics.actuarial import hazard_of_cell
from hemresearch.numerics.interval_sums import IntervalPieces, add_up
from hemresearch.numerics.interval_survival import IntervalSurvival, hazard_survival, lifetable_survival
from hemresearch.numerics.lexis import split_rows
from hemresearch.relative import net_survival, relative_survival_table

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
    "Tstart": "start", "Tstop": "end", "d": "n_event", "pyrs": "person_time", "d.exp": "n_expected", "n": "n_risk",
    "surv.obs": "observed", "surv.obs.as": "observed", "r.e2": "estimate", "r.e2.as": "estimate", "SE.r.e2": "std_error",
    "SE.r.e2.as": "std_error", "r.e2.lo": "conf_low", "r.e2.hi": "conf_high", "r.e2.as.lo": "conf_low",
    "r.e2.as.hi": "conf_high",
}  # fmt: skip


def assert_table(frame: pl.DataFrame, values: dict[str, Any], rel: float, leave: tuple[str, ...] = ()) -> None:
    """Every column that both have, but those to leave out."""
    for theirs, name in OURS.items():
        if theirs in values and theirs not in leave:
            found = np.array(values[theirs], dtype=float)
            np.testing.assert_allclose(frame[name].cast(float), found, rtol=rel, atol=1e-12, err_msg=theirs)


def test_stored_tables_of_ederer():
    values = load_reference("relative_survival", "survtab_sire_e2_hazard").values
    frame = relative_survival_table(SIRE, **OF_POPEPI, intervals=MONTHS, estimator="hazard").to_frame()
    assert_table(frame[PRINTED], values, 1e-10)


# One woman left after just four years. She has not withdrawn within them, but popEpi takes half of her off: up
# to 3e-6. A moment earlier she has in both.
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
    options: dict[str, Any] = {"intervals": o["intervals"], "conf_level": o["conf_level"], "conf_type": o["conf_type"]}
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
    assert frame[-1].select(pl.col("observed", "estimate").is_null().all()).row(0) in [(True, True), (False, False)]
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
    time: np.ndarray, died: np.ndarray, bounds: np.ndarray, per: np.ndarray | None, window: tuple[float, float]
) -> tuple[IntervalPieces, IntervalPieces]:
    """All of follow-up cut at the bounds and at the window, and the pieces within it, whose row is the piece."""
    origin = np.column_stack([np.zeros(len(time)), np.zeros(len(time)) if per is None else -per])
    cuts = np.concatenate([bounds, np.array(window)])
    first = np.array([0, len(bounds), len(bounds) + 2])
    row, begin, end, last, band = split_rows(np.zeros(len(time)), time, origin, cuts, first, 1e-8)
    place = band[:, 0]
    ends = last & died[row]
    whole = np.abs(begin - bounds[place]) < 1e-8
    out = last & ~ends & (end < bounds[np.minimum(place + 1, len(bounds) - 1)] - 1e-8)
    inside = (place >= 0) & (band[:, 1] == 0)
    numbers = np.flatnonzero(inside)
    kept = place >= 0
    everything = IntervalPieces(row[kept], place[kept], begin[kept], end[kept], ends[kept], whole[kept], out[kept])
    numbers = np.searchsorted(np.flatnonzero(kept), numbers)
    return everything, IntervalPieces(numbers, *(v[inside] for v in (place, begin, end, ends, whole, out)))


def weights_of_popepi(p: IntervalPieces, hazard: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """1/S where S is multiplied by exp(+h d/2) if a row has one piece in the interval, else by exp(-sum h dist).

    The sign of the first is that of S half an interval before; `dist` of the second is not the middle either.
    """
    length = p.end - p.begin
    total = np.cumsum(hazard * length)
    new_row = np.r_[True, np.diff(p.row) != 0]
    before = total - hazard * length
    before = before - before[new_row][np.cumsum(new_row) - 1]  # since the row began
    new = new_row | np.r_[True, np.diff(p.place) != 0]
    number = np.cumsum(new) - 1
    last = np.r_[new[1:], True]
    rest = (bounds[p.place + 1] - 2.0**-26 - p.begin) / 2  # its bounds are moved by that
    dist = np.where(last, rest, np.minimum(length, np.diff(bounds)[p.place] / 2))
    several = np.bincount(number, hazard * dist)[number]
    single = (np.bincount(number) == 1)[number]
    return np.exp(before[new][number] + np.where(single, -hazard * rest, several))


def popepi(
    data: pl.DataFrame, names: tuple[str, str], bounds: np.ndarray, *, per: np.ndarray | None = None,
    window: tuple[float, float] = (-1.0, 1e4), how: str = "hazard",
) -> tuple[dict[str, np.ndarray], IntervalSurvival]:  # fmt: skip
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
    columns = {
        "pyrs": plain.time, "d": plain.deaths, "d.pp": sums.deaths, "d.exp.pp": sums.expected, "d.pp.2": sums.square,
        "pyrs.pp": sums.time, "n.pp": sums.alive, "n.cens.pp": sums.withdrawn,
    }  # fmt: skip
    survival = (hazard_survival if how == "hazard" else lifetable_survival)(np.diff(bounds), plain, sums)
    if how == "lifetable":  # popEpi divides by the effective numbers without weights
        error = survival.estimate * np.sqrt(np.cumsum(sums.square / plain.effective**2))
        columns["SE.r.pp"] = error
    else:
        columns["SE.r.pp"] = survival.std_error
    return columns | {"surv.obs": survival.observed, "r.pp": survival.estimate}, survival


def assert_columns(found: dict[str, np.ndarray], values: dict[str, Any], rows: Any = slice(None)) -> None:
    for name in found.keys() & values.keys():
        np.testing.assert_allclose(found[name][rows], values[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_stored_pohar_perme_with_popepis_weights():
    values = load_reference("relative_survival", "survtab_sire_pp_hazard").values
    found, _ = popepi(SIRE, ("decimals", "dg_age"), MONTHS)
    assert_columns(found, values, PRINTED)


def test_stored_period_with_popepis_weights():
    values = load_reference("relative_survival", "period_survtab_sire_2008_2012").values
    per = SIRE["calendar"].to_numpy()
    found, _ = popepi(SIRE, ("decimals", "dg_age"), np.arange(21) / 4, per=per, window=(2008.0, 2013.0))
    assert_columns(found, values)


def test_stored_standard_with_popepis_weights():
    case = load_reference("relative_survival", "survtab_sire_pp_icss1")
    ages = [*ICSS1, 200]
    found = [
        popepi(SIRE.filter(pl.col("dg_age").is_between(a, b, closed="left")), ("decimals", "dg_age"), MONTHS)[0]
        for a, b in zip(ages[:-1], ages[1:], strict=True)
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
    ends = tuple((date.fromisoformat(d) - date(1970, 1, 1)).days / 365.25 for d in window) if window else (-1.0, 1e4)
    found, _ = popepi(data, ("years", "age"), np.array(case.options["intervals"]), per=days, window=ends, how=how)
    assert_columns(found, case.values)
