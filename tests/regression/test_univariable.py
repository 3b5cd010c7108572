"""Each covariate alone: the models that anybody would fit one by one."""

from __future__ import annotations

import polars as pl
from reference_cases import assert_close
from refusals import assert_refused

import hemresearch as hem
from hemresearch.regression import cox, univariable
from hemresearch.regression.univariable import SHOWN

MGUS = hem.data.load("mgus2")
ROLES = {"time": "futime", "event": "death", "missing": "drop"}
FORMULA = "age + C(sex, ref='M') + rcs(hgb, df=3) + log(creat)"


def test_the_models_are_those_of_cox():
    found = univariable(MGUS, FORMULA, **ROLES)
    for fit, one in zip(found.fits, FORMULA.split(" + "), strict=True):
        by_hand = cox(MGUS, one, **ROLES)
        assert fit.columns == by_hand.columns
        assert_close(fit.coef, by_hand.coef)
    assert found.to_frame()["term"].to_list() == [c for fit in found.fits for c in fit.columns]
    assert found.term_tests()["df"].to_list() == [1, 1, 3, 1]


def test_each_model_has_its_own_rows():
    found = univariable(MGUS, ["age", "hgb", "creat"], **ROLES)
    assert found.summary().select("term", "n", "n_dropped").rows() == [
        ("age", 1384, 0), ("hgb", 1371, 13), ("creat", 1354, 30),
    ]  # fmt: skip
    assert found.to_frame(exponentiate=True)["n"].to_list() == [1384, 1371, 1354]
    assert "between 1,354 and 1,384 had a value" in found.methods()
    complete = univariable(MGUS.drop_nulls(["hgb", "creat"]), ["age", "hgb"], **ROLES)
    assert "between" not in complete.methods()
    assert "n=1,3" in repr(complete)


def test_names_with_spaces_and_expressions():
    data = MGUS.rename({"creat": "serum creat"})
    found = univariable(data, "log(`serum creat`)", **ROLES)
    assert_close(found.fits[0].coef, cox(MGUS, "log(creat)", **ROLES).coef)
    old = (pl.col("age") > 70).alias("old")
    assert univariable(data, [old, "serum creat"], **ROLES).fits[0].columns == ("old[True]",)


def test_what_is_said():
    found = univariable(MGUS, "age + sex", **ROLES)
    assert found.text().startswith(
        "hazard ratios, each covariate alone: age: 1.06 (95% CI 1.05–1.07), p<0.001; sex[M]"
    )
    lines = repr(found).splitlines()
    assert lines[0] == "Cox models of 2 covariates, each alone: n=1,384"
    assert lines[1].startswith("  age: hazard ratio 1.06")
    decades = univariable(MGUS.with_columns(pl.col("age") // 10), "C(age) + sex + hgb", **ROLES)
    left = sum(len(fit.coef) for fit in decades.fits) - SHOWN
    assert left > 0
    assert f"and {left} more" in repr(decades)
    curves = univariable(MGUS.drop_nulls(), "rcs(age, df=5) + rcs(hgb, df=5)", **ROLES)
    assert [line.split(":")[0].strip() for line in repr(curves).splitlines()[1:3]] == [
        "rcs(age, df=5)", "rcs(hgb, df=5)",
    ]  # fmt: skip


def test_refusals():
    assert_refused(lambda: univariable(MGUS, "age * sex", **ROLES), argument="covariates", says=["'age:sex'"])
    assert_refused(lambda: univariable(MGUS, "1", **ROLES), argument="covariates", says=["no covariate"])
    assert_refused(
        lambda: univariable(MGUS, "hgb", time="futime", event="death"), argument="covariates", column="hgb",
        rows=MGUS.with_row_index(offset=1).filter(pl.col("hgb").is_null())["index"].to_list(),
    )  # fmt: skip
