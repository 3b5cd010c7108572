"""Patients of five haematological diagnoses with what risk scores are made of, simulated."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from .simulation import Simulation, check_count, check_shares, coded, drawn, patient_ids, truth_frame

MANTLE, LARGE, MDS, CML, TRANSPLANT = DISEASES = (
    "mantle cell lymphoma",
    "large B-cell lymphoma",
    "myelodysplastic syndrome",
    "chronic myeloid leukaemia",
    "before transplantation",
)
AGES = {MANTLE: (68, 10), LARGE: (66, 14), MDS: (73, 11), CML: (55, 16), TRANSPLANT: (54, 13)}
"""Mean and standard deviation, years."""
YOUNGEST, OLDEST = 18, 95
UPPER_LIMIT, UPPER_LIMIT_OLD, OLD = 3.4, 4.2, 70
"""Upper limits of normal of lactate dehydrogenase (ukat/L), below 70 years and from there on."""


class Measured(NamedTuple):
    """Log-normal measurements: median and standard deviation of the logarithm by disease, as reported."""

    by_disease: dict[str, tuple[float, float]]
    decimals: int
    lowest: float
    highest: float


MEASURED = {
    "ldh": Measured({MANTLE: (3.6, 0.45), LARGE: (4.5, 0.6), TRANSPLANT: (3.4, 0.4)}, 1, 1, 150),
    "leukocytes": Measured({MANTLE: (8.5, 0.8)}, 1, 0.3, 800),
    "ki67": Measured({MANTLE: (25, 0.7)}, 0, 1, 99),
    "haemoglobin": Measured({MDS: (94, 0.18)}, 0, 35, 180),
    "platelets": Measured({MDS: (110, 0.9), CML: (390, 0.6), TRANSPLANT: (140, 0.7)}, 0, 3, 3000),
    "neutrophils": Measured({MDS: (1.6, 0.9)}, 1, 0.1, 60),
    "marrow_blasts": Measured({MDS: (3, 0.9)}, 0, 0, 19),
    "blood_blasts": Measured({CML: (1, 1.0)}, 0, 0, 14),
    "spleen_cm": Measured({CML: (2, 1.3)}, 0, 0, 30),
    "creatinine": Measured({TRANSPLANT: (72, 0.3)}, 0, 25, 900),
}
GRADES: dict[str, dict[str, tuple[float, ...]]] = {
    "ecog": {MANTLE: (0.40, 0.35, 0.15, 0.07, 0.03), LARGE: (0.35, 0.33, 0.18, 0.10, 0.04)},
    "ann_arbor_stage": {MANTLE: (0, 0.03, 0.07, 0.20, 0.70), LARGE: (0, 0.20, 0.20, 0.20, 0.40)},
    "extranodal_sites": {LARGE: (0.40, 0.32, 0.16, 0.08, 0.04)},
}
"""Shares of 0, 1, 2, 3 and 4."""
CYTOGENETICS = ("very good", "good", "intermediate", "poor", "very poor")
CYTOGENETIC_SHARES = np.array([0.04, 0.68, 0.13, 0.07, 0.08])
IN_AN_ORGAN = 0.6  # of patients with an extranodal site: marrow, central nervous system, liver, gut or lung
MAY_BE_MISSING = (*MEASURED, "ecog", "extranodal_sites", "extranodal_organ", "cytogenetics")


def simulate_score_panel(n: int = 20_000, *, missing: float = 0.05, seed: int = 1) -> Simulation:
    """Simulated patients with what risk scores are made of, in the units of Swedish laboratories.

    Five diagnoses of as many patients each, with measurements that are log-normal and independent of each
    other, rounded as laboratories report them. All of it is invented: the shares of risk groups say nothing
    about patients.

    Parameters
    ----------
    n
        Patients, a fifth of each diagnosis.
    missing
        Probability that a value is missing, the same for each value and independent of everything.
    seed
        Of the random numbers; the same seed gives the same tables.

    Returns
    -------
    Simulation
        The tables of the notes, and `truth`: "median" (of "ldh, mantle cell lymphoma" and of every other
        measurement in each diagnosis that has it, before rounding) and "share missing" (of "all").

    Raises
    ------
    DataError
        For a number that is no count or no share.

    Notes
    -----
    `patients`, a row each: `patient_id`, invented text; `disease`, one of "mantle cell lymphoma", "large
    B-cell lymphoma", "myelodysplastic syndrome", "chronic myeloid leukaemia" and "before transplantation";
    `age`, completed years; `ldh`, lactate dehydrogenase (ukat/L), and `ldh_upper_limit`, that of its
    reference interval at that age; `leukocytes` (10^9/L); `ki67` (%); `haemoglobin` (g/L); `platelets` and
    `neutrophils` (10^9/L); `marrow_blasts` and `blood_blasts` (%); `spleen_cm` below the costal margin;
    `creatinine` (umol/L); `ecog`, 0 to 4; `ann_arbor_stage`, 1 to 4; `extranodal_sites`, their number;
    `extranodal_organ`, true where one is marrow, central nervous system, liver, gut or lung; `cytogenetics`,
    the five risks of the IPSS-R. What a diagnosis does not ask for is null, and so is what is missing.

    `complete`, the same patients with nothing missing: `patient_id`, `disease`, `age`, `ldh`,
    `ldh_upper_limit`, `leukocytes`, `ki67`, `haemoglobin`, `platelets`, `neutrophils`, `marrow_blasts`,
    `blood_blasts`, `spleen_cm`, `creatinine`, `ecog`, `ann_arbor_stage`, `extranodal_sites`,
    `extranodal_organ` and `cytogenetics`, as above.

    The upper limits of lactate dehydrogenase (3.4 ukat/L, from 70 years on 4.2), all medians, spreads and
    shares were chosen.

    Examples
    --------
    >>> panel = simulate_score_panel(100, seed=1)
    >>> panel["patients"]["disease"].value_counts(sort=True)["count"].to_list()
    [20, 20, 20, 20, 20]
    >>> panel.true("median", "ldh, mantle cell lymphoma")
    3.6
    """
    check_count(n, argument="n", example=20_000)
    check_count(seed, argument="seed", at_least=0, example=1)
    check_shares({"missing": missing}, ("missing",))
    rng = np.random.default_rng(seed)
    complete = _complete(rng, n)
    gaps = {name: rng.random(n) < missing for name in MAY_BE_MISSING}
    patients = complete.with_columns(
        pl.when(~pl.Series(gap)).then(pl.col(name)).alias(name) for name, gap in gaps.items()
    )
    tables = {"patients": patients, "complete": complete}
    name = f"simulated panel for risk scores, {n} patients"
    return Simulation(name, seed, {"n": n, "missing": missing}, tables, truth_frame(_truth(missing)))


def _truth(missing: float) -> dict[tuple[str, str], float]:
    medians = {
        ("median", f"{name}, {disease}"): median
        for name, measured in MEASURED.items()
        for disease, (median, _) in measured.by_disease.items()
    }
    return medians | {("share missing", "all"): missing}


def _complete(rng: np.random.Generator, n: int) -> pl.DataFrame:
    disease = np.arange(n) % len(DISEASES)
    mean, spread = np.array([AGES[name] for name in DISEASES]).T
    age = np.clip(np.floor(rng.normal(mean[disease], spread[disease])), YOUNGEST, OLDEST)
    values: dict[str, Any] = {name: _measurements(rng, of, disease) for name, of in MEASURED.items()}
    limit = np.where(age < OLD, UPPER_LIMIT, UPPER_LIMIT_OLD)
    grades = {name: _grades(rng, shares, disease) for name, shares in GRADES.items()}
    sites = grades["extranodal_sites"]
    in_organ = pl.Series((rng.random(n) < IN_AN_ORGAN) & (sites > 0))
    words = coded(CYTOGENETICS, drawn(rng, CYTOGENETICS, CYTOGENETIC_SHARES, n))
    return pl.DataFrame(
        {
            "patient_id": patient_ids(n, "S"),
            "disease": coded(DISEASES, disease),
            "age": age.astype(int),
            "ldh": values.pop("ldh"),
            "ldh_upper_limit": pl.Series(np.where(np.isin(disease, (0, 1)), limit, np.nan)).fill_nan(None),
            **values,
            **{name: pl.Series(grade).fill_nan(None).cast(pl.Int64) for name, grade in grades.items()},
            "extranodal_organ": in_organ,
            "cytogenetics": words,
        }
    ).with_columns(
        pl.when(pl.col("disease") == LARGE).then(pl.col("extranodal_organ")).alias("extranodal_organ"),
        pl.when(pl.col("disease") == MDS).then(pl.col("cytogenetics")).alias("cytogenetics"),
    )


def _measurements(rng: np.random.Generator, of: Measured, disease: np.ndarray) -> pl.Series:
    """As reported, and whole numbers where no decimals are; null in diagnoses that do not ask for it."""
    known = np.array([of.by_disease.get(name, (np.nan, np.nan)) for name in DISEASES])
    median, spread = known[disease].T
    drawn_values = median * np.exp(spread * rng.normal(size=len(disease)))
    reported = pl.Series(np.round(np.clip(drawn_values, of.lowest, of.highest), of.decimals)).fill_nan(None)
    return reported if of.decimals else reported.cast(pl.Int64)


def _grades(
    rng: np.random.Generator, shares: dict[str, tuple[float, ...]], disease: np.ndarray
) -> np.ndarray:
    """Grades from 0 to 4; NaN in diagnoses that do not ask for them."""
    grade = np.full(len(disease), np.nan)
    for name, of in shares.items():
        rows = np.flatnonzero(disease == DISEASES.index(name))
        grade[rows] = drawn(rng, ("0", "1", "2", "3", "4"), np.array(of), len(rows))
    return grade
