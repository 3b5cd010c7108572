"""Categories of response: scales, criteria from counts, and the best of each patient."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from refusals import assert_refused

import hemresearch as hem
from hemresearch.hematology import response
from hemresearch.hematology.response.scales import SCALES, Scale

START = date(2024, 1, 1)
NO = pl.lit(False)


def day(n: int | None) -> date | None:
    return None if n is None else START + timedelta(days=n)


def visits(*rows: tuple) -> pl.DataFrame:
    """Patient, day, response, and the day that ends what counts."""
    whole = [(p, day(d), r, day(u[0] if u else None)) for p, d, r, *u in rows]
    schema = {"patient": pl.String, "seen": pl.Date, "found": pl.String, "end": pl.Date}
    return pl.DataFrame(whole, schema=schema, orient="row")


def best(data, scale="lugano", **options):
    return response.best_response(data, id="patient", date="seen", response="found", scale=scale, **options)


def first_best(data, scale="lugano", **options):
    """Category, day and number of assessments of the first patient."""
    _, level, seen, n = best(data, scale, **options).row(0)
    return level, None if seen is None else (seen - START).days, n


# --- scales ----------------------------------------------------------------------------------------------


def test_scales_are_ordered_from_the_best_and_end_with_not_evaluable():
    assert response.scale("lugano") == pl.Enum(["CR", "PR", "SD", "PD", "NE"])
    mixed = pl.Series(["PD", "sCR", "NE", "VGPR"]).cast(response.scale("imwg"))
    assert mixed.sort().to_list() == ["sCR", "VGPR", "PD", "NE"]
    for name, one in SCALES.items():
        assert response.scale(name).categories.to_list() == [*one.levels, "NE"]
    assert_refused(lambda: response.scale("recist"), argument="scale", says=["'lugano'"])


def test_every_category_is_described_with_a_source():
    table = response.describe()
    assert table["scale"].unique(maintain_order=True).to_list() == list(SCALES)
    assert table["source"].null_count() == 0
    myeloma = table.filter(scale="imwg", is_response=True)["category"].to_list()
    assert myeloma == ["sCR", "CR", "VGPR", "PR", "MR"]
    assert set(table.filter("is_progression")["category"]) == {"PD", "PMD"}


def test_two_recovered_lineages_are_better_than_one():
    """IWG 2023, table 2 and the second case of table 4: haemoglobin and platelets of CR make a CRbi."""
    limited = [level for level in response.scale("iwg_mds").categories if level in ("CRuni", "CRbi", "CRh")]
    assert limited == ["CRbi", "CRuni", "CRh"]


def test_a_scale_of_ones_own():
    own = Scale(("good", "some", "none"), stable="none")
    frame = pl.DataFrame({"r": ["some", "good"]}).with_columns(response.as_response("r", own))
    assert frame["r"].dtype == pl.Enum(["good", "some", "none", "NE"])
    for wrong in (
        {"levels": ("a", "a"), "stable": "a"},
        {"levels": ("a", "NE"), "stable": "a"},
        {"levels": ("a", "b"), "stable": "c"},
        {"levels": ("a", "b"), "stable": "b", "progression": ("d",)},
    ):
        assert_refused(lambda w=wrong: Scale(**w), argument="levels")


def test_labels_and_codes_become_categories():
    frame = pl.DataFrame({"r": ["CR", "partial", None, "not done"], "n": [1, 2, 1, 9]})
    codes = {"partial": "PR", "not done": "NE"}
    by_text = response.as_response("r", "lugano", codes)
    by_number = response.as_response(pl.col("n"), "lugano", {1: "CR", 2: "PR", 9: "NE"})
    for table in (frame, frame.lazy()):
        made = table.with_columns(by_text, by_number).lazy().collect()
        assert made["r"].to_list() == ["CR", "PR", None, "NE"]
        assert made["n"].to_list() == ["CR", "PR", "CR", "NE"]
        assert made.schema["n"] == response.scale("lugano")
    missing = frame.with_columns(by_text.fill_null("NE"))
    assert missing["r"].to_list() == ["CR", "PR", "NE", "NE"]


def test_unknown_values_are_counted_and_not_shown():
    frame = pl.DataFrame({"r": ["CR", "Greta", "cr", "Greta", None]})
    made = response.as_response("r", "lugano")
    refusal = assert_refused(
        lambda: frame.with_columns(made),
        argument="response",
        column="r",
        rows=[2, 3, 4],
        says=["3 values (2 different)", "codes="],
    )
    assert "Greta" not in str(refusal)
    with pytest.raises(hem.errors.DataError):
        frame.lazy().with_columns(made).collect()
    assert_refused(
        lambda: response.as_response("r", "lugano", {"x": "VGPR"}), argument="codes", says=["'VGPR'"]
    )
    assert_refused(lambda: response.as_response("r", "Lugano"), argument="scale")


# --- acute myeloid leukaemia ------------------------------------------------------------------------------


def aml(blasts, anc, platelets, blood=False, outside=False, before=None, both_low="MLFS") -> str:
    """The category of one patient."""
    schema = {"b": float, "a": float, "p": float, "c": bool, "e": bool, "z": float}
    row = pl.DataFrame([(blasts, anc, platelets, blood, outside, before)], schema=schema, orient="row")
    return response.eln_aml(
        row, blasts="b", neutrophils="a", platelets="p", circulating_blasts="c", extramedullary="e",
        baseline_blasts="z", both_low=both_low,
    )["response"][0]  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "category"),
    [
        ((4.9, 1.0, 100), "CR"), ((5.0, 1.0, 100, False, False, 8), "NR"), ((0, 0.99, 100), "CRh"),
        ((0, 1.0, 99), "CRh"), ((0, 0.5, 50), "CRh"), ((0, 0.49, 100), "CRi"), ((0, 1.0, 49), "CRi"),
        ((0, 0.49, 99), "MLFS"), ((0, 0.9, 49), "MLFS"), ((0, 1.0, 100, True), "NR"),
        ((0, 1.0, 100, False, True), "NR"), ((5, 1.0, 100, False, False, 10), "PR"),
        ((25, 1.0, 100, False, False, 50), "PR"), ((25, 1.0, 100, False, False, 49), "NR"),
        ((25.1, 1.0, 100, False, False, 90), "NR"), ((10, 0.9, 100, False, False, 50), "NR"),
        ((10, 1.0, 100, True, False, 50), "NR"), ((60, 0.1, 9, True, False, 50), "NR"),
    ],
)  # fmt: skip
def test_aml_by_the_boundaries_of_the_criteria(measured, category):
    assert aml(*measured) == category


def test_the_two_readings_of_incomplete_recovery_differ_where_both_counts_are_low():
    assert aml(0, 0.49, 99, both_low="CRi") == "CRi"
    assert aml(0, 0.9, 60, both_low="CRi") == aml(0, 0.9, 60) == "CRh"
    frame = pl.DataFrame({"b": [1]})
    call = {"blasts": "b", "neutrophils": "b", "platelets": "b", "circulating_blasts": NO}
    assert_refused(
        lambda: response.eln_aml(frame, **call, extramedullary=NO, both_low=None), argument="both_low"
    )


@pytest.mark.parametrize(
    ("measured", "category"),
    [
        ((None, 1.0, 100), "NE"), ((2, None, 100), "NE"), ((2, 1.0, None), "NE"), ((2, 1.0, 100, None), "NE"),
        ((2, 1.0, 100, False, None), "NE"),
        ((2, 0.3, None), "NE"),  # MLFS or CRi
        ((2, None, 100, True), "NR"),  # whatever the neutrophils are
        ((40, None, None), "NR"), ((10, 1.0, 100), "NE"),  # a PR or none, without the blasts before
        ((2, float("nan"), 100), "NE"),
    ],
)  # fmt: skip
def test_who_lacks_what_decides_is_not_evaluable(measured, category):
    assert aml(*measured) == category


def test_without_blasts_before_treatment_nobody_has_a_partial_remission():
    frame = pl.DataFrame({"b": [12], "a": [2.0], "p": [150], "c": [0], "e": [0]})
    call = {
        "blasts": "b",
        "neutrophils": "a",
        "platelets": "p",
        "circulating_blasts": "c",
        "extramedullary": "e",
    }
    for table in (frame, frame.lazy()):
        made = response.eln_aml(table, **call, both_low="CRi", name="eln")
        assert isinstance(made, type(table))
        assert made.lazy().collect().row(0) == (12, 2.0, 150, 0, 0, "NR")
    unknown = frame.with_columns(a=None, p=pl.lit(None, dtype=pl.Float64), b=pl.lit(1), c=None)
    assert response.eln_aml(unknown, **call, both_low="CRi")["response"].to_list() == ["NE"]


def test_measurements_that_cannot_be_are_refused():
    frame = pl.DataFrame(
        {"b": [12.0, 101.0], "a": [2.0, 1500.0], "p": [150, -1], "c": ["no", "yes"], "z": 1.0}
    )

    def call(**columns):
        usual = {"blasts": "z", "neutrophils": "z", "platelets": "z", "circulating_blasts": NO}
        return response.eln_aml(frame, **{**usual, "extramedullary": NO, "both_low": "CRi"} | columns)

    assert_refused(lambda: call(blasts="b"), argument="blasts", column="b", rows=[2], says=["above 100"])
    assert_refused(lambda: call(baseline_blasts="b"), argument="baseline_blasts", column="b", rows=[2])
    assert_refused(
        lambda: call(neutrophils="a"),
        argument="neutrophils",
        column="a",
        rows=[2],
        says=["pl.col('a') / 1000"],
    )
    assert_refused(lambda: call(platelets="p"), argument="platelets", column="p", rows=[2], says=["below 0"])
    assert_refused(lambda: call(blasts="c"), argument="blasts", column="c", says=["text"])
    assert_refused(lambda: call(circulating_blasts="c"), argument="circulating_blasts", column="c")
    assert_refused(lambda: call(extramedullary="a"), argument="extramedullary", column="a")
    assert_refused(lambda: call(platelets=["a", "p"]), argument="platelets", says=["2 columns"])
    assert_refused(lambda: call(name="b"), argument="name", column="b", says=["already"])
    assert_refused(lambda: call(name=""), argument="name", says=["not a name"])


# --- chronic myeloid leukaemia ----------------------------------------------------------------------------

BOUNDS = {"MR4.5": 0.0032, "MR4": 0.01, "MMR": 0.1, "<=1%": 1.0, "<=10%": 10.0}


def molecular(values, evaluable=None) -> list[str]:
    frame = pl.DataFrame({"is": values} | ({} if evaluable is None else {"ok": evaluable}))
    made = response.cml_molecular(frame, bcr_abl="is", evaluable=None if evaluable is None else "ok")
    assert made["response"].dtype == response.scale("cml_molecular")
    return made["response"].to_list()


@pytest.mark.parametrize("dtype", [pl.Float64, pl.Float32])
def test_a_boundary_belongs_to_the_deeper_response_and_nothing_is_rounded(dtype):
    levels = [*BOUNDS, ">10%"]
    at = pl.Series(list(BOUNDS.values()), dtype=dtype)
    assert molecular(at) == levels[:-1]
    above = np.nextafter(at.to_numpy(), np.inf)
    assert molecular(pl.Series(above)) == levels[1:]
    assert molecular([0.0, 0.104, 0.0951, 100.0, None, float("nan")]) == [
        "MR4.5",
        "<=1%",
        "MMR",
        ">10%",
        "NE",
        "NE",
    ]
    assert molecular([0, 1, 2]) == ["MR4.5", "<=1%", "<=10%"]


def test_a_poor_sample_is_no_deep_response():
    assert molecular([0.0, 0.0, 0.0, 0.05], [True, False, None, True]) == ["MR4.5", "NE", "NE", "MMR"]
    assert_refused(lambda: molecular([-0.1, 2.0]), argument="bcr_abl", column="is", rows=[1])
    assert_refused(lambda: molecular([0.1], ["good"]), argument="evaluable", column="ok")


# --- the best response ------------------------------------------------------------------------------------


def test_the_best_of_each_patient_in_the_order_of_the_data():
    data = visits(
        ("b", 60, "PR"), ("b", 0, "SD"), ("b", 120, "PR"), ("a", 0, "PD"), ("c", None, None), ("d", 5, "NE"),
        ("e", 30, "CR"), ("e", 60, "NE"),
    )  # fmt: skip
    expected = [
        ("b", "PR", day(60), 3), ("a", "PD", day(0), 1), ("c", "NE", None, 0), ("d", "NE", None, 0),
        ("e", "CR", day(30), 1),
    ]  # fmt: skip
    assert best(data).rows() == expected
    assert best(data).columns == ["patient", "best_response", "response_date", "n_assessments"]
    assert best(data)["best_response"].dtype == response.scale("lugano")
    lazy = best(data.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().rows() == expected
    assert best(data.to_pandas()).rows() == expected


def test_what_is_after_progression_or_the_next_therapy_does_not_count():
    assert first_best(visits(("a", 0, "SD"), ("a", 30, "PD"), ("a", 90, "CR"))) == ("SD", 0, 2)
    later = visits(("a", 0, "SD", 40), ("a", 40, "PR", 40), ("a", 41, "CR", 40))
    assert first_best(later, until="end") == ("PR", 40, 2)
    assert first_best(later) == ("CR", 41, 3)
    assert first_best(visits(("a", 50, "CR", 40)), until="end") == ("NE", None, 0)
    # a scale without progression has none
    assert first_best(visits(("a", 0, ">10%"), ("a", 9, "MMR")), "cml_molecular") == ("MMR", 9, 2)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, "CR"), (28, "CR")], ("CR", 0)),
        ([(0, "CR"), (27, "CR")], ("SD", 0)),
        ([(0, "PR"), (28, "CR")], ("PR", 0)),
        ([(0, "PR"), (28, "CR"), (60, "CR")], ("CR", 28)),
        ([(0, "CR"), (30, "PR")], ("PR", 0)),
        ([(0, "CR"), (10, "SD"), (30, "CR")], ("SD", 0)),
        ([(0, "CR"), (10, "NE"), (30, "CR")], ("CR", 0)),
        ([(0, "CR"), (30, "NE"), (60, "CR")], ("CR", 0)),
        ([(0, "PR"), (30, "PD"), (60, "PR")], ("SD", 0)),
        ([(0, "PD")], ("PD", 0)),
        ([(0, "NE")], ("NE", None)),
        ([(0, "CR")], ("SD", 0)),
    ],
)
def test_confirmation_by_hand(rows, expected):
    assert first_best(visits(*(("a", *row) for row in rows)), confirm=28)[:2] == expected


def confirmed_one_by_one(rows, scale, days):
    """The same by loops over pairs of one patient's assessments."""
    one = SCALES[scale]
    stable = one.place(one.stable)
    seen = sorted((d, one.place(r)) for d, r in rows if r != "NE")
    ends = [d for d, p in seen if one.levels[p] in one.progression]
    seen = [(d, p) for d, p in seen if not ends or d <= ends[0]]
    found = [max(p, stable) for _, p in seen]
    for i, (d, _) in enumerate(seen):
        for j in range(i + 1, len(seen)):
            if seen[j][0] - d >= days:
                worst = max(p for _, p in seen[i : j + 1])
                found += [worst] if worst < stable else []
    return one.levels[min(found)] if found else "NE"


