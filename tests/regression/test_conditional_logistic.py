"""Conditional logistic regression: R's clogit, pairs by hand, and what does not matter to sets."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.errors import FormulaError
from hemresearch.regression import conditional_logistic

SETS = pl.DataFrame(
    {
        "set": [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4],
        "case": [1, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1],
        "x": [2.0, 1.0, 3.0, 4.0, 1.0, 0.0, 2.0, 3.0, 1.0, 2.5, 0.0, 1.0],
        "z": [0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 1, 0],
    }
)
ROLES = {"case": "case", "strata": "set"}


def fitted(case, covariates=None, **arguments):
    roles = {name: case.role(name) for name in ("case", "strata", "cluster", "weights", "offset")}
    terms = covariates or " + ".join(case.options["terms"])
    return conditional_logistic(case.data, terms, **roles, method=case.options["method"], **arguments)


@pytest.mark.filterwarnings("ignore:.*has 3 clusters, and a robust variance of so few")
@pytest.mark.parametrize("case_id", reference_cases("clogit"))
def test_matches_clogit(reference, case_id):
    case = reference("clogit", case_id)
    values = case.values
    fit = fitted(case)
    assert_close(fit.coef, list(values["coef"].values()), rel=1e-7)
    assert_close(fit.cov, values["var"], rel=1e-6)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], values["loglik"], rel=1e-10)
    expected = [values["lr_test"], values["wald_test"], values["score_test"]]
    assert_close(fit.tests()["statistic"], expected, rel=1e-6)
    assert (fit.n_sets, fit.n_sets_left_out) == (values["n_sets"], values["n_sets_left_out"])
    assert fit.variance == ("robust" if "naive_var" in values else "model-based")


@pytest.mark.parametrize("case_id", ["clogit_logan", "clogit_logan_efron"])
def test_matches_clogit_for_choices_of_an_occupation(reference, case_id):
    case = reference("cox", case_id)
    fit = fitted(case, "tocc * education")
    assert fit.columns[:4] == ("tocc[farm]", "tocc[operatives]", "tocc[professional]", "tocc[sales]")
    names = ("farm", "operatives", "professional", "sales")
    theirs = case.values["coef"]
    assert_close(fit.coef[:4], [theirs[f"tocc{name}"] for name in names], rel=1e-7)
    assert_close(fit.std_error[:4], [case.values["se"][f"tocc{name}"] for name in names], rel=1e-6)
    # education does not vary within the set: R leaves out its effect on sales, we that on craftsmen
    against = theirs["tocccraftsmen:education"]
    slopes = [theirs[f"tocc{name}:education"] or 0.0 for name in names]
    assert_close(fit.coef[4:], [slope - against for slope in slopes], rel=1e-7)
    assert_close(fit.std_error[7], case.values["se"]["tocccraftsmen:education"], rel=1e-6)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], case.values["loglik"], rel=1e-10)
    expected = [case.values["wald_test"], case.values["score_test"]]
    assert_close(fit.tests()["statistic"][1:], expected, rel=1e-6)


def test_an_effect_of_a_matching_variable_is_left_to_the_sets(reference):
    case = reference("clogit", "clogit_infert_interaction")
    product = fitted(case, "spontaneous * education")
    assert product.columns == (
        "spontaneous", "spontaneous:education[6-11yrs]", "spontaneous:education[12+ yrs]",
    )  # fmt: skip
    assert product.terms == {"spontaneous": slice(0, 1), "spontaneous:education": slice(1, 3)}
    assert_close(product.coef, fitted(case).coef, rel=1e-12)
    assert_close(product.design.apply(case.data), product.design.matrix)
    assert product.term_tests()["df"].to_list() == [1.0, 2.0]


def test_pairs_are_a_ratio_of_discordant_pairs():
    # exposed case and unexposed control in 7 pairs, the other way round in 3; 5 pairs agree
    exposure = [(1, 0)] * 7 + [(0, 1)] * 3 + [(1, 1)] * 2 + [(0, 0)] * 3
    pairs = pl.DataFrame(
        {
            "pair": [i for i in range(15) for _ in range(2)],
            "case": [1, 0] * 15,
            "exposed": [e for pair in exposure for e in pair],
        }
    )
    fit = conditional_logistic(pairs, "exposed", case="case", strata="pair")
    assert_close(fit.to_frame(exponentiate=True)["estimate"], [7 / 3], rel=1e-10)
    assert_close(fit.std_error, [np.sqrt(1 / 7 + 1 / 3)], rel=1e-7)
    assert_close(fit.tests()["statistic"][2], (7 - 3) ** 2 / (7 + 3), rel=1e-12)  # McNemar
    assert_close(fit.log_likelihood, 7 * np.log(0.7) + 3 * np.log(0.3) + 5 * np.log(0.5), rel=1e-12)


def test_pairs_are_a_logistic_regression_of_differences():
    pairs = pl.DataFrame({"set": [1, 1, 2, 2, 3, 3], "case": [1, 0, 1, 0, 0, 1]})
    pairs = pairs.with_columns(x=pl.Series([2.0, 1.0, 4.0, 1.0, 1.0, 0.5]))
    x = np.array([1.0, 3.0, -0.5])  # case less control
    fit = conditional_logistic(pairs, "x", **ROLES)
    p = 1 / (1 + np.exp(-fit.coef[0] * x))
    assert abs(((1 - p) * x).sum()) < 1e-9
    assert_close(fit.cov[0, 0], 1 / (p * (1 - p) * x**2).sum(), rel=1e-6)


@pytest.mark.parametrize("method", ["exact", "efron", "breslow"])
def test_with_one_case_a_set_the_methods_agree(method, dataset):
    women = dataset("bdendo")
    fit = conditional_logistic(women, ["gall", "est"], case="d", strata="set", method=method)
    exact = conditional_logistic(women, ["gall", "est"], case="d", strata="set")
    assert_close(fit.coef, exact.coef, rel=1e-10)
    assert_close(fit.cov, exact.cov, rel=1e-9)


@st.composite
def matched(draw):
    """Sets with a case and a control at least, and an exposure and an age that vary within some of them."""
    n_sets = draw(st.integers(4, 8))
    rows = []
    for s in range(n_sets):
        more = draw(st.lists(st.booleans(), max_size=3))
        rows += [
            (s, case, draw(st.integers(0, 1)), draw(st.integers(20, 60)) / 8) for case in [True, False, *more]
        ]
    return pl.DataFrame(rows, schema=["set", "case", "exposed", "age"], orient="row")


def fit_or_skip(data, covariates=("age",), **arguments):
    """The fit, where every covariate has a case above and a case below controls of the same set."""
    joined = data.filter("case").join(data.filter(~pl.col("case")), on="set")
    for name in covariates:
        sign = joined[name] - joined[f"{name}_right"]
        assume((sign > 0).any() and (sign < 0).any())
    return conditional_logistic(data, list(covariates), **ROLES, **arguments)


@settings(max_examples=25)
@given(matched(), st.randoms(use_true_random=False))
@pytest.mark.parametrize("method", ["exact", "efron"])
def test_neither_the_order_of_rows_nor_names_of_sets_nor_a_shift_within_sets_matter(method, data, random):
    first = fit_or_skip(data, method=method)
    order = list(range(data.height))
    random.shuffle(order)
    moved = data[order].with_columns(pl.col("age") + 100 * pl.col("set"), -3 * pl.col("set"))
    again = conditional_logistic(moved, ["age"], **ROLES, method=method)
    assert_close(again.coef, first.coef, rel=1e-6, at_zero=1e-8)
    assert_close(again.log_likelihood, first.log_likelihood, rel=1e-9)


@settings(max_examples=25)
@given(matched(), st.floats(-1, 1))
@pytest.mark.parametrize("method", ["exact", "breslow"])
def test_what_moves_into_the_offset_leaves_the_coefficient(method, data, part):
    whole = fit_or_skip(data, method=method)
    shifted = fit_or_skip(data.with_columns(known=part * pl.col("age")), method=method, offset="known")
    assert_close(shifted.coef[0] + part, whole.coef[0], rel=1e-6, at_zero=1e-8)
    assert_close(shifted.log_likelihood, whole.log_likelihood, rel=1e-9)


@settings(max_examples=25)
@given(matched())
def test_cases_and_controls_exchanged_turn_the_exact_effect(data):
    first = fit_or_skip(data)
    turned = conditional_logistic(data.with_columns(~pl.col("case")), ["age"], **ROLES)
    assert_close(turned.coef, -first.coef, rel=1e-6, at_zero=1e-8)
    assert_close(turned.std_error, first.std_error, rel=1e-6)


@settings(max_examples=15)
@given(matched())
@pytest.mark.parametrize("method", ["exact", "efron"])
def test_sets_without_a_case_or_a_control_change_nothing_but_are_counted(method, data):
    first = fit_or_skip(data, method=method)
    silent = pl.DataFrame(
        {
            "set": [90, 90, 91, 91, 92],
            "case": [True, True, False, False, True],
            "exposed": 1,
            "age": [9.0, 1, 7, 3, 2],
        }
    )
    more = conditional_logistic(
        pl.concat([silent, data], how="vertical_relaxed"), ["age"], **ROLES, method=method
    )
    assert_close(more.coef, first.coef, rel=1e-10)
    assert (more.n, more.n_event, more.n_sets) == (first.n, first.n_event, first.n_sets)
    assert more.n_sets_left_out == 3
    assert ", 3 without a case or a control left out" in repr(more)
    assert more.summary()["n_sets_left_out"].to_list() == [3]


def with_few_clusters(data, covariates, **options):
    """A fit with clusters `c`, of whose number it warns."""
    return assert_warns(
        lambda: conditional_logistic(data, covariates, **ROLES, cluster="c", **options),
        argument="cluster",
        column="c",
        says=["a robust variance of so few is too small"],
    )


def test_every_set_twice_halves_the_variance():
    again = pl.concat([SETS, SETS.with_columns(pl.col("set") + 10)])
    once, twice = (conditional_logistic(data, "x + z", **ROLES) for data in (SETS, again))
    assert_close(twice.coef, once.coef, rel=1e-9)
    assert_close(twice.cov, once.cov / 2, rel=1e-7)
    assert_close(twice.log_likelihood, 2 * once.log_likelihood, rel=1e-12)
    pairs = again.with_columns(c=pl.col("set") % 10)
    clustered = with_few_clusters(pairs, "x + z")
    assert_close(clustered.cov, conditional_logistic(SETS, "x + z", **ROLES, robust=True).cov, rel=1e-7)


def test_a_whole_weight_of_a_control_is_that_many_controls():
    weighted = SETS.with_columns(w=pl.Series([1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 2, 1]))
    repeated = weighted.select(pl.all().repeat_by("w")).explode(pl.all())
    fits = [
        conditional_logistic(weighted, "x", **ROLES, weights="w", method="breslow"),
        conditional_logistic(repeated, "x", **ROLES, method="breslow"),
    ]
    assert_close(fits[0].coef, fits[1].coef, rel=1e-9)
    assert_close(fits[0].cov, fits[1].cov, rel=1e-7)
    assert (fits[0].n, fits[0].n_event) == (fits[1].n, fits[1].n_event) == (17.0, 5.0)


def test_a_row_of_weight_zero_is_nobody():
    weighted = SETS.with_columns(w=pl.Series([1] * 10 + [1, 0]))
    fit = conditional_logistic(weighted, "x", **ROLES, weights="w", method="efron")
    assert_close(fit.coef, conditional_logistic(SETS.head(10), "x", **ROLES, method="efron").coef, rel=1e-10)
    assert fit.n_sets_left_out == 1


def test_the_robust_variance_of_sets_is_the_same_by_rows_where_each_has_one_case(dataset):
    women = dataset("infert")
    arguments = {"case": "case", "strata": "stratum", "robust": True}
    robust = [
        conditional_logistic(women, "spontaneous + induced", **arguments, method=method)
        for method in ("exact", "efron")
    ]
    assert_close(robust[0].cov, robust[1].cov, rel=1e-9)
    by_set = conditional_logistic(
        women, "spontaneous + induced", case="case", strata="stratum", cluster="stratum"
    )
    assert_close(by_set.cov, robust[0].cov, rel=1e-12)
    assert robust[0].variance == "robust"


def test_the_robust_variance_of_the_exact_likelihood_is_that_of_numerical_scores():
    fit = conditional_logistic(SETS, "x", **ROLES, robust=True)
    b, step, scores = fit.coef[0], 1e-5, []
    for s in range(1, 5):
        own = SETS.filter(pl.col("set") == s)
        values = [_by_subsets(own, b + h) for h in (step, -step)]
        scores.append((values[0] - values[1]) / (2 * step))
    naive = conditional_logistic(SETS, "x", **ROLES).cov[0, 0]
    assert_close(fit.cov[0, 0], naive**2 * np.square(scores).sum(), rel=1e-6)


def _by_subsets(own, b):
    from itertools import combinations

    x, case = own["x"].to_numpy(), own["case"].to_numpy() == 1
    sums = [b * sum(subset) for subset in combinations(x, int(case.sum()))]
    return b * x[case].sum() - np.log(np.exp(sums).sum())


def test_several_columns_make_the_sets_and_text_means_a_case():
    data = SETS.with_columns(
        centre=pl.Series(list("aaabbbaaaabb")),
        number=pl.Series([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]),
        status=pl.col("case").replace_strict({1: "leukaemia", 0: "healthy"}),
    )
    fit = conditional_logistic(data, "x", case="status", event_value="leukaemia", strata=["centre", "number"])
    assert_close(fit.coef, conditional_logistic(SETS, "x", **ROLES).coef, rel=1e-12)
    number = (pl.col("number") + 10 * (pl.col("centre") == "a")).alias("of_set")
    by_expression = conditional_logistic(data, "x", case=pl.col("status") == "leukaemia", strata=number)
    assert_close(by_expression.coef, fit.coef, rel=1e-12)


def test_the_result_tells_what_it_is():
    fit = conditional_logistic(SETS, "x + z", **ROLES)
    lines = repr(fit).splitlines()
    assert lines[0] == "conditional logistic regression: n=12, events=5"
    assert lines[1].startswith("  x: odds ratio ")
    assert lines[-1].endswith(
        "; exact conditional likelihood, 4 matched sets, model-based variance, 95% limits"
    )
    assert fit.text("x").startswith("odds ratio of x ")
    assert fit.methods().startswith("Odds ratios were estimated by conditional logistic regression (exact")
    assert fit.tests()["test"].to_list() == ["likelihood ratio", "Wald", "score"]
    assert fit.tests().columns == ["test", "statistic", "df", "p_value"]
    assert fit.slim().tests().equals(fit.tests())


def test_missing_values_are_named_or_dropped():
    holes = SETS.with_columns(x=pl.when(pl.int_range(pl.len()) == 1).then(None).otherwise("x"))
    assert_refused(
        lambda: conditional_logistic(holes, "x", **ROLES),
        argument="covariates",
        column="x",
        rows=[2],
        says=["missing"],
    )
    fit = conditional_logistic(holes, "x", **ROLES, missing="drop")
    assert fit.n_dropped == 1
    assert_close(fit.coef, conditional_logistic(holes.drop_nulls(), "x", **ROLES).coef)


def test_a_case_is_true_or_false():
    refusal = assert_refused(
        lambda: conditional_logistic(SETS.with_columns(pl.col("case") + 1), "x", **ROLES),
        argument="case",
        column="case",
        says=["the values 1, 2"],
    )
    assert refusal.remedy == "event_value=2 if 2 is the event, or event_value=1"


def test_no_set_with_a_case_and_a_control_is_refused():
    alike = SETS.with_columns(case=pl.col("set") > 2)
    assert_refused(
        lambda: conditional_logistic(alike, "x", **ROLES),
        argument="case",
        column="case",
        says=["both a case and a control in none of the 4 sets"],
    )


@pytest.mark.parametrize("argument", ["covariates", "strata"])
def test_a_model_without_covariates_or_sets_is_refused(argument):
    given = {"covariates": "x", "strata": "set", argument: []}
    assert_refused(
        lambda: conditional_logistic(SETS, case="case", **given),
        argument=argument,
        says=["no column was given"],
    )
    if argument == "strata":
        assert_refused(
            lambda: conditional_logistic(SETS, "x", case="case", strata=None),
            argument="strata",
            says=["no column was given"],
        )


def test_a_covariate_that_is_constant_within_sets_is_refused():
    data = SETS.with_columns(region=0.1 * pl.col("set"), sex=pl.Series(list("FFFMMMFFFFMM")))
    for name, column in (("region", "region"), ("sex", "sex[M]")):
        refusal = assert_refused(
            lambda name=name: conditional_logistic(data, f"x + {name}", **ROLES),
            argument="covariates",
            says=[f"{column!r} is the same for all members of every set"],
        )
        assert refusal.remedy == f"covariates=... without {column!r}"


def test_a_level_seen_only_where_nothing_is_compared_is_refused():
    silent = pl.DataFrame({"set": [9, 9], "case": [1, 1], "x": [1.0, 2.0], "z": [0, 1]})
    data = pl.concat([SETS, silent]).with_columns(
        g=pl.when(pl.col("set") == 9)
        .then(pl.lit("c"))
        .when(pl.col("z") == 1)
        .then(pl.lit("b"))
        .otherwise(pl.lit("a"))
    )
    assert_refused(
        lambda: conditional_logistic(data, "g", **ROLES),
        argument="covariates",
        says=["'g[c]' is the same for all"],
    )


def test_a_covariate_that_follows_from_another_within_sets_is_refused():
    data = SETS.with_columns(also=2 * pl.col("x") + pl.col("set") * 7)
    assert_refused(
        lambda: conditional_logistic(data, "x + z + also", **ROLES),
        argument="covariates",
        says=["'also' is a linear combination of 'x'"],
    )


def test_a_combination_that_is_constant_within_sets_is_a_linear_one():
    data = SETS.with_columns(y=pl.col("set") - pl.col("x"))
    assert_refused(
        lambda: conditional_logistic(data, "x + y", **ROLES), argument="covariates", says=["'y' is a linear"]
    )


def test_weights_with_the_exact_likelihood_are_refused():
    assert_refused(
        lambda: conditional_logistic(SETS, "x", **ROLES, weights="z"),
        argument="weights",
        column="z",
        says=["has no weights", "method='efron'"],
    )


def test_clusters_that_cut_through_sets_of_several_cases_are_refused():
    data = SETS.with_columns(c=pl.Series([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 5, 5]))
    assert_refused(
        lambda: conditional_logistic(data, "x", **ROLES, cluster="c"),
        argument="cluster",
        column="c",
        rows=[10],
        says=["members are in different clusters"],
    )
    assert with_few_clusters(data, "x", method="efron").variance == "robust"
    one_case = data.filter(pl.col("set") != 3)
    shared = one_case.with_columns(c=pl.Series([1, 2, 3, 4, 2, 5, 6, 7]))  # one control of two sets
    by_rows = with_few_clusters(shared, "x", method="breslow")
    assert_close(with_few_clusters(shared, "x").cov, by_rows.cov)


def test_a_single_cluster_is_refused():
    data = SETS.with_columns(c=1)
    for method in ("exact", "efron"):
        assert_refused(
            lambda method=method: conditional_logistic(data, "x", **ROLES, cluster="c", method=method),
            argument="cluster",
            column="c",
            says=["a robust variance is one between clusters", "robust=False"],
        )
    assert conditional_logistic(data, "x", **ROLES, cluster="c", robust=False).variance == "model-based"


def test_no_more_clusters_than_coefficients_leave_a_singular_variance():
    silent = pl.DataFrame({"set": [9, 9], "case": [0, 0], "x": [1.0, 2.0], "z": [0, 1], "c": [7, 8]})
    data = pl.concat([SETS.with_columns(c=pl.col("set") % 2).cast(silent.schema), silent])
    for method in ("exact", "efron"):
        assert_warns(
            lambda method=method: conditional_logistic(data, "x + z", **ROLES, cluster="c", method=method),
            argument="cluster",
            column="c",
            says=["2 clusters for 2 coefficients"],
        )


def test_one_column_for_a_role_and_a_known_method():
    assert_refused(
        lambda: conditional_logistic(SETS, "x", case=["case", "z"], strata="set"),
        argument="case",
        says=["2 columns"],
    )
    assert_refused(
        lambda: conditional_logistic(SETS, "x", **ROLES, method="exactly"),
        argument="method",
        says=["'exact'"],
    )
    with pytest.raises(FormulaError, match="~"):
        conditional_logistic(SETS, "case ~ x", **ROLES)


@pytest.mark.parametrize("method", ["exact", "efron"])
def test_a_likelihood_that_grows_without_end_names_the_covariate(method):
    data = SETS.with_columns(always=pl.col("case") + pl.col("set"))
    assert_warns(
        lambda: conditional_logistic(data, "always", **ROLES, method=method),
        argument="covariates",
        says=[
            "grows without end along 'always': its odds ratio is estimated as infinity",
            "(in every set the cases have its extreme value)",
            "with fewer terms",
        ],
    )


def test_large_sets_with_many_cases():
    rng = np.random.default_rng(4)
    data = pl.DataFrame({"set": np.repeat([1, 2], 300), "x": rng.normal(size=600)})
    data = data.with_columns(case=pl.Series(rng.random(600) < 1 / (1 + np.exp(-data["x"].to_numpy()))))
    fit = conditional_logistic(data, "x", **ROLES)
    assert abs(fit.coef[0] - 1) < 3 * fit.std_error[0]
    assert np.isfinite(fit.log_likelihood)
