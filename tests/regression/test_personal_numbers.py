"""No result and no message of a regression shows the number of a person."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cox_cohorts import ROLES, cohort
from refusals import assert_refused, assert_warns

from hemresearch.errors import FormulaError
from hemresearch.personal_numbers import check_digit, find_personal_numbers
from hemresearch.regression import (
    aalen_additive,
    case_cohort,
    conditional_logistic,
    contrast,
    cox,
    firth_cox,
    parametric,
    subgroup_effects,
)

NUMBERS = ["1890" + nine[2:6] + "-" + nine[6:] + check_digit(nine) for nine in ("900101980", "900102980")]
DATA = cohort(1).with_columns(who=pl.Series(np.resize(NUMBERS, 80)))
CODED = DATA.with_columns(who=pl.col("who").cast(pl.Enum(NUMBERS)))


def assert_hidden(call, **parts):
    refusal = assert_refused(call, says=["personal number"], **parts)
    assert not find_personal_numbers(str(refusal))
    return refusal


@pytest.mark.parametrize("data", [DATA, CODED], ids=["text", "Enum"])
@pytest.mark.parametrize("covariates", ["who", ["age", "who"], "C(who, ref='x')", "age * who"])
def test_levels_are_no_persons(data, covariates):
    assert_hidden(
        lambda: cox(data, covariates, **ROLES), argument="covariates", column="who", error=FormulaError
    )


def test_neither_are_levels_without_rows():
    other = cohort(1).with_columns(group=pl.col("group").cast(pl.Enum(["a", "b", "c", *NUMBERS])))
    assert_hidden(
        lambda: cox(other, "group", **ROLES), argument="covariates", column="group", error=FormulaError
    )


@pytest.mark.parametrize("model", [firth_cox, aalen_additive])
def test_levels_of_other_models(model):
    where = {"argument": "covariates", "column": "who", "error": FormulaError}
    assert_hidden(lambda: model(DATA, "who", **ROLES), **where)
    assert_hidden(lambda: parametric(DATA, "who", distribution="gompertz", **ROLES), **where)
    assert_hidden(lambda: conditional_logistic(DATA, "who", case="event", strata="stratum"), **where)


@pytest.mark.parametrize(("model", "more"), [(cox, {}), (firth_cox, {}), (cox, {"frailty": "group"})])
def test_strata_are_no_persons(model, more):
    refusal = assert_hidden(
        lambda: model(DATA, "age", strata="who", **ROLES, **more), argument="strata", column="who"
    )
    strata = eval(refusal.remedy.removeprefix("strata="), {"pl": pl})
    assert model(DATA, "age", strata=strata, **ROLES, **more).n == 80


def test_treatments_are_no_persons():
    assert_hidden(
        lambda: subgroup_effects(DATA, "who", subgroups="group", **ROLES), argument="treatment", column="who"
    )


def test_curves_are_not_called_by_persons():
    fit = cox(DATA, "age", **ROLES)
    refusal = assert_refused(
        lambda: fit.curves(DATA.head(2), by="who"), argument="by", column="who", says=["identifies patients"]
    )
    assert not find_personal_numbers(str(refusal))


def test_what_is_new_is_counted():
    fit = cox(DATA, "group", **ROLES)
    where = {"column": "group", "rows": (1,), "error": FormulaError}
    new = pl.DataFrame({"group": NUMBERS[:1]})
    assert_hidden(lambda: fit.predict(new, times=[1]), argument="new_data", **where)
    assert_hidden(lambda: contrast(fit, {"group": NUMBERS[0]}, {"group": "a"}), argument="at", **where)


def test_rows_of_persons_may_belong_together():
    fits = [
        assert_warns(
            lambda: cox(DATA, "age", cluster="who", **ROLES),
            argument="cluster",
            column="who",
            says=["so few"],
        ),
        cox(DATA, "age", frailty="who", **ROLES),
    ]
    for fit in fits:
        told = "\n".join([repr(fit), fit.methods(), fit.text(), fit.to_frame().write_csv()])
        assert not find_personal_numbers(told)
    sample = DATA.with_columns(sub=(pl.col("patient") % 2).cast(pl.Float64))
    sample = sample.filter((pl.col("sub") == 1) | pl.col("event"))
    fit = case_cohort(sample, "age", subcohort="sub", cohort_size=80, strata="stratum", **ROLES)
    assert fit.n_subcohort == 40
