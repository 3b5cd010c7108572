"""Case-cohort samples: R's cch, whole cohorts as samples, and the cohort a sample was drawn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from reference_cases import assert_close, reference_cases
from refusals import assert_refused, assert_warns

from hemresearch.errors import DataWarning
from hemresearch.regression import compare, contrast, cox, effect_table, ph_test, split_episodes, trend_test
from hemresearch.regression.case_cohort import CaseCohortFit, case_cohort

ROLES = {"time": "t", "event": "e"}
METHODS = {"prentice": "prentice", "selfprentice": "self-prentice", "linying": "lin-ying"}


def cohort(seed=1, n=400, fraction=0.3, ties=False):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.integers(0, 2, n)
    t = rng.exponential(np.exp(-0.7 * x + 0.5 * z)) * 20
    end = rng.uniform(1, 6, n)
    time = np.minimum(t, end)
    return pl.DataFrame(
        {
            "t": np.ceil(time * 4) if ties else time,
            "e": t <= end,
            "x": x,
            "z": z,
            "centre": rng.integers(0, 2, n),
            "sub": rng.permutation(n) < fraction * n,
        }
    )


def sampled(data):
    return data.filter(pl.col("sub") | pl.col("e"))


def fit(data, covariates="x + z", **options):
    return case_cohort(data, covariates, **ROLES, **({"subcohort": "sub", "cohort_size": 400} | options))


@pytest.mark.parametrize("case_id", reference_cases("case_cohort"))
def test_matches_r(reference, case_id):
    case = reference("case_cohort", case_id)
    o, v = case.options, case.values
    among = case.expr(o["among"]) if "among" in o else pl.lit(True)
    data = case.data.with_columns((pl.col(o["subcohort"]) & among).alias("sub"))
    data = data.filter(pl.col("sub") | (pl.col("rel") == 1))
    terms = [term.replace("factor", "C") for term in o["terms"]]
    ours = case_cohort(
        data, " + ".join(terms), time="edrel", event="rel", subcohort="sub", cohort_size=o["cohort_size"],
        method=METHODS[o["method"].lower()], entry=o.get("entry"), strata=o.get("strata"),
    )  # fmt: skip
    assert_close(ours.coef, v["coef"], rel=1e-7)
    assert_close(ours.cov, v["var"], rel=1e-6)
    assert [ours.n, ours.n_event, ours.n_subcohort] == [v["n"], v["nevent"], v["n_subcohort"]]


def test_three_patients_by_hand():
    """The case, x = 1, has its event while two of the subcohort are at risk; then a member, x = 0, has."""
    data = pl.DataFrame(
        {"t": [1.0, 2.0, 3.0, 3.0], "e": [1, 1, 0, 0], "x": [1, 0, 1, 0], "sub": [False, True, True, True]}
    )
    options = {"covariates": "x", "cohort_size": 8}

    def solution(score):
        low, high = -9.0, 9.0
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if score(np.exp(middle)) > 0 else (low, middle)
        return low

    # at risk with x = 1 and 0 at 1: the members 1 and 2, and by Prentice the case; at 2: 1 and 2
    prentice = fit(data, **options)
    assert_close(prentice.coef, [solution(lambda r: 1 - 2 * r / (2 * r + 2) - r / (r + 2))], rel=1e-9)
    own = fit(data, **options, method="self-prentice")
    assert_close(own.coef, [solution(lambda r: 1 - r / (r + 2) - r / (r + 2))], rel=1e-9)
    r = np.exp(own.coef[0])
    assert_close(r, 2, rel=1e-9)
    assert_close(own.log_likelihood, own.coef[0] - 2 * np.log(r + 2), rel=1e-10)
    # information 2 * 2r / (r + 2)^2 = 1/2; the members' scores are -(x - r / (r + 2)) exp(x'b) / (r + 2)
    score = np.array([2 * 0.5 / 4, -2 * 0.5 * 2 / 4, 2 * 0.5 / 4])
    assert_close(own.cov, [[2 + (1 - 3 / 8) * (score**2).sum() * 4]], rel=1e-9)
    assert_close(prentice.cov, own.cov, rel=1e-9)  # of Self and Prentice, at their estimate
    # Lin and Ying: the two members without event stand for the six of the cohort without it
    lin = fit(data, **options, method="lin-ying")
    assert_close(
        lin.coef, [solution(lambda r: 1 - (r + 3 * r) / (4 * r + 4) - 3 * r / (3 * r + 4))], rel=1e-9
    )


@pytest.mark.parametrize("method", METHODS.values())
@pytest.mark.parametrize("options", [{}, {"strata": "centre"}, {"entry": "t0"}])
def test_the_whole_cohort_as_subcohort_is_the_ordinary_model(method, options):
    data = cohort(ties=True).with_columns(sub=True, t0=pl.when(pl.col("t") > 4).then(2.0).otherwise(0.0))
    ties = "breslow" if method == "self-prentice" else "efron"  # tied cases are in no risk set to leave it
    plain = cox(data, "x + z", **ROLES, ties=ties, **options)
    ours = fit(data, method=method, **options)
    assert_close(ours.coef, plain.coef, rel=1e-8)
    assert_close([ours.log_likelihood, ours.log_likelihood_null],
                 [plain.log_likelihood, plain.log_likelihood_null], rel=1e-9)  # fmt: skip
    assert_close(fit(data, method="self-prentice", **options).cov,
                 cox(data, "x + z", **ROLES, ties="breslow", **options).cov, rel=1e-8)  # fmt: skip
    if method == "lin-ying":
        assert_close(ours.cov, plain.cov, rel=1e-8)


@pytest.mark.parametrize("method", METHODS.values())
def test_cutting_follow_up_order_of_rows_and_units_change_nothing(method):
    data = sampled(cohort(2, ties=True)).with_row_index("id")
    ours = fit(data, method=method)
    pieces = split_episodes(data, time="t", event="e", cut=[4, 9, 13]).sample(
        fraction=1, shuffle=True, seed=3
    )
    again = fit(pieces, method=method, entry="entry", id="id")
    assert_close(again.coef, ours.coef, rel=1e-8)
    assert_close(again.cov, ours.cov, rel=1e-8)
    assert [again.n, again.n_event, again.n_subcohort] == [ours.n, ours.n_event, ours.n_subcohort]
    units = fit(data.with_columns(pl.col("t") * 0.1, pl.col("x") * 1e6 + 1e3), method=method)
    assert_close(units.coef * [1e6, 1], ours.coef, rel=1e-7)
    assert_close(units.std_error * [1e6, 1], ours.std_error, rel=1e-7)


@pytest.mark.parametrize("method", METHODS.values())
def test_is_near_the_cohort_and_says_how_near(method):
    """Over subcohorts of one cohort, the spread about its estimate is what sampling adds to the variance."""
    data = cohort(3, n=400)
    whole = cox(data, "x + z", **ROLES)
    rng = np.random.default_rng(4)
    fits = []
    for _ in range(150):
        drawn = data.with_columns(sub=pl.Series(rng.permutation(400) < 120))
        fits.append(fit(sampled(drawn), method=method))
    coef = np.array([f.coef for f in fits])
    added = np.mean([np.diag(f.cov) - np.diag(f.cov_model) for f in fits], axis=0)
    assert np.abs(coef.mean(axis=0) - whole.coef).max() < 0.1
    np.testing.assert_allclose(
        coef.var(axis=0), added, rtol=0.45
    )  # spread of 150: 12 % at 1 SE, small samples


def test_rows_that_say_nothing_do_not_matter():
    data = sampled(cohort(5))
    late = pl.DataFrame({"t": [90.0], "e": [True], "x": [3.0], "z": [0], "centre": [0], "sub": [False]})
    late = late.cast(dict(data.schema))
    for method in ("prentice", "self-prentice"):  # after the last of the subcohort there is nobody to compare
        plain, longer = fit(data, method=method), fit(pl.concat([data, late]), method=method)
        assert_close(longer.coef, plain.coef, rel=1e-9)
        assert_close(longer.cov, plain.cov, rel=1e-9)
    # early, under delayed entry: the only one there
    early = late.with_columns(t=pl.lit(0.5))
    entering = pl.concat([data.filter(pl.col("t") > 0.7), early]).with_columns(
        t0=pl.when(pl.col("t") > 0.5).then(0.6).otherwise(0.0)
    )
    for method in ("prentice", "self-prentice"):
        with_early, without = (
            fit(d, method=method, entry="t0") for d in (entering, entering.filter(pl.col("t") > 0.5))
        )
        assert_close(with_early.coef, without.coef, rel=1e-9)
        assert_close(with_early.cov, without.cov, rel=1e-9)


def test_what_a_fit_tells():
    data = sampled(cohort(6))
    data = data.with_columns(g=np.array(list("abc"))[np.searchsorted([-0.5, 0.5], data["x"].to_numpy())])
    ours = fit(data, "g + z")
    assert isinstance(ours, CaseCohortFit)
    assert ours.tests()["test"].to_list() == ["Wald"]
    assert_close(ours.tests()["statistic"][0], ours.coef @ np.linalg.solve(ours.cov, ours.coef), rel=1e-9)
    assert ours.term_tests()["df"].to_list() == [2.0, 1.0]
    assert "subcohort of 120 of the 400 patients" in ours.methods()
    assert "Prentice's pseudo-likelihood" in ours.methods()
    assert fit(data, strata="centre").methods().endswith("Baseline hazards were stratified by centre.")
    assert "case-cohort variance" in repr(ours)
    assert_close(contrast(ours, {"g": "c"}, {"g": "b"}).estimate, [ours.coef[1] - ours.coef[0]])
    assert_close(ours.predict(data[:2], kind="linear predictor")["estimate"],
                 ours.design.matrix[:2] @ ours.coef)  # fmt: skip
    rows = effect_table(ours)
    assert rows["estimate"].len() == 4
    levels = rows.filter(variable="g")
    assert (levels["n"].sum(), levels["n_event"].sum()) == (ours.n, ours.n_event)
    assert effect_table(ours.slim())["n"].null_count() == 3
    assert ours.slim().to_frame().equals(ours.to_frame())
    assert replace(ours, conf_level=0.9).to_frame()["conf_high"][0] < ours.to_frame()["conf_high"][0]
    dropped = fit(data.with_columns(x=pl.when(pl.col("x") > 2).then(None).otherwise("x")), missing="drop")
    assert dropped.n_dropped == (data["x"] > 2).sum()
    as_number = fit(data.lazy().with_columns(pl.col("sub").cast(pl.Int8)), "g + z")
    assert_close(as_number.cov, ours.cov)
    by_name = fit(data, "g + z", subcohort=pl.col("sub") & True)
    assert_close(by_name.cov, ours.cov)


def test_what_needs_the_whole_cohort_is_refused():
    data = sampled(cohort(7))
    ours = fit(data)
    for call, what in (
        (lambda: ours.residuals(), "martingale residuals"),
        (lambda: ours.baseline(), "the baseline"),
        (lambda: ours.predict(data, times=[1]), "a prediction"),
        (lambda: ours.curves(data[:1]), "a predicted curve"),
        (lambda: ours.adjusted("z"), "adjusted curves"),
        (lambda: ours.concordance(), "concordance"),
        (lambda: ours.profile_limits(), "profile limits"),
        (lambda: ph_test(ours), "test"),
    ):
        assert_refused(call, argument="fit", says=["from a case-cohort sample", what])
    assert_refused(lambda: trend_test(ours, "z"), argument="fit", says=["a CaseCohortFit was given"])
    assert_refused(lambda: compare(ours, fit(data, "x")), argument="fit", says=["has a case-cohort variance"])


def test_degenerate_covariates_are_named():
    data = sampled(cohort(8)).with_columns(y=pl.col("e"))
    for method in METHODS.values():
        assert_warns(
            lambda m=method: fit(data, "y + z", method=m),
            argument="covariates",
            says=["'y[True]'", "infinity"],
        )
    assert_refused(
        lambda: fit(data.with_columns(w=pl.col("x")), "x + w"), argument="covariates", says=["'w'"]
    )


def test_refusals():
    whole = cohort(9)
    data = sampled(whole)

    def refused(data, *says, argument="subcohort", column="sub", rows=(), **options):
        assert_refused(lambda: fit(data, **options), argument=argument, column=column, rows=rows, says=says)

    stray = (~whole["sub"] & ~whole["e"]).arg_true() + 1
    refused(
        whole,
        f"is false for {len(stray)} patients without the event",
        "pl.col('sub') | pl.col('e')",
        rows=stray,
    )
    refused(data.filter("e"), "nobody without the event", cohort_size=400)
    no_cases = data.with_columns(sub=pl.col("sub") & ~pl.col("e"))
    n_case, n_inside = data["e"].sum(), no_cases["sub"].sum()
    refused(
        no_cases,
        f"is false for all {n_case} cases",
        f"about {n_case * n_inside / 400:.0f}",
        "matched controls",
    )
    few = no_cases.filter(~pl.col("e") | (pl.col("x") > 1.5))
    assert few["e"].sum() < 30
    assert fit(few).n_event == few["e"].sum()  # where it can be chance, it is taken as such
    for size in (data.height - 1, 400.5, True, "400", None):
        refused(
            data,
            f"{size!r} was given",
            f"hold {data.height} patients",
            argument="cohort_size",
            column=None,
            cohort_size=size,
        )
    assert fit(data, cohort_size=np.int64(400)).cohort_size == 400
    refused(data.with_columns(sub=pl.col("sub").cast(pl.String)), "holds String, and not only 0 and 1")
    refused(data.with_columns(sub=pl.col("sub").cast(pl.Int64) * 2), "holds Int64, and not only 0 and 1")
    unknown = data.with_columns(sub=pl.when(pl.int_range(pl.len()) == 4).then(None).otherwise("sub"))
    refused(unknown, "missing", rows=[5])
    refused(data.drop("sub"), "is not in the data")
    refused(data.with_columns(e=False), "no events", argument="event", column="e")
    refused(data, "'cox' is not one of the choices", argument="method", column=None, method="cox")
    refused(data, "names no covariates", argument="covariates", column=None, covariates=[])
    alone = data.with_columns(
        t=pl.when(pl.col("sub")).then(0.001).otherwise("t"), e=pl.col("e") & ~pl.col("sub")
    )
    alone = alone.filter(pl.col("sub") | (pl.col("x") > 1))
    refused(alone, "nobody who is at risk when an event happens", column=None, method="self-prentice")


def test_refusals_of_several_rows_of_a_patient():
    data = sampled(cohort(10)).with_row_index("id")
    pieces = split_episodes(data, time="t", event="e", cut=[1.5])
    options = {"entry": "entry", "id": "id"}
    mixed = pieces.with_columns(sub=pl.col("sub") & (pl.col("episode") == 1))
    rows = (pieces["sub"] & (pieces["episode"] == 2)).arg_true() + 1
    assert_refused(
        lambda: fit(mixed, **options),
        argument="subcohort",
        column="sub",
        rows=rows,
        says=["some rows of a patient"],
    )
    twice = pieces.with_columns(e=pl.col("e").any().over("id"))
    again = twice["e"] & (twice["id"].is_duplicated())
    assert_refused(
        lambda: fit(twice, **options), argument="event", column="e", rows=again.arg_true() + 1,
        says=["happens several times to a patient"],
    )  # fmt: skip


def test_a_ratio_without_end_is_warned_of_without_advice_for_whole_cohorts():
    data = sampled(cohort()).with_columns(quiet=~pl.col("e") & (pl.col("x") > 0))
    with pytest.warns(DataWarning) as warned:
        fit(data, "z + quiet")
    told = [str(w.message) for w in warned if "grows without end" in str(w.message)]
    assert len(told) == 1
    assert "'quiet[True]': its hazard ratio of the cohort is estimated as 0" in told[0]
    assert "Try covariates=... with fewer terms or coarser groups" in told[0]
