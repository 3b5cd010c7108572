"""Each threshold of each score in the catalogue: just below, at, and just above it.

What is expected stands in `score_thresholds.py`, which was typed from the definitions and not from the code:
a threshold of the catalogue that is not there fails, and so does one that is there and not in the catalogue.
"""

from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest
from score_patients import patients
from score_thresholds import THRESHOLDS

from hemresearch.hematology import scores
from hemresearch.hematology.scores.documented import SCORES
from hemresearch.hematology.scores.inputs import Quantity
from hemresearch.hematology.scores.items import Values

CATALOGUE = scores.thresholds().select("score", "input", "threshold").unique(maintain_order=True).rows()
WITH_THRESHOLDS = sorted({name for name, _, _ in CATALOGUE})


def test_the_expectations_are_those_of_the_catalogue():
    assert {(s, i, float(c)) for s, i, c in THRESHOLDS} == set(CATALOGUE)


@pytest.mark.parametrize("name", WITH_THRESHOLDS)
def test_below_at_and_above_each_threshold_of_an_input(name):
    """The score (of a grading without one: the group); all else is as good as can be, or as stated."""
    expected = {(of, cut): e for (n, of, cut), e in THRESHOLDS.items() if n == name and of != "score"}
    definition = SCORES[name]
    best = pl.DataFrame({i.name: [i.best] * 3 for i in definition.inputs})
    rows = [
        best.with_columns(pl.Series(of, _around_input(name, of, cut), dtype=pl.Float64), **_others(e))
        for (of, cut), e in expected.items()
    ]
    if rows:
        result = (
            pl.concat(rows, how="vertical_relaxed").select(getattr(scores, name)().alias("s")).unnest("s")
        )
        values = result["score" if definition.has_score else "group"].to_list()
        found = [tuple(_rounded(v) for v in values[i : i + 3]) for i in range(0, len(values), 3)]
        assert dict(zip(expected, found, strict=True)) == {at: e[:3] for at, e in expected.items()}


@pytest.mark.parametrize("name", WITH_THRESHOLDS)
def test_below_at_and_above_each_threshold_of_the_score(name):
    """The group, which may ask for other inputs too: those are as good as can be, or as stated."""
    expected = {cut: e for (n, of, cut), e in THRESHOLDS.items() if n == name and of == "score"}
    definition = SCORES[name]
    found = {}
    for cut, e in expected.items():
        rows = pl.DataFrame({i.name: [i.best] * 3 for i in definition.inputs}).with_columns(**_others(e))
        x = Values({column: pl.col(column) for column in [*rows.columns, "score"]})
        x = Values(x | {item.name: item.points(x) for item in definition.items})
        around = rows.with_columns(score=pl.Series(_around(cut, _small(cut))))
        found[cut] = tuple(around.select(definition.groups.of(x).alias("group"))["group"])
    assert found == {cut: e[:3] for cut, e in expected.items()}


def _others(expected: tuple) -> dict[str, pl.Expr]:
    """Other inputs, where they are not as good as can be."""
    return {name: pl.lit(value) for name, value in (expected[3] if expected[3:] else {}).items()}


def _around_input(name: str, of: str, cut: float) -> list[float]:
    """Three values within what is possible: the next whole numbers of what is counted."""
    quantity = next(i.quantity for i in SCORES[name].inputs if i.name == of)
    low, high = quantity.possible
    return [min(max(x, low), high) for x in _around(cut, 1 if quantity.whole else _small(cut))]


def _small(cut: float) -> float:
    """Far more than what rounding does to a number at the threshold, and less than anybody measures."""
    return 1e-6 * max(1.0, abs(cut))


def _around(cut: float, step: float) -> list[float]:
    return [cut - step, cut, cut + step]


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


