"""Chronic myeloid leukaemia on a tyrosine kinase inhibitor, and after it is stopped, simulated."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ...errors import DataError
from ...times import DAYS_PER_MONTH
from .cml_truth import GROUPS, LEVELS, LONG, QUICK, RELAPSE_VISITS, START, VISIT_DAYS, response_truth
from .simulation import (
    Simulation,
    check_amounts,
    check_count,
    check_rates,
    check_shares,
    coded,
    dates,
    drawn,
    patient_ids,
    truth_frame,
)

FIRST, LAST, CUT_OFF = date(2012, 1, 1), date(2018, 12, 31), date(2023, 12, 31)
LOW, HIGH = 1.5680, 2.2185  # ELTS: at or below the first is low, above the second high
DETECTABLE = 1e-3  # per cent
STOP_AFTER, DEEP_VISITS = 12, 8  # visits on treatment, and of them the last ones with MR4 or not evaluable


def simulate_cml_response(
    n: int = 400,
    *,
    low_share: float = 0.61,
    high_share: float = 0.12,
    quick_fall: float = 2.2,
    slow_fall: float = 2.6,
    group_step: float = 0.35,
    quick_spread: float = 0.9,
    slow_spread: float = 0.9,
    measurement_error: float = 0.2,
    not_evaluable: float = 0.03,
    switch: float = 0.004,
    progression: float = 0.0004,
    death: float = 0.0012,
    risk_ratio: float = 2.0,
    death_after_progression: float = 0.03,
    stop_share: float = 0.6,
    relapse_share: float = 0.49,
    relapse_rate: float = 0.26,
    seed: int = 1,
) -> Simulation:
    """Simulated patients with chronic phase CML: BCR::ABL1 every three months, and treatment-free remission.

    The logarithm of BCR::ABL1 on the International Scale falls quickly and slowly, by amounts that differ
    between patients (normal) and risk groups; each visit adds an error of measurement. All of it is invented.

    Parameters
    ----------
    n
        Patients who start a first inhibitor.
    low_share, high_share
        Of the ELTS risk groups; the rest is intermediate.
    quick_fall, slow_fall
        Mean fall in log10 of the low-risk group, with time constants of 3 and 30 months.
    group_step
        How much smaller both falls are in the intermediate group, and again in the high one.
    quick_spread, slow_spread
        Standard deviations between patients of a group.
    measurement_error
        Standard deviation of log10 of one measurement.
    not_evaluable
        Probability that a sample has too few ABL1 copies: no value.
    switch, progression, death
        Hazards per month of a change of inhibitor, of accelerated phase or blast crisis, and of death without
        it, in the low-risk group.
    risk_ratio
        Hazard ratio of switch and progression of each group over the one below it; death is alike in all.
    death_after_progression
        Hazard per month.
    stop_share
        Probability of stopping where MR4 has held for eight visits in a row of at least twelve.
    relapse_share, relapse_rate
        Share of stoppers who relapse sooner or later, and the hazard per month of those who do.
    seed
        Of the random numbers; the same seed gives the same tables.

    Returns
    -------
    Simulation
        The tables of the notes, and `truth`, of each risk group and of "all": "incidence of MMR at 12 months"
        (24, 60), "incidence of MR4 at 12 months" and, competing with them, "incidence of switch, progression
        or death before MMR at 12 months" and "incidence of switch, progression or death before MR4 at 12
        months". Of "all": "treatment-free remission at 6 months" (12, 24), alive without a value above 0.1 %.
        Responses count from the first value, on visits every 91 days; their incidences are integrals over
        the falls of a group on a grid of 201 by 201 points.

    Raises
    ------
    DataError
        For numbers that are no rate, share or count, and shares of groups that leave none intermediate.

    Notes
    -----
    `patients`, a row each: `patient_id`, invented text; `birth_year`; `sex`; `age` at the start, years;
    `spleen_cm` below the costal margin; `blasts_percent` in blood; `platelets` (10^9/L); `elts`, the score;
    `elts_group` ("low", "intermediate", "high"); `tki_start`; `first_tki`; `switch_date`, the change to a
    second inhibitor; `progression_date`; `stop_date`, of treatment in deep response; `restart_date`, after
    relapse; `death_date`; `last_seen`. Dates without an event are null.

    `measurements`, a row for each sample: `patient_id`; `sample_date`; `months` since `tki_start`; `line` (1,
    or 2 after a switch); `phase` ("treatment", "treatment-free"); `is_percent`, BCR::ABL1 on the
    International Scale, 0 where not detected and null where not evaluable; `detected`; `abl1_copies`.

    On treatment samples are taken every 91 days until progression, and after a stop every month for a year,
    every second month for another and then every third; relapse is found at a visit, and treatment is
    restarted 14 days later, after which no samples are recorded. A visit on the day of an event is not held.

    Shares of the ELTS groups are of 2205 patients (Pfirrmann 2016). Survival without molecular relapse was
    61 % at 6 and 50 % at 24 months in EURO-SKI (Saussele 2018), which the defaults of relapse are fitted to.
    Overall survival approaches 90 % at five years with imatinib (Saussele 2015). All other defaults were
    chosen.

    References
    ----------
    Pfirrmann M et al. Leukemia 2016;30:48-56. Saussele S et al. Lancet Oncol 2018;19:747-757. Saussele S et
    al. Blood 2015;126:42.

    Examples
    --------
    >>> cml = simulate_cml_response(100, seed=1)
    >>> cml.name
    'simulated chronic myeloid leukaemia on a tyrosine kinase inhibitor, 100 patients'
    >>> round(cml.true("treatment-free remission at 6 months"), 3)
    0.611
    """
    p = _checked(dict(locals()))
    rng = np.random.default_rng(seed)
    base = _baseline(rng, p)
    values = _series(rng, p, base)
    course = _course(rng, p, base, values)
    tables = {
        "patients": _patient_table(rng, base, course),
        "measurements": _measurement_table(rng, p, base, values, course),
    }
    name = f"simulated chronic myeloid leukaemia on a tyrosine kinase inhibitor, {n} patients"
    return Simulation(name, seed, p, tables, truth_frame(response_truth(p)))


def elts(age: np.ndarray, spleen: np.ndarray, blasts: np.ndarray, platelets: np.ndarray) -> np.ndarray:
    """The EUTOS long-term survival score, of years, cm, per cent and 10^9/L."""
    return 0.0025 * (age / 10) ** 3 + 0.0615 * spleen + 0.1052 * blasts + 0.4104 * (platelets / 1000) ** -0.5


def _checked(p: dict[str, Any]) -> dict[str, Any]:
    check_count(p["n"], argument="n")
    check_count(p["seed"], argument="seed", at_least=0, example=1)
    check_rates(
        p,
        ("quick_fall", "slow_fall", "quick_spread", "slow_spread", "measurement_error", "switch",
         "progression", "death", "risk_ratio", "death_after_progression", "relapse_rate"),
    )  # fmt: skip
    check_shares(p, ("low_share", "high_share", "not_evaluable", "stop_share", "relapse_share"))
    check_amounts(p, ("group_step",))
    if p["low_share"] + p["high_share"] >= 1:
        raise DataError(
            "the shares of low and high risk leave nobody between",
            argument="low_share",
            expected="low_share + high_share below 1",
            remedy="low_share=0.61, high_share=0.12",
        )
    return p


def _baseline(rng: np.random.Generator, p: dict[str, Any]) -> dict[str, np.ndarray]:
    """Risk group by its share, and facts whose score is in that group, from as many as it takes."""
    n = p["n"]
    group = drawn(
        rng, GROUPS, np.array([p["low_share"], 1 - p["low_share"] - p["high_share"], p["high_share"]]), n
    )
    facts = np.empty((4, n))
    wanted = np.arange(n)
    while len(wanted):
        drawn_facts = _facts(rng, 4 * len(wanted) + 100)
        score = elts(*drawn_facts)
        of_group = (score > LOW).astype(int) + (score > HIGH)
        left = []
        for number in range(3):
            own, offered = wanted[group[wanted] == number], np.flatnonzero(of_group == number)
            facts[:, own[: len(offered)]] = drawn_facts[:, offered[: len(own)]]
            left.append(own[len(offered) :])
        wanted = np.concatenate(left)
    started = rng.integers(0, (LAST - FIRST).days + 1, n).astype(float)
    return {
        "group": group, "age": facts[0], "spleen": facts[1], "blasts": facts[2], "platelets": facts[3],
        "elts": elts(*facts), "start": started, "end": (CUT_OFF - FIRST).days - started,
    }  # fmt: skip


def _facts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Age, spleen, blasts and platelets, rounded as they are recorded before the score is taken."""
    age = np.clip(np.round(rng.normal(55, 16, n)), 18, 92)
    spleen = np.where(rng.random(n) < 0.45, 0, np.round(rng.gamma(1.5, 4, n)))
    blasts = np.clip(np.round(rng.gamma(0.7, 2.5, n)), 0, 9)
    platelets = np.clip(np.round(np.exp(rng.normal(np.log(390), 0.6, n))), 50, 2500)
    return np.array([age, spleen, blasts, platelets])


