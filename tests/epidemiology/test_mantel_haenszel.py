"""Estimates common to strata, and their homogeneity: R's numbers, truths, refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from reference_cases import assert_close
from refusals import assert_refused, assert_warns
from table_cases import random_patients

from hemresearch.epidemiology import homogeneity_test, mantel_haenszel, two_by_two

LIMITS = ["estimate", "conf_low", "conf_high"]
ROLES = {"exposure": "exposed", "event": "event", "strata": "age"}
RATE_ROLES = {"exposure": "exposed", "events": "event", "person_time": "years", "strata": "age"}
LEP = {"exposure": "bcg", "exposed": "yes", "event": "d", "strata": "age"}
UCB = {
    "exposure": "Gender", "exposed": "Male", "event": "Admit", "event_value": "Admitted", "strata": "Dept",
    "weights": "Freq",
}  # fmt: skip
NICKEL = {"exposure": "high", "events": "lung", "person_time": "years", "strata": "age"}


def nickel(dataset) -> pl.DataFrame:
    return dataset("nickel").with_columns(
        lung=pl.col("icd").is_in([162, 163]),
        years=pl.col("ageout") - pl.col("agein"),
        high=pl.col("exposure") > 0,
        age=pl.sum_horizontal(pl.col("agein") >= age for age in (45, 55)),
    )


def values(result, term: str) -> list[float]:
    return list(result.to_frame().filter(pl.col("term") == term).select(LIMITS).row(0))


def epi(stored: dict, scale: float = 1.0) -> list[float]:
    return [stored[name][0] / scale for name in ("est", "lower", "upper")]


@pytest.mark.parametrize(
    ("case_id", "name", "roles"), [("mh_lep_cohort_count", "lep", LEP), ("mh_ucb", "ucbadmissions", UCB)]
)
def test_matches_epi_2by2(reference, dataset, case_id, name, roles):
    stored, data = reference("epidemiology", case_id).values["detail"], dataset(name)
    found = mantel_haenszel(data, **roles)
    assert_close(values(found, "odds ratio"), epi(stored["OR.mh.wald"]), rel=1e-9)
    assert_close(values(found, "risk ratio"), epi(stored["RR.mh.wald"]), rel=1e-9)
    assert_close(values(found, "risk difference"), epi(stored["ARisk.mh.sato"], 100), rel=1e-9)
    green = mantel_haenszel(data, **roles, risk_difference="greenland-robins")
    assert_close(values(green, "risk difference"), epi(stored["ARisk.mh.green"], 100), rel=1e-9)
    tested = stored["chi2.mh"]
    for row in found.to_frame().iter_rows(named=True):
        assert_close(
            [row["statistic"], row["p_value"]],
            [tested["test.statistic"][0], tested["p.value.2s"][0]],
            rel=1e-9,
        )
    woolf = homogeneity_test(data, **roles, method="inverse-variance")
    assert_close(woolf.statistic, stored["wOR.homog"]["test.statistic"][0], rel=1e-9)
    assert woolf.df == stored["wOR.homog"]["df"][0]
    if name == "ucbadmissions":  # epiR has none where a stratum has no exposed case
        ratios = homogeneity_test(data, **roles, measure="risk ratio")
        assert_close(
            [ratios.statistic, ratios.p_value],
            [stored["wRR.homog"][k][0] for k in ("test.statistic", "p.value")],
            rel=1e-9,
        )


def test_matches_the_tests_of_r(reference, dataset):
    data = dataset("lep")
    stored = reference("epidemiology", "mh_lep_bcg_by_age").values
    for method, name in (("tarone", "tarone"), ("breslow-day", "breslow_day")):
        found = homogeneity_test(data, **LEP, method=method)
        assert_close(found.statistic, stored[name], rel=1e-9)
        assert found.df == stored["df"]
    assert_close(found.to_frame()["estimate"], stored["stratum_or"], rel=1e-10)
    cmh = reference("epidemiology", "cmh_lep").values
    for continuity, name in ((False, "uncorrected"), (True, "corrected")):
        row = mantel_haenszel(data, **LEP, continuity=continuity).to_frame().row(0, named=True)
        assert_close([row["statistic"], row["p_value"]], [cmh[name]["stat"], cmh[name]["p"]], rel=1e-9)
    exact = mantel_haenszel(data, **LEP, odds_ratio="exact")
    assert_close(exact.to_frame()["p_value"][2], cmh["exact"]["p"], rel=1e-9)
    # mantelhaen.test(exact = TRUE) looks for its limits to 1e-4 only; `tables` has them in full
    assert_close(values(exact, "odds ratio"), [cmh["exact"]["or"], *cmh["exact"]["ci"]], rel=1e-4)


def test_matches_the_conditional_distribution(reference, dataset):
    stored = reference("tables", "conditional_lep").values
    for method, name in (("exact", "fisher"), ("mid-p", "midp")):
        frame = mantel_haenszel(dataset("lep"), **LEP, odds_ratio=method).to_frame()
        row, expected = frame.row(2, named=True), stored[name]
        assert_close([row[n] for n in LIMITS], [expected["estimate"], *expected["limits"]], rel=1e-9)
        assert_close(row["p_value"], expected["p"], rel=1e-9)
        assert row["statistic"] is None


def test_matches_rates_of_nickel_workers(reference, dataset):
    data, stored = nickel(dataset), reference("epidemiology", "irr_mh_nickel").values
    found = mantel_haenszel(data, **NICKEL)
    assert_close(values(found, "rate ratio"), [stored["irr_mh"], *stored["ci"]], rel=1e-9)
    assert_close(values(found, "rate difference"), [stored["ird_mh"], *stored["ird_ci"]], rel=1e-9)
    assert_close(found.to_frame()["statistic"][0], stored["chisq_mh"], rel=1e-9)
    spread = homogeneity_test(data, **NICKEL, method="inverse-variance")
    assert_close(spread.statistic, stored["homogeneity_chisq"], rel=1e-9)
    assert spread.df == stored["homogeneity_df"]
    assert found.n is None


def test_groups_have_estimates_of_their_own():
    data = random_patients(5, 900).with_columns(sex=pl.Series(["F", "M", "M"] * 300))
    for roles in (ROLES, RATE_ROLES):
        whole = mantel_haenszel(data, **roles, by="sex").to_frame()
        for sex in ("F", "M"):
            alone = mantel_haenszel(data.filter(pl.col("sex") == sex), **roles).to_frame()
            assert_frame_equal(whole.filter(pl.col("sex") == sex).drop("sex"), alone)


def test_one_stratum_is_the_crude_table():
    data = random_patients(6).with_columns(all=pl.lit("all"))
    pooled = mantel_haenszel(data, exposure="exposed", event="event", strata="all").to_frame()
    crude = two_by_two(
        data, exposure="exposed", event="event", risk_ratio="wald", odds_ratio="wald"
    ).to_frame()
    assert_close(pooled["estimate"], crude["estimate"])
    assert_close(
        pooled.select("conf_low", "conf_high").rows()[1:], crude.select("conf_low", "conf_high").rows()[1:]
    )


def test_confounding_is_taken_away():
    """Risks that depend on the stratum alone, in which exposure is unequal: no odds ratio within strata."""
    data = pl.DataFrame(
        {
            "exposed": [True, True, False, False] * 2,
            "event": [True, False] * 4,
            "n": [8, 72, 2, 18, 10, 10, 40, 40],
            "age": [0] * 4 + [1] * 4,
        }
    )
    crude = two_by_two(data, exposure="exposed", event="event", weights="n").to_frame()["estimate"][2]
    frame = mantel_haenszel(data, **ROLES, weights="n").to_frame()
    assert crude < 0.4
    assert_close(frame["estimate"], [0, 1, 1])
    assert_close(frame["p_value"], [1, 1, 1])
    for measure in ("odds ratio", "risk ratio", "risk difference"):
        test = homogeneity_test(data, **ROLES, weights="n", measure=measure)
        assert_close(test.p_value, 1)
        assert test.df == 1


def test_rows_order_and_input_do_not_matter():
    data = random_patients(7)
    whole = mantel_haenszel(data, **ROLES)
    counts = data.group_by("exposed", "event", "age").len("n")
    for other in (counts, counts.lazy(), counts.to_pandas(), counts.sample(fraction=1, shuffle=True, seed=1)):
        assert_frame_equal(mantel_haenszel(other, **ROLES, weights="n").to_frame(), whole.to_frame())
    rates = mantel_haenszel(data, **RATE_ROLES).to_frame()
    table = data.group_by("exposed", "age").agg(pl.col("event").sum(), pl.col("years").sum())
    assert_frame_equal(mantel_haenszel(table, **RATE_ROLES).to_frame(), rates)
    assert rates.columns == [
        "term",
        "person_time",
        "n_event",
        "estimate",
        "statistic",
        "p_value",
        "conf_low",
        "conf_high",
    ]
    assert whole.to_frame().columns[:3] == ["term", "n", "n_event"]


def test_units_of_person_time():
    data = random_patients(8)
    months = data.with_columns(pl.col("years") * 12)
    ours, theirs = (mantel_haenszel(d, **RATE_ROLES).to_frame() for d in (data, months))
    assert_close(ours["estimate"].to_numpy() / [12, 1], theirs["estimate"])
    for method in ("score", "inverse-variance"):
        tests = [homogeneity_test(d, **RATE_ROLES, method=method).p_value for d in (data, months)]
        assert_close(*tests)
    differences = [
        homogeneity_test(d, **RATE_ROLES, measure="rate difference").p_value for d in (data, months)
    ]
    assert_close(*differences)


def test_refusals():
    data = random_patients(9)
    counts = data.with_columns(n=pl.lit(1))
    for given in (
        {},
        {"events": "event"},
        {"person_time": "years"},
        {"event": "event", "events": "event", "person_time": "years"},
        {"events": "event", "person_time": "years", "weights": "n"},
        {"weights": "n"},
    ):
        assert_refused(
            lambda given=given: mantel_haenszel(counts, exposure="exposed", strata="age", **given),
            argument="event",
            says=["one form of the data"],
        )
    assert_refused(lambda: mantel_haenszel(data, **ROLES, odds_ratio="x"), argument="odds_ratio")
    assert_refused(lambda: mantel_haenszel(data, **ROLES, risk_difference="x"), argument="risk_difference")
    assert_refused(lambda: homogeneity_test(data, **ROLES, measure="rate ratio"), argument="measure")
    assert_refused(lambda: homogeneity_test(data, **RATE_ROLES, measure="odds ratio"), argument="measure")
    assert_refused(
        lambda: homogeneity_test(data, **ROLES, measure="risk ratio", method="tarone"), argument="method"
    )
    one = data.filter(pl.col("age") == 1)
    assert_refused(
        lambda: homogeneity_test(one, **ROLES), argument="strata", column="age", says=["1 of 1 strata"]
    )
    exposed = data.filter("exposed")
    assert_refused(lambda: mantel_haenszel(exposed, **RATE_ROLES), argument="exposure", column="exposed")
    negative = data.with_columns(
        years=pl.col("years") * pl.when(pl.int_range(pl.len()) == 4).then(-1).otherwise(1)
    )
    assert_refused(
        lambda: mantel_haenszel(negative, **RATE_ROLES), argument="person_time", column="years", rows=[5]
    )


def test_warnings():
    data = random_patients(10)
    lone = pl.concat(
        [data, data.filter("exposed").head(7).with_columns(age=pl.lit(9))], how="vertical_relaxed"
    )
    for call in (mantel_haenszel, homogeneity_test):
        with_more = assert_warns(
            lambda call=call: call(lone, **ROLES), argument="strata", column="age",
            says=["1 stratum has exposed only", "7 patients and"],
        )  # fmt: skip
        assert_warns(lambda call=call: call(lone, **RATE_ROLES), argument="strata", says=["1 stratum has"])
        without = call(data, **ROLES)
        if call is mantel_haenszel:
            assert_close(with_more.to_frame()["estimate"], without.to_frame()["estimate"])
            assert with_more.n == 407
    one_side = data.with_columns(event=pl.col("event") & pl.col("exposed"))
    for roles, says in (
        (ROLES, "the risk ratio and odds ratio, where in every stratum all or none of the exposed"),
        (RATE_ROLES, "the rate ratio, where all events are exposed"),
    ):
        found = assert_warns(
            lambda roles=roles: mantel_haenszel(one_side, **roles), argument="exposure", column="exposed",
            says=[says],
        ).to_frame()  # fmt: skip
        assert np.isinf(found["estimate"][1])
        assert found["conf_low"][1] is None
    exact = assert_warns(
        lambda: mantel_haenszel(one_side, **ROLES, odds_ratio="exact"),
        argument="exposure",
        says=["limits of the risk ratio, where", "Try wider groups"],
    )
    assert exact.to_frame()["conf_low"][2] > 1


CELLS = {"exposure": "exposed", "event": "event", "strata": "stratum", "weights": "n"}


def strata_of_cells(*tables: tuple[int, int, int, int]) -> pl.DataFrame:
    """Numbers of exposed with and without the event, and of unexposed, in each stratum."""
    cells = ((1, 1), (1, 0), (0, 1), (0, 0))
    rows = [(s, *cell, n) for s, table in enumerate(tables) for cell, n in zip(cells, table, strict=True)]
    return pl.DataFrame(rows, schema=["stratum", "exposed", "event", "n"], orient="row")


def test_all_exposed_had_the_event():
    """The odds ratio is infinite, though not all events are exposed; the risk ratio has its limits."""
    data = strata_of_cells((5, 0, 3, 4), (6, 0, 2, 9))
    found = assert_warns(
        lambda: mantel_haenszel(data, **CELLS),
        argument="exposure",
        column="exposed",
        says=["limits of the odds ratio, where in every stratum all or none"],
    )
    assert values(found, "odds ratio") == [np.inf, None, None]
    assert values(found, "risk ratio")[1] > 1
    assert_refused(
        lambda: homogeneity_test(data, **CELLS),
        argument="strata",
        column="stratum",
        says=["common odds ratio of 0 or infinity"],
    )


def test_strata_that_the_test_of_homogeneity_leaves_out_are_counted():
    """A stratum in which all exposed and no unexposed had the event has no variance by its estimate."""
    data = strata_of_cells((5, 0, 0, 4), (6, 3, 2, 9), (5, 4, 2, 9))
    for measure in ("risk ratio", "risk difference"):
        found = assert_warns(
            lambda measure=measure: homogeneity_test(data, **CELLS, measure=measure),
            argument="strata",
            column="stratum",
            says=["1 stratum that the test leaves out"],
        )
        assert (found.df, found.method) == (1, "event by exposed in 2 strata")
    assert homogeneity_test(data, **CELLS).method == "event by exposed in 3 strata"


def test_the_median_unbiased_odds_ratio_is_0_or_infinite_at_the_ends():
    for cells, estimate in (((5, 0, 0, 4), np.inf), ((0, 5, 3, 4), 0.0)):
        table = strata_of_cells(cells)
        crude = two_by_two(table, exposure="exposed", event="event", weights="n", odds_ratio="mid-p")
        assert values(crude, "odds ratio")[0] == estimate