# what goes into a formula, or is points already, changes the score everywhere
CONTINUOUS = {
    "mipi": {"age_years", "ldh_ratio_to_uln", "wbc_1e9_per_l"},
    "mipi_b": {"age_years", "ldh_ratio_to_uln", "wbc_1e9_per_l", "ki67_percent"},
    "sokal": {"age_years", "spleen_cm_below_costal_margin", "platelets_1e9_per_l", "pb_blasts_percent"},
    "euro_hasford": {"spleen_cm_below_costal_margin", "pb_blasts_percent", "eosinophils_percent"},
    "eutos": {"basophils_percent", "spleen_cm_below_costal_margin"},
    "elts": {"age_years", "spleen_cm_below_costal_margin", "platelets_1e9_per_l", "pb_blasts_percent"},
    "ipss_m": {"hb_g_per_dl", "platelets_1e9_per_l", "bone_marrow_blasts_percent"},
    "ipss_ra": {"ipss_r_score", "age_years"},
    "mysec_pm": {"age_years"},
    "easix": {"ldh_u_per_l", "creatinine_mg_per_dl", "platelets_1e9_per_l"},
    "m_easix": {"ldh_u_per_l", "crp_mg_per_dl", "platelets_1e9_per_l"},
    "s_easix": {"ldh_u_per_l", "platelets_1e9_per_l"},
    "annualised_bleeding_rate": {"bleeds", "exposure_days"},
    "isth_bat": {"total_score"},
    "four_ts": {
        "thrombocytopenia_points", "timing_points", "thrombosis_points", "other_cause_points",
    },
}  # fmt: skip
STEPPED = [
    (name, i.name)
    for name, definition in sorted(SCORES.items())
    for i in definition.inputs
    if i.kind == "number" and i.name not in CONTINUOUS.get(name, ())
]


@pytest.mark.parametrize(("name", "of"), STEPPED)
def test_nothing_changes_between_thresholds(name, of):
    """A threshold that the catalogue does not declare would be a jump between two that it does."""
    definition = SCORES[name]
    cuts = [cut for cut in definition.thresholds if cut.input == of]
    values = _dense(next(i.quantity for i in definition.inputs if i.name == of), [c.cut for c in cuts])
    # between which thresholds a value lies: how many are below it, or are it and count
    above = [values > c.cut if c.side in (">", "<=") else values >= c.cut for c in cuts]
    between = np.sum([np.zeros(len(values)), *above], axis=0).astype(int)
    grid = pl.DataFrame({of: values, "between": between})
    others = patients(definition, 8, np.random.default_rng(20)).drop(of).with_row_index("patient")
    found = others.join(grid, how="cross").with_columns(getattr(scores, name)().alias("found"))
    results = pl.struct(pl.col("found").struct.field("score", "group"))
    differing = (
        found.group_by("patient", "between").agg(results.n_unique().alias("n")).filter(pl.col("n") > 1)
    )
    assert differing.is_empty()


def _dense(quantity: Quantity, cuts: list[float]) -> np.ndarray:
    """Values over all that is possible, more of them where patients are, and around each threshold."""
    low, high = quantity.possible
    if quantity.whole:
        return np.arange(low, min(high, 40) + 1)
    ends = [low, *sorted({*cuts, *quantity.usual}), high]
    pieces = [np.linspace(a, b, 12) for a, b in itertools.pairwise(ends)]
    return np.unique(np.concatenate(pieces))


@pytest.mark.parametrize(
    ("of", "end", "beyond", "before"),
    [
        ("platelets_1e9_per_l", 250, 900, 249),
        ("bone_marrow_blasts_percent", 20, 29, 19),
        ("hb_g_per_dl", 20, 21, 19),
        ("hb_g_per_dl", 4, 3, 5),
    ],
)
def test_numbers_of_ipss_m_count_up_to_an_end(of, end, beyond, before):
    """As in the program of the authors, where haemoglobin is kept within 4 and 20 g/dL."""
    best = {i.name: [i.best] * 3 for i in SCORES["ipss_m"].inputs}
    at, further, nearer = pl.DataFrame(best | {of: [end, beyond, before]}).select(
        scores.ipss_m().struct.field("score")
    )["score"]
    assert at == further
    assert at != nearer
