"""Data from which a Cox model cannot be estimated as asked: infinite, undefined or too many coefficients."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from cox_cohorts import ROLES, cohort
from refusals import assert_refused, assert_warns
from scipy.optimize import linprog

from hemresearch.errors import ConvergenceError, DataError, DataWarning, FormulaError
from hemresearch.numerics.cox_maximum import maximize_partial
from hemresearch.numerics.cox_partial import PartialLikelihood
from hemresearch.numerics.cox_rows import cox_rows
from hemresearch.regression import cox
from hemresearch.regression.degenerate import examine

MONOTONE = ["grows without end", "firth_cox(...)", "events on both sides"]


def assert_monotone(data, terms, *names, infinite, **options):
    """The fit warns of these names, and the coefficients have the right sign and huge standard errors."""
    fit = assert_warns(
        lambda: cox(data, terms, **ROLES, **options), argument="covariates", says=[*MONOTONE, *names]
    )
    for name, sign in infinite.items():
        assert sign * fit.coef[fit.place(name)] > 4
    assert np.isfinite(fit.cov).all()
    return fit


# --- infinite estimates ------------------------------------------------------------------------------------


def test_a_level_without_events_has_a_hazard_ratio_of_zero():
    data = cohort(1).with_columns(event=pl.col("event") & (pl.col("group") != "c"))
    fit = assert_monotone(
        data, "age + group", "along 'group[c]': its hazard ratio is estimated as 0", infinite={"group[c]": -1}
    )
    # the others are estimated as if the level were not there
    rest = cox(data.filter(pl.col("group") != "c"), "age + group", **ROLES)
    assert np.allclose(fit.coef[:2], rest.coef, rtol=1e-6)
    assert np.allclose(fit.std_error[:2], rest.std_error, rtol=1e-6)
    assert fit.std_error[2] > 1e3
    assert fit.profile_limits("group[c]").row(0)[2] is None
    robust = assert_monotone(data, "age + group", "group[c]", infinite={"group[c]": -1}, robust=True)
    assert robust.to_frame()["p_value"][2] > 0.9  # no row moves the estimate any more, which is no certainty
    expected = cox(data.filter(pl.col("group") != "c"), "age + group", **ROLES, robust=True)
    assert np.allclose(robust.std_error[:2], expected.std_error, rtol=1e-5)


def test_a_reference_level_without_events_sends_all_others_to_infinity():
    data = cohort(1).with_columns(event=pl.col("event") & (pl.col("group") != "a"))
    assert_monotone(
        data,
        "age + group",
        "the combination 'group[b]' + 'group[c]': its effect is estimated as infinite",
        infinite={"group[b]": 1, "group[c]": 1},
    )


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_a_covariate_that_orders_the_events(ties):
    data = cohort(2, ties=False).with_columns(speed=-pl.col("time"))
    name = "along 'speed': its hazard ratio is estimated as infinity"
    assert_monotone(data, "age + speed", name, infinite={"speed": 1}, ties=ties)


def test_two_covariates_whose_difference_orders_the_events():
    data = cohort(2).with_columns(later=pl.col("age") * 1000 - pl.col("time") * 500)
    name = "the combination - 'age' + 0.001 'later': its effect"
    assert_monotone(data, "age + later", name, infinite={"age": -1})


def test_a_combination_is_told_in_units_as_different_as_they_are():
    data = cohort(2).with_columns(small=pl.col("age") * 1e-9 - pl.col("time") * 1e-9)
    name = "the combination - 'age' + 1.00e+09 'small'"
    assert_monotone(data, "age + small", name, infinite={"age": -1})


def test_an_order_within_strata_and_under_delayed_entry():
    data = cohort(3).with_columns(speed=100.0 * (pl.col("stratum") == "x") - pl.col("time"))
    assert_monotone(data, "age + speed", "along 'speed'", infinite={}, strata="stratum")
    # a mark that every event has, and that only those at risk between events lack
    marked = pl.DataFrame(
        {"time": [2, 4, 6, 6, 3, 5], "entry": [0, 2, 4, 0, 2, 4], "event": [1, 1, 1, 0, 0, 0]}
    ).with_columns(seen=pl.col("event"), x=pl.Series([1.0, 3.0, 2.0, 2.5, 1.5, 0.5]))
    assert_monotone(marked, "seen", "along 'seen'", infinite={"seen": 1}, entry="entry")


def test_every_single_column_at_fault_is_named():
    data = cohort(1).with_columns(event=pl.col("event") & (pl.col("group") == "a"))
    with pytest.warns(DataWarning) as caught:
        cox(data, "group", **ROLES)
    assert [("'group[b]'" in str(w.message), "'group[c]'" in str(w.message)) for w in caught] == [
        (True, False), (False, True),
    ]  # fmt: skip


def random_table(seed):
    """A small table with ties, delayed entry and strata, and small whole numbers as covariates."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(6, 16)), int(rng.integers(1, 4))
    x, time = rng.integers(0, 3, (n, p)).astype(float), rng.integers(2, 8, n).astype(float)
    event = rng.random(n) < 0.7
    event[0] = True
    entry = np.minimum(rng.integers(0, 4, n), time - 1) * (seed % 2)
    return x, time, event, entry, rng.integers(0, 2, n) * (seed % 3 == 0)


