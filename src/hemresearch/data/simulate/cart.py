"""CAR T cells against lymphoma from apheresis on, simulated."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ...errors import DataError
from .cart_toxicity import counts_table, laboratory_before, toxicity_table
from .cart_truth import DEEP, FIRST_MANUFACTURE, cart_truth
from .simulation import (
    Simulation,
    check_count,
    check_rates,
    check_shares,
    coded,
    dates,
    drawn,
    patient_ids,
    truth_frame,
)

FIRST, LAST = date(2019, 1, 1), date(2022, 12, 31)
REASONS = ("progression", "death", "manufacture failed")
RESPONSES = ("CR", "PR", "SD", "PD")


def simulate_cart(
    n: int = 300,
    *,
    turnaround: float = 14.0,
    death_before: float = 0.0009,
    progression_before: float = 0.0016,
    manufacture_failure: float = 0.03,
    death_not_infused: float = 0.011,
    durable_share: float = 0.42,
    progression_durable: float = 0.0006,
    progression_other: float = 0.0095,
    nonrelapse_early: float = 0.0006,
    nonrelapse_late: float = 0.00015,
    death_after_progression: float = 0.0042,
    crs: tuple[float, ...] = (0.26, 0.40, 0.24, 0.07, 0.03),
    icans: tuple[float, ...] = (0.60, 0.17, 0.12, 0.08, 0.03),
    recovery_mean: float = 12.0,
    recovery_dispersion: float = 0.35,
    second_dip_share: float = 0.3,
    follow_up: tuple[int, int] = (180, 1095),
    seed: int = 1,
) -> Simulation:
    """Simulated patients with large B-cell lymphoma from the apheresis for CAR T cells on.

    Some are not infused: they progress, die, or their product fails. From infusion those who respond durably
    and the others have their own hazard of progression; death without it has a higher hazard in the first
    90 days. Hazards are constant within these. All of it is invented.

    Parameters
    ----------
    n
        Patients who had apheresis.
    turnaround
        Mean days beyond the first 21 until the product is ready: a Poisson number.
    death_before, progression_before
        Hazards per day from apheresis of death, and of a progression that ends the plan to infuse.
    manufacture_failure
        Probability that there is no product on the day.
    death_not_infused
        Hazard per day once the plan has ended.
    durable_share
        Of those infused, who respond durably.
    progression_durable, progression_other
        Hazards per day of progression of these and of the others.
    nonrelapse_early, nonrelapse_late
        Hazards per day of death without progression, to day 90 and later.
    death_after_progression
        Hazard per day.
    crs, icans
        Probabilities of the maximum grades 0 to 4 by the ASTCT.
    recovery_mean, recovery_dispersion
        Negative binomial number of days, beyond day 5, until the first of three days with neutrophils of at
        least 0.5: its mean and dispersion.
    second_dip_share
        Share whose neutrophils fall below 0.5 once more between days 25 and 60.
    follow_up
        The least and the most days from apheresis to the end of follow-up, uniform.
    seed
        Of the random numbers; the same seed gives the same tables.

    Returns
    -------
    Simulation
        The tables of the notes, and `truth`: "share infused"; "overall survival from apheresis at 12 months"
        (6, 24), "overall survival of the infused, from apheresis at 12 months" (which is too good, as they
        have lived to be infused: immortal time) and "overall survival of the infused, from infusion at 12
        months"; from infusion "incidence of progression at 12 months" (3, 24) and "incidence of death without
        progression at 12 months"; "incidence of neutrophil recovery at day 28" (60, 90), death competing;
        of the infused "share in CR at day 28" (90), "share in CR or PR at day 28", "probability of CRS grade
        3 or 4" and "probability of ICANS grade 3 or 4". Closed forms of constant hazards, summed over the
        days of infusion.

    Raises
    ------
    DataError
        For numbers that are no rate or share, probabilities of grades that are not five adding up to 1, and a
        follow-up that ends before it begins.

    Notes
    -----
    Months are of 30.4375 days and rounded down to days.

    `patients`, a row each: `patient_id`, invented text; `birth_year`; `sex`; `disease` ("DLBCL", "PMBCL",
    "tFL"); `ldh_elevated`; `bridging`; before lymphodepletion, null if not infused: `anc_before` and
    `platelets_before` (10^9/L), `hb_before` (g/L), `crp_before` (mg/L) and `ferritin_before` (µg/L), which
    foretell how long neutropenia lasts; `apheresis_date`; `infusion_date`, null if not infused;
    `not_infused_reason` ("progression", "death", "manufacture failed"); `progression_date`, after infusion;
    `death_date`; `last_seen`, the day of death or the last of follow-up; `response_day_28` and
    `response_day_90` ("CR", "PR", "SD", "PD", or null where not infused, not followed to or dead before that
    day); `crs_grade` and `icans_grade`, the maximum of those infused.

    `toxicity`, a row for each day with CRS or ICANS, at most to day 28: `patient_id`; `day` from infusion;
    `date`; `temperature_c`; `hypotension`; `vasopressors`, their number without vasopressin; `oxygen`
    ("none", "low-flow", "high-flow", "positive pressure"); `ice_score`, 0 to 10; `consciousness` ("awake",
    "voice", "touch", "unarousable"); `crs_grade` and `icans_grade` of the day.

    `counts`, a row for each day from 0 to 90 after infusion while alive and followed: `patient_id`; `day`;
    `date`; `anc` and `platelets` (10^9/L).

    In a registry 12-month overall survival was 52 % and death without progression 6 % from infusion, and 30 %
    were free of progression (Bethge 2022); of 352 patients 74 % had CRS (Blood Adv 2023); 10 % to 15 % of
    larger cohorts were not infused (Blood Cancer J 2024, table 1). The defaults give about these. Grades,
    counts, hazards and times were chosen; grades follow the consensus of the ASTCT (Lee 2019).

    References
    ----------
    Bethge WA et al. Blood 2022;140:349. Blood Adv 2023;7:4765 (CRS in 352 patients). Blood Cancer J 2024,
    s41408-024-01183-8 (not infused). Lee DW et al. Biol Blood Marrow Transplant 2019;25:625-638.

    Examples
    --------
    >>> cart = simulate_cart(100, seed=1)
    >>> cart.name
    'simulated CAR T cells from apheresis, 100 patients'
    """
    p = _checked(dict(locals()))
    rng = np.random.default_rng(seed)
    course = _course(rng, p)
    infused = np.flatnonzero(np.isfinite(course["infusion"]))
    grades = {name: drawn(rng, tuple("01234"), np.array(p[name]), len(infused)) for name in ("crs", "icans")}
    tables = {
        "patients": _patient_table(rng, p, course, infused, grades),
        "toxicity": toxicity_table(rng, _of_infused(course, infused), grades, FIRST, patient_ids(n, "T")),
        "counts": counts_table(rng, p, _of_infused(course, infused), FIRST, patient_ids(n, "T")),
    }
    name = f"simulated CAR T cells from apheresis, {n} patients"
    return Simulation(name, seed, p, tables, truth_frame(cart_truth(p)))


def _checked(p: dict[str, Any]) -> dict[str, Any]:
    check_count(p["n"], argument="n")
    check_count(p["seed"], argument="seed", at_least=0, example=1)
    check_rates(
        p,
        ("turnaround", "death_before", "progression_before", "death_not_infused", "progression_durable",
         "progression_other", "nonrelapse_early", "nonrelapse_late", "death_after_progression",
         "recovery_mean", "recovery_dispersion"),
    )  # fmt: skip
    check_shares(p, ("durable_share", "second_dip_share"))
    check_shares(p, ("manufacture_failure",), below_one=True)
    for name in ("crs", "icans"):
        shares = np.array(p[name], dtype=float)
        if shares.shape != (5,) or (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
            raise DataError(
                "are not five probabilities that add up to 1",
                argument=name,
                expected="a probability for each grade from 0 to 4",
                remedy=f"{name}=(0.3, 0.4, 0.2, 0.07, 0.03)",
            )
    least, most = (check_count(days, argument="follow_up", example=365) for days in p["follow_up"])
    if least > most:
        raise DataError(
            f"the least, {least} days, is more than the most, {most}",
            argument="follow_up",
            expected="the least and the most days of follow-up",
            remedy=f"follow_up=({most}, {least})",
        )
    return p


def _course(rng: np.random.Generator, p: dict[str, Any]) -> dict[str, np.ndarray]:
    """Days of each event since apheresis; infinite where it did not happen while followed."""
    n = p["n"]
    ready = FIRST_MANUFACTURE + rng.poisson(p["turnaround"], n).astype(float)
    ends = rng.exponential(1 / p["progression_before"], n)
    dies = rng.exponential(1 / p["death_before"], n)
    failed = rng.random(n) < p["manufacture_failure"]
    infused = (np.minimum(ends, dies) > ready) & ~failed
    ended = np.minimum(ends, ready)  # the plan, of those not infused
    dies = np.where(dies <= ended, dies, ended + rng.exponential(1 / p["death_not_infused"], n))
    reason = np.where(ends <= ready, 0, 2)
    reason = np.where(dies <= ended, 1, reason)
    durable = rng.random(n) < p["durable_share"]
    progression, death = _after_infusion(rng, p, durable)
    days = {
        "infusion": np.where(infused, ready, np.inf),
        "progression": np.where(infused, ready + np.ceil(progression), np.inf),
        "death": np.where(infused, ready + np.ceil(death), np.ceil(dies)),
    }
    end = rng.integers(p["follow_up"][0], p["follow_up"][1] + 1, n).astype(float)
    seen = {name: np.where(day <= end, day, np.inf) for name, day in days.items()}
    return {
        **seen, "reason": np.where(infused, -1, reason), "durable": durable, "end": end,
        "start": rng.integers(0, (LAST - FIRST).days + 1, n).astype(float), "reserve": rng.normal(size=n),
    }  # fmt: skip


def _after_infusion(
    rng: np.random.Generator, p: dict[str, Any], durable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Days from infusion to progression (infinite if death came first) and to death."""
    n = len(durable)
    progression = rng.exponential(1, n) / np.where(durable, p["progression_durable"], p["progression_other"])
    hazard = rng.exponential(1, n)
    early = 90 * p["nonrelapse_early"]
    without = np.where(
        hazard <= early, hazard / p["nonrelapse_early"], 90 + (hazard - early) / p["nonrelapse_late"]
    )
    first = progression < without
    death = np.where(first, progression + rng.exponential(1 / p["death_after_progression"], n), without)
    return np.where(first, progression, np.inf), death


