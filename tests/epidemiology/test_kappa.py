"""Kappa: psych's and epiR's numbers, categories in order, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.epidemiology import kappa
from hemresearch.numerics.agreement import credit

ROLES = {"raters": ["first", "second"], "weights": "n"}
LIMITS = ["conf_low", "estimate", "conf_high"]
ORDER = ["none", "mild", "moderate", "severe"]


def ratings(matrix: list[list[float]]) -> pl.DataFrame:
    rows = [(i, j, n) for i, row in enumerate(matrix) for j, n in enumerate(row)]
    return pl.DataFrame(rows, schema=["first", "second", "n"], orient="row")


def row(data: pl.DataFrame, place: int = 1, **options) -> dict:
    return kappa(data, **ROLES, **options).to_frame().row(place, named=True)


@pytest.mark.parametrize("case_id", ["kappa_2x2", "kappa_4x4_weighted"])
def test_matches_psych_and_epir(reference, case_id):
    case = reference("epidemiology", case_id)
    data, values = ratings(case.options["m"]), case.values
    plain, linear, quadratic = (row(data, weighting=w) for w in ("none", "linear", "quadratic"))
    assert_close(
        [plain["estimate"], plain["std_error"]], [values["kappa"], values["se_unweighted"]], rel=1e-9
    )
    assert_close([plain[name] for name in LIMITS], values["confid_psych"]["data"][0], rel=1e-9)
    assert_close(quadratic["estimate"], values["kappa_quadratic"], rel=1e-9)
    assert_close(linear["estimate"], values["kappa_linear"], rel=1e-10)
    test = values["epiR_fleiss"]["z"]
    assert_close(
        [plain["statistic"], plain["p_value"]], [test["test.statistic"][0], test["p.value"][0]], rel=1e-9
    )
    assert_close(row(data, 0)["estimate"], values["epiR_fleiss"]["prop.agree"]["obs"][0])


@pytest.mark.parametrize("weighting", ["linear", "quadratic"])
def test_the_weighted_error_is_that_of_the_paper(reference, weighting):
    case = reference("tables", f"kappa_{weighting}")
    found = row(ratings(case.options["m"]), weighting=weighting)
    assert_close(
        [found["estimate"], found["std_error"]], [case.values["kappa"], case.values["se"]], rel=1e-10
    )


def test_the_weighted_error_of_psych_has_a_slip(reference):
    """It takes p_i. times the sum of w_ij over j for the sum of w_ij p_j.; so written we get its number."""
    case = reference("epidemiology", "kappa_4x4_weighted")
    count = np.array(case.options["m"], dtype=float)
    n, share, weight = count.sum(), count / count.sum(), credit(4, "quadratic")
    row_share, column_share = share.sum(axis=1), share.sum(axis=0)
    observed, chance = (weight * share).sum(), row_share @ weight @ column_share
    slip = (weight @ column_share)[:, None] + (row_share * weight.sum(axis=1))[None, :]
    spread = (share * (weight * (1 - chance) - slip * (1 - observed)) ** 2).sum()
    error = np.sqrt((spread - (observed * chance - 2 * chance + observed) ** 2) / n) / (1 - chance) ** 2
    assert_close(error, case.values["se_quadratic"], rel=1e-9)


def test_rows_of_subjects_words_and_groups(reference):
    data = ratings(reference("epidemiology", "kappa_4x4_weighted").options["m"])
    whole = kappa(data, **ROLES, weighting="linear")
    assert whole.n == data["n"].sum()
    assert whole.to_frame()["term"].to_list() == ["agreement", "linearly weighted kappa"]
    subjects = data.select(pl.col("first", "second").repeat_by("n")).explode("first", "second")
    assert_frame_equal(
        kappa(subjects.lazy(), raters=["first", "second"], weighting="linear").to_frame(), whole.to_frame()
    )
    words = data.with_columns(
        pl.col("first", "second").replace_strict(dict(enumerate(ORDER)), return_dtype=pl.Enum(ORDER))
    )
    assert_frame_equal(kappa(words, **ROLES, weighting="linear").to_frame(), whole.to_frame())
    spread = data.with_columns(pl.col("first", "second") * 10)  # places count, not values
    assert_frame_equal(kappa(spread, **ROLES, weighting="linear").to_frame(), whole.to_frame())
    text = words.with_columns(pl.col("first", "second").cast(pl.String))
    assert_close(row(text)["estimate"], row(data)["estimate"])
    two = pl.concat([data.with_columns(site=pl.lit(s)) for s in "AB"])
    by_site = kappa(two, **ROLES, by="site", weighting="linear").to_frame()
    assert_frame_equal(by_site.filter(pl.col("site") == "B").drop("site"), whole.to_frame())


def test_levels_that_nobody_used_count_for_the_distance():
    order = pl.Enum(["a", "b", "c", "d", "e"])
    data = pl.DataFrame({"first": list("aabb"), "second": list("abab"), "n": [20, 5, 3, 20]})
    enum = data.with_columns(pl.col("first", "second").cast(order))
    plain, weighted = row(enum), row(enum, weighting="linear")
    assert_close(weighted["estimate"], plain["estimate"])  # two neighbours: all credits move alike


def test_refusals():
    data = ratings([[5, 1], [2, 8]])
    for raters in (["first"], "first", ["first", "second", "n"]):
        assert_refused(lambda r=raters: kappa(data, raters=r), argument="raters", says=["two columns"])
    assert_refused(lambda: kappa(data, **ROLES, weighting="cubic"), argument="weighting")
    mixed = data.with_columns(second=pl.col("second").cast(pl.String))
    assert_refused(lambda: kappa(mixed, **ROLES), argument="raters", column="second", says=["Int64"])
    text = data.with_columns(pl.col("first", "second").cast(pl.String))
    assert_refused(
        lambda: kappa(text, **ROLES, weighting="linear"), argument="raters", column="first", says=["order"]
    )
    assert_refused(
        lambda: kappa(data, raters=["first", "first"]), argument="raters", column="first", says=["twice"]
    )


def test_categories_that_are_written_differently_warn():
    data = pl.DataFrame({"first": ["pos", "neg"], "second": ["Positive", "Negative"], "n": [9, 8]})
    found = assert_warns(
        lambda: kappa(data, **ROLES), argument="raters", column="second", says=["no category in common"]
    )
    assert found.to_frame()["estimate"].to_list() == [0.0, 0.0]


def test_one_category_warns():
    one = pl.concat(
        [
            ratings([[5, 1], [2, 8]]).with_columns(site=pl.lit("A")),
            ratings([[7, 0], [0, 0]]).with_columns(site=pl.lit("B")),
        ]
    )
    frame = assert_warns(
        lambda: kappa(one, **ROLES, by="site"), argument="raters", says=["in 'B'"]
    ).to_frame()
    assert frame["estimate"].to_list()[2:] == [1.0, None]
    alike = pl.DataFrame({"first": [1, 2], "second": [1, 2], "n": [4, 4]})
    found = row(alike)
    assert (found["estimate"], found["conf_low"], found["conf_high"]) == pytest.approx((1, 1, 1))
