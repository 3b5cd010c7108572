"""Signatures: honest where there is nothing to find, right where there is; refusals and warnings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import hemresearch as hem
from hemresearch.errors import DataError, DataWarning
from hemresearch.translational import signature


def expression(n: int, m: int, *, effect: float, seed: int) -> tuple[pl.DataFrame, np.ndarray, list[str]]:
    """Follow-up, and m features of which the first five have this log hazard ratio."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, m))
    death = rng.exponential(np.exp(-effect * x[:, :5].sum(axis=1)))
    end = rng.exponential(2, n)
    return pl.DataFrame({"t": np.minimum(death, end), "e": death < end}), x, [f"g{j}" for j in range(m)]


ROLES = {"time": "t", "event": "e"}


def test_of_noise_nothing_is_promised():
    reached, apparent = [], []
    for seed in range(6):
        data, x, names = expression(80, 500, effect=0.0, seed=seed)
        made = signature(data, names, matrix=x, **ROLES, folds=5)
        reached.append(made.validated.to_frame()["estimate"][0])
        with pytest.warns(DataWarning, match="the 80 rows are the patients that the score was made from"):
            score = made.predict(data, matrix=x, features=names)
        apparent.append(
            hem.regression.concordance(data.with_columns(score), score="score", **ROLES).to_frame()[
                "estimate"
            ][0]
        )
    assert np.mean(reached) == pytest.approx(0.5, abs=0.04)
    assert np.mean(apparent) > 0.75  # what selection outside of the validation would have shown


def test_validation_foretells_other_patients():
    data, x, names = expression(200, 300, effect=0.5, seed=1)
    made = signature(data, names, matrix=x, n_features=5, **ROLES, repeats=2)
    assert len(set(made.to_frame()["feature"]) & set(names[:5])) >= 4
    other, y, _ = expression(2000, 300, effect=0.5, seed=2)
    score = made.predict(other, matrix=y, features=names)
    reached = hem.regression.concordance(other.with_columns(score), score="score", **ROLES).to_frame()[
        "estimate"
    ][0]
    row = made.validated.to_frame().row(0, named=True)
    assert row["estimate"] == pytest.approx(reached, abs=0.04)
    assert row["conf_low"] < reached < row["conf_high"]


def test_scores_and_weights_are_those_of_one_cox_model_each():
    data, x, names = expression(60, 8, effect=0.6, seed=3)
    data = data.with_columns(**dict(zip(names, x.T, strict=True)))
    made = signature(data, names, n_features=3, **ROLES, folds=3)
    screened = hem.translational.screen(data, names, **ROLES)
    frame = made.to_frame()
    assert frame["feature"].to_list() == screened.top(3)["feature"].to_list()
    own = screened.top(3)
    np.testing.assert_allclose(frame["weight"] / frame["sd"], own["estimate"], rtol=1e-9)
    score = made.predict(data.head(7))
    by_hand = sum(
        (data[f][:7] - data[f].mean()) / data[f].std() * w
        for f, w in frame.select("feature", "weight").rows()
    )
    np.testing.assert_allclose(score, by_hand, rtol=1e-9)


def test_a_feature_that_orders_the_events_is_no_worse_for_it():
    """Its ratio is infinite; Newton's first step gives it a weight."""
    rng = np.random.default_rng(8)
    time, event = rng.exponential(size=80) + 0.01 * np.arange(80), rng.random(80) < 0.6
    data = pl.DataFrame(
        {"t": time, "e": event, "perfect": -time, **{f"g{j}": rng.normal(size=80) for j in range(9)}}
    )
    names = ["perfect", *(f"g{j}" for j in range(9))]
    found = signature(data, names, time="t", event="e", n_features=2, folds=4)
    assert found.to_frame()["feature"][0] == "perfect"
    assert found.to_frame()["selected"][0] == 1
    later = [-time[time >= t] for t in time[event]]
    score = sum(-t - x.mean() for t, x in zip(time[event], later, strict=True))
    step = score / sum(x.var() for x in later) * data["perfect"].std()
    assert found.to_frame()["weight"][0] == pytest.approx(step)
    assert found.validated.to_frame()["estimate"][0] > 0.9


def test_what_was_offered_is_told_whatever_was_chosen():
    data = pl.DataFrame(
        {"t": np.arange(1.0, 41), "e": [True] * 40, "a": np.arange(40) % 7, "b": np.arange(40) % 3}
    )
    found = signature(data, ["a", "b"], time="t", event="e", n_features=[1, 2], folds=4)
    assert "inner cross-validation" in found.methods()
    alone = signature(data, ["a", "b"], time="t", event="e", n_features=1, folds=4)
    assert "inner cross-validation" not in alone.methods()


