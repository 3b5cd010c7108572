"""Tables of the simulated switch of prophylaxis, as a register exports them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from .haemophilia_truth import SURGERY_DAYS
from .simulation import coded, dates, patient_ids

FIRST_SWITCH, LAST_SWITCH = date(2019, 1, 1), date(2021, 12, 31)


def _switch_dates(
    who: dict[str, np.ndarray], days: np.ndarray, patient: np.ndarray | None = None
) -> pl.Series:
    switch = who["switch"] if patient is None else who["switch"][patient]
    return dates(FIRST_SWITCH, switch + days)


def patient_table(rng: np.random.Generator, who: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row for each patient."""
    n = len(who["switch"])
    return pl.DataFrame(
        {
            "patient_id": patient_ids(n, "H"),
            "birth_year": 2019 - rng.integers(12, 70, n),
            "haemophilia": pl.repeat("A", n, eager=True),
            "severity": pl.repeat("severe", n, eager=True),
            "centre": coded(("A", "B", "C", "D"), who["centre"]),
            "switch_date": _switch_dates(who, np.zeros(n)),
            "last_seen": _switch_dates(who, who["days_after"]),
        }
    )


def regimen_table(who: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row for each patient and regimen."""
    n = len(who["switch"])
    zero = np.zeros(n)
    parts = [
        pl.DataFrame(
            {
                "patient_id": patient_ids(n, "H"),
                "regimen": pl.repeat(regimen, n, eager=True),
                "product": pl.repeat(product, n, eager=True),
                "start": _switch_dates(who, start),
                "stop": _switch_dates(who, stop),
            }
        )
        for regimen, product, start, stop in (
            ("before", "factor VIII", -who["days_before"], zero),
            ("after", "emicizumab", zero, who["days_after"]),
        )
    ]
    return pl.concat(parts).sort("patient_id", "start")


def surgery_table(who: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row for each window of surgery."""
    ids = patient_ids(len(who["switch"]), "H")
    parts = []
    for start in (who["surgery_before"] - who["days_before"], who["surgery_after"]):
        patient = np.flatnonzero(np.isfinite(start))
        parts.append(
            pl.DataFrame(
                {
                    "patient_id": ids.gather(patient),
                    "start": _switch_dates(who, start[patient], patient),
                    "stop": _switch_dates(who, start[patient] + SURGERY_DAYS, patient),
                }
            )
        )
    return pl.concat(parts).sort("patient_id", "start")


def _moments(who: dict[str, np.ndarray], patient: pl.Series, day: pl.Series) -> pl.Series:
    """Day and minute, the first day after the switch being day 0."""
    whole = day.floor()
    midnight = _switch_dates(who, whole.to_numpy() + 1, patient.to_numpy()).cast(pl.Datetime("us"))
    minutes = ((day - whole) * 1440).floor().cast(pl.Int64)
    return pl.select(midnight + pl.duration(minutes=pl.lit(minutes))).to_series()


def bleed_table(rows: pl.DataFrame, treatments: pl.DataFrame, who: dict[str, np.ndarray]) -> pl.DataFrame:
    """One row for each report of a bleed."""
    at = _moments(who, rows["patient"], rows["day"])
    last = treatments.group_by("bleed_id").agg(last_treated_at=pl.col("treated_at").max()).sort("bleed_id")
    return pl.DataFrame(
        {
            "bleed_id": np.arange(1, len(rows) + 1),
            "patient_id": patient_ids(len(who["switch"]), "H").gather(rows["patient"]),
            "bleed_date": at.dt.date(),
            "bleed_at": at,
            **{name: rows[name] for name in ("regimen", "site", "joint", "cause")},
            "last_treated_at": last["last_treated_at"],
            "continues": rows["continues"],
        }
    )


def treatment_table(rng: np.random.Generator, rows: pl.DataFrame, who: dict[str, np.ndarray]) -> pl.DataFrame:
    """One to three infusions for each bleed, and one for a bleed reported again."""
    number = np.where(rows["continues"].to_numpy(), 1, rng.integers(1, 4, len(rows)))
    index = np.repeat(np.arange(len(rows)), number)
    nth = np.arange(len(index)) - np.repeat(np.cumsum(number) - number, number)
    taken = rows.select("patient", "treated", "site")[pl.Series(index)]
    return pl.DataFrame(
        {
            "bleed_id": index + 1,
            "patient_id": patient_ids(len(who["switch"]), "H").gather(taken["patient"]),
            "treated_at": _moments(who, taken["patient"], taken["treated"] + 0.5 * nth),
            "site": taken["site"],
            "dose_iu_kg": rng.choice([25, 30, 40, 50], len(taken)),
        }
    ).sort("patient_id", "treated_at", maintain_order=True)


def activity_table(rng: np.random.Generator, who: dict[str, np.ndarray]) -> pl.DataFrame:
    """Trough activity every 90 days, lower in those who bleed more."""
    parts = []
    for regimen, first, level in (("before", -who["days_before"], 1.5), ("after", np.zeros(1), 4.0)):
        visits = np.floor(who[f"days_{regimen}"] / 90).astype(int)
        patient = np.repeat(np.arange(len(visits)), visits)
        nth = np.arange(len(patient)) - np.repeat(np.cumsum(visits) - visits, visits)
        day = np.broadcast_to(first, visits.shape)[patient] + 90.0 * nth
        typical = np.log(level) - 0.2 * np.log(np.maximum(who["frailty"][patient], 1e-3))
        for assay, shift in (("one-stage", 0.0), ("chromogenic", -0.1)):
            value = np.exp(typical + shift + rng.normal(0, 0.25, len(patient)))
            parts.append(
                pl.DataFrame(
                    {
                        "patient_id": patient_ids(len(visits), "H").gather(patient),
                        "sample_date": _switch_dates(who, day, patient),
                        "regimen": pl.repeat(regimen, len(patient), eager=True),
                        "assay": pl.repeat(assay, len(patient), eager=True),
                        "activity_iu_dl": np.round(value, 1),
                    }
                )
            )
    return pl.concat(parts).sort("patient_id", "sample_date", "assay")
