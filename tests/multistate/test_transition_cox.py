"""Cox models of all moves: what does not matter, what they tell, and what they refuse."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from illness_death import EFFECTS, ILLNESS_DEATH, illness_death
from reference_cases import assert_close
from refusals import assert_refused, assert_warns

from hemresearch.errors import DataError, DataWarning
from hemresearch.multistate import TransitionCoxFit, Transitions, transition_cox
from hemresearch.regression import compare, contrast, cox, effect_table, ph_test
from hemresearch.report import regression_table

WELL_ILL, WELL_DEAD, ILL_DEAD = ILLNESS_DEATH.moves
ROWS = illness_death(np.random.default_rng(1), 300, ties=True).with_columns(z=pl.col("id") % 3)


def fit(rows=ROWS, covariates="x", **options) -> TransitionCoxFit:
    return transition_cox(rows, ILLNESS_DEATH, covariates, **options)


def of_move(rows, move):
    return rows.filter(from_state=move[0], to_state=move[1])


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_separate_effects_are_separate_models(ties):
    ours = fit(covariates="x + z", ties=ties)
    value = 0.0
    for move in ILLNESS_DEATH.moves:
        alone = cox(of_move(ROWS, move), "x + z", time="time", event="event", entry="entry", ties=ties)
        assert_close(ours.of_move(move).coef, alone.coef, rel=1e-8)
        assert_close(ours.of_move(move).cov, alone.cov, rel=1e-8)
        value += alone.log_likelihood
    assert_close(ours.log_likelihood, value, rel=1e-10)


def test_the_effects_are_found():
    large = fit(illness_death(np.random.default_rng(2), 4000))
    assert np.abs((large.coef - EFFECTS) / large.std_error).max() < 3


def test_order_of_rows_cut_stays_units_and_kinds_of_tables_change_nothing():
    for clock in ("forward", "reset"):
        ours = fit(clock=clock)
        again = fit(ROWS.sample(fraction=1, shuffle=True, seed=3).lazy(), clock=clock)
        assert_close(again.coef, ours.coef, rel=1e-9)
        cut = pl.col("entry") + 0.3 * (pl.col("time") - pl.col("entry"))
        pieces = pl.concat([
            ROWS.with_columns(time=cut, event=pl.lit(False)), ROWS.with_columns(entry=cut)
        ])  # fmt: skip
        again = fit(pieces, clock=clock)
        assert_close(again.coef, ours.coef, rel=1e-8)
        assert_close(again.std_error, ours.std_error, rel=1e-8)
        assert [again.n, again.n_event] == [ours.n, ours.n_event]
        months = fit(ROWS.with_columns(pl.col("entry", "time") * 12).to_pandas(), clock=clock)
        assert_close(months.coef, ours.coef, rel=1e-8)


def test_weight_two_is_two_patients():
    weighted = fit(ROWS.with_columns(w=1 + pl.col("id") % 2), weights="w")
    twice = pl.concat([ROWS, ROWS.filter(pl.col("id") % 2 == 1).with_columns(pl.col("id") + 10_000)])
    assert_close(weighted.coef, fit(twice).coef, rel=1e-8)
    assert_close(weighted.std_error, fit(twice).std_error, rel=1e-8)
    assert weighted.variance == "model-based"
    assert "weighted by w" in weighted.methods()


def test_the_clock_reset_starts_anew_in_each_state():
    reset = fit(clock="reset")
    ill = of_move(ROWS, ILL_DEAD).with_columns(since=pl.col("time") - pl.col("entry"))
    alone = cox(ill, "x", time="since", event="event", ties="breslow")
    assert_close(reset.of_move(ILL_DEAD).coef, alone.coef, rel=1e-8)
    assert_close(reset.of_move(WELL_ILL).coef, fit().of_move(WELL_ILL).coef, rel=1e-9)
    # delayed entry into the first state: the clock runs from 0, and the patient is at risk from entry on
    late = ROWS.filter(pl.col("time").min().over("id") > 0.5).with_columns(
        entry=pl.when(pl.col("from_state") == "well").then(0.25).otherwise("entry")
    )
    one, other = (fit(late, clock=clock).of_move(WELL_DEAD) for clock in ("forward", "reset"))
    assert_close(other.coef, one.coef, rel=1e-9)


def test_states_may_be_entered_again():
    process = Transitions({"on": ["off"], "off": ["on", "dead"]})
    rng = np.random.default_rng(5)
    rows = []
    for patient in range(80):
        x, t, state = rng.normal(), 0.0, "on"
        while t < 6 and state != "dead":
            wait, happens = rng.exponential(np.exp(-0.4 * x)), rng.random()
            to = "off" if state == "on" else "dead" if happens < 0.3 else "on"
            seen = t + wait < 6
            moves = [m for m in process.moves if m[0] == state]
            rows += [(patient, x, *m, t, min(t + wait, 6), seen and m[1] == to) for m in moves]
            t, state = t + wait, to
    frame = pl.DataFrame(
        rows, schema=["id", "x", "from_state", "to_state", "entry", "time", "event"], orient="row"
    )
    for clock in ("forward", "reset"):
        ours = transition_cox(frame, process, "x", clock=clock)
        assert ours.n == 80
        assert (ours.coef > -0.5).all()
        robust = transition_cox(frame, process, "x", clock=clock, robust=True)
        assert robust.variance == "robust"
        assert_close(robust.coef, ours.coef)
        hazards = ours.hazards(pl.DataFrame({"x": [0.0]}))
        assert hazards.keys == ("from_state", "to_state")


def test_one_effect_and_one_baseline_for_all():
    """With everything shared and proportional with ratios 1, the moves are one event."""
    dead = ROWS.filter(to_state="dead")
    two = Transitions({"well": ["ill", "dead"], "ill": ["dead"]})
    ours = transition_cox(
        ROWS, two, "x", shared={"x": [WELL_DEAD, ILL_DEAD]}, proportional=[WELL_DEAD, ILL_DEAD]
    )
    assert ours.columns == (
        "x: well → ill", "x: well → dead, ill → dead", "ill → dead against well → dead"
    )  # fmt: skip
    alone = cox(
        dead.with_columns(ill=pl.col("from_state") == "ill"), "x + ill", time="time", event="event",
        entry="entry", ties="breslow",
    )  # fmt: skip
    assert_close(ours.coef[1:], alone.coef, rel=1e-8)
    assert_close(ours.cov[1:, 1:], alone.cov, rel=1e-8)


def test_terms_and_what_is_told_of_them():
    frame = ROWS.with_columns(g=pl.Series(np.array(list("abc"))[ROWS["id"].to_numpy() % 3]))
    ours = fit(frame, "x + g", shared=["x"], only={"g": [WELL_DEAD, "ill → dead"]})
    assert list(ours.terms) == ["x", "g: well → dead", "g: ill → dead"]
    assert ours.columns[1:3] == ("g[b]: well → dead", "g[c]: well → dead")
    assert ours.text("x").startswith("hazard ratio of x ")
    assert ours.text("g", move=ILL_DEAD) == ours.text("g: ill → dead")
    assert ours.text("g: ill → dead").startswith("ill → dead: hazard ratios: g[b]: ")
    assert ours.text("g[c]: ill → dead").startswith("ill → dead: hazard ratio of g[c] ")
    assert ours.text("x", label="a unit").startswith("hazard ratio of a unit ")
    assert ours.text("g").count("hazard ratios") == 2
    assert ours.text().startswith("hazard ratios: x: ")
    assert "x (one effect on all moves), g" in ours.methods()
    assert "Breslow ties, clock forward; well → ill, well → dead, ill → dead" in ours.methods()
    assert_close(contrast(ours.of_move(WELL_DEAD), {"g": "c"}, {"g": "b"}).estimate,
                 [ours.coef[2] - ours.coef[1]])  # fmt: skip
    assert ours.of_move(WELL_ILL).columns == ("x",)
    slim = ours.slim()
    assert slim.to_frame().equals(ours.to_frame())
    assert slim.text("x") == ours.text("x")
    assert "on x, g: well → dead, g: ill → dead" in slim.methods()
    part = fit(shared={"x": [WELL_ILL, WELL_DEAD]}, strata="z")
    assert "x (shared: well → ill, well → dead)" in part.methods()
    assert "and stratified by z" in part.methods()
    ratio = fit(proportional=[[WELL_DEAD, ILL_DEAD]])
    assert "the ratio of baselines of ill → dead against well → dead" in ratio.methods()
    assert ratio.text("ill → dead against well → dead").startswith("hazard ratio of ill → dead against")
    none = fit(covariates=None)
    assert len(none.coef) == 0
    assert none.of_move(WELL_ILL).columns == ()
    assert "on " not in none.methods().partition("for each move")[2].partition("with 95%")[0]
    assert "on x" not in none.slim().methods()


def test_rows_of_tables_and_figures_count_those_of_the_move():
    frame = ROWS.with_columns(g=pl.Series(np.array(list("ab"))[ROWS["id"].to_numpy() % 2]))
    ours = fit(frame, "g + rcs(x, df=2)", shared=["rcs(x, df=2)"], proportional=[WELL_DEAD, ILL_DEAD])
    rows = effect_table(ours)
    ill = rows.filter(variable="g: ill → dead")
    own = of_move(frame, ILL_DEAD)
    assert ill["n"].to_list() == [own.filter(g=level).height for level in "ab"]
    assert ill["n_event"].sum() == own["event"].sum()
    assert ill["covariate"].to_list() == ["g", "g"]
    assert rows.filter(variable="rcs(x, df=2)")["n"].to_list() == [ours.n]
    numeric = effect_table(fit()).filter(variable="x: ill → dead")
    assert numeric.select("n", "n_event").row(0) == (own.height, own["event"].sum())
    table = str(regression_table(fit(), labels={"x": "Marker"}))
    assert "Marker: ill → dead" in table
    assert ours.nonlinearity()["term"].to_list() == ["rcs(x, df=2)"]
    ours.plot()


def test_checks_of_cox_models_work():
    ours, shared = fit(), fit(shared=["x"])
    assert_close(compare(shared, ours).statistic, 2 * (ours.log_likelihood - shared.log_likelihood))
    assert compare(shared, ours).df == 2
    tests = ph_test(ours).to_frame()
    for move in ILLNESS_DEATH.moves:  # with the same transform, a test for each move
        alone = cox(of_move(ROWS, move), "x", time="time", event="event", entry="entry", ties="breslow")
        one = ph_test(alone, transform="identity").to_frame()["statistic"][0]
        several = ph_test(ours, transform="identity").to_frame()
        found = several.filter(term=f"x: {' → '.join(move)}")["statistic"][0]
        assert_close(found, one, rel=1e-8)
    assert tests.height == 4
    assert ours.residuals().height == ROWS.height
    assert ours.tests()["df"].to_list() == [3.0, 3.0, 3.0]
    assert 0.5 < ours.concordance().to_frame()["estimate"][0] < 0.8


def test_rows_with_missing_values_are_counted():
    dropped = fit(ROWS.with_columns(x=pl.when(pl.col("id") < 5).then(None).otherwise("x")), missing="drop")
    assert dropped.n_dropped == ROWS.filter(pl.col("id") < 5).height
    assert "left out" in dropped.methods()


def test_refusals():
    def refused(*says, argument, **options):
        assert_refused(lambda: fit(**options), argument=argument, says=says)

    refused("'exact' is not", argument="ties", ties="exact")
    refused("'back' is not", argument="clock", clock="back")
    refused("a str was given", argument="shared", shared="x")
    refused("'y' is no term", argument="shared", shared=["y"])
    refused("a tuple was given", argument="shared", shared={"x": WELL_ILL})
    refused("group of a single move", argument="shared", shared={"x": [WELL_ILL]})
    refused("names a move twice", argument="shared", shared={"x": [WELL_ILL, WELL_ILL]})
    refused("a list was given", argument="only", only=["x"])
    refused("'ill → well'", "did you mean", argument="only", only={"x": ["ill → well"]})
    refused("('ill', 'well')", argument="only", only={"x": [("ill", "well")]})
    refused("a group of a single move", argument="proportional", proportional=[WELL_ILL])
    never = ROWS.with_columns(event=pl.col("event") & (pl.col("from_state") == "well"))
    assert_refused(
        lambda: fit(ROWS.filter(from_state="well")),
        argument="from_state",
        column="from_state",
        says=["nobody in the state 'ill'", "Transitions({...}) in which 'ill' is not left"],
    )
    assert_refused(
        lambda: fit(ROWS.filter(from_state="well").with_columns(event=pl.lit(False))),
        argument="event",
        column="event",
        says=["Try transitions.counts(rows)"],
    )
    assert_refused(
        lambda: fit(never), argument="covariates", says=["'x: ill → dead': ill → dead never happens"]
    )
    assert_refused(
        lambda: fit(never, only={"x": [WELL_ILL]}, proportional=[WELL_DEAD, ILL_DEAD]),
        argument="proportional",
        says=["compares with a move that never happens", "2 moves do"],
    )
    assert_refused(
        lambda: fit(ROWS.with_columns(late=(pl.col("from_state") == "ill") * pl.col("entry")), "x + late"),
        argument="covariates",
        says=["'late: well → ill'", "the same in all rows of the move", "only={'late': [...]}"],
    )
    unseen = ROWS.filter(pl.col("from_state") == "ill").with_columns(pl.lit(True).alias("event"))
    assert_refused(
        lambda: fit(pl.concat([ROWS, unseen.head(2).with_columns(pl.col("id") + 5000)]), clock="reset"),
        argument="entry",
        column="entry",
        rows=[ROWS.height + 1, ROWS.height + 2],
        says=["2 patients are seen first", "clock='forward'"],
    )
    assert_refused(
        lambda: transition_cox(
            ROWS.filter(from_state="well").with_columns(event=pl.lit(False)),
            Transitions({"well": ["ill", "dead"]}),
        ),
        argument="event",
        column="event",
        says=["there are no events"],
    )


def test_what_several_moves_do_not_have():
    ours = fit()
    for call, way_out in ((ours.baseline, "fit.hazards(new_data)"), (ours.curves, "fit.predict(new_data)"),
                          (ours.adjusted, "for stated patients")):  # fmt: skip
        assert_refused(call, argument="fit", says=["asked of a regression of several moves", way_out])
    assert_refused(lambda: contrast(ours, {"x": 1}, {"x": 0}), argument="at", says=["contrast(fit.of_move("])
    assert_refused(lambda: ours.of_move("well → well"), argument="move", says=["is no move"])
    assert_refused(lambda: ours.slim().of_move(WELL_ILL), argument="fit", says=["needs the design"])
    assert_refused(lambda: ours.text("y"), argument="term", says=["'y'"])


def test_monotone_likelihoods_and_many_coefficients_are_warned_of():
    alike = ROWS.with_columns(y=pl.col("event") & (pl.col("to_state") == "ill"))
    alike = alike.with_columns(y=pl.col("y").any().over("id").cast(pl.Int8))
    assert_warns(
        lambda: fit(alike, "x + y", only={"y": [WELL_ILL]}),
        argument="covariates",
        says=["'y: well → ill'", "infinity"],
    )
    few = ROWS.filter(pl.col("id") < 8)
    with (
        pytest.warns(DataWarning, match=r"9 coefficients were asked of .* shared="),
        pytest.raises(DataError),
    ):
        fit(few, "x + z + I(x**2)")