def test_a_part_is_scored_without_itself():
    data, x, names = expression(40, 6, effect=0.5, seed=4)
    made = signature(data, names, matrix=x, n_features=2, **ROLES, folds=4)
    left_out = made.out_of_fold.filter(fold=1)["row"].to_numpy()
    assert len(left_out) == 10
    spoilt = x.copy()
    kept = np.setdiff1d(np.arange(40), left_out)
    rest = signature(data[kept], names, matrix=x[kept], n_features=2, **ROLES, folds=2)
    score = rest.predict(data[left_out], matrix=spoilt[left_out], features=names)
    np.testing.assert_allclose(score, made.out_of_fold.filter(fold=1)["score"], rtol=1e-9)


def test_the_number_of_features_is_chosen_inside():
    data, x, names = expression(150, 60, effect=0.6, seed=5)
    made = signature(data, names, matrix=x, n_features=[1, 5, 40], **ROLES, folds=4)
    assert len(made.sizes) == 4
    assert set(made.sizes) <= {1, 5, 40}
    assert made.to_frame().height in (5, 40)
    assert ("inner cross-validation" in made.methods()) == (len(set(made.sizes)) > 1)


def test_the_seed_decides_and_rows_without_outcome_go():
    data, x, names = expression(60, 10, effect=0.5, seed=6)
    made = [
        signature(data, names, matrix=x, n_features=2, **ROLES, seed=s).validated.to_frame()
        for s in (1, 1, 2)
    ]
    assert made[0].equals(made[1])
    assert not made[0].equals(made[2])
    short = data.with_columns(t=pl.when(pl.int_range(60) > 2).then("t"))
    dropped = signature(short.lazy(), names, matrix=x, n_features=2, **ROLES, missing="drop")
    assert dropped.n == 57
    assert dropped.out_of_fold["row"].to_list() == list(range(3, 60))
    assert dropped.validated.to_frame().equals(
        signature(data[3:], names, matrix=x[3:], n_features=2, **ROLES).validated.to_frame()
    )


def test_the_result_tells_itself():
    data, x, names = expression(60, 10, effect=0.5, seed=7)
    made = signature(data, names, matrix=x, n_features=6, **ROLES)
    row = made.validated.to_frame().row(0, named=True)
    assert made.summary().select("n_candidates", "n_features", "n", "folds", "repeats").row(0) == (
        10,
        6,
        60,
        10,
        1,
    )
    assert made.summary()["concordance"][0] == row["estimate"]
    assert made.text().startswith("a score of 6 of 10 features had a cross-validated concordance of 0.")
    assert "all of the selection inside" in made.methods()
    assert repr(made).splitlines()[-2] == "  and 1 more"


REFUSED = {
    "no number": ({"n_features": "ten"}, "n_features: 'ten'"),
    "none": ({"n_features": []}, "n_features: None"),
    "half": ({"n_features": 2.5}, "n_features: 2.5"),
    "one part": ({"folds": 1}, "folds: 1"),
    "no repeat": ({"repeats": 0}, "repeats: 0"),
    "too many": ({"n_features": 9}, "9 of 5 features were asked for"),
    "few events": ({"folds": 25}, "for 25 parts with two events"),
    "no events": ({"event": "never"}, "there are no events"),
    "a level": ({"conf_level": 2}, "conf_level"),
    "missing": ({"features": ["g0", "gap"]}, "1 feature with missing values"),
    "constant": (
        {"features": ["g0", "same"], "n_features": 2},
        "2 were asked for, and 1 of 2 have an estimate",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    given, message = REFUSED[name]
    data, x, names = expression(40, 5, effect=0.3, seed=8)
    data = data.with_columns(**dict(zip(names, x.T, strict=True)), never=False, same=1.0)
    data = data.with_columns(gap=pl.when(pl.col("t") > data["t"].min()).then("g0"))
    with pytest.raises(DataError, match=message):
        signature(data, **{"features": names, **ROLES, "n_features": 2, **given})


def test_new_patients_must_have_the_features():
    data, x, names = expression(40, 5, effect=0.3, seed=8)
    made = signature(data, names, matrix=x, n_features=2, **ROLES, folds=4)
    with pytest.raises(DataError, match="not in the data"):
        made.predict(data)
    gaps = pl.DataFrame({name: [None, 1.0] for name in names})
    with pytest.raises(DataError, match="missing values"):
        made.predict(gaps)
    other = [f"other{j}" for j in range(5)]
    with pytest.raises(DataError, match="2 features of the score not among them"):
        made.predict(data, matrix=x, features=other)