def _of_infused(course: dict[str, np.ndarray], infused: np.ndarray) -> dict[str, np.ndarray]:
    """Their position, calendar day of infusion, and days from infusion to death and to the end."""
    day = course["infusion"][infused]
    return {
        "patient": infused, "infused_on": course["start"][infused] + day,
        "death": course["death"][infused] - day, "end": course["end"][infused] - day,
        "reserve": course["reserve"][infused],
    }  # fmt: skip


def _patient_table(
    rng: np.random.Generator,
    p: dict[str, Any],
    course: dict[str, np.ndarray],
    infused: np.ndarray,
    grades: dict[str, np.ndarray],
) -> pl.DataFrame:
    n, start = p["n"], course["start"]
    rank = rng.random(n)  # of a patient's response among those alike, the same on both days
    return pl.DataFrame(
        {
            "patient_id": patient_ids(n, "T"),
            "birth_year": 2019 - rng.integers(25, 80, n),
            "sex": coded(("male", "female"), (rng.random(n) < 0.4).astype(int)),
            "disease": coded(
                ("DLBCL", "PMBCL", "tFL"), drawn(rng, ("D", "P", "t"), np.array([0.7, 0.1, 0.2]), n)
            ),
            "ldh_elevated": rng.random(n) < np.where(course["durable"], 0.4, 0.65),
            "bridging": rng.random(n) < 0.75,
            **laboratory_before(rng, course["reserve"], infused),
            "apheresis_date": dates(FIRST, start),
            **{
                f"{name}_date": _event_dates(start, course[name])
                for name in ("infusion", "progression", "death")
            },
            "not_infused_reason": _reasons(course),
            "last_seen": dates(FIRST, start + np.minimum(course["death"], course["end"])),
            **{f"response_day_{day}": _responses(course, rank, day) for day in DEEP},
            **{f"{name}_grade": _grades(n, infused, grades[name]) for name in grades},
        }
    )