@pytest.mark.parametrize("scale", ["imwg", "cml_molecular", "eln_aml"])
@pytest.mark.parametrize("days", [1, 28])
def test_confirmation_equals_the_search_of_all_pairs(scale, days):
    rng = random.Random(20260101)
    levels = [*SCALES[scale].levels, "NE"]
    patients = {
        str(i): list(zip(rng.sample(range(200), n), rng.choices(levels, k=n), strict=True))
        for i, n in enumerate(rng.choices(range(1, 9), k=150))
    }
    data = visits(*((p, *row) for p, rows in patients.items() for row in rows))
    made = best(data.sample(fraction=1, shuffle=True, seed=1), scale, confirm=days)
    found = dict(made.select("patient", "best_response").rows())
    assert found == {p: confirmed_one_by_one(rows, scale, days) for p, rows in patients.items()}
    free = dict(best(data, scale).select("patient", pl.col("best_response").to_physical()).rows())
    strict = dict(made.select("patient", pl.col("best_response").to_physical()).rows())
    assert all(free[p] <= strict[p] for p in patients)


def test_the_day_is_that_of_the_time_zone():
    data = visits(("a", 0, "SD", 9), ("a", 9, "PR", 9))
    early = pl.col("seen", "end").cast(pl.Datetime).dt.offset_by("20m").dt.replace_time_zone("Asia/Tokyo")
    assert_frame_equal(best(data.with_columns(early), until="end"), best(data, until="end"))


