"""A treatment in subgroups, against R and by what must hold."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

import hemresearch as hem
from hemresearch.plots import layout_problems
from hemresearch.regression import compare, cox, subgroup_effects

VETERAN = hem.data.load("veteran")
ROLES = {"time": "time", "event": "status"}


@pytest.mark.parametrize("case_id", reference_cases("subgroups"))
def test_matches_r(reference, case_id):
    case = reference("subgroups", case_id)
    o = case.options
    found = subgroup_effects(
        case.data,
        o["treatment"],
        subgroups=o["subgroups"],
        covariates=o.get("covariates"),
        ties=o["ties"],
        strata=o.get("strata"),
        **{role: case.role(role) for role in ("time", "event", "entry", "cluster", "weights")},
    ).frame
    numbers = ("n", "n_event", "estimate", "std_error")
    for name in numbers:
        assert_close(found[name][0], case.values["overall"][name], rel=1e-6)
    for variable in case.values["subgroups"]:
        rows = found.filter(subgroup=variable["variable"])
        assert rows["level"].to_list() == [level["level"] for level in variable["levels"]]
        for name in numbers:
            assert_close(rows[name], [level[name] for level in variable["levels"]], rel=1e-6)
        assert_close(rows["p_interaction"], [variable["p_interaction"]] * rows.height, rel=1e-6)


def test_the_pieces_are_models_anybody_can_fit():
    found = subgroup_effects(VETERAN, "trt", subgroups="celltype", covariates="karno", **ROLES).frame
    for level, estimate in found.filter(subgroup="celltype").select("level", "estimate").iter_rows():
        part = VETERAN.filter(pl.col("celltype") == level)
        assert_close(cox(part, "trt + karno", **ROLES).coef[0], estimate, rel=1e-8)
    models = [cox(VETERAN, f"trt {sign} celltype + karno", **ROLES) for sign in "+*"]
    assert_close(compare(*models).p_value, found["p_interaction"][1], rel=1e-7)


def test_effects_that_are_the_same_and_that_differ():
    rng = np.random.default_rng(11)
    arm, sex = rng.integers(0, 2, 800), rng.integers(0, 2, 800)
    for differ in (False, True):
        hazard = np.exp(-0.7 * arm * (sex if differ else 1))
        data = pl.DataFrame(
            {
                "arm": arm == 1,
                "sex": np.where(sex == 1, "F", "M"),
                "t": rng.exponential(1 / hazard),
                "e": True,
            }
        )
        found = subgroup_effects(data, "arm", subgroups="sex", time="t", event="e")
        assert (found.interactions()["p_interaction"][0] < 0.01) is differ
        assert found.treatment == "arm True against False"


def test_a_covariate_that_is_the_subgroup_variable_leaves_its_levels():
    alone = subgroup_effects(VETERAN, "trt", subgroups="celltype", covariates="karno", **ROLES).frame
    for covariates in ("celltype + karno", ["celltype", "karno"]):
        both = subgroup_effects(VETERAN, "trt", subgroups="celltype", covariates=covariates, **ROLES).frame
        assert_close(both["estimate"][1:], alone["estimate"][1:])
        assert_close(both["p_interaction"][1:], alone["p_interaction"][1:], rel=1e-7)
        assert both["estimate"][0] != alone["estimate"][0]
    crossed = subgroup_effects(
        VETERAN, "trt", subgroups="celltype", covariates="karno * celltype", **ROLES
    ).frame
    assert_close(crossed["estimate"][1:], alone["estimate"][1:])
    models = [cox(VETERAN, f"trt {sign} celltype + karno*celltype", **ROLES) for sign in "+*"]
    assert_close(compare(*models).p_value, crossed["p_interaction"][1], rel=1e-7)


def test_what_does_not_vary_within_a_level_is_left_out():
    data = VETERAN.with_columns(
        kind=pl.when(pl.col("prior") == 0).then(pl.lit("none")).when(pl.col("age") < 60).then(pl.lit("young"))
        .otherwise(pl.lit("old")), twice=2 * pl.col("karno"),
    )  # fmt: skip
    found = subgroup_effects(data, "trt", subgroups="prior", covariates="kind + karno", **ROLES).frame
    for level, covariates in ((0, "trt + karno"), (10, "trt + kind + karno")):
        part = cox(data.filter(pl.col("prior") == level), covariates, **ROLES)
        assert_close(found.filter(level=str(level))["estimate"][0], part.coef[0], rel=1e-8)
    assert_refused(
        lambda: subgroup_effects(data, "trt", subgroups="prior", covariates="karno + twice", **ROLES),
        argument="covariates", says=["linear combination"],
    )  # fmt: skip


def test_only_the_subgroup_variable_among_the_covariates():
    alone = subgroup_effects(VETERAN, "trt", subgroups="celltype", **ROLES).frame
    same = subgroup_effects(VETERAN, "trt", subgroups="celltype", covariates=["celltype"], **ROLES).frame
    assert_close(same["estimate"][1:], alone["estimate"][1:])


def test_expressions_and_enums():
    middle = pl.when(pl.col("karno") > 40).then(pl.lit("middle")).otherwise(pl.lit("low"))
    stage = pl.when(pl.col("karno") > 70).then(pl.lit("high")).otherwise(middle).alias("status_group")
    found = subgroup_effects(VETERAN, "trt", subgroups=[stage, "prior"], **ROLES)
    rows = found.frame.filter(subgroup="status_group")
    assert set(rows["level"]) == {"low", "middle", "high"}
    assert rows["n"].sum() == 137


def test_missing_values_cost_a_variable_only_its_own_rows():
    data = VETERAN.with_columns(
        prior=pl.when(pl.int_range(pl.len()) < 7).then(None).otherwise("prior"),
        trt=pl.when(pl.int_range(pl.len()) >= 134).then(None).otherwise("trt"),
    )
    found = subgroup_effects(data, "trt", subgroups=["prior", "celltype"], missing="drop", **ROLES)
    sums = dict(found.frame.group_by("subgroup").agg(pl.sum("n")).iter_rows())
    assert sums == {"Overall": 134, "prior": 127, "celltype": 134}
    assert found.n_dropped == 3
    assert found.n_missing == {"prior": 7}
    assert "7 more rows without prior" in repr(found)
    assert "3 rows with missing values left out" in repr(found)


def test_levels_that_say_nothing_have_counts_and_no_estimate():
    data = VETERAN.with_columns(
        site=pl.when(pl.int_range(pl.len()) < 4)
        .then(pl.lit("A"))
        .when(pl.col("prior") == 0)
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
    )
    found = subgroup_effects(data, "trt", subgroups="site", **ROLES).frame
    assert found["estimate"].to_list()[1] is None
    assert found["n"].to_list()[1] == 4
    rest = subgroup_effects(data.filter(pl.col("site") != "A"), "trt", subgroups="site", **ROLES).frame
    assert_close(found["p_interaction"][1], rest["p_interaction"][1])
    one = subgroup_effects(data.filter(pl.col("site") != "C"), "trt", subgroups="site", **ROLES).frame
    assert one["p_interaction"].null_count() == one.height


def test_an_infinite_effect_is_told_once_and_drawn():
    data = pl.DataFrame(
        {
            "arm": ["a", "b"] * 12, "site": ["X"] * 8 + ["Y"] * 16,
            "t": [float(t) for t in range(1, 25)], "e": [True, False] * 4 + [True] * 16,
        }
    )  # fmt: skip
    found = assert_warns(
        lambda: subgroup_effects(data, "arm", subgroups="site", time="t", event="e"),
        argument="covariates", says=["'arm in site X'"],
    )  # fmt: skip
    assert layout_problems(found.plot(width=115).figure) == []
    assert 0 < found.frame["p_interaction"][1] < 1


def test_text_and_methods():
    found = subgroup_effects(VETERAN, "trt", subgroups=["prior", "celltype"], **ROLES)
    assert found.text() == (
        "hazard ratio of trt 2 against 1 1.02 (95% CI 0.71–1.45); "
        "interaction with prior p=0.087; celltype p=0.042"
    )
    assert "likelihood-ratio" in found.methods()
    robust = subgroup_effects(VETERAN, "trt", subgroups="prior", cluster="age", **ROLES)
    assert "robust Wald" in robust.methods()
    lines = repr(found).splitlines()
    assert lines[0] == "Hazard ratios of trt 2 against 1: n=137, events=128"
    assert lines[1] == "  Overall: 1.018 (0.7144 to 1.45)"
    assert lines[2].endswith("p interaction 0.08731")
    assert len(lines) <= 11


def test_the_forest_shows_every_level():
    ax = subgroup_effects(VETERAN, "trt", subgroups=["prior", "celltype"], **ROLES).plot(width=170)
    assert layout_problems(ax.figure) == []
    texts = [" ".join(t.get_text().split()) for t in ax.texts]
    assert texts[texts.index("Overall") + 1 : texts.index("Overall") + 3] == ["128/137", "1.02 (0.71–1.45)"]
    assert texts[texts.index("celltype") + 1] == "0.042"
    assert len(ax.patches) == 1


def test_columns_may_be_called_as_ours():
    data = VETERAN.rename({"trt": "treatment", "celltype": "subgroup"})
    found = subgroup_effects(data, "treatment", subgroups="subgroup", covariates="karno", **ROLES).frame
    same = subgroup_effects(VETERAN, "trt", subgroups="celltype", covariates="karno", **ROLES).frame
    assert_close(found["estimate"], same["estimate"])
    assert_close(found["p_interaction"], same["p_interaction"])


def test_ratios():
    found = subgroup_effects(VETERAN, "trt", subgroups="prior", **ROLES)
    ratios = found.to_frame(exponentiate=True)
    assert "std_error" not in ratios.columns
    assert_close(ratios["conf_low"].log(), found.to_frame()["conf_low"])


@pytest.mark.parametrize(
    ("treatment", "subgroups", "argument", "column", "says"),
    [
        ("celltype", "prior", "treatment", "celltype", ["4 values"]),
        ("trt", "age", "subgroups", "age", [">= cut", "different values"]),
        ("trt", [], "subgroups", None, ["no column"]),
        ("trt", "celltypes", "subgroups", "celltypes", ["did you mean"]),
        ("trt", [pl.col("age") > 60], "subgroups", "age", ["name of its own"]),
    ],
)
def test_what_cannot_be_compared_is_refused(treatment, subgroups, argument, column, says):
    assert_refused(
        lambda: subgroup_effects(VETERAN, treatment, subgroups=subgroups, **ROLES),
        argument=argument, column=column, says=says,
    )  # fmt: skip


def test_dates_and_missing_values_are_refused():
    dated = VETERAN.with_columns(day=pl.date(2020, 1, 1) + pl.duration(days=pl.col("age")))
    assert_refused(
        lambda: subgroup_effects(dated, "trt", subgroups="day", **ROLES), argument="subgroups", column="day",
        says=["dates or times"],
    )  # fmt: skip
    gaps = VETERAN.with_columns(pl.when(pl.int_range(pl.len()) > 1).then("trt"))
    assert_refused(
        lambda: subgroup_effects(gaps, "trt", subgroups="prior", **ROLES), argument="treatment", column="trt",
        rows=[1, 2],
    )  # fmt: skip


def test_a_subgroup_that_is_a_stratum_has_no_effect_of_its_own_beside_it():
    data = VETERAN.with_columns(test=(pl.col("trt") == 2).cast(pl.Float64))
    data = data.with_columns(
        pl.when(celltype=kind).then("test").otherwise(0.0).alias(kind)
        for kind in ("large", "smallcell", "squamous")
    )
    effects = subgroup_effects(data, "trt", subgroups="celltype", strata="celltype", **ROLES)
    alone, both = (
        cox(data, terms, strata="celltype", **ROLES)
        for terms in ("test", "test + large + smallcell + squamous")
    )
    assert_close(effects.interactions()["p_interaction"][0], compare(alone, both).p_value, rel=1e-6)
    apart = subgroup_effects(data, "trt", subgroups="celltype", **ROLES).to_frame()
    assert_close(effects.to_frame()["estimate"][1:], apart["estimate"][1:], rel=1e-8)
