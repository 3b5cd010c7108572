"""Cox models of all moves as R fits them: mstate's tutorial on `ebmt3`, and coxph() with other blocks."""

from __future__ import annotations

import polars as pl
import pytest
from illness_death import PROCESS, platelet_rows
from reference_cases import assert_close, load_dataset, reference_cases

from hemresearch.multistate import transition_cox
from hemresearch.regression import ph_test

MOVES = PROCESS.moves


@pytest.mark.parametrize("case_id", ["ms_ebmt3_cox", "ms_ebmt3_cox_reset", "ms_ebmt3_cox_from2_lm"])
def test_matches_mstate(reference, case_id):
    case = reference("multistate", case_id)
    v, o = case.values, case.options
    fit = transition_cox(platelet_rows(case.data), PROCESS, " + ".join(o["covariates"]), clock=o["clock"])
    assert_close(sorted(fit.coef), sorted(v["coef"].values()), rel=1e-6)
    # R's order: covariate, level, move; ours: covariate, move, level
    ours = {name: (c, s) for name, c, s in zip(fit.columns, fit.coef, fit.std_error, strict=True)}
    for k, part in enumerate(v["per_transition"]):
        own = fit.of_move(MOVES[k])
        assert_close(own.coef, list(part["coef"].values()), rel=1e-6)
        assert_close(own.std_error, list(part["se"].values()), rel=1e-6)
        assert [own.n, own.n_event] == [part["n"], part["nevent"]]
        assert_close([ours[f"{c}: {' → '.join(MOVES[k])}"][0] for c in own.columns], own.coef)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], v["loglik"], rel=1e-9)


@pytest.mark.parametrize("case_id", ["ms_ebmt3_cox", "ms_ebmt3_cox_from2_lm"])
def test_predictions_match_mstate(reference, case_id):
    case = reference("multistate", case_id)
    o = case.options
    fit = transition_cox(platelet_rows(case.data), PROCESS, " + ".join(o["covariates"]))
    for patient in case.values["patients"]:
        at = patient["patient"] - 1
        new = pl.DataFrame({name: [values[at]] for name, values in o["newdata"].items()})
        curves = fit.predict(
            new, start=o["predt"], from_state=PROCESS.states[patient["from"] - 1], variance="aalen"
        )
        for state, p, se in zip(PROCESS.states, patient["pstate"], patient["se"], strict=True):
            found = curves.at(patient["times"]).filter(pl.col("state") == state)
            # 1e-6, as for Cox models: coxph() stopped a step early, by 1e-9 of its coefficients in the second
            assert_close(found["estimate"], p, rel=1e-6)
            assert_close(found["std_error"], se, rel=1e-6)


@pytest.mark.parametrize("case_id", reference_cases("transition_cox"))
def test_matches_coxph(reference, case_id):
    case = reference("transition_cox", case_id)
    o, v = case.options, case.values
    data = load_dataset("ebmt3").with_columns(w=1 + pl.col("id") % 3, centre=pl.col("id") % 40)
    long = platelet_rows(data).with_columns(
        late=pl.when(pl.col("from_state") == "PR").then(pl.col("prtime") / 10).otherwise(0.0)
    )
    fit = transition_cox(
        long, PROCESS, o["covariates"], shared=_of_moves(o.get("shared")), only=_of_moves(o.get("only")),
        proportional=_of_moves(o.get("proportional")), clock=o["clock"], ties=o["ties"],
        weights=o.get("weights"), cluster=o.get("cluster"), strata=o.get("strata"),
    )  # fmt: skip
    assert_close(fit.coef, v["coef"], rel=1e-6)
    assert_close(fit.cov, v["var"], rel=1e-6)
    assert_close([fit.log_likelihood_null, fit.log_likelihood], v["loglik"], rel=1e-9)
    assert fit.n_event == v["nevent"]
    if "zph" in v:
        tests = ph_test(fit).to_frame()
        assert_close(tests["statistic"], v["zph"]["chisq"], rel=1e-6)
        assert_close(tests["df"], v["zph"]["df"])
    if "hazards" in v:
        new = pl.DataFrame({name: [value] for name, value in o["patient"].items()})
        hazards = fit.hazards(new).at(v["times"])
        for (one, to), expected in zip(MOVES, v["hazards"], strict=True):
            found = hazards.filter(from_state=one, to_state=to)
            assert_close(found["estimate"], expected["cumhaz"], rel=1e-6)
            assert_close(found["std_error"], expected["std_error"], rel=1e-6)


def _of_moves(given):
    """Numbers of moves as moves, in lists and in dictionaries of lists; names as they are."""
    if isinstance(given, dict):
        return {term: [_move(number) for number in moves] for term, moves in given.items()}
    return given if given is None else [_move(one) for one in given]


def _move(given):
    number = given[0] if isinstance(given, list) else given
    return MOVES[number - 1] if isinstance(number, int) else number