def test_contradictions_are_refused():
    def refused(*rows, **expected):
        options = {"until": "end"} if expected["argument"] == "until" else {}
        assert_refused(lambda: best(visits(*rows), **options), **expected)

    refused(
        ("a", 0, "CR"), ("a", None, "PR"), argument="date", column="seen", rows=[2], says=["no date in 1 row"]
    )
    refused(("a", 0, "CR"), ("a", 0, "PR"), ("b", 0, "PR"), argument="response", column="found", rows=[1, 2])
    refused(("a", 0, "CR", 5), ("a", 9, "PR"), argument="until", column="end", rows=[1, 2])
    refused(("a", 0, "good"), argument="response", column="found", rows=[1])
    assert first_best(visits(("a", 0, "CR"), ("a", 0, "CR"), ("a", 0, "NE"))) == ("CR", 0, 1)
    text = visits(("a", 0, "CR")).with_columns(pl.col("seen").cast(pl.String))
    assert_refused(lambda: best(text), argument="date", column="seen", says=["str.to_date()"])
    for wrong in (0, "a month", float("inf")):
        assert_refused(lambda w=wrong: best(visits(("a", 0, "CR")), confirm=w), argument="confirm")


def test_the_family_lists_its_functions():
    assert dir(hem.hematology.response) == sorted(response.__all__)