def _series(rng: np.random.Generator, p: dict[str, Any], base: dict[str, np.ndarray]) -> np.ndarray:
    """log10 of BCR::ABL1 at each visit on first-line treatment, with its error; NaN where not evaluable."""
    n, visits = p["n"], int(base["end"].max() // VISIT_DAYS)
    months = VISIT_DAYS * np.arange(1, visits + 1) / DAYS_PER_MONTH
    less = p["group_step"] * base["group"]
    quick = p["quick_fall"] - less + p["quick_spread"] * rng.normal(size=n)
    slow = p["slow_fall"] - less + p["slow_spread"] * rng.normal(size=n)
    falls = np.outer(quick, -np.expm1(-months / QUICK)) + np.outer(slow, -np.expm1(-months / LONG))
    values = START - falls + p["measurement_error"] * rng.normal(size=falls.shape)
    return np.where(rng.random(falls.shape) < p["not_evaluable"], np.nan, values)


def _course(
    rng: np.random.Generator, p: dict[str, Any], base: dict[str, np.ndarray], values: np.ndarray
) -> dict[str, np.ndarray]:
    """Days of each event since the start; infinite where it did not happen before the cut-off."""
    n, more = p["n"], p["risk_ratio"] ** base["group"]
    switch = _days(rng, p["switch"] * more)
    progression = _days(rng, p["progression"] * more)
    death = _days(rng, np.full(n, p["death"]))
    stop = _stop(rng, p, values)
    stop = np.where(stop < np.minimum.reduce([switch, progression, death, base["end"]]), stop, np.inf)
    stopped = np.isfinite(stop)
    switch, progression = np.where(stopped, np.inf, switch), np.where(stopped, np.inf, progression)
    advanced = progression < death
    death = np.where(advanced, progression + _days(rng, np.full(n, p["death_after_progression"])), death)
    progression = np.where(advanced, progression, np.inf)
    switch = np.where(switch < np.minimum(progression, death), switch, np.inf)
    relapse = _relapse(rng, p, n)
    relapse = np.where(stop + relapse < np.minimum(death, base["end"] + 0.5), stop + relapse, np.inf)
    days = {"switch": switch, "progression": progression, "stop": stop, "relapse": relapse,
            "restart": relapse + 14, "death": death}  # fmt: skip
    seen = {name: np.where(day <= base["end"], day, np.inf) for name, day in days.items()}
    seen["restart"] = np.where(seen["restart"] < death, seen["restart"], np.inf)
    return seen


def _days(rng: np.random.Generator, per_month: np.ndarray) -> np.ndarray:
    """Whole days of exponential times, the day in which they fall counted from 1."""
    return np.ceil(rng.exponential(DAYS_PER_MONTH / per_month))


def _stop(rng: np.random.Generator, p: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """The day on which treatment is stopped, two weeks after the last of eight deep values."""
    deep = (values <= LEVELS["MR4"]) | np.isnan(values)
    total = np.cumsum(deep, axis=1)
    lagged = np.pad(total, ((0, 0), (DEEP_VISITS, 0)))[:, : values.shape[1]]
    due = (total - lagged == DEEP_VISITS) & (np.arange(1, values.shape[1] + 1) >= STOP_AFTER)
    first = np.argmax(due, axis=1)
    wanted = due.any(axis=1) & (rng.random(len(values)) < p["stop_share"])
    return np.where(wanted, VISIT_DAYS * (first + 1) + 14.0, np.inf)


def _relapse(rng: np.random.Generator, p: dict[str, Any], n: int) -> np.ndarray:
    """Days from the stop to the visit that finds the relapse; infinite where there is none."""
    sooner_or_later = rng.random(n) < p["relapse_share"]
    at = rng.exponential(DAYS_PER_MONTH / p["relapse_rate"], n)
    position = np.searchsorted(RELAPSE_VISITS, at)
    found = np.append(RELAPSE_VISITS, np.inf)[position]
    return np.where(sooner_or_later, found, np.inf)


def _patient_table(
    rng: np.random.Generator, base: dict[str, np.ndarray], course: dict[str, np.ndarray]
) -> pl.DataFrame:
    n, start = len(base["group"]), base["start"]
    started = dates(FIRST, start)
    return pl.DataFrame(
        {
            "patient_id": patient_ids(n, "M"),
            "birth_year": started.dt.year() - pl.Series(base["age"].astype(int)),
            "sex": coded(("male", "female"), (rng.random(n) < 0.45).astype(int)),
            "age": base["age"].astype(int),
            "spleen_cm": base["spleen"].astype(int),
            "blasts_percent": base["blasts"].astype(int),
            "platelets": base["platelets"].astype(int),
            "elts": np.round(base["elts"], 4),
            "elts_group": coded(GROUPS, base["group"]),
            "tki_start": started,
            "first_tki": coded(
                ("imatinib", "dasatinib", "nilotinib"),
                drawn(rng, ("i", "d", "n"), np.array([0.6, 0.2, 0.2]), n),
            ),
            **{
                f"{name}_date": _event_dates(start, course[name])
                for name in ("switch", "progression", "stop", "restart", "death")
            },
            "last_seen": dates(FIRST, start + np.minimum(course["death"], base["end"])),
        }
    )


def _event_dates(start: np.ndarray, day: np.ndarray) -> pl.Series:
    return dates(FIRST, np.where(np.isfinite(day), start + day, np.nan))


def _measurement_table(
    rng: np.random.Generator,
    p: dict[str, Any],
    base: dict[str, np.ndarray],
    values: np.ndarray,
    course: dict[str, np.ndarray],
) -> pl.DataFrame:
    rows = pl.concat(
        [_at_diagnosis(rng, p), _on_treatment(values, base, course), _treatment_free(rng, base, course)]
    )
    evaluable = rows["log10"].is_not_nan().to_numpy()
    copies = np.where(
        evaluable, rng.integers(10_000, 200_000, len(rows)), rng.integers(100, 10_000, len(rows))
    )
    percent = 10 ** rows["log10"].to_numpy()
    detected = percent >= DETECTABLE
    shown = np.where(evaluable, np.where(detected, percent, 0.0), np.nan)
    day = rows["day"].to_numpy()
    patient = rows["patient"].to_numpy()
    return pl.DataFrame(
        {
            "patient_id": patient_ids(p["n"], "M").gather(patient),
            "sample_date": dates(FIRST, base["start"][patient] + day),
            "months": np.round(day / DAYS_PER_MONTH, 2),
            "line": np.where(day > course["switch"][patient], 2, 1),
            "phase": rows["phase"],
            "is_percent": pl.Series(shown).fill_nan(None).round_sig_figs(3),
            "detected": pl.Series(detected) & pl.Series(evaluable),
            "abl1_copies": copies,
        }
    ).sort("patient_id", "sample_date", maintain_order=True)


def _at_diagnosis(rng: np.random.Generator, p: dict[str, Any]) -> pl.DataFrame:
    n = p["n"]
    return _samples(np.arange(n), np.zeros(n), START + 0.15 * rng.normal(size=n), "treatment")


def _on_treatment(
    values: np.ndarray, base: dict[str, np.ndarray], course: dict[str, np.ndarray]
) -> pl.DataFrame:
    """Visits before progression, stop, death and cut-off; the second inhibitor brings a deeper response."""
    day = VISIT_DAYS * np.arange(1, values.shape[1] + 1)
    last = np.minimum.reduce([course["progression"], course["stop"], course["death"], base["end"] + 0.5])
    patient, visit = np.nonzero(day < last[:, None])
    since = np.maximum(day[visit] - course["switch"][patient], 0) / DAYS_PER_MONTH
    gained = -1.5 * -np.expm1(-since / 6)
    return _samples(patient, day[visit], values[patient, visit] + gained, "treatment")


def _treatment_free(
    rng: np.random.Generator, base: dict[str, np.ndarray], course: dict[str, np.ndarray]
) -> pl.DataFrame:
    """Visits after the stop, below 0.1 % until the one of the relapse, which is the last."""
    stopped = np.flatnonzero(np.isfinite(course["stop"]))
    last = np.minimum(course["death"], base["end"] + 0.5)[stopped]
    day = course["stop"][stopped][:, None] + RELAPSE_VISITS
    relapse = course["relapse"][stopped]
    row, visit = np.nonzero((day < last[:, None]) & (day <= relapse[:, None]))
    lost = day[row, visit] == relapse[row]
    value = np.where(lost, rng.uniform(-0.9, 0.7, len(row)), rng.uniform(-3.8, -1.2, len(row)))
    return _samples(stopped[row], day[row, visit], value, "treatment-free")


def _samples(patient: np.ndarray, day: np.ndarray, log10: np.ndarray, phase: str) -> pl.DataFrame:
    columns = {"patient": patient.astype(np.int64), "day": day.astype(float), "log10": log10}
    return pl.DataFrame(columns).with_columns(phase=pl.lit(phase))