def _event_dates(start: np.ndarray, day: np.ndarray) -> pl.Series:
    return dates(FIRST, np.where(np.isfinite(day), start + day, np.nan))


def _reasons(course: dict[str, np.ndarray]) -> pl.Series:
    """Why there was no infusion; null of those infused, and of those whose follow-up ended before."""
    known = np.isinf(course["infusion"]) & (course["reason"] >= 0)
    return pl.select(
        pl.when(pl.Series(known)).then(coded(REASONS, np.maximum(course["reason"], 0)))
    ).to_series()


def _responses(course: dict[str, np.ndarray], rank: np.ndarray, day: int) -> pl.Series:
    """Response on a day after infusion of those alive and followed to it; PD once progressed."""
    infused = np.isfinite(course["infusion"])
    on = np.where(infused, course["infusion"], 0) + day
    complete, partial = (np.where(course["durable"], *shares) for shares in DEEP[day])
    position = np.where(rank < complete, 0, np.where(rank < complete + partial, 1, 2))
    position = np.where(course["progression"] <= on, 3, position)
    seen = infused & (course["death"] > on) & (course["end"] >= on)
    return pl.select(pl.when(pl.Series(seen)).then(coded(RESPONSES, position))).to_series()


def _grades(n: int, infused: np.ndarray, grade: np.ndarray) -> pl.Series:
    values = np.full(n, np.nan)
    values[infused] = grade
    return pl.Series(values).fill_nan(None).cast(pl.Int64)