def truth(x, time, event, entry, stratum, exact):
    """What a linear programme over all pairs of an event and another at risk says of the likelihood."""
    pairs = []
    for i in np.flatnonzero(event):
        other = (entry < time[i]) & (time >= time[i]) & (stratum == stratum[i])
        if exact:
            other &= ~(event & (time == time[i]))
        pairs.append(x[i] - x[other])
    pairs = np.concatenate(pairs)
    if np.linalg.matrix_rank(pairs) < x.shape[1]:
        return "refused"
    best = linprog(-pairs.sum(axis=0), A_ub=-pairs, b_ub=np.zeros(len(pairs)), bounds=[(-1, 1)] * x.shape[1])
    return "monotone" if -best.fun > 1e-7 else "regular"


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_infinite_estimates_are_found_where_a_linear_programme_finds_them(ties):
    found = []
    for seed in range(120):
        x, time, event, entry, stratum = random_table(seed)
        names = [f"x{j}" for j in range(x.shape[1])]
        table = pl.DataFrame(x, schema=names).with_columns(
            time=pl.Series(time), event=pl.Series(event), entry=pl.Series(entry), s=pl.Series(stratum)
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                cox(table, names, **ROLES, entry="entry", strata="s", ties=ties)
                told = "monotone" if any("without end" in str(w.message) for w in caught) else "regular"
            except DataError:
                told = "refused"
        expected = truth(x, time, event, entry, stratum, ties == "exact")
        assert told == expected, (seed, told, expected)
        found.append(told)
    assert {"regular", "monotone", "refused"} == set(found)


def regular_study(seed):
    """100 to 300 patients with 30 events, numbers and a mark that one patient in ten has."""
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(100, 301)), int(rng.integers(2, 5))
    x = np.column_stack([rng.normal(size=(n, p - 1)), rng.random(n) < 0.1])
    failure = rng.exponential(1 / np.exp(x @ rng.normal(0, 0.4, p)))
    end = np.sort(failure)[29]
    return x, np.minimum(failure, end), failure <= end


def test_a_thousand_regular_fits_give_no_warning():
    without_events = 0
    for seed in range(1000):
        x, time, event = regular_study(seed)
        if not x[event, -1].any():
            without_events += 1  # truly infinite: the mark has no event
            continue
        rows = cox_rows(x, time, event)
        found = maximize_partial(rows, efron=True)
        names = tuple(f"x{j}" for j in range(x.shape[1]))
        information = examine(rows, PartialLikelihood(rows, True), found, names)  # a warning is an error
        assert found.converged
        assert information is found.information
    assert without_events < 100


def test_and_those_whose_mark_has_no_event_are_told():
    told = 0
    for seed in range(200):
        x, time, event = regular_study(seed)
        if x[event, -1].any():
            continue
        names = [f"x{j}" for j in range(x.shape[1])]
        data = pl.DataFrame(x, schema=names).with_columns(time=pl.Series(time), event=pl.Series(event))
        assert_monotone(data, names, f"along {names[-1]!r}", infinite={names[-1]: -1})
        told += 1
    assert told > 3


def test_an_iteration_without_end_and_without_a_cause_is_an_error():
    data = cohort(4)
    rows = cox_rows(data.select("age").to_numpy(), data["time"].to_numpy(), data["event"].to_numpy())
    likelihood = PartialLikelihood(rows, True)
    found = maximize_partial(rows, efron=True)
    with pytest.raises(ConvergenceError, match="no maximum after"):
        examine(rows, likelihood, replace(found, converged=False), ("age",))


# --- columns that follow from each other -------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 1e6])
@pytest.mark.parametrize(
    ("more", "terms", "says"),
    [
        (
            {"twice": 2 * pl.col("age") + 7},
            "age + marked + twice",
            "'twice' is a linear combination of 'age'.",
        ),
        ({"same": pl.col("age")}, "age + same", "'same' is a linear combination of 'age'."),
        (
            {"total": 3 * pl.col("age") - pl.col("risk") * 20 + 5},
            "age + risk + marked + total",
            "'total' is a linear combination of 'age', 'risk'.",
        ),
        ({"constant": pl.lit(5.0)}, "age + constant", "'constant' is the same in every row."),
        (
            {f"is_{g}": (pl.col("group") == g).cast(pl.Int8) for g in "abc"},
            "age + is_a + is_b + is_c",
            "'is_c' is a linear combination of 'is_a', 'is_b'.",
        ),
    ],
)
def test_collinear_columns_are_named(shift, more, terms, says):
    data = cohort(5).with_columns(pl.col("age") + shift).with_columns(**more)
    last = terms.split(" + ")[-1]
    assert_refused(
        lambda: cox(data, terms, **ROLES),
        argument="covariates",
        says=[says, f"without {last!r}"],
    )


def test_nearly_collinear_columns_are_fitted_as_far_as_they_can_be():
    data = cohort(6, 200)
    noise = pl.Series(np.random.default_rng(1).normal(size=200))
    apart = cox(data.with_columns(noise=noise), "age + noise", **ROLES)
    near = cox(data.with_columns(near=pl.col("age") + 1e-4 * noise), "age + near", **ROLES)
    assert np.isclose(near.coef[1] * 1e-4, apart.coef[1], rtol=1e-5)
    assert np.isclose(near.std_error[1] * 1e-4, apart.std_error[1], rtol=1e-5)
    assert np.isclose(near.log_likelihood, apart.log_likelihood, rtol=1e-10)
    too_near = data.with_columns(near=pl.col("age") + 1e-7 * noise)
    assert_refused(
        lambda: cox(too_near, "age + near", **ROLES),
        argument="covariates",
        says=["'near' is, but for a millionth of its spread, a linear combination of 'age'"],
    )


def test_what_is_constant_within_strata_says_nothing():
    data = cohort(7).with_columns(
        first=(pl.col("stratum") == "x").cast(pl.Int8),
        moved=pl.col("age") + 10 * (pl.col("stratum") == "x"),
    )
    says = ["is the same for all at risk at every event time (within its stratum)"]
    for terms, named in (("age + first", "'first' is"), ("age + moved", "combination - 'age' + 'moved' is")):
        assert_refused(
            lambda t=terms: cox(data, t, **ROLES, strata="stratum"),
            argument="covariates",
            says=[*says, named],
        )
    assert cox(data, "age + first", **ROLES).coef.size == 2


def test_what_differs_after_the_last_event_alone_says_nothing():
    data = cohort(8).with_columns(event=pl.col("event") & (pl.col("time") < 10))
    late = (pl.col("time") > 10).cast(pl.Int8)
    entered = data.with_columns(late=late, entry=pl.when(late == 1).then(10.0).otherwise(0.0))
    assert_refused(
        lambda: cox(entered, "age + late", **ROLES, entry="entry"),
        argument="covariates",
        says=["'late' is the same for all at risk at every event time"],
    )


def test_a_ridge_estimates_what_alone_could_not_be():
    data = cohort(5).with_columns(same=pl.col("age"), constant=pl.lit(1.0))
    fit = cox(data, "age + same + constant", **ROLES, ridge=1.0)
    assert np.isclose(fit.coef[0], fit.coef[1])
    assert fit.coef[2] == 0
    alone = cox(data, "age", **ROLES, ridge=0.5)
    assert np.isclose(fit.coef[0] + fit.coef[1], alone.coef[0], rtol=1e-7)


# --- too little data ---------------------------------------------------------------------------------------


def test_more_coefficients_than_events_are_warned_of():
    data = cohort(9, 60).sort("time").with_columns(event=pl.int_range(60) < 2)
    with pytest.warns(DataWarning) as caught:
        cox(data, "age + marked + risk", **ROLES)
    first = str(caught[0].message)
    assert first.startswith("covariates: 3 coefficients were asked of 2 events. Expected several events")
    assert "Try fewer terms, or ridge=1.0." in first
    assert cox(data, "age + marked + risk", **ROLES, ridge=1.0).n_event == 2


def test_levels_without_rows_and_single_levels_are_refused_by_name():
    levels = pl.Enum(["z", "a", "b", "c", "y"])
    data = cohort(10).with_columns(pl.col("group").cast(levels))
    assert_refused(
        lambda: cox(data, "age + group", **ROLES),
        argument="covariates",
        column="group",
        error=FormulaError,
        says=["has no rows with 'z', 'y'", "rows in every level", "cast(pl.String)"],
    )
    text = data.with_columns(pl.col("group").cast(pl.String))
    assert_refused(
        lambda: cox(text.filter(pl.col("group") == "b"), "age + group", **ROLES),
        argument="covariates",
        column="group",
        error=FormulaError,
        says=["level"],
    )
    fit = cox(text, "age + group", **ROLES)
    assert_refused(
        lambda: fit.predict(data.head(1).with_columns(group=pl.lit("z")), times=[1]),
        argument="new_data",
        column="group",
        rows=[1],
        error=FormulaError,
    )
